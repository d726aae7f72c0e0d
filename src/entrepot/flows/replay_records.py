"""SQL of a replay: which records it looks at, and what it does to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from entrepot.kernel.ctx import Conn, Row

READ_AGAIN = ("unknown-word", "mapping-missing", "malformed-message", "poison-message")  # parked for how they were read

_EFFECT = "id, key, account, operation, root, flow, queue, after_effect, payload, state, attempts, note, message_id, window_until"
_MONEY_GONE = (
    "state = 'refused' AND EXISTS (SELECT FROM effect r WHERE r.root = effect.root AND r.operation = 'gateway.release'"
    " AND r.state <> 'void') AS money_gone"
)


def effects_since(conn: Conn, flow: str, since: datetime, limit: int) -> list[Row]:
    """Outgoing actions of a flow planned since then, oldest first."""
    return conn.execute(
        f"SELECT {_EFFECT}, {_MONEY_GONE} FROM effect WHERE flow = %s AND planned_at >= %s ORDER BY seq LIMIT %s",
        (flow, since, limit),
    ).fetchall()


def effect_to_replay(conn: Conn, effect_id: str) -> Row | None:
    """Locked, or None when a sender has it just now."""
    return conn.execute(
        f"SELECT {_EFFECT}, {_MONEY_GONE} FROM effect WHERE id = %s FOR UPDATE SKIP LOCKED", (effect_id,)
    ).fetchone()


def roots_of(conn: Conn, effect_ids: Sequence[str], message_ids: Sequence[str]) -> dict[str, str]:
    rows = conn.execute(
        "SELECT id, root FROM effect WHERE id = ANY(%s) UNION ALL SELECT id, root FROM message WHERE id = ANY(%s) ORDER BY id",
        (list(effect_ids), list(message_ids)),
    ).fetchall()
    return {row["id"]: row["root"] for row in rows}


def give_content(conn: Conn, effect_id: str, payload: Any, plan_hash: str, at: datetime, until: datetime) -> bool:
    """Other content for what never left the house: still advised when it was, else planned."""
    return (
        conn.execute(
            "UPDATE effect SET payload = %s, plan_hash = %s, due_at = %s, window_until = greatest(window_until, %s), note = NULL,"
            " state = CASE WHEN state = 'advised' THEN 'advised' ELSE 'planned' END"
            " WHERE id = %s AND attempts = 0 AND state IN ('planned', 'refused', 'parked', 'advised')",
            (Jsonb(dict(payload)), plan_hash, at, until, effect_id),
        ).rowcount
        == 1
    )


_MESSAGE = """
    SELECT m.id, m.kind, m.external_id, m.account, m.flow, m.root, m.state, coalesce(c.mode, '') AS mode
      FROM message m
      LEFT JOIN LATERAL (SELECT mode FROM case_file f WHERE f.message_id = m.id AND f.resolved_at IS NULL ORDER BY f.opened_at, f.id LIMIT 1) c ON true
"""


def messages_since(conn: Conn, flow: str, since: datetime, limit: int) -> list[Row]:
    """Messages of a flow that a replay may have something to say about: parked, or read with a mapping's words."""
    return conn.execute(
        f"{_MESSAGE} WHERE m.flow = %s AND m.received_at >= %s AND (m.state = 'parked' OR EXISTS"
        " (SELECT FROM mapping_use u WHERE u.message_id = m.id AND u.direction = 'in')) ORDER BY m.seq LIMIT %s",
        (flow, since, limit),
    ).fetchall()


def message_to_replay(conn: Conn, message_id: str) -> Row | None:
    return conn.execute(f"{_MESSAGE} WHERE m.id = %s FOR UPDATE OF m SKIP LOCKED", (message_id,)).fetchone()


def open_cases_of(conn: Conn, effect_id: str | None, message_id: str | None) -> list[Row]:
    """Cases that end when their record gets another turn; locked, not to be had is Busy."""
    return conn.execute(
        "SELECT * FROM case_file WHERE resolved_at IS NULL AND mode <> 'action-advised'"
        " AND (effect_id = %s OR message_id = %s) ORDER BY id FOR UPDATE NOWAIT",
        (effect_id, message_id),
    ).fetchall()
