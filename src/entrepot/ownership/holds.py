"""Holds: not sellable, value untouched. The operator's lever on a third party's price or stock, and the hub's own when a source is stale."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.ownership import store
from entrepot.ownership.batches import lock
from entrepot.ownership.booking import Book
from entrepot.ownership.compile import RuleSet
from entrepot.ownership.expiry import key_of
from entrepot.ownership.hands import Hand, NotThere, Person, Pulled, StandsAlready, hand_on, require_end, require_reason
from entrepot.ownership.model import Act, Judged, Why
from entrepot.ownership.rules import fallback
from entrepot.ownership.standing import Holding, Key

WHOLE = "*"  # a hold that is about the object and no field of it


def hold(
    conn: Conn, ctx: Ctx, plan: Plan, rules: RuleSet, key: Key, field: str, *, by: Person, reason: str, until: datetime
) -> Pulled:
    """Not sellable until then; the value stays untouched. Errors: NotYours, NotThere, StandsAlready, WrongEnd, Busy."""
    hand = hand_on(conn, ctx, plan, rules, key, field, by)
    rule, words = hand.require(Act.HOLD), require_reason(reason, "a hold")
    require_end(hand, until, hand.owned.holds_max, "a hold")
    if (live := hand.standing.hold(field, Why.OPERATOR)) is not None:
        raise StandsAlready(f"it is held already until {live.ends_at:%Y-%m-%d %H:%M} UTC: {live.words}", id=live.id)
    book = hand.book()
    hold_id = book.hold(key, field, Why.OPERATOR, words, by=by.name, rule=rule, until=until)
    return Pulled(hold_id, "live", book.flush(conn))


def lift_hold(conn: Conn, ctx: Ctx, plan: Plan, rules: RuleSet, hold_id: str, *, by: Person, reason: str) -> Pulled:
    """End a hold, whatever its reason; after a fight the day's count begins anew. Errors: as `hold`; StandsAlready when it has ended."""
    row = store.hold_of(conn, hold_id)
    if row is None:
        raise NotThere(f"there is no hold {hold_id}", id=hold_id)
    hand = hand_on(conn, ctx, plan, rules, key_of(row), row["field"], by)
    live = next((one for one in hand.standing.holds if one.id == hold_id), None)
    if live is None:
        raise StandsAlready(f"hold {hold_id} has ended already", id=hold_id)
    _may_lift(hand, live)
    book = hand.book()
    book.lift(hand.key, [live], require_reason(reason, "lifting a hold"))
    if live.reason is Why.FIGHT:
        store.forget_fight(conn, (*hand.key, live.field), hand.now.date())
    return Pulled(hold_id, "lifted", book.flush(conn))


def _may_lift(hand: Hand, live: Holding) -> None:
    """Who may hold may lift; a fight and a hold of the whole object are also for the team that sees exceptions."""
    exceptional = live.reason is Why.FIGHT or live.field == WHOLE
    if not (exceptional and hand.by.team == hand.owned.exceptions):
        hand.require(Act.HOLD)


def hold_for_cause(
    conn: Conn,
    ctx: Ctx,
    plan: Plan,
    rules: RuleSet,
    keys: Iterable[Key],
    why: Why,
    words: str,
    *,
    until: datetime | None = None,
) -> Judged:
    """The hub's own holds of whole objects (stale, suspended): no person's lever. Held already: nothing."""
    wanted = sorted(set(keys))
    lock(conn, wanted)
    now = ctx.clock.now()
    book = Book(ctx, plan, rules, now)
    for key, standing in sorted(store.standing(conn, wanted, now.date()).items()):
        if standing.hold(WHOLE, why) is None:
            book.hold(key, WHOLE, why, words, until=until)
    return book.flush(conn)


def end_cause(conn: Conn, ctx: Ctx, plan: Plan, rules: RuleSet, keys: Iterable[Key], why: Why, words: str) -> Judged:
    """The cause of such holds is gone."""
    wanted = sorted(set(keys))
    lock(conn, wanted)
    now = ctx.clock.now()
    book = Book(ctx, plan, rules, now)
    for key, standing in sorted(store.standing(conn, wanted, now.date()).items()):
        book.lift(key, [one for one in standing.holds if (one.field, one.reason) == (WHOLE, why)], words)
    return book.flush(conn)


def silent(conn: Conn, ctx: Ctx, plan: Plan, rules: RuleSet, object: str, keys: Sequence[Key], words: str) -> Judged:
    """The source of these objects says nothing any more: by the plan's fallback they go on as last known, or stop selling.

    `park` and `use:<actor>` are the flow's to act on; they hold nothing here.
    """
    if fallback(rules, object)[0] != "stop-selling":
        return Judged()
    return hold_for_cause(conn, ctx, plan, rules, keys, Why.STALE, words)
