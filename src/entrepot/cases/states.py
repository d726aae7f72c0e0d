"""Lifecycles of a case, an obligation and an alert, and what the four verbs may move a message or an effect to."""

from collections.abc import Mapping
from enum import StrEnum


class CaseState(StrEnum):
    OPEN = "open"
    WORKING = "working"
    WAITING = "waiting"
    RESOLVED = "resolved"  # by a person's verb
    CLOSED = "closed"  # by itself: the cause is gone


CASE_MOVES: Mapping[CaseState, frozenset[CaseState]] = {
    CaseState.OPEN: frozenset({CaseState.WORKING, CaseState.WAITING, CaseState.RESOLVED, CaseState.CLOSED}),
    CaseState.WORKING: frozenset({CaseState.WAITING, CaseState.RESOLVED, CaseState.CLOSED}),
    CaseState.WAITING: frozenset({CaseState.WORKING, CaseState.RESOLVED, CaseState.CLOSED}),
    CaseState.RESOLVED: frozenset(),  # the same failure again is a new case that links back
    CaseState.CLOSED: frozenset(),
}


class ObligationState(StrEnum):
    DUE = "due"
    WARNED = "warned"
    ESCALATED = "escalated"
    MET = "met"
    MET_LATE = "met-late"
    MISSED = "missed"
    VOID = "void"


_ENDS = frozenset({ObligationState.MET, ObligationState.MET_LATE, ObligationState.MISSED, ObligationState.VOID})

OBLIGATION_MOVES: Mapping[ObligationState, frozenset[ObligationState]] = {
    ObligationState.DUE: frozenset({ObligationState.WARNED}) | _ENDS,
    ObligationState.WARNED: frozenset({ObligationState.ESCALATED}) | _ENDS,
    ObligationState.ESCALATED: _ENDS,
    ObligationState.MET: frozenset(),
    ObligationState.MET_LATE: frozenset(),
    # We may hear late that it was kept after all: the marketplace's own time decides, not ours.
    ObligationState.MISSED: frozenset({ObligationState.MET, ObligationState.MET_LATE}),
    ObligationState.VOID: frozenset(),
}


class AlertState(StrEnum):
    PLANNED = "planned"
    SENT = "sent"
    FAILED = "failed"  # given up after a bounded number of tries; the row and its words stay


ALERT_MOVES: Mapping[AlertState, frozenset[AlertState]] = {
    AlertState.PLANNED: frozenset({AlertState.SENT, AlertState.FAILED}),
    AlertState.SENT: frozenset(),
    AlertState.FAILED: frozenset(),
}

# From which state each verb may act on a message or an effect. What is not here is refused in words: see rules.why_not.
MESSAGE_VERBS: Mapping[str, frozenset[str]] = {
    "retry": frozenset({"parked", "new"}),
    "repair": frozenset({"parked", "new"}),
    "suppress": frozenset({"parked", "new"}),
}
EFFECT_VERBS: Mapping[str, frozenset[str]] = {
    "retry": frozenset({"planned", "refused", "parked", "unknown", "advised"}),
    "repair": frozenset({"planned", "refused", "parked", "advised"}),
    "suppress": frozenset({"planned", "refused", "parked", "unknown", "advised"}),
}
