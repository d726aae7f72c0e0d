"""Who may call what, how often, and what a seller may see."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sandbox.mirakl.mirakl_market import FRONT, OPERATOR, Market

from entrepot.sandbox.mirakl.settings import default_ceilings

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def _token(market: Market, client: str = "front-client", secret: str = "front-secret") -> Any:
    body = f"grant_type=client_credentials&client_id={client}&client_secret={secret}".encode()
    return market.call("POST", "/oauth/token", body, None, FORM)


@pytest.mark.parametrize("key", [None, "", "wrong", "Bearer wrong", "Bearer ", "Bearer front-key", "front-key x"])
def test_without_a_known_key_nothing_is_answered(market: Market, key: str | None) -> None:
    answer = market.get("/api/orders", key)
    assert answer.status == 401
    assert answer.json["status"] == 401


def test_a_token_opens_the_door_for_an_hour(market: Market) -> None:
    granted = _token(market).json
    assert (granted["token_type"], granted["expires_in"]) == ("Bearer", 3600)
    bearer = f"Bearer {granted['access_token']}"
    assert market.get("/api/payment/debit", bearer).status == 200
    market.move(minutes=59, seconds=59)
    assert market.get("/api/payment/debit", bearer).status == 200
    market.move(seconds=1)
    assert market.get("/api/payment/debit", bearer).status == 401


def test_a_token_is_granted_to_known_clients_only(market: Market) -> None:
    assert _token(market, secret="guess").status == 401
    assert _token(market, client="nobody").status == 401
    assert market.call("POST", "/oauth/token", b"grant_type=password", None, FORM).status == 400


SELLER_MAY_NOT = [
    ("GET", "/api/payment/debit"),
    ("PUT", "/api/payment/debit"),
    ("GET", "/api/payment/refund"),
    ("PUT", "/api/payment/refund"),
    ("POST", "/api/orders"),
    ("GET", "/api/shops"),
    ("PUT", "/api/shops"),
    ("PUT", "/api/seller-billing-cycles"),
    ("GET", "/api/shipping/rates"),
]


@pytest.mark.parametrize(("method", "path"), SELLER_MAY_NOT)
def test_a_seller_may_not_do_what_is_the_operators(market: Market, method: str, path: str) -> None:
    assert market.call(method, path, {}, "shop-2001-key").status == 403


def test_a_seller_never_sees_another_sellers_leg(market: Market) -> None:
    mine, theirs = (order["order_id"] for order in market.buy((101, 1), (201, 1)))
    listed = market.get("/api/orders", "shop-2001-key").json
    assert [order["order_id"] for order in listed["orders"]] == [mine]
    assert market.get(f"/api/orders/{theirs}", "shop-2001-key").codes == ["ORDER_NOT_FOUND"]
    rows = [{"id": f"{theirs}-1", "accepted": True}]
    assert market.put(f"/api/orders/{theirs}/accept", {"order_lines": rows}, "shop-2001-key").status == 404
    row = {"order_line_id": f"{theirs}-1", "amount": 1, "shipping_amount": 0, "reason_code": "RETURNED"}
    assert market.put("/api/orders/refund", {"refunds": [row]}, "shop-2001-key").status == 404
    shipment = {"order_id": theirs, "shipment_lines": [{"order_line_id": f"{theirs}-1", "quantity": 1}]}
    assert market.post("/api/shipments", {"shipments": [shipment]}, "shop-2001-key").json["shipment_success"] == []
    assert market.get("/api/orders?shop_id=2002", "shop-2001-key").status == 403
    assert market.get(f"/api/orders/{mine}?shop_id=2001", "shop-2001-key").status == 200
    assert market.get(f"/api/orders/{mine}?shop_id=2002", OPERATOR).status == 404


def test_a_sellers_money_is_his_alone(market: Market) -> None:
    market.received_order((101, 1))
    market.received_order((201, 1))
    market.move(days=10)
    for path in ("/api/invoices", "/api/seller-billing-cycles", "/api/sellerpayment/transactions_logs"):
        answer = market.get(path, "shop-2002-key").json
        rows = answer.get("invoices") or answer["data"]
        shops = {row.get("shop_id") or row["shop"]["shop_id"] for row in rows}
        assert shops == {2002}, path


def test_an_unknown_path_is_not_found(market: Market) -> None:
    for method, path in (("GET", "/api/nothing"), ("DELETE", "/api/orders"), ("GET", "/api/orders/x/accept")):
        assert market.call(method, path).status == 404


# -- ceilings ------------------------------------------------------------------------------------------------------


def test_a_published_ceiling_answers_429_and_says_when_to_come_back(make_market: Callable[..., Market]) -> None:
    market = make_market(ceilings=default_ceilings())
    assert market.get("/api/orders", "shop-2001-key").status == 200
    market.move(seconds=18)
    refused = market.get("/api/orders", "shop-2001-key")
    assert (refused.status, refused.headers["retry-after"]) == (429, "42")
    assert market.get("/api/orders", "shop-2002-key").status == 200
    assert market.get("/api/account", "shop-2001-key").status == 200
    market.move(seconds=42)
    assert market.get("/api/orders", "shop-2001-key").status == 200


def test_two_windows_of_one_ceiling_both_hold(make_market: Callable[..., Market]) -> None:
    market = make_market(ceilings=default_ceilings())
    path = "/api/sellerpayment/transactions_logs"

    def burst(size: int) -> list[int]:
        return [market.get(path, "shop-2001-key").status for _ in range(size)]

    assert burst(21) == [200] * 20 + [429]
    market.move(minutes=1)
    assert burst(20) == [200] * 20
    market.move(minutes=1)
    assert burst(20) == [200] * 20
    market.move(minutes=1)
    refused = market.get(path, "shop-2001-key")
    assert (refused.status, refused.headers["retry-after"]) == (429, str(57 * 60))
    market.move(minutes=57)
    assert market.get(path, "shop-2001-key").status == 200


def test_the_fronts_key_is_granted_more_so_that_a_sped_up_day_works(make_market: Callable[..., Market]) -> None:
    market = make_market(ceilings=default_ceilings())
    assert [market.get("/api/orders", FRONT).status for _ in range(61)] == [200] * 60 + [429]


def test_a_refused_call_does_not_count(make_market: Callable[..., Market]) -> None:
    market = make_market(ceilings={"front": {"OR11": ((1, 60),)}})
    market.get("/api/orders")
    for _ in range(5):
        market.move(seconds=10)
        assert market.get("/api/orders").status == 429
    market.move(seconds=10)
    assert market.get("/api/orders").status == 200


def test_tokens_of_one_client_share_its_ceiling(make_market: Callable[..., Market]) -> None:
    market = make_market(ceilings={"front": {"OR11": ((1, 60),)}}, token_life=timedelta(hours=2))
    statuses = [market.get("/api/orders", f"Bearer {_token(market).json['access_token']}").status for _ in range(2)]
    assert statuses == [200, 429]
