"""`python -m bench`: measure, print one table, write bench/last.json, compare with bench/results.json."""

import argparse
import logging
import multiprocessing
import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence

from bench import order_intake, start, table, webhook_door
from bench.ground import Ground, ground
from bench.machine import described

JOBS: Mapping[str, Callable[[Ground, int], Sequence[table.Result]]] = {
    "intake": lambda g, rounds: [order_intake.run(g, rounds)],
    "door": webhook_door.run,
    "start": start.run,
}
ROUNDS = 3


def main() -> int:
    asked = _arguments()
    with ground() as on:
        machine = described(on.url)
        print(
            f"{machine['cores']} cores, load {machine['load']}, PostgreSQL {machine['postgresql']}, {asked.rounds} rounds",
            file=sys.stderr,
        )
        results = [result for name in asked.jobs or JOBS for result in alone(name, on, asked.rounds)]
    print(table.show(results))
    print("\n".join(["", *table.compare(results)]))
    content = table.document(machine, results)
    table.write(table.LAST, content)
    if asked.keep:
        table.write(table.COMMITTED, content)
    return 0  # a missed bar is said, not hidden behind an exit code: machines differ


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench", description="How fast Entrepot is, beside a floor and a peer, in one run."
    )
    parser.add_argument(
        "jobs", nargs="*", choices=[[], *JOBS], help=f"some of {', '.join(JOBS)}; all when none is named"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="each job this often; medians are shown")
    parser.add_argument("--keep", action="store_true", help="write bench/results.json, the table to commit")
    return parser.parse_args()


def alone(name: str, on: Ground, rounds: int) -> Sequence[table.Result]:
    """Run a job in a process of its own: its memory is its own, too."""
    spawn = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[Sequence[table.Result] | None] = spawn.Queue()
    child = spawn.Process(target=_child, args=(name, on, rounds, answers))
    child.start()
    found = answers.get()
    child.join()
    if found is None:
        raise SystemExit(f"bench: {name} failed; its words stand above")
    return found


def _child(name: str, on: Ground, rounds: int, answers: "multiprocessing.Queue[Sequence[table.Result] | None]") -> None:
    from bench.material import surroundings

    os.environ.update(surroundings())
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    found = None
    try:
        found = JOBS[name](on, rounds)
    finally:
        answers.put(found)


if __name__ == "__main__":
    sys.exit(main())
