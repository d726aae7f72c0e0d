"""Settlements: flat file V2, which nobody can ask for. One row is one component of an amount; row 1 only sums up.

Files differ by where they are from: decimal comma or point, day before month or after. Which it is, is told by the file's own
currency and never mixed. The file is split into one statement and its lines; each line carries what it needs of row 1.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from entrepot.connectors.amazon.jobs import Job, JobList, Kind
from entrepot.connectors.amazon.order_report import flat_file
from entrepot.connectors.amazon.records import STATEMENT, STATEMENT_LINE, Records
from entrepot.connectors.amazon.reports import REPORT_DOCUMENTS, REPORTS, Report
from entrepot.connectors.amazon.settlement_words import is_refund, line_type
from entrepot.connectors.amazon.wire import Wire
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.port import Limit, Received
from entrepot.connectors.reading import Unreadable, encoded, instant, sortable, total, typed, unreadable_record
from entrepot.kernel.money import Money, NotMoney
from entrepot.money.settlement.model import Author, CycleSeen, LineType, StatementLineSeen

FLAT_FILE_V2 = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
KIND = "amazon-settlement"
SELLER = "us"
NEEDED = (
    "settlement-id",
    "total-amount",
    "currency",
    "transaction-type",
    "amount-type",
    "amount-description",
    "amount",
)
MONTH_FIRST = frozenset({"USD"})  # of dates with slashes; everywhere else the day comes first. [guess]
_PLAIN = re.compile(r"[+-]?\d{1,18}(?:[.,]\d{1,4})?", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([., ])\d{3})+(?:[.,]\d{1,4})?", re.ASCII)
_DATES = (
    (re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII), (0, 1, 2)),
    (re.compile(r"(\d{4})/(\d{2})/(\d{2})", re.ASCII), (0, 1, 2)),
    (re.compile(r"(\d{2})\.(\d{2})\.(\d{4})", re.ASCII), (2, 1, 0)),
)
_SLASHED = re.compile(r"(\d{2})/(\d{2})/(\d{4})", re.ASCII)
_TIME = re.compile(r"(\d{2}):(\d{2}):(\d{2})(?: ?(UTC|GMT|Z))?", re.ASCII)


# ── amounts and dates of any of their places ─────────────────────────────────────────────────────────────────


def amount_minor(text: str, currency: str, where: str) -> int:
    """`12.34`, `12,34`, `1.234,56`. One separator before exactly three digits could be either: it must fit the currency or is
    refused. Errors: Unreadable."""
    if _PLAIN.fullmatch(text):
        plain = text.replace(",", ".")
    elif grouped := _GROUPED.fullmatch(text):
        plain = text.replace(grouped[1], "").replace(",", ".")
    else:
        raise Unreadable(f"“{text[:40]}” is not an amount", where)
    try:
        return Money.parse(plain, currency).minor
    except NotMoney as error:
        raise Unreadable(error.message, where) from error


def moment(text: str, currency: str, where: str) -> datetime:
    """A date, perhaps with a time; both are UTC, which they say or leave out. Errors: Unreadable."""
    date, _, time = text.strip().partition("T" if "T" in text.partition(" ")[0] else " ")
    if (offset := re.search(r"([+-]\d{2}:\d{2})$", time)) or time.endswith("Z"):
        return instant(text.strip().replace(" ", "T", 1) if offset else text.strip(), where)
    year, month, day = _date(date, currency, where)
    hour = minute = second = 0
    if time:
        found = _TIME.fullmatch(time.strip())
        if found is None:
            raise Unreadable(f"“{text[:40]}” is not a date and time we know", where)
        hour, minute, second = int(found[1]), int(found[2]), int(found[3])
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise Unreadable(f"“{text[:40]}” is no date", where) from error


def _date(text: str, currency: str, where: str) -> tuple[int, int, int]:
    for pattern, order in _DATES:
        if found := pattern.fullmatch(text):
            parts = [int(part) for part in found.groups()]
            return parts[order[0]], parts[order[1]], parts[order[2]]
    if found := _SLASHED.fullmatch(text):
        first, second, year = (int(part) for part in found.groups())
        return (year, first, second) if currency in MONTH_FIRST else (year, second, first)
    raise Unreadable(f"“{text[:40]}” is not a date we know", where)


# ── records ──────────────────────────────────────────────────────────────────────────────────────────────────


class _Statement(msgspec.Struct):
    """A record of ours: row 1, and what all rows together come to."""

    summary: dict[str, str]
    announced_at: str
    lines: int
    lines_minor: int | None
    unrecognised: int


class _Line(msgspec.Struct):
    """A record of ours: a row, its line, and the settlement it is of."""

    row: dict[str, str]
    line_no: int
    settlement_id: str
    currency: str
    posted_at: str  # where a row has no date of its own: the end of the period


@total
def statement(body: bytes) -> CycleSeen:
    """`summary`: their total, our sum of the lines they can be held against, how many are of no type we know."""
    seen = typed(body, _Statement)
    row = seen.summary
    settlement_id, currency = _cell(row, "settlement-id"), _cell(row, "currency")
    their_total = amount_minor(_cell(row, "total-amount"), currency, "$.summary.total-amount")
    told = {"total_minor": their_total, "unrecognised_lines": seen.unrecognised}
    if seen.lines_minor is not None:
        told["lines_minor"] = seen.lines_minor
    return CycleSeen(
        author=Author.MARKETPLACE,
        kind=KIND,
        external_id=settlement_id,
        currency=currency,
        their_total_minor=their_total,
        announced_at=instant(seen.announced_at, "$.announced_at"),
        seller_id=SELLER,
        voucher=settlement_id,
        period_from=_maybe(row, "settlement-start-date", currency),
        period_to=_maybe(row, "settlement-end-date", currency),
        line_count=seen.lines,
        summary=told,
    )


@total
def statement_line(body: bytes) -> StatementLineSeen:
    seen = typed(body, _Line)
    row = seen.row
    if row.get("currency") not in (None, "", seen.currency):
        raise Unreadable(f"{row['currency']} in a settlement of {seen.currency}", "$.row.currency")
    words = tuple(row.get(name, "") for name in ("transaction-type", "amount-type", "amount-description"))
    posted = row.get("posted-date-time") or row.get("posted-date") or seen.posted_at
    order_id = row.get("order-id", "")
    adjustment = row.get("merchant-adjustment-item-id") or row.get("adjustment-id", "")
    return StatementLineSeen(
        external_id=f"{seen.settlement_id}:{seen.line_no}",
        type="/".join(words),
        line_type=line_type(*words),
        amount_minor=amount_minor(_cell(row, "amount"), seen.currency, "$.row.amount"),
        currency=seen.currency,
        posted_at=moment(posted, seen.currency, "$.row.posted-date-time"),
        cycle_id=seen.settlement_id,
        voucher=seen.settlement_id,
        line_no=seen.line_no,
        seller_id=SELLER,
        order_id=order_id,
        order_line_id=row.get("order-item-code", ""),
        reference=adjustment if is_refund(words[0]) else "",
        raw=_raw(row),
    )


def _raw(row: Mapping[str, str]) -> Mapping[str, Any]:
    return {name: value for name, value in row.items() if value}


def _cell(row: Mapping[str, str], name: str) -> str:
    text = row.get(name, "")
    if not text:
        raise Unreadable(f"“{name}” is empty", f"$.{name}")
    return text


def _maybe(row: Mapping[str, str], name: str, currency: str) -> datetime | None:
    return moment(row[name], currency, f"$.summary.{name}") if row.get(name) else None


# ── the file taken apart ─────────────────────────────────────────────────────────────────────────────────────


def split(records: Records, job: Job, body: bytes) -> tuple[Received, ...]:
    """The statement first, then its lines in their order. A file without row 1 is one malformed record. Errors: Unreadable."""
    rows = [(number, dict(row)) for number, row in flat_file(body, *NEEDED)]
    if not rows or not rows[0][1].get("total-amount") or rows[0][1].get("transaction-type"):
        raise Unreadable("row 1 of a settlement sums it up; here it does not", "line 2")
    summary = rows[0][1]
    settlement_id, currency = summary.get("settlement-id", ""), summary.get("currency", "")
    if not settlement_id or not currency:
        raise Unreadable("a settlement without a number or a currency", "line 2")
    root, lines = records.statement_root(settlement_id), rows[1:]
    end = summary.get("settlement-end-date", "")
    found = list[Received]()
    for number, row in lines:
        if row.get("settlement-id") not in ("", settlement_id):
            kept = unreadable_record(encoded(row), STATEMENT_LINE, records.flows[STATEMENT_LINE], number)
            found.append(kept)
            continue
        line = {"row": row, "line_no": number, "settlement_id": settlement_id, "currency": currency, "posted_at": end}
        found.append(records.make(STATEMENT_LINE, f"{settlement_id}:{number}", "", encoded(line), len(found) + 1, root))
    seen = [statement_line(record.body) for record in found if record.kind == STATEMENT_LINE]
    read = [line for line in seen if isinstance(line, StatementLineSeen)]
    head = {
        "summary": summary,
        "announced_at": sortable(job.created_at),
        "lines": len(lines),
        "lines_minor": sum(line.amount_minor for line in read) if len(read) == len(lines) else None,
        "unrecognised": sum(line.line_type is LineType.UNRECOGNISED for line in read),
    }
    first = records.make(STATEMENT, settlement_id, sortable(job.created_at), encoded(head), 0, root)
    return (first, *found)


def settlements(row: SourceRow, wire: Wire, records: Records, limit: Limit | None) -> JobList:
    def read(raw: msgspec.Raw) -> Job:
        report = typed(raw, Report)
        created = instant(report.createdTime, "$.createdTime")
        status, document = report.processingStatus, report.reportDocumentId or ""
        return Job(report.reportId, report.reportType, created, status, document, raw)

    def tell(job: Job, body: bytes | None) -> tuple[Received, ...]:
        return () if body is None else split(records, job, body)

    kind = Kind(
        path=REPORTS,
        at="reports",
        documents=REPORT_DOCUMENTS,
        types=("reportTypes", FLAT_FILE_V2),
        read=read,
        tell=tell,
        fetched=lambda job: job.status == "DONE" and bool(job.document),
    )
    return JobList("settlements", row, kind, wire, limit)
