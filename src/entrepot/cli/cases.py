"""case list, show, and the four verbs: what needs a person, and what the person decides."""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from entrepot.cases.queries import LIMIT_MAX, CaseFilter, find_case, list_cases
from entrepot.cli.case_pages import decision_page, list_document, list_page
from entrepot.cli.opening import Opened, clean, login_name, opened
from entrepot.cli.output import note, paper, say_json
from entrepot.kernel.ctx import Conn, Row
from entrepot.kernel.errors import WrongSetting

DONE, FAILED, REFUSED = 0, 1, 5
Decision = Callable[[Opened, str], Any]


def list_(
    *,
    state: Literal["open", "ended", "all"] = "open",
    owner: str = "",
    kind: Literal["business", "system", ""] = "",
    mode: str = "",
    flow: str = "",
    account: str = "",
    find: str = "",
    limit: int = 50,
    after: str = "",
    json: bool = False,
) -> int:
    """Open cases, the most urgent first.

    Parameters
    ----------
    state
        Open ones, ended ones, or all.
    owner
        Only cases of this team.
    kind
        Business refusals or system faults.
    mode
        Only this failure mode of the blueprint.
    flow
        Only this flow.
    account
        Only this account.
    find
        Only cases about this identifier: an id of the object, a root, a case number.
    limit
        How many at most, up to 200.
    after
        The next page: what the page before named at its end.
    json
        One JSON document on stdout.
    """
    if not 1 <= limit <= LIMIT_MAX:
        raise WrongSetting(f"--limit {limit}: a page holds 1 to {LIMIT_MAX} cases")
    wanted = CaseFilter(state, *(clean(text) for text in (owner, kind, mode, flow, account, "", find)))
    start = _read_token(after) if after else None
    with opened() as house:
        with house.db.transaction() as conn:
            rows = list_cases(conn, wanted, start, limit)
        token = f"{rows[-1]['due_at'].isoformat()}~{rows[-1]['id']}" if len(rows) == limit else ""
        now = house.clock.now()
    if json:
        say_json(list_document(rows, now, token))
    else:
        list_page(paper(), rows, now, house.environment, token)
    return DONE


def _read_token(text: str) -> tuple[datetime, str]:
    at, _, case_id = text.partition("~")
    try:
        read = datetime.fromisoformat(at)
    except ValueError as error:
        raise WrongSetting(f"--after {clean(text)}: copy it from the end of the page before") from error
    if read.tzinfo is None or not case_id:
        raise WrongSetting(f"--after {clean(text)}: copy it from the end of the page before")
    return read, clean(case_id)


def show(case: str, /, *, json: bool = False) -> int:
    """One case: what it means, why, what to do, what was done.

    Parameters
    ----------
    case
        Its number, or its id.
    json
        One JSON document on stdout.
    """
    from entrepot.cases.queries import case_detail
    from entrepot.cli.case_show import case_document, show_page

    with opened() as house:
        with house.db.transaction() as conn:
            detail = case_detail(conn, clean(case))
            if detail is None:
                note(f"there is no case {clean(case)}; `entrepot case list --state all` shows all there are")
                return FAILED
            name = _name(conn, detail.case)
        plan, now = house.plan, house.clock.now()
    if json:
        say_json(case_document(detail, plan, now))
    else:
        show_page(paper(), detail, plan, now, name, house.installation.console_url)
    return DONE


def _name(conn: Conn, case: Row) -> str:
    """What people call the object a case is about."""
    from entrepot.web import words
    from entrepot.web.store.common import page_of

    link = page_of(conn, case["object"], case["object_id"])
    if link is None:
        return f"{words.OBJECT.get(case['object'], words.plain(case['object']))} {case['object_id']}"
    return f"{link.kind} {link.text}"


def retry(case: str, /, *more: str, reason: str = "", by: str = "", dry_run: bool = False, json: bool = False) -> int:
    """The same once more: a message is read again, an outgoing action sent again, an unclear one read back.

    Parameters
    ----------
    case
        Its number, or its id.
    more
        More cases, for the same reason.
    reason
        Why; it stays with the case.
    by
        Who decides; else the login name.
    dry_run
        Say what would happen, and change nothing. Needs no reason.
    json
        One JSON document on stdout.
    """
    return _decide("retry", (case, *more), reason, by, dry_run=dry_run, json=json)


def repair(
    case: str,
    /,
    *,
    patch: str = "",
    patch_file: Path | None = None,
    reason: str = "",
    by: str = "",
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """With corrected content: a JSON merge patch (RFC 7396) is laid over it; null removes a field.

    Parameters
    ----------
    case
        Its number, or its id.
    patch
        The fields to change, such as '{"currency": "EUR"}'.
    patch_file
        The same from a file; - is standard input.
    reason
        Why; it stays with the case.
    by
        Who decides; else the login name.
    dry_run
        Say what would happen, and change nothing. Needs no reason.
    json
        One JSON document on stdout.
    """
    from entrepot.cases.patch import parse_patch

    if patch and patch_file is not None:
        raise WrongSetting("give the fields to change once: --patch JSON or --patch-file FILE")
    text = patch if patch_file is None else _file(patch_file)
    content = parse_patch(text) if text else {}
    return _decide("repair", (case,), reason, by, dry_run=dry_run, json=json, payload=content)


def suppress(
    case: str, /, *more: str, reason: str = "", by: str = "", dry_run: bool = False, json: bool = False
) -> int:
    """Not at all: the message is never applied, the outgoing action taken back, a difference accepted.

    Parameters
    ----------
    case
        Its number, or its id.
    more
        More cases, for the same reason.
    reason
        Why; it stays with the case.
    by
        Who decides; else the login name.
    dry_run
        Say what would happen, and change nothing. Needs no reason.
    json
        One JSON document on stdout.
    """
    return _decide("suppress", (case, *more), reason, by, dry_run=dry_run, json=json)


def escalate(
    case: str, /, *more: str, reason: str = "", by: str = "", dry_run: bool = False, json: bool = False
) -> int:
    """To the team above, which owns the case from now on and hears of it at once.

    Parameters
    ----------
    case
        Its number, or its id.
    more
        More cases, for the same reason.
    reason
        Why; it stays with the case.
    by
        Who decides; else the login name.
    dry_run
        Say what would happen, and change nothing. Needs no reason.
    json
        One JSON document on stdout.
    """
    return _decide("escalate", (case, *more), reason, by, dry_run=dry_run, json=json)


def _file(path: Path) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongSetting(f"--patch-file {path} cannot be read: {error}") from error


def _decide(
    verb: str,
    cases: Sequence[str],
    reason: str,
    by: str,
    *,
    dry_run: bool,
    json: bool,
    payload: Mapping[str, Any] | None = None,
) -> int:
    """One verb on each case, one after the other; the gravest exit code of all."""
    reason, by = clean(reason), clean(by) or login_name()
    if not reason and not dry_run:
        raise WrongSetting(f"say why: --reason TEXT stays with the case ({verb} --dry-run shows what it would do)")
    asked = list(dict.fromkeys(clean(case) for case in cases))
    with opened() as house:
        _tell_of_other_blueprint(house)
        results = [_one(house, verb, case, by, reason, payload, dry_run=dry_run) for case in asked]
    if json:
        said = {"verb": verb, "dry_run": dry_run, "by": by, "reason": reason, "environment": house.environment}
        say_json({**said, "results": [document for _, document in results]})
    else:
        for _, document in results:
            decision_page(paper(), document, dry_run=dry_run)
    return max(code for code, _ in results)


def _tell_of_other_blueprint(house: Opened) -> None:
    if house.plan_hash and house.plan_hash != house.plan.hash:
        note(
            f"the running processes use blueprint {house.plan_hash}, this command reads {house.plan.file} with"
            f" {house.plan.hash}: set ENTREPOT_BLUEPRINT to theirs, or start them again"
        )


def _one(
    house: Opened, verb: str, asked: str, by: str, reason: str, payload: Mapping[str, Any] | None, *, dry_run: bool
) -> tuple[int, dict[str, Any]]:
    """The verb on one case: its exit code, and what to say of it."""
    from entrepot.cases.model import VerbRefused
    from entrepot.flows import case_desk

    ctx, plan = house.ctx, house.plan
    with house.db.transaction() as conn:
        case = find_case(conn, asked)
    if case is None:
        return FAILED, {"case": asked, "done": False, "words": f"there is no case {asked}"}
    about = {"case": case["number"], "id": case["id"], "mode": case["mode"], "owner": case["owner"]}
    if case["mode"] not in plan.failures:
        words = f"{plan.file} has no failure mode {case['mode']}: run this with the blueprint the case was opened under"
        return FAILED, {**about, "done": False, "words": words}
    if dry_run:
        seen = case_desk.preview(ctx, plan, case["id"], verb, payload)
        code = DONE if seen.allowed else _refusal_code(house, case, verb)
        changes = {"before": seen.before, "after": seen.after} if seen.before is not None else {}
        return code, {
            **about,
            "done": False,
            "allowed": seen.allowed,
            "words": seen.words,
            "sends": seen.sends,
        } | changes
    if verb == "repair":
        verdict = case_desk.repair(ctx, plan, case["id"], by, reason, payload or {})
    else:
        act = {"retry": case_desk.retry, "suppress": case_desk.suppress, "escalate": case_desk.escalate}[verb]
        verdict = act(ctx, plan, case["id"], by, reason)
    if isinstance(verdict, VerbRefused):
        return _refusal_code(house, case, verb), {**about, "done": False, "words": verdict.why}
    return DONE, {**about, "done": True, "words": verdict.words}


def _refusal_code(house: Opened, case: Row, verb: str) -> int:
    """Refused by what the blueprint allows here, or because there is nothing to do."""
    plan = house.plan
    if case["resolved_at"] is not None:
        return FAILED
    allowed = verb in plan.failure(case["mode"]).may
    end_of_line = verb == "escalate" and plan.team(case["owner"]).escalates_to is None
    return FAILED if allowed and not end_of_line else REFUSED
