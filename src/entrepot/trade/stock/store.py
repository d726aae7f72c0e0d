"""All SQL of stock: the pool, what orders reserve of it, what the ERP wants articles to cost."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.kernel.ctx import Conn, Row
from entrepot.store.bulk import insert_rows, instants, numbers, texts
from entrepot.trade.stock.events import Key, PriceTold, StockTold
from entrepot.trade.stock.model import PriceSeen, StockSeen

AHEAD_MAX = timedelta(days=1)
Seen = StockSeen | StockTold | PriceSeen | PriceTold

# Written in the order of their keys, so that two of these do not deadlock. A word from a day or more ahead counts as said now: else a
# wrong clock keeps a stock fresh for ever (less is left as it is: it is compared with parcels by the same clock). Told again or older: stale.
KEEP_STOCK = """
    WITH told AS MATERIALIZED (SELECT * FROM unnest(%s::text[], %s::text[], %s::int[], %s::bigint[], %s::timestamptz[])
                                          AS t (sku, location, quantity, version, changed_at)),
         written AS (
        INSERT INTO stock_pool (sku, location, quantity, version, changed_at, seen_at, told_by)
        SELECT sku, location, quantity, version, CASE WHEN changed_at > %s THEN %s ELSE changed_at END, %s, %s
          FROM told ORDER BY sku COLLATE "C", location COLLATE "C"
            ON CONFLICT (sku, location) DO UPDATE SET quantity = excluded.quantity, version = excluded.version,
                                                      changed_at = excluded.changed_at, seen_at = excluded.seen_at,
                                                      told_by = excluded.told_by
         WHERE stock_pool.version < excluded.version AND stock_pool.told_by <> ALL (%s::text[]) RETURNING sku, location)
    SELECT sku, location AS place FROM told EXCEPT SELECT sku, location FROM written ORDER BY sku, place
"""
KEEP_PRICES = """
    WITH told AS MATERIALIZED (SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::text[], %s::bigint[], %s::timestamptz[])
                                          AS t (sku, channel, price_minor, currency, version, changed_at)),
         written AS (
        INSERT INTO price_told_us (sku, channel, price_minor, currency, version, changed_at, told_by)
        SELECT sku, channel, price_minor, currency, version, CASE WHEN changed_at > %s THEN %s ELSE changed_at END, %s
          FROM told ORDER BY sku COLLATE "C", channel COLLATE "C"
            ON CONFLICT (sku, channel) DO UPDATE SET price_minor = excluded.price_minor, currency = excluded.currency,
                                                     version = excluded.version, changed_at = excluded.changed_at,
                                                     told_by = excluded.told_by
         WHERE price_told_us.version < excluded.version RETURNING sku, channel)
    SELECT sku, channel AS place FROM told EXCEPT SELECT sku, channel FROM written ORDER BY sku, place
"""


def stock_kept(
    conn: Conn, latest: Mapping[Key, StockSeen | StockTold], now: datetime, told_by: str = "", after: Sequence[str] = ()
) -> set[Key]:
    """Keep what is newer than what we have, by article and location; returns those that are stale. Below zero there is nothing to sell: 0.

    `told_by`: whose word it is.  `after`: tellers whose word stays where it stands, however new this one is; that is stale as well.
    """
    if not latest:
        return set()
    told = latest.values()
    columns = (
        texts([one.sku for one in told]),
        texts([one.location for one in told]),
        numbers([max(one.quantity, 0) for one in told]),
        numbers([one.version for one in told]),
        instants([one.at for one in told]),
    )
    given = (*columns, now + AHEAD_MAX, now, now, told_by, texts(after))
    return {(row["sku"], row["place"]) for row in conn.execute(KEEP_STOCK, given).fetchall()}


def prices_kept(conn: Conn, latest: Mapping[Key, PriceSeen | PriceTold], now: datetime, told_by: str = "") -> set[Key]:
    """As `stock_kept`, by article and channel."""
    if not latest:
        return set()
    told = latest.values()
    columns = (
        texts([one.sku for one in told]),
        texts([one.channel for one in told]),
        numbers([one.price_minor for one in told]),
        texts([one.currency for one in told]),
        numbers([one.version for one in told]),
        instants([one.at for one in told]),
    )
    return {
        (row["sku"], row["place"])
        for row in conn.execute(KEEP_PRICES, (*columns, now + AHEAD_MAX, now, told_by)).fetchall()
    }


def told_by_others(conn: Conn, keys: Iterable[Key], after: Sequence[str]) -> set[Key]:
    """Of these places those where the word of one of these tellers stands."""
    wanted = sorted(keys)
    rows = conn.execute(
        "SELECT p.sku, p.location FROM stock_pool p JOIN unnest(%s::text[], %s::text[]) AS k (sku, location) USING (sku, location) "
        "WHERE p.told_by = ANY(%s::text[]) ORDER BY p.sku, p.location",
        (texts([sku for sku, _ in wanted]), texts([place for _, place in wanted]), texts(after)),
    ).fetchall()
    return {(row["sku"], row["location"]) for row in rows}


KEEP_REFUSED = """
    INSERT INTO told_refused (kind, sku, place, told_by, value, currency, version, told_at)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::bigint[], %s::timestamptz[])
           AS t (kind, sku, place, told_by, value, currency, version, told_at) ORDER BY sku COLLATE "C", kind, place COLLATE "C", told_by
        ON CONFLICT (sku, kind, place, told_by) DO UPDATE SET value = excluded.value, currency = excluded.currency, version = excluded.version,
                                                            told_at = excluded.told_at
     WHERE told_refused.version < excluded.version
"""


def keep_refused(conn: Conn, told: Sequence[tuple[str, Seen]]) -> None:
    """What somebody told who may not, as (teller, what): the newest of each place, until ownership has it in its books."""
    if not told:
        return
    words = [one for _, one in told]
    columns = (
        texts(["stock" if isinstance(one, StockSeen | StockTold) else "price" for one in words]),
        texts([one.sku for one in words]),
        texts([one.location if isinstance(one, StockSeen | StockTold) else one.channel for one in words]),
        texts([told_by for told_by, _ in told]),
        numbers([one.quantity if isinstance(one, StockSeen | StockTold) else one.price_minor for one in words]),
        texts(["" if isinstance(one, StockSeen | StockTold) else one.currency for one in words]),
        numbers([one.version for one in words]),
        instants([one.at for one in words]),
    )
    conn.execute(KEEP_REFUSED, columns)


def take_refused(conn: Conn, skus: Sequence[str]) -> list[Row]:
    """Refused words about these articles, for the books: each is taken once."""
    rows = conn.execute("DELETE FROM told_refused WHERE sku = ANY(%s::text[]) RETURNING *", (texts(skus),)).fetchall()
    return sorted(rows, key=lambda row: (row["sku"], row["kind"], row["place"], row["told_by"]))


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


@dataclass(frozen=True, slots=True)
class Listed:
    """A price as it was told. `told_by`: '' from before tellers were kept."""

    price_minor: int
    currency: str
    channel: str
    told_by: str
    version: int

    @property
    def name(self) -> str:
        """Tells this word from any other about the same article."""
        return f"{self.channel}:{self.told_by}:{self.version}"


def prices(conn: Conn, skus: Sequence[str]) -> dict[tuple[str, str], Listed]:
    """By (sku, channel or `*`)."""
    rows = conn.execute(
        "SELECT sku, channel, price_minor, currency, told_by, version FROM price_told_us WHERE sku = ANY(%s::text[]) ORDER BY sku, channel",
        (texts(skus),),
    ).fetchall()
    return {
        (row["sku"], row["channel"]): Listed(
            row["price_minor"], row["currency"], row["channel"], row["told_by"], row["version"]
        )
        for row in rows
    }
