"""Billing cycles: closed on the 1st, 11th and 21st, one per shop and currency; paid by voucher."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from entrepot.sandbox.mirakl.errors import MiraklError, invalid
from entrepot.sandbox.mirakl.ledger import Ledger
from entrepot.sandbox.mirakl.platform import Platform
from entrepot.sandbox.mirakl.shapes import CYCLE_SUMMARY_KEYS
from entrepot.sandbox.mirakl.state import Cycle, Document, LogLine, Shop

CLOSING_DAYS: Final = (1, 11, 21)
BUYER_TYPES: Final = frozenset(
    {"ORDER_AMOUNT", "ORDER_SHIPPING_AMOUNT", "REFUND_ORDER_AMOUNT", "REFUND_ORDER_SHIPPING_AMOUNT"}
)
KYC_DONE: Final = frozenset({"APPROVED", "NOT_REQUIRED"})
SUMMARY_OF_TYPE: Final[Mapping[str, tuple[str, bool]]] = {
    # type -> (summary, whether it is the tax part: tax counts in the total including tax only)
    "COMMISSION_FEE": ("total_commissions", False),
    "COMMISSION_VAT": ("total_commissions", True),
    "REFUND_COMMISSION_FEE": ("total_refund_commissions", False),
    "REFUND_COMMISSION_VAT": ("total_refund_commissions", True),
    "SUBSCRIPTION_FEE": ("total_subscription", False),
    "SUBSCRIPTION_VAT": ("total_subscription", True),
    "MANUAL_CREDIT": ("total_other_credits", False),
    "MANUAL_CREDIT_VAT": ("total_other_credits", True),
    "MANUAL_INVOICE": ("total_other_invoices", False),
    "MANUAL_INVOICE_VAT": ("total_other_invoices", True),
    "ORDER_AMOUNT": ("total_payable_orders", False),
    "ORDER_SHIPPING_AMOUNT": ("total_payable_orders", False),
    "REFUND_ORDER_AMOUNT": ("total_refund_payable_orders", False),
    "REFUND_ORDER_SHIPPING_AMOUNT": ("total_refund_payable_orders", False),
}


class Billing:
    """Closes cycles and takes the front's word that they were paid.

    A voucher pays every PAYABLE line of (shop, currency) that no voucher has paid: those of this cycle and those
    carried over from cycles whose sum was not positive. Such a cycle has no voucher; its documents stand all the same.
    So a voucher may pay several documents, manual ones included, and PAYMENT = the sum of its other lines.
    """

    def __init__(self, platform: Platform, ledger: Ledger) -> None:
        self._platform = platform
        self._tables = platform.tables
        self._ledger = ledger
        self._opened_at = platform.now()
        self._schedule()

    # -- closing ---------------------------------------------------------------------------------------------------

    def _schedule(self) -> None:
        def close() -> None:
            self.close_all()
            self._schedule()

        self._platform.at(self.next_closing(self._platform.now()), close)

    def next_closing(self, after: datetime) -> datetime:
        """The next 1st, 11th or 21st at midnight of the platform's zone, in UTC."""
        zone = self._platform.zone
        day = after.astimezone(zone).date()
        while True:
            day += timedelta(days=1)
            if day.day in CLOSING_DAYS:
                return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)

    def close_all(self) -> list[Cycle]:
        """Close the cycle of every shop and currency that has something to bill."""
        cycles = []
        for (shop_id, currency), waiting in sorted(self._tables.log_unpaid.items()):
            lines = [self._tables.log[line_id] for line_id in waiting]
            fresh = [line for line in lines if line.cycle_id is None]
            if fresh:
                cycles.append(self._close(self._tables.shops[shop_id], currency, fresh, lines))
        self._opened_at = self._platform.now()
        return cycles

    def _close(self, shop: Shop, currency: str, fresh: list[LogLine], lines: list[LogLine]) -> Cycle:
        amount = sum(line.amount_minor for line in lines)
        operator = -sum(line.amount_minor for line in fresh if line.type not in BUYER_TYPES)
        paying = amount > 0
        kyc_done = shop.kyc_status in KYC_DONE
        cycle = Cycle(
            cycle_id=self._platform.world.uuid(),
            sequence=self._tables.count("cycle"),
            shop_id=shop.shop_id,
            currency=currency,
            created_at=self._platform.now(),
            opened_at=self._opened_at,
            amount_minor=max(amount, 0),
            operator_minor=operator,
            summary=summarise(fresh),
            voucher=f"{self._tables.count('voucher'):06d}" if paying else None,
            pay_out_state=("TO_PAY" if kyc_done else "FAILED") if paying else None,
            failure_reason=None if kyc_done or not paying else "INCOMPLETE_KYC",
        )
        self._tables.cycles[cycle.cycle_id] = cycle
        document = self._invoice(cycle, fresh)
        for line in fresh:
            line.cycle_id = cycle.cycle_id
            self._tables.log_of_cycle.setdefault(cycle.cycle_id, []).append(line.line_id)
            if line.document_number is None:
                line.document_number, line.document_id = document.number, document.document_id
                line.document_at = document.created_at
            self._ledger.touch(line)
        if paying:
            self._put_on_voucher(cycle, lines)
        self._platform.closed(cycle)
        return cycle

    def _put_on_voucher(self, cycle: Cycle, lines: Iterable[LogLine]) -> None:
        waiting = self._tables.log_unpaid[cycle.shop_id, cycle.currency]
        paid = self._tables.log_of_voucher.setdefault((cycle.shop_id, cycle.voucher or ""), [])
        for line in lines:
            line.voucher = cycle.voucher
            waiting.pop(line.line_id)
            paid.append(line.line_id)
            self._ledger.touch(line)

    def _invoice(self, cycle: Cycle, fresh: list[LogLine]) -> Document:
        """The operator's invoice on commissions and subscription of this cycle."""
        own = [line for line in fresh if line.document_number is None and line.type not in BUYER_TYPES]
        fee = -sum(line.amount_minor for line in own if not line.type.endswith("_VAT"))
        tax = -sum(line.amount_minor for line in own if line.type.endswith("_VAT"))
        details = [
            {
                "amount_minor": -sum(line.amount_minor for line in own if line.type == type_),
                "tax_minor": -sum(line.amount_minor for line in own if line.type == tax_type),
                "description": description,
            }
            for type_, tax_type, description in (
                ("COMMISSION_FEE", "COMMISSION_VAT", "Commissions on orders"),
                ("REFUND_COMMISSION_FEE", "REFUND_COMMISSION_VAT", "Commissions on refunds"),
                ("SUBSCRIPTION_FEE", "SUBSCRIPTION_VAT", "Subscription"),
            )
            if any(line.type == type_ for line in own)
        ]
        return self.issue(cycle.shop_id, cycle.currency, "AUTO_INVOICE", fee, tax, cycle.cycle_id, details)

    # -- documents -------------------------------------------------------------------------------------------------

    def issue(
        self,
        shop_id: int,
        currency: str,
        type_: str,
        fee: int,
        tax: int,
        cycle_id: str | None,
        details: list[dict[str, Any]],
    ) -> Document:
        """Number and keep one accounting document."""
        document_id = self._tables.count("document", 3001)
        document = Document(
            document_id=document_id,
            number=f"{document_id:012d}",
            shop_id=shop_id,
            type=type_,
            currency=currency,
            created_at=self._platform.now(),
            excl_tax_minor=fee,
            tax_minor=tax,
            cycle_id=cycle_id,
            details=details,
            issuer="BATCH" if type_ == "AUTO_INVOICE" else "OPERATOR",
        )
        self._tables.documents[document_id] = document
        return document

    # -- payment ---------------------------------------------------------------------------------------------------

    def kyc_done(self, shop_id: int) -> None:
        """Cycles that failed for want of KYC may be paid now."""
        for cycle in self._tables.cycles.values():
            if cycle.shop_id == shop_id and cycle.failure_reason == "INCOMPLETE_KYC":
                cycle.pay_out_state, cycle.failure_reason = "TO_PAY", None

    def confirm(self, cycle: Cycle, paid: bool, at: str | None, reference: str | None, reason: str | None) -> None:
        """The front says the seller was paid, or was not. Errors: nothing to pay, or paid already."""
        if cycle.pay_out_state is None:
            raise invalid(f"Billing cycle '{cycle.cycle_id}' has nothing to pay", "id")
        if cycle.pay_out_state == "PAID":
            raise MiraklError(400, f"Billing cycle '{cycle.cycle_id}' is already PAID", "CYCLE_INVALID_STATE", "id")
        cycle.transaction_at, cycle.reference = at, reference
        cycle.pay_out_state, cycle.failure_reason = ("PAID", None) if paid else ("FAILED", reason)
        lines = [
            self._tables.log[line_id] for line_id in self._tables.log_of_voucher[cycle.shop_id, cycle.voucher or ""]
        ]
        if paid:
            for line in lines:
                self._ledger.set_state(line, "PAID")
            self._post_payment(cycle, sum(line.amount_minor for line in lines))
        numbers = {line.document_number for line in lines}
        for document in self._tables.documents.values():
            if document.shop_id == cycle.shop_id and document.number in numbers:
                document.payment_state, document.failure_reason = cycle.pay_out_state, cycle.failure_reason
                document.reference, document.transaction_at = reference, at

    def _post_payment(self, cycle: Cycle, amount: int) -> None:
        line = self._ledger.post(cycle.shop_id, cycle.currency, "PAYMENT", 0, amount)
        line.cycle_id, line.voucher = cycle.cycle_id, cycle.voucher
        self._tables.log_of_cycle[cycle.cycle_id].append(line.line_id)
        self._ledger.set_state(line, "PAID")


def summarise(lines: Iterable[LogLine]) -> dict[str, int]:
    """The totals of a cycle, seller-signed, by their documented names."""
    totals = dict.fromkeys(CYCLE_SUMMARY_KEYS, 0)
    for line in lines:
        name, is_tax = SUMMARY_OF_TYPE[line.type]
        totals[f"{name}_incl_tax"] += line.amount_minor
        if not is_tax:
            totals[f"{name}_excl_tax"] += line.amount_minor
    for part in ("excl_tax", "incl_tax"):
        totals[f"total_refund_orders_{part}"] = totals[f"total_refund_payable_orders_{part}"]
    return totals
