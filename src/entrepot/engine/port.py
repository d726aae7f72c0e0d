"""What the house asks of a task engine: carry a drain to a thread, say what it carries, forget what is over."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from entrepot.kernel.ctx import Conn


class JobState(StrEnum):
    WAITING = "waiting"  # nobody has started it
    RUNNING = "running"  # somebody started it; whether he still lives is the lease's business
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Job:
    """One drain of one lane, at one epoch. A job whose epoch is no longer the lane's does nothing."""

    queue: str
    account: str
    purpose: str
    epoch: int
    state: JobState = JobState.WAITING

    @property
    def lane(self) -> tuple[str, str]:
        return self.account, self.purpose


class Engine(Protocol):
    """Carries drains. A started job is never started a second time: the leader makes a new one when a lease ends."""

    def defer(self, conn: Conn, queue: str, account: str, purpose: str, epoch: int) -> None:
        """Add a job inside the caller's transaction: no commit, no job."""
        ...

    def list(self, conn: Conn) -> list[Job]:
        """Every job it still holds, oldest first."""
        ...

    def prune(self, conn: Conn) -> int:
        """Forget jobs that ended or whose worker died; returns how many."""
        ...
