"""Where notifications go and which are wanted: a destination (our queue) and subscriptions to it.

A destination belongs to the application, not to a seller: its calls take a token without a grant. Both are found by what they
are made of, so that a second one is never made.
"""

import msgspec

from entrepot.connectors.amazon.wire import NOT_FOUND, json_call
from entrepot.connectors.exchange import Call
from entrepot.connectors.reading import Unreadable, elements, typed
from entrepot.connectors.writes import Look, Shape
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack

NOTIFICATIONS = "/notifications/v1"
EXISTS = frozenset({"Conflict", "CONFLICT", "AlreadyExists", "HTTP 409"})


class CreateDestination(msgspec.Struct, frozen=True):
    name: str
    queue_arn: str


class Subscribe(msgspec.Struct, frozen=True):
    """`payload_version`: of the notification, as published ("1.0")."""

    notification: str
    destination_id: str
    payload_version: str = "1.0"


class _Sqs(msgspec.Struct):
    arn: str = ""


class _Resource(msgspec.Struct):
    sqs: _Sqs | None = None


class _Destination(msgspec.Struct):
    destinationId: str
    resource: _Resource


class _Made(msgspec.Struct):
    payload: _Destination


class _Subscription(msgspec.Struct):
    subscriptionId: str
    destinationId: str


class _Subscribed(msgspec.Struct):
    payload: _Subscription


def create_destination() -> Shape[CreateDestination]:
    def ask(payload: CreateDestination, _key: str) -> Call:
        if not payload.queue_arn.startswith("arn:"):
            raise Unreadable("a queue is named by its ARN", "$.queue_arn")
        body = {"name": payload.name, "resourceSpecification": {"sqs": {"arn": payload.queue_arn}}}
        return json_call("POST", f"{NOTIFICATIONS}/destinations", body)

    def answered(_payload: CreateDestination, response: HttpResponse) -> Outcome:
        return Done({"destination_id": typed(response.body, _Made).payload.destinationId})

    def found(payload: CreateDestination, response: HttpResponse) -> ReadBack:
        for raw in elements(response.body, "payload"):
            seen = typed(raw, _Destination)
            if seen.resource.sqs and seen.resource.sqs.arn == payload.queue_arn:
                return Done({"destination_id": seen.destinationId})
        return NotThere(f"no destination {payload.queue_arn}")

    look: Look[CreateDestination] = Look(lambda _payload, _key: Call("GET", f"{NOTIFICATIONS}/destinations"), found)
    return Shape(CreateDestination, ask, answered, look, EXISTS)


def subscribe() -> Shape[Subscribe]:
    def path(payload: Subscribe) -> str:
        if not payload.notification.replace("_", "").isalnum():
            raise Unreadable(f"“{payload.notification[:40]}” is no notification", "$.notification")
        return f"{NOTIFICATIONS}/subscriptions/{payload.notification}"

    def ask(payload: Subscribe, _key: str) -> Call:
        body = {"payloadVersion": payload.payload_version, "destinationId": payload.destination_id}
        return json_call("POST", path(payload), body)

    def seen(payload: Subscribe, response: HttpResponse) -> ReadBack:
        subscription = typed(response.body, _Subscribed).payload
        if subscription.destinationId != payload.destination_id:
            return NotThere(f"{payload.notification} goes to {subscription.destinationId}")
        return Done({"subscription_id": subscription.subscriptionId})

    def answered(_payload: Subscribe, response: HttpResponse) -> Outcome:
        return Done({"subscription_id": typed(response.body, _Subscribed).payload.subscriptionId})

    look: Look[Subscribe] = Look(lambda payload, _key: Call("GET", path(payload)), seen, NOT_FOUND)
    return Shape(Subscribe, ask, answered, look, EXISTS)
