"""Vendors who ship directly: Amazon sells, the vendor delivers each order of Amazon's customer himself.

An order is accepted or refused whole, line by line the ordered pieces, and shipped whole. What a vendor submits is taken as a
transaction and worked off later; only then the order's status moves. Source: vendor direct fulfillment, version 2021-12-28.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from entrepot.sandbox.amazon import wire
from entrepot.sandbox.amazon.errors import invalid, not_found
from entrepot.sandbox.amazon.money import text_of
from entrepot.sandbox.amazon.orders import first_value
from entrepot.sandbox.amazon.platform import Platform
from entrepot.sandbox.amazon.router import Router
from entrepot.sandbox.amazon.wire import Call, Pages, stamp
from entrepot.sandbox.core import Response, json_response

BASE: Final = "/vendor/directFulfillment"
VERSION: Final = "2021-12-28"
NEW, ACCEPTED, SHIPPED, CANCELLED = "NEW", "ACCEPTED", "SHIPPED", "CANCELLED"
PROCESSING, SUCCESS, FAILURE = "Processing", "Success", "Failure"
TAKEN: Final = "00"  # acknowledgement code: all of it will be shipped; every other code refuses the order
WINDOW_DAYS_MAX: Final = 7  # [guess]: a maximum is published, not which


class Unacceptable(Exception):
    """Why a transaction fails."""


@dataclass(slots=True)
class VendorLine:
    """One item: `seq` is its number in the order."""

    seq: str
    sku: str
    asin: str
    title: str
    quantity: int
    net_minor: int


@dataclass(slots=True)
class VendorOrder:
    number: str
    customer_number: str
    placed_at: datetime
    ship_by: datetime
    lines: list[VendorLine]
    status: str = NEW
    acknowledged_at: datetime | None = None
    code: str | None = None
    vendor_number: str | None = None
    parcels: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Transaction:
    number: str
    status: str = PROCESSING
    why: str = ""


Work = Callable[[], None]


class Vendor:
    """Orders, what is submitted about them, and what becomes of that."""

    def __init__(self, platform: Platform, pages: Pages) -> None:
        self._platform = platform
        self._pages = pages
        self.orders: dict[str, VendorOrder] = {}
        self.transactions: dict[str, Transaction] = {}

    def add_to(self, router: Router) -> None:
        """Register the operations."""
        orders = f"{BASE}/orders/{VERSION}"
        router.add("df.getOrders", "GET", f"{orders}/purchaseOrders", self.search)
        router.add("df.getOrder", "GET", f"{orders}/purchaseOrders/{{number}}", self.get)
        router.add("submitAcknowledgement", "POST", f"{orders}/acknowledgements", self.acknowledge)
        shipping = f"{BASE}/shipping/{VERSION}/shipmentConfirmations"
        router.add("submitShipmentConfirmations", "POST", shipping, self.confirm)
        status = f"{BASE}/transactions/{VERSION}/transactions/{{number}}"
        router.add("getTransactionStatus", "GET", status, self.status)

    # -- Amazon's own hand -----------------------------------------------------------------------------------------

    def place(self, wanted: Sequence[tuple[str, int]]) -> str:
        """A customer buys from Amazon, and Amazon orders it here; the purchase order's number. Errors: ValueError."""
        with self._platform.world.lock:
            now, settings = self._platform.now(), self._platform.settings
            lines = []
            for n, (sku, count) in enumerate(wanted, 1):
                listing = self._platform.listings.get(sku)
                if listing is None or count < 1:
                    raise ValueError(f"{sku} cannot be ordered in quantity {count}")
                title = str(first_value(listing.attributes, "item_name", sku))
                lines.append(VendorLine(f"{n:05}", sku, listing.asin, title, count, listing.price_minor or 0))
            number, customer = self._platform.letters(8), self._platform.order_id()
            self.orders[number] = VendorOrder(number, customer, now, now + settings.vendor_handling, lines)
            return number

    def cancel(self, number: str) -> None:
        """The customer has changed his mind."""
        with self._platform.world.lock:
            self.orders[number].status = CANCELLED

    def books(self) -> list[dict[str, Any]]:
        """Every order as it stands."""
        return [
            {
                "order_id": one.number,
                "state": one.status,
                "placed_at": stamp(one.placed_at),
                "acknowledged_at": wire.maybe(one.acknowledged_at),
                "code": one.code,
                "vendor_number": one.vendor_number,
                "lines": [{"line_id": line.seq, "sku": line.sku, "quantity": line.quantity} for line in one.lines],
                "parcels": list(one.parcels),
            }
            for one in self.orders.values()
        ]

    # -- reading ---------------------------------------------------------------------------------------------------

    def search(self, call: Call) -> Response:
        """getOrders: those that were made in a window, oldest first."""
        request = self._pages.recall(call.request, "nextToken", "df.getOrders")
        since, until = (wire.date_parameter(request, name) for name in ("createdAfter", "createdBefore"))
        if since is None or until is None or until < since:
            raise invalid("createdAfter and createdBefore are required, in this order.")
        if (until - since).days > WINDOW_DAYS_MAX:
            raise invalid(f"The window may not be longer than {WINDOW_DAYS_MAX} days.")
        words = wire.words_parameter(request, "status", (NEW, ACCEPTED, SHIPPED, CANCELLED))
        found = [one for one in self.orders.values() if since <= one.placed_at <= until]
        found = [one for one in found if not words or one.status in words]
        size = wire.count_parameter(request, "limit", 100, 100)
        page, token = self._pages.cut(
            found,
            size,
            lambda one: f"{wire.stamp_ms(one.placed_at)} {one.number}",
            request,
            "nextToken",
            "df.getOrders",
        )
        pagination = {"pagination": {"nextToken": token}} if token else {}
        return json_response(200, {**pagination, "orders": [self._view(one) for one in page]})

    def get(self, call: Call) -> Response:
        """getOrder."""
        return json_response(200, self._view(self._order(call.ids["number"])))

    def status(self, call: Call) -> Response:
        """getTransactionStatus."""
        found = self.transactions.get(call.ids["number"])
        if found is None:
            raise not_found(f"Transaction {call.ids['number']} is not found.")
        told: dict[str, Any] = {"transactionId": found.number, "status": found.status}
        if found.status == FAILURE:
            told["errors"] = {"errors": [{"code": "InvalidInput", "message": found.why}]}
        return json_response(200, {"transactionStatus": told})

    # -- submitting ------------------------------------------------------------------------------------------------

    def acknowledge(self, call: Call) -> Response:
        """submitAcknowledgement: taken as one transaction, worked off later."""
        said = wire.rows(wire.body_of(call.request), "orderAcknowledgements")
        for one in said:
            for name in ("purchaseOrderNumber", "vendorOrderNumber", "acknowledgementDate"):
                wire.text(one, name)
            wire.text(_inside(one, "acknowledgementStatus"), "code")
            wire.text(_inside(one, "sellingParty"), "partyId")
            wire.text(_inside(one, "shipFromParty"), "partyId")
            wire.rows(one, "itemAcknowledgements")
        return self._taken([lambda one=one: self._acknowledge(one) for one in said])  # type: ignore[misc]

    def confirm(self, call: Call) -> Response:
        """submitShipmentConfirmations."""
        said = wire.rows(wire.body_of(call.request), "shipmentConfirmations")
        for one in said:
            wire.text(one, "purchaseOrderNumber")
            details = _inside(one, "shipmentDetails")
            wire.instant(wire.text(details, "shippedDate"), "shippedDate")
            if wire.text(details, "shipmentStatus") not in ("SHIPPED", "FLOOR_DENIAL"):
                raise invalid("'shipmentStatus' is SHIPPED or FLOOR_DENIAL.")
            wire.text(_inside(one, "sellingParty"), "partyId")
            wire.text(_inside(one, "shipFromParty"), "partyId")
            wire.rows(one, "items")
        return self._taken([lambda one=one: self._ship(one) for one in said])  # type: ignore[misc]

    def _taken(self, works: Sequence[Work]) -> Response:
        now = self._platform.now()
        made = Transaction(f"{now:%Y%m%d%H%M%S}-{self._platform.uuid()}")
        self.transactions[made.number] = made

        def work() -> None:
            try:
                for one in works:
                    one()
                made.status = SUCCESS
            except Unacceptable as why:
                made.status, made.why = FAILURE, str(why)

        delay = self._platform.settings.vendor_delay
        if delay:
            self._platform.at(now + delay, work)
        else:
            work()
        return json_response(202, {"transactionId": made.number})

    def _acknowledge(self, said: Mapping[str, Any]) -> None:
        order = self._acceptable(said)
        if order.status != NEW:
            raise Unacceptable(f"Order {order.number} is {order.status} and cannot be acknowledged.")
        code = said["acknowledgementStatus"]["code"]
        wanted = {line.seq: line.quantity if code == TAKEN else 0 for line in order.lines}
        if _quantities(said["itemAcknowledgements"], "acknowledgedQuantity") != wanted:
            raise Unacceptable(
                f"All line items of order {order.number} must be acknowledged, each in full or not at all."
            )
        order.status = ACCEPTED if code == TAKEN else CANCELLED
        order.acknowledged_at, order.code = self._platform.now(), code
        order.vendor_number = said["vendorOrderNumber"]
        self._platform.count_applied("submitAcknowledgement", order.number)

    def _ship(self, said: Mapping[str, Any]) -> None:
        order = self._acceptable(said)
        if order.status != ACCEPTED:
            raise Unacceptable(f"Order {order.number} is {order.status} and cannot be shipped.")
        if _quantities(said["items"], "shippedQuantity") != {line.seq: line.quantity for line in order.lines}:
            raise Unacceptable(f"Order {order.number} must be shipped whole.")
        order.status = SHIPPED
        order.parcels = [
            {
                "carrier": one.get("carrier"),
                "tracking": one.get("trackingNumber"),
                "key": one.get("containerIdentifier"),
            }
            for one in said.get("containers") or ()
        ]
        self._platform.count_applied("submitShipmentConfirmations", order.number)

    def _acceptable(self, said: Mapping[str, Any]) -> VendorOrder:
        order = self.orders.get(said["purchaseOrderNumber"])
        if order is None:
            raise Unacceptable(f"Order {said['purchaseOrderNumber']} is not found.")
        settings = self._platform.settings
        if said["sellingParty"]["partyId"] != settings.vendor_id:
            raise Unacceptable("The selling party is not this vendor.")
        if said["shipFromParty"]["partyId"] != settings.vendor_warehouse:
            raise Unacceptable("The ship-from party is none of this vendor's warehouses.")
        return order

    # -- showing ---------------------------------------------------------------------------------------------------

    def _order(self, number: str) -> VendorOrder:
        found = self.orders.get(number)
        if found is None:
            raise not_found(f"Purchase order {number} is not found.")
        return found

    def _view(self, one: VendorOrder) -> dict[str, Any]:
        settings, currency = self._platform.settings, self._platform.market.currency
        return {
            "purchaseOrderNumber": one.number,
            "orderDetails": {
                "customerOrderNumber": one.customer_number,
                "orderDate": stamp(one.placed_at),
                "orderStatus": one.status,
                "shipmentDetails": {
                    "isPriorityShipment": False,
                    "isScheduledDeliveryShipment": False,
                    "isPslipRequired": True,
                    "isGift": False,
                    "shipMethod": "DHL_STANDARD",
                    "shipmentDates": {"requiredShipDate": stamp(one.ship_by), "promisedDeliveryDate": None},
                    "messageToCustomer": "",
                },
                "sellingParty": {"partyId": settings.vendor_id},
                "shipFromParty": {"partyId": settings.vendor_warehouse},
                "shipToParty": {"name": "A buyer", "addressLine1": "Am Hafen 1", "countryCode": "DE"},
                "billToParty": {"partyId": "AMZ"},
                "items": [
                    {
                        "itemSequenceNumber": line.seq,
                        "buyerProductIdentifier": line.asin,
                        "vendorProductIdentifier": line.sku,
                        "title": line.title,
                        "orderedQuantity": {"amount": line.quantity, "unitOfMeasure": "EACH"},
                        "netPrice": {"currencyCode": currency, "amount": text_of(line.net_minor, currency)},
                    }
                    for line in one.lines
                ],
            },
        }


def _inside(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name)
    if not isinstance(value, dict):
        raise invalid(f"'{name}' is required.")
    return value


def _quantities(items: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    """By item number; one that comes twice counts as its last, and then the numbers do not fit."""
    found = {str(one.get("itemSequenceNumber")): (one.get(name) or {}).get("amount") for one in items}
    return found if len(found) == len(items) else {}
