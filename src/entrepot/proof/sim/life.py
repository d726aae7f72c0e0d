"""One life of one simulated process: from its start to its crash."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from random import Random
from typing import ParamSpec, TypeVar

from entrepot.app import Hub, build, connect_all
from entrepot.engine.drain import End, run_drain
from entrepot.engine.leader import CUT_OFF, LEADER_LOCK, Leader
from entrepot.engine.port import Job
from entrepot.engine.room import Room
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.errors import Busy, NotNow
from entrepot.kernel.ids import Ids
from entrepot.proof.house import knock
from entrepot.proof.sim.bugs import described
from entrepot.proof.sim.database import FiberDb
from entrepot.proof.sim.ground import LEASE_S, Ground, Task
from entrepot.proof.sim.hazard import FiberPoints, Hazard
from entrepot.proof.sim.network import FiberHttp
from entrepot.proof.sim.pool import FiberPool
from entrepot.proof.sim.scheduler import FiberClock, Process
from entrepot.sandbox.core import Hang, Request, Response
from entrepot.site import doors_of
from entrepot.store.db import BUSY

DRAIN_S, LOOK_EVERY_S = 20.0, 0.15
REAL_IDLE_MAX_S = 3_600.0  # real seconds: what the server would do to a silent transaction is done in virtual time
AWAY_PAUSE_S = 0.5
PRUNE_EVERY_LOOKS = 400
CANDIDATE_EVERY_S = 3_600.0  # a free seat is announced; this is for what nobody announces
CALLER_WAITS_S = 10.0
THREADS: Sequence[tuple[str, ...]] = (("urgent",), ("urgent", "normal"), ("normal", "bulk"))
WORKERS = ("worker-1", "worker-2")
WEB = "web"

P = ParamSpec("P")
T = TypeVar("T")


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
        self.ground.drains[end.end] += 1
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
