"""Lifecycles of a refund and of a return."""

from collections.abc import Mapping
from enum import StrEnum


class RefundState(StrEnum):
    AWAITING_APPROVAL = "awaiting-approval"  # seen at the marketplace, not yet asked of us
    SENT = "sent"  # promised to the gateway
    CLEARED = "cleared"  # the buyer has it
    POSTED = "posted"  # marketplace, gateway and books agree
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


REFUND_MOVES: Mapping[RefundState, frozenset[RefundState]] = {
    RefundState.AWAITING_APPROVAL: frozenset({RefundState.SENT, RefundState.REFUSED, RefundState.CANCELLED}),
    RefundState.SENT: frozenset({RefundState.CLEARED, RefundState.FAILED, RefundState.REFUSED}),
    RefundState.CLEARED: frozenset({RefundState.POSTED}),
    RefundState.FAILED: frozenset({RefundState.SENT, RefundState.CANCELLED}),
    RefundState.POSTED: frozenset(),
    RefundState.REFUSED: frozenset(),
    RefundState.CANCELLED: frozenset(),
}


class ReturnState(StrEnum):
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    IN_TRANSIT = "in-transit"
    RECEIVED = "received"
    NOT_RECEIVED = "not-received"
    REFUNDED = "refunded"
    CLOSED_WITHOUT_REFUND = "closed-without-refund"
    CANCELLED = "cancelled"


_R = ReturnState
_ENDS = frozenset({_R.REFUNDED, _R.CLOSED_WITHOUT_REFUND})
RETURN_MOVES: Mapping[ReturnState, frozenset[ReturnState]] = {
    _R.REQUESTED: frozenset({_R.ACCEPTED, _R.REFUSED, _R.CANCELLED, _R.IN_TRANSIT, _R.RECEIVED, _R.NOT_RECEIVED})
    | _ENDS,
    _R.ACCEPTED: frozenset({_R.IN_TRANSIT, _R.RECEIVED, _R.NOT_RECEIVED, _R.CANCELLED}) | _ENDS,
    _R.IN_TRANSIT: frozenset({_R.RECEIVED, _R.NOT_RECEIVED, _R.CANCELLED}) | _ENDS,
    _R.RECEIVED: _ENDS,
    _R.NOT_RECEIVED: frozenset({_R.RECEIVED}) | _ENDS,
    _R.REFUSED: frozenset(),
    _R.REFUNDED: frozenset(),
    _R.CLOSED_WITHOUT_REFUND: frozenset(),
    _R.CANCELLED: frozenset(),
}
