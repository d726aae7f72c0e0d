"""All SQL of offers as last known."""

from collections.abc import Sequence

from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.store.bulk import insert_rows
from entrepot.trade.offer.model import OfferSeen


def keep_newest(conn: Conn, ctx: Ctx, account: str, offers: Sequence[OfferSeen]) -> None:
    """Newer news replaces older; the same news again only says that we looked."""
    newest = {o.offer_id: o for o in sorted(offers, key=lambda o: o.updated_at)}
    rows = [
        {
            "account": account,
            "offer_id": o.offer_id,
            "sku": o.sku,
            "seller_id": o.seller_id,
            "price_minor": o.price_minor,
            "currency": o.currency,
            "quantity": o.quantity,
            "active": o.active,
            "changed_at": o.updated_at,
            "seen_at": ctx.clock.now(),
        }
        for _, o in sorted(newest.items())
    ]
    insert_rows(
        conn,
        "offer_seen",
        rows,
        on_conflict="ON CONFLICT (account, offer_id) DO UPDATE SET sku = excluded.sku, seller_id = excluded.seller_id, "
        "price_minor = excluded.price_minor, currency = excluded.currency, quantity = excluded.quantity, active = excluded.active, "
        "changed_at = excluded.changed_at, seen_at = excluded.seen_at WHERE offer_seen.changed_at <= excluded.changed_at",
    )


def known(conn: Conn, account: str, offer_ids: Sequence[str]) -> dict[str, Row]:
    rows = conn.execute(
        "SELECT * FROM offer_seen WHERE account = %s AND offer_id = ANY(%s) ORDER BY offer_id",
        (account, list(offer_ids)),
    ).fetchall()
    return {row["offer_id"]: row for row in rows}
