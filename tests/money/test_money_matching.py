"""Matching and explaining, pure: nothing is matched twice, nothing is lost, every cent of a difference has a cause."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.money.settlement.arithmetic import Balance, Sums, balance, operator_share, payment_of
from entrepot.money.settlement.causes import OWNERS, Context, explain, percent
from entrepot.money.settlement.decisions import FACT_OF_CAUSE
from entrepot.money.settlement.families import FAMILY, Family
from entrepot.money.settlement.model import Author, LineType, gateway_line_type, marketplace_line_type
from entrepot.money.settlement.rules import Line, Ours, Pair, key_of, match, ref, witness_of
from entrepot.money.settlement.states import (
    STATEMENT_MOVES,
    VARIANCE_MOVES,
    Cause,
    StatementState,
    VarianceState,
)

types = st.sampled_from(
    [LineType.ORDER_AMOUNT, LineType.COMMISSION_FEE, LineType.COMMISSION_VAT, LineType.REFUND_ORDER_AMOUNT]
)
amounts = st.integers(min_value=-5, max_value=5)
orders = st.sampled_from(["", "A", "B"])
order_lines = st.sampled_from(["", "1", "2"])
references = st.sampled_from(["", "R1", "R2"])
currencies = st.sampled_from(["EUR", "EUR", "USD"])


@st.composite
def lines(draw: st.DrawFn) -> list[Line]:
    given = draw(st.lists(st.tuples(types, amounts, currencies, orders, order_lines, references), max_size=12))
    return [Line(f"l{n}", f"tl-{n}", str(t), t, a, c, o, ol, r) for n, (t, a, c, o, ol, r) in enumerate(given)]


@st.composite
def postings(draw: st.DrawFn) -> list[Ours]:
    nonzero = amounts.filter(bool)
    given = draw(
        st.lists(st.tuples(types, nonzero, currencies, orders, order_lines, references, st.booleans()), max_size=12)
    )
    return [Ours("j", n, t, a, c, "gateway", o, ol, r, f) for n, (t, a, c, o, ol, r, f) in enumerate(given)]


@given(lines(), postings())
def test_every_line_is_matched_or_differs_or_stands_alone_and_no_posting_is_used_twice(
    theirs: list[Line], ours: list[Ours]
) -> None:
    result = match(theirs, ours)
    pairs = [*result.matched, *result.differing]
    accounted = [line.id for pair in pairs for line in pair.lines] + [line.id for line in result.unanswered]
    assert Counter(accounted) == Counter(line.id for line in theirs)
    used = Counter(ref(posting) for pair in pairs for posting in pair.ours)
    assert not used or max(used.values()) == 1
    assert all(posting.free for pair in pairs for posting in pair.ours)


@given(lines(), postings())
def test_what_is_matched_is_equal_to_the_minor_unit_and_speaks_of_the_same(
    theirs: list[Line], ours: list[Ours]
) -> None:
    for pair in match(theirs, ours).matched:
        assert pair.theirs_minor == pair.ours_minor
        both: list[Line | Ours] = [*pair.lines, *pair.ours]
        assert len({(one.currency, one.line_type) for one in both}) == 1
        for line in pair.lines:
            for posting in pair.ours:
                for name in ("order_id", "order_line_id", "reference"):
                    said, known = getattr(line, name), getattr(posting, name)
                    assert said == known or not said or not known


@given(lines(), postings())
def test_what_is_left_over_on_both_sides_has_no_exact_partner(theirs: list[Line], ours: list[Ours]) -> None:
    result = match(theirs, ours)
    used = {ref(posting) for pair in (*result.matched, *result.differing) for posting in pair.ours}
    left = {(key_of(p), p.amount_minor) for p in ours if p.free and ref(p) not in used}
    assert not any((key_of(line), line.amount_minor) in left for line in result.unanswered)


@given(lines(), postings())
def test_the_explanations_add_up_to_the_difference_exactly(theirs: list[Line], ours: list[Ours]) -> None:
    result = match(theirs, ours)
    matched = [line for pair in result.matched for line in pair.lines]
    found = explain(result.differing, result.unanswered, Context(ours, matched))
    for currency in ("EUR", "USD"):
        used = {ref(p): p for pair in (*result.matched, *result.differing) for p in pair.ours if p.currency == currency}
        difference = sum(line.amount_minor for line in theirs if line.currency == currency)
        difference -= sum(posting.amount_minor for posting in used.values())
        assert sum(one.amount_minor for one in found if one.currency == currency) == difference
    assert all(one.owner and one.explanation for one in found)


@given(st.permutations(range(6)))
def test_the_order_of_their_lines_does_not_change_what_matches(order: list[int]) -> None:
    ours = [Ours("j", n, LineType.ORDER_AMOUNT, n + 1, "EUR", "gateway", "A", "1") for n in range(5)]
    theirs = [Line(f"l{n}", f"tl-{n}", "ORDER_AMOUNT", LineType.ORDER_AMOUNT, n + 1, "EUR", "A", "1") for n in range(6)]
    result = match([theirs[n] for n in order], ours)
    assert len(result.matched) == 5
    assert [line.amount_minor for line in result.unanswered] == [6]


def line(amount: int, line_type: LineType = LineType.ORDER_AMOUNT, **ids: str) -> Line:
    return Line("l", "tl", str(line_type), line_type, amount, "EUR", **ids)


def ours(amount: int, witness: str = "gateway", *, order_id: str, order_line_id: str = "") -> Ours:
    return Ours("j", amount, LineType.ORDER_AMOUNT, amount, "EUR", witness, order_id, order_line_id)


def test_a_marketplace_is_no_witness_of_its_own_statement() -> None:
    ours_own = Pair((line(5, order_id="A"),), (ours(5, "marketplace", order_id="A"),))
    half = Pair((line(5, order_id="A"),), (ours(3, order_id="A"), ours(2, "marketplace", order_id="A")))
    other = Pair((line(5, order_id="A"),), (ours(5, "rate-agreement", order_id="A"),))
    assert witness_of(ours_own, Author.MARKETPLACE) == ""
    assert witness_of(half, Author.MARKETPLACE) == ""
    assert witness_of(other, Author.MARKETPLACE) == "rate-agreement"
    assert witness_of(ours_own, Author.GATEWAY) == "marketplace"


def test_a_line_without_a_line_number_is_held_against_the_whole_order() -> None:
    result = match(
        [line(5, order_id="A")], [ours(3, order_id="A", order_line_id="1"), ours(2, order_id="A", order_line_id="2")]
    )
    assert result.unanswered == ()


def test_two_order_lines_of_the_same_price_are_not_swapped() -> None:
    result = match([line(5, order_id="A", order_line_id="1")], [ours(5, order_id="A", order_line_id="2")])
    assert result.matched == ()


@pytest.mark.parametrize(
    ("part", "base", "text"),
    [
        (1_200, 10_000, "12 %"),
        (2_825, 23_538, "12 %"),  # 12.002 % as such, and 12 % rounded to the cent
        (-458, 4_819, "9.5 %"),
        (1_199, 10_000, "11.99 %"),
        (33_333, 100_001, "33.333 %"),
        (0, 100, "0 %"),
        (5, 0, "no base"),
    ],
)
def test_a_rate_is_shown_as_round_as_the_amounts_allow(part: int, base: int, text: str) -> None:
    assert percent(part, base) == text


# -- a statement's own arithmetic --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sums", "voucher", "waited", "verdict"),
    [
        (Sums(500, 500, 0, 3), True, False, Balance.BALANCED),
        (Sums(500, 800, -300, 5), True, False, Balance.BALANCED),
        (Sums(500, 400, 0, 3), True, False, Balance.WAITING),
        (Sums(500, 400, 0, 3), True, True, Balance.OFF),
        (Sums(500, 0, 0, 0), True, True, Balance.NO_LINES),
        (Sums(0, 0, 0, 0), False, False, Balance.WAITING),
        (Sums(0, 0, 0, 2), False, True, Balance.BALANCED),
        (Sums(0, -390, 0, 2), False, False, Balance.WAITING),
        (Sums(0, -390, 0, 2), False, True, Balance.CARRIED_OVER),
        (Sums(0, 390, 0, 2), False, True, Balance.OFF),
        (Sums(0, -390, 0, 2), True, True, Balance.OFF),
    ],
)
def test_a_statement_is_judged_by_its_own_numbers(sums: Sums, voucher: bool, waited: bool, verdict: Balance) -> None:
    assert balance(sums, pays_sellers=True, has_voucher=voucher, waited=waited) is verdict


def test_a_gateways_report_is_never_carried_over() -> None:
    assert balance(Sums(0, -5, 0, 1), pays_sellers=False, has_voucher=False, waited=True) is Balance.OFF


def test_the_operators_share_is_what_is_not_the_sellers_and_may_be_negative() -> None:
    cycle = [
        (LineType.ORDER_AMOUNT, 10_000),
        (LineType.COMMISSION_FEE, -1_200),
        (LineType.COMMISSION_VAT, -240),
        (LineType.REFUND_ORDER_AMOUNT, -4_000),
        (LineType.REFUND_COMMISSION_FEE, 480),
        (LineType.REFUND_COMMISSION_VAT, 96),
        (LineType.SUBSCRIPTION_FEE, -3_900),
        (LineType.MANUAL_CREDIT, 6_000),
        (LineType.OPERATOR_REMITTED_ORDER_AMOUNT_TAX, -70),
        (LineType.PAYMENT, -7_166),
    ]
    assert operator_share(cycle) == 1_200 + 240 - 480 - 96 + 3_900 - 6_000 + 70
    assert payment_of(cycle) == 7_166


# -- tables ------------------------------------------------------------------------------------------------------------


def test_every_state_has_a_row_and_only_the_last_ones_lead_nowhere() -> None:
    assert set(STATEMENT_MOVES) == set(StatementState)
    assert [state for state, to in STATEMENT_MOVES.items() if not to] == [StatementState.CLOSED]
    assert set(VARIANCE_MOVES) == set(VarianceState)
    assert [state for state, to in VARIANCE_MOVES.items() if not to] == [VarianceState.CORRECTED]


def test_every_cause_has_an_owner_and_an_account_its_money_goes_to() -> None:
    assert set(OWNERS) == set(FACT_OF_CAUSE) == set(Cause)


def test_every_kind_of_line_but_the_unknown_has_its_step_in_the_waterfall() -> None:
    without = [line_type for line_type, family in FAMILY.items() if family is Family.UNRECOGNISED]
    assert without == [LineType.UNRECOGNISED]


@pytest.mark.parametrize("word", ["GATEWAY_FEE", "UNRECOGNISED", "order_amount", "", "PAYMENT "])
def test_a_word_no_marketplace_documented_is_unrecognised(word: str) -> None:
    assert marketplace_line_type(word) is LineType.UNRECOGNISED


def test_words_of_gateways_and_marketplaces_are_their_own() -> None:
    assert marketplace_line_type("PAYMENT") is LineType.PAYMENT
    assert gateway_line_type("chargeback_reversal") is LineType.GATEWAY_CHARGEBACK_REVERSAL
    assert gateway_line_type("ORDER_AMOUNT") is LineType.UNRECOGNISED
