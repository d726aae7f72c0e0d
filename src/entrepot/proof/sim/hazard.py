"""What goes wrong inside the hub in one seeded day: who dies at which point, who freezes, whose connections are lost, who is slow.

What goes wrong outside is the sandbox's own fault plan.
"""

import ast
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, StrEnum
from functools import cache
from pathlib import Path
from random import Random

import entrepot
from entrepot.kernel.ctx import Conn, Points
from entrepot.proof.sim.scheduler import Process, Scheduler

# The simulator's own points: around every commit and every call.
BEFORE_COMMIT, AFTER_COMMIT, BEFORE_CALL, AFTER_CALL = (
    "db.before-commit",
    "db.after-commit",
    "http.before",
    "http.after",
)
OWN_POINTS = (BEFORE_COMMIT, AFTER_COMMIT, BEFORE_CALL, AFTER_CALL)

PAUSE_PERCENT = 30  # of all points: others go first
SLOW_PERCENT = 4  # of all points: virtual time passes here
SLOW_MAX_S = 2.0
COMMIT_LOST_PER_MILLE = {"web": 40}  # a request commits seldom
COMMIT_LOST_ELSE_PER_MILLE = 5
CALL_LOST_PERCENT = {"GET": 1}  # of writes more: they are what may happen twice
CALL_LOST_ELSE_PERCENT = 8
AIMED_KILLS, AIMED_FREEZES = 3, 2  # per seed, each at the nth pass of a named point; the points rotate with the seed
NTH_MAX = {
    "db": 1_500,
    "drain": 150,
    "leader": 300,
    "http": 120,
    "sweep": 80,
    "record": 60,
    "keep": 30,
    "open": 30,
    "decide": 60,
    "verb": 1,
}
NTH_ELSE_MAX = 4
STRAY_KILLS_MAX = 2  # per seed, at any moment
FREEZES_MAX = 1
FREEZE_S = (4, 45)  # a lease is 8 s: some wake in time, most do not
DROPS_MAX = 2
RESTARTS_MAX = 1  # of the database: every session of everybody
PAUSES_MAX = 1
PAUSE_FLOW_S = (60, 1_800)


class CommitFate(Enum):
    FINE = 0
    LOST_BEFORE = 1  # nothing was committed, and nobody was told
    LOST_AFTER = 2  # it was committed, and nobody was told


class Mishap(StrEnum):
    CRASH = "crash"
    FREEZE = "freeze"
    DROP = "drop"
    RESTART = "database-restart"
    PAUSE = "pause-flow"


@dataclass(frozen=True, slots=True)
class Planned:
    """Something that happens to a process (or a flow) at a moment of the day."""

    after: timedelta
    kind: Mishap
    pick: int  # which of those it may hit
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class HazardPlan:
    """Drawn from the seed. `kills`, `freezes`: point → at which pass of it; `planned`: at moments of the day."""

    kills: dict[str, int]
    freezes: dict[str, tuple[int, float]]
    planned: Sequence[Planned]


def plan_hazards(seed: int, rng: Random, span: timedelta) -> HazardPlan:
    points = kill_points()
    kills = {point: _nth(point, rng) for point in aimed_at(seed)}
    frozen = [points[rng.randrange(len(points))] for _ in range(AIMED_FREEZES)]
    freezes = {point: (_nth(point, rng), rng.uniform(*FREEZE_S)) for point in frozen}
    planned: list[Planned] = []
    for kind, most, seconds in (
        (Mishap.CRASH, STRAY_KILLS_MAX, (0, 0)),
        (Mishap.FREEZE, FREEZES_MAX, FREEZE_S),
        (Mishap.DROP, DROPS_MAX, (0, 0)),
        (Mishap.RESTART, RESTARTS_MAX, (0, 0)),
        (Mishap.PAUSE, PAUSES_MAX, PAUSE_FLOW_S),
    ):
        for _ in range(rng.randint(0, most)):
            after = timedelta(seconds=rng.uniform(1, span.total_seconds()))
            planned.append(Planned(after, kind, rng.randrange(1_000), rng.uniform(*seconds)))
    return HazardPlan(kills, freezes, sorted(planned, key=lambda one: one.after))


def aimed_at(seed: int) -> list[str]:
    """The points at which somebody is killed under this seed: every point has its turn."""
    points = kill_points()
    return [points[(seed * AIMED_KILLS + i) % len(points)] for i in range(AIMED_KILLS)]


def _nth(point: str, rng: Random) -> int:
    return rng.randint(1, NTH_MAX.get(point.partition(".")[0], NTH_ELSE_MAX))


NOT_IN_A_DAY = ("arrival.", "queue.")


@cache
def kill_points() -> tuple[str, ...]:
    """Every point a simulated day may come by, read from the product's source, and the simulator's own; in a fixed order.

    No file of a seller arrives in such a day, and nobody tells by a queue: their points are killed at by tests/bulk and tests/flows.
    """
    root = Path(entrepot.__file__).parent
    found = {
        node.args[0].value
        for path in sorted(root.rglob("*.py"))
        if not {"proof", "sandbox"} & set(path.relative_to(root).parts)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "point"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and not str(node.args[0].value).startswith(NOT_IN_A_DAY)
    }
    return tuple(sorted({str(name) for name in found} | set(OWN_POINTS)))


@dataclass
class Chaos:
    """Decides at every point of the day. `crash`, `freeze`: given by whoever runs the processes."""

    scheduler: Scheduler
    rng: Random
    plan: HazardPlan
    crash: Callable[[Process], None]
    freeze: Callable[[Process, float], None]
    on: bool = True
    killed_at: Counter[str] = field(default_factory=Counter)
    fired: Counter[str] = field(default_factory=Counter)
    _passed: Counter[str] = field(default_factory=Counter)

    def pass_point(self, process: Process, point: str) -> None:
        """Die here, be slow here, let others go first, or go on."""
        fiber = self.scheduler.current
        self.scheduler.trace.add(fiber.name if fiber else process.name, point)
        if fiber is None:
            return
        if self.on and fiber.process is process:
            self._strike(process, point)
        roll = self.rng.randrange(100)
        if roll < SLOW_PERCENT:
            self.scheduler.sleep(self.rng.uniform(0.0, SLOW_MAX_S))
        elif roll < SLOW_PERCENT + PAUSE_PERCENT:
            self.scheduler.pause()

    def _strike(self, process: Process, point: str) -> None:
        self._passed[point] += 1
        if self.plan.kills.get(point) == self._passed[point]:
            self.killed_at[point] += 1
            self.crash(process)
        nth, seconds = self.plan.freezes.get(point, (0, 0.0))
        if nth == self._passed[point]:
            self.freeze(process, seconds)

    def commit_fate(self, process: Process) -> CommitFate:
        lost = COMMIT_LOST_PER_MILLE.get(process.name, COMMIT_LOST_ELSE_PER_MILLE)
        if not self.on or self.scheduler.current is None or self.rng.randrange(1_000) >= lost:
            return CommitFate.FINE
        fate = self.rng.choice((CommitFate.LOST_BEFORE, CommitFate.LOST_AFTER))
        self.fired[f"commit-{fate.name.lower().replace('_', '-')}"] += 1
        return fate

    def call_is_lost(self, method: str) -> str | None:
        """`refused`: it never left; `before`, `after`: it may have, and after it did."""
        if not self.on or self.rng.randrange(100) >= CALL_LOST_PERCENT.get(method, CALL_LOST_ELSE_PERCENT):
            return None
        how = self.rng.choice(("refused", "before", "after"))
        self.fired[f"call-lost-{how}"] += 1
        return how


@dataclass
class Hazard:
    """What threatens one life of one process."""

    chaos: Chaos
    process: Process
    stirred: Callable[[], None]  # something was committed: the leader may find work

    overtaken: Callable[[Conn], None]  # looks whether this transaction may still be committed

    def at_commit(self, conn: Conn) -> CommitFate:
        self.overtaken(conn)
        self.chaos.pass_point(self.process, BEFORE_COMMIT)
        return self.chaos.commit_fate(self.process)

    def committed(self) -> None:
        self.stirred()
        self.chaos.pass_point(self.process, AFTER_COMMIT)


class FiberPoints(Points):
    """The kill points of one life of one process."""

    def __init__(self, hazard: Hazard) -> None:
        super().__init__()
        self._hazard = hazard

    def reach(self, name: str) -> None:
        super().reach(name)
        self._hazard.chaos.pass_point(self._hazard.process, name)
