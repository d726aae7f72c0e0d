"""Reports 2021-06-30: some may be asked for, settlement files only appear."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from entrepot.sandbox.amazon import wire
from entrepot.sandbox.amazon.documents import Documents
from entrepot.sandbox.amazon.errors import invalid, not_found
from entrepot.sandbox.amazon.feeds import Announce, listed_jobs
from entrepot.sandbox.amazon.flat_files import orders_file, returns_file
from entrepot.sandbox.amazon.health import Health
from entrepot.sandbox.amazon.platform import Platform
from entrepot.sandbox.amazon.router import Router
from entrepot.sandbox.amazon.state import Job
from entrepot.sandbox.amazon.wire import Call, Pages
from entrepot.sandbox.core import Response, json_response

PATH: Final = "/reports/2021-06-30"
SETTLEMENT: Final = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
ORDERS: Final = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"
RETURNS: Final = "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"
HEALTH: Final = "GET_V2_SELLER_PERFORMANCE_REPORT"
SPAN_MAX: Final = timedelta(days=30)
TEXT: Final = "text/plain; charset=UTF-8"

Content = tuple[str, bytes]


class Reports:
    """The report operations and their making."""

    def __init__(
        self, platform: Platform, documents: Documents, health: Health, pages: Pages, announce: Announce
    ) -> None:
        self._platform = platform
        self._documents = documents
        self._pages = pages
        self._announce = announce
        self._made: Mapping[str, Callable[[Job], Content]] = {
            ORDERS: lambda job: (TEXT, orders_file(platform, *self._span(job))),
            RETURNS: lambda job: (TEXT, returns_file(platform, *self._span(job))),
            HEALTH: lambda _: ("application/json", json.dumps(health.report()).encode()),
        }

    def add_to(self, router: Router) -> None:
        """Register the operations."""
        router.add("createReport", "POST", f"{PATH}/reports", self.create)
        router.add("getReports", "GET", f"{PATH}/reports", self.get_all)
        router.add("getReport", "GET", f"{PATH}/reports/{{report_id}}", self.get)
        router.add("cancelReport", "DELETE", f"{PATH}/reports/{{report_id}}", self.cancel)
        router.add("getReportDocument", "GET", f"{PATH}/documents/{{document_id}}", self.get_document)

    def publish(self, content: bytes, start_at: datetime, end_at: datetime) -> str:
        """A settlement file appears, finished."""
        now = self._platform.now()
        report = self._new(SETTLEMENT, start_at, end_at)
        report.started_at = now
        self._end(report, "DONE", (TEXT, content))
        return report.job_id

    # -- calls -----------------------------------------------------------------------------------------------------

    def create(self, call: Call) -> Response:
        """createReport. Settlement files are refused: they cannot be requested."""
        body = wire.body_of(call.request)
        kind = wire.text(body, "reportType")
        if kind == SETTLEMENT:
            raise invalid("Settlement reports cannot be requested; they are created by Amazon.", kind)
        if kind not in self._made:
            raise invalid("Invalid 'reportType'.", kind)
        markets = wire.texts(body, "marketplaceIds")
        if markets != (self._platform.market.marketplace_id,):
            raise invalid("Invalid 'marketplaceIds'.", ", ".join(markets))
        now = self._platform.now()
        until = _instant(body, "dataEndTime") or now
        since = _instant(body, "dataStartTime") or until - SPAN_MAX
        if since > until or until - since > SPAN_MAX:
            raise invalid("The span from dataStartTime to dataEndTime must be 30 days at most.")
        report = self._new(kind, since, until)
        self._platform.at(now + self._platform.settings.report_steps[0], lambda: self._start(report))
        return json_response(202, {"reportId": report.job_id})

    def get(self, call: Call) -> Response:
        """getReport."""
        return json_response(200, report_json(self._report(call)))

    def get_all(self, call: Call) -> Response:
        """getReports, the newest first."""
        page, token = listed_jobs(
            call, self._platform, self._pages, self._platform.reports, "reportTypes", "getReports"
        )
        return json_response(200, {"reports": [report_json(report) for report in page], "nextToken": token})

    def cancel(self, call: Call) -> Response:
        """cancelReport; only while it is queued."""
        report = self._report(call)
        if report.status != "IN_QUEUE":
            raise invalid(f"Report {report.job_id} cannot be cancelled in status {report.status}.")
        self._end(report, "CANCELLED", None)
        return Response(200)

    def get_document(self, call: Call) -> Response:
        """getReportDocument: an address to GET the file from, compressed."""
        document = self._documents.find(call.ids["document_id"])
        return json_response(
            200,
            {
                "reportDocumentId": document.document_id,
                "url": self._documents.url(document, "GET", call.request),
                "compressionAlgorithm": "GZIP" if document.gzipped else None,
            },
        )

    def _report(self, call: Call) -> Job:
        found = self._platform.reports.get(call.ids["report_id"])
        if found is None:
            raise not_found(f"Report {call.ids['report_id']} is not found.")
        return found

    # -- making ----------------------------------------------------------------------------------------------------

    def _new(self, kind: str, since: datetime, until: datetime) -> Job:
        report = Job(
            self._platform.digits(11),
            kind,
            (self._platform.market.marketplace_id,),
            self._platform.now(),
            data_from=since,
            data_to=until,
        )
        self._platform.reports[report.job_id] = report
        return report

    def _span(self, report: Job) -> tuple[datetime, datetime]:
        now = self._platform.now()
        return report.data_from or now, report.data_to or now

    def _start(self, report: Job) -> None:
        if report.status != "IN_QUEUE":
            return
        report.status, report.started_at = "IN_PROGRESS", self._platform.now()
        self._platform.at(self._platform.now() + self._platform.settings.report_steps[1], lambda: self._make(report))

    def _make(self, report: Job) -> None:
        self._end(report, "DONE", self._made[report.kind](report))

    def _end(self, report: Job, status: str, content: Content | None) -> None:
        report.status, report.ended_at = status, self._platform.now()
        if content is not None:
            report.output_id = self._documents.store(*content).document_id
        self._platform.emit("report.ended", report.job_id, lambda: self._announce(report))


def _instant(body: Mapping[str, Any], name: str) -> datetime | None:
    value = wire.optional_text(body, name)
    return wire.instant(value, name) if value else None


def report_json(report: Job) -> dict[str, Any]:
    """One report as the wire shows it."""
    return {
        "marketplaceIds": list(report.marketplace_ids),
        "reportId": report.job_id,
        "reportType": report.kind,
        "dataStartTime": wire.maybe(report.data_from),
        "dataEndTime": wire.maybe(report.data_to),
        "reportScheduleId": None,
        "createdTime": wire.stamp(report.created_at),
        "processingStatus": report.status,
        "processingStartTime": wire.maybe(report.started_at),
        "processingEndTime": wire.maybe(report.ended_at),
        "reportDocumentId": report.output_id,
    }
