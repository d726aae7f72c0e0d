"""The four verbs. Each asks a reason, says beforehand what it will do, and leaves a line in the case's story."""

from collections.abc import Callable, Mapping
from typing import Any

from entrepot.blueprint.model import VERBS, Plan
from entrepot.cases import queries, rules, store
from entrepot.cases.alerts import AlertAsked, plan_alert
from entrepot.cases.files import event
from entrepot.cases.model import Preview, VerbDone, VerbRefused
from entrepot.cases.states import CaseState
from entrepot.cases.subject_store import NothingDone
from entrepot.cases.subjects import Change, Order, Subject, Why, subject_of
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import Busy

BUSY_TRIES = 5
BUSY_WAIT_S = 0.1
Verdict = VerbDone | VerbRefused

# Rooms above bring what a case of theirs is about (a statement's differences); by the case's `object`.
Openers = Mapping[str, Callable[[Row], Subject]]
OWN_SUBJECTS: Openers = {}


def retry(ctx: Ctx, plan: Plan, case_id: str, by: str, reason: str, openers: Openers = OWN_SUBJECTS) -> Verdict:
    """The same once more: a message is read again, an action sent again with its key, an unclear one read back."""
    return _act(ctx, plan, case_id, "retry", by, reason, None, openers)


def repair(
    ctx: Ctx,
    plan: Plan,
    case_id: str,
    by: str,
    reason: str,
    payload: Mapping[str, Any],
    openers: Openers = OWN_SUBJECTS,
) -> Verdict:
    """With corrected content: `payload` is a JSON merge patch (null removes a field)."""
    return _act(ctx, plan, case_id, "repair", by, reason, payload, openers)


def suppress(ctx: Ctx, plan: Plan, case_id: str, by: str, reason: str, openers: Openers = OWN_SUBJECTS) -> Verdict:
    """Not at all: the message is never applied, the outgoing action taken back, a difference accepted."""
    return _act(ctx, plan, case_id, "suppress", by, reason, None, openers)


def escalate(ctx: Ctx, plan: Plan, case_id: str, by: str, reason: str, openers: Openers = OWN_SUBJECTS) -> Verdict:
    """To the team above, which owns the case from now on and hears of it at once."""
    return _act(ctx, plan, case_id, "escalate", by, reason, None, openers)


def preview(
    ctx: Ctx,
    plan: Plan,
    case_id: str,
    verb: str,
    payload: Mapping[str, Any] | None = None,
    openers: Openers = OWN_SUBJECTS,
) -> Preview:
    """What a verb would do now; changes nothing."""
    with ctx.db.transaction() as conn:
        case = queries.find_case(conn, case_id)
        why = _refusal(plan, case, case_id, verb)
        if case is None or why is not None:
            return Preview(case_id, verb, False, why or "")
        if verb == "escalate":
            above = plan.team(case["owner"]).escalates_to
            return Preview(case["id"], verb, True, f"The case goes to {above}, which is told at once.")
        change = _change(conn, ctx, plan, case, Order(verb, "", "", payload, case["number"]), openers)
    if isinstance(change, Why):
        return Preview(case["id"], verb, False, change.words)
    return Preview(case["id"], verb, True, change.words, change.sends, change.before, change.after)


def _change(conn: Conn, ctx: Ctx, plan: Plan, case: Row, order: Order, openers: Openers) -> Change | Why:
    opener = openers.get(case["object"])
    subject = opener(case) if opener else subject_of(conn, plan, case)
    return subject.change(ctx, order)


def _refusal(plan: Plan, case: Row | None, case_id: str, verb: str) -> str | None:
    """Why nobody may use this verb on this case now, whatever it is about."""
    if case is None:
        return f"there is no case {case_id}"
    if verb not in VERBS:
        return f"“{verb}” is not one of {', '.join(VERBS)}"
    if case["resolved_at"] is not None:
        did = "its cause is gone" if case["resolved_verb"] == "cause-gone" else case["resolved_verb"]
        at = f"{case['resolved_at']:%Y-%m-%d %H:%M} UTC"
        return f"case {case['number']} was ended by {case['resolved_by']} at {at}: {did}"
    may = plan.failure(case["mode"]).may
    if verb not in may:
        return f"{verb} does nothing for {case['mode']}; here one may {', '.join(may)}"
    if verb == "escalate" and plan.team(case["owner"]).escalates_to is None:
        return f"{case['owner']} is the end of the line: there is no team above"
    return None


def _act(
    ctx: Ctx,
    plan: Plan,
    case_id: str,
    verb: str,
    by: str,
    reason: str,
    payload: Mapping[str, Any] | None,
    openers: Openers,
) -> Verdict:
    if not reason.strip():
        return VerbRefused(case_id, "say why: the reason stays with the case")
    if not by.strip():
        return VerbRefused(case_id, "say who decides: the name stays with the case")
    order = Order(verb, by.strip(), reason.strip(), payload, 0)
    try:
        return _patiently(ctx, lambda: _once(ctx, plan, case_id, order, openers))
    except NothingDone as error:
        return VerbRefused(case_id, error.message)


def _patiently(ctx: Ctx, work: Callable[[], Verdict]) -> Verdict:
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
        why = _refusal(plan, case, case_id, order.verb)
        if case is None or why is not None:
            return VerbRefused(case_id, why or "")
        order = Order(order.verb, order.by, order.reason, order.payload, case["number"])
        done = (
            _handed_over(conn, ctx, plan, case, order)
            if order.verb == "escalate"
            else _resolved(conn, ctx, plan, case, order, openers)
        )
        ctx.point("verb.before-commit")
    return done


def _resolved(conn: Conn, ctx: Ctx, plan: Plan, case: Row, order: Order, openers: Openers) -> Verdict:
    change = _change(conn, ctx, plan, case, order, openers)
    if isinstance(change, Why):
        return VerbRefused(case["id"], change.words)
    if change.apply is not None:
        change.apply(conn)
    store.end_cases(conn, [case["id"]], CaseState.RESOLVED, order.verb, order.by, ctx.clock.now())
    store.insert_events(conn, [event(ctx, case["id"], order.verb, order.by, order.reason, change.detail)])
    return VerbDone(case["id"], case["number"], order.verb, change.words)


def _handed_over(conn: Conn, ctx: Ctx, plan: Plan, case: Row, order: Order) -> Verdict:
    now = ctx.clock.now()
    above = plan.team(case["owner"]).escalates_to or case["owner"]
    level = case["level"] + 1
    steps = rules.steps_for(plan, case["mode"], above, case["opened_at"], case["due_at"])
    own_steps = case["next_at"] is not None
    store.hand_over(conn, case["id"], above, level, rules.next_at(steps, now) if own_steps else None)
    store.insert_events(conn, [event(ctx, case["id"], "escalate", order.by, order.reason, {"to": above})])
    failure, lead = plan.failure(case["mode"]), f"from {case['owner']}: "
    text = rules.subject(ctx.environment, case["number"], case["mode"], case["effect_text"], lead)
    body = rules.alert_body({**case, "owner": above}, failure, plan.team(above))
    said = f"{body}\n{order.by} says: {order.reason}"
    plan_alert(
        conn, ctx, plan, AlertAsked(f"{case['id']}:level-{level}", above, text, said, case["id"], case["obligation_id"])
    )
    return VerbDone(case["id"], case["number"], "escalate", f"The case is {above}'s now.")
