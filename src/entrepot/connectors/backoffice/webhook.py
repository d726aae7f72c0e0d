"""What the back office pushes: `{"type", "data"}`, signed by Standard Webhooks; `data` is the record as its list shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from entrepot.connectors.backoffice.records import Records
from entrepot.connectors.port import Forged, Received, Verified
from entrepot.connectors.reading import Unreadable, typed, unreadable_record
from entrepot.connectors.webhooks import StandardWebhooks

KIND_BY_TYPE = {
    "parcel": "parcel",
    "cancellation": "cannot-deliver",
    "return": "goods-back",
    "stock": "stock",
    "price": "price",
    "product": "product",
}
FLOW_OF_UNKNOWN = "fulfilment-confirm"


class _Event(msgspec.Struct):
    type: str
    data: msgspec.Raw


@dataclass(frozen=True, slots=True)
class BackOfficeWebhook:
    door: StandardWebhooks
    records: Records

    def verify(self, machine: datetime, headers: Mapping[str, str], body: bytes) -> Verified | Forged:
        return self.door.verify(machine, headers, body)

    def split(self, body: bytes) -> tuple[Received, ...]:
        """One record, the same as a sweep would read it; an event of another type is kept as malformed."""
        try:
            event = typed(body, _Event)
        except Unreadable:
            return (unreadable_record(body, "event", FLOW_OF_UNKNOWN, 0),)
        kind = KIND_BY_TYPE.get(event.type)
        if kind is None:
            return (unreadable_record(body, "event", FLOW_OF_UNKNOWN, 0),)
        return self.records.split(kind, (event.data,))
