"""Walmart's events: signed by HMAC over the body with our secret, or carrying our user and password, as was subscribed.

An event says that something changed; what it is now is read anew. Events come at least once, in any order, and are sent
again up to an hour later: their `eventId` tells them apart, no time limits them.
[guess] the HMAC's encoding is not documented: base64 and hexadecimal are both taken.
"""

import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

import msgspec

from entrepot.connectors.port import Access, Forged, Received, Secret, Verified
from entrepot.connectors.reading import Unreadable, typed, unreadable_record
from entrepot.connectors.roots import basket_root
from entrepot.connectors.walmart import shapes
from entrepot.connectors.walmart.records import HINT, Records, listing_root

HMAC_SECRET, OLD_SECRET, BASIC_SECRET, HEADER = (
    "webhook_secret",
    "webhook_secret_old",
    "webhook_basic_secret",
    "webhook_header",
)
DEFAULT_HEADER = "authorization"
EVENT_ID_MAX = 200
FLOW_OF_UNKNOWN = "order-intake"


class _OrderEvent(msgspec.Struct):
    """The number stands in the payload, or in the order inside it (ORDER_UPDATES)."""

    purchaseOrderId: str | None = None
    customerOrderId: str | None = None
    order: "_OrderEvent | None" = None


class _ItemEvent(msgspec.Struct):
    sku: str


class _ReturnEvent(msgspec.Struct):
    returnOrderId: str
    customerOrderId: str


ORDER_EVENTS = frozenset(
    {
        "PO_CREATED",
        "PO_LINE_AUTOCANCELLED",
        "ORDER_INTENT_TO_CANCEL",
        "INTENT_TO_CANCEL",
        "FRAUD_CANCEL",
        "ORDER_UPDATES",
    }
)
ITEM_EVENTS = frozenset({"OFFER_UNPUBLISHED", "OFFER_PUBLISHED"})
RETURN_EVENTS = frozenset({"RETURN_CREATED", "RETURN_DELIVERED", "RETURN_INVOICED"})
# Kept whole, but nothing of ours is changed by them.
ONLY_NEWS = frozenset(
    {"BUY_BOX_CHANGED", "REPORT_STATUS", "INVENTORY_OOS", "DRIVER_STATUS", "SELLER_PERFORMANCE_REPORT"}
)


@dataclass(frozen=True, slots=True)
class WalmartWebhook:
    """`header`: the name under which the account subscribed (authHeaderName)."""

    records: Records
    header: Callable[[], str]
    secret: Secret | None
    old_secret: Secret | None
    user_and_password: Secret | None

    def verify(self, machine: datetime, headers: Mapping[str, str], body: bytes) -> Verified | Forged:
        given = {name.lower(): value for name, value in headers.items()}
        mark = given.get(self.header().lower(), "").strip()
        if not mark:
            return Forged("the header that carries the signature is missing")
        if self.secret is not None and _signed(self.secret(), mark, body):
            return Verified(event_id_of(body))
        if self.old_secret is not None and _signed(self.old_secret(), mark, body):
            return Verified(event_id_of(body), with_old_secret=True)
        if self.user_and_password is not None:
            expected = f"Basic {b64encode(self.user_and_password().encode()).decode()}"
            if hmac.compare_digest(expected.encode(), mark.encode()):
                return Verified(event_id_of(body))
        return Forged("neither signature nor password fits")

    def split(self, body: bytes) -> tuple[Received, ...]:
        """A hint of what to read again; an event nobody can read is kept as one."""
        try:
            event = typed(body, shapes.EventEnvelope)
            kind = event.source.eventType
            if kind in ONLY_NEWS:
                return ()
            if kind in ORDER_EVENTS:
                number, customer = _order_of(typed(event.payload, _OrderEvent))
                return (self.records.hint(event.source.eventId, "order", number, basket_root(customer or number)),)
            if kind in ITEM_EVENTS:
                sku = typed(event.payload, _ItemEvent).sku
                return (self.records.hint(event.source.eventId, "listing", sku, listing_root(sku)),)
            if kind in RETURN_EVENTS:
                back = typed(event.payload, _ReturnEvent)
                root = basket_root(back.customerOrderId)
                return (self.records.hint(event.source.eventId, "return", back.returnOrderId, root),)
            raise Unreadable(f"“{kind}” is not an event we know", "$.source.eventType")
        except Unreadable:
            return (unreadable_record(body, HINT, FLOW_OF_UNKNOWN, 0),)


def _order_of(event: _OrderEvent) -> tuple[str, str | None]:
    """Errors: Unreadable when no order is named."""
    for place in (event, event.order):
        if place is not None and place.purchaseOrderId:
            return place.purchaseOrderId, place.customerOrderId
    raise Unreadable("an event about an order that names none", "$.payload.purchaseOrderId")


def _signed(secret: str, mark: str, body: bytes) -> bool:
    """Every way of writing it is compared, in constant time."""
    digest = hmac.digest(secret.encode(), body, "sha256")
    ways = (b64encode(digest), digest.hex().encode())
    fits = [
        hmac.compare_digest(way, given) for way, given in zip(ways, (mark.encode(), mark.lower().encode()), strict=True)
    ]
    return any(fits)


def event_id_of(body: bytes) -> str:
    """Theirs; of an event that names none, a digest of it."""
    try:
        name = typed(body, shapes.EventEnvelope).source.eventId
    except Unreadable:
        name = ""
    return name if 0 < len(name) <= EVENT_ID_MAX else blake2b(body, digest_size=16).hexdigest()


def door(access: Access, records: Records) -> WalmartWebhook | None:
    """The door, when the account declares a secret for it."""
    secrets = access.secrets
    if HMAC_SECRET not in secrets and BASIC_SECRET not in secrets:
        return None
    header = secrets.get(HEADER, lambda: DEFAULT_HEADER)
    return WalmartWebhook(records, header, secrets.get(HMAC_SECRET), secrets.get(OLD_SECRET), secrets.get(BASIC_SECRET))
