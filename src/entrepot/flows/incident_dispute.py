"""incident-dispute, and all else the gateway tells us by itself.

Charges and refunds it confirms are news we have already: they witness our own effects, and one we never sent is a gap. A chargeback takes the
money now: it is posted to suspense the moment it opens, and is a case until its liability is decided. A lapsed authorisation is a case. A
transfer that was paid or failed belongs to the payout it names; a closed settlement makes the settlement sweep due now.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.cases.model import CaseAsked
from entrepot.connectors.payment.events import PaymentEvent
from entrepot.engine.periodic import hasten
from entrepot.flows.consequences import Consequences
from entrepot.flows.parts import Parts
from entrepot.flows.payout import Payouts
from entrepot.flows.return_refund import confirm
from entrepot.flows.sweeps import row_name
from entrepot.identity.model import Ambiguous, Joined, NotKnown
from entrepot.identity.service import resolve
from entrepot.inbox.model import Decided, Ignored, Message, NotYet, Parked, Verdict
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.money.ledger import journals
from entrepot.outbox.store import effects_by_key
from entrepot.trade.order.store import basket_of_authorisation
from entrepot.trade.returns import store as refunds

FLOW = "incident-dispute"


@dataclass(frozen=True, slots=True)
class GatewayNews:
    parts: Parts
    payouts: Payouts

    def decide_events(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        then = Consequences()
        verdicts: list[Verdict] = []
        for message in messages:
            event = self.parts.read(message)
            verdicts.append(event if isinstance(event, Parked) else self._one(ctx, conn, then, message, event))
        then.flush(ctx, conn, self.parts.plan)
        return verdicts

    def _one(self, ctx: Ctx, conn: Conn, then: Consequences, message: Message, event: PaymentEvent) -> Verdict:
        match event.topic:
            case "capture.succeeded":
                return self._ours(conn, then, message.account, f"capture:{event.reference}", event)
            case "refund.succeeded":
                return self._refunded(ctx, conn, then, message, event)
            case "authorisation.expired":
                return self._lapsed(conn, then, message, event)
            case "dispute.opened":
                return self._opened(ctx, conn, then, message, event)
            case "dispute.closed":
                return self._closed(ctx, conn, then, message, event)
            case "transfer.paid" | "transfer.failed":
                return self.payouts.heard(ctx, conn, then, message, event)
            case "settlement.closed":
                hasten(conn, ctx, message.account, row_name("settlements"))
                return Decided()
        return Parked("unknown-word", f"the gateway speaks of “{event.topic}”")

    def _ours(self, conn: Conn, then: Consequences, account: str, key: str, event: PaymentEvent) -> Verdict:
        known = effects_by_key(conn, [key]).get(key)
        if known is not None and known["state"] == "observed":
            then.elsewhere[key] = f"the gateway did it for somebody else: {event.object_id}"
            return Decided()
        if known is not None:
            return Ignored("it confirms what we sent ourselves")
        deed = key.partition(":")[0]
        cause = f"the gateway speaks of {event.object_id} ({event.reference}), a {deed} we never asked for"
        return Parked(
            "record-unjoined",
            f"{cause}; {self._named(conn, account, key, event.reference)}",
            event.reference,
            money_minor=event.amount_minor,
            currency=event.currency,
            cause_key=f"{account}:{deed}",
        )

    def _named(self, conn: Conn, account: str, key: str, reference: str) -> str:
        """What its reference names, if anything: a known order that was charged elsewhere is another story than none."""
        match resolve(conn, self.parts.join_map, account, "reference", reference):
            case Joined(object_, object_id, path):
                return f"it names {object_} {object_id} ({', '.join(path)})"
            case Ambiguous(sought, candidates):
                return f"looked for {sought}: it may be any of {len(candidates)}"
            case NotKnown(sought):
                return f"looked for our outgoing action {key}, and {sought}"

    def _refunded(self, ctx: Ctx, conn: Conn, then: Consequences, message: Message, event: PaymentEvent) -> Verdict:
        row = refunds.refunds(conn, self.parts.marketplace, [event.reference]).get(event.reference)
        if row is None:
            return self._ours(conn, then, message.account, f"refund:{event.reference}", event)
        confirm(conn, ctx, row, "gateway", f"the gateway's event {event.event_id}")
        return Decided()

    def _lapsed(self, conn: Conn, then: Consequences, message: Message, event: PaymentEvent) -> Verdict:
        basket = basket_of_authorisation(conn, event.authorisation_id)
        if basket is None:
            return NotYet(
                f"authorisation {event.authorisation_id} belongs to no basket we know",
                sought=self.parts.sought(message.account, "authorisation_id", event.authorisation_id),
                name=event.authorisation_id,
                money_minor=event.amount_minor,
                currency=event.currency,
            )
        open_minor = basket["authorised_minor"] - basket["captured_minor"] - basket["released_minor"]
        if self.parts.plan.only_observes("capture"):
            open_minor = self._lapsed_elsewhere(then, basket, event)
        if open_minor:
            then.cases.append(
                CaseAsked(
                    mode="authorisation-lapsing",
                    account=basket["account"],
                    object="basket",
                    object_id=basket["id"],
                    name=basket["commercial_id"],
                    root=f"basket:{basket['commercial_id']}",
                    cause=f"authorisation {event.authorisation_id} lapsed with {open_minor} {event.currency} neither charged nor released",
                    money_minor=open_minor,
                    currency=event.currency,
                    message_id=message.id,
                )
            )
        return Decided()

    def _lapsed_elsewhere(self, then: Consequences, basket: Row, event: PaymentEvent) -> int:
        """While we observe, the gateway's own sums say what somebody else charged and released; what is left lapsed."""
        done, name = {"captured": event.captured_minor, "released": event.released_minor}, basket["commercial_id"]
        for word, key in (("captured", f"capture:{name}"), ("released", f"release:{name}")):
            if done[word]:
                then.elsewhere[key] = (
                    f"the gateway says that {done[word]} {event.currency} were {word} by somebody else"
                )
        left = int(basket["authorised_minor"]) - sum(done.values())
        if not left:
            then.kept.append(("settle-authorisation", "basket", basket["id"], event.at))
        return left

    def _opened(self, ctx: Ctx, conn: Conn, then: Consequences, message: Message, event: PaymentEvent) -> Verdict:
        """The money has left: suspense, not a loss, until somebody is found liable."""
        basket = basket_of_authorisation(conn, event.authorisation_id)
        root = f"basket:{basket['commercial_id']}" if basket else message.root
        then.journals.append(
            journals.chargeback_opened(
                key=f"chargeback-opened:{event.object_id}",
                account=message.account,
                root=root,
                at=event.at,
                currency=event.currency,
                message_id=message.id,
                dispute_id=event.object_id,
                amount_minor=event.amount_minor,
                memo=event.reason,
            )
        )
        then.cases.append(
            CaseAsked(
                mode="chargeback-opened",
                account=message.account,
                object="dispute",
                object_id=event.object_id,
                root=root,
                cause=f"the buyer's bank took {event.amount_minor} {event.currency} back: {event.reason or 'no reason given'}"
                + (
                    ""
                    if basket
                    else f"; looked for {self.parts.sought(message.account, 'authorisation_id', event.authorisation_id)}, and no basket is known by it"
                ),
                money_minor=event.amount_minor,
                currency=event.currency,
                message_id=message.id,
                due_at=event.due_at,
            )
        )
        return Decided()

    def _closed(self, ctx: Ctx, conn: Conn, then: Consequences, message: Message, event: PaymentEvent) -> Verdict:
        """Won: the money is back. Lost: who is liable stays a decision of finance's, the case says so."""
        if event.state == "won":
            then.journals.append(
                journals.chargeback_won(
                    key=f"chargeback-won:{event.object_id}",
                    account=message.account,
                    root=message.root,
                    at=event.at,
                    currency=event.currency,
                    message_id=message.id,
                    dispute_id=event.object_id,
                    amount_minor=event.amount_minor,
                )
            )
            then.gone.append(("chargeback-opened", "dispute", event.object_id, "the dispute was won"))
        return Decided()
