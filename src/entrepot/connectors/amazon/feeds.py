"""Writes that go by feed: a document is laid down at an address of theirs, then a feed is made of it. One message per feed.

Only the last call sets something in motion. What is lost before it may simply be done again; when its own answer is lost it
is unclear whether a feed was made. A feed taken is the first of three levels: the source `submissions` tells the rest.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from entrepot.connectors.amazon import documents, feed_xml
from entrepot.connectors.amazon.lists import unreadable
from entrepot.connectors.amazon.wire import Wire, json_call
from entrepot.connectors.exchange import Answer, Call, Down, Good, Lost, Throttled, Unsent, unfinished
from entrepot.connectors.manifest import OperationRow
from entrepot.connectors.port import Detail, Limit, OutgoingEffect, Problem
from entrepot.connectors.reading import NOT_JSON, Unreadable, sortable, typed
from entrepot.connectors.writes import WRONG_PAYLOAD
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import OwnerDecides
from entrepot.kernel.outcome import Done, Later, Outcome, ReadBack, Refused, Unknown

FEEDS, FEED_DOCUMENTS = "/feeds/2021-06-30/feeds", "/feeds/2021-06-30/documents"
XML = "text/xml; charset=UTF-8"
SUBMISSION_ID, ASKED_AT = "submission_id", "asked_at"

Payload = TypeVar("Payload", bound=msgspec.Struct)


class _Made(msgspec.Struct):
    feedId: str


class _Place(msgspec.Struct):
    feedDocumentId: str
    url: str


@dataclass(frozen=True, slots=True)
class Sought:
    """What a read-back goes by. `asked_at`: business time of the call whose answer was lost; None: nobody kept it."""

    number: int
    asked_at: datetime | None
    until: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be said, and by which feed."""

    feed_type: str
    message_type: str
    content: feed_xml.Node


@dataclass(frozen=True, slots=True)
class FeedShape(Generic[Payload]):
    """A feed as data. `plan`: the message, or an outcome where a look shows that there is nothing (more) to be done; it
    raises Unreadable for a payload that says too little. `look`: where a feed leaves its trace.
    """

    payload: type[Payload]
    plan: Callable[[Ctx, Payload, datetime], tuple[Message | Outcome, Detail]]
    look: Callable[[Ctx, Payload, Sought], tuple[ReadBack, Detail]]


@dataclass(frozen=True, slots=True)
class FeedWrite(Generic[Payload]):
    """An operation of the outbox's port that goes by feed."""

    name: str
    row: OperationRow
    wire: Wire
    shape: FeedShape[Payload]
    limit: Limit | None
    settle_s: float

    @property
    def partner_key(self) -> bool:
        return self.row.partner_key

    @property
    def money(self) -> bool:
        return self.row.money

    @property
    def can_read_back(self) -> bool:
        return True

    def send(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[Outcome, Detail]:
        """Two calls and an upload, all within `send_until`."""
        payload = self._payload(effect.payload)
        if isinstance(payload, Refused):
            return payload, {"error": payload.words}
        try:
            planned, looked = self.shape.plan(ctx, payload, effect.send_until)
        except (Unreadable, OwnerDecides) as error:
            return Refused(WRONG_PAYLOAD, str(error)), {"error": str(error)}
        if not isinstance(planned, Message):
            return planned, looked
        return self._submit(ctx, effect, planned)

    def read_back(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[ReadBack, Detail]:
        payload = self._payload(effect.payload)
        if isinstance(payload, Refused):
            return Unknown(payload.words), {"error": payload.words}
        asked_at = effect.trace.get(ASKED_AT)
        at = datetime.fromisoformat(asked_at) if isinstance(asked_at, str) else None
        sought = Sought(feed_xml.message_number(effect.key), at, effect.send_until)
        return self.shape.look(ctx, payload, sought)

    def _submit(self, ctx: Ctx, effect: OutgoingEffect, message: Message) -> tuple[Outcome, Detail]:
        number = feed_xml.message_number(effect.key)
        body = feed_xml.envelope(self.wire.seller_id, message.message_type, number, message.content)
        place, detail = self._place(ctx, effect)
        if not isinstance(place, _Place):
            return place, detail
        problem = documents.put(ctx, place.url, body, XML, effect.send_until)
        if problem is not None:
            return Later(f"the document could not be laid down: {problem}", problem.after_s), detail
        asked_at = sortable(ctx.clock.now())
        answer, detail = self._create(ctx, effect, message.feed_type, place.feedDocumentId)
        trace = {ASKED_AT: asked_at}
        if not isinstance(answer, Good):
            outcome = unfinished(answer)
            return (Unknown(outcome.why, trace) if isinstance(outcome, Unknown) else outcome), detail
        try:
            return Done({SUBMISSION_ID: typed(answer.response.body, _Made).feedId}), detail
        except Unreadable as error:
            return Unknown(f"the answer is not the one they publish: {error.what}", trace), detail

    def _place(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[_Place | Outcome, Detail]:
        """Where to lay the document down. It changes nothing that anybody sees, so a lost answer is no more than a delay."""
        call = json_call("POST", FEED_DOCUMENTS, {"contentType": XML})
        answer, detail = self.wire.call(ctx, self.row.role, _until(call, effect.send_until))
        match answer:
            case Good(response):
                try:
                    return typed(response.body, _Place), detail
                except Unreadable as error:
                    return Later(f"no place for the document: {error.what}"), detail
            case Down(why, after_s) | Unsent(why, after_s):
                return Later(f"no place for the document: {why}", after_s), detail
            case Throttled(after_s):
                return Later("they asked us to slow down (429)", after_s), detail
            case Lost(why):
                return Later(f"no place for the document: {why}"), detail
            case _:
                return unfinished(answer), detail

    def _create(self, ctx: Ctx, effect: OutgoingEffect, feed_type: str, document: str) -> tuple[Answer, Detail]:
        body = {
            "feedType": feed_type,
            "marketplaceIds": [self.wire.marketplace_id],
            "inputFeedDocumentId": document,
        }
        return self.wire.call(ctx, self.row.role, _until(json_call("POST", FEEDS, body), effect.send_until))

    def _payload(self, given: Mapping[str, Any]) -> Payload | Refused:
        try:
            return msgspec.convert(given, self.shape.payload, str_keys=True)
        except NOT_JSON as error:
            return Refused(WRONG_PAYLOAD, f"{self.name} cannot be made from this payload: {error}")


def _until(call: Call, until: datetime) -> Call:
    return Call(call.method, call.path, call.query, call.headers, call.body, until)


# ── feeds found again ────────────────────────────────────────────────────────────────────────────────────────


class Feed(msgspec.Struct):
    """A feed as they list it."""

    feedId: str
    feedType: str
    createdTime: str
    processingStatus: str
    processingEndTime: str | None = None
    resultFeedDocumentId: str | None = None


def document_path(document_id: str) -> str:
    return f"{FEED_DOCUMENTS}/{quote(document_id, safe='')}"


def report_of(ctx: Ctx, wire: Wire, feed: Feed, until: datetime) -> feed_xml.Report | Problem:
    """The report of one feed that is over."""
    fetched = documents.fetch(ctx, wire, document_path(feed.resultFeedDocumentId or ""), until)
    if isinstance(fetched, Problem):
        return fetched
    try:
        return feed_xml.report(fetched.body)
    except Unreadable as error:
        return unreadable(error)
