"""shipment: parcels and their tracking, as the marketplace shows them, joined to their seller order.

The promise `ship` is kept by the order's own state (order-acceptance); this flow keeps the parcels: who carries them and under which number.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.flows.parts import Parts
from entrepot.inbox.model import Decided, Ignored, Message, NotYet, Parked, Verdict
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.outcome import Unrecognised
from entrepot.trade.order.model import ShipmentSeen
from entrepot.trade.order.store import commercial_ids_of, flush, load
from entrepot.trade.shipment.states import SHIPMENT_MOVES, ShipmentState
from entrepot.trade.shipment.store import shipments, upsert_shipments

FLOW = "shipment"


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
        rows = {}
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
        return verdicts
