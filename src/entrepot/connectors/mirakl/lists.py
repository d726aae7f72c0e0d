"""The two ways Mirakl pages, read so that nothing is missed: overlapping always, in time and from page to page.

By offset a list can shift under the reader, so each page proves that it follows the one before; by token it cannot.
Either way a list longer than one run, or than its ceiling allows at once, is continued where the last run stopped.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b

from entrepot.connectors.exchange import Call, Good, problem_of
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.mirakl.records import Records
from entrepot.connectors.mirakl.wire import Wire
from entrepot.connectors.naming import BySpec
from entrepot.connectors.port import Limit, Page, Problem, ProblemCode, Received
from entrepot.connectors.reading import Unreadable, elements, instant, sortable, text_or_none, whole_number
from entrepot.kernel.ctx import Ctx

Mark = Callable[[Received], datetime | None]  # the instant by which their list is filtered


def by_revision(record: Received) -> datetime | None:
    return instant(record.revision, "revision") if record.revision else None


@dataclass(frozen=True, slots=True)
class ListSpec:
    """One list operation: where it is, what it holds, by which date it is filtered."""

    name: str
    kind: str
    path: str
    row: SourceRow
    at: tuple[str, ...]  # where the elements are
    since: str | None = None
    mark: Mark = by_revision
    query: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Base(BySpec):
    spec: ListSpec
    wire: Wire
    records: Records
    limit: Limit | None

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

    def _cursor_after(self, ctx: Ctx, start: datetime, newest: datetime) -> datetime:
        """The newest seen less the overlap; never before where we were, never after now (their clock may be ahead)."""
        return max(start, min(newest, ctx.clock.now()) - timedelta(seconds=self.spec.row.overlap_s))


def unreadable(error: Unreadable) -> Problem:
    return Problem(ProblemCode.UNREADABLE, f"{error.what} (at {error.where})")


@dataclass(frozen=True, slots=True)
class _OffsetCursor:
    """`since`, or, in the middle of a list, `since|newest so far|offset|anchor`. The anchor is the last record read."""

    since: str
    newest: str = ""
    offset: int = 0
    anchor: str = ""

    @staticmethod
    def parse(text: str | None) -> "_OffsetCursor":
        since, newest, offset, anchor = [*(text or "").split("|"), "", "", ""][:4]
        return _OffsetCursor(since, newest, int(offset) if offset.isdecimal() else 0, anchor)

    @property
    def text(self) -> str:
        return f"{self.since}|{self.newest}|{self.offset}|{self.anchor}" if self.anchor else self.since


def anchor_of(record: Received) -> str:
    return blake2b(f"{record.kind} {record.external_id}".encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class OffsetList(_Base):
    """`max` and `offset`, answered with `total_count`. Lists without a date filter keep no cursor and are read whole.

    Every page begins with the last record of the page before it; if that is another one now, the list has moved, and is
    read again from its start.
    """

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        if self.spec.since is None:
            yield from self._whole(ctx)
            return
        stored = _OffsetCursor.parse(cursor)
        start = self._start(ctx, stored.since)
        here = replace(stored, since=sortable(start))
        restarted = False
        for _ in range(self.spec.row.pages_max):
            offset = max(0, here.offset - 1)
            page, promised = self._counted(ctx, self._query(start, offset))
            if page.problem is not None:
                yield page
                return
            if self._moved(page, offset, promised, here):
                if restarted:
                    words = f"the list moved twice while it was read (at record {offset} of {promised})"
                    yield replace(page, problem=Problem(ProblemCode.SHIFTED, words))
                    return
                here, restarted = _OffsetCursor(here.since), True
                yield replace(page, cursor=here.text)
                continue
            marks = [mark for record in page.received if (mark := self.spec.mark(record))]
            newest = max([*marks, instant(here.newest, "cursor") if here.newest else start])
            read = offset + len(page.received)
            if read >= promised:
                yield replace(page, cursor=sortable(self._cursor_after(ctx, start, newest)))
                return
            here = _OffsetCursor(here.since, sortable(newest), read, anchor_of(page.received[-1]))
            yield replace(page, cursor=here.text)

    def _moved(self, page: Page, offset: int, promised: int, here: _OffsetCursor) -> bool:
        """The anchor is gone, or fewer records came than this page must hold."""
        if here.anchor and (not page.received or anchor_of(page.received[0]) != here.anchor):
            return True
        return len(page.received) < min(self.spec.row.size, promised - offset)

    def _whole(self, ctx: Ctx) -> Iterator[Page]:
        """What moves out of the list while it is read was dealt with; what is missed stays in it for the next run."""
        offset = 0
        for _ in range(self.spec.row.pages_max):
            page, promised = self._counted(ctx, self._query(None, offset))
            offset += self.spec.row.size
            yield page
            if page.problem is not None or offset >= promised:
                return

    def _counted(self, ctx: Ctx, query: Sequence[tuple[str, str]]) -> tuple[Page, int]:
        page = self._page(ctx, query)
        if page.problem is not None:
            return page, 0
        try:
            return page, whole_number(page.body, "total_count")
        except Unreadable as error:
            return replace(page, problem=unreadable(error)), 0

    def _query(self, start: datetime | None, offset: int) -> list[tuple[str, str]]:
        query = [("paginate", "true"), ("max", str(self.spec.row.size)), ("offset", str(offset))]
        if start is not None and self.spec.since:
            query.append((self.spec.since, sortable(start)))
        return query


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
        newest = instant(here.newest, "cursor") if here.newest else start
        used = {token}
        for _ in range(self.spec.row.pages_max):
            page, following = self._tokened(ctx, self._query(start, token))
            if resumed and page.problem and page.problem.code is ProblemCode.REFUSED:
                token, resumed = "", False  # page tokens do not live for ever: read the period from its start
                continue
            if page.problem:
                yield page
                return
            newest = max([newest, *(mark for record in page.received if (mark := self.spec.mark(record)))])
            if not following:
                yield replace(page, cursor=sortable(self._cursor_after(ctx, start, newest)))
                return
            if following in used:
                words = "their page tokens go round in a circle"
                yield replace(page, problem=Problem(ProblemCode.UNREADABLE, words))
                return
            used.add(following)
            token, resumed = following, False
            yield replace(page, cursor=f"{sortable(start)}|{sortable(newest)}|{token}")

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
