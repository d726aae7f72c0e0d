"""Walmart's records in our words: every published status, every spelling, and whatever else may come."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from connectors.totality import Reader, Totality, samples_of
from connectors.walmart.walmart_market import WalmartMarket, product

from entrepot.connectors.port import Malformed, Translator
from entrepot.connectors.reading import encoded
from entrepot.connectors.walmart import health, translate
from entrepot.connectors.walmart.connector import MANIFEST
from entrepot.kernel.outcome import Unrecognised
from entrepot.trade.listing.model import HealthSeen, ListingSeen, Measure, SubmissionSeen
from entrepot.trade.listing.states import ListingState, SubmissionState
from entrepot.trade.order.model import ChannelRefundSeen, OrderSeen, ReturnSeen
from entrepot.trade.order.states import LegState, LineState


def units(amount: int = 1) -> dict[str, str]:
    return {"unitOfMeasurement": "EACH", "amount": str(amount)}


def status(word: str, amount: int = 1, tracking: str = "") -> dict[str, Any]:
    shown: dict[str, Any] = {"status": word, "statusQuantity": units(amount)}
    if tracking:
        shown["trackingInfo"] = {"trackingNumber": tracking, "carrierName": {"carrier": "UPS"}}
    return shown


def charge(kind: str, amount: str, tax: str | None = None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "chargeType": kind,
        "chargeName": kind.title(),
        "chargeAmount": {"currency": "USD", "amount": Decimal(amount)},
    }
    if tax is not None:
        shown["tax"] = {"taxName": "Tax1", "taxAmount": {"currency": "USD", "amount": Decimal(tax)}}
    return shown


def line(*statuses: dict[str, Any], quantity: int = 1, number: str = "1", **more: Any) -> dict[str, Any]:
    return {
        "lineNumber": number,
        "item": {"productName": "Sea atlas", "sku": "ATLAS"},
        "charges": {"charge": [charge("PRODUCT", "20.00", "1.65"), charge("SHIPPING", "3.50", "0.29")]},
        "orderLineQuantity": units(quantity),
        "statusDate": 1793620800000,
        "orderLineStatuses": {"orderLineStatus": list(statuses) or [status("Created", quantity)]},
        **more,
    }


def record(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "purchaseOrderId": "1796277083022",
        "customerOrderId": "5281956426648",
        "orderDate": 1793613600000,
        "shippingInfo": {"estimatedShipDate": 1793786400000, "estimatedDeliveryDate": 1794045600000},
        "orderLines": {"orderLine": list(lines) or [line()]},
        "shipNode": {"type": "SellerFulfilled"},
        "mart": "WALMART_US",
        **more,
    }


def order(*lines: dict[str, Any], **more: Any) -> Any:
    return translate.order(encoded(record(*lines, **more)))


def test_an_order_is_read_with_all_its_parts() -> None:
    seen = order(line(status("Acknowledged", 2), quantity=2))
    assert isinstance(seen, OrderSeen)
    assert (seen.order_id, seen.commercial_id, seen.currency) == ("1796277083022", "5281956426648", "USD")
    assert seen.total_minor == 2_000 + 350 + 194
    assert seen.created_at == datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
    assert seen.updated_at == datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
    assert seen.ship_due_at == datetime(2026, 11, 4, 10, 0, tzinfo=UTC)
    assert seen.deliver_due_at == datetime(2026, 11, 7, 10, 0, tzinfo=UTC)
    assert (seen.market, seen.state) == ("WALMART_US", LegState.TO_SHIP)


LINES: Mapping[str, tuple[LineState, LegState]] = {
    "Created": (LineState.AWAITING_ACCEPTANCE, LegState.AWAITING_ACCEPTANCE),
    "Acknowledged": (LineState.TO_SHIP, LegState.TO_SHIP),
    "Shipped": (LineState.SHIPPED, LegState.SHIPPED),
    "Delivered": (LineState.DELIVERED, LegState.DELIVERED),
    "Cancelled": (LineState.CANCELLED, LegState.CANCELLED),
    "Refund": (LineState.REFUNDED, LegState.CLOSED),
}


@pytest.mark.parametrize(("word", "states"), sorted(LINES.items()))
@pytest.mark.parametrize("spelling", [str, str.upper])
def test_every_status_is_known_in_both_its_spellings(word: str, states: tuple[Any, Any], spelling: Any) -> None:
    seen = order(line(status(spelling(word))))
    assert (seen.lines[0].state, seen.state) == states


@pytest.mark.parametrize("word", ["ON_ICE", "shipped", "", "Shipped ", "Returned"])
def test_a_status_nobody_published_is_never_good_news(word: str) -> None:
    seen = order(line(status(word)), line(status("Shipped"), number="2"))
    assert seen.lines[0].state == Unrecognised("orderLineStatus.status", word)
    assert seen.state == Unrecognised("orderLineStatus.status", word)
    assert seen.lines[1].state is LineState.SHIPPED


@pytest.mark.parametrize(
    ("statuses", "quantity", "counted", "leg"),
    [
        ([("Shipped", 1), ("Cancelled", 1)], 2, (1, 1), LegState.SHIPPED),
        ([("Acknowledged", 1), ("Shipped", 1)], 2, (1, 0), LegState.PART_SHIPPED),
        ([("Created", 1), ("Cancelled", 1)], 2, (0, 1), LegState.AWAITING_ACCEPTANCE),
        ([("Shipped", 1), ("Delivered", 1)], 2, (2, 0), LegState.SHIPPED),
        ([("Delivered", 1), ("Refund", 1)], 2, (2, 0), LegState.DELIVERED),
        ([("Shipped", 1), ("Refund", 1)], 1, (1, 0), LegState.SHIPPED),
        ([("Shipped", 1), ("Shipped", 1)], 2, (2, 0), LegState.SHIPPED),
    ],
)
def test_units_of_a_line_are_counted_by_status(
    statuses: list[tuple[str, int]], quantity: int, counted: tuple[int, int], leg: LegState
) -> None:
    seen = order(line(*(status(word, n) for word, n in statuses), quantity=quantity))
    assert (seen.lines[0].shipped_qty, seen.lines[0].cancelled_qty) == counted
    assert seen.state is leg


def test_one_line_sent_and_one_waiting_is_part_shipped_whatever_it_waits_for() -> None:
    for word in ("Created", "Acknowledged"):
        assert order(line(status("Shipped")), line(status(word), number="2")).state is LegState.PART_SHIPPED


@pytest.mark.parametrize(
    ("word", "ours"), [("SellerFulfilled", "seller"), ("3PLFulfilled", "seller"), ("WFSFulfilled", "marketplace")]
)
def test_who_fulfils_is_known(word: str, ours: str) -> None:
    assert order(shipNode={"type": word}).fulfilled_by == ours


def test_who_fulfils_is_never_guessed() -> None:
    assert order(shipNode={"type": "Drone"}) == Unrecognised("shipNode.type", "Drone")
    assert order(shipNode=None).fulfilled_by == "seller"


@pytest.mark.parametrize(
    ("said", "asked"),
    [("TRUE", True), (True, True), ("2026-11-02", True), (None, False), ("false", False), (False, False)],
)
def test_a_wish_to_cancel_is_heard(said: Any, asked: bool) -> None:
    assert order(line(intentToCancel=said)).cancel_asked is asked


@pytest.mark.parametrize(
    "at", [1793613600000, "1793613600000", "2026-11-02T10:00:00Z", "2026-11-02T10:00:00.000+00:00"]
)
def test_an_instant_is_read_however_it_is_written(at: Any) -> None:
    assert order(orderDate=at).created_at == datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"purchaseOrderId": None}, "$.purchaseOrderId"),
        ({"orderLines": {"orderLine": []}}, "$.orderLines.orderLine"),
        ({"orderLines": {}}, "$.orderLines"),
        ({"orderLines": None}, "$.orderLines"),
        ({"orderDate": "2026-11-02T10:00:00"}, "$.orderDate"),
        ({"orderDate": "yesterday"}, "$.orderDate"),
        ({"orderDate": 10**30}, "$.orderDate"),
        ({"shippingInfo": {"estimatedShipDate": "soon"}}, "$.shippingInfo.estimatedShipDate"),
    ],
)
def test_a_field_that_is_missing_or_of_another_kind_is_named(changed: dict[str, Any], where: str) -> None:
    seen = order(**changed)
    assert isinstance(seen, Malformed)
    assert seen.where == where


@pytest.mark.parametrize(
    "bad",
    [
        line(quantity=0),
        line(status("Created", 2), quantity=1),
        line(status("Created", -1)),
        line(orderLineStatuses={"orderLineStatus": []}),
        line(orderLineStatuses={"orderLineStatus": [{"status": "Created", "statusQuantity": {"amount": "many"}}]}),
        line(charges={"charge": []}),
        line(charges={"charge": [charge("PRODUCT", "-1")]}),
        line(charges={"charge": [charge("PRODUCT", "1.999")]}),
        line(item={"sku": None}),
    ],
)
def test_a_line_that_cannot_be_is_malformed(bad: dict[str, Any]) -> None:
    assert isinstance(order(bad), Malformed)


def test_a_charge_that_is_neither_price_nor_shipping_is_shown_to_a_person() -> None:
    bad = line(charges={"charge": [charge("PRODUCT", "1"), charge("HANDLING", "1")]})
    assert order(bad) == Unrecognised("chargeType", "HANDLING")


def test_two_currencies_in_one_order_are_not_added() -> None:
    other = charge("PRODUCT", "1")
    other["chargeAmount"]["currency"] = "CAD"
    assert isinstance(order(line(charges={"charge": [charge("PRODUCT", "1"), other]})), Malformed)


def refund(**changed: Any) -> Any:
    charges = [{"refundReason": "BillingError", "charge": charge("PRODUCT", "-19.99", "-1.01")}]
    whole = {
        "purchaseOrderId": "1",
        "customerOrderId": "2",
        "lineNumber": "1",
        "number": 0,
        "at": 1793613600000,
        "refund": {"refundId": "R-9", "refundComments": None, "refundCharges": {"refundCharge": charges}, **changed},
    }
    return translate.refund(encoded(whole))


def test_a_refund_is_what_the_buyer_got_with_its_tax() -> None:
    seen = refund()
    assert isinstance(seen, ChannelRefundSeen)
    assert (seen.refund_id, seen.amount_minor, seen.by, seen.reason) == ("R-9", 2_100, "channel", "BillingError")
    assert refund(refundId=None).refund_id == "1-1-0"
    assert refund(refundComments="entrepot R-1").by == "seller"
    assert refund(refundComments="sorry").by == "channel"


@pytest.mark.parametrize(
    "changed",
    [
        {"refundCharges": None},
        {"refundCharges": {"refundCharge": []}},
        {"refundCharges": {"refundCharge": [{"refundReason": "Others", "charge": charge("PRODUCT", "5.00")}]}},
    ],
)
def test_a_refund_of_nothing_or_less_is_malformed(changed: dict[str, Any]) -> None:
    assert isinstance(refund(**changed), Malformed)


def returned(*lines: dict[str, Any], **more: Any) -> Any:
    whole = {
        "returnOrderId": "R-1",
        "customerOrderId": "C-1",
        "returnOrderDate": "2026-11-02T10:00:00.000Z",
        "returnOrderLines": list(lines) or [back("INITIATED")],
        **more,
    }
    return translate.return_order(encoded(whole))


def back(word: str, *tags: str, **more: Any) -> dict[str, Any]:
    return {
        "returnOrderLineNumber": 1,
        "purchaseOrderId": "1",
        "purchaseOrderLineNumber": 2,
        "quantity": {"unitOfMeasure": "EACH", "measurementValue": Decimal("1.0")},
        "status": word,
        "statusTime": "2026-11-03T10:00:00.000Z",
        "returnReason": "Defective",
        "returnTrackingDetail": [{"eventTag": tag} for tag in tags],
        **more,
    }


@pytest.mark.parametrize(
    ("line_", "ours"),
    [
        (back("INITIATED", "RETURN_INITIATED"), "requested"),
        (back("INITIATED", "RETURN_INITIATED", "RETURN_IN_TRANSIT"), "in-transit"),
        (back("DELIVERED", "DELIVERED_AT_RETURN_CENTER"), "received"),
        (back("COMPLETED", "REFUND_INITIATED", "REFUND_ISSUED"), "refunded"),
        (back("COMPLETED", "INTRANSIT_AFTER_INVOICE"), "refunded"),
        (back("COMPLETED", "DELIVERED_AFTER_INVOICE"), "refunded"),
        (back("COMPLETED", "RETURN_CANCELLED"), "cancelled"),
        (back("COMPLETED"), "refunded"),
    ],
)
def test_every_status_of_a_return_is_known(line_: dict[str, Any], ours: str) -> None:
    seen = returned(line_)
    assert isinstance(seen, ReturnSeen)
    assert (seen.state, seen.lines, seen.order_id) == (ours, {"2": 1}, "1")
    assert seen.updated_at == datetime(2026, 11, 3, 10, 0, tzinfo=UTC)


def test_a_return_is_as_far_as_the_last_of_its_lines() -> None:
    assert returned(back("COMPLETED"), back("INITIATED")).state == "requested"
    assert returned(back("COMPLETED"), back("COMPLETED", "RETURN_CANCELLED")).state == "refunded"


def test_a_return_in_a_state_nobody_published_is_shown_to_a_person() -> None:
    assert returned(back("LOST")).state == Unrecognised("returnOrderLine.status", "LOST")


def test_a_return_of_two_of_our_orders_belongs_to_nobody_alone() -> None:
    assert isinstance(returned(back("INITIATED"), back("INITIATED", purchaseOrderId="2")), Malformed)


def item(**fields: Any) -> Any:
    return translate.item(encoded({"seenAt": "2026-11-02T10:00:00Z", "item": {"sku": "A", **fields}}))


PUBLISHED = {
    "PUBLISHED": ListingState.LIVE,
    "UNPUBLISHED": ListingState.SUPPRESSED,
    "IN_PROGRESS": ListingState.ACCEPTED,
    "SYSTEM_PROBLEM": ListingState.ISSUE,
}


@pytest.mark.parametrize(("word", "ours"), sorted(PUBLISHED.items()))
@pytest.mark.parametrize(("lifecycle", "ended"), [("ACTIVE", False), ("RETIRED", True), (None, False)])
def test_every_status_of_an_item_is_known(word: str, ours: Any, lifecycle: Any, ended: bool) -> None:
    seen = item(publishedStatus=word, lifecycleStatus=lifecycle)
    assert isinstance(seen, ListingSeen)
    assert seen.state is (ListingState.ENDED if ended else ours)
    assert (seen.price_minor, seen.quantity) == (None, None)


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"publishedStatus": "MAYBE"}, "publishedStatus"), ({"lifecycleStatus": "PAUSED"}, "lifecycleStatus")],
)
def test_an_item_in_a_state_nobody_published_is_shown_to_a_person(changed: dict[str, str], field: str) -> None:
    seen = item(**{"publishedStatus": "PUBLISHED", "lifecycleStatus": "ACTIVE", **changed})
    assert isinstance(seen, ListingSeen)
    assert seen.state == Unrecognised(field, changed[field])


@pytest.mark.parametrize("amount", ["20.50", Decimal("20.50"), Decimal("20.5")])
def test_a_price_is_read_as_text_and_as_a_number(amount: Any) -> None:
    seen = item(publishedStatus="PUBLISHED", price={"amount": amount, "currency": "USD"})
    assert isinstance(seen, ListingSeen)
    assert seen.price_minor == 2_050


def feed(word: str, *items: dict[str, Any]) -> Any:
    head = {"feedId": "F", "feedStatus": word, "feedType": "MP_ITEM", "modifiedDtm": 1793613600000, "itemsReceived": 2}
    return translate.submission(encoded({"feed": head, "items": list(items), "ingestionErrors": None}))


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("RECEIVED", SubmissionState.TAKEN),
        ("INPROGRESS", SubmissionState.WORKING),
        ("PROCESSED", SubmissionState.DONE),
        ("ERROR", SubmissionState.FAILED),
        ("STUCK", Unrecognised("feedStatus", "STUCK")),
    ],
)
def test_every_status_of_a_feed_is_known(word: str, ours: Any) -> None:
    assert feed(word).state == ours


@pytest.mark.parametrize("word", ["DATA_ERROR", "SYSTEM_ERROR", "TIMEOUT_ERROR"])
def test_a_feed_that_is_done_may_hold_items_that_were_rejected(word: str) -> None:
    why = {"ingestionError": [{"type": word, "code": "ERR_1", "description": "no image"}]}
    good = {"sku": "A", "ingestionStatus": "SUCCESS"}
    seen = feed("PROCESSED", good, {"sku": "B", "ingestionStatus": word, "ingestionErrors": why})
    assert isinstance(seen, SubmissionSeen)
    assert seen.state is SubmissionState.DONE
    assert [(one.key, one.accepted, one.code, one.message) for one in seen.results] == [
        ("A", True, "", ""),
        ("B", False, "ERR_1", "no image"),
    ]
    assert seen.rejected == 1


def test_an_item_still_in_work_has_no_result_and_a_strange_one_decides_nothing() -> None:
    assert feed("INPROGRESS", {"sku": "A", "ingestionStatus": "INPROGRESS"}).results == ()
    assert feed("PROCESSED", {"sku": "A", "ingestionStatus": "HALF"}) == Unrecognised("ingestionStatus", "HALF")
    assert isinstance(feed("PROCESSED", {"sku": None, "ingestionStatus": "SUCCESS"}), Malformed)


RATES = {
    "ots": 100,
    "otd": Decimal("99.82"),
    "vtr": Decimal("98.27"),
    "cancellationSellerFault": Decimal("0.22"),
    "refundRateSellerFault": 7,
}


@pytest.mark.parametrize("wrapped", [True, False])
def test_rates_are_read_as_shares_and_held_against_the_published_standards(wrapped: bool) -> None:
    windows = {"30DAY": RATES, "7DAY": {"ots": 0}}
    report = {"partnerId": "1", **({"payload": windows} if wrapped else windows)}
    seen = health.reader(MANIFEST.limits)(encoded({"on": "2026-11-02", "account": "walmart/x", "report": report}))
    assert isinstance(seen, HealthSeen)
    assert seen.measured_at == datetime(2026, 11, 2, tzinfo=UTC)
    assert {one.name: one for one in seen.measures} == {
        "cancellations": Measure("cancellations", 0.0022, "cancellationSellerFault", 0.02, True),
        "on-time-shipment": Measure("on-time-shipment", 1.0, "ots", None, False),
        "on-time-delivery": Measure("on-time-delivery", 0.9982, "otd", 0.9, False),
        "valid-tracking": Measure("valid-tracking", 0.9827, "vtr", 0.99, False),
        "refunds": Measure("refunds", 0.07, "refundRateSellerFault", 0.06, True),
    }
    assert seen.at_risk


# ── totality ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _recorded() -> tuple[Mapping[str, Translator], dict[str, bytes]]:
    market = WalmartMarket()
    order_id = market.shipped()
    market.portal.refund(order_id, "1", 500)
    market.portal.open_return(order_id, [("2", 1)], "Defective")
    market.portal.suppress("CHART", "E", "no image", "mainImageUrl")
    market.send("walmart.submit-item", product(images=[]))
    market.move(minutes=10)
    market.portal.close_period()
    sweeps = {name: market.sweep(name).records for name in market.channel.sources}
    hint = market.channel.webhook.split(market.webhooks[0].body) if market.channel.webhook else ()
    return market.channel.translators, samples_of({**sweeps, "hint": list(hint)})


TRANSLATORS, SAMPLES = _recorded()
KINDS = sorted(SAMPLES)


def test_there_is_a_sample_of_every_kind() -> None:
    assert set(KINDS) == set(TRANSLATORS) == set(MANIFEST.flows)


class TestWhateverComes(Totality):
    samples = SAMPLES

    @staticmethod
    def reader_of(name: str) -> Reader:
        return TRANSLATORS[name]
