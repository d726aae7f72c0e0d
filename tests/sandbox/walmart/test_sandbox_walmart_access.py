"""Tokens, required headers, buckets, and how Walmart says no."""

import pytest
from sandbox.walmart.walmart_shop import REQUIRED, Shop, basic


def test_a_token_is_given_for_client_credentials_and_is_good_for_fifteen_minutes(shop: Shop) -> None:
    headers = {**basic("wm-client", "wm-secret"), **REQUIRED}
    given = shop.raw("POST", "/v3/token", b"grant_type=client_credentials", headers).json
    assert (given["token_type"], given["expires_in"]) == ("Bearer", 900)
    shop.token = given["access_token"]
    shop.clock.at = shop.clock.at.replace(minute=14)
    assert shop.get("/v3/items").status == 200
    shop.clock.at = shop.clock.at.replace(minute=15)
    late = shop.get("/v3/items")
    assert (late.status, late.codes) == (401, ["UNAUTHORIZED.GMP_GATEWAY_API"])


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"grant_type=client_credentials", {**basic("wm-client", "wrong"), **REQUIRED}, 401),
        (b"grant_type=client_credentials", {**REQUIRED, "authorization": "Basic !!"}, 401),
        (b"grant_type=client_credentials", REQUIRED, 401),
        (b"grant_type=password", {**basic("wm-client", "wm-secret"), **REQUIRED}, 400),
        (b"grant_type=client_credentials", basic("wm-client", "wm-secret"), 400),
    ],
)
def test_no_token_for_the_wrong_client_grant_or_headers(
    shop: Shop, body: bytes, headers: dict[str, str], status: int
) -> None:
    assert shop.raw("POST", "/v3/token", body, headers).status == status


def test_the_token_travels_in_walmarts_own_header_not_as_a_bearer(shop: Shop) -> None:
    bearer = {**REQUIRED, "authorization": f"Bearer {shop.token}"}
    assert shop.raw("GET", "/v3/items", b"", bearer).status == 401
    assert shop.raw("GET", "/v3/items", b"", {**REQUIRED, "wm_sec.access_token": shop.token}).status == 200


@pytest.mark.parametrize("name", list(REQUIRED))
def test_correlation_id_and_service_name_are_required_on_every_call(shop: Shop, name: str) -> None:
    headers = {key: value for key, value in REQUIRED.items() if key != name}
    refused = shop.raw("GET", "/v3/items", b"", {**headers, "wm_sec.access_token": shop.token})
    assert (refused.status, refused.codes) == (400, ["MISSING_REQUEST_HEADER.GMP_GATEWAY_API"])
    assert refused.json["error"][0]["field"] == name.upper()


def test_a_bucket_empties_says_so_and_fills_gradually() -> None:
    shop = Shop(ceilings_on=True, ceilings={"getAllItems": (2, 60)})
    first, second, third = (shop.get("/v3/items") for _ in range(3))
    assert [first.headers["x-current-token-count"], second.headers["x-current-token-count"]] == ["1", "0"]
    assert (third.status, third.codes) == (429, ["REQUEST_THRESHOLD_VIOLATED.GMP_GATEWAY_API"])
    assert "retry-after" not in third.headers
    wait_ms = int(third.headers["x-next-replenishment-time"]) - int(shop.clock.at.timestamp() * 1000)
    assert wait_ms == 30_000
    assert shop.get("/v3/inventory?sku=ATLAS").status == 200
    shop.move(seconds=30)
    assert [shop.get("/v3/items").status for _ in range(2)] == [200, 429]


def test_each_kind_of_feed_has_a_bucket_of_its_own() -> None:
    shop = Shop(ceilings_on=True)
    heard = [shop.post("/v3/feeds?feedType=price", {"Price": []}).status for _ in range(11)]
    assert heard == [200] * 10 + [429]
    assert shop.post("/v3/feeds?feedType=inventory", {"Inventory": []}).status == 200


def test_what_is_not_there_is_404_and_a_wrong_verb_405(shop: Shop) -> None:
    assert shop.get("/v3/nothing").codes == ["URI_NOT_FOUND.GMP_GATEWAY_API"]
    assert shop.call("DELETE", "/v3/orders").codes == ["METHOD_NOT_ALLOWED.GMP_GATEWAY_API"]


def test_every_operation_has_a_stable_code(shop: Shop) -> None:
    calls = shop.world.calls
    shop.get("/v3/orders/released")
    shop.get("/v3/orders/1")
    shop.post("/v3/feeds?feedType=MP_ITEM", {})
    shop.get("/v3/report/reconreport/reconFile?reportVersion=v1&reportDate=1")
    shop.get("/v3/report/reconreport/reconFile?reportDate=1")
    for code in ("tokenAPI", "getAllReleasedOrders", "getAnOrder", "itemBulkUploads", "getReconReportV1"):
        assert calls["walmart", code] == 1, code
    assert calls["walmart", "getReconReport"] == 1
