"""What takes longer than a test run: many seeds, every kill point, every planted bug."""

import time
from dataclasses import dataclass, field
from typing import Any

from entrepot.proof.sim.hazard import kill_points
from entrepot.proof.sim.run import Tell, one_day, server, simulate
from entrepot.proof.sim.sabotage import SABOTAGES

PROVE_SEEDS = 200
PROVE_ORDERS = 50  # per seed: 10,000 in all
KILLS_MIN = 200
SABOTAGE_SEEDS_MAX = 12  # a planted bug must be caught within so many
SABOTAGE_ORDERS = 6


@dataclass
class Proof:
    """`failures`: every sentence that speaks against us; empty: proved."""

    document: dict[str, Any]
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Caught:
    """At which seed a planted bug was caught, and by whom; no seed: it was not."""

    seed: int | None
    by: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"caught at seed {self.seed} by {', '.join(self.by)}" if self.seed is not None else "NOT CAUGHT"


def prove_all(*, jobs: int, tell: Tell) -> Proof:
    began = time.monotonic()
    report = simulate(range(1, PROVE_SEEDS + 1), orders=PROVE_ORDERS, jobs=jobs, tell=tell)
    document: dict[str, Any] = {"sim": report.document(time.monotonic() - began)}
    failures = list(report.findings)
    killed = document["sim"]["points"]["killed_at"]
    failures += [f"nobody was ever killed at {point}" for point in kill_points() if point not in killed]
    if document["sim"]["crashes"] < KILLS_MIN:
        failures.append(f"only {document['sim']['crashes']} crashes, {KILLS_MIN} are wanted")
    with server() as url:
        caught = {name: catch(url, name) for name in SABOTAGES}
    document["sabotage"] = {name: str(one) for name, one in caught.items()}
    failures += [f"sabotage {name} was not caught" for name, one in caught.items() if one.seed is None]
    document["seconds"] = round(time.monotonic() - began, 1)
    return Proof(document, failures)


def catch(
    server_url: str, name: str, seeds_max: int = SABOTAGE_SEEDS_MAX, *, orders: int = SABOTAGE_ORDERS, first: int = 0
) -> Caught:
    """Plant one bug and run seeds until one of the judges it should wake has spoken. `first`: a seed that is tried before others."""
    for seed in sorted(SABOTAGES[name].seeds(seeds_max), key=lambda seed: seed != first):
        day = one_day(server_url, seed, orders, name)
        spoke = sorted({finding.checker for finding in day.findings} & set(SABOTAGES[name].caught_by))
        if spoke:
            return Caught(seed, tuple(spoke))
    return Caught(None)
