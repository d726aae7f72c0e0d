"""Tables as files: Markdown to read, CSV to calculate with."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from entrepot.kernel.cells import csv_line

_MARKUP = re.compile(r"([\\`*_{}\[\]<>|#~])")


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows of plain text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def to_csv(table: Table) -> str:
    return "".join(csv_line(row) for row in (table.columns, *table.rows))


def to_markdown(table: Table) -> list[str]:
    rows: Iterable[Sequence[str]] = [table.columns, ["---"] * len(table.columns)]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return lines + [f"| {' | '.join(in_markdown(cell) for cell in row)} |" for row in table.rows]


def in_markdown(text: str) -> str:
    """Text of the plan's as text: no markup, no line of its own."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
