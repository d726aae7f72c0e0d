"""The jobs by name, each run in a process of its own: its memory is its own, too."""

import logging
import multiprocessing
import os
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor

from bench import events, offer_files, order_intake, ownership, start, webhook_door
from bench.ground import Ground
from bench.material import surroundings
from bench.table import Result

JOBS: Mapping[str, Callable[[Ground, int], Sequence[Result]]] = {
    "intake": order_intake.run,
    "door": webhook_door.run,
    "events": events.run,
    "offers": offer_files.run,
    "ownership": ownership.run,
    "start": start.run,
}
ON_REQUEST: Mapping[str, Callable[[Ground, int], Sequence[Result]]] = {  # take minutes: run when they are named
    "offers-many": offer_files.run_many,
}


def alone(name: str, ground: Ground, rounds: int) -> Sequence[Result]:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_run, name, ground, rounds).result()


def _run(name: str, ground: Ground, rounds: int) -> Sequence[Result]:
    os.environ.update(surroundings())
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    try:
        return {**JOBS, **ON_REQUEST}[name](ground, rounds)
    except Exception as error:  # noqa: BLE001 - said here, raised there
        traceback.print_exc()
        raise RuntimeError(f"{name}: {error}") from None  # one that travels between processes
