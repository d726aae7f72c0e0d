"""The fact table, row by row: no rows without meaning, no fact that could leave the books unbalanced."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.money.commission.model import Commission
from entrepot.money.ledger import journals
from entrepot.money.ledger.chart import CHART, WITHOUT_SELLER, LedgerAccount
from entrepot.money.ledger.facts import FACTS, Book, Fact
from entrepot.money.ledger.journals import Head, LineMoney
from entrepot.money.ledger.model import Item, Journal
from entrepot.money.ledger.rules import WrongAmounts, build, reversal
from entrepot.money.settlement.model import LineType

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
HEAD: Head = {"key": "k", "account": "mirakl-fr/operator", "root": "basket:C-1", "at": AT, "currency": "EUR"}
ALL_FACTS = sorted(FACTS.values(), key=lambda fact: fact.name)


def lines_of(journal: Journal) -> list[tuple[str, int, str]]:
    return [(str(p.ledger_account), p.amount_minor, p.line_type) for p in journal.postings]


@pytest.mark.parametrize("fact", ALL_FACTS, ids=lambda fact: fact.name)
def test_every_fact_debits_each_amount_exactly_as_often_as_it_credits_it(fact: Fact) -> None:
    sides: Counter[str] = Counter()
    for rule in fact.rules:
        for name in rule.amounts:
            sides[name] += rule.side
    assert set(sides.values()) == {0}
    assert {rule.side for rule in fact.rules} == {1, -1}


@pytest.mark.parametrize("fact", ALL_FACTS, ids=lambda fact: fact.name)
def test_every_fact_answers_lines_on_the_one_account_its_statement_speaks_of(fact: Fact) -> None:
    spoken_of = LedgerAccount.GATEWAY_CLEARING if fact.book is Book.GATEWAY else LedgerAccount.SELLER_PAYABLE
    for rule in fact.rules:
        assert (rule.ledger_account is spoken_of) or rule.answers is None
        if rule.answers is not None:
            assert rule.answers.startswith("GATEWAY_") == (fact.book is Book.GATEWAY)


def test_every_account_of_the_chart_is_explained_and_moved_by_some_fact() -> None:
    moved = {rule.ledger_account for fact in ALL_FACTS for rule in fact.rules}
    assert moved == set(LedgerAccount) == set(CHART)
    assert all(meaning.endswith(".") for _, meaning in CHART.values())


def test_no_statement_line_is_answered_with_the_wrong_sign() -> None:
    """A line the seller sees as a credit is a credit on seller-payable; a line the merchant gains is a debit."""
    taken_from_seller = {"COMMISSION", "SUBSCRIPTION", "MANUAL_INVOICE", "REFUND_ORDER", "PAYMENT", "RESERVE_FUNDING"}
    taken_from_us = {LineType.GATEWAY_REFUND, LineType.GATEWAY_CHARGEBACK, LineType.GATEWAY_FEE}
    taken_from_us |= {LineType.GATEWAY_TRANSFER, LineType.GATEWAY_PAYOUT}
    for fact in ALL_FACTS:
        for rule in fact.rules:
            if rule.answers is None:
                continue
            if fact.book is Book.GATEWAY:
                assert (rule.side == -1) == (rule.answers in taken_from_us), (fact.name, rule.answers)
            else:
                taken = any(rule.answers.startswith(prefix) for prefix in taken_from_seller)
                assert (rule.side == 1) == taken, (fact.name, rule.answers)


amounts = st.integers(min_value=-(10**12), max_value=10**12)


@st.composite
def asked(draw: st.DrawFn) -> tuple[Fact, list[Item]]:
    fact = draw(st.sampled_from(ALL_FACTS))
    amount = amounts if fact.signed else st.integers(min_value=0, max_value=10**12)
    item = st.builds(
        Item,
        st.dictionaries(st.sampled_from(sorted(fact.amounts)), amount),
        st.sampled_from(["", "C-1-A-1", "C-1-A-2"]),
        st.sampled_from(["", "R-1", "R-2"]),
    )
    return fact, draw(st.lists(item, max_size=6))


@given(asked())
def test_whatever_the_amounts_a_journal_sums_to_zero_and_holds_no_zero(case: tuple[Fact, list[Item]]) -> None:
    fact, items = case
    journal = build(fact.name, items=items, seller_id="2001", order_id="C-1-A", **HEAD)
    assert sum(posting.amount_minor for posting in journal.postings) == 0
    assert all(posting.amount_minor for posting in journal.postings)
    assert len(journal.postings) != 1
    assert all(not p.seller_id for p in journal.postings if p.ledger_account in WITHOUT_SELLER)


@given(asked())
def test_a_reversal_takes_every_posting_back(case: tuple[Fact, list[Item]]) -> None:
    fact, items = case
    journal = build(fact.name, items=items, **HEAD)
    turned = reversal(journal, "jnl_1", at=AT, because="wrong seller", message_id=None)
    assert [p.amount_minor for p in turned.postings] == [-p.amount_minor for p in journal.postings]
    assert turned.key != journal.key
    assert turned.reverses == "jnl_1"


def test_a_capture_waits_in_buyer_clearing_until_a_leg_is_debited() -> None:
    captured = journals.basket_captured(capture_id="cap_1", amount_minor=5_000, **HEAD)
    assert lines_of(captured) == [
        ("gateway-clearing", 5_000, "GATEWAY_CAPTURE"),
        ("buyer-clearing", -5_000, ""),
    ]
    assert {p.reference for p in captured.postings} == {"cap_1"}


def test_a_debited_leg_owes_its_seller_each_line_and_its_shipping() -> None:
    lines = [LineMoney("C-1-A-1", 3_000, 500), LineMoney("C-1-A-2", 1_500, 0, 300, 0)]
    journal = journals.leg_debited(order_id="C-1-A", seller_id="2001", lines=lines, **HEAD)
    assert lines_of(journal) == [
        ("buyer-clearing", 5_300, ""),
        ("seller-payable", -3_000, "ORDER_AMOUNT"),
        ("seller-payable", -1_500, "ORDER_AMOUNT"),
        ("seller-payable", -500, "ORDER_SHIPPING_AMOUNT"),
        ("seller-payable", -300, "ORDER_AMOUNT_TAX"),
    ]
    assert [p.order_line_id for p in journal.postings] == ["", "C-1-A-1", "C-1-A-2", "C-1-A-1", "C-1-A-2"]
    assert {p.seller_id for p in journal.postings if p.ledger_account == "seller-payable"} == {"2001"}


def test_commission_is_taken_from_the_seller_per_line_and_its_tax_is_owed_to_the_state() -> None:
    lines = [Commission("C-1-A-1", 420, 84, 12_000, 3_500), Commission("C-1-A-2", 180, 36, 12_000, 1_500)]
    journal = journals.commission_charged(order_id="C-1-A", seller_id="2001", lines=lines, **HEAD)
    assert lines_of(journal) == [
        ("seller-payable", 420, "COMMISSION_FEE"),
        ("seller-payable", 180, "COMMISSION_FEE"),
        ("seller-payable", 84, "COMMISSION_VAT"),
        ("seller-payable", 36, "COMMISSION_VAT"),
        ("commission-income", -600, ""),
        ("commission-tax", -120, ""),
    ]
    assert {str(p.witness) for p in journal.postings} == {"rate-agreement"}


def test_a_refund_is_borne_by_the_seller_paid_by_the_gateway_and_its_commission_comes_back() -> None:
    parts = [LineMoney("C-1-A-1", 3_000, 500, reference="R-7")]
    refunded = journals.leg_refunded(order_id="C-1-A", seller_id="2001", lines=parts, **HEAD)
    paid = journals.refund_paid(gateway_refund_id="ref_1", amount_minor=3_500, **HEAD)
    back = [Commission("C-1-A-1", 420, 84, 12_000, 3_500, "R-7")]
    returned = journals.commission_returned(order_id="C-1-A", seller_id="2001", lines=back, **HEAD)
    assert lines_of(refunded)[-1] == ("refund-clearing", -3_500, "")
    assert refunded.postings[-1].reference == "R-7"
    assert lines_of(paid) == [("refund-clearing", 3_500, ""), ("gateway-clearing", -3_500, "GATEWAY_REFUND")]
    assert ("seller-payable", -420, "REFUND_COMMISSION_FEE") in lines_of(returned)
    assert ("seller-payable", -84, "REFUND_COMMISSION_VAT") in lines_of(returned)


@pytest.mark.parametrize(
    ("by", "bearer", "answers"),
    [
        ("seller", "seller-payable", "MANUAL_INVOICE"),
        ("operator", "write-off", ""),
        ("marketplace", "marketplace-receivable", ""),
        ("buyer", "buyer-clearing", ""),
    ],
)
def test_a_lost_chargeback_leaves_suspense_for_whoever_is_liable(by: str, bearer: str, answers: str) -> None:
    opened = journals.chargeback_opened(dispute_id="dis_1", amount_minor=900, **HEAD)
    lost = journals.chargeback_lost(by=by, amount_minor=900, reference="dis_1", seller_id="2001", **HEAD)
    assert lines_of(opened) == [("chargeback-suspense", 900, ""), ("gateway-clearing", -900, "GATEWAY_CHARGEBACK")]
    assert lines_of(lost) == [(bearer, 900, answers), ("chargeback-suspense", -900, "")]


def test_a_won_chargeback_comes_back_from_the_gateway() -> None:
    won = journals.chargeback_won(dispute_id="dis_1", amount_minor=900, **HEAD)
    assert lines_of(won) == [
        ("gateway-clearing", 900, "GATEWAY_CHARGEBACK_REVERSAL"),
        ("chargeback-suspense", -900, ""),
    ]


def test_a_payout_is_in_transit_until_the_gateways_report_shows_it() -> None:
    sent = journals.payout_sent(seller_id="2001", voucher="000001", amount_minor=41_006, **HEAD)
    settled = journals.payout_settled(seller_id="2001", transfer_id="tr_1", amount_minor=41_006, **HEAD)
    assert lines_of(sent) == [("seller-payable", 41_006, "PAYMENT"), ("payout-clearing", -41_006, "")]
    assert lines_of(settled) == [("payout-clearing", 41_006, ""), ("gateway-clearing", -41_006, "GATEWAY_TRANSFER")]


@pytest.mark.parametrize(
    ("fact", "sign", "counter", "line_type"),
    [
        ("manual-credit", -1, "fee-expense", "MANUAL_CREDIT"),
        ("manual-invoice", 1, "fee-income", "MANUAL_INVOICE"),
        ("subscription", 1, "fee-income", "SUBSCRIPTION_FEE"),
    ],
)
def test_documents_of_the_operator_carry_their_tax_apart(fact: str, sign: int, counter: str, line_type: str) -> None:
    journal = journals.document(fact, seller_id="2001", number="130201", fee_minor=2_000, tax_minor=500, **HEAD)
    tax_type = "SUBSCRIPTION_VAT" if fact == "subscription" else f"{line_type}_VAT"
    assert sorted(lines_of(journal)) == sorted(
        [
            ("seller-payable", sign * 2_000, line_type),
            ("seller-payable", sign * 500, tax_type),
            (counter, -sign * 2_000, ""),
            ("commission-tax", -sign * 500, ""),
        ]
    )


def test_a_reserve_released_is_the_mirror_of_a_reserve_funded() -> None:
    funded = journals.reserve("reserve-funded", seller_id="2001", reference="r", amount_minor=700, **HEAD)
    released = journals.reserve("reserve-released", seller_id="2001", reference="r", amount_minor=700, **HEAD)
    assert lines_of(funded) == [("seller-payable", 700, "RESERVE_FUNDING"), ("reserve", -700, "")]
    assert lines_of(released) == [("reserve", 700, ""), ("seller-payable", -700, "RESERVE_SETTLEMENT")]


def test_gateway_money_movements_of_our_own() -> None:
    fee = journals.gateway_fee(operation_id="cap_1", amount_minor=95, **HEAD)
    paid_out = journals.gateway_paid_out(operation_id="po_1", amount_minor=10_000, **HEAD)
    assert lines_of(fee) == [("gateway-fee-expense", 95, ""), ("gateway-clearing", -95, "GATEWAY_FEE")]
    assert lines_of(paid_out) == [("bank", 10_000, ""), ("gateway-clearing", -10_000, "GATEWAY_PAYOUT")]


@pytest.mark.parametrize(
    ("fact", "counter"),
    [
        ("commission-adjusted", "commission-income"),
        ("tax-adjusted", "commission-tax"),
        ("fee-adjusted", "fee-income"),
        ("document-adjusted", "fee-expense"),
        ("reserve-adjusted", "reserve"),
        ("fx-result", "fx-result"),
        ("rounding", "rounding"),
        ("write-off", "write-off"),
    ],
)
def test_an_accepted_surplus_gives_the_seller_more_and_a_shortage_less(fact: str, counter: str) -> None:
    more = build(fact, items=[Item({"amount": 30})], **HEAD)
    less = build(fact, items=[Item({"amount": -30})], **HEAD)
    assert lines_of(more) == [(counter, 30, ""), ("seller-payable", -30, "")]
    assert lines_of(less) == [(counter, -30, ""), ("seller-payable", 30, "")]


def test_an_accepted_difference_to_the_gateways_report_is_written_off() -> None:
    journal = build("gateway-written-off", items=[Item({"amount": -5})], **HEAD)
    assert lines_of(journal) == [("gateway-clearing", -5, ""), ("write-off", 5, "")]


def test_a_free_leg_moves_no_money() -> None:
    free = journals.leg_debited(order_id="C-1-A", seller_id="2001", lines=[LineMoney("C-1-A-1", 0, 0)], **HEAD)
    assert free.postings == ()


def test_a_negative_capture_is_our_bug() -> None:
    with pytest.raises(WrongAmounts):
        journals.basket_captured(capture_id="cap_1", amount_minor=-1, **HEAD)


def test_an_amount_the_fact_does_not_know_is_our_bug() -> None:
    with pytest.raises(WrongAmounts):
        build("basket-captured", items=[Item({"amuont": 1})], **HEAD)
