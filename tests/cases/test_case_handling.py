"""Before a case is decided: who works on it, whom it waits for, what there is to say; who may; and handing it on in time."""

from datetime import UTC, datetime
from typing import Any

import pytest
from cases.desk import Desk, Listener
from hypothesis import given
from hypothesis import strategies as st

from entrepot.blueprint.load import load
from entrepot.blueprint.model import VERBS
from entrepot.cases import authority, handling, service, verbs
from entrepot.cases.authority import RIGHTS, Standing
from entrepot.cases.model import VerbDone, VerbRefused
from entrepot.cases.subjects import Change, Order, OwnedSubject, Why
from entrepot.kernel.ctx import Conn, Ctx, Row

PLAN = load()
BY = "Ada Lovelace"
LEG: dict[str, Any] = {"account": "mirakl-fr/operator", "object": "leg", "object_id": "ORD-1-A"}


def opened(desk: Desk, mode: str = "leg-refused", **more: Any) -> str:
    with desk.ctx.db.transaction() as conn:
        return service.open_case(conn, desk.ctx, desk.plan, mode, **(LEG | more))


def done(verdict: VerbDone | VerbRefused) -> str:
    assert isinstance(verdict, VerbDone), verdict
    return verdict.words


def why(verdict: VerbDone | VerbRefused) -> str:
    assert isinstance(verdict, VerbRefused), verdict
    return verdict.why


# ── handling ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_work_begins_waits_and_goes_on_each_with_a_line_in_the_story(desk: Desk) -> None:
    case_id = opened(desk)
    done(handling.working(desk.ctx, desk.plan, case_id, BY, "calling the seller"))
    assert (desk.case(case_id)["state"], desk.case(case_id)["assignee"]) == ("working", BY)
    done(handling.waiting(desk.ctx, desk.plan, case_id, BY, "seller 2001"))
    assert (desk.case(case_id)["state"], desk.case(case_id)["waiting_on"]) == ("waiting", "seller 2001")
    done(handling.working(desk.ctx, desk.plan, case_id, "Grace"))
    case = desk.case(case_id)
    assert (case["state"], case["waiting_on"], case["assignee"]) == ("working", "", BY)
    assert desk.story(case_id) == ["opened", "working", "waiting", "working"]


def test_a_case_is_given_to_a_person_or_to_a_team_which_hears_of_it_and_its_owner_stays(
    desk: Desk, listener: Listener
) -> None:
    case_id = opened(desk)
    desk.notify()
    listener.heard.clear()
    done(handling.assign(desk.ctx, desk.plan, case_id, BY, "Grace Hopper"))
    assert desk.notify() == 0
    done(handling.assign(desk.ctx, desk.plan, case_id, BY, "order-desk", "they know the carrier"))
    assert desk.notify() == 2
    assert {notice.team for notice, _ in listener.heard} == {"order-desk"}
    assert "they know the carrier" in listener.heard[0][0].body
    assert (desk.case(case_id)["assignee"], desk.case(case_id)["owner"]) == ("order-desk", "customer-care")


def test_a_note_changes_nothing_and_an_ended_case_takes_one_too(desk: Desk) -> None:
    case_id = opened(desk)
    service.suppress(desk.ctx, desk.plan, case_id, BY, "no longer wanted")
    before = desk.case(case_id)
    done(handling.note(desk.ctx, desk.plan, case_id, BY, "the buyer wrote again"))
    assert desk.case(case_id) == before
    assert desk.story(case_id)[-1] == "note"
    assert "was ended by" in why(handling.working(desk.ctx, desk.plan, case_id, BY))
    assert "was ended by" in why(handling.assign(desk.ctx, desk.plan, case_id, BY, "Grace"))


def test_what_is_left_out_is_asked_for(desk: Desk) -> None:
    case_id = opened(desk)
    assert "say who you are" in why(handling.note(desk.ctx, desk.plan, case_id, " ", "x"))
    assert "a note says something" in why(handling.note(desk.ctx, desk.plan, case_id, BY, " "))
    assert "say to whom" in why(handling.assign(desk.ctx, desk.plan, case_id, BY, ""))
    assert "say on whom" in why(handling.waiting(desk.ctx, desk.plan, case_id, BY, ""))
    assert "there is no case 4711" in why(handling.note(desk.ctx, desk.plan, "4711", BY, "x"))
    assert desk.story(case_id) == ["opened"]


def test_a_suppressed_case_is_not_worked_on_before_it_is_back(desk: Desk) -> None:
    case_id = opened(desk)
    until = datetime(2026, 3, 4, 8, tzinfo=UTC)
    service.suppress(desk.ctx, desk.plan, case_id, BY, "quiet", until=until)
    assert "is suppressed" in why(handling.working(desk.ctx, desk.plan, case_id, BY))


# ── who may ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_table_of_rights_speaks_of_every_standing_and_gives_decisions_to_none_outside() -> None:
    assert set(RIGHTS) == set(Standing)
    assert not RIGHTS[Standing.OTHER] & set(VERBS)
    assert RIGHTS[Standing.OWNER] == set(authority.DEEDS)


@pytest.mark.parametrize(
    ("team", "hours", "standing"),
    [
        ("", 0, Standing.OPERATOR),
        ("customer-care", 0, Standing.OWNER),
        ("order-desk", 0, Standing.DEPUTY),
        ("marketplace-lead", 0, Standing.OTHER),
        ("marketplace-lead", 7, Standing.ESCALATED),  # 80 % of eight working hours
        ("finance-operations", 7, Standing.OTHER),
    ],
)
def test_a_team_is_to_a_case_what_the_plan_and_the_time_used_up_say(
    desk: Desk, team: str, hours: float, standing: Standing
) -> None:
    case = desk.case(opened(desk))
    desk.later(hours=hours)
    assert authority.standing_of(desk.plan, case, team, desk.clock.now()) is standing


def test_a_foreign_team_decides_nothing_and_is_told_whose_it_is(desk: Desk) -> None:
    case_id = opened(desk)
    for verb in (service.suppress, service.escalate):
        said = why(verb(desk.ctx, desk.plan, case_id, BY, "because", team="finance-operations"))
        assert "customer-care's" in said
        assert "finance-operations may leave a note" in said
    assert "customer-care's" in why(handling.assign(desk.ctx, desk.plan, case_id, BY, "me", team="finance-operations"))
    done(handling.note(desk.ctx, desk.plan, case_id, BY, "look at the refund", team="finance-operations"))
    assert "there is no team" in why(service.suppress(desk.ctx, desk.plan, case_id, BY, "because", team="nobody"))
    assert not service.preview(desk.ctx, desk.plan, case_id, "suppress", team="finance-operations").allowed
    done(service.suppress(desk.ctx, desk.plan, case_id, BY, "because", team="customer-care"))


TEAMS = st.sampled_from(["", *PLAN.teams, "nobody"])


@given(
    TEAMS, st.sampled_from(sorted(PLAN.teams)), st.sampled_from(authority.DEEDS), st.sampled_from(sorted(PLAN.failures))
)
def test_whoever_may_not_is_told_why_and_whoever_may_is_not(team: str, owner: str, deed: str, mode: str) -> None:
    at = datetime(2026, 3, 2, 8, tzinfo=UTC)
    case = {"mode": mode, "owner": owner, "opened_at": at, "starts_at": None, "due_at": at.replace(day=5), "number": 7}
    said = authority.may_not(PLAN, case, team, deed, at)
    if team == "nobody":
        assert said is not None and "there is no team" in said
    else:
        standing = authority.standing_of(PLAN, case, team, at)
        assert (said is None) is (deed in RIGHTS[standing])


# ── handing on ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_next_team_has_its_own_working_time_and_the_preview_says_who_and_by_when(desk: Desk) -> None:
    case_id = opened(desk)
    desk.at(datetime(2026, 3, 2, 15, 30, tzinfo=UTC))
    done(handling.working(desk.ctx, desk.plan, case_id, BY))
    seen = service.preview(desk.ctx, desk.plan, case_id, "escalate")
    assert seen.words == (
        "The case goes to marketplace-lead, which is told at once and decides by Tue 3 Mar 2026 13:30 CET."
    )
    done(service.escalate(desk.ctx, desk.plan, case_id, BY, "needs a decision"))
    case = desk.case(case_id)
    assert (case["owner"], case["state"], case["assignee"]) == ("marketplace-lead", "open", "")
    # eight hours of Monday to Friday 8 to 19 in Paris, from 16:30 there
    assert (case["starts_at"], case["due_at"]) == (desk.clock.now(), datetime(2026, 3, 3, 12, 30, tzinfo=UTC))


def test_the_steps_of_the_new_owner_begin_when_he_got_it(desk: Desk, listener: Listener) -> None:
    case_id = opened(desk)
    desk.at(datetime(2026, 3, 2, 15, 30, tzinfo=UTC))
    service.escalate(desk.ctx, desk.plan, case_id, BY, "needs a decision")
    desk.notify()
    listener.heard.clear()
    desk.watch()
    assert desk.notify() == 0  # nothing of the new time is used up yet
    desk.at(datetime(2026, 3, 3, 12, 30, tzinfo=UTC))
    desk.watch()
    desk.notify()
    assert {notice.team for notice, _ in listener.heard} >= {"on-call"}


# ── the port for owned objects ───────────────────────────────────────────────────────────────────────────────


class Fields:
    """Ownership as a room above would hand it in: the seller owns the price, others may only ask."""

    def __init__(self) -> None:
        self.written: list[tuple[str, Any, str]] = []

    def correct(self, conn: Conn, ctx: Ctx, case: Row, order: Order) -> Change | Why:
        values = order.payload
        assert isinstance(values, dict)
        if order.team != "supplier-operations":
            return Why("the seller owns price; ask him")

        def apply(conn: Conn) -> None:
            self.written += [(name, value, order.by) for name, value in values.items()]

        return Change("price is corrected, by the seller's own right", before={"price": 1}, after=values, apply=apply)


def test_a_case_about_an_owned_object_is_repaired_through_ownership_and_suppressed_as_ever(desk: Desk) -> None:
    fields = Fields()
    openers: verbs.Openers = {"offer": lambda case: OwnedSubject(case, fields)}
    case_id = opened(desk, "unknown-word", object="offer", object_id="O-1")
    team = "commerce-architect"
    assert "the seller owns price" in why(
        service.repair(desk.ctx, desk.plan, case_id, BY, "typo", {"price": 2}, openers, team=team)
    )
    seen = service.preview(desk.ctx, desk.plan, case_id, "repair", {"price": 2}, openers, team=team)
    assert not seen.allowed
    assert fields.written == []
    done(service.suppress(desk.ctx, desk.plan, case_id, BY, "it is gone", openers))


def test_a_corrected_field_ends_the_case_in_the_transaction_that_writes_it(desk: Desk) -> None:
    fields = Fields()
    openers: verbs.Openers = {"offer": lambda case: OwnedSubject(case, fields)}
    case_id = opened(desk, "unknown-word", object="offer", object_id="O-1")
    with desk.ctx.db.transaction() as conn:
        conn.execute("UPDATE case_file SET owner = 'supplier-operations' WHERE id = %s", (case_id,))
    done(service.repair(desk.ctx, desk.plan, case_id, BY, "typo", {"price": 2}, openers, team="supplier-operations"))
    assert fields.written == [("price", 2, BY)]
    assert desk.case(case_id)["resolved_verb"] == "repair"
