"""How one seller's account on eBay is set up: market, credentials, windows, delays, fees, quotas."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import quote

SCOPE: Final = "https://api.ebay.com/oauth/api_scope"
SELL_SCOPES: Final = (
    "sell.inventory",
    "sell.fulfillment",
    "sell.finances",
    "sell.payment.dispute",
    "sell.analytics.readonly",
    "commerce.notification.subscription",
)
EUROPEAN_UNION: Final = (
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
    "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
)  # fmt: skip
SIGNING_COUNTRIES: Final = frozenset({*EUROPEAN_UNION, "GB"})

DAILY_QUOTAS: Final[Mapping[str, int]] = {
    # Published figures: Finances 15,000, Notification 10,000, token mints 1,000 and 50,000. The others are [guess].
    "sell.inventory": 2_000_000,
    "sell.fulfillment": 100_000,
    "sell.finances": 15_000,
    "sell.analytics": 400,
    "sell.compliance": 5_000,
    "commerce.notification": 10_000,
    "post-order": 50_000,
    "developer.analytics": 5_000,
    "developer.key_management": 10_000,
    "mint.client_credentials": 1_000,
    "mint.refresh_token": 50_000,
    "mint.authorization_code": 10_000,
}


@dataclass(frozen=True, slots=True)
class Product:
    """Something the shop already lists. Units: minor units of the market's currency; shipping per unit ordered."""

    sku: str
    title: str
    category: str
    gtin: str
    price_minor: int
    quantity: int
    attributes: Mapping[str, str] = field(default_factory=dict)
    shipping_minor: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """One seller on one eBay site.

    Units: rates per 100,000 of the basis; shares of notifications per 1,000. `exchange_rate` is payout currency per
    unit of the listing currency, as text, and applies when `payout_currency` is another one than `currency`.
    """

    system: str = "ebay"
    account: str = "ebay-de"
    seller: str = "harbour_store"
    marketplace: str = "EBAY_DE"
    program: str = "PROGRAM_DE"
    country: str = "DE"
    currency: str = "EUR"
    payout_currency: str = ""
    exchange_rate: str = "1"
    base_url: str = "https://api.ebay.com"

    client_id: str = "harbour-app-id"
    client_secret: str = "harbour-cert-id"
    refresh_token: str = "v^1.1#i^1#r^1#harbour-refresh"
    authorization_code: str = "v^1.1#i^1#c^1#harbour-code"
    granted_scopes: tuple[str, ...] = SELL_SCOPES
    token_life: timedelta = timedelta(hours=2)
    refresh_token_life: timedelta = timedelta(days=547)

    ceilings: bool = True
    quotas: Mapping[str, int] = field(default_factory=lambda: dict(DAILY_QUOTAS))
    quota_zone: str = "America/Los_Angeles"  # [guess] published samples reset at 07:00Z, midnight there
    revisions_per_listing_a_day: int = 250
    bulk_entries_max: int = 25

    handling: timedelta = timedelta(days=2)
    delivery_min: timedelta = timedelta(days=2)
    delivery_max: timedelta = timedelta(days=4)
    cancel_answer: timedelta = timedelta(days=3)
    return_answer: timedelta = timedelta(days=3)
    return_refund: timedelta = timedelta(days=2)
    inquiry_answer: timedelta = timedelta(days=3)
    dispute_answer: timedelta = timedelta(days=5)
    dispute_review: timedelta = timedelta(days=10)
    dispute_won_per_1000: int = 500
    refund_delay: timedelta = timedelta(seconds=60)
    live_delay: timedelta = timedelta(0)
    funds_delay: timedelta = timedelta(days=2)
    payout_delay: timedelta = timedelta(days=1)
    channel_ships_after: timedelta = timedelta(hours=12)

    fee_rate_per_100k: int = 11_000
    fee_rates_per_100k: Mapping[str, int] = field(default_factory=dict)
    order_fee_minor: int = 35
    dispute_fee_minor: int = 1_600
    collected_tax_per_100k: int = 0
    required_aspects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    demands_signatures: bool = True  # of sellers at home in `SIGNING_COUNTRIES`, as eBay does
    signing_key_life: timedelta = timedelta(days=1_095)
    signature_age: timedelta = timedelta(minutes=15)  # machine; [guess] they publish that it is checked, not how

    verification_token: str = "harbour-verification-token-0123456789abcdef"
    signing_seed: str = "ebay-notifications"
    subscribed: tuple[str, ...] = ("ORDER_CONFIRMATION", "ITEM_MARKED_SHIPPED", "MARKETPLACE_ACCOUNT_DELETION")
    webhook_delay: timedelta = timedelta(seconds=1)
    webhook_jitter: timedelta = timedelta(seconds=4)
    lost_per_1000: int = 5
    duplicate_per_1000: int = 20

    @property
    def webhook_path(self) -> str:
        """Where the hub listens for this account."""
        return f"/hooks/{quote(self.account, safe='')}"

    @property
    def signs(self) -> bool:
        """Whether this seller's calls about money must carry a message signature."""
        return self.demands_signatures and self.country in SIGNING_COUNTRIES

    @property
    def paid_in(self) -> str:
        """The currency of payouts."""
        return self.payout_currency or self.currency

    def fee_rate(self, category: str) -> int:
        """The final value fee of one category."""
        return self.fee_rates_per_100k.get(category, self.fee_rate_per_100k)
