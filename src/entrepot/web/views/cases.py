"""Cases and what may be done about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from entrepot.kernel.money import Money
from entrepot.web.ports import Verb
from entrepot.web.views.questions import QuestionRow
from entrepot.web.views.shared import AttemptRow, DiffLine, Document, Link, State, TimelineEntry


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """The case list's whole state; every field is a query parameter."""

    show: str = "open"  # open, overdue, due-soon, suppressed, resolved
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
    assignee: str = ""
    waiting_on: str = ""
    members: int = 0  # of a group: how many still fail
    members_seen: int = 0
    suppressed_until: datetime | None = None
    shadow: bool = False  # of a flow that only observes: nobody is told


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One object of a group's case."""

    subject: str
    href: str
    cause: str
    money: Money | None
    count: int
    seen_at: datetime
    gone_at: datetime | None = None
    gone_because: str = ""


@dataclass(frozen=True, slots=True)
class OwnedOffer:
    """An offer a case is about, whose fields are corrected by their owners.  Shape: values of field → as it is read."""

    id: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CasePage:
    filter: CaseFilter
    rows: tuple[CaseRow, ...]
    total: int
    total_is_capped: bool
    next_after: str
    owners: tuple[str, ...]
    accounts: tuple[str, ...]
    business: int = 0  # open ones of each kind: two lists that never mix
    system: int = 0


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
    system: str = ""  # whose card says what goes on without it; empty: the hub's own
    members: tuple[MemberRow, ...] = ()
    questions: tuple[QuestionRow, ...] = ()
    owned: tuple[OwnedOffer, ...] = ()  # a repair is of their fields, not of a document


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
    members: int = 0  # of a group: how many it reaches; what is shown is the first one's
    left: int = 0  # and how many it does not
    owned: tuple[OwnedOffer, ...] = ()  # repair: offers whose fields are to be corrected
