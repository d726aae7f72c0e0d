"""workshop export, import: the plan as a spreadsheet, out and back."""

import os
from pathlib import Path

from entrepot.blueprint.load import DEFAULT
from entrepot.blueprint.workshop.service import Placed, Proposal, export_plan, propose, write_files
from entrepot.cli.output import Cell, Paper, Style, paper, say_json
from entrepot.connectors.facts import facts
from entrepot.kernel.errors import WrongSetting

DONE, FOUND = 0, 3
VALUE_CHARS_MAX = 300


def export(file: Path, /, *, blueprint: Path | None = None) -> int:
    """The plan as a workbook: ownership, flows, failure modes, open questions.

    Parameters
    ----------
    file
        The workbook to write, such as plan.xlsx.
    blueprint
        The plan's first file. Without it: ENTREPOT_BLUEPRINT, else the plan that ships.
    """
    plan = export_plan(_blueprint(blueprint), file)
    print(
        f"{file}: {len(plan.ownership)} objects, {len(plan.flows)} flows, {len(plan.failures)} failure modes, of plan {plan.hash}"
    )
    return DONE


def import_(
    file: Path, /, *, blueprint: Path | None = None, write: bool = False, reason: str = "", json: bool = False
) -> int:
    """What a workbook would change in the plan; with --write, change it.

    Parameters
    ----------
    file
        The workbook as it came back.
    blueprint
        The plan's first file. Without it: ENTREPOT_BLUEPRINT, else the plan that ships, which is only compared.
    write
        Change the plan's files in place: comments and order stay. Only when nothing is wrong.
    reason
        Why; needed with --write, and said again for the commit.
    json
        One JSON document on stdout.
    """
    if write and not reason.strip():
        raise WrongSetting("--reason is missing: say why the plan is changed")
    path = _blueprint(blueprint)
    found = propose(path, file, facts())
    written = _write(path, found) if write and not found.problems else []
    if json:
        say_json(_document(found, written))
    else:
        _say(paper(), found)
        if written:
            print(f"\nwritten: {', '.join(written)}. Commit it with its reason: {' '.join(reason.split())}")
        elif found.placed and not found.problems:
            print("\nnothing is written yet; with --write --reason “…” it is")
    return FOUND if found.problems else DONE


def _write(path: Path, found: Proposal) -> list[str]:
    return write_files(path, found) if found.placed else []


def _blueprint(given: Path | None) -> Path:
    path = given or Path(os.environ.get("ENTREPOT_BLUEPRINT") or DEFAULT)
    if not path.exists():
        raise WrongSetting(f"the blueprint {path} cannot be read: there is no such file")
    return path


def _say(page: Paper, found: Proposal) -> None:
    for problem in found.problems:
        page.line(Cell(problem.where, Style.BAD), problem.message)
    for placed in found.placed:
        page.line(
            Cell(placed.place, Style.QUIET),
            Cell(placed.dotted, Style.STRONG),
            Cell(f"({placed.change.cell})", Style.QUIET),
        )
        page.line(Cell("was", Style.QUIET), _value(placed.change.before), indent=1)
        page.line(Cell("becomes", Style.QUIET), _value(placed.change.after), indent=1)
    for note in [
        *(f"{one}: no row; stays as it is" for one in found.missing),
        *(f"{one}: left aside" for one in found.aside),
    ]:
        page.line(Cell(note, Style.QUIET))
    page.line(f"{len(found.placed)} changes, {len(found.problems)} problems")


def _value(value: object) -> str:
    from entrepot.blueprint.edit import GONE, flow

    text = "nothing" if value is GONE else flow(value)
    return text if len(text) <= VALUE_CHARS_MAX else f"{text[: VALUE_CHARS_MAX - 1]}…"


def _document(found: Proposal, written: list[str]) -> dict[str, object]:
    return {
        "plan": found.plan_hash,
        "becomes": found.after.hash if found.after else None,
        "changes": [_change(placed) for placed in found.placed],
        "problems": [{"where": problem.where, "message": problem.message} for problem in found.problems],
        "missing": found.missing,
        "aside": found.aside,
        "written": written,
    }


def _change(placed: Placed) -> dict[str, object]:
    from entrepot.blueprint.edit import GONE

    change = placed.change
    was, becomes = (None if value is GONE else value for value in (change.before, change.after))
    return {"path": placed.dotted, "place": placed.place, "cell": change.cell, "was": was, "becomes": becomes}
