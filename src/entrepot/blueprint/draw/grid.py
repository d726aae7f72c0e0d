"""Rows and columns as a drawing: for what is a table and still says more when it is seen at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.blueprint.draw.svg import Sheet, wrapped

ROW, LINE, PAD = 30, 16, 10
MARK = 20


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    width: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A share of the longest bar of the column, and what it stands for."""

    share: float
    words: str


@dataclass(frozen=True, slots=True)
class Marks:
    """Single letters, each in its box; the legend says what they mean."""

    letters: tuple[str, ...]


Shown = str | Bar | Marks


def grid(sheet: Sheet, top: int, columns: Sequence[Column], rows: Sequence[Sequence[Shown]], left: int = 16) -> int:
    """Draw from `top` down; the first column is strong. Returns where it ends."""
    width = sum(column.width for column in columns)
    sheet.box(left, top, width, ROW, "band", 0)
    x = left
    for column in columns:
        sheet.text(x + PAD, top + 20, column.title, "label", room=column.width - PAD)
        x += column.width
    y = top + ROW
    for row in rows:
        y = _row(sheet, left, y, columns, row)
        sheet.line(f"M {left} {y} H {left + width}", kind="rule")
    sheet.width, sheet.height = max(sheet.width, left + width + 16), y + 16
    return y


def _row(sheet: Sheet, left: int, y: int, columns: Sequence[Column], row: Sequence[Shown]) -> int:
    texts = [
        wrapped(cell, column.width - 1.5 * PAD, 13, 3) if isinstance(cell, str) else [""]
        for cell, column in zip(row, columns, strict=True)
    ]
    height = max(ROW, LINE * max(len(lines) for lines in texts) + 14)
    x = left
    for at, (cell, column) in enumerate(zip(row, columns, strict=True)):
        match cell:
            case Bar():
                _bar(sheet, x + PAD, y, column.width - 2 * PAD, cell)
            case Marks():
                _marks(sheet, x, y, cell)
            case str():
                for line, words in enumerate(texts[at]):
                    sheet.text(x + PAD, y + 20 + line * LINE, words, "strong" if at == 0 else "text")
        x += column.width
    return y + height


def _bar(sheet: Sheet, x: int, y: int, room: int, bar: Bar) -> None:
    sheet.text(x, y + 15, bar.words, "text", room=room)
    sheet.box(x, y + 20, room, 4, "bar-bed", 2)
    if bar.share > 0:
        sheet.box(x, y + 20, max(2.0, room * min(1.0, bar.share)), 4, "bar", 2)


def _marks(sheet: Sheet, x: int, y: int, marks: Marks) -> None:
    for at, letter in enumerate(marks.letters):
        left = x + 4 + at * (MARK + 2)
        sheet.box(left, y + 6, MARK, MARK - 2, "mark", 4)
        sheet.text(left + MARK / 2, y + 19.5, letter, "mark-text", end="middle")
