"""`entrepot up`: keeps a handful of processes alive, shows what they say, and leaves none behind."""

import logging
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO

import psycopg

from entrepot.kernel.clock import Clock
from entrepot.kernel.errors import EntrepotError

log = logging.getLogger(__name__)

STOP_GRACE_S = 12.0  # more than a worker gives its drains
RESTART_FIRST_S, RESTART_MAX_S = 0.5, 30.0
SETTLED_AFTER_S = 20.0  # who lived this long begins again with the shortest pause
TICK_S = 0.2
LINE_MAX = 8_192  # a longer line is cut into several
EXIT_WRONG_SETTING = 2  # a child that ends with it would end with it again: everything stops


@dataclass(frozen=True, slots=True)
class Child:
    """A program to keep running. `env` is laid over ours."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """Something that is no child of ours but must live, such as PostgreSQL: asked often, revived when it is silent."""

    name: str
    healthy: Callable[[], bool]
    revive: Callable[[], object]
    every_s: float = 2.0


def postgres_check(url: str, revive: Callable[[], object]) -> Check:
    """A PostgreSQL server at `url`; `revive` starts it and returns when it answers."""

    def healthy() -> bool:
        try:
            with psycopg.connect(url, connect_timeout=2, application_name="entrepot-supervisor") as conn:
                conn.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    return Check("postgresql", healthy, revive)


@dataclass(slots=True)
class _Running:
    """One child through all its lives."""

    child: Child
    process: subprocess.Popen[bytes] | None = None
    started_at: datetime | None = None
    next_start: datetime | None = None
    deaths: int = 0  # in a row, without having settled between
    restarts: int = 0
    rest: bytes = b""  # of a line not yet ended


@dataclass(frozen=True, slots=True)
class ChildState:
    name: str
    pid: int | None
    restarts: int


class Supervisor:
    """Either `run()` as a whole process's life, or `start()`, `tick()` again and again, `stop()`.

    Start it from the thread that lives longest: on Linux a child dies with the thread that started it.
    """

    def __init__(
        self,
        children: Sequence[Child],
        clock: Clock,
        out: TextIO = sys.stdout,
        checks: Sequence[Check] = (),
        stop_grace_s: float = STOP_GRACE_S,
    ) -> None:
        self._all = [_Running(child) for child in children]
        self._clock = clock
        self._out = out
        self._checks = {check.name: (check, clock.machine()) for check in checks}
        self._grace_s = stop_grace_s
        self._selector = selectors.DefaultSelector()
        self._asked = 0  # how often somebody asked us to stop
        self._exit_code = 0
        self._width = max([len(child.name) for child in children] + [len("supervisor")])

    @property
    def states(self) -> list[ChildState]:
        return [ChildState(r.child.name, r.process.pid if r.process else None, r.restarts) for r in self._all]

    @property
    def stopping(self) -> bool:
        return self._asked > 0

    def ask_to_stop(self) -> None:
        """From a signal handler or another thread; asked twice, nobody is waited for."""
        self._asked += 1

    def run(self) -> int:
        """Keep everything running until SIGTERM, SIGINT or SIGHUP; the exit code."""
        before = {n: signal.signal(n, self._on_signal) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
        try:
            self.start()
            while not self.stopping:
                self.tick()
        finally:
            self.stop()
            for number, handler in before.items():
                signal.signal(number, handler)
        return self._exit_code

    def start(self) -> None:
        for running in self._all:
            self._start(running)

    def tick(self, wait_s: float = TICK_S) -> None:
        """Pass on what they said, start again who died, revive what does not answer."""
        self._pump(wait_s)
        now = self._clock.machine()
        for running in self._all:
            if running.process and running.process.poll() is not None:
                self._died(running, running.process.returncode)
            if running.process is None and running.next_start and running.next_start <= now and not self.stopping:
                running.restarts += 1
                self._start(running)
        self._check(now)

    def stop(self) -> None:
        """End all, last one first, within the grace; then kill. Nothing of ours runs afterwards."""
        self._asked = max(1, self._asked)
        for running in reversed(self._all):
            if running.process and running.process.poll() is None:
                running.process.terminate()
        until = self._clock.machine() + timedelta(seconds=self._grace_s)
        while self._alive() and self._clock.machine() < until and self._asked < 2:
            self._pump(TICK_S)
        for running in self._alive():
            self._say("supervisor", f"{running.child.name} did not end in time and is killed")
            _kill_group(running.process)
        self._pump(0)
        for running in self._all:
            self._close(running)

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.ask_to_stop()

    def _alive(self) -> list[_Running]:
        return [r for r in self._all if r.process and r.process.poll() is None]

    def _start(self, running: _Running) -> None:
        child = running.child
        how = "exec" if sys.platform == "linux" else "watch"
        wrapper = [sys.executable, "-I", "-S", str(Path(__file__).with_name("child.py")), how, str(os.getpid())]
        process = subprocess.Popen(
            [*wrapper, *child.argv],
            env={**os.environ, "PYTHONUNBUFFERED": "1", **child.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,  # a Ctrl-C in the terminal reaches us alone; we pass on one signal, once
        )
        assert process.stdout
        os.set_blocking(process.stdout.fileno(), False)
        self._selector.register(process.stdout, selectors.EVENT_READ, running)
        running.process, running.started_at, running.next_start = process, self._clock.machine(), None

    def _died(self, running: _Running, code: int) -> None:
        now = self._clock.machine()
        self._pump(0)
        self._close(running)
        if code == EXIT_WRONG_SETTING:
            self._say("supervisor", f"{running.child.name} refused its settings: everything stops")
            self._exit_code = EXIT_WRONG_SETTING
            self.ask_to_stop()
            return
        lived = now - running.started_at if running.started_at else timedelta()
        running.deaths = 1 if lived >= timedelta(seconds=SETTLED_AFTER_S) else running.deaths + 1
        pause_s = min(RESTART_MAX_S, RESTART_FIRST_S * 2.0 ** min(running.deaths - 1, 16))
        running.next_start = now + timedelta(seconds=pause_s)
        self._say("supervisor", f"{running.child.name} ended with {_spoken(code)}; started again in {pause_s:g} s")

    def _close(self, running: _Running) -> None:
        if not running.process:
            return
        running.process.wait()
        if running.rest:
            self._say(running.child.name, running.rest.decode(errors="replace"))
        if running.process.stdout:
            self._selector.unregister(running.process.stdout)
            running.process.stdout.close()
        running.process, running.rest = None, b""

    def _pump(self, wait_s: float) -> None:
        """Pass on every line that is there, waiting at most so long for the first."""
        if not self._selector.get_map():
            self._clock.sleep(wait_s)
            return
        ended = 0
        for key, _ in self._selector.select(wait_s):
            running: _Running = key.data
            assert running.process and running.process.stdout
            while chunk := running.process.stdout.read(65_536):
                *lines, running.rest = (running.rest + chunk).split(b"\n")
                while len(running.rest) > LINE_MAX:
                    lines.append(running.rest[:LINE_MAX])
                    running.rest = running.rest[LINE_MAX:]
                for line in lines:
                    self._say(running.child.name, line.decode(errors="replace").rstrip("\r"))
            ended += chunk == b""
        if ended and wait_s:
            self._clock.sleep(0.01)  # a closed pipe is always readable: do not spin until its process is gone

    def _say(self, name: str, line: str) -> None:
        self._out.write(f"{name:<{self._width}} | {line}\n")
        self._out.flush()

    def _check(self, now: datetime) -> None:
        for name, (check, at) in self._checks.items():
            if at > now or self.stopping:
                continue
            if not check.healthy():
                self._say("supervisor", f"{name} does not answer; starting it again")
                try:
                    check.revive()
                    self._say("supervisor", f"{name} answers again")
                except EntrepotError as error:  # it is asked again at its next turn
                    self._say("supervisor", f"{name}: {error}")
            self._checks[name] = (check, self._clock.machine() + timedelta(seconds=check.every_s))


def _spoken(code: int) -> str:
    return f"code {code}" if code >= 0 else signal.Signals(-code).name


def _kill_group(process: subprocess.Popen[bytes] | None) -> None:
    if process:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            process.kill()
