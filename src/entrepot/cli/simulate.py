"""`entrepot sim` and `entrepot prove`: seeded days with crashes on a real PostgreSQL, and planted bugs that must be caught."""

import json as json_
import sys
import time

from entrepot.kernel.errors import WrongSetting
from entrepot.proof.sim.proving import Proof, prove_all
from entrepot.proof.sim.report import DayReport
from entrepot.proof.sim.run import ORDERS, SEEDS_MAX, replay_command, simulate
from entrepot.proof.sim.sabotage import sabotage as known_sabotage

FOUND = 1


def sim(
    *, seeds: int = 20, orders: int = ORDERS, first_seed: int = 1, json: bool = False, sabotage: str = "", jobs: int = 0
) -> int:
    """Run seeded days on a temporary PostgreSQL, judge each, and say how to replay what was found.

    Parameters
    ----------
    seeds
        How many days.
    orders
        Baskets bought in each of them.
    first_seed
        The seed of the first day; the others follow.
    json
        Print one JSON document on stdout.
    sabotage
        Plant a bug of this name, to see whether it is caught.
    jobs
        Days at the same time; 0: as many as there are processors.
    """
    if not 1 <= seeds <= SEEDS_MAX or orders < 1 or jobs < 0:
        raise WrongSetting(f"--seeds is 1 to {SEEDS_MAX}, --orders at least 1, --jobs at least 0")
    if sabotage:
        known_sabotage(sabotage)
    began = time.monotonic()
    chosen = range(first_seed, first_seed + seeds)
    report = simulate(chosen, orders=orders, sabotage=sabotage, jobs=jobs, tell=_tell)
    document = report.document(time.monotonic() - began)
    for day in report.days:
        if day.findings:
            print(f"replay: {replay_command(day.seed, orders, sabotage)}", file=sys.stderr)
    if json:
        print(json_.dumps(document, indent=2))
    else:
        _print(document)
    return FOUND if report.findings else 0


def prove(*, json: bool = False, jobs: int = 0) -> int:
    """Run what takes longer: many seeds, every planted bug, every kill point.

    Parameters
    ----------
    json
        Print one JSON document on stdout.
    jobs
        Days at the same time; 0: as many as there are processors.
    """
    proof: Proof = prove_all(jobs=jobs, tell=_tell)
    if json:
        print(json_.dumps(proof.document, indent=2))
    else:
        _print(proof.document["sim"])
        for name, one in proof.document["sabotage"].items():
            print(f"sabotage {name}: {one}")
    for line in proof.failures:
        print(f"entrepot prove: {line}", file=sys.stderr)
    return FOUND if proof.failures else 0


def _tell(day: DayReport) -> None:
    verdict = f"{len(day.findings)} findings" if day.findings else "nothing found"
    print(f"seed {day.seed}: {day.steps} steps, {day.crashes} crashes, {sum(day.faults.values())} faults: {verdict}", file=sys.stderr)  # fmt: skip
    for finding in day.findings:
        print(f"  {finding}", file=sys.stderr)


def _print(document: dict[str, object]) -> None:
    for name, value in document.items():
        if name == "trace_hashes":
            continue
        print(f"{name}: {json_.dumps(value) if isinstance(value, dict | list) else value}")
