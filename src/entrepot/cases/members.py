"""Members of group cases: they join when they fail, and leave when their own cause is gone; the last one closes the case."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.cases import grouping, member_store, rules
from entrepot.cases.model import CaseAsked
from entrepot.cases.store import Key
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.store.bulk import update_rows

ELSEWHERE = "it fails for another reason now"


def join(conn: Conn, ctx: Ctx, plan: Plan, asked: Sequence[tuple[str, CaseAsked]]) -> dict[str, Row]:
    """Write members as (case id, failure); the cases with their new counts, by id. A handful of statements for any number."""
    if not asked:
        return {}
    rows: dict[tuple[str, str, str], Row] = {}
    for case_id, a in asked:
        key = (case_id, a.object, a.object_id)
        times = rows[key]["count"] + 1 if key in rows else 1
        rows[key] = _row(ctx, case_id, a) | {"count": times}
    last = {a.key: (case_id, a) for case_id, a in asked}
    cases = {case_id for case_id, _ in last.values()}
    member_store.cases_of(conn, sorted(last))  # locks those they may leave
    keys = sorted(last)
    moved = member_store.leave(conn, keys, ctx.clock.now(), ELSEWHERE, [last[key][0] for key in keys])
    member_store.upsert(conn, [row for row in rows.values() if last[_key(row)][0] == row["case_id"]])
    counted = member_store.recount(conn, sorted({*cases, *moved}))
    _say(conn, plan, dict(last.values()), counted)
    return counted


def _key(row: Row) -> Key:
    return (row["mode"], row["object"], row["object_id"])


def _row(ctx: Ctx, case_id: str, asked: CaseAsked) -> dict[str, Any]:
    return {
        "case_id": case_id,
        "mode": asked.mode,
        "object": asked.object,
        "object_id": asked.object_id,
        "name": asked.name or asked.object_id,
        "account": asked.account,
        "seller": asked.seller,
        "root": asked.root,
        "cause_text": rules.clipped(asked.cause or ""),
        "message_id": asked.message_id,
        "effect_id": asked.effect_id,
        "obligation_id": asked.obligation_id,
        "money_minor": asked.money_minor,
        "currency": asked.currency,
        "seen_at": ctx.clock.now(),
    }


def _say(conn: Conn, plan: Plan, asked: dict[str, CaseAsked], counted: dict[str, Row]) -> None:
    """The case speaks of all its members: how many, and their money together."""
    rows = []
    for case_id, a in asked.items():
        case = counted[case_id]
        about = grouping.about_group(a, case["first"], case["members"], case["money_minor"])
        owner = plan.team(case["owner"])
        case["effect_text"], case["cause_text"] = rules.words_for(about, plan.failure(a.mode), owner, case["due_at"])
        rows.append({"id": case_id, "effect_text": case["effect_text"], "cause_text": case["cause_text"]})
    update_rows(conn, "case_file", rows)


def leave(conn: Conn, ctx: Ctx, keys: Sequence[Key], because: str) -> tuple[int, list[Row]]:
    """The causes of these objects are gone: how many left, and the cases nobody is left in, locked, to be closed."""
    cases = member_store.cases_of(conn, keys)
    if not cases:
        return 0, []
    left = member_store.leave(conn, keys, ctx.clock.now(), because)
    counted = member_store.recount(conn, sorted(set(left)))
    return len(left), [case for case in counted.values() if case["members"] == 0 and case["resolved_at"] is None]


def of_obligations(conn: Conn, obligation_ids: Sequence[str]) -> dict[str, list[Key]]:
    """By promise: the members it put into a group."""
    found: dict[str, list[Key]] = defaultdict(list)
    for row in member_store.keys_of_obligations(conn, obligation_ids):
        found[row["obligation_id"]].append(_key(row))
    return found
