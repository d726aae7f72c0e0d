"""Each write of eBay about to be made: the stories that the tests of writes tell."""

from collections.abc import Callable
from typing import Any

from connectors.contract import Story
from connectors.ebay.shop import SYSTEM, Shop, answered

from entrepot.kernel.outcome import Done

Tell = Callable[[Shop], Story]
PICTURE = (
    b'--sep\r\nContent-Disposition: form-data; name="file"; filename="proof.png"\r\nContent-Type: image/png\r\n\r\n'
    b"\x89PNG\r\n\x1a\n0\r\n--sep--\r\n"
)


def story(shop: Shop, operation: str, code: str, holds: str, payload: dict[str, Any]) -> Story:
    return Story(operation, code, payload, lambda: shop.applied(code, holds), system=SYSTEM)


def buy(shop: Shop, *lines: tuple[str, int]) -> str:
    return str(shop.portal.place(lines or (("LAMP-1", 2), ("BOOK-1", 1))))


def ship(shop: Shop) -> Story:
    order_id = buy(shop)
    return story(shop, "ebay.ship", "createShippingFulfillment", order_id, shop.parcel(order_id))


def refund(shop: Shop) -> Story:
    order_id = buy(shop)
    return story(shop, "ebay.refund", "issueRefund", order_id, shop.money_back(order_id))


def cancel_of(shop: Shop, order_id: str, reason: str = "out-of-stock") -> dict[str, Any]:
    lines = [{"line_id": one["line_id"], "quantity": one["quantity"]} for one in shop.order(order_id)["lines"]]
    return {"order_id": order_id, "our_number": "H-1", "cancellation": "K-1", "reason": reason, "lines": lines}


def cancel(shop: Shop) -> Story:
    order_id = buy(shop)
    return story(shop, "ebay.cancel", "createCancellation", order_id, cancel_of(shop, order_id))


def approve(shop: Shop) -> Story:
    order_id = buy(shop)
    request = shop.portal.ask_cancel(order_id)
    payload = {"order_id": order_id, "request_id": request, "answer": "approve"}
    return story(shop, "ebay.answer-cancellation", "approveCancellationRequest", request, payload)


def reject(shop: Shop) -> Story:
    order_id = buy(shop)
    request = shop.portal.ask_cancel(order_id)
    left = {"carrier": "DHL", "tracking": "JD014600003SE", "shipped_at": shop.clock.now().isoformat()}
    payload = {"order_id": order_id, "request_id": request, "answer": "reject", **left}
    return story(shop, "ebay.answer-cancellation", "rejectCancellationRequest", request, payload)


def price_of(shop: Shop, minor: int = 5_490) -> dict[str, Any]:
    return {"sku": "LAMP-1", "price_minor": minor, "currency": "EUR", "their_id": shop.their_offer("LAMP-1")}


def set_price(shop: Shop) -> Story:
    payload = price_of(shop)
    return story(shop, "ebay.set-price", "bulkUpdatePriceQuantity", str(payload["their_id"]), payload)


def set_stock(shop: Shop) -> Story:
    payload = {"sku": "LAMP-1", "quantity": 7, "their_id": shop.their_offer("LAMP-1")}
    return story(shop, "ebay.set-stock", "bulkUpdatePriceQuantity", "sku/LAMP-1", payload)


def product(**changed: Any) -> dict[str, Any]:
    return {
        "sku": "BELL-1",
        "revision": "1",
        "category": "20697",
        "title": "Ship's bell",
        "gtin": "4006381333955",
        "price_minor": 8_900,
        "currency": "EUR",
        "quantity": 4,
        "attributes": {"Material": "Brass", "mpn": "SB-1"},
        "brand": "Harbour",
        "description": "A bell of solid brass.",
        "images": ["https://images.example/bell.jpg"],
        **changed,
    }


def submit(shop: Shop) -> Story:
    return story(shop, "ebay.submit-listing", "publishOffer", "", product())


def end(shop: Shop) -> Story:
    offer = shop.their_offer("LAMP-1")
    return story(shop, "ebay.end-listing", "withdrawOffer", offer, {"sku": "LAMP-1", "their_id": offer})


def disputed(shop: Shop) -> tuple[str, dict[str, Any]]:
    """A dispute that waits for us, as it was read."""
    order_id = buy(shop)
    dispute_id = shop.portal.open_dispute(order_id)
    seen = shop.seen(shop.channel.lookups["dispute"].one(shop.ctx, dispute_id).received[0])
    return dispute_id, {"dispute_id": dispute_id, "order_id": order_id, "revision": seen.revision}


def accept(shop: Shop) -> Story:
    dispute_id, payload = disputed(shop)
    return story(shop, "ebay.answer-dispute", "acceptPaymentDispute", dispute_id, {**payload, "answer": "accept"})


def contest(shop: Shop) -> Story:
    """Evidence is a picture: a person has put it there, then the dispute was read again."""
    dispute_id, payload = disputed(shop)
    path = f"/sell/fulfillment/v1/payment_dispute/{dispute_id}"
    upload = answered(shop, "POST", f"{path}/upload_evidence_file", PICTURE, "multipart/form-data; boundary=sep")
    assert upload.status == 200, upload.body
    evidence = b'{"evidenceType":"PROOF_OF_DELIVERY","files":[{"fileId":"%s"}]}' % upload.json()["fileId"].encode()
    assert answered(shop, "POST", f"{path}/add_evidence", evidence).status == 200
    seen = shop.seen(shop.channel.lookups["dispute"].one(shop.ctx, dispute_id).received[0])
    assert seen.revision != payload["revision"]
    told = {"revision": seen.revision, "answer": "contest", "note": "delivered", "evidence": []}
    return story(shop, "ebay.answer-dispute", "contestPaymentDispute", dispute_id, {**payload, **told})


def receive(shop: Shop) -> Story:
    order_id = buy(shop)
    assert isinstance(shop.do("ebay.ship", shop.parcel(order_id)), Done)
    return_id = shop.portal.open_return(order_id, [(shop.line(order_id), 1)], "DEFECTIVE_ITEM")
    approved = answered(shop, "POST", f"/post-order/v2/return/{return_id}/decide", b'{"decision":"APPROVE"}')
    assert approved.status == 200, approved.body
    shop.portal.send_return(return_id)
    line = {"line_id": shop.line(order_id), "quantity": 1}
    payload = {"return_id": return_id, "order_id": order_id, "accepted": [line]}
    return story(shop, "ebay.receive-return", "markReturnReceived", return_id, payload)
