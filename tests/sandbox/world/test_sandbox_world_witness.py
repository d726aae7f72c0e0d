"""The witness speaks up: each summary finds what was planted in otherwise good books."""

import copy
from typing import Any

import pytest
from sandbox.world.sandbox_world_hub import Day

from entrepot.sandbox import witness
from entrepot.sandbox.scenario import Options


@pytest.fixture(scope="module")
def good() -> dict[str, Any]:
    day = Day(seed=1, orders=5, options=Options(finish="close-books"))
    day.run()
    return day.books()


@pytest.fixture
def books(good: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(good)


def test_good_books_give_no_cause_for_complaint(books: dict[str, Any]) -> None:
    assert witness.doubled_writes(books) == []
    assert witness.lost_baskets(books) == []
    assert witness.unsettled_money(books) == {}
    assert witness.settlement_findings(books) == []


def test_a_second_capture_under_one_reference_is_told(books: dict[str, Any]) -> None:
    row = next(row for row in books["gateway"]["applied"] if row["operation"] == "capture")
    row["count"] = 2
    (found,) = witness.doubled_writes(books)
    assert (found.system, found.operation, found.reference, found.count) == ("gateway", "capture", row["reference"], 2)


def test_a_second_debit_confirmation_is_told_but_a_second_tracking_number_is_fine(books: dict[str, Any]) -> None:
    books["mirakl"]["writes"] += [
        {"operation": "PA01", "key": "ORD-1", "calls": 3, "count_applied": 2},
        {"operation": "OR23", "key": "ORD-1", "calls": 2, "count_applied": 2},
        {"operation": "PA02", "key": "R-1", "calls": 5, "count_applied": 1},
    ]
    (found,) = witness.doubled_writes(books)
    assert (found.operation, found.reference) == ("PA01", "ORD-1")


def test_a_basket_without_any_order_is_lost(books: dict[str, Any]) -> None:
    first = books["storefront"]["baskets"][0]["commercial_id"]
    books["mirakl"]["orders"] = [row for row in books["mirakl"]["orders"] if row["commercial_id"] != first]
    assert witness.lost_baskets(books) == [first]


def test_a_basket_the_hub_never_took_is_not_lost(books: dict[str, Any]) -> None:
    books["storefront"]["baskets"][0]["state"] = "abandoned"
    first = books["storefront"]["baskets"][0]["commercial_id"]
    books["mirakl"]["orders"] = [row for row in books["mirakl"]["orders"] if row["commercial_id"] != first]
    assert witness.lost_baskets(books) == []
    assert first not in witness.paid_baskets(books)


def test_money_still_held_is_told_by_basket(books: dict[str, Any]) -> None:
    books["gateway"]["authorisations"][1]["open_minor"] = 7
    assert witness.unsettled_money(books) == {books["gateway"]["authorisations"][1]["reference"]: 7}


def test_two_refunds_of_one_reference_are_both_listed(books: dict[str, Any]) -> None:
    refund = next(row for row in books["gateway"]["operations"] if row["operation"] == "refund")
    books["gateway"]["operations"].append(dict(refund, amount_minor=3))
    assert witness.refunds_by_reference(books)[refund["reference"]] == [refund["amount_minor"], 3]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda day: day["lines"][0].update(amount_minor=day["lines"][0]["amount_minor"] + 1), "do not sum"),
        (lambda day: day.update(opening_balance_minor=day["opening_balance_minor"] + 1), "does not open"),
        (lambda day: day.update(closing_balance_minor=day["closing_balance_minor"] + 1), "closing balance"),
    ],
)
def test_a_settlement_that_does_not_add_up_is_told(books: dict[str, Any], spoil: Any, words: str) -> None:
    spoil(books["gateway"]["settlements"][-1])
    assert any(words in finding for finding in witness.settlement_findings(books))
