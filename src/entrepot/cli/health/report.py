"""One line per thing looked at: ok, warn or fail, and what to do next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from entrepot import __version__
from entrepot.cli.output import Cell, Paper, Style

EXIT_DONE, EXIT_FINDINGS, EXIT_UNREACHABLE = 0, 3, 4


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


STYLES = {Verdict.OK: Style.GOOD, Verdict.WARN: Style.WARN, Verdict.FAIL: Style.BAD}
NAME_WIDTH = 14


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `next_step`: what to do, and with which command; empty when nothing is to be done."""

    name: str
    verdict: Verdict
    words: str
    next_step: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything found. `where`: which installation this is about, without its password."""

    where: str
    findings: Sequence[Finding]
    reached: bool
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        if not self.reached:
            return EXIT_UNREACHABLE
        return EXIT_FINDINGS if self._count(Verdict.FAIL) else EXIT_DONE

    def _count(self, verdict: Verdict) -> int:
        return sum(1 for finding in self.findings if finding.verdict is verdict)

    @property
    def sum(self) -> str:
        wrong, doubtful = self._count(Verdict.FAIL), self._count(Verdict.WARN)
        if not wrong and not doubtful:
            return "Everything is as it should be."
        return f"{wrong} wrong, {doubtful} to look at."


def ok(name: str, words: str, **facts: Any) -> Finding:
    return Finding(name, Verdict.OK, words, facts=facts)


def warn(name: str, words: str, next_step: str, **facts: Any) -> Finding:
    return Finding(name, Verdict.WARN, words, next_step, facts)


def fail(name: str, words: str, next_step: str, **facts: Any) -> Finding:
    return Finding(name, Verdict.FAIL, words, next_step, facts)


def document(report: Report) -> dict[str, Any]:
    return {
        "version": __version__,
        "where": report.where,
        "reached": report.reached,
        **report.facts,
        "findings": [
            {"name": f.name, "verdict": f.verdict, "words": f.words, "next": f.next_step or None, "facts": f.facts}
            for f in report.findings
        ],
        "exit_code": report.exit_code,
    }


def page(paper: Paper, report: Report) -> None:
    paper.line(Cell(f"Entrepot {__version__}", Style.STRONG), f"· {report.where}")
    for finding in report.findings:
        verdict = Cell(f"{finding.verdict:<4}", STYLES[finding.verdict])
        paper.line(verdict, Cell(f"{finding.name:<{NAME_WIDTH}}", Style.STRONG), finding.words)
        if finding.next_step:
            paper.line(Cell(f"→ {finding.next_step}", STYLES[finding.verdict]), indent=10)
    paper.line(Cell(report.sum, Style.STRONG))
