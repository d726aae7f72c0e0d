"""What ran the bench, and how much memory a process took at most."""

import os
import platform
import resource
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psycopg


def peak_mb(pid: int | None = None) -> float:
    """Most memory a process had at once. Units: MB; 0 where the system does not say (another's process, not on Linux)."""
    status = Path(f"/proc/{pid or os.getpid()}/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024, 1)
    if pid is not None:
        return 0.0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(most / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


def forget_peak() -> None:
    """From now on `peak_mb` is of what follows; where the system cannot, it stays that of the whole life."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def described(url: str) -> dict[str, str | int | float]:
    """Enough to know whether two tables may be compared."""
    with psycopg.connect(url) as conn:
        row = conn.execute("SHOW server_version").fetchone()
    return {
        "cores": os.cpu_count() or 0,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "postgresql": str(row[0]).split()[0] if row else "",
        "load": round(os.getloadavg()[0], 1),  # of others: above 0.5 the absolute numbers are too low
    }


def cpu_s(pids: Iterable[int]) -> float:
    """Time these processes had a core so far, to a hundredth; 0 where the system does not say. What a busy machine leaves comparable."""
    ticks = 0
    for pid in pids:
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists():
            user, system = stat.read_text().rpartition(")")[2].split()[11:13]
            ticks += int(user) + int(system)
    return ticks / os.sysconf("SC_CLK_TCK")
