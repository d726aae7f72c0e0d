"""The marketplace's money: commission, transaction lines, running balances, cycles, vouchers, and their identities."""

from collections import defaultdict
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox.mirakl.mirakl_market import CATEGORIES, OFFERS, SHOPS, Market

from entrepot.sandbox.mirakl import money

LOG = "/api/sellerpayment/transactions_logs"
FAMILY = ("ORDER_AMOUNT", "ORDER_SHIPPING_AMOUNT", "COMMISSION_FEE", "COMMISSION_VAT")


def _log(market: Market, query: str = "") -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = market.get(f"{LOG}?limit=2000&{query}").json["data"]
    return lines


def _cycles(market: Market) -> list[dict[str, Any]]:
    cycles: list[dict[str, Any]] = market.get("/api/seller-billing-cycles?limit=1000").json["data"]
    return cycles


def _confirm(market: Market, cycle_id: str, status: str = "PAID", **fields: Any) -> Any:
    told = {"status": status, "payment_date": "2026-11-12T08:00:00Z", "transaction_number": "PO-1", **fields}
    return market.put("/api/seller-billing-cycles", [{"id": cycle_id, "pay_out": told}])


def _signed(lines: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(line["type"], str(line["amount"])) for line in lines]


# -- lines ---------------------------------------------------------------------------------------------------------


def test_a_debit_writes_what_the_buyer_paid_and_what_the_operator_charges(market: Market) -> None:
    order_id = market.buy((101, 2))[0]["order_id"]
    market.accept(order_id)
    assert _log(market) == []
    market.pay(order_id)
    lines = _log(market)
    assert _signed(lines) == [
        ("ORDER_AMOUNT", "39.98"),
        ("ORDER_SHIPPING_AMOUNT", "7.00"),
        ("COMMISSION_FEE", "-7.05"),
        ("COMMISSION_VAT", "-1.41"),
    ]
    assert [str(line["balance"]) for line in lines] == ["39.98", "46.98", "39.93", "38.52"]
    assert {line["payment_state"] for line in lines} == {"PENDING"}
    assert {line["entities"]["order_line"]["id"] for line in lines} == {f"{order_id}-1"}


def test_lines_may_be_paid_out_once_the_buyer_has_his_goods(market: Market) -> None:
    order_id = market.paid_order((101, 1))
    market.put(f"/api/orders/{order_id}/ship")
    assert {line["payment_state"] for line in _log(market)} == {"PENDING"}
    market.portal.receive(order_id)
    assert {line["payment_state"] for line in _log(market)} == {"PAYABLE"}


def test_an_operator_may_pay_out_from_shipping_on(make_market: Callable[..., Market]) -> None:
    market = make_market(payable_on="SHIPPED")
    order_id = market.paid_order((101, 1))
    market.put(f"/api/orders/{order_id}/ship")
    assert {line["payment_state"] for line in _log(market)} == {"PAYABLE"}


def test_a_cleared_refund_writes_the_twins_of_its_lines(market: Market) -> None:
    order_id = market.received_order((101, 2))
    refund_id = market.portal.refund(order_id, f"{order_id}-1", 1_000, "RETURNED", shipping=300)
    assert len(_log(market)) == 4
    market.pay_back(refund_id)
    twins = _log(market)[4:]
    assert _signed(twins) == [
        ("REFUND_ORDER_AMOUNT", "-10.00"),
        ("REFUND_ORDER_SHIPPING_AMOUNT", "-3.00"),
        ("REFUND_COMMISSION_FEE", "1.95"),
        ("REFUND_COMMISSION_VAT", "0.39"),
    ]
    assert {line["entities"]["refund"]["id"] for line in twins} == {refund_id}


def test_an_operator_may_keep_the_commission_of_a_refund(make_market: Callable[..., Market]) -> None:
    market = make_market(commission_returned_on_refund=False)
    order_id = market.received_order((101, 1))
    market.pay_back(market.portal.refund(order_id, f"{order_id}-1", 1_999, "RETURNED"))
    assert _signed(_log(market))[6:] == [("REFUND_COMMISSION_FEE", "0.00"), ("REFUND_COMMISSION_VAT", "0.00")]


def test_a_planted_wrong_rate_is_charged_on_one_line_only(make_market: Callable[..., Market]) -> None:
    market = make_market(commission_faults={2: 20_000})
    market.received_order((101, 1), (102, 1))
    market.received_order((102, 1))
    fees = [line for line in _log(market) if line["type"] == "COMMISSION_FEE"]
    assert [str(fee["amount_debited"]) for fee in fees] == ["3.52", "1.41", "1.06"]


# -- cycles --------------------------------------------------------------------------------------------------------


def test_cycles_close_on_the_1st_11th_and_21st_at_midnight_in_paris(market: Market) -> None:
    closings = []
    for _ in range(4):
        due = market.mirakl.billing.next_closing(market.clock.at)
        closings.append(due.isoformat())
        market.received_order((101, 1))
        market.clock.at = due
        market.world.tick()
    assert closings == [
        "2026-11-10T23:00:00+00:00",
        "2026-11-20T23:00:00+00:00",
        "2026-11-30T23:00:00+00:00",
        "2026-12-10T23:00:00+00:00",
    ]
    assert [cycle["date_created"] for cycle in _cycles(market)] == [
        "2026-11-10T23:00:00Z",
        "2026-11-20T23:00:00Z",
        "2026-11-30T23:00:00Z",
        "2026-12-10T23:00:00Z",
    ]
    assert [cycle["payment_voucher_number"] for cycle in _cycles(market)] == ["000001", "000002", "000003", "000004"]


def test_closing_in_summer_follows_the_zone_not_the_offset(market: Market) -> None:
    closing = market.mirakl.billing.next_closing(market.clock.at.replace(month=3, day=25))
    assert closing.isoformat() == "2026-03-31T22:00:00+00:00"


def test_each_shop_and_currency_has_its_own_cycle(market: Market) -> None:
    for offer in (101, 201, 301, 401):
        market.received_order((offer, 1))
    market.move(days=10)
    assert [(cycle["shop"]["shop_id"], cycle["currency_iso_code"]) for cycle in _cycles(market)] == [
        (2001, "EUR"),
        (2002, "EUR"),
        (2003, "JPY"),
        (2004, "KWD"),
    ]
    amounts = [str(cycle["amount_transferred_to_seller"]) for cycle in _cycles(market)]
    assert amounts == ["19.27", "421.96", "11663", "12.029"]


def test_a_paid_cycle_pays_its_lines_and_adds_the_payment(market: Market) -> None:
    market.received_order((101, 1))
    market.move(days=10)
    [cycle] = _cycles(market)
    assert cycle["pay_out"]["state"] == "TO_PAY"
    assert _confirm(market, cycle["id"]).status == 204
    lines = _log(market)
    assert {line["payment_state"] for line in lines} == {"PAID"}
    assert _signed(lines)[-1] == ("PAYMENT", "-19.27")
    assert lines[-1]["balance"] == 0
    [cycle] = _cycles(market)
    assert cycle["pay_out"] == {
        "state": "PAID",
        "transaction_date": "2026-11-12T08:00:00Z",
        "reference": "PO-1",
        "failure_reason": None,
    }
    [invoice] = market.get("/api/invoices").json["invoices"]
    assert (invoice["payment"]["state"], str(invoice["total_amount_incl_taxes"])) == ("PAID", "4.22")
    assert market.portal.open_cycles() == []


def test_confirming_a_cycle_twice_is_a_state_error_and_pays_once(market: Market) -> None:
    market.received_order((101, 1))
    market.move(days=10)
    [cycle] = _cycles(market)
    assert _confirm(market, cycle["id"], "FAILED", failure_reason="account closed").status == 204
    assert _cycles(market)[0]["pay_out"]["failure_reason"] == "account closed"
    assert _confirm(market, cycle["id"]).status == 204
    assert _confirm(market, cycle["id"]).codes == ["CYCLE_INVALID_STATE"]
    assert _confirm(market, cycle["id"], "FAILED").codes == ["CYCLE_INVALID_STATE"]
    assert [line["type"] for line in _log(market)].count("PAYMENT") == 1
    assert _confirm(market, "nowhere").codes == ["CYCLE_NOT_FOUND"]
    assert _confirm(market, cycle["id"], "PENDING").codes == ["VALIDATION_ERROR"]
    assert market.put("/api/seller-billing-cycles", {"id": cycle["id"]}).codes == ["VALIDATION_ERROR"]


def test_a_cycle_that_is_not_positive_has_no_voucher_and_is_carried_into_the_next(market: Market) -> None:
    market.portal.subscription(2001, 3_000)
    market.move(days=10)
    [carried] = _cycles(market)
    assert (carried["payment_voucher_number"], carried["amount_transferred_to_seller"]) == (None, 0)
    assert (carried["pay_out"]["state"], str(carried["amount_transferred_to_operator"])) == (None, "36.00")
    assert market.portal.open_cycles() == []
    assert _confirm(market, carried["id"]).codes == ["CYCLE_INVALID_STATE"]
    market.received_order((101, 4))
    market.move(days=10)
    [_, paying] = _cycles(market)
    assert str(paying["amount_transferred_to_seller"]) == "41.05"
    assert _confirm(market, paying["id"]).status == 204
    voucher = [line for line in _log(market) if line["payment_voucher_number"] == "000001"]
    assert {line["type"] for line in voucher} >= {"SUBSCRIPTION_FEE", "SUBSCRIPTION_VAT", "ORDER_AMOUNT", "PAYMENT"}
    assert len({line["seller_billing_cycle_id"] for line in voucher}) == 2
    assert sum(line["amount"] for line in voucher) == 0


def test_a_voucher_pays_manual_documents_too_and_they_keep_their_number(market: Market) -> None:
    market.received_order((101, 1))
    number = market.portal.manual_document(2001, "MANUAL_CREDIT", 1_000, "Late parcel")
    market.move(days=10)
    [cycle] = _cycles(market)
    assert str(cycle["amount_transferred_to_seller"]) == "31.27"
    _confirm(market, cycle["id"])
    manual = [line for line in _log(market) if line["type"].startswith("MANUAL_CREDIT")]
    assert _signed(manual) == [("MANUAL_CREDIT", "10.00"), ("MANUAL_CREDIT_VAT", "2.00")]
    assert {line["accounting_document_number"] for line in manual} == {number}
    assert {line["payment_voucher_number"] for line in manual} == {"000001"}
    documents = {one["id"]: one for one in market.get("/api/invoices?type=ALL").json["invoices"]}
    assert {one["payment"]["state"] for one in documents.values()} == {"PAID"}
    assert (documents[number]["type"], str(documents[number]["total_amount_incl_taxes"])) == ("MANUAL_CREDIT", "12.00")


def test_a_shop_without_kyc_is_not_to_be_paid_until_it_is_approved(market: Market) -> None:
    market.put("/api/shops", {"shops": [{"shop_id": 2001, "kyc": {"status": "REFUSED"}}]})
    market.received_order((101, 1))
    market.move(days=10)
    [cycle] = _cycles(market)
    assert (cycle["pay_out"]["state"], cycle["pay_out"]["failure_reason"]) == ("FAILED", "INCOMPLETE_KYC")
    market.put("/api/shops", {"shops": [{"shop_id": 2001, "kyc": {"status": "APPROVED"}}]})
    assert _cycles(market)[0]["pay_out"]["state"] == "TO_PAY"


def test_a_cycle_without_anything_to_bill_is_not_made(market: Market) -> None:
    market.paid_order((101, 1))
    market.move(days=30)
    assert _cycles(market) == []
    assert market.get("/api/invoices").json["total_count"] == 0


# -- identities ----------------------------------------------------------------------------------------------------


def _half_even(amount: Decimal, digits: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)


def check_identities(market: Market) -> None:
    """Everything that must hold of a marketplace's money, from its answers alone, by arithmetic of our own."""
    lines, cycles = _log(market), {cycle["id"]: cycle for cycle in _cycles(market)}
    balances: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    vouchers: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        assert line["amount"] == line["amount_credited"] - line["amount_debited"]
        balances[line["shop_id"], line["currency_iso_code"]] += line["amount"]
        assert line["balance"] == balances[line["shop_id"], line["currency_iso_code"]]
        if line["payment_voucher_number"]:
            vouchers[line["shop_id"], line["payment_voucher_number"]].append(line)
    for voucher in vouchers.values():
        paid = [line for line in voucher if line["type"] == "PAYMENT"]
        others = sum((line["amount"] for line in voucher if line["type"] != "PAYMENT"), Decimal())
        assert others > 0
        assert all(line["amount"] == -others for line in paid)
        assert len(paid) <= 1
        assert {line["payment_state"] for line in voucher} == ({"PAID"} if paid else {"PAYABLE"})
    for cycle_id, cycle in cycles.items():
        own = [line for line in lines if line["seller_billing_cycle_id"] == cycle_id and line["type"] != "PAYMENT"]
        buyers = sum((line["amount"] for line in own if line["type"].removeprefix("REFUND_") in FAMILY[:2]), Decimal())
        operator = cycle["amount_transferred_to_operator"]
        assert operator == -sum((line["amount"] for line in own), Decimal()) + buyers
        check_summary(cycle, own)
        voucher = vouchers.get((cycle["shop"]["shop_id"], cycle["payment_voucher_number"] or ""), [])
        paid_out = sum((line["amount"] for line in voucher if line["type"] != "PAYMENT"), Decimal())
        assert cycle["amount_transferred_to_seller"] == paid_out


def check_summary(cycle: dict[str, Any], own: list[dict[str, Any]]) -> None:
    """Operator share = -(commissions + refund commissions + subscription + other credits + other invoices)."""
    summary = cycle["summary"]
    parts = ("commissions", "refund_commissions", "subscription", "other_credits", "other_invoices")
    assert cycle["amount_transferred_to_operator"] == -sum(summary[f"total_{part}_incl_tax"] for part in parts)
    assert summary["total_payable_orders_incl_tax"] == sum(
        (line["amount"] for line in own if line["type"] in ("ORDER_AMOUNT", "ORDER_SHIPPING_AMOUNT")), Decimal()
    )


def check_commission(market: Market) -> None:
    """Every line's commission is its category's rate on price and shipping, half to even, and its tax likewise."""
    rates = {category.code: Decimal(category.rate_per_100k) / 100_000 for category in CATEGORIES}
    taxes = {shop.shop_id: Decimal(shop.tax_rate_per_100k) / 100_000 for shop in SHOPS}
    shops = {offer.offer_id: offer.shop_id for offer in OFFERS}
    for order in market.get("/api/orders?paginate=false").json["orders"]:
        digits = {"EUR": 2, "JPY": 0, "KWD": 3}[order["currency_iso_code"]]
        for line in order["order_lines"]:
            gone = sum((c["amount"] + c["shipping_amount"] for c in line["cancelations"]), Decimal())
            fee = _half_even((line["total_price"] - gone) * rates[line["category_code"]], digits)
            assert line["commission_fee"] == fee
            assert line["commission_vat"] == _half_even(fee * taxes[shops[line["offer_id"]]], digits)
            assert line["total_commission"] == line["commission_fee"] + line["commission_vat"]
            cleared = [refund for refund in line["refunds"] if refund["refund_state"] == "REFUNDED"]
            if sum((r["amount"] + r["shipping_amount"] for r in cleared), Decimal()) == line["total_price"] - gone:
                assert sum(r["commission_total_amount"] for r in cleared) == line["total_commission"] or not cleared


BASKETS = st.lists(
    st.tuples(st.sampled_from([101, 102, 201, 301, 401]), st.integers(1, 4), st.lists(st.integers(1, 100), max_size=3)),
    min_size=1,
    max_size=5,
)


@given(
    baskets=BASKETS,
    fees=st.lists(st.sampled_from(["credit", "invoice", "subscription"]), max_size=3),
    pauses=st.lists(st.integers(0, 12), min_size=5, max_size=5),
    paying=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_the_identities_hold_whatever_is_bought_refunded_and_charged(
    baskets: list[tuple[int, int, list[int]]], fees: list[str], pauses: list[int], paying: bool
) -> None:
    market = Market()
    try:
        for (offer_id, quantity, percents), pause in zip(baskets, pauses, strict=False):
            order_id = market.received_order((offer_id, quantity))
            line = market.portal.order(order_id).lines[f"{order_id}-1"]
            for percent in percents:
                amount = min(
                    line.price_minor * percent // 100, line.price_minor - sum(r.amount_minor for r in line.refunds)
                )
                if amount > 0:
                    refund_id = market.portal.refund(order_id, line.line_id, amount, "RETURNED")
                    assert market.pay_back(refund_id).status == 204
            for fee in fees:
                charge(market, fee)
            market.move(days=pause)
            check_identities(market)
        market.move(days=31)
        for cycle in market.portal.open_cycles() if paying else []:
            assert _confirm(market, cycle["id"]).status == 204
        check_identities(market)
        check_commission(market)
    finally:
        market.close()


def charge(market: Market, fee: str) -> None:
    """One charge on the first shop."""
    if fee == "subscription":
        market.portal.subscription(2001, 3_333)
    else:
        market.portal.manual_document(2001, "MANUAL_CREDIT" if fee == "credit" else "MANUAL_INVOICE", 777, "By hand")


@pytest.mark.parametrize(
    ("amount", "rate", "share"), [(5, 50_000, 2), (15, 50_000, 8), (-5, 50_000, -2), (1, 49_999, 0), (0, 1, 0)]
)
def test_shares_are_rounded_half_to_even(amount: int, rate: int, share: int) -> None:
    assert money.share(amount, rate) == share
