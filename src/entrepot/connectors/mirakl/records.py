"""Pages and events of Mirakl taken apart into records: kind, id, revision, and what each is decided in order with."""

from collections.abc import Callable, Mapping

import msgspec

from entrepot.connectors.mirakl import offers, shapes, threads
from entrepot.connectors.port import Received
from entrepot.connectors.reading import (
    NOT_JSON,
    Unreadable,
    canonical,
    encoded,
    instant,
    records,
    sortable,
    typed,
    unreadable_record,
)
from entrepot.connectors.roots import basket_root, commercial_id_of, statement_root

Split = Callable[[bytes, int], Received]  # canonical body and position of one record


class Records:
    """The splits, by kind, of one account; `flows` comes from the manifest."""

    def __init__(self, flows: Mapping[str, str], account: str) -> None:
        self._flows = flows
        self._account = account
        self.by_kind: Mapping[str, Split] = {
            "order": self._order,
            "debit": self._debit,
            "refund": self._refund,
            "return": self._return,
            "shipment": self._shipment,
            "cycle": self._cycle,
            "transaction": self._transaction,
            "shop": self._shop,
            offers.DETAIL_KIND: lambda body, position: offers.split_detail(body, position, flows[offers.DETAIL_KIND]),
            threads.KIND: self._thread,
        }

    def split(self, kind: str, raws: list[msgspec.Raw]) -> tuple[Received, ...]:
        """The records of one page; what names no id is kept as `malformed`."""
        if kind == "refund":
            return self._refunds(raws)
        return records(raws, kind, self._flows[kind], self.by_kind[kind])

    def split_one(self, kind: str, raw: msgspec.Raw) -> tuple[Received, ...]:
        """The record of a webhook or a lookup."""
        return self.split(kind, [raw])

    def _make(self, kind: str, external_id: str, revision: str, body: bytes, position: int, root: str) -> Received:
        return Received(kind, external_id, revision, body, position, root, self._flows[kind])

    def _order(self, body: bytes, position: int) -> Received:
        head = typed(body, shapes.OrderHead)
        revision = sortable(instant(head.last_updated_date, "$.last_updated_date"))
        return self._make("order", head.order_id, revision, body, position, basket_root(head.commercial_id))

    def _debit(self, body: bytes, position: int) -> Received:
        head = typed(body, shapes.DebitHead)
        return self._make("debit", head.order_id, "", body, position, basket_root(head.order_commercial_id))

    def _refund(self, body: bytes, position: int) -> Received:
        asked = typed(body, shapes.RefundAsked)
        root = basket_root(asked.order_commercial_id)
        return self._make("refund", str(asked.refund.id), "", body, position, root)

    def _refunds(self, raws: list[msgspec.Raw]) -> tuple[Received, ...]:
        """PA12 lists orders with refunds inside: one record each, so that a broken one does not hold up the others."""
        found: list[Received] = []
        for raw in raws:
            try:
                singles = _single_refunds(typed(raw, shapes.RefundRow))
            except Unreadable:
                found.append(unreadable_record(bytes(raw), "refund", self._flows["refund"], len(found)))
                continue
            for single in singles:
                try:
                    found.append(self._refund(canonical(single), len(found)))
                except (Unreadable, *NOT_JSON):
                    found.append(unreadable_record(single, "refund", self._flows["refund"], len(found)))
        return tuple(found)

    def _return(self, body: bytes, position: int) -> Received:
        head = typed(body, shapes.ReturnHead)
        revision = sortable(instant(head.last_updated, "$.last_updated"))
        return self._make("return", head.id, revision, body, position, basket_root(head.order_commercial_id))

    def _shipment(self, body: bytes, position: int) -> Received:
        head = typed(body, shapes.ShipmentHead)
        revision = sortable(instant(head.last_updated_date, "$.last_updated_date"))
        return self._make("shipment", head.id, revision, body, position, basket_root(commercial_id_of(head.order_id)))

    def _cycle(self, body: bytes, position: int) -> Received:
        head = typed(body, shapes.CycleHead)
        instant(head.date_created, "$.date_created")
        return self._make("cycle", head.id, "", body, position, statement_root(self._account, head.id))

    def _transaction(self, body: bytes, position: int) -> Received:
        """Decided with its cycle, before it has one with its basket, else alone."""
        head = typed(body, shapes.LogHead)
        revision = sortable(instant(head.last_updated, "$.last_updated"))
        order = head.entities.order if head.entities else None
        if head.seller_billing_cycle_id:
            root = statement_root(self._account, head.seller_billing_cycle_id)
        elif order:
            root = basket_root(order.commercial_id or commercial_id_of(order.id))
        else:
            root = f"transaction:{head.id}"
        return self._make("transaction", head.id, revision, body, position, root)

    def _shop(self, body: bytes, position: int) -> Received:
        head = typed(body, shapes.ShopHead)
        revision = sortable(instant(head.last_updated_date, "$.last_updated_date"))
        return self._make("shop", str(head.shop_id), revision, body, position, f"seller:{head.shop_id}")

    def _thread(self, body: bytes, position: int) -> Received:
        head = typed(body, shapes.ThreadHead)
        revision = sortable(instant(head.date_updated, "$.date_updated"))
        return self._make(threads.KIND, head.id, revision, body, position, f"seller:{threads.shop_of(head)}")


def _single_refunds(row: shapes.RefundRow) -> list[bytes]:
    """Each refund with what its order says around it."""
    return [
        encoded(
            {
                "order_id": row.order_id,
                "order_commercial_id": row.order_commercial_id,
                "order_line_id": line.order_line_id,
                "currency_iso_code": row.currency_iso_code,
                "refund": raw,
            }
        )
        for line in row.order_lines.order_line
        for raw in line.refunds.refund
    ]
