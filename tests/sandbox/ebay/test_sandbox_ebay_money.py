"""Bookings, fees, payouts, transfers, funds; the arithmetic as properties."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox.ebay.ebay_market import FINANCES, POST_ORDER, Shop


def value(amount: Any) -> Decimal:
    return Decimal(amount["value"])


def signed(one: Any) -> Decimal:
    return value(one["amount"]) if one["bookingEntry"] == "CREDIT" else -value(one["amount"])


def test_a_sale_is_one_credit_of_goods_and_shipping_less_fees(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 2), ("TIDES", 1)], buyer="ann")
    [sale] = shop.transactions()
    assert (sale["transactionType"], sale["bookingEntry"], sale["orderId"]) == ("SALE", "CREDIT", order_id)
    assert sale["totalFeeBasisAmount"]["value"] == "54.03"
    assert sale["totalFeeAmount"]["value"] == "6.30"
    assert sale["amount"]["value"] == "47.73"
    assert [
        [(fee["feeType"], fee["amount"]["value"]) for fee in line["marketplaceFees"]] for line in sale["orderLineItems"]
    ] == [
        [("FINAL_VALUE_FEE", "5.17"), ("FINAL_VALUE_FEE_FIXED_PER_ORDER", "0.35")],
        [("FINAL_VALUE_FEE", "0.78")],
    ]
    order = shop.order(order_id)
    assert order["totalMarketplaceFee"]["value"] == "6.30"
    assert order["paymentSummary"]["totalDueSeller"]["value"] == "47.73"


def test_a_category_may_have_its_own_fee() -> None:
    shop = Shop(fee_rates_per_100k={"PHOTO": 6_500}, order_fee_minor=0)
    shop.portal.place([("LENS", 1)])
    assert shop.transactions()[0]["totalFeeAmount"]["value"] == "29.89"


def test_a_refund_is_not_the_mirror_of_its_sale(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    shop.issue_refund(order_id, "23.49")
    sale, refund = shop.transactions()
    assert (refund["transactionType"], refund["bookingEntry"]) == ("REFUND", "DEBIT")
    assert (refund["totalFeeBasisAmount"]["value"], refund["totalFeeAmount"]["value"]) == ("23.49", "2.58")
    assert signed(sale) + signed(refund) == Decimal("-0.35")
    [refund_id] = [one["refundId"] for one in shop.order(order_id)["paymentSummary"]["refunds"]]
    assert refund["references"] == [{"referenceType": "REFUND_ID", "referenceId": refund_id}]


def test_a_cancelled_order_costs_nothing(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    cancel_id = shop.portal.ask_cancel(order_id)
    shop.post(f"{POST_ORDER}/cancellation/{cancel_id}/approve")
    assert sum(signed(one) for one in shop.transactions()) == 0


def test_tax_that_ebay_collects_is_in_no_amount_of_the_sellers() -> None:
    shop = Shop(collected_tax_per_100k=8_875)
    order_id = shop.portal.place([("TIDES", 2)])
    order = shop.order(order_id)
    [line] = order["lineItems"]
    assert order["ebayCollectAndRemitTax"] is True
    assert line["ebayCollectAndRemitTaxes"][0]["amount"]["value"] == "1.25"
    assert order["pricingSummary"]["total"]["value"] == "14.10"
    assert shop.transactions()[0]["totalFeeBasisAmount"]["value"] == "14.10"
    assert shop.issue_refund(order_id, "14.11").error == 34915
    assert shop.book("orders")[0]["total_minor"] == 1_410 + 125


def test_money_is_processed_first_then_available_then_paid_out(shop: Shop) -> None:
    shop.portal.place([("ATLAS", 1)])
    assert shop.portal.close_period() is None
    assert shop.transactions()[0]["transactionStatus"] == "FUNDS_PROCESSING"
    shop.move(days=2)
    shop.fresh()
    [sale] = shop.transactions("transactionStatus:{FUNDS_AVAILABLE_FOR_PAYOUT}")
    funds = shop.get(f"{FINANCES}/seller_funds_summary").json
    assert (value(funds["availableFunds"]), value(funds["processingFunds"])) == (value(sale["amount"]), Decimal(0))
    payout_id = shop.portal.close_period()
    assert ("period.closed", payout_id) in shop.heard
    payout = shop.get(f"{FINANCES}/payout/{payout_id}").json
    assert (payout["payoutStatus"], payout["transactionCount"]) == ("INITIATED", 1)
    [paid] = shop.transactions(f"payoutId:{{{payout_id}}}")
    assert (paid["transactionStatus"], paid["payoutId"]) == ("PAYOUT", payout_id)
    assert value(payout["amount"]) == value(paid["amount"])
    shop.move(days=1)
    shop.fresh()
    assert shop.get(f"{FINANCES}/payout/{payout_id}").json["payoutStatus"] == "SUCCEEDED"
    assert shop.portal.close_period() is None


def test_who_owes_ebay_pays_by_transfer_and_its_charges_name_what_they_are_for(shop: Shop) -> None:
    order_id = shop.portal.place([("LENS", 1)])
    shop.move(days=2)
    shop.portal.close_period()
    shop.fresh()
    dispute_id = shop.portal.open_dispute(order_id)
    transfer_id = shop.portal.close_period()
    transfer = shop.get(f"{FINANCES}/transfer/{transfer_id}").json
    assert transfer["transferAmount"]["value"] == "459.90"
    [charge] = transfer["transferDetail"]["charges"]
    assert (charge["orderId"], charge["paymentDisputeId"], charge["refundId"]) == (order_id, dispute_id, None)
    [booked] = shop.transactions("transactionType:{TRANSFER}")
    assert (booked["bookingEntry"], booked["amount"]["value"]) == ("CREDIT", "459.90")
    assert shop.book("statements")[-1] == {"id": transfer_id, "currency": "EUR", "total_minor": -45_990, "lines": 1}
    assert shop.get(f"{FINANCES}/transfer/none").status == 404


def test_nothing_to_tell_is_204(shop: Shop) -> None:
    for path in ("transaction", "payout", "seller_funds_summary"):
        assert shop.get(f"{FINANCES}/{path}").status == 204
    assert shop.get(f"{FINANCES}/payout_summary").json["payoutCount"] == 0
    assert shop.get(f"{FINANCES}/payout/none").status == 404


def test_bookings_are_filtered_sorted_and_paged(shop: Shop) -> None:
    orders = []
    for buyer in ("ann", "bob", "ann"):
        orders.append(shop.portal.place([("ATLAS", 1)], buyer=buyer))
        shop.move(minutes=1)

    def ids(query: str) -> list[str]:
        return [one["orderId"] for one in shop.get(f"{FINANCES}/transaction?{query}").json["transactions"]]

    assert ids("") == orders[::-1]
    assert ids("sort=transactionDate") == orders
    assert ids("filter=buyerUsername:{ann}&sort=transactionDate") == [orders[0], orders[2]]
    assert ids(f"filter=orderId:{{{orders[1]}}}") == [orders[1]]
    assert ids("filter=transactionDate:[2026-11-02T09:01:00Z..2026-11-02T09:01:30Z]") == [orders[1]]
    assert ids("filter=transactionType:{SALE},salesRecordReference:{3}") == [orders[2]]
    page = shop.get(f"{FINANCES}/transaction?limit=2&sort=transactionDate").json
    assert [one["orderId"] for one in page["transactions"]] == orders[:2]
    following = shop.get(page["next"].removeprefix("https://api.ebay.com")).json
    assert [one["orderId"] for one in following["transactions"]] == orders[2:]
    assert following["next"] is None
    for query in ("filter=colour:{RED}", "filter=transactionDate:[x..]", "limit=1001", "filter=transactionType:SALE"):
        assert shop.get(f"{FINANCES}/transaction?{query}").status == 400


def test_sums_by_kind_and_of_payouts(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    shop.issue_refund(order_id, "5.00")
    summary = shop.get(f"{FINANCES}/transaction_summary").json
    assert (summary["creditAmount"]["value"], summary["creditCount"]) == ("20.56", 1)
    assert (summary["refundAmount"]["value"], summary["refundBookingEntry"]) == ("4.46", "DEBIT")
    assert (summary["disputeAmount"], summary["disputeCount"]) == (None, 0)
    only = shop.get(f"{FINANCES}/transaction_summary?filter=transactionType:{{REFUND}}").json
    assert only["creditCount"] == 0
    shop.move(days=2)
    shop.portal.close_period()
    shop.fresh()
    total = shop.get(f"{FINANCES}/payout_summary?filter=payoutStatus:{{INITIATED}}").json
    assert (total["amount"]["value"], total["payoutCount"], total["transactionCount"]) == ("16.10", 1, 2)
    assert shop.get(f"{FINANCES}/payout?filter=payoutDate:[2026-11-05T00:00:00Z..]").status == 204
    assert shop.get(f"{FINANCES}/payout?filter=payoutName:{{x}}").status == 400
    assert len(shop.get(f"{FINANCES}/payout?sort=payoutDate").json["payouts"]) == 1


def test_a_payout_in_another_currency_tells_what_it_was_converted_from() -> None:
    shop = Shop(payout_currency="USD", exchange_rate="1.0837")
    order_id = shop.portal.place([("ATLAS", 2), ("TIDES", 1)])
    [sale] = shop.transactions()
    assert sale["amount"] == {
        "value": "51.72",
        "currency": "USD",
        "convertedFromValue": "47.73",
        "convertedFromCurrency": "EUR",
        "exchangeRate": "1.0837",
    }
    assert value(sale["totalFeeBasisAmount"]) - value(sale["totalFeeAmount"]) == value(sale["amount"])
    due = shop.order(order_id)["paymentSummary"]["totalDueSeller"]
    assert (due["value"], due["convertedFromValue"]) == ("51.72", "47.73")
    shop.move(days=2)
    payout_id = shop.portal.close_period()
    shop.fresh()
    assert shop.get(f"{FINANCES}/payout/{payout_id}").json["amount"]["value"] == "51.72"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["buy", "buy", "refund", "line", "dispute", "win", "cancel", "wait", "close"]),
        st.integers(1, 5_000),
    ),
    min_size=4,
    max_size=18,
)


def act(shop: Shop, step: str, size: int, orders: list[str]) -> None:
    if step == "buy" and shop.portal.stock("ATLAS") > 3:
        orders.append(shop.portal.place([("ATLAS", size % 3 + 1), *([("TIDES", 1)] if size % 2 else [])][:2]))
    elif step in ("refund", "line") and orders:
        order_id = orders[size % len(orders)]
        lines = shop.lines(order_id)
        shop.issue_refund(order_id, f"{Decimal(size) / 100:.2f}", lines[-1] if step == "line" else None)
    elif step == "dispute" and orders:
        order = next(row for row in shop.book("orders") if row["order_id"] == orders[size % len(orders)])
        open_ones = {row["order_id"] for row in shop.book("disputes") if row["won"] is not True}
        left = sum(line["price_minor"] * line["quantity"] + line["shipping_minor"] for line in order["lines"])
        left -= sum(line["refunded_minor"] for line in order["lines"])
        if left and order["order_id"] not in open_ones:
            shop.portal.open_dispute(order["order_id"])
    elif step == "win":
        for row in shop.book("disputes"):
            shop.portal.close_dispute(row["dispute_id"], won=bool(size % 2))
    elif step == "cancel" and orders:
        shop.post(f"{POST_ORDER}/cancellation", {"legacyOrderId": orders[size % len(orders)]})
    elif step == "wait":
        shop.move(hours=size % 72)
        shop.fresh()
    elif step == "close":
        shop.portal.close_period()


@settings(max_examples=25, deadline=None)
@given(steps=STEPS, rate=st.sampled_from(["1", "1.0837", "0.3333"]))
def test_every_statement_adds_up_whatever_happens(steps: list[tuple[str, int]], rate: str) -> None:
    currency = "EUR" if rate == "1" else "USD"
    shop = Shop(payout_currency=currency, exchange_rate=rate, funds_delay=timedelta(hours=6))
    shop.ebay.market.items["TIDES"].quantity = 100
    orders: list[str] = []
    for step, size in steps:
        act(shop, step, size, orders)
    shop.fresh()
    every = shop.transactions()
    for one in every:
        assert value(one["amount"]) >= 0 or one["transactionType"] == "REFUND"
        if one["totalFeeBasisAmount"] is not None:
            assert value(one["totalFeeBasisAmount"]) - value(one["totalFeeAmount"]) == value(one["amount"])
            fees = [fee for line in one["orderLineItems"] for fee in line["marketplaceFees"]]
            assert sum(value(fee["amount"]) for fee in fees) == value(one["totalFeeAmount"])
            basis = sum(value(line["feeBasisAmount"]) for line in one["orderLineItems"])
            assert basis == value(one["totalFeeBasisAmount"])
    answer = shop.get(f"{FINANCES}/payout?limit=200")
    paid = Decimal(0)
    for payout in [] if answer.status == 204 else answer.json["payouts"]:
        inside = [one for one in every if one["payoutId"] == payout["payoutId"]]
        assert sum(signed(one) for one in inside) == value(payout["amount"]) >= 0
        assert len(inside) == payout["transactionCount"]
        paid += value(payout["amount"])
    if every:
        funds = shop.get(f"{FINANCES}/seller_funds_summary").json
        left = value(funds["availableFunds"]) + value(funds["processingFunds"])
        assert sum(signed(one) for one in every) == paid + left
    for row in shop.book("orders"):
        for line in row["lines"]:
            assert 0 <= line["refunded_minor"] <= line["price_minor"] * line["quantity"] + line["shipping_minor"]


@settings(max_examples=40, deadline=None)
@given(parts=st.lists(st.integers(1, 900), min_size=1, max_size=6))
def test_fees_of_partial_refunds_never_add_up_to_more_than_the_fee(parts: list[int]) -> None:
    shop = Shop(order_fee_minor=0)
    order_id = shop.portal.place([("ATLAS", 1)])
    for part in parts:
        shop.issue_refund(order_id, f"{Decimal(part) / 100:.2f}")
        shop.move(minutes=2)
    left = shop.book("orders")[0]["lines"][0]
    rest = left["price_minor"] + left["shipping_minor"] - left["refunded_minor"]
    if rest:
        assert shop.issue_refund(order_id, f"{Decimal(rest) / 100:.2f}").status == 200
    credited = sum(value(one["totalFeeAmount"]) for one in shop.transactions("transactionType:{REFUND}"))
    assert credited == value(shop.transactions("transactionType:{SALE}")[0]["totalFeeAmount"])


def test_the_books_pay_no_one_twice(shop: Shop) -> None:
    for _ in range(3):
        shop.portal.place([("ATLAS", 1)])
        shop.move(days=2)
        shop.portal.close_period()
    rows = shop.book("transactions")
    assert [row["payout_id"] for row in rows] == [one["id"] for one in shop.book("statements")]


@pytest.mark.parametrize("currency", ["JPY", "KWD"])
def test_currencies_without_two_decimals_are_written_their_own_way(currency: str) -> None:
    shop = Shop(currency=currency, order_fee_minor=0)
    order_id = shop.portal.place([("TIDES", 1)])
    text = {"JPY": "705", "KWD": "0.705"}[currency]
    assert shop.order(order_id)["pricingSummary"]["total"]["value"] == text
