"""The safety check that counts: a flat file of all orders changed in a period, each a hint to read that order.

The file is Amazon's own list, made apart from the one we sweep. Whoever decides a hint asks whether the order is here already;
this connector cannot know. The same row again is the same hint.
"""

import csv
import io
from collections.abc import Iterator, Mapping

from entrepot.connectors.amazon.records import HINT, Records
from entrepot.connectors.amazon.reports import Report, RequestedReport
from entrepot.connectors.amazon.wire import Wire
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.port import Limit, Received
from entrepot.connectors.reading import Unreadable, encoded, first_bytes, instant, sortable, unreadable_record

ALL_ORDERS = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"
ORDER_ID, CHANGED, STATUS = "amazon-order-id", "last-updated-date", "order-status"
CELL_CHARS_MAX = 131_072


def flat_file(body: bytes, *needed: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Line number and row of a tab separated file; line 1 is the header. Errors: Unreadable (no such header, cut row).

    UTF-8 where it is; their older files are Windows-1252.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("cp1252", "replace")
    if "\x00" in text:
        raise Unreadable("a NUL character in a flat file")
    lines = csv.reader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    try:
        header = [name.strip().lower() for name in next(lines, [])]
        missing = [name for name in needed if name not in header]
        if missing:
            raise Unreadable(f"no column {', '.join(missing)}: {first_bytes(body)}")
        for number, cells in enumerate(lines, start=2):
            if any(len(cell) > CELL_CHARS_MAX for cell in cells):
                raise Unreadable(f"line {number} holds a cell that is too long")
            if any(cell.strip() for cell in cells):
                yield number, dict(zip(header, (cell.strip() for cell in cells), strict=False))
    except csv.Error as error:
        raise Unreadable(f"line {lines.line_num}: {error}") from error


def hints(records: Records, body: bytes) -> tuple[Received, ...]:
    """One hint per order, in the order of the file. A row that names none is kept as malformed."""
    found: dict[str, Received] = {}
    broken = list[Received]()
    for number, row in flat_file(body, ORDER_ID):
        order_id, changed = row.get(ORDER_ID, ""), row.get(CHANGED, "")
        if not order_id:
            broken.append(unreadable_record(encoded(dict(row)), HINT, records.flows[HINT], number))
        elif order_id not in found:
            told = {"told_by": "order-report", "status": row.get(STATUS, ""), "changed": changed}
            found[order_id] = records.hint("order", order_id, order_id, _revision(changed), number, **told)
    return (*found.values(), *broken)


def _revision(changed: str) -> str:
    try:
        return sortable(instant(changed, CHANGED)) if changed else ""
    except Unreadable:
        return ""


def order_report(row: SourceRow, wire: Wire, records: Records, limit: Limit | None) -> RequestedReport:
    def tell(_report: Report, body: bytes) -> tuple[Received, ...]:
        return hints(records, body)

    return RequestedReport("order-report", row, ALL_ORDERS, wire, limit, tell)
