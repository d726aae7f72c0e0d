"""The record plane: pure decisions about one write, by the compiled rule set. plane.py decides the same over a frame of writes."""

from collections.abc import Iterable, Mapping

from entrepot.kernel.money import Money
from entrepot.ownership.compile import FieldRights, Holder, Holders, Limit, ObjectRights, RuleSet
from entrepot.ownership.model import Act, Allowed, NotAllowed, Scope, Value, Verdict, Why, Write

PRICE_FIELDS = frozenset({"price"})  # what the price limits of an account are held against
LIMIT_CAUSES = frozenset({Why.UNDER_FLOOR, Why.ABOVE_CEILING, Why.OTHER_CURRENCY})
USE = "use:"  # fallback to another actor's value


def decide(rules: RuleSet, write: Write) -> Verdict:
    """Whether the plan lets this actor do this. Limits are asked apart: see `limits`."""
    owned = rules.objects.get(write.object)
    if owned is None:
        return NotAllowed(Why.NOBODY_OWNS, f"the plan does not say who owns {an(write.object)}")
    if write.act is Act.CREATE:
        return _judged(owned, f"{owned.path}.create", owned.create, write, None)
    right = rule_for(owned, write.field, write.scope)
    if right is None:
        words = f"the plan gives the {write.field} of {an(write.object)} to nobody here"
        return NotAllowed(Why.NOBODY_OWNS, words, exceptions=owned.exceptions)
    return _judged(owned, right.path, right.holders[write.act], write, right)


def _judged(owned: ObjectRights, path: str, holders: Holders, write: Write, right: FieldRights | None) -> Verdict:
    actor, owners = Holder.read(write.actor), tuple(str(holder) for holder in holders)
    about = an(write.object) if right is None else f"the {write.field} of {an(write.object)}"
    if not holders:
        words = f"the plan lets nobody {write.act} {about}"
        return NotAllowed(Why.NOBODY_OWNS, words, path, exceptions=owned.exceptions)
    may_request = right is not None and right.may(Act.REQUEST, actor)
    if not any(holder.covers(actor) for holder in holders):
        words = f"{write.actor} may not {write.act} {about}; {listed(owners)} may"
        return NotAllowed(Why.NOT_OWNER, words, path, owners, may_request, owned.exceptions)
    if write.act is Act.UPDATE and right is not None and _outranked(right, actor, write.set_by):
        words = f"{write.set_by} has set {about} and comes before {write.actor}"
        return NotAllowed(Why.LOWER_PRECEDENCE, words, path, owners, may_request, owned.exceptions)
    return Allowed(path)


def _outranked(right: FieldRights, actor: Holder, set_by: str | None) -> bool:
    """With `combine` everybody has a part of his own, and nobody comes before anybody."""
    if not right.precedence or right.combine or set_by is None:
        return False
    return right.rank(Holder.read(set_by)) < right.rank(actor)


def rule_for(owned: ObjectRights, field: str, scope: Scope) -> FieldRights | None:
    """The first rule of the field whose scope fits; what a scope does not know fits no rule that asks for it."""
    return next((r for r in owned.rules_of(field) if all(getattr(scope, d) == v for d, v in r.where)), None)


def scope_of(rules: RuleSet, account: str, seller: str = "", category: str = "") -> Scope:
    """A scope with the seller's model as the plan names it."""
    return Scope(account, seller, rules.seller_model(seller) if seller else "", category)


def limits(rules: RuleSet, scope: Scope, field: str, value: Value, currency: str | None = None) -> NotAllowed | None:
    """What is wrong with a price, or nothing. Shape: minor units; `scope.category`: the effective one; no currency: the account's."""
    account = rules.accounts.get(scope.account)
    if field not in PRICE_FIELDS or account is None or not isinstance(value, int) or isinstance(value, bool):
        return None
    if currency is not None and currency != account.currency:
        words = f"{currency} is not the currency of {scope.account}, which is {account.currency}"
        return NotAllowed(Why.OTHER_CURRENCY, words, account.path)
    limit = account.of(scope.category)
    return _outside(limit, value, account.currency, scope.category) if limit else None


def _outside(limit: Limit, value: int, currency: str, category: str) -> NotAllowed | None:
    for bound, why, word in (
        (limit.floor_minor, Why.UNDER_FLOOR, "under the floor"),
        (limit.ceiling_minor, Why.ABOVE_CEILING, "above the ceiling"),
    ):
        if bound is not None and (value < bound if why is Why.UNDER_FLOOR else value > bound):
            where = f" of {category}" if category and not limit.path.endswith(".*") else ""
            words = f"{Money(value, currency)} is {word}{where}, {Money(bound, currency)}"
            return NotAllowed(why, words, limit.path)
    return None


def combined(right: FieldRights, parts: Mapping[str, Value]) -> Value:
    """One value of several owners' parts; the part of somebody who has lost the right no longer counts."""
    counted = [v for actor, v in sorted(parts.items()) if right.may(Act.UPDATE, Holder.read(actor))]
    known = [value for value in counted if value is not None]
    if not known:
        return None
    match right.combine:
        case "all-of":
            return all(known)
        case "any-of":
            return any(known)
        case "lowest":
            return min(known, key=_size)
        case "highest":
            return max(known, key=_size)
        case _:
            return known[-1]


def _size(value: str | int | bool) -> tuple[bool, int, str]:
    """Numbers by size, before texts by letter: total, so that bad data never stops a batch."""
    return (isinstance(value, str), 0, value) if isinstance(value, str) else (False, int(value), "")


def effective(owners: Value, override: Value, *, overridden: bool) -> Value:
    """What everything downstream sees: the override while there is one, else the owner's."""
    return override if overridden else owners


def enforcement(rules: RuleSet, object: str, channel: str) -> str:
    """`before`: we are in the write path and refuse. `after`: we observe, hold and ask."""
    owned = rules.objects.get(object)
    fallback = "after" if channel == "observed" else "before"
    return owned.enforcement.get(channel, fallback) if owned else fallback


def fallback(rules: RuleSet, object: str) -> tuple[str, str]:
    """What counts when the source is silent: (`hold-last-known` | `stop-selling` | `park` | `use`, whose value for `use`)."""
    owned = rules.objects.get(object)
    word = owned.fallback if owned else "park"
    return ("use", word.removeprefix(USE)) if word.startswith(USE) else (word, "")


def is_large(before: Value, after: Value, above_percent: int) -> bool:
    """Whether a number moves by more than so many percent; a number where none stood is large."""
    if not _number(after):
        return False
    if not _number(before) or before == 0:
        return after != before
    assert isinstance(before, int) and isinstance(after, int)
    return abs(after - before) * 100 > abs(before) * above_percent


def _number(value: Value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def an(word: str) -> str:
    return f"an {word}" if word[:1] in "aeio" else f"a {word}"


def listed(words: Iterable[str]) -> str:
    """`seller`, `seller or operator`, `seller, operator or erp@sap`."""
    known = list(words)
    return " or ".join([", ".join(known[:-1]), known[-1]] if len(known) > 1 else known)
