"""What goes wrong in the selling company's world, and what comes over real HTTP."""

import importlib
import json
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from random import Random

import pytest
from sandbox.selling.selling_company import MACHINE, START, Day
from sandbox.world.test_sandbox_world_served import ask

from entrepot.sandbox import __main__ as standalone
from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.http import over_http
from entrepot.sandbox.selling import both, mishaps
from entrepot.sandbox.selling.assortment import gtin_of

PACKAGES = {"mirakl-shop": "mirakl"}


def test_random_mishaps_come_from_the_seed_alone() -> None:
    assert mishaps.random_mishaps(Random(3), 0.2) == mishaps.random_mishaps(Random(3), 0.2)
    assert mishaps.random_mishaps(Random(3), 0.2) != mishaps.random_mishaps(Random(4), 0.2)
    everything = mishaps.random_mishaps(Random(1), 1.1)
    assert {fault.system for fault in everything} == set(mishaps.READS)
    assert {"page-shift", "unknown-enum", "expired-token", "applied-late"} <= {fault.kind for fault in everything}


@pytest.mark.parametrize("system", sorted(mishaps.READS))
def test_every_operation_that_can_go_wrong_is_one_the_system_has(system: str) -> None:
    package = importlib.import_module(f"entrepot.sandbox.{PACKAGES.get(system, system)}")
    assert package.__file__ is not None
    folder = Path(package.__file__).parent
    sources = "".join(one.read_text() for one in [*folder.glob("*.py"), folder.parent / "queue.py"])
    words = {*mishaps.READS[system], *mishaps.WRITES[system], *mishaps.TOPICS.get(system, ())}
    words |= {fault.operation.removeprefix("webhook:") for fault in mishaps.DEMO_FAULTS if fault.system == system}
    assert [word for word in sorted(words) if f'"{word.removeprefix("sqs.")}"' not in sources] == []


def test_tokens_expire_only_where_there_are_some() -> None:
    expired = {fault.system for fault in mishaps.random_mishaps(Random(1), 1.1) if fault.kind == "expired-token"}
    assert expired == {"amazon", "walmart", "ebay"}


def test_the_demos_mishaps_wait_in_the_plan() -> None:
    day = Day(visits=0, faults="demo")
    assert len(day.staged.world.faults.waiting()) == len(mishaps.DEMO_FAULTS)


def test_every_gtin_ends_with_its_check_digit() -> None:
    for number in range(1, 21):
        digits = [int(digit) for digit in gtin_of(number)]
        assert len(digits) == 13
        assert sum(digit * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0


# -- with the operator's marketplace in one world ------------------------------------------------------------------------


def test_operator_and_company_share_a_world_and_are_done_together() -> None:
    clock = [START]
    made = both.stage(
        lambda: clock[0],
        lambda: MACHINE,
        1,
        "http://hub.invalid",
        orders=0,
        faults="none",
        outbound=lambda _base, _request: Response(503),
    )
    assert set(made.world.systems) == set(both.SYSTEMS)
    answer = made.world.handle("control", Request("POST", "/finish", (), {}, b'{"close_books": true}'))
    assert isinstance(answer, Response)
    assert answer.json()["done"] is False
    while not (made.operator.director.done() and made.selling.director.done()):
        assert clock[0] < START + timedelta(days=3)
        clock[0] += timedelta(minutes=10)
        made.world.tick()
    report = made.world.books()["control"]
    assert report["done"] is True
    assert report["stage"] == "day-closed"
    assert report["selling"]["stage"] == "periods-closed"


def test_an_operators_world_alone_reports_as_ever() -> None:
    from entrepot.sandbox.scenario import stage

    made = stage(lambda: START, lambda: MACHINE, 1, "http://hub.invalid", orders=0, faults="none", outbound=None)
    assert "selling" not in made.world.books()["control"]
    assert set(made.world.systems) == {"mirakl", "gateway", "storefront", "control"}


# -- over real HTTP ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "systems"),
    [
        ("syndication", {"amazon", "walmart", "ebay", "channelengine", "mirakl-shop", "back_office", "control"}),
        ("both", set(both.SYSTEMS)),
    ],
)
def test_each_model_stands_on_ports_of_its_own(
    model: str, systems: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    stop = threading.Event()
    arguments = ["--model", model, "--port-base", "0", "--orders", "0", "--speed", "600"]
    running = threading.Thread(target=standalone.main, args=(arguments, stop))
    running.start()
    try:
        printed = ""
        while "\n" not in printed:
            printed += capsys.readouterr().out
            time.sleep(0.01)
        addresses = json.loads(printed)
        assert set(addresses) == systems
        assert "selling" in ask(addresses["control"], "GET", "/books")["control"]
        assert ask(addresses["control"], "POST", "/finish", {})["selling"]["stage"] == "doors-closed"
    finally:
        stop.set()
        running.join()


def test_the_query_of_an_outbound_call_is_sent() -> None:
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    running = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
    running.start()
    try:
        call = over_http(5)
        base = f"http://127.0.0.1:{server.server_address[1]}/under"
        for path, query in (
            ("/a%2Fb", (("type", "orders new"), ("since", "7"))),
            ("/c?d=1", (("e", "2"),)),
            ("/f", ()),
        ):
            assert isinstance(call(base, Request("POST", path, query)), Response)
    finally:
        server.shutdown()
        server.server_close()
        running.join()
    assert heard == ["/under/a%2Fb?type=orders+new&since=7", "/under/c?d=1&e=2", "/under/f"]
