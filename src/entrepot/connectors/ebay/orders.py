"""eBay's orders in our words: pure and total. What cannot be read is Malformed or Unrecognised, never a crash.

An order is one basket and one leg. A price is the whole line after discounts; tax is what the seller collects: what eBay
collects and remits is neither ours nor in any sum. Where eBay converted, all amounts are in the currency it converted to.
"""

from datetime import datetime

from entrepot.connectors.ebay import shapes
from entrepot.connectors.ebay.statement import US, amount_of
from entrepot.connectors.ebay.words import (
    CANCEL_IN_PROGRESS,
    CANCEL_STATES,
    CANCELED,
    LEG_BY_FULFILMENT,
    LINE_BY_FULFILMENT,
    NONE_REQUESTED,
    NOT_PAID,
    PAID,
)
from entrepot.connectors.reading import Unreadable, instant, maybe_instant, total, typed
from entrepot.kernel.outcome import Unrecognised
from entrepot.trade.order.model import LineSeen, OrderSeen
from entrepot.trade.order.states import LegState, LineState

REFUNDED_WHOLE = "FULLY_REFUNDED"


@total
def order(body: bytes) -> OrderSeen:
    """One order (getOrders, getOrder)."""
    seen = typed(body, shapes.Order)
    if not seen.lineItems:
        raise Unreadable("an order without lines", "$.lineItems")
    state = leg_state(seen)
    currency = seen.lineItems[0].lineItemCost.currency
    lines = tuple(_line(line, n, state, currency) for n, line in enumerate(seen.lineItems))
    due = [line.ship_due_at for line in lines if line.ship_due_at and line.shipped_qty != line.quantity]
    delivered = [
        at
        for n, line in enumerate(seen.lineItems)
        if (at := _instructed(line, n, "maxEstimatedDeliveryDate")) is not None
    ]
    return OrderSeen(
        order_id=seen.orderId,
        commercial_id=seen.orderId,
        seller_id=US,
        seller_name=seen.sellerId or "",
        state=state,
        their_state="/".join(
            word for word in (seen.orderPaymentStatus, seen.orderFulfillmentStatus, _cancel(seen)) if word
        ),
        currency=currency,
        total_minor=sum(line.price_minor + line.shipping_minor + line.tax_minor for line in lines),
        lines=lines,
        created_at=instant(seen.creationDate, "$.creationDate"),
        updated_at=instant(seen.lastModifiedDate, "$.lastModifiedDate"),
        decided_at=None,
        ship_due_at=min(due, default=None),
        debited_at=_paid_at(seen),
        fulfilled_by="marketplace" if _fulfilled_by(seen) == "EBAY" else "seller",
        deliver_due_at=min(delivered, default=None),
        market=next(
            (word for line in seen.lineItems if (word := line.listingMarketplaceId or line.purchaseMarketplaceId)), ""
        ),
        cancel_asked=_cancel(seen) == CANCEL_IN_PROGRESS,
    )


def _cancel(seen: shapes.Order) -> str:
    """Their word, where there is something to say."""
    word = (seen.cancelStatus.cancelState if seen.cancelStatus else None) or NONE_REQUESTED
    return "" if word == NONE_REQUESTED else word


def _fulfilled_by(seen: shapes.Order) -> str:
    program = seen.program.fulfillmentProgram if seen.program else None
    return (program.fulfilledBy if program else None) or ""


def leg_state(seen: shapes.Order) -> LegState | Unrecognised:
    """Cancelled before paid before shipped. Nothing is sent for money that is wholly given back [guess]."""
    if (_cancel(seen) or NONE_REQUESTED) not in CANCEL_STATES:
        return Unrecognised("cancelState", _cancel(seen))
    if _cancel(seen) == CANCELED:
        return LegState.CANCELLED
    if seen.orderPaymentStatus in NOT_PAID:
        return LegState.ON_HOLD
    if seen.orderPaymentStatus not in PAID:
        return Unrecognised("orderPaymentStatus", seen.orderPaymentStatus)
    state = LEG_BY_FULFILMENT.get(seen.orderFulfillmentStatus)
    if state is None:
        return Unrecognised("orderFulfillmentStatus", seen.orderFulfillmentStatus)
    if state is LegState.TO_SHIP and seen.orderPaymentStatus == REFUNDED_WHOLE:
        return LegState.CANCELLED
    return state


def _line_state(word: str, leg: LegState | Unrecognised) -> LineState | Unrecognised:
    if leg is LegState.CANCELLED:
        return LineState.CANCELLED
    if leg is LegState.ON_HOLD:
        return LineState.ON_HOLD
    return LINE_BY_FULFILMENT.get(word) or Unrecognised("lineItemFulfillmentStatus", word)


def _line(line: shapes.OrderLine, n: int, leg: LegState | Unrecognised, currency: str) -> LineSeen:
    where = f"$.lineItems[{n}]"
    cost = line.discountedLineItemCost or line.lineItemCost
    price = _in(cost, currency, f"{where}.lineItemCost")
    delivery = line.deliveryCost or shapes.DeliveryCost()
    shipping = sum(
        _in(part, currency, f"{where}.deliveryCost") for part in (delivery.shippingCost, delivery.handlingCost) if part
    )
    tax = sum(_in(one.amount, currency, f"{where}.taxes") for one in line.taxes or () if one.amount)
    if line.quantity < 1 or price < 0 or shipping < 0 or tax < 0:
        raise Unreadable("a line needs a positive quantity and amounts that are not negative", where)
    state = _line_state(line.lineItemFulfillmentStatus, leg)
    counted = {"NOT_STARTED": 0, "FULFILLED": line.quantity}
    return LineSeen(
        order_line_id=line.lineItemId,
        offer_id=line.legacyItemId or "",
        sku=line.sku or "",
        title=line.title or "",
        category="",
        quantity=line.quantity,
        price_minor=price,
        shipping_minor=shipping,
        tax_minor=tax,
        commission_minor=0,  # the finances interface says it, not the order
        commission_tax_minor=0,
        state=state,
        their_state=line.lineItemFulfillmentStatus,
        cancelled_qty=line.quantity if state is LineState.CANCELLED else 0,
        shipped_qty=counted.get(line.lineItemFulfillmentStatus),  # of a line half sent, the order counts nothing
        ship_due_at=_instructed(line, n, "shipByDate"),
    )


def _in(amount: shapes.Amount, currency: str, where: str) -> int:
    """Errors: Unreadable when an order speaks in two currencies."""
    if amount.currency != currency:
        raise Unreadable(f"{amount.currency} in an order in {currency}", where)
    return amount_of(amount, where)


def _instructed(line: shapes.OrderLine, n: int, name: str) -> datetime | None:
    told = line.lineItemFulfillmentInstructions
    return maybe_instant(
        getattr(told, name) if told else None, f"$.lineItems[{n}].lineItemFulfillmentInstructions.{name}"
    )


def _paid_at(seen: shapes.Order) -> datetime | None:
    payments = (seen.paymentSummary.payments if seen.paymentSummary else None) or []
    told = [at for one in payments if (at := maybe_instant(one.paymentDate, "$.paymentSummary.payments"))]
    return max(told, default=None) if seen.orderPaymentStatus in PAID else None
