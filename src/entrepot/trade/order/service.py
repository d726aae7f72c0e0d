"""The only place where baskets, legs and lines change state. Works on the batch's book; the flow flushes it in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from entrepot.kernel.ctx import Ctx
from entrepot.trade.order import rules
from entrepot.trade.order.book import Basket, Book, Leg
from entrepot.trade.order.model import BasketAsked, OrderSeen
from entrepot.trade.order.rules import Conflict
from entrepot.trade.order.states import LOST, SHIPPED_OR_LATER, UNDECIDED, LegState


@dataclass(frozen=True, slots=True)
class Applied:
    """What one order message changed: what the flow reacts to."""

    basket: Basket
    leg: Leg
    was: LegState | None  # None: the leg is new to us
    found: bool  # no storefront handed us this basket

    @property
    def decided_now(self) -> bool:
        return (self.was is None or self.was in UNDECIDED) and self.leg.state not in UNDECIDED

    @property
    def lost_now(self) -> bool:
        return self.leg.state in LOST and (self.was is None or self.was not in LOST)

    @property
    def shipped_now(self) -> bool:
        return self.leg.state in SHIPPED_OR_LATER and (self.was is None or self.was not in SHIPPED_OR_LATER)


def move(book: Book, basket: Basket, leg: Leg, to: LegState, *, by: str, because: str) -> None:
    """Move a leg along LEG_MOVES and leave an event. The caller has asked may_move."""
    if leg.state is not to:
        book.tell(basket, leg, "leg moved", from_state=leg.state, to_state=to, by=by, because=because)
        leg.state = to
        book.touch(basket, leg)


def settle_basket(book: Book, basket: Basket, *, because: str) -> None:
    """Recompute the basket's own state after its legs or its money changed."""
    to = rules.basket_state(basket)
    if to != basket.state:
        book.tell(basket, None, "basket moved", from_state=basket.state, to_state=to, because=because)
        basket.state = to
        book.touch(basket)


def take_basket(book: Book, ctx: Ctx, account: str, asked: BasketAsked, because: str) -> Basket | Conflict:
    """A basket handed over by the storefront. The same basket again is the same; another content is a conflict."""
    known = book.baskets.get(asked.commercial_id)
    if known is not None:
        if (known.ordered_minor, known.currency, known.authorisation_id) != (
            asked.total_minor,
            asked.currency,
            asked.authorisation_id,
        ):
            return Conflict(
                "duplicate-other-content",
                f"basket {asked.commercial_id} came again with another value or authorisation",
            )
        return known
    if asked.authorised_minor < asked.total_minor:
        return Conflict(
            "basket-money-mismatch",
            f"basket {asked.commercial_id} costs {asked.total_minor}, but only {asked.authorised_minor} is authorised",
        )
    basket = Basket(
        id=ctx.ids.new("bsk"),
        account=account,
        commercial_id=asked.commercial_id,
        state="open",
        currency=asked.currency,
        ordered_minor=asked.total_minor,
        placed_at=asked.placed_at,
        source="storefront",
        customer_id=str(asked.customer.get("customer_id", "")),
        legs_expected=len({line.seller_id for line in asked.lines}),
        authorisation_id=asked.authorisation_id,
        authorisation_expires_at=asked.authorisation_expires_at,
        authorised_minor=asked.authorised_minor,
    )
    book.add_basket(basket)
    book.tell(
        basket,
        None,
        "basket bought",
        to_state="open",
        by="commerce",
        because=because,
        lines=len(asked.lines),
        legs=basket.legs_expected,
    )
    return basket


def apply_order(
    book: Book, ctx: Ctx, account: str, seen: OrderSeen, *, window_s: float, because: str
) -> Applied | Conflict | str:
    """Bring one marketplace order into the book. A string says why there is nothing to do."""
    conflict = rules.unknown_word(seen)
    if conflict:
        return conflict
    basket = book.baskets.get(seen.commercial_id)
    found = basket is None
    if basket is None:
        basket = _found_basket(book, ctx, account, seen, because)
    leg = basket.legs.get(seen.order_id)
    revision = seen.updated_at.isoformat()
    if leg is None:
        leg = _new_leg(ctx, basket, account, seen, window_s)
        book.add_leg(basket, leg)
        book.touch(basket, leg)
        book.tell(
            basket, leg, "leg seen", to_state=leg.state, by="marketplace", because=because, their_state=seen.their_state
        )
        was = None
    else:
        conflict = rules.immutable_conflict(basket, leg, seen)
        if conflict:
            return conflict
        if revision < leg.revision:
            return f"older than what is known (theirs {revision}, ours {leg.revision})"
        to = rules.our_state(seen)
        conflict = rules.may_move(leg, to)
        if conflict:
            return conflict
        was = leg.state
        move(book, basket, leg, to, by="seller" if was in UNDECIDED else "marketplace", because=because)
    _take_over(book, basket, leg, seen, revision)
    settle_basket(book, basket, because=because)
    return Applied(basket, leg, was, found)


def _found_basket(book: Book, ctx: Ctx, account: str, seen: OrderSeen, because: str) -> Basket:
    basket = Basket(
        id=ctx.ids.new("bsk"),
        account=account,
        commercial_id=seen.commercial_id,
        state="open",
        currency=seen.currency,
        ordered_minor=0,
        placed_at=seen.created_at,
        source="marketplace",
    )
    book.add_basket(basket)
    book.tell(basket, None, "basket found at the marketplace", to_state="open", by="marketplace", because=because)
    return basket


def _new_leg(ctx: Ctx, basket: Basket, account: str, seen: OrderSeen, window_s: float) -> Leg:
    leg_id = ctx.ids.new("leg")
    lines = {line.order_line_id: rules.line_of(leg_id, ctx.ids.new("lin"), line) for line in seen.lines}
    ordered = sum(line.gross_minor for line in lines.values())
    if basket.source == "marketplace":
        basket.ordered_minor += ordered
    return Leg(
        id=leg_id,
        basket_id=basket.id,
        account=account,
        order_id=seen.order_id,
        seller_id=seen.seller_id,
        seller_name=seen.seller_name,
        state=rules.our_state(seen),
        their_state=seen.their_state,
        currency=seen.currency,
        ordered_minor=ordered,
        created_at=seen.created_at,
        acceptance_due_at=rules.acceptance_due(seen.created_at, window_s),
        lines=lines,
    )


def _take_over(book: Book, basket: Basket, leg: Leg, seen: OrderSeen, revision: str) -> None:
    """What the message says beside the state: lines, instants, their word."""
    for line_seen in seen.lines:
        line = leg.lines[line_seen.order_line_id]
        if rules.apply_line(line, line_seen):
            book.touch(basket, leg, line)
    leg.their_state, leg.seller_name = seen.their_state, seen.seller_name or leg.seller_name
    if not leg.debited_minor:
        leg.accepted_minor = 0 if leg.state in LOST else rules.accepted_value(leg)
    if leg.state not in UNDECIDED and leg.decided_at is None:
        leg.decided_at = seen.decided_at or seen.updated_at
    leg.ship_due_at = seen.ship_due_at or leg.ship_due_at
    if leg.state in SHIPPED_OR_LATER and leg.shipped_at is None:
        leg.shipped_at = seen.updated_at
    leg.revision = revision
    book.touch(basket, leg)


def charge(book: Book, basket: Basket, legs: Mapping[str, int], *, at: datetime, because: str) -> list[Leg]:
    """The gateway charged the buyer for these legs (order id -> minor units). Returns the legs charged now."""
    charged = []
    for order_id, amount in sorted(legs.items()):
        leg = basket.legs[order_id]
        leg.debited_minor, leg.debited_at = amount, at
        basket.captured_minor += amount
        book.touch(basket, leg)
        book.tell(basket, leg, "leg charged", by="payment", because=because, amount_minor=amount)
        charged.append(leg)
    settle_basket(book, basket, because=because)
    return charged


def release(book: Book, basket: Basket, amount_minor: int, *, because: str) -> None:
    """The rest of the hold went back to the buyer."""
    basket.released_minor += amount_minor
    book.touch(basket)
    book.tell(basket, None, "hold released", by="payment", because=because, amount_minor=amount_minor)
    settle_basket(book, basket, because=because)


def refund(book: Book, basket: Basket, leg: Leg, order_line_id: str, amount_minor: int, *, because: str) -> None:
    """The buyer got money back for one line."""
    line = leg.lines[order_line_id]
    line.refunded_minor += amount_minor
    leg.refunded_minor += amount_minor
    basket.refunded_minor += amount_minor
    book.touch(basket, leg, line)
    book.tell(
        basket,
        leg,
        "line refunded",
        by="payment",
        because=because,
        order_line_id=order_line_id,
        amount_minor=amount_minor,
    )


def ask_debit(book: Book, basket: Basket, leg: Leg, *, at: datetime, because: str) -> None:
    if leg.debit_asked_at is None:
        leg.debit_asked_at = at
        book.touch(basket, leg)
        book.tell(basket, leg, "charge asked for", by="marketplace", because=because)


def confirm_payment(book: Book, basket: Basket, leg: Leg, *, at: datetime, because: str) -> None:
    leg.payment_confirmed_at = at
    book.touch(basket, leg)
    book.tell(basket, leg, "payment confirmed to the marketplace", because=because)
