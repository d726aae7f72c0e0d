"""What every rule of the linter looks at: the entries that could be read, the names of all, the files, the facts."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from entrepot.blueprint.entries import PARTIES
from entrepot.blueprint.finding import Path
from entrepot.blueprint.lint.facts import ConnectorFacts, Facts
from entrepot.blueprint.model import Account, Flow, Plan
from entrepot.blueprint.tree import Document

WORDS = {
    "systems": "system",
    "teams": "team",
    "flows": "flow",
    "failures": "failure mode",
    "calendars": "calendar",
    "accounts": "account",
}
COMPARED_MAX = 2000  # names among which the nearest is looked for
_DAYS = re.compile(r"\d+ ?[dw]|\d+ working-days?")


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something a rule found. `fix`: where it can be said better than the code's own page does."""

    code: str
    path: Path
    message: str
    fix: str = ""


Flaws = Iterator[Flaw]


@dataclass(frozen=True)
class Look:
    """`plan` holds what could be read; `names` also what could not, so that nobody calls it missing.

    `unknown`: sections of which nobody can tell what stands in them. `runs`: the flows the hub runs; None: not told.
    """

    plan: Plan
    document: Document
    names: Mapping[str, frozenset[str]]
    whole: frozenset[str]  # sections of which every entry could be read
    unknown: frozenset[str] = frozenset()
    facts: Facts = field(default_factory=dict)
    runs: frozenset[str] | None = None

    def accounts_of(self, system: str) -> list[Account]:
        return [account for account in self.plan.accounts.values() if account.system == system]

    def has(self, section: str, name: str) -> bool:
        return name in self.names[section] or section in self.unknown

    def refer(self, section: str, name: str | None, path: Path) -> Flaws:
        """A name that must stand in a section."""
        if name and not self.has(section, name):
            yield self.dangling(name, path, WORDS[section], sorted(self.names[section]))

    def dangling(self, name: str, path: Path, word: str, known: Iterable[str]) -> Flaw:
        names = sorted(known)
        near = get_close_matches(name[:60], names, n=1) if len(names) <= COMPARED_MAX else []
        there = ", ".join(names[:COMPARED_MAX]) or "none"
        fix = f"did you mean {near[0]}?" if near else f"write one of {there}"
        return Flaw("E022", path, f"there is no {word} “{name}”", fix)

    def raw(self, path: Path) -> Any:
        """What is written at a path."""
        return self.document.value(path)

    def written(self, path: Path) -> bool:
        return self.document.node(path) is not None

    def in_days(self, path: Path) -> bool:
        """Whether a duration is written in days or weeks."""
        return bool(_DAYS.fullmatch(str(self.raw(path))))

    # --- systems and actors

    def connector(self, system: str) -> ConnectorFacts | None:
        """What is known of the connector of a system."""
        found = self.plan.systems.get(system)
        return self.facts.get(found.connector) if found else None

    def systems_of(self, actor: str) -> tuple[str, ...]:
        """The systems a word of a flow means: one of that name, those of a party, or one of a party."""
        if actor in self.names["systems"]:
            return (actor,)
        party, _, system = actor.partition("@")
        return tuple(name for name in self._by_party.get(party, ()) if not system or name == system)

    @cached_property
    def _by_party(self) -> Mapping[str, list[str]]:
        parties: dict[str, list[str]] = {}
        for name, system in self.plan.systems.items():
            parties.setdefault(system.party, []).append(name)
        return parties

    def is_actor(self, word: str) -> bool:
        return word.partition("@")[0] in PARTIES

    def ends(self, flow: Flow) -> tuple[str, ...]:
        """Every system a flow touches, its sources first, each once."""
        return tuple(dict.fromkeys(name for word in (*flow.sources, *flow.to) for name in self.systems_of(word)))

    def sources(self, flow: Flow) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for word in flow.sources for name in self.systems_of(word)))

    def targets(self, flow: Flow) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for word in flow.to for name in self.systems_of(word)))

    @cached_property
    def used(self) -> frozenset[str]:
        """Every system that an account, a flow or an identifier names."""
        plan = self.plan
        return frozenset(
            [
                *(account.system for account in plan.accounts.values()),
                *(end for flow in plan.flows.values() for end in self.ends(flow)),
                *(word for rule in plan.identifiers.values() for word in rule.join),
            ]
        )

    @cached_property
    def markets(self) -> Mapping[str, Account]:
        """The accounts at marketplaces."""
        return {name: account for name, account in self.plan.accounts.items() if self.at_market(account)}

    def at_market(self, account: Account) -> bool:
        system = self.plan.systems.get(account.system)
        return system is not None and system.party == "marketplace"

    @cached_property
    def models(self) -> frozenset[str]:
        """operator, syndication: which of the two this plan has accounts of."""
        return frozenset(account.model for account in self.plan.accounts.values() if account.model)


def circles(above: Mapping[str, str | None]) -> list[list[str]]:
    """Every circle of names that lead to each other, once, from its last name in the plan on and back to it."""
    order = {name: number for number, name in enumerate(above)}
    seen: set[str] = set()
    found = []
    for start in above:
        walk: dict[str, int] = {}
        at: str | None = start
        while at is not None and at in above and at not in seen and at not in walk:
            walk[at] = len(walk)
            at = above[at]
        if at is not None and at in walk:
            members = list(walk)[walk[at] :]
            first = max(range(len(members)), key=lambda n: order[members[n]])
            found.append([*members[first:], *members[:first], members[first]])
        seen |= set(walk)
    return found


def listed(words: Iterable[str], word: str = "and") -> str:
    """`a, b and c`."""
    every = list(words)
    return f"{', '.join(every[:-1])} {word} {every[-1]}" if len(every) > 1 else "".join(every)
