"""A product as a feed of one item (MP_ITEM): what comes back is a number; what became of the item, the feed says later.

Sent twice it is the same upsert. A feed shows neither content nor key of ours: after an unclear answer the newest feeds are
looked through for one that holds our sku. Two versions of one item within minutes of each other cannot be told apart there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec

from entrepot.connectors.around import Around
from entrepot.connectors.exchange import Call, Good, Rejected, unread
from entrepot.connectors.reading import NOT_JSON, Unreadable, elements, encoded, number_of, typed
from entrepot.connectors.verbs import SetPrice, SetStock, SubmitListing
from entrepot.connectors.walmart import shapes
from entrepot.connectors.walmart.feeds import PATH
from entrepot.connectors.walmart.translate import feed_changed_at
from entrepot.connectors.walmart.units import when
from entrepot.connectors.walmart.wire import NOTHING_FOUND, entries, refusal_of
from entrepot.connectors.writes import WRONG_PAYLOAD, Caller, Shape
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack, Unknown
from entrepot.outbox.port import Detail, OutgoingEffect

FEED_TYPE = "MP_ITEM"
SPEC_VERSION = "5.0.20240517-04_08_27-api"  # the item specification the mapping is made for
FEEDS_SHOWN, FEEDS_LOOKED_AT = 50, 5
LOOK_BACK = timedelta(minutes=15)  # a feed older than this is not the one that was just sent
BOUNDARY = "entrepot-feed"
FILE_NAME = "feed.json"
GTIN_TYPES: Mapping[int, str] = {8: "GTIN", 12: "UPC", 13: "EAN", 14: "GTIN"}


class _Taken(msgspec.Struct):
    feedId: str


def submit(payload: SubmitListing, _key: str) -> Call:
    if not payload.sku or not payload.category or not payload.title:
        raise Unreadable("an item needs a sku, a product type and a name", "$")
    return feed_call(FEED_TYPE, {"MPItemFeedHeader": _header(), "MPItem": [without_boundary(_item(payload))]})


def without_boundary(row: dict[str, Any]) -> dict[str, Any]:
    """Errors: Unreadable where a text of the row would end the part that it stands in."""
    if BOUNDARY.encode() in encoded(row):
        raise Unreadable("a text of the item holds our own boundary", "$")
    return row


def feed_call(feed_type: str, content: dict[str, Any]) -> Call:
    body = encoded(content)
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{FILE_NAME}"\r\n'
    form = f"{head}Content-Type: application/json\r\n\r\n".encode() + body + f"\r\n--{BOUNDARY}--\r\n".encode()
    kind = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    return Call("POST", PATH, (("feedType", feed_type),), kind, form)


def _header() -> dict[str, str]:
    return {"businessUnit": "WALMART_US", "locale": "en", "version": SPEC_VERSION}


def _item(payload: SubmitListing) -> dict[str, Any]:
    """`Orderable` is the offer, `Visible` the content under its product type. The mapping's own names win over ours.

    A mapped attribute goes to `Visible`; one named "Orderable.X" goes to `Orderable`.
    """
    own = {
        name.removeprefix("Orderable."): value
        for name, value in payload.attributes.items()
        if name.startswith("Orderable.")
    }
    shown = {name: value for name, value in payload.attributes.items() if not name.startswith("Orderable.")}
    orderable: dict[str, Any] = {"sku": payload.sku, "price": number_of(payload.price_minor, payload.currency)}
    if payload.gtin:
        kind = GTIN_TYPES.get(len(payload.gtin), "GTIN")
        orderable["productIdentifiers"] = {"productIdType": kind, "productId": payload.gtin}
    visible: dict[str, Any] = {"productName": payload.title}
    if payload.brand:
        visible["brand"] = payload.brand
    if payload.description:
        visible["shortDescription"] = payload.description
    if payload.images:
        visible["mainImageUrl"] = payload.images[0]
    if payload.images[1:]:
        visible["productSecondaryImageURL"] = payload.images[1:]
    return {"Orderable": {**orderable, **own}, "Visible": {payload.category: {**visible, **shown}}}


def taken(payload: SubmitListing | SetPrice | SetStock, response: HttpResponse) -> Outcome:
    try:
        found = entries(response.body)
    except NOT_JSON:
        found = []
    if found:
        return refusal_of(found, "FEED_REFUSED")
    return _receipt(payload, typed(response.body, _Taken).feedId)


def all_taken(payloads: Sequence[SetPrice | SetStock], response: HttpResponse) -> Sequence[Outcome]:
    """One number stands for all of them; what became of each item is told by the feed."""
    return [taken(payload, response) for payload in payloads]


def _receipt(payload: SubmitListing | SetPrice | SetStock, feed_id: str) -> Done:
    return Done({"submission_id": feed_id, "keys": [payload.sku]})


SUBMIT = Shape(SubmitListing, submit, taken)


@dataclass(frozen=True, slots=True)
class FeedSubmission(Around):
    """The write, with a look of several calls: the list of feeds, then the items of the newest few."""

    wire: Caller
    role: str

    @property
    def can_read_back(self) -> bool:
        return True

    def read_back(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[ReadBack, Detail]:
        try:
            payload = msgspec.convert(effect.payload, SubmitListing, str_keys=True)
        except NOT_JSON as error:
            return Unknown(f"{WRONG_PAYLOAD}: {error}"), {"error": str(error)}
        query = (("offset", "0"), ("limit", str(FEEDS_SHOWN)))
        answer, detail = self.wire.call(ctx, self.role, Call("GET", PATH, query, until=effect.send_until))
        if isinstance(answer, Rejected) and answer.refusal.code.startswith(NOTHING_FOUND):
            return NotThere("there is no feed"), detail
        if not isinstance(answer, Good):
            return unread(answer), detail
        try:
            newest = _newest(answer.response.body, ctx.clock.now() - LOOK_BACK)
        except Unreadable as error:
            return Unknown(f"the list of feeds cannot be read: {error.what}"), detail
        looked: list[Detail] = []
        for feed_id in newest[:FEEDS_LOOKED_AT]:
            found, one = self._holds(ctx, effect, payload, feed_id)
            looked.append(one)
            if found is not None:
                return found, detail | {"feeds": looked}
        return NotThere(f"no new feed holds {payload.sku}"), detail | {"feeds": looked}

    def _holds(
        self, ctx: Ctx, effect: OutgoingEffect, payload: SubmitListing, feed_id: str
    ) -> tuple[ReadBack | None, Detail]:
        """Done or Unknown; None: that feed is another's."""
        query = (("includeDetails", "true"), ("offset", "0"), ("limit", "2"))
        path = f"{PATH}/{quote(feed_id, safe='')}"
        answer, detail = self.wire.call(ctx, self.role, Call("GET", path, query, until=effect.send_until))
        if not isinstance(answer, Good):
            return unread(answer), detail
        try:
            feed = typed(answer.response.body, shapes.FeedAnswer)
        except Unreadable as error:
            return Unknown(f"feed {feed_id} cannot be read: {error.what}"), detail
        items = feed.itemDetails.itemIngestionStatus if feed.itemDetails else []
        if not items and feed.itemsReceived <= 1:
            return Unknown(f"feed {feed_id} does not show its items yet"), detail
        mine = feed.itemsReceived <= 1 and any(item.sku == payload.sku for item in items)
        return (_receipt(payload, feed_id) if mine else None), detail


def _newest(body: bytes, since: datetime) -> list[str]:
    """Item feeds made since then, the newest first. Errors: Unreadable."""
    found = []
    for raw in elements(body, "results", "feed"):
        feed = typed(raw, shapes.FeedHead)
        made_at = when(feed.feedDate, "$.feedDate") if feed.feedDate else feed_changed_at(feed)
        if feed.feedType == FEED_TYPE and made_at is not None and made_at >= since:
            found.append((made_at, feed.feedId))
    return [feed_id for _, feed_id in sorted(found, reverse=True)]
