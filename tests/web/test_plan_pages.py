"""The pages about the plan: who owns what, what runs where, what to do when it fails; without a browser and a database."""

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from blueprint.drawn_plan import shop_plan
from starlette.testclient import TestClient
from web.console_fakes import FakeDesk, FakeHub, FakeReader, console, flow_rows

from entrepot.blueprint.draw import layout
from entrepot.web.app import create_app
from entrepot.web.files import DRAWING_POLICY
from entrepot.web.views import FlowsView

HOME = "http://127.0.0.1:8400"
PLAN = shop_plan()
PAGES = (
    "/ownership", "/ownership?show=undecided", "/ownership/offer", "/ownership/leg", "/ownership/payout", "/map", "/map?size=full",
    "/systems/mirakl-fr", "/systems/oms-eu", "/runbooks", "/runbooks?kind=system&owner=on-call", "/runbooks?flow=settlement",
    "/runbooks/leg-refused", "/runbooks/ack-at-risk", "/runbooks/offer-under-floor", "/identifiers", "/identifiers?q=C-88", "/identifiers?q=nothing",
    "/risks", "/risks?sort=likelihood&kind=business", "/risks?sort=owner&owner=on-call",
)  # fmt: skip
FILES = ("/ownership.csv", "/map.csv", "/systems/mirakl-fr/card.csv", "/runbooks.csv?kind=system", "/identifiers.csv", "/risks.csv?owner=on-call")  # fmt: skip
DRAWINGS = ("/ownership.svg", "/map.svg", "/systems/mirakl-fr/card.svg", "/identifiers.svg", "/risks.svg")


@pytest.fixture
def browser() -> Iterator[TestClient]:
    with TestClient(console(plan=PLAN), base_url=HOME, follow_redirects=False) as client:
        yield client


def text(html: str) -> str:
    """What a reader sees, on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_the_plan_is_whole_and_runs_nothing_of_its_own(browser: TestClient, page: str) -> None:
    answer = browser.get(page)
    assert answer.status_code == 200
    assert answer.text.count("<h1>") == 1
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\bsrc=)", answer.text)
    ids = re.findall(r'\sid="([^"]+)"', answer.text)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("page", PAGES)
def test_every_link_between_pages_of_the_plan_leads_somewhere(browser: TestClient, page: str) -> None:
    links = {
        link.partition("#")[0]
        for link in re.findall(
            r'href="(/(?:ownership|map|systems|runbooks|identifiers|risks|flows)[^"]*)"', browser.get(page).text
        )
    }
    for link in links:
        assert browser.get(link.replace("&amp;", "&")).status_code == 200, link


@pytest.mark.parametrize("path", FILES)
def test_every_list_leaves_as_a_file_of_the_same_view(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert rows
    if "owner=on-call" in path:
        assert {row["Owner"] for row in rows} == {"on-call"}
    if "kind=system" in path:
        assert {row["Kind"] for row in rows} == {"system"}


@pytest.mark.parametrize("path", DRAWINGS)
def test_a_drawing_opened_alone_may_run_nothing_and_load_nothing(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["content-security-policy"] == DRAWING_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    ElementTree.fromstring(answer.text)


def test_the_matrix_names_each_right_in_a_word_and_shows_what_nobody_owns(browser: TestClient) -> None:
    html = browser.get("/ownership").text
    offer = re.search(r'<tr id="row-offer".*?</tr>', html, re.DOTALL)
    assert offer is not None
    assert '<span class="visually-hidden">override, </span>' in offer[0]
    assert "Supplier operations" in offer[0]
    undecided = browser.get("/ownership?show=undecided").text
    assert "The plan does not say who owns it" in undecided
    assert 'id="row-offer"' not in undecided


def test_the_page_of_an_object_tells_every_rule_with_its_place(browser: TestClient) -> None:
    said = text(browser.get("/ownership/offer").text)
    assert "ownership.offer.fields.price[0]" in said
    assert "seller model dropship" in said
    assert "ERP (erp-eu) before Seller" in said
    assert "30 d at most" in said
    assert "Add ownership.payout to the plan" in text(browser.get("/ownership/payout").text)


def test_where_a_rule_stands_in_its_file_is_said_when_it_is_known() -> None:
    def places(path: str) -> str:
        return "ownership.yaml:41:7" if path.endswith("price[0]") else ""

    desk = FakeDesk()
    app = create_app(FakeHub(plan=PLAN), reader=FakeReader(), cases=desk, flows=desk, places=places)
    with TestClient(app, base_url=HOME) as browser:
        html = browser.get("/ownership/offer").text
    assert "ownership.yaml:41:7" in html
    assert "ownership.offer.fields.price[1]" in html


def test_the_map_shows_what_each_flow_does_now_and_leads_to_it(browser: TestClient) -> None:
    html = browser.get("/map").text
    drawn = re.search(r"<svg[^>]*class=\"drawing\".*?</svg>", html, re.DOTALL)
    assert drawn is not None
    said = text(drawn[0]).replace("\u00a0", " ")
    assert "Paused, 310 waiting" in said
    assert "Running, 2 cases, 15 waiting" in said
    assert "Not run by this hub" in said
    assert 'href="/flows#row-settlement"' in drawn[0]
    assert 'href="/systems/mirakl-fr"' in drawn[0]
    assert "d-tone-bad" in drawn[0]
    assert "observes only" in text(html)


def test_a_region_of_the_map_comes_alone_from_the_address_of_its_page(browser: TestClient) -> None:
    alone = browser.get("/map?size=full", headers={"HX-Request": "true", "HX-Target": "div#map-body"})
    assert "<html" not in alone.text
    assert "drawing-full" in alone.text


def test_without_the_drawing_the_map_is_still_told_in_words(
    browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout._drawn.cache_clear()
    monkeypatch.setattr(layout, "_program", lambda: "/nowhere/d2")
    answer = browser.get("/map")
    layout._drawn.cache_clear()
    assert answer.status_code == 200
    assert "D2 cannot be started" in answer.text
    assert "Order acceptance" in text(answer.text)


def test_the_card_of_a_system_says_what_goes_on_without_it(browser: TestClient) -> None:
    said = text(browser.get("/systems/mirakl-fr").text)
    for words in (
        "The storefront goes on with",
        "new prices",
        "up to 4 h, by Marketplace lead",
        "Wait and heal by safety check",
        "never replayed",
    ):
        assert words in said
    assert "No flow uses it" not in said


def test_a_runbook_holds_all_that_a_person_needs(browser: TestClient) -> None:
    said = text(browser.get("/runbooks/offer-under-floor").text)
    for words in ("What it means", "are not sold until their seller corrects the price", "Supplier operations", "Mon-Fri 08-18 Europe/Paris",
                  "suppress, escalate", "Seller", "Operator, Customer care", "50 % of its time used", "all of its time used", "Marketplace lead",
                  "alert: open cases above 3 for 5 min", "Ask the seller for the right price."):  # fmt: skip
        assert words in said
    assert "&lt;b&gt;and&lt;/b&gt;" in browser.get("/runbooks/offer-under-floor").text
    assert said.index("What it means") < said.index("Why") < said.index("Steps")


def test_a_runbook_lists_its_open_cases_and_leads_to_all_of_them(browser: TestClient) -> None:
    html = browser.get("/runbooks/leg-refused").text
    assert 'href="/cases/case_00"' in html
    assert 'href="/cases?mode=leg-refused"' in html


def test_every_case_leads_to_its_runbook_and_to_the_card_of_its_system(browser: TestClient) -> None:
    html = browser.get("/cases/case_00").text
    assert 'href="/runbooks/leg-refused"' in html
    assert 'href="/systems/mirakl-fr"' in html


def test_the_risk_register_is_sorted_by_its_address(browser: TestClient) -> None:
    def first(page: str) -> str:
        found = re.search(r'<tr id="row-([a-z-]+)"', browser.get(page).text)
        assert found is not None
        return found[1]

    assert first("/risks") == "leg-refused"
    assert first("/risks?sort=escalated") == "unknown-outcome"
    assert first("/risks?sort=mode") == "ack-at-risk"
    assert first("/risks?sort=nonsense") == "leg-refused"
    assert 'aria-sort="descending"' in browser.get("/risks?sort=likelihood").text


def test_the_risk_register_tells_what_the_hub_has_seen(browser: TestClient) -> None:
    row = re.search(r'<tr id="row-unknown-outcome".*?</tr>', browser.get("/risks").text, re.DOTALL)
    assert row is not None
    said = text(row[0]).replace("\u00a0", " ")
    assert "0.7 a week 1 open 129.00 EUR" in said
    assert "50 min 44 % 2 42.00 EUR" in said


def test_every_name_of_a_record_is_found_by_any_of_them(browser: TestClient) -> None:
    said = text(browser.get("/identifiers?q=C-88").text)
    assert "Basket C-88411" in said
    assert "Authorisation id auth_1 gateway/main" in said
    assert "Nothing has this name" in browser.get("/identifiers?q=nothing").text


@pytest.mark.parametrize(
    "page", ["/ownership/nobody", "/systems/nobody", "/systems/nobody/card.svg", "/runbooks/nobody"]
)
def test_what_the_plan_does_not_have_is_a_page_with_a_way_on(browser: TestClient, page: str) -> None:
    answer = browser.get(page)
    assert answer.status_code == 404
    assert 'href="/ownership"' in answer.text


def test_what_the_plan_is_called_never_becomes_markup() -> None:
    evil = '"><script>alert(1)</script>'
    flow = PLAN.flows["settlement"].model_copy(update={"name": evil})
    system = PLAN.systems["gateway"].model_copy(update={"name": evil})
    plan = PLAN.model_copy(update={"flows": {**PLAN.flows, evil: flow}, "systems": {**PLAN.systems, evil: system}})

    class Reader(FakeReader):
        def flows(self) -> FlowsView:
            return FlowsView((*flow_rows(), replace(flow_rows()[0], name=evil, word=evil)))

    desk = FakeDesk()
    with TestClient(create_app(FakeHub(plan=plan), reader=Reader(), cases=desk, flows=desk), base_url=HOME) as browser:
        for page in ("/map", "/map.svg", "/risks", "/ownership"):
            assert "<script>alert" not in browser.get(page).text
