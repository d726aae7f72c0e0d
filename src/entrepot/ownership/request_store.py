"""SQL of digests and of answers to correction requests."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from entrepot.kernel.ctx import Conn, Row
from entrepot.ownership.states import CorrectionState, may_come_from
from entrepot.ownership.store import Audience
from entrepot.store.bulk import insert_rows, update_rows

# Accounts with something to tell, or with a digest nobody said what became of: for a lane's due query.
DIGEST_DUE_SQL = """
    SELECT account FROM correction WHERE state = 'asked' AND digest_id IS NULL AND tell_at <= %(now)s
    UNION SELECT account FROM correction_digest WHERE state = 'taken' AND again_at <= %(now)s
    ORDER BY account
"""
_AUDIENCE = "account = %(account)s AND owner = %(owner)s AND seller = %(seller)s AND cause = %(cause)s"
_UNTOLD = f"{_AUDIENCE} AND state = 'asked' AND digest_id IS NULL AND tell_at <= %(now)s"


def _named(audience: Audience) -> dict[str, Any]:
    return dict(zip(("account", "owner", "seller", "cause"), audience, strict=True))


def due_audiences(conn: Conn, account: str, now: datetime, limit: int) -> list[Row]:
    return conn.execute(
        "SELECT account, owner, seller, cause, count(*) AS count, min(asked_at) AS oldest_at FROM correction "
        "WHERE state = 'asked' AND digest_id IS NULL AND tell_at <= %(now)s AND (%(account)s = '' OR account = %(account)s) "
        "GROUP BY account, owner, seller, cause ORDER BY min(tell_at), account, owner, seller, cause LIMIT %(limit)s",
        {"account": account, "now": now, "limit": limit},
    ).fetchall()


def due_again(conn: Conn, account: str, now: datetime, limit: int) -> list[Row]:
    return conn.execute(
        "SELECT d.*, (SELECT count(*) FROM correction c WHERE c.digest_id = d.id) AS count FROM correction_digest d "
        "WHERE d.state = 'taken' AND d.again_at <= %(now)s AND (%(account)s = '' OR d.account = %(account)s) "
        "ORDER BY d.again_at, d.id LIMIT %(limit)s",
        {"account": account, "now": now, "limit": limit},
    ).fetchall()


def insert_digest(conn: Conn, row: Mapping[str, Any]) -> bool:
    """False: this window has had its digest."""
    clash = "ON CONFLICT (account, owner, seller, cause, window_at) DO NOTHING"
    return bool(insert_rows(conn, "correction_digest", [row], on_conflict=clash, returning="id"))


def digest(conn: Conn, digest_id: str) -> Row | None:
    return conn.execute("SELECT * FROM correction_digest WHERE id = %s FOR UPDATE NOWAIT", (digest_id,)).fetchone()


def update_digest(conn: Conn, row: Mapping[str, Any]) -> None:
    update_rows(conn, "correction_digest", [row])


def untold(conn: Conn, audience: Audience, now: datetime, limit: int) -> list[Row]:
    return conn.execute(
        f"SELECT * FROM correction WHERE {_UNTOLD} ORDER BY asked_at, object_id, field, id LIMIT %(limit)s FOR UPDATE NOWAIT",
        {**_named(audience), "now": now, "limit": limit},
    ).fetchall()


def tell_later(conn: Conn, audience: Audience, now: datetime, at: datetime) -> None:
    conn.execute(f"UPDATE correction SET tell_at = %(at)s WHERE {_UNTOLD}", {**_named(audience), "now": now, "at": at})


def of_digest(conn: Conn, digest_id: str) -> list[Row]:
    """Those of its rows that are still open."""
    return conn.execute(
        "SELECT * FROM correction WHERE digest_id = %s AND ended_at IS NULL ORDER BY asked_at, object_id, field, id FOR UPDATE NOWAIT",
        (digest_id,),
    ).fetchall()


def give_tokens(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    """id, digest_id, channel, token_hash."""
    update_rows(conn, "correction", rows)


def deliver(conn: Conn, digest_id: str, channel: str, at: datetime) -> None:
    conn.execute(
        "UPDATE correction SET state = 'delivered', delivered_at = %s, channel = %s WHERE digest_id = %s AND state = ANY(%s)",
        (at, channel, digest_id, list(may_come_from(CorrectionState.DELIVERED))),
    )


def by_id(conn: Conn, correction_id: str) -> Row | None:
    return conn.execute("SELECT * FROM correction WHERE id = %s", (correction_id,)).fetchone()


def by_token(conn: Conn, token_hash: str) -> Row | None:
    return conn.execute("SELECT * FROM correction WHERE token_hash = %s", (token_hash,)).fetchone()


def answered(
    conn: Conn, correction_id: str, state: CorrectionState, words: str, by: str, at: datetime, ended_at: datetime | None
) -> bool:
    """The owner's word, once; the link is used up."""
    return bool(
        conn.execute(
            "UPDATE correction SET state = %s, answered_at = %s, answer_words = %s, answered_by = %s, ended_at = %s, token_hash = NULL "
            "WHERE id = %s AND state = ANY(%s)",
            (state.value, at, words, by, ended_at, correction_id, list(may_come_from(state))),
        ).rowcount
    )


def note_answer(conn: Conn, correction_id: str, words: str, by: str, at: datetime) -> None:
    """What he said, beside a value that was applied."""
    conn.execute(
        "UPDATE correction SET answered_at = %s, answer_words = %s, answered_by = %s WHERE id = %s",
        (at, words, by, correction_id),
    )


def by_ids(conn: Conn, ids: Sequence[str]) -> list[Row]:
    return conn.execute("SELECT * FROM correction WHERE id = ANY(%s) ORDER BY id", (list(ids),)).fetchall()


def objects_in(conn: Conn, digest_ids: Sequence[str]) -> list[Row]:
    """What these digests ask about and nobody has corrected yet: account, object, object_id."""
    return conn.execute(
        "SELECT DISTINCT account, object, object_id FROM correction WHERE digest_id = ANY(%s) AND state <> 'applied' "
        "ORDER BY account, object, object_id",
        (list(digest_ids),),
    ).fetchall()


def open_of(conn: Conn, account: str, seller: str, cause: str) -> list[str]:
    rows = conn.execute(
        "SELECT id FROM correction WHERE account = %s AND seller = %s AND cause = %s AND ended_at IS NULL AND digest_id IS NOT NULL "
        "ORDER BY asked_at, id",
        (account, seller, cause),
    ).fetchall()
    return [row["id"] for row in rows]


def unanswered(conn: Conn, digest_ids: Sequence[str]) -> set[str]:
    """Digests with a request that nobody answered, or that expired without an answer."""
    rows = conn.execute(
        "SELECT DISTINCT digest_id FROM correction WHERE digest_id = ANY(%s) AND answered_at IS NULL "
        "AND state IN ('asked', 'delivered', 'expired') ORDER BY digest_id",
        (list(digest_ids),),
    ).fetchall()
    return {row["digest_id"] for row in rows}
