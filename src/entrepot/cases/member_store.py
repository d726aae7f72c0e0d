"""SQL of the members of group cases. Every statement takes any number of members."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from entrepot.cases.store import Key
from entrepot.kernel.ctx import Conn, Row
from entrepot.store.bulk import insert_rows, texts

LISTED_MAX = 500

_KEYS = "unnest(%(modes)s::text[], %(objects)s::text[], %(ids)s::text[]) AS k (mode, object, object_id)"
_KEPT = (
    "unnest(%(modes)s::text[], %(objects)s::text[], %(ids)s::text[], %(keep)s::text[]) "
    "AS k (mode, object, object_id, keep)"
)
_ON = "m.mode = k.mode AND m.object = k.object AND m.object_id = k.object_id AND m.gone_at IS NULL"

_AGAIN = """
    ON CONFLICT (case_id, object, object_id) DO UPDATE
       SET count = case_member.count + excluded.count, gone_at = NULL, gone_because = NULL,
           cause_text = excluded.cause_text, money_minor = excluded.money_minor, currency = excluded.currency,
           message_id = coalesce(excluded.message_id, case_member.message_id),
           effect_id = coalesce(excluded.effect_id, case_member.effect_id),
           obligation_id = coalesce(excluded.obligation_id, case_member.obligation_id)
"""


def _columns(keys: Sequence[Key]) -> dict[str, Any]:
    modes, objects, ids = zip(*keys, strict=True) if keys else ((), (), ())
    return {"modes": texts(modes), "objects": texts(objects), "ids": texts(ids)}


def upsert(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    """New members; one that is in the case already, or was, is counted again."""
    insert_rows(conn, "case_member", rows, on_conflict=_AGAIN)


def cases_of(conn: Conn, keys: Sequence[Key]) -> list[Row]:
    """The open group cases these objects fail in, locked; not to be had is Busy."""
    return conn.execute(
        f"SELECT * FROM case_file WHERE id IN (SELECT m.case_id FROM case_member m JOIN {_KEYS} ON {_ON}) "
        "ORDER BY id FOR UPDATE NOWAIT",
        _columns(keys),
    ).fetchall()


def keys_of_obligations(conn: Conn, obligation_ids: Sequence[str]) -> list[Row]:
    """Members that these promises put into a group: case_id, mode, object, object_id, obligation_id."""
    return conn.execute(
        "SELECT case_id, mode, object, object_id, obligation_id FROM case_member "
        "WHERE obligation_id = ANY(%s) AND gone_at IS NULL ORDER BY case_id, object, object_id",
        (list(obligation_ids),),
    ).fetchall()


def leave(conn: Conn, keys: Sequence[Key], at: datetime, because: str, keep: Sequence[str] = ()) -> list[str]:
    """End the membership of these objects; the cases they left, one entry per member. `keep`: by key, a case to stay in."""
    rows = conn.execute(
        f"UPDATE case_member m SET gone_at = %(at)s, gone_because = %(because)s FROM {_KEPT} "
        f"WHERE {_ON} AND m.case_id <> k.keep RETURNING m.case_id",
        {**_columns(keys), "at": at, "because": because, "keep": list(keep) or [""] * len(keys)},
    ).fetchall()
    return [row["case_id"] for row in rows]


def leave_all(
    conn: Conn, case_ids: Sequence[str], at: datetime, because: str, left_out: Sequence[str] = ()
) -> list[str]:
    """End the membership of everybody in these cases; `left_out`: messages and actions whose members stay."""
    rows = conn.execute(
        "UPDATE case_member SET gone_at = %(at)s, gone_because = %(because)s WHERE case_id = ANY(%(ids)s) "
        "AND gone_at IS NULL AND NOT coalesce(message_id = ANY(%(out)s), false) "
        "AND NOT coalesce(effect_id = ANY(%(out)s), false) RETURNING case_id",
        {"ids": list(case_ids), "at": at, "because": because, "out": list(left_out)},
    ).fetchall()
    return [row["case_id"] for row in rows]


def recount(conn: Conn, case_ids: Sequence[str]) -> dict[str, Row]:
    """Bring the counts of cases to what their members say. Money: of the case's own currency. `first`: the oldest one."""
    rows = conn.execute(
        """
        UPDATE case_file c SET members = n.members, members_seen = n.members_seen, money_minor = n.money_minor
          FROM (SELECT m.case_id, count(*) FILTER (WHERE m.gone_at IS NULL) AS members, count(*) AS members_seen,
                       coalesce(sum(m.money_minor) FILTER (WHERE m.gone_at IS NULL AND m.currency = f.currency), 0) AS money_minor,
                       (array_agg(m.name ORDER BY m.gone_at IS NOT NULL, m.seen_at, m.object_id))[1] AS first
                  FROM case_member m JOIN case_file f ON f.id = m.case_id
                 WHERE m.case_id = ANY(%s) GROUP BY m.case_id) AS n
         WHERE c.id = n.case_id RETURNING c.*, n.first
        """,
        (list(case_ids),),
    ).fetchall()
    return {row["id"]: row for row in rows}


def members_of(conn: Conn, case_id: str, limit: int = LISTED_MAX) -> list[Row]:
    """Those that still fail first, the oldest first."""
    return conn.execute(
        "SELECT * FROM case_member WHERE case_id = %s ORDER BY (gone_at IS NOT NULL), seen_at, object, object_id LIMIT %s",
        (case_id, limit),
    ).fetchall()
