"""Offers: OF21, OF51, and the rules by which rows of files and JSON upserts change them."""

import csv
import io
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from entrepot.sandbox.core import Response
from entrepot.sandbox.mirakl import shapes
from entrepot.sandbox.mirakl.call import Call
from entrepot.sandbox.mirakl.errors import MiraklError
from entrepot.sandbox.mirakl.money import major
from entrepot.sandbox.mirakl.paging import by_offset
from entrepot.sandbox.mirakl.platform import Platform
from entrepot.sandbox.mirakl.state import Offer
from entrepot.sandbox.mirakl.wire import answer, date_parameter, flag_parameter, list_parameter, stamp


class Offers:
    """The catalogue of what can be bought."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._tables = platform.tables
        for seed in platform.settings.offers:
            now = platform.now()
            category = next((c.label for c in platform.settings.categories if c.code == seed.category_code), "")
            self.add(
                Offer(
                    offer_id=seed.offer_id,
                    shop_id=seed.shop_id,
                    shop_sku=seed.shop_sku,
                    product_sku=seed.product_sku,
                    title=seed.title,
                    brand=seed.brand,
                    category_code=seed.category_code,
                    category_label=category,
                    price_minor=seed.price_minor,
                    shipping_minor=seed.shipping_minor,
                    currency=seed.currency,
                    quantity=seed.quantity,
                    lead_time_days=seed.lead_time_days,
                    created_at=now,
                    updated_at=now,
                    description=seed.title,
                )
            )

    def add(self, offer: Offer) -> None:
        """Put an offer into the catalogue."""
        self._tables.offers[offer.offer_id] = offer
        self._tables.offer_by_sku[offer.shop_id, offer.shop_sku] = offer.offer_id
        self._tables.counters["offer"] = max(self._tables.counters.get("offer", 0), offer.offer_id)

    def listed(self) -> list[Offer]:
        """Every offer that is not deleted, by id."""
        return sorted((o for o in self._tables.offers.values() if not o.deleted), key=lambda o: o.offer_id)

    def inactivity(self, offer: Offer) -> list[str]:
        """Why an offer cannot be bought; empty when it can."""
        reasons = []
        if self._tables.shops[offer.shop_id].state != "OPEN":
            reasons.append("SHOP_NOT_OPEN")
        if offer.quantity <= 0:
            reasons.append("ZERO_QUANTITY")
        if not self._in_period(offer):
            reasons.append("NOT_IN_AVAILABILITY_PERIOD")
        if offer.blocked is not None:
            reasons.append(offer.blocked)
        return reasons

    def today(self) -> str:
        """The platform's date."""
        return self._platform.now().astimezone(self._platform.zone).date().isoformat()

    def _in_period(self, offer: Offer) -> bool:
        today = self.today()
        return (offer.available_from or "") <= today <= (offer.available_until or "9")

    # -- calls -----------------------------------------------------------------------------------------------------

    def of21(self, call: Call) -> Response:
        """List the offers of a shop (or, for the operator, of all)."""
        request = call.request
        shop_id = call.caller.asked_shop(request)
        states = list_parameter(request, "offer_state_codes")
        sku, product = request.first("sku"), request.first("product_id")
        favorite = flag_parameter(request, "favorite")
        found = [
            offer
            for offer in self.listed()
            if (shop_id is None or offer.shop_id == shop_id)
            and (states is None or offer.state_code in states)
            and (not sku or offer.shop_sku == sku)
            and (not product or offer.product_sku == product)
            and favorite is not True
        ]
        return by_offset(request, found, "offers", self.offer_dict)

    def of22(self, call: Call) -> Response:
        """One offer. Errors: not found, or not this shop's."""
        wanted = call.ids["offer"]
        offer = self._tables.offers.get(int(wanted)) if wanted.isdigit() else None
        if offer is None or offer.deleted or not call.caller.sees(offer.shop_id):
            raise MiraklError(404, f"Offer with id '{wanted}' not found")
        return answer(200, self.offer_dict(offer))

    def of61(self, _: Call) -> Response:
        """The conditions an offer may be in."""
        states = [{"code": code, "label": label} for code, label in CONDITIONS]
        return answer(200, {"offer_states": states, "total_count": len(states)})

    def of51(self, call: Call) -> Response:
        """Export offers as CSV: all, or those changed since `last_request_date`, deleted ones included then."""
        request = call.request
        since = date_parameter(request, "last_request_date")
        inactive = flag_parameter(request, "include_inactive_offers") or False
        shop_id = call.caller.asked_shop(request)
        file = io.StringIO()
        writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(shapes.OFFER_EXPORT_COLUMNS)
        for offer in sorted(self._tables.offers.values(), key=lambda o: o.offer_id):
            if shop_id is not None and offer.shop_id != shop_id:
                continue
            if self._exported(offer, since, inactive):
                row = self._export_row(offer)
                writer.writerow([row.get(column, "") for column in shapes.OFFER_EXPORT_COLUMNS])
        return Response(200, {"content-type": "text/csv;charset=UTF-8"}, file.getvalue().encode())

    def _exported(self, offer: Offer, since: datetime | None, inactive: bool) -> bool:
        if since is not None:
            return offer.updated_at.replace(microsecond=0) >= since
        return not offer.deleted and (inactive or not self.inactivity(offer))

    def _export_row(self, offer: Offer) -> dict[str, Any]:
        shop = self._tables.shops[offer.shop_id]
        origin, shipping = major(offer.price_minor, offer.currency), major(offer.shipping_minor, offer.currency)
        price = major(offer.price_on(self.today()), offer.currency)
        discount = offer.discount_minor
        return {
            "active": _word(not offer.deleted and not self.inactivity(offer)),
            "allow-quote-requests": "false",
            "available-end-date": offer.available_until or "",
            "available-start-date": offer.available_from or "",
            "currency-iso-code": offer.currency,
            "date-created": stamp(offer.created_at),
            "deleted": _word(offer.deleted),
            "description": offer.description,
            "discount-end-date": offer.discount_until or "",
            "discount-price": "" if discount is None else major(discount, offer.currency),
            "discount-start-date": offer.discount_from or "",
            "fulfillment-center-code": "DEFAULT",
            "last-updated": stamp(offer.updated_at),
            "leadtime-to-ship": offer.lead_time_days,
            "logistic-class": "DEFAULT",
            "max-order-quantity": _blank(offer.max_order_quantity),
            "min-order-quantity": _blank(offer.min_order_quantity),
            "min-shipping-price": shipping,
            "min-shipping-price-additional": shipping,
            "min-shipping-type": self._platform.settings.shipping_types[0],
            "min-shipping-zone": self._platform.settings.shipping_zones[0],
            "offer-id": offer.offer_id,
            "origin-price": origin,
            "premium": "false",
            "price": price,
            "price-additional-info": offer.price_additional_info or "",
            "product-sku": offer.product_sku,
            "professional": "true",
            "quantity": offer.quantity,
            "shop-id": offer.shop_id,
            "shop-name": shop.name,
            "shop-sku": offer.shop_sku,
            "state-code": offer.state_code,
            "total-price": price + shipping,
        }

    def offer_dict(self, offer: Offer) -> dict[str, Any]:
        """One offer with every documented key."""
        origin, shipping = major(offer.price_minor, offer.currency), major(offer.shipping_minor, offer.currency)
        price = major(offer.price_on(self.today()), offer.currency)
        reduced = None if offer.discount_minor is None else major(offer.discount_minor, offer.currency)
        prices = {"price": price, "unit_discount_price": reduced, "unit_origin_price": origin}
        volume = {**shapes.VOLUME_PRICE, **prices, "quantity_threshold": 1}
        pricing = {
            **shapes.PRICE,
            **prices,
            "discount_end_date": _moment(offer.discount_until),
            "discount_start_date": _moment(offer.discount_from),
            "volume_prices": [volume],
        }
        reasons = self.inactivity(offer)
        deadline = self._platform.now() + timedelta(days=offer.lead_time_days)
        return {
            **shapes.OFFER,
            "active": not reasons,
            "all_prices": [pricing],
            "allow_quote_requests": False,
            "applicable_pricing": pricing,
            "available_end_date": offer.available_until,
            "available_start_date": offer.available_from,
            "category_code": offer.category_code,
            "category_label": offer.category_label,
            "currency_iso_code": offer.currency,
            "description": offer.description,
            "discount": None if reduced is None else _discount(offer, origin, reduced),
            "fulfillment": {"center": {"code": "DEFAULT"}},
            "inactivity_reasons": reasons,
            "internal_description": offer.internal_description,
            "leadtime_to_ship": offer.lead_time_days,
            "logistic_class": {"code": "DEFAULT", "label": "Default"},
            "max_order_quantity": offer.max_order_quantity,
            "min_order_quantity": offer.min_order_quantity,
            "min_shipping_price": shipping,
            "min_shipping_price_additional": shipping,
            "min_shipping_type": self._platform.settings.shipping_types[0],
            "min_shipping_zone": self._platform.settings.shipping_zones[0],
            "offer_id": offer.offer_id,
            "price": price,
            "price_additional_info": offer.price_additional_info,
            "product_brand": offer.brand,
            "product_description": offer.title,
            "product_references": [{"reference": offer.product_sku, "reference_type": "EAN"}],
            "product_sku": offer.product_sku,
            "product_title": offer.title,
            "quantity": offer.quantity,
            "shipping_deadline": stamp(deadline),
            "shop_sku": offer.shop_sku,
            "state_code": offer.state_code,
            "total_price": price + shipping,
        }


def _word(value: bool) -> str:
    return "true" if value else "false"


def _moment(day: str | None) -> str | None:
    return None if day is None else f"{day}T00:00:00Z"


def _discount(offer: Offer, origin: Any, reduced: Any) -> dict[str, Any]:
    return {
        "discount_price": reduced,
        "end_date": _moment(offer.discount_until),
        "origin_price": origin,
        "ranges": [],
        "start_date": _moment(offer.discount_from),
    }


def _blank(value: Any) -> Any:
    return "" if value is None else value


CONDITIONS: Final = (("11", "New"), ("2", "Used - very good"))
DISCOUNT_COLUMNS: Final[Mapping[str, str]] = {
    "price": "discount-price",
    "start_date": "discount-start-date",
    "end_date": "discount-end-date",
}
REQUIRED_COLUMNS: Final = ("sku", "product-id", "product-id-type", "price", "quantity", "state")
JSON_COLUMNS: Final[Mapping[str, str]] = {
    "shop_sku": "sku",
    "product_id": "product-id",
    "product_id_type": "product-id-type",
    "price": "price",
    "quantity": "quantity",
    "state_code": "state",
    "update_delete": "update-delete",
    "description": "description",
    "internal_description": "internal-description",
    "price_additional_info": "price-additional-info",
    "leadtime_to_ship": "leadtime-to-ship",
    "min_order_quantity": "min-order-quantity",
    "max_order_quantity": "max-order-quantity",
    "available_started": "available-start-date",
    "available_ended": "available-end-date",
}
