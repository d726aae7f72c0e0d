"""All SQL of fed offers on their way to the marketplace: what is due, batches, what is in one, what became of it. Set-wise throughout."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from entrepot.kernel.ctx import Conn, Row
from entrepot.store.bulk import texts

if TYPE_CHECKING:
    from datetime import datetime, timedelta

LANES = ("offers", "prices", "stock")
LOOKED, CHOSEN = "pg_temp.feed_looked", "pg_temp.feed_chosen"
_OPEN = "('planned', 'sending', 'unknown')"  # states of an effect that is not over

# ── what is to be looked at ──────────────────────────────────────────────────────────────────────────────────


def queue(conn: Conn, file_id: str, account: str, seller: str, at: "datetime") -> None:
    conn.execute(
        "INSERT INTO feed_queue (file_id, account, seller, queued_at) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (file_id, account, seller, at),
    )


def due_sellers(conn: Conn, account: str, now: "datetime", limit: int) -> list[str]:
    rows = conn.execute(
        "SELECT seller FROM feed_seller WHERE account = %s AND publish_at <= %s ORDER BY publish_at, seller LIMIT %s FOR UPDATE SKIP LOCKED",
        (account, now, limit),
    ).fetchall()
    return [row["seller"] for row in rows]


def look(conn: Conn, account: str, seller: str, now: "datetime", limit: int) -> int:
    """The next offers of this seller to look at, into a temporary table; returns how many. Those asked for once more come first."""
    conn.execute("DROP TABLE IF EXISTS pg_temp.feed_looked")
    conn.execute("CREATE TEMP TABLE feed_looked (sku text PRIMARY KEY) ON COMMIT DROP")
    given = {"account": account, "seller": seller, "now": now, "limit": limit}
    found = conn.execute(
        "WITH taken AS (DELETE FROM feed_again WHERE (account, seller, sku) IN (SELECT account, seller, sku FROM feed_again "
        "WHERE account = %(account)s AND seller = %(seller)s AND after_at <= %(now)s ORDER BY sku LIMIT %(limit)s) RETURNING sku) "
        "INSERT INTO pg_temp.feed_looked SELECT sku FROM taken",
        given,
    ).rowcount
    return found or _next_of_file(conn, given)


def _next_of_file(conn: Conn, given: dict[str, Any]) -> int:
    """A stretch of the oldest file that is not through; the file leaves the queue with its last one."""
    row = conn.execute(
        "SELECT file_id, after_sku FROM feed_queue WHERE account = %(account)s AND seller = %(seller)s ORDER BY queued_at, file_id LIMIT 1",
        given,
    ).fetchone()
    if row is None:
        return 0
    found = conn.execute(
        "INSERT INTO pg_temp.feed_looked SELECT sku FROM feed_offer WHERE account = %(account)s AND seller = %(seller)s "
        "AND sku > %(after_sku)s AND file_id = %(file_id)s ORDER BY sku LIMIT %(limit)s",
        {**given, **row},
    ).rowcount
    if found < given["limit"]:
        conn.execute("DELETE FROM feed_queue WHERE file_id = %s", (row["file_id"],))
    else:
        conn.execute(
            "UPDATE feed_queue SET after_sku = (SELECT max(sku) FROM pg_temp.feed_looked) WHERE file_id = %s",
            (row["file_id"],),
        )
    return found


def again(conn: Conn, account: str, seller: str, skus: str, after: "datetime") -> int:
    """Have the offers in the relation `skus` looked at once more."""
    return conn.execute(
        f"INSERT INTO feed_again (account, seller, sku, after_at) SELECT %s, %s, sku, %s FROM {skus} ORDER BY sku "
        "ON CONFLICT (account, seller, sku) DO UPDATE SET after_at = least(feed_again.after_at, excluded.after_at)",
        (account, seller, after),
    ).rowcount


def looked(conn: Conn, account: str, seller: str) -> None:
    """When this seller is looked at next: while something waits, when it may have come; else not before something happens."""
    conn.execute(
        "UPDATE feed_seller SET publish_at = (SELECT min(at) FROM (SELECT min(queued_at) AS at FROM feed_queue WHERE account = %(account)s AND seller = %(seller)s "
        "UNION ALL SELECT min(after_at) FROM feed_again WHERE account = %(account)s AND seller = %(seller)s) AS waiting) "
        "WHERE account = %(account)s AND seller = %(seller)s",
        {"account": account, "seller": seller},
    )


# ── by which lane ────────────────────────────────────────────────────────────────────────────────────────────

_NOW = "(c.live, c.price_minor, c.sale_price_minor, c.quantity, c.content)"
_SENT = "(s.sent_live, s.sent_price_minor, s.sent_sale_minor, s.sent_quantity, s.sent_content)"
_TAKEN = "(s.taken_live, s.taken_price_minor, s.taken_sale_minor, s.taken_quantity, s.taken_content)"
# nothing: it is there already, or refused and unchanged. back: it is again what they took. wait: what a whole offer must repeat is not known.
_LANE = f"""
    CASE WHEN NOT c.live AND coalesce(s.taken_live, x.active, false) IS FALSE THEN CASE WHEN s.sent_live IS NULL THEN 'nothing' ELSE 'back' END
         WHEN {_NOW} IS NOT DISTINCT FROM {_TAKEN} THEN CASE WHEN {_SENT} IS DISTINCT FROM {_TAKEN} THEN 'back' ELSE 'nothing' END
         WHEN {_NOW} IS NOT DISTINCT FROM {_SENT} THEN 'nothing'
         WHEN NOT c.live THEN 'offers'
         WHEN c.price_minor IS NULL THEN 'wait'
         WHEN s.taken_live AND c.content = s.taken_content AND c.quantity = s.taken_quantity THEN 'prices'
         WHEN s.taken_live AND c.content = s.taken_content AND (c.price_minor, c.sale_price_minor)
              IS NOT DISTINCT FROM (s.taken_price_minor, s.taken_sale_minor) THEN 'stock'
         WHEN x.offer_id IS NOT NULL AND d.offer_id IS NULL THEN 'wait'
         ELSE 'offers' END"""
# One look-up per offer by the key, whatever the planner believes of tables that were just filled (OFFSET 0 keeps it from joining them whole).
_COUNTED = """
     CROSS JOIN LATERAL (SELECT * FROM feed_counted v WHERE v.account = %(account)s AND v.seller = %(seller)s AND v.sku = k.sku OFFSET 0) AS c"""
_SEEN = """
      LEFT JOIN LATERAL (SELECT * FROM offer_seen o WHERE o.account = c.account AND o.seller_id = c.seller AND o.sku = c.sku
                          ORDER BY o.active DESC, o.changed_at DESC, o.offer_id LIMIT 1) AS x ON true
      LEFT JOIN offer_details d ON d.account = x.account AND d.offer_id = x.offer_id"""


def choose(conn: Conn, account: str, seller: str) -> dict[str, int]:
    """Sort what is looked at by lane, without what is on its way in a batch that may not change any more; counts by lane."""
    conn.execute("DROP TABLE IF EXISTS pg_temp.feed_chosen")
    conn.execute(
        f"""
        CREATE TEMP TABLE feed_chosen ON COMMIT DROP AS
        SELECT k.sku, {_LANE} AS lane FROM pg_temp.feed_looked k {_COUNTED}
          LEFT JOIN LATERAL (SELECT * FROM feed_sent v WHERE v.account = %(account)s AND v.seller = %(seller)s AND v.sku = k.sku OFFSET 0) AS s ON true {_SEEN}
         WHERE NOT EXISTS (SELECT FROM feed_batch b JOIN effect e ON e.key = b.effect_key WHERE b.id = s.batch_id AND e.state IN {_OPEN})
        """,
        {"account": account, "seller": seller},
    )
    rows = conn.execute("SELECT lane, count(*) AS n FROM pg_temp.feed_chosen GROUP BY lane ORDER BY lane").fetchall()
    return {row["lane"]: row["n"] for row in rows}


def of_lane(lane: str) -> str:
    """Those of one lane as a relation of SKUs."""
    assert lane in (*LANES, "back", "wait", "nothing")
    return f"(SELECT sku FROM pg_temp.feed_chosen WHERE lane = '{lane}')"


def put_back(conn: Conn, account: str, seller: str, skus: str) -> None:
    """What counts is again what they took: nothing is to be sent, and what they refused is over."""
    conn.execute(
        f"UPDATE feed_sent s SET sent_live = taken_live, sent_price_minor = taken_price_minor, sent_sale_minor = taken_sale_minor, "
        f"sent_quantity = taken_quantity, sent_content = taken_content FROM {skus} AS k WHERE s.account = %s AND s.seller = %s AND s.sku = k.sku",
        (account, seller),
    )


# ── batches ──────────────────────────────────────────────────────────────────────────────────────────────────


def plan_batch(conn: Conn, batch: dict[str, Any]) -> None:
    """All that was chosen for its lane, as one batch."""
    conn.execute(
        "INSERT INTO feed_batch (id, account, seller, lane, effect_key, state, rows, planned_at) "
        "VALUES (%(id)s, %(account)s, %(seller)s, %(lane)s, %(effect_key)s, 'planned', %(rows)s, %(at)s)",
        batch,
    )
    conn.execute(
        f"INSERT INTO feed_sent AS kept (account, seller, sku, batch_id) SELECT %(account)s, %(seller)s, sku, %(id)s FROM {of_lane(batch['lane'])} AS k "
        "ORDER BY sku ON CONFLICT (account, seller, sku) DO UPDATE SET batch_id = excluded.batch_id, line = NULL",
        batch,
    )


def batch(conn: Conn, batch_id: str) -> Row | None:
    return conn.execute("SELECT * FROM feed_batch WHERE id = %s FOR UPDATE", (batch_id,)).fetchone()


def freeze(conn: Conn, found: Row, now: "datetime") -> int:
    """Fill a batch with what counts at this moment; what needs another lane by now leaves it, to be looked at again. Returns its rows."""
    given = {
        "account": found["account"],
        "seller": found["seller"],
        "batch": found["id"],
        "lane": found["lane"],
        "now": now,
    }
    conn.execute("DROP TABLE IF EXISTS pg_temp.feed_left")
    conn.execute(
        f"""
        CREATE TEMP TABLE feed_left ON COMMIT DROP AS
        SELECT k.sku FROM feed_sent k
          LEFT JOIN LATERAL (SELECT * FROM feed_counted v WHERE v.account = %(account)s AND v.seller = %(seller)s AND v.sku = k.sku OFFSET 0) AS c ON true
          LEFT JOIN LATERAL (SELECT k.*) AS s ON true {_SEEN}
         WHERE k.batch_id = %(batch)s AND ({_LANE}) IS DISTINCT FROM %(lane)s
        """,
        given,
    )
    again(conn, found["account"], found["seller"], "pg_temp.feed_left", now)
    conn.execute(
        "UPDATE feed_sent s SET batch_id = NULL, line = NULL FROM pg_temp.feed_left k WHERE s.account = %(account)s AND s.seller = %(seller)s AND s.sku = k.sku",
        given,
    )
    conn.execute("DROP TABLE IF EXISTS pg_temp.feed_filled")
    conn.execute(
        f"""
        CREATE TEMP TABLE feed_filled ON COMMIT DROP AS
        SELECT c.*, row_number() OVER (ORDER BY k.sku) AS line FROM feed_sent k {_COUNTED} WHERE k.batch_id = %(batch)s
        """,
        given,
    )
    return conn.execute(
        """
        UPDATE feed_sent s SET line = n.line, sent_live = n.live, sent_price_minor = n.price_minor, sent_sale_minor = n.sale_price_minor,
               sent_quantity = n.quantity, sent_content = n.content, changed_at = n.changed_at
          FROM pg_temp.feed_filled n WHERE s.account = %(account)s AND s.seller = %(seller)s AND s.sku = n.sku
        """,
        given,
    ).rowcount


def move_batch(conn: Conn, batch_id: str, state: str, *, rows: int | None = None, at: "datetime | None" = None) -> None:
    conn.execute(
        "UPDATE feed_batch SET state = %s, rows = coalesce(%s, rows), ended_at = %s WHERE id = %s",
        (state, rows, at, batch_id),
    )


def rows_of(conn: Conn, found: Row) -> list[Row]:
    """What a batch says, row by row, with all that a whole offer must repeat so that nothing of it falls back to a default."""
    return conn.execute(
        f"""
        SELECT k.line, k.sku, k.sent_live AS live, k.sent_price_minor AS price_minor, k.sent_sale_minor AS sale_price_minor, k.sent_quantity AS quantity,
               c.currency, c.condition, c.lead_days, c.gtin, coalesce(x.product_id, '') AS product_id, coalesce(x.state_code, '') AS state_code,
               coalesce(a.laid ->> 'description', x.description, '') AS description, coalesce(d.terms, '{{}}') AS terms,
               coalesce(f.says_sale, false) AS says_sale
          FROM feed_sent k {_COUNTED}
          LEFT JOIN feed_apart a ON a.account = k.account AND a.seller = k.seller AND a.sku = k.sku {_SEEN}
          LEFT JOIN (SELECT id, EXISTS (SELECT FROM jsonb_each_text(columns) AS col WHERE col.value = 'sale_price') AS says_sale
                       FROM feed_file WHERE account = %(account)s AND seller = %(seller)s) AS f ON f.id = c.file_id
         WHERE k.batch_id = %(batch)s ORDER BY k.line
        """,
        {"account": found["account"], "seller": found["seller"], "batch": found["id"]},
    ).fetchall()


# ── what became of it ────────────────────────────────────────────────────────────────────────────────────────


def settle(conn: Conn, found: Row, refused: Sequence[str], import_id: str, now: "datetime") -> None:
    """A batch is worked off: these SKUs were refused, all others taken. What changed here meanwhile is looked at again."""
    given = {"batch": found["id"], "now": now, "refused": texts(list(refused)), "import": import_id}
    given |= {"account": found["account"], "seller": found["seller"]}
    conn.execute("DROP TABLE IF EXISTS pg_temp.feed_settled")
    conn.execute(
        "CREATE TEMP TABLE feed_settled ON COMMIT DROP AS SELECT sku, sku <> ALL (%(refused)s::text[]) AS taken FROM feed_sent WHERE batch_id = %(batch)s",
        given,
    )
    conn.execute(
        "UPDATE feed_sent s SET taken_live = sent_live, taken_price_minor = sent_price_minor, taken_sale_minor = sent_sale_minor, "
        "taken_quantity = sent_quantity, taken_content = sent_content, taken_at = %(now)s, live_at = NULL "
        "FROM pg_temp.feed_settled g WHERE s.account = %(account)s AND s.seller = %(seller)s AND s.sku = g.sku AND g.taken",
        given,
    )
    conn.execute("UPDATE feed_sent SET batch_id = NULL, line = NULL WHERE batch_id = %(batch)s", given)
    conn.execute(
        "UPDATE feed_batch SET state = 'done', ended_at = %(now)s, import_id = %(import)s, "
        "taken = (SELECT count(*) FROM pg_temp.feed_settled WHERE taken), refused = (SELECT count(*) FROM pg_temp.feed_settled WHERE NOT taken) "
        "WHERE id = %(batch)s",
        given,
    )
    again(conn, found["account"], found["seller"], "pg_temp.feed_settled", now)


TAKEN = "(SELECT sku FROM pg_temp.feed_settled WHERE taken)"


# ── accepted is not live ─────────────────────────────────────────────────────────────────────────────────────


def see_live(conn: Conn, account: str, limit: int) -> int:
    """What their own lists show as it was sent; less stock than sent was sold meanwhile. Returns how many offers went live."""
    return conn.execute(
        """
        UPDATE feed_sent s SET live_at = x.seen_at FROM (
            SELECT s.seller, s.sku, o.seen_at FROM feed_sent s
              JOIN offer_seen o ON o.account = s.account AND o.seller_id = s.seller AND o.sku = s.sku
             WHERE s.account = %(account)s AND s.taken_at IS NOT NULL AND s.live_at IS NULL
               AND CASE WHEN s.taken_live THEN o.price_minor IN (s.taken_price_minor, s.taken_sale_minor) AND o.active = (s.taken_quantity > 0)
                        AND (o.quantity = s.taken_quantity OR (o.quantity < s.taken_quantity AND o.changed_at > s.taken_at))
                   ELSE NOT o.active END
             ORDER BY s.taken_at LIMIT %(limit)s) AS x
         WHERE s.account = %(account)s AND s.seller = x.seller AND s.sku = x.sku
        """,
        {"account": account, "limit": limit},
    ).rowcount


def not_live(conn: Conn, account: str, now: "datetime", patience: "timedelta", sample: int) -> list[Row]:
    """Sellers of whom they took offers and do not show them so, with a few SKUs."""
    return conn.execute(
        "SELECT seller, count(*) AS n, (array_agg(sku ORDER BY taken_at, sku))[1:%(sample)s] AS skus FROM feed_sent "
        "WHERE account = %(account)s AND taken_at <= %(until)s AND live_at IS NULL GROUP BY seller ORDER BY seller",
        {"account": account, "until": now - patience, "sample": sample},
    ).fetchall()


def rows_left(conn: Conn, batch_id: str) -> int:
    row = conn.execute("SELECT count(*) AS n FROM feed_sent WHERE batch_id = %s", (batch_id,)).fetchone()
    return int(row["n"]) if row else 0


def stage_skus(conn: Conn, skus: Sequence[str]) -> str:
    """A relation of these SKUs, for the statements that take one."""
    conn.execute("DROP TABLE IF EXISTS pg_temp.feed_named")
    conn.execute("CREATE TEMP TABLE feed_named (sku text PRIMARY KEY) ON COMMIT DROP")
    conn.execute("INSERT INTO pg_temp.feed_named SELECT unnest(%s::text[])", (texts(list(skus)),))
    return "pg_temp.feed_named"


def cases_open(conn: Conn, mode: str, account: str) -> list[str]:
    """Feeds with an open case of this mode, alone or in a group."""
    rows = conn.execute(
        "SELECT object_id FROM case_file WHERE mode = %(mode)s AND object = 'feed' AND account = %(account)s AND resolved_at IS NULL UNION "
        "SELECT object_id FROM case_member WHERE mode = %(mode)s AND object = 'feed' AND account = %(account)s AND gone_at IS NULL ORDER BY 1",
        {"mode": mode, "account": account},
    ).fetchall()
    return [row["object_id"] for row in rows]
