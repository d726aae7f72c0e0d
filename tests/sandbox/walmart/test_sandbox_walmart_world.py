"""The account in the world: over real HTTP, under faults, its books and what is not over."""

import http.client
import json
from typing import Any

import pytest
from sandbox.walmart.walmart_shop import MACHINE_TIME, PRODUCTS, REQUIRED, Hub, MovableClock, Shop, basic, shipping

from entrepot.sandbox.core import Hang, Request, Response, World
from entrepot.sandbox.faults import Fault
from entrepot.sandbox.http import serve
from entrepot.sandbox.walmart import Settings, Walmart


def test_a_seller_works_over_real_http() -> None:
    clock = MovableClock()
    world = World(clock, 1, None)
    walmart = Walmart(world, lambda: MACHINE_TIME, None, Settings())
    walmart.portal.seed(PRODUCTS)
    world.mount("walmart", walmart)
    order_id = walmart.portal.place([("ATLAS", 1)])
    with serve(world, {"walmart": 0}, ticking=False) as servers:
        wire = http.client.HTTPConnection("127.0.0.1", servers.ports["walmart"], timeout=10)

        def call(method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
            wire.request(method, path, body, {**REQUIRED, **headers})
            answer = wire.getresponse()
            return answer.status, json.loads(answer.read())

        client = basic("wm-client", "wm-secret")
        _, given = call("POST", "/v3/token", b"grant_type=client_credentials", client)
        token = {"WM_SEC.ACCESS_TOKEN": given["access_token"]}
        status, page = call("GET", "/v3/orders/released?limit=10", b"", token)
        assert (status, page["list"]["elements"]["order"][0]["purchaseOrderId"]) == (200, order_id)
        body = json.dumps(shipping(clock.at, ("1", 1, "1Z999999"))).encode()
        assert call("POST", f"/v3/orders/{order_id}/shipping", body, token)[0] == 200
        assert call("GET", "/v3/nothing", b"", token)[0] == 404
        wire.close()
    assert walmart.books()["shipments"][0]["tracking"] == "1Z999999"


def test_a_timeout_after_the_work_leaves_it_done_once(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 1)])
    shop.world.faults.add(Fault("walmart", "acknowledgeOrders", 1, "timeout-after"))
    headers = {**REQUIRED, "wm_sec.access_token": shop.token}
    request = Request("POST", f"/v3/orders/{order_id}/acknowledge", (), headers)
    assert shop.world.handle("walmart", request) == Hang(applied=True)
    assert shop.ack(order_id).status == 200
    assert shop.walmart.books()["applied"]["acknowledgeOrders"] == {order_id: 1}


def test_a_call_can_meet_a_planned_429_and_a_maintenance_page(shop: Shop) -> None:
    shop.world.faults.add(Fault("walmart", "getAllOrders", 1, "429"))
    shop.world.faults.add(Fault("walmart", "getAllOrders", 2, "html"))
    assert [shop.get("/v3/orders").status for _ in range(3)] == [429, 200, 200]


def test_listeners_in_process_hear_what_happens() -> None:
    shop = Shop()
    heard: list[tuple[str, str]] = []
    shop.portal.subscribe(lambda kind, key: heard.append((kind, key)))
    order_id = shop.portal.place([("ATLAS", 1)])
    shop.ack(order_id)
    shop.portal.suppress("KNOT", "X", "x", "x")
    shop.portal.cancel(order_id)
    other = shop.shipped_order(("ATLAS", 1))
    shop.portal.close_period()
    assert heard == [
        ("order.placed", order_id),
        ("order.updated", order_id),
        ("listing.updated", "KNOT"),
        ("order.cancelled", order_id),
        ("order.placed", other),
        ("order.updated", other),
        ("period.closed", "11022026"),
    ]


def test_what_is_not_over_is_counted_and_goes_to_nothing(hub: Hub) -> None:
    shop = Shop(hub)
    shop.portal.place([("ATLAS", 1)])
    order_id = shop.shipped_order(("ATLAS", 1))
    shop.portal.open_return(order_id, [("1", 1)], "Damaged")
    shop.post("/v3/feeds?feedType=price", {"Price": []})
    shop.post("/v3/reports/reportRequests?reportType=ITEM&reportVersion=v1")
    waiting = shop.portal.waiting()
    assert {kind: count for kind, count in waiting.items() if count} == {
        "orders": 1,
        "parcels": 1,
        "feeds": 1,
        "reports": 1,
        "returns": 1,
        "notifications": 2,
    }
    shop.move(days=10)
    assert not any(shop.portal.waiting().values())


def test_the_books_are_json_and_hold_what_every_channel_holds(shop: Shop) -> None:
    order_id = shop.shipped_order(("LAMP", 1))
    shop.portal.refund(order_id, "1", 100)
    shop.portal.close_period()
    books = json.loads(json.dumps(shop.world.books()))["walmart"]
    assert {
        "orders",
        "shipments",
        "refunds",
        "returns",
        "disputes",
        "listings",
        "submissions",
        "applied",
        "statements",
        "health",
        "oversold",
        "undelivered",
    } <= set(books)
    order = books["orders"][0]
    line = order["lines"][0]
    assert order["total_minor"] == line["price_minor"] + line["shipping_minor"] + line["tax_minor"]
    assert (order["pending"], order["fulfilled_by"], order["ship_by"]) == (False, "seller", "2026-11-04T09:00:00+00:00")


def test_the_same_seed_makes_the_same_world() -> None:
    def day() -> Any:
        shop = Shop(seed=7)
        shop.shipped_order(("LAMP", 1))
        shop.move(days=3)
        return shop.walmart.books()

    assert day() == day()


@pytest.mark.parametrize("sku", ["NOTHING"])
def test_the_portal_knows_what_is_not_there(shop: Shop, sku: str) -> None:
    assert not shop.portal.live(sku)
    for call in (
        lambda: shop.portal.price(sku),
        lambda: shop.portal.stock(sku),
        lambda: shop.portal.cancel(sku),
        lambda: shop.portal.refund(shop.portal.place([("ATLAS", 1)]), "9", 1),
        lambda: shop.portal.cancel(shop.portal.place([("ATLAS", 1)]), by="seller"),
    ):
        with pytest.raises(ValueError, match=r"no |only"):
            call()


def test_answers_are_json_with_their_type(shop: Shop) -> None:
    headers = {**REQUIRED, "wm_sec.access_token": shop.token}
    answer = shop.world.handle("walmart", Request("GET", "/v3/items", (), headers))
    assert isinstance(answer, Response)
    assert answer.headers["content-type"] == "application/json"
