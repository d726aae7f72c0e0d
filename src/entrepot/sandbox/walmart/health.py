"""How well this seller does: measured rates over a number of days, and the performance call.

Source: the performance report's indicators (ots, otd, vtr, refund and cancellation rates by fault). Lines of
Walmart-fulfilled orders do not count. [guess] the base of each rate, and that a tracking number of fewer than 8
characters is not valid.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from entrepot.sandbox.core import Response
from entrepot.sandbox.walmart.platform import Platform
from entrepot.sandbox.walmart.router import Call
from entrepot.sandbox.walmart.state import BUYER, BY_SELLER, SELLER_FAULT_REFUNDS, Line, Order
from entrepot.sandbox.walmart.wire import answer

WINDOWS_DAYS: Final = (7, 14, 30, 60, 90)
HEALTH_DAYS: Final = 90
TRACKING_LENGTH_MIN: Final = 8
CUSTOMER_ASKED: Final = "CUSTOMER_REQUESTED_SELLER_TO_CANCEL"

Pair = tuple[Order, Line]


class Health:
    """Measures."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def rates(self) -> dict[str, float]:
        """Shares between 0 and 1 over the last 90 days."""
        lines = self._lines(HEALTH_DAYS)
        orders = [order for order in self._platform.orders.values() if order.fulfilled_by == BY_SELLER]
        return {
            "late_shipment_rate": _rate(lines, self._shipped_late, self._due),
            "cancellation_rate": _rate(lines, _seller_cancelled),
            "defect_rate": _rate(lines, lambda pair: _refunded(pair, at_fault=True)),
            "late_acknowledgement_rate": _share(sum(self._acknowledged_late(one) for one in orders), len(orders)),
            "late_delivery_rate": _rate(lines, _delivered_late, _delivered),
            "valid_tracking_rate": _rate(lines, _valid_tracking, _shipped),
        }

    def call(self, call: Call) -> Response:
        """The performance report, in percent."""
        shown: dict[str, Any] = {
            "statusCode": 200,
            "status": "OK",
            "error": "",
            "partnerId": self._platform.settings.partner_id,
        }
        return answer(200, {**shown, **{f"{days}DAY": self._window(days) for days in WINDOWS_DAYS}})

    def _window(self, days: int) -> dict[str, Decimal]:
        lines = self._lines(days)
        return {
            "refundRateSellerFault": _percent(_rate(lines, lambda pair: _refunded(pair, at_fault=True))),
            "refundRateCustomerFault": _percent(_rate(lines, lambda pair: _refunded(pair, at_fault=False))),
            "ots": _percent(1 - _rate(lines, self._shipped_late, self._due)),
            "otd": _percent(1 - _rate(lines, _delivered_late, _delivered)),
            "vtr": _percent(_rate(lines, _valid_tracking, _shipped) if any(map(_shipped, lines)) else 1.0),
            "cancellationSellerFault": _percent(_rate(lines, _seller_cancelled)),
            "cancellationCustomerFault": _percent(_rate(lines, _customer_cancelled)),
        }

    def _lines(self, days: int) -> list[Pair]:
        since = self._platform.now() - timedelta(days=days)
        return [
            (order, line)
            for order in self._platform.orders.values()
            if order.placed_at >= since and order.fulfilled_by == BY_SELLER
            for line in order.lines
        ]

    def _due(self, pair: Pair) -> bool:
        order, line = pair
        return bool(line.shipped or (line.open and self._platform.now() > order.ship_by) or _auto_cancelled(line))

    def _shipped_late(self, pair: Pair) -> bool:
        order, line = pair
        late = any(parcel.told_at > order.ship_by for parcel in line.parcels)
        return late or bool(line.open and self._platform.now() > order.ship_by) or _auto_cancelled(line)

    def _acknowledged_late(self, order: Order) -> bool:
        until = order.placed_at + self._platform.settings.acknowledge_within
        if order.acknowledged_at is not None:
            return order.acknowledged_at > until
        acted = [parcel.told_at for line in order.lines for parcel in line.parcels]
        acted += [line.cancelled_at for line in order.lines if line.cancelled_at]
        return min([*acted, self._platform.now()]) > until


def _auto_cancelled(line: Line) -> bool:
    return line.cancelled_by == "channel"


def _seller_cancelled(pair: Pair) -> bool:
    return any(reason != CUSTOMER_ASKED and pair[1].cancelled_by != BUYER for reason in pair[1].cancelled)


def _customer_cancelled(pair: Pair) -> bool:
    return bool(pair[1].cancelled) and not _seller_cancelled(pair)


def _refunded(pair: Pair, *, at_fault: bool) -> bool:
    reasons = [charge.reason for refund in pair[1].refunds for charge in refund.charges]
    return any((reason in SELLER_FAULT_REFUNDS) == at_fault for reason in reasons)


def _shipped(pair: Pair) -> bool:
    return bool(pair[1].parcels)


def _valid_tracking(pair: Pair) -> bool:
    return all(len(parcel.tracking) >= TRACKING_LENGTH_MIN for parcel in pair[1].parcels)


def _delivered(pair: Pair) -> bool:
    return any(parcel.delivered_at for parcel in pair[1].parcels)


def _delivered_late(pair: Pair) -> bool:
    order, line = pair
    return any(parcel.delivered_at and parcel.delivered_at > order.deliver_by for parcel in line.parcels)


def _always(pair: Pair) -> bool:
    return True


def _rate(lines: Sequence[Pair], hit: Callable[[Pair], bool], counted: Callable[[Pair], bool] = _always) -> float:
    base = [pair for pair in lines if counted(pair)]
    return _share(sum(map(hit, base)), len(base))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _percent(share: float) -> Decimal:
    return Decimal(round(share * 100, 2)).quantize(Decimal("0.01"))
