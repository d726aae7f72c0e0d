"""A marketplace's plan in seven files with more than sixty mistakes: one run finds every one, on its line, and nothing else."""

import re
from pathlib import Path

from entrepot.blueprint.finding import WrongBlueprint
from entrepot.blueprint.lint.catalogue import CODES
from entrepot.blueprint.load import examine, load
from entrepot.connectors.facts import facts
from entrepot.flows.runs import RUNS

PLAN = Path(__file__).parent / "planted"
MISTAKES_MIN = 60


def planted() -> set[tuple[str, str, int]]:
    """What stands behind `#!` at the end of a line."""
    return {
        (code, path.relative_to(PLAN).as_posix(), number)
        for path in PLAN.rglob("*.yaml")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        for code in re.findall(r"[EWN]\d{3}", line.partition("#! ")[2])
    }


def found() -> set[tuple[str, str, int]]:
    examined = examine(PLAN, facts=facts(), runs=frozenset({*RUNS, "price-stock"}))
    return {(finding.code, finding.file, finding.position.line) for finding in examined.findings}


def test_one_run_finds_every_planted_mistake_with_its_code_and_line() -> None:
    assert planted() - found() == set()


def test_nothing_is_found_that_was_not_planted() -> None:
    assert found() - planted() == set()


def test_enough_different_mistakes_are_planted() -> None:
    assert len(planted()) >= MISTAKES_MIN
    assert len({code for code, _, _ in planted()}) >= MISTAKES_MIN
    assert {code for code, _, _ in planted()} <= set(CODES)


def test_the_hub_does_not_start_by_it_and_says_why_line_by_line() -> None:
    try:
        load(PLAN, facts=facts())
    except WrongBlueprint as error:
        lines = str(error).splitlines()
        assert all(re.match(r"[\w/]+\.yaml:\d+:\d+ E\d{3} \S+: .+ Fix: .+", line) for line in lines[:-1])
        assert re.fullmatch(r"… and \d+ more", lines[-1])
    else:
        raise AssertionError("it started")
