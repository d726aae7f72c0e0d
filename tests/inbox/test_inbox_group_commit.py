"""What arrives at the same time shares a commit: nobody is answered before it, and nobody's trouble is his neighbour's."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import pytest

from entrepot.inbox import group_commit
from entrepot.inbox.group_commit import GroupCommit, TooMuchAtOnce
from entrepot.inbox.model import Arrival, Received, Recorded
from entrepot.inbox.service import record_each
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import NotNow

PATIENCE_S = 30.0
T = TypeVar("T")


def arrival(name: str, body: bytes = b"{}") -> Arrival:
    one = Received("order", name, "", body, 0, f"basket:{name}", "order-acceptance")
    return Arrival("mirakl-fr/operator", "webhook", "/hooks/mirakl-fr", body, (one,))


@dataclass
class Slow:
    """Keeps in memory, and only when the test opens the gate; fails as scripted."""

    gate: threading.Event = field(default_factory=threading.Event)
    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    error: Exception | None = None
    poison: str = ""
    transactions: list[list[str]] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def keep(self, arrivals: Sequence[Arrival]) -> list[list[Recorded]]:
        names = [one.received[0].external_id for one in arrivals]
        self.transactions.append(names)
        self.entered.release()
        assert self.gate.wait(PATIENCE_S)
        if self.error:
            raise self.error
        if self.poison in names:
            raise ValueError(self.poison)
        self.kept += names
        return [[Recorded(f"msg-{name}", "order", name, True)] for name in names]

    async def is_committing(self) -> None:
        assert await asyncio.to_thread(self.entered.acquire, True, PATIENCE_S)


@pytest.fixture
def slow() -> Slow:
    return Slow()


def run(story: Callable[[], Awaitable[T]]) -> T:
    async def told() -> T:
        return await asyncio.wait_for(story(), PATIENCE_S)

    return asyncio.run(told())


async def answers(*asked: "asyncio.Future[Sequence[Recorded]]") -> list[str | BaseException]:
    """Message ids, or what each caller was told instead."""
    told = await asyncio.gather(*asked, return_exceptions=True)
    return [one if isinstance(one, BaseException) else one[0].message_id for one in told]


def test_what_arrives_during_a_commit_shares_the_next_one_and_each_hears_of_his_own(slow: Slow) -> None:
    async def story() -> list[str | BaseException]:
        together = GroupCommit(slow.keep)
        first = together.submit(arrival("O-1"))
        await slow.is_committing()
        rest = [together.submit(arrival(f"O-{n}")) for n in range(2, 6)]
        slow.gate.set()
        return await answers(first, *rest)

    assert run(story) == [f"msg-O-{n}" for n in range(1, 6)]
    assert slow.transactions == [["O-1"], ["O-2", "O-3", "O-4", "O-5"]]


def test_nobody_is_answered_before_the_commit(slow: Slow) -> None:
    async def story() -> tuple[bool, str | BaseException]:
        together = GroupCommit(slow.keep)
        asked = together.submit(arrival("O-1"))
        await slow.is_committing()
        early = asked.done()
        slow.gate.set()
        return early, (await answers(asked))[0]

    assert run(story) == (False, "msg-O-1")


def test_one_transaction_takes_no_more_than_its_share(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "TOGETHER_MAX", 3)

    async def story() -> None:
        together = GroupCommit(slow.keep)
        first = together.submit(arrival("O-1"))
        await slow.is_committing()
        rest = [together.submit(arrival(f"O-{n}")) for n in range(2, 9)]
        slow.gate.set()
        await answers(first, *rest)

    run(story)
    assert [len(names) for names in slow.transactions] == [1, 3, 3, 1]


def test_while_the_database_is_away_everybody_hears_so_and_the_next_are_served(slow: Slow) -> None:
    away = NotNow("the database does not answer")

    async def story() -> tuple[list[str | BaseException], list[str | BaseException]]:
        together = GroupCommit(slow.keep)
        slow.gate.set()
        slow.error = away
        refused = await answers(*(together.submit(arrival(f"O-{n}")) for n in range(3)))
        slow.error = None
        return refused, await answers(together.submit(arrival("O-4")))

    assert run(story) == ([away] * 3, ["msg-O-4"])
    assert slow.kept == ["O-4"]


def test_one_arrival_that_cannot_be_kept_fails_alone(slow: Slow) -> None:
    slow.poison = "O-3"

    async def story() -> list[str | BaseException]:
        together = GroupCommit(slow.keep)
        first = together.submit(arrival("O-1"))
        await slow.is_committing()
        rest = [together.submit(arrival(f"O-{n}")) for n in range(2, 5)]
        slow.gate.set()
        return await answers(first, *rest)

    first, second, third, fourth = run(story)
    assert (first, second, fourth) == ("msg-O-1", "msg-O-2", "msg-O-4")
    assert isinstance(third, ValueError)
    assert sorted(slow.kept) == ["O-1", "O-2", "O-4"]


def test_whoever_hangs_up_is_kept_all_the_same_and_takes_nobody_with_him(slow: Slow) -> None:
    async def story() -> list[str | BaseException]:
        together = GroupCommit(slow.keep)
        gone = together.submit(arrival("O-1"))
        await slow.is_committing()
        gone.cancel()
        left = together.submit(arrival("O-2"))
        stays = together.submit(arrival("O-3"))
        left.cancel()
        slow.gate.set()
        return await answers(stays)

    assert run(story) == ["msg-O-3"]
    assert slow.kept == ["O-1", "O-2", "O-3"]


def test_more_than_can_be_held_is_turned_away_at_once_and_welcome_later(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "WAITING_BYTES_MAX", 10)

    async def story() -> list[str | BaseException]:
        together = GroupCommit(slow.keep)
        first = together.submit(arrival("O-1", b"x" * 9))
        await slow.is_committing()  # it is on its way and waits no more
        second = together.submit(arrival("O-2", b"x" * 9))
        with pytest.raises(TooMuchAtOnce):
            together.submit(arrival("O-3", b"xx"))
        slow.gate.set()
        kept = await answers(first, second)
        return kept + await answers(together.submit(arrival("O-3", b"xx")))

    assert run(story) == ["msg-O-1", "msg-O-2", "msg-O-3"]


def test_fifty_senders_of_one_order_at_once_make_one_message_and_hear_the_same(ctx: Ctx) -> None:
    async def story() -> list[str | BaseException]:
        together = GroupCommit(partial(record_each, ctx))
        return await answers(*(together.submit(arrival("O-1")) for _ in range(50)))

    heard = run(story)
    with ctx.db.transaction() as conn:
        rows = conn.execute("SELECT id, seen FROM message").fetchall()
        envelopes = conn.execute("SELECT count(*) AS n FROM envelope").fetchone()
    assert rows == [{"id": heard[0], "seen": 50}] and envelopes == {"n": 50}
    assert set(heard) == {heard[0]}
