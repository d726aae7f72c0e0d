"""A seller's file goes to the marketplace by the shortest lane; what is rejected comes back to him, corrected, and goes live."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from entrepot.bulk.following import unreadable
from entrepot.bulk.mapping import by_names
from entrepot.bulk.reading import open_source
from entrepot.bulk.rules import offer_rules
from entrepot.bulk.service import Feed, Report, take_in
from entrepot.insight.feeds import LOOKED_BACK, measures
from entrepot.insight.offers import offer_measures
from entrepot.proof.clerk import Clerk
from entrepot.proof.figures import figures
from entrepot.proof.house import House
from entrepot.proof.world import options
from entrepot.sandbox.errands import Pace
from entrepot.sandbox.furniture import A, B, F, offer_id
from entrepot.web.store import feeds
from entrepot.web.views.feeds import FeedFilter

ACCOUNT = "mirakl-fr/operator"
HEADER = ("Artikel", "SKU", "EAN", "Price", "Stock", "Lead time")


def sku(shop: int, position: int) -> str:
    return f"{shop}-{position + 1:02d}"


def row(shop: int, position: int, price: str, stock: int, *, gtin: str = "", lead: str = "") -> tuple[str, ...]:
    return ("Thing", sku(shop, position), gtin or "4006381333931", price, str(stock), lead)


class Folder:
    """Where a seller's files arrive."""

    def __init__(self, house: House, path: Path) -> None:
        self.house, self.path, self.count = house, path, 0

    def sends(self, shop: int, *rows: tuple[str, ...], complete: bool = False, text: str = "") -> Report:
        self.count += 1
        file = self.path / f"offers-{self.count}.csv"
        out = io.StringIO()
        csv.writer(out, delimiter=";").writerows([HEADER, *rows])
        file.write_text(text or out.getvalue(), "utf-8")
        source = open_source(file)
        mapping = by_names(source.layout.header, currency="EUR")
        ctx, plan = self.house.hub.ctx, self.house.hub.plan
        return take_in(ctx, source, Feed(ACCOUNT, str(shop), mapping, offer_rules("EUR"), self.path, complete, plan))


def batches(house: House, shop: int) -> list[tuple[str, int, int]]:
    rows = house.rows("SELECT * FROM feed_batch WHERE seller = %s AND state <> 'void' ORDER BY planned_at, lane", str(shop))  # fmt: skip
    return [(one["lane"], one["taken"], one["refused"]) for one in rows]


def there(house: House, shop: int, position: int) -> Any:
    return house.stage.portal.offer(offer_id(shop, position))


def look_at_offers(house: House) -> None:
    with house.hub.ctx.db.transaction() as conn:
        conn.execute("UPDATE periodic SET next_at = %s WHERE name IN ('sweep-offers', 'feeds-look')", (house.clock.now(),))  # fmt: skip
    house.run_for(minutes=2)
    with house.hub.ctx.db.transaction() as conn:
        conn.execute("UPDATE periodic SET next_at = %s WHERE name = 'feeds-look'", (house.clock.now(),))
    house.run_for(minutes=1)


@pytest.fixture(scope="module")
def house(open_day: Callable[..., House]) -> House:
    house = open_day(orders=0)
    house.run_for(minutes=5)
    return house


@pytest.fixture(scope="module")
def folder(house: House, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(house, tmp_path_factory.mktemp("feeds"))


def test_a_changed_offer_goes_to_the_marketplace_whole_and_is_seen_live(house: House, folder: Folder) -> None:
    before = there(house, A, 0)
    folder.sends(A, row(A, 0, "45.50", 77, lead="4"), row(A, 1, "12.00", 5))
    house.run_for(minutes=10)
    now = there(house, A, 0)
    assert (now.price_minor, now.quantity, now.lead_time_days) == (4550, 77, 4)
    assert now.description == before.description
    assert batches(house, A) == [("offers", 2, 0)]
    look_at_offers(house)
    sent = house.rows("SELECT * FROM feed_sent ORDER BY sku")
    assert [one["live_at"] is not None for one in sent] == [True, True]


def test_what_stands_there_already_is_not_sent_again(house: House, folder: Folder) -> None:
    folder.sends(A, row(A, 0, "45.5", 77, lead="4"), row(A, 1, "12.00", 5))
    house.run_for(minutes=10)
    assert batches(house, A) == [("offers", 2, 0)]


def test_only_price_or_only_stock_goes_by_its_own_lane_and_touches_nothing_else(house: House, folder: Folder) -> None:
    folder.sends(A, row(A, 0, "44.00", 77, lead="4"), row(A, 1, "12.00", 9))
    house.run_for(minutes=10)
    assert batches(house, A)[1:] == [("prices", 1, 0), ("stock", 1, 0)]
    assert (there(house, A, 0).price_minor, there(house, A, 0).lead_time_days) == (4400, 4)
    assert there(house, A, 1).quantity == 9
    assert [
        one["operation"]
        for one in house.rows("SELECT operation FROM effect WHERE operation LIKE 'mirakl.%%offer%%' ORDER BY seq")
    ] == ["mirakl.import-offers"]


def test_the_newest_version_wins_and_an_overtaken_one_is_never_sent(house: House, folder: Folder) -> None:
    folder.sends(A, row(A, 0, "43.00", 77, lead="4"))
    folder.sends(A, row(A, 0, "42.00", 77, lead="4"))
    house.run_for(minutes=10)
    assert there(house, A, 0).price_minor == 4200
    assert batches(house, A)[3:] == [("prices", 1, 0)]


def returned(house: House, shop: int) -> list[list[dict[str, str]]]:
    """The files the seller got back, out of his one conversation."""
    [thread] = house.stage.portal.threads_of(shop)
    files = [one.attachments[0].content.decode() for one in thread.messages if one.attachments]
    return [list(csv.DictReader(io.StringIO(text))) for text in files]


def test_rows_we_reject_and_rows_they_reject_come_back_in_one_form(house: House, folder: Folder) -> None:
    report = folder.sends(
        B, row(B, 0, "0", 5), ("New", "B-NEW", "4006381333931", "9.90", "3", ""), row(B, 1, "31.00", 6)
    )
    assert [(one.row, one.field) for one in report.rejects] == [(2, "price")]
    house.run_for(hours=2)
    [[ours], [theirs]] = returned(house, B)  # the marketplace's refusal came later: the next message
    assert (ours["SKU"], ours["Price"], ours["entrepot fields"], ours["entrepot codes"]) == (
        sku(B, 0),
        "0",
        "price",
        "amount",
    )
    assert (theirs["SKU"], theirs["Price"], theirs["EAN"], theirs["Stock"]) == ("B-NEW", "9.90", "4006381333931", "3")
    assert (theirs["entrepot row"], theirs["entrepot fields"]) == ("3", "gtin")
    assert theirs["entrepot messages"] == "The product does not exist"
    assert batches(house, B) == [("offers", 1, 1)]
    assert there(house, B, 1).price_minor == 3100


def promises(house: House, shop: int) -> list[str]:
    rows = house.rows(
        "SELECT state FROM obligation WHERE object = 'feed-notice' AND seller = %s ORDER BY starts_at", str(shop)
    )
    return [one["state"] for one in rows]


def test_the_corrected_row_closes_the_request_and_goes_live(house: House, folder: Folder) -> None:
    assert promises(house, B) == ["due", "due"]
    folder.sends(B, row(B, 0, "29.90", 5))
    house.run_for(minutes=10)
    look_at_offers(house)
    [live] = house.rows("SELECT * FROM feed_sent WHERE sku = %s", sku(B, 0))
    assert there(house, B, 0).price_minor == 2990 and live["live_at"] > live["changed_at"]
    assert promises(house, B) == ["met", "due"]
    shelf = house.stage.world.books()["storefront"]["shelf"]
    assert next(one for one in shelf if one["offer_id"] == str(offer_id(B, 0)))["price_minor"] == 2990


def test_a_refused_update_leaves_what_was_taken_and_is_not_sent_over_and_over(house: House, folder: Folder) -> None:
    before = len(batches(house, B))
    folder.sends(B, ("New", "B-NEW", "4006381333931", "9.90", "3", ""), row(B, 0, "29.90", 5))
    house.run_for(minutes=20)
    assert len(batches(house, B)) == before


def open_cases(house: House, mode: str) -> list[Any]:
    return house.rows("SELECT * FROM case_file WHERE mode = %s AND resolved_at IS NULL", mode)


def test_half_a_file_is_a_case_with_an_owner_until_a_whole_one_comes(house: House, folder: Folder) -> None:
    whole = [("Thing", f"X-{n}", "4006381333931", "10.00", "1", "") for n in range(40)]
    folder.sends(2099, *whole, complete=True)
    report = folder.sends(2099, *whole[:20], complete=True)
    [case] = open_cases(house, "feed-incomplete")
    assert (report.case, case["owner"]) == (case["number"], "supplier-operations")
    assert "20 of 40 live offers are missing" in case["cause_text"]
    folder.sends(2099, *whole[:39], complete=True)
    assert open_cases(house, "feed-incomplete") == []


def test_a_file_nobody_can_read_is_a_case_until_one_comes_that_can_be_read(house: House, folder: Folder) -> None:
    number = unreadable(house.hub.ctx, house.hub.plan, ACCOUNT, "2099", "offers.xlsx is no workbook")
    [case] = open_cases(house, "feed-unreadable")
    assert (case["number"], case["owner"]) == (number, "supplier-operations")
    folder.sends(2099, ("Thing", "X-1", "4006381333931", "11.00", "1", ""))
    assert open_cases(house, "feed-unreadable") == []


def test_what_was_taken_and_is_not_shown_so_is_a_case_until_it_is(house: House, folder: Folder) -> None:
    folder.sends(F, row(F, 0, "20.00", 5))
    house.run_for(minutes=3)
    with house.stage.world.lock:
        house.stage.portal.revise_offer(offer_id(F, 0), price_minor=2500)  # somebody at the marketplace's own pages
    house.run_for(hours=6)
    [case] = open_cases(house, "offer-not-live")
    assert sku(F, 0) in case["cause_text"] and case["owner"] == "supplier-operations"
    with house.stage.world.lock:
        house.stage.portal.revise_offer(offer_id(F, 0), price_minor=2000)
    look_at_offers(house)
    assert open_cases(house, "offer-not-live") == []


def test_an_offer_no_file_can_repeat_is_a_case_of_ours_until_it_can_be_sent(house: House, folder: Folder) -> None:
    def contributes(what: str) -> None:
        with house.hub.ctx.db.transaction() as conn:
            conn.execute(
                "UPDATE offer_details SET terms = terms || %s::jsonb WHERE offer_id = %s",
                (f'{{"eco_contributions": {what}}}', str(offer_id(F, 1))),
            )

    contributes('[{"producer_id": "FR-1"}]')
    folder.sends(F, row(F, 1, "21.00", 5, lead="3"))
    house.run_for(minutes=10)
    look_at_offers(house)
    [case] = open_cases(house, "offer-not-sent")
    assert sku(F, 1) in case["cause_text"] and "eco-contributions" in case["cause_text"]
    assert case["owner"] == "supplier-operations"
    contributes("[]")
    folder.sends(F, row(F, 1, "22.00", 5, lead="3"))
    house.run_for(minutes=10)
    look_at_offers(house)
    assert open_cases(house, "offer-not-sent") == [] and there(house, F, 1).price_minor == 2200


def test_what_became_of_files_is_measured_by_seller_and_reason(house: House) -> None:
    with house.hub.ctx.db.transaction() as conn:
        found = measures(conn, house.clock.now(), seller=str(B))
    [seller] = found.sellers
    assert (seller["live"], seller["rejected"], seller["waiting"], seller["unseen"]) == (3, 1, 0, 0)
    assert 0 < seller["to_live_p95_s"] < 3 * 3600
    told = {(one["by"], one["field"], one["code"]): (one["rows"], one["corrected"]) for one in found.reasons}
    with house.hub.ctx.db.transaction() as conn:
        whole = offer_measures(conn, house.hub.plan, house.clock.now(), LOOKED_BACK)
    files = house.rows(
        "SELECT sum(rows_read) AS read, sum(rows_rejected) AS rejected FROM feed_file WHERE seller = %s", str(B)
    )[0]
    handed = next(one for one in whole.handed if one.seller == str(B))
    assert (handed.handed_in, handed.by_us, handed.by_them) == (files["read"], files["rejected"], 1)
    assert {(one.by, one.field, one.code) for one in whole.reasons} >= set(told)
    [age], [live] = whole.ages, whole.to_live
    assert (age.name, age.about) == (
        ACCOUNT,
        house.rows("SELECT count(*) AS n FROM feed_offer WHERE state = 'live'")[0]["n"],
    )
    assert live.changes == house.rows("SELECT count(live_at) AS n FROM feed_sent")[0]["n"] > 3
    assert live.p50 and live.p95 and timedelta() < live.p50 < live.p95
    assert told == {("hub", "price", "amount"): (1, 1), ("marketplace", "gtin", "marketplace-refused"): (1, 0)}


def test_a_mistyped_price_is_mended_by_its_seller_from_what_came_back_and_the_offer_goes_live(
    open_day: Callable[..., House], tmp_path: Path
) -> None:
    day = options(span=timedelta(hours=2), planted_money_faults=False, feed_folder=tmp_path, pace=Pace().scaled(50))
    house = open_day(orders=0, options=day)
    clerk, reports = Clerk(house.hub, tmp_path, tmp_path), []
    for _ in range(15):
        house.run_for(minutes=10)
        reports += clerk.act()
    look_at_offers(house)
    assert [(one.read, one.rejected) for one in reports] == [(4, 1), (1, 0)]
    with house.hub.ctx.db.transaction() as conn:
        listed = feeds.page(conn, (ACCOUNT,), FeedFilter()).rows
    assert [(one.seller, one.door, one.state.word, one.version, one.rejected) for one in listed] == [
        (str(F), "Command", "Applied", 1, report.rejected) for report in reversed(reports)
    ]
    filed = house.stage.filers.books()
    assert [(one["sku"], one["fields"]) for one in filed["returned"]] == [(sku(F, 2), "price")]
    assert filed["live"] == filed["corrected"] != []
    with house.hub.ctx.db.transaction() as conn:
        counted = figures(conn, house.stage.world.books())["feeds"]
    assert counted == {
        "files": 2,
        "rows": 5,
        "rejected": 1,
        "returned": 1,
        "corrected": 1,
        "live": 1,
    }
    assert not [one for one in open_cases(house, "correction-unanswered") if one["seller"] == str(F)]
