"""What somebody wrote into a record of ours that is not his: kept as refused, with what stands, and asked for where the plan lets him ask.

Records of orders, shipments, refunds and money live in tables of their own; here is only who may not, and why. What the owner has is not repeated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.ownership import store
from entrepot.ownership.batches import lock, rounds
from entrepot.ownership.booking import Book, From, joined
from entrepot.ownership.compile import RuleSet
from entrepot.ownership.judging import Out, Stays, Wish
from entrepot.ownership.model import Act, Allowed, Judged, NotAllowed, Scope, Value, Why, Write
from entrepot.ownership.rules import decide, rule_for
from entrepot.ownership.standing import Key

GIVEN = "the plan gives it to him now"


@dataclass(frozen=True, slots=True)
class Refusing:
    """One field of one record. `stands`: the value that goes on counting. `verdict` None: he has come to say what stands."""

    key: Key
    field: str
    value: Value
    stands: Value
    actor: str
    scope: Scope
    verdict: NotAllowed | None
    at: datetime  # theirs
    message_id: str = ""
    source: str = ""
    channel: str = "observed"


def refuse(conn: Conn, ctx: Ctx, plan: Plan, rules: RuleSet, refusing: Sequence[Refusing]) -> Judged:
    """Book them. Errors: Busy when somebody else is deciding one of the records."""
    return joined(
        [_round(conn, ctx, plan, rules, some) for some in rounds(refusing, lambda one: (one.key, one.field, one.actor))]
    )


def given_now(conn: Conn, ctx: Ctx, rules: RuleSet) -> int:
    """Another plan is in force: refusals of those to whom it gives the field are over. Returns how many.

    Their cases stay: a message that was not applied waits in them to be read again.
    """
    over: dict[str, str] = {}
    for row in store.refusals_by_writer(conn, [Why.NOT_OWNER.value, Why.NOBODY_OWNS.value]):
        scope = Scope(row["account"], row["seller"], row["seller_model"], row["category"])
        act = Act.UPDATE if row["field"] else Act.CREATE
        if isinstance(decide(rules, Write(row["object"], "", row["field"], act, row["actor"], scope=scope)), Allowed):
            over |= dict.fromkeys(row["ids"], GIVEN)
    store.end_refused(conn, over, ctx.clock.now())
    return len(over)


def _round(conn: Conn, ctx: Ctx, plan: Plan, rules: RuleSet, some: Sequence[Refusing]) -> Judged:
    now, keys = ctx.clock.now(), {one.key for one in some}
    lock(conn, keys)
    standing = store.standing(conn, keys, now.date())
    book = Book(ctx, plan, rules, now)
    for one in some:
        wish = Wish(one.field, one.value, one.actor, one.at, one.scope, told=True)
        come = From(one.message_id, one.source, one.channel, after=False)
        news = Stays(wish) if one.verdict is None else _out(rules, one, wish, one.verdict)
        if isinstance(news, Out) or (one.field, one.actor) in standing[one.key].refused:
            book.add(standing[one.key], news, come)
    return book.flush(conn)


def _out(rules: RuleSet, one: Refusing, wish: Wish, verdict: NotAllowed) -> Out:
    owned = rules.objects.get(one.key[1])
    right = rule_for(owned, one.field, one.scope) if owned else None
    correctors = tuple(map(str, right.holders[Act.CORRECT])) if right else ()
    ask = verdict.may_request and bool(correctors) and verdict.why is Why.NOT_OWNER
    return Out(wish, verdict, one.stands, ask=ask, correctors=correctors)
