"""All SQL of the conversations in which sellers are asked, and of the files returned to them."""

from collections.abc import Collection
from datetime import datetime

from entrepot.kernel.ctx import Conn, Row


def conversation(conn: Conn, account: str, seller_id: str, cause: str) -> Row | None:
    return conn.execute(
        "SELECT * FROM correction_thread WHERE account = %s AND seller_id = %s AND cause = %s",
        (account, seller_id, cause),
    ).fetchone()


def conversations(conn: Conn, account: str, thread_ids: Collection[str]) -> dict[str, Row]:
    rows = conn.execute(
        "SELECT * FROM correction_thread WHERE account = %s AND thread_id = ANY(%s) ORDER BY thread_id",
        (account, list(thread_ids)),
    ).fetchall()
    return {row["thread_id"]: row for row in rows}


def keep_conversation(
    conn: Conn, account: str, seller_id: str, cause: str, thread_id: str, digest_id: str, at: datetime
) -> None:
    """The conversation of one seller and cause, with the last request in it."""
    conn.execute(
        "INSERT INTO correction_thread (account, seller_id, cause, thread_id, digest_id, opened_at) VALUES (%s, %s, %s, %s, %s, %s) "
        "ON CONFLICT (account, seller_id, cause) DO UPDATE SET thread_id = excluded.thread_id, digest_id = excluded.digest_id",
        (account, seller_id, cause, thread_id, digest_id, at),
    )


def heard(conn: Conn, account: str, thread_id: str, until: datetime) -> None:
    conn.execute(
        "UPDATE correction_thread SET heard_until = %s WHERE account = %s AND thread_id = %s",
        (until, account, thread_id),
    )


# Accounts with a digest whose letter is out, or has been given up: for a lane's due query.
LETTERS_SETTLED_SQL = """
    SELECT d.account FROM correction_digest d JOIN alert a ON a.key = 'digest:' || d.id
     WHERE d.state = 'taken' AND d.channel = 'mail-digest' AND a.state <> 'planned'
"""


def letters_settled(conn: Conn, account: str) -> list[Row]:
    """Digests of an account whose letter is out, or has been given up, with the letter's key, state and last error."""
    return conn.execute(
        "SELECT d.id AS digest_id, a.key, a.state, a.last_error FROM correction_digest d JOIN alert a ON a.key = 'digest:' || d.id "
        "WHERE d.account = %s AND d.state = 'taken' AND d.channel = 'mail-digest' AND a.state <> 'planned' ORDER BY d.id",
        (account,),
    ).fetchall()


def keep_file(conn: Conn, digest_id: str, account: str, seller_id: str, name: str, content: str, at: datetime) -> None:
    conn.execute(
        "INSERT INTO returned_file (digest_id, account, seller_id, name, content, made_at) VALUES (%s, %s, %s, %s, %s, %s) "
        "ON CONFLICT (digest_id) DO UPDATE SET content = excluded.content, made_at = excluded.made_at",
        (digest_id, account, seller_id, name, content, at),
    )
