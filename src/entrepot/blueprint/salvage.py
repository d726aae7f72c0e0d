"""What is left of a file that is not YAML: read section by section, and a broken section entry by entry."""

import re
from dataclasses import dataclass

from entrepot.blueprint.finding import Findings, Path, Position
from entrepot.blueprint.parse import Budget, Builder, NotYaml, TooMuch
from entrepot.blueprint.tree import Node

_HEAD = re.compile(r"""^( *)("[^"\n]*"|'[^'\n]*'|[^\s"'#&*!|>%@`{}\[\],?:-][^:#\n]*?)[ ]*:(?=[ \n]|$)""")


@dataclass(frozen=True)
class _Piece:
    """Consecutive lines that begin with a key. `first`: number of the first line, from 0."""

    name: str
    column: int
    first: int
    lines: list[str]

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


def salvaged(text: str, file: str, budget: Budget, error: NotYaml) -> Node | None:
    """The tree of what can be read; a slip costs only the entry it stands in."""
    root = Node({}, Position(1, 1, file), {})
    anchors: dict[str, Node | None] = {}
    before = len(budget.found)
    try:
        for section in _pieces(text.split("\n"), 0, 0):
            _salvage(section, root, (), file, budget, anchors)
    except TooMuch:
        return None
    if not any(told.code == "E005" for told in budget.found[before:]):
        _not_yaml(budget.found, error)
    return root


def _salvage(piece: _Piece, into: Node, path: Path, file: str, budget: Budget, anchors: dict[str, Node | None]) -> None:
    here = (*path, piece.name)
    at = Position(piece.first + 1, piece.column + 1, file)
    if into.value.get(piece.name) is not None:
        budget.found.add(
            "E011",
            at,
            here,
            f"“{piece.name}” is written twice; the first is at {into.keys[piece.name]}",
            "keep one of the two",
        )
        return
    into.keys[piece.name] = at
    try:
        read_piece = Builder(file, budget, piece.first, anchors).whole(piece.text)
        if read_piece is not None and read_piece.mapping is not None and piece.name in read_piece.mapping:
            into.value[piece.name] = read_piece.mapping[piece.name]
            return
        error = NotYaml(at, "the key has a value that cannot be read")
    except NotYaml as caught:
        error = caught
    inside = _pieces(piece.lines[1:], _indent(piece.lines[1:]), piece.first + 1) if not path else []
    if not inside:
        _not_yaml(budget.found, error)
        into.value[piece.name] = Node({}, at, broken=True)
        return
    into.value[piece.name] = section = Node({}, at, {})
    for entry in inside:
        _salvage(entry, section, here, file, budget, anchors)


def _not_yaml(found: Findings, error: NotYaml) -> None:
    found.add(
        "E005",
        error.at,
        (),
        f"this is not YAML: {error.why}",
        "look at quotes, brackets, colons and indentation here and just above",
    )


def _pieces(lines: list[str], indent: int, first: int) -> list[_Piece]:
    """Cut lines where a key stands at this indentation; what comes before the first key belongs to none."""
    pieces: list[_Piece] = []
    for number, line in enumerate(lines):
        head = _HEAD.match(line)
        if head and len(head[1]) == indent:
            pieces.append(_Piece(head[2].strip("\"'"), indent, first + number, []))
        if pieces:
            pieces[-1].lines.append(line)
    return pieces


def _indent(lines: list[str]) -> int:
    return min(
        (len(line) - len(line.lstrip(" ")) for line in lines if line.strip() and not line.lstrip().startswith("#")),
        default=0,
    )
