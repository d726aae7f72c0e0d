"""What the gateway tells us by itself: one frozen event for every topic it knows."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from entrepot.connectors.port import Received
from entrepot.connectors.reading import UnknownWord, Unreadable, instant, maybe_instant, total, typed
from entrepot.connectors.roots import basket_root, commercial_id_of

KIND = "payment-event"

FLOW_BY_TOPIC = {
    "authorisation.expired": "capture",
    "capture.succeeded": "capture",
    "refund.succeeded": "return-refund",
    "dispute.opened": "incident-dispute",
    "dispute.closed": "incident-dispute",
    "transfer.paid": "payout",
    "transfer.failed": "payout",
    "settlement.closed": "settlement",
}
FLOW_OF_UNKNOWN_TOPIC = "incident-dispute"


@dataclass(frozen=True, slots=True)
class PaymentEvent:
    """One event. Fields that have no meaning for its topic are '' or 0.

    `object_id`: theirs, of what the event is about (authorisation, capture, refund, dispute, transfer, settlement).
    `reference`: ours, as we gave it. `reason`: of a dispute, or why a transfer failed. `due_at`: evidence is due then.
    """

    topic: str
    event_id: str
    at: datetime
    object_id: str
    reference: str
    state: str
    amount_minor: int
    currency: str
    authorisation_id: str = ""
    capture_id: str = ""
    destination: str = ""
    reason: str = ""
    due_at: datetime | None = None
    captured_minor: int = 0
    released_minor: int = 0


class _Data(msgspec.Struct):
    id: str
    currency: str
    reference: str | None = None
    state: str | None = None
    amount_minor: int | None = None
    net_minor: int | None = None
    authorisation_id: str | None = None
    capture_id: str | None = None
    destination: str | None = None
    reason: str | None = None
    failure_reason: str | None = None
    evidence_due_at: str | None = None
    captured_minor: int | None = None
    released_minor: int | None = None


class _Event(msgspec.Struct):
    id: str
    type: str
    time: str
    data: _Data


@total
def payment_event(body: bytes) -> PaymentEvent:
    """One event. Errors: Unrecognised for a topic nobody published."""
    event = typed(body, _Event)
    data = event.data
    if event.type not in FLOW_BY_TOPIC:
        raise UnknownWord("type", event.type)
    amount = data.net_minor if data.amount_minor is None else data.amount_minor
    if amount is None:
        raise Unreadable("an event without an amount", "$.data.amount_minor")
    return PaymentEvent(
        topic=event.type,
        event_id=event.id,
        at=instant(event.time, "$.time"),
        object_id=data.id,
        reference=data.reference or "",
        state=data.state or "",
        amount_minor=amount,
        currency=data.currency,
        authorisation_id=data.authorisation_id or (data.id if event.type.startswith("authorisation.") else ""),
        capture_id=data.capture_id or (data.id if event.type.startswith("capture.") else ""),
        destination=data.destination or "",
        reason=data.reason or data.failure_reason or "",
        due_at=maybe_instant(data.evidence_due_at, "$.data.evidence_due_at"),
        captured_minor=data.captured_minor or 0,
        released_minor=data.released_minor or 0,
    )


def split_event(body: bytes, position: int) -> Received:
    """The record of one event. Errors: Unreadable when it does not even say what it is about."""
    event = typed(body, _Event)
    flow = FLOW_BY_TOPIC.get(event.type, FLOW_OF_UNKNOWN_TOPIC)
    return Received(KIND, event.id, "", body, position, _root(event), flow)


def _root(event: _Event) -> str:
    """What it is decided in order with, as far as the event itself says."""
    about, _, _ = event.type.partition(".")
    data = event.data
    if about in ("authorisation", "capture") and data.reference:
        return basket_root(commercial_id_of(data.reference))
    if about == "transfer" and data.reference:
        return f"voucher:{data.reference}"
    if data.authorisation_id:
        return f"authorisation:{data.authorisation_id}"
    return f"{about}:{data.id}"
