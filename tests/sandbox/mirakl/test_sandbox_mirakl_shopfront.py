"""A marketplace where one shop is us: everybody else plays along, and the books have the shape of every other channel."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sandbox.mirakl.mirakl_market import CATEGORIES, MACHINE_TIME, MovableClock

from entrepot.sandbox.core import Request, Response, World
from entrepot.sandbox.mirakl import Mirakl, Product, Settings, Shopfront, ShopSeed

US = 2001
PRODUCTS = (
    Product("ATLAS", "Sea atlas", "BOOKS", "8712345678906", 1_999, 40, {"shipping_minor": "350"}),
    Product("LAMP", "Deck lamp", "PHOTO", "8712345678913", 4_550, 3),
)


class Shop:
    """A Mirakl with our shop and a neighbour's, and us with our key."""

    def __init__(self, **settings: Any) -> None:
        self.clock = MovableClock()
        self.world = World(self.clock, 1, None)
        shops = (ShopSeed(US, "Harbour Books"), ShopSeed(2002, "Quay Cameras"))
        chosen = {"shops": shops, "categories": CATEGORIES, "ceilings": {}, **settings}
        self.mirakl = Mirakl(self.world, lambda: MACHINE_TIME, None, Settings(**chosen))
        self.world.mount("mirakl", self.mirakl)
        self.front = Shopfront(self.mirakl, US)
        self.front.seed(PRODUCTS)

    def move(self, **by: float) -> None:
        until = self.clock.at + timedelta(**by)
        while (due := self.world.next_due()) is not None and due <= until:
            self.clock.at = max(self.clock.at, due)
            self.world.tick()
        self.clock.at = until
        self.world.tick()

    def call(self, method: str, path: str, body: Any = None) -> Response:
        headers = {"authorization": self.front.key, "content-type": "application/json"}
        sent = b"" if body is None else json.dumps(body).encode()
        answer = self.world.handle("mirakl", Request(method, path, (), headers, sent))
        assert isinstance(answer, Response)
        return answer

    def accept(self, order_id: str) -> None:
        lines = [{"id": line, "accepted": True} for line in self.mirakl.portal.order(order_id).lines]
        assert self.call("PUT", f"/api/orders/{order_id}/accept", {"order_lines": lines}).status == 204

    def sent(self, *lines: tuple[str, int]) -> str:
        """An order that we accepted and sent."""
        order_id = self.front.place(lines)
        self.accept(order_id)
        self.move(minutes=2)
        assert self.call("PUT", f"/api/orders/{order_id}/ship").status == 204
        return order_id

    def order(self, order_id: str) -> dict[str, Any]:
        found: dict[str, Any] = next(one for one in self.front.books()["orders"] if one["order_id"] == order_id)
        return found

    def state(self, order_id: str) -> str:
        return self.mirakl.portal.order(order_id).state


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_the_front_charges_once_we_accepted_and_the_parcel_arrives(shop: Shop) -> None:
    order_id = shop.front.place([("ATLAS", 2)])
    assert shop.state(order_id) == "WAITING_ACCEPTANCE"
    shop.move(minutes=5)
    assert shop.state(order_id) == "WAITING_ACCEPTANCE"
    shop.accept(order_id)
    assert shop.state(order_id) == "WAITING_DEBIT"
    shop.move(minutes=1)
    assert shop.state(order_id) == "SHIPPING"
    shop.call("PUT", f"/api/orders/{order_id}/ship")
    shop.move(days=2)
    assert shop.state(order_id) == "RECEIVED"
    [parcel] = shop.front.books()["shipments"]
    assert parcel["lines"] == {f"{order_id}-1": 2}


def test_a_basket_is_priced_as_the_offer_is_today(shop: Shop) -> None:
    order_id = shop.front.place([("ATLAS", 2), ("LAMP", 1)])
    assert shop.order(order_id)["total_minor"] == 2 * 1_999 + 2 * 350 + 4_550
    assert shop.front.stock("ATLAS") == 38


def test_what_is_not_for_sale_cannot_be_bought(shop: Shop) -> None:
    for lines in ([("LAMP", 4)], [("NOWHERE", 1)], [("ATLAS", 0)]):
        with pytest.raises(ValueError, match=r"buyable|offer"):
            shop.front.place(lines)


def test_a_staged_order_waits_for_its_check(shop: Shop) -> None:
    order_id = shop.front.place([("ATLAS", 1)], pending=True)
    assert shop.order(order_id)["pending"] is True
    shop.front.release(order_id)
    assert shop.state(order_id) == "WAITING_ACCEPTANCE"
    with pytest.raises(ValueError, match="STAGING"):
        shop.front.release(order_id)


def test_what_the_operator_sends_himself_asks_nothing_of_us(shop: Shop) -> None:
    order_id = shop.front.place([("ATLAS", 1)], fulfilled_by="channel", pending=True)
    shop.front.release(order_id)
    shop.move(minutes=5)
    assert (shop.state(order_id), shop.order(order_id)["fulfilled_by"]) == ("SHIPPED", "channel")
    ours = shop.front.place([("ATLAS", 1)], fulfilled_by="channel")
    lines = {"order_lines": [{"id": f"{ours}-1", "accepted": True}]}
    assert b"ORDER_FULFILLED_UNAUTHORIZED" in shop.call("PUT", f"/api/orders/{ours}/accept", lines).body


def test_the_books_say_who_ended_an_order(shop: Shop) -> None:
    asked, cancelled, refused, late = (shop.front.place([("ATLAS", 1)]) for _ in range(4))
    shop.front.ask_cancel(asked)
    shop.front.cancel(cancelled)
    lines = {"order_lines": [{"id": f"{refused}-1", "accepted": False}]}
    shop.call("PUT", f"/api/orders/{refused}/accept", lines)
    shop.move(hours=48)
    ended = [shop.order(one)["cancelled_by"] for one in (asked, cancelled, refused, late)]
    assert ended == ["buyer", "channel", "seller", "channel"]
    assert shop.front.health()["cancellations"] == 0.5
    assert shop.front.stock("ATLAS") == 40


def test_nobody_cancels_what_is_paid(shop: Shop) -> None:
    order_id = shop.sent(("ATLAS", 1))
    for act in (shop.front.cancel, shop.front.ask_cancel):
        with pytest.raises(ValueError, match="debited"):
            act(order_id)
    with pytest.raises(ValueError, match="whole"):
        shop.front.ask_cancel(order_id, [f"{order_id}-1"])


def test_refunds_of_both_sides_are_paid_back_and_told_apart(shop: Shop) -> None:
    order_id = shop.sent(("ATLAS", 2))
    shop.front.refund(order_id, f"{order_id}-1", 100)
    row = {"order_line_id": f"{order_id}-1", "amount": 5, "shipping_amount": 0, "reason_code": "RETURNED"}
    assert shop.call("PUT", "/api/orders/refund", {"refunds": [row]}).status == 200
    assert shop.front.waiting()["open refunds"] == 2
    shop.move(minutes=2)
    assert [(one["amount_minor"], one["by"], one["state"]) for one in shop.front.books()["refunds"]] == [
        (100, "channel", "REFUNDED"),
        (500, "seller", "REFUNDED"),
    ]
    with pytest.raises(ValueError, match="More than"):
        shop.front.refund(order_id, f"{order_id}-1", 9_999)


def test_a_return_waits_for_us(shop: Shop) -> None:
    order_id = shop.sent(("ATLAS", 2))
    return_id = shop.front.open_return(order_id, [(f"{order_id}-1", 1)], "CHANGED_MIND")
    assert shop.front.waiting()["open returns"] == 1
    shop.call("PUT", "/api/returns/accept", {"returns": [{"id": return_id, "accepted": True}]})
    shop.call("PUT", "/api/returns/receive", {"returns": [{"id": return_id}]})
    lines = [{"order_line_id": f"{order_id}-1", "compliant": True}]
    shop.call("PUT", "/api/returns/compliance", {"returns": [{"id": return_id, "return_lines": lines}]})
    shop.move(minutes=2)
    assert [(one["amount_minor"], one["by"]) for one in shop.front.books()["refunds"]] == [(1_999, "seller")]
    assert shop.front.books()["returns"][0]["lines"] == {f"{order_id}-1": {"quantity": 1, "compliant": True}}


def test_an_incident_is_the_dispute_of_this_marketplace(shop: Shop) -> None:
    order_id = shop.sent(("ATLAS", 1))
    line_id = shop.front.open_dispute(order_id)
    assert shop.front.books()["disputes"] == [{"order_id": order_id, "line_id": line_id, "reason": "NOT_RECEIVED"}]
    assert shop.front.health()["defects"] == 1.0


def test_an_offer_taken_off_stays_off_when_we_send_it_again(shop: Shop) -> None:
    shop.front.suppress("ATLAS", "PRODUCT_STATUS_REJECTED", "", "")
    assert not shop.front.live("ATLAS")
    row = {"shop_sku": "ATLAS", "product_id": "8712345678906", "product_id_type": "EAN", "price": 21, "quantity": 4}
    shop.call("POST", "/api/offers", {"offers": [{**row, "state_code": "11", "update_delete": "update"}]})
    assert shop.front.waiting()["files in work"] == 1
    shop.move(minutes=1)
    [listing] = [one for one in shop.front.books()["listings"] if one["sku"] == "ATLAS"]
    assert (listing["price_minor"], listing["live"], listing["updates"]) == (2_100, False, 2)
    assert [issue["code"] for issue in listing["issues"]] == ["PRODUCT_STATUS_REJECTED"]
    shop.front.restore("ATLAS")
    assert shop.front.live("ATLAS")
    assert (shop.front.price("ATLAS"), shop.front.stock("ATLAS")) == (2_100, 4)


def test_a_period_of_ours_is_closed(shop: Shop) -> None:
    assert shop.front.close_period() is None
    shop.sent(("ATLAS", 1))
    shop.move(days=3)
    shop.front.close_period()
    [statement] = shop.front.books()["statements"]
    assert statement["currency"] == "EUR"
    # 19.99 and 3.50 shipping, 15 % commission and 20 % tax on it
    assert (statement["total_minor"], statement["lines"]) == (2_349 - 352 - 70, 4)


def test_people_hear_of_our_shop_only(shop: Shop) -> None:
    heard: list[tuple[str, str]] = []
    shop.front.subscribe(lambda topic, subject: heard.append((topic, subject)))
    neighbour = Shopfront(shop.mirakl, 2002)
    neighbour.seed([Product("CAM", "Camera", "PHOTO", "8712345678944", 45_000, 3)])
    neighbour.place([("CAM", 1)])
    assert heard == []
    order_id = shop.front.place([("ATLAS", 1)])
    shop.front.cancel(order_id)
    assert heard[0] == ("order.placed", order_id)
    assert heard[-1] == ("order.cancelled", order_id)


def test_the_books_have_what_a_checker_compares_on_every_channel(shop: Shop) -> None:
    order_id = shop.sent(("ATLAS", 1))
    books = shop.front.books()
    assert set(books) == {
        *("orders", "shipments", "refunds", "returns", "disputes", "listings", "submissions", "applied", "statements"),
        *("health", "oversold", "undelivered"),
    }
    assert books["applied"]["OR21"] == books["applied"]["OR24"] == {order_id: 1}
    assert set(books["orders"][0]) >= {
        *("order_id", "state", "placed_at", "ship_by", "pending", "fulfilled_by", "acknowledged_at", "cancelled_by"),
        *("currency", "total_minor", "lines"),
    }
    assert set(books["orders"][0]["lines"][0]) == {
        *("line_id", "sku", "quantity", "price_minor", "shipping_minor", "tax_minor", "shipped", "cancelled"),
        "refunded_minor",
    }
    assert set(books["shipments"][0]) == {"order_id", "key", "carrier", "tracking", "at", "lines"}
    assert json.loads(json.dumps(books)) == books


def test_late_parcels_are_measured(shop: Shop) -> None:
    shop.sent(("ATLAS", 1))
    order_id = shop.front.place([("ATLAS", 1)])
    shop.accept(order_id)
    shop.move(days=3)
    assert shop.front.health()["late_shipments"] == 0.5
    shop.call("PUT", f"/api/orders/{order_id}/ship")
    assert shop.front.health()["late_shipments"] == 0.5


def test_an_order_paid_on_shipment_is_charged_when_it_left() -> None:
    shop = Shop(payment_workflow="PAY_ON_SHIPMENT")
    order_id = shop.sent(("ATLAS", 1))
    assert shop.mirakl.portal.order(order_id).debit == "PENDING"
    shop.move(minutes=2)
    assert shop.mirakl.portal.order(order_id).debit == "DEBITED"
