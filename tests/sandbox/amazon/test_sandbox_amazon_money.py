"""Money: deferred, released, settled in a file that adds up, and held back as a pair."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox.amazon.amazon_shop import DE, Shop, adjustment, envelope, errors_of, rows_of

from entrepot.sandbox.amazon import MARKETS
from entrepot.sandbox.amazon.money import included_tax, part, share
from entrepot.sandbox.amazon.settlement import COLUMNS

REPORTS = "/reports/2021-06-30/reports"
SETTLEMENT = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
TRANSACTIONS = "/finances/2024-06-19/transactions"


def minor(text: str) -> int:
    return int(Decimal(text.replace(",", ".")).scaleb(2))


def refund(shop: Shop, order_id: str, amount: str) -> None:
    line_id = shop.line_ids(order_id)[0]
    content = envelope("OrderAdjustment", [adjustment(order_id, line_id, amount)])
    shop.feed("POST_PAYMENT_ADJUSTMENT_DATA", content)


def test_a_settlement_file_appears_by_itself_and_cannot_be_asked_for() -> None:
    shop = Shop(settlement_period=Shop().settings.deferral * 2)
    shop.ship(shop.portal.place([("ATLAS-1", 1)]))
    body = {"reportType": SETTLEMENT, "marketplaceIds": [DE]}
    assert errors_of(shop.call("POST", REPORTS, body=body)) == ["InvalidInput"]
    assert shop.get(REPORTS, reportTypes=SETTLEMENT)["reports"] == []
    shop.move(days=14)
    shop.token = shop.new_token()
    found = shop.get(REPORTS, reportTypes=SETTLEMENT)["reports"]
    assert [(one["processingStatus"], one["dataEndTime"]) for one in found] == [("DONE", "2026-11-16T09:00:00Z")]
    shop.move(days=91)
    shop.token = shop.new_token()
    kept = [one["reportId"] for one in shop.get(REPORTS, reportTypes=SETTLEMENT)["reports"]]
    assert found[0]["reportId"] not in kept


def test_the_file_is_tab_separated_with_a_summary_row_and_a_decimal_comma(shop: Shop) -> None:
    shop.ship(shop.portal.place([("ATLAS-1", 2)]))
    shop.move(days=7)
    settlement_id = shop.portal.close_period()
    shop.token = shop.new_token()
    (rows,) = shop.settlement_rows()
    assert tuple(rows[0]) == COLUMNS
    assert len(COLUMNS) == 24
    summary, *data = rows
    assert summary["settlement-id"] == settlement_id
    assert (summary["currency"], summary["transaction-type"], summary["amount"]) == ("EUR", "", "")
    assert summary["settlement-start-date"] == "02.11.2026 09:00:00 UTC"
    assert {
        (row["transaction-type"], row["amount-type"], row["amount-description"], row["amount"]) for row in data
    } == {
        ("Order", "ItemPrice", "Principal", "39,98"),
        ("Order", "ItemFees", "Commission", "-6,00"),
        ("other-transaction", "other-transaction", "Current Reserve Amount", "-3,40"),
    }
    assert summary["total-amount"] == "30,58"
    assert sum(minor(row["amount"]) for row in data) == minor(summary["total-amount"])
    assert {row["total-amount"] for row in data} == {""}
    assert data[0]["posted-date"] == "02.11.2026"


def test_a_refund_is_no_mirror_of_the_sale(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 1)])
    shop.ship(order_id)
    refund(shop, order_id, "19.99")
    shop.move(days=7)
    shop.portal.close_period()
    shop.token = shop.new_token()
    rows = [row for row in shop.settlement_rows()[0] if row["transaction-type"] == "Refund"]
    assert [(row["amount-description"], row["amount"]) for row in rows] == [
        ("Principal", "-19,99"),
        ("Commission", "3,00"),
        ("RefundCommission", "-0,60"),
    ]


def test_what_the_channel_refunds_itself_is_named_otherwise(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 1)])
    shop.ship(order_id)
    with pytest.raises(ValueError, match="cannot be refunded"):
        shop.portal.refund(order_id, shop.line_ids(order_id)[0], 2_000)
    shop.portal.refund(order_id, shop.line_ids(order_id)[0], 500)
    assert [one["by"] for one in shop.amazon.books()["refunds"]] == ["channel"]
    shop.portal.close_period()
    rows = shop.settlement_rows()[0]
    assert "A-to-z Guarantee Refund" in {row["transaction-type"] for row in rows}


def test_a_reserve_comes_back_in_the_next_file(shop: Shop) -> None:
    for _ in range(3):
        shop.ship(shop.portal.place([("LAMP-1", 1)]))
        shop.move(days=7)
        shop.portal.close_period()
        shop.token = shop.new_token()
    shop.portal.close_period()
    held = 0
    for rows in shop.settlement_rows():
        by_name = {row["amount-description"]: minor(row["amount"]) for row in rows[1:]}
        assert by_name.get("Previous Reserve Amount Balance", 0) == held
        held = -by_name.get("Current Reserve Amount", 0)
    assert held == 0
    assert len(shop.amazon.books()["statements"]) == 4
    assert shop.portal.close_period() is None


def test_where_tax_is_on_top_it_is_paid_and_withheld_again() -> None:
    shop = Shop(market=MARKETS["US"], tax_per_100k=10_000, products=Shop().settings.products)
    order_id = shop.portal.place([("ATLAS-1", 1)])
    line = shop.book(order_id)["lines"][0]
    assert (line["price_minor"], line["tax_minor"], shop.book(order_id)["total_minor"]) == (1_999, 200, 2_199)
    detail = {
        "packageReferenceId": "1",
        "carrierCode": "UPS",
        "trackingNumber": "1Z",
        "shipDate": "2026-11-02T10:00:00Z",
        "orderItems": [{"orderItemId": line["line_id"], "quantity": 1}],
    }
    body = {"marketplaceId": MARKETS["US"].marketplace_id, "packageDetail": detail}
    assert shop.call("POST", f"/orders/v0/orders/{order_id}/shipmentConfirmation", body=body).status == 204
    shop.move(days=7)
    shop.portal.close_period()
    shop.token = shop.new_token()
    rows = shop.settlement_rows()[0]
    amounts = {row["amount-description"]: row["amount"] for row in rows[1:]}
    assert (amounts["Tax"], amounts["MarketplaceFacilitatorTax-Principal"]) == ("2.00", "-2.00")
    assert rows[0]["settlement-start-date"] == "2026-11-02 09:00:00 UTC"


def test_money_is_deferred_first_and_released_later_under_a_second_name(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 1)])
    shop.ship(order_id)
    shop.move(minutes=3)
    (deferred,) = shop.get(TRANSACTIONS, postedAfter="2026-11-01T00:00:00Z")["payload"]["transactions"]
    assert (deferred["transactionStatus"], deferred["transactionType"]) == ("DEFERRED", "Shipment")
    assert deferred["totalAmount"] == {"currencyCode": "EUR", "currencyAmount": Decimal("16.99")}
    assert deferred["contexts"][0]["maturityDate"] == "2026-11-09T09:00:00Z"
    groups = {one["breakdownType"]: one["breakdownAmount"]["currencyAmount"] for one in deferred["breakdowns"]}
    assert groups == {"ProductCharges": Decimal("19.99"), "AmazonFees": Decimal("-3.0")}
    assert shop.portal.waiting()["deferred"] == 1
    shop.move(days=7)
    shop.token = shop.new_token()
    query = {"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": order_id}
    both = shop.get(TRANSACTIONS, **query)["payload"]["transactions"]
    by_status = {one["transactionStatus"]: one for one in both}
    assert set(by_status) == {"DEFERRED_RELEASED", "RELEASED"}

    def named(one: Any) -> dict[str, str]:
        return {x["relatedIdentifierName"]: x["relatedIdentifierValue"] for x in one["relatedIdentifiers"]}

    assert named(by_status["DEFERRED_RELEASED"])["RELEASE_TRANSACTION_ID"] == by_status["RELEASED"]["transactionId"]
    assert named(by_status["RELEASED"])["DEFERRED_TRANSACTION_ID"] == deferred["transactionId"]
    settlement_id = shop.portal.close_period()
    found = shop.get(
        TRANSACTIONS, relatedIdentifierName="FINANCIAL_EVENT_GROUP_ID", relatedIdentifierValue=settlement_id
    )
    assert [one["transactionStatus"] for one in found["payload"]["transactions"]] == ["RELEASED"]


def test_deferred_money_is_not_settled(shop: Shop) -> None:
    shop.ship(shop.portal.place([("ATLAS-1", 1)]))
    assert shop.portal.close_period() is None


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"postedBefore": "2026-11-01T00:00:00Z"},
        {"postedAfter": "2026-11-01T00:00:00Z", "postedBefore": "2026-11-02T09:00:00Z"},
        {"postedAfter": "2026-11-01T00:00:00Z", "transactionStatus": "SETTLED"},
        {"relatedIdentifierName": "REFUND_ID", "relatedIdentifierValue": "1"},
    ],
)
def test_transactions_that_cannot_be_asked_for_like_this(shop: Shop, query: dict[str, str]) -> None:
    assert errors_of(shop.call("GET", TRANSACTIONS, query)) == ["InvalidInput"]


def test_transactions_of_another_marketplace_or_too_long_a_span_are_none(shop: Shop) -> None:
    shop.ship(shop.portal.place([("ATLAS-1", 1)]))
    shop.move(minutes=3)
    since = "2026-11-01T00:00:00Z"
    assert shop.get(TRANSACTIONS, postedAfter=since, marketplaceId="X")["payload"]["transactions"] == []
    assert shop.get(TRANSACTIONS, postedAfter="2026-01-01")["payload"]["transactions"] == []
    assert len(shop.get(TRANSACTIONS, postedAfter=since, marketplaceId=DE)["payload"]["transactions"]) == 1


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["sell", "part", "refund", "channel", "amazon", "close", "cancel"]),
        st.integers(1, 4),
        st.integers(1, 5_000),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(actions=ACTIONS, shipping=st.integers(0, 700), reserve=st.integers(0, 50_000), fee=st.integers(0, 4_000))
def test_every_period_adds_up_and_what_is_paid_is_what_was_earned(
    actions: list[tuple[str, int, int]], shipping: int, reserve: int, fee: int
) -> None:
    shop = Shop(shipping_minor=shipping, reserve_per_100k=reserve, subscription_minor=fee)
    orders: list[str] = []
    for what, count, amount in actions:
        if what in ("sell", "part", "amazon") and shop.portal.stock("LAMP-1") >= count:
            by = "amazon" if what == "amazon" else "seller"
            orders.append(shop.portal.place([("LAMP-1", count)], fulfilled_by=by))
            shop.token = shop.new_token()
            if what == "sell":
                shop.ship(orders[-1])
            elif what == "part":
                shop.confirm(orders[-1], dict.fromkeys(shop.line_ids(orders[-1]), 1))
        elif what == "refund" and orders:
            shop.token = shop.new_token()
            refund(shop, orders[-1], f"{amount / 100:.2f}")
        elif what == "channel" and orders:
            line = shop.book(orders[-1])["lines"][0]
            if line["refunded_minor"] + amount <= line["price_minor"] * line["shipped"] // line["quantity"]:
                shop.portal.refund(orders[-1], line["line_id"], amount)
        elif what == "cancel" and orders and not shop.book(orders[-1])["lines"][0]["shipped"]:
            if shop.book(orders[-1])["state"] != "CANCELLED":
                shop.portal.cancel(orders[-1])
        elif what == "close":
            shop.move(days=count)
            shop.portal.close_period()
    shop.move(days=30)
    shop.portal.close_period()
    shop.token = shop.new_token()
    books = shop.amazon.books()
    paid, held = 0, 0
    for rows, statement in zip(shop.settlement_rows(), books["statements"], strict=True):
        amounts = [minor(row["amount"]) for row in rows[1:]]
        assert sum(amounts) == minor(rows[0]["total-amount"]) == statement["total_minor"]
        assert len(amounts) == statement["lines"]
        names = {row["amount-description"]: minor(row["amount"]) for row in rows[1:]}
        assert names.get("Previous Reserve Amount Balance", 0) == held
        held = statement["reserve_minor"]
        paid += sum(amounts)
    fees = -fee * len(books["statements"])
    assert paid + held == sum(one["total_minor"] for one in books["transactions"]) + fees
    principal = sum(
        minor(row["amount"])
        for rows in shop.settlement_rows()
        for row in rows[1:]
        if row["amount-type"] == "ItemPrice" and row["transaction-type"] == "Order"
    )
    sold = [line for order in books["orders"] for line in order["lines"]]
    assert principal == sum(
        line["price_minor"] * line["shipped"] // line["quantity"]
        + line["shipping_minor"] * line["shipped"] // line["quantity"]
        for line in sold
    )
    assert all(line["refunded_minor"] <= line["price_minor"] + line["shipping_minor"] for line in sold)


@given(total=st.integers(0, 10**9), whole=st.integers(1, 50), cut=st.integers(0, 50))
def test_parts_sum_to_the_whole(total: int, whole: int, cut: int) -> None:
    cut = min(cut, whole)
    assert part(total, 0, cut, whole) + part(total, cut, whole - cut, whole) == total


@given(amount=st.integers(-(10**9), 10**9), rate=st.integers(0, 100_000))
def test_a_share_is_the_nearest_whole_unit(amount: int, rate: int) -> None:
    exact = Decimal(amount) * rate / 100_000
    assert abs(share(amount, rate) - exact) <= Decimal("0.5")
    assert share(-amount, rate) == -share(amount, rate)


def test_the_tax_inside_a_price() -> None:
    assert [included_tax(gross, 19_000) for gross in (11_900, 1_999, 0)] == [1_900, 319, 0]


def test_the_health_report_carries_measured_rates_and_their_targets(shop: Shop) -> None:
    late, good, cancelled = (shop.portal.place([("ATLAS-1", 1)]) for _ in range(3))
    shop.ship(good)
    line_id = shop.line_ids(cancelled)[0]
    item = f"<Item><AmazonOrderItemCode>{line_id}</AmazonOrderItemCode><CancelReason>NoInventory</CancelReason></Item>"
    message = f"<AmazonOrderID>{cancelled}</AmazonOrderID><StatusCode>Failure</StatusCode>{item}"
    shop.feed("POST_ORDER_ACKNOWLEDGEMENT_DATA", envelope("OrderAcknowledgement", [message]))
    shop.portal.open_dispute(good)
    shop.move(days=3)
    shop.token = shop.new_token()
    shop.ship(late)
    report = json.loads(shop.report("GET_V2_SELLER_PERFORMANCE_REPORT"))
    (metrics,) = report["performanceMetrics"]
    assert report["accountStatuses"] == [{"marketplaceId": DE, "status": "AT_RISK"}]
    assert (metrics["lateShipmentRate"]["lateShipmentCount"], metrics["lateShipmentRate"]["status"]) == (1, "BAD")
    assert metrics["preFulfillmentCancellationRate"]["cancellationCount"] == 1
    assert metrics["orderDefectRate"]["mfn"]["claims"]["count"] == 1
    assert metrics["orderDefectRate"]["afn"]["orderCount"] == 0
    health = shop.portal.health()
    assert health["cancellation_rate"] == metrics["preFulfillmentCancellationRate"]["rate"] == pytest.approx(1 / 3)
    assert health["valid_tracking_rate"] == 1.0


def test_a_buyer_who_wanted_to_cancel_is_no_fault_of_the_seller(shop: Shop) -> None:
    order_id, other = shop.portal.place([("ATLAS-1", 1)]), shop.portal.place([("ATLAS-1", 1)])
    shop.portal.ask_cancel(order_id)
    message = f"<AmazonOrderID>{order_id}</AmazonOrderID><StatusCode>Failure</StatusCode>"
    shop.feed("POST_ORDER_ACKNOWLEDGEMENT_DATA", envelope("OrderAcknowledgement", [message]))
    shop.portal.cancel(other)
    assert shop.portal.health()["cancellation_rate"] == 0


def test_orders_and_returns_are_told_as_flat_files(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS-1", 2)])
    pending = shop.portal.place([("LAMP-1", 1)], pending=True)
    shop.ship(order_id)
    with pytest.raises(ValueError, match="cannot be returned"):
        shop.portal.open_return(order_id, [(shop.line_ids(order_id)[0], 3)], "Damaged")
    returned = shop.portal.open_return(order_id, [(shop.line_ids(order_id)[0], 1)], "Damaged")
    rows = {
        row["amazon-order-id"]: row
        for row in rows_of(shop.report("GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"))
    }
    assert (rows[order_id]["order-status"], rows[order_id]["item-price"]) == ("Shipped", "39.98")
    assert (rows[pending]["order-status"], rows[pending]["item-price"]) == ("Pending", "")
    (row,) = rows_of(shop.report("GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"))
    assert (row["Order ID"], row["Amazon RMA ID"], row["Return quantity"]) == (order_id, returned, "1")
    assert shop.amazon.books()["returns"][0]["return_id"] == returned
    none = shop.report(
        "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL",
        dataStartTime="2026-10-01T00:00:00Z",
        dataEndTime="2026-10-20T00:00:00Z",
    )
    assert rows_of(none) == []


def test_reports_are_refused_cancelled_and_listed(shop: Shop) -> None:
    health = {"reportType": "GET_V2_SELLER_PERFORMANCE_REPORT", "marketplaceIds": [DE]}
    for change in (
        {"reportType": "GET_EVERYTHING"},
        {"marketplaceIds": ["X"]},
        {"dataStartTime": "2026-01-01T00:00:00Z"},
        {"dataStartTime": "2026-11-01T00:00:00Z", "dataEndTime": "2026-10-01T00:00:00Z"},
    ):
        assert errors_of(shop.call("POST", REPORTS, body={**health, **change})) == ["InvalidInput"]
    first = shop.call("POST", REPORTS, body=health).json()["reportId"]
    assert shop.call("DELETE", f"{REPORTS}/{first}").status == 200
    shop.move(minutes=10)
    assert shop.get(f"{REPORTS}/{first}")["processingStatus"] == "CANCELLED"
    assert shop.call("DELETE", f"{REPORTS}/{first}").status == 400
    assert shop.call("GET", f"{REPORTS}/1").status == 404
    listed = shop.get(REPORTS, reportTypes=health["reportType"], processingStatuses="CANCELLED,DONE")["reports"]
    assert [one["reportId"] for one in listed] == [first]
