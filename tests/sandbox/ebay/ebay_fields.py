"""Reads the published field list of eBay: operation and status, then the answer's fields by indentation."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

FIELD_LIST = Path(__file__).parents[4] / "shared" / "reference" / "fields" / "ebay.md"
SECTION = re.compile(r"^## \S+ \S+ +`(\w+)`")
STATUS = re.compile(r"^→ (\d{3})")
FIELD = re.compile(r"^( +)([A-Za-z]\w*): (\S+)$")
MAPS = {"aspects"}  # documented as text, and really an object of lists


@dataclass
class Field:
    """One documented field and what is inside it."""

    name: str
    kind: str
    inside: list["Field"] = field(default_factory=list)


def operations(text: str) -> dict[tuple[str, int], list[Field]]:
    """The fields of every successful answer, by operation and status."""
    found: dict[tuple[str, int], list[Field]] = {}
    operation, levels = "", list[tuple[int, list[Field]]]()
    for line in text.splitlines():
        section, status, row = SECTION.match(line), STATUS.match(line), FIELD.match(line)
        if section:
            operation, levels = section.group(1), []
        elif status:
            rows: list[Field] = []
            found[operation, int(status.group(1))] = rows
            levels = [(-1, rows)]
        elif row and levels:
            indent = len(row.group(1))
            while levels[-1][0] >= indent:
                levels.pop()
            one = Field(row.group(2), row.group(3))
            levels[-1][1].append(one)
            levels.append((indent, one.inside))
        elif line.startswith(("errors:", "body", "- ", "#")):
            levels = []
    return found


def missing(fields: list[Field], value: Any, path: str = "") -> Iterator[str]:
    """Every way in which a value is not what the list documents; null stands for what is empty."""
    if not isinstance(value, dict):
        yield f"{path or 'answer'} is not an object"
        return
    for one in fields:
        where = f"{path}.{one.name}"
        if one.name not in value:
            yield f"{where} is missing"
        else:
            yield from _misfit(one, value[one.name], where)


def unknown(fields: list[Field], value: Any, path: str = "") -> Iterator[str]:
    """Every key that the list does not document."""
    if not isinstance(value, dict):
        return
    known = {one.name: one for one in fields}
    for name, inside in value.items():
        where = f"{path}.{name}"
        if name not in known:
            yield where
        elif known[name].inside:
            for element in inside if isinstance(inside, list) else [inside]:
                yield from unknown(known[name].inside, element, where)


def _misfit(one: Field, value: Any, where: str) -> Iterator[str]:
    if one.kind.startswith("["):
        if not isinstance(value, list):
            yield f"{where} is not a list"
        elif one.kind == "[{}]":
            for index, element in enumerate(value):
                yield from missing(one.inside, element, f"{where}[{index}]")
    elif value is None or one.name in MAPS:
        return
    elif one.kind == "{}":
        yield from missing(one.inside, value, where)
    elif not _fits(one.kind, value):
        yield f"{where} is {value!r}, documented as {one.kind}"


def _fits(kind: str, value: Any) -> bool:
    if kind.startswith("integer"):
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | Decimal) and not isinstance(value, bool)
    if kind == "boolean":
        return isinstance(value, bool)
    return isinstance(value, str)
