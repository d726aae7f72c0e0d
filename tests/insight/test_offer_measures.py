"""Measures of offers: by whom and why rows came back, how old what we show is, how soon a change is live, what was sold and was not there."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from web.channel_rows import AMAZON, EBAY, ORDER_ID, selling_plan
from web.feed_rows import FRENCH, GERMAN, FeedDay

from entrepot.insight import store
from entrepot.insight.offers import OfferMeasures, offer_measures
from entrepot.kernel.ctx import Ctx

A_DAY, A_WEEK = timedelta(days=1), timedelta(days=7)


@pytest.fixture
def day(ctx: Ctx) -> Iterator[FeedDay]:
    with ctx.db.transaction() as conn:
        yield FeedDay(conn, ctx.clock.now())


def looked(day: FeedDay, back: timedelta = A_WEEK) -> OfferMeasures:
    return offer_measures(day.conn, selling_plan(), day.now, back)


def test_a_hub_that_was_handed_nothing_has_no_figures(day: FeedDay) -> None:
    assert looked(day).empty


def test_rows_handed_in_are_held_against_those_we_and_they_rejected_and_the_worst_stands_first(day: FeedDay) -> None:
    day.file("2001", day.ago(hours=30), 1000, 5)
    day.file("2001", day.ago(hours=3), 1000, 15)
    day.file("2002", day.ago(hours=2), 50, 9)
    day.file("2003", day.ago(days=3), 10, 0)
    for seller, refused, ago in (("2001", 4, 1), ("2001", 99, 9 * 24), ("2003", 2, 1)):
        day.batch(seller, refused, day.ago(hours=ago))
    day.submission("s1", "e1", state="done", ended_at=day.ago(hours=1), items=200, rejected=3)
    day.case(7, flow="offer-publication", account=FRENCH, seller="2002", due_at=day.ahead(hours=1))
    day.case(8, flow="offer-publication", account=FRENCH, seller="2002", due_at=day.ahead(hours=2), object_id="other")
    found = looked(day).handed
    assert [(one.seller, one.account, one.files, one.handed_in, one.by_us, one.by_them) for one in found] == [
        ("2003", FRENCH, 1, 10, 0, 2), ("2002", FRENCH, 1, 50, 9, 0), ("", AMAZON, 1, 200, 0, 3), ("2001", FRENCH, 2, 2000, 20, 4),
    ]  # fmt: skip
    assert [one.rate for one in found] == [0.2, 0.18, 0.015, 0.012]
    assert (found[1].cases, found[1].case_number) == (2, 7)
    only = {one.seller: (one.handed_in, one.rate) for one in looked(day, A_DAY).handed}
    assert only == {"2002": (50, 0.18), "": (200, 0.015), "2001": (1000, 0.019), "2003": (0, None)}


def test_each_row_that_came_back_is_counted_once_by_field_reason_and_who_rejected_it(day: FeedDay) -> None:
    day.came_back("2001", "price", 3)
    day.came_back("2002", "price", 1, ended_at=day.now, ended_why="corrected")
    day.came_back("2001", "gtin", 2, batch_id="b", code="marketplace-refused")
    day.came_back("2001", "title", 5, first_at=day.ago(days=20))
    day.submission("s1", "e1", state="done", ended_at=day.ago(hours=1), items=4, rejected=1)
    day.item("s1", "k1", accepted=False, code="90057", message="No such ASIN", attribute="asin")
    day.item("s1", "k2")
    found = [
        (one.by, one.field, one.code, one.rows, one.open, one.corrected, one.sellers, one.mostly)
        for one in looked(day).reasons
    ]
    assert found == [
        ("hub", "price", "limits", 4, 3, 1, 2, "2001"), ("marketplace", "gtin", "marketplace-refused", 2, 2, 0, 1, "2001"),
        ("marketplace", "asin", "90057", 1, None, None, 1, ""),
    ]  # fmt: skip


def test_an_offer_is_as_old_as_its_last_change_or_the_last_file_that_left_none_out(day: FeedDay) -> None:
    day.file("2001", day.ago(hours=2), 100, 0)
    day.offers("2001", 100, day.ago(days=20))
    day.file("2002", day.ago(hours=2), 10, 0, absent=90)
    day.offers("2002", 100, day.ago(days=20))
    day.file("3001", day.ago(hours=30), 5, 0, GERMAN)
    day.offers("3001", 5, day.ago(days=20), GERMAN)
    for number in range(20):
        day.stock_of(f"L{number}", "oms@backoffice", day.ago(minutes=10 if number else 150))
    german, french, pools = sorted(looked(day).ages, key=lambda one: one.kind + one.name)
    assert (french.seen, french.about, french.stale_share, french.limit) == (200, 200, 0.5, A_DAY)
    assert (german.p50, german.p95, german.stale) == (timedelta(hours=30), timedelta(hours=30), 5)
    assert (pools.name, pools.stale, pools.limit) == ("oms@backoffice", 1, timedelta(hours=2))
    assert pools.p50 == timedelta(minutes=10) < pools.p95


def test_of_a_great_many_offers_a_part_is_looked_at_and_an_account_of_few_is_not_forgotten(day: FeedDay) -> None:
    many = store.PAGES_LOOKED_AT * 60
    day.file("2001", day.ago(days=40), many, 0, absent=1)
    day.offers("2001", many // 2, day.ago(hours=1))
    day.offers("2001", many // 2, day.ago(days=30), named="B")
    day.file("3001", day.ago(hours=30), 5, 0, GERMAN)
    day.offers("3001", 5, day.ago(hours=1), GERMAN)
    german, french = looked(day).ages
    assert french.seen < many * 0.9
    assert french.about == pytest.approx(many, rel=0.15)
    assert french.stale_share == pytest.approx(0.5, abs=0.15)
    assert (german.seen, german.about, german.p95) == (5, 5, timedelta(hours=30))


def test_from_change_to_live_is_measured_by_what_became_live_and_what_is_not_shown_is_late_after_the_plans_time(
    day: FeedDay,
) -> None:
    day.file("2001", day.ago(hours=30), 10, 0)
    for minutes in range(1, 101):
        day.sent(
            "2001",
            f"A{minutes}",
            changed_at=day.ago(hours=5),
            taken_at=day.ago(hours=4),
            live_at=day.ago(hours=5) + timedelta(minutes=minutes),
        )
    day.sent("2001", "OLD", changed_at=day.ago(days=30), taken_at=day.ago(days=30), live_at=day.ago(days=9))
    day.sent("2001", "NEW", changed_at=day.ago(hours=3), taken_at=day.ago(hours=3), live_at=None)
    day.sent("2001", "LATE", changed_at=day.ago(hours=9), taken_at=day.ago(hours=9), live_at=None)
    day.batch("2001", 0, None, "planned")
    found = next(one for one in looked(day).to_live if one.kind == "fed")
    assert (found.changes, found.unseen, found.late, found.waiting) == (100, 2, 1, 40)
    assert found.p50 == timedelta(minutes=50.5)
    assert found.p95 == timedelta(minutes=95.05)
    assert found.limit == timedelta(hours=4)


def test_our_listings_are_measured_by_the_actions_channels_took_and_by_what_they_show_otherwise(day: FeedDay) -> None:
    day.listing("LAMP-1")
    day.listing("LAMP-2", shown_quantity=3)
    day.listing("LAMP-3", stock_told=8)
    day.effect(
        "eff_1",
        "done",
        account=AMAZON,
        flow="listing-offer",
        key="e1",
        planned_at=day.ago(hours=2),
        done_at=day.ago(hours=1),
        outcome={},
    )
    day.effect("eff_2", "planned", account=AMAZON, flow="listing-offer", key="e2")
    day.effect(
        "eff_3",
        "done",
        account=AMAZON,
        flow="order-intake",
        key="e3",
        planned_at=day.ago(days=2),
        done_at=day.ago(hours=1),
        outcome={},
    )
    [found] = [one for one in looked(day).to_live if one.kind == "own"]
    assert (found.account, found.changes, found.p95, found.unseen, found.waiting) == (
        AMAZON,
        1,
        timedelta(hours=1),
        2,
        1,
    )


def test_oversold_is_counted_by_its_cases_with_the_newest_order_of_each(day: FeedDay) -> None:
    leg = day.order(1, EBAY, sku="LAMP-1")
    day.add("stock_reservation", line_id="line_ebay-de-1", leg_id=leg, sku="LAMP-1", quantity=2, made_at=day.now)
    refused = {"account": EBAY, "order_id": ORDER_ID[EBAY].format(n=1)}
    day.effect("eff_9", "refused", account="backoffice/main", key="k9", payload=refused)
    day.oversold(1, "LAMP-1", count=3, opened_at=day.ago(days=20))
    day.oversold(
        2, "LAMP-2", state="closed", resolved_at=day.ago(hours=1), resolved_verb="cause-gone", resolved_by="hub"
    )
    day.oversold(
        3,
        "LAMP-3",
        opened_at=day.ago(days=20),
        state="closed",
        resolved_at=day.ago(days=19),
        resolved_verb="cause-gone",
        resolved_by="hub",
    )
    day.case(4, mode="oversold", object="effect", object_id="eff_9", effect_id="eff_9")
    found = looked(day).oversold
    assert (found.times, found.cases, found.open) == (5, 3, 2)
    order = ("bas_ebay-de-1", refused["order_id"])
    assert [(one.number, one.object, one.object_id, one.order) for one in found.last] == [
        (4, "effect", "eff_9", order), (2, "stock", "LAMP-2", None), (1, "stock", "LAMP-1", order),
    ]  # fmt: skip


def test_how_soon_a_change_is_live_is_read_from_the_newest_and_not_from_every_offer(day: FeedDay) -> None:
    day.file("2001", day.ago(hours=30), 10, 0)
    day.conn.execute(
        "INSERT INTO feed_sent (account, seller, sku, changed_at, taken_at, live_at) SELECT %s, '2001', 'A' || n, %s, %s, %s - n * interval '1 min' "
        "FROM generate_series(1, 20000) AS n", (FRENCH, day.ago(days=9), day.ago(days=9), day.now),
    )  # fmt: skip
    day.conn.execute("ANALYZE feed_sent")
    given = {"since": day.ago(hours=2), "late": day.now, "most": store.LIVE_MOST, "counted": store.COUNTED_MOST}
    plan = "\n".join(row["QUERY PLAN"] for row in day.conn.execute(f"EXPLAIN {store._FED_LIVE}", given).fetchall())
    assert "feed_sent_live" in plan and "Seq Scan on feed_sent" not in plan
