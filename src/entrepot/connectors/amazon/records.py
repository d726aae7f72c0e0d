"""What each record is called, and what it is decided in order with."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from entrepot.connectors.amazon import order_shapes as shapes
from entrepot.connectors.port import Received
from entrepot.connectors.reading import NOT_JSON, Unreadable, canonical, encoded, instant, records, sortable, typed
from entrepot.connectors.roots import basket_root, statement_root

ORDER, HINT, LISTING, SUBMISSION = "channel-order", "hint", "listing", "submission"
REFUND, HEALTH = "channel-refund", "account-health"
STATEMENT, STATEMENT_LINE = "channel-statement", "channel-statement-line"


class Records:
    """Records of one account; `flows` comes from the manifest."""

    def __init__(self, flows: Mapping[str, str], account: str) -> None:
        self.flows = flows
        self.account = account

    def make(self, kind: str, external_id: str, revision: str, body: bytes, position: int, root: str) -> Received:
        return Received(kind, external_id, revision, body, position, root, self.flows[kind])

    def of(
        self, kind: str, split: Callable[[bytes, int], Received]
    ) -> Callable[[Sequence[msgspec.Raw]], tuple[Received, ...]]:
        """Splits the elements of a page; one that names no id is kept as malformed."""
        return lambda raws: records(raws, kind, self.flows[kind], split)

    def order(self, body: bytes, position: int) -> Received:
        head = typed(body, shapes.OrderHead)
        revision = sortable(instant(head.lastUpdatedTime, "$.lastUpdatedTime"))
        return self.make(ORDER, head.orderId, revision, body, position, basket_root(head.orderId))

    def old_order(self, order: msgspec.Raw, items: Sequence[msgspec.Raw], position: int) -> Received:
        """An order of v0 with its items, fetched apart. Errors: Unreadable."""
        head = typed(order, shapes.OldHead)
        revision = sortable(instant(head.LastUpdateDate, "$.LastUpdateDate"))
        body = packed({"order": order, "items": list(items)})
        return self.make(ORDER, head.AmazonOrderId, revision, body, position, basket_root(head.AmazonOrderId))

    def hint(self, kind: str, external_id: str, delivery: str, revision: str, position: int, **more: str) -> Received:
        """`delivery`: the notification or the row of a report, by which the same hint again is known as the same."""
        body = encoded({"kind": kind, "external_id": external_id, **more})
        root = {"order": basket_root, "listing": listing_root, "submission": submission_root}[kind](external_id)
        return self.make(HINT, delivery, revision, body, position, root)

    def statement_root(self, settlement_id: str) -> str:
        return statement_root(self.account, settlement_id)


def listing_root(sku: str) -> str:
    return f"listing:{sku}"


def submission_root(submission_id: str) -> str:
    return f"submission:{submission_id}"


def packed(record: object) -> bytes:
    """A record put together of parts of theirs. Errors: Unreadable."""
    try:
        return canonical(encoded(record))
    except NOT_JSON as error:
        raise Unreadable(f"not JSON: {error}") from error
