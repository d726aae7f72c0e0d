"""Steers the simulated people and knows when nobody has anything left to do.

`finish` shuts the shop's doors. With {"close_books": true} it also waits until every parcel, refund and return is
through, closes the billing cycles, waits until the sellers are paid, and closes the gateway's day: what the calendar
would do later, done as soon as it means something.
"""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from enum import IntEnum
from typing import Any, Final

from entrepot.sandbox.errands import Errands
from entrepot.sandbox.gateway import Gateway
from entrepot.sandbox.mirakl import Portal
from entrepot.sandbox.mirakl.state import Order
from entrepot.sandbox.storefront import Storefront
from entrepot.sandbox.treasury import Treasury

WATCH_EVERY: Final = timedelta(minutes=10)
WAITS_FOR: Final = {
    "STAGING": "decisions",
    "WAITING_ACCEPTANCE": "decisions",
    "WAITING_DEBIT": "debits",
    "WAITING_DEBIT_PAYMENT": "debits",
    "SHIPPING": "parcels",
    "SHIPPED": "deliveries",
    "TO_COLLECT": "deliveries",
}


class Stage(IntEnum):
    """How far the closing has come."""

    TRADING = 0
    DOORS_CLOSED = 1
    CYCLES_CLOSED = 2
    DAY_CLOSED = 3


class Director:
    """What the control port drives. Shape: `undelivered` counts webhooks still on their way."""

    def __init__(
        self,
        errands: Errands,
        portal: Portal,
        gateway: Gateway,
        storefront: Storefront,
        treasury: Treasury,
        undelivered: Callable[[], int],
        people: dict[str, Callable[[], dict[str, Any]]],
        *,
        bank_operator_share: bool = False,
    ) -> None:
        self._errands = errands
        self._world = errands.world
        self._portal = portal
        self._gateway = gateway
        self._storefront = storefront
        self._treasury = treasury
        self._undelivered = undelivered
        self._people = people
        self._bank_operator_share = bank_operator_share
        self._open_legs: dict[str, None] = {}
        self._close_books = False
        self._watching = False
        self._idle_before = False
        self._rested = False
        self.stage = Stage.TRADING
        portal.subscribe(self._hear)

    # -- the control port --------------------------------------------------------------------------------------------

    def pause(self) -> None:
        self._storefront.pause()

    def resume(self) -> None:
        self._storefront.resume()

    def buy(self, baskets: int) -> None:
        self._storefront.buy(baskets)

    def finish(self, options: dict[str, Any]) -> dict[str, Any]:
        self._storefront.close_doors()
        self._close_books = self._close_books or bool(options.get("close_books"))
        self._rested = self._idle_before = False
        self.stage = max(self.stage, Stage.DOORS_CLOSED)
        if not self._watching:
            self._watching = True
            self._watch()
        return self.report()

    def report(self) -> dict[str, Any]:
        """What the control books show. `done`: the doors are closed and nobody, here or at the hub, has work left."""
        return {
            "done": self.done(),
            "stage": self.stage.name.lower().replace("_", "-"),
            "waiting": self.waiting(),
            **{name: books() for name, books in self._people.items()},
        }

    # -- knowing -----------------------------------------------------------------------------------------------------

    def done(self) -> bool:
        return self._rested and not self.waiting()

    def waiting(self) -> dict[str, int]:
        """What is not over yet, by kind: errands of the people, and what they wait for from the hub."""
        waiting = Counter(self._errands.waiting)
        waiting["checkouts"] = self._storefront.checkouts
        waiting["splits"] = sum(not self._portal.orders_of(one) for one in self._storefront.held_for_orders())
        waiting["webhooks"] = self._undelivered()
        waiting["cycles"] = self._treasury.unpaid()
        waiting["calls"] = 0 if self._world.quiet() else 1
        if self.stage is Stage.TRADING:
            waiting["doors"] = 1
        for order_id in list(self._open_legs):
            kinds = _waits_for(self._portal.order(order_id))
            waiting.update(kinds)
            if not kinds:
                del self._open_legs[order_id]
        return {kind: count for kind, count in sorted(waiting.items()) if count}

    def _hear(self, topic: str, subject: str) -> None:
        if topic in ("order.created", "order.updated"):
            self._open_legs[subject] = None

    # -- closing -----------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """One step of the closing at each look that finds nobody busy; the last look finds them all resting."""
        last = Stage.DAY_CLOSED if self._close_books else Stage.DOORS_CLOSED
        if not self.waiting():
            self._rested = self._idle_before and self.stage >= last
            self._idle_before = self.stage >= last
            if self.stage < last:
                self._close_next()
        else:
            self._rested = self._idle_before = False
        if not self._rested:
            self._world.at(self._world.clock() + WATCH_EVERY, self._watch)
        else:
            self._watching = False

    def _close_next(self) -> None:
        if self.stage is Stage.DOORS_CLOSED:
            self._portal.close_cycles()
            self.stage = Stage.CYCLES_CLOSED
        elif self.stage is Stage.CYCLES_CLOSED:
            if self._bank_operator_share:
                self._treasury.bank_operator_share()
            self._gateway.settle_now()
            self.stage = Stage.DAY_CLOSED


def _waits_for(order: Order) -> list[str]:
    """What a leg waits for: its next step, and each refund that has not reached the buyer."""
    kinds = [WAITS_FOR[order.state]] if order.state in WAITS_FOR else []
    if order.debit == "PENDING" and "debits" not in kinds:
        kinds.append("debits")
    refunds = [refund for line in order.lines.values() for refund in line.refunds]
    return kinds + ["refunds" for refund in refunds if refund.state != "REFUNDED"]
