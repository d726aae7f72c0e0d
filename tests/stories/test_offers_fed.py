"""A seller's file goes to the marketplace by the shortest lane; what is rejected comes back to him, corrected, and goes live."""

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from entrepot.bulk.following import unreadable
from entrepot.bulk.mapping import by_names
from entrepot.bulk.reading import open_source
from entrepot.bulk.rules import offer_rules
from entrepot.bulk.service import Feed, Report, take_in
from entrepot.proof.house import House
from entrepot.sandbox.furniture import A, B, offer_id

ACCOUNT = "mirakl-fr/operator"
HEADER = ("Artikel", "SKU", "EAN", "Price", "Stock", "Lead time")


def sku(shop: int, position: int) -> str:
    return f"{shop}-{position + 1:02d}"


def row(shop: int, position: int, price: str, stock: int, *, gtin: str = "", lead: str = "") -> tuple[str, ...]:
    return ("Thing", sku(shop, position), gtin or "4006381333931", price, str(stock), lead)


class Folder:
    """Where a seller's files arrive."""

    def __init__(self, house: House, path: Path) -> None:
        self.house, self.path, self.count = house, path, 0

    def sends(self, shop: int, *rows: tuple[str, ...], complete: bool = False, text: str = "") -> Report:
        self.count += 1
        file = self.path / f"offers-{self.count}.csv"
        out = io.StringIO()
        csv.writer(out, delimiter=";").writerows([HEADER, *rows])
        file.write_text(text or out.getvalue(), "utf-8")
        source = open_source(file)
        mapping = by_names(source.layout.header, currency="EUR")
        ctx, plan = self.house.hub.ctx, self.house.hub.plan
        return take_in(ctx, source, Feed(ACCOUNT, str(shop), mapping, offer_rules("EUR"), self.path, complete, plan))


def batches(house: House, shop: int) -> list[tuple[str, int, int]]:
    rows = house.rows("SELECT * FROM feed_batch WHERE seller = %s AND state <> 'void' ORDER BY planned_at, lane", str(shop))  # fmt: skip
    return [(one["lane"], one["taken"], one["refused"]) for one in rows]


def there(house: House, shop: int, position: int) -> Any:
    return house.stage.portal.offer(offer_id(shop, position))


def look_at_offers(house: House) -> None:
    with house.hub.ctx.db.transaction() as conn:
        conn.execute("UPDATE periodic SET next_at = %s WHERE name IN ('sweep-offers', 'feeds-look')", (house.clock.now(),))  # fmt: skip
    house.run_for(minutes=2)
    with house.hub.ctx.db.transaction() as conn:
        conn.execute("UPDATE periodic SET next_at = %s WHERE name = 'feeds-look'", (house.clock.now(),))
    house.run_for(minutes=1)


@pytest.fixture(scope="module")
def house(open_day: Callable[..., House]) -> Iterator[House]:
    house = open_day(orders=0, scripted=False) if False else open_day(orders=0)
    house.run_for(minutes=5)
    yield house


@pytest.fixture(scope="module")
def folder(house: House, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(house, tmp_path_factory.mktemp("feeds"))


def test_a_changed_offer_goes_to_the_marketplace_whole_and_is_seen_live(house: House, folder: Folder) -> None:
    before = there(house, A, 0)
    folder.sends(A, row(A, 0, "45.50", 77, lead="4"), row(A, 1, "12.00", 5))
    house.run_for(minutes=10)
    now = there(house, A, 0)
    assert (now.price_minor, now.quantity, now.lead_time_days) == (4550, 77, 4)
    assert now.description == before.description
    assert batches(house, A) == [("offers", 2, 0)]
    look_at_offers(house)
    sent = house.rows("SELECT * FROM feed_sent ORDER BY sku")
    assert [one["live_at"] is not None for one in sent] == [True, True]
