"""Keep or record, then decide. Keeping and recording know no engine; deciding opens what was only kept, takes a batch, tries it set-based, and
halves it until the poison stands alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from entrepot.inbox import store
from entrepot.inbox.model import (
    ANY_FLOW,
    MALFORMED,
    UNOPENED,
    Arrival,
    Decided,
    Envelope,
    Ignored,
    Message,
    NotYet,
    Parked,
    Received,
    Recorded,
    Sealed,
    Verdict,
    writable,
)
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.errors import EntrepotError, NotNow, OurBug
from entrepot.store.locks import lock_roots

BATCH = 500
OPENED_TOGETHER = 100  # envelopes of one transaction; each may be as large as a door lets in
SHOWN_BYTES = 200
NOT_YET_TRIES_MAX = 12  # then a person looks: what it waits for never came
NOT_YET_FIRST_S = 20.0


class Decider(Protocol):
    """Reads and writes everything for a batch of messages of one kind whose roots are locked. Pure rules inside, one flush at the end."""

    def __call__(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> Sequence[Verdict]: ...


class Holder(Protocol):
    """A lane's lease: `hold` is the first statement of every transaction of a drain; `time_left` says whether to take another batch."""

    @property
    def account(self) -> str: ...
    def hold(self, conn: Conn) -> None: ...
    def renew(self, ctx: Ctx) -> None: ...
    def time_left(self, ctx: Ctx) -> float: ...


Park = Callable[
    [Ctx, Conn, Sequence[tuple[Message, Parked]]], None
]  # opens the cases; handed in, since cases know the plan


Outgrow = Callable[[Ctx, Conn, Sequence[tuple[str, str, str]]], None]  # closes the cases of failures left behind


def nothing_outgrown(ctx: Ctx, conn: Conn, outgrown: Sequence[tuple[str, str, str]]) -> None:
    """For an inbox whose deciders leave no failures behind."""


Read = Callable[[str, bytes], Sequence[Received]]  # an account and a sealed body: the records in it


def nothing_sealed(account: str, body: bytes) -> Sequence[Received]:
    """For an inbox at whose doors nothing is kept unread."""
    raise OurBug("nobody said how this account's envelopes are opened", account=account)


def nothing_foreign(message: Message) -> Parked | None:
    """For an inbox that knows no other environment."""
    return None


@dataclass(frozen=True, slots=True)
class Inbox:
    """Deciders by message kind, tried in their order: what others depend on comes first (basket, order, debit …)."""

    deciders: Mapping[str, Decider]
    park: Park
    outgrow: Outgrow = nothing_outgrown
    foreign: Callable[[Message], Parked | None] = nothing_foreign  # refuses records of another environment
    read: Read = nothing_sealed

    def decide_now(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[tuple[Message, Verdict]]:
        """Decide messages whose roots are locked, in this transaction; marks them. Used by the drain and inside a buyer's request."""
        refused = {m.id: why for m in messages if (why := self.foreign(m)) is not None}
        verdicts: list[tuple[Message, Verdict]] = [(m, refused[m.id]) for m in messages if m.id in refused]
        messages = [m for m in messages if m.id not in refused]
        deciders: dict[str, Decider] = {UNOPENED: self._open_again, **self.deciders}
        for kind, decide in deciders.items():
            batch = [m for m in messages if m.kind == kind]
            if batch:
                verdicts += zip(batch, decide(ctx, conn, batch), strict=True)
        verdicts += [(m, _unread(m)) for m in messages if m.kind not in deciders]
        self._settle(ctx, conn, verdicts)
        return verdicts

    def _settle(self, ctx: Ctx, conn: Conn, verdicts: Sequence[tuple[Message, Verdict]]) -> None:
        now = ctx.clock.now()
        marks, parked, later = [], [], []
        outgrown: set[tuple[str, str, str]] = set()
        for message, verdict in verdicts:
            match verdict:
                case Decided(left_behind):
                    marks.append({"id": message.id, "state": "decided", "note": None, "at": now})
                    outgrown.update(left_behind)
                case Ignored(why):
                    marks.append({"id": message.id, "state": "ignored", "note": writable(why), "at": now})
                case NotYet() if message.attempts < NOT_YET_TRIES_MAX:
                    wait = NOT_YET_FIRST_S * 2 ** min(message.attempts, 8)
                    later.append((message.id, now + timedelta(seconds=wait)))
                case NotYet():
                    parked.append((message, _never_came(message, verdict)))
                case Parked(mode, object=object_, object_id=object_id):
                    parked.append((message, verdict))
                    outgrown.discard((mode, object_, object_id))  # it failed again after that
        parked = [(message, replace(why, cause=writable(why.cause))) for message, why in parked]
        marks += [{"id": m.id, "state": "parked", "note": p.cause, "at": now} for m, p in parked]
        store.mark(conn, ctx, marks)
        store.postpone(conn, later)
        if parked:
            self.park(ctx, conn, parked)
        if outgrown:
            self.outgrow(ctx, conn, sorted(outgrown))

    def drain(self, ctx: Ctx, lease: Holder) -> int:
        """Decide what is due for the lane's account, batch by batch, until nothing is due or the time is up."""
        handled = 0
        while lease.time_left(ctx) > 0:
            self._open_all(ctx, lease)
            done, more = self._batch(ctx, lease)
            handled += done
            if not more or not done:
                break
            lease.renew(ctx)
        return handled

    def _open_all(self, ctx: Ctx, lease: Holder) -> None:
        """Split the records off what was only kept, oldest first."""
        more = True
        while more and lease.time_left(ctx) > 0:
            with ctx.db.transaction() as conn:
                lease.hold(conn)
                sealed = store.take_sealed(conn, lease.account, OPENED_TOGETHER)
            if sealed:
                self._open(ctx, lease, sealed)
                lease.renew(ctx)
            more = len(sealed) == OPENED_TOGETHER

    def _open(self, ctx: Ctx, lease: Holder, sealed: Sequence[Sealed]) -> None:
        """One transaction for all; on a bug, halves, until the one alone becomes a message that is opened, or fails, by itself."""
        try:
            self._opened(ctx, lease, [(one, self.read(one.account, one.body)) for one in sealed])
        except NotNow:
            raise
        except Exception:  # noqa: BLE001 - any bug in reading one envelope must not stop its neighbours
            if len(sealed) > 1:
                half = len(sealed) // 2
                self._open(ctx, lease, sealed[:half])
                self._open(ctx, lease, sealed[half:])
            else:
                self._opened(ctx, lease, [(sealed[0], [_unopened(sealed[0].body)])])

    def _opened(self, ctx: Ctx, lease: Holder, read: Sequence[tuple[Sealed, Sequence[Received]]]) -> None:
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            store.open_sealed(conn, ctx, read)
            ctx.point("open.before-commit")
        ctx.point("open.committed")

    def _open_again(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> Sequence[Verdict]:
        """Whole envelopes as messages: what is in them comes beside them. Fails as `read` does, and is a case then."""
        envelopes = store.envelopes_of(conn, [m.id for m in messages])
        wholes = [(envelopes[m.id], m.account, m.received_at, self.read(m.account, m.body)) for m in messages]
        store.split_off(conn, ctx, wholes)
        return [Decided()] * len(messages)

    def _batch(self, ctx: Ctx, lease: Holder) -> tuple[int, bool]:
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            due = store.take_due(conn, lease.account, ctx.clock.now(), BATCH)
        if not due:
            return 0, False
        ctx.point("decide.taken")
        return self._decide(ctx, lease, due), len(due) == BATCH

    def _decide(self, ctx: Ctx, lease: Holder, due: Sequence[Message]) -> int:
        """One transaction for all; on a bug, halves, until the poison message stands alone and parks itself."""
        try:
            with ctx.db.transaction() as conn:
                lease.hold(conn)
                ours = lock_roots(conn, (m.root for m in due))
                new = store.still_new(conn, [m.id for m in due if m.root in ours])
                batch = [m for m in due if m.id in new]
                self.decide_now(ctx, conn, batch)
                ctx.point("decide.before-commit")
        except NotNow:
            raise
        except Exception as error:  # noqa: BLE001 - any bug in reading one record must stop neither its page nor its neighbours
            if len(due) > 1:
                half = len(due) // 2
                return self._decide(ctx, lease, due[:half]) + self._decide(ctx, lease, due[half:])
            self._poison(ctx, lease, due[0], error)
            return 1
        ctx.point("decide.committed")
        return len(batch)

    def _poison(self, ctx: Ctx, lease: Holder, message: Message, error: Exception) -> None:
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            if store.still_new(conn, [message.id]):
                cause = f"{type(error).__name__}: {error}"[:500]
                mode = error.mode if isinstance(error, EntrepotError) and error.mode else "poison-message"
                self._settle(ctx, conn, [(message, Parked(mode, cause))])


def _never_came(message: Message, waited: NotYet) -> Parked:
    """It has been looked for often enough: which identifier, where, and how often stands in the case."""
    looked = f"; looked for {waited.sought}" if waited.sought else ""
    return Parked(
        waited.mode,
        f"looked {message.attempts} times: {waited.why}{looked}",
        waited.name or f"{message.kind} {message.external_id}",
        money_minor=waited.money_minor,
        currency=waited.currency,
        cause_key=waited.sought,
    )


def _unopened(body: bytes) -> Received:
    digest = store.digest_of(body)
    return Received(UNOPENED, digest, "", body, 0, f"{UNOPENED}:{digest}", ANY_FLOW)


def _unread(message: Message) -> Parked:
    """Kept whole, and a person's: nobody here can read it."""
    if message.kind == MALFORMED:
        shown = message.body[:SHOWN_BYTES].decode("utf-8", "replace")
        return Parked("malformed-message", f"it does not say what it is about; it begins: {shown}")
    return Parked("malformed-message", f"nobody here reads messages of kind “{message.kind}”")


def record(ctx: Ctx, arrivals: Sequence[Arrival]) -> list[Recorded]:
    """Keep what arrived, in one transaction. Nothing is read, nobody is told: the leader sees due rows."""
    with ctx.db.transaction() as conn:
        recorded = store.insert_arrivals(conn, ctx, arrivals)
        ctx.point("record.before-commit")
    ctx.point("record.committed")
    return recorded


def unnamed(account: str, route: str, flow: str, content: bytes) -> Arrival:
    """What cannot even be named is kept all the same, once, and becomes a case."""
    digest = store.digest_of(content)
    one = Received(MALFORMED, digest, "", content, 0, f"{MALFORMED}:{digest}", flow)
    return Arrival(account, "api", route, content, (one,))


def keep(ctx: Ctx, envelopes: Sequence[Envelope]) -> list[str]:
    """Keep what arrived without looking into it, in one transaction; their ids. The lane that decides opens them first."""
    with ctx.db.transaction() as conn:
        kept = store.insert_sealed(conn, ctx, envelopes)
        ctx.point("keep.before-commit")
    ctx.point("keep.committed")
    return kept
