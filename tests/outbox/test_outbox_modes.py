"""The mode of a flow, enforced where effects are promised and where they are claimed."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from outbox.test_outbox_service import ACCOUNT, Bench, Partner, Watcher

from entrepot.cases.subject_store import effect_again
from entrepot.change.store import hold_planned, release_held
from entrepot.engine import flows
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.outcome import Done, Later, NotThere, Refused, Unknown
from entrepot.outbox.store import Intent, Planned, effects_by_key, plan_effects, seen_elsewhere, send_due_sql

Switch = Callable[[str], None]


@pytest.fixture
def bench(ctx: Ctx, clock: ManualClock) -> Bench:
    return Bench(ctx, clock, Partner(), Watcher(), [])


@pytest.fixture
def switch(ctx: Ctx) -> Switch:
    """Switches the flow of the bench's promises."""
    with ctx.db.transaction() as conn:
        flows.ensure(conn, ctx, ["capture", "shipment"])

    def to(mode: str) -> None:
        with ctx.db.transaction() as conn:
            flows.set_modes(conn, {"capture": mode})

    return to


def intent(key: str, flow: str = "capture", **more: object) -> Intent:
    return Intent(key, ACCOUNT, "gateway.capture", f"basket:{key}", flow, {"amount_minor": 1}, 3600, **more)  # type: ignore[arg-type]


def planned(ctx: Ctx, *intents: Intent) -> Planned:
    with ctx.db.transaction() as conn:
        return plan_effects(conn, ctx, intents)


def due_accounts(conn: Conn, ctx: Ctx) -> list[str]:
    rows = conn.execute(send_due_sql("normal"), {"now": ctx.clock.now(), "machine": ctx.clock.machine()}).fetchall()
    return [row["account"] for row in rows]


def test_a_flow_that_observes_writes_what_it_would_send_and_sends_nothing(bench: Bench, switch: Switch) -> None:
    switch("observe")
    done = planned(bench.ctx, intent("a"), intent("b", "shipment"))
    assert (set(done.new), done.advised) == ({"a", "b"}, ())
    bench.drain()
    assert ([e.key for e in bench.partner.sent], bench.state("a"), bench.state("b")) == (["b"], "observed", "done")
    assert bench.row("a")["payload"] == {"amount_minor": 1}


def test_a_flow_that_advises_holds_its_action_until_a_person_releases_it(bench: Bench, switch: Switch) -> None:
    switch("advise")
    done = planned(bench.ctx, intent("a"))
    assert [one.key for _, one in done.advised] == ["a"]
    bench.drain()
    assert (bench.partner.sent, bench.state("a")) == ([], "advised")


def test_a_promise_made_again_is_advised_once(bench: Bench, switch: Switch) -> None:
    switch("advise")
    planned(bench.ctx, intent("a"))
    assert planned(bench.ctx, intent("a")) == Planned()


def test_a_flow_switched_to_observe_while_actions_wait_sends_nothing_more(bench: Bench, switch: Switch) -> None:
    planned(bench.ctx, intent("a"))
    switch("observe")
    bench.drain()
    assert (bench.partner.sent, bench.state("a")) == ([], "planned")
    with bench.ctx.db.transaction() as conn:
        assert due_accounts(conn, bench.ctx) == []  # nobody is woken for what may not leave
    switch("act")
    bench.drain()
    assert bench.state("a") == "done"


def test_what_was_sent_before_the_switch_is_still_read_back(bench: Bench, switch: Switch) -> None:
    bench.partner.answers = [Unknown("timeout")]
    bench.partner.looks = [Done({"id": "found"})]
    planned(bench.ctx, intent("a"))
    bench.drain()
    switch("observe")
    bench.clock.advance(31)
    with bench.ctx.db.transaction() as conn:
        assert due_accounts(conn, bench.ctx) == [ACCOUNT]
    bench.drain()
    assert (bench.state("a"), len(bench.partner.sent)) == ("done", 1)


def advise(bench: Bench, switch: Switch) -> Callable[[], None]:
    """As a plan that comes into force does it: from act to advise."""

    def switched() -> None:
        switch("advise")
        with bench.ctx.db.transaction() as conn:
            hold_planned(conn, ["capture"], "it was planned when the flow still acted")

    return switched


def test_what_was_on_its_way_when_the_flow_became_advice_and_comes_back_waits_for_a_person(
    bench: Bench, switch: Switch
) -> None:
    """They said “later” while the flow was switched: nobody has looked at it, so it is not sent a second time by itself."""
    bench.partner.answers = [Later("busy", 5)]
    bench.partner.during = advise(bench, switch)
    planned(bench.ctx, intent("a"))
    bench.drain()
    assert (bench.state("a"), bench.troubles) == ("advised", [("a", "action-advised")])
    bench.clock.advance(600)
    bench.drain()
    assert len(bench.partner.sent) == 1


def test_what_was_unclear_when_the_flow_became_advice_and_is_not_there_waits_for_a_person(
    bench: Bench, switch: Switch
) -> None:
    bench.partner.partner_key = True
    bench.partner.answers = [Unknown("timeout")]
    bench.partner.looks = [NotThere(), NotThere()]
    planned(bench.ctx, intent("a"))
    bench.drain()
    advise(bench, switch)()
    for _ in range(3):
        bench.clock.advance(31)
        bench.drain()
    assert (bench.state("a"), len(bench.partner.sent)) == ("advised", 1)
    assert bench.troubles == [("a", "action-advised")]


def test_what_was_on_its_way_and_is_done_is_done_whatever_the_flow_does_now(bench: Bench, switch: Switch) -> None:
    bench.partner.during = advise(bench, switch)
    planned(bench.ctx, intent("a"))
    bench.drain()
    assert (bench.state("a"), bench.troubles) == ("done", [])


def test_what_a_person_released_comes_back_as_often_as_it_must(bench: Bench, switch: Switch) -> None:
    bench.partner.answers = [Later("busy", 5), Later("busy", 5)]
    bench.partner.during = advise(bench, switch)
    planned(bench.ctx, intent("a"))
    bench.drain()
    bench.partner.during = lambda: None
    with bench.ctx.db.transaction() as conn:
        effect_again(conn, bench.row("a")["id"], bench.clock.now(), bench.clock.now() + timedelta(hours=1))
    for _ in range(3):
        bench.clock.advance(31)
        bench.drain()
    assert (bench.state("a"), len(bench.partner.sent), len(bench.troubles)) == ("done", 3, 1)


def test_a_flow_that_acts_again_before_the_answer_comes_sends_again_by_itself(bench: Bench, switch: Switch) -> None:
    bench.partner.answers = [Unknown("timeout")]
    bench.partner.looks = [NotThere(), NotThere()]
    bench.partner.partner_key = True
    planned(bench.ctx, intent("a"))
    bench.drain()
    advise(bench, switch)()
    switch("act")
    with bench.ctx.db.transaction() as conn:
        release_held(conn, ["capture"])
    for _ in range(3):
        bench.clock.advance(31)
        bench.drain()
    assert (bench.state("a"), len(bench.partner.sent), bench.troubles) == ("done", 2, [])


def test_a_refusal_after_the_switch_is_still_written_down(bench: Bench, switch: Switch) -> None:
    bench.partner.answers = [Refused("no", "no", "")]
    bench.partner.during = lambda: switch("observe")
    planned(bench.ctx, intent("a"))
    bench.drain()
    assert bench.state("a") == "refused"


def test_what_was_to_follow_an_action_that_was_only_observed_is_not_done(bench: Bench, switch: Switch) -> None:
    switch("observe")
    planned(bench.ctx, intent("a"))
    planned(bench.ctx, intent("b", "shipment", after_key="a"))
    bench.drain()
    assert (bench.state("b"), bench.partner.sent) == ("void", [])


def test_what_somebody_else_did_is_noted_beside_what_we_would_have_sent(bench: Bench, switch: Switch) -> None:
    switch("observe")
    planned(bench.ctx, intent("a"))
    switch("act")
    planned(bench.ctx, intent("b"))
    with bench.ctx.db.transaction() as conn:
        at = bench.clock.now()
        assert seen_elsewhere(conn, {"a": "their connector did it", "b": "no", "nothing": "no"}, at) == 1
        assert seen_elsewhere(conn, {"a": "again"}, at) == 0
        rows = effects_by_key(conn, ["a", "b"])
    assert (rows["a"]["elsewhere_at"], rows["a"]["note"], rows["a"]["state"]) == (
        at,
        "their connector did it",
        "observed",
    )
    assert rows["b"]["elsewhere_at"] is None


def test_every_attempt_and_every_effect_keeps_the_plan_it_ran_under(bench: Bench) -> None:
    planned(bench.ctx, intent("a"))
    bench.ctx.plan_hash = "newer"
    bench.drain()
    with bench.ctx.db.transaction() as conn:
        [attempt] = conn.execute("SELECT plan_hash FROM attempt").fetchall()
    assert (bench.row("a")["plan_hash"], attempt["plan_hash"]) == ("test", "newer")
