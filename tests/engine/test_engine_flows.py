"""Flows: paused with a reason, an owner and an end; emptied with a proof; never lost from sight."""

from datetime import timedelta

import pytest
from engine.hall import Desk

from entrepot.engine import flows
from entrepot.engine.drain import run_drain
from entrepot.engine.flows import FLOW_MOVES, FlowRefused, FlowState, UnknownFlow, flow_watch
from entrepot.engine.inline_engine import InlineEngine
from entrepot.engine.leader import Leader
from entrepot.engine.room import Room
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import Busy


@pytest.fixture
def watched(tickets_url: str, ctx: Ctx, desk: Desk) -> Ctx:
    del tickets_url
    return ctx


def watch(ctx: Ctx, desk: Desk) -> int:
    """One turn of the lane that watches flows; how many drains were started."""
    engine = InlineEngine()
    room = Room(ctx, Room.works_by_purpose(flow_watch(desk.hooks())))
    with ctx.db.transaction() as conn:
        started = Leader(room, engine).look(conn)
    with ctx.db.transaction() as conn:
        job = engine.take(conn)
    if job:
        run_drain(room, job)
    return started


def test_a_pause_says_who_why_until_when_and_whose(watched: Ctx) -> None:
    until = watched.clock.now() + timedelta(hours=2)
    with watched.db.transaction() as conn:
        row = flows.pause(conn, watched, "tickets", "ada", "gateway maintenance", until, owner="order-desk")
    assert (row["state"], row["changed_by"], row["reason"]) == ("paused", "ada", "gateway maintenance")
    assert (row["until_at"], row["owner"], row["changed_at"]) == (until, "order-desk", watched.clock.now())


def test_what_a_paused_and_an_emptying_flow_still_do(watched: Ctx) -> None:
    until = watched.clock.now() + timedelta(hours=2)
    with watched.db.transaction() as conn:
        assert (flows.is_running(conn, "tickets"), flows.may_work(conn, "tickets")) == (True, True)
        flows.empty(conn, watched, "tickets", "ada", "before the upgrade", until)
        assert (flows.is_running(conn, "tickets"), flows.may_work(conn, "tickets")) == (False, True)
        flows.pause(conn, watched, "tickets", "ada", "before the upgrade", until)
        assert (flows.is_running(conn, "tickets"), flows.may_work(conn, "tickets")) == (False, False)
        flows.resume(conn, watched, "tickets", "ada")
        assert (flows.is_running(conn, "tickets"), flows.may_work(conn, "tickets")) == (True, True)
        assert flows.flow(conn, "tickets")["until_at"] is None


@pytest.mark.parametrize(
    ("reason", "hours", "why"),
    [("", 2, "say why"), ("   ", 2, "say why"), ("a reason", 0, "in the future"), ("a reason", -1, "in the future")],
)
def test_a_pause_without_a_reason_or_an_end_is_refused(watched: Ctx, reason: str, hours: int, why: str) -> None:
    until = watched.clock.now() + timedelta(hours=hours)
    with pytest.raises(FlowRefused, match=why), watched.db.transaction() as conn:
        flows.pause(conn, watched, "tickets", "ada", reason, until)
    with watched.db.transaction() as conn:
        assert flows.is_running(conn, "tickets")


def test_a_running_flow_cannot_be_resumed(watched: Ctx) -> None:
    with pytest.raises(FlowRefused, match="running already"), watched.db.transaction() as conn:
        flows.resume(conn, watched, "tickets", "ada")


def test_a_flow_the_blueprint_does_not_know_is_named(watched: Ctx) -> None:
    with pytest.raises(UnknownFlow, match="“tickts”"), watched.db.transaction() as conn:
        flows.is_running(conn, "tickts")


def test_every_flow_state_has_its_moves() -> None:
    assert set(FLOW_MOVES) == set(FlowState)


def test_two_people_do_not_move_one_flow_at_once(watched: Ctx) -> None:
    until = watched.clock.now() + timedelta(hours=2)
    with watched.db.transaction() as first:
        flows.pause(first, watched, "tickets", "ada", "mine", until)
        with pytest.raises(Busy), watched.db.transaction() as second:
            flows.pause(second, watched, "tickets", "bob", "mine too", until)


def test_ensuring_the_blueprints_flows_keeps_the_state_of_those_that_exist(watched: Ctx) -> None:
    until = watched.clock.now() + timedelta(hours=2)
    with watched.db.transaction() as conn:
        flows.pause(conn, watched, "tickets", "ada", "wait", until)
        flows.ensure(conn, watched, ["tickets", "refunds"])
        assert {row["name"]: row["state"] for row in flows.flows(conn)} == {
            "tickets": "paused",
            "refunds": "running",
            "parcels": "running",
        }


def test_a_pause_past_its_end_is_told_once_and_stays_paused(watched: Ctx, clock: ManualClock, desk: Desk) -> None:
    paused_at, until = clock.now(), clock.now() + timedelta(hours=1)
    with watched.db.transaction() as conn:
        flows.pause(conn, watched, "tickets", "ada", "wait", until)
    clock.advance(3599)
    assert watch(watched, desk) == 0
    clock.advance(1)
    assert watch(watched, desk) == 1
    clock.advance(3600)
    assert watch(watched, desk) == 0
    (told,) = desk.heard_of("overdue")
    assert (told["name"], told["changed_by"], told["changed_at"], told["until_at"]) == (
        "tickets",
        "ada",
        paused_at,
        until,
    )
    with watched.db.transaction() as conn:
        assert flows.flow(conn, "tickets")["state"] == "paused"


def test_a_pause_extended_and_overrun_again_is_told_again(watched: Ctx, clock: ManualClock, desk: Desk) -> None:
    for _ in range(2):
        with watched.db.transaction() as conn:
            flows.pause(conn, watched, "tickets", "ada", "wait", clock.now() + timedelta(hours=1))
        clock.advance(3601)
        watch(watched, desk)
    assert len(desk.heard_of("overdue")) == 2


def plan(ctx: Ctx, **states: int) -> None:
    """Messages and effects of flow `tickets`, so many in each state."""
    now = ctx.clock.now()
    with ctx.db.transaction() as conn:
        conn.execute(
            "INSERT INTO envelope VALUES ('env', 'a', 'page', '/', '{}', '', '', %s, %s, '') ON CONFLICT DO NOTHING",
            (now, now),
        )
        for state, count in states.items():
            for n in range(count):
                if state in ("new", "decided"):
                    conn.execute(
                        "INSERT INTO message (id, envelope_id, account, kind, external_id, digest, root, flow, body, state, due_at, received_at, plan_hash)"
                        " VALUES (%s, 'env', 'a', 'order', %s, '', '', 'tickets', '', %s, %s, %s, '')",
                        (f"m-{state}-{n}", f"{state}-{n}", state, now, now),
                    )
                else:
                    conn.execute(
                        "INSERT INTO effect (id, key, account, operation, root, flow, payload, state, planned_at, due_at, window_until, send_until,"
                        " incarnation, outcome, plan_hash) VALUES (%s, %s, 'a', 'op', '', 'tickets', '{}', %s, %s, %s, %s, %s, 'i', '{}', '')",
                        (f"e-{state}-{n}", f"{state}-{n}", state, now, now, now, now),
                    )


@pytest.mark.parametrize("state", ["new", "planned", "sending", "unknown"])
def test_an_emptying_flow_waits_for_everything_in_flight(watched: Ctx, desk: Desk, state: str) -> None:
    plan(watched, **{state: 1, "done": 2})
    with watched.db.transaction() as conn:
        flows.empty(conn, watched, "tickets", "ada", "before the upgrade", watched.clock.now() + timedelta(hours=1))
        assert flows.proof(conn, "tickets").in_flight == 1
    assert watch(watched, desk) == 1
    with watched.db.transaction() as conn:
        assert flows.flow(conn, "tickets")["state"] == "emptying"
    assert not desk.heard


def test_an_emptied_flow_is_paused_with_a_proof(watched: Ctx, desk: Desk) -> None:
    plan(watched, decided=3, done=2, parked=1, void=1)
    with watched.db.transaction() as conn:
        flows.empty(
            conn,
            watched,
            "tickets",
            "ada",
            "before the upgrade",
            watched.clock.now() + timedelta(hours=1),
            owner="order-desk",
        )
    assert watch(watched, desk) == 1
    (told,) = desk.heard_of("emptied")
    assert told["proof"] == {"messages": {"decided": 3}, "effects": {"done": 2, "parked": 1, "void": 1}, "in_flight": 0}
    with watched.db.transaction() as conn:
        row = flows.flow(conn, "tickets")
    assert (row["state"], row["changed_by"], row["owner"]) == ("paused", "ada", "order-desk")


def test_an_emptying_that_never_ends_is_told_once_past_its_end(watched: Ctx, clock: ManualClock, desk: Desk) -> None:
    plan(watched, unknown=1)
    with watched.db.transaction() as conn:
        flows.empty(conn, watched, "tickets", "ada", "before the upgrade", clock.now() + timedelta(hours=1))
    clock.advance(3601)
    watch(watched, desk)
    clock.advance(60)
    watch(watched, desk)
    assert len(desk.heard_of("overdue")) == 1
