"""Offers as everything downstream sees them, and why; corrections that were asked for; what a seller is shown of his own."""

from dataclasses import dataclass, field
from datetime import datetime

from entrepot.kernel.money import Money
from entrepot.web.views.shared import State


@dataclass(frozen=True, slots=True)
class OfferFilter:
    """The offer list's whole state; every field is a query parameter."""

    show: str = ""  # held, overridden, asked, unsellable; empty: every one
    account: str = ""
    seller: str = ""
    after: str = ""

    def params(self, **changes: str) -> dict[str, str]:
        values = {name: getattr(self, name) for name in ("show", "account", "seller", "after")} | changes
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class OfferRow:
    account: str
    id: str
    seller: str
    category: str
    title: str
    price: Money | None
    quantity: str
    state: State
    held: tuple[str, ...]  # reasons, in people's words
    overridden: tuple[str, ...]  # fields
    asked: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class OfferPage:
    filter: OfferFilter
    rows: tuple[OfferRow, ...]
    next_after: str
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OverrideView:
    """`value` lies over `over`, the owner's when it was asked for."""

    id: str
    field: str
    value: str
    over: str
    state: State
    author: str
    reason: str
    large: bool
    second_person: str
    asked_at: datetime
    ends_at: datetime
    ended: str
    waits: bool  # for a second person
    live: bool


@dataclass(frozen=True, slots=True)
class HoldView:
    id: str
    field: str
    word: str
    words: str
    author: str
    starts_at: datetime
    ends_at: datetime
    lifted_at: datetime | None
    lifted: str  # by whom, and why


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field: what counts, what the owner says, where that came from and by which rule."""

    name: str
    word: str
    value: str
    owners: str
    actor: str
    source: str
    message: str  # its id; empty: not by a message
    rule: str
    place: str
    rule_words: str  # the rule of today
    theirs_at: datetime
    ours_at: datetime
    version: int
    override: OverrideView | None
    held: bool
    kind: str  # how a value of it is typed


@dataclass(frozen=True, slots=True)
class RefusedView:
    field: str
    value: str
    actor: str
    word: str
    words: str
    source: str
    count: int
    first_at: datetime
    last_at: datetime
    ended: str


@dataclass(frozen=True, slots=True)
class CorrectionRow:
    """One request. `way`: who asks whom."""

    id: str
    account: str
    object: str
    object_id: str
    field: str
    cause: str
    words: str
    way: str
    seller: str
    state: State
    channel: str
    asked_at: datetime
    answer_by: datetime
    ended_at: datetime | None
    answer: str
    refused: str
    file: str = ""  # its digest, where the rows went back as a file


@dataclass(frozen=True, slots=True)
class ReturnedFile:
    """The seller's own rows with error columns, as they went back to him."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    at: datetime
    field: str
    before: str
    value: str
    actor: str
    source: str
    version: int


@dataclass(frozen=True, slots=True)
class OfferDetail:
    row: OfferRow
    seller_model: str
    currency: str
    fields: tuple[FieldView, ...]
    holds: tuple[HoldView, ...]
    overrides: tuple[OverrideView, ...]
    corrections: tuple[CorrectionRow, ...]
    refused: tuple[RefusedView, ...]
    history: tuple[ChangeRow, ...]
    put_back: tuple[tuple[str, str, int], ...]  # day, field, how often our value was put back


@dataclass(frozen=True, slots=True)
class CorrectionFilter:
    """`show`: open, ended, or all."""

    show: str = "open"
    seller: str = ""
    cause: str = ""
    after: str = ""

    def params(self, **changes: str) -> dict[str, str]:
        values = {name: getattr(self, name) for name in ("show", "seller", "cause", "after")} | changes
        return {name: value for name, value in values.items() if value and not (name == "show" and value == "open")}


@dataclass(frozen=True, slots=True)
class CorrectionGroup:
    """Open requests of one seller and cause: what goes out as one message."""

    seller: str
    cause: str
    word: str
    count: int
    oldest_at: datetime
    answer_by: datetime


@dataclass(frozen=True, slots=True)
class CorrectionPage:
    filter: CorrectionFilter
    rows: tuple[CorrectionRow, ...]
    groups: tuple[CorrectionGroup, ...]
    next_after: str


@dataclass(frozen=True, slots=True)
class AskedRow:
    """One row a seller is asked about. `kind`: how its corrected value is typed: money, number, yes-no or text."""

    id: str
    offer: str
    field: str
    value: str
    words: str
    kind: str = "text"
    wanted: str = ""  # what the asker would like, when he said so


@dataclass(frozen=True, slots=True)
class AskedView:
    """What the link of one message opens: a seller's own rows and nothing else."""

    shop: str  # the marketplace's or operator's name, as the seller knows it
    seller: str
    word: str
    rows: tuple[AskedRow, ...]
    answer_by: datetime
    currency: str = ""
    expired: bool = False
    answered: bool = False


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """What the seller said of one row. Shape: `value` is as he typed it, empty when he gave none."""

    id: str
    accepted: bool
    words: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class AnswerTaken:
    """`problems`: by row id, why a value cannot be taken; then nothing was kept and the link still works."""

    words: str = ""
    problems: dict[str, str] = field(default_factory=dict)
