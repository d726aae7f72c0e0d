"""Orders as they change: searchOrders of 2026-01-01, or, where an account says so, getOrders and getOrderItems of v0.

v0 tells an order's items only by a call of their own: one list call per run, then one call per order of that page, so that
neither ceiling is passed; the next run continues with the next page.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

import msgspec

from entrepot.connectors.amazon import order_shapes as shapes
from entrepot.connectors.amazon.lists import (
    Cursor,
    Spec,
    TokenList,
    cursor_after,
    stamp,
    start_of,
    token_at,
    unreadable,
)
from entrepot.connectors.amazon.records import ORDER, Records
from entrepot.connectors.amazon.wire import NOT_FOUND, SELLER, Wire
from entrepot.connectors.exchange import Call, Good, Rejected, problem_of
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.naming import ByRow
from entrepot.connectors.port import Limit, Page, Problem, ProblemCode
from entrepot.connectors.reading import Unreadable, elements, instant, sortable, typed, unreadable_record
from entrepot.kernel.ctx import Ctx

ORDERS = "/orders/2026-01-01/orders"
OLD_ORDERS = "/orders/v0/orders"
INCLUDED = (
    "RECIPIENT,PROCEEDS,PROMOTION,CANCELLATION,FULFILLMENT,PACKAGES"  # the buyer's name and mail are not asked for
)
OLD_PAGE = 25  # orders of one list call: with their items they fit into what v0's ceiling lets through in a minute
ITEM_PAGES_MAX = 20


def order_path(order_id: str) -> str:
    return f"{ORDERS}/{quote(order_id, safe='')}"


def old_path(order_id: str, rest: str = "") -> str:
    return f"{OLD_ORDERS}/{quote(order_id, safe='')}{rest}"


def search_orders(row: SourceRow, wire: Wire, records: Records, limit: Limit | None) -> TokenList:
    spec = Spec(
        name="orders",
        row=row,
        path=lambda: ORDERS,
        at=("orders",),
        next_at=("pagination", "nextToken"),
        page_by="paginationToken",
        split=records.of(ORDER, records.order),
        query=lambda: (("marketplaceIds", wire.marketplace_id), ("includedData", INCLUDED)),
        since="lastUpdatedAfter",
        size="maxResultsPerPage",
    )
    return TokenList(spec, wire, limit)


@dataclass(frozen=True, slots=True)
class OldOrders(ByRow):
    """getOrders and getOrderItems of v0, as one source."""

    row: SourceRow
    wire: Wire
    records: Records
    limit: Limit | None
    name: str = "orders"

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        here = Cursor.parse(cursor)
        start = start_of(ctx, self.row, here.since)
        newest = instant(here.newest, "cursor") if here.newest else start
        page, found, following = self._list(ctx, Cursor(sortable(start), here.newest, here.token))
        if page.problem and page.problem.code is ProblemCode.REFUSED and here.token:
            yield replace(
                page, cursor=sortable(start), problem=None
            )  # the token ran out: the next run reads the period anew
            return
        if page.problem or not found:
            yield page if page.problem else replace(page, cursor=self._after(ctx, start, newest, following))
            return
        yield page
        for position, raw in enumerate(found):
            part = self._whole(ctx, raw, position)
            newest = max([newest, *(instant(one.revision, "revision") for one in part.received if one.revision)])
            last = position == len(found) - 1
            yield (
                replace(part, cursor=self._after(ctx, start, newest, following)) if last and not part.problem else part
            )
            if part.problem:
                return

    def _after(self, ctx: Ctx, start: datetime, newest: datetime, following: str | None) -> str:
        if following:
            return Cursor(sortable(start), sortable(newest), following).text
        return sortable(cursor_after(ctx, self.row, start, newest))

    def _list(self, ctx: Ctx, here: Cursor) -> tuple[Page, list[msgspec.Raw], str | None]:
        period = (("LastUpdatedAfter", stamp(instant(here.since, "cursor"))), ("MaxResultsPerPage", str(OLD_PAGE)))
        query = (
            ("MarketplaceIds", self.wire.marketplace_id),
            *((("NextToken", here.token),) if here.token else period),
        )
        answer, _ = self.wire.call(ctx, SELLER, Call("GET", OLD_ORDERS, query))
        if not isinstance(answer, Good):
            return Page(self.row.code, {}, b"", problem=problem_of(answer)), [], None
        body, headers = answer.response.body, answer.response.headers
        try:
            following = token_at(body, ("payload", "NextToken"))
            return Page(self.row.code, headers, body), elements(body, "payload", "Orders"), following
        except Unreadable as error:
            return Page(self.row.code, headers, body, problem=unreadable(error)), [], None

    def _whole(self, ctx: Ctx, raw: msgspec.Raw, position: int) -> Page:
        """An order nobody can name is kept as it is; its neighbours go on."""
        try:
            order_id = typed(raw, shapes.OldHead).AmazonOrderId
        except Unreadable:
            kept = unreadable_record(bytes(raw), ORDER, self.flow, position)
            return Page(self.row.code, {}, bytes(raw), (kept,))
        return with_items(ctx, self.wire, self.records, raw, order_id, position, self.row.code)


def with_items(
    ctx: Ctx, wire: Wire, records: Records, order: msgspec.Raw, order_id: str, position: int, code: str
) -> Page:
    """An order of v0 joined with its items, however many pages they take."""
    items, token = list[msgspec.Raw](), ""
    for _ in range(ITEM_PAGES_MAX):
        query = (("NextToken", token),) if token else ()
        answer, _ = wire.call(ctx, SELLER, Call("GET", old_path(order_id, "/orderItems"), query))
        if not isinstance(answer, Good):
            return Page(code, {}, b"", problem=problem_of(answer))
        body, headers = answer.response.body, answer.response.headers
        try:
            items += elements(body, "payload", "OrderItems")
            token = token_at(body, ("payload", "NextToken")) or ""
            if not token:
                return Page(code, headers, body, (records.old_order(order, items, position),))
        except Unreadable as error:
            return Page(code, headers, body, problem=unreadable(error))
    return Page(code, {}, b"", problem=Problem(ProblemCode.TOO_LONG, f"the items of {order_id} take too many pages"))


# ── one order by its id ──────────────────────────────────────────────────────────────────────────────────────


def _gone(answer: object) -> bool:
    return isinstance(answer, Rejected) and answer.refusal.code in NOT_FOUND


@dataclass(frozen=True, slots=True)
class OneOrder:
    """getOrder of 2026-01-01."""

    wire: Wire
    records: Records
    limit: Limit | None

    def one(self, ctx: Ctx, external_id: str) -> Page:
        call = Call("GET", order_path(external_id), (("includedData", INCLUDED),))
        answer, _ = self.wire.call(ctx, SELLER, call)
        if _gone(answer):
            return Page("getOrder", {}, b"")
        if not isinstance(answer, Good):
            return Page("getOrder", {}, b"", problem=problem_of(answer))
        body, headers = answer.response.body, answer.response.headers
        try:
            raws: Sequence[msgspec.Raw] = [typed(body, shapes.OneOrder).order]
        except Unreadable as error:
            return Page("getOrder", headers, body, problem=unreadable(error))
        return Page("getOrder", headers, body, self.records.of(ORDER, self.records.order)(raws))


class _OldPayload(msgspec.Struct):
    payload: msgspec.Raw


@dataclass(frozen=True, slots=True)
class OneOldOrder:
    """getOrder of v0, and its items."""

    wire: Wire
    records: Records
    limit: Limit | None

    def one(self, ctx: Ctx, external_id: str) -> Page:
        answer, _ = self.wire.call(ctx, SELLER, Call("GET", old_path(external_id)))
        if _gone(answer):
            return Page("getOrderItems", {}, b"")
        if not isinstance(answer, Good):
            return Page("getOrderItems", {}, b"", problem=problem_of(answer))
        body, headers = answer.response.body, answer.response.headers
        try:
            order = typed(body, _OldPayload).payload
            order_id = typed(order, shapes.OldHead).AmazonOrderId
        except Unreadable as error:
            return Page("getOrderItems", headers, body, problem=unreadable(error))
        return with_items(ctx, self.wire, self.records, order, order_id, 0, "getOrderItems")
