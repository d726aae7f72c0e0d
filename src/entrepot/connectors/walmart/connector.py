"""Walmart joined to one account: wire, sources, lookups, operations, webhook door."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from entrepot.connectors import manifest as manifests
from entrepot.connectors.exchange import Call, problem_of
from entrepot.connectors.joined import joined
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.port import Access, Connector, Limit, Operation, Page, Problem, Received, Source
from entrepot.connectors.reading import Unreadable, elements
from entrepot.connectors.walmart import feed_writes, health, item_writes, order_writes, recon, return_writes, translate
from entrepot.connectors.walmart import records as kinds
from entrepot.connectors.walmart.feeds import Submissions
from entrepot.connectors.walmart.health import Performance
from entrepot.connectors.walmart.lists import CursorList, CursorSpec, page_of, unreadable
from entrepot.connectors.walmart.order_writes import order_path, unwrapped
from entrepot.connectors.walmart.recon import Recon
from entrepot.connectors.walmart.records import Records
from entrepot.connectors.walmart.webhook import door
from entrepot.connectors.walmart.wire import Wire, open_wire
from entrepot.connectors.writes import bound
from entrepot.kernel.ctx import Ctx

PACKAGE = "entrepot.connectors.walmart"
MANIFEST = manifests.load(PACKAGE)
SUBMIT, RETURN = "walmart.submit-item", "walmart.return-refund"
Split = Callable[[bytes, datetime], tuple[Received, ...]]


def _lists(rows: Mapping[str, SourceRow], records: Records) -> list[CursorSpec]:
    at, cursor_at = ("list", "elements", "order"), ("list", "meta", "nextCursor")
    modified, created = "lastModifiedStartDate", "createdStartDate"
    by_walmart = (("shipNodeType", "WFSFulfilled"),)
    return [
        CursorSpec("orders", "/v3/orders", rows["orders"], at, cursor_at, records.orders, modified, created),
        CursorSpec("released", "/v3/orders/released", rows["released"], at, cursor_at, records.orders, history=created),
        CursorSpec(
            "wfs-orders",
            "/v3/orders",
            rows["wfs-orders"],
            at,
            cursor_at,
            records.orders,
            modified,
            created,
            query=by_walmart,
        ),
        CursorSpec(
            "returns",
            "/v3/returns",
            rows["returns"],
            ("returnOrders",),
            ("meta", "nextCursor"),
            records.returns,
            "returnLastModifiedStartDate",
        ),
        CursorSpec("items", "/v3/items", rows["items"], ("ItemResponse",), ("nextCursor",), records.items, first="*"),
        CursorSpec(
            "retired-items",
            "/v3/items",
            rows["retired-items"],
            ("ItemResponse",),
            ("nextCursor",),
            records.items,
            first="*",
            query=(("lifecycleStatus", "RETIRED"),),
        ),
    ]


def _sources(wire: Wire, records: Records, access: Access) -> dict[str, Source]:
    rows = MANIFEST.sources

    def limit(name: str) -> Limit | None:
        return MANIFEST.limit(access, rows[name].code, rows[name].code)

    lists: dict[str, Source] = {spec.name: CursorList(spec, wire, limit(spec.name)) for spec in _lists(rows, records)}
    return {
        **lists,
        "submissions": Submissions(rows["submissions"], wire, records, limit("submissions")),
        "recon": Recon(rows["recon"], wire, MANIFEST.flows, limit("recon"), access.account),
        "performance": Performance(rows["performance"], wire, records, limit("performance"), access.account),
    }


def _operations(wire: Wire, access: Access) -> dict[str, Operation]:
    shapes = {**order_writes.SHAPES, **item_writes.SHAPES, SUBMIT: feed_writes.SUBMIT}
    rows = {name: row for name, row in MANIFEST.operations.items() if name in shapes}
    found = bound(msgspec.structs.replace(MANIFEST, operations=rows), wire, access, shapes)
    found |= joined(MANIFEST, access, found, wire, item_writes.LANES)
    row = MANIFEST.operations[RETURN]
    settle_s = row.settle_s if access.settle_s is None else access.settle_s
    limit = MANIFEST.limit(access, row.code, RETURN)
    back = return_writes.ReturnRefund(RETURN, row.code, wire, row.role, limit, settle_s, row.money, row.partner_key)
    return {**found, SUBMIT: feed_writes.FeedSubmission(found[SUBMIT], wire, ""), RETURN: back}


@dataclass(frozen=True, slots=True)
class One:
    """One record by its id, for when an event spoke of it. `ask`: the call; `split`: the records of its answer."""

    code: str
    ask: Callable[[str], Call]
    split: Split
    wire: Wire
    limit: Limit | None

    def one(self, ctx: Ctx, external_id: str) -> Page:
        call = self.ask(external_id)
        row = SourceRow(self.code, "", 0, 1, 1)
        page, empty = page_of(self.wire, ctx, row, call.path, call.query)
        if page.problem or empty:
            return page
        try:
            return replace(page, received=self.split(page.body, ctx.clock.now()))
        except Unreadable as error:
            return replace(page, problem=unreadable(error))


def _lookups(wire: Wire, records: Records, access: Access) -> dict[str, One]:
    def one(code: str, ask: Callable[[str], Call], split: Split) -> One:
        return One(code, ask, split, wire, MANIFEST.limit(access, code, code))

    def order(body: bytes, now: datetime) -> tuple[Received, ...]:
        return records.orders([msgspec.Raw(unwrapped(body))], now)

    return {
        "order": one("getAnOrder", lambda name: Call("GET", order_path(name)), order),
        "listing": one(
            "getAnItem",
            lambda name: Call("GET", item_writes.item_path(name), (("productIdType", "SKU"),)),
            lambda body, now: records.items(elements(body, "ItemResponse"), now),
        ),
        "return": one(
            "getReturns",
            lambda name: Call("GET", return_writes.RETURNS, (("returnOrderId", name),)),
            lambda body, now: records.returns(elements(body, "returnOrders"), now),
        ),
    }


def connect(access: Access) -> Connector:
    """Bind Walmart to an account. Errors: WrongSetting without client id and secret."""
    wire, records = open_wire(access), Records(MANIFEST.flows)

    def check(ctx: Ctx) -> Problem | None:
        """The token is one of theirs."""
        answer, _ = wire.call(ctx, "", Call("GET", "/v3/token/detail"))
        return problem_of(answer)

    return Connector(
        name=MANIFEST.name,
        account=access.account,
        operations=_operations(wire, access),
        sources=_sources(wire, records, access),
        lookups=_lookups(wire, records, access),
        translators={
            kinds.ORDER: translate.order,
            kinds.REFUND: translate.refund,
            kinds.RETURN: translate.return_order,
            kinds.LISTING: translate.item,
            kinds.SUBMISSION: translate.submission,
            kinds.HINT: translate.hint,
            kinds.HEALTH: health.reader(MANIFEST.limits),
            recon.STATEMENT: recon.statement,
            recon.LINE: recon.statement_line,
        },
        check=check,
        webhook=door(access, records),
        width=MANIFEST.width,
    )
