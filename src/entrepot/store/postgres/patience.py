"""How long we wait, and how: the one place of the launcher that sleeps."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from entrepot.store.postgres.account import me
from entrepot.store.postgres.errors import Reason, ServerNotReady

Sleep = Callable[[float], None]


class Patience:
    """A bounded wait. Slept seconds count as well as passed ones: a sleep that does not sleep cannot spin for ever."""

    def __init__(self, seconds: float, sleep: Sleep = time.sleep) -> None:
        self._sleep = sleep
        self._seconds = seconds
        self._slept = 0.0
        self._began = time.monotonic()

    @property
    def spent_s(self) -> float:
        return max(self._slept, time.monotonic() - self._began)

    @property
    def left_s(self) -> float:
        return max(0.0, self._seconds - self.spent_s)

    def wait(self, seconds: float) -> bool:
        """Sleep a little; False when the patience had already ended."""
        if self.left_s <= 0:
            return False
        self._sleep(seconds)
        self._slept += seconds
        return True


@contextmanager
def locked(path: Path, patience: Patience) -> Iterator[None]:
    """Hold an exclusive lock on a file; the kernel drops it when the holder dies."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        while not try_lock(handle):
            if not patience.wait(0.05):
                raise ServerNotReady(
                    Reason.LOCKED,
                    "Another process is starting or stopping this PostgreSQL server and has not ended.",
                    where=path,
                    whose=me().name,
                    next_step=f"wait for it, or see who holds it: fuser {path}",
                )
        yield
    finally:
        os.close(handle)


def try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
