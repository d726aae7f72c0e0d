"""Mirakl's webhooks: an envelope of id, type, time and data, signed; its records are those of the lists.

Mirakl's event list is behind login: types and shape are a guess, shared with the sandbox.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from entrepot.connectors.mirakl.records import Records
from entrepot.connectors.port import Forged, Received, Verified
from entrepot.connectors.reading import Unreadable, members, typed, unreadable_record
from entrepot.connectors.webhooks import StandardWebhooks

KIND_BY_TYPE = {
    "order.created": "order",
    "order.updated": "order",
    "return.updated": "return",
    "shipment.updated": "shipment",
    "cycle.closed": "cycle",
}
FLOW_OF_UNKNOWN = "order-acceptance"

# Kept whole, but no record: to pay a refund is asked by the list of pending refunds (PA12) alone, and only reading that
# list moves the refund on. The order that shows the refund comes by its own event.
ONLY_NEWS = frozenset({"refund.created"})


class _Event(msgspec.Struct):
    id: str
    type: str
    data: msgspec.Raw


@dataclass(frozen=True, slots=True)
class MiraklWebhook:
    door: StandardWebhooks
    records: Records

    def verify(self, machine: datetime, headers: Mapping[str, str], body: bytes) -> Verified | Forged:
        return self.door.verify(machine, headers, body)

    def split(self, body: bytes) -> tuple[Received, ...]:
        """The record an event carries; the same bytes of an order seen on a page are the same message."""
        try:
            event = typed(body, _Event)
            if event.type in ONLY_NEWS:
                return ()
            kind = KIND_BY_TYPE.get(event.type)
            if kind is None:
                raise Unreadable(f"“{event.type}” is not an event we know", "$.type")
            return self.records.split_one(kind, self._record(kind, event.data))
        except Unreadable:
            return (unreadable_record(body, "event", FLOW_OF_UNKNOWN, 0),)

    @staticmethod
    def _record(kind: str, data: msgspec.Raw) -> msgspec.Raw:
        """`data` is the record itself, or holds it under the name of its kind beside the ids."""
        if f'"{kind}"'.encode() not in bytes(data):  # named nowhere: not worth taking apart
            return data
        return members(data).get(kind, data)
