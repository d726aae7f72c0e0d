"""SQL of replays and their rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from entrepot.change.replaying import Judged, Verdict
from entrepot.kernel.ctx import Conn, Row
from entrepot.store.bulk import insert_rows

STATE_OF = {Verdict.SEND: "waiting", Verdict.DECIDE: "waiting", Verdict.SKIP: "skipped", Verdict.REVIEW: "person"}


def start(conn: Conn, head: Mapping[str, Any], rows: Sequence[Judged]) -> bool:
    """Write a replay with all its rows; False when one of its flow is still running."""
    again = "ON CONFLICT (flow) WHERE ended_at IS NULL DO NOTHING"
    if not insert_rows(conn, "replay", [head], on_conflict=again, returning="id"):
        return False
    insert_rows(
        conn,
        "replay_row",
        [
            {
                "replay_id": head["id"],
                "number": number,
                "what": row.what,
                "record_id": row.record_id,
                "name": row.name,
                "verdict": row.verdict.value,
                "why": row.why,
                "before": row.before,
                "after": row.after,
                "state": STATE_OF[row.verdict],
            }
            for number, row in enumerate(rows, 1)
        ],
    )
    return True


def running(conn: Conn, flow: str) -> Row | None:
    return conn.execute("SELECT * FROM replay WHERE flow = %s AND ended_at IS NULL", (flow,)).fetchone()


def replay(conn: Conn, replay_id: str) -> Row | None:
    return conn.execute("SELECT * FROM replay WHERE id = %s", (replay_id,)).fetchone()


def waiting(conn: Conn, replay_id: str, limit: int) -> list[Row]:
    """The next rows to do; another process that runs the same replay takes others."""
    return conn.execute(
        "SELECT * FROM replay_row WHERE replay_id = %s AND state = 'waiting' ORDER BY number LIMIT %s FOR UPDATE SKIP LOCKED",
        (replay_id, limit),
    ).fetchall()


def settle(conn: Conn, replay_id: str, rows: Sequence[tuple[int, str, str]], at: datetime) -> None:
    """Results by number: state (done, skipped, person) and what became of it."""
    conn.execute(
        "UPDATE replay_row r SET state = v.state, result = v.result, done_at = CASE WHEN v.state = 'done' THEN %s::timestamptz END"
        " FROM unnest(%s::int[], %s::text[], %s::text[]) AS v (number, state, result) WHERE r.replay_id = %s AND r.number = v.number",
        (at, [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows], replay_id),
    )


def end(conn: Conn, replay_id: str, at: datetime) -> bool:
    """End it when nothing of it waits any more."""
    return (
        conn.execute(
            "UPDATE replay SET ended_at = %s WHERE id = %s AND ended_at IS NULL"
            " AND NOT EXISTS (SELECT FROM replay_row WHERE replay_id = %s AND state = 'waiting')",
            (at, replay_id, replay_id),
        ).rowcount
        == 1
    )


def rows_of(conn: Conn, replay_id: str, limit: int) -> list[Row]:
    return conn.execute(
        "SELECT * FROM replay_row WHERE replay_id = %s ORDER BY number LIMIT %s", (replay_id, limit)
    ).fetchall()


def states_of(conn: Conn, replay_id: str) -> dict[str, int]:
    rows = conn.execute(
        "SELECT state, count(*) AS n FROM replay_row WHERE replay_id = %s GROUP BY state ORDER BY state", (replay_id,)
    ).fetchall()
    return {row["state"]: row["n"] for row in rows}
