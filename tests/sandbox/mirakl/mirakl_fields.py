"""Reads the published field lists: operation, then its answer's fields by indentation."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

FIELD_LIST = Path(__file__).parents[4] / "shared" / "reference" / "fields" / "mirakl-mmp.md"
SECTION = re.compile(r"^## \S+ \S+.*`(\w+)`")
FIELD = re.compile(r"^( *)(\S.*?)(\*?): (.+)$")
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@dataclass
class Field:
    """One documented field and what is inside it."""

    name: str
    kind: str
    required: bool
    inside: list["Field"] = field(default_factory=list)


def operations(text: str) -> dict[str, list[Field]]:
    """The fields of every operation's successful answer."""
    found: dict[str, list[Field]] = {}
    code, answering, open_levels = None, False, list[tuple[int, list[Field]]]()
    for line in text.splitlines():
        section = SECTION.match(line)
        if section:
            code, answering = section.group(1), False
            found[code] = []
        elif line.startswith("#"):
            code = None
        elif code and line.startswith("→"):
            answering, open_levels = True, [(-1, found[code])]
        elif code and answering and (row := FIELD.match(line)):
            indent = len(row.group(1))
            while open_levels[-1][0] >= indent:
                open_levels.pop()
            one = Field(row.group(2), row.group(4), bool(row.group(3)))
            open_levels[-1][1].append(one)
            open_levels.append((indent, one.inside))
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


def _misfit(one: Field, value: Any, where: str) -> Iterator[str]:
    if one.kind.startswith("["):
        if not isinstance(value, list):
            yield f"{where} is not a list"
        elif one.kind.startswith("[{}]"):
            for index, element in enumerate(value):
                yield from missing(one.inside, element, f"{where}[{index}]")
    elif value is None:
        if one.kind.startswith("{}") and one.required:
            yield f"{where} is a required object and null"
    elif one.kind.startswith("{}"):
        yield from missing(one.inside, value, where)
    elif not _fits(one.kind, value):
        yield f"{where} is {value!r}, documented as {one.kind}"


def _fits(kind: str, value: Any) -> bool:
    if kind.startswith("integer"):
        return isinstance(value, int) and not isinstance(value, bool)
    if kind.startswith("number"):
        return isinstance(value, int | Decimal) and not isinstance(value, bool)
    if kind.startswith("boolean"):
        return isinstance(value, bool)
    if kind.startswith("string(date-time)"):
        return isinstance(value, str) and DATE.fullmatch(value) is not None
    return isinstance(value, str) if kind.startswith("string") else True
