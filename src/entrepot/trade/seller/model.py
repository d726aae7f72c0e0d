"""What a marketplace tells of a seller. Instants: aware UTC, theirs."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SellerSeen:
    """`open`: the marketplace lets him sell. `their_state`: its own word for it."""

    seller_id: str
    name: str
    open: bool
    their_state: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SaidThere:
    """One message of a conversation. `by_seller`: otherwise it is ours, or somebody else's."""

    message_id: str
    by_seller: bool
    body: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ConversationSeen:
    """A conversation with a seller, oldest message first. `topic` carries our reference when we opened it."""

    conversation_id: str
    seller_id: str
    topic: str
    said: tuple[SaidThere, ...]
    updated_at: datetime
