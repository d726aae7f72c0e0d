"""Lifecycles of a correction request and of an override."""

from collections.abc import Mapping
from enum import StrEnum


class CorrectionState(StrEnum):
    ASKED = "asked"
    DELIVERED = "delivered"  # a channel took the digest it is in
    ACCEPTED = "accepted"  # the owner says he will; the value is still to come
    DECLINED = "declined"
    EXPIRED = "expired"
    APPLIED = "applied"


_ENDS = frozenset({CorrectionState.DECLINED, CorrectionState.EXPIRED, CorrectionState.APPLIED})

CORRECTION_MOVES: Mapping[CorrectionState, frozenset[CorrectionState]] = {
    CorrectionState.ASKED: frozenset({CorrectionState.DELIVERED, CorrectionState.ACCEPTED}) | _ENDS,
    CorrectionState.DELIVERED: frozenset({CorrectionState.ACCEPTED}) | _ENDS,
    CorrectionState.ACCEPTED: _ENDS,
    # The corrected value may come after all: who said no, or nothing, may still do it.
    CorrectionState.DECLINED: frozenset({CorrectionState.APPLIED}),
    CorrectionState.EXPIRED: frozenset({CorrectionState.APPLIED}),
    CorrectionState.APPLIED: frozenset(),  # exactly once
}


class OverrideState(StrEnum):
    ASKED = "asked"  # a large one, until a second person confirms it
    LIVE = "live"
    ENDED = "ended"


OVERRIDE_MOVES: Mapping[OverrideState, frozenset[OverrideState]] = {
    OverrideState.ASKED: frozenset({OverrideState.LIVE, OverrideState.ENDED}),
    OverrideState.LIVE: frozenset({OverrideState.ENDED}),
    OverrideState.ENDED: frozenset(),
}


def may_come_from(state: CorrectionState) -> tuple[str, ...]:
    """States a correction may stand in before it moves to this one."""
    return tuple(one.value for one, after in CORRECTION_MOVES.items() if state in after)
