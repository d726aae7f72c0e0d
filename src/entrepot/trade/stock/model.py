"""What our back office tells about stock and prices: frozen data. `version`: theirs, growing; a smaller one is old news."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StockSeen:
    """How many pieces of an article lie at a location, those of open orders included."""

    sku: str
    location: str
    quantity: int
    version: int
    at: datetime


@dataclass(frozen=True, slots=True)
class PriceSeen:
    """What an article costs on a channel. `channel`: an account of the plan, or `*` for every one without a price of its own."""

    sku: str
    channel: str
    price_minor: int
    currency: str
    version: int
    at: datetime
