"""One question, asked before anybody's word changes a record: is this field his? Answered from the compiled rules, once per plan.

What machines tell is decided by who they are, not by what they say: of an actor, an object, its fields and the scopes the plan tells apart there
is one answer, and it is kept. An order of its rightful marketplace costs one look into a table.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from entrepot.ownership.compile import FieldRights, Holder, ObjectRights, RuleSet
from entrepot.ownership.model import Act, NotAllowed, Scope, Write
from entrepot.ownership.rules import decide, rule_for

ANYWHERE = Scope()
NOTHING: Mapping[str, NotAllowed] = {}


@dataclass(frozen=True, slots=True)
class Gate:
    """`turned_away` is the entry of deciders: what of a change is not his, by field, with the rule that says so."""

    rules: RuleSet
    _answers: dict[tuple[str, str, tuple[str, ...], Act, Scope], Mapping[str, NotAllowed]] = field(default_factory=dict)
    _always: dict[tuple[str, str, tuple[str, ...], str], bool] = field(default_factory=dict)
    _named: dict[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)

    def turned_away(
        self, actor: str, object: str, fields: Iterable[str], scope: Scope = ANYWHERE, act: Act = Act.UPDATE
    ) -> Mapping[str, NotAllowed]:
        """Empty when all of it is his. Precedence is not asked here: it depends on who set the value that stands."""
        names = tuple(fields)
        asked = (actor, object, names, act, self._told_apart(object, scope))
        known = self._answers.get(asked)
        if known is None:
            known = self._answers[asked] = self._judged(*asked)
        return known

    def always(self, actor: str, object: str, fields: Iterable[str], account: str) -> bool:
        """Whether all of it is his at this account, whatever the seller and the category: then nothing need be asked per record."""
        asked = (actor, object, tuple(fields), account)
        known = self._always.get(asked)
        if known is None:
            known = self._always[asked] = all(self._his(actor, object, name, account) for name in asked[2])
        return known

    def _his(self, actor: str, object: str, name: str, account: str) -> bool:
        """Rules in their order, up to the first that fits everything there."""
        owned = self.rules.objects.get(object)
        for rule in owned.rules_of(name) if owned else ():
            where = dict(rule.where)
            if where.pop("account", account) != account:
                continue
            if not rule.may(Act.UPDATE, Holder.read(actor)):
                return False
            if not where:
                return True
        return False

    def may_create(self, actor: str, object: str, scope: Scope = ANYWHERE) -> NotAllowed | None:
        return self.turned_away(actor, object, ("",), scope, Act.CREATE).get("")

    def outranks(self, object: str, name: str, scope: Scope, others: Iterable[str], actor: str) -> tuple[str, ...]:
        """Of these other actors those whose word on the same field comes before his."""
        right = self._right(object, name, scope)
        if right is None or not right.precedence or right.combine:
            return ()
        own = right.rank(Holder.read(actor))
        return tuple(other for other in others if right.rank(Holder.read(other)) < own)

    def _judged(
        self, actor: str, object: str, names: tuple[str, ...], act: Act, scope: Scope
    ) -> Mapping[str, NotAllowed]:
        verdicts = ((name, decide(self.rules, Write(object, "", name, act, actor, scope=scope))) for name in names)
        return {name: verdict for name, verdict in verdicts if isinstance(verdict, NotAllowed)} or NOTHING

    def _right(self, object: str, name: str, scope: Scope) -> FieldRights | None:
        owned = self.rules.objects.get(object)
        return rule_for(owned, name, scope) if owned else None

    def _told_apart(self, object: str, scope: Scope) -> Scope:
        """The scope with only what some rule of the object asks for: answers stay few, however many sellers there are."""
        if scope is ANYWHERE:
            return scope
        named = self._named.get(object)
        if named is None:
            named = self._named[object] = _named(self.rules.objects.get(object))
        return Scope(*(_known(named, name, getattr(scope, name)) for name in Scope.__slots__))


def _known(named: Mapping[str, frozenset[str]], dimension: str, value: str) -> str:
    return value if value in named.get(dimension, ()) else ""


def _named(owned: ObjectRights | None) -> Mapping[str, frozenset[str]]:
    """By dimension of the scope: the values that rules of this object name."""
    found: dict[str, set[str]] = {}
    for rules in owned.fields.values() if owned else ():
        for rule in rules:
            for dimension, value in rule.where:
                found.setdefault(dimension, set()).add(value)
    return {dimension: frozenset(values) for dimension, values in found.items()}
