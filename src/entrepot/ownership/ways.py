"""What somebody can do about one field: change it, ask its owner for another value, or neither. Looks, and writes nothing."""

from dataclasses import dataclass

from entrepot.kernel.ctx import Conn, Ctx
from entrepot.ownership import store
from entrepot.ownership.compile import ObjectRights, RuleSet
from entrepot.ownership.hands import NotThere
from entrepot.ownership.judging import CATEGORY, CURRENCY
from entrepot.ownership.model import Act, Allowed, NotAllowed, Scope, Value, Why, Write
from entrepot.ownership.rules import decide, limits, rule_for
from entrepot.ownership.standing import Key, Standing

CHANGES = (Act.CORRECT, Act.UPDATE)  # the better right first: a correction is what he means


@dataclass(frozen=True, slots=True)
class Way:
    """`act`: what he may do (correct, update, request); `rule` lets him. `owners`: who is asked, of a request."""

    act: Act
    rule: str
    stands: Value
    scope: Scope
    version: int = 0  # of the value that stands
    owners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One field as it stands. `known`: the plan or somebody has spoken of it."""

    stands: Value
    currency: str
    known: tuple[str, ...]

    def has(self, name: str) -> bool:
        return name in self.known


def field_of(conn: Conn, ctx: Ctx, rules: RuleSet, key: Key, name: str) -> Field:
    """Errors: NotThere."""
    standing = _standing(conn, ctx, key)
    owned = rules.objects.get(key[1])
    named = set(owned.fields) - {"*"} if owned else set()
    known = {*named, *standing.owned, *standing.overrides, *(name for name, _ in standing.refused if name)}
    account = rules.accounts.get(key[0])
    currency = standing.effective(CURRENCY) or (account.currency if account else "")
    return Field(standing.effective(name), str(currency), tuple(sorted(known)))


def way(conn: Conn, ctx: Ctx, rules: RuleSet, key: Key, name: str, value: Value, party: str) -> Way | NotAllowed:
    """How this party gets this value into the field. Errors: NotThere."""
    standing = _standing(conn, ctx, key)
    scope = _scope(standing)
    verdict = _act(rules, standing, scope, name, value, party)
    if isinstance(verdict, NotAllowed):
        return verdict
    currency = standing.effective(CURRENCY)
    wrong = limits(rules, scope, name, value, currency if isinstance(currency, str) and currency else None)
    return wrong or verdict


def _standing(conn: Conn, ctx: Ctx, key: Key) -> Standing:
    standing = store.standing(conn, [key], ctx.clock.now().date())[key]
    if standing.scope is None:
        raise NotThere(f"there is no {key[1]} {key[2]} at {key[0]}", object=key[1], object_id=key[2])
    return standing


def _scope(standing: Standing) -> Scope:
    """Where it is, with the category that counts: that is what limits and scoped rules are held against."""
    seen = standing.scope or Scope(standing.key[0])
    category = standing.effective(CATEGORY)
    if not isinstance(category, str) or not category:
        return seen
    return Scope(seen.account, seen.seller, seen.seller_model, category)


def _act(rules: RuleSet, standing: Standing, scope: Scope, name: str, value: Value, party: str) -> Way | NotAllowed:
    _, kind, object_id = standing.key
    stood = standing.owned.get(name)
    first: NotAllowed | None = None
    for act in (*CHANGES, Act.REQUEST):
        write = Write(kind, object_id, name, act, party, value, scope, stood.actor if stood else None)
        verdict = decide(rules, write)
        if isinstance(verdict, Allowed):
            found = Way(act, verdict.rule, standing.effective(name), scope, stood.version if stood else 0)
            return found if act in CHANGES else _asked(rules.objects[kind], standing, found, name)
        first = first or verdict
    assert first is not None
    return first


def _asked(owned: ObjectRights, standing: Standing, found: Way, name: str) -> Way | NotAllowed:
    right = rule_for(owned, name, found.scope)
    correctors = tuple(map(str, right.holders[Act.CORRECT])) if right else ()
    if not correctors:
        words = f"the plan lets nobody correct the {name}: that is a question for {owned.exceptions}"
        return NotAllowed(Why.NOBODY_OWNS, words, found.rule, exceptions=owned.exceptions)
    if any(one.open and (one.field, one.cause) == (name, Why.OPERATOR) for one in standing.asked):
        words = f"the owner has been asked for another {name} already"
        return NotAllowed(Why.OPERATOR, words, found.rule, correctors, exceptions=owned.exceptions)
    return Way(found.act, found.rule, found.stands, found.scope, found.version, correctors)
