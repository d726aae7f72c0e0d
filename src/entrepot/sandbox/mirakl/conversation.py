"""Conversations between the operator and a seller."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

OPERATOR: Final = "OPERATOR"
SHOP: Final = "SHOP"


@dataclass(frozen=True)
class Attachment:
    id: str
    name: str
    content: bytes


@dataclass(frozen=True)
class Said:
    """One message. `by`: OPERATOR or SHOP."""

    message_id: str
    by: str
    body: str
    at: datetime
    attachments: tuple[Attachment, ...] = ()


@dataclass
class Thread:
    """One conversation. `number`: in which order conversations were opened."""

    thread_id: str
    number: int
    shop_id: int
    topic_type: str
    topic_value: str
    entities: tuple[tuple[str, str], ...]  # type and id of what it is about
    created_at: datetime
    updated_at: datetime
    messages: list[Said] = field(default_factory=list)

    @property
    def waits_since(self) -> datetime | None:
        """Since when the operator waits for the seller's answer."""
        since = None
        for said in reversed(self.messages):
            if said.by == SHOP:
                break
            since = said.at
        return since
