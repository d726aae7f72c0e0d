"""Events of stock and price: only the newest word of each article and place counts, in whatever order, however often and together with whom."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.flows.owners import Owners
from entrepot.flows.stock_events import Kept, keep_each
from entrepot.flows.tellers import Tellers
from entrepot.kernel.ctx import Ctx, Points
from entrepot.proof.plans import plan_of
from entrepot.trade.stock import store
from entrepot.trade.stock.events import Batch, NoList, PriceTold, StockTold, Told, batch, newest, read

RIGHTS = Tellers(Owners(plan_of("syndication")))
T0 = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)


def stock(sku: str = "S-1", version: int = 1, quantity: int | None = None, location: str = "HAM", at: datetime = T0) -> StockTold:  # fmt: skip
    return StockTold(sku, location, version * 10 if quantity is None else quantity, version, at)


def price(sku: str = "S-1", version: int = 1, channel: str = "*") -> PriceTold:
    return PriceTold(sku, channel, 99 + version, "EUR", version, T0)


def lines(*told: Told | bytes) -> bytes:
    return b"\n".join(one if isinstance(one, bytes) else msgspec.json.encode(one) for one in told)


EVENTS = st.lists(
    st.builds(stock, st.sampled_from("abc"), st.integers(0, 9), location=st.sampled_from(["HAM", "LYS"]))
    | st.builds(price, st.sampled_from("abc"), st.integers(0, 9), st.sampled_from(["*", "ebay-de/main"])),
    max_size=40,
)  # what an event says follows from its version, as a system promises that sends versions


def one_by_one(told: Sequence[Told]) -> dict[tuple[str, str, str], Told]:
    kept: dict[tuple[str, str, str], Told] = {}
    for one in told:
        key = (type(one).__name__, one.sku, one.place)
        if key not in kept or kept[key].version < one.version:
            kept[key] = one
    return kept


def as_kept(one: Batch) -> dict[tuple[str, str, str], Any]:
    return {(type(told).__name__, *key): told for kept in (one.stock, one.prices) for key, told in kept.items()}


# ── reading and coalescing ───────────────────────────────────────────────────────────────────────────────────


@given(EVENTS, st.randoms(use_true_random=False), st.integers(1, 5))
def test_coalesced_and_applied_is_the_same_as_one_by_one_in_any_order(
    told: list[Told], random: Any, parts: int
) -> None:
    wanted = one_by_one(told)
    shuffled = told * 2
    random.shuffle(shuffled)
    assert as_kept(batch(shuffled)) == wanted
    batches = [batch(shuffled[n::parts]) for n in range(parts)]
    together = Batch(0, newest(one.stock for one in batches), newest(one.prices for one in batches))
    assert as_kept(together) == wanted


@given(EVENTS)
def test_lines_and_an_array_say_the_same_whether_or_not_a_neighbour_is_malformed(told: list[Told]) -> None:
    assert read(lines(*told)) == read(msgspec.json.encode(told)) == batch(told)
    beside = read(lines(b"{", *told, b'{"kind": "colour"}'))
    assert (beside.stock, beside.prices, beside.events) == (batch(told).stock, batch(told).prices, len(told))
    assert [one.line for one in beside.malformed] == [1, len(told) + 2]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (b"not json", "malformed"),
        (b'{"kind":"stock","sku":"S-1","location":"HAM","version":1,"at":"2026-03-02T07:00:00Z"}', "quantity"),
        (b'{"kind":"stock","sku":"","location":"HAM","quantity":1,"version":1,"at":"2026-03-02T07:00:00Z"}', "sku"),
        (b'{"kind":"stock","sku":"S","location":"HAM","quantity":1.5,"version":1,"at":"2026-03-02T07:00:00Z"}', "quantity"),
        (b'{"kind":"stock","sku":"S","location":"HAM","quantity":1,"version":1,"at":"2026-03-02T07:00:00"}', "at"),
        (b'{"kind":"stock","sku":"S","location":"HAM","quantity":1,"version":1,"at":"0001-01-01T00:00:00Z"}', "time"),
        (b'{"kind":"stock","sku":"a\\u0000b","location":"HAM","quantity":1,"version":1,"at":"2026-03-02T07:00:00Z"}', "U+0000"),
        (b'{"kind":"stock","sku":"a\xff","location":"HAM","quantity":1,"version":1,"at":"2026-03-02T07:00:00Z"}', "utf-8"),
        (b'{"kind":"price","sku":"S","channel":"*","price_minor":0,"currency":"EUR","version":1,"at":"2026-03-02T07:00:00Z"}', "price_minor"),
        (b'{"kind":"price","sku":"S","channel":"*","price_minor":1,"currency":"EURO","version":1,"at":"2026-03-02T07:00:00Z"}', "ISO 4217"),
    ],
)  # fmt: skip
def test_a_malformed_line_is_named_with_its_reason_and_stops_nobody(wrong: bytes, reason: str) -> None:
    told = read(lines(stock("A"), wrong, price("B")))
    assert [(one.line, one.raw) for one in told.malformed] == [(2, wrong)]
    assert reason in told.malformed[0].reason
    assert (set(told.stock), set(told.prices)) == ({("A", "HAM")}, {("B", "*")})


def test_an_element_of_an_array_that_cannot_be_is_named_by_its_place() -> None:
    told = read(b"[" + b",".join([msgspec.json.encode(stock()), b"7", msgspec.json.encode(price())]) + b"]")
    assert [one.line for one in told.malformed] == [2] and told.events == 2


def test_an_array_that_does_not_end_is_no_list() -> None:
    with pytest.raises(NoList):
        read(b"[" + msgspec.json.encode(stock()))


# ── kept in the pool and the price list ──────────────────────────────────────────────────────────────────────


def rows(ctx: Ctx, sql: str) -> list[dict[str, Any]]:
    with ctx.db.transaction() as conn:
        return conn.execute(sql).fetchall()


def known(ctx: Ctx) -> list[tuple[Any, ...]]:
    pool = rows(ctx, "SELECT sku, location, quantity, version FROM stock_pool ORDER BY sku, location")
    listed = rows(ctx, "SELECT sku, channel, price_minor, version FROM price_told_us ORDER BY sku, channel")
    return [tuple(row.values()) for row in (*pool, *listed)]


class Killed(Exception):
    pass


class DiesAt(Points):
    def __init__(self, at: str) -> None:
        super().__init__()
        self.at = at

    def reach(self, name: str) -> None:
        if name == self.at:
            raise Killed


def by(told: Batch, account: str = "backoffice/main") -> Batch:
    return replace(told, account=account)


def tell(ctx: Ctx, *told: Told) -> Kept:
    return keep_each(ctx, RIGHTS, [by(batch(told))])[0]


def test_events_feed_the_pool_and_the_price_list_and_ask_for_their_articles_to_be_looked_at(ctx: Ctx) -> None:
    assert tell(ctx, stock("A", 1), stock("A", 2), stock("B", 1, location="LYS"), price("A", 3)) == Kept(3, 1, 0)
    assert known(ctx) == [("A", "HAM", 20, 2), ("B", "LYS", 10, 1), ("A", "*", 102, 3)]
    assert [row["sku"] for row in rows(ctx, "SELECT sku FROM restock_asked ORDER BY sku")] == ["A", "B"]


def test_what_is_told_twice_changes_nothing_and_counts_as_stale(ctx: Ctx) -> None:
    told = (stock("A", 2), stock("B", 1), price("A", 1))
    tell(ctx, *told)
    before = known(ctx), rows(ctx, "SELECT * FROM restock_asked")
    assert tell(ctx, *told) == Kept(0, 0, 3)
    assert tell(ctx, stock("A", 1)) == Kept(0, 0, 1)
    assert (known(ctx), rows(ctx, "SELECT * FROM restock_asked")) == before


def test_requests_that_share_a_commit_hear_each_of_their_own(ctx: Ctx) -> None:
    tell(ctx, stock("C", 9))
    kept = keep_each(
        ctx,
        RIGHTS,
        [by(batch([stock("A", 1), stock("B", 1)])), by(batch([stock("A", 2), stock("C", 8)])), by(batch([]))],
    )
    assert kept == [Kept(1, 1, 0), Kept(1, 0, 1), Kept(0, 0, 0)]
    assert known(ctx) == [("A", "HAM", 20, 2), ("B", "HAM", 10, 1), ("C", "HAM", 90, 9)]


@pytest.mark.parametrize("seed", range(3))
def test_the_database_ends_the_same_in_whatever_order_and_parts_events_come(ctx: Ctx, seed: int) -> None:
    random = Random(seed)
    told: list[Told] = [stock(random.choice("abcd"), random.randrange(20), location=random.choice(["HAM", "LYS"])) for _ in range(60)]  # fmt: skip
    told += [price(random.choice("abcd"), random.randrange(20)) for _ in range(40)]
    told += random.sample(told, 20)
    random.shuffle(told)
    for at in range(0, len(told), 9):
        tell(ctx, *told[at : at + 9])
    wanted = one_by_one(told).values()
    pool = sorted((one.sku, one.location, one.quantity, one.version) for one in wanted if isinstance(one, StockTold))
    listed = sorted(
        (one.sku, one.channel, one.price_minor, one.version) for one in wanted if isinstance(one, PriceTold)
    )
    assert known(ctx) == [*pool, *listed]


def test_killed_before_the_commit_nothing_is_kept_and_told_again_all_of_it(ctx: Ctx) -> None:
    points = ctx.points
    for at, left in (("events.before-commit", []), ("events.committed", [("A", "HAM", 10, 1)])):
        ctx.points = DiesAt(at)
        with pytest.raises(Killed):
            tell(ctx, stock("A", 1))
        assert known(ctx) == left
    ctx.points = points
    assert tell(ctx, stock("A", 1)) == Kept(0, 0, 1)


def test_a_newer_word_that_says_the_same_makes_the_stock_fresh_again(ctx: Ctx) -> None:
    later = T0 + timedelta(minutes=30)
    tell(ctx, stock("A", 1, quantity=5))
    tell(ctx, stock("A", 2, quantity=5, at=later))
    with ctx.db.transaction() as conn:
        assert store.available(conn, ["A"]) == {"A": (5, later)}


def test_a_word_from_a_wrong_clock_far_ahead_is_as_fresh_as_now(ctx: Ctx) -> None:
    tell(ctx, stock("A", 1, at=ctx.clock.now() + timedelta(days=300)))
    with ctx.db.transaction() as conn:
        assert store.available(conn, ["A"])["A"][1] == ctx.clock.now()


def test_stock_below_zero_is_nothing_to_sell(ctx: Ctx) -> None:
    tell(ctx, stock("A", 1, quantity=5), stock("A", 2, quantity=-3))
    assert known(ctx) == [("A", "HAM", 0, 2)]
