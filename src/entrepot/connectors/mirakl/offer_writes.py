"""The write to an offer (OF24): an import that Mirakl takes now and works off later.

Every omitted field falls back to its default, so the whole offer is sent as it was last observed. The answer is an
import's number, which proves nothing yet: the import's status (OF02) and its error report (OF03) say what became of it.
Where no number was heard, the offer itself is looked at.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from entrepot.connectors.around import Around
from entrepot.connectors.exchange import Call, Good, unread
from entrepot.connectors.mirakl import payloads, shapes
from entrepot.connectors.mirakl.asking import JSON
from entrepot.connectors.mirakl.words import IMPORT_DONE_BY_STATUS
from entrepot.connectors.port import Detail, OutgoingEffect
from entrepot.connectors.reading import Unreadable, elements, encoded, minor, number_of, typed
from entrepot.connectors.writes import Caller, Look, Shape
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack, Refused, Unknown

IMPORT_ID = "import_id"
AMOUNTS = frozenset({"msrp", "price", "unit_discount_price", "unit_origin_price", "eco_contribution_amount"})
IMPORT_FAILED, ROW_REFUSED = "IMPORT_FAILED", "OFFER_REFUSED"


class _Taken(msgspec.Struct):
    import_id: int


def update_offer(payload: payloads.UpdateOffer, _key: str) -> Call:
    row: dict[str, Any] = {
        **_numbers(payload.terms),
        "shop_sku": payload.sku,
        "product_id": payload.product_id,
        "product_id_type": "SKU",
        "price": number_of(payload.price_minor, payload.currency),
        "quantity": payload.quantity,
        "state_code": payload.state_code,
        "description": payload.description,
        "update_delete": "update",
    }
    return Call("POST", "/api/offers", (("shop_id", payload.shop_id),), JSON, encoded({"offers": [row]}))


def _numbers(node: Any, name: str = "") -> Any:
    """Terms with their amounts as numbers again, digit for digit."""
    if isinstance(node, Mapping):
        return {key: _numbers(value, key) for key, value in node.items()}
    if isinstance(node, list):
        return [_numbers(value, name) for value in node]
    return Decimal(node) if name in AMOUNTS and isinstance(node, str) else node


def taken(_payload: payloads.UpdateOffer, response: HttpResponse) -> Outcome:
    """Taken is not applied: whoever hears this looks again."""
    number = typed(response.body, _Taken).import_id
    return Unknown(f"import {number} was taken and is not worked off yet", {IMPORT_ID: number})


def _offer(payload: payloads.UpdateOffer, _key: str) -> Call:
    return Call("GET", "/api/offers", (("shop_id", payload.shop_id), ("sku", payload.sku), ("max", "1")))


def offer_is_so(payload: payloads.UpdateOffer, response: HttpResponse) -> ReadBack:
    """Writing the same offer again is harmless, so a difference only means: not there yet."""
    for raw in elements(response.body, "offers"):
        offer = typed(raw, shapes.Offer)
        shown = {
            "price": minor(offer.price, offer.currency_iso_code or payload.currency, "$.price"),
            "quantity": offer.quantity,
            "description": offer.description or "",
        }
        if offer.shop_sku == payload.sku and all(shown.get(name) == value for name, value in payload.wanted.items()):
            return Done({"offer_id": str(offer.offer_id)})
    return NotThere(f"offer {payload.sku} of shop {payload.shop_id} is not so")


UPDATE_OFFER = Shape(payloads.UpdateOffer, update_offer, taken, Look(_offer, offer_is_so))


@dataclass(frozen=True, slots=True)
class OfferUpdate(Around):
    """OF24 as the outbox knows it: unclear until its import is over."""

    wire: Caller
    role: str

    @property
    def can_read_back(self) -> bool:
        return True

    def read_back(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[ReadBack, Detail]:
        number = effect.trace.get(IMPORT_ID)
        if number is None:
            return self.write.read_back(ctx, effect)
        path = f"/api/offers/imports/{number}"
        query = (("shop_id", str(effect.payload["shop_id"])),)
        answer, detail = self.wire.call(ctx, self.role, Call("GET", path, query, until=effect.send_until))
        if not isinstance(answer, Good):
            return unread(answer), detail
        try:
            status = typed(answer.response.body, shapes.Import)
        except Unreadable as error:
            return Unknown(f"the status of import {number} cannot be read: {error.what}"), detail
        over = verdict(status)
        if over is not None:
            return over, detail
        report = Call("GET", f"{path}/error_report", query, until=effect.send_until)
        answer, looked = self.wire.call(ctx, self.role, report)
        detail = detail | {"error_report": looked}
        if not isinstance(answer, Good):
            return unread(answer), detail
        return _refusal(answer.response.body, str(effect.payload["sku"])), detail


def verdict(status: shapes.Import) -> ReadBack | None:
    """What an import's status says; None: look into its error report."""
    if status.status not in IMPORT_DONE_BY_STATUS:
        return Unknown(f"import {status.import_id} is “{status.status}”, a word we do not know")
    done = IMPORT_DONE_BY_STATUS[status.status]
    if done is None:
        return Unknown(f"import {status.import_id} is {status.status}")
    if not done:
        return Refused(IMPORT_FAILED, status.reason_status or f"import {status.import_id} failed")
    return None if status.lines_in_error else Done({IMPORT_ID: str(status.import_id)})


def _refusal(body: bytes, sku: str) -> ReadBack:
    """The row of the error report; headers are matched loosely, as theirs differ from what was sent."""
    try:
        rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), delimiter=";", strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        return Unknown(f"the error report cannot be read: {error}")
    for row in rows:
        named = {(name or "").strip().lower(): value for name, value in row.items()}
        if sku in (named.get("sku"), named.get("shop-sku"), named.get("shop_sku")):
            return Refused(ROW_REFUSED, named.get("error-message") or "the row was refused")
    return Unknown(f"the error report does not name {sku}")
