"""The hub's own intake as its processes run it: baskets handed over, pages recorded, a lane drained."""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event

from bench.ground import hub_on
from bench.material import Material
from entrepot.app import Hub
from entrepot.connectors.mirakl.connector import MANIFEST
from entrepot.connectors.mirakl.records import Records
from entrepot.connectors.reading import elements
from entrepot.engine.lease import Lease, seize
from entrepot.flows.order_creation import arrival_of
from entrepot.inbox.model import Arrival
from entrepot.inbox.service import record
from entrepot.process import yield_to_the_doors

DRAIN_S = 3_600.0
READY_MAX_S = 60.0
PAUSE_S = 0.02  # until a lane with nothing due is looked at again


def lane_of(hub: Hub, account: str) -> Lease:
    """The account's lane “decide”, for as long as a measurement may take."""
    return seize(hub.ctx, account, "decide", "urgent", lease_s=DRAIN_S, drain_s=DRAIN_S)


def know_baskets(hub: Hub, made: Material) -> None:
    """The storefront has handed over every basket before: its orders are expected, and paid."""
    arrivals = [arrival_of(hub.parts.storefront, body, {}) for _, body in made.baskets]
    record(hub.ctx, [one for one in arrivals if isinstance(one, Arrival)])
    assert hub.inbox.drain(hub.ctx, lane_of(hub, hub.parts.storefront)) == len(made.baskets)


def record_pages(hub: Hub, pages: Sequence[bytes]) -> None:
    """As the sweep of orders keeps them: a page, its records and the cursor in one transaction."""
    account = hub.parts.marketplace
    records = Records(MANIFEST.flows, account)
    for n, page in enumerate(pages):
        received = records.split("order", elements(page, "orders"))
        record(hub.ctx, [Arrival(account, "page", "OR11", page, received, cursor=("orders", str(n)))])


@contextmanager
def recorder(url: str, pages: Sequence[bytes]) -> Iterator[Callable[[], BaseProcess]]:
    """A process of its own that stands ready, and records the pages once it is told to; the call gives the process."""
    spawn = multiprocessing.get_context("spawn")
    ready, go = spawn.Event(), spawn.Event()
    process = spawn.Process(target=_record, args=(url, list(pages), ready, go), daemon=True)
    process.start()

    def start() -> BaseProcess:
        go.set()
        return process

    try:
        assert ready.wait(READY_MAX_S), "the recording process did not start"
        yield start
    finally:
        process.kill()
        process.join()


def _record(url: str, pages: Sequence[bytes], ready: Event, go: Event) -> None:
    with hub_on(url) as hub:
        ready.set()
        go.wait()
        record_pages(hub, pages)


@contextmanager
def drained(url: str) -> Iterator[None]:
    """A process of its own that decides orders as long as there are any; it is at work when this begins."""
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    process = spawn.Process(target=_drain, args=(url, ready), daemon=True)
    process.start()
    try:
        assert ready.wait(READY_MAX_S), "the deciding process did not start"
        yield
    finally:
        process.kill()
        process.join()


def _drain(url: str, ready: Event) -> None:
    yield_to_the_doors()
    with hub_on(url) as hub:
        lease = lane_of(hub, hub.parts.marketplace)
        ready.set()
        while True:
            if not hub.inbox.drain(hub.ctx, lease):
                time.sleep(PAUSE_S)
