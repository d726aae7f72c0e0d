"""What a seller does with his own key, for his own shop: orders, parcels, returns, offers, the stock and price lanes, his money."""

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sandbox.mirakl.mirakl_fields import FIELD_LIST, Field, missing, operations
from sandbox.mirakl.mirakl_market import OPERATOR, Answer, Market

from entrepot.sandbox.mirakl.settings import default_ceilings

ME, OTHER = "shop-2001-key", "shop-2002-key"
STOCK_HEADER = '"offer-sku";"quantity";"warehouse-code";"update-delete"'
PRICE_HEADER = '"offer-sku";"price";"discount-price";"discount-start-date";"discount-end-date"'


def upload(market: Market, lane: str, *lines: str, key: str = ME, target: str = "", header: str = "") -> Answer:
    """A file of one lane as a hand would send it."""
    header = header or (STOCK_HEADER if lane == "stock" else PRICE_HEADER)
    file = "\n".join([header, *lines]).encode()
    body = (
        b'--edge\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\n' + file + b"\r\n--edge--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=edge"}
    return market.call("POST", f"/api/offers/{lane}/imports{target}", body, key, headers)


def offer(market: Market, sku: str = "HB-1", key: str = ME) -> dict[str, Any]:
    found: dict[str, Any] = market.get(f"/api/offers?sku={sku}", key).json["offers"][0]
    return found


def report(answer: Answer) -> list[dict[str, str]]:
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.body.decode()), delimiter=";"))


def upsert(market: Market, **fields: Any) -> None:
    row = {"shop_sku": "HB-1", "product_id": "EAN-1", "product_id_type": "EAN", "price": 20, "state_code": "11"}
    market.post("/api/offers", {"offers": [{**row, "quantity": 5, "update_delete": "update", **fields}]}, ME)
    market.move(minutes=1)


# -- an order with the seller's key alone --------------------------------------------------------------------------


def test_a_seller_takes_an_order_from_acceptance_to_the_parcel(market: Market) -> None:
    order_id = market.buy((101, 2), (102, 1))[0]["order_id"]
    [listed] = market.get("/api/orders?order_state_codes=WAITING_ACCEPTANCE", ME).json["orders"]
    assert listed["order_id"] == order_id
    decisions = [{"id": line["order_line_id"], "accepted": True} for line in listed["order_lines"]]
    assert market.put(f"/api/orders/{order_id}/accept", {"order_lines": decisions}, ME).status == 204
    market.pay(order_id)
    tracking = {"carrier_code": "DHL", "carrier_name": "DHL", "tracking_number": "1Z"}
    assert market.put(f"/api/orders/{order_id}/tracking", tracking, ME).status == 204
    assert market.put(f"/api/orders/{order_id}/ship", None, ME).status == 204
    assert market.order(order_id, ME)["order_state"] == "SHIPPED"
    [parcel] = market.get(f"/api/shipments?order_id={order_id}", ME).json["data"]
    assert parcel["tracking"]["tracking_number"] == "1Z"
    assert market.get("/api/shipments", OTHER).json["data"] == []


def test_a_seller_refunds_and_his_log_shows_it(market: Market) -> None:
    order_id = market.received_order((101, 2))
    row = {"order_line_id": f"{order_id}-1", "amount": 5, "shipping_amount": 0, "reason_code": "RETURNED"}
    refund_id = market.put("/api/orders/refund", {"refunds": [row]}, ME).json["refunds"][0]["refund_id"]
    market.pay_back(refund_id)
    types = {line["type"] for line in market.get("/api/sellerpayment/transactions_logs?limit=100", ME).json["data"]}
    assert {"ORDER_AMOUNT", "COMMISSION_FEE", "REFUND_ORDER_AMOUNT"} <= types
    assert market.mirakl.platform.tables.refunds[refund_id].by == "shop"


def test_a_seller_decides_receives_and_judges_a_return(market: Market) -> None:
    order_id = market.received_order((101, 2))
    return_id = market.portal.create_return(order_id, {f"{order_id}-1": 1}, "CHANGED_MIND")
    assert [one["id"] for one in market.get("/api/returns", ME).json["data"]] == [return_id]
    assert market.get("/api/returns", OTHER).json["data"] == []
    for step, more in (("accept", {"accepted": True}), ("receive", {}), ("close", {})):
        refused = market.put(f"/api/returns/{step}", {"returns": [{"id": return_id, **more}]}, OTHER).json
        assert refused["return_success"] == []
    market.put("/api/returns/accept", {"returns": [{"id": return_id, "accepted": True}]}, ME)
    market.put("/api/returns/receive", {"returns": [{"id": return_id}]}, ME)
    lines = [{"order_line_id": f"{order_id}-1", "compliant": True}]
    market.put("/api/returns/compliance", {"returns": [{"id": return_id, "return_lines": lines}]}, ME)
    [refund] = market.order(order_id, ME)["order_lines"][0]["refunds"]
    assert market.mirakl.platform.tables.refunds[str(refund["id"])].by == "shop"


def test_a_seller_cancels_only_what_is_not_paid_and_may_wait_unpaid(make_market: Callable[..., Market]) -> None:
    market = make_market(payment_workflow="PAY_ON_SHIPMENT")
    order_id = market.buy((101, 1))[0]["order_id"]
    market.accept(order_id)
    assert market.put(f"/api/orders/{order_id}/cancel", None, OTHER).status == 404
    assert market.put(f"/api/orders/{order_id}/cancel", None, ME).status == 204
    assert market.portal.order(order_id).cancelled_by == "shop"
    part = market.buy((101, 1))[0]["order_id"]
    market.accept(part)
    row = {"order_line_id": f"{part}-1", "amount": 19.99, "shipping_amount": 3.5, "quantity": 1, "reason_code": "X"}
    body = {"cancelations": [{**row, "currency_iso_code": "EUR"}]}
    assert market.put("/api/orders/cancel", body, ME).status == 200
    assert (market.portal.order(part).state, market.portal.order(part).cancelled_by) == ("CANCELED", "shop")
    paying = make_market()
    paid = paying.paid_order((101, 1))
    assert paying.put(f"/api/orders/{paid}/cancel", None, ME).codes == ["ORDER_INVALID_STATE"]


# -- offers --------------------------------------------------------------------------------------------------------


def test_a_seller_reads_his_offers_and_nobody_elses(market: Market) -> None:
    assert {one["shop_sku"] for one in market.get("/api/offers", ME).json["offers"]} == {"HB-1", "HB-2"}
    assert market.get("/api/offers/101", ME).json["shop_sku"] == "HB-1"
    for target, key in (("201", ME), ("999", ME), ("x", ME), ("101", OTHER)):
        assert market.get(f"/api/offers/{target}", key).status == 404
    assert market.get("/api/offers/101", OPERATOR).status == 200


def test_a_whole_offer_upsert_forgets_the_discount_it_does_not_repeat(market: Market) -> None:
    upsert(market, discount={"price": 15, "start_date": "2026-11-01", "end_date": "2026-11-10"})
    shown = offer(market)
    assert (str(shown["price"]), str(shown["discount"]["origin_price"])) == ("15.00", "20.00")
    assert str(shown["applicable_pricing"]["unit_discount_price"]) == "15.00"
    upsert(market)
    assert (str(offer(market)["price"]), offer(market)["discount"]) == ("20.00", None)


def test_a_discount_holds_between_its_days(market: Market) -> None:
    upsert(market, discount={"price": 15, "start_date": "2026-11-05", "end_date": "2026-11-06"})
    prices = []
    for _ in range(5):
        market.move(days=1)
        prices.append(str(offer(market)["price"]))
    assert prices == ["20.00", "20.00", "15.00", "15.00", "20.00"]
    [row] = list(csv.DictReader(io.StringIO(market.get("/api/offers/export", ME).body.decode()), delimiter=";"))[:1]
    assert (row["price"], row["origin-price"], row["discount-price"]) == ("20.00", "20.00", "15.00")


@pytest.mark.parametrize(
    "discount", [{"price": 20}, {"price": 0}, {"price": 15, "start_date": "soon"}, {"price": "cheap"}]
)
def test_a_discount_that_cannot_be_refuses_its_row(market: Market, discount: dict[str, Any]) -> None:
    upsert(market, discount=discount)
    assert str(offer(market)["price"]) == "19.99"
    [taken] = market.get("/api/offers/imports", ME).json["data"]
    assert (taken["lines_in_error"], taken["status"]) == (1, "COMPLETE")


def test_imports_are_listed_for_their_shop(market: Market) -> None:
    upsert(market)
    upsert(market)
    found = market.get("/api/offers/imports?status=COMPLETE&mode=NORMAL&limit=1", ME).json
    assert (len(found["data"]), found["data"][0]["shop_id"], found["data"][0]["origin"]) == (1, 2001, "API")
    assert found["next_page_token"] is not None
    assert market.get("/api/offers/imports", OTHER).json["data"] == []
    for query in ("status=WAITING", "mode=REPLACE", "origins=FTP", "start_date=2026-11-03T00:00:00Z"):
        assert market.get(f"/api/offers/imports?{query}", ME).json["data"] == [], query


# -- stock only ----------------------------------------------------------------------------------------------------


def test_a_stock_file_changes_stock_and_nothing_else(market: Market) -> None:
    upsert(market, description="Signed copy", price=21)
    answer = upload(market, "stock", "HB-1;7;;update", "HB-2;0;;")
    import_id = answer.json["import_id"]
    assert answer.headers["location"] == f"/api/offers/stock/imports/{import_id}/status"
    path = f"/api/offers/stock/imports/{import_id}"
    assert market.get(f"{path}/status", ME).json["status"] == "WAITING"
    market.move(seconds=5)
    assert market.get(f"{path}/status", ME).json["status"] == "RUNNING"
    market.move(seconds=10)
    status = market.get(f"{path}/status", ME).json
    assert (status["status"], status["lines_in_success"], status["has_error_report"]) == ("COMPLETE", 2, False)
    shown = offer(market)
    assert (shown["quantity"], shown["description"], str(shown["price"])) == (7, "Signed copy", "21.00")
    assert offer(market, "HB-2")["inactivity_reasons"] == ["ZERO_QUANTITY"]
    assert market.get(f"{path}/error_report", ME).status == 404


def test_stock_lines_that_fail_come_back_with_line_and_reason_first(market: Market) -> None:
    lines = ("HB-1;many;;", "HB-9;1;;", "QC-1;1;;", "HB-1;1;NORTH;", "HB-1;-1;;", "HB-2;9;;")
    import_id = upload(market, "stock", *lines).json["import_id"]
    market.move(seconds=15)
    path = f"/api/offers/stock/imports/{import_id}"
    status = market.get(f"{path}/status", ME).json
    assert (status["lines_in_error"], status["lines_in_success"]) == (5, 1)
    rows = report(market.get(f"{path}/error_report", ME))
    assert list(rows[0])[:3] == ["error-line", "error-message", "offer-sku"]
    assert [row["error-line"] for row in rows] == ["2", "3", "4", "5", "6"]
    assert rows[2]["error-message"] == "The offer does not exist"
    assert (offer(market)["quantity"], offer(market, "QC-1", OTHER)["quantity"]) == (1000, 1000)
    for key in (OTHER, "operator-key"):
        assert market.get(f"{path}/status", key).status == (404 if key == OTHER else 200)


def test_a_corrected_report_can_be_sent_as_it_is(market: Market) -> None:
    import_id = upload(market, "stock", "HB-1;many;;").json["import_id"]
    market.move(seconds=15)
    fixed = market.get(f"/api/offers/stock/imports/{import_id}/error_report", ME).body.decode().replace("many", "12")
    header, line = fixed.strip().split("\n")
    upload(market, "stock", line, header=header)
    market.move(seconds=15)
    assert offer(market)["quantity"] == 12


def test_deleting_stock_leaves_none(market: Market) -> None:
    upload(market, "stock", "HB-1;;;delete")
    market.move(seconds=15)
    assert offer(market)["quantity"] == 0


# -- prices only ---------------------------------------------------------------------------------------------------


def test_a_price_file_replaces_all_prices_of_the_offers_it_names(market: Market) -> None:
    upload(market, "pricing", "HB-1;30.00;25.00;2026-11-01;")
    market.move(seconds=15)
    assert (str(offer(market)["price"]), offer(market)["quantity"]) == ("25.00", 1000)
    import_id = upload(market, "pricing", "HB-1;30.00;;;").json["import_id"]
    market.move(seconds=15)
    assert (str(offer(market)["price"]), offer(market)["discount"]) == ("30.00", None)
    assert str(offer(market, "HB-2")["price"]) == "7.05"
    [taken] = market.get(f"/api/offers/pricing/imports?import_id={import_id}", ME).json["data"]
    assert (taken["status"], taken["offers_updated"], taken["offers_in_error"]) == ("COMPLETE", 1, 0)


def test_price_lines_that_fail_leave_their_offer_as_it_was(market: Market) -> None:
    lines = ("HB-1;12.00;;;", "HB-1;13.00;;;", "HB-2;8.005;;;", "HB-9;1;;;")
    import_id = upload(market, "pricing", *lines).json["import_id"]
    assert market.get(f"/api/offers/pricing/imports/{import_id}/error_report", ME).status == 404
    market.move(seconds=15)
    rows = report(market.get(f"/api/offers/pricing/imports/{import_id}/error_report", ME))
    assert [(row["error-line"], row["offer-sku"]) for row in rows] == [
        ("2", "HB-1"),
        ("3", "HB-1"),
        ("4", "HB-2"),
        ("5", "HB-9"),
    ]
    assert (str(offer(market)["price"]), str(offer(market, "HB-2")["price"])) == ("19.99", "7.05")
    [taken] = market.get("/api/offers/pricing/imports", ME).json["data"]
    assert (taken["lines_in_error"], taken["offers_in_error"], taken["offers_updated"]) == (4, 3, 0)


def test_price_files_are_listed_newest_first_for_their_shop(market: Market) -> None:
    first = upload(market, "pricing", "HB-1;12.00;;;").json["import_id"]
    market.move(minutes=1)
    second = upload(market, "pricing", "HB-1;13.00;;;").json["import_id"]
    page = market.get("/api/offers/pricing/imports?limit=1", ME).json
    rest = market.get(f"/api/offers/pricing/imports?limit=1&page_token={page['next_page_token']}", ME).json
    assert [page["data"][0]["import_id"], rest["data"][0]["import_id"]] == [second, first]
    back = market.get(f"/api/offers/pricing/imports?limit=1&page_token={rest['previous_page_token']}", ME).json
    assert back["data"] == page["data"]
    assert market.get("/api/offers/pricing/imports", OTHER).json["data"] == []
    for query in ("status=FAILED", "end_date=2026-11-01T00:00:00Z", "origins=FTP"):
        assert market.get(f"/api/offers/pricing/imports?{query}", ME).json["data"] == [], query
    assert market.get("/api/offers/pricing/imports?status=DONE", ME).status == 400


@pytest.mark.parametrize("lane", ["stock", "pricing"])
def test_a_file_without_its_columns_fails_as_a_whole(market: Market, lane: str) -> None:
    import_id = upload(market, lane, "1", header='"price"').json["import_id"]
    market.move(seconds=15)
    path = f"/api/offers/stock/imports/{import_id}/status" if lane == "stock" else "/api/offers/pricing/imports"
    answer = market.get(path, ME).json
    assert (answer if lane == "stock" else answer["data"][0])["status"] == "FAILED"


@pytest.mark.parametrize("lane", ["stock", "pricing"])
def test_an_upload_without_a_file_or_a_shop_is_refused(market: Market, lane: str) -> None:
    path = f"/api/offers/{lane}/imports"
    assert market.call("POST", path, b"x", ME, {"Content-Type": "text/csv"}).status == 415
    empty = b'--e\r\nContent-Disposition: form-data; name="other"\r\n\r\nx\r\n--e--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=e"}
    assert market.call("POST", path, empty, ME, headers).codes == ["VALIDATION_ERROR"]
    assert upload(market, lane, key=OPERATOR).status == 400
    assert upload(market, lane, key=OPERATOR, target="?shop_id=2001").status == 201
    assert upload(market, lane, target="?shop_id=2002").status == 403
    assert market.get(f"{path}/none/error_report", ME).status == 404


def test_the_lanes_have_their_published_ceilings(make_market: Callable[..., Market]) -> None:
    market = make_market(ceilings=default_ceilings())
    for lane in ("stock", "pricing"):
        assert upload(market, lane).status == 201
        assert upload(market, lane).status == 429
    assert upload(market, "stock", key=OTHER).status == 201


# -- money ---------------------------------------------------------------------------------------------------------


def exported(market: Market, key: str = ME, **body: Any) -> list[bytes]:
    """The chunks of an export, fetched as a seller does."""
    tracking = market.post("/api/sellerpayment/transactions_logs/async", body, key).json["tracking_id"]
    path = f"/api/sellerpayment/transactions_logs/async/status/{tracking}"
    assert market.get(path, key).json["status"] == "PENDING"
    market.move(seconds=10)
    status = market.get(path, key).json
    assert (status["status"], status["error"]) == ("COMPLETED", None)
    base = f"http://127.0.0.1:{market.servers.ports['mirakl']}"
    return [market.get(url.removeprefix(base), None).body for url in status["urls"]]


def test_an_export_holds_what_the_list_shows(market: Market) -> None:
    market.received_order((101, 1))
    market.received_order((201, 1))
    listed = market.get("/api/sellerpayment/transactions_logs?limit=100", ME).json["data"]
    chunks = exported(market, items_per_chunk=2)
    assert len(chunks) == (len(listed) + 1) // 2
    ids = [line["id"] for chunk in chunks for line in json.loads(chunk)["data"]]
    assert ids == [line["id"] for line in listed]
    lines = [json.loads(line) for chunk in exported(market, format="NDJSON") for line in chunk.splitlines()]
    assert [line["id"] for line in lines] == ids


def test_an_export_filters_and_may_be_empty(market: Market) -> None:
    order_id = market.received_order((101, 1))
    market.received_order((101, 1))
    [chunk] = exported(market, order_id=[order_id], transaction_type=["COMMISSION_FEE"])
    assert [line["type"] for line in json.loads(chunk)["data"]] == ["COMMISSION_FEE"]
    assert exported(market, date_created_from="2026-12-01T00:00:00Z") == []


def test_an_export_is_its_askers_and_made_of_what_can_be_read(market: Market) -> None:
    path = "/api/sellerpayment/transactions_logs/async"
    for body in ({"format": "XML"}, {"items_per_chunk": 0}, {"date_created_from": "soon"}, {"shop_id": "x"}):
        assert market.post(path, body, ME).status == 400
    assert market.post(path, {"shop_id": 2002}, ME).status == 403
    tracking = market.post(path, {}, ME).json["tracking_id"]
    assert market.get(f"{path}/status/{tracking}", OTHER).status == 404
    assert market.get(f"{path}/status/none", ME).status == 404
    assert market.get(f"/dynamic-url/transactions-logs/{tracking}/0", None).status == 404


# -- reference -----------------------------------------------------------------------------------------------------


def test_a_seller_knows_his_carriers_and_conditions(market: Market) -> None:
    assert "DHL" in [one["code"] for one in market.get("/api/shipping/carriers", ME).json["carriers"]]
    assert market.get("/api/offers/states", ME).json["offer_states"][0] == {"code": "11", "label": "New"}


def test_a_seller_polls_because_he_is_told_nothing(market: Market) -> None:
    order_id = market.buy((101, 1))[0]["order_id"]
    market.move(hours=1)
    since = "start_update_date=2026-11-02T09:30:00Z"
    assert market.get(f"/api/orders?{since}", ME).json["orders"] == []
    market.accept(order_id)
    assert [one["order_id"] for one in market.get(f"/api/orders?{since}", ME).json["orders"]] == [order_id]


# -- keys ----------------------------------------------------------------------------------------------------------


def _of04(market: Market) -> Any:
    upsert(market)
    return market.get("/api/offers/imports", ME).json


def _sto02(market: Market) -> Any:
    import_id = upload(market, "stock", "HB-1;1;;").json["import_id"]
    return market.get(f"/api/offers/stock/imports/{import_id}/status", ME).json


def _pri02(market: Market) -> Any:
    upload(market, "pricing", "HB-1;1;;;")
    return market.get("/api/offers/pricing/imports", ME).json


def _tl04(market: Market) -> Any:
    tracking = market.post("/api/sellerpayment/transactions_logs/async", {}, ME).json["tracking_id"]
    return market.get(f"/api/sellerpayment/transactions_logs/async/status/{tracking}", ME).json


def _discounted(market: Market) -> Any:
    upsert(market, discount={"price": 15, "start_date": "2026-11-01"})
    return market.get("/api/offers/101", ME).json


KEYS: dict[str, Callable[[Market], Any]] = {
    "OF04": _of04,
    "OF22": _discounted,
    "OF61": lambda market: market.get("/api/offers/states", ME).json,
    "STO01": lambda market: upload(market, "stock", "HB-1;1;;").json,
    "STO02": _sto02,
    "PRI01": lambda market: upload(market, "pricing", "HB-1;1;;;").json,
    "PRI02": _pri02,
    "SH21": lambda market: market.get("/api/shipping/carriers", ME).json,
    "TL03": lambda market: market.post("/api/sellerpayment/transactions_logs/async", {}, ME).json,
    "TL04": _tl04,
}


@pytest.fixture(scope="module")
def documented() -> dict[str, list[Field]]:
    if not FIELD_LIST.exists():
        pytest.skip("the published field list is not beside this repository")
    return operations(FIELD_LIST.read_text(encoding="utf-8"))


@pytest.mark.foreign
@pytest.mark.parametrize("code", sorted(KEYS))
def test_every_documented_key_of_the_sellers_calls_is_answered(
    code: str, market: Market, documented: dict[str, list[Field]]
) -> None:
    fields = documented[code]
    assert fields, "the list documents no answer"
    answer = KEYS[code](market)
    lists = [answer[one.name] for one in fields if one.kind.startswith("[{}]")]
    assert not lists or any(lists), "nothing in the answer to compare"
    assert list(missing(fields, answer)) == []


def test_time_windows_are_the_sellers_to_watch(make_market: Callable[..., Market]) -> None:
    market = make_market(acceptance_window=timedelta(hours=2))
    order_id = market.buy((101, 1))[0]["order_id"]
    market.move(hours=2)
    assert market.order(order_id, ME)["order_state"] == "REFUSED"
    assert market.order(order_id, ME)["acceptance_decision_date"] is None
