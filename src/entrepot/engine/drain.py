"""Run one drain: from the job to the lane given back. The one place where any error of a drain ends up."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from entrepot.engine import store
from entrepot.engine.lease import Lease, never
from entrepot.engine.port import Job
from entrepot.engine.room import FAILING_AFTER, Room, Work, describe
from entrepot.kernel.ctx import Conn
from entrepot.kernel.errors import NotNow, OurBug, Overtaken

log = logging.getLogger(__name__)

BACK_OFF_MAX_S = 60.0
BUSY_PAUSE_S = 0.25  # somebody else held a lock: no failure, come again soon
IDLE_PAUSE_S = 0.5  # due rows, none of them handled: do not spin


class End(StrEnum):
    EMPTIED = "emptied"  # it handled rows and gave the lane back
    IDLE = "idle"  # nothing could be handled
    BUSY = "busy"  # a lock or the database was not to be had
    FAILED = "failed"
    OVERTAKEN = "overtaken"  # the lane is somebody else's now


@dataclass(frozen=True, slots=True)
class DrainEnd:
    end: End
    handled: int = 0
    error: str = ""


class UnknownPurpose(OurBug):
    """A job for a kind of lane this process does not know: an older process meets a newer leader."""

    code = "unknown-purpose"


def back_off_s(failures: int, most_s: float = BACK_OFF_MAX_S) -> float:
    """1, 2, 4 … seconds after the first, second, third failure in a row."""
    return min(most_s, 2.0 ** min(failures - 1, 30))


def run_drain(room: Room, job: Job, stopping: Callable[[], bool] = never) -> DrainEnd:
    """Drain one lane for one job. Never raises for what a drain does; what happened is in the lane's row."""
    ctx = room.ctx
    ends_at = store.after(ctx.clock.machine(), room.drain_s)
    lease = Lease(
        job.account,
        job.purpose,
        job.epoch,
        ctx.incarnation,
        ends_at,
        room.lease_s,
        room.idle_max_s,
        stopping,
        ctx.plan_hash,
    )
    try:
        lease.renew(ctx)
        ctx.point("drain.started")
        handled = _work(room, job).drain(ctx, lease)
        ctx.point("drain.worked")
        end = _finished(room, lease, handled)
    except Overtaken as error:
        log.info("drain %s/%s: %s", job.account, job.purpose, error)
        return DrainEnd(End.OVERTAKEN, error=describe(error))
    except NotNow as error:
        return _come_again(room, lease, error)
    except (
        Exception
    ) as error:  # the boundary of every drain: whatever it is, it is recorded on the lane and becomes a case
        log.exception("drain %s/%s failed", job.account, job.purpose)
        return _failed(room, lease, error)
    ctx.point("drain.ended")
    return end


def _work(room: Room, job: Job) -> Work:
    work = room.works.get(job.purpose)
    if work is None:
        raise UnknownPurpose(f"this process knows no work “{job.purpose}”", purpose=job.purpose)
    return work


def _finished(room: Room, lease: Lease, handled: int) -> DrainEnd:
    ctx = room.ctx
    with ctx.db.transaction() as conn:
        row = lease.give_back(conn, ctx.clock.machine(), pause_s=0.0 if handled else IDLE_PAUSE_S)
        if row["failures_before"] >= FAILING_AFTER:
            room.hooks.on_recovered(ctx, conn, row)
    return DrainEnd(End.EMPTIED if handled else End.IDLE, handled)


def _come_again(room: Room, lease: Lease, error: NotNow) -> DrainEnd:
    """Nobody's fault: the lane is free again after a moment, its failures neither counted nor forgotten."""
    ctx = room.ctx
    try:
        with ctx.db.transaction() as conn:
            failures, last = _so_far(conn, lease)
            lease.give_back(conn, ctx.clock.machine(), pause_s=BUSY_PAUSE_S, failures=failures, error=last)
    except NotNow:
        log.info("drain %s/%s: %s; its lease will run out", lease.account, lease.purpose, error)
    return DrainEnd(End.BUSY, error=describe(error))


def _failed(room: Room, lease: Lease, error: Exception) -> DrainEnd:
    """Count the failure, hold the lane back, and after `FAILING_AFTER` in a row tell a person."""
    ctx, said = room.ctx, describe(error)
    try:
        with ctx.db.transaction() as conn:
            failures = _so_far(conn, lease)[0] + 1
            row = lease.give_back(
                conn, ctx.clock.machine(), pause_s=back_off_s(failures), failures=failures, error=said
            )
            if failures >= FAILING_AFTER:
                room.hooks.on_failing(ctx, conn, row)
    except Overtaken:
        return DrainEnd(End.OVERTAKEN, error=said)
    except NotNow as away:
        log.warning("drain %s/%s failed, unrecorded (%s); its lease will run out", lease.account, lease.purpose, away)
    return DrainEnd(End.FAILED, error=said)


def _so_far(conn: Conn, lease: Lease) -> tuple[int, str | None]:
    """Failures in a row and the last error, as the lane's row has them."""
    row = store.lane(conn, lease.account, lease.purpose)
    return (row["failures"], row["last_error"]) if row else (0, None)
