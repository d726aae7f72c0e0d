"""All SQL of the inbox."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from msgspec.json import encode
from psycopg.rows import tuple_row

from entrepot.inbox.model import MALFORMED, Arrival, Envelope, Message, Received, Recorded, Sealed
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.digests import blake
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
    return blake(body)


_KEEP = """
    INSERT INTO envelope (id, account, channel, route, headers, body, sealed, received_at, machine_at, plan_hash)
    SELECT *, true, %s, %s, %s FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::jsonb[], %b::bytea[])
"""


def insert_sealed(conn: Conn, ctx: Ctx, envelopes: Sequence[Envelope]) -> list[str]:
    """Keep envelopes that nobody has opened; their ids."""
    ids = [ctx.ids.new("env") for _ in envelopes]
    names = (ids, [e.account for e in envelopes], [e.channel for e in envelopes], [e.route for e in envelopes])
    headers = texts([encode(_kept(e.headers)).decode() for e in envelopes])
    moment = (ctx.clock.now(), ctx.clock.machine(), ctx.plan_hash)
    conn.execute(_KEEP, (*moment, *map(texts, names), headers, [e.body for e in envelopes]))
    return ids


def take_sealed(conn: Conn, account: str, limit: int) -> list[Sealed]:
    """The oldest sealed envelopes of an account. The lane's lease keeps others away: no row locks."""
    cursor = conn.cursor(binary=True, row_factory=tuple_row)  # binary: their bodies come as they are
    rows = cursor.execute(
        "SELECT id, account, body, received_at FROM envelope WHERE account = %s AND sealed ORDER BY received_at, id LIMIT %s",
        (account, limit),
    )
    return [Sealed(*row) for row in rows.fetchall()]


def open_sealed(conn: Conn, ctx: Ctx, opened: Sequence[tuple[Sealed, Sequence[Received]]]) -> list[Recorded]:
    """What was in them becomes messages; they are sealed no more."""
    conn.execute(
        "UPDATE envelope AS e SET sealed = false, digest = v.digest FROM unnest(%s::text[], %s::text[]) AS v (id, digest) WHERE e.id = v.id",
        (texts([e.id for e, _ in opened]), texts([digest_of(e.body) for e, _ in opened])),
    )
    return split_off(conn, ctx, [(e.id, e.account, e.received_at, received) for e, received in opened])


def insert_arrivals(conn: Conn, ctx: Ctx, arrivals: Sequence[Arrival]) -> list[Recorded]:
    """Keep envelopes, their messages and their cursors; the same content again is one row, counted. One entry per message."""
    rows = [_envelope(ctx, arrival) for arrival in arrivals]
    with conn.pipeline():  # one round trip
        insert_rows(conn, "envelope", rows)
        recorded = split_off(
            conn,
            ctx,
            [(row["id"], a.account, row["received_at"], a.received) for row, a in zip(rows, arrivals, strict=True)],
        )
    for arrival in arrivals:
        if arrival.cursor:
            set_cursor(conn, arrival.account, arrival.cursor[0], arrival.cursor[1], ctx.clock.now())
    return recorded


Whole = tuple[str, str, datetime, Sequence[Received]]  # an envelope's id, its account, when it came, what was in it
Key = tuple[str, str, str, str]  # account, kind, external id, digest


def split_off(conn: Conn, ctx: Ctx, wholes: Sequence[Whole]) -> list[Recorded]:
    """The records of envelopes become messages; the same content again is one row, counted. One entry per message."""
    messages: dict[Key, Row] = {}
    for whole in wholes:
        for record in map(_named, whole[3]):
            key = (whole[1], record.kind, record.external_id, digest_of(record.body))
            if key in messages:  # twice in one batch: a page may overlap itself
                messages[key]["seen"] += 1
            else:
                messages[key] = _message(ctx, whole, record, key[3])
    recorded = insert_rows(
        conn,
        "message",
        # sorted: two writers of the same records meet in one order and cannot deadlock
        [messages[key] for key in sorted(messages)],
        on_conflict="ON CONFLICT (account, kind, external_id, digest) DO UPDATE SET seen = message.seen + excluded.seen",
        returning="id, kind, external_id, (xmax = 0) AS is_new",
    )
    return [Recorded(row["id"], row["kind"], row["external_id"], row["is_new"]) for row in recorded]


def _named(record: Received) -> Received:
    """A record whose name cannot be written down is kept under its digest, so that it stops none of its neighbours."""
    return record if record.nameable else _nameless(record)


def _nameless(record: Received) -> Received:
    digest = digest_of(record.body)
    return replace(record, kind=MALFORMED, external_id=digest, revision="", root=f"malformed:{digest}")


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in NEVER_KEPT}


def _envelope(ctx: Ctx, arrival: Arrival) -> Row:
    return {
        "id": ctx.ids.new("env"),
        "account": arrival.account,
        "channel": arrival.channel,
        "route": arrival.route,
        "headers": _kept(arrival.headers),
        "body": arrival.body,
        "digest": digest_of(arrival.body),
        "received_at": ctx.clock.now(),
        "machine_at": ctx.clock.machine(),
        "plan_hash": ctx.plan_hash,
    }


def _message(ctx: Ctx, whole: Whole, record: Received, digest: str) -> Row:
    envelope_id, account, received_at, _ = whole
    return {
        "id": ctx.ids.new("msg"),
        "envelope_id": envelope_id,
        "position": record.position,
        "account": account,
        "kind": record.kind,
        "external_id": record.external_id,
        "revision": record.revision,
        "digest": digest,
        "root": record.root,
        "flow": record.flow,
        "body": record.body,
        "due_at": received_at,
        "received_at": received_at,
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


# A paused flow's messages wait; an emptying flow's are decided. What is sealed is opened in any case: nobody knows its flow yet.
DECIDE_DUE_SQL = """
    SELECT account FROM message
     WHERE state = 'new' AND due_at <= %(now)s
       AND flow NOT IN (SELECT name FROM flow WHERE state = 'paused')
    UNION SELECT account FROM envelope WHERE sealed
"""


def waiting(conn: Conn, account: str, at_most: int) -> int:
    """How many messages and sealed envelopes of an account wait; counted no further than `at_most`."""
    row = conn.execute(
        "SELECT count(*) AS n FROM (SELECT FROM (SELECT FROM envelope WHERE account = %(account)s AND sealed "
        "UNION ALL SELECT FROM message WHERE account = %(account)s AND state = 'new') AS each LIMIT %(at_most)s) AS waiting",
        {"account": account, "at_most": at_most},
    ).fetchone()
    assert row is not None
    return int(row["n"])


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


def envelopes_of(conn: Conn, ids: Sequence[str]) -> dict[str, str]:
    """The envelope each message came in."""
    rows = conn.execute("SELECT id, envelope_id FROM message WHERE id = ANY(%s) ORDER BY id", (list(ids),)).fetchall()
    return {row["id"]: row["envelope_id"] for row in rows}


def positions(conn: Conn, ids: Sequence[str]) -> dict[str, int]:
    """Where in its page or file each message stood, from 0."""
    rows = conn.execute("SELECT id, position FROM message WHERE id = ANY(%s) ORDER BY id", (list(ids),)).fetchall()
    return {row["id"]: row["position"] for row in rows}
