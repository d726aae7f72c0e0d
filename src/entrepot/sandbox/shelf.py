"""What the shop front shows: the catalogue it opened with, and after that what the hub published and nothing else.

`PUT /offers/{id}` shows an offer anew: the same Idempotency-Key with the same content is one publication, an older
version than the one shown changes nothing. `GET /offers/{id}` gives what buyers see.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from entrepot.sandbox.core import Request, Response, World, json_response
from entrepot.sandbox.gateway.views import instant
from entrepot.sandbox.mirakl.state import Offer

PUT_OFFER, GET_OFFER = "publish-offer", "get-offer"
OFFERS: Final = "/offers/"


@dataclass(frozen=True)
class Shown:
    """One offer as buyers see it. `version`: the hub's, 0 for what the shop opened with. Units: minor units."""

    offer_id: str
    price_minor: int
    currency: str
    quantity: int
    sellable: bool
    category: str
    title: str = ""
    description: str = ""
    reasons: tuple[str, ...] = ()
    version: int = 0

    @staticmethod
    def of(offer: Offer) -> "Shown":
        """As an offer stood in the catalogue when the shop opened."""
        return Shown(
            offer_id=str(offer.offer_id),
            price_minor=offer.price_minor,
            currency=offer.currency,
            quantity=offer.quantity,
            sellable=offer.quantity > 0,
            category=offer.category_code,
            title=offer.title,
            description=offer.description,
        )


class Shelf:
    """Everything on display, and every publication as it came."""

    def __init__(self, world: World, key: str, opened_with: Iterable[Offer]) -> None:
        self._world = world
        self._key = key
        self.shown = {str(offer.offer_id): Shown.of(offer) for offer in opened_with}
        self.publications: list[dict[str, Any]] = []
        self._answered: dict[str, tuple[bytes, int]] = {}  # by key: the content and the version it led to

    def on_sale(self, offers: Iterable[Offer]) -> list[Offer]:
        """Of these offers what buyers may take, at the price and in the quantity on display."""
        found = []
        for offer in offers:
            shown = self.shown.get(str(offer.offer_id))
            if shown is not None and shown.sellable and shown.quantity > 0:
                found.append(
                    replace(offer, price_minor=shown.price_minor, currency=shown.currency, quantity=shown.quantity)
                )
        return found

    def sells(self, offer_id: str) -> bool:
        """Whether a buyer could take it at this moment."""
        shown = self.shown.get(offer_id)
        return shown is not None and shown.sellable

    # -- calls -----------------------------------------------------------------------------------------------------

    @staticmethod
    def operation(request: Request) -> str | None:
        """The operation's name, when it is one of the shelf's."""
        if not request.path.startswith(OFFERS) or "/" in request.path.removeprefix(OFFERS):
            return None
        return {"PUT": PUT_OFFER, "GET": GET_OFFER}.get(request.method)

    def handle(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {self._key}":
            return _no(401, "unauthorized", "the bearer key is not the hub's")
        offer_id = request.path.removeprefix(OFFERS)
        if request.method == "PUT":
            return self._publish(offer_id, request)
        shown = self.shown.get(offer_id)
        if shown is None:
            return _no(404, "offer_not_shown", f"offer {offer_id} was never published", "offer_id")
        return json_response(200, view(shown))

    def _publish(self, offer_id: str, request: Request) -> Response:
        key = request.headers.get("idempotency-key", "")
        if not key:
            return _no(400, "idempotency_key_missing", "send an Idempotency-Key header", "Idempotency-Key")
        known = self._answered.get(key)
        if known is not None:
            if known[0] != request.body:
                return _no(422, "idempotency_key_reused", "this key was used with other content", "Idempotency-Key")
            return json_response(200, {"offer_id": offer_id, "version": known[1]}, {"idempotent-replayed": "true"})
        shown = read(offer_id, request)
        if isinstance(shown, str):
            return _no(422, "unreadable", shown, "body")
        before = self.shown.get(offer_id)
        if before is not None and shown.version < before.version:
            return _no(409, "older_version", f"version {before.version} is on display", "version")
        self.shown[offer_id] = shown
        self._answered[key] = (request.body, shown.version)
        self.publications.append({**view(shown), "key": key, "at": instant(self._world.clock())})
        return json_response(200, {"offer_id": offer_id, "version": shown.version})

    def books(self) -> dict[str, Any]:
        return {
            "shelf": [view(shown) for _, shown in sorted(self.shown.items())],
            "publications": self.publications,
        }


def read(offer_id: str, request: Request) -> Shown | str:
    """A publication as the hub sent it; or what is wrong with it."""
    try:
        data = json.loads(request.body)
        price, quantity, version = (data[name] for name in ("price_minor", "quantity", "version"))
        words = [data[name] for name in ("currency", "category", "title", "description")]
        if not all(isinstance(one, int) and not isinstance(one, bool) for one in (price, quantity, version)):
            return "price_minor, quantity and version are whole numbers"
        if not all(isinstance(one, str) for one in words) or not isinstance(data["sellable"], bool):
            return "currency, category, title and description are texts, sellable is true or false"
        reasons = tuple(str(reason) for reason in data["reasons"])
    except (ValueError, KeyError, TypeError) as why:
        return f"not the JSON object that is published: {why}"
    if price < 0 or quantity < 0:
        return "price and quantity are not negative"
    currency, category, title, description = words
    return Shown(offer_id, price, currency, quantity, data["sellable"], category, title, description, reasons, version)


def view(shown: Shown) -> dict[str, Any]:
    return {
        "offer_id": shown.offer_id,
        "price_minor": shown.price_minor,
        "currency": shown.currency,
        "quantity": shown.quantity,
        "sellable": shown.sellable,
        "category": shown.category,
        "title": shown.title,
        "description": shown.description,
        "reasons": list(shown.reasons),
        "version": shown.version,
    }


def _no(status: int, code: str, message: str, field: str | None = None) -> Response:
    return json_response(status, {"code": code, "message": message, "field": field})
