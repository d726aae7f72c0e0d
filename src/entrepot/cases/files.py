"""Case files: opened once per failure and object, counted when it happens again, closed when the cause is gone."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.cases import rules, store
from entrepot.cases.alerts import AlertAsked, plan_alerts
from entrepot.cases.model import CaseAsked
from entrepot.cases.states import CaseState
from entrepot.cases.store import Key
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import Busy
from entrepot.store.bulk import update_rows
from entrepot.store.locks import lock_roots

ALERTS_EACH_MAX = 5  # more cases of one mode at once become one alert: a storm must not bury its reader
HUB = "hub"


def open_cases(conn: Conn, ctx: Ctx, plan: Plan, asked: Sequence[CaseAsked]) -> list[str]:
    """Open or count many cases in a handful of statements; returns their ids in the order asked.

    Errors: Busy when another transaction is opening or deciding one of them; OurBug for a mode the blueprint lacks.
    """
    if not asked:
        return []
    last: dict[Key, CaseAsked] = {a.key: a for a in asked}
    times: dict[Key, int] = defaultdict(int)
    for a in asked:
        times[a.key] += 1
    keys = sorted(last)
    _lock(conn, keys)
    standing = store.open_of(conn, keys)
    again = {key: standing[key]["id"] for key in keys if key in standing}
    new = _insert(conn, ctx, plan, {key: last[key] for key in keys if key not in standing}, times)
    _count_again(conn, ctx, plan, {key: last[key] for key in again}, standing, times)
    ids = again | new
    return [ids[a.key] for a in asked]


def close_for(conn: Conn, ctx: Ctx, mode: str, object: str, object_id: str, because: str) -> int:
    """The cause of a failure is gone: close its case by itself, if one is open. Returns how many were closed."""
    return close_many(conn, ctx, [(mode, object, object_id)], because)


def close_many(conn: Conn, ctx: Ctx, keys: Sequence[Key], because: str) -> int:
    return close_rows(conn, ctx, store.open_to_close(conn, keys), because) if keys else 0


def close_each(conn: Conn, ctx: Ctx, gone: Sequence[tuple[str, str, str, str]]) -> int:
    """As `close_many`, each with its own reason: (mode, object, object_id, because)."""
    by_why: dict[str, list[Key]] = defaultdict(list)
    for mode, object_, object_id, because in gone:
        by_why[because].append((mode, object_, object_id))
    return sum(close_many(conn, ctx, keys, because) for because, keys in by_why.items())


def close_rows(conn: Conn, ctx: Ctx, rows: Sequence[Row], because: str) -> int:
    """Close open cases that are locked already."""
    if not rows:
        return 0
    now = ctx.clock.now()
    store.end_cases(conn, [row["id"] for row in rows], CaseState.CLOSED, "cause-gone", HUB, now)
    store.insert_events(conn, [event(ctx, row["id"], "closed", HUB, because) for row in rows])
    return len(rows)


def event(
    ctx: Ctx, case_id: str, what: str, by: str, reason: str = "", detail: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """One line of a case's story."""
    return {
        "id": ctx.ids.new("cev"),
        "case_id": case_id,
        "at": ctx.clock.now(),
        "what": what,
        "by": by,
        "reason": rules.clipped(reason),
        "detail": dict(detail or {}),
        "plan_hash": ctx.plan_hash,
    }


def _told(ctx: Ctx, case: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Opened, or again: because of which message or action, so that a verb reaches every one of them later."""
    because = {name: case[name] for name in ("message_id", "effect_id") if case[name]}
    return event(ctx, case["id"], what, HUB, case["cause_text"], because)


def _lock(conn: Conn, keys: Sequence[Key]) -> None:
    """Two transactions that open one case would wait for its unique key: the second comes again instead."""
    names = {f"case:{mode}:{object_}:{object_id}" for mode, object_, object_id in keys}
    if lock_roots(conn, names) != names:
        raise Busy("another transaction is opening the same case")


def _insert(
    conn: Conn, ctx: Ctx, plan: Plan, asked: Mapping[Key, CaseAsked], times: Mapping[Key, int]
) -> dict[Key, str]:
    if not asked:
        return {}
    reopens = store.last_resolved(conn, list(asked))
    rows = {key: _row(ctx, plan, a, times[key], reopens.get(key)) for key, a in asked.items()}
    numbers = store.insert_cases(conn, list(rows.values()))
    for row in rows.values():
        row["number"] = numbers[row["id"]]
    store.insert_events(conn, [_told(ctx, row, "opened") for row in rows.values()])
    plan_alerts(conn, ctx, plan, _first_alerts(ctx, plan, list(rows.values())))
    return {key: row["id"] for key, row in rows.items()}


def _row(ctx: Ctx, plan: Plan, asked: CaseAsked, times: int, reopens: str | None) -> dict[str, Any]:
    now = ctx.clock.now()
    failure = plan.failure(asked.mode)
    team = plan.team(failure.owner)
    due_at = rules.due_for(asked, failure, team.hours, now)
    effect_text, cause_text = rules.words_for(asked, failure, team, due_at)
    steps = rules.steps_for(plan, asked.mode, failure.owner, now, due_at)
    return {
        "id": ctx.ids.new("case"),
        "mode": asked.mode,
        "kind": failure.kind,
        "flow": asked.flow or failure.flow,
        "owner": failure.owner,
        "account": asked.account,
        "object": asked.object,
        "object_id": asked.object_id,
        "root": asked.root,
        "title": rules.clipped(asked.title or _title(asked), rules.SUBJECT_MAX),
        "effect_text": effect_text,
        "cause_text": cause_text,
        "money_minor": asked.money_minor,
        "currency": asked.currency,
        "message_id": asked.message_id,
        "effect_id": asked.effect_id,
        "obligation_id": asked.obligation_id,
        "details": dict(asked.details),
        "count": times,
        "opened_at": now,
        "due_at": due_at,
        # a due time that has passed already: the watch escalates at once
        "next_at": (rules.next_at(steps, now) or now) if asked.own_steps else None,
        "reopens": reopens,
        "plan_hash": ctx.plan_hash,
        "shadow": plan.only_observes(asked.flow or failure.flow),
    }


def _title(asked: CaseAsked) -> str:
    return f"{asked.mode.replace('-', ' ').capitalize()}: {rules.said(asked.object)} {asked.name or asked.object_id}"


def _first_alerts(ctx: Ctx, plan: Plan, rows: Sequence[dict[str, Any]]) -> list[AlertAsked]:
    """Each owner hears of each case; of a storm, once."""
    by_mode: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_mode[row["mode"]].append(row)
    alerts = []
    for group in by_mode.values():
        first = group[0]
        if len(group) > ALERTS_EACH_MAX:
            alerts.append(_storm(ctx, plan, group))
            continue
        for row in group:
            body = rules.alert_body(row, plan.failure(row["mode"]), plan.team(row["owner"]))
            text = rules.subject(ctx.environment, row["number"], first["mode"], row["effect_text"])
            alerts.append(AlertAsked(f"{row['id']}:opened", row["owner"], text, body, row["id"], row["obligation_id"]))
    return alerts


def _storm(ctx: Ctx, plan: Plan, group: Sequence[dict[str, Any]]) -> AlertAsked:
    first = group[0]
    text = rules.clipped(
        f"[{ctx.environment}] {len(group)} cases ({first['mode']}), the first: {first['effect_text']}",
        rules.SUBJECT_MAX,
    )
    body = rules.alert_body(first, plan.failure(first["mode"]), plan.team(first["owner"]))
    numbers = ", ".join(str(row["number"]) for row in group[:50])
    return AlertAsked(f"{first['id']}:opened", first["owner"], text, f"{body}\nAll of them: {numbers}", first["id"])


def _count_again(
    conn: Conn,
    ctx: Ctx,
    plan: Plan,
    asked: Mapping[Key, CaseAsked],
    standing: Mapping[Key, Row],
    times: Mapping[Key, int],
) -> None:
    """The same failure while its case is open: counted, and told with the newest facts."""
    rows, events = [], []
    for key, a in asked.items():
        case = standing[key]
        failure = plan.failure(a.mode)
        effect_text, cause_text = rules.words_for(a, failure, plan.team(case["owner"]), a.due_at or case["due_at"])
        rows.append(
            {
                "id": case["id"],
                "count": case["count"] + times[key],
                "effect_text": effect_text,
                "cause_text": cause_text,
                "money_minor": a.money_minor or case["money_minor"],
                "message_id": a.message_id or case["message_id"],
                "effect_id": a.effect_id or case["effect_id"],
                "obligation_id": a.obligation_id or case["obligation_id"],
                "details": {**case["details"], **a.details},
            }
        )
        events.append(_told(ctx, {**rows[-1], "message_id": a.message_id, "effect_id": a.effect_id}, "again"))
    update_rows(conn, "case_file", rows)
    store.insert_events(conn, events)
