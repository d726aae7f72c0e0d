"""The control port: reads the world's books, plans faults, and steers the storefront. Loopback only, no auth."""

from collections.abc import Callable
from typing import Any, Protocol

from entrepot.sandbox.core import Request, Response, World, json_response
from entrepot.sandbox.faults import BadFault, fault_from


class Steering(Protocol):
    """What the storefront offers to whoever steers the world."""

    def pause(self) -> None:
        """Stop buying new baskets."""

    def resume(self) -> None:
        """Buy again."""

    def buy(self, baskets: int) -> None:
        """Buy this many baskets now."""

    def finish(self, options: dict[str, Any]) -> dict[str, Any]:
        """Stop for good and say what is still open."""

    def report(self) -> dict[str, Any]:
        """Whether anybody has something left to do, and what."""


class Control:
    """The system "control"."""

    def __init__(self, world: World, storefront: Steering | None = None) -> None:
        self._world = world
        self._storefront = storefront

    def operation(self, request: Request) -> str | None:
        """Control calls are named by their path; no fault plan speaks of them."""
        return request.path.strip("/") or None

    def books(self) -> dict[str, Any]:
        """What the people of this world still have to do, and whether they are done."""
        return self._storefront.report() if self._storefront is not None else {}

    def handle(self, request: Request) -> Response:
        """Answer one control call."""
        match request.method, request.path:
            case "GET", "/health":
                return json_response(200, {"status": "ok", "now": self._world.clock().isoformat()})
            case "GET", "/books":
                return json_response(200, self._world.books())
            case "GET", "/faults":
                return json_response(200, {"plan": self._world.faults.dump(), **self._world.faults.report()})
            case "POST", "/faults":
                return _with_body(request, self._add_faults)
            case "POST", "/pause" | "/resume" | "/buy" | "/finish" if self._storefront is not None:
                return _with_body(request, lambda data: self._steer(self._storefront, request.path, data))
        return json_response(404, {"status": 404, "message": "no such control call"})

    def _add_faults(self, data: Any) -> dict[str, Any]:
        faults = [fault_from(row) for row in (data if isinstance(data, list) else [data])]
        for fault in faults:
            self._world.faults.add(fault)
        return {"added": len(faults)}

    @staticmethod
    def _steer(storefront: Steering | None, path: str, data: Any) -> dict[str, Any]:
        if storefront is None:
            return {}
        if path == "/pause":
            storefront.pause()
        elif path == "/resume":
            storefront.resume()
        elif path == "/buy":
            storefront.buy(int(data.get("baskets", 1)))
        else:
            return storefront.finish(data)
        return {}


def _with_body(request: Request, act: Callable[[Any], dict[str, Any]]) -> Response:
    try:
        data = request.json() if request.body else {}
        return json_response(200, act(data))
    except (BadFault, ValueError, AttributeError) as why:
        return json_response(400, {"status": 400, "message": str(why)})
