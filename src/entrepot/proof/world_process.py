"""`python -m entrepot.proof.world_process`: the sandbox as a process of its own, on the hub's clocks.

Keys, ports and the address of the hub come from the environment that the demo makes; the business clock is the hub's row, read again about
once a second, and kept as last read while the database is away.
"""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from entrepot.kernel.clock import SystemClock
from entrepot.process import FollowedPace, database_now, settings
from entrepot.proof.world import SYSTEMS_OF, options, selling_options
from entrepot.sandbox import selling
from entrepot.sandbox.core import World
from entrepot.sandbox.errands import Pace
from entrepot.sandbox.http import HOST, over_http, serve
from entrepot.sandbox.scenario import stage
from entrepot.sandbox.selling import both
from entrepot.store.db import Db

OUTBOUND_TIMEOUT_S = 10.0
HANG_S = 20.0  # machine: longer than any call of ours waits


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="world", description=__doc__)
    parser.add_argument("--model", choices=tuple(SYSTEMS_OF), default="operator")
    parser.add_argument("--hub-url", required=True)
    parser.add_argument("--ports", type=json.loads, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--orders", type=int, default=25)
    parser.add_argument("--span-minutes", type=int, default=480)
    parser.add_argument("--pace-percent", type=int, default=100)
    parser.add_argument("--faults", choices=("none", "demo", "random"), default="demo")
    parser.add_argument("--feeds", type=Path, help="where a seller puts his offer files")
    given = parser.parse_args(arguments)
    url = settings().database_url
    db = Db(url, max_size=1, name="sandbox-clock")
    clock = SystemClock(FollowedPace(db), reading=database_now(url))
    world = _world(given, clock)
    systems = SYSTEMS_OF[given.model]
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with serve(world, {name: given.ports[name] for name in systems}, hang_s=HANG_S):
        print("sandbox: " + ", ".join(f"{name} on port {given.ports[name]}" for name in systems), flush=True)
        stop.wait()
    db.close()
    return 0


def _world(given: argparse.Namespace, clock: SystemClock) -> World:
    span, pace = timedelta(minutes=given.span_minutes), Pace().scaled(given.pace_percent)
    where = (clock.now, clock.machine, given.seed, given.hub_url)
    what = {"orders": given.orders, "faults": given.faults, "outbound": over_http(OUTBOUND_TIMEOUT_S)}
    if given.model == "operator":
        return stage(*where, **what, options=options(span=span, pace=pace, feed_folder=given.feeds)).world
    addresses = {name: f"http://{HOST}:{port}" for name, port in given.ports.items()}
    company = selling_options(addresses, span=span, pace=pace)
    if given.model == "syndication":
        return selling.stage(*where, **what, options=company).world
    return both.stage(
        *where, **what, operator=options(span=span, pace=pace, feed_folder=given.feeds), company=company
    ).world


if __name__ == "__main__":
    sys.exit(main())
