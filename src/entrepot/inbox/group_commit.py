"""Group commit: what arrives at the same time is kept in one transaction, and nobody is answered before it is committed.

One thread commits. Whatever arrives meanwhile is its next transaction: a lone arrival waits for nobody, a storm pays one commit for many.
"""

import threading
from abc import ABC, abstractmethod
from asyncio import AbstractEventLoop, Future, get_running_loop
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from entrepot.inbox.model import Envelope
from entrepot.kernel.errors import NotNow

TOGETHER_MAX = 100  # envelopes of one transaction
WAITING_BYTES_MAX = 64 * 1024 * 1024  # of bodies nobody has committed yet: more is turned away at once

A = TypeVar("A")
K = TypeVar("K")


class TooMuchAtOnce(NotNow):
    """More is arriving than can be committed; whoever sent it comes again."""

    code = "too-much-at-once"


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[A, K]):
    item: A
    answer: "Future[K]"


class Together(ABC, Generic[A, K]):
    """`keep` commits many at once, all or none, and says what became of each. Called from one event loop."""

    def __init__(self, keep: Callable[[Sequence[A]], Sequence[K]]) -> None:
        self._keep = keep
        self._waiting: list[_Waiting[A, K]] = []
        self._size = 0
        self._arrived = threading.Condition()
        self._thread: threading.Thread | None = None

    @abstractmethod
    def size(self, item: A) -> int:
        """What one weighs, of all that may wait."""

    @abstractmethod
    def room(self) -> int:
        """How much may wait: more is turned away at once."""

    @abstractmethod
    def first(self, items: Sequence[A]) -> int:
        """How many of those that wait are the next transaction: one at least."""

    def submit(self, item: A) -> "Future[K]":
        """Answered once it is committed; fails as `keep` does. Whoever hangs up meanwhile is kept all the same.

        Errors: TooMuchAtOnce, at once.
        """
        loop, size = get_running_loop(), self.size(item)
        one: _Waiting[A, K] = _Waiting(item, loop.create_future())
        with self._arrived:
            if self._size + size > self.room():
                raise TooMuchAtOnce("more is arriving than can be kept right now")
            self._size += size
            self._waiting.append(one)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, args=(loop,), name="group-commit", daemon=True)
                self._thread.start()
            self._arrived.notify()
        return one.answer

    def _run(self, loop: AbstractEventLoop) -> None:
        while not loop.is_closed():
            with self._arrived:
                self._arrived.wait_for(lambda: self._waiting)
                count = self.first([one.item for one in self._waiting])
                together, self._waiting = self._waiting[:count], self._waiting[count:]
                self._size -= sum(self.size(one.item) for one in together)
            became = self._commit([one.item for one in together])
            loop.call_soon_threadsafe(_tell, together, became)

    def _commit(self, items: Sequence[A]) -> list[K | Exception]:
        """All in one transaction; when that fails for another reason than time, each in its own."""
        try:
            return list(self._keep(items))
        except NotNow as error:
            return [error] * len(items)
        except Exception as error:  # noqa: BLE001 - told to the caller whose item it is; this thread serves the others
            if len(items) == 1:
                return [error]
            return [became for item in items for became in self._commit([item])]


class GroupCommit(Together[Envelope, str]):
    """Of envelopes: each hears the id of his own."""

    def size(self, item: Envelope) -> int:
        return len(item.body)

    def room(self) -> int:
        return WAITING_BYTES_MAX

    def first(self, items: Sequence[Envelope]) -> int:
        return TOGETHER_MAX


def _tell(together: Sequence[_Waiting[A, K]], became: Sequence[K | Exception]) -> None:
    """In the event loop: every caller hears of his own."""
    for one, kept in zip(together, became, strict=True):
        if one.answer.done():  # he hung up
            continue
        if isinstance(kept, Exception):
            one.answer.set_exception(kept)
        else:
            one.answer.set_result(kept)
