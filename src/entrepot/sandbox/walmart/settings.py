"""How one seller's account at Walmart US is set up: keys, windows, delays, rates, ceilings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final
from urllib.parse import quote

ITEM_FEEDS: Final = frozenset({"MP_ITEM", "MP_MAINTENANCE", "RETIRE_ITEM"})
PRICE_FEEDS: Final = frozenset({"price"})
INVENTORY_FEEDS: Final = frozenset({"inventory", "MP_INVENTORY"})
MEGABYTE: Final = 1024 * 1024
EVENT_TYPES: Final[Mapping[str, str]] = {
    "PO_CREATED": "ORDER",
    "PO_LINE_AUTOCANCELLED": "ORDER",
    "ORDER_INTENT_TO_CANCEL": "ORDER",
    "OFFER_UNPUBLISHED": "ITEM",
    "BUY_BOX_CHANGED": "PRICE",
    "REPORT_STATUS": "REPORTS",
}
"""Events that can be subscribed to, with the resource each belongs to. [guess] the resource of REPORT_STATUS."""


@dataclass(frozen=True, slots=True)
class Product:
    """What this seller already lists. Units: minor units of the market's currency; `shipping_minor` is per unit."""

    sku: str
    title: str
    category: str
    gtin: str
    price_minor: int
    quantity: int
    attributes: Mapping[str, str] = field(default_factory=dict)
    shipping_minor: int = 0


Ceiling = tuple[int, int]
"""A bucket: so many tokens, refilled evenly over so many business seconds."""

PUBLISHED_CEILINGS: Final[Mapping[str, Ceiling]] = {
    # Item, price and inventory feeds: documented for CA and CL. Price and webhook calls: documented for the US.
    # The order calls are [guess]: Walmart shows them to a signed-in seller only.
    "itemBulkUploads": (10, 3_600),
    "priceBulkUploads": (10, 3_600),
    "updateBulkInventory": (10, 3_600),
    "updatePrice": (100, 3_600),
    "createSubscription": (200, 60),
    "getAllSubscriptions": (50, 60),
    "updateSubscription": (5, 60),
    "deleteSubscription": (10, 60),
    "getEventTypes": (5, 60),
    "testNotification": (10, 60),
    "getAllOrders": (5_000, 60),
    "getAllReleasedOrders": (5_000, 60),
    "getAnOrder": (5_000, 60),
    "acknowledgeOrders": (60, 60),
    "shippingUpdates": (60, 60),
    "cancelOrderLines": (60, 60),
    "refundOrderLines": (60, 60),
}
FEED_BYTES_MAX: Final[Mapping[str, int]] = {
    **dict.fromkeys(ITEM_FEEDS, 25 * MEGABYTE),
    **dict.fromkeys(PRICE_FEEDS, 10 * MEGABYTE),
    **dict.fromkeys(INVENTORY_FEEDS, 5 * MEGABYTE),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """One seller account.

    Shape: `auto_cancel_after` is dated: each entry holds from its date of order on (6 days until 2023-06-06, then 4).
    `feed_faults` maps a sku to the (type, code, description) its next feed item ends with, whatever it holds.
    Units: rates per 100,000; `*_per_100k` of notices is the share that is lost, sent twice, or sent late.
    """

    account: str = "walmart-us"
    partner_id: str = "10001234567"
    seller_name: str = "Harbour Goods"
    market: str = "WALMART_US"
    currency: str = "USD"
    client_id: str = "wm-client"
    client_secret: str = "wm-secret"
    service_name: str = "Walmart Marketplace"
    token_life: timedelta = timedelta(minutes=15)
    ship_node: str = "700012345"

    acknowledge_within: timedelta = timedelta(hours=4)
    ship_within: timedelta = timedelta(days=2)
    deliver_within: timedelta = timedelta(days=5)
    in_transit: timedelta = timedelta(days=3)
    auto_cancel_after: tuple[tuple[date, timedelta], ...] = (
        (date(2000, 1, 1), timedelta(days=6)),
        (date(2023, 6, 6), timedelta(days=4)),
    )
    wfs_ships_after: timedelta = timedelta(days=1)
    return_in_transit: timedelta = timedelta(days=4)
    return_refund_within: timedelta = timedelta(hours=48)
    """[guess] after a return's delivery the channel refunds the buyer itself when the seller has not."""

    feed_steps: tuple[timedelta, timedelta] = (timedelta(seconds=20), timedelta(minutes=2))
    publish_after: timedelta = timedelta(minutes=5)
    price_live_after: timedelta = timedelta(0)
    report_steps: tuple[timedelta, timedelta] = (timedelta(seconds=20), timedelta(minutes=2))
    report_url_life: timedelta = timedelta(minutes=15)
    feed_faults: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    required_attributes: tuple[str, ...] = ("productName", "mainImageUrl")

    commission_rates_per_100k: Mapping[str, int] = field(default_factory=dict)
    commission_default_per_100k: int = 15_000
    tax_rate_per_100k: int = 8_250
    wfs_fee_minor: int = 450
    """What Walmart takes per unit it fulfils itself."""

    ceilings_on: bool = True
    ceilings: Mapping[str, Ceiling] = field(default_factory=lambda: dict(PUBLISHED_CEILINGS))
    feed_bytes_max: Mapping[str, int] = field(default_factory=lambda: dict(FEED_BYTES_MAX))
    orders_listed_max: int = 10_000
    released_listed_max: int = 20_000

    subscribed: tuple[str, ...] = tuple(EVENT_TYPES)
    """Events the hub is subscribed to from the start, signed by HMAC; more through the API."""
    webhook_secret: str = "walmart-hook-secret"
    webhook_header: str = "WM_SIGNATURE"
    webhook_delay: timedelta = timedelta(seconds=1)
    notices_lost_per_100k: int = 0
    notices_twice_per_100k: int = 0
    notices_late_per_100k: int = 0
    notices_late_by: timedelta = timedelta(seconds=90)

    @property
    def webhook_path(self) -> str:
        """Where the hub listens for this account."""
        return f"/hooks/{quote(self.account, safe='')}"

    def auto_cancel(self, ordered_on: date) -> timedelta:
        """How long after the estimated ship date an order of this day is cancelled."""
        return [days for since, days in self.auto_cancel_after if since <= ordered_on][-1]

    def commission_rate(self, category: str) -> int:
        """The rate on a category, per 100,000."""
        return self.commission_rates_per_100k.get(category, self.commission_default_per_100k)
