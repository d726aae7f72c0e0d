"""Walmart's answers taken apart into records: kind, id, revision, and what each is decided in order with.

An order's basket goes by the customer's order number: one purchase may be several purchase orders of ours.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from entrepot.connectors.port import Received
from entrepot.connectors.reading import (
    Unreadable,
    canonical,
    encoded,
    maybe_instant,
    record,
    records,
    sortable,
    typed,
)
from entrepot.connectors.roots import basket_root
from entrepot.connectors.walmart import shapes
from entrepot.connectors.walmart.translate import feed_changed_at, revision_of
from entrepot.connectors.walmart.units import when

ORDER, REFUND, RETURN = "channel-order", "channel-refund", "channel-return"
LISTING, SUBMISSION, HINT, HEALTH = "listing", "submission", "hint", "account-health"


def listing_root(sku: str) -> str:
    return f"listing:{sku}"


class Records:
    """The splits, by kind; `flows` comes from the manifest."""

    def __init__(self, flows: Mapping[str, str]) -> None:
        self._flows = flows

    def orders(self, raws: Sequence[msgspec.Raw], _now: datetime) -> tuple[Received, ...]:
        """Each order, and after it each refund that its lines show."""
        found: list[Received] = []
        for raw in raws:
            found.append(record(raw, ORDER, self._flows[ORDER], len(found), self._order_at(len(found))))
            found += self._refunds(raw, len(found))
        return tuple(found)

    def returns(self, raws: Sequence[msgspec.Raw], _now: datetime) -> tuple[Received, ...]:
        return records(raws, RETURN, self._flows[RETURN], self._return)

    def items(self, raws: Sequence[msgspec.Raw], now: datetime) -> tuple[Received, ...]:
        """Each with the time it was seen: without it, what was so before would be old news when it is so again."""
        seen = [msgspec.Raw(encoded({"seenAt": sortable(now), "item": raw})) for raw in raws]
        return records(seen, LISTING, self._flows[LISTING], self._item)

    def submission(self, raw: bytes, position: int) -> Received:
        return record(raw, SUBMISSION, self._flows[SUBMISSION], position, lambda body: self._feed(body, position))

    def hint(self, event_id: str, kind: str, external_id: str, root: str) -> Received:
        body = canonical(encoded({"kind": kind, "external_id": external_id}))
        return Received(HINT, event_id, "", body, 0, root, self._flows[HINT])

    def health(self, account: str, day: str, raw: msgspec.Raw) -> Received:
        """The rates as they stood on one day; they name no date themselves."""
        body = canonical(encoded({"on": day, "account": account, "report": raw}))
        return Received(HEALTH, f"{account}:{day}", day, body, 0, f"health:{account}", self._flows[HEALTH])

    def _order_at(self, position: int) -> Callable[[bytes], Received]:
        return lambda body: self._order(body, position)

    def _order(self, body: bytes, position: int) -> Received:
        head = typed(body, shapes.OrderHead)
        stamps = [head.orderDate, *(line.statusDate for line in head.orderLines.orderLine if line.statusDate)]
        revision = revision_of([when(stamp, "$.statusDate") for stamp in stamps])
        root = basket_root(head.customerOrderId)
        return Received(ORDER, head.purchaseOrderId, revision, body, position, root, self._flows[ORDER])

    def _refunds(self, raw: msgspec.Raw, start: int) -> list[Received]:
        """Refunds of an order that can be read; one that cannot is parked whole, and its refunds with it."""
        try:
            head = typed(raw, shapes.RefundedOrder)
        except Unreadable:
            return []
        found: list[Received] = []
        for line in head.orderLines.orderLine:
            singles = line.refunds.refund if line.refunds else []
            for n, single in enumerate(singles or [line.refund]):
                if bytes(single) != b"null":
                    found.append(self._refund(head, line, n, single, start + len(found)))
        return found

    def _refund(
        self, head: shapes.RefundedOrder, line: shapes.RefundedLine, n: int, raw: msgspec.Raw, position: int
    ) -> Received:
        at = line.statusDate or head.orderDate
        whole = {
            "purchaseOrderId": head.purchaseOrderId,
            "customerOrderId": head.customerOrderId,
            "lineNumber": line.lineNumber,
            "number": n,
            "at": at,
            "refund": raw,
        }

        def split(body: bytes) -> Received:
            refund = typed(body, shapes.RefundOfLine).refund
            name = refund.refundId or f"{head.purchaseOrderId}-{line.lineNumber}-{n}"
            root = basket_root(head.customerOrderId)
            revision = sortable(when(at, "$.at"))
            return Received(REFUND, name, revision, body, position, root, self._flows[REFUND])

        return record(encoded(whole), REFUND, self._flows[REFUND], position, split)

    def _return(self, body: bytes, position: int) -> Received:
        head = typed(body, shapes.ReturnHead)
        stamps = [head.returnOrderDate, *(line.statusTime for line in head.returnOrderLines)]
        revision = revision_of([at for text in stamps if (at := maybe_instant(text, "$.statusTime"))])
        root = basket_root(head.customerOrderId)
        return Received(RETURN, head.returnOrderId, revision, body, position, root, self._flows[RETURN])

    def _item(self, body: bytes, position: int) -> Received:
        head = typed(body, shapes.SeenItemHead)
        sku = head.item.sku
        return Received(LISTING, sku, head.seenAt, body, position, listing_root(sku), self._flows[LISTING])

    def _feed(self, body: bytes, position: int) -> Received:
        feed = typed(body, shapes.Submission).feed
        changed_at = feed_changed_at(feed)
        revision = sortable(changed_at) if changed_at else ""
        root = f"submission:{feed.feedId}"
        return Received(SUBMISSION, feed.feedId, revision, body, position, root, self._flows[SUBMISSION])
