"""ChannelEngine's answers taken apart into records: kind, id, revision, and what each is decided in order with."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from entrepot.connectors.channelengine import shapes
from entrepot.connectors.port import Received
from entrepot.connectors.reading import canonical, encoded, instant, record, records, sortable, typed
from entrepot.connectors.roots import basket_root

ORDER, RETURN, LISTING, HINT = "channel-order", "channel-return", "listing", "hint"


class Records:
    """The splits, by kind; `flows` comes from the manifest."""

    def __init__(self, flows: Mapping[str, str]) -> None:
        self._flows = flows

    def orders(self, raws: Sequence[msgspec.Raw]) -> tuple[Received, ...]:
        return records(list(raws), ORDER, self._flows[ORDER], self._order)

    def returns(self, found: Sequence[tuple[msgspec.Raw, int | None]]) -> tuple[Received, ...]:
        """Each return with the id of its order, None when that is not known."""
        whole = [encoded({"orderId": order_id, "record": raw}) for raw, order_id in found]
        return tuple(
            record(body, RETURN, self._flows[RETURN], n, lambda raw, n=n: self._return(raw, n))  # type: ignore[misc]
            for n, body in enumerate(whole)
        )

    def listings(self, found: Mapping[str, list[dict[str, Any]]], currency: str, now: datetime) -> tuple[Received, ...]:
        """One record per product, with what each channel says of it, and when: they name no date, and the same words may come back."""
        made, seen_at = [], sortable(now)
        for n, (sku, channels) in enumerate(sorted(found.items())):
            body = canonical(encoded({"seenAt": seen_at, "sku": sku, "currency": currency, "channels": channels}))
            made.append(Received(LISTING, sku, seen_at, body, n, f"listing:{sku}", self._flows[LISTING]))
        return tuple(made)

    def hint(self, event_id: str, kind: str, since: str) -> Received:
        body = canonical(encoded({"kind": kind, "external_id": since}))
        return Received(HINT, event_id, "", body, 0, f"hint:{kind}", self._flows[HINT])

    def _order(self, body: bytes, position: int) -> Received:
        head = typed(body, shapes.OrderHead)
        revision = sortable(instant(head.UpdatedAt or head.OrderDate, "$.UpdatedAt"))
        name = str(head.Id)
        return Received(ORDER, name, revision, body, position, basket_root(name), self._flows[ORDER])

    def _return(self, body: bytes, position: int) -> Received:
        head = typed(body, shapes.ReturnOfOrderHead)
        revision = sortable(instant(head.record.UpdatedAt or head.record.CreatedAt, "$.record.UpdatedAt"))
        name = str(head.record.Id)
        root = f"return:{name}" if head.orderId is None else basket_root(str(head.orderId))
        return Received(RETURN, name, revision, body, position, root, self._flows[RETURN])
