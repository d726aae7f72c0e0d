"""The hub's own work on arrivals: periodic looks at folders; and the lane that fetches, keeps and reads one file after the other.

A file of a seller is begun when no older one of his waits. Everything may be killed anywhere: what is fetched is written
beside and named when whole, a file that was being read is read again from the start, and what it changed commits with the
word that it was applied. A file that breaks its reader several times is refused, so that it blocks nobody for ever.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from entrepot.blueprint.model import FeedRule, Plan
from entrepot.bulk.arrival import keeping, looking, places, service, store
from entrepot.bulk.arrival.model import Arrival, Refusal, Sent, State
from entrepot.bulk.arriving import Given, take_in_file
from entrepot.bulk.reading import SLICE_BYTES, ends
from entrepot.bulk.refusals import WHOSE, Reason, Unreadable
from entrepot.bulk.service import Report
from entrepot.engine.lease import Lease
from entrepot.engine.periodic import Periodic, Run
from entrepot.engine.room import Work
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.errors import NotNow, Overtaken, WrongSetting
from entrepot.store.postgres.place import state_home

PURPOSE, FLOW = "files", "offer-publication"
LOOK = "feed "  # and the feed's name: a periodic look of its own
TRIES_MAX = 5
AGAIN = timedelta(seconds=20)  # while another file of the seller is applied, or this one lies on another machine
SLICE_MAX = 32 * 2**20  # rows read are told after each slice

log = logging.getLogger(__name__)


def nobody(ctx: Ctx, conn: Conn, arrival: Arrival, why: Refusal) -> None:
    """Where no flow listens the row itself says everything."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """`home`: the state folder. `refused`: what a file that can never be read leads to, in the transaction that says so."""

    plan: Plan
    home: Callable[[], Path] = state_home
    refused: service.Refused = nobody

    # ── folders ──────────────────────────────────────────────────────────────────────────────────────────────

    def periodic(self) -> list[Periodic]:
        return [
            Periodic(feed.account, f"{LOOK}{name}", FLOW, feed.every.total_seconds()) for name, feed in self._folders()
        ]

    def runs(self) -> dict[str, Run]:
        return {f"{LOOK}{name}": self._look(feed) for name, feed in self._folders()}

    def _folders(self) -> Iterator[tuple[str, FeedRule]]:
        yield from ((name, feed) for name, feed in sorted(self.plan.feeds.items()) if feed.source)

    def _look(self, feed: FeedRule) -> Run:
        def look(ctx: Ctx, lease: Lease, account: str) -> None:
            with places.at(feed) as place:
                seen = place.files()
            with ctx.db.transaction() as conn:
                lease.hold(conn)
                known = store.latest(conn, feed.name, [one.origin for one in seen])
                found = looking.moves(seen, known, store.unfetched(conn, feed.name), ctx.clock.now())
                for move in list(found):
                    name = keeping.file_name(move.seen.name if move.seen else "")
                    sent = Sent(feed.account, feed.seller, "folder", name, feed.complete, feed.source, feed.name)
                    service.looked(ctx, conn, sent, move)
                ctx.point("arrival.looked")

        return look

    # ── the lane ─────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def work(self) -> Work:
        return Work(PURPOSE, "bulk", store.due_sql(FLOW), self.drain)

    def drain(self, ctx: Ctx, lease: Lease) -> int:
        """One file after the other; returns how many steps were taken."""
        handled = 0
        while lease.time_left(ctx) > 0:
            lease.renew(ctx)
            with ctx.db.transaction() as conn:
                lease.hold(conn)
                arrival = store.first(conn, lease.account, ctx.clock.now())
            if arrival is None:
                break
            with _renewing(ctx, lease):
                if arrival.state is State.FOUND:
                    self._fetch(ctx, lease, arrival)
                else:
                    self._read(ctx, lease, arrival)
            handled += 1
        self._tidy(ctx)
        return handled

    def _fetch(self, ctx: Ctx, lease: Lease, arrival: Arrival) -> None:
        """Copy it here, unless it moved meanwhile."""
        feed = self.plan.feeds.get(arrival.feed)
        if feed is None or not feed.source:  # the plan looks there no more
            return self._end(ctx, lease, arrival)
        try:
            whole, still = self._copied(feed, arrival)
        except Unreadable as error:
            return self._refuse(ctx, lease, arrival, error)
        except NotNow as error:
            log.warning("%s", error.message)
            return self._put_back(ctx, lease, arrival)
        ctx.point("arrival.fetched")
        cut = still and not ends(whole.path)
        too_long = arrival.cut_since is not None and ctx.clock.now() - arrival.cut_since >= looking.CUT_MAX
        if cut and too_long:
            what = "ends in the middle: its end has not come for an hour"
            self._refuse(ctx, lease, arrival, Unreadable(Reason.CUT_SHORT, what, where=arrival.name))
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            if still and not cut:
                service.fetched(conn, ctx, arrival, whole)
            elif not (cut and too_long):
                service.not_whole(conn, ctx, arrival, cut=cut)
        if cut or not still:
            keeping.remove(self.home(), [arrival.id])
        return None

    def _copied(self, feed: FeedRule, arrival: Arrival) -> tuple[keeping.Whole, bool]:
        """The file here, and whether it is still the one that was found."""
        incoming = keeping.Incoming(self.home(), arrival.id, arrival.name)
        try:
            with places.at(feed) as place:
                for block in place.read(arrival.origin):
                    incoming.write(block)
                now = place.look(arrival.origin)
        except NotNow:
            incoming.drop()
            raise
        whole = incoming.whole()
        same = now is not None and (now.size_bytes, now.stamp) == (arrival.size_bytes, arrival.stamp)
        return whole, same and whole.size_bytes == arrival.size_bytes

    def _read(self, ctx: Ctx, lease: Lease, arrival: Arrival) -> None:
        path = keeping.path_of(self.home(), arrival.id, arrival.name)
        if arrival.tries >= TRIES_MAX:
            return self._refuse(ctx, lease, arrival, _hopeless(arrival, path))
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            service.begun(conn, ctx, arrival)
        ctx.point("arrival.reading")
        if not path.is_file():  # it may lie on another machine, whose worker comes by
            return self._later(ctx, lease, arrival)

        def applied(conn: Conn, report: Report, version: int | None) -> None:
            lease.hold(conn)
            service.done(ctx, conn, arrival.id, report, version)

        def told(rows: int) -> None:
            with ctx.db.transaction() as conn:
                store.update(conn, arrival.id, {"rows_read": rows})

        given = Given(arrival.complete, slice_bytes=min(SLICE_BYTES, SLICE_MAX))
        try:
            take_in_file(
                ctx, self.plan, path, arrival.account, arrival.seller, given, home=self.home(), told=told, also=applied
            )
        except WrongSetting as error:
            return self._refuse(ctx, lease, arrival, error)
        except Overtaken:
            raise
        except NotNow:  # another file of this seller is being applied
            return self._later(ctx, lease, arrival, counts=False)
        ctx.point("arrival.applied")
        return None

    # ── its ends ─────────────────────────────────────────────────────────────────────────────────────────────

    def _refuse(self, ctx: Ctx, lease: Lease, arrival: Arrival, error: WrongSetting) -> None:
        if isinstance(error, Unreadable):
            why = Refusal(error.reason, error.what, arrival.name, error.whose)
        else:
            why = Refusal(Reason.MAPPING, error.message, arrival.name, WHOSE[Reason.MAPPING])
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            service.refuse(ctx, conn, arrival, why, self.refused)

    def _end(self, ctx: Ctx, lease: Lease, arrival: Arrival) -> None:
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            service.looked(ctx, conn, Sent("", "", "", "", False, ""), looking.Move(arrival, None, State.REPLACED))

    def _put_back(self, ctx: Ctx, lease: Lease, arrival: Arrival) -> None:
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            service.put_back(conn, arrival)

    def _later(self, ctx: Ctx, lease: Lease, arrival: Arrival, *, counts: bool = True) -> None:
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            tries = {} if counts else {"tries": arrival.tries}
            store.update(conn, arrival.id, {"next_at": ctx.clock.now() + AGAIN, **tries})

    def _tidy(self, ctx: Ctx) -> None:
        """What nobody needs any more leaves the disk."""
        home = self.home()
        with ctx.db.transaction() as conn:
            spent = store.spent(conn)
            old = keeping.older(home, ctx.clock.machine())
            needed = store.kept_here(conn, sorted(old))
        keeping.remove(home, spent)
        for arrival_id, path in old.items():
            if arrival_id not in needed:
                keeping.discard(path)


def _hopeless(arrival: Arrival, path: Path) -> Unreadable:
    if not path.is_file():
        return Unreadable(Reason.LOST, "was kept, and is not in the state folder any more", where=arrival.name)
    return Unreadable(
        Reason.FAILED, f"was begun {arrival.tries} times and never ended: the hub's log says why", where=arrival.name
    )


@contextmanager
def _renewing(ctx: Ctx, lease: Lease) -> Iterator[None]:
    """A file takes longer than a lease: renewed beside it while its process lives."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(lease.lease_s / 3):
            try:
                lease.renew(ctx)
            except Overtaken:
                return
            except NotNow as error:
                log.info("the lease of %s/%s was not renewed: %s", lease.account, lease.purpose, error.message)

    beside = threading.Thread(target=renew, name="files-lease", daemon=True)
    beside.start()
    try:
        yield
    finally:
        over.set()
        beside.join()
