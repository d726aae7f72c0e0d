"""The carrier without a carrier: jobs wait in a list until the simulator (or a test) takes them."""

from dataclasses import dataclass, replace

from entrepot.engine.port import Job, JobState
from entrepot.kernel.ctx import Conn


@dataclass(slots=True)
class _Held:
    job: Job
    transaction: str  # the database's own id of the transaction that deferred it


class InlineEngine:
    """Deferred jobs in memory. What a rolled-back transaction deferred was never deferred: the database is asked."""

    def __init__(self) -> None:
        self._held: list[_Held] = []

    def defer(self, conn: Conn, queue: str, account: str, purpose: str, epoch: int) -> None:
        row = conn.execute("SELECT pg_current_xact_id()::text AS id").fetchone()
        self._held.append(_Held(Job(queue, account, purpose, epoch), row["id"] if row else ""))

    def list(self, conn: Conn) -> list[Job]:
        self._settle(conn)
        return [held.job for held in self._held]

    def prune(self, conn: Conn) -> int:
        self._settle(conn)
        over = [held for held in self._held if held.job.state is not JobState.WAITING]
        self._held = [held for held in self._held if held.job.state is JobState.WAITING]
        return len(over)

    def take(self, conn: Conn, *queues: str) -> Job | None:
        """Start the oldest waiting job (of these queues, when named); None when nothing waits."""
        self._settle(conn)
        committed = self._fates(conn)
        for held in self._held:
            if (
                held.job.state is JobState.WAITING
                and (not queues or held.job.queue in queues)
                and committed[held.transaction] == "committed"
            ):
                held.job = replace(held.job, state=JobState.RUNNING)
                return held.job
        return None

    def end(self, job: Job) -> None:
        """A started job has run to its end; a killed one never says so and is pruned."""
        self._held = [held for held in self._held if held.job != job]

    def _settle(self, conn: Conn) -> None:
        fates = self._fates(conn)
        self._held = [held for held in self._held if fates[held.transaction] != "aborted"]

    def _fates(self, conn: Conn) -> dict[str, str]:
        """Fate of each transaction that deferred something: committed, aborted, or still in progress."""
        ids = sorted({held.transaction for held in self._held})
        if not ids:
            return {}
        rows = conn.execute(
            "SELECT id, pg_xact_status(id::xid8) AS fate FROM unnest(%s::text[]) AS t (id) ORDER BY id", (ids,)
        ).fetchall()
        return {
            row["id"]: row["fate"] or "committed" for row in rows
        }  # null: too old to be known, so long since committed
