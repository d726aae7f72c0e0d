"""What else is read from Amazon: feeds, listings, money, health, notifications, against the sandbox."""

from dataclasses import replace
from typing import Any

import pytest
from connectors.amazon.house import QUEUE_ARN, AmazonMarket, all_of
from connectors.market import Sweep

from entrepot.connectors.port import ProblemCode
from entrepot.kernel.outcome import Done
from entrepot.money.settlement.model import CycleSeen, LineType, StatementLineSeen
from entrepot.sandbox.amazon import MARKETS
from entrepot.trade.listing.states import ListingState, SubmissionState
from entrepot.trade.order.model import Hint

ATLAS = (("ATLAS-1", 1),)


@pytest.fixture
def market() -> AmazonMarket:
    return AmazonMarket()


# ── feeds ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_feed_is_told_as_it_is_worked_off_and_then_with_its_results() -> None:
    market = AmazonMarket(at_once=False)
    order_id = market.shipped(("ATLAS-1", 1))
    market.move(minutes=5)
    outcome, _ = market.send("amazon.refund", market.giving_back(order_id, item_minor=99_999))
    assert isinstance(outcome, Done)
    first = market.sweep("submissions")
    assert market.seen(first.records[0]).state is SubmissionState.TAKEN
    market.move(minutes=10)
    told = market.seen(market.sweep("submissions", first.cursor).records[-1])
    assert (told.submission_id, told.state) == (outcome.receipt["submission_id"], SubmissionState.DONE)
    assert (told.items, told.rejected) == (1, 1)
    assert [(one.key, one.accepted) for one in told.results] == [(order_id, False)]
    assert told.results[0].message


def test_a_report_of_a_feed_is_fetched_once(market: AmazonMarket) -> None:
    for _ in range(3):
        market.send("amazon.cancel", market.cancellation(market.portal.place(ATLAS)))
    market.move(seconds=10)
    first = market.sweep("submissions")
    assert len(first.records) == 3
    assert market.world.calls["amazon", "getFeedDocument"] == 3
    again = market.sweep("submissions", first.cursor)
    assert again.records == []
    assert market.world.calls["amazon", "getFeedDocument"] == 3


def test_a_feed_that_is_not_over_holds_the_cursor_back() -> None:
    market = AmazonMarket(at_once=False)
    order_id = market.portal.place(ATLAS)
    market.move(minutes=5)
    market.send("amazon.cancel", market.cancellation(order_id))
    cursor, states = None, []
    for _ in range(8):
        sweep = market.sweep("submissions", cursor)
        states += [market.seen(record).state for record in sweep.records]
        cursor = sweep.cursor or cursor
        market.move(seconds=40)
    assert states[0] is SubmissionState.TAKEN
    assert SubmissionState.WORKING in states
    assert states.count(SubmissionState.DONE) == 1


def test_a_run_that_stops_between_two_reports_goes_on_with_the_second(market: AmazonMarket) -> None:
    for _ in range(3):
        market.send("amazon.cancel", market.cancellation(market.portal.place(ATLAS)))
    market.move(seconds=10)
    pages = market.channel.sources["submissions"].fetch(market.ctx, None)
    next(pages)
    first = next(pages)
    assert first.cursor is not None
    assert len(market.sweep("submissions", first.cursor).records) == 2


def test_one_feed_is_looked_up_by_its_number(market: AmazonMarket) -> None:
    outcome, _ = market.send("amazon.cancel", market.cancellation(market.portal.place(ATLAS)))
    assert isinstance(outcome, Done)
    market.move(seconds=10)
    page = market.channel.lookups["submission"].one(market.ctx, outcome.receipt["submission_id"])
    assert market.seen(page.received[0]).state is SubmissionState.DONE


# ── listings ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_listing_is_live_with_its_price_and_what_we_have_of_it(market: AmazonMarket) -> None:
    records = market.sweep("listings").records
    seen = {one.sku: one for one in (market.seen(record) for record in records)}
    assert set(seen) == {"ATLAS-1", "TIDES-1", "LAMP-1"}
    atlas = seen["ATLAS-1"]
    assert (atlas.state, atlas.price_minor, atlas.currency, atlas.quantity) == (ListingState.LIVE, 1_999, "EUR", 500)
    assert atlas.their_id.startswith("B0")
    assert {record.root for record in records} == {f"listing:{sku}" for sku in seen}


def test_a_suppressed_listing_says_why_and_of_which_attribute_and_comes_back(market: AmazonMarket) -> None:
    market.portal.suppress("ATLAS-1", "18027", "The title is too long.", "item_name")
    market.move(seconds=1)
    seen = next(one for one in map(market.seen, market.sweep("listings-with-issues").records) if one.sku == "ATLAS-1")
    assert seen.state is ListingState.SUPPRESSED
    assert (seen.issues[0].code, seen.issues[0].attribute) == ("18027", "item_name")
    market.portal.restore("ATLAS-1")
    market.move(seconds=1)
    page = market.channel.lookups["listing"].one(market.ctx, "ATLAS-1")
    assert market.seen(page.received[0]).state is ListingState.LIVE


def test_a_new_listing_is_accepted_first_and_live_later() -> None:
    market = AmazonMarket(at_once=False)
    assert isinstance(market.send("amazon.submit-listing", market.content())[0], Done)
    page = market.channel.lookups["listing"].one(market.ctx, "CHART-1")
    assert market.seen(page.received[0]).state is ListingState.ACCEPTED
    market.move(minutes=10)
    page = market.channel.lookups["listing"].one(market.ctx, "CHART-1")
    assert market.seen(page.received[0]).state is ListingState.LIVE


def test_a_listing_that_ended_is_gone(market: AmazonMarket) -> None:
    market.send("amazon.end-listing", {"sku": "TIDES-1"})
    market.move(seconds=1)
    page = market.channel.lookups["listing"].one(market.ctx, "TIDES-1")
    assert (page.received, page.problem) == ((), None)


# ── money ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("country", ["DE", "FR", "GB", "US", "JP"])
def test_a_settlement_of_any_country_adds_up_line_by_line(country: str) -> None:
    market = AmazonMarket(MARKETS[country])
    order_id = market.shipped(("ATLAS-1", 2), ("LAMP-1", 1))
    market.move(days=8)
    market.send("amazon.refund", market.giving_back(order_id, item_minor=500))
    market.move(days=8)
    market.portal.close_period()
    market.move(minutes=5)
    records, _ = all_of(market, "settlements")
    seen = [market.seen(record) for record in records]
    cycles = [one for one in seen if isinstance(one, CycleSeen)]
    lines = [one for one in seen if isinstance(one, StatementLineSeen)]
    assert cycles
    assert len(cycles) + len(lines) == len(seen)
    for cycle in cycles:
        own = [line for line in lines if line.cycle_id == cycle.external_id]
        assert len(own) == cycle.line_count
        assert sum(line.amount_minor for line in own) == cycle.their_total_minor == cycle.summary["lines_minor"]
        assert cycle.period_from is not None
        assert cycle.period_to is not None
        assert all(cycle.period_from <= line.posted_at <= cycle.period_to for line in own)
    assert not [line.type for line in lines if line.line_type is LineType.UNRECOGNISED]
    assert {line.currency for line in lines} == {MARKETS[country].currency}
    assert {line.line_type for line in lines} >= {
        LineType.ORDER_AMOUNT,
        LineType.COMMISSION_FEE,
        LineType.REFUND_ORDER_AMOUNT,
        LineType.REFUND_COMMISSION_FEE,
    }
    given_back = next(line for line in lines if line.line_type is LineType.REFUND_ORDER_AMOUNT)
    assert (given_back.amount_minor, given_back.order_id, given_back.reference) == (-500, order_id, "R-1")


def test_a_settlement_is_fetched_once(market: AmazonMarket) -> None:
    market.shipped(("ATLAS-1", 1))
    market.move(days=20)
    first = market.sweep("settlements")
    assert first.records
    calls = market.world.calls["amazon", "getReportDocument"]
    assert market.sweep("settlements", first.cursor).records == []
    assert market.world.calls["amazon", "getReportDocument"] == calls


def test_a_refund_that_amazon_made_is_told_as_theirs_and_ours_as_ours(market: AmazonMarket) -> None:
    order_id = market.shipped(("LAMP-1", 1))
    market.move(seconds=5)
    market.send("amazon.refund", market.giving_back(order_id, item_minor=500))
    market.move(seconds=5)
    theirs = market.portal.refund(order_id, market.lines(order_id)[0]["line_id"], 700)
    market.move(seconds=5)
    seen = {one.refund_id: one for one in map(market.seen, market.sweep("transactions").records)}
    assert {(one.by, one.amount_minor, one.order_id) for one in seen.values()} == {
        ("seller", 500, order_id),
        ("channel", 700, order_id),
    }
    assert seen[theirs].by == "channel"


def test_how_they_judge_us_is_told_by_our_names_with_their_targets(market: AmazonMarket) -> None:
    market.shipped(("ATLAS-1", 1))
    cursor = market.sweep("account-health").cursor
    market.move(minutes=5)
    (record,) = market.sweep("account-health", cursor).records
    seen = market.seen(record)
    assert (seen.standing, seen.at_risk) == ("NORMAL", False)
    measures = {one.name: one for one in seen.measures}
    assert {"late-shipments", "cancellations", "defects", "valid-tracking", "on-time-delivery"} <= set(measures)
    assert (measures["late-shipments"].limit, measures["late-shipments"].above) == (0.04, True)
    assert (measures["valid-tracking"].limit, measures["valid-tracking"].above) == (0.95, False)


# ── notifications ────────────────────────────────────────────────────────────────────────────────────────────


def listening(market: AmazonMarket) -> None:
    outcome, _ = market.send("amazon.create-destination", {"name": "hub", "queue_arn": QUEUE_ARN})
    assert isinstance(outcome, Done)
    for word in (
        "ORDER_CHANGE",
        "LISTINGS_ITEM_STATUS_CHANGE",
        "FEED_PROCESSING_FINISHED",
        "REPORT_PROCESSING_FINISHED",
    ):
        payload = {"notification": word, "destination_id": outcome.receipt["destination_id"]}
        done, detail = market.send("amazon.subscribe", payload, key=word)
        assert isinstance(done, Done), detail


def test_an_order_that_changed_is_a_hint_in_the_queue(market: AmazonMarket) -> None:
    listening(market)
    order_id = market.portal.place(ATLAS)
    market.move(seconds=10)
    hints = {market.seen(record) for record in market.sweep("notifications").records}
    assert Hint("order", order_id) in hints


def test_a_message_leaves_the_queue_only_after_its_page_was_recorded(market: AmazonMarket) -> None:
    listening(market)
    market.portal.place(ATLAS)
    market.move(seconds=10)
    before = len(market.system.queue.messages)
    assert before
    pages = market.channel.sources["notifications"].fetch(market.ctx, None)
    first = next(pages)
    assert first.received
    assert len(market.system.queue.messages) == before
    next(pages, None)
    assert len(market.system.queue.messages) < before


def test_what_was_received_but_not_recorded_comes_again(market: AmazonMarket) -> None:
    listening(market)
    market.portal.place(ATLAS)
    market.move(seconds=10)
    lost = next(market.channel.sources["notifications"].fetch(market.ctx, None))
    market.move(seconds=130)
    again = market.sweep("notifications")
    assert {record.external_id for record in lost.received} <= set(again.ids)


def test_a_deletion_that_fails_only_means_that_it_comes_again(market: AmazonMarket) -> None:
    listening(market)
    market.portal.place(ATLAS)
    market.move(seconds=10)
    market.trouble("sqs.DeleteMessageBatch", "503")
    first = market.sweep("notifications")
    assert first.problem is None
    market.move(seconds=130)
    assert set(first.ids) <= set(market.sweep("notifications").ids)


def test_a_whole_queue_is_emptied_and_feeds_and_reports_are_told_or_passed_over(market: AmazonMarket) -> None:
    listening(market)
    for _ in range(30):
        market.send("amazon.cancel", market.cancellation(market.portal.place(ATLAS)))
    cursor = market.sweep("order-report").cursor
    market.move(minutes=5)
    market.sweep("order-report", cursor)
    seen: list[Any] = []
    for _ in range(10):
        seen += map(market.seen, market.sweep("notifications").records)
    assert {one.kind for one in seen} == {"order", "submission"}
    assert len(market.system.queue.messages) == 0


def test_a_key_of_the_queue_that_is_wrong_is_said_to_be() -> None:
    market = AmazonMarket(more={"aws_secret_access_key": "another"})
    sweep = market.sweep("notifications")
    assert sweep.problem is not None
    assert sweep.problem.code is ProblemCode.CREDENTIALS_REFUSED


def test_an_account_without_a_queue_reads_none(market: AmazonMarket) -> None:
    held = {name: value for name, value in market.access.secrets.items() if name != "queue_url"}
    from entrepot.connectors.registry import connect

    channel = connect("amazon", replace(market.access, secrets=held))
    assert Sweep.of(channel.sources["notifications"].fetch(market.ctx, None)).pages == []


# ── the door ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_we_are_let_in_and_a_wrong_seller_or_secret_is_not(market: AmazonMarket) -> None:
    assert market.channel.check(market.ctx) is None
    for wrong in ({"seller_id": "ASOMEBODYELSE"}, {"client_secret": "no"}, {"refresh_token": "no"}):
        problem = (other := AmazonMarket(more=wrong)).channel.check(other.ctx)
        assert problem is not None, wrong
