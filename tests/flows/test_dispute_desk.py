"""A person's answer to a dispute: planned once, by whoever owns it, and told in its case."""

from dataclasses import replace
from datetime import timedelta

import pytest
from web.channel_rows import AMAZON, EBAY, SellingDay, selling_plan

from entrepot.flows.dispute_desk import AnswerAsked, AnswerPlanned, NotAnswered, answer
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx, Row
from entrepot.outbox.store import effects_by_key

ASKED = AnswerAsked(
    "5000001", "contest", "Mari", "The carrier says it was delivered", "Delivered on Monday, signed for"
)
KEY = f"answer-dispute:{EBAY}:5000001:1"


@pytest.fixture(autouse=True)
def disputed(ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        day = SellingDay(conn, ctx.clock.now())
        day.order(1, EBAY, "shipped")
        day.dispute(1)
        day.dispute_case(1203, 1)


def rows(ctx: Ctx, sql: str) -> list[Row]:
    with ctx.db.transaction() as conn:
        return conn.execute(sql).fetchall()


def change(ctx: Ctx, sql: str, *values: object) -> None:
    with ctx.db.transaction() as conn:
        conn.execute(sql, values)


def why(verdict: AnswerPlanned | NotAnswered) -> str:
    assert isinstance(verdict, NotAnswered)
    return verdict.why


def test_an_answer_is_planned_as_the_channels_own_operation_and_leaves_its_traces(ctx: Ctx) -> None:
    done = answer(ctx, selling_plan(), ASKED)
    assert isinstance(done, AnswerPlanned)
    assert (done.key, done.state) == (KEY, "planned")
    with ctx.db.transaction() as conn:
        effect = effects_by_key(conn, [KEY])[KEY]
    assert (effect["operation"], effect["queue"], effect["root"]) == (
        "ebay.answer-dispute",
        "urgent",
        "basket:27-11223-00001",
    )
    assert effect["payload"] == {
        "dispute_id": "5000001", "answer": "contest", "revision": "2", "order_id": "27-11223-00001", "evidence": [], "note": "Delivered on Monday, signed for",
    }  # fmt: skip
    [event] = rows(ctx, "SELECT * FROM event WHERE object = 'dispute'")
    assert (event["what"], event["by"], event["because"]) == (
        "dispute answered",
        "Mari",
        "The carrier says it was delivered",
    )
    [line] = rows(ctx, "SELECT * FROM case_event WHERE case_id = 'case_1203' AND what = 'answer'")
    assert (line["by"], line["reason"]) == ("Mari", "contest: The carrier says it was delivered")


def test_a_trial_changes_nothing(ctx: Ctx) -> None:
    tried = answer(ctx, selling_plan(), ASKED, dry_run=True)
    assert isinstance(tried, AnswerPlanned) and tried.key == ""
    assert rows(ctx, "SELECT id FROM effect") == []


def test_while_an_answer_is_on_its_way_there_is_no_second_one(ctx: Ctx) -> None:
    answer(ctx, selling_plan(), ASKED)
    assert "on its way already" in why(answer(ctx, selling_plan(), replace(ASKED, answer="accept")))
    assert len(rows(ctx, "SELECT id FROM effect")) == 1


def test_an_answer_the_channel_refused_may_be_given_again_under_a_key_of_its_own(ctx: Ctx) -> None:
    answer(ctx, selling_plan(), ASKED)
    change(ctx, "UPDATE effect SET state = 'refused'")
    again = answer(ctx, selling_plan(), replace(ASKED, answer="accept"))
    assert isinstance(again, AnswerPlanned) and again.key == KEY.removesuffix("1") + "2"


def test_an_answer_that_was_taken_stands_until_the_channel_asks_again(ctx: Ctx, clock: ManualClock) -> None:
    answer(ctx, selling_plan(), ASKED)
    change(ctx, "UPDATE effect SET state = 'done', outcome = '{}'")
    change(ctx, "UPDATE dispute SET answered_at = %s", clock.now())
    assert "was answered" in why(answer(ctx, selling_plan(), ASKED))
    change(ctx, "UPDATE dispute SET changed_at = %s, revision = '3'", clock.now() + timedelta(hours=1))
    assert isinstance(answer(ctx, selling_plan(), ASKED), AnswerPlanned)


@pytest.mark.parametrize("state", ["won", "lost", "closed"])
def test_a_dispute_that_is_over_takes_no_answer(ctx: Ctx, state: str) -> None:
    change(ctx, "UPDATE dispute SET state = %s", state)
    assert "nothing to answer any more" in why(answer(ctx, selling_plan(), ASKED))


def test_a_channel_that_takes_no_answer_from_us_is_answered_in_its_own_console(ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        day = SellingDay(conn, ctx.clock.now())
        day.order(7)
        day.dispute(7, AMAZON)
    assert "in the channel's own console" in why(answer(ctx, selling_plan(), replace(ASKED, dispute="5000007")))


@pytest.mark.parametrize(("team", "may"), [("dispute-desk", True), ("supplier-operations", False), ("", True)])
def test_the_owner_of_its_case_answers_and_another_team_does_not(ctx: Ctx, team: str, may: bool) -> None:
    verdict = answer(ctx, selling_plan(), replace(ASKED, team=team))
    assert isinstance(verdict, AnswerPlanned) is may
    if isinstance(verdict, NotAnswered):
        assert verdict.not_yours


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"reason": " "}, "say why"),
        ({"by": ""}, "say who you are"),
        ({"answer": "perhaps"}, "accepted or contested"),
        ({"note": ""}, "contested with a note"),
        ({"note": "x" * 1001}, "longer than 1000"),
        ({"dispute": "none"}, "there is no dispute none"),
        ({"team": "nobody"}, "there is no team"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_planned(ctx: Ctx, wrong: dict[str, str], says: str) -> None:
    assert says in why(answer(ctx, selling_plan(), replace(ASKED, **wrong)))
    assert rows(ctx, "SELECT id FROM effect") == []


def test_a_number_known_at_two_channels_needs_the_account(ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        day = SellingDay(conn, ctx.clock.now())
        day.order(1)
        day.dispute(1, AMAZON, id="dsp_other")
    assert "say at which account" in why(answer(ctx, selling_plan(), ASKED))
    assert isinstance(answer(ctx, selling_plan(), replace(ASKED, account=EBAY)), AnswerPlanned)
