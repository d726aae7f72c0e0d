"""What only eBay does with our writes: parcels without a number, whole orders, entries of a bulk, revisions of disputes."""

import json
from typing import Any

import pytest
from connectors.ebay.shop import Shop, signing_key
from connectors.ebay.stories import approve, buy, cancel_of, disputed, price_of, product, ship
from connectors.market import Answers, make_ctx, said

from entrepot.connectors.ebay.order_writes import PROCESSING_S, WHOLE_ORDER_ONLY
from entrepot.connectors.writes import WRONG_PAYLOAD
from entrepot.kernel.http import HttpAnswer
from entrepot.kernel.outcome import Done, Later, NotThere, Refused, Unknown

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
    key = said(201, json.dumps(signing_key(shop)))
    ctx = make_ctx(Answers(token, key, token, answer), shop.clock)
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


def test_what_is_not_listed_has_neither_price_nor_stock(shop: Shop) -> None:
    gone = {"sku": "NOWHERE", "their_id": "404404"}
    assert isinstance(shop.saw("ebay.set-price", {**gone, "price_minor": 100, "currency": "EUR"}), NotThere)
    assert isinstance(shop.saw("ebay.set-stock", {**gone, "quantity": 1}), NotThere)


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
