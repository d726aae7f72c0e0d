"""Amazon's notifications, read from the seller's own queue (SQS, JSON protocol): hints that something is to be read again.

At least once, in no order. What was received is hidden for a while; it is deleted only when the next page is asked for, which
is after this one was recorded. Whatever is lost in between comes again and is known by its delivery's number.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from entrepot.connectors.amazon.records import HINT, Records
from entrepot.connectors.amazon.wire import Wire
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.naming import ByRow
from entrepot.connectors.port import Handed, Limit, Page, Received
from entrepot.connectors.reading import (
    NOT_JSON,
    UnknownWord,
    Unreadable,
    encoded,
    total,
    typed,
    unreadable_record,
)
from entrepot.connectors.sqs import BATCH_MAX, SqsQueue
from entrepot.kernel.ctx import Ctx
from entrepot.trade.order.model import Hint

HIDDEN_S = 120  # until then a page must be recorded, or its messages come again
ID_BY_TYPE: Mapping[str, tuple[str, str]] = {  # notification -> what to read again, by which member
    "ORDER_CHANGE": ("order", "amazonorderid"),
    "ORDER_STATUS_CHANGE": ("order", "amazonorderid"),
    "MFN_ORDER_STATUS_CHANGE": ("order", "amazonorderid"),
    "LISTINGS_ITEM_STATUS_CHANGE": ("listing", "sku"),
    "LISTINGS_ITEM_ISSUES_CHANGE": ("listing", "sku"),
    "LISTINGS_ITEM_MFN_QUANTITY_CHANGE": ("listing", "sku"),
    "FEED_PROCESSING_FINISHED": ("submission", "feedid"),
}
KNOWN_AND_SWEPT = frozenset({"REPORT_PROCESSING_FINISHED"})  # the sources of reports look after theirs by themselves


class _Hint(msgspec.Struct):
    kind: str = ""
    external_id: str = ""
    notification: str = ""


@total
def hint(body: bytes) -> Hint:
    seen = typed(body, _Hint)
    if not seen.kind and not seen.notification:
        raise Unreadable("a hint that names nothing", "$.kind")
    if not seen.kind:
        raise UnknownWord("notificationType", seen.notification)
    if seen.kind not in ("order", "listing", "submission"):
        raise UnknownWord("kind", seen.kind)
    if not seen.external_id:
        raise Unreadable("a hint of nothing", "$.external_id")
    return Hint(seen.kind, seen.external_id)


@dataclass(frozen=True, slots=True)
class Notifications(ByRow):
    """The source. An account without a queue of its own has nothing to read here."""

    row: SourceRow
    wire: Wire
    records: Records
    limit: Limit | None
    name: str = "notifications"

    def fetch(self, ctx: Ctx, _cursor: str | None) -> Iterator[Page]:
        queue = SqsQueue(self.wire.access, HIDDEN_S)
        if not queue.declared:
            return
        for _ in range(self.row.pages_max):
            handed = queue.receive(ctx)
            yield self._page(handed)
            if handed.problem or not handed.letters:
                return
            queue.delete(ctx, handed.letters)  # when it fails they come again: nothing is lost
            if len(handed.letters) < BATCH_MAX:
                return

    def _page(self, handed: Handed) -> Page:
        found = [self._record(one.body.encode(), n) for n, one in enumerate(handed.letters)]
        received = tuple(one for one in found if one is not None)
        return Page(self.row.code, handed.headers, handed.body, received, problem=handed.problem)

    def _record(self, body: bytes, position: int) -> Received | None:
        """None: known, and of nothing that anybody waits for. What cannot be read is kept, and leaves the queue all the same."""
        try:
            event = folded(msgspec.json.decode(body))
            meta = event.get("notificationmetadata") if isinstance(event, dict) else None
            told_by = meta.get("notificationid") if isinstance(meta, dict) else None
            word = event.get("notificationtype") if isinstance(event, dict) else None
        except NOT_JSON:
            told_by = word = None
        if not isinstance(told_by, str) or not isinstance(word, str) or not told_by:
            return unreadable_record(body, HINT, self.records.flows[HINT], position)
        if word in KNOWN_AND_SWEPT:
            return None
        if word not in ID_BY_TYPE:
            unknown = encoded({"notification": word})
            return self.records.make(HINT, told_by, "", unknown, position, f"notification:{word}")
        kind, member = ID_BY_TYPE[word]
        external_id = first_of(event.get("payload"), member)
        if not external_id:
            return unreadable_record(body, HINT, self.records.flows[HINT], position)
        return self.records.hint(kind, external_id, told_by, "", position, notification=word)


def folded(node: Any) -> Any:
    """Member names in lower case: some of their notifications begin them with a capital, some do not."""
    if isinstance(node, dict):
        return {str(name).lower(): folded(value) for name, value in node.items()}
    return [folded(value) for value in node] if isinstance(node, list) else node


def first_of(node: Any, member: str) -> str:
    """The first text of a member, at any depth; '' when there is none."""
    if isinstance(node, dict):
        if isinstance(node.get(member), str):
            return str(node[member])
        return next((found for value in node.values() if (found := first_of(value, member))), "")
    if isinstance(node, list):
        return next((found for value in node if (found := first_of(value, member))), "")
    return ""
