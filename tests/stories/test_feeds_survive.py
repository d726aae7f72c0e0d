"""Dying anywhere between a seller's file and the marketplace: nothing is lost, nothing goes out twice, he is told once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from stories.test_offers_fed import ACCOUNT, Folder, returned, row, sku, there

from entrepot.kernel.ctx import Points
from entrepot.proof.house import House
from entrepot.sandbox.furniture import F

POINTS = (
    "bulk.compared",
    "bulk.staged",
    "bulk.followed",
    "bulk.before-commit",
    "feeds.before-commit",
    "feeds.committed",
    "feeds.frozen",
    "send.claimed",
    "send.before",
    "send.after",
    "send.settled",
    "readback.after",
    "feeds.settled",
    "returns.delivered",
)


class Killed(BaseException):
    """The process is gone: nothing of it runs any further."""


class DiesAt(Points):
    """Ends the process at the next pass of one point, once."""

    name = ""

    def reach(self, name: str) -> None:
        super().reach(name)
        if name == self.name:
            self.name = ""
            raise Killed(name)


def survive(house: House, minutes: float) -> None:
    """Run on, starting the process again when it has died."""
    until = house.clock.now().timestamp() + minutes * 60
    while (left := until - house.clock.now().timestamp()) > 0:
        try:
            house.run_for(seconds=left)
        except Killed:
            house.clock.advance(30)  # its lease runs out


def test_dying_at_any_point_loses_nothing_and_says_nothing_twice(
    open_day: Callable[..., House], tmp_path: Path
) -> None:
    dies = DiesAt()
    house = open_day(orders=0, points=dies)
    house.run_for(minutes=5)
    folder = Folder(house, tmp_path)
    for n, point in enumerate(POINTS):
        dies.name = point
        rows = (row(F, 0, f"{50 + n}.00", 77), row(F, 1, f"-{n}", 5))
        try:
            folder.sends(F, *rows)
        except Killed:
            folder.sends(F, *rows)
        survive(house, minutes=35 if point.startswith("returns") else 8)
        assert dies.name == "", f"{point} was not passed"
        assert there(house, F, 0).price_minor == (50 + n) * 100, point
    survive(house, minutes=35)
    shown = [one[0]["Price"] for one in returned(house, F)]
    assert shown[-1] == f"-{len(POINTS) - 1}" and len(set(shown)) == len(shown)
    [open_] = house.rows("SELECT * FROM feed_return WHERE sku = %s AND ended_at IS NULL", sku(F, 1))
    assert open_["value"] == f"-{len(POINTS) - 1}"
    sent = imports(house)
    assert sent["taken twice"] == 0 and sent["open"] == 0


def imports(house: House) -> dict[str, Any]:
    """Batches that were worked in more than once, and what is still on its way."""
    [found] = house.rows(
        'SELECT (SELECT count(*) FROM feed_sent WHERE batch_id IS NOT NULL) AS open, count(*) FILTER (WHERE taken + refused > rows) AS "taken twice" '
        "FROM feed_batch WHERE account = %s",
        ACCOUNT,
    )
    return found
