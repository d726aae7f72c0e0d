"""What the hub has met of each failure mode: counted over its own time, in the currencies it happened in."""

from datetime import timedelta
from typing import Any

import pytest
from web.console_rows import Day

from entrepot.blueprint.draw.risks import Experience, Seen
from entrepot.cases.states import CaseState
from entrepot.insight.experience import experience, seen
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.money import Money


@pytest.fixture
def day(ctx: Ctx) -> Day:
    return Day(None, ctx.clock.now())  # type: ignore[arg-type]  # each test gives it the connection it writes on


def looked(ctx: Ctx) -> Seen:
    with ctx.db.transaction() as conn:
        return seen(conn, ctx.clock.now())


def test_a_hub_that_has_met_nothing_knows_nothing(ctx: Ctx) -> None:
    found = looked(ctx)
    assert (found.days, dict(found.modes)) == (90, {})
    assert found.of("leg-refused") == Experience()


def test_cases_are_counted_per_week_of_the_time_looked_at(ctx: Ctx, day: Day) -> None:
    with ctx.db.transaction() as conn:
        day.conn = conn
        for number in range(1, 15):
            day.case(number, mode="leg-refused", object_id=f"leg_{number}", opened_at=day.ago(days=14), count=2)
        day.case(90, mode="leg-refused", object_id="leg_old", opened_at=day.ago(days=200), state=CaseState.RESOLVED,
                 resolved_at=day.ago(days=150), resolved_verb="suppress", resolved_by="Mari")  # fmt: skip
    found = looked(ctx).of("leg-refused")
    assert looked(ctx).days == 90
    assert (found.cases, found.times) == (14, 28)
    assert found.per_week == pytest.approx(14 / (90 / 7))


def test_a_young_hub_is_measured_over_its_own_age_and_over_a_week_at_least(ctx: Ctx, day: Day) -> None:
    with ctx.db.transaction() as conn:
        day.conn = conn
        day.case(1, mode="leg-refused", opened_at=day.ago(hours=3))
    assert looked(ctx).days == 7
    assert looked(ctx).of("leg-refused").per_week == 1.0
    with ctx.db.transaction() as conn:
        day.conn = conn
        day.case(2, mode="leg-refused", object_id="other", opened_at=day.ago(days=28))
    assert looked(ctx).days == 28
    assert looked(ctx).of("leg-refused").per_week == 0.5


def test_money_at_risk_is_that_of_open_cases_however_old_and_in_its_own_currency(ctx: Ctx, day: Day) -> None:
    with ctx.db.transaction() as conn:
        day.conn = conn
        day.case(1, mode="payment-late", object_id="a", money_minor=1000, opened_at=day.ago(days=200))
        day.case(2, mode="payment-late", object_id="b", money_minor=500, opened_at=day.ago(days=3))
        day.case(3, mode="payment-late", object_id="c", money_minor=70, currency="JPY", opened_at=day.ago(days=3))
        day.case(4, mode="payment-late", object_id="d", money_minor=9, opened_at=day.ago(days=3), state=CaseState.RESOLVED,
                 resolved_at=day.ago(days=1), resolved_verb="suppress", resolved_by="Mari")  # fmt: skip
    found = looked(ctx).of("payment-late")
    assert found.at_risk == (Money(1500, "EUR"), Money(70, "JPY"))
    assert found.exposed == (Money(509, "EUR"), Money(70, "JPY"))
    assert (found.open_cases, found.cases) == (3, 3)


def test_the_time_to_decide_is_the_median_of_what_was_decided(ctx: Ctx, day: Day) -> None:
    with ctx.db.transaction() as conn:
        day.conn = conn
        for number, hours in ((1, 1), (2, 2), (3, 30)):
            day.case(number, mode="leg-refused", object_id=f"l{number}", opened_at=day.ago(hours=40), state=CaseState.RESOLVED,
                     resolved_at=day.ago(hours=40 - hours), resolved_verb="suppress", resolved_by="Mari")  # fmt: skip
        day.case(4, mode="leg-refused", object_id="l4", opened_at=day.ago(hours=40), level=1)
    found = looked(ctx).of("leg-refused")
    assert found.median_to_decide == timedelta(hours=2)
    assert found.escalated_percent == 25


def test_a_promise_that_was_broken_is_counted_with_what_it_was_worth(ctx: Ctx, day: Day) -> None:
    with ctx.db.transaction() as conn:
        day.conn = conn
        day.promise("obl_1", mode="ack-missed", state="missed", ended_at=day.ago(days=2), warned_at=day.ago(days=3))
        day.promise(
            "obl_2",
            mode="ack-missed",
            object_id="x",
            state="missed",
            ended_at=day.ago(days=120),
            warned_at=day.ago(days=121),
        )
        day.promise("obl_3", mode="ack-missed", object_id="y", state="met", ended_at=day.ago(days=2))
    found = looked(ctx).of("ack-missed")
    assert found.missed == 1
    assert found.lost and found.lost[0].minor > 0
    assert found.cases == 0


def test_every_question_is_asked_once_for_all_modes(ctx: Ctx, day: Day) -> None:
    with ctx.db.transaction() as conn:
        day.conn = conn
        for number in range(1, 41):
            day.case(number, mode=f"mode-{number}", object_id=f"o{number}")
    with ctx.db.transaction() as conn:
        asked, real = [], conn

        class Counted:
            def execute(self, *args: Any) -> Any:
                asked.append(args)
                return real.execute(*args)

        counted: Any = Counted()
        assert len(seen(counted, ctx.clock.now()).modes) == 40
    assert len(asked) == 4


def test_what_was_only_decided_in_the_time_is_still_experience() -> None:
    found = experience([], [{"mode": "m", "median": timedelta(hours=1)}], [], timedelta(days=90))
    assert found["m"] == Experience(median_to_decide=timedelta(hours=1))
