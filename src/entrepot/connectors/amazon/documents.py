"""Documents of feeds and reports: at an address signed in advance, on another host, often packed, never with our token.

The address is a secret while it lasts (minutes): what a person sees of it is shown without its query.
"""

import zlib
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import msgspec

from entrepot.connectors.amazon.wire import SELLER, Wire
from entrepot.connectors.exchange import CALL_MIN_S, Call, Good, problem_of, retry_after_s, time_left
from entrepot.connectors.port import Detail, Problem, ProblemCode
from entrepot.connectors.reading import Unreadable, first_bytes, typed
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.http import HttpRequest, HttpResponse, NoAnswer, NotReached

UNPACKED_BYTES_MAX = 50 * 1024 * 1024
GZIP = "GZIP"
GZIP_MAGIC = b"\x1f\x8b"
MEMBERS_MAX = 1_000
HTML = (b"<!doctype", b"<html")


class _Document(msgspec.Struct):
    url: str
    compressionAlgorithm: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document as it was before it was packed."""

    body: bytes
    detail: Detail


def fetch(ctx: Ctx, wire: Wire, path: str, until: datetime | None = None) -> Fetched | Problem:
    """Ask where a document is (one call that their ceilings count), fetch it there, unpack it."""
    answer, _ = wire.call(ctx, SELLER, Call("GET", path, until=until))
    if not isinstance(answer, Good):
        return problem_of(answer) or Problem(ProblemCode.UNREADABLE, "no document")
    try:
        document = typed(answer.response.body, _Document)
    except Unreadable as error:
        return Problem(ProblemCode.UNREADABLE, f"{error.what} (at {error.where})")
    if document.compressionAlgorithm not in (None, "", GZIP):
        return Problem(ProblemCode.UNREADABLE, f"packed by “{document.compressionAlgorithm}”, a way we do not know")
    got = _at(ctx, HttpRequest("GET", document.url, total_timeout_s=time_left(ctx, until)))
    if isinstance(got, Problem):
        return got
    try:
        packed = document.compressionAlgorithm == GZIP and not _unpacked_on_the_way(got)
        body = unpacked(got.body) if packed else got.body
    except Unreadable as error:
        return Problem(ProblemCode.UNREADABLE, error.what)
    if body.lstrip()[:9].lower().startswith(HTML):
        return Problem(ProblemCode.SYSTEM_DOWN, f"a web page in place of a document: {first_bytes(body)}")
    return Fetched(body, {"url": shown(document.url), "bytes": len(body)})


def _unpacked_on_the_way(response: HttpResponse) -> bool:
    """A store may say that the packing is the transfer's own; the door has undone it then."""
    return "gzip" in response.headers.get("content-encoding", "").lower() and not response.body.startswith(GZIP_MAGIC)


def put(ctx: Ctx, url: str, body: bytes, content_type: str, until: datetime | None) -> Problem | None:
    """Lay a document down. Nothing is set in motion by it: whatever goes wrong, it may be done again elsewhere."""
    headers = {"content-type": content_type}
    sent = _at(ctx, HttpRequest("PUT", url, headers, (), body, time_left(ctx, until)))
    if isinstance(sent, Problem):
        return sent
    if sent.body.strip():  # a store answers an upload with nothing; whatever spoke here was not it
        return Problem(ProblemCode.UNREADABLE, f"not the answer of a store: {first_bytes(sent.body)}")
    return None


def _at(ctx: Ctx, request: HttpRequest) -> HttpResponse | Problem:
    if request.total_timeout_s < CALL_MIN_S:
        return Problem(ProblemCode.NOT_REACHED, "no time was left to send it")
    if not urlsplit(request.url).netloc:
        return Problem(ProblemCode.UNREADABLE, "their document has no address")
    match ctx.http.send(request):
        case NotReached(why):
            return Problem(ProblemCode.NOT_REACHED, f"{shown(request.url)}: {why}")
        case NoAnswer(why):
            return Problem(ProblemCode.NO_ANSWER, f"{shown(request.url)}: {why}")
        case HttpResponse() as response if 200 <= response.status < 300:
            return response
        case HttpResponse() as response:
            words = f"{shown(request.url)}: HTTP {response.status}"
            return Problem(ProblemCode.SYSTEM_DOWN, words, retry_after_s(ctx, response))


def shown(url: str) -> str:
    """Without the query, which holds the signature."""
    return url.partition("?")[0]


def unpacked(packed: bytes, bytes_max: int = UNPACKED_BYTES_MAX) -> bytes:
    """Gzip, of one or several members, up to a size. Errors: Unreadable (no gzip, cut, larger than that)."""
    rest, parts, room = packed, list[bytes](), bytes_max
    for _ in range(MEMBERS_MAX):
        stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            part = stream.decompress(rest, room + 1)
        except zlib.error as error:
            raise Unreadable(f"the document is not packed as promised: {error}") from error
        if len(part) > room:
            raise Unreadable(f"the document is larger than {bytes_max} bytes when unpacked")
        if not stream.eof:
            raise Unreadable("the document is cut")
        parts.append(part)
        room -= len(part)
        rest = stream.unused_data
        if not rest.startswith(GZIP_MAGIC):
            return b"".join(parts)
    raise Unreadable(f"the document has more than {MEMBERS_MAX} parts")
