"""The four verbs. Each asks a reason, says beforehand what it will do, and leaves a line in the case's story."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from entrepot.blueprint.model import VERBS, Plan
from entrepot.cases import hidden, member_store, queries, quiet, rules, store
from entrepot.cases.alerts import AlertAsked, plan_alert
from entrepot.cases.authority import ANYBODY, may_not
from entrepot.cases.files import end_rows, event
from entrepot.cases.model import Preview, VerbDone, VerbRefused
from entrepot.cases.patch import Patch
from entrepot.cases.states import CaseState
from entrepot.cases.subject_store import NothingDone
from entrepot.cases.subjects import (
    Change,
    MessageSubject,
    NoSubject,
    Order,
    OwnedSubject,
    Rights,
    Subject,
    Why,
    subject_of,
)
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import Busy

BUSY_TRIES = 5
BUSY_WAIT_S = 0.1
Verdict = VerbDone | VerbRefused

# Rooms above bring what a case of theirs is about (a statement's differences, an owned object); by the case's `object`.
Openers = Mapping[str, Callable[[Row], Subject | OwnedSubject]]
OWN_SUBJECTS: Openers = {}


def retry(
    ctx: Ctx, plan: Plan, case_id: str, by: str, reason: str, openers: Openers = OWN_SUBJECTS, *, team: str = ANYBODY
) -> Verdict:
    """The same once more: a message is read again, an action sent again with its key, an unclear one read back."""
    return _act(ctx, plan, case_id, Order("retry", by, reason, team=team), openers)


def repair(
    ctx: Ctx,
    plan: Plan,
    case_id: str,
    by: str,
    reason: str,
    payload: Patch,
    openers: Openers = OWN_SUBJECTS,
    *,
    team: str = ANYBODY,
    only: str = "",
    rights: Rights | None = None,
) -> Verdict:
    """With corrected content: `payload` is a list of operations (RFC 6902) or a merge patch (null removes a field).

    Of an owned object: field → value, through ownership; `only` names the one that is meant when the case is about several.
    """
    return _act(ctx, plan, case_id, Order("repair", by, reason, payload, team=team, only=only, rights=rights), openers)


def suppress(
    ctx: Ctx,
    plan: Plan,
    case_id: str,
    by: str,
    reason: str,
    openers: Openers = OWN_SUBJECTS,
    *,
    team: str = ANYBODY,
    until: datetime | None = None,
) -> Verdict:
    """Not at all: the message is never applied, the outgoing action taken back, a difference accepted.

    With an end, only quiet: what fails again is counted, and when the end comes and the cause stands, it is open again.
    """
    return _act(ctx, plan, case_id, Order("suppress", by, reason, team=team, until=until), openers)


def escalate(
    ctx: Ctx, plan: Plan, case_id: str, by: str, reason: str, openers: Openers = OWN_SUBJECTS, *, team: str = ANYBODY
) -> Verdict:
    """To the team above, which owns the case from now on, hears of it at once, and has its own working time for it."""
    return _act(ctx, plan, case_id, Order("escalate", by, reason, team=team), openers)


def preview(
    ctx: Ctx,
    plan: Plan,
    case_id: str,
    verb: str,
    payload: Patch | None = None,
    openers: Openers = OWN_SUBJECTS,
    *,
    team: str = ANYBODY,
    until: datetime | None = None,
    only: str = "",
    rights: Rights | None = None,
) -> Preview:
    """What a verb would do now; changes nothing."""
    order = Order(verb, "", "", payload, team=team, until=until, only=only, rights=rights)
    with ctx.db.transaction() as conn:
        case = queries.find_case(conn, case_id)
        why = refusal(ctx, plan, case, case_id, order)
        if case is None or why is not None:
            return Preview(case_id, verb, False, why or "")
        if verb == "escalate":
            return Preview(case["id"], verb, True, _handover_words(ctx, plan, case))
        if until is not None:
            return Preview(case["id"], verb, True, quiet.words_for(plan, case, until), members=case["members"])
        change = _change(conn, ctx, plan, case, replace(order, number=case["number"], owner=case["owner"]), openers)
    if isinstance(change, Why):
        return Preview(case["id"], verb, False, change.words)
    return Preview(
        case["id"],
        verb,
        True,
        change.words,
        change.sends,
        change.before,
        change.after,
        change.members,
        len(change.left),
    )


def _change(conn: Conn, ctx: Ctx, plan: Plan, case: Row, order: Order, openers: Openers) -> Change | Why:
    opener = openers.get(case["object"])
    subject = opener(case) if opener else subject_of(conn, plan, case)
    if isinstance(subject, OwnedSubject):
        fields = order.verb == "repair" and isinstance(order.payload, Mapping)
        if fields and (corrected := subject.correct(conn, ctx, order)) is not None:
            return corrected
        subject = subject_of(conn, plan, case)
        if (
            isinstance(subject, MessageSubject) and subject.over
        ):  # what told us was read; the case is about what it told
            subject = NoSubject(case["members"])
    return subject.change(ctx, order)


def refusal(ctx: Ctx, plan: Plan, case: Row | None, case_id: str, order: Order) -> str | None:
    """Why nobody, or not this team, may use this verb on this case now, whatever it is about."""
    if case is None:
        return f"there is no case {case_id}"
    if order.verb not in VERBS:
        return f"“{order.verb}” is not one of {', '.join(VERBS)}"
    if case["resolved_at"] is not None:
        return over(case)
    may = plan.failure(case["mode"]).may
    if order.verb not in may:
        return f"{order.verb} does nothing for {case['mode']}; here one may {', '.join(may)}"
    now = ctx.clock.now()
    if why := may_not(plan, case, order.team, order.verb, now):
        return why
    if order.until is not None:
        return quiet.why_not_until(order.until, now)
    if order.verb == "escalate" and plan.team(case["owner"]).escalates_to is None:
        return f"{case['owner']} is the end of the line: there is no team above"
    return None


def over(case: Row) -> str:
    """Who ended a case, and when."""
    did = "its cause is gone" if case["resolved_verb"] == "cause-gone" else case["resolved_verb"]
    at = f"{case['resolved_at']:%Y-%m-%d %H:%M} UTC"
    return f"case {case['number']} was ended by {case['resolved_by']} at {at}: {did}"


def _act(ctx: Ctx, plan: Plan, case_id: str, order: Order, openers: Openers) -> Verdict:
    if not order.reason.strip():
        return VerbRefused(case_id, "say why: the reason stays with the case")
    if not order.by.strip():
        return VerbRefused(case_id, "say who decides: the name stays with the case")
    order = replace(order, by=order.by.strip(), reason=order.reason.strip())
    try:
        return patiently(ctx, lambda: _once(ctx, plan, case_id, order, openers))
    except NothingDone as error:
        return VerbRefused(case_id, error.message)


def patiently(ctx: Ctx, work: Callable[[], Verdict]) -> Verdict:
    """A drain may hold the case or its root this very moment; a person should not have to press twice."""
    for _ in range(BUSY_TRIES - 1):
        try:
            return work()
        except Busy:
            ctx.clock.sleep(BUSY_WAIT_S)
    return work()


def _once(ctx: Ctx, plan: Plan, case_id: str, order: Order, openers: Openers) -> Verdict:
    with ctx.db.transaction() as conn:
        found = queries.find_case(conn, case_id)
        case = store.case_for_update(conn, found["id"]) if found is not None else None
        why = refusal(ctx, plan, case, case_id, order)
        if case is None or why is not None:
            return VerbRefused(case_id, why or "")
        order = replace(order, number=case["number"], owner=case["owner"])
        if order.verb == "escalate":
            done = _handed_over(conn, ctx, plan, case, order)
        elif order.until is not None:
            done = _quietened(conn, ctx, plan, case, order, order.until)
        else:
            done = _resolved(conn, ctx, plan, case, order, openers)
        ctx.point("verb.before-commit")
    return done


def _resolved(conn: Conn, ctx: Ctx, plan: Plan, case: Row, order: Order, openers: Openers) -> Verdict:
    change = _change(conn, ctx, plan, case, order, openers)
    if isinstance(change, Why):
        return VerbRefused(case["id"], change.words)
    if change.apply is not None:
        change.apply(conn)
    detail = {**change.detail, "shape": hidden.shape_of(order.verb, order.reason, order.payload)}
    store.insert_events(conn, [event(ctx, case["id"], order.verb, order.by, order.reason, detail)])
    if change.waits_on or not change.ends:
        return _goes_on(conn, case, order, change)
    if change.left:
        return _partly(conn, ctx, case, order, change)
    end_rows(conn, ctx, [case], CaseState.RESOLVED, order.verb, order.by, f"{order.verb} by {order.by}")
    return VerbDone(case["id"], case["number"], order.verb, change.words)


def _goes_on(conn: Conn, case: Row, order: Order, change: Change) -> Verdict:
    """The verb did its part; the case closes when its cause is gone, which may be already."""
    if change.waits_on and case["state"] != CaseState.SUPPRESSED:
        store.change_case(conn, case["id"], {"state": CaseState.WAITING, "waiting_on": change.waits_on})
    return VerbDone(case["id"], case["number"], order.verb, change.words)


def _partly(conn: Conn, ctx: Ctx, case: Row, order: Order, change: Change) -> Verdict:
    """Members that the verb does not reach stay, and with them the case."""
    because = f"{order.verb} by {order.by}"
    member_store.leave_all(conn, [case["id"]], ctx.clock.now(), because, change.left)
    still = member_store.recount(conn, [case["id"]])[case["id"]]["members"]
    return VerbDone(case["id"], case["number"], order.verb, f"{change.words} The case stays open for {still}.")


def _quietened(conn: Conn, ctx: Ctx, plan: Plan, case: Row, order: Order, until: datetime) -> Verdict:
    quiet.suppress(conn, ctx, case, until)
    shape = hidden.shape_of(order.verb, order.reason, None)
    detail = {"until": until.isoformat(), "shape": shape}
    store.insert_events(conn, [event(ctx, case["id"], "suppress", order.by, order.reason, detail)])
    return VerbDone(case["id"], case["number"], order.verb, quiet.words_for(plan, case, until))


def _handover_words(ctx: Ctx, plan: Plan, case: Row) -> str:
    above = plan.team(plan.team(case["owner"]).escalates_to or case["owner"])
    fresh = rules.fresh_deadline(plan, case, above.name, ctx.clock.now())
    by = rules.local_text(fresh["due_at"], above.hours.zone)
    return f"The case goes to {above.name}, which is told at once and decides by {by}."


def _handed_over(conn: Conn, ctx: Ctx, plan: Plan, case: Row, order: Order) -> Verdict:
    above = plan.team(case["owner"]).escalates_to or case["owner"]
    level = case["level"] + 1
    fresh = rules.fresh_deadline(plan, case, above, ctx.clock.now())
    begins = {"state": CaseState.OPEN, "assignee": "", "waiting_on": "", "suppressed_until": None}
    store.change_case(conn, case["id"], {"owner": above, "level": level, **fresh, **begins})
    detail = {"to": above, "due_at": fresh["due_at"].isoformat()}
    store.insert_events(conn, [event(ctx, case["id"], "escalate", order.by, order.reason, detail)])
    failure, lead = plan.failure(case["mode"]), f"from {case['owner']}: "
    text = rules.subject(ctx.environment, case["number"], case["mode"], case["effect_text"], lead)
    body = rules.alert_body({**case, "owner": above, "due_at": fresh["due_at"]}, failure, plan.team(above))
    said = f"{body}\n{order.by} says: {order.reason}"
    plan_alert(
        conn, ctx, plan, AlertAsked(f"{case['id']}:level-{level}", above, text, said, case["id"], case["obligation_id"])
    )
    by = rules.local_text(fresh["due_at"], plan.team(above).hours.zone)
    return VerbDone(case["id"], case["number"], "escalate", f"The case is {above}'s now, to be decided by {by}.")
