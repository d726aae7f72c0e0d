"""A conversation with a seller, read: who wrote what since when."""

from entrepot.connectors.mirakl import shapes
from entrepot.connectors.mirakl.words import IS_SELLER_BY_PARTY
from entrepot.connectors.reading import UnknownWord, Unreadable, instant, total, typed
from entrepot.trade.seller.model import ConversationSeen, SaidThere

KIND = "thread"


def shop_of(thread: shapes.ThreadHead) -> str:
    """The seller of a conversation. Errors: Unreadable when nobody of it is one."""
    for party in thread.current_participants:
        if party.type == "SHOP" and party.id is not None:
            return str(party.id)
    raise Unreadable("no shop takes part in this conversation", "$.current_participants")


@total
def thread(body: bytes) -> ConversationSeen:
    """One conversation (M11 with messages, M10)."""
    seen = typed(body, shapes.Thread)
    return ConversationSeen(
        conversation_id=seen.id,
        seller_id=shop_of(seen),
        topic=seen.topic.value,
        said=tuple(_said(message, n) for n, message in enumerate(seen.messages)),
        updated_at=instant(seen.date_updated, "$.date_updated"),
    )


def _said(message: shapes.ThreadMessage, n: int) -> SaidThere:
    sender = message.from_
    word = sender.organization_details.type if sender.organization_details else sender.type
    if word not in IS_SELLER_BY_PARTY:
        raise UnknownWord(f"messages[{n}].from.type", word)
    at = instant(message.date_created, f"$.messages[{n}].date_created")
    return SaidThere(message.id, IS_SELLER_BY_PARTY[word], message.body, at)
