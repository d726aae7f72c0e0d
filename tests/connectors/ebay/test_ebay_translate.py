"""eBay's records in our words: every published word, and no record that makes a reader fall over."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.connectors.ebay import shapes
from entrepot.connectors.ebay.connector import MANIFEST, TRANSLATORS
from entrepot.connectors.ebay.records import Records
from entrepot.connectors.ebay.statement import parts_of
from entrepot.connectors.ebay.words import (
    BOOKING,
    CANCELLATION_BY_STATUS,
    DISPUTE_BY_STATUS,
    LINE_BY_TYPE,
    PAYOUT_BY_STATUS,
    RETURN_BY_STATE,
)
from entrepot.connectors.port import Malformed
from entrepot.inbox.model import MALFORMED
from entrepot.kernel.outcome import Unrecognised
from entrepot.money.settlement.model import LineType
from entrepot.trade.listing.states import ListingState
from entrepot.trade.order.states import LegState, LineState
from entrepot.trade.returns.states import ReturnState


def euro(value: str, currency: str = "EUR") -> dict[str, Any]:
    return {"value": value, "currency": currency}


def line(**changed: Any) -> dict[str, Any]:
    return {
        "lineItemId": "L1",
        "lineItemFulfillmentStatus": "NOT_STARTED",
        "quantity": 2,
        "lineItemCost": euro("20.00"),
        "deliveryCost": {"shippingCost": euro("3.50")},
        "sku": "LAMP-1",
        "lineItemFulfillmentInstructions": {"shipByDate": "2026-11-04T22:59:59.000Z"},
        **changed,
    }


def order(**changed: Any) -> dict[str, Any]:
    return {
        "orderId": "12-34567-89012",
        "orderFulfillmentStatus": "NOT_STARTED",
        "orderPaymentStatus": "PAID",
        "lineItems": [line()],
        "creationDate": "2026-11-02T09:00:00.000Z",
        "lastModifiedDate": "2026-11-02T09:05:00.000Z",
        "cancelStatus": {"cancelState": "NONE_REQUESTED"},
        **changed,
    }


def transaction(**changed: Any) -> dict[str, Any]:
    return {
        "transactionId": "T1",
        "transactionType": "SALE",
        "bookingEntry": "CREDIT",
        "amount": euro("18.00"),
        "transactionDate": "2026-11-02T09:00:00.000Z",
        "orderId": "12-34567-89012",
        **changed,
    }


def read(kind: str, record: Any) -> Any:
    return TRANSLATORS[kind](msgspec.json.encode(record))


# -- orders --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payment", "fulfilment", "cancel", "state"),
    [
        ("PENDING", "NOT_STARTED", "NONE_REQUESTED", LegState.ON_HOLD),
        ("FAILED", "NOT_STARTED", "NONE_REQUESTED", LegState.ON_HOLD),
        ("PAID", "NOT_STARTED", "NONE_REQUESTED", LegState.TO_SHIP),
        ("PAID", "NOT_STARTED", "IN_PROGRESS", LegState.TO_SHIP),
        ("PAID", "IN_PROGRESS", "NONE_REQUESTED", LegState.PART_SHIPPED),
        ("PAID", "FULFILLED", "NONE_REQUESTED", LegState.SHIPPED),
        ("PARTIALLY_REFUNDED", "NOT_STARTED", "NONE_REQUESTED", LegState.TO_SHIP),
        ("FULLY_REFUNDED", "FULFILLED", "NONE_REQUESTED", LegState.SHIPPED),
        ("FULLY_REFUNDED", "NOT_STARTED", "NONE_REQUESTED", LegState.CANCELLED),
        ("FULLY_REFUNDED", "NOT_STARTED", "CANCELED", LegState.CANCELLED),
        ("PAID", "NOT_STARTED", "CANCELED", LegState.CANCELLED),
        ("ON_ICE", "NOT_STARTED", "NONE_REQUESTED", Unrecognised("orderPaymentStatus", "ON_ICE")),
        ("PAID", "ON_ICE", "NONE_REQUESTED", Unrecognised("orderFulfillmentStatus", "ON_ICE")),
        ("PAID", "NOT_STARTED", "ON_ICE", Unrecognised("cancelState", "ON_ICE")),
    ],
)
def test_every_published_word_of_an_order_has_a_state(
    payment: str, fulfilment: str, cancel: str, state: LegState | Unrecognised
) -> None:
    words = {"orderPaymentStatus": payment, "orderFulfillmentStatus": fulfilment}
    assert read("channel-order", order(**words, cancelStatus={"cancelState": cancel})).state == state


def test_of_a_cancelled_order_every_piece_is_cancelled() -> None:
    seen = read("channel-order", order(cancelStatus={"cancelState": "CANCELED"}))
    assert [(one.state, one.cancelled_qty) for one in seen.lines] == [(LineState.CANCELLED, 2)]


def test_a_line_costs_what_is_left_after_discounts_and_tax_is_what_the_seller_collects() -> None:
    told = line(
        discountedLineItemCost=euro("18.00"),
        taxes=[{"amount": euro("1.10")}],
        ebayCollectAndRemitTaxes=[{"amount": euro("9.99")}],
        deliveryCost={"shippingCost": euro("3.50"), "handlingCost": euro("0.50")},
    )
    (one,) = read("channel-order", order(lineItems=[told])).lines
    assert (one.price_minor, one.shipping_minor, one.tax_minor) == (1_800, 400, 110)


def test_an_order_in_two_currencies_is_not_added_up() -> None:
    seen = read("channel-order", order(lineItems=[line(), line(lineItemId="L2", lineItemCost=euro("1.00", "GBP"))]))
    assert isinstance(seen, Malformed)
    assert seen.where == "$.lineItems[1].lineItemCost"


def test_an_order_is_due_when_the_first_of_its_unsent_lines_is() -> None:
    sent = line(
        lineItemFulfillmentStatus="FULFILLED", lineItemFulfillmentInstructions={"shipByDate": "2026-11-03T00:00:00Z"}
    )
    later = line(lineItemId="L2", lineItemFulfillmentInstructions={"shipByDate": "2026-11-06T00:00:00Z"})
    seen = read("channel-order", order(orderFulfillmentStatus="IN_PROGRESS", lineItems=[sent, later]))
    assert seen.ship_due_at.isoformat() == "2026-11-06T00:00:00+00:00"


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"lineItems": []}, r"\$\.lineItems"),
        ({"lineItems": {}}, r"\$\.lineItems"),
        ({"creationDate": 1_700_000_000}, r"\$\.creationDate"),
        ({"creationDate": "yesterday"}, r"\$\.creationDate"),
        ({"creationDate": "2026-11-02T09:00:00"}, r"\$\.creationDate"),
        ({"lineItems": [line(quantity=0)]}, r"\$\.lineItems\[0\]"),
        ({"lineItems": [line(lineItemCost=euro("0.001"))]}, r"\$\.lineItems\[0\]\.lineItemCost"),
        ({"lineItems": [line(lineItemCost=euro("1", "EURO"))]}, r"\$\.lineItems\[0\]\.lineItemCost"),
        ({"lineItems": [line(lineItemCost={})]}, r"\$\.lineItems\[.*\]\.lineItemCost"),
        ({"cancelStatus": "no"}, r"\$\.cancelStatus"),
    ],
)
def test_what_is_wrong_with_an_order_is_said_with_its_place(changed: dict[str, Any], where: str) -> None:
    seen = read("channel-order", order(**changed))
    assert isinstance(seen, Malformed)
    assert re.fullmatch(where, seen.where), seen


# -- money ---------------------------------------------------------------------------------------------------------


def test_every_type_and_side_of_the_book_has_a_kind_of_line() -> None:
    for (kind, entry), line_type in LINE_BY_TYPE.items():
        told = {"part": "", "transaction": transaction(transactionType=kind, bookingEntry=entry)}
        seen = read("channel-statement-line", told)
        assert (seen.line_type, seen.amount_minor) == (line_type, 1_800 * BOOKING[entry]), kind


def test_a_type_nobody_published_is_kept_counted_and_flagged() -> None:
    seen = read("channel-statement-line", {"part": "", "transaction": transaction(transactionType="ON_ICE")})
    assert (seen.line_type, seen.type, seen.amount_minor) == (LineType.UNRECOGNISED, "ON_ICE", 1_800)


def test_a_booking_on_neither_side_has_no_sign_and_is_parked() -> None:
    seen = read("channel-statement-line", {"part": "", "transaction": transaction(bookingEntry="ON_ICE")})
    assert seen == Unrecognised("bookingEntry", "ON_ICE")


def test_a_fee_names_its_kind() -> None:
    told = transaction(transactionType="NON_SALE_CHARGE", bookingEntry="DEBIT", feeType="AD_FEE")
    seen = read("channel-statement-line", {"part": "", "transaction": told})
    assert (seen.type, seen.amount_minor) == ("AD_FEE", -1_800)


def test_a_sale_whose_sides_do_not_add_up_stays_whole() -> None:
    told = transaction(totalFeeBasisAmount=euro("20.00"), totalFeeAmount=euro("1.00"))
    (part,) = parts_of(msgspec.convert(told, shapes.Transaction, strict=False))
    assert (part.name, part.amount_minor) == ("", 1_800)
    agreed = transaction(totalFeeBasisAmount=euro("20.00"), totalFeeAmount=euro("2.00"))
    assert [one.amount_minor for one in parts_of(msgspec.convert(agreed, shapes.Transaction, strict=False))] == [
        2_000,
        -200,
    ]


minor = st.integers(min_value=0, max_value=10**9)
fees = st.lists(minor, max_size=3)
lines = st.lists(st.tuples(minor, fees), max_size=4)


def major(value: int) -> str:
    return f"{value // 100}.{value % 100:02d}"


@settings(max_examples=80, deadline=None)
@given(
    lines=lines,
    kind=st.sampled_from(["SALE", "REFUND", "CREDIT", "ON_ICE"]),
    entry=st.sampled_from(sorted(BOOKING)),
    off_by=st.sampled_from([0, 0, 0, 1, -7]),
    currency=st.sampled_from(["EUR", "GBP"]),
)
def test_the_parts_of_a_transaction_are_the_whole_to_the_last_cent(
    lines: list[tuple[int, list[int]]], kind: str, entry: str, off_by: int, currency: str
) -> None:
    net = max(0, sum(basis - sum(of) for basis, of in lines) + off_by)
    told = transaction(
        transactionType=kind,
        bookingEntry=entry,
        amount=euro(major(net)),
        orderLineItems=[
            {
                "lineItemId": f"L{n}",
                "feeBasisAmount": euro(major(basis), currency),
                "marketplaceFees": [{"amount": euro(major(fee), currency), "feeType": "FEE"} for fee in of],
            }
            for n, (basis, of) in enumerate(lines)
        ],
        totalFeeBasisAmount=euro(major(sum(basis for basis, _ in lines)), currency),
        totalFeeAmount=euro(major(sum(sum(of) for _, of in lines)), currency),
    )
    kept = Records(MANIFEST.flows, "ebay-de").split("channel-statement-line", [msgspec.Raw(msgspec.json.encode(told))])
    seen: list[Any] = [TRANSLATORS[one.kind](one.body) for one in kept if one.kind == "channel-statement-line"]
    assert sum(one.amount_minor for one in seen) == net * BOOKING[entry]
    assert len({one.external_id for one in seen}) == len(seen)
    assert [one.external_id for one in kept if one.kind == "channel-statement-line"] == [
        one.external_id for one in seen
    ]


@pytest.mark.parametrize(
    ("references", "by"),
    [([], "seller"), ([{"referenceType": "CASE_ID", "referenceId": "9"}], "channel")],
)
def test_a_refund_says_before_fees_what_the_buyer_got(references: list[dict[str, str]], by: str) -> None:
    told = transaction(
        transactionType="REFUND",
        bookingEntry="DEBIT",
        totalFeeBasisAmount=euro("20.00"),
        totalFeeAmount=euro("2.00"),
        references=[*references, {"referenceType": "REFUND_ID", "referenceId": "R7"}],
        orderLineItems=[{"lineItemId": "L1"}],
    )
    seen = read("channel-refund", told)
    assert (seen.refund_id, seen.order_line_id, seen.amount_minor, seen.by) == ("R7", "L1", 2_000, by)


@pytest.mark.parametrize("status", sorted(PAYOUT_BY_STATUS))
def test_every_payout_word_says_whether_it_was_paid(status: str) -> None:
    told = {"payoutId": "P1", "payoutStatus": status, "amount": euro("10.00"), "payoutDate": "2026-11-02T09:00:00Z"}
    seen = read("channel-statement", {**told, "payoutStatusDescription": "words", "transactionCount": 3})
    assert seen.payout_state == PAYOUT_BY_STATUS[status]
    assert bool(seen.failure_reason) is (seen.payout_state == "failed")
    assert seen.summary == {"transactionCount": 3}
    assert read("channel-statement", {**told, "payoutStatus": "ON_ICE"}) == Unrecognised("payoutStatus", "ON_ICE")


def test_a_converted_payout_keeps_what_it_was_converted_from() -> None:
    amount = {
        **euro("8.50", "GBP"),
        "convertedFromValue": "1000",
        "convertedFromCurrency": "JPY",
        "exchangeRate": "0.0085",
    }
    told = {"payoutId": "P1", "payoutStatus": "SUCCEEDED", "amount": amount, "payoutDate": "2026-11-02T09:00:00Z"}
    seen = read("channel-statement", told)
    assert (seen.their_total_minor, seen.summary) == (850, {"convertedFrom:JPY": 1_000})


# -- after the sale ------------------------------------------------------------------------------------------------


def test_every_return_word_is_one_of_our_states() -> None:
    known = {state.value for state in ReturnState}
    for word, ours in RETURN_BY_STATE.items():
        told = {
            "returnId": 5,
            "orderId": "12-3",
            "state": word,
            "creationInfo": {"creationDate": {"value": "2026-11-02T09:00:00Z"}},
        }
        assert read("channel-return", told).state == ours
        assert ours in known


@pytest.mark.parametrize("status", sorted(CANCELLATION_BY_STATUS))
@pytest.mark.parametrize("by", ["BUYER", "SELLER"])
def test_every_cancellation_word_has_a_state_and_only_a_buyer_asks(status: str, by: str) -> None:
    told = {
        "cancelId": "5",
        "legacyOrderId": "12-3",
        "cancelStatus": status,
        "requestorType": by,
        "cancelRequestDate": {"value": "2026-11-02T09:00:00Z"},
        "sellerResponseDueDate": {"value": "2026-11-05T09:00:00Z"},
    }
    seen = read("cancellation", told)
    asks = status == "CANCEL_REQUESTED" and by == "BUYER"
    assert (seen.state == "asked") is asks
    assert (seen.respond_by is not None) is asks


@pytest.mark.parametrize("status", sorted(DISPUTE_BY_STATUS))
def test_every_dispute_word_has_a_state(status: str) -> None:
    told = {
        "paymentDisputeId": "5",
        "orderId": "12-3",
        "paymentDisputeStatus": status,
        "openDate": "2026-11-02T09:00:00Z",
        "amount": euro("10.00"),
        "respondByDate": "2026-11-07T09:00:00Z",
        "revision": 3,
    }
    seen = read("dispute", told)
    assert seen.state == DISPUTE_BY_STATUS[status]
    assert (seen.respond_by is not None) is (status != "CLOSED")
    assert read("dispute", {**told, "paymentDisputeStatus": "ON_ICE"}).state == Unrecognised(
        "paymentDisputeStatus", "ON_ICE"
    )


# -- listings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "listing", "state"),
    [
        ("PUBLISHED", {"listingStatus": "ACTIVE", "listingId": "1"}, ListingState.LIVE),
        ("PUBLISHED", {"listingStatus": "OUT_OF_STOCK"}, ListingState.LIVE),
        ("PUBLISHED", {"listingStatus": "ACTIVE", "listingOnHold": True}, ListingState.SUPPRESSED),
        ("PUBLISHED", {"listingStatus": "INACTIVE"}, ListingState.SUPPRESSED),
        ("PUBLISHED", {"listingStatus": "EBAY_ENDED"}, ListingState.SUPPRESSED),
        ("UNPUBLISHED", {"listingStatus": "ENDED"}, ListingState.ENDED),
        ("UNPUBLISHED", {"listingStatus": "NOT_LISTED"}, ListingState.ACCEPTED),
        ("UNPUBLISHED", None, ListingState.ACCEPTED),
        ("PUBLISHED", {"listingStatus": "ON_ICE"}, Unrecognised("listingStatus", "ON_ICE")),
        ("ON_ICE", None, Unrecognised("offer.status", "ON_ICE")),
    ],
)
def test_every_published_word_of_a_listing_has_a_state(
    status: str, listing: dict[str, Any] | None, state: ListingState | Unrecognised
) -> None:
    offer = {"offerId": "O1", "sku": "A", "status": status, "listing": listing}
    assert read("listing", {"sku": "A", "item": {}, "offers": [offer]}).state == state


def test_an_item_without_an_offer_was_taken_and_is_not_listed() -> None:
    assert read("listing", {"sku": "A", "item": {}, "offers": []}).state is ListingState.SUBMITTED


@pytest.mark.parametrize(
    ("value", "rate"),
    [
        (1.5, 0.015),
        ("1.5", 0.015),
        ({"value": "1.5"}, 0.015),
        ({"value": 1.5, "numerator": 3}, 0.015),
        (None, None),
        ({}, None),
    ],
)
def test_a_rate_is_read_however_it_is_written(value: object, rate: float | None) -> None:
    metric = {"metricKey": "DEFECTIVE_TRANSACTION_RATE", "type": "RATE", "value": value}
    told = {
        "program": "PROGRAM_DE",
        "standardsLevel": "BELOW_STANDARD",
        "cycle": {"cycleType": "CURRENT"},
        "metrics": [metric, {"metricKey": "MIN_DAYS_ON_SITE", "type": "NUMBER", "value": 90}],
    }
    seen = read("account-health", told)
    assert [one.rate for one in seen.measures] == ([] if rate is None else [rate])
    assert seen.at_risk


# -- nothing makes a reader fall over ------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)
WHOLE = {
    "channel-order": order(),
    "channel-statement-line": {"part": "", "transaction": transaction()},
    "channel-refund": transaction(transactionType="REFUND", bookingEntry="DEBIT"),
    "channel-statement": {"payoutId": "P", "payoutStatus": "SUCCEEDED", "amount": euro("1"), "payoutDate": "2026-11-02T09:00Z"},
    "channel-return": {"returnId": "5", "orderId": "1", "state": "CLOSED", "creationInfo": {"creationDate": {"value": "2026-11-02T09:00Z"}}},
    "cancellation": {"cancelId": "5", "legacyOrderId": "1", "cancelStatus": "CANCEL_REJECTED", "cancelRequestDate": {"value": "2026-11-02T09:00Z"}},
    "dispute": {"paymentDisputeId": "5", "orderId": "1", "paymentDisputeStatus": "OPEN", "openDate": "2026-11-02T09:00Z", "amount": euro("1")},
    "listing": {"sku": "A", "item": {}, "offers": [{"offerId": "1", "sku": "A", "status": "PUBLISHED", "listing": {}}]},
    "account-health": {"program": "P", "standardsLevel": "TOP_RATED", "cycle": {"cycleType": "CURRENT"}, "metrics": []},
    "hint": {"metadata": {"topic": "T"}, "notification": {"notificationId": "n", "data": {"orderId": "1"}}},
}  # fmt: skip


def test_the_whole_records_are_understood() -> None:
    assert set(WHOLE) == set(TRANSLATORS)
    for kind, record in WHOLE.items():
        assert not isinstance(read(kind, record), Malformed | Unrecognised), kind


@st.composite
def spoilt(draw: st.DrawFn) -> tuple[str, bytes]:
    """A good record with one member, anywhere, replaced by anything."""
    kind = draw(st.sampled_from(sorted(WHOLE)))
    record: Any = msgspec.json.decode(msgspec.json.encode(WHOLE[kind]))
    here = record
    while True:
        key = draw(st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here))))
        below = here[key]
        if not (isinstance(below, dict | list) and below and draw(st.booleans())):
            here[key] = draw(json_values)
            return kind, msgspec.json.encode(record)
        here = below


@settings(max_examples=120, deadline=None)
@given(told=spoilt())
def test_no_record_with_one_thing_wrong_makes_a_reader_fall_over(told: tuple[str, bytes]) -> None:
    kind, body = told
    TRANSLATORS[kind](body)


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(sorted(TRANSLATORS)), body=st.binary(max_size=60) | json_values.map(msgspec.json.encode))
def test_no_bytes_at_all_make_a_reader_fall_over(kind: str, body: bytes) -> None:
    seen = TRANSLATORS[kind](body)
    assert isinstance(seen, Malformed | Unrecognised)


@settings(max_examples=60, deadline=None)
@given(told=spoilt())
def test_no_record_makes_a_page_fall_over(told: tuple[str, bytes]) -> None:
    kind, body = told
    records = Records(MANIFEST.flows, "ebay-de")
    if kind in records.by_kind:
        (one,) = records.split(kind, [msgspec.Raw(body)])
        assert one.kind in (kind, MALFORMED)
