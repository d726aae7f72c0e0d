"""Serves the simulated outside world on loopback: `python -m entrepot.sandbox --port-base 8410 --seed 1`.

--model says who we are in it: the operator of a marketplace, a company that sells on others' (syndication), or both.

Business time starts at --start (default: now) and runs --speed times as fast as the machine's clock; whoever shares a
clock with other processes names a function that makes it with --clock package.module:function.
"""

import argparse
import importlib
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn

from entrepot.sandbox import selling
from entrepot.sandbox.core import Clock, World
from entrepot.sandbox.http import over_http, serve
from entrepot.sandbox.scenario import Options, stage
from entrepot.sandbox.selling import both

SYSTEMS: Final = ("mirakl", "gateway", "storefront", "control")
SYSTEMS_OF: Final = {"operator": SYSTEMS, "syndication": selling.SYSTEMS, "both": both.SYSTEMS}
SPEED_MAX: Final = 600
OUTBOUND_TIMEOUT_S: Final = 10.0


def machine_now() -> datetime:
    return datetime.now(UTC)


def business_clock(start: datetime, speed: int, monotonic_ns: Callable[[], int]) -> Clock:
    """Business time from `start`, so many times faster than the machine's monotonic clock."""
    began = monotonic_ns()
    return lambda: start + timedelta(microseconds=(monotonic_ns() - began) * speed // 1000)


def main(arguments: Sequence[str] | None = None, until: threading.Event | None = None) -> int:
    given = _parser().parse_args(arguments)
    stop = until or threading.Event()
    world = _world(given)
    systems = SYSTEMS_OF[given.model]
    ports = {name: given.port_base + place if given.port_base else 0 for place, name in enumerate(systems)}
    with serve(world, ports) as servers:
        _announce({name: servers.url(name) for name in systems})
        if until is None:
            for name in (signal.SIGINT, signal.SIGTERM):
                signal.signal(name, lambda *_: stop.set())
        stop.wait()
    return 0


def _world(given: argparse.Namespace) -> World:
    clock = given.clock or business_clock(given.start or machine_now(), given.speed, time.monotonic_ns)
    outbound = over_http(OUTBOUND_TIMEOUT_S)
    span = timedelta(minutes=given.span_minutes)
    operator = Options(
        span=span,
        acceptance_window=timedelta(hours=given.acceptance_hours),
        finish=given.finish,
        extra_currencies=tuple(given.currency),
        planted_money_faults=given.money_faults,
    )
    company = selling.Options(span=span, finish="never" if given.finish == "never" else "stop")
    where = (clock, machine_now, given.seed, given.hub_url)
    what = {"orders": given.orders, "faults": given.faults, "outbound": outbound}
    match given.model:
        case "operator":
            return stage(*where, **what, options=operator).world
        case "syndication":
            return selling.stage(*where, **what, options=company).world
        case _:
            return both.stage(*where, **what, operator=operator, company=company).world


def _announce(addresses: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(addresses) + "\n")
    sys.stdout.flush()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, without the whole usage before it."""
        self.exit(2, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m entrepot.sandbox", description=__doc__)
    add: Callable[..., Any] = parser.add_argument
    add("--model", choices=tuple(SYSTEMS_OF), default="operator", help="who we are in this world")
    add("--port-base", type=_bounded(0, 65_000), default=8410, help="first of the ports; 0 picks free ones")
    add("--seed", type=int, default=1)
    add(
        "--orders",
        type=_bounded(0, 100_000),
        default=25,
        help="baskets to buy; as many buyers come to the selling company",
    )
    add("--span-minutes", type=_bounded(1, 100_000), default=720, help="business minutes to buy them in")
    add("--acceptance-hours", type=_bounded(1, 1_000), default=48, help="business hours a seller has to decide")
    add("--speed", type=_bounded(1, SPEED_MAX), default=60, help="business seconds per machine second")
    add("--start", type=_instant, default=None, help="business time at the start, ISO 8601 with offset")
    add("--clock", type=_made_by, default=None, help="package.module:function that gives the business clock")
    add("--hub-url", default="http://127.0.0.1:8400")
    add("--faults", choices=("none", "demo", "random"), default="demo")
    add("--finish", choices=("never", "stop", "close-books"), default="never")
    add("--currency", action="append", default=[], help="one more shop that sells in this currency")
    add("--money-faults", action="store_true", help="plant a wrong commission, a manual credit, a subscription")
    return parser


def _bounded(least: int, most: int) -> Callable[[str], int]:
    def read(given: str) -> int:
        value = int(given)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be from {least} to {most}")
        return value

    read.__name__ = "whole number"
    return read


def _made_by(given: str) -> Clock:
    module, _, function = given.partition(":")
    try:
        made: Clock = getattr(importlib.import_module(module), function)()
    except (ImportError, AttributeError) as why:
        raise argparse.ArgumentTypeError(str(why)) from why
    return made


def _instant(given: str) -> datetime:
    at = datetime.fromisoformat(given)
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError("needs an offset, such as +00:00")
    return at.astimezone(UTC)


if __name__ == "__main__":
    sys.exit(main())
