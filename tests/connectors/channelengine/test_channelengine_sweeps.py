"""ChannelEngine's lists and hints against the sandbox: everything is found, and nothing moves the cursor that should not."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from connectors.channelengine.ce_market import PRODUCTS, ChannelEngineMarket, acknowledgement, parcel, product
from connectors.market import START, Answers, Sweep, make_ctx, said
from connectors.troubles import in_every_trouble

from entrepot.connectors.port import Forged, Malformed, ProblemCode, Verified
from entrepot.connectors.registry import connect
from entrepot.inbox.model import MALFORMED
from entrepot.kernel.outcome import Unrecognised
from entrepot.trade.listing.model import ListingSeen
from entrepot.trade.listing.states import ListingState
from entrepot.trade.order.model import Hint, OrderSeen, ReturnSeen
from entrepot.trade.order.states import LegState, LineState

CODES = {
    "new-orders": "OrderGetNew",
    "orders": "OrderGetByFilter",
    "returns": "ReturnGetReturns",
    "listings": "ListedProductGetByFilter",
    "notifications": "NotificationIndex",
}


@pytest.fixture
def market() -> ChannelEngineMarket:
    return ChannelEngineMarket()


def line_id(market: ChannelEngineMarket, order_id: str, n: int = 0) -> str:
    return str(market.book(order_id)["lines"][n]["line_id"])


def full_market(market: ChannelEngineMarket) -> None:
    """Something in every list."""
    order_id = market.shipped()
    market.portal.open_return(order_id, [(line_id(market, order_id), 1)], "PRODUCT_DEFECT")
    market.buy()


def test_every_list_is_read_and_every_record_understood(market: ChannelEngineMarket) -> None:
    full_market(market)
    for name in CODES:
        sweep = market.sweep(name)
        assert sweep.problem is None, (name, sweep.problem)
        assert sweep.records or name == "notifications", name
        for record in sweep.records:
            seen = market.seen(record)
            assert type(seen).__name__.endswith("Seen"), (name, seen)
            assert record.flow
            assert ":" in record.root


def test_an_order_just_placed_is_imported_only_when_we_say_so(market: ChannelEngineMarket) -> None:
    order_id = market.buy(("ATLAS", 2), ("CHART", 1), channel_id=21)
    seen = market.seen_order(order_id)
    assert isinstance(seen, OrderSeen)
    book = market.book(order_id)
    assert (seen.state, seen.commercial_id, seen.currency) == (LegState.AWAITING_ACCEPTANCE, order_id, "EUR")
    assert seen.total_minor == book["total_minor"]
    assert [(one.sku, one.quantity, one.price_minor, one.shipping_minor) for one in seen.lines] == [
        ("ATLAS", 2, 3_998, 299),
        ("CHART", 1, 705, 0),
    ]
    assert [one.order_line_id for one in seen.lines] == [one["line_id"] for one in book["lines"]]
    assert (seen.market, seen.fulfilled_by) == ("bol NL - Kade", "seller")
    assert seen.ship_due_at is not None
    assert seen.deliver_due_at is not None
    assert seen.ship_due_at < seen.deliver_due_at
    market.send("channelengine.acknowledge", acknowledgement(market, order_id))
    assert market.seen_order(order_id).state is LegState.TO_SHIP
    assert order_id not in market.sweep("new-orders").ids


def test_an_order_goes_through_its_states(market: ChannelEngineMarket) -> None:
    order_id = market.acknowledged(("ATLAS", 1), ("CHART", 1))
    lines = [{"line_id": line_id(market, order_id), "quantity": 1, "sku": "ATLAS"}]
    market.send("channelengine.ship", parcel(market, order_id, "1", lines=lines))
    seen = market.seen_order(order_id)
    assert seen.state is LegState.PART_SHIPPED
    assert [one.state for one in seen.lines] == [LineState.SHIPPED, LineState.TO_SHIP]
    rest = [{"line_id": line_id(market, order_id, 1), "quantity": 1, "sku": "CHART"}]
    payload = {"order_id": order_id, "our_number": market.number(order_id), "cancellation": "X", "reason": "other"}
    market.send("channelengine.cancel", {**payload, "lines": rest})
    seen = market.seen_order(order_id)
    assert seen.state is LegState.SHIPPED
    assert [one.cancelled_qty for one in seen.lines] == [0, 1]


def test_an_unpaid_order_is_seen_and_waits(market: ChannelEngineMarket) -> None:
    order_id = market.buy(pending=True)
    assert market.seen_order(order_id).state is LegState.ON_HOLD
    market.portal.release(order_id)
    assert market.seen_order(order_id).state is LegState.AWAITING_ACCEPTANCE


def test_orders_a_channel_fulfils_bind_nobody(market: ChannelEngineMarket) -> None:
    order_id = market.buy(fulfilled_by="channel")
    assert market.seen_order(order_id).fulfilled_by == "marketplace"


def test_a_buyer_who_wants_it_cancelled_is_heard(market: ChannelEngineMarket) -> None:
    order_id = market.acknowledged()
    assert not market.seen_order(order_id).cancel_asked
    market.portal.ask_cancel(order_id)
    assert market.seen_order(order_id).cancel_asked


def test_a_return_knows_its_order_by_our_own_number(market: ChannelEngineMarket) -> None:
    order_id = market.shipped()
    one = line_id(market, order_id)
    return_id = market.portal.open_return(order_id, [(one, 1)], "WRONG_SIZE")
    (record,) = market.sweep("returns").records
    seen = market.seen(record)
    assert isinstance(seen, ReturnSeen)
    assert (seen.return_id, seen.order_id, seen.lines, seen.reason) == (return_id, order_id, {one: 1}, "WRONG_SIZE")
    assert (seen.state, record.root) == ("requested", f"basket:{order_id}")
    market.portal.withdraw_return(return_id)
    (record,) = market.sweep("returns").records
    assert market.seen(record).state == "cancelled"


def test_a_product_is_live_when_one_channel_shows_it(market: ChannelEngineMarket) -> None:
    market.portal.suppress("CHART", "E", "no image", "ImageUrl", channel_id=21)
    market.portal.suppress("LENS", "E", "no image", "ImageUrl")
    market.send("channelengine.submit-product", product())
    seen = {one.sku: one for one in map(market.seen, market.sweep("listings").records)}
    assert all(isinstance(one, ListingSeen) for one in seen.values())
    assert {sku: one.state for sku, one in seen.items()} == {
        "ATLAS": ListingState.LIVE,
        "CHART": ListingState.LIVE,
        "LENS": ListingState.SUPPRESSED,
        "GLOBE": ListingState.ACCEPTED,
    }
    assert (seen["ATLAS"].price_minor, seen["ATLAS"].currency, seen["ATLAS"].quantity) == (1_999, "EUR", 10_000)
    assert [(one.code, one.severity) for one in seen["CHART"].issues] == [("NOT_PUBLISHED", "warning")]
    assert [one.severity for one in seen["LENS"].issues] == ["error", "error"]


def test_products_on_many_pages_are_put_together(market: ChannelEngineMarket) -> None:
    market.portal.seed([replace(PRODUCTS[0], sku=f"X{n:03d}") for n in range(150)])
    sweep = market.sweep("listings")
    assert sweep.problem is None
    assert len(sweep.pages) == 1 + 2 * 2
    assert len(set(sweep.ids)) == 153
    assert all(len(msgspec.json.decode(one.body)["channels"]) == 2 for one in sweep.records)


@pytest.mark.parametrize("orders", [1, 99, 100, 101, 205])
def test_a_list_of_any_length_is_read_to_its_end(market: ChannelEngineMarket, orders: int) -> None:
    expected = [market.buy(("CHART", 1)) for _ in range(orders)]
    sweep = market.sweep("orders")
    assert sweep.problem is None
    assert sorted(sweep.ids) == sorted(expected)


def test_what_changed_is_read_again_and_what_did_not_is_not(market: ChannelEngineMarket) -> None:
    old = market.buy()
    market.move(hours=2)
    new = market.buy()
    first = market.sweep("orders")
    assert set(first.ids) == {old, new}
    assert set(market.sweep("orders", first.cursor).ids) == {new}
    market.move(hours=2)
    market.portal.cancel(old)
    assert old in market.sweep("orders", first.cursor).ids


def test_an_order_the_sweep_has_missed_is_found_among_the_new(market: ChannelEngineMarket) -> None:
    missed = market.buy()
    market.move(hours=3)
    assert missed not in market.sweep("orders", START.replace(hour=15).isoformat()).ids
    assert missed in market.sweep("new-orders").ids


def test_a_run_that_stopped_in_the_middle_goes_on_there(market: ChannelEngineMarket) -> None:
    expected = [market.buy(("CHART", 1)) for _ in range(250)]
    source: Any = market.channel.sources["orders"]
    short = replace(source, row=msgspec.structs.replace(source.row, pages_max=2))
    first = Sweep.of(short.fetch(market.ctx, None))
    assert len(first.ids) == 200
    rest = market.sweep("orders", first.cursor)
    assert {*first.ids, *rest.ids} == set(expected)
    assert rest.cursor is not None
    assert "|" not in rest.cursor


def test_a_list_that_shrinks_while_it_is_read_is_read_again(market: ChannelEngineMarket) -> None:
    expected = [market.buy(("CHART", 1)) for _ in range(150)]
    cursor = f"{START.isoformat()}|{START.isoformat()}|2|151"
    sweep = market.sweep("orders", cursor)
    assert sweep.problem is None
    assert set(sweep.ids) == set(expected)


@pytest.mark.parametrize("name", sorted(CODES))
@in_every_trouble
def test_a_list_in_trouble_says_so_moves_nothing_and_is_whole_again(
    market: ChannelEngineMarket, name: str, kind: str, code: ProblemCode
) -> None:
    full_market(market)
    market.trouble(CODES[name], kind, 9)
    sweep = market.sweep(name)
    problem = next(page.problem for page in sweep.pages if page.problem)
    assert problem.code is code
    if kind == "429":
        assert problem.after_s == 9
    assert (sweep.cursor, sweep.records) == (None, [])
    assert market.sweep(name).problem is None


def test_orders_of_returns_that_cannot_be_had_leave_the_returns_for_the_next_run(market: ChannelEngineMarket) -> None:
    full_market(market)
    market.trouble("OrderGetByFilter", "503")
    sweep = market.sweep("returns")
    assert sweep.problem is not None
    assert (sweep.records, sweep.cursor) == ([], None)
    assert market.sweep("returns").records


@pytest.mark.parametrize("name", sorted(CODES))
def test_a_key_refused_in_the_middle_is_tried_once_more(market: ChannelEngineMarket, name: str) -> None:
    full_market(market)
    market.trouble(CODES[name], "expired-token")
    assert market.sweep(name).problem is None


def test_a_key_that_stays_refused_is_a_problem_of_its_own(market: ChannelEngineMarket) -> None:
    market.access.secrets["apikey"] = lambda: "wrong"  # type: ignore[index]
    channel = connect("channelengine", market.access)
    problem = channel.check(market.ctx)
    assert problem is not None
    assert problem.code is ProblemCode.CREDENTIALS_REFUSED
    assert "wrong" not in problem.words.replace("is wrong", "")
    assert market.channel.check(market.ctx) is None


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("orders", "Status"),
        ("new-orders", "Status"),
        ("returns", "Status"),
        ("listings", "ChannelStatus"),
        ("listings", "ExportStatus"),
    ],
)
def test_a_word_nobody_published_parks_its_record_and_no_other(
    market: ChannelEngineMarket, name: str, field: str
) -> None:
    full_market(market)
    market.trouble(CODES[name], "unknown-enum", field)
    sweep = market.sweep(name)
    assert sweep.problem is None
    seen = [market.seen(record) for record in sweep.records]
    strange = [
        one for one in seen if isinstance(one, Unrecognised) or isinstance(getattr(one, "state", None), Unrecognised)
    ]
    assert len(strange) == 1
    assert not any(isinstance(one, Malformed) for one in seen)


@pytest.mark.parametrize(
    "body",
    ["{}", "[]", "null", "", '{"Content":null,"TotalCount":0}', '{"Content":[]}', '{"Content":5,"TotalCount":1}'],
)
@pytest.mark.parametrize("name", ["orders", "returns", "notifications"])
def test_an_answer_that_is_not_a_list_is_a_problem_and_no_crash(
    market: ChannelEngineMarket, name: str, body: str
) -> None:
    sweep = Sweep.of(market.channel.sources[name].fetch(make_ctx(Answers(said(200, body)), market.clock), None))
    assert sweep.problem is not None
    assert sweep.problem.code is ProblemCode.UNREADABLE


def test_a_no_called_success_is_a_problem_of_a_list_too(market: ChannelEngineMarket) -> None:
    body = '{"Success":false,"StatusCode":500,"Message":"maintenance"}'
    ctx = make_ctx(Answers(said(200, body)), market.clock)
    sweep = Sweep.of(market.channel.sources["orders"].fetch(ctx, None))
    assert sweep.problem is not None
    assert sweep.problem.code is ProblemCode.SYSTEM_DOWN


def test_one_order_is_looked_up_by_its_id_before_and_after_it_is_ours(market: ChannelEngineMarket) -> None:
    order_id, other = market.buy(), market.buy()
    lookup = market.channel.lookups["order"]
    for _ in range(2):
        page = lookup.one(market.ctx, order_id)
        assert page.problem is None
        assert [one.external_id for one in page.received] == [order_id]
        market.send("channelengine.acknowledge", acknowledgement(market, order_id))
    assert lookup.one(market.ctx, "no-such").received == ()
    assert market.book(other)["state"] == "NEW"


# ── webhooks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_happens_there_is_told_and_points_at_what_to_read_again(market: ChannelEngineMarket) -> None:
    webhook = market.channel.webhook
    assert webhook is not None
    order_id = market.shipped()
    market.portal.open_return(order_id, [(line_id(market, order_id), 1)], "PRODUCT_DEFECT")
    market.move(minutes=1)
    found: dict[str, set[str]] = {}
    for request in market.webhooks:
        assert isinstance(webhook.verify(market.clock.machine(), request.headers, request.body), Verified)
        for record in webhook.split(request.body):
            hint = market.seen(record)
            assert isinstance(hint, Hint)
            found.setdefault(hint.kind, set()).add(hint.external_id)
    assert set(found) == {"orders", "return"}
    lookup = market.channel.lookups["orders"]
    read = {one.external_id for since in found["orders"] for one in lookup.one(market.ctx, since).received}
    assert order_id in read
    assert "returns" in market.channel.sources


def test_a_forged_event_is_turned_away_and_one_nobody_can_read_is_kept(market: ChannelEngineMarket) -> None:
    webhook = market.channel.webhook
    assert webhook is not None
    market.buy()
    market.move(minutes=1)
    request = market.webhooks[0]
    now = market.clock.machine()
    assert isinstance(webhook.verify(now, request.headers, request.body + b" "), Forged)
    assert isinstance(webhook.verify(now, {}, request.body), Forged)
    assert isinstance(webhook.verify(now.replace(year=2027), request.headers, request.body), Forged)
    for body in (
        b"",
        b"[]",
        b'{"id":"1","type":"surprise","updatedSince":"1"}',
        b'{"id":"1","type":"orders","updatedSince":"soon"}',
    ):
        assert [one.kind for one in webhook.split(body)] == [MALFORMED]
    assert webhook.split(b'{"id":"1","type":"products","updatedSince":"1"}') == ()
