"""Reports on request: asked for, made a little later, fetched from an address that is good for a while.

Source: the on-request report calls and their answers. Offered here: ITEM, INVENTORY and CANCELLATION; the columns are
[guess], Walmart prints them in the file only.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.walmart.errors import REPORT_API, WalmartError, bad_parameter, not_found
from entrepot.sandbox.walmart.notices import Notices
from entrepot.sandbox.walmart.platform import Platform
from entrepot.sandbox.walmart.recon import zipped
from entrepot.sandbox.walmart.router import Call
from entrepot.sandbox.walmart.state import Report
from entrepot.sandbox.walmart.wire import (
    answer,
    body_of,
    date_parameter,
    money_text,
    number_parameter,
    report_stamp,
    required_parameter,
    us_date,
)

STATUSES: Final = frozenset({"RECEIVED", "INPROGRESS", "READY", "ERROR"})
VERSIONS: Final = {"ITEM": ("v1", "v2", "v3", "v4"), "INVENTORY": ("v1",), "CANCELLATION": ("v1",)}
FILE_PATH: Final = "/v3/reports/getReport"
PAGE_DEFAULT: Final = 10
PAGE_MAX: Final = 100
DEFAULT_HOST: Final = "marketplace.walmartapis.com"

Table = tuple[Sequence[str], list[list[str]]]


class Reports:
    """Takes and answers report requests."""

    def __init__(self, platform: Platform, notices: Notices) -> None:
        self._platform = platform
        self._notices = notices
        self._tables: Mapping[str, Callable[[], Table]] = {
            "ITEM": self._items,
            "INVENTORY": self._inventory,
            "CANCELLATION": self._cancellations,
        }

    def ask(self, call: Call) -> Response:
        """Ask for a report."""
        kind = self._kind(call.request)
        version = required_parameter(REPORT_API, call.request, "reportVersion")
        if version not in VERSIONS[kind]:
            raise bad_parameter(REPORT_API, "reportVersion", f"{kind} comes as {', '.join(VERSIONS[kind])}")
        payload = body_of(REPORT_API, call.request) if call.request.body.strip() else None
        report = Report(self._platform.world.uuid(), kind, version, self._platform.now(), payload)
        self._platform.reports[report.request_id] = report
        self._platform.apply("generateReport", report.request_id)
        self._platform.after(self._platform.settings.report_steps[0], lambda: self._begin(report))
        return answer(200, {**_shown(report), "payload": payload})

    def search(self, call: Call) -> Response:
        """Requests of one type, newest first."""
        request = call.request
        kind = self._kind(request)
        status = request.first("requestStatus")
        if status and status not in STATUSES:
            raise bad_parameter(REPORT_API, "requestStatus", f"{status!r} is no status")
        since = date_parameter(REPORT_API, request, "requestSubmissionStartDate")
        until = date_parameter(REPORT_API, request, "requestSubmissionEndDate")
        found = [
            one
            for one in reversed(self._platform.reports.values())
            if one.report_type == kind
            and (not status or one.status == status)
            and (since is None or one.asked_at >= since)
            and (until is None or one.asked_at <= until)
        ]
        page = number_parameter(REPORT_API, request, "page", 1, 10**6, 1)
        limit = number_parameter(REPORT_API, request, "limit", PAGE_DEFAULT, PAGE_MAX, 1)
        more = f"reportType={kind}&page={page + 1}&limit={limit}" if page * limit < len(found) else None
        shown = [{**_shown(one), "payload": one.payload} for one in found[(page - 1) * limit : page * limit]]
        counts = {"page": page, "totalCount": len(found), "limit": limit, "nextCursor": more}
        return answer(200, {**counts, "requests": shown})

    def status(self, call: Call) -> Response:
        """How far a report is."""
        report = self._known(call.ids["requestId"])
        return answer(200, {**_shown(report), "payload": report.payload})

    def address(self, call: Call) -> Response:
        """Where a ready report lies, for a while. Errors: it is not ready."""
        report = self._known(required_parameter(REPORT_API, call.request, "requestId"))
        if report.status != "READY" or report.ready_at is None:
            raise WalmartError("INVALID_REQUEST", REPORT_API, f"Report is {report.status}, not READY", "requestId")
        report.url_signature = self._platform.hex_id(40)
        report.url_until = self._platform.now() + self._platform.settings.report_url_life
        host = call.request.headers.get("host", DEFAULT_HOST)
        scheme = "http" if host != DEFAULT_HOST else "https"
        url = f"{scheme}://{host}{FILE_PATH}/{report.request_id}.zip?sig={report.url_signature}"
        return answer(
            200,
            {
                **_shown(report),
                "reportGenerationDate": report_stamp(report.ready_at),
                "downloadURL": url,
                "downloadURLExpirationTime": report_stamp(report.url_until),
            },
        )

    def file(self, call: Call) -> Response:
        """The file itself: who has the address needs no token."""
        report = self._known(call.ids["name"].removesuffix(".zip"))
        signed = report.url_signature is not None and call.request.first("sig") == report.url_signature
        if not signed or report.url_until is None or self._platform.now() >= report.url_until:
            raise WalmartError("UNAUTHORIZED", REPORT_API, "the address is not, or no longer, good")
        return Response(200, {"content-type": "application/octet-stream"}, report.file)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _begin(self, report: Report) -> None:
        report.status = "INPROGRESS"
        self._platform.after(self._platform.settings.report_steps[1], lambda: self._finish(report))

    def _finish(self, report: Report) -> None:
        columns, found = self._tables[report.report_type]()
        report.file = zipped(f"{report.report_type}_{report.request_id}.csv", columns, found)
        report.status, report.ready_at = "READY", self._platform.now()
        self._notices.report(report)

    def _kind(self, request: Request) -> str:
        kind = required_parameter(REPORT_API, request, "reportType")
        if kind not in VERSIONS:
            raise bad_parameter(REPORT_API, "reportType", f"{kind!r} is not offered; {', '.join(VERSIONS)} are")
        return kind

    def _known(self, request_id: str) -> Report:
        report = self._platform.reports.get(request_id)
        if report is None:
            raise not_found(REPORT_API, f"Report request {request_id} is not found", "requestId")
        return report

    def _items(self) -> Table:
        columns = ("SKU", "Item ID", "Product Name", "Lifecycle Status", "Publish Status", "Status Change Reason")
        prices = ("Product Category", "Price", "Currency", "GTIN", "Inventory Count")
        found = [
            [
                one.sku,
                one.wpid,
                one.title,
                one.lifecycle,
                one.published,
                "; ".join(issue.message for issue in one.issues),
                one.category,
                money_text(one.price_minor),
                self._platform.settings.currency,
                one.gtin,
                str(one.quantity),
            ]
            for _, one in sorted(self._platform.listings.items())
        ]
        return (*columns, *prices), found

    def _inventory(self) -> Table:
        node = self._platform.settings.ship_node
        rows = [[sku, node, str(one.quantity)] for sku, one in sorted(self._platform.listings.items())]
        return ("SKU", "Ship Node", "Quantity"), rows

    def _cancellations(self) -> Table:
        columns = ("PO #", "PO Line #", "SKU", "Cancelled Qty", "Cancellation Reason", "Cancelled By", "Cancelled Date")
        found = [
            [
                order.order_id,
                line.line_id,
                line.sku,
                str(units),
                reason,
                line.cancelled_by or "",
                us_date(line.cancelled_at.date()) if line.cancelled_at else "",
            ]
            for order in self._platform.orders.values()
            for line in order.lines
            for reason, units in line.cancelled.items()
        ]
        return columns, found


def _shown(report: Report) -> dict[str, Any]:
    return {
        "requestId": report.request_id,
        "requestStatus": report.status,
        "requestSubmissionDate": report_stamp(report.asked_at),
        "reportType": report.report_type,
        "reportVersion": report.version,
    }
