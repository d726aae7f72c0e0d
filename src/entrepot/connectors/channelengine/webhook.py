"""ChannelEngine's webhooks: something of a kind changed since an instant, not what. That much is read again.

[guess] the body, and the signature: only the address's parameters (`type`, `tenant`, `updatedSince`) are public.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from entrepot.connectors.channelengine import shapes
from entrepot.connectors.channelengine.records import HINT, Records
from entrepot.connectors.port import Access, Forged, Received, Verified
from entrepot.connectors.reading import Unreadable, instant, sortable, typed, unreadable_record
from entrepot.connectors.webhooks import StandardWebhooks

SECRET, OLD_SECRET = "webhook_secret", "webhook_secret_old"
HINT_BY_TYPE = {"orders": "orders", "returns": "return"}  # a lookup of changes, and the source that is to be swept soon
# Kept whole, but they tell of what we did ourselves, or of what another list shows.
ONLY_NEWS = frozenset({"products", "shipments", "notifications", "bundles"})
FLOW_OF_UNKNOWN = "order-intake"


@dataclass(frozen=True, slots=True)
class ChannelEngineWebhook:
    door: StandardWebhooks
    records: Records

    def verify(self, machine: datetime, headers: Mapping[str, str], body: bytes) -> Verified | Forged:
        return self.door.verify(machine, headers, body)

    def split(self, body: bytes) -> tuple[Received, ...]:
        """A hint whose id is the instant since which something changed."""
        try:
            event = typed(body, shapes.Event)
            if event.type in ONLY_NEWS:
                return ()
            kind = HINT_BY_TYPE.get(event.type)
            if kind is None:
                raise Unreadable(f"“{event.type}” is not an event we know", "$.type")
            return (self.records.hint(event.id, kind, sortable(since_of(str(event.updatedSince)))),)
        except Unreadable:
            return (unreadable_record(body, HINT, FLOW_OF_UNKNOWN, 0),)


def since_of(text: str) -> datetime:
    """Unix seconds, or ISO 8601. Errors: Unreadable."""
    if not text.isdecimal():
        return instant(text, "$.updatedSince")
    try:
        return datetime.fromtimestamp(int(text[:20]), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Unreadable(f"“{text[:40]}” is not an instant", "$.updatedSince") from error


def door(access: Access, records: Records, tolerance_s: float) -> ChannelEngineWebhook | None:
    """The door, when the account declares a secret for it."""
    if SECRET not in access.secrets:
        return None
    standard = StandardWebhooks(access.secrets[SECRET], tolerance_s, access.secrets.get(OLD_SECRET))
    return ChannelEngineWebhook(standard, records)
