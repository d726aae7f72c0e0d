"""Method and path to operation."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from entrepot.sandbox.amazon.wire import Handler
from entrepot.sandbox.core import Request


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: its code, its path, and what answers."""

    operation: str
    method: str
    path: re.Pattern[str]
    handler: Handler


class Router:
    """Finds routes. A segment in braces is an id; `{name...}` takes the rest of the path, slashes and all."""

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def add(self, operation: str, method: str, path: str, handler: Handler) -> None:
        """Register one operation."""
        pattern = re.sub(r"\{(\w+)\.\.\.\}", r"(?P<\1>.+)", re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
        self.routes.append(Route(operation, method, re.compile(pattern), handler))

    def find(self, request: Request) -> tuple[Route, Mapping[str, str]] | None:
        """The route of a request and the ids in its path."""
        for route in self.routes:
            if route.method == request.method:
                match = route.path.fullmatch(request.path)
                if match:
                    return route, match.groupdict()
        return None
