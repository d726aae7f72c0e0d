"""Writes to offers: a price file (PRI01), a stock file (STO01), the whole of an offer (OF24). Taken now, worked off later.

Never OF24 for a part: every omitted field falls back to its default. A price file replaces all prices of the offer it names:
a discount that is to go on is set again by whoever set it.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from entrepot.connectors.around import Around
from entrepot.connectors.exchange import Call, Good, unread
from entrepot.connectors.joined import Rows
from entrepot.connectors.mirakl import shapes
from entrepot.connectors.mirakl.asking import JSON
from entrepot.connectors.mirakl.words import IMPORT_DONE_BY_STATUS
from entrepot.connectors.mirakl_seller.submissions import OFFERS, PRICES, STOCK, report_call, report_text
from entrepot.connectors.mirakl_seller.translate import Import, ShopOffer, refused_rows, submission_id
from entrepot.connectors.mirakl_seller.wire import SHOP
from entrepot.connectors.port import Detail, OutgoingEffect
from entrepot.connectors.reading import Unreadable, elements, encoded, minor, number_of, typed
from entrepot.connectors.verbs import SetPrice, SetStock, SubmitListing
from entrepot.connectors.writes import Caller, Look, Shape
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack, Refused, Unknown

IMPORT_ID = "import_id"
EDGE = "entrepot-file-edge"
NEW = "11"  # the condition code of new goods on most platforms [guess]
IMPORT_FAILED, ROW_REFUSED = "IMPORT_FAILED", "ROW_REFUSED"


class _Taken(msgspec.Struct):
    import_id: shapes.Id | None = None
    importId: shapes.Id | None = None  # an older spelling of the same number


def taken_number(response: HttpResponse) -> str:
    """Errors: Unreadable without a number: then nobody can ask what became of it."""
    taken = typed(response.body, _Taken)
    number = taken.import_id if taken.import_id is not None else taken.importId
    if response.status != 201 or number is None:
        raise Unreadable("an import's number is published, and something else came")
    return str(number)


def file_call(path: str, columns: tuple[str, ...], *rows: tuple[str, ...]) -> Call:
    """A file, as a form."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows((columns, *rows))
    head = f'--{EDGE}\r\nContent-Disposition: form-data; name="file"; filename="lane.csv"\r\n'
    body = f"{head}Content-Type: application/octet-stream\r\n\r\n{text.getvalue()}\r\n--{EDGE}--\r\n"
    return Call("POST", path, (), {"content-type": f"multipart/form-data; boundary={EDGE}"}, body.encode())


def offer_of(sku: str) -> Call:
    return Call("GET", "/api/offers", (("sku", sku), ("max", "1")))


def _offers(response: HttpResponse, sku: str) -> list[ShopOffer]:
    offers = [typed(raw, ShopOffer) for raw in elements(response.body, "offers")]
    return [offer for offer in offers if offer.shop_sku == sku]


# -- prices --------------------------------------------------------------------------------------------------------


def price_row(payload: SetPrice, _key: str) -> tuple[str, str]:
    if payload.price_minor <= 0 or not payload.sku:
        raise Unreadable("a SKU and a price above zero are needed", "$.price_minor")
    return payload.sku, format(number_of(payload.price_minor, payload.currency), "f")


def price_file(rows: Sequence[tuple[str, str]]) -> Call:
    return file_call("/api/offers/pricing/imports", ("offer-sku", "price"), *rows)


def set_price(payload: SetPrice, key: str) -> Call:
    return price_file([price_row(payload, key)])


def price_taken(_payload: SetPrice, response: HttpResponse) -> Outcome:
    number = taken_number(response)
    return Done({"submission_id": submission_id(PRICES, number), IMPORT_ID: number})


def price_is_so(payload: SetPrice, response: HttpResponse) -> ReadBack:
    for offer in _offers(response, payload.sku):
        if minor(offer.price, offer.currency_iso_code or payload.currency, "$.price") == payload.price_minor:
            return Done({"offer_id": str(offer.offer_id)})
    return NotThere(f"{payload.sku} has not that price")


def prices_taken(payloads: Sequence[SetPrice], response: HttpResponse) -> Sequence[Outcome]:
    """One number stands for all of them; what became of each row is told by the import."""
    return [price_taken(payload, response) for payload in payloads]


# -- stock ---------------------------------------------------------------------------------------------------------


def set_stock(payload: SetStock, _key: str) -> Call:
    """Lead time is a field of the whole offer, not of this lane."""
    if payload.quantity < 0 or not payload.sku:
        raise Unreadable("a SKU and a stock that is not below zero are needed", "$.quantity")
    columns = ("offer-sku", "quantity", "warehouse-code", "update-delete")
    return file_call("/api/offers/stock/imports", columns, (payload.sku, str(payload.quantity), "", ""))


def stock_taken(_payload: SetStock, response: HttpResponse) -> Outcome:
    """Taken is not applied: whoever hears this looks again, by the number."""
    number = taken_number(response)
    return Unknown(f"stock import {number} was taken and is not worked off yet", {IMPORT_ID: number})


def stock_is_so(payload: SetStock, response: HttpResponse) -> ReadBack:
    for offer in _offers(response, payload.sku):
        if offer.quantity == payload.quantity:
            return Done({"sku": payload.sku})
    return NotThere(f"{payload.sku} has not that stock")


@dataclass(frozen=True, slots=True)
class StockImport(Around):
    """STO01 as the outbox knows it: unclear until its import is over (STO02, STO03); without a number, the offer is looked at."""

    wire: Caller

    def read_back(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[ReadBack, Detail]:
        number = effect.trace.get(IMPORT_ID)
        if number is None:
            return self.write.read_back(ctx, effect)
        path = f"/api/offers/stock/imports/{number}/status"
        answer, detail = self.wire.call(ctx, SHOP, Call("GET", path, until=effect.send_until))
        if not isinstance(answer, Good):
            return unread(answer), detail
        try:
            status = typed(answer.response.body, Import)
            over = _verdict(status, str(effect.payload.get("sku", "")))
            if over is not None:
                return over, detail
            report = report_call(STOCK, number)
            asked = Call(report.method, report.path, until=effect.send_until)
            answer, looked = self.wire.call(ctx, SHOP, asked)
            detail = detail | {"error_report": looked}
            if not isinstance(answer, Good):
                return unread(answer), detail
            return _refusal(report_text(answer.response.body), str(effect.payload.get("sku", ""))), detail
        except Unreadable as error:
            return Unknown(f"import {number} cannot be read: {error.what}"), detail


def _verdict(status: Import, sku: str) -> ReadBack | None:
    """What an import's status says; None: look into its error report."""
    if status.status not in IMPORT_DONE_BY_STATUS:
        return Unknown(f"import {status.import_id} is “{status.status}”, a word we do not know")
    done = IMPORT_DONE_BY_STATUS[status.status]
    if done is None:
        return Unknown(f"import {status.import_id} is {status.status}")
    if not done:
        return Refused(IMPORT_FAILED, status.reason_status or f"import {status.import_id} failed")
    return None if status.lines_in_error or status.has_error_report else Done({"sku": sku})


def _refusal(report: str, sku: str) -> ReadBack:
    for row, message in refused_rows(report):
        if row == sku:
            return Refused(ROW_REFUSED, message)
    return Unknown(f"the error report does not name {sku}")


# -- the whole offer -----------------------------------------------------------------------------------------------


def submit_shape(state_code: str) -> Shape[SubmitListing]:
    """OF24. `attributes` are its own fields (leadtime_to_ship, logistic_class, …); what they leave out falls back to its default."""

    def ask(payload: SubmitListing, _key: str) -> Call:
        if not payload.sku or payload.price_minor <= 0 or payload.quantity < 0:
            raise Unreadable("a listing needs a SKU, a price above zero and a stock", "$")
        by_gtin = {"product_id": payload.gtin, "product_id_type": "EAN"}
        by_sku = {"product_id": payload.sku, "product_id_type": "SHOP_SKU"}
        row: dict[str, Any] = {
            "state_code": state_code or NEW,
            **(by_gtin if payload.gtin else by_sku),
            **payload.attributes,
            "shop_sku": payload.sku,
            "price": number_of(payload.price_minor, payload.currency),
            "quantity": payload.quantity,
            "description": payload.description or payload.title,
            "update_delete": "update",
        }
        return Call("POST", "/api/offers", (), JSON, encoded({"offers": [row]}))

    def answered(_payload: SubmitListing, response: HttpResponse) -> Outcome:
        number = taken_number(response)
        return Done({"submission_id": submission_id(OFFERS, number), IMPORT_ID: number})

    return Shape(SubmitListing, ask, answered, Look(lambda payload, _key: offer_of(payload.sku), offer_is_so))


def offer_is_so(payload: SubmitListing, response: HttpResponse) -> ReadBack:
    for offer in _offers(response, payload.sku):
        price = minor(offer.price, offer.currency_iso_code or payload.currency, "$.price")
        words = offer.description or ""
        if (price, offer.quantity, words) == (
            payload.price_minor,
            payload.quantity,
            payload.description or payload.title,
        ):
            return Done({"offer_id": str(offer.offer_id)})
    return NotThere(f"{payload.sku} is not so")


SET_PRICE = Shape(SetPrice, set_price, price_taken, Look(lambda payload, _key: offer_of(payload.sku), price_is_so))
SET_STOCK = Shape(SetStock, set_stock, stock_taken, Look(lambda payload, _key: offer_of(payload.sku), stock_is_so))
PRICE_FILE = Rows(SetPrice, price_row, lambda payload: payload.sku, price_file, prices_taken)
