"""All SQL of saved mappings: versions per account and seller, never changed, the newest counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from entrepot.kernel.ctx import Conn, Row

ANY_SELLER = "*"  # a mapping for every seller of the account who has none of his own


@dataclass(frozen=True, slots=True)
class Saved:
    """One version. `content`: columns, values, defaults, decimal, expressions, as written down."""

    account: str
    seller: str
    version: int
    content: Mapping[str, Any]
    hash: str
    author: str
    reason: str
    saved_at: datetime


def current(conn: Conn, account: str, seller: str) -> Saved | None:
    """The newest of his own; without one, the newest that is for all."""
    row = conn.execute(
        "SELECT * FROM feed_mapping WHERE account = %s AND seller = ANY(%s::text[]) ORDER BY seller = %s DESC, version DESC LIMIT 1",
        (account, [seller, ANY_SELLER], seller),
    ).fetchone()
    return _saved(row) if row else None


def versions(conn: Conn, account: str, seller: str, limit: int) -> list[Saved]:
    """Newest first."""
    rows = conn.execute(
        "SELECT * FROM feed_mapping WHERE account = %s AND seller = %s ORDER BY version DESC LIMIT %s",
        (account, seller, limit),
    ).fetchall()
    return [_saved(row) for row in rows]


def save(
    conn: Conn, account: str, seller: str, content: Mapping[str, Any], hash_: str, *, by: str, reason: str, at: datetime
) -> int:
    """A new version; its number. The caller holds the lock of this seller's mapping."""
    row = conn.execute(
        "INSERT INTO feed_mapping (account, seller, version, content, hash, author, reason, saved_at) "
        "SELECT %(account)s, %(seller)s, coalesce(max(version), 0) + 1, %(content)s, %(hash)s, %(by)s, %(reason)s, %(at)s "
        "FROM feed_mapping WHERE account = %(account)s AND seller = %(seller)s RETURNING version",
        {"account": account, "seller": seller, "content": Jsonb(content), "hash": hash_, "by": by, "reason": reason, "at": at},
    ).fetchone()  # fmt: skip
    assert row is not None
    return int(row["version"])


def _saved(row: Row) -> Saved:
    return Saved(**{name: row[name] for name in Saved.__slots__})
