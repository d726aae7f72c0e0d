"""The seller's health: late shipments, defects, cases, and the standards profile made of them.

Source: the published seller_standards_profile resource and the thresholds of eBay's seller standards (transaction
defects 2 %, top rated 0.5 %; cases without resolution 0.3 %; late shipments top rated 5 %). eBay has no limit of late
shipments for "above standard" in every program; where it has, it is 10 %.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from entrepot.sandbox.core import Response
from entrepot.sandbox.ebay.errors import ANALYTICS, EbayError
from entrepot.sandbox.ebay.market import Market
from entrepot.sandbox.ebay.orders import OUT_OF_STOCK
from entrepot.sandbox.ebay.router import Call
from entrepot.sandbox.ebay.state import SELLER, Inquiry, Line, Order, Return
from entrepot.sandbox.ebay.wire import answer, stamp

LOOKBACK: Final = timedelta(days=365)
EVALUATION_DAY: Final = 20
TOP_RATED, ABOVE_STANDARD, BELOW_STANDARD = "TOP_RATED", "ABOVE_STANDARD", "BELOW_STANDARD"


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured rate. Thresholds in per cent."""

    key: str
    name: str
    count: int
    of: int
    top_percent: Decimal
    above_percent: Decimal

    @property
    def percent(self) -> Decimal:
        """The rate."""
        return (Decimal(100 * self.count) / self.of).quantize(Decimal("0.01")) if self.of else Decimal(0)

    @property
    def level(self) -> str:
        """What this rate alone would make the seller."""
        if self.percent <= self.top_percent:
            return TOP_RATED
        return ABOVE_STANDARD if self.percent <= self.above_percent else BELOW_STANDARD


class Standards:
    """Measures, from the orders themselves, as of any instant."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def metrics(self, as_of: datetime) -> list[Metric]:
        """The rates of the year before an instant. A transaction is a paid order line."""
        paid = [
            (order, line)
            for order in self._market.orders.values()
            if order.paid_at is not None and as_of - LOOKBACK <= order.paid_at <= as_of
            for line in order.lines.values()
        ]
        due = [(order, line) for order, line in paid if _is_due(order, line, as_of)]
        late = sum(_is_late(order, line, as_of) for order, line in due)
        judged: list[Return | Inquiry] = [*self._market.returns.values(), *self._market.inquiries.values()]
        cases = sum(
            one.unresolved and one.closed_at is not None and as_of - LOOKBACK <= one.closed_at <= as_of
            for one in judged
        )
        cancelled = sum(_is_seller_cancelled(order, as_of) for order, _ in paid)
        return [
            _metric("DEFECTIVE_TRANSACTION_RATE", "Transaction defects", cancelled + cases, len(paid), "0.5", "2"),
            _metric("CLAIMS_SAF_RATE", "Cases closed without seller resolution", cases, len(paid), "0.3", "0.3"),
            _metric("SHIPPING_MISS_RATE", "Late shipment rate", late, len(due), "5", "10"),
        ]

    def health(self) -> dict[str, float]:
        """The rates now, as shares of one."""
        now = self._market.now()
        by_key = {metric.key: metric for metric in self.metrics(now)}
        paid = [one for one in self._market.orders.values() if one.paid_at is not None]
        cancelled = sum(_is_seller_cancelled(order, now) for order in paid)
        return {
            "late_shipment_rate": _share(by_key["SHIPPING_MISS_RATE"]),
            "defect_rate": _share(by_key["DEFECTIVE_TRANSACTION_RATE"]),
            "cases_rate": _share(by_key["CLAIMS_SAF_RATE"]),
            "cancellation_rate": cancelled / len(paid) if paid else 0.0,
        }

    # -- calls -----------------------------------------------------------------------------------------------------

    def find(self, call: Call) -> Response:
        """findSellerStandardsProfiles."""
        profiles = [self._profile(cycle) for cycle in ("CURRENT", "PROJECTED")]
        return answer(200, {"standardsProfiles": profiles})

    def get(self, call: Call) -> Response:
        """getSellerStandardsProfile of one program and cycle."""
        program, cycle = call.ids["program"], call.ids["cycle"]
        if program not in (self._market.settings.program, "PROGRAM_GLOBAL"):
            raise EbayError(404, 55002, f"Invalid program: {program}", domain=ANALYTICS)
        if cycle not in ("CURRENT", "PROJECTED"):
            raise EbayError(400, 55003, f"Invalid cycle: {cycle}", domain=ANALYTICS)
        return answer(200, {**self._profile(cycle), "program": program})

    def _profile(self, cycle: str) -> dict[str, Any]:
        now = self._market.now()
        as_of = _last_evaluation(now) if cycle == "CURRENT" else now
        metrics = self.metrics(as_of)
        return {
            "program": self._market.settings.program,
            "cycle": {
                "cycleType": cycle,
                "evaluationDate": stamp(as_of),
                "evaluationMonth": f"{as_of:%Y-%m}",
            },
            "defaultProgram": True,
            "evaluationReason": "Seller level generated by standards monthly evaluation cycle",
            "standardsLevel": _worst(metric.level for metric in metrics),
            "metrics": [_metric_view(metric, as_of) for metric in metrics],
        }


def _metric(key: str, name: str, count: int, of: int, top: str, above: str) -> Metric:
    return Metric(key, name, count, of, Decimal(top), Decimal(above))


def _metric_view(metric: Metric, as_of: datetime) -> dict[str, Any]:
    return {
        "metricKey": metric.key,
        "name": metric.name,
        "level": metric.level,
        "type": "RATE",
        "value": {"numerator": metric.count, "denominator": metric.of, "value": f"{metric.percent:f}"},
        "lookbackStartDate": stamp(as_of - LOOKBACK),
        "lookbackEndDate": stamp(as_of),
        "thresholdLowerBound": {"value": f"{metric.top_percent:f}"},
        "thresholdUpperBound": {"value": f"{metric.above_percent:f}"},
        "thresholdMetaData": "[LOWER,UPPER]",
    }


def _share(metric: Metric) -> float:
    return metric.count / metric.of if metric.of else 0.0


def _worst(levels: Iterable[str]) -> str:
    order = (TOP_RATED, ABOVE_STANDARD, BELOW_STANDARD)
    return max(levels, key=order.index)


def _is_due(order: Order, line: Line, as_of: datetime) -> bool:
    """Whether it is already known if this line was late: shipped, or its time is over; cancelled ones do not count."""
    if order.ship_by is None or (order.cancelled_at is not None and order.cancelled_at <= as_of):
        return False
    shipped = line.shipped_at is not None and line.shipped_at <= as_of
    return shipped or order.ship_by < as_of


def _is_late(order: Order, line: Line, as_of: datetime) -> bool:
    assert order.ship_by is not None
    if line.shipped_at is None or line.shipped_at > as_of:
        return True
    return line.shipped_at > order.ship_by


def _is_seller_cancelled(order: Order, as_of: datetime) -> bool:
    done = order.cancelled_at is not None and order.cancelled_at <= as_of
    return done and order.cancelled_by == SELLER and order.cancel_reason == OUT_OF_STOCK


def _last_evaluation(now: datetime) -> datetime:
    """The last 20th of a month, midnight."""
    day = now.replace(day=EVALUATION_DAY, hour=0, minute=0, second=0, microsecond=0)
    if day > now:
        day = (day.replace(day=1) - timedelta(days=1)).replace(day=EVALUATION_DAY)
    return day
