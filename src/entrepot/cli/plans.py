"""plan, apply, rollback: what a change of the plan would do, doing it, and the way back."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entrepot.cli.opening import Opened, clean, login_name, opened
from entrepot.cli.output import note, paper, say_json
from entrepot.kernel.errors import OwnerDecides, WrongSetting

if TYPE_CHECKING:
    from entrepot.change.model import Source
    from entrepot.flows.plan_desk import WayBack

DONE, FINDINGS, REFUSED = 0, 3, 5


def plan(path: Path | None = None, /, *, json: bool = False) -> int:
    """What would change against the plan in force, what the linter says, and which records it touches.

    Changes nothing. Exit code 3 when the plan has mistakes.

    Parameters
    ----------
    path
        The plan's file; else ENTREPOT_BLUEPRINT, else the one that ships.
    json
        One JSON document on stdout.
    """
    from entrepot.cli import plan_pages
    from entrepot.flows import plan_desk

    with opened() as house:
        source = _read(house, path, json=json)
        if source is None:
            return FINDINGS
        with house.db.transaction() as conn:
            proposed = plan_desk.propose(conn, source)
    if json:
        say_json(plan_pages.proposed_document(proposed))
    else:
        plan_pages.proposed_page(paper(), proposed)
        if not proposed.changes_nothing:
            note("nothing is changed yet; `entrepot apply --reason TEXT` does it")
    return DONE


def apply(path: Path | None = None, /, *, reason: str = "", by: str = "", json: bool = False) -> int:
    """Bring a plan into force: shown, written with its reason, followed by every process within seconds.

    The same plan again changes nothing. Exit code 3 when the plan has mistakes.

    Parameters
    ----------
    path
        The plan's file; else ENTREPOT_BLUEPRINT, else the one that ships.
    reason
        Why; it stays in the plan's history.
    by
        Who decides; else the login name.
    json
        One JSON document on stdout.
    """
    from entrepot.cli import plan_pages
    from entrepot.flows import plan_desk

    reason, by = _signed(reason, by, "`entrepot plan` shows what it would do")
    with opened() as house:
        source = _read(house, path, json=json)
        if source is None:
            return FINDINGS
        proposed, done = plan_desk.apply(plan_desk.under(house.ctx, source.plan), source, by=by, reason=reason)
    if json:
        say_json({**plan_pages.proposed_document(proposed), "applied": done, "by": by, "reason": reason})
        return DONE
    plan_pages.proposed_page(paper(), proposed)
    words = f"plan {source.hash} is in force; the processes follow within seconds" if done else "it is in force already"
    paper().line(words)
    return DONE


def rollback(
    hash_: str,
    /,
    *,
    reason: str = "",
    by: str = "",
    replay: bool = False,
    reviewed: str = "",
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Return to an older plan, and list what was decided under the newer ones since.

    Parameters
    ----------
    hash_
        The older plan's hash, or its beginning.
    reason
        Why; it stays in the plan's history.
    by
        Who decides; else the login name.
    replay
        Also do once more, under the older plan, what the newer one changed and what has not left the house.
    reviewed
        The digest a dry run showed; flows that are replayed with review need it. Several: with commas.
    dry_run
        Say what would happen, and change nothing. Needs no reason.
    json
        One JSON document on stdout.
    """
    from entrepot.cli import plan_pages
    from entrepot.flows import plan_desk

    if dry_run:
        with opened() as house, house.db.transaction() as conn:
            back, done = plan_desk.way_back(conn, clean(hash_)), False
        replayed: list[dict[str, Any]] = []
    else:
        reason, by = _signed(reason, by, "--dry-run shows what it would do")
        with opened() as house:
            back, done = plan_desk.roll_back(house.ctx, clean(hash_), by=by, reason=reason)
            replayed = _replays(house, back, by, reason, reviewed) if replay and done else []
    if json:
        say_json({**plan_pages.way_back_document(back), "rolled_back": done, "dry_run": dry_run, "replayed": replayed})
    else:
        plan_pages.way_back_page(paper(), back, done=done, dry_run=dry_run, replayed=replayed)
    return DONE


def _replays(house: Opened, back: "WayBack", by: str, reason: str, reviewed: str) -> list[dict[str, Any]]:
    """Run what the older plan offers to replay; what may not run says why."""
    from entrepot.flows import plan_desk
    from entrepot.flows.replay import ReplayRefused, run_replay

    ctx, said = plan_desk.under(house.ctx, back.plan), [part.strip() for part in reviewed.split(",")]
    done: list[dict[str, Any]] = []
    for planned in back.replays:
        seen = planned.digest if planned.digest in said else ""
        try:
            ran = run_replay(ctx, back.plan, planned.asked, by=by, reason=reason, reviewed=seen)
            done.append({"flow": planned.asked.flow, "replay": ran.replay_id, "rows": dict(ran.states), "why": ""})
        except ReplayRefused as error:
            done.append({"flow": planned.asked.flow, "replay": None, "rows": {}, "why": error.message})
    return done


def _signed(reason: str, by: str, instead: str) -> tuple[str, str]:
    reason, by = clean(reason), clean(by) or login_name()
    if not reason:
        raise WrongSetting(f"say why: --reason TEXT stays in the plan's history ({instead})")
    return reason, by


def _read(house: Opened, path: Path | None, *, json: bool) -> "Source | None":
    """The plan of a file, checked; None when it has mistakes, which are said."""
    from entrepot.blueprint.load import WrongBlueprint
    from entrepot.change.source import read_source
    from entrepot.connectors.facts import facts

    try:
        return read_source(path or house.env.get("ENTREPOT_BLUEPRINT") or None, facts())
    except WrongBlueprint as error:
        _tell(error.fields["findings"], json=json)
    except OwnerDecides as error:  # no YAML at all, or no file
        _tell([error.message], json=json)
    return None


def _tell(findings: Sequence[object], *, json: bool) -> None:
    if json:
        say_json({"findings": [str(finding) for finding in findings]})
    else:
        for finding in findings:
            note(str(finding))
