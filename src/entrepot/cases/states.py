"""Lifecycles of a case, an obligation, an alert and an ownership question, and what the four verbs may move a message or an effect to."""

from collections.abc import Mapping
from enum import StrEnum, auto

OBJECT = "object"


class CaseState(StrEnum):
    OPEN = auto()
    WORKING = auto()
    WAITING = auto()
    SUPPRESSED = auto()  # quiet until an end: counted, never said
    RESOLVED = auto()  # by a person's verb
    CLOSED = auto()  # by itself: the cause is gone


_BEGUN = frozenset({CaseState.SUPPRESSED, CaseState.RESOLVED, CaseState.CLOSED})

CASE_MOVES: Mapping[CaseState, frozenset[CaseState]] = {
    CaseState.OPEN: _BEGUN | {CaseState.WORKING, CaseState.WAITING},
    CaseState.WORKING: _BEGUN | {CaseState.WAITING, CaseState.OPEN},  # open again: handed to the next team
    CaseState.WAITING: _BEGUN | {CaseState.WORKING, CaseState.OPEN},
    CaseState.SUPPRESSED: frozenset({CaseState.OPEN, CaseState.RESOLVED, CaseState.CLOSED}),
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
    DROPPED = "dropped"  # it waited, as its mode says, and its case ended before


ALERT_MOVES: Mapping[AlertState, frozenset[AlertState]] = {
    AlertState.PLANNED: frozenset({AlertState.SENT, AlertState.FAILED, AlertState.DROPPED}),
    AlertState.SENT: frozenset(),
    AlertState.FAILED: frozenset(),
    AlertState.DROPPED: frozenset(),
}


class QuestionState(StrEnum):
    """Of an ownership question: something nobody owns yet."""

    RAISED = "raised"
    DECIDED = "decided"
    IN_BLUEPRINT = "in-blueprint"


QUESTION_MOVES: Mapping[QuestionState, frozenset[QuestionState]] = {
    QuestionState.RAISED: frozenset({QuestionState.DECIDED}),
    QuestionState.DECIDED: frozenset({QuestionState.IN_BLUEPRINT}),
    QuestionState.IN_BLUEPRINT: frozenset(),
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
