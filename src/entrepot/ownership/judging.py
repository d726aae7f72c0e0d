"""What one observed object, or one write to us, means for each of its fields: pure, from the rule set and what stands. service.py writes it down.

A value the other side still shows because ours has not got there yet is no news; nor is an older view of it; nor ours, come back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from entrepot.ownership import rules as by
from entrepot.ownership.compile import FieldRights, Holder, RuleSet
from entrepot.ownership.model import Act, NotAllowed, Observed, Scope, Value, Verdict, Why, Write
from entrepot.ownership.standing import Overriding, Owned, Reasserted, Standing

OBJECT = ""  # the field of a refusal that is about the object itself
CATEGORY, CURRENCY = "category", "currency"


@dataclass(frozen=True, slots=True)
class Wish:
    """One value somebody shows or wants in one field. `field` empty: the object itself, which he may not create."""

    field: str
    value: Value
    actor: str
    at: datetime  # theirs
    scope: Scope
    act: Act = Act.UPDATE
    told: bool = False  # he tells us himself: neither an echo of ours nor a late view

    def counted(self, category: Value) -> "Wish":
        """With the category that counts, when one is known. Made anew: `replace` costs ten times as much, and this is every field."""
        if not isinstance(category, str) or category in ("", self.scope.category):
            return self
        known = self.scope
        scope = Scope(known.account, known.seller, known.seller_model, category)
        return Wish(self.field, self.value, self.actor, self.at, scope, self.act, self.told)


@dataclass(frozen=True, slots=True)
class Enters:
    """It is the owner's value from now on. `value`: combined, where several owners combine."""

    wish: Wish
    rule: str
    value: Value
    before: Value
    parts: Mapping[str, Value] | None = None


@dataclass(frozen=True, slots=True)
class Stays:
    """What this actor shows is what stands: whatever he was refused before is over. `arrived`: the other side has come to show ours."""

    wish: Wish
    arrived: bool = False
    override_arrived: str = ""  # id of the override it shows


@dataclass(frozen=True, slots=True)
class Out:
    """It stays out. `limit`: the owner's own value is bad, the object is held. `undone`: ours stood there and is gone."""

    wish: Wish
    refusal: NotAllowed
    stands: Value
    limit: bool = False
    undone: bool = False
    ask: bool = False  # the owner may be asked to change it
    correctors: tuple[str, ...] = ()


News = Enters | Stays | Out


def judge(rules: RuleSet, standing: Standing, seen: Observed, now: datetime, settle: timedelta) -> list[News]:
    """What an observed object tells, field by field; nothing for what is no news."""
    wishes = [Wish(name, value, seen.actor, seen.changed_at, seen.scope) for name, value in seen.values.items()]
    return judge_wishes(rules, standing, wishes, now, settle)


def judge_wishes(
    rules: RuleSet,
    standing: Standing,
    wishes: Sequence[Wish],
    now: datetime,
    settle: timedelta,
    *,
    stands: bool = False,
) -> list[News]:
    """Wishes about one object at one moment, at most one per field. Limits are held against the category that counts after them.

    `stands`: it is a record of ours already; nobody creates it by its first value.
    """
    if wishes and not stands and not standing.owned and (refused := refused_to_create(rules, standing, wishes[0])):
        return [refused]
    news: list[News] = []
    category = standing.effective(CATEGORY)
    told: dict[str, Value] = {}  # the currency each says his price is in
    for wish in sorted(wishes, key=lambda w: (w.field not in (CATEGORY, CURRENCY), w.field)):
        scoped = wish.counted(category)
        currency = told.get(wish.actor, standing.effective(CURRENCY))
        found = list(_judge_wish(rules, standing, scoped, currency, now, settle))
        news += found
        for enters in found:
            if isinstance(enters, Enters) and wish.field == CATEGORY and standing.override(CATEGORY) is None:
                category = enters.value
        if wish.field == CURRENCY:
            told[wish.actor] = wish.value
    return news


def refused_to_create(rules: RuleSet, standing: Standing, wish: Wish) -> Out | None:
    """An object nobody knew, shown or sent by somebody who may not create it."""
    object, object_id = standing.key[1], standing.key[2]
    verdict = by.decide(rules, Write(object, object_id, OBJECT, Act.CREATE, wish.actor, scope=wish.scope))
    if not isinstance(verdict, NotAllowed):
        return None
    return Out(replace(wish, field=OBJECT, value=None, act=Act.CREATE), verdict, None)


def _judge_wish(
    rules: RuleSet, standing: Standing, wish: Wish, currency: Value, now: datetime, settle: timedelta
) -> Iterator[News]:
    owned, over = standing.owned.get(wish.field), standing.override(wish.field)
    if not wish.told and over is not None and wish.value == over.value:
        if over.expected_at is not None or _was_refused(standing, wish):
            yield Stays(wish, override_arrived=over.id if over.expected_at is not None else "")
        return
    if not wish.told and (_older(standing, owned, wish) or _lags(over or owned, wish, now, settle)):
        return
    right = _right(rules, standing, wish)
    if wish.told and isinstance(verdict := _decided(rules, standing, wish, owned), NotAllowed):
        yield _refused(standing, wish, verdict, right)
        return
    if owned is not None and wish.value == _own_part(owned, right, wish):
        yield from _same(rules, standing, wish, right, owned, currency)
    else:
        yield from _other(rules, standing, wish, right, owned, currency)


def _same(
    rules: RuleSet, standing: Standing, wish: Wish, right: FieldRights | None, owned: Owned, currency: Value
) -> Iterator[News]:
    """The value that stands already: good news for whatever was wrong with it, unless the limits have moved."""
    wrong = by.limits(rules, wish.scope, wish.field, wish.value, _code(currency))
    if wrong is not None and right is not None and right.may(Act.UPDATE, Holder.read(wish.actor)):
        yield _limited(rules, standing, wish, wrong, right)
        return
    if owned.expected_at is not None or _was_refused(standing, wish):
        yield Stays(wish, arrived=owned.expected_at is not None)
    if standing.override(wish.field) is not None and not wish.told:
        yield _overridden(standing, wish)


def _other(
    rules: RuleSet, standing: Standing, wish: Wish, right: FieldRights | None, owned: Owned | None, currency: Value
) -> Iterator[News]:
    verdict = _decided(rules, standing, wish, owned)
    if isinstance(verdict, NotAllowed):
        yield _refused(standing, wish, verdict, right)
        return
    wrong = by.limits(rules, wish.scope, wish.field, wish.value, _code(currency))
    if wrong is not None and right is not None:
        yield _limited(rules, standing, wish, wrong, right)
        return
    parts = _parts(owned, right, wish)
    value = by.combined(right, parts) if parts is not None and right is not None else wish.value
    yield Enters(wish, verdict.rule, value, owned.value if owned else None, parts)
    if standing.override(wish.field) is not None and not wish.told:
        yield _overridden(standing, wish)


def _decided(rules: RuleSet, standing: Standing, wish: Wish, owned: Owned | None) -> Verdict:
    _, object, object_id = standing.key
    set_by = owned.actor if owned else None
    return by.decide(rules, Write(object, object_id, wish.field, wish.act, wish.actor, wish.value, wish.scope, set_by))


def _refused(standing: Standing, wish: Wish, verdict: NotAllowed, right: FieldRights | None) -> Out:
    correctors = tuple(map(str, right.holders[Act.CORRECT])) if right else ()
    undone = not wish.told and standing.stands(wish.field) and verdict.why in (Why.NOT_OWNER, Why.LOWER_PRECEDENCE)
    ask = verdict.may_request and bool(correctors) and verdict.why is Why.NOT_OWNER
    stands = standing.effective(wish.field)
    return Out(wish, verdict, stands, undone=undone and _new_undoing(standing, wish), ask=ask, correctors=correctors)


def _limited(rules: RuleSet, standing: Standing, wish: Wish, wrong: NotAllowed, right: FieldRights) -> Out:
    """The owner's own value, outside what the plan allows: the one before goes on counting, and he is asked."""
    owned = rules.objects[standing.key[1]]
    correctors = tuple(map(str, right.holders[Act.CORRECT]))
    asker = Holder(owned.exceptions_party)
    ask = bool(correctors) and (right.may(Act.REQUEST, asker) or right.may(Act.CORRECT, asker))
    owners = correctors or tuple(map(str, right.holders[Act.UPDATE]))
    refusal = replace(wrong, owners=owners, exceptions=owned.exceptions)
    return Out(wish, refusal, standing.effective(wish.field), limit=True, ask=ask, correctors=correctors)


def _overridden(standing: Standing, wish: Wish) -> Out:
    over = standing.overrides[wish.field]
    words = f"an override by {over.author} goes on counting until {over.ends_at:%Y-%m-%d %H:%M} UTC"
    return Out(wish, NotAllowed(Why.OVERRIDDEN, words), over.value, undone=_new_undoing(standing, wish))


def _right(rules: RuleSet, standing: Standing, wish: Wish) -> FieldRights | None:
    owned = rules.objects.get(standing.key[1])
    return by.rule_for(owned, wish.field, wish.scope) if owned else None


def _own_part(owned: Owned, right: FieldRights | None, wish: Wish) -> Value | object:
    """What stands for this actor: his own part where owners combine, else the one value."""
    if right is None or right.combine is None or not right.may(Act.UPDATE, Holder.read(wish.actor)):
        return owned.value
    return (owned.parts or {}).get(wish.actor, _NO_PART)


_NO_PART = object()


def _parts(owned: Owned | None, right: FieldRights | None, wish: Wish) -> Mapping[str, Value] | None:
    if right is None or right.combine is None:
        return None
    before = owned.parts if owned and owned.parts is not None else {owned.actor: owned.value} if owned else {}
    return {**before, wish.actor: wish.value}


def _lags(ours: Owned | Overriding | None, wish: Wish, now: datetime, settle: timedelta) -> bool:
    """Whether the other side only has not come to show ours yet."""
    if ours is None or ours.expected_at is None or wish.value != ours.shown:
        return False
    return wish.at <= ours.expected_at or now < ours.expected_at + settle


def _new_undoing(standing: Standing, wish: Wish) -> bool:
    """Whether this is another deed than the one that was answered last; their clocks may count whole seconds."""
    last: Reasserted | None = standing.reasserted.get(wish.field)
    return last is None or (wish.at > last.theirs_at and wish.at >= last.last_at.replace(microsecond=0))


def _was_refused(standing: Standing, wish: Wish) -> bool:
    return (wish.field, wish.actor) in standing.refused


def _older(standing: Standing, owned: Owned | None, wish: Wish) -> bool:
    """A page read late must not bring back what was there before."""
    refused = standing.refused.get((wish.field, wish.actor))
    known = [one.theirs_at for one in (owned, refused) if one is not None]
    return any(wish.at < at for at in known)


def _code(currency: Value) -> str | None:
    return currency if isinstance(currency, str) and currency else None


def showing(standing: Standing, field: str) -> Value:
    """What the other side shows in a field just now, as far as we know."""
    latest = max(
        (r for r in standing.refused.values() if r.field == field), key=lambda r: (r.theirs_at, r.id), default=None
    )
    if latest is not None:
        return latest.value
    ours: Overriding | Owned | None = standing.override(field) or standing.owned.get(field)
    if ours is None:
        return None
    return ours.value if ours.expected_at is None else ours.shown
