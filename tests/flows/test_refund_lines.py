"""A refund that names only its order is booked on a line of it that can bear it."""

import pytest

from entrepot.flows.channel_returns import _line_refunded

LINES = [{"order_line_id": name, "price_minor": price, "shipping_minor": 100, "tax_minor": 0} for name, price in (("a", 2_000), ("b", 900))]  # fmt: skip


@pytest.mark.parametrize(("amount", "line"), [(500, "b"), (1_000, "b"), (1_001, "a"), (2_100, "a"), (9_999, "a")])
def test_the_cheapest_line_that_is_worth_as_much_bears_it(amount: int, line: str) -> None:
    assert _line_refunded(LINES, amount) == line


def test_an_order_of_one_line_has_no_choice() -> None:
    assert _line_refunded(LINES[1:], 5_000) == "b"
