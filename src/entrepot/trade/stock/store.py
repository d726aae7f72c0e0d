"""All SQL of stock: the pool, what orders reserve of it, what the ERP wants articles to cost."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from entrepot.kernel.ctx import Conn
from entrepot.store.bulk import insert_rows, texts
from entrepot.trade.stock.model import PriceSeen, StockSeen

NEWER_STOCK = (
    "ON CONFLICT (sku, location) DO UPDATE SET quantity = excluded.quantity, version = excluded.version, "
    "changed_at = excluded.changed_at, seen_at = excluded.seen_at WHERE stock_pool.version < excluded.version"
)
NEWER_PRICE = (
    "ON CONFLICT (sku, channel) DO UPDATE SET price_minor = excluded.price_minor, currency = excluded.currency, "
    "version = excluded.version, changed_at = excluded.changed_at WHERE price_told_us.version < excluded.version"
)


def keep_stock(conn: Conn, seen: Sequence[StockSeen], now: datetime) -> set[str]:
    """The newest of each article and location; returns articles of which something changed."""
    newest: dict[tuple[str, str], StockSeen] = {}
    for one in seen:
        known = newest.get((one.sku, one.location))
        if known is None or known.version < one.version:
            newest[one.sku, one.location] = one
    rows = [
        {"sku": s.sku, "location": s.location, "quantity": s.quantity, "version": s.version, "changed_at": s.at, "seen_at": now}
        for _, s in sorted(newest.items())
    ]  # fmt: skip
    return {row["sku"] for row in insert_rows(conn, "stock_pool", rows, on_conflict=NEWER_STOCK, returning="sku")}


def keep_prices(conn: Conn, seen: Sequence[PriceSeen]) -> set[str]:
    """As `keep_stock`, of prices."""
    newest: dict[tuple[str, str], PriceSeen] = {}
    for one in seen:
        known = newest.get((one.sku, one.channel))
        if known is None or known.version < one.version:
            newest[one.sku, one.channel] = one
    rows = [
        {"sku": p.sku, "channel": p.channel, "price_minor": p.price_minor, "currency": p.currency, "version": p.version, "changed_at": p.at}
        for _, p in sorted(newest.items())
    ]  # fmt: skip
    return {row["sku"] for row in insert_rows(conn, "price_told_us", rows, on_conflict=NEWER_PRICE, returning="sku")}


def reserve(conn: Conn, wanted: Mapping[str, tuple[str, str, int]], now: datetime) -> set[str]:
    """What open order lines hold of the pool: line id -> (leg id, sku, quantity). Returns articles whose rest changed."""
    rows = [
        {"line_id": line_id, "leg_id": leg_id, "sku": sku, "quantity": quantity, "made_at": now}
        for line_id, (leg_id, sku, quantity) in sorted(wanted.items())
        if quantity > 0
    ]
    changed = insert_rows(
        conn,
        "stock_reservation",
        rows,
        on_conflict="ON CONFLICT (line_id) DO UPDATE SET quantity = excluded.quantity "
        "WHERE stock_reservation.ended_at IS NULL AND stock_reservation.quantity <> excluded.quantity",
        returning="sku",
    )
    return {row["sku"] for row in changed}


def end_reservations(conn: Conn, line_ids: Sequence[str], at: datetime, *, shipped: bool) -> set[str]:
    """Shipped (it counts until the pool's own word is younger), or given up. Returns articles whose rest may have changed."""
    rows = conn.execute(
        "UPDATE stock_reservation SET ended_at = %s, shipped = %s WHERE line_id = ANY(%s::text[]) AND ended_at IS NULL RETURNING sku",
        (at, shipped, texts(line_ids)),
    ).fetchall()
    return {row["sku"] for row in rows}


_HELD = """
    (SELECT sum(quantity) AS quantity, min(changed_at) AS changed_at, sku FROM stock_pool WHERE sku = ANY(%(skus)s::text[]) GROUP BY sku) AS p
    LEFT JOIN LATERAL (SELECT coalesce(sum(r.quantity), 0) AS quantity FROM stock_reservation r
                        WHERE r.sku = p.sku AND (r.ended_at IS NULL OR (r.shipped AND r.ended_at > p.changed_at))) AS r ON true
"""


def available(conn: Conn, skus: Sequence[str]) -> dict[str, tuple[int, datetime]]:
    """Of each article that has a pool: pieces nobody has ordered yet (never below zero), and how old the oldest word about it is."""
    rows = conn.execute(
        f"SELECT p.sku, greatest(p.quantity - r.quantity, 0) AS rest, p.changed_at FROM {_HELD} ORDER BY p.sku",
        {"skus": texts(skus)},
    ).fetchall()
    return {row["sku"]: (int(row["rest"]), row["changed_at"]) for row in rows}


def oversold(conn: Conn, skus: Sequence[str]) -> dict[str, int]:
    """Articles of which more is ordered than there is, and by how much."""
    rows = conn.execute(
        f"SELECT p.sku, r.quantity - p.quantity AS missing FROM {_HELD} WHERE r.quantity > p.quantity ORDER BY p.sku",
        {"skus": texts(skus)},
    ).fetchall()
    return {row["sku"]: int(row["missing"]) for row in rows}


def prices(conn: Conn, skus: Sequence[str]) -> dict[tuple[str, str], tuple[int, str]]:
    """By (sku, channel or `*`): minor units and currency."""
    rows = conn.execute(
        "SELECT sku, channel, price_minor, currency FROM price_told_us WHERE sku = ANY(%s::text[]) ORDER BY sku, channel",
        (texts(skus),),
    ).fetchall()
    return {(row["sku"], row["channel"]): (row["price_minor"], row["currency"]) for row in rows}
