"""Lists read page by page by a token, from a cursor that stays behind what was seen.

A list longer than one run, or than its ceiling lets through at once, is continued where the last run stopped. Tokens do not
live for ever: one that is refused sends us back to the start of the period.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from entrepot.connectors.amazon.wire import SELLER, Wire
from entrepot.connectors.exchange import Call, Good, problem_of
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.naming import BySpec
from entrepot.connectors.port import Limit, Page, Problem, ProblemCode, Received
from entrepot.connectors.reading import Unreadable, elements, instant, members, sortable
from entrepot.kernel.ctx import Ctx

Query = tuple[tuple[str, str], ...]


def unreadable(error: Unreadable) -> Problem:
    return Problem(ProblemCode.UNREADABLE, f"{error.what} (at {error.where})")


def token_at(body: bytes, path: Sequence[str]) -> str | None:
    """The token of the next page; missing anywhere on its path means: none. Errors: Unreadable."""
    here: bytes | msgspec.Raw = body
    for name in path:
        inside = members(here)
        if name not in inside or bytes(inside[name]) == b"null":
            return None
        here = inside[name]
    try:
        return msgspec.json.decode(bytes(here), type=str) or None
    except msgspec.DecodeError as error:
        raise Unreadable("the token of the next page is not text", ".".join(("$", *path))) from error


@dataclass(frozen=True, slots=True)
class Spec:
    """One list. `at`: where its elements are; `next_at`: where the next token is; `query`: what else is asked, each time.

    `alone`: a token travels without anything else. `since`: name of the parameter it is filtered by; None:
    read whole. `mark`: the instant by which they filter. `until`, `span`: name of the parameter that ends the period, and how
    long one may be; then the period's end is what was looked at, whether anything was found or not.
    """

    name: str
    row: SourceRow
    path: Callable[[], str]
    at: tuple[str, ...]
    next_at: tuple[str, ...]
    page_by: str
    split: Callable[[Sequence[msgspec.Raw]], tuple[Received, ...]]
    query: Callable[[], Query]
    since: str | None = None
    mark: Callable[[Received], datetime | None] = lambda record: (
        instant(record.revision, "revision") if record.revision else None
    )
    size: str = ""
    alone: bool = False
    until: str = ""
    span: timedelta = timedelta(0)
    role: str = SELLER


@dataclass(frozen=True, slots=True)
class Cursor:
    """`since`, or, when a run stopped in the middle, `since|newest so far|token`."""

    since: str
    newest: str = ""
    token: str = ""

    @staticmethod
    def parse(text: str | None) -> "Cursor":
        since, _, rest = (text or "").partition("|")
        newest, _, token = rest.partition("|")
        return Cursor(since, newest, token)

    @property
    def text(self) -> str:
        return f"{self.since}|{self.newest}|{self.token}" if self.token else self.since


def start_of(ctx: Ctx, row: SourceRow, since: str) -> datetime:
    if since:
        return instant(since, "cursor")
    return ctx.clock.now() - timedelta(seconds=row.first_s)


def cursor_after(ctx: Ctx, row: SourceRow, start: datetime, newest: datetime) -> datetime:
    """The newest seen less the overlap; never before where we were, never after now (their clock may be ahead)."""
    return max(start, min(newest, ctx.clock.now()) - timedelta(seconds=row.overlap_s))


@dataclass(frozen=True, slots=True)
class TokenList(BySpec):
    spec: Spec
    wire: Wire
    limit: Limit | None

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        here = Cursor.parse(cursor if self.spec.since else None)
        start, token, resumed = start_of(ctx, self.spec.row, here.since), here.token, bool(here.token)
        newest = instant(here.newest, "cursor") if here.newest else start
        end = min(ctx.clock.now(), start + self.spec.span) if self.spec.until else None
        used = {token}
        for _ in range(self.spec.row.pages_max):
            page, following = self._page(ctx, start, end, token)
            if resumed and page.problem and page.problem.code is ProblemCode.REFUSED:
                token, resumed = "", False
                yield replace(page, cursor=sortable(start), problem=None)  # a call was made; the period is read anew
                continue
            if page.problem:
                yield page
                return
            newest = max([newest, *(mark for record in page.received if (mark := self.spec.mark(record)))])
            if not following:
                newest = max(newest, end or newest)
                yield self._moved(page, sortable(cursor_after(ctx, self.spec.row, start, newest)))
                return
            if following in used:
                yield replace(page, problem=Problem(ProblemCode.UNREADABLE, "their page tokens go round in a circle"))
                return
            used.add(following)
            token, resumed = following, False
            yield self._moved(page, Cursor(sortable(start), sortable(newest), token).text)

    def _moved(self, page: Page, cursor: str) -> Page:
        return replace(page, cursor=cursor) if self.spec.since else page

    def _query(self, start: datetime, end: datetime | None, token: str) -> Query:
        spec = self.spec
        if token and spec.alone:
            return ((spec.page_by, token),)
        query = spec.query()
        if spec.size:
            query += ((spec.size, str(spec.row.size)),)
        if spec.since:
            query += ((spec.since, stamp(start)),)
        if end is not None:
            query += ((spec.until, stamp(end)),)
        return (*query, (spec.page_by, token)) if token else query

    def _page(self, ctx: Ctx, start: datetime, end: datetime | None, token: str) -> tuple[Page, str | None]:
        call = Call("GET", self.spec.path(), self._query(start, end, token))
        answer, _ = self.wire.call(ctx, self.spec.role, call)
        code = self.spec.row.code
        if not isinstance(answer, Good):
            return Page(code, {}, b"", problem=problem_of(answer)), None
        body, headers = answer.response.body, answer.response.headers
        try:
            received = self.spec.split(elements(body, *self.spec.at))
            return Page(code, headers, body, received), token_at(body, self.spec.next_at)
        except Unreadable as error:
            return Page(code, headers, body, problem=unreadable(error)), None


def stamp(at: datetime) -> str:
    """An instant as they take it: seconds, `Z`."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
