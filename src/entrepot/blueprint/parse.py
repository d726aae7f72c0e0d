"""YAML events to a tree: every value with its place; depth, number and aliases bounded before they cost anything.

The parser is libyaml, asked for one event at a time; the pure Python parser of the same library stands in where libyaml
is missing.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from entrepot.blueprint.finding import Findings, Path, Position
from entrepot.blueprint.tree import Node

BYTES_MAX = 4_000_000
DEPTH_MAX = 40
NODES_MAX = 100_000  # aliases repeat what they name: a small file can say a great deal

UNREADABLE = re.compile("[^\t\n -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class NotYaml(Exception):
    """The parser gave up at a position."""

    def __init__(self, at: Position, why: str) -> None:
        super().__init__(why)
        self.at, self.why = at, why


class TooMuch(Exception):
    """A bound of the whole plan is reached; it was told."""


@dataclass
class Budget:
    """What one plan may hold, over all of its files, and what was found in them."""

    found: Findings = field(default_factory=Findings)
    bytes_left: int = BYTES_MAX
    nodes_left: int = NODES_MAX


class Builder:
    """Builds one document. `above`: lines that stand before this piece of the file; `anchors` outlive a piece."""

    def __init__(
        self, file: str, budget: Budget, above: int = 0, anchors: dict[str, Node | None] | None = None
    ) -> None:
        self._file, self._budget, self._above = file, budget, above
        self._anchors = {} if anchors is None else anchors
        self._parser: Any = None

    def whole(self, text: str) -> Node | None:
        """Errors: NotYaml; TooMuch, which was told."""
        self._parser = _Loader(text)
        before = self._budget.nodes_left
        try:
            self._next()  # the stream begins
            event = self._next()
            if isinstance(event, yaml.StreamEndEvent):
                return None
            node = self._node(self._next(), ())
            self._next()  # the document ends
            event = self._next()
            if not isinstance(event, yaml.StreamEndEvent):
                self._told(
                    "E017",
                    event,
                    (),
                    "a second document begins here, and is not read",
                    "leave out the line ---; one file is one document",
                )
            return node
        except NotYaml:
            self._budget.nodes_left = before  # what is read again in pieces is counted once
            raise
        finally:
            self._parser.dispose()

    def _next(self) -> Any:
        try:
            return self._parser.get_event()
        except yaml.MarkedYAMLError as error:
            mark = _blamed(error)
            at = Position(mark.line + 1 + self._above, mark.column + 1, self._file) if mark else self._start
            raise NotYaml(at, _why(error)) from None
        except yaml.YAMLError as error:
            raise NotYaml(self._start, str(error).splitlines()[0]) from None

    @property
    def _start(self) -> Position:
        return Position(self._above + 1, 1, self._file)

    def _at(self, event: Any) -> Position:
        mark = event.start_mark
        return Position(mark.line + 1 + self._above, mark.column + 1, self._file)

    def _told(self, code: str, event: Any, path: Path, message: str, fix: str) -> None:
        self._budget.found.add(code, self._at(event), path, message, fix)

    def _node(self, event: Any, path: Path) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        self._spend(1, event, path)
        if len(path) > DEPTH_MAX:
            self._told(
                "E007", event, path[:3], f"nested deeper than {DEPTH_MAX} levels", "take out levels; a plan needs six"
            )
            raise TooMuch
        if event.tag not in (None, "!"):
            self._told("E018", event, path, f"the tag {event.tag} is not read", "leave out the tag")
        if event.anchor is not None:
            self._anchors[event.anchor] = None  # it is being read: an alias of it inside itself has no end
        if isinstance(event, yaml.ScalarEvent):
            node = Node(self._scalar(event, path), self._at(event))
        elif isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(event, path)
        else:
            node = self._sequence(event, path)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _spend(self, nodes: int, event: Any, path: Path) -> None:
        self._budget.nodes_left -= nodes
        if self._budget.nodes_left < 0:
            words = f"the plan holds more than {NODES_MAX:,} entries, aliases counted as often as they are used"
            self._told("E008", event, path, words, "write out what is meant, without aliases of aliases")
            raise TooMuch

    def _alias(self, event: Any, path: Path) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            inside = event.anchor in self._anchors
            why = "stands inside what it names" if inside else "names nothing that stands above it"
            self._told("E009", event, path, f"the alias *{event.anchor} {why}", "write out what is meant")
            return Node(None, self._at(event), broken=True)
        self._spend(node.weight, event, path)
        return node

    def _sequence(self, event: Any, path: Path) -> Node:
        items: list[Node] = []
        node = Node(items, self._at(event))
        while not isinstance(inside := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(inside, (*path, len(items))))
            node.weight += items[-1].weight
        return node

    def _mapping(self, event: Any, path: Path) -> Node:
        pairs: dict[str, Node] = {}
        node = Node(pairs, self._at(event), {})
        merged: list[Node] = []
        while not isinstance(key := self._next(), yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent):
                self._told("E012", key, path, "a key must be a plain word", "write a word before the colon")
                self._node(key, (*path, "?"))
                self._node(self._next(), (*path, "?"))
                continue
            self._spend(1, key, path)
            name, at = key.value, self._at(key)
            child = self._node(self._next(), (*path, name))
            node.weight += child.weight + 1
            if name == "<<" and key.implicit[0]:
                self._told(
                    "E010",
                    key,
                    path,
                    "merge keys (<<) are not read",
                    "write the keys out, or let an alias stand for the whole entry",
                )
                merged += [child] if child.mapping is not None else child.value if isinstance(child.value, list) else []
            elif name in pairs:
                first = node.keys[name]
                self._told(
                    "E011",
                    key,
                    (*path, name),
                    f"“{name}” is written twice; the first is at {first}",
                    "keep one of the two",
                )
            else:
                pairs[name], node.keys[name] = child, at
        for other in merged:  # as it is meant, so that nothing is said to be missing besides
            for name, child in (other.mapping or {}).items():
                if name not in pairs:
                    pairs[name], node.keys[name] = child, other.keys[name]
        return node

    def _scalar(self, event: Any, path: Path) -> Any:
        """Only what a blueprint needs: text, whole numbers, true, false, nothing. The rest stays as it was written."""
        text: str = event.value
        if bad := UNREADABLE.search(text):
            self._told(
                "E003",
                event,
                path,
                f"the text holds a character that no editor shows (U+{ord(bad[0]):04X})",
                "delete it",
            )
            return UNREADABLE.sub(" ", text)
        if not event.implicit[0]:
            return text
        if text in _WORDS:
            return _WORDS[text]
        return int(text) if _INT.fullmatch(text) else text


def _blamed(error: Any) -> Any:
    """An end that never comes is told where it should have begun to come."""
    opened = str(error.context or "")
    if error.context_mark and ("end of stream" in str(error.problem) or "flow" in opened or "quoted" in opened):
        return error.context_mark
    return error.problem_mark or error.context_mark


def _why(error: Any) -> str:
    parts = [str(part) for part in (error.context, error.problem) if part]
    return ": ".join(parts) or "it cannot be parsed"
