"""SQL of the verbs: what a person's decision does to rows of the inbox and the outbox."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

from psycopg.types.json import Jsonb

from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import OwnerDecides
from entrepot.store.bulk import insert_rows


class NothingDone(OwnerDecides):
    """A verb cannot do what it said: everything is rolled back, and the person hears why."""

    code = "nothing-done"


def effect(conn: Conn, effect_id: str) -> Row | None:
    return conn.execute("SELECT * FROM effect WHERE id = %s", (effect_id,)).fetchone()


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


def digest_of(body: bytes) -> str:
    """The inbox's digest of content: its rule, held equal by a test, since rooms side by side do not import each other."""
    return blake2b(body, digest_size=16).hexdigest()


def replace_message(conn: Conn, ctx: Ctx, old: Row, body: bytes, route: str, note: str) -> str:
    """Record the repaired content as something a person handed in, naming what it replaces; its message's id."""
    now, digest = ctx.clock.now(), digest_of(body)
    envelope = {
        "id": ctx.ids.new("env"),
        "account": old["account"],
        "channel": "person",
        "route": route,
        "body": body,
        "digest": digest,
        "received_at": now,
        "machine_at": ctx.clock.machine(),
        "plan_hash": ctx.plan_hash,
    }
    same = {name: old[name] for name in ("account", "kind", "external_id", "revision", "root", "flow")}
    message = {
        **same,
        "id": ctx.ids.new("msg"),
        "envelope_id": envelope["id"],
        "digest": digest,
        "body": body,
        "due_at": now,
        "received_at": now,
        "replaces": old["id"],
        "note": note,
        "plan_hash": ctx.plan_hash,
    }
    insert_rows(conn, "envelope", [envelope])
    if not insert_rows(conn, "message", [message], on_conflict="ON CONFLICT DO NOTHING", returning="id"):
        raise NothingDone(f"that content arrived already as message {_twin(conn, message)}: look at what became of it")
    return str(message["id"])


def _twin(conn: Conn, message: Mapping[str, Any]) -> str:
    row = conn.execute(
        "SELECT id FROM message WHERE account = %(account)s AND kind = %(kind)s AND external_id = %(external_id)s "
        "AND digest = %(digest)s",
        message,
    ).fetchone()
    return str(row["id"]) if row else "(gone)"


_OPEN = "state IN ('planned', 'refused', 'parked', 'advised')"


def effect_again(conn: Conn, effect_id: str, at: datetime, until: datetime) -> None:
    conn.execute(
        "UPDATE effect SET state = 'planned', due_at = %s, window_until = %s, negative_reads = 0, note = NULL "
        f"WHERE id = %s AND {_OPEN}",
        (at, until, effect_id),
    )


def effect_due(conn: Conn, effect_id: str, at: datetime, until: datetime) -> None:
    """An unclear one stays unclear: only its next look comes at once."""
    conn.execute(
        "UPDATE effect SET due_at = %s, window_until = %s WHERE id = %s AND state = 'unknown'", (at, until, effect_id)
    )


def effect_with(conn: Conn, effect_id: str, payload: Mapping[str, Any], at: datetime, until: datetime) -> None:
    conn.execute(
        "UPDATE effect SET payload = %s, state = 'planned', due_at = %s, window_until = %s, note = NULL "
        f"WHERE id = %s AND attempts = 0 AND {_OPEN}",
        (Jsonb(dict(payload)), at, until, effect_id),
    )


def void_effect(conn: Conn, effect_id: str, note: str) -> None:
    conn.execute(
        "UPDATE effect SET state = 'void', note = %s "
        "WHERE id = %s AND state IN ('planned', 'refused', 'parked', 'unknown', 'advised')",
        (note, effect_id),
    )


def replace_effect(conn: Conn, old_id: str, new: Mapping[str, Any], note: str) -> None:
    """A new effect under a new key takes the place of a sent one; what waited for the old waits for the new."""
    insert_rows(conn, "effect", [new])
    void_effect(conn, old_id, note)
    conn.execute(
        "UPDATE effect SET after_effect = %s WHERE after_effect = %s AND state = 'planned'", (new["id"], old_id)
    )
