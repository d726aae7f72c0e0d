"""Notifications v1: where events go, and which are wanted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from entrepot.sandbox.amazon import wire
from entrepot.sandbox.amazon.errors import SpApiError, invalid, not_found
from entrepot.sandbox.amazon.platform import Platform
from entrepot.sandbox.amazon.router import Router
from entrepot.sandbox.amazon.wire import Call, blank
from entrepot.sandbox.core import Response, json_response

PATH: Final = "/notifications/v1"
ORDER_CHANGE: Final = "ORDER_CHANGE"
FEED_FINISHED: Final = "FEED_PROCESSING_FINISHED"
REPORT_FINISHED: Final = "REPORT_PROCESSING_FINISHED"
ISSUES_CHANGE: Final = "LISTINGS_ITEM_ISSUES_CHANGE"
STATUS_CHANGE: Final = "LISTINGS_ITEM_STATUS_CHANGE"
TYPES: Final = (ORDER_CHANGE, FEED_FINISHED, REPORT_FINISHED, ISSUES_CHANGE, STATUS_CHANGE)
DIRECTIVE_KEYS: Final = ("aggregationSettings", "marketplaceIds", "orderChangeTypes", "trackingIdentifier")
CHANGE_TYPES: Final = ("BuyerRequestedChange", "DeliveryTipChange", "OrderStatusChange")


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
    """The notification operations."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._settings = platform.settings
        self.destinations: dict[str, Destination] = {}
        self.subscriptions: dict[str, Subscription] = {}

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
        """createDestination. Only the seller's own queue can be reached; another, or an event bus, is a 400 [guess]."""
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
