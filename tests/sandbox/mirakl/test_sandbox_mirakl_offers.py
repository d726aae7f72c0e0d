"""Offers in, offers out; shops and their accounts."""

import csv
import io
from typing import Any

import pytest
from sandbox.mirakl.mirakl_market import OPERATOR, Market

SHOP = "shop-2001-key"
HEADER = '"sku";"product-id";"product-id-type";"price";"quantity";"state";"update-delete"'


def _upload(market: Market, *lines: str, mode: str = "NORMAL", key: str = SHOP, target: str = "") -> Any:
    """A multipart body by hand: plain fields first, the CSV part as application/octet-stream."""
    file = "\n".join([HEADER, *lines]).encode()
    body = (
        b'--edge\r\nContent-Disposition: form-data; name="import_mode"\r\n\r\n' + mode.encode() + b"\r\n"
        b'--edge\r\nContent-Disposition: form-data; name="file"; filename="offers.csv"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n" + file + b"\r\n--edge--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=edge"}
    return market.call("POST", f"/api/offers/imports{target}", body, key, headers)


def _offers(market: Market, query: str = "shop_id=2001") -> dict[str, dict[str, Any]]:
    return {offer["shop_sku"]: offer for offer in market.get(f"/api/offers?{query}").json["offers"]}


def _export(market: Market, query: str = "") -> list[dict[str, str]]:
    answer = market.get(f"/api/offers/export?{query}")
    assert answer.headers["content-type"] == "text/csv;charset=UTF-8"
    return list(csv.DictReader(io.StringIO(answer.body.decode()), delimiter=";"))


# -- imports -------------------------------------------------------------------------------------------------------


def test_a_file_is_taken_now_and_read_later(market: Market) -> None:
    answer = _upload(
        market, "HB-1;EAN-1;EAN;21.50;7;11;update", "HB-9;EAN-2;EAN;5.00;3;11;", "HB-2;EAN-2;EAN;;;11;delete"
    )
    import_id = answer.json["import_id"]
    assert (answer.status, answer.headers["location"]) == (201, f"/api/offers/imports/{import_id}")
    path = f"/api/offers/imports/{import_id}"
    assert market.get(path, SHOP).json["status"] == "WAITING"
    market.move(seconds=5)
    assert market.get(path, SHOP).json["status"] == "RUNNING"
    assert str(_offers(market)["HB-1"]["price"]) == "19.99"
    market.move(seconds=10)
    status = market.get(path, SHOP).json
    assert status["status"] == "COMPLETE"
    assert (status["lines_read"], status["lines_in_success"], status["lines_in_error"]) == (3, 3, 0)
    assert (status["offer_inserted"], status["offer_updated"], status["offer_deleted"]) == (1, 1, 1)
    offers = _offers(market)
    assert set(offers) == {"HB-1", "HB-9"}
    assert (str(offers["HB-1"]["price"]), offers["HB-1"]["quantity"]) == ("21.50", 7)
    assert market.get(f"{path}/error_report", SHOP).status == 404


def test_rows_that_fail_come_back_with_their_line_and_why(market: Market) -> None:
    lines = [
        "HB-1;EAN-404;EAN;21.50;7;11;update",
        "HB-2;EAN-2;EAN;cheap;7;11;update",
        "HB-2;EAN-2;EAN;0;7;11;update",
        "HB-2;EAN-2;EAN;1.005;7;11;update",
        "HB-2;EAN-2;EAN;1.00;many;11;update",
        ";EAN-2;EAN;1.00;1;11;update",
        "HB-7;EAN-2;EAN;1.00;1;11;delete",
        "HB-2;EAN-2;EAN;7.77;1;11;update",
    ]
    import_id = _upload(market, *lines).json["import_id"]
    market.move(seconds=15)
    status = market.get(f"/api/offers/imports/{import_id}", SHOP).json
    assert (status["status"], status["lines_in_error"], status["lines_in_success"]) == ("COMPLETE", 7, 1)
    assert status["has_error_report"] is True
    report = market.get(f"/api/offers/imports/{import_id}/error_report", SHOP)
    rows = list(csv.DictReader(io.StringIO(report.body.decode()), delimiter=";"))
    assert list(rows[0]) == [name.strip('"') for name in HEADER.split(";")] + ["error-line", "error-message"]
    assert [row["error-line"] for row in rows] == [str(line) for line in range(2, 9)]
    assert rows[0]["error-message"] == "The product does not exist"
    assert rows[0]["sku"] == "HB-1"
    assert str(_offers(market)["HB-2"]["price"]) == "7.77"


def test_replace_removes_what_the_file_does_not_name(market: Market) -> None:
    import_id = _upload(market, "HB-2;EAN-2;EAN;bad;1;11;", mode="REPLACE").json["import_id"]
    market.move(seconds=15)
    status = market.get(f"/api/offers/imports/{import_id}", SHOP).json
    assert (status["offer_deleted"], status["lines_in_error"], status["mode"]) == (1, 1, "REPLACE")
    assert set(_offers(market)) == {"HB-2"}
    assert set(_offers(market, "shop_id=2002")) == {"QC-1", "QC-2"}


def test_a_file_without_its_key_columns_fails_as_a_whole(market: Market) -> None:
    body = b'--e\r\nContent-Disposition: form-data; name="import_mode"\r\n\r\nNORMAL\r\n--e\r\n'
    body += b'Content-Disposition: form-data; name="file"\r\n\r\nprice\n1\r\n--e--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=e"}
    import_id = market.call("POST", "/api/offers/imports", body, SHOP, headers).json["import_id"]
    market.move(seconds=15)
    status = market.get(f"/api/offers/imports/{import_id}", SHOP).json
    assert (status["status"], status["reason_status"]) == ("FAILED", "Missing columns: sku, product-id")


def test_an_upload_that_is_no_file_is_refused(market: Market) -> None:
    assert market.call("POST", "/api/offers/imports", b"x", SHOP, {"Content-Type": "text/csv"}).status == 415
    assert _upload(market, mode="PARTIAL").codes == ["VALIDATION_ERROR"]
    no_file = b'--e\r\nContent-Disposition: form-data; name="import_mode"\r\n\r\nNORMAL\r\n--e--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=e"}
    assert market.call("POST", "/api/offers/imports", no_file, SHOP, headers).codes == ["VALIDATION_ERROR"]
    assert market.call("POST", "/api/offers/imports", b"junk", SHOP, headers).codes == ["VALIDATION_ERROR"]
    assert _upload(market, key=OPERATOR).status == 400
    assert _upload(market, key=OPERATOR, target="?shop_id=2001").status == 201


def test_an_import_is_shown_to_its_shop_only(market: Market) -> None:
    import_id = _upload(market).json["import_id"]
    assert market.get(f"/api/offers/imports/{import_id}", "shop-2002-key").status == 404
    assert market.get("/api/offers/imports/none", SHOP).status == 404
    assert market.get(f"/api/offers/imports/{import_id}", OPERATOR).status == 200


def _upsert(market: Market, **offer: Any) -> Any:
    row = {"shop_sku": "HB-1", "product_id": "EAN-1", "product_id_type": "EAN", "price": 20.5, "state_code": "11"}
    return market.post("/api/offers", {"offers": [{**row, "update_delete": "update", **offer}]}, SHOP)


def test_a_json_upsert_resets_every_field_it_leaves_out(market: Market) -> None:
    _upsert(market, quantity=9, description="Signed copy", leadtime_to_ship=7, price_additional_info="incl. box")
    market.move(seconds=15)
    offer = _offers(market)["HB-1"]
    assert (offer["quantity"], offer["description"], offer["leadtime_to_ship"]) == (9, "Signed copy", 7)
    answer = _upsert(market, quantity=4)
    assert (answer.status, answer.headers["location"]) == (201, f"/api/offers/imports/{answer.json['import_id']}")
    market.move(seconds=15)
    offer = _offers(market)["HB-1"]
    assert (offer["quantity"], offer["description"], offer["leadtime_to_ship"]) == (4, "", 2)
    assert offer["price_additional_info"] is None


def test_an_offer_without_stock_or_outside_its_period_is_not_active_and_says_why(market: Market) -> None:
    _upsert(market, available_started="2026-12-01")
    market.move(seconds=15)
    offer = _offers(market)["HB-1"]
    assert (offer["active"], offer["inactivity_reasons"]) == (False, ["ZERO_QUANTITY", "NOT_IN_AVAILABILITY_PERIOD"])
    market.portal.set_shop_state(2001, "CLOSE")
    assert _offers(market)["HB-2"]["inactivity_reasons"] == ["SHOP_NOT_OPEN"]


# -- reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "skus"),
    [
        ("", {"HB-1", "HB-2", "QC-1", "QC-2", "TD-1", "KP-1"}),
        ("shop_id=2002", {"QC-1", "QC-2"}),
        ("sku=HB-1", {"HB-1"}),
        ("product_id=EAN-3", {"QC-1"}),
        ("offer_state_codes=11", {"HB-1", "HB-2", "QC-1", "QC-2", "TD-1", "KP-1"}),
        ("offer_state_codes=2", set()),
        ("favorite=true", set()),
    ],
)
def test_every_documented_filter_of_offers_filters(market: Market, query: str, skus: set[str]) -> None:
    assert set(_offers(market, query)) == skus


def test_the_export_gives_all_or_only_what_changed_with_what_was_deleted(market: Market) -> None:
    assert {row["shop-sku"] for row in _export(market)} == {"HB-1", "HB-2", "QC-1", "QC-2", "TD-1", "KP-1"}
    market.move(hours=1)
    _upload(market, "HB-1;EAN-1;EAN;21.50;0;11;update", "HB-2;EAN-2;EAN;;;11;delete")
    market.move(seconds=15)
    changed = {row["shop-sku"]: row for row in _export(market, "last_request_date=2026-11-02T10:00:00Z")}
    assert {sku: (row["active"], row["deleted"], row["price"]) for sku, row in changed.items()} == {
        "HB-1": ("false", "false", "21.50"),
        "HB-2": ("false", "true", "7.05"),
    }
    assert "HB-1" not in {row["shop-sku"] for row in _export(market)}
    assert "HB-1" in {row["shop-sku"] for row in _export(market, "include_inactive_offers=true")}
    assert {row["shop-sku"] for row in _export(market, "shop_id=2002")} == {"QC-1", "QC-2"}


def test_an_order_changes_the_stock_in_the_differential_export(market: Market) -> None:
    market.move(hours=1)
    market.buy((202, 1))
    [row] = _export(market, "last_request_date=2026-11-02T10:00:00Z")
    assert (row["shop-sku"], row["quantity"]) == ("QC-2", "2")


def test_shipping_rates_of_a_basket_come_by_seller(market: Market) -> None:
    answer = market.get(
        "/api/shipping/rates?shipping_zone_code=FR&offers=101%7C2%7CSTD,201%7C1,999%7C1,102%7C1%7CX"
    ).json
    assert [order["shop_id"] for order in answer["orders"]] == [2001, 2002]
    assert str(answer["orders"][0]["offers"][0]["line_total_price"]) == "46.98"
    assert [error["error_code"] for error in answer["errors"]] == ["OFFER_NOT_FOUND", "SHIPPING_TYPE_NOT_ALLOWED"]
    elsewhere = market.get("/api/shipping/rates?shipping_zone_code=MOON&offers=101%7C2").json
    assert elsewhere["errors"][0]["error_code"] == "SHIPPING_ZONE_NOT_ALLOWED"
    for query in ("offers=101%7C1", "shipping_zone_code=FR", "shipping_zone_code=FR&offers=101", "offers=a%7C1"):
        assert market.get(f"/api/shipping/rates?{query}").status == 400


# -- shops ---------------------------------------------------------------------------------------------------------


def test_each_shop_of_a_patch_succeeds_or_fails_by_itself(market: Market) -> None:
    rows = [
        {"shop_id": 2001, "kyc": {"status": "REFUSED", "reason": "blurred scan"}, "payment_blocked": True},
        {"shop_id": 9999},
        {"shop_id": 2002, "kyc": {"status": "SPLENDID"}},
        {"shop_id": 2003, "suspend": True, "shop_additional_fields": [{"code": "erp-id", "value": "V7"}]},
    ]
    returns = market.put("/api/shops", {"shops": rows}).json["shop_returns"]
    assert [row["shop_error"] is None for row in returns] == [True, False, False, True]
    assert returns[1]["shop_error"]["errors"][0]["code"] == "SHOP_NOT_FOUND"
    assert returns[0]["input"]["shop_id"] == 2001
    shops = {shop["shop_id"]: shop for shop in market.get("/api/shops").json["shops"]}
    assert shops[2001]["kyc"] == {"status": "REFUSED", "reason": "blurred scan"}
    assert shops[2001]["payment_details"]["payment_blocked"] is True
    assert shops[2002]["kyc"]["status"] == "APPROVED"
    assert (shops[2003]["shop_state"], shops[2003]["suspension_type"]) == ("SUSPENDED", "MANUAL")
    assert shops[2003]["shop_additional_fields"] == [{"code": "erp-id", "type": "STRING", "value": "V7"}]
    market.put("/api/shops", {"shops": [{"shop_id": 2003, "suspend": False}]})
    assert market.get("/api/shops?shop_ids=2003").json["shops"][0]["shop_state"] == "OPEN"


def test_a_seller_reads_his_account_and_his_balances(market: Market) -> None:
    market.received_order((101, 1))
    market.paid_order((102, 1))
    account = market.get("/api/account", SHOP).json
    assert (account["shop_id"], account["orders_count"], account["offers_count"]) == (2001, 2, 2)
    balances = account["payment_details"]
    assert [str(balances[f"{name}_balance"]) for name in ("paid", "payable", "pending")] == ["0.00", "19.27", "5.78"]


def test_the_platform_says_what_it_is(market: Market) -> None:
    configuration = market.get("/api/platform/configuration").json
    assert (configuration["timezone"], configuration["features"]["multi_currency"]) == ("Europe/Paris", True)
    assert market.get("/api/version").json == {"version": "3.1000"}
    reasons = market.get("/api/reasons").json
    assert reasons["total_count"] == len(reasons["reasons"]) > 10
