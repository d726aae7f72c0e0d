"""Nothing lasts for ever by itself: holds, overrides and requests end, the owner's value returns and is published."""

from collections.abc import Callable, Sequence
from datetime import datetime

from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.ownership import store
from entrepot.ownership.batches import lockable
from entrepot.ownership.booking import HUB, Book, joined
from entrepot.ownership.compile import RuleSet
from entrepot.ownership.judging import CATEGORY
from entrepot.ownership.model import Freed, Judged, Scope, TurnedAway, Value, Why
from entrepot.ownership.observing import recheck
from entrepot.ownership.rules import LIMIT_CAUSES, PRICE_FIELDS
from entrepot.ownership.standing import Holding, Key
from entrepot.ownership.states import CorrectionState, OverrideState

AT_ONCE_MAX = 500
TIME_IS_OVER = "its time is over"
NOT_CONFIRMED = "no second person confirmed it in time"
NO_ANSWER = "no answer in time"
LASTS = LIMIT_CAUSES | {Why.FIGHT}  # a hold whose cause still stands is placed anew, and its case speaks again

# Accounts with something that ends: for a lane's due query.
EXPIRE_DUE_SQL = """
    SELECT account FROM hold WHERE lifted_at IS NULL AND ends_at <= %(now)s
    UNION SELECT account FROM override_value WHERE ended_at IS NULL AND ends_at <= %(now)s
    UNION SELECT account FROM correction WHERE ended_at IS NULL AND answer_by <= %(now)s
    ORDER BY account
"""


def expire(conn: Conn, ctx: Ctx, plan: Plan, rules: RuleSet) -> Judged:
    """End what has reached its end, at most 500 of each kind. Objects somebody else is deciding come next time."""
    now = ctx.clock.now()
    holds, overrides = store.due_holds(conn, now, AT_ONCE_MAX), store.due_overrides(conn, now, AT_ONCE_MAX)
    corrections = store.due_corrections(conn, now, AT_ONCE_MAX)
    had = lockable(conn, {key_of(row) for row in (*holds, *overrides, *corrections)})
    ended = end_overrides(conn, [r for r in overrides if key_of(r) in had], HUB, _why, now)
    return joined(
        [
            _end_holds(conn, ctx, plan, rules, [r for r in holds if key_of(r) in had], now),
            ended,
            _end_corrections(conn, [r for r in corrections if key_of(r) in had], now),
            rechecked(conn, ctx, plan, rules, ended),
        ]
    )


def key_of(row: Row) -> Key:
    return row["account"], row["object"], row["object_id"]


def _why(row: Row) -> str:
    return TIME_IS_OVER if row["state"] == OverrideState.LIVE else NOT_CONFIRMED


def _end_holds(conn: Conn, ctx: Ctx, plan: Plan, rules: RuleSet, rows: Sequence[Row], now: datetime) -> Judged:
    refused = store.refused_of(conn, [row["refused_id"] for row in rows if row["refused_id"]])
    book = Book(ctx, plan, rules, now)
    for row in rows:
        reason, key = Why(row["reason"]), key_of(row)
        cause = refused.get(row["refused_id"] or "")
        if reason not in LASTS or (reason in LIMIT_CAUSES and cause is None):
            one = Holding(row["id"], row["field"], reason, row["words"], row["ends_at"])
            book.lift(key, [one], TIME_IS_OVER)
            continue
        book.renew(row["id"])
        again = book.hold(key, row["field"], reason, row["words"], rule=row["rule"], refused_id=row["refused_id"])
        if cause is not None:
            book.turned_away.append(_still_out(cause, again, fight=reason is Why.FIGHT))
    return book.flush(conn)


def _still_out(cause: Row, hold_id: str, *, fight: bool) -> TurnedAway:
    scope = Scope(cause["account"], cause["seller"], cause["seller_model"], cause["category"])
    return TurnedAway(
        cause["object"],
        cause["object_id"],
        cause["field"],
        cause["value"],
        None,
        cause["actor"],
        Why(cause["why"]),
        cause["words"],
        scope,
        cause["message_id"] or "",
        tuple(cause["owners"]),
        hold_id,
        fight=fight,
    )


def end_overrides(conn: Conn, rows: Sequence[Row], by: str, why: Callable[[Row], str], now: datetime) -> Judged:
    """The owner's value counts again; the other side still shows the override, which is no news of its owner."""
    store.update_overrides(
        conn,
        [
            {"id": r["id"], "state": OverrideState.ENDED.value, "ended_at": now, "ended_by": by, "ended_why": why(r)}
            for r in rows
        ],
    )
    live = [row for row in rows if row["state"] == OverrideState.LIVE]
    store.values_expected(conn, [((*key_of(row), row["field"]), _shown(row)) for row in live], now)
    store.end_refused_over(conn, [(*key_of(row), row["field"]) for row in live], Why.OVERRIDDEN.value, now)
    return Judged(
        freed=tuple(Freed(*key_of(r), r["field"], "override", r["id"], why(r)) for r in rows),
        touched=frozenset(key_of(row) for row in live),
    )


def _shown(row: Row) -> Value:
    value: Value = row["value"] if row["expected_at"] is None else row["shown"]
    return value


def rechecked(conn: Conn, ctx: Ctx, plan: Plan, rules: RuleSet, changed: Judged) -> Judged:
    """Prices again, where an override of them or of the category has ended."""
    fields = PRICE_FIELDS | {CATEGORY}
    keys = {(f.account, f.object, f.object_id) for f in changed.freed if f.what == "override" and f.field in fields}
    return recheck(conn, ctx, plan, rules, keys) if keys else Judged()


def _end_corrections(conn: Conn, rows: Sequence[Row], now: datetime) -> Judged:
    ended = store.end_corrections(conn, [row["id"] for row in rows], CorrectionState.EXPIRED, NO_ANSWER, now)
    ordered = sorted(ended, key=lambda row: str(row["id"]))
    return Judged(
        freed=tuple(Freed(*key_of(r), r["field"], "correction", r["id"], NO_ANSWER, Why(r["cause"])) for r in ordered)
    )
