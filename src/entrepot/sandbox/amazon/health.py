"""The measured rates of an account, and the report that tells them with their targets."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from entrepot.sandbox.amazon.platform import Platform
from entrepot.sandbox.amazon.state import CANCELLED, Order

LATE_TARGET, CANCEL_TARGET, DEFECT_TARGET, TRACKING_TARGET, ON_TIME_TARGET = 0.04, 0.025, 0.01, 0.95, 0.9
LATE_DAYS, CANCEL_DAYS, DEFECT_DAYS, TRACKING_DAYS, POLICY_DAYS = 30, 7, 60, 30, 180
NOT_MY_FAULT: Final = frozenset({"BuyerCanceled", "CustomerCancel"})
VIOLATIONS: Final = (
    "listingPolicyViolations",
    "productAuthenticityCustomerComplaints",
    "productConditionCustomerComplaints",
    "productSafetyCustomerComplaints",
    "receivedIntellectualPropertyComplaints",
    "restrictedProductPolicyViolations",
    "suspectedIntellectualPropertyViolations",
    "foodAndProductSafetyIssues",
    "otherPolicyViolations",
    "documentRequests",
)

Measure = tuple[int, int, float]
"""How many, of how many, and the rate."""


class Health:
    """Measures seller-fulfilled orders as they stand now."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def rates(self) -> Mapping[str, float]:
        """The rates by our names."""
        return {
            "late_shipment_rate": self._late()[2],
            "cancellation_rate": self._cancelled()[2],
            "order_defect_rate": self._defects(mine=True)[2],
            "valid_tracking_rate": self._tracked()[2],
            "on_time_delivery_rate": self._on_time()[2],
        }

    def _since(self, days: int) -> datetime:
        return self._platform.now() - timedelta(days=days)

    def _orders(self, days: int, mine: bool = True) -> list[Order]:
        since = self._since(days)
        return [
            order
            for order in self._platform.orders.values()
            if order.mine == mine and not order.pending and order.placed_at >= since
        ]

    def _late(self) -> Measure:
        """Orders confirmed after their latest ship date, or still not confirmed then."""
        now = self._platform.now()

        def late(order: Order) -> bool:
            waiting = order.status != CANCELLED and any(line.open for line in order.lines.values())
            return any(package.confirmed_late for package in order.packages) or (waiting and now > order.ship_by)

        orders = [order for order in self._orders(LATE_DAYS) if order.packages or now > order.ship_by]
        return _measure(sum(late(order) for order in orders), len(orders), none=0.0)

    def _cancelled(self) -> Measure:
        """Orders the seller cancelled, or let lapse, before shipping; not those the buyer asked to cancel."""
        orders = self._orders(CANCEL_DAYS)

        def at_fault(order: Order) -> bool:
            reasons = {
                line.cancel_reason for line in order.lines.values() if line.cancelled_by in ("seller", "channel")
            }
            asked = all(line.ask_reason for line in order.lines.values() if line.cancelled)
            return bool(reasons - NOT_MY_FAULT) and not asked

        return _measure(sum(at_fault(order) for order in orders), len(orders), none=0.0)

    def _defects(self, mine: bool) -> Measure:
        orders = self._orders(DEFECT_DAYS, mine)
        disputed = {dispute.order_id for dispute in self._platform.disputes.values()}
        return _measure(sum(order.order_id in disputed for order in orders), len(orders), none=0.0)

    def _tracked(self) -> Measure:
        since = self._since(TRACKING_DAYS)
        packages = [
            package
            for order in self._platform.orders.values()
            for package in order.packages
            if order.mine and package.created_at >= since
        ]
        return _measure(sum(bool(package.tracking) for package in packages), len(packages), none=1.0)

    def _on_time(self) -> Measure:
        since = self._since(TRACKING_DAYS)
        arrived = [
            (package.delivered_at, order.deliver_by)
            for order in self._platform.orders.values()
            for package in order.packages
            if order.mine and package.delivered_at is not None and package.delivered_at >= since
        ]
        return _measure(sum(at <= by for at, by in arrived), len(arrived), none=1.0)

    # -- the report ------------------------------------------------------------------------------------------------

    def report(self) -> dict[str, Any]:
        """GET_V2_SELLER_PERFORMANCE_REPORT in the form of accountHealthReport-2020-11-18."""
        market_id = self._platform.market.marketplace_id
        mine = self._defect_rate(mine=True)
        metrics: dict[str, Any] = {
            "marketplaceId": market_id,
            "invoiceDefectRate": self._invoices(),
            "lateShipmentRate": self._rate(self._late(), "lateShipmentCount", LATE_DAYS, LATE_TARGET),
            "orderDefectRate": {"mfn": mine, "afn": self._defect_rate(mine=False)},
            "onTimeDeliveryRate": self._least(
                self._on_time(), "onTimeDeliveryCount", "shipmentCountWithValidTracking", ON_TIME_TARGET
            ),
            "unitOnTimeDeliveryRate": self._least(
                self._on_time(), "unitOnTimeDeliveryCount", "totalUnitCount", ON_TIME_TARGET
            ),
            "validTrackingRate": self._least(self._tracked(), "validTrackingCount", "shipmentCount", TRACKING_TARGET),
            "preFulfillmentCancellationRate": self._rate(
                self._cancelled(), "cancellationCount", CANCEL_DAYS, CANCEL_TARGET
            ),
            "warningStates": [],
            "accountHealthRating": {"ahrStatus": "GREAT", "reportingDateRange": self._range(POLICY_DAYS)},
            **{name: self._violation() for name in VIOLATIONS},
        }
        bad = any(isinstance(metric, dict) and metric.get("status") == "BAD" for metric in (*metrics.values(), mine))
        status = "AT_RISK" if bad else "NORMAL"
        return {
            "accountStatuses": [{"marketplaceId": market_id, "status": status}],
            "performanceMetrics": [metrics],
        }

    def _range(self, days: int) -> dict[str, str]:
        now = self._platform.now().astimezone(UTC)
        return {
            "reportingDateFrom": f"{now - timedelta(days=days):%Y-%m-%dT%H:%MZ}",
            "reportingDateTo": f"{now:%Y-%m-%dT%H:%MZ}",
        }

    def _rate(self, measure: Measure, counted: str, days: int, target: float) -> dict[str, Any]:
        count, whole, rate = measure
        return {
            "reportingDateRange": self._range(days),
            "orderCount": whole,
            counted: count,
            "status": "GOOD" if rate < target else "BAD",
            "rate": rate,
            "targetValue": target,
            "targetCondition": "LESS_THAN",
        }

    def _least(self, measure: Measure, counted: str, of: str, target: float) -> dict[str, Any]:
        count, whole, rate = measure
        return {
            "reportingDateRange": self._range(TRACKING_DAYS),
            of: whole,
            counted: count,
            "status": "GOOD" if rate > target else "BAD",
            "rate": rate,
            "targetValue": target,
            "targetCondition": "GREATER_THAN",
        }

    def _defect_rate(self, mine: bool) -> dict[str, Any]:
        count, whole, rate = self._defects(mine)
        return {
            "reportingDateRange": self._range(DEFECT_DAYS),
            "orderCount": whole,
            "orderWithDefects": {"count": count, "status": "GOOD" if rate < DEFECT_TARGET else "BAD"},
            "claims": {"count": count, "status": "NONE"},
            "chargebacks": {"count": 0, "status": "NONE"},
            "negativeFeedback": {"count": 0, "status": "NONE"},
            "fulfillmentType": "mfn" if mine else "afn",
            "status": "GOOD" if rate < DEFECT_TARGET else "BAD",
            "rate": rate,
            "targetValue": DEFECT_TARGET,
            "targetCondition": "LESS_THAN",
        }

    def _invoices(self) -> dict[str, Any]:
        none = {"count": 0, "status": "NONE"}
        return {
            "reportingDateRange": self._range(CANCEL_DAYS),
            "orderCount": 0,
            "invoiceDefect": none,
            "missingInvoice": none,
            "lateInvoice": none,
            "status": "NONE",
            "rate": 0,
            "targetValue": 0.05,
            "targetCondition": "LESS_THAN",
        }

    def _violation(self) -> dict[str, Any]:
        return {
            "reportingDateRange": self._range(POLICY_DAYS),
            "defectsCount": 0,
            "status": "GOOD",
            "targetValue": 0,
            "targetCondition": "EQUALS",
        }


def _measure(count: int, whole: int, none: float) -> Measure:
    return count, whole, count / whole if whole else none
