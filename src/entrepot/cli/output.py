"""What a command says: one JSON document, or text for people. With colour and boxes on a terminal, plain elsewhere."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from entrepot.kernel.money import Money

if TYPE_CHECKING:
    from entrepot.web.views import State  # it brings the blueprint's model along, which a list does not need

GAP = "  "

_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Style(StrEnum):
    """How a piece of text looks where there is colour; the words alone must say the same."""

    PLAIN = ""
    STRONG = "bold"
    QUIET = "dim"
    GOOD = "green"
    WARN = "yellow"
    BAD = "bold red"


STYLE_OF = {"good": Style.GOOD, "warn": Style.WARN, "bad": Style.BAD, "idle": Style.QUIET}  # by tone


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    style: Style = Style.PLAIN


Said = str | Cell


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    right: bool = False
    keeps: bool = False  # in one line, however narrow the terminal is


class Paper(Protocol):
    """Where a command writes for people."""

    def heading(self, text: str) -> None: ...
    def line(self, *said: Said, indent: int = 0) -> None: ...
    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[Said]]) -> None: ...


def paper() -> Paper:
    return Terminal() if sys.stdout.isatty() else Plain()


class Plain:
    """Lines of text: columns by spaces, nothing cut."""

    def heading(self, text: str) -> None:
        print(f"\n{safe(text)}")

    def line(self, *said: Said, indent: int = 0) -> None:
        print(GAP * indent + " ".join(cell(one).text for one in said if cell(one).text))

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[Said]]) -> None:
        texts = [[cell(one).text.replace("\n", " ") for one in row] for row in rows]
        titles = [column.title for column in columns]
        widths = [max(len(row[n]) for row in [titles, *texts]) for n in range(len(columns))]
        for row in [titles, *texts]:
            parts = [
                text.rjust(width) if column.right else text.ljust(width)
                for text, width, column in zip(row, widths, columns, strict=True)
            ]
            print(GAP.join(parts).rstrip())


class Terminal:
    """The same with colour, and with long texts wrapped to the window."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(highlight=False, soft_wrap=False)

    def heading(self, text: str) -> None:
        from rich.text import Text

        self._console.print()
        self._console.print(Text(safe(text), style="bold underline"))

    def line(self, *said: Said, indent: int = 0) -> None:
        from rich.padding import Padding
        from rich.text import Text

        cells = [cell(one) for one in said if cell(one).text]
        text = Text(" ").join(Text(one.text, style=str(one.style)) for one in cells)
        self._console.print(Padding(text, (0, 0, 0, len(GAP) * indent), expand=False))

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[Said]]) -> None:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
        for column in columns:
            side, keeps = ("right", True) if column.right else ("left", column.keeps)
            table.add_column(column.title, justify=side, no_wrap=keeps, overflow="fold")  # type: ignore[arg-type]
        for row in rows:
            table.add_row(*(Text(cell(one).text, style=str(cell(one).style)) for one in row))
        self._console.print(table)


def cell(said: Said) -> Cell:
    return Cell(safe(said)) if isinstance(said, str) else Cell(safe(said.text), said.style)


def safe(text: str) -> str:
    """What others wrote must not steer the terminal: control characters show as a question mark."""
    return "".join(c if c.isprintable() or c == "\n" else " " if c == "\t" or c.isspace() else "?" for c in text)


def say_json(document: Any) -> None:
    """One document on stdout: RFC 3339 times in UTC, money with its currency, numbers exact to the digit."""
    print(laid_out(document))


def laid_out(value: Any) -> str:
    """A value as JSON for reading; a text stays as it is."""
    if isinstance(value, str):
        return value
    return msgspec.json.format(_ENCODER.encode(value), indent=2).decode()


def money_document(minor: int, currency: str) -> dict[str, str]:
    return {"amount": Money(minor, currency).text, "currency": currency}


def note(text: str) -> None:
    """Beside the answer, for people."""
    print(f"entrepot: {safe(text)}", file=sys.stderr)


def local(at: datetime | None) -> str:
    """A moment in the zone of whoever sits at the terminal: `Mon 9 Mar 2026 09:30 CET`."""
    if at is None:
        return ""
    here = at.astimezone()
    return f"{here:%a} {here.day} {here:%b %Y %H:%M %Z}"


def time_left(due: datetime, now: datetime) -> Cell:
    return Cell(f"{span(now - due)} overdue", Style.BAD) if due <= now else Cell(f"{span(due - now)} left")


def span(delta: timedelta) -> str:
    """A length of time, two units at most: `1 h 12 min`, `3 d 4 h`."""
    minutes, seconds = divmod(max(0, int(delta.total_seconds())), 60)
    parts = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "min"))
    return " ".join([f"{n} {unit}" for n, unit in parts if n][:2]) or f"{seconds} s"


def money_words(minor: int, currency: str) -> str:
    return str(Money(minor, currency)) if minor else ""


def state_cell(state: "State") -> Cell:
    words = f"{state.word} ({state.theirs})" if state.theirs else state.word
    return Cell(words, STYLE_OF.get(state.tone, Style.PLAIN))
