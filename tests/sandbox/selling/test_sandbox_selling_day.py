"""The selling company's day: with a clerk who does everything right, with one who forgets, and with nobody at all."""

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sandbox.selling.selling_company import Day

from entrepot.sandbox.back_office import BackOffice
from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.selling.assortment import (
    DEARER,
    DEARER_IN_US,
    RESTOCKED,
    REWRITTEN,
    SCARCE,
    SCARCE_PIECES,
    SOLD_OUT,
    SUPPRESSED,
)
from entrepot.sandbox.selling.scenario import SHOPS, SYSTEMS
from entrepot.sandbox.selling.shops import is_open, unit_minor


@pytest.fixture(scope="module")
def day() -> Day:
    """Twenty-five buyers, a clerk, no faults, closed periods."""
    made = Day()
    made.run()
    return made


@pytest.fixture(scope="module")
def books(day: Day) -> dict[str, Any]:
    return day.books()


def orders(books: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(name, row) for name in SHOPS for row in books[name]["orders"]]


def ours(books: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(name, row) for name, row in orders(books) if row["fulfilled_by"] == "seller"]


def shipped(row: dict[str, Any]) -> int:
    return sum(line["shipped"] for line in row["lines"])


# -- a clerk who does everything ---------------------------------------------------------------------------------------


def test_every_channel_sells_and_every_order_is_over(books: dict[str, Any]) -> None:
    assert {name for name, _ in orders(books)} == set(SHOPS)
    assert [row["order_id"] for _, row in orders(books) if is_open(row)] == []


def test_every_order_of_ours_is_in_the_back_office_once_and_was_sent_as_it_was_picked(books: dict[str, Any]) -> None:
    there = {row["number"]: row for row in books["back_office"]["orders"]}
    accounts = {row["account"] for row in there.values()}
    assert len(accounts) == len(SHOPS)
    by_order = {row["order_id"]: row for row in there.values()}
    wanted = {row["order_id"] for _, row in ours(books)}
    assert set(by_order) == wanted
    for _, row in ours(books):
        assert shipped(row) == sum(line["shipped"] for line in by_order[row["order_id"]]["lines"])


def test_channels_are_told_of_each_parcel_once(books: dict[str, Any]) -> None:
    mine = {row["order_id"] for _, row in ours(books)}
    told = [one["tracking"] for name in SHOPS for one in books[name]["shipments"] if one["order_id"] in mine]
    assert sorted(told) == sorted(parcel["tracking"] for parcel in books["back_office"]["parcels"])


def test_orders_the_channel_sends_itself_never_reach_the_company(books: dict[str, Any]) -> None:
    theirs = [(name, row) for name, row in orders(books) if row["fulfilled_by"] != "seller"]
    assert {name for name, _ in theirs} >= {"amazon", "walmart", "channelengine"}
    assert all(shipped(row) for _, row in theirs)
    assert not {row["order_id"] for _, row in theirs} & {row["order_id"] for row in books["back_office"]["orders"]}


def test_the_first_amazon_order_is_pending_at_first_and_has_two_lines(books: dict[str, Any]) -> None:
    first = books["amazon"]["orders"][0]
    (bought,) = [one for one in purchases(books) if one["order_id"] == first["order_id"]]
    assert bought["pending"] is True
    assert first["pending"] is False
    assert len(first["lines"]) == 2
    booked = next(row for row in books["back_office"]["orders"] if row["order_id"] == first["order_id"])
    assert booked["at"] > first["placed_at"]


def purchases(books: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = books["control"]["selling"]["shoppers"]["purchases"]
    return found


def test_somebody_sends_back_on_every_channel_and_has_his_money(books: dict[str, Any]) -> None:
    back = books["control"]["selling"]["homeward"]["returns"]
    assert {one["shop"] for one in back} == set(SHOPS)
    assert all(one["handed_in"] and one["decided"] and one["ended_by"] == "seller" for one in back)
    looked_at = {row["return_id"]: row for row in books["back_office"]["returns"]}
    for one in back:
        accepted = {row["line_id"] for row in looked_at[one["return_id"]]["accepted"]}
        row = next(row for row in books[one["shop"]]["orders"] if row["order_id"] == one["order_id"])
        assert all(line["refunded_minor"] > 0 for line in row["lines"] if line["line_id"] in accepted)


def test_channels_refund_by_themselves_too(books: dict[str, Any]) -> None:
    by_channel = [one for name in SHOPS for one in books[name]["refunds"] if one["by"] == "channel"]
    assert {one["order_id"] for one in by_channel} & {
        one["order_id"] for one in purchases(books) if one["then"] == "is-refunded"
    }


def test_a_bank_takes_the_money_of_one_ebay_order_and_the_matter_ends(books: dict[str, Any]) -> None:
    (dispute,) = books["ebay"]["disputes"]
    assert dispute["state"] == "CLOSED"
    assert dispute["order_id"] == books["ebay"]["orders"][0]["order_id"]


def test_a_suppressed_listing_comes_back(day: Day, books: dict[str, Any]) -> None:
    moves = [move["name"] for move in books["control"]["selling"]["merchants"]["moves"]]
    assert len(moves) == 8
    listing = next(row for row in books["amazon"]["listings"] if row["sku"] == SUPPRESSED)
    assert listing["live"] is True
    assert day.staged.shops["amazon"].portal.live(SUPPRESSED)


def test_prices_stock_and_words_move_in_the_back_office(day: Day, books: dict[str, Any]) -> None:
    before = {ware.sku: ware for ware in day.staged.wares}
    now = books["back_office"]["prices"]
    assert now[DEARER]["*"] > before[DEARER].eur_minor
    assert now[DEARER_IN_US]["walmart-us/main"] > before[DEARER_IN_US].usd_minor
    pieces = books["back_office"]["pieces"]
    assert pieces[RESTOCKED]["restocked"] == 25
    assert pieces[SOLD_OUT]["counted"] < 0
    assert books["back_office"]["products"][REWRITTEN] == "2"


def test_no_channel_sells_more_of_the_scarce_article_than_there_is(books: dict[str, Any]) -> None:
    sold = sum(line["quantity"] for _, row in orders(books) for line in row["lines"] if line["sku"] == SCARCE)
    assert sold == SCARCE_PIECES
    turned_away = books["control"]["selling"]["shoppers"]["turned_away"]
    assert [one["sku"] for one in turned_away] == [SCARCE, SCARCE]


def test_the_director_closes_every_channels_period_and_rests(day: Day, books: dict[str, Any]) -> None:
    report = books["control"]
    assert (report["done"], report["stage"], report["waiting"]) == (True, "periods-closed", {})
    assert all(report["selling"]["periods"][name] for name in SHOPS)
    assert all(books[name]["statements"] for name in SHOPS)
    assert books["amazon"]["transactions"]
    assert all(one["released"] for one in books["amazon"]["transactions"])


def test_no_click_of_a_buyer_was_refused(books: dict[str, Any]) -> None:
    assert books["control"]["selling"]["shoppers"]["refused"] == []


def test_the_same_seed_tells_the_same_story_and_another_one_another() -> None:
    def told(seed: int) -> str:
        made = Day(seed, 10, faults="random")
        made.run()
        return json.dumps(made.books(), sort_keys=True)

    assert told(5) == told(5)
    assert told(5) != told(6)


def test_prices_in_the_us_are_told_in_dollars(day: Day) -> None:
    answer = ask(day, "back_office", "/prices", "backoffice-key")
    told = {(row["sku"], row["channel"]): row["currency"] for row in answer["prices"]}
    assert told[DEARER, "*"] == "EUR"
    assert told[DEARER, "walmart-us/main"] == "USD"


def test_the_full_stock_list_comes_every_hour_with_newer_versions(day: Day) -> None:
    rows = ask(day, "back_office", "/stock", "backoffice-key")["stock"]
    assert len(rows) == len(day.staged.wares)
    assert min(row["version"] for row in rows) > 24
    assert len({row["at"] for row in rows}) < len(rows)


def ask(day: Day, system: str, path: str, key: str) -> Any:
    answer = day.staged.world.handle(system, Request("GET", path, (), {"authorization": f"Bearer {key}"}))
    assert isinstance(answer, Response)
    return answer.json()


# -- nobody, or somebody who forgets -----------------------------------------------------------------------------------


def test_without_a_hub_every_channel_gives_the_orders_up_and_the_world_still_ends() -> None:
    day = Day(clerk=False)
    day.run()
    books = day.books()
    assert len(orders(books)) == 25
    assert {row["cancelled_by"] for _, row in ours(books)} == {"channel"}
    assert [row["order_id"] for _, row in ours(books) if shipped(row)] == []
    assert books["back_office"]["orders"] == []
    assert books["control"]["done"] is True
    assert all(
        row["refunded_minor"] == row["price_minor"] * row["quantity"] + row["shipping_minor"] for row in paid(books)
    )


def paid(books: dict[str, Any]) -> list[dict[str, Any]]:
    """eBay's buyers have paid when they order: what is given up is paid back, shipping included."""
    return [line for row in books["ebay"]["orders"] for line in row["lines"]]


def test_a_seller_who_forgets_returns_is_overruled_by_the_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing_rejected = {"back_office": {"reject_chance": 0.0}}
    forgetful: dict[str, Any] = {"returns_by_rule": False, "return_patience": timedelta(days=1)}
    day = Day(visits=20, round_=timedelta(hours=2), settings=nothing_rejected, **forgetful)
    assert day.clerk is not None
    monkeypatch.setattr(day.clerk, "_agree_to_returns", lambda: None)
    monkeypatch.setattr(day.clerk, "_pay_back", lambda back: None)
    day.run(days=60)
    books = day.books()
    ended = Counter(one["ended_by"] for one in books["control"]["selling"]["homeward"]["returns"])
    assert ended == {"channel": sum(ended.values())}
    back = books["control"]["selling"]["homeward"]["returns"]
    for one in back:
        row = next(row for row in books[one["shop"]]["orders"] if row["order_id"] == one["order_id"])
        refunded = sum(line["refunded_minor"] for line in row["lines"] if line["line_id"] in one["lines"])
        assert refunded > 0 or one["shop"] == "channelengine"  # there the buyer keeps the goods


def test_goods_of_an_order_the_company_never_booked_are_paid_back_by_the_channel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lost(*_: object) -> None:
        raise ValueError("no order")

    day = Day(visits=20, round_=timedelta(hours=2), return_patience=timedelta(days=1))
    desk: BackOffice = day.staged.back_office
    monkeypatch.setattr(desk.portal, "receive_return", lost)
    day.run(days=60)
    back = day.books()["control"]["selling"]["homeward"]["returns"]
    assert back
    assert {one["handed_in"] for one in back} == {False}
    assert {one["over"] for one in back} == {True}


def test_an_impatient_buyer_has_his_order_cancelled_where_the_channel_never_does_so_itself() -> None:
    day = Day(visits=3, scripted=False, clerk=False)
    day.run(until=lambda: bool(day.staged.ebay.market.orders))
    day.run()
    (row,) = day.books()["ebay"]["orders"]
    assert row["cancelled_by"] == "channel"
    assert sum(one["refunded_minor"] for one in row["lines"]) == row["total_minor"]


# -- steering ----------------------------------------------------------------------------------------------------------


def steer(day: Day, path: str, content: Any = None) -> dict[str, Any]:
    body = b"" if content is None else json.dumps(content).encode()
    answer = day.staged.world.handle("control", Request("POST", path, (), {}, body))
    assert isinstance(answer, Response)
    assert answer.status == 200
    return dict(answer.json())


def test_paused_buyers_wait_and_come_when_the_shops_open_again() -> None:
    day = Day(visits=6, finish="never", clerk=False)
    steer(day, "/pause")
    day.clock += timedelta(hours=7)
    day.staged.world.tick()
    assert orders(day.books()) == []
    steer(day, "/resume")
    day.staged.world.tick()
    assert len(orders(day.books())) == 6


def test_more_buyers_come_when_asked_for_and_nobody_once_the_doors_are_closed() -> None:
    day = Day(visits=0, finish="never")
    steer(day, "/buy", {"baskets": 3})
    day.clock += timedelta(seconds=10)
    day.staged.world.tick()
    assert len(orders(day.books())) == 3
    report = steer(day, "/finish")
    assert (report["done"], report["stage"]) == (False, "doors-closed")
    assert report["waiting"]["amazon orders"] == 1
    steer(day, "/buy", {"baskets": 3})
    day.run()
    assert len(orders(day.books())) == 3
    assert day.books()["control"]["selling"]["stage"] == "periods-closed"


def test_whoever_was_only_on_his_way_stays_at_home() -> None:
    day = Day(visits=10, finish="never")
    day.clock += timedelta(hours=1)
    day.staged.world.tick()
    came = len(orders(day.books()))
    steer(day, "/finish")
    day.run()
    assert 0 < came == len(orders(day.books())) < 10


def test_everything_is_mounted_under_its_name(day: Day) -> None:
    assert set(day.staged.world.systems) == set(SYSTEMS)


def test_a_price_of_one_piece_is_known_whatever_the_books_show() -> None:
    assert unit_minor({"price_minor": 300, "quantity": 3, "unit_minor": 100}) == 100
    assert unit_minor({"price_minor": 100, "quantity": 3}) == 100
