"""Fibers on one thread, one virtual clock, and the record of who passed which point when.

Nothing here blocks: a fiber pauses, sleeps in virtual time or waits for a signal, and the loop picks the next one by the
seed. A fiber whose process died is never resumed, so none of its `finally` blocks runs; see `bury`.
"""

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from random import Random

from greenlet import GreenletExit, getcurrent, greenlet

LAST_STEPS_KEPT = 60


class Signal:
    """Something fibers wait for. Firing wakes all that wait now; nothing is remembered."""

    def __init__(self, name: str) -> None:
        self.name = name


@dataclass(eq=False)
class Process:
    """What dies and freezes as a whole. A new life after a crash is a new Process of the same name."""

    name: str
    alive: bool = True
    frozen_until: datetime | None = None


@dataclass(eq=False)
class Fiber:
    name: str
    process: Process
    run: greenlet
    ready: bool = True
    wake_at: datetime | None = None
    waits_for: Signal | None = None
    signalled: bool = False
    over: bool = False
    task: object = None  # what it is busy with; its children inherit it


@dataclass
class Trace:
    """Every step in order, as one hash: the same seed gives the same one."""

    steps: int = 0
    points: dict[str, int] = field(default_factory=dict)
    last: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_STEPS_KEPT))
    _hash: "blake2b" = field(default_factory=lambda: blake2b(digest_size=16))

    def add(self, who: str, point: str) -> None:
        self.steps += 1
        self.points[point] = self.points.get(point, 0) + 1
        line = f"{self.steps} {who} {point}"
        self.last.append(line)
        self._hash.update(f"{line}\n".encode())

    @property
    def hash(self) -> str:
        return self._hash.hexdigest()


class Scheduler:
    """The loop, the clock and the fibers. `escaped`: what a fiber raised that nobody in its process caught."""

    def __init__(self, start: datetime, rng: Random) -> None:
        self.at = start
        self.rng = rng
        self.trace = Trace()
        self.escaped: list[tuple[str, BaseException]] = []
        self._main = getcurrent()
        self._fibers: list[Fiber] = []
        self._graveyard: list[Fiber] = []
        self._current: Fiber | None = None

    # -- inside a fiber ----------------------------------------------------------------------------------------------

    @property
    def current(self) -> Fiber | None:
        return self._current

    def pause(self) -> None:
        """Let others go first."""
        if self._current is not None:
            self._leave()

    def sleep(self, seconds: float) -> None:
        """Be away for so long; outside of fibers, time simply moves."""
        fiber = self._current
        if fiber is None:
            self.at += timedelta(seconds=seconds)
            return
        fiber.ready, fiber.wake_at = False, self.at + timedelta(seconds=max(0.0, seconds))
        self._leave()

    def wait(self, signal: Signal, timeout_s: float | None = None) -> bool:
        """Until the signal fires, or the time is over; whether it fired."""
        fiber = self._current
        assert fiber is not None, "only a fiber can wait"
        fiber.ready, fiber.waits_for, fiber.signalled = False, signal, False
        fiber.wake_at = None if timeout_s is None else self.at + timedelta(seconds=timeout_s)
        self._leave()
        return fiber.signalled

    def _leave(self) -> None:
        self._main.switch()

    # -- fibers ------------------------------------------------------------------------------------------------------

    def spawn(self, process: Process, name: str, do: Callable[[], object]) -> Fiber:
        def run() -> None:
            try:
                do()
            except GreenletExit:
                pass
            except BaseException as error:  # noqa: BLE001 - the loop must see it; no thread's excepthook would
                self.escaped.append((fiber.name, error))
            fiber.over, fiber.ready = True, False

        parent = self._current
        task = parent.task if parent is not None and parent.process is process else None
        fiber = Fiber(f"{process.name}/{name}", process, greenlet(run, self._main), task=task)
        self._fibers.append(fiber)
        return fiber

    def fire(self, signal: Signal) -> int:
        """Wake whoever waits for it."""
        woken = [fiber for fiber in self._fibers if fiber.waits_for is signal]
        for fiber in woken:
            fiber.ready, fiber.waits_for, fiber.wake_at, fiber.signalled = True, None, None, True
        return len(woken)

    def kill(self, process: Process) -> None:
        """No fiber of this process runs ever again. When one of them is running, this call does not return."""
        process.alive = False
        dead = [fiber for fiber in self._fibers if fiber.process is process]
        self._fibers = [fiber for fiber in self._fibers if fiber.process is not process]
        self._graveyard += [fiber for fiber in dead if not fiber.over]
        if self._current in dead:
            self._leave()

    def freeze(self, process: Process, seconds: float) -> None:
        process.frozen_until = self.at + timedelta(seconds=seconds)
        if self._current is not None and self._current.process is process:
            self._leave()

    def bury(self) -> None:
        """After the day is judged: unwind what never ran to its end, so that nothing of it is left in memory."""
        for fiber in [*self._graveyard, *self._fibers]:
            while fiber.run and not fiber.run.dead:
                self._current = None
                with suppress(BaseException):
                    fiber.run.throw(GreenletExit)
        self._graveyard, self._fibers = [], []

    # -- the loop ----------------------------------------------------------------------------------------------------

    def turn(self) -> bool:
        """Run one fiber to where it leaves; False when none can run at this moment."""
        able = [fiber for fiber in self._fibers if fiber.ready and not self._is_frozen(fiber.process)]
        if not able:
            return False
        fiber = able[self.rng.randrange(len(able))]
        self._current = fiber
        try:
            fiber.run.switch()
        finally:
            self._current = None
        if fiber.over and fiber in self._fibers:
            self._fibers.remove(fiber)
        return True

    def next_wake(self) -> datetime | None:
        """When somebody's sleep, wait or freeze ends."""
        moments = [fiber.wake_at for fiber in self._fibers if fiber.wake_at is not None]
        moments += [p.frozen_until for p in self._processes() if p.frozen_until and p.frozen_until > self.at]
        return min(moments, default=None)

    def advance(self, to: datetime) -> None:
        """Move time and wake whose time has come."""
        self.at = max(self.at, to)
        for fiber in self._fibers:
            if fiber.wake_at is not None and fiber.wake_at <= self.at:
                fiber.ready, fiber.wake_at, fiber.waits_for = True, None, None

    def _is_frozen(self, process: Process) -> bool:
        return process.frozen_until is not None and process.frozen_until > self.at

    def _processes(self) -> Iterable[Process]:
        return {id(fiber.process): fiber.process for fiber in self._fibers}.values()


class FiberClock:
    """The kernel's clock in virtual time: both clocks show the same, sleeping lets others run."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def now(self) -> datetime:
        return self._scheduler.at

    def machine(self) -> datetime:
        return self._scheduler.at

    def millis(self) -> int:
        return int(self._scheduler.at.timestamp() * 1000)

    def sleep(self, seconds: float) -> None:
        self._scheduler.sleep(seconds)
