"""shipment: parcels and their tracking, as the marketplace shows them, joined to their seller order.

The promise `ship` is kept by the order's own state (order-acceptance); this flow keeps the parcels: who carries them and under which number. What the
plan gives to somebody else keeps its value, field by field: the parcel may move, though its number is not the marketplace's to tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from entrepot.flows.parts import Parts
from entrepot.flows.refusals import follow
from entrepot.inbox.model import Decided, Ignored, Message, NotYet, Parked, Verdict
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.outcome import Unrecognised
from entrepot.ownership.refusing import Refusing, refuse
from entrepot.trade.order.book import Leg
from entrepot.trade.order.model import ShipmentSeen
from entrepot.trade.order.store import commercial_ids_of, flush, load
from entrepot.trade.shipment.states import SHIPMENT_MOVES, ShipmentState
from entrepot.trade.shipment.store import shipments, upsert_shipments

FLOW = SHIPMENT = "shipment"
FIELDS = ("tracking", "carrier", "state", "delivered-at")


@dataclass(frozen=True, slots=True)
class Shipping:
    parts: Parts

    def decide_shipments(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        read = [self.parts.read(m) for m in messages]
        account = messages[0].account
        seen = [r for r in read if isinstance(r, ShipmentSeen)]
        book = load(conn, account, commercial_ids_of(conn, account, [s.order_id for s in seen]).values())
        known = shipments(conn, [leg.id for _, leg in book.legs()])
        verdicts: list[Verdict] = []
        rows, books = {}, list[Refusing]()
        for message, one in zip(messages, read, strict=True):
            if isinstance(one, Parked):
                verdicts.append(one)
                continue
            if isinstance(one.state, Unrecognised):
                verdicts.append(
                    Parked(
                        "unknown-word",
                        f"shipment {one.shipment_id}: “{one.state.word}” in {one.state.field} is a word we do not know",
                        cause_key=f"shipment:{one.state.field}:{one.state.word}",
                    )
                )
                continue
            found = book.leg(one.order_id)
            if found is None:
                verdicts.append(
                    NotYet(
                        f"order {one.order_id} of shipment {one.shipment_id} is not known yet",
                        sought=self.parts.sought(account, "mirakl_order_id", one.order_id),
                        name=one.shipment_id,
                    )
                )
                continue
            basket, leg = found
            before = known.get(one.shipment_id)
            one = self._his(message, one, before, leg, books)
            assert not isinstance(one.state, Unrecognised)
            to = ShipmentState(one.state)
            if before and to != before["state"] and to not in SHIPMENT_MOVES[ShipmentState(before["state"])]:
                verdicts.append(Ignored(f"shipment {one.shipment_id} is {before['state']}; {to} is older news"))
                continue
            row = {"id": before["id"] if before else ctx.ids.new("shp"), "leg_id": leg.id, "external_id": one.shipment_id, "state": str(to),
                   "carrier": one.carrier, "tracking": one.tracking, "shipped_at": one.shipped_at,
                   "plan_hash": ctx.plan_hash, "decided_at": ctx.clock.now()}  # fmt: skip
            if not before or before["state"] != to:
                book.tell(basket, leg, "parcel moved", from_state=before["state"] if before else "", to_state=to, by="seller", because=message.id,
                          carrier=one.carrier, tracking=one.tracking)  # fmt: skip
            rows[(leg.id, one.shipment_id)] = known[one.shipment_id] = row
            verdicts.append(Decided())
        upsert_shipments(conn, list(rows.values()))
        flush(conn, ctx, book)
        if books:
            judged = refuse(conn, ctx, self.parts.plan, self.parts.owners.rules, books)
            follow(self.parts, judged, FLOW).flush(ctx, conn, self.parts.plan)
        return verdicts

    def _his(
        self, message: Message, seen: ShipmentSeen, before: Row | None, leg: Leg, books: list[Refusing]
    ) -> ShipmentSeen:
        """The parcel as far as it is the sender's to tell; the rest as it stands, and in `books`."""
        owners = self.parts.owners
        if owners.always(message.account, SHIPMENT, SHIPMENT, FIELDS, message.account):
            return seen
        stands = before or {"tracking": "", "carrier": "", "state": str(ShipmentState.PLANNED)}
        said: dict[str, tuple[str, str]] = {
            name: (str(getattr(seen, name)), stands[name]) for name in ("tracking", "carrier", "state")
        }
        kept: dict[str, str] = {}
        for column, (value, now) in said.items():
            field = "delivered-at" if (column, value) == ("state", ShipmentState.DELIVERED) else column
            away = owners.turned_away(message.account, SHIPMENT, SHIPMENT, (field,), leg.seller_id).get(field)
            if away is None or (value == now and before is None):
                continue
            kept[column] = now
            books.append(
                Refusing(
                    (message.account, SHIPMENT, seen.shipment_id), field, value, now, owners.actor(message.account, SHIPMENT, field),
                    owners.scope(message.account, leg.seller_id), away if value != now else None, seen.updated_at, message.id,
                    f"shipment {seen.shipment_id} of {self.parts.plan.system_of(message.account).name}",
                )
            )  # fmt: skip
        return replace(seen, tracking=kept.get("tracking", seen.tracking), carrier=kept.get("carrier", seen.carrier),
                       state=kept.get("state", seen.state)) if kept else seen  # fmt: skip
