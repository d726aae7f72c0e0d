"""What is read from Amazon: every source against the sandbox, under what goes wrong on the wire."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from connectors.amazon.house import QUEUE_ARN, AmazonMarket
from connectors.market import Sweep

from entrepot.connectors.port import Page, ProblemCode
from entrepot.kernel.outcome import Done, Unrecognised
from entrepot.money.settlement.model import CycleSeen, LineType, StatementLineSeen
from entrepot.sandbox.amazon import MARKETS
from entrepot.trade.listing.states import ListingState, SubmissionState
from entrepot.trade.order.model import Hint
from entrepot.trade.order.states import LegState, LineState

ATLAS = (("ATLAS-1", 1),)


@pytest.fixture
def market() -> AmazonMarket:
    return AmazonMarket()


def small(market: AmazonMarket, source: str, **row: Any) -> None:
    """The same source with another row of the manifest."""
    found = market.channel.sources[source]
    spec = getattr(found, "spec", None)
    changed = (
        replace(found, spec=replace(spec, row=replace_row(spec.row, row)))  # type: ignore[type-var]
        if spec is not None
        else replace(found, row=replace_row(found.row, row))  # type: ignore[type-var,attr-defined]
    )
    sources = dict(market.channel.sources) | {source: changed}
    market.channel = replace(market.channel, sources=sources)


def replace_row(row: Any, changed: Mapping[str, Any]) -> Any:
    import msgspec

    return msgspec.structs.replace(row, **changed)


def all_of(
    market: AmazonMarket, source: str, cursor: str | None = None, runs: int = 50
) -> tuple[list[Any], str | None]:
    """Runs until one moves nothing any more; what was recorded, once per content."""
    found: dict[tuple[str, str, bytes], Any] = {}
    for _ in range(runs):
        sweep = market.sweep(source, cursor)
        for record in sweep.records:
            found[record.kind, record.external_id, record.body] = record
        if sweep.cursor in (None, cursor) and sweep.problem is None:
            break
        cursor = sweep.cursor or cursor
    return list(found.values()), cursor


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_is_read_with_its_lines_and_its_money(market: AmazonMarket) -> None:
    order_id = market.portal.place((("ATLAS-1", 2), ("LAMP-1", 1)))
    (record,) = market.sweep("orders").records
    assert (record.kind, record.external_id, record.root) == ("channel-order", order_id, f"basket:{order_id}")
    seen = market.seen(record)
    assert (seen.order_id, seen.commercial_id, seen.seller_id) == (order_id, order_id, "us")
    assert (seen.state, seen.currency, seen.fulfilled_by) == (LegState.TO_SHIP, "EUR", "seller")
    assert seen.market == MARKETS["DE"].marketplace_id
    assert {line.sku: (line.quantity, line.price_minor) for line in seen.lines} == {
        "ATLAS-1": (2, 3_998),
        "LAMP-1": (1, 8_950),
    }
    assert seen.total_minor == market.order(order_id)["total_minor"]
    assert seen.ship_due_at is not None


def test_a_tax_on_top_is_told_and_a_tax_inside_is_not() -> None:
    abroad = AmazonMarket(MARKETS["US"])
    order_id = abroad.portal.place(ATLAS)
    seen = abroad.seen(abroad.sweep("orders").records[0])
    assert seen.lines[0].tax_minor > 0
    assert seen.total_minor == abroad.order(order_id)["total_minor"]
    at_home = AmazonMarket()
    at_home.portal.place(ATLAS)
    assert at_home.seen(at_home.sweep("orders").records[0]).lines[0].tax_minor == 0


def test_a_pending_order_is_on_hold_and_becomes_one_to_ship(market: AmazonMarket) -> None:
    order_id = market.portal.place(ATLAS, pending=True)
    seen = market.seen(market.sweep("orders").records[0])
    assert (seen.state, seen.lines[0].state) == (LegState.ON_HOLD, LineState.ON_HOLD)
    market.move(seconds=60)
    market.portal.release(order_id)
    assert market.seen(market.sweep("orders").records[0]).state is LegState.TO_SHIP


def test_what_they_deliver_themselves_waits_for_nobody_of_ours(market: AmazonMarket) -> None:
    market.portal.place(ATLAS, fulfilled_by="amazon")
    assert market.seen(market.sweep("orders").records[0]).fulfilled_by == "marketplace"


def test_a_parcel_in_part_and_the_rest_cancelled_are_counted_by_line(market: AmazonMarket) -> None:
    order_id = market.portal.place((("ATLAS-1", 2), ("LAMP-1", 1)))
    lines = {one["sku"]: one for one in market.lines(order_id)}
    market.send("amazon.ship", market.parcel(order_id, lines=[{**lines["ATLAS-1"], "quantity": 1}]))
    seen = market.seen(market.sweep("orders").records[0])
    assert seen.state is LegState.PART_SHIPPED
    assert {line.sku: (line.shipped_qty, line.state) for line in seen.lines} == {
        "ATLAS-1": (1, LineState.TO_SHIP),
        "LAMP-1": (0, LineState.TO_SHIP),
    }
    market.send("amazon.cancel", market.cancellation(order_id, lines=[lines["LAMP-1"]]))
    market.move(seconds=1)
    seen = market.seen(market.sweep("orders").records[0])
    assert {line.sku: (line.cancelled_qty, line.state) for line in seen.lines}["LAMP-1"] == (1, LineState.CANCELLED)


def test_a_buyer_who_wants_to_cancel_is_heard(market: AmazonMarket) -> None:
    order_id = market.portal.place(ATLAS)
    market.portal.ask_cancel(order_id)
    assert market.seen(market.sweep("orders").records[0]).cancel_asked


def test_a_cancelled_order_is_cancelled(market: AmazonMarket) -> None:
    order_id = market.portal.place(ATLAS)
    market.portal.cancel(order_id)
    seen = market.seen(market.sweep("orders").records[0])
    assert (seen.state, seen.lines[0].state, seen.lines[0].cancelled_qty) == (
        LegState.CANCELLED,
        LineState.CANCELLED,
        1,
    )


def test_a_delivered_order_is_delivered(market: AmazonMarket) -> None:
    market.shipped(("ATLAS-1", 1))
    market.move(days=10)
    assert market.seen(market.sweep("orders").records[0]).state is LegState.DELIVERED


def test_every_order_is_found_over_pages_and_runs(market: AmazonMarket) -> None:
    small(market, "orders", size=2, pages_max=2)
    placed = {market.portal.place(ATLAS) for _ in range(9)}
    found, _ = all_of(market, "orders")
    assert {record.external_id for record in found} == placed


def test_an_order_that_comes_while_pages_are_read_is_found_by_the_overlap(market: AmazonMarket) -> None:
    small(market, "orders", size=2)
    placed = {market.portal.place(ATLAS) for _ in range(5)}
    pages = market.channel.sources["orders"].fetch(market.ctx, None)
    found = {record.external_id for record in next(pages).received}
    market.move(seconds=5)
    placed.add(market.portal.place(ATLAS))
    rest = list(pages)
    found |= {record.external_id for page in rest for record in page.received}
    found |= set(market.sweep("orders", rest[-1].cursor).ids)
    assert found == placed


def test_a_page_token_they_no_longer_know_sends_us_back_to_the_start_of_the_period(market: AmazonMarket) -> None:
    small(market, "orders", size=2, pages_max=2)
    placed = {market.portal.place(ATLAS) for _ in range(7)}
    first = market.sweep("orders")
    assert first.cursor is not None
    assert first.cursor.count("|") == 2
    market.move(days=2)  # their tokens live for a day
    found, _ = all_of(market, "orders", first.cursor)
    assert placed <= {record.external_id for record in found}


WRONG = [
    ("429", 30, ProblemCode.RATE_LIMITED),
    ("503", None, ProblemCode.SYSTEM_DOWN),
    ("timeout-before", None, ProblemCode.NO_ANSWER),
    ("truncated", None, ProblemCode.UNREADABLE),
    ("html", None, ProblemCode.UNREADABLE),
]
FIRST_CALLS = [
    ("orders", "searchOrders"),
    ("listings", "searchListingsItems"),
    ("submissions", "getFeeds"),
    ("settlements", "getReports"),
    ("transactions", "listTransactions"),
    ("order-report", "createReport"),
    ("notifications", "sqs.ReceiveMessage"),
]
ON_THE_WIRE = [
    (source, operation, *wrong)
    for source, operation in FIRST_CALLS
    for wrong in WRONG
    if (operation, wrong[0]) != ("createReport", "truncated")  # the sandbox cuts no answer of 202
]


@pytest.mark.parametrize(("source", "operation", "kind", "arg", "code"), ON_THE_WIRE)
def test_a_page_that_went_wrong_is_told_and_moves_no_cursor(
    market: AmazonMarket, source: str, operation: str, kind: str, arg: int | None, code: ProblemCode
) -> None:
    market.portal.place(ATLAS)
    market.trouble(operation, kind, arg)
    sweep = market.sweep(source)
    assert sweep.problem is not None
    assert sweep.problem.code is code
    assert sweep.cursor is None
    if kind == "429":
        assert sweep.problem.after_s == 30
    assert market.sweep(source).problem is None


def test_a_page_that_fails_in_the_middle_keeps_what_was_good_and_goes_on_there(market: AmazonMarket) -> None:
    small(market, "orders", size=2)
    placed = {market.portal.place(ATLAS) for _ in range(5)}
    pages = market.channel.sources["orders"].fetch(market.ctx, None)
    first = next(pages)
    market.trouble("searchOrders", "503")
    broken = next(pages)
    assert broken.problem is not None
    assert broken.cursor is None
    found = {record.external_id for record in first.received} | set(market.sweep("orders", first.cursor).ids)
    assert found == placed


def test_a_token_refused_in_the_middle_is_renewed_once(market: AmazonMarket) -> None:
    small(market, "orders", size=2)
    placed = {market.portal.place(ATLAS) for _ in range(5)}
    pages = market.channel.sources["orders"].fetch(market.ctx, None)
    found = list(next(pages).received)
    market.trouble("searchOrders", "expired-token")
    found += [record for page in pages for record in page.received]
    assert {record.external_id for record in found} == placed
    assert market.world.calls["amazon", "token"] == 2


def test_an_order_in_a_state_nobody_published_is_one_record_and_its_neighbours_go_on(market: AmazonMarket) -> None:
    market.portal.place(ATLAS)
    market.portal.place(ATLAS)
    market.trouble("searchOrders", "unknown-enum", "fulfillmentStatus")
    seen = [market.seen(record) for record in market.sweep("orders").records]
    assert [one.state for one in seen] in (
        [Unrecognised("order_status", "ON_ICE"), LegState.TO_SHIP],
        [LegState.TO_SHIP, Unrecognised("order_status", "ON_ICE")],
    )


def test_a_429_without_a_time_says_when_by_their_rate() -> None:
    market = AmazonMarket(ceilings=True)
    while (sweep := market.sweep("orders")).problem is None:
        pass
    assert sweep.problem.code is ProblemCode.RATE_LIMITED
    assert sweep.problem.after_s is not None
    assert sweep.problem.after_s > 60


# ── orders by the older interface ────────────────────────────────────────────────────────────────────────────


def test_an_account_may_read_orders_by_v0_and_sees_the_same() -> None:
    old, new = AmazonMarket(more={"orders_api": "v0"}), AmazonMarket()
    for market in (old, new):
        order_id = market.portal.place((("ATLAS-1", 2), ("LAMP-1", 1)))
        market.send("amazon.ship", market.parcel(order_id, lines=market.lines(order_id)[:1]))
    (theirs,), (ours,) = ([market.seen(record) for record in market.sweep("orders").records] for market in (old, new))
    alike = ("state", "currency", "total_minor", "fulfilled_by", "market", "created_at", "ship_due_at")
    assert [getattr(theirs, name) for name in alike] == [getattr(ours, name) for name in alike]
    kept = ("sku", "quantity", "shipped_qty", "cancelled_qty", "price_minor", "tax_minor", "state")
    assert [[getattr(line, name) for name in kept] for line in theirs.lines] == [
        [getattr(line, name) for name in kept] for line in ours.lines
    ]


def test_by_v0_every_order_is_found_page_by_page_one_list_call_a_run() -> None:
    market = AmazonMarket(more={"orders_api": "v0"})
    placed = {market.portal.place(ATLAS) for _ in range(30)}
    found, _ = all_of(market, "orders")
    assert {record.external_id for record in found} == placed


def test_by_v0_the_items_that_cannot_be_had_stop_the_run_and_move_nothing() -> None:
    market = AmazonMarket(more={"orders_api": "v0"})
    market.portal.place(ATLAS)
    market.portal.place(ATLAS)
    market.trouble("v0.getOrderItems", "503")
    sweep = market.sweep("orders")
    assert sweep.problem is not None
    assert sweep.cursor is None
    assert len(market.sweep("orders").records) == 2


def test_one_order_is_looked_up_by_either_interface() -> None:
    for more in ({}, {"orders_api": "v0"}):
        market = AmazonMarket(more=more)
        order_id = market.portal.place(ATLAS)
        page: Page = market.channel.lookups["order"].one(market.ctx, order_id)
        assert market.seen(page.received[0]).order_id == order_id
        gone = market.channel.lookups["order"].one(market.ctx, "000-0000000-0000000")
        assert (gone.received, gone.problem) == ((), None)


# ── the report that counts ───────────────────────────────────────────────────────────────────────────────────


def test_the_report_names_every_order_and_each_is_a_hint_once(market: AmazonMarket) -> None:
    placed = {market.portal.place((("ATLAS-1", 1), ("LAMP-1", 1))) for _ in range(5)}
    asked = market.sweep("order-report")
    assert asked.records == []
    market.move(minutes=5)
    told = market.sweep("order-report", asked.cursor)
    assert {market.seen(record) for record in told.records} == {Hint("order", one) for one in placed}
    assert len(told.records) == 5
    assert {record.root for record in told.records} == {f"basket:{one}" for one in placed}
    assert told.cursor is not None
    assert "|" not in told.cursor


def test_a_report_is_not_asked_for_again_while_it_is_on_its_way() -> None:
    market = AmazonMarket(at_once=False)
    market.portal.place(ATLAS)
    cursor = market.sweep("order-report").cursor
    again = market.sweep("order-report", cursor)
    assert (again.cursor, again.problem, again.records) == (None, None, [])
    assert market.world.calls["amazon", "createReport"] == 1
    market.move(minutes=10)
    assert len(market.sweep("order-report", cursor).records) == 1


def test_an_answer_lost_after_the_report_was_asked_for_only_asks_again(market: AmazonMarket) -> None:
    market.trouble("createReport", "timeout-after")
    assert market.sweep("order-report").cursor is None
    assert market.sweep("order-report").cursor is not None


@pytest.mark.parametrize("kind", ["503", "truncated", "html", "timeout-before"])
@pytest.mark.parametrize("operation", ["getReport", "getReportDocument", "downloadDocument"])
def test_a_report_that_could_not_be_fetched_is_fetched_by_the_next_run(
    market: AmazonMarket, operation: str, kind: str
) -> None:
    market.portal.place(ATLAS)
    cursor = market.sweep("order-report").cursor
    market.move(minutes=5)
    market.trouble(operation, kind)
    broken = market.sweep("order-report", cursor)
    assert broken.problem is not None
    assert broken.cursor is None
    assert len(market.sweep("order-report", cursor).records) == 1


def test_a_report_they_no_longer_know_is_asked_for_anew(market: AmazonMarket) -> None:
    cursor = market.sweep("order-report").cursor
    assert cursor is not None
    since, _, until = cursor.split("|")
    lost = market.sweep("order-report", f"{since}|99999999999|{until}")
    assert lost.problem is not None
    assert lost.cursor == since


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
