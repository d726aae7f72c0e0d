"""What the linter knows of connectors: plain data, handed in from above. Without it, what needs it is not asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CallCeiling:
    """So many calls in so many seconds, as published."""

    calls: int
    per_s: float


@dataclass(frozen=True, slots=True)
class WriteFacts:
    """One write. `partner_key`: they honour our key; `read_back`: one can look whether it was done."""

    partner_key: bool
    read_back: bool
    money: bool = False


@dataclass(frozen=True, slots=True)
class ConnectorFacts:
    """One connector's manifest, as far as a plan can contradict it.

    `calls`: something of ours calls it. `needed_once`: a credential that is needed where another one is given. `sweeps`: code of the call each
    safety check makes. `patterns`: empty where any
    will do. `deadlines_s`: obligation to seconds, where the system publishes them. `duties`: kinds of obligation it puts on
    a seller.
    """

    name: str
    party: str = ""
    calls: bool = True
    models: frozenset[str] = frozenset()
    patterns: frozenset[str] = frozenset()
    credentials: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    needed_once: Mapping[str, str] = field(default_factory=dict)
    sweeps: Mapping[str, str] = field(default_factory=dict)
    ceilings: Mapping[str, tuple[CallCeiling, ...]] = field(default_factory=dict)
    writes: Mapping[str, WriteFacts] = field(default_factory=dict)
    deadlines_s: Mapping[str, float] = field(default_factory=dict)
    duties: frozenset[str] = frozenset()


Facts = Mapping[str, ConnectorFacts]  # by connector name, those that nothing calls included
NOTHING: Facts = {}
