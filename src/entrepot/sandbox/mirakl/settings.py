"""How one operator has set his platform up: shops, catalogue, windows, ceilings, keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

ALL_WORKFLOWS: Final = (
    "PAY_ON_ACCEPTANCE",
    "PAY_ON_DELIVERY",
    "PAY_ON_DUE_DATE",
    "PAY_ON_SHIPMENT",
    "NO_CUSTOMER_PAYMENT_CONFIRMATION",
)


@dataclass(frozen=True)
class CategorySeed:
    """One category and the operator's commission on it. Units: rate per 100,000 of price plus shipping."""

    code: str
    label: str
    rate_per_100k: int


@dataclass(frozen=True)
class ShopSeed:
    """One seller. Units: `tax_rate_per_100k` is the tax on the commission (20,000 is 20 %)."""

    shop_id: int
    name: str
    corporate_name: str = ""
    currency: str = "EUR"
    country: str = "FRA"
    model: str = "MARKETPLACE"
    state: str = "OPEN"
    kyc_status: str = "APPROVED"
    tax_rate_per_100k: int = 20_000
    iban: str = "FR7630006000011234567890189"
    pay_out_psp_code: str = "OPERATOR"
    operator_internal_id: str | None = None


@dataclass(frozen=True)
class OfferSeed:
    """One offer. Units: minor units of the currency; `shipping_minor` is per unit ordered."""

    offer_id: int
    shop_id: int
    shop_sku: str
    product_sku: str
    title: str
    category_code: str
    price_minor: int
    quantity: int
    shipping_minor: int = 0
    currency: str = "EUR"
    lead_time_days: int = 2
    brand: str = "Generic"


Ceiling = tuple[int, int]
"""So many calls in so many business seconds."""

PUBLISHED_CEILINGS: Final[Mapping[str, tuple[Ceiling, ...]]] = {
    "OR11": ((1, 60),),
    "OF01": ((1, 60),),
    "OF51": ((1, 60),),
    "STO01": ((1, 60),),
    "STO02": ((1, 15),),
    "PRI01": ((1, 60),),
    "RT11": ((1, 300),),
    "IV01": ((1, 86_400),),
    "TL02": ((20, 60), (60, 3_600)),
}
OPERATOR_CEILINGS: Final[Mapping[str, tuple[Ceiling, ...]]] = {
    # A sped-up day polls in business seconds; an operator's own integration is granted more than a seller's.
    "OR11": ((60, 60),),
    "RT11": ((60, 60),),
    "OF01": ((1, 60),),
    "OF51": ((1, 60),),
    "IV01": ((60, 3_600),),
    "TL02": ((20, 60), (60, 3_600)),
}


def default_ceilings() -> dict[str, Mapping[str, tuple[Ceiling, ...]]]:
    """Ceilings by role."""
    return {"shop": PUBLISHED_CEILINGS, "front": OPERATOR_CEILINGS, "operator": OPERATOR_CEILINGS}


@dataclass(frozen=True)
class Settings:
    """One platform.

    Units: `commission_faults` maps the nth order line ever created (from 1) to the rate wrongly charged on it.
    `payable_on` names the order state from which its transaction lines may be paid out ("SHIPPED" or "RECEIVED").
    """

    shops: tuple[ShopSeed, ...] = ()
    categories: tuple[CategorySeed, ...] = ()
    offers: tuple[OfferSeed, ...] = ()
    platform_name: str = "Mirakl FR"
    timezone: str = "Europe/Paris"
    currency: str = "EUR"
    payment_workflow: str = "PAY_ON_ACCEPTANCE"
    partial_acceptance: bool = True
    acceptance_window: timedelta = timedelta(hours=48)
    unpaid_window: timedelta = timedelta(hours=72)
    close_delay: timedelta = timedelta(days=14)
    due_after_shipping: timedelta = timedelta(days=30)
    payable_on: str = "RECEIVED"
    refund_on_compliant_return: bool = True
    commission_returned_on_refund: bool = True
    commission_faults: Mapping[int, int] = field(default_factory=dict)
    update_overlap: timedelta = timedelta(seconds=60)
    import_steps: tuple[timedelta, timedelta] = (timedelta(seconds=5), timedelta(seconds=15))
    export_delay: timedelta = timedelta(seconds=10)
    shipping_zones: tuple[str, ...] = ("FR",)
    shipping_types: tuple[str, ...] = ("STD", "EXP")
    ceilings: Mapping[str, Mapping[str, tuple[Ceiling, ...]]] = field(default_factory=default_ceilings)
    keys: Mapping[str, str] = field(default_factory=lambda: {"front-key": "front", "operator-key": "operator"})
    clients: Mapping[str, tuple[str, str]] = field(
        default_factory=lambda: {
            "front-client": ("front-secret", "front"),
            "operator-client": ("operator-secret", "operator"),
        }
    )
    token_life: timedelta = timedelta(hours=1)
    webhook_path: str = "/hooks/mirakl-fr"
    webhook_secret: str = "whsec_c2FuZGJveC1taXJha2wtZnItd2ViaG9vay1zZWNyZXQ="
    webhook_delay: timedelta = timedelta(seconds=1)

    def key_of_shop(self, shop_id: int) -> str:
        """The API key of one shop."""
        return f"shop-{shop_id}-key"
