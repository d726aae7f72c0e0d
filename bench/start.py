"""How long one waits: for `entrepot --help`, and for a warm demo to be there."""

import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from statistics import median

from bench.ground import Ground, Stopwatch
from bench.machine import peak_mb
from bench.processes import entrepot, environment, free_port, running
from bench.table import Result, at_most
from entrepot.proof.demo import CLUSTER
from entrepot.store import postgres

HELPS = 7  # times; the first fills the file cache and is not counted
HELP_MAX_S, DEMO_MAX_S = 0.4, 10.0


def run(_ground: Ground, rounds: int) -> list[Result]:
    return [_help(), _demo(rounds)]


def _help() -> Result:
    ours, floor = [], []
    for _ in range(HELPS + 1):
        ours.append(_seconds(entrepot("--help")))
        floor.append(_seconds([sys.executable, "-c", "pass"]))
    seconds = median(ours[1:])
    times = median(o / f for o, f in zip(ours[1:], floor[1:], strict=True))
    return Result(
        "start: --help", 1, round(seconds, 3), round(times, 2), bars=(at_most("seconds", seconds, HELP_MAX_S),)
    )


def _seconds(command: list[str]) -> float:
    with Stopwatch() as watch:
        subprocess.run(command, check=True, capture_output=True, env=environment())
    return watch.seconds


def _demo(rounds: int) -> Result:
    """From the command to “console: …”, which it says when web and sandbox answer; the first start made the server."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="entrepot-bench-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # the server runs as another user when we are root
        try:
            waits = [_until_up(home) for _ in range(rounds + 1)]
        finally:
            postgres.stop(home=home, name=CLUSTER)
    seconds = median(wait for wait, _ in waits[1:])
    return Result(
        "start: demo",
        1,
        round(seconds, 3),
        peak_mb=max(peak for _, peak in waits),
        bars=(at_most("seconds, warm", seconds, DEMO_MAX_S),),
        notes={"first start, server made, seconds": round(waits[0][0], 2)},
    )


def _until_up(home: Path) -> tuple[float, float]:
    """Seconds, and the supervisor's peak memory."""
    env = {"ENTREPOT_HOME": str(home), "ENTREPOT_PORT": str(free_port()), "PYTHONUNBUFFERED": "1"}
    began = time.perf_counter()
    with running(entrepot("demo"), env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(b"console:"):
                break
        else:
            raise AssertionError("the demo ended before its console was there")
        waited, peak = time.perf_counter() - began, peak_mb(process.pid)
        with suppress(OSError):
            process.stdout.close()
    return waited, peak
