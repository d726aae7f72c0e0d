"""A small business for the engine's tests: tickets of an account, due at once, punched by a drain."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from entrepot.engine.drain import DrainEnd, run_drain
from entrepot.engine.inline_engine import InlineEngine
from entrepot.engine.leader import Leader
from entrepot.engine.lease import Lease
from entrepot.engine.port import Engine, Job, JobState
from entrepot.engine.procrastinate_engine import ProcrastinateEngine
from entrepot.engine.room import Hooks, Room, Work
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.store.db import APP_ROLE, Db

TICKETS = f"""
CREATE TABLE ticket (id int PRIMARY KEY, account text NOT NULL, flow text NOT NULL DEFAULT 'tickets', punched_by bigint, punches int NOT NULL DEFAULT 0);
GRANT ALL ON ticket TO {APP_ROLE};
"""
DUE = """
SELECT DISTINCT t.account FROM ticket t JOIN flow f ON f.name = t.flow
 WHERE t.punched_by IS NULL AND f.state <> 'paused' AND %(now)s IS NOT NULL
"""
NEXT = """
SELECT t.id FROM ticket t JOIN flow f ON f.name = t.flow
 WHERE t.account = %s AND t.punched_by IS NULL AND f.state <> 'paused' ORDER BY t.id LIMIT 2 FOR UPDATE OF t SKIP LOCKED
"""


def punch_batch(ctx: Ctx, lease: Lease) -> int:
    """Two tickets in one transaction, under the lease."""
    with ctx.db.transaction() as conn:
        lease.hold(conn)
        ids = [row["id"] for row in conn.execute(NEXT, (lease.account,)).fetchall()]
        conn.execute("UPDATE ticket SET punched_by = %s, punches = punches + 1 WHERE id = ANY(%s)", (lease.epoch, ids))
    return len(ids)


def punch_all(ctx: Ctx, lease: Lease) -> int:
    handled = 0
    while lease.time_left(ctx) > 0:
        lease.renew(ctx)
        batch = punch_batch(ctx, lease)
        if not batch:
            break
        handled += batch
    return handled


@dataclass
class Desk:
    """Who is told by the engine, and what he heard."""

    heard: list[tuple[str, Row]] = field(default_factory=list)

    def hooks(self) -> Hooks:
        def listener(what: str) -> Callable[[Ctx, Conn, Row], None]:
            return lambda _ctx, _conn, row: self.heard.append((what, row))

        return Hooks(*[listener(what) for what in ("failing", "recovered", "overdue", "emptied")])

    def heard_of(self, what: str) -> list[Row]:
        return [row for said, row in self.heard if said == what]


class Carrier(Protocol):
    """One adapter of the engine port, worked by hand: fetch a job as a worker would, then run it, or die with it."""

    @property
    def engine(self) -> Engine: ...

    def fetch(self, conn: Conn) -> Job | None: ...

    def finish(self, conn: Conn, job: Job) -> None: ...


class InlineCarrier:
    def __init__(self) -> None:
        self.engine: InlineEngine = InlineEngine()

    def fetch(self, conn: Conn) -> Job | None:
        return self.engine.take(conn)

    def finish(self, conn: Conn, job: Job) -> None:
        self.engine.end(job)


class ProcrastinateCarrier:
    """Speaks the SQL the library's worker speaks, one step at a time; the real worker is in test_worker_process.py."""

    def __init__(self) -> None:
        self.engine: ProcrastinateEngine = ProcrastinateEngine()
        self._fetched: dict[Job, int] = {}

    def fetch(self, conn: Conn) -> Job | None:
        conn.execute("SET LOCAL search_path = public, procrastinate")
        worker = conn.execute("SELECT worker_id FROM procrastinate_register_worker_v1()").fetchone()
        assert worker
        row = conn.execute("SELECT * FROM procrastinate_fetch_job_v2(NULL, %s)", (worker["worker_id"],)).fetchone()
        if row is None or row["id"] is None:
            return None
        job = Job(row["queue_name"], **row["args"], state=JobState.RUNNING)
        self._fetched[job] = row["id"]
        return job

    def finish(self, conn: Conn, job: Job) -> None:
        conn.execute("SET LOCAL search_path = public, procrastinate")
        conn.execute("SELECT procrastinate_finish_job_v1(%s, 'succeeded', true)", (self._fetched[job],))


@dataclass
class Hall:
    """A room with one adapter, a movable clock, tickets, and hands to work it."""

    ctx: Ctx
    clock: ManualClock
    db: Db
    carrier: Carrier
    desk: Desk
    room: Room
    leader: Leader

    def with_drain(self, drain: Callable[[Ctx, Lease], int], purpose: str = "punch") -> Room:
        """The same room as another process would have it, with another drain."""
        works = Room.works_by_purpose(Work(purpose, "normal", DUE, drain))
        return Room(self.ctx, works, hooks=self.desk.hooks())

    def use(self, room: Room) -> None:
        self.room = room
        self.leader = Leader(room, self.carrier.engine)

    def sell(self, *ids: int, account: str = "acc-1", flow: str = "tickets") -> None:
        with self.db.transaction() as conn:
            for number in ids:
                conn.execute("INSERT INTO ticket (id, account, flow) VALUES (%s, %s, %s)", (number, account, flow))

    def look(self) -> int:
        with self.db.transaction() as conn:
            return self.leader.look(conn)

    def fetch_if_any(self) -> Job | None:
        with self.db.transaction() as conn:
            return self.carrier.fetch(conn)

    def fetch(self) -> Job:
        job = self.fetch_if_any()
        assert job is not None, "no job waits"
        return job

    def run(self, job: Job, room: Room | None = None) -> DrainEnd:
        end = run_drain(room or self.room, job)
        with self.db.transaction() as conn:
            self.carrier.finish(conn, job)
        return end

    def run_all(self) -> list[DrainEnd]:
        """Look and run until nothing is due, as a living cluster would."""
        ends = []
        for _ in range(50):
            self.look()
            while job := self.fetch_if_any():
                ends.append(self.run(job))
            if not self.waits():
                return ends
            self.clock.advance(1)
        raise AssertionError("it never came to rest")

    def waits(self) -> bool:
        with self.db.transaction() as conn:
            return bool(conn.execute(DUE, {"now": self.clock.now()}).fetchall())

    def tickets(self) -> dict[int, tuple[int | None, int]]:
        """Ticket → (epoch that punched it, how often it was punched)."""
        with self.db.transaction() as conn:
            rows = conn.execute("SELECT * FROM ticket ORDER BY id").fetchall()
        return {row["id"]: (row["punched_by"], row["punches"]) for row in rows}

    def lane(self, account: str = "acc-1", purpose: str = "punch") -> dict[str, Any]:
        with self.db.transaction() as conn:
            row = conn.execute("SELECT * FROM lane WHERE account = %s AND purpose = %s", (account, purpose)).fetchone()
        assert row is not None
        return row
