"""Whatever happens in the back office: pieces are never made or lost, money of a return adds up, the same seed is the same day."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox.back_office.office import ARTICLES, Office

from entrepot.sandbox.back_office.model import Line
from entrepot.sandbox.back_office.returns_desk import share

SKUS = [article.sku for article in ARTICLES]
WILD: dict[str, Any] = {"give_up_chance": 0.3, "two_parcels_chance": 0.5, "reject_chance": 0.3, "refuse_chance": 0.2}


def day(seed: int, steps: int = 60) -> Office:
    """A day of everything: orders, cancellations, deliveries, counts, returns."""
    office, rng = Office(seed=seed, pushes=False, **WILD), random.Random(seed)
    for n in range(steps):
        number = f"shop:{n}"
        lines = [(str(i), rng.choice(SKUS), rng.randint(1, 4)) for i in range(rng.randint(1, 3))]
        office.book(*lines, number=number)
        earlier = f"shop:{rng.randint(0, n)}"
        if rng.random() < 0.3:
            office.cancel(("0", 1), number=earlier, cancellation=f"K-{n}")
        if rng.random() < 0.3:
            office.portal.restock(rng.choice(SKUS), rng.randint(1, 9))
        if rng.random() < 0.05:
            office.portal.count(rng.choice(SKUS), rng.randint(0, 9))
        _perhaps_back(office, earlier, f"RT-{n}")
        office.move(minutes=rng.randint(1, 90))
    office.move(days=5)
    return office


def _perhaps_back(office: Office, number: str, return_id: str) -> None:
    if number in office.system.orders.orders:
        line = next(iter(office.system.orders.orders[number].lines.values()))
        if line.shipped > line.came_back:
            office.portal.receive_return(number, return_id, [(line.line_id, 1)])


@pytest.mark.parametrize("seed", range(6))
def test_pieces_are_neither_made_nor_lost(seed: int) -> None:
    office = day(seed)
    books = office.books()
    for sku, pieces in books["stock"].items():
        assert pieces == sum(books["pieces"][sku].values())
        assert pieces >= 0
    for order in books["orders"]:
        for line in order["lines"]:
            assert line["shipped"] + line["cancelled"] == line["quantity"]
            assert line["picking"] == 0
        assert order["state"] in ("shipped", "cancelled")
    assert _in_parcels(books) == _shipped(books)
    assert not +office.system.stockroom.packed
    assert not any(office.system.stockroom.promised.values())
    assert office.portal.waiting() == {"orders": 0, "returns": 0, "undelivered": 0}


def _in_parcels(books: dict[str, Any]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for parcel in books["parcels"]:
        for line in parcel["lines"]:
            key = parcel["number"], line["line_id"]
            found[key] = found.get(key, 0) + line["quantity"]
    return found


def _shipped(books: dict[str, Any]) -> dict[tuple[str, str], int]:
    return {
        (order["number"], line["line_id"]): line["shipped"]
        for order in books["orders"]
        for line in order["lines"]
        if line["shipped"]
    }


def test_the_lists_tell_what_the_books_say() -> None:
    office = day(3)
    stock: dict[str, int] = {}
    for one in office.listed("stock"):
        stock[one["sku"]] = stock.get(one["sku"], 0) + one["quantity"]
    assert stock == office.books()["stock"]
    by_name = {one["parcel"]: one for one in office.books()["parcels"]}
    assert {one["parcel"]: one for one in office.listed("parcels")} == by_name
    assert by_name


def test_the_same_seed_is_the_same_day_and_another_seed_another() -> None:
    assert day(1).books() == day(1).books()
    assert day(1).books() != day(2).books()


def test_an_orders_fate_does_not_hang_on_the_orders_around_it() -> None:
    alone, among = Office(seed=4, **WILD), Office(seed=4, **WILD)
    for n in range(5):
        among.book(("1", "LAMP-1", 1), number=f"other:{n}")
    for office in (alone, among):
        while office.book(("1", "BELL-1", 3), number="mine:1").status == 422:
            office.move(hours=1)
        office.move(days=3)
    assert alone.line(number="mine:1") == among.line(number="mine:1")


@settings(max_examples=200, deadline=None)
@given(
    quantity=st.integers(1, 30),
    price=st.integers(0, 10**6),
    tax=st.integers(0, 10**5),
    cuts=st.lists(st.integers(1, 5), max_size=30),
)
def test_refunds_of_a_line_add_up_to_the_line(quantity: int, price: int, tax: int, cuts: list[int]) -> None:
    line = Line("1", "LAMP-1", quantity, price, 0, tax, shipped=quantity)
    total = 0
    for cut in [*cuts, quantity]:
        pieces = min(cut, quantity - line.accepted_back)
        part = share(line, pieces)
        assert part >= 0
        total += part
        line.accepted_back += pieces
    assert total == price + tax
