"""Promises: warned, escalated, met, late, missed, void; never missed without somebody having heard before."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cases.desk import Desk, DiesAt, Killed, Listener

from entrepot.cases import queries, service
from entrepot.cases.model import Promise
from entrepot.kernel.ctx import Points, Row

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)  # Monday 9:00 in Paris
DUE = START + timedelta(hours=48)  # Wednesday 9:00; the owner works 1 + 9 + 10 hours until then


def acknowledge(leg: str = "ORD-1-A", **more: Any) -> Promise:
    given: dict[str, Any] = {
        "kind": "acknowledge",
        "flow": "order-acceptance",
        "account": "mirakl-fr/operator",
        "object": "leg",
        "object_id": leg,
        "root": "basket:ORD-1",
        "mode": "ack-at-risk",
        "owner": "",
        "starts_at": START,
        "due_at": DUE,
        "money_minor": 4250,
    }
    return Promise(**(given | more))


def promise(desk: Desk, *promises: Promise) -> None:
    with desk.ctx.db.transaction() as conn:
        service.promise(conn, desk.ctx, desk.plan, promises)


def meet(desk: Desk, at: datetime, *legs: str, kind: str = "acknowledge") -> int:
    with desk.ctx.db.transaction() as conn:
        return service.meet(conn, desk.ctx, kind, "leg", legs or ("ORD-1-A",), at)


def obligation(desk: Desk, leg: str = "ORD-1-A") -> Row:
    return desk.rows("SELECT * FROM obligation WHERE object_id = %s", leg)[0]


def cases(desk: Desk) -> list[Row]:
    return desk.rows("SELECT * FROM case_file ORDER BY number")


def test_warning_and_escalation_fall_on_shares_of_the_owners_working_time(desk: Desk) -> None:
    promise(desk, acknowledge())
    row = obligation(desk)
    # 20 working hours in the window: ten are used up on Tuesday 9:00 + 1 h, sixteen on Tuesday 16:00 in Paris
    assert row["owner"] == "supplier-operations"
    assert row["warn_at"] == datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
    assert row["escalate_at"] == datetime(2026, 3, 3, 14, 0, tzinfo=UTC)
    assert row["next_at"] == row["warn_at"]


def test_a_promise_kept_in_time_makes_no_noise(desk: Desk) -> None:
    promise(desk, acknowledge())
    assert meet(desk, START + timedelta(hours=3)) == 1
    desk.later(days=5)
    assert desk.watch() == 0
    assert obligation(desk)["state"] == "met"
    assert cases(desk) == []


def test_at_half_of_the_window_the_owner_is_warned_and_at_four_fifths_the_next_team(
    desk: Desk, listener: Listener
) -> None:
    promise(desk, acknowledge())
    desk.at(obligation(desk)["warn_at"])
    assert desk.watch() == 1
    desk.notify()
    assert {n.team for n, _ in listener.heard} == {"supplier-operations"}
    row = obligation(desk)
    assert (row["state"], row["warned_at"]) == ("warned", row["warn_at"])
    [case] = cases(desk)
    assert (case["mode"], case["due_at"], case["obligation_id"]) == ("ack-at-risk", DUE, row["id"])
    assert case["effect_text"] == (
        "Order ORD-1-A worth 42.50 EUR will be refused by the marketplace at Wed 4 Mar 2026 09:00 CET."
    )

    listener.heard.clear()
    desk.at(row["escalate_at"])
    desk.watch()
    desk.notify()
    assert {n.team for n, _ in listener.heard} == {"marketplace-lead"}
    assert obligation(desk)["state"] == "escalated"

    listener.heard.clear()
    desk.at(datetime(2026, 3, 4, 7, 30, tzinfo=UTC))
    desk.watch()
    desk.notify()
    assert {n.team for n, _ in listener.heard} == {"on-call"}


def test_meeting_a_promise_closes_the_case_it_had_opened(desk: Desk) -> None:
    promise(desk, acknowledge())
    desk.at(obligation(desk)["warn_at"])
    desk.watch()
    meet(desk, desk.clock.now())
    [case] = cases(desk)
    assert (case["state"], case["resolved_verb"]) == ("closed", "cause-gone")


def test_a_missed_promise_has_a_cause_an_earlier_alert_and_a_case_of_the_mode_that_takes_over(
    desk: Desk, listener: Listener
) -> None:
    promise(desk, acknowledge())
    for _ in range(120):
        desk.later(hours=1)
        desk.watch()
    desk.notify()
    row = obligation(desk)
    assert (row["state"], row["cause"]) == ("missed", "The seller has not decided every line of the order.")
    assert row["warned_at"] < row["due_at"]
    at_risk, missed = cases(desk)
    assert (at_risk["mode"], at_risk["state"]) == ("ack-at-risk", "closed")
    assert (missed["mode"], missed["owner"], missed["state"]) == ("ack-missed", "marketplace-lead", "open")
    assert "was due at Wed 4 Mar 2026 09:00 CET and is lost" in missed["effect_text"]
    with desk.ctx.db.transaction() as conn:
        assert queries.obligation_figures(conn)["missed_without_alert"] == 0
        assert queries.obligation_figures(conn)["missed"] == 1
    subjects = [n.subject for n, _ in listener.heard]
    assert len(subjects) == len(set(zip(subjects, [c for _, c in listener.heard], strict=True)))


def test_a_miss_nobody_was_warned_of_in_time_is_counted_as_such(desk: Desk) -> None:
    promise(desk, acknowledge())
    desk.later(days=9)
    desk.watch()
    row = obligation(desk)
    assert row["state"] == "missed"
    assert "looked too late" in row["cause"]
    with desk.ctx.db.transaction() as conn:
        assert queries.obligation_figures(conn)["missed_without_alert"] == 1


def test_a_promise_without_a_mode_that_takes_over_keeps_its_case_and_says_missed(
    desk: Desk, listener: Listener
) -> None:
    promise(desk, acknowledge(kind="ship", mode="ship-late"))
    for _ in range(60):
        desk.later(hours=1)
        desk.watch()
    [case] = cases(desk)
    assert (case["mode"], case["state"]) == ("ship-late", "open")
    assert desk.story(case["id"])[-1] == "missed"
    desk.notify()
    assert any("overdue" in n.subject for n, _ in listener.heard)


def test_what_happened_in_time_but_was_heard_of_late_was_kept(desk: Desk) -> None:
    promise(desk, acknowledge())
    desk.later(days=9)
    desk.watch()
    assert obligation(desk)["state"] == "missed"
    meet(desk, DUE - timedelta(minutes=1))
    row = obligation(desk)
    assert (row["state"], row["ended_at"]) == ("met", DUE - timedelta(minutes=1))
    assert {case["state"] for case in cases(desk)} == {"closed"}


def test_what_happened_after_its_due_time_is_met_late(desk: Desk) -> None:
    promise(desk, acknowledge(kind="ship", mode="ship-late"))
    desk.at(DUE + timedelta(hours=1))
    desk.watch()
    meet(desk, DUE + timedelta(minutes=30), kind="ship")
    assert obligation(desk)["state"] == "met-late"
    assert {case["state"] for case in cases(desk)} == {"closed"}


def test_a_void_promise_is_no_longer_watched_and_its_case_closes(desk: Desk) -> None:
    promise(desk, acknowledge())
    desk.at(obligation(desk)["warn_at"])
    desk.watch()
    with desk.ctx.db.transaction() as conn:
        assert service.void(conn, desk.ctx, "acknowledge", "leg", ["ORD-1-A"], "the order was cancelled") == 1
        assert service.void(conn, desk.ctx, "acknowledge", "leg", ["ORD-1-A"], "again") == 0
    desk.later(days=9)
    assert desk.watch() == 0
    assert obligation(desk)["state"] == "void"
    assert {case["state"] for case in cases(desk)} == {"closed"}


def test_promises_of_several_kinds_are_kept_and_voided_together(desk: Desk) -> None:
    promise(desk, acknowledge("A"), acknowledge("B"), acknowledge("B", kind="ship", mode="ship-late"))
    desk.at(DUE - timedelta(hours=1))
    desk.watch()
    assert len(cases(desk)) == 3
    with desk.ctx.db.transaction() as conn:
        kept = [("acknowledge", "leg", "A", START), ("ship", "leg", "B", START), ("acknowledge", "leg", "A", START)]
        assert service.meet_many(conn, desk.ctx, kept) == 2
        assert service.void_many(conn, desk.ctx, [("acknowledge", "leg", "B", "the order was cancelled")]) == 1
        assert service.meet_many(conn, desk.ctx, []) + service.void_many(conn, desk.ctx, []) == 0
    assert [c["resolved_verb"] for c in cases(desk)] == ["cause-gone"] * 3
    reasons = {e["reason"] for e in desk.rows("SELECT reason FROM case_event WHERE what = 'closed'")}
    assert reasons == {
        "acknowledge done at 2026-03-02 08:00 UTC",
        "ship done at 2026-03-02 08:00 UTC",
        "the order was cancelled",
    }


def test_a_watch_killed_before_its_commit_warns_once_when_it_comes_again(desk: Desk, listener: Listener) -> None:
    promise(desk, acknowledge())
    desk.at(obligation(desk)["warn_at"])
    desk.ctx.points = DiesAt("watch.before-commit")
    with pytest.raises(Killed):
        desk.watch()
    assert obligation(desk)["state"] == "due"
    desk.ctx.points = Points()
    assert desk.watch() == 1
    desk.notify()
    assert len(listener.heard) == 2


def test_the_same_promise_twice_is_one_and_a_new_due_time_moves_it(desk: Desk) -> None:
    promise(desk, acknowledge(), acknowledge())
    promise(desk, acknowledge(due_at=DUE + timedelta(days=1)))
    [row] = desk.rows("SELECT * FROM obligation")
    assert row["due_at"] == DUE + timedelta(days=1)
    assert row["warn_at"] > datetime(2026, 3, 3, 8, 0, tzinfo=UTC)


def test_a_promise_that_ended_stays_ended(desk: Desk) -> None:
    promise(desk, acknowledge())
    meet(desk, START)
    promise(desk, acknowledge(due_at=DUE + timedelta(days=1)))
    assert (obligation(desk)["state"], obligation(desk)["due_at"]) == ("met", DUE)


def test_a_deadline_moved_outwards_after_the_warning_opens_no_second_case(desk: Desk) -> None:
    promise(desk, acknowledge())
    desk.at(obligation(desk)["warn_at"])
    desk.watch()
    promise(desk, acknowledge(due_at=DUE + timedelta(days=7)))
    desk.later(days=7)
    desk.watch()
    assert len(cases(desk)) == 1
    assert obligation(desk)["state"] in ("warned", "escalated")


def test_a_case_a_person_accepted_stays_quiet_until_the_promise_is_broken(desk: Desk, listener: Listener) -> None:
    promise(desk, acknowledge())
    desk.at(obligation(desk)["warn_at"])
    desk.watch()
    [case] = cases(desk)
    service.suppress(desk.ctx, desk.plan, case["id"], "Ada", "the seller called: will accept tonight")
    desk.notify()
    listener.heard.clear()
    desk.at(DUE - timedelta(minutes=1))
    desk.watch()
    desk.notify()
    assert listener.heard == []
    desk.at(DUE)
    desk.watch()
    assert [c["mode"] for c in cases(desk)] == ["ack-at-risk", "ack-missed"]


def test_a_promise_in_the_past_is_said_at_the_first_look(desk: Desk) -> None:
    promise(desk, acknowledge(starts_at=START - timedelta(days=3), due_at=START - timedelta(hours=1)))
    assert desk.watch() == 1
    assert obligation(desk)["state"] == "missed"


@pytest.mark.parametrize("count", [1, 450])
def test_many_promises_are_made_watched_and_met_together(desk: Desk, count: int) -> None:
    promise(desk, *(acknowledge(f"ORD-{i}") for i in range(count)))
    desk.at(obligation(desk, "ORD-0")["warn_at"])
    assert desk.watch() == count
    assert meet(desk, desk.clock.now(), *(f"ORD-{i}" for i in range(count))) == count
    with desk.ctx.db.transaction() as conn:
        assert queries.open_count(conn) == 0
        assert queries.obligation_figures(conn)["met"] == count
