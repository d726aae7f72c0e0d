"""Lines of a file into records: a quoted cell may hold line ends, and a stray quote must not swallow the rest of the file.

A line without quotes, or one whose quoted cells all close on it, is a record by itself: a pattern tells that for a
million lines at once. Only where it does not fit does the full parser (Python's csv) say how many lines belong together.
What never closes within `OPEN_LINES_MAX` lines is a record of one line, which is then refused as unreadable or as it parses.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

OPEN_LINES_MAX = 200
QUOTE = '"'


def cells(record: str, delimiter: str) -> list[str] | None:
    """One record's cells, None where it cannot be read as one record."""
    if "\x00" in record or "\ufffd" in record:
        return None
    try:
        found = list(csv.reader(_with_ends(record.split("\n")), delimiter=delimiter))
    except csv.Error:
        return None
    return found[0] if len(found) == 1 else None


def span(lines: Sequence[str], at: int, delimiter: str) -> int | None:
    """How many lines the record that begins at `at` has; None where it is still open after the last one."""
    if QUOTE not in lines[at]:
        return 1
    feed = _Feed(lines, at)
    try:
        next(csv.reader(feed, delimiter=delimiter), None)
    except csv.Error:
        return 1
    if not feed.exhausted:
        return feed.given
    return 1 if feed.given >= OPEN_LINES_MAX else None


def records(lines: Sequence[str], delimiter: str) -> list[str]:
    """The plain way, line by line: what the fast one is tested against."""
    found, at = [], 0
    while at < len(lines):
        many = span(lines, at, delimiter) or 1
        found.append("\n".join(lines[at : at + many]))
        at += many
    return found


def spliced(lines: "pl.Series", delimiter: str, *, last: bool) -> tuple["pl.Series", "pl.Series"]:
    """The records of a block of lines, and the lines at its end that wait for the next block (none when it is the last)."""
    import polars as pl

    doubtful = (lines.str.contains(QUOTE, literal=True) & ~lines.str.contains(whole_line(delimiter))).arg_true()
    if not doubtful.len():
        return lines, lines.clear()
    every = lines.to_list()
    spans: list[tuple[int, int]] = []
    free, kept = 0, len(every)
    for at in doubtful:
        if at < free:
            continue
        many = span(every, at, delimiter)
        if many is None and not last:
            kept = at
            break
        free = at + (many or 1)
        if many and many > 1:
            spans.append((at, many))
    joined: list[str] = []
    free = 0
    for at, many in spans:
        joined += every[free:at]
        joined.append("\n".join(every[at : at + many]))
        free = at + many
    joined += every[free:kept]
    return pl.Series("line", joined, dtype=pl.String), lines[kept:]


@cache
def whole_line(delimiter: str) -> str:
    """What a line of complete cells looks like, each quoted as a whole or free of quotes."""
    mark = re.escape(delimiter)
    cell = rf'(?:[^"\r{mark}]*|"(?:[^"]|"")*")'
    return f"^{cell}(?:{mark}{cell})*$"


class _Feed(Iterator[str]):
    """Lines for the csv parser; it remembers how many were asked for."""

    def __init__(self, lines: Sequence[str], at: int) -> None:
        self._lines, self._at = lines, at
        self.given, self.exhausted = 0, False

    def __next__(self) -> str:
        if self.given == OPEN_LINES_MAX or self._at + self.given >= len(self._lines):
            self.exhausted = True
            raise StopIteration
        self.given += 1
        return self._lines[self._at + self.given - 1] + "\n"


def _with_ends(lines: list[str]) -> Iterator[str]:
    """As they stood in the file; the last one without an end."""
    yield from (f"{line}\n" for line in lines[:-1])
    yield lines[-1]
