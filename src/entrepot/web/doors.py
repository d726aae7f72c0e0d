"""The doors machines knock at: webhooks in, the storefront's two calls, stock and prices by the thousand, and whether we live. No cookies, no pages.

Every door records the raw bytes before it reads them (of events only those nobody can read: the rest is rows at once), and answers 2xx only
after the commit; when the database is away it answers 503, so that the caller comes again. Bodies are streamed under a cap. Over HTTP, webhooks
take the shorter way of webhook_door.py.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from hmac import compare_digest
from typing import Any, Protocol

import msgspec
from fastapi import Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from entrepot.connectors.port import Challenged, Forged, Webhook, is_learning
from entrepot.flows.checkout_check import CheckoutBody
from entrepot.flows.tellers import Tellers
from entrepot.inbox.model import Envelope, Parked
from entrepot.inbox.service import keep, record, unnamed
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import NotNow
from entrepot.trade.stock.events import Batch, NoList, read
from entrepot.web.events_door import EventsTogether
from entrepot.web.feeds_door import FEED, FEEDS, FeedsDoor
from entrepot.web.problems import answer, problem

BODY_MAX = 2 * 1024 * 1024  # bytes of one webhook or call; more is refused with 413
HOOKS = "/hooks/"
STOREFRONT_FLOW = "order-creation"
EVENTS, EVENTS_FLOW = "/api/v1/events/{system}", "listing-offer"
MALFORMED_TOLD_MAX = 1_000  # lines an answer explains


class Storefront(Protocol):
    """What the composition hands in for the two calls in which a buyer waits."""

    def check(self, asked: CheckoutBody) -> Mapping[str, Any]: ...
    def create(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, Mapping[str, Any]] | Parked:
        """Status and body: 201 created, 202 being created, 409 other content under the same id. Parked: it cannot be read."""
        ...


@dataclass(frozen=True, slots=True)
class Doors:
    """`webhooks`: account and door by system name. `storefront_key`: read at every call. `backlog_full`: turn webhooks away?"""

    ctx: Ctx
    webhooks: Mapping[str, tuple[str, Webhook]]
    storefront: Storefront
    storefront_account: str
    storefront_key: Callable[[], str] | None  # None: there is no storefront
    backlog_full: Callable[[str], bool]
    tellers: Mapping[str, tuple[str, Webhook]] = field(default_factory=dict)  # who may tell of stock and prices
    rights: Tellers | None = None  # and whose word counts; None: nobody tells
    feeds: FeedsDoor | None = None  # None: no plan says who may send files


class TooLarge(Exception):
    pass


async def raw_body(request: Request) -> bytes:
    """The whole body, or TooLarge before more than BODY_MAX is held."""
    parts, size = [], 0
    async for chunk in _chunks(request):
        size += len(chunk)
        if size > BODY_MAX:
            raise TooLarge
        parts.append(chunk)
    return b"".join(parts)


def _chunks(request: Request) -> AsyncIterator[bytes]:
    return request.stream()


def no_feeds() -> Response:
    return problem(404, "no-feeds", "the plan names nobody who may send files here")


def body_too_large() -> Response:
    return problem(413, "body-too-large", f"at most {BODY_MAX} bytes")


def come_again(error: NotNow) -> Response:
    refused = problem(503, error.code, f"{error.message}; nothing was kept, send it again")
    refused.headers["Retry-After"] = "5"
    return refused


def create_doors(doors: Doors) -> FastAPI:
    app = FastAPI(title="Entrepot API", docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json")
    body = Depends(raw_body)
    together = EventsTogether(doors.ctx, doors.rights) if doors.rights is not None else None

    @app.exception_handler(TooLarge)
    def too_large(request: Request, error: TooLarge) -> Response:
        return body_too_large()

    @app.exception_handler(NotNow)
    def not_now(request: Request, error: NotNow) -> Response:
        return come_again(error)

    @app.post("/api/v1/checkout/check")
    def check(request: Request, content: bytes = body) -> Response:
        """Is this basket live, at these prices, in these quantities? Answered from last-known state."""
        return receive_checkout(doors, request.headers, content)

    @app.post("/api/v1/baskets")
    def create(request: Request, content: bytes = body) -> Response:
        """A paid basket: recorded and decided before the answer; 202 when the marketplace has not answered yet."""
        return receive_basket(doors, request.headers, content)

    @app.post(EVENTS)
    async def tell(system: str, request: Request, content: bytes = body) -> Response:
        """Stock and prices by the thousand: JSON lines or one array. Answered after the commit with what became of them; lines that cannot be
        read are named one by one and stop nothing else."""
        told = await run_in_threadpool(open_events, doors, system, request.headers, content)
        if isinstance(told, Response):
            return told
        assert together is not None  # somebody tells
        kept = await together.submit(told)
        problems = [{"line": one.line, "reason": one.reason} for one in told.malformed[:MALFORMED_TOLD_MAX]]
        return answer(200, {**asdict(kept), "malformed": len(told.malformed), "problems": problems})

    @app.post(FEEDS)
    async def send(
        account: str, seller: str, request: Request, name: str = "", complete: bool | None = None
    ) -> Response:
        """A seller's file of offers, as the body is; `?name=offers.csv` says what it is called, and by its ending how it is read, `&complete=true` that
        what it lacks has ended. Kept whole before the answer, 202 with its id; read soon after, files of one seller in the order they came. The same
        content again changes nothing."""
        if doors.feeds is None:
            return no_feeds()
        return await doors.feeds.receive(request, account, seller, name, complete)

    @app.get(FEED)
    def feed_status(account: str, seller: str, file_id: str, request: Request) -> Response:
        """What became of a file: `kept`, `reading` with the rows read so far, `applied` with its counts, `same` (its content counted already), or
        `refused` with what is wrong, where, and who mends it."""
        if doors.feeds is None:
            return no_feeds()
        return doors.feeds.status(request.headers, account, seller, file_id)

    @app.get("/livez")
    def livez() -> Response:
        return answer(200, {"alive": True})

    @app.get("/readyz")
    def readyz() -> Response:
        """Ready: the database answers."""
        with doors.ctx.db.transaction() as conn:
            conn.execute("SELECT 1")
        return answer(200, {"ready": True, "environment": doors.ctx.environment})

    @app.get(f"{HOOKS}{{system:path}}")
    def prove(system: str, challenge_code: str = "") -> Response:
        """A system asks whether this address is really ours before it sends anything to it."""
        return answer_challenge(doors, system, challenge_code)

    return app


def answer_challenge(doors: Doors, system: str, code: str) -> Response:
    _, webhook = doors.webhooks.get(system, ("", None))
    told = webhook.challenge(code) if isinstance(webhook, Challenged) else None
    if told is None:
        return problem(404, "no-challenge", f"no system “{system}” asks this address to prove itself")
    return Response(told, 200, media_type="application/json")


def may_call_out(doors: Doors, system: str) -> bool:
    """Its keys may have to be fetched first: not to be waited for by everybody else."""
    return is_learning(doors.webhooks.get(system, ("", None))[1])


def receive_webhook(doors: Doors, system: str, headers: Mapping[str, str], content: bytes) -> Response:
    """What the door does with one webhook, in one thread and without waiting for others."""
    envelope = admit_webhook(doors, system, headers, content)
    if isinstance(envelope, Response):
        return envelope
    if doors.backlog_full(envelope.account):
        return backlog_full()
    return Response(webhook_kept_body(*keep(doors.ctx, [envelope])), 200, media_type="application/json")


def admit_webhook(doors: Doors, system: str, headers: Mapping[str, str], content: bytes) -> Envelope | Response:
    """Who sent it, and what it is kept as; or why it is turned away. What it says is looked into by whoever decides."""
    known = doors.webhooks.get(system)
    if known is None:
        return problem(404, "unknown-system", f"no system “{system}” sends webhooks here")
    account, webhook = known
    if is_learning(webhook) and (problem_of := webhook.learn(doors.ctx, headers)) is not None:
        return problem(503, "key-not-fetched", f"the key of this signature could not be fetched: {problem_of.code}")
    verified = webhook.verify(doors.ctx.clock.machine(), headers, content)
    if isinstance(verified, Forged):
        return problem(401, "signature-refused", "the signature does not fit this body, this secret and this time")
    return Envelope(account, "webhook", f"{HOOKS}{system}", content, headers)


def webhook_kept_body(envelope_id: str) -> bytes:
    return msgspec.json.encode({"envelope": envelope_id})


def backlog_full() -> Response:
    return problem(503, "backlog-full", "too much is waiting already; send it again later")


def open_events(doors: Doors, system: str, headers: Mapping[str, str], content: bytes) -> Batch | Response:
    """Who tells it, and what; or why it is turned away. What cannot be read is kept, once, and becomes a case."""
    known = doors.tellers.get(system)
    if known is None:
        return problem(404, "unknown-system", f"no system “{system}” tells of stock and prices here")
    account, webhook = known
    if isinstance(webhook.verify(doors.ctx.clock.machine(), headers, content), Forged):
        return problem(401, "signature-refused", "the signature does not fit this body, this secret and this time")
    path = EVENTS.format(system=system)
    try:
        told = read(content)
    except NoList as error:
        record(doors.ctx, [unnamed(account, path, EVENTS_FLOW, content)])
        return problem(422, "malformed-request", str(error))
    if told.malformed:
        record(doors.ctx, [unnamed(account, path, EVENTS_FLOW, told.unread)])
    return replace(told, account=account)


def receive_checkout(doors: Doors, headers: Mapping[str, str], content: bytes) -> Response:
    if not _is_storefront(doors, headers):
        return problem(401, "unauthorised", "the bearer token is not the storefront's")
    try:
        asked = msgspec.json.decode(content, type=CheckoutBody)
    except msgspec.DecodeError as error:
        return problem(422, "malformed-request", str(error))
    return answer(200, doors.storefront.check(asked))


def receive_basket(doors: Doors, headers: Mapping[str, str], content: bytes) -> Response:
    if not _is_storefront(doors, headers):
        return problem(401, "unauthorised", "the bearer token is not the storefront's")
    if not headers.get("idempotency-key"):
        return problem(
            400, "idempotency-key-missing", "send an Idempotency-Key header; the basket's own id is a good one"
        )
    made = doors.storefront.create(content, dict(headers))
    if isinstance(made, Parked):
        record(doors.ctx, [unnamed(doors.storefront_account, "/api/v1/baskets", STOREFRONT_FLOW, content)])
        return problem(422, "malformed-request", made.cause)
    return answer(*made)


def _is_storefront(doors: Doors, headers: Mapping[str, str]) -> bool:
    given = headers.get("authorization", "")
    key = doors.storefront_key
    return key is not None and compare_digest(given.encode(), f"Bearer {key()}".encode())
