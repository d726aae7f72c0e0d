"""Walmart's lists that go on by a cursor, read so that nothing is missed: overlapping always, page after page.

`nextCursor` is, as published, a query string to append ("?limit=200&hasMoreElements=true&poIndex=…"); in the item list it is
a value. It holds the filters already. An empty list may be answered 404 CONTENT_NOT_FOUND. Dates carry no fractions.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from entrepot.connectors.exchange import Call, Good, Rejected, problem_of
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.naming import BySpec
from entrepot.connectors.port import Limit, Page, Problem, ProblemCode, Received
from entrepot.connectors.reading import NOT_JSON, Unreadable, elements, instant, members, sortable
from entrepot.connectors.walmart.wire import NOTHING_FOUND, Wire
from entrepot.kernel.ctx import Ctx

Query = Sequence[tuple[str, str]]
HISTORY = timedelta(days=179)  # "only orders created in last 180 days"; asked for, or it is the last seven days


def stamp(at: datetime) -> str:
    """An instant as they take it: with fractions of a second it is refused."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def unreadable(error: Unreadable) -> Problem:
    return Problem(ProblemCode.UNREADABLE, f"{error.what} (at {error.where})")


def inner(body: bytes, *path: str) -> bytes:
    """The object at a path of nested objects. Errors: Unreadable."""
    here = body
    for name in path:
        here = bytes(members(here).get(name, msgspec.Raw(b"null")))
    return here


def text_at(body: bytes, *path: str) -> str | None:
    """A text at a path; null and missing are None. Errors: Unreadable."""
    try:
        return msgspec.json.decode(inner(body, *path), type=str | None)
    except NOT_JSON as error:
        raise Unreadable(f"“{path[-1]}” is neither text nor null", ".".join(("$", *path))) from error


def page_of(wire: Wire, ctx: Ctx, row: SourceRow, path: str, query: Query) -> tuple[Page, bool]:
    """One call as a page without records, and whether it said that there is nothing."""
    answer, _ = wire.call(ctx, row.role, Call("GET", path, tuple(query)))
    if isinstance(answer, Rejected) and answer.refusal.code.startswith(NOTHING_FOUND):
        return Page(row.code, answer.response.headers, answer.response.body), True
    if not isinstance(answer, Good):
        return Page(row.code, {}, b"", problem=problem_of(answer)), False
    return Page(row.code, answer.response.headers, answer.response.body), False


@dataclass(frozen=True, slots=True)
class CursorSpec:
    """One list: where it is, where its elements and its cursor are, by which date it is filtered. `first`: cursor of the first page."""

    name: str
    path: str
    row: SourceRow
    at: tuple[str, ...]
    cursor_at: tuple[str, ...]
    split: Callable[[list[msgspec.Raw], datetime], tuple[Received, ...]]
    since: str = ""
    history: str = ""
    first: str = ""
    query: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Cursor:
    """`since`, or, in the middle of a list, `since|newest so far|their cursor`."""

    since: str
    newest: str = ""
    theirs: str = ""

    @staticmethod
    def parse(text: str | None) -> "_Cursor":
        since, _, rest = (text or "").partition("|")
        newest, _, theirs = rest.partition("|")
        return _Cursor(since, newest, theirs)


@dataclass(frozen=True, slots=True)
class CursorList(BySpec):
    """Pages until the cursor ends. Lists without a date filter keep no cursor of ours and are read whole each time."""

    spec: CursorSpec
    wire: Wire
    limit: Limit | None

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        stored = _Cursor.parse(cursor) if self.spec.since else _Cursor("")
        start = self._start(ctx, stored.since)
        newest = instant(stored.newest, "cursor") if stored.newest else start
        theirs, resumed = stored.theirs or self.spec.first, bool(stored.theirs)
        used = {theirs}
        for _ in range(self.spec.row.pages_max):
            page, following = self._page(ctx, start, theirs)
            if resumed and page.problem and page.problem.code is ProblemCode.REFUSED:
                theirs, resumed = self.spec.first, False  # their cursors do not live for ever
                used = {theirs}
                continue
            if page.problem:
                yield page
                return
            newest = max([newest, *(instant(one.revision, "revision") for one in page.received if one.revision)])
            if not following:
                yield replace(page, cursor=self._after(ctx, start, newest))
                return
            if following in used:
                words = "their cursors go round in a circle"
                yield replace(page, problem=Problem(ProblemCode.UNREADABLE, words))
                return
            used.add(following)
            theirs, resumed = following, False
            yield replace(page, cursor=f"{sortable(start)}|{sortable(newest)}|{theirs}" if self.spec.since else None)
        if not self.spec.since:
            words = f"the list is longer than {self.spec.row.size * self.spec.row.pages_max}"
            yield Page(self.spec.row.code, {}, b"", problem=Problem(ProblemCode.TOO_LONG, words))

    def _start(self, ctx: Ctx, since: str) -> datetime:
        return instant(since, "cursor") if since else ctx.clock.now() - timedelta(seconds=self.spec.row.first_s)

    def _after(self, ctx: Ctx, start: datetime, newest: datetime) -> str | None:
        """The newest seen less the overlap; never before where we were, never after now (their clock may be ahead)."""
        if not self.spec.since:
            return None
        return sortable(max(start, min(newest, ctx.clock.now()) - timedelta(seconds=self.spec.row.overlap_s)))

    def _page(self, ctx: Ctx, start: datetime, theirs: str) -> tuple[Page, str | None]:
        page, empty = page_of(self.wire, ctx, self.spec.row, self.spec.path, self._query(ctx, start, theirs))
        if page.problem or empty:
            return page, None
        try:
            received = self.spec.split(elements(page.body, *self.spec.at), ctx.clock.now())
            return replace(page, received=received), text_at(page.body, *self.spec.cursor_at)
        except Unreadable as error:
            return replace(page, problem=unreadable(error)), None

    def _query(self, ctx: Ctx, start: datetime, theirs: str) -> list[tuple[str, str]]:
        if theirs.startswith("?"):
            return parse_qsl(theirs[1:], keep_blank_values=True)
        query: list[tuple[str, Any]] = [("limit", str(self.spec.row.size)), *self.spec.query]
        if self.spec.since:
            query.append((self.spec.since, stamp(start)))
        if self.spec.history:
            query.append((self.spec.history, stamp(ctx.clock.now() - HISTORY)))
        if theirs:
            query.append(("nextCursor", theirs))
        return query
