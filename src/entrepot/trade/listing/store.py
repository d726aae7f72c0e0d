"""All SQL of listings, of what was submitted for them, and of articles whose listings have to be looked at again."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.store.bulk import insert_columns, insert_rows, texts
from entrepot.trade.listing.model import ListingSeen, SubmissionSeen

SEEN = (
    "ON CONFLICT (account, sku) DO UPDATE SET state = excluded.state, their_state = excluded.their_state, their_id = excluded.their_id, "
    "product_type = coalesce(nullif(excluded.product_type, ''), listing.product_type), currency = coalesce(nullif(excluded.currency, ''), listing.currency), "
    "shown_price_minor = coalesce(excluded.shown_price_minor, listing.shown_price_minor), "
    "shown_quantity = coalesce(excluded.shown_quantity, listing.shown_quantity), "
    "issues = excluded.issues, changed_at = excluded.changed_at, seen_at = excluded.seen_at "
    "WHERE listing.changed_at <= excluded.changed_at"
)


def ask_restock(conn: Conn, ctx: Ctx, skus: Collection[str]) -> None:
    """What channels show of these articles is to be worked out anew."""
    now = ctx.clock.now()
    insert_columns(conn, "restock_asked", ("sku", "asked_at"), (sorted(skus), [now] * len(skus)))


def asked(conn: Conn, limit: int) -> list[Row]:
    return conn.execute("SELECT id, sku FROM restock_asked ORDER BY id LIMIT %s", (limit,)).fetchall()


def answered(conn: Conn, ids: Sequence[int]) -> None:
    conn.execute("DELETE FROM restock_asked WHERE id = ANY(%s)", (list(ids),))


def keep_seen(conn: Conn, ctx: Ctx, account: str, seen: Sequence[ListingSeen]) -> None:
    """Listings as the channel shows them; older news changes nothing."""
    newest: dict[str, ListingSeen] = {}
    for one in seen:
        if one.sku not in newest or newest[one.sku].updated_at <= one.updated_at:
            newest[one.sku] = one
    rows = [
        {
            "account": account,
            "sku": one.sku,
            "state": str(one.state),
            "their_state": one.their_state,
            "their_id": one.their_id,
            "product_type": one.product_type,
            "currency": one.currency,
            "shown_price_minor": one.price_minor,
            "shown_quantity": one.quantity,
            "issues": Jsonb([{"code": i.code, "message": i.message, "attribute": i.attribute, "severity": i.severity} for i in one.issues]),
            "changed_at": one.updated_at,
            "seen_at": ctx.clock.now(),
            "plan_hash": ctx.plan_hash,
        }
        for _, one in sorted(newest.items())
    ]  # fmt: skip
    insert_rows(conn, "listing", rows, on_conflict=SEEN)


def listings(conn: Conn, account: str, skus: Sequence[str]) -> dict[str, Row]:
    rows = conn.execute(
        "SELECT * FROM listing WHERE account = %s AND sku = ANY(%s::text[]) ORDER BY sku", (account, texts(skus))
    ).fetchall()
    return {row["sku"]: row for row in rows}


def listings_of(conn: Conn, skus: Sequence[str], accounts: Sequence[str]) -> list[Row]:
    """Every listing of these articles that is not over, locked in one order; not to be had is Busy."""
    return conn.execute(
        "SELECT * FROM listing WHERE sku = ANY(%s::text[]) AND account = ANY(%s::text[]) AND state NOT IN ('ended', 'requested') "
        "ORDER BY account, sku FOR UPDATE NOWAIT",
        (texts(skus), texts(accounts)),
    ).fetchall()


def requested(conn: Conn, ctx: Ctx, account: str, sku: str, product_type: str, revision: str) -> None:
    """A product is about to be submitted; a listing that stands keeps what it shows."""
    now = ctx.clock.now()
    row = {
        "account": account,
        "sku": sku,
        "state": "requested",
        "product_type": product_type,
        "revision": revision,
        "changed_at": now,
        "plan_hash": ctx.plan_hash,
    }
    insert_rows(conn, "listing", [row], on_conflict="ON CONFLICT (account, sku) DO UPDATE SET revision = excluded.revision")  # fmt: skip


def submitted(conn: Conn, account: str, sku: str, at: datetime) -> None:
    conn.execute(
        "UPDATE listing SET state = 'submitted', changed_at = %s WHERE account = %s AND sku = %s AND state IN ('requested', 'ended')",
        (at, account, sku),
    )


WANTED = ("account", "sku", "wanted_price_minor", "currency", "price_version", "wanted_quantity", "stock_version")


def want(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    """What listings are to show from now on (columns WANTED)."""
    for account in sorted({row["account"] for row in rows}):
        of_account = [row for row in rows if row["account"] == account]
        conn.execute(
            "UPDATE listing AS t SET wanted_price_minor = v.price, currency = v.currency, price_version = v.price_version, "
            "wanted_quantity = v.quantity, stock_version = v.stock_version "
            "FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::bigint[], %s::int[], %s::bigint[]) "
            "AS v (sku, price, currency, price_version, quantity, stock_version) WHERE t.account = %s AND t.sku = v.sku",
            (*([row[name] for row in of_account] for name in WANTED[1:]), account),
        )


def price_taken(conn: Conn, taken: Sequence[tuple[str, str, str]]) -> None:
    """Ownership was asked about this word of the price list: (account, article, word)."""
    if taken:
        conn.execute(
            "UPDATE listing t SET price_taken = v.word FROM unnest(%s::text[], %s::text[], %s::text[]) AS v (account, sku, word) "
            "WHERE t.account = v.account AND t.sku = v.sku AND t.price_taken <> v.word",
            [texts([one[n] for one in taken]) for n in range(3)],
        )


def told(conn: Conn, account: str, sku: str, lane: str, version: int, at: datetime) -> None:
    """The channel took this version of a price or of a stock (`lane`: price | stock)."""
    assert lane in ("price", "stock")
    conn.execute(
        f"UPDATE listing SET {lane}_told = %(version)s, {lane}_told_at = %(at)s "
        f"WHERE account = %(account)s AND sku = %(sku)s AND {lane}_told < %(version)s AND {lane}_version >= %(version)s",
        {"version": version, "at": at, "account": account, "sku": sku},
    )


def stale_skus(conn: Conn, before: datetime, limit: int) -> list[str]:
    """Articles still offered although nobody has said a word about their stock since."""
    rows = conn.execute(
        "SELECT DISTINCT l.sku FROM listing l JOIN stock_pool p ON p.sku = l.sku "
        "WHERE p.changed_at < %s AND l.wanted_quantity > 0 AND l.state <> 'ended' ORDER BY l.sku LIMIT %s",
        (before, limit),
    ).fetchall()
    return [row["sku"] for row in rows]


def not_shown(conn: Conn, told_before: datetime, limit: int) -> list[Row]:
    """Accepted is not live: listings that were seen after they should have changed, and show something else."""
    return conn.execute(
        "SELECT * FROM listing WHERE state NOT IN ('ended', 'requested') AND ("
        "(price_told = price_version AND price_told_at < %(at)s AND seen_at > price_told_at AND shown_price_minor <> wanted_price_minor) OR "
        "(stock_told = stock_version AND stock_told_at < %(at)s AND seen_at > stock_told_at AND shown_quantity = 0 AND wanted_quantity > 0)) "
        "ORDER BY account, sku LIMIT %(limit)s",
        {"at": told_before, "limit": limit},
    ).fetchall()


# ── submissions ──────────────────────────────────────────────────────────────────────────────────────────────


def take_submission(conn: Conn, ctx: Ctx, account: str, submission_id: str, operation: str, effect_key: str) -> None:
    """The transport took a batch, with this effect in it and perhaps with others; what it thinks of it comes later."""
    row = {"account": account, "submission_id": submission_id, "operation": operation, "effect_key": effect_key, "state": "taken",
           "taken_at": ctx.clock.now(), "plan_hash": ctx.plan_hash}  # fmt: skip
    insert_rows(conn, "submission", [row], on_conflict="ON CONFLICT DO NOTHING")
    part = {"account": account, "submission_id": submission_id, "effect_key": effect_key}
    insert_rows(conn, "submission_part", [part], on_conflict="ON CONFLICT DO NOTHING")


def submission(conn: Conn, account: str, submission_id: str) -> Row | None:
    return conn.execute(
        "SELECT s.*, e.payload, e.root, e.id AS effect_id FROM submission s LEFT JOIN effect e ON e.key = s.effect_key "
        "WHERE s.account = %s AND s.submission_id = %s",
        (account, submission_id),
    ).fetchone()


def parts_of(conn: Conn, account: str, submission_id: str) -> list[Row]:
    """The effects that went in one batch, by key. Empty for a batch of before: its own row names its one effect."""
    return conn.execute(
        "SELECT p.effect_key, e.operation, e.payload, e.root, e.id AS effect_id FROM submission_part p LEFT JOIN effect e ON e.key = p.effect_key "
        "WHERE p.account = %s AND p.submission_id = %s ORDER BY p.effect_key",
        (account, submission_id),
    ).fetchall()


def in_work(conn: Conn, account: str, operation: str, key_prefix: str) -> bool:
    """Is a batch with such an effect in it taken, and not worked off yet?"""
    row = conn.execute(
        "SELECT EXISTS (SELECT FROM submission s JOIN submission_part p ON p.account = s.account AND p.submission_id = s.submission_id "
        "WHERE s.account = %s AND s.operation = %s AND s.ended_at IS NULL AND starts_with(p.effect_key, %s)) AS found",
        (account, operation, key_prefix),
    ).fetchone()
    return bool(row and row["found"])


def receipt_awaited(conn: Conn, account: str, operations: Sequence[str]) -> bool:
    """Did something leave, or may it have left, of whose batch we have no receipt yet?"""
    row = conn.execute(
        "SELECT EXISTS (SELECT FROM effect WHERE account = %s AND operation = ANY(%s) "
        "AND (state IN ('sending', 'unknown', 'parked') OR (state = 'planned' AND attempts > 0))) AS found",
        (account, list(operations)),
    ).fetchone()
    return bool(row and row["found"])


def move_submission(conn: Conn, ctx: Ctx, account: str, seen: SubmissionSeen) -> None:
    """The second level: the batch as they work it off; with its end the third, the items."""
    ended = ctx.clock.now() if str(seen.state) in ("done", "failed") else None
    conn.execute(
        "UPDATE submission SET state = %s, their_state = %s, items = %s, rejected = %s, ended_at = coalesce(ended_at, %s) "
        "WHERE account = %s AND submission_id = %s AND ended_at IS NULL",
        (str(seen.state), seen.their_state, seen.items, seen.rejected, ended, account, seen.submission_id),
    )
    items = [
        {"account": account, "submission_id": seen.submission_id, "key": one.key, "accepted": one.accepted, "code": one.code,
         "message": one.message, "attribute": one.attribute}
        for one in {result.key: result for result in seen.results}.values()
    ]  # fmt: skip
    insert_rows(conn, "submission_item", items, on_conflict="ON CONFLICT DO NOTHING")


def keep_health(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    insert_rows(
        conn,
        "account_health",
        rows,
        on_conflict="ON CONFLICT (account, measure) DO UPDATE SET their_name = excluded.their_name, rate = excluded.rate, "
        "limit_rate = excluded.limit_rate, above = excluded.above, standing = excluded.standing, measured_at = excluded.measured_at "
        "WHERE account_health.measured_at <= excluded.measured_at",
    )
