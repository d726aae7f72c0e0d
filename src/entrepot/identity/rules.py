"""The plan's join map, compiled: which system knows which object by which field, and whose environment an id belongs to. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.blueprint.owning import IdentifierRule

# What ids we make begin with. Production's carry nothing: they are the ones that count.
PREFIXES: Mapping[str, str] = {"sandbox": "sandbox-", "production": ""}


@dataclass(frozen=True, slots=True)
class JoinMap:
    """`systems`: account → (system, party). Built once per plan by `join_map`."""

    rules: Mapping[str, IdentifierRule] = field(default_factory=dict)
    systems: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def who(self, account: str) -> tuple[str, str]:
        return self.systems.get(account, (account.partition("/")[0], ""))

    def field_of(self, rule: IdentifierRule, account: str) -> str | None:
        """By which field the system behind an account knows the rule's object; said of the system before its party."""
        system, party = self.who(account)
        return rule.join.get(system) or rule.join.get(party)

    def objects_named(self, account: str, scheme: str) -> tuple[str, ...]:
        """Kinds of objects that a value of this scheme may name there."""
        return tuple(
            name
            for name, rule in sorted(self.rules.items())
            if (known := self.field_of(rule, account)) is not None and is_field(known, scheme)
        )

    def sought(self, account: str, scheme: str, value: str) -> str:
        """What was looked for and where, for a person who goes on looking."""
        also = [
            f"{name} by {where} {what}"
            for name in self.objects_named(account, scheme)
            for where, what in self.rules[name].join.items()
            if where not in self.who(account)
        ]
        return f"{scheme} {value} at {account}" + (f", and {', '.join(also)}" if also else "")


def join_map(plan: Plan) -> JoinMap:
    systems = {
        name: (account.system, plan.systems[account.system].party)
        for name, account in plan.accounts.items()
        if account.system in plan.systems
    }
    return JoinMap(plan.identifiers, systems)


def is_field(written: str, scheme: str) -> bool:
    """The plan writes their field (`sale.order_id`), the hub keeps it under a scheme (`mirakl_order_id`)."""
    last = written.rpartition(".")[2]
    return scheme in (written, last) or scheme.endswith(f"_{last}")


def prefix_for(rules: Mapping[str, IdentifierRule], environment: str) -> str:
    """What ids that we make and give away begin with; empty in production, and where no rule asks for it."""
    return PREFIXES.get(environment, "") if any(rule.environment_prefix for rule in rules.values()) else ""


def other_environment(value: str, environment: str) -> str | None:
    """The environment an id says it is of, when that is not ours."""
    for name, prefix in PREFIXES.items():
        if name != environment and prefix and value.startswith(prefix):
            return name
    return None


def foreign_ids(rules: Mapping[str, IdentifierRule], environment: str, body: bytes) -> Iterator[tuple[str, str]]:
    """(field, value) of every joining field of a record whose value carries another environment's prefix."""
    others = [prefix for name, prefix in PREFIXES.items() if name != environment and prefix]
    if not any(prefix.encode() in body for prefix in others):
        return
    guarded = [rule for rule in rules.values() if rule.environment_prefix]
    fields = frozenset(written.rpartition(".")[2] for rule in guarded for written in rule.join.values())
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return
    for name, value in _texts(content):
        if name in fields and other_environment(value, environment):
            yield name, value


def _texts(content: Any) -> Iterator[tuple[str, str]]:
    """Every text of a document with the name it stands under; no recursion, so that no depth stops it."""
    waiting: list[tuple[str, Any]] = [("", content)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, Mapping):
            waiting += value.items()
        elif isinstance(value, list):
            waiting += [(name, one) for one in value]
