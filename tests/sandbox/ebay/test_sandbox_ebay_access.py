"""Tokens, scopes, daily quotas."""

import pytest
from sandbox.ebay.ebay_market import FINANCES, FULFILLMENT, INVENTORY, NOTIFICATION, POST_ORDER, Shop

ORDERS = f"{FULFILLMENT}/order"
SCOPE = "https://api.ebay.com/oauth/api_scope"


def test_a_refresh_token_gives_a_user_token_of_two_hours(shop: Shop) -> None:
    answer = shop.ask_token()
    assert answer.json["expires_in"] == 7200
    assert answer.json["token_type"] == "User Access Token"
    assert shop.get(ORDERS, token=answer.json["access_token"]).status == 200


def test_a_token_ends_on_the_business_clock(shop: Shop) -> None:
    shop.move(minutes=119)
    assert shop.get(ORDERS).status == 200
    shop.move(minutes=1)
    answer = shop.get(ORDERS)
    assert (answer.status, answer.error) == (401, 1001)
    shop.fresh()
    assert shop.get(ORDERS).status == 200


def test_no_token_and_a_foreign_token_are_told_apart(shop: Shop) -> None:
    assert shop.get(ORDERS, token=None).error == 1002
    assert shop.get(ORDERS, token="v^1.1#somebody").error == 1001
    assert shop.call("GET", ORDERS, headers={"authorization": "Basic x"}, token=None).error == 1002


@pytest.mark.parametrize(
    ("asked", "status", "error"),
    [
        ({"basic": "somebody:else"}, 401, "invalid_client"),
        ({"grant": "password"}, 400, "unsupported_grant_type"),
        ({"refresh_token": "v^1.1#old"}, 400, "invalid_grant"),
        ({"grant": "authorization_code", "code": "no"}, 400, "invalid_grant"),
        ({"scope": f"{SCOPE}/sell.everything"}, 400, "invalid_scope"),
        ({"grant": "client_credentials", "scope": f"{SCOPE}/sell.inventory"}, 400, "invalid_scope"),
    ],
)
def test_the_token_service_says_why_not(shop: Shop, asked: dict[str, str], status: int, error: str) -> None:
    answer = shop.ask_token(**asked)
    assert (answer.status, answer.json["error"]) == (status, error)


def test_an_authorization_code_brings_a_refresh_token_for_eighteen_months(shop: Shop) -> None:
    answer = shop.ask_token("authorization_code", code=shop.ebay.settings.authorization_code)
    assert answer.json["refresh_token_expires_in"] == 547 * 86_400
    assert shop.mint(refresh_token=answer.json["refresh_token"])


def test_a_refresh_token_ends_too_and_so_does_a_revoked_one(shop: Shop) -> None:
    shop.portal.revoke()
    assert shop.get(ORDERS).status == 401
    assert shop.ask_token().json["error"] == "invalid_grant"
    other = Shop()
    other.move(days=548)
    assert other.ask_token().json["error"] == "invalid_grant"


def test_an_applications_own_token_reads_limits_and_keys_but_no_orders(shop: Shop) -> None:
    token = shop.mint("client_credentials")
    assert shop.get(ORDERS, token=token).error == 1100
    assert shop.get(f"{NOTIFICATION}/topic", token=token).status == 200
    assert shop.get("/developer/analytics/v1_beta/rate_limit/", token=token).status == 200
    assert shop.get("/developer/analytics/v1_beta/rate_limit/").error == 1100


def test_a_token_without_the_scope_is_turned_away(shop: Shop) -> None:
    token = shop.mint(scope=f"{SCOPE} {SCOPE}/sell.inventory")
    assert shop.get(f"{INVENTORY}/inventory_item/ATLAS", token=token).status == 200
    answer = shop.get(ORDERS, token=token)
    assert (answer.status, answer.error) == (403, 1100)


def test_the_post_order_interface_takes_its_own_word_for_a_token(shop: Shop) -> None:
    for scheme, status in (("IAF", 200), ("Bearer", 200), ("TOKEN", 401)):
        headers = {"authorization": f"{scheme} {shop.token}"}
        assert shop.call("GET", f"{POST_ORDER}/return/search", headers=headers, token=None).status == status
    assert shop.call("GET", ORDERS, headers={"authorization": f"IAF {shop.token}"}, token=None).status == 401


def test_the_days_quota_ends_in_429_and_comes_back_at_midnight_there() -> None:
    shop = Shop(quotas={"sell.finances": 3})
    funds = f"{FINANCES}/seller_funds_summary"
    assert [shop.get(funds).status for _ in range(4)] == [204, 204, 204, 429]
    assert shop.get(funds).error == 2001
    assert shop.get(ORDERS).status == 200
    shop.move(hours=22)
    shop.fresh()
    assert shop.get(funds).status == 429
    shop.move(hours=1.5)
    assert shop.get(funds).status == 204


def test_the_limits_call_tells_what_is_left() -> None:
    shop = Shop()
    shop.get(f"{FINANCES}/payout")
    token = shop.mint("client_credentials")
    path = "/developer/analytics/v1_beta/rate_limit?api_name=finances"
    [row] = shop.get(path, token=token).json["rateLimits"]
    assert (row["apiContext"], row["apiName"]) == ("sell", "finances")
    assert row["resources"] == [
        {
            "name": "sell.finances",
            "rates": [
                {
                    "count": 1,
                    "limit": 15_000,
                    "remaining": 14_999,
                    "reset": "2026-11-03T08:00:00.000Z",
                    "timeWindow": 86_400,
                }
            ],
        }
    ]
    assert shop.get("/developer/analytics/v1_beta/rate_limit?api_name=none", token=token).status == 204


def test_minting_has_a_quota_of_its_own_and_ceilings_can_be_off() -> None:
    shop = Shop(quotas={"mint.client_credentials": 1})
    assert [shop.ask_token("client_credentials").status for _ in range(2)] == [200, 429]
    free = Shop(quotas={"sell.fulfillment": 0}, ceilings=False)
    assert free.get(ORDERS).status == 200


def test_what_nobody_knows_is_404(shop: Shop) -> None:
    assert shop.get("/sell/marketing/v1/ad").status == 404
    assert shop.world.calls["ebay", "?"] == 1
