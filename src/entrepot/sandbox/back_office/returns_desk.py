"""The returns desk: parcels come back, are looked at, and are taken back or not; the money follows what was taken."""

from collections.abc import Mapping
from functools import partial

from entrepot.sandbox.back_office import views
from entrepot.sandbox.back_office.model import Line, Order, Return
from entrepot.sandbox.back_office.platform import Platform
from entrepot.sandbox.back_office.stockroom import Stockroom


class ReturnsDesk:
    def __init__(self, platform: Platform, stockroom: Stockroom) -> None:
        self._platform = platform
        self._stockroom = stockroom
        self._rng = platform.stream("returns")
        self.returns: dict[str, Return] = {}

    def receive(self, order: Order, return_id: str, lines: Mapping[str, int]) -> None:
        """Goods arrive; the same return again is no news. Errors: ValueError when more comes back than ever left."""
        known = self.returns.get(return_id)
        if known is not None:
            if (known.number, known.lines) != (order.number, dict(lines)):
                raise ValueError(f"return {return_id} came with other goods before")
            return
        for line_id, quantity in lines.items():
            line = order.lines.get(line_id)
            if line is None or not 0 < quantity <= line.shipped - line.came_back:
                raise ValueError(f"{quantity} of line {line_id} of {order.number} cannot come back")
        for line_id, quantity in lines.items():
            order.lines[line_id].came_back += quantity
        back = self.returns[return_id] = Return(return_id, order.number, dict(lines))
        self._platform.after(self._platform.settings.inspect_after_s, self._rng, partial(self._inspect, order, back))

    def waiting(self) -> int:
        return sum(one.at is None for one in self.returns.values())

    def _inspect(self, order: Order, back: Return) -> None:
        settings = self._platform.settings
        rng = self._platform.stream(f"return/{back.return_id}")
        for line_id, quantity in back.lines.items():
            line = order.lines[line_id]
            bad = sum(rng.random() < settings.reject_chance for _ in range(quantity))
            if bad:
                back.rejected[line_id] = bad
            if good := quantity - bad:
                back.accepted[line_id] = good
                if settings.decides_refunds:
                    back.refund_minor[line_id] = share(line, good)
                line.accepted_back += good
                self._stockroom.restock(line.sku, good, "returned")
        back.at = self._platform.now()
        self._platform.tell("return", back.return_id, back.at, views.returned(back, back.at))


def share(line: Line, pieces: int) -> int:
    """What so many more pieces of a line are worth: all pieces together are worth the line, to the cent."""
    worth = line.price_minor + line.tax_minor
    before, after = line.accepted_back, line.accepted_back + pieces
    return worth * after // line.quantity - worth * before // line.quantity
