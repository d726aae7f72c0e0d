"""Our value put back at the marketplace, when another system has undone it: the whole offer, as last observed, with our value in it.

Only fields that an offer's write there can carry. When its turn comes it is made anew from the newest observation, and is no
longer wanted when the marketplace has come to show ours, or a person has been asked to end the fight.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from entrepot.flows.offer_shelf import FLOW, OfferNow, offers_now, root_of
from entrepot.flows.parts import Parts
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.outbox.port import Effect, Reaction
from entrepot.outbox.store import Intent
from entrepot.ownership.model import TurnedAway, Value

UPDATE = "mirakl.update-offer"
COLUMN_BY_FIELD: Mapping[str, str] = {"price": "price_minor", "quantity": "quantity", "description": "description"}


@dataclass(frozen=True, slots=True)
class Reassertion:
    parts: Parts

    def plan(self, ctx: Ctx, conn: Conn, undone: Sequence[TurnedAway]) -> list[Intent]:
        """One write per undone value; its key names the message that showed it undone, so that each undoing is answered once."""
        intents = []
        for away in undone:
            key = f"assert:{away.scope.account}:{away.object_id}:{away.field}:{away.message_id}"
            intents += self.assert_field(ctx, conn, away.scope.account, away.object_id, away.field, key)
        return intents

    def assert_field(self, ctx: Ctx, conn: Conn, account: str, offer_id: str, field: str, key: str) -> list[Intent]:
        """Have the marketplace show what counts in one field; nothing when it does, or cannot."""
        offer = offers_now(conn, account, [offer_id]).get(offer_id)
        if offer is None or not differs(offer, field) or offer.row["details_at"] is None:
            return []  # what was not observed in full cannot be written without resetting the rest
        return [
            Intent(
                key=key,
                account=account,
                operation=UPDATE,
                root=root_of(offer_id),
                flow=FLOW,
                payload={"offer_id": offer_id, "field": field, **payload_of(offer, field)},
                window_s=self.parts.window_s(FLOW),
            )
        ]


def differs(offer: OfferNow, field: str) -> bool:
    """Whether the marketplace shows another value than the one that counts."""
    column = COLUMN_BY_FIELD.get(field)
    ours = offer.effective.values.get(field)
    return column is not None and ours is not None and offer.row[column] != ours


def payload_of(offer: OfferNow, field: str) -> dict[str, Any]:
    """The whole offer as observed, with our value in one field."""
    row, ours = offer.row, offer.effective.values[field]
    shown: dict[str, Value] = {column: row[column] for column in COLUMN_BY_FIELD.values()}
    return {
        **shown,
        COLUMN_BY_FIELD[field]: ours,
        "shop_id": row["seller_id"],
        "sku": row["sku"],
        "product_id": row["product_id"],
        "currency": row["currency"],
        "state_code": row["state_code"],
        "terms": _terms(row),
        "wanted": {field: ours},
    }


def _terms(row: Row) -> dict[str, Any]:
    return dict(row["terms"])


class Reasserted(Reaction):
    """mirakl.update-offer: whether it is still wanted, and with which content."""

    def wanted(self, ctx: Ctx, conn: Conn, effect: Effect) -> Effect | None:
        offer_id, field = effect.payload["offer_id"], effect.payload["field"]
        offer = offers_now(conn, effect.account, [offer_id]).get(offer_id)
        if offer is None or not differs(offer, field):
            return None
        if effect.attempts:
            return effect  # sent before: the same content under the same key
        return replace(effect, payload={"offer_id": offer_id, "field": field, **payload_of(offer, field)})
