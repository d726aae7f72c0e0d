"""The ground every simulated system stands on: requests, answers, one clock, one agenda, one lock, one seed."""

import heapq
import json
import random
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from entrepot.sandbox.faults import Fault, FaultPlan, fetches_later_page, shift_page, spoil_enum, truncate

Clock = Callable[[], datetime]

NOT_FOUND_OPERATION: Final = "?"
DELIVERIES_PER_TICK_MAX: Final = 1_000
AGENDA_RUNS_PER_TICK_MAX: Final = 100_000


@dataclass(frozen=True)
class Request:
    """One HTTP request as a system sees it. Header names are lower case; the query keeps order and repeats."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """The body as JSON. Errors: ValueError when it is not JSON."""
        return json.loads(self.body)

    def first(self, name: str) -> str | None:
        """The first value of a query parameter."""
        for key, value in self.query:
            if key == name:
                return value
        return None

    def every(self, name: str) -> list[str]:
        """Every value of a query parameter, whether repeated or comma separated."""
        return [part for key, value in self.query if key == name for part in value.split(",") if part]


@dataclass(frozen=True)
class Response:
    """One HTTP answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """The body as JSON. Errors: ValueError when it is not JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Hang:
    """The answer that never comes: the connection stays open, then closes. `applied`: the call did its work first."""

    applied: bool


class System(Protocol):
    """One outside system. `handle` runs under the world's lock and must not block."""

    def operation(self, request: Request) -> str | None:
        """The operation's code ("OR21"), by which faults, ceilings and counts know it; None when there is none."""

    def handle(self, request: Request) -> Response:
        """Answer one request."""

    def books(self) -> dict[str, Any]:
        """What this system believes happened, as JSON-ready data: the witness a checker compares with."""


Outbound = Callable[[str, Request], Response | Hang]
"""Calls the hub at a base URL. Whoever does not answer is a Hang; an exception is a bug and ends the tick."""

Answered = Callable[[Response | Hang], None]


def json_response(status: int, data: Any, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer. Decimals must have been turned into numbers or text by the caller."""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, {"content-type": "application/json", **(headers or {})}, body)


class World:
    """Everything outside the hub: mounted systems, one clock, one agenda, one fault plan.

    Threads: one lock round all state. `handle` never calls out; what systems `send` waits in a queue that `tick`
    (or `deliver`) empties with the lock open, so that the hub may call back in while it is being called.
    """

    def __init__(self, clock: Clock, seed: int, outbound: Outbound | None) -> None:
        self.clock = clock
        self.seed = seed
        self.outbound = outbound
        self.lock = threading.RLock()
        self.rng = self.stream("world")
        self.faults = FaultPlan()
        self.calls: Counter[tuple[str, str]] = Counter()
        self.systems: dict[str, System] = {}
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._sequence = 0
        self._outbox: deque[tuple[str, Request, Answered | None]] = deque()
        self._in_flight = 0
        self._thread = threading.local()
        self._id_rng = self.stream("ids")

    # -- seeds and ids ---------------------------------------------------------------------------------------------

    def stream(self, name: str) -> random.Random:
        """A fresh generator of its own for one purpose; the same seed and name give the same numbers."""
        return random.Random(f"{self.seed}/{name}")

    def uuid(self) -> str:
        """The next id in UUID form, from the seed."""
        digits = f"{self._id_rng.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def ulid(self) -> str:
        """The next ULID: business milliseconds, then 80 seeded bits."""
        value = int(self.clock().timestamp() * 1000) << 80 | self._id_rng.getrandbits(80)
        alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
        return "".join(alphabet[value >> shift & 31] for shift in range(125, -1, -5))

    # -- systems and calls -----------------------------------------------------------------------------------------

    def mount(self, name: str, system: System) -> None:
        """Make a system reachable under a name."""
        self.systems[name] = system

    def handle(self, system: str, request: Request) -> Response | Hang:
        """Answer one call: run what is due, count the call, let the fault plan have its say, dispatch."""
        with self.lock:
            self._run_due()
            target = self.systems[system]
            operation = target.operation(request) or NOT_FOUND_OPERATION
            self.calls[system, operation] += 1
            fault = self.faults.take(system, operation, eligible=lambda f: _fits(f, request))
            if fault is None:
                return target.handle(request)
            return self._handle_faulty(target, request, fault)

    def _handle_faulty(self, target: System, request: Request, fault: Fault) -> Response | Hang:
        kind = fault.kind
        if kind == "timeout-before":
            return Hang(applied=False)
        if kind == "timeout-after":
            target.handle(request)
            return Hang(applied=True)
        if kind == "applied-late":

            def apply() -> None:
                target.handle(request)

            self.at(self.clock() + timedelta(seconds=fault.number(30)), apply)
            return Hang(applied=False)
        if kind == "429":
            return json_response(
                429, {"status": 429, "message": "Too Many Requests"}, {"retry-after": str(fault.number(5))}
            )
        if kind in ("500", "502", "503", "504"):
            return json_response(int(kind), {"status": int(kind), "message": "Service Unavailable"})
        if kind == "expired-token":
            return json_response(401, {"status": 401, "message": "Unauthorized: token expired"})
        if kind == "html":
            return Response(200, {"content-type": "text/html; charset=utf-8"}, LOGIN_PAGE)
        if kind == "page-shift":
            return target.handle(shift_page(request, fault.number(1)))
        return self._spoil(target.handle(request), fault)

    def _spoil(self, response: Response, fault: Fault) -> Response:
        """Faults that need a body to spoil wait for the next call when this answer has none."""
        if response.status in (200, 201) and fault.kind == "truncated" and len(response.body) > 1:
            return truncate(response)
        if response.status == 200 and fault.kind == "unknown-enum":
            spoilt = spoil_enum(response, fault.arg if isinstance(fault.arg, str) else None)
            if spoilt is not None:
                return spoilt
        self.faults.not_fired(fault)
        return response

    def books(self) -> dict[str, Any]:
        """Every mounted system's books, and what was called and which faults fired."""
        with self.lock:
            books: dict[str, Any] = {name: system.books() for name, system in self.systems.items()}
            books["world"] = {
                "now": self.clock().astimezone(UTC).isoformat(),
                "calls": {f"{system}:{operation}": n for (system, operation), n in sorted(self.calls.items())},
                "faults": self.faults.report(),
            }
            return books

    # -- agenda ----------------------------------------------------------------------------------------------------

    def at(self, when: datetime, what: Callable[[], None]) -> None:
        """Do something once the business clock reaches `when`; equal instants run in the order they were asked for."""
        with self.lock:
            self._sequence += 1
            heapq.heappush(self._agenda, (when.astimezone(UTC), self._sequence, what))

    def send(self, base_url: str, request: Request, then: Answered | None = None) -> None:
        """Call the hub once the lock is open; `then` hears the answer under the lock."""
        with self.lock:
            self._outbox.append((base_url, request, then))

    def tick(self) -> int:
        """Run everything due at the clock and deliver what waits to be sent; returns how many things were done.

        Called from inside a delivery it only runs the agenda: the outer call keeps the order of deliveries.
        """
        done = 0
        while True:
            with self.lock:
                ran = self._run_due()
            sent = self.deliver()
            done += ran + sent
            if not ran and not sent:
                return done
            if done >= AGENDA_RUNS_PER_TICK_MAX:
                return done

    def deliver(self) -> int:
        """Send waiting outbound calls, one after the other, outside the lock; returns how many were answered."""
        if self.outbound is None or getattr(self._thread, "delivering", False):
            return 0
        self._thread.delivering = True
        try:
            for sent in range(DELIVERIES_PER_TICK_MAX):
                if not self._deliver_one(self.outbound):
                    return sent
            return DELIVERIES_PER_TICK_MAX
        finally:
            self._thread.delivering = False

    def _deliver_one(self, outbound: Outbound) -> bool:
        with self.lock:
            if not self._outbox:
                return False
            base_url, request, then = self._outbox.popleft()
            self._in_flight += 1
        try:
            answer = outbound(base_url, request)
        finally:
            with self.lock:
                self._in_flight -= 1
        if then is not None:
            with self.lock:
                then(answer)
        return True

    def next_due(self) -> datetime | None:
        """When something next happens by itself: now, when outbound calls wait; None, when nothing will."""
        with self.lock:
            if self._outbox and self.outbound is not None:
                return self.clock()
            return self._agenda[0][0] if self._agenda else None

    def quiet(self) -> bool:
        """Nothing waits to be sent and nothing is being sent (the agenda may still hold timers)."""
        with self.lock:
            return not self._outbox and self._in_flight == 0

    def _run_due(self) -> int:
        now = self.clock()
        ran = 0
        while self._agenda and self._agenda[0][0] <= now and ran < AGENDA_RUNS_PER_TICK_MAX:
            _, _, what = heapq.heappop(self._agenda)
            what()
            ran += 1
        return ran


LOGIN_PAGE: Final = b"<!doctype html><html><head><title>Sign in</title></head><body><form>Sign in</form></body></html>"


def _fits(fault: Fault, request: Request) -> bool:
    return fault.kind != "page-shift" or fetches_later_page(request)
