"""Mirakl's records in our words: every sample by hand, every word of the protocol, and nothing that makes a reader crash."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from connectors.totality import Reader, Totality
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.connectors.mirakl import translate
from entrepot.connectors.mirakl.words import (
    LEG_BY_ORDER_STATE,
    LINE_BY_WORD,
    REFUND_BY_STATE,
    RETURN_BY_STATE,
    SHIPMENT_BY_STATUS,
)
from entrepot.connectors.port import Malformed
from entrepot.connectors.reading import canonical, encoded
from entrepot.kernel.outcome import Unrecognised
from entrepot.money.settlement.model import CycleSeen, LineType, StatementLineSeen
from entrepot.trade.order.model import DebitAsked, OrderSeen, RefundSeen, ReturnSeen, ShipmentSeen
from entrepot.trade.order.states import LegState, LineState

SAMPLES = Path(__file__).parent / "samples"
KINDS = sorted(path.stem for path in SAMPLES.glob("*.json"))


def sample(kind: str) -> dict[str, Any]:
    """A sample with its amounts digit for digit."""
    data: dict[str, Any] = json.loads((SAMPLES / f"{kind}.json").read_bytes(), parse_float=Decimal)
    return data


def read(kind: str, data: Any) -> Any:
    return translate.TRANSLATORS[kind](encoded(data))


def order(**changed: Any) -> Any:
    return read("order", {**sample("order"), **changed})


def with_line(n: int, **changed: Any) -> Any:
    data = sample("order")
    data["order_lines"][n] |= changed
    return read("order", data)


def with_refund(**changed: Any) -> Any:
    data = sample("order")
    data["order_lines"][0]["refunds"][0] |= changed
    return read("order", data)


def test_every_kind_has_a_sample() -> None:
    assert set(KINDS) == set(translate.TRANSLATORS)


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_is_read_in_our_words() -> None:
    seen = order()
    assert isinstance(seen, OrderSeen)
    assert (seen.order_id, seen.commercial_id, seen.seller_id, seen.seller_name) == (
        "C-100-A",
        "C-100",
        "2001",
        "Harbour Books",
    )
    assert (seen.state, seen.their_state, seen.currency) == (LegState.TO_SHIP, "SHIPPING", "EUR")
    assert seen.created_at == datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
    assert seen.updated_at == datetime(2026, 11, 2, 12, 30, 45, 123000, tzinfo=UTC)
    assert seen.decided_at == datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
    assert seen.debited_at == datetime(2026, 11, 2, 11, 0, tzinfo=UTC)
    assert (seen.carrier, seen.tracking, seen.has_incident) == ("DHL", "JD014600", False)


def test_a_line_is_read_digit_for_digit() -> None:
    line = order().lines[0]
    assert (line.order_line_id, line.offer_id, line.sku, line.category, line.quantity) == (
        "C-100-A-1",
        "101",
        "HB-1",
        "BOOKS",
        2,
    )
    assert (line.price_minor, line.shipping_minor, line.commission_minor, line.commission_tax_minor) == (
        3998,
        700,
        705,
        141,
    )
    assert (line.state, order().lines[1].state) == (LineState.TO_SHIP, LineState.REFUSED)
    assert order().lines[1].cancelled_qty == 1


def test_the_total_is_of_all_lines_also_of_those_they_no_longer_count() -> None:
    assert order().total_minor == 3998 + 700 + 705


def test_tax_inside_the_price_is_not_added_again() -> None:
    seen = order(order_tax_mode="TAX_INCLUDED")
    assert [line.tax_minor for line in seen.lines] == [0, 0]
    assert seen.lines[0].refunds[0].amount_minor == 850


def test_tax_on_top_of_the_price_is_added() -> None:
    seen = order(order_tax_mode="TAX_EXCLUDED")
    assert [line.tax_minor for line in seen.lines] == [244, 0]
    assert seen.total_minor == 3998 + 700 + 705 + 244
    assert seen.lines[0].refunds[0].amount_minor == 850 + 44


def test_a_tax_mode_nobody_published_stops_the_order_since_every_price_would_mean_something_else() -> None:
    assert order(order_tax_mode="TAX_SPLIT") == Unrecognised("order_tax_mode", "TAX_SPLIT")


def test_a_refund_on_the_order_is_read_with_all_its_parts() -> None:
    (refund,) = order().lines[0].refunds
    assert refund == RefundSeen(
        refund_id="1001",
        order_id="C-100-A",
        order_line_id="C-100-A-1",
        amount_minor=850,
        shipping_minor=350,
        commission_minor=128,
        commission_tax_minor=26,
        currency="EUR",
        reason="RETURNED",
        state="asked",
        asked_at=datetime(2026, 11, 2, 12, 30, tzinfo=UTC),
    )


@pytest.mark.parametrize(("word", "ours"), sorted(REFUND_BY_STATE.items()))
def test_every_state_of_a_refund_is_known(word: str, ours: str) -> None:
    assert with_refund(refund_state=word).lines[0].refunds[0].state == ours


def test_the_older_field_of_a_refunds_state_is_read_where_the_newer_is_empty() -> None:
    assert with_refund(refund_state=None, state="REFUNDED").lines[0].refunds[0].state == "refunded"


@pytest.mark.parametrize("word", ["ON_ICE", "refunded", ""])
def test_a_refund_in_a_state_nobody_published_is_not_taken_for_one_we_know(word: str) -> None:
    assert with_refund(refund_state=word, state=None) == Unrecognised("refund_state", word)


@pytest.mark.parametrize(("word", "ours"), sorted(LEG_BY_ORDER_STATE.items()))
def test_every_state_of_an_order_is_known(word: str, ours: LegState) -> None:
    states = {LegState.ACCEPTED: LegState.PART_ACCEPTED}
    assert order(order_state=word).state == states.get(ours, ours)


@pytest.mark.parametrize(("word", "ours"), sorted(LINE_BY_WORD.items()))
def test_every_state_of_a_line_is_known(word: str, ours: LineState) -> None:
    assert with_line(0, order_line_state=word).lines[0].state == ours


@pytest.mark.parametrize("word", ["ON_ICE", "shipped", "", "SHIPPED "])
def test_a_word_nobody_published_is_never_good_news(word: str) -> None:
    assert order(order_state=word).state == Unrecognised("order_state", word)
    assert with_line(0, order_line_state=word).lines[0].state == Unrecognised("order_line_state", word)


def test_some_lines_shipped_is_part_shipped() -> None:
    assert with_line(1, order_line_state="SHIPPED").state is LegState.PART_SHIPPED


def test_nobody_decided_is_told_from_refused() -> None:
    assert order(order_state="REFUSED", acceptance_decision_date=None).decided_by_itself
    assert not order(order_state="REFUSED").decided_by_itself


@pytest.mark.parametrize(
    ("currency", "price", "minor"),
    [("JPY", "1200", 1200), ("KWD", "1.234", 1234), ("KWD", "1.2", 1200), ("EUR", "0.1", 10)],
)
def test_amounts_follow_the_currencys_own_digits(currency: str, price: str, minor: int) -> None:
    data = sample("order") | {"currency_iso_code": currency}
    data["order_lines"] = [sample("order")["order_lines"][1] | {"price": Decimal(price), "cancelations": []}]
    assert read("order", data).lines[0].price_minor == minor


@pytest.mark.parametrize("price", ["10.999", "1e-3", "1e400", "1e30", "-1", "123456789012345678901"])
def test_an_amount_that_is_none_parks_the_order_and_says_where(price: str) -> None:
    data = encoded(sample("order")).replace(b"7.05", price.encode())
    seen = translate.order(data)
    assert isinstance(seen, Malformed)
    assert "order_lines[" in seen.where


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"order_id": None}, "$.order_id"),
        ({"order_lines": []}, "$.order_lines"),
        ({"order_lines": None}, "$.order_lines"),
        ({"currency_iso_code": "EURO"}, "$.order_lines[0].price"),
        ({"currency_iso_code": None}, "$.currency_iso_code"),
        ({"created_date": "2026-11-02T09:00:00"}, "$.created_date"),
        ({"last_updated_date": "yesterday"}, "$.last_updated_date"),
        ({"shipping_deadline": 5}, "$.shipping_deadline"),
        ({"has_incident": "no"}, "$.has_incident"),
    ],
)
def test_a_field_that_is_missing_or_of_another_kind_is_named(changed: dict[str, Any], where: str) -> None:
    seen = order(**changed)
    assert isinstance(seen, Malformed)
    assert seen.where == where


@pytest.mark.parametrize(
    "changed",
    [{"quantity": 0}, {"quantity": -1}, {"quantity": 1.5}, {"price": True}, {"price": None}, {"offer_sku": "a\0b"}],
)
def test_a_line_that_cannot_be_is_malformed(changed: dict[str, Any]) -> None:
    assert isinstance(with_line(0, **changed), Malformed)


def test_a_backslash_before_u0000_is_text_and_no_nul() -> None:
    assert with_line(0, product_title="C:\\u0000").lines[0].title == "C:\\u0000"


# ── the other records ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_debit_says_whom_to_charge_how_much() -> None:
    assert read("debit", sample("debit")) == DebitAsked("C-100-A", "C-100", "cust-1", 4698, "EUR", {"C-100-A-1": 4698})


@pytest.mark.parametrize("amount", [0, -1])
def test_a_debit_of_nothing_is_malformed(amount: int) -> None:
    assert isinstance(read("debit", sample("debit") | {"amount": amount}), Malformed)


def test_a_refund_that_waits_for_us_is_asked_in_one_amount() -> None:
    seen = read("refund", sample("refund"))
    assert isinstance(seen, RefundSeen)
    assert (seen.refund_id, seen.amount_minor, seen.state, seen.order_line_id) == ("1001", 850, "asked", "C-100-A-1")
    assert seen.asked_at == translate.NOT_SAID


def test_a_return_counts_each_line_once() -> None:
    seen = read("return", sample("return"))
    assert isinstance(seen, ReturnSeen)
    assert (seen.state, seen.lines, seen.reason) == ("in-transit", {"C-100-A-1": 2}, "DEFECTIVE")
    assert read("return", sample("return") | {"tracking": None}).state == "accepted"


@pytest.mark.parametrize(("word", "ours"), sorted(RETURN_BY_STATE.items()))
def test_every_state_of_a_return_is_known(word: str, ours: str) -> None:
    assert read("return", sample("return") | {"state": word, "tracking": None}).state == ours


def test_a_parcel_is_read_with_its_number() -> None:
    seen = read("shipment", sample("shipment"))
    assert isinstance(seen, ShipmentSeen)
    assert (seen.state, seen.carrier, seen.tracking) == ("handed-over", "DHL", "JD014600")
    assert seen.shipped_at == datetime(2026, 11, 3, 8, 45, tzinfo=UTC)


@pytest.mark.parametrize("word", [*sorted(SHIPMENT_BY_STATUS), "CANCELED", "ON_ICE"])
def test_every_state_of_a_parcel_is_known_or_shown_to_a_person(word: str) -> None:
    expected = SHIPMENT_BY_STATUS.get(word) or Unrecognised("shipment.status", word)
    assert read("shipment", sample("shipment") | {"status": word}).state == expected


def test_a_billing_cycle_says_what_is_paid_to_whom() -> None:
    seen = read("cycle", sample("cycle"))
    assert isinstance(seen, CycleSeen)
    assert (seen.seller_id, seen.voucher, seen.their_total_minor, seen.operator_minor) == ("2001", "000042", 3852, -846)
    assert (seen.payout_state, seen.kind, seen.announced_at) == (
        "to-pay",
        "mirakl-cycle",
        datetime(2026, 11, 10, 23, 0, tzinfo=UTC),
    )
    assert seen.summary == {
        "total_commissions_excl_tax": -705,
        "total_commissions_incl_tax": -846,
        "total_payable_orders_incl_tax": 4698,
    }


def test_a_cycle_carried_over_has_neither_voucher_nor_payout() -> None:
    seen = read(
        "cycle",
        sample("cycle")
        | {"payment_voucher_number": None, "pay_out": {"state": None}, "amount_transferred_to_seller": -3},
    )
    assert (seen.voucher, seen.payout_state, seen.their_total_minor) == ("", "", -300)


def test_a_payout_in_a_state_nobody_published_is_shown_to_a_person() -> None:
    assert read("cycle", sample("cycle") | {"pay_out": {"state": "HALF_PAID"}}) == Unrecognised(
        "pay_out.state", "HALF_PAID"
    )


def test_a_transaction_line_is_credited_less_debited() -> None:
    seen = read("transaction", sample("transaction"))
    assert isinstance(seen, StatementLineSeen)
    assert (seen.line_type, seen.amount_minor, seen.cycle_id, seen.seller_id) == (
        LineType.COMMISSION_FEE,
        -705,
        "cy-1",
        "2001",
    )
    assert (seen.order_id, seen.order_line_id, seen.reference, seen.voucher) == ("C-100-A", "C-100-A-1", "", "000042")
    assert seen.raw["amount"] == "-7.05"
    assert json.loads(json.dumps(dict(seen.raw)))["id"] == "tl-9"


def test_a_transaction_line_that_contradicts_itself_is_malformed() -> None:
    seen = read("transaction", sample("transaction") | {"amount_credited": 1})
    assert isinstance(seen, Malformed)
    assert seen.where == "$.amount"


@pytest.mark.parametrize("kept", ["amount", "amount_debited"])
def test_one_way_of_saying_the_amount_is_enough(kept: str) -> None:
    names = {"amount", "amount_credited", "amount_debited"} - {kept}
    seen = read("transaction", sample("transaction") | dict.fromkeys(names))
    assert seen.amount_minor == -705


def test_a_transaction_line_without_an_amount_is_malformed() -> None:
    names = ("amount", "amount_credited", "amount_debited")
    assert isinstance(read("transaction", sample("transaction") | dict.fromkeys(names)), Malformed)


def test_a_type_of_line_nobody_published_is_kept_and_flagged() -> None:
    seen = read("transaction", sample("transaction") | {"type": "SURPRISE_FEE"})
    assert (seen.type, seen.line_type) == ("SURPRISE_FEE", LineType.UNRECOGNISED)


@pytest.mark.parametrize(
    ("type_", "entities", "reference"),
    [
        ("REFUND_COMMISSION_FEE", {"refund": {"id": 1001}, "order": {"id": "C-100-A"}}, "1001"),
        ("PAYMENT", None, "000042"),
        ("MANUAL_CREDIT", {"manual_accounting_document": {"number": "M-7"}}, "M-7"),
        ("MANUAL_CREDIT", None, "000000000077"),
        ("ORDER_AMOUNT", {"order": {"id": "C-100-A"}}, ""),
    ],
)
def test_a_lines_reference_is_what_its_kind_goes_by(type_: str, entities: Any, reference: str) -> None:
    assert read("transaction", sample("transaction") | {"type": type_, "entities": entities}).reference == reference


def test_a_seller_in_a_state_that_broke_others_is_simply_shown() -> None:
    seen = read("shop", sample("shop"))
    assert isinstance(seen, translate.ShopSeen)
    assert (seen.their_state, seen.kyc_state, seen.payment_blocked) == ("TERMINATED", "PENDING_APPROVAL", True)


@settings(max_examples=100, deadline=None)
@given(price=st.integers(min_value=0, max_value=10**12), kind=st.sampled_from(["EUR", "JPY", "KWD"]))
def test_no_amount_changes_on_its_way_in(price: int, kind: str) -> None:
    digits = {"EUR": 2, "JPY": 0, "KWD": 3}[kind]
    text = f"{price // 10**digits}.{price % 10**digits:0{digits}d}" if digits else str(price)
    head = b'{"order_id":"C-1-A","order_commercial_id":"C-1","customer_id":7,"order_lines":{"order_line":[]},'
    body = head + f'"currency_iso_code":"{kind}","amount":{text}}}'.encode()
    seen = translate.debit(canonical(body))
    assert seen == DebitAsked("C-1-A", "C-1", "7", price, kind, {}) if price else isinstance(seen, Malformed)


class TestWhateverComes(Totality):
    samples: ClassVar[Mapping[str, bytes]] = {
        kind: canonical((SAMPLES / f"{kind}.json").read_bytes()) for kind in KINDS
    }

    @staticmethod
    def reader_of(name: str) -> Reader:
        return translate.TRANSLATORS[name]
