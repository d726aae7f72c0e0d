"""A worker process: threads that run drains from three queues, and a thread that stands for leader.

The carrier's worker is asynchronous inside; nothing of that leaves this module.
"""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.connector import Notify
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import get_channel_for_queues
from procrastinate.worker import Worker

from entrepot.engine.drain import run_drain
from entrepot.engine.leader import Leader, LeaderThread, Restored
from entrepot.engine.port import Job, JobState
from entrepot.engine.procrastinate_engine import DRAIN_TASK, ProcrastinateEngine
from entrepot.engine.procrastinate_schema import SEARCH_PATH
from entrepot.engine.room import Room
from entrepot.kernel.errors import OurBug
from entrepot.store.db import APP_ROLE

log = logging.getLogger(__name__)

DEFAULT_THREADS: Mapping[str, int] = {"urgent": 3, "normal": 3, "bulk": 1}
POLL_S = 1.0  # a notification starts a job at once; this finds what a lost one announced
AWAY_PAUSE_S = 0.5  # between two tries while the database is away
CARRIER_CONNECTIONS = 2  # fetching and finishing jobs; one more listens
STOP_WITHIN_S = 8.0  # a drain still in one step after this is left to its lease, as if killed; below the supervisor's
EXIT_LEFT_A_DRAIN = 74
EXIT_RESTORED = 75  # start again: the database is another incarnation


class _OneEarConnector(PsycopgConnector):
    """All queues of a process listen over one connection (the library would take one per queue)."""

    def __init__(self, channels: Iterable[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._channels = list(channels)
        self._ears: list[tuple[frozenset[str], Notify]] = []

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        self._ears.append((frozenset(channels), on_notification))
        if len(self._ears) == 1:
            await super().listen_notify(self._tell, self._channels)
        else:
            await asyncio.Event().wait()  # until cancelled: the first ear hears for all

    async def _tell(self, *, channel: str, payload: str) -> None:
        for channels, ear in self._ears:
            if channel in channels:
                await ear(channel=channel, payload=payload)


async def _prepare(conn: psycopg.AsyncConnection[Any], idle_max_s: float) -> None:
    """The carrier's connections work as the application's role too, in its own schema.

    Frozen while it fetches a job, a process would hold that job back from all others: the database ends its session.
    """
    await conn.execute(
        "SELECT set_config('search_path', %s, false), set_config('timezone', 'UTC', false),"
        " set_config('idle_in_transaction_session_timeout', %s, false)",
        (SEARCH_PATH, str(int(idle_max_s * 1000))),
    )
    found = await conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (APP_ROLE,))
    if await found.fetchone():
        await conn.execute(f"SET ROLE {APP_ROLE}")
    if not conn.autocommit:
        await conn.commit()


class WorkerProcess:
    """Runs until stopped; a database that goes away and comes back is waited for."""

    def __init__(
        self,
        room: Room,
        threads: Mapping[str, int] = DEFAULT_THREADS,
        *,
        leads: bool = True,
        stop_within_s: float = STOP_WITHIN_S,
    ) -> None:
        if not threads or any(n < 1 for n in threads.values()):
            raise OurBug("a worker needs at least one thread per queue", threads=dict(threads))
        self.room = room
        self.threads = dict(threads)
        self.crash: BaseException | None = None
        self.stop_within_s = stop_within_s
        self._stopping = threading.Event()
        self._wake: Callable[[], None] = lambda: None
        self._leader = LeaderThread(Leader(room, ProcrastinateEngine()), self._on_crash) if leads else None

    def stop(self) -> None:
        """Ask it to end; from any thread. Drains end after the batch they are in."""
        self._stopping.set()
        if self._leader:
            self._leader.ask_to_stop()  # a drain started now would find nobody
        self._wake()

    def run(self, *, install_signals: bool = False) -> None:
        """Work until `stop` (or SIGTERM, SIGINT). Errors: whatever ended the leader thread, Restored among them."""
        if self._leader:
            self._leader.start()
        try:
            asyncio.run(self._main(install_signals=install_signals))
        finally:
            self._stopping.set()
            if self._leader:
                self._leader.stop()
        if self.crash:
            raise self.crash

    def leave_in_time(self, ended: threading.Event) -> None:
        """Once asked to stop, end the process although a drain does not: a thread cannot be stopped, a lease runs out."""
        self._stopping.wait()
        if not ended.wait(self.stop_within_s):
            log.warning("a drain is still in one step; the process ends and leaves its lane to the lease")
            logging.shutdown()
            os._exit(EXIT_LEFT_A_DRAIN)

    def _on_crash(self, error: BaseException) -> None:
        self.crash = error
        self.stop()

    async def _main(self, *, install_signals: bool) -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        self._wake = lambda: _safely(loop, stop.set)
        if install_signals:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self.stop)
        if self._stopping.is_set():
            stop.set()
        loop.set_default_executor(ThreadPoolExecutor(sum(self.threads.values()) + 1, thread_name_prefix="drain"))
        while not stop.is_set():
            try:
                await self._work(stop)
            except (ConnectorException, psycopg.OperationalError) as error:
                log.warning("worker: the database does not answer (%s); trying again", error.__cause__ or error)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), AWAY_PAUSE_S)
        self._wake = lambda: None

    async def _work(self, stop: asyncio.Event) -> None:
        """One stretch of work: until stopped, or until the database goes away."""
        async with self._open_app() as app:
            workers = [self._carrier(app, queue, n) for queue, n in self.threads.items()]
            running = [asyncio.create_task(_run(worker)) for worker in workers]
            stopped = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait([*running, stopped], return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopped.cancel()
                for worker in workers:
                    worker.stop()  # type: ignore[no-untyped-call]
                ends = await asyncio.gather(*running, return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end

    @asynccontextmanager
    async def _open_app(self) -> AsyncIterator[App]:
        connector = _OneEarConnector(
            get_channel_for_queues(sorted(self.threads)) or (),
            conninfo=self.room.database_url,
            kwargs={"connect_timeout": 5, "application_name": "entrepot-carrier"},
            configure=partial(_prepare, idle_max_s=self.room.idle_max_s),
            min_size=1,
            max_size=CARRIER_CONNECTIONS,
            timeout=5.0,
        )
        app = App(connector=connector)
        app.task(name=DRAIN_TASK, pass_context=False)(self._drain)
        async with app.open_async():
            yield app

    def _carrier(self, app: App, queue: str, threads: int) -> Worker:
        return Worker(
            app,
            queues=[queue],
            name=queue,
            concurrency=threads,
            fetch_job_polling_interval=POLL_S,
            abort_job_polling_interval=3600.0,  # we never abort a job: a lease ends it
            delete_jobs="always",
            install_signal_handlers=False,
            shutdown_graceful_timeout=self.stop_within_s,
            stalled_worker_timeout=120.0,
        )

    def _drain(self, account: str, purpose: str, epoch: int) -> None:
        """What the carrier calls, in a thread. Errors are on the lane's row, not on the job."""
        run_drain(self.room, Job("", account, purpose, epoch, JobState.RUNNING), self._stopping.is_set)


async def _run(worker: Worker) -> None:
    await worker.run()  # type: ignore[no-untyped-call]


def _safely(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop has ended meanwhile: nothing left to wake
        loop.call_soon_threadsafe(callback)


def run_worker(
    room: Room,
    threads: Mapping[str, int] = DEFAULT_THREADS,
    *,
    stop_within_s: float = STOP_WITHIN_S,
    given_stop: Callable[[Callable[[], None]], object] = lambda stop: None,
) -> int:
    """`entrepot work`: the whole life of a worker process, on its main thread; its exit code.

    `given_stop`: called at its start with what asks it to end, for whoever else may want that.
    """
    worker = WorkerProcess(room, threads, stop_within_s=stop_within_s)
    given_stop(worker.stop)
    ended = threading.Event()
    threading.Thread(target=worker.leave_in_time, args=(ended,), name="last-resort", daemon=True).start()
    try:
        worker.run(install_signals=True)
    except Restored as error:
        log.error("%s; ending, to be started again", error)
        return EXIT_RESTORED
    finally:
        ended.set()
    return 0
