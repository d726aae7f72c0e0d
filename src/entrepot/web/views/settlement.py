"""Statements against our books."""

from dataclasses import dataclass
from datetime import datetime

from entrepot.kernel.money import Money
from entrepot.web.views.shared import State

LINES_COUNTED_MAX = 100_000  # a statement longer than this says so instead of counting on every look


@dataclass(frozen=True, slots=True)
class StatementFilter:
    author: str = ""
    account: str = ""
    show: str = ""  # open, closed, differs
    after: str = ""

    def params(self, **changes: str) -> dict[str, str]:
        values = {name: getattr(self, name) for name in ("author", "account", "show", "after")}
        values.update(changes)
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class StatementRow:
    id: str
    account: str
    author: str
    external_id: str
    version: int
    seller: str
    voucher: str
    period_from: datetime | None
    period_to: datetime | None
    state: State
    paid: Money  # what they say is paid out
    theirs: Money  # what their lines add up to
    ours: Money | None
    difference: Money | None
    undecided: Money
    lines: int  # counted up to LINES_COUNTED_MAX


@dataclass(frozen=True, slots=True)
class StatementPage:
    filter: StatementFilter
    rows: tuple[StatementRow, ...]
    next_after: str
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WaterfallStep:
    """One step from gross to payout. Shape: `ours` is None while nothing of it is matched; a total stands on zero."""

    word: str
    theirs: Money
    ours: Money | None
    is_total: bool = False


@dataclass(frozen=True, slots=True)
class VarianceCause:
    word: str
    lines: int
    amount: Money
    owner: str
    state: State


@dataclass(frozen=True, slots=True)
class VarianceRow:
    cause: str
    where: str
    theirs: Money
    ours: Money
    amount: Money
    owner: str
    explanation: str
    state: State
    decided: str


@dataclass(frozen=True, slots=True)
class StatementLineRow:
    number: int
    external_id: str
    type: str  # theirs, verbatim
    word: str  # ours
    order_id: str
    reference: str
    amount: Money
    posted_at: datetime
    state: State
    witness: str


@dataclass(frozen=True, slots=True)
class StatementDetail:
    row: StatementRow
    waterfall: tuple[WaterfallStep, ...]
    causes: tuple[VarianceCause, ...]
    variances: tuple[VarianceRow, ...]
    lines: tuple[StatementLineRow, ...]
    line_filter: str
    next_after: str
    payout: tuple[str, State, str] | None  # voucher, state, transfer
