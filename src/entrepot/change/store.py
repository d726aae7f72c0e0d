"""SQL of plan versions, their history, and what mappings changed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from entrepot.change.mapping import Use
from entrepot.change.model import Change, ChangeKind, Source, Version
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.store.bulk import insert_rows

CHANGES_SHOWN_MAX = 200


def in_force(conn: Conn) -> Version | None:
    """The plan the hub runs by; None before the first one came into force."""
    row = conn.execute(
        "SELECT v.* FROM installation i JOIN plan_version v ON v.hash = i.plan_hash WHERE EXISTS (SELECT FROM plan_change)"
    ).fetchone()
    return _version(row) if row else None


def hash_in_force(conn: Conn, *, for_change: bool = False) -> str:
    """`for_change`: nobody else changes it until this transaction ends. Else nobody does while others read along."""
    lock = "FOR UPDATE" if for_change else "FOR SHARE"
    row = conn.execute(f"SELECT plan_hash FROM installation {lock}").fetchone()
    return str(row["plan_hash"]) if row else ""


def any_change(conn: Conn) -> bool:
    return conn.execute("SELECT 1 FROM plan_change LIMIT 1").fetchone() is not None


def version(conn: Conn, hash_: str) -> Version | None:
    row = conn.execute("SELECT * FROM plan_version WHERE hash = %s", (hash_,)).fetchone()
    return _version(row) if row else None


def versions_like(conn: Conn, beginning: str) -> list[Version]:
    """Plans whose hash begins so; two are enough to know that a beginning is not enough."""
    rows = conn.execute(
        "SELECT * FROM plan_version WHERE starts_with(hash, %s) ORDER BY first_seen_at, hash LIMIT 2", (beginning,)
    ).fetchall()
    return [_version(row) for row in rows]


def _version(row: Row) -> Version:
    files = dict(row["files"])  # the first one first
    return Version(row["hash"], files, row["content"], row["first_seen_at"])


def hold_planned(conn: Conn, flows: Sequence[str], note: str) -> list[Row]:
    """What these flows have promised and not sent waits for a person from now on, the oldest first.

    One that is being claimed this moment is waited for: it is sent, or it is ours. What is under way or unclear is finished
    and read back; should it come back undone, it waits like the others (outbox/store.py, `settle`).
    """
    conn.execute(
        "UPDATE effect SET hold_on_return = true WHERE state IN ('sending', 'unknown') AND flow = ANY(%s)",
        (list(flows),),
    )
    rows = conn.execute(
        "UPDATE effect SET state = 'advised', note = %s WHERE state = 'planned' AND flow = ANY(%s) RETURNING *",
        (note, list(flows)),
    ).fetchall()
    return sorted(rows, key=lambda row: int(row["seq"]))


def release_held(conn: Conn, flows: Sequence[str]) -> None:
    """These flows advise no more: what is still under way comes back as it would have before."""
    conn.execute("UPDATE effect SET hold_on_return = false WHERE hold_on_return AND flow = ANY(%s)", (list(flows),))


def keep(conn: Conn, source: Source, at: datetime) -> None:
    row = {
        "hash": source.hash,
        "files": [list(one) for one in source.files.items()],
        "content": dict(source.content),
        "first_seen_at": at,
    }
    insert_rows(conn, "plan_version", [row], on_conflict="ON CONFLICT (hash) DO NOTHING")


def put_in_force(conn: Conn, kind: ChangeKind, hash_: str, before: str, by: str, reason: str, at: datetime) -> bool:
    """Add the line to the history and point the installation at it; False when a first plan is there already."""
    row = {"kind": kind.value, "hash": hash_, "before": before, "by": by, "reason": reason, "at": at}
    again = "ON CONFLICT (kind) WHERE kind = 'first' DO NOTHING"
    if not insert_rows(conn, "plan_change", [row], on_conflict=again, returning="seq"):
        return False
    conn.execute("UPDATE installation SET plan_hash = %s", (hash_,))
    return True


def changes(conn: Conn, limit: int = CHANGES_SHOWN_MAX) -> list[Change]:
    """The history, newest first."""
    rows = conn.execute("SELECT * FROM plan_change ORDER BY seq DESC LIMIT %s", (limit,)).fetchall()
    return [_change(row) for row in rows]


def change(conn: Conn, seq: int) -> Change | None:
    row = conn.execute("SELECT * FROM plan_change WHERE seq = %s", (seq,)).fetchone()
    return _change(row) if row else None


def changes_after(conn: Conn, hash_: str) -> list[Change]:
    """Everything since a plan was last in force, oldest first: the change that ended it, and those that followed."""
    rows = conn.execute(
        "SELECT * FROM plan_change WHERE seq > (SELECT max(seq) FROM plan_change WHERE hash = %s) ORDER BY seq",
        (hash_,),
    ).fetchall()
    return [_change(row) for row in rows]


def _change(row: Row) -> Change:
    return Change(**{**row, "kind": ChangeKind(row["kind"])})


# ── what mappings changed ────────────────────────────────────────────────────────────────────────────────────


def record_uses(conn: Conn, ctx: Ctx, uses: Sequence[Use]) -> None:
    """In the transaction that used them; the same use of the same message again is the same row."""
    rows = [{**asdict(use), "at": ctx.clock.now(), "plan_hash": ctx.plan_hash} for use in dict.fromkeys(uses)]
    once = "(message_id, mapping, field, theirs, ours, plan_hash, effect_key)"
    insert_rows(conn, "mapping_use", rows, on_conflict=f"ON CONFLICT {once} DO NOTHING")


def uses_under(conn: Conn, hashes: Sequence[str], since: datetime, limit: int) -> list[Row]:
    """What was changed under these plans since then, oldest first."""
    return conn.execute(
        "SELECT * FROM mapping_use WHERE plan_hash = ANY(%s) AND at >= %s ORDER BY seq LIMIT %s",
        (list(hashes), since, limit),
    ).fetchall()


def uses_of_messages(conn: Conn, message_ids: Sequence[str]) -> Mapping[str, list[Row]]:
    """By message, oldest first."""
    found: dict[str, list[Row]] = {}
    for row in conn.execute(
        "SELECT * FROM mapping_use WHERE message_id = ANY(%s) ORDER BY seq", (list(message_ids),)
    ).fetchall():
        found.setdefault(row["message_id"], []).append(row)
    return found
