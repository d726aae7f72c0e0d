"""OR01 and SH02: a basket priced for shipping, and split into one order per seller.

The schemas of both calls are not public: paths and fields follow running connectors, the rest is our guess.
"""

from typing import Any, Final

from entrepot.sandbox.core import Response
from entrepot.sandbox.mirakl.call import Call
from entrepot.sandbox.mirakl.errors import MiraklError, invalid
from entrepot.sandbox.mirakl.money import commission, exponent, major, minor
from entrepot.sandbox.mirakl.offers import Offers
from entrepot.sandbox.mirakl.orders import Orders
from entrepot.sandbox.mirakl.platform import ORDER_CREATED, Platform
from entrepot.sandbox.mirakl.render import customer_dict, order_json
from entrepot.sandbox.mirakl.settings import ALL_WORKFLOWS
from entrepot.sandbox.mirakl.state import Line, Offer, Order
from entrepot.sandbox.mirakl.wire import answer, body_of, optional_text, rows, text, whole

LINES_MAX: Final = 200


class Checkout:
    """Makes orders out of baskets, all of a basket or nothing of it (our guess)."""

    def __init__(self, platform: Platform, orders: Orders, offers: Offers) -> None:
        self._platform = platform
        self._tables = platform.tables
        self._orders = orders
        self._offers = offers
        rates = {category.code: category.rate_per_100k for category in platform.settings.categories}
        self._rates = rates

    # -- OR01 ------------------------------------------------------------------------------------------------------

    def or01(self, call: Call) -> Response:
        """Split a basket into orders `<commercial_id>-A`, `-B`, … by shop in the order of its lines."""
        body = body_of(call.request)
        commercial_id = text(body, "commercial_id")
        written = self._platform.asked("OR01", commercial_id)
        if commercial_id in self._tables.orders_by_commercial:
            message = f"Commercial id '{commercial_id}' is already used"
            raise MiraklError(400, message, "COMMERCIAL_ID_ALREADY_USED", "commercial_id")
        basket = self._basket(body)
        errors, unshippable = self._refusals(basket)
        created = [] if errors or unshippable else self._create(commercial_id, body, basket)
        written.applied += 1 if created else 0
        return answer(
            201,
            {
                "commercial_id": commercial_id,
                "orders": [order_json(order) for order in created],
                "offers_errors": errors,
                "offers_not_shippable": unshippable,
            },
        )

    def _basket(self, body: dict[str, Any]) -> list["BasketLine"]:
        currency = text(body, "currency_iso_code")
        exponent(currency)
        if body.get("payment_workflow", ALL_WORKFLOWS[0]) not in ALL_WORKFLOWS:
            raise invalid("unknown payment workflow", "payment_workflow")
        customer = body.get("customer")
        if not isinstance(customer, dict):
            raise invalid("'customer' is required", "customer")
        text(customer, "customer_id")
        text(customer, "lastname")
        for name in ("shipping_address", "billing_address"):
            if not isinstance(customer.get(name), dict | None):
                raise invalid(f"'customer.{name}' must be an object", f"customer.{name}")
        given = rows(body, "offers")
        if len(given) > LINES_MAX:
            raise invalid(f"at most {LINES_MAX} lines", "offers")
        return [BasketLine(row, currency) for row in given]

    def _refusals(self, basket: list["BasketLine"]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Every line that cannot be ordered, with why."""
        errors, unshippable = [], []
        wanted: dict[int, int] = {}
        for row in basket:
            wanted[row.offer_id] = wanted.get(row.offer_id, 0) + row.quantity
            offer = self._tables.offers.get(row.offer_id)
            refusal = self._refusal(offer, row, wanted[row.offer_id])
            if refusal is not None:
                errors.append({"offer_id": row.offer_id, "error_code": refusal[0], "message": refusal[1]})
            elif row.shipping_type not in self._platform.settings.shipping_types:
                unshippable.append({"offer_id": row.offer_id, "error_code": "SHIPPING_TYPE_NOT_ALLOWED"})
        return errors, unshippable

    def _refusal(self, offer: Offer | None, row: "BasketLine", wanted: int) -> tuple[str, str] | None:
        if offer is None or offer.deleted:
            return "OFFER_NOT_FOUND", f"Offer {row.offer_id} does not exist"
        reasons = self._offers.inactivity(offer)
        if reasons:
            return "OFFER_INACTIVE", f"Offer {row.offer_id} is not active: {', '.join(reasons)}"
        if offer.currency != row.currency:
            return "CURRENCY_MISMATCH", f"Offer {row.offer_id} is in {offer.currency}"
        if wanted > offer.quantity:
            return "INSUFFICIENT_QUANTITY", f"Offer {row.offer_id} has {offer.quantity} left"
        return None

    def _create(self, commercial_id: str, body: dict[str, Any], basket: list["BasketLine"]) -> list[Order]:
        by_shop: dict[int, list[BasketLine]] = {}
        for row in basket:
            by_shop.setdefault(self._tables.offers[row.offer_id].shop_id, []).append(row)
        orders = [
            self._create_leg(f"{commercial_id}-{_letters(index)}", commercial_id, shop_id, body, legs)
            for index, (shop_id, legs) in enumerate(by_shop.items())
        ]
        self._tables.orders_by_commercial[commercial_id] = [order.order_id for order in orders]
        return orders

    def _create_leg(
        self, order_id: str, commercial_id: str, shop_id: int, body: dict[str, Any], basket: list["BasketLine"]
    ) -> Order:
        now, tables = self._platform.now(), self._tables
        offers = [tables.offers[row.offer_id] for row in basket]
        order = Order(
            order_id=order_id,
            commercial_id=commercial_id,
            sequence=tables.count("order"),
            shop_id=shop_id,
            shop_name=tables.shops[shop_id].name,
            state="STAGING",
            currency=basket[0].currency,
            customer=customer_dict(body["customer"]),
            payment_workflow=body.get("payment_workflow") or self._platform.settings.payment_workflow,
            payment_type=optional_text(body, "payment_type") or "CARD",
            shipping_zone=optional_text(body, "shipping_zone_code") or self._platform.settings.shipping_zones[0],
            shipping_type=basket[0].shipping_type,
            lead_time_days=max(offer.lead_time_days for offer in offers),
            created_at=now,
            updated_at=now,
            channel=optional_text(body, "channel_code"),
        )
        for index, (row, offer) in enumerate(zip(basket, offers, strict=True), start=1):
            line = self._line(order, index, row, offer)
            order.lines[line.line_id] = line
            tables.line_order[line.line_id] = order_id
            offer.quantity -= row.quantity
            offer.updated_at = now
        tables.orders[order_id] = order
        tables.shops[shop_id].orders_count += 1
        self._platform.emit(ORDER_CREATED, order_id)
        if body.get("scored", False) is True:
            self._orders.await_acceptance(order)
        else:
            self._platform.move(order, "STAGING")
        return order

    def _line(self, order: Order, index: int, row: "BasketLine", offer: Offer) -> Line:
        nth = self._tables.count("line")
        rate = self._platform.settings.commission_faults.get(nth, self._rates.get(offer.category_code, 0))
        tax_rate = self._tables.shops[order.shop_id].tax_rate_per_100k
        fee, tax = commission(row.price_minor + row.shipping_minor, rate, tax_rate)
        return Line(
            line_id=f"{order.order_id}-{index}",
            index=index,
            offer=offer,
            quantity=row.quantity,
            price_unit_minor=row.unit_minor,
            price_minor=row.price_minor,
            shipping_minor=row.shipping_minor,
            rate_per_100k=rate,
            tax_rate_per_100k=tax_rate,
            commission_minor=fee,
            commission_tax_minor=tax,
            state="STAGING",
            created_at=order.created_at,
            updated_at=order.created_at,
            additional_fields=row.additional_fields,
        )

    # -- SH02 ------------------------------------------------------------------------------------------------------

    def sh02(self, call: Call) -> Response:
        """Shipping rates of a basket given as `offers=<offer_id>|<quantity>[|<shipping type>],…`."""
        request = call.request
        zone = request.first("shipping_zone_code")
        if not zone:
            raise MiraklError(400, "Parameter 'shipping_zone_code' is required")
        wanted = [part.split("|") for part in request.every("offers")]
        if not wanted:
            raise MiraklError(400, "Parameter 'offers' is required")
        if len(wanted) > LINES_MAX:
            raise MiraklError(400, f"Parameter 'offers' holds {len(wanted)} offers; at most {LINES_MAX}")
        errors: list[dict[str, Any]] = []
        by_shop: dict[int, list[dict[str, Any]]] = {}
        for parts in wanted:
            if len(parts) < 2 or not parts[0].isdigit() or not parts[1].isdigit() or int(parts[1]) < 1:
                raise MiraklError(400, f"Parameter 'offers': cannot read '{'|'.join(parts)}'")
            self._rate(int(parts[0]), int(parts[1]), parts[2] if len(parts) > 2 else "STD", zone, by_shop, errors)
        orders = [
            {
                "shop_id": shop_id,
                "shop_name": self._tables.shops[shop_id].name,
                "currency_iso_code": self._tables.shops[shop_id].currency,
                "offers": rated,
                "shipping_types": [{"code": code, "label": code} for code in self._platform.settings.shipping_types],
            }
            for shop_id, rated in by_shop.items()
        ]
        return answer(200, {"orders": orders, "errors": errors, "total_count": len(orders)})

    def _rate(
        self,
        offer_id: int,
        quantity: int,
        shipping_type: str,
        zone: str,
        by_shop: dict[int, list[dict[str, Any]]],
        errors: list[dict[str, Any]],
    ) -> None:
        offer = self._tables.offers.get(offer_id)
        code = None
        if offer is None or offer.deleted:
            code = "OFFER_NOT_FOUND"
        elif self._offers.inactivity(offer):
            code = "OFFER_INACTIVE"
        elif zone not in self._platform.settings.shipping_zones:
            code = "SHIPPING_ZONE_NOT_ALLOWED"
        elif shipping_type not in self._platform.settings.shipping_types:
            code = "SHIPPING_TYPE_NOT_ALLOWED"
        if code is not None or offer is None:
            errors.append({"offer_id": offer_id, "error_code": code})
            return
        total = offer.price_minor * quantity
        shipping = offer.shipping_minor * quantity
        by_shop.setdefault(offer.shop_id, []).append(
            {
                "offer_id": offer.offer_id,
                "line_only_shipping_price": major(shipping, offer.currency),
                "line_price": major(total, offer.currency),
                "line_quantity": quantity,
                "line_shipping_price": major(shipping, offer.currency),
                "line_total_price": major(total + shipping, offer.currency),
                "offer_price": major(offer.price_minor, offer.currency),
                "offer_quantity": offer.quantity,
                "shipping_type_code": shipping_type,
            }
        )


class BasketLine:
    """One line of a basket as the front sends it. Errors: VALIDATION_ERROR when its arithmetic does not hold."""

    def __init__(self, row: dict[str, Any], currency: str) -> None:
        self.currency = currency
        self.offer_id = whole(row, "offer_id")
        self.quantity = whole(row, "quantity")
        if self.quantity < 1:
            raise invalid("'quantity' must be at least 1", "offers.quantity")
        self.unit_minor = minor(row.get("offer_price"), currency, "offer_price")
        self.price_minor = minor(row.get("price"), currency, "price")
        self.shipping_minor = minor(row.get("shipping_price", 0), currency, "shipping_price")
        if self.unit_minor < 0 or self.shipping_minor < 0:
            raise invalid("amounts must not be negative", "offers.offer_price")
        if self.price_minor != self.unit_minor * self.quantity:
            raise invalid("'price' must be 'offer_price' times 'quantity'", "offers.price")
        self.shipping_type = optional_text(row, "shipping_type_code") or "STD"
        fields = row.get("order_line_additional_fields") or []
        if not isinstance(fields, list) or not all(isinstance(field, dict) for field in fields):
            raise invalid("'order_line_additional_fields' must be a list of objects", "offers")
        self.additional_fields = fields


def _letters(index: int) -> str:
    """A, B, … Z, AA, AB, …"""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
