"""Measures of offers: rejected, aged, on their way to be live, oversold; each row with the records behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.web.views.running import Measure
from entrepot.web.views.shared import Link, State

PERIODS: Mapping[str, tuple[str, timedelta]] = {
    "24h": ("24 hours", timedelta(hours=24)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
}
USUAL = "7d"


@dataclass(frozen=True, slots=True)
class HandedRow:
    """`rate` None: nothing was handed in, what came back was older. `cases`: how many of his are open; `case` is the one due first."""

    who: Link
    account: str
    files: int
    unit: str
    handed_in: int
    by_us: int
    by_them: int
    rate: float | None
    cases: int
    case: Link | None


@dataclass(frozen=True, slots=True)
class ReasonRow:
    field: str
    code: str
    by: str
    rows: int
    open: int | None
    corrected: int | None
    sellers: int
    such_as: str
    mostly: Link


@dataclass(frozen=True, slots=True)
class AgeRow:
    """`sample`: how many were looked at, where that is a part; 0: all."""

    name: str
    of: str
    count: int
    sample: int
    p50: timedelta
    p95: timedelta
    stale_share: float | None  # None: the plan sets no age
    state: State
    href: str


@dataclass(frozen=True, slots=True)
class LiveRow:
    account: str
    what: str
    changes: int
    p50: timedelta | None
    p95: timedelta | None
    unseen: int
    late: int
    waiting: int
    state: State
    href: str


@dataclass(frozen=True, slots=True)
class OversoldRow:
    case: Link
    state: State
    about: Link
    cause: str
    times: int
    opened_at: datetime
    order: Link | None


@dataclass(frozen=True, slots=True)
class MeasuresView:
    """`period`: one of PERIODS. `handed_more`: sellers that are not shown, none of them worse. `empty`: nothing was ever measured."""

    period: str
    tiles: tuple[Measure, ...]
    handed: tuple[HandedRow, ...]
    handed_more: int
    reasons: tuple[ReasonRow, ...]
    ages: tuple[AgeRow, ...]
    live: tuple[LiveRow, ...]
    shown_within: timedelta
    oversold: tuple[OversoldRow, ...]
    oversold_cases: int
    empty: bool
