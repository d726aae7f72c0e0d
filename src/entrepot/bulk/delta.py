"""Delta first: what of a file has to be looked at, and what stays as the last run found it. No database in here.

A line is looked at when its hash is new, when it stands another number of times than before, or when its SKU is that of
a line that came, went or was repeated otherwise: then the SKU may be repeated now, or no longer. All other rules look
at one line alone, so every other verdict stands, and its rejects are told again as they were.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from entrepot.bulk import rejects
from entrepot.bulk.hashes import Key, nothing_known
from entrepot.bulk.plan import Checker
from entrepot.bulk.reading import Source
from entrepot.bulk.rejects import Pair, Rejects
from entrepot.bulk.rules import REPEATED, reject

if TYPE_CHECKING:
    import polars as pl


BATCH_BYTES = 24 * 2**20
LOOKED_UP_SHARE = 4  # fewer than one in so many are looked up, more are merged


class Sink(Protocol):
    """Where accepted offers go, slice by slice."""

    def take(self, offers: "pl.DataFrame") -> None:
        """Columns: `row`, `hash`, and plan.OFFER."""
        ...

    def drop(self, rows: Sequence[int]) -> None:
        """These rows are not to be taken after all."""
        ...


@dataclass(frozen=True, slots=True)
class Before:
    """What the last run left: its lines, and by hash why some were rejected (as of the first row of each line)."""

    lines: "pl.DataFrame" = field(default_factory=nothing_known)
    rejects: Sequence[Pair] = ()


@dataclass(frozen=True, slots=True)
class After:
    """What a run found. `absent`: SKUs known before, of which the file has no row; `nameless`: rows whose SKU cannot be read."""

    read: int
    changed: int
    rejects: Rejects
    absent: Sequence[str]
    nameless: int
    lines: "pl.DataFrame"

    @property
    def rejected(self) -> int:
        return self.rejects.rows

    def known(self, *, ended: bool) -> "pl.DataFrame":
        """The set to keep; without what was absent once that has ended."""
        import polars as pl

        return self.lines.filter(pl.col("times") > 0) if ended and (self.lines["times"] == 0).any() else self.lines


def compare(
    source: Source, checker: Checker, key: Key, before: Before, sink: Sink, told: Callable[[int], None] = lambda rows: None
) -> After:  # fmt: skip
    """One run over a file. `told`: how many rows have been read so far."""
    import polars as pl

    look, lines = _Look(checker, sink), before.lines
    known = lines["hash"].drop_nulls().sort()
    read = 0
    seen = [pl.DataFrame(schema={"row": pl.UInt32, "hash": pl.UInt64})]
    for part in _hashed(source, key):
        seen.append(part.select("row", "hash"))
        look.at(_of(part, _unknown(part["hash"], known)))
        read += part.height
        told(read)
    rows = pl.concat(seen)
    met = _Met(rows["hash"].sort())
    touched = _touched(lines, known, met, look.keys())
    again = touched.filter(pl.col("again"))["hash"].unique()
    if again.len():
        for part in _hashed(source, key):
            look.at(_of(part, again))
    keys = look.keys()
    look.repeated(keys)
    absent = _absent(touched, keys)
    stays = _stays(lines, touched, keys, absent, met)
    return After(
        read=read,
        changed=keys.height,
        rejects=rejects.by_row(*look.rejects, rejects.remembered(rejects.frame_of(before.rejects), again, rows)),
        absent=absent["sku"].unique().sort().to_list(),
        nameless=stays.filter((pl.col("sku") == "") & (pl.col("times") > 0)).height,
        lines=stays,
    )


class _Look:
    """What is looked at in this run, and what was found."""

    def __init__(self, checker: Checker, sink: Sink) -> None:
        self._checker, self._sink = checker, sink
        self._waiting: list[pl.DataFrame] = []
        self._waiting_bytes = 0.0
        self._keys: list[pl.DataFrame] = []
        self.rejects: list[pl.DataFrame] = []

    def at(self, records: "pl.DataFrame") -> None:
        """Judged when there are enough of them: rules are laid out anew for each frame, however short it is."""
        if records.height:
            self._waiting.append(records)
            self._waiting_bytes += records.estimated_size()
        if self._waiting_bytes > BATCH_BYTES:
            self._judge()

    def _judge(self) -> None:
        import polars as pl

        if not self._waiting:
            return
        checked = self._checker.check(pl.concat(self._waiting))
        self._waiting, self._waiting_bytes = [], 0
        self._keys.append(checked.keys)
        self.rejects.append(checked.rejects.frame)
        if checked.accepted.height:
            self._sink.take(checked.accepted)

    def keys(self) -> "pl.DataFrame":
        """Of all rows that were looked at so far."""
        import polars as pl

        self._judge()
        schema = {"row": pl.UInt32, "hash": pl.UInt64, "sku": pl.String}
        return pl.concat(self._keys) if self._keys else pl.DataFrame(schema=schema)

    def repeated(self, keys: "pl.DataFrame") -> None:
        """Nobody can say which of several rows of one SKU counts: none does."""
        import polars as pl

        suspect = _repeated(keys["sku"].hash())
        named = keys.filter(pl.col("sku").hash().is_in(suspect.implode()) & (pl.col("sku") != "")) if suspect.len() else keys.clear()  # fmt: skip
        repeated = named.with_columns(pl.len().over("sku").alias("times")).filter(pl.col("times") > 1).sort("row")
        if repeated.height:
            book = self._checker.book
            told = [(hash_, reject(book, REPEATED, {"sku": sku}, row, times)) for row, hash_, sku, times in repeated.iter_rows()]  # fmt: skip
            self.rejects.append(rejects.frame_of(told))
            self._sink.drop(repeated["row"].to_list())


_SIDES: tuple[Literal["right", "left"], ...] = ("right", "left")


class _Met:
    """How often a line stands in this file."""

    def __init__(self, sorted_: "pl.Series") -> None:
        self._sorted = sorted_
        self.repeated = _repeated(sorted_)

    def counted(self, lines: "pl.DataFrame") -> "pl.DataFrame":
        """With `now`; 0 where only the SKU is known."""
        import polars as pl

        last, first = (self._sorted.search_sorted(lines["hash"], side=side) for side in _SIDES)
        return lines.with_columns((last - first).cast(pl.UInt32).set(lines["hash"].is_null(), 0).alias("now"))

    def lacks(self, known: "pl.Series") -> "pl.Series":
        """Of sorted hashes those that are not in the file."""
        return _lacking(known, self._sorted)


def _hashed(source: Source, key: Key) -> "Iterator[pl.DataFrame]":
    import polars as pl

    for part in source.slices():
        yield part.with_columns(key.hashed(pl.col("line")).alias("hash"))


def _unknown(hashes: "pl.Series", known: "pl.Series") -> "pl.Series | None":
    """Which are new; None: all. Both sides sorted, which costs less than a table of hashes (a fifth, measured)."""
    return _lacking(hashes.sort(), known) if known.len() else None


def _of(part: "pl.DataFrame", hashes: "pl.Series | None") -> "pl.DataFrame":
    import polars as pl

    return part if hashes is None else part.filter(pl.col("hash").is_in(hashes.implode()))


def _lacking(these: "pl.Series", those: "pl.Series") -> "pl.Series":
    """Which of these are not among those; both sorted. A few are looked up, so that a file in many slices takes no longer than in one."""
    import polars as pl

    if not those.len():
        return these
    if these.len() < those.len() // LOOKED_UP_SHARE:
        at = those.search_sorted(these, side="left")
        return these.filter(those.gather(at.clip(upper_bound=those.len() - 1)) != these)
    left, right = pl.DataFrame({"these": these.set_sorted()}), pl.DataFrame({"those": those.set_sorted()})
    met = left.join_asof(right, left_on="these", right_on="those", coalesce=False)
    return met.filter(pl.col("those").is_null() | (pl.col("these") != pl.col("those")))["these"]


def _repeated(hashes: "pl.Series") -> "pl.Series":
    """Those that stand there twice or more often."""
    sorted_ = hashes.sort()  # at once where it is sorted
    return sorted_.filter((sorted_ == sorted_.shift(1)).fill_null(value=False)).unique()


def _touched(lines: "pl.DataFrame", known: "pl.Series", met: _Met, fresh: "pl.DataFrame") -> "pl.DataFrame":
    """Known lines that may not stay as they were, with `at` (place in the set), `now` (times in this file) and `again` (look once more)."""
    import polars as pl

    numbered = lines.with_row_index("at")
    if not known.len():  # no line is known: whatever was there is met by its SKU alone
        return numbered.with_columns(pl.lit(0, pl.UInt32).alias("now"), pl.lit(value=False).alias("again"))
    other = pl.concat([met.lacks(known), met.repeated, lines.filter(pl.col("times") != 1)["hash"].drop_nulls()])
    differs = pl.col("hash").is_in(other.implode()).fill_null(value=True)
    suspect = met.counted(numbered.filter(differs))
    skus = pl.concat([fresh["sku"], suspect.filter(pl.col("now") != pl.col("times"))["sku"]]).unique()
    named = pl.col("sku").is_in(skus.implode()) & (pl.col("sku") != "")
    more = met.counted(numbered.filter(named & ~differs))
    changed = (pl.col("now") != pl.col("times")) | named
    return pl.concat([suspect, more]).with_columns(((pl.col("now") > 0) & changed).alias("again"))


def _absent(touched: "pl.DataFrame", keys: "pl.DataFrame") -> "pl.DataFrame":
    """Lines that went, of SKUs that have no other line: those that stay have other SKUs, or they would have been touched."""
    import polars as pl

    gone = touched.filter((pl.col("now") == 0) & (pl.col("sku") != ""))
    return gone.filter(~pl.col("sku").is_in(keys["sku"].implode())) if gone.height else gone


def _stays(
    lines: "pl.DataFrame", touched: "pl.DataFrame", keys: "pl.DataFrame", absent: "pl.DataFrame", met: _Met
) -> "pl.DataFrame":
    """What the next file is compared with."""
    import polars as pl

    left = touched.filter((pl.col("now") == 0) | pl.col("again"))["at"]
    kept = lines
    if left.len():
        stays = pl.Series([True]).new_from_index(0, lines.height).scatter(left, False)
        kept = lines.filter(stays)
    looked = keys.select("hash", "sku", pl.lit(1, pl.UInt32).alias("times"))
    if met.repeated.len():
        looked = keys.group_by("hash", "sku", maintain_order=True).agg(pl.len().cast(pl.UInt32).alias("times"))
    gone = absent.select("hash", "sku", pl.lit(0, pl.UInt32).alias("times"))
    return pl.concat([part for part in (kept, looked, gone) if part.height] or [kept])
