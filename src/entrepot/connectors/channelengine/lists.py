"""Lists by page number, a hundred to a page, read so that nothing is missed: overlapping in time, and anew when one shrinks.

A list by change only grows at its end or in its middle: what comes in while it is read comes twice, which is harmless.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from entrepot.connectors.channelengine import shapes
from entrepot.connectors.channelengine.records import Records
from entrepot.connectors.channelengine.wire import Wire
from entrepot.connectors.channelengine.words import LEG_BY_STATUS
from entrepot.connectors.exchange import Call, Good, problem_of
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.naming import ByRow, OfPages
from entrepot.connectors.port import Limit, Page, Problem, ProblemCode, Received
from entrepot.connectors.reading import Unreadable, elements, instant, sortable, typed, whole_number
from entrepot.kernel.ctx import Ctx

Query = Sequence[tuple[str, str]]
ORDERS, NEW_ORDERS, RETURNS, CHANNELS = "/v2/orders", "/v2/orders/new", "/v2/returns", "/v2/channels"
NOTIFICATIONS = "/v2/notifications"
# Unpaid orders are left out unless they are asked for by name; asked for by name means asking for all the others too.
EVERY_STATUS: Query = tuple(("statuses", word) for word in LEG_BY_STATUS)


def unreadable(error: Unreadable) -> Problem:
    return Problem(ProblemCode.UNREADABLE, f"{error.what} (at {error.where})")


def page_of(wire: Wire, ctx: Ctx, code: str, path: str, query: Query) -> Page:
    """One call as a page without records."""
    answer, _ = wire.call(ctx, "", Call("GET", path, tuple(query)))
    if not isinstance(answer, Good):
        return Page(code, {}, b"", problem=problem_of(answer))
    return Page(code, answer.response.headers, answer.response.body)


def content(body: bytes) -> tuple[list[msgspec.Raw], int]:
    """The elements of a page, and how many there are in all. Errors: Unreadable."""
    return elements(body, "Content"), whole_number(body, "TotalCount")


@dataclass(frozen=True, slots=True)
class _Cursor:
    """`since`, or, in the middle of a list, `since|newest so far|next page|how many there were in all`."""

    since: str
    newest: str = ""
    page: int = 1
    total: int = 0

    @staticmethod
    def parse(text: str | None) -> "_Cursor":
        since, newest, page, total = [*(text or "").split("|"), "", "", ""][:4]
        return _Cursor(since, newest, int(page) if page.isdecimal() else 1, int(total) if total.isdecimal() else 0)

    @property
    def text(self) -> str:
        return f"{self.since}|{self.newest}|{self.page}|{self.total}"


@dataclass(frozen=True, slots=True)
class PagedList(ByRow):
    """One list with a date filter. `mark`: the instant by which it is filtered, of one element."""

    name: str
    path: str
    row: SourceRow
    since: str
    mark: Callable[[msgspec.Raw], datetime | None]
    split: Callable[[list[msgspec.Raw]], tuple[Received, ...]]
    wire: Wire
    limit: Limit | None
    query: Query = ()

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        here = _Cursor.parse(cursor)
        start = instant(here.since, "cursor") if here.since else ctx.clock.now() - timedelta(seconds=self.row.first_s)
        here = replace(here, since=sortable(start))
        restarted = False
        for _ in range(self.row.pages_max):
            page, raws, promised = self._page(ctx, start, here.page)
            if page.problem:
                yield page
                return
            if promised < here.total:
                if restarted:
                    words = f"the list shrank twice while it was read (to {promised})"
                    yield replace(page, problem=Problem(ProblemCode.SHIFTED, words))
                    return
                here, restarted = _Cursor(here.since), True
                yield replace(page, cursor=here.text)
                continue
            newest = max([instant(here.newest, "cursor") if here.newest else start, *self._marks(raws)])
            read = (here.page - 1) * self.row.size + len(raws)
            if read >= promised or not raws:
                yield replace(page, cursor=self._after(ctx, start, newest))
                return
            here = _Cursor(here.since, sortable(newest), here.page + 1, promised)
            yield replace(page, cursor=here.text)

    def _marks(self, raws: list[msgspec.Raw]) -> list[datetime]:
        return [at for raw in raws if (at := self.mark(raw)) is not None]

    def _after(self, ctx: Ctx, start: datetime, newest: datetime) -> str:
        """The newest seen less the overlap; never before where we were, never after now (their clock may be ahead)."""
        return sortable(max(start, min(newest, ctx.clock.now()) - timedelta(seconds=self.row.overlap_s)))

    def _page(self, ctx: Ctx, start: datetime, number: int) -> tuple[Page, list[msgspec.Raw], int]:
        query = (*self.query, (self.since, sortable(start)), ("page", str(number)))
        page = page_of(self.wire, ctx, self.row.code, self.path, query)
        if page.problem:
            return page, [], 0
        try:
            raws, promised = content(page.body)
            return replace(page, received=self.split(raws)), raws, promised
        except Unreadable as error:
            return replace(page, problem=unreadable(error)), [], 0


@dataclass(frozen=True, slots=True)
class NewOrders(ByRow):
    """What waits to be acknowledged, at most a page of it: whatever its age, so that nothing the sweep missed stays unseen."""

    row: SourceRow
    wire: Wire
    records: Records
    limit: Limit | None
    name: str = "new-orders"

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        page = page_of(self.wire, ctx, self.row.code, NEW_ORDERS, ())
        if page.problem is None:
            try:
                page = replace(page, received=self.records.orders(elements(page.body, "Content")))
            except Unreadable as error:
                page = replace(page, problem=unreadable(error))
        yield page


@dataclass(frozen=True, slots=True)
class Returns(OfPages):
    """Returns by creation. They name our order by our own number of it: after each page its orders are asked for by these."""

    pages: PagedList
    records: Records

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        for page in self.pages.fetch(ctx, cursor):
            if page.problem:
                yield page
                return
            try:
                raws, _ = content(page.body)
                numbers = {number for raw in raws if (number := _number_of(raw))}
            except Unreadable as error:  # the list has read it already: this is for the types only
                yield replace(page, problem=unreadable(error))
                return
            if not numbers:
                yield replace(page, received=self.records.returns([(raw, None) for raw in raws]))
                continue
            yield replace(page, cursor=None)
            named = self.orders_of(ctx, numbers)
            if isinstance(named, Page):
                yield named
                return
            found, answered = named
            received = self.records.returns([(raw, found.get(_number_of(raw) or "")) for raw in raws])
            yield replace(answered, received=received, cursor=page.cursor)

    def orders_of(self, ctx: Ctx, numbers: set[str]) -> Page | tuple[dict[str, int], Page]:
        """Their ids by our numbers, and the answer that told them; a page with a problem when it could not be had."""
        query = (*EVERY_STATUS, *(("merchantOrderNos", number) for number in sorted(numbers)), ("page", "1"))
        page = page_of(self.pages.wire, ctx, "OrderGetByFilter", ORDERS, query)
        if page.problem:
            return page
        try:
            read = [typed(raw, shapes.OrderNumbers) for raw in elements(page.body, "Content")]
        except Unreadable as error:
            return replace(page, problem=unreadable(error))
        return {one.MerchantOrderNo: one.Id for one in read if one.MerchantOrderNo}, page


def _number_of(raw: msgspec.Raw) -> str | None:
    try:
        return typed(raw, shapes.ReturnHead).MerchantOrderNo
    except Unreadable:
        return None


@dataclass(slots=True)
class _Gathered:
    """What the channels say of each product, so far."""

    by_sku: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, channel: shapes.Channel, raws: list[msgspec.Raw]) -> None:
        """What names no product of ours is nothing to anybody."""
        for raw in raws:
            sku = typed(raw, shapes.ListedHead).MerchantProductNo
            if sku:
                one: dict[str, Any] = {
                    "channelId": channel.ChannelId,
                    "channelName": channel.ChannelName or "",
                    "listed": raw,
                }
                self.by_sku.setdefault(sku, []).append(one)


@dataclass(frozen=True, slots=True)
class Listings(ByRow):
    """The channels, then the products of each, page by page; the last page brings one record per product."""

    row: SourceRow
    wire: Wire
    records: Records
    limit: Limit | None
    currency: Callable[[], str]
    name: str = "listings"

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        page = page_of(self.wire, ctx, "ChannelPluginsGet", CHANNELS, (("page", "1"),))
        try:
            channels = [] if page.problem else _channels(page.body)
        except Unreadable as error:
            page, channels = replace(page, problem=unreadable(error)), []
        yield page
        gathered, calls = _Gathered(), 0
        for n, channel in enumerate(channels):
            number = 1
            while True:
                calls += 1
                if calls > self.row.pages_max:
                    words = f"more than {self.row.pages_max} pages of products"
                    yield Page(self.row.code, {}, b"", problem=Problem(ProblemCode.TOO_LONG, words))
                    return
                page, more = self._page(ctx, channel, number, gathered)
                over = not more and n + 1 == len(channels)
                if over and not page.problem:
                    page = replace(
                        page, received=self.records.listings(gathered.by_sku, self.currency(), ctx.clock.now())
                    )
                yield page
                if page.problem:
                    return
                if not more:
                    break
                number += 1

    def _page(self, ctx: Ctx, channel: shapes.Channel, number: int, gathered: _Gathered) -> tuple[Page, bool]:
        path = f"{CHANNELS}/{channel.ChannelId}/products"
        page = page_of(self.wire, ctx, self.row.code, path, (("page", str(number)),))
        if page.problem:
            return page, False
        try:
            raws, promised = content(page.body)
            gathered.add(channel, raws)
        except Unreadable as error:
            return replace(page, problem=unreadable(error)), False
        return page, bool(raws) and number * self.row.size < promised


def _channels(body: bytes) -> list[shapes.Channel]:
    """Enabled channels, by their id. Errors: Unreadable."""
    groups = [typed(raw, shapes.GlobalChannel) for raw in elements(body, "Content")]
    found = [channel for group in groups for channel in group.Channels or ()]
    return sorted(
        (one for one in found if one.ChannelId is not None and one.IsEnabled), key=lambda one: one.ChannelId or 0
    )
