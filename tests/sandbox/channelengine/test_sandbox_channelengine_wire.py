"""What every answer looks like: the keys of the public clients (2.13 and 2.17), the ceilings, planned faults, real HTTP."""

import json
import urllib.request
from typing import Any

import pytest
from sandbox.channelengine.channelengine_tenant import Tenant, parcel

from entrepot.sandbox.channelengine import Settings
from entrepot.sandbox.core import Hang, Request
from entrepot.sandbox.faults import Fault
from entrepot.sandbox.http import serve

ENVELOPE = "Content Count TotalCount ItemsPerPage StatusCode RequestId LogId Success Message ValidationErrors"
ADDRESS = (
    "Line1 Line2 Line3 Gender CompanyName FirstName LastName StreetName HouseNr HouseNrAddition ZipCode City Region "
    "CountryIso Original"
)
ORDER = (
    "Id ChannelName ChannelId GlobalChannelName GlobalChannelId ChannelOrderSupport ChannelOrderNo CommercialOrderNo "
    "MerchantOrderNo Status IsBusinessOrder AcknowledgedDate CreatedAt UpdatedAt ClosedAt MerchantComment BillingAddress "
    "ShippingAddress SubTotalInclVat SubTotalVat ShippingCostsInclVat ShippingCostsVat TotalInclVat TotalVat "
    "OriginalSubTotalInclVat OriginalSubTotalVat OriginalShippingCostsInclVat OriginalShippingCostsVat "
    "OriginalTotalInclVat OriginalTotalVat SubTotalExclVat TotalExclVat ShippingCostsExclVat OriginalSubTotalExclVat "
    "OriginalShippingCostsExclVat OriginalTotalExclVat OriginalSubTotalFee SubTotalFee OriginalOrderFee OrderFee "
    "OriginalTotalFee TotalFee Lines Phone Email LanguageCode CompanyRegistrationNo VatNo PaymentMethod "
    "PaymentReferenceNo CurrencyCode OrderDate ChannelCustomerNo ExtraData"
)
LINE = (
    "Id ChannelOrderLineNo Status IsFulfillmentByMarketplace Gtin Description StockLocation UnitVat LineTotalInclVat "
    "LineVat OriginalUnitPriceInclVat OriginalUnitVat OriginalLineTotalInclVat OriginalLineVat OriginalFeeFixed "
    "BundleProductMerchantProductNo JurisCode JurisName VatRate UnitPriceExclVat LineTotalExclVat "
    "OriginalUnitPriceExclVat OriginalLineTotalExclVat ExtraData ChannelProductNo MerchantProductNo Quantity "
    "CancellationRequestedQuantity UnitPriceInclVat FeeFixed FeeRate Condition ExactDeliveryDate ExpectedDeliveryDate "
    "LatestDeliveryDate ExpectedShipmentDate LatestShipmentDate"
)
SHIPMENT = (
    "MerchantShipmentNo MerchantOrderNo ChannelShipmentNo ChannelOrderNo Lines CreatedAt UpdatedAt ExtraData "
    "TrackTraceNo TrackTraceUrl ReturnTrackTraceNo Method ShippedFromCountryCode ShipmentDate"
)
SHIPMENT_LINE = "MerchantProductNo ChannelProductNo OrderLine ShipmentStatus ExtraData Quantity"
CANCELLATION = "Id MerchantCancellationNo MerchantOrderNo ChannelOrderNo Lines CreatedAt Reason ReasonCode"
RETURN = (
    "MerchantOrderNo ChannelOrderNo ChannelId GlobalChannelId GlobalChannelName Lines CreatedAt UpdatedAt MerchantReturnNo "
    "ChannelReturnNo Status AcknowledgedDate Id Reason CustomerComment MerchantComment RefundInclVat RefundExclVat "
    "ReturnDate ExtraData"
)
RETURN_LINE = "MerchantProductNo OrderLine ShipmentStatus ExtraData Quantity"
PRODUCT = (
    "IsActive ExtraData Name Description Brand Size Color Ean ManufacturerProductNumber Stock Price MSRP PurchasePrice "
    "VatRateType ShippingCost ShippingTime Url ImageUrl ExtraImageUrl1 ExtraImageUrl2 ExtraImageUrl3 ExtraImageUrl4 "
    "ExtraImageUrl5 ExtraImageUrl6 ExtraImageUrl7 ExtraImageUrl8 ExtraImageUrl9 CategoryTrail MerchantProductNo"
)
LISTED = "ChannelStatus Ean ExportStatus MerchantProductNo LastExportedPrice LastExportedStock"
SETTLEMENT = (
    "SettlementId ChannelSettlementNo ChannelId StartDate EndDate CreatedAt UpdatedAt CurrentReserveAmount "
    "PreviousReserveAmount PaymentAmount"
)


@pytest.fixture
def busy(tenant: Tenant) -> Tenant:
    """Something of everything."""
    order_id, number = tenant.acknowledged(("ATLAS", 3))
    tenant.ship(number, ("ATLAS", 2))
    tenant.cancel(number, ("ATLAS", 1))
    tenant.portal.open_return(order_id, [(tenant.line_id(order_id), 1)], "OTHER")
    tenant.portal.place([("LAMP", 1)])
    tenant.portal.close_period()
    hook = {"Name": "mine", "Url": "https://shop.example", "Events": ["ORDERS_CREATE"]}
    tenant.send("POST", "/v2/webhooks", hook, 201)
    return tenant


@pytest.mark.parametrize(
    ("target", "keys"),
    [
        ("/v2/orders", ORDER),
        ("/v2/orders/new", ORDER),
        ("/v2/shipments/merchant", SHIPMENT),
        ("/v2/cancellations/merchant", CANCELLATION),
        ("/v2/returns", RETURN),
        ("/v2/returns/merchant", RETURN),
        ("/v2/returns/merchant/new", RETURN),
        ("/v2/products", PRODUCT),
        ("/v2/offer/stock?stockLocationIds=1", "MerchantProductNo StockLocationId Stock UpdatedAt"),
        ("/v2/channels", "CountryCode GlobalChannelId Channels LanguageCode GlobalChannelName"),
        ("/v2/channels/21/products", LISTED),
        ("/v2/notifications", "Id Read CreatedAt Message Subject Count"),
        ("/v2/webhooks", "Name Url IsActive Events"),
        ("/v2/settlements", SETTLEMENT),
        ("/v2/stocklocations", "Id Name"),
    ],
)
def test_every_documented_key_is_there(busy: Tenant, target: str, keys: str) -> None:
    answer = busy.get(target)
    assert set(answer) == set(ENVELOPE.split())
    assert answer["Content"]
    for row in answer["Content"]:
        assert set(row) == set(keys.split())


def test_every_documented_key_inside_is_there(busy: Tenant) -> None:
    order = busy.content("/v2/orders")[0]
    assert set(order["ShippingAddress"]) == set(order["BillingAddress"]) == set(ADDRESS.split())
    assert set(order["Lines"][0]) == set(LINE.split())
    shipped = busy.content("/v2/shipments/merchant")[0]["Lines"][0]
    assert set(shipped) == set(SHIPMENT_LINE.split())
    assert set(shipped["OrderLine"]) == set(LINE.split())
    assert set(busy.content("/v2/returns")[0]["Lines"][0]) == set(RETURN_LINE.split())
    single = busy.content(f"/v2/returns/merchant/{order['MerchantOrderNo']}")[0]
    assert set(single) == set(RETURN.split()) - {"ChannelOrderNo", "AcknowledgedDate"}
    assert set(single["Lines"][0]) == {*RETURN_LINE.split(), "AcceptedQuantity", "RejectedQuantity"}
    cancelled = busy.content("/v2/cancellations/merchant")[0]["Lines"][0]
    assert set(cancelled) == {"Quantity", "MerchantProductNo", "ChannelProductNo"}


def test_books_have_what_a_checker_compares_on_every_channel(busy: Tenant) -> None:
    books = busy.system.books()
    assert set(books) >= {
        *("orders", "shipments", "refunds", "returns", "disputes", "listings", "submissions", "applied", "statements"),
        *("health", "oversold", "undelivered"),
    }
    assert set(books["orders"][0]) >= {
        *("order_id", "state", "placed_at", "ship_by", "pending", "fulfilled_by", "acknowledged_at", "cancelled_by"),
        *("currency", "total_minor", "lines"),
    }
    assert set(books["orders"][0]["lines"][0]) == {
        *("line_id", "sku", "quantity", "price_minor", "shipping_minor", "tax_minor", "shipped", "cancelled"),
        "refunded_minor",
    }
    assert set(books["shipments"][0]) == {"order_id", "key", "carrier", "tracking", "at", "lines"}
    assert set(books["listings"][0]) >= {"sku", "live", "price_minor", "currency", "quantity", "issues", "updates"}
    assert json.loads(json.dumps(books)) == books


# -- ceilings ------------------------------------------------------------------------------------------------------


def test_a_ceiling_is_told_in_headers_and_refused_above() -> None:
    tenant = Tenant(ceilings={"OrderGetNew": (2, 60)})
    first = tenant.call("GET", "/v2/orders/new")
    assert (first.headers["x-rate-limit-limit"], first.headers["x-rate-limit-remaining"]) == ("1m", "1")
    tenant.move(seconds=20)
    tenant.call("GET", "/v2/orders/new")
    refused = tenant.call("GET", "/v2/orders/new")
    assert (refused.status, refused.headers["retry-after"], refused.json()["Success"]) == (429, "40", False)
    assert tenant.call("GET", "/v2/orders").status == 200
    tenant.move(seconds=40)
    assert tenant.call("GET", "/v2/orders/new").status == 200


def test_a_tenant_has_ceilings_unless_told_otherwise() -> None:
    tenant = Tenant(ceilings=Settings().ceilings)
    statuses = [tenant.call("PUT", "/v2/offer", [{"MerchantProductNo": "LAMP", "Stock": 1}]).status for _ in range(31)]
    assert statuses == [200] * 30 + [429]


# -- faults --------------------------------------------------------------------------------------------------------


def test_a_shipment_may_be_applied_although_its_answer_never_comes(tenant: Tenant) -> None:
    _, number = tenant.acknowledged(("ATLAS", 1))
    tenant.world.faults.add(Fault("channelengine", "ShipmentCreate", 1, "timeout-after"))
    body = json.dumps(parcel(number, ("ATLAS", 1), key="P1")).encode()
    request = Request("POST", "/api/v2/shipments", (("apikey", tenant.key),), {}, body)
    assert tenant.world.handle("channelengine", request) == Hang(applied=True)
    assert len(tenant.content("/v2/shipments/merchant?merchantShipmentNos=P1")) == 1


def test_a_status_nobody_knows_can_be_planned(tenant: Tenant) -> None:
    tenant.portal.place([("ATLAS", 1)])
    tenant.world.faults.add(Fault("channelengine", "OrderGetNew", 1, "unknown-enum", "Status"))
    assert tenant.content("/v2/orders/new")[0]["Status"] == "ON_ICE"


def test_every_route_is_known_by_the_operation_id_of_the_specification(tenant: Tenant) -> None:
    def code(method: str, path: str) -> str | None:
        return tenant.system.operation(Request(method, path))

    assert code("GET", "/api/v2/orders/new") == code("GET", "/v2/orders/new") == "OrderGetNew"
    assert code("PUT", "/api/v2/shipments/S-1") == "ShipmentUpdate"
    assert code("GET", "/api/v2/returns/merchant/new") == "ReturnGetUnhandled"
    assert code("GET", "/api/v2/returns/merchant/SO-1") == "ReturnGetByMerchantOrderNo"
    assert code("GET", "/api/v1/orders") is None


# -- real HTTP -----------------------------------------------------------------------------------------------------


def test_it_answers_over_real_http(tenant: Tenant) -> None:
    order_id = tenant.portal.place([("ATLAS", 1)])
    with serve(tenant.world, {"channelengine": 0}, ticking=False) as servers:
        url = f"{servers.url('channelengine')}/api/v2"

        def call(path: str, body: Any = None) -> Any:
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(f"{url}/{path}?apikey={tenant.key}", data)
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.load(answer)

        assert call("orders/new")["Count"] == 1
        call("orders/acknowledge", {"OrderId": int(order_id), "MerchantOrderNo": "SO-1"})
        call("shipments", parcel("SO-1", ("ATLAS", 1)))
        assert call("orders")["Content"][0]["Status"] == "SHIPPED"
