"""Amazon's notifications, read from the seller's own queue (SQS, JSON protocol): hints that something is to be read again.

At least once, in no order. What was received is hidden for a while; it is deleted only when the next page is asked for, which
is after this one was recorded. Whatever is lost in between comes again and is known by its delivery's number.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from entrepot.connectors.amazon.records import HINT, Records
from entrepot.connectors.amazon.sigv4 import Signer
from entrepot.connectors.amazon.wire import Wire
from entrepot.connectors.exchange import CALL_TIMEOUT_S, retry_after_s
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.naming import ByRow
from entrepot.connectors.port import Limit, Page, Problem, ProblemCode, Received
from entrepot.connectors.reading import (
    NOT_JSON,
    UnknownWord,
    Unreadable,
    encoded,
    first_bytes,
    total,
    typed,
    unreadable_record,
)
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.http import HttpRequest, HttpResponse, NoAnswer, NotReached
from entrepot.trade.order.model import Hint

QUEUE = ("queue_url", "aws_region", "aws_access_key_id", "aws_secret_access_key")
SESSION = "aws_session_token"
CONTENT = "application/x-amz-json-1.0"
TARGET = "AmazonSQS"
HIDDEN_S = 120  # until then a page must be recorded, or its messages come again
BATCH_MAX = 10  # messages of one call, theirs
ID_BY_TYPE: Mapping[str, tuple[str, str]] = {  # notification -> what to read again, by which member
    "ORDER_CHANGE": ("order", "amazonorderid"),
    "ORDER_STATUS_CHANGE": ("order", "amazonorderid"),
    "MFN_ORDER_STATUS_CHANGE": ("order", "amazonorderid"),
    "LISTINGS_ITEM_STATUS_CHANGE": ("listing", "sku"),
    "LISTINGS_ITEM_ISSUES_CHANGE": ("listing", "sku"),
    "LISTINGS_ITEM_MFN_QUANTITY_CHANGE": ("listing", "sku"),
    "FEED_PROCESSING_FINISHED": ("submission", "feedid"),
}
KNOWN_AND_SWEPT = frozenset({"REPORT_PROCESSING_FINISHED"})  # the sources of reports look after theirs by themselves
DENIED = frozenset(
    {"InvalidClientTokenId", "SignatureDoesNotMatch", "AccessDenied", "UnrecognizedClientException", "ExpiredToken"}
)


class _Message(msgspec.Struct):
    ReceiptHandle: str
    Body: str
    MessageId: str = ""


class _Answer(msgspec.Struct):
    Messages: list[_Message] | None = None


class _Error(msgspec.Struct):
    type: str = msgspec.field(default="", name="__type")
    message: str = ""


class _Hint(msgspec.Struct):
    kind: str = ""
    external_id: str = ""
    notification: str = ""


@total
def hint(body: bytes) -> Hint:
    seen = typed(body, _Hint)
    if not seen.kind and not seen.notification:
        raise Unreadable("a hint that names nothing", "$.kind")
    if not seen.kind:
        raise UnknownWord("notificationType", seen.notification)
    if seen.kind not in ("order", "listing", "submission"):
        raise UnknownWord("kind", seen.kind)
    if not seen.external_id:
        raise Unreadable("a hint of nothing", "$.external_id")
    return Hint(seen.kind, seen.external_id)


@dataclass(frozen=True, slots=True)
class Notifications(ByRow):
    """The source. An account without a queue of its own has nothing to read here."""

    row: SourceRow
    wire: Wire
    records: Records
    limit: Limit | None
    name: str = "notifications"

    def fetch(self, ctx: Ctx, _cursor: str | None) -> Iterator[Page]:
        if any(name not in self.wire.access.secrets for name in QUEUE):
            return
        asked = {"MaxNumberOfMessages": BATCH_MAX, "VisibilityTimeout": HIDDEN_S, "WaitTimeSeconds": 0}
        for _ in range(self.row.pages_max):
            page, messages = self._receive(ctx, asked)
            yield page
            if page.problem or not messages:
                return
            entries = [{"Id": str(n), "ReceiptHandle": one.ReceiptHandle} for n, one in enumerate(messages)]
            self._call(
                ctx, "DeleteMessageBatch", {"Entries": entries}
            )  # when it fails they come again: nothing is lost
            if len(messages) < BATCH_MAX:
                return

    def _receive(self, ctx: Ctx, asked: Mapping[str, Any]) -> tuple[Page, list[_Message]]:
        answer = self._call(ctx, "ReceiveMessage", asked)
        if isinstance(answer, Problem):
            return Page(self.row.code, {}, b"", problem=answer), []
        try:
            messages = typed(answer.body, _Answer).Messages or []
        except Unreadable as error:
            problem = Problem(ProblemCode.UNREADABLE, f"{error.what}: {first_bytes(answer.body)}")
            return Page(self.row.code, answer.headers, answer.body, problem=problem), []
        found = [self._record(message.Body.encode(), n) for n, message in enumerate(messages)]
        received = tuple(one for one in found if one is not None)
        return Page(self.row.code, answer.headers, answer.body, received), messages

    def _record(self, body: bytes, position: int) -> Received | None:
        """None: known, and of nothing that anybody waits for. What cannot be read is kept, and leaves the queue all the same."""
        try:
            event = folded(msgspec.json.decode(body))
            meta = event.get("notificationmetadata") if isinstance(event, dict) else None
            told_by = meta.get("notificationid") if isinstance(meta, dict) else None
            word = event.get("notificationtype") if isinstance(event, dict) else None
        except NOT_JSON:
            told_by = word = None
        if not isinstance(told_by, str) or not isinstance(word, str) or not told_by:
            return unreadable_record(body, HINT, self.records.flows[HINT], position)
        if word in KNOWN_AND_SWEPT:
            return None
        if word not in ID_BY_TYPE:
            unknown = encoded({"notification": word})
            return self.records.make(HINT, told_by, "", unknown, position, f"notification:{word}")
        kind, member = ID_BY_TYPE[word]
        external_id = first_of(event.get("payload"), member)
        if not external_id:
            return unreadable_record(body, HINT, self.records.flows[HINT], position)
        return self.records.hint(kind, external_id, told_by, "", position, notification=word)

    # ── on the wire ──────────────────────────────────────────────────────────────────────────────────────────

    def _call(self, ctx: Ctx, action: str, asked: Mapping[str, Any]) -> HttpResponse | Problem:
        access = self.wire.access
        queue = access.secret("queue_url")
        parts = urlsplit(queue)
        url = f"{parts.scheme}://{parts.netloc}/"
        body = encoded({"QueueUrl": queue, **asked})
        headers = {"content-type": CONTENT, "x-amz-target": f"{TARGET}.{action}"}
        if SESSION in access.secrets:
            headers["x-amz-security-token"] = access.secret(SESSION)
        signer = Signer(
            access.secret("aws_access_key_id"),
            access.secret("aws_secret_access_key"),
            access.secret("aws_region"),
            "sqs",
        )
        signed = signer.headers(ctx.clock.machine(), "POST", url, headers, body)
        match ctx.http.send(HttpRequest("POST", url, signed, (), body, CALL_TIMEOUT_S)):
            case NotReached(why):
                return Problem(ProblemCode.NOT_REACHED, why)
            case NoAnswer(why):
                return Problem(ProblemCode.NO_ANSWER, why)
            case HttpResponse() as response if 200 <= response.status < 300:
                return response
            case HttpResponse() as response:
                return _no(ctx, response)


def _no(ctx: Ctx, response: HttpResponse) -> Problem:
    """`{"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message"}`."""
    try:
        error = msgspec.json.decode(response.body, type=_Error)
    except NOT_JSON:
        error = _Error("", first_bytes(response.body))
    code = error.type.rpartition("#")[2] or f"HTTP {response.status}"
    words = f"{code}: {error.message}"
    if response.status == 401 or code in DENIED:
        return Problem(ProblemCode.CREDENTIALS_REFUSED, words)
    if response.status == 429 or "Throttl" in code:
        return Problem(ProblemCode.RATE_LIMITED, words, retry_after_s(ctx, response))
    if response.status >= 500 or 300 <= response.status < 400:
        return Problem(ProblemCode.SYSTEM_DOWN, words, retry_after_s(ctx, response))
    return Problem(ProblemCode.REFUSED, words)


def folded(node: Any) -> Any:
    """Member names in lower case: some of their notifications begin them with a capital, some do not."""
    if isinstance(node, dict):
        return {str(name).lower(): folded(value) for name, value in node.items()}
    return [folded(value) for value in node] if isinstance(node, list) else node


def first_of(node: Any, member: str) -> str:
    """The first text of a member, at any depth; '' when there is none."""
    if isinstance(node, dict):
        if isinstance(node.get(member), str):
            return str(node[member])
        return next((found for value in node.values() if (found := first_of(value, member))), "")
    if isinstance(node, list):
        return next((found for value in node if (found := first_of(value, member))), "")
    return ""
