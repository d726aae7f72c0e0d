"""Sellers' files as the console shows them: who sent what, how far it is, what was wrong with it; and how their words are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from entrepot.bulk.mapping import FieldMap
from entrepot.bulk.previewing import Preview
from entrepot.bulk.rules import Reject
from entrepot.web.views.shared import State


@dataclass(frozen=True, slots=True)
class FeedFilter:
    """The list's whole state; every field is a query parameter."""

    show: str = ""  # waiting, refused, applied; empty: every one
    account: str = ""
    seller: str = ""
    after: str = ""

    def params(self, **changes: str) -> dict[str, str]:
        values = {name: getattr(self, name) for name in ("show", "account", "seller", "after")} | changes
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class FeedRow:
    """`percent`: of the rows of his last file; None: not being read, or nobody can tell. `problem`: why it can never be read."""

    id: str
    account: str
    seller: str
    name: str
    version: int | None
    state: State
    door: str
    size: str
    read: int
    expected: int
    percent: int | None
    changed: int | None
    rejected: int | None
    seen_at: datetime
    ended_at: datetime | None
    problem: str
    whose: str


@dataclass(frozen=True, slots=True)
class FeedPage:
    filter: FeedFilter
    rows: tuple[FeedRow, ...]
    next_after: str
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FeedDetail:
    """`counts`: its rejects are those of the file that counts. `counting`: the arrival that does, where another one does."""

    row: FeedRow
    sent_by: str
    origin: str
    digest: str
    complete: bool
    mapping: str
    same_as: str
    where: str
    started_at: datetime | None
    is_here: bool
    may_read_again: bool
    counts: bool
    counting: str
    numbers: Mapping[str, int] = field(default_factory=dict)
    ending_refused: str = ""
    by_code: tuple[tuple[str, str, int], ...] = ()  # field, code, how often
    rejects: tuple[Reject, ...] = ()
    rejects_after: str = ""


@dataclass(frozen=True, slots=True)
class MappingVersion:
    version: int
    author: str
    reason: str
    saved_at: datetime
    changed: tuple[str, ...]  # against the version before, in words


@dataclass(frozen=True, slots=True)
class MappingView:
    """One seller's mapping, with one of his files. `source`: where the mapping shown comes from. `preview` None: `problem` says why."""

    account: str
    seller: str
    arrival: str
    file: str
    header: Sequence[str]
    first: Sequence[Sequence[str]]
    mapping: FieldMap
    source: str
    draft: str  # the mapping shown, as it would be saved
    looks_up: bool  # JSON lines: expressions are of use
    versions: tuple[MappingVersion, ...]
    files: tuple[tuple[str, str], ...]  # id and name of those that are here
    preview: Preview | None
    problem: str = ""
