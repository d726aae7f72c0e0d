"""ChannelEngine joined to one account: wire, sources, lookups, operations, webhook door."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from entrepot.connectors import manifest as manifests
from entrepot.connectors.channelengine import offer_writes, shapes, translate, writes
from entrepot.connectors.channelengine import records as kinds
from entrepot.connectors.channelengine.lists import (
    CHANNELS,
    EVERY_STATUS,
    NEW_ORDERS,
    NOTIFICATIONS,
    ORDERS,
    RETURNS,
    Listings,
    NewOrders,
    PagedList,
    Query,
    Returns,
    content,
    page_of,
    unreadable,
)
from entrepot.connectors.channelengine.records import Records
from entrepot.connectors.channelengine.scanned import Scanned
from entrepot.connectors.channelengine.webhook import door
from entrepot.connectors.channelengine.wire import Wire, open_wire
from entrepot.connectors.exchange import Call, problem_of
from entrepot.connectors.joined import joined
from entrepot.connectors.port import Access, Connector, Limit, Lookup, Operation, Page, Problem, Received, Source
from entrepot.connectors.reading import Unreadable, instant, maybe_instant, sortable, typed
from entrepot.connectors.writes import Write, bound
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.outcome import ReadBack

PACKAGE = "entrepot.connectors.channelengine"
MANIFEST = manifests.load(PACKAGE)
Judge = Callable[[Any, msgspec.Raw], ReadBack | None]
LOOK_BACK = timedelta(days=2)  # a cancellation that was just sent is not older
RETURN_LIFE = timedelta(days=120)  # a return is filtered by the day it was made


def _updated_at(raw: msgspec.Raw) -> datetime | None:
    return _mark(raw, shapes.OrderHead, lambda head: head.UpdatedAt or head.OrderDate)


def _created_at(raw: msgspec.Raw) -> datetime | None:
    return _mark(raw, shapes.NotificationHead, lambda head: head.CreatedAt)


def _mark(raw: msgspec.Raw, shape: type[Any], date: Callable[[Any], str]) -> datetime | None:
    """None for an element nobody can read: it moves no cursor."""
    try:
        return maybe_instant(date(typed(raw, shape)), "$")
    except Unreadable:
        return None


def _sources(wire: Wire, records: Records, access: Access) -> dict[str, Source]:
    rows = MANIFEST.sources

    def limit(name: str) -> Limit | None:
        return MANIFEST.limit(access, rows[name].code, rows[name].code)

    def paged(
        name: str,
        path: str,
        since: str,
        mark: Callable[[msgspec.Raw], datetime | None],
        split: Callable[[list[msgspec.Raw]], tuple[Received, ...]],
        query: Query = (),
    ) -> PagedList:
        return PagedList(name, path, rows[name], since, mark, split, wire, limit(name), query)

    def nothing(_raws: list[msgspec.Raw]) -> tuple[Received, ...]:
        return ()

    returns = paged("returns", RETURNS, "fromDate", _created_at, nothing)
    currency = access.secrets.get("currency", lambda: "")
    return {
        "new-orders": NewOrders(rows["new-orders"], wire, records, limit("new-orders")),
        "orders": paged("orders", ORDERS, "fromUpdatedAtDate", _updated_at, records.orders, EVERY_STATUS),
        "returns": Returns(returns, records),
        "listings": Listings(rows["listings"], wire, records, limit("listings"), currency),
        "notifications": paged("notifications", NOTIFICATIONS, "fromDate", _created_at, nothing),
    }


def _operations(wire: Wire, access: Access) -> dict[str, Operation]:
    found = bound(MANIFEST, wire, access, writes.shapes_of(access))
    found |= joined(MANIFEST, access, found, wire, offer_writes.lanes_of(access))
    scanned: dict[str, tuple[str, str, timedelta, Judge]] = {
        "channelengine.cancel": ("/v2/cancellations/merchant", "createdSince", LOOK_BACK, writes.is_cancelled),
        "channelengine.receive-return": (RETURNS, "fromDate", RETURN_LIFE, writes.is_received),
    }
    for name, (path, since, back, judge) in scanned.items():
        write = found[name]
        assert isinstance(write, Write)
        found[name] = Scanned(write, wire, path, since, back, judge)
    return found


@dataclass(frozen=True, slots=True)
class OneOrder:
    """An order by their id, for which they have no filter: it is found by our number of it, else among those that are new.

    Our number is the hub's (`<account>:<their id>`, given when it is acknowledged); whoever knows another may ask by that.
    """

    wire: Wire
    records: Records
    limit: Limit | None
    account: str

    def one(self, ctx: Ctx, external_id: str) -> Page:
        numbers = tuple(("merchantOrderNos", one) for one in (f"{self.account}:{external_id}", external_id))
        page = _looked(self.wire, ctx, ORDERS, (*EVERY_STATUS, *numbers, ("page", "1")), self.records.orders)
        if page.problem or page.received:
            return page
        page = _looked(self.wire, ctx, NEW_ORDERS, (), self.records.orders)
        return replace(page, received=tuple(one for one in page.received if one.external_id == external_id))


@dataclass(frozen=True, slots=True)
class ChangedOrders:
    """The orders that changed since an instant, a page of them at most: for a webhook that says no more than that."""

    wire: Wire
    records: Records
    limit: Limit | None

    def one(self, ctx: Ctx, external_id: str) -> Page:
        since = sortable(instant(external_id, "since"))
        query = (*EVERY_STATUS, ("fromUpdatedAtDate", since), ("page", "1"))
        return _looked(self.wire, ctx, ORDERS, query, self.records.orders)


def _looked(
    wire: Wire,
    ctx: Ctx,
    path: str,
    query: Query,
    split: Callable[[list[msgspec.Raw]], tuple[Received, ...]],
) -> Page:
    page = page_of(wire, ctx, "OrderGetByFilter", path, query)
    if page.problem:
        return page
    try:
        return replace(page, received=split(content(page.body)[0]))
    except Unreadable as error:
        return replace(page, problem=unreadable(error))


def connect(access: Access) -> Connector:
    """Bind ChannelEngine to an account. Errors: WrongSetting without a key."""
    wire, records = open_wire(access), Records(MANIFEST.flows)
    limit = MANIFEST.limit(access, "OrderGetByFilter", "OrderGetByFilter")
    lookups: dict[str, Lookup] = {
        "order": OneOrder(wire, records, limit, access.account),
        "orders": ChangedOrders(wire, records, limit),
    }

    def check(ctx: Ctx) -> Problem | None:
        """The key opens the door."""
        answer, _ = wire.call(ctx, "", Call("GET", CHANNELS, (("page", "1"),)))
        return problem_of(answer)

    row = MANIFEST.webhook
    return Connector(
        name=MANIFEST.name,
        account=access.account,
        operations=_operations(wire, access),
        sources=_sources(wire, records, access),
        lookups=lookups,
        translators={
            kinds.ORDER: translate.order,
            kinds.RETURN: translate.return_order,
            kinds.LISTING: translate.listing,
            kinds.HINT: translate.hint,
        },
        check=check,
        webhook=door(access, records, row.tolerance_s) if row else None,
        width=MANIFEST.width,
    )
