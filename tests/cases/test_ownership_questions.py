"""What nobody owns yet is asked, decided and written into the plan; what is decided again and again is a hidden rule."""

from datetime import UTC, datetime, timedelta

import pytest
from cases.desk import Desk, Listener
from hypothesis import given
from hypothesis import strategies as st

from entrepot.blueprint.hours import parse_hours
from entrepot.cases import hidden, question_store, questions, rules, service
from entrepot.cases.questions import Answered, Asked, NotAsked
from entrepot.cases.states import QUESTION_MOVES, QuestionState
from entrepot.kernel.ctx import Row

BY = "Ada"
ASK = "Who owns the price of a bundle?"


def case_of(desk: Desk, number: int = 1, mode: str = "leg-refused", message_id: str | None = None) -> str:
    with desk.ctx.db.transaction() as conn:
        return service.open_case(
            conn, desk.ctx, desk.plan, mode, account="mirakl-fr/operator", object="leg", object_id=f"L-{number}",
            message_id=message_id,
        )  # fmt: skip


def raised(desk: Desk, about: str = "offer.price", case: str = "", team: str = "") -> int:
    verdict = questions.raise_question(desk.ctx, desk.plan, Asked(ASK, about, case), BY, team=team)
    assert isinstance(verdict, Answered), verdict
    return verdict.number


def row(desk: Desk, number: int) -> Row:
    return desk.rows("SELECT * FROM ownership_question WHERE number = %s", number)[0]


def why(verdict: Answered | NotAsked) -> str:
    assert isinstance(verdict, NotAsked), verdict
    return verdict.why


# ── questions ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_life_of_a_question_is_a_table() -> None:
    assert set(QUESTION_MOVES) == set(QuestionState)


def test_a_question_goes_from_raised_to_decided_to_the_plan(desk: Desk) -> None:
    case_id = case_of(desk)
    number = raised(desk, case=case_id)
    assert (row(desk, number)["state"], row(desk, number)["raised_team"]) == ("raised", "customer-care")
    assert isinstance(questions.decide(desk.ctx, desk.plan, number, "Grace", "the seller does"), Answered)
    assert isinstance(questions.in_plan(desk.ctx, desk.plan, number, "Grace", desk.plan.hash), Answered)
    kept = row(desk, number)
    assert (kept["state"], kept["decision"], kept["in_plan"]) == ("in-blueprint", "the seller does", desk.plan.hash)
    assert desk.story(case_id) == ["opened", "question", "question", "question"]


def test_no_step_is_skipped_and_none_is_taken_twice(desk: Desk) -> None:
    number = raised(desk)
    assert "decide it first" in why(questions.in_plan(desk.ctx, desk.plan, number, BY, desk.plan.hash))
    questions.decide(desk.ctx, desk.plan, number, BY, "the seller")
    assert "it is decided already" in why(questions.decide(desk.ctx, desk.plan, number, BY, "the operator"))
    assert row(desk, number)["decision"] == "the seller"
    assert "there is no question 4711" in why(questions.decide(desk.ctx, desk.plan, 4711, BY, "x"))


def test_only_a_plan_that_has_run_here_can_hold_a_decision(desk: Desk) -> None:
    number = raised(desk)
    questions.decide(desk.ctx, desk.plan, number, BY, "the seller")
    assert "no plan of the hash feedbeef has run here" in why(
        questions.in_plan(desk.ctx, desk.plan, number, BY, "feedbeef")
    )
    case_of(desk)  # opened under the plan “test”
    assert isinstance(questions.in_plan(desk.ctx, desk.plan, number, BY, "test"), Answered)


def test_one_case_asks_about_one_thing_once(desk: Desk) -> None:
    case_id = case_of(desk)
    raised(desk, case=case_id)
    again = questions.raise_question(desk.ctx, desk.plan, Asked(ASK, "offer.price", case_id), BY)
    assert "has asked about offer.price already" in why(again)
    raised(desk, about="offer.quantity", case=case_id)


def test_what_is_left_out_is_asked_for(desk: Desk) -> None:
    ask = questions.raise_question
    assert "say who asks" in why(ask(desk.ctx, desk.plan, Asked(ASK, "offer"), " "))
    assert "say what nobody owns" in why(ask(desk.ctx, desk.plan, Asked(" ", "offer"), BY))
    assert "say what it is about" in why(ask(desk.ctx, desk.plan, Asked(ASK), BY))
    assert "there is no case 99" in why(ask(desk.ctx, desk.plan, Asked(ASK, "offer", "99"), BY))
    assert "there is no team" in why(ask(desk.ctx, desk.plan, Asked(ASK, "offer"), BY, team="nobody"))
    assert desk.rows("SELECT id FROM ownership_question") == []


def test_the_architect_hears_once_of_what_nobody_decided_in_five_working_days_of_the_asker(
    desk: Desk, listener: Listener
) -> None:
    number = raised(desk, team="supplier-operations")  # Monday to Friday, asked on a Monday
    decided = raised(desk, about="offer.category", team="supplier-operations")
    questions.decide(desk.ctx, desk.plan, decided, BY, "the seller")
    assert row(desk, number)["due_at"] == datetime(2026, 3, 9, 8, tzinfo=UTC)
    desk.later(days=6, hours=23)
    assert (desk.watch(), desk.notify()) == (0, 0)
    desk.later(hours=1)
    assert desk.watch() == 1
    assert desk.watch() == 0
    desk.notify()
    assert {notice.team for notice, _ in listener.heard} == {"commerce-architect"}
    assert f"question {number} is not decided" in listener.heard[0][0].subject


def test_what_still_has_to_be_done_stands_first_in_the_list(desk: Desk) -> None:
    first, second, third = raised(desk), raised(desk, about="b"), raised(desk, about="c")
    questions.decide(desk.ctx, desk.plan, first, BY, "x")
    with desk.ctx.db.transaction() as conn:
        assert [q["number"] for q in question_store.listed(conn)] == [third, second, first]
        assert [q["number"] for q in question_store.listed(conn, "decided")] == [first]


HOURS = st.sampled_from(
    ["Mon-Fri 08-18 Europe/Paris", "Mon-Sat 08-20 Europe/Paris", "24/7", "Mon-Mon 09-10 America/New_York"]
)


@given(HOURS, st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)), st.integers(1, 10))
def test_so_many_working_days_later_is_a_working_day_at_the_same_hour(text: str, at: datetime, days: int) -> None:
    hours = parse_hours(text)
    later = rules.working_days_after(hours, at.replace(tzinfo=UTC), days)
    before = rules.working_days_after(hours, at.replace(tzinfo=UTC), days - 1)
    assert later - at.replace(tzinfo=UTC) >= timedelta(days=days) - timedelta(hours=1)
    assert before < later


# ── hidden rules ─────────────────────────────────────────────────────────────────────────────────────────────


def repaired(desk: Desk, number: int, by: str, currency: str = "EUR") -> None:
    message_id = desk.message(f'{{"currency": "EUROS", "n": {number}}}'.encode(), f"ORD-{number}")
    case_id = case_of(desk, number, "malformed-message", message_id)
    service.repair(desk.ctx, desk.plan, case_id, by, f"again {number}", {"currency": currency})


def found(desk: Desk) -> list[hidden.HiddenRule]:
    with desk.ctx.db.transaction() as conn:
        return list(hidden.hidden_rules(conn, desk.clock.now()))


def test_the_same_repair_for_more_than_three_cases_is_a_hidden_rule_with_its_people_and_cases(desk: Desk) -> None:
    for number in range(3):
        repaired(desk, number, "Ada")
    assert found(desk) == []
    repaired(desk, 3, "Grace", currency="USD")
    [rule] = found(desk)
    assert (rule.mode, rule.verb, rule.shape, rule.count) == ("malformed-message", "repair", "set /currency", 4)
    assert (rule.people, len(rule.cases)) == (("Ada", "Grace"), 4)
    assert "set /currency" in rule.advice


def test_what_was_decided_longer_ago_than_thirty_days_does_not_count(desk: Desk) -> None:
    for number in range(4):
        repaired(desk, number, "Ada")
    desk.later(days=31)
    assert found(desk) == []


def test_the_same_reason_to_suppress_is_a_hidden_rule_whatever_its_numbers(desk: Desk) -> None:
    for number in range(4):
        service.suppress(desk.ctx, desk.plan, case_of(desk, number), "Ada", f"Seller 200{number} agreed, by phone!")
    service.suppress(desk.ctx, desk.plan, case_of(desk, 9), "Ada", "another reason")
    [rule] = found(desk)
    assert (rule.verb, rule.shape, rule.count) == ("suppress", "seller # agreed by phone", 4)


def test_one_case_suppressed_again_and_again_is_one_case(desk: Desk) -> None:
    case_id = case_of(desk)
    for _ in range(5):
        service.suppress(desk.ctx, desk.plan, case_id, "Ada", "wait", until=desk.clock.now() + timedelta(hours=1))
        desk.later(hours=1)
        desk.watch()
    assert found(desk) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [("Seller 2001 agreed.", "seller 2002, agreed"), ("ORD-1-A is a test", "ORD-77-B is  a TEST!"), ("ok", "OK.")],
)
def test_reasons_that_differ_in_names_and_numbers_are_one_reason(one: str, other: str) -> None:
    assert hidden.reason_shape(one) == hidden.reason_shape(other) != ""


# ── the questions a plan asks itself ─────────────────────────────────────────────────────────────────────────

PLANNED = "floor-of-categories"


def planned(desk: Desk) -> dict[str, questions.Planned]:
    with desk.ctx.db.transaction() as conn:
        return {one.question.name: one for one in questions.planned(conn, desk.plan)}


def test_a_question_of_the_plan_is_answered_once_recorded_and_closed_by_the_plan_that_holds_it(desk: Desk) -> None:
    assert {one.state for one in planned(desk).values()} == {QuestionState.RAISED}
    done = questions.decide_planned(desk.ctx, desk.plan, PLANNED, BY, "commerce sets them, each quarter")
    assert isinstance(done, Answered)
    kept = row(desk, done.number)
    assert (kept["state"], kept["raised_by"], kept["raised_team"], kept["plan_name"]) == ("decided", "the plan", "marketplace-lead", PLANNED)  # fmt: skip
    assert list(planned(desk))[-1] == PLANNED and planned(desk)[PLANNED].state is QuestionState.DECIDED
    again = questions.decide_planned(desk.ctx, desk.plan, PLANNED, "Grace", "nobody")
    assert f"it is decided already, by {BY}: commerce sets them" in why(again)
    assert isinstance(questions.in_plan(desk.ctx, desk.plan, done.number, BY, desk.plan.hash), Answered)
    assert planned(desk)[PLANNED].state is QuestionState.IN_BLUEPRINT


def test_what_the_plan_does_not_ask_or_nobody_answers_is_refused(desk: Desk) -> None:
    assert "the plan asks no question “nothing”; it asks: commission-on-goodwill" in why(
        questions.decide_planned(desk.ctx, desk.plan, "nothing", BY, "yes")
    )
    assert "say who decides" in why(questions.decide_planned(desk.ctx, desk.plan, PLANNED, BY, " "))
