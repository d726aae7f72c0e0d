"""Amazon's words in ours: each documented one, money to the cent, and nothing that could stop a page."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from connectors.amazon import samples
from connectors.amazon.samples import SAMPLES, issue, package
from connectors.totality import Reader, Totality
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.connectors.amazon.connector import TRANSLATORS
from entrepot.connectors.amazon.feed_xml import Node, envelope, message_number, report
from entrepot.connectors.amazon.settlement_words import line_type
from entrepot.connectors.amazon.settlements import amount_minor, moment
from entrepot.connectors.port import Malformed
from entrepot.connectors.reading import Unreadable, canonical
from entrepot.kernel.outcome import Unrecognised
from entrepot.money.settlement.model import CycleSeen, LineType, StatementLineSeen
from entrepot.trade.listing.model import HealthSeen, ListingSeen, SubmissionSeen
from entrepot.trade.listing.states import ListingState, SubmissionState
from entrepot.trade.order.model import ChannelRefundSeen, Hint, OrderSeen
from entrepot.trade.order.states import LegState

KINDS = sorted(SAMPLES)
SEEN = (OrderSeen, ListingSeen, SubmissionSeen, ChannelRefundSeen, CycleSeen, StatementLineSeen, HealthSeen, Hint)
ANSWERS = (*SEEN, Malformed, Unrecognised)


def read(kind: str, record: Any) -> Any:
    return TRANSLATORS[kind.replace("old-order", "channel-order")](json.dumps(record).encode())


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────

NEW_WORDS = {
    "PENDING_AVAILABILITY": LegState.ON_HOLD,
    "PENDING": LegState.ON_HOLD,
    "UNSHIPPED": LegState.TO_SHIP,
    "PARTIALLY_SHIPPED": LegState.PART_SHIPPED,
    "SHIPPED": LegState.SHIPPED,
    "CANCELLED": LegState.CANCELLED,
    "UNFULFILLABLE": LegState.CANCELLED,
}
OLD_WORDS = {
    "PendingAvailability": LegState.ON_HOLD,
    "Pending": LegState.ON_HOLD,
    "Unshipped": LegState.TO_SHIP,
    "PartiallyShipped": LegState.PART_SHIPPED,
    "Shipped": LegState.SHIPPED,
    "InvoiceUnconfirmed": LegState.SHIPPED,
    "Canceled": LegState.CANCELLED,
    "Unfulfillable": LegState.CANCELLED,
}


@pytest.mark.parametrize(("word", "state"), NEW_WORDS.items())
def test_every_status_of_an_order_since_2026_is_one_of_ours(word: str, state: LegState) -> None:
    seen = read("channel-order", samples.order(fulfillment={"fulfillmentStatus": word}))
    assert (seen.state, seen.their_state) == (state, word)


@pytest.mark.parametrize(("word", "state"), OLD_WORDS.items())
def test_every_status_of_an_order_of_v0_is_one_of_ours(word: str, state: LegState) -> None:
    seen = read("old-order", samples.old_order(OrderStatus=word))
    assert (seen.state, seen.their_state) == (state, word)


@pytest.mark.parametrize("word", ["unshipped", "ON_ICE", "", "Shipped "])
def test_a_status_nobody_published_is_seen_by_a_person(word: str) -> None:
    seen = read("channel-order", samples.order(fulfillment={"fulfillmentStatus": word}))
    assert seen.state == Unrecognised("order_status", word)
    assert seen.lines[0].state == Unrecognised("order_status", word)


def test_an_order_says_what_it_costs_with_the_discount_off_and_the_tax_inside() -> None:
    seen = read("channel-order", samples.order())
    assert (seen.lines[0].price_minor, seen.lines[0].shipping_minor, seen.lines[0].tax_minor) == (3_898, 999, 0)
    assert seen.total_minor == 4_897


def test_a_tax_that_the_total_holds_on_top_is_on_top() -> None:
    seen = read("channel-order", samples.order(proceeds={"grandTotal": samples.money("56.79")}))
    assert seen.lines[0].tax_minor == 782
    assert seen.total_minor == 5_679


def test_an_order_of_v0_says_the_same_in_its_own_fields() -> None:
    seen = read("old-order", samples.old_order())
    assert (seen.lines[0].price_minor, seen.lines[0].shipping_minor, seen.lines[0].tax_minor) == (1_800, 300, 210)
    assert (seen.total_minor, seen.currency) == (2_310, "USD")


def test_a_pending_order_without_any_amount_is_in_the_currency_of_its_marketplace() -> None:
    item = {"orderItemId": "1", "quantityOrdered": 1, "product": {"sellerSku": "X"}}
    seen = read("channel-order", samples.order(proceeds=None, orderItems=[item]))
    assert (seen.currency, seen.total_minor) == ("EUR", 0)


def test_amounts_in_two_currencies_are_no_order() -> None:
    record = samples.order(proceeds={"grandTotal": samples.money("1.00", "USD")})
    assert isinstance(read("channel-order", record), Malformed)


def test_an_order_is_delivered_when_every_parcel_is_and_together_they_hold_all() -> None:
    done = {"fulfillmentStatus": "SHIPPED"}
    assert read("channel-order", samples.order(fulfillment=done, packages=[package()])).state is LegState.DELIVERED
    for packages in ([], [package(quantity=1)], [package("IN_TRANSIT")], [package(), package("UNDELIVERABLE")]):
        assert read("channel-order", samples.order(fulfillment=done, packages=packages)).state is LegState.SHIPPED


def test_a_parcel_in_a_state_nobody_published_makes_the_order_unclear() -> None:
    seen = read("channel-order", samples.order(packages=[package("ON_ICE")]))
    assert seen == Unrecognised("packages[0].packageStatus.status", "ON_ICE")


def test_a_part_of_a_price_nobody_published_makes_the_order_unclear() -> None:
    record = samples.order()
    record["orderItems"][0]["proceeds"]["breakdowns"][0]["type"] = "SURPRISE"
    assert read("channel-order", record) == Unrecognised("proceeds.breakdowns.type", "SURPRISE")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"createdTime": 1569521782042}, "$.createdTime"),
        ({"createdTime": "1.569521782042E9"}, "$.createdTime"),
        ({"lastUpdatedTime": "2026-11-02T09:00:00"}, "$.lastUpdatedTime"),
        ({"salesChannel": {}}, "$.salesChannel"),
        ({"fulfillment": {}}, "$.fulfillment"),
        ({"orderItems": [{}]}, "$.orderItems[0]"),
        ({"orderItems": None}, "$.orderItems"),
    ],
)
def test_what_an_order_cannot_be_without_is_named_with_its_place(change: dict[str, Any], where: str) -> None:
    seen = read("channel-order", samples.order(**change))
    assert isinstance(seen, Malformed)
    assert seen.where.replace("[...]", "[0]").startswith(where)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b"", b"1.569521782042E9", b'{"order":{},"items":[]}'])
def test_an_empty_record_is_malformed(body: bytes) -> None:
    for reader in TRANSLATORS.values():
        assert isinstance(reader(body), Malformed | Unrecognised)


# ── listings, feeds, health, hints ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "issues", "state"),
    [
        (["BUYABLE", "DISCOVERABLE"], [], ListingState.LIVE),
        (["BUYABLE"], [issue("WARNING")], ListingState.LIVE),
        (["DISCOVERABLE"], [], ListingState.ACCEPTED),
        ([], [], ListingState.ACCEPTED),
        ([], [issue()], ListingState.ISSUE),
        (["DISCOVERABLE"], [issue()], ListingState.ISSUE),
        ([], [issue("NEW_WORD")], ListingState.ISSUE),
        (["BUYABLE"], [issue("ERROR", "SEARCH_SUPPRESSED")], ListingState.SUPPRESSED),
        (["BUYABLE"], [issue("ERROR", "SEARCH_SUPPRESSED", "EXEMPT")], ListingState.LIVE),
        (["BUYABLE"], [issue("ERROR", "ATTRIBUTE_SUPPRESSED")], ListingState.LIVE),
        ([], [issue("WARNING", "CATALOG_ITEM_REMOVED")], ListingState.SUPPRESSED),
    ],
)
def test_what_a_listing_is_follows_from_its_status_and_its_issues(
    status: list[str], issues: list[dict[str, Any]], state: ListingState
) -> None:
    record = samples.listing(issues=issues)
    record["summaries"][0]["status"] = status
    assert read("listing", record).state is state


def test_a_status_of_a_listing_nobody_published_is_seen_by_a_person() -> None:
    record = samples.listing()
    record["summaries"][0]["status"] = ["BUYABLE", "ON_ICE"]
    assert read("listing", record) == Unrecognised("summaries.status", "ON_ICE")


def test_a_listing_without_a_summary_is_told_by_the_day_it_was_seen() -> None:
    record = samples.listing(summaries=[], offers=[], issues=[issue()])
    assert isinstance(read("listing", record), Malformed)
    seen = read("listing", {**record, "seen_on": "2026-11-02T00:00:00Z"})
    assert (seen.state, seen.price_minor, seen.product_type) == (ListingState.ISSUE, None, "BOOK")
    assert (seen.issues[0].attribute, seen.issues[0].severity) == ("item_name", "error")


def test_what_lies_in_their_warehouse_is_not_our_stock() -> None:
    record = samples.listing(fulfillmentAvailability=[{"fulfillmentChannelCode": "AMAZON_EU", "quantity": 9}])
    assert read("listing", record).quantity is None


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("IN_QUEUE", SubmissionState.TAKEN),
        ("IN_PROGRESS", SubmissionState.WORKING),
        ("DONE", SubmissionState.DONE),
        ("FATAL", SubmissionState.FAILED),
        ("CANCELLED", SubmissionState.FAILED),
        ("ON_ICE", Unrecognised("processingStatus", "ON_ICE")),
    ],
)
def test_every_status_of_a_feed_is_one_of_ours(word: str, state: Any) -> None:
    assert read("submission", samples.feed(processingStatus=word)).state == state


def test_done_may_hold_what_was_rejected_and_says_of_whom() -> None:
    seen = read("submission", samples.feed())
    assert (seen.items, seen.rejected) == (2, 1)
    assert [(one.key, one.accepted, one.code, one.message) for one in seen.results] == [
        ("902-1845936-5435065", False, "18028", "Too much & too late")
    ]


def test_done_but_not_complete_means_that_nothing_was_applied() -> None:
    record = samples.feed()
    record["report"] = record["report"].replace("Complete", "Rejected")
    assert read("submission", record).state is SubmissionState.FAILED


def test_the_report_of_a_feed_of_listings_is_read_as_json() -> None:
    record = samples.feed(feedType="JSON_LISTINGS_FEED")
    told = {"messageId": 3, "code": "4000", "severity": "ERROR", "message": "no", "attributeName": "brand"}
    summary = {"errors": 1, "warnings": 0, "messagesProcessed": 5, "messagesAccepted": 4, "messagesInvalid": 1}
    record["report"] = json.dumps({"header": {}, "summary": summary, "issues": [told]})
    seen = read("submission", record)
    assert (seen.items, seen.rejected, seen.results[0].key, seen.results[0].attribute) == (5, 1, "3", "brand")


BOMB = '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'


@pytest.mark.parametrize(
    "text", [BOMB, "<a>" * 100, "<a><b></a>", "", "no xml", '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>']
)
def test_a_report_that_is_a_trap_is_malformed(text: str) -> None:
    assert isinstance(read("submission", {**samples.feed(), "report": text}), Malformed)


def test_a_message_is_found_again_by_its_number_and_its_content_is_escaped() -> None:
    number = message_number("prod/refund/R-1")
    assert number == message_number("prod/refund/R-1") != message_number("prod/refund/R-2")
    body = envelope("A&B", "OrderAdjustment", number, Node("OrderAdjustment", text="<&>", attributes={"currency": '"'}))
    assert f"<MessageID>{number}</MessageID>".encode() in body
    assert b"A&amp;B" in body
    assert b'currency="&quot;">&lt;&amp;&gt;</OrderAdjustment>' in body
    with pytest.raises(Unreadable):
        report(body)


@pytest.mark.parametrize(("standing", "risk"), [("NORMAL", False), ("AT_RISK", True), ("DEACTIVATED", True)])
def test_an_account_that_is_not_normal_is_at_risk(standing: str, risk: bool) -> None:
    record = samples.health()
    record["report"]["accountStatuses"][0]["status"] = standing
    seen = read("account-health", record)
    assert (seen.standing, seen.at_risk) == (standing, risk)


def test_measures_are_told_whether_they_come_as_a_list_or_as_one() -> None:
    record = samples.health()
    listed = read("account-health", record)
    record["report"]["performanceMetrics"] = record["report"]["performanceMetrics"][0]
    assert read("account-health", record) == listed
    assert [one.name for one in listed.measures] == [
        "late-shipments",
        "on-time-delivery",
        "orderDefectRate.afn",
        "defects",
        "cancellations",
        "valid-tracking",
    ]


def test_a_condition_nobody_published_makes_the_report_unclear() -> None:
    broken = {"rate": 1, "targetValue": 2, "targetCondition": "ABOUT"}
    seen = read("account-health", samples.health(lateShipmentRate=broken))
    assert seen == Unrecognised("lateShipmentRate.targetCondition", "ABOUT")


def test_a_notification_nobody_published_is_seen_by_a_person() -> None:
    assert read("hint", {"notification": "SURPRISE"}) == Unrecognised("notificationType", "SURPRISE")
    assert read("hint", samples.hint()) == Hint("order", "902-1845936-5435065")


# ── money ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "by"), [("Refund", "seller"), ("GuaranteeClaim", "channel"), ("Chargeback", "channel")]
)
def test_money_given_back_says_by_whom_and_how_much_the_buyer_got(kind: str, by: str) -> None:
    seen = read("channel-refund", samples.transaction(transactionType=kind))
    assert (seen.refund_id, seen.by, seen.amount_minor, seen.currency) == ("rf-1", by, 500, "EUR")


def test_a_transaction_of_a_type_or_status_nobody_published_is_seen_by_a_person() -> None:
    for change in ({"transactionType": "Surprise"}, {"transactionStatus": "ON_ICE"}):
        assert isinstance(read("channel-refund", samples.transaction(**change)), Unrecognised)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("Order", "ItemPrice", "Principal"), LineType.ORDER_AMOUNT),
        (("order", "ITEMPRICE", "principal"), LineType.ORDER_AMOUNT),
        (("Order", "ItemPrice", "Shipping"), LineType.ORDER_SHIPPING_AMOUNT),
        (("Order", "Promotion", "Shipping"), LineType.ORDER_SHIPPING_AMOUNT),
        (("Order", "Shipment-Fees", "Shipping"), LineType.UNRECOGNISED),
        (("Order", "ItemFees", "Commission"), LineType.COMMISSION_FEE),
        (("Refund", "ItemFees", "Commission"), LineType.REFUND_COMMISSION_FEE),
        (("Refund", "ItemFees", "RefundCommission"), LineType.SELLER_FEE_ON_ORDER),
        (("A-to-z Guarantee Refund", "ItemPrice", "Principal"), LineType.REFUND_ORDER_AMOUNT),
        (("Chargeback Refund", "ItemPrice", "Tax"), LineType.REFUND_ORDER_AMOUNT_TAX),
        (("other-transaction", "other-transaction", "Current Reserve Amount"), LineType.RESERVE_FUNDING),
        (("other-transaction", "other-transaction", "Previous Reserve Amount Balance"), LineType.RESERVE_SETTLEMENT),
        (("ServiceFee", "Cost of Advertising", "TransactionTotalAmount"), LineType.UNRECOGNISED),
        (("Liquidations", "ItemPrice", "Principal"), LineType.UNRECOGNISED),
        (("", "", ""), LineType.UNRECOGNISED),
    ],
)
def test_a_line_is_what_its_pair_of_words_says_and_otherwise_kept(
    words: tuple[str, str, str], expected: LineType
) -> None:
    assert line_type(*words) is expected
    row = dict(zip(("transaction-type", "amount-type", "amount-description"), words, strict=True))
    seen = read("channel-statement-line", samples.line(**row))
    assert (seen.line_type, seen.type, seen.amount_minor) == (expected, "/".join(words), 1_999)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.34", "EUR", 1_234),
        ("12,34", "EUR", 1_234),
        ("-0,5", "EUR", -50),
        ("1.234,56", "EUR", 123_456),
        ("1,234.56", "USD", 123_456),
        ("1.234.567,89", "EUR", 123_456_789),
        ("1 234,56", "EUR", 123_456),
        ("1234", "JPY", 1_234),
        ("1.234", "KWD", 1_234),
    ],
)
def test_an_amount_is_read_as_its_place_writes_it(text: str, currency: str, minor: int) -> None:
    assert amount_minor(text, currency, "$") == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("1.234", "EUR"),
        ("1,234", "USD"),
        ("1.5", "JPY"),
        ("", "EUR"),
        ("NaN", "EUR"),
        ("1e5", "EUR"),
        ("(5)", "EUR"),
        ("1", "XX"),
    ],
)
def test_an_amount_that_could_be_two_things_or_none_is_refused(text: str, currency: str) -> None:
    with pytest.raises(Unreadable):
        amount_minor(text, currency, "$")


@pytest.mark.parametrize(
    ("text", "currency", "day"),
    [
        ("2026-11-02", "USD", "2026-11-02T00:00:00+00:00"),
        ("2026-11-02 09:00:00 UTC", "USD", "2026-11-02T09:00:00+00:00"),
        ("2026-11-02T09:00:00Z", "USD", "2026-11-02T09:00:00+00:00"),
        ("2026-11-02T09:00:00+01:00", "EUR", "2026-11-02T08:00:00+00:00"),
        ("02.11.2026 09:00:00 UTC", "EUR", "2026-11-02T09:00:00+00:00"),
        ("02/11/2026", "GBP", "2026-11-02T00:00:00+00:00"),
        ("11/02/2026", "USD", "2026-11-02T00:00:00+00:00"),
        ("2026/11/02 09:00:00 UTC", "JPY", "2026-11-02T09:00:00+00:00"),
    ],
)
def test_a_date_is_read_as_its_place_writes_it(text: str, currency: str, day: str) -> None:
    assert moment(text, currency, "$").isoformat() == day


@pytest.mark.parametrize("text", ["", "2026-13-01", "31/02/2026", "02.11.2026 09:00:00 PST", "yesterday", "02-11-2026"])
def test_a_date_of_no_place_we_know_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        moment(text, "EUR", "$")


def test_a_statement_says_what_they_say_and_what_our_lines_come_to() -> None:
    seen = read("channel-statement", samples.statement())
    assert (seen.external_id, seen.their_total_minor, seen.currency, seen.line_count) == (
        "12345678901",
        123_456,
        "EUR",
        3,
    )
    assert seen.summary == {"total_minor": 123_456, "lines_minor": 123_456, "unrecognised_lines": 1}


def test_a_line_in_another_currency_than_its_settlement_is_malformed() -> None:
    assert isinstance(read("channel-statement-line", samples.line(currency="USD")), Malformed)


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=300))
def test_whatever_a_report_holds_it_is_read_or_refused(body: bytes) -> None:
    for text in (body, b"<a><ProcessingReport>" + body + b"</ProcessingReport></a>"):
        try:
            report(text)
        except Unreadable:
            continue


class TestWhateverComes(Totality):
    samples: ClassVar[Mapping[str, bytes]] = {
        kind: canonical(json.dumps(sample()).encode()) for kind, sample in SAMPLES.items()
    }

    @staticmethod
    def reader_of(name: str) -> Reader:
        return TRANSLATORS[name.replace("old-order", "channel-order")]


def test_every_sample_is_read() -> None:
    assert all(not isinstance(read(kind, sample()), Malformed | Unrecognised) for kind, sample in SAMPLES.items())
