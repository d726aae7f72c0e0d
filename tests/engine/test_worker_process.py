"""Real worker processes, killed, frozen, stopped and cut off from their database. Waits have a bound; nothing is timed."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from entrepot.engine.worker import EXIT_LEFT_A_DRAIN, EXIT_RESTORED

pytestmark = pytest.mark.processes

INCARNATION = "test-incarnation"
LEASE_S = 2.0
WORKER = Path(__file__).with_name("ticket_worker.py")
PATIENCE_S = 40.0


class Workers:
    """Worker processes on one database, and what they did to its tickets."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self._folder = folder
        self._all: list[subprocess.Popen[bytes]] = []

    def start(self, *how: str) -> subprocess.Popen[bytes]:
        log = (self._folder / f"worker-{len(self._all)}.log").open("wb")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-W", "error", str(WORKER), self.url, INCARNATION, str(LEASE_S), *how],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
        self._all.append(process)
        return process

    def ask(self, sql: str) -> int:
        with psycopg.connect(self.url) as conn:
            row = conn.execute(sql.encode()).fetchone()
        assert row is not None
        return int(row[0])

    def do(self, sql: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(sql.encode())

    def sell(self, count: int, accounts: int = 4) -> None:
        self.do(
            f"INSERT INTO ticket (id, account) SELECT n, 'acc-' || n % {accounts} FROM generate_series(1, {count}) n"
        )

    def left(self) -> int:
        return self.ask("SELECT count(*) FROM ticket WHERE punched_by IS NULL")

    def until(self, true: Callable[[], bool], what: str) -> None:
        for _ in range(int(PATIENCE_S / 0.05)):
            if true():
                return
            threading.Event().wait(0.05)
        raise AssertionError(f"still not so: {what}\n{self.logs()}")

    def logs(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()[-4000:]}" for path in sorted(self._folder.glob("*.log")))

    def end(self) -> None:
        for process in self._all:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()

    def assert_each_punched_once(self) -> None:
        assert self.ask("SELECT count(*) FROM ticket WHERE punches <> 1") == 0


@pytest.fixture
def workers(tickets_url: str, tmp_path: Path) -> Iterator[Workers]:
    crew = Workers(tickets_url, tmp_path)
    yield crew
    crew.end()


def test_two_workers_punch_every_ticket_once_although_one_is_killed(workers: Workers) -> None:
    first, _second = workers.start(), workers.start()
    workers.sell(400)
    workers.until(lambda: workers.left() < 330, "a good start")
    first.kill()
    assert first.wait() == -signal.SIGKILL
    workers.until(lambda: workers.left() == 0, "all punched")
    workers.assert_each_punched_once()


def test_a_worker_frozen_past_its_lease_is_replaced_and_does_nothing_twice_when_it_wakes(workers: Workers) -> None:
    first = workers.start()
    workers.sell(300)
    workers.until(lambda: workers.left() < 280, "a good start")
    first.send_signal(signal.SIGSTOP)  # leader, drains and all
    workers.start()
    workers.until(lambda: workers.left() == 0, "all punched by the other one")
    first.send_signal(signal.SIGCONT)
    workers.do("INSERT INTO ticket (id, account) SELECT n, 'acc-1' FROM generate_series(1001, 1020) n")
    workers.until(lambda: workers.left() == 0, "new tickets punched too")
    workers.assert_each_punched_once()
    assert first.poll() is None


def test_a_worker_waits_for_a_database_that_goes_away_and_comes_back(workers: Workers) -> None:
    process = workers.start()
    workers.sell(200)
    workers.until(lambda: workers.left() < 190, "a good start")
    name, server = workers.url.rsplit("/", 1)[1], workers.url.rsplit("/", 1)[0] + "/postgres"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        threading.Event().wait(1.0)
        assert process.poll() is None
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    workers.until(lambda: workers.left() == 0, "all punched")
    workers.assert_each_punched_once()


def test_a_stopped_worker_ends_after_its_batch_and_gives_its_lanes_back(workers: Workers) -> None:
    process = workers.start()
    workers.sell(4000, accounts=3)
    workers.until(lambda: workers.left() < 3990, "a good start")
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0, workers.logs()
    assert workers.left() > 0
    assert workers.ask("SELECT count(*) FROM lane WHERE lease_until IS NOT NULL") == 0
    assert workers.ask("SELECT count(*) FROM procrastinate.procrastinate_workers") == 0


def test_a_stopped_worker_leaves_a_step_that_never_ends_to_its_lease(workers: Workers) -> None:
    process = workers.start("stuck")
    workers.sell(8)
    stuck = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND query LIKE '%pg_sleep%'"
    workers.until(lambda: workers.ask(stuck) > 0, "a drain in the middle of its step")
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) in (0, EXIT_LEFT_A_DRAIN), (
        workers.logs()
    )  # 0: it was stopped before the drain began
    workers.start()
    workers.until(lambda: workers.left() == 0, "all punched by the next one")
    workers.assert_each_punched_once()


def test_a_worker_on_a_restored_database_ends_so_that_it_is_started_anew(workers: Workers) -> None:
    process = workers.start()
    workers.sell(10)
    workers.until(lambda: workers.left() == 0, "all punched")
    workers.do("UPDATE installation SET incarnation = 'after-the-restore'")
    assert process.wait(PATIENCE_S) == EXIT_RESTORED, workers.logs()
