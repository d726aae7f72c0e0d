"""All SQL of the inbox."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

from psycopg.rows import tuple_row

from entrepot.inbox.model import MALFORMED, Arrival, Message, Received, Recorded
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.store.bulk import insert_rows, instants, texts

NEVER_KEPT = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "idempotency-key",
        "webhook-signature",
        "x-api-key",
    }
)


def digest_of(body: bytes) -> str:
    return blake2b(body, digest_size=16).hexdigest()


def insert_arrivals(conn: Conn, ctx: Ctx, arrivals: Sequence[Arrival]) -> list[Recorded]:
    """Keep envelopes, their messages and their cursors; the same content again is one row, counted. One entry per message."""
    arrivals = [_named(arrival) for arrival in arrivals]
    return list(_insert(conn, ctx, arrivals, _keys(arrivals)).values())


def insert_each(conn: Conn, ctx: Ctx, arrivals: Sequence[Arrival]) -> list[list[Recorded]]:
    """As `insert_arrivals`, for arrivals of callers who each want to hear of their own."""
    arrivals = [_named(arrival) for arrival in arrivals]
    keys = _keys(arrivals)
    kept = _insert(conn, ctx, arrivals, keys)
    return [[kept[key] for key in its] for its in keys]


def _named(arrival: Arrival) -> Arrival:
    """A record whose name cannot be written down is kept under its digest, so that it stops none of its neighbours."""
    if all(record.nameable for record in arrival.received):
        return arrival
    return replace(arrival, received=tuple(r if r.nameable else _nameless(r) for r in arrival.received))


def _nameless(record: Received) -> Received:
    digest = digest_of(record.body)
    return replace(record, kind=MALFORMED, external_id=digest, revision="", root=f"malformed:{digest}")


Key = tuple[str, str, str, str]  # account, kind, external id, digest


def _keys(arrivals: Sequence[Arrival]) -> list[list[Key]]:
    return [[(a.account, r.kind, r.external_id, digest_of(r.body)) for r in a.received] for a in arrivals]


def _insert(conn: Conn, ctx: Ctx, arrivals: Sequence[Arrival], keys: Sequence[Sequence[Key]]) -> dict[Key, Recorded]:
    envelopes = [_envelope(ctx, arrival) for arrival in arrivals]
    messages: dict[Key, Row] = {}
    for arrival, envelope, its in zip(arrivals, envelopes, keys, strict=True):
        for record, key in zip(arrival.received, its, strict=True):
            if key in messages:  # twice in one batch: a page may overlap itself
                messages[key]["seen"] += 1
            else:
                messages[key] = _message(ctx, envelope, record, key)
    with conn.pipeline():  # one round trip
        insert_rows(conn, "envelope", envelopes)
        recorded = insert_rows(
            conn,
            "message",
            # sorted: two writers of the same records meet in one order and cannot deadlock
            [messages[key] for key in sorted(messages)],
            on_conflict="ON CONFLICT (account, kind, external_id, digest) DO UPDATE SET seen = message.seen + excluded.seen",
            returning="account, kind, external_id, digest, id, (xmax = 0) AS is_new",
        )
    for arrival in arrivals:
        if arrival.cursor:
            set_cursor(conn, arrival.account, arrival.cursor[0], arrival.cursor[1], ctx.clock.now())
    return {
        (row["account"], row["kind"], row["external_id"], row["digest"]): Recorded(
            row["id"], row["kind"], row["external_id"], row["is_new"]
        )
        for row in recorded
    }


def _envelope(ctx: Ctx, arrival: Arrival) -> Row:
    return {
        "id": ctx.ids.new("env"),
        "account": arrival.account,
        "channel": arrival.channel,
        "route": arrival.route,
        "headers": {k: v for k, v in arrival.headers.items() if k.lower() not in NEVER_KEPT},
        "body": arrival.body,
        "digest": digest_of(arrival.body),
        "received_at": ctx.clock.now(),
        "machine_at": ctx.clock.machine(),
        "plan_hash": ctx.plan_hash,
    }


def _message(ctx: Ctx, envelope: Row, record: Received, key: Key) -> Row:
    account, kind, external_id, digest = key
    return {
        "id": ctx.ids.new("msg"),
        "envelope_id": envelope["id"],
        "position": record.position,
        "account": account,
        "kind": kind,
        "external_id": external_id,
        "revision": record.revision,
        "digest": digest,
        "root": record.root,
        "flow": record.flow,
        "body": record.body,
        "due_at": envelope["received_at"],
        "received_at": envelope["received_at"],
        "plan_hash": ctx.plan_hash,
        "seen": 1,
    }


def set_cursor(conn: Conn, account: str, name: str, value: str, at: datetime) -> None:
    conn.execute(
        "INSERT INTO cursor (account, name, value, moved_at) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT (account, name) DO UPDATE SET value = excluded.value, moved_at = excluded.moved_at",
        (account, name, value, at),
    )


def cursor(conn: Conn, account: str, name: str) -> str | None:
    row = conn.execute("SELECT value FROM cursor WHERE account = %s AND name = %s", (account, name)).fetchone()
    return str(row["value"]) if row else None


# A paused flow's messages wait; an emptying flow's are decided.
DECIDE_DUE_SQL = """
    SELECT DISTINCT account FROM message
     WHERE state = 'new' AND due_at <= %(now)s
       AND flow NOT IN (SELECT name FROM flow WHERE state = 'paused')
"""

_COLUMNS = ", ".join(Message.__slots__)


def take_due(conn: Conn, account: str, now: datetime, limit: int) -> list[Message]:
    """The oldest due messages of an account. The lane's lease keeps others away: no row locks."""
    rows = (
        conn.cursor(binary=True, row_factory=tuple_row)
        .execute(  # binary: their bodies come as they are
            f"SELECT {_COLUMNS} FROM message WHERE account = %(account)s AND state = 'new' AND due_at <= %(now)s "
            "AND flow NOT IN (SELECT name FROM flow WHERE state = 'paused') ORDER BY due_at, seq LIMIT %(limit)s",
            {"account": account, "now": now, "limit": limit},
        )
        .fetchall()
    )
    return [Message(*row) for row in rows]


def still_new(conn: Conn, ids: Sequence[str]) -> set[str]:
    rows = conn.execute(
        "SELECT id FROM message WHERE id = ANY(%s::text[]) AND state = 'new' ORDER BY seq FOR UPDATE SKIP LOCKED",
        (texts(ids),),
    ).fetchall()
    return {row["id"] for row in rows}


def mark(conn: Conn, ctx: Ctx, marks: Sequence[Mapping[str, Any]]) -> None:
    """Move messages on: dicts of id, state, note. Each keeps the plan it was decided under."""
    if marks:
        conn.execute(
            "UPDATE message AS m SET state = v.state, note = v.note, decided_at = v.at, attempts = m.attempts + 1, decided_under = %s "
            "FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[]) AS v (id, state, note, at) WHERE m.id = v.id",
            (
                ctx.plan_hash,
                texts([m["id"] for m in marks]),
                texts([m["state"] for m in marks]),
                texts([m["note"] for m in marks]),
                instants([m["at"] for m in marks]),
            ),
        )


def postpone(conn: Conn, until: Sequence[tuple[str, datetime]]) -> None:
    """Come again later: (message id, when)."""
    if until:
        conn.execute(
            "UPDATE message AS m SET due_at = v.until, attempts = m.attempts + 1 "
            "FROM unnest(%s::text[], %s::timestamptz[]) AS v (id, until) WHERE m.id = v.id AND m.state = 'new'",
            ([id_ for id_, _ in until], [at for _, at in until]),
        )


def message_row(conn: Conn, message_id: str) -> Row | None:
    return conn.execute("SELECT * FROM message WHERE id = %s", (message_id,)).fetchone()


def positions(conn: Conn, ids: Sequence[str]) -> dict[str, int]:
    """Where in its page or file each message stood, from 0."""
    rows = conn.execute("SELECT id, position FROM message WHERE id = ANY(%s) ORDER BY id", (list(ids),)).fetchall()
    return {row["id"]: row["position"] for row in rows}
