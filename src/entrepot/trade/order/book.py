"""The working set of one batch: baskets with their legs and lines, read once, changed in memory by pure rules, written once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from entrepot.trade.order.states import LegState

MIRAKL_ORDER = "mirakl_order_id"


@dataclass(slots=True)
class Line:
    id: str
    leg_id: str
    order_line_id: str
    offer_id: str
    sku: str
    title: str
    category: str
    quantity: int
    price_minor: int
    shipping_minor: int
    tax_minor: int
    commission_minor: int
    commission_tax_minor: int
    their_state: str
    accepted_qty: int = 0
    refused_qty: int = 0
    shipped_qty: int = 0
    cancelled_qty: int = 0
    refunded_minor: int = 0

    @property
    def gross_minor(self) -> int:
        return self.price_minor + self.shipping_minor + self.tax_minor


@dataclass(slots=True)
class Leg:
    id: str
    basket_id: str
    account: str
    order_id: str
    seller_id: str
    seller_name: str
    state: LegState
    their_state: str
    currency: str
    ordered_minor: int
    created_at: datetime
    accepted_minor: int = 0
    debited_minor: int = 0
    refunded_minor: int = 0
    debit_asked_at: datetime | None = None
    debited_at: datetime | None = None
    payment_confirmed_at: datetime | None = None
    decided_at: datetime | None = None
    acceptance_due_at: datetime | None = None
    ship_due_at: datetime | None = None
    shipped_at: datetime | None = None
    revision: str = ""
    fulfilled_by: str = "seller"
    market: str = ""
    cancel_asked_at: datetime | None = None
    handed_at: datetime | None = None
    document_number: str = ""
    acknowledged_at: datetime | None = None
    lines: dict[str, Line] = field(default_factory=dict)


@dataclass(slots=True)
class Basket:
    id: str
    account: str
    commercial_id: str
    state: str
    currency: str
    ordered_minor: int
    placed_at: datetime
    source: str
    customer_id: str = ""
    legs_expected: int = 0
    authorisation_id: str | None = None
    authorisation_expires_at: datetime | None = None
    authorised_minor: int = 0
    captured_minor: int = 0
    released_minor: int = 0
    refunded_minor: int = 0
    legs: dict[str, Leg] = field(default_factory=dict)

    @property
    def root(self) -> str:
        return root_of(self.commercial_id)

    @property
    def held_minor(self) -> int:
        """Authorised, neither captured nor released."""
        return self.authorised_minor - self.captured_minor - self.released_minor


def root_of(commercial_id: str) -> str:
    return f"basket:{commercial_id}"


@dataclass(frozen=True, slots=True)
class Happened:
    """One row of table event, before it has an id."""

    object: str
    object_id: str
    root: str
    what: str
    from_state: str = ""
    to_state: str = ""
    by: str = "hub"
    because: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Book:
    """What a batch touches. `new_*` hold ids to insert, `changed_*` ids to update; an object in neither was only read."""

    baskets: dict[str, Basket] = field(default_factory=dict)  # by commercial id
    new_baskets: set[str] = field(default_factory=set)  # by id, as all below
    changed_baskets: set[str] = field(default_factory=set)
    new_legs: set[str] = field(default_factory=set)
    changed_legs: set[str] = field(default_factory=set)
    new_lines: set[str] = field(default_factory=set)
    changed_lines: set[str] = field(default_factory=set)
    events: list[Happened] = field(default_factory=list)
    identifiers: list[tuple[str, str, str, str, str]] = field(
        default_factory=list
    )  # account, scheme, value, object, object id

    def leg(self, order_id: str) -> tuple[Basket, Leg] | None:
        for basket in self.baskets.values():
            found = basket.legs.get(order_id)
            if found:
                return basket, found
        return None

    def legs(self) -> Iterable[tuple[Basket, Leg]]:
        return ((basket, leg) for basket in self.baskets.values() for leg in basket.legs.values())

    def touch(self, basket: Basket, leg: Leg | None = None, line: Line | None = None) -> None:
        """Mark as changed; what is new is inserted anyway."""
        self.changed_baskets.add(basket.id)
        if leg is not None:
            self.changed_legs.add(leg.id)
        if line is not None:
            self.changed_lines.add(line.id)

    def add_basket(self, basket: Basket) -> None:
        self.baskets[basket.commercial_id] = basket
        self.new_baskets.add(basket.id)
        self.identifiers.append((basket.account, "commercial_id", basket.commercial_id, "basket", basket.id))
        if basket.authorisation_id:
            self.identifiers.append((basket.account, "authorisation_id", basket.authorisation_id, "basket", basket.id))

    def add_leg(self, basket: Basket, leg: Leg, scheme: str = MIRAKL_ORDER) -> None:
        """`scheme`: by which of its ids the marketplace knows the leg."""
        basket.legs[leg.order_id] = leg
        self.new_legs.add(leg.id)
        self.new_lines.update(line.id for line in leg.lines.values())
        self.identifiers.append((leg.account, scheme, leg.order_id, "leg", leg.id))

    def tell(
        self,
        basket: Basket,
        leg: Leg | None,
        what: str,
        *,
        from_state: str = "",
        to_state: str = "",
        by: str = "hub",
        because: str = "",
        **detail: Any,
    ) -> None:
        """Leave an event of the leg, or of the basket when no leg is named."""
        object_, object_id = ("leg", leg.id) if leg else ("basket", basket.id)
        self.events.append(Happened(object_, object_id, basket.root, what, from_state, to_state, by, because, detail))
