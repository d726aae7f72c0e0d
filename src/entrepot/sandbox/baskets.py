"""Baskets: what a buyer puts together, and how the shop front tells of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any, Final

from entrepot.sandbox.mirakl.state import Offer

SELLERS_PER_BASKET_MAX: Final = 4
LINES_PER_SELLER_MAX: Final = 3
QUANTITY_WEIGHTS: Final = (70, 20, 10)


class BasketState(StrEnum):
    PLANNED = "planned"
    CHECKING = "checking"
    ORDERING = "ordering"
    ORDERED = "ordered"
    UNSELLABLE = "unsellable"
    REFUSED = "refused"
    ABANDONED = "abandoned"


@dataclass(frozen=True)
class BasketLine:
    """One article. Units: minor units; shipping is for the whole line."""

    offer_id: int
    sku: str
    shop_id: int
    title: str
    category: str
    quantity: int
    unit_price_minor: int
    shipping_minor: int

    @property
    def total_minor(self) -> int:
        return self.quantity * self.unit_price_minor + self.shipping_minor


@dataclass
class Basket:
    commercial_id: str
    number: int
    customer: dict[str, Any]
    currency: str
    lines: tuple[BasketLine, ...]
    placed_at: str
    state: BasketState = BasketState.PLANNED
    authorisation_id: str | None = None
    hub_basket_id: str | None = None
    shipping_method: str = ""  # the shop's own word; empty: the buyer was not asked
    checks: list[int] = field(default_factory=list)
    orders: list[int] = field(default_factory=list)
    checked_at: str | None = None  # when the hub said what may be sold
    reasons: list[str] = field(default_factory=list)  # why it said no, by offer

    @property
    def amount_minor(self) -> int:
        return sum(line.total_minor for line in self.lines)


Choose = Callable[[Random, Sequence[Offer]], list[tuple[Offer, int]]]
"""Picks offers and quantities for one basket."""


def choose_any(rng: Random, offers: Sequence[Offer]) -> list[tuple[Offer, int]]:
    """One to four sellers, one to three articles of each."""
    shops = sorted({offer.shop_id for offer in offers})
    chosen = []
    for shop_id in rng.sample(shops, rng.randint(1, min(SELLERS_PER_BASKET_MAX, len(shops)))):
        theirs = [offer for offer in offers if offer.shop_id == shop_id]
        for offer in rng.sample(theirs, rng.randint(1, min(LINES_PER_SELLER_MAX, len(theirs)))):
            chosen.append((offer, rng.choices((1, 2, 3), QUANTITY_WEIGHTS)[0]))
    return chosen


def line_of(offer: Offer, quantity: int) -> BasketLine:
    return BasketLine(
        offer_id=offer.offer_id,
        sku=offer.product_sku,
        shop_id=offer.shop_id,
        title=offer.title,
        category=offer.category_code,
        quantity=quantity,
        unit_price_minor=offer.price_minor,
        shipping_minor=offer.shipping_minor * quantity,
    )


def line_view(line: BasketLine) -> dict[str, Any]:
    """Ids travel as text: they name things, nobody counts with them."""
    return {
        "offer_id": str(line.offer_id),
        "sku": line.sku,
        "shop_id": str(line.shop_id),
        "title": line.title,
        "category": line.category,
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price_minor,
        "shipping_minor": line.shipping_minor,
    }


def basket_view(basket: Basket) -> dict[str, Any]:
    return {
        "commercial_id": basket.commercial_id,
        "state": basket.state.value,
        "currency": basket.currency,
        "amount_minor": basket.amount_minor,
        "authorisation_id": basket.authorisation_id,
        "hub_basket_id": basket.hub_basket_id,
        "customer_id": basket.customer["customer_id"],
        "placed_at": basket.placed_at,
        "checks": basket.checks,
        "answers": basket.orders,
        "checked_at": basket.checked_at,
        "reasons": basket.reasons,
        "lines": [line_view(line) for line in basket.lines],
    }
