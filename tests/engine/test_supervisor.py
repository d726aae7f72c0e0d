"""The supervisor with real processes: restarts, order at the end, nothing left behind."""

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from entrepot.engine.supervisor import Check, Child, Supervisor, postgres_check
from entrepot.kernel.clock import SystemClock
from entrepot.kernel.errors import NotNow

pytestmark = pytest.mark.processes

PATIENCE_TICKS = 300
CHILD = Path(sys.modules[Supervisor.__module__].__file__ or "").with_name("child.py")


def python(name: str, code: str) -> Child:
    return Child(name, [sys.executable, "-c", code])


SLEEPS = "import time; print('here', flush=True); time.sleep(600)"
DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


class Watched:
    def __init__(self, supervisor: Supervisor, out: io.StringIO) -> None:
        self.supervisor = supervisor
        self.out = out

    @property
    def text(self) -> str:
        return self.out.getvalue()

    def until(self, true: Callable[[], bool]) -> None:
        for _ in range(PATIENCE_TICKS):
            if true():
                return
            self.supervisor.tick(0.05)
        raise AssertionError(self.text)

    def pid(self, name: str) -> int:
        return next(s.pid for s in self.supervisor.states if s.name == name and s.pid)


Begin = Callable[..., Watched]


@pytest.fixture
def begin() -> Iterator[Begin]:
    all_: list[Supervisor] = []

    def start(*children: Child, checks: tuple[Check, ...] = (), grace_s: float = 10.0) -> Watched:
        out = io.StringIO()
        supervisor = Supervisor(children, SystemClock(), out, checks, stop_grace_s=grace_s)
        all_.append(supervisor)
        supervisor.start()
        return Watched(supervisor, out)

    yield start
    for supervisor in all_:
        supervisor.stop()


def lives(pid: int) -> bool:
    """A zombie is dead: only init has yet to hear of it."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def test_every_line_carries_the_name_of_its_process(begin: Begin) -> None:
    watched = begin(
        python("web", "import sys; print('ready'); sys.stderr.write('careful\\n'); " + SLEEPS),
        python("worker-1", SLEEPS),
    )
    watched.until(lambda: watched.text.count("here") == 2)
    assert "web        | ready\n" in watched.text and "web        | careful\n" in watched.text
    assert "worker-1   | here\n" in watched.text


def test_a_killed_process_is_started_again(begin: Begin) -> None:
    watched = begin(python("worker", SLEEPS))
    watched.until(lambda: "here" in watched.text)
    first = watched.pid("worker")
    os.kill(first, signal.SIGKILL)
    watched.until(lambda: watched.text.count("here") == 2)
    assert watched.pid("worker") != first and not lives(first)
    assert "worker ended with SIGKILL; started again in 0.5 s" in watched.text
    assert [state.restarts for state in watched.supervisor.states] == [1]


def test_who_keeps_dying_is_started_later_and_later(begin: Begin) -> None:
    watched = begin(python("sandbox", "print('oh'); raise SystemExit(3)"))
    watched.until(lambda: "again in 2 s" in watched.text)
    pauses = [line.rsplit("in ", 1)[1] for line in watched.text.splitlines() if "started again" in line]
    assert pauses == ["0.5 s", "1 s", "2 s"]
    assert "ended with code 3" in watched.text


def test_a_wrong_setting_stops_everything_with_code_2() -> None:
    out = io.StringIO()
    supervisor = Supervisor(
        [python("web", SLEEPS), python("worker", "print('which URL?'); raise SystemExit(2)")], SystemClock(), out
    )
    assert supervisor.run() == 2
    assert "worker     | which URL?" in out.getvalue() and "refused its settings" in out.getvalue()
    assert all(state.pid is None for state in supervisor.states)


def test_stopping_ends_all_and_kills_who_does_not_listen(begin: Begin) -> None:
    watched = begin(python("web", SLEEPS), python("deaf", DEAF), grace_s=0.5)
    watched.until(lambda: "here" in watched.text and "deaf       | deaf" in watched.text)
    pids = [watched.pid("web"), watched.pid("deaf")]
    watched.supervisor.stop()
    assert not any(lives(pid) for pid in pids)
    assert "deaf did not end in time and is killed" in watched.text and "web did not" not in watched.text


def test_a_frozen_process_is_ended_too(begin: Begin) -> None:
    watched = begin(python("worker", SLEEPS), grace_s=0.5)
    watched.until(lambda: "here" in watched.text)
    pid = watched.pid("worker")
    os.kill(pid, signal.SIGSTOP)
    watched.supervisor.stop()
    assert not lives(pid)


def test_a_line_without_end_is_cut_and_a_last_one_without_newline_is_shown(begin: Begin) -> None:
    watched = begin(
        python(
            "web", "import sys, time; sys.stdout.write('x' * 20000); sys.stdout.flush(); time.sleep(0.2); sys.exit(3)"
        )
    )
    watched.until(lambda: "started again" in watched.text)
    shown = [line for line in watched.text.splitlines() if line.startswith("web")]
    assert [len(line.split("| ")[1]) for line in shown] == [8192, 8192, 3616]


def test_what_does_not_answer_is_revived(begin: Begin) -> None:
    calls: list[str] = []

    def revive() -> None:
        calls.append("revive")
        if len(calls) == 1:
            raise NotNow("the server is still repairing itself")

    watched = begin(python("web", SLEEPS), checks=(Check("postgresql", lambda: len(calls) >= 2, revive, every_s=0.1),))
    watched.until(lambda: "answers again" in watched.text)
    assert calls == ["revive", "revive"]
    assert "postgresql: the server is still repairing itself" in watched.text


def test_the_database_check_says_yes_and_no(database_url: str) -> None:
    assert postgres_check(database_url, lambda: None).healthy()
    wrong = psycopg.conninfo.make_conninfo(database_url, port=1)
    assert not postgres_check(wrong, lambda: None).healthy()


SUPERVISES = """
import sys
from entrepot.engine.supervisor import Child, Supervisor
from entrepot.kernel.clock import SystemClock
code = "import os, time; print('pid', os.getpid(), flush=True); time.sleep(600)"
sys.exit(Supervisor([Child("a", [sys.executable, "-c", code]), Child("b", [sys.executable, "-c", code])], SystemClock()).run())
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGHUP, 0), (signal.SIGKILL, -9)]
)
def test_however_the_supervisor_ends_no_process_is_left_behind(number: signal.Signals, code: int) -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", SUPERVISES], stdout=subprocess.PIPE, env=env, text=True)
    with process:
        assert process.stdout
        pids = [int(process.stdout.readline().split()[-1]) for _ in range(2)]
        assert all(lives(pid) for pid in pids)
        process.send_signal(number)
        assert process.wait(20) == code
        wait_until_gone(pids)


def test_a_system_that_cannot_be_asked_to_kill_is_watched_instead() -> None:
    parent_code = (
        "import subprocess, sys, os, time\n"
        f"subprocess.Popen([sys.executable, '-I', '-S', {str(CHILD)!r}, 'watch', str(os.getpid()), sys.executable, '-c', {SLEEPS_PID!r}])\n"
        "time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", parent_code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert lives(pid)
        parent.kill()
        wait_until_gone([pid])


SLEEPS_PID = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"


def test_a_watched_program_hears_the_stop_and_its_exit_code_is_passed_on() -> None:
    code = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(7)); print('here', flush=True); time.sleep(600)"
    argv = [sys.executable, "-I", "-S", str(CHILD), "watch", str(os.getpid()), sys.executable, "-c", code]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "here\n"
        process.terminate()
        assert process.wait(20) == 7


def wait_until_gone(pids: list[int]) -> None:
    for _ in range(400):
        if not any(lives(pid) for pid in pids):
            return
        threading.Event().wait(0.05)
    raise AssertionError(f"still there: {[pid for pid in pids if lives(pid)]}")
