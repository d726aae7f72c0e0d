"""Flows, find, today."""

from dataclasses import dataclass, field
from datetime import datetime

from entrepot.kernel.money import Money
from entrepot.web.views.cases import CaseRow
from entrepot.web.views.orders import Promise
from entrepot.web.views.shared import State, Tone

ACTS = State("Acts", Tone.GOOD)


@dataclass(frozen=True, slots=True)
class FlowRow:
    name: str
    word: str
    state: State
    running: bool
    pattern: str
    latency: str
    owner: str
    changed_by: str
    reason: str
    changed_at: datetime
    until_at: datetime | None
    waiting_in: int
    oldest_in_at: datetime | None
    waiting_out: int
    unclear: int
    parked: int
    cases: int
    checked_at: datetime | None
    last_error: str
    mode: State = ACTS


@dataclass(frozen=True, slots=True)
class FlowsView:
    rows: tuple[FlowRow, ...]


@dataclass(frozen=True, slots=True)
class Found:
    kind: str
    text: str
    detail: str
    href: str
    called: tuple[str, ...] = ()  # which system calls it what


@dataclass(frozen=True, slots=True)
class FindView:
    query: str
    found: tuple[Found, ...]
    capped: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """A business measure: value, its money, its target, and the list behind it."""

    word: str
    value: str
    unit: str
    note: str
    href: str
    tone: Tone
    money: tuple[Money, ...] = ()
    trend: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Week:
    """The last seven days in money."""

    protected: tuple[Money, ...]
    recovered: tuple[Money, ...]
    lost: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class TodayView:
    measures: tuple[Measure, ...]
    cases: tuple[CaseRow, ...]
    promises: tuple[Promise, ...]
    flows: tuple[FlowRow, ...]
    owners: tuple[tuple[str, int, int], ...]  # team, business cases, system faults
    week: Week = field(default_factory=lambda: Week((), (), ()))
    faults: tuple[CaseRow, ...] = ()  # system faults; `cases` are the business ones
