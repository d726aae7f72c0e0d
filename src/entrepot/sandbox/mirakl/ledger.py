"""The transaction log: what every order, refund and fee does to a seller's balance."""

from collections.abc import Callable
from typing import Final

from entrepot.sandbox.mirakl.platform import Platform
from entrepot.sandbox.mirakl.state import Document, Line, LogLine, Order, Refund, Shop

AT_OR_PAST: Final = {
    "SHIPPED": frozenset({"SHIPPED", "TO_COLLECT", "RECEIVED", "CLOSED"}),
    "RECEIVED": frozenset({"RECEIVED", "CLOSED"}),
}


class Ledger:
    """Writes transaction lines, keeps the running balance per shop and currency, and what may be paid out."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._tables = platform.tables
        self.in_state: dict[tuple[int, str, str], int] = {}

    # -- business facts --------------------------------------------------------------------------------------------

    def debited(self, order: Order) -> None:
        """The buyer paid: what he pays goes to the seller, the commission to the operator."""
        for line in order.lines.values():
            if line.live:
                cancelled_price = sum(c.amount_minor for c in line.cancelations)
                cancelled_shipping = sum(c.shipping_minor for c in line.cancelations)
                add = self._of_line(order, line, None)
                add("ORDER_AMOUNT", line.price_minor - cancelled_price, 0)
                add("ORDER_SHIPPING_AMOUNT", line.shipping_minor - cancelled_shipping, 0)
                add("COMMISSION_FEE", 0, line.commission_minor)
                add("COMMISSION_VAT", 0, line.commission_tax_minor)
        self.order_moved(order)

    def refunded(self, order: Order, line: Line, refund: Refund) -> None:
        """The buyer got money back: the twins of the lines above."""
        add = self._of_line(order, line, refund)
        add("REFUND_ORDER_AMOUNT", 0, refund.amount_minor)
        add("REFUND_ORDER_SHIPPING_AMOUNT", 0, refund.shipping_minor)
        add("REFUND_COMMISSION_FEE", refund.commission_minor, 0)
        add("REFUND_COMMISSION_VAT", refund.commission_tax_minor, 0)
        self.order_moved(order)

    def order_moved(self, order: Order) -> None:
        """Once the order is far enough, its lines may be paid out."""
        if order.debit != "DEBITED":
            return
        if not order.payable and order.state not in AT_OR_PAST[self._platform.settings.payable_on]:
            return
        order.payable = True
        for line_id in self._tables.log_of_order.get(order.order_id, ()):
            line = self._tables.log[line_id]
            if line.payment_state == "PENDING":
                self.set_state(line, "PAYABLE")

    def charged(self, shop: Shop, kind: str, credited: int, debited: int, tax: int, document: Document | None) -> None:
        """A fee or a manual document, with its tax on a line of its own; payable at once."""
        tax_kind = "SUBSCRIPTION_VAT" if kind == "SUBSCRIPTION_FEE" else f"{kind}_VAT"
        signed_tax = (tax, 0) if credited else (0, tax)
        for type_, (credit, debit) in ((kind, (credited, debited)), (tax_kind, signed_tax)):
            line = self.post(shop.shop_id, shop.currency, type_, credit, debit)
            if document is not None:
                line.document_number, line.document_id = document.number, document.document_id
                line.document_at = document.created_at
            self.set_state(line, "PAYABLE")

    # -- lines -----------------------------------------------------------------------------------------------------

    def _of_line(self, order: Order, line: Line, refund: Refund | None) -> Callable[[str, int, int], None]:
        def add(type_: str, credited: int, debited: int) -> None:
            posted = self.post(order.shop_id, order.currency, type_, credited, debited)
            posted.order_id, posted.order_line_id = order.order_id, line.line_id
            posted.refund_id = refund.refund_id if refund else None
            self._tables.log_of_order.setdefault(order.order_id, []).append(posted.line_id)

        return add

    def post(self, shop_id: int, currency: str, type_: str, credited: int, debited: int) -> LogLine:
        """Add one line, PENDING, to the running balance."""
        tables, now = self._tables, self._platform.now()
        account = (shop_id, currency)
        tables.balances[account] = tables.balances.get(account, 0) + credited - debited
        sequence = tables.count("log")
        line = LogLine(
            line_id=self._platform.world.uuid(),
            sequence=sequence,
            shop_id=shop_id,
            type=type_,
            credited_minor=credited,
            debited_minor=debited,
            balance_minor=tables.balances[account],
            currency=currency,
            payment_state="PENDING",
            created_at=now,
            updated_at=now,
        )
        tables.log[line.line_id] = line
        tables.log_touched.touch(line.line_id, now)
        self._add(line, line.amount_minor)
        return line

    def set_state(self, line: LogLine, state: str) -> None:
        """Move one line; what is PAYABLE and on no voucher waits for the next one."""
        self._add(line, -line.amount_minor)
        line.payment_state = state
        self._add(line, line.amount_minor)
        waiting = self._tables.log_unpaid.setdefault((line.shop_id, line.currency), {})
        if state == "PAYABLE" and line.voucher is None:
            waiting[line.line_id] = None
        else:
            waiting.pop(line.line_id, None)
        self.touch(line)

    def touch(self, line: LogLine) -> None:
        """A line changed."""
        line.updated_at = self._platform.now()
        self._tables.log_touched.touch(line.line_id, line.updated_at)

    def _add(self, line: LogLine, amount: int) -> None:
        if line.type != "PAYMENT":
            key = (line.shop_id, line.currency, line.payment_state)
            self.in_state[key] = self.in_state.get(key, 0) + amount
