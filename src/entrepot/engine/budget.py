"""How many connections the processes may hold together: PostgreSQL's own limit is 100, and people need some."""

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.kernel.errors import WrongSetting

CONNECTIONS_MAX = 80
WORKER_EXTRA = 4  # the carrier's two, its listener, one for the leader's election
WEB_POOL = 20
WEB_EXTRA = 4
LEADER = 2


@dataclass(frozen=True, slots=True)
class Share:
    """What one process may hold at most."""

    process: str
    connections: int


@dataclass(frozen=True, slots=True)
class Budget:
    shares: tuple[Share, ...]

    @property
    def total(self) -> int:
        return sum(share.connections for share in self.shares)


def connection_budget(worker_threads: Sequence[int], webs: int = 1) -> Budget:
    """Shares of each worker (given by its number of threads), each web process and the leader.

    Errors: WrongSetting when they exceed the limit together.
    """
    workers = [Share(f"worker-{n}", threads + WORKER_EXTRA) for n, threads in enumerate(worker_threads, 1)]
    web = [Share(f"web-{n}", WEB_POOL + WEB_EXTRA) for n in range(1, webs + 1)]
    budget = Budget((*workers, *web, Share("leader", LEADER)))
    if budget.total > CONNECTIONS_MAX:
        listed = ", ".join(f"{share.process} {share.connections}" for share in budget.shares)
        raise WrongSetting(
            f"the processes may hold {budget.total} database connections together ({listed}),"
            f" {CONNECTIONS_MAX} is the limit: run fewer workers or fewer threads in each",
            total=budget.total,
        )
    return budget
