"""order-acceptance: sellers decide each leg within the operator's window; the buyer pays for what was accepted and for nothing else.

News of an order comes by webhook, and again by the safety check. Each message moves its leg (never back), keeps or breaks the promises
`acknowledge` and `ship`, and has charging.py charge what is due. The marketplace's wish to be paid is checked against our own sum, to the cent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entrepot.cases.model import CaseAsked, Promise
from entrepot.cases.rules import local_text
from entrepot.flows.charging import Charging
from entrepot.flows.consequences import Consequences, keep
from entrepot.flows.parts import Parts
from entrepot.flows.return_refund import see_refunds
from entrepot.inbox.model import Decided, Ignored, Message, NotYet, Parked, Verdict
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.money import Money
from entrepot.trade.order import service
from entrepot.trade.order.book import Basket, Book, Leg
from entrepot.trade.order.model import DebitAsked, OrderSeen
from entrepot.trade.order.rules import Conflict
from entrepot.trade.order.service import Applied
from entrepot.trade.order.states import LOST, TO_BE_SHIPPED, UNDECIDED, LegState
from entrepot.trade.order.store import flush, load

FLOW = "order-acceptance"
UNDECIDED_MODE = "incompatible-status"  # they ask for the money of an order that nobody accepted, again and again
OUTGROWN = ("unknown-word", "incompatible-status")  # cases that end when newer news of the same order is understood


@dataclass(frozen=True, slots=True)
class OrderAcceptance:
    parts: Parts
    charging: Charging

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
            self.charging.charge_what_is_due(then, basket)
        keep(conn, ctx, self.parts.plan, book)
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
        keep(conn, ctx, self.parts.plan, told)

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
        if applied.found:
            then.cases.append(
                self._case(
                    "gap-found",
                    applied,
                    f"order {leg.order_id} was found at the marketplace; no storefront handed it to us",
                )
            )
        self._promises(then, applied)
        self._done_elsewhere(then, applied, seen)
        if applied.lost_now:
            self._compensate(then, applied)
        return Decided(outgrown=tuple((mode, "leg", leg.order_id) for mode in OUTGROWN))

    def _done_elsewhere(self, then: Consequences, applied: Applied, seen: OrderSeen) -> None:
        """What the marketplace shows as done, of flows that we only observe: the other connector's work, beside ours."""
        plan, basket, order_id = self.parts.plan, applied.basket, seen.order_id
        if applied.was is None and plan.only_observes("order-creation"):
            then.elsewhere[f"create:{basket.commercial_id}"] = f"order {order_id} was made by somebody else"
            then.kept.append(("place-orders", "basket", basket.id, applied.leg.created_at))
        if seen.debited_at and plan.only_observes("capture"):
            for key in (f"capture:{order_id}", f"capture:{basket.commercial_id}", f"confirm-debit:{order_id}"):
                then.elsewhere[key] = f"the marketplace heard that order {order_id} is paid"
        if plan.only_observes("return-refund"):
            for refund in (r for line in seen.lines for r in line.refunds if r.state == "refunded"):
                for key in (f"refund:{refund.refund_id}", f"confirm-refund:{refund.refund_id}"):
                    then.elsewhere[key] = f"the marketplace heard that refund {refund.refund_id} is paid"

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
        leg, due = applied.leg, applied.leg.acceptance_due_at
        zone = self.parts.plan.team(self.parts.plan.failure(mode).owner).hours.zone
        return CaseAsked(
            mode=mode,
            values={"due": local_text(due, zone)}
            if mode == "ack-missed" and due
            else {},  # the seller's time, not the case's
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
        if found is None:
            return NotYet(
                f"order {asked.order_id} is not known yet, and its charge is asked for",
                sought=self.parts.sought(message.account, "mirakl_order_id", asked.order_id),
                name=asked.order_id,
                money_minor=asked.amount_minor,
                currency=asked.currency,
            )
        if found[1].state in UNDECIDED:
            return NotYet(f"order {asked.order_id} is not known as accepted yet", UNDECIDED_MODE, name=asked.order_id)
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
        self.charging.charge_what_is_due(then, basket)
        if leg.debited_minor and leg.debited_at:
            then.intents.append(
                self.charging.confirm_debit(basket, leg, "OK", f"capture:{leg.order_id}", leg.debited_at)
            )
        return Decided()
