"""replay: a flow's work since some moment, once more under the plan in force; planned first, then done row by row.

Each record is judged by its own state: what is done is never done again, what waits gets this plan's content, and where
the other side has other content already a person looks. The plan of a replay has a digest; a flow whose replay needs
review runs only what somebody has seen. A run that was cut off goes on where it ended.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.cases import subject_store
from entrepot.cases.files import close_rows
from entrepot.cases.subjects import next_key
from entrepot.change import replay_store
from entrepot.change import store as change_store
from entrepot.change.mapping import Changed, look_up
from entrepot.change.replaying import (
    ROWS_MAX,
    Content,
    Judged,
    Verdict,
    counted,
    digest_of,
    judge_effect,
    judge_message,
)
from entrepot.engine import flows as flow_control
from entrepot.flows import fulfilment_confirm, order_creation
from entrepot.flows import replay_records as records
from entrepot.flows.parts import Parts
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import Busy, OwnerDecides
from entrepot.store.locks import lock_roots

BATCH = 50
BUSY_TRIES = 20
BUSY_WAIT_S = 0.1

# How an operation's content follows from the plan; what is not here does not depend on it.
RECASTS: Mapping[str, Callable[[Parts, str, Mapping[str, Any]], Content]] = {
    "mirakl.create-orders": order_creation.recast
}
RECAST_FLOWS: Mapping[str, Callable[[Parts, str, Mapping[str, Any]], Content]] = {
    fulfilment_confirm.FLOW: fulfilment_confirm.recast  # whichever channel is told
}


class ReplayRefused(OwnerDecides):
    """This flow is not replayed, or not like that; the message says why."""

    code = "replay-refused"


@dataclass(frozen=True, slots=True)
class ReplayAsked:
    """`mapping`: only what this table changes. `since` (business): records planned or received from then on."""

    flow: str
    since: datetime
    mapping: str = ""


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """What a replay would do, before it does it. `more`: there are records beyond the most one replay takes."""

    asked: ReplayAsked
    rule: str  # safe | with-review | never
    rows: tuple[Judged, ...]
    more: bool
    digest: str

    @property
    def counts(self) -> Mapping[str, int]:
        return counted(self.rows)

    @property
    def touched(self) -> tuple[Judged, ...]:
        """Records whose content or reading differs under this plan, done or not."""
        return tuple(row for row in self.rows if row.after is not None or row.verdict is Verdict.REVIEW)


@dataclass(frozen=True, slots=True)
class ReplayDone:
    replay_id: str
    states: Mapping[str, int]
    ended: bool


def plan_replay(conn: Conn, plan: Plan, asked: ReplayAsked) -> ReplayPlan:
    """Judge every record; changes nothing. Errors: UnknownFlow, ReplayRefused for a mapping the plan does not hold."""
    flow = plan.flows.get(asked.flow)
    if flow is None:
        raise flow_control.UnknownFlow(f"there is no flow “{asked.flow}” in the blueprint", flow=asked.flow)
    parts = Parts(plan, {})
    effects = records.effects_since(conn, asked.flow, asked.since, ROWS_MAX + 1)
    messages = records.messages_since(conn, asked.flow, asked.since, ROWS_MAX + 1)
    uses = change_store.uses_of_messages(
        conn, [m["id"] for m in messages] + [e["message_id"] for e in effects if e["message_id"]]
    )
    rows = [(_judged_message(plan, m, uses.get(m["id"], ())), m["id"], m["mode"]) for m in messages]
    rows += [(_judged_effect(parts, e), e["message_id"], "") for e in effects]
    chosen = [
        row for row, message_id, mode in rows if _concerns(asked.mapping, row, uses.get(message_id or "", ()), mode)
    ]
    kept = tuple(chosen[:ROWS_MAX])
    return ReplayPlan(asked, flow.replay, kept, len(chosen) > ROWS_MAX, digest_of(kept))


def _concerns(mapping: str, row: Judged, uses: Sequence[Row], mode: str) -> bool:
    """Whether a record has to do with a mapping: it used it, or its content differs, or waits for a word."""
    if not mapping:
        return True
    return row.after is not None or mode in records.READ_AGAIN or any(use["mapping"] == mapping for use in uses)


def _judged_effect(parts: Parts, effect: Row) -> Judged:
    recast = RECASTS.get(effect["operation"]) or RECAST_FLOWS.get(effect["flow"])
    return judge_effect(
        record_id=effect["id"],
        key=effect["key"],
        state=effect["state"],
        attempts=effect["attempts"],
        note=effect["note"] or "",
        payload=effect["payload"],
        now=recast(parts, effect["account"], effect["payload"]) if recast else None,
        money_gone=effect["money_gone"],
    )


def _judged_message(plan: Plan, message: Row, uses: Sequence[Row]) -> Judged:
    name = f"{message['kind']} {message['external_id']}"
    if message["state"] == "parked" and message["mode"] not in records.READ_AGAIN:
        why = f"is parked ({message['mode'] or 'no open case'}): decided in its case, not by reading it again"
        return Judged("message", message["id"], name, Verdict.SKIP, why)
    return judge_message(
        record_id=message["id"],
        name=name,
        state=message["state"],
        note=message["mode"],
        words=[words for use in _latest(uses) if (words := _read_otherwise(plan, message, use))],
    )


def _latest(uses: Sequence[Row]) -> Sequence[Row]:
    """How each word was read last."""
    return list({(use["field"], use["theirs"]): use for use in uses if use["direction"] == "in"}.values())


def _read_otherwise(plan: Plan, message: Row, use: Row) -> tuple[str, str, str] | None:
    """Their word, how it was read, and how this plan reads it, when that differs."""
    system = plan.account(message["account"]).system
    found = look_up(plan, flow=use["flow"], system=system, direction="in", field=use["field"], word=use["theirs"])
    now = found.word if isinstance(found, Changed) else "a word nobody knows"
    return (use["theirs"], use["ours"], now) if now != use["ours"] else None


# ── running it ───────────────────────────────────────────────────────────────────────────────────────────────


def run_replay(ctx: Ctx, plan: Plan, asked: ReplayAsked, *, by: str, reason: str, reviewed: str = "") -> ReplayDone:
    """Do what the plan of this replay says, row by row; one that was cut off is carried on instead.

    `reviewed`: the digest a person has seen; a flow that is replayed with review needs it. Errors: ReplayRefused.
    """
    with ctx.db.transaction() as conn:
        found = replay_store.running(conn, asked.flow)
        if found is None:
            found = _start(conn, ctx, plan, asked, by, reason, reviewed)
    return carry_on(ctx, plan, found["id"])


def _start(conn: Conn, ctx: Ctx, plan: Plan, asked: ReplayAsked, by: str, reason: str, reviewed: str) -> Row:
    planned = plan_replay(conn, plan, asked)
    why = refusal(plan, planned, by, reason, reviewed)
    if why:
        raise ReplayRefused(why, flow=asked.flow)
    head = {
        "id": ctx.ids.new("rpl"),
        "flow": asked.flow,
        "mapping": asked.mapping,
        "since_at": asked.since,
        "plan_hash": ctx.plan_hash,
        "digest": planned.digest,
        "by": by.strip(),
        "reason": reason.strip(),
        "started_at": ctx.clock.now(),
    }
    if not replay_store.start(conn, head, planned.rows):
        raise Busy(f"another replay of {asked.flow} is being started")
    return head


def refusal(plan: Plan, planned: ReplayPlan, by: str, reason: str, reviewed: str) -> str:
    """Why this replay may not run; empty when it may."""
    name = planned.asked.flow
    flow = plan.flow(name)
    if flow.replay == "never":
        return f"the blueprint says that {name} is never replayed"
    if flow.mode == "observe":
        return f"{name} only observes: there is nothing of it to send"
    if not reason.strip() or not by.strip():
        return "say who replays and why: both stay with it"
    if planned.more:
        return f"more than {ROWS_MAX:,} records: choose a later --since, or a --mapping"
    if flow.replay == "with-review" and reviewed != planned.digest:
        seen = "is another plan than the one now" if reviewed else "is missing"
        return (
            f"{name} is replayed with review, and the digest of the plan you have seen {seen}: look at --dry-run, then"
            f" say --reviewed {planned.digest}"
        )
    return ""


def carry_on(ctx: Ctx, plan: Plan, replay_id: str) -> ReplayDone:
    """Do the rows that wait, batch by batch; what cannot be had now is tried a bounded number of times."""
    tries = 0
    while tries < BUSY_TRIES:
        with ctx.db.transaction() as conn:
            done, left = _batch(ctx, conn, plan, replay_id)
        ctx.point("replay.committed")
        if not left:
            break
        if not done:
            tries += 1
            ctx.clock.sleep(BUSY_WAIT_S)
    with ctx.db.transaction() as conn:
        ended = replay_store.end(conn, replay_id, ctx.clock.now())
        return ReplayDone(replay_id, replay_store.states_of(conn, replay_id), ended)


def _batch(ctx: Ctx, conn: Conn, plan: Plan, replay_id: str) -> tuple[int, int]:
    """Some rows: how many were settled, and how many were looked at."""
    rows = replay_store.waiting(conn, replay_id, BATCH)
    effects = [row["record_id"] for row in rows if row["what"] == "effect"]
    messages = [row["record_id"] for row in rows if row["what"] == "message"]
    roots = records.roots_of(conn, effects, messages)
    ours = lock_roots(conn, roots.values())
    settled = []
    for row in rows:
        if roots.get(row["record_id"]) not in ours:
            continue
        end = _effect(ctx, conn, plan, row) if row["what"] == "effect" else _message(ctx, conn, plan, row)
        if end is not None:
            settled.append((row["number"], *end))
    replay_store.settle(conn, replay_id, settled, ctx.clock.now())
    ctx.point("replay.before-commit")
    return len(settled), len(rows)


End = tuple[str, str]  # state of the row, and what became of it


def _effect(ctx: Ctx, conn: Conn, plan: Plan, row: Row) -> End | None:
    """One outgoing action, judged again as it is now; None when a sender has it this very moment."""
    effect = records.effect_to_replay(conn, row["record_id"])
    if effect is None:
        return None
    judged = _judged_effect(Parts(plan, {}), effect)
    if judged.verdict is not Verdict.SEND:
        return ("person" if judged.verdict is Verdict.REVIEW else "skipped"), f"meanwhile it {judged.why}"
    now = ctx.clock.now()
    until = now + plan.flow(effect["flow"]).retry.window
    close_rows(conn, ctx, records.open_cases_of(conn, effect["id"], None), "it was replayed under the plan in force")
    if judged.after is None:
        subject_store.effect_again(conn, effect["id"], now, max(until, effect["window_until"]))
        return "done", f"waits to be sent with the key {effect['key']}"
    if not effect["attempts"]:
        records.give_content(conn, effect["id"], judged.after, ctx.plan_hash, now, until)
        return "done", f"waits with this plan's content, key {effect['key']}"
    new = {
        name: effect[name] for name in ("account", "operation", "root", "after_effect", "flow", "queue", "message_id")
    }
    new |= {"id": ctx.ids.new("eff"), "key": next_key(effect["key"]), "payload": judged.after, "planned_at": now}
    new |= {"due_at": now, "window_until": until, "plan_hash": ctx.plan_hash}
    subject_store.replace_effect(conn, effect["id"], new, f"replayed under plan {ctx.plan_hash}")
    return "done", f"gave way to a new one with this plan's content, key {new['key']}"


def _message(ctx: Ctx, conn: Conn, plan: Plan, row: Row) -> End | None:
    message = records.message_to_replay(conn, row["record_id"])
    if message is None:
        return None
    if message["state"] != "parked":
        return "skipped", f"meanwhile it is {message['state']}"
    close_rows(conn, ctx, records.open_cases_of(conn, None, message["id"]), "it is read again under the plan in force")
    subject_store.messages_again(conn, [message["id"]], ctx.clock.now())
    return "done", "is read again"
