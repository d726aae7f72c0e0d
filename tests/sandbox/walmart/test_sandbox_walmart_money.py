"""Recon files, the current statement, reports on request and the measured rates: sums that must hold."""

import csv
import io
import zipfile
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox.walmart.walmart_shop import Shop

RECON = "/v3/report/reconreport"


def rows(shop: Shop, statement_id: str) -> list[dict[str, str]]:
    """Every row of a closed period, page by page."""
    found: list[dict[str, str]] = []
    offset = 0
    while True:
        page = shop.get(f"{RECON}/reconFileJson?reportDate={statement_id}&offset={offset}&noOfRecords=3").json
        found += page["reportData"]
        if page["nextOffset"] is None:
            assert len(found) == page["totalRecords"]
            return found
        offset = page["nextOffset"]


def amounts(found: list[dict[str, str]], kind: str) -> dict[str, str]:
    return {row["Amount Type"]: row["Amount"] for row in found if row["Transaction Type"] == kind}


def unzipped(body: bytes) -> list[dict[str, str]]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        (name,) = archive.namelist()
        return list(csv.DictReader(io.StringIO(archive.read(name).decode())))


def test_a_sale_is_split_into_price_tax_and_commission_and_a_summary_row_leads(shop: Shop) -> None:
    order_id = shop.shipped_order(("LAMP", 1))
    statement_id = shop.portal.close_period()
    assert statement_id == "11022026"
    found = rows(shop, statement_id)
    summary = found[0]
    assert summary["Transaction Type"] == "PaymentSummary"
    assert "Amount Type" not in summary
    assert (summary["Period Start Date"], summary["Period End Date"]) == ("11/02/2026", "11/02/2026")
    assert amounts(found, "Sale") == {
        "Product Price": "45.50",
        "Product tax": "3.75",
        "Product tax withheld": "-3.75",
        "Commission on Product": "-6.82",
        "Shipping": "4.95",
        "Shipping tax": "0.41",
        "Shipping tax withheld": "-0.41",
        "Commission on Shipping": "-0.74",
    }
    assert summary["Total Payable"] == "42.89"
    assert {row["Purchase Order #"] for row in found[1:]} == {order_id}
    assert all(isinstance(value, str) for row in found for value in row.values())
    assert found[1]["Transaction Key"].startswith("2026_11_02_")
    assert (found[1]["Commission Rate"], found[1]["Fulfillment Type"]) == ("15", "Seller Fulfilled")


def test_a_refund_returns_the_commission_it_took(shop: Shop) -> None:
    order_id = shop.shipped_order(("LAMP", 1))
    shop.move(days=1)
    shop.portal.close_period()
    shop.refund(order_id, ("1", "PRODUCT", -10, -0.83))
    shop.refund_whole(order_id, "1")
    shop.move(days=14)
    found = rows(shop, shop.portal.close_period() or "")
    total = {name: Decimal(0) for name in ("Product Price", "Commission on Product", "Commission on Shipping")}
    for row in found[1:]:
        if row["Amount Type"] in total:
            total[row["Amount Type"]] += Decimal(row["Amount"])
    assert total == {
        "Product Price": Decimal("-45.50"),
        "Commission on Product": Decimal("6.82"),
        "Commission on Shipping": Decimal("0.74"),
    }
    assert found[0]["Total Payable"] == "-42.89"
    assert {row["Transaction Reason Description"] for row in found[1:]} == {"DamagedItem", "General adjustment"}


def test_what_the_seller_owes_is_carried_into_the_next_period(shop: Shop) -> None:
    shop.portal.adjust("Return Shipping Service Charge", -500)
    shop.move(days=1)
    shop.portal.close_period()
    opening = shop.get("/v3/report/payment/statement").json["payload"]["accountSummary"]
    assert (opening["openingBalance"], opening["closingBalance"]) == (-5, -5)
    shop.shipped_order(("LAMP", 1))
    shop.move(days=1)
    found = rows(shop, shop.portal.close_period() or "")
    assert found[0]["Total Payable"] == "37.89"
    assert amounts(found, "Adjustment") == {"Fee/Reimbursement": "-5.00"}
    after = shop.get("/v3/report/payment/statement").json["payload"]["accountSummary"]
    assert after["openingBalance"] == 0


def test_a_period_closes_once_a_day_and_only_when_there_is_something(shop: Shop) -> None:
    assert shop.portal.close_period() is None
    shop.shipped_order(("ATLAS", 1))
    assert shop.portal.close_period() == "11022026"
    shop.shipped_order(("ATLAS", 1))
    assert shop.portal.close_period() is None
    shop.move(days=1)
    assert shop.portal.close_period() == "11032026"
    for path in ("availableReconFiles", "availableReconFiles?reportVersion=v1"):
        assert shop.get(f"{RECON}/{path}").json == {"availableApReportDates": ["11022026", "11032026"]}


def test_the_zip_holds_the_same_rows_as_the_json(shop: Shop) -> None:
    shop.shipped_order(("LAMP", 2), ("ATLAS", 1))
    shop.portal.adjust("Dispute Settlement", 700)
    statement_id = shop.portal.close_period() or ""
    answer = shop.get(f"{RECON}/reconFile?reportDate={statement_id}&reportVersion=v1")
    assert answer.headers["content-disposition"] == "attachment; filename=10001234567_11022026.zip"
    sheet = unzipped(answer.body)
    assert [{name: text for name, text in row.items() if text} for row in sheet] == [
        {name: text for name, text in row.items() if text} for row in rows(shop, statement_id)
    ]


def test_the_legacy_file_is_wide_and_adds_up_to_the_same(shop: Shop) -> None:
    order_id = shop.shipped_order(("LAMP", 2))
    shop.refund(order_id, ("1", "SHIPPING", -4.95, 0))
    shop.portal.adjust("Dispute Settlement", 700)
    statement_id = shop.portal.close_period() or ""
    sheet = unzipped(shop.get(f"{RECON}/reconFile?reportDate={statement_id}").body)
    assert [row["Transaction Type"] for row in sheet] == ["SALE", "REFUNDED", "ADJMNT"]
    assert (sheet[0]["Gross Sales Revenue"], sheet[1]["Gross Shipping Refunded"]) == ("91.00", "-4.95")
    payable = sum(Decimal(row["Payable to Partner from Sale"]) for row in sheet)
    assert payable == Decimal(rows(shop, statement_id)[0]["Total Payable"])


@pytest.mark.parametrize("path", ["reconFile?reportVersion=v1", "reconFile?x=1", "reconFileJson?x=1"])
def test_a_report_needs_a_day_that_has_one(shop: Shop, path: str) -> None:
    assert shop.get(f"{RECON}/{path}").codes == ["MISSING_REQUEST_PARAM.GMP_REPORT_API"]
    assert shop.get(f"{RECON}/{path}&reportDate=01011999").codes == ["CONTENT_NOT_FOUND.GMP_REPORT_API"]


def test_walmart_takes_its_fulfilment_fee_and_the_statement_names_it(shop: Shop) -> None:
    shop.portal.place([("ATLAS", 2)], fulfilled_by="marketplace")
    shop.move(days=1)
    payload = shop.get("/v3/report/payment/statement").json["payload"]
    assert payload["accountSummary"]["walmartFulfillmentServices"] == -9
    assert payload["transactionDetails"]["wfs"]["wfsFullfillmentFee"] == -9
    found = rows(shop, shop.portal.close_period() or "")
    assert {row["Fulfillment Type"] for row in found[1:]} == {"Walmart Fulfilled"}


STEP = st.one_of(
    st.tuples(st.just("buy"), st.sampled_from(["ATLAS", "LAMP"]), st.integers(1, 3)),
    st.tuples(st.just("part"), st.integers(0, 9), st.integers(1, 4_000)),
    st.tuples(st.just("whole"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("return"), st.integers(0, 9), st.integers(1, 2)),
    st.tuples(st.just("fee"), st.integers(0, 9), st.integers(-9_000, 3_000)),
    st.tuples(st.just("wfs"), st.integers(0, 9), st.integers(1, 2)),
    st.tuples(st.just("days"), st.integers(1, 4), st.just(0)),
    st.tuples(st.just("close"), st.just(0), st.just(0)),
)


def _step(shop: Shop, placed: list[str], kind: str, which: Any, much: int) -> None:
    chosen = placed[which % len(placed)] if isinstance(which, int) and placed else None
    if kind == "buy":
        placed.append(shop.shipped_order((which, much)))
    elif kind == "wfs":
        placed.append(shop.portal.place([("ATLAS", much)], fulfilled_by="marketplace"))
        shop.move(days=1)
    elif kind == "fee":
        shop.portal.adjust("Return Shipping Service Charge", much)
    elif kind == "days":
        shop.move(days=which)
    elif kind == "close":
        shop.portal.close_period()
    elif chosen and kind == "whole":
        shop.refund_whole(chosen, "1")
    elif chosen:
        try:
            if kind == "part":
                shop.portal.refund(chosen, "1", much)
            else:
                shop.portal.open_return(chosen, [("1", much)], "Damaged")
        except ValueError:
            return  # nothing left of this order: a day has such moments


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEP, min_size=1, max_size=14))
def test_whatever_happens_rows_add_up_to_what_is_payable_and_balances_connect(
    steps: list[tuple[str, Any, int]],
) -> None:
    shop = Shop()
    placed: list[str] = []
    for kind, which, much in steps:
        _step(shop, placed, kind, which, much)
        payload = shop.get("/v3/report/payment/statement").json["payload"]
        summary, details = payload["accountSummary"], payload["transactionDetails"]
        parts = ("saleAggregate", "refundDetails", "adjustmentAggregate")
        assert summary["orderActivity"] == sum(details[part]["netPayable"] for part in parts)
        assert summary["closingBalance"] == (
            summary["openingBalance"] + summary["orderActivity"] + summary["walmartFulfillmentServices"]
        )
    shop.move(days=1)
    shop.portal.close_period()
    statements = shop.walmart.books()["statements"]
    for before, after in zip([None, *statements], statements, strict=False):
        found = rows(shop, after["id"])
        total = sum((Decimal(row["Amount"]) for row in found[1:]), Decimal(0))
        assert total == Decimal(found[0]["Total Payable"])
        assert total * 100 == after["total_minor"] == after["paid_minor"] + after["closing_minor"]
        assert after["opening_minor"] == (before["closing_minor"] if before else 0)
    for order in shop.walmart.books()["orders"]:
        for line in order["lines"]:
            assert line["refunded_minor"] >= 0
            assert line["refunded_minor"] + line["released_minor"] <= order["total_minor"]


# -- reports on request --------------------------------------------------------------------------------------------


def test_a_report_is_asked_for_made_and_fetched_from_an_address_good_for_a_while(shop: Shop) -> None:
    shop.portal.suppress("KNOT", "NO_IMAGE", "No image", "mainImageUrl")
    asked = shop.post("/v3/reports/reportRequests?reportType=ITEM&reportVersion=v4", {"excludeColumns": []}).json
    request_id = asked["requestId"]
    assert shop.get(f"/v3/reports/downloadReport?requestId={request_id}").status == 400
    shop.move(seconds=20)
    assert shop.get(f"/v3/reports/reportRequests/{request_id}").json["requestStatus"] == "INPROGRESS"
    shop.move(minutes=2)
    ready = shop.get(f"/v3/reports/downloadReport?requestId={request_id}").json
    assert ready["requestStatus"] == "READY"
    target = ready["downloadURL"].removeprefix("https://marketplace.walmartapis.com")
    sheet = unzipped(shop.raw("GET", target, b"", {}).body)
    assert [(row["SKU"], row["Publish Status"]) for row in sheet] == [
        ("ATLAS", "PUBLISHED"),
        ("KNOT", "UNPUBLISHED"),
        ("LAMP", "PUBLISHED"),
    ]
    assert shop.raw("GET", target + "0", b"", {}).status == 401
    shop.move(minutes=15)
    assert shop.raw("GET", target, b"", {}).status == 401


def test_report_requests_are_listed_by_page_and_status(shop: Shop) -> None:
    path = "/v3/reports/reportRequests?reportType=INVENTORY"
    asked = [shop.post(f"{path}&reportVersion=v1").json["requestId"] for _ in range(3)]
    page = shop.get(f"{path}&limit=2").json
    assert [one["requestId"] for one in page["requests"]] == asked[:0:-1]
    assert page["nextCursor"] == "reportType=INVENTORY&page=2&limit=2"
    last = shop.get(f"/v3/reports/reportRequests?{page['nextCursor']}").json
    assert ([one["requestId"] for one in last["requests"]], last["nextCursor"]) == (asked[:1], None)
    assert shop.get(f"{path}&requestStatus=READY").json["totalCount"] == 0
    assert shop.get(f"{path}&requestSubmissionStartDate=2027-01-01").json["totalCount"] == 0
    assert shop.get(f"{path}&requestSubmissionEndDate=2026-01-01").json["totalCount"] == 0
    assert shop.get(f"{path}&requestStatus=LOST").status == 400
    assert shop.post("/v3/reports/reportRequests?reportType=MOON&reportVersion=v1").status == 400
    assert shop.post(f"{path}&reportVersion=v9").status == 400
    assert shop.get("/v3/reports/reportRequests/1").status == 404


def test_the_cancellation_report_says_who_cancelled_what_and_why(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 2)])
    shop.cancel(order_id, ("1", 1))
    request_id = shop.post("/v3/reports/reportRequests?reportType=CANCELLATION&reportVersion=v1").json["requestId"]
    shop.move(minutes=3)
    target = shop.get(f"/v3/reports/downloadReport?requestId={request_id}").json["downloadURL"]
    (row,) = unzipped(shop.raw("GET", target.removeprefix("https://marketplace.walmartapis.com"), b"", {}).body)
    assert (row["PO #"], row["Cancelled Qty"], row["Cancelled By"]) == (order_id, "1", "seller")


# -- health --------------------------------------------------------------------------------------------------------


def test_the_rates_count_what_was_late_cancelled_and_faulty(shop: Shop) -> None:
    in_time = shop.portal.place([("ATLAS", 1)])
    late = shop.portal.place([("ATLAS", 1)])
    shop.portal.place([("ATLAS", 1)])
    cancelled = shop.portal.place([("ATLAS", 1)])
    shop.move(hours=3)
    for order_id in (in_time, cancelled):
        shop.ack(order_id)
    shop.ship(in_time, ("1", 1, "1Z999999"))
    shop.cancel(cancelled, ("1", 1))
    shop.move(hours=2)
    shop.ack(late)
    shop.move(days=3)
    shop.ship(late, ("1", 1, "short"))
    shop.refund(in_time, ("1", "PRODUCT", -1, 0))
    shop.move(days=3)
    health = shop.portal.health()
    assert health["late_acknowledgement_rate"] == 0.5
    assert health["late_shipment_rate"] == pytest.approx(2 / 3)
    assert health["cancellation_rate"] == 0.5
    assert health["defect_rate"] == 0.25
    assert health["valid_tracking_rate"] == 0.5
    assert health["late_delivery_rate"] == 0.5
    week = shop.get("/v3/report/payment/performance").json["7DAY"]
    assert (week["vtr"], week["cancellationSellerFault"]) == (Decimal("50.00"), Decimal("50.00"))
    shop.move(days=10)
    assert shop.get("/v3/report/payment/performance").json["7DAY"]["cancellationSellerFault"] == 0
