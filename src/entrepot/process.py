"""What a real process is given: settings, the database, the two clocks, randomness, the network. A seam module."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg.rows import dict_row
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from entrepot.app import Hub, addresses_of, build, connect_all, document_hosts_of
from entrepot.blueprint.model import Plan
from entrepot.change import service as plans
from entrepot.change.source import read_source
from entrepot.connectors.facts import facts
from entrepot.engine.procrastinate_engine import install
from entrepot.kernel.clock import Pace, SystemClock
from entrepot.kernel.ctx import Conn, Ctx, Points
from entrepot.kernel.errors import NotNow, WrongSetting
from entrepot.kernel.http import HttpAnswer, HttpRequest, NotReached
from entrepot.kernel.ids import Ids
from entrepot.kernel.memory import collect_rarely
from entrepot.outbox.http import OutboundHttp
from entrepot.store import migrate, postgres
from entrepot.store.db import Db

EXIT_OTHER_PLAN = 76  # start again: another plan came into force
PLAN_LOOK_EVERY_S = 2.0  # machine
PACE_READ_EVERY_S = 1.0  # machine: how soon every process follows a change of the business clock
WORKER_NICE = 5  # a third of the web process's share of a core that both want
KILL_AT = "ENTREPOT_KILL_AT"  # a point's name and how many times to pass it first: `send.after:3`; for proofs only


log = logging.getLogger(__name__)


class Settings(BaseSettings):
    """Environment `ENTREPOT_…` beats these defaults."""

    model_config = SettingsConfigDict(env_prefix="ENTREPOT_", extra="ignore")

    database_url: str = ""  # empty: our own server is started
    home: Path | None = None  # where our own server keeps its data
    cluster: str = "main"  # name of our own server
    blueprint: Path | None = None  # none: the default one that ships
    host: str = "127.0.0.1"
    port: int = Field(default=8400, ge=1, le=65535)
    workers: int = Field(default=2, ge=1, le=16)
    urgent_threads: int = Field(default=3, ge=1, le=16)
    normal_threads: int = Field(default=3, ge=1, le=16)
    bulk_threads: int = Field(default=1, ge=1, le=16)
    lease_s: float = Field(default=8.0, ge=1.0, le=120.0)
    send_width: int = Field(default=8, ge=1, le=64)
    log_level: str = "INFO"

    @property
    def threads(self) -> dict[str, int]:
        return {"urgent": self.urgent_threads, "normal": self.normal_threads, "bulk": self.bulk_threads}


def settings() -> Settings:
    """Errors: WrongSetting with the variable's name and what is wrong with it."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"ENTREPOT_{str(first['loc'][0]).upper()}"
        raise WrongSetting(f"{name}={os.environ.get(name, '')!s}: {first['msg']}", setting=name) from error


def start_logging(level: str) -> None:
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    logging.getLogger("apprise").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)


class KillPoints(Points):
    """Ends this process with SIGKILL at a named point: how crashes are rehearsed with real processes."""

    def __init__(self, at: str) -> None:
        super().__init__()
        name, _, nth = at.partition(":")
        self._name, self._nth = name, int(nth or "1")

    def reach(self, name: str) -> None:
        super().reach(name)
        if name == self._name and self.hits[name] == self._nth:
            os.kill(os.getpid(), signal.SIGKILL)


class FollowedPace:
    """The business clock's row, read again about once a second."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._pace: Pace | None = None
        self._read_at = 0.0

    def __call__(self) -> Pace:
        now = time.monotonic()
        with self._lock:
            if self._pace is None or now - self._read_at > PACE_READ_EVERY_S:
                self._read_at = now
                try:
                    self._pace = read_pace(self._db)
                except NotNow:
                    if self._pace is None:
                        raise
            return self._pace


def read_pace(db: Db) -> Pace:
    with db.transaction() as conn:
        row = conn.execute("SELECT business_base, machine_base, rate FROM clock").fetchone()
    assert row is not None
    return Pace(row["business_base"], row["machine_base"], row["rate"])


def database_now(url: str) -> datetime:
    """The database's own clock: the reading all processes start from, so that leases mean the same everywhere."""
    with psycopg.connect(url, row_factory=dict_row, connect_timeout=5) as conn:
        row = conn.execute("SELECT clock_timestamp() AS at").fetchone()
    assert row is not None
    at: datetime = row["at"]
    return at


def database_url(chosen: Settings) -> str:
    """The configured database, or our own server, started when it does not run."""
    if chosen.database_url:
        return chosen.database_url
    return postgres.start(chosen.home, chosen.cluster).url


def upgrade(url: str, environment: str) -> None:
    clock = SystemClock(reading=database_now(url))
    ids = Ids(clock.millis)
    migrate.upgrade(url, incarnation=ids.new("inc"), environment=environment, at=clock.machine(), install=[install])


def yield_to_the_doors() -> None:
    """A worker stands back while the web process has somebody waiting: a webhook and a buyer count milliseconds, a drain seconds."""
    os.nice(WORKER_NICE)


class Threads:
    """Sends of different roots side by side; waits for all, raises the first bug."""

    def __init__(self, width: int) -> None:
        self._pool = ThreadPoolExecutor(width, thread_name_prefix="send")

    def __call__(self, jobs: Sequence[Callable[[], None]]) -> None:
        if len(jobs) == 1:
            jobs[0]()
            return
        running = [self._pool.submit(job) for job in jobs]
        wait(running)  # a drain never ends while one of its senders is at work
        for done in running:
            done.result()


class PlanWatch:
    """Looks about every two seconds whether another plan came into force, and says so once.

    A process never changes its plan in mid-flight: it ends, and its supervisor starts it anew on the new one.
    """

    def __init__(self, db: Db, plan_hash: str, changed: Callable[[], None]) -> None:
        self._db, self._plan_hash, self._changed = db, plan_hash, changed
        self.seen = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="plan-watch", daemon=True)

    def start(self) -> "PlanWatch":
        self._thread.start()
        return self

    def stop(self) -> None:
        self._ended.set()

    def join(self) -> None:
        """Wait until it has ended, which it does by itself once it has seen a change or was stopped."""
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(PLAN_LOOK_EVERY_S):
            try:
                with self._db.transaction() as conn:
                    row = conn.execute("SELECT plan_hash FROM installation").fetchone()
            except NotNow:
                continue  # the database is away: the plan cannot change either
            if row and row["plan_hash"] not in ("", self._plan_hash):
                log.warning("plan %s came into force; ending, to be started again on it", row["plan_hash"])
                self.seen.set()
                return self._changed()
        return None


@dataclass(frozen=True, slots=True)
class Running:
    """An opened hub and what it stands on."""

    hub: Hub
    db: Db
    url: str

    def watch(self, changed: Callable[[], None]) -> PlanWatch:
        """Have `changed` called, in a thread of its own, when another plan comes into force."""
        return PlanWatch(self.db, self.hub.plan.hash, changed).start()


def plan_for(db: Db, clock: SystemClock, chosen: Settings) -> Plan:
    """The plan in force; on the first start the file becomes it. Errors: WrongSetting for a file with mistakes."""
    with db.transaction() as conn:
        found = plans.plan_in_force(conn)
    if found is not None:
        return found
    source = read_source(chosen.blueprint, facts())
    ids = Ids(clock.millis)
    with db.transaction() as conn:
        _require_environment(conn, source.plan)
        plans.first(conn, Ctx(db, clock, ids, NoNetworkYet(), environment=source.plan.environment), source)
    with db.transaction() as conn:
        return plans.plan_in_force(conn) or source.plan


class NoNetworkYet:
    """While the plan is not known nobody may be called."""

    def send(self, request: HttpRequest) -> HttpAnswer:
        return NotReached(f"no plan allows {request.url} yet")


def _require_environment(conn: Conn, plan: Plan) -> None:
    row = conn.execute("SELECT environment FROM installation").fetchone()
    if row is not None and row["environment"] != plan.environment:
        raise WrongSetting(
            f"the database is {row['environment']}, the blueprint {plan.file} is {plan.environment}: one of them is wrong"
        )


def open_hub(chosen: Settings, *, name: str, connections: int) -> Running:
    """Everything a web or worker process needs, on a schema that fits. Errors: WrongSetting, OwnerDecides, NotNow."""
    url = database_url(chosen)
    migrate.require_known(url)
    db = Db(url, max_size=connections, name=name)
    clock = SystemClock(FollowedPace(db), reading=database_now(url))
    plan = plan_for(db, clock, chosen)
    with db.transaction() as conn:
        _require_environment(conn, plan)
        row = conn.execute("SELECT incarnation FROM installation").fetchone()
    assert row is not None
    connectors = connect_all(plan)
    kill_at = os.environ.get(KILL_AT, "")
    ctx = Ctx(
        db=db,
        clock=clock,
        ids=Ids(clock.millis),
        http=OutboundHttp(
            addresses_of(plan), document_hosts=document_hosts_of(plan), loopback=plan.environment == "sandbox"
        ),
        incarnation=row["incarnation"],
        plan_hash=plan.hash,
        environment=plan.environment,
        points=KillPoints(kill_at) if kill_at and plan.environment == "sandbox" else Points(),
    )
    hub = build(ctx, plan, connectors, width=Threads(chosen.send_width))
    hub.prepare()
    collect_rarely()
    return Running(hub, db, url)
