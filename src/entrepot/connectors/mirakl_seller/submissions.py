"""The lists of a shop's imports, each import with the error report that says which of its rows were refused."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

import msgspec

from entrepot.connectors.exchange import Call, Good, problem_of
from entrepot.connectors.mirakl.lists import SeekList, unreadable
from entrepot.connectors.mirakl_seller.records import ShopRecords
from entrepot.connectors.mirakl_seller.translate import Import, ImportWhole
from entrepot.connectors.mirakl_seller.wire import SHOP, ShopWire
from entrepot.connectors.naming import OfPages
from entrepot.connectors.port import Page, Received
from entrepot.connectors.reading import Unreadable, elements, instant, typed
from entrepot.kernel.ctx import Ctx

OFFERS, PRICES, STOCK = "OFF", "PRI", "STO"
REPORTS = {
    OFFERS: ("OF03", "/api/offers/imports/{}/error_report"),
    PRICES: ("PRI03", "/api/offers/pricing/imports/{}/error_report"),
    STOCK: ("STO03", "/api/offers/stock/imports/{}/error_report"),
}


def created(record: Received) -> datetime | None:
    """By which an import is filtered."""
    try:
        told = typed(record.body, ImportWhole).of.date_created
        return instant(told, "$.date_created") if told else None
    except Unreadable:
        return None


def report_call(lane: str, import_id: object) -> Call:
    return Call("GET", REPORTS[lane][1].format(quote(str(import_id), safe="")))


@dataclass(frozen=True, slots=True)
class Imports(OfPages):
    """The imports of one lane. The cursor moves with the last report of a page: what was cut is read again."""

    lane: str
    pages: SeekList
    wire: ShopWire
    records: ShopRecords

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        for page in self.pages.fetch(ctx, cursor):
            if page.problem is not None:
                yield page
                return
            raws = elements(page.body, "data")
            waiting = deque(raw for raw in raws if _reported(raw))
            plain = [raw for raw in raws if not _reported(raw)]
            received = tuple(self.records.submission(self.lane, raw, "", n, self.flow) for n, raw in enumerate(plain))
            yield replace(page, received=received, cursor=None if waiting else page.cursor)
            while waiting:
                found = self._report(ctx, waiting.popleft())
                yield replace(found, cursor=None if waiting or found.problem else page.cursor)
                if found.problem is not None:
                    return

    def _report(self, ctx: Ctx, raw: msgspec.Raw) -> Page:
        code = REPORTS[self.lane][0]
        answer, _ = self.wire.call(ctx, SHOP, report_call(self.lane, typed(raw, Import).import_id))
        if not isinstance(answer, Good):
            return Page(code, {}, b"", problem=problem_of(answer))
        body, headers = answer.response.body, answer.response.headers
        try:
            report = report_text(body)
        except Unreadable as error:
            return Page(code, headers, body, problem=unreadable(error))
        return Page(code, headers, body, (self.records.submission(self.lane, raw, report, 0, self.flow),))


def report_text(body: bytes) -> str:
    """A report's text. Errors: Unreadable for a web page, or for bytes that are no text."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"the error report is no text: {error}") from error
    if "error-message" not in text.partition("\n")[0].lower():
        raise Unreadable(f"the error report has no column for its reasons: {text[:100]}")
    return text


def _reported(raw: msgspec.Raw) -> bool:
    """It has a report worth reading. What cannot be read is kept as it is."""
    try:
        return bool(typed(raw, Import).has_error_report)
    except Unreadable:
        return False
