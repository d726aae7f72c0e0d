"""case assign, note, working, waiting: what people do with a case before it is decided."""

from typing import Any

from entrepot.cases.queries import find_case
from entrepot.cli.case_pages import decision_page
from entrepot.cli.cases import DONE, FAILED, As, refusal_code
from entrepot.cli.opening import Opened, clean, login_name, opened
from entrepot.cli.output import paper, say_json
from entrepot.kernel.errors import WrongSetting


def assign(case: str, /, *, to: str, reason: str = "", by: str = "", as_team: As = "", json: bool = False) -> int:
    """Somebody in particular looks after it; a team of the plan hears of that. Its owner stays accountable.

    Parameters
    ----------
    case
        Its number, or its id.
    to
        A person's name, or a team of the plan.
    reason
        Why; it stays with the case.
    by
        Who says so; else the login name.
    as_team
        For which team of the plan you act; else as the operator of this machine, who may all there is.
    json
        One JSON document on stdout.
    """
    return _do(case, "assign", by, as_team, clean(to), clean(reason), json=json)


def note(case: str, /, *, text: str, by: str = "", as_team: As = "", json: bool = False) -> int:
    """Something worth knowing, in the case's story; it changes nothing.

    Parameters
    ----------
    case
        Its number, or its id.
    text
        What there is to say.
    by
        Who says it; else the login name.
    as_team
        For which team of the plan you act; else as the operator of this machine, who may all there is.
    json
        One JSON document on stdout.
    """
    return _do(case, "note", by, as_team, "", clean(text), json=json)


def working(case: str, /, *, reason: str = "", by: str = "", as_team: As = "", json: bool = False) -> int:
    """Somebody is at it: he who says so, when nobody else was named.

    Parameters
    ----------
    case
        Its number, or its id.
    reason
        What is being done; it stays with the case.
    by
        Who works on it; else the login name.
    as_team
        For which team of the plan you act; else as the operator of this machine, who may all there is.
    json
        One JSON document on stdout.
    """
    return _do(case, "working", by, as_team, "", clean(reason), json=json)


def waiting(case: str, /, *, on: str, reason: str = "", by: str = "", as_team: As = "", json: bool = False) -> int:
    """It waits for somebody else. Its deadline runs on.

    Parameters
    ----------
    case
        Its number, or its id.
    on
        Whom or what it waits for.
    reason
        What was asked; it stays with the case.
    by
        Who says so; else the login name.
    as_team
        For which team of the plan you act; else as the operator of this machine, who may all there is.
    json
        One JSON document on stdout.
    """
    return _do(case, "waiting", by, as_team, clean(on), clean(reason), json=json)


def _do(asked: str, deed: str, by: str, as_team: str, to: str, text: str, *, json: bool) -> int:
    by, team = clean(by) or login_name(), clean(as_team)
    if deed == "note" and not text:
        raise WrongSetting("a note says something: --text TEXT")
    with opened() as house:
        code, said = _done(house, clean(asked), deed, by, team, to, text)
    if json:
        say_json({"deed": deed, "by": by, "as": team or None, **said})
    else:
        decision_page(paper(), said, dry_run=False)
    return code


def _done(house: Opened, asked: str, deed: str, by: str, team: str, to: str, text: str) -> tuple[int, dict[str, Any]]:
    from entrepot.cases import handling
    from entrepot.cases.model import VerbRefused

    with house.db.transaction() as conn:
        case = find_case(conn, asked)
    if case is None:
        return FAILED, {"case": asked, "done": False, "words": f"there is no case {asked}"}
    ctx, plan, case_id = house.ctx, house.plan, case["id"]
    match deed:
        case "assign":
            verdict = handling.assign(ctx, plan, case_id, by, to, text, team=team)
        case "note":
            verdict = handling.note(ctx, plan, case_id, by, text, team=team)
        case "working":
            verdict = handling.working(ctx, plan, case_id, by, text, team=team)
        case _:
            verdict = handling.waiting(ctx, plan, case_id, by, to, text, team=team)
    about = {"case": case["number"], "id": case_id, "owner": case["owner"]}
    if isinstance(verdict, VerbRefused):
        return refusal_code(house, case, deed, team), {**about, "done": False, "words": verdict.why}
    return DONE, {**about, "done": True, "words": verdict.words}
