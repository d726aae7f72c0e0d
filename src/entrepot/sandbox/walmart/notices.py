"""Webhooks: who is subscribed, and how events reach him: at least once, in any order, and some never.

Source: the published notification pages (subscription calls, payloads, authentication by BASIC_AUTH or HMAC).
[guess] HMACSHA256 is written in base64; refused deliveries are tried again with growing pauses; OAUTH is not offered here.
"""

import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from entrepot.sandbox.core import Hang, Request, Response
from entrepot.sandbox.walmart.errors import WEBHOOK_API, bad_parameter, invalid, not_found
from entrepot.sandbox.walmart.platform import Platform
from entrepot.sandbox.walmart.router import Call
from entrepot.sandbox.walmart.settings import EVENT_TYPES
from entrepot.sandbox.walmart.state import Line, Listing, Order, Report, Subscription
from entrepot.sandbox.walmart.wire import answer, body_of, encode, money_text, rows, stamp, text

BACKOFF_S: Final = (5, 30, 120, 600, 1_800, 3_600, 7_200)
SECOND_COPY_AFTER: Final = timedelta(seconds=3)
VERSION: Final = "V1"
STATUSES: Final = frozenset({"ACTIVE", "INACTIVE"})
AUTH_NEEDS: Final = {"BASIC_AUTH": ("userName", "password"), "HMAC": ("clientSecret",)}
PER: Final = 100_000


@dataclass(slots=True)
class Delivery:
    """One event on its way to one subscriber. `answers`: the status of each try, 0 for no answer."""

    event_id: str
    topic: str
    body: bytes
    to: Subscription
    answers: list[int] = field(default_factory=list)

    @property
    def over(self) -> bool:
        return bool(self.answers) and (200 <= self.answers[-1] < 300 or len(self.answers) > len(BACKOFF_S))


class Notices:
    """Subscriptions and deliveries."""

    def __init__(self, platform: Platform, hub_url: str | None) -> None:
        self._platform = platform
        self._rng = platform.world.stream("walmart notices")
        self.counts: Counter[str] = Counter()
        self.waiting: list[Delivery] = []
        settings = platform.settings
        if hub_url is not None:
            auth = {
                "authMethod": "HMAC",
                "authHeaderName": settings.webhook_header,
                "clientSecret": settings.webhook_secret,
            }
            for topic in settings.subscribed:
                self._add(
                    topic, EVENT_TYPES[topic], f"{hub_url.rstrip('/')}{settings.webhook_path}", {}, auth, "ACTIVE"
                )

    # -- what happens ---------------------------------------------------------------------------------------------

    def order(self, topic: str, order: Order, line: Line | None) -> None:
        """A purchase order was created, a line of it was cancelled by the channel, or the buyer asks to cancel."""
        lines = order.lines if line is None else [line]
        self._publish(
            topic,
            {
                "purchaseOrderId": order.order_id,
                "customerOrderId": order.customer_order_id,
                "orderDate": stamp(order.placed_at),
                "estimatedDeliveryDate": stamp(order.deliver_by),
                "estimatedShipDate": stamp(order.ship_by),
                "orderLines": [_line(one, topic) for one in lines],
            },
        )

    def item(self, topic: str, listing: Listing) -> None:
        """An offer is no longer shown."""
        reasons: Mapping[str, str] = {issue.code: issue.message for issue in listing.issues}
        self._publish(
            topic,
            {
                "sku": listing.sku,
                "publishStatus": listing.published,
                "lifecycleStatus": listing.lifecycle,
                "statusChangeReasons": reasons,
                "itemId": listing.wpid,
                "itemName": listing.title,
                "category": listing.category,
            },
        )

    def buy_box(self, listing: Listing, winner: str, winner_price_minor: int) -> None:
        """Somebody else, or this seller, now wins the buy box."""
        currency = self._platform.settings.currency
        self._publish(
            "BUY_BOX_CHANGED",
            {
                "itemInfo": {
                    "itemId": listing.wpid,
                    "itemName": listing.title,
                    "category": listing.category,
                    "productType": listing.category,
                    "sku": listing.sku,
                },
                "offer": {
                    "currentOffer": {
                        "sellerName": self._platform.settings.seller_name,
                        "sellerOfferPrice": money_text(listing.price_minor),
                        "currency": currency,
                    },
                    "buyBoxWinner": {
                        "sellerName": winner,
                        "sellerOfferPrice": money_text(winner_price_minor),
                        "currency": currency,
                    },
                },
            },
        )

    def report(self, report: Report) -> None:
        """A report is ready, or failed."""
        self._publish(
            "REPORT_STATUS",
            {
                "requestId": report.request_id,
                "reportType": report.report_type,
                "reportVersion": report.version,
                "requestStatus": report.status,
            },
        )

    # -- calls ----------------------------------------------------------------------------------------------------

    def event_types(self, call: Call) -> Response:
        """What can be subscribed to."""
        found = [
            {"eventType": topic, "eventVersion": VERSION, "resourceName": resource}
            for topic, resource in EVENT_TYPES.items()
        ]
        return answer(200, {"events": found})

    def search(self, call: Call) -> Response:
        """Subscriptions, by filter."""
        request = call.request
        filters: dict[str, Callable[[Subscription], str]] = {
            "subscriptionId": lambda one: one.subscription_id,
            "eventType": lambda one: one.event_type,
            "resourceName": lambda one: one.resource_name,
            "status": lambda one: one.status,
        }
        found = [
            one
            for one in self._platform.subscriptions.values()
            if all(not request.first(name) or request.first(name) == reads(one) for name, reads in filters.items())
        ]
        return answer(200, {"events": [self._shown(one) for one in found]})

    def create(self, call: Call) -> Response:
        """Subscribe to one or more events."""
        given = rows(WEBHOOK_API, body_of(WEBHOOK_API, call.request), "events")
        read = [self._read(row) for row in given]
        made = [self._add(*parts) for parts in read]
        for one in made:
            self._platform.apply("createSubscription", f"{one.event_type}/{one.event_url}")
        return answer(200, {"events": [self._shown(one) for one in made]})

    def update(self, call: Call) -> Response:
        """Change address, headers, authentication or status of a subscription."""
        one = self._known(call)
        body = body_of(WEBHOOK_API, call.request)
        url = _url(text(WEBHOOK_API, body, "eventUrl")) if "eventUrl" in body else one.event_url
        auth = _auth(body["authDetails"]) if "authDetails" in body else one.auth
        status = _status(body) if "status" in body else one.status
        headers = _headers(body["headers"]) if "headers" in body else one.headers
        one.event_url, one.auth, one.status, one.headers = url, auth, status, headers
        self._platform.apply("updateSubscription", one.subscription_id)
        return answer(200, self._shown(one))

    def delete(self, call: Call) -> Response:
        """End a subscription."""
        one = self._known(call)
        del self._platform.subscriptions[one.subscription_id]
        self._platform.apply("deleteSubscription", one.subscription_id)
        message = "Successfully deleted subscription"
        return answer(200, {"subscriptionId": one.subscription_id, "message": message})

    def test(self, call: Call) -> Response:
        """Send a sample event to an address; it arrives after this answer, as every notice does."""
        topic, resource, url, headers, auth, _ = self._read(body_of(WEBHOOK_API, call.request))
        one = Subscription("test", topic, VERSION, resource, url, headers, auth)
        self._deliver(self._prepared(one, topic, self._sample(topic)))
        return answer(200, {"message": "Eventurl successfully validated"})

    # -- deliveries -----------------------------------------------------------------------------------------------

    def _publish(self, topic: str, payload: dict[str, Any]) -> None:
        for one in list(self._platform.subscriptions.values()):
            if one.event_type == topic and one.status == "ACTIVE":
                self._publish_to(one, topic, {"partnerId": self._platform.settings.partner_id, **payload})

    def _publish_to(self, one: Subscription, topic: str, payload: dict[str, Any]) -> None:
        settings = self._platform.settings
        fault = self._platform.world.faults.take("walmart", f"webhook:{topic}")
        kind = fault.kind if fault else None
        lost, twice, late = (
            self._rng.randrange(PER) < share
            for share in (
                settings.notices_lost_per_100k,
                settings.notices_twice_per_100k,
                settings.notices_late_per_100k,
            )
        )
        self.counts["told"] += 1
        if kind == "lost" or lost:
            self.counts["lost"] += 1
            return
        first = self._prepared(one, topic, payload)
        pause = settings.webhook_delay
        if kind == "out-of-order" or late:
            given = fault.number(int(settings.notices_late_by.total_seconds())) if fault else None
            pause += settings.notices_late_by if given is None else timedelta(seconds=given)
        self._platform.after(pause, lambda: self._deliver(first))
        if kind in ("duplicate", "dup-other-content") or twice:
            other = {**payload, "orderDate": "CHANGED"} if kind == "dup-other-content" else payload
            again = self._prepared(one, topic, other, first.event_id)
            self._platform.after(pause + SECOND_COPY_AFTER, lambda: self._deliver(again))

    def _prepared(
        self, one: Subscription, topic: str, payload: dict[str, Any], event_id: str | None = None
    ) -> Delivery:
        source = {
            "eventType": topic,
            "eventTime": stamp(self._platform.now()),
            "eventId": event_id or self._platform.world.uuid(),
        }
        delivery = Delivery(source["eventId"], topic, encode({"source": source, "payload": payload}), one)
        self.waiting.append(delivery)
        return delivery

    def _deliver(self, delivery: Delivery) -> None:
        one = delivery.to
        parts = urlsplit(one.event_url)
        headers = {
            "content-type": "application/json",
            **{name.lower(): value for name, value in one.headers.items()},
            **signature(one.auth, delivery.body),
        }
        self.counts["tries"] += 1
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        request = Request("POST", path or "/", headers=headers, body=delivery.body)
        base = f"{parts.scheme}://{parts.netloc}"
        self._platform.world.send(base, request, lambda heard: self._answered(delivery, heard))

    def _answered(self, delivery: Delivery, heard: Response | Hang) -> None:
        delivery.answers.append(heard.status if isinstance(heard, Response) else 0)
        if delivery.over:
            self.waiting.remove(delivery)
            self.counts["delivered" if 200 <= delivery.answers[-1] < 300 else "given_up"] += 1
            return
        pause = timedelta(seconds=BACKOFF_S[len(delivery.answers) - 1])
        self._platform.after(pause, lambda: self._deliver(delivery))

    # -- inside ---------------------------------------------------------------------------------------------------

    def _add(
        self, topic: str, resource: str, url: str, headers: dict[str, str], auth: dict[str, str], status: str
    ) -> Subscription:
        one = Subscription(self._platform.world.uuid(), topic, VERSION, resource, url, headers, auth, status)
        self._platform.subscriptions[one.subscription_id] = one
        return one

    def _read(self, row: Mapping[str, Any]) -> tuple[str, str, str, dict[str, str], dict[str, str], str]:
        topic = text(WEBHOOK_API, row, "eventType")
        if topic not in EVENT_TYPES:
            raise bad_parameter(WEBHOOK_API, "eventType", f"{topic!r} is no event type")
        if text(WEBHOOK_API, row, "eventVersion") != VERSION:
            raise bad_parameter(WEBHOOK_API, "eventVersion", f"must be {VERSION}")
        if text(WEBHOOK_API, row, "resourceName") != EVENT_TYPES[topic]:
            raise bad_parameter(WEBHOOK_API, "resourceName", f"{topic} belongs to {EVENT_TYPES[topic]}")
        url = _url(text(WEBHOOK_API, row, "eventUrl"))
        auth = _auth(row["authDetails"]) if row.get("authDetails") is not None else {}
        return topic, EVENT_TYPES[topic], url, _headers(row.get("headers") or {}), auth, _status(row)

    def _known(self, call: Call) -> Subscription:
        one = self._platform.subscriptions.get(call.ids["subscriptionId"])
        if one is None:
            raise not_found(WEBHOOK_API, f"Subscription {call.ids['subscriptionId']} is not found", "subscriptionId")
        return one

    def _shown(self, one: Subscription) -> dict[str, Any]:
        return {
            "eventType": one.event_type,
            "subscriptionId": one.subscription_id,
            "partnerId": self._platform.settings.partner_id,
            "eventVersion": one.event_version,
            "resourceName": one.resource_name,
            "eventUrl": one.event_url,
            "headers": one.headers,
            "authDetails": one.auth,
            "status": one.status,
        }

    def _sample(self, topic: str) -> dict[str, Any]:
        return {"partnerId": self._platform.settings.partner_id, "sample": True, "eventType": topic}


def signature(auth: Mapping[str, str], body: bytes) -> dict[str, str]:
    """The header by which a receiver knows the sender."""
    name = auth.get("authHeaderName", "Authorization").lower()
    if auth.get("authMethod") == "HMAC":
        digest = hmac.new(auth["clientSecret"].encode(), body, hashlib.sha256).digest()
        return {name: base64.b64encode(digest).decode()}
    if auth.get("authMethod") == "BASIC_AUTH":
        pair = base64.b64encode(f"{auth['userName']}:{auth['password']}".encode()).decode()
        return {name: f"Basic {pair}"}
    return {}


def _line(line: Line, topic: str) -> dict[str, Any]:
    cancelled = topic == "PO_LINE_AUTOCANCELLED"
    return {
        "lineNumber": line.line_id,
        "sku": line.sku,
        "productName": line.title,
        "quantity": {
            "unitOfMeasure": "EACH",
            "measurementValue": str(line.cancelled_units if cancelled else line.quantity),
        },
        "status": "CANCELLED" if cancelled else "CREATED",
        "statusDate": stamp(line.changed_at),
        "shippingProgramType": None,
        "shippingMethod": "Standard",
        "cancellationReason": "AUTO_CANCELLED" if cancelled else None,
    }


def _url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise bad_parameter(WEBHOOK_API, "eventUrl", "must be an HTTP or HTTPS address")
    return url


def _auth(data: Any) -> dict[str, str]:
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        raise invalid(WEBHOOK_API, "authDetails must be an object of texts", "authDetails")
    method = text(WEBHOOK_API, data, "authMethod")
    if method not in AUTH_NEEDS:
        raise bad_parameter(WEBHOOK_API, "authMethod", f"must be one of {', '.join(sorted(AUTH_NEEDS))}")
    for name in AUTH_NEEDS[method]:
        text(WEBHOOK_API, data, name)
    return dict(data)


def _headers(data: Any) -> dict[str, str]:
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        raise invalid(WEBHOOK_API, "headers must be an object of texts", "headers")
    return dict(data)


def _status(row: Mapping[str, Any]) -> str:
    status = row.get("status", "ACTIVE")
    if status not in STATUSES:
        raise bad_parameter(WEBHOOK_API, "status", "must be ACTIVE or INACTIVE")
    return str(status)
