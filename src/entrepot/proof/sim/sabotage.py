"""Planted bugs: each breaks one promise of the house, from outside, and must be caught by a judge within a few seeds.

A judge that stays silent under sabotage judges nothing. No flag in the product knows of this: functions are replaced for
the time of one simulated day.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import Any
from unittest.mock import patch
from zlib import crc32

from entrepot.cases import notify, watch
from entrepot.connectors import writes
from entrepot.engine import store as engine_store
from entrepot.engine.lease import Lease
from entrepot.flows import consequences, sweeps
from entrepot.flows.in_request import InRequest
from entrepot.flows.offer_judgement import OfferJudgement
from entrepot.inbox import service as inbox_service
from entrepot.inbox import store as inbox_store
from entrepot.inbox.service import Inbox
from entrepot.kernel.errors import NotNow, WrongSetting
from entrepot.kernel.outcome import Later, Unknown
from entrepot.money.ledger import service as ledger
from entrepot.outbox import service as outbox_service
from entrepot.outbox import store as outbox_store
from entrepot.ownership import observing
from entrepot.ownership import store as ownership_store
from entrepot.proof.sim.hazard import aimed_at
from entrepot.store.locks import lock_roots
from entrepot.trade.order import rules
from entrepot.trade.order.states import UNDECIDED
from entrepot.web import doors

DECIDING = frozenset({"decide.taken", "decide.before-commit"})
SENDING = frozenset({"send.claimed", "send.before", "send.after"})

Replace = Callable[[Any, str, Any], None]  # owner, name, what stands there for the day
Plant = Callable[[Replace], None]


@dataclass(frozen=True, slots=True)
class Sabotage:
    """One planted bug. `caught_by`: judges of whom at least one must speak; `near`: points at which a kill brings it out."""

    name: str
    breaks: str
    caught_by: Sequence[str]
    plant: Plant
    near: frozenset[str] = frozenset()

    def seeds(self, how_many: int) -> list[int]:
        """The first seeds under which it should come out."""
        fitting = (seed for seed in count(1) if not self.near or self.near & set(aimed_at(seed)))
        return list(islice(fitting, how_many))

    @contextmanager
    def planted(self) -> Iterator[None]:
        with ExitStack() as stack:

            def put(owner: Any, name: str, instead: Any) -> None:
                stack.enter_context(patch.object(owner, name, instead))

            self.plant(put)
            yield


def _same_message_twice(put: Replace) -> None:
    number = count()
    put(inbox_store, "digest_of", lambda body: f"{next(number):032x}")


def _lose_records(put: Replace) -> None:
    """One in four records of every page is never kept, and the cursor moves past it. (A page lost once heals by itself.)"""
    keep = sweeps.Sweeps._keep

    def keep_three_of_four(self: Any, ctx: Any, lease: Any, account: str, source: Any, page: Any) -> int:
        kept = tuple(one for one in page.received if crc32(one.external_id.encode()) % 4)
        return keep(self, ctx, lease, account, source, replace(page, received=kept))

    put(sweeps.Sweeps, "_keep", keep_three_of_four)


def _mark_before_deciding(put: Replace) -> None:
    """A message counts as decided in a transaction of its own; its decision follows, or does not."""

    def marked_first(self: Any, ctx: Any, lease: Any, due: Any) -> int:
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            inbox_store.mark(
                conn, ctx, [{"id": m.id, "state": "decided", "note": None, "at": ctx.clock.now()} for m in due]
            )
        ctx.point("decide.taken")
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            lock_roots(conn, (m.root for m in due))
            self.decide_now(ctx, conn, due)
            ctx.point("decide.before-commit")
        return len(due)

    put(Inbox, "_decide", marked_first)


def _answer_without_keeping(put: Replace) -> None:
    """The buyer hears that his basket is taken although the database did not take it."""
    create = InRequest.create

    def taken_anyway(self: Any, body: bytes, headers: Any) -> Any:
        try:
            return create(self, body, headers)
        except NotNow:
            return 202, {"state": "being-created"}

    put(InRequest, "create", taken_anyway)


def _webhook_without_keeping(put: Replace) -> None:
    """The sender hears 200 although nothing was kept: every fifth time the commit is left out."""
    number, keep = count(1), inbox_service.keep

    def sometimes(ctx: Any, envelopes: Any) -> Any:
        return ["env_lost"] if next(number) % 5 == 0 else keep(ctx, envelopes)

    put(doors, "keep", sometimes)


def _swallow_parked(put: Replace) -> None:
    settle = Inbox._settle

    def quietly(self: Any, ctx: Any, conn: Any, verdicts: Any) -> None:
        settle(replace(self, park=lambda *_: None), ctx, conn, verdicts)

    put(Inbox, "_settle", quietly)


def _resend_unknown(put: Replace) -> None:
    """An unclear outcome is read as “not sent”, and goes out again under another key."""
    outcome, send = outbox_service.Outbox._outcome, writes.Write.send

    def not_sent(self: Any, ctx: Any, conn: Any, lease: Any, effect: Any, result: Any, detail: Any) -> None:
        outcome(self, ctx, conn, lease, effect, Later(result.why, 1.0) if isinstance(result, Unknown) else result, detail)  # fmt: skip

    def with_another_key(self: Any, ctx: Any, effect: Any) -> Any:
        return send(self, ctx, replace(effect, key=f"{effect.key}:{effect.attempts}"))

    put(outbox_service.Outbox, "_outcome", not_sent)
    put(writes.Write, "send", with_another_key)


def _forget_orphans(put: Replace) -> None:
    put(outbox_store, "orphans_to_unknown", lambda *_: 0)


def _skip_the_fence(put: Replace) -> None:
    put(Lease, "hold", lambda self, conn: None)


def _keep_dead_lanes(put: Replace) -> None:
    """A lease that ran out is never taken over."""
    real = engine_store.lock_free_lanes

    def never_leased(conn: Any, wanted: Any, machine: Any) -> Any:
        return [lane for lane in real(conn, wanted, machine) if lane["lease_until"] is None]

    put(engine_store, "lock_free_lanes", never_leased)


def _skip_a_journal(put: Replace) -> None:
    """Every fourth journal is forgotten."""
    number, post = count(1), ledger.post

    def forgetful(conn: Any, ctx: Any, journals: Any) -> Any:
        return post(conn, ctx, [journal for journal in journals if next(number) % 4])

    put(ledger, "post", forgetful)


def _say_nothing(put: Replace) -> None:
    """Deadlines pass without a word: the watch moves its rows and tells nobody."""
    put(watch, "open_cases", lambda *_: [])
    put(watch, "_tell", lambda *_: None)


def _alerts_into_the_void(put: Replace) -> None:
    """An alert nobody received counts as sent."""
    settle = notify._settle
    put(notify, "_settle", lambda ctx, lease, plan, alert, error: settle(ctx, lease, plan, alert, None))


def _refund_more(put: Replace) -> None:
    """Every refund gives back one cent more than was asked for."""
    ask = outbox_store.plan_effects

    def generous(conn: Any, ctx: Any, intents: Any) -> Any:
        more = [
            replace(one, payload={**one.payload, "amount_minor": one.payload["amount_minor"] + 1})
            if one.operation == "gateway.refund" else one
            for one in intents
        ]  # fmt: skip
        return ask(conn, ctx, more)

    put(consequences, "plan_effects", generous)


def _release_early(put: Replace) -> None:
    """What is not charged yet is given back as soon as one seller has spoken."""
    put(rules, "all_decided", lambda basket: any(leg.state not in UNDECIDED for leg in basket.legs.values()))


def _keep_the_rest(put: Replace) -> None:
    """What nobody will charge is never given back to the buyer."""
    put(rules, "decide_release", lambda basket: 0)


def _charge_the_refused(put: Replace) -> None:
    """The buyer pays for what was ordered, refused or not."""
    put(rules, "accepted_value", lambda leg: sum(line.gross_minor for line in leg.lines.values()))


def _forget_the_hold(put: Replace) -> None:
    """A price that is refused stays out, and the offer goes on selling at the one before: nobody holds it."""
    put(ownership_store, "insert_holds", lambda conn, rows: None)


def _lift_too_soon(put: Replace) -> None:
    """The next look at a held offer frees it, whatever its owner shows."""
    put(observing, "_stale", lambda standing: list(standing.holds))


def _refuse_without_a_word(put: Replace) -> None:
    """What is refused is held, and nobody is told: no case has it."""
    put(OfferJudgement, "_cases", lambda self, conn, turned_away: [])


def _half_a_decision(put: Replace) -> None:
    """Case, promise and effect of every fifth decision are lost on the way: the decision itself stands."""
    number, flush = count(1), consequences.Consequences.flush

    def sometimes(self: Any, ctx: Any, conn: Any, plan: Any) -> None:
        if next(number) % 5:
            flush(self, ctx, conn, plan)

    put(consequences.Consequences, "flush", sometimes)


_ALL = (
    Sabotage("same-message-twice", "the same content again is a new message", ("second-pass",), _same_message_twice),
    Sabotage("lose-records", "the cursor moves past what was not kept", ("statements", "parcels-and-returns", "orders", "stuck"), _lose_records),
    Sabotage("mark-before-deciding", "a message is marked before its decision stands", ("orders", "statements", "refunds", "stuck"), _mark_before_deciding, DECIDING),
    Sabotage("answer-without-keeping", "the buyer is answered before the commit", ("baskets", "stuck"), _answer_without_keeping),
    Sabotage("webhook-without-keeping", "a webhook is acknowledged before the commit", ("payouts", "ledger-complete", "statements", "stuck"), _webhook_without_keeping),
    Sabotage("swallow-parked", "what cannot be decided is put aside without a case", ("owners",), _swallow_parked),
    Sabotage("resend-unknown", "an unclear outcome is sent again under another key", ("effects-once", "effects-happened", "gateway-money", "stuck"), _resend_unknown),
    Sabotage("forget-orphans", "a killed sender's effects are never taken over", ("rest", "stuck"), _forget_orphans, SENDING),
    Sabotage("skip-the-fence", "a drain that was overtaken still commits", ("fence",), _skip_the_fence),
    Sabotage("keep-dead-lanes", "lanes of a killed worker are never taken over", ("rest", "stuck"), _keep_dead_lanes),
    Sabotage("skip-a-journal", "a fact is not posted", ("ledger-complete", "ledger-balances"), _skip_a_journal),
    Sabotage("say-nothing", "a promise is broken without an earlier alert", ("promises", "alerts"), _say_nothing),
    Sabotage("alerts-into-the-void", "an alert nobody received counts as sent", ("alerts",), _alerts_into_the_void),
    Sabotage("refund-more", "the buyer gets back more than was asked", ("refunds", "ledger-complete", "stuck"), _refund_more),
    Sabotage("release-early", "the hold is given back before every seller has spoken", ("gateway-money", "orders", "stuck"), _release_early),
    Sabotage("keep-the-rest", "money nobody will charge is not given back", ("gateway-money",), _keep_the_rest),
    Sabotage("charge-the-refused", "the buyer pays for refused lines", ("orders", "invariants", "gateway-money", "stuck"), _charge_the_refused),
    Sabotage("forget-the-hold", "a refused price leads to no hold", ("offers-judged",), _forget_the_hold),
    Sabotage("lift-too-soon", "a hold is lifted while its cause stands", ("offers-judged", "offers-held"), _lift_too_soon),
    Sabotage("refuse-without-a-word", "a refused price leads to no case", ("offers-judged",), _refuse_without_a_word),
    Sabotage("half-a-decision", "a decision is committed without what it leads to", ("promises", "owners", "ledger-complete", "stuck"), _half_a_decision),
)  # fmt: skip

SABOTAGES = {one.name: one for one in _ALL}


def sabotage(name: str) -> Sabotage:
    """Errors: WrongSetting names those there are."""
    if name not in SABOTAGES:
        raise WrongSetting(f"--sabotage {name}: there is {', '.join(SABOTAGES)}")
    return SABOTAGES[name]
