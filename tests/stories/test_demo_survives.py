"""The demo as a person runs it, injured three times on its way: a killed worker, a frozen worker, a killed PostgreSQL. Nothing changes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

START_WITHIN_S = 120
END_WITHIN_S = 700
FROZEN_S = 14  # longer than a lease and a takeover
# `entrepot demo --once --json` on a day of five hours' trade by quick people, 600 times as fast as the clock: all three blows
# fall while baskets are bought and orders accepted, shipped and charged; what nobody answers still runs out after its twelve hours.
SHORT_DAY = """
import sys
from functools import partial
from entrepot.cli import demo
demo.ONCE_PACE_PERCENT = 25
demo.Wish = partial(demo.Wish, span_minutes=300)
sys.exit(demo.demo(once=True, json=True, seed=2, orders=6))
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A state folder that the server's own account may enter (pytest's are closed to it)."""
    folder = Path(tempfile.mkdtemp(prefix="entrepot-demo-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def workers_of(parent: int) -> list[int]:
    """Process ids of the demo's workers, by what the kernel says."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            ppid = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        if ppid == parent and b"work" in words:
            found.append(int(entry.name))
    return sorted(found)


def until(reached: Callable[[], bool], within_s: float, what: str) -> None:
    end = time.monotonic() + within_s
    while not reached():
        assert time.monotonic() < end, f"{what} did not happen within {within_s} s"
        time.sleep(0.2)


@pytest.mark.processes
@pytest.mark.timeout(END_WITHIN_S + START_WITHIN_S + 60)
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the demo's workers through /proc, which only Linux has")
def test_a_killed_worker_a_frozen_worker_and_a_killed_database_change_nothing(home: Path) -> None:
    env = {**os.environ, "ENTREPOT_HOME": str(home), "ENTREPOT_PORT": str(free_port())}
    env.pop("ENTREPOT_DATABASE_URL", None)
    command = [sys.executable, "-c", SHORT_DAY]
    said = home / "said.txt"
    with said.open("w") as words:
        demo = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=words, text=True)
    try:
        until(lambda: "console:" in said.read_text() or demo.poll() is not None, START_WITHIN_S, "the demo's start")
        time.sleep(5)
        os.kill(workers_of(demo.pid)[0], signal.SIGKILL)
        time.sleep(5)
        frozen = workers_of(demo.pid)[0]
        os.kill(frozen, signal.SIGSTOP)
        time.sleep(FROZEN_S)
        os.kill(frozen, signal.SIGCONT)
        time.sleep(2)
        [pid_file] = home.rglob("postmaster.pid")
        os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)
        document, _ = demo.communicate(timeout=END_WITHIN_S)
    finally:
        if demo.poll() is None:
            demo.terminate()
            demo.wait(30)
        stop_server(home)
    assert demo.returncode == 0, said.read_text()[-4000:]
    counted = json.loads(document)
    assert counted["demo"]["broken"] == []
    assert counted["demo"]["restarts"] >= 1
    assert counted["orders"]["received"] == 6
    assert counted["refunds"]["confirmed"] >= 1
    assert counted["alerts"]["sent"] >= 1
    assert counted["faults"]["fired"] >= 8


def stop_server(home: Path) -> None:
    from entrepot.store import postgres

    postgres.stop(home=home, name="demo", mode="immediate")
