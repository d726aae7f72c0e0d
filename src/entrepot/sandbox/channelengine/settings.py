"""How one merchant's tenant is set up: its channels, windows, delays, ceilings, key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Product:
    """One product that is already listed at the start. Units: minor units of the tenant's currency, VAT included."""

    sku: str
    title: str
    category: str
    gtin: str
    price_minor: int
    quantity: int
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel behind the manager.

    Units: `commission_per_100k` of price and shipping; `fee_fixed_minor` per order line, `shipping_minor` per order, both in
    the channel's currency; `rate_per_million` millionths of the tenant's currency for one unit of the channel's.
    """

    channel_id: int
    name: str
    global_channel_id: int
    global_channel_name: str
    country: str = "NL"
    language: str = "nl"
    currency: str = "EUR"
    rate_per_million: int = 1_000_000
    commission_per_100k: int = 12_000
    fee_fixed_minor: int = 0
    shipping_minor: int = 0
    amazon_order_nos: bool = False
    enabled: bool = True


BOL: Final = Channel(21, "bol NL - Kade", 14, "bol", commission_per_100k=12_400, fee_fixed_minor=85, shipping_minor=299)
AMAZON: Final = Channel(
    34, "Amazon DE - Kade", 39, "Amazon Germany", "DE", "de", commission_per_100k=15_000, amazon_order_nos=True
)

Ceiling = tuple[int, int]
"""So many calls in so many business seconds."""

# [guess] The table of limits per endpoint is behind a login; only the headers and the 429 are public.
CEILINGS: Final[Mapping[str, Ceiling]] = {
    "OrderGetNew": (60, 60),
    "OrderGetByFilter": (60, 60),
    "OrderAcknowledge": (600, 60),
    "ShipmentCreate": (600, 60),
    "CancellationCreate": (600, 60),
    "OfferStockPriceUpdate": (30, 60),
    "OfferStockUpdate": (30, 60),
    "ProductCreate": (30, 60),
    "ReturnGetUnhandled": (60, 60),
    "NotificationIndex": (60, 60),
    "ListedProductGetByFilter": (60, 60),
    "SettlementGetByFilter": (60, 60),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """One tenant.

    Shape: `market` names the tenant (its subdomain); `channels` in the order in which buyers find them. `ceilings` empty: none.
    Units: `vat_per_100k` is contained in every price; `reserve_per_100k` of a period's payment is kept until the next one.
    """

    account: str = "channelengine-nl"
    market: str = "kade"
    currency: str = "EUR"
    channels: tuple[Channel, ...] = (BOL, AMAZON)
    api_key: str = "541b9fd5c0f14bd1a3b3c6ad5f8e2b7a9d0c4e61"
    # [guess] ChannelEngine documents no signature; the deliveries here carry Standard Webhooks headers made with this secret.
    webhook_secret: str = "whsec_Y2hhbm5lbGVuZ2luZS1zYW5kYm94LXdlYmhvb2stc2VjcmV0"
    webhook_delay: timedelta = timedelta(seconds=5)
    stock_location_id: int = 1
    stock_location_name: str = "Main warehouse"
    vat_per_100k: int = 21_000
    ship_within: timedelta = timedelta(days=2)
    deliver_within: timedelta = timedelta(days=4)
    too_long_on_new: timedelta = timedelta(hours=4)
    auto_cancel_after: timedelta | None = timedelta(days=3)  # after ship-by; bol does so three days after its date
    return_within: timedelta = timedelta(days=14)
    close_after: timedelta = timedelta(days=14)
    export_delay: timedelta = timedelta(minutes=2)
    live_after: timedelta = timedelta(minutes=30)
    report_delay: timedelta = timedelta(minutes=3)
    reserve_per_100k: int = 0
    required_attributes: tuple[str, ...] = ("Ean", "CategoryTrail")
    ceilings: Mapping[str, Ceiling] = field(default_factory=lambda: dict(CEILINGS))

    @property
    def webhook_path(self) -> str:
        """Where the hub hears this account."""
        return f"/hooks/{quote(self.account, safe='')}"
