"""The seller's money at eBay: bookings, funds, payouts, transfers.

A sale is one CREDIT of goods and shipping less fees. A refund is one DEBIT of what the buyer got less the fees given
back; the fixed fee of an order is given back only when the order is cancelled [guess]. Amounts are positive, the
entry gives the sign; what is paid out is the sum of its bookings to the last minor unit. Tax that eBay collects is in
none of it.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from entrepot.sandbox.ebay.market import PERIOD_CLOSED, Market
from entrepot.sandbox.ebay.state import Dispute, FeeLine, Line, Order, Payout, Refund, Transaction, Transfer
from entrepot.sandbox.ebay.wire import converted

CREDIT: Final = "CREDIT"
DEBIT: Final = "DEBIT"
VALUE_FEE: Final = "FINAL_VALUE_FEE"
ORDER_FEE: Final = "FINAL_VALUE_FEE_FIXED_PER_ORDER"
DISPUTE_FEE: Final = "PAYMENT_DISPUTE_FEE"


class Finances:
    """The ledger. Nothing is ever changed but where a booking was paid out."""

    def __init__(self, market: Market) -> None:
        self._market = market

    # -- bookings --------------------------------------------------------------------------------------------------

    def sale(self, order: Order) -> Transaction:
        """The buyer has paid."""
        lines = [
            FeeLine(line.line_id, line.gross_minor, _fees(line.fee_minor, line.order_fee_minor))
            for line in order.lines.values()
        ]
        return self._book("SALE", CREDIT, lines, order=order, wait=self._market.settings.funds_delay)

    def refund(self, order: Order, refund: Refund) -> Transaction:
        """Money goes back: the lines' refunded amounts grow, and part of their fees returns."""
        lines = []
        for line_id, minor in refund.parts.items():
            line = order.lines[line_id]
            line.refunded_minor += minor
            credit = _fee_credit(line)
            line.fee_credited_minor += credit
            fees = _fees(credit, line.order_fee_minor if order.cancelled_at is not None else 0)
            lines.append(FeeLine(line_id, minor, fees))
        references = [("REFUND_ID", refund.refund_id)]
        return self._book("REFUND", DEBIT, lines, order=order, references=references, memo=refund.reason)

    def dispute(self, order: Order, dispute: Dispute, entry: str) -> Transaction:
        """The disputed amount is taken (DEBIT) or given back (CREDIT)."""
        references = [("PAYMENT_DISPUTE_ID", dispute.dispute_id)]
        return self._amount("DISPUTE", entry, dispute.amount_minor, order=order, references=references)

    def charge(self, order: Order, dispute: Dispute, minor: int) -> Transaction:
        """The fee for a dispute that was lost."""
        references = [("PAYMENT_DISPUTE_ID", dispute.dispute_id)]
        return self._amount("NON_SALE_CHARGE", DEBIT, minor, order=order, references=references, fee_type=DISPUTE_FEE)

    # -- periods ---------------------------------------------------------------------------------------------------

    def payable(self) -> list[Transaction]:
        """Bookings that are available and in no payout and no transfer yet."""
        now = self._market.now()
        return [
            one
            for one in self._market.transactions.values()
            if one.payout_id is None and one.transfer_id is None and one.available_at <= now
        ]

    def close_period(self) -> str | None:
        """Pay out what is available; when that is below zero, eBay takes it from the seller instead (a transfer)."""
        found = self.payable()
        total = sum(one.signed_paid_minor for one in found)
        if not found:
            return None
        market, currency = self._market, self._market.settings.paid_in
        if total < 0:
            return self._transfer(found, -total)
        payout = Payout(market.new_id(10, "5"), market.now(), total, currency, "INITIATED", [])
        market.payouts[payout.payout_id] = payout
        for one in found:
            one.payout_id = payout.payout_id
            payout.transactions.append(one.transaction_id)
        market.at(payout.at + market.settings.payout_delay, lambda: self._paid(payout))
        market.emit(PERIOD_CLOSED, payout.payout_id)
        return payout.payout_id

    def _paid(self, payout: Payout) -> None:
        payout.status = "SUCCEEDED"
        self._market.emit(PERIOD_CLOSED, payout.payout_id)

    def _transfer(self, found: Sequence[Transaction], minor: int) -> str:
        """What was owed is covered: a CREDIT of its size stands beside the bookings it covers."""
        market = self._market
        charges = [one.transaction_id for one in found if one.entry == DEBIT]
        transfer = Transfer(market.new_id(11, "1"), market.now(), minor, market.settings.paid_in, charges)
        market.transfers[transfer.transfer_id] = transfer
        references = [("TRANSFER_ID", transfer.transfer_id)]
        booked = Transaction(
            transaction_id=market.new_id(10, "7"),
            kind="TRANSFER",
            entry=CREDIT,
            at=market.now(),
            available_at=market.now(),
            basis_minor=minor,
            fee_minor=0,
            net_minor=minor,
            paid_basis_minor=minor,
            paid_fee_minor=0,
            paid_net_minor=minor,
            references=references,
        )
        market.transactions[booked.transaction_id] = booked
        for one in (*found, booked):
            one.transfer_id = transfer.transfer_id
        market.emit(PERIOD_CLOSED, transfer.transfer_id)
        return transfer.transfer_id

    def funds(self) -> Mapping[str, int]:
        """What is available, still being processed, and held because of open disputes; payout currency."""
        now = self._market.now()
        open_ones = [
            one for one in self._market.transactions.values() if one.payout_id is None and one.transfer_id is None
        ]
        available = sum(one.signed_paid_minor for one in open_ones if one.available_at <= now)
        processing = sum(one.signed_paid_minor for one in open_ones if one.available_at > now)
        held = sum(self.pay(d.amount_minor) for d in self._market.disputes.values() if d.closed_at is None)
        return {
            "availableFunds": available,
            "processingFunds": processing,
            "fundsOnHold": held,
            "totalFunds": available + processing + held,
        }

    def status(self, one: Transaction) -> str:
        """eBay's word for where a booking stands."""
        if one.payout_id is not None:
            return "PAYOUT"
        if one.transfer_id is not None:
            return "COMPLETED"
        return "FUNDS_AVAILABLE_FOR_PAYOUT" if one.available_at <= self._market.now() else "FUNDS_PROCESSING"

    def pay(self, minor: int) -> int:
        """An amount of the listing currency in the payout currency."""
        settings = self._market.settings
        if settings.paid_in == settings.currency:
            return minor
        return converted(minor, settings.currency, settings.paid_in, settings.exchange_rate)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _book(
        self,
        kind: str,
        entry: str,
        lines: list[FeeLine],
        *,
        order: Order,
        references: Sequence[tuple[str, str]] = (),
        memo: str | None = None,
        wait: timedelta = timedelta(0),
    ) -> Transaction:
        basis = sum(line.basis_minor for line in lines)
        fee = sum(minor for line in lines for _, minor in line.fees)
        # Converted part by part and then added, so that the parts shown are the whole shown.
        paid_basis = sum(self.pay(line.basis_minor) for line in lines)
        paid_fee = sum(self.pay(minor) for line in lines for _, minor in line.fees)
        return self._keep(
            Transaction(
                transaction_id=self._market.new_id(10, "6"),
                kind=kind,
                entry=entry,
                at=self._market.now(),
                available_at=self._market.now() + wait,
                basis_minor=basis,
                fee_minor=fee,
                net_minor=basis - fee,
                paid_basis_minor=paid_basis,
                paid_fee_minor=paid_fee,
                paid_net_minor=paid_basis - paid_fee,
                order_id=order.order_id,
                buyer=order.buyer,
                record=order.record,
                lines=lines,
                references=list(references),
                memo=memo,
            )
        )

    def _amount(
        self,
        kind: str,
        entry: str,
        minor: int,
        *,
        order: Order,
        references: Sequence[tuple[str, str]],
        fee_type: str | None = None,
    ) -> Transaction:
        booked = self._book(kind, entry, [], order=order, references=references)
        booked.basis_minor = booked.net_minor = minor
        booked.paid_basis_minor = booked.paid_net_minor = self.pay(minor)
        booked.fee_type = fee_type
        return booked

    def _keep(self, one: Transaction) -> Transaction:
        self._market.transactions[one.transaction_id] = one
        if one.order_id is not None:
            self._market.transactions_by_order.setdefault(one.order_id, []).append(one)
        return one


def _fees(value_fee: int, order_fee: int) -> list[tuple[str, int]]:
    fees = [(VALUE_FEE, value_fee)]
    return [*fees, (ORDER_FEE, order_fee)] if order_fee else fees


def _fee_credit(line: Line) -> int:
    """The part of the fee that belongs to all that is refunded, less what was credited: the last part takes the rest."""
    if not line.gross_minor:
        return 0
    due = line.fee_minor * line.refunded_minor // line.gross_minor
    return due - line.fee_credited_minor
