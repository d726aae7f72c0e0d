"""Import, as a proposal first: what would change, where in the files, and everything that speaks against it. Writing is a step of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from entrepot.blueprint.edit import patched_files
from entrepot.blueprint.files import Files, examined, main_file, read_files
from entrepot.blueprint.finding import Finding, Severity, WrongBlueprint
from entrepot.blueprint.lint.facts import NOTHING, Facts
from entrepot.blueprint.load import DEFAULT, Examined
from entrepot.blueprint.model import Plan
from entrepot.blueprint.workshop.book import Problem, read_book
from entrepot.blueprint.workshop.changes import Asked, Change, compare
from entrepot.blueprint.workshop.export import export
from entrepot.blueprint.workshop.sheets import HOW_TO
from entrepot.kernel.errors import WrongSetting

ENTRY_PARTS = 2  # `flows.shipment`: section and name


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
    if target.suffix.lower() != ".xlsx":
        raise WrongSetting(f"{target.name}: name a workbook, such as plan.xlsx")
    looked = _good(read_files(blueprint))
    assert looked.plan is not None
    try:
        export(looked.document.data, looked.plan.hash, target)
    except OSError as error:
        raise WrongSetting(f"{target} cannot be written: {error}") from error
    return looked.plan


def _good(files: Files) -> Examined:
    looked = examined(files)
    if looked.plan is None:
        raise WrongBlueprint.of([f for f in looked.findings if f.severity is Severity.ERROR])
    return looked


def propose(blueprint: Path, workbook: Path, facts: Facts = NOTHING) -> Proposal:
    """Read a workbook against the plan it was made from. Errors: WrongBlueprint, WrongSetting when one of them cannot be read at all."""
    files = read_files(blueprint)
    now = _good(files)
    assert now.plan is not None
    book = read_book(workbook)
    asked = compare(now.document.data, book)
    found = Proposal(now.plan.hash, missing=asked.missing, aside=book.aside, problems=asked.problems)
    if book.plan_hash != now.plan.hash:
        found.problems.insert(0, _other_plan(book.plan_hash, now.plan.hash))
    found.placed = [Placed(change, _place(now, change)) for change in asked.changes.values()]
    found.files = patched_files(files, {path: change.after for path, change in asked.changes.items()})
    after = examined(found.files, facts)
    known = {problem.where for problem in found.problems}
    errors = [finding for finding in after.findings if finding.severity is Severity.ERROR]
    found.problems += [problem for problem in _at_cells(errors, asked) if problem.where not in known]
    found.after = after.plan
    return found


def _other_plan(made_from: str, now: str) -> Problem:
    if not made_from:
        return Problem(HOW_TO, "does not say which plan it was made from; export again and carry the changes over")
    return Problem(
        HOW_TO, f"it was made from plan {made_from}, and the plan is now {now}; export again and carry the changes over"
    )


def _place(now: Examined, change: Change) -> str:
    at = now.document.position(change.path)
    return f"{at.file}:{at}"


def _at_cells(errors: list[Finding], asked: Asked) -> list[Problem]:
    """What the plan would be wrong about, at the cell that comes nearest to it; of an entry nobody touched, at its place in the files."""
    cells = [([str(part) for part in path], change.cell) for path, change in asked.changes.items()]
    problems = []
    for error in errors:
        shared, cell = max(((_shared(path, error.path.split(".")), cell) for path, cell in cells), default=(0, ""))
        where = cell if shared >= ENTRY_PARTS else f"{error.file}:{error.position}"
        problems.append(Problem(where, f"{error.code} {error.path}: {error.message}. Fix: {error.fix}"))
    return problems


def _shared(one: list[str], other: list[str]) -> int:
    """How many parts two paths have in common from the left."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def write_files(blueprint: Path, proposal: Proposal) -> list[str]:
    """Put the changed files in the place of the old ones; their names. Errors: WrongSetting, and nothing is changed then."""
    folder = main_file(blueprint).parent.resolve()
    if folder == DEFAULT.parent.resolve():
        raise WrongSetting(
            "this is the plan that ships; make your own with `entrepot init` and name it with --blueprint"
        )
    if proposal.problems:
        raise WrongSetting("nothing is written while something is wrong")
    before = read_files(blueprint)
    now = examined(before).plan
    if now is None or now.hash != proposal.plan_hash:
        raise WrongSetting("the plan changed while this was being read; run it again")
    changed = [name for name, text in proposal.files.items() if before[name] != text]
    made = []
    try:
        for name in changed:
            target = folder / name
            temporary = target.with_name(f".{target.name}.new")
            ends = "\r\n" if b"\r\n" in target.read_bytes() else "\n"
            temporary.write_text(proposal.files[name], "utf-8", newline=ends)
            temporary.chmod(target.stat().st_mode & 0o777)
            made.append((temporary, target))
        for temporary, target in made:
            temporary.replace(target)
    except OSError as error:
        for temporary, _ in made:
            temporary.unlink(missing_ok=True)
        raise WrongSetting(f"{folder} cannot be written: {error}") from error
    return changed
