"""Method and path to operation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.ebay.errors import EbayError
from entrepot.sandbox.ebay.wire import json_of


@dataclass(frozen=True, slots=True)
class Call:
    """A request and the ids in its path."""

    request: Request
    ids: Mapping[str, str]

    def body(self, otherwise: EbayError) -> dict[str, object]:
        """The JSON object sent. Errors: `otherwise` when there is none."""
        data = json_of(self.request)
        if data is None:
            raise otherwise
        return data


Handler = Callable[[Call], Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: its name in eBay's specification, the quota it counts in, the scope and token it needs."""

    operation: str
    resource: str
    scope: str
    user: bool
    application: bool
    handler: Handler


class Router:
    """Finds routes; a path segment in braces is an id. A literal path wins over one with ids."""

    def __init__(self) -> None:
        self._literal: dict[tuple[str, str], Route] = {}
        self._pattern: dict[tuple[str, int], list[tuple[tuple[str, ...], Route]]] = {}
        self.operations: dict[str, Route] = {}

    def add(self, method: str, path: str, route: Route) -> None:
        """Register one operation."""
        self.operations[route.operation] = route
        if "{" in path:
            parts = tuple(path.split("/"))
            self._pattern.setdefault((method, len(parts)), []).append((parts, route))
        else:
            self._literal[method, path] = route

    def find(self, request: Request) -> tuple[Route, Mapping[str, str]] | None:
        """The route of a request and the ids in its path; a slash at the end makes no difference."""
        path = request.path.rstrip("/")
        route = self._literal.get((request.method, path))
        if route is not None:
            return route, {}
        parts = path.split("/")
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
