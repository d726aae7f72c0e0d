"""Stock and prices told by a queue, beside the flow listing-offer: what the door hears as a request is a message of the company's own queue here.

Messages are received until there are ten thousand events or a moment has passed, kept in one transaction by the same path as at the door, and only
then deleted. Whoever dies in between leaves them in the queue: they come again, and the version guard makes that nothing. A message that nobody can
read is kept once, becomes a case, and is deleted, or it would come for ever; one over which we stumble ourselves stays in the queue and stops no other.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from entrepot.blueprint.model import Plan
from entrepot.cases.service import close_for, open_case
from entrepot.connectors.exchange import CREDENTIALS_REFUSED
from entrepot.connectors.manifest import EVENTS
from entrepot.connectors.port import Connector, Left, Letter, Problem, ProblemCode, Queue
from entrepot.engine.lease import Lease
from entrepot.engine.periodic import Periodic, alone
from entrepot.engine.room import Hooks, Work
from entrepot.flows.stock_events import keep
from entrepot.flows.sweeps import SourceFailed
from entrepot.flows.tellers import Tellers
from entrepot.inbox.service import unnamed
from entrepot.inbox.store import insert_arrivals, waiting
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import NotNow, OurBug
from entrepot.trade.stock.events import Batch, NoList, batch, read

PURPOSE, NAME = "events", "events-queue"  # the lane, and the row of periodic work it runs
BODY_MAX = 256 * 1024  # bytes of one message
EVENTS_TOGETHER = 10_000  # of one commit, unless a single message brings more
BYTES_TOGETHER = 8 * 1024 * 1024
GATHER_S = 2.0  # machine: what was told first waits no longer for the others
DELETED_TOGETHER = 10  # as many as one call of a queue brings
READ, DELETE = "read", "delete"  # what keys may be good for
TRIES_MAX = 2  # of a deletion that they failed at

log = logging.getLogger(__name__)


class NotKept(OurBug):
    """We stumbled over messages of a queue: they stay there, and the others were kept."""

    code = "not-kept"


@dataclass(frozen=True, slots=True)
class Opened:
    """A letter, and what it tells. `unread`: what of it nobody can read, kept as it is."""

    letter: Letter
    told: Batch
    unread: bytes = b""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What several calls brought. `last`: there is nothing more to be had now, or a problem."""

    letters: Sequence[Opened]
    last: bool
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class EventQueues:
    plan: Plan
    connectors: Mapping[str, Connector]
    tellers: Tellers

    def periodic(self) -> list[Periodic]:
        """One row per account that has a queue; the plan's own interval wins over the manifest's."""
        rows = []
        for account, connector in sorted(self.connectors.items()):
            if connector.events is not None:
                own = self.plan.account(account).sweeps.get(EVENTS)
                every = own.total_seconds() if own else connector.events.every_s
                rows.append(Periodic(account, NAME, connector.events.flow, every))
        return rows

    def work(self, hooks: Hooks) -> Work:
        return alone(PURPOSE, NAME, self.run, hooks)

    def run(self, ctx: Ctx, lease: Lease, account: str) -> None:
        """Empty the queue of one account, as far as the lease's time goes. Errors: SourceFailed, NotKept."""
        connector = self.connectors.get(account)
        events = connector.events if connector else None
        if events is None:
            return
        stumbled, last = 0, False
        while not last and lease.time_left(ctx) > 0 and not self._backlog(ctx, lease, account):
            gathered = gather(ctx, events.queue, account)
            kept = list(self._kept(ctx, lease, account, events.flow, gathered.letters))
            stumbled += len(gathered.letters) - len(kept)
            heard = {READ: gathered.problem}
            if kept:
                heard[DELETE] = _delete(ctx, events.queue, [one.letter for one in kept])
                ctx.point("queue.deleted")
            self._settle(ctx, lease, account, events.flow, heard)
            lease.renew(ctx)
            last = gathered.last
        if stumbled:
            raise NotKept(f"{EVENTS} of {account}: {stumbled} messages could not be kept and stay in the queue")

    def _backlog(self, ctx: Ctx, lease: Lease, account: str) -> bool:
        """What is in goes first: the rest is safe where it is."""
        bound = self.plan.account(account).backlog_max
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            return waiting(conn, account, bound) >= bound

    def _kept(self, ctx: Ctx, lease: Lease, account: str, flow: str, letters: Sequence[Opened]) -> Iterator[Opened]:
        """Those that are safe with us: one transaction for all; on a bug, halves, until the one alone is left where it is."""
        if not letters:
            return
        try:
            with ctx.db.transaction() as conn:
                lease.hold(conn)
                unread = [unnamed(account, NAME, flow, one.unread) for one in letters if one.unread]
                insert_arrivals(conn, ctx, unread)
                keep(ctx, conn, self.tellers, [one.told for one in letters])
                ctx.point("queue.before-commit")
        except NotNow:
            raise
        except Exception:
            if len(letters) == 1:
                log.exception("a message of the queue of %s could not be kept", account)
                return
            half = len(letters) // 2
            yield from self._kept(ctx, lease, account, flow, letters[:half])
            yield from self._kept(ctx, lease, account, flow, letters[half:])
            return
        ctx.point("queue.committed")
        yield from letters

    def _settle(self, ctx: Ctx, lease: Lease, account: str, flow: str, heard: Mapping[str, Problem | None]) -> None:
        """Not being let in is a case until we are, for what we may not do: keys may read and not delete. Errors: SourceFailed."""
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            for what, problem in heard.items():
                lane = f"{account}/{NAME}/{what}"
                if problem is None:
                    close_for(conn, ctx, CREDENTIALS_REFUSED, "lane", lane, "the queue let us in")
                elif problem.code is ProblemCode.CREDENTIALS_REFUSED:
                    cause = f"{EVENTS}, to {what}: {problem.words}"
                    open_case(conn, ctx, self.plan, CREDENTIALS_REFUSED, account=account, object="lane", object_id=lane, cause=cause, flow=flow)  # fmt: skip
        for problem in filter(None, heard.values()):
            raise SourceFailed(f"{EVENTS} of {account}: {problem}", account=account, source=EVENTS)


def gather(ctx: Ctx, queue: Queue, account: str) -> Gathered:
    """Call after call, until it is enough for a commit."""
    letters, events, size = list[Opened](), 0, 0
    ends_at = ctx.clock.machine() + timedelta(seconds=GATHER_S)
    while events < EVENTS_TOGETHER and size < BYTES_TOGETHER and ctx.clock.machine() < ends_at:
        handed = queue.receive(ctx)
        ctx.point("queue.received")
        if handed.problem is not None or not handed.letters:
            return Gathered(letters, True, handed.problem)
        for letter in handed.letters:
            letters.append(opened(account, letter))
            events += letters[-1].told.events
            size += len(letter.body)
    return Gathered(letters, False)


def opened(account: str, letter: Letter) -> Opened:
    """A letter is what a request's body is. Total: what is none is kept whole."""
    body = letter.body.encode()
    nothing = batch([])
    if len(body) > BODY_MAX:
        return Opened(letter, replace(nothing, account=account), body)
    try:
        told = read(body)
    except NoList:
        return Opened(letter, replace(nothing, account=account), body)
    return Opened(letter, replace(told, account=account), told.unread)


def _delete(ctx: Ctx, queue: Queue, letters: Sequence[Letter]) -> Problem | None:
    """Take out what is safe with us; what they fail at is tried once more, then left: it comes again, and changes nothing."""
    for at in range(0, len(letters), DELETED_TOGETHER):
        left = Left(letters[at : at + DELETED_TOGETHER])
        for _ in range(TRIES_MAX):
            answer = queue.delete(ctx, left.letters)
            if isinstance(answer, Problem):
                return answer
            left = answer
            if not left.letters:
                break
        if left.letters:
            log.info("%d messages could not be deleted (%s) and come again", len(left.letters), left.why)
    return None
