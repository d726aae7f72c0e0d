"""Refunds: asked for by seller or operator, paid back by the front, then in the transaction log."""

from entrepot.sandbox.mirakl.errors import MiraklError, invalid, order_state
from entrepot.sandbox.mirakl.ledger import Ledger
from entrepot.sandbox.mirakl.money import commission
from entrepot.sandbox.mirakl.orders import Orders
from entrepot.sandbox.mirakl.platform import REFUND_CREATED, Platform
from entrepot.sandbox.mirakl.render import PAID_STATES
from entrepot.sandbox.mirakl.state import Line, Order, Refund


class Refunds:
    """WAITING_REFUND -> (listed by PA12) WAITING_REFUND_PAYMENT -> (PA02) REFUNDED."""

    def __init__(self, platform: Platform, ledger: Ledger, orders: Orders) -> None:
        self._platform = platform
        self._orders = orders
        self._tables = platform.tables
        self._ledger = ledger

    def check(self, order: Order, line: Line, amount: int, shipping: int, pending: tuple[int, int] = (0, 0)) -> None:
        """Whether this much can be refunded, on top of `pending` of the same batch. Errors: the codes of OR28."""
        if order.debit != "DEBITED" or order.state not in PAID_STATES or not line.live:
            raise order_state(order.order_id, order.state, "a paid order that is not closed")
        price_left = line.price_minor - sum(c.amount_minor for c in line.cancelations) - pending[0]
        shipping_left = line.shipping_minor - sum(c.shipping_minor for c in line.cancelations) - pending[1]
        price_left -= sum(r.amount_minor for r in line.refunds)
        shipping_left -= sum(r.shipping_minor for r in line.refunds)
        if amount < 0 or shipping < 0 or amount + shipping == 0:
            raise invalid("a refund must be more than nothing", "amount")
        if amount > price_left or shipping > shipping_left:
            raise MiraklError(
                400, f"More than what is left of line '{line.line_id}'", "REFUND_AMOUNT_TOO_HIGH", "amount"
            )

    def open(
        self,
        order: Order,
        line: Line,
        amount: int,
        shipping: int,
        quantity: int,
        reason: str,
        order_refund_id: str,
        excluded_from_shipment: bool = False,
        by: str = "operator",
    ) -> Refund:
        """Ask for one refund that `check` allows; the front finds it by PA12. `by`: the role that asked."""
        fee, tax = self._commission_back(line, amount + shipping)
        refund = Refund(
            refund_id=str(self._tables.count("refund", 1001)),
            order_refund_id=order_refund_id,
            order_id=order.order_id,
            line_id=line.line_id,
            amount_minor=amount,
            shipping_minor=shipping,
            quantity=quantity,
            commission_minor=fee,
            commission_tax_minor=tax,
            reason_code=reason,
            state="WAITING_REFUND",
            created_at=self._platform.now(),
            excluded_from_shipment=excluded_from_shipment,
            by=by,
        )
        line.refunds.append(refund)
        line.updated_at = refund.created_at
        self._tables.refunds[refund.refund_id] = refund
        self._tables.refunds_waiting[refund.refund_id] = None
        self._platform.emit(REFUND_CREATED, refund.refund_id)
        self._platform.touch(order)
        return refund

    def _commission_back(self, line: Line, amount: int) -> tuple[int, int]:
        """Commission on what stays is charged again; the difference goes back, so the last refund returns the rest."""
        if not self._platform.settings.commission_returned_on_refund:
            return 0, 0
        left = line.owed_minor - line.refunded_minor - amount
        fee, tax = commission(left, line.rate_per_100k, line.tax_rate_per_100k)
        fee_before = line.commission_minor - sum(r.commission_minor for r in line.refunds)
        tax_before = line.commission_tax_minor - sum(r.commission_tax_minor for r in line.refunds)
        return fee_before - fee, tax_before - tax

    def listed(self, refund: Refund) -> None:
        """The front has read that it must pay back."""
        if refund.state == "WAITING_REFUND":
            refund.state = "WAITING_REFUND_PAYMENT"
            self._platform.touch_refund(refund)

    def paid_back(self, refund: Refund, number: str | None, at: str | None) -> None:
        """The front says the buyer has his money."""
        order = self._platform.order(refund.order_id)
        line = order.lines[refund.line_id]
        refund.state, refund.transaction_number, refund.transaction_at = "REFUNDED", number, at
        self._tables.refunds_waiting.pop(refund.refund_id, None)
        if sum(r.total_minor for r in line.refunds if r.state == "REFUNDED") == line.owed_minor:
            line.state = "REFUNDED"
        line.updated_at = self._platform.now()
        self._ledger.refunded(order, line, refund)
        self._orders.refunded(order)

    def not_paid_back(self, refund: Refund) -> None:
        """The front could not pay back: the refund stays open and is listed again (our guess)."""
        self._platform.touch_refund(refund)
