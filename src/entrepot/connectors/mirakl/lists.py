"""The two ways Mirakl pages, read so that nothing is missed: overlap always, the cursor moves only after a whole list.

By offset a list can shift under the reader; who saw fewer records than the first page promised reads again. By token it
cannot, and a long list is continued where the last run stopped.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from entrepot.connectors.exchange import Call, Good, problem_of
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.mirakl.records import Records
from entrepot.connectors.mirakl.wire import Wire
from entrepot.connectors.port import Limit, Page, Problem, ProblemCode, Received
from entrepot.connectors.reading import Unreadable, elements, instant, sortable, text_or_none, whole_number
from entrepot.kernel.ctx import Ctx

HALVINGS_MAX = 20
SHIFTS_READ_AGAIN = 1
Mark = Callable[[Received], datetime | None]  # the instant by which their list is filtered


def by_revision(record: Received) -> datetime | None:
    return instant(record.revision, "revision") if record.revision else None


@dataclass(frozen=True, slots=True)
class ListSpec:
    """One list operation: where it is, what it holds, by which parameters it is filtered."""

    name: str
    kind: str
    path: str
    row: SourceRow
    at: tuple[str, ...]  # where the elements are
    since: str | None = None
    until: str | None = None
    mark: Mark = by_revision
    query: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Base:
    spec: ListSpec
    wire: Wire
    records: Records
    limit: Limit | None

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def flow(self) -> str:
        return self.spec.row.flow

    @property
    def every_s(self) -> float:
        return self.spec.row.every_s

    def _start(self, ctx: Ctx, since: str | None) -> datetime:
        if since:
            return instant(since, "cursor")
        return ctx.clock.now() - timedelta(seconds=self.spec.row.first_s)

    def _page(self, ctx: Ctx, query: Sequence[tuple[str, str]]) -> Page:
        answer, _ = self.wire.call(ctx, self.spec.row.role, Call("GET", self.spec.path, (*query, *self.spec.query)))
        if not isinstance(answer, Good):
            return Page(self.spec.row.code, {}, b"", problem=problem_of(answer))
        body, headers = answer.response.body, answer.response.headers
        try:
            received = self.records.split(self.spec.kind, elements(body, *self.spec.at))
        except Unreadable as error:
            return Page(self.spec.row.code, headers, body, problem=unreadable(error))
        return Page(self.spec.row.code, headers, body, received)

    def _cursor_after(self, ctx: Ctx, start: datetime, marks: Sequence[datetime]) -> datetime:
        """The newest seen less the overlap; never before where we were, never after now (their clock may be ahead)."""
        newest = min(max(marks, default=start), ctx.clock.now())
        return max(start, newest - timedelta(seconds=self.spec.row.overlap_s))


def unreadable(error: Unreadable) -> Problem:
    return Problem(ProblemCode.UNREADABLE, f"{error.what} (at {error.where})")


@dataclass(slots=True)
class _Seen:
    ids: set[str] = field(default_factory=set)
    marks: list[datetime] = field(default_factory=list)

    def add(self, page: Page, mark: Mark) -> None:
        for record in page.received:
            self.ids.add(f"{record.kind} {record.external_id}")
            marked = mark(record)
            if marked is not None:
                self.marks.append(marked)


class _End(Enum):
    """How reading one window ended."""

    OVER = "over"
    TOO_LONG = "too long"  # more than one run may read
    SHIFTED = "shifted"  # fewer records came than the first page promised


@dataclass(frozen=True, slots=True)
class OffsetList(_Base):
    """`max` and `offset`, answered with `total_count`. The cursor is an instant; without a date filter none is kept."""

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        start = self._start(ctx, cursor) if self.spec.since else None
        until: datetime | None = None
        shifts = 0
        for _ in range(HALVINGS_MAX):
            end = yield from self._window(ctx, start, until, shifts)
            if end is _End.SHIFTED and shifts < SHIFTS_READ_AGAIN:
                shifts += 1
                continue
            half = self._half(ctx, start, until) if end is _End.TOO_LONG else None
            if half is None:
                return
            until = half

    def _half(self, ctx: Ctx, start: datetime | None, until: datetime | None) -> datetime | None:
        """A shorter period to read first; None when it would no longer bring the cursor forward."""
        if start is None or self.spec.until is None:
            return None
        half = start + ((until or ctx.clock.now()) - start) / 2
        return half if half - start > timedelta(seconds=2 * self.spec.row.overlap_s) else None

    def _window(
        self, ctx: Ctx, start: datetime | None, until: datetime | None, shifts: int
    ) -> Generator[Page, None, _End]:
        row, seen, promised, offset = self.spec.row, _Seen(), 0, 0
        while True:
            page = self._counted(ctx, self._query(start, until, offset))
            if page.problem is not None:
                yield page.page
                return _End.OVER
            seen.add(page.page, self.spec.mark)
            promised, offset = promised or page.total, offset + row.size
            if page.total > row.size * row.pages_max:
                words = f"{page.total} records are more than {row.pages_max} pages"
                yield replace(page.page, problem=Problem(ProblemCode.TOO_LONG, words))
                return _End.TOO_LONG
            if offset >= page.total or not page.page.received:
                break
            yield page.page
        if start is None:
            yield page.page  # no cursor: the whole list is read each time, and what was missed comes with the next
            return _End.OVER
        if len(seen.ids) < promised:
            words = f"{promised} records were promised, {len(seen.ids)} came: the list moved while it was read"
            problem = Problem(ProblemCode.SHIFTED, words) if shifts >= SHIFTS_READ_AGAIN else None
            yield replace(page.page, problem=problem)
            return _End.SHIFTED
        marks = seen.marks if until is None else [until]
        yield replace(page.page, cursor=sortable(self._cursor_after(ctx, start, marks)))
        return _End.OVER

    def _counted(self, ctx: Ctx, query: Sequence[tuple[str, str]]) -> "_Counted":
        page = self._page(ctx, query)
        if page.problem is not None:
            return _Counted(page)
        try:
            return _Counted(page, whole_number(page.body, "total_count"))
        except Unreadable as error:
            return _Counted(replace(page, problem=unreadable(error)))

    def _query(self, start: datetime | None, until: datetime | None, offset: int) -> list[tuple[str, str]]:
        query = [("paginate", "true"), ("max", str(self.spec.row.size)), ("offset", str(offset))]
        if start is not None and self.spec.since:
            query.append((self.spec.since, sortable(start)))
        if until is not None and self.spec.until:
            query.append((self.spec.until, sortable(until)))
        return query


@dataclass(frozen=True, slots=True)
class _Counted:
    page: Page
    total: int = 0

    @property
    def problem(self) -> Problem | None:
        return self.page.problem


@dataclass(frozen=True, slots=True)
class _SeekCursor:
    """`since`, or, when the last run stopped in the middle, `since|newest so far|page token`."""

    since: str | None
    newest: str
    token: str

    @staticmethod
    def parse(text: str | None) -> "_SeekCursor":
        since, _, rest = (text or "").partition("|")
        newest, _, token = rest.partition("|")
        return _SeekCursor(since or None, newest, token)


@dataclass(frozen=True, slots=True)
class SeekList(_Base):
    """`limit` and `page_token`, answered with `data` and `next_page_token`."""

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        here = _SeekCursor.parse(cursor)
        start, token, resumed = self._start(ctx, here.since), here.token, bool(here.token)
        seen, used = _Seen(), {token}
        if here.newest:
            seen.marks.append(instant(here.newest, "cursor"))
        for number in range(1, self.spec.row.pages_max + 1):
            page, following = self._tokened(ctx, self._query(start, token))
            if resumed and page.problem and page.problem.code is ProblemCode.REFUSED:
                token, resumed = "", False  # page tokens do not live for ever: read the period from its start
                continue
            if page.problem:
                yield page
                return
            seen.add(page, self.spec.mark)
            if not following:
                yield replace(page, cursor=sortable(self._cursor_after(ctx, start, seen.marks)))
                return
            if following in used:
                words = "their page tokens go round in a circle"
                yield replace(page, problem=Problem(ProblemCode.UNREADABLE, words))
                return
            used.add(following)
            token, resumed = following, False
            if number == self.spec.row.pages_max:
                newest = sortable(max(seen.marks, default=start))
                page = replace(page, cursor=f"{sortable(start)}|{newest}|{token}")
            yield page

    def _tokened(self, ctx: Ctx, query: Sequence[tuple[str, str]]) -> tuple[Page, str | None]:
        page = self._page(ctx, query)
        if page.problem is not None:
            return page, None
        try:
            return page, text_or_none(page.body, "next_page_token")
        except Unreadable as error:
            return replace(page, problem=unreadable(error)), None

    def _query(self, start: datetime, token: str) -> list[tuple[str, str]]:
        query = [("limit", str(self.spec.row.size))]
        if self.spec.since:
            query.append((self.spec.since, sortable(start)))
        if token:
            query.append(("page_token", token))
        return query
