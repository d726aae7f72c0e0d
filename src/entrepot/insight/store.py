"""All SQL of the measures. Each question is one pass over the rows of its time; nothing is asked per failure mode."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

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


# ── sellers' files ───────────────────────────────────────────────────────────────────────────────────────────

_WHOSE = "(%(account)s = '' OR {0}.account = %(account)s) AND (%(seller)s = '' OR {0}.seller = %(seller)s)"
_FEED_SELLERS = f"""
    SELECT f.account, f.seller, l.name AS last_file, l.applied_at AS last_at, l.state, o.live,
           r.open AS rejected, round(100.0 * r.open / greatest(o.live + r.fresh, 1), 1)::float8 AS rejected_percent,
           extract(epoch FROM o.age)::float8 AS age_p95_s, round(100.0 * o.stale / greatest(o.live, 1), 1)::float8 AS stale_percent,
           s.waiting, s.unseen, extract(epoch FROM s.to_live)::float8 AS to_live_p95_s
      FROM feed f JOIN feed_file l ON l.id = f.file_id
     CROSS JOIN LATERAL (SELECT count(*) AS live, count(*) FILTER (WHERE v.at < %(stale)s) AS stale,
                                percentile_cont(0.95) WITHIN GROUP (ORDER BY %(now)s - v.at) AS age
                           FROM (SELECT CASE WHEN l.absent = 0 THEN l.applied_at ELSE changed_at END AS at FROM feed_offer
                                  WHERE account = f.account AND seller = f.seller AND state = 'live') AS v) AS o
     CROSS JOIN LATERAL (SELECT count(DISTINCT CASE WHEN sku = '' THEN id::text ELSE sku END) AS open,
                                count(DISTINCT sku) FILTER (WHERE NOT EXISTS (SELECT FROM feed_offer k WHERE k.account = b.account AND k.seller = b.seller
                                                                              AND k.sku = b.sku AND k.state = 'live')) AS fresh
                           FROM feed_return b WHERE b.account = f.account AND b.seller = f.seller AND b.ended_at IS NULL) AS r
     CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE batch_id IS NOT NULL) AS waiting, count(*) FILTER (WHERE taken_at IS NOT NULL AND live_at IS NULL) AS unseen,
                                percentile_cont(0.95) WITHIN GROUP (ORDER BY live_at - changed_at) FILTER (WHERE live_at >= %(since)s) AS to_live
                           FROM feed_sent WHERE account = f.account AND seller = f.seller) AS s
     WHERE {_WHOSE.format("f")} ORDER BY r.open DESC, f.account, f.seller
"""
_FEED_REASONS = f"""
    SELECT r.account, r.seller, r.field, r.code, CASE WHEN r.batch_id IS NULL THEN 'hub' ELSE 'marketplace' END AS by,
           count(*) AS rows, count(*) FILTER (WHERE r.ended_at IS NULL) AS open, count(*) FILTER (WHERE r.ended_why = 'corrected') AS corrected,
           min(r.message) AS such_as
      FROM feed_return r WHERE r.first_at >= %(since)s AND {_WHOSE.format("r")}
     GROUP BY 1, 2, 3, 4, 5 ORDER BY count(*) DESC, 1, 2, 3, 4, 5
"""


def feed_sellers(conn: Conn, given: Mapping[str, Any]) -> list[Row]:
    """One row per seller whose files are taken in. An offer is as old as its last change, or as the last file where that left none out."""
    return conn.execute(_FEED_SELLERS, given).fetchall()


def feed_reasons(conn: Conn, given: Mapping[str, Any]) -> list[Row]:
    return conn.execute(_FEED_REASONS, given).fetchall()
