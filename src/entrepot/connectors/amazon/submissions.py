"""What became of our feeds: each as it is worked off, and its report, message by message, when it is over."""

from urllib.parse import quote

import msgspec

from entrepot.connectors.amazon import documents, feed_xml
from entrepot.connectors.amazon.feed_writes import FEED_TYPES
from entrepot.connectors.amazon.feeds import FEED_DOCUMENTS, FEEDS, Feed
from entrepot.connectors.amazon.jobs import Job, JobList, Kind
from entrepot.connectors.amazon.listing_feeds import LISTINGS
from entrepot.connectors.amazon.lists import unreadable
from entrepot.connectors.amazon.records import SUBMISSION, Records, packed, submission_root
from entrepot.connectors.amazon.wire import NOT_FOUND, SELLER, Wire
from entrepot.connectors.amazon.words import submission_state
from entrepot.connectors.exchange import Call, Good, Rejected, problem_of
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.port import Limit, Page, Problem, Received
from entrepot.connectors.reading import Unreadable, instant, sortable, total, typed
from entrepot.kernel.ctx import Ctx
from entrepot.trade.listing.model import ItemResult, SubmissionSeen
from entrepot.trade.listing.states import SubmissionState


class _Record(msgspec.Struct):
    """A record of ours: their feed, and the report's text where there is one."""

    feed: Feed
    report: str | None = None


class _Summary(msgspec.Struct):
    messagesProcessed: int = 0
    messagesAccepted: int = 0
    messagesInvalid: int = 0


class _JsonIssue(msgspec.Struct):
    severity: str
    messageId: int | None = None
    sku: str | None = None
    code: str | None = None
    message: str = ""
    attributeName: str | None = None
    attributeNames: list[str] | None = None


class _JsonReport(msgspec.Struct):
    summary: _Summary
    issues: list[_JsonIssue] = []


@total
def submission(body: bytes) -> SubmissionSeen:
    seen = typed(body, _Record)
    feed = seen.feed
    state = submission_state(feed.processingStatus)
    report = _report(feed, seen.report.encode()) if seen.report is not None and state is SubmissionState.DONE else None
    if report is not None and report.code and report.code != "Complete":
        state = SubmissionState.FAILED  # DONE, but they could not read it: nothing of it was applied
    return SubmissionSeen(
        submission_id=feed.feedId,
        state=state,
        their_state=feed.processingStatus,
        updated_at=instant(feed.processingEndTime or feed.createdTime, "$.feed.processingEndTime"),
        kind=feed.feedType,
        items=report.processed if report else 0,
        rejected=report.rejected if report else 0,
        results=report.results if report else (),
    )


def _report(feed: Feed, body: bytes) -> feed_xml.Report:
    if feed.feedType != LISTINGS:
        return feed_xml.report(body)
    told = typed(body, _JsonReport)
    results = tuple(
        ItemResult(
            key=one.sku or str(one.messageId or ""),
            accepted=one.severity in ("WARNING", "INFO"),
            code=one.code or one.severity,
            message=one.message,
            attribute=one.attributeName or next(iter(one.attributeNames or ()), ""),
        )
        for one in told.issues
    )
    summary = told.summary
    processed, accepted, invalid = summary.messagesProcessed, summary.messagesAccepted, summary.messagesInvalid
    return feed_xml.Report("", processed, accepted, invalid, results, frozenset(one.key for one in results))


# ── source and lookup ────────────────────────────────────────────────────────────────────────────────────────


def read_feed(raw: msgspec.Raw) -> Job:
    feed = typed(raw, Feed)
    created = instant(feed.createdTime, "$.createdTime")
    return Job(feed.feedId, feed.feedType, created, feed.processingStatus, feed.resultFeedDocumentId or "", raw)


def record_of(records: Records, job: Job, report: bytes | None) -> tuple[Received, ...]:
    """One record. A report that is not text cannot be kept beside it: the record says so by having none it can be read from."""
    ended = typed(job.raw, Feed).processingEndTime
    revision = sortable(instant(ended, "$.processingEndTime") if ended else job.created_at)
    text = (
        None if report is None else report.decode("utf-8-sig", "replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")
    )
    body = packed({"feed": job.raw, "report": text})
    return (records.make(SUBMISSION, job.id, revision, body, 0, submission_root(job.id)),)


def submissions(row: SourceRow, wire: Wire, records: Records, limit: Limit | None) -> JobList:
    kind = Kind(
        path=FEEDS,
        at="feeds",
        documents=FEED_DOCUMENTS,
        types=("feedTypes", ",".join((*FEED_TYPES, LISTINGS))),
        read=read_feed,
        tell=lambda job, report: record_of(records, job, report),
        fetched=lambda job: job.over and bool(job.document),
    )
    return JobList("submissions", row, kind, wire, limit)


class OneSubmission:
    """One feed by its number, with its report when it is over."""

    def __init__(self, wire: Wire, records: Records, limit: Limit | None) -> None:
        self.wire, self.records, self.limit = wire, records, limit

    def one(self, ctx: Ctx, external_id: str) -> Page:
        answer, _ = self.wire.call(ctx, SELLER, Call("GET", f"{FEEDS}/{quote(external_id, safe='')}"))
        if isinstance(answer, Rejected) and answer.refusal.code in NOT_FOUND:
            return Page("getFeed", {}, b"")
        if not isinstance(answer, Good):
            return Page("getFeed", {}, b"", problem=problem_of(answer))
        body, headers = answer.response.body, answer.response.headers
        try:
            job = read_feed(msgspec.Raw(body))
            if not (job.over and job.document):
                return Page("getFeed", headers, body, record_of(self.records, job, None))
            path = f"{FEED_DOCUMENTS}/{quote(job.document, safe='')}"
            fetched = documents.fetch(ctx, self.wire, path)
            if isinstance(fetched, Problem):
                return Page("getFeed", headers, body, problem=fetched)
            return Page("getFeed", headers, body, record_of(self.records, job, fetched.body))
        except Unreadable as error:
            return Page("getFeed", headers, body, problem=unreadable(error))
