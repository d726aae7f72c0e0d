"""The market round one shop that is us: buyers, the operator and his front, under the names every other channel's portal has.

A seller sees orders only; somebody else scores them, charges the buyer once we accepted (PA11, PA01) and pays refunds back (PA12, PA02).
That is the front here, played by timers with the front's own key, so that only the seller's calls are left to the caller.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar

from entrepot.sandbox.core import Request
from entrepot.sandbox.mirakl.errors import MiraklError
from entrepot.sandbox.mirakl.money import major
from entrepot.sandbox.mirakl.platform import CYCLE_CLOSED, OFFER_UPDATED, ORDER_CREATED, ORDER_UPDATED, REFUND_CREATED
from entrepot.sandbox.mirakl.shop_books import health_of, shop_books, waiting_of
from entrepot.sandbox.mirakl.state import Offer, Order
from entrepot.sandbox.mirakl.system import Mirakl

PAGE: Final = 100
T = TypeVar("T")
SPOKEN: Final = {ORDER_CREATED: "order.placed", OFFER_UPDATED: "listing.updated", CYCLE_CLOSED: "period.closed"}


@dataclass(frozen=True, slots=True)
class Product:
    """One offer of the shop at the start. Units: minor units of the shop's currency; `gtin` is the product's id."""

    sku: str
    title: str
    category: str
    gtin: str
    price_minor: int
    quantity: int
    attributes: Mapping[str, str] = field(default_factory=dict)


class Shopfront:
    """What happens round one shop.

    Shape: `pay_after` and `deliver_after` pass between our step and theirs; None: nobody does it, or the test does.
    Errors: ValueError for what this marketplace does not do. Call it under the world's lock.
    """

    def __init__(
        self,
        mirakl: Mirakl,
        shop_id: int,
        *,
        pay_after: timedelta | None = timedelta(minutes=1),
        deliver_after: timedelta | None = timedelta(days=2),
    ) -> None:
        self.mirakl = mirakl
        self.shop_id = shop_id
        self.key = mirakl.settings.key_of_shop(shop_id)
        self._portal = mirakl.portal
        self._platform = mirakl.platform
        self._tables = mirakl.platform.tables
        self._pay_after = pay_after
        self._deliver_after = deliver_after
        self._front = next(key for key, role in mirakl.settings.keys.items() if role == "front")
        self._planned: set[tuple[str, str]] = set()
        self._baskets = 0
        self._listeners: list[Callable[[str, str], None]] = []
        mirakl.platform.listeners.append(self._hear)

    # -- buyers ----------------------------------------------------------------------------------------------------

    def place(
        self,
        lines: Sequence[tuple[str, int]],
        *,
        buyer: str = "",
        pending: bool = False,
        fulfilled_by: str = "seller",
    ) -> str:
        """A buyer orders (sku, quantity); the order's id. `pending`: the operator still checks it for fraud (STAGING).

        `fulfilled_by` other than "seller": the operator accepts and sends it himself. Errors: ValueError when not buyable.
        """
        self._baskets += 1
        body = {
            "commercial_id": f"S{self.shop_id}-{self._baskets:05d}",
            "scored": not pending,
            "customer": _customer(buyer or f"buyer-{self._baskets}"),
            "currency_iso_code": self._tables.shops[self.shop_id].currency,
            "shipping_zone_code": self.mirakl.settings.shipping_zones[0],
            "offers": [self._line(self._offer(sku), quantity) for sku, quantity in lines],
        }
        answer = self._call("POST", "/api/orders", body)
        if not answer.get("orders"):
            raise ValueError(f"not buyable: {answer.get('offers_errors') or answer.get('errors')}")
        order_id = str(answer["orders"][0]["order_id"])
        if fulfilled_by != "seller":
            self._by_operator(self._portal.order(order_id))
        return order_id

    def _line(self, offer: Offer, quantity: int) -> dict[str, Any]:
        price = offer.price_on(self.mirakl.offers.today())

        def written(minor: int) -> float:
            return float(major(minor, offer.currency))  # only carries the digits to the text

        return {
            "offer_id": offer.offer_id,
            "offer_price": written(price),
            "price": written(price * quantity),
            "quantity": quantity,
            "shipping_price": written(offer.shipping_minor * quantity),
            "shipping_type_code": self.mirakl.settings.shipping_types[0],
        }

    def _by_operator(self, order: Order) -> None:
        order.fulfillment_center = "OPERATOR"
        self._platform.touch(order)
        self._platform.settle()

    def release(self, order_id: str) -> None:
        """The fraud check is passed."""
        self._click(lambda: self._portal.score(order_id, True))

    def ask_cancel(self, order_id: str, lines: Sequence[str] | None = None) -> None:
        """The buyer wants out: granted before he is charged; later there is no such request, he writes a message."""
        if lines is not None:
            raise ValueError("a buyer of this marketplace gives up whole orders only")
        self.cancel(order_id)
        self._portal.order(order_id).cancelled_by = "buyer"

    def cancel(self, order_id: str) -> None:
        """The operator cancels. Errors: ValueError once the buyer is charged; a refund is the way then."""
        self._click(lambda: self._portal.cancel(order_id, "CUSTOMER_REQUEST"))

    def open_return(self, order_id: str, lines: Sequence[tuple[str, int]], reason: str) -> str:
        """The buyer wants to send units of lines back; the return's id (WAITING_ACCEPTANCE)."""
        return self._click(lambda: self._portal.create_return(order_id, dict(lines), reason))

    def refund(self, order_id: str, line_id: str, amount_minor: int) -> str:
        """The operator refunds part of a line."""
        return self._click(lambda: self._portal.refund(order_id, line_id, amount_minor, "COMMERCIAL_GESTURE"))

    def open_dispute(self, order_id: str) -> str:
        """The buyer opens an incident on the first line; its id."""
        line_id = next(iter(self._portal.order(order_id).lines))
        self._click(lambda: self._portal.open_incident(order_id, line_id, "NOT_RECEIVED"))
        return line_id

    # -- listings --------------------------------------------------------------------------------------------------

    def seed(self, products: Sequence[Product]) -> None:
        """Offers the shop already has. `category` is a code of the settings; commission is taken by it."""
        labels = {category.code: category.label for category in self.mirakl.settings.categories}
        now = self._platform.now()
        for product in products:
            offer = Offer(
                offer_id=self._tables.count("offer"),
                shop_id=self.shop_id,
                shop_sku=product.sku,
                product_sku=product.gtin,
                title=product.title,
                brand=product.attributes.get("brand", "Generic"),
                category_code=product.category,
                category_label=labels.get(product.category, product.category),
                price_minor=product.price_minor,
                shipping_minor=int(product.attributes.get("shipping_minor", "0")),
                currency=self._tables.shops[self.shop_id].currency,
                quantity=product.quantity,
                lead_time_days=int(product.attributes.get("lead_time_days", "2")),
                created_at=now,
                updated_at=now,
                description=product.title,
            )
            self.mirakl.offers.add(offer)

    def suppress(self, sku: str, code: str, message: str, attribute: str) -> None:
        """The operator takes an offer off. `code`: an inactivity reason such as PRODUCT_STATUS_REJECTED; nothing else is told."""
        self._block(sku, code)

    def restore(self, sku: str) -> None:
        """The offer is active again."""
        self._block(sku, None)

    def _block(self, sku: str, reason: str | None) -> None:
        offer_id = self._offer(sku).offer_id
        self._click(lambda: self._portal.revise_offer(offer_id, blocked=reason))

    def live(self, sku: str) -> bool:
        """Whether it can be bought."""
        offer_id = self._tables.offer_by_sku.get((self.shop_id, sku))
        offer = self._tables.offers[offer_id] if offer_id is not None else None
        return offer is not None and not offer.deleted and not self.mirakl.offers.inactivity(offer)

    def price(self, sku: str) -> int:
        """What it costs today."""
        return self._offer(sku).price_on(self.mirakl.offers.today())

    def stock(self, sku: str) -> int:
        """How many are left."""
        return self._offer(sku).quantity

    def _offer(self, sku: str) -> Offer:
        offer_id = self._tables.offer_by_sku.get((self.shop_id, sku))
        if offer_id is None:
            raise ValueError(f"the shop has no offer {sku}")
        return self._tables.offers[offer_id]

    # -- money, health, hearing ------------------------------------------------------------------------------------

    def close_period(self) -> str | None:
        """Close the billing cycles; the id of ours, None when there was nothing."""
        before = set(self._tables.cycles)
        self._portal.close_cycles()
        ours = (cycle for cycle in self._tables.cycles.values() if cycle.shop_id == self.shop_id)
        return next((cycle.cycle_id for cycle in ours if cycle.cycle_id not in before), None)

    def health(self) -> Mapping[str, float]:
        """Shares of the shop's orders: shipped late, not taken or cancelled by him, with an incident."""
        return health_of(self._platform, self.shop_id)

    def subscribe(self, listener: Callable[[str, str], None]) -> None:
        """Hear of this shop as (topic, id): "order.placed", "order.updated", "order.cancelled", "listing.updated", "period.closed"."""
        self._listeners.append(listener)

    def waiting(self) -> Mapping[str, int]:
        """What is not over yet."""
        return waiting_of(self._platform, self.shop_id)

    def books(self) -> dict[str, Any]:
        """The shop's part of the marketplace's books, in the shape all channels share."""
        return shop_books(self.mirakl, self.shop_id)

    # -- the front -------------------------------------------------------------------------------------------------

    def _hear(self, topic: str, subject: str) -> None:
        if topic in (ORDER_CREATED, ORDER_UPDATED):
            order = self._tables.orders[subject]
            if order.shop_id == self.shop_id:
                self._follow(order)
                over = order.state in ("CANCELED", "REFUSED")
                self._tell("order.cancelled" if over else SPOKEN.get(topic, "order.updated"), subject)
        elif topic == REFUND_CREATED and self._ours(self._tables.refunds[subject].order_id):
            self._plan("refund", subject, self._pay_after, lambda: self._pay_back(subject))
        elif topic == OFFER_UPDATED and self._tables.offers[int(subject)].shop_id == self.shop_id:
            self._tell(SPOKEN[topic], self._tables.offers[int(subject)].shop_sku)
        elif topic == CYCLE_CLOSED and self._tables.cycles[subject].shop_id == self.shop_id:
            self._tell(SPOKEN[topic], subject)

    def _follow(self, order: Order) -> None:
        """What the others do next with an order."""
        if order.debit == "PENDING":
            self._plan("debit", order.order_id, self._pay_after, lambda: self._charge(order))
        if order.fulfillment_center != "DEFAULT" and order.state in ("WAITING_ACCEPTANCE", "SHIPPING"):
            self._plan(f"operator: {order.state}", order.order_id, timedelta(0), lambda: self._serve(order))
        if order.state == "SHIPPED":
            self._plan("deliver", order.order_id, self._deliver_after, lambda: self._deliver(order))

    def _plan(self, what: str, subject: str, pause: timedelta | None, act: Callable[[], None]) -> None:
        if pause is not None and (what, subject) not in self._planned:
            self._planned.add((what, subject))
            self._platform.at(self._platform.now() + pause, act)

    def _charge(self, order: Order) -> None:
        """The front reads what to charge, and says that it did."""
        self._planned.discard(("debit", order.order_id))
        row = self._listed("/api/payment/debit", lambda one: one["order_id"] == order.order_id)
        if row is None:
            return
        confirmed = {
            "order_id": order.order_id,
            "customer_id": row["customer_id"],
            "amount": float(row["amount"]),
            "currency_iso_code": row["currency_iso_code"],
            "payment_status": "OK",
            "transaction_number": f"T-{order.order_id}",
        }
        self._call("PUT", "/api/payment/debit", {"orders": [confirmed]})

    def _pay_back(self, refund_id: str) -> None:
        """The front reads what to pay back, and says that it did."""
        refund = self._tables.refunds[refund_id]
        if self._listed("/api/payment/refund", lambda one: one["order_id"] == refund.order_id) is None:
            return
        currency = self._tables.orders[refund.order_id].currency
        confirmed = {
            "refund_id": refund_id,
            "amount": float(major(refund.total_minor, currency)),
            "currency_iso_code": currency,
            "payment_status": "OK",
            "transaction_number": f"R-{refund_id}",
        }
        self._call("PUT", "/api/payment/refund", {"refunds": [confirmed]})

    def _listed(self, path: str, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        offset = 0
        while True:
            page = self._call("GET", path, None, (("max", str(PAGE)), ("offset", str(offset))))
            found: list[dict[str, Any]] = page["orders"]["order"]
            for row in found:
                if fits(row):
                    return row
            offset += PAGE
            if offset >= page["total_count"]:
                return None

    def _serve(self, order: Order) -> None:
        """The operator's own warehouse accepts and sends."""
        if order.state == "WAITING_ACCEPTANCE":
            self._portal.accept(order.order_id, dict.fromkeys(order.lines, True))
        elif order.state == "SHIPPING":
            self._portal.ship(order.order_id, "DHL", f"OP-{order.order_id}")

    def _deliver(self, order: Order) -> None:
        if order.state == "SHIPPED":
            self._portal.receive(order.order_id)

    # -- small things ----------------------------------------------------------------------------------------------

    def _ours(self, order_id: str) -> bool:
        return self._tables.orders[order_id].shop_id == self.shop_id

    def _tell(self, topic: str, subject: str) -> None:
        for listener in self._listeners:
            listener(topic, subject)

    def _click(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except MiraklError as why:
            raise ValueError(why.message) from why

    def _call(self, method: str, path: str, body: Any, query: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
        """One call of the front, past the fault plan, which is for our calls. Errors: ValueError with the answer."""
        headers = {"authorization": self._front, "content-type": "application/json"}
        sent = b"" if body is None else json.dumps(body).encode()
        answer = self.mirakl.handle(Request(method, path, query, headers, sent))
        if answer.status >= 400:
            raise ValueError(f"{method} {path}: {answer.body.decode()}")
        found: dict[str, Any] = json.loads(answer.body, parse_float=Decimal) if answer.body else {}
        return found


def _customer(customer_id: str) -> dict[str, Any]:
    address = {
        "firstname": "Ada",
        "lastname": "Buyer",
        "street_1": "2 Quay Street",
        "city": "Nantes",
        "zip_code": "44000",
        "country": "France",
        "country_iso_code": "FRA",
    }
    return {
        "customer_id": customer_id,
        "firstname": "Ada",
        "lastname": "Buyer",
        "locale": "fr_FR",
        "shipping_address": address,
        "billing_address": address,
    }
