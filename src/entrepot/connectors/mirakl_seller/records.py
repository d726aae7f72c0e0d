"""A seller's pages taken apart into records: kind, id, revision, and what each is decided in order with."""

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from entrepot.connectors.mirakl import shapes
from entrepot.connectors.mirakl.records import Records
from entrepot.connectors.mirakl_seller.translate import Import, ImportWhole, submission_id
from entrepot.connectors.port import Received
from entrepot.connectors.reading import (
    NOT_JSON,
    Unreadable,
    canonical,
    elements,
    encoded,
    instant,
    members,
    records,
    sortable,
    typed,
    unreadable_record,
)
from entrepot.connectors.roots import basket_root, statement_root

ORDER, RETURN, REFUND = "channel-order", "channel-return", "channel-refund"
LISTING, SUBMISSION = "listing", "submission"
STATEMENT, LINE = "channel-statement", "channel-statement-line"
AROUND = ("order_id", "currency_iso_code", "order_tax_mode")  # of an order, beside each of its refunds


class _Sku(msgspec.Struct):
    shop_sku: str


class _ReturnHead(shapes.ReturnHead):
    order_id: str


class ShopRecords(Records):
    """The splits, by kind, of one shop. An order's root is its own number: a seller sees no other leg of the basket."""

    def __init__(self, flows: Mapping[str, str], account: str) -> None:
        self._flows = flows
        self._account = account
        self.by_kind = {
            ORDER: self._shop_order,
            RETURN: self._shop_return,
            REFUND: self._shop_refund,
            LISTING: self._listing,
            STATEMENT: self._statement,
            LINE: self._line,
        }

    def split(self, kind: str, raws: list[msgspec.Raw]) -> tuple[Received, ...]:
        return records(raws, kind, self._flows[kind], self.by_kind[kind])

    def refunds(self, orders: list[msgspec.Raw], position: int) -> tuple[Received, ...]:
        """The refunds on the lines of orders, one record each; an order that cannot be taken apart is kept as it is anyway."""
        raws = [raw for order in orders for raw in _refunds_of(order)]
        return tuple(replace(made, position=position + n) for n, made in enumerate(self.split(REFUND, raws)))

    def _shop_order(self, body: bytes, position: int) -> Received:
        head = typed(body, shapes.OrderHead)
        revision = sortable(instant(head.last_updated_date, "$.last_updated_date"))
        return self._make(ORDER, head.order_id, revision, body, position, basket_root(head.order_id))

    def _shop_refund(self, body: bytes, position: int) -> Received:
        inside = members(body)
        number = str(typed(inside.get("refund", msgspec.Raw(b"{}")), shapes.EntityId).id)
        order_id = typed(body, _OrderId).order_id
        return self._make(REFUND, number, "", body, position, basket_root(order_id))

    def _shop_return(self, body: bytes, position: int) -> Received:
        head = typed(body, _ReturnHead)
        revision = sortable(instant(head.last_updated, "$.last_updated"))
        return self._make(RETURN, head.id, revision, body, position, basket_root(head.order_id))

    def _listing(self, body: bytes, position: int) -> Received:
        sku = typed(body, _Sku).shop_sku
        return self._make(LISTING, sku, "", body, position, f"listing:{sku}")

    def _statement(self, body: bytes, position: int) -> Received:
        head = typed(body, shapes.CycleHead)
        instant(head.date_created, "$.date_created")
        return self._make(STATEMENT, head.id, "", body, position, statement_root(self._account, head.id))

    def _line(self, body: bytes, position: int) -> Received:
        """Decided with its cycle, before it has one with its order, else alone."""
        head = typed(body, shapes.LogHead)
        revision = sortable(instant(head.last_updated, "$.last_updated"))
        order = head.entities.order if head.entities else None
        alone = basket_root(order.id) if order else f"transaction:{head.id}"
        cycle = head.seller_billing_cycle_id
        return self._make(
            LINE, head.id, revision, body, position, statement_root(self._account, cycle) if cycle else alone
        )

    def submission(self, lane: str, raw: msgspec.Raw, report: str, position: int, flow: str) -> Received:
        """One import, with its error report where it has one. Errors: none: what names no number is kept as `malformed`."""
        try:
            number = typed(raw, Import).import_id
            body = canonical(encoded({"lane": lane, "import": raw, "report": report}))
            typed(body, ImportWhole)
        except (Unreadable, *NOT_JSON):
            return unreadable_record(bytes(raw), SUBMISSION, flow, position)
        name = submission_id(lane, number)
        return Received(SUBMISSION, name, "", body, position, f"submission:{name}", flow)


class _OrderId(msgspec.Struct):
    order_id: str


def _refunds_of(order_raw: msgspec.Raw) -> list[msgspec.Raw]:
    """Each refund with what its order says around it."""
    try:
        order = members(order_raw)
        around = {name: order[name] for name in AROUND if name in order}
        found = []
        for line_raw in elements(order_raw, "order_lines"):
            line = members(line_raw)
            for refund in _list(line.get("refunds")):
                whole = {**around, "order_line_id": line.get("order_line_id"), "refund": refund}
                found.append(msgspec.Raw(encoded(whole)))
    except (Unreadable, *NOT_JSON):
        return []
    return found


def _list(raw: msgspec.Raw | None) -> list[msgspec.Raw]:
    return [] if raw is None or bytes(raw) == b"null" else elements(raw)
