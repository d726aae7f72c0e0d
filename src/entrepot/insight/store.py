"""All SQL of the measures. Each question is one pass over the rows of its time; nothing is asked per failure mode."""

from collections.abc import Mapping, Sequence
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


# ── offers over a time: rejected, aged, shown, oversold ──────────────────────────────────────────────────────

OFFER_FLOW, LISTING_FLOW, OVERSOLD = "offer-publication", "listing-offer", "oversold"
RETURNS_MOST = 5_000  # rejected rows, the newest, that are told apart by reason
SUBMISSIONS_MOST = 500  # of ours with rejects, likewise
LIVE_MOST = 3_000  # changes per account, the newest, whose way to live is measured
COUNTED_MOST = 100_000  # where more wait than these, that is what is said
EFFECTS_MOST = 3_000  # of our own actions, the newest
OVERSOLD_MOST = 10
PAGES_LOOKED_AT = 200  # of a table; a smaller one is looked at whole

# Whoever handed something in: sellers by their files and batches; ourselves (seller '') by what we submitted to channels.
_REJECTED = """
    SELECT f.account, f.seller, l.files, l.handed_in, l.by_us, coalesce(b.by_them, 0) AS by_them, c.cases, c.case_id, c.case_number
      FROM feed f
     CROSS JOIN LATERAL (SELECT count(*) AS files, coalesce(sum(rows_read), 0)::bigint AS handed_in, coalesce(sum(rows_rejected), 0)::bigint AS by_us
                           FROM feed_file WHERE account = f.account AND seller = f.seller AND applied_at >= %(since)s) AS l
      LEFT JOIN (SELECT account, seller, sum(refused)::bigint AS by_them FROM feed_batch
                  WHERE state = 'done' AND ended_at >= %(since)s GROUP BY account, seller) AS b USING (account, seller)
      LEFT JOIN (SELECT account, seller, count(*) AS cases, (array_agg(id ORDER BY due_at, id))[1] AS case_id,
                        (array_agg(number ORDER BY due_at, id))[1] AS case_number FROM case_file
                  WHERE resolved_at IS NULL AND flow = %(flow)s AND seller <> '' GROUP BY account, seller) AS c USING (account, seller)
     WHERE l.files > 0 OR b.by_them > 0
     UNION ALL
    SELECT account, '', count(*), sum(items)::bigint, 0, sum(rejected)::bigint, NULL, NULL, NULL
      FROM submission WHERE ended_at >= %(since)s GROUP BY account HAVING sum(items) > 0
     ORDER BY account, seller
"""
_REASONS = """
    SELECT field, code, by, sum(rows)::bigint AS rows, sum(open)::bigint AS open, sum(corrected)::bigint AS corrected, count(*) AS sellers,
           min(such_as) AS such_as, (array_agg(account ORDER BY rows DESC, account, seller))[1] AS account,
           (array_agg(seller ORDER BY rows DESC, account, seller))[1] AS mostly
      FROM (SELECT account, seller, field, code, CASE WHEN batch_id IS NULL THEN 'hub' ELSE 'marketplace' END AS by, count(*) AS rows,
                   count(*) FILTER (WHERE ended_at IS NULL) AS open, count(*) FILTER (WHERE ended_why = 'corrected') AS corrected, min(message) AS such_as
              FROM (SELECT * FROM feed_return ORDER BY id DESC LIMIT %(most)s) AS newest WHERE first_at >= %(since)s GROUP BY 1, 2, 3, 4, 5) AS r
     GROUP BY field, code, by
     UNION ALL
    SELECT i.attribute, i.code, 'marketplace', count(*), NULL, NULL, 1, min(i.message), s.account, ''
      FROM (SELECT account, submission_id FROM submission WHERE ended_at >= %(since)s AND rejected > 0
             ORDER BY ended_at DESC LIMIT %(submissions)s) AS s
      JOIN submission_item i USING (account, submission_id) WHERE NOT i.accepted GROUP BY i.attribute, i.code, s.account
     ORDER BY rows DESC, field, code, by, account
"""
_AGES = """count(*) AS seen, count(*) FILTER (WHERE at < %(stale)s::timestamptz) AS stale,
           percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM %(now)s - at)::float8) AS ages_s"""
_PART = "TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (1)"
_FED_AGES = """
    SELECT account AS name, {ages} FROM (
        SELECT o.account, CASE WHEN l.absent = 0 THEN l.applied_at ELSE o.changed_at END AS at
          FROM {offers} JOIN feed f ON f.account = o.account AND f.seller = o.seller JOIN feed_file l ON l.id = f.file_id
         WHERE o.state = 'live') AS offers GROUP BY account ORDER BY account
"""
_FEW_OFFERS = "(SELECT * FROM feed_offer WHERE account = %(account)s LIMIT %(most)s) AS o"
_POOL_AGES = f"""
    SELECT told_by AS name, {_AGES} FROM (SELECT told_by, changed_at AS at FROM stock_pool {_PART}) AS pools GROUP BY told_by ORDER BY told_by
"""
# Index feed_sent_live gives the newest first, whatever stands in the table; what waits stands in partial indexes of its own.
_FED_LIVE = """
    SELECT a.account, l.changes, l.took_s, u.unseen, u.late, b.waiting FROM (SELECT DISTINCT account FROM feed) AS a
     CROSS JOIN LATERAL (SELECT count(*) AS changes, percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY took) AS took_s
                           FROM (SELECT extract(epoch FROM live_at - changed_at)::float8 AS took FROM feed_sent
                                  WHERE account = a.account AND live_at >= %(since)s ORDER BY live_at DESC LIMIT %(most)s) AS newest) AS l
     CROSS JOIN LATERAL (SELECT count(*) AS unseen, count(*) FILTER (WHERE taken_at < %(late)s) AS late
                           FROM (SELECT taken_at FROM feed_sent WHERE account = a.account AND taken_at IS NOT NULL AND live_at IS NULL
                                  ORDER BY taken_at LIMIT %(counted)s) AS unseen) AS u
     CROSS JOIN LATERAL (SELECT coalesce(sum(rows), 0)::bigint AS waiting FROM feed_batch
                          WHERE account = a.account AND state IN ('planned', 'frozen')) AS b
     ORDER BY a.account
"""
# Our own listings: what is not shown as wanted (index listing_other), and how long the newest actions took to be taken.
_OWN_LIVE = """
    SELECT a.account, coalesce(t.changes, 0) AS changes, t.took_s, u.unseen, NULL::bigint AS late, coalesce(t.waiting, 0) AS waiting
      FROM unnest(%(accounts)s::text[]) AS a (account)
      LEFT JOIN (SELECT account, count(*) FILTER (WHERE done_at >= %(since)s) AS changes,
                        percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM done_at - planned_at)::float8)
                            FILTER (WHERE done_at >= %(since)s) AS took_s,
                        count(*) FILTER (WHERE state IN ('planned', 'sending', 'unknown')) AS waiting
                   FROM (SELECT * FROM effect ORDER BY id DESC LIMIT %(effects)s) AS newest WHERE flow = %(flow)s GROUP BY account) AS t USING (account)
     CROSS JOIN LATERAL (SELECT count(*) AS unseen FROM (
           SELECT FROM listing WHERE account = a.account AND state NOT IN ('requested', 'ended') AND (price_told < price_version
              OR stock_told < stock_version OR shown_price_minor <> wanted_price_minor OR shown_quantity <> wanted_quantity)
            LIMIT %(counted)s) AS other) AS u
     WHERE EXISTS (SELECT FROM listing WHERE account = a.account) ORDER BY a.account
"""
# Cases of the mode that were opened in the time or are open still; what they are about is their members', where they are groups.
_OVERSOLD = """
    SELECT c.id, c.number, c.state, c.count, c.account, c.opened_at, c.resolved_at, c.money_minor, c.currency, count(*) OVER () AS cases,
           sum(c.count) OVER () AS times, count(*) FILTER (WHERE c.resolved_at IS NULL) OVER () AS open,
           coalesce(m.object, c.object) AS object, coalesce(m.object_id, c.object_id) AS object_id, coalesce(m.name, '') AS name,
           coalesce(m.cause_text, c.cause_text) AS cause, coalesce(m.effect_id, c.effect_id) AS effect_id
      FROM (SELECT * FROM case_file WHERE mode = %(mode)s AND resolved_at IS NULL
             UNION ALL SELECT * FROM case_file WHERE mode = %(mode)s AND opened_at >= %(since)s AND resolved_at IS NOT NULL) AS c
      LEFT JOIN LATERAL (SELECT * FROM case_member WHERE case_id = c.id ORDER BY seen_at DESC, object, object_id LIMIT 1) AS m ON true
     ORDER BY c.number DESC LIMIT %(most)s
"""
# Who ordered it: an article's newest order that still holds pieces of it, or the order the back office was handed.
_OVERSOLD_ORDERS = """
    SELECT r.sku AS about, l.basket_id, l.order_id FROM unnest(%(skus)s::text[]) AS k (sku)
     CROSS JOIN LATERAL (SELECT * FROM stock_reservation WHERE sku = k.sku AND ended_at IS NULL ORDER BY made_at DESC, line_id LIMIT 1) AS r
      JOIN leg l ON l.id = r.leg_id
     UNION ALL
    SELECT e.id, l.basket_id, l.order_id FROM effect e JOIN leg l ON l.account = e.payload ->> 'account' AND l.order_id = e.payload ->> 'order_id'
     WHERE e.id = ANY(%(effects)s::text[]) ORDER BY about
"""


def rejected(conn: Conn, since: datetime) -> list[Row]:
    """One row per seller and account; seller '' is ourselves."""
    return conn.execute(_REJECTED, {"since": since, "flow": OFFER_FLOW}).fetchall()


def rejected_why(conn: Conn, since: datetime) -> list[Row]:
    return conn.execute(_REASONS, {"since": since, "most": RETURNS_MOST, "submissions": SUBMISSIONS_MOST}).fetchall()


def fed_ages(conn: Conn, now: datetime, stale: datetime, few: int) -> list[Row]:
    """By account. Of a large table some pages are looked at; an account with fewer than `few` offers on them is looked at by itself."""
    percent = _percent(conn, "feed_offer")
    given = {"now": now, "stale": stale, "percent": percent, "most": few * 100}
    found = conn.execute(_FED_AGES.format(ages=_AGES, offers=f"feed_offer o {_PART}"), given).fetchall()
    rows = {row["name"]: {**row, "percent": percent} for row in found}
    if percent < 100:
        by_itself = _FED_AGES.format(ages=_AGES, offers=_FEW_OFFERS)
        for account in (
            row["account"] for row in conn.execute("SELECT DISTINCT account FROM feed ORDER BY account").fetchall()
        ):
            if account not in rows or rows[account]["seen"] < few:
                whole = conn.execute(by_itself, {**given, "account": account}).fetchall()
                rows.update((row["name"], {**row, "percent": 100.0}) for row in whole)
    return [rows[name] for name in sorted(rows)]


def pool_ages(conn: Conn, now: datetime, stale: datetime | None) -> list[Row]:
    """By teller; of a large table some pages are looked at, on which a teller of a handful may be missing."""
    percent = _percent(conn, "stock_pool")
    rows = conn.execute(_POOL_AGES, {"now": now, "stale": stale, "percent": percent}).fetchall()
    return [{**row, "percent": percent} for row in rows]


def fed_live(conn: Conn, since: datetime, late: datetime) -> list[Row]:
    return conn.execute(
        _FED_LIVE, {"since": since, "late": late, "most": LIVE_MOST, "counted": COUNTED_MOST}
    ).fetchall()


def own_live(conn: Conn, accounts: Sequence[str], since: datetime) -> list[Row]:
    given = {
        "accounts": list(accounts),
        "since": since,
        "flow": LISTING_FLOW,
        "effects": EFFECTS_MOST,
        "counted": COUNTED_MOST,
    }
    return conn.execute(_OWN_LIVE, given).fetchall()


def oversold(conn: Conn, since: datetime) -> list[Row]:
    """The newest cases, each with the totals of all of them."""
    return conn.execute(_OVERSOLD, {"mode": OVERSOLD, "since": since, "most": OVERSOLD_MOST}).fetchall()


def oversold_orders(conn: Conn, skus: Sequence[str], effects: Sequence[str]) -> dict[str, Row]:
    """By article, and by the action that was refused."""
    rows = conn.execute(_OVERSOLD_ORDERS, {"skus": list(skus), "effects": list(effects)}).fetchall()
    return {row["about"]: row for row in rows}


def _percent(conn: Conn, table: str) -> float:
    """Which share of a table's pages is looked at."""
    row = conn.execute(
        "SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::int AS pages", (table,)
    ).fetchone()
    pages = row["pages"] if row else 0
    return 100.0 if pages <= PAGES_LOOKED_AT else 100.0 * PAGES_LOOKED_AT / pages
