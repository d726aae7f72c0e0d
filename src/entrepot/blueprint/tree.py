"""A plan's YAML as a tree: every value knows the file, line and column it stands at, every key too."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from entrepot.blueprint.finding import Path, Position

_NONE: dict[str, Position] = {}  # of all that is no mapping; nobody writes into it


@dataclass(slots=True, eq=False)
class Node:
    """`value`: a mapping of nodes, a list of nodes, or text, whole number, true, false, nothing.

    `weight`: how many nodes it stands for, aliases counted as often as they are used. `broken`: it stands here, but
    could not be read.
    """

    value: Any
    at: Position
    keys: dict[str, Position] = field(default_factory=lambda: _NONE)
    weight: int = 1
    broken: bool = False

    @property
    def mapping(self) -> "dict[str, Node] | None":
        return self.value if isinstance(self.value, dict) else None


def plain(node: Node) -> Any:
    """The data alone."""
    value = node.value
    if isinstance(value, dict):
        return {key: plain(child) for key, child in value.items()}
    if isinstance(value, list):
        return [plain(child) for child in value]
    return value


@dataclass(frozen=True)
class Document:
    """A whole plan, its files joined: plain data and the position of every path in it."""

    root: Node

    @cached_property
    def data(self) -> Any:
        return plain(self.root)

    def node(self, path: Path) -> Node | None:
        """What stands at a path; None where nothing does."""
        at: Node | None = self.root
        for part in path:
            at = _child(at, part) if at is not None else None
        return at

    def value(self, path: Path) -> Any:
        """Plain data at a path; None where nothing stands."""
        found = self.node(path)
        return plain(found) if found is not None else None

    def position(self, path: Path) -> Position:
        """Where a value stands; of a group of keys, and of what is missing, the key that it belongs under."""
        at, where, whole = self.root, self.root.at, True
        for part in path:
            child = _child(at, part)
            if child is None:
                whole = False
                break
            where = at.keys.get(str(part), child.at) if isinstance(at.value, dict) else child.at
            at = child
        return at.at if whole and path and not isinstance(at.value, dict) else where

    def key(self, path: Path) -> Position:
        """Where the key of a path stands, or the nearest one above it."""
        above = self.node(path[:-1]) if path else None
        found = above.keys.get(str(path[-1])) if above is not None and path else None
        return found or self.position(path)

    def leaves(self) -> Iterator[tuple[Path, Any, Position]]:
        """Every value that holds no other, with its path and position, in the order of the plan."""
        yield from _leaves(self.root, ())


def _child(node: Node, part: str | int) -> Node | None:
    value = node.value
    if isinstance(value, dict):
        found: Node | None = value.get(str(part))
        return found
    if isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
        inside: Node = value[part]
        return inside
    return None


def _leaves(node: Node, path: Path) -> Iterator[tuple[Path, Any, Position]]:
    value = node.value
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from _leaves(child, (*path, key))
    elif isinstance(value, list) and value:
        for number, child in enumerate(value):
            yield from _leaves(child, (*path, number))
    else:
        yield path, plain(node), node.at
