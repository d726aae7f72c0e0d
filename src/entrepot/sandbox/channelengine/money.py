"""Settlements: what each channel pays for a period, and the reports that explain it.

Public: the list of settlements with its ten fields, the two kinds of report, its four states, `;` as delimiter, that making a report
marks its settlements as exported. [guess] The words of the transactions and the columns of the file.
Arithmetic: each amount is rounded by itself, half up, in the channel's currency; a period's payment is their sum, the reserve kept last
time released and a new one kept.
"""

import csv
import io
from typing import Any, Final

from entrepot.sandbox.channelengine.lifecycle import share, vat_inside
from entrepot.sandbox.channelengine.model import Entry, Line, Order, Report, Settlement
from entrepot.sandbox.channelengine.platform import PERIOD_CLOSED, Platform
from entrepot.sandbox.channelengine.settings import Channel
from entrepot.sandbox.channelengine.wire import EXPONENTS, Query, Refusal, Reply, number, paged, reader, stamp
from entrepot.sandbox.core import Request, Response, json_response

COLUMNS: Final = (
    *("SettlementId", "ChannelSettlementNo", "ChannelName", "TransactionDate", "TransactionType", "ChannelOrderNo"),
    *("MerchantOrderNo", "MerchantProductNo", "Quantity", "Currency", "AmountInclVat", "AmountVat"),
)
KINDS: Final = frozenset({"DETAILED", "CUSTOM_JSON"})


class Money:
    """The periods of every channel."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._opened_at = dict.fromkeys(platform.channels, platform.now())
        self._reserve = dict.fromkeys(platform.channels, 0)
        self._waiting: dict[int, list[Entry]] = {channel_id: [] for channel_id in platform.channels}
        self._parcels = 0
        self._refunds = 0
        self._own: set[int] = set()
        self._begun: set[int] = set()

    # -- periods ---------------------------------------------------------------------------------------------------

    def close(self) -> list[Settlement]:
        """Close the running period of every channel that has something to pay."""
        self._gather()
        closed = []
        for channel in self._platform.channels.values():
            entries = self._waiting[channel.channel_id]
            if entries or self._reserve[channel.channel_id]:
                closed.append(self._close(channel, entries))
                self._waiting[channel.channel_id] = []
        for settlement in closed:
            self._platform.tell(PERIOD_CLOSED, str(settlement.settlement_id))
        return closed

    def _close(self, channel: Channel, entries: list[Entry]) -> Settlement:
        released = self._reserve[channel.channel_id]
        before = sum(entry.amount_minor for entry in entries) + released
        kept = share(max(0, before), self._platform.settings.reserve_per_100k)
        now = self._platform.now()
        settlement = Settlement(
            self._platform.count("settlement", 601),
            f"S{self._platform.digits(8)}",
            channel,
            self._opened_at[channel.channel_id],
            now,
            entries,
            released,
            -kept,
            now,
        )
        self._opened_at[channel.channel_id], self._reserve[channel.channel_id] = now, kept
        self._platform.settlements[settlement.settlement_id] = settlement
        return settlement

    def _gather(self) -> None:
        """Entries for everything that left or was paid back since the last time."""
        parcels = list(self._platform.shipments.values())
        for parcel in parcels[self._parcels :]:
            order = self._platform.orders[parcel.order_id]
            for line_id, quantity in parcel.lines.items():
                self._sale(order, order.lines[line_id], quantity)
        self._parcels = len(parcels)
        for order in self._platform.orders.values():
            if order.fulfilled_by == "channel" and order.order_id not in self._own:
                self._own.add(order.order_id)
                for line in order.lines.values():
                    self._sale(order, line, line.quantity)
        for refund in self._platform.refunds[self._refunds :]:
            order = self._platform.orders[refund.order_id]
            sku = order.lines[refund.line_id].sku
            back = share(refund.amount_minor, order.channel.commission_per_100k)
            self._add(order, "REFUND", sku, 0, -refund.amount_minor)
            self._add(order, "COMMISSION_REFUND", sku, 0, back)
        self._refunds = len(self._platform.refunds)

    def _sale(self, order: Order, line: Line, quantity: int) -> None:
        """Goods, and with the first parcel of a line its shipping and fixed fee; commission on goods and shipping."""
        channel, first = order.channel, line.line_id not in self._begun
        self._begun.add(line.line_id)
        goods = line.price_minor * quantity
        shipping = line.shipping_minor if first else 0
        self._add(order, "ORDER", line.sku, quantity, goods)
        if shipping:
            self._add(order, "SHIPPING", line.sku, 0, shipping)
        commission = share(goods + shipping, channel.commission_per_100k)
        if commission:
            self._add(order, "COMMISSION", line.sku, 0, -commission)
        if first and channel.fee_fixed_minor:
            self._add(order, "FIXED_FEE", line.sku, 0, -channel.fee_fixed_minor)

    def _add(self, order: Order, kind: str, sku: str, quantity: int, amount_minor: int) -> None:
        if amount_minor == 0:
            return
        vat = vat_inside(abs(amount_minor), self._platform.settings.vat_per_100k)
        entry = Entry(
            self._platform.now(), kind, order.order_id, sku, quantity, amount_minor, vat if amount_minor > 0 else -vat
        )
        self._waiting[order.channel.channel_id].append(entry)

    # -- calls -----------------------------------------------------------------------------------------------------

    def index(self, request: Request) -> Reply:
        """GET /v2/settlements."""
        query = Query(request)
        ids, numbers, channels = (
            query.ids("settlementIds"),
            query.many("channelSettlementNos"),
            query.ids("channelIds"),
        )
        fresh = query.flag("unExportedOnly")
        starts, ends = query.span("fromStartDate", "toStartDate"), query.span("fromEndDate", "toEndDate")
        created, updated = query.span("fromCreateDate", "toCreateDate"), query.span("fromUpdateDate", "toUpdateDate")
        found = [
            one
            for one in self._platform.settlements.values()
            if (ids is None or one.settlement_id in ids)
            and (numbers is None or one.channel_settlement_no in numbers)
            and (channels is None or one.channel.channel_id in channels)
            and not (fresh and one.exported)
            and starts(one.start_at)
            and ends(one.end_at)
            and created(one.end_at)
            and updated(one.updated_at)
        ]
        return paged(query, found, _view)

    def create_report(self, request: Request) -> Reply:
        """POST /v2/reports/settlements: made a little later. Errors: 404 for a settlement nobody knows."""
        body = reader(request)
        ids, kind = body.row.get("SettlementIds"), body.word("Type", KINDS, "DETAILED")
        if not isinstance(ids, list) or not ids or not all(isinstance(one, int) for one in ids):
            body.complain("SettlementIds", "The field SettlementIds must be a list with a minimum length of 1.")
            ids = []
        body.done()
        for one in ids:
            if one not in self._platform.settlements:
                raise Refusal(404, f"Settlement {one} not found.")
        report = Report(self._platform.world.uuid(), list(ids), kind)
        self._platform.reports[report.report_id] = report
        for one in ids:
            self._platform.settlements[one].exported = True
            self._platform.settlements[one].updated_at = self._platform.now()

        def finish() -> None:
            report.status = "DONE"

        self._platform.world.at(self._platform.now() + self._platform.settings.report_delay, finish)
        self._platform.wrote("ReportCreateSettlementsReport", report.report_id)
        return _bare({"ReportId": report.report_id, "Status": report.status})

    def report_status(self, request: Request, report_id: str) -> Reply:
        """GET /v2/reports/{reportId}/status; an unknown report is a status, not an error."""
        report = self._platform.reports.get(report_id)
        status = report.status if report else "NOT_FOUND"
        url = f"/api/v2/reports/{report_id}" if status == "DONE" else None
        return _bare({"Status": status, "ResourceUrl": url})

    def report(self, request: Request, report_id: str) -> Reply:
        """GET /v2/reports/{reportId}: the file. Errors: 404 until it is made."""
        report = self._platform.reports.get(report_id)
        if report is None or report.status != "DONE":
            raise Refusal(404, f"Report {report_id} not found.")
        file = io.StringIO()
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        writer.writerow(COLUMNS)
        for settlement_id in report.settlement_ids:
            settlement = self._platform.settlements[settlement_id]
            rows = settlement.entries if report.type == "DETAILED" else _by_order(settlement.entries)
            for row in rows:
                writer.writerow(self._row(settlement, row))
        return Reply(raw=Response(200, {"content-type": "text/csv; charset=utf-8"}, file.getvalue().encode()))

    def _row(self, settlement: Settlement, entry: Entry) -> list[Any]:
        order = self._platform.orders[entry.order_id] if entry.order_id is not None else None
        currency = settlement.channel.currency
        return [
            settlement.settlement_id,
            settlement.channel_settlement_no,
            settlement.channel.name,
            stamp(entry.at),
            entry.type,
            order.channel_order_no if order else "",
            (order.merchant_order_no or "") if order else "",
            entry.sku or "",
            entry.quantity,
            currency,
            _decimal(entry.amount_minor, currency),
            _decimal(entry.vat_minor, currency),
        ]


def _by_order(entries: list[Entry]) -> list[Entry]:
    """One row for each order."""
    rows: dict[int | None, Entry] = {}
    for entry in entries:
        row = rows.setdefault(entry.order_id, Entry(entry.at, "ORDER_TOTAL", entry.order_id, None, 0, 0))
        row.amount_minor += entry.amount_minor
        row.vat_minor += entry.vat_minor
        row.quantity += entry.quantity
    return list(rows.values())


def _decimal(minor: int, currency: str) -> str:
    digits = EXPONENTS[currency]
    sign, text = ("-" if minor < 0 else ""), str(abs(minor)).rjust(digits + 1, "0")
    return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else f"{sign}{text}"


def _view(one: Settlement) -> dict[str, Any]:
    currency = one.channel.currency
    return {
        "SettlementId": one.settlement_id,
        "ChannelSettlementNo": one.channel_settlement_no,
        "ChannelId": one.channel.channel_id,
        "StartDate": stamp(one.start_at),
        "EndDate": stamp(one.end_at),
        "CreatedAt": stamp(one.end_at),
        "UpdatedAt": stamp(one.updated_at),
        "CurrentReserveAmount": number(one.current_reserve_minor, currency),
        "PreviousReserveAmount": number(one.previous_reserve_minor, currency),
        "PaymentAmount": number(one.payment_minor, currency),
    }


def _bare(data: dict[str, Any]) -> Reply:
    """The report calls answer without the envelope."""
    return Reply(raw=json_response(200, data))
