"""What the pages of channels say and refuse, without a browser and without a database."""

import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from web.channel_fakes import FakeDisputes
from web.channel_rows import with_channels
from web.console_fakes import console

from entrepot.blueprint.load import load

HOME = "http://127.0.0.1:8400"
TABLES = ("orders", "parcels", "listings", "submissions", "refunds", "disputes")
PAGES = (
    "/channels", "/channels/amazon-de/main", *(f"/channels/amazon-de/main?show={table}" for table in TABLES),
    "/channels/amazon-de/main?show=parcels&q=nothing", "/listings/amazon-de/main/LAMP-1", "/disputes/dsp_1/answer",
)  # fmt: skip


@pytest.fixture
def disputes() -> FakeDisputes:
    return FakeDisputes()


@pytest.fixture
def browser(disputes: FakeDisputes) -> Iterator[TestClient]:
    app = console(plan=with_channels(load()), disputes=disputes)
    with TestClient(app, base_url=HOME, follow_redirects=False) as client:
        yield client


def token(browser: TestClient, page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', browser.get(page).text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_a_channel_is_whole_and_holds_no_script_or_style_of_its_own(
    browser: TestClient, page: str
) -> None:
    answer = browser.get(page)
    assert answer.status_code == 200
    assert answer.text.count("<h1>") == 1
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", answer.text)


@pytest.mark.parametrize(
    ("page", "region"),
    [
        ("/channels", "channel-cards"),
        ("/channels/amazon-de/main?show=disputes", "channel-table"),
        ("/channels/amazon-de/main", "channel-head"),
        ("/listings/amazon-de/main/LAMP-1", "listing-body"),
        ("/disputes/dsp_1/answer", "dialog-body"),
    ],
)
def test_a_region_asked_for_alone_comes_from_the_address_of_its_page(
    browser: TestClient, page: str, region: str
) -> None:
    alone = browser.get(page, headers={"HX-Request": "true", "HX-Target": f"div#{region}"}).text.strip()
    assert alone and "<html" not in alone
    assert len(alone) < len(browser.get(page).text)


def test_channels_stand_in_the_navigation_only_where_the_plan_sells(browser: TestClient) -> None:
    assert 'href="/channels"' in browser.get("/cases").text
    with TestClient(console(), base_url=HOME) as operator:
        assert 'href="/channels"' not in operator.get("/cases").text
        assert operator.get("/channels/amazon-de/main").status_code == 404


@pytest.mark.parametrize(
    "page",
    [
        "/channels/amazon-de",
        "/channels/amazon-de/main/more",
        "/listings/amazon-de/main/NONE",
        "/listings/x",
        "/disputes/none/answer",
    ],
)
def test_what_is_not_there_is_said_to_be_missing(browser: TestClient, page: str) -> None:
    assert browser.get(page).status_code == 404


def test_a_measure_beyond_its_limit_says_what_the_channel_does_then(browser: TestClient) -> None:
    html = browser.get("/channels").text
    assert "Beyond the limit" in html and "account may be deactivated" in html
    assert "a category may be closed" not in html  # of what was not measured


def test_a_dispute_is_answered_with_a_reason_and_leads_back_to_its_case(
    browser: TestClient, disputes: FakeDisputes
) -> None:
    page = "/disputes/dsp_1/answer"
    form = {
        "csrf": token(browser, page),
        "answer": "contest",
        "note": "Delivered on Monday",
        "reason": "The carrier says so",
    }
    answer = browser.post(page, data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases/case_01")
    [asked] = disputes.asked
    assert (asked.dispute, asked.answer, asked.note, asked.reason) == (
        "dsp_1",
        "contest",
        "Delivered on Monday",
        "The carrier says so",
    )


def test_an_answer_without_a_reason_is_asked_again_and_one_that_is_refused_says_why(
    browser: TestClient, disputes: FakeDisputes
) -> None:
    page = "/disputes/dsp_1/answer"
    csrf = token(browser, page)
    again = browser.post(page, data={"csrf": csrf, "answer": "accept"})
    assert again.status_code == 422 and "the reason stays with the dispute" in again.text
    disputes.refuses = "an answer is on its way already"
    refused = browser.post(page, data={"csrf": csrf, "answer": "accept", "reason": "x"})
    assert refused.status_code == 409 and "An answer is on its way already." in refused.text
    assert disputes.asked == []
