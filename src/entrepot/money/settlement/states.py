"""Lifecycles of a statement and of a variance: one enum, one table of moves each."""

from collections.abc import Mapping
from enum import StrEnum


class StatementState(StrEnum):
    ANNOUNCED = "announced"  # we know that it exists
    FETCHED = "fetched"  # its lines are here, as far as anybody can tell
    PARSED = "parsed"  # it waits: it does not add up, and a person decides
    BALANCED = "balanced"  # it adds up by its own arithmetic
    MATCHED = "matched"  # every line was held against the books
    EXPLAINED = "explained"  # every difference has a cause and an owner; some wait for a decision
    CLOSED = "closed"


STATEMENT_MOVES: Mapping[StatementState, frozenset[StatementState]] = {
    StatementState.ANNOUNCED: frozenset({StatementState.FETCHED}),
    StatementState.FETCHED: frozenset({StatementState.PARSED, StatementState.BALANCED}),
    StatementState.PARSED: frozenset({StatementState.BALANCED}),
    StatementState.BALANCED: frozenset({StatementState.MATCHED}),
    StatementState.MATCHED: frozenset({StatementState.EXPLAINED}),
    StatementState.EXPLAINED: frozenset({StatementState.CLOSED}),
    StatementState.CLOSED: frozenset(),  # what changes afterwards is a new version, never this one
}

CONCLUDED = frozenset(
    {StatementState.BALANCED, StatementState.MATCHED, StatementState.EXPLAINED, StatementState.CLOSED}
)


class LineState(StrEnum):
    OPEN = "open"
    MATCHED = "matched"
    VARIANCE = "variance"


class VarianceState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"  # a person took it, with a reason; our books follow theirs
    CORRECTED = "corrected"  # they put it right, or it came with a later statement


VARIANCE_MOVES: Mapping[VarianceState, frozenset[VarianceState]] = {
    VarianceState.OPEN: frozenset({VarianceState.ACCEPTED, VarianceState.CORRECTED}),
    VarianceState.ACCEPTED: frozenset({VarianceState.CORRECTED}),  # taken back when the statement is issued again
    VarianceState.CORRECTED: frozenset(),
}


class Cause(StrEnum):
    """Why theirs and ours differ."""

    MISSING_IN_BOOKS = "missing-in-books"
    MISSING_IN_STATEMENT = "missing-in-statement"
    AMOUNT_DIFFERS = "amount-differs"
    COMMISSION_RATE_DIFFERS = "commission-rate-differs"
    FEE_UNKNOWN = "fee-unknown"
    TAX = "tax"
    FX = "fx"
    DUPLICATE_LINE = "duplicate-line"
    TIMING = "timing"
    RESERVE = "reserve"
    MANUAL_DOCUMENT = "manual-document"
    ROUNDING = "rounding"
