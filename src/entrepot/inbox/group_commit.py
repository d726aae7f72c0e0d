"""Group commit: what arrives at the same time is kept in one transaction, and nobody is answered before it is committed.

One thread commits. Whatever arrives meanwhile is its next transaction: a lone arrival waits for nobody, a storm pays one commit for many.
"""

import threading
from asyncio import AbstractEventLoop, Future, get_running_loop
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from entrepot.inbox.model import Arrival, Recorded
from entrepot.kernel.errors import NotNow

TOGETHER_MAX = 100  # arrivals of one transaction
WAITING_BYTES_MAX = 64 * 1024 * 1024  # of bodies nobody has committed yet: more is turned away at once

Kept = Sequence[Recorded]
Keep = Callable[[Sequence[Arrival]], Sequence[Kept]]


class TooMuchAtOnce(NotNow):
    """More is arriving than can be committed; whoever sent it comes again."""

    code = "too-much-at-once"


@dataclass(frozen=True, slots=True)
class _Waiting:
    arrival: Arrival
    answer: "Future[Kept]"


class GroupCommit:
    """`keep` commits many arrivals at once, all or none, and says what became of each. Called from one event loop."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._waiting: list[_Waiting] = []
        self._bytes = 0
        self._arrived = threading.Condition()
        self._thread: threading.Thread | None = None

    def submit(self, arrival: Arrival) -> "Future[Kept]":
        """Answered once it is committed; fails as `keep` does. Whoever hangs up meanwhile is kept all the same.

        Errors: TooMuchAtOnce, at once.
        """
        loop = get_running_loop()
        one = _Waiting(arrival, loop.create_future())
        with self._arrived:
            if self._bytes + len(arrival.body) > WAITING_BYTES_MAX:
                raise TooMuchAtOnce("more is arriving than can be kept right now")
            self._bytes += len(arrival.body)
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
                together, self._waiting = self._waiting[:TOGETHER_MAX], self._waiting[TOGETHER_MAX:]
                self._bytes -= sum(len(one.arrival.body) for one in together)
            became = self._commit([one.arrival for one in together])
            loop.call_soon_threadsafe(_tell, together, became)

    def _commit(self, arrivals: Sequence[Arrival]) -> list[Kept | Exception]:
        """All in one transaction; when that fails for another reason than time, each in its own."""
        try:
            return list(self._keep(arrivals))
        except NotNow as error:
            return [error] * len(arrivals)
        except Exception as error:  # noqa: BLE001 - told to the caller whose arrival it is; this thread serves the others
            if len(arrivals) == 1:
                return [error]
            return [became for arrival in arrivals for became in self._commit([arrival])]


def _tell(together: Sequence[_Waiting], became: Sequence[Kept | Exception]) -> None:
    """In the event loop: every caller hears of his own."""
    for one, kept in zip(together, became, strict=True):
        if one.answer.done():  # he hung up
            continue
        if isinstance(kept, Exception):
            one.answer.set_exception(kept)
        else:
            one.answer.set_result(kept)
