"""case list, show, and the four verbs: what needs a person, and what the person decides."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from entrepot.cases.patch import Patch
from entrepot.cases.queries import LIMIT_MAX, CaseFilter, count_of, find_case, list_cases
from entrepot.cli.case_pages import decision_page, list_document, list_page, other_list
from entrepot.cli.case_words import fields_of, read_until, text_of
from entrepot.cli.opening import Opened, clean, login_name, opened
from entrepot.cli.output import note, paper, say_json
from entrepot.kernel.ctx import Conn, Row
from entrepot.kernel.errors import WrongSetting

As = Annotated[str, Parameter(name="--as")]  # `as` is a word of Python's
DONE, FAILED, REFUSED = 0, 1, 5
Decision = Callable[[Opened, str], Any]


def list_(
    *,
    state: Literal["open", "suppressed", "ended", "all"] = "open",
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
        Open ones, those suppressed for a while, ended ones, or all.
    owner
        Only cases of this team.
    kind
        Business refusals, or system faults: the two never share a list. Else business, or what there is.
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
            shown, other, elsewhere = _kind(conn, wanted)
            rows = list_cases(conn, replace(wanted, kind=shown), start, limit)
        token = f"{rows[-1]['due_at'].isoformat()}~{rows[-1]['id']}" if len(rows) == limit else ""
        now = house.clock.now()
    if json:
        say_json(list_document(rows, now, token, shown, other, elsewhere))
    else:
        list_page(paper(), rows, now, house.environment, token)
        other_list(paper(), other, elsewhere)
    return DONE


def _kind(conn: Conn, wanted: CaseFilter) -> tuple[str, str, int]:
    """Which dead letter is listed, the other one, and how many wait there."""
    counts = {kind: count_of(conn, replace(wanted, kind=kind)) for kind in ("business", "system")}
    shown = wanted.kind or ("system" if counts["system"] and not counts["business"] else "business")
    other = "business" if shown == "system" else "system"
    return shown, other, counts[other]


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


def retry(
    case: str,
    /,
    *more: str,
    reason: str = "",
    by: str = "",
    as_team: As = "",
    dry_run: bool = False,
    json: bool = False,
) -> int:
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
    as_team
        For which team of the plan you decide; else as the operator of this machine, who may all there is.
    dry_run
        Say what would happen, and change nothing. Needs no reason.
    json
        One JSON document on stdout.
    """
    return _decide((case, *more), Wish("retry", reason, by, as_team, dry_run=dry_run), json=json)


def repair(
    case: str,
    /,
    *,
    field: tuple[str, ...] = (),
    only: str = "",
    patch: str = "",
    patch_file: Path | None = None,
    reason: str = "",
    by: str = "",
    as_team: As = "",
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """With corrected content: a patch of operations (RFC 6902), or the fields to change (RFC 7396; null removes one).

    Of an offer a field is corrected by its owner: who may not change it asks him, and the case waits for the answer.

    Parameters
    ----------
    case
        Its number, or its id.
    field
        A field and its right value, such as price=12.34; as often as there are fields.
    only
        The offer that is meant, where the case is about several.
    patch
        The fields to change, such as '{"currency": "EUR"}', or a list such as '[{"op": "remove", "path": "/note"}]'.
    patch_file
        The same from a file; - is standard input.
    reason
        Why; it stays with the case.
    by
        Who decides; else the login name.
    as_team
        For which team of the plan you decide; else as the operator of this machine, who may all there is.
    dry_run
        Say what would happen, and change nothing. Needs no reason.
    json
        One JSON document on stdout.
    """
    from entrepot.cases.patch import parse_patch

    if (bool(patch), patch_file is not None, bool(field)).count(True) > 1:
        raise WrongSetting("give the fields to change once: --field NAME=VALUE, --patch JSON or --patch-file FILE")
    text = patch if patch_file is None else text_of(patch_file)
    content = parse_patch(text) if text else fields_of(field)
    return _decide((case,), Wish("repair", reason, by, as_team, content, dry_run=dry_run, only=only), json=json)


def suppress(
    case: str,
    /,
    *more: str,
    until: str = "",
    reason: str = "",
    by: str = "",
    as_team: As = "",
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Not at all: the message is never applied, the outgoing action taken back, a difference accepted.

    Parameters
    ----------
    case
        Its number, or its id.
    more
        More cases, for the same reason.
    until
        Only quiet until then: so long from now (8h, 3d), or a moment (2026-03-05T12:00). Then it comes back if its cause stands.
    reason
        Why; it stays with the case.
    by
        Who decides; else the login name.
    as_team
        For which team of the plan you decide; else as the operator of this machine, who may all there is.
    dry_run
        Say what would happen, and change nothing. Needs no reason.
    json
        One JSON document on stdout.
    """
    return _decide((case, *more), Wish("suppress", reason, by, as_team, until=until, dry_run=dry_run), json=json)


def escalate(
    case: str,
    /,
    *more: str,
    reason: str = "",
    by: str = "",
    as_team: As = "",
    dry_run: bool = False,
    json: bool = False,
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
    as_team
        For which team of the plan you decide; else as the operator of this machine, who may all there is.
    dry_run
        Say what would happen, and change nothing. Needs no reason.
    json
        One JSON document on stdout.
    """
    return _decide((case, *more), Wish("escalate", reason, by, as_team, dry_run=dry_run), json=json)


@dataclass(frozen=True, slots=True)
class Wish:
    """One verb as it was typed. `until`: empty, a length of time from now, or a moment."""

    verb: str
    reason: str
    by: str
    team: str = ""
    payload: Patch | None = None
    until: str = ""
    dry_run: bool = False
    only: str = ""


def _decide(cases: Sequence[str], wish: Wish, *, json: bool) -> int:
    """One verb on each case, one after the other; the gravest exit code of all."""
    wish = replace(wish, reason=clean(wish.reason), by=clean(wish.by) or login_name(), team=clean(wish.team))
    wish = replace(wish, only=clean(wish.only))
    if not wish.reason and not wish.dry_run:
        raise WrongSetting(f"say why: --reason TEXT stays with the case ({wish.verb} --dry-run shows what it would do)")
    asked, end = list(dict.fromkeys(clean(case) for case in cases)), read_until(wish.until)
    with opened() as house:
        _tell_of_other_blueprint(house)
        until = house.clock.now() + end if isinstance(end, timedelta) else end
        results = [_one(house, case, wish, until) for case in asked]
    if json:
        said = {"verb": wish.verb, "dry_run": wish.dry_run, "by": wish.by, "reason": wish.reason}
        said |= {"as": wish.team or None, "until": until, "environment": house.environment}
        say_json({**said, "results": [document for _, document in results]})
    else:
        for _, document in results:
            decision_page(paper(), document, dry_run=wish.dry_run)
    return max(code for code, _ in results)


def _tell_of_other_blueprint(house: Opened) -> None:
    if house.plan_hash and house.plan_hash != house.plan.hash:
        note(
            f"the running processes use blueprint {house.plan_hash}, this command reads {house.plan.file} with"
            f" {house.plan.hash}: set ENTREPOT_BLUEPRINT to theirs, or start them again"
        )


def _one(house: Opened, asked: str, wish: Wish, until: datetime | None) -> tuple[int, dict[str, Any]]:
    """The verb on one case: its exit code, and what to say of it."""
    from entrepot.cases.model import VerbRefused

    plan = house.plan
    with house.db.transaction() as conn:
        case = find_case(conn, asked)
    if case is None:
        return FAILED, {"case": asked, "done": False, "words": f"there is no case {asked}"}
    about = {"case": case["number"], "id": case["id"], "mode": case["mode"], "owner": case["owner"]}
    if case["mode"] not in plan.failures:
        words = f"{plan.file} has no failure mode {case['mode']}: run this with the blueprint the case was opened under"
        return FAILED, {**about, "done": False, "words": words}
    if wish.dry_run:
        return _previewed(house, case, about, wish, until)
    verdict = _acted(house, case["id"], wish, until)
    if isinstance(verdict, VerbRefused):
        return refusal_code(house, case, wish.verb, wish.team), {**about, "done": False, "words": verdict.why}
    return DONE, {**about, "done": True, "words": verdict.words}


def _previewed(
    house: Opened, case: Row, about: Mapping[str, Any], wish: Wish, until: datetime | None
) -> tuple[int, dict[str, Any]]:
    from entrepot.flows import case_desk

    seen = case_desk.preview(
        house.ctx, house.plan, case["id"], wish.verb, wish.payload, team=wish.team, until=until, only=wish.only
    )
    code = DONE if seen.allowed else refusal_code(house, case, wish.verb, wish.team)
    said = {**about, "done": False, "allowed": seen.allowed, "words": seen.words, "sends": seen.sends}
    if seen.members:
        said |= {"members": seen.members, "members_left": seen.left}
    if seen.before is not None:
        said |= {"before": seen.before, "after": seen.after}
    return code, said


def _acted(house: Opened, case_id: str, wish: Wish, until: datetime | None) -> Any:
    from entrepot.flows import case_desk

    ctx, plan, by, reason = house.ctx, house.plan, wish.by, wish.reason
    match wish.verb:
        case "retry":
            return case_desk.retry(ctx, plan, case_id, by, reason, team=wish.team)
        case "repair":
            return case_desk.repair(ctx, plan, case_id, by, reason, wish.payload or {}, team=wish.team, only=wish.only)
        case "suppress":
            return case_desk.suppress(ctx, plan, case_id, by, reason, team=wish.team, until=until)
        case _:
            return case_desk.escalate(ctx, plan, case_id, by, reason, team=wish.team)


def refusal_code(house: Opened, case: Row, verb: str, team: str) -> int:
    """Refused by what the blueprint allows here or by whose case it is, or because there is nothing to do."""
    from entrepot.cases.authority import may_not

    plan = house.plan
    if case["resolved_at"] is not None:
        return FAILED
    from entrepot.blueprint.entries import VERBS

    allowed = verb not in VERBS or verb in plan.failure(case["mode"]).may
    end_of_line = verb == "escalate" and plan.team(case["owner"]).escalates_to is None
    not_his = may_not(plan, case, team, verb, house.clock.now()) is not None
    return FAILED if allowed and not end_of_line and not not_his else REFUSED
