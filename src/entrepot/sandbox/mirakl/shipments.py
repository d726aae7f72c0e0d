"""Parcels: ST01, ST11, ST23, ST24, and the parcel that OR23 and OR24 make of what remains."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from entrepot.sandbox.core import Response
from entrepot.sandbox.mirakl import shapes
from entrepot.sandbox.mirakl.call import Call
from entrepot.sandbox.mirakl.errors import MiraklError, invalid, order_state
from entrepot.sandbox.mirakl.orders import Orders
from entrepot.sandbox.mirakl.paging import by_token
from entrepot.sandbox.mirakl.platform import Platform
from entrepot.sandbox.mirakl.state import Order, Shipment
from entrepot.sandbox.mirakl.wire import (
    answer,
    body_of,
    date_parameter,
    list_parameter,
    maybe,
    optional_text,
    rows,
    stamp,
    text,
    whole,
)

BATCH_MAX: Final = 100
TRACKING_FIELDS: Final = ("carrier_code", "carrier_name", "carrier_standard_code", "tracking_number", "tracking_url")
DEBIT_WORD: Final = {"NONE": "NOT_STARTED", "PENDING": "WAITING_DEBIT_CONFIRMATION", "DEBITED": "DEBIT_OK"}


class Shipments:
    """Parcels of orders in SHIPPING."""

    def __init__(self, platform: Platform, orders: Orders) -> None:
        self._platform = platform
        self._tables = platform.tables
        self._orders = orders

    # -- what happens ----------------------------------------------------------------------------------------------

    def track_order(self, order: Order, given: Mapping[str, str | None]) -> None:
        """Carrier and tracking number of the whole order."""
        if order.state not in ("SHIPPING", "SHIPPED"):
            raise order_state(order.order_id, order.state, "SHIPPING or SHIPPED")
        order.carrier_code, order.carrier_name = given.get("carrier_code"), given.get("carrier_name")
        order.carrier_standard_code = given.get("carrier_standard_code")
        order.carrier_url, order.tracking = given.get("carrier_url"), given.get("tracking_number")
        self._platform.touch(order)

    def ship_rest(self, order: Order) -> None:
        """Announced parcels leave, and all that remains as one more with the order's tracking."""
        if order.state != "SHIPPING":
            raise order_state(order.order_id, order.state, "SHIPPING")
        planned = self._tables.planned_units(order.order_id)
        rest = {line.line_id: line.to_ship - planned.get(line.line_id, 0) for line in order.lines.values()}
        rest = {line_id: quantity for line_id, quantity in rest.items() if quantity > 0}
        if rest:
            tracking = {
                "carrier_code": order.carrier_code,
                "carrier_name": order.carrier_name,
                "carrier_standard_code": order.carrier_standard_code,
                "tracking_number": order.tracking,
                "tracking_url": order.carrier_url,
            }
            self.create(order, rest, tracking, None, shipped=False)
        for shipment in self._tables.parcels_of(order.order_id):
            if shipment.status == "SHIPPING":
                self.leave(shipment)

    def create(
        self,
        order: Order,
        quantities: Mapping[str, int],
        tracking: Mapping[str, Any],
        invoice: str | None,
        shipped: bool,
    ) -> Shipment:
        """One parcel. Errors: ORDER_INVALID_STATE, ORDER_LINE_NOT_FOUND, more units than remain."""
        if order.state != "SHIPPING":
            raise order_state(order.order_id, order.state, "SHIPPING")
        planned = self._tables.planned_units(order.order_id)
        for line_id, quantity in quantities.items():
            line = order.lines.get(line_id)
            if line is None:
                raise MiraklError(400, f"Order line '{line_id}' not found", "ORDER_LINE_NOT_FOUND", "order_line_id")
            if not 0 < quantity <= line.to_ship - planned.get(line_id, 0):
                raise invalid(f"line '{line_id}' has not so many units to ship", "quantity")
        now = self._platform.now()
        shipment = Shipment(
            shipment_id=self._platform.world.uuid(),
            sequence=self._tables.count("shipment"),
            order_id=order.order_id,
            shop_id=order.shop_id,
            lines=dict(quantities),
            status="SHIPPING",
            created_at=now,
            updated_at=now,
            tracking=dict(tracking),
            invoice_reference=invoice,
        )
        self._tables.shipments[shipment.shipment_id] = shipment
        self._tables.shipments_of.setdefault(order.order_id, []).append(shipment.shipment_id)
        self._platform.touch_shipment(shipment)
        if shipped:
            self.leave(shipment)
        return shipment

    def leave(self, shipment: Shipment) -> None:
        """The parcel is on its way. Errors: it already is, or its order is not to be shipped."""
        order = self._platform.order(shipment.order_id)
        if shipment.status != "SHIPPING":
            raise invalid(f"Shipment '{shipment.shipment_id}' is in status {shipment.status}", "id")
        shipment.status, shipment.shipped_at = "SHIPPED", self._platform.now()
        if not order.tracking:
            order.tracking, order.carrier_url = shipment.tracking["tracking_number"], shipment.tracking["tracking_url"]
            order.carrier_code, order.carrier_name = (
                shipment.tracking["carrier_code"],
                shipment.tracking["carrier_name"],
            )
        self._platform.touch_shipment(shipment)
        self._orders.shipped(order, shipment.lines)

    # -- calls -----------------------------------------------------------------------------------------------------

    def st01(self, call: Call) -> Response:
        """Create parcels; each succeeds or fails by itself."""
        errors, success = [], []
        for row in _batch(call):
            order_id = row.get("order_id")
            try:
                written = self._platform.asked("ST01", text(row, "order_id"))
                order = call.order(self._platform, text(row, "order_id"))
                shipment = self.create(
                    order,
                    _quantities(order, row),
                    _tracking(row.get("tracking") or {}),
                    optional_text(row, "invoice_reference"),
                    bool(row.get("shipped", False)),
                )
                written.applied += 1
                success.append(self.shipment_dict(shipment))
            except MiraklError as why:
                errors.append({"message": why.message, "order_id": order_id})
        return answer(201, {"shipment_errors": errors, "shipment_success": success})

    def st23(self, call: Call) -> Response:
        """Tracking of parcels."""

        def track(shipment: Shipment, row: dict[str, Any]) -> None:
            given = row.get("tracking")
            if not isinstance(given, dict):
                raise invalid("'tracking' is required", "tracking")
            shipment.tracking = _tracking(given)
            self._platform.touch_shipment(shipment)

        return self._each(call, "ST23", track)

    def st24(self, call: Call) -> Response:
        """Parcels leave."""
        return self._each(call, "ST24", lambda shipment, _: self.leave(shipment))

    def _each(self, call: Call, operation: str, act: Callable[[Shipment, dict[str, Any]], None]) -> Response:
        errors, success = [], []
        for row in _batch(call):
            shipment_id = row.get("id")
            try:
                written = self._platform.asked(operation, text(row, "id"))
                shipment = self._tables.shipments.get(text(row, "id"))
                if shipment is None or not call.caller.sees(shipment.shop_id):
                    raise MiraklError(404, f"Shipment '{shipment_id}' not found")
                act(shipment, row)
                written.applied += 1
                success.append({"id": shipment.shipment_id})
            except MiraklError as why:
                errors.append({"id": shipment_id, "message": why.message})
        return answer(200, {"shipment_errors": errors, "shipment_success": success})

    def st11(self, call: Call) -> Response:
        """List parcels."""
        request = call.request
        order_ids = list_parameter(request, "order_id")
        states = list_parameter(request, "shipment_state_code")
        debits = list_parameter(request, "shipment_customer_debit_state_code")
        start, end = date_parameter(request, "last_updated_from"), date_parameter(request, "last_updated_to")
        shop_id = call.caller.asked_shop(request)
        found = [
            shipment
            for shipment in self._candidates(order_ids)
            if (shop_id is None or shipment.shop_id == shop_id)
            and (states is None or shipment.status in states)
            and (debits is None or self._debit_word(shipment) in debits)
            and (start is None or shipment.updated_at.replace(microsecond=0) >= start)
            and (end is None or shipment.updated_at.replace(microsecond=0) <= end)
        ]
        found.sort(key=lambda shipment: shipment.sequence)
        return by_token(request, found, lambda s: s.sequence, self.shipment_dict, 100)

    def _candidates(self, order_ids: list[str] | None) -> list[Shipment]:
        if order_ids is None:
            return list(self._tables.shipments.values())
        return [parcel for order_id in dict.fromkeys(order_ids) for parcel in self._tables.parcels_of(order_id)]

    def _debit_word(self, shipment: Shipment) -> str:
        return DEBIT_WORD[self._platform.order(shipment.order_id).debit]

    def shipment_dict(self, shipment: Shipment) -> dict[str, Any]:
        """One parcel with every documented key."""
        order = self._platform.order(shipment.order_id)
        paid = {
            **shapes.SHIPMENT_PAYMENT,
            "customer_debited_date": maybe(order.debited_at),
            "transaction_date": order.transaction_at,
            "transaction_number": order.transaction_number,
        }
        return {
            **shapes.SHIPMENT,
            "created_date": stamp(shipment.created_at),
            "id": shipment.shipment_id,
            "invoice_reference": shipment.invoice_reference,
            "last_updated_date": stamp(shipment.updated_at),
            "order_id": shipment.order_id,
            "payment_details": paid if order.debited_at else None,
            "shipment_lines": [
                {
                    **shapes.SHIPMENT_LINE,
                    "offer_sku": order.lines[line_id].offer.shop_sku,
                    "order_line_id": line_id,
                    "quantity": quantity,
                }
                for line_id, quantity in shipment.lines.items()
            ],
            "shipped_date": maybe(shipment.shipped_at),
            "status": shipment.status,
            "status_customer_debit": self._debit_word(shipment),
            "tracking": {**shapes.SHIPMENT_TRACKING, **shipment.tracking},
        }


def _batch(call: Call) -> list[dict[str, Any]]:
    given = rows(body_of(call.request), "shipments")
    if len(given) > BATCH_MAX:
        raise invalid(f"at most {BATCH_MAX} elements", "shipments")
    return given


def _quantities(order: Order, row: dict[str, Any]) -> dict[str, int]:
    """Units by line id; a line may be named by its id or by the offer's SKU."""
    quantities: dict[str, int] = {}
    for given in rows(row, "shipment_lines"):
        line_id = optional_text(given, "order_line_id")
        if line_id is None:
            sku = text(given, "offer_sku")
            line_id = next((line.line_id for line in order.lines.values() if line.offer.shop_sku == sku), sku)
        quantities[line_id] = quantities.get(line_id, 0) + whole(given, "quantity")
    return quantities


def _tracking(given: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise invalid("'tracking' must be an object", "tracking")
    return {name: optional_text(given, name) for name in TRACKING_FIELDS}
