"""One channel's sandbox in process, and its connector bound to it: what the shared contract of writes needs, for every channel alike."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from connectors.market import START, Sweep, make_ctx

from entrepot.connectors.port import Access, Connector, Received
from entrepot.connectors.registry import connect as registered
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.http import HttpAnswer, HttpRequest, HttpResponse, NoAnswer, NotReached
from entrepot.kernel.outcome import Outcome, ReadBack
from entrepot.outbox.port import Detail, OutgoingEffect
from entrepot.sandbox.core import Hang, Request, Response, World
from entrepot.sandbox.faults import Fault


class AnyHost:
    """The sandbox as a transport for one system, whichever host it is called by (token host, API host, presigned documents)."""

    def __init__(self, world: World, system: str, hosts: set[str]) -> None:
        self._world, self._system, self._hosts = world, system, hosts
        self.sent: list[HttpRequest] = []

    def send(self, request: HttpRequest) -> HttpAnswer:
        self.sent.append(request)
        parts = urlsplit(request.url)
        if parts.netloc not in self._hosts:
            return NotReached(f"nobody listens at {parts.netloc}")
        query = (*parse_qsl(parts.query, keep_blank_values=True), *request.query)
        headers = {"host": parts.netloc} | {name.lower(): value for name, value in request.headers.items()}
        asked = Request(request.method, unquote(parts.path), query, headers, request.body)
        answer = self._world.handle(self._system, asked)
        if isinstance(answer, Hang):
            return NoAnswer("the answer never came")
        return HttpResponse(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.body)


class ChannelMarket:
    """`make(world, machine clock, hub url)` builds the sandbox. `secrets`: of the account, by name.

    `connect`: binds the connector; without it, the one registered under the name.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[World, Callable[[], Any], str], Any],
        secrets: Mapping[str, str],
        *,
        base_url: str = "http://channel.example",
        more_hosts: frozenset[str] = frozenset(),
        connect: Callable[[Access], Connector] | None = None,
    ) -> None:
        self.clock = ManualClock(START)
        self.webhooks: list[Request] = []
        self.world = World(self.clock.now, 1, self._hear)
        self.name = name
        self.system: Any = make(self.world, self.clock.machine, "http://hub.example")
        self.world.mount(name, self.system)
        self.portal = self.system.portal
        self.http = AnyHost(self.world, name, {urlsplit(base_url).netloc, *more_hosts})
        self.ctx = make_ctx(self.http, self.clock)
        self.account = f"{name}-test/main"
        held = {key: _reader(value) for key, value in secrets.items()}
        self.access = Access(self.account, base_url, held)
        self.channel = connect(self.access) if connect else registered(name, self.access)

    def _hear(self, _url: str, request: Request) -> Response:
        self.webhooks.append(request)
        return Response(204)

    def move(self, **by: float) -> None:
        """Let business time pass, running all that becomes due on its day."""
        until = self.clock.now() + timedelta(**by)
        while (due := self.world.next_due()) is not None and due <= until:
            self.clock.advance(max(0.0, (due - self.clock.now()).total_seconds()))
            self.world.tick()
        self.clock.advance((until - self.clock.now()).total_seconds())
        self.world.tick()

    def trouble(self, operation: str, kind: str, arg: int | str | None = None, system: str = "") -> None:
        """The next call of an operation (as the sandbox names it) goes wrong."""
        where = system or self.name
        calls = self.world.faults.calls[where, operation]
        self.world.faults.add(Fault(where, operation, calls + 1, kind, arg))

    def effect(self, operation: str, key: str, payload: Mapping[str, Any], seconds: float = 15.0) -> OutgoingEffect:
        until = self.clock.machine() + timedelta(seconds=seconds)
        return OutgoingEffect(key, operation, self.account, payload, 1, until)

    def connector(self, _operation: str) -> Connector:
        return self.channel

    def send(self, operation: str, payload: Mapping[str, Any], key: str = "") -> tuple[Outcome, Detail]:
        effect = self.effect(operation, key or operation, payload)
        return self.channel.operations[operation].send(self.ctx, effect)

    def look(self, operation: str, payload: Mapping[str, Any], key: str = "") -> tuple[ReadBack, Detail]:
        effect = self.effect(operation, key or operation, payload)
        return self.channel.operations[operation].read_back(self.ctx, effect)

    def sweep(self, name: str, cursor: str | None = None) -> Sweep:
        return Sweep.of(self.channel.sources[name].fetch(self.ctx, cursor))

    def seen(self, record: Received) -> Any:
        return self.channel.translators[record.kind](record.body)


def _reader(value: str) -> Callable[[], str]:
    return lambda: value
