"""What every job stands on: a durable PostgreSQL of its own and hubs on fresh databases."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import psycopg

from bench.material import surroundings
from entrepot.app import Hub, build, connect_all
from entrepot.blueprint.load import load
from entrepot.engine.procrastinate_engine import install
from entrepot.kernel.clock import SystemClock
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.http import HttpAnswer, HttpRequest, NotReached
from entrepot.kernel.ids import Ids
from entrepot.kernel.memory import collect_rarely
from entrepot.store import migrate, postgres
from entrepot.store.db import Db

INCARNATION = "bench"
_numbers = count(1)


class NoNetwork:
    def send(self, request: HttpRequest) -> HttpAnswer:
        return NotReached(f"no network here: {request.url}")


@dataclass(frozen=True, slots=True)
class Ground:
    """One server, and databases on it."""

    url: str
    template: str

    @contextmanager
    def fresh(self, *, migrated: bool = True) -> Iterator[str]:
        """A database of its own; without ours in it for what is compared with us."""
        name, template = f"bench_{next(_numbers)}", self.template if migrated else "template0"
        with psycopg.connect(self.url, autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            admin.execute("CHECKPOINT")  # what others wrote before is theirs to pay
        yield self.url.rsplit("/", 1)[0] + f"/{name}"
        with psycopg.connect(self.url, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def hub_on(url: str) -> Iterator[Hub]:
    """A hub in this process, in real time; nobody listens outside."""
    db = Db(url, max_size=4, name="bench")
    clock = SystemClock()
    plan = load()
    ids = Ids(clock.millis)
    hub = build(Ctx(db, clock, ids, NoNetwork(), INCARNATION, plan.hash), plan, connect_all(plan))
    hub.prepare()
    collect_rarely()  # as a process does
    try:
        yield hub
    finally:
        db.close()


@contextmanager
def ground() -> Iterator[Ground]:
    """fsync as in production: a bench that forgets durability measures nothing."""
    os.environ.update(surroundings())
    with postgres.temporary(durable=True) as server:
        template = "bench_template"
        url = postgres.create_database(server.url, template)
        migrate.upgrade(
            url, incarnation=INCARNATION, environment="sandbox", at=SystemClock().machine(), install=[install]
        )
        yield Ground(server.url, template)


class Stopwatch:
    """Seconds of wall time within a `with`; `core_s`: for how long this process had a core meanwhile."""

    seconds = 0.0
    core_s = 0.0

    def __enter__(self) -> "Stopwatch":
        self.again()
        return self

    def again(self) -> None:
        """Start anew."""
        self._from, self._core_from = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.seconds, self.core_s = time.perf_counter() - self._from, time.process_time() - self._core_from
