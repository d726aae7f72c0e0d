"""Orders read from Amazon by sweep, by report and one by one, under what goes wrong on the wire."""

import pytest
from connectors.amazon.house import AmazonMarket, all_of, small

from entrepot.connectors.port import Page, ProblemCode
from entrepot.kernel.outcome import Unrecognised
from entrepot.sandbox.amazon import MARKETS
from entrepot.trade.order.model import Hint
from entrepot.trade.order.states import LegState, LineState

ATLAS = (("ATLAS-1", 1),)


@pytest.fixture
def market() -> AmazonMarket:
    return AmazonMarket()


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
