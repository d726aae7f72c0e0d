"""Writes that go by feed: a document is laid down at an address of theirs, then a feed is made of it. One message per feed.

Only the last call sets something in motion. What is lost before it may simply be done again; when its own answer is lost it
is unclear whether a feed was made. A feed taken is the first of three levels: the source `submissions` tells the rest.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from entrepot.connectors.amazon import documents, feed_xml
from entrepot.connectors.amazon.lists import unreadable
from entrepot.connectors.amazon.wire import Wire, json_call
from entrepot.connectors.exchange import Answer, Call, Down, Good, Lost, Unsent, unfinished
from entrepot.connectors.manifest import OperationRow
from entrepot.connectors.port import Detail, Limit, OutgoingEffect, Problem
from entrepot.connectors.reading import NOT_JSON, Unreadable, sortable, typed
from entrepot.connectors.writes import WRONG_PAYLOAD
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import OwnerDecides
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, Outcome, ReadBack, Refused, Unknown

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
        trace = {ASKED_AT: sortable(ctx.clock.now())}
        call = replace(feed_of(message.feed_type, XML, body), until=effect.send_until)
        answer, detail = FeedCalls(self.wire).call(ctx, self.row.role, call)
        if not isinstance(answer, Good):
            outcome = unfinished(answer)
            return (Unknown(outcome.why, trace) if isinstance(outcome, Unknown) else outcome), detail
        try:
            return Done({SUBMISSION_ID: feed_made(answer.response)}), detail
        except Unreadable as error:
            return Unknown(f"the answer is not the one they publish: {error.what}", trace), detail

    def _payload(self, given: Mapping[str, Any]) -> Payload | Refused:
        try:
            return msgspec.convert(given, self.shape.payload, str_keys=True)
        except NOT_JSON as error:
            return Refused(WRONG_PAYLOAD, f"{self.name} cannot be made from this payload: {error}")


# ── a feed as if it were one call ────────────────────────────────────────────────────────────────────────────


def feed_of(feed_type: str, content_type: str, document: bytes) -> Call:
    """A feed as one call, for FeedCalls: its body is the document."""
    return Call("POST", FEEDS, (("feedType", feed_type),), {"content-type": content_type}, document)


def feed_made(response: HttpResponse) -> str:
    """The feed's number. Errors: Unreadable."""
    return typed(response.body, _Made).feedId


@dataclass(frozen=True, slots=True)
class FeedCalls:
    """A wire for feeds. Whatever goes wrong before the last call has set nothing in motion: it counts as not sent."""

    wire: Wire

    def call(self, ctx: Ctx, role: str, call: Call) -> tuple[Answer, Detail]:
        """A place, the upload, the feed."""
        kind = call.headers["content-type"]
        asked = replace(json_call("POST", FEED_DOCUMENTS, {"contentType": kind}), until=call.until)
        answer, detail = self.wire.call(ctx, role, asked)
        if isinstance(answer, Down | Lost | Unsent):
            after_s = None if isinstance(answer, Lost) else answer.after_s
            return Unsent(f"no place for the document: {answer.why}", after_s), detail
        if not isinstance(answer, Good):
            return answer, detail
        try:
            place = typed(answer.response.body, _Place)
        except Unreadable as error:
            return Unsent(f"no place for the document: {error.what}"), detail
        problem = documents.put(ctx, place.url, call.body, kind, call.until)
        if problem is not None:
            return Unsent(f"the document could not be laid down: {problem}", problem.after_s), detail
        feed = {
            **dict(call.query),
            "marketplaceIds": [self.wire.marketplace_id],
            "inputFeedDocumentId": place.feedDocumentId,
        }
        return self.wire.call(ctx, role, replace(json_call("POST", FEEDS, feed), until=call.until))


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
