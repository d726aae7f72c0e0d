"""Enforcement `after`: others have written already. Values are let in or turned away; what is bad is held, and its owner asked."""

from collections.abc import Iterable, Sequence

from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.ownership import store
from entrepot.ownership.batches import lock, rounds, settle
from entrepot.ownership.booking import Book, From, joined
from entrepot.ownership.compile import RuleSet
from entrepot.ownership.judging import Out, Wish, judge, judge_wishes
from entrepot.ownership.model import Judged, Observed, Scope, Why
from entrepot.ownership.rules import LIMIT_CAUSES, PRICE_FIELDS
from entrepot.ownership.standing import Holding, Key, Standing

HEARD_AGAIN = "the source was heard again"


def observe(conn: Conn, ctx: Ctx, plan: Plan, rules: RuleSet, observed: Sequence[Observed]) -> Judged:
    """Judge what others have written already: let in, turn away, hold, ask. What has not changed costs one look and no write.

    Shape: any number of objects of any accounts; of one object seen twice, the earlier first.  Errors: Busy when another
    transaction is judging one of those that changed.
    """
    return joined([_once(conn, ctx, plan, rules, seen) for seen in rounds(observed, _key)])


def _key(seen: Observed) -> Key:
    return seen.scope.account, seen.object, seen.object_id


def _once(conn: Conn, ctx: Ctx, plan: Plan, rules: RuleSet, observed: Sequence[Observed]) -> Judged:
    now = ctx.clock.now()
    seen = {_key(one): one for one in observed}
    standing = store.standing(conn, seen, now.date())
    changed = {
        key: one
        for key, one in seen.items()
        if _stale(standing[key]) or judge(rules, standing[key], one, now, settle(plan, key[0]))
    }
    if not changed:
        return Judged()
    lock(conn, changed)
    standing = store.standing(conn, changed, now.date())  # whoever held them before may have settled it
    book = Book(ctx, plan, rules, now)
    for key, one in sorted(changed.items()):
        for news in judge(rules, standing[key], one, now, settle(plan, key[0])):
            book.add(standing[key], news, From(one.message_id, one.source))
        book.lift(key, _stale(standing[key]), HEARD_AGAIN)
    ctx.point("observe.judged")
    judged = book.flush(conn)
    ctx.point("observe.booked")
    return judged


def _stale(standing: Standing) -> list[Holding]:
    return [hold for hold in standing.holds if hold.reason is Why.STALE]


def recheck(conn: Conn, ctx: Ctx, plan: Plan, rules: RuleSet, keys: Iterable[Key]) -> Judged:
    """Hold the limits once more against prices that stand or were refused: the category or the plan has changed. Errors: Busy."""
    now, wanted = ctx.clock.now(), set(keys)
    lock(conn, wanted)
    book = Book(ctx, plan, rules, now)
    for key, standing in store.standing(conn, wanted, now.date()).items():
        for wish in _prices(standing):
            for news in judge_wishes(rules, standing, [wish], now, settle(plan, key[0])):
                if not (isinstance(news, Out) and _known(standing, news)):
                    book.add(standing, news, From("", "held against the limits again"))
                elif standing.override(news.wish.field) is None and not standing.hold(
                    news.wish.field, news.refusal.why
                ):
                    known = standing.refused[news.wish.field, news.wish.actor]
                    book.hold(
                        key, known.field, known.why, news.refusal.words, rule=news.refusal.rule, refused_id=known.id
                    )
    return book.flush(conn)


def _prices(standing: Standing) -> list[Wish]:
    """Of each price the value the owner would have: the refused one, else the one that stands."""
    refused = {r.field: r for r in standing.refused.values() if r.why in LIMIT_CAUSES}
    wishes = [Wish(r.field, r.value, r.actor, r.theirs_at, r.scope) for _, r in sorted(refused.items())]
    scope = standing.scope or Scope(standing.key[0])
    return wishes + [
        Wish(name, owned.value, owned.actor, owned.theirs_at, scope)
        for name, owned in sorted(standing.owned.items())
        if name in PRICE_FIELDS and name not in refused
    ]


def _known(standing: Standing, news: Out) -> bool:
    old = standing.refused.get((news.wish.field, news.wish.actor))
    return old is not None and (old.value, old.why) == (news.wish.value, news.refusal.why)
