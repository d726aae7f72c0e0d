"""The lists of modes the hub opens are what its source says, and the list of flows it runs is too.

Where we are the seller, a flow asks for its mode by `channels.mode(...)`: in a plan of both models it may have the channel's name.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from entrepot.blueprint.lint.modes import OPENED, OPENED_BY_SELLERS
from entrepot.flows.runs import RUNS

HOUSE = Path(__file__).parents[2] / "src" / "entrepot"
ROOMS = ("app.py", "bulk", "cases", "change", "engine", "flows", "inbox", "money", "outbox", "trade")
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
def constants(tree: ast.Module) -> dict[str, str]:
    """Names in capitals that stand for a text in a module."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name | ast.Tuple):
            names = node.targets[0].elts if isinstance(node.targets[0], ast.Tuple) else [node.targets[0]]
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            for name, value in zip(names, values, strict=False):
                if isinstance(name, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                    found[name.id] = value.value
    return found


@cache
def constants_anywhere() -> dict[str, str]:
    return {name: text for _, tree in trees() for name, text in constants(tree).items()}


def said(node: ast.expr | None, module: ast.Module) -> Iterator[str]:
    """The modes an expression can be, as far as it says so itself; a name of its own module goes before one from elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Name) and node.id.isupper():
        anywhere = constants_anywhere().get(node.id, f"what {node.id} stands for")
        yield constants(module).get(node.id, anywhere)
    elif isinstance(node, ast.IfExp):
        yield from said(node.body, module)
        yield from said(node.orelse, module)


# --- where we are the seller: `channels.mode(what)`, wherever `what` comes from


@cache
def tables() -> dict[str, set[str]]:
    """Every text that a constant of several holds: a tuple's, a table's values."""
    found: dict[str, set[str]] = {}
    for _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
                held = node.value.values if isinstance(node.value, ast.Dict) else getattr(node.value, "elts", [])
                found.setdefault(node.targets[0].id, set()).update(text for one in held for text in said(one, tree))
    return found


def returned(name: str) -> Iterator[str]:
    """What a function that names a mode may answer: the values of the table it looks in."""
    for _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name == name:
                tables_ = [one for one in ast.walk(node) if isinstance(one, ast.Dict)]
                yield from (text for table in tables_ for value in table.values for text in said(value, tree))


def chosen(what: ast.expr, within: ast.AST, module: ast.Module) -> Iterator[str]:
    """Every mode that `channels.mode(what)` can be asked for, inside a function of a module."""
    match what:
        case ast.Call(
            func=ast.Attribute(attr="get", value=ast.Name(id=table)), args=[_, *rest]
        ):  # TABLE.get(code, "other")
            yield from tables().get(table, ())
            yield from (text for one in rest for text in said(one, module))
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):  # mode_of(kind)
            yield from returned(name)
        case ast.Name(id=name) if not name.isupper():
            yield from named(name, within, module)
        case _:
            yield from said(what, module)


def named(name: str, within: ast.AST, module: ast.Module) -> Iterator[str]:
    """What a local name can be: what it is set to, what it walks over, and what callers hand in for it."""
    for node in ast.walk(within):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                yield from said(value, module)
            case (
                ast.For(target=ast.Name(id=target), iter=over)
                | ast.comprehension(target=ast.Name(id=target), iter=over)
            ) if target == name:
                table = over.func.value if isinstance(over, ast.Call) and isinstance(over.func, ast.Attribute) else over
                yield from tables().get(table.id, ()) if isinstance(table, ast.Name) else ()
            case ast.FunctionDef(args=arguments):
                taken = [argument.arg for argument in arguments.args if argument.arg != "self"]
                if name in taken:
                    yield from handed_in(node.name, taken.index(name), module)


def handed_in(function: str, place: int, module: ast.Module) -> Iterator[str]:
    for where in functions(module):
        for node in ast.walk(where):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == function:
                yield from (text for one in node.args[place : place + 1] for text in chosen(one, where, module))


def functions(module: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef))


@cache
def opened_by_sellers() -> dict[str, str]:
    """Every mode the seller's side asks the plan for, and where."""
    return {
        mode: f"{path.name}:{node.lineno}"
        for path, tree in trees()
        for where in functions(tree)
        for node in ast.walk(where)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "mode"
        and node.args
        for mode in chosen(node.args[0], where, tree)
    }


def opened() -> Iterator[tuple[str, str]]:
    """Every mode a call opens by name, and every class that carries one."""
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                first = node.args[:1] if OPENERS.get(name) == 0 else []
                for at in [*first, *(k.value for k in node.keywords if k.arg == "mode" and name in OPENERS)]:
                    yield from ((mode, f"{path.name}:{node.lineno}") for mode in said(at, tree))
            elif (
                isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "mode"
            ):
                yield from ((mode, f"{path.name}:{node.lineno}") for mode in said(node.value, tree))


def test_every_mode_that_code_opens_by_name_is_listed() -> None:
    found = {mode: where for mode, where in opened() if mode}
    asked = opened_by_sellers()
    assert {mode: where for mode, where in found.items() if mode not in (*OPENED, *asked)} == {}
    assert len(found) > 15


def test_every_mode_that_the_sellers_side_asks_for_is_listed_and_no_other() -> None:
    found = opened_by_sellers()
    assert {mode: where for mode, where in found.items() if mode not in (*OPENED, *OPENED_BY_SELLERS)} == {}
    assert [mode for mode in OPENED_BY_SELLERS if mode not in found] == []
    assert set(OPENED) & set(OPENED_BY_SELLERS) == set()


def test_the_reading_follows_a_mode_through_tables_loops_and_helpers() -> None:
    """One of each way in which the seller's side comes to a mode; were a way not followed, its modes would go unlisted."""
    found = opened_by_sellers()
    direct, table, loop, function, helper, local = (
        "listing-not-live", "accepted-outside-capacity", "offer-above-ceiling", "ship-late", "leg-refused", "attribute-missing"
    )  # fmt: skip
    assert {direct, table, loop, function, helper, local} <= set(found)


@cache
def texts() -> frozenset[str]:
    """Every text that stands in the source."""
    return frozenset(
        node.value
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


@pytest.mark.parametrize("mode", (*OPENED, *OPENED_BY_SELLERS))
def test_every_listed_mode_stands_in_the_source(mode: str) -> None:
    assert mode in texts()


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
    assert set(RUNS) <= texts()
    assert all((HOUSE / "flows" / f"{module}.py").is_file() for module in RUNS.values())
