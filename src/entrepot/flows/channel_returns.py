"""cancel-return-refund: what is not delivered, comes back, or is paid back, in both directions between the channels and our back office.

Who decides differs: we cancel what we cannot deliver; the buyer asks to cancel, and the back office says whether it is too late; the channel refunds
by itself as often as not, and we learn of it. Each refund of a channel is booked once in the back office, and is over when that says so. A
dispute runs against their date: it is answered by a person before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from entrepot.cases.model import CaseAsked, Promise
from entrepot.connectors.verbs import (
    AnswerCancellation,
    CancelLines,
    Quantity,
    ReceiveReturn,
    RefundedLine,
    RefundLines,
    Verb,
)
from entrepot.flows.channels import BOOK_REFUND, CANCEL_IMPORT, SalesChannels, number_of, order_of
from entrepot.flows.consequences import Consequences
from entrepot.flows.order_intake import import_key
from entrepot.inbox.model import Decided, Ignored, Message, NotYet, Parked, Verdict
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.outcome import Unrecognised
from entrepot.outbox.port import Effect, Reaction
from entrepot.outbox.store import Intent
from entrepot.trade.dispute import store as disputes
from entrepot.trade.dispute.model import CancellationAsked, DisputeSeen
from entrepot.trade.order.book import Happened, root_of
from entrepot.trade.order.model import ChannelRefundSeen, ReturnSeen
from entrepot.trade.order.states import LOST, SHIPPED_OR_LATER, LegState
from entrepot.trade.order.store import insert_events, leg_of_order, lines_of_leg
from entrepot.trade.returns import store as returns
from entrepot.trade.returns.states import RETURN_MOVES, ReturnState
from entrepot.trade.shipment import parcels
from entrepot.trade.shipment.model import CannotDeliver, GoodsBack

FLOW = "cancel-return-refund"
ANSWER, CONFIRMED = "answer-dispute", "refund-confirmed"
ANSWER_CANCELLATION = "answer-cancellation"
CANCELLATION_WINDOW = timedelta(days=3)  # where a channel names no date for an answer
OVER = frozenset({"won", "lost", "closed"})
WORD = "unknown-word"


@dataclass(frozen=True, slots=True)
class ChannelReturns:
    channels: SalesChannels

    # ── from the back office ─────────────────────────────────────────────────────────────────────────────────

    def decide_undeliverable(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        return self._each(ctx, conn, messages, self._undeliverable)

    def _undeliverable(self, ctx: Ctx, conn: Conn, then: Consequences, message: Message, seen: CannotDeliver) -> Verdict:  # fmt: skip
        leg = self._leg(conn, seen.number)
        if leg is None:
            return self._unknown(seen.number)
        if LegState(leg["state"]) in LOST:
            return Ignored(f"order {leg['order_id']} is {leg['state']}")
        account, root = leg["account"], root_of(leg["commercial_id"])
        skus = {one["order_line_id"]: one["sku"] for one in lines_of_leg(conn, leg["id"])}
        lines = [Quantity(line_id, quantity, skus.get(line_id, "")) for line_id, quantity in sorted(seen.lines.items())]
        payload = CancelLines(leg["order_id"], seen.number, seen.cancellation, seen.reason, lines)
        then.intents += self.channels.intent(
            account, Verb.CANCEL, payload, key=f"cancel:{seen.number}:{seen.cancellation}", root=root, flow=FLOW, queue="urgent", message_id=message.id
        )  # fmt: skip
        pieces = sum(seen.lines.values())
        cause = f"our warehouse cannot deliver {pieces} pieces of order {leg['order_id']}: {seen.reason}"
        then.cases.append(self._case("leg-refused", leg, cause, seen.reason))
        insert_events(conn, ctx, [_told(leg, "given up", "oms", message.id, lines=dict(seen.lines), reason=seen.reason)])  # fmt: skip
        return Decided()

    def decide_goods_back(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        return self._each(ctx, conn, messages, self._goods_back)

    def _goods_back(self, ctx: Ctx, conn: Conn, then: Consequences, message: Message, seen: GoodsBack) -> Verdict:
        """The channel hears that the goods are here; where we are the one who refunds, the buyer gets his money."""
        leg = self._leg(conn, seen.number)
        if leg is None:
            return self._unknown(seen.number)
        account, root = leg["account"], root_of(leg["commercial_id"])
        known = returns.returns(conn, [leg["id"]]).get(seen.return_id)
        if known is None and "returns" in self.channels.manifest(account).capabilities:
            return NotYet(f"return {seen.return_id} of order {leg['order_id']} is not known yet", name=seen.return_id)
        known = known or _unannounced(ctx, leg, seen)
        skus = {one["order_line_id"]: one["sku"] for one in lines_of_leg(conn, leg["id"])}
        accepted, rejected = _quantities(seen.accepted, skus), _quantities(seen.rejected, skus)
        received = ReceiveReturn(seen.return_id, leg["order_id"], accepted, rejected)
        key = f"receive:{seen.number}:{seen.return_id}"
        told = self.channels.intent(account, Verb.RECEIVE_RETURN, received, key=key, root=root, flow=FLOW, message_id=message.id)  # fmt: skip
        then.intents += told
        if not told and seen.refund_minor:  # a channel that is told of the goods refunds by itself
            then.intents += self._refund(leg, seen, root, message.id)
        if ReturnState.RECEIVED in RETURN_MOVES[ReturnState(known["state"])]:
            told_at = ctx.clock.now()
            row = {
                **_return_columns(known),
                "state": str(ReturnState.RECEIVED),
                "plan_hash": ctx.plan_hash,
                "decided_at": told_at,
            }
            returns.upsert_return(conn, row)
        insert_events(conn, ctx, [_told(leg, "goods back", "oms", message.id, return_id=seen.return_id)])
        return Decided()

    def _refund(self, leg: Row, seen: GoodsBack, root: str, message_id: str) -> list[Intent]:
        lines = [
            RefundedLine(line_id, seen.accepted.get(line_id, 1), amount)
            for line_id, amount in sorted(seen.refund_minor.items())
            if amount > 0
        ]
        payload = RefundLines(leg["order_id"], seen.number, seen.return_id, leg["currency"], "returned", lines)
        key = f"refund:{seen.number}:{seen.return_id}"
        return self.channels.intent(leg["account"], Verb.REFUND, payload, key=key, root=root, flow=FLOW, queue="urgent", message_id=message_id)  # fmt: skip

    # ── from the channels ────────────────────────────────────────────────────────────────────────────────────

    def decide_returns(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        return self._each(ctx, conn, messages, self._return)

    def _return(self, ctx: Ctx, conn: Conn, then: Consequences, message: Message, seen: ReturnSeen) -> Verdict:
        if isinstance(seen.state, Unrecognised):
            return _word(f"return {seen.return_id}", seen.state)
        leg = leg_of_order(conn, message.account, seen.order_id)
        if leg is None:
            return self._unknown(number_of(message.account, seen.order_id))
        known = returns.returns(conn, [leg["id"]]).get(seen.return_id)
        to = ReturnState(seen.state)
        if known and to != known["state"] and to not in RETURN_MOVES[ReturnState(known["state"])]:
            return Ignored(f"return {seen.return_id} is {known['state']}; {to} is older news")
        row = {"id": known["id"] if known else ctx.ids.new("ret"), "leg_id": leg["id"], "external_id": seen.return_id, "state": str(to),
               "their_state": seen.their_state, "reason": seen.reason, "created_at": seen.created_at,
               "plan_hash": ctx.plan_hash, "decided_at": ctx.clock.now()}  # fmt: skip
        returns.upsert_return(conn, row)
        if known is None or known["state"] != to:
            insert_events(conn, ctx, [_told(leg, "return moved", "marketplace", message.id, return_id=seen.return_id, to=str(to))])  # fmt: skip
        return Decided()

    def decide_refunds(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        return self._each(ctx, conn, messages, self._refunded)

    def _refunded(self, ctx: Ctx, conn: Conn, then: Consequences, message: Message, seen: ChannelRefundSeen) -> Verdict:
        """The buyer has his money back, whoever said so; our books follow, and somebody watches that they do."""
        account = message.account
        leg = leg_of_order(conn, account, seen.order_id)
        if leg is None:
            return self._unknown(number_of(account, seen.order_id))
        row = {"account": account, "refund_id": seen.refund_id, "leg_id": leg["id"], "order_line_id": seen.order_line_id, "amount_minor": seen.amount_minor,
               "currency": seen.currency, "by": seen.by, "reason": seen.reason, "refunded_at": seen.at, "plan_hash": ctx.plan_hash}  # fmt: skip
        if not disputes.keep_refunds(conn, [row]):
            return Decided()
        number, root = number_of(account, seen.order_id), root_of(leg["commercial_id"])
        line_id = seen.order_line_id or _line_refunded(lines_of_leg(conn, leg["id"]), seen.amount_minor)
        payload = {"refund": seen.refund_id, "number": number, "line_id": line_id, "amount_minor": seen.amount_minor,
                   "currency": seen.currency, "by": seen.by, "at": seen.at.isoformat()}  # fmt: skip
        then.intents += self.channels.ask_back_office(
            BOOK_REFUND, payload, key=f"book-refund:{account}:{seen.refund_id}", root=root, flow=FLOW, message_id=message.id,
        )  # fmt: skip
        books = self.channels.parts.plan.flow(FLOW).confirmations.get("books")
        if books is not None:
            due = ctx.clock.now() + books
            object_id = f"{account}:{seen.refund_id}"
            then.promises.append(self._promise(CONFIRMED, "refund-unconfirmed", leg, "channel-refund", object_id, due, ctx, seen.amount_minor))  # fmt: skip
        insert_events(conn, ctx, [_told(leg, "buyer refunded", seen.by, message.id, refund_id=seen.refund_id, amount_minor=seen.amount_minor)])  # fmt: skip
        return Decided()

    def decide_cancellations(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        return self._each(ctx, conn, messages, self._asked_to_cancel)

    def _asked_to_cancel(self, ctx: Ctx, conn: Conn, then: Consequences, message: Message, seen: CancellationAsked) -> Verdict:  # fmt: skip
        """The buyer asks; the back office knows whether the goods have left."""
        if isinstance(seen.state, Unrecognised):
            return _word(f"cancellation {seen.request_id}", seen.state)
        account = message.account
        leg = leg_of_order(conn, account, seen.order_id)
        if leg is None:
            return self._unknown(number_of(account, seen.order_id))
        request = f"{account}:{seen.request_id}"
        if seen.state != "asked":
            then.kept.append((ANSWER_CANCELLATION, "cancellation", request, seen.updated_at))
            return Decided()
        number, root = number_of(account, seen.order_id), root_of(leg["commercial_id"])
        due = seen.respond_by or seen.asked_at + CANCELLATION_WINDOW
        then.promises.append(self._promise(ANSWER_CANCELLATION, "ack-at-risk", leg, "cancellation", request, due, ctx, leg["ordered_minor"]))  # fmt: skip
        lines = [{"line_id": one["order_line_id"], "quantity": one["quantity"]} for one in lines_of_leg(conn, leg["id"])]  # fmt: skip
        payload = {"number": number, "cancellation": f"{number}:{seen.request_id}", "lines": lines, "reason": "buyer-asked", "request_id": seen.request_id}  # fmt: skip
        then.intents += self.channels.ask_back_office(
            CANCEL_IMPORT, payload, key=f"ask-cancel:{request}", root=root, flow=FLOW, after_key=import_key(account, seen.order_id), message_id=message.id
        )  # fmt: skip
        return Decided()

    def decide_disputes(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        return self._each(ctx, conn, messages, self._dispute)

    def _dispute(self, ctx: Ctx, conn: Conn, then: Consequences, message: Message, seen: DisputeSeen) -> Verdict:
        if isinstance(seen.state, Unrecognised):
            return _word(f"dispute {seen.dispute_id}", seen.state)
        account, object_id = message.account, f"{message.account}:{seen.dispute_id}"
        leg = leg_of_order(conn, account, seen.order_id)
        known = disputes.dispute(conn, account, seen.dispute_id)
        row = {"id": known["id"] if known else ctx.ids.new("dsp"), "account": account, "dispute_id": seen.dispute_id, "leg_id": leg["id"] if leg else None,
               "order_id": seen.order_id, "kind": seen.kind, "state": seen.state, "their_state": seen.their_state, "reason": seen.reason,
               "amount_minor": seen.amount_minor, "currency": seen.currency, "revision": seen.revision, "respond_by": seen.respond_by,
               "opened_at": seen.opened_at, "changed_at": seen.updated_at, "plan_hash": ctx.plan_hash}  # fmt: skip
        is_new = bool(disputes.keep_disputes(conn, [row]))
        mode = self.channels.mode("chargeback-opened")
        if seen.state in OVER:
            then.kept.append((ANSWER, "dispute", object_id, seen.updated_at))
            then.gone.append((mode, "dispute", object_id, f"the dispute is {seen.state}"))
            return Decided()
        root = root_of(leg["commercial_id"]) if leg else message.root
        if seen.respond_by:
            then.promises.append(
                Promise(kind=ANSWER, flow=FLOW, account=account, object="dispute", object_id=object_id, name=seen.dispute_id, root=root,
                        mode=self.channels.mode("evidence-due"), owner="", starts_at=min(seen.opened_at, seen.respond_by), due_at=seen.respond_by,
                        money_minor=seen.amount_minor, currency=seen.currency)
            )  # fmt: skip
        if is_new:
            cause = f"a buyer disputes order {seen.order_id}: {seen.reason or seen.kind}"
            then.cases.append(
                CaseAsked(mode=mode, account=account, object="dispute", object_id=object_id, name=seen.dispute_id, root=root, cause=cause, flow=FLOW,
                          money_minor=seen.amount_minor, currency=seen.currency, message_id=message.id, due_at=seen.respond_by)
            )  # fmt: skip
        return Decided()

    # ── shared ───────────────────────────────────────────────────────────────────────────────────────────────

    def _each(self, ctx: Ctx, conn: Conn, messages: Sequence[Message], decide: Any) -> list[Verdict]:
        then, verdicts = Consequences(), list[Verdict]()
        for message in messages:
            seen = self.channels.parts.read(message)
            verdicts.append(seen if isinstance(seen, Parked) else decide(ctx, conn, then, message, seen))
        then.flush(ctx, conn, self.channels.parts.plan)
        return verdicts

    def _leg(self, conn: Conn, number: str) -> Row | None:
        return leg_of_order(conn, *order_of(number))

    def _unknown(self, number: str) -> NotYet:
        account, order_id = order_of(number)
        scheme = self.channels.scheme(account, "leg")
        return NotYet(f"order {order_id} of {account} is not known yet", name=order_id, sought=self.channels.parts.sought(account, scheme, order_id))  # fmt: skip

    def _case(self, mode: str, leg: Row, cause: str, cause_key: str) -> CaseAsked:
        return CaseAsked(mode=self.channels.mode(mode), account=leg["account"], object="leg", object_id=leg["id"], name=leg["order_id"],
                         root=root_of(leg["commercial_id"]), cause=cause, cause_key=cause_key, money_minor=leg["ordered_minor"],
                         currency=leg["currency"], flow=FLOW)  # fmt: skip

    def _promise(self, kind: str, mode: str, leg: Row, object_: str, object_id: str, due: Any, ctx: Ctx, money_minor: int) -> Promise:  # fmt: skip
        now = ctx.clock.now()
        return Promise(kind=kind, flow=FLOW, account=leg["account"], object=object_, object_id=object_id, name=leg["order_id"], root=root_of(leg["commercial_id"]),
                       mode=self.channels.mode(mode), owner="", starts_at=min(now, due), due_at=due, money_minor=money_minor, currency=leg["currency"])  # fmt: skip


def _word(what: str, word: Unrecognised) -> Parked:
    return Parked(WORD, f"{what}: “{word.word}” in {word.field} is a word we do not know", cause_key=f"{word.field}:{word.word}")  # fmt: skip


def _line_refunded(lines: Sequence[Row], amount_minor: int) -> str:
    """Books want a line, and some channels name only the order: its one line; of several the cheapest that is worth as much, else the dearest."""
    worth = sorted((one["price_minor"] + one["shipping_minor"] + one["tax_minor"], one["order_line_id"]) for one in lines)  # fmt: skip
    return str(next((line_id for value, line_id in worth if value >= amount_minor), worth[-1][1]))


def _unannounced(ctx: Ctx, leg: Row, seen: GoodsBack) -> Row:
    """A return at a channel that tells of none: our warehouse is the first to speak of it."""
    return {"id": ctx.ids.new("ret"), "leg_id": leg["id"], "external_id": seen.return_id, "state": str(ReturnState.IN_TRANSIT), "their_state": "",
            "reason": "", "created_at": seen.at}  # fmt: skip


def _quantities(lines: Mapping[str, int], skus: Mapping[str, str]) -> list[Quantity]:
    return [Quantity(line_id, quantity, skus.get(line_id, "")) for line_id, quantity in sorted(lines.items())]


def _return_columns(row: Row) -> Row:
    names = ("id", "leg_id", "external_id", "state", "their_state", "reason", "created_at")
    return {name: row[name] for name in names if name in row}


def _told(leg: Row, what: str, by: str, because: str, **detail: Any) -> Happened:
    return Happened("leg", leg["id"], root_of(leg["commercial_id"]), what, by=by, because=because, detail=detail)


@dataclass(frozen=True, slots=True)
class TakenBack(Reaction):
    """The back office said whether an order could still be stopped; a buyer who asked gets his answer."""

    channels: SalesChannels

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        request_id = str(effect.payload.get("request_id", ""))
        account, order_id = order_of(str(effect.payload["number"]))
        leg = leg_of_order(conn, account, order_id)
        if leg is None:
            return
        too_late = receipt.get("state") == "too-late"
        then = Consequences()
        if request_id:
            then.intents += self._answer(conn, account, leg, request_id, too_late, effect)
        elif too_late and LegState(leg["state"]) in LOST:
            cause = f"order {order_id} was cancelled at {account} after it had left our warehouse"
            then.cases.append(CaseAsked(mode=self.channels.mode("shipped-unconfirmed"), account=account, object="leg", object_id=leg["id"], name=order_id,
                                        root=effect.root, cause=cause, money_minor=leg["ordered_minor"], currency=leg["currency"], flow=FLOW))  # fmt: skip
        then.flush(ctx, conn, self.channels.parts.plan)

    def _answer(self, conn: Conn, account: str, leg: Row, request_id: str, too_late: bool, effect: Effect) -> list[Intent]:  # fmt: skip
        if self.channels.does(account, Verb.ANSWER_CANCELLATION) is None:
            if too_late:
                return []
            lines = [Quantity(one["order_line_id"], one["quantity"], one["sku"]) for one in lines_of_leg(conn, leg["id"])]  # fmt: skip
            payload = CancelLines(leg["order_id"], str(effect.payload["number"]), request_id, "buyer-asked", lines)
            return self.channels.intent(account, Verb.CANCEL, payload, key=f"cancel:{effect.payload['number']}:{request_id}", root=effect.root, flow=FLOW)  # fmt: skip
        sent = parcels.parcels_of(conn, leg["id"])
        last = sent[-1] if sent else None
        answer = AnswerCancellation(
            order_id=leg["order_id"],
            request_id=request_id,
            answer="reject" if too_late else "approve",
            carrier=last["carrier"] if last else "",
            tracking=last["tracking"] if last else "",
            shipped_at=last["shipped_at"].isoformat() if last else "",
        )
        return self.channels.intent(account, Verb.ANSWER_CANCELLATION, answer, key=f"answer-cancel:{account}:{request_id}", root=effect.root, flow=FLOW)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CancellationAnswered(Reaction):
    channels: SalesChannels

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        then = Consequences()
        then.kept.append((ANSWER_CANCELLATION, "cancellation", f"{effect.account}:{effect.payload['request_id']}", ctx.clock.now()))  # fmt: skip
        then.flush(ctx, conn, self.channels.parts.plan)


@dataclass(frozen=True, slots=True)
class RefundBooked(Reaction):
    """Our books know of a refund: it is over."""

    channels: SalesChannels

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        account, _ = order_of(str(effect.payload["number"]))
        refund_id, now = str(effect.payload["refund"]), ctx.clock.now()
        disputes.booked(conn, account, refund_id, str(receipt.get("document_number", "")), now)
        then = Consequences()
        then.kept.append((CONFIRMED, "channel-refund", f"{account}:{refund_id}", now))
        then.flush(ctx, conn, self.channels.parts.plan)


@dataclass(frozen=True, slots=True)
class DisputeAnswered(Reaction):
    channels: SalesChannels

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        dispute_id, now = str(effect.payload["dispute_id"]), ctx.clock.now()
        disputes.answered(conn, effect.account, dispute_id, now)
        then = Consequences()
        then.kept.append((ANSWER, "dispute", f"{effect.account}:{dispute_id}", now))
        then.flush(ctx, conn, self.channels.parts.plan)


@dataclass(frozen=True, slots=True)
class StillToCancel(Reaction):
    """A cancellation of ours is no longer wanted once its order has shipped or is cancelled already."""

    channels: SalesChannels

    def wanted(self, ctx: Ctx, conn: Conn, effect: Effect) -> Effect | None:
        leg = leg_of_order(conn, effect.account, str(effect.payload["order_id"]))
        if leg is None or LegState(leg["state"]) in LOST | SHIPPED_OR_LATER:
            return None
        return effect
