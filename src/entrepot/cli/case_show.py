"""One case whole, as a terminal shows it and as JSON: the business effect first, the cause second, the payload third."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.cases.patch import decode
from entrepot.cases.queries import CaseDetail
from entrepot.cli.case_pages import at_risk, case_row, meaning
from entrepot.cli.output import Cell, Paper, Style, laid_out, local, money_document, state_cell, time_left
from entrepot.kernel.ctx import Row
from entrepot.web import words

VERB_WORDS = {
    "retry": "the same once more",
    "repair": "with corrected content",
    "suppress": "not at all, with a reason",
    "escalate": "to the team above",
}
BODY_LINES_MAX = 60
MEMBERS_SHOWN = 20


def case_document(detail: CaseDetail, plan: Plan, now: datetime) -> dict[str, Any]:
    case, failure = detail.case, plan.failures.get(detail.case["mode"])
    return {
        "business_now": now,
        "case": {**case_row(case, now), "details": case["details"], "reopens": case["reopens"]},
        "runbook": failure.model_dump(include={"recovery", "may", "actions", "corrects", "requests"})
        if failure
        else None,
        "story": [_picked(e, "at", "what", "by", "reason", "detail") for e in detail.events],
        "alerts": [
            _picked(a, "team", "state", "subject", "planned_at", "sent_at", "last_error") for a in detail.alerts
        ],
        "message": _message(detail.message),
        "outgoing_action": _action(detail.effect, detail.attempts),
        "obligation": _picked(
            detail.obligation, "id", "kind", "state", "owner", "starts_at", "due_at", "warned_at", "ended_at", "cause"
        )
        if detail.obligation
        else None,
        "members": [_member(m) for m in detail.members],
        "questions": [_picked(q, "number", "state", "ask", "about", "raised_by", "decision") for q in detail.questions],
        "related": [_picked(r, "number", "id", "mode", "state", "owner", "title") for r in detail.related],
    }


def _picked(row: Row, *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _member(row: Row) -> dict[str, Any]:
    names = ("object", "object_id", "name", "account", "seller", "count", "seen_at", "gone_at", "gone_because")
    money = money_document(row["money_minor"], row["currency"]) if row["money_minor"] else None
    return {**_picked(row, *names), "cause": row["cause_text"], "money": money}


def _message(row: Row | None) -> dict[str, Any] | None:
    if row is None:
        return None
    names = ("id", "account", "kind", "external_id", "revision", "state", "note", "received_at", "attempts", "seen")
    body = bytes(row["body"])
    return {
        **_picked(row, *names),
        "channel": row["envelope_channel"],
        "route": row["envelope_route"],
        "body": content(body),
        "body_bytes": row["body_bytes"],
    }


def content(body: bytes) -> Any:
    """A body as JSON keeps it, or as text when it is none (or was cut)."""
    found = decode(body)
    return body.decode("utf-8", errors="replace") if found is None else found


def _action(row: Row | None, attempts: Iterable[Row]) -> dict[str, Any] | None:
    if row is None:
        return None
    names = ("id", "key", "account", "operation", "state", "payload", "outcome", "note", "planned_at", "due_at")
    tries = [_picked(a, "number", "kind", "started_at", "outcome", "detail") for a in attempts]
    return {**_picked(row, *names), "window_until": row["window_until"], "attempts": tries}


def show_page(page: Paper, detail: CaseDetail, plan: Plan, now: datetime, name: str, console_url: str) -> None:
    case = detail.case
    state = state_cell(words.state(words.CASE, case["state"]))
    page.line(Cell(f"Case {case['number']}", Style.STRONG), "·", state, f"· {case['mode']} ({case['kind']})")
    page.line(Cell(meaning(case), Style.STRONG))
    page.line("Why:", case["cause_text"])
    times = "once" if case["level"] == 1 else f"{case['level']} times"
    page.line("Owner:", Cell(case["owner"], Style.STRONG), f"(escalated {times})" if case["level"] else "")
    if case["assignee"] or case["waiting_on"]:
        waits = f"waits for {case['waiting_on']}" if case["waiting_on"] else ""
        page.line("With:", case["assignee"] or "nobody yet", waits)
    if case["state"] == "suppressed":
        page.line("Suppressed until:", local(case["suppressed_until"]))
    if case["resolved_at"] is None:
        page.line("Due:", f"{local(case['due_at'])},", time_left(case["due_at"], now))
    else:
        page.line("Ended:", local(case["resolved_at"]), f"by {case['resolved_by']}: {_what(case['resolved_verb'])}")
    if case["money_minor"]:
        page.line("At risk:", Cell(at_risk(case), Style.STRONG))
    page.line("About:", name, f"at {case['account']}, {words.flow_word(case['flow']).lower()}")
    if console_url:
        page.line(Cell(f"{console_url}cases/{case['id']}", Style.QUIET))
    _runbook(page, case, plan)
    _members(page, detail)
    for question in detail.questions:
        page.line(f"Question {question['number']} ({question['state']}):", question["ask"], question["decision"] or "")
    _story(page, detail)
    _evidence(page, detail)
    if detail.related:
        page.heading("Other cases of the same order")
        for row in detail.related:
            page.line(str(row["number"]), state_cell(words.state(words.CASE, row["state"])), row["title"], indent=1)


def _what(verb: str) -> str:
    return words.CASE_EVENT.get(verb, (words.plain(verb),))[0]


def _runbook(page: Paper, case: Row, plan: Plan) -> None:
    failure = plan.failures.get(case["mode"])
    if failure is None or case["resolved_at"] is not None:
        return
    page.heading("What to do")
    for number, step in enumerate(failure.recovery, 1):
        page.line(f"{number}. {step}", indent=1)
    page.heading("You may")
    for verb in failure.may:
        patch = " --patch '{…}'" if verb == "repair" else ""
        command = f"entrepot case {verb} {case['number']}{patch} --reason '…'"
        page.line(command, Cell(VERB_WORDS[verb], Style.QUIET), indent=1)


def _members(page: Paper, detail: CaseDetail) -> None:
    if not detail.members:
        return
    case = detail.case
    page.heading(f"Members: {case['members']} still fail, {case['members_seen']} ever")
    for row in detail.members[:MEMBERS_SHOWN]:
        gone = f"gone {local(row['gone_at'])}: {row['gone_because']}" if row["gone_at"] else "fails"
        page.line(
            f"{words.plain(row['object'])} {row['name']}",
            Cell(gone, Style.GOOD if row["gone_at"] else Style.BAD),
            indent=1,
        )
    if len(detail.members) > MEMBERS_SHOWN:
        page.line(Cell(f"… {len(detail.members) - MEMBERS_SHOWN} more: --json has them", Style.QUIET), indent=1)


def _story(page: Paper, detail: CaseDetail) -> None:
    page.heading("What happened")
    for event in detail.events:
        page.line(local(event["at"]), f"{_what(event['what'])} by {event['by']}.", event["reason"], indent=1)
    for alert in detail.alerts:
        at, why = alert["sent_at"] or alert["planned_at"], f" ({alert['last_error']})" if alert["last_error"] else ""
        page.line(local(at), f"Alert to {alert['team']}: {alert['state']}{why}", indent=1)


def _evidence(page: Paper, detail: CaseDetail) -> None:
    if (effect := detail.effect) is not None:
        page.heading(f"Outgoing action {effect['operation']}")
        page.line("Key:", effect["key"], state_cell(words.state(words.ACTION, effect["state"])), indent=1)
        for attempt in detail.attempts:
            came = state_cell(words.state(words.ATTEMPT, attempt["outcome"]))
            page.line(local(attempt["started_at"]), attempt["kind"], came, _answer(attempt["detail"]), indent=1)
        _document(page, effect["payload"])
    if (message := detail.message) is not None:
        page.heading(f"Message {message['kind']} {message['external_id']}")
        word = state_cell(words.state(words.MESSAGE, message["state"]))
        page.line(
            "By", message["envelope_channel"], message["envelope_route"], local(message["received_at"]), word, indent=1
        )
        _document(page, content(bytes(message["body"])))


def _answer(detail: Mapping[str, Any]) -> str:
    return ", ".join(str(detail[name]) for name in ("method", "url", "status", "error", "why") if detail.get(name))


def _document(page: Paper, value: Any) -> None:
    lines = laid_out(value).splitlines()
    for line in lines[:BODY_LINES_MAX]:
        page.line(line, indent=1)
    if len(lines) > BODY_LINES_MAX:
        page.line(Cell(f"… {len(lines) - BODY_LINES_MAX} more lines: --json has them all", Style.QUIET), indent=1)
