"""Every documented key is in every answer, null when empty: some clients fail on a missing one."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sandbox.mirakl.mirakl_fields import FIELD_LIST, Field, missing, operations
from sandbox.mirakl.mirakl_market import OPERATOR, Market

SHOP = "shop-2001-key"


@pytest.fixture(scope="module")
def documented() -> dict[str, list[Field]]:
    if not FIELD_LIST.exists():
        pytest.skip("the published field list is not beside this repository")
    return operations(FIELD_LIST.read_text(encoding="utf-8"))


def _full_order(market: Market) -> str:
    """An order with a refused line, a cleared refund and an open one."""
    order_id: str = market.buy((101, 2), (102, 1))[0]["order_id"]
    market.accept(order_id, f"{order_id}-2")
    market.pay(order_id)
    market.put(f"/api/orders/{order_id}/ship")
    market.portal.receive(order_id)
    market.pay_back(market.portal.refund(order_id, f"{order_id}-1", 500, "RETURNED"))
    market.portal.refund(order_id, f"{order_id}-1", 100, "RETURNED")
    return order_id


def _cancelled_part(market: Market) -> Any:
    order_id = market.buy((101, 2))[0]["order_id"]
    row = {"order_line_id": f"{order_id}-1", "amount": 19.99, "shipping_amount": 3.5, "quantity": 1}
    body = {"cancelations": [{**row, "currency_iso_code": "EUR", "reason_code": "OUT_OF_STOCK"}]}
    return market.put("/api/orders/cancel", body, OPERATOR).json


def _or11(market: Market) -> Any:
    _full_order(market)
    _cancelled_part(market)
    return market.get("/api/orders").json


def _or28(market: Market) -> Any:
    order_id = market.paid_order((101, 2))
    row = {"order_line_id": f"{order_id}-1", "amount": 5, "shipping_amount": 0, "reason_code": "RETURNED"}
    return market.put("/api/orders/refund", {"refunds": [row]}, OPERATOR).json


def _shipment(market: Market, shipped: bool = True) -> Any:
    order_id = market.paid_order((101, 2))
    lines = [{"order_line_id": f"{order_id}-1", "quantity": 1}]
    tracking = {"carrier_code": "DHL", "carrier_name": "DHL", "tracking_number": "1Z"}
    body = {"shipments": [{"order_id": order_id, "shipment_lines": lines, "shipped": shipped, "tracking": tracking}]}
    bad = {"order_id": "nowhere", "shipment_lines": lines}
    return market.post("/api/shipments", {"shipments": [*body["shipments"], bad]}, SHOP).json


def _st11(market: Market) -> Any:
    _shipment(market)
    return market.get("/api/shipments").json


def _st23(market: Market) -> Any:
    shipment_id = _shipment(market, shipped=False)["shipment_success"][0]["id"]
    rows = [{"id": shipment_id, "tracking": {"tracking_number": "2Z"}}, {"id": "none", "tracking": {}}]
    return market.post("/api/shipments/tracking", {"shipments": rows}, SHOP).json


def _st24(market: Market) -> Any:
    shipment_id = _shipment(market, shipped=False)["shipment_success"][0]["id"]
    return market.put("/api/shipments/ship", {"shipments": [{"id": shipment_id}, {"id": "none"}]}, SHOP).json


def _return(market: Market) -> Any:
    order_id = market.received_order((101, 2))
    lines = [{"order_line_id": f"{order_id}-1", "quantity": 1, "reason_code": "CHANGED_MIND"}]
    row = {"order_commercial_id": order_id[:-2], "method_code": "STANDARD", "return_lines": lines}
    return market.post("/api/returns", {"returns": [row, {**row, "order_commercial_id": "nowhere"}]}).json


def _rt11(market: Market) -> Any:
    return_id = _return(market)["return_success"][0]["id"]
    market.portal.accept_return(return_id)
    market.portal.receive_return(return_id, compliant=True)
    return market.get("/api/returns").json


def _returns_by(path: str, before: tuple[str, ...] = (), **fields: Any) -> Callable[[Market], Any]:
    def make(market: Market) -> Any:
        return_id = _return(market)["return_success"][0]["id"]
        for step in before:
            market.put(f"/api/returns/{step}", {"returns": [{"id": return_id, "accepted": True}]})
        return market.put(f"/api/returns/{path}", {"returns": [{"id": return_id, **fields}, {"id": "none"}]}).json

    return make


def _import(market: Market) -> Any:
    offer = {"shop_sku": "HB-1", "product_id": "EAN-1", "product_id_type": "EAN", "price": 20, "quantity": 5}
    return market.post("/api/offers", {"offers": [{**offer, "state_code": "11", "update_delete": "update"}]}, SHOP).json


def _of02(market: Market) -> Any:
    taken = _import(market)
    market.move(minutes=1)
    return market.get(f"/api/offers/imports/{taken['import_id']}", SHOP).json


def _of01(market: Market) -> Any:
    body = b'--X\r\nContent-Disposition: form-data; name="import_mode"\r\n\r\nNORMAL\r\n'
    body += b'--X\r\nContent-Disposition: form-data; name="file"; filename="o.csv"\r\n'
    body += b'Content-Type: application/octet-stream\r\n\r\n"sku"\r\n\r\n--X--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=X"}
    return market.call("POST", "/api/offers/imports", body, SHOP, headers).json


def _money(target: str) -> Callable[[Market], Any]:
    def make(market: Market) -> Any:
        _full_order(market)
        market.portal.manual_document(2001, "MANUAL_CREDIT", 1_000, "Late parcel")
        market.portal.subscription(2001, 3_900)
        market.move(days=10)
        for cycle in market.portal.open_cycles():
            told = {"status": "PAID", "payment_date": "2026-11-12T00:00:00Z", "transaction_number": "P1"}
            assert market.put("/api/seller-billing-cycles", [{"id": cycle["id"], "pay_out": told}]).status == 204
        return market.get(target).json

    return make


def _thread(market: Market) -> str:
    given = {
        "topic": {"value": "Prices"},
        "to": [{"type": "SHOP", "id": "2001"}],
        "entities": [{"type": "OFFER", "id": "101"}],
        "body": "Look.",
    }
    return str(_letter(market, "/api/inbox/threads", "thread_input", given).json["thread_id"])


def _letter(market: Market, path: str, part: str, given: Any) -> Any:
    body = f'--X\r\nContent-Disposition: form-data; name="{part}"\r\n\r\n{json.dumps(given)}'
    body += '\r\n--X\r\nContent-Disposition: form-data; name="files"; filename="a.csv"\r\n\r\na\r\n--X--\r\n'
    return market.call("POST", path, body.encode(), headers={"Content-Type": "multipart/form-data; boundary=X"})


def _m12(market: Market) -> Any:
    given = {"body": "Again.", "to": [{"type": "SHOP", "id": "2001"}]}
    return _letter(market, f"/api/inbox/threads/{_thread(market)}/message", "message_input", given).json


ANSWERS: dict[str, Callable[[Market], Any]] = {
    "A01": lambda market: market.get("/api/account", SHOP).json,
    "PC01": lambda market: market.get("/api/platform/configuration", SHOP).json,
    "RE01": lambda market: market.get("/api/reasons", SHOP).json,
    "OR11": _or11,
    "OR12": lambda market: market.order(_full_order(market)),
    "OR28": _or28,
    "OR30": _cancelled_part,
    "ST01": _shipment,
    "ST11": _st11,
    "ST23": _st23,
    "ST24": _st24,
    "RT01": _return,
    "RT11": _rt11,
    "RT21": _returns_by("accept", accepted=True),
    "RT25": _returns_by("receive", ("accept",)),
    "RT26": _returns_by("compliance", ("accept", "receive"), return_lines=[]),
    "RT27": _returns_by("close", ("accept",)),
    "OF01": _of01,
    "OF02": _of02,
    "OF21": lambda market: market.get("/api/offers", SHOP).json,
    "OF24": _import,
    "M10": lambda market: market.get(f"/api/inbox/threads/{_thread(market)}").json,
    "M11": lambda market: (_thread(market), market.get("/api/inbox/threads?with_messages=true").json)[1],
    "M12": _m12,
    "IV01": _money("/api/invoices?type=ALL"),
    "SBC11": _money("/api/seller-billing-cycles"),
    "TL02": _money("/api/sellerpayment/transactions_logs?limit=100"),
}


@pytest.mark.foreign
@pytest.mark.parametrize("code", sorted(ANSWERS))
def test_every_documented_key_is_answered(code: str, market: Market, documented: dict[str, list[Field]]) -> None:
    fields = documented[code]
    assert fields, "the list documents no answer"
    answer = ANSWERS[code](market)
    lists = [answer[one.name] for one in fields if one.kind.startswith("[{}]")]
    assert not lists or any(lists), "nothing in the answer to compare"
    assert list(missing(fields, answer)) == []


@pytest.mark.foreign
def test_the_offer_export_has_every_documented_column(market: Market, documented: dict[str, list[Field]]) -> None:
    wanted = {one.name for one in documented["OF51"] if "[" not in one.name and not one.name.startswith("(")}
    header = market.get("/api/offers/export").body.decode().splitlines()[0]
    assert wanted <= {column.strip('"') for column in header.split(";")}


def test_the_checker_of_keys_finds_what_is_missing_or_of_the_wrong_kind() -> None:
    fields = operations(
        "## GET /x  `X1`\n→ 200\n  a*: string\n  b: [{}]\n    c*: integer(int64)\n    d: {}\n      e: boolean\n"
    )["X1"]
    assert list(missing(fields, {"a": "t", "b": [{"c": 1, "d": {"e": True}}]})) == []
    assert list(missing(fields, {"b": [{"c": "1", "d": {}}]})) == [
        ".a is missing",
        ".b[0].c is '1', documented as integer(int64)",
        ".b[0].d.e is missing",
    ]
    assert list(missing(fields, {"a": None, "b": None})) == [".b is not a list"]


PA11_KEYS = {"amount", "currency_iso_code", "customer_id", "order_commercial_id", "order_id", "shop_id", "order_lines"}
SHOP_KEYS = set(
    """shop_id shop_name shop_state suspension_type model domains currency_iso_code date_created last_updated_date
    is_professional premium premium_state approval_delay approval_rate grade evaluations_count offers_count orders_count
    channels operator_internal_id kyc payment_info payment_details billing_info contact_informations pro_details
    applicable_taxes shop_additional_fields shippings closed_from closed_to""".split()  # noqa: SIM905 - a table of keys
)


def test_the_payment_lists_have_the_keys_that_running_connectors_read(market: Market) -> None:
    order_id = market.buy((101, 1))[0]["order_id"]
    market.accept(order_id)
    listed = market.get("/api/payment/debit").json
    [row] = listed["orders"]["order"]
    assert listed["total_count"] == 1
    assert row.keys() >= PA11_KEYS
    [line] = row["order_lines"]["order_line"]
    assert line.keys() == {"order_line_id", "order_line_amount", "order_line_quantity", "offer_id"}
    market.pay(order_id)
    market.portal.refund(order_id, f"{order_id}-1", 100, "RETURNED")
    [refunds] = market.get("/api/payment/refund").json["orders"]["order"]
    assert refunds.keys() >= {"amount", "currency_iso_code", "order_commercial_id", "order_id", "order_lines"}
    [refund] = refunds["order_lines"]["order_line"][0]["refunds"]["refund"]
    assert refund.keys() == {"id", "amount", "quantity", "reason_code"}


def test_a_shop_has_the_keys_that_running_connectors_read(market: Market) -> None:
    answer = market.get("/api/shops").json
    assert answer["total_count"] == 4
    for shop in answer["shops"]:
        assert shop.keys() >= SHOP_KEYS
        assert shop["kyc"].keys() == {"status", "reason"}
        assert shop["payment_info"].keys() >= {"@type", "owner", "iban", "bic", "bank_name", "bank_city", "zip_code"}
        assert shop["payment_details"].keys() >= {"paid_balance", "payable_balance", "pending_balance"}
