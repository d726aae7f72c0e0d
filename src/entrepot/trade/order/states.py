"""Lifecycles of basket, leg and line: one enum, one table of moves. Source: design of the domain; Mirakl's words are translated in its connector."""

from collections.abc import Mapping
from enum import StrEnum


class BasketState(StrEnum):
    OPEN = "open"
    DECIDED = "decided"
    SETTLED_WITH_BUYER = "settled-with-buyer"
    CLOSED = "closed"


# Computed from the legs and the money (rules.basket_state): it may skip forward. One of which nothing stands is closed at once.
BASKET_MOVES: Mapping[BasketState, frozenset[BasketState]] = {
    BasketState.OPEN: frozenset({BasketState.DECIDED, BasketState.SETTLED_WITH_BUYER, BasketState.CLOSED}),
    BasketState.DECIDED: frozenset({BasketState.SETTLED_WITH_BUYER, BasketState.CLOSED}),
    BasketState.SETTLED_WITH_BUYER: frozenset({BasketState.CLOSED}),
    BasketState.CLOSED: frozenset(),
}


class LegState(StrEnum):
    ON_HOLD = "on-hold"
    AWAITING_ACCEPTANCE = "awaiting-acceptance"
    ACCEPTED = "accepted"
    PART_ACCEPTED = "part-accepted"
    REFUSED = "refused"
    EXPIRED = "expired"
    AWAITING_PAYMENT = "awaiting-payment"
    TO_SHIP = "to-ship"
    PART_SHIPPED = "part-shipped"
    SHIPPED = "shipped"
    TO_COLLECT = "to-collect"
    DELIVERED = "delivered"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class LineState(StrEnum):
    """Theirs, translated; quantities are ours."""

    ON_HOLD = "on-hold"
    AWAITING_ACCEPTANCE = "awaiting-acceptance"
    ACCEPTED = "accepted"  # awaiting debit
    TO_SHIP = "to-ship"
    SHIPPED = "shipped"
    TO_COLLECT = "to-collect"
    DELIVERED = "delivered"
    CLOSED = "closed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    INCIDENT_OPEN = "incident-open"


_AFTER_PAYMENT = frozenset(
    {
        LegState.TO_SHIP,
        LegState.PART_SHIPPED,
        LegState.SHIPPED,
        LegState.TO_COLLECT,
        LegState.DELIVERED,
        LegState.CLOSED,
    }
)
_DECIDED = (
    frozenset({LegState.ACCEPTED, LegState.PART_ACCEPTED, LegState.AWAITING_PAYMENT, LegState.CANCELLED})
    | _AFTER_PAYMENT
)

# A poll may miss states in between: a move may skip forward, never back.
LEG_MOVES: Mapping[LegState, frozenset[LegState]] = {
    LegState.ON_HOLD: frozenset({LegState.AWAITING_ACCEPTANCE, LegState.REFUSED, LegState.EXPIRED}) | _DECIDED,
    LegState.AWAITING_ACCEPTANCE: frozenset({LegState.REFUSED, LegState.EXPIRED}) | _DECIDED,
    LegState.ACCEPTED: frozenset({LegState.AWAITING_PAYMENT, LegState.CANCELLED}) | _AFTER_PAYMENT,
    LegState.PART_ACCEPTED: frozenset({LegState.AWAITING_PAYMENT, LegState.CANCELLED}) | _AFTER_PAYMENT,
    LegState.AWAITING_PAYMENT: frozenset({LegState.CANCELLED}) | _AFTER_PAYMENT,
    LegState.TO_SHIP: frozenset({LegState.CANCELLED}) | (_AFTER_PAYMENT - {LegState.TO_SHIP}),
    LegState.PART_SHIPPED: frozenset({LegState.SHIPPED, LegState.TO_COLLECT, LegState.DELIVERED, LegState.CLOSED}),
    LegState.SHIPPED: frozenset({LegState.TO_COLLECT, LegState.DELIVERED, LegState.CLOSED}),
    LegState.TO_COLLECT: frozenset({LegState.DELIVERED, LegState.CLOSED}),
    LegState.DELIVERED: frozenset({LegState.CLOSED}),
    LegState.CLOSED: frozenset(),
    LegState.REFUSED: frozenset(),  # terminal: the basket's other legs carry on
    LegState.EXPIRED: frozenset(),
    LegState.CANCELLED: frozenset(),
}

UNDECIDED = frozenset({LegState.ON_HOLD, LegState.AWAITING_ACCEPTANCE})
LOST = frozenset({LegState.REFUSED, LegState.EXPIRED, LegState.CANCELLED})
SHIPPED_OR_LATER = frozenset({LegState.SHIPPED, LegState.TO_COLLECT, LegState.DELIVERED, LegState.CLOSED})
TO_BE_SHIPPED = frozenset({LegState.TO_SHIP, LegState.PART_SHIPPED})
