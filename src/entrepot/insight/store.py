"""All SQL of the measures. Each question is one pass over the rows of its time; nothing is asked per failure mode."""

from datetime import datetime

from entrepot.kernel.ctx import Conn, Row

# Cases opened in the time looked at, and cases of any age that are still open: what hurts now is never too old to count.
_CASES = """
    SELECT mode, currency,
           count(*) FILTER (WHERE opened_at >= %(since)s) AS cases,
           coalesce(sum(count) FILTER (WHERE opened_at >= %(since)s), 0)::bigint AS times,
           count(*) FILTER (WHERE opened_at >= %(since)s AND level > 0) AS escalated,
           count(*) FILTER (WHERE resolved_at IS NULL) AS open_cases,
           coalesce(sum(money_minor) FILTER (WHERE resolved_at IS NULL), 0)::bigint AS at_risk_minor,
           coalesce(sum(money_minor) FILTER (WHERE opened_at >= %(since)s), 0)::bigint AS exposed_minor
      FROM case_file
     WHERE opened_at >= %(since)s OR resolved_at IS NULL
     GROUP BY mode, currency ORDER BY mode, currency
"""
# By mode alone: a median of several currencies cannot be made from theirs. Cases that closed by themselves count: they
# were decided by time.
_DECIDED = """
    SELECT mode, percentile_cont(0.5) WITHIN GROUP (ORDER BY resolved_at - opened_at) AS median
      FROM case_file WHERE resolved_at >= %(since)s GROUP BY mode ORDER BY mode
"""
_MISSED = """
    SELECT mode, currency, count(*) AS missed, coalesce(sum(money_minor), 0)::bigint AS lost_minor
      FROM obligation WHERE ended_at >= %(since)s AND state = 'missed' GROUP BY mode, currency ORDER BY mode, currency
"""


def cases(conn: Conn, since: datetime) -> list[Row]:
    return conn.execute(_CASES, {"since": since}).fetchall()


def decided(conn: Conn, since: datetime) -> list[Row]:
    return conn.execute(_DECIDED, {"since": since}).fetchall()


def missed(conn: Conn, since: datetime) -> list[Row]:
    return conn.execute(_MISSED, {"since": since}).fetchall()


def begun_at(conn: Conn) -> datetime | None:
    """When the first case was opened: before that there was nothing to look at."""
    row = conn.execute("SELECT min(opened_at) AS at FROM case_file").fetchone()
    return row["at"] if row else None
