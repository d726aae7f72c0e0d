"""return-refund: a return is asked for, decided, received; a refund is asked of us, paid by the gateway, confirmed to the marketplace,
posted in the books, and watched until marketplace, gateway and books have all said so.

Refunds are seen on the order itself (with their parts) and asked of us by the marketplace's list of pending refunds. No more is ever given back
than was charged for the line and for the leg: what exceeds it is a case of finance's, and nothing is sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from entrepot.cases import obligations
from entrepot.cases.model import CaseAsked, Promise
from entrepot.flows.consequences import Consequences, keep
from entrepot.flows.parts import Parts
from entrepot.inbox.model import Decided, Ignored, Message, NotYet, Parked, Verdict
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.outcome import Refused, Unrecognised
from entrepot.money.commission.rules import compute_return
from entrepot.money.ledger import journals
from entrepot.outbox.port import Effect, Reaction
from entrepot.outbox.store import Intent, effects_by_key
from entrepot.trade.order import service
from entrepot.trade.order.book import Basket, Book, Leg
from entrepot.trade.order.model import RefundSeen, ReturnSeen
from entrepot.trade.order.store import commercial_ids_of, flush, load
from entrepot.trade.returns import store
from entrepot.trade.returns.states import RETURN_MOVES, RefundState, ReturnState

FLOW = "return-refund"
UNCHARGED = "incompatible-status"  # they want back what nobody charged


def see_refunds(
    conn: Conn, ctx: Ctx, book: Book, basket: Basket, leg: Leg, seen: Sequence[RefundSeen], because: str
) -> None:
    """Keep the refunds an order shows, and hear the marketplace's confirmation of those it has closed."""
    rows = [
        {
            "id": ctx.ids.new("rfd"),
            "leg_id": leg.id,
            "line_id": leg.lines[r.order_line_id].id,
            "external_id": r.refund_id,
            "origin": "seller",
            "state": str(RefundState.AWAITING_APPROVAL),
            "amount_minor": r.amount_minor,
            "shipping_minor": r.shipping_minor,
            "commission_minor": r.commission_minor,
            "commission_tax_minor": r.commission_tax_minor,
            "currency": r.currency,
            "reason": r.reason,
            "asked_at": r.asked_at,
            "plan_hash": ctx.plan_hash,
            "decided_at": ctx.clock.now(),
        }
        for r in seen
        if r.order_line_id in leg.lines and r.amount_minor > 0
    ]
    for refund_id in store.insert_refunds(conn, rows):
        book.tell(basket, leg, "refund asked for", by="seller", because=because, refund_id=refund_id)
        book.identifiers.append((leg.account, "refund_id", refund_id, "leg", leg.id))
    closed = store.refunds(conn, leg.account, [r.refund_id for r in seen if r.state == "refunded"])
    for row in closed.values():
        confirm(conn, ctx, row, "marketplace", because)


def confirm(conn: Conn, ctx: Ctx, refund: Row, witness: str, source: str) -> None:
    """One witness has spoken; after the last one the refund is over."""
    if store.confirm(conn, refund["id"], witness, ctx.clock.now(), source) and refund["state"] in ("sent", "cleared"):
        store.move_refund(conn, refund["id"], RefundState.POSTED)
        obligations.meet(conn, ctx, "refund-confirmed", "refund", [refund["id"]], ctx.clock.now())


@dataclass(frozen=True, slots=True)
class ReturnRefund:
    parts: Parts

    def decide_refunds(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        """The marketplace waits for us to pay these refunds."""
        read = [self.parts.read(m) for m in messages]
        account = messages[0].account
        asked = [r for r in read if isinstance(r, RefundSeen)]
        book = load(conn, account, commercial_ids_of(conn, account, [r.order_id for r in asked]).values())
        known = store.refunds(conn, account, [r.refund_id for r in asked])
        then = Consequences()
        verdicts = [
            one if isinstance(one, Parked) else self._refund(ctx, conn, book, known, then, message, one)
            for message, one in zip(messages, read, strict=True)
        ]
        flush(conn, ctx, book)
        then.flush(ctx, conn, self.parts.plan)
        return verdicts

    def _refund(
        self,
        ctx: Ctx,
        conn: Conn,
        book: Book,
        known: dict[str, Row],
        then: Consequences,
        message: Message,
        asked: RefundSeen,
    ) -> Verdict:
        found, row = book.leg(asked.order_id), known.get(asked.refund_id)
        if found is None or row is None:
            return NotYet(
                f"refund {asked.refund_id} is not to be seen on order {asked.order_id} yet",
                sought=self.parts.sought(message.account, "mirakl_order_id", asked.order_id),
                name=asked.refund_id,
                money_minor=asked.amount_minor,
                currency=asked.currency,
            )
        basket, leg = found
        if row["state"] != RefundState.AWAITING_APPROVAL:
            return Ignored(f"refund {asked.refund_id} is {row['state']}")
        problem = _too_much(leg, row, asked)
        if problem:
            return Parked(
                "refund-above-leg",
                problem,
                leg.order_id,
                "leg",
                leg.id,
                asked.amount_minor,
                asked.currency,
                leg.seller_id,
            )
        capture_id = _capture_of(conn, basket, leg)
        if capture_id is None:
            return NotYet(f"order {leg.order_id} was not charged by us yet", UNCHARGED, name=leg.order_id)
        store.move_refund(conn, row["id"], RefundState.SENT)
        row["state"] = RefundState.SENT
        self._watch(ctx, conn, then, basket, leg, row)
        then.intents.append(
            Intent(
                key=f"refund:{asked.refund_id}",
                account=self.parts.gateway,
                operation="gateway.refund",
                root=basket.root,
                flow=FLOW,
                queue="urgent",
                payload={
                    "capture_id": capture_id,
                    "amount_minor": asked.amount_minor,
                    "currency": asked.currency,
                    "reference": asked.refund_id,
                    "order_id": leg.order_id,
                    "marketplace": leg.account,
                },
                window_s=self.parts.window_s(FLOW),
                message_id=message.id,
            )
        )
        book.tell(basket, leg, "refund sent to the gateway", because=message.id, refund_id=asked.refund_id)
        return Decided()

    def _watch(self, ctx: Ctx, conn: Conn, then: Consequences, basket: Basket, leg: Leg, row: Row) -> None:
        """Three witnesses, each with its own time; the last of them is a promise."""
        now = ctx.clock.now()
        ages = self.parts.plan.flow(FLOW).confirmations
        due = {str(witness): now + age for witness, age in ages.items()}
        store.expect_confirmations(conn, row["id"], due)
        mode = "refund-unconfirmed"
        then.promises.append(
            Promise(
                kind="refund-confirmed",
                flow=FLOW,
                account=leg.account,
                object="refund",
                object_id=row["id"],
                name=row["external_id"],
                root=basket.root,
                mode=mode,
                owner=self.parts.plan.failure(mode).owner,
                starts_at=now,
                due_at=max(due.values()),
                money_minor=row["amount_minor"],
                currency=row["currency"],
                seller=leg.seller_id,
            )
        )

    def decide_returns(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        read = [self.parts.read(m) for m in messages]
        account = messages[0].account
        seen = [r for r in read if isinstance(r, ReturnSeen)]
        book = load(conn, account, commercial_ids_of(conn, account, [r.order_id for r in seen]).values())
        known = store.returns(conn, [leg.id for _, leg in book.legs()])
        verdicts = [
            one if isinstance(one, Parked) else self._return(ctx, conn, book, known, message, one)
            for message, one in zip(messages, read, strict=True)
        ]
        keep(conn, ctx, self.parts.plan, book)
        return verdicts

    def _return(
        self, ctx: Ctx, conn: Conn, book: Book, known: dict[str, Row], message: Message, seen: ReturnSeen
    ) -> Verdict:
        if isinstance(seen.state, Unrecognised):
            return Parked(
                "unknown-word",
                f"return {seen.return_id}: “{seen.state.word}” in {seen.state.field} is a word we do not know",
                cause_key=f"return:{seen.state.field}:{seen.state.word}",
            )
        found = book.leg(seen.order_id)
        if found is None:
            return NotYet(
                f"order {seen.order_id} of return {seen.return_id} is not known yet",
                sought=self.parts.sought(message.account, "mirakl_order_id", seen.order_id),
                name=seen.return_id,
            )
        basket, leg = found
        before, to = known.get(seen.return_id), ReturnState(seen.state)
        if before and to != before["state"] and to not in RETURN_MOVES[ReturnState(before["state"])]:
            return Ignored(f"return {seen.return_id} is {before['state']}; {to} is older news")
        row = {"id": before["id"] if before else ctx.ids.new("rtn"), "leg_id": leg.id, "external_id": seen.return_id, "state": str(to),
               "their_state": seen.their_state, "reason": seen.reason, "created_at": seen.created_at,
               "plan_hash": ctx.plan_hash, "decided_at": ctx.clock.now()}  # fmt: skip
        store.upsert_return(conn, row)
        known[seen.return_id] = row
        if not before or before["state"] != to:
            book.tell(
                basket,
                leg,
                "return moved",
                from_state=before["state"] if before else "",
                to_state=to,
                by="seller",
                because=message.id,
                return_id=seen.return_id,
            )
        book.identifiers.append((leg.account, "return_id", seen.return_id, "leg", leg.id))
        return Decided()


def _too_much(leg: Leg, row: Row, asked: RefundSeen) -> str | None:
    line = leg.lines.get(asked.order_line_id)
    if (row["amount_minor"], row["currency"]) != (asked.amount_minor, asked.currency):
        return f"refund {asked.refund_id} is {row['amount_minor']} {row['currency']} on the order, but {asked.amount_minor} {asked.currency} is asked"
    if line is None or line.refunded_minor + asked.amount_minor > line.gross_minor:
        return f"refund {asked.refund_id} of {asked.amount_minor} exceeds what is left of line {asked.order_line_id}"
    if leg.refunded_minor + asked.amount_minor > leg.debited_minor:
        return f"refund {asked.refund_id} of {asked.amount_minor} exceeds the {leg.debited_minor - leg.refunded_minor} left of order {leg.order_id}"
    return None


def _capture_of(conn: Conn, basket: Basket, leg: Leg) -> str | None:
    """The charge that paid this leg: its own, or the basket's."""
    charges = effects_by_key(conn, [f"capture:{leg.order_id}", f"capture:{basket.commercial_id}"])
    done = [row for row in charges.values() if row["state"] == "done" and leg.order_id in row["payload"]["legs"]]
    return str(done[0]["outcome"]["capture_id"]) if done else None


@dataclass(frozen=True, slots=True)
class Refunded(Reaction):
    """gateway.refund settled: the buyer has his money; books and marketplace follow."""

    parts: Parts

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        account, order_id, refund_id = (str(effect.payload[k]) for k in ("marketplace", "order_id", "reference"))
        book = load(conn, account, commercial_ids_of(conn, account, [order_id]).values())
        found = book.leg(order_id)
        assert found is not None
        basket, leg = found
        row = store.refunds(conn, account, [refund_id])[refund_id]
        then = Consequences()
        then.journals += self._books(ctx, conn, basket, leg, row, str(receipt["refund_id"]), effect.account)
        service.refund(book, basket, leg, row["order_line_id"], row["amount_minor"], because=effect.id)
        book.identifiers.append((effect.account, "gateway_refund_id", str(receipt["refund_id"]), "leg", leg.id))
        store.move_refund(conn, row["id"], RefundState.CLEARED)
        row["state"] = RefundState.CLEARED
        now = ctx.clock.now()
        then.intents.append(
            Intent(
                key=f"confirm-refund:{refund_id}",
                account=account,
                operation="mirakl.confirm-refund",
                root=basket.root,
                flow=FLOW,
                queue="urgent",
                after_key=effect.key,
                payload={
                    "refund_id": refund_id,
                    "order_id": order_id,
                    "amount_minor": row["amount_minor"],
                    "currency": row["currency"],
                    "status": "OK",
                    "transaction_number": str(receipt["refund_id"]),
                    "transaction_at": now.isoformat(),
                },
                window_s=self.parts.window_s(FLOW),
            )
        )
        keep(conn, ctx, self.parts.plan, book)
        then.flush(ctx, conn, self.parts.plan)
        confirm(conn, ctx, row, "gateway", f"the gateway's receipt {receipt['refund_id']}")
        confirm(conn, ctx, row, "books", f"journal leg-refunded:{refund_id}")

    def _books(
        self, ctx: Ctx, conn: Conn, basket: Basket, leg: Leg, row: Row, gateway_refund_id: str, gateway: str
    ) -> list[Any]:
        head: dict[str, Any] = {"root": basket.root, "at": ctx.clock.now(), "currency": row["currency"]}
        ids: dict[str, Any] = {"account": leg.account, "order_id": leg.order_id, "seller_id": leg.seller_id}
        refund_id, item = row["external_id"], row["amount_minor"] - row["shipping_minor"]
        line = leg.lines[row["order_line_id"]]
        money = [journals.LineMoney(line.order_line_id, item, row["shipping_minor"], reference=refund_id)]
        posted = [
            journals.leg_refunded(key=f"leg-refunded:{refund_id}", lines=money, **ids, **head),
            journals.refund_paid(
                key=f"refund-paid:{refund_id}",
                account=gateway,
                gateway_refund_id=gateway_refund_id,
                amount_minor=row["amount_minor"],
                **head,
            ),
        ]
        agreement = self.parts.agreement(leg.account)
        if agreement:
            before_item, before_shipping = store.earlier_refunds(conn, line.id, row["id"])
            back = compute_return(
                agreement,
                order_line_id=line.order_line_id,
                category=line.category,
                refund_id=refund_id,
                item_minor=line.price_minor,
                shipping_minor=line.shipping_minor,
                refunded_item_minor=item,
                refunded_shipping_minor=row["shipping_minor"],
                before_item_minor=before_item,
                before_shipping_minor=before_shipping,
            )
            posted.append(
                journals.commission_returned(key=f"commission-returned:{refund_id}", lines=[back], **ids, **head)
            )
        return posted

    def refused(self, ctx: Ctx, conn: Conn, effect: Effect, refusal: Refused) -> bool:
        refund_id = str(effect.payload["reference"])
        row = store.refunds(conn, str(effect.payload["marketplace"]), [refund_id])[refund_id]
        store.move_refund(conn, row["id"], RefundState.FAILED)
        then = Consequences()
        then.cases.append(
            CaseAsked(
                mode="effect-refused",
                account=effect.account,
                object="effect",
                object_id=effect.id,
                name=effect.key,
                root=effect.root,
                cause=f"the gateway refused refund {refund_id}: {refusal.code}: {refusal.words}",
                money_minor=row["amount_minor"],
                currency=row["currency"],
                effect_id=effect.id,
            )
        )
        then.flush(ctx, conn, self.parts.plan)
        return True
