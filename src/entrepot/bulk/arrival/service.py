"""Moves of arrivals, each in one transaction: sent and kept, seen in a folder, fetched, read, refused, read again."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entrepot.bulk.arrival import store
from entrepot.bulk.arrival.keeping import Incoming, Whole, file_name
from entrepot.bulk.arrival.looking import Move
from entrepot.bulk.arrival.model import MOVES, Arrival, Refusal, Sent, State
from entrepot.bulk.service import Report
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import OurBug, OwnerDecides

Refused = Callable[[Ctx, Conn, Arrival, Refusal], None]  # what a refusal leads to, in its transaction


@dataclass(frozen=True, slots=True)
class Receiving:
    """A file that is being sent: its id is known before its first byte."""

    id: str
    sent: Sent
    incoming: Incoming


class NotHere(OwnerDecides):
    """What was kept of a file is gone, or was never kept: it must be sent again."""

    code = "file-not-here"


def receive(ctx: Ctx, home: Path, sent: Sent, most: int) -> Receiving:
    name = file_name(sent.name)
    arrival_id = ctx.ids.new("arr")
    sent = Sent(sent.account, sent.seller, sent.door, name, sent.complete, sent.by, sent.feed)
    return Receiving(arrival_id, sent, Incoming(home, arrival_id, name, most))


def keep(ctx: Ctx, receiving: Receiving) -> str:
    """It is here: on the disk first, then in the books; from the commit on it will be read. Its id."""
    whole = receiving.incoming.whole()
    ctx.point("arrival.written")
    with ctx.db.transaction() as conn:
        now = ctx.clock.now()
        row = _row(ctx, receiving.id, receiving.sent) | _kept(whole)
        store.insert(conn, row | {"state": State.KEPT.value, "next_at": now})
    ctx.point("arrival.kept")
    return receiving.id


def note(ctx: Ctx, conn: Conn, sent: Sent, whole: Whole, report: Report, version: int | None) -> None:
    """A file that a command read from where it lay; it commits with what it changed."""
    row = _row(ctx, ctx.ids.new("arr"), sent) | _kept(whole) | _done(ctx, report, version)
    store.insert(conn, row | {"is_here": False, "started_at": ctx.clock.now()})


def noting(ctx: Ctx, sent: Sent, file: Path) -> Callable[[Conn, Report, int | None], None]:
    """What names a file that is read from where it lies among those that arrived; for the transaction that applies it."""

    def noted(conn: Conn, report: Report, version: int | None) -> None:
        note(ctx, conn, sent, Whole(file, file.stat().st_size, ""), report, version)

    return noted


def looked(ctx: Ctx, conn: Conn, sent: Sent, move: Move) -> None:
    """What a look found of one file."""
    now = ctx.clock.now()
    if move.known is None:
        assert move.seen is not None
        row = _row(ctx, ctx.ids.new("arr"), sent)
        lies = {"origin": move.seen.origin, "size_bytes": move.seen.size_bytes, "stamp": move.seen.stamp}
        store.insert(
            conn, row | lies | {"digest": "", "state": move.to.value, "cut_since": move.cut_since, "next_at": None}
        )
        return
    values: dict[str, Any] = {"cut_since": move.cut_since, "next_at": now if move.to is State.FOUND else None}
    if move.seen is not None:
        values |= {"size_bytes": move.seen.size_bytes, "stamp": move.seen.stamp}
    else:
        values |= {"ended_at": now}
    _moved(conn, move.known, move.to, values)


def fetched(conn: Conn, ctx: Ctx, arrival: Arrival, whole: Whole) -> None:
    _moved(conn, arrival, State.KEPT, _kept(whole) | {"cut_since": None, "next_at": ctx.clock.now()})


def not_whole(conn: Conn, ctx: Ctx, arrival: Arrival, *, cut: bool) -> None:
    """It grew while it was fetched, or is an archive without an end: it waits for the next looks."""
    since = (arrival.cut_since or ctx.clock.now()) if cut else None
    stamp = {} if cut else {"stamp": ""}  # the next look finds it changed
    _moved(conn, arrival, State.ARRIVING, {"cut_since": since, "next_at": None, **stamp})


def put_back(conn: Conn, arrival: Arrival) -> None:
    """Its folder does not give it now: the next look that finds it finds it whole, and nobody waits behind it."""
    _moved(conn, arrival, State.ARRIVING, {"next_at": None})


def begun(conn: Conn, ctx: Ctx, arrival: Arrival) -> None:
    values = {
        "tries": arrival.tries + 1,
        "rows_read": 0,
        "rows_expected": store.expected_rows(conn, arrival.account, arrival.seller),
        "started_at": ctx.clock.now(),
    }
    if arrival.state is State.READING:  # whoever read it was killed
        store.update(conn, arrival.id, values)
    else:
        _moved(conn, arrival, State.READING, values)


def done(ctx: Ctx, conn: Conn, arrival_id: str, report: Report, version: int | None) -> None:
    """It is applied; commits with what it changed."""
    store.update(conn, arrival_id, _done(ctx, report, version))


def refuse(ctx: Ctx, conn: Conn, arrival: Arrival, why: Refusal, told: Refused) -> None:
    _allowed(arrival, State.REFUSED)
    store.refused(conn, arrival.id, why, ctx.clock.now())
    told(ctx, conn, arrival, why)


def again(ctx: Ctx, arrival_id: str) -> None:
    """Read it once more, as its seller's mapping and the plan are now. Errors: NotHere; OwnerDecides while it waits already."""
    with ctx.db.transaction() as conn:
        row = store.locked(conn, arrival_id)
        if row is None or not row["is_here"]:
            raise NotHere("this file is not kept here any more: it must be sent again")
        arrival = Arrival.of(row)
        if State.KEPT not in MOVES[arrival.state]:
            raise OwnerDecides("this file is going to be read anyway", arrival=arrival.id)
        cleared = dict.fromkeys(("refused_code", "refused_what", "refused_where", "refused_whose", "same_as"), "")
        now = ctx.clock.now()
        _moved(
            conn,
            arrival,
            State.KEPT,
            {**cleared, "tries": 0, "rows_read": 0, "next_at": now, "ended_at": None, "file_id": None},
        )


def status(row: Row) -> dict[str, Any]:
    """What whoever sent a file is told of it. Shape: a row of `store.with_counts`."""
    told = {name: row[name] for name in ("id", "name", "account", "seller", "state", "complete", "rows_read")}
    told |= {"bytes": row["size_bytes"], "sha256": row["digest"]}
    if row["state"] == State.APPLIED:
        told |= {"version": row["version"], **{name: row[name] for name in store.COUNTS}}
        told |= {"ending_refused": row["file_state"] == "ending-refused"}
    if row["same_as"]:
        told["same_as"] = row["same_as"]
    if row["refused_code"]:
        told["refused"] = {part: row[f"refused_{part}"] for part in ("code", "what", "where", "whose")}
    return told


def _row(ctx: Ctx, arrival_id: str, sent: Sent) -> dict[str, Any]:
    return {
        "id": arrival_id, "account": sent.account, "seller": sent.seller, "door": sent.door, "feed": sent.feed, "name": sent.name,
        "complete": sent.complete, "sent_by": sent.by, "seen_at": ctx.clock.now(), "plan_hash": ctx.plan_hash,
    }  # fmt: skip


def _kept(whole: Whole) -> dict[str, Any]:
    return {"size_bytes": whole.size_bytes, "digest": whole.digest, "is_here": True}


def _done(ctx: Ctx, report: Report, version: int | None) -> dict[str, Any]:
    state = State.SAME if report.same_as else State.APPLIED
    return {
        "state": state.value, "next_at": None, "ended_at": ctx.clock.now(), "rows_read": report.read, "mapping_version": version,
        "file_id": report.file_id, "same_as": report.same_as,
    }  # fmt: skip


def _moved(conn: Conn, arrival: Arrival, to: State, values: dict[str, Any]) -> None:
    if to is not arrival.state:
        _allowed(arrival, to)
    store.update(conn, arrival.id, {**values, "state": to.value})


def _allowed(arrival: Arrival, to: State) -> None:
    if to not in MOVES[arrival.state]:
        raise OurBug(f"an arrival does not go from {arrival.state} to {to}", arrival=arrival.id)
