"""SQL of ownership questions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from entrepot.kernel.ctx import Conn, Row
from entrepot.store.bulk import insert_rows

LISTED_MAX = 200
_SELECT = "SELECT q.*, c.number AS case_number FROM ownership_question q LEFT JOIN case_file c ON c.id = q.case_id"


def insert(conn: Conn, row: Mapping[str, Any]) -> int | None:
    """The question's number; None when this case has asked the same already."""
    new = insert_rows(conn, "ownership_question", [row], on_conflict="ON CONFLICT DO NOTHING", returning="number")
    return int(new[0]["number"]) if new else None


def find(conn: Conn, number: int) -> Row | None:
    return conn.execute(f"{_SELECT} WHERE q.number = %s", (number,)).fetchone()


def for_update(conn: Conn, number: int) -> Row | None:
    return conn.execute("SELECT * FROM ownership_question WHERE number = %s FOR UPDATE NOWAIT", (number,)).fetchone()


def of_case(conn: Conn, case_id: str) -> list[Row]:
    return conn.execute(f"{_SELECT} WHERE q.case_id = %s ORDER BY q.number", (case_id,)).fetchall()


def listed(conn: Conn, state: str = "", limit: int = LISTED_MAX) -> list[Row]:
    """What still has to be done first: raised by due time, then decided ones, then those in the plan, newest first."""
    return conn.execute(
        f"{_SELECT} WHERE (%(state)s = '' OR q.state = %(state)s) "
        "ORDER BY array_position(ARRAY['raised', 'decided', 'in-blueprint'], q.state), "
        "CASE WHEN q.state = 'raised' THEN q.due_at END, q.number DESC LIMIT %(limit)s",
        {"state": state, "limit": min(limit, LISTED_MAX)},
    ).fetchall()


def named(conn: Conn, names: Sequence[str]) -> dict[str, Row]:
    """Of questions that a plan asks itself, what was recorded last of each, by the plan's name for it."""
    rows = conn.execute(f"{_SELECT} WHERE q.plan_name = ANY(%s) ORDER BY q.number", (list(names),)).fetchall()
    return {row["plan_name"]: row for row in rows}


def change(conn: Conn, question_id: str, changes: Mapping[str, Any]) -> None:
    """Set columns of one question. Names are ours, values anybody's."""
    columns = ", ".join(f"{name} = %({name})s" for name in changes)
    conn.execute(
        f"UPDATE ownership_question SET {columns} WHERE id = %(question_id)s", {**changes, "question_id": question_id}
    )


def undecided(conn: Conn, now: datetime, limit: int) -> list[Row]:
    """Raised, due, and the architect has not heard of it."""
    return conn.execute(
        "SELECT * FROM ownership_question WHERE state = 'raised' AND told_at IS NULL AND due_at <= %s "
        "ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED",
        (now, limit),
    ).fetchall()


def set_told(conn: Conn, ids: Sequence[str], at: datetime) -> None:
    conn.execute("UPDATE ownership_question SET told_at = %s WHERE id = ANY(%s)", (at, list(ids)))


def plan_has_run(conn: Conn, plan_hash: str) -> bool:
    """Whether this installation has ever run under a plan of this hash."""
    row = conn.execute(
        "SELECT EXISTS (SELECT FROM installation WHERE plan_hash = %(hash)s) "
        "OR EXISTS (SELECT FROM case_file WHERE plan_hash = %(hash)s) AS ran",
        {"hash": plan_hash},
    ).fetchone()
    return bool(row and row["ran"])
