"""One YAML file as a tree with positions. Whatever is wrong with it is a finding; what can be read is read all the same."""

import re
from collections.abc import Iterator

from entrepot.blueprint.finding import Findings, Position
from entrepot.blueprint.parse import BYTES_MAX, UNREADABLE, Budget, Builder, NotYaml, TooMuch
from entrepot.blueprint.salvage import salvaged
from entrepot.blueprint.tree import Node

TOLD_PER_FILE_MAX = 20  # of one kind of slip that comes on every line

_TABS = re.compile(r"^( *\t[ \t]*)(?=\S)", re.MULTILINE)


def decoded(raw: bytes, file: str, found: Findings) -> str:
    """The file's text, a byte order mark left out. What is no UTF-8 is told and shown as a question mark."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        at = Position(before.count("\n") + 1, len(before) - before.rfind("\n"), file)
        found.add("E002", at, (), f"byte 0x{raw[error.start]:02x} is not UTF-8", "save the file as UTF-8")
        text = raw.decode("utf-8-sig", "replace")
    return text


def read(text: str, file: str, budget: Budget) -> Node | None:
    """One file's tree; None when nothing stands in it. Shape: mappings have text keys, written once."""
    if len(text) > budget.bytes_left:
        budget.found.add(
            "E006",
            Position(1, 1, file),
            (),
            f"the plan holds more than {BYTES_MAX:,} characters",
            "leave out what is not plan",
        )
        return None
    budget.bytes_left -= len(text)
    text = _clean(text.replace("\r\n", "\n").replace("\r", "\n"), file, budget.found)
    try:
        return _read(text, file, budget)
    except TooMuch:
        return None


def _read(text: str, file: str, budget: Budget) -> Node | None:
    """As it stands; else with spaces for tabs; else what can be salvaged."""
    try:
        return Builder(file, budget).whole(text)
    except NotYaml as error:
        spaced = _without_tabs(text, file, budget.found)
        if spaced == text:
            return salvaged(text, file, budget, error)
    try:
        return Builder(file, budget).whole(spaced)
    except NotYaml as error:
        return salvaged(spaced, file, budget, error)


def _clean(text: str, file: str, found: Findings) -> str:
    for bad in _first(UNREADABLE.finditer(text)):
        words = f"a character that no editor shows (U+{ord(bad[0]):04X})"
        found.add("E003", _place(text, bad.start(), file), (), words, "delete it")
    return UNREADABLE.sub(" ", text)


def _without_tabs(text: str, file: str, found: Findings) -> str:
    for tab in _first(_TABS.finditer(text)):
        at = _place(text, tab.start() + tab[1].index("\t"), file)
        found.add("E004", at, (), "the line is indented with a tab", "indent with spaces, two for each level")
    return "\n".join(_spaced(text.split("\n")))


def _spaced(lines: list[str]) -> Iterator[str]:
    """Lines whose tabs are what they most likely mean: two spaces each, or, among spaces, a level under the line above."""
    above, tabbed = "", False
    for line in lines:
        tab = _TABS.match(line)
        if tab is not None and (tabbed or not above.startswith(" ")):
            line = tab[1].replace("\t", "  ") + line[tab.end() :]
        elif tab is not None:
            level = len(above) - len(above.lstrip(" ")) + (2 if above.rstrip().endswith(":") else 0)
            line = " " * level + line[tab.end() :]
        yield line
        if line.strip():
            above, tabbed = line, tab is not None


def _first(found: Iterator[re.Match[str]]) -> Iterator[re.Match[str]]:
    for number, one in enumerate(found):
        if number == TOLD_PER_FILE_MAX:
            return
        yield one


def _place(text: str, index: int, file: str) -> Position:
    return Position(text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index), file)
