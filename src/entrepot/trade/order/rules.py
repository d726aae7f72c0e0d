"""Pure rules of baskets, legs and lines. Nothing here reads a clock, a database or a network; each rule says what changed or why it may not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from entrepot.kernel.outcome import Unrecognised
from entrepot.trade.order.book import Basket, Leg, Line
from entrepot.trade.order.model import LineSeen, OrderSeen
from entrepot.trade.order.states import LEG_MOVES, LOST, UNDECIDED, BasketState, LegState, LineState


class CapturePolicy(StrEnum):
    PER_LEG = "per-leg"
    WHEN_ALL_DECIDED = "when-all-decided"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why a message may not be applied: failure mode, and the cause in plain words."""

    mode: str
    cause: str


def unknown_word(seen: OrderSeen) -> Conflict | None:
    words = [w for w in (seen.state, *(line.state for line in seen.lines)) if isinstance(w, Unrecognised)]
    if words:
        return Conflict(
            "unknown-word", f"“{words[0].word}” in {words[0].field} is a word we do not know (order {seen.order_id})"
        )
    return None


def our_state(seen: OrderSeen) -> LegState:
    """Their word in ours, sharpened by what the lines say: expired is not refused, part-accepted is not accepted."""
    assert isinstance(seen.state, LegState)
    if seen.decided_by_itself:
        return LegState.EXPIRED
    if seen.state is LegState.ACCEPTED and any(line.state is LineState.REFUSED for line in seen.lines):
        return LegState.PART_ACCEPTED
    return seen.state


def immutable_conflict(basket: Basket, leg: Leg, seen: OrderSeen) -> Conflict | None:
    """What may never change between two messages about one order."""
    theirs = {line.order_line_id: (line.sku, line.quantity, line.price_minor) for line in seen.lines}
    ours = {line.order_line_id: (line.sku, line.quantity, line.price_minor) for line in leg.lines.values()}
    pairs = {
        "currency": (leg.currency, seen.currency),
        "seller": (leg.seller_id, seen.seller_id),
        "basket": (basket.commercial_id, seen.commercial_id),
        "lines": (ours, theirs),  # not their total: it leaves out what was refused since
    }
    for name, (mine, new) in pairs.items():
        if mine != new:
            return Conflict(
                "duplicate-other-content",
                f"order {seen.order_id} came again with another {name}: {new} where we hold {mine}",
            )
    return None


def may_move(leg: Leg, to: LegState) -> Conflict | None:
    if to is leg.state or to in LEG_MOVES[leg.state]:
        return None
    return Conflict(
        "incompatible-status",
        f"order {leg.order_id} is {leg.state} here; the marketplace says {to}, which cannot follow",
    )


def line_of(leg_id: str, line_id: str, seen: LineSeen) -> Line:
    line = Line(
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
    apply_line(line, seen)
    return line


_OPEN_LINE = frozenset({LineState.ON_HOLD, LineState.AWAITING_ACCEPTANCE})
_SHIPPED_LINE = frozenset(
    {
        LineState.SHIPPED,
        LineState.TO_COLLECT,
        LineState.DELIVERED,
        LineState.CLOSED,
        LineState.REFUNDED,
        LineState.INCIDENT_OPEN,
    }
)


def apply_line(line: Line, seen: LineSeen) -> bool:
    """Quantities from their line state; True when something changed. ordered = accepted + refused + undecided; accepted = shipped + cancelled + open."""
    before = (
        line.their_state,
        line.accepted_qty,
        line.refused_qty,
        line.shipped_qty,
        line.cancelled_qty,
        line.commission_minor,
    )
    line.their_state = seen.their_state
    line.commission_minor, line.commission_tax_minor = seen.commission_minor, seen.commission_tax_minor
    if seen.state is LineState.REFUSED or (seen.state is LineState.CANCELLED and not line.accepted_qty):
        line.accepted_qty, line.refused_qty = 0, line.quantity
    elif seen.state not in _OPEN_LINE:
        line.accepted_qty = line.quantity
        line.cancelled_qty = (
            line.quantity if seen.state is LineState.CANCELLED else min(seen.cancelled_qty, line.quantity)
        )
        if seen.state in _SHIPPED_LINE:
            line.shipped_qty = line.accepted_qty - line.cancelled_qty
    return before != (
        line.their_state,
        line.accepted_qty,
        line.refused_qty,
        line.shipped_qty,
        line.cancelled_qty,
        line.commission_minor,
    )


def accepted_value(leg: Leg) -> int:
    """Value of the accepted lines: what the buyer owes for this leg."""
    return sum(line.gross_minor for line in leg.lines.values() if line.accepted_qty)


def all_decided(basket: Basket) -> bool:
    """Every seller has spoken, or the window spoke for him."""
    here = len(basket.legs)
    return here > 0 and here >= basket.legs_expected and all(leg.state not in UNDECIDED for leg in basket.legs.values())


def debitable(leg: Leg) -> bool:
    return leg.state not in UNDECIDED and leg.state not in LOST and leg.accepted_minor > 0 and not leg.debited_minor


@dataclass(frozen=True, slots=True)
class CapturePlan:
    """One charge: which legs it pays, and the reference by which everybody finds it."""

    reference: str
    legs: Mapping[str, int]  # order id -> minor units

    @property
    def amount_minor(self) -> int:
        return sum(self.legs.values())


def decide_captures(basket: Basket, policy: CapturePolicy) -> list[CapturePlan]:
    """What to charge now. Per leg: each accepted leg by itself. When all decided: one charge, after the last seller has spoken."""
    if not basket.authorisation_id:
        return []
    due = {leg.order_id: leg.accepted_minor for leg in basket.legs.values() if debitable(leg)}
    if policy is CapturePolicy.PER_LEG:
        return [CapturePlan(order_id, {order_id: amount}) for order_id, amount in sorted(due.items())]
    if not due or not all_decided(basket):
        return []
    return [CapturePlan(basket.commercial_id, dict(sorted(due.items())))]


def decide_release(basket: Basket) -> int:
    """What the buyer gets back from the hold: all that nobody will charge any more. 0 while a seller is undecided or a charge is open."""
    if not basket.authorisation_id or not all_decided(basket) or any(debitable(leg) for leg in basket.legs.values()):
        return 0
    return basket.held_minor


def basket_state(basket: Basket) -> BasketState:
    if not all_decided(basket):
        return BasketState.OPEN
    if basket.authorisation_id and basket.held_minor:
        return BasketState.DECIDED
    if any(leg.state not in LOST and leg.state is not LegState.CLOSED for leg in basket.legs.values()):
        return BasketState.SETTLED_WITH_BUYER
    return BasketState.CLOSED


def broken_invariants(basket: Basket) -> list[str]:
    """The money of a basket and of each leg, checked in the transaction of every decision. Empty when all hold."""
    broken = []
    if basket.authorisation_id:
        if basket.held_minor < 0:
            broken.append(
                f"captured {basket.captured_minor} and released {basket.released_minor} exceed the authorised {basket.authorised_minor}"
            )
        debited = sum(leg.debited_minor for leg in basket.legs.values())
        if basket.captured_minor != debited:
            broken.append(f"captured {basket.captured_minor}, but the debited legs are worth {debited}")
        refunded = sum(leg.refunded_minor for leg in basket.legs.values())
        if basket.refunded_minor != refunded:
            broken.append(f"refunded {basket.refunded_minor} of the basket, {refunded} of its legs")
    for leg in basket.legs.values():
        if leg.refunded_minor > leg.debited_minor:
            broken.append(f"order {leg.order_id}: refunded {leg.refunded_minor} of {leg.debited_minor} captured")
        if leg.debited_minor and leg.debited_minor - leg.refunded_minor != net_value(leg.lines.values()):
            broken.append(
                f"order {leg.order_id}: captured {leg.debited_minor} less refunded {leg.refunded_minor} is not the {net_value(leg.lines.values())} of its standing lines"
            )
    return broken


def net_value(lines: Iterable[Line]) -> int:
    """Value of accepted lines less what was refunded of them (a cancellation after the charge comes as a refund)."""
    return sum(line.gross_minor - line.refunded_minor for line in lines if line.accepted_qty)


def acceptance_due(created_at: datetime, window_s: float) -> datetime:
    """The marketplace names no acceptance deadline: it is the account's window after creation."""
    return created_at + timedelta(seconds=window_s)
