"""Periodic work: run when due, pushed by its interval, held back when it fails, not run while its flow stands."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from engine.hall import Desk

from entrepot.engine import flows, periodic
from entrepot.engine.drain import DrainEnd, run_drain
from entrepot.engine.inline_engine import InlineEngine
from entrepot.engine.leader import Leader
from entrepot.engine.lease import Lease, seize
from entrepot.engine.periodic import Periodic, sweep
from entrepot.engine.room import FAILING_AFTER, Room
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx

Run = Callable[[Ctx, Lease, str], None]


class Sweeps:
    """The sweep lane of one room, turned by hand."""

    def __init__(self, ctx: Ctx, desk: Desk, runs: dict[str, Run]) -> None:
        self.ctx = ctx
        self._engine = InlineEngine()
        self._room = Room(ctx, Room.works_by_purpose(sweep(runs, desk.hooks())), hooks=desk.hooks())
        self._leader = Leader(self._room, self._engine)

    def turn(self) -> list[DrainEnd]:
        with self.ctx.db.transaction() as conn:
            self._leader.look(conn)
        ends: list[DrainEnd] = []
        while True:
            with self.ctx.db.transaction() as conn:
                job = self._engine.take(conn)
            if job is None:
                return ends
            ends.append(run_drain(self._room, job))

    def row(self, name: str) -> dict[str, Any]:
        with self.ctx.db.transaction() as conn:
            return next(row for row in periodic.periodic_rows(conn) if row["name"] == name)


@pytest.fixture
def ran() -> list[str]:
    return []


@pytest.fixture
def sweeps(tickets_url: str, ctx: Ctx, desk: Desk, ran: list[str]) -> Sweeps:
    del tickets_url

    def orders(_ctx: Ctx, _lease: Lease, account: str) -> None:
        ran.append(f"orders of {account}")

    def shipments(_ctx: Ctx, _lease: Lease, account: str) -> None:
        ran.append(f"shipments of {account}")
        raise ConnectionError("no route to the carrier")

    with ctx.db.transaction() as conn:
        periodic.ensure(
            conn,
            ctx,
            [Periodic("acc-1", "sweep-orders", "tickets", 300), Periodic("acc-1", "sweep-shipments", "parcels", 3600)],
        )
        conn.execute("UPDATE periodic SET next_at = next_at + interval '1 year' WHERE name = 'sweep-shipments'")
    return Sweeps(ctx, desk, {"sweep-orders": orders, "sweep-shipments": shipments})


def test_a_sweep_runs_at_once_and_then_every_interval_from_its_end(
    sweeps: Sweeps, clock: ManualClock, ran: list[str]
) -> None:
    sweeps.turn()
    sweeps.turn()
    assert ran == ["orders of acc-1"]
    assert sweeps.row("sweep-orders")["ran_at"] == clock.now()
    clock.advance(299)
    assert sweeps.turn() == []
    clock.advance(101)
    sweeps.turn()
    assert len(ran) == 2
    assert sweeps.row("sweep-orders")["next_at"] == clock.now() + timedelta(seconds=300)


@pytest.mark.parametrize("how", [flows.pause, flows.empty])
def test_no_sweep_while_its_flow_is_paused_or_emptying(
    sweeps: Sweeps, ctx: Ctx, ran: list[str], how: Callable[..., Any]
) -> None:
    with ctx.db.transaction() as conn:
        how(conn, ctx, "tickets", "ada", "wait", ctx.clock.now() + timedelta(hours=1))
    assert sweeps.turn() == []
    assert ran == []


def test_a_failing_sweep_is_tried_again_later_and_later_and_told_after_five(
    sweeps: Sweeps, clock: ManualClock, ran: list[str], desk: Desk
) -> None:
    with sweeps.ctx.db.transaction() as conn:
        conn.execute("DELETE FROM periodic WHERE name = 'sweep-orders'")
        assert periodic.hasten(conn, sweeps.ctx, "acc-1", "sweep-shipments")
    waits = []
    for _ in range(FAILING_AFTER):
        sweeps.turn()
        row = sweeps.row("sweep-shipments")
        waits.append((row["next_at"] - clock.now()).total_seconds())
        clock.advance(waits[-1])
    assert waits == [5, 10, 20, 40, 80]
    assert (row["failures"], row["last_error"], len(ran)) == (
        FAILING_AFTER,
        "ConnectionError: no route to the carrier",
        FAILING_AFTER,
    )
    (told,) = desk.heard_of("failing")
    assert (told["account"], told["name"], told["purpose"], told["flow"]) == (
        "acc-1",
        "sweep-shipments",
        "sweep",
        "parcels",
    )


def test_a_broken_sweep_does_not_stop_the_others_of_its_account(sweeps: Sweeps, ctx: Ctx, ran: list[str]) -> None:
    with ctx.db.transaction() as conn:
        conn.execute(
            "UPDATE periodic SET next_at = %s WHERE name = 'sweep-shipments'", (ctx.clock.now() - timedelta(days=1),)
        )
    assert [end.handled for end in sweeps.turn()] == [2]
    assert ran == ["shipments of acc-1", "orders of acc-1"]


def test_a_sweep_that_works_again_is_said_to_have_recovered(sweeps: Sweeps, ctx: Ctx, desk: Desk) -> None:
    with ctx.db.transaction() as conn:
        conn.execute(
            "UPDATE periodic SET failures = %s, last_error = 'x' WHERE name = 'sweep-orders'", (FAILING_AFTER,)
        )
    sweeps.turn()
    assert [row["name"] for row in desk.heard_of("recovered")] == ["sweep-orders"]
    assert (sweeps.row("sweep-orders")["failures"], sweeps.row("sweep-orders")["last_error"]) == (0, None)


def test_an_overtaken_sweep_is_no_failure_and_does_not_push_the_row(
    sweeps: Sweeps, ctx: Ctx, clock: ManualClock, desk: Desk
) -> None:
    def slow(ctx: Ctx, lease: Lease, account: str) -> None:
        seize(ctx, account, "sweep")  # meanwhile somebody else took the lane
        with ctx.db.transaction() as conn:
            lease.hold(conn)

    overtaken = Sweeps(ctx, desk, {"sweep-orders": slow})
    assert [end.end for end in overtaken.turn()] == ["overtaken"]
    assert sweeps.row("sweep-orders")["next_at"] == clock.now() and sweeps.row("sweep-orders")["failures"] == 0


def test_a_name_this_process_does_not_know_is_left_to_one_that_does(
    sweeps: Sweeps, ctx: Ctx, desk: Desk, ran: list[str]
) -> None:
    older = Sweeps(ctx, desk, {"sweep-shipments": lambda _c, _l, _a: None})
    assert [end.end for end in older.turn()] == ["idle"]
    assert sweeps.row("sweep-orders")["ran_at"] is None and ran == []


def test_the_blueprint_may_shorten_an_interval_and_the_row_follows(
    sweeps: Sweeps, ctx: Ctx, clock: ManualClock
) -> None:
    sweeps.turn()
    with ctx.db.transaction() as conn:
        periodic.ensure(conn, ctx, [Periodic("acc-1", "sweep-orders", "tickets", 60)])
    assert sweeps.row("sweep-orders")["next_at"] == clock.now() + timedelta(seconds=60)


def test_hastening_what_does_not_exist_says_so(sweeps: Sweeps, ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        assert not periodic.hasten(conn, ctx, "acc-1", "sweep-dreams")
