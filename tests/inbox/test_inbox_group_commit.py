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
from entrepot.inbox.model import Envelope
from entrepot.inbox.service import keep
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import NotNow

PATIENCE_S = 30.0
T = TypeVar("T")


def envelope(name: str, body: bytes = b"{}") -> Envelope:
    return Envelope("mirakl-fr/operator", "webhook", "/hooks/mirakl-fr", body, {"webhook-id": name})


@dataclass
class Slow:
    """Keeps in memory, and only when the test opens the gate; fails as scripted."""

    gate: threading.Event = field(default_factory=threading.Event)
    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    error: Exception | None = None
    poison: str = ""
    transactions: list[list[str]] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def keep(self, envelopes: Sequence[Envelope]) -> list[str]:
        names = [one.headers["webhook-id"] for one in envelopes]
        self.transactions.append(names)
        self.entered.release()
        assert self.gate.wait(PATIENCE_S)
        if self.error:
            raise self.error
        if self.poison in names:
            raise ValueError(self.poison)
        self.kept += names
        return [f"env-{name}" for name in names]

    async def is_committing(self) -> None:
        assert await asyncio.to_thread(self.entered.acquire, True, PATIENCE_S)


@pytest.fixture
def slow() -> Slow:
    return Slow()


def run(story: Callable[[], Awaitable[T]]) -> T:
    async def told() -> T:
        return await asyncio.wait_for(story(), PATIENCE_S)

    return asyncio.run(told())


async def answers(*asked: "asyncio.Future[str]") -> list[str | BaseException]:
    """Ids of envelopes, or what each caller was told instead."""
    return await asyncio.gather(*asked, return_exceptions=True)


def test_what_arrives_during_a_commit_shares_the_next_one_and_each_hears_of_his_own(slow: Slow) -> None:
    async def story() -> list[str | BaseException]:
        together = GroupCommit(slow.keep)
        first = together.submit(envelope("O-1"))
        await slow.is_committing()
        rest = [together.submit(envelope(f"O-{n}")) for n in range(2, 6)]
        slow.gate.set()
        return await answers(first, *rest)

    assert run(story) == [f"env-O-{n}" for n in range(1, 6)]
    assert slow.transactions == [["O-1"], ["O-2", "O-3", "O-4", "O-5"]]


def test_nobody_is_answered_before_the_commit(slow: Slow) -> None:
    async def story() -> tuple[bool, str | BaseException]:
        together = GroupCommit(slow.keep)
        asked = together.submit(envelope("O-1"))
        await slow.is_committing()
        early = asked.done()
        slow.gate.set()
        return early, (await answers(asked))[0]

    assert run(story) == (False, "env-O-1")


def test_one_transaction_takes_no_more_than_its_share(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "TOGETHER_MAX", 3)

    async def story() -> None:
        together = GroupCommit(slow.keep)
        first = together.submit(envelope("O-1"))
        await slow.is_committing()
        rest = [together.submit(envelope(f"O-{n}")) for n in range(2, 9)]
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
        refused = await answers(*(together.submit(envelope(f"O-{n}")) for n in range(3)))
        slow.error = None
        return refused, await answers(together.submit(envelope("O-4")))

    assert run(story) == ([away] * 3, ["env-O-4"])
    assert slow.kept == ["O-4"]


def test_one_arrival_that_cannot_be_kept_fails_alone(slow: Slow) -> None:
    slow.poison = "O-3"

    async def story() -> list[str | BaseException]:
        together = GroupCommit(slow.keep)
        first = together.submit(envelope("O-1"))
        await slow.is_committing()
        rest = [together.submit(envelope(f"O-{n}")) for n in range(2, 5)]
        slow.gate.set()
        return await answers(first, *rest)

    first, second, third, fourth = run(story)
    assert (first, second, fourth) == ("env-O-1", "env-O-2", "env-O-4")
    assert isinstance(third, ValueError)
    assert sorted(slow.kept) == ["O-1", "O-2", "O-4"]


def test_whoever_hangs_up_is_kept_all_the_same_and_takes_nobody_with_him(slow: Slow) -> None:
    async def story() -> list[str | BaseException]:
        together = GroupCommit(slow.keep)
        gone = together.submit(envelope("O-1"))
        await slow.is_committing()
        gone.cancel()
        left = together.submit(envelope("O-2"))
        stays = together.submit(envelope("O-3"))
        left.cancel()
        slow.gate.set()
        return await answers(stays)

    assert run(story) == ["env-O-3"]
    assert slow.kept == ["O-1", "O-2", "O-3"]


def test_more_than_can_be_held_is_turned_away_at_once_and_welcome_later(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "WAITING_BYTES_MAX", 10)

    async def story() -> list[str | BaseException]:
        together = GroupCommit(slow.keep)
        first = together.submit(envelope("O-1", b"x" * 9))
        await slow.is_committing()  # it is on its way and waits no more
        second = together.submit(envelope("O-2", b"x" * 9))
        with pytest.raises(TooMuchAtOnce):
            together.submit(envelope("O-3", b"xx"))
        slow.gate.set()
        kept = await answers(first, second)
        return kept + await answers(together.submit(envelope("O-3", b"xx")))

    assert run(story) == ["env-O-1", "env-O-2", "env-O-3"]


def test_of_fifty_senders_at_once_each_has_an_envelope_of_his_own_still_sealed(ctx: Ctx) -> None:
    async def story() -> list[str | BaseException]:
        together = GroupCommit(partial(keep, ctx))
        return await answers(*(together.submit(envelope("O-1")) for _ in range(50)))

    heard = run(story)
    with ctx.db.transaction() as conn:
        rows = conn.execute("SELECT id FROM envelope WHERE sealed AND body = %s", (b"{}",)).fetchall()
    assert len(rows) == 50 and {row["id"] for row in rows} == set(heard)
