"""How far a payout has come. A treasury may pay without asking us: then computed goes straight to sent."""

from collections.abc import Mapping
from enum import StrEnum


class PayoutState(StrEnum):
    COMPUTED = "computed"
    CARRIED_OVER = "carried-over"  # nothing to pay: what is owed goes into the next cycle
    BLOCKED = "blocked"
    PROPOSED = "proposed"
    APPROVED = "approved"
    SENT = "sent"  # the money left
    CONFIRMED = "confirmed"  # the marketplace knows
    BANK_MATCHED = "bank-matched"  # it stands on an independent report, the marketplace does not know yet
    DONE = "done"  # both
    FAILED = "failed"


MOVES: Mapping[PayoutState, frozenset[PayoutState]] = {
    PayoutState.COMPUTED: frozenset(
        {PayoutState.CARRIED_OVER, PayoutState.BLOCKED, PayoutState.PROPOSED, PayoutState.SENT, PayoutState.FAILED}
    ),
    PayoutState.CARRIED_OVER: frozenset({PayoutState.COMPUTED}),  # issued again, now with something to pay
    PayoutState.BLOCKED: frozenset({PayoutState.COMPUTED, PayoutState.SENT, PayoutState.FAILED}),
    PayoutState.PROPOSED: frozenset(
        {PayoutState.APPROVED, PayoutState.BLOCKED, PayoutState.COMPUTED, PayoutState.SENT, PayoutState.FAILED}
    ),
    PayoutState.APPROVED: frozenset({PayoutState.SENT, PayoutState.FAILED, PayoutState.BLOCKED}),
    PayoutState.SENT: frozenset({PayoutState.CONFIRMED, PayoutState.BANK_MATCHED, PayoutState.FAILED}),
    PayoutState.CONFIRMED: frozenset({PayoutState.DONE, PayoutState.FAILED}),
    PayoutState.BANK_MATCHED: frozenset({PayoutState.DONE, PayoutState.FAILED}),
    PayoutState.DONE: frozenset({PayoutState.FAILED}),  # the bank sent it back after the match
    PayoutState.FAILED: frozenset({PayoutState.SENT}),  # paid again, by decision
}

NOT_PAID = frozenset(
    {
        PayoutState.COMPUTED,
        PayoutState.BLOCKED,
        PayoutState.PROPOSED,
        PayoutState.APPROVED,
        PayoutState.FAILED,
        PayoutState.CARRIED_OVER,
    }
)
