"""Feeds 2021-06-30: a document is uploaded, queued, processed, and answered by a report. DONE is not "all applied"."""

import gzip
import hashlib
import zlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Protocol

from entrepot.sandbox.amazon import wire
from entrepot.sandbox.amazon.documents import Documents
from entrepot.sandbox.amazon.errors import invalid, not_found
from entrepot.sandbox.amazon.feed_json import LISTINGS, ListingFeeds
from entrepot.sandbox.amazon.feed_xml import MESSAGE_TYPES, BadEnvelope, OrderFeeds, processing_report
from entrepot.sandbox.amazon.platform import Platform
from entrepot.sandbox.amazon.router import Router
from entrepot.sandbox.amazon.state import Job, Submission
from entrepot.sandbox.amazon.wire import Call, Pages
from entrepot.sandbox.core import Response, json_response

PATH: Final = "/feeds/2021-06-30"
TYPES: Final = (*MESSAGE_TYPES, LISTINGS)
STATUSES: Final = ("CANCELLED", "DONE", "FATAL", "IN_PROGRESS", "IN_QUEUE")
PAGE_SIZE: Final = 10
PAGE_MAX: Final = 100
KEPT: Final = timedelta(days=90)


class Announce(Protocol):
    """Tells the seller's queue that a job is over."""

    def __call__(self, job: Job, /) -> None: ...


class Feeds:
    """The feed operations and their processing."""

    def __init__(
        self,
        platform: Platform,
        documents: Documents,
        orders: OrderFeeds,
        listings: ListingFeeds,
        pages: Pages,
        announce: Announce,
    ) -> None:
        self._platform = platform
        self._documents = documents
        self._orders = orders
        self._listings = listings
        self._pages = pages
        self._announce = announce

    def add_to(self, router: Router) -> None:
        """Register the operations."""
        router.add("createFeedDocument", "POST", f"{PATH}/documents", self.create_document)
        router.add("getFeedDocument", "GET", f"{PATH}/documents/{{document_id}}", self.get_document)
        router.add("createFeed", "POST", f"{PATH}/feeds", self.create)
        router.add("getFeeds", "GET", f"{PATH}/feeds", self.get_all)
        router.add("getFeed", "GET", f"{PATH}/feeds/{{feed_id}}", self.get)
        router.add("cancelFeed", "DELETE", f"{PATH}/feeds/{{feed_id}}", self.cancel)

    # -- calls -----------------------------------------------------------------------------------------------------

    def create_document(self, call: Call) -> Response:
        """createFeedDocument: an address to PUT the file to."""
        document = self._documents.open(wire.text(wire.body_of(call.request), "contentType"))
        url = self._documents.url(document, "PUT", call.request)
        return json_response(201, {"feedDocumentId": document.document_id, "url": url})

    def get_document(self, call: Call) -> Response:
        """getFeedDocument: an address to GET the file from."""
        document = self._documents.find(call.ids["document_id"])
        return json_response(
            200,
            {
                "feedDocumentId": document.document_id,
                "url": self._documents.url(document, "GET", call.request),
                "compressionAlgorithm": "GZIP" if document.gzipped else None,
            },
        )

    def create(self, call: Call) -> Response:
        """createFeed."""
        body = wire.body_of(call.request)
        kind = wire.text(body, "feedType")
        if kind not in TYPES:
            raise invalid("Invalid 'feedType'.", kind)
        markets = wire.texts(body, "marketplaceIds")
        if markets != (self._platform.market.marketplace_id,):
            raise invalid("Invalid 'marketplaceIds'.", ", ".join(markets))
        document = self._documents.find(wire.text(body, "inputFeedDocumentId"))
        now = self._platform.now()
        feed = Job(self._platform.digits(11), kind, markets, now, input_id=document.document_id)
        self._platform.feeds[feed.job_id] = feed
        self._platform.submissions[feed.job_id] = Submission(feed.job_id, kind, feed.status, 0, 0)
        self._platform.at(now + self._platform.settings.feed_steps[0], lambda: self._start(feed))
        return json_response(202, {"feedId": feed.job_id})

    def get(self, call: Call) -> Response:
        """getFeed."""
        return json_response(200, feed_json(self._feed(call)))

    def get_all(self, call: Call) -> Response:
        """getFeeds, the newest first."""
        page, token = listed_jobs(call, self._platform, self._pages, self._platform.feeds, "feedTypes", "getFeeds")
        return json_response(200, {"feeds": [feed_json(feed) for feed in page], "nextToken": token})

    def cancel(self, call: Call) -> Response:
        """cancelFeed; only while it is queued."""
        feed = self._feed(call)
        if feed.status != "IN_QUEUE":
            raise invalid(f"Feed {feed.job_id} cannot be cancelled in status {feed.status}.")
        self._end(feed, "CANCELLED")
        return Response(200)

    def _feed(self, call: Call) -> Job:
        found = self._platform.feeds.get(call.ids["feed_id"])
        if found is None:
            raise not_found(f"Feed {call.ids['feed_id']} is not found.")
        return found

    # -- processing ------------------------------------------------------------------------------------------------

    def _start(self, feed: Job) -> None:
        if feed.status != "IN_QUEUE":
            return
        feed.status, feed.started_at = "IN_PROGRESS", self._platform.now()
        self._platform.submissions[feed.job_id].state = feed.status
        self._platform.at(self._platform.now() + self._platform.settings.feed_steps[1], lambda: self._process(feed))

    def _process(self, feed: Job) -> None:
        try:
            body = self._input(feed)
            digest = hashlib.sha256(body).hexdigest()[:16]
            items, rejected, report, content_type = self._applied(feed, body)
        except BadEnvelope as why:
            self._end(feed, "FATAL", f"Feed {feed.job_id} could not be read: {why}".encode(), "text/plain")
            return
        self._platform.count_applied("createFeed", f"{feed.kind}/{digest}")
        submission = self._platform.submissions[feed.job_id]
        submission.items, submission.rejected = items, rejected
        self._end(feed, "DONE", report, content_type)

    def _input(self, feed: Job) -> bytes:
        body = self._documents.find(feed.input_id or "").body
        if body is None:
            raise BadEnvelope("the document was never uploaded")
        if body[:2] == b"\x1f\x8b":
            try:
                return gzip.decompress(body)
            except (OSError, EOFError, zlib.error) as why:
                raise BadEnvelope(f"the document is no gzip file: {why}") from None
        return body

    def _applied(self, feed: Job, body: bytes) -> tuple[int, int, bytes, str]:
        if feed.kind == LISTINGS:
            return *self._listings.process(feed.job_id, body), "application/json"
        results = self._orders.process(feed.kind, body)
        rejected = sum(result.error is not None for result in results)
        report = processing_report(feed.job_id, self._platform.settings.seller_id, results)
        return len(results), rejected, report, "text/xml; charset=UTF-8"

    def _end(self, feed: Job, status: str, report: bytes | None = None, content_type: str = "") -> None:
        feed.status, feed.ended_at = status, self._platform.now()
        self._platform.submissions[feed.job_id].state = status
        if report is not None:
            feed.output_id = self._documents.store(content_type, report).document_id
        self._platform.emit("feed.ended", feed.job_id, lambda: self._announce(feed))


def feed_json(feed: Job) -> dict[str, Any]:
    """One feed as the wire shows it."""
    return {
        "feedId": feed.job_id,
        "feedType": feed.kind,
        "marketplaceIds": list(feed.marketplace_ids),
        "createdTime": wire.stamp(feed.created_at),
        "processingStatus": feed.status,
        "processingStartTime": wire.maybe(feed.started_at),
        "processingEndTime": wire.maybe(feed.ended_at),
        "resultFeedDocumentId": feed.output_id,
    }


def listed_jobs(
    call: Call, platform: Platform, pages: Pages, jobs: Mapping[str, Job], kinds: str, operation: str
) -> tuple[list[Job], str | None]:
    """One page of feeds or reports: by type, status, marketplace and age; 90 days are kept."""
    request = pages.recall(call.request, "nextToken", operation)
    types = request.every(kinds)
    if not types:
        raise invalid(f"'{kinds}' or 'nextToken' is required.")
    statuses = wire.words_parameter(request, "processingStatuses", STATUSES)
    markets = set(request.every("marketplaceIds"))
    kept_since = platform.now() - KEPT
    since = wire.date_parameter(request, "createdSince") or kept_since
    until = wire.date_parameter(request, "createdUntil") or platform.now()
    size = wire.count_parameter(request, "pageSize", PAGE_SIZE, PAGE_MAX)
    found = [
        job
        for job in jobs.values()
        if max(since, kept_since) <= job.created_at <= until
        and (not types or job.kind in types)
        and (not statuses or job.status in statuses)
        and (not markets or markets & set(job.marketplace_ids))
    ]

    def place(job: Job) -> str:
        return f"{wire.stamp_ms(job.created_at)} {job.job_id}"

    return pages.cut(found, size, place, request, "nextToken", operation, newest_first=True)
