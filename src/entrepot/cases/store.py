"""SQL of case files, their events, alerts and obligations."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from entrepot.kernel.ctx import Conn, Row
from entrepot.store.bulk import insert_rows, instants, texts

Key = tuple[str, str, str]  # mode, object, object_id


def _columns(keys: Sequence[Key]) -> dict[str, Any]:
    modes, objects, ids = zip(*keys, strict=True) if keys else ((), (), ())
    return {"modes": texts(modes), "objects": texts(objects), "ids": texts(ids)}


_KEYS = "unnest(%(modes)s::text[], %(objects)s::text[], %(ids)s::text[]) AS k (mode, object, object_id)"
_ON = "c.mode = k.mode AND c.object = k.object AND c.object_id = k.object_id"


def open_of(conn: Conn, keys: Sequence[Key]) -> dict[Key, Row]:
    """Open cases by key, locked; not to be had is Busy."""
    rows = conn.execute(
        f"SELECT c.* FROM case_file c JOIN {_KEYS} ON {_ON} WHERE c.resolved_at IS NULL "
        "ORDER BY c.id FOR UPDATE OF c NOWAIT",
        _columns(keys),
    ).fetchall()
    return {(r["mode"], r["object"], r["object_id"]): r for r in rows}


def open_modes(conn: Conn, modes: Collection[str]) -> set[str]:
    """Of these modes, those of which any case is open."""
    rows = conn.execute(
        "SELECT m.mode FROM unnest(%s::text[]) AS m (mode) WHERE EXISTS "
        "(SELECT FROM case_file c WHERE c.mode = m.mode AND c.resolved_at IS NULL) ORDER BY m.mode",
        (sorted(modes),),
    ).fetchall()
    return {row["mode"] for row in rows}


def last_resolved(conn: Conn, keys: Sequence[Key]) -> dict[Key, str]:
    """The newest ended case of each key: what a new one reopens."""
    rows = conn.execute(
        f"SELECT DISTINCT ON (c.mode, c.object, c.object_id) c.mode, c.object, c.object_id, c.id FROM case_file c "
        f"JOIN {_KEYS} ON {_ON} WHERE c.resolved_at IS NOT NULL "
        "ORDER BY c.mode, c.object, c.object_id, c.resolved_at DESC, c.id DESC",
        _columns(keys),
    ).fetchall()
    return {(r["mode"], r["object"], r["object_id"]): r["id"] for r in rows}


def insert_cases(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Case numbers by id."""
    return {r["id"]: r["number"] for r in insert_rows(conn, "case_file", rows, returning="id, number")}


def insert_events(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    insert_rows(conn, "case_event", rows)


def insert_alerts(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> int:
    """How many were new: an alert of the same key is said once."""
    return len(insert_rows(conn, "alert", rows, on_conflict="ON CONFLICT (key) DO NOTHING", returning="id"))


def case_for_update(conn: Conn, case_id: str) -> Row | None:
    return conn.execute("SELECT * FROM case_file WHERE id = %s FOR UPDATE NOWAIT", (case_id,)).fetchone()


def open_to_close(conn: Conn, keys: Sequence[Key]) -> list[Row]:
    return list(open_of(conn, keys).values())


def open_of_obligations(conn: Conn, obligation_ids: Sequence[str]) -> list[Row]:
    """Open cases that these obligations opened, locked."""
    return conn.execute(
        "SELECT c.* FROM obligation o "
        "JOIN case_file c ON c.object = o.object AND c.object_id = o.object_id AND c.obligation_id = o.id "
        "WHERE o.id = ANY(%s) AND c.resolved_at IS NULL ORDER BY c.id FOR UPDATE OF c NOWAIT",
        (list(obligation_ids),),
    ).fetchall()


def end_cases(conn: Conn, ids: Sequence[str], state: str, verb: str, by: str, at: datetime) -> None:
    conn.execute(
        "UPDATE case_file SET state = %s, resolved_verb = %s, resolved_by = %s, resolved_at = %s, next_at = NULL "
        "WHERE id = ANY(%s)",
        (state, verb, by, at, list(ids)),
    )


def drop_waiting_alerts(conn: Conn, case_ids: Sequence[str]) -> None:
    """What nobody had heard yet is not said any more."""
    conn.execute(
        "UPDATE alert SET state = 'dropped' WHERE case_id = ANY(%s) AND waits AND state = 'planned'", (list(case_ids),)
    )


def set_told(conn: Conn, case_ids: Sequence[str], at: datetime) -> None:
    conn.execute("UPDATE case_file SET told_at = %s WHERE id = ANY(%s)", (at, list(case_ids)))


def untold(conn: Conn, modes: Sequence[str], limit: int) -> list[Row]:
    """Open cases of these modes whose owner has not heard of them, oldest first."""
    return conn.execute(
        "SELECT * FROM case_file WHERE mode = ANY(%s) AND resolved_at IS NULL AND state <> 'suppressed' AND NOT shadow "
        "AND told_at IS NULL ORDER BY mode, number LIMIT %s",
        (list(modes), limit),
    ).fetchall()


def measures(conn: Conn, modes: Sequence[str]) -> dict[tuple[str, str], int]:
    """What alert rules measure, by (mode, measure). Money: of the currency with most of it."""
    rows = conn.execute(
        """
        SELECT mode, 'open-cases' AS measure, sum(greatest(members, 1)) AS n FROM case_file
         WHERE mode = ANY(%(modes)s) AND resolved_at IS NULL AND state <> 'suppressed' AND NOT shadow GROUP BY mode
        UNION ALL
        SELECT mode, 'money-at-risk', max(minor) FROM (
            SELECT mode, currency, sum(money_minor) AS minor FROM case_file
             WHERE mode = ANY(%(modes)s) AND resolved_at IS NULL AND state <> 'suppressed' AND NOT shadow GROUP BY mode, currency
        ) AS sums GROUP BY mode
        UNION ALL
        SELECT mode, 'obligations-at-risk', count(*) FROM obligation
         WHERE mode = ANY(%(modes)s) AND ended_at IS NULL AND state <> 'due' AND NOT shadow GROUP BY mode
         ORDER BY mode, measure
        """,
        {"modes": list(modes)},
    ).fetchall()
    return {(row["mode"], row["measure"]): int(row["n"]) for row in rows}


def due_cases(conn: Conn, now: datetime, limit: int) -> list[Row]:
    return conn.execute(
        "SELECT * FROM case_file WHERE resolved_at IS NULL AND state <> 'suppressed' AND next_at <= %s "
        "ORDER BY next_at, id LIMIT %s FOR UPDATE SKIP LOCKED",
        (now, limit),
    ).fetchall()


def set_steps(conn: Conn, rows: Sequence[tuple[str, int, datetime | None]]) -> None:
    """Level and next step of cases: (id, level, next_at)."""
    conn.execute(
        "UPDATE case_file c SET level = v.level, next_at = v.next_at "
        "FROM unnest(%s::text[], %s::int[], %s::timestamptz[]) AS v (id, level, next_at) WHERE c.id = v.id",
        ([r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]),
    )


def change_case(conn: Conn, case_id: str, changes: Mapping[str, Any]) -> None:
    """Set columns of one case. Names are ours, values anybody's."""
    columns = ", ".join(f"{name} = %({name})s" for name in changes)
    conn.execute(f"UPDATE case_file SET {columns} WHERE id = %(case_id)s", {**changes, "case_id": case_id})


def end_shadows(conn: Conn, flows: Sequence[str]) -> list[Row]:
    """What these flows raised while they only observed is our own from now on; the open cases, oldest first."""
    conn.execute(
        "UPDATE obligation SET shadow = false WHERE shadow AND ended_at IS NULL AND flow = ANY(%s)", (list(flows),)
    )
    rows = conn.execute(
        "UPDATE case_file SET shadow = false WHERE shadow AND resolved_at IS NULL AND flow = ANY(%s) RETURNING *",
        (list(flows),),
    ).fetchall()
    return sorted(rows, key=lambda row: int(row["number"]))


def ended_quiet(conn: Conn, now: datetime, limit: int) -> list[Row]:
    """Cases whose time of silence is over."""
    return conn.execute(
        "SELECT * FROM case_file WHERE resolved_at IS NULL AND state = 'suppressed' AND next_at <= %s "
        "ORDER BY next_at, id LIMIT %s FOR UPDATE SKIP LOCKED",
        (now, limit),
    ).fetchall()


def still_failing(conn: Conn, case_ids: Sequence[str]) -> set[str]:
    """Of these cases: those whose cause stands. One without message and action stands until it is closed."""
    rows = conn.execute(
        """
        SELECT c.id FROM case_file c WHERE c.id = ANY(%s) AND (
            (c.message_id IS NULL AND c.effect_id IS NULL)
            OR EXISTS (SELECT FROM message m WHERE m.state IN ('parked', 'new') AND (m.id = c.message_id OR m.id IN (
                    SELECT v.detail->>'message_id' FROM case_event v WHERE v.case_id = c.id AND v.detail ? 'message_id')))
            OR EXISTS (SELECT FROM effect e WHERE e.state NOT IN ('done', 'void') AND (e.id = c.effect_id OR e.id IN (
                    SELECT v.detail->>'effect_id' FROM case_event v WHERE v.case_id = c.id AND v.detail ? 'effect_id')))
        ) ORDER BY c.id
        """,
        (list(case_ids),),
    ).fetchall()
    return {row["id"] for row in rows}


PROMISED = """
    ON CONFLICT (kind, object, object_id) DO UPDATE
       SET due_at = excluded.due_at, warn_at = excluded.warn_at, escalate_at = excluded.escalate_at,
           next_at = excluded.next_at, money_minor = excluded.money_minor
     WHERE obligation.ended_at IS NULL
       AND (obligation.due_at, obligation.money_minor) IS DISTINCT FROM (excluded.due_at, excluded.money_minor)
"""


def insert_promises(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    """New obligations; one that stands already follows a new due time, one that ended stays ended."""
    insert_rows(conn, "obligation", rows, on_conflict=PROMISED)


_MINE = """
    WITH mine AS (SELECT o.id, v.at, v.because FROM obligation o
                    JOIN unnest(%(kinds)s::text[], %(objects)s::text[], %(ids)s::text[], %(ats)s::timestamptz[], %(becauses)s::text[])
                      AS v (kind, object, object_id, at, because)
                      ON o.kind = v.kind AND o.object = v.object AND o.object_id = v.object_id
                   WHERE {which} ORDER BY o.id FOR UPDATE OF o NOWAIT)
"""
_ENDED = "FROM mine WHERE o.id = mine.id RETURNING o.id, o.kind, o.state, o.mode, o.warned_at, o.ended_at, mine.because"
Ended = tuple[str, str, str, datetime, str]  # kind, object, object_id, when it happened, because


def end_met(conn: Conn, kept: Sequence[Ended]) -> list[Row]:
    """Met by its due time or late, by the time it really happened; a missed one may turn out to have been kept."""
    return conn.execute(
        _MINE.format(which="o.ended_at IS NULL OR o.state = 'missed'")
        + "UPDATE obligation o SET state = CASE WHEN mine.at <= o.due_at THEN 'met' ELSE 'met-late' END, "
        f"cause = CASE WHEN mine.at <= o.due_at THEN NULL ELSE o.cause END, ended_at = mine.at, next_at = NULL {_ENDED}",
        _ended(kept),
    ).fetchall()


def end_void(conn: Conn, void: Sequence[Ended]) -> list[Row]:
    return conn.execute(
        _MINE.format(which="o.ended_at IS NULL")
        + f"UPDATE obligation o SET state = 'void', ended_at = mine.at, next_at = NULL, cause = mine.because {_ENDED}",
        _ended(void),
    ).fetchall()


def _ended(ended: Sequence[Ended]) -> dict[str, str]:
    kinds, objects, ids, ats, becauses = zip(*{row[:3]: row for row in ended}.values(), strict=True)
    named = {"kinds": kinds, "objects": objects, "ids": ids, "becauses": becauses}
    return {name: texts(values) for name, values in named.items()} | {"ats": instants(ats)}


def state_of(conn: Conn, kind: str, object: str, object_id: str) -> str | None:
    row = conn.execute(
        "SELECT state FROM obligation WHERE kind = %s AND object = %s AND object_id = %s", (kind, object, object_id)
    ).fetchone()
    return str(row["state"]) if row else None


def due_obligations(conn: Conn, now: datetime, limit: int) -> list[Row]:
    return conn.execute(
        "SELECT * FROM obligation WHERE next_at <= %s ORDER BY next_at, id LIMIT %s FOR UPDATE SKIP LOCKED",
        (now, limit),
    ).fetchall()


def move_obligations(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    """State, next look, first alert, end and cause of watched obligations, as the watch decided."""
    conn.execute(
        "UPDATE obligation o SET state = v.state, next_at = v.next_at, "
        "warned_at = coalesce(o.warned_at, v.warned_at), ended_at = v.ended_at, cause = v.cause "
        "FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::text[]) "
        "AS v (id, state, next_at, warned_at, ended_at, cause) WHERE o.id = v.id",
        tuple([r[name] for r in rows] for name in ("id", "state", "next_at", "warned_at", "ended_at", "cause")),
    )


def due_alerts(conn: Conn, now: datetime, limit: int) -> list[Row]:
    return conn.execute(
        "SELECT * FROM alert WHERE state = 'planned' AND due_at <= %s "
        "ORDER BY due_at, seq LIMIT %s FOR UPDATE SKIP LOCKED",
        (now, limit),
    ).fetchall()


def claim_alerts(conn: Conn, ids: Sequence[str], due_ats: Sequence[datetime]) -> None:
    """Counted before it is sent, and due again later: a process that dies in between sends it again."""
    conn.execute(
        "UPDATE alert a SET attempts = a.attempts + 1, due_at = v.due_at "
        "FROM unnest(%s::text[], %s::timestamptz[]) AS v (id, due_at) WHERE a.id = v.id",
        (list(ids), list(due_ats)),
    )


def settle_alert(conn: Conn, alert_id: str, state: str, sent_at: datetime | None, error: str | None) -> None:
    conn.execute(
        "UPDATE alert SET state = %s, sent_at = %s, last_error = %s WHERE id = %s AND state = 'planned'",
        (state, sent_at, error, alert_id),
    )
