"""Mirakl's lists against the sandbox: everything is found, nothing moves the cursor that should not."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import msgspec
import pytest
from connectors.market import START, Answers, Market, Sweep, make_ctx, said
from connectors.troubles import in_every_trouble

from entrepot.connectors.port import Page, ProblemCode, Source
from entrepot.kernel.http import HttpAnswer, NoAnswer, NotReached
from entrepot.kernel.outcome import Unrecognised
from entrepot.trade.order.model import OrderSeen
from entrepot.trade.order.states import LegState

LISTS = ["orders", "debits", "refunds", "returns", "shipments", "cycles", "transactions", "shops", "offers"]
CODES = {
    "orders": "OR11",
    "debits": "PA11",
    "refunds": "PA12",
    "returns": "RT11",
    "shipments": "ST11",
    "cycles": "SBC11",
    "transactions": "TL02",
    "shops": "S20",
    "offers": "OF51",
}


def many_orders(market: Market, baskets: int) -> list[str]:
    orders = []
    for _ in range(baskets):
        orders += market.buy((101, 1))
        market.clock.advance(1)
    return orders


def full_market(market: Market) -> Market:
    """Something in every list."""
    (order_id,) = market.buy((101, 2))
    market.pay(order_id)
    market.portal.ship_part(order_id, {f"{order_id}-1": 2}, "DHL", "JD01")
    market.portal.receive(order_id)
    market.portal.create_return(order_id, {f"{order_id}-1": 1}, "DEFECTIVE")
    market.move(days=10)
    market.portal.refund(order_id, f"{order_id}-1", 500, "RETURNED")
    (other,) = market.buy((201, 1))
    market.accept_all(other)
    return market


def test_every_list_is_read_and_every_record_understood(market: Market) -> None:
    full_market(market)
    for name in LISTS:
        sweep = market.sweep(name)
        assert sweep.problem is None
        assert sweep.records, name
        for record in sweep.records:
            seen = market.seen(record)
            assert type(seen).__name__.endswith(("Seen", "Asked")), (name, seen)
            assert record.flow
            assert ":" in record.root


def test_an_order_names_its_seller(market: Market) -> None:
    market.buy((201, 1))
    seen = market.seen(market.sweep("orders").records[0])
    assert (seen.seller_id, seen.seller_name) == ("2002", "Quay Cameras")


def test_an_order_and_what_hangs_on_it_are_decided_in_order_with_its_basket(market: Market) -> None:
    full_market(market)
    for name in ("orders", "debits", "refunds", "returns", "shipments"):
        assert {record.root.partition("-")[0] for record in market.sweep(name).records} == {"basket:C"}, name


def test_lines_of_a_closed_cycle_are_decided_in_order_with_it(market: Market) -> None:
    full_market(market)
    (cycle,) = {
        record.root for record in market.sweep("cycles").records if "2001" in str(market.seen(record).seller_id)
    }
    roots = Counter(record.root for record in market.sweep("transactions").records)
    assert roots[cycle] >= 4


@pytest.mark.parametrize("orders", [1, 99, 100, 101, 199, 205])
def test_a_list_of_any_length_is_read_to_its_end(market: Market, orders: int) -> None:
    expected = many_orders(market, orders)
    sweep = market.sweep("orders")
    assert sweep.problem is None
    assert set(sweep.ids) == set(expected)
    assert all(len(page.received) <= 100 for page in sweep.pages)


def test_each_page_begins_with_the_last_record_of_the_one_before(market: Market) -> None:
    many_orders(market, 205)
    pages = market.sweep("orders").pages
    assert len(pages) == 3
    for before, after in pairwise(pages):
        assert before.received[-1].body == after.received[0].body


@pytest.mark.parametrize("by", [1, -1, 3])
def test_a_list_that_moves_while_it_is_read_is_read_again_at_once(market: Market, by: int) -> None:
    expected = many_orders(market, 250)
    market.trouble("OR11", "page-shift", by)
    sweep = market.sweep("orders")
    assert market.world.faults.fired["page-shift", "OR11"] == 1
    assert sweep.problem is None
    assert set(sweep.ids) == set(expected)
    assert sweep.cursor is not None
    assert "|" not in sweep.cursor


def test_a_list_that_keeps_moving_is_said_to_move_and_is_resumed_in_the_next_run(market: Market) -> None:
    expected = many_orders(market, 150)
    market.trouble("OR11", "page-shift", 1)
    market.trouble("OR11", "page-shift", 1)
    sweep = market.sweep("orders")
    assert sweep.problem is not None
    assert sweep.problem.code is ProblemCode.SHIFTED
    again = market.sweep("orders", sweep.cursor)
    assert again.problem is None
    assert {*sweep.ids, *again.ids} == set(expected)


def test_a_long_list_cut_off_by_a_ceiling_is_continued_where_it_stopped(market: Market) -> None:
    expected = many_orders(market, 350)
    source = market.mirakl.sources["orders"]
    cursor, seen = None, list[str]()
    for _ in range(4):
        page = next(source.fetch(market.ctx, cursor))
        seen += [record.external_id for record in page.received]
        cursor = page.cursor
    assert set(seen) == set(expected)
    assert len(seen) == 350 + 3
    assert cursor is not None
    assert "|" not in cursor


def test_a_list_that_moved_between_two_runs_is_read_again_from_its_start(market: Market) -> None:
    expected = many_orders(market, 150)
    first = next(market.mirakl.sources["orders"].fetch(market.ctx, None))
    market.trouble("OR11", "page-shift", 1)
    rest = market.sweep("orders", first.cursor)
    assert rest.problem is None
    assert set(rest.ids) == set(expected)
    assert rest.pages[0].cursor == rest.pages[1].cursor.partition("|")[0] if rest.pages[1].cursor else False


def test_the_next_sweep_reads_a_little_of_what_was_read_before_and_all_that_is_new(market: Market) -> None:
    many_orders(market, 3)
    first = market.sweep("orders")
    market.move(hours=1)
    market.accept_all("C-002-A")
    second = market.sweep("orders", first.cursor)
    market.move(hours=1)
    third = market.sweep("orders", second.cursor)
    assert "C-002-A" in second.ids
    assert third.ids == ["C-002-A"]
    assert second.cursor is not None
    assert first.cursor is not None
    assert second.cursor > first.cursor


def test_the_cursor_follows_their_dates_and_never_our_clock_alone(market: Market) -> None:
    many_orders(market, 2)
    market.move(hours=5)
    sweep = market.sweep("orders")
    assert sweep.cursor == "2026-11-02T08:55:01.000000Z"
    assert market.sweep("orders", sweep.cursor).cursor == sweep.cursor


def test_a_clock_of_theirs_that_is_ahead_does_not_make_us_skip(market: Market) -> None:
    (order_id,) = market.buy((101, 1))
    order = market.portal.order(order_id)
    order.updated_at += timedelta(hours=2)
    order.rendered = None
    cursor = market.sweep("orders").cursor
    assert cursor is not None
    assert cursor <= START.isoformat()


def test_a_list_without_dates_is_read_whole_each_time_and_keeps_no_cursor(market: Market) -> None:
    for order_id in many_orders(market, 120):
        market.accept_all(order_id)
    for _ in range(2):
        sweep = market.sweep("debits")
        assert len(set(sweep.ids)) == 120
        assert sweep.cursor is None


@pytest.mark.parametrize("name", LISTS)
@in_every_trouble
def test_a_page_that_did_not_come_whole_has_a_name_and_moves_no_cursor(
    market: Market, name: str, kind: str, code: ProblemCode
) -> None:
    full_market(market)
    market.trouble(CODES[name], kind, 9)
    sweep = market.sweep(name)
    assert sweep.problem is not None
    assert sweep.problem.code is code
    assert sweep.cursor is None
    assert sweep.problem.after_s == (9 if kind == "429" else None)
    if code is ProblemCode.UNREADABLE:
        assert sweep.pages[-1].body
    assert market.sweep(name).problem is None


def test_a_failure_on_a_later_page_keeps_what_was_read_and_goes_on_from_there(market: Market) -> None:
    expected = many_orders(market, 150)
    source = market.mirakl.sources["orders"]
    pages = source.fetch(market.ctx, None)
    first = next(pages)
    market.trouble("OR11", "truncated")
    broken = next(pages)
    assert broken.problem is not None
    assert next(pages, None) is None
    rest = market.sweep("orders", first.cursor)
    assert {r.external_id for r in first.received} | set(rest.ids) == set(expected)


def test_a_word_nobody_published_parks_its_record_and_no_other(market: Market) -> None:
    many_orders(market, 3)
    market.trouble("OR11", "unknown-enum", "order_state")
    seen = [market.seen(record) for record in market.sweep("orders").records]
    assert [isinstance(one, OrderSeen) for one in seen] == [True, True, True]
    assert seen[0].state == Unrecognised("order_state", "ON_ICE")
    assert [one.state for one in seen[1:]] == [LegState.AWAITING_ACCEPTANCE] * 2


def test_expired_tokens_are_no_problem_of_a_sweep(market: Market) -> None:
    many_orders(market, 1)
    market.trouble("OR11", "expired-token")
    assert market.sweep("orders").problem is None


def test_a_wrong_key_is_told_as_credentials_refused() -> None:
    market = Market()
    market.mirakl_system.access._callers.clear()
    problem = market.sweep("orders").problem
    assert problem is not None
    assert problem.code is ProblemCode.CREDENTIALS_REFUSED
    assert market.mirakl.check(market.ctx) == problem


def test_the_check_lets_both_roles_in(market: Market) -> None:
    assert market.mirakl.check(market.ctx) is None


# ── seek paging ──────────────────────────────────────────────────────────────────────────────────────────────────────


def log_page(*ids: str, following: str | None) -> HttpAnswer:
    lines = [
        {
            "id": i,
            "type": "PAYMENT",
            "currency_iso_code": "EUR",
            "date_created": "2026-11-01T00:00:00Z",
            "last_updated": f"2026-11-01T00:00:0{n}Z",
            "amount": -1,
        }
        for n, i in enumerate(ids)
    ]
    return said(200, msgspec.json.encode({"data": lines, "next_page_token": following}))


def read(market: Market, answers: Answers, cursor: str | None = None, name: str = "transactions") -> Sweep:
    source: Source = market.mirakl.sources[name]
    return Sweep.of(source.fetch(make_ctx(answers, market.clock), cursor))


def test_a_token_list_is_continued_where_the_last_run_stopped(market: Market) -> None:
    first = market.mirakl.sources["transactions"].fetch(
        make_ctx(Answers(log_page("1", "2", following="t1")), market.clock), None
    )
    cursor = next(first).cursor
    assert cursor is not None
    assert cursor.endswith("|t1")
    answers = Answers(log_page("3", following=None))
    rest = read(market, answers, cursor)
    assert ("page_token", "t1") in answers.sent[0].query
    assert rest.ids == ["3"]
    assert rest.cursor == "2026-10-31T23:00:01.000000Z"


def test_a_page_token_that_is_over_starts_the_period_anew(market: Market) -> None:
    answers = Answers(said(400, '{"status":400,"message":"bad token"}'), log_page("1", following=None))
    cursor = "2026-10-01T00:00:00.000000Z|2026-10-02T00:00:00.000000Z|old"
    sweep = read(market, answers, cursor)
    assert sweep.problem is None
    assert "page_token" not in dict(answers.sent[1].query)
    assert dict(answers.sent[1].query)["last_updated_from"] == "2026-10-01T00:00:00.000000Z"


def test_page_tokens_that_go_round_in_a_circle_end_the_run(market: Market) -> None:
    answers = Answers(*(log_page(str(n), following="ab"[n % 2]) for n in range(10)))
    sweep = read(market, answers)
    assert sweep.problem is not None
    assert sweep.problem.code is ProblemCode.UNREADABLE
    assert len(answers.sent) == 3


def test_a_run_ends_after_as_many_pages_as_the_manifest_allows(market: Market) -> None:
    answers = Answers(*(log_page(str(n), following=f"t{n}") for n in range(100)))
    sweep = read(market, answers)
    assert sweep.problem is None
    assert len(sweep.pages) == 20
    assert sweep.cursor is not None
    assert sweep.cursor.endswith("|t19")


@pytest.mark.parametrize(
    "body",
    ["", "{}", "[]", "null", '{"data":{}}', '{"data":[1,', '{"data":null}', '{"data":[],"next_page_token":5}', "[" * 100_000, "\ufeff{}"],
)  # fmt: skip
def test_a_page_of_another_shape_is_unreadable_and_kept(market: Market, body: str) -> None:
    sweep = read(market, Answers(said(200, body)))
    assert sweep.problem is not None
    assert sweep.problem.code is ProblemCode.UNREADABLE
    assert sweep.pages[0].body == body.encode()
    assert sweep.cursor is None


@pytest.mark.parametrize("answer", [NoAnswer("reset"), NotReached("closed port")])
def test_a_network_failure_has_a_name(market: Market, answer: HttpAnswer) -> None:
    problem = read(market, Answers(answer)).problem
    assert problem is not None
    assert problem.code in (ProblemCode.NO_ANSWER, ProblemCode.NOT_REACHED)


def test_a_record_that_names_no_id_is_kept_as_malformed_and_its_neighbours_go_on(market: Market) -> None:
    good = b'{"id":"1","last_updated":"2026-11-01T00:00:00Z","type":"PAYMENT"}'
    rows = [
        good,
        b"5",
        b'{"id":7}',
        b'{"last_updated":"2026-11-01T00:00:00Z"}',
        b'{"id":"2","last_updated":"yesterday"}',
        good.replace(b'"1"', b'"9"'),
    ]
    sweep = read(market, Answers(said(200, b'{"data":[' + b",".join(rows) + b'],"next_page_token":null}')))
    assert sweep.problem is None
    assert [record.kind for record in sweep.records] == ["transaction", *["malformed"] * 4, "transaction"]
    assert [record.position for record in sweep.records] == [0, 1, 2, 3, 4, 5]
    assert sweep.records[1].body == b"5"
    assert len(set(sweep.ids)) == 6


# ── canonical content ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_order_on_a_page_by_its_id_and_in_a_webhook_is_the_same_content(market: Market) -> None:
    (order_id,) = market.buy((101, 1))
    market.move(seconds=5)
    listed = market.sweep("orders").records[0]
    looked = market.mirakl.lookups["order"].one(market.ctx, order_id).received[0]
    assert market.mirakl.webhook is not None
    told = market.mirakl.webhook.split(market.webhooks[-1].body)[0]
    assert listed == looked == told


def test_content_is_the_same_however_it_is_spelt(market: Market) -> None:
    one = b'{"id":"1","last_updated":"2026-11-01T00:00:00Z","amount":10.10}'
    other = b'{ "amount" : 10.10,\n "last_updated":"2026-11-01T00:00:00Z", "id":"\\u0031"}'
    bodies = [read(market, Answers(said(200, b'{"data":[' + row + b"]}"))).records[0].body for row in (one, other)]
    assert bodies[0] == bodies[1]
    assert b"10.10" in bodies[0]


def test_an_order_nobody_knows_is_told_as_refused(market: Market) -> None:
    page: Page = market.mirakl.lookups["order"].one(market.ctx, "C-404-A")
    assert page.problem is not None
    assert page.problem.code is ProblemCode.REFUSED


def test_reading_asks_for_no_more_than_one_page_at_a_time(market: Market) -> None:
    many_orders(market, 150)
    before = market.world.calls["mirakl", "OR11"]
    pages: Iterator[Page] = market.mirakl.sources["orders"].fetch(market.ctx, None)
    assert market.world.calls["mirakl", "OR11"] == before
    next(pages)
    assert market.world.calls["mirakl", "OR11"] == before + 1
