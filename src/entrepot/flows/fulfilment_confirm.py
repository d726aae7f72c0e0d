"""fulfilment-confirm: a parcel leaves our warehouse, and the channel hears of it before its ship-by date, by the parcel's own number.

The carrier is said in the channel's word, by the plan's table; a word that a strict table does not know waits as a case, before anything of the parcel
is written down. Each parcel is confirmed once: its number is the natural key where the channel takes one, and the order itself is looked at where it does not. The
promise `ship` is kept when nothing of the order is left to be confirmed. A parcel of an order that is lost at the channel is a person's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from entrepot.cases.model import CaseAsked
from entrepot.change.mapping import MISSING, Changed, Kept, Missing, Use
from entrepot.connectors.verbs import Quantity, ShipParcel, Verb
from entrepot.flows import duties
from entrepot.flows.channels import SalesChannels, number_of, order_of
from entrepot.flows.consequences import Consequences
from entrepot.flows.parts import Parts
from entrepot.inbox.model import Decided, Message, NotYet, Parked, Verdict
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.outcome import Refused
from entrepot.outbox.port import Effect, Reaction
from entrepot.trade.order.book import root_of
from entrepot.trade.order.states import LOST, LegState
from entrepot.trade.order.store import leg_of_order, lines_of_leg
from entrepot.trade.shipment import parcels
from entrepot.trade.shipment.model import ParcelSeen
from entrepot.trade.stock import store as stock

FLOW, CARRIER = "fulfilment-confirm", "carrier"


@dataclass(frozen=True, slots=True)
class FulfilmentConfirm:
    channels: SalesChannels

    def decide_parcels(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        then, verdicts = Consequences(), list[Verdict]()
        for message in messages:
            seen = self.channels.parts.read(message)
            verdicts.append(seen if isinstance(seen, Parked) else self._parcel(ctx, conn, then, message, seen))
        then.flush(ctx, conn, self.channels.parts.plan)
        return verdicts

    def _parcel(self, ctx: Ctx, conn: Conn, then: Consequences, message: Message, seen: ParcelSeen) -> Verdict:
        account, order_id = order_of(seen.number)
        leg = leg_of_order(conn, account, order_id)
        if leg is None:
            return NotYet(f"order {seen.number} of parcel {seen.parcel} is not known yet", name=seen.parcel, sought=f"{order_id} at {account}")  # fmt: skip
        lines = lines_of_leg(conn, leg["id"])
        strange = sorted(set(seen.lines) - {line["order_line_id"] for line in lines})
        if strange:
            return Parked("malformed-message", f"parcel {seen.parcel} holds line {strange[0]}, which order {order_id} has not", seen.parcel)  # fmt: skip
        lost = LegState(leg["state"]) in LOST
        carrier = self.channels.parts.outgoing(FLOW, account, CARRIER, seen.carrier)
        if isinstance(carrier, Missing) and not lost:
            return Parked(MISSING, f"parcel {seen.parcel} of order {order_id}: {carrier.words}", seen.parcel, "leg", leg["id"], leg["ordered_minor"],
                          leg["currency"], cause_key=f"{carrier.mapping}:{carrier.word}")  # fmt: skip
        root = root_of(leg["commercial_id"])
        row = parcels.row_of(ctx.ids.new("prc"), leg["id"], seen.parcel, seen.carrier, seen.tracking, dict(seen.lines), seen.shipped_at, ctx.plan_hash)  # fmt: skip
        if not parcels.keep(conn, [row]):
            return Decided()
        if lost or isinstance(carrier, Missing):
            then.cases.append(self._left_in_vain(leg, seen))
            return Decided()
        key = f"ship:{seen.number}:{seen.parcel}"
        if isinstance(carrier, Changed):
            then.uses.append(Use(carrier.mapping, FLOW, CARRIER, "out", theirs=carrier.word, ours=carrier.was, message_id=message.id,
                                 object="leg", object_id=leg["id"], effect_key=key))  # fmt: skip
        skus = {line["order_line_id"]: line["sku"] for line in lines}
        payload = ShipParcel(
            order_id=order_id,
            our_number=seen.number,
            parcel=seen.parcel,
            carrier=carrier.word,
            tracking=seen.tracking,
            shipped_at=seen.shipped_at.isoformat(),
            lines=[Quantity(line_id, quantity, skus[line_id]) for line_id, quantity in sorted(seen.lines.items())],
            service=seen.service,
            our_carrier=seen.carrier,
            other_carrier=isinstance(carrier, Kept) and bool(carrier.unlisted),
        )
        then.intents += self.channels.intent(
            account, Verb.SHIP, payload, key=key, root=root, flow=FLOW, queue="urgent",
            message_id=message.id,
        )  # fmt: skip
        self._left_the_pool(ctx, conn, leg, lines)
        return Decided()

    @staticmethod
    def _left_the_pool(ctx: Ctx, conn: Conn, leg: Row, lines: Sequence[Row]) -> None:
        """Lines whose pieces have all left stop reserving them; the pool's own next word is smaller."""
        left = packed(conn, leg["id"])
        gone = [
            one["id"] for one in lines if left.get(one["order_line_id"], 0) >= one["quantity"] - one["cancelled_qty"]
        ]
        stock.end_reservations(conn, gone, ctx.clock.now(), shipped=True)

    def _left_in_vain(self, leg: Row, seen: ParcelSeen) -> CaseAsked:
        cause = f"parcel {seen.parcel} ({seen.carrier} {seen.tracking}) left for order {leg['order_id']}, which is {leg['state']} at the channel"
        return CaseAsked(
            mode=self.channels.mode("shipped-unconfirmed"), account=leg["account"], object="leg", object_id=leg["id"], name=leg["order_id"],
            root=root_of(leg["commercial_id"]), cause=cause, money_minor=leg["ordered_minor"], currency=leg["currency"], flow=FLOW,
        )  # fmt: skip


def recast(parts: Parts, account: str, payload: Mapping[str, Any]) -> Mapping[str, Any] | Missing:
    """What the channel would be told of a parcel under the plan at hand, made from the warehouse's own word for the carrier."""
    word = str(payload.get("our_carrier", ""))
    found = parts.outgoing(FLOW, account, CARRIER, word)
    if isinstance(found, Missing) or not word:
        return found if isinstance(found, Missing) else payload
    return {**payload, "carrier": found.word, "other_carrier": isinstance(found, Kept) and bool(found.unlisted)}


def packed(conn: Conn, leg_id: str) -> dict[str, int]:
    """Pieces in all parcels of an order, by its line."""
    found: dict[str, int] = {}
    for row in parcels.parcels_of(conn, leg_id):
        for line_id, quantity in row["lines"].items():
            found[line_id] = found.get(line_id, 0) + int(quantity)
    return found


@dataclass(frozen=True, slots=True)
class ShipmentConfirmed(Reaction):
    """The channel took the confirmation of a parcel, or said why not."""

    channels: SalesChannels

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        leg = leg_of_order(conn, effect.account, str(effect.payload["order_id"]))
        assert leg is not None
        now = ctx.clock.now()
        parcels.confirm(conn, leg["id"], str(effect.payload["parcel"]), now)
        then = Consequences()
        then.kept += self._kept(conn, leg, now)
        then.gone.append((self.channels.mode("tracking-refused"), "effect", effect.id, "the channel took it"))
        then.flush(ctx, conn, self.channels.parts.plan)

    @staticmethod
    def _kept(conn: Conn, leg: Row, now: Any) -> list[Any]:
        """What of the order is confirmed in full."""
        confirmed: dict[str, int] = {}
        for row in parcels.parcels_of(conn, leg["id"]):
            for line_id, quantity in row["lines"].items() if row["confirmed_at"] else ():
                confirmed[line_id] = confirmed.get(line_id, 0) + int(quantity)
        lines = lines_of_leg(conn, leg["id"])
        whole = [
            one for one in lines if confirmed.get(one["order_line_id"], 0) >= one["quantity"] - one["cancelled_qty"]
        ]
        kinds = (duties.SHIP, duties.CANCELLED)
        kept = [(kind, "line", one["id"], now) for kind in kinds for one in whole]
        return kept + [(kind, "leg", leg["id"], now) for kind in kinds if len(whole) == len(lines)]

    def refused(self, ctx: Ctx, conn: Conn, effect: Effect, refusal: Refused) -> bool:
        leg = leg_of_order(conn, effect.account, str(effect.payload["order_id"]))
        if leg is None:
            return False
        parcels.refuse(conn, leg["id"], str(effect.payload["parcel"]), refusal.words)
        cause = f"parcel {effect.payload['parcel']} of order {leg['order_id']}: {refusal.words} ({refusal.code})"
        then = Consequences()
        then.cases.append(
            CaseAsked(
                mode=self.channels.mode("tracking-refused"),
                account=effect.account,
                object="effect",
                object_id=effect.id,
                name=number_of(effect.account, leg["order_id"]),
                root=effect.root,
                cause=cause,
                effect_id=effect.id,
                flow=FLOW,
                cause_key=refusal.code,
                money_minor=leg["ordered_minor"],
                currency=leg["currency"],
            )
        )
        then.flush(ctx, conn, self.channels.parts.plan)
        return True
