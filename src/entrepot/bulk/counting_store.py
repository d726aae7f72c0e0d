"""All SQL of what counts of fed offers. A relation of SKUs is named by the caller; it has a column `sku`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from entrepot.kernel.ctx import Conn
from entrepot.store.copy import copy_rows

if TYPE_CHECKING:
    from datetime import datetime

# Field of the plan → what was fed, as JSON. A sale price goes with the price.
FIELDS: Mapping[str, str] = {
    "price": "to_jsonb(o.price_minor)",
    "currency": "to_jsonb(o.currency)",
    "quantity": "to_jsonb(o.quantity)",
    "lead-time": "to_jsonb(o.lead_days)",
    "category": "to_jsonb(o.category)",
    "title": "to_jsonb(o.title)",
    "brand": "to_jsonb(o.brand)",
    "condition": "to_jsonb(o.condition)",
    "gtin": "to_jsonb(o.gtin)",
    "image": "to_jsonb(o.image)",
}
REFUSED = ("category", "field", "set_by", "why", "rule", "words")
_FED = ", ".join(f"('{name}', {value})" for name, value in FIELDS.items())


def categories(conn: Conn, account: str, seller: str, skus: str, *, told: bool) -> list[str]:
    """`told`: by the relation of SKUs itself."""
    if told:
        return [row["category"] for row in conn.execute(f"SELECT DISTINCT category FROM {skus} ORDER BY 1").fetchall()]
    rows = conn.execute(
        f"SELECT DISTINCT o.category FROM {skus} s JOIN feed_offer o ON o.account = %s AND o.seller = %s AND o.sku = s.sku ORDER BY 1",
        (account, seller),
    ).fetchall()
    return [row["category"] for row in rows]


def setters(conn: Conn, account: str, seller: str, skus: str) -> dict[str, list[str]]:
    """By field: who set the values that stand there now."""
    found: dict[str, list[str]] = {}
    for row in conn.execute(
        f"SELECT DISTINCT v.field, v.actor FROM {skus} s JOIN offer_seen x ON x.account = %s AND x.seller_id = %s AND x.sku = s.sku "
        "JOIN owned_value v ON v.account = x.account AND v.object = 'offer' AND v.object_id = x.offer_id ORDER BY 1, 2",
        (account, seller),
    ).fetchall():
        found.setdefault(row["field"], []).append(row["actor"])
    return found


def anything_apart(conn: Conn, account: str, seller: str) -> bool:
    """Whether anything is or was laid over offers of this seller."""
    row = conn.execute(
        "SELECT EXISTS (SELECT FROM feed_apart WHERE account = %(account)s AND seller = %(seller)s) OR EXISTS ("
        "SELECT FROM override_value v JOIN offer_seen x ON x.account = v.account AND x.offer_id = v.object_id "
        "WHERE v.account = %(account)s AND v.object = 'offer' AND v.state = 'live' AND x.seller_id = %(seller)s) AS found",
        {"account": account, "seller": seller},
    ).fetchone()
    return bool(row and row["found"])


def stage_refused(conn: Conn, refused: Sequence[Mapping[str, str]]) -> None:
    columns = ", ".join(f"{name} text NOT NULL" for name in REFUSED)
    conn.execute("DROP TABLE IF EXISTS pg_temp.feed_kind_refused")
    conn.execute(f"CREATE TEMP TABLE feed_kind_refused ({columns}) ON COMMIT DROP")
    copy_rows(conn, "pg_temp.feed_kind_refused", REFUSED, ([one[name] for name in REFUSED] for one in refused))


# Fed values that stay out, beside the owner's. A kind that names nobody is refused whoever set what stands.
_VALUES = f"""
    SELECT o.sku, x.offer_id, f.field, f.fed, k.why, k.rule, k.words, v.value AS owners, o.source_row, o.category
      FROM {{skus}} s
      JOIN feed_offer o ON o.account = %(account)s AND o.seller = %(seller)s AND o.sku = s.sku
      LEFT JOIN offer_seen x ON x.account = o.account AND x.seller_id = o.seller AND x.sku = o.sku
     CROSS JOIN LATERAL (VALUES {_FED}) AS f (field, fed)
      LEFT JOIN owned_value v ON v.account = o.account AND v.object = 'offer' AND v.object_id = x.offer_id AND v.field = f.field
      JOIN pg_temp.feed_kind_refused k ON k.category = o.category AND k.field = f.field AND k.set_by IN ('', coalesce(v.actor, ''))
"""


def lay_apart(conn: Conn, account: str, seller: str, skus: str, at: "datetime") -> int:
    """Write down where what counts is not what was fed, and take away where it is again; returns how many offers changed."""
    values = {"account": account, "seller": seller, "at": at}
    apart = f"""
        SELECT sku, jsonb_object_agg(field, value) AS laid, jsonb_object_agg(field, why) AS why FROM (
            SELECT DISTINCT ON (sku, field) sku, field, value, why FROM (
                SELECT sku, field, coalesce(owners, 'null') AS value, why, 2 AS rank FROM ({_VALUES.format(skus=skus)}) AS kept
                UNION ALL
                SELECT s.sku, v.field, coalesce(v.value, 'null'), 'overridden', 1 FROM {skus} s
                  JOIN offer_seen x ON x.account = %(account)s AND x.seller_id = %(seller)s AND x.sku = s.sku
                  JOIN override_value v ON v.account = x.account AND v.object = 'offer' AND v.object_id = x.offer_id AND v.state = 'live'
            ) AS each ORDER BY sku, field, rank
        ) AS chosen GROUP BY sku"""
    conn.execute("DROP TABLE IF EXISTS pg_temp.feed_apart_now")
    conn.execute(
        "CREATE TEMP TABLE feed_apart_now (sku text PRIMARY KEY, laid jsonb NOT NULL, why jsonb NOT NULL) ON COMMIT DROP"
    )
    conn.execute(f"INSERT INTO pg_temp.feed_apart_now {apart}", values)
    laid = conn.execute(
        "INSERT INTO feed_apart AS kept (account, seller, sku, laid, why, since) SELECT %(account)s, %(seller)s, sku, laid, why, %(at)s "
        "FROM pg_temp.feed_apart_now ORDER BY sku ON CONFLICT (account, seller, sku) DO UPDATE SET laid = excluded.laid, why = excluded.why, "
        "since = excluded.since WHERE (kept.laid, kept.why) IS DISTINCT FROM (excluded.laid, excluded.why)",
        values,
    ).rowcount
    gone = conn.execute(
        f"DELETE FROM feed_apart a USING {skus} s WHERE a.account = %(account)s AND a.seller = %(seller)s AND a.sku = s.sku "
        "AND NOT EXISTS (SELECT FROM pg_temp.feed_apart_now n WHERE n.sku = a.sku)",
        values,
    ).rowcount
    return laid + gone


def record_refused(conn: Conn, account: str, seller: str, skus: str, given: Mapping[str, Any]) -> dict[str, int]:
    """The refusals, one per offer and field; the same again is counted. Returns of how many offers each field stayed out."""
    rows = conn.execute(
        f"""
        WITH kept AS (
            SELECT DISTINCT ON (sku, field) sku, coalesce(offer_id, %(seller)s || '/' || sku) AS object_id, field, fed, why, rule, words, source_row, category
              FROM ({_VALUES.format(skus=skus)}) AS each
             WHERE fed IS DISTINCT FROM owners AND fed NOT IN ('null', '""') ORDER BY sku, field),
        written AS (
            INSERT INTO refused_write AS stands (id, account, object, object_id, field, value, actor, why, words, rule, seller, seller_model,
                   category, channel, source, plan_hash, theirs_at, first_at, last_at)
            SELECT %(base)s || '_' || row_number() OVER (ORDER BY sku, field), %(account)s, 'offer', object_id, field, fed, %(actor)s, why, words, rule,
                   %(seller)s, %(model)s, category, 'feed', %(source)s || ', row ' || source_row, %(plan)s, %(at)s, %(at)s, %(at)s
              FROM kept ORDER BY sku, field
            ON CONFLICT (account, object, object_id, field, actor) WHERE ended_at IS NULL
            DO UPDATE SET value = excluded.value, why = excluded.why, words = excluded.words, rule = excluded.rule, source = excluded.source,
                   last_at = excluded.last_at, count = stands.count + 1
            RETURNING field)
        SELECT field, count(*) AS n FROM written GROUP BY field ORDER BY field
        """,
        {"account": account, "seller": seller, **given},
    ).fetchall()
    return {row["field"]: row["n"] for row in rows}


def changed_overrides(conn: Conn, account: str, since: "datetime") -> list[tuple[str, list[str]]]:
    rows = conn.execute(
        "SELECT x.seller_id, array_agg(DISTINCT x.sku ORDER BY x.sku) AS skus FROM override_value v "
        "JOIN offer_seen x ON x.account = v.account AND x.offer_id = v.object_id "
        "JOIN feed_offer o ON o.account = x.account AND o.seller = x.seller_id AND o.sku = x.sku "
        "WHERE v.account = %(account)s AND v.object = 'offer' AND greatest(v.starts_at, v.ended_at) >= %(since)s "
        "GROUP BY x.seller_id ORDER BY x.seller_id",
        {"account": account, "since": since},
    ).fetchall()
    return [(row["seller_id"], list(row["skus"])) for row in rows]
