"""The events themselves, and how they get into the seller's queue: late, twice, or not at all when planned so."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from entrepot.sandbox.amazon.notifications import (
    FEED_FINISHED,
    ISSUES_CHANGE,
    ORDER_CHANGE,
    REPORT_FINISHED,
    STATUS_CHANGE,
    Subscription,
)
from entrepot.sandbox.amazon.platform import Platform
from entrepot.sandbox.amazon.state import V0_STATUS, Job, Line, Listing, Order
from entrepot.sandbox.amazon.wire import blank, stamp_ms
from entrepot.sandbox.faults import Fault
from entrepot.sandbox.queue import Queue

LOWER_CASE: Final = frozenset({FEED_FINISHED, REPORT_FINISHED})
"""These two write their envelope in lower camel case; the others in upper."""
OUT_OF_ORDER_S: Final = 60


class Events:
    """Tells the seller what changed, if he subscribed to it. Bodies follow the published notification schemas."""

    def __init__(self, platform: Platform, queue: Queue, subscriptions: Mapping[str, Subscription]) -> None:
        self._platform = platform
        self._settings = platform.settings
        self._queue = queue
        self._subscriptions = subscriptions
        self._rng = platform.world.stream(f"{platform.settings.account} notifications")
        self.sent = 0
        self.on_the_way = 0

    def order_changed(self, order: Order, change_type: str, reason: str) -> None:
        """ORDER_CHANGE, on the order's level."""
        subscription = self._subscriptions.get(ORDER_CHANGE)
        if subscription is None or not subscription.wants(change_type):
            return
        content = {
            "NotificationLevel": "OrderLevel",
            "SellerId": self._settings.seller_id,
            "AmazonOrderId": order.order_id,
            "OrderChangeType": change_type,
            "OrderChangeTrigger": {"TimeOfOrderChange": stamp_ms(order.updated_at), "ChangeReason": reason},
            "Summary": self._order_summary(order),
        }
        self._tell(ORDER_CHANGE, "1.0", {"OrderChangeNotification": content})

    def _order_summary(self, order: Order) -> dict[str, Any]:
        return {
            "MarketplaceId": self._platform.market.marketplace_id,
            "OrderStatus": V0_STATUS[order.status],
            "PurchaseDate": stamp_ms(order.placed_at),
            "DestinationPostalCode": None if order.pending else self._platform.market.postal_code,
            "FulfillmentType": "MFN" if order.mine else "AFN",
            "OrderType": "StandardOrder",
            "NumberOfItemsShipped": sum(line.shipped for line in order.lines.values()),
            "NumberOfItemsUnshipped": sum(line.open for line in order.lines.values()),
            "EarliestDeliveryDate": stamp_ms(order.deliver_from),
            "LatestDeliveryDate": stamp_ms(order.deliver_by),
            "EarliestShipDate": stamp_ms(order.ship_from),
            "LatestShipDate": stamp_ms(order.ship_by),
            "CancelNotifyDate": None if order.cancelled_at is None else stamp_ms(order.cancelled_at),
            "OrderPrograms": [],
            "ShippingPrograms": [],
            **blank("EasyShipShipmentStatus", "ElectronicInvoiceStatus"),
            "OrderItems": [self._item_summary(order, line) for line in order.lines.values()],
        }

    def _item_summary(self, order: Order, line: Line) -> dict[str, Any]:
        whole = line.cancelled == line.quantity
        status = "Canceled" if whole else V0_STATUS[order.status] if line.open else "Shipped"
        return {
            "OrderItemId": line.line_id,
            "SellerSKU": line.sku,
            "SupplySourceId": None,
            "OrderItemStatus": status,
            "Quantity": line.quantity - line.cancelled,
            "QuantityShipped": line.shipped,
            "IsBuyerRequestedCancel": line.ask_reason is not None,
            "ItemEarliestDeliveryDate": stamp_ms(order.deliver_from),
            "ItemLatestDeliveryDate": stamp_ms(order.deliver_by),
        }

    def feed_ended(self, feed: Job) -> None:
        """FEED_PROCESSING_FINISHED."""
        content = {
            "sellerId": self._settings.seller_id,
            "accountId": self._settings.seller_id,
            "feedId": feed.job_id,
            "feedType": feed.kind,
            "processingStatus": feed.status,
            **({"resultFeedDocumentId": feed.output_id} if feed.output_id else {}),
        }
        self._tell(FEED_FINISHED, "2020-09-04", {"feedProcessingFinishedNotification": content})

    def report_ended(self, report: Job) -> None:
        """REPORT_PROCESSING_FINISHED."""
        content = {
            "sellerId": self._settings.seller_id,
            "accountId": self._settings.seller_id,
            "reportId": report.job_id,
            "reportType": report.kind,
            "processingStatus": report.status,
            **({"reportDocumentId": report.output_id} if report.output_id else {}),
        }
        self._tell(REPORT_FINISHED, "2020-09-04", {"reportProcessingFinishedNotification": content})

    def listing_changed(self, listing: Listing, *, deleted: bool, status: bool, issues: bool) -> None:
        """LISTINGS_ITEM_STATUS_CHANGE and LISTINGS_ITEM_ISSUES_CHANGE."""
        about = {
            "SellerId": self._settings.seller_id,
            "MarketplaceId": self._platform.market.marketplace_id,
            "Asin": listing.asin,
            "Sku": listing.sku,
        }
        if status:
            words = ["DELETED"] if deleted else listing.status
            content = {**about, "CreatedDate": stamp_ms(listing.created_at), "Status": words}
            self._tell(STATUS_CHANGE, "1.0", content)
        if issues:
            severities = sorted({issue.severity for issue in listing.issues}) or ["NONE"]
            actions = ["SEARCH_SUPPRESSED"] if any(issue.suppresses for issue in listing.issues) else []
            self._tell(ISSUES_CHANGE, "1.0", {**about, "Severities": severities, "EnforcementActions": actions})

    # -- delivery --------------------------------------------------------------------------------------------------

    def _tell(self, kind: str, version: str, payload: dict[str, Any]) -> None:
        subscription = self._subscriptions.get(kind)
        if subscription is None:
            return
        fault = self._platform.world.faults.take(self._settings.system, f"webhook:{kind}")
        event = self._envelope(subscription, version, payload)
        delay = self._settings.event_delay
        if fault is not None and fault.kind == "lost":
            return
        if fault is not None and fault.kind == "out-of-order":
            delay += timedelta(seconds=fault.number(OUT_OF_ORDER_S))
        self._deliver_after(event, delay)
        if self._rng.random() < self._settings.duplicate_rate or (fault is not None and fault.kind == "duplicate"):
            self._deliver_after(event, delay + timedelta(seconds=self._rng.randint(1, 30)))
        elif fault is not None and fault.kind == "dup-other-content":
            self._deliver_after(_altered(event, fault), delay)

    def _envelope(self, subscription: Subscription, version: str, payload: dict[str, Any]) -> dict[str, Any]:
        now = stamp_ms(self._platform.now())
        metadata = {
            "ApplicationId": self._settings.application_id,
            "SubscriptionId": subscription.subscription_id,
            "PublishTime": now,
            "NotificationId": self._platform.uuid(),
        }
        event = {
            "NotificationVersion": version,
            "NotificationType": subscription.kind,
            "PayloadVersion": version,
            "EventTime": now,
            "Payload": payload,
            "NotificationMetadata": metadata,
        }
        if subscription.kind not in LOWER_CASE:
            return event
        lowered = {_lower(name): value for name, value in event.items()}
        return {**lowered, "notificationMetadata": {_lower(name): value for name, value in metadata.items()}}

    def _deliver_after(self, event: dict[str, Any], delay: timedelta) -> None:
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        self.on_the_way += 1

        def deliver() -> None:
            self.on_the_way -= 1
            self.sent += 1
            self._queue.put(body)

        self._platform.at(self._platform.now() + delay, deliver)


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]


def _altered(event: dict[str, Any], fault: Fault) -> dict[str, Any]:
    """The same event with other content: a field the plan names, or its time."""
    name = fault.arg if isinstance(fault.arg, str) else next(key for key in event if key.lower() == "eventtime")
    return {**event, name: "1970-01-01T00:00:00.000Z"}
