"""Writes to offers: a price file (PRI01), a stock file (STO01), the whole of an offer (OF24). Taken now, worked off later.

Never OF24 for a part: every omitted field falls back to its default. A price file replaces all prices of the offer it names:
a discount that is to go on is set again by whoever set it.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from entrepot.connectors.exchange import Call, Good, unread
from entrepot.connectors.joined import Joined, Rows
from entrepot.connectors.mirakl import shapes
from entrepot.connectors.mirakl.asking import JSON
from entrepot.connectors.mirakl.words import IMPORT_DONE_BY_STATUS
from entrepot.connectors.mirakl_seller.submissions import OFFERS, PRICES, STOCK, report_call, report_text
from entrepot.connectors.mirakl_seller.translate import Import, ShopOffer, refused_rows, submission_id
from entrepot.connectors.mirakl_seller.wire import SHOP
from entrepot.connectors.port import Detail, OutgoingEffect
from entrepot.connectors.reading import Unreadable, elements, encoded, minor, number_of, typed
from entrepot.connectors.verbs import SetPrice, SetStock, SubmitListing
from entrepot.connectors.writes import Look, Shape
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


def stock_row(payload: SetStock, _key: str) -> tuple[str, ...]:
    """Lead time is a field of the whole offer, not of this lane."""
    if payload.quantity < 0 or not payload.sku:
        raise Unreadable("a SKU and a stock that is not below zero are needed", "$.quantity")
    return payload.sku, str(payload.quantity), "", ""


def stock_file(rows: Sequence[tuple[str, ...]]) -> Call:
    columns = ("offer-sku", "quantity", "warehouse-code", "update-delete")
    return file_call("/api/offers/stock/imports", columns, *rows)


def set_stock(payload: SetStock, key: str) -> Call:
    return stock_file([stock_row(payload, key)])


def stock_taken(_payload: SetStock, response: HttpResponse) -> Outcome:
    """Taken is not applied: whoever hears this looks again, by the number."""
    number = taken_number(response)
    return Unknown(f"stock import {number} was taken and is not worked off yet", {IMPORT_ID: number})


def stocks_taken(payloads: Sequence[SetStock], response: HttpResponse) -> Sequence[Outcome]:
    return [stock_taken(payload, response) for payload in payloads]


def stock_is_so(payload: SetStock, response: HttpResponse) -> ReadBack:
    for offer in _offers(response, payload.sku):
        if offer.quantity == payload.quantity:
            return Done({"sku": payload.sku})
    return NotThere(f"{payload.sku} has not that stock")


class StockFile(Joined[SetStock]):
    """STO01 as the outbox knows it: unclear until its import is over, which one look tells for all its rows; without a number, the offer."""

    __slots__ = ()

    def read_back(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[ReadBack, Detail]:
        (found,), detail = self.read_together(ctx, [effect])
        return found, detail

    def read_together(self, ctx: Ctx, effects: Sequence[OutgoingEffect]) -> tuple[Sequence[ReadBack], Detail]:
        """The import (STO02), and where rows were refused its error report (STO03)."""
        number, until = effects[0].trace.get(IMPORT_ID), effects[0].send_until
        if number is None:
            looks = [self.write.read_back(ctx, effect) for effect in effects]
            return [found for found, _ in looks], looks[0][1]
        path = f"/api/offers/stock/imports/{number}/status"
        answer, detail = self.wire.call(ctx, SHOP, Call("GET", path, until=until))
        if not isinstance(answer, Good):
            return [unread(answer)] * len(effects), detail
        try:
            status = typed(answer.response.body, Import)
            over = _verdict(status)
            if over is not None:
                return [over] * len(effects), detail
            if not status.lines_in_error and not status.has_error_report:
                return [_stocked(effect) for effect in effects], detail
            asked = replace(report_call(STOCK, number), until=until)
            answer, looked = self.wire.call(ctx, SHOP, asked)
            detail = detail | {"error_report": looked}
            if not isinstance(answer, Good):
                return [unread(answer)] * len(effects), detail
            refused = refused_rows(report_text(answer.response.body))
        except Unreadable as error:
            return [Unknown(f"import {number} cannot be read: {error.what}")] * len(effects), detail
        return self._by_row(ctx, effects, status, refused), detail

    def _by_row(
        self, ctx: Ctx, effects: Sequence[OutgoingEffect], status: Import, refused: Sequence[tuple[str, str]]
    ) -> Sequence[ReadBack]:
        """Whoever is named was refused. Where every refused row is one of these, the others were applied; else their offers are looked at."""
        words = dict(refused)
        plain = len(refused) == status.lines_in_error and words.keys() <= {_sku(effect) for effect in effects}
        found: list[ReadBack] = []
        for effect in effects:
            sku = _sku(effect)
            if sku in words:
                found.append(Refused(ROW_REFUSED, words[sku]))
                continue
            shown = _stocked(effect) if plain else self.write.read_back(ctx, effect)[0]
            unnamed = Unknown(f"the error report does not name {sku}, and its offer does not show that stock")
            found.append(shown if isinstance(shown, Done) else unnamed)
        return found


def _sku(effect: OutgoingEffect) -> str:
    return str(effect.payload.get("sku", ""))


def _stocked(effect: OutgoingEffect) -> Done:
    return Done({"sku": _sku(effect)})


def _verdict(status: Import) -> Unknown | Refused | None:
    """What an import's status says of all its rows; None: it is over, and its rows have ends of their own."""
    if status.status not in IMPORT_DONE_BY_STATUS:
        return Unknown(f"import {status.import_id} is “{status.status}”, a word we do not know")
    done = IMPORT_DONE_BY_STATUS[status.status]
    if done is None:
        return Unknown(f"import {status.import_id} is {status.status}")
    return None if done else Refused(IMPORT_FAILED, status.reason_status or f"import {status.import_id} failed")


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
STOCK_FILE = Rows(SetStock, stock_row, lambda payload: payload.sku, stock_file, stocks_taken)
