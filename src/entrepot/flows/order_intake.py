"""order-intake: an order of a channel becomes a leg of ours with what the channel demands of us for it, and goes to our back office.

News of an order comes as a hint or by the safety check, and as often as they like. While it is not payable it only reserves stock. Once it is, it is
handed to the back office, and only when that has taken it the channel hears so, where it has such a call. Lines that the marketplace delivers
itself oblige nobody here. A cancelled order voids what was promised and is taken back from the back office.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from entrepot.cases.model import CaseAsked, Promise
from entrepot.connectors.verbs import AcknowledgeOrder, Quantity, Verb
from entrepot.flows import duties
from entrepot.flows.channels import CANCEL_IMPORT, IMPORT, SalesChannels, number_of
from entrepot.flows.consequences import Consequences, keep
from entrepot.inbox.model import Decided, Ignored, Message, Parked, Verdict
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.outcome import Refused
from entrepot.outbox.port import Effect, Reaction
from entrepot.trade.listing.store import ask_restock
from entrepot.trade.order import channel
from entrepot.trade.order.book import Basket, Leg
from entrepot.trade.order.channel import Channel
from entrepot.trade.order.model import OrderSeen
from entrepot.trade.order.rules import Conflict
from entrepot.trade.order.service import Applied
from entrepot.trade.order.states import LOST, LegState
from entrepot.trade.order.store import leg_of_order, load, note_leg
from entrepot.trade.stock import store as stock

FLOW = "order-intake"
OUTGROWN = ("unknown-word", "incompatible-status")
TO_HAND_OVER = frozenset({LegState.AWAITING_ACCEPTANCE, LegState.TO_SHIP, LegState.PART_SHIPPED})
OURS, THEIRS = "seller", "marketplace"
REFUSED_AS = {"unknown-sku": "unknown-sku", "no-capacity": "accepted-outside-capacity", "out-of-stock": "oversold"}


def import_key(account: str, order_id: str) -> str:
    return f"import:{number_of(account, order_id)}"


@dataclass(frozen=True, slots=True)
class OrderIntake:
    channels: SalesChannels

    def decide_orders(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        parts, account = self.channels.parts, messages[0].account
        read = [parts.read(m) for m in messages]
        book = load(conn, account, [r.commercial_id for r in read if isinstance(r, OrderSeen)])
        known = Channel(account, self.channels.scheme(account, "leg"))
        then, verdicts = Consequences(), list[Verdict]()
        changed: list[Applied] = []
        for message, seen in zip(messages, read, strict=True):
            if isinstance(seen, Parked):
                verdicts.append(seen)
                continue
            applied = channel.apply_order(book, ctx, known, seen, message.id)
            if isinstance(applied, Conflict):
                verdicts.append(self._parked(applied, seen))
            elif isinstance(applied, str):
                verdicts.append(Ignored(applied))
            else:
                self._follow(then, applied, seen, message)
                changed.append(applied)
                verdicts.append(Decided(tuple((mode, "leg", applied.leg.order_id) for mode in OUTGROWN)))
        keep(conn, ctx, parts.plan, book)
        self._reserve(ctx, conn, then, changed)
        then.flush(ctx, conn, parts.plan)
        return verdicts

    def _parked(self, conflict: Conflict, seen: OrderSeen) -> Parked:
        name, money = seen.order_id, seen.total_minor
        return Parked(self.channels.mode(conflict.mode), conflict.cause, name, "leg", name, money, seen.currency)

    # ── what an order leads to ────────────────────────────────────────────────────────────────────────────────

    def _follow(self, then: Consequences, applied: Applied, seen: OrderSeen, message: Message) -> None:
        leg = applied.leg
        if leg.fulfilled_by == THEIRS or leg.state is LegState.ON_HOLD:
            return
        if leg.state in LOST:
            self._lost(then, applied, message)
            return
        self._promise(then, applied, seen)
        if leg.state in TO_HAND_OVER and leg.handed_at is None:
            then.intents += self._hand_over(applied.basket, leg, message.id)

    def _promise(self, then: Consequences, applied: Applied, seen: OrderSeen) -> None:
        leg, parts = applied.leg, self.channels.parts
        account = leg.account
        found = duties.duties(
            self.channels.rules(account), parts.account(account), self.channels.calendar(account), self.channels.zone(account), seen
        )  # fmt: skip
        for duty in found:
            object_, object_id = ("line", leg.lines[duty.line_id].id) if duty.line_id else ("leg", leg.id)
            kept_at = self._kept(duty, leg, seen)
            if applied.was in (None, LegState.ON_HOLD) or kept_at is None:
                then.promises.append(self._promise_of(duty, applied.basket, leg, object_, object_id))
            if kept_at is not None:
                then.kept.append((duty.kind, object_, object_id, kept_at))

    @staticmethod
    def _kept(duty: duties.Duty, leg: Leg, seen: OrderSeen) -> Any:
        """When it was done, as far as the channel shows it; None while it is not."""
        if duty.kind == duties.ACKNOWLEDGE:
            return None if leg.state is LegState.AWAITING_ACCEPTANCE else leg.acknowledged_at or leg.decided_at
        left = channel.open_quantities(leg)
        done = duty.line_id not in left if duty.line_id else not left
        return (leg.shipped_at or seen.updated_at) if done else None

    def _promise_of(self, duty: duties.Duty, basket: Basket, leg: Leg, object_: str, object_id: str) -> Promise:
        mode = self.channels.mode(duties.mode_of(duty.kind))
        return Promise(
            kind=duty.kind,
            flow=self.channels.parts.plan.failure(mode).flow,
            account=leg.account,
            object=object_,
            object_id=object_id,
            name=leg.order_id,
            root=basket.root,
            mode=mode,
            owner=self.channels.parts.plan.failure(mode).owner,
            starts_at=duty.starts_at,
            due_at=max(duty.due_at, duty.starts_at),
            money_minor=leg.ordered_minor,
            currency=leg.currency,
        )

    def _lost(self, then: Consequences, applied: Applied, message: Message) -> None:
        leg, basket = applied.leg, applied.basket
        because = f"order {leg.order_id} is {leg.state}"
        objects = [("leg", leg.id), *(("line", line.id) for line in leg.lines.values())]
        then.void += [(kind, name, id_, because) for kind in duties.KINDS.values() for name, id_ in objects]
        if not applied.lost_now:
            return
        lines = [{"line_id": line_id, "quantity": line.quantity} for line_id, line in sorted(leg.lines.items())]
        number = number_of(leg.account, leg.order_id)
        payload = {"number": number, "cancellation": f"{number}:cancelled", "lines": lines, "reason": "buyer-asked"}
        then.intents += self.channels.ask_back_office(
            CANCEL_IMPORT, payload, key=f"take-back:{number}", root=basket.root, flow=FLOW,
            after_key=import_key(leg.account, leg.order_id), message_id=message.id,
        )  # fmt: skip

    def _hand_over(self, basket: Basket, leg: Leg, message_id: str) -> list[Any]:
        lines = [
            {"line_id": one.order_line_id, "sku": one.sku, "quantity": one.quantity - one.cancelled_qty, "price_minor": one.price_minor,
             "shipping_minor": one.shipping_minor, "tax_minor": one.tax_minor}
            for _, one in sorted(leg.lines.items())
        ]  # fmt: skip
        payload = {
            "number": number_of(leg.account, leg.order_id),
            "account": leg.account,
            "order_id": leg.order_id,
            "currency": leg.currency,
            "placed_at": leg.created_at.isoformat(),
            "ship_by": leg.ship_due_at.isoformat() if leg.ship_due_at else None,
            "market": leg.market,
            "lines": lines,
        }
        return self.channels.ask_back_office(
            IMPORT, payload, key=import_key(leg.account, leg.order_id), root=basket.root, flow=FLOW, message_id=message_id
        )  # fmt: skip

    # ── stock ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _reserve(self, ctx: Ctx, conn: Conn, then: Consequences, applied: Sequence[Applied]) -> None:
        """One pool for all channels: what is ordered here is not offered there."""
        wanted: dict[str, tuple[str, str, int]] = {}
        gone, left = list[str](), list[str]()
        for one in applied:
            if one.leg.fulfilled_by == THEIRS:
                continue  # from the marketplace's own stock
            for line in one.leg.lines.values():
                rest = line.quantity - line.shipped_qty - line.cancelled_qty
                if one.leg.state in LOST or (rest == 0 and not line.shipped_qty):
                    gone.append(line.id)
                elif rest == 0:
                    left.append(line.id)
                else:
                    wanted[line.id] = (one.leg.id, line.sku, rest)
        now = ctx.clock.now()
        changed = stock.reserve(conn, wanted, now)
        changed |= stock.end_reservations(conn, gone, now, shipped=False)
        changed |= stock.end_reservations(conn, left, now, shipped=True)
        for sku, missing in stock.oversold(conn, sorted(changed)).items():
            then.cases.append(self._oversold(sku, missing))
        ask_restock(conn, ctx, changed)  # what the channels show follows, in a lane of its own

    def _oversold(self, sku: str, missing: int) -> CaseAsked:
        mode = self.channels.mode("oversold")
        account = self.channels.back_office or next(iter(self.channels.accounts), "")
        cause = f"{missing} pieces of {sku} are ordered and not there"
        return CaseAsked(mode=mode, account=account, object="stock", object_id=sku, name=sku, root=f"listing:{sku}", cause=cause,
            cause_key=sku)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HandedOver(Reaction):
    """The back office took an order: now the channel may hear that we have it."""

    channels: SalesChannels

    def wanted(self, ctx: Ctx, conn: Conn, effect: Effect) -> Effect | None:
        found = leg_of_order(conn, str(effect.payload["account"]), str(effect.payload["order_id"]))
        return None if found is None or LegState(found["state"]) in LOST else effect

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        account, order_id = str(effect.payload["account"]), str(effect.payload["order_id"])
        leg, now = leg_of_order(conn, account, order_id), ctx.clock.now()
        assert leg is not None
        document = str(receipt.get("document_number", ""))
        note_leg(conn, ctx, leg, "handed over", by="hub", because=effect.id, handed_at=now, document_number=document)
        then = Consequences()
        if leg["state"] == LegState.AWAITING_ACCEPTANCE:
            lines = [Quantity(one["line_id"], one["quantity"], one["sku"]) for one in effect.payload["lines"]]
            number = str(effect.payload["number"])
            then.intents += self.channels.intent(
                account, Verb.ACKNOWLEDGE, AcknowledgeOrder(order_id, number, lines), key=f"acknowledge:{number}",
                root=effect.root, flow=FLOW, queue="urgent", message_id=effect.message_id,
            )  # fmt: skip
        gone = [(self.channels.mode(mode), "effect", effect.id, "the back office took the order") for mode in REFUSED_AS.values()]  # fmt: skip
        then.gone += gone
        then.flush(ctx, conn, self.channels.parts.plan)

    def refused(self, ctx: Ctx, conn: Conn, effect: Effect, refusal: Refused) -> bool:
        """Its owner repairs what was handed over, or gives the order up, while there is time."""
        mode = self.channels.mode(REFUSED_AS.get(refusal.code, "erp-refused"))
        cause = f"the back office refused order {effect.payload['order_id']}: {refusal.words} ({refusal.code})"
        then = Consequences()
        then.cases.append(
            CaseAsked(
                mode=mode,
                account=str(effect.payload["account"]),
                object="effect",
                object_id=effect.id,
                root=effect.root,
                name=str(effect.payload["order_id"]),
                cause=cause,
                effect_id=effect.id,
                flow=FLOW,
                cause_key=refusal.code,
                money_minor=sum(int(one["price_minor"]) for one in effect.payload["lines"]),
                currency=str(effect.payload["currency"]),
                values={"words": refusal.words},
            )
        )
        then.flush(ctx, conn, self.channels.parts.plan)
        return True


@dataclass(frozen=True, slots=True)
class Acknowledged(Reaction):
    """The channel heard that we have the order."""

    channels: SalesChannels

    def wanted(self, ctx: Ctx, conn: Conn, effect: Effect) -> Effect | None:
        found = leg_of_order(conn, effect.account, str(effect.payload["order_id"]))
        return None if found is None or found["state"] != LegState.AWAITING_ACCEPTANCE else effect

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        leg, now = leg_of_order(conn, effect.account, str(effect.payload["order_id"])), ctx.clock.now()
        assert leg is not None
        note_leg(conn, ctx, leg, "acknowledged", by="hub", because=effect.id, acknowledged_at=now)
        then = Consequences()
        then.kept.append((duties.ACKNOWLEDGE, "leg", leg["id"], now))
        then.flush(ctx, conn, self.channels.parts.plan)
