"""Notifications: what is told, to whom, signed how, and how often it is tried.

Deliveries are signed (header X-EBAY-SIGNATURE), come at least once, in no order, and some never (seeded, or planned as
faults of "webhook:TOPIC"). There are topics for orders and shipments; cancellations, returns and disputes have none
in this interface and must be polled.
Source: the published specification, its AsyncAPI documents and the event notification SDKs.
"""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from entrepot.sandbox.core import Clock, Hang, Request, Response
from entrepot.sandbox.ebay.keys import NotificationKey
from entrepot.sandbox.ebay.market import Market
from entrepot.sandbox.ebay.state import Order, Shipment
from entrepot.sandbox.ebay.wire import amount, encode, obj, stamp

TOPICS: Final[Mapping[str, str]] = {
    "ORDER_CONFIRMATION": "A buyer has completed checkout; one notification per line item.",
    "ITEM_MARKED_SHIPPED": "A line item was marked as shipped.",
    "MARKETPLACE_ACCOUNT_DELETION": "A user has asked for his account to be deleted.",
}
SCHEMA_VERSION: Final = "1.0"
TRIES_MAX: Final = 8
BACKOFF_S: Final = (5, 30, 120, 600, 1_800, 3_600, 7_200)
OUT_OF_ORDER_DELAY_S: Final = 60
DUPLICATE_DELAY_S: Final = 3


@dataclass(slots=True)
class Destination:
    """Where notifications go. `status` is ENABLED once the endpoint has met its challenge."""

    destination_id: str
    name: str
    endpoint: str
    verification_token: str
    status: str = "DISABLED"


@dataclass(slots=True)
class Subscription:
    """A topic and its destination."""

    subscription_id: str
    topic: str
    destination_id: str
    created_at: datetime
    status: str = "ENABLED"


@dataclass(slots=True)
class Delivery:
    """One notification on its way."""

    notification_id: str
    topic: str
    destination: Destination
    at: datetime
    data: Mapping[str, Any]
    answers: list[int] = field(default_factory=list)
    done: bool = False


class Notifications:
    """Tells the hub what happened."""

    def __init__(self, market: Market, base_url: str | None, machine_clock: Clock) -> None:
        self._market = market
        self._base_url = base_url
        self._machine_clock = machine_clock
        settings = market.settings
        seed = int.from_bytes(hashlib.sha256(settings.signing_seed.encode()).digest(), "big")
        self._key = NotificationKey(seed)
        self.key_id = hashlib.sha1(self._key.pem().encode(), usedforsecurity=False).hexdigest()
        self._rng = market.world.stream(f"{settings.system} notifications")
        self.destinations: dict[str, Destination] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.deliveries: list[Delivery] = []
        self.counts: Counter[str] = Counter()
        if base_url is not None:
            self._prearranged(base_url)

    def _prearranged(self, base_url: str) -> None:
        """The account's own destination and subscriptions, as if set up before the story begins."""
        settings = self._market.settings
        endpoint = base_url.rstrip("/") + settings.webhook_path
        destination = Destination(
            self._market.world.uuid(), settings.account, endpoint, settings.verification_token, "ENABLED"
        )
        self.destinations[destination.destination_id] = destination
        for topic in settings.subscribed:
            self.subscribe(topic, destination)

    # -- what happened ---------------------------------------------------------------------------------------------

    def order_paid(self, order: Order) -> None:
        """ORDER_CONFIRMATION, one per line item. Which keys are inside is partly [guess]."""
        for line in order.lines.values():
            self._tell(
                "ORDER_CONFIRMATION",
                {
                    "orderId": order.order_id,
                    "lineItemId": line.line_id,
                    "listingId": line.offer.listing_id,
                    "transactionId": line.line_id,
                    "sku": line.offer.sku,
                    "quantity": line.quantity,
                    "price": amount(line.cost_minor, order.currency),
                    "buyer": {"username": order.buyer},
                    "seller": {"username": self._market.settings.seller},
                    "creationDate": stamp(order.placed_at),
                },
            )

    def order_shipped(self, order: Order, shipment: Shipment) -> None:
        """ITEM_MARKED_SHIPPED, one per line item of the parcel. Which keys are inside is partly [guess]."""
        for line_id, quantity in shipment.lines.items():
            self._tell(
                "ITEM_MARKED_SHIPPED",
                {
                    "orderId": order.order_id,
                    "lineItemId": line_id,
                    "quantity": quantity,
                    "shippedDate": stamp(shipment.shipped_on),
                    "trackingNumber": shipment.tracking,
                    "shippingCarrierCode": shipment.carrier,
                },
            )

    def account_deleted(self, username: str) -> None:
        """MARKETPLACE_ACCOUNT_DELETION: a buyer wants to be forgotten."""
        digest = hashlib.sha256(username.encode()).hexdigest()
        self._tell(
            "MARKETPLACE_ACCOUNT_DELETION",
            {"username": username, "userId": digest[:11], "eiasToken": digest[11:43]},
        )

    def public_key(self) -> str:
        """The public half of the signing key, as PEM."""
        return self._key.pem()

    def undelivered(self) -> int:
        """Notifications still on their way."""
        return sum(not one.done for one in self.deliveries)

    # -- sending ---------------------------------------------------------------------------------------------------

    def _tell(self, topic: str, data: Mapping[str, Any]) -> None:
        for subscription in self.subscriptions.values():
            if subscription.topic == topic and subscription.status == "ENABLED":
                destination = self.destinations[subscription.destination_id]
                if destination.status == "ENABLED":
                    self._dispatch(topic, destination, data)

    def _dispatch(self, topic: str, destination: Destination, data: Mapping[str, Any]) -> None:
        settings, now = self._market.settings, self._market.now()
        fault = self._market.world.faults.take(settings.system, f"webhook:{topic}")
        # The dice fall for every notification, so that a planned fault moves no other one.
        lost, twice = self._rng.randrange(1000), self._rng.randrange(1000)
        jitter_ms = self._rng.randrange(max(1, settings.webhook_jitter // timedelta(milliseconds=1)))
        self.counts["told"] += 1
        if lost < settings.lost_per_1000 or (fault is not None and fault.kind == "lost"):
            self.counts["lost"] += 1
            return
        delay = settings.webhook_delay + timedelta(milliseconds=jitter_ms)
        if fault is not None and fault.kind == "out-of-order":
            delay += timedelta(seconds=fault.number(OUT_OF_ORDER_DELAY_S))
        notification_id = self._market.world.uuid()
        delivery = Delivery(notification_id, topic, destination, now, data)
        self._send_after(delivery, delay)
        kind = fault.kind if fault is not None else ""
        if twice < settings.duplicate_per_1000 or kind in ("duplicate", "dup-other-content"):
            again = {**data, "quantity": -1} if kind == "dup-other-content" else data
            copy = Delivery(notification_id, topic, destination, now, again)
            self._send_after(copy, delay + timedelta(seconds=DUPLICATE_DELAY_S))

    def _send_after(self, delivery: Delivery, delay: timedelta) -> None:
        if not delivery.answers:
            self.deliveries.append(delivery)
        self._market.world.at(self._market.now() + delay, lambda: self._send(delivery))

    def _send(self, delivery: Delivery) -> None:
        body = encode(
            {
                "metadata": {"topic": delivery.topic, "schemaVersion": SCHEMA_VERSION, "deprecated": False},
                "notification": {
                    "notificationId": delivery.notification_id,
                    "eventDate": stamp(delivery.at),
                    "publishDate": stamp(self._machine_clock()),
                    "publishAttemptCount": len(delivery.answers) + 1,
                    "data": delivery.data,
                },
            }
        )
        headers = {"content-type": "application/json", "x-ebay-signature": self.signature(body)}
        base, path = _split(delivery.destination.endpoint)
        self._market.world.send(
            base, Request("POST", path, headers=headers, body=body), lambda answer_: self._answered(delivery, answer_)
        )

    def _answered(self, delivery: Delivery, given: Response | Hang) -> None:
        status = given.status if isinstance(given, Response) else 0
        delivery.answers.append(status)
        if 200 <= status < 300:
            delivery.done = True
            self.counts["delivered"] += 1
        elif len(delivery.answers) < TRIES_MAX:
            self._send_after(delivery, timedelta(seconds=BACKOFF_S[len(delivery.answers) - 1]))
        else:
            delivery.done = True
            self.counts["given_up"] += 1

    def signature(self, body: bytes) -> str:
        """The header: base64 of JSON with algorithm, key id, signature and digest."""
        signed = base64.b64encode(self._key.sign(body)).decode()
        header = {"alg": "ecdsa", "kid": self.key_id, "signature": signed, "digest": "SHA1"}
        return base64.b64encode(json.dumps(header, separators=(",", ":")).encode()).decode()

    # -- setting up ------------------------------------------------------------------------------------------------

    def subscribe(self, topic: str, destination: Destination) -> Subscription:
        """A topic goes to a destination from now on."""
        subscription = Subscription(self._market.world.uuid(), topic, destination.destination_id, self._market.now())
        self.subscriptions[subscription.subscription_id] = subscription
        return subscription

    def challenge(self, destination: Destination) -> None:
        """GET endpoint?challenge_code=…: the answer is the hash of code, token and endpoint.

        The real call answers only after the handshake; here calls out wait until the world's lock is open, so the
        destination is DISABLED until then.
        """
        code = f"{self._rng.getrandbits(256):064x}"
        text = code + destination.verification_token + destination.endpoint
        wanted = hashlib.sha256(text.encode()).hexdigest()

        def heard(given: Response | Hang) -> None:
            self.counts["challenged"] += 1
            if _challenge_response(given) == wanted:
                destination.status = "ENABLED"

        base, path = _split(destination.endpoint)
        self._market.world.send(base, Request("GET", f"{path}?challenge_code={code}"), heard)

    def test(self, subscription: Subscription) -> None:
        """One notification of made-up content."""
        destination = self.destinations[subscription.destination_id]
        delivery = Delivery(
            self._market.world.uuid(), subscription.topic, destination, self._market.now(), {"test": True}
        )
        self._send_after(delivery, self._market.settings.webhook_delay)


def _split(endpoint: str) -> tuple[str, str]:
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}", parts.path or "/"


def _challenge_response(given: Response | Hang) -> object:
    if not isinstance(given, Response) or given.status != 200:
        return None
    try:
        return obj(given.json()).get("challengeResponse")
    except ValueError:
        return None
