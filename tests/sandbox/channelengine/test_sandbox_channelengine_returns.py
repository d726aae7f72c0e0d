"""Goods that come back: declared by the channel or by the merchant, and what is accepted is paid back once."""

from typing import Any

import pytest
from sandbox.channelengine.channelengine_tenant import Tenant, complaints


@pytest.fixture
def sent(tenant: Tenant) -> tuple[str, str]:
    """Three atlases that reached their buyer."""
    return tenant.shipped(("ATLAS", 3), channel_id=21)


def received(return_id: str, accepted: int, rejected: int = 0) -> dict[str, Any]:
    line = {"MerchantProductNo": "ATLAS", "AcceptedQuantity": accepted, "RejectedQuantity": rejected}
    return {"ReturnId": int(return_id), "Lines": [line]}


def declared(number: str, order_no: str, quantity: int = 1, **more: Any) -> dict[str, Any]:
    line = {"MerchantProductNo": "ATLAS", "Quantity": quantity}
    return {"MerchantOrderNo": order_no, "MerchantReturnNo": number, "Lines": [line], **more}


def test_a_return_is_new_until_it_is_acknowledged(tenant: Tenant, sent: tuple[str, str]) -> None:
    order_id, number = sent
    return_id = tenant.portal.open_return(order_id, [(tenant.line_id(order_id), 2)], "WRONG_SIZE", "Too small")
    [new] = tenant.content("/v2/returns/merchant/new")
    assert (new["Id"], new["Status"], new["Reason"], new["MerchantOrderNo"]) == (
        int(return_id),
        "IN_PROGRESS",
        "WRONG_SIZE",
        number,
    )
    assert (new["Lines"][0]["Quantity"], new["CustomerComment"]) == (2, "Too small")
    body = {"ReturnId": int(return_id), "MerchantReturnNo": "RMA-1"}
    tenant.send("POST", "/v2/returns/merchant/acknowledge", body)
    tenant.send("POST", "/v2/returns/merchant/acknowledge", body)
    assert tenant.content("/v2/returns/merchant/new") == []
    assert tenant.content("/v2/returns/merchant?isAcknowledged=true")[0]["MerchantReturnNo"] == "RMA-1"
    assert tenant.system.books()["applied"]["ReturnAcknowledge"] == {"RMA-1": 1}


def test_a_return_is_acknowledged_under_one_number_only(tenant: Tenant, sent: tuple[str, str]) -> None:
    line = tenant.line_id(sent[0])
    first, second = (int(tenant.portal.open_return(sent[0], [(line, 1)], "OTHER")) for _ in range(2))
    path = "/v2/returns/merchant/acknowledge"
    tenant.send("POST", path, {"ReturnId": first, "MerchantReturnNo": "RMA-1"})
    tenant.send("POST", path, {"ReturnId": first, "MerchantReturnNo": "RMA-2"}, 400)
    tenant.send("POST", path, {"ReturnId": second, "MerchantReturnNo": "RMA-1"}, 400)
    tenant.send("POST", path, {"ReturnId": 1, "MerchantReturnNo": "RMA-3"}, 404)
    assert "ReturnId" in complaints(tenant.send("POST", path, {"MerchantReturnNo": "RMA-3"}, 400))


def test_what_is_accepted_is_paid_back_and_what_is_rejected_is_not(tenant: Tenant, sent: tuple[str, str]) -> None:
    order_id, number = sent
    return_id = tenant.portal.open_return(order_id, [(tenant.line_id(order_id), 3)], "PRODUCT_DEFECT")
    tenant.send("PUT", "/v2/returns", received(return_id, 2, 1))
    books = tenant.system.books()
    assert [(one["amount_minor"], one["by"]) for one in books["refunds"]] == [(3_998, "seller")]
    assert books["returns"][0]["state"] == "RECEIVED"
    [single] = tenant.content(f"/v2/returns/merchant/{number}")
    assert (single["Lines"][0]["AcceptedQuantity"], single["Lines"][0]["RejectedQuantity"]) == (2, 1)
    assert (str(single["RefundInclVat"]), str(single["RefundExclVat"])) == ("39.98", "33.04")
    tenant.send("PUT", "/v2/returns", received(return_id, 3), 400)
    assert tenant.portal.health()["defects"] == 1.0


def test_an_order_that_came_back_whole_is_returned(tenant: Tenant, sent: tuple[str, str]) -> None:
    order_id, _ = sent
    return_id = tenant.portal.open_return(order_id, [(tenant.line_id(order_id), 3)], "OTHER")
    tenant.send("PUT", "/v2/returns", received(return_id, 3))
    assert tenant.status(order_id) == "RETURNED"


def test_the_merchant_declares_what_came_without_announcement(tenant: Tenant, sent: tuple[str, str]) -> None:
    _, number = sent
    tenant.send("POST", "/v2/returns/merchant", declared("RMA-7", number, RefundInclVat=15.5), 201)
    tenant.send("POST", "/v2/returns/merchant", declared("RMA-7", number), 409)
    tenant.send("POST", "/v2/returns/merchant", declared("RMA-8", number, 3), 400)
    tenant.send("POST", "/v2/returns/merchant", declared("RMA-8", "nobody's"), 404)
    assert [one["amount_minor"] for one in tenant.system.books()["refunds"]] == [1_550]
    [mine] = tenant.content("/v2/returns?creatorType=ONLY_FROM_MERCHANT")
    assert (mine["MerchantReturnNo"], mine["Status"]) == ("RMA-7", "RECEIVED")
    assert tenant.content("/v2/returns?creatorType=ONLY_FROM_CHANNEL") == []
    assert tenant.content("/v2/returns/merchant") == []


def test_a_refund_of_the_channel_itself_is_not_paid_twice(tenant: Tenant, sent: tuple[str, str]) -> None:
    order_id, _ = sent
    line = tenant.line_id(order_id)
    tenant.portal.refund(order_id, line, 5_500)
    return_id = tenant.portal.open_return(order_id, [(line, 3)], "OTHER")
    tenant.send("PUT", "/v2/returns", received(return_id, 3))
    paid = tenant.order(order_id)["lines"][0]["refunded_minor"]
    assert paid == 3 * 1_999 + 299
    with pytest.raises(ValueError, match="so much"):
        tenant.portal.refund(order_id, line, 1)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"ReturnId": 4}, 404),
        ({"Lines": [{"MerchantProductNo": "ATLAS", "AcceptedQuantity": 1, "RejectedQuantity": 0}]}, 400),
        ({"Lines": [{"MerchantProductNo": "LAMP", "AcceptedQuantity": 2, "RejectedQuantity": 0}]}, 404),
        ({"Lines": []}, 400),
        ({"Lines": [{"MerchantProductNo": "ATLAS", "AcceptedQuantity": 2}]}, 400),
    ],
)
def test_a_receipt_that_does_not_add_up_is_refused(
    tenant: Tenant, sent: tuple[str, str], changed: dict[str, Any], status: int
) -> None:
    return_id = tenant.portal.open_return(sent[0], [(tenant.line_id(sent[0]), 2)], "OTHER")
    tenant.send("PUT", "/v2/returns", {**received(return_id, 2), **changed}, status)
    assert tenant.system.books()["refunds"] == []
    assert tenant.portal.returned(return_id).status == "IN_PROGRESS"


def test_only_what_was_sent_can_come_back(tenant: Tenant, sent: tuple[str, str]) -> None:
    line = tenant.line_id(sent[0])
    tenant.portal.open_return(sent[0], [(line, 2)], "OTHER")
    with pytest.raises(ValueError, match="so many"):
        tenant.portal.open_return(sent[0], [(line, 2)], "OTHER")


def test_a_return_nobody_handles_is_complained_about_unless_withdrawn(tenant: Tenant, sent: tuple[str, str]) -> None:
    line = tenant.line_id(sent[0])
    kept, gone = (tenant.portal.open_return(sent[0], [(line, 1)], "OTHER") for _ in range(2))
    tenant.portal.withdraw_return(gone)
    tenant.move(days=15)
    assert len(tenant.content("/v2/notifications?types=CHANNEL_RETURN_OVERDUE")) == 1
    assert [str(one["Id"]) for one in tenant.content("/v2/returns?statuses=CANCELLED")] == [gone]
    assert [str(one["Id"]) for one in tenant.content("/v2/returns/merchant/new?channelIds=21")] == [kept]
    assert tenant.content("/v2/returns/merchant/new?channelIds=34") == []
    with pytest.raises(ValueError, match="CANCELLED"):
        tenant.portal.withdraw_return(gone)


def test_returns_are_found_by_filters(tenant: Tenant, sent: tuple[str, str]) -> None:
    order_id, number = sent
    tenant.portal.open_return(order_id, [(tenant.line_id(order_id), 1)], "WRONG_PRODUCT")
    for query in (f"merchantOrderNos={number}", "reasons=WRONG_PRODUCT", "fromDate=2026-11-02", "channelIds=21"):
        assert len(tenant.content(f"/v2/returns/merchant?{query}")) == 1, query
    for query in ("reasons=REFUSED", "toDate=2026-11-02", "statuses=RECEIVED", "isAcknowledged=true"):
        assert tenant.content(f"/v2/returns?{query}") == [], query
    assert tenant.call("GET", "/v2/returns?creatorType=NOBODY").status == 400
