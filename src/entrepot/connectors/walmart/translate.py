"""Walmart's orders, returns, items and feeds in our words: pure and total.

A line has no state of its own but units by status ("1 Shipped, 1 Cancelled"); an order has none at all: its lines make it.
[guess] a charge is for the whole line, not for one unit of it. Tax comes on top of a price.
"""

from datetime import UTC, datetime

from entrepot.connectors.reading import UnknownWord, Unreadable, instant, maybe_instant, minor, sortable, total, typed
from entrepot.connectors.walmart import shapes, words
from entrepot.connectors.walmart.units import Counted, counted, when, whole
from entrepot.kernel.outcome import Unrecognised
from entrepot.trade.listing.model import Issue, ItemResult, ListingSeen, SubmissionSeen
from entrepot.trade.order.model import ChannelRefundSeen, Hint, LineSeen, OrderSeen, ReturnSeen
from entrepot.trade.order.states import LegState, LineState

NOT_SAID = datetime(1970, 1, 1, tzinfo=UTC)  # they name no date: the message's own arrival is the best there is
PRODUCT, SHIPPING = "PRODUCT", "SHIPPING"
OUR_MARK = "entrepot "  # before our own number of a refund, in its comment: nothing else says whose it was


@total
def order(body: bytes) -> OrderSeen:
    """One purchase order: the part of a customer's order that is ours."""
    seen = typed(body, shapes.Order)
    return order_seen(seen)


def order_seen(seen: shapes.Order) -> OrderSeen:
    """Errors: Unreadable, UnknownWord."""
    if not seen.orderLines.orderLine:
        raise Unreadable("an order without lines", "$.orderLines.orderLine")
    info = seen.shippingInfo or shapes.ShippingInfo()
    ship_by = when(info.estimatedShipDate, "$.shippingInfo.estimatedShipDate") if info.estimatedShipDate else None
    currency = _currency(seen)
    lines = tuple(_line(line, currency, ship_by, n) for n, line in enumerate(seen.orderLines.orderLine))
    placed_at = when(seen.orderDate, "$.orderDate")
    changes = [when(line.statusDate, "$.statusDate") for line in seen.orderLines.orderLine if line.statusDate]
    return OrderSeen(
        order_id=seen.purchaseOrderId,
        commercial_id=seen.customerOrderId,
        seller_id="us",
        seller_name="",
        state=_leg_state(lines, [counted(line, n) for n, line in enumerate(seen.orderLines.orderLine)]),
        their_state=", ".join(sorted({line.their_state for line in lines})),
        currency=currency,
        total_minor=sum(line.price_minor + line.shipping_minor + line.tax_minor for line in lines),
        lines=lines,
        created_at=placed_at,
        updated_at=max([placed_at, *changes]),
        decided_at=None,
        ship_due_at=ship_by,
        debited_at=None,
        tracking=_tracking(seen),
        carrier=_carrier(seen),
        fulfilled_by=_fulfilled_by(seen),
        deliver_due_at=when(info.estimatedDeliveryDate, "$.shippingInfo.estimatedDeliveryDate")
        if info.estimatedDeliveryDate
        else None,
        market=seen.mart or "",
        cancel_asked=any(_asked(line) for line in seen.orderLines.orderLine),
    )


def _currency(seen: shapes.Order) -> str:
    """Of all charges of an order. Errors: Unreadable when they differ, or when there is none to tell it."""
    found = {
        charge.chargeAmount.currency
        for line in seen.orderLines.orderLine
        for charge in (line.charges or shapes.Charges()).charge
    }
    if len(found) != 1:
        raise Unreadable(f"an order in {len(found)} currencies", "$.orderLines.orderLine[0].charges")
    return found.pop()


def _fulfilled_by(seen: shapes.Order) -> str:
    """Errors: UnknownWord: who has to ship decides whose duty it is."""
    word = seen.shipNode.type if seen.shipNode else None
    if word is None:
        return "seller"
    if word not in words.FULFILLED_BY:
        raise UnknownWord("shipNode.type", word)
    return words.FULFILLED_BY[word]


def _asked(line: shapes.OrderLine) -> bool:
    """The buyer wants a line cancelled. [guess] anything said but "false" means that he does."""
    return bool(line.intentToCancel) and str(line.intentToCancel).casefold() != "false"


def _line(line: shapes.OrderLine, currency: str, ship_by: datetime | None, n: int) -> LineSeen:
    where = f"$.orderLines.orderLine[{n}]"
    units = counted(line, n)
    price, shipping, tax = _charged(line, currency, where)
    return LineSeen(
        order_line_id=str(line.lineNumber),
        offer_id=line.item.sku,
        sku=line.item.sku,
        title=line.item.productName or "",
        category="",
        quantity=units.quantity,
        price_minor=price,
        shipping_minor=shipping,
        tax_minor=tax,
        commission_minor=0,
        commission_tax_minor=0,
        state=_line_state(units),
        their_state="+".join(sorted(units.words)),
        cancelled_qty=units.cancelled,
        shipped_qty=units.shipped,
        ship_due_at=ship_by,
    )


def _charged(line: shapes.OrderLine, currency: str, where: str) -> tuple[int, int, int]:
    """Price, shipping and tax of a whole line. Errors: UnknownWord for a charge that belongs to neither."""
    sums = {PRODUCT: 0, SHIPPING: 0}
    tax = 0
    for charge in (line.charges or shapes.Charges()).charge:
        if charge.chargeType not in sums:
            raise UnknownWord("chargeType", charge.chargeType)
        sums[charge.chargeType] += minor(charge.chargeAmount.amount, currency, f"{where}.charges")
        if charge.tax is not None and charge.tax.taxAmount is not None:
            tax += minor(charge.tax.taxAmount.amount, currency, f"{where}.charges.tax")
    if min(*sums.values(), tax) < 0:
        raise Unreadable("a line needs amounts that are not negative", f"{where}.charges")
    return sums[PRODUCT], sums[SHIPPING], tax


def _line_state(units: Counted) -> LineState | Unrecognised:
    if units.unknown:
        return Unrecognised("orderLineStatus.status", units.unknown[0])
    living = units.words - {words.CANCELLED}
    if not living:
        return LineState.CANCELLED
    if words.CREATED in living:
        return LineState.AWAITING_ACCEPTANCE
    if words.ACKNOWLEDGED in living:
        return LineState.TO_SHIP
    if living == {words.REFUNDED}:
        return LineState.REFUNDED
    return LineState.SHIPPED if words.SHIPPED in living else LineState.DELIVERED


def _leg_state(lines: tuple[LineSeen, ...], units: list[Counted]) -> LegState | Unrecognised:
    """What the units of all lines say together. All that lives refunded: nothing more happens, it is closed."""
    for line in lines:
        if isinstance(line.state, Unrecognised):
            return line.state
    living = [one for one in units if one.words - {words.CANCELLED}]
    if not living:
        return LegState.CANCELLED
    if any(one.open for one in living):
        if any(one.shipped for one in living):
            return LegState.PART_SHIPPED
        created = any(words.CREATED in one.words for one in living)
        return LegState.AWAITING_ACCEPTANCE if created else LegState.TO_SHIP
    left = frozenset().union(*(one.words for one in living)) - {words.CANCELLED}
    if left == {words.REFUNDED}:
        return LegState.CLOSED
    return LegState.SHIPPED if words.SHIPPED in left else LegState.DELIVERED


def _parcels(seen: shapes.Order) -> list[shapes.Tracking]:
    found = [
        status.trackingInfo
        for line in seen.orderLines.orderLine
        for status in line.orderLineStatuses.orderLineStatus
        if status.trackingInfo is not None
    ]
    return [parcel for parcel in found if parcel.trackingNumber]


def _tracking(seen: shapes.Order) -> str:
    return next((parcel.trackingNumber or "" for parcel in _parcels(seen)), "")


def _carrier(seen: shapes.Order) -> str:
    names = [parcel.carrierName for parcel in _parcels(seen) if parcel.carrierName is not None]
    return next((name.otherCarrier or name.carrier or "" for name in names), "")


@total
def refund(body: bytes) -> ChannelRefundSeen:
    """Money that went back on one line. Ours is what carries our mark; what a person refunds in Seller Center is the channel's."""
    seen = typed(body, shapes.RefundOfLine)
    charges = (seen.refund.refundCharges or shapes.RefundCharges()).refundCharge
    if not charges:
        raise Unreadable("a refund without charges", "$.refund.refundCharges")
    currency = charges[0].charge.chargeAmount.currency
    amount = -sum(refunded_minor(charge, currency) for charge in charges)
    if amount < 0:
        raise Unreadable("a refund that takes money from the buyer", "$.refund.refundCharges")
    return ChannelRefundSeen(
        refund_id=seen.refund.refundId or f"{seen.purchaseOrderId}-{seen.lineNumber}-{seen.number}",
        order_id=seen.purchaseOrderId,
        order_line_id=str(seen.lineNumber),
        amount_minor=amount,
        currency=currency,
        by="seller" if (seen.refund.refundComments or "").startswith(OUR_MARK) else "channel",
        reason=charges[0].refundReason,
        at=when(seen.at, "$.at"),
    )


def refunded_minor(charge: shapes.RefundCharge, currency: str) -> int:
    """One charge of a refund with its tax: negative. Errors: Unreadable."""
    where = "$.refund.refundCharges"
    if charge.charge.chargeAmount.currency != currency:
        raise Unreadable("a refund in two currencies", where)
    tax = charge.charge.tax.taxAmount if charge.charge.tax else None
    return minor(charge.charge.chargeAmount.amount, currency, where) + minor(
        tax.amount if tax else None, currency, where
    )


@total
def return_order(body: bytes) -> ReturnSeen:
    """One return of a customer. It may hold lines of several of our orders: then nobody knows to which it belongs."""
    seen = typed(body, shapes.ReturnOrder)
    lines = seen.returnOrderLines
    orders = {line.purchaseOrderId for line in lines}
    if len(orders) != 1:
        raise Unreadable(f"a return of {len(orders)} orders", "$.returnOrderLines")
    quantities: dict[str, int] = {}
    for n, line in enumerate(lines):
        number = str(line.purchaseOrderLineNumber)
        units = whole(line.quantity.measurementValue, f"$.returnOrderLines[{n}].quantity")
        quantities[number] = quantities.get(number, 0) + units
    created = instant(seen.returnOrderDate, "$.returnOrderDate")
    moved = [at for line in lines if (at := maybe_instant(line.statusTime, "$.returnOrderLines.statusTime"))]
    return ReturnSeen(
        return_id=seen.returnOrderId,
        order_id=orders.pop(),
        their_state="+".join(sorted({line.status for line in lines})),
        state=_return_state(lines),
        reason=next((line.returnReason for line in lines if line.returnReason), ""),
        created_at=created,
        updated_at=max([created, *moved]),
        lines=quantities,
    )


def _return_state(lines: list[shapes.ReturnLine]) -> str | Unrecognised:
    """The least far of its lines: a return is over when all of it is."""
    order = ("requested", "in-transit", "received", "refunded", "cancelled")
    found = []
    for line in lines:
        word = _line_of_return(line)
        if isinstance(word, Unrecognised):
            return word
        found.append(word)
    return min(found, key=order.index)


def _line_of_return(line: shapes.ReturnLine) -> str | Unrecognised:
    tags = {event.eventTag for event in line.returnTrackingDetail or ()}
    if line.status == words.COMPLETED:
        return "cancelled" if words.CANCELLED_TAG in tags else "refunded"
    state = words.RETURN_BY_STATUS.get(line.status)
    if state is None:
        return Unrecognised("returnOrderLine.status", line.status)
    return "in-transit" if state == "requested" and words.IN_TRANSIT_TAG in tags else state


@total
def item(body: bytes) -> ListingSeen:
    """One item of ours. The list names no stock."""
    whole = typed(body, shapes.SeenItem)
    seen = whole.item
    price = seen.price
    return ListingSeen(
        sku=seen.sku,
        state=words.listing_state(seen.publishedStatus, seen.lifecycleStatus),
        their_state="/".join(filter(None, (seen.publishedStatus, seen.lifecycleStatus))),
        updated_at=instant(whole.seenAt, "$.seenAt"),
        their_id=seen.wpid or "",
        product_type=seen.productType or "",
        price_minor=None if price is None else minor(price.amount, price.currency, "$.item.price.amount"),
        currency="" if price is None else price.currency,
        issues=tuple(Issue("UNPUBLISHED", reason) for reason in (seen.unpublishedReasons or shapes.Reasons()).reason),
    )


@total
def submission(body: bytes) -> SubmissionSeen:
    """One feed: the second level (batch), and once it is worked off the third (its items)."""
    seen = typed(body, shapes.Submission)
    feed = seen.feed
    results = tuple(_result(one, n) for n, one in enumerate(seen.items) if one.ingestionStatus != words.ITEM_PENDING)
    state = words.SUBMISSION_BY_STATUS.get(feed.feedStatus) or Unrecognised("feedStatus", feed.feedStatus)
    return SubmissionSeen(
        submission_id=feed.feedId,
        state=state,
        their_state=feed.feedStatus,
        updated_at=feed_changed_at(feed) or NOT_SAID,
        kind=feed.feedType,
        items=feed.itemsReceived,
        rejected=sum(1 for result in results if not result.accepted) or feed.itemsFailed,
        results=results,
    )


def feed_changed_at(feed: shapes.FeedHead) -> datetime | None:
    stamp = feed.modifiedDtm or feed.feedDate
    return when(stamp, "$.feed.modifiedDtm") if stamp else None


def _result(one: shapes.FeedItem, n: int) -> ItemResult:
    """Errors: UnknownWord: a word that is neither success nor a known error decides nothing."""
    if one.ingestionStatus == words.ITEM_ACCEPTED:
        return ItemResult(key=_key(one, n), accepted=True)
    if one.ingestionStatus not in words.ITEM_REJECTED:
        raise UnknownWord("ingestionStatus", one.ingestionStatus)
    errors = (one.ingestionErrors.ingestionError if one.ingestionErrors else None) or []
    first = errors[0] if errors else shapes.IngestionError()
    return ItemResult(
        key=_key(one, n),
        accepted=False,
        code=first.code or one.ingestionStatus,
        message="; ".join(error.description or error.code or "" for error in errors),
        attribute=first.field or "",
    )


def _key(one: shapes.FeedItem, n: int) -> str:
    if not one.sku:
        raise Unreadable("an item of a feed without its sku", f"$.items[{n}].sku")
    return one.sku


@total
def hint(body: bytes) -> Hint:
    """Something of ours changed there."""
    seen = typed(body, shapes.HintRecord)
    return Hint(seen.kind, seen.external_id)


def revision_of(stamps: list[datetime]) -> str:
    """The newest of them, as text that sorts as time does; '' for none."""
    return sortable(max(stamps)) if stamps else ""
