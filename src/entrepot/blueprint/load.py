"""From a path to a Plan: read every file with positions, check every entry, then what they say together.

A wrong plan is refused with `flows.yaml:41:7 E304 where: what is wrong. Fix: what to write instead`, one line per finding.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from entrepot.blueprint.finding import FINDINGS_MAX, Finding, Severity, WrongBlueprint, dotted
from entrepot.blueprint.gather import Gathered, gather, gather_text
from entrepot.blueprint.lint.facts import NOTHING, Facts
from entrepot.blueprint.lint.look import Look
from entrepot.blueprint.lint.rules import lint
from entrepot.blueprint.model import Plan
from entrepot.blueprint.parse import Budget
from entrepot.blueprint.shape import SECTIONS, Shaped, shaped
from entrepot.blueprint.tree import Document
from entrepot.kernel.errors import WrongSetting

__all__ = [
    "DEFAULT",
    "SECTIONS",
    "Examined",
    "Finding",
    "WrongBlueprint",
    "content_hash",
    "examine",
    "examine_text",
    "load",
    "loads",
    "of_content",
]

DEFAULT = Path(__file__).parent / "default" / "entrepot.yaml"
HASH_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Examined:
    """Everything one look at a plan tells. `plan`: None where an error stands in the way.

    `document`: the joined content with positions. `findings`: in the order of files and lines.
    """

    name: str
    files: tuple[str, ...]
    document: Document
    findings: tuple[Finding, ...]
    plan: Plan | None

    def count(self, severity: Severity) -> int:
        return sum(finding.severity is severity for finding in self.findings)

    @property
    def full(self) -> bool:
        """There may be more findings than are told."""
        return len(self.findings) >= FINDINGS_MAX


def load(path: Path | str | None = None, *, facts: Facts = NOTHING) -> Plan:
    """Read a blueprint: a file, one that includes others, or a folder; without a path, the default one that ships.

    `facts`: what the connectors' manifests say; without them, what needs them is not checked. Warnings stop nothing.
    Errors: WrongBlueprint with every error found.
    """
    return _plan(examine(path, facts=facts))


def loads(text: str, name: str = "entrepot.yaml", *, facts: Facts = NOTHING) -> Plan:
    """As `load`, from the text of one file."""
    return _plan(examine_text(text, name, facts=facts))


def _plan(examined: Examined) -> Plan:
    if examined.plan is None:
        raise WrongBlueprint.of([f for f in examined.findings if f.severity is Severity.ERROR])
    return examined.plan


def examine(path: Path | str | None = None, *, facts: Facts = NOTHING, runs: frozenset[str] | None = None) -> Examined:
    """Everything there is to say about a plan; raises nothing. `runs`: the flows the hub runs, to note the others."""
    budget = Budget()
    return judged(gather(Path(path) if path is not None else DEFAULT, budget), budget, facts, runs)


def examine_text(
    text: str, name: str = "entrepot.yaml", *, facts: Facts = NOTHING, runs: frozenset[str] | None = None
) -> Examined:
    """As `examine`, from the text of one file."""
    budget = Budget()
    return judged(gather_text(text, name, budget), budget, facts, runs)


def judged(gathered: Gathered, budget: Budget, facts: Facts = NOTHING, runs: frozenset[str] | None = None) -> Examined:
    """The second half of a look: entries, then the linter, on what was read."""
    document, found = gathered.document, budget.found
    plan = None
    if document.root.mapping:
        parts = shaped(document, found)
        plan = _joined(parts, gathered.name, document)
        lint(_look(plan, parts, document, facts, runs), found)
    errors = any(f.severity is Severity.ERROR for f in found)
    ordered = tuple(sorted(found, key=lambda f: f.order))
    return Examined(gathered.name, gathered.files, document, ordered, None if errors else plan)


def _joined(parts: Shaped, name: str, document: Document) -> Plan:
    """The entries that are good, each checked before; sections nobody wrote are empty."""
    return Plan.model_construct(file=name, hash=content_hash(document.data), **parts.entries)


def _look(plan: Plan, parts: Shaped, document: Document, facts: Facts, runs: frozenset[str] | None) -> Look:
    names = {key: frozenset(parts.entries[key]) | parts.broken.get(key, frozenset()) for key in SECTIONS}
    whole = frozenset(key for key in SECTIONS if not parts.broken.get(key) and key not in parts.unknown)
    return Look(plan, document, names, whole, parts.unknown, facts, runs)


def of_content(data: Mapping[str, Any], name: str = "entrepot.yaml") -> Plan:
    """A plan from content that was checked before, such as one that was in force: its shape is read, nothing is linted.

    Errors: WrongSetting when this version does not understand the content.
    """
    try:
        return Plan.model_validate({**_with_names(data), "file": name, "hash": content_hash(data)})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise WrongSetting(f"{name} was written for another version: {dotted(first['loc'])}: {first['msg']}") from error


def content_hash(data: Any) -> str:
    """Of the content alone: order of keys, comments, layout and files do not count."""
    canonical = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:HASH_DIGITS]


def _with_names(data: Mapping[str, Any]) -> dict[str, Any]:
    """Every entry of every section learns its own name."""
    named = dict(data)
    for section in SECTIONS:
        entries = data.get(section)
        if isinstance(entries, dict):
            named[section] = {k: {**v, "name": k} if isinstance(v, dict) else v for k, v in entries.items()}
    return named
