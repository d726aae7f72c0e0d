"""A workbook as people give it back: its sheets as rows of plain text, each with the cell it stands in, and what cannot be read."""

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from entrepot.blueprint.workshop.export import HASH_LABEL, LISTS
from entrepot.blueprint.workshop.kinds import plain
from entrepot.blueprint.workshop.sheets import HOW_TO, REMOVE, SHEETS, Sheet
from entrepot.kernel.errors import WrongSetting

BOOK_BYTES_MAX = 20_000_000
UNPACKED_BYTES_MAX = 200_000_000
ROWS_MAX = 5_000
COLUMNS_MAX = 100
CELL_CHARS_MAX = 8_000

_FORMULA = re.compile(rb'<c\b[^>]*?\br="([A-Z]{1,3}\d{1,7})"[^>]*>\s*<f[\s>/]')
_ATTRIBUTE = r'\b{}="([^"]*)"'


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in the workbook, and where: `Flows!E5`."""

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


@dataclass(frozen=True, slots=True)
class Line:
    """One row: text by column title, as far as the column is there. `cells` says where each stands."""

    sheet: str
    number: int
    texts: Mapping[str, str]
    cells: Mapping[str, str]

    def where(self, title: str) -> str:
        return self.cells.get(title, f"{self.sheet}!{self.number}")


@dataclass(slots=True)
class Book:
    plan_hash: str = ""
    lines: dict[str, list[Line]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)  # sheets and columns of their own, left aside


def read_book(path: Path) -> Book:
    """Errors: WrongSetting when it is no workbook at all; everything else is a problem of the book."""
    from python_calamine import CalamineError, CalamineWorkbook

    formulas = _formulas(path)
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        book, names = Book(), workbook.sheet_names
        book.plan_hash = _hash(_rows(workbook, HOW_TO)) if HOW_TO in names else ""
        for sheet in SHEETS:
            found = next((name for name in names if name.strip().casefold() == sheet.name.casefold()), None)
            if found is None:
                book.problems.append(_lost(sheet, names))
            else:
                _take(book, sheet, _rows(workbook, found), formulas.get(found, ()))
    except (CalamineError, OSError, ValueError) as error:
        raise WrongSetting(f"{path.name} is not a workbook that can be read: {error}; save it as .xlsx") from error
    own = {name for name in names if name.strip().casefold() not in {s.name.casefold() for s in SHEETS}}
    book.aside += [f"sheet “{name}”" for name in names if name in own - {HOW_TO, LISTS}]
    return book


def _lost(sheet: Sheet, names: Sequence[str]) -> Problem:
    known = {HOW_TO, LISTS, *(one.name for one in SHEETS)}
    others = [name for name in names if name not in known]
    maybe = f" (renamed to “{others[0]}”?)" if others else ""
    return Problem(sheet.name, f"there is no sheet of this name{maybe}; give it its name back")


def _rows(workbook: Any, name: str) -> list[list[Any]]:
    rows: list[list[Any]] = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False, nrows=ROWS_MAX + 2)
    return rows


def _hash(rows: Sequence[Sequence[Any]]) -> str:
    """What stands right of the label, wherever people have moved it."""
    for row in rows:
        for at, value in enumerate(row[:-1]):
            if isinstance(value, str) and value.strip() == HASH_LABEL:
                return str(row[at + 1]).strip()
    return ""


# --- one sheet -----------------------------------------------------------------------------------------------------


def _take(book: Book, sheet: Sheet, rows: Sequence[Sequence[Any]], formulas: Sequence[str]) -> None:
    lines = book.lines.setdefault(sheet.name, [])
    header = next((at for at, row in enumerate(rows) if _is_header(sheet, row)), None)
    if header is None:
        book.problems.append(Problem(sheet.name, f"has no line of titles: {', '.join(c.title for c in sheet.all)}"))
        return
    if len(rows) > ROWS_MAX:
        book.problems.append(Problem(sheet.name, f"has more than {ROWS_MAX:,} rows"))
        return
    titles = _titles(book, sheet, rows[header], header + 1)
    for number, row in enumerate(rows[header + 1 :], header + 2):
        texts, cells = {}, {}
        for at, title in titles.items():
            cells[title] = where = f"{sheet.name}!{_letters(at)}{number}"
            if (text := _cell(book, where, row[at] if at < len(row) else "", formulas)) is not None:
                texts[title] = text
        if any(texts.values()):
            lines.append(Line(sheet.name, number, texts, cells))


def _is_header(sheet: Sheet, row: Sequence[Any]) -> bool:
    return _form(sheet.keys[0].title) in {_form(value) for value in row}


def _titles(book: Book, sheet: Sheet, row: Sequence[Any], number: int) -> dict[int, str]:
    """Which column is where. A column that is missing is a problem, one of their own is left aside."""
    known = {_form(title): title for title in [*(c.title for c in sheet.all), REMOVE]}
    found: dict[int, str] = {}
    for at, value in enumerate(row[:COLUMNS_MAX]):
        title = known.get(_form(value))
        if title is None and _form(value):
            book.aside.append(f"column “{plain(str(value))}” of {sheet.name}")
        elif title in found.values():
            book.problems.append(
                Problem(f"{sheet.name}!{_letters(at)}{number}", f"a second column “{title}”; keep one")
            )
        elif title is not None:
            found[at] = title
    for column in sheet.all:
        if column.title not in found.values():
            book.problems.append(Problem(f"{sheet.name}!{number}", f"the column “{column.title}” is missing; put it back, even if empty"))  # fmt: skip
    return found


def _form(value: Any) -> str:
    return re.sub(r"[\s_]+", " ", str(value).replace("\u00a0", " ")).strip().casefold()


def _cell(book: Book, where: str, value: Any, formulas: Sequence[str]) -> str | None:
    """A cell's text; None when it cannot be read, which is told. Shape: spreadsheets turn 3 into 3.0, and some texts into times."""
    if where.partition("!")[2] in formulas:
        book.problems.append(Problem(where, "holds a formula; write the value itself"))
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(int(value)) if float(value).is_integer() else str(value)
    if not isinstance(value, str):
        book.problems.append(
            Problem(
                where, f"the spreadsheet has made a time of it ({value}); format the cell as text and write it again"
            )
        )
        return None
    if len(value) > CELL_CHARS_MAX:
        book.problems.append(Problem(where, f"holds more than {CELL_CHARS_MAX:,} characters"))
        return None
    return plain(value)


def _letters(at: int) -> str:
    before, last = divmod(at, 26)
    return (_letters(before - 1) if before else "") + chr(ord("A") + last)


# --- formulas ------------------------------------------------------------------------------------------------------


def _formulas(path: Path) -> Mapping[str, Sequence[str]]:
    """Cells that hold a formula, by sheet: a reader of values sees only what was computed last, or nothing.

    Errors: WrongSetting when it is no .xlsx, or unpacks to more than anybody writes.
    """
    try:
        if path.stat().st_size > BOOK_BYTES_MAX:
            raise WrongSetting(f"{path.name} is larger than {BOOK_BYTES_MAX:,} bytes")
        with zipfile.ZipFile(path) as package:
            if sum(part.file_size for part in package.infolist()) > UNPACKED_BYTES_MAX:
                raise WrongSetting(f"{path.name} unpacks to more than {UNPACKED_BYTES_MAX:,} bytes")
            return {name: _in_sheet(package, part) for name, part in _sheet_parts(package)}
    except (OSError, zipfile.BadZipFile, KeyError, UnicodeDecodeError, NotImplementedError, RuntimeError) as error:
        raise WrongSetting(f"{path.name} is not a workbook that can be read: {error}; save it as .xlsx") from error


def _in_sheet(package: zipfile.ZipFile, part: str) -> list[str]:
    return [found.decode() for found in _FORMULA.findall(package.read(part))]


def _sheet_parts(package: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Each sheet's name and the part of the package that holds it."""
    from html import unescape

    links = package.read("xl/_rels/workbook.xml.rels").decode()
    targets = {
        _attribute(link, "Id"): _attribute(link, "Target") for link in re.findall(r"<Relationship\b[^>]*>", links)
    }
    for sheet in re.findall(r"<sheet\b[^>]*>", package.read("xl/workbook.xml").decode()):
        target = targets.get(_attribute(sheet, "r:id"), "").lstrip("/")
        part = target if target.startswith("xl/") else f"xl/{target}"
        if part in package.namelist():
            yield unescape(_attribute(sheet, "name")), part


def _attribute(tag: str, name: str) -> str:
    found = re.search(_ATTRIBUTE.format(re.escape(name)), tag)
    return found[1] if found else ""
