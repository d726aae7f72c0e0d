"""Method and path to operation."""

from collections.abc import Mapping
from dataclasses import dataclass

from entrepot.sandbox.core import Request
from entrepot.sandbox.mirakl.call import Handler


@dataclass(frozen=True)
class Route:
    """One operation: its code, who may call it, and what answers."""

    operation: str
    roles: frozenset[str]
    handler: Handler


class Router:
    """Finds routes; a path segment in braces is an id. A literal path wins over one with ids."""

    def __init__(self) -> None:
        self._literal: dict[tuple[str, str], Route] = {}
        self._pattern: dict[tuple[str, int], list[tuple[tuple[str, ...], Route]]] = {}
        self.operations: dict[str, Route] = {}

    def add(self, operation: str, method: str, path: str, roles: frozenset[str], handler: Handler) -> None:
        """Register one operation."""
        route = Route(operation, roles, handler)
        self.operations[operation] = route
        if "{" in path:
            parts = tuple(path.split("/"))
            self._pattern.setdefault((method, len(parts)), []).append((parts, route))
        else:
            self._literal[method, path] = route

    def find(self, request: Request) -> tuple[Route, Mapping[str, str]] | None:
        """The route of a request and the ids in its path."""
        route = self._literal.get((request.method, request.path))
        if route is not None:
            return route, {}
        parts = request.path.split("/")
        for pattern, found in self._pattern.get((request.method, len(parts)), ()):
            ids: dict[str, str] = {}
            for wanted, part in zip(pattern, parts, strict=True):
                if wanted.startswith("{"):
                    ids[wanted[1:-1]] = part
                elif wanted != part:
                    break
            else:
                return found, ids
        return None
