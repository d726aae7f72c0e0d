"""Enforcement `before`: we are in the write path. What the plan does not allow is refused and recorded; the rest is let in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.errors import OurBug
from entrepot.ownership import store
from entrepot.ownership.batches import lock, rounds, settle
from entrepot.ownership.booking import CHANNELS, HUB, Book, From, joined
from entrepot.ownership.compile import RuleSet
from entrepot.ownership.judging import News, Wish, judge_wishes, refused_to_create
from entrepot.ownership.model import Act, Allowed, Judged, NotAllowed, TurnedAway, Write
from entrepot.ownership.rules import decide, enforcement
from entrepot.ownership.standing import Key, Standing

Answer = Allowed | TurnedAway
WRITTEN = (Act.CREATE, Act.UPDATE, Act.CORRECT)  # the other acts are levers of people: see levers.py


@dataclass(frozen=True, slots=True)
class Written:
    """One answer per write, in their order, and what they led to."""

    answers: Sequence[Answer]
    judged: Judged


def write_before(
    conn: Conn, ctx: Ctx, plan: Plan, rules: RuleSet, writes: Sequence[Write], channel: str, message_id: str
) -> list[Allowed | TurnedAway]:
    """As `write`, the answers alone."""
    return list(write(conn, ctx, plan, rules, writes, channel, message_id).answers)


def write(
    conn: Conn,
    ctx: Ctx,
    plan: Plan,
    rules: RuleSet,
    writes: Sequence[Write],
    channel: str,
    message_id: str,
    source: str = "",
    by: str = HUB,
    *,
    stands: bool = False,
) -> Written:
    """Let in or refuse what is written to us by `feed`, `api` or `console`. `by`: the person, where one is behind it.

    `stands`: these are records of ours already, so that a first value creates nothing.

    Errors: Busy when another transaction decides one of the objects.
    """
    if channel not in CHANNELS or any(one.act not in WRITTEN for one in writes):
        raise OurBug(f"nothing is written by {channel}, or a lever was pulled as a write", channel=channel)
    answers: dict[int, Answer] = {}
    come = From(message_id, source, channel, by)
    judged = [
        _round(conn, ctx, plan, rules, some, come, answers, stands)
        for some in rounds(list(enumerate(writes)), lambda one: (_key(one[1]), one[1].field))
    ]
    return Written([answers[n] for n in range(len(writes))], joined(judged))


def _key(one: Write) -> Key:
    return one.scope.account, one.object, one.object_id


def _round(
    conn: Conn,
    ctx: Ctx,
    plan: Plan,
    rules: RuleSet,
    some: Sequence[tuple[int, Write]],
    come: From,
    answers: dict[int, Answer],
    stands: bool,
) -> Judged:
    """At most one write per field of an object."""
    now = ctx.clock.now()
    wanted: dict[Key, dict[int, Write]] = {}
    for n, one in some:
        wanted.setdefault(_key(one), {})[n] = one
    lock(conn, wanted)
    standing = store.standing(conn, wanted, now.date())
    book = Book(ctx, plan, rules, now, by=come.by)
    for key, theirs in sorted(wanted.items()):
        after = enforcement(rules, key[1], come.channel) == "after"
        source = next((one.source for one in theirs.values() if one.source), come.source)
        said = _booked(
            book, standing[key], list(theirs.values()), replace(come, after=after, source=source), now, stands
        )
        answers.update({n: _answer(rules, standing[key], one, said) for n, one in theirs.items()})
    return book.flush(conn)


def _booked(
    book: Book, standing: Standing, writes: Sequence[Write], come: From, now: datetime, stands: bool
) -> Mapping[str, TurnedAway]:
    """What was turned away of one object's writes, by field; under `` when the object itself was."""
    wishes = [Wish(w.field, w.value, w.actor, now, w.scope, w.act, told=True) for w in writes]
    created = [wish for wish in wishes if wish.act is Act.CREATE]
    if created and (refused := refused_to_create(book.rules, standing, created[0])):
        news: Sequence[News] = [refused]
    else:
        values = [wish for wish in wishes if wish.act is not Act.CREATE]
        news = judge_wishes(book.rules, standing, values, now, settle(book.plan, standing.key[0]), stands=stands)
    said = [book.add(standing, one, come) for one in news]
    return {one.field: one for one in said if isinstance(one, TurnedAway)}


def _answer(rules: RuleSet, standing: Standing, one: Write, said: Mapping[str, TurnedAway]) -> Answer:
    away = said.get(one.field) or said.get("")
    if away is not None:
        return replace(away, field=one.field, value=one.value)
    owned = standing.owned.get(one.field)
    verdict = decide(rules, replace(one, set_by=owned.actor if owned else None))
    assert not isinstance(verdict, NotAllowed)  # it would have been turned away
    return verdict
