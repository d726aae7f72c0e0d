"""Reports that must be asked for: requested in one run, looked after in the next, fetched and unpacked when it is done.

The cursor holds what is on the way. A report they cancel had no data; one that failed is asked for anew.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

import msgspec

from entrepot.connectors.amazon import documents
from entrepot.connectors.amazon.lists import stamp, start_of, unreadable
from entrepot.connectors.amazon.wire import SELLER, Wire, json_call
from entrepot.connectors.amazon.words import OVER
from entrepot.connectors.exchange import Call, Good, problem_of
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.naming import ByRow
from entrepot.connectors.port import Limit, Page, Problem, ProblemCode, Received
from entrepot.connectors.reading import UnknownWord, Unreadable, instant, sortable, typed
from entrepot.kernel.ctx import Ctx

REPORTS, REPORT_DOCUMENTS = "/reports/2021-06-30/reports", "/reports/2021-06-30/documents"
SPAN_MAX_S = 30 * 86_400.0  # of one report
WORKING = frozenset({"IN_QUEUE", "IN_PROGRESS"})


class _Made(msgspec.Struct):
    reportId: str


class Report(msgspec.Struct):
    """A report as they list it."""

    reportId: str
    reportType: str
    createdTime: str
    processingStatus: str
    processingEndTime: str | None = None
    reportDocumentId: str | None = None


@dataclass(frozen=True, slots=True)
class _Cursor:
    """`since`, and, while a report is on its way, its number and the end of what it covers."""

    since: str
    report_id: str = ""
    until: str = ""

    @staticmethod
    def parse(text: str | None) -> "_Cursor":
        since, report_id, until = [*(text or "").split("|"), "", ""][:3]
        return _Cursor(since, report_id, until)

    @property
    def text(self) -> str:
        return f"{self.since}|{self.report_id}|{self.until}" if self.report_id else self.since


@dataclass(frozen=True, slots=True)
class RequestedReport(ByRow):
    """`tell`: the records of a finished report and its document."""

    name: str
    row: SourceRow
    report_type: str
    wire: Wire
    limit: Limit | None
    tell: Callable[[Report, bytes], tuple[Received, ...]]
    spans: bool = True  # it covers a period

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        here = _Cursor.parse(cursor)
        start = start_of(ctx, self.row, here.since)
        if not here.report_id:
            yield self._request(ctx, start)
            return
        page, report = self._status(ctx, here.report_id)
        if report is None or report.processingStatus in WORKING:
            if page.problem and page.problem.code is ProblemCode.REFUSED:
                yield replace(page, cursor=sortable(start), problem=None)  # they know it no longer: asked for anew
            yield page
            return
        if report.processingStatus == "CANCELLED":
            yield replace(page, cursor=self._after(here.until, start))
            return
        if report.processingStatus != "DONE" or not report.reportDocumentId:
            words = f"report {report.reportId} is {report.processingStatus}: it is asked for anew"
            yield replace(page, cursor=sortable(start))
            yield replace(page, problem=Problem(ProblemCode.REFUSED, words))
            return
        yield page
        yield self._document(ctx, report, self._after(here.until, start))

    def _after(self, until: str, start: datetime) -> str:
        """The next one begins where this one ended, less the overlap."""
        if not self.spans or not until:
            return sortable(start)
        end = instant(until, "cursor").timestamp() - self.row.overlap_s
        return sortable(max(start, datetime.fromtimestamp(end, start.tzinfo)))

    def _request(self, ctx: Ctx, start: datetime) -> Page:
        now = ctx.clock.now()
        until = min(now.timestamp(), start.timestamp() + SPAN_MAX_S)
        end = datetime.fromtimestamp(until, now.tzinfo)
        body: dict[str, object] = {"reportType": self.report_type, "marketplaceIds": [self.wire.marketplace_id]}
        if self.spans:
            body |= {"dataStartTime": stamp(start), "dataEndTime": stamp(end)}
        answer, _ = self.wire.call(ctx, SELLER, json_call("POST", REPORTS, body))
        if not isinstance(answer, Good):
            return Page(self.row.code, {}, b"", problem=problem_of(answer))
        made, headers = answer.response.body, answer.response.headers
        try:
            report_id = typed(made, _Made).reportId
        except Unreadable as error:
            return Page(self.row.code, headers, made, problem=unreadable(error))
        after = _Cursor(sortable(start), report_id, sortable(end))
        return Page(self.row.code, headers, made, cursor=after.text)

    def _status(self, ctx: Ctx, report_id: str) -> tuple[Page, Report | None]:
        answer, _ = self.wire.call(ctx, SELLER, Call("GET", f"{REPORTS}/{quote(report_id, safe='')}"))
        if not isinstance(answer, Good):
            return Page(self.row.code, {}, b"", problem=problem_of(answer)), None
        body, headers = answer.response.body, answer.response.headers
        try:
            report = typed(body, Report)
            if report.processingStatus not in OVER | WORKING:
                raise UnknownWord("processingStatus", report.processingStatus)
            return Page(self.row.code, headers, body), report
        except (Unreadable, UnknownWord) as error:
            words = f"the report cannot be followed: {error}"
            return Page(self.row.code, headers, body, problem=Problem(ProblemCode.UNREADABLE, words)), None

    def _document(self, ctx: Ctx, report: Report, after: str) -> Page:
        path = f"{REPORT_DOCUMENTS}/{quote(report.reportDocumentId or '', safe='')}"
        fetched = documents.fetch(ctx, self.wire, path)
        if isinstance(fetched, Problem):
            return Page(self.row.code, {}, b"", problem=fetched)
        try:
            return Page(self.row.code, {}, fetched.body, self.tell(report, fetched.body), cursor=after)
        except Unreadable as error:
            return Page(self.row.code, {}, fetched.body, problem=unreadable(error))
