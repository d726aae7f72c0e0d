"""One seller's file into his offers: compared with the last one, validated where it differs, written in one transaction.

One transaction, not one per slice: a kill leaves nothing behind, so a restart is the same run again; a SKU repeated in
the last slice still stops its row of the first; and nobody ever sees half a price list. Slices bound the memory: accepted
rows wait beside it (staging.py). The set of line hashes is written before the commit, under a name nobody else has;
only the commit makes it count. A second run for the same seller meanwhile is turned away (Busy).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entrepot.blueprint.model import Plan
from entrepot.bulk import following, hashes, returns_store, store
from entrepot.bulk.delta import After, Before, compare
from entrepot.bulk.following import Applied
from entrepot.bulk.hashes import Key, SetFile
from entrepot.bulk.mapping import FieldMap, digest_of
from entrepot.bulk.plan import Checked, Checker
from entrepot.bulk.reading import Source
from entrepot.bulk.rejects import Rejects, frame_of
from entrepot.bulk.rules import Reject, Rulebook
from entrepot.bulk.staging import Staged
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.store.locks import lock_root

if TYPE_CHECKING:
    import polars as pl

ENDING_PERCENT_MAX = 20  # of the live offers; a file that leaves out more is taken for half a file
ENDING_ALWAYS = 10  # as few as these may always end
FOLDER = "feeds"  # in the state folder


@dataclass(frozen=True, slots=True)
class Feed:
    """Whose file it is and how it is to be read. `folder`: where sets of hashes are kept. `complete`: what it lacks has ended.

    `plan`: whose ownership is asked, and whose failure modes become cases; without one the file is only taken in.
    """

    account: str
    seller: str
    mapping: FieldMap
    book: Rulebook
    folder: Path
    complete: bool = False
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What one run did. `same_as`: the name of the file that had this content already; `refused`: why nothing was ended, `case`: under
    which number that is somebody's to decide. `kept`: how many values stayed out, being not the seller's to set."""

    file_id: str
    name: str
    version: int
    read: int
    unchanged: int
    changed: int
    inserted: int
    updated: int
    ended: int
    rejected: int
    absent: int
    compared: bool
    rejects: Sequence[Reject]
    same_as: str = ""
    refused: str = ""
    case: int = 0
    kept: int = 0


def take_in(
    ctx: Ctx,
    source: Source,
    feed: Feed,
    told: Callable[[int], None] = lambda rows: None,
    also: Callable[[Conn, Report], None] = lambda conn, report: None,
) -> Report:
    """Apply one file. `also`: what commits with it. Errors: Busy while another file of this seller is applied; Unreadable."""
    feed.mapping.places(source.layout.header)
    key = key_of(source, feed)
    digest = source.digest
    with ctx.db.transaction() as conn:
        lock_root(conn, f"feed {feed.account} {feed.seller}")
        last = store.current(conn, feed.account, feed.seller)
        if last and _said_before(last, digest, key, feed):
            found = _same(conn, source, last)
            also(conn, found)
            return found
        store.stage(conn)
        before, compared = _before(conn, feed, last, key)
        ctx.point("bulk.compared")
        checker = (Watching if feed.plan else Checker)(source.layout, feed.mapping, feed.book)
        staged = Staged(_folder(feed))
        after = compare(source, checker, key, before, staged, told)
        ctx.point("bulk.staged")
        at = ctx.clock.now()
        report = _apply(ctx, conn, source, feed, after, compared, staged, at)
        kept = hashes.keep(_folder(feed), report.file_id, after.known(ended=feed.complete and not report.refused))
        store.applied(conn, _row(ctx, source, feed, key, digest, report, kept, at))
        if feed.plan is not None and isinstance(checker, Watching):
            lines = _lines(conn, source, feed, after, checker)
            report = _follow(ctx, conn, feed.plan, feed, report, lines, at)
        hashes.clear(_folder(feed), [kept.name, last["set_name"] if last else ""])  # while nobody else writes there
        also(conn, report)
        ctx.point("bulk.before-commit")
    return report


@dataclass(frozen=True, slots=True)
class Watching(Checker):
    """Keeps rejected lines as the seller wrote them, while they pass by."""

    lines: dict[int, str] = field(default_factory=dict)

    def check(self, records: "pl.DataFrame") -> Checked:
        import polars as pl

        checked = Checker.check(self, records)
        wanted = checked.rejects.frame["hash"]
        if wanted.len():
            self.lines.update(records.filter(pl.col("hash").is_in(wanted.implode())).select("hash", "line").iter_rows())
        return checked


def key_of(source: Source, feed: Feed) -> Key:
    """What the hashes of this file depend on."""
    layout = [source.layout.encoding, source.layout.delimiter, source.layout.header]
    return Key.of(rules=feed.book.hash, mapping=feed.mapping.hash, layout=layout)


def _folder(feed: Feed) -> Path:
    """Names of accounts and sellers are no file names; their digest is."""
    return feed.folder / FOLDER / digest_of([feed.account, feed.seller])


def _said_before(last: Row, digest: str, key: Key, feed: Feed) -> bool:
    """The very content that counts already, under the same rules; and nothing is left to end."""
    done = last["complete"] or not feed.complete
    return bool(last["digest"] == digest and last["key"] == key.name and done and last["state"] == "applied")


def _same(conn: Conn, source: Source, last: Row) -> Report:
    found = [one for _, one in store.rejects(conn, last["account"], last["seller"])]
    return Report(
        last["id"], source.path.name, last["version"], read=last["rows_read"], unchanged=last["rows_read"], changed=0,
        inserted=0, updated=0, ended=0, rejected=last["rows_rejected"], absent=last["absent"], compared=True, rejects=found,
        same_as=f"{last['name']}, version {last['version']}",
    )  # fmt: skip


def _before(conn: Conn, feed: Feed, last: Row | None, key: Key) -> tuple[Before, bool]:
    """What the last run left, where it was judged by the same key and is whole; else only which SKUs live."""
    import polars as pl

    if last and last["key"] == key.name:
        lines = hashes.known(_folder(feed), SetFile(last["set_name"], last["set_digest"]))
        if lines is not None:
            return Before(lines, _once(store.rejects(conn, feed.account, feed.seller))), True
    skus = pl.Series(store.live_skus(conn, feed.account, feed.seller), dtype=pl.String)
    columns: dict[str, Any] = {"hash": None, "sku": skus, "times": 0}
    return Before(pl.DataFrame(columns, schema=hashes.nothing_known().schema)), False


def _once(found: Rejects) -> Rejects:
    """A line that stood in several rows was told in each of them: remembered from the first."""
    import polars as pl

    return Rejects(found.frame.filter(pl.col("row") == pl.col("row").min().over("hash")))


def _apply(
    ctx: Ctx, conn: Conn, source: Source, feed: Feed, after: After, compared: bool, staged: Staged, at: datetime
) -> Report:
    file_id = ctx.ids.new("file")
    refused = _ending_refused(conn, feed, after)
    written = store.merge(conn, feed.account, feed.seller, file_id, at, staged.offers())
    may_end = feed.complete and not refused
    ended = store.end(conn, feed.account, feed.seller, after.absent if may_end else (), file_id, at)
    store.replace_rejects(conn, feed.account, feed.seller, after.rejects)
    return Report(
        file_id=file_id,
        name=source.path.name,
        version=store.next_version(conn, feed.account, feed.seller, source.path.name),
        read=after.read,
        unchanged=after.read - after.changed,
        changed=after.changed,
        inserted=written.inserted,
        updated=written.updated,
        ended=ended,
        rejected=after.rejected,
        absent=len(after.absent),
        compared=compared,
        rejects=[one for _, one in after.rejects],
        refused=refused,
    )


def _lines(conn: Conn, source: Source, feed: Feed, after: After, checker: Watching) -> Mapping[int, str]:
    """Rejected lines that are not kept yet. One that only turned out to be repeated passed by as good: the file is read for it once more."""
    import polars as pl

    hash_of = dict(frame_of(after.rejects).select("row", "hash").iter_rows())
    wanted = set(hash_of.values())
    missing = wanted - checker.lines.keys() - returns_store.known_lines(conn, feed.account, feed.seller)
    found = {hash_: line for hash_, line in checker.lines.items() if hash_ in wanted}
    if missing:
        rows = pl.Series([row for row, hash_ in hash_of.items() if hash_ in missing], dtype=pl.UInt32)
        for part in source.slices():
            for row, line in part.filter(pl.col("row").is_in(rows.implode())).select("row", "line").iter_rows():
                found[hash_of[row]] = line
    return {hash_: line.replace("\x00", "\ufffd") for hash_, line in found.items()}


def _follow(
    ctx: Ctx, conn: Conn, plan: Plan, feed: Feed, report: Report, lines: Mapping[int, str], at: datetime
) -> Report:
    """What counts, what is to go out, what goes back: in this transaction, by the plan."""
    wrote = bool(report.inserted or report.updated or report.ended)
    applied = Applied(
        report.file_id, report.name, feed.account, feed.seller, feed.complete, report.refused, at, wrote, lines
    )  # fmt: skip
    followed = following.follow(conn, ctx, plan, applied)
    ctx.point("bulk.followed")
    return replace(report, case=followed.case, kept=sum(one.offers for one in followed.kept))


def _ending_refused(conn: Conn, feed: Feed, after: After) -> str:
    """A half-empty file never wipes a catalog; nor does one in which an offer may hide in a row that cannot be read."""
    if not feed.complete or not after.absent:
        return ""
    if after.nameless:
        return (
            f"{after.nameless} rows name no SKU: any of the {len(after.absent)} offers that are missing may stand there"
        )
    if len(after.absent) <= ENDING_ALWAYS:
        return ""
    needed = -(-len(after.absent) * 100 // ENDING_PERCENT_MAX)
    if store.live_count(conn, feed.account, feed.seller, up_to=needed) < needed:
        live = store.live_count(conn, feed.account, feed.seller)
        return f"{len(after.absent)} of {live} live offers are missing, more than {ENDING_PERCENT_MAX} %: it is taken for half a file"
    return ""


def _row(
    ctx: Ctx, source: Source, feed: Feed, key: Key, digest: str, report: Report, kept: SetFile, at: datetime
) -> Mapping[str, Any]:
    return {
        "id": report.file_id,
        "account": feed.account,
        "seller": feed.seller,
        "name": report.name,
        "version": report.version,
        "digest": digest,
        "key": key.name,
        "rules_hash": feed.book.hash,
        "mapping_hash": feed.mapping.hash,
        "encoding": source.layout.encoding,
        "delimiter": source.layout.delimiter,
        "header": list(source.layout.header),
        "columns": {name: feed.mapping.columns[name] for name in source.layout.header if name in feed.mapping.columns},
        "complete": feed.complete,
        "compared": report.compared,
        "state": "ending-refused" if report.refused else "applied",
        "rows_read": report.read,
        "rows_changed": report.changed,
        "rows_rejected": report.rejected,
        "inserted": report.inserted,
        "updated": report.updated,
        "ended": report.ended,
        "absent": report.absent,
        "set_name": kept.name,
        "set_digest": kept.digest,
        "applied_at": at,
        "plan_hash": ctx.plan_hash,
    }
