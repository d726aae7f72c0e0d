"""One simulated process's own connections to the real PostgreSQL, and the ways to lose them.

Nothing may block the one thread: locks are waited for only milliseconds (then Busy), and a lost session is ended by the
server before anybody else runs, so that the same seed meets the same locks.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from entrepot.kernel.ctx import Conn
from entrepot.kernel.errors import Busy
from entrepot.proof.sim.hazard import CommitFate, Hazard
from entrepot.store.db import BUSY, DatabaseAway, prepare

LOCK_TIMEOUT_MS = 4
GONE_LOOKS_MAX = 5_000  # of a millisecond each; the server's own waiting looks ten times a second


class Undertaker:
    """Ends sessions on the server and waits until they are gone. One per simulated day."""

    def __init__(self, url: str) -> None:
        self._admin = psycopg.connect(url, autocommit=True)

    def end(self, conns: Sequence[psycopg.Connection[Any]]) -> None:
        pids = [conn.info.backend_pid for conn in conns if not conn.closed]
        if not pids:
            return
        self._admin.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS p (pid)", (pids,))
        for _ in range(GONE_LOOKS_MAX):
            row = self._admin.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)", (pids,)).fetchone()
            if row == (0,):
                return
            self._admin.execute("SELECT pg_sleep(0.001)")
        raise DatabaseAway(f"sessions {pids} do not end")

    def close(self) -> None:
        self._admin.close()


class FiberDb:
    """The hub's database port for one life of one process."""

    def __init__(self, url: str, undertaker: Undertaker, hazard: Hazard) -> None:
        self._url = url
        self._undertaker = undertaker
        self._hazard = hazard
        self._idle: list[Conn] = []
        self._open: list[Conn] = []

    def connect(self) -> Conn:
        """A connection of one's own. Errors: DatabaseAway."""
        conn: Conn = psycopg.connect(self._url, row_factory=dict_row, connect_timeout=5)
        prepare(conn, lock_timeout_ms=LOCK_TIMEOUT_MS)
        self._open.append(conn)
        return conn

    @contextmanager
    def transaction(self) -> Iterator[Conn]:
        conn = self._idle.pop() if self._idle else self.connect()
        try:
            yield conn
            self._commit(conn)
        except BUSY as error:
            raise Busy(f"another transaction holds what this one needs: {error.diag.message_primary}") from error
        except psycopg.OperationalError as error:
            raise DatabaseAway(f"the database does not answer: {str(error).splitlines()[0]}") from error
        finally:
            self._put_back(conn)

    def _commit(self, conn: Conn) -> None:
        fate = self._hazard.at_commit(conn)
        if fate is CommitFate.LOST_BEFORE:
            self._undertaker.end([conn])
        conn.commit()
        if fate is CommitFate.LOST_AFTER:
            self._undertaker.end([conn])
            raise psycopg.OperationalError("the connection was lost before the answer to COMMIT came")
        self._hazard.committed()

    def _put_back(self, conn: Conn) -> None:
        if not conn.closed and conn.info.transaction_status is not TransactionStatus.IDLE:
            with suppress(psycopg.Error):
                conn.rollback()
        if conn.closed or conn.info.transaction_status is not TransactionStatus.IDLE:
            self.forget(conn)
        else:
            self._idle.append(conn)

    def forget(self, conn: Conn) -> None:
        conn.close()
        self._open = [one for one in self._open if one is not conn]

    def drop_all(self) -> None:
        """The network, or an administrator, ends every session of this process; its pool notices when it next uses them."""
        self._undertaker.end(list(self._open))

    def drop_in_transaction(self) -> None:
        """What the server does to a process that is silent in a transaction for too long."""
        busy = (TransactionStatus.INTRANS, TransactionStatus.INERROR)
        self._undertaker.end([c for c in self._open if not c.closed and c.info.transaction_status in busy])

    def die(self) -> None:
        """The process is gone, and its sockets with it."""
        self._undertaker.end(self._open)
        for conn in self._open:
            conn.close()
        self._open, self._idle = [], []
