"""Commission: what was agreed, applied to one line, and given back to the cent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.money import Rounding
from entrepot.money.commission.model import Base, RateAgreement
from entrepot.money.commission.rules import compute, compute_return

AGREED = RateAgreement(default_rate_per_100k=12_000, rate_by_category={"BOOKS": 8_000})


def test_the_agreed_rate_is_applied_to_item_and_shipping_and_taxed_on_top() -> None:
    commission = compute(AGREED, order_line_id="L", category="SHOES", item_minor=3_000, shipping_minor=500)
    assert (commission.fee_minor, commission.tax_minor, commission.base_minor) == (420, 84, 3_500)


def test_a_category_has_its_own_rate() -> None:
    commission = compute(AGREED, order_line_id="L", category="BOOKS", item_minor=1_000, shipping_minor=0)
    assert (commission.rate_per_100k, commission.fee_minor) == (8_000, 80)


def test_shipping_is_free_of_commission_where_that_was_agreed() -> None:
    agreed = RateAgreement(default_rate_per_100k=12_000, base=Base.ITEM)
    commission = compute(agreed, order_line_id="L", category="", item_minor=3_000, shipping_minor=500)
    assert (commission.fee_minor, commission.base_minor) == (360, 3_000)


@pytest.mark.parametrize(("rounding", "fee"), [(Rounding.HALF_EVEN, 12), (Rounding.HALF_UP, 13), (Rounding.DOWN, 12)])
def test_half_a_cent_is_rounded_as_agreed(rounding: Rounding, fee: int) -> None:
    agreed = RateAgreement(default_rate_per_100k=12_500, tax_rate_per_100k=0, rounding=rounding)
    assert compute(agreed, order_line_id="L", category="", item_minor=100, shipping_minor=0).fee_minor == fee


money = st.integers(min_value=0, max_value=10**9)


@given(money, money, st.integers(0, 100_000), st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), max_size=5))
def test_the_returns_of_a_fully_refunded_line_add_up_to_its_commission(
    item: int, shipping: int, rate: int, parts: list[tuple[int, int]]
) -> None:
    agreed = RateAgreement(default_rate_per_100k=rate)
    charged = compute(agreed, order_line_id="L", category="", item_minor=item, shipping_minor=shipping)
    back_item = back_shipping = fees = taxes = 0
    shares = [(item * a // 100, shipping * b // 100) for a, b in parts]
    for number, (some_item, some_shipping) in enumerate([*shares, (item, shipping)]):
        now_item, now_shipping = min(some_item, item - back_item), min(some_shipping, shipping - back_shipping)
        returned = compute_return(
            agreed,
            order_line_id="L",
            category="",
            refund_id=f"R-{number}",
            item_minor=item,
            shipping_minor=shipping,
            refunded_item_minor=now_item,
            refunded_shipping_minor=now_shipping,
            before_item_minor=back_item,
            before_shipping_minor=back_shipping,
        )
        assert returned.fee_minor >= 0 and returned.tax_minor >= 0
        back_item, back_shipping = back_item + now_item, back_shipping + now_shipping
        fees, taxes = fees + returned.fee_minor, taxes + returned.tax_minor
    assert (fees, taxes) == (charged.fee_minor, charged.tax_minor)


def test_commission_that_is_kept_on_refund_does_not_come_back() -> None:
    kept = RateAgreement(default_rate_per_100k=12_000, returned_on_refund=False)
    returned = compute_return(
        kept,
        order_line_id="L",
        category="",
        refund_id="R-1",
        item_minor=1_000,
        shipping_minor=0,
        refunded_item_minor=1_000,
        refunded_shipping_minor=0,
    )
    assert (returned.fee_minor, returned.tax_minor) == (0, 0)
