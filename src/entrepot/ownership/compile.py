"""From a plan to one rule set: plain frozen data, keyed by object and field, scopes in order. Both planes decide from it and from nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from entrepot.blueprint.model import Account, Plan
from entrepot.blueprint.owning import EVERY_FIELD, FieldRule, ObjectRule, OfferRule
from entrepot.kernel.money import Money
from entrepot.ownership.model import Act

EVERY_CATEGORY = "*"
EVERY_SELLER = "*"
HOLDS_MAX = timedelta(days=90)  # where the plan names no bound of its own
OVERRIDES_MAX = timedelta(days=90)
SECOND_PERSON_ABOVE_PERCENT = 20
DIMENSIONS = ("account", "seller", "seller_model", "category")  # of a scope


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a right. `system` empty: the party through any system."""

    party: str
    system: str = ""

    @staticmethod
    def read(actor: str) -> "Holder":
        party, _, system = actor.partition("@")
        return Holder(party, system)

    def covers(self, actor: "Holder") -> bool:
        return self.party == actor.party and self.system in ("", actor.system)

    def __str__(self) -> str:
        return f"{self.party}@{self.system}" if self.system else self.party


Holders = tuple[Holder, ...]


@dataclass(frozen=True, slots=True)
class FieldRights:
    """One rule of one field: where it counts, and who may do what."""

    path: str
    where: tuple[tuple[str, str], ...]  # dimension of the scope, value
    holders: Mapping[Act, Holders]
    precedence: Holders = ()
    combine: str | None = None

    def may(self, act: Act, actor: Holder) -> bool:
        return any(holder.covers(actor) for holder in self.holders[act])

    def rank(self, actor: Holder) -> int:
        """Place in the order of precedence, 0 the first; who is not named, or may not update, comes last."""
        if not self.may(Act.UPDATE, actor):
            return len(self.precedence)
        return next((i for i, holder in enumerate(self.precedence) if holder.covers(actor)), len(self.precedence))


@dataclass(frozen=True, slots=True)
class ObjectRights:
    """Who owns one kind of object, and the bounds of the levers on it."""

    name: str
    path: str
    create: Holders
    fields: Mapping[str, tuple[FieldRights, ...]]
    source_of_truth: Holder | None = None
    exceptions: str = ""
    exceptions_party: str = "operator"  # on whose behalf the hub asks for corrections
    fallback: str = "hold-last-known"
    enforcement: Mapping[str, str] = field(default_factory=dict)
    holds_max: timedelta = HOLDS_MAX
    overrides_max: timedelta = OVERRIDES_MAX
    second_person_above_percent: int = SECOND_PERSON_ABOVE_PERCENT
    reassert_per_day: int = 3

    def rules_of(self, name: str) -> tuple[FieldRights, ...]:
        return self.fields.get(name) or self.fields.get(EVERY_FIELD, ())


@dataclass(frozen=True, slots=True)
class Limit:
    """What a price of one category may be, in minor units of the account's currency."""

    path: str
    floor_minor: int | None
    ceiling_minor: int | None


@dataclass(frozen=True, slots=True)
class AccountLimits:
    path: str
    currency: str
    categories: Mapping[str, Limit]  # `*`: every other one
    also: frozenset[str] = frozenset()  # currencies that are sold in too, and have no limits
    offer_rules: Mapping[str, OfferRule] = field(default_factory=dict)  # as the plan writes them; `*`: all categories

    def of(self, category: str) -> Limit | None:
        return self.categories.get(category) or self.categories.get(EVERY_CATEGORY)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Everything ownership decides by. `hash`: of the plan it was compiled from."""

    hash: str
    objects: Mapping[str, ObjectRights]
    accounts: Mapping[str, AccountLimits]
    seller_models: Mapping[str, str]  # by seller; `*`: every other one

    def seller_model(self, seller: str) -> str:
        return self.seller_models.get(seller) or self.seller_models.get(EVERY_SELLER, "")


def compile_rules(plan: Plan) -> RuleSet:
    """The rule set of a plan. Errors: NotMoney for a limit that is no amount of the account's currency."""
    return RuleSet(
        hash=plan.hash,
        objects={name: _object(plan, rule) for name, rule in plan.ownership.items()},
        accounts={name: _limits(account) for name, account in plan.accounts.items()},
        seller_models={name: rule.seller_model for name, rule in plan.sellers.items()},
    )


def _object(plan: Plan, rule: ObjectRule) -> ObjectRights:
    path = f"ownership.{rule.name}"
    team = plan.teams.get(rule.exceptions)
    bounds: dict[str, Any] = {"holds_max": rule.holds_max} if rule.holds_max else {}
    if rule.overrides:
        bounds["overrides_max"] = rule.overrides.max
        bounds["second_person_above_percent"] = rule.overrides.second_person_above_percent
    return ObjectRights(
        name=rule.name,
        path=path,
        create=_holders(rule.create),
        fields={
            name: tuple(_field(f"{path}.fields.{name}[{n}]", one) for n, one in enumerate(rules))
            for name, rules in rule.fields.items()
        },
        source_of_truth=Holder.read(rule.source_of_truth) if rule.source_of_truth else None,
        exceptions=rule.exceptions,
        exceptions_party=team.party if team else "operator",
        fallback=rule.fallback,
        enforcement=rule.enforcement.model_dump(),
        reassert_per_day=rule.reassert_per_day,
        **bounds,
    )


def _field(path: str, rule: FieldRule) -> FieldRights:
    named = rule.where.named
    return FieldRights(
        path=path,
        where=tuple((dimension, named[dimension]) for dimension in DIMENSIONS if dimension in named),
        holders={
            Act.UPDATE: _holders(rule.update),
            Act.HOLD: _holders(rule.hold),
            Act.OVERRIDE: _holders(rule.override),
            Act.CORRECT: _holders(rule.correct),
            Act.REQUEST: _holders(rule.request),
        },
        precedence=_holders(rule.precedence),
        combine=rule.combine,
    )


def _holders(actors: Iterable[str]) -> Holders:
    return tuple(Holder.read(actor) for actor in actors)


def _limits(account: Account) -> AccountLimits:
    path = f"accounts.{account.name}"
    limits = {
        category: Limit(
            f"{path}.price_limits.{category}",
            _minor(limit.floor, account.currency),
            _minor(limit.ceiling, account.currency),
        )
        for category, limit in account.price_limits.items()
    }
    return AccountLimits(
        f"{path}.currency", account.currency, limits, frozenset(account.also_sells_in), account.offer_rules
    )


def _minor(text: str | None, currency: str) -> int | None:
    return None if text is None else Money.parse(text, currency).minor
