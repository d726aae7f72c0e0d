"""Returns: RT01, RT11, RT21, RT25, RT26, RT27."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from entrepot.sandbox.core import Response
from entrepot.sandbox.mirakl import shapes
from entrepot.sandbox.mirakl.call import Call
from entrepot.sandbox.mirakl.errors import MiraklError, invalid, order_state
from entrepot.sandbox.mirakl.paging import by_token
from entrepot.sandbox.mirakl.platform import Platform
from entrepot.sandbox.mirakl.refunds import Refunds
from entrepot.sandbox.mirakl.render import may_refund
from entrepot.sandbox.mirakl.state import Line, Order, Return, ReturnLine
from entrepot.sandbox.mirakl.wire import (
    answer,
    body_of,
    date_parameter,
    list_parameter,
    optional_text,
    rows,
    stamp,
    text,
    whole,
)

BATCH_MAX: Final = 100
RETURN_REASON: Final = "RETURN"
OVER: Final = frozenset({"REFUSED", "CANCELED"})


class Returns:
    """WAITING_ACCEPTANCE -> IN_PROGRESS or REFUSED; IN_PROGRESS -> RECEIVED -> CLOSED."""

    def __init__(self, platform: Platform, refunds: Refunds) -> None:
        self._platform = platform
        self._tables = platform.tables
        self._refunds = refunds

    # -- what happens ----------------------------------------------------------------------------------------------

    def create(
        self, order: Order, lines: Mapping[str, tuple[int, str]], reason: str | None, method: str, accepted: bool
    ) -> Return:
        """Goods of one order come back. Errors: not shipped, more units than shipped."""
        if order.state not in ("SHIPPED", "TO_COLLECT", "RECEIVED"):
            raise order_state(order.order_id, order.state, "SHIPPED or RECEIVED")
        for line_id, (quantity, _) in lines.items():
            line = order.lines.get(line_id)
            if line is None:
                raise MiraklError(400, f"Order line '{line_id}' not found", "ORDER_LINE_NOT_FOUND", "order_line_id")
            if not 0 < quantity <= line.shipped - self._coming_back(line_id):
                raise invalid(f"line '{line_id}' has not so many units to return", "quantity")
        now = self._platform.now()
        sequence = self._tables.count("return")
        returned = Return(
            return_id=self._platform.world.uuid(),
            sequence=sequence,
            order_id=order.order_id,
            commercial_id=order.commercial_id,
            shop_id=order.shop_id,
            customer_id=order.customer["customer_id"],
            lines={line_id: ReturnLine(line_id, quantity, why) for line_id, (quantity, why) in lines.items()},
            state="IN_PROGRESS" if accepted else "WAITING_ACCEPTANCE",
            method_code=method,
            reason_code=reason,
            created_at=now,
            updated_at=now,
            rma=f"RMA-{sequence:06d}",
        )
        self._tables.returns[returned.return_id] = returned
        for line_id in lines:
            self._tables.returns_of_line.setdefault(line_id, []).append(returned.return_id)
        self._platform.touch_return(returned)
        return returned

    def _coming_back(self, line_id: str) -> int:
        found = (self._tables.returns[return_id] for return_id in self._tables.returns_of_line.get(line_id, ()))
        return sum(returned.lines[line_id].quantity for returned in found if returned.state not in OVER)

    def decide(self, returned: Return, accepted: bool, reason: str | None = None) -> None:
        """Seller or operator takes the return or refuses it."""
        _require(returned, "WAITING_ACCEPTANCE")
        returned.state = "IN_PROGRESS" if accepted else "REFUSED"
        returned.rejection_reason_code = None if accepted else reason or "RETURN_REJECTION_NOT_ELIGIBLE"
        self._platform.touch_return(returned)

    def receive(self, returned: Return) -> None:
        """The goods are back."""
        _require(returned, "IN_PROGRESS")
        returned.state = "RECEIVED"
        self._platform.touch_return(returned)

    def comply(
        self, returned: Return, compliant: Mapping[str, tuple[bool, str | None, str | None]], by: str = "operator"
    ) -> list[str]:
        """The goods were looked at, by this role; each compliant line is refunded by the units that came back (our guess)."""
        _require(returned, "RECEIVED")
        for line_id in compliant:
            if line_id not in returned.lines:
                raise MiraklError(400, f"Order line '{line_id}' is not in this return", "ORDER_LINE_NOT_FOUND")
            if returned.lines[line_id].compliant is not None:
                raise invalid(f"line '{line_id}' is already judged", "order_line_id")
        opened = []
        order = self._platform.order(returned.order_id)
        group = ""
        for line_id, (good, reason, info) in compliant.items():
            line = returned.lines[line_id]
            line.compliant, line.non_compliance_reason, line.non_compliance_info = good, reason, info
            if good and self._platform.settings.refund_on_compliant_return:
                group = group or self._platform.world.uuid()
                opened += self._refund(order, order.lines[line_id], line, group, by)
        returned.refund_ids += opened
        self._platform.touch_return(returned)
        return opened

    def _refund(self, order: Order, line: Line, returned: ReturnLine, group: str, by: str) -> list[str]:
        """The returned units' price; the whole line with its shipping when every unit is back."""
        if not may_refund(order, line):
            return []
        left = line.price_minor - sum(c.amount_minor for c in line.cancelations)
        left -= sum(r.amount_minor for r in line.refunds)
        left_shipping = line.shipping_minor - sum(c.shipping_minor for c in line.cancelations)
        left_shipping -= sum(r.shipping_minor for r in line.refunds)
        whole_line = returned.quantity == line.quantity - line.cancelled
        amount = left if whole_line else min(left, line.price_unit_minor * returned.quantity)
        shipping = left_shipping if whole_line else 0
        if amount + shipping <= 0:
            return []
        reason, units = returned.reason_code, returned.quantity
        refund = self._refunds.open(order, line, amount, shipping, units, reason, group, by=by)
        return [refund.refund_id]

    def close(self, returned: Return) -> None:
        """Nothing more is expected of it."""
        _require(returned, "RECEIVED", "IN_PROGRESS")
        returned.state = "CLOSED"
        self._platform.touch_return(returned)

    def get(self, return_id: str) -> Return:
        """One return. Errors: not found."""
        returned = self._tables.returns.get(return_id)
        if returned is None:
            raise MiraklError(404, f"Return with id '{return_id}' not found")
        return returned

    # -- calls -----------------------------------------------------------------------------------------------------

    def rt01(self, call: Call) -> Response:
        """Create returns; each succeeds or fails by itself."""
        errors, success = [], []
        for row in _batch(call):
            commercial_id = row.get("order_commercial_id")
            try:
                written = self._platform.asked("RT01", text(row, "order_commercial_id"))
                success.append(self.return_dict(self._create(call, row)))
                written.applied += 1
            except MiraklError as why:
                errors.append({"message": why.message, "order_commercial_id": commercial_id})
        return answer(200, {"return_errors": errors, "return_success": success})

    def _create(self, call: Call, row: dict[str, Any]) -> Return:
        commercial_id = text(row, "order_commercial_id")
        legs = self._tables.orders_by_commercial.get(commercial_id)
        if legs is None:
            raise MiraklError(404, f"Commercial order '{commercial_id}' not found")
        lines: dict[str, tuple[int, str]] = {}
        for given in rows(row, "return_lines"):
            lines[text(given, "order_line_id")] = (whole(given, "quantity"), text(given, "reason_code"))
        orders = {self._tables.line_order.get(line_id) for line_id in lines}
        order_id = orders.pop()
        if orders or order_id not in legs:
            raise invalid("the lines of a return must belong to one order of the basket", "return_lines")
        order = call.order(self._platform, order_id)
        returned = self.create(
            order, lines, optional_text(row, "reason_code"), text(row, "method_code"), row.get("accepted") is True
        )
        returned.description = optional_text(row, "description")
        returned.label_url = optional_text(row, "label_url")
        returned.rma = optional_text(row, "rma") or returned.rma
        return returned

    def rt11(self, call: Call) -> Response:
        """List returns."""
        request = call.request
        shop_id = call.caller.asked_shop(request)
        lists: list[tuple[list[str] | None, Callable[[Return], set[str]]]] = [
            (list_parameter(request, "return_id"), lambda r: {r.return_id}),
            (list_parameter(request, "return_state"), lambda r: {r.state}),
            (list_parameter(request, "order_commercial_id"), lambda r: {r.commercial_id}),
            (list_parameter(request, "order_line_id"), lambda r: set(r.lines)),
            (list_parameter(request, "return_rma"), lambda r: {r.rma or ""}),
            (list_parameter(request, "customer_id"), lambda r: {r.customer_id}),
        ]
        created_from = date_parameter(request, "return_creation_date_from")
        created_to = date_parameter(request, "return_creation_date_to")
        updated_from = date_parameter(request, "return_last_updated_from")
        updated_to = date_parameter(request, "return_last_updated_to")
        found = [
            returned
            for returned in self._tables.returns.values()
            if (shop_id is None or returned.shop_id == shop_id)
            and all(wanted is None or not of(returned).isdisjoint(wanted) for wanted, of in lists)
            and (created_from is None or returned.created_at.replace(microsecond=0) >= created_from)
            and (created_to is None or returned.created_at.replace(microsecond=0) <= created_to)
            and (updated_from is None or returned.updated_at.replace(microsecond=0) >= updated_from)
            and (updated_to is None or returned.updated_at.replace(microsecond=0) <= updated_to)
        ]
        return by_token(request, found, lambda r: r.sequence, self.return_dict, 100)

    def rt21(self, call: Call) -> Response:
        """Accept or refuse returns."""

        def decide(returned: Return, row: dict[str, Any]) -> None:
            if not isinstance(row.get("accepted"), bool):
                raise invalid("'accepted' is required", "accepted")
            self.decide(returned, row["accepted"], optional_text(row, "rejection_reason_code"))

        return self._each(call, "RT21", decide)

    def rt25(self, call: Call) -> Response:
        """Goods are back."""
        return self._each(call, "RT25", lambda returned, _: self.receive(returned))

    def rt26(self, call: Call) -> Response:
        """Say which lines came back as they should."""

        def comply(returned: Return, row: dict[str, Any]) -> None:
            judged: dict[str, tuple[bool, str | None, str | None]] = {}
            for line in rows(row, "return_lines"):
                if not isinstance(line.get("compliant"), bool):
                    raise invalid("'compliant' is required", "compliant")
                judged[text(line, "order_line_id")] = (
                    line["compliant"],
                    optional_text(line, "non_compliance_reason_code"),
                    optional_text(line, "non_compliance_additional_info"),
                )
            self.comply(returned, judged, call.caller.role)

        return self._each(call, "RT26", comply)

    def rt27(self, call: Call) -> Response:
        """Close returns."""
        return self._each(call, "RT27", lambda returned, _: self.close(returned))

    def _each(self, call: Call, operation: str, act: Callable[[Return, dict[str, Any]], None]) -> Response:
        errors, success = [], []
        for row in _batch(call):
            return_id = row.get("id")
            try:
                written = self._platform.asked(operation, text(row, "id"))
                returned = self.get(text(row, "id"))
                if not call.caller.sees(returned.shop_id):
                    raise MiraklError(404, f"Return with id '{return_id}' not found")
                act(returned, row)
                written.applied += 1
                success.append({"id": returned.return_id})
            except MiraklError as why:
                errors.append({"id": return_id, "message": why.message})
        return answer(200, {"return_errors": errors, "return_success": success})

    def return_dict(self, returned: Return) -> dict[str, Any]:
        """One return with every documented key."""
        shop = self._tables.shops[returned.shop_id]
        return {
            **shapes.RETURN,
            "date_created": stamp(returned.created_at),
            "description": returned.description,
            "id": returned.return_id,
            "label_url": returned.label_url,
            "last_updated": stamp(returned.updated_at),
            "method_code": returned.method_code,
            "order_commercial_id": returned.commercial_id,
            "order_id": returned.order_id,
            "reason_code": returned.reason_code,
            "rejection_reason_code": returned.rejection_reason_code,
            "return_address": {
                **shapes.RETURN_ADDRESS,
                "city": "Paris",
                "country_iso_code": shop.country,
                "street1": "1 rue du Port",
                "zip_code": "75001",
            },
            "return_lines": [_line_dict(line) for line in returned.lines.values()],
            "rma": returned.rma,
            "state": returned.state,
        }


def _line_dict(line: ReturnLine) -> dict[str, Any]:
    judged = {
        **shapes.COMPLIANCE,
        "compliant": line.compliant,
        "non_compliance_additional_info": line.non_compliance_info,
        "non_compliance_reason_code": line.non_compliance_reason,
    }
    return {
        **shapes.RETURN_LINE,
        "compliance": [] if line.compliant is None else [judged],
        "order_line_id": line.line_id,
        "quantity": line.quantity,
        "reason_code": line.reason_code,
    }


def _batch(call: Call) -> list[dict[str, Any]]:
    given = rows(body_of(call.request), "returns")
    if len(given) > BATCH_MAX:
        raise invalid(f"at most {BATCH_MAX} elements", "returns")
    return given


def _require(returned: Return, *states: str) -> None:
    if returned.state not in states:
        raise invalid(
            f"Return '{returned.return_id}' is in state {returned.state}; expected {' or '.join(states)}", "id"
        )
