"""Steers the buyers of all channels and knows when nobody has anything left to do.

`finish` closes the doors, waits until parcels, returns, disputes and notifications are through, lets the money clear, and closes every
channel's settlement period.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, Final

from entrepot.sandbox.back_office import BackOffice
from entrepot.sandbox.control import Steering
from entrepot.sandbox.errands import Errands
from entrepot.sandbox.selling.homeward import GoingBack
from entrepot.sandbox.selling.merchants import Merchants
from entrepot.sandbox.selling.shoppers import Shoppers
from entrepot.sandbox.selling.shops import Shop

WATCH_EVERY: Final = timedelta(minutes=10)
COUNT_AGAIN: Final = timedelta(hours=1)  # open orders, even when nobody told of a change


class Stage(IntEnum):
    """How far the closing has come."""

    TRADING = 0
    DOORS_CLOSED = 1
    PERIODS_CLOSED = 2


class Director:
    """What the control port drives. `clearing`: how long the money takes once nothing moves any more."""

    def __init__(
        self,
        errands: Errands,
        shops: Sequence[Shop],
        desk: BackOffice,
        shoppers: Shoppers,
        back: GoingBack,
        merchants: Merchants,
        clearing: timedelta,
    ) -> None:
        self._errands = errands
        self._world = errands.world
        self._shops = shops
        self._desk = desk
        self._shoppers = shoppers
        self._back = back
        self._merchants = merchants
        self._clearing = clearing
        self._watching = False
        self._quiet_since: datetime | None = None
        self._rested = False
        self._counts = {shop.name: _OpenOrders(shop) for shop in shops}
        self.periods: dict[str, str | None] = {}
        self.stage = Stage.TRADING

    # -- the control port --------------------------------------------------------------------------------------------

    def pause(self) -> None:
        self._shoppers.pause()

    def resume(self) -> None:
        self._shoppers.resume()

    def buy(self, baskets: int) -> None:
        self._shoppers.buy(baskets)

    def finish(self, options: dict[str, Any]) -> dict[str, Any]:
        """Close for good; `options` are the operator's and say nothing here."""
        del options
        self._shoppers.close_doors()
        self._rested, self._quiet_since = False, None
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
            "periods": dict(self.periods),
            "shoppers": self._shoppers.books(),
            "merchants": self._merchants.books(),
            "homeward": self._back.books(),
        }

    # -- knowing -----------------------------------------------------------------------------------------------------

    def done(self) -> bool:
        return self._rested and not self.waiting()

    def waiting(self) -> dict[str, int]:
        """What is not over yet, by kind, with the channel it is on."""
        waiting = Counter(self._shoppers.waiting())
        waiting["returns on their way"] = self._back.waiting()
        waiting["calls"] = 0 if self._world.quiet() else 1
        if self.stage is Stage.TRADING:
            waiting["doors"] = 1
        for shop in self._shops:
            waiting[f"{shop.name} orders"] = self._counts[shop.name].count(self._world.clock())
            _count(waiting, shop.name, shop.waiting())
        _count(waiting, "back office", self._desk.portal.waiting())
        return {kind: count for kind, count in sorted(waiting.items()) if count}

    # -- closing -----------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Quiet for as long as money takes to clear: the periods are closed; quiet once more: everybody rests."""
        now = self._world.clock()
        if self.waiting():
            self._quiet_since, self._rested = None, False
        elif self._quiet_since is None:
            self._quiet_since = now
        elif self.stage is Stage.DOORS_CLOSED and now - self._quiet_since >= self._clearing:
            self._close_periods()
            self._quiet_since = None
        elif self.stage is Stage.PERIODS_CLOSED:
            self._rested = True
        if self._rested:
            self._watching = False
        else:
            self._world.at(now + WATCH_EVERY, self._watch)

    def _close_periods(self) -> None:
        for shop in self._shops:
            self.periods[shop.name] = shop.portal.close_period()
        self.stage = Stage.PERIODS_CLOSED


def _count(waiting: Counter[str], where: str, kinds: Mapping[str, int]) -> None:
    for kind, count in kinds.items():
        waiting[f"{where} {kind}"] += count


class _OpenOrders:
    """How many orders of one channel are open; counted again when one changed."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._counted: tuple[datetime, int] | None = None
        shop.portal.subscribe(self._hear)

    def count(self, now: datetime) -> int:
        if self._counted is None or now - self._counted[0] > COUNT_AGAIN:
            self._counted = now, len(self._shop.open_orders())
        return self._counted[1]

    def _hear(self, topic: str, subject: str) -> None:
        if topic.startswith("order."):
            self._counted = None


class Steered:
    """What the control port of this world shows and drives: the selling company, and the operator's world when there is one."""

    def __init__(self, selling: Director, operator: Steering | None) -> None:
        self._selling = selling
        self._operator = operator

    def pause(self) -> None:
        for one in self._both():
            one.pause()

    def resume(self) -> None:
        for one in self._both():
            one.resume()

    def buy(self, baskets: int) -> None:
        for one in self._both():
            one.buy(baskets)

    def finish(self, options: dict[str, Any]) -> dict[str, Any]:
        for one in self._both():
            one.finish(options)
        return self.report()

    def report(self) -> dict[str, Any]:
        """The operator's report as ever, with the company's beside it under "selling"; `done` is both's."""
        selling = self._selling.report()
        if self._operator is None:
            return {**{name: selling[name] for name in ("done", "stage", "waiting")}, "selling": selling}
        theirs = self._operator.report()
        return {**theirs, "done": theirs["done"] and selling["done"], "selling": selling}

    def _both(self) -> list[Steering]:
        return [self._selling] if self._operator is None else [self._operator, self._selling]
