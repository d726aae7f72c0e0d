"""Nothing lost, nothing twice: a busy morning at a channel manager while faults of all kinds fire."""

from random import Random
from typing import Any

import pytest
from connectors.channelengine.ce_market import ChannelEngineMarket, acknowledgement, cancellation, parcel
from connectors.walmart.fault_run import carry_out, plan, sweep_until_quiet

from entrepot.kernel.outcome import Done
from entrepot.trade.order.model import OrderSeen
from entrepot.trade.order.states import LegState

WRITES = ("OrderAcknowledge", "ShipmentCreate", "CancellationCreate", "OfferStockUpdate", "ReturnUpdateForMerchant")
READS = (
    "OrderGetNew",
    "OrderGetByFilter",
    "ShipmentIndex",
    "CancellationGetForMerchant",
    "ReturnGetReturns",
    "ProductGetByMerchantProductNo",
)
ORDERS = 60


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_lost_and_nothing_is_done_twice(seed: int) -> None:
    market, rng = ChannelEngineMarket(), Random(seed)
    assert plan(market, rng, WRITES, READS, 60) > 100
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
    sweep_until_quiet(market, ("orders", "new-orders"), hear)
    assert set(heard) == set(bought)
    for n, order_id in enumerate(bought):
        _through(market, order_id, n)
    sweep_until_quiet(market, ("orders",), hear)
    _judge(market, heard, bought)


def _through(market: ChannelEngineMarket, order_id: str, n: int) -> None:
    """One order's way, every write to its end."""
    assert isinstance(carry_out(market, "channelengine.acknowledge", acknowledgement(market, order_id)), Done)
    if n % 5 == 0:
        assert isinstance(carry_out(market, "channelengine.cancel", cancellation(market, order_id)), Done)
        return
    assert isinstance(carry_out(market, "channelengine.ship", parcel(market, order_id)), Done)
    (line,) = market.book(order_id)["lines"]
    stock = {"sku": line["sku"], "quantity": 500 + n}
    assert isinstance(carry_out(market, "channelengine.stock", stock), Done)
    if n % 5 == 1:
        return_id = market.portal.open_return(order_id, [(line["line_id"], 1)], "WRONG_SIZE")
        accepted = [{"line_id": line["line_id"], "quantity": 1, "sku": line["sku"]}]
        payload = {"return_id": return_id, "order_id": order_id, "accepted": accepted}
        assert isinstance(carry_out(market, "channelengine.receive-return", payload), Done)


def _judge(market: ChannelEngineMarket, heard: dict[str, Any], bought: list[str]) -> None:
    books = market.system.books()
    fired = {kind for kind, _ in market.world.faults.fired}
    assert {"429", "timeout-before", "timeout-after", "applied-late", "html", "expired-token"} <= fired
    for code in ("OrderAcknowledge", "ShipmentCreate", "CancellationCreate", "ReturnUpdateForMerchant"):
        assert set(books["applied"][code].values()) == {1}, code
    assert len(books["shipments"]) == len([n for n in range(ORDERS) if n % 5])
    assert len(books["refunds"]) == len([n for n in range(ORDERS) if n % 5 == 1])
    assert {one["order_id"] for one in books["orders"]} == set(bought)
    ends = {"SHIPPED": LegState.SHIPPED, "MANCO": LegState.CANCELLED, "RETURNED": LegState.CLOSED}
    for book in books["orders"]:
        seen = heard[book["order_id"]]
        assert (seen.state, seen.total_minor) == (ends[book["state"]], book["total_minor"])
