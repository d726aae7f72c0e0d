"""The ways eBay pages, read so that nothing is missed: overlapping always in time, and counted from page to page.

A list names how many records it holds. When fewer different ones came than the first page promised, or it has become
shorter meanwhile, it moved under the reader and is read again from its start. A list longer than one run is continued
where the last run stopped.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from entrepot.connectors.ebay.records import Records
from entrepot.connectors.ebay.wire import Wire
from entrepot.connectors.exchange import Call, Good, Rejected, problem_of
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.naming import BySpec, OfPages
from entrepot.connectors.port import Limit, Page, Problem, ProblemCode, Received
from entrepot.connectors.reading import (
    Unreadable,
    elements,
    instant,
    maybe_instant,
    members,
    sortable,
    text_or_none,
    typed,
    whole_number,
)
from entrepot.kernel.ctx import Ctx

Query = tuple[tuple[str, str], ...]
Mark = Callable[[bytes], datetime | None]  # the instant of one element by which its list is filtered
NO_CONTENT, NOTHING = 204, b"{}"
MOVED = "the list moved twice while it was read"


def stamp(at: datetime) -> str:
    """An instant as eBay's filters take it: milliseconds, Z."""
    return sortable(at)[:23] + "Z"


def dated(*path: str) -> Mark:
    """The instant at a path of an element; None where it cannot be read: the record itself says so when it is decided."""

    def mark(raw: bytes) -> datetime | None:
        try:
            for name in path[:-1]:
                raw = bytes(members(raw)[name])
            return maybe_instant(text_or_none(raw, path[-1]), path[-1])
        except (Unreadable, KeyError):
            return None

    return mark


def undated(_raw: bytes) -> datetime | None:
    return None


def some(body: bytes, name: str) -> list[msgspec.Raw]:
    """The list of an answer that leaves it out when it is empty. Errors: Unreadable."""
    return elements(body, name) if name in members(body) else []


def unreadable(error: Unreadable) -> Problem:
    return Problem(ProblemCode.UNREADABLE, f"{error.what} (at {error.where})")


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a page stands in its list: how many records the whole holds, and the query of the next page, if there is one.

    `ids`: by which its records are counted; `marks`: their instants.
    """

    promised: int
    following: Query | None
    ids: frozenset[str] = frozenset()
    marks: tuple[datetime, ...] = ()


Turning = Callable[[bytes, Query, int], Turn]


def by_href(body: bytes, _query: Query, _read: int) -> Turn:
    """The REST interfaces: `total`, and `next` as an address of which only the query is followed."""
    href = text_or_none(body, "next")
    following = tuple(parse_qsl(urlsplit(href).query, keep_blank_values=True)) if href else ()
    return Turn(whole_number(body, "total"), following or None)


class _Pagination(msgspec.Struct):
    totalEntries: int
    totalPages: int
    offset: int


def by_number(body: bytes, query: Query, _read: int) -> Turn:
    """The post-order interface: `paginationOutput`, and an `offset` that counts pages from 1."""
    inside = members(body)
    if "paginationOutput" not in inside:
        raise Unreadable("“paginationOutput” is missing", "$.paginationOutput")
    told = typed(inside["paginationOutput"], _Pagination)
    if told.offset >= told.totalPages:
        return Turn(told.totalEntries, None)
    asked = {name: value for name, value in query if name != "offset"}
    return Turn(told.totalEntries, (*asked.items(), ("offset", str(told.offset + 1))))


@dataclass(frozen=True, slots=True)
class ListSpec:
    """One list operation: where it is, what it holds, and by which date it is filtered.

    `since` makes the filter from where we were and from now. `at`: where the elements are. `kind`: None when the elements are no records
    themselves, but say what to read next.
    """

    name: str
    kind: str | None
    path: str
    row: SourceRow
    at: tuple[str, ...]
    since: Callable[[datetime, datetime], Query] | None = None
    mark: Mark = undated
    turn: Turning = by_href
    first: str = "0"  # the offset of the first page


@dataclass(frozen=True, slots=True)
class _Cursor:
    """`since`, or, in the middle of a list, `since|newest|promised|read|query of the next page`."""

    since: str
    newest: str = ""
    promised: int = -1
    read: int = 0
    following: str = ""

    @staticmethod
    def parse(text: str | None) -> "_Cursor":
        since, newest, promised, read, following = [*(text or "").split("|", 4), "", "", "", ""][:5]
        if not (promised.isdecimal() and read.isdecimal() and following):
            return _Cursor(since)
        return _Cursor(since, newest, int(promised), int(read), following)

    @property
    def text(self) -> str:
        if not self.following:
            return self.since
        return f"{self.since}|{self.newest}|{self.promised}|{self.read}|{self.following}"


@dataclass(frozen=True, slots=True)
class EbayList(BySpec):
    """One list of eBay, read page by page."""

    spec: ListSpec
    wire: Wire
    records: Records
    limit: Limit | None

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        here = _Cursor.parse(cursor)
        start = instant(here.since, "cursor") if here.since else self._first(ctx)
        here = replace(here, since=sortable(start))
        seen: set[str] = set()
        restarted = False
        for _ in range(self.spec.row.pages_max):
            query = (
                tuple(parse_qsl(here.following, keep_blank_values=True)) if here.following else self._query(ctx, start)
            )
            page, turn = self._turned(ctx, query)
            if page.problem is not None or turn is None:
                yield page
                return
            fresh = turn.ids - seen
            seen |= turn.ids
            promised = turn.promised if here.promised < 0 else here.promised
            newest = max([*turn.marks, instant(here.newest, "cursor") if here.newest else start])
            here = _Cursor(here.since, sortable(newest), promised, here.read + len(fresh))
            if turn.promised < promised or (turn.following is None and here.read < promised):
                if restarted:
                    yield replace(page, problem=Problem(ProblemCode.SHIFTED, f"{MOVED} ({here.read} of {promised})"))
                    return
                here, restarted = _Cursor(here.since), True
                seen = set()
                yield replace(page, cursor=here.text)
                continue
            if turn.following is None:
                yield replace(page, cursor=sortable(self._after(ctx, start, newest)))
                return
            here = replace(here, following=urlencode(turn.following))
            if turn.following == query:
                yield replace(page, problem=Problem(ProblemCode.UNREADABLE, "their next page is this page again"))
                return
            yield replace(page, cursor=here.text)

    def _first(self, ctx: Ctx) -> datetime:
        return ctx.clock.now() - timedelta(seconds=self.spec.row.first_s)

    def _after(self, ctx: Ctx, start: datetime, newest: datetime) -> datetime:
        """The newest seen less the overlap; never before where we were, never after now (their clock may be ahead)."""
        return max(start, min(newest, ctx.clock.now()) - timedelta(seconds=self.spec.row.overlap_s))

    def _query(self, ctx: Ctx, start: datetime) -> Query:
        own = self.spec.since(start, ctx.clock.now()) if self.spec.since else ()
        return (*own, ("limit", str(self.spec.row.size)), ("offset", self.spec.first))

    def _turned(self, ctx: Ctx, query: Query) -> tuple[Page, Turn | None]:
        """One page, and where it stands."""
        code = self.spec.row.code
        answer, _ = self.wire.call(ctx, self.spec.row.role, Call("GET", self.spec.path, query))
        if not isinstance(answer, Good):
            return Page(code, {}, b"", problem=problem_of(answer)), None
        body, headers = answer.response.body, answer.response.headers
        if answer.response.status == NO_CONTENT:  # how some of their lists say that they are empty
            return Page(code, headers, body), Turn(0, None)
        try:
            raws = elements(body, *self.spec.at)
            received = self.records.split(self.spec.kind, raws) if self.spec.kind else ()
            turn = self.spec.turn(body, query, len(raws))
        except Unreadable as error:
            return Page(code, headers, body, problem=unreadable(error)), None
        marks = tuple(at for raw in raws if (at := self.spec.mark(bytes(raw))))
        return Page(code, headers, body, received), replace(turn, ids=_ids(received, raws), marks=marks)


def _ids(received: Sequence[Received], raws: Sequence[msgspec.Raw]) -> frozenset[str]:
    """By which elements are counted once: their names, else their bytes."""
    if len(received) == len(raws):
        return frozenset(record.external_id for record in received)
    return frozenset(blake2b(bytes(raw), digest_size=8).hexdigest() for raw in raws)


@dataclass(frozen=True, slots=True)
class Step:
    """One more call that an answer asks for, and what to make of its answer: records, and further steps.

    `absent`: the statuses by which they say that there is nothing of the kind, which is an answer.
    """

    role: str
    call: Call
    code: str
    read: Callable[[bytes], tuple[tuple[Received, ...], Sequence["Step"]]]
    absent: frozenset[int] = frozenset()


def take(ctx: Ctx, wire: Wire, step: Step) -> tuple[Page, Sequence[Step]]:
    """One step's call, as a page. An object without a single field says nothing, and above all not that there is nothing."""
    answer, _ = wire.call(ctx, step.role, step.call)
    if isinstance(answer, Rejected) and answer.response.status in step.absent:
        response = replace(answer.response, status=NO_CONTENT)
    elif isinstance(answer, Good):
        response = answer.response
    else:
        return Page(step.code, {}, b"", problem=problem_of(answer)), ()
    body = NOTHING if response.status == NO_CONTENT else response.body
    try:
        if response.status != NO_CONTENT and not members(body):
            raise Unreadable("an empty object")
        received, more = step.read(body)
    except Unreadable as error:
        return Page(step.code, response.headers, body, problem=unreadable(error)), ()
    return Page(step.code, response.headers, body, received), more


@dataclass(frozen=True, slots=True)
class DeepList(OfPages):
    """A list whose elements each ask for further calls. The cursor moves with the last of them: what was cut is read again.

    `steps` says what a page of the list asks for.
    """

    pages: EbayList
    steps: Callable[[bytes], Sequence[Step]]

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        for page in self.pages.fetch(ctx, cursor):
            if page.problem is not None:
                yield page
                return
            try:
                waiting = deque(self.steps(page.body) if page.body else ())
            except Unreadable as error:
                yield replace(page, cursor=None, problem=unreadable(error))
                return
            yield replace(page, cursor=None if waiting else page.cursor)
            while waiting:
                found, more = take(ctx, self.pages.wire, waiting.popleft())
                waiting.extendleft(reversed(more))
                if found.problem is not None:
                    yield found
                    return
                yield replace(found, cursor=None if waiting else page.cursor)
