"""Orders of channels where we are the seller: the same legs, decided by other rules. The channel charged the buyer; we accept, ship, or give up.

While an order is on hold (not payable yet) its lines and prices may still change; from then on they may not. Quantities are counted by the
channel and never go back.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from entrepot.kernel.ctx import Ctx
from entrepot.trade.order import rules
from entrepot.trade.order.book import Basket, Book, Leg, Line
from entrepot.trade.order.model import LineSeen, OrderSeen
from entrepot.trade.order.rules import Conflict
from entrepot.trade.order.service import Applied, move, settle_basket
from entrepot.trade.order.states import LOST, SHIPPED_OR_LATER, LegState, LineState

US = "us"  # the seller of every channel order
OPEN_LINE = frozenset({LineState.ON_HOLD, LineState.AWAITING_ACCEPTANCE})


@dataclass(frozen=True, slots=True)
class Channel:
    """What the account's connector and plan say of its orders. `scheme`: of the order's id."""

    account: str
    scheme: str


def apply_order(book: Book, ctx: Ctx, channel: Channel, seen: OrderSeen, because: str) -> Applied | Conflict | str:
    """Bring one channel order into the book. A string says why there is nothing to do."""
    conflict = rules.unknown_word(seen)
    if conflict:
        return conflict
    basket = book.baskets.get(seen.commercial_id) or _new_basket(book, ctx, channel, seen, because)
    leg = basket.legs.get(seen.order_id)
    revision = seen.updated_at.isoformat()
    was: LegState | None = None
    if leg is None:
        leg = _new_leg(ctx, basket, channel, seen)
        book.add_leg(basket, leg, channel.scheme)
        basket.ordered_minor += leg.ordered_minor
        book.tell(basket, leg, "leg seen", to_state=leg.state, by="marketplace", because=because, their_state=seen.their_state)  # fmt: skip
    else:
        was = leg.state
        if revision < leg.revision:
            return f"older than what is known (theirs {revision}, ours {leg.revision})"
        seen = _of_the_whole(leg, seen)
        assert isinstance(seen.state, LegState)
        conflict = _renewed(book, ctx, basket, leg, seen) or rules.immutable_conflict(basket, leg, seen)
        conflict = conflict or rules.may_move(leg, seen.state)
        if conflict:
            return conflict
        move(book, basket, leg, seen.state, by="marketplace", because=because)
    _take_over(book, basket, leg, seen, revision)
    settle_basket(book, basket, because=because)
    return Applied(basket, leg, was, found=was is None)


def _new_basket(book: Book, ctx: Ctx, channel: Channel, seen: OrderSeen, because: str) -> Basket:
    """What the buyer bought at once: one order, or several that share a purchase number."""
    basket = Basket(
        id=ctx.ids.new("bsk"),
        account=channel.account,
        commercial_id=seen.commercial_id,
        state="open",
        currency=seen.currency,
        ordered_minor=0,
        placed_at=seen.created_at,
        source="marketplace",
    )
    book.add_basket(basket)
    book.tell(basket, None, "basket bought", to_state="open", by="marketplace", because=because)
    return basket


def _new_leg(ctx: Ctx, basket: Basket, channel: Channel, seen: OrderSeen) -> Leg:
    leg_id = ctx.ids.new("leg")
    lines = {line.order_line_id: _line(leg_id, ctx.ids.new("lin"), line) for line in seen.lines}
    assert isinstance(seen.state, LegState)
    return Leg(
        id=leg_id,
        basket_id=basket.id,
        account=channel.account,
        order_id=seen.order_id,
        seller_id=US,
        seller_name="",
        state=seen.state,
        their_state=seen.their_state,
        currency=seen.currency,
        ordered_minor=sum(line.gross_minor for line in lines.values()),
        created_at=seen.created_at,
        fulfilled_by=seen.fulfilled_by,
        market=seen.market,
        lines=lines,
    )


def _line(leg_id: str, line_id: str, seen: LineSeen) -> Line:
    return Line(
        id=line_id,
        leg_id=leg_id,
        order_line_id=seen.order_line_id,
        offer_id=seen.offer_id,
        sku=seen.sku,
        title=seen.title,
        category=seen.category,
        quantity=seen.quantity,
        price_minor=seen.price_minor,
        shipping_minor=seen.shipping_minor,
        tax_minor=seen.tax_minor,
        commission_minor=seen.commission_minor,
        commission_tax_minor=seen.commission_tax_minor,
        their_state=seen.their_state,
    )


def _renewed(book: Book, ctx: Ctx, basket: Basket, leg: Leg, seen: OrderSeen) -> Conflict | None:
    """An order that was on hold shows its lines as they are now bought; none of them was promised to anybody yet."""
    if leg.state is not LegState.ON_HOLD:
        return None
    for line_seen in seen.lines:
        line = leg.lines.get(line_seen.order_line_id)
        if line is None:
            line = leg.lines[line_seen.order_line_id] = _line(leg.id, ctx.ids.new("lin"), line_seen)
            book.new_lines.add(line.id)
        line.quantity, line.price_minor = line_seen.quantity, line_seen.price_minor
        line.shipping_minor, line.tax_minor = line_seen.shipping_minor, line_seen.tax_minor
        book.touch(basket, leg, line)
    if gone := sorted(set(leg.lines) - {one.order_line_id for one in seen.lines}):
        return Conflict("duplicate-other-content", f"order {leg.order_id} came again without line {gone[0]}")
    ordered = sum(line.gross_minor for line in leg.lines.values())
    basket.ordered_minor += ordered - leg.ordered_minor
    leg.ordered_minor = ordered
    return None


def _of_the_whole(leg: Leg, seen: OrderSeen) -> OrderSeen:
    """Some channels show of a line in part cancelled what is left to pay; we hold what was bought. The same order, told otherwise."""
    return replace(seen, lines=tuple(_whole(leg.lines.get(one.order_line_id), one) for one in seen.lines))


def _whole(line: Line | None, seen: LineSeen) -> LineSeen:
    if line is None or not seen.cancelled_qty or seen.quantity != line.quantity:
        return seen
    left = line.quantity - min(seen.cancelled_qty, line.quantity)
    amounts = [(getattr(line, name), getattr(seen, name)) for name in AMOUNTS]
    if all(
        abs(whole * left - told * line.quantity) < line.quantity**2 for whole, told in amounts
    ):  # each piece may round
        return replace(seen, **{name: getattr(line, name) for name in AMOUNTS})
    return seen


AMOUNTS = ("price_minor", "shipping_minor", "tax_minor")


def count_line(line: Line, seen: LineSeen) -> bool:
    """Quantities as the channel counts them, never back; True when something changed."""
    before = (line.their_state, line.accepted_qty, line.refused_qty, line.shipped_qty, line.cancelled_qty)
    line.their_state = seen.their_state
    cancelled = line.quantity if seen.state is LineState.CANCELLED and not seen.cancelled_qty else seen.cancelled_qty
    if seen.state not in OPEN_LINE or line.accepted_qty:
        line.accepted_qty = line.quantity
        shipped = seen.shipped_qty
        if shipped is None:
            shipped = line.quantity - cancelled if seen.state in SHIPPED_LINE else 0
        line.cancelled_qty = min(max(line.cancelled_qty, cancelled), line.quantity)
        line.shipped_qty = min(max(line.shipped_qty, shipped), line.quantity - line.cancelled_qty)
    return before != (line.their_state, line.accepted_qty, line.refused_qty, line.shipped_qty, line.cancelled_qty)


SHIPPED_LINE = frozenset(
    {LineState.SHIPPED, LineState.TO_COLLECT, LineState.DELIVERED, LineState.CLOSED, LineState.REFUNDED}
)


def _take_over(book: Book, basket: Basket, leg: Leg, seen: OrderSeen, revision: str) -> None:
    for line_seen in seen.lines:
        line = leg.lines[line_seen.order_line_id]
        if count_line(line, line_seen):
            book.touch(basket, leg, line)
    leg.their_state = seen.their_state
    if not leg.debited_minor:
        leg.accepted_minor = sum(line.gross_minor for line in leg.lines.values() if line.accepted_qty)
    if (
        leg.state is not LegState.ON_HOLD and not leg.debited_minor
    ):  # a channel shows an order as payable once it has the money
        leg.debited_minor, leg.debited_at = leg.accepted_minor, seen.debited_at or seen.updated_at
    if leg.decided_at is None and leg.state not in (LegState.ON_HOLD, LegState.AWAITING_ACCEPTANCE):
        leg.decided_at = seen.decided_at or seen.updated_at
    leg.ship_due_at = seen.ship_due_at or earliest(seen) or leg.ship_due_at
    if seen.cancel_asked and leg.cancel_asked_at is None:
        leg.cancel_asked_at = seen.updated_at
    if leg.state in SHIPPED_OR_LATER and leg.shipped_at is None:
        leg.shipped_at = seen.updated_at
    leg.revision = revision
    book.touch(basket, leg)


def earliest(seen: OrderSeen) -> datetime | None:
    """The first date by which something of the order has to ship, where only lines have one."""
    return min((line.ship_due_at for line in seen.lines if line.ship_due_at), default=None)


def open_quantities(leg: Leg) -> dict[str, int]:
    """What is still to be delivered, by order line; nothing of a lost or held order."""
    if leg.state in LOST or leg.state is LegState.ON_HOLD:
        return {}
    left = {one.order_line_id: one.quantity - one.shipped_qty - one.cancelled_qty for one in leg.lines.values()}
    return {line_id: quantity for line_id, quantity in left.items() if quantity > 0}
