"""Pages and events of eBay taken apart into records: kind, id, revision, and what each is decided in order with."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from entrepot.connectors.ebay import shapes
from entrepot.connectors.ebay.statement import parts_of
from entrepot.connectors.port import Received
from entrepot.connectors.reading import (
    NOT_JSON,
    UnknownWord,
    Unreadable,
    canonical,
    encoded,
    instant,
    record,
    records,
    sortable,
    typed,
    unreadable_record,
)
from entrepot.connectors.roots import basket_root, statement_root

ORDER, RETURN, CANCELLATION, DISPUTE = "channel-order", "channel-return", "cancellation", "dispute"
REFUND, STATEMENT, LINE = "channel-refund", "channel-statement", "channel-statement-line"
LISTING, HEALTH, HINT = "listing", "account-health", "hint"
Split = Callable[[bytes, int], Received]  # canonical body and position of one record


def listing_root(sku: str) -> str:
    return f"listing:{sku}"


class Records:
    """The splits, by kind, of one account; `flows` comes from the manifest."""

    def __init__(self, flows: Mapping[str, str], account: str) -> None:
        self.flows = flows
        self.account = account
        self.by_kind: Mapping[str, Split] = {
            ORDER: self._order,
            RETURN: self._return,
            CANCELLATION: self._cancellation,
            DISPUTE: self._dispute,
            STATEMENT: self._payout,
            LISTING: self._listing,
            HEALTH: self._standards,
        }

    def split(self, kind: str, raws: Sequence[msgspec.Raw]) -> tuple[Received, ...]:
        """The records of one page; what names no id is kept as `malformed`."""
        if kind == LINE:
            return self._transactions(raws)
        return records(raws, kind, self.flows[kind], self.by_kind[kind])

    def make(self, kind: str, external_id: str, revision: str, body: bytes, position: int, root: str) -> Received:
        return Received(kind, external_id, revision, body, position, root, self.flows[kind])

    def _order(self, body: bytes, position: int) -> Received:
        head = typed(body, shapes.OrderHead)
        revision = sortable(instant(head.lastModifiedDate, "$.lastModifiedDate"))
        return self.make(ORDER, head.orderId, revision, body, position, basket_root(head.orderId))

    def _return(self, body: bytes, position: int) -> Received:
        head = typed(body, shapes.ReturnHead)
        return self.make(RETURN, str(head.returnId), "", body, position, basket_root(head.orderId))

    def _cancellation(self, body: bytes, position: int) -> Received:
        head = typed(body, shapes.CancellationHead)
        return self.make(CANCELLATION, str(head.cancelId), "", body, position, basket_root(head.legacyOrderId))

    def _dispute(self, body: bytes, position: int) -> Received:
        head = typed(body, shapes.DisputeHead)
        revision = "" if head.revision is None else f"{head.revision:010d}"
        return self.make(DISPUTE, head.paymentDisputeId, revision, body, position, basket_root(head.orderId))

    def _payout(self, body: bytes, position: int) -> Received:
        head = typed(body, shapes.PayoutHead)
        instant(head.payoutDate, "$.payoutDate")
        root = statement_root(self.account, head.payoutId)
        return self.make(STATEMENT, head.payoutId, "", body, position, root)

    def _listing(self, body: bytes, position: int) -> Received:
        sku = typed(body, shapes.ListingWhole).sku
        return self.make(LISTING, sku, "", body, position, listing_root(sku))

    def _standards(self, body: bytes, position: int) -> Received:
        seen = typed(body, shapes.Standards)
        name = f"{seen.program}:{seen.cycle.cycleType}"
        return self.make(HEALTH, name, "", body, position, f"health:{self.account}")

    def quotas(self, body: bytes) -> tuple[Received, ...]:
        """The live figures of our quotas: one record for all."""
        made = self.make(HEALTH, "quotas", "", canonical(body), 0, f"health:{self.account}")
        return (made,)

    def listing(self, whole: Mapping[str, object], position: int) -> Received:
        """One item with its offers and violations, put together from several answers."""
        return record(
            msgspec.Raw(encoded(whole)), LISTING, self.flows[LISTING], position, lambda b: self._listing(b, position)
        )

    def _transactions(self, raws: Sequence[msgspec.Raw]) -> tuple[Received, ...]:
        """A transaction may say several things: each part is a record, and a refund is news of its order besides."""
        found: list[Received] = []
        for raw in raws:
            try:
                body = canonical(raw)
                found += self._transaction(body, typed(body, shapes.Transaction), len(found))
            except (Unreadable, UnknownWord, *NOT_JSON):
                found.append(unreadable_record(bytes(raw), LINE, self.flows[LINE], len(found)))
        return tuple(found)

    def _transaction(self, body: bytes, seen: shapes.Transaction, position: int) -> list[Received]:
        """Decided with its payout, before it has one with its order, else alone."""
        of_order = basket_root(seen.orderId) if seen.orderId else f"transaction:{seen.transactionId}"
        root = statement_root(self.account, seen.payoutId) if seen.payoutId else of_order
        found: list[Received] = []
        for part in parts_of(seen):
            whole = canonical(encoded({"part": part.name, "transaction": msgspec.Raw(body)}))
            found.append(self.make(LINE, part.external_id(seen), "", whole, position + len(found), root))
        if seen.transactionType == "REFUND" and seen.orderId:
            root = basket_root(seen.orderId)
            found.append(self.make(REFUND, seen.transactionId, "", body, position + len(found), root))
        return found
