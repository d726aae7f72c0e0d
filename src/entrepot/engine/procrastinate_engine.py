"""The real carrier of drains: Procrastinate's job table, worked by threads on any number of machines.

This is the end that puts jobs in; worker.py is the one that takes them out.
"""

import logging

import psycopg
from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.sync_psycopg_connector import SyncPsycopgConnector

from entrepot.engine.port import Job, JobState
from entrepot.engine.procrastinate_schema import SCHEMA, SEARCH_PATH, install
from entrepot.kernel.ctx import Conn

__all__ = ["DRAIN_TASK", "ProcrastinateEngine", "install"]

DRAIN_TASK = "entrepot.drain"
WORKER_DEAD_AFTER_S = (
    120.0  # its heartbeat is written every 10 s; only tidiness hangs on this, never the takeover of a lane
)

_STATES = {"todo": JobState.WAITING, "doing": JobState.RUNNING}

# It narrates every job at INFO; ours is the lane's row.
logging.getLogger("procrastinate").setLevel(logging.WARNING)


class ProcrastinateEngine:
    """Defers inside the caller's transaction, on his connection; needs none of its own."""

    def __init__(self) -> None:
        self._app = App(
            connector=SyncPsycopgConnector()
        )  # never opened: every statement goes over a connection handed in

    def defer(self, conn: Conn, queue: str, account: str, purpose: str, epoch: int) -> None:
        conn.execute("SELECT set_config('search_path', %s, true)", (SEARCH_PATH,))
        task = self._app.configure_task(DRAIN_TASK, queue=queue, connection=conn)
        try:
            task.defer(account=account, purpose=purpose, epoch=epoch)
        except ConnectorException as error:
            if isinstance(error.__cause__, psycopg.Error):
                raise error.__cause__ from None  # the transaction's owner knows psycopg's errors, not Procrastinate's
            raise

    def list(self, conn: Conn) -> list[Job]:
        rows = conn.execute(
            f"SELECT queue_name, args, status::text AS status FROM {SCHEMA}.procrastinate_jobs"
            " WHERE task_name = %s ORDER BY id",
            (DRAIN_TASK,),
        ).fetchall()
        return [
            Job(
                queue=row["queue_name"],
                account=row["args"]["account"],
                purpose=row["args"]["purpose"],
                epoch=row["args"]["epoch"],
                state=_STATES.get(row["status"], JobState.ENDED),
            )
            for row in rows
        ]

    def prune(self, conn: Conn) -> int:
        """Jobs of workers whose heartbeat stopped, and whatever ended without being deleted.

        Heartbeats are written in the database's own time, so they are judged by it.
        """
        conn.execute("SELECT set_config('search_path', %s, true)", (SEARCH_PATH,))
        conn.execute("SELECT procrastinate_prune_stalled_workers_v1(%s)", (WORKER_DEAD_AFTER_S,))
        return conn.execute(
            "DELETE FROM procrastinate_jobs WHERE task_name = %s"
            " AND ((status = 'doing' AND worker_id IS NULL) OR status NOT IN ('todo', 'doing'))",
            (DRAIN_TASK,),
        ).rowcount
