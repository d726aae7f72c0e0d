"""Which operation a request is: method and path, and for some a word of the query."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from entrepot.sandbox.core import Request, Response


@dataclass(frozen=True, slots=True)
class Call:
    """A request and the ids in its path."""

    request: Request
    ids: Mapping[str, str]


Handler = Callable[[Call], Response]
Matches = Callable[[Request], bool]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: its code (the operation id of the interface description), the API behind it, what answers."""

    operation: str
    api: str
    handler: Handler
    matches: Matches | None = None
    open: bool = False


class Router:
    """Finds routes; a path segment in braces is an id. A literal path wins over one with ids."""

    def __init__(self) -> None:
        self._literal: dict[tuple[str, str], list[Route]] = {}
        self._pattern: dict[tuple[str, int], list[tuple[tuple[str, ...], Route]]] = {}
        self._paths: set[str] = set()

    def add(self, method: str, path: str, route: Route) -> None:
        """Register one operation."""
        if "{" in path:
            parts = tuple(path.split("/"))
            self._pattern.setdefault((method, len(parts)), []).append((parts, route))
        else:
            self._paths.add(path)
            self._literal.setdefault((method, path), []).append(route)

    def find(self, request: Request) -> tuple[Route, Mapping[str, str]] | None:
        """The route of a request and the ids in its path."""
        for route in self._literal.get((request.method, request.path), ()):
            if route.matches is None or route.matches(request):
                return route, {}
        if (request.method, request.path) in self._literal:
            return None
        parts = request.path.split("/")
        for pattern, route in self._pattern.get((request.method, len(parts)), ()):
            pairs = list(zip(pattern, parts, strict=True))
            if all(wanted.startswith("{") or wanted == part for wanted, part in pairs):
                return route, {wanted[1:-1]: part for wanted, part in pairs if wanted.startswith("{")}
        return None

    def known_path(self, path: str) -> bool:
        """Whether some other method is served here."""
        return path in self._paths
