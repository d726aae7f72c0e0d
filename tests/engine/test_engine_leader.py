"""Who leads: one in the cluster, replaced when it dies or falls silent, loud when it is broken."""

import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest

from entrepot.engine.inline_engine import InlineEngine
from entrepot.engine.leader import LEADER_LOCK, Leader, LeaderThread
from entrepot.engine.lease import Lease
from entrepot.engine.room import Room, Work
from entrepot.kernel.ctx import Ctx

DUE = "SELECT DISTINCT account FROM ticket WHERE punched_by IS NULL"


def nothing(_ctx: Ctx, _lease: Lease) -> int:
    return 0


class Stand:
    """Leader threads of several processes on one database."""

    def __init__(self, ctx: Ctx, url: str) -> None:
        self._ctx = ctx
        self._url = url
        self.engine = InlineEngine()
        self.threads: list[LeaderThread] = []

    def start(self, due: str = DUE, on_crash: Callable[[BaseException], None] | None = None) -> LeaderThread:
        works = Room.works_by_purpose(Work("punch", "normal", due, nothing))
        room = Room(self._ctx, works, database_url=self._url, look_every_s=0.02)
        self.threads.append(LeaderThread(Leader(room, self.engine), on_crash).start())
        return self.threads[-1]

    def leading(self) -> list[LeaderThread]:
        return [thread for thread in self.threads if thread.leading.is_set()]


@pytest.fixture
def stand(tickets_url: str, ctx: Ctx) -> Iterator[Stand]:
    stand = Stand(ctx, tickets_url)
    yield stand
    for thread in stand.threads:
        thread.stop()


def until(true: Callable[[], bool]) -> None:
    for _ in range(1000):
        if true():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it never became so")


def test_one_of_several_leads_and_the_next_follows_when_it_stops(stand: Stand) -> None:
    first = stand.start()
    until(lambda: first.leading.is_set())
    second = stand.start()
    threading.Event().wait(0.3)
    assert stand.leading() == [first]
    first.stop()
    assert not first.alive
    until(lambda: stand.leading() == [second])


def test_a_leader_whose_connection_is_cut_is_replaced_or_stands_again(stand: Stand, tickets_url: str) -> None:
    stand.start()
    until(lambda: len(stand.leading()) == 1)
    with psycopg.connect(tickets_url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s",
            (LEADER_LOCK & 0xFFFFFFFF,),
        )
    until(lambda: not stand.leading())
    until(lambda: len(stand.leading()) == 1)


def test_the_leader_defers_what_is_due(stand: Stand, ctx: Ctx) -> None:
    stand.start()
    with ctx.db.transaction() as conn:
        conn.execute("INSERT INTO ticket (id, account) VALUES (1, 'acc-1')")

    def deferred() -> list[str]:
        with ctx.db.transaction() as conn:
            return [job.account for job in stand.engine.list(conn)]

    until(lambda: deferred() == ["acc-1"])


def test_a_broken_look_ends_the_thread_and_says_why(stand: Stand) -> None:
    said: list[BaseException] = []
    thread = stand.start("SELECT account FROM tcket", said.append)
    until(lambda: not thread.alive)
    assert isinstance(thread.error, psycopg.errors.UndefinedTable) and said == [thread.error]


def test_a_silent_leader_loses_its_seat(tickets_url: str, stand: Stand) -> None:
    """A frozen process keeps its session: the database ends it. Here the frozen one is a session that says nothing."""
    with psycopg.connect(tickets_url, autocommit=True) as frozen:
        frozen.execute("SELECT pg_advisory_lock(%s), set_config('idle_session_timeout', '300', false)", (LEADER_LOCK,))
        thread = stand.start()
        until(lambda: thread.leading.is_set())
        with pytest.raises(psycopg.OperationalError):
            frozen.execute("SELECT 1")
