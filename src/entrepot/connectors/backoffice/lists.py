"""The back office's lists of changes, read so that nothing is missed: each run begins a little before the last one ended."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from entrepot.connectors.backoffice.records import Records
from entrepot.connectors.bearer import Wire
from entrepot.connectors.exchange import Call, Good, problem_of
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.naming import ByRow
from entrepot.connectors.port import Limit, Page, Problem, ProblemCode
from entrepot.connectors.reading import Unreadable, elements, instant, sortable, text_or_none
from entrepot.kernel.ctx import Ctx


@dataclass(frozen=True, slots=True)
class _Cursor:
    """`since`, or, when the last run stopped in the middle, `since|newest so far|their cursor`. No `since`: from the beginning."""

    since: str
    newest: str = ""
    theirs: str = ""

    @staticmethod
    def parse(text: str | None) -> "_Cursor":
        since, newest, theirs = [*(text or "").split("|", 2), "", ""][:3]
        return _Cursor(since, newest, theirs)

    @property
    def text(self) -> str:
        return f"{self.since}|{self.newest}|{self.theirs}" if self.theirs else self.since


@dataclass(frozen=True, slots=True)
class ChangeList(ByRow):
    """One list: `GET /<name>?since=&cursor=`, answered with the elements under its name, and `next`."""

    name: str
    kind: str
    row: SourceRow
    wire: Wire
    records: Records
    limit: Limit | None

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        here = self._start(ctx, _Cursor.parse(cursor))
        resumed, used = bool(here.theirs), {here.theirs}
        for _ in range(self.row.pages_max):
            page, following = self._page(ctx, here)
            if resumed and page.problem and page.problem.code is ProblemCode.REFUSED:
                here, resumed = replace(here, theirs=""), False  # cursors do not live for ever: read on from `since`
                continue
            if page.problem:
                yield page
                return
            here, resumed = replace(here, newest=self._newest(page, here.newest)), False
            if not following:
                yield replace(page, cursor=self._after(ctx, here) or None)
                return
            if following in used:
                words = "their cursors go round in a circle"
                yield replace(page, problem=Problem(ProblemCode.UNREADABLE, words))
                return
            used.add(following)
            here = replace(here, theirs=following)
            yield replace(page, cursor=here.text)

    def _start(self, ctx: Ctx, stored: _Cursor) -> _Cursor:
        """Where the last run ended; the first run looks back as far as the manifest says, or reads all there is."""
        if stored.since or stored.theirs or not self.row.first_s:
            return stored
        return _Cursor(sortable(ctx.clock.now() - timedelta(seconds=self.row.first_s)))

    def _newest(self, page: Page, so_far: str) -> str:
        return max([so_far, *(self.records.marked(record) for record in page.received)])

    def _after(self, ctx: Ctx, here: _Cursor) -> str:
        """The newest seen less the overlap; never before where we were, never after now (their clock may be ahead)."""
        if not here.newest:
            return here.since
        newest = min(instant(here.newest, "cursor"), ctx.clock.now()) - timedelta(seconds=self.row.overlap_s)
        return max(here.since, sortable(newest))

    def _page(self, ctx: Ctx, here: _Cursor) -> tuple[Page, str | None]:
        query: Sequence[tuple[str, str]] = [
            (name, value) for name, value in (("since", here.since), ("cursor", here.theirs)) if value
        ]
        answer, _ = self.wire.call(ctx, self.row.role, Call("GET", f"/{self.name}", query))
        if not isinstance(answer, Good):
            return Page(self.row.code, {}, b"", problem=problem_of(answer)), None
        body, headers = answer.response.body, answer.response.headers
        page = Page(self.row.code, headers, body)
        try:
            page = replace(page, received=self.records.split(self.kind, elements(body, self.name)))
            return page, text_or_none(body, "next")
        except Unreadable as error:
            problem = Problem(ProblemCode.UNREADABLE, f"{error.what} (at {error.where})")
            return replace(page, problem=problem), None
