"""The life of an order: created, decided, paid, shipped, received, closed; or refused, expired, cancelled."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from entrepot.sandbox.mirakl.errors import MiraklError, invalid, order_state
from entrepot.sandbox.mirakl.ledger import Ledger
from entrepot.sandbox.mirakl.money import commission
from entrepot.sandbox.mirakl.platform import SHIPMENT_UPDATED, Platform
from entrepot.sandbox.mirakl.state import Cancelation, Line, Order

BEFORE_DEBIT: Final = frozenset({"STAGING", "WAITING_ACCEPTANCE", "WAITING_DEBIT", "WAITING_DEBIT_PAYMENT"})
UNPAID: Final = frozenset({"WAITING_DEBIT", "WAITING_DEBIT_PAYMENT"})
DEBIT_AT_ACCEPTANCE: Final = "PAY_ON_ACCEPTANCE"
NO_DEBIT_STEP: Final = "NO_CUSTOMER_PAYMENT_CONFIRMATION"


class Orders:
    """Moves orders. Where Mirakl's own arrows are not published they follow what connectors and help pages show."""

    def __init__(self, platform: Platform, ledger: Ledger) -> None:
        self._platform = platform
        self._tables = platform.tables
        self._ledger = ledger

    # -- decision --------------------------------------------------------------------------------------------------

    def await_acceptance(self, order: Order) -> None:
        """The seller's window opens; when it ends undecided the platform refuses by itself."""
        self._platform.move(order, "WAITING_ACCEPTANCE")
        self._set_lines(order, "WAITING_ACCEPTANCE")

        def expire() -> None:
            if order.state == "WAITING_ACCEPTANCE":
                self._refuse_all(order)

        self._platform.at(self._platform.now() + self._platform.settings.acceptance_window, expire)

    def score(self, order: Order, passed: bool) -> None:
        """The fraud check ends."""
        if order.state != "STAGING":
            raise order_state(order.order_id, order.state, "STAGING")
        if passed:
            self.await_acceptance(order)
        else:
            self._cancel_rest(order, "FRAUD")

    def accept(self, order: Order, decisions: Mapping[str, bool]) -> None:
        """Decide every line at once. Errors: the codes of OR21."""
        if order.state != "WAITING_ACCEPTANCE":
            raise order_state(order.order_id, order.state, "WAITING_ACCEPTANCE")
        for line_id in decisions:
            if line_id not in order.lines:
                message = f"Order line '{line_id}' not found in order '{order.order_id}'"
                raise MiraklError(400, message, "ORDER_LINE_NOT_FOUND", "order_lines.id")
        missing = [line_id for line_id in order.lines if line_id not in decisions]
        if missing:
            message = f"Acceptance decision missing for: {', '.join(missing)}"
            raise MiraklError(400, message, "ORDER_LINE_ACCEPTANCE_DECISION_MISSING", "order_lines")
        if not self._platform.settings.partial_acceptance and len(set(decisions.values())) > 1:
            message = "This platform does not allow partial acceptance"
            raise MiraklError(400, message, "ORDER_PARTIAL_ACCEPTANCE_DISABLED", "order_lines")
        order.decided_at = self._platform.now()
        if not any(decisions.values()):
            self._refuse_all(order)
            return
        for line_id, accepted in decisions.items():
            line = order.lines[line_id]
            line.accepted = accepted
            if not accepted:
                self._set_line(line, "REFUSED")
                self._restock(line, line.quantity)
        order.accepted_at = order.decided_at
        self._after_acceptance(order)

    def _refuse_all(self, order: Order) -> None:
        for line in order.lines.values():
            line.accepted = False
            self._set_line(line, "REFUSED")
            self._restock(line, line.quantity)
        self._platform.move(order, "REFUSED")

    def _after_acceptance(self, order: Order) -> None:
        if order.payment_workflow == DEBIT_AT_ACCEPTANCE:
            self._platform.move(order, "WAITING_DEBIT")
            self._set_lines(order, "WAITING_DEBIT")
            self.open_debit(order)

            def lapse() -> None:
                if order.state in UNPAID:
                    self._cancel_rest(order, None)

            self._platform.at(self._platform.now() + self._platform.settings.unpaid_window, lapse)
            return
        self._to_shipping(order)
        if order.payment_workflow == NO_DEBIT_STEP:
            self._paid(order)

    # -- payment ---------------------------------------------------------------------------------------------------

    def open_debit(self, order: Order) -> None:
        """The front is asked to charge the buyer."""
        order.debit = "PENDING"
        self._tables.debits[order.order_id] = None
        self._platform.touch(order)

    def listed_for_debit(self, order: Order) -> None:
        """The front has read that it must charge."""
        if order.state == "WAITING_DEBIT":
            self._platform.move(order, "WAITING_DEBIT_PAYMENT")
            self._set_lines(order, "WAITING_DEBIT_PAYMENT")

    def debited(self, order: Order, number: str | None, at: str | None) -> None:
        """The front says the buyer paid."""
        order.transaction_number, order.transaction_at = number, at
        if order.state in UNPAID:
            self._to_shipping(order)
        self._paid(order)

    def debit_refused(self, order: Order) -> None:
        """The front says the buyer did not pay. Goods that have left stay debited to nobody: it is asked again."""
        if order.state in UNPAID:
            self._cancel_rest(order, None)
        else:
            self._platform.touch(order)

    def _paid(self, order: Order) -> None:
        order.debit = "DEBITED"
        order.debited_at = self._platform.now()
        self._tables.debits.pop(order.order_id, None)
        for line in order.lines.values():
            if line.live:
                line.debited_at = order.debited_at
        self._platform.touch(order)
        self._touch_shipments(order)
        self._ledger.debited(order)

    def _to_shipping(self, order: Order) -> None:
        order.shipping_deadline = self._platform.now() + timedelta(days=order.lead_time_days)
        self._platform.move(order, "SHIPPING")
        self._set_lines(order, "SHIPPING")

    # -- shipping --------------------------------------------------------------------------------------------------

    def shipped(self, order: Order, quantities: Mapping[str, int]) -> None:
        """Units have left; the order is SHIPPED when nothing remains."""
        now = self._platform.now()
        for line_id, quantity in quantities.items():
            line = order.lines[line_id]
            line.shipped += quantity
            if not line.to_ship and line.state != "REFUNDED":
                self._set_line(line, "SHIPPED")
                line.shipped_at = now
        if all(not line.to_ship for line in order.lines.values()):
            self._platform.move(order, "SHIPPED")
            self._after_shipping(order)
        else:
            self._platform.touch(order)

    def _after_shipping(self, order: Order) -> None:
        if order.payment_workflow == "PAY_ON_SHIPMENT":
            self.open_debit(order)
        elif order.payment_workflow == "PAY_ON_DUE_DATE":
            due = self._platform.now() + self._platform.settings.due_after_shipping
            self._platform.at(due, lambda: self.open_debit(order))
        self._ledger.order_moved(order)

    def refunded(self, order: Order) -> None:
        """A refund cleared: what is refunded whole need not leave. Nothing left to ship: SHIPPED, or CLOSED when
        nothing ever left (our guess)."""
        if order.state != "SHIPPING" or any(line.to_ship for line in order.lines.values()):
            self._platform.touch(order)
            return
        self._cancel_parcels(order)
        if any(line.shipped for line in order.lines.values()):
            self._platform.move(order, "SHIPPED")
            self._set_lines(order, "SHIPPED")
            self._after_shipping(order)
        else:
            self._platform.move(order, "CLOSED")
            self._set_lines(order, "CLOSED")
            self._ledger.order_moved(order)

    def to_collect(self, order: Order) -> None:
        """It waits for the buyer."""
        if order.state != "SHIPPED":
            raise order_state(order.order_id, order.state, "SHIPPED")
        self._platform.move(order, "TO_COLLECT")
        self._set_lines(order, "TO_COLLECT", "SHIPPED")

    def receive(self, order: Order) -> None:
        """The buyer has it; after the operator's delay the order closes."""
        if order.state not in ("SHIPPED", "TO_COLLECT"):
            raise order_state(order.order_id, order.state, "SHIPPED or TO_COLLECT")
        order.received_at = self._platform.now()
        self._platform.move(order, "RECEIVED")
        self._set_lines(order, "RECEIVED", "SHIPPED", "TO_COLLECT")
        for line in order.lines.values():
            if line.shipped:
                line.received_at = order.received_at
        for shipment in self._tables.parcels_of(order.order_id):
            if shipment.status == "SHIPPED":
                shipment.status, shipment.received_at = "RECEIVED", order.received_at
                self._platform.touch_shipment(shipment)
        if order.payment_workflow == "PAY_ON_DELIVERY":
            self.open_debit(order)
        self._ledger.order_moved(order)
        self._close_after_delay(order)

    def _close_after_delay(self, order: Order) -> None:
        def close() -> None:
            if order.state != "RECEIVED":
                return
            if order.has_incident or order.debit == "PENDING":
                self._close_after_delay(order)
                return
            self._platform.move(order, "CLOSED")
            self._set_lines(order, "CLOSED", "RECEIVED")

        self._platform.at(self._platform.now() + self._platform.settings.close_delay, close)

    # -- cancelling ------------------------------------------------------------------------------------------------

    def may_cancel(self, order: Order, role: str) -> bool:
        """Before the debit; a seller only where the payment workflow lets goods wait unpaid (SHIPPING)."""
        if order.debit == "DEBITED":
            return False
        if order.state == "SHIPPING":
            return True
        return order.state in BEFORE_DEBIT and role != "shop"

    def cancel(self, order: Order, reason: str | None, role: str = "operator") -> None:
        """Cancel all of it. Errors: ORDER_INVALID_STATE once it is debited; a refund is the way then."""
        if not self.may_cancel(order, role) or any(line.shipped for line in order.lines.values()):
            raise order_state(order.order_id, order.state, "a state before the customer is debited")
        order.cancelled_by = role
        self._cancel_rest(order, reason)

    def check_part(self, order: Order, line: Line, quantity: int, amount: int, shipping: int, role: str) -> None:
        """Whether so much can be taken off a line. Errors: ORDER_INVALID_STATE, VALIDATION_ERROR."""
        if not self.may_cancel(order, role) or not line.live:
            raise order_state(order.order_id, order.state, "a state before the customer is debited")
        left_price = line.price_minor - sum(c.amount_minor for c in line.cancelations)
        left_shipping = line.shipping_minor - sum(c.shipping_minor for c in line.cancelations)
        left = line.quantity - line.cancelled - line.shipped
        left -= self._tables.planned_units(order.order_id).get(line.line_id, 0)
        if not 0 <= amount <= left_price or not 0 <= shipping <= left_shipping or not 0 <= quantity <= left:
            raise invalid("more than what is left of the line", "amount")
        if quantity == line.quantity - line.cancelled and (amount, shipping) != (left_price, left_shipping):
            raise invalid("cancelling every unit must cancel the whole amount", "amount")

    def cancel_part(
        self, order: Order, line: Line, quantity: int, amount: int, shipping: int, reason: str
    ) -> Cancelation:
        """Take units and money that `check_part` allows off a line that is not paid."""
        fee, tax = commission(line.owed_minor - amount - shipping, line.rate_per_100k, line.tax_rate_per_100k)
        cancelation = Cancelation(
            cancelation_id=self._platform.world.uuid(),
            amount_minor=amount,
            shipping_minor=shipping,
            quantity=quantity,
            commission_minor=line.commission_minor - fee,
            commission_tax_minor=line.commission_tax_minor - tax,
            reason_code=reason,
            created_at=self._platform.now(),
        )
        line.cancelations.append(cancelation)
        line.commission_minor, line.commission_tax_minor = fee, tax
        self._restock(line, quantity)
        if line.cancelled == line.quantity:
            self._set_line(line, "CANCELED")
        elif line.shipped and not line.to_ship:
            self._set_line(line, "SHIPPED")
        self._after_part(order)
        return cancelation

    def _after_part(self, order: Order) -> None:
        """Where an order stands once part of it is gone."""
        live = [line for line in order.lines.values() if line.live]
        if not live:
            self._end_debit(order)
            self._platform.move(order, "CANCELED")
        elif order.state == "SHIPPING" and all(not line.to_ship for line in live):
            self._platform.move(order, "SHIPPED")
            self._after_shipping(order)
        else:
            self._platform.touch(order)

    def _cancel_rest(self, order: Order, reason: str | None) -> None:
        order.reason_code = order.reason_label = reason
        for line in order.lines.values():
            if line.live:
                self._restock(line, line.quantity - line.cancelled)
                self._set_line(line, "CANCELED")
                line.reason_code = reason
        self._cancel_parcels(order)
        self._end_debit(order)
        self._platform.move(order, "CANCELED")

    def _cancel_parcels(self, order: Order) -> None:
        """What was announced and has not left never will."""
        for shipment in self._tables.parcels_of(order.order_id):
            if shipment.status == "SHIPPING":
                shipment.status = "CANCELED"
                self._platform.touch_shipment(shipment)

    def _end_debit(self, order: Order) -> None:
        self._tables.debits.pop(order.order_id, None)
        order.debit = "NONE"

    # -- incidents -------------------------------------------------------------------------------------------------

    def incident(self, order: Order, line_id: str, reason: str | None) -> None:
        """Open an incident on a line with a reason, or close it with None."""
        line = order.lines.get(line_id)
        if line is None:
            raise MiraklError(404, f"Order line '{line_id}' not found", "ORDER_LINE_NOT_FOUND", "line")
        if (line.incident_reason is None) == (reason is None):
            raise order_state(order.order_id, order.state, "an incident that is not already so")
        if reason is not None and line.state not in ("SHIPPING", "SHIPPED", "TO_COLLECT", "RECEIVED"):
            raise order_state(order.order_id, order.state, "SHIPPING, SHIPPED or RECEIVED")
        line.incident_reason = reason
        line.updated_at = self._platform.now()
        self._platform.touch(order)

    # -- small things ----------------------------------------------------------------------------------------------

    def _set_lines(self, order: Order, state: str, *only: str) -> None:
        for line in order.lines.values():
            if line.live and line.state != "REFUNDED" and (not only or line.state in only):
                self._set_line(line, state)

    def _set_line(self, line: Line, state: str) -> None:
        line.state = state
        line.updated_at = self._platform.now()

    def _restock(self, line: Line, quantity: int) -> None:
        line.offer.quantity += quantity
        line.offer.updated_at = self._platform.now()

    def _touch_shipments(self, order: Order) -> None:
        for shipment in self._tables.parcels_of(order.order_id):
            self._platform.emit(SHIPMENT_UPDATED, shipment.shipment_id)
