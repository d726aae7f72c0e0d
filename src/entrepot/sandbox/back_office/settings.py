"""What one simulated back office is like: who may call it, at what pace it works, how often it fails an order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

API_VERSION: Final = "1.0"
TOPICS: Final = ("stock", "price", "parcel", "product", "cancellation", "return")
REASONS: Final = ("out-of-stock", "buyer-asked", "undeliverable", "price-error", "other")
EVERY_CHANNEL: Final = "*"

Span = tuple[float, float]
"""The shortest and the longest time something takes, business seconds."""


@dataclass(frozen=True, slots=True)
class Article:
    """An article as it is at the start. `prices`: by channel, where it has another one than everywhere else; `currencies`:
    of those that are not in the article's own.

    `stock`: pieces by location; without it, `quantity` pieces lie at the settings' own location.
    """

    sku: str
    title: str
    price_minor: int
    quantity: int = 0
    currency: str = "EUR"
    gtin: str = ""
    category: str = ""
    brand: str = ""
    description: str = ""
    images: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    prices: Mapping[str, int] = field(default_factory=dict)
    currencies: Mapping[str, str] = field(default_factory=dict)
    stock: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """Times are business seconds; chances go from 0 to 1.

    `unknown_chance`: of an article to be missing in the ERP although the PIM speaks of it. `refuse_chance`: of an order
    to meet no capacity; it is taken `no_capacity_s` later. `backorders`: an order is accepted although too little lies
    there, and given up when nobody finds the goods; else it is refused at once. `give_up_chance`: of a line to be missing
    on its shelf. `reject_chance`: of a returned piece not to be taken back. `decides_refunds`: what came back is told
    together with what the buyer is to get. `queued`: topics (stock, price) told by the company's queue instead of pushes; `queue_keys`:
    access keys of it and their secrets, and with none it asks for no signature. `lists_seeded_products`: the PIM's list begins with what was there at the start;
    else with the first change, as an export that was switched on when everything was known already.
    """

    name: str = "backoffice"  # by which the fault plan and the world know it
    account: str = "backoffice"  # of the hub, which its webhooks name
    key: str = "backoffice-key"
    webhook_secret: str = "whsec_YmFjay1vZmZpY2Utc2lnbmluZy1zZWNyZXQtMTI="
    location: str = "main"
    carriers: tuple[str, ...] = ("dhl", "ups", "gls")
    service: str = "standard"
    page_size: int = 200

    pick_after_s: Span = (600.0, 7_200.0)
    pick_takes_s: Span = (600.0, 3_600.0)
    second_parcel_after_s: Span = (1_800.0, 14_400.0)
    two_parcels_chance: float = 0.1
    give_up_chance: float = 0.01
    refuse_chance: float = 0.0
    no_capacity_s: float = 3_600.0
    unknown_chance: float = 0.0
    backorders: bool = True

    inspect_after_s: Span = (3_600.0, 86_400.0)
    reject_chance: float = 0.05
    decides_refunds: bool = True
    lists_seeded_products: bool = True

    queued: tuple[str, ...] = ()
    queue_arn: str = "arn:aws:sqs:eu-central-1:123456789012:stock-events"
    queue_keys: Mapping[str, str] = field(default_factory=dict)
    queue_doubled_chance: float = 0.0

    pushed: tuple[str, ...] = TOPICS
    push_lost_chance: float = 0.0
    push_doubled_chance: float = 0.0

    @property
    def queue_path(self) -> str:
        """Of the queue's address: its owner and its name."""
        owner, name = self.queue_arn.split(":")[-2:]
        return f"/{owner}/{name}"

    @property
    def webhook_path(self) -> str:
        """Where the hub listens for this account."""
        return f"/hooks/{quote(self.account, safe='')}"
