"""Everything that is not deterministic, handed in together: clocks, ids, randomness, network, database, and the points where a process may die."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from psycopg import Connection

from entrepot.kernel.clock import Clock
from entrepot.kernel.http import HttpSender
from entrepot.kernel.ids import Ids

Row = dict[str, Any]
Conn = Connection[Row]


class Database(Protocol):
    """Transactions on the hub's PostgreSQL; rows come as dicts, times as aware UTC."""

    def transaction(self) -> AbstractContextManager[Conn]:
        """One transaction on a pooled connection: commit at the end, roll back on error.

        Errors: Busy for a lock not had, a deadlock or a serialization failure; NotNow when the database is away.
        """
        ...


class Points:
    """Kill points: every `ctx.point(name)` registers itself, so that "killed at 100 % of registered points" can be counted."""

    def __init__(self) -> None:
        self.hits: dict[str, int] = {}

    def reach(self, name: str) -> None:
        self.hits[name] = self.hits.get(name, 0) + 1


@dataclass(slots=True)
class Ctx:
    """Handed to every function that acts. `environment` and `plan_hash` travel with each row written."""

    db: Database
    clock: Clock
    ids: Ids
    http: HttpSender
    incarnation: str = ""
    plan_hash: str = ""
    environment: str = "sandbox"
    points: Points = field(default_factory=Points)

    def point(self, name: str) -> None:
        """A place where the process may be killed, frozen or switched; named `room.step`."""
        self.points.reach(name)
