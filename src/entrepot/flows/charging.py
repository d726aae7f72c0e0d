"""capture: what each basket is charged, when, and what follows in the books and at the marketplace.

Per leg, or once when the last seller has spoken. A charge that is done pays its legs in the books, with their commission by the agreed rate; it
is confirmed to the marketplace when that has asked for it; the rest of the hold goes back to the buyer. A charge that is refused is told to the
marketplace, which cancels, and is finance's case.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from entrepot.cases.model import CaseAsked
from entrepot.cases.obligations import meet
from entrepot.flows.consequences import Consequences, keep
from entrepot.flows.parts import Parts
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.outcome import Refused
from entrepot.money.commission.rules import compute
from entrepot.money.ledger import journals
from entrepot.outbox.port import Effect, Reaction
from entrepot.outbox.store import Intent
from entrepot.trade.order import rules, service
from entrepot.trade.order.book import Basket, Book, Leg, root_of
from entrepot.trade.order.rules import CapturePolicy
from entrepot.trade.order.store import commercial_ids_of, flush, load

FLOW = "capture"


@dataclass(frozen=True, slots=True)
class Charging:
    parts: Parts

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

    flow: Charging

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
        keep(conn, ctx, self.flow.parts.plan, book)
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

    flow: Charging

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
