"""All SQL of offers: as last observed, and as the storefront is to show them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.store.bulk import insert_rows
from entrepot.trade.offer.model import OfferDetails, OfferSeen


def keep_newest(conn: Conn, ctx: Ctx, account: str, offers: Sequence[OfferSeen]) -> set[str]:
    """Newer news replaces older; the same news again only says that we looked. Returns the offers whose news were not older."""
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
            "product_id": o.product_id,
            "state_code": o.state_code,
            "description": o.description,
            "changed_at": o.updated_at,
            "seen_at": ctx.clock.now(),
        }
        for _, o in sorted(newest.items())
    ]
    kept = insert_rows(
        conn,
        "offer_seen",
        rows,
        on_conflict="ON CONFLICT (account, offer_id) DO UPDATE SET sku = excluded.sku, seller_id = excluded.seller_id, "
        "price_minor = excluded.price_minor, currency = excluded.currency, quantity = excluded.quantity, active = excluded.active, "
        "product_id = excluded.product_id, state_code = excluded.state_code, description = excluded.description, "
        "changed_at = excluded.changed_at, seen_at = excluded.seen_at WHERE offer_seen.changed_at <= excluded.changed_at",
        returning="offer_id",
    )
    return {row["offer_id"] for row in kept}


def keep_details(conn: Conn, account: str, details: Mapping[str, tuple[OfferDetails, datetime]]) -> None:
    """What the list tells, by offer, with the instant at which it was read; an older page changes nothing."""
    rows = [
        {
            "account": account,
            "offer_id": offer_id,
            "sku": one.sku,
            "category": one.category,
            "title": one.title,
            "terms": dict(one.terms),
            "seen_at": at,
        }
        for offer_id, (one, at) in sorted(details.items())
    ]
    insert_rows(
        conn,
        "offer_details",
        rows,
        on_conflict="ON CONFLICT (account, offer_id) DO UPDATE SET sku = excluded.sku, category = excluded.category, title = excluded.title, "
        "terms = excluded.terms, seen_at = excluded.seen_at WHERE offer_details.seen_at <= excluded.seen_at",
    )


def known(conn: Conn, account: str, offer_ids: Collection[str]) -> dict[str, Row]:
    """Offers as last observed, with what the list told of them (`details_at` is null before it did)."""
    rows = conn.execute(
        "SELECT o.*, coalesce(d.category, '') AS category, coalesce(d.title, '') AS title, coalesce(d.terms, '{}') AS terms, "
        "d.seen_at AS details_at FROM offer_seen o LEFT JOIN offer_details d USING (account, offer_id) "
        "WHERE o.account = %s AND o.offer_id = ANY(%s) ORDER BY o.offer_id",
        (account, list(offer_ids)),
    ).fetchall()
    return {row["offer_id"]: row for row in rows}


def offers_of(conn: Conn, account: str, seller_ids: Collection[str]) -> list[str]:
    rows = conn.execute(
        "SELECT offer_id FROM offer_seen WHERE account = %s AND seller_id = ANY(%s) ORDER BY offer_id",
        (account, list(seller_ids)),
    ).fetchall()
    return [row["offer_id"] for row in rows]


# ── what the storefront shows ────────────────────────────────────────────────────────────────────────────────


def shown(conn: Conn, account: str, storefront: str, offer_ids: Collection[str]) -> dict[str, Row]:
    rows = conn.execute(
        "SELECT * FROM offer_shown WHERE account = %s AND storefront = %s AND offer_id = ANY(%s) ORDER BY offer_id",
        (account, storefront, list(offer_ids)),
    ).fetchall()
    return {row["offer_id"]: row for row in rows}


def plan_shown(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    """New versions. A version never falls back: whoever planned a newer one has won."""
    insert_rows(
        conn,
        "offer_shown",
        rows,
        on_conflict="ON CONFLICT (account, offer_id, storefront) DO UPDATE SET version = excluded.version, wanted = excluded.wanted, "
        "planned_at = excluded.planned_at WHERE offer_shown.version < excluded.version",
    )


def confirm_shown(conn: Conn, account: str, storefront: str, offer_id: str, version: int, at: datetime) -> None:
    conn.execute(
        "UPDATE offer_shown SET shown_version = %(version)s, shown_at = %(at)s WHERE account = %(account)s AND storefront = %(storefront)s "
        "AND offer_id = %(offer_id)s AND shown_version < %(version)s AND version >= %(version)s",
        {"account": account, "storefront": storefront, "offer_id": offer_id, "version": version, "at": at},
    )


def withheld(conn: Conn, account: str) -> set[str]:
    """Offers that the storefront is to show as not sold."""
    rows = conn.execute(
        "SELECT offer_id FROM offer_shown WHERE account = %s AND wanted ->> 'sellable' = 'false' ORDER BY offer_id",
        (account,),
    ).fetchall()
    return {row["offer_id"] for row in rows}
