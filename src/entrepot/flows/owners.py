"""Whose word a message is: the party of the system it comes from, or the one its connector names for such messages; and what he may write.

Deciders ask here and nowhere else. What is not his stays as it stands: it is written down as refused, with the rule, and is a case of whoever sees
exceptions; a later word of his that says what stands ends it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from entrepot.blueprint.model import Plan
from entrepot.connectors.facts import manifests
from entrepot.ownership.compile import RuleSet, compile_rules
from entrepot.ownership.gate import Gate
from entrepot.ownership.model import NotAllowed, Scope

SYNDICATION = "syndication"
EVERY_CHANNEL = "*"


@dataclass(frozen=True)
class Owners:
    """One plan's answers. Made once per process and plan: what machines may write is worked out at their first word."""

    plan: Plan
    _always: dict[tuple[str, str, str, str], bool] = field(default_factory=dict)
    _actors: dict[tuple[str, str, str], str] = field(default_factory=dict)

    @cached_property
    def rules(self) -> RuleSet:
        return compile_rules(self.plan)

    @cached_property
    def gate(self) -> Gate:
        return Gate(self.rules)

    def actor(self, account: str, kind: str, name: str = "") -> str:
        """`party@system`: whose word a field of such a message is."""
        asked = (account, kind, name)
        if asked not in self._actors:
            system = self.plan.system_of(account)
            named = manifests().get(system.connector)
            own = (
                named is not None and named.party == system.party
            )  # a door the plan gives to another party speaks for him alone
            party = named.speaker(kind, name) if named and own else None
            self._actors[asked] = f"{party or system.party}@{system.name}"
        return self._actors[asked]

    def turned_away(
        self, account: str, kind: str, object: str, names: Iterable[str], seller: str = "", at: str = ""
    ) -> Mapping[str, NotAllowed]:
        """What of these fields is not the sender's, with the rule that says so; nothing, as a rule. `at`: the account of the object, where
        it is another than the sender's.
        """
        scope = self.scope(at or account, seller)
        return {
            name: away
            for name in names
            if (away := self.gate.turned_away(self.actor(account, kind, name), object, (name,), scope).get(name))
        }

    def always(
        self, account: str, kind: str, object: str, names: Sequence[str], at: str, *, creates: bool = False
    ) -> bool:
        """Whether the sender of such messages may write all of this at `at`, whatever the seller and the category. Worked out once."""
        asked = (account, kind, object, at)
        known = self._always.get(asked)
        if known is None:
            may = all(self.gate.always(self.actor(account, kind, name), object, (name,), at) for name in names if name)
            made = creates or "" in names
            created = not made or self.gate.may_create(self.actor(account, kind), object, self.scope(at)) is None
            known = self._always[asked] = may and created
        return known

    def scope(self, account: str, seller: str = "") -> Scope:
        return Scope(account, seller, self.rules.seller_model(seller) if seller else "")

    @cached_property
    def selling(self) -> Sequence[str]:
        """Accounts on which we sell."""
        return sorted(name for name, one in self.plan.accounts.items() if one.model == SYNDICATION)

    @cached_property
    def parties(self) -> Sequence[str]:
        """Actors whose machines tell of stock: for the order in which their words count."""
        return sorted({self.actor(name, "stock") for name in self.plan.accounts if self._tells(name)})

    def _tells(self, account: str) -> bool:
        named = manifests().get(self.plan.system_of(account).connector)
        return named is not None and "stock" in named.flows
