"""One offer as the marketplace last showed it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class OfferSeen:
    offer_id: str
    sku: str
    seller_id: str
    price_minor: int
    currency: str
    quantity: int
    active: bool
    updated_at: datetime
