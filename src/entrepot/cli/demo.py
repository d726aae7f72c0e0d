"""`entrepot demo`: a living day, or one day to its end with its figures."""

import json as json_
import sys
from typing import Literal

from entrepot.proof.demo import Wish, run

ONCE_PACE_PERCENT = 50  # people who act twice as fast: a day ends sooner, nothing is left out


def demo(
    *,
    once: bool = False,
    json: bool = False,
    seed: int = 1,
    speed: float | None = None,
    orders: int = 25,
    faults: Literal["none", "demo", "random"] = "demo",
) -> int:
    """A living marketplace day against the shipped sandbox.

    Parameters
    ----------
    once
        Run one day to closed books, print its figures, and end; exit code 1 when a figure that must be 0 is not.
    json
        Print the figures as one JSON document on stdout.
    seed
        The same seed is the same day.
    speed
        Business seconds per second, 1 to 600.
    orders
        Baskets the buyers place.
    faults
        What goes wrong: nothing, the planned faults of the demo, or a random set.
    """
    chosen = speed if speed is not None else (600.0 if once else 60.0)
    say = (
        (lambda words: print(words, file=sys.stderr, flush=True)) if json else (lambda words: print(words, flush=True))
    )
    pace = ONCE_PACE_PERCENT if once else 100
    counted = run(Wish(once, seed, chosen, orders, pace_percent=pace, faults=faults), say)
    if counted is None:
        return 0
    if json:
        print(json_.dumps(counted, indent=2, default=str))
    else:
        for room, values in counted.items():
            print(f"{room}: " + ", ".join(f"{name} {value}" for name, value in values.items()))
    return 1 if counted["demo"]["broken"] else 0
