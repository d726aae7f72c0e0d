"""Real processes follow the plan in force: the first start makes the file it, and a change ends them to be started again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from plan_text import source, whole

from entrepot.change import service
from entrepot.change.source import read_source
from entrepot.kernel.ctx import Ctx
from entrepot.process import EXIT_OTHER_PLAN, PlanWatch
from entrepot.proof.world import InProcess, environment
from entrepot.store.db import Db

WITHIN_S = 60.0
TEXT = whole()


def until(reached: Callable[[], bool]) -> None:
    ends = time.monotonic() + WITHIN_S
    while not reached():
        assert time.monotonic() < ends, "not reached in time"
        time.sleep(0.05)


Start = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def start(database_url: str, tmp_path: Path) -> Iterator[Start]:
    """Starts a process of the hub on this test's database, with a file of its own as the blueprint."""
    running: list[subprocess.Popen[str]] = []
    path = tmp_path / "entrepot.yaml"
    path.write_text(TEXT, "utf-8")
    env = {**os.environ, **environment(InProcess.URLS, str(tmp_path), "json://localhost"), "ENTREPOT_DATABASE_URL": database_url,
           "ENTREPOT_BLUEPRINT": str(path), "ENTREPOT_PORT": "18467"}  # fmt: skip

    def begin(command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "entrepot.cli", command], env=env, text=True, stderr=subprocess.PIPE
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()


def in_force(db: Db) -> str:
    with db.transaction() as conn:
        row = conn.execute("SELECT plan_hash FROM installation WHERE EXISTS (SELECT FROM plan_change)").fetchone()
    return row["plan_hash"] if row else ""


@pytest.mark.processes
@pytest.mark.parametrize("command", ["work", "serve"])
def test_a_process_makes_its_file_the_first_plan_and_ends_when_another_comes_into_force(
    command: str, start: Start, ctx: Ctx, db: Db
) -> None:
    process = start(command)
    until(lambda: in_force(db) == read_source().hash)
    until(lambda: flows_prepared(db))
    newer = source(TEXT.replace("window: 6h}", "window: 3h}", 1))
    with db.transaction() as conn:
        service.apply(conn, ctx, newer, by="Mari", reason="less patience")
    assert process.wait(WITHIN_S) == EXIT_OTHER_PLAN
    again = start(command)  # its file still says the older plan: it counts for nothing
    until(lambda: again.poll() is not None or watched(db))
    assert again.poll() is None
    assert in_force(db) == newer.hash


def flows_prepared(db: Db) -> bool:
    with db.transaction() as conn:
        return conn.execute("SELECT 1 FROM flow LIMIT 1").fetchone() is not None


def watched(db: Db) -> bool:
    """The second process is connected."""
    with db.transaction() as conn:
        row = conn.execute(
            "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'entrepot-w%'"
        ).fetchone()
    return bool(row and row["n"])


def test_a_watch_that_is_stopped_says_nothing(ctx: Ctx, db: Db) -> None:
    said: list[str] = []
    watch = PlanWatch(db, "older", lambda: said.append("changed")).start()
    watch.stop()
    with db.transaction() as conn:
        service.apply(conn, ctx, read_source(), by="Mari", reason="the first")
    watch.join()
    assert (said, watch.seen.is_set()) == ([], False)
