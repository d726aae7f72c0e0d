"""The page of measures on a real database: every figure with its mark in words, and a way to the records behind it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from html import unescape

import pytest
from starlette.testclient import TestClient
from web.channel_rows import AMAZON, EBAY, selling_plan
from web.feed_rows import FRENCH, FeedDay

from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Ctx
from entrepot.web.app import create_app


@dataclass(frozen=True)
class RealHub:
    ctx: Ctx
    plan: Plan


@pytest.fixture
def browser(ctx: Ctx) -> Iterator[TestClient]:
    app = create_app(RealHub(ctx, selling_plan()))
    with TestClient(app, base_url="http://127.0.0.1:8400", follow_redirects=False) as client:
        yield client


@pytest.fixture
def busy(ctx: Ctx) -> None:
    """A week in which something of everything went wrong."""
    with ctx.db.transaction() as conn:
        day = FeedDay(conn, ctx.clock.now())
        day.file("2001", day.ago(hours=30), 2000, 100, absent=3)
        day.offers("2001", 40, day.ago(days=3))
        day.batch("2001", 4, day.ago(hours=20))
        day.came_back("2001", "price", 3)
        day.case(7, flow="offer-publication", mode="offer-not-live", account=FRENCH, seller="2001", object="feed")
        day.sent("2001", "A1", changed_at=day.ago(hours=9), taken_at=day.ago(hours=9), live_at=day.ago(hours=1))
        day.sent("2001", "A2", changed_at=day.ago(hours=9), taken_at=day.ago(hours=9), live_at=None)
        day.submission("s1", "e1", state="done", ended_at=day.ago(hours=1), items=200, rejected=3)
        day.stock_of("LAMP-1", "oms@backoffice", day.ago(minutes=10))
        day.listing("LAMP-1", shown_quantity=3)
        leg = day.order(1, EBAY, sku="LAMP-1")
        day.add("stock_reservation", line_id="line_ebay-de-1", leg_id=leg, sku="LAMP-1", quantity=2, made_at=day.now)
        day.oversold(1, "LAMP-1", count=3, opened_at=day.ago(days=20))


def main_of(browser: TestClient, address: str = "/measures") -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return answer.text[answer.text.index("<main") :]


def said(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).replace("\u00a0", " ").replace("\u202f", " ").split())


def test_a_hub_that_measured_nothing_says_what_has_to_happen_first(browser: TestClient) -> None:
    html = main_of(browser)
    assert "Nothing was measured yet" in said(html)
    assert 'href="/feeds/send"' in html
    assert "measure-value" not in html and "%" not in said(html)


@pytest.mark.usefixtures("busy")
def test_each_figure_is_told_with_its_mark_and_leads_to_the_records_behind_it(browser: TestClient) -> None:
    html = main_of(browser)
    words = said(html)
    for figure in (
        "Rows rejected 4.86 % 107 of 2 200 handed in · 1 seller",
        "Older than allowed 97.56 %",
        "From change to live, p95 8 h 2 not live yet, 1 too long",
        "Orders without stock 3 orders 1 of 1 case open",
        f"2001 {FRENCH} 5.2 % 2 000 in 1 file 100 4 Case 7",
        f"we ourselves {AMAZON} 1.5 % 200 in 1 submission",
        "Price Limits Entrepot 3 3",
        f"{FRENCH} offers of sellers’ files Beyond 1 d",
        "oms@backoffice our stock, as they tell it Within 2 h 10 min",
        f"{FRENCH} shown by the marketplace Beyond 4 h 8 h 8 h 1 1 1 too long",
        "1 Open LAMP-1 Article 2 pieces of LAMP-1 are ordered and not there. 3 27-11223-00001",
    ):
        assert figure in words, figure
    assert html.count("shape-bad") >= 4
    ways = {unescape(way).partition("#")[0] for way in re.findall(r'href="(/[^"]+)"', html)}
    assert {"/cases/case_7", f"/feeds?account={FRENCH.replace('/', '%2F')}&seller=2001"} <= ways
    assert {way: browser.get(way).status_code for way in ways} == dict.fromkeys(ways, 200)


@pytest.mark.usefixtures("busy")
def test_the_time_looked_at_is_chosen_by_a_link_and_what_waits_now_stays(browser: TestClient) -> None:
    week, day = main_of(browser), main_of(browser, "/measures?period=24h")
    assert "2 000 in 1 file" in said(week) and "– before this time" in said(day)
    assert "Orders without stock 3 orders" in said(day)
    assert re.findall(r'href="(/measures\?period=\w+)" aria-current="true"', week + day) == [
        "/measures?period=7d",
        "/measures?period=24h",
    ]
    assert said(main_of(browser, "/measures?period=nonsense")) == said(week)


@pytest.mark.usefixtures("busy")
def test_no_figure_is_zero_where_nothing_happened(browser: TestClient, ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        conn.execute("DELETE FROM feed_batch")
        conn.execute("DELETE FROM feed_return")
        conn.execute("UPDATE feed_file SET applied_at = %s", (ctx.clock.now() - timedelta(days=90),))
        conn.execute("DELETE FROM submission")
    words = said(main_of(browser))
    assert "Rows rejected – no file came in this time" in words
    assert "No file in this time" in words and "No row came back" in words
