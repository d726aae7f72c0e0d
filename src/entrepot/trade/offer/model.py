"""Offers as the marketplace last showed them: raw, before anybody asks who may have written what. Instants: aware UTC, theirs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class OfferSeen:
    """One offer as the export shows it. `product_id`: the marketplace's own. `state_code`: its condition (new, used), their code."""

    offer_id: str
    sku: str
    seller_id: str
    price_minor: int
    currency: str
    quantity: int
    active: bool
    updated_at: datetime
    product_id: str = ""
    state_code: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class OfferDetails:
    """What the export does not tell. `terms`: the rest of the offer, in the words in which it is written back; JSON-able."""

    offer_id: str
    sku: str
    category: str
    title: str
    terms: Mapping[str, Any] = field(default_factory=dict)
