"""All SQL of ownership: what stands about objects, and what is written about them, each as one statement for any number of rows."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from entrepot.kernel.ctx import Conn, Row
from entrepot.ownership.model import Scope, Why
from entrepot.ownership.standing import Asked, Holding, Key, Overriding, Owned, Reasserted, Refused, Standing
from entrepot.ownership.states import CorrectionState, may_come_from
from entrepot.store.bulk import insert_rows, update_rows

_KEYS = "unnest(%(accounts)s::text[], %(objects)s::text[], %(ids)s::text[]) AS k (account, object, object_id)"
_ON = "t.account = k.account AND t.object = k.object AND t.object_id = k.object_id"

# What is read about an object, and in which order.
_KNOWN = f"SELECT t.* FROM owned_object t JOIN {_KEYS} ON {_ON} ORDER BY t.account, t.object, t.object_id"
_OWNED = f"SELECT t.* FROM owned_value t JOIN {_KEYS} ON {_ON} ORDER BY t.account, t.object, t.object_id, t.field"
_OVERRIDES = f"SELECT t.* FROM override_value t JOIN {_KEYS} ON {_ON} WHERE t.ended_at IS NULL ORDER BY t.id"
_HOLDS = f"SELECT t.* FROM hold t JOIN {_KEYS} ON {_ON} WHERE t.lifted_at IS NULL ORDER BY t.starts_at, t.id"
_REFUSED = f"SELECT t.* FROM refused_write t JOIN {_KEYS} ON {_ON} WHERE t.ended_at IS NULL ORDER BY t.id"
_ASKED = f"""
    SELECT t.*, t.ended_at IS NULL AS open FROM correction t JOIN {_KEYS} ON {_ON}
      LEFT JOIN refused_write r ON r.id = t.refused_id
     WHERE t.ended_at IS NULL OR (t.state <> 'applied' AND r.ended_at IS NULL AND r.id IS NOT NULL) ORDER BY t.id
"""
_REASSERTED = f"SELECT t.* FROM reassertion t JOIN {_KEYS} ON {_ON} WHERE t.day = %(day)s ORDER BY t.object_id, t.field"


def _keys(keys: Iterable[Key]) -> dict[str, Any]:
    ordered = sorted(set(keys))
    return {"accounts": [k[0] for k in ordered], "objects": [k[1] for k in ordered], "ids": [k[2] for k in ordered]}


def standing(conn: Conn, keys: Iterable[Key], day: date) -> dict[Key, Standing]:
    """What stands about each of these objects; `day`: whose re-assertions are counted."""
    asked = _keys(keys)
    found = {name: _by_key(conn.execute(sql, {**asked, "day": day}).fetchall()) for name, sql in _PARTS.items()}
    return {
        key: Standing(
            key,
            next((_scope(row) for row in found["known"].get(key, ())), None),
            {row["field"]: _owned(row) for row in found["owned"].get(key, ())},
            {row["field"]: _overriding(row) for row in found["overrides"].get(key, ())},
            tuple(_holding(row) for row in found["holds"].get(key, ())),
            {(row["field"], row["actor"]): _refused(row) for row in found["refused"].get(key, ())},
            tuple(_asked(row) for row in found["asked"].get(key, ())),
            {row["field"]: _reasserted(row) for row in found["reasserted"].get(key, ())},
        )
        for key in zip(asked["accounts"], asked["objects"], asked["ids"], strict=True)
    }


_PARTS: Mapping[str, str] = {
    "known": _KNOWN,
    "owned": _OWNED,
    "overrides": _OVERRIDES,
    "holds": _HOLDS,
    "refused": _REFUSED,
    "asked": _ASKED,
    "reasserted": _REASSERTED,
}


def _by_key(rows: Sequence[Row]) -> dict[Key, list[Row]]:
    found: dict[Key, list[Row]] = {}
    for row in rows:
        found.setdefault((row["account"], row["object"], row["object_id"]), []).append(row)
    return found


def _scope(row: Row) -> Scope:
    return Scope(row["account"], row["seller"], row["seller_model"], row["category"])


def _owned(row: Row) -> Owned:
    names = ("value", "actor", "rule", "theirs_at", "ours_at", "version", "parts", "expected_at", "shown")
    return Owned(**{name: row[name] for name in names})


def _overriding(row: Row) -> Overriding:
    live = row["state"] == "live"
    return Overriding(row["id"], row["value"], live, row["author"], row["ends_at"], row["expected_at"], row["shown"])


def _holding(row: Row) -> Holding:
    return Holding(row["id"], row["field"], Why(row["reason"]), row["words"], row["ends_at"], row["refused_id"])


def _refused(row: Row) -> Refused:
    return Refused(
        row["id"],
        row["field"],
        row["actor"],
        row["value"],
        Why(row["why"]),
        row["theirs_at"],
        _scope(row),
        row["channel"],
    )


def _asked(row: Row) -> Asked:
    return Asked(row["id"], row["field"], Why(row["cause"]), row["open"], row["refused_id"])


def _reasserted(row: Row) -> Reasserted:
    return Reasserted(row["count"], row["theirs"], row["theirs_at"], row["last_at"], row["fought_at"] is not None)


# --- values ----------------------------------------------------------------------------------------------------------

_CURRENT = """
    ON CONFLICT (account, object, object_id, field) DO UPDATE
       SET value = excluded.value, parts = excluded.parts, actor = excluded.actor, rule = excluded.rule, source = excluded.source,
           message_id = excluded.message_id, plan_hash = excluded.plan_hash, theirs_at = excluded.theirs_at, ours_at = excluded.ours_at,
           expected_at = excluded.expected_at, shown = excluded.shown, version = excluded.version
"""
_HISTORY = ("account", "object", "object_id", "field", "version", "value", "actor", "rule", "source", "message_id",
            "plan_hash", "theirs_at", "ours_at")  # fmt: skip


def write_objects(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    """Objects new to us, or seen in another scope than before."""
    insert_rows(
        conn,
        "owned_object",
        rows,
        on_conflict="ON CONFLICT (account, object, object_id) DO UPDATE SET seller = excluded.seller, "
        "seller_model = excluded.seller_model, category = excluded.category",
    )


def write_values(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    """Changed values with their history. Shape: one row per field; `before` goes to the history alone."""
    insert_rows(
        conn, "value_change", [{**{name: row[name] for name in _HISTORY}, "before": row["before"]} for row in rows]
    )
    current = [{name: value for name, value in row.items() if name != "before"} for row in rows]
    insert_rows(conn, "owned_value", current, on_conflict=_CURRENT)


_FIELDS = "unnest(%(accounts)s::text[], %(objects)s::text[], %(ids)s::text[], %(fields)s::text[]) AS k (account, object, object_id, field)"
_SHOWN = _FIELDS.replace("::text[]) AS", "::text[], %(shown)s::jsonb[]) AS").replace("field)", "field, shown)")
Field = tuple[str, str, str, str]  # account, object, object id, field


def _fields(fields: Iterable[Field]) -> dict[str, Any]:
    ordered = sorted(set(fields))
    return {name: [f[i] for f in ordered] for i, name in enumerate(("accounts", "objects", "ids", "fields"))}


def values_arrived(conn: Conn, fields: Sequence[Field]) -> None:
    """The other side shows our value now."""
    if fields:
        conn.execute(
            f"UPDATE owned_value t SET expected_at = NULL, shown = NULL FROM {_FIELDS} WHERE {_ON} AND t.field = k.field",
            _fields(fields),
        )


def values_expected(conn: Conn, rows: Sequence[tuple[Field, Any]], at: datetime) -> None:
    """From now on the other side should come to show the owner's value; till then it shows what stands beside the field."""
    if rows:
        ordered = sorted(rows, key=lambda row: row[0])
        conn.execute(
            f"UPDATE owned_value t SET expected_at = %(at)s, shown = k.shown FROM {_SHOWN} WHERE {_ON} AND t.field = k.field",
            {**{name: [row[0][i] for row in ordered] for i, name in enumerate(("accounts", "objects", "ids", "fields"))},
             "shown": [_json(row[1]) for row in ordered], "at": at},
        )  # fmt: skip


def _json(value: Any) -> Jsonb | None:
    return None if value is None else Jsonb(value)


# --- refusals and holds ------------------------------------------------------------------------------------------------


def insert_refused(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    insert_rows(conn, "refused_write", rows)


def count_refused(conn: Conn, rows: Sequence[tuple[str, datetime, str | None]], at: datetime) -> None:
    """The same refusal again: (id, theirs at, message)."""
    if rows:
        conn.execute(
            "UPDATE refused_write r SET count = r.count + 1, last_at = %s, theirs_at = v.theirs_at, message_id = v.message_id "
            "FROM unnest(%s::text[], %s::timestamptz[], %s::text[]) AS v (id, theirs_at, message_id) WHERE r.id = v.id",
            (at, [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]),
        )


def refusals_by_writer(conn: Conn, whys: Sequence[str]) -> list[Row]:
    """Refusals that stand for one of these reasons, by who wrote what and where: `ids` of each kind."""
    return conn.execute(
        "SELECT object, field, actor, account, seller, seller_model, category, array_agg(id ORDER BY id) AS ids FROM refused_write "
        "WHERE ended_at IS NULL AND why = ANY(%s) GROUP BY object, field, actor, account, seller, seller_model, category "
        "ORDER BY object, field, actor, account, seller, seller_model, category",
        (list(whys),),
    ).fetchall()


def end_refused(conn: Conn, ended: Mapping[str, str], at: datetime) -> None:
    """By id: why it no longer stands."""
    if ended:
        conn.execute(
            "UPDATE refused_write r SET ended_at = %s, ended_why = v.why "
            "FROM unnest(%s::text[], %s::text[]) AS v (id, why) WHERE r.id = v.id AND r.ended_at IS NULL",
            (at, list(ended), list(ended.values())),
        )


def end_refused_over(conn: Conn, fields: Sequence[Field], why: str, at: datetime) -> None:
    """What was refused only because an override lay over it."""
    if fields:
        conn.execute(
            f"UPDATE refused_write t SET ended_at = %(at)s, ended_why = 'the override has ended' FROM {_FIELDS} "
            f"WHERE {_ON} AND t.field = k.field AND t.why = %(why)s AND t.ended_at IS NULL",
            {**_fields(fields), "at": at, "why": why},
        )


def insert_holds(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    insert_rows(conn, "hold", rows)


def follow_holds(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    """A hold goes on for another bad value of the same kind: id, refused_id, words."""
    update_rows(conn, "hold", rows)


def lift_holds(conn: Conn, lifted: Mapping[str, str], by: str, at: datetime) -> list[str]:
    """By id: why. Returns those that were live."""
    if not lifted:
        return []
    rows = conn.execute(
        "UPDATE hold h SET lifted_at = %s, lifted_by = %s, lifted_why = v.why "
        "FROM unnest(%s::text[], %s::text[]) AS v (id, why) WHERE h.id = v.id AND h.lifted_at IS NULL RETURNING h.id",
        (at, by, list(lifted), list(lifted.values())),
    ).fetchall()
    return sorted(row["id"] for row in rows)


def hold_of(conn: Conn, hold_id: str) -> Row | None:
    return conn.execute("SELECT * FROM hold WHERE id = %s", (hold_id,)).fetchone()


# --- re-assertions ---------------------------------------------------------------------------------------------------

_AGAIN = """
    ON CONFLICT (account, object, object_id, field, day) DO UPDATE
       SET count = excluded.count, theirs = excluded.theirs, ours = excluded.ours, theirs_at = excluded.theirs_at,
           last_at = excluded.last_at, fought_at = coalesce(reassertion.fought_at, excluded.fought_at)
"""


def write_reassertions(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    insert_rows(conn, "reassertion", rows, on_conflict=_AGAIN)


def forget_fight(conn: Conn, field: Field, day: date) -> None:
    """A person has acted: the day's count begins anew."""
    conn.execute(
        "UPDATE reassertion SET count = 0, fought_at = NULL "
        "WHERE account = %s AND object = %s AND object_id = %s AND field = %s AND day = %s",
        (*field, day),
    )


# --- overrides -------------------------------------------------------------------------------------------------------


def insert_override(conn: Conn, row: Mapping[str, Any]) -> None:
    insert_rows(conn, "override_value", [row])


def override_of(conn: Conn, override_id: str) -> Row | None:
    return conn.execute("SELECT * FROM override_value WHERE id = %s", (override_id,)).fetchone()


def update_overrides(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> int:
    return update_rows(conn, "override_value", rows)


def overrides_arrived(conn: Conn, ids: Sequence[str]) -> None:
    if ids:
        conn.execute("UPDATE override_value SET expected_at = NULL, shown = NULL WHERE id = ANY(%s)", (sorted(ids),))


# --- what is due -----------------------------------------------------------------------------------------------------


def due_holds(conn: Conn, now: datetime, limit: int) -> list[Row]:
    return conn.execute(
        "SELECT * FROM hold WHERE lifted_at IS NULL AND ends_at <= %s ORDER BY ends_at, id LIMIT %s FOR UPDATE SKIP LOCKED",
        (now, limit),
    ).fetchall()


def due_overrides(conn: Conn, now: datetime, limit: int) -> list[Row]:
    return conn.execute(
        "SELECT * FROM override_value WHERE ended_at IS NULL AND ends_at <= %s ORDER BY ends_at, id LIMIT %s FOR UPDATE SKIP LOCKED",
        (now, limit),
    ).fetchall()


def due_corrections(conn: Conn, now: datetime, limit: int) -> list[Row]:
    return conn.execute(
        "SELECT * FROM correction WHERE ended_at IS NULL AND answer_by <= %s ORDER BY answer_by, id LIMIT %s FOR UPDATE SKIP LOCKED",
        (now, limit),
    ).fetchall()


def refused_of(conn: Conn, ids: Sequence[str]) -> dict[str, Row]:
    """Refusals that stand, by id."""
    rows = conn.execute(
        "SELECT * FROM refused_write WHERE id = ANY(%s) AND ended_at IS NULL ORDER BY id", (sorted(ids),)
    ).fetchall()
    return {row["id"]: row for row in rows}


# --- corrections -----------------------------------------------------------------------------------------------------


def insert_corrections(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    insert_rows(conn, "correction", rows)


Audience = tuple[str, str, str, str]  # account, owner, seller, cause: who is told of what, in one message


def last_windows(conn: Conn, audiences: Iterable[Audience]) -> dict[Audience, datetime]:
    """The window of the last digest of each audience that had one."""
    wanted = sorted(set(audiences))
    rows = conn.execute(
        "SELECT d.account, d.owner, d.seller, d.cause, max(d.window_at) AS window_at FROM correction_digest d "
        "JOIN unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS k (account, owner, seller, cause) "
        "USING (account, owner, seller, cause) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
        tuple([one[i] for one in wanted] for i in range(4)),
    ).fetchall()
    return {(r["account"], r["owner"], r["seller"], r["cause"]): r["window_at"] for r in rows}


def follow_refusal(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    """An open request goes on for the refusal that took the place of its own: id, refused_id, refused_value, words."""
    update_rows(conn, "correction", rows)


def apply_corrections(conn: Conn, rows: Sequence[Mapping[str, Any]], at: datetime) -> list[str]:
    """The corrected value is in: once, whatever comes twice. Shape: id, value, by. Returns those applied by this very call."""
    if not rows:
        return []
    found = conn.execute(
        "UPDATE correction c SET state = 'applied', applied_at = %(at)s, ended_at = %(at)s, applied_value = v.value, applied_by = v.by, "
        "token_hash = NULL FROM unnest(%(ids)s::text[], %(values)s::jsonb[], %(by)s::text[]) AS v (id, value, by) "
        "WHERE c.id = v.id AND c.state = ANY(%(from)s) RETURNING c.id",
        {
            "at": at,
            "ids": [r["id"] for r in rows],
            "values": [_json(r["value"]) for r in rows],
            "by": [r["by"] for r in rows],
            "from": list(may_come_from(CorrectionState.APPLIED)),
        },
    ).fetchall()
    return sorted(row["id"] for row in found)


def end_corrections(conn: Conn, ids: Sequence[str], state: CorrectionState, words: str, at: datetime) -> list[Row]:
    """Declined or expired; returns those that were open."""
    if not ids:
        return []
    return conn.execute(
        "UPDATE correction SET state = %s, ended_at = %s, token_hash = NULL, "
        "answer_words = CASE WHEN answer_words = '' THEN %s ELSE answer_words END "
        "WHERE id = ANY(%s) AND state = ANY(%s) RETURNING *",
        (state.value, at, words, sorted(ids), list(may_come_from(state))),
    ).fetchall()


# --- reading ---------------------------------------------------------------------------------------------------------


def values_of(conn: Conn, account: str, object: str, ids: Sequence[str]) -> list[Row]:
    """Effective values: (object id, field, value), the override's where one counts."""
    return conn.execute(
        """
        SELECT object_id, field, CASE WHEN o.object_id IS NULL THEN v.value ELSE o.value END AS value
          FROM (SELECT object_id, field, value FROM owned_value
                 WHERE account = %(account)s AND object = %(object)s AND object_id = ANY(%(ids)s)) v
          FULL JOIN (SELECT object_id, field, value FROM override_value
                      WHERE account = %(account)s AND object = %(object)s AND object_id = ANY(%(ids)s) AND state = 'live') o
         USING (object_id, field) ORDER BY object_id, field
        """,
        {"account": account, "object": object, "ids": list(ids)},
    ).fetchall()


def holds_of(conn: Conn, account: str, object: str, ids: Sequence[str]) -> list[Row]:
    return conn.execute(
        "SELECT object_id, id, words FROM hold WHERE account = %s AND object = %s AND object_id = ANY(%s) AND lifted_at IS NULL "
        "ORDER BY object_id, starts_at, id",
        (account, object, list(ids)),
    ).fetchall()


def refusals_of(conn: Conn, account: str, object: str, ids: Sequence[str]) -> list[Row]:
    """Why anything of these objects is refused just now: object_id, why."""
    return conn.execute(
        "SELECT DISTINCT object_id, why FROM refused_write WHERE account = %s AND object = %s AND object_id = ANY(%s) "
        "AND ended_at IS NULL ORDER BY object_id, why",
        (account, object, list(ids)),
    ).fetchall()


def disturbed(conn: Conn, account: str, object: str, since: datetime) -> list[Row]:
    return conn.execute(
        "SELECT object_id, NULL AS override_id, NULL AS field FROM hold WHERE account = %(account)s AND object = %(object)s "
        "AND (lifted_at IS NULL OR lifted_at >= %(since)s) "
        "UNION SELECT object_id, CASE WHEN state = 'live' THEN id END, field FROM override_value WHERE account = %(account)s "
        "AND object = %(object)s AND (ended_at IS NULL OR ended_at >= %(since)s) ORDER BY 1, 2, 3",
        {"account": account, "object": object, "since": since},
    ).fetchall()


def laid_over(conn: Conn, account: str, object: str, ids: Sequence[str]) -> list[Row]:
    """Fields under a live override, with the owner's value beneath: object_id, field, value."""
    return conn.execute(
        "SELECT o.object_id, o.field, v.value FROM override_value o LEFT JOIN owned_value v USING (account, object, object_id, field) "
        "WHERE o.account = %s AND o.object = %s AND o.object_id = ANY(%s) AND o.state = 'live' ORDER BY o.object_id, o.field",
        (account, object, list(ids)),
    ).fetchall()
