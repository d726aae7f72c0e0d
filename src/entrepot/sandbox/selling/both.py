"""An operator's marketplace and a selling company in one world: one clock, one agenda, one control port."""

from dataclasses import dataclass
from typing import Final

from entrepot.sandbox import scenario as operating
from entrepot.sandbox.core import Clock, Outbound, World
from entrepot.sandbox.selling import scenario as selling
from entrepot.sandbox.selling.mishaps import Faults

SYSTEMS: Final = ("mirakl", "gateway", "storefront", *selling.SYSTEMS)


@dataclass(frozen=True)
class Stages:
    """Hold of everybody in both."""

    world: World
    operator: operating.Stage
    selling: selling.Stage


def stage(
    clock: Clock,
    machine_clock: Clock,
    seed: int,
    hub_url: str,
    *,
    orders: int,
    faults: Faults,
    outbound: Outbound | None,
    operator: operating.Options | None = None,
    company: selling.Options | None = None,
    company_orders: int | None = None,
) -> Stages:
    """`orders` baskets in the storefront, and as many buyers at the company unless `company_orders` says otherwise."""
    world = World(clock, seed, outbound)
    theirs = operating.stage(
        clock,
        machine_clock,
        seed,
        hub_url,
        orders=orders,
        faults=faults,
        outbound=outbound,
        options=operator,
        world=world,
    )
    ours = selling.stage(
        clock,
        machine_clock,
        seed,
        hub_url,
        orders=orders if company_orders is None else company_orders,
        faults=faults,
        outbound=outbound,
        options=company,
        world=world,
        beside=theirs.director,
    )
    return Stages(world, theirs, ours)
