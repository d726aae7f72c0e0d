"""Retry, repair, suppress, escalate: what each one changes, what it refuses, and what it says beforehand."""

import pytest
from cases.desk import Desk, Listener

from entrepot.cases import queries, service
from entrepot.cases.model import VerbDone, VerbRefused
from entrepot.cases.states import CaseState
from entrepot.cases.subjects import next_key
from entrepot.store.locks import lock_root

BY, WHY = "Ada Lovelace", "checked with the seller"


def about_message(desk: Desk, message_id: str, mode: str = "malformed-message", object_id: str = "ORD-1-A") -> str:
    with desk.ctx.db.transaction() as conn:
        return service.open_case(
            conn, desk.ctx, desk.plan, mode, account="mirakl-fr/operator", object="order", object_id=object_id,
            message_id=message_id,
        )  # fmt: skip


def about_effect(desk: Desk, effect_id: str, mode: str = "effect-refused") -> str:
    with desk.ctx.db.transaction() as conn:
        return service.open_case(
            conn, desk.ctx, desk.plan, mode, account="gateway/main", object="capture", object_id="ORD-1-A",
            effect_id=effect_id, root="basket:ORD-1", flow="capture",
        )  # fmt: skip


def done(verdict: VerbDone | VerbRefused) -> VerbDone:
    assert isinstance(verdict, VerbDone), verdict
    return verdict


def why(verdict: VerbDone | VerbRefused) -> str:
    assert isinstance(verdict, VerbRefused), verdict
    return verdict.why


# ── who may, and when ────────────────────────────────────────────────────────────────────────────────────────


def test_every_verb_asks_a_reason_and_a_name(desk: Desk) -> None:
    case_id = about_message(desk, desk.message(b"{}"))
    assert "say why" in why(service.suppress(desk.ctx, desk.plan, case_id, BY, "  "))
    assert "say who" in why(service.suppress(desk.ctx, desk.plan, case_id, "", WHY))


def test_a_verb_the_mode_does_not_allow_is_refused_with_those_it_does(desk: Desk) -> None:
    with desk.ctx.db.transaction() as conn:
        case_id = service.open_case(
            conn, desk.ctx, desk.plan, "leg-refused", account="mirakl-fr/operator", object="leg", object_id="L"
        )
    assert "here one may suppress, escalate" in why(service.retry(desk.ctx, desk.plan, case_id, BY, WHY))


def test_acting_on_an_ended_case_names_who_ended_it_and_when(desk: Desk) -> None:
    case_id = about_message(desk, desk.message(b"{}"))
    number = done(service.suppress(desk.ctx, desk.plan, case_id, BY, WHY)).number
    said = why(service.retry(desk.ctx, desk.plan, case_id, "Grace", WHY))
    assert said == f"case {number} was ended by {BY} at 2026-03-02 08:00 UTC: suppress"


def test_a_case_can_be_named_by_its_number_as_people_do(desk: Desk) -> None:
    case_id = about_message(desk, desk.message(b"{}"))
    number = desk.case(case_id)["number"]
    assert done(service.suppress(desk.ctx, desk.plan, f"#{number}", BY, WHY)).case_id == case_id


@pytest.mark.parametrize("name", ["999999", "case_nothing", "", "99999999999999999999999", "²"])
def test_a_case_that_is_not_there_is_refused_in_words(desk: Desk, name: str) -> None:
    assert "there is no case" in why(service.retry(desk.ctx, desk.plan, name, BY, WHY))


def test_every_verb_leaves_a_line_with_name_and_reason(desk: Desk) -> None:
    case_id = about_message(desk, desk.message(b"{}"))
    done(service.suppress(desk.ctx, desk.plan, case_id, BY, WHY))
    [line] = desk.rows("SELECT * FROM case_event WHERE case_id = %s AND what = 'suppress'", case_id)
    assert (line["by"], line["reason"]) == (BY, WHY)


def test_a_case_held_by_a_drain_is_told_to_come_again_and_nothing_changes(desk: Desk) -> None:
    effect_id = desk.effect()
    case_id = about_effect(desk, effect_id)
    with desk.ctx.db.transaction() as other:
        lock_root(other, "basket:ORD-1")
        with pytest.raises(Exception, match="being decided"):
            service.retry(desk.ctx, desk.plan, case_id, BY, WHY)
    assert desk.case(case_id)["state"] == "open"
    assert desk.effect_row(effect_id)["state"] == "refused"
    done(service.retry(desk.ctx, desk.plan, case_id, BY, WHY))


# ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_retried_message_is_new_again_and_due_now(desk: Desk) -> None:
    message_id = desk.message(b'{"total": 12.50}')
    case_id = about_message(desk, message_id, mode="poison-message")
    desk.later(hours=2)
    done(service.retry(desk.ctx, desk.plan, case_id, BY, "fixed in the new version"))
    row = desk.message_row(message_id)
    assert (row["state"], row["due_at"], row["attempts"]) == ("new", desk.clock.now(), 0)
    assert (desk.case(case_id)["state"], desk.case(case_id)["resolved_verb"]) == (CaseState.RESOLVED, "retry")


def test_a_retry_reaches_every_message_that_was_counted_in_the_case(desk: Desk) -> None:
    first, second = desk.message(b'{"a": 1}', revision="1"), desk.message(b'{"a": 2}', revision="2")
    case_id = about_message(desk, first)
    assert about_message(desk, second) == case_id
    with desk.ctx.db.transaction() as conn:
        assert queries.without_owner(conn) == 0
    done(service.retry(desk.ctx, desk.plan, case_id, BY, WHY))
    assert [desk.message_row(m)["state"] for m in (first, second)] == ["new", "new"]


def test_a_repaired_message_is_a_new_one_that_names_the_old_and_keeps_every_digit(desk: Desk) -> None:
    old = desk.message(b'{"id": "ORD-1-A", "currency": "EURO", "total": 12.50, "deep": {"keep": 1, "drop": 2}}')
    case_id = about_message(desk, old)
    done(service.repair(desk.ctx, desk.plan, case_id, BY, WHY, {"currency": "EUR", "deep": {"drop": None}}))

    [new] = desk.rows("SELECT * FROM message WHERE replaces = %s", old)
    assert bytes(new["body"]) == b'{"id":"ORD-1-A","currency":"EUR","total":12.50,"deep":{"keep":1}}'
    assert (new["state"], new["kind"], new["root"], new["revision"]) == ("new", "order", "basket:ORD-1", "1")
    assert (desk.message_row(old)["state"], desk.message_row(old)["note"]) == ("replaced", f"{BY}: {WHY}")
    [envelope] = desk.rows("SELECT * FROM envelope WHERE id = %s", new["envelope_id"])
    assert (envelope["channel"], envelope["route"]) == ("person", f"case {desk.case(case_id)['number']}")


def test_a_message_that_is_no_json_is_repaired_by_writing_it_whole(desk: Desk) -> None:
    old = desk.message(b"<html>maintenance</html>")
    case_id = about_message(desk, old)
    done(service.repair(desk.ctx, desk.plan, case_id, BY, WHY, {"id": "ORD-1-A"}))
    [new] = desk.rows("SELECT * FROM message WHERE replaces = %s", old)
    assert bytes(new["body"]) == b'{"id":"ORD-1-A"}'


def test_a_repair_that_changes_nothing_is_refused(desk: Desk) -> None:
    case_id = about_message(desk, desk.message(b'{"currency": "EUR"}'))
    assert "changes nothing" in why(service.repair(desk.ctx, desk.plan, case_id, BY, WHY, {"currency": "EUR"}))
    assert desk.case(case_id)["state"] == "open"


def test_a_repair_into_content_that_was_there_before_is_refused_and_leaves_no_trace(desk: Desk) -> None:
    known = desk.message(b'{"currency":"EUR"}', state="decided")
    case_id = about_message(desk, desk.message(b'{"currency":"EURO"}'))
    said = why(service.repair(desk.ctx, desk.plan, case_id, BY, WHY, {"currency": "EUR"}))
    assert len(desk.rows("SELECT id FROM envelope")) == 2
    assert f"arrived already as message {known}" in said
    assert (desk.message_row(known)["state"], desk.message_row(known)["seen"]) == ("decided", 1)
    assert desk.case(case_id)["state"] == "open"


def test_a_suppressed_message_is_kept_and_never_applied(desk: Desk) -> None:
    message_id = desk.message(b"{}")
    done(service.suppress(desk.ctx, desk.plan, about_message(desk, message_id), BY, WHY))
    assert (desk.message_row(message_id)["state"], desk.message_row(message_id)["note"]) == (
        "suppressed",
        f"{BY}: {WHY}",
    )


def test_a_message_that_was_applied_meanwhile_is_not_read_again(desk: Desk) -> None:
    message_id = desk.message(b"{}", state="decided")
    case_id = about_message(desk, message_id)
    assert "was applied already" in why(service.retry(desk.ctx, desk.plan, case_id, BY, WHY))


# ── outgoing actions ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", ["refused", "parked", "planned"])
def test_a_retried_action_goes_out_with_the_same_key_and_a_new_window(desk: Desk, state: str) -> None:
    effect_id = desk.effect(state=state)
    case_id = about_effect(desk, effect_id)
    desk.later(days=3)
    done(service.retry(desk.ctx, desk.plan, case_id, BY, WHY))
    row = desk.effect_row(effect_id)
    assert (row["state"], row["key"], row["due_at"]) == ("planned", "capture:ORD-1-A", desk.clock.now())
    assert row["window_until"] == desk.clock.now() + desk.plan.flow("capture").retry.window


def test_an_unclear_action_is_read_back_and_never_sent_blindly(desk: Desk) -> None:
    effect_id = desk.effect(state="unknown")
    case_id = about_effect(desk, effect_id, mode="unknown-outcome")
    desk.later(hours=1)
    said = done(service.retry(desk.ctx, desk.plan, case_id, BY, WHY)).words
    assert "read back" in said
    row = desk.effect_row(effect_id)
    assert (row["state"], row["due_at"]) == ("unknown", desk.clock.now())


@pytest.mark.parametrize(
    ("state", "words"), [("done", "is done already"), ("sending", "being sent right now"), ("void", "taken back")]
)
@pytest.mark.parametrize("verb", ["retry", "repair", "suppress"])
def test_an_action_that_is_done_on_its_way_or_taken_back_is_left_alone(
    desk: Desk, state: str, words: str, verb: str
) -> None:
    effect_id = desk.effect(state="refused")
    with desk.ctx.db.transaction() as conn:
        conn.execute(
            "UPDATE effect SET state = %s, outcome = '{}', send_until = %s, incarnation = 'x' WHERE id = %s",
            (state, desk.clock.machine(), effect_id),
        )
    case_id = about_effect(desk, effect_id)
    more = ({"amount_minor": 1},) if verb == "repair" else ()
    assert words in why(getattr(service, verb)(desk.ctx, desk.plan, case_id, BY, WHY, *more))
    assert desk.effect_row(effect_id)["state"] == state


def test_an_unclear_action_may_not_be_repaired_before_it_is_clear(desk: Desk) -> None:
    case_id = about_effect(desk, desk.effect(state="unknown"))
    assert "read back first" in why(service.repair(desk.ctx, desk.plan, case_id, BY, WHY, {"amount_minor": 1}))


def test_a_repaired_action_that_never_left_keeps_its_key(desk: Desk) -> None:
    effect_id = desk.effect(state="parked", attempts=0)
    done(service.repair(desk.ctx, desk.plan, about_effect(desk, effect_id), BY, WHY, {"amount_minor": 2400}))
    row = desk.effect_row(effect_id)
    assert (row["state"], row["key"]) == ("planned", "capture:ORD-1-A")
    assert row["payload"] == {"amount_minor": 2400, "currency": "EUR"}


def test_a_repaired_action_that_was_sent_goes_out_under_a_new_key_and_what_waited_follows(desk: Desk) -> None:
    old = desk.effect()
    waiting = desk.effect("confirm:ORD-1-A", state="planned", attempts=0, after="capture:ORD-1-A")
    done(service.repair(desk.ctx, desk.plan, about_effect(desk, old), BY, WHY, {"amount_minor": 2400}))

    [new] = desk.rows("SELECT * FROM effect WHERE key = 'capture:ORD-1-A:r2'")
    assert (new["state"], new["attempts"], new["root"]) == ("planned", 0, "basket:ORD-1")
    assert new["payload"] == {"amount_minor": 2400, "currency": "EUR"}
    assert (desk.effect_row(old)["state"], desk.effect_row(old)["note"]) == ("void", f"{BY}: {WHY}")
    assert desk.effect_row(waiting)["after_effect"] == new["id"]


@pytest.mark.parametrize(
    ("key", "after"), [("a:b", "a:b:r2"), ("a:b:r2", "a:b:r3"), ("a:b:r9", "a:b:r10"), ("a:rx", "a:rx:r2")]
)
def test_each_repair_counts_the_key_up(key: str, after: str) -> None:
    assert next_key(key) == after


@pytest.mark.parametrize("state", ["refused", "parked", "unknown"])
def test_a_suppressed_action_is_taken_back(desk: Desk, state: str) -> None:
    effect_id = desk.effect(state=state)
    done(service.suppress(desk.ctx, desk.plan, about_effect(desk, effect_id), BY, WHY))
    assert desk.effect_row(effect_id)["state"] == "void"


# ── neither message nor action ───────────────────────────────────────────────────────────────────────────────


def test_a_difference_is_accepted_with_a_reason(desk: Desk) -> None:
    with desk.ctx.db.transaction() as conn:
        case_id = service.open_case(
            conn, desk.ctx, desk.plan, "settlement-variance", account="mirakl-fr/operator", object="statement", object_id="S",
            money_minor=-3,
        )  # fmt: skip
    done(service.suppress(desk.ctx, desk.plan, case_id, BY, "three cents of rounding, agreed"))
    assert desk.case(case_id)["resolved_by"] == BY


# ── escalation ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_escalated_case_belongs_to_the_team_above_which_hears_of_it_with_the_reason(
    desk: Desk, listener: Listener
) -> None:
    case_id = about_effect(desk, desk.effect())
    desk.notify()
    listener.heard.clear()
    assert (
        done(service.escalate(desk.ctx, desk.plan, case_id, BY, "needs a decision")).words
        == "The case is marketplace-lead's now, to be decided by Mon 2 Mar 2026 13:00 CET."
    )
    case = desk.case(case_id)
    assert (case["owner"], case["level"], case["state"], case["resolved_at"]) == ("marketplace-lead", 1, "open", None)
    desk.notify()
    assert {n.team for n, _ in listener.heard} == {"marketplace-lead"}
    assert f"{BY} says: needs a decision" in listener.heard[0][0].body


def test_the_end_of_the_line_cannot_escalate(desk: Desk) -> None:
    case_id = about_effect(desk, desk.effect(), mode="retry-window-over")
    assert "end of the line" in why(service.escalate(desk.ctx, desk.plan, case_id, BY, WHY))


# ── preview ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_preview_says_what_will_be_sent_and_changes_nothing(desk: Desk) -> None:
    effect_id = desk.effect()
    case_id = about_effect(desk, effect_id)
    seen = service.preview(desk.ctx, desk.plan, case_id, "repair", {"amount_minor": 2400})
    assert seen.allowed
    assert seen.sends == ("gateway.capture to gateway/main, key capture:ORD-1-A:r2",)
    assert (seen.before["amount_minor"], seen.after["amount_minor"]) == (2500, 2400)
    assert desk.effect_row(effect_id)["state"] == "refused"
    assert desk.story(case_id) == ["opened"]


@pytest.mark.parametrize("verb", ["retry", "repair", "suppress", "escalate"])
def test_a_preview_and_its_verb_say_the_same(desk: Desk, verb: str) -> None:
    case_id = about_effect(desk, desk.effect())
    payload = {"amount_minor": 1} if verb == "repair" else None
    seen = service.preview(desk.ctx, desk.plan, case_id, verb, payload)
    verdict = getattr(service, verb)(desk.ctx, desk.plan, case_id, BY, WHY, *([payload] if payload else []))
    assert seen.allowed
    if verb != "escalate":
        assert done(verdict).words == seen.words


def test_a_preview_of_a_verb_that_may_not_be_used_says_why(desk: Desk) -> None:
    case_id = about_effect(desk, desk.effect(state="unknown"), mode="unknown-outcome")
    assert not service.preview(desk.ctx, desk.plan, case_id, "repair", {"a": 1}).allowed
    assert not service.preview(desk.ctx, desk.plan, case_id, "explode").allowed
    assert "there is no case" in service.preview(desk.ctx, desk.plan, "nope", "retry").words
