"""A plan's files as texts: read together, looked at together before they are written anywhere."""

from collections.abc import Mapping
from pathlib import Path

from entrepot.blueprint.finding import START, Position, Severity, WrongBlueprint
from entrepot.blueprint.gather import INCLUDE, MAIN, Gathered, gather, join_section
from entrepot.blueprint.lint.facts import NOTHING, Facts
from entrepot.blueprint.load import Examined, judged
from entrepot.blueprint.parse import Budget
from entrepot.blueprint.read import read
from entrepot.blueprint.tree import Document, Node
from entrepot.kernel.errors import WrongSetting

Files = dict[str, str]


def document_of(text: str, name: str) -> Document:
    """One file by itself. Errors: WrongBlueprint when it is not YAML."""
    budget = Budget()
    node = read(text, name, budget)
    _refuse(budget)
    return Document(node or Node({}, START))


def _refuse(budget: Budget) -> None:
    """Errors: WrongBlueprint with what a reading found wrong."""
    errors = sorted((f for f in budget.found if f.severity is Severity.ERROR), key=lambda f: f.order)
    if errors:
        raise WrongBlueprint.of(errors)


def included(text: str) -> list[str]:
    """The names of the files that a first file's text includes, in order."""
    return list(document_of(text, MAIN).value((INCLUDE,)) or ())


def main_file(path: Path) -> Path:
    return path / MAIN if path.is_dir() else path


def read_files(path: Path) -> Files:
    """A plan's files by name, the first one first. Errors: WrongBlueprint when one cannot be read."""
    budget = Budget()
    names = gather(path, budget).files
    _refuse(budget)
    try:
        return {name: (main_file(path).parent / name).read_text("utf-8-sig") for name in names}
    except OSError as error:
        raise WrongSetting(f"the blueprint {path} cannot be read: {error}") from error


def examined(files: Mapping[str, str], facts: Facts = NOTHING, runs: frozenset[str] | None = None) -> Examined:
    """Everything there is to say about a plan that stands in these texts."""
    budget = Budget()
    root = Node({}, Position(1, 1, next(iter(files))))
    for name, text in files.items():
        node = read(text, name, budget)
        for section, entries in ((node.mapping if node else None) or {}).items():
            if node is not None and section != INCLUDE:
                join_section(root, section, entries, node.keys[section], budget.found)
    return judged(Gathered(root.at.file, Document(root), tuple(files)), budget, facts, runs)
