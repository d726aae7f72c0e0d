"""The Notification interface: destinations, subscriptions, topics, public keys. Error ids are [guess] but 195026."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.ebay.errors import NOTIFICATION, EbayError
from entrepot.sandbox.ebay.market import Market
from entrepot.sandbox.ebay.notifications import SCHEMA_VERSION, TOPICS, Destination, Notifications, Subscription
from entrepot.sandbox.ebay.paging import number
from entrepot.sandbox.ebay.router import Call
from entrepot.sandbox.ebay.wire import NO_CONTENT, answer, obj, stamp

TOKEN_LENGTHS: Final = range(32, 81)


class NotificationCalls:
    """How an application asks to be told."""

    def __init__(self, market: Market, sender: Notifications) -> None:
        self._market = market
        self._sender = sender
        self._alert_email: str | None = None

    # -- destinations ----------------------------------------------------------------------------------------------

    def create_destination(self, call: Call) -> Response:
        """createDestination: the endpoint is challenged; nothing is sent there before it has met the challenge."""
        body = call.body(_invalid("The request payload is not valid."))
        destination = Destination(self._market.world.uuid(), *_destination(body))
        self._sender.destinations[destination.destination_id] = destination
        self._sender.challenge(destination)
        return _created(self._market, f"destination/{destination.destination_id}")

    def update_destination(self, call: Call) -> Response:
        """updateDestination: challenged again."""
        destination = self._destination(call)
        body = call.body(_invalid("The request payload is not valid."))
        destination.name, destination.endpoint, destination.verification_token = _destination(body)
        destination.status = "DISABLED"
        if body.get("status") != "DISABLED":
            self._sender.challenge(destination)
        return NO_CONTENT

    def get_destination(self, call: Call) -> Response:
        """getDestination."""
        return answer(200, _destination_view(self._destination(call)))

    def get_destinations(self, call: Call) -> Response:
        """getDestinations."""
        return _list(
            self._market,
            call.request,
            "destinations",
            [_destination_view(d) for d in self._sender.destinations.values()],
        )

    def delete_destination(self, call: Call) -> Response:
        """deleteDestination. Errors: 409 while a subscription uses it."""
        destination = self._destination(call)
        if any(one.destination_id == destination.destination_id for one in self._sender.subscriptions.values()):
            raise EbayError(409, 195014, "The destination is in use by a subscription.", domain=NOTIFICATION)
        del self._sender.destinations[destination.destination_id]
        return NO_CONTENT

    def _destination(self, call: Call) -> Destination:
        found = self._sender.destinations.get(call.ids["destination_id"])
        if found is None:
            raise EbayError(404, 195012, "Invalid or missing destination id.", domain=NOTIFICATION)
        return found

    # -- subscriptions ---------------------------------------------------------------------------------------------

    def create_subscription(self, call: Call) -> Response:
        """createSubscription. Errors: no such topic or destination; 409 when the topic is subscribed already."""
        body = call.body(_invalid("The request payload is not valid."))
        topic, destination = body.get("topicId"), self._sender.destinations.get(str(body.get("destinationId")))
        if topic not in TOPICS:
            raise _invalid("Invalid or missing topic id.")
        if destination is None:
            raise _invalid("Invalid or missing destination id.")
        payload = obj(body.get("payload"))
        if payload.get("format") != "JSON" or payload.get("deliveryProtocol") != "HTTPS":
            raise _invalid("Invalid or missing payload.")
        if any(one.topic == topic for one in self._sender.subscriptions.values()):
            raise EbayError(409, 195030, "A subscription for this topic already exists.", domain=NOTIFICATION)
        subscription = self._sender.subscribe(str(topic), destination)
        subscription.status = "DISABLED" if body.get("status") == "DISABLED" else "ENABLED"
        return _created(self._market, f"subscription/{subscription.subscription_id}")

    def get_subscription(self, call: Call) -> Response:
        """getSubscription."""
        return answer(200, _subscription_view(self._subscription(call)))

    def get_subscriptions(self, call: Call) -> Response:
        """getSubscriptions."""
        rows = [_subscription_view(one) for one in self._sender.subscriptions.values()]
        return _list(self._market, call.request, "subscriptions", rows)

    def delete_subscription(self, call: Call) -> Response:
        """deleteSubscription."""
        del self._sender.subscriptions[self._subscription(call).subscription_id]
        return NO_CONTENT

    def enable_subscription(self, call: Call) -> Response:
        """enableSubscription."""
        self._subscription(call).status = "ENABLED"
        return NO_CONTENT

    def disable_subscription(self, call: Call) -> Response:
        """disableSubscription."""
        self._subscription(call).status = "DISABLED"
        return NO_CONTENT

    def test_subscription(self, call: Call) -> Response:
        """testSubscription: one notification of made-up content goes out."""
        self._sender.test(self._subscription(call))
        return Response(202)

    def _subscription(self, call: Call) -> Subscription:
        found = self._sender.subscriptions.get(call.ids["subscription_id"])
        if found is None:
            raise EbayError(404, 195010, "Invalid or missing subscription id.", domain=NOTIFICATION)
        return found

    # -- topics, keys, config --------------------------------------------------------------------------------------

    def get_topic(self, call: Call) -> Response:
        """getTopic."""
        if call.ids["topic_id"] not in TOPICS:
            raise EbayError(404, 195004, "Invalid or missing topic id.", domain=NOTIFICATION)
        return answer(200, _topic_view(call.ids["topic_id"]))

    def get_topics(self, call: Call) -> Response:
        """getTopics."""
        return _list(self._market, call.request, "topics", [_topic_view(topic) for topic in TOPICS])

    def get_public_key(self, call: Call) -> Response:
        """getPublicKey: by the key id of a signature."""
        if call.ids["public_key_id"] != self._sender.key_id:
            raise EbayError(404, 195020, "Invalid or missing public key id.", domain=NOTIFICATION)
        return answer(200, {"algorithm": "ECDSA", "digest": "SHA1", "key": self._sender.public_key()})

    def get_config(self, call: Call) -> Response:
        """getConfig."""
        if self._alert_email is None:
            raise EbayError(404, 195026, "Configuration Not Found.", domain=NOTIFICATION, category="APPLICATION")
        return answer(200, {"alertEmail": self._alert_email})

    def put_config(self, call: Call) -> Response:
        """updateConfig."""
        email = call.body(_invalid("The request payload is not valid.")).get("alertEmail")
        if not isinstance(email, str) or "@" not in email:
            raise _invalid("Invalid or missing alert email.")
        self._alert_email = email
        return NO_CONTENT


def _invalid(message: str) -> EbayError:
    return EbayError(400, 195011, message, domain=NOTIFICATION)


def _destination(body: Mapping[str, object]) -> tuple[str, str, str]:
    delivery = obj(body.get("deliveryConfig"))
    name, endpoint, token = body.get("name"), delivery.get("endpoint"), delivery.get("verificationToken")
    if not isinstance(name, str) or not name:
        raise _invalid("Invalid or missing name.")
    if not isinstance(endpoint, str) or not urlsplit(endpoint).netloc:
        raise _invalid("Invalid or missing endpoint.")
    if not isinstance(token, str) or len(token) not in TOKEN_LENGTHS:
        raise _invalid("Invalid verification token: between 32 and 80 characters are required.")
    return name, endpoint, token


def _created(market: Market, path: str) -> Response:
    return answer(201, {}, {"location": f"{market.settings.base_url}/commerce/notification/v1/{path}"})


def _list(market: Market, request: Request, name: str, rows: list[dict[str, Any]]) -> Response:
    """One page; `next` is an address with a continuation token."""
    wrong = _invalid("Invalid limit or continuation token.")
    limit = number(request, "limit", 20, 1, 100, wrong)
    start = number(request, "continuation_token", 0, 0, 10**9, wrong)
    following = start + limit
    base = f"{market.settings.base_url}{request.path}?limit={limit}"
    more = f"{base}&continuation_token={following}" if following < len(rows) else None
    body = {"href": base, "limit": limit, "next": more, "total": len(rows), name: rows[start:following]}
    return answer(200, body)


def _destination_view(one: Destination) -> dict[str, Any]:
    return {
        "destinationId": one.destination_id,
        "name": one.name,
        "status": one.status,
        "deliveryConfig": {"endpoint": one.endpoint, "verificationToken": one.verification_token},
    }


def _payload() -> dict[str, Any]:
    return {"format": "JSON", "deliveryProtocol": "HTTPS", "schemaVersion": SCHEMA_VERSION}


def _subscription_view(one: Subscription) -> dict[str, Any]:
    return {
        "subscriptionId": one.subscription_id,
        "topicId": one.topic,
        "status": one.status,
        "destinationId": one.destination_id,
        "payload": _payload(),
        "filterId": None,
        "creationDate": stamp(one.created_at),
    }


def _topic_view(topic: str) -> dict[str, Any]:
    payload = {**_payload(), "format": ["JSON"], "deprecated": False}
    return {
        "topicId": topic,
        "description": TOPICS[topic],
        "status": "ENABLED",
        "context": "USER",
        "scope": "APPLICATION" if topic == "MARKETPLACE_ACCOUNT_DELETION" else "USER",
        "supportedPayloads": [payload],
        "authorizationScopes": [],
        "filterable": False,
    }
