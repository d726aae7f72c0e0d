"""Import, as a proposal first: what would change, where in the files, and everything that speaks against it. Writing is a step of its own."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from entrepot.blueprint.edit import patched_files
from entrepot.blueprint.files import one_text, read_files
from entrepot.blueprint.load import DEFAULT, WrongBlueprint, loads
from entrepot.blueprint.load import Finding as Flaw
from entrepot.blueprint.model import Plan
from entrepot.blueprint.read import read
from entrepot.blueprint.workshop.book import Problem, read_book
from entrepot.blueprint.workshop.changes import Asked, Change, compare
from entrepot.blueprint.workshop.export import export
from entrepot.blueprint.workshop.sheets import HOW_TO
from entrepot.kernel.errors import WrongSetting


@dataclass(frozen=True, slots=True)
class Placed:
    """A change and where it stands in the files: `flows.yaml:41:7`."""

    change: Change
    place: str

    @property
    def dotted(self) -> str:
        return ".".join(str(part) for part in self.change.path)


@dataclass(slots=True)
class Proposal:
    """`files`: the plan's files as they would be. Nothing of it is written while there are problems."""

    plan_hash: str
    placed: list[Placed] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    files: Mapping[str, str] = field(default_factory=dict)
    after: Plan | None = None


def export_plan(blueprint: Path, target: Path) -> Plan:
    """Write a plan's workbook. Errors: WrongBlueprint when it is no good plan; WrongSetting when the workbook cannot be written."""
    files = read_files(blueprint)
    plan = loads(one_text(files), blueprint.name)
    if target.suffix.lower() != ".xlsx":
        raise WrongSetting(f"{target.name}: name a workbook, such as plan.xlsx")
    try:
        export(read(one_text(files), blueprint.name).data, plan.hash, target)
    except OSError as error:
        raise WrongSetting(f"{target} cannot be written: {error}") from error
    return plan


def propose(blueprint: Path, workbook: Path) -> Proposal:
    """Read a workbook against the plan it was made from. Errors: WrongBlueprint, WrongSetting when one of them cannot be read at all."""
    files = read_files(blueprint)
    plan = loads(one_text(files), blueprint.name)
    book = read_book(workbook)
    asked = compare(read(one_text(files), blueprint.name).data, book)
    found = Proposal(plan.hash, missing=asked.missing, aside=book.aside, problems=asked.problems)
    if book.plan_hash != plan.hash:
        found.problems.insert(0, _other_plan(book.plan_hash, plan.hash))
    found.placed = _placed(files, asked)
    found.files = patched_files(files, {path: change.after for path, change in asked.changes.items()})
    try:
        found.after = loads(one_text(found.files), blueprint.name)
    except WrongBlueprint as error:
        known = {problem.where for problem in found.problems}
        found.problems += [p for p in _from_linter(error.fields["findings"], asked) if p.where not in known]
    return found


def _other_plan(made_from: str, now: str) -> Problem:
    if not made_from:
        return Problem(HOW_TO, "does not say which plan it was made from; export again and carry the changes over")
    return Problem(HOW_TO, f"it was made from plan {made_from}, and the plan is now {now}; export again and carry the changes over")


def _placed(files: Mapping[str, str], asked: Asked) -> list[Placed]:
    documents = {name: read(text, name) for name, text in files.items()} if asked.changes else {}
    placed = []
    for path, change in asked.changes.items():
        name = next((n for n, d in documents.items() if path[:2] in d.keys), None) or next(
            (n for n, d in documents.items() if path[:1] in d.keys), next(iter(files))
        )
        placed.append(Placed(change, f"{name}:{documents[name].position(path)}"))
    return placed


def _from_linter(flaws: list[Flaw], asked: Asked) -> list[Problem]:
    """What the plan would be wrong about, at the cell that asks for it when one does."""
    cells = {".".join(str(part) for part in path): change.cell for path, change in asked.changes.items()}
    problems = []
    for flaw in flaws:
        near = [(len(path), cell) for path, cell in cells.items() if _touches(path, flaw.path)]
        where = max(near)[1] if near else f"{flaw.file}:{flaw.position}"
        problems.append(Problem(where, f"{flaw.path}: {flaw.message}"))
    return problems


def _touches(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


def write_files(blueprint: Path, proposal: Proposal) -> list[str]:
    """Put the changed files in the place of the old ones; their names. Errors: WrongSetting, and nothing is changed then."""
    if blueprint.resolve() == DEFAULT.resolve():
        raise WrongSetting("this is the plan that ships; make your own with `entrepot init` and name it with --blueprint")
    if proposal.problems:
        raise WrongSetting("nothing is written while something is wrong")
    before = read_files(blueprint)
    if loads(one_text(before), blueprint.name).hash != proposal.plan_hash:
        raise WrongSetting("the plan changed while this was being read; run it again")
    changed = [name for name, text in proposal.files.items() if before[name] != text]
    made = []
    try:
        for name in changed:
            temporary = blueprint.parent / f".{name}.new"
            temporary.write_text(proposal.files[name], "utf-8")
            temporary.chmod((blueprint.parent / name).stat().st_mode & 0o777)
            made.append((temporary, blueprint.parent / name))
        for temporary, target in made:
            os.replace(temporary, target)  # noqa: PTH105 - replaces in one step, on every system
    except OSError as error:
        for temporary, _ in made:
            temporary.unlink(missing_ok=True)
        raise WrongSetting(f"{blueprint.parent} cannot be written: {error}") from error
    return changed
