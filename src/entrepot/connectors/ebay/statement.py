"""eBay's payouts and transactions in our words: what a transaction says, taken apart so that its parts sum to it exactly.

A sale is booked net: the buyer's money less eBay's fees. The parts are the two sides, line by line, where their sums
agree with the booked amount; a transaction whose sums do not agree stays whole. `bookingEntry` gives the sign.
"""

from dataclasses import dataclass
from decimal import Decimal

from entrepot.connectors.ebay import shapes
from entrepot.connectors.ebay.words import BOOKING, LINE_BY_TYPE, PAYOUT_BY_STATUS, SIDES
from entrepot.connectors.reading import UnknownWord, Unreadable, as_text, instant, minor, total, typed
from entrepot.money.settlement.model import Author, CycleSeen, LineType, StatementLineSeen
from entrepot.trade.order.model import ChannelRefundSeen

CYCLE_KIND = "ebay-payout"
US = "us"
WHOLE = ""
FEE = "FEE"
OF_REFUND = frozenset({"REFUND_ID"})
CHANNELS_OWN = frozenset({"CASE_ID", "INQUIRY_ID", "PAYMENT_DISPUTE_ID"})  # such a refund is eBay's decision [guess]


@dataclass(frozen=True, slots=True)
class Part:
    """One thing a transaction says. Units: minor, signed as the seller sees it. `name`: empty for the whole."""

    name: str
    type: str
    line_type: LineType
    amount_minor: int
    order_line_id: str = ""

    def external_id(self, seen: shapes.Transaction) -> str:
        """Their ids are unique within a type and a side of the book only [guess]."""
        whole = f"{seen.transactionType}:{seen.bookingEntry}:{seen.transactionId}"
        return f"{whole}:{self.name}" if self.name else whole


def amount_of(amount: shapes.Amount, where: str) -> int:
    return minor(amount.value, amount.currency, where)


def parts_of(seen: shapes.Transaction) -> tuple[Part, ...]:
    """The parts of a transaction; they sum to its booked amount. Errors: UnknownWord, Unreadable."""
    if seen.bookingEntry not in BOOKING:
        raise UnknownWord("bookingEntry", seen.bookingEntry)
    sign = BOOKING[seen.bookingEntry]
    booked = sign * amount_of(seen.amount, "$.amount")
    sides = SIDES.get(seen.transactionType)
    if sides:
        for parts in (_by_line(seen, sign, sides), _in_total(seen, sign, sides)):
            if parts and sum(part.amount_minor for part in parts) == booked:
                return parts
    line = next((line.lineItemId for line in seen.orderLineItems or () if line.lineItemId), "")
    only = line if len(seen.orderLineItems or ()) == 1 else ""
    line_type = LINE_BY_TYPE.get((seen.transactionType, seen.bookingEntry), LineType.UNRECOGNISED)
    return (Part(WHOLE, seen.transactionType, line_type, booked, only or ""),)


def _by_line(seen: shapes.Transaction, sign: int, sides: tuple[LineType, LineType]) -> tuple[Part, ...]:
    """Basis and fees of each order line; empty when a line names none, or in another currency."""
    parts: list[Part] = []
    for n, line in enumerate(seen.orderLineItems or ()):
        where, basis, fees = f"$.orderLineItems[{n}]", line.feeBasisAmount, line.marketplaceFees or []
        if basis is None or {basis.currency, *(fee.amount.currency for fee in fees)} != {seen.amount.currency}:
            return ()
        of_line = line.lineItemId or ""
        gross = sign * amount_of(basis, f"{where}.feeBasisAmount")
        parts.append(Part(f"line:{n}", seen.transactionType, sides[0], gross, of_line))
        for m, fee in enumerate(fees):
            taken = -sign * amount_of(fee.amount, f"{where}.marketplaceFees[{m}].amount")
            parts.append(Part(f"line:{n}:fee:{m}", fee.feeType or FEE, sides[1], taken, of_line))
    return tuple(parts)


def _in_total(seen: shapes.Transaction, sign: int, sides: tuple[LineType, LineType]) -> tuple[Part, ...]:
    basis, fees = seen.totalFeeBasisAmount, seen.totalFeeAmount
    if basis is None or fees is None or {basis.currency, fees.currency} != {seen.amount.currency}:
        return ()
    gross = sign * amount_of(basis, "$.totalFeeBasisAmount")
    taken = -sign * amount_of(fees, "$.totalFeeAmount")
    return (Part("gross", seen.transactionType, sides[0], gross), Part("fee", FEE, sides[1], taken))


def reference_of(seen: shapes.Transaction, line_type: LineType) -> str:
    """The refund on refund lines, the payout on payments, else the first thing they refer to."""
    named = {one.referenceType: one.referenceId for one in seen.references or () if one.referenceId}
    if seen.transactionType == "REFUND":
        return next((named[word] or "" for word in OF_REFUND if word in named), seen.transactionId)
    if line_type is LineType.PAYMENT:
        return seen.payoutId or ""
    return next((value or "" for value in named.values()), "")


@total
def line(body: bytes) -> StatementLineSeen:
    """One part of a transaction (getTransactions)."""
    kept = typed(body, shapes.TransactionPart)
    seen = kept.transaction
    part = next((one for one in parts_of(seen) if one.name == kept.part), None)
    if part is None:
        raise Unreadable(f"the transaction has no part “{kept.part}”", "$.part")
    return StatementLineSeen(
        external_id=part.external_id(seen),
        type=seen.feeType or part.type if part.name == WHOLE else part.type,
        line_type=part.line_type,
        amount_minor=part.amount_minor,
        currency=seen.amount.currency,
        posted_at=instant(seen.transactionDate, "$.transaction.transactionDate"),
        cycle_id=seen.payoutId or "",
        seller_id=US,
        order_id=seen.orderId or "",
        order_line_id=part.order_line_id,
        reference=reference_of(seen, part.line_type),
        raw=as_text(body),
    )


@total
def refund(body: bytes) -> ChannelRefundSeen:
    """Money that went back to a buyer (a REFUND transaction): before fees where they say so; eBay-collected tax is not in it."""
    seen = typed(body, shapes.Transaction)
    if seen.transactionType != "REFUND":
        raise UnknownWord("transactionType", seen.transactionType)
    if not seen.orderId:
        raise Unreadable("a refund that names no order", "$.orderId")
    gross = seen.totalFeeBasisAmount
    given = gross if gross is not None and gross.currency == seen.amount.currency else seen.amount
    kinds = {one.referenceType for one in seen.references or ()}
    lines = seen.orderLineItems or []
    return ChannelRefundSeen(
        refund_id=reference_of(seen, LineType.REFUND_ORDER_AMOUNT),
        order_id=seen.orderId,
        order_line_id=(lines[0].lineItemId or "") if len(lines) == 1 else "",
        amount_minor=amount_of(given, "$.amount"),
        currency=given.currency,
        by="channel" if kinds & CHANNELS_OWN else "seller",
        reason=seen.transactionMemo or "",
        at=instant(seen.transactionDate, "$.transactionDate"),
    )


@total
def payout(body: bytes) -> CycleSeen:
    """One payout (getPayouts): the statement its transactions add up to."""
    seen = typed(body, shapes.Payout)
    if seen.payoutStatus not in PAYOUT_BY_STATUS:
        raise UnknownWord("payoutStatus", seen.payoutStatus)
    state, at = PAYOUT_BY_STATUS[seen.payoutStatus], instant(seen.payoutDate, "$.payoutDate")
    return CycleSeen(
        author=Author.MARKETPLACE,
        kind=CYCLE_KIND,
        external_id=seen.payoutId,
        currency=seen.amount.currency,
        their_total_minor=amount_of(seen.amount, "$.amount"),
        announced_at=at,
        seller_id=US,
        period_to=at,
        payout_state=state,
        payout_reference=seen.bankReference or "",
        failure_reason=(seen.payoutStatusDescription or seen.payoutStatus) if state == "failed" else "",
        summary=_summary(seen),
    )


def _summary(seen: shapes.Payout) -> dict[str, int]:
    """How many transactions they count, and what they converted from, in that currency's own minor units."""
    found = {} if seen.transactionCount is None else {"transactionCount": seen.transactionCount}
    value, currency = seen.amount.convertedFromValue, seen.amount.convertedFromCurrency
    if isinstance(value, Decimal) and currency:
        found[f"convertedFrom:{currency}"] = minor(value, currency, "$.amount.convertedFromValue")
    return found
