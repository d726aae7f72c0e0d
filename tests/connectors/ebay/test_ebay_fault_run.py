"""Nothing lost, nothing twice: a bad day at eBay, with faults of every kind, and the books compared at its end."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from connectors.ebay.shop import SYSTEM, Shop

from entrepot.connectors.exchange import CREDENTIALS_REFUSED
from entrepot.kernel.outcome import Done, Later, NotThere, Refused, Unknown
from entrepot.sandbox.faults import Fault

READS = ["429", "500", "503", "timeout-before", "timeout-after", "truncated", "html", "expired-token", "page-shift"]
WRITES = ["429", "500", "502", "503", "504", "timeout-before", "timeout-after", "applied-late", "html", "expired-token"]
LISTS = ("getOrders", "getOrder", "getShippingFulfillments", "searchCancellations")
VERBS = ("createShippingFulfillment", "issueRefund", "createCancellation", "approveCancellationRequest")
ORDERS = 60
TRIES_MAX = 12


def keep(shop: Shop, operation: str, payload: Mapping[str, Any]) -> Done | Refused:
    """A promise kept as the outbox keeps it: unclear is read back, "not there" counts twice after it has settled."""
    found = shop.channel.operations[operation]
    for attempt in range(1, TRIES_MAX):
        outcome, _ = found.send(shop.ctx, replace(shop.effect(operation, "k", payload), attempts=attempt))
        if isinstance(outcome, Refused) and outcome.code == CREDENTIALS_REFUSED:
            continue  # two tokens refused in a row: a person tries again
        if isinstance(outcome, Done | Refused):
            return outcome
        if isinstance(outcome, Later):
            shop.move(seconds=outcome.after_s or 30)
            continue
        absent = 0
        for _ in range(TRIES_MAX):
            shop.move(seconds=found.settle_s)
            looked, _ = found.read_back(shop.ctx, shop.effect(operation, "k", payload))
            if isinstance(looked, Done | Refused):
                return looked
            absent += isinstance(looked, NotThere)
            if absent == 2:
                break
        else:
            raise AssertionError(f"{operation} stays unclear: {looked}")
    raise AssertionError(f"{operation} came to no end")


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_and_nothing_done_twice(seed: int) -> None:
    shop, rng = Shop(), Random(seed)
    for kinds, codes in ((READS, LISTS), (WRITES, VERBS)):
        for code in codes:
            for _ in range(12):
                kind = rng.choice(kinds)
                arg = {"429": 5, "applied-late": 20, "page-shift": rng.choice((1, -1))}.get(kind)
                shop.world.faults.add(Fault(SYSTEM, code, rng.randrange(1, 25), kind, arg))
    found: set[str] = set()
    cursor: str | None = None
    bought: list[str] = []
    for _ in range(ORDERS):
        bought.append(str(shop.portal.place([("BOOK-1", 2)])))
        shop.move(seconds=rng.randrange(1, 90))
        if rng.random() < 0.4:
            sweep = shop.sweep("orders", cursor)
            found |= {record.external_id for record in sweep.records}
            cursor = sweep.cursor or cursor
    for _ in range(8):
        shop.move(minutes=2)
        sweep = shop.sweep("orders", cursor)
        found |= {record.external_id for record in sweep.records}
        cursor = sweep.cursor or cursor
    assert found == set(bought)

    done: dict[str, set[str]] = {code: set() for code in VERBS}
    for n, order_id in enumerate(bought):
        lines = [{"line_id": shop.line(order_id), "quantity": 2}]
        if n % 4 == 3:
            payload = {"order_id": order_id, "our_number": "H", "cancellation": "K", "reason": "other", "lines": lines}
            assert isinstance(keep(shop, "ebay.cancel", payload), Done)
            done["createCancellation"].add(order_id)
        elif n % 4 == 2:
            request = str(shop.portal.ask_cancel(order_id))
            payload = {"order_id": order_id, "request_id": request, "answer": "approve"}
            assert isinstance(keep(shop, "ebay.answer-cancellation", payload), Done)
            done["approveCancellationRequest"].add(request)
        else:
            parcel = shop.parcel(order_id, f"JD{n:09d}" if n % 2 else "")
            assert isinstance(keep(shop, "ebay.ship", parcel), Done)
            done["createShippingFulfillment"].add(order_id)
            assert isinstance(keep(shop, "ebay.refund", shop.money_back(order_id, 100)), Done)
            done["issueRefund"].add(order_id)

    applied = shop.books()["applied"]
    for code, keys in done.items():
        for key in keys:
            assert sum(times for name, times in applied[code].items() if key in name) == 1, (code, key)
        assert sum(applied[code].values()) == len(keys), code
    assert sum(shop.world.faults.fired.values()) > 50
    assert not isinstance(shop.channel.check(shop.ctx), Unknown)
