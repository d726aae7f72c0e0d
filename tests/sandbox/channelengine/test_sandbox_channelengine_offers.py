"""Products, offers and listings: accepted is not live, rows are refused one by one, absolute values reach the channels later."""

from typing import Any

import pytest
from sandbox.channelengine.channelengine_tenant import Tenant


def product(sku: str = "BELL", **more: Any) -> dict[str, Any]:
    return {
        "MerchantProductNo": sku,
        "Name": "Ship's bell",
        "Price": 89.5,
        "Stock": 4,
        "Ean": "8712345678937",
        "CategoryTrail": "Deck > Bells",
        **more,
    }


def listing(tenant: Tenant, sku: str, channel: int = 21) -> dict[str, Any]:
    found: dict[str, Any] = next(
        one for one in tenant.content(f"/v2/channels/{channel}/products") if one["MerchantProductNo"] == sku
    )
    return found


def test_an_accepted_product_is_reviewed_before_it_is_live(tenant: Tenant) -> None:
    answer = tenant.send("POST", "/v2/products", [product()])
    assert answer["Content"] == {"RejectedCount": 0, "AcceptedCount": 1, "ProductMessages": []}
    assert (listing(tenant, "BELL")["ChannelStatus"], tenant.portal.live("BELL")) == ("UNDER_REVIEW", False)
    tenant.move(minutes=31)
    found = listing(tenant, "BELL")
    assert (found["ChannelStatus"], found["ExportStatus"]) == ("PUBLISHED", "CREATED")
    assert (str(found["LastExportedPrice"]), found["LastExportedStock"]) == ("89.5", 4)
    assert (tenant.portal.price("BELL"), tenant.portal.stock("BELL")) == (8_950, 4)


def test_a_channel_refuses_a_product_later_and_says_so_in_a_notification(tenant: Tenant) -> None:
    tenant.send("POST", "/v2/products", [product(Ean=None)])
    tenant.move(minutes=31)
    found = listing(tenant, "BELL")
    assert (found["ChannelStatus"], found["ExportStatus"]) == ("INVALID_ON_CREATE", "CREATE_FAILED")
    messages = [one["Message"] for one in tenant.content("/v2/notifications?types=CHANNEL_PRODUCT_DATA_EXPORT_FAILED")]
    assert len(messages) == 2
    assert "Ean is required" in messages[0]
    tenant.send("POST", "/v2/products", [product()])
    tenant.move(minutes=31)
    assert tenant.portal.live("BELL")
    assert tenant.system.books()["listings"][-1]["issues"] == []


@pytest.mark.parametrize(
    "row",
    [
        {"Name": "No number", "Price": 1},
        product(Name=None),
        product(Price=None),
        product(Price=-1),
        product(Price=1.005),
        product(Price="5"),
        product(Stock=-1),
        product(Name="N" * 257),
        product(VatRateType="NONE"),
        product(ExtraData="x"),
        product("GONE"),
    ],
)
def test_rows_are_refused_one_by_one_with_status_200(tenant: Tenant, row: dict[str, Any]) -> None:
    tenant.send("POST", "/v2/products", [product("GONE")])
    tenant.send("DELETE", "/v2/products/GONE", None)
    answer = tenant.send("POST", "/v2/products", [row, product("GOOD")])
    content = answer["Content"]
    assert (content["RejectedCount"], content["AcceptedCount"]) == (1, 1)
    [message] = content["ProductMessages"]
    assert message["Reference"] == row.get("MerchantProductNo")
    assert message["Errors"]
    assert tenant.system.books()["applied"]["ProductCreate"]["GOOD"] == 1
    assert tenant.system.books()["submissions"][-1]["rejected"] == 1


def test_a_product_is_purged_and_replaced(tenant: Tenant) -> None:
    tenant.send("POST", "/v2/products", [product(Brand="Kade", ExtraData=[{"Key": "alloy", "Value": "brass"}])])
    shown = tenant.content("/v2/products/BELL")
    assert (shown["Brand"], shown["ExtraData"][0]["Value"], shown["Stock"]) == ("Kade", "brass", 4)
    tenant.send("POST", "/v2/products?ignoreStock=true", [product(Stock=9)])
    shown = tenant.content("/v2/products/BELL")
    assert (shown["Brand"], shown["ExtraData"], shown["Stock"]) == (None, [], 4)
    tenant.send("POST", "/v2/products", [product(Stock=9)])
    assert tenant.content("/v2/products/BELL")["Stock"] == 9


def test_price_and_stock_reach_the_channels_a_little_later(tenant: Tenant) -> None:
    body = [{"MerchantProductNo": "ATLAS", "Price": 17.5}, {"MerchantProductNo": "LAMP", "Stock": 2}]
    assert tenant.send("PUT", "/v2/offer", body)["Content"] == {}
    assert tenant.portal.price("ATLAS") == 1_999
    tenant.move(minutes=3)
    assert (tenant.portal.price("ATLAS"), tenant.portal.stock("ATLAS")) == (1_750, 40)
    assert (tenant.portal.price("LAMP"), tenant.portal.stock("LAMP")) == (4_550, 2)
    assert listing(tenant, "ATLAS", 34)["ExportStatus"] == "UPDATED"


@pytest.mark.parametrize(
    "row",
    [
        {"MerchantProductNo": "NOWHERE", "Stock": 1},
        {"MerchantProductNo": "LAMP"},
        {"MerchantProductNo": "LAMP", "Stock": -1},
        {"MerchantProductNo": "LAMP", "Price": "cheap"},
        {"MerchantProductNo": "LAMP", "Stock": 1, "StockLocationId": 9},
        {"Stock": 1},
    ],
)
def test_an_offer_that_cannot_be_is_told_by_product(tenant: Tenant, row: dict[str, Any]) -> None:
    answer = tenant.send("PUT", "/v2/offer", [row, {"MerchantProductNo": "STRAP", "Stock": 7}])
    assert list(answer["Content"]) == [row.get("MerchantProductNo", "[0]")]
    tenant.move(minutes=3)
    assert (tenant.portal.stock("STRAP"), tenant.portal.stock("LAMP")) == (7, 10)
    assert tenant.system.books()["applied"]["OfferStockPriceUpdate"] == {"STRAP": 1}


def test_stock_is_set_by_location(tenant: Tenant) -> None:
    body = [
        {"MerchantProductNo": "ATLAS", "StockLocations": [{"Stock": 6, "StockLocationId": 1}]},
        {"MerchantProductNo": "LAMP", "StockLocations": [{"Stock": 6, "StockLocationId": 2}]},
        {"MerchantProductNo": "STRAP", "StockLocations": []},
    ]
    assert set(tenant.send("PUT", "/v2/offer/stock", body)["Content"]) == {"LAMP", "STRAP"}
    stocks = tenant.content("/v2/offer/stock?stockLocationIds=1&skus=ATLAS&skus=LAMP")
    assert {one["MerchantProductNo"]: one["Stock"] for one in stocks} == {"ATLAS": 6, "LAMP": 10}
    assert tenant.content("/v2/offer/stock?stockLocationIds=2") == []
    assert len(tenant.content("/v2/offer/stock?stockLocationIds=1&pageSize=2&pageIndex=1")) == 1
    assert tenant.call("GET", "/v2/offer/stock").status == 400
    assert tenant.content("/v2/stocklocations") == [{"Id": 1, "Name": "Main warehouse"}]


def test_bodies_that_are_no_list_are_refused(tenant: Tenant) -> None:
    bodies: tuple[Any, ...] = ({}, [], ["ATLAS"])
    for body in bodies:
        for method, path in (("PUT", "/v2/offer"), ("POST", "/v2/products")):
            assert tenant.call(method, path, body).status == 400


def test_deleted_products_leave_every_channel(tenant: Tenant) -> None:
    tenant.send("DELETE", "/v2/products/ATLAS", None)
    tenant.send("POST", "/v2/products/bulkdelete", ["LAMP"])
    assert listing(tenant, "ATLAS")["ExportStatus"] == listing(tenant, "LAMP", 34)["ExportStatus"] == "DELETED"
    assert not tenant.portal.live("ATLAS")
    assert tenant.call("GET", "/v2/products/ATLAS").status == 404
    tenant.send("POST", "/v2/products/bulkdelete", ["NOWHERE"], 404)
    shown = {one["MerchantProductNo"]: one["IsActive"] for one in tenant.content("/v2/products")}
    assert shown == {"ATLAS": False, "LAMP": False, "STRAP": True}


def test_products_are_found_by_filters(tenant: Tenant) -> None:
    for query in ("search=deck", "eanList=8712345678913", "merchantProductNoList=LAMP"):
        assert [one["MerchantProductNo"] for one in tenant.content(f"/v2/products?{query}")] == ["LAMP"]


def test_channels_are_told_by_global_channel(tenant: Tenant) -> None:
    found = tenant.content("/v2/channels")
    assert [one["GlobalChannelName"] for one in found] == ["bol", "Amazon Germany"]
    assert found[0]["Channels"] == [{"ChannelId": 21, "IsEnabled": True, "ChannelName": "bol NL - Kade"}]
    assert tenant.call("GET", "/v2/channels/99/products").status == 404


def test_a_suppressed_listing_is_not_sold_on_that_channel_until_restored(tenant: Tenant) -> None:
    tenant.portal.suppress("ATLAS", "IMAGE", "Main image is missing", "ImageUrl", 21)
    assert listing(tenant, "ATLAS")["ChannelStatus"] == "NOT_PUBLISHED"
    assert (tenant.portal.live("ATLAS", 21), tenant.portal.live("ATLAS")) == (False, True)
    tenant.portal.place([("ATLAS", 1)])
    assert tenant.content("/v2/orders/new")[0]["ChannelId"] == 34
    [issue] = next(one for one in tenant.system.books()["listings"] if one["sku"] == "ATLAS")["issues"]
    assert issue == {"code": "IMAGE", "message": "Main image is missing", "attribute": "ImageUrl"}
    tenant.portal.suppress("ATLAS", "IMAGE", "Main image is missing", "ImageUrl")
    with pytest.raises(ValueError, match="no channel"):
        tenant.portal.place([("ATLAS", 1)])
    tenant.portal.restore("ATLAS")
    assert tenant.portal.live("ATLAS", 21)
    assert next(one for one in tenant.system.books()["listings"] if one["sku"] == "ATLAS")["issues"] == []
