"""Channel orders as legs of ours, and the one pool of stock they reserve from: kept in real tables."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.flows.stock_events import batch_of
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.trade.order import channel
from entrepot.trade.order.book import Book
from entrepot.trade.order.channel import Channel
from entrepot.trade.order.model import LineSeen, OrderSeen
from entrepot.trade.order.rules import Conflict
from entrepot.trade.order.service import Applied
from entrepot.trade.order.states import LegState, LineState
from entrepot.trade.order.store import flush, load
from entrepot.trade.stock import store as stock
from entrepot.trade.stock.model import PriceSeen, StockSeen

AMAZON = Channel("amazon-de/main", "amazon_order_id")
T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def line(line_id: str = "1", quantity: int = 3, price: int = 3_000, state: LineState = LineState.TO_SHIP, **more: Any) -> LineSeen:  # fmt: skip
    return LineSeen(line_id, "", f"SKU-{line_id}", "Lamp", "", quantity, price, 0, 0, 0, 0, state, "theirs", **more)


def order(*lines: LineSeen, state: LegState = LegState.TO_SHIP, after: int = 0, **more: Any) -> OrderSeen:
    at = T0 + timedelta(minutes=after)
    given: dict[str, Any] = {"decided_at": None, "ship_due_at": T0 + timedelta(days=2), "debited_at": None, **more}
    kept = lines or (line(),)
    return OrderSeen("302-1", "302-1", "us", "", state, "theirs", "EUR", sum(one.price_minor for one in kept), kept, T0, at, **given)  # fmt: skip


def see(ctx: Ctx, book: Book, seen: OrderSeen) -> Applied:
    applied = channel.apply_order(book, ctx, AMAZON, seen, "msg_1")
    assert isinstance(applied, Applied), applied
    return applied


def test_a_channel_order_is_a_leg_that_is_paid_and_known_by_the_channels_own_word(ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        book = load(conn, AMAZON.account, ["302-1"])
        see(ctx, book, order())
        assert flush(conn, ctx, book) == []
        leg = load(conn, AMAZON.account, ["302-1"]).baskets["302-1"].legs["302-1"]
        row = conn.execute("SELECT scheme, object FROM identifier WHERE value = '302-1' AND object = 'leg'").fetchone()
    assert (leg.debited_minor, leg.accepted_minor, leg.state) == (3_000, 3_000, LegState.TO_SHIP)
    assert row == {"scheme": "amazon_order_id", "object": "leg"}


def test_an_order_on_hold_may_still_change_and_owes_nothing(ctx: Ctx) -> None:
    book = Book()
    held = see(ctx, book, order(line(price=0, state=LineState.ON_HOLD), state=LegState.ON_HOLD))
    assert held.leg.debited_minor == 0
    paid = see(ctx, book, order(line(quantity=2, price=2_500), line("2", 1, 700), after=5))
    assert paid.was is LegState.ON_HOLD
    assert (paid.leg.ordered_minor, paid.leg.debited_minor, sorted(paid.leg.lines)) == (3_200, 3_200, ["1", "2"])
    assert paid.basket.ordered_minor == 3_200


@pytest.mark.parametrize(
    ("told", "kept"), [(2_000, True), (3_000, True), (1_999, True), (1_500, False), (4_000, False)]
)
def test_of_a_line_in_part_cancelled_a_channel_may_show_what_is_left_to_pay(ctx: Ctx, told: int, kept: bool) -> None:
    book = Book()
    see(ctx, book, order())
    less = channel.apply_order(book, ctx, AMAZON, order(line(price=told, cancelled_qty=1), after=1), "msg_2")
    assert isinstance(less, Applied if kept else Conflict)
    if isinstance(less, Applied):
        assert (less.leg.lines["1"].price_minor, less.leg.lines["1"].cancelled_qty) == (3_000, 1)
        assert (less.leg.debited_minor, channel.open_quantities(less.leg)) == (3_000, {"1": 2})


def test_once_it_is_payable_another_price_is_another_order(ctx: Ctx) -> None:
    book = Book()
    see(ctx, book, order())
    again = channel.apply_order(book, ctx, AMAZON, order(line(price=9_999), after=1), "msg_2")
    assert isinstance(again, Conflict) and again.mode == "duplicate-other-content"


def test_older_news_changes_nothing(ctx: Ctx) -> None:
    book = Book()
    see(ctx, book, order(line(shipped_qty=3, state=LineState.SHIPPED), state=LegState.SHIPPED, after=9))
    assert isinstance(channel.apply_order(book, ctx, AMAZON, order(after=1), "msg_2"), str)
    assert book.baskets["302-1"].legs["302-1"].state is LegState.SHIPPED


@given(counts=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=8))
def test_quantities_a_channel_counts_never_go_back_and_never_exceed_the_order(counts: list[tuple[int, int]]) -> None:
    one = channel._line("leg_1", "lin_1", line(quantity=5))
    before = (0, 0)
    for shipped, cancelled in counts:
        channel.count_line(one, line(quantity=5, shipped_qty=shipped, cancelled_qty=cancelled))
        assert one.shipped_qty + one.cancelled_qty <= one.accepted_qty <= one.quantity
        assert one.cancelled_qty >= before[1]
        before = (one.shipped_qty, one.cancelled_qty)


# ── stock ────────────────────────────────────────────────────────────────────────────────────────────────────


def pool(quantity: int, version: int, at: datetime = T0, location: str = "HAM") -> StockSeen:
    return StockSeen("SKU-1", location, quantity, version, at)


def kept(conn: Conn, seen: Sequence[StockSeen | PriceSeen]) -> set[str]:
    """Articles of which something changed."""
    told = batch_of("backoffice/main", seen)
    stale = stock.stock_kept(conn, told.stock, T0) | stock.prices_kept(conn, told.prices, T0)
    return {sku for sku, _ in {*told.stock, *told.prices} - stale}


def test_only_a_newer_word_about_stock_or_price_counts(ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        assert kept(conn, [pool(5, 2), pool(9, 1)]) == {"SKU-1"}
        assert kept(conn, [pool(7, 1)]) == set()
        assert stock.available(conn, ["SKU-1"]) == {"SKU-1": (5, T0)}
        price = PriceSeen("SKU-1", "*", 999, "EUR", 1, T0)
        assert kept(conn, [price]) == {"SKU-1"} and kept(conn, [price]) == set()


def test_what_is_ordered_on_one_channel_is_not_offered_on_another(ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        kept(conn, [pool(5, 1), pool(2, 1, location="MUC")])
        leg_id, line_id = _leg(ctx, conn)
        assert stock.reserve(conn, {line_id: (leg_id, "SKU-1", 3)}, T0) == {"SKU-1"}
        assert stock.available(conn, ["SKU-1"])["SKU-1"][0] == 4
        assert stock.reserve(conn, {line_id: (leg_id, "SKU-1", 3)}, T0) == set()


def test_a_shipped_piece_counts_until_the_warehouse_has_counted_it_out(ctx: Ctx) -> None:
    left_at = T0 + timedelta(hours=1)
    with ctx.db.transaction() as conn:
        kept(conn, [pool(5, 1)])
        leg_id, line_id = _leg(ctx, conn)
        stock.reserve(conn, {line_id: (leg_id, "SKU-1", 3)}, T0)
        stock.end_reservations(conn, [line_id], left_at, shipped=True)
        assert stock.available(conn, ["SKU-1"])["SKU-1"][0] == 2  # their word is older than the parcel
        kept(conn, [pool(2, 2, left_at + timedelta(minutes=1))])
        assert stock.available(conn, ["SKU-1"])["SKU-1"][0] == 2


def test_a_cancelled_piece_is_free_at_once_and_what_is_missing_is_told(ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        kept(conn, [pool(2, 1)])
        leg_id, line_id = _leg(ctx, conn)
        stock.reserve(conn, {line_id: (leg_id, "SKU-1", 3)}, T0)
        assert stock.oversold(conn, ["SKU-1"]) == {"SKU-1": 1}
        assert stock.available(conn, ["SKU-1"])["SKU-1"][0] == 0
        stock.end_reservations(conn, [line_id], T0, shipped=False)
        assert stock.oversold(conn, ["SKU-1"]) == {} and stock.available(conn, ["SKU-1"])["SKU-1"][0] == 2


def _leg(ctx: Ctx, conn: Any) -> tuple[str, str]:
    book = load(conn, AMAZON.account, ["302-1"])
    leg = see(ctx, book, order()).leg
    flush(conn, ctx, book)
    return leg.id, leg.lines["1"].id


@pytest.mark.parametrize("state", [LegState.CANCELLED, LegState.ON_HOLD])
def test_nothing_is_open_of_an_order_that_is_lost_or_held(ctx: Ctx, state: LegState) -> None:
    lines = line(state=LineState.CANCELLED if state is LegState.CANCELLED else LineState.ON_HOLD)
    assert channel.open_quantities(see(ctx, Book(), order(lines, state=state)).leg) == {}
