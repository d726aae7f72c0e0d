"""Hearing of our own bugs: what the product logs with an exception that is no ordinary trouble."""

import logging
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from entrepot.kernel.errors import NotNow


def described(error: BaseException) -> str:
    """What it says, and the innermost line of ours that it came from."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "entrepot" in frame.filename]
    where = f" ({frames[-1].filename.rpartition('entrepot/')[2]}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"


class BugHandler(logging.Handler):
    """What the product logs with an exception that is no ordinary trouble is a bug."""

    def __init__(self, bugs: Counter[str]) -> None:
        super().__init__(logging.ERROR)
        self._bugs = bugs

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, NotNow):
            self._bugs[f"{record.getMessage()}: {described(error)}"] += 1


@contextmanager
def bugs_heard(bugs: Counter[str]) -> Iterator[None]:
    """Our own log goes to the judge instead of the terminal."""
    log, handler = logging.getLogger("entrepot"), BugHandler(bugs)
    before = log.propagate
    log.addHandler(handler)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = before


@contextmanager
def silence() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
