"""Nothing lost, nothing twice: sixty orders bought, shipped, cancelled, given back, while all that can go wrong does."""

from collections import Counter
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest
from connectors.amazon.house import AmazonMarket

from entrepot.kernel.outcome import Done, Later, NotThere, Refused, Unknown
from entrepot.sandbox.faults import Fault

ORDERS = 60
INTERRUPTIONS = ("429", "500", "502", "503", "504", "timeout-before", "timeout-after", "expired-token")
READS = ("searchOrders", "getOrder", "getFeeds", "getFeedDocument", "createReport", "getReport", "getReportDocument")
WRITES = ("confirmShipment", "createFeedDocument", "createFeed", "patchListingsItem")
OTHERS = ("token", "uploadDocument", "downloadDocument", "sqs.ReceiveMessage", "sqs.DeleteMessageBatch")
NEGATIVE_LOOKS = 2


def faults(rng: Random) -> list[Fault]:
    """Of every operation every kind that fits it, each at a call of its own."""
    found = []
    for operation in (*READS, *WRITES, *OTHERS):
        kinds = (*INTERRUPTIONS, "html", "truncated", *(("applied-late",) if operation in WRITES else ()))
        for kind in kinds:
            if rng.random() < 0.7:
                arg = rng.randint(1, 60) if kind in ("429", "applied-late") else None
                found.append(Fault("amazon", operation, rng.randint(1, 40), kind, arg))
    return found


@dataclass
class Promise:
    """One effect, as the outbox would drive it."""

    operation: str
    key: str
    payload: dict[str, Any]
    money: bool = False
    state: str = "planned"
    trace: dict[str, Any] = field(default_factory=dict)
    looks: int = 0

    def step(self, market: AmazonMarket) -> None:
        operation = market.channel.operations[self.operation]
        effect = market.effect(self.operation, self.key, self.payload)
        if self.state == "planned":
            outcome, _ = operation.send(market.ctx, effect)
            match outcome:
                case Done():
                    self.state = "done"
                case Later():
                    pass
                case Unknown():
                    self.state, self.trace, self.looks = "unknown", dict(outcome.trace), 0
                case Refused():
                    self.state = f"refused: {outcome.code} {outcome.words}"
        elif self.state == "unknown":
            found, _ = operation.read_back(market.ctx, replace(effect, trace=self.trace))
            match found:
                case Done():
                    self.state = "done"
                case NotThere():
                    self.looks += 1
                    if self.looks >= NEGATIVE_LOOKS:
                        self.state = "parked" if self.money else "planned"
                case Refused():
                    self.state = f"refused: {found.code} {found.words}"

    @property
    def open(self) -> bool:
        return self.state in ("planned", "unknown")


def carried_out(market: AmazonMarket, promises: list[Promise], rounds: int = 40) -> None:
    for _ in range(rounds):
        for promise in promises:
            if promise.open:
                promise.step(market)
        market.move(minutes=5)
        if not any(promise.open for promise in promises):
            return


class Hub:
    """The sweeps, with their cursors, and what they recorded."""

    def __init__(self, market: AmazonMarket) -> None:
        self.market = market
        self.cursors: dict[str, str | None] = {}
        self.found: dict[str, set[str]] = {}
        self.problems: Counter[str] = Counter()

    def sweep(self, source: str) -> None:
        sweep = self.market.sweep(source, self.cursors.get(source))
        self.cursors[source] = sweep.cursor or self.cursors.get(source)
        ids = self.found.setdefault(source, set())
        for record in sweep.records:
            seen = self.market.seen(record)
            ids.add(getattr(seen, "order_id", "") or getattr(seen, "external_id", "") or record.external_id)
        if sweep.problem is not None:
            self.problems[sweep.problem.code] += 1


@pytest.mark.parametrize("seed", [1, 3])
def test_nothing_is_lost_and_nothing_done_twice(seed: int) -> None:
    rng = Random(seed)
    market, hub = (m := AmazonMarket(at_once=False, duplicate_rate=0.3)), Hub(m)
    for fault in faults(rng):
        market.world.faults.add(fault)
    placed: list[str] = []
    for _ in range(ORDERS):
        sku, count = rng.choice([("ATLAS-1", 2), ("TIDES-1", 1), ("LAMP-1", 1)])
        placed.append(market.portal.place(((sku, count),)))
        market.move(minutes=rng.randint(1, 15))
        for source in ("orders", "submissions", "notifications"):
            hub.sweep(source)
        if len(placed) % 5 == 0:
            hub.sweep("order-report")
    cancels = [
        Promise("amazon.cancel", f"cancel/{one}", market.cancellation(one)) for one in placed if rng.random() < 0.2
    ]
    cancelled = {one.payload["order_id"] for one in cancels}
    ships = [Promise("amazon.ship", f"ship/{one}", market.parcel(one)) for one in placed if one not in cancelled]
    carried_out(market, [*cancels, *ships])
    refunds = [
        Promise(
            "amazon.refund",
            f"refund/{n}",
            market.giving_back(one.payload["order_id"], 100 + n, refund=f"R-{n}"),
            money=True,
        )
        for n, one in enumerate(ships)
        if rng.random() < 0.4
    ]
    carried_out(market, refunds)
    for _ in range(25):
        for source in ("orders", "order-report", "submissions"):
            hub.sweep(source)
        market.move(minutes=20)

    assert {one.state for one in (*cancels, *ships)} == {"done"}
    assert {one.state for one in refunds} <= {"done", "parked", "unknown"}
    assert hub.found["orders"] == set(placed)
    assert hub.found["order-report"] == set(placed)
    applied = market.system.books()["applied"]
    assert applied["confirmShipment"] == {f"{one.payload['order_id']}/7": 1 for one in ships}
    assert applied["POST_ORDER_ACKNOWLEDGEMENT_DATA.Failure"] == dict.fromkeys(cancelled, 1)
    paid = applied.get("POST_PAYMENT_ADJUSTMENT_DATA", {})
    assert set(paid.values()) <= {1}
    ours = {one.payload["refund"]: one.state for one in refunds}
    for refund, state in ours.items():
        times = sum(n for key, n in paid.items() if key.endswith(f"/{refund}"))
        assert times == 1 if state == "done" else times <= 1, (refund, state)
    fired = {kind for kind, _ in market.world.faults.fired}
    assert len(fired) >= 8, fired
    assert hub.problems


def test_a_refund_told_done_was_really_made() -> None:
    """The other way round, for money: no unclear refund is taken for made because another one like it was."""
    market = AmazonMarket(at_once=False)
    order_id = market.shipped(("LAMP-1", 2))
    market.move(minutes=5)
    first = Promise("amazon.refund", "first", market.giving_back(order_id, 500, refund="R-1"), money=True)
    second = Promise("amazon.refund", "second", market.giving_back(order_id, 500, refund="R-2"), money=True)
    first.step(market)
    market.trouble("createFeed", "timeout-before")
    second.step(market)
    assert (first.state, second.state) == ("done", "unknown")
    for _ in range(6):
        market.move(minutes=10)
        if second.state == "unknown":
            second.step(market)
    keys = [key.rpartition("/")[2] for key in market.system.books()["applied"]["POST_PAYMENT_ADJUSTMENT_DATA"]]
    assert keys == ["R-1"]
    assert second.state != "done"


def test_a_feed_they_could_not_read_has_done_nothing_and_money_waits_for_a_person() -> None:
    market = AmazonMarket(at_once=False)
    order_id = market.shipped(("LAMP-1", 2))
    market.move(minutes=5)
    one = Promise("amazon.refund", "one", market.giving_back(order_id, 500), money=True)
    market.trouble("createFeed", "timeout-after")
    one.step(market)
    (feed_id,) = [feed["id"] for feed in market.system.books()["submissions"]]
    market.system.feeds._end(market.system.platform.feeds[feed_id], "FATAL")
    for _ in range(NEGATIVE_LOOKS):
        market.move(minutes=10)
        one.step(market)
    assert one.state == "parked"
    assert "POST_PAYMENT_ADJUSTMENT_DATA" not in market.system.books()["applied"]
