"""Every documented key is in every answer, null when empty."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sandbox.mirakl.mirakl_fields import Field, missing, operations
from sandbox.walmart.walmart_shop import REQUIRED, Shop, basic, mp_item, price_row, stock_row

FIELD_LIST = Path(__file__).parents[4] / "shared" / "reference" / "fields" / "walmart-us.md"


@pytest.fixture(scope="module")
def documented() -> dict[str, list[Field]]:
    if not FIELD_LIST.exists():
        pytest.skip("the published field list is not beside this repository")
    return operations(FIELD_LIST.read_text(encoding="utf-8"))


def _full_order(shop: Shop) -> str:
    """An order with shipped, cancelled and refunded units."""
    order_id = shop.portal.place([("LAMP", 3), ("ATLAS", 1)])
    shop.ship(order_id, ("1", 2, "1Z999999"))
    shop.cancel(order_id, ("1", 1))
    shop.refund(order_id, ("1", "PRODUCT", -1, -0.05), comments="k")
    return order_id


def _token(shop: Shop) -> Any:
    headers = {**basic("wm-client", "wm-secret"), **REQUIRED}
    return shop.raw("POST", "/v3/token", b"grant_type=client_credentials", headers).json


def _get(target: str) -> Callable[[Shop], Any]:
    def make(shop: Shop) -> Any:
        _full_order(shop)
        return shop.get(target).json

    return make


def _one_order(shop: Shop) -> Any:
    return shop.get(f"/v3/orders/{_full_order(shop)}?productInfo=true").json


def _shipped(shop: Shop) -> Any:
    return shop.ship(shop.portal.place([("ATLAS", 2)]), ("1", 1, "1Z999999")).json


def _refunded(shop: Shop) -> Any:
    return shop.refund_whole(shop.shipped_order(("LAMP", 1)), "1").json


def _feed_details(shop: Shop) -> Any:
    feed_id = shop.feed("MP_ITEM", {"MPItem": [mp_item("BELL"), mp_item("ROPE", price=None)]})
    return shop.get(f"/v3/feeds/{feed_id}?includeDetails=true").json


def _feeds(shop: Shop) -> Any:
    shop.feed("MP_ITEM", {"MPItem": [mp_item("BELL")]})
    return shop.get("/v3/feeds").json


def _nodes(shop: Shop) -> Any:
    amount = {"unit": "EACH", "amount": 1}
    nodes = [{"shipNode": "700012345", "inputQty": amount}, {"shipNode": "1", "inputQty": amount}]
    return shop.put("/v3/inventories/ATLAS", {"inventories": {"nodes": nodes}}).json


def _return(shop: Shop) -> tuple[str, str]:
    order_id = shop.shipped_order(("LAMP", 1))
    return_id = shop.portal.open_return(order_id, [("1", 1)], "Damaged")
    return return_id, shop.books_order(order_id)["customer_order_id"]


def _returns(shop: Shop) -> Any:
    _return(shop)
    shop.move(days=7)
    return shop.get("/v3/returns").json


def _return_refund(shop: Shop) -> Any:
    return_id, customer = _return(shop)
    body = {"customerOrderId": customer, "refundLines": [{"returnOrderLineNumber": 1}]}
    return shop.post(f"/v3/returns/{return_id}/refund", body).json


def _dates(shop: Shop) -> Any:
    shop.shipped_order(("LAMP", 1))
    shop.portal.close_period()
    return shop.get("/v3/report/reconreport/availableReconFiles").json


def _unpublished(shop: Shop) -> Any:
    shop.portal.suppress("ATLAS", "NO_IMAGE", "No image", "mainImageUrl")
    return shop.get("/v3/items").json


ANSWERS: dict[str, Callable[[Shop], Any]] = {
    "tokenAPI": _token,
    "getTokenDetail": _get("/v3/token/detail"),
    "getAllOrders": _get("/v3/orders"),
    "getAllReleasedOrders": _get("/v3/orders/released"),
    "getAnOrder": _one_order,
    "acknowledgeOrders": lambda shop: shop.ack(shop.portal.place([("ATLAS", 1)])).json,
    "shippingUpdates": _shipped,
    "cancelOrderLines": lambda shop: shop.cancel(shop.portal.place([("ATLAS", 1)]), ("1", 1)).json,
    "refundOrderLines": _refunded,
    "getAllFeedStatuses": _feeds,
    "getFeedItemStatus": _feed_details,
    "getInventory": _get("/v3/inventory?sku=ATLAS"),
    "updateInventoryForAnItem": lambda shop: shop.put("/v3/inventory?sku=ATLAS", stock_row("ATLAS", 1)).json,
    "getMultiNodeInventoryForSkuAndAllShipnodes": _get("/v3/inventories/ATLAS"),
    "updateMultiNodeInventory": _nodes,
    "updateBulkInventory": lambda shop: shop.post("/v3/feeds?feedType=inventory", {}).json,
    "priceBulkUploads": lambda shop: shop.post("/v3/feeds?feedType=price", {}).json,
    "updatePrice": lambda shop: shop.put("/v3/price", price_row("ATLAS", 1)).json,
    "getReturns": _returns,
    "issueRefund": _return_refund,
    "getAvailableReconReportDates": _dates,
    "getAvailableV1ReconReportDates": _dates,
    "getPartnerStatement": _get("/v3/report/payment/statement"),
    "getPartnerPerformance": _get("/v3/report/payment/performance"),
    "getAllItems": _unpublished,
    "getAnItem": _get("/v3/items/ATLAS"),
    "retireAnItem": lambda shop: shop.call("DELETE", "/v3/items/ATLAS").json,
}


@pytest.mark.parametrize("operation", list(ANSWERS))
def test_every_documented_key_is_there(documented: dict[str, list[Field]], operation: str) -> None:
    fields = documented[operation]
    assert fields, "the list documents nothing of this answer"
    assert list(missing(fields, ANSWERS[operation](Shop()))) == []


def test_every_error_has_every_documented_key(documented: dict[str, list[Field]], shop: Shop) -> None:
    errors = next(one for one in documented["getAllItems"] if one.name == "errors")
    answer = shop.get("/v3/items/NOTHING").json
    assert list(missing([errors], answer)) == []
    assert [one["severity"] for one in answer["errors"]] == ["INFO"]
    refused = shop.put("/v3/price", price_row("ATLAS", 0)).json
    assert list(missing([errors], refused)) == []
