"""What the PIM tells about a product: frozen data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ProductSeen:
    """A product at one revision. `category`, `attributes`: the PIM's own words; the plan's mappings turn them into a channel's."""

    sku: str
    revision: str
    title: str
    gtin: str
    category: str
    at: datetime
    brand: str = ""
    description: str = ""
    images: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
