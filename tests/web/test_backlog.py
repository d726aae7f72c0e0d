"""Whether too much is waiting is asked once a second, and nobody waits for the answer who has one that is young enough."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest

from entrepot.store.db import DatabaseAway
from entrepot.web.webhook_door import BACKLOG_LOOK, BACKLOG_OLD, Backlog


class Desk:
    """Says what the test says; counts how often it was asked; answers only once it may."""

    def __init__(self) -> None:
        self.now, self.full, self.asked = datetime(2026, 3, 2, tzinfo=UTC), False, 0
        self.away, self.may = False, threading.Event()
        self.may.set()
        self.backlog = Backlog(self.look, lambda: self.now)

    def look(self, account: str) -> bool:
        self.asked += 1
        assert self.may.wait(30)
        if self.away:
            raise DatabaseAway("the database does not answer")
        return self.full

    def later(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def settled(desk: Desk) -> None:
    while desk.backlog._asking:
        await asyncio.sleep(0.001)


def test_thirty_at_once_ask_once(desk: Desk) -> None:
    async def story() -> list[bool]:
        return await asyncio.gather(*(desk.backlog.is_full("a") for _ in range(30)))

    desk.full = True
    assert (asyncio.run(story()), desk.asked) == ([True] * 30, 1)


def test_within_a_second_nobody_asks_again_and_another_account_asks_for_itself(desk: Desk) -> None:
    async def story() -> None:
        await desk.backlog.is_full("a")
        desk.later(BACKLOG_LOOK / 2)
        await desk.backlog.is_full("a")
        assert desk.asked == 1
        await desk.backlog.is_full("b")
        assert desk.asked == 2

    asyncio.run(story())


def test_a_second_later_the_last_answer_is_gone_by_while_it_is_renewed(desk: Desk) -> None:
    async def story() -> None:
        await desk.backlog.is_full("a")
        desk.later(BACKLOG_LOOK)
        desk.full = True
        desk.may.clear()
        assert not await desk.backlog.is_full("a")  # at once: nobody has answered yet
        desk.may.set()
        await settled(desk)
        assert await desk.backlog.is_full("a")
        assert desk.asked == 2

    asyncio.run(story())


def test_an_old_answer_is_not_gone_by(desk: Desk) -> None:
    async def story() -> None:
        await desk.backlog.is_full("a")
        desk.later(BACKLOG_OLD + BACKLOG_LOOK)
        desk.full = True
        assert await desk.backlog.is_full("a")

    asyncio.run(story())


def test_while_the_database_is_away_whoever_needs_an_answer_hears_so_and_the_next_asks_again(desk: Desk) -> None:
    async def story() -> None:
        desk.away = True
        with pytest.raises(DatabaseAway):
            await desk.backlog.is_full("a")
        desk.away = False
        assert not await desk.backlog.is_full("a")
        desk.later(BACKLOG_LOOK)
        desk.away = True
        assert not await desk.backlog.is_full("a")
        await settled(desk)
        assert not await desk.backlog.is_full("a")

    asyncio.run(story())
