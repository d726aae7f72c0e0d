"""eBay's lists against the sandbox: everything is found, and nothing moves the cursor that should not."""

from collections.abc import Callable
from typing import Any

import pytest
from connectors.ebay.lists import CODES, full
from connectors.ebay.shop import Shop
from connectors.market import Answers, Sweep, make_ctx, said

from entrepot.connectors.ebay.connector import MANIFEST
from entrepot.connectors.ebay.wire import money_url
from entrepot.connectors.port import Access, Ceiling, ProblemCode
from entrepot.connectors.registry import connect
from entrepot.kernel.errors import WrongSetting
from entrepot.kernel.outcome import Done
from entrepot.money.settlement.model import CycleSeen, LineType, StatementLineSeen
from entrepot.trade.dispute.model import CancellationAsked, DisputeSeen
from entrepot.trade.listing.model import HealthSeen, ListingSeen
from entrepot.trade.listing.states import ListingState
from entrepot.trade.order.model import ChannelRefundSeen, OrderSeen, ReturnSeen
from entrepot.trade.order.states import LegState, LineState

SEEN = {
    "orders": {OrderSeen},
    "returns": {ReturnSeen},
    "cancellations": {CancellationAsked},
    "disputes": {DisputeSeen},
    "payouts": {CycleSeen, StatementLineSeen, ChannelRefundSeen},
    "transactions": {StatementLineSeen, ChannelRefundSeen},
    "listings": {ListingSeen},
    "standards": {HealthSeen},
    "quotas": {HealthSeen},
}


# -- what is found -------------------------------------------------------------------------------------------------


def test_every_list_is_read_and_every_record_understood(shop: Shop) -> None:
    full(shop)
    for name in CODES:
        sweep = shop.sweep(name)
        assert sweep.problem is None, name
        kinds = set()
        for record in sweep.records:
            kinds.add(type(shop.seen(record)))
            assert record.flow == MANIFEST.flows[record.kind]
            assert ":" in record.root
        assert kinds == SEEN[name], name


def test_an_order_is_one_basket_and_one_leg_with_its_promises(shop: Shop) -> None:
    order_id = shop.portal.place([("LAMP-1", 2), ("BOOK-1", 1)])
    record = shop.sweep("orders").records[0]
    seen = shop.seen(record)
    assert (record.kind, record.external_id, record.root) == ("channel-order", order_id, f"basket:{order_id}")
    assert (seen.commercial_id, seen.seller_id, seen.state) == (order_id, "us", LegState.TO_SHIP)
    assert seen.total_minor == shop.order(order_id)["total_minor"]
    assert {line.sku: (line.quantity, line.price_minor, line.shipping_minor) for line in seen.lines} == {
        "LAMP-1": (2, 9_980, 980),
        "BOOK-1": (1, 1_250, 0),
    }
    assert seen.market == "EBAY_DE"
    assert seen.ship_due_at == shop.clock.now() + shop.settings.handling
    assert all(line.ship_due_at == seen.ship_due_at and line.shipped_qty == 0 for line in seen.lines)


@pytest.mark.parametrize(
    ("happens", "state"),
    [
        (lambda shop, order: None, LegState.TO_SHIP),
        (lambda shop, order: shop.do("ebay.ship", part_of(shop, order)), LegState.PART_SHIPPED),
        (lambda shop, order: shop.do("ebay.ship", shop.parcel(order)), LegState.SHIPPED),
        (lambda shop, order: shop.portal.cancel(order), LegState.CANCELLED),
    ],
)
def test_an_order_moves_as_it_is_dealt_with(shop: Shop, happens: Callable[[Shop, str], Any], state: LegState) -> None:
    order_id = shop.portal.place([("LAMP-1", 2), ("BOOK-1", 1)])
    happens(shop, order_id)
    (seen,) = shop.seen_in("orders")
    assert seen.state is state


def part_of(shop: Shop, order_id: str) -> dict[str, Any]:
    parcel = shop.parcel(order_id)
    return {**parcel, "lines": [{**parcel["lines"][0], "quantity": 1}]}


def test_of_a_line_half_sent_nothing_is_counted(shop: Shop) -> None:
    order_id = shop.portal.place([("LAMP-1", 2), ("BOOK-1", 1)])
    shop.do("ebay.ship", part_of(shop, order_id))
    (seen,) = shop.seen_in("orders")
    assert [(line.state, line.shipped_qty) for line in seen.lines] == [
        (LineState.TO_SHIP, None),
        (LineState.TO_SHIP, 0),
    ]


def test_an_order_that_is_not_paid_is_on_hold_until_it_is(shop: Shop) -> None:
    order_id = shop.portal.place([("LAMP-1", 1)], pending=True)
    (seen,) = shop.seen_in("orders")
    assert (seen.state, seen.debited_at) == (LegState.ON_HOLD, None)
    shop.portal.release(order_id)
    (seen,) = shop.seen_in("orders")
    assert seen.state is LegState.TO_SHIP
    assert seen.debited_at is not None


def test_orders_that_ebay_sends_itself_wait_for_nobody(shop: Shop) -> None:
    shop.portal.place([("LAMP-1", 1)], fulfilled_by="channel")
    (seen,) = shop.seen_in("orders")
    assert seen.fulfilled_by == "marketplace"


def test_a_buyer_who_wants_to_cancel_is_seen_on_the_order_and_by_himself(shop: Shop) -> None:
    order_id = shop.portal.place([("LAMP-1", 1)])
    request = shop.portal.ask_cancel(order_id)
    (order,) = shop.seen_in("orders")
    assert order.cancel_asked
    (asked,) = shop.seen_in("cancellations")
    assert (asked.request_id, asked.order_id, asked.state) == (request, order_id, "asked")
    assert asked.respond_by == shop.clock.now() + shop.settings.cancel_answer


def test_what_we_cancel_ourselves_asks_us_nothing(shop: Shop) -> None:
    order_id = shop.portal.place([("LAMP-1", 1)])
    lines = [{"line_id": shop.line(order_id), "quantity": 1}]
    payload = {"order_id": order_id, "our_number": "H", "cancellation": "K", "reason": "other", "lines": lines}
    assert isinstance(shop.do("ebay.cancel", payload), Done)
    (asked,) = shop.seen_in("cancellations")
    assert asked.state in ("approved", "closed")
    assert asked.respond_by is None


def test_a_return_names_its_line_and_moves(shop: Shop) -> None:
    order_id = shop.portal.place([("LAMP-1", 2)])
    assert isinstance(shop.do("ebay.ship", shop.parcel(order_id)), Done)
    return_id = shop.portal.open_return(order_id, [(shop.line(order_id), 1)], "DEFECTIVE_ITEM")
    (seen,) = shop.seen_in("returns")
    assert (seen.return_id, seen.order_id, seen.state) == (return_id, order_id, "requested")
    assert seen.lines == {shop.line(order_id): 1}


def test_a_dispute_names_its_revision_and_until_when_to_answer(shop: Shop) -> None:
    order_id = shop.portal.place([("LAMP-1", 1)])
    dispute_id = shop.portal.open_dispute(order_id)
    record = shop.sweep("disputes").records[0]
    seen = shop.seen(record)
    assert (seen.dispute_id, seen.order_id, seen.kind, seen.state) == (
        dispute_id,
        order_id,
        "chargeback",
        "action-needed",
    )
    assert seen.respond_by == shop.clock.now() + shop.settings.dispute_answer
    assert int(record.revision) == int(seen.revision)
    shop.portal.touch_dispute(dispute_id)
    assert shop.sweep("disputes").records[0].revision > record.revision


@pytest.mark.parametrize(("won", "state"), [(True, "won"), (False, "lost")])
def test_a_closed_dispute_was_won_or_lost_and_waits_for_nobody(shop: Shop, won: bool, state: str) -> None:
    dispute_id = shop.portal.open_dispute(shop.portal.place([("LAMP-1", 1)]))
    shop.portal.close_dispute(dispute_id, won=won)
    (seen,) = shop.seen_in("disputes")
    assert (seen.state, seen.respond_by) == (state, None)


def test_a_payout_is_the_sum_of_its_lines_to_the_last_cent(shop: Shop) -> None:
    known = full(shop)
    seen = shop.seen_in("payouts")
    (cycle,) = [one for one in seen if isinstance(one, CycleSeen)]
    lines = [one for one in seen if isinstance(one, StatementLineSeen)]
    assert (cycle.external_id, cycle.payout_state) == (known["payout"], "to-pay")
    assert sum(line.amount_minor for line in lines) == cycle.their_total_minor
    assert {line.cycle_id for line in lines} == {known["payout"]}
    kinds = {line.line_type for line in lines}
    assert {LineType.ORDER_AMOUNT, LineType.COMMISSION_FEE, LineType.REFUND_ORDER_AMOUNT} <= kinds


def test_a_payout_that_arrived_is_paid(shop: Shop) -> None:
    full(shop)
    shop.move(days=2)
    (cycle,) = [one for one in shop.seen_in("payouts") if isinstance(one, CycleSeen)]
    assert cycle.payout_state == "paid"


def test_what_was_converted_keeps_what_it_was_converted_from() -> None:
    shop = Shop(payout_currency="GBP", exchange_rate="0.85")
    full(shop)
    seen = shop.seen_in("payouts")
    (cycle,) = [one for one in seen if isinstance(one, CycleSeen)]
    lines = [one for one in seen if isinstance(one, StatementLineSeen)]
    assert cycle.currency == "GBP"
    assert sum(line.amount_minor for line in lines) == cycle.their_total_minor
    sale = next(line for line in lines if line.type == "SALE")
    assert sale.raw["transaction"]["amount"]["convertedFromCurrency"] == "EUR"
    assert sale.raw["transaction"]["amount"]["exchangeRate"]


def test_a_refund_by_the_channel_comes_as_news_of_its_order(shop: Shop) -> None:
    order_id = shop.portal.place([("LAMP-1", 1)])
    shop.portal.refund(order_id, shop.line(order_id), 700)
    refunds = [one for one in shop.seen_in("transactions") if isinstance(one, ChannelRefundSeen)]
    assert [(one.order_id, one.order_line_id, one.amount_minor) for one in refunds] == [
        (order_id, shop.line(order_id), 700)
    ]


def test_a_listing_that_is_held_is_suppressed_and_says_why(shop: Shop) -> None:
    shop.portal.suppress("LAMP-1", "MISSING_ASPECT", "Colour is missing", "Colour")
    seen = {one.sku: one for one in shop.seen_in("listings")}
    assert seen["LAMP-1"].state is ListingState.SUPPRESSED
    assert ("MISSING_ASPECT", "Colour is missing", "Colour") in [
        (issue.code, issue.message, issue.attribute) for issue in seen["LAMP-1"].issues
    ]
    assert (seen["BOOK-1"].state, seen["BOOK-1"].issues) == (ListingState.LIVE, ())
    shop.portal.restore("LAMP-1")
    assert {one.sku: one.state for one in shop.seen_in("listings")}["LAMP-1"] is ListingState.LIVE


def test_listings_are_seen_though_the_interface_of_violations_is_gone(shop: Shop) -> None:
    sources: Any = shop.channel.sources["listings"]
    token = said(200, '{"access_token":"t","expires_in":7200}')
    items = said(200, '{"total":1,"inventoryItems":[{"sku":"A"}]}')
    offers = said(404, '{"errors":[{"errorId":25713,"message":"not available"}]}')
    http = Answers(token, *[said(404, "")] * 4, said(410, ""), items, offers)
    sweep = Sweep.of(sources.fetch(make_ctx(http, shop.clock), None))
    assert sweep.problem is None
    assert [(one.sku, one.state) for one in map(shop.seen, sweep.records)] == [("A", ListingState.SUBMITTED)]


def test_an_ended_listing_is_ended(shop: Shop) -> None:
    offer = shop.their_offer("LAMP-1")
    assert isinstance(shop.do("ebay.end-listing", {"sku": "LAMP-1", "their_id": offer}), Done)
    seen = {one.sku: one for one in shop.seen_in("listings")}
    assert seen["LAMP-1"].state is ListingState.ENDED


def test_seller_standards_become_measures_with_the_limits_they_state(shop: Shop) -> None:
    current, projected = shop.seen_in("standards")
    assert (current.account_id, projected.account_id) == ("PROGRAM_DE", "PROGRAM_DE:PROJECTED")
    assert {one.name: one.limit for one in current.measures} == {
        "defects": 0.02,
        "late-shipments": 0.1,
        "cases-without-resolution": 0.003,
    }


def test_quotas_nearly_used_up_are_a_risk() -> None:
    shop = Shop(quotas={"sell.inventory": 1_000, "sell.finances": 10, "developer.analytics": 50})
    (before,) = shop.seen_in("quotas")
    assert not before.at_risk
    for _ in range(9):
        shop.sweep("transactions")
    (after,) = shop.seen_in("quotas")
    assert after.at_risk


def test_a_quota_that_is_used_up_stops_the_sweep(shop: Shop) -> None:
    shop = Shop(quotas={"sell.finances": 1})
    assert shop.sweep("transactions").problem is None
    problem = shop.sweep("transactions").problem
    assert problem is not None
    assert problem.code is ProblemCode.RATE_LIMITED


# -- lookups and the way in ----------------------------------------------------------------------------------------


def test_one_order_one_dispute_and_one_listing_are_found_by_their_numbers(shop: Shop) -> None:
    known = full(shop)
    for name, number in (("order", known["sold"]), ("dispute", known["dispute"]), ("listing", "BOOK-1")):
        page = shop.channel.lookups[name].one(shop.ctx, number)
        assert page.problem is None
        assert [record.external_id for record in page.received] == [number]
    listed = shop.seen(shop.channel.lookups["listing"].one(shop.ctx, "BOOK-1").received[0])
    assert listed.state is ListingState.LIVE


@pytest.mark.parametrize("name", ["order", "dispute", "listing"])
def test_what_is_not_there_is_an_empty_page(shop: Shop, name: str) -> None:
    page = shop.channel.lookups[name].one(shop.ctx, "404-404")
    assert (page.problem, page.received) == (None, ())


@pytest.mark.parametrize("name", ["order", "dispute", "listing"])
def test_a_lookup_that_fails_is_a_problem(shop: Shop, name: str) -> None:
    code = {"order": "getOrder", "dispute": "getPaymentDispute", "listing": "getInventoryItem"}[name]
    for kind in ("503", "html", "truncated", "timeout-after"):
        number = {**full(shop), "listing": "BOOK-1"}[{"order": "sold"}.get(name, name)]
        shop.trouble(code, kind)
        assert shop.channel.lookups[name].one(shop.ctx, number).problem is not None, kind


def test_we_are_let_in_until_the_seller_takes_his_consent_back(shop: Shop) -> None:
    assert shop.channel.check(shop.ctx) is None
    shop.system.access.revoke()
    problem = shop.channel.check(shop.ctx)
    assert problem is not None
    assert problem.code is ProblemCode.CREDENTIALS_REFUSED


def test_an_account_without_consent_is_not_connected() -> None:
    with pytest.raises(WrongSetting, match="refresh_token"):
        connect("ebay", Access("ebay-de", "https://api.ebay.com", {"client_id": str, "client_secret": str}))


def test_money_is_asked_for_at_its_own_host() -> None:
    assert money_url("https://api.ebay.com") == "https://apiz.ebay.com"
    assert money_url("https://api.sandbox.ebay.com/") == "https://apiz.sandbox.ebay.com/"
    assert money_url("http://127.0.0.1:8080") == "http://127.0.0.1:8080"
    shop = Shop()
    shop.sweep("payouts")
    assert shop.http.sent[-1].url.startswith("https://apiz.ebay.com/sell/finances/")


def test_one_token_serves_both_schemes(shop: Shop) -> None:
    shop.sweep("orders")
    shop.sweep("returns")
    schemes = [
        one.headers["authorization"].partition(" ")[0] for one in shop.http.sent if "authorization" in one.headers
    ]
    assert schemes == ["Basic", "Bearer", "IAF"]


def test_finances_are_asked_no_more_often_than_they_allow_in_a_day(shop: Shop) -> None:
    limits = [shop.channel.sources[name].limit for name in ("payouts", "transactions")]
    assert sum(limit.capacity + limit.per_s * 86_400 for limit in limits if limit) <= 15_000
    access = Access("x", "http://e", shop.access.secrets, {"getOrders": (Ceiling(1, 60),)})
    granted = connect("ebay", access).sources["orders"].limit
    assert granted is not None
    assert granted.capacity == 1
