"""eBay's writes against the sandbox: each alone under the contract, then what only eBay does."""

from collections.abc import Callable
from typing import Any

import pytest
from connectors.contract import Scene, Story, TwiceIsOnce, WriteContract
from connectors.ebay.shop import SYSTEM, Shop, answered
from connectors.market import Answers, make_ctx, said

from entrepot.connectors.ebay.order_writes import PROCESSING_S, WHOLE_ORDER_ONLY
from entrepot.connectors.writes import WRONG_PAYLOAD
from entrepot.kernel.http import HttpAnswer
from entrepot.kernel.outcome import Done, Later, NotThere, Refused, Unknown

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


class TestWritesThatEbaysStatesProtect(TwiceIsOnce):
    @pytest.fixture(
        params=[ship, cancel, approve, reject, end, accept, contest, receive], ids=lambda tell: tell.__name__
    )
    def scene(self, request: pytest.FixtureRequest, shop: Shop) -> Scene:
        return Scene(shop, request.param(shop))  # type: ignore[arg-type]


class TestWritesThatAreHarmlessTwice(WriteContract):
    """The same price, the same stock: set again, it is as it was."""

    @pytest.fixture(params=[set_price, set_stock], ids=lambda tell: tell.__name__)
    def scene(self, request: pytest.FixtureRequest, shop: Shop) -> Scene:
        return Scene(shop, request.param(shop))  # type: ignore[arg-type]

    def test_sent_again_it_is_as_it_was(self, scene: Scene) -> None:
        assert isinstance(scene.send(), Done)
        before = scene.market.books()["listings"]  # type: ignore[attr-defined]
        assert isinstance(scene.send(), Done)
        after = scene.market.books()["listings"]  # type: ignore[attr-defined]
        assert [{**one, "updates": 0} for one in before] == [{**one, "updates": 0} for one in after]


class TestRefund(WriteContract):
    """Money without a key of ours: what protects it is the look before a second attempt."""

    @pytest.fixture
    def scene(self, shop: Shop) -> Scene:
        return Scene(shop, refund(shop))  # type: ignore[arg-type]

    def test_a_later_attempt_looks_before_it_pays(self, scene: Scene) -> None:
        scene.trouble("timeout-after")
        assert isinstance(scene.send(), Unknown)
        shop: Any = scene.market
        outcome, _ = shop.again(scene.story.operation, scene.story.payload)
        assert isinstance(outcome, Done)
        assert scene.applied == 1

    def test_a_later_attempt_that_cannot_look_pays_nothing(self, scene: Scene) -> None:
        shop: Any = scene.market
        shop.trouble("getOrder", "503")
        outcome, _ = shop.again(scene.story.operation, scene.story.payload)
        assert isinstance(outcome, Later)
        assert scene.applied == 0

    def test_applied_late_after_we_lost_patience_it_is_paid_once(self, scene: Scene) -> None:
        shop: Any = scene.market
        scene.trouble("applied-late", 30)
        assert isinstance(scene.send(), Unknown)
        assert isinstance(scene.look(), NotThere)
        shop.move(seconds=31)
        outcome, _ = shop.again(scene.story.operation, scene.story.payload)
        assert isinstance(outcome, Done)
        assert scene.applied == 1


class TestSubmit(TwiceIsOnce):
    @pytest.fixture
    def scene(self, shop: Shop) -> Scene:
        return Scene(shop, submit(shop))  # type: ignore[arg-type]

    def test_a_look_that_fails_leaves_it_unclear(self, scene: Scene) -> None:
        """Two calls are looked at here, item and offer: either may fail."""
        scene.trouble("timeout-after")
        scene.send()
        for look in ("getInventoryItem", "getOffers"):
            for kind in ("timeout-before", "503", "429", "truncated", "html"):
                scene.market.trouble(look, kind, 5, SYSTEM)
                assert isinstance(scene.look(), Unknown), (look, kind)
        assert isinstance(scene.look(), Done)

    @pytest.mark.parametrize("step", ["createOrReplaceInventoryItem", "createOffer", "publishOffer"])
    @pytest.mark.parametrize("kind", ["timeout-after", "timeout-before", "503"])
    def test_cut_at_any_step_it_is_begun_anew_and_listed_once(self, scene: Scene, step: str, kind: str) -> None:
        shop: Any = scene.market
        shop.trouble(step, kind)
        assert isinstance(scene.send(), Unknown)
        assert isinstance(scene.send(), Done)
        assert isinstance(scene.look(), Done)
        assert scene.applied == 1
        assert [one["sku"] for one in shop.books()["listings"]].count("BELL-1") == 1
        assert shop.portal.live("BELL-1")

    def test_offers_that_cannot_be_looked_at_are_not_made(self, scene: Scene) -> None:
        shop: Any = scene.market
        for kind in ("timeout-after", "503", "html", "truncated"):
            shop.trouble("getOffers", kind)
            shop.do("ebay.submit-listing", product(sku="LAMP-1"))
        assert shop.applied("createOffer", "LAMP-1") == 0


# -- what only eBay does -------------------------------------------------------------------------------------------


def test_a_parcel_leaves_its_tracking_number_and_the_order_is_sent(shop: Shop) -> None:
    order_id = buy(shop)
    parcel = shop.parcel(order_id)
    assert shop.do("ebay.ship", parcel) == Done({"fulfillment_id": "JD014600003SE"})
    (sent,) = shop.books()["shipments"]
    assert (sent["order_id"], sent["tracking"], sent["carrier"]) == (order_id, "JD014600003SE", "DHL")
    assert sent["lines"] == {line["line_id"]: line["quantity"] for line in parcel["lines"]}


def test_each_parcel_of_an_order_is_found_by_its_own_number(shop: Shop) -> None:
    order_id = buy(shop)
    one, other = shop.parcel(order_id, "A1"), shop.parcel(order_id, "B2")
    one["lines"], other["lines"] = one["lines"][:1], other["lines"][1:]
    assert isinstance(shop.do("ebay.ship", one), Done)
    assert isinstance(shop.saw("ebay.ship", other), NotThere)
    assert isinstance(shop.do("ebay.ship", other), Done)
    assert shop.saw("ebay.ship", other) == Done({"fulfillment_id": "B2"})


def test_a_parcel_without_a_number_is_sent_once_though_nothing_guards_it(shop: Shop) -> None:
    order_id = buy(shop, ("BOOK-1", 4))
    parcel = shop.parcel(order_id, "") | {"carrier": ""}
    parcel["lines"][0]["quantity"] = 1
    shop.trouble("createShippingFulfillment", "timeout-after")
    assert isinstance(shop.do("ebay.ship", parcel), Unknown)
    assert isinstance(shop.again("ebay.ship", parcel)[0], Done)
    assert len(shop.books()["shipments"]) == 1


def test_two_parcels_alike_cannot_be_told_apart(shop: Shop) -> None:
    order_id = buy(shop, ("BOOK-1", 4))
    parcel = shop.parcel(order_id, "") | {"carrier": ""}
    parcel["lines"][0]["quantity"] = 1
    for _ in range(2):
        assert isinstance(shop.do("ebay.ship", parcel), Done)
    assert isinstance(shop.saw("ebay.ship", parcel), Unknown)


def test_a_tracking_number_with_other_goods_in_it_is_for_a_person(shop: Shop) -> None:
    order_id = buy(shop)
    parcel = shop.parcel(order_id)
    part = {**parcel, "lines": parcel["lines"][:1]}
    assert isinstance(shop.do("ebay.ship", part), Done)
    assert isinstance(shop.saw("ebay.ship", {**parcel, "lines": parcel["lines"][1:]}), Unknown)


def test_a_refund_gives_each_line_its_own_part(shop: Shop) -> None:
    order_id = buy(shop)
    payload = shop.money_back(order_id)
    payload["lines"].append({"line_id": shop.line(order_id, 1), "quantity": 1, "item_minor": 300})
    outcome = shop.do("ebay.refund", payload)
    assert isinstance(outcome, Done)
    given = {one["line_id"]: one["amount_minor"] for one in shop.books()["refunds"]}
    assert given == {shop.line(order_id): 1_000, shop.line(order_id, 1): 300}
    assert shop.saw("ebay.refund", payload) == outcome


def test_a_second_refund_waits_until_the_first_is_over(shop: Shop) -> None:
    order_id = buy(shop)
    assert isinstance(shop.do("ebay.refund", shop.money_back(order_id)), Done)
    other = shop.money_back(order_id, 500, "R-2")
    waits = shop.do("ebay.refund", other)
    assert isinstance(waits, Later)
    assert waits.after_s == PROCESSING_S
    shop.move(seconds=PROCESSING_S)
    assert isinstance(shop.do("ebay.refund", other), Done)
    assert shop.applied("issueRefund", order_id) == 2


def test_more_than_the_buyer_paid_is_refused_in_their_words(shop: Shop) -> None:
    order_id = buy(shop)
    outcome = shop.do("ebay.refund", shop.money_back(order_id, 1_000_000))
    assert isinstance(outcome, Refused)
    assert outcome.code == "34924"
    assert "remaining amount" in outcome.words


def test_two_refunds_alike_are_for_a_person(shop: Shop) -> None:
    order_id = buy(shop)
    for _ in range(2):
        assert isinstance(shop.do("ebay.refund", shop.money_back(order_id)), Done)
        shop.move(minutes=2)
    assert isinstance(shop.saw("ebay.refund", shop.money_back(order_id)), Unknown)


@pytest.mark.parametrize("status", ["PENDING", "REFUNDED", None, "A_NEW_WORD"])
def test_a_refund_with_a_number_was_taken(shop: Shop, status: str | None) -> None:
    outcome = refund_said(shop, said(200, f'{{"refundId":"5","refundStatus":{quoted(status)}}}'))
    assert outcome == Done({"refund_id": "5"})


def test_a_refund_that_failed_is_refused(shop: Shop) -> None:
    outcome = refund_said(shop, said(200, '{"refundId":"5","refundStatus":"FAILED"}'))
    assert isinstance(outcome, Refused)
    assert outcome.code == "FAILED"


def test_a_refund_without_a_number_is_unclear(shop: Shop) -> None:
    assert isinstance(refund_said(shop, said(200, "{}")), Unknown)


def refund_said(shop: Shop, answer: HttpAnswer) -> Any:
    token = said(200, '{"access_token":"t","expires_in":7200}')
    ctx = make_ctx(Answers(token, answer), shop.clock)
    effect = shop.effect("ebay.refund", "k", shop_money())
    return shop.channel.operations["ebay.refund"].send(ctx, effect)[0]


def shop_money() -> dict[str, Any]:
    line = {"line_id": "1", "quantity": 1, "item_minor": 100}
    return {"order_id": "o", "our_number": "n", "refund": "r", "currency": "EUR", "reason": "other", "lines": [line]}


def quoted(word: str | None) -> str:
    return "null" if word is None else f'"{word}"'


def test_part_of_an_order_is_not_cancelled_and_nothing_is_sent(shop: Shop) -> None:
    order_id = buy(shop)
    payload = cancel_of(shop, order_id)
    outcome = shop.do("ebay.cancel", {**payload, "lines": payload["lines"][:1]})
    assert isinstance(outcome, Refused)
    assert outcome.code == WHOLE_ORDER_ONLY
    assert shop.order(order_id)["cancelled_by"] is None


def test_an_order_that_was_sent_is_not_cancelled(shop: Shop) -> None:
    order_id = buy(shop)
    assert isinstance(shop.do("ebay.ship", shop.parcel(order_id)), Done)
    assert isinstance(shop.do("ebay.cancel", cancel_of(shop, order_id)), Refused)


def test_an_order_that_cannot_be_looked_at_is_not_cancelled_yet(shop: Shop) -> None:
    order_id = buy(shop)
    for kind in ("503", "timeout-after", "429", "html", "truncated"):
        shop.trouble("getOrder", kind)
        assert isinstance(shop.do("ebay.cancel", cancel_of(shop, order_id)), Later), kind
    assert shop.applied("createCancellation", order_id) == 0


def test_a_buyer_who_asks_is_answered_and_not_cancelled_past_him(shop: Shop) -> None:
    order_id = buy(shop)
    shop.portal.ask_cancel(order_id)
    outcome = shop.do("ebay.cancel", cancel_of(shop, order_id))
    assert isinstance(outcome, Refused)
    assert "CANCEL_IN_PROGRESS" in outcome.words


@pytest.mark.parametrize("reason", ["out-of-stock", "buyer-asked", "undeliverable", "price-error", "other"])
def test_every_reason_of_ours_has_a_word_of_theirs(shop: Shop, reason: str) -> None:
    order_id = buy(shop)
    assert isinstance(shop.do("ebay.cancel", cancel_of(shop, order_id, reason)), Done)
    assert shop.order(order_id)["cancelled_by"] == "seller"


@pytest.mark.parametrize("reason", ["returned", "not-received", "not-as-described", "goodwill", "cancelled", "other"])
def test_every_refund_reason_of_ours_has_a_word_of_theirs(shop: Shop, reason: str) -> None:
    order_id = buy(shop)
    assert isinstance(shop.do("ebay.refund", {**shop.money_back(order_id), "reason": reason}), Done)


def test_a_request_answered_otherwise_is_said_to_be(shop: Shop) -> None:
    told = approve(shop)
    assert isinstance(shop.do(told.operation, told.payload), Done)
    other = {**told.payload, "answer": "reject", "tracking": "JD1", "shipped_at": shop.clock.now().isoformat()}
    outcome = shop.do(told.operation, other)
    assert isinstance(outcome, Refused)
    assert outcome.code == "decided-otherwise"


def test_one_failed_entry_of_an_answer_that_is_good_is_refused(shop: Shop) -> None:
    outcome = shop.do("ebay.set-price", {**price_of(shop), "their_id": "404404"})
    assert isinstance(outcome, Refused)
    assert outcome.code == "25713"
    shop.trouble("bulkUpdatePriceQuantity", "429", 9)
    assert shop.do("ebay.set-price", price_of(shop)) == Later("they asked us to slow down (429)", 9.0)


def test_a_price_set_is_the_price_shown(shop: Shop) -> None:
    assert isinstance(shop.do("ebay.set-price", price_of(shop, 4_321)), Done)
    assert shop.portal.price("LAMP-1") == 4_321


def test_a_stock_set_is_the_stock_shown_even_when_the_offer_held_less(shop: Shop) -> None:
    offer = shop.their_offer("LAMP-1")
    assert isinstance(shop.do("ebay.set-stock", {"sku": "LAMP-1", "quantity": 3, "their_id": offer}), Done)
    assert shop.portal.stock("LAMP-1") == 3
    assert isinstance(shop.do("ebay.set-stock", {"sku": "LAMP-1", "quantity": 40, "their_id": offer}), Done)
    assert shop.portal.stock("LAMP-1") == 40


def test_a_price_without_an_offer_is_not_sent(shop: Shop) -> None:
    outcome = shop.do("ebay.set-price", {"sku": "LAMP-1", "price_minor": 100, "currency": "EUR"})
    assert isinstance(outcome, Refused)
    assert outcome.code == WRONG_PAYLOAD


def test_a_product_is_listed_with_its_words_terms_and_price(shop: Shop) -> None:
    outcome = shop.do("ebay.submit-listing", product())
    assert isinstance(outcome, Done)
    assert (shop.portal.price("BELL-1"), shop.portal.stock("BELL-1")) == (8_900, 4)
    item = shop.system.market.items["BELL-1"].content
    assert item["product"]["aspects"] == {"Material": ["Brass"]}
    assert item["product"]["mpn"] == "SB-1"
    assert item["product"]["ean"] == ["4006381333955"]
    offer = shop.system.market.offers[outcome.receipt["offer_id"]].content
    assert offer["listingPolicies"]["returnPolicyId"] == "6100003"
    assert offer["merchantLocationKey"] == "harbour-1"


def test_a_revision_of_a_product_updates_its_offer_and_makes_none(shop: Shop) -> None:
    first = shop.do("ebay.submit-listing", product())
    second = shop.do("ebay.submit-listing", product(title="Ship's bell, polished", price_minor=9_100, revision="2"))
    assert isinstance(first, Done)
    assert second == first
    assert shop.portal.price("BELL-1") == 9_100
    assert isinstance(shop.saw("ebay.submit-listing", product()), NotThere)


def test_what_they_find_wrong_with_a_product_is_told_in_their_words(shop: Shop) -> None:
    outcome = shop.do("ebay.submit-listing", product(category=""))
    assert isinstance(outcome, Refused)
    assert outcome.code.isdecimal()
    assert not shop.portal.live("BELL-1")


def test_a_stale_answer_to_a_dispute_is_refused_and_names_the_revision_to_read(shop: Shop) -> None:
    dispute_id, payload = disputed(shop)
    shop.portal.touch_dispute(dispute_id)
    outcome = shop.do("ebay.answer-dispute", {**payload, "answer": "accept"})
    assert isinstance(outcome, Refused)
    assert outcome.code == "33011"
    now = shop.seen(shop.channel.lookups["dispute"].one(shop.ctx, dispute_id).received[0])
    assert f"at revision {now.revision}" in outcome.words
    assert isinstance(shop.do("ebay.answer-dispute", {**payload, "answer": "accept", "revision": now.revision}), Done)


def test_a_dispute_is_not_contested_without_evidence(shop: Shop) -> None:
    _, payload = disputed(shop)
    outcome = shop.do("ebay.answer-dispute", {**payload, "answer": "contest"})
    assert isinstance(outcome, Refused)
    assert outcome.code == "33102"


def test_an_answer_without_the_revision_it_has_read_is_not_sent(shop: Shop) -> None:
    _, payload = disputed(shop)
    outcome = shop.do("ebay.answer-dispute", {**payload, "answer": "accept", "revision": ""})
    assert isinstance(outcome, Refused)
    assert outcome.code == WRONG_PAYLOAD


def test_no_secret_of_the_account_is_shown_to_a_person(shop: Shop) -> None:
    told = ship(shop)
    shop.trouble("createShippingFulfillment", "503")
    shown = repr([shop.send(told.operation, told.payload), shop.send(told.operation, told.payload)])
    for secret in (shop.settings.client_secret, shop.settings.refresh_token, shop.settings.verification_token):
        assert secret not in shown
