"""Mirakl's records in our words: pure and total. What cannot be read is Malformed or Unrecognised, never a crash.

Amounts come from the digits of the JSON, in the order's own currency. `order_tax_mode` says what a price means:
included, the tax is inside; excluded, it comes on top. Totals are our own sums over all lines: Mirakl's count living
lines only.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from entrepot.connectors.mirakl import shapes
from entrepot.connectors.mirakl.words import (
    PAYOUT_BY_STATE,
    REFUND_BY_STATE,
    TAX_EXCLUDED,
    TAX_INCLUDED,
    leg_state,
    line_state,
    return_state,
    shipment_state,
)
from entrepot.connectors.reading import UnknownWord, Unreadable, as_text, instant, maybe_instant, minor, total, typed
from entrepot.kernel.outcome import Unrecognised
from entrepot.money.settlement.model import Author, CycleSeen, LineType, StatementLineSeen, marketplace_line_type
from entrepot.trade.order.model import DebitAsked, LineSeen, OrderSeen, RefundSeen, ReturnSeen, ShipmentSeen
from entrepot.trade.order.states import LegState, LineState

NOT_SAID = datetime(1970, 1, 1, tzinfo=UTC)  # PA12 names no date: the message's own arrival is the best there is
CYCLE_KIND = "mirakl-cycle"


@dataclass(frozen=True, slots=True)
class ShopSeen:
    """A seller as the marketplace keeps him. Words are theirs: nothing is decided by them yet."""

    shop_id: str
    name: str
    their_state: str
    kyc_state: str
    payment_blocked: bool
    currency: str
    updated_at: datetime


@total
def order(body: bytes) -> OrderSeen:
    """One order (OR11, OR12, OR01): a leg of ours at one revision."""
    seen = typed(body, shapes.Order)
    on_top = _tax_on_top(seen)
    lines = tuple(_line(line, seen, n, on_top) for n, line in enumerate(seen.order_lines))
    if not lines:
        raise Unreadable("an order without lines", "$.order_lines")
    return OrderSeen(
        order_id=seen.order_id,
        commercial_id=seen.commercial_id,
        seller_id=str(seen.shop_id),
        seller_name=seen.shop_name or "",
        state=_leg_state(seen.order_state, lines),
        their_state=seen.order_state,
        currency=seen.currency_iso_code,
        total_minor=sum(line.price_minor + line.shipping_minor + line.tax_minor for line in lines),
        lines=lines,
        created_at=instant(seen.created_date, "$.created_date"),
        updated_at=instant(seen.last_updated_date, "$.last_updated_date"),
        decided_at=maybe_instant(seen.acceptance_decision_date, "$.acceptance_decision_date"),
        ship_due_at=maybe_instant(seen.shipping_deadline, "$.shipping_deadline"),
        debited_at=maybe_instant(seen.customer_debited_date, "$.customer_debited_date"),
        carrier=seen.shipping_company or seen.shipping_carrier_code or "",
        tracking=seen.shipping_tracking or "",
        has_incident=bool(seen.has_incident),
        payment_workflow=seen.payment_workflow or "",
    )


def _leg_state(word: str, lines: tuple[LineSeen, ...]) -> LegState | Unrecognised:
    """Mirakl names no partial states: the lines do."""
    state = leg_state(word)
    if state is LegState.ACCEPTED and any(line.state is LineState.REFUSED for line in lines):
        return LegState.PART_ACCEPTED
    if state is LegState.TO_SHIP and any(line.state is LineState.SHIPPED for line in lines):
        return LegState.PART_SHIPPED
    return state


def _tax_on_top(seen: shapes.Order) -> bool:
    """Errors: UnknownWord, since every amount would mean something else. Nothing said is what Mirakl's default is."""
    mode = seen.order_tax_mode or TAX_INCLUDED
    if mode not in (TAX_INCLUDED, TAX_EXCLUDED):
        raise UnknownWord("order_tax_mode", mode)
    return mode == TAX_EXCLUDED


def _taxes(lists: tuple[list[shapes.Tax] | None, ...], currency: str, where: str) -> int:
    return sum(minor(tax.amount, currency, where) for taxes in lists for tax in taxes or ())


def _line(line: shapes.OrderLine, seen: shapes.Order, n: int, on_top: bool) -> LineSeen:
    where, currency = f"$.order_lines[{n}]", seen.currency_iso_code
    price = minor(line.price, currency, f"{where}.price")
    shipping = minor(line.shipping_price, currency, f"{where}.shipping_price")
    if line.quantity < 1 or price < 0 or shipping < 0:
        raise Unreadable("a line needs a positive quantity and amounts that are not negative", where)
    return LineSeen(
        order_line_id=line.order_line_id,
        offer_id=str(line.offer_id),
        sku=line.offer_sku or "",
        title=line.product_title or "",
        category=line.category_code or "",
        quantity=line.quantity,
        price_minor=price,
        shipping_minor=shipping,
        tax_minor=_taxes((line.taxes, line.shipping_taxes), currency, f"{where}.taxes") if on_top else 0,
        commission_minor=minor(line.commission_fee, currency, f"{where}.commission_fee"),
        commission_tax_minor=minor(line.commission_vat, currency, f"{where}.commission_vat"),
        state=line_state(line.order_line_state),
        their_state=line.order_line_state,
        refunds=_refunds(line, seen, where, on_top) if line.refunds else (),
        cancelled_qty=sum(one.quantity or 0 for one in line.cancelations) if line.cancelations else 0,
    )


def _refunds(line: shapes.OrderLine, seen: shapes.Order, where: str, on_top: bool) -> tuple[RefundSeen, ...]:
    return tuple(
        _refund(refund, seen, line, f"{where}.refunds[{m}]", on_top) for m, refund in enumerate(line.refunds or ())
    )


def _refund(refund: shapes.Refund, seen: shapes.Order, line: shapes.OrderLine, where: str, on_top: bool) -> RefundSeen:
    currency = seen.currency_iso_code
    word = refund.refund_state or refund.state or ""
    if word not in REFUND_BY_STATE:
        raise UnknownWord("refund_state", word)
    shipping = minor(refund.shipping_amount, currency, f"{where}.shipping_amount")
    tax = _taxes((refund.taxes, refund.shipping_taxes), currency, f"{where}.taxes") if on_top else 0
    return RefundSeen(
        refund_id=str(refund.id),
        order_id=seen.order_id,
        order_line_id=line.order_line_id,
        amount_minor=minor(refund.amount, currency, f"{where}.amount") + shipping + tax,
        shipping_minor=shipping,
        commission_minor=minor(refund.commission_amount, currency, f"{where}.commission_amount"),
        commission_tax_minor=minor(refund.commission_tax_amount, currency, f"{where}.commission_tax_amount"),
        currency=currency,
        reason=refund.reason_code or "",
        state=REFUND_BY_STATE[word],
        asked_at=instant(refund.created_date, f"{where}.created_date"),
    )


@total
def debit(body: bytes) -> DebitAsked:
    """One order of PA11: charge the buyer this much."""
    asked = typed(body, shapes.Debit)
    currency = asked.currency_iso_code
    lines = {
        line.order_line_id: minor(line.order_line_amount, currency, f"$.order_lines.order_line[{n}].order_line_amount")
        for n, line in enumerate(asked.order_lines.order_line)
    }
    amount = minor(asked.amount, currency, "$.amount")
    if amount <= 0:
        raise Unreadable("a debit of nothing or less", "$.amount")
    return DebitAsked(asked.order_id, asked.order_commercial_id, str(asked.customer_id), amount, currency, lines)


@total
def refund(body: bytes) -> RefundSeen:
    """One refund of PA12. The list says neither shipping part nor commission nor date: the order does."""
    asked = typed(body, shapes.RefundAsked)
    amount = minor(asked.refund.amount, asked.currency_iso_code, "$.refund.amount")
    if amount <= 0:
        raise Unreadable("a refund of nothing or less", "$.refund.amount")
    return RefundSeen(
        refund_id=str(asked.refund.id),
        order_id=asked.order_id,
        order_line_id=asked.order_line_id,
        amount_minor=amount,
        shipping_minor=0,
        commission_minor=0,
        commission_tax_minor=0,
        currency=asked.currency_iso_code,
        reason=asked.refund.reason_code or "",
        state="asked",
        asked_at=NOT_SAID,
    )


@total
def return_file(body: bytes) -> ReturnSeen:
    """One return (RT11)."""
    seen = typed(body, shapes.Return)
    quantities: dict[str, int] = {}
    for line in seen.return_lines:
        quantities[line.order_line_id] = quantities.get(line.order_line_id, 0) + line.quantity
    return ReturnSeen(
        return_id=seen.id,
        order_id=seen.order_id,
        their_state=seen.state,
        state=return_state(seen.state, bool(seen.tracking and seen.tracking.tracking_number)),
        reason=seen.reason_code or "",
        created_at=instant(seen.date_created, "$.date_created"),
        updated_at=instant(seen.last_updated, "$.last_updated"),
        lines=quantities,
    )


@total
def shipment(body: bytes) -> ShipmentSeen:
    """One parcel (ST11)."""
    seen = typed(body, shapes.Shipment)
    tracking = seen.tracking or shapes.Tracking()
    return ShipmentSeen(
        shipment_id=seen.id,
        order_id=seen.order_id,
        their_state=seen.status,
        state=shipment_state(seen.status),
        carrier=tracking.carrier_name or tracking.carrier_code or "",
        tracking=tracking.tracking_number or "",
        shipped_at=maybe_instant(seen.shipped_date, "$.shipped_date"),
        updated_at=instant(seen.last_updated_date, "$.last_updated_date"),
    )


@total
def cycle(body: bytes) -> CycleSeen:
    """One seller's billing cycle (SBC11). Without a voucher nothing is paid: the balance is carried over."""
    seen = typed(body, shapes.Cycle)
    currency, pay_out = seen.currency_iso_code, seen.pay_out or shapes.PayOut()
    if pay_out.state and pay_out.state not in PAYOUT_BY_STATE:
        raise UnknownWord("pay_out.state", pay_out.state)
    operator = seen.amount_transferred_to_operator
    return CycleSeen(
        author=Author.MARKETPLACE,
        kind=CYCLE_KIND,
        external_id=seen.id,
        currency=currency,
        their_total_minor=minor(seen.amount_transferred_to_seller, currency, "$.amount_transferred_to_seller"),
        announced_at=instant(seen.date_created, "$.date_created"),
        seller_id=str(seen.shop.shop_id),
        voucher=seen.payment_voucher_number or "",
        period_to=instant(seen.date_created, "$.date_created"),
        operator_minor=None if operator is None else minor(operator, currency, "$.amount_transferred_to_operator"),
        payout_state=PAYOUT_BY_STATE.get(pay_out.state or "", ""),
        payout_reference=pay_out.reference or "",
        failure_reason=pay_out.failure_reason or "",
        summary={
            name: minor(amount, currency, f"$.summary.{name}")
            for name, amount in (seen.summary or {}).items()
            if amount is not None
        },
    )


@total
def transaction(body: bytes) -> StatementLineSeen:
    """One line of the transaction log (TL02): credited less debited, as the seller sees it."""
    seen = typed(body, shapes.LogLine)
    entities = seen.entities or shapes.Entities()
    line_type = marketplace_line_type(seen.type)
    return StatementLineSeen(
        external_id=seen.id,
        type=seen.type,
        line_type=line_type,
        amount_minor=_log_amount(seen),
        currency=seen.currency_iso_code,
        posted_at=instant(seen.date_created, "$.date_created"),
        cycle_id=seen.seller_billing_cycle_id or "",
        voucher=seen.payment_voucher_number or "",
        seller_id=str(seen.shop_id),
        order_id=entities.order.id if entities.order else "",
        order_line_id=str(entities.order_line.id) if entities.order_line else "",
        reference=_log_reference(seen, entities, line_type),
        raw=as_text(body),
    )


def _log_amount(seen: shapes.LogLine) -> int:
    """Errors: Unreadable when their two ways of saying it differ."""
    currency = seen.currency_iso_code
    if seen.amount_credited is None and seen.amount_debited is None and seen.amount is None:
        raise Unreadable("a transaction line without an amount", "$.amount")
    credited = minor(seen.amount_credited, currency, "$.amount_credited")
    debited = minor(seen.amount_debited, currency, "$.amount_debited")
    if seen.amount is None:
        return credited - debited
    amount = minor(seen.amount, currency, "$.amount")
    both = seen.amount_credited is not None and seen.amount_debited is not None
    if both and amount != credited - debited:
        raise Unreadable("“amount” is not what was credited less what was debited", "$.amount")
    return amount


def _log_reference(seen: shapes.LogLine, entities: shapes.Entities, line_type: LineType) -> str:
    """The refund on refund lines, the voucher on payments, the document on manual ones."""
    if entities.refund:
        return str(entities.refund.id)
    if line_type is LineType.PAYMENT:
        number = entities.transaction_info.number if entities.transaction_info else None
        return seen.payment_voucher_number or number or ""
    if entities.order:
        return ""
    document = entities.manual_accounting_document
    return (document.number if document else None) or seen.accounting_document_number or ""


@total
def shop(body: bytes) -> ShopSeen:
    """One seller (S20)."""
    seen = typed(body, shapes.Shop)
    return ShopSeen(
        shop_id=str(seen.shop_id),
        name=seen.shop_name,
        their_state=seen.shop_state,
        kyc_state=(seen.kyc.status if seen.kyc else None) or "",
        payment_blocked=bool(seen.payment_details and seen.payment_details.payment_blocked),
        currency=seen.currency_iso_code or "",
        updated_at=instant(seen.last_updated_date, "$.last_updated_date"),
    )


TRANSLATORS = {
    "order": order,
    "debit": debit,
    "refund": refund,
    "return": return_file,
    "shipment": shipment,
    "cycle": cycle,
    "transaction": transaction,
    "shop": shop,
}
