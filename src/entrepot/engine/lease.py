"""The right to drain one lane, for a while. Every commit of a drain shows it first."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from entrepot.engine import store
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import NotNow, Overtaken

IDLE_MAX_S = 8.0  # a drain's transaction that says nothing for longer is that of a frozen process; the database ends it


class OtherPlan(NotNow):
    """Another plan came into force: a process that began with the older one begins nothing any more, and ends."""

    code = "other-plan"


def never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Lease:
    """Who drains (account, purpose) at `epoch`. Times are machine time."""

    account: str
    purpose: str
    epoch: int
    incarnation: str
    ends_at: datetime  # when this drain should end by itself; the lease may be renewed beyond it to finish a step
    lease_s: float
    idle_max_s: float = IDLE_MAX_S
    stopping: Callable[[], bool] = field(default=never, compare=False)
    plan_hash: str = ""  # what its process runs by; empty: it does not matter

    def hold(self, conn: Conn) -> None:
        """First statement of every transaction of a drain: until it ends, nobody can take the lane over.

        Errors: Overtaken when the lane's epoch or the database's incarnation moved on. Busy (from the transaction) when
        the lane is being taken over right now. A transaction idle for longer than `idle_max_s` is ended by the
        database: its owner is frozen, and the lane cannot be taken over before.
        """
        if not store.hold(conn, self._mine):
            raise self._overtaken()

    def renew(self, ctx: Ctx, for_s: float | None = None) -> None:
        """Extend the lease between two batches, in a transaction of its own.

        `for_s` (machine): for a next step longer than a lease; never shortens. For the drain's own thread alone, not
        for its senders. Errors: Overtaken; OtherPlan before the first batch and between two, so that outcomes of what was
        sent are still written, and nothing new is begun under the older plan.
        """
        until = store.after(ctx.clock.machine(), for_s or self.lease_s)
        with ctx.db.transaction() as conn:
            in_force = store.renew(conn, self._mine, until)
        if in_force is None:
            raise self._overtaken()
        if self.plan_hash and in_force and self.plan_hash != in_force:
            raise OtherPlan(
                f"plan {in_force} came into force, this process began with {self.plan_hash}", in_force=in_force
            )

    def time_left(self, ctx: Ctx) -> float:
        """Machine seconds in which another batch may be started; 0 when it should end or the process is stopping."""
        if self.stopping():
            return 0.0
        return max(0.0, (self.ends_at - ctx.clock.machine()).total_seconds())

    def give_back(
        self, conn: Conn, at: datetime, *, pause_s: float = 0.0, failures: int = 0, error: str | None = None
    ) -> Row:
        """End the lease now; the lane may be taken again after `pause_s` (machine). Its row, with `failures_before`.

        Errors: Overtaken.
        """
        not_before = store.after(at, pause_s) if pause_s else None
        row = store.end(conn, self._mine, at=at, not_before=not_before, failures=failures, error=error)
        if row is None:
            raise self._overtaken()
        return row

    @property
    def _mine(self) -> store.Mine:
        return {
            "account": self.account,
            "purpose": self.purpose,
            "epoch": self.epoch,
            "incarnation": self.incarnation,
            "idle_max_ms": str(int(self.idle_max_s * 1000)),
        }

    def _overtaken(self) -> Overtaken:
        return Overtaken(
            f"the lane {self.account}/{self.purpose} is no longer drained at epoch {self.epoch}",
            account=self.account,
            purpose=self.purpose,
            epoch=self.epoch,
        )


def seize(
    ctx: Ctx, account: str, purpose: str, queue: str = "normal", *, lease_s: float = 8.0, drain_s: float = 20.0
) -> Lease:
    """Take a lane over at once, whoever drains it: for one-off work of a person or a test, without leader and job."""
    machine = ctx.clock.machine()
    with ctx.db.transaction() as conn:
        epoch = store.seize(conn, account, purpose, queue, store.after(machine, lease_s))
    return Lease(
        account, purpose, epoch, ctx.incarnation, store.after(machine, drain_s), lease_s, plan_hash=ctx.plan_hash
    )
