"""What all simulated processes stand on: the loop, the mishaps, the job table, the outside world, and an observer of the fence."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from psycopg.pq import TransactionStatus

from entrepot.blueprint.model import Plan
from entrepot.cases.model import Notice
from entrepot.engine.inline_engine import InlineEngine
from entrepot.engine.port import Job, JobState
from entrepot.kernel.ctx import Conn
from entrepot.proof.sim.database import Undertaker
from entrepot.proof.sim.hazard import Chaos
from entrepot.proof.sim.scheduler import Scheduler, Signal
from entrepot.proof.world import InProcess

LEASE_S = 8.0
NOTICE_FAILS_PERCENT = 5
MAKES_WORK = frozenset({"decide", "sweep"})  # what other drains commit is seen at their end
EPOCH = """
    SELECT epoch, pg_current_xact_id_if_assigned() IS NOT NULL AS wrote
      FROM lane WHERE account = %s AND purpose = %s
"""


@dataclass
class Bulletin:
    """Where alerts arrive; sometimes the channel is down."""

    chaos: Chaos
    rng: Random
    notices: list[tuple[str, Notice]] = field(default_factory=list)

    def send(self, notice: Notice, channel: str) -> str | None:
        if self.chaos.on and self.rng.randrange(100) < NOTICE_FAILS_PERCENT:
            self.chaos.fired["alert-channel-down"] += 1
            return "the channel did not answer"
        self.notices.append((channel, notice))
        return None


class Carrier(InlineEngine):
    """The inline engine, which can be asked cheaply whether asking for a job makes sense."""

    def anything(self, queues: Sequence[str]) -> bool:
        return any(held.job.state is JobState.WAITING and held.job.queue in queues for held in self._held)


@dataclass(frozen=True, slots=True)
class Task:
    """A drain under way."""

    job: Job
    began: datetime


@dataclass
class Ground:
    """What all processes stand on."""

    scheduler: Scheduler
    chaos: Chaos
    undertaker: Undertaker
    url: str
    plan: Plan
    world: InProcess
    incarnation: str
    seed: int
    bulletin: Bulletin
    engine: Carrier = field(default_factory=Carrier)
    work: Signal = field(default_factory=lambda: Signal("work"))
    stir: Signal = field(default_factory=lambda: Signal("stir"))
    seat: Signal = field(default_factory=lambda: Signal("seat"))
    bugs: Counter[str] = field(default_factory=Counter)
    drains: Counter[str] = field(default_factory=Counter)
    overtaken: list[str] = field(default_factory=list)
    commits: int = 0

    def committed(self) -> None:
        """The leader may find work when somebody other than a drain that only moves on has committed something."""
        self.commits += 1
        fiber = self.scheduler.current
        task = fiber.task if fiber is not None else None
        if not isinstance(task, Task) or task.job.purpose in MAKES_WORK:
            self.scheduler.fire(self.stir)

    def stirred(self) -> None:
        self.commits += 1
        self.scheduler.fire(self.stir)

    def watch_fence(self, conn: Conn) -> None:
        """The outside observer of the fence: a drain about to commit something must still be its lane's drain."""
        fiber = self.scheduler.current
        task = fiber.task if fiber is not None else None
        if not isinstance(task, Task) or (self.scheduler.at - task.began).total_seconds() < LEASE_S:
            return  # before its first lease has run out, nobody can have taken it over
        if conn.info.transaction_status is TransactionStatus.INTRANS:
            row = conn.execute(EPOCH, (task.job.account, task.job.purpose)).fetchone()
            if row is not None and row["wrote"] and row["epoch"] != task.job.epoch:
                self.overtaken.append(
                    f"{task.job.account}/{task.job.purpose} at epoch {task.job.epoch}, the lane is at {row['epoch']}"
                )
