"""Walmart's lists against the sandbox: everything is found, and nothing moves the cursor that should not."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from connectors.market import START, Answers, Sweep, make_ctx, said
from connectors.troubles import in_every_trouble
from connectors.walmart.walmart_market import PRODUCTS, WalmartMarket, parcel, product

from entrepot.connectors.port import Malformed, ProblemCode
from entrepot.connectors.walmart.lists import CursorList
from entrepot.connectors.walmart.wire import Wire, open_wire
from entrepot.kernel.outcome import Done, Unrecognised
from entrepot.trade.listing.model import ListingSeen, SubmissionSeen
from entrepot.trade.listing.states import ListingState, SubmissionState
from entrepot.trade.order.model import ChannelRefundSeen, OrderSeen, ReturnSeen
from entrepot.trade.order.states import LegState, LineState

CODES = {
    "orders": "getAllOrders",
    "released": "getAllReleasedOrders",
    "wfs-orders": "getAllOrders",
    "returns": "getReturns",
    "items": "getAllItems",
    "retired-items": "getAllItems",
    "submissions": "getAllFeedStatuses",
    "recon": "getAvailableV1ReconReportDates",
    "performance": "getPartnerPerformance",
}


@pytest.fixture
def market() -> WalmartMarket:
    return WalmartMarket()


def full_market(market: WalmartMarket) -> None:
    """Something in every list."""
    order_id = market.shipped()
    market.portal.refund(order_id, "1", 500)
    market.portal.open_return(order_id, [("2", 1)], "Defective")
    market.buy()
    market.buy(("LENS", 1), fulfilled_by="marketplace")
    market.send("walmart.submit-item", product())
    market.send("walmart.retire-item", {"sku": "LENS"})
    market.move(minutes=10)
    market.portal.close_period()


def small(market: WalmartMarket, name: str, size: int = 3, **row: int) -> CursorList:
    """A source of the connector with short pages."""
    source: Any = market.channel.sources[name]
    changed = msgspec.structs.replace(source.spec.row, size=size, **row)
    return CursorList(replace(source.spec, row=changed), source.wire, source.limit)


def swept(market: WalmartMarket, source: Any, cursor: str | None = None) -> Sweep:
    return Sweep.of(source.fetch(market.ctx, cursor))


def test_every_list_is_read_and_every_record_understood(market: WalmartMarket) -> None:
    full_market(market)
    for name in CODES:
        sweep = market.sweep(name)
        assert sweep.problem is None, (name, sweep.problem)
        assert sweep.records, name
        for record in sweep.records:
            seen = market.seen(record)
            assert type(seen).__name__.endswith("Seen"), (name, record.kind, seen)
            assert record.flow
            assert ":" in record.root


def test_an_order_just_placed_waits_to_be_acknowledged_and_names_its_ship_date(market: WalmartMarket) -> None:
    order_id = market.buy(("ATLAS", 2), ("CHART", 1))
    seen = market.seen_order(order_id)
    assert isinstance(seen, OrderSeen)
    book = market.book(order_id)
    assert (seen.state, seen.their_state, seen.seller_id) == (LegState.AWAITING_ACCEPTANCE, "Created", "us")
    assert (seen.commercial_id, seen.currency, seen.total_minor) == (
        book["customer_order_id"],
        "USD",
        book["total_minor"],
    )
    assert [(line.sku, line.quantity, line.price_minor) for line in seen.lines] == [
        ("ATLAS", 2, 3_998),
        ("CHART", 1, 705),
    ]
    assert [line.shipping_minor for line in seen.lines] == [700, 0]
    assert [line.tax_minor for line in seen.lines] == [line["tax_minor"] for line in book["lines"]]
    assert seen.ship_due_at is not None
    assert seen.ship_due_at.isoformat() == book["ship_by"]
    assert {line.ship_due_at for line in seen.lines} == {seen.ship_due_at}
    assert seen.fulfilled_by == "seller"


def test_an_order_goes_through_its_states(market: WalmartMarket) -> None:
    order_id = market.buy(("ATLAS", 3), ("CHART", 1))
    states = [market.seen_order(order_id).state]
    market.send("walmart.acknowledge", {"order_id": order_id, "our_number": "", "lines": []})
    states.append(market.seen_order(order_id).state)
    one = [{"line_id": "1", "quantity": 1}]
    market.send("walmart.ship", parcel(market, order_id, "T-0000001", lines=one))
    seen = market.seen_order(order_id)
    states.append(seen.state)
    assert [(line.shipped_qty, line.cancelled_qty, line.state) for line in seen.lines] == [
        (1, 0, LineState.TO_SHIP),
        (0, 0, LineState.TO_SHIP),
    ]
    rest = [{"line_id": "1", "quantity": 2}]
    market.send(
        "walmart.cancel", {"order_id": order_id, "our_number": "", "cancellation": "", "reason": "other", "lines": rest}
    )
    last = [{"line_id": "2", "quantity": 1}]
    market.send("walmart.ship", parcel(market, order_id, "T-0000002", lines=last))
    seen = market.seen_order(order_id)
    states.append(seen.state)
    assert [(line.shipped_qty, line.cancelled_qty) for line in seen.lines] == [(1, 2), (1, 0)]
    market.move(days=4)
    states.append(market.seen_order(order_id).state)
    assert states == [
        LegState.AWAITING_ACCEPTANCE,
        LegState.TO_SHIP,
        LegState.PART_SHIPPED,
        LegState.SHIPPED,
        LegState.DELIVERED,
    ]


def test_an_order_nobody_shipped_is_cancelled_by_walmart(market: WalmartMarket) -> None:
    order_id = market.acknowledged()
    market.move(days=7)
    seen = market.seen_order(order_id)
    assert seen.state is LegState.CANCELLED
    assert all(line.cancelled_qty == line.quantity for line in seen.lines)


def test_a_buyer_who_wants_it_cancelled_is_heard(market: WalmartMarket) -> None:
    order_id = market.buy()
    assert not market.seen_order(order_id).cancel_asked
    market.portal.ask_cancel(order_id)
    assert market.seen_order(order_id).cancel_asked


def test_orders_that_walmart_fulfils_come_by_their_own_list_and_bind_nobody(market: WalmartMarket) -> None:
    order_id = market.buy(("LENS", 1), fulfilled_by="marketplace")
    assert order_id not in market.sweep("orders").ids
    (record,) = market.sweep("wfs-orders").records
    assert market.seen(record).fulfilled_by == "marketplace"


def test_a_refund_of_ours_is_told_from_one_of_theirs(market: WalmartMarket) -> None:
    order_id = market.shipped()
    line = {"line_id": "1", "quantity": 1, "item_minor": 300}
    payload = {"order_id": order_id, "our_number": "", "refund": "R-1", "currency": "USD", "reason": "goodwill"}
    assert isinstance(market.send("walmart.refund", {**payload, "lines": [line]})[0], Done)
    market.portal.refund(order_id, "2", 200)
    records = [one for one in market.sweep("orders").records if one.kind == "channel-refund"]
    seen = [market.seen(one) for one in records]
    assert all(isinstance(one, ChannelRefundSeen) for one in seen)
    assert [(one.by, one.amount_minor, one.order_line_id) for one in seen] == [
        ("seller", 300, "1"),
        ("channel", 200, "2"),
    ]
    assert {one.refund_id for one in seen} == {one["refund_id"] for one in market.system.books()["refunds"]}


def test_an_order_and_what_hangs_on_it_are_decided_in_order_with_its_basket(market: WalmartMarket) -> None:
    order_id = market.shipped()
    market.portal.refund(order_id, "1", 500)
    market.portal.open_return(order_id, [("2", 1)], "Defective")
    roots = {record.root for name in ("orders", "returns") for record in market.sweep(name).records}
    assert roots == {f"basket:{market.book(order_id)['customer_order_id']}"}


def test_a_return_goes_through_its_states(market: WalmartMarket) -> None:
    order_id = market.shipped(("ATLAS", 2))
    return_id = market.portal.open_return(order_id, [("1", 2)], "Defective")

    def state() -> Any:
        (record,) = market.sweep("returns").records
        seen = market.seen(record)
        assert isinstance(seen, ReturnSeen)
        assert (seen.return_id, seen.order_id, seen.lines) == (return_id, order_id, {"1": 2})
        return seen.state

    found = [state()]
    market.move(days=5)
    found.append(state())
    market.move(days=3)
    found.append(state())
    assert found[0] in ("requested", "in-transit")
    assert found[1:] == ["received", "refunded"]


def test_the_catalogue_says_what_is_on_sale_and_why_something_is_not(market: WalmartMarket) -> None:
    market.portal.suppress("CHART", "ERR_1", "The main image is missing", "mainImageUrl")
    seen = {one.sku: one for one in map(market.seen, market.sweep("items").records)}
    assert all(isinstance(one, ListingSeen) for one in seen.values())
    assert {sku: one.state for sku, one in seen.items()} == {
        "ATLAS": ListingState.LIVE,
        "CHART": ListingState.SUPPRESSED,
        "LENS": ListingState.LIVE,
    }
    assert (seen["ATLAS"].price_minor, seen["ATLAS"].currency, seen["ATLAS"].product_type) == (1_999, "USD", "Books")
    assert seen["CHART"].issues[0].message == "The main image is missing"


def test_an_item_that_is_shown_again_as_it_was_before_is_news_again(market: WalmartMarket) -> None:
    states, bodies = [], set()
    for step in (
        lambda: None,
        lambda: market.portal.suppress("CHART", "E", "no image", ""),
        lambda: market.portal.restore("CHART"),
    ):
        step()
        (record,) = [one for one in market.sweep("items").records if one.external_id == "CHART"]
        states.append(market.seen(record))
        bodies.add(record.body)
        market.move(hours=1)
    assert [one.state for one in states] == [ListingState.LIVE, ListingState.SUPPRESSED, ListingState.LIVE]
    assert len(bodies) == 3
    assert states[0].updated_at < states[1].updated_at < states[2].updated_at


def test_an_item_taken_off_the_shelf_is_seen_to_be(market: WalmartMarket) -> None:
    market.send("walmart.retire-item", {"sku": "LENS"})
    assert "LENS" not in market.sweep("items").ids
    (record,) = market.sweep("retired-items").records
    assert market.seen(record).state is ListingState.ENDED


def test_a_feed_is_heard_of_while_it_works_and_told_item_by_item_when_it_is_over(market: WalmartMarket) -> None:
    outcome, _ = market.send("walmart.submit-item", product(images=[]))
    assert isinstance(outcome, Done)
    sweep = market.sweep("submissions")
    (early,) = [market.seen(one) for one in sweep.records]
    assert (early.state, early.results) == (SubmissionState.TAKEN, ())
    market.move(minutes=5)
    (late,) = [market.seen(one) for one in market.sweep("submissions", sweep.cursor).records]
    assert isinstance(late, SubmissionSeen)
    assert (late.submission_id, late.state) == (outcome.receipt["submission_id"], SubmissionState.DONE)
    (result,) = late.results
    assert (result.key, result.accepted, result.code) == ("GLOBE", False, "ERR_PDI_0034")
    assert "mainImageUrl" in result.message
    assert (late.items, late.rejected) == (1, 1)


def test_the_cursor_of_feeds_waits_for_the_one_that_is_still_in_work(market: WalmartMarket) -> None:
    first, _ = market.send("walmart.submit-item", product())
    market.move(minutes=30)
    second, _ = market.send("walmart.submit-item", product("SECOND"))
    sweep = market.sweep("submissions")
    assert len(sweep.records) == 2
    market.move(minutes=60)
    third, _ = market.send("walmart.submit-item", product("THIRD"))
    ids = [one.receipt["submission_id"] for one in (second, third) if isinstance(one, Done)]
    again = market.sweep("submissions", sweep.cursor)
    assert again.ids == ids
    assert isinstance(first, Done)


def test_many_feeds_are_read_page_by_page(market: WalmartMarket) -> None:
    sent = []
    for n in range(7):
        outcome, _ = market.send("walmart.submit-item", product(f"S{n}"))
        assert isinstance(outcome, Done)
        sent.append(outcome.receipt["submission_id"])
        market.move(seconds=1)
    market.move(minutes=5)
    source: Any = market.channel.sources["submissions"]
    short = replace(source, row=msgspec.structs.replace(source.row, size=2))
    sweep = swept(market, short)
    assert sweep.problem is None
    assert sweep.ids == sent
    stopped = swept(market, replace(source, row=msgspec.structs.replace(source.row, size=50, pages_max=4)))
    assert stopped.problem is not None
    assert stopped.problem.code is ProblemCode.TOO_LONG
    rest = swept(market, short, stopped.cursor)
    assert set(stopped.ids) | set(rest.ids) == set(sent)


@pytest.mark.parametrize("orders", [1, 2, 3, 4, 6, 10])
def test_a_list_of_any_length_is_read_to_its_end(market: WalmartMarket, orders: int) -> None:
    expected = [market.buy() for _ in range(orders)]
    for name in ("orders", "released"):
        sweep = swept(market, small(market, name))
        assert sweep.problem is None
        assert sorted(sweep.ids) == sorted(expected)
        assert all(len(page.received) <= 3 for page in sweep.pages)


def test_the_catalogue_is_read_by_their_cursor(market: WalmartMarket) -> None:
    market.portal.seed([replace(PRODUCTS[0], sku=f"X{n}") for n in range(8)])
    sweep = swept(market, small(market, "items"))
    assert sweep.problem is None
    assert len(set(sweep.ids)) == 11


def test_what_changed_is_read_again_and_what_did_not_is_not(market: WalmartMarket) -> None:
    old = market.buy()
    market.move(hours=2)
    new = market.buy()
    first = market.sweep("orders")
    assert set(first.ids) == {old, new}
    assert set(market.sweep("orders", first.cursor).ids) == {new}
    market.move(hours=2)
    market.portal.cancel(old)
    assert set(market.sweep("orders", first.cursor).ids) == {old, new}


def test_an_order_the_sweep_has_missed_is_found_among_those_that_wait(market: WalmartMarket) -> None:
    missed = market.buy()
    market.move(hours=3)
    cursor = market.sweep("orders").cursor
    later = START.replace(hour=15).isoformat()
    assert missed not in market.sweep("orders", later).ids
    assert cursor is not None
    assert missed in market.sweep("released").ids


def test_a_run_that_stopped_in_the_middle_goes_on_there(market: WalmartMarket) -> None:
    expected = [market.buy() for _ in range(8)]
    first = swept(market, small(market, "orders", pages_max=2))
    assert first.cursor is not None
    assert "|" in first.cursor
    rest = swept(market, small(market, "orders"), first.cursor)
    assert {*first.ids, *rest.ids} == set(expected)
    assert len(first.ids) == 6
    assert rest.cursor is not None
    assert "|" not in rest.cursor


def test_a_cursor_of_theirs_that_has_died_begins_the_period_anew(market: WalmartMarket) -> None:
    expected = [market.buy() for _ in range(5)]
    dead = f"{START.isoformat()}|{START.isoformat()}|?limit=3&poIndex=x"
    sweep = swept(market, small(market, "orders"), dead)
    assert sweep.problem is None
    assert set(sweep.ids) == set(expected)


@pytest.mark.parametrize("name", sorted(CODES))
@in_every_trouble
def test_a_list_in_trouble_says_so_moves_nothing_and_is_whole_again(
    market: WalmartMarket, name: str, kind: str, code: ProblemCode
) -> None:
    full_market(market)
    market.trouble(CODES[name], kind, 9)
    sweep = market.sweep(name)
    assert sweep.problem is not None or sweep.pages[0].problem is not None
    problem = next(page.problem for page in sweep.pages if page.problem)
    assert problem.code is code
    if kind == "429":
        assert problem.after_s == 9
    assert sweep.cursor is None
    assert market.sweep(name).problem is None


@pytest.mark.parametrize("kind", ["429", "503", "html", "truncated"])
def test_a_page_in_the_middle_in_trouble_keeps_what_came_before(market: WalmartMarket, kind: str) -> None:
    expected = [market.buy() for _ in range(8)]
    pages = small(market, "orders").fetch(market.ctx, None)
    first = next(pages)
    market.trouble("getAllOrders", kind, 5)
    rest = list(pages)
    assert rest[-1].problem is not None
    assert rest[-1].cursor is None
    resumed = swept(market, small(market, "orders"), first.cursor)
    assert {one.external_id for one in first.received} | set(resumed.ids) == set(expected)


@pytest.mark.parametrize("name", ["orders", "returns", "items"])
def test_a_token_refused_in_the_middle_of_a_list_is_renewed_once(market: WalmartMarket, name: str) -> None:
    full_market(market)
    market.trouble(CODES[name], "expired-token")
    assert market.sweep(name).problem is None


def test_credentials_that_stay_refused_are_a_problem_of_their_own(market: WalmartMarket) -> None:
    market.trouble("getAllOrders", "expired-token")
    market.world.faults.add(market.world.faults.waiting()[0])
    problem = market.sweep("orders").problem
    assert problem is not None
    assert problem.code is ProblemCode.CREDENTIALS_REFUSED


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("orders", "status"),
        ("orders", "chargeType"),
        ("returns", "status"),
        ("items", "publishedStatus"),
        ("items", "lifecycleStatus"),
        ("submissions", "feedStatus"),
    ],
)
def test_a_word_nobody_published_parks_its_record_and_no_other(market: WalmartMarket, name: str, field: str) -> None:
    full_market(market)
    market.buy()
    market.trouble(CODES[name], "unknown-enum", field)
    sweep = market.sweep(name)
    assert sweep.problem is None
    seen = [market.seen(record) for record in sweep.records]
    strange = [
        one for one in seen if isinstance(one, Unrecognised) or isinstance(getattr(one, "state", None), Unrecognised)
    ]
    assert len(strange) == 1
    assert not any(isinstance(one, Malformed) for one in seen)


def test_one_unreadable_record_is_kept_and_its_neighbours_go_on(market: WalmartMarket) -> None:
    good = market.sweep("orders")
    assert not good.records
    order_id = market.buy()
    (page,) = market.sweep("orders").pages
    body = page.body.replace(f'"{order_id}"'.encode(), b"null", 1)
    wire = Wire(open_wire(market.access).exchange, _Open())
    source: Any = market.channel.sources["orders"]
    ctx = make_ctx(Answers(said(200, body)), market.clock)
    sweep = Sweep.of(CursorList(source.spec, wire, None).fetch(ctx, None))
    assert [one.kind for one in sweep.records] == ["malformed"]


@pytest.mark.parametrize(
    "body", ["{}", "[]", '{"list":{}}', '{"list":{"elements":{},"meta":{}}}', '{"list":null}', "null", ""]
)
def test_an_answer_that_is_not_a_list_is_a_problem_and_no_crash(market: WalmartMarket, body: str) -> None:
    for sweep in _answered(market, body):
        assert sweep.problem is not None
        assert sweep.problem.code is ProblemCode.UNREADABLE


def test_nothing_found_is_an_empty_list_however_they_say_it(market: WalmartMarket) -> None:
    body = '{"errors":{"error":[{"code":"CONTENT_NOT_FOUND.GMP_ORDER_API","description":"Orders not found"}]}}'
    for name in ("orders", "returns", "items", "submissions", "recon"):
        source: Any = market.channel.sources[name]
        ctx = make_ctx(Answers(said(404, body)), market.clock)
        sweep = Sweep.of(replace(source, wire=Wire(source.wire.exchange, _Open())).fetch(ctx, None))
        assert sweep.problem is None, name
        assert not sweep.records


def test_cursors_that_go_round_in_a_circle_end_the_run(market: WalmartMarket) -> None:
    body = '{"list":{"meta":{"nextCursor":"?poIndex=1"},"elements":{"order":[]}}}'
    sweep = next(_answered(market, body, times=3))
    assert sweep.problem is not None
    assert "circle" in sweep.problem.words


def test_dates_are_asked_for_without_fractions(market: WalmartMarket) -> None:
    market.clock.advance(0.123456)
    market.sweep("orders")
    query = dict(market.http.sent[-1].query)
    assert query["lastModifiedStartDate"].endswith("Z")
    assert "." not in query["lastModifiedStartDate"]
    assert query["createdStartDate"] < query["lastModifiedStartDate"]


@pytest.mark.parametrize(
    ("name", "kind"), [("order", "channel-order"), ("listing", "listing"), ("return", "channel-return")]
)
def test_one_record_is_looked_up_by_its_id(market: WalmartMarket, name: str, kind: str) -> None:
    order_id = market.shipped()
    return_id = market.portal.open_return(order_id, [("1", 1)], "Defective")
    wanted = {"order": order_id, "listing": "ATLAS", "return": return_id}[name]
    lookup = market.channel.lookups[name]
    page = lookup.one(market.ctx, wanted)
    assert page.problem is None
    assert [(one.kind, one.external_id) for one in page.received] == [(kind, wanted)]
    listed = {"order": "orders", "listing": "items", "return": "returns"}[name]
    assert market.seen(page.received[0]) == market.seen(
        next(one for one in market.sweep(listed).records if one.external_id == wanted)
    )
    gone = lookup.one(market.ctx, "no-such-thing")
    assert (gone.problem, gone.received) == (None, ())


def test_we_are_let_in_or_told_that_we_are_not(market: WalmartMarket) -> None:
    assert market.channel.check(market.ctx) is None
    market.access.secrets["client_secret"] = lambda: "wrong"  # type: ignore[index]
    other = WalmartMarket(client_secret="another")
    problem = other.channel.check(other.ctx)
    assert problem is not None
    assert problem.code is ProblemCode.CREDENTIALS_REFUSED


class _Open:
    """Credentials that never ask."""

    def header(self, ctx: Any, until: Any) -> str:
        return "token"

    def spent(self, header: str) -> None:
        return None


def _answered(market: WalmartMarket, body: str, times: int = 1) -> Iterator[Sweep]:
    """The sweep of orders when they answer this."""
    source: Any = market.channel.sources["orders"]
    ctx = make_ctx(Answers(*[said(200, body)] * times), market.clock)
    yield Sweep.of(CursorList(source.spec, Wire(source.wire.exchange, _Open()), None).fetch(ctx, None))
