"""SQL of the verbs: what a person's decision does to rows of the inbox and the outbox."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.digests import blake
from entrepot.kernel.errors import OwnerDecides
from entrepot.store.bulk import insert_rows


class NothingDone(OwnerDecides):
    """A verb cannot do what it said: everything is rolled back, and the person hears why."""

    code = "nothing-done"


def effect(conn: Conn, effect_id: str) -> Row | None:
    return conn.execute("SELECT * FROM effect WHERE id = %s", (effect_id,)).fetchone()


# Of a group: only what belongs to members that still fail; others have left it, perhaps for another case.
_OF_OPEN_MEMBERS = """
    SELECT v.detail->>'{what}' FROM case_event v
      JOIN case_member m ON m.case_id = v.case_id AND m.object = v.detail->>'object' AND m.object_id = v.detail->>'object_id'
     WHERE v.case_id = %s AND v.what = 'member' AND v.detail ? '{what}' AND m.gone_at IS NULL
"""


def messages_of_members(conn: Conn, case_id: str) -> list[Row]:
    """Every message of the members that still fail, oldest first."""
    return conn.execute(
        f"SELECT * FROM message WHERE id IN ({_OF_OPEN_MEMBERS.format(what='message_id')}) ORDER BY seq", (case_id,)
    ).fetchall()


def messages(conn: Conn, case_id: str, message_id: str | None) -> list[Row]:
    """Every message that opened this case or was counted in it, oldest first."""
    return conn.execute(
        "SELECT * FROM message WHERE id = %(id)s OR id IN "
        "(SELECT detail->>'message_id' FROM case_event WHERE case_id = %(case)s AND detail ? 'message_id') "
        "ORDER BY seq",
        {"id": message_id, "case": case_id},
    ).fetchall()


def messages_again(conn: Conn, ids: Sequence[str], at: datetime) -> None:
    conn.execute(
        "UPDATE message SET state = 'new', due_at = %s, decided_at = NULL, attempts = 0 "
        "WHERE id = ANY(%s) AND state IN ('parked', 'new')",
        (at, list(ids)),
    )


def end_messages(conn: Conn, ids: Sequence[str], state: str, note: str) -> None:
    conn.execute(
        "UPDATE message SET state = %s, note = %s WHERE id = ANY(%s) AND state IN ('parked', 'new')",
        (state, note, list(ids)),
    )


def effects_of_members(conn: Conn, case_id: str) -> list[Row]:
    """Every outgoing action of the members that still fail, oldest first."""
    return conn.execute(
        f"SELECT * FROM effect WHERE id IN ({_OF_OPEN_MEMBERS.format(what='effect_id')}) ORDER BY seq", (case_id,)
    ).fetchall()


def replace_messages(conn: Conn, ctx: Ctx, repaired: Sequence[tuple[Row, bytes]], route: str, note: str) -> None:
    """Record repaired contents as something a person handed in, each naming the message it replaces.

    Errors: NothingDone when one of them has arrived already.
    """
    envelopes, messages = [], []
    for old, body in repaired:
        envelope = _envelope(ctx, old, body, route)
        envelopes.append(envelope)
        messages.append(_message(ctx, old, body, envelope, note))
    insert_rows(conn, "envelope", envelopes)
    kept = insert_rows(conn, "message", messages, on_conflict="ON CONFLICT DO NOTHING", returning="id")
    known = {row["id"] for row in kept}
    for message in messages:
        if message["id"] not in known:
            raise NothingDone(
                f"that content arrived already as message {_twin(conn, message)}: look at what became of it"
            )


def _envelope(ctx: Ctx, old: Row, body: bytes, route: str) -> dict[str, Any]:
    return {
        "id": ctx.ids.new("env"),
        "account": old["account"],
        "channel": "person",
        "route": route,
        "body": body,
        "digest": blake(body),
        "received_at": ctx.clock.now(),
        "machine_at": ctx.clock.machine(),
        "plan_hash": ctx.plan_hash,
    }


def _message(ctx: Ctx, old: Row, body: bytes, envelope: Mapping[str, Any], note: str) -> dict[str, Any]:
    same = {name: old[name] for name in ("account", "kind", "external_id", "revision", "root", "flow")}
    return {
        **same,
        "id": ctx.ids.new("msg"),
        "envelope_id": envelope["id"],
        "digest": envelope["digest"],
        "body": body,
        "due_at": envelope["received_at"],
        "received_at": envelope["received_at"],
        "replaces": old["id"],
        "note": note,
        "plan_hash": ctx.plan_hash,
    }


def _twin(conn: Conn, message: Mapping[str, Any]) -> str:
    row = conn.execute(
        "SELECT id FROM message WHERE account = %(account)s AND kind = %(kind)s AND external_id = %(external_id)s "
        "AND digest = %(digest)s",
        message,
    ).fetchone()
    return str(row["id"]) if row else "(gone)"


# A person has looked at it: should it come back undone, it is sent again as ever (`hold_on_return`, see outbox/store.py).
_OPEN = "state IN ('planned', 'refused', 'parked', 'advised')"


def effect_again(conn: Conn, effect_id: str, at: datetime, until: datetime) -> None:
    conn.execute(
        "UPDATE effect SET state = 'planned', due_at = %s, window_until = %s, negative_reads = 0, note = NULL, hold_on_return = false "
        f"WHERE id = %s AND {_OPEN}",
        (at, until, effect_id),
    )


def effects_again(conn: Conn, ids: Sequence[str], at: datetime, until: Sequence[datetime]) -> None:
    """As `effect_again` and, for unclear ones, `effect_due`: any number of them."""
    conn.execute(
        "UPDATE effect e SET due_at = %s, window_until = v.until, hold_on_return = false, "
        "state = CASE WHEN e.state = 'unknown' THEN e.state ELSE 'planned' END, "
        "negative_reads = CASE WHEN e.state = 'unknown' THEN e.negative_reads ELSE 0 END, "
        "note = CASE WHEN e.state = 'unknown' THEN e.note END "
        "FROM unnest(%s::text[], %s::timestamptz[]) AS v (id, until) "
        "WHERE e.id = v.id AND e.state IN ('planned', 'refused', 'parked', 'unknown')",
        (at, list(ids), list(until)),
    )


def effect_due(conn: Conn, effect_id: str, at: datetime, until: datetime) -> None:
    """An unclear one stays unclear: only its next look comes at once."""
    conn.execute(
        "UPDATE effect SET due_at = %s, window_until = %s, hold_on_return = false WHERE id = %s AND state = 'unknown'",
        (at, until, effect_id),
    )


def effect_with(conn: Conn, effect_id: str, payload: Mapping[str, Any], at: datetime, until: datetime) -> None:
    conn.execute(
        "UPDATE effect SET payload = %s, state = 'planned', due_at = %s, window_until = %s, note = NULL, hold_on_return = false "
        f"WHERE id = %s AND attempts = 0 AND {_OPEN}",
        (Jsonb(dict(payload)), at, until, effect_id),
    )


def void_effect(conn: Conn, effect_id: str, note: str) -> None:
    void_effects(conn, [effect_id], note)


def void_effects(conn: Conn, effect_ids: Sequence[str], note: str) -> None:
    conn.execute(
        "UPDATE effect SET state = 'void', note = %s "
        "WHERE id = ANY(%s) AND state IN ('planned', 'refused', 'parked', 'unknown', 'advised')",
        (note, list(effect_ids)),
    )


def replace_effect(conn: Conn, old_id: str, new: Mapping[str, Any], note: str) -> None:
    """A new effect under a new key takes the place of a sent one; what waited for the old waits for the new."""
    insert_rows(conn, "effect", [new])
    void_effect(conn, old_id, note)
    conn.execute(
        "UPDATE effect SET after_effect = %s WHERE after_effect = %s AND state = 'planned'", (new["id"], old_id)
    )
