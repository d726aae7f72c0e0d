"""Cancel and refund: both go by feed, for there is no call that does them.

An order that is cancelled whole is acknowledged with StatusCode Failure. Failure speaks of the whole order whatever items it
names, so pieces of it are cancelled by an adjustment instead. Before anything is sent the order is looked at: what is
cancelled already needs no feed.
"""

from datetime import datetime, timedelta

import msgspec

from entrepot.connectors.amazon import order_shapes as shapes
from entrepot.connectors.amazon.feed_xml import Node
from entrepot.connectors.amazon.feeds import (
    FEEDS,
    SUBMISSION_ID,
    Feed,
    FeedShape,
    Message,
    Sought,
    report_of,
)
from entrepot.connectors.amazon.lists import stamp
from entrepot.connectors.amazon.order_sources import order_path
from entrepot.connectors.amazon.order_writes import OTHERWISE
from entrepot.connectors.amazon.transactions import refunds_of
from entrepot.connectors.amazon.wire import SELLER, Wire
from entrepot.connectors.amazon.words import ADJUSTMENT_REASON, ANY_ADJUSTMENT, CANCEL_REASON, OVER
from entrepot.connectors.exchange import Call, Good, unfinished, unread
from entrepot.connectors.port import Detail, Problem
from entrepot.connectors.reading import Unreadable, elements, instant, typed
from entrepot.connectors.verbs import CancelLines, RefundLines
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.money import Money
from entrepot.kernel.outcome import Done, Later, NotThere, Outcome, ReadBack, Refused, Unknown

ACKNOWLEDGEMENT, ADJUSTMENT = "POST_ORDER_ACKNOWLEDGEMENT_DATA", "POST_PAYMENT_ADJUSTMENT_DATA"
FEED_TYPES = (ACKNOWLEDGEMENT, ADJUSTMENT)
LOOKED_BACK_S = 86_400.0  # where nobody kept when the lost call was made
CLOCKS_APART_S = 600.0
REPORTS_MAX = 3  # of one look: their ceiling lets one through in 45 s
NOTHING_DONE = frozenset({"FATAL", "CANCELLED"})  # of a feed: whosever it was, nothing of it was applied
CANCELLED, PENDING = "CANCELLED", frozenset({"PENDING", "PENDING_AVAILABILITY"})


# ── cancel ───────────────────────────────────────────────────────────────────────────────────────────────────


def cancel(wire: Wire) -> FeedShape[CancelLines]:
    def order_of(ctx: Ctx, payload: CancelLines, until: datetime) -> tuple[shapes.Order | Outcome, ReadBack, Detail]:
        """The order, or why not: as an outcome of a send, and of a look."""
        query = (("includedData", "FULFILLMENT,CANCELLATION"),)
        call = Call("GET", order_path(payload.order_id), query, until=until)
        answer, detail = wire.call(ctx, SELLER, call)
        if not isinstance(answer, Good):
            failed = unfinished(answer)
            return Later(failed.why) if isinstance(failed, Unknown) else failed, unread(answer), detail
        try:
            order = typed(typed(answer.response.body, shapes.OneOrder).order, shapes.Order)
        except Unreadable as error:
            why = f"the order cannot be read: {error.what}"
            return Later(why), Unknown(why), detail
        return order, Unknown("it was not looked at"), detail

    def plan(ctx: Ctx, payload: CancelLines, until: datetime) -> tuple[Message | Outcome, Detail]:
        if not payload.lines:
            raise Unreadable("nothing to cancel", "$.lines")
        order, _, detail = order_of(ctx, payload, until)
        return (_cancelling(payload, order) if isinstance(order, shapes.Order) else order), detail

    def look(ctx: Ctx, payload: CancelLines, sought: Sought) -> tuple[ReadBack, Detail]:
        order, why_not, detail = order_of(ctx, payload, sought.until)
        if not isinstance(order, shapes.Order):
            return why_not, detail
        if _is_cancelled(payload, order):
            return _cancelled(payload), detail
        return NotThere(f"order {order.orderId} is {order.fulfillment.fulfillmentStatus}"), detail

    return FeedShape(CancelLines, plan, look)


def _cancelled(payload: CancelLines) -> Done:
    return Done({"order_id": payload.order_id})


def _gone_of(item: shapes.Item, order: shapes.Order) -> int:
    """Pieces of a line that were cancelled."""
    done = item.fulfillment or shapes.ItemFulfillment()
    if order.fulfillment.fulfillmentStatus == CANCELLED:
        return item.quantityOrdered - min(item.quantityOrdered, done.quantityFulfilled or 0)
    if done.quantityUnfulfilled is None:
        return 0
    return max(0, item.quantityOrdered - (done.quantityFulfilled or 0) - done.quantityUnfulfilled)


def _is_cancelled(payload: CancelLines, order: shapes.Order) -> bool:
    """Of each line at least as many pieces are gone as were to be cancelled. Their order does not say by which feed."""
    gone = {item.orderItemId: _gone_of(item, order) for item in order.orderItems}
    return all(gone.get(line.line_id, -1) >= line.quantity for line in payload.lines)


def _cancelling(payload: CancelLines, order: shapes.Order) -> Message | Outcome:
    items = {item.orderItemId: item for item in order.orderItems}
    unknown = [line.line_id for line in payload.lines if line.line_id not in items]
    if unknown:
        return Refused("unknown-line", f"order {order.orderId} has no line {', '.join(unknown)}", "lines")
    if order.fulfillment.fulfillmentStatus == CANCELLED:
        return _cancelled(payload)
    if order.fulfillment.fulfillmentStatus in PENDING:
        return Refused(OTHERWISE, f"order {order.orderId} is not payable yet: only the buyer can cancel it")
    wanted = {line.line_id: line.quantity for line in payload.lines}
    whole = all(_left(item) == wanted.get(item.orderItemId, 0) == item.quantityOrdered for item in order.orderItems)
    reason = CANCEL_REASON.get(payload.reason, CANCEL_REASON["other"])
    if whole:
        return Message(ACKNOWLEDGEMENT, "OrderAcknowledgement", _failure(payload, reason))
    too_many = [line_id for line_id, quantity in wanted.items() if quantity > _left(items[line_id])]
    if too_many:
        return Refused(OTHERWISE, f"less is open of {', '.join(too_many)} in order {order.orderId}", "lines")
    return Message(ADJUSTMENT, "OrderAdjustment", _pieces(payload, reason))


def _left(item: shapes.Item) -> int:
    left = item.fulfillment.quantityUnfulfilled if item.fulfillment else None
    return item.quantityOrdered if left is None else left


def _failure(payload: CancelLines, reason: str) -> Node:
    items = [
        Node("Item", children=[Node("AmazonOrderItemCode", line.line_id), Node("CancelReason", reason)])
        for line in payload.lines
    ]
    head = [Node("AmazonOrderID", payload.order_id)]
    if payload.our_number:
        head.append(Node("MerchantOrderID", payload.our_number))
    return Node("OrderAcknowledgement", children=[*head, Node("StatusCode", "Failure"), *items])


def _pieces(payload: CancelLines, reason: str) -> Node:
    """[guess] QuantityCancelled stands last, as in the old feed schema."""
    items = [
        Node(
            "AdjustedItem",
            children=[
                Node("AmazonOrderItemCode", line.line_id),
                Node("MerchantAdjustmentItemID", payload.cancellation),
                Node("AdjustmentReason", reason),
                Node("QuantityCancelled", str(line.quantity)),
            ],
        )
        for line in payload.lines
    ]
    return Node("OrderAdjustment", children=[Node("AmazonOrderID", payload.order_id), *items])


# ── refund ───────────────────────────────────────────────────────────────────────────────────────────────────


def refund(wire: Wire) -> FeedShape[RefundLines]:
    def plan(_ctx: Ctx, payload: RefundLines, _until: datetime) -> tuple[Message | Outcome, Detail]:
        return Message(ADJUSTMENT, "OrderAdjustment", _adjustment(payload)), {}

    def look(ctx: Ctx, payload: RefundLines, sought: Sought) -> tuple[ReadBack, Detail]:
        return _refund_found(ctx, wire, payload, sought)

    return FeedShape(RefundLines, plan, look)


def amount_of(payload: RefundLines) -> int:
    return sum(line.item_minor + line.shipping_minor + line.tax_minor for line in payload.lines)


def _adjustment(payload: RefundLines) -> Node:
    if not payload.lines or amount_of(payload) <= 0:
        raise Unreadable("nothing to give back", "$.lines")
    reason = ADJUSTMENT_REASON.get(payload.reason, ANY_ADJUSTMENT)
    items = []
    for line in payload.lines:
        parts = (("Principal", line.item_minor), ("Shipping", line.shipping_minor), ("Tax", line.tax_minor))
        components = [
            Node(
                "Component",
                children=[
                    Node("Type", name),
                    Node("Amount", Money(amount, payload.currency).text, attributes={"currency": payload.currency}),
                ],
            )
            for name, amount in parts
            if amount
        ]
        head = [
            Node("AmazonOrderItemCode", line.line_id),
            Node("MerchantAdjustmentItemID", payload.refund),
            Node("AdjustmentReason", reason),
        ]
        items.append(Node("AdjustedItem", children=[*head, Node("ItemPriceAdjustments", children=components)]))
    return Node("OrderAdjustment", children=[Node("AmazonOrderID", payload.order_id), *items])


class _Listed(msgspec.Struct):
    nextToken: str | None = None


def _refund_found(ctx: Ctx, wire: Wire, payload: RefundLines, sought: Sought) -> tuple[ReadBack, Detail]:
    """No feed of its kind: it was never made. One whose report names our message: it was refused, or taken with a warning.
    Their books name our number on a refund: it was made. Anything else stays unclear and is a person's: their list of feeds
    does not say what is in one, and another refund of the same amount proves nothing.
    """
    feeds, detail = _feeds_since(ctx, wire, sought)
    if not isinstance(feeds, list):
        return feeds, detail
    if not feeds:
        return NotThere("no feed of adjustments was made since"), detail
    working = [feed.feedId for feed in feeds if feed.processingStatus not in OVER]
    for feed in [feed for feed in feeds if feed.resultFeedDocumentId][:REPORTS_MAX]:
        told = report_of(ctx, wire, feed, sought.until)
        if isinstance(told, Problem):
            return Unknown(str(told)), detail
        for result in told.results if str(sought.number) in told.numbers else ():
            if not result.accepted:
                return Refused(result.code or "feed-refused", result.message, result.attribute or None), detail
            return Done({SUBMISSION_ID: feed.feedId}), detail
    if working:
        return Unknown(f"feed {', '.join(working)} is not worked off yet; its report will tell"), detail
    booked = refunds_of(ctx, wire, payload.order_id, sought.until)
    if isinstance(booked, Unknown):
        return booked, detail
    named = [one for one in booked if payload.refund in one.adjustments]
    if named:
        return Done({"refund_id": named[0].refund_id}), detail
    made = ", ".join(feed.feedId for feed in feeds)
    return Unknown(
        f"feed {made} was worked off, and nothing says whether it was ours; their books run up to 48 h behind"
    ), detail


def _feeds_since(ctx: Ctx, wire: Wire, sought: Sought) -> tuple[list[Feed] | ReadBack, Detail]:
    """Feeds of adjustments that may be ours, oldest first."""
    apart = timedelta(seconds=CLOCKS_APART_S)
    since = sought.asked_at - apart if sought.asked_at else ctx.clock.now() - timedelta(seconds=LOOKED_BACK_S)
    query = [("feedTypes", ADJUSTMENT), ("createdSince", stamp(since)), ("pageSize", "100")]
    if sought.asked_at:
        query.append(("createdUntil", stamp(min(sought.asked_at + apart, ctx.clock.now()))))
    answer, detail = wire.call(ctx, SELLER, Call("GET", FEEDS, tuple(query), until=sought.until))
    if not isinstance(answer, Good):
        return unread(answer), detail
    try:
        listed = [typed(raw, Feed) for raw in elements(answer.response.body, "feeds")]
        feeds = [feed for feed in listed if feed.processingStatus not in NOTHING_DONE]
        more = typed(answer.response.body, _Listed).nextToken
        feeds.sort(key=lambda feed: instant(feed.createdTime, "$.feeds.createdTime"))
    except Unreadable as error:
        return Unknown(f"what was found cannot be read: {error.what}"), detail
    if more:
        return Unknown("more feeds were made since than one page holds"), detail
    return feeds, detail
