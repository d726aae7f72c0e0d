"""Threads of a simulated process, as fibers of it; waited for in virtual time."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

from entrepot.proof.sim.scheduler import Process, Scheduler, Signal

P = ParamSpec("P")
T = TypeVar("T")


class FiberFuture(Future[T]):
    """A future that is waited for in virtual time."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self._scheduler = scheduler
        self._over = Signal("future")

    def settled(self) -> None:
        self._scheduler.fire(self._over)

    def result(self, timeout: float | None = None) -> T:
        if not self.done() and not self._scheduler.wait(self._over, timeout):
            raise TimeoutError
        return super().result(0)


class FiberPool(Executor):
    """Threads of a process, as fibers of it."""

    def __init__(self, scheduler: Scheduler, process: Process, name: str) -> None:
        self._scheduler = scheduler
        self._process = process
        self._name = name

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: FiberFuture[T] = FiberFuture(self._scheduler)

        def run() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 - as every executor: whoever asks for the result gets it
                future.set_exception(error)
            future.settled()

        self._scheduler.spawn(self._process, self._name, run)
        return future

    def side_by_side(self, jobs: Sequence[Callable[[], None]]) -> None:
        """Run all, wait for all, raise the first bug."""
        if len(jobs) == 1:
            jobs[0]()
            return
        for future in [self.submit(job) for job in jobs]:
            future.result()
