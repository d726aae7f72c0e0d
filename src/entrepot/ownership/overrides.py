"""Overrides: another value laid over the owner's, with author, reason and end; a large one counts when a second person has confirmed it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.ownership import store
from entrepot.ownership.booking import joined
from entrepot.ownership.compile import RuleSet
from entrepot.ownership.expiry import end_overrides, key_of, rechecked
from entrepot.ownership.hands import (
    Hand,
    NotThere,
    OutsideLimits,
    Person,
    Pulled,
    SamePerson,
    StandsAlready,
    WrongEnd,
    hand_on,
    require_end,
    require_reason,
)
from entrepot.ownership.judging import CATEGORY, CURRENCY, showing
from entrepot.ownership.model import Act, Judged, Scope, Value
from entrepot.ownership.observing import recheck
from entrepot.ownership.rules import LIMIT_CAUSES, is_large, limits
from entrepot.ownership.standing import Key
from entrepot.ownership.states import OverrideState


def override(
    conn: Conn,
    ctx: Ctx,
    plan: Plan,
    rules: RuleSet,
    key: Key,
    field: str,
    value: Value,
    *,
    by: Person,
    reason: str,
    until: datetime,
) -> Pulled:
    """Lay another value over the owner's until then; a large change is `asked` until a second person confirms it.

    Errors: NotYours, NotThere, StandsAlready, WrongEnd, OutsideLimits, Busy.
    """
    hand = hand_on(conn, ctx, plan, rules, key, field, by)
    rule, words = hand.require(Act.OVERRIDE, value), require_reason(reason, "an override")
    require_end(hand, until, hand.owned.overrides_max, "an override")
    _may_lay_over(hand, value)
    owned = hand.standing.owned.get(field)
    over = owned.value if owned else None
    large = is_large(over, value, hand.owned.second_person_above_percent)
    override_id = ctx.ids.new("ovr")
    state = OverrideState.ASKED if large else OverrideState.LIVE
    row: Mapping[str, Any] = {
        "id": override_id,
        "account": key[0],
        "object": key[1],
        "object_id": key[2],
        "field": field,
        "value": value,
        "over": over,
        "state": state.value,
        "author": by.name,
        "reason": words,
        "rule": rule,
        "large": large,
        "asked_at": hand.now,
        "ends_at": until,
        "plan_hash": rules.hash,
        "starts_at": None if large else hand.now,
        "expected_at": None if large else hand.now,
        "shown": None if large else showing(hand.standing, field),
    }
    store.insert_override(conn, row)
    return Pulled(override_id, state.value, Judged() if large else _counts(hand))


def _may_lay_over(hand: Hand, value: Value) -> None:
    standing, field = hand.standing, hand.field
    if (other := standing.overrides.get(field)) is not None:
        how = "is overridden" if other.live else "has an override that waits for a second person"
        raise StandsAlready(
            f"the {field} {how} already, by {other.author} until {other.ends_at:%Y-%m-%d %H:%M} UTC; end that one first",
            id=other.id,
        )
    if standing.stands(field) and standing.effective(field) == value:
        raise StandsAlready(f"the {field} has that value already")
    category, currency = standing.effective(CATEGORY), standing.effective(CURRENCY)
    scope = Scope(hand.key[0], category=category if isinstance(category, str) else hand.scope.category)
    wrong = limits(hand.rules, scope, field, value, currency if isinstance(currency, str) else None)
    if wrong is not None:
        raise OutsideLimits(wrong.words, why=wrong.why.value, rule=wrong.rule)


def _counts(hand: Hand) -> Judged:
    """An override that counts from now on: to be published; a hold for the owner's bad value is over, prices are looked at again."""
    book = hand.book()
    bad = [one for one in hand.standing.holds if one.field == hand.field and one.reason in LIMIT_CAUSES]
    book.lift(hand.key, bad, "an override lies over the value")
    judged = book.flush(hand.conn)
    again = recheck(hand.conn, hand.ctx, hand.plan, hand.rules, [hand.key]) if hand.field == CATEGORY else Judged()
    return joined([judged, again, Judged(touched=frozenset({hand.key}))])


def confirm_override(
    conn: Conn, ctx: Ctx, plan: Plan, rules: RuleSet, override_id: str, *, by: Person, reason: str = ""
) -> Pulled:
    """The second person's word on a large override. Errors: as `override`; SamePerson."""
    hand, row = _on(conn, ctx, plan, rules, override_id, by)
    if row["state"] != OverrideState.ASKED:
        raise StandsAlready(f"override {override_id} is {row['state']}: there is nothing to confirm", id=override_id)
    hand.require(Act.OVERRIDE, row["value"])
    if by.name == row["author"]:
        raise SamePerson(f"{by.name} has asked for it: another person confirms", id=override_id)
    if row["ends_at"] <= hand.now:
        raise WrongEnd(f"override {override_id} would have ended already", id=override_id)
    changes: Mapping[str, Any] = {
        "id": override_id,
        "state": OverrideState.LIVE.value,
        "second_person": by.name,
        "starts_at": hand.now,
        "expected_at": hand.now,
        "shown": showing(hand.standing, hand.field),
    }
    store.update_overrides(conn, [changes])
    return Pulled(override_id, "live", _counts(hand))


def end_override(
    conn: Conn, ctx: Ctx, plan: Plan, rules: RuleSet, override_id: str, *, by: Person, reason: str
) -> Pulled:
    """The owner's value returns before the time. Errors: as `override`."""
    hand, row = _on(conn, ctx, plan, rules, override_id, by)
    if row["state"] == OverrideState.ENDED:
        raise StandsAlready(f"override {override_id} has ended already", id=override_id)
    hand.require(Act.OVERRIDE)
    words = require_reason(reason, "ending an override")
    ended = end_overrides(conn, [row], by.name, lambda _: words, hand.now)
    return Pulled(override_id, "ended", joined([ended, rechecked(conn, ctx, plan, rules, ended)]))


def _on(conn: Conn, ctx: Ctx, plan: Plan, rules: RuleSet, override_id: str, by: Person) -> tuple[Hand, Row]:
    row = store.override_of(conn, override_id)
    if row is None:
        raise NotThere(f"there is no override {override_id}", id=override_id)
    hand = hand_on(conn, ctx, plan, rules, key_of(row), row["field"], by)
    locked = store.override_of(conn, override_id)
    assert locked is not None
    return hand, locked
