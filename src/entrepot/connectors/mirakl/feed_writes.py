"""Files of offers: whole ones (OF01), prices only (PRI01), stock only (STO01). Taken now, worked off later, told row by row.

The rows come along with the effect (its cargo); their number is known before anybody asks what became of them: status (OF02,
PRI02, STO02), then the error report (OF03, PRI03, STO03). A whole offer repeats what was last observed of it, since a field
that is left out falls back to its default; an offer with terms that a file cannot carry is not sent at all, and that is told.
An import whose number was never heard is sent again: the same rows once more change nothing.

Published: paths, columns, statuses. Guessed: codes of conditions (an operator's setting), and which field a refusal is about.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from entrepot.connectors.around import Around
from entrepot.connectors.exchange import Call, Good, unfinished, unread
from entrepot.connectors.mirakl import payloads, shapes
from entrepot.connectors.mirakl.words import IMPORT_DONE_BY_STATUS
from entrepot.connectors.port import Detail, OutgoingEffect
from entrepot.connectors.reading import NOT_JSON, Unreadable, elements, number_of, typed
from entrepot.connectors.writes import WRONG_PAYLOAD, Caller, Shape
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack, Refused, Unknown

IMPORT_ID, KEPT = "import_id", "kept"
IMPORT_FAILED = "IMPORT_FAILED"
EDGE = "entrepot-file-edge"
PATHS: Final[Mapping[str, str]] = {
    "mirakl.import-offers": "/api/offers/imports",
    "mirakl.import-prices": "/api/offers/pricing/imports",
    "mirakl.import-stock": "/api/offers/stock/imports",
}
OFFERS, PRICES, STOCK = PATHS
STATE_BY_CONDITION: Final = {"new": "11", "refurbished": "10", "open-box": "1", "used": "3", "damaged": "4"}  # a guess
COLUMN_BY_TERM: Final = {
    "allow_quote_requests": "allow-quote-requests",
    "available_ended": "available-end-date",
    "available_started": "available-start-date",
    "internal_description": "internal-description",
    "leadtime_to_ship": "leadtime-to-ship",
    "logistic_class": "logistic-class",
    "max_order_quantity": "max-order-quantity",
    "min_order_quantity": "min-order-quantity",
    "min_quantity_alert": "min-quantity-alert",
    "msrp": "msrp",
    "package_quantity": "package-quantity",
    "price_additional_info": "price-additional-info",
    "product_tax_code": "product-tax-code",
}
DISCOUNT_COLUMNS: Final = {"price": "discount-price", "start_date": "discount-start-date", "end_date": "discount-end-date"}  # fmt: skip
CHANNEL_COLUMNS: Final = {
    "unit_origin_price": "price",
    "unit_discount_price": "discount-price",
    "discount_start_date": "discount-start-date",
    "discount_end_date": "discount-end-date",
}
SKU_HEADERS: Final = ("sku", "offer-sku", "shop-sku", "shop_sku")
FIELD_BY_WORD: Final = (  # what a refusal speaks of, the first that fits [guess]
    ("discount", "sale_price"), ("price", "price"), ("quantity", "quantity"), ("product", "gtin"), ("state", "condition"),
    ("lead", "lead_days"), ("currency", "currency"),
)  # fmt: skip


class _Taken(msgspec.Struct):
    import_id: shapes.Id | None = None
    importId: shapes.Id | None = None  # an older spelling of the same number


def _no_cargo(_payload: payloads.FeedFile, _key: str) -> Call:
    raise Unreadable("a file of offers is made from its rows")


def _taken(_payload: payloads.FeedFile, response: HttpResponse) -> Outcome:
    """Errors: Unreadable without a number: then nobody can ask what became of it."""
    found = typed(response.body, _Taken)
    number = found.import_id if found.import_id is not None else found.importId
    if number is None:
        raise Unreadable("an import's number is published, and something else came")
    return Unknown(f"import {number} was taken and is not worked off yet", {IMPORT_ID: str(number)})


IMPORT_FEED = Shape(payloads.FeedFile, _no_cargo, _taken)


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────


def file_of(operation: str, rows: Sequence[Mapping[str, Any]]) -> tuple[str, list[tuple[str, str]]]:
    """The file as text, and what is not in it: SKU and why."""
    lines: list[dict[str, str]] = []
    kept: list[tuple[str, str]] = []
    for row in rows:
        try:
            lines.append(_ROW[operation](row))
        except Unreadable as error:
            kept.append((str(row["sku"]), error.what))
    columns = list(dict.fromkeys(name for line in lines for name in line))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue() if lines else "", kept


def _whole(row: Mapping[str, Any]) -> dict[str, str]:
    """Errors: Unreadable for terms that a file cannot carry, or a condition without a code."""
    if not row["live"]:
        return {"sku": row["sku"], "update-delete": "delete"}
    known, gtin = row["product_id"], row["gtin"]
    found = {
        "sku": row["sku"],
        "product-id": known or gtin or row["sku"],
        "product-id-type": "SKU" if known else "EAN" if gtin else "SHOP_SKU",
        "description": row["description"],
        "price": _amount(row["price_minor"], row),
        "quantity": str(row["quantity"]),
        "state": _state(row),
        "update-delete": "update",
        **_terms(row["terms"]),
    }
    if row["lead_days"] is not None:
        found["leadtime-to-ship"] = str(row["lead_days"])
    return {**found, **_discount(row)}


def _price(row: Mapping[str, Any]) -> dict[str, str]:
    """Errors: Unreadable for prices beside this one: a price file replaces them all."""
    terms = row["terms"]
    if terms.get("all_prices"):
        raise Unreadable("it has prices of single channels, which a price file would end")
    _carried(terms)
    return {"offer-sku": row["sku"], "price": _amount(row["price_minor"], row), **_discount(row)}


def _stock(row: Mapping[str, Any]) -> dict[str, str]:
    return {"offer-sku": row["sku"], "quantity": str(row["quantity"]), "warehouse-code": "", "update-delete": ""}


_ROW = {OFFERS: _whole, PRICES: _price, STOCK: _stock}


def _amount(minor: int, row: Mapping[str, Any]) -> str:
    return format(number_of(minor, row["currency"]), "f")


def _state(row: Mapping[str, Any]) -> str:
    """What it is in already, when the seller does not say; else by the condition's code."""
    if not row["condition"]:
        return row["state_code"] or STATE_BY_CONDITION["new"]
    code = STATE_BY_CONDITION.get(row["condition"], row["condition"])
    if not code.isalnum():
        raise Unreadable(f"condition “{row['condition']}” has no code at the marketplace")
    return str(code)


def _discount(row: Mapping[str, Any]) -> dict[str, str]:
    """The seller's sale price; where his file does not speak of one, what stands there goes on."""
    if row["sale_price_minor"] is not None:
        return {"discount-price": _amount(row["sale_price_minor"], row)}
    standing = {} if row["says_sale"] else row["terms"].get("discount") or {}
    return {column: str(standing[name]) for name, column in DISCOUNT_COLUMNS.items() if standing.get(name) is not None}


def _terms(terms: Mapping[str, Any]) -> dict[str, str]:
    _carried(terms)
    found = {column: _plain(terms[name]) for name, column in COLUMN_BY_TERM.items() if terms.get(name) is not None}
    found |= {str(one["code"]): _plain(one.get("value", "")) for one in terms.get("offer_additional_fields") or ()}
    for price in terms.get("all_prices") or ():
        channel = price["channel_code"]
        found |= {f"{c}[channel={channel}]": _plain(price[n]) for n, c in CHANNEL_COLUMNS.items() if price.get(n) is not None}  # fmt: skip
    return found


def _carried(terms: Mapping[str, Any]) -> None:
    """Errors: Unreadable for what only the marketplace's own pages can keep."""
    volumes = any(price.get("volume_prices") for price in terms.get("all_prices") or ())
    if volumes or (terms.get("discount") or {}).get("ranges"):
        raise Unreadable("it has prices by quantity, which a file cannot repeat")
    if terms.get("eco_contributions"):
        raise Unreadable("it has eco-contributions, which a file cannot repeat")


def _plain(value: Any) -> str:
    return "true" if value is True else "false" if value is False else str(value)


def _form(path: str, text: str, query: Sequence[tuple[str, str]], *, whole: bool) -> Call:
    parts = f'--{EDGE}\r\nContent-Disposition: form-data; name="import_mode"\r\n\r\nNORMAL\r\n' if whole else ""
    head = f'{parts}--{EDGE}\r\nContent-Disposition: form-data; name="file"; filename="offers.csv"\r\n'
    body = f"{head}Content-Type: application/octet-stream\r\n\r\n{text}\r\n--{EDGE}--\r\n"
    return Call("POST", path, query, {"content-type": f"multipart/form-data; boundary={EDGE}"}, body.encode())


# ── sending, and looking ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class FeedImport(Around):
    """One lane as the outbox knows it. Done says which rows were refused, in their words; taken is not done."""

    wire: Caller
    role: str

    @property
    def can_read_back(self) -> bool:
        return True

    def send(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[Outcome, Detail]:
        try:
            payload = msgspec.convert(effect.payload, payloads.FeedFile, str_keys=True)
        except NOT_JSON as error:
            return Refused(WRONG_PAYLOAD, f"{self.name} cannot be made from this payload: {error}"), {}
        text, kept = file_of(self.name, effect.cargo)
        told = {KEPT: [list(one) for one in kept]} if kept else {}
        if not text:
            refused = [_refused(sku, 0, why, ours=True) for sku, why in kept]
            return Done({IMPORT_ID: "", "refused": refused}), {"rows": 0}
        query = (("shop_id", payload.shop_id),)
        call = _form(PATHS[self.name], text, query, whole=self.name == OFFERS)
        call = Call(call.method, call.path, call.query, call.headers, call.body, effect.send_until)
        answer, detail = self.wire.call(ctx, self.role, call)
        detail = detail | {"rows": len(effect.cargo) - len(kept)}
        if not isinstance(answer, Good):
            return unfinished(answer), detail
        try:
            taken = _taken(payload, answer.response)
        except Unreadable as error:
            return Unknown(f"the answer is not the one they publish: {error.what}"), detail
        assert isinstance(taken, Unknown)
        return Unknown(taken.why, {**taken.trace, **told}), detail

    def read_back(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[ReadBack, Detail]:
        number = str(effect.trace.get(IMPORT_ID) or "")
        if not number:
            return NotThere("the import's number was not heard; the same rows once more change nothing"), {}
        status, detail = self._ask(ctx, effect, _status_call(self.name, number))
        if not isinstance(status, HttpResponse):
            return status, detail
        try:
            found = _status(self.name, status.body)
            over = _over(found)
            if over is not None:
                return over, detail
            if not (found.lines_in_error or found.has_error_report):
                return _done(number, [], effect), detail
            report, looked = self._ask(ctx, effect, Call("GET", f"{PATHS[self.name]}/{number}/error_report"))
            detail = detail | {"error_report": looked}
            if not isinstance(report, HttpResponse):
                return report, detail
            return _done(number, refused_rows(report.body), effect), detail
        except Unreadable as error:
            return Unknown(f"import {number} cannot be read: {error.what}"), detail

    def _ask(self, ctx: Ctx, effect: OutgoingEffect, call: Call) -> tuple[HttpResponse | ReadBack, Detail]:
        query = (("shop_id", str(effect.payload["shop_id"])), *call.query)
        answer, detail = self.wire.call(ctx, self.role, Call("GET", call.path, query, until=effect.send_until))
        return (answer.response if isinstance(answer, Good) else unread(answer)), detail


def _status_call(operation: str, number: str) -> Call:
    if operation == PRICES:
        return Call("GET", PATHS[operation], (("import_id", number),))
    return Call("GET", f"{PATHS[operation]}/{number}{'/status' if operation == STOCK else ''}")


def _status(operation: str, body: bytes) -> shapes.Import:
    if operation != PRICES:
        return typed(body, shapes.Import)
    listed = elements(body, "data")
    if len(listed) != 1:
        raise Unreadable(f"{len(listed)} imports of one number")
    return typed(listed[0], shapes.Import)


def _over(status: shapes.Import) -> ReadBack | None:
    """What a status says; None: worked off, and its rows are to be looked at."""
    if status.status not in IMPORT_DONE_BY_STATUS:
        return Unknown(f"import {status.import_id} is “{status.status}”, a word we do not know")
    done = IMPORT_DONE_BY_STATUS[status.status]
    if done is None:
        return Unknown(f"import {status.import_id} is {status.status}")
    return None if done else Refused(IMPORT_FAILED, status.reason_status or f"import {status.import_id} failed")


def refused_rows(body: bytes) -> list[tuple[str, int, str]]:
    """SKU, line and message of each row of an error report; headers are matched loosely, as theirs differ. Errors: Unreadable."""
    try:
        text = body.decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";", strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unreadable(f"the error report cannot be read: {error}") from error
    if "error-message" not in text.partition("\n")[0].lower():
        raise Unreadable("the error report has no column for its reasons")
    found = []
    for row in rows:
        named = {(name or "").strip().lower(): value for name, value in row.items() if isinstance(value, str)}
        sku = next((named[name] for name in SKU_HEADERS if named.get(name)), "")
        line = named.get("error-line", "")
        if not sku:
            raise Unreadable(f"line {line or '?'} of the error report names no offer")
        found.append((sku, int(line) if line.isdigit() else 0, named.get("error-message") or "the row was refused"))
    return found


def _done(number: str, refused: Sequence[tuple[str, int, str]], effect: OutgoingEffect) -> Done:
    theirs = [_refused(*one) for one in refused]
    ours = [_refused(sku, 0, why, ours=True) for sku, why in effect.trace.get(KEPT) or ()]
    return Done({IMPORT_ID: number, "refused": [*theirs, *ours]})


def _refused(sku: str, line: int, message: str, *, ours: bool = False) -> dict[str, Any]:
    words = message.lower()
    field = "" if ours else next((name for word, name in FIELD_BY_WORD if word in words), "")
    return {"sku": sku, "line": line, "field": field, "message": message, "ours": ours}
