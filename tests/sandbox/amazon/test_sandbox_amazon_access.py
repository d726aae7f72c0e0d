"""Who may call, how often, and what every answer carries."""

import base64

import pytest
from sandbox.amazon.amazon_shop import DE, START, V0, V2026, Shop, errors_of

from entrepot.sandbox.amazon import RATES

SEARCH = {"createdAfter": "2026-11-01T00:00:00Z"}


def test_a_refresh_token_is_exchanged_for_an_access_token_of_an_hour(shop: Shop) -> None:
    answer = shop.sign_in(grant_type="refresh_token", refresh_token=shop.settings.refresh_token)
    told = answer.json()
    assert answer.status == 200
    assert (told["token_type"], told["expires_in"]) == ("bearer", 3600)
    assert told["refresh_token"] == shop.settings.refresh_token
    assert told["access_token"].startswith("Atza|")


def test_credentials_may_come_as_basic_authorization_or_as_json(shop: Shop) -> None:
    pair = f"{shop.settings.client_id}:{shop.settings.client_secret}"
    basic = {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    body = f"grant_type=refresh_token&refresh_token={shop.settings.refresh_token}".encode()
    assert shop.send("POST", "/auth/o2/token", body=body, headers=basic).status == 200
    form = {
        "grant_type": "refresh_token",
        "refresh_token": shop.settings.refresh_token,
        "client_id": shop.settings.client_id,
        "client_secret": shop.settings.client_secret,
    }
    assert shop.send("POST", "/auth/o2/token", body=form).status == 200


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "refresh_token", "refresh_token": "Atzr|other"}, 400, "invalid_grant"),
        ({"grant_type": "refresh_token"}, 400, "invalid_grant"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "scope": "profile"}, 400, "invalid_scope"),
        ({"grant_type": "client_credentials", "client_secret": "wrong"}, 401, "invalid_client"),
    ],
)
def test_the_token_endpoint_says_no_in_the_words_of_oauth(
    shop: Shop, form: dict[str, str], status: int, error: str
) -> None:
    answer = shop.sign_in(**form)
    assert (answer.status, answer.json()["error"]) == (status, error)
    assert set(answer.json()) == {"error", "error_description"}


def test_a_token_is_over_after_an_hour_and_a_new_one_takes_its_place(shop: Shop) -> None:
    shop.move(seconds=3599)
    assert shop.call("GET", V2026, SEARCH).status == 200
    shop.move(seconds=1)
    refused = shop.call("GET", V2026, SEARCH)
    assert (refused.status, errors_of(refused)) == (403, ["Unauthorized"])
    assert "expired" in refused.json()["errors"][0]["details"]
    shop.token = shop.new_token()
    assert shop.call("GET", V2026, SEARCH).status == 200


def test_nobody_comes_in_without_a_token_or_with_one_of_the_wrong_kind(shop: Shop) -> None:
    assert shop.send("GET", V2026, SEARCH).status == 403
    assert shop.send("GET", V2026, SEARCH, None, {"x-amz-access-token": "Atza|made-up"}).status == 403
    assert shop.send("GET", V2026, SEARCH, None, {"authorization": f"Bearer {shop.token}"}).status == 403
    assert shop.grantless("GET", V2026).status == 403
    assert shop.call("GET", "/notifications/v1/destinations").status == 403
    assert shop.grantless("GET", "/notifications/v1/destinations").status == 200


def test_every_answer_names_its_request_and_its_rate_even_when_it_is_no(shop: Shop) -> None:
    good, bad = shop.call("GET", V2026, SEARCH), shop.call("GET", V2026)
    denied, nowhere = shop.send("GET", V2026), shop.call("GET", "/orders/v9/orders")
    ids = {answer.headers["x-amzn-requestid"] for answer in (good, bad, denied, nowhere)}
    assert len(ids) == 4
    assert {answer.headers["x-amzn-ratelimit-limit"] for answer in (good, bad, denied)} == {"0.0056"}
    assert (nowhere.status, errors_of(nowhere)) == (404, ["NotFound"])


def test_a_bucket_gives_its_burst_then_one_call_per_token_in_business_time() -> None:
    shop = Shop(ceilings=True)
    statuses = [shop.call("GET", V2026, SEARCH).status for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    refused = shop.call("GET", V2026, SEARCH)
    assert errors_of(refused) == ["QuotaExceeded"]
    assert refused.headers["x-amzn-ratelimit-limit"] == "0.0056"
    shop.move(seconds=178)  # 0.0056 tokens a second: one takes 178.6 s
    assert shop.call("GET", V2026, SEARCH).status == 429
    shop.move(seconds=1)
    assert shop.call("GET", V2026, SEARCH).status == 200
    assert shop.call("GET", V2026, SEARCH).status == 429


def test_each_operation_has_a_bucket_of_its_own() -> None:
    shop = Shop(ceilings=True)
    for _ in range(21):
        shop.call("GET", V0, {"MarketplaceIds": DE, "CreatedAfter": "2026-11-01T00:00:00Z"})
    assert shop.call("GET", V0, {"MarketplaceIds": DE, "CreatedAfter": "2026-11-01T00:00:00Z"}).status == 429
    assert shop.call("GET", V2026, SEARCH).status == 200


def test_every_route_has_a_published_rate(shop: Shop) -> None:
    assert {route.operation for route in shop.amazon.router.routes} == set(RATES)


def test_the_clock_starts_on_a_monday() -> None:
    assert START.weekday() == 0
