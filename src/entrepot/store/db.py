"""Pooled transactions on the hub's PostgreSQL. Nothing else in the house opens a connection for business work."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from entrepot.kernel.ctx import Conn
from entrepot.kernel.errors import Busy, NotNow

APP_ROLE = "entrepot_app"
LOCK_TIMEOUT_MS = 2_000
STATEMENT_TIMEOUT_MS = 30_000
POOL_WAIT_S = 10.0

FROZEN_S = 10.0  # a transaction idle for longer belongs to a frozen process: the database ends it and frees its locks

# the idle timeout is no OperationalError to psycopg, but means the same: this connection is gone
AWAY = (psycopg.OperationalError, PoolTimeout, errors.IdleInTransactionSessionTimeout)
BUSY = (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure)


class DatabaseAway(NotNow):
    """PostgreSQL does not answer (restarting, killed, network); what was not committed is not done."""

    code = "database-away"


def prepare(conn: psycopg.Connection[Any], *, app_role: bool = True, lock_timeout_ms: int = LOCK_TIMEOUT_MS) -> None:
    """Session settings of every connection of ours: UTC, bounded waits, the application's role and not the migrator's."""
    conn.row_factory = dict_row
    wanted = {
        "timezone": "UTC",
        "lock_timeout": f"{lock_timeout_ms}ms",
        "statement_timeout": f"{STATEMENT_TIMEOUT_MS}ms",
        "idle_in_transaction_session_timeout": f"{FROZEN_S:.0f}s",
    }
    conn.execute("SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS s (name, value)",
                 (list(wanted), list(wanted.values())))  # fmt: skip
    if app_role and conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (APP_ROLE,)).fetchone():
        conn.execute(f"SET ROLE {APP_ROLE}")
    conn.commit()


class Db:
    """A bounded pool. `transaction()` commits at its end; errors come as Busy (somebody holds it) or DatabaseAway."""

    def __init__(self, url: str, *, max_size: int = 4, min_size: int = 0, name: str = "hub") -> None:
        self.url = url
        self._pool: ConnectionPool[Conn] = ConnectionPool(
            url,
            min_size=min_size,
            max_size=max_size,
            name=name,
            open=False,
            configure=prepare,
            timeout=POOL_WAIT_S,
            max_idle=120,
            reconnect_timeout=60,
            kwargs={"row_factory": dict_row, "connect_timeout": 5, "application_name": f"entrepot-{name}"},
        )
        self._pool.open()

    @contextmanager
    def transaction(self) -> Iterator[Conn]:
        try:
            with self._pool.connection() as conn:
                yield conn
        except BUSY as error:
            raise Busy(f"another transaction holds what this one needs: {error.diag.message_primary}") from error
        except AWAY as error:
            raise DatabaseAway(f"the database does not answer: {str(error).splitlines()[0]}") from error

    def close(self) -> None:
        self._pool.close(timeout=5)
