"""Group commit: what arrives at the same time is kept in one transaction, and nobody is answered before it is committed.

One thread commits. Whatever arrives meanwhile is its next transaction: a lone arrival waits for nobody, a storm pays one commit for many.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from entrepot.inbox.model import Arrival, Recorded
from entrepot.kernel.errors import NotNow

TOGETHER_MAX = 100  # arrivals of one transaction
WAITING_BYTES_MAX = 64 * 1024 * 1024  # of bodies nobody has committed yet: more is turned away at once

Keep = Callable[[Sequence[Arrival]], Sequence[Sequence[Recorded]]]


class TooMuchAtOnce(NotNow):
    """More is arriving than can be committed; whoever sent it comes again."""

    code = "too-much-at-once"


@dataclass(slots=True)
class _Waiting:
    arrival: Arrival
    kept: Future[Sequence[Recorded]] = field(default_factory=Future)


class GroupCommit:
    """`keep` commits many arrivals at once, all or none, and says what became of each."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._waiting: list[_Waiting] = []
        self._bytes = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def submit(self, arrival: Arrival) -> Future[Sequence[Recorded]]:
        """Answered once it is committed; fails as `keep` does. Errors: TooMuchAtOnce, at once."""
        one = _Waiting(arrival)
        one.kept.set_running_or_notify_cancel()  # whoever hangs up meanwhile is kept all the same
        with self._changed:
            if self._bytes + len(arrival.body) > WAITING_BYTES_MAX:
                raise TooMuchAtOnce("more is arriving than can be kept right now")
            self._bytes += len(arrival.body)
            self._waiting.append(one)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
                self._thread.start()
            self._changed.notify()
        return one.kept

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                together, self._waiting = self._waiting[:TOGETHER_MAX], self._waiting[TOGETHER_MAX:]
                self._bytes -= sum(len(one.arrival.body) for one in together)
            self._commit(together)

    def _commit(self, together: Sequence[_Waiting]) -> None:
        """All in one transaction; when that fails for another reason than time, each in its own."""
        try:
            kept = self._keep([one.arrival for one in together])
        except Exception as error:  # noqa: BLE001 - each caller is told of his own; this thread serves the next
            if len(together) > 1 and not isinstance(error, NotNow):
                for one in together:
                    self._commit([one])
                return
            for one in together:
                one.kept.set_exception(error)
        else:
            for one, recorded in zip(together, kept, strict=True):
                one.kept.set_result(recorded)
