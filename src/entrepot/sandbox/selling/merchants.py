"""The people of the company: prices rise, goods arrive, the last pieces go over the counter; and what a channel finds at fault meanwhile."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from entrepot.sandbox.back_office import BackOffice
from entrepot.sandbox.errands import Errands
from entrepot.sandbox.selling.shops import Shop


@dataclass(frozen=True, slots=True)
class Move:
    """Something somebody does, so long after the start."""

    name: str
    after: timedelta
    do: Callable[[], None]


@dataclass
class Merchants:
    """All of them. `done` tells what happened, with the instant."""

    errands: Errands
    desk: BackOffice
    done: list[dict[str, Any]] = field(default_factory=list)

    def plan(self, moves: Sequence[Move]) -> None:
        for move in moves:
            self.errands.later("moves", move.after, self._step(move))

    def list_stock_every(self, pause: timedelta) -> None:
        """The full stock list comes by itself, for ever."""
        self.desk.portal.list_stock()
        world = self.errands.world
        world.at(world.clock() + pause, lambda: self.list_stock_every(pause))

    def books(self) -> dict[str, Any]:
        return {"moves": self.done}

    def _step(self, move: Move) -> Callable[[], None]:
        def act() -> None:
            move.do()
            self.done.append({"name": move.name, "at": self.errands.world.clock().isoformat()})

        return act

    # -- what they know to do ----------------------------------------------------------------------------------------

    def dearer(self, sku: str, by_percent: int, channel: str = "*") -> Callable[[], None]:
        def act() -> None:
            now = self.desk.books()["prices"][sku][channel]
            self.desk.portal.price(sku, channel, now + now * by_percent // 100)

        return act

    def sold_over_the_counter(self, sku: str) -> Callable[[], None]:
        return lambda: self.desk.portal.sell_out(sku)

    def restocked(self, sku: str, pieces: int) -> Callable[[], None]:
        return lambda: self.desk.portal.restock(sku, pieces)

    def rewritten(self, sku: str, title: str) -> Callable[[], None]:
        return lambda: self.desk.portal.revise(sku, title=title)


def found_at_fault(shop: Shop, sku: str) -> Callable[[], None]:
    """The channel stops showing an article."""
    return lambda: shop.portal.suppress(sku, "18027", "The product title needs a material.", "item_name")


def found_in_order(shop: Shop, sku: str) -> Callable[[], None]:
    """The channel shows it again."""
    return lambda: shop.portal.restore(sku)
