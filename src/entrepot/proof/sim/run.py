"""Many seeds on one temporary server: each a database of its own, copied from a template."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import repeat
from multiprocessing import get_context

import psycopg

from entrepot.blueprint.load import load
from entrepot.blueprint.model import Plan
from entrepot.engine.procrastinate_engine import install
from entrepot.proof.sim.day import START, Day
from entrepot.proof.sim.report import DayReport, SimReport
from entrepot.proof.sim.sabotage import sabotage as known_sabotage
from entrepot.proof.world import InProcess, environment
from entrepot.store import migrate, postgres

TEMPLATE = "entrepot_sim_template"
INCARNATION = "sim"
ORDERS = 6  # baskets of one seed
SEEDS_MAX = 10_000
SETTINGS = (
    "autovacuum = off",
    "synchronous_commit = off",
    "log_min_messages = fatal",
)  # nobody but the simulated processes takes a lock

Tell = Callable[[DayReport], None]


def simulate(
    seeds: Sequence[int], *, orders: int = ORDERS, sabotage: str = "", jobs: int = 1, tell: Tell = lambda day: None
) -> SimReport:
    """Run every seed, each in one thread of one process; `jobs` processes side by side, 0: one per processor."""
    report = SimReport()
    width = min(jobs or os.cpu_count() or 1, len(seeds))
    with server() as url:
        for day in _days(url, seeds, orders, sabotage, width):
            report.days.append(day)
            tell(day)
    return report


def _days(url: str, seeds: Sequence[int], orders: int, sabotage: str, width: int) -> Iterator[DayReport]:
    if width == 1:
        yield from (one_day(url, seed, orders, sabotage) for seed in seeds)
        return
    with ProcessPoolExecutor(width, mp_context=get_context("spawn")) as pool:
        yield from pool.map(one_day, repeat(url), seeds, repeat(orders), repeat(sabotage))


def one_day(server_url: str, seed: int, orders: int = ORDERS, sabotage: str = "") -> DayReport:
    """One seed in a fresh database of a prepared server. Errors: WrongSetting for a sabotage nobody planned."""
    planted: AbstractContextManager[object] = known_sabotage(sabotage).planted() if sabotage else nullcontext()
    with open_day(server_url, seed, orders) as day, planted:
        return day.run()


@contextmanager
def open_day(server_url: str, seed: int, orders: int = ORDERS) -> Iterator[Day]:
    """A day that has not begun, on a database of its own that lasts as long as the `with`."""
    with _environment(), _database(server_url, f"sim_{os.getpid()}_{seed}") as url:
        yield Day(url, _plan(), seed, orders, INCARNATION)


@contextmanager
def server() -> Iterator[str]:
    """A temporary server with the template on it; its address."""
    with postgres.temporary(durable=False) as running:
        with psycopg.connect(running.url, autocommit=True) as admin:
            for setting in SETTINGS:
                admin.execute(f"ALTER SYSTEM SET {setting}".encode())
            admin.execute("SELECT pg_reload_conf()")
        template = postgres.create_database(running.url, TEMPLATE)
        migrate.upgrade(template, incarnation=INCARNATION, environment="sandbox", at=START, install=[install])
        yield running.url


def replay_command(seed: int, orders: int, sabotage: str = "") -> str:
    planted = f" --sabotage {sabotage}" if sabotage else ""
    return f"entrepot sim --first-seed {seed} --seeds 1 --orders {orders}{planted}"


_plans: dict[str, Plan] = {}


def _plan() -> Plan:
    """Read once: a plan is frozen."""
    return _plans.setdefault("", load())


@contextmanager
def _environment() -> Iterator[None]:
    """What the default blueprint's references point at, for the time of a day."""
    before = dict(os.environ)
    os.environ.update(environment(InProcess.URLS, "/nonexistent", "json://localhost"))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _database(server_url: str, name: str) -> Iterator[str]:
    yield postgres.create_database(server_url, name, template=TEMPLATE)
    postgres.drop_database(server_url, name)
