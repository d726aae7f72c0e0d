"""Settlement: one reconciliation file (report version v1) per closed period, by the day it was made.

A row is one amount of one order line; the row of type PaymentSummary carries the total of the period and no amount.
Files are CSV, or a ZIP around one CSV. Dates are MM/DD/YYYY without a zone: [guess] read as UTC days.
Vocabularies are not enumerated by Walmart: what we do not know is kept, counted in the sum and flagged.
"""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.naming import ByRow
from entrepot.connectors.port import Limit, Page, Problem, ProblemCode, Received
from entrepot.connectors.reading import Unreadable, canonical, encoded, first_bytes, minor, total, typed
from entrepot.connectors.roots import statement_root
from entrepot.connectors.walmart.lists import page_of, unreadable
from entrepot.connectors.walmart.wire import Wire
from entrepot.kernel.ctx import Ctx
from entrepot.money.settlement.model import Author, CycleSeen, LineType, StatementLineSeen

STATEMENT, LINE = "channel-statement", "channel-statement-line"
DATES, FILE = "/v3/report/reconreport/availableReconFiles", "/v3/report/reconreport/reconFile"
VERSION = ("reportVersion", "v1")
FILE_BYTES_MAX, ROWS_MAX = 50_000_000, 500_000
SUMMARY = "PaymentSummary"
TYPE, AMOUNT, AMOUNT_TYPE = "Transaction Type", "Amount", "Amount Type"
POSTED, CURRENCY, PAYABLE = "Transaction Posted Timestamp", "Currency", "Total Payable"
NEEDED = frozenset({TYPE, AMOUNT, AMOUNT_TYPE, POSTED, CURRENCY, PAYABLE})

_SALE: Mapping[str, LineType] = {
    "product price": LineType.ORDER_AMOUNT,
    "product tax": LineType.ORDER_AMOUNT_TAX,
    "product tax collected": LineType.ORDER_AMOUNT_TAX,
    "product tax withheld": LineType.OPERATOR_REMITTED_ORDER_AMOUNT_TAX,
    "shipping": LineType.ORDER_SHIPPING_AMOUNT,
    "shipping price": LineType.ORDER_SHIPPING_AMOUNT,
    "shipping tax": LineType.ORDER_SHIPPING_AMOUNT_TAX,
    "shipping tax collected": LineType.ORDER_SHIPPING_AMOUNT_TAX,
    "shipping tax withheld": LineType.OPERATOR_REMITTED_ORDER_SHIPPING_AMOUNT_TAX,
    "commission on product": LineType.COMMISSION_FEE,
    "commission on shipping": LineType.COMMISSION_FEE,
}
_REFUND: Mapping[LineType, LineType] = {
    LineType.ORDER_AMOUNT: LineType.REFUND_ORDER_AMOUNT,
    LineType.ORDER_AMOUNT_TAX: LineType.REFUND_ORDER_AMOUNT_TAX,
    LineType.OPERATOR_REMITTED_ORDER_AMOUNT_TAX: LineType.OPERATOR_REMITTED_REFUND_ORDER_AMOUNT_TAX,
    LineType.ORDER_SHIPPING_AMOUNT: LineType.REFUND_ORDER_SHIPPING_AMOUNT,
    LineType.ORDER_SHIPPING_AMOUNT_TAX: LineType.REFUND_ORDER_SHIPPING_AMOUNT_TAX,
    LineType.OPERATOR_REMITTED_ORDER_SHIPPING_AMOUNT_TAX: LineType.OPERATOR_REMITTED_REFUND_ORDER_SHIPPING_AMOUNT_TAX,
    LineType.COMMISSION_FEE: LineType.REFUND_COMMISSION_FEE,
}
_FEES = frozenset({"fee/reimbursement", "wfs fee/reimbursement"})


class _Statement(msgspec.Struct):
    """The record of a statement: its summary row, and what was counted and added up of its lines."""

    report_on: str
    row: dict[str, str]
    line_count: int
    sums: dict[str, int]


class _Line(msgspec.Struct):
    report_on: str
    line_no: int
    currency: str
    row: dict[str, str]


def line_type(transaction: str, amount_type: str, amount_minor: int, of_order: bool) -> LineType:
    """Keyed on both words: the same amount type means something else in a refund."""
    kind, part = transaction.strip().casefold(), " ".join(amount_type.split()).casefold()
    if kind in ("sale", "refund"):
        known = _SALE.get(part, LineType.UNRECOGNISED)
        return known if kind == "sale" else _REFUND.get(known, LineType.UNRECOGNISED)
    if kind == "reserve":
        return LineType.RESERVE_FUNDING
    if kind == "release reserve":
        return LineType.RESERVE_SETTLEMENT
    if kind == "dispute settlement":
        return LineType.MANUAL_CREDIT if amount_minor >= 0 else LineType.MANUAL_INVOICE
    if kind == "adjustment" and part in _FEES:
        if of_order:
            return LineType.SELLER_FEE_ON_ORDER
        return LineType.INVOICEABLE_ONE_OFF_CREDIT if amount_minor >= 0 else LineType.INVOICEABLE_ONE_OFF_DEBIT
    return LineType.UNRECOGNISED


def us_day(text: str, where: str) -> datetime:
    """MM/DD/YYYY, with or without leading zeros. Errors: Unreadable."""
    parts = text.split(" ")[0].split("/")
    if len(parts) == 3 and all(part.isdecimal() and len(part) <= 4 for part in parts):
        try:
            return datetime(int(parts[2]), int(parts[0]), int(parts[1]), tzinfo=UTC)
        except ValueError:
            pass
    raise Unreadable(f"“{text[:40]}” is not a day as MM/DD/YYYY", where)


def report_day(text: str) -> date:
    """The name of a report: MMDDYYYY as the list of dates shows them, or YYYYMMDD as the guide does. Errors: Unreadable."""
    for form in ("%m%d%Y", "%Y%m%d"):
        with suppress(ValueError):
            day = datetime.strptime(text, form).replace(tzinfo=UTC)
            if day.strftime(form) == text:  # strptime also takes "1" for a month
                return day.date()
    raise Unreadable(f"“{text[:40]}” is not the day of a report", "$.availableApReportDates")


@total
def statement(body: bytes) -> CycleSeen:
    """The period as its summary row announces it."""
    seen = typed(body, _Statement)
    row, currency = seen.row, seen.row.get(CURRENCY, "")
    starts, ends = row.get("Period Start Date", ""), row.get("Period End Date", "")
    return CycleSeen(
        author=Author.MARKETPLACE,
        kind="walmart-recon",
        external_id=seen.report_on,
        currency=currency,
        their_total_minor=_money(row.get(PAYABLE, ""), currency, f"$.row.{PAYABLE}"),
        announced_at=datetime.combine(date.fromisoformat(seen.report_on), datetime.min.time(), UTC),
        seller_id="us",
        voucher=seen.report_on,
        period_from=us_day(starts, "$.row.Period Start Date") if starts else None,
        period_to=us_day(ends, "$.row.Period End Date") if ends else None,
        line_count=seen.line_count,
        summary=seen.sums,
    )


@total
def statement_line(body: bytes) -> StatementLineSeen:
    """One row."""
    seen = typed(body, _Line)
    row = seen.row
    amount = _money(row.get(AMOUNT, ""), seen.currency, f"$.row.{AMOUNT}")
    transaction, part = row.get(TYPE, ""), row.get(AMOUNT_TYPE, "")
    order_id = row.get("Purchase Order #", "")
    return StatementLineSeen(
        external_id=f"{seen.report_on}:{seen.line_no}",
        type=f"{transaction}/{part}",
        line_type=line_type(transaction, part, amount, bool(order_id)),
        amount_minor=amount,
        currency=seen.currency,
        posted_at=us_day(row.get(POSTED, ""), f"$.row.{POSTED}"),
        cycle_id=seen.report_on,
        voucher=seen.report_on,
        line_no=seen.line_no,
        seller_id="us",
        order_id=order_id,
        order_line_id=row.get("Purchase Order line #", ""),
        reference="" if order_id else row.get("Transaction Key", ""),
        raw=dict(row),
    )


def _decimal(text: str, where: str) -> Decimal:
    """An amount as it stands in a cell. Errors: Unreadable."""
    try:
        return Decimal(text.strip().replace(",", ""))
    except ArithmeticError as error:
        raise Unreadable(f"“{text[:40]}” is not an amount", where) from error


def _money(text: str, currency: str, where: str) -> int:
    if not text.strip():
        raise Unreadable("an amount is missing", where)
    return minor(_decimal(text, where), currency, where)


@dataclass(frozen=True, slots=True)
class Recon(ByRow):
    """The files since the cursor, oldest first; the cursor is the day of the last one read whole."""

    row: SourceRow
    wire: Wire
    flows: Mapping[str, str]
    limit: Limit | None
    account: str
    name: str = "recon"

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        page, empty = page_of(self.wire, ctx, self.row, DATES, (VERSION,))
        try:
            found = [] if page.problem or empty else _days(page.body)
        except Unreadable as error:
            page, found = replace(page, problem=unreadable(error)), []
        yield page
        since = (ctx.clock.now() - timedelta(seconds=self.row.first_s)).date().isoformat()
        wanted = sorted((day, name) for day, name in found if day > (cursor or since))
        for number, (day, name) in enumerate(wanted):
            if number >= self.row.pages_max:
                words = f"{len(wanted) - number} reports wait for the next run"
                yield Page(self.row.code, {}, b"", problem=Problem(ProblemCode.TOO_LONG, words))
                return
            read = self._file(ctx, day, name)
            yield read
            if read.problem:
                return

    def _file(self, ctx: Ctx, day: str, name: str) -> Page:
        page, empty = page_of(self.wire, ctx, self.row, FILE, (("reportDate", name), VERSION))
        if empty:
            return replace(page, problem=Problem(ProblemCode.REFUSED, f"the report of {day} is listed and not there"))
        if page.problem:
            return page
        try:
            return replace(page, received=self._records(day, rows_of(page.body)), cursor=day)
        except Unreadable as error:
            return replace(page, problem=unreadable(error))

    def _records(self, day: str, rows: list[dict[str, str]]) -> tuple[Received, ...]:
        """Errors: Unreadable without exactly one summary row: without it nobody can say what the file adds up to."""
        summaries = [row for row in rows if row[TYPE] == SUMMARY and not row[AMOUNT_TYPE].strip()]
        if len(summaries) != 1:
            raise Unreadable(f"the report of {day} has {len(summaries)} rows of type {SUMMARY}", "$")
        currency, root = summaries[0][CURRENCY], statement_root(self.account, day)
        lines = [row for row in rows if row is not summaries[0]]
        found = []
        for number, row in enumerate(lines, 1):
            body = {"report_on": day, "line_no": number, "currency": row[CURRENCY] or currency, "row": row}
            name = f"{day}:{number}"
            found.append(Received(LINE, name, day, canonical(encoded(body)), number, root, self.flows[LINE]))
        whole = {"report_on": day, "row": summaries[0], "line_count": len(lines), "sums": _sums(lines, currency)}
        head = Received(STATEMENT, day, day, canonical(encoded(whole)), 0, root, self.flows[STATEMENT])
        return (head, *found)


def _days(body: bytes) -> list[tuple[str, str]]:
    """Each report by its day and by the name they want it asked for. Errors: Unreadable; without the list nobody knows of none."""
    try:
        told = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"not the JSON they publish: {first_bytes(body)}") from error
    if "availableApReportDates" not in told:
        raise Unreadable("the list of days is missing", "$.availableApReportDates")
    names = told["availableApReportDates"] or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Unreadable("not a list of days", "$.availableApReportDates")
    return [(report_day(name).isoformat(), name) for name in names]


def _sums(rows: list[dict[str, str]], currency: str) -> dict[str, int]:
    """What the amounts add up to by type of transaction, in minor units: shown beside their total. A row that cannot be read counts nothing here."""
    found: dict[str, int] = {}
    for row in rows:
        with suppress(Unreadable):
            found[row[TYPE]] = found.get(row[TYPE], 0) + _money(row[AMOUNT], row[CURRENCY] or currency, AMOUNT)
    return found


def rows_of(body: bytes) -> list[dict[str, str]]:
    """The rows of a file, whole: columns by name, every value text. Errors: Unreadable; nothing is half read."""
    text = _unpacked(body)
    if text.lstrip()[:1] in ("<", "{"):
        raise Unreadable(f"not a report: {first_bytes(body)}")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if not set(header) >= NEEDED or len(set(header)) != len(header):
            raise Unreadable(f"the columns are not those of report version v1: {', '.join(header)[:200]}", "line 1")
        found: list[dict[str, str]] = []
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                raise Unreadable(f"{len(row)} cells under {len(header)} columns", f"line {reader.line_num}")
            if len(found) >= ROWS_MAX:
                raise Unreadable(f"more than {ROWS_MAX} rows", f"line {reader.line_num}")
            found.append(dict(zip(header, (cell.strip() for cell in row), strict=True)))
    except csv.Error as error:
        raise Unreadable(f"not CSV: {error}", f"line {reader.line_num}") from error
    return found


def _unpacked(body: bytes) -> str:
    """The one CSV of a ZIP, or the body itself; both have a cap. Errors: Unreadable."""
    if body[:2] == b"PK":
        try:
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                names = [info for info in archive.infolist() if not info.is_dir()]
                if len(names) != 1 or names[0].file_size > FILE_BYTES_MAX:
                    raise Unreadable(f"a ZIP of {len(names)} files, or one that is too large")
                with archive.open(names[0]) as file:
                    body = file.read(FILE_BYTES_MAX + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise Unreadable(f"a ZIP that cannot be opened: {error}") from error
    if len(body) > FILE_BYTES_MAX:
        raise Unreadable(f"a file of more than {FILE_BYTES_MAX} bytes")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8: {error}") from error
    if "\0" in text:
        raise Unreadable("a file that holds a NUL character")
    return text
