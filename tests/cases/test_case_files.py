"""A failure becomes one case with an owner, a due time and words a person understands."""

from datetime import UTC, datetime
from typing import Any

import pytest
from cases.desk import Desk, Listener

from entrepot.cases import service
from entrepot.cases.model import CaseAsked
from entrepot.cases.telling import ALERTS_EACH_MAX
from entrepot.kernel.errors import Busy, OurBug

LEG: dict[str, Any] = {"account": "mirakl-fr/operator", "object": "leg", "object_id": "ORD-1-A"}


def refused(desk: Desk, **more: Any) -> str:
    with desk.ctx.db.transaction() as conn:
        return service.open_case(conn, desk.ctx, desk.plan, "leg-refused", **(LEG | more))


def test_a_case_says_what_it_means_before_why_it_happened_and_whose_it_is(desk: Desk) -> None:
    case = desk.case(refused(desk, money_minor=4250))

    assert case["effect_text"].startswith("42.50 EUR of the basket of order ORD-1-A will not be delivered")
    assert case["cause_text"] == "The seller refused the order or some of its lines."
    assert (case["owner"], case["kind"], case["flow"]) == ("customer-care", "business", "order-acceptance")
    # eight hours of Monday to Saturday 8 to 20 in Paris, opened Monday 9:00 there
    assert case["due_at"] == datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


def test_their_own_words_stand_in_the_cause(desk: Desk) -> None:
    with desk.ctx.db.transaction() as conn:
        case_id = service.open_case(
            conn, desk.ctx, desk.plan, "effect-refused", account="gateway/main", object="capture", object_id="C-1",
            cause="amount_exceeds_authorisation: 25.01 > 25.00",
        )  # fmt: skip
    assert "They refused what we sent: amount_exceeds_authorisation: 25.01 > 25.00" in desk.case(case_id)["cause_text"]


def test_a_name_nobody_gave_does_not_stop_the_case(desk: Desk) -> None:
    with desk.ctx.db.transaction() as conn:
        case_id = service.open_case(
            conn, desk.ctx, desk.plan, "drain-failing", account="hub", object="lane", object_id="x"
        )
    assert desk.case(case_id)["effect_text"].startswith("Work of hub (x)")


def test_a_nul_byte_in_their_words_does_not_stop_the_case(desk: Desk) -> None:
    case_id = refused(desk, cause="broken \x00 words")
    assert "broken � words" in desk.case(case_id)["cause_text"]


def test_the_same_failure_again_is_counted_and_not_doubled(desk: Desk) -> None:
    first = refused(desk, money_minor=100)
    second = refused(desk, money_minor=900)

    assert second == first
    case = desk.case(first)
    assert (case["count"], case["money_minor"]) == (2, 900)
    assert desk.story(first) == ["opened", "again"]
    assert len(desk.rows("SELECT id FROM alert")) == 2  # the two channels, once


def test_the_same_failure_twice_in_one_batch_is_one_case_counted_twice(desk: Desk) -> None:
    asked = [CaseAsked("leg-refused", **LEG), CaseAsked("ack-missed", **LEG), CaseAsked("leg-refused", **LEG)]
    with desk.ctx.db.transaction() as conn:
        ids = service.open_cases(conn, desk.ctx, desk.plan, asked)
    assert ids[0] == ids[2] != ids[1]
    assert [desk.case(i)["count"] for i in ids[:2]] == [2, 1]


def test_a_case_whose_cause_is_gone_closes_by_itself_and_the_next_one_links_back(desk: Desk) -> None:
    first = refused(desk)
    with desk.ctx.db.transaction() as conn:
        assert service.close_for(conn, desk.ctx, "leg-refused", "leg", "ORD-1-A", "the seller accepted after all") == 1
        assert service.close_for(conn, desk.ctx, "leg-refused", "leg", "ORD-1-A", "again") == 0
    second = refused(desk)

    assert second != first
    assert (desk.case(first)["state"], desk.case(first)["resolved_verb"]) == ("closed", "cause-gone")
    assert desk.case(second)["reopens"] == first


def test_the_owner_hears_of_a_new_case_on_every_channel_of_the_team(desk: Desk, listener: Listener) -> None:
    case_id = refused(desk, money_minor=4250)
    assert desk.notify() == 2

    notice = listener.heard[0][0]
    assert {channel for _, channel in listener.heard} == {"env:ENTREPOT_ALERT_WEBHOOK", "env:ENTREPOT_ALERT_MAIL"}
    number = desk.case(case_id)["number"]
    assert notice.subject.startswith(f"[sandbox] case {number} (leg-refused): 42.50 EUR")
    assert notice.body.startswith("42.50 EUR of the basket")
    assert "Owner: customer-care, to be decided by Mon 2 Mar 2026 17:00 CET" in notice.body
    assert f"entrepot case show {number}" in notice.body


def test_a_storm_of_cases_is_one_alert_that_names_them_all(desk: Desk, listener: Listener) -> None:
    many = ALERTS_EACH_MAX + 20
    asked = [CaseAsked("poison-message", "mirakl-fr/operator", "order", f"ORD-{i}") for i in range(many)]
    with desk.ctx.db.transaction() as conn:
        service.open_cases(conn, desk.ctx, desk.plan, asked)
    desk.notify()

    assert len(listener.heard) == 2
    assert f"{many} cases (poison-message)" in listener.heard[0][0].subject
    numbers = [row["number"] for row in desk.rows("SELECT number FROM case_file ORDER BY number")]
    assert all(str(number) in listener.heard[0][0].body for number in numbers)


def test_two_transactions_that_open_the_same_case_do_not_wait_for_each_other(desk: Desk) -> None:
    with desk.ctx.db.transaction() as first:
        service.open_case(first, desk.ctx, desk.plan, "leg-refused", **LEG)
        with pytest.raises(Busy), desk.ctx.db.transaction() as second:
            service.open_case(second, desk.ctx, desk.plan, "leg-refused", **LEG)
    assert len(desk.rows("SELECT id FROM case_file")) == 1


def test_a_mode_the_blueprint_does_not_hold_is_our_bug_and_writes_nothing(desk: Desk) -> None:
    with pytest.raises(OurBug, match="no-such-mode"), desk.ctx.db.transaction() as conn:
        service.open_case(conn, desk.ctx, desk.plan, "no-such-mode", **LEG)
    assert desk.rows("SELECT id FROM case_file") == []


def test_a_case_nobody_decides_goes_to_the_next_team_and_says_so_once(desk: Desk, listener: Listener) -> None:
    case_id = refused(desk)
    desk.notify()
    listener.heard.clear()
    desk.at(datetime(2026, 3, 2, 14, 24, tzinfo=UTC))  # 80 % of eight working hours
    assert desk.watch() == 1
    assert desk.watch() == 0
    desk.notify()
    assert {n.team for n, _ in listener.heard} == {"marketplace-lead"}
    assert "80 % of the time used" in listener.heard[0][0].subject

    listener.heard.clear()
    desk.at(datetime(2026, 3, 2, 16, 0, tzinfo=UTC))
    desk.watch()
    desk.notify()
    assert "overdue" in listener.heard[0][0].subject
    case = desk.case(case_id)
    assert (case["level"], case["next_at"], case["owner"]) == (2, None, "customer-care")
    desk.later(days=30)
    assert desk.watch() == 0


def test_a_watch_that_slept_for_days_tells_each_team_once_and_not_every_step(desk: Desk, listener: Listener) -> None:
    refused(desk)
    desk.notify()
    listener.heard.clear()
    desk.later(days=9)
    desk.watch()
    desk.notify()
    assert [(n.team, c) for n, c in listener.heard] == [
        ("marketplace-lead", "env:ENTREPOT_ALERT_WEBHOOK"),
        ("marketplace-lead", "env:ENTREPOT_ALERT_MAIL"),
    ]


def test_a_closed_case_is_not_escalated_any_more(desk: Desk) -> None:
    refused(desk)
    with desk.ctx.db.transaction() as conn:
        service.close_for(conn, desk.ctx, "leg-refused", "leg", "ORD-1-A", "done")
    desk.later(days=9)
    assert desk.watch() == 0


def test_cases_whose_causes_are_gone_close_together_each_with_its_own_reason(desk: Desk) -> None:
    first = refused(desk)
    second = refused(desk, object_id="ORD-2-A")
    with desk.ctx.db.transaction() as conn:
        gone = [("leg-refused", "leg", "ORD-1-A", "accepted"), ("leg-refused", "leg", "ORD-2-A", "cancelled")]
        assert service.close_each(conn, desk.ctx, gone) == 2
        assert service.close_each(conn, desk.ctx, [*gone, ("ack-missed", "leg", "X", "never was")]) == 0
    reasons = {r["case_id"]: r["reason"] for r in desk.rows("SELECT * FROM case_event WHERE what = 'closed'")}
    assert reasons == {first: "accepted", second: "cancelled"}


def test_a_text_speaks_of_orders_and_outgoing_actions_and_begins_like_a_sentence(desk: Desk) -> None:
    with desk.ctx.db.transaction() as conn:
        case_id = service.open_case(
            conn,
            desk.ctx,
            desk.plan,
            "effect-refused",
            account="gateway/main",
            object="effect",
            object_id="capture:C-1",
        )
    case = desk.case(case_id)
    assert case["effect_text"].startswith(
        "Outgoing action capture:C-1 worth an unknown amount was not done at gateway/main"
    )
    assert case["title"] == "Effect refused: outgoing action capture:C-1"
