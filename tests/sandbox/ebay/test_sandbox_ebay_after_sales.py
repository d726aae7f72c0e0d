"""Returns, inquiries, payment disputes."""

from typing import Any

import pytest
from sandbox.ebay.ebay_market import FINANCES, FULFILLMENT, POST_ORDER, Answer, Shop

RETURNS, INQUIRIES = f"{POST_ORDER}/return", f"{POST_ORDER}/inquiry"
DISPUTES = f"{FULFILLMENT}/payment_dispute"


def shipped(shop: Shop, *lines: tuple[str, int]) -> str:
    order_id = shop.portal.place(lines or [("ATLAS", 2)])
    assert shop.ship(order_id).status == 201
    return order_id


def returned(shop: Shop, quantity: int = 1, reason: str = "WRONG_SIZE") -> str:
    order_id = shipped(shop)
    return shop.portal.open_return(order_id, [(shop.lines(order_id)[0], quantity)], reason)


def read(shop: Shop, return_id: str) -> Any:
    return shop.get(f"{RETURNS}/{return_id}").json["summary"]


# -- returns ---------------------------------------------------------------------------------------------------------


def test_a_return_goes_from_wish_to_refund(shop: Shop) -> None:
    return_id = returned(shop)
    found = read(shop, return_id)
    assert (found["state"], found["sellerResponseDue"]["activityDue"]) == ("RETURN_REQUESTED", "SELLER_APPROVE_REQUEST")
    assert found["sellerTotalRefund"]["estimatedRefundAmount"]["value"] * 100 == 1_999
    body = {"decision": "APPROVE", "RMANumber": "R-7"}
    assert shop.post(f"{RETURNS}/{return_id}/decide", body).status == 200
    assert shop.post(f"{RETURNS}/{return_id}/decide", body).status == 409
    shop.portal.send_return(return_id)
    assert read(shop, return_id)["state"] == "ITEM_SHIPPED"
    shop.portal.deliver_return(return_id)
    assert read(shop, return_id)["sellerResponseDue"]["activityDue"] == "SELLER_ISSUE_REFUND"
    assert shop.post(f"{RETURNS}/{return_id}/issue_refund", {}).json["refundStatus"] == "SUCCESS"
    assert read(shop, return_id)["state"] == "CLOSED"
    assert shop.post(f"{RETURNS}/{return_id}/issue_refund", {}).status == 409
    [refund] = shop.book("refunds")
    assert (refund["amount_minor"], refund["by"], refund["reason"]) == (1_999, "seller", "BUYER_RETURN")
    assert shop.get(f"{RETURNS}/{return_id}").json["detail"]["RMANumber"] == "R-7"
    assert shop.portal.health()["cases_rate"] == 0


def test_a_whole_line_returned_gives_its_shipping_back_too(shop: Shop) -> None:
    return_id = returned(shop, quantity=2, reason="DEFECTIVE_ITEM")
    assert read(shop, return_id)["creationInfo"]["reasonType"] == "SNAD"
    shop.post(f"{RETURNS}/{return_id}/decide", {"decision": "APPROVE"})
    assert shop.post(f"{RETURNS}/{return_id}/mark_as_received").status == 200
    assert shop.post(f"{RETURNS}/{return_id}/mark_as_received").status == 409
    shop.post(f"{RETURNS}/{return_id}/issue_refund", {})
    assert shop.book("refunds")[0]["amount_minor"] == 2 * 1_999 + 2 * 350
    assert shop.book("refunds")[0]["reason"] == "ITEM_NOT_AS_DESCRIBED"


def test_a_return_may_end_with_no_or_with_part_of_the_money(shop: Shop) -> None:
    declined = returned(shop)
    assert shop.post(f"{RETURNS}/{declined}/decide", {"decision": "DECLINE"}).status == 200
    assert read(shop, declined)["state"] == "CLOSED"
    offered = returned(shop)
    amount = {"value": 5, "currency": "EUR"}
    shop.post(f"{RETURNS}/{offered}/decide", {"decision": "OFFER_PARTIAL_REFUND", "partialRefundAmount": amount})
    shop.portal.answer_offer(offered, accepted=False)
    assert read(shop, offered)["state"] == "PARTIAL_REFUND_DECLINED"
    amount = {"value": "7.50", "currency": "EUR"}
    shop.post(f"{RETURNS}/{offered}/decide", {"decision": "OFFER_PARTIAL_REFUND", "partialRefundAmount": amount})
    shop.portal.answer_offer(offered, accepted=True)
    assert [row["amount_minor"] for row in shop.book("refunds")] == [750]


def test_a_refund_of_a_return_may_be_named_but_not_exceed_what_is_left(shop: Shop) -> None:
    return_id = returned(shop)
    total = {"refundDetail": {"totalAmount": {"value": 10, "currency": "EUR"}}}
    too_much = {"refundDetail": {"totalAmount": {"value": 1000, "currency": "EUR"}}}
    assert shop.post(f"{RETURNS}/{return_id}/issue_refund", too_much).status == 400
    assert shop.post(f"{RETURNS}/{return_id}/issue_refund", total).status == 200
    assert shop.book("refunds")[0]["amount_minor"] == 1_000


@pytest.mark.parametrize("answered", [False, True])
def test_ebay_refunds_for_a_silent_seller_and_counts_it_against_him(shop: Shop, answered: bool) -> None:
    return_id = returned(shop)
    if answered:
        shop.post(f"{RETURNS}/{return_id}/decide", {"decision": "APPROVE"})
        shop.move(days=9)
        shop.portal.deliver_return(return_id)
        shop.move(days=2)
    else:
        shop.move(days=3)
    [row] = shop.book("refunds")
    assert (row["by"], row["amount_minor"]) == ("channel", 1_999)
    assert shop.book("returns")[0]["unresolved"] is True
    assert shop.portal.health()["cases_rate"] == 1.0
    assert shop.portal.waiting()["returns"] == 0


def test_returns_are_searched_by_what_they_are_about(shop: Shop) -> None:
    first, second = returned(shop), returned(shop)
    order_id = read(shop, first)["orderId"]
    shop.post(f"{RETURNS}/{second}/decide", {"decision": "DECLINE"})

    def ids(query: str) -> list[str]:
        return [one["returnId"] for one in shop.get(f"{RETURNS}/search?{query}").json["members"]]

    assert ids("") == [second, first]
    assert ids(f"order_id={order_id}") == ids(f"return_id={first}") == ids("return_state=ALL_OPEN") == [first]
    assert ids("return_state=CLOSED") == ids("states=CLOSED") == [second]
    assert ids("creation_date_range_from=2026-11-03T00:00:00Z") == []
    assert shop.get(f"{RETURNS}/search?return_state=LOST").status == 400
    assert shop.get(f"{RETURNS}/none").status == 404
    assert shop.post(f"{RETURNS}/{first}/decide", {"decision": "SHRUG"}).status == 400
    assert shop.post(f"{RETURNS}/{first}/decide", b"{").status == 400


def test_only_what_was_shipped_can_be_returned_and_only_once(shop: Shop) -> None:
    order_id = shop.portal.place([("ATLAS", 2)])
    [line_id] = shop.lines(order_id)
    with pytest.raises(ValueError):
        shop.portal.open_return(order_id, [(line_id, 1)], "OTHER")
    shop.ship(order_id)
    shop.portal.open_return(order_id, [(line_id, 2)], "the wrong colour")
    assert shop.book("returns")[0]["reason"] == "OTHER"
    with pytest.raises(ValueError):
        shop.portal.open_return(order_id, [(line_id, 1)], "OTHER")


# -- inquiries -------------------------------------------------------------------------------------------------------


def test_an_inquiry_is_answered_with_tracking_or_money_or_decided_by_ebay(shop: Shop) -> None:
    orders = [shipped(shop, ("TIDES", 1)) for _ in range(3)]
    shown, paid, silent = (shop.portal.open_inquiry(order, shop.lines(order)[0]) for order in orders)
    assert shop.get(f"{INQUIRIES}/{shown}").json["inquiryStatusEnum"] == "WAITING_SELLER_RESPONSE"
    parcel = {"shippingCarrierName": "DHL", "trackingNumber": "JD1"}
    assert shop.post(f"{INQUIRIES}/{shown}/provide_shipment_info", {}).status == 400
    assert shop.post(f"{INQUIRIES}/{shown}/provide_shipment_info", parcel).status == 200
    assert shop.post(f"{INQUIRIES}/{paid}/issue_refund").status == 200
    assert shop.post(f"{INQUIRIES}/{paid}/issue_refund").status == 409
    shop.move(days=3)
    shop.fresh()
    assert [row["by"] for row in shop.book("refunds")] == ["seller", "channel"]
    assert shop.get(f"{INQUIRIES}/{silent}").json["inquiryStatusEnum"] == "CS_CLOSED"
    assert len(shop.get(f"{INQUIRIES}/search").json["members"]) == 3
    assert shop.get(f"{INQUIRIES}/search?inquiry_status=OPEN").json["members"] == []
    assert shop.get(f"{INQUIRIES}/none").status == 404
    with pytest.raises(ValueError):
        shop.portal.open_inquiry(orders[0], "none")


# -- disputes --------------------------------------------------------------------------------------------------------


def dispute(shop: Shop, dispute_id: str) -> Any:
    return shop.get(f"{DISPUTES}/{dispute_id}").json


def opened(shop: Shop) -> str:
    return shop.portal.open_dispute(shipped(shop))


def upload(shop: Shop, dispute_id: str, name: str = "proof.png", field: str = "file", times: int = 1) -> Answer:
    part = f'--X\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
    part += "Content-Type: image/png\r\n\r\nPNG\r\n"
    body = (part * times + "--X--\r\n").encode()
    headers = {"content-type": "multipart/form-data; boundary=X"}
    return shop.post(f"{DISPUTES}/{dispute_id}/upload_evidence_file", body, headers=headers)


def prove(shop: Shop, dispute_id: str) -> tuple[str, str]:
    file_id = upload(shop, dispute_id).json["fileId"]
    body = {"evidenceType": "PROOF_OF_DELIVERY", "files": [{"fileId": file_id}]}
    answer = shop.post(f"{DISPUTES}/{dispute_id}/add_evidence", body)
    assert answer.status == 200
    return file_id, answer.json["evidenceId"]


def test_a_dispute_nobody_answers_is_lost_after_five_days(shop: Shop) -> None:
    dispute_id = opened(shop)
    found = dispute(shop, dispute_id)
    assert (found["paymentDisputeStatus"], found["respondByDate"]) == ("ACTION_NEEDED", "2026-11-07T09:00:00.000Z")
    assert found["amount"]["value"] == "46.98"
    shop.move(days=5)
    shop.fresh()
    found = dispute(shop, dispute_id)
    assert (found["paymentDisputeStatus"], found["resolution"]["protectionStatus"]) == ("CLOSED", "NOT_PROTECTED")
    activity = shop.get(f"{DISPUTES}/{dispute_id}/activity").json["activity"]
    assert [row["activityType"] for row in activity] == [
        "DISPUTE_OPENED",
        "SELLER_RESPONSE_OVERDUE",
        "DISPUTE_CLOSED",
    ]
    kinds = [(one["transactionType"], one["bookingEntry"], one["amount"]["value"]) for one in shop.transactions()[1:]]
    assert kinds == [("DISPUTE", "DEBIT", "46.98"), ("NON_SALE_CHARGE", "DEBIT", "16.00")]


def test_a_dispute_is_contested_with_evidence_under_its_revision(shop: Shop) -> None:
    dispute_id = opened(shop)
    contest = f"{DISPUTES}/{dispute_id}/contest"
    assert shop.post(contest, {"revision": 1}).error == 33102
    file_id, evidence_id = prove(shop, dispute_id)
    for body in ({}, {"revision": "2"}):
        answer = shop.post(contest, body)
        assert (answer.status, answer.error) == (400, 33100)
    answer = shop.post(contest, {"revision": 1})
    assert (answer.status, answer.error) == (409, 33011)
    shop.portal.touch_dispute(dispute_id)
    revision = dispute(shop, dispute_id)["revision"]
    assert shop.post(contest, {"revision": revision, "note": "It arrived."}).status == 204
    assert dispute(shop, dispute_id)["paymentDisputeStatus"] == "OPEN"
    assert shop.post(contest, {"revision": revision + 1}).error == 33101
    content = shop.get(f"{DISPUTES}/{dispute_id}/fetch_evidence_content?evidence_id={evidence_id}&file_id={file_id}")
    assert content.body == b"PNG"
    assert upload(shop, dispute_id).error == 33004
    shop.portal.close_dispute(dispute_id, won=True)
    found = dispute(shop, dispute_id)
    assert found["resolution"]["protectedAmount"]["value"] == "46.98"
    disputed = [one for one in shop.transactions() if one["transactionType"] == "DISPUTE"]
    assert [one["bookingEntry"] for one in disputed] == ["DEBIT", "CREDIT"]
    shop.move(days=20)
    assert shop.book("disputes")[0]["won"] is True


@pytest.mark.parametrize(("won_per_1000", "won"), [(0, False), (1000, True)])
def test_the_bank_decides_a_contested_dispute_by_its_own_time(won_per_1000: int, won: bool) -> None:
    shop = Shop(dispute_won_per_1000=won_per_1000)
    dispute_id = opened(shop)
    prove(shop, dispute_id)
    assert shop.post(f"{DISPUTES}/{dispute_id}/contest", {"revision": 2}).status == 204
    shop.move(days=10)
    assert shop.book("disputes")[0]["won"] is won


def test_an_accepted_dispute_is_closed_at_once_without_a_fee(shop: Shop) -> None:
    dispute_id = opened(shop)
    accept = f"{DISPUTES}/{dispute_id}/accept"
    assert shop.post(accept, {"revision": 9}).error == 33011
    address = {"fullName": "Harbour Store", "city": "Hamburg", "country": "DE"}
    assert shop.post(accept, {"revision": 1, "returnAddress": address}).status == 204
    found = dispute(shop, dispute_id)
    assert (found["sellerResponse"], found["returnAddress"]["city"]) == ("ACCEPT", "Hamburg")
    assert shop.post(accept, {"revision": found["revision"]}).error == 33101
    assert [one["transactionType"] for one in shop.transactions()] == ["SALE", "DISPUTE"]
    assert shop.book("applied")["acceptPaymentDispute"] == {dispute_id: 1}


def test_evidence_files_are_pictures_one_at_a_time(shop: Shop) -> None:
    dispute_id = opened(shop)
    assert upload(shop, dispute_id, "proof.pdf").error == 33005
    assert upload(shop, dispute_id, "x" * 260 + ".png").error == 33106
    assert upload(shop, dispute_id, field="picture").error == 33100
    assert upload(shop, dispute_id, times=2).error == 33107
    assert upload(shop, "none").error == 33001
    file_id, evidence_id = prove(shop, dispute_id)
    change = {"evidenceId": evidence_id, "evidenceType": "OTHER", "files": [{"fileId": file_id}]}
    assert shop.post(f"{DISPUTES}/{dispute_id}/update_evidence", change).status == 204
    assert dispute(shop, dispute_id)["evidence"][0]["evidenceType"] == "OTHER"
    assert shop.post(f"{DISPUTES}/{dispute_id}/update_evidence", {**change, "evidenceId": "1"}).error == 33002
    strange = {"evidenceType": "OTHER", "files": [{"fileId": "1"}]}
    assert shop.post(f"{DISPUTES}/{dispute_id}/add_evidence", strange).error == 33003
    assert shop.post(f"{DISPUTES}/{dispute_id}/add_evidence", {"files": []}).error == 33100
    fetch = f"{DISPUTES}/{dispute_id}/fetch_evidence_content"
    assert shop.get(f"{fetch}?evidence_id=1").error == 33002
    assert shop.get(f"{fetch}?evidence_id={evidence_id}&file_id=1").error == 33003


def test_disputes_are_searched_by_order_buyer_time_and_status(shop: Shop) -> None:
    first = opened(shop)
    shop.move(hours=1)
    second = opened(shop)
    shop.portal.close_dispute(second, won=False)
    order = dispute(shop, first)["orderId"]

    def ids(query: str) -> list[str]:
        page = shop.get(f"{FULFILLMENT}/payment_dispute_summary?{query}").json
        return [one["paymentDisputeId"] for one in page["paymentDisputeSummaries"]]

    assert ids("") == [first, second]
    assert ids(f"order_id={order}") == ids("payment_dispute_status=ACTION_NEEDED") == [first]
    assert ids("payment_dispute_status=ACTION_NEEDED&payment_dispute_status=CLOSED") == [first, second]
    assert ids("open_date_from=2026-11-02T09:30:00Z") == ids("limit=1&offset=1") == [second]
    assert ids("buyer_username=nobody") == []
    for query in ("payment_dispute_status=LOST", "limit=201", "open_date_from=now"):
        assert shop.get(f"{FULFILLMENT}/payment_dispute_summary?{query}").error == 33001
    assert shop.get(f"{DISPUTES}/none").error == 33001


def test_what_is_disputed_is_held_and_an_order_is_disputed_once(shop: Shop) -> None:
    order_id = shipped(shop)
    shop.portal.open_dispute(order_id)
    assert shop.get(f"{FINANCES}/seller_funds_summary").json["fundsOnHold"]["value"] == "46.98"
    with pytest.raises(ValueError):
        shop.portal.open_dispute(order_id)
    unshipped = shop.portal.place([("ATLAS", 1)])
    shop.portal.close_dispute(shop.portal.open_dispute(unshipped), won=False)
    assert shop.issue_refund(unshipped, "1.00").error == 34917
    assert shop.post(f"{POST_ORDER}/cancellation", {"legacyOrderId": unshipped}).status == 409
    with pytest.raises(ValueError):
        shop.portal.open_dispute(unshipped)
    with pytest.raises(ValueError):
        shop.portal.open_dispute(shop.portal.place([("ATLAS", 1)], pending=True))
