"""payout: what each seller is owed for a closed cycle, watched until the money has left and the marketplace has been told.

A billing cycle computes a payout (flow settlement). The treasury pays through the gateway; its event says that a voucher was paid, or why not.
Paid as computed, it is posted and confirmed to the marketplace. Paid otherwise, twice, or failed, it is a case of finance's: nothing is confirmed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from entrepot.cases import obligations
from entrepot.connectors.payment.events import PaymentEvent
from entrepot.flows.consequences import Consequences
from entrepot.flows.parts import Parts
from entrepot.inbox.model import Decided, Ignored, Message, NotYet, Parked, Verdict
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.money.payout import service
from entrepot.money.payout.model import Confirm, Disputed, Nothing, NotKnown, TransferHeard
from entrepot.outbox.port import Effect, Reaction
from entrepot.outbox.store import Intent

FLOW, PROMISE = "payout", "confirm-payout"
SHOPS_WE_KNOW = frozenset({"OPEN", "CLOSE", "SUSPENDED", "TERMINATED"})


@dataclass(frozen=True, slots=True)
class Payouts:
    parts: Parts

    def heard(self, ctx: Ctx, conn: Conn, then: Consequences, message: Message, event: PaymentEvent) -> Verdict:
        """A transfer to a seller was paid, or failed."""
        transfer = TransferHeard(
            transfer_id=event.object_id,
            reference=event.reference,
            amount_minor=event.amount_minor,
            currency=event.currency,
            at=event.at,
            failure_reason=event.reason,
        )
        tell = service.paid if event.topic == "transfer.paid" else service.failed
        verdict = tell(conn, ctx, account=self.parts.marketplace, transfer=transfer, message_id=message.id)
        match verdict:
            case NotKnown(why):
                return NotYet(
                    why, sought=f"voucher {event.reference} at {self.parts.marketplace}", name=event.reference,
                    money_minor=event.amount_minor, currency=event.currency,
                )  # fmt: skip
            case Nothing(why):
                return Ignored(why)
            case Disputed(case):
                then.cases.append(case)
            case Confirm():
                then.intents.append(
                    Intent(
                        key=verdict.key,
                        account=verdict.account,
                        operation="mirakl.confirm-payout",
                        root=verdict.root,
                        flow=FLOW,
                        payload=verdict.payload,
                        window_s=self.parts.window_s(FLOW),
                        message_id=message.id,
                    )
                )
                self._elsewhere(ctx, conn, then, verdict)
        return Decided()

    def _elsewhere(self, ctx: Ctx, conn: Conn, then: Consequences, verdict: Confirm) -> None:
        """While we observe, the marketplace may have been told before we heard of the transfer: its cycle said so."""
        if not self.parts.plan.only_observes(FLOW):
            return
        cycle_id = str(verdict.payload["cycle_id"])
        if obligations.kept(conn, PROMISE, "payout", cycle_id):
            done = confirmed_elsewhere(ctx, conn, verdict.account, [cycle_id])
            then.elsewhere.update(done.elsewhere)
            then.cases += done.cases

    def decide_shops(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        """News of sellers: kept as they came; a state nobody published is a case, and stops nothing."""
        verdicts: list[Verdict] = []
        for message in messages:
            shop = self.parts.read(message)
            if isinstance(shop, Parked):
                verdicts.append(shop)
            elif shop.their_state not in SHOPS_WE_KNOW:
                verdicts.append(
                    Parked(
                        "unknown-word",
                        f"shop {shop.shop_id}: “{shop.their_state}” in shop_state is a word we do not know",
                        cause_key=f"shop:shop_state:{shop.their_state}",
                    )
                )
            else:
                verdicts.append(Decided())
        return verdicts


def confirmed_elsewhere(ctx: Ctx, conn: Conn, account: str, cycle_ids: Sequence[str]) -> Consequences:
    """The marketplace knows that these cycles were paid, and not from us: what we would have told it is noted beside it."""
    then = Consequences()
    for one in cycle_ids:
        then.elsewhere[f"confirm-payout:{one}"] = f"the marketplace heard that cycle {one} was paid"
        then.cases += service.told_by_others(conn, ctx, account, one, at=ctx.clock.now())
    return then


@dataclass(frozen=True, slots=True)
class PayoutConfirmed(Reaction):
    """mirakl.confirm-payout settled: the marketplace knows that the seller was paid."""

    payouts: Payouts

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        then = Consequences()
        cycle_id, now = str(effect.payload["cycle_id"]), ctx.clock.now()
        then.cases += service.confirmed(conn, ctx, effect.account, cycle_id, at=now)
        then.kept.append((PROMISE, "payout", cycle_id, now))
        then.flush(ctx, conn, self.payouts.parts.plan)
