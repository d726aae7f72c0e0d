"""All SQL of sellers as last observed."""

from collections.abc import Collection, Sequence

from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.store.bulk import insert_rows
from entrepot.trade.seller.model import SellerSeen


def keep_sellers(conn: Conn, ctx: Ctx, account: str, sellers: Sequence[SellerSeen]) -> set[str]:
    """Newer news replaces older. Returns the sellers who may sell now and might not before, or the reverse."""
    newest = {s.seller_id: s for s in sorted(sellers, key=lambda s: s.updated_at)}
    before = may_sell(conn, account, newest)
    rows = [
        {
            "account": account,
            "seller_id": s.seller_id,
            "name": s.name,
            "may_sell": s.open,
            "their_state": s.their_state,
            "changed_at": s.updated_at,
            "seen_at": ctx.clock.now(),
        }
        for _, s in sorted(newest.items())
    ]
    kept = insert_rows(
        conn,
        "seller_seen",
        rows,
        on_conflict="ON CONFLICT (account, seller_id) DO UPDATE SET name = excluded.name, may_sell = excluded.may_sell, "
        "their_state = excluded.their_state, changed_at = excluded.changed_at, seen_at = excluded.seen_at "
        "WHERE seller_seen.changed_at <= excluded.changed_at",
        returning="seller_id, may_sell",
    )
    return {row["seller_id"] for row in kept if row["may_sell"] != before.get(row["seller_id"], True)}


def sellers(conn: Conn, account: str, seller_ids: Collection[str]) -> dict[str, Row]:
    rows = conn.execute(
        "SELECT * FROM seller_seen WHERE account = %s AND seller_id = ANY(%s) ORDER BY seller_id",
        (account, list(seller_ids)),
    ).fetchall()
    return {row["seller_id"]: row for row in rows}


def may_sell(conn: Conn, account: str, seller_ids: Collection[str]) -> dict[str, bool]:
    """Of the sellers we have heard of: whether the marketplace lets them sell."""
    return {seller_id: row["may_sell"] for seller_id, row in sellers(conn, account, seller_ids).items()}
