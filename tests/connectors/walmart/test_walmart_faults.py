"""Nothing lost, nothing twice: a busy morning at Walmart while faults of all kinds fire."""

from random import Random
from typing import Any

import pytest
from connectors.walmart.fault_run import carry_out, plan, sweep_until_quiet
from connectors.walmart.walmart_market import WalmartMarket, acknowledgement, cancellation, parcel, refund_of

from entrepot.kernel.outcome import Done, Refused
from entrepot.sandbox.faults import Fault
from entrepot.trade.order.model import OrderSeen

WRITES = (
    "acknowledgeOrders",
    "shippingUpdates",
    "cancelOrderLines",
    "refundOrderLines",
    "updatePrice",
    "updateInventoryForAnItem",
)
READS = ("getAllOrders", "getAllReleasedOrders", "getAnOrder", "getReturns", "getAnItem", "getInventory")
ORDERS = 60


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_lost_and_nothing_is_done_twice(seed: int) -> None:
    market, rng = WalmartMarket(), Random(seed)
    assert plan(market, rng, WRITES, READS, 60) > 100
    for nth, kind in enumerate(("503", "timeout-before", "html", "429"), 1):
        market.world.faults.add(Fault("walmart", "tokenAPI", nth, kind))
    heard: dict[str, Any] = {}

    def hear(record: Any) -> None:
        if record.kind == "channel-order":
            seen = market.seen(record)
            if isinstance(seen, OrderSeen):
                heard[seen.order_id] = seen

    bought = []
    for _ in range(ORDERS):
        bought.append(market.buy((rng.choice(["ATLAS", "CHART", "LENS"]), rng.randint(1, 3))))
        market.move(seconds=rng.randint(1, 20))
    sweep_until_quiet(market, ("orders", "released"), hear)
    assert set(heard) == set(bought)
    ends = {"shipped": 0, "cancelled": 0, "refunded": 0}
    for n, order_id in enumerate(bought):
        ends[_through(market, order_id, n, rng)] += 1
    assert min(ends.values()) > 5
    sweep_until_quiet(market, ("orders",), hear)
    _judge(market, heard, bought)


def _through(market: WalmartMarket, order_id: str, n: int, rng: Random) -> str:
    """One order's way, every write to its end."""
    if n % 5 == 0:
        assert isinstance(carry_out(market, "walmart.cancel", cancellation(market, order_id)), Done)
        return "cancelled"
    assert isinstance(carry_out(market, "walmart.acknowledge", acknowledgement(order_id)), Done)
    assert isinstance(carry_out(market, "walmart.ship", parcel(market, order_id, f"1Z{n:010d}")), Done)
    sku = market.book(order_id)["lines"][0]["sku"]
    stock = {"sku": sku, "quantity": 500 + n}
    assert isinstance(carry_out(market, "walmart.stock", stock), Done)
    if n % 5 == 1:
        line = {"line_id": "1", "quantity": 1, "item_minor": rng.randint(1, 500)}
        assert isinstance(carry_out(market, "walmart.refund", refund_of(order_id, f"R-{n}", lines=[line])), Done)
        return "refunded"
    return "shipped"


def _judge(market: WalmartMarket, heard: dict[str, Any], bought: list[str]) -> None:
    books = market.system.books()
    fired = {kind for kind, _ in market.world.faults.fired}
    assert {"429", "timeout-before", "timeout-after", "applied-late", "html", "expired-token"} <= fired
    for code in ("acknowledgeOrders", "shippingUpdates", "cancelOrderLines", "refundOrderLines"):
        assert set(books["applied"][code].values()) == {1}, code
    assert len(books["refunds"]) == len([n for n in range(ORDERS) if n % 5 == 1])
    assert {one["order_id"] for one in books["orders"]} == set(bought)
    assert all(one["cancelled_by"] in (None, "seller") for one in books["orders"])
    for book in books["orders"]:
        seen = heard[book["order_id"]]
        assert sum(line.shipped_qty or 0 for line in seen.lines) == sum(line["shipped"] for line in book["lines"])
        assert sum(line.cancelled_qty for line in seen.lines) == sum(line["cancelled"] for line in book["lines"])
        assert seen.total_minor == book["total_minor"]


def test_a_refusal_under_faults_stays_a_refusal() -> None:
    market = WalmartMarket()
    plan(market, Random(9), WRITES, READS, 20)
    order_id = market.buy()
    market.portal.cancel(order_id)
    assert isinstance(carry_out(market, "walmart.acknowledge", acknowledgement(order_id)), Refused)
