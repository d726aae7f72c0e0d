"""The seller's standards, the books, the portal, faults, and the whole over real HTTP."""

import base64
import http.client
import json
from datetime import timedelta
from urllib.parse import quote

import pytest
from sandbox.ebay.ebay_market import (
    ANALYTICS,
    FULFILLMENT,
    HUB,
    INVENTORY,
    MACHINE_TIME,
    POST_ORDER,
    PRODUCTS,
    Hub,
    Shop,
)

from entrepot.sandbox.core import Hang, Request, Response
from entrepot.sandbox.ebay import Ebay, Settings
from entrepot.sandbox.faults import Fault
from entrepot.sandbox.http import serve

ORDERS = f"{FULFILLMENT}/order"


# -- standards -------------------------------------------------------------------------------------------------------


def metrics(shop: Shop, cycle: str = "PROJECTED") -> dict[str, tuple[int, int, str]]:
    shop.fresh()
    profile = shop.get(f"{ANALYTICS}/seller_standards_profile/PROGRAM_DE/{cycle}").json
    return {
        one["metricKey"]: (one["value"]["numerator"], one["value"]["denominator"], one["level"])
        for one in profile["metrics"]
    }


def test_the_standards_profile_counts_late_shipments_and_defects(shop: Shop) -> None:
    orders = [shop.portal.place([("ATLAS", 1)]) for _ in range(4)]
    shop.ship(orders[0])
    shop.post(
        f"{POST_ORDER}/cancellation", {"legacyOrderId": orders[1], "cancelReason": "OUT_OF_STOCK_OR_CANNOT_FULFILL"}
    )
    shop.post(f"{POST_ORDER}/cancellation", {"legacyOrderId": orders[2], "cancelReason": "BUYER_ASKED_CANCEL"})
    assert metrics(shop)["SHIPPING_MISS_RATE"] == (0, 1, "TOP_RATED")
    shop.move(days=3)
    found = metrics(shop)
    assert found["SHIPPING_MISS_RATE"] == (1, 2, "BELOW_STANDARD")
    assert found["DEFECTIVE_TRANSACTION_RATE"] == (1, 4, "BELOW_STANDARD")
    assert found["CLAIMS_SAF_RATE"] == (0, 4, "TOP_RATED")
    [_, projected] = shop.get(f"{ANALYTICS}/seller_standards_profile").json["standardsProfiles"]
    assert (projected["cycle"]["cycleType"], projected["standardsLevel"]) == ("PROJECTED", "BELOW_STANDARD")
    health = shop.portal.health()
    assert (health["late_shipment_rate"], health["defect_rate"], health["cancellation_rate"]) == (0.5, 0.25, 0.25)


def test_the_current_profile_is_of_the_last_evaluation_on_the_twentieth(shop: Shop) -> None:
    shop.portal.place([("ATLAS", 1)])
    shop.move(days=5)
    assert metrics(shop, "CURRENT")["SHIPPING_MISS_RATE"] == (0, 0, "TOP_RATED")
    shop.move(days=14)
    assert metrics(shop, "CURRENT")["SHIPPING_MISS_RATE"] == (1, 1, "BELOW_STANDARD")
    profile = shop.get(f"{ANALYTICS}/seller_standards_profile/PROGRAM_GLOBAL/CURRENT").json
    assert profile["cycle"]["evaluationDate"] == "2026-11-20T00:00:00.000Z"
    assert shop.get(f"{ANALYTICS}/seller_standards_profile/PROGRAM_US/CURRENT").status == 404
    assert shop.get(f"{ANALYTICS}/seller_standards_profile/PROGRAM_DE/YEARLY").status == 400


def test_shipping_in_time_is_judged_by_the_day_it_was_shipped(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    shop.move(days=3)
    shop.fresh()
    line = {"lineItemId": shop.lines(order_id)[0], "quantity": 1}
    body = {"lineItems": [line], "shippedDate": "2026-11-03T12:00:00.000Z"}
    assert shop.post(f"{ORDERS}/{order_id}/shipping_fulfillment", body).status == 201
    assert metrics(shop)["SHIPPING_MISS_RATE"] == (0, 1, "TOP_RATED")


# -- books -----------------------------------------------------------------------------------------------------------

SHARED = {
    "orders": "order_id state placed_at ship_by pending fulfilled_by acknowledged_at cancelled_by currency total_minor lines",
    "shipments": "order_id key carrier tracking at lines",
    "refunds": "refund_id order_id line_id amount_minor currency by at",
    "listings": "sku live price_minor currency quantity issues updates",
    "submissions": "id operation state items rejected",
    "statements": "id currency total_minor lines",
}
LINE = "line_id sku quantity price_minor shipping_minor tax_minor shipped cancelled refunded_minor"


def test_the_books_have_what_all_channels_books_have_and_are_plain_data(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 2)])
    shop.ship(order_id)
    shop.issue_refund(order_id, "1.00")
    shop.portal.open_return(order_id, [(shop.lines(order_id)[0], 1)], "OTHER")
    shop.post(
        f"{INVENTORY}/bulk_update_price_quantity",
        {"requests": [{"sku": "TIDES", "shipToLocationAvailability": {"quantity": 4}}]},
    )
    shop.portal.open_dispute(order_id)
    shop.move(days=2)
    shop.portal.close_period()
    books = json.loads(json.dumps(shop.world.books()["ebay"]))
    for table, keys in SHARED.items():
        assert books[table], table
        assert set(keys.split()) <= books[table][0].keys(), table
    assert set(LINE.split()) <= books["orders"][0]["lines"][0].keys()
    assert books.keys() >= {"returns", "disputes", "applied", "health", "oversold", "undelivered"}
    assert books["orders"][0]["total_minor"] == 2 * 1_999 + 2 * 350


def test_a_call_that_is_repeated_shows_in_applied(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    for _ in range(2):
        assert shop.issue_refund(order_id, "1.00").status == 200
        shop.move(minutes=2)
    [count] = shop.book("applied")["issueRefund"].values()
    assert count == 2


def test_waiting_names_what_is_not_over(shop: Shop) -> None:
    shop.portal.place([("ATLAS", 1)], pending=True)
    order_id = shop.portal.place([("ATLAS", 1)])
    shop.portal.ask_cancel(order_id)
    disputed = shop.portal.place([("ATLAS", 1)])
    shop.portal.open_dispute(disputed)
    waiting = shop.portal.waiting()
    names = ("unpaid_orders", "unshipped_orders", "cancellations", "disputes", "refunds")
    assert [waiting[name] for name in names] == [1, 2, 1, 1, 0]


# -- faults ----------------------------------------------------------------------------------------------------------


def call(shop: Shop, method: str, path: str, body: bytes = b"") -> Response | Hang:
    headers = {"authorization": f"Bearer {shop.token}"}
    return shop.world.handle("ebay", Request(method, path, (), headers, body))


def test_planned_faults_strike_by_operation(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    for kind in ("timeout-after", "503", "429"):
        shop.world.faults.add(Fault("ebay", "createShippingFulfillment", 1, kind))
    shop.world.faults.add(Fault("ebay", "getOrders", 1, "unknown-enum", "orderFulfillmentStatus"))
    shop.world.faults.add(Fault("ebay", "mintToken", 1, "500"))
    line = shop.lines(order_id)[0]
    body = json.dumps({"lineItems": [{"lineItemId": line, "quantity": 1}]}).encode()
    path = f"{ORDERS}/{order_id}/shipping_fulfillment"
    assert call(shop, "POST", path, body) == Hang(applied=True)
    assert len(shop.book("shipments")) == 1
    statuses = [
        given.status for given in (call(shop, "POST", path, body) for _ in range(2)) if isinstance(given, Response)
    ]
    assert statuses == [503, 429]
    [order] = shop.get(ORDERS).json["orders"]
    assert order["orderFulfillmentStatus"] == "ON_ICE"
    assert shop.ask_token().status == 500


def test_every_route_has_an_operation_of_its_own(shop: Shop) -> None:
    operations = shop.ebay.router.operations
    assert len(operations) == len(set(operations))
    assert {"getOrders", "issueRefund", "bulkUpdatePriceQuantity", "approveCancellationRequest"} <= operations.keys()
    assert shop.ebay.operation(Request("GET", "/identity/v1/oauth2/token")) is None
    assert shop.ebay.operation(Request("POST", "/identity/v1/oauth2/token")) == "mintToken"


def test_two_accounts_live_in_one_world_under_their_own_names(hub: Hub) -> None:
    shop = Shop(hub=hub)
    chosen = Settings(system="ebay-uk", account="ebay-uk", currency="GBP", marketplace="EBAY_GB", lost_per_1000=0)
    other = Ebay(shop.world, lambda: MACHINE_TIME, HUB, chosen)
    shop.world.mount("ebay-uk", other)
    other.portal.seed(PRODUCTS)
    shop.world.faults.add(Fault("ebay-uk", "webhook:ORDER_CONFIRMATION", 1, "lost"))
    there = [other.portal.place([("TIDES", 1)]) for _ in range(2)]
    here = shop.portal.place([("TIDES", 1)])
    shop.move(minutes=1)
    told = {(one.path, json.loads(one.body)["notification"]["data"]["orderId"]) for one in hub.heard}
    assert told == {("/hooks/ebay-uk", there[1]), ("/hooks/ebay-de", here)}
    assert shop.get(f"{ORDERS}/{there[0]}").status == 404
    assert shop.world.books()["ebay-uk"]["orders"][0]["currency"] == "GBP"


# -- over HTTP -------------------------------------------------------------------------------------------------------


def test_the_whole_speaks_real_http(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    with serve(shop.world, {"ebay": 0}, ticking=False) as servers:
        connection = http.client.HTTPConnection("127.0.0.1", servers.ports["ebay"], timeout=10)
        settings = shop.ebay.settings
        basic = base64.b64encode(f"{settings.client_id}:{settings.client_secret}".encode()).decode()
        form = f"grant_type=refresh_token&refresh_token={quote(settings.refresh_token, safe='')}"
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/identity/v1/oauth2/token", form, headers)
        token = json.loads(connection.getresponse().read())["access_token"]
        bearer = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        status = quote("orderfulfillmentstatus:{NOT_STARTED|IN_PROGRESS}")
        connection.request("GET", f"{ORDERS}?filter={status}&limit=1", headers=bearer)
        page = json.loads(connection.getresponse().read())
        assert [one["orderId"] for one in page["orders"]] == [order_id]
        line = page["orders"][0]["lineItems"][0]["lineItemId"]
        body = json.dumps(
            {"lineItems": [{"lineItemId": line, "quantity": 1}], "shippingCarrierCode": "DHL", "trackingNumber": "JD9"}
        )
        connection.request("POST", f"{ORDERS}/{order_id}/shipping_fulfillment", body, bearer)
        answer = connection.getresponse()
        answer.read()
        assert (answer.status, answer.headers["Location"].rpartition("/")[2]) == (201, "JD9")
        connection.close()


def test_time_alone_ends_nothing_for_a_seller_who_does_his_work(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    shop.ship(order_id)
    shop.move(days=60)
    assert set(shop.portal.waiting().values()) == {0}
    assert shop.world.next_due() is None
    assert shop.book("refunds") == []


@pytest.mark.parametrize("life", [timedelta(minutes=30), timedelta(hours=3)])
def test_windows_and_lives_are_settings(life: timedelta) -> None:
    shop = Shop(token_life=life, handling=timedelta(days=1))
    assert shop.ask_token().json["expires_in"] == life.total_seconds()
    order_id = shop.portal.place([("ATLAS", 1)])
    assert shop.book("orders")[0]["ship_by"] == "2026-11-03T09:00:00.000Z"
    assert (
        shop.order(order_id)["lineItems"][0]["lineItemFulfillmentInstructions"]["shipByDate"]
        == "2026-11-03T09:00:00.000Z"
    )
