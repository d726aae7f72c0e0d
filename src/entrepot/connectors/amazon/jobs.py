"""What they work off by and by and tell in a document: feeds of ours, settlements of theirs.

A list names the jobs since a cursor; each that is over is fetched once. The cursor stays behind the oldest that is not, and
remembers which of the later ones were told.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

import msgspec

from entrepot.connectors.amazon import documents
from entrepot.connectors.amazon.lists import cursor_after, stamp, start_of, token_at, unreadable
from entrepot.connectors.amazon.wire import SELLER, Wire
from entrepot.connectors.amazon.words import OVER
from entrepot.connectors.exchange import Call, Good, problem_of
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.naming import ByRow
from entrepot.connectors.port import Limit, Page, Problem, ProblemCode, Received
from entrepot.connectors.reading import Unreadable, elements, instant, sortable
from entrepot.kernel.ctx import Ctx

TOLD_MAX = 2_000  # ids a cursor remembers


@dataclass(frozen=True, slots=True)
class Job:
    """A feed or a report as they list it. `document`: '' while there is none."""

    id: str
    type: str
    created_at: datetime
    status: str
    document: str
    raw: msgspec.Raw

    @property
    def over(self) -> bool:
        return self.status in OVER


@dataclass(frozen=True, slots=True)
class Kind:
    """Feeds or reports: where they are, how one is read, what is told of it with or without its document."""

    path: str
    at: str
    documents: str
    types: tuple[str, str]  # name of the parameter, value
    read: Callable[[msgspec.Raw], Job]
    tell: Callable[[Job, bytes | None], tuple[Received, ...]]
    fetched: Callable[[Job], bool]


@dataclass(frozen=True, slots=True)
class _Cursor:
    since: str
    told: tuple[str, ...] = ()

    @staticmethod
    def parse(text: str | None) -> "_Cursor":
        since, _, told = (text or "").partition("|")
        return _Cursor(since, tuple(part for part in told.split(",") if part))

    @property
    def text(self) -> str:
        return f"{self.since}|{','.join(self.told[-TOLD_MAX:])}" if self.told else self.since


@dataclass(frozen=True, slots=True)
class JobList(ByRow):
    """A source of jobs. Each `next()` is one call that their ceilings count; a document's own address is not counted."""

    name: str
    row: SourceRow
    kind: Kind
    wire: Wire
    limit: Limit | None

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        here = _Cursor.parse(cursor)
        start = start_of(ctx, self.row, here.since)
        jobs = list[Job]()
        token = ""
        for number in range(self.row.pages_max):
            page, found, following = self._page(ctx, start, token)
            jobs += found
            if page.problem or not following:
                break
            if number == self.row.pages_max - 1:
                words = f"more than {self.row.size * self.row.pages_max} since {stamp(start)}"
                page = replace(page, problem=Problem(ProblemCode.TOO_LONG, words))
                break
            yield page
            token = following
        jobs.sort(key=lambda job: (job.created_at, job.id))
        waiting = [job for job in jobs if self.kind.fetched(job) and job.id not in here.told]
        if page.problem or not waiting:
            yield page if page.problem else replace(page, cursor=self._end(ctx, start, jobs, here.told).text)
            return
        yield page
        told = here.told
        for position, job in enumerate(waiting):
            part = self._document(ctx, job)
            if part.problem:
                yield part
                return
            told = (*told, job.id)
            last = position == len(waiting) - 1
            after = self._end(ctx, start, jobs, told) if last else _Cursor(sortable(start), told)
            yield replace(part, cursor=after.text)

    def _end(self, ctx: Ctx, start: datetime, jobs: list[Job], told: tuple[str, ...]) -> _Cursor:
        open_since = [job.created_at for job in jobs if not job.over]
        newest = max([start, *(job.created_at for job in jobs)])
        since = cursor_after(ctx, self.row, start, min([newest, *open_since]))
        kept = {job.id for job in jobs if job.created_at >= since.replace(microsecond=0)}
        return _Cursor(sortable(since), tuple(one for one in told if one in kept))

    def _page(self, ctx: Ctx, start: datetime, token: str) -> tuple[Page, list[Job], str | None]:
        first = (self.kind.types, ("createdSince", stamp(start)), ("pageSize", str(self.row.size)))
        query = (("nextToken", token),) if token else first
        answer, _ = self.wire.call(ctx, SELLER, Call("GET", self.kind.path, query))
        if not isinstance(answer, Good):
            return Page(self.row.code, {}, b"", problem=problem_of(answer)), [], None
        body, headers = answer.response.body, answer.response.headers
        try:
            jobs = [self.kind.read(raw) for raw in elements(body, self.kind.at)]
            plain = [record for job in jobs if not self.kind.fetched(job) for record in self.kind.tell(job, None)]
            received = tuple(replace(record, position=n) for n, record in enumerate(plain))
            return Page(self.row.code, headers, body, received), jobs, token_at(body, ("nextToken",))
        except Unreadable as error:
            return Page(self.row.code, headers, body, problem=unreadable(error)), [], None

    def _document(self, ctx: Ctx, job: Job) -> Page:
        fetched = documents.fetch(ctx, self.wire, f"{self.kind.documents}/{quote(job.document, safe='')}")
        if isinstance(fetched, Problem):
            return Page(self.row.code, {}, b"", problem=fetched)
        try:
            return Page(self.row.code, {}, fetched.body, self.kind.tell(job, fetched.body))
        except Unreadable as error:
            return Page(self.row.code, {}, fetched.body, problem=unreadable(error))


def instant_of(text: str) -> datetime:
    return instant(text, "$.createdTime")
