"""A workbook in the hands of people: read cell by cell, changed as they change it, written again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from typing import Any

import xlsxwriter
from python_calamine import CalamineWorkbook

Cells = list[list[Any]]


@dataclass
class Workbook:
    """Every sheet as rows of cells; `formulas` are written as such."""

    sheets: dict[str, Cells]
    formulas: dict[tuple[str, int, int], str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Workbook":
        book = CalamineWorkbook.from_path(str(path))
        return cls(
            {
                name: [list(row) for row in book.get_sheet_by_name(name).to_python(skip_empty_area=False)]
                for name in book.sheet_names
            }
        )

    def at(self, sheet: str, keys: Sequence[str], title: str) -> tuple[int, int]:
        rows = self.sheets[sheet]
        column = rows[0].index(title)
        row = next(n for n, cells in enumerate(rows) if cells[: len(keys)] == list(keys))
        return row, column

    def put(self, sheet: str, keys: Sequence[str] | str, title: str, value: Any) -> str:
        """Write a cell of the row with these keys; its name, such as `Flows!E5`."""
        wanted = [keys] if isinstance(keys, str) else list(keys)
        row, column = self.at(sheet, wanted, title)
        self.sheets[sheet][row][column] = value
        return f"{sheet}!{letters(column)}{row + 1}"

    def add(self, sheet: str, **values: Any) -> int:
        """A row below the others, by column title (_ for a space); its number."""
        rows = self.sheets[sheet]
        named = {title.replace("_", " "): value for title, value in values.items()}
        rows.append([named.pop(title, "") for title in rows[0]])
        assert not named
        return len(rows)

    def each(self, sheet: str, change: Callable[[Cells], Cells]) -> None:
        self.sheets[sheet] = change(self.sheets[sheet])

    def write(self, path: Path) -> Path:
        book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_numbers": False})
        as_time = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for name, rows in self.sheets.items():
            page = book.add_worksheet(name)
            for r, row in enumerate(rows):
                for c, value in enumerate(row):
                    if (name, r, c) in self.formulas:
                        page.write_formula(r, c, self.formulas[name, r, c], None, value)
                    elif isinstance(value, datetime | time):
                        page.write_datetime(r, c, value, as_time)
                    elif value != "":
                        page.write(r, c, value)
        book.close()
        return path


def letters(at: int) -> str:
    before, last = divmod(at, 26)
    return (letters(before - 1) if before else "") + chr(ord("A") + last)
