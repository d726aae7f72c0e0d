"""Case files: opened once per failure and object, counted when it happens again, closed when the cause is gone."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.cases import grouping, member_store, members, rules, states, store, telling
from entrepot.cases.model import CaseAsked
from entrepot.cases.states import CaseState
from entrepot.cases.store import Key
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import Busy
from entrepot.store.bulk import update_rows
from entrepot.store.locks import lock_roots

HUB = "hub"


def open_cases(conn: Conn, ctx: Ctx, plan: Plan, asked: Sequence[CaseAsked]) -> list[str]:
    """Open or count many cases in a handful of statements; returns their ids in the order asked.

    Errors: Busy when another transaction is opening or deciding one of them; OurBug for a mode the blueprint lacks.
    """
    if not asked:
        return []
    placed = [(grouping.key_of(plan, a), a) for a in asked]
    of_key: dict[Key, list[CaseAsked]] = defaultdict(list)
    for key, a in placed:
        of_key[key].append(a)
    _lock(conn, sorted(of_key))
    standing = store.open_of(conn, sorted(of_key))
    fresh = _insert(conn, ctx, plan, {key: of_key[key] for key in sorted(of_key) if key not in standing})
    _count_again(conn, ctx, plan, {key: of_key[key] for key in standing}, standing)
    ids = {key: row["id"] for key, row in (fresh | standing).items()}
    _gather(conn, ctx, plan, [(ids[key], a) for key, a in placed if _is_group(key, a)], fresh)
    telling.first_alerts(conn, ctx, plan, list(fresh.values()), {a.mode for a in asked})
    return [ids[key] for key, _ in placed]


def _is_group(key: Key, asked: CaseAsked) -> bool:
    return key != asked.key


def _gather(
    conn: Conn, ctx: Ctx, plan: Plan, asked: Sequence[tuple[str, CaseAsked]], fresh: Mapping[Key, dict[str, Any]]
) -> None:
    """Members into their groups; a group that the last member left for another one closes."""
    counted = members.join(conn, ctx, plan, asked)
    for row in fresh.values():
        row.update(counted.get(row["id"], {}))
    close_rows(conn, ctx, [case for case in counted.values() if not case["members"]], members.ELSEWHERE)
    store.insert_events(conn, [_told(ctx, case_id, a, "member") for case_id, a in asked])


def close_for(conn: Conn, ctx: Ctx, mode: str, object: str, object_id: str, because: str) -> int:
    """The cause of a failure is gone: close its case by itself, if one is open. Returns how many failures ended."""
    return close_many(conn, ctx, [(mode, object, object_id)], because)


def close_many(conn: Conn, ctx: Ctx, keys: Sequence[Key], because: str) -> int:
    """As `close_for`, for many; members leave their group, and the last one closes it."""
    standing = store.open_modes(conn, {key[0] for key in keys}) if keys else set()
    keys = [key for key in keys if key[0] in standing]  # nearly always nothing of the kind is open
    if not keys:
        return 0
    closed = close_rows(conn, ctx, store.open_to_close(conn, keys), because)
    left, empty = members.leave(conn, ctx, keys, because)
    close_rows(conn, ctx, empty, because)
    return closed + left


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
    end_rows(conn, ctx, rows, CaseState.CLOSED, "cause-gone", HUB, because)
    store.insert_events(conn, [event(ctx, row["id"], "closed", HUB, because) for row in rows])
    return len(rows)


def end_rows(conn: Conn, ctx: Ctx, rows: Sequence[Row], to: CaseState, verb: str, by: str, because: str) -> None:
    """End cases with their members; an alert that still waits is not said any more."""
    now, ids = ctx.clock.now(), [row["id"] for row in rows]
    store.end_cases(conn, ids, to, verb, by, now)
    store.drop_waiting_alerts(conn, ids)
    groups = [row["id"] for row in rows if row["grouped_by"] != states.OBJECT]
    if groups and member_store.leave_all(conn, groups, now, rules.clipped(because)):
        member_store.recount(conn, groups)


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


def _told(ctx: Ctx, case_id: str, asked: CaseAsked, what: str, cause: str | None = None) -> dict[str, Any]:
    """Opened, or again: because of which message or action, so that a verb reaches every one of them later."""
    named = {"message_id": asked.message_id, "effect_id": asked.effect_id}
    if what == "member":
        named |= {"object": asked.object, "object_id": asked.object_id}
    because = {name: value for name, value in named.items() if value}
    return event(ctx, case_id, what, HUB, asked.cause or "" if cause is None else cause, because)


def _lock(conn: Conn, keys: Sequence[Key]) -> None:
    """Two transactions that open one case would wait for its unique key: the second comes again instead."""
    names = {f"case:{mode}:{object_}:{object_id}" for mode, object_, object_id in keys}
    if lock_roots(conn, names) != names:
        raise Busy("another transaction is opening the same case")


def _insert(conn: Conn, ctx: Ctx, plan: Plan, asked: Mapping[Key, Sequence[CaseAsked]]) -> dict[Key, dict[str, Any]]:
    if not asked:
        return {}
    reopens = store.last_resolved(conn, list(asked))
    rows = {key: _row(ctx, plan, key, of_key, reopens.get(key)) for key, of_key in asked.items()}
    numbers = store.insert_cases(conn, list(rows.values()))
    for row in rows.values():
        row["number"] = numbers[row["id"]]
    opened = [_opened(ctx, key, rows[key], of_key[-1]) for key, of_key in asked.items()]
    store.insert_events(conn, opened)
    return rows


def _opened(ctx: Ctx, key: Key, row: Mapping[str, Any], asked: CaseAsked) -> dict[str, Any]:
    if _is_group(key, asked):  # each member has a line of its own
        return event(ctx, row["id"], "opened", HUB, row["cause_text"])
    return _told(ctx, row["id"], asked, "opened", row["cause_text"])


def _row(ctx: Ctx, plan: Plan, key: Key, of_key: Sequence[CaseAsked], reopens: str | None) -> dict[str, Any]:
    now, asked = ctx.clock.now(), of_key[-1]
    failure = plan.failure(asked.mode)
    team = plan.team(failure.owner)
    due_at = min(rules.due_for(a, failure, team.hours, now) for a in of_key)
    effect_text, cause_text = rules.words_for(asked, failure, team, due_at)
    steps = rules.steps_for(plan, asked.mode, failure.owner, now, due_at)
    group = grouping.group_of(plan, asked) if _is_group(key, asked) else states.OBJECT
    own_steps = asked.own_steps or group != states.OBJECT
    return {
        "id": ctx.ids.new("case"),
        "mode": asked.mode,
        "kind": failure.kind,
        "flow": asked.flow or failure.flow,
        "owner": failure.owner,
        "account": asked.account,
        "object": key[1],
        "object_id": key[2],
        "root": asked.root if group == states.OBJECT else "",
        "title": rules.clipped(asked.title or grouping.title_of(asked, group), rules.SUBJECT_MAX),
        "effect_text": effect_text,
        "cause_text": cause_text,
        "money_minor": asked.money_minor,
        "currency": asked.currency,
        "message_id": asked.message_id,
        "effect_id": asked.effect_id,
        "obligation_id": asked.obligation_id if group == states.OBJECT else None,
        "details": dict(asked.details),
        "count": len(of_key),
        "opened_at": now,
        "due_at": due_at,
        # a due time that has passed already: the watch escalates at once
        "next_at": (rules.next_at(steps, now) or now) if own_steps else None,
        "own_steps": own_steps,
        "grouped_by": group,
        "seller": asked.seller,
        "cause_key": asked.cause_key,
        "reopens": reopens,
        "plan_hash": ctx.plan_hash,
        "shadow": plan.only_observes(asked.flow or failure.flow),
    }


def _count_again(
    conn: Conn, ctx: Ctx, plan: Plan, asked: Mapping[Key, Sequence[CaseAsked]], standing: Mapping[Key, Row]
) -> None:
    """The same failure while its case is open: counted, and told with the newest facts. Nobody hears of it twice."""
    rows, events = [], []
    for key, of_key in asked.items():
        case, a = standing[key], of_key[-1]
        failure = plan.failure(a.mode)
        effect_text, cause_text = rules.words_for(a, failure, plan.team(case["owner"]), a.due_at or case["due_at"])
        rows.append(
            {
                "id": case["id"],
                "count": case["count"] + len(of_key),
                "effect_text": effect_text,
                "cause_text": cause_text,
                "money_minor": a.money_minor or case["money_minor"],
                "message_id": a.message_id or case["message_id"],
                "effect_id": a.effect_id or case["effect_id"],
                "obligation_id": a.obligation_id or case["obligation_id"],
                "details": {**case["details"], **a.details},
            }
        )
        if not _is_group(key, a):
            events.append(_told(ctx, case["id"], a, "again", cause_text))
        else:
            rows[-1]["obligation_id"] = None
    update_rows(conn, "case_file", rows)
    store.insert_events(conn, events)
