"""The world on real loopback ports: standing alone, and living a day with a hub it reaches over HTTP."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sandbox.world.sandbox_world_hub import START, FakeHub

from entrepot.sandbox import __main__ as standalone
from entrepot.sandbox import witness
from entrepot.sandbox.core import Hang, Request
from entrepot.sandbox.errands import Pace
from entrepot.sandbox.http import over_http, serve
from entrepot.sandbox.scenario import Options, stage

PATIENCE_S = 60
SPEED = 6_000


def ask(address: str, method: str, path: str, content: Any = None) -> Any:
    host = address.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=PATIENCE_S)
    try:
        connection.request(method, path, None if content is None else json.dumps(content))
        answer = connection.getresponse()
        assert answer.status == 200
        return json.loads(answer.read())
    finally:
        connection.close()


@contextmanager
def hub_on_http(hub: FakeHub) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = hub.outbound("http://hub.invalid", Request("POST", self.path, (), headers, body))
            assert not isinstance(answer, Hang)
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_day_over_real_http_with_threads_ends_with_books_that_agree() -> None:
    hub = FakeHub()
    clock = standalone.business_clock(START, SPEED, time.monotonic_ns)
    options = Options(
        span=timedelta(minutes=30), pace=Pace().scaled(2), finish="close-books", scripted_events=False
    )  # fmt: skip
    with hub_on_http(hub) as hub_url:
        made = stage(
            clock, standalone.machine_now, 3, hub_url, orders=12, faults="none", outbound=over_http(5), options=options
        )
        hub.world = made.world
        with serve(made.world, {"control": 0, "storefront": 0}) as servers:
            give_up_at = time.monotonic() + PATIENCE_S
            while not made.director.done():
                hub.work()
                time.sleep(0.01)
                assert time.monotonic() < give_up_at, made.director.waiting()
            books = ask(servers.url("control"), "GET", "/books")
            assert len(ask(servers.url("storefront"), "GET", "/baskets")["data"]) == 12
    assert books["control"]["done"] is True
    assert len(witness.paid_baskets(books)) == 12
    assert witness.lost_baskets(books) == []
    assert witness.doubled_writes(books) == []
    assert witness.settlement_findings(books) == []
    assert witness.unsettled_money(books) == {}


def test_the_world_stands_alone_on_its_own_ports(capsys: pytest.CaptureFixture[str]) -> None:
    stop = threading.Event()
    arguments = ["--port-base", "0", "--orders", "0", "--start", "2026-11-09T08:00:00+01:00", "--speed", "600"]
    running = threading.Thread(target=standalone.main, args=(arguments, stop))
    running.start()
    try:
        printed = ""
        while "\n" not in printed:
            printed += capsys.readouterr().out
            time.sleep(0.01)
        addresses = json.loads(printed)
        assert set(addresses) == {"mirakl", "gateway", "storefront", "control"}
        health = ask(addresses["control"], "GET", "/health")
        assert datetime.fromisoformat(health["now"]) >= datetime(2026, 11, 9, 7, tzinfo=UTC)
        assert ask(addresses["control"], "POST", "/finish", {})["stage"] == "doors-closed"
        assert set(ask(addresses["control"], "GET", "/books")) >= {"mirakl", "gateway", "storefront", "control"}
    finally:
        stop.set()
        running.join()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--speed", "601"],
        ["--orders", "many"],
        ["--start", "2026-11-09T08:00:00"],
        ["--start", "soon"],
        ["--faults", "all"],
        ["--clock", "entrepot.sandbox.core:nothing"],
        ["--clock", "no_such_module:clock"],
        ["--whatever"],
    ],
)
def test_a_wrong_option_gets_one_clear_line_and_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        standalone.main(arguments, threading.Event())
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert arguments[0] in said


def test_business_time_runs_as_fast_as_it_is_told() -> None:
    machine = [5_000_000_000]
    clock = standalone.business_clock(START, 60, lambda: machine[0])
    assert clock() == START
    machine[0] += 2_500_000_000
    assert clock() == START + timedelta(seconds=150)
