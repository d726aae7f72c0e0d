"""POST /api/v1/feeds/{account}/{seller}: a seller's file by HTTP. Who sends it is known before its first byte is read; it goes
block by block to the disk, under a cap, and is never whole in memory.

A bearer token, not a signature over the body: a signature is known to fit only when the last byte is here. The token is a
feed's `key` in the plan, for its seller alone, or for any seller of the account.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from pathlib import Path

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from starlette.requests import ClientDisconnect

from entrepot.blueprint.model import FeedRule, Plan
from entrepot.blueprint.references import resolve
from entrepot.bulk.arrival import keeping, service, store
from entrepot.bulk.arrival.model import Sent
from entrepot.bulk.arrival.service import Receiving
from entrepot.bulk.mapping_store import ANY_SELLER
from entrepot.bulk.refusals import Unreadable
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import NotNow, WrongSetting
from entrepot.web.problems import answer, problem

FEEDS = "/api/v1/feeds/{account:path}/{seller}"
FEED = FEEDS + "/{file_id}"
WAITING_MAX = 1_000  # files of one account that are here and not read yet
log = logging.getLogger(__name__)
BLOCK_BYTES = 2**20  # collected before they go to the disk


@dataclass(frozen=True, slots=True)
class FeedsDoor:
    """`home`: the state folder. `most`: bytes of one file as it comes."""

    ctx: Ctx
    plan: Plan
    home: Callable[[], Path]
    most: int = keeping.FILE_MAX

    async def receive(self, request: Request, account: str, seller: str, name: str, complete: bool | None) -> Response:
        begun = await run_in_threadpool(self._begin, request.headers, account, seller, name, complete)
        if isinstance(begun, Response):
            return begun
        try:
            await self._stream(request, begun)
            arrival = await run_in_threadpool(service.keep, self.ctx, begun)
        except Unreadable:
            return self._too_large()
        except ClientDisconnect:
            begun.incoming.drop()
            return problem(
                400, "body-cut-short", "the connection ended before the file did; nothing was kept, send it again"
            )
        except BaseException:
            begun.incoming.drop()
            raise
        where = f"{request.url.path.rstrip('/')}/{arrival}"
        return answer(202, {"id": arrival, "name": begun.sent.name, "state": "kept", "status": where})

    async def _stream(self, request: Request, begun: Receiving) -> None:
        waiting, size = [], 0
        async for chunk in request.stream():
            waiting.append(chunk)
            size += len(chunk)
            if size >= BLOCK_BYTES:
                await run_in_threadpool(begun.incoming.write, b"".join(waiting))
                waiting, size = [], 0
        await run_in_threadpool(begun.incoming.write, b"".join(waiting))

    def status(self, headers: Mapping[str, str], account: str, seller: str, file_id: str) -> Response:
        if self._feed(headers, account, seller) is None:
            return _unauthorised()
        with self.ctx.db.transaction() as conn:
            row = store.with_counts(conn, file_id)
        if row is None or (row["account"], row["seller"]) != (account, seller):
            return problem(404, "no-such-file", f"{seller} has sent no file {file_id} to {account}")
        return answer(200, service.status(row))

    def _begin(
        self, headers: Mapping[str, str], account: str, seller: str, name: str, complete: bool | None
    ) -> Receiving | Response:
        """Who sends it, and a place for it; or why it is turned away before it is read."""
        feed = self._feed(headers, account, seller)
        if feed is None:
            return _unauthorised()
        if not name.strip():
            return problem(422, "name-missing", "say what the file is called: ?name=offers.csv")
        if headers.get("content-length", "0").isdecimal() and int(headers.get("content-length", "0")) > self.most:
            return self._too_large()
        with self.ctx.db.transaction() as conn:
            waiting = store.waiting(conn, account, WAITING_MAX)
        if waiting >= WAITING_MAX:
            raise NotNow(f"{waiting} files of {account} wait to be read")
        whole = feed.complete if complete is None else complete
        sent = Sent(account, seller, "api", name, whole, f"key of feed {feed.name}", feed.name)
        return service.receive(self.ctx, self.home(), sent, self.most)

    def _feed(self, headers: Mapping[str, str], account: str, seller: str) -> FeedRule | None:
        """The feed whose key is shown: of this seller, or of any of the account."""
        shown = headers.get("authorization", "").encode()
        for _, feed in sorted(self.plan.feeds.items()):
            ours = feed.account == account and feed.seller in (seller, ANY_SELLER) and seller != ANY_SELLER
            if ours and (key := _key(feed)) and compare_digest(shown, f"Bearer {key}".encode()):
                return feed
        return None

    def _too_large(self) -> Response:
        return problem(
            413, "file-too-large", f"a file has at most {keeping.size_words(self.most)}: pack it, or send it in parts"
        )


def _key(feed: FeedRule) -> str:
    """A key that is not set opens nothing, and shuts no other feed's door."""
    try:
        return resolve(feed.key)
    except WrongSetting as error:
        log.warning("feeds.%s.key: %s", feed.name, error.message)
        return ""


def _unauthorised() -> Response:
    return problem(
        401, "unauthorised", "the bearer token is none that the plan gives to whoever sends this seller's files"
    )
