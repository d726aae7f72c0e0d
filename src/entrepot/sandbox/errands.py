"""What the simulated people have still to do: the agenda with a name on every entry, and how fast they are."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import timedelta
from random import Random
from typing import Final

from entrepot.sandbox.core import World

Span = tuple[int, int]
MINUTE: Final = 60
HOUR: Final = 60 * MINUTE


@dataclass(frozen=True)
class Pace:
    """How long people take. Units: business seconds, shortest and longest."""

    decide: Span = (5 * MINUTE, HOUR)
    ship: Span = (HOUR, 6 * HOUR)
    second_parcel: Span = (HOUR, 4 * HOUR)
    deliver: Span = (6 * HOUR, 18 * HOUR)
    ask_return: Span = (HOUR, 4 * HOUR)
    accept_return: Span = (30 * MINUTE, 2 * HOUR)
    send_back: Span = (6 * HOUR, 12 * HOUR)
    give_goodwill: Span = (HOUR, 4 * HOUR)
    charge_back: Span = (6 * HOUR, 12 * HOUR)
    bank_decides: Span = (20 * HOUR, 30 * HOUR)
    pay_cycle: Span = (HOUR, 4 * HOUR)
    read_thread: Span = (20 * MINUTE, 90 * MINUTE)
    set_back: Span = (10 * MINUTE, 20 * MINUTE)

    def scaled(self, percent: int) -> "Pace":
        """The same people, all faster or slower."""
        spans = {one.name: getattr(self, one.name) for one in fields(self)}
        return Pace(**{name: (low * percent // 100, high * percent // 100) for name, (low, high) in spans.items()})


class Errands:
    """The world's agenda as the actors use it. `waiting` counts by kind what somebody has planned and not yet done."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.waiting: Counter[str] = Counter()

    def later(self, kind: str, after: timedelta, do: Callable[[], None]) -> None:
        self.waiting[kind] += 1

        def run() -> None:
            self.waiting[kind] -= 1
            do()

        self.world.at(self.world.clock() + after, run)

    def within(self, kind: str, span: Span, rng: Random, do: Callable[[], None]) -> None:
        """Do it after a while drawn from the span."""
        self.later(kind, timedelta(seconds=rng.randint(*span)), do)
