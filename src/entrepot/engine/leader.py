"""One leader in the cluster looks for lanes with due work and nobody on them, and has each drained."""

import logging
import threading
from collections.abc import Callable

import psycopg
from psycopg.rows import dict_row

from entrepot.engine import store
from entrepot.engine.port import Engine, Job, JobState
from entrepot.engine.room import Room
from entrepot.kernel.ctx import Conn
from entrepot.kernel.errors import Busy, NotNow, Overtaken
from entrepot.store.db import BUSY, prepare

log = logging.getLogger(__name__)

LEADER_LOCK = 0x656E_7472_6570_0002  # session lock: who holds it leads
CANDIDATE_EVERY_S = 1.0  # how often the others see whether the leader is gone
SILENT_MAX_S = 3.0  # a leader silent for longer is frozen: the database ends its session, and with it its leadership
SILENT_MS = str(int(SILENT_MAX_S * 1000))
CUT_OFF = (
    psycopg.OperationalError,
    psycopg.errors.IdleInTransactionSessionTimeout,
)  # away, restarted, or we were frozen
PRUNE_EVERY_LOOKS = 400  # about once a minute


class Restored(Overtaken):
    """The database was restored under us: it is another incarnation now, and this process must start anew."""

    code = "restored"


class Leader:
    """Looks once per call; knows nothing of threads, elections and time passing, so that the simulator can call it."""

    def __init__(self, room: Room, engine: Engine) -> None:
        self.room = room
        self.engine = engine
        works = room.works.values()
        self._due = store.due_query([(work.purpose, work.due_sql) for work in works]) if works else ""

    def look(self, conn: Conn) -> int:
        """Start a drain for every free lane with due work, in the caller's transaction; how many were started.

        Errors: Restored. Two looks never run at once: the second finds nothing to do.
        """
        ctx = self.room.ctx
        found = store.open_look(conn) if self._due else None
        if found is None:
            return 0
        if found != ctx.incarnation:
            raise Restored(
                f"this database is incarnation {found}; this process began with {ctx.incarnation}", found=found
            )
        machine = ctx.clock.machine()
        rows = conn.execute(self._due, {"now": ctx.clock.now(), "machine": machine}).fetchall()
        if not rows:
            return 0
        wanted = [(row["account"], row["purpose"], self.room.works[row["purpose"]].queue) for row in rows]
        free = store.lock_free_lanes(conn, wanted, machine)
        waiting = self._waiting(conn) if any(lane["lease_until"] for lane in free) else {}
        until = store.after(machine, self.room.lease_s)
        started = 0
        for lane in free:
            account, purpose = lane["account"], lane["purpose"]
            if waiting.get((account, purpose), -1) == lane["epoch"]:
                store.extend(conn, account, purpose, until)  # all threads are busy: its turn will come, it lost nothing
                continue
            queue = self.room.works[purpose].queue
            epoch = store.take_over(conn, account, purpose, queue, until)
            self.engine.defer(conn, queue, account, purpose, epoch)
            started += 1
        ctx.point("leader.lanes-taken")
        return started

    def prune(self, conn: Conn) -> int:
        """Forget jobs of dead workers."""
        return self.engine.prune(conn)

    def _waiting(self, conn: Conn) -> dict[tuple[str, str], int]:
        """Newest epoch per lane whose job nobody has started."""
        jobs: list[Job] = [job for job in self.engine.list(conn) if job.state is JobState.WAITING]
        return {job.lane: job.epoch for job in sorted(jobs, key=lambda job: job.epoch)}


class LeaderThread:
    """Stands for election, then looks until stopped. Every worker process has one; one of them leads."""

    def __init__(self, leader: Leader, on_crash: Callable[[BaseException], None] | None = None) -> None:
        self.leader = leader
        self.leading = threading.Event()
        self.error: BaseException | None = None  # why the thread ended by itself, when it did
        self._on_crash = on_crash
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leader", daemon=True)

    def start(self) -> "LeaderThread":
        self._thread.start()
        return self

    def ask_to_stop(self) -> None:
        """Start no more drains; returns at once."""
        self._stop.set()

    def stop(self, timeout_s: float = 5.0) -> None:
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if self._seat_is_free():
                    self._lead()
            except (*CUT_OFF, NotNow) as error:
                if isinstance(error, Restored):
                    return self._crash(error)
                log.warning(
                    "leader: %s; standing again", str(error).splitlines()[0] if str(error) else type(error).__name__
                )
            except Exception as error:  # noqa: BLE001  # a bug in a look: logged, kept, and whoever runs the process is told
                return self._crash(error)
            self._stop.wait(CANDIDATE_EVERY_S)
        return None

    def _crash(self, error: BaseException) -> None:
        self.error = error
        log.error("the leader thread ended: %s", error, exc_info=not isinstance(error, Restored))
        if self._on_crash:
            self._on_crash(error)

    def _seat_is_free(self) -> bool:
        """Asked on a pooled connection, so that those who wait hold none of their own."""
        with self.leader.room.ctx.db.transaction() as conn:
            row = conn.execute(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
                " AND (classid::bigint << 32 | objid::bigint) = %s"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                (LEADER_LOCK,),
            ).fetchone()
        return row is None

    def _lead(self) -> None:
        """Lead on a connection of our own: losing it loses the lock and whatever was not committed."""
        room = self.leader.room
        with psycopg.connect(
            room.database_url, connect_timeout=5, application_name="entrepot-leader", row_factory=dict_row
        ) as conn:
            prepare(conn)
            row = conn.execute(
                "SELECT pg_try_advisory_lock(%s) AS had, set_config('idle_session_timeout', %s, false),"
                " set_config('idle_in_transaction_session_timeout', %s, false)",
                (LEADER_LOCK, SILENT_MS, SILENT_MS),
            ).fetchone()
            conn.commit()
            if not (row and row["had"]):
                return
            log.info("this process leads")
            self.leading.set()
            looks = 0
            try:
                while not self._stop.is_set():
                    self._look(conn, prune=looks % PRUNE_EVERY_LOOKS == 0)
                    looks += 1
                    self._stop.wait(room.look_every_s)
            finally:
                self.leading.clear()

    def _look(self, conn: Conn, *, prune: bool) -> None:
        try:
            with conn.transaction():
                self.leader.look(conn)
            self.leader.room.ctx.point("leader.jobs-deferred")
            if prune:
                with conn.transaction():
                    self.leader.prune(conn)
        except (*BUSY, Busy):
            log.debug("leader: a lane is busy; looking again")
