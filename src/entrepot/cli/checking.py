"""check: what is wrong with a plan, before anything runs by it; and the linter's codes, explained."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entrepot.kernel.errors import WrongSetting

if TYPE_CHECKING:
    from entrepot.blueprint.finding import Finding
    from entrepot.blueprint.load import Examined

DONE, FOUND = 0, 3


def check(path: Path | None = None, /, *, json: bool = False, explain: str = "") -> int:
    """Check a plan: every file, every entry, and what they say together; nothing is started or changed.

    One line per finding, in the order of files and lines. Exit code 3 when there is an error; warnings and notes are
    only told.

    Parameters
    ----------
    path
        A plan: a file, or a folder with an entrepot.yaml. Without it: ENTREPOT_BLUEPRINT, else the plan that ships.
    json
        One JSON document on stdout.
    explain
        The page of one code instead, such as E304: why it matters, and how to mend it.
    """
    if explain:
        return _explained(explain, json)
    from entrepot.blueprint.load import examine
    from entrepot.connectors.facts import facts
    from entrepot.flows.runs import RUNS

    examined = examine(path or os.environ.get("ENTREPOT_BLUEPRINT") or None, facts=facts(), runs=frozenset(RUNS))
    if json:
        from entrepot.cli.output import say_json

        say_json(_document(examined))
    else:
        for finding in examined.findings:
            print(finding)
        print(_closing(examined))
    return DONE if examined.plan is not None else FOUND


def _closing(examined: "Examined") -> str:
    """How much was found, and what the plan is if the hub can run by it."""
    counted = ", ".join(f"{number} {word}{'' if number == 1 else 's'}" for word, number in _counts(examined).items())
    more = "; there may be more: correct these first" if examined.full else ""
    plan, files = examined.plan, f"{len(examined.files)} file{'' if len(examined.files) == 1 else 's'}"
    if plan is None:
        return f"{examined.name}, {files}: {counted}{more}"
    return f"{examined.name}, {files}, {len(plan.flows)} flows, {len(plan.failures)} failure modes, hash {plan.hash}: {counted}{more}"


def _counts(examined: "Examined") -> dict[str, int]:
    from entrepot.blueprint.finding import Severity

    return {str(severity): examined.count(severity) for severity in Severity}


def _document(examined: "Examined") -> dict[str, Any]:
    plan = examined.plan
    return {
        "plan": examined.name,
        "files": list(examined.files),
        "hash": plan.hash if plan else None,
        "counts": _counts(examined),
        "more": examined.full,
        "findings": [_row(finding) for finding in examined.findings],
    }


def _row(finding: "Finding") -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": str(finding.severity),
        "file": finding.file,
        "line": finding.position.line,
        "column": finding.position.column,
        "path": finding.path,
        "message": finding.message,
        "fix": finding.fix,
    }


def _explained(word: str, json: bool) -> int:
    from entrepot.blueprint.lint.catalogue import CODES, page

    code = CODES.get(word.strip().upper())
    if code is None:
        raise WrongSetting(f"--explain {word}: there is no such code; codes are {', '.join(CODES)}")
    if json:
        from entrepot.cli.output import say_json

        fields = ("code", "title", "why", "fix", "fails", "passes")
        say_json({**{name: getattr(code, name) for name in fields}, "severity": str(code.severity)})
    else:
        print("\n".join([f"{code.code}: {code.title}", "", *page(code)]))
    return DONE
