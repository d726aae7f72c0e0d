"""Notifications v1: where events go, which are wanted, and the events themselves."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from entrepot.sandbox.amazon import wire
from entrepot.sandbox.amazon.errors import SpApiError, invalid, not_found
from entrepot.sandbox.amazon.platform import Platform
from entrepot.sandbox.amazon.queue import Queue
from entrepot.sandbox.amazon.router import Router
from entrepot.sandbox.amazon.state import V0_STATUS, Job, Line, Listing, Order
from entrepot.sandbox.amazon.wire import Call, blank, stamp_ms
from entrepot.sandbox.core import Response, json_response
from entrepot.sandbox.faults import Fault

PATH: Final = "/notifications/v1"
ORDER_CHANGE: Final = "ORDER_CHANGE"
FEED_FINISHED: Final = "FEED_PROCESSING_FINISHED"
REPORT_FINISHED: Final = "REPORT_PROCESSING_FINISHED"
ISSUES_CHANGE: Final = "LISTINGS_ITEM_ISSUES_CHANGE"
STATUS_CHANGE: Final = "LISTINGS_ITEM_STATUS_CHANGE"
TYPES: Final = (ORDER_CHANGE, FEED_FINISHED, REPORT_FINISHED, ISSUES_CHANGE, STATUS_CHANGE)
LOWER_CASE: Final = frozenset({FEED_FINISHED, REPORT_FINISHED})
"""These two write their envelope in lower camel case; the others in upper."""
DIRECTIVE_KEYS: Final = ("aggregationSettings", "marketplaceIds", "orderChangeTypes", "trackingIdentifier")
CHANGE_TYPES: Final = ("BuyerRequestedChange", "DeliveryTipChange", "OrderStatusChange")
OUT_OF_ORDER_S: Final = 60


@dataclass(frozen=True, slots=True)
class Destination:
    """A queue the application registered."""

    destination_id: str
    name: str
    arn: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """One wanted type of event."""

    subscription_id: str
    kind: str
    version: str
    destination_id: str
    directive: Mapping[str, Any] | None

    def wants(self, change_type: str) -> bool:
        """Whether the filter lets an order change pass."""
        chosen = (self.directive or {}).get("eventFilter", {}).get("orderChangeTypes")
        return not chosen or change_type in chosen


class Notifications:
    """The notification operations, and what is put into the queue."""

    def __init__(self, platform: Platform, queue: Queue) -> None:
        self._platform = platform
        self._settings = platform.settings
        self._queue = queue
        self._rng = platform.world.stream(f"{platform.settings.account} notifications")
        self.destinations: dict[str, Destination] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.sent = 0
        self.on_the_way = 0

    def add_to(self, router: Router) -> None:
        """Register the operations."""
        one, all_of = f"{PATH}/destinations/{{destination_id}}", f"{PATH}/destinations"
        kind = f"{PATH}/subscriptions/{{kind}}"
        router.add("createDestination", "POST", all_of, self.create_destination)
        router.add("getDestinations", "GET", all_of, self.get_destinations)
        router.add("getDestination", "GET", one, self.get_destination)
        router.add("deleteDestination", "DELETE", one, self.delete_destination)
        router.add("createSubscription", "POST", kind, self.create_subscription)
        router.add("getSubscription", "GET", kind, self.get_subscription)
        router.add("getSubscriptionById", "GET", f"{kind}/{{subscription_id}}", self.get_subscription_by_id)
        router.add("deleteSubscriptionById", "DELETE", f"{kind}/{{subscription_id}}", self.delete_subscription)

    # -- destinations ----------------------------------------------------------------------------------------------

    def create_destination(self, call: Call) -> Response:
        """createDestination. Only the seller's own queue can be reached from here; no event bus."""
        body = wire.body_of(call.request)
        name = wire.text(body, "name")
        resource = body.get("resourceSpecification")
        queue = resource.get("sqs") if isinstance(resource, dict) else None
        arn = queue.get("arn") if isinstance(queue, dict) else None
        if arn != self._settings.queue_arn:
            raise invalid("The queue cannot be reached; only an SQS queue that grants access can be used.", str(arn))
        for known in self.destinations.values():
            if known.name == name or known.arn == arn:
                raise SpApiError(409, "Conflict", "A destination with this name or resource exists already.")
        made = Destination(self._platform.uuid(), name, self._settings.queue_arn)
        self.destinations[made.destination_id] = made
        self._platform.count_applied("createDestination", name)
        return _payload(_destination_json(made))

    def get_destinations(self, _call: Call) -> Response:
        """getDestinations."""
        return _payload([_destination_json(one) for one in self.destinations.values()])

    def get_destination(self, call: Call) -> Response:
        """getDestination."""
        return _payload(_destination_json(self._destination(call.ids["destination_id"])))

    def delete_destination(self, call: Call) -> Response:
        """deleteDestination; refused while a subscription uses it."""
        found = self._destination(call.ids["destination_id"])
        if any(one.destination_id == found.destination_id for one in self.subscriptions.values()):
            raise SpApiError(409, "Conflict", "The destination is used by a subscription.")
        del self.destinations[found.destination_id]
        return json_response(200, {"errors": []})

    def _destination(self, destination_id: str) -> Destination:
        found = self.destinations.get(destination_id)
        if found is None:
            raise not_found(f"Destination {destination_id} is not found.")
        return found

    # -- subscriptions ---------------------------------------------------------------------------------------------

    def create_subscription(self, call: Call) -> Response:
        """createSubscription: one per type."""
        kind = self._kind(call)
        body = wire.body_of(call.request)
        version = wire.text(body, "payloadVersion")
        destination = self._destination(wire.text(body, "destinationId"))
        directive = body.get("processingDirective")
        if directive is not None:
            _check_directive(directive, kind)
        if kind in self.subscriptions:
            raise SpApiError(409, "Conflict", f"A subscription for {kind} exists already.")
        made = Subscription(self._platform.uuid(), kind, version, destination.destination_id, directive)
        self.subscriptions[kind] = made
        self._platform.count_applied("createSubscription", kind)
        return _payload(_subscription_json(made))

    def get_subscription(self, call: Call) -> Response:
        """getSubscription."""
        return _payload(_subscription_json(self._subscription(self._kind(call))))

    def get_subscription_by_id(self, call: Call) -> Response:
        """getSubscriptionById."""
        return _payload(_subscription_json(self._by_id(call)))

    def delete_subscription(self, call: Call) -> Response:
        """deleteSubscriptionById."""
        del self.subscriptions[self._by_id(call).kind]
        return json_response(200, {"errors": []})

    def _kind(self, call: Call) -> str:
        if call.ids["kind"] not in TYPES:
            raise invalid("Invalid notificationType.", call.ids["kind"])
        return call.ids["kind"]

    def _subscription(self, kind: str) -> Subscription:
        found = self.subscriptions.get(kind)
        if found is None:
            raise not_found(f"No subscription for {kind} is found.")
        return found

    def _by_id(self, call: Call) -> Subscription:
        found = self._subscription(self._kind(call))
        if found.subscription_id != call.ids["subscription_id"]:
            raise not_found("The subscription is not found.")
        return found

    # -- events ----------------------------------------------------------------------------------------------------

    def order_changed(self, order: Order, change_type: str, reason: str) -> None:
        """ORDER_CHANGE, on the order's level."""
        subscription = self.subscriptions.get(ORDER_CHANGE)
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
        subscription = self.subscriptions.get(kind)
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


def _payload(payload: Any) -> Response:
    return json_response(200, {"payload": payload, "errors": []})


def _destination_json(destination: Destination) -> dict[str, Any]:
    return {
        "name": destination.name,
        "destinationId": destination.destination_id,
        "resource": {"sqs": {"arn": destination.arn}, "eventBridge": None},
    }


def _subscription_json(subscription: Subscription) -> dict[str, Any]:
    directive = subscription.directive
    shown = None
    if directive is not None:
        given = directive.get("eventFilter")
        lists: dict[str, list[str]] = {"marketplaceIds": [], "orderChangeTypes": []}
        event_filter = None if given is None else {**blank(*DIRECTIVE_KEYS), **lists, **given}
        shown = {"eventFilter": event_filter, "filterExpression": directive.get("filterExpression")}
    return {
        "subscriptionId": subscription.subscription_id,
        "payloadVersion": subscription.version,
        "destinationId": subscription.destination_id,
        "processingDirective": shown,
    }


def _check_directive(directive: Any, kind: str) -> None:
    chosen = directive.get("eventFilter") if isinstance(directive, dict) else None
    if not isinstance(directive, dict) or (chosen is not None and not isinstance(chosen, dict)):
        raise invalid("Invalid 'processingDirective'.")
    if chosen is not None:
        if chosen.get("eventFilterType") != kind:
            raise invalid("'eventFilterType' must be the notificationType.", str(chosen.get("eventFilterType")))
        unknown = [word for word in chosen.get("orderChangeTypes") or [] if word not in CHANGE_TYPES]
        if unknown:
            raise invalid("Invalid 'orderChangeTypes'.", str(unknown[0]))
