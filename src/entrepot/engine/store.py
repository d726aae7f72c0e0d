"""All SQL about lanes. Lane times are machine time.

Locks: a drain's transaction holds its lane FOR KEY SHARE; renewing and ending are plain updates, which go past that;
taking over needs FOR UPDATE, which does not. So senders of one drain never wait for each other, and an epoch cannot be
raised under an open transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from entrepot.kernel.ctx import Conn, Row

LOOK_LOCK = 0x656E_7472_6570_0003  # one look at a time, whoever looks


def after(instant: datetime, seconds: float) -> datetime:
    return instant + timedelta(seconds=seconds)


_HOLD = """
SELECT l.epoch, set_config('idle_in_transaction_session_timeout', %(idle_max_ms)s, true)
  FROM lane l, installation i
 WHERE l.account = %(account)s AND l.purpose = %(purpose)s AND l.epoch = %(epoch)s AND l.lease_until IS NOT NULL
   AND i.incarnation = %(incarnation)s
   FOR KEY SHARE OF l NOWAIT
"""


# What makes a lane ours: account, purpose, epoch, incarnation; and idle_max_ms: a process frozen in a transaction must
# not keep the lane from others, so the database ends a transaction that says nothing for so long.
Mine = Mapping[str, object]


def hold(conn: Conn, mine: Mine) -> bool:
    """Lock the lane until the transaction ends; False when it is not ours any more."""
    return conn.execute(_HOLD, mine).fetchone() is not None


_MINE = """
WITH mine AS (
    SELECT l.account, l.purpose, l.failures, i.plan_hash, set_config('idle_in_transaction_session_timeout', %(idle_max_ms)s, true)
      FROM lane l, installation i
     WHERE l.account = %(account)s AND l.purpose = %(purpose)s AND l.epoch = %(epoch)s AND l.lease_until IS NOT NULL
       AND i.incarnation = %(incarnation)s
       FOR NO KEY UPDATE OF l NOWAIT
)
"""

_RENEW = (
    _MINE
    + """
UPDATE lane SET lease_until = greatest(lane.lease_until, %(until)s) FROM mine
 WHERE lane.account = mine.account AND lane.purpose = mine.purpose
RETURNING mine.plan_hash
"""
)


def renew(conn: Conn, mine: Mine, until: datetime) -> str | None:
    """The plan in force; None when the lane is not ours any more."""
    row = conn.execute(_RENEW, {**mine, "until": until}).fetchone()
    return str(row["plan_hash"]) if row else None


_END = (
    _MINE
    + """
UPDATE lane SET lease_until = NULL, drained_at = %(at)s, not_before = %(not_before)s,
       failures = %(failures)s, last_error = %(error)s
  FROM mine WHERE lane.account = mine.account AND lane.purpose = mine.purpose
RETURNING lane.*, mine.failures AS failures_before
"""
)


def end(
    conn: Conn, mine: Mine, *, at: datetime, not_before: datetime | None, failures: int, error: str | None
) -> Row | None:
    """Give the lane back; the row as it is now, with `failures_before`. None when it was taken over meanwhile."""
    said = {"at": at, "not_before": not_before, "failures": failures, "error": error}
    return conn.execute(_END, {**mine, **said}).fetchone()


def lane(conn: Conn, account: str, purpose: str) -> Row | None:
    return conn.execute("SELECT * FROM lane WHERE account = %s AND purpose = %s", (account, purpose)).fetchone()


def lanes(conn: Conn) -> list[Row]:
    return conn.execute("SELECT * FROM lane ORDER BY account, purpose").fetchall()


def open_look(conn: Conn) -> str | None:
    """The database's incarnation, or None when somebody else is looking just now (two may think they lead)."""
    row = conn.execute(
        "SELECT pg_try_advisory_xact_lock(%s) AS had, (SELECT incarnation FROM installation) AS incarnation",
        (LOOK_LOCK,),
    ).fetchone()
    return str(row["incarnation"]) if row and row["had"] else None


_FREE = (
    "(l.lease_until IS NULL OR l.lease_until <= %(machine)s) AND (l.not_before IS NULL OR l.not_before <= %(machine)s)"
)


def due_query(due: Sequence[tuple[str, str]]) -> str:
    """One statement that asks every (purpose, due SQL) for accounts with due work, and keeps the free lanes."""
    parts = [
        f"SELECT {n} AS place, '{purpose}' AS purpose, d{n}.account FROM ({sql}) AS d{n} (account)"
        for n, (purpose, sql) in enumerate(due)
    ]
    return f"""
SELECT d.purpose, d.account FROM ({" UNION ALL ".join(parts)}) AS d
  LEFT JOIN lane l ON l.account = d.account AND l.purpose = d.purpose
 WHERE l.account IS NULL OR ({_FREE})
 ORDER BY d.place, d.account
"""


_CREATE = """
INSERT INTO lane (account, purpose, queue)
SELECT * FROM unnest(%(accounts)s::text[], %(purposes)s::text[], %(queues)s::text[])
ON CONFLICT (account, purpose) DO NOTHING
"""

_LOCK_FREE = f"""
SELECT l.* FROM unnest(%(accounts)s::text[], %(purposes)s::text[]) WITH ORDINALITY AS w (account, purpose, n)
  JOIN lane l ON l.account = w.account AND l.purpose = w.purpose
 WHERE {_FREE} ORDER BY w.n FOR UPDATE OF l SKIP LOCKED
"""


def lock_free_lanes(conn: Conn, wanted: Sequence[tuple[str, str, str]], machine: datetime) -> list[Row]:
    """Lock those lanes (account, purpose, queue) that are still free, in the order given; unknown ones are made."""
    names: dict[str, object] = {
        "accounts": [w[0] for w in wanted],
        "purposes": [w[1] for w in wanted],
        "queues": [w[2] for w in wanted],
        "machine": machine,
    }
    conn.execute(_CREATE, names)
    return conn.execute(_LOCK_FREE, names).fetchall()


def take_over(conn: Conn, account: str, purpose: str, queue: str, until: datetime) -> int:
    """Raise the epoch of a lane locked before; whoever drained it changes nothing any more."""
    row = conn.execute(
        "UPDATE lane SET epoch = epoch + 1, lease_until = %s, queue = %s"
        " WHERE account = %s AND purpose = %s RETURNING epoch",
        (until, queue, account, purpose),
    ).fetchone()
    return int(row["epoch"]) if row else 0


def extend(conn: Conn, account: str, purpose: str, until: datetime) -> None:
    """Leave the lane to the job that has been waiting for a thread longer than its lease."""
    conn.execute("UPDATE lane SET lease_until = %s WHERE account = %s AND purpose = %s", (until, account, purpose))


def seize(conn: Conn, account: str, purpose: str, queue: str, until: datetime) -> int:
    """Take a lane whether or not somebody drains it; its new epoch."""
    conn.execute(_CREATE, {"accounts": [account], "purposes": [purpose], "queues": [queue]})
    conn.execute("SELECT FROM lane WHERE account = %s AND purpose = %s FOR UPDATE NOWAIT", (account, purpose))
    return take_over(conn, account, purpose, queue, until)
