"""Claim (commit) → send with no transaction open → outcome (commit). What is unclear is read back before anything else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.errors import Busy, EntrepotError, NotNow, OurBug
from entrepot.kernel.outcome import Done, Later, NotThere, Outcome, ReadBack, Refused, Unknown
from entrepot.outbox import store
from entrepot.outbox.claiming import Claims
from entrepot.outbox.port import (
    Detail,
    Effect,
    Joining,
    Limit,
    LookingTogether,
    Operation,
    OutgoingEffect,
    Reaction,
    SendLease,
)
from entrepot.store.locks import lock_root

SEND_TIMEOUT_S = 10.0  # machine: total time of one HTTP call
SEND_MARGIN_S = 5.0  # send_until = claim + timeout + margin: a call started in time ends before it
BUSY_TRIES = 20
NEGATIVE_READS_NEEDED = 2
ADVISED = "action-advised"
CAME_BACK = "it was on its way when its flow came to advise, and came back undone"


@dataclass(frozen=True, slots=True)
class Retry:
    """How a flow comes again: first, then doubling to max, with full jitter; business seconds."""

    first_s: float = 30.0
    max_s: float = 600.0


# Opens a case about an effect: (ctx, conn, effect, failure mode, cause in plain words).
Trouble = Callable[[Ctx, Conn, Effect, str, str], None]
# Runs several sends side by side; the simulator hands in a plain loop.
Width = Callable[[Sequence[Callable[[], None]]], None]


def one_after_another(jobs: Sequence[Callable[[], None]]) -> None:
    for job in jobs:
        job()


@dataclass(frozen=True, slots=True)
class Outbox:
    operations: Mapping[
        tuple[str, str], Operation
    ]  # by account and name: two accounts of one connector enter by their own keys
    reactions: Mapping[str, Reaction]
    trouble: Trouble
    retry_of: Callable[[str], Retry] = lambda flow: Retry()
    width: Width = one_after_another
    send_timeout_s: float = SEND_TIMEOUT_S
    plain: Reaction = field(default_factory=Reaction)
    key_prefix: str = ""  # of every key as it leaves: outside production, ids that we make say so

    def drain(self, ctx: Ctx, lease: SendLease, queue: str) -> int:
        """Send and read back what is due for the lane's account, different roots side by side."""
        handled = 0
        while lease.time_left(ctx) > self.send_timeout_s / 2:
            calls, looks, until = self._claim(ctx, lease, queue)
            if not calls and not looks:
                break
            ctx.point("send.claimed")
            jobs = [partial(self._send_together, ctx, lease, some, until) for some in calls]
            jobs += [partial(self._read_together, ctx, lease, some) for some in looks]
            self.width(jobs)
            handled += sum(map(len, (*calls, *looks)))
            lease.renew(ctx)
        return handled

    def claim_now(self, ctx: Ctx, conn: Conn, effect: Effect, epoch: int) -> datetime:
        """Claim one effect inside a buyer's request; returns its `send_until`."""
        until = self._until(ctx)
        store.claim(conn, ctx, [effect], epoch, until)
        return until

    def send_now(self, ctx: Ctx, lease: SendLease, effect: Effect, until: datetime) -> None:
        """Send one effect that was claimed inside a buyer's request."""
        self._send(ctx, lease, effect, until)

    def _operation(self, effect: Effect) -> Operation:
        """Errors: OurBug when the account's connector has none of that name."""
        found = self.operations.get((effect.account, effect.operation))
        if found is None:
            raise OurBug(f"{effect.account} has no operation {effect.operation}", effect_id=effect.id)
        return found

    def _until(self, ctx: Ctx) -> datetime:
        return ctx.clock.machine() + timedelta(seconds=self.send_timeout_s + SEND_MARGIN_S)

    # ── claim ────────────────────────────────────────────────────────────────────────────────────────────────

    def _claim(self, ctx: Ctx, lease: SendLease, queue: str) -> tuple[list[list[Effect]], list[list[Effect]], datetime]:
        """What is to be sent, by the call it goes in, and what is to be looked at, by the look that tells of it; and its `send_until`."""
        until = self._until(ctx)
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            store.orphans_to_unknown(conn, ctx, lease.account, queue, ctx.clock.now())
            claims = Claims(ctx, conn, lease, queue, until, self._operation, self.reactions, self._parked)
            return *claims.take(), until

    def _parked(self, ctx: Ctx, conn: Conn, lease: SendLease, effect: Effect, mode: str, cause: str) -> None:
        self._park(ctx, conn, lease, effect, mode, cause, was="planned")

    # ── send ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _send(self, ctx: Ctx, lease: SendLease, effect: Effect, until: datetime) -> None:
        operation = self._operation(effect)
        outgoing = replace(self._outgoing(effect, effect.attempts + 1, until), cargo=self._cargo(ctx, effect))
        ctx.point("send.before")
        if ctx.clock.machine() + timedelta(seconds=self.send_timeout_s) > until:
            return  # we were frozen between claim and send: nothing leaves; the row becomes unclear and is read back
        outcome, detail = operation.send(ctx, outgoing)
        ctx.point("send.after")
        self._commit(ctx, lease, effect, lambda conn: self._outcome(ctx, conn, lease, effect, outcome, detail))
        ctx.point("send.settled")

    def _send_together(self, ctx: Ctx, lease: SendLease, effects: Sequence[Effect], until: datetime) -> None:
        """One call for several; their outcomes are one transaction. Whoever dies in between leaves each of them unclear, to be looked at."""
        operation = self._operation(effects[0])
        if len(effects) == 1 or not isinstance(operation, Joining):
            for effect in effects:
                self._send(ctx, lease, effect, until)
            return
        outgoing = [self._outgoing(effect, effect.attempts + 1, until) for effect in effects]
        ctx.point("send.before")
        if ctx.clock.machine() + timedelta(seconds=self.send_timeout_s) > until:
            return  # as for one
        outcomes, detail = operation.send_together(ctx, outgoing)
        ctx.point("send.after")
        if operation.lane is not None:
            outcomes = self._lane_waits(ctx, lease, operation.lane, outcomes)
        self._commit_together(ctx, lease, list(zip(effects, outcomes, strict=True)), detail)
        ctx.point("send.settled")

    def _lane_waits(self, ctx: Ctx, lease: SendLease, lane: Limit, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """They said when the lane may be used again: the lane waits, and each may go alone meanwhile."""
        waits = [one.after_s for one in outcomes if isinstance(one, Later) and one.after_s is not None]
        if not waits:
            return outcomes
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            store.block_route(conn, ctx, lease.account, lane.name, max(waits))
        return [Later(one.why) if isinstance(one, Later) else one for one in outcomes]

    def _commit_together(
        self, ctx: Ctx, lease: SendLease, told: Sequence[tuple[Effect, Outcome]], detail: Detail
    ) -> None:
        """All outcomes of one call, or none: a receipt stands for all of them.

        After a bug in what follows from one, each is written by itself, and what was taken is looked at by itself as well.
        """
        in_order = sorted(told, key=lambda one: one[0].root)
        for attempt in range(BUSY_TRIES):
            try:
                with ctx.db.transaction() as conn:
                    lease.hold(conn)
                    for effect, _ in in_order:
                        lock_root(conn, effect.root)
                    for effect, outcome in in_order:
                        self._outcome(ctx, conn, lease, effect, outcome, detail)
                return
            except Busy:
                ctx.clock.sleep(0.02 * (attempt + 1))
            except NotNow:
                raise
            except Exception:  # noqa: BLE001 - see above
                for effect, outcome in in_order:
                    alone = (
                        Unknown("it was taken with others, and is looked at by itself")
                        if isinstance(outcome, Done)
                        else outcome
                    )
                    self._commit(ctx, lease, effect, partial(self._one_outcome, ctx, lease, effect, alone, detail))
                return

    def _one_outcome(
        self, ctx: Ctx, lease: SendLease, effect: Effect, outcome: Outcome, detail: Detail, conn: Conn
    ) -> None:
        self._outcome(ctx, conn, lease, effect, outcome, detail)

    def _cargo(self, ctx: Ctx, effect: Effect) -> Sequence[Mapping[str, Any]]:
        """Rows too many to be kept with the effect, in a transaction that ends before anything is sent."""
        reaction = self.reactions.get(effect.operation, self.plain)
        if not reaction.carries:
            return ()
        with ctx.db.transaction() as conn:
            return reaction.cargo(ctx, conn, effect)

    def _outgoing(self, effect: Effect, attempts: int, until: datetime) -> OutgoingEffect:
        key = f"{self.key_prefix}{effect.key}"
        return OutgoingEffect(key, effect.operation, effect.account, effect.payload, attempts, until)

    def _commit(self, ctx: Ctx, lease: SendLease, effect: Effect, write: Callable[[Conn], None]) -> None:
        """Write an outcome with the root locked. When it cannot be had in time the row stays `sending` and is read back later.

        A bug in what follows from an outcome parks this effect alone: the deed is done or not done, but it must stop no other.
        """
        for attempt in range(BUSY_TRIES):
            try:
                with ctx.db.transaction() as conn:
                    lease.hold(conn)
                    lock_root(conn, effect.root)
                    write(conn)
                return
            except Busy:
                ctx.clock.sleep(0.02 * (attempt + 1))
            except NotNow:
                raise
            except Exception as error:  # noqa: BLE001 - see above
                self._stuck(ctx, lease, effect, error)
                return

    def _stuck(self, ctx: Ctx, lease: SendLease, effect: Effect, error: Exception) -> None:
        cause = f"its answer came, but could not be worked in: {type(error).__name__}: {error}"[:500]
        mode = error.mode if isinstance(error, EntrepotError) and error.mode else "effect-stuck"
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            self._park(ctx, conn, lease, effect, mode, cause, was="unknown" if effect.state == "unknown" else "sending")

    def _outcome(
        self, ctx: Ctx, conn: Conn, lease: SendLease, effect: Effect, outcome: Outcome, detail: Detail
    ) -> None:
        now = ctx.clock.now()
        store.record_attempt(conn, ctx, effect, "send", type(outcome).__name__.lower(), detail)
        reaction = self.reactions.get(effect.operation, self.plain)
        match outcome:
            case Done(receipt):
                if store.settle(conn, ctx, effect, lease.epoch, "done", outcome=receipt):
                    reaction.done(ctx, conn, effect, receipt)
            case Refused():
                self._refused(ctx, conn, lease, effect, outcome, was="sending")
            case Later(why, after_s):
                wait = after_s if after_s is not None else self._backoff(ctx, effect)
                if after_s is not None:
                    limit = self._operation(effect).limit
                    store.block_route(conn, ctx, effect.account, limit.name if limit else effect.operation, after_s)
                self._again(ctx, conn, lease, effect, now + timedelta(seconds=wait), why, was="sending")
            case Unknown(why, trace):
                settle_at = now + timedelta(seconds=self._operation(effect).settle_s)
                store.settle(
                    conn, ctx, effect, lease.epoch, "unknown", due_at=settle_at, outcome=trace or None, note=why
                )

    def _refused(self, ctx: Ctx, conn: Conn, lease: SendLease, effect: Effect, refusal: Refused, was: str) -> None:
        words = {"code": refusal.code, "words": refusal.words, "field": refusal.field}
        if store.settle(conn, ctx, effect, lease.epoch, "refused", outcome=words, note=refusal.words[:300], was=was):
            reaction = self.reactions.get(effect.operation, self.plain)
            if not reaction.refused(ctx, conn, effect, refusal):
                self.trouble(ctx, conn, effect, "effect-refused", f"{refusal.code}: {refusal.words}")

    def _backoff(self, ctx: Ctx, effect: Effect) -> float:
        retry = self.retry_of(effect.flow)
        ceiling = min(retry.max_s, retry.first_s * 2 ** min(effect.attempts, 20))
        return max(1.0, ctx.ids.jitter(ceiling))

    def _park(self, ctx: Ctx, conn: Conn, lease: SendLease, effect: Effect, mode: str, cause: str, was: str) -> None:
        if store.settle(conn, ctx, effect, lease.epoch, "parked", note=cause, was=was):
            self.trouble(ctx, conn, effect, mode, cause)

    def _again(
        self, ctx: Ctx, conn: Conn, lease: SendLease, effect: Effect, due_at: datetime, note: str, was: str
    ) -> None:
        """Once more, later; unless its flow came to advise meanwhile."""
        to = store.settle(conn, ctx, effect, lease.epoch, "planned", due_at=due_at, note=note, was=was)
        if to == "advised":
            self.trouble(ctx, conn, effect, ADVISED, f"{CAME_BACK}: {note}")

    # ── read back ────────────────────────────────────────────────────────────────────────────────────────────

    def _read_together(self, ctx: Ctx, lease: SendLease, effects: Sequence[Effect]) -> None:
        """One look for all that it tells of; what it found of each is written by itself. Those still unclear come back together."""
        operation = self._operation(effects[0])
        if len(effects) == 1 or not isinstance(operation, LookingTogether):
            for effect in effects:
                self._read_back(ctx, lease, effect)
            return
        until = ctx.clock.machine() + timedelta(seconds=self.send_timeout_s)
        outgoing = [replace(self._outgoing(e, e.attempts, until), trace=e.outcome or {}) for e in effects]
        all_found, detail = operation.read_together(ctx, outgoing)
        ctx.point("readback.after")
        again_s = self._backoff(ctx, effects[0])
        for effect, found in zip(effects, all_found, strict=True):
            write = partial(self._found, ctx, lease, effect, operation, found, detail, again_s=again_s)
            self._commit(ctx, lease, effect, write)

    def _read_back(self, ctx: Ctx, lease: SendLease, effect: Effect) -> None:
        operation = self._operation(effect)
        if not operation.can_read_back:
            self._commit(ctx, lease, effect, lambda conn: self._without_route(ctx, conn, lease, effect, operation))
            return
        until = ctx.clock.machine() + timedelta(seconds=self.send_timeout_s)
        outgoing = replace(self._outgoing(effect, effect.attempts, until), trace=effect.outcome or {})
        found, detail = operation.read_back(ctx, outgoing)
        ctx.point("readback.after")
        self._commit(ctx, lease, effect, partial(self._found, ctx, lease, effect, operation, found, detail))

    def _without_route(self, ctx: Ctx, conn: Conn, lease: SendLease, effect: Effect, operation: Operation) -> None:
        if operation.partner_key:
            note = "unclear; they honour our key: sent again"
            self._again(ctx, conn, lease, effect, ctx.clock.now(), note, was="unknown")
        else:
            self._park(
                ctx,
                conn,
                lease,
                effect,
                "unknown-outcome",
                "the answer never came and nothing can be read back",
                was="unknown",
            )

    def _found(
        self,
        ctx: Ctx,
        lease: SendLease,
        effect: Effect,
        operation: Operation,
        found: ReadBack,
        detail: Detail,
        conn: Conn,
        *,
        again_s: float | None = None,
    ) -> None:
        now = ctx.clock.now()
        store.record_attempt(
            conn,
            ctx,
            effect,
            "read-back",
            "not-there" if isinstance(found, NotThere) else type(found).__name__.lower(),
            detail,
        )
        settle_at = now + timedelta(seconds=operation.settle_s)
        match found:
            case Done(receipt):
                if store.settle(conn, ctx, effect, lease.epoch, "done", outcome=receipt, was="unknown"):
                    self.reactions.get(effect.operation, self.plain).done(ctx, conn, effect, receipt)
            case Refused():
                self._refused(ctx, conn, lease, effect, found, was="unknown")
            case NotThere() if effect.negative_reads + 1 < NEGATIVE_READS_NEEDED:
                store.settle(conn, ctx, effect, lease.epoch, "unknown", due_at=settle_at, note="not there at the first look", was="unknown",
                             negative_reads=effect.negative_reads + 1)  # fmt: skip
            case NotThere() if operation.money and not operation.partner_key:
                self._park(
                    ctx,
                    conn,
                    lease,
                    effect,
                    "unknown-outcome",
                    "twice not there; money without their key is not sent again blindly",
                    was="unknown",
                )
            case NotThere():
                note = "twice not there: sent again with the same key"
                self._again(ctx, conn, lease, effect, now, note, was="unknown")
            case Unknown(why) if now > effect.window_until:
                self._park(
                    ctx,
                    conn,
                    lease,
                    effect,
                    "unknown-outcome",
                    f"still unclear when its retry window ended: {why}",
                    was="unknown",
                )
            case Unknown(why):
                wait = max(operation.settle_s, self._backoff(ctx, effect) if again_s is None else again_s)
                store.settle(conn, ctx, effect, lease.epoch, "unknown", due_at=now + timedelta(seconds=wait), note=why, was="unknown",
                             negative_reads=effect.negative_reads)  # fmt: skip
