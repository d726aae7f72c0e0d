"""What the back office tells about goods that leave and come back: frozen data, by our own order number."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ParcelSeen:
    """A parcel left. `number`: our order number; `lines`: line id of the channel -> quantity."""

    parcel: str
    number: str
    carrier: str
    tracking: str
    shipped_at: datetime
    lines: Mapping[str, int]
    service: str = ""


@dataclass(frozen=True, slots=True)
class CannotDeliver:
    """The back office gives lines up. `reason`: one of connectors.verbs.REASONS."""

    cancellation: str
    number: str
    reason: str
    lines: Mapping[str, int]
    at: datetime


@dataclass(frozen=True, slots=True)
class GoodsBack:
    """Returned goods arrived and were looked at. `refund_minor`: by line, what the buyer is to get; nothing where the channel decides."""

    return_id: str  # the channel's
    number: str
    accepted: Mapping[str, int]
    rejected: Mapping[str, int]
    refund_minor: Mapping[str, int]
    at: datetime
