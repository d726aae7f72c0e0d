"""What is looked up about the plan: which failure modes, in which order, and which record is known by which id."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunbookFilter:
    """The runbooks' whole state; every field is a query parameter."""

    flow: str = ""
    owner: str = ""
    kind: str = ""

    def params(self, **changes: str) -> dict[str, str]:
        values = {"flow": self.flow, "owner": self.owner, "kind": self.kind} | changes
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class RiskFilter:
    """The risk register's whole state."""

    sort: str = "money"
    owner: str = ""
    kind: str = ""

    def params(self, **changes: str) -> dict[str, str]:
        values = {"sort": self.sort, "owner": self.owner, "kind": self.kind} | changes
        return {name: value for name, value in values.items() if value and not (name == "sort" and value == "money")}


@dataclass(frozen=True, slots=True)
class KnownAs:
    """One record and every identifier that names it. Shape: `ids` are scheme, value, account."""

    kind: str
    text: str
    href: str
    ids: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class JoinsView:
    """`query`: what was looked for; empty: nothing yet."""

    query: str
    found: tuple[KnownAs, ...] = ()
    capped: bool = False
