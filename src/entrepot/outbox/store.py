"""All SQL of the outbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.outbox.port import Effect, Limit
from entrepot.store.bulk import insert_rows


@dataclass(frozen=True, slots=True)
class Intent:
    """An effect about to be promised. `key`: the business identity of the deed; the same key is the same deed."""

    key: str
    account: str
    operation: str
    root: str
    flow: str
    payload: Mapping[str, Any]
    window_s: float  # business seconds: the last useful attempt; it leaves time for a person
    queue: str = "normal"
    after_key: str | None = None
    message_id: str | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """What became of intents: keys that are new, and of these what waits for a person's release, by effect id."""

    new: tuple[str, ...] = ()
    advised: tuple[tuple[str, Intent], ...] = ()


STATE_BY_MODE = {"observe": "observed", "advise": "advised"}  # of the flow; in any other the effect is planned


def plan_effects(conn: Conn, ctx: Ctx, intents: Sequence[Intent]) -> Planned:
    """Promise deeds; a key already promised stays as it was. `after_key` may be in the same batch.

    The one place where a flow's mode decides what becomes of an intent: observed (never sent), advised (a person
    releases it) or planned.
    """
    if not intents:
        return Planned()
    now = ctx.clock.now()
    modes = _modes(conn, {i.flow for i in intents})
    ids = {intent.key: ctx.ids.new("eff") for intent in intents}
    earlier = [i.after_key for i in intents if i.after_key and i.after_key not in ids]
    if earlier:
        for row in conn.execute("SELECT id, key FROM effect WHERE key = ANY(%s) ORDER BY seq", (earlier,)).fetchall():
            ids[row["key"]] = row["id"]
    rows = [
        {
            "id": ids[i.key],
            "key": i.key,
            "account": i.account,
            "operation": i.operation,
            "root": i.root,
            "after_effect": ids.get(i.after_key) if i.after_key else None,
            "flow": i.flow,
            "queue": i.queue,
            "payload": dict(i.payload),
            "state": STATE_BY_MODE.get(modes.get(i.flow, ""), "planned"),
            "planned_at": now,
            "due_at": i.due_at or now,
            "window_until": (i.due_at or now) + timedelta(seconds=i.window_s),
            "message_id": i.message_id,
            "plan_hash": ctx.plan_hash,
        }
        for i in {i.key: i for i in intents}.values()
    ]
    new = insert_rows(conn, "effect", rows, on_conflict="ON CONFLICT (key) DO NOTHING", returning="id, key, state")
    by_key = {i.key: i for i in intents}
    advised = tuple((row["id"], by_key[row["key"]]) for row in new if row["state"] == "advised")
    return Planned(tuple(row["key"] for row in new), advised)


def _modes(conn: Conn, flows: set[str]) -> dict[str, str]:
    """Modes of those flows that do not simply act."""
    rows = conn.execute(
        "SELECT name, mode FROM flow WHERE mode <> 'act' AND name = ANY(%s) ORDER BY name", (sorted(flows),)
    ).fetchall()
    return {row["name"]: row["mode"] for row in rows}


def seen_elsewhere(conn: Conn, done: Mapping[str, str], at: datetime) -> int:
    """Deeds by key that somebody else was seen to have done (what, in plain words), of those we only observed."""
    if not done:
        return 0
    return conn.execute(
        "UPDATE effect e SET elsewhere_at = %(at)s, note = v.words FROM unnest(%(keys)s::text[], %(words)s::text[]) AS v (key, words) "
        "WHERE e.key = v.key AND e.state = 'observed' AND e.elsewhere_at IS NULL",
        {"at": at, "keys": list(done), "words": list(done.values())},
    ).rowcount


# A paused flow sends nothing. One that only observes starts nothing either; what is unclear is still read back.
_PAUSED = "SELECT name FROM flow WHERE state = 'paused'"
_STARTS_NOTHING = "SELECT name FROM flow WHERE state = 'paused' OR mode = 'observe'"


def send_due_sql(queue: str) -> str:
    """Accounts with something to send, to read back, or to take over from a sender that died."""
    assert queue in ("urgent", "normal", "bulk")
    return f"""
        SELECT DISTINCT account FROM effect
         WHERE queue = '{queue}' AND state IN ('planned', 'unknown', 'sending') AND due_at <= %(now)s
           AND (state <> 'sending' OR send_until < %(machine)s)
           AND flow NOT IN ({_PAUSED})
           AND (state <> 'planned' OR flow NOT IN ({_STARTS_NOTHING}))
    """


_EFFECT = "e.id, e.key, e.account, e.operation, e.root, e.flow, e.queue, e.payload, e.state, e.attempts, e.negative_reads, e.window_until, e.message_id, e.outcome"


def _effect(row: Row) -> Effect:
    return Effect(**{name: row[name] for name in Effect.__slots__})


def orphans_to_unknown(conn: Conn, ctx: Ctx, account: str, queue: str, settle_until: datetime) -> int:
    """A sender that never came back: after its `send_until` nothing of it can leave any more; what it did is unclear."""
    return conn.execute(
        "UPDATE effect SET state = 'unknown', due_at = %(due)s, note = 'the sender did not come back' "
        "WHERE account = %(account)s AND queue = %(queue)s AND state = 'sending' AND send_until < %(machine)s",
        {"account": account, "queue": queue, "machine": ctx.clock.machine(), "due": settle_until},
    ).rowcount


_DUE = f"""
    FROM effect e
   WHERE e.account = %(account)s AND e.queue = %(queue)s AND e.state IN ('planned', 'unknown') AND e.due_at <= %(now)s
     AND e.flow NOT IN ({_PAUSED})
     AND (e.state = 'unknown' OR e.flow NOT IN ({_STARTS_NOTHING}))
     AND NOT EXISTS (SELECT FROM bucket b WHERE b.account = e.account AND b.operation = e.operation AND b.blocked_until > %(now)s)
     AND NOT EXISTS (SELECT FROM effect o WHERE o.root = e.root AND o.seq < e.seq AND o.state IN ('planned', 'sending', 'unknown')
                      AND o.account = e.account)
     AND (e.after_effect IS NULL OR EXISTS (SELECT FROM effect a WHERE a.id = e.after_effect AND a.state IN ('done', 'refused', 'void', 'observed')))
"""
_TAKEN = "ORDER BY e.due_at, e.seq LIMIT %(limit)s FOR UPDATE OF e SKIP LOCKED"


def take_due(conn: Conn, account: str, queue: str, now: datetime, limit: int) -> list[Effect]:
    """Effects to claim, in deadline order: at most one per root, the oldest open one, and only after what it waits for is done.

    A route that was told to wait (bucket.blocked_until) is left alone; other routes go on.
    """
    given = {"account": account, "queue": queue, "now": now, "limit": limit}
    return [_effect(row) for row in conn.execute(f"SELECT {_EFFECT} {_DUE} {_TAKEN}", given).fetchall()]


def take_more(conn: Conn, account: str, queue: str, now: datetime, limit: int, operation: str) -> list[Effect]:
    """Those of one operation that were never claimed with the others, for the room that is left in a call of theirs."""
    given = {"account": account, "queue": queue, "now": now, "limit": limit, "operation": operation}
    only = "AND e.operation = %(operation)s AND e.state = 'planned'"
    return [_effect(row) for row in conn.execute(f"SELECT {_EFFECT} {_DUE} {only} {_TAKEN}", given).fetchall()]


def take_unclear(conn: Conn, account: str, queue: str, now: datetime, limit: int, like: Effect) -> list[Effect]:
    """Those with the same trace of the same call: one look tells of all of them."""
    trace = Jsonb(dict(like.outcome or {}))
    given = {
        "account": account,
        "queue": queue,
        "now": now,
        "limit": limit,
        "operation": like.operation,
        "trace": trace,
    }
    only = "AND e.operation = %(operation)s AND e.state = 'unknown' AND e.outcome = %(trace)s"
    return [_effect(row) for row in conn.execute(f"SELECT {_EFFECT} {_DUE} {only} {_TAKEN}", given).fetchall()]


def due_of(conn: Conn, account: str, queue: str, now: datetime, operation: str, most: int) -> int:
    """How many of an operation are due, counted up to `most`."""
    given = {"account": account, "queue": queue, "now": now, "operation": operation, "most": most}
    only = "AND e.operation = %(operation)s AND e.state = 'planned' LIMIT %(most)s"
    row = conn.execute(f"SELECT count(*) AS n FROM (SELECT 1 {_DUE} {only}) due", given).fetchone()
    return int(row["n"]) if row else 0


def predecessor_state(conn: Conn, effect_id: str) -> str | None:
    row = conn.execute(
        "SELECT a.state FROM effect e JOIN effect a ON a.id = e.after_effect WHERE e.id = %s", (effect_id,)
    ).fetchone()
    return str(row["state"]) if row else None


def claimable(conn: Conn, key: str) -> Effect | None:
    """An effect that was never tried, by its key, when nobody else has it."""
    row = conn.execute(
        f"SELECT {_EFFECT} FROM effect e WHERE e.key = %s AND e.state = 'planned' AND e.attempts = 0 "
        f"AND e.flow NOT IN ({_STARTS_NOTHING}) FOR UPDATE OF e SKIP LOCKED",
        (key,),
    ).fetchone()
    return _effect(row) if row else None


def claim(conn: Conn, ctx: Ctx, effects: Sequence[Effect], epoch: int, send_until: datetime) -> None:
    conn.execute(
        "UPDATE effect SET state = 'sending', attempts = attempts + 1, claimed_epoch = %s, incarnation = %s, send_until = %s, sent_at = %s "
        "WHERE id = ANY(%s) AND state = 'planned'",
        (epoch, ctx.incarnation, send_until, ctx.clock.now(), [e.id for e in effects]),
    )


def settle(conn: Conn, ctx: Ctx, effect: Effect, epoch: int, state: str, *, due_at: datetime | None = None, outcome: Mapping[str, Any] | None = None,
           note: str | None = None, negative_reads: int = 0, was: str = "sending") -> str:  # fmt: skip
    """Write an outcome; returns the state it led to, '' when the effect is no longer ours to settle (taken over, decided by a person).

    What would be sent again is advised instead when its flow came to advise while it was on its way: a person has never seen it.
    """
    row = (
        conn.execute(
            "UPDATE effect SET state = CASE WHEN %(state)s = 'planned' AND hold_on_return THEN 'advised' ELSE %(state)s END, "
            "hold_on_return = hold_on_return AND %(state)s <> 'planned', due_at = coalesce(%(due)s, due_at), outcome = coalesce(%(outcome)s, outcome), note = %(note)s, "
            "negative_reads = %(reads)s, done_at = CASE WHEN %(state)s = 'done' THEN %(now)s ELSE done_at END, send_until = NULL "
            "WHERE id = %(id)s AND state = %(was)s AND (%(was)s <> 'sending' OR (claimed_epoch = %(epoch)s AND incarnation = %(incarnation)s)) RETURNING state",
            {
                "state": state,
                "due": due_at,
                "outcome": Jsonb(dict(outcome)) if outcome is not None else None,
                "note": note,
                "reads": negative_reads,
                "now": ctx.clock.now(),
                "id": effect.id,
                "was": was,
                "epoch": epoch,
                "incarnation": ctx.incarnation,
            },
        )
    ).fetchone()
    return str(row["state"]) if row else ""


def record_attempt(conn: Conn, ctx: Ctx, effect: Effect, kind: str, outcome: str, detail: Mapping[str, Any]) -> None:
    conn.execute(
        "INSERT INTO attempt (effect_id, number, kind, started_at, outcome, detail, plan_hash) "
        "SELECT %(id)s, coalesce(max(number), 0) + 1, %(kind)s, %(at)s, %(outcome)s, %(detail)s, %(plan)s FROM attempt WHERE effect_id = %(id)s",
        {
            "id": effect.id,
            "kind": kind,
            "at": ctx.clock.now(),
            "outcome": outcome,
            "detail": Jsonb(dict(detail)),
            "plan": ctx.plan_hash,
        },
    )


def effect_row(conn: Conn, effect_id: str) -> Row | None:
    return conn.execute("SELECT * FROM effect WHERE id = %s", (effect_id,)).fetchone()


def effects_by_key(conn: Conn, keys: Sequence[str]) -> dict[str, Row]:
    rows = conn.execute("SELECT * FROM effect WHERE key = ANY(%s) ORDER BY seq", (list(keys),)).fetchall()
    return {row["key"]: row for row in rows}


def take_token(conn: Conn, ctx: Ctx, account: str, limit: Limit) -> float:
    """Take one token: 0 when had, else business seconds to wait. The bucket refills with business time."""
    now = ctx.clock.now()
    conn.execute(
        "INSERT INTO bucket (account, operation, capacity, refill_per_s, tokens, refilled_at) VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (account, limit.name, limit.capacity, limit.per_s, limit.capacity, now),
    )
    row = conn.execute(
        "SELECT * FROM bucket WHERE account = %s AND operation = %s FOR UPDATE SKIP LOCKED", (account, limit.name)
    ).fetchone()
    if row is None:
        return 1.0 / limit.per_s  # somebody else is taking one this very moment
    if row["blocked_until"] and row["blocked_until"] > now:
        return float((row["blocked_until"] - now).total_seconds())
    tokens = min(
        row["capacity"], row["tokens"] + max(0.0, (now - row["refilled_at"]).total_seconds()) * row["refill_per_s"]
    )
    wait = 0.0 if tokens >= 1 else (1 - tokens) / row["refill_per_s"]
    conn.execute(
        "UPDATE bucket SET tokens = %s, refilled_at = %s WHERE account = %s AND operation = %s",
        (tokens - (0 if wait else 1), now, account, limit.name),
    )
    return wait


def block_route(conn: Conn, ctx: Ctx, account: str, operation: str, seconds: float) -> None:
    """They said when to come back (Retry-After): the whole route waits, by everybody."""
    now = ctx.clock.now()
    conn.execute(
        "INSERT INTO bucket (account, operation, capacity, refill_per_s, tokens, refilled_at, blocked_until) VALUES (%s, %s, 1, 1, 1, %s, %s) "
        "ON CONFLICT (account, operation) DO UPDATE SET blocked_until = greatest(bucket.blocked_until, excluded.blocked_until)",
        (account, operation, now, now + timedelta(seconds=seconds)),
    )


def amend(conn: Conn, effect_id: str, payload: Mapping[str, Any]) -> None:
    """Change what will be sent, before it was ever sent."""
    conn.execute(
        "UPDATE effect SET payload = %s WHERE id = %s AND state = 'planned' AND attempts = 0",
        (Jsonb(dict(payload)), effect_id),
    )
