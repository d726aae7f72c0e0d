"""eBay's lists on a bad day, and page by page: nothing moves the cursor that should not."""

import pytest
from connectors.ebay.lists import CODES, DEEPER, full, many, small_pages
from connectors.ebay.shop import SYSTEM, Shop
from connectors.market import Answers, Sweep, make_ctx, said

from entrepot.connectors.port import Problem, ProblemCode
from entrepot.kernel.outcome import Unrecognised
from entrepot.money.settlement.model import CycleSeen, StatementLineSeen
from entrepot.sandbox.faults import Fault

# -- faults --------------------------------------------------------------------------------------------------------

TROUBLE = {
    "429": ProblemCode.RATE_LIMITED,
    "503": ProblemCode.SYSTEM_DOWN,
    "html": ProblemCode.UNREADABLE,
    "truncated": ProblemCode.UNREADABLE,
    "timeout-before": ProblemCode.NO_ANSWER,
    "timeout-after": ProblemCode.NO_ANSWER,
}


@pytest.mark.parametrize("name", sorted(CODES))
def test_a_list_that_fails_says_why_and_moves_nothing(shop: Shop, name: str) -> None:
    full(shop)
    whole = shop.sweep(name)
    for code in filter(None, (CODES[name], DEEPER.get(name, ""))):
        for kind, expected in TROUBLE.items():
            shop.trouble(code, kind, 7)
            sweep = shop.sweep(name)
            assert isinstance(sweep.problem, Problem), (code, kind)
            assert sweep.problem.code is expected
            assert kind != "429" or sweep.problem.after_s == 7
            assert sweep.cursor is None
    assert sorted(shop.sweep(name).ids) == sorted(whole.ids)


@pytest.mark.parametrize("name", sorted(CODES))
def test_a_token_refused_in_the_middle_is_renewed_once(shop: Shop, name: str) -> None:
    full(shop)
    whole = shop.sweep(name)
    for code in (CODES[name], DEEPER.get(name, "")):
        if code:
            shop.trouble(code, "expired-token")
            sweep = shop.sweep(name)
            assert sweep.problem is None
            assert sorted(sweep.ids) == sorted(whole.ids)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("orders", "orderFulfillmentStatus"),
        ("orders", "orderPaymentStatus"),
        ("returns", "state"),
        ("cancellations", "cancelStatus"),
        ("payouts", "payoutStatus"),
        ("standards", "standardsLevel"),
    ],
)
def test_a_word_nobody_published_parks_its_record_alone(shop: Shop, name: str, field: str) -> None:
    full(shop)
    whole = shop.sweep(name)
    shop.trouble(CODES[name], "unknown-enum", field)
    sweep = shop.sweep(name)
    assert sweep.problem is None
    assert len(sweep.records) == len(whole.records)
    seen = [shop.seen(record) for record in sweep.records]
    words = [
        one for one in seen if isinstance(one, Unrecognised) or isinstance(getattr(one, "state", None), Unrecognised)
    ]
    assert len(words) == 1


# -- paging --------------------------------------------------------------------------------------------------------


def test_pages_follow_their_addresses_and_every_order_comes_once(shop: Shop) -> None:
    orders = many(shop, 7)
    sweep = Sweep.of(small_pages(shop, "orders", 3).fetch(shop.ctx, None))
    assert sweep.problem is None
    assert len(sweep.pages) == 3
    assert sorted(sweep.ids) == sorted(orders)


def test_each_page_is_one_call_and_none_before_it_is_asked_for(shop: Shop) -> None:
    full(shop)
    shop.sweep("orders")  # the token is fetched
    for name in ("orders", "disputes", "payouts", "listings"):
        pages = small_pages(shop, name, 2).fetch(shop.ctx, None)
        before = len(shop.http.sent)
        assert len(shop.http.sent) == before
        for n, _ in enumerate(pages, 1):
            assert len(shop.http.sent) == before + n, name


@pytest.mark.parametrize("by", [1, -1])
def test_a_list_that_moved_under_us_is_read_again(shop: Shop, by: int) -> None:
    orders = many(shop, 7)
    shop.world.faults.add(Fault(SYSTEM, "getOrders", 1, "page-shift", by))
    sweep = Sweep.of(small_pages(shop, "orders", 3).fetch(shop.ctx, None))
    assert sweep.problem is None
    assert set(sweep.ids) == set(orders)
    assert sweep.cursor is not None


def test_a_list_that_keeps_moving_is_given_up_and_moves_nothing_on(shop: Shop) -> None:
    many(shop, 7)
    shop.world.faults.add(Fault(SYSTEM, "getOrders", 1, "page-shift", 1, every=1))
    sweep = Sweep.of(small_pages(shop, "orders", 3).fetch(shop.ctx, None))
    assert sweep.problem is not None
    assert sweep.problem.code is ProblemCode.SHIFTED
    assert sweep.pages[-1].cursor is None or sweep.pages[-1].problem is not None


def test_a_long_list_is_continued_where_the_last_run_stopped(shop: Shop) -> None:
    orders = many(shop, 7)
    source = small_pages(shop, "orders", 2, pages_max=2)
    first = Sweep.of(source.fetch(shop.ctx, None))
    second = Sweep.of(source.fetch(shop.ctx, first.cursor))
    assert (len(first.ids), len(second.ids)) == (4, 3)
    assert sorted(first.ids + second.ids) == sorted(orders)


def test_orders_are_found_again_within_the_overlap_and_not_long_after(shop: Shop) -> None:
    (order_id,) = many(shop, 1)
    cursor = shop.sweep("orders").cursor
    assert shop.sweep("orders", cursor).ids == [order_id]
    shop.move(hours=1)
    (later,) = many(shop, 1)
    cursor = shop.sweep("orders", cursor).cursor
    assert shop.sweep("orders", cursor).ids == [later]


def test_post_order_pages_are_counted_by_number(shop: Shop) -> None:
    asked = []
    for order_id in many(shop, 5):
        asked.append(shop.portal.ask_cancel(order_id))
    sweep = Sweep.of(small_pages(shop, "cancellations", 2).fetch(shop.ctx, None))
    assert sweep.problem is None
    assert sorted(sweep.ids) == sorted(asked)
    assert len(sweep.pages) == 3


def test_a_payout_longer_than_a_page_is_read_to_its_end(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    many(shop, 5)
    shop.move(days=3)
    shop.portal.close_period()
    monkeypatch.setattr("entrepot.connectors.ebay.sources.TRANSACTIONS_SIZE", 2)
    seen = shop.seen_in("payouts")
    (cycle,) = [one for one in seen if isinstance(one, CycleSeen)]
    lines = [one for one in seen if isinstance(one, StatementLineSeen)]
    assert sum(line.amount_minor for line in lines) == cycle.their_total_minor


def test_one_record_nobody_can_read_does_not_hold_up_its_neighbours(shop: Shop) -> None:
    token = said(200, '{"access_token":"t","expires_in":7200}')
    body = '{"total":3,"orders":[{"orderId":"A","lastModifiedDate":"2026-11-02T09:00:00Z"},{},{"orderId":7}]}'
    sweep = Sweep.of(shop.channel.sources["orders"].fetch(make_ctx(Answers(token, said(200, body)), shop.clock), None))
    assert sweep.problem is None
    assert [record.kind for record in sweep.records] == ["channel-order", "malformed", "malformed"]
    assert sweep.cursor is not None
