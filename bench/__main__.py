"""`python -m bench`: measure, print one table, write bench/last.json, compare with bench/results.json."""

import argparse
import sys

from bench import table
from bench.ground import ground
from bench.jobs import JOBS, ON_REQUEST, alone
from bench.machine import described

ROUNDS = 3


def main() -> int:
    asked = _arguments()
    with ground() as on:
        machine = described(on.url)
        facts = f"{machine['cores']} cores, load {machine['load']}, PostgreSQL {machine['postgresql']}"
        print(f"{facts}; each job {asked.rounds} times", file=sys.stderr, flush=True)
        results = [result for name in asked.jobs or JOBS for result in alone(name, on, asked.rounds)]
    print(table.show(results))
    print("\n".join(["", *table.compare(results)]))
    content = table.document(machine, results)
    table.write(table.LAST, content)
    if asked.keep:
        table.write(table.COMMITTED, content)
    return 0  # a missed bar is said in the table, not hidden in an exit code: machines differ


def _arguments() -> argparse.Namespace:
    words = "How fast Entrepot is, beside a floor and a peer, in one run."
    parser = argparse.ArgumentParser(prog="bench", description=words)
    parser.add_argument(
        "jobs",
        nargs="*",
        metavar="JOB",
        help=f"some of {', '.join(JOBS)}; all when none is named; by name also {', '.join(ON_REQUEST)}",
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="each job this often; medians are shown")
    parser.add_argument("--keep", action="store_true", help="write bench/results.json, the table to commit")
    asked = parser.parse_args()
    unknown = sorted(set(asked.jobs) - {*JOBS, *ON_REQUEST})
    if unknown or asked.rounds < 1:
        parser.error(f"there is no job {unknown[0]}" if unknown else "--rounds is at least 1")
    return asked


if __name__ == "__main__":
    sys.exit(main())
