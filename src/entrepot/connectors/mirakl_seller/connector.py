"""A shop's account in somebody else's Mirakl: wire, sources, lookups, operations."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from entrepot.connectors import manifest as manifests
from entrepot.connectors.around import LookFirst
from entrepot.connectors.exchange import Call, Good, Rejected, problem_of
from entrepot.connectors.joined import joined
from entrepot.connectors.mirakl import translate as shared
from entrepot.connectors.mirakl.asking import order_path
from entrepot.connectors.mirakl.connector import by_creation
from entrepot.connectors.mirakl.lists import ListSpec, OffsetList, SeekList, unreadable
from entrepot.connectors.mirakl_seller import records, translate
from entrepot.connectors.mirakl_seller.lanes import (
    PRICE_FILE,
    SET_PRICE,
    SET_STOCK,
    STOCK_FILE,
    StockFile,
    offer_of,
    submit_shape,
)
from entrepot.connectors.mirakl_seller.order_writes import ACKNOWLEDGE, Cancel, Ship, reasons_of, refund_shape
from entrepot.connectors.mirakl_seller.records import ShopRecords
from entrepot.connectors.mirakl_seller.submissions import OFFERS, PRICES, Imports, created
from entrepot.connectors.mirakl_seller.wire import SHOP, ShopWire, open_wire, setting
from entrepot.connectors.naming import OfPages
from entrepot.connectors.port import Access, Connector, Limit, Operation, Page, Problem, Source, Translator
from entrepot.connectors.reading import Unreadable, elements, members
from entrepot.connectors.verbs import CancelLines, ShipParcel
from entrepot.connectors.writes import Shape, bound
from entrepot.kernel.ctx import Ctx

PACKAGE = "entrepot.connectors.mirakl_seller"
MANIFEST = manifests.load(PACKAGE)
NAME = MANIFEST.name
TRANSLATORS: Mapping[str, Translator] = {
    records.ORDER: translate.order,
    records.RETURN: shared.return_file,
    records.REFUND: translate.refund,
    records.LISTING: translate.listing,
    records.SUBMISSION: translate.submission,
    records.STATEMENT: translate.cycle,
    records.LINE: translate.line,
}
ABSENT = 404


class _Unsplit(ShopRecords):
    """The list of imports is only read: its elements become records together with their reports."""

    def split(self, kind: str, raws: list[msgspec.Raw]) -> tuple[Any, ...]:
        return tuple(self.submission("", raw, "", n, self._flows[kind]) for n, raw in enumerate(raws))


@dataclass(frozen=True, slots=True)
class Orders(OfPages):
    """The list of orders; the refunds on their lines are records of their own, behind the orders of their page."""

    pages: OffsetList
    records: ShopRecords

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        for page in self.pages.fetch(ctx, cursor):
            yield with_refunds(self.records, page, ("orders",))


def with_refunds(kept: ShopRecords, page: Page, at: tuple[str, ...]) -> Page:
    """A page of orders and their refunds. `at`: where the orders are; empty: the body is one."""
    if not page.received:
        return page
    raws = elements(page.body, *at) if at else [msgspec.Raw(page.body)]
    return replace(page, received=(*page.received, *kept.refunds(raws, len(page.received))))


def _sources(wire: ShopWire, kept: ShopRecords, access: Access) -> dict[str, Source]:
    rows = MANIFEST.sources

    def limit(name: str) -> Limit | None:
        return MANIFEST.limit(access, rows[name].code, rows[name].code)

    log, cycles = "/api/sellerpayment/transactions_logs", "/api/seller-billing-cycles"
    orders = ListSpec("orders", records.ORDER, "/api/orders", rows["orders"], ("orders",), "start_update_date")
    offers = ListSpec("listings", records.LISTING, "/api/offers", rows["listings"], ("offers",))
    returns = ListSpec(
        "returns", records.RETURN, "/api/returns", rows["returns"], ("data",), "return_last_updated_from"
    )
    statements = ListSpec(
        "cycles", records.STATEMENT, cycles, rows["cycles"], ("data",), "start_date", mark=by_creation
    )
    lines = ListSpec("transactions", records.LINE, log, rows["transactions"], ("data",), "last_updated_from")
    made: dict[str, Source] = {"listings": OffsetList(offers, wire, kept, limit("listings"))}
    made["orders"] = Orders(OffsetList(orders, wire, kept, limit("orders")), kept)
    made |= {spec.name: SeekList(spec, wire, kept, limit(spec.name)) for spec in (returns, statements, lines)}
    unsplit = _Unsplit(MANIFEST.flows, access.account)
    for name, lane, path in (
        ("submissions", PRICES, "/api/offers/pricing/imports"),
        ("content-submissions", OFFERS, "/api/offers/imports"),
    ):
        spec = ListSpec(name, records.SUBMISSION, path, rows[name], ("data",), "start_date", mark=created)
        made[name] = Imports(lane, SeekList(spec, wire, unsplit, limit(name)), wire, kept)
    return made


def _operations(wire: ShopWire, access: Access) -> dict[str, Operation]:
    rows = MANIFEST.operations
    reasons = reasons_of(setting(access, "reasons"))
    shapes: dict[str, Shape[Any]] = {
        f"{NAME}.acknowledge": ACKNOWLEDGE,
        f"{NAME}.refund": refund_shape(reasons),
        f"{NAME}.set-price": SET_PRICE,
        f"{NAME}.set-stock": SET_STOCK,
        f"{NAME}.submit-listing": submit_shape(setting(access, "state_code")),
    }
    simple = msgspec.structs.replace(MANIFEST, operations={name: rows[name] for name in shapes})
    made: dict[str, Operation] = bound(simple, wire, access, shapes)
    made[f"{NAME}.refund"] = LookFirst(made[f"{NAME}.refund"])
    made |= joined(MANIFEST, access, made, wire, {f"{NAME}.set-price": PRICE_FILE})
    stocks = f"{NAME}.set-stock"
    made[stocks] = StockFile(made[stocks], wire, rows[stocks].role, rows[stocks].together, STOCK_FILE)

    def terms(name: str) -> tuple[Limit | None, float]:
        row = rows[name]
        settle_s = row.settle_s if access.settle_s is None else access.settle_s
        return MANIFEST.limit(access, row.code, name), settle_s

    ship, cancel = f"{NAME}.ship", f"{NAME}.cancel"
    made[ship] = Ship(ship, rows[ship], wire, *terms(ship), ShipParcel)
    made[cancel] = Cancel(cancel, rows[cancel], wire, *terms(cancel), CancelLines, reasons=reasons)
    return made


@dataclass(frozen=True, slots=True)
class One:
    """One record by its id. `raws`: the record in the answer, or none."""

    code: str
    kind: str
    call: Callable[[str], Call]
    raws: Callable[[bytes], list[msgspec.Raw]]
    wire: ShopWire
    records: ShopRecords
    limit: Limit | None

    def one(self, ctx: Ctx, external_id: str) -> Page:
        answer, _ = self.wire.call(ctx, SHOP, self.call(external_id))
        if isinstance(answer, Rejected) and answer.response.status == ABSENT:
            return Page(self.code, answer.response.headers, answer.response.body)
        if not isinstance(answer, Good):
            return Page(self.code, {}, b"", problem=problem_of(answer))
        body, headers = answer.response.body, answer.response.headers
        try:
            page = Page(self.code, headers, body, self.records.split(self.kind, self.raws(body)))
        except Unreadable as error:
            return Page(self.code, headers, body, problem=unreadable(error))
        return with_refunds(self.records, page, ()) if self.kind == records.ORDER else page


def _whole(body: bytes) -> list[msgspec.Raw]:
    members(body)  # what is no object is no answer
    return [msgspec.Raw(body)]


def connect(access: Access) -> Connector:
    """Bind Mirakl to a shop of ours. Errors: WrongSetting without a shop key."""
    wire, kept = open_wire(access), ShopRecords(MANIFEST.flows, access.account)

    def check(ctx: Ctx) -> Problem | None:
        """The key is let in (V01)."""
        answer, _ = wire.call(ctx, SHOP, Call("GET", "/api/version"))
        return problem_of(answer)

    def limit(code: str) -> Limit | None:
        return MANIFEST.limit(access, code, code)

    return Connector(
        name=NAME,
        account=access.account,
        operations=_operations(wire, access),
        sources=_sources(wire, kept, access),
        lookups={
            "order": One(
                "OR12", records.ORDER, lambda one: Call("GET", order_path(one)), _whole, wire, kept, limit("OR12")
            ),
            "listing": One(
                "OF21", records.LISTING, offer_of, lambda body: elements(body, "offers"), wire, kept, limit("OF21")
            ),
        },
        translators=TRANSLATORS,
        check=check,
        width=MANIFEST.width,
    )
