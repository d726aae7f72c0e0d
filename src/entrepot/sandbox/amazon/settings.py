"""How one Amazon seller account behaves: market, credentials, windows, delays, rates, published ceilings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Market:
    """One marketplace and how its files are written.

    `tax_on_top`: the price is net and Amazon collects and withholds the tax (US); otherwise the price holds the tax.
    """

    marketplace_id: str
    name: str
    country: str
    currency: str
    language: str
    decimal_comma: bool
    date_format: str
    tax_on_top: bool
    postal_code: str
    city: str


# Date formats by locale are a [guess]; the reference says only that they differ and that EU files use a decimal comma.
MARKETS: Final[Mapping[str, Market]] = {
    "DE": Market("A1PA6795UKMFR9", "Amazon.de", "DE", "EUR", "de_DE", True, "%d.%m.%Y", False, "20457", "Hamburg"),
    "FR": Market("A13V1IB3VIYZZH", "Amazon.fr", "FR", "EUR", "fr_FR", True, "%d/%m/%Y", False, "13002", "Marseille"),
    "GB": Market(
        "A1F83G8C2ARO7P", "Amazon.co.uk", "GB", "GBP", "en_GB", False, "%d/%m/%Y", False, "CF10 1AA", "Cardiff"
    ),
    "US": Market("ATVPDKIKX0DER", "Amazon.com", "US", "USD", "en_US", False, "%Y-%m-%d", True, "98101", "Seattle"),
    "JP": Market("A1VC38T7YXB528", "Amazon.co.jp", "JP", "JPY", "ja_JP", False, "%Y/%m/%d", False, "150-0002", "Tokyo"),
}


@dataclass(frozen=True, slots=True)
class Product:
    """What the shop already lists at the start. Units: minor units per piece; `category` is a product type."""

    sku: str
    title: str
    category: str
    gtin: str
    price_minor: int
    quantity: int
    attributes: Mapping[str, Any] = field(default_factory=dict)


Rate = tuple[float, int]
"""Tokens per second, and how many the bucket holds."""

RATES: Final[Mapping[str, Rate]] = {
    "putListingsItem": (5, 10),
    "patchListingsItem": (5, 5),
    "deleteListingsItem": (5, 5),
    "getListingsItem": (5, 10),
    "searchListingsItems": (5, 5),
    "searchDefinitionsProductTypes": (5, 10),
    "getDefinitionsProductType": (5, 10),
    "createFeedDocument": (0.5, 15),
    "createFeed": (0.0083, 15),
    "getFeed": (2, 15),
    "getFeeds": (0.0222, 10),
    "getFeedDocument": (0.0222, 10),
    "cancelFeed": (2, 15),
    "searchOrders": (0.0056, 20),
    "getOrder": (0.5, 30),
    "v0.getOrders": (0.0167, 20),
    "v0.getOrder": (0.5, 30),
    "v0.getOrderItems": (0.5, 30),
    "v0.getOrderAddress": (0.5, 30),
    "v0.getOrderBuyerInfo": (0.5, 30),
    "confirmShipment": (2, 10),
    "createReport": (0.0167, 15),
    "getReport": (2, 15),
    "getReports": (0.0222, 10),
    "cancelReport": (0.0222, 10),
    "getReportDocument": (0.0167, 15),
    "listTransactions": (0.5, 10),
    "createDestination": (1, 5),
    "getDestinations": (1, 5),
    "getDestination": (1, 5),
    "deleteDestination": (1, 5),
    "createSubscription": (1, 5),
    "getSubscription": (1, 5),
    "getSubscriptionById": (1, 5),
    "deleteSubscriptionById": (1, 5),
    "createRestrictedDataToken": (1, 10),
    "df.getOrders": (10, 10),
    "df.getOrder": (10, 10),
    "submitAcknowledgement": (10, 10),
    "submitShipmentConfirmations": (10, 10),
    "getTransactionStatus": (10, 10),
}
"""The published usage plan; cancelFeed and cancelReport are not in our reference: [guess]."""


@dataclass(frozen=True)
class Settings:
    """One seller account on one marketplace.

    Shape: `system` is the name it is mounted under, by which fault plans know it; `queue_keys` maps access keys to
    secrets, and with none the queue asks for no signature; `base_url` fixes the host of presigned addresses, which
    otherwise carry the Host header of the call (some clients spoil it).
    Units: rates per 100,000; minor units of the market's currency; all spans are business time. `deferral` is how long
    a shipment's money is known before it is payable; `duplicate_rate` the chance that an event is queued twice.
    """

    account: str = "amazon-de"
    system: str = "amazon"
    market: Market = MARKETS["DE"]
    products: tuple[Product, ...] = ()
    seller_id: str = "A3TH9S8BH6GOGM"
    client_id: str = "amzn1.application-oa2-client.sandbox"
    client_secret: str = "amzn1.oa2-cs.v1.sandbox"
    refresh_token: str = "Atzr|sandbox-refresh-token"
    application_id: str = "amzn1.sellerapps.app.sandbox"
    token_life: timedelta = timedelta(seconds=3600)
    ceilings: bool = True
    rates: Mapping[str, Rate] = field(default_factory=lambda: dict(RATES))
    base_url: str | None = None
    document_secret: str = "sandbox-document-secret"
    document_life: timedelta = timedelta(minutes=5)
    pagination_life: timedelta = timedelta(hours=24)

    queue_arn: str = "arn:aws:sqs:eu-west-1:123456789012:seller-notifications"
    queue_keys: Mapping[str, str] = field(default_factory=dict)
    visibility: timedelta = timedelta(seconds=30)
    duplicate_rate: float = 0.05
    event_delay: timedelta = timedelta(seconds=2)

    read_lag: timedelta = timedelta(minutes=2)
    handling_business_days: int = 2
    transit_days: int = 3
    cancel_after_business_days: int = 7
    pending_window: timedelta = timedelta(days=21)
    afn_ship_delay: timedelta = timedelta(hours=20)
    listing_delay: timedelta = timedelta(minutes=5)
    patch_delay: timedelta = timedelta(seconds=60)
    check_gtin: bool = True
    forbidden_words: tuple[str, ...] = ("miracle", "guaranteed cure")
    feed_steps: tuple[timedelta, timedelta] = (timedelta(seconds=30), timedelta(minutes=2))
    report_steps: tuple[timedelta, timedelta] = (timedelta(seconds=30), timedelta(minutes=2))

    vendor_id: str = "HARB1"
    vendor_warehouse: str = "HAMB"
    vendor_delay: timedelta = timedelta(
        minutes=3
    )  # until a vendor's transaction is worked off; published: up to 15 minutes
    vendor_handling: timedelta = timedelta(hours=36)

    shipping_minor: int = 0
    tax_per_100k: int = 19_000
    commission_per_100k: int = 15_000
    commission_by_type: Mapping[str, int] = field(default_factory=dict)
    refund_admin_per_100k: int = 20_000
    refund_admin_max_minor: int = 500
    afn_fee_minor: int = 350
    subscription_minor: int = 0
    deferral: timedelta = timedelta(days=7)
    reserve_per_100k: int = 10_000
    settlement_period: timedelta | None = timedelta(days=14)
    deposit_delay: timedelta = timedelta(days=2)
