"""A whole hub and a whole outside world in one thread, under one clock that is moved by hand.

Tests tell stories with it, and the simulator builds on it. Only PostgreSQL is real: calls, webhooks, lanes and time are in process.
"""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, ParamSpec, Protocol, TypeVar
from urllib.parse import unquote

from entrepot.app import Hub, build, connect_all
from entrepot.blueprint.load import load
from entrepot.blueprint.model import Plan
from entrepot.cases.model import Notice
from entrepot.change.service import plan_in_force
from entrepot.engine.drain import DrainEnd, run_drain
from entrepot.engine.inline_engine import InlineEngine
from entrepot.engine.leader import Leader
from entrepot.engine.room import Room
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx, Database, Points
from entrepot.kernel.errors import NotNow
from entrepot.kernel.ids import Ids
from entrepot.proof.world import InProcess
from entrepot.sandbox import selling
from entrepot.sandbox.core import Clock, Outbound, Request, Response, World
from entrepot.sandbox.scenario import Faults, Options, Stage, stage
from entrepot.sandbox.selling import both
from entrepot.site import doors_of
from entrepot.web.doors import receive_basket, receive_checkout, receive_webhook

SWEEPS = {  # a story's safety checks: rarer than a real day's, so that hundreds of idle ones do not fill a test's time
    "orders": timedelta(minutes=30),
    "debits": timedelta(minutes=30),
    "refunds": timedelta(minutes=30),
    "returns": timedelta(hours=1),
    "shipments": timedelta(hours=1),
    "transactions": timedelta(hours=2),
    "cycles": timedelta(hours=2),
    "settlements": timedelta(hours=2),
    "shops": timedelta(hours=4),
    "offers": timedelta(hours=1),
    "offer-details": timedelta(hours=4),
    "threads": timedelta(hours=1),
}
HUB_URL = "http://hub.sandbox"
STEP_MAX_S = 3600.0  # both sides say when they are due next; this bounds only a stride over nothing
ROUNDS_MAX = 10_000  # of drains at one moment: more means that they make work for each other for ever

P = ParamSpec("P")
T = TypeVar("T")


class AtOnce(Executor):
    """Runs what is submitted before it returns."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        done: Future[T] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


@dataclass
class Mailbox:
    """Where alerts arrive."""

    notices: list[tuple[str, Notice]] = field(default_factory=list)

    def send(self, notice: Notice, channel: str) -> str | None:
        self.notices.append((channel, notice))
        return None


class Directing(Protocol):
    """Who closes the outside world's day and knows when it is over."""

    def finish(self, options: dict[str, Any]) -> dict[str, Any]: ...

    def done(self) -> bool: ...

    def waiting(self) -> dict[str, int]: ...


@dataclass
class AnyHouse:
    """`run_for` and `run_until` move time in strides to the next moment at which somebody has something to do."""

    clock: ManualClock
    hub: Hub
    world: World
    director: Directing
    engine: InlineEngine
    leader: Leader
    room: Room
    mailbox: Mailbox
    doors: list[Any] = field(default_factory=list)
    ends: list[DrainEnd] = field(default_factory=list)

    def reopen(self) -> None:
        """Another plan came into force: start anew on it, as every process does. Errors: AssertionError without one."""
        ctx = self.hub.ctx
        with ctx.db.transaction() as conn:
            plan = plan_in_force(conn)
        assert plan is not None, "no plan ever came into force here"
        ctx.plan_hash = plan.hash
        self.hub = build(ctx, unhurried(plan), self.hub.parts.connectors, notifier=self.mailbox, senders=AtOnce())
        self.hub.prepare()
        self.doors[0] = doors_of(self.hub)
        self.room = self.hub.room(self.room.database_url)
        self.leader = Leader(self.room, self.engine)

    def settle(self) -> int:
        """Run everything that is due at this very moment; how many rounds that took."""
        for round_ in range(ROUNDS_MAX):
            ticked = self.world.tick()
            drained = self._drain_all()
            if not ticked and not drained:
                return round_
        raise AssertionError(f"after {ROUNDS_MAX} rounds at {self.clock.now()} there is still something due")

    def _drain_all(self) -> int:
        """One look of the leader and every drain it started; how many rows they handled."""
        with self.hub.ctx.db.transaction() as conn:
            started = self.leader.look(conn)
        handled = 0
        for _ in range(started):
            with self.hub.ctx.db.transaction() as conn:
                job = self.engine.take(conn)
            if job is None:
                break
            end = run_drain(self.room, job)
            self.engine.end(job)
            self.ends.append(end)
            handled += end.handled
        return handled

    def step(self, at_most: datetime) -> None:
        """Move to the next moment that matters, one stride at most, and run what is due then."""
        now = self.clock.now()
        due = [t for t in (self.world.next_due(), self.next_due()) if t is not None]
        to = min([now + timedelta(seconds=STEP_MAX_S), at_most, *(max(t, now + timedelta(seconds=1)) for t in due)])
        self.clock.advance((to - now).total_seconds())
        self.settle()

    def run_for(self, **time: float) -> None:
        until = self.clock.now() + timedelta(**time)
        self.settle()
        while self.clock.now() < until:
            self.step(until)

    def run_until(self, reached: Callable[[], bool], **at_most: float) -> None:
        """Errors: AssertionError when it is not reached in time."""
        until = self.clock.now() + timedelta(**at_most)
        self.settle()
        while not reached():
            assert self.clock.now() < until, f"not reached within {at_most}: {self.director.waiting()}"
            self.step(until)

    def next_due(self) -> datetime | None:
        """The next business moment at which the hub itself has something to do."""
        with self.hub.ctx.db.transaction() as conn:
            row = conn.execute(NEXT_DUE, {"now": self.clock.now()}).fetchone()
        return row["at"] if row else None

    def finish(self, **at_most: float) -> None:
        """Close the shop and the books, and run until nobody, here or there, has anything left to do."""
        self.director.finish({"close_books": True})
        self.run_until(self.director.done, **(at_most or {"days": 20}))
        self.run_for(hours=8)

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        with self.hub.ctx.db.transaction() as conn:
            return conn.execute(sql, values).fetchall()


@dataclass
class House(AnyHouse):
    """An operator's day: storefront, marketplace, gateway."""

    stage: Stage = field(kw_only=True)


@dataclass
class SellingHouse(AnyHouse):
    """A selling company's day: five channels and a back office."""

    stage: selling.Stage = field(kw_only=True)


@dataclass
class BothHouse(AnyHouse):
    """Both in one world and one hub."""

    stage: both.Stages = field(kw_only=True)


NEXT_DUE = """
    SELECT min(at) AS at FROM (
        SELECT min(due_at) AS at FROM message WHERE state = 'new' AND due_at > %(now)s
        UNION ALL SELECT min(due_at) FROM effect WHERE state IN ('planned', 'unknown') AND due_at > %(now)s
        UNION ALL SELECT min(next_at) FROM obligation WHERE next_at > %(now)s
        UNION ALL SELECT min(next_at) FROM case_file WHERE resolved_at IS NULL AND next_at > %(now)s
        UNION ALL SELECT min(due_at) FROM alert WHERE state = 'planned' AND due_at > %(now)s
        UNION ALL SELECT min(ends_at) FROM hold WHERE lifted_at IS NULL AND ends_at > %(now)s
        UNION ALL SELECT min(ends_at) FROM override_value WHERE ended_at IS NULL AND ends_at > %(now)s
        UNION ALL SELECT min(answer_by) FROM correction WHERE ended_at IS NULL AND answer_by > %(now)s
        UNION ALL SELECT min(tell_at) FROM correction WHERE state = 'asked' AND digest_id IS NULL AND tell_at > %(now)s
        UNION ALL SELECT min(again_at) FROM correction_digest WHERE state = 'taken' AND again_at > %(now)s
        UNION ALL SELECT min(publish_at) FROM feed_seller WHERE publish_at > %(now)s
        UNION ALL SELECT min(tell_at) FROM feed_seller WHERE tell_at > %(now)s
        UNION ALL SELECT min(due_at) FROM lookup_asked WHERE due_at > %(now)s
        UNION ALL SELECT min(next_at) FROM periodic WHERE next_at > %(now)s
    ) AS moments
"""


def open_house(
    db: Database,
    database_url: str,
    *,
    start: datetime,
    seed: int,
    orders: int,
    faults: Faults,
    options: Options,
    incarnation: str,
    plan: Plan | None = None,
    points: Points | None = None,
) -> House:
    """Build both sides and join them: the hub's calls reach the world, the world's webhooks reach the hub."""
    ground = Ground(db, database_url, start, seed, incarnation, points or Points())
    staged = stage(*ground.where, orders=orders, faults=faults, outbound=ground.outbound, options=options)
    return House(**ground.joined(plan or unhurried(load()), staged.world, staged.director), stage=staged)


def open_selling_house(
    db: Database,
    database_url: str,
    *,
    start: datetime,
    seed: int,
    orders: int,
    faults: Faults,
    options: selling.Options,
    incarnation: str,
    plan: Plan,
    points: Points | None = None,
) -> SellingHouse:
    """As `open_house`, where we are the seller; `plan` is a syndication plan."""
    ground = Ground(db, database_url, start, seed, incarnation, points or Points())
    staged = selling.stage(*ground.where, orders=orders, faults=faults, outbound=ground.outbound, options=options)
    return SellingHouse(**ground.joined(plan, staged.world, staged.director), stage=staged)


def open_both_house(
    db: Database,
    database_url: str,
    *,
    start: datetime,
    seed: int,
    orders: int,
    faults: Faults,
    options: Options,
    company: selling.Options,
    incarnation: str,
    plan: Plan,
    points: Points | None = None,
) -> BothHouse:
    """Operator and seller in one hub; `plan` is one of both models."""
    ground = Ground(db, database_url, start, seed, incarnation, points or Points())
    staged = both.stage(*ground.where, orders=orders, faults=faults, outbound=ground.outbound, operator=options, company=company)  # fmt: skip
    return BothHouse(**ground.joined(plan, staged.world, Together(staged)), stage=staged)


@dataclass
class Together:
    """Two directors as one."""

    stages: both.Stages

    def finish(self, options: dict[str, Any]) -> dict[str, Any]:
        self.stages.operator.director.finish(options)
        return self.stages.selling.director.finish(options)

    def done(self) -> bool:
        return self.stages.operator.director.done() and self.stages.selling.director.done()

    def waiting(self) -> dict[str, int]:
        return {**self.stages.operator.director.waiting(), **self.stages.selling.director.waiting()}


@dataclass
class Ground:
    """What both sides stand on: one clock, one database, and doors that open once the hub is built."""

    db: Database
    database_url: str
    start: datetime
    seed: int
    incarnation: str
    points: Points
    clock: ManualClock = field(init=False)
    doors: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = ManualClock(self.start)

    @property
    def where(self) -> tuple[Clock, Clock, int, str]:
        return self.clock.now, self.clock.machine, self.seed, HUB_URL

    @property
    def outbound(self) -> Outbound:
        return lambda _base_url, request: knock(self.doors[0], request)

    def joined(self, plan: Plan, world: World, director: Directing) -> dict[str, Any]:
        """A hub built and joined to the world; the fields of a house."""
        clock = self.clock
        ids = Ids(lambda: int(clock.machine().timestamp() * 1000), Random(self.seed))
        ctx = Ctx(self.db, clock, ids, InProcess(world), self.incarnation, plan.hash, points=self.points)
        mailbox = Mailbox()
        hub = build(ctx, plan, connect_all(plan), notifier=mailbox, senders=AtOnce())
        hub.prepare()
        self.doors.append(doors_of(hub))
        engine = InlineEngine()
        room = hub.room(self.database_url)
        return {"clock": clock, "hub": hub, "world": world, "director": director, "engine": engine,
                "leader": Leader(room, engine), "room": room, "mailbox": mailbox, "doors": self.doors}  # fmt: skip


def unhurried(plan: Plan) -> Plan:
    """The plan with the story's own intervals of safety checks where we are the operator; everything else as it stands."""
    known = {
        name: account.model_copy(update={"sweeps": SWEEPS})
        for name, account in plan.accounts.items()
        if not sells_elsewhere(plan, name)
    }
    return plan.model_copy(update={"accounts": {**plan.accounts, **known}})


def sells_elsewhere(plan: Plan, account: str) -> bool:
    """A channel on which we are the seller, or the back office behind."""
    return plan.account(account).model == "syndication" or plan.system_of(account).connector == "backoffice"


def knock(doors: Any, request: Request) -> Response:
    """The world calls the hub: the same doors as over HTTP, without the wire."""
    try:
        if request.path.startswith("/hooks/"):
            answer = receive_webhook(
                doors, unquote(request.path.removeprefix("/hooks/")), request.headers, request.body
            )
        elif request.path == "/api/v1/checkout/check":
            answer = receive_checkout(doors, request.headers, request.body)
        elif request.path == "/api/v1/baskets":
            answer = receive_basket(doors, request.headers, request.body)
        else:
            return Response(404)
    except NotNow:
        return Response(503, {"retry-after": "5"})
    return Response(answer.status_code, dict(answer.headers), bytes(answer.body))
