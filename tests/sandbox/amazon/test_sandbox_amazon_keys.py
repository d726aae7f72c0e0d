"""Every documented key is in every answer, null when empty: some clients fail on a missing one."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sandbox.amazon.amazon_shop import ALL_DATA, DE, SELLER, V0, V2026, Shop, envelope, item_path
from sandbox.mirakl.mirakl_fields import Field, missing, operations

SHARED = Path(__file__).parents[4] / "shared"
FIELD_LIST = SHARED / "reference" / "fields" / "amazon-sp-api.md"
STATIC_CASES = SHARED / "data" / "amazon-orders-v0" / "static-cases.json"


@pytest.fixture(scope="module")
def documented() -> dict[str, list[Field]]:
    if not FIELD_LIST.exists():
        pytest.skip("the published field list is not beside this repository")
    found = {}
    # Operations of one name exist in two versions of orders: each section of the list is read by itself.
    for section in ("\n" + FIELD_LIST.read_text(encoding="utf-8")).split("\n# "):
        title = section.split("\n", 1)[0]
        for name, fields in operations(section).items():
            answer = [one for one in fields if not one.kind[0].isdecimal()]  # the line "errors: 400 403" is no field
            found[f"{title}/{name}"] = answer
    return found


def _busy(shop: Shop) -> str:
    """An order that was partly shipped, partly cancelled, and asked to be cancelled."""
    order_id = shop.portal.place([("ATLAS-1", 2), ("LAMP-1", 1)])
    line_id = shop.line_ids(order_id)[0]
    shop.confirm(order_id, {line_id: 1})
    shop.portal.ask_cancel(order_id)
    shop.portal.place([("ATLAS-1", 1)], pending=True)
    shop.portal.cancel(shop.portal.place([("ATLAS-1", 1)]))
    shop.portal.suppress("ROPE/10", "18367", "No.", "item_name")
    shop.move(minutes=3)
    return order_id


def _feed(shop: Shop) -> Any:
    feed, _ = shop.feed("POST_ORDER_ACKNOWLEDGEMENT_DATA", envelope("OrderAcknowledgement", []))
    return feed


def _patch(shop: Shop) -> Any:
    body = {"productType": "HOME", "patches": [{"op": "replace", "path": "/attributes/color", "value": [{}]}]}
    query = {"marketplaceIds": DE, "includedData": "identifiers,issues"}
    return shop.call("PATCH", item_path("LAMP-1"), query, body).json()


def _put(shop: Shop) -> Any:
    body = {"productType": "HOME", "attributes": {}}
    return shop.call("PUT", item_path("NEW"), {"marketplaceIds": DE}, body).json()


def _report_list(shop: Shop) -> Any:
    shop.report("GET_V2_SELLER_PERFORMANCE_REPORT")
    return shop.get("/reports/2021-06-30/reports", reportTypes="GET_V2_SELLER_PERFORMANCE_REPORT")


def _report_document(shop: Shop) -> Any:
    found = _report_list(shop)["reports"][0]["reportDocumentId"]
    return shop.get(f"/reports/2021-06-30/documents/{found}")


def _subscription(shop: Shop) -> Any:
    directive = {"eventFilter": {"eventFilterType": "ORDER_CHANGE", "marketplaceIds": [DE]}}
    shop.subscribe("ORDER_CHANGE", processingDirective=directive)
    return shop.call("GET", "/notifications/v1/subscriptions/ORDER_CHANGE").json()


def _destinations(shop: Shop) -> Any:
    shop.subscribe()
    return shop.grantless("GET", "/notifications/v1/destinations").json()


DATASETS = "summaries,attributes,issues,offers,fulfillmentAvailability,procurement,relationships,productTypes"
SINCE = "2026-11-01T00:00:00Z"
ANSWERS: dict[str, Callable[[Shop, str], Any]] = {
    "orders v0/getOrders": lambda shop, _: shop.get(V0, MarketplaceIds=DE, CreatedAfter=SINCE),
    "orders v0/getOrder": lambda shop, order_id: shop.get(f"{V0}/{order_id}"),
    "orders v0/getOrderAddress": lambda shop, order_id: shop.get(f"{V0}/{order_id}/address"),
    "orders v0/getOrderItems": lambda shop, order_id: shop.get(f"{V0}/{order_id}/orderItems"),
    "orders 2026-01-01/searchOrders": lambda shop, _: shop.get(V2026, createdAfter=SINCE, includedData=ALL_DATA),
    "orders 2026-01-01/getOrder": lambda shop, order_id: shop.get(f"{V2026}/{order_id}", includedData=ALL_DATA),
    "listings items 2021-08-01/deleteListingsItem": lambda shop, _: shop.call(
        "DELETE", item_path("LAMP-1"), {"marketplaceIds": DE}
    ).json(),
    "listings items 2021-08-01/getListingsItem": lambda shop, _: shop.get(
        item_path("ROPE/10"), marketplaceIds=DE, includedData=DATASETS
    ),
    "listings items 2021-08-01/patchListingsItem": lambda shop, _: _patch(shop),
    "listings items 2021-08-01/putListingsItem": lambda shop, _: _put(shop),
    "listings items 2021-08-01/searchListingsItems": lambda shop, _: shop.get(
        f"/listings/2021-08-01/items/{SELLER}", marketplaceIds=DE, includedData=DATASETS
    ),
    "feeds 2021-06-30/getFeed": lambda shop, _: _feed(shop),
    "feeds 2021-06-30/getFeeds": lambda shop, _: (
        _feed(shop) and shop.get("/feeds/2021-06-30/feeds", feedTypes="POST_ORDER_ACKNOWLEDGEMENT_DATA")
    ),
    "feeds 2021-06-30/createFeedDocument": lambda shop, _: shop.call(
        "POST", "/feeds/2021-06-30/documents", body={"contentType": "text/xml"}
    ).json(),
    "feeds 2021-06-30/getFeedDocument": lambda shop, _: shop.get(
        f"/feeds/2021-06-30/documents/{_feed(shop)['resultFeedDocumentId']}"
    ),
    "reports 2021-06-30/getReports": lambda shop, _: _report_list(shop),
    "reports 2021-06-30/getReportDocument": lambda shop, _: _report_document(shop),
    "finances 2024-06-19/listTransactions": lambda shop, _: shop.get(
        "/finances/2024-06-19/transactions", postedAfter=SINCE
    ),
    "notifications/getSubscription": lambda shop, _: _subscription(shop),
    "notifications/getDestinations": lambda shop, _: _destinations(shop),
}


@pytest.mark.parametrize("operation", ANSWERS)
def test_every_documented_key_is_there(shop: Shop, documented: dict[str, list[Field]], operation: str) -> None:
    answer = ANSWERS[operation](shop, _busy(shop))
    exact = json.loads(json.dumps(answer, default=float), parse_float=Decimal)
    assert documented[operation]
    if isinstance(exact.get("payload"), list):  # a bare list is documented by what is in it
        inside = next(one for one in documented[operation] if one.name == "payload").inside
        assert [problem for one in exact["payload"] for problem in missing(inside, one)] == []
        return
    assert list(missing(documented[operation], exact)) == []


@pytest.mark.foreign
def test_amazons_own_examples_hold_no_key_that_we_do_not_send(shop: Shop) -> None:
    if not STATIC_CASES.exists():
        pytest.skip("Amazon's static cases are not beside this repository")
    order_id = _busy(shop)
    answers = {
        "getOrders": shop.get(V0, MarketplaceIds=DE, CreatedAfter=SINCE),
        "getOrder": shop.get(f"{V0}/{order_id}"),
        "getOrderAddress": shop.get(f"{V0}/{order_id}/address"),
        "getOrderBuyerInfo": shop.get(f"{V0}/{order_id}/buyerInfo"),
        "getOrderItems": shop.get(f"{V0}/{order_id}/orderItems"),
    }
    cases = json.loads(STATIC_CASES.read_text(encoding="utf-8"))
    checked = 0
    for case in cases:
        if case["operation"] in answers and case["status"] == "200":
            checked += 1
            assert _unknown(case["response"], answers[case["operation"]]) == []
        elif "errors" in case.get("response", {}):
            assert {"code", "message"} <= set(case["response"]["errors"][0])
    assert checked >= 5


def _unknown(theirs: Any, ours: Any, path: str = "") -> list[str]:
    """Keys of an example that our answer does not have; what is null on our side has nothing to compare."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        found = [f"{path}.{key}" for key in theirs if key not in ours]
        return found + [
            hit for key in theirs if key in ours for hit in _unknown(theirs[key], ours[key], f"{path}.{key}")
        ]
    if isinstance(theirs, list) and isinstance(ours, list) and ours:
        return [hit for one in theirs for hit in _unknown(one, ours[0], f"{path}[]")]
    return []


LINE = {
    "line_id",
    "sku",
    "quantity",
    "price_minor",
    "shipping_minor",
    "tax_minor",
    "shipped",
    "cancelled",
    "refunded_minor",
}
BOOKS: dict[str, set[str]] = {
    "orders": {
        "order_id",
        "state",
        "placed_at",
        "ship_by",
        "pending",
        "fulfilled_by",
        "acknowledged_at",
        "cancelled_by",
        "currency",
        "total_minor",
        "lines",
    },
    "shipments": {"order_id", "key", "carrier", "tracking", "at", "lines"},
    "refunds": {"refund_id", "order_id", "line_id", "amount_minor", "currency", "by", "at"},
    "returns": {"return_id", "order_id", "lines"},
    "disputes": {"dispute_id", "order_id"},
    "listings": {"sku", "live", "price_minor", "currency", "quantity", "issues", "updates"},
    "submissions": {"id", "operation", "state", "items", "rejected"},
    "statements": {"id", "currency", "total_minor", "lines"},
}


def test_the_books_have_what_a_checker_compares_on_every_channel(shop: Shop) -> None:
    order_id = _busy(shop)
    line_id = shop.line_ids(order_id)[0]
    shop.portal.refund(order_id, line_id, 100)
    shop.portal.open_return(order_id, [(line_id, 1)], "Damaged")
    shop.portal.open_dispute(order_id)
    _put(shop)
    shop.portal.close_period()
    books = shop.world.books()["amazon"]
    assert json.loads(json.dumps(books)) == books
    for table, keys in BOOKS.items():
        assert books[table], table
        assert all(keys <= set(row) for row in books[table]), table
    for order in books["orders"]:
        assert all(set(line) >= LINE for line in order["lines"])
        parts = ("price_minor", "shipping_minor", "tax_minor")
        assert order["total_minor"] == sum(line[part] for line in order["lines"] for part in parts)
    assert {"applied", "health", "oversold", "undelivered"} <= set(books)
    waiting = shop.portal.waiting()
    assert (waiting["unshipped"], waiting["pending"], waiting["deferred"]) == (1, 1, 1)
