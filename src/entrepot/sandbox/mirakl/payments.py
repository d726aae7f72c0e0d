"""PA11, PA01, PA12, PA02: what the front must charge and pay back, and its word that it did."""

from typing import Any, Final

from entrepot.sandbox.core import Response
from entrepot.sandbox.mirakl.call import Call
from entrepot.sandbox.mirakl.errors import ManyErrors, MiraklError, invalid, order_state
from entrepot.sandbox.mirakl.money import major, minor
from entrepot.sandbox.mirakl.orders import UNPAID, Orders
from entrepot.sandbox.mirakl.paging import by_offset
from entrepot.sandbox.mirakl.platform import Platform
from entrepot.sandbox.mirakl.refunds import Refunds
from entrepot.sandbox.mirakl.state import Order, Refund
from entrepot.sandbox.mirakl.wire import NO_CONTENT, body_of, optional_text, rows, text

BATCH_MAX: Final = 100
STATUSES: Final = frozenset({"OK", "REFUSED"})


class Payments:
    """The front's side of money. A batch of confirmations is taken whole or refused whole (our guess)."""

    def __init__(self, platform: Platform, orders: Orders, refunds: Refunds) -> None:
        self._platform = platform
        self._tables = platform.tables
        self._orders = orders
        self._refunds = refunds

    # -- debits ----------------------------------------------------------------------------------------------------

    def pa11(self, call: Call) -> Response:
        """Orders to charge. Being read moves an order from WAITING_DEBIT to WAITING_DEBIT_PAYMENT."""
        orders = [self._tables.orders[order_id] for order_id in self._tables.debits]

        def read(order: Order) -> dict[str, Any]:
            self._orders.listed_for_debit(order)
            return _debit_dict(order)

        return by_offset(call.request, orders, "orders", read, wrap="order")

    def pa01(self, call: Call) -> Response:
        """Confirm or refuse debits."""
        given = _batch(call, "orders")
        writes = [self._platform.asked("PA01", text(row, "order_id")) for row in given]
        errors: list[MiraklError] = []
        seen: set[str] = set()
        for index, row in enumerate(given):
            try:
                self._check_debit(row, seen)
            except MiraklError as why:
                errors.append(_at(why, f"orders[{index}]"))
        if errors:
            raise ManyErrors(errors)
        for row, written in zip(given, writes, strict=True):
            order = self._platform.order(row["order_id"])
            if row["payment_status"] == "OK":
                self._orders.debited(order, row.get("transaction_number"), row.get("transaction_date"))
            else:
                self._orders.debit_refused(order)
            written.applied += 1
        return NO_CONTENT

    def _check_debit(self, row: dict[str, Any], seen: set[str]) -> None:
        order = self._platform.order(row["order_id"])
        if order.order_id in seen:
            raise invalid(f"order '{order.order_id}' comes twice", "order_id")
        seen.add(order.order_id)
        waits = order.debit == "PENDING" and order.state != "WAITING_DEBIT"
        if not waits or (order.payment_workflow == "PAY_ON_ACCEPTANCE" and order.state not in UNPAID):
            raise order_state(order.order_id, order.state, "WAITING_DEBIT_PAYMENT")
        if row.get("customer_id") != order.customer["customer_id"]:
            raise invalid(f"order '{order.order_id}' belongs to another customer", "customer_id")
        _check_payment(row, order.owed_minor, order.currency, f"order '{order.order_id}'")

    # -- refunds ---------------------------------------------------------------------------------------------------

    def pa12(self, call: Call) -> Response:
        """Refunds to pay back, by order. Being read moves a refund to WAITING_REFUND_PAYMENT."""
        by_order: dict[str, list[Refund]] = {}
        for refund_id in self._tables.refunds_waiting:
            refund = self._tables.refunds[refund_id]
            by_order.setdefault(refund.order_id, []).append(refund)

        def read(found: tuple[str, list[Refund]]) -> dict[str, Any]:
            order = self._platform.order(found[0])
            for refund in found[1]:
                self._refunds.listed(refund)
            return _refunds_dict(order, found[1])

        return by_offset(call.request, list(by_order.items()), "orders", read, wrap="order")

    def pa02(self, call: Call) -> Response:
        """Confirm or refuse refunds."""
        given = _batch(call, "refunds")
        keys = [_refund_id(row) for row in given]
        writes = [self._platform.asked("PA02", key) for key in keys]
        errors: list[MiraklError] = []
        seen: set[str] = set()
        for index, (key, row) in enumerate(zip(keys, given, strict=True)):
            try:
                self._check_refund(key, row, seen)
            except MiraklError as why:
                errors.append(_at(why, f"refunds[{index}]"))
        if errors:
            raise ManyErrors(errors)
        for key, row, written in zip(keys, given, writes, strict=True):
            refund = self._tables.refunds[key]
            if row["payment_status"] == "OK":
                self._refunds.paid_back(refund, row.get("transaction_number"), row.get("transaction_date"))
            else:
                self._refunds.not_paid_back(refund)
            written.applied += 1
        return NO_CONTENT

    def _check_refund(self, refund_id: str, row: dict[str, Any], seen: set[str]) -> None:
        refund = self._tables.refunds.get(refund_id)
        if refund is None:
            raise MiraklError(400, f"Refund '{refund_id}' not found", "REFUND_NOT_FOUND", "refund_id")
        if refund_id in seen:
            raise invalid(f"refund '{refund_id}' comes twice", "refund_id")
        seen.add(refund_id)
        if refund.state != "WAITING_REFUND_PAYMENT":
            message = f"Refund '{refund_id}' is in state {refund.state}; expected WAITING_REFUND_PAYMENT"
            raise MiraklError(400, message, "REFUND_INVALID_STATE", "refund_id")
        currency = self._platform.order(refund.order_id).currency
        _check_payment(row, refund.total_minor, currency, f"refund '{refund_id}'")


def _batch(call: Call, name: str) -> list[dict[str, Any]]:
    given = rows(body_of(call.request), name)
    if len(given) > BATCH_MAX:
        raise invalid(f"at most {BATCH_MAX} elements", name)
    return given


def _refund_id(row: dict[str, Any]) -> str:
    """Refund ids are numbers to some clients and text to others."""
    value = row.get("refund_id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text(row, "refund_id")


def _at(why: MiraklError, where: str) -> MiraklError:
    field = f"{where}.{why.field}" if why.field else where
    return MiraklError(400, why.message, why.code or "VALIDATION_ERROR", field)


def _check_payment(row: dict[str, Any], owed_minor: int, currency: str, what: str) -> None:
    if row.get("payment_status") not in STATUSES:
        raise invalid("'payment_status' must be OK or REFUSED", "payment_status")
    if row.get("currency_iso_code") != currency:
        raise invalid(f"{what} is in {currency}", "currency_iso_code")
    if minor(row.get("amount"), currency, "amount") != owed_minor:
        raise invalid(f"{what} amounts to {major(owed_minor, currency)}", "amount")
    optional_text(row, "transaction_number")
    optional_text(row, "transaction_date")


def _debit_dict(order: Order) -> dict[str, Any]:
    return {
        "amount": major(order.owed_minor, order.currency),
        "currency_iso_code": order.currency,
        "customer_id": order.customer["customer_id"],
        "order_commercial_id": order.commercial_id,
        "order_id": order.order_id,
        "shop_id": order.shop_id,
        "order_lines": {
            "order_line": [
                {
                    "order_line_id": line.line_id,
                    "order_line_amount": major(line.owed_minor, order.currency),
                    "order_line_quantity": line.quantity - line.cancelled,
                    "offer_id": line.offer.offer_id,
                }
                for line in order.lines.values()
                if line.live
            ]
        },
    }


def _refunds_dict(order: Order, refunds: list[Refund]) -> dict[str, Any]:
    by_line: dict[str, list[dict[str, Any]]] = {}
    for refund in refunds:
        by_line.setdefault(refund.line_id, []).append(
            {
                "id": refund.refund_id,
                "amount": major(refund.total_minor, order.currency),
                "quantity": refund.quantity,
                "reason_code": refund.reason_code,
            }
        )
    return {
        "amount": major(sum(refund.total_minor for refund in refunds), order.currency),
        "currency_iso_code": order.currency,
        "customer_id": order.customer["customer_id"],
        "order_commercial_id": order.commercial_id,
        "order_id": order.order_id,
        "shop_id": order.shop_id,
        "order_lines": {
            "order_line": [
                {"order_line_id": line_id, "refunds": {"refund": listed}} for line_id, listed in by_line.items()
            ]
        },
    }
