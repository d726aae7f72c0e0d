"""What the engine is given: kinds of lanes, whom to call when something needs a person, the numbers that bound it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from entrepot.engine.lease import IDLE_MAX_S, Lease
from entrepot.kernel.ctx import Conn, Ctx, Row

LEASE_S = 8.0  # machine; a killed worker's lanes are drained again within this plus one look
LOOK_EVERY_S = 0.15
DRAIN_S = 20.0  # a drain ends by itself after this, so that lanes take turns
FAILING_AFTER = 5  # failures in a row before a person hears of it
QUEUES = ("urgent", "normal", "bulk")


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of lane.

    `due_sql`: SELECT DISTINCT account with something due, without rows of paused flows; may use %(now)s (business) and
    %(machine)s. `drain`: takes due rows in deadline order, batch by batch, while `lease.time_left(ctx)`; returns how
    many it handled. Calls `lease.renew(ctx)` between batches and `lease.hold(conn)` first in every transaction.
    Raising is a failed drain.
    """

    purpose: str
    queue: str
    due_sql: str
    drain: Callable[[Ctx, Lease], int]


Hook = Callable[[Ctx, Conn, Row], None]


def nobody_listens(ctx: Ctx, conn: Conn, row: Row) -> None:
    """The default hook: an engine alone has nobody to tell; the row itself says everything."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """Called inside the transaction that records the fact; each gets the row.

    on_failing: a drain or a sweep failed `FAILING_AFTER` times or more in a row. Row of lane; for a sweep, row of
    periodic with `purpose`.
    on_recovered: it works again after that.
    on_flow_overdue: a flow is still paused or emptying past its `until_at`; said once per end. Row of flow.
    on_flow_emptied: row of flow as it is now (paused), with `proof` (counts by state, `in_flight` = 0).
    """

    on_failing: Hook = nobody_listens
    on_recovered: Hook = nobody_listens
    on_flow_overdue: Hook = nobody_listens
    on_flow_emptied: Hook = nobody_listens


@dataclass(frozen=True, slots=True)
class Room:
    """Everything a leader or a worker needs, chosen once per process."""

    ctx: Ctx
    works: Mapping[str, Work]  # by purpose; their order is the order in which the leader starts lanes
    database_url: str = ""  # for the leader's own connection and the carrier's
    hooks: Hooks = field(default_factory=Hooks)
    lease_s: float = LEASE_S
    drain_s: float = DRAIN_S
    look_every_s: float = LOOK_EVERY_S
    idle_max_s: float = IDLE_MAX_S  # real seconds also in the simulator, whose greenlets may pause in a transaction

    @staticmethod
    def works_by_purpose(*works: Work) -> dict[str, Work]:
        return {work.purpose: work for work in works}


def describe(error: BaseException) -> str:
    """One line for a person: our own errors speak, foreign ones name their type."""
    text: Any = getattr(error, "message", None) or f"{type(error).__name__}: {error}"
    return str(text).strip().splitlines()[0][:500] if str(text).strip() else type(error).__name__
