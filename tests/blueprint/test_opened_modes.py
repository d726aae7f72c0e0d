"""The list of modes the hub opens is what its source says, and the list of flows it runs is too."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from entrepot.blueprint.lint.modes import OPENED
from entrepot.flows.runs import RUNS

HOUSE = Path(__file__).parents[2] / "src" / "entrepot"
ROOMS = ("app.py", "cases", "change", "engine", "flows", "inbox", "money", "outbox", "trade")
OPENERS = {"Parked": 0, "CaseAsked": 0, "Promise": None}  # where a call names its mode besides `mode=`


@cache
def trees() -> tuple[tuple[Path, ast.Module], ...]:
    files = [
        path
        for room in ROOMS
        for path in sorted([HOUSE / room] if room.endswith(".py") else (HOUSE / room).rglob("*.py"))
    ]
    return tuple((path, ast.parse(path.read_text("utf-8"))) for path in files)


@cache
def constants() -> dict[str, str]:
    """Names in capitals that stand for a text."""
    found = {}
    for _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name | ast.Tuple):
                names = node.targets[0].elts if isinstance(node.targets[0], ast.Tuple) else [node.targets[0]]
                values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
                for name, value in zip(names, values, strict=False):
                    if isinstance(name, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                        found[name.id] = value.value
    return found


def said(node: ast.expr | None) -> Iterator[str]:
    """The modes an expression can be, as far as it says so itself."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Name) and node.id.isupper():
        yield constants().get(node.id, f"what {node.id} stands for")
    elif isinstance(node, ast.IfExp):
        yield from said(node.body)
        yield from said(node.orelse)


def opened() -> Iterator[tuple[str, str]]:
    """Every mode a call opens by name, and every class that carries one."""
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                first = node.args[:1] if OPENERS.get(name) == 0 else []
                for at in [*first, *(k.value for k in node.keywords if k.arg == "mode" and name in OPENERS)]:
                    yield from ((mode, f"{path.name}:{node.lineno}") for mode in said(at))
            elif (
                isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "mode"
            ):
                yield from ((mode, f"{path.name}:{node.lineno}") for mode in said(node.value))


def test_every_mode_that_code_opens_by_name_is_listed() -> None:
    found = {mode: where for mode, where in opened() if mode}
    assert {mode: where for mode, where in found.items() if mode not in OPENED} == {}
    assert len(found) > 15


@pytest.mark.parametrize("mode", OPENED)
def test_every_listed_mode_stands_in_the_source(mode: str) -> None:
    texts = {
        node.value
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert mode in texts


def test_every_flow_that_is_run_has_its_module_and_every_module_its_flow() -> None:
    stories: dict[str, set[str]] = {}
    lent: dict[str, list[str]] = {}
    for path, tree in trees():
        if path.parent.name != "flows":
            continue
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "FLOW":
                stories.setdefault(ast.literal_eval(node.value), set()).add(path.stem)
            elif isinstance(node, ast.ImportFrom) and any(alias.name == "FLOW" for alias in node.names):
                lent.setdefault(str(node.module).rpartition(".")[2], []).append(path.stem)
    for modules in stories.values():
        modules.update(*(lent.get(module, []) for module in list(modules)))
    assert [flow for flow, modules in stories.items() if RUNS.get(flow) not in modules] == []
    texts = {
        node.value
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(RUNS) <= texts
    assert all((HOUSE / "flows" / f"{module}.py").is_file() for module in RUNS.values())
