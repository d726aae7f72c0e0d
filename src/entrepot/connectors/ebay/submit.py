"""The whole content of a product, listed in three calls: the inventory item, its offer on our site, the publishing of it.

Each call may be made again without harm: the item is replaced, an offer that is there is updated instead of made, and one
that is published is not published again. So what was cut in the middle is simply begun anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from entrepot.connectors.ebay import shapes, wire
from entrepot.connectors.ebay.asking import INVENTORY, done_quietly, json_call, part, price_of
from entrepot.connectors.ebay.offer_writes import item_path, offers_of
from entrepot.connectors.ebay.statement import amount_of
from entrepot.connectors.ebay.words import CONDITION
from entrepot.connectors.exchange import Answer, Call, Good, Rejected, unfinished, unread
from entrepot.connectors.manifest import OperationRow
from entrepot.connectors.port import Detail, Limit, OutgoingEffect
from entrepot.connectors.reading import NOT_JSON, Unreadable, elements, typed
from entrepot.connectors.verbs import SubmitListing
from entrepot.connectors.writes import WRONG_PAYLOAD, Caller
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import OwnerDecides
from entrepot.kernel.outcome import Done, Later, NotThere, Outcome, ReadBack, Refused, Unknown

PUBLISHED = "PUBLISHED"
POLICIES = ("fulfillmentPolicyId", "paymentPolicyId", "returnPolicyId")
LOCATION = "merchantLocationKey"
OF_ITEM = ("conditionDescription",)
OF_PRODUCT = ("subtitle", "mpn", "epid")
ABSENT = 404
GTIN_FIELD = {8: "ean", 12: "upc", 13: "ean"}
BOOKS = ("978", "979")


class _OfferMade(msgspec.Struct):
    offerId: str


class _Publication(msgspec.Struct):
    listingId: str


class _Stop(Exception):
    """A step did not come to a good end; the steps before it stand."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome


def item_body(payload: SubmitListing) -> dict[str, Any]:
    """The inventory item. Attributes that are no field of eBay's own are aspects: a name and its values."""
    own = {*POLICIES, LOCATION, *OF_ITEM, *OF_PRODUCT}
    given = payload.attributes
    product: dict[str, Any] = {"title": payload.title, "description": payload.description or payload.title}
    aspects = {name: _values(value) for name, value in given.items() if name not in own}
    product |= {"aspects": aspects} if aspects else {}
    product |= {"brand": payload.brand} if payload.brand else {}
    product |= {"imageUrls": list(payload.images)} if payload.images else {}
    product |= {name: given[name] for name in OF_PRODUCT if name in given}
    if name := ("isbn" if payload.gtin.startswith(BOOKS) else GTIN_FIELD.get(len(payload.gtin), "")):
        product[name] = [payload.gtin]
    return {
        "availability": {"shipToLocationAvailability": {"quantity": payload.quantity}},
        "condition": CONDITION.get(payload.condition, payload.condition.upper()),
        "product": product,
        **{name: given[name] for name in OF_ITEM if name in given},
    }


def _values(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]


@dataclass(frozen=True, slots=True)
class Submit:
    """submit-listing. `terms`: the account's policies and location, for a product that names none of its own."""

    name: str
    row: OperationRow
    wire: Caller
    marketplace: str
    terms: Mapping[str, str]
    limit: Limit | None
    settle_s: float
    can_read_back: bool = field(default=True)

    @property
    def partner_key(self) -> bool:
        return self.row.partner_key

    @property
    def money(self) -> bool:
        return self.row.money

    def send(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[Outcome, Detail]:
        """All three calls within `send_until`; what could not be made in time is begun anew later."""
        steps: list[Detail] = []
        try:
            payload = self._payload(effect)
            self._put_item(ctx, effect, payload, steps)
            offer_id, published = self._put_offer(ctx, effect, payload, steps)
            listing_id = published or self._publish(ctx, effect, offer_id, steps)
        except _Stop as stop:
            return stop.outcome, {"steps": steps}
        return Done({"offer_id": offer_id, "listing_id": listing_id}), {"steps": steps}

    def read_back(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[ReadBack, Detail]:
        """Listed, at our price, with our words. Stock is not compared: it sells."""
        steps: list[Detail] = []
        try:
            payload = self._payload(effect)
        except _Stop as stop:
            return Unknown(str(stop.outcome)), {}
        answer = self._made(ctx, effect, Call("GET", item_path(payload.sku)), steps)
        if isinstance(answer, Rejected) and answer.response.status == ABSENT:
            return NotThere(f"there is no item {payload.sku}"), {"steps": steps}
        if not isinstance(answer, Good):
            return unread(answer), {"steps": steps}
        try:
            product = typed(answer.response.body, shapes.Item).product or shapes.Product()
            if product.title != payload.title or product.description != (payload.description or payload.title):
                return NotThere(f"item {payload.sku} has other words"), {"steps": steps}
            answer = self._made(ctx, effect, offers_of(payload.sku), steps)
            if not isinstance(answer, Good | Rejected):
                return unread(answer), {"steps": steps}
            return self._listed(payload, self._offer_in(answer)), {"steps": steps}
        except Unreadable as error:
            return Unknown(f"what was found cannot be read: {error.what}"), {"steps": steps}
        except _Stop as stop:
            return Unknown(str(stop.outcome)), {"steps": steps}

    def _listed(self, payload: SubmitListing, offer: shapes.Offer | None) -> ReadBack:
        if offer is None:
            return NotThere(f"{payload.sku} has no offer on {self.marketplace}")
        price = offer.pricingSummary.price if offer.pricingSummary else None
        now = (amount_of(price, "$.pricingSummary.price"), price.currency) if price else None
        listing = offer.listing.listingId if offer.listing else None
        if offer.status != PUBLISHED or not listing:
            return NotThere(f"offer {offer.offerId} is {offer.status}")
        if now != (payload.price_minor, payload.currency):
            return NotThere(f"offer {offer.offerId} has another price")
        return Done({"offer_id": offer.offerId, "listing_id": listing})

    # -- steps -----------------------------------------------------------------------------------------------------

    def _put_item(self, ctx: Ctx, effect: OutgoingEffect, payload: SubmitListing, steps: list[Detail]) -> None:
        answer = self._made(ctx, effect, json_call("PUT", item_path(payload.sku), item_body(payload)), steps)
        self._read(answer, lambda response: done_quietly(payload, response))

    def _put_offer(
        self, ctx: Ctx, effect: OutgoingEffect, payload: SubmitListing, steps: list[Detail]
    ) -> tuple[str, str]:
        """The offer's number, and its listing's when it is published already."""
        answer = self._made(ctx, effect, offers_of(payload.sku), steps)
        if not isinstance(answer, Good | Rejected):
            outcome = unfinished(answer)
            raise _Stop(Later(f"not gone on: {outcome.why}") if isinstance(outcome, Unknown) else outcome)
        try:
            offer = self._offer_in(answer)
        except Unreadable as error:
            raise _Stop(Later(f"not gone on: the offers cannot be read ({error.what})")) from error
        body = self.offer_body(payload)
        if offer is None:
            placed = {"sku": payload.sku, "marketplaceId": self.marketplace, "format": "FIXED_PRICE"}
            answer = self._made(ctx, effect, json_call("POST", f"{INVENTORY}/offer", placed | body), steps)
            return self._read(answer, lambda response: typed(response.body, _OfferMade).offerId), ""
        answer = self._made(ctx, effect, json_call("PUT", f"{INVENTORY}/offer/{part(offer.offerId)}", body), steps)
        self._read(answer, lambda response: done_quietly(payload, response))
        listing = offer.listing.listingId if offer.listing else None
        return offer.offerId, listing if offer.status == PUBLISHED and listing else ""

    def _publish(self, ctx: Ctx, effect: OutgoingEffect, offer_id: str, steps: list[Detail]) -> str:
        answer = self._made(ctx, effect, Call("POST", f"{INVENTORY}/offer/{part(offer_id)}/publish"), steps)
        listing_id: str = self._read(answer, lambda response: typed(response.body, _Publication).listingId)
        return listing_id

    def offer_body(self, payload: SubmitListing) -> dict[str, Any]:
        """What an offer says, made or updated."""
        terms = {**self.terms, **{name: str(value) for name, value in payload.attributes.items()}}
        policies = {name: terms[name] for name in POLICIES if name in terms}
        return {
            "availableQuantity": payload.quantity,
            "categoryId": payload.category,
            "listingDescription": payload.description or payload.title,
            "listingDuration": "GTC",
            "pricingSummary": {"price": price_of(payload.price_minor, payload.currency)},
            **({"listingPolicies": policies} if policies else {}),
            **({LOCATION: terms[LOCATION]} if LOCATION in terms else {}),
        }

    def _offer_in(self, answer: Good | Rejected) -> shapes.Offer | None:
        """The offer on our site. Errors: Unreadable; _Stop for any no but "there is none"."""
        if isinstance(answer, Rejected):
            if answer.response.status == ABSENT:
                return None
            raise _Stop(answer.refusal)
        offers = [typed(raw, shapes.Offer) for raw in elements(answer.response.body, "offers")]
        return next((offer for offer in offers if offer.marketplaceId in (None, self.marketplace)), None)

    def _made(self, ctx: Ctx, effect: OutgoingEffect, call: Call, steps: list[Detail]) -> Answer:
        made = Call(call.method, call.path, call.query, call.headers, call.body, effect.send_until)
        answer, detail = self.wire.call(ctx, wire.SELL, made)
        steps.append(detail)
        return answer

    @staticmethod
    def _read(answer: Answer, read: Any) -> Any:
        """What a good answer says. Errors: _Stop for any other, and for one that cannot be read."""
        if not isinstance(answer, Good):
            raise _Stop(unfinished(answer))
        try:
            return read(answer.response)
        except Unreadable as error:
            raise _Stop(Unknown(f"the answer is not the one they publish: {error.what}")) from error

    def _payload(self, effect: OutgoingEffect) -> SubmitListing:
        """What was planned, checked as far as the calls need it. Errors: _Stop."""
        try:
            payload = msgspec.convert(effect.payload, SubmitListing, str_keys=True)
            price_of(payload.price_minor, payload.currency)
        except (OwnerDecides, *NOT_JSON) as error:
            words = f"{self.name} cannot be made from this payload: {error}"
            raise _Stop(Refused(WRONG_PAYLOAD, words)) from error
        if not payload.sku or payload.price_minor <= 0 or payload.quantity < 0:
            raise _Stop(Refused(WRONG_PAYLOAD, "a listing needs a SKU, a price above zero and a stock"))
        return payload
