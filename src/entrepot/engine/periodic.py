"""Work that comes back by itself: rows of table `periodic`, run by each account's lane `sweep`, in business time."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from entrepot.engine import store
from entrepot.engine.lease import Lease
from entrepot.engine.room import FAILING_AFTER, Hooks, Work, describe
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import NotNow, Overtaken

log = logging.getLogger(__name__)

SWEEP = "sweep"
RETRY_FIRST_S = 5.0
RETRY_MAX_S = 600.0

Run = Callable[[Ctx, Lease, str], None]  # (ctx, lease, account)


@dataclass(frozen=True, slots=True)
class Periodic:
    """One thing to do for one account every so often."""

    account: str
    name: str
    flow: str
    every_s: float  # business seconds from one run's end to the next


def ensure(conn: Conn, ctx: Ctx, rows: Iterable[Periodic]) -> None:
    """Bring the table to what the blueprint says.

    A new row is due at once; a kept one keeps its time unless that is now too far away.
    """
    for row in rows:
        values = {
            "account": row.account,
            "name": row.name,
            "flow": row.flow,
            "every_s": row.every_s,
            "now": ctx.clock.now(),
        }
        conn.execute(
            "INSERT INTO periodic (account, name, flow, every_s, next_at)"
            " VALUES (%(account)s, %(name)s, %(flow)s, %(every_s)s, %(now)s)"
            " ON CONFLICT (account, name) DO UPDATE SET flow = excluded.flow, every_s = excluded.every_s,"
            " next_at = least(periodic.next_at, excluded.next_at + make_interval(secs => excluded.every_s))",
            values,
        )


def forget(conn: Conn, prefix: str, keeping: Sequence[str]) -> None:
    """Rows whose names begin so come and go with the plan: those it does not name any more are nobody's."""
    conn.execute(
        "DELETE FROM periodic WHERE starts_with(name, %s) AND name <> ALL(%s::text[])", (prefix, list(keeping))
    )


def hasten(conn: Conn, ctx: Ctx, account: str, name: str) -> bool:
    """Make one row due now (a webhook was missed, a person asks); False when there is no such row."""
    return (
        conn.execute(
            "UPDATE periodic SET next_at = %s WHERE account = %s AND name = %s", (ctx.clock.now(), account, name)
        ).rowcount
        == 1
    )


def periodic_rows(conn: Conn) -> list[Row]:
    return conn.execute("SELECT * FROM periodic ORDER BY account, name").fetchall()


_DUE = """
SELECT DISTINCT p.account FROM periodic p JOIN flow f ON f.name = p.flow
 WHERE p.next_at <= %(now)s AND f.state = 'running'
"""

_NEXT = """
SELECT p.* FROM periodic p JOIN flow f ON f.name = p.flow
 WHERE p.account = %(account)s AND p.name = ANY(%(names)s) AND p.next_at <= %(now)s AND f.state = 'running'
 ORDER BY p.next_at, p.name LIMIT 1
"""


def sweep(run_every: Mapping[str, Run], hooks: Hooks, queue: str = "normal", apart: Collection[str] = ()) -> Work:
    """The lane that runs due rows, oldest first. Not run while the row's flow is paused or emptying. `apart`: rows with a lane of their own."""
    others = "".join(f" AND p.name <> '{name}'" for name in sorted(apart))
    return Work(SWEEP, queue, _DUE + others, _drain(run_every, hooks))


def alone(purpose: str, name: str, run: Run, hooks: Hooks, queue: str = "normal") -> Work:
    """A lane for rows of one name: neither they nor the others wait for each other."""
    return Work(purpose, queue, f"{_DUE} AND p.name = '{name}'", _drain({name: run}, hooks))


def _drain(run_every: Mapping[str, Run], hooks: Hooks) -> Callable[[Ctx, Lease], int]:
    def drain(ctx: Ctx, lease: Lease) -> int:
        done = 0
        while lease.time_left(ctx) > 0:
            lease.renew(ctx)
            with ctx.db.transaction() as conn:
                lease.hold(conn)
                wanted = {"account": lease.account, "names": sorted(run_every), "now": ctx.clock.now()}
                row = conn.execute(_NEXT, wanted).fetchone()
            if row is None:
                break
            _run_row(ctx, lease, hooks, row, run_every[row["name"]])
            done += 1
        return done

    return drain


def _run_row(ctx: Ctx, lease: Lease, hooks: Hooks, row: Row, run: Run) -> None:
    ctx.point("sweep.started")
    try:
        run(ctx, lease, row["account"])
    except Overtaken:
        raise
    except NotNow as error:  # the outside is not ready: said in one line, counted, tried again
        log.warning("%s of %s: %s", row["name"], row["account"], describe(error))
        _failed(ctx, lease, hooks, row, describe(error))
    # one broken sweep must not stop the others of its account; it is counted and becomes a case
    except Exception as error:
        log.exception("%s of %s failed", row["name"], row["account"])
        _failed(ctx, lease, hooks, row, describe(error))
    else:
        ctx.point("sweep.worked")
        _ran(ctx, lease, hooks, row)


_RAN = """
UPDATE periodic SET ran_at = %(now)s, next_at = %(next_at)s, failures = 0, last_error = NULL
 WHERE account = %(account)s AND name = %(name)s
"""
_FAILED = """
UPDATE periodic SET next_at = %(next_at)s, failures = %(failures)s, last_error = %(error)s
 WHERE account = %(account)s AND name = %(name)s RETURNING *
"""


def _ran(ctx: Ctx, lease: Lease, hooks: Hooks, row: Row) -> None:
    now = ctx.clock.now()
    with ctx.db.transaction() as conn:
        lease.hold(conn)
        next_at = store.after(now, row["every_s"])
        conn.execute(_RAN, {"account": row["account"], "name": row["name"], "now": now, "next_at": next_at})
        if row["failures"] >= FAILING_AFTER:
            hooks.on_recovered(ctx, conn, {**row, "purpose": SWEEP})


def _failed(ctx: Ctx, lease: Lease, hooks: Hooks, row: Row, error: str) -> None:
    failures = row["failures"] + 1
    retry_s = min(row["every_s"], RETRY_MAX_S, RETRY_FIRST_S * 2.0 ** min(failures - 1, 30))
    values = {"account": row["account"], "name": row["name"], "failures": failures, "error": error}
    with ctx.db.transaction() as conn:
        lease.hold(conn)
        kept = conn.execute(_FAILED, {**values, "next_at": store.after(ctx.clock.now(), retry_s)}).fetchone()
        if kept and failures >= FAILING_AFTER:
            hooks.on_failing(ctx, conn, {**kept, "purpose": SWEEP})
