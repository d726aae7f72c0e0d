"""The ground the simulated systems stand on: agenda, deliveries, ports, control, and the same bytes for the same seed."""

import http.client
import json
import socket
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sandbox.mirakl.mirakl_market import START, Hub, Market, MovableClock

from entrepot.sandbox.control import Control
from entrepot.sandbox.core import Hang, Request, Response, World, json_response
from entrepot.sandbox.http import over_http, serve


class Echo:
    """A system that answers with what it was asked."""

    def __init__(self) -> None:
        self.seen: list[Request] = []

    def operation(self, request: Request) -> str | None:
        """Its path."""
        return request.path.strip("/") or None

    def handle(self, request: Request) -> Response:
        """Answer with method, path, query and size of the body."""
        self.seen.append(request)
        return json_response(200, [request.method, request.path, request.query, len(request.body)])

    def books(self) -> dict[str, Any]:
        """What it was asked."""
        return {"seen": len(self.seen)}


@pytest.fixture
def clock() -> MovableClock:
    """A clock that stands still."""
    return MovableClock()


# -- agenda --------------------------------------------------------------------------------------------------------


def test_the_agenda_runs_by_time_and_then_by_who_asked_first(clock: MovableClock) -> None:
    world = World(clock, 1, None)
    ran: list[str] = []
    world.at(START + timedelta(seconds=2), lambda: ran.append("late"))
    world.at(START + timedelta(seconds=1), lambda: ran.append("first"))
    world.at(START + timedelta(seconds=1), lambda: world.at(START, lambda: ran.append("made while running")))
    assert world.tick() == 0
    assert world.next_due() == START + timedelta(seconds=1)
    clock.at += timedelta(seconds=2)
    assert world.tick() == 4
    assert ran == ["first", "made while running", "late"]
    assert world.next_due() is None


def test_what_is_due_happens_before_the_next_call(clock: MovableClock) -> None:
    world, echo = World(clock, 1, None), Echo()
    world.mount("echo", echo)
    ran: list[int] = []
    world.at(START + timedelta(seconds=1), lambda: ran.append(len(echo.seen)))
    clock.at += timedelta(seconds=1)
    world.handle("echo", Request("GET", "/x"))
    assert ran == [0]


# -- outbound ------------------------------------------------------------------------------------------------------


def test_the_hub_may_call_back_while_it_is_being_called(clock: MovableClock) -> None:
    answers: list[Response | Hang] = []

    def hub(base_url: str, request: Request) -> Response | Hang:
        answers.append(world.handle("echo", Request("GET", f"/{base_url}{request.path}")))
        world.tick()
        return Response(200)

    world = World(clock, 1, hub)
    world.mount("echo", Echo())
    heard: list[str] = []
    world.send("hub", Request("POST", "/one"), lambda answer: heard.append("one"))
    world.send("hub", Request("POST", "/two"), lambda answer: heard.append("two"))
    assert world.next_due() == START
    assert not world.quiet()
    assert world.tick() == 2
    assert heard == ["one", "two"]
    assert world.quiet()
    assert [answer.json()[1] for answer in answers if isinstance(answer, Response)] == ["/hub/one", "/hub/two"]


def test_without_anybody_outside_nothing_is_sent(clock: MovableClock) -> None:
    world = World(clock, 1, None)
    world.send("hub", Request("POST", "/one"))
    assert (world.tick(), world.next_due()) == (0, None)


def test_a_delivery_over_http_hangs_when_nobody_answers(clock: MovableClock) -> None:
    world = World(clock, 1, None)
    world.mount("echo", Echo())
    with serve(world, {"echo": 0}, ticking=False) as servers:
        deliver = over_http(5.0)
        answer = deliver(servers.url("echo"), Request("POST", "/hooks", headers={"x-a": "b"}, body=b"12345"))
        assert isinstance(answer, Response)
        assert answer.json() == ["POST", "/hooks", [], 5]
        url = servers.url("echo")
    assert deliver(url, Request("POST", "/hooks")) == Hang(applied=False)


# -- ports ---------------------------------------------------------------------------------------------------------


def test_a_port_keeps_its_connection_and_reads_sized_and_chunked_bodies(clock: MovableClock) -> None:
    world = World(clock, 1, None)
    world.mount("echo", Echo())
    with serve(world, {"echo": 0}, ticking=False) as servers:
        connection = http.client.HTTPConnection("127.0.0.1", servers.ports["echo"], timeout=5)
        connection.request("PUT", "/a%20b?x=1&x=2&y=", b"12")
        first = connection.getresponse()
        assert json.loads(first.read()) == ["PUT", "/a b", [["x", "1"], ["x", "2"], ["y", ""]], 2]
        used = connection.sock
        connection.request("POST", "/c", iter([b"abc", b"de"]), encode_chunked=True)
        assert json.loads(connection.getresponse().read())[3] == 5
        assert connection.sock is used
        assert first.headers["Date"] == "Mon, 02 Nov 2026 09:00:00 GMT"
        connection.close()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Content-Length: 99999999999", b"413"),
        (b"Content-Length: -1", b"400"),
        (b"Transfer-Encoding: chunked\r\n\r\nzz", b"400"),
        (b"Transfer-Encoding: chunked\r\n\r\nfffffffff", b"413"),
    ],
)
def test_a_body_that_cannot_be_taken_is_refused(clock: MovableClock, head: bytes, status: bytes) -> None:
    world = World(clock, 1, None)
    world.mount("echo", Echo())
    with (
        serve(world, {"echo": 0}, ticking=False) as servers,
        socket.create_connection(("127.0.0.1", servers.ports["echo"]), timeout=5) as raw,
    ):
        raw.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
        assert raw.recv(100).split(b" ")[1] == status


def test_a_port_of_a_system_that_is_not_mounted_is_refused(clock: MovableClock) -> None:
    with pytest.raises(KeyError):
        serve(World(clock, 1, None), {"nobody": 0})


def test_served_worlds_tick_by_themselves(clock: MovableClock) -> None:
    world = World(clock, 1, None)
    world.mount("echo", Echo())
    ticked = threading.Event()
    world.at(START, ticked.set)
    with serve(world, {"echo": 0}, tick_s=0.01):
        assert ticked.wait(10)


# -- control -------------------------------------------------------------------------------------------------------


class Shopfront:
    """Somebody to steer."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def pause(self) -> None:
        """Remember."""
        self.told.append("pause")

    def resume(self) -> None:
        """Remember."""
        self.told.append("resume")

    def buy(self, baskets: int) -> None:
        """Remember."""
        self.told.append(baskets)

    def finish(self, options: dict[str, Any]) -> dict[str, Any]:
        """Remember."""
        self.told.append(options)
        return {"open": 0}

    def report(self) -> dict[str, Any]:
        """Nothing is open."""
        return {"open": 0}


def test_the_control_port_reads_books_plans_faults_and_steers(clock: MovableClock) -> None:
    world, shop = World(clock, 1, None), Shopfront()
    world.mount("echo", Echo())
    world.mount("control", Control(world, shop))

    def control(method: str, path: str, body: bytes = b"") -> Any:
        answer = world.handle("control", Request(method, path, body=body))
        assert isinstance(answer, Response)
        return answer.status, answer.json()

    assert control("GET", "/health") == (200, {"status": "ok", "now": "2026-11-02T09:00:00+00:00"})
    fault = b'{"system": "echo", "operation": "x", "nth": 1, "kind": "500"}'
    assert control("POST", "/faults", fault) == (200, {"added": 1})
    assert control("POST", "/faults", fault.replace(b"500", b"flood"))[0] == 400
    assert control("POST", "/faults", b"{")[0] == 400
    answer = world.handle("echo", Request("GET", "/x"))
    assert isinstance(answer, Response)
    assert answer.status == 500
    assert control("GET", "/faults")[1]["fired"] == {"500 x": 1}
    assert control("GET", "/books")[1]["echo"] == {"seen": 0}
    assert control("POST", "/buy", b'{"baskets": 3}')[0] == 200
    control("POST", "/pause")
    control("POST", "/resume")
    assert control("POST", "/finish", b'{"close": true}') == (200, {"open": 0})
    assert shop.told == [3, "pause", "resume", {"close": True}]
    assert control("GET", "/nothing")[0] == 404


# -- the same seed, the same bytes ---------------------------------------------------------------------------------


def _tape(make_market: Callable[..., Market], seed: int) -> list[bytes]:
    """Everything that came over the wire in one small story."""
    hub = Hub()
    market = make_market(seed=seed, hub=hub)
    tape = [market.post("/api/orders", market.basket((101, 2), (201, 1), commercial_id="S1")).body]
    market.move(hours=1)
    market.accept("S1-A")
    market.pay("S1-A")
    market.portal.ship_part("S1-A", {"S1-A-1": 1}, "DHL", "1Z")
    market.put("/api/orders/S1-A/ship")
    market.portal.receive("S1-A")
    market.pay_back(market.portal.refund("S1-A", "S1-A-1", 100, "RETURNED"))
    market.move(days=12)
    for path in ("orders", "shipments", "seller-billing-cycles", "invoices", "sellerpayment/transactions_logs"):
        tape.append(market.get(f"/api/{path}?limit=100&max=100").body.replace(_host(market), b"HOST"))
    tape += [request.body + repr(sorted(request.headers.items())).encode() for request in hub.heard]
    return [*tape, json.dumps(market.world.books()).encode()]


def _host(market: Market) -> bytes:
    return f"127.0.0.1:{market.servers.ports['mirakl']}".encode()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ids(make_market: Callable[..., Market]) -> None:
    first, again, other = (_tape(make_market, seed) for seed in (7, 7, 8))
    assert first == again
    assert len(first) == len(other)
    assert first != other


def test_named_streams_do_not_disturb_each_other(clock: MovableClock) -> None:
    world = World(clock, 3, None)
    sellers = [world.stream("sellers").random() for _ in range(2)]
    assert sellers[0] == sellers[1] != world.stream("buyers").random()
    assert len({world.ulid() for _ in range(100)} | {world.uuid() for _ in range(100)}) == 200
