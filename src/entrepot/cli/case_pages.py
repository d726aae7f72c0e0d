"""Cases as a terminal shows them, and as JSON: the business effect first, the cause second, the payload third."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from entrepot.cli.output import (
    Cell,
    Column,
    Paper,
    Style,
    laid_out,
    local,
    money_document,
    money_words,
    state_cell,
    time_left,
)
from entrepot.kernel.ctx import Row
from entrepot.web import words

if TYPE_CHECKING:
    from entrepot.blueprint.model import Plan
    from entrepot.cases.queries import CaseDetail

VERB_WORDS = {
    "retry": "the same once more",
    "repair": "with corrected content",
    "suppress": "not at all, with a reason",
    "escalate": "to the team above",
}
BODY_LINES_MAX = 60


def list_document(rows: Sequence[Row], now: datetime, token: str) -> dict[str, Any]:
    return {"business_now": now, "cases": [case_row(row, now) for row in rows], "after": token or None}


def case_row(row: Row, now: datetime) -> dict[str, Any]:
    """One case with stable names; times in UTC, money with its currency."""
    plain = (
        "number",
        "id",
        "mode",
        "kind",
        "state",
        "owner",
        "level",
        "flow",
        "account",
        "object",
        "object_id",
        "root",
    )
    ended = row["resolved_at"] is not None
    return {
        **{name: row[name] for name in plain},
        "effect": row["effect_text"],
        "cause": row["cause_text"],
        "money": money_document(row["money_minor"], row["currency"]) if row["money_minor"] else None,
        "count": row["count"],
        "opened_at": row["opened_at"],
        "due_at": row["due_at"],
        "overdue": not ended and row["due_at"] <= now,
        "ended_at": row["resolved_at"],
        "ended_by": row["resolved_by"],
        "ended_verb": row["resolved_verb"],
    }


def list_page(page: Paper, rows: Sequence[Row], now: datetime, environment: str, token: str) -> None:
    if not rows:
        page.line("No case of this kind.")
        return
    columns = [
        Column("Case", right=True),
        Column("Due", keeps=True),
        Column("Owner", keeps=True),
        Column("At risk", right=True),
        Column("What it means"),
    ]
    page.table(columns, ([str(r["number"]), _due(r, now), r["owner"], _at_risk(r), _meaning(r)] for r in rows))
    overdue = sum(1 for row in rows if row["resolved_at"] is None and row["due_at"] <= now)
    page.line(f"{len(rows)} case{'s' if len(rows) != 1 else ''}, {overdue} overdue. {environment}, {local(now)}.")
    if token:
        page.line(Cell(f"more: --after {token}", Style.QUIET))


def _due(row: Row, now: datetime) -> Cell:
    if row["resolved_at"] is not None:
        return state_cell(words.state(words.CASE, row["state"]))
    return time_left(row["due_at"], now)


def _at_risk(row: Row) -> str:
    return money_words(row["money_minor"], row["currency"])


def _meaning(row: Row) -> str:
    again = f" ({row['count']} times)" if row["count"] > 1 else ""
    return f"{row['effect_text']}{again}"


def case_document(detail: "CaseDetail", plan: "Plan", now: datetime) -> dict[str, Any]:
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
        "related": [_picked(r, "number", "id", "mode", "state", "owner", "title") for r in detail.related],
    }


def _picked(row: Row, *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}


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
    from entrepot.cases.patch import decode

    found = decode(body)
    return body.decode("utf-8", errors="replace") if found is None else found


def _action(row: Row | None, attempts: Iterable[Row]) -> dict[str, Any] | None:
    if row is None:
        return None
    names = ("id", "key", "account", "operation", "state", "payload", "outcome", "note", "planned_at", "due_at")
    tries = [_picked(a, "number", "kind", "started_at", "outcome", "detail") for a in attempts]
    return {**_picked(row, *names), "window_until": row["window_until"], "attempts": tries}


def show_page(page: Paper, detail: "CaseDetail", plan: "Plan", now: datetime, name: str, console_url: str) -> None:
    case = detail.case
    state = state_cell(words.state(words.CASE, case["state"]))
    page.line(Cell(f"Case {case['number']}", Style.STRONG), "·", state, f"· {case['mode']} ({case['kind']})")
    page.line(Cell(_meaning(case), Style.STRONG))
    page.line("Why:", case["cause_text"])
    times = "once" if case["level"] == 1 else f"{case['level']} times"
    page.line("Owner:", Cell(case["owner"], Style.STRONG), f"(escalated {times})" if case["level"] else "")
    if case["resolved_at"] is None:
        page.line("Due:", f"{local(case['due_at'])},", time_left(case["due_at"], now))
    else:
        page.line("Ended:", local(case["resolved_at"]), f"by {case['resolved_by']}: {_what(case['resolved_verb'])}")
    if case["money_minor"]:
        page.line("At risk:", Cell(_at_risk(case), Style.STRONG))
    page.line("About:", name, f"at {case['account']}, {words.flow_word(case['flow']).lower()}")
    if console_url:
        page.line(Cell(f"{console_url}cases/{case['id']}", Style.QUIET))
    _runbook(page, case, plan)
    _story(page, detail)
    _evidence(page, detail)
    if detail.related:
        page.heading("Other cases of the same order")
        for row in detail.related:
            page.line(str(row["number"]), state_cell(words.state(words.CASE, row["state"])), row["title"], indent=1)


def _what(verb: str) -> str:
    return words.CASE_EVENT.get(verb, (words.plain(verb),))[0]


def _runbook(page: Paper, case: Row, plan: "Plan") -> None:
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


def _story(page: Paper, detail: "CaseDetail") -> None:
    page.heading("What happened")
    for event in detail.events:
        page.line(local(event["at"]), f"{_what(event['what'])} by {event['by']}.", event["reason"], indent=1)
    for alert in detail.alerts:
        at, why = alert["sent_at"] or alert["planned_at"], f" ({alert['last_error']})" if alert["last_error"] else ""
        page.line(local(at), f"Alert to {alert['team']}: {alert['state']}{why}", indent=1)


def _evidence(page: Paper, detail: "CaseDetail") -> None:
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


def decision_page(page: Paper, said: Mapping[str, Any], *, dry_run: bool) -> None:
    """What a verb did to one case, or would do, or why it did nothing."""
    done = said["done"] or said.get("allowed", False)
    lead = "not done yet: " if dry_run and done else "" if done else "refused: "
    words_ = Cell(f"{lead}{said['words']}", Style.PLAIN if done else Style.BAD)
    page.line(Cell(f"Case {said['case']}:", Style.STRONG), words_)
    for sent in said.get("sends", ()):
        page.line("sends", sent, indent=1)
    if said.get("before") is not None:
        before, after = laid_out(said["before"]).splitlines(), laid_out(said["after"]).splitlines()
        for line in list(difflib.unified_diff(before, after, lineterm="", n=2))[2:]:
            style = Style.GOOD if line.startswith("+") else Style.BAD if line.startswith("-") else Style.QUIET
            page.line(Cell(line, style), indent=1)
