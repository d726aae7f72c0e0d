"""A day under faults of all kinds, on any channel: writes carried out as the outbox does it, sweeps until all is quiet."""

from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

from connectors.channel import ChannelMarket

from entrepot.connectors.exchange import CREDENTIALS_REFUSED
from entrepot.kernel.outcome import Done, Later, NotThere, Refused, Unknown
from entrepot.sandbox.faults import Fault

WRITE_FAULTS = (
    "429",
    "500",
    "502",
    "503",
    "504",
    "timeout-before",
    "timeout-after",
    "applied-late",
    "html",
    "expired-token",
)
READ_FAULTS = ("429", "500", "503", "timeout-before", "truncated", "html", "expired-token", "unknown-enum")
TRIES_MAX = 40


def plan(market: ChannelMarket, rng: Random, writes: Iterable[str], reads: Iterable[str], calls: int) -> int:
    """About one call in three goes wrong; says how many faults were planned."""
    planned = 0
    for codes, kinds in ((writes, WRITE_FAULTS), (reads, READ_FAULTS)):
        for code in codes:
            for nth in range(1, calls + 1):
                if rng.random() < 0.33:
                    kind = rng.choice(kinds)
                    arg = {"429": 7, "applied-late": 20}.get(kind)
                    market.world.faults.add(Fault(market.name, code, nth, kind, arg))
                    planned += 1
    return planned


def carry_out(market: ChannelMarket, operation: str, payload: Mapping[str, Any]) -> Done | Refused:
    """What the outbox does with one effect: wait when told to, read back what is unclear, repeat only what is twice not there."""
    settle_s = market.channel.operations[operation].settle_s
    for _ in range(TRIES_MAX):
        outcome, detail = market.send(operation, payload)
        if isinstance(outcome, Unknown):
            looked = _look(market, operation, payload, settle_s)
            if isinstance(looked, Done | Refused):
                return looked
            continue
        if isinstance(outcome, Refused) and outcome.code == CREDENTIALS_REFUSED:
            continue  # nothing was done; a person lets it go again
        if isinstance(outcome, Done | Refused):
            return outcome
        assert isinstance(outcome, Later), (outcome, detail)
        market.move(seconds=outcome.after_s or 5)
    raise AssertionError(f"{operation} never came to an end")


def _look(market: ChannelMarket, operation: str, payload: Mapping[str, Any], settle_s: float) -> Any:
    absent = 0
    for _ in range(TRIES_MAX):
        found, _ = market.look(operation, payload)
        if isinstance(found, NotThere):
            absent += 1
            if absent == 2:
                return found
        if isinstance(found, Done | Refused):
            return found
        market.move(seconds=settle_s)
    raise AssertionError(f"a look at {operation} never came to an end")


def sweep_until_quiet(
    market: ChannelMarket, names: Iterable[str], hear: Callable[[Any], None], rounds: int = 30
) -> None:
    """Run the sweeps as the house does, each from its cursor, until every one has ended well twice in a row."""
    cursors: dict[str, str | None] = {}
    well = 0
    for _ in range(rounds):
        problems = 0
        for name in names:
            sweep = market.sweep(name, cursors.get(name))
            for record in sweep.records:
                hear(record)
            problems += any(page.problem for page in sweep.pages)
            cursors[name] = sweep.cursor or cursors.get(name)
        market.move(seconds=60)
        well = 0 if problems else well + 1
        if well == 2:
            return
    raise AssertionError("the sweeps never came to rest")
