"""The hub's own intake as its processes run it: baskets handed over, pages recorded, a lane drained."""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

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

DRAIN_S = 3_600.0
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
def drained(url: str) -> Iterator[None]:
    """A process of its own that decides orders as long as there are any."""
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=_drain, args=(url,), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def _drain(url: str) -> None:
    with hub_on(url) as hub:
        lease = lane_of(hub, hub.parts.marketplace)
        while True:
            if not hub.inbox.drain(hub.ctx, lease):
                time.sleep(PAUSE_S)
