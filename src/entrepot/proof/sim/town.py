"""The simulated installation: two workers, a web process and the people at their desk, each with its own connections and its own hub."""

import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from random import Random
from typing import ParamSpec, TypeVar

from psycopg.pq import TransactionStatus

from entrepot.app import Hub, build, connect_all
from entrepot.blueprint.model import Plan
from entrepot.cases.model import Notice
from entrepot.engine.drain import End, run_drain
from entrepot.engine.inline_engine import InlineEngine
from entrepot.engine.leader import CUT_OFF, LEADER_LOCK, Leader
from entrepot.engine.port import Job, JobState
from entrepot.engine.room import Room
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.errors import Busy, NotNow
from entrepot.kernel.ids import Ids
from entrepot.process import doors_of
from entrepot.proof.house import knock
from entrepot.proof.sim.database import FiberDb, Undertaker
from entrepot.proof.sim.hazard import Chaos, FiberPoints, Hazard
from entrepot.proof.sim.network import FiberHttp
from entrepot.proof.sim.scheduler import FiberClock, Process, Scheduler, Signal
from entrepot.proof.world import InProcess
from entrepot.sandbox.core import Hang, Request, Response
from entrepot.store.db import BUSY

LEASE_S, DRAIN_S, LOOK_EVERY_S = 8.0, 20.0, 0.15
REAL_IDLE_MAX_S = (
    3_600.0  # real seconds: fibers may pause in a transaction; what the server would do is done in virtual time
)
IDLE_ENDED_AFTER_S = 8.0  # virtual: a frozen process in a transaction
LEADER_ENDED_AFTER_S = 3.0  # virtual: a frozen leader
AWAY_PAUSE_S = 0.5
PRUNE_EVERY_LOOKS = 400
CANDIDATE_EVERY_S = 3_600.0  # a free seat is announced; this is for what nobody announces
RESTART_S = (0.5, 20.0)
CALLER_WAITS_S = 10.0
NOTICE_FAILS_PERCENT = 5
EPOCH = (
    "SELECT epoch, pg_current_xact_id_if_assigned() IS NOT NULL AS wrote FROM lane WHERE account = %s AND purpose = %s"
)
THREADS: Sequence[tuple[str, ...]] = (("urgent",), ("urgent", "normal"), ("normal", "bulk"))
WORKERS = ("worker-1", "worker-2")
MAKES_WORK = frozenset({"decide", "sweep"})  # what other drains commit is seen at their end
WEB = "web"

P = ParamSpec("P")
T = TypeVar("T")


class FiberFuture(Future[T]):
    """A future that is waited for in virtual time."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self._scheduler = scheduler
        self._over = Signal("future")

    def settled(self) -> None:
        self._scheduler.fire(self._over)

    def result(self, timeout: float | None = None) -> T:
        if not self.done() and not self._scheduler.wait(self._over, timeout):
            raise TimeoutError
        return super().result(0)


class FiberPool(Executor):
    """Threads of a process, as fibers of it."""

    def __init__(self, scheduler: Scheduler, process: Process, name: str) -> None:
        self._scheduler = scheduler
        self._process = process
        self._name = name

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: FiberFuture[T] = FiberFuture(self._scheduler)

        def run() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 - as every executor: whoever asks for the result gets it
                future.set_exception(error)
            future.settled()

        self._scheduler.spawn(self._process, self._name, run)
        return future

    def side_by_side(self, jobs: Sequence[Callable[[], None]]) -> None:
        """Run all, wait for all, raise the first bug."""
        if len(jobs) == 1:
            jobs[0]()
            return
        for future in [self.submit(job) for job in jobs]:
            future.result()


@dataclass
class Bulletin:
    """Where alerts arrive; sometimes the channel is down."""

    chaos: Chaos
    rng: Random
    notices: list[tuple[str, Notice]] = field(default_factory=list)

    def send(self, notice: Notice, channel: str) -> str | None:
        if self.chaos.on and self.rng.randrange(100) < NOTICE_FAILS_PERCENT:
            self.chaos.fired["alert-channel-down"] += 1
            return "the channel did not answer"
        self.notices.append((channel, notice))
        return None


class Carrier(InlineEngine):
    """The inline engine, which can be asked cheaply whether asking for a job makes sense."""

    def anything(self, queues: Sequence[str]) -> bool:
        return any(held.job.state is JobState.WAITING and held.job.queue in queues for held in self._held)


@dataclass(frozen=True, slots=True)
class Task:
    """A drain under way."""

    job: Job
    began: datetime


@dataclass
class Ground:
    """What all processes stand on."""

    scheduler: Scheduler
    chaos: Chaos
    undertaker: Undertaker
    url: str
    plan: Plan
    world: InProcess
    incarnation: str
    seed: int
    bulletin: Bulletin
    engine: Carrier = field(default_factory=Carrier)
    work: Signal = field(default_factory=lambda: Signal("work"))
    stir: Signal = field(default_factory=lambda: Signal("stir"))
    seat: Signal = field(default_factory=lambda: Signal("seat"))
    bugs: Counter[str] = field(default_factory=Counter)
    overtaken: list[str] = field(default_factory=list)
    commits: int = 0

    def committed(self) -> None:
        """The leader may find work when somebody other than a drain that only moves on has committed something."""
        self.commits += 1
        fiber = self.scheduler.current
        task = fiber.task if fiber is not None else None
        if not isinstance(task, Task) or task.job.purpose in MAKES_WORK:
            self.scheduler.fire(self.stir)

    def stirred(self) -> None:
        self.commits += 1
        self.scheduler.fire(self.stir)

    def watch_fence(self, conn: Conn) -> None:
        """The outside observer of the fence: a drain about to commit something must still be its lane's drain."""
        fiber = self.scheduler.current
        task = fiber.task if fiber is not None else None
        if not isinstance(task, Task) or (self.scheduler.at - task.began).total_seconds() < LEASE_S:
            return  # before its first lease has run out, nobody can have taken it over
        if conn.info.transaction_status is TransactionStatus.INTRANS:
            row = conn.execute(EPOCH, (task.job.account, task.job.purpose)).fetchone()
            if row is not None and row["wrote"] and row["epoch"] != task.job.epoch:
                self.overtaken.append(
                    f"{task.job.account}/{task.job.purpose} at epoch {task.job.epoch}, the lane is at {row['epoch']}"
                )


class Life:
    """One life of one process: from its start to its crash."""

    def __init__(self, ground: Ground, name: str, number: int) -> None:
        self.ground = ground
        self.process = Process(name)
        scheduler = ground.scheduler
        hazard = Hazard(ground.chaos, self.process, ground.committed, ground.watch_fence)
        self.db = FiberDb(ground.url, ground.undertaker, hazard)
        rng = Random(f"{ground.seed}/{name}/{number}")
        clock = FiberClock(scheduler)
        ids = Ids(lambda: int(scheduler.at.timestamp() * 1000), rng)
        http = FiberHttp(scheduler, ground.world, hazard, Random(f"{ground.seed}/{name}/{number}/http"))
        self.ctx = Ctx(self.db, clock, ids, http, ground.incarnation, ground.plan.hash, points=FiberPoints(hazard))
        self.hub: Hub = build(
            self.ctx,
            ground.plan,
            connect_all(ground.plan),
            notifier=ground.bulletin,
            width=FiberPool(scheduler, self.process, "send").side_by_side,
            senders=FiberPool(scheduler, self.process, "request"),
        )
        self.room: Room = self.hub.room(
            ground.url, lease_s=LEASE_S, drain_s=DRAIN_S, look_every_s=LOOK_EVERY_S, idle_max_s=REAL_IDLE_MAX_S
        )
        self.leader_conn: Conn | None = None

    def start(self) -> None:
        name = self.process.name
        if name in WORKERS:
            for n, queues in enumerate(THREADS, 1):
                self._spawn(f"thread-{n}", partial(self._work, queues))
        self._spawn("leader", self._stand)

    def _spawn(self, name: str, do: Callable[[], object]) -> None:
        self.ground.scheduler.spawn(self.process, name, do)

    # -- a worker's thread -------------------------------------------------------------------------------------------

    def _work(self, queues: tuple[str, ...]) -> None:
        while True:
            if not self.ground.engine.anything(queues):
                self.ground.scheduler.wait(self.ground.work)
                continue
            try:
                with self.db.transaction() as conn:
                    job = self.ground.engine.take(conn, *queues)
            except NotNow:
                self.ground.scheduler.sleep(AWAY_PAUSE_S)
                continue
            if job is None:
                self.ground.scheduler.wait(self.ground.work)
            else:
                self._drain(job)

    def _drain(self, job: Job) -> None:
        fiber = self.ground.scheduler.current
        assert fiber is not None
        fiber.task = Task(job, self.ground.scheduler.at)
        end = run_drain(self.room, job)
        fiber.task = None
        if end.end is End.FAILED:
            self.ground.bugs[f"drain {job.account}/{job.purpose}: {end.error}"] += 1
        self.ground.engine.end(job)
        self.ground.stirred()

    # -- leading -----------------------------------------------------------------------------------------------------

    def _stand(self) -> None:
        """Stand for election; lead until the connection is lost; stand again when the seat is free."""
        scheduler = self.ground.scheduler
        while True:
            led = False
            try:
                conn = self.leader_conn = self.db.connect()
                row = conn.execute("SELECT pg_try_advisory_lock(%s) AS had", (LEADER_LOCK,)).fetchone()
                conn.commit()
                led = bool(row and row["had"])
                if led:
                    self._lead(conn)
            except (*CUT_OFF, NotNow):
                pass  # stands again below
            if self.leader_conn is not None:
                self.db.forget(self.leader_conn)
                self.leader_conn = None
            if led:
                scheduler.fire(self.ground.seat)
            else:
                scheduler.wait(self.ground.seat, timeout_s=CANDIDATE_EVERY_S)
            scheduler.sleep(self.ctx.ids.random.uniform(0.1, 1.0))

    def _lead(self, conn: Conn) -> None:
        leader = Leader(self.room, self.ground.engine)
        looks = 0
        while True:
            try:
                with conn.transaction():
                    started = leader.look(conn)
                self.ctx.point("leader.jobs-deferred")
                if started:
                    self.ground.scheduler.fire(self.ground.work)
                if looks % PRUNE_EVERY_LOOKS == 0:
                    with conn.transaction():
                        leader.prune(conn)
            except (*BUSY, Busy):
                started = 1  # a lane is busy: look again soon
            looks += 1
            if not started:
                self.ground.scheduler.wait(self.ground.stir)
            self.ground.scheduler.sleep(LOOK_EVERY_S)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Somebody outside asks this process for something."""
        return FiberPool(self.ground.scheduler, self.process, "request").submit(fn, *args, **kwargs)

    # -- the web process ---------------------------------------------------------------------------------------------

    def knock(self, request: Request) -> Response | Hang:
        """The world calls: a request runs in a fiber of the web process, its caller waits so long and no longer."""
        answered = self.submit(knock, doors_of(self.hub), request)
        try:
            return answered.result(CALLER_WAITS_S)
        except TimeoutError:
            return Hang(applied=True)
        except Exception as error:  # noqa: BLE001 - a web server answers 500 and goes on
            self.ground.bugs[f"{request.method} {request.path}: {described(error)}"] += 1
            return Response(500)


class Town:
    """Starts processes, lets them die, starts them again."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.lives: dict[str, Life] = {}
        self._numbers: dict[str, int] = {}
        self._supervisor = Process("supervisor")
        self._rng = Random(f"{ground.seed}/supervisor")
        self.crashes = 0
        self.freezes = 0
        self.drops = 0

    def open(self) -> None:
        for name in (*WORKERS, WEB):
            self.start(name)

    def start(self, name: str) -> None:
        self._numbers[name] = self._numbers.get(name, 0) + 1
        life = Life(self.ground, name, self._numbers[name])
        try:
            life.hub.prepare()
        except NotNow:
            life.db.die()
            raise
        self.ground.scheduler.trace.add(name, "start")
        self.lives[name] = life
        life.start()

    def crash(self, process: Process) -> None:
        """SIGKILL: its sockets close, its fibers stop where they are; the supervisor starts it again after a while."""
        life = self.lives.pop(process.name)
        self.crashes += 1
        self.ground.scheduler.trace.add(process.name, "crash")
        life.db.die()
        self._restart_later(process.name)
        self.ground.scheduler.fire(self.ground.seat)
        self.ground.scheduler.kill(process)

    def _restart_later(self, name: str) -> None:
        pause = self._rng.uniform(*RESTART_S)

        def run() -> None:
            self.ground.scheduler.sleep(pause)
            while name not in self.lives:
                try:
                    self.start(name)
                except NotNow:  # another process holds a row it wants at its start
                    self.ground.scheduler.sleep(1.0)

        self.ground.scheduler.spawn(self._supervisor, f"restart-{name}", run)

    def freeze(self, name: str, seconds: float) -> None:
        """SIGSTOP: it holds what it holds, until the server loses patience."""
        life = self.lives.get(name)
        if life is None:
            return
        self.freezes += 1
        self.ground.scheduler.trace.add(name, f"freeze {seconds:.3f}")
        self.ground.scheduler.freeze(life.process, seconds)
        self._watch_frozen(life, LEADER_ENDED_AFTER_S, seconds, lambda: self._end_leader(life))
        if name in WORKERS:
            self._watch_frozen(life, IDLE_ENDED_AFTER_S, seconds, life.db.drop_in_transaction)

    def _watch_frozen(self, life: Life, patience_s: float, seconds: float, end: Callable[[], None]) -> None:
        def run() -> None:
            self.ground.scheduler.sleep(patience_s)
            if life.process.alive:
                end()

        if seconds > patience_s:
            self.ground.scheduler.spawn(self._supervisor, f"patience-{life.process.name}", run)

    def _end_leader(self, life: Life) -> None:
        if life.leader_conn is not None:
            self.ground.undertaker.end([life.leader_conn])
            self.ground.scheduler.fire(self.ground.seat)

    def drop(self, name: str) -> None:
        life = self.lives.get(name)
        if life is not None:
            self.drops += 1
            self.ground.scheduler.trace.add(name, "connections dropped")
            life.db.drop_all()
            self.ground.scheduler.fire(self.ground.seat)

    def outbound(self, base_url: str, request: Request) -> Response | Hang:
        """The world's way in: nobody answers while the web process is down."""
        life = self.lives.get(WEB)
        return life.knock(request) if life is not None else Hang(applied=False)

    def calm(self) -> None:
        """No more mishaps; who is frozen wakes up."""
        self.ground.chaos.on = False
        for life in self.lives.values():
            life.process.frozen_until = None

    def close(self) -> None:
        for life in self.lives.values():
            life.db.die()


def described(error: BaseException) -> str:
    """What it says, and the innermost line of ours that it came from."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "entrepot" in frame.filename]
    where = f" ({frames[-1].filename.rpartition('entrepot/')[2]}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"
