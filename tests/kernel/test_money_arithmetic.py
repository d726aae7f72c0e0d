"""Money is exact: read, written, shared and split without losing or inventing a minor unit."""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from entrepot.kernel.errors import OurBug
from entrepot.kernel.money import (
    INT64_MAX,
    RATE_SCALE,
    MixedCurrency,
    Money,
    NotMoney,
    Rounding,
    divide,
    exponent,
    split_minor,
)

CURRENCIES = ["EUR", "USD", "JPY", "KRW", "KWD", "BHD", "CLF"]
DECIMAL_ROUNDING = {
    Rounding.HALF_EVEN: ROUND_HALF_EVEN,
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.DOWN: ROUND_DOWN,
}

currencies = st.sampled_from(CURRENCIES)
minors = st.integers(min_value=-INT64_MAX, max_value=INT64_MAX)
small = st.integers(min_value=-(10**15), max_value=10**15)
rates = st.integers(min_value=0, max_value=200_000)
roundings = st.sampled_from(list(Rounding))


@pytest.mark.parametrize(
    ("currency", "digits"), [("JPY", 0), ("KRW", 0), ("EUR", 2), ("KWD", 3), ("BHD", 3), ("CLF", 4)]
)
def test_each_currency_counts_in_its_own_minor_unit(currency: str, digits: int) -> None:
    assert exponent(currency) == digits


@pytest.mark.parametrize("code", ["", "EU", "eur", "EURO", "ZZZ", "E\u20ac"])
def test_a_currency_nobody_issues_is_refused_and_never_defaulted(code: str) -> None:
    with pytest.raises(NotMoney):
        Money.parse("1", code)


@given(minors, currencies)
def test_what_is_written_is_read_back_the_same(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    if len(money.text.lstrip("-").split(".")[0]) <= 18:
        assert Money.parse(money.text, currency) == money


@given(st.integers(min_value=-(10**12), max_value=10**12), st.integers(min_value=0, max_value=6), currencies)
@example(10_999, 3, "EUR")
@example(1, 1, "JPY")
def test_reading_is_exact_or_refused_and_never_rounded(digits: int, scale: int, currency: str) -> None:
    value = Decimal(digits).scaleb(-scale)
    text = format(value, "f")
    minor = value.scaleb(exponent(currency))
    if minor == minor.to_integral_value():
        assert Money.parse(text, currency) == Money(int(minor), currency)
    else:
        with pytest.raises(NotMoney):
            Money.parse(text, currency)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "1 ", " 1", "1.", ".5", "1,50", "1e3", "1E-2", "NaN", "inf", "-", "+-1", "--1", "0x10", "1_000", "1.2.3",
        "12.345", "\u0661\u0662", "1\n", "\u22125", "9" * 19,
    ],
)  # fmt: skip
def test_a_text_that_is_not_a_plain_amount_is_refused(text: str) -> None:
    with pytest.raises(NotMoney):
        Money.parse(text, "EUR")


@given(st.text(max_size=24))
def test_any_text_is_money_or_refused(text: str) -> None:
    try:
        money = Money.parse(text, "EUR")
    except NotMoney:
        return
    assert Decimal(text) * 100 == money.minor


@pytest.mark.parametrize("minor", [INT64_MAX + 1, -INT64_MAX - 1])
def test_what_does_not_fit_64_bits_is_refused(minor: int) -> None:
    with pytest.raises(NotMoney):
        Money(minor, "EUR")


@pytest.mark.parametrize("minor", [1.0, True, "1", Decimal(1), None])
def test_money_counts_whole_minor_units(minor: object) -> None:
    with pytest.raises(OurBug):
        Money(minor, "EUR")  # type: ignore[arg-type]


@given(small, small, currencies)
def test_sums_and_differences_are_exact(left: int, right: int, currency: str) -> None:
    total = Money(left, currency) + Money(right, currency)
    assert total.minor == left + right
    assert total - Money(right, currency) == Money(left, currency)
    assert -total == Money(0, currency) - total


def test_two_currencies_never_add() -> None:
    with pytest.raises(MixedCurrency):
        Money(1, "EUR") + Money(1, "USD")
    with pytest.raises(MixedCurrency):
        Money(1, "EUR") - Money(1, "JPY")


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**9), roundings)
@example(5, 10, Rounding.HALF_EVEN)
@example(15, 10, Rounding.HALF_EVEN)
@example(-5, 10, Rounding.HALF_UP)
def test_division_rounds_as_named(numerator: int, denominator: int, rounding: Rounding) -> None:
    with localcontext(prec=60):
        exact = Decimal(numerator) / Decimal(denominator)
        expected = int(exact.quantize(Decimal(1), rounding=DECIMAL_ROUNDING[rounding]))
    assert divide(numerator, denominator, rounding) == expected


@given(small, rates, roundings)
def test_a_share_is_within_one_minor_unit_of_the_exact_rate(minor: int, rate: int, rounding: Rounding) -> None:
    exact = Fraction(minor * rate, RATE_SCALE)
    share = Money(minor, "EUR").share(rate, rounding).minor
    allowed = Fraction(1, 2) if rounding is not Rounding.DOWN else Fraction(RATE_SCALE - 1, RATE_SCALE)
    assert abs(share - exact) <= allowed


@given(small, rates, roundings)
def test_a_share_of_a_debt_is_the_mirror_of_a_share_of_a_credit(minor: int, rate: int, rounding: Rounding) -> None:
    assert Money(-minor, "EUR").share(rate, rounding) == -Money(minor, "EUR").share(rate, rounding)


@given(small, rates)
def test_a_share_and_the_rest_are_the_whole(minor: int, rate: int) -> None:
    gross = Money(minor, "EUR")
    commission = gross.share(rate, Rounding.HALF_EVEN)
    assert commission + (gross - commission) == gross


weights = st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=40)


@given(small, weights)
@example(100, [1, 1, 1])
@example(-100, [1, 1, 1])
@example(1, [0, 0])
def test_the_parts_of_a_split_are_the_whole_and_each_is_fair(total: int, shares: list[int]) -> None:
    parts = split_minor(total, shares)
    assert sum(parts) == total
    whole = sum(shares)
    for part, share in zip(parts, shares, strict=True):
        assert part == 0 or (part > 0) == (total > 0)
        if whole:
            assert abs(part - Fraction(total * share, whole)) < 1
            assert share or not part


@given(st.integers(0, 10**9), weights)
def test_a_split_of_a_debt_is_the_mirror_of_a_split_of_a_credit(total: int, shares: list[int]) -> None:
    assert split_minor(-total, shares) == [-part for part in split_minor(total, shares)]


@given(st.integers(0, 10**9), st.integers(1, 40))
def test_equal_shares_differ_by_at_most_one_minor_unit_and_the_first_have_more(total: int, count: int) -> None:
    parts = split_minor(total, [7] * count)
    assert parts == sorted(parts, reverse=True)
    assert parts[0] - parts[-1] <= 1


@pytest.mark.parametrize("shares", [[], [1, -1]])
def test_a_split_without_sensible_weights_is_our_bug(shares: list[int]) -> None:
    with pytest.raises(OurBug):
        Money(100, "EUR").split(shares)


def test_a_discount_over_three_legs_leaves_no_cent_behind() -> None:
    parts = Money(1_000, "EUR").split([3_333, 3_333, 3_334])
    assert [part.text for part in parts] == ["3.33", "3.33", "3.34"]


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (-5, "EUR", "-0.05"),
        (1_250, "EUR", "12.50"),
        (1_200, "JPY", "1200"),
        (-1_001, "KWD", "-1.001"),
        (0, "EUR", "0.00"),
    ],
)
def test_money_reads_as_people_write_it(minor: int, currency: str, text: str) -> None:
    assert Money(minor, currency).text == text
    assert str(Money(minor, currency)) == f"{text} {currency}"
