"""Suppressed with an end: counted in silence; when the end comes and the cause stands, it is back with its owner."""

from datetime import timedelta

import pytest
from cases.desk import Desk, Listener

from entrepot.cases import obligations, queries, quiet, service
from entrepot.cases.model import Promise, VerbDone, VerbRefused
from entrepot.cases.states import CaseState

BY, WHY = "Ada", "the carrier promised it for tomorrow"
LEG = {"account": "mirakl-fr/operator", "object": "leg", "object_id": "ORD-1-A"}


def refused(desk: Desk, **more: object) -> str:
    with desk.ctx.db.transaction() as conn:
        return service.open_case(conn, desk.ctx, desk.plan, "leg-refused", **(LEG | more))  # type: ignore[arg-type]


def suppressed(desk: Desk, listener: Listener, **span: float) -> str:
    case_id = refused(desk)
    until = desk.clock.now() + timedelta(**span)
    assert isinstance(service.suppress(desk.ctx, desk.plan, case_id, BY, WHY, until=until), VerbDone)
    desk.notify()
    listener.heard.clear()
    return case_id


def test_a_suppressed_failure_that_comes_again_is_counted_and_nobody_hears_of_it(
    desk: Desk, listener: Listener
) -> None:
    case_id = suppressed(desk, listener, hours=24)
    desk.later(hours=20)  # past every step of its escalation
    assert refused(desk) == case_id
    assert (desk.watch(), desk.notify()) == (0, 0)
    case = desk.case(case_id)
    assert (case["state"], case["count"], case["resolved_at"]) == ("suppressed", 2, None)


def test_when_the_end_comes_and_the_cause_stands_it_is_open_again_and_its_owner_has_new_time(
    desk: Desk, listener: Listener
) -> None:
    case_id = suppressed(desk, listener, hours=24)
    desk.later(hours=24)
    assert desk.watch() == 1
    assert desk.watch() == 0
    case = desk.case(case_id)
    assert (case["state"], case["suppressed_until"], case["starts_at"]) == ("open", None, desk.clock.now())
    failure = desk.plan.failure("leg-refused")
    assert case["due_at"] == desk.plan.team(failure.owner).hours.add(desk.clock.now(), failure.within)
    desk.notify()
    assert {notice.team for notice, _ in listener.heard} == {"customer-care"}
    assert "no longer suppressed" in listener.heard[0][0].subject
    assert desk.story(case_id) == ["opened", "suppress", "reopened"]


def test_it_can_be_suppressed_again_and_comes_back_again(desk: Desk, listener: Listener) -> None:
    case_id = suppressed(desk, listener, hours=24)
    for _ in range(2):
        desk.later(hours=24)
        desk.watch()
        assert desk.notify() == 2
        until = desk.clock.now() + timedelta(hours=24)
        assert isinstance(service.suppress(desk.ctx, desk.plan, case_id, BY, WHY, until=until), VerbDone)


def test_a_cause_that_is_gone_before_the_end_closes_the_case_without_a_word(desk: Desk, listener: Listener) -> None:
    case_id = suppressed(desk, listener, hours=24)
    with desk.ctx.db.transaction() as conn:
        service.close_for(conn, desk.ctx, "leg-refused", "leg", "ORD-1-A", "the seller accepted after all")
    desk.later(hours=25)
    assert (desk.watch(), desk.notify(), desk.case(case_id)["state"]) == (0, 0, "closed")


@pytest.mark.parametrize(("message", "then"), [("parked", "open"), ("decided", "closed")])
def test_at_its_end_a_case_is_back_only_when_something_of_it_still_fails(desk: Desk, message: str, then: str) -> None:
    message_id = desk.message(b"{}")
    case_id = refused(desk, message_id=message_id)
    service.suppress(desk.ctx, desk.plan, case_id, BY, WHY, until=desk.clock.now() + timedelta(hours=1))
    assert desk.message_row(message_id)["state"] == "parked"  # nothing of it ended
    with desk.ctx.db.transaction() as conn:
        conn.execute("UPDATE message SET state = %s WHERE id = %s", (message, message_id))
    desk.later(hours=1)
    desk.watch()
    assert desk.case(case_id)["state"] == then


def test_a_broken_promise_of_a_suppressed_case_is_kept_in_its_story_and_says_nothing(
    desk: Desk, listener: Listener
) -> None:
    now = desk.clock.now()
    promise = Promise(
        "ship", "shipment", "mirakl-fr/operator", "leg", "L", "r", "ship-late", "", now, now + timedelta(hours=10)
    )
    with desk.ctx.db.transaction() as conn:
        obligations.promise(conn, desk.ctx, desk.plan, [promise])
    desk.later(hours=6)
    desk.watch()
    [case] = desk.rows("SELECT * FROM case_file")
    service.suppress(desk.ctx, desk.plan, case["id"], BY, WHY, until=now + timedelta(hours=30))
    desk.notify()
    listener.heard.clear()
    desk.later(hours=5)
    desk.watch()
    assert desk.notify() == 0
    assert desk.story(case["id"])[-1] == "missed"
    desk.later(hours=20)
    desk.watch()
    assert desk.case(case["id"])["due_at"] == now + timedelta(hours=10)  # the other side's, not ours to move
    assert desk.notify() == 2


def test_a_suppressed_case_stands_in_a_list_of_its_own(desk: Desk, listener: Listener) -> None:
    suppressed(desk, listener, hours=24)
    with desk.ctx.db.transaction() as conn:
        found = {state: len(queries.list_cases(conn, queries.CaseFilter(state))) for state in ("open", "suppressed")}
        assert (found, queries.open_count(conn)) == ({"open": 0, "suppressed": 1}, 0)


def test_a_preview_says_until_when_and_who_hears_of_it_then(desk: Desk) -> None:
    case_id = refused(desk)
    seen = service.preview(desk.ctx, desk.plan, case_id, "suppress", until=desk.clock.now() + timedelta(hours=24))
    assert "until Tue 3 Mar 2026 09:00 CET" in seen.words
    assert "customer-care hears of it" in seen.words
    assert desk.case(case_id)["state"] == "open"


@pytest.mark.parametrize(
    ("span", "why"), [(timedelta(), "has passed already"), (quiet.QUIET_MAX + timedelta(hours=1), "90 days at most")]
)
def test_an_end_that_is_none_is_refused(desk: Desk, span: timedelta, why: str) -> None:
    case_id = refused(desk)
    done = service.suppress(desk.ctx, desk.plan, case_id, BY, WHY, until=desk.clock.now() + span)
    assert isinstance(done, VerbRefused)
    assert why in done.why


def test_without_an_end_it_is_ended_for_good(desk: Desk) -> None:
    case_id = refused(desk)
    service.suppress(desk.ctx, desk.plan, case_id, BY, WHY)
    assert desk.case(case_id)["state"] == CaseState.RESOLVED


def test_a_suppressed_case_can_still_be_handed_on_and_is_open_there(desk: Desk, listener: Listener) -> None:
    case_id = suppressed(desk, listener, hours=24)
    assert isinstance(service.escalate(desk.ctx, desk.plan, case_id, BY, WHY), VerbDone)
    case = desk.case(case_id)
    assert (case["state"], case["owner"], case["suppressed_until"]) == ("open", "marketplace-lead", None)
