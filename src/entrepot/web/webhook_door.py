"""POST /hooks/{system} over HTTP. Stands before every other layer of the web process and spares a webhook their machinery, which costs more
than keeping it. Webhooks that come at the same time share a commit.
"""

from asyncio import Future, ensure_future, shield
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from entrepot.inbox.group_commit import GroupCommit
from entrepot.inbox.service import keep
from entrepot.kernel.errors import NotNow
from entrepot.web.doors import (
    BODY_MAX,
    HOOKS,
    Doors,
    TooLarge,
    admit_webhook,
    backlog_full,
    body_too_large,
    come_again,
    may_call_out,
    webhook_kept_body,
)

BACKLOG_LOOK = timedelta(seconds=1)  # machine: after that an answer about an account's backlog is renewed
BACKLOG_OLD = timedelta(seconds=10)  # and after that not gone by any more


class HungUp(Exception):
    """The caller went away before his body was whole: there is nobody to answer."""


class WebhookDoor:
    """Answers webhooks; everything else goes on to `app`."""

    def __init__(self, app: ASGIApp, doors: Doors) -> None:
        self._app = app
        self._doors = doors
        self._together = GroupCommit(partial(keep, doors.ctx))
        self._backlog = Backlog(doors.backlog_full, doors.ctx.clock.machine)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith(HOOKS):
            await self._app(scope, receive, send)
            return
        try:
            answer = await self._answer(scope["path"].removeprefix(HOOKS), headers_of(scope), await body_of(receive))
        except TooLarge:
            answer = body_too_large()
        except NotNow as error:
            answer = come_again(error)
        except HungUp:
            return
        if isinstance(answer, str):
            await _kept(answer, send)
        else:
            await answer(scope, receive, send)

    async def _answer(self, system: str, headers: Mapping[str, str], body: bytes) -> Response | str:
        """The id it was kept under, or why it was not."""
        admit = partial(admit_webhook, self._doors, system, headers, body)
        envelope = await run_in_threadpool(admit) if may_call_out(self._doors, system) else admit()
        if isinstance(envelope, Response):
            return envelope
        if await self._backlog.is_full(envelope.account):
            return backlog_full()
        return await self._together.submit(envelope)


async def _kept(envelope_id: str, send: Send) -> None:
    """The answer, told without a response object: it would cost a tenth of the whole way."""
    body = webhook_kept_body(envelope_id)
    headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def headers_of(scope: Scope) -> dict[str, str]:
    """Names come in lower case (ASGI); of a name given twice the last counts."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def body_of(receive: Receive) -> bytes:
    """The whole body, or TooLarge before more than BODY_MAX is held. Errors: HungUp."""
    parts, size, more = [], 0, True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise HungUp
        part: bytes = event.get("body", b"")
        size += len(part)
        if size > BODY_MAX:
            raise TooLarge
        parts.append(part)
        more = event.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


class Backlog:
    """Whether too much of an account is waiting: asked about once a second, however many webhooks come, and nobody waits for an answer who has one."""

    def __init__(self, full: Callable[[str], bool], machine: Callable[[], datetime]) -> None:
        self._full = full
        self._machine = machine
        self._known: dict[str, tuple[datetime, bool]] = {}
        self._asking: dict[str, Future[bool]] = {}

    async def is_full(self, account: str) -> bool:
        """Fails as the database does, where the last answer is too old to go by."""
        at, full = self._known.get(account, (None, False))
        age = None if at is None else self._machine() - at
        if age is not None and age < BACKLOG_LOOK:
            return full
        asking = self._asking.get(account) or self._ask(account)
        return await shield(asking) if age is None or age > BACKLOG_OLD else full

    def _ask(self, account: str) -> "Future[bool]":
        asking = self._asking[account] = ensure_future(run_in_threadpool(self._full, account))
        asking.add_done_callback(partial(self._told, account))
        return asking

    def _told(self, account: str, asked: "Future[bool]") -> None:
        del self._asking[account]
        if not asked.cancelled() and asked.exception() is None:  # what failed is asked again by whoever comes next
            self._known[account] = (self._machine(), asked.result())
