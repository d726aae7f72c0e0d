"""A queue behind SQS's JSON protocol, as a system's credentials name it: what it holds is received, and deleted once it is safe with us.

At least once, in no order. What was received is hidden for a while; whatever is not deleted by then comes again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from entrepot.connectors.exchange import CALL_TIMEOUT_S, retry_after_s
from entrepot.connectors.port import Access, Handed, Left, Letter, Problem, ProblemCode
from entrepot.connectors.reading import NOT_JSON, Unreadable, encoded, first_bytes, typed
from entrepot.connectors.sigv4 import Signer
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.http import HttpRequest, HttpResponse, NoAnswer, NotReached

QUEUE_URL, REGION, KEY_ID, SECRET_KEY = "queue_url", "aws_region", "aws_access_key_id", "aws_secret_access_key"
SESSION = "aws_session_token"
NEEDED = (QUEUE_URL, REGION, KEY_ID, SECRET_KEY)
CONTENT = "application/x-amz-json-1.0"
TARGET = "AmazonSQS"
BATCH_MAX = 10  # messages of one call, theirs
DENIED = frozenset(
    {
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "AccessDenied",
        "AccessDeniedException",
        "UnrecognizedClientException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidSecurity",
    }
)


class _Message(msgspec.Struct):
    ReceiptHandle: str
    Body: str


class _Received(msgspec.Struct):
    Messages: list[_Message] | None = None


class _Failure(msgspec.Struct):
    Id: str
    Code: str = ""


class _Deleted(msgspec.Struct):
    Failed: list[_Failure] | None = None


class _Error(msgspec.Struct):
    type: str = msgspec.field(default="", name="__type")
    message: str = ""


@dataclass(frozen=True, slots=True)
class SqsQueue:
    """The queue of one account. `hidden_s`: machine seconds until what was received and not deleted comes again."""

    access: Access
    hidden_s: int

    @property
    def declared(self) -> bool:
        """Whether the system's credentials name one, with everything it takes to read it."""
        return all(name in self.access.secrets for name in NEEDED)

    def receive(self, ctx: Ctx) -> Handed:
        """Up to BATCH_MAX of them."""
        asked = {"MaxNumberOfMessages": BATCH_MAX, "VisibilityTimeout": self.hidden_s, "WaitTimeSeconds": 0}
        answer = self._call(ctx, "ReceiveMessage", asked)
        if isinstance(answer, Problem):
            return Handed(problem=answer)
        try:
            messages = typed(answer.body, _Received).Messages or []
        except Unreadable as error:
            problem = Problem(ProblemCode.UNREADABLE, f"{error.what}: {first_bytes(answer.body)}")
            return Handed(answer.headers, answer.body, problem=problem)
        letters = tuple(Letter(one.ReceiptHandle, one.Body) for one in messages)
        return Handed(answer.headers, answer.body, letters)

    def delete(self, ctx: Ctx, letters: Sequence[Letter]) -> Left | Problem:
        """At most BATCH_MAX of them."""
        entries = [{"Id": str(n), "ReceiptHandle": one.handle} for n, one in enumerate(letters)]
        answer = self._call(ctx, "DeleteMessageBatch", {"Entries": entries})
        if isinstance(answer, Problem):
            return answer
        try:
            failed = typed(answer.body, _Deleted).Failed or []
        except Unreadable as error:
            return Problem(ProblemCode.UNREADABLE, f"{error.what}: {first_bytes(answer.body)}")
        codes = {one.Id: one.Code for one in failed}
        left = tuple(one for n, one in enumerate(letters) if str(n) in codes)
        return Left(left, ", ".join(sorted(set(codes.values()))))

    def _call(self, ctx: Ctx, action: str, asked: Mapping[str, Any]) -> HttpResponse | Problem:
        access = self.access
        queue = access.secret(QUEUE_URL)
        url = f"{host_of(queue)}/"
        body = encoded({"QueueUrl": queue, **asked})
        headers = {"content-type": CONTENT, "x-amz-target": f"{TARGET}.{action}"}
        if SESSION in access.secrets:
            headers["x-amz-security-token"] = access.secret(SESSION)
        signer = Signer(access.secret(KEY_ID), access.secret(SECRET_KEY), access.secret(REGION), "sqs")
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


def host_of(queue_url: str) -> str:
    """Where its calls go: the protocol names the queue in the body, not in the path."""
    parts = urlsplit(queue_url)
    return f"{parts.scheme}://{parts.netloc}"


def _no(ctx: Ctx, response: HttpResponse) -> Problem:
    """`{"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message"}`."""
    try:
        error = msgspec.json.decode(response.body, type=_Error)
    except NOT_JSON:
        error = _Error("", first_bytes(response.body))
    code = error.type.rpartition("#")[2] or f"HTTP {response.status}"
    words = f"{code}: {error.message}"
    if response.status == 429 or "Throttl" in code:  # it may come as a 403
        return Problem(ProblemCode.RATE_LIMITED, words, retry_after_s(ctx, response))
    if response.status in (401, 403) or code in DENIED:
        return Problem(ProblemCode.CREDENTIALS_REFUSED, words)
    if response.status >= 500 or 300 <= response.status < 400:
        return Problem(ProblemCode.SYSTEM_DOWN, words, retry_after_s(ctx, response))
    return Problem(ProblemCode.REFUSED, words)
