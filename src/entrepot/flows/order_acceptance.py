"""order-acceptance: sellers decide each leg within the operator's window; the buyer pays for what was accepted and for nothing else.

News of an order comes by webhook, and again by the safety check. Each message moves its leg (never back), keeps or breaks the promises
`acknowledge` and `ship`, and asks the basket what to charge now: per leg, or once when the last seller has spoken. A charge that is done
pays its legs in the books, is confirmed to the marketplace when it has asked for it, and the rest of the hold goes back to the buyer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from entrepot.cases.model import CaseAsked, Promise
from entrepot.cases.obligations import meet
from entrepot.flows.consequences import Consequences
from entrepot.flows.parts import Parts
from entrepot.flows.return_refund import see_refunds
from entrepot.inbox.model import Decided, Ignored, Message, NotYet, Parked, Verdict
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.money import Money
from entrepot.kernel.outcome import Refused
from entrepot.money.commission.rules import compute
from entrepot.money.ledger import journals
from entrepot.outbox.port import Effect, Reaction
from entrepot.outbox.store import Intent
from entrepot.trade.order import rules, service
from entrepot.trade.order.book import Basket, Book, Leg, root_of
from entrepot.trade.order.model import DebitAsked, OrderSeen
from entrepot.trade.order.rules import CapturePolicy, Conflict
from entrepot.trade.order.service import Applied
from entrepot.trade.order.states import LOST, TO_BE_SHIPPED, UNDECIDED, LegState
from entrepot.trade.order.store import commercial_ids_of, flush, load

FLOW = "order-acceptance"
OUTGROWN = ("unknown-word", "incompatible-status")  # cases that end when newer news of the same order is understood


@dataclass(frozen=True, slots=True)
class OrderAcceptance:
    parts: Parts

    # ── messages ─────────────────────────────────────────────────────────────────────────────────────────────

    def decide_orders(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        read = [self.parts.read(m) for m in messages]
        account = messages[0].account
        book = load(conn, account, [r.commercial_id for r in read if isinstance(r, OrderSeen)])
        then = Consequences()
        verdicts = [
            seen if isinstance(seen, Parked) else self._order(ctx, book, then, message, seen)
            for message, seen in zip(messages, read, strict=True)
        ]
        for basket in book.baskets.values():
            self.charge_what_is_due(then, basket)
        flush(conn, ctx, book)
        self._refunds(ctx, conn, book, messages, read, verdicts)
        then.flush(ctx, conn, self.parts.plan)
        return verdicts

    def _refunds(
        self,
        ctx: Ctx,
        conn: Conn,
        book: Book,
        messages: Sequence[Message],
        read: Sequence[Any],
        verdicts: Sequence[Verdict],
    ) -> None:
        """Refunds stand on the order's lines; their rows follow the leg's."""
        told = Book()
        for message, seen, verdict in zip(messages, read, verdicts, strict=True):
            refunds = [r for line in seen.lines for r in line.refunds] if isinstance(verdict, Decided) else []
            if refunds and (found := book.leg(seen.order_id)):
                see_refunds(conn, ctx, told, *found, refunds, message.id)
        flush(conn, ctx, told)

    def _order(self, ctx: Ctx, book: Book, then: Consequences, message: Message, seen: OrderSeen) -> Verdict:
        window_s = self.parts.account(message.account).acceptance_window.total_seconds()
        applied = service.apply_order(book, ctx, message.account, seen, window_s=window_s, because=message.id)
        if isinstance(applied, Conflict):
            return Parked(
                applied.mode,
                applied.cause,
                seen.order_id,
                "leg",
                seen.order_id,
                seen.total_minor,
                seen.currency,
            )
        if isinstance(applied, str):
            return Ignored(applied)
        leg = applied.leg
        then.gone += [
            (mode, "leg", leg.order_id, "a later message about this order was understood") for mode in OUTGROWN
        ]
        if applied.found:
            then.cases.append(
                self._case(
                    "gap-found",
                    applied,
                    f"order {leg.order_id} was found at the marketplace; no storefront handed it to us",
                )
            )
        self._promises(then, applied)
        if applied.lost_now:
            self._compensate(then, applied)
        return Decided()

    def _promises(self, then: Consequences, applied: Applied) -> None:
        leg = applied.leg
        if applied.was is None and leg.acceptance_due_at:
            then.promises.append(
                self._promise("acknowledge", "ack-at-risk", applied.basket, leg, leg.created_at, leg.acceptance_due_at)
            )
        if (
            applied.decided_now and leg.decided_at and leg.state is not LegState.EXPIRED
        ):  # a window that ran out is missed, and the watch says so
            then.kept.append(("acknowledge", "leg", leg.id, leg.decided_at))
        if leg.state in LOST:
            because = f"order {leg.order_id} is {leg.state}"
            then.void += [("ship", "leg", leg.id, because), ("confirm-payment", "leg", leg.id, because)]
        elif leg.ship_due_at and leg.state in TO_BE_SHIPPED and applied.was is not leg.state:
            then.promises.append(
                self._promise(
                    "ship", "ship-late", applied.basket, leg, leg.decided_at or leg.created_at, leg.ship_due_at
                )
            )
        if applied.shipped_now and leg.shipped_at:
            then.kept.append(("ship", "leg", leg.id, leg.shipped_at))

    def _promise(
        self, kind: str, mode: str, basket: Basket, leg: Leg, starts_at: datetime, due_at: datetime
    ) -> Promise:
        return Promise(
            kind=kind,
            flow=self.parts.plan.failure(mode).flow,
            account=leg.account,
            object="leg",
            object_id=leg.id,
            name=leg.order_id,
            root=basket.root,
            mode=mode,
            owner=self.parts.plan.failure(mode).owner,
            starts_at=starts_at,
            due_at=max(due_at, starts_at),
            money_minor=leg.ordered_minor,
            currency=leg.currency,
        )

    def _compensate(self, then: Consequences, applied: Applied) -> None:
        """A leg is lost: the other legs carry on, the buyer is not charged for it, and somebody tells him."""
        basket, leg = applied.basket, applied.leg
        if leg.debited_minor > leg.refunded_minor:
            cause = f"order {leg.order_id} was cancelled after the buyer was charged {leg.debited_minor - leg.refunded_minor}"
            then.cases.append(self._case("basket-money-mismatch", applied, cause))
            return
        expired = leg.state is LegState.EXPIRED
        who = leg.seller_name or leg.seller_id
        cause = (
            f"{who} let the window pass"
            if expired
            else f"{who} refused"
            if leg.state is LegState.REFUSED
            else f"order {leg.order_id} was cancelled"
        )
        others = sum(1 for o in basket.legs.values() if o.state not in LOST)
        cause += f"; {others} of {max(basket.legs_expected, len(basket.legs))} seller orders of the basket carry on"
        then.cases.append(self._case("ack-missed" if expired else "leg-refused", applied, cause))

    def _case(self, mode: str, applied: Applied, cause: str) -> CaseAsked:
        leg = applied.leg
        return CaseAsked(
            mode=mode,
            account=leg.account,
            object="leg",
            object_id=leg.id,
            name=leg.order_id,
            root=applied.basket.root,
            cause=cause,
            money_minor=leg.ordered_minor,
            currency=leg.currency,
        )

    def decide_debits(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        """The marketplace asks us to charge. The amount must be ours, to the cent."""
        read = [self.parts.read(m) for m in messages]
        account = messages[0].account
        book = load(conn, account, [r.commercial_id for r in read if isinstance(r, DebitAsked)])
        then = Consequences()
        verdicts: list[Verdict] = []
        for message, asked in zip(messages, read, strict=True):
            verdicts.append(asked if isinstance(asked, Parked) else self._debit(ctx, book, then, message, asked))
        flush(conn, ctx, book)
        then.flush(ctx, conn, self.parts.plan)
        return verdicts

    def _debit(self, ctx: Ctx, book: Book, then: Consequences, message: Message, asked: DebitAsked) -> Verdict:
        found = book.leg(asked.order_id)
        if found is None or found[1].state in UNDECIDED:
            return NotYet(f"order {asked.order_id} is not known as accepted yet")
        basket, leg = found
        if leg.state in LOST:
            return Ignored(f"order {leg.order_id} is {leg.state}")
        if (leg.accepted_minor, leg.currency) != (asked.amount_minor, asked.currency):
            theirs, ours = Money(asked.amount_minor, asked.currency), Money(leg.accepted_minor, leg.currency)
            cause = f"the marketplace asks {theirs} for order {leg.order_id}; the accepted lines are worth {ours}"
            return Parked(
                "basket-money-mismatch",
                cause,
                leg.order_id,
                "leg",
                leg.id,
                asked.amount_minor,
                asked.currency,
            )
        if not basket.authorisation_id:
            cause = f"order {leg.order_id} wants {asked.amount_minor} {asked.currency}, but its basket was never authorised with us"
            return Parked("gap-found", cause, leg.order_id, "leg", leg.id, asked.amount_minor, asked.currency)
        now = ctx.clock.now()
        service.ask_debit(book, basket, leg, at=now, because=message.id)
        window = self.parts.account(leg.account).payment_window
        then.promises.append(self._promise("confirm-payment", "payment-late", basket, leg, now, now + window))
        self.charge_what_is_due(then, basket)
        if leg.debited_minor and leg.debited_at:
            then.intents.append(self.confirm_debit(basket, leg, "OK", f"capture:{leg.order_id}", leg.debited_at))
        return Decided()

    # ── charging ─────────────────────────────────────────────────────────────────────────────────────────────

    def charge_what_is_due(self, then: Consequences, basket: Basket) -> None:
        """Plan the charges and the release this basket now needs. Keys are the deed: planned again they change nothing."""
        policy = CapturePolicy(self.parts.account(basket.account).capture)
        captures = rules.decide_captures(basket, policy)
        then.intents += [self._capture(basket, plan.reference, plan.legs) for plan in captures]
        rest = rules.decide_release(basket)
        if rest:
            then.intents.append(self._release(basket, rest))

    def _capture(self, basket: Basket, reference: str, legs: Mapping[str, int]) -> Intent:
        return Intent(
            key=f"capture:{reference}",
            account=self.parts.gateway,
            operation="gateway.capture",
            root=basket.root,
            flow=FLOW,
            queue="urgent",
            payload={
                "authorisation_id": basket.authorisation_id,
                "amount_minor": sum(legs.values()),
                "currency": basket.currency,
                "reference": reference,
                "legs": dict(legs),
                "marketplace": basket.account,
            },
            window_s=self.parts.window_s(FLOW),
        )

    def _release(self, basket: Basket, amount_minor: int) -> Intent:
        return Intent(
            key=f"release:{basket.commercial_id}",
            account=self.parts.gateway,
            operation="gateway.release",
            root=basket.root,
            flow=FLOW,
            payload={
                "authorisation_id": basket.authorisation_id,
                "amount_minor": amount_minor,
                "currency": basket.currency,
                "reference": basket.commercial_id,
                "marketplace": basket.account,
            },
            window_s=self.parts.window_s(FLOW),
        )

    def confirm_debit(self, basket: Basket, leg: Leg, status: str, transaction: str, at: datetime) -> Intent:
        return Intent(
            key=f"confirm-debit:{leg.order_id}",
            account=leg.account,
            operation="mirakl.confirm-debit",
            root=basket.root,
            flow=FLOW,
            queue="urgent",
            payload={
                "order_id": leg.order_id,
                "customer_id": basket.customer_id,
                "amount_minor": leg.debited_minor or leg.accepted_minor,
                "currency": leg.currency,
                "status": status,
                "transaction_number": transaction,
                "transaction_at": at.isoformat(),
            },
            window_s=self.parts.window_s(FLOW),
        )


@dataclass(frozen=True, slots=True)
class Charged(Reaction):
    """gateway.capture settled: the legs are paid, in our books and, when it asked, at the marketplace."""

    flow: OrderAcceptance

    def wanted(self, ctx: Ctx, conn: Conn, effect: Effect) -> Effect | None:
        """A leg cancelled while its charge waited is not charged; after the first attempt the content stands."""
        if effect.attempts:
            return effect
        _, basket = _basket_of(conn, effect)
        legs = {
            o: leg.accepted_minor for o in effect.payload["legs"] if (leg := basket.legs[o]) and rules.debitable(leg)
        }
        if not legs:
            return None
        return replace(effect, payload={**effect.payload, "legs": legs, "amount_minor": sum(legs.values())})

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        book, basket = _basket_of(conn, effect)
        now = ctx.clock.now()
        then = Consequences()
        capture_id = str(receipt["capture_id"])
        charged = service.charge(book, basket, effect.payload["legs"], at=now, because=effect.id)
        book.identifiers.append((effect.account, "capture_id", capture_id, "basket", basket.id))
        head: dict[str, Any] = {"root": basket.root, "at": now, "currency": basket.currency}
        then.journals.append(
            journals.basket_captured(
                key=f"basket-captured:{capture_id}",
                account=effect.account,
                capture_id=capture_id,
                amount_minor=sum(effect.payload["legs"].values()),
                **head,
            )
        )
        for leg in charged:
            then.journals += self._books(leg, head)
            if leg.debit_asked_at:
                then.intents.append(self.flow.confirm_debit(basket, leg, "OK", capture_id, now))
        self.flow.charge_what_is_due(then, basket)
        _settled(then, basket, now)
        flush(conn, ctx, book)
        then.flush(ctx, conn, self.flow.parts.plan)

    def _books(self, leg: Leg, head: dict[str, Any]) -> list[Any]:
        """The leg's sale and its commission by the agreed rate: the witness of what the marketplace will say."""
        lines = [line for line in leg.lines.values() if line.accepted_qty]
        money = [journals.LineMoney(x.order_line_id, x.price_minor, x.shipping_minor, x.tax_minor) for x in lines]
        ids: dict[str, Any] = {"account": leg.account, "order_id": leg.order_id, "seller_id": leg.seller_id}
        posted = [journals.leg_debited(key=f"leg-debited:{leg.order_id}", lines=money, **ids, **head)]
        agreement = self.flow.parts.agreement(leg.account)
        if agreement:
            due = [
                compute(
                    agreement,
                    order_line_id=x.order_line_id,
                    category=x.category,
                    item_minor=x.price_minor,
                    shipping_minor=x.shipping_minor,
                )
                for x in lines
            ]
            posted.append(
                journals.commission_charged(key=f"commission-charged:{leg.order_id}", lines=due, **ids, **head)
            )
        return posted

    def refused(self, ctx: Ctx, conn: Conn, effect: Effect, refusal: Refused) -> bool:
        """The buyer cannot be charged: the marketplace hears REFUSED and cancels; finance hears why."""
        _, basket = _basket_of(conn, effect)
        then = Consequences()
        for order_id in effect.payload["legs"]:
            leg = basket.legs[order_id]
            then.intents.append(self.flow.confirm_debit(basket, leg, "REFUSED", effect.key, ctx.clock.now()))
        then.cases.append(
            CaseAsked(
                mode="payment-refused",
                account=effect.account,
                object="basket",
                object_id=basket.id,
                name=basket.commercial_id,
                root=basket.root,
                cause=f"{refusal.code}: {refusal.words}",
                money_minor=int(effect.payload["amount_minor"]),
                currency=basket.currency,
                effect_id=effect.id,
            )
        )
        then.flush(ctx, conn, self.flow.parts.plan)
        return True


@dataclass(frozen=True, slots=True)
class Released(Reaction):
    """gateway.release settled: the buyer's hold is free."""

    flow: OrderAcceptance

    def wanted(self, ctx: Ctx, conn: Conn, effect: Effect) -> Effect | None:
        if effect.attempts:
            return effect
        _, basket = _basket_of(conn, effect)
        rest = rules.decide_release(basket) if basket.legs else basket.held_minor
        return replace(effect, payload={**effect.payload, "amount_minor": rest}) if rest else None

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        book, basket = _basket_of(conn, effect)
        service.release(book, basket, int(effect.payload["amount_minor"]), because=effect.id)
        then = Consequences()
        _settled(then, basket, ctx.clock.now())
        flush(conn, ctx, book)
        then.flush(ctx, conn, self.flow.parts.plan)


@dataclass(frozen=True, slots=True)
class DebitConfirmed(Reaction):
    """mirakl.confirm-debit settled: the marketplace knows that the leg is paid."""

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        order_id = str(effect.payload["order_id"])
        book = load(conn, effect.account, commercial_ids_of(conn, effect.account, [order_id]).values())
        found = book.leg(order_id)
        if found and effect.payload["status"] == "OK":
            now = ctx.clock.now()
            service.confirm_payment(book, *found, at=now, because=effect.id)
            flush(conn, ctx, book)
            meet(conn, ctx, "confirm-payment", "leg", [found[1].id], now)


def _basket_of(conn: Conn, effect: Effect) -> tuple[Book, Basket]:
    commercial_id = effect.root.removeprefix(root_of(""))
    book = load(conn, str(effect.payload["marketplace"]), [commercial_id])
    return book, book.baskets[commercial_id]


def _settled(then: Consequences, basket: Basket, at: datetime) -> None:
    """All of the hold is charged or given back: the promise about it is kept."""
    if basket.authorisation_id and not basket.held_minor:
        then.kept.append(("settle-authorisation", "basket", basket.id, at))
