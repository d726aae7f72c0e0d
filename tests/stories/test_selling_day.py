"""A company's day on five channels and with one back office, with everything the demo plans to go wrong, told once and looked at from many sides."""

import copy
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from entrepot.insight.offers import offer_measures
from entrepot.proof.channel_figures import broken_channels, channel_figures
from entrepot.proof.checkers import check_channels
from entrepot.proof.figures import broken, selling_figures
from entrepot.proof.house import BothHouse, SellingHouse
from entrepot.proof.world import CHANNELS
from entrepot.sandbox.selling.assortment import (
    DEARER,
    DEARER_IN_US,
    REWRITTEN,
    SCARCE,
    SCARCE_PIECES,
    SOLD_OUT,
    SUPPRESSED,
)


@pytest.fixture(scope="module")
def day(open_selling_day: Callable[..., SellingHouse]) -> SellingHouse:
    house = open_selling_day(orders=25, faults="demo")
    house.run_for(hours=3)
    house.finish()
    return house


@pytest.fixture(scope="module")
def books(day: SellingHouse) -> dict[str, Any]:
    return day.world.books()


def test_nothing_is_lost_doubled_or_left_unowned(day: SellingHouse, books: dict[str, Any]) -> None:
    with day.hub.ctx.db.transaction() as conn:
        counted = selling_figures(conn, books)
        channels = channel_figures(conn, books, day.hub.plan)
    assert broken(counted) == []
    assert broken_channels(channels) == []
    assert counted["faults"]["fired"] >= 15
    assert {account: channels[account]["orders"] for account in CHANNELS if channels[account]["orders"] < 4} == {}


def test_channels_back_office_and_we_say_the_same(day: SellingHouse, books: dict[str, Any]) -> None:
    with day.hub.ctx.db.transaction() as conn:
        assert check_channels(conn, books, day.hub.plan) == []


def test_every_channel_sold_and_was_told_of_its_parcels(day: SellingHouse) -> None:
    rows = day.rows(
        "SELECT l.account, count(*) AS n FROM parcel p JOIN leg l ON l.id = p.leg_id WHERE p.confirmed_at IS NOT NULL GROUP BY 1"
    )
    assert {row["account"] for row in rows} == set(CHANNELS)


def test_how_old_our_stock_is_and_how_soon_each_channel_took_what_changed_is_measured_and_nothing_was_oversold(
    day: SellingHouse,
) -> None:
    with day.hub.ctx.db.transaction() as conn:
        found = offer_measures(conn, day.hub.plan, day.clock.now(), timedelta(days=30))
    assert [(one.name, one.stale) for one in found.ages] == [("oms@backoffice", 0)]
    assert {one.account for one in found.to_live if one.changes >= 60 and not one.unseen} == set(CHANNELS)
    assert timedelta() < max(one.p95 for one in found.to_live if one.p95 is not None) < timedelta(hours=1)
    assert (found.oversold.times, found.oversold.last) == (0, ())


def test_the_warehouses_word_for_a_carrier_reaches_amazon_and_ebay_as_theirs(
    day: SellingHouse, books: dict[str, Any]
) -> None:
    ours = {row["carrier"] for row in day.rows("SELECT DISTINCT carrier FROM parcel")}
    assert ours <= {"dhl", "ups", "gls"}
    for channel in ("amazon", "ebay"):
        told = {one["carrier"] for one in books[channel]["shipments"] if one["carrier"] != "AMZN_LOGISTICS"}
        assert told and told <= {"DHL", "UPS", "GLS"}
    used = day.rows("SELECT DISTINCT mapping FROM mapping_use WHERE direction = 'out'")
    assert {row["mapping"] for row in used} >= {"carrier-amazon-de", "carrier-ebay-de"}


def test_a_pending_order_reserves_stock_and_goes_to_the_back_office_only_when_it_is_payable(day: SellingHouse) -> None:
    [leg] = day.rows("SELECT * FROM leg WHERE account = 'amazon-de/main' ORDER BY created_at LIMIT 1")
    [reserved] = day.rows("SELECT min(made_at) AS at FROM stock_reservation WHERE leg_id = %s", leg["id"])
    assert reserved["at"] <= leg["handed_at"]
    [moved] = day.rows(
        "SELECT min(at) AS at FROM event WHERE object_id = %s AND from_state = 'on-hold' AND to_state = 'to-ship'",
        leg["id"],
    )
    assert moved["at"] <= leg["handed_at"]


def test_what_the_marketplace_delivers_obliges_nobody_and_is_not_exported(day: SellingHouse) -> None:
    theirs = day.rows("SELECT * FROM leg WHERE fulfilled_by = 'marketplace' ORDER BY account")
    assert {row["account"] for row in theirs} >= {"amazon-de/main", "walmart-us/main", "channelengine/main"}
    assert all(row["handed_at"] is None for row in theirs)
    assert (
        day.rows("SELECT o.* FROM obligation o JOIN leg l ON o.object_id = l.id WHERE l.fulfilled_by = 'marketplace'")
        == []
    )


def test_amazon_and_ebay_are_never_told_that_we_have_an_order(day: SellingHouse) -> None:
    told = {
        row["account"] for row in day.rows("SELECT DISTINCT account FROM effect WHERE operation LIKE '%%.acknowledge'")
    }
    assert told == {"walmart-us/main", "channelengine/main", "mirakl-shop/main"}


def test_prices_follow_the_erp_each_in_its_own_currency(day: SellingHouse, books: dict[str, Any]) -> None:
    prices = books["back_office"]["prices"]
    shown = {(name, row["sku"]): row for name in CHANNELS.values() for row in books[name]["listings"]}
    for name in ("amazon", "ebay", "channelengine", "mirakl-shop"):
        assert shown[name, DEARER]["price_minor"] == prices[DEARER]["*"]
    assert shown["walmart", DEARER_IN_US]["price_minor"] == prices[DEARER_IN_US]["walmart-us/main"]
    assert shown["walmart", DEARER_IN_US]["currency"] == "USD"


def test_what_goes_over_the_counter_is_gone_on_every_channel_and_comes_back(day: SellingHouse) -> None:
    rows = day.rows(
        "SELECT account, payload ->> 'quantity' AS quantity FROM effect WHERE payload ->> 'sku' = %s AND key LIKE 'stock:%%' AND state = 'done'"
        " ORDER BY seq",
        SOLD_OUT,
    )
    by_account: dict[str, list[int]] = {}
    for row in rows:
        by_account.setdefault(row["account"], []).append(int(row["quantity"]))
    assert set(by_account) == set(CHANNELS)
    assert all(0 in quantities and quantities[-1] > 0 for quantities in by_account.values())


def test_the_last_pieces_are_not_sold_twice(books: dict[str, Any]) -> None:
    sold = sum(
        line["quantity"]
        for name in CHANNELS.values()
        for order in books[name]["orders"]
        for line in order["lines"]
        if line["sku"] == SCARCE and order["fulfilled_by"] == "seller"
    )
    assert sold <= SCARCE_PIECES


def test_a_better_title_reaches_every_channel_once(day: SellingHouse) -> None:
    sent = Counter(
        row["account"]
        for row in day.rows(
            "SELECT account FROM effect WHERE operation ~ 'submit' AND payload ->> 'sku' = %s AND state = 'done'",
            REWRITTEN,
        )
    )
    assert sent == dict.fromkeys(CHANNELS, 1)


def test_a_suppressed_listing_is_somebodys_until_it_is_shown_again(day: SellingHouse) -> None:
    [case] = day.rows("SELECT * FROM case_file WHERE mode = 'listing-suppressed' AND account = 'amazon-de/main'")
    assert SUPPRESSED in f"{case['object_id']} {case['cause_text']} {case['details']}"
    assert case["resolved_at"] is not None
    [row] = day.rows("SELECT state FROM listing WHERE account = 'amazon-de/main' AND sku = %s", SUPPRESSED)
    assert row["state"] == "live"


def test_every_refund_of_a_channel_is_booked_once(day: SellingHouse, books: dict[str, Any]) -> None:
    rows = day.rows(
        "SELECT account, count(*) AS n, count(booked_at) AS booked FROM channel_refund GROUP BY 1 ORDER BY 1"
    )
    assert {row["account"] for row in rows} >= {"ebay-de/main", "mirakl-shop/main", "walmart-us/main"}
    assert all(row["n"] == row["booked"] for row in rows)
    assert all(times == 1 for times in books["back_office"]["applied"]["book-refund"].values())


def test_a_dispute_runs_against_their_date_and_is_a_persons(day: SellingHouse, books: dict[str, Any]) -> None:
    [theirs] = books["ebay"]["disputes"]
    [promise] = day.rows("SELECT * FROM obligation WHERE kind = 'answer-dispute'")
    assert promise["due_at"] == datetime.fromisoformat(theirs["respond_by"])
    assert day.rows("SELECT 1 FROM case_file WHERE mode = 'chargeback-opened' AND opened_at < %s", promise["due_at"])


def test_operator_and_seller_live_in_one_hub(open_both_day: Callable[..., BothHouse]) -> None:
    house = open_both_day(orders=3)
    house.run_for(hours=1)
    house.finish()
    with house.hub.ctx.db.transaction() as conn:
        books = house.world.books()
        channels = channel_figures(conn, books, house.hub.plan)
        assert broken_channels(channels) == []
    assert {row["account"] for row in house.rows("SELECT DISTINCT account FROM leg")} >= {
        "mirakl-fr/operator",
        "amazon-de/main",
    }


# ── the judges ───────────────────────────────────────────────────────────────────────────────────────────────

Books = dict[str, Any]


def _ours(books: Books, name: str) -> dict[str, Any]:
    """An order that we sent."""
    found: dict[str, Any] = next(
        order
        for order in books[name]["orders"]
        if order["fulfilled_by"] == "seller" and any(line["shipped"] for line in order["lines"])
    )
    return found


def _number(books: Books, name: str) -> str:
    account = next(account for account, one in CHANNELS.items() if one == name)
    return f"{account}:{_ours(books, name)['order_id']}"


def _lose_an_order(books: Books) -> None:
    books["amazon"]["orders"].append({**_ours(books, "amazon"), "order_id": "000-0000000-0000000"})


def _other_pieces(books: Books) -> None:
    _ours(books, "walmart")["lines"][0]["quantity"] += 1


def _cancelled_there(books: Books) -> None:
    for line in _ours(books, "ebay")["lines"]:
        line["shipped"], line["cancelled"] = 0, line["quantity"]


def _export_twice(books: Books) -> None:
    books["back_office"]["applied"]["import-order"][_number(books, "walmart")] = 2


def _export_never(books: Books) -> None:
    number = _number(books, "ebay")
    rows = books["back_office"]["orders"]
    rows[:] = [row for row in rows if row["number"] != number]


def _export_theirs(books: Books) -> None:
    theirs = next(order for order in books["amazon"]["orders"] if order["fulfilled_by"] != "seller")
    row = {**books["back_office"]["orders"][0], "number": f"amazon-de/main:{theirs['order_id']}", "lines": []}
    books["back_office"]["orders"].append(row)


def _a_shipment(books: Books, name: str) -> dict[str, Any]:
    order_id = _ours(books, name)["order_id"]
    found: dict[str, Any] = next(one for one in books[name]["shipments"] if one["order_id"] == order_id)
    return found


def _told_twice(books: Books) -> None:
    books["ebay"]["shipments"].append(dict(_a_shipment(books, "ebay")))


def _never_told(books: Books) -> None:
    books["mirakl-shop"]["shipments"].remove(_a_shipment(books, "mirakl-shop"))


def _told_of_nothing(books: Books) -> None:
    books["amazon"]["shipments"].append({**_a_shipment(books, "amazon"), "tracking": "NOBODY-SENT-THIS"})


def _never_acknowledged(books: Books) -> None:
    _ours(books, "walmart")["acknowledged_at"] = None


def _sent_by_them(books: Books) -> None:
    _ours(books, "channelengine")["fulfilled_by"] = "channel"


def _more_money_back(books: Books) -> None:
    mine = {order["order_id"] for order in books["mirakl-shop"]["orders"] if order["fulfilled_by"] == "seller"}
    next(one for one in books["mirakl-shop"]["refunds"] if one["order_id"] in mine)["amount_minor"] += 1


def _booked_twice(books: Books) -> None:
    applied = books["back_office"]["applied"]["book-refund"]
    applied[next(iter(applied))] = 2


def _another_dispute(books: Books) -> None:
    books["ebay"]["disputes"].append({**books["ebay"]["disputes"][0], "dispute_id": "5000000000"})


def _dispute_still_open(books: Books) -> None:
    books["ebay"]["disputes"][0]["state"] = "OPEN"


def _no_such_batch(books: Books) -> None:
    books["mirakl-shop"]["submissions"].clear()


def _shipped_twice(books: Books) -> None:
    applied = books["amazon"]["applied"]["confirmShipment"]
    applied[next(iter(applied))] = 2


def _another_price(books: Books) -> None:
    books["channelengine"]["listings"][0]["price_minor"] += 1


def _other_stock(books: Books) -> None:
    books["walmart"]["listings"][0]["quantity"] += 1


def _sold_again(books: Books) -> None:
    order = _ours(books, "ebay")
    line = {**order["lines"][0], "sku": SCARCE, "quantity": 5, "shipped": 5, "cancelled": 0}
    late = {**order, "order_id": "late", "placed_at": books["world"]["now"], "lines": [line]}
    books["ebay"]["orders"].append(late)


def _still_waiting(books: Books) -> None:
    for line in _ours(books, "channelengine")["lines"]:
        line["shipped"] = 0


CORRUPTIONS: list[tuple[Callable[[Books], None], str]] = [
    (_lose_an_order, "channel-orders"),
    (_other_pieces, "channel-orders"),
    (_cancelled_there, "channel-orders"),
    (_export_twice, "exports"),
    (_export_never, "exports"),
    (_export_theirs, "exports"),
    (_told_twice, "parcels"),
    (_never_told, "parcels"),
    (_told_of_nothing, "parcels"),
    (_never_acknowledged, "acknowledged"),
    (_sent_by_them, "duties"),
    (_more_money_back, "channel-refunds"),
    (_booked_twice, "channel-refunds"),
    (_another_dispute, "disputes"),
    (_dispute_still_open, "disputes"),
    (_no_such_batch, "submissions"),
    (_shipped_twice, "channels-once"),
    (_another_price, "channel-offers"),
    (_other_stock, "channel-offers"),
    (_sold_again, "oversold"),
    (_still_waiting, "channels-rest"),
]


@pytest.mark.parametrize(("corrupt", "judge"), CORRUPTIONS, ids=[one.__name__.strip("_") for one, _ in CORRUPTIONS])
def test_a_judge_speaks_when_the_outside_world_says_something_else(
    day: SellingHouse, books: Books, corrupt: Callable[[Books], None], judge: str
) -> None:
    other = copy.deepcopy(books)
    with day.hub.ctx.db.transaction() as conn:
        before = Counter(str(one) for one in check_channels(conn, books, day.hub.plan))
        corrupt(other)
        found = Counter(str(one) for one in check_channels(conn, other, day.hub.plan)) - before
        zeros = broken_channels(channel_figures(conn, other, day.hub.plan))
    assert any(one.startswith(f"{judge}:") for one in found)
    assert zeros != []


TAMPERINGS = [
    ("UPDATE parcel SET confirmed_at = NULL", "parcels"),
    ("UPDATE leg SET state = 'to-ship' WHERE account = 'ebay-de/main'", "channel-orders"),
    ("UPDATE channel_refund SET booked_at = NULL", "channel-refunds"),
    ("UPDATE stock_reservation SET ended_at = NULL", "channels-rest"),
    ("UPDATE listing SET wanted_quantity = wanted_quantity + 1", "channel-offers"),
    ("DELETE FROM obligation WHERE kind = 'acknowledge'", "duties"),
    ("UPDATE obligation SET kind = 'acknowledge' WHERE kind = 'ship' AND account = 'ebay-de/main'", "duties"),
]


@pytest.mark.parametrize(("sql", "judge"), TAMPERINGS)
def test_a_judge_speaks_when_our_own_tables_say_something_else(
    day: SellingHouse, books: Books, sql: str, judge: str
) -> None:
    with day.hub.ctx.db.transaction() as conn:
        before = Counter(str(one) for one in check_channels(conn, books, day.hub.plan))
        with conn.transaction(force_rollback=True):
            conn.execute(sql)
            found = Counter(str(one) for one in check_channels(conn, books, day.hub.plan)) - before
    assert any(one.startswith(f"{judge}:") for one in found)
