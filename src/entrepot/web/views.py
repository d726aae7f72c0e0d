"""What each page of the console needs, in people's words, and nothing else. No SQL, no HTML, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from entrepot.kernel.money import Money
from entrepot.web.ports import Verb

LINES_COUNTED_MAX = 100_000  # a statement longer than this says so instead of counting on every look


class Tone(StrEnum):
    """How a state feels; each has its own shape on the page, so that colour is never the only sign."""

    GOOD = "good"
    INFO = "info"
    WARN = "warn"
    BAD = "bad"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class State:
    """A state in people's words, and beside it the other side's own word."""

    word: str
    tone: Tone
    theirs: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A way to another page of the console."""

    text: str
    href: str
    kind: str = ""  # what it is: seller order, case, refund ...


# --- cases ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """The case list's whole state; every field is a query parameter."""

    show: str = "open"  # open, overdue, due-soon, resolved
    kind: str = ""  # business, system
    owner: str = ""
    mode: str = ""
    account: str = ""
    after: str = ""  # keyset: the last row of the page before
    open: str = ""  # the case shown beside the list

    def params(self, **changes: str) -> dict[str, str]:
        """The query parameters that differ from the defaults, with some replaced."""
        values = {name: getattr(self, name) for name in ("show", "kind", "owner", "mode", "account", "after", "open")}
        values.update(changes)
        return {name: value for name, value in values.items() if value and not (name == "show" and value == "open")}


@dataclass(frozen=True, slots=True)
class CaseRow:
    id: str
    number: int
    title: str
    effect: str
    cause: str
    owner: str
    state: State
    kind: str
    mode: str
    account: str
    subject: str  # "Seller order C-100-A"
    money: Money | None
    count: int
    opened_at: datetime
    due_at: datetime
    resolved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CasePage:
    filter: CaseFilter
    rows: tuple[CaseRow, ...]
    total: int
    total_is_capped: bool
    next_after: str
    owners: tuple[str, ...]
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    at: datetime
    what: str
    by: str
    tone: Tone
    detail: str = ""
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """Something received or sent, shown whole."""

    title: str
    text: str
    media: str = "json"
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a comparison. Shape: sign is '+', '-' or ' '."""

    sign: str
    text: str


@dataclass(frozen=True, slots=True)
class AttemptRow:
    number: int
    kind: str
    at: datetime
    outcome: State
    detail: str


@dataclass(frozen=True, slots=True)
class CaseDetail:
    row: CaseRow
    flow: str
    runbook: str  # the failure mode's title
    steps: tuple[str, ...]
    verbs: tuple[Verb, ...]  # the advised one first; empty when the case is over
    corrects: str
    requests: tuple[str, ...]
    escalates_at: datetime | None
    escalates_to: str
    timeline: tuple[TimelineEntry, ...]
    document: Document | None
    diff_title: str
    diff: tuple[DiffLine, ...]
    attempts: tuple[AttemptRow, ...]
    curl: str
    related: tuple[Link, ...]
    editable: str = ""  # the JSON document a repair would correct
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class VerbPreview:
    """What a verb would do, before it is done."""

    verb: Verb
    case: CaseRow
    allowed: bool
    says: str
    sends: tuple[str, ...] = ()
    body: str = ""  # what is sent, when nothing of it changes
    editable: str | None = None  # repair: the document to correct
    diff: tuple[DiffLine, ...] = ()  # repair: what the corrected document changes


# --- orders --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BasketFilter:
    state: str = ""
    account: str = ""
    leg: str = ""  # seller orders in this state
    after: str = ""

    def params(self, **changes: str) -> dict[str, str]:
        values = {name: getattr(self, name) for name in ("state", "account", "leg", "after")}
        values.update(changes)
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class LegMark:
    """One seller order as a mark in the list."""

    order_id: str
    seller: str
    state: State


@dataclass(frozen=True, slots=True)
class BasketRow:
    id: str
    commercial_id: str
    account: str
    placed_at: datetime
    state: State
    ordered: Money
    captured: Money
    legs: tuple[LegMark, ...]
    cases: int
    next_due_at: datetime | None
    next_due: str


@dataclass(frozen=True, slots=True)
class BasketPage:
    filter: BasketFilter
    rows: tuple[BasketRow, ...]
    next_after: str
    accounts: tuple[str, ...]


class StepState(StrEnum):
    DONE = "done"
    NOW = "now"
    FAILED = "failed"
    AHEAD = "ahead"


@dataclass(frozen=True, slots=True)
class Step:
    """One station of a seller order's way."""

    word: str
    state: StepState
    at: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """An obligation with its clock."""

    what: str
    about: str
    href: str
    owner: str
    state: State
    starts_at: datetime
    due_at: datetime
    warn_at: datetime
    ended_at: datetime | None
    money: Money | None

    def used_percent(self, now: datetime) -> int:
        """How much of the time is gone, 0–100."""
        whole = (self.due_at - self.starts_at).total_seconds()
        gone = ((self.ended_at or now) - self.starts_at).total_seconds()
        return 100 if whole <= 0 else max(0, min(100, int(100 * gone / whole)))


@dataclass(frozen=True, slots=True)
class LineView:
    order_line_id: str
    sku: str
    title: str
    quantity: int
    accepted: int
    refused: int
    shipped: int
    cancelled: int
    price: Money
    shipping: Money
    refunded: Money
    commission: Money
    their_state: str


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One witness of a refund."""

    witness: str
    due_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class RefundView:
    external_id: str
    origin: str
    state: State
    amount: Money
    reason: str
    asked_at: datetime
    confirmations: tuple[Confirmation, ...]


@dataclass(frozen=True, slots=True)
class Parcel:
    carrier: str
    tracking: str
    state: State
    shipped_at: datetime | None


@dataclass(frozen=True, slots=True)
class LegView:
    id: str
    order_id: str
    their_name: str  # what the marketplace calls a seller order: "Mirakl order"
    seller: str
    state: State
    steps: tuple[Step, ...]
    promises: tuple[Promise, ...]
    money: tuple[tuple[str, Money], ...]
    lines: tuple[LineView, ...]
    parcels: tuple[Parcel, ...]
    refunds: tuple[RefundView, ...]
    returns: tuple[tuple[str, State, str], ...]  # their id, state, reason


@dataclass(frozen=True, slots=True)
class MessageRow:
    id: str
    kind: str
    external_id: str
    account: str
    received_at: datetime
    state: State
    seen: int
    note: str


@dataclass(frozen=True, slots=True)
class ActionRow:
    """An outgoing action."""

    id: str
    what: str
    account: str
    key: str
    state: State
    planned_at: datetime
    done_at: datetime | None
    attempts: int
    note: str


@dataclass(frozen=True, slots=True)
class BasketDetail:
    id: str
    commercial_id: str
    account: str
    state: State
    placed_at: datetime
    source: str
    money: tuple[tuple[str, Money], ...]
    authorisation_expires_at: datetime | None
    legs: tuple[LegView, ...]
    cases: tuple[CaseRow, ...]
    messages: tuple[MessageRow, ...]
    actions: tuple[ActionRow, ...]
    timeline: tuple[TimelineEntry, ...]


@dataclass(frozen=True, slots=True)
class MessageDetail:
    row: MessageRow
    flow: str
    root: Link | None
    channel: str
    route: str
    headers: Mapping[str, str]
    document: Document
    envelope: Document | None
    cases: tuple[CaseRow, ...]


@dataclass(frozen=True, slots=True)
class ActionDetail:
    row: ActionRow
    flow: str
    root: Link | None
    window_until: datetime
    document: Document
    outcome: Document | None
    attempts: tuple[AttemptRow, ...]
    curl: str
    cases: tuple[CaseRow, ...]


# --- settlement ----------------------------------------------------------------------------------------------------


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
    theirs: Money
    ours: Money | None
    difference: Money | None
    unexplained: Money
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
    their_lines_total: Money
    waterfall: tuple[WaterfallStep, ...]
    causes: tuple[VarianceCause, ...]
    variances: tuple[VarianceRow, ...]
    lines: tuple[StatementLineRow, ...]
    line_filter: str
    next_after: str
    payout: tuple[str, State, str] | None  # voucher, state, transfer


# --- flows, find, today --------------------------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
class FlowsView:
    rows: tuple[FlowRow, ...]


@dataclass(frozen=True, slots=True)
class Found:
    kind: str
    text: str
    detail: str
    href: str


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
    owners: tuple[tuple[str, int], ...]
    week: Week = field(default_factory=lambda: Week((), (), ()))
