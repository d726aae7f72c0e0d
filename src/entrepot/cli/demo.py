"""`entrepot demo`: a living day, or one day to its end with its figures."""

import json as json_
import sys
from collections.abc import Mapping
from typing import Any, Literal

from entrepot.proof.demo import GIVE_UP_S, Wish, run

SELLING_GIVE_UP_S = 1_800.0  # machine: more systems to talk to, and disputes and returns of channels take longer
ONCE_SPEED, SELLING_ONCE_SPEED = 600.0, 300.0
ONCE_PACE_PERCENT = 50  # people who act twice as fast: a day ends sooner, nothing is left out


def demo(
    *,
    once: bool = False,
    json: bool = False,
    model: Literal["operator", "syndication", "both"] = "operator",
    seed: int = 1,
    speed: float | None = None,
    orders: int = 25,
    faults: Literal["none", "demo", "random"] = "demo",
) -> int:
    """A living day against the shipped sandbox: of a marketplace's operator, of a company that sells on five channels, or of both.

    Parameters
    ----------
    once
        Run one day to closed books, print its figures, and end; exit code 1 when a figure that must be 0 is not.
    json
        Print the figures as one JSON document on stdout.
    model
        Who we are: the operator of a marketplace, the seller on others' (syndication), or both.
    seed
        The same seed is the same day.
    speed
        Business seconds per second, 1 to 600.
    orders
        Baskets the buyers place; as many buyers come to the selling company.
    faults
        What goes wrong: nothing, the planned faults of the demo, or a random set.
    """
    fast = ONCE_SPEED if model == "operator" else SELLING_ONCE_SPEED
    chosen = speed if speed is not None else (fast if once else 60.0)
    say = (
        (lambda words: print(words, file=sys.stderr, flush=True)) if json else (lambda words: print(words, flush=True))
    )
    pace = ONCE_PACE_PERCENT if once else 100
    give_up_s = GIVE_UP_S if model == "operator" else SELLING_GIVE_UP_S
    wish = Wish(once, model, seed, chosen, orders, pace_percent=pace, faults=faults, give_up_s=give_up_s)
    counted = run(wish, say)
    if counted is None:
        return 0
    if json:
        print(json_.dumps(counted, indent=2, default=str))
    else:
        for room, values in counted.items():
            for line in _lines(room, values):
                print(line)
    return 1 if counted["demo"]["broken"] else 0


def _lines(room: str, values: Mapping[str, Any]) -> list[str]:
    """A room is one line; the channels are one each."""
    if room == "channels":
        return [line for account, counts in values.items() for line in _lines(account, counts)]
    return [f"{room}: " + ", ".join(f"{name} {value}" for name, value in values.items())]
