"""Who a name in a flow means: a system, or an actor (`erp`, `erp@sap-eu`) and the systems behind it."""

from collections.abc import Iterator

from entrepot.blueprint.entries import PARTIES
from entrepot.blueprint.model import Flow, Plan


def systems_of(plan: Plan, name: str) -> tuple[str, ...]:
    """The systems a flow's `from` or `to` names; none for an actor that has no system in this plan."""
    if name in plan.systems:
        return (name,)
    party, _, system = name.partition("@")
    if system:
        return (system,) if system in plan.systems else ()
    return tuple(sorted(s.name for s in plan.systems.values() if s.party == party))


def ends_of(plan: Plan, name: str) -> tuple[str, ...]:
    """As `systems_of`; what has no system stands for itself, so that a drawing leaves nobody out."""
    return systems_of(plan, name) or (name,)


def party_of(plan: Plan, end: str) -> str:
    """Of a system, or of an actor without one."""
    if end in plan.systems:
        return plan.systems[end].party
    party = end.partition("@")[0]
    return party if party in PARTIES else "hub"


def touching(plan: Plan, system: str) -> Iterator[tuple[Flow, bool, bool]]:
    """Every flow of a system, and whether it reads from it and writes to it; in the plan's order."""
    for flow in plan.flows.values():
        reads = any(system in systems_of(plan, source) for source in flow.sources)
        writes = any(system in systems_of(plan, to) for to in flow.to)
        if reads or writes or system in flow.degraded:
            yield flow, reads, writes
