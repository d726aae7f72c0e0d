"""Pure rules of cases: who hears when, and in which words."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.blueprint.model import Plan
from entrepot.cases import rules

MONDAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)  # 9:00 in Paris


def test_steps_share_the_owners_working_time(plan: Plan) -> None:
    steps = rules.steps_for(plan, "ack-at-risk", "supplier-operations", MONDAY, MONDAY + timedelta(hours=48))
    assert [(s.share, s.team) for s in steps] == [
        (50, "supplier-operations"),
        (80, "marketplace-lead"),
        (95, "on-call"),
        (100, "marketplace-lead"),
    ]
    assert [f"{s.at:%a %H:%M}" for s in steps] == ["Tue 08:00", "Tue 14:00", "Tue 17:00", "Wed 08:00"]


def test_a_window_with_five_working_minutes_at_its_end_is_warned_of_half_an_hour_before(plan: Plan) -> None:
    due = datetime(2026, 3, 2, 7, 5, tzinfo=UTC)  # Monday 8:05 in Paris
    steps = rules.steps_for(plan, "ack-at-risk", "supplier-operations", due - timedelta(hours=12), due)
    assert [due - s.at for s in steps] == [timedelta(minutes=m) for m in (30, 12, 3, 0)]


starts = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))


@settings(deadline=None)
@given(
    starts,
    st.timedeltas(timedelta(minutes=1), timedelta(days=20)),
    st.sampled_from(["ack-at-risk", "ship-late", "authorisation-lapsing"]),
)
def test_steps_come_in_order_inside_the_window_and_leave_time(
    plan: Plan, start: datetime, window: timedelta, mode: str
) -> None:
    due = start + window
    steps = rules.steps_for(plan, mode, plan.failure(mode).owner, start, due)
    assert [s.at for s in steps] == sorted(s.at for s in steps)
    assert all(start <= s.at < due for s in steps[:-1])
    assert due - steps[0].at >= min(window / 20, timedelta(minutes=30)) - timedelta(microseconds=1)


def test_a_window_that_was_over_before_it_began_is_said_at_once(plan: Plan) -> None:
    steps = rules.steps_for(plan, "ack-at-risk", "supplier-operations", MONDAY, MONDAY - timedelta(hours=1))
    assert all(s.at <= MONDAY for s in steps)


def test_the_next_step_is_the_first_that_has_not_come(plan: Plan) -> None:
    steps = rules.steps_for(plan, "ack-at-risk", "supplier-operations", MONDAY, MONDAY + timedelta(hours=48))
    assert rules.next_at(steps, MONDAY) == steps[0].at
    assert rules.next_at(steps, steps[0].at) == steps[1].at
    assert rules.next_at(steps, steps[-1].at) is None
    assert [s.share for s in rules.fired(steps, steps[1].at)] == [50, 80]


@pytest.mark.parametrize(
    ("at", "text"),
    [(MONDAY, "Mon 2 Mar 2026 09:00 CET"), (datetime(2026, 7, 1, 0, 0, tzinfo=UTC), "Wed 1 Jul 2026 02:00 CEST")],
)
def test_people_read_the_time_of_their_own_wall(at: datetime, text: str) -> None:
    assert rules.local_text(at, "Europe/Paris") == text


def test_a_subject_is_one_line_that_fits_a_telephone() -> None:
    text = rules.subject("sandbox", 7, "leg-refused", "two\nlines " + "x" * 500)
    assert text.startswith("[sandbox] case 7 (leg-refused): two lines xxx")
    assert len(text) == rules.SUBJECT_MAX
    assert text.endswith("…")
