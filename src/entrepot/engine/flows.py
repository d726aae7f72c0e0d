"""Flow control: a flow runs, is paused with a reason, an owner and an end, or is emptied with a proof.

A flow's row is all there is: the due SQL of every kind of work reads it, drains read it between batches and before
each send. `running`: everything moves. `emptying`: sweeps and intake stop, what is in goes out. `paused`: nothing
moves, nothing is lost.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from entrepot.engine.lease import Lease
from entrepot.engine.room import Hooks, Work
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import OwnerDecides

HUB = "hub"  # the account of the hub's own lanes
FLOW_WATCH = "flow-watch"


class FlowState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    EMPTYING = "emptying"


FLOW_MOVES: dict[FlowState, frozenset[FlowState]] = {
    FlowState.RUNNING: frozenset({FlowState.PAUSED, FlowState.EMPTYING}),
    FlowState.EMPTYING: frozenset(
        {FlowState.PAUSED, FlowState.RUNNING, FlowState.EMPTYING}
    ),  # to itself: a new end or owner
    FlowState.PAUSED: frozenset({FlowState.RUNNING, FlowState.EMPTYING, FlowState.PAUSED}),
}


class UnknownFlow(OwnerDecides):
    code = "unknown-flow"


class FlowRefused(OwnerDecides):
    """The flow cannot be moved like that; the message says why."""

    code = "flow-refused"


@dataclass(frozen=True, slots=True)
class Proof:
    """What is in a flow, counted by state. Parked rows wait for a person and hold nothing up: not in flight."""

    messages: dict[str, int]
    effects: dict[str, int]

    @property
    def in_flight(self) -> int:
        return self.messages.get("new", 0) + sum(
            self.effects.get(state, 0) for state in ("planned", "sending", "unknown")
        )

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "in_flight": self.in_flight}


def ensure(conn: Conn, ctx: Ctx, names: Iterable[str]) -> None:
    """Make the rows of the blueprint's flows, running; those that exist keep their state."""
    conn.execute(
        "INSERT INTO flow (name, changed_at) SELECT name, %s FROM unnest(%s::text[]) AS f (name) ORDER BY name"
        " ON CONFLICT (name) DO NOTHING",
        (ctx.clock.now(), sorted(set(names))),
    )


def set_modes(conn: Conn, modes: Mapping[str, str]) -> None:
    """Bring the flows' modes to what the plan says; the next claim and the next promise follow."""
    conn.execute(
        "UPDATE flow SET mode = v.mode FROM unnest(%s::text[], %s::text[]) AS v (name, mode)"
        " WHERE flow.name = v.name AND flow.mode <> v.mode",
        (sorted(modes), [modes[name] for name in sorted(modes)]),
    )


def flow(conn: Conn, name: str) -> Row:
    return _known(name, conn.execute("SELECT * FROM flow WHERE name = %s", (name,)).fetchone())


def flows(conn: Conn) -> list[Row]:
    return conn.execute("SELECT * FROM flow ORDER BY name").fetchall()


def is_running(conn: Conn, name: str) -> bool:
    """May new work come in: sweeps, intake."""
    return FlowState(flow(conn, name)["state"]) is FlowState.RUNNING


def may_work(conn: Conn, name: str) -> bool:
    """May what is in be decided and sent: read between batches and right before each send."""
    return FlowState(flow(conn, name)["state"]) is not FlowState.PAUSED


def pause(conn: Conn, ctx: Ctx, name: str, by: str, reason: str, until_at: datetime, owner: str = "on-call") -> Row:
    """Stop a flow without losing anything.

    `until_at` (business): its promised end; past it a person hears of it, and it stays paused.
    """
    return _move(conn, ctx, name, FlowState.PAUSED, by, reason, until_at, owner)


def empty(conn: Conn, ctx: Ctx, name: str, by: str, reason: str, until_at: datetime, owner: str = "on-call") -> Row:
    """Let what is in go out and nothing new in; when nothing is left, the flow is paused with a proof."""
    return _move(conn, ctx, name, FlowState.EMPTYING, by, reason, until_at, owner)


def resume(conn: Conn, ctx: Ctx, name: str, by: str, reason: str = "") -> Row:
    return _move(conn, ctx, name, FlowState.RUNNING, by, reason, None, None)


def proof(conn: Conn, name: str) -> Proof:
    """Count everything of a flow by state."""
    counts: dict[str, dict[str, int]] = {}
    for table in ("message", "effect"):
        rows = conn.execute(
            f"SELECT state, count(*) AS n FROM {table} WHERE flow = %s GROUP BY state ORDER BY state", (name,)
        ).fetchall()
        counts[table] = {row["state"]: row["n"] for row in rows}
    return Proof(messages=counts["message"], effects=counts["effect"])


def _move(
    conn: Conn, ctx: Ctx, name: str, to: FlowState, by: str, reason: str, until_at: datetime | None, owner: str | None
) -> Row:
    row = _known(name, conn.execute("SELECT * FROM flow WHERE name = %s FOR UPDATE NOWAIT", (name,)).fetchone())
    now = ctx.clock.now()
    if to not in FLOW_MOVES[FlowState(row["state"])]:
        raise FlowRefused(f"flow {name} is {row['state']} already", flow=name, state=row["state"])
    if to is not FlowState.RUNNING and not reason.strip():
        raise FlowRefused(f"say why flow {name} is to be {to}: whoever is paged will ask", flow=name)
    if until_at is not None and until_at <= now:
        raise FlowRefused(
            f"flow {name} needs an end in the future, not {until_at:%Y-%m-%d %H:%M}", flow=name, until_at=until_at
        )
    return _write(conn, name, to, by=by, reason=reason.strip(), at=now, until_at=until_at, owner=owner)


def _write(
    conn: Conn,
    name: str,
    to: FlowState,
    *,
    by: str,
    reason: str,
    at: datetime,
    until_at: datetime | None,
    owner: str | None,
) -> Row:
    return _known(
        name,
        conn.execute(
            "UPDATE flow SET state = %(to)s, changed_by = %(by)s, reason = %(reason)s, changed_at = %(at)s,"
            " until_at = %(until_at)s, owner = coalesce(%(owner)s, owner) WHERE name = %(name)s RETURNING *",
            {"name": name, "to": to.value, "by": by, "reason": reason, "at": at, "until_at": until_at, "owner": owner},
        ).fetchone(),
    )


def _known(name: str, row: Row | None) -> Row:
    if row is None:
        raise UnknownFlow(f"there is no flow “{name}” in the blueprint", flow=name)
    return row


# A flow that is past its end and was not touched since has not been reported: reporting touches it.
_WATCH_DUE = """
SELECT DISTINCT 'hub' FROM flow
 WHERE state = 'emptying' OR (state = 'paused' AND until_at <= %(now)s AND changed_at < until_at)
"""


def flow_watch(hooks: Hooks) -> Work:
    """The lane that ends an emptying with its proof and reports what stands still past its promised end."""

    def drain(ctx: Ctx, lease: Lease) -> int:
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            rows = conn.execute(
                "SELECT * FROM flow WHERE state <> 'running' ORDER BY name FOR UPDATE SKIP LOCKED"
            ).fetchall()
            return sum(_settle_emptying(conn, ctx, hooks, row) + _report_overdue(conn, ctx, hooks, row) for row in rows)

    return Work(FLOW_WATCH, "normal", _WATCH_DUE, drain)


def _settle_emptying(conn: Conn, ctx: Ctx, hooks: Hooks, row: Row) -> int:
    """Pause an emptying flow in which nothing is left."""
    if FlowState(row["state"]) is not FlowState.EMPTYING:
        return 0
    found = proof(conn, row["name"])
    if found.in_flight:
        return 0
    now = ctx.clock.now()
    emptied = _write(
        conn,
        row["name"],
        FlowState.PAUSED,
        by=row["changed_by"],
        reason=row["reason"],
        at=now,
        until_at=row["until_at"],
        owner=None,
    )
    hooks.on_flow_emptied(ctx, conn, {**emptied, "proof": found.as_dict()})
    return 1


def _report_overdue(conn: Conn, ctx: Ctx, hooks: Hooks, row: Row) -> int:
    """Tell a person, once per end, that a flow still stands."""
    now = ctx.clock.now()
    if row["until_at"] > now or row["changed_at"] >= row["until_at"]:
        return 0
    hooks.on_flow_overdue(ctx, conn, row)  # with changed_at as it was: since when, by whom, why
    conn.execute("UPDATE flow SET changed_at = %s WHERE name = %s", (now, row["name"]))
    return 1
