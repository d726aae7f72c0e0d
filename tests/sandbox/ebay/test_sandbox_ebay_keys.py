"""Every documented key is in every answer, null when empty, and no key is there that nobody documented."""

from collections.abc import Callable

import pytest
from sandbox.ebay.ebay_fields import FIELD_LIST, Field, missing, operations, unknown
from sandbox.ebay.ebay_market import ENGLISH, FINANCES, FULFILLMENT, INVENTORY, Answer, Shop
from sandbox.ebay.test_sandbox_ebay_after_sales import opened, prove, upload
from sandbox.ebay.test_sandbox_ebay_listings import BULK, ITEM, OFFER, list_it, publish

ORDERS = f"{FULFILLMENT}/order"


@pytest.fixture(scope="module")
def documented() -> dict[tuple[str, int], list[Field]]:
    if not FIELD_LIST.exists():
        pytest.skip("the published field list is not beside this repository")
    return operations(FIELD_LIST.read_text(encoding="utf-8"))


def full_order(shop: Shop) -> str:
    """An order with tax, a parcel, a rejected wish to cancel and a refund."""
    order_id = shop.portal.place([("ATLAS", 2), ("TIDES", 1)])
    shop.portal.ask_cancel(order_id)
    shop.ship(order_id, "JD1", **{f"_{shop.lines(order_id)[0]}": 1})
    shop.issue_refund(order_id, "3.00")
    return order_id


def dispute(shop: Shop) -> str:
    dispute_id = opened(shop)
    _, _ = prove(shop, dispute_id)
    body = {
        "revision": 2,
        "note": "n",
        "returnAddress": {"city": "H", "primaryPhone": {"countryCode": "49", "number": "1"}},
    }
    shop.post(f"{FULFILLMENT}/payment_dispute/{dispute_id}/contest", body)
    shop.portal.close_dispute(dispute_id, won=False)
    return dispute_id


def evidence(shop: Shop) -> Answer:
    dispute_id = opened(shop)
    file_id = upload(shop, dispute_id).json["fileId"]
    body = {"evidenceType": "OTHER", "files": [{"fileId": file_id}]}
    return shop.post(f"{FULFILLMENT}/payment_dispute/{dispute_id}/add_evidence", body)


def with_item(shop: Shop) -> None:
    descriptor = {"name": "40001", "values": ["4000"], "additionalInfo": None}
    shop.put(f"{INVENTORY}/inventory_item/SEXTANT", {**ITEM, "conditionDescriptors": [descriptor]})


def create(shop: Shop) -> Answer:
    with_item(shop)
    return shop.post(f"{INVENTORY}/offer", OFFER, headers=ENGLISH)


def bulk_create(shop: Shop) -> Answer:
    with_item(shop)
    rows = [OFFER, {**OFFER, "sku": "NONE"}]
    answer = shop.post(f"{INVENTORY}/bulk_create_offer", {"requests": rows}, headers=ENGLISH)
    assert answer.status == 207
    return Answer(200, answer.headers, answer.body)


def bulk_update(shop: Shop) -> Answer:
    rows = [{"sku": sku, "shipToLocationAvailability": {"quantity": 1}} for sku in ("ATLAS", "NONE")]
    answer = shop.post(BULK, {"requests": rows})
    assert answer.status == 207
    return Answer(200, answer.headers, answer.body)


def paid_out(shop: Shop) -> str:
    shop.portal.place([("ATLAS", 1)])
    shop.move(days=2)
    shop.fresh()
    payout_id = shop.portal.close_period()
    assert payout_id is not None
    return payout_id


def transfer(shop: Shop) -> Answer:
    order_id = shop.portal.place([("ATLAS", 1)])
    shop.issue_refund(order_id, "3.00")
    return shop.get(f"{FINANCES}/transfer/{shop.portal.close_period()}")


def all_kinds(shop: Shop) -> None:
    full_order(shop)
    dispute(shop)


def after(prepare: Callable[[Shop], object], path: str) -> Callable[[Shop], Answer]:
    return lambda shop: (prepare(shop), shop.get(path))[1]


ANSWERS: dict[tuple[str, int], Callable[[Shop], Answer]] = {
    ("getOrder", 200): lambda shop: shop.get(f"{ORDERS}/{full_order(shop)}"),
    ("getOrders", 200): after(full_order, ORDERS),
    ("issueRefund", 200): lambda shop: shop.issue_refund(shop.portal.place([("ATLAS", 1)]), "1.00"),
    ("getShippingFulfillments", 200): lambda shop: shop.get(f"{ORDERS}/{full_order(shop)}/shipping_fulfillment"),
    ("getShippingFulfillment", 200): lambda shop: shop.get(f"{ORDERS}/{full_order(shop)}/shipping_fulfillment/JD1"),
    ("getPaymentDispute", 200): lambda shop: shop.get(f"{FULFILLMENT}/payment_dispute/{dispute(shop)}"),
    ("getActivities", 200): lambda shop: shop.get(f"{FULFILLMENT}/payment_dispute/{dispute(shop)}/activity"),
    ("getPaymentDisputeSummaries", 200): after(dispute, f"{FULFILLMENT}/payment_dispute_summary"),
    ("uploadEvidenceFile", 200): lambda shop: upload(shop, opened(shop)),
    ("addEvidence", 200): evidence,
    ("getInventoryItem", 200): after(with_item, f"{INVENTORY}/inventory_item/SEXTANT"),
    ("createOrReplaceInventoryItem", 201): lambda shop: shop.put(f"{INVENTORY}/inventory_item/SEXTANT", ITEM),
    ("getOffers", 200): after(lambda shop: publish(shop, list_it(shop)), f"{INVENTORY}/offer?sku=SEXTANT"),
    ("createOffer", 201): create,
    ("updateOffer", 200): lambda shop: shop.put(f"{INVENTORY}/offer/{list_it(shop)}", OFFER),
    ("publishOffer", 200): lambda shop: publish(shop, list_it(shop)),
    ("withdrawOffer", 200): lambda shop: shop.post(
        f"{INVENTORY}/offer/{shop.ebay.market.offers_by_sku['ATLAS'][0].offer_id}/withdraw"
    ),
    ("bulkCreateOffer", 200): bulk_create,
    ("bulkPublishOffer", 200): lambda shop: shop.post(
        f"{INVENTORY}/bulk_publish_offer", {"requests": [{"offerId": list_it(shop)}]}
    ),
    ("bulkUpdatePriceQuantity", 200): bulk_update,
    ("getTransactions", 200): after(all_kinds, f"{FINANCES}/transaction?limit=100"),
    ("getTransactionSummary", 200): after(all_kinds, f"{FINANCES}/transaction_summary"),
    ("getPayout", 200): lambda shop: shop.get(f"{FINANCES}/payout/{paid_out(shop)}"),
    ("getPayouts", 200): after(paid_out, f"{FINANCES}/payout"),
    ("getPayoutSummary", 200): after(paid_out, f"{FINANCES}/payout_summary"),
    ("getTransfer", 200): transfer,
    ("getSellerFundsSummary", 200): after(paid_out, f"{FINANCES}/seller_funds_summary"),
}


@pytest.mark.foreign
@pytest.mark.parametrize("converted", [False, True])
@pytest.mark.parametrize("code", sorted(ANSWERS))
def test_every_documented_key_is_answered_and_no_other(
    code: tuple[str, int], converted: bool, documented: dict[tuple[str, int], list[Field]]
) -> None:
    fields = documented[code]
    assert fields, "the list documents no answer"
    shop = Shop(collected_tax_per_100k=5_000, payout_currency="USD" if converted else "", exchange_rate="1.1")
    answer = ANSWERS[code](shop)
    assert answer.status == code[1], answer.body
    lists = [answer.json[one.name] for one in fields if one.kind == "[{}]" and one.name != "warnings"]
    assert not lists or any(lists), "nothing in the answer to compare"
    assert list(missing(fields, answer.json)) == []
    assert list(unknown(fields, answer.json)) == []


def test_the_checker_of_keys_finds_what_is_missing_of_the_wrong_kind_or_strange() -> None:
    text = "## GET /x  `x`\n→ 200 headers: Location\n  a: string\n  b: [{}]\n    c: integer(int32)\n    d: {}\n      e: boolean\nerrors: 400\n  z: string\n"
    fields = operations(text)["x", 200]
    assert [one.name for one in fields] == ["a", "b"]
    good = {"a": "t", "b": [{"c": 1, "d": {"e": True}}]}
    assert list(missing(fields, good)) == []
    assert list(missing(fields, {"b": [{"c": "1", "d": {}}]})) == [
        ".a is missing",
        ".b[0].c is '1', documented as integer(int32)",
        ".b[0].d.e is missing",
    ]
    assert list(missing(fields, {"a": None, "b": None})) == [".b is not a list"]
    assert list(unknown(fields, {**good, "f": 1})) == [".f"]
    assert list(unknown(fields, {**good, "b": [{"g": 1}]})) == [".b.g"]
