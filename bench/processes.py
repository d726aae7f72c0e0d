"""Real processes of Entrepot, started and stopped around a measurement."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

START_MAX_S = 60.0
STOP_MAX_S = 20.0
HOST = "127.0.0.1"


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours, and bytecode is kept as it is for whoever installed Entrepot: a second start does not compile again."""
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**ours, **(more or {})}


def entrepot(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "entrepot.cli", *arguments]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    arguments: list[str], env: Mapping[str, str], stdout: int | None = None, stderr: int | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process for the time of a `with`; asked to stop at its end, then made to."""
    process = subprocess.Popen(arguments, env=environment(env), stdout=stdout, stderr=stderr)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def serving(database_url: str) -> Iterator[tuple[int, int]]:
    """`entrepot serve` on a free port, ready; its port and process id."""
    port = free_port()
    env = {"ENTREPOT_DATABASE_URL": database_url, "ENTREPOT_PORT": str(port), "ENTREPOT_LOG_LEVEL": "WARNING"}
    with running(entrepot("serve"), env) as process:
        wait_ready(f"http://{HOST}:{port}/readyz", process)
        yield port, process.pid


def wait_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Errors: AssertionError when it ends or is not ready in time."""
    until = time.perf_counter() + START_MAX_S
    while time.perf_counter() < until:
        assert process.poll() is None, f"{process.args!r} ended with {process.returncode}"
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"{url} was not ready within {START_MAX_S:.0f} s")
