"""What the console's pages say and refuse, without a browser and without a database."""

import csv
import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from lucide import get_icon_list
from starlette.testclient import TestClient
from web.console_fakes import FakeDesk, FakeHub, FakeReader, console

from entrepot.kernel.cells import defused
from entrepot.kernel.errors import NotNow
from entrepot.web.app import create_app
from entrepot.web.desk import read_form
from entrepot.web.guard import SECURITY_HEADERS
from entrepot.web.pages import ROUTERS
from entrepot.web.pages.cases import merge_patch
from entrepot.web.pages.feeds import read_file
from entrepot.web.render import TEMPLATES
from entrepot.web.views import FlowsView

HOME = "http://127.0.0.1:8400"
PAGES = (
    "/", "/cases", "/cases?show=overdue&open=case_01", "/cases?show=resolved", "/cases/case_01", "/cases/case_01/retry",
    "/cases/case_01/repair", "/cases/case_05", "/cases/case_01/handle/assign", "/cases/case_01/handle/question",
    "/cases?kind=system", "/questions", "/questions/7", "/questions/8", "/questions/9", "/cases/case_01/suppress", "/cases/case_01/escalate",
    "/cases/bulk?verb=retry&case=case_01", "/orders", "/orders?leg=to-ship", "/orders/bas_1", "/messages/msg_1",
    "/actions/eff_1", "/settlement", "/settlement/stm_1", "/settlement/stm_1?lines=variance", "/flows", "/plan", "/plan/2", "/plan/1",
    "/flows/shipment/pause", "/flows/shipment/empty", "/flows/settlement/proof", "/flows/settlement/resume", "/find", "/find?q=C-", "/find?q=nothing",
    "/measures", "/measures?period=24h",
)  # fmt: skip


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def browser(desk: FakeDesk) -> Iterator[TestClient]:
    with TestClient(console(desk), base_url=HOME, follow_redirects=False) as client:
        yield client


def token(browser: TestClient, page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', browser.get(page).text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_whole_and_carries_the_security_headers(browser: TestClient, page: str) -> None:
    answer = browser.get(page)
    assert answer.status_code == 200
    assert answer.text.startswith("<!doctype html>")
    assert answer.text.count("<h1>") == 1
    assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


@pytest.mark.parametrize("page", PAGES)
def test_no_page_holds_a_script_or_style_of_its_own(browser: TestClient, page: str) -> None:
    html = browser.get(page).text
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", html)


def test_what_a_marketplace_sent_is_shown_and_never_run(browser: TestClient) -> None:
    html = browser.get("/cases/case_01").text
    assert "<script>alert(1)</script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


@pytest.mark.parametrize(
    ("page", "region"),
    [
        ("/cases?open=case_01", "case-list"),
        ("/cases?open=case_01", "case-panel"),
        ("/", "today"),
        ("/flows", "flow-list"),
        ("/plan", "plan"),
        ("/cases/case_01/retry", "dialog-body"),
        ("/orders/bas_1", "basket-body"),
    ],
)
def test_a_region_asked_for_alone_comes_from_the_address_of_its_page(
    browser: TestClient, page: str, region: str
) -> None:
    whole = browser.get(page)
    alone = browser.get(page, headers={"HX-Request": "true", "HX-Target": f"div#{region}"})
    assert alone.status_code == whole.status_code == 200
    assert "<html" not in alone.text
    assert len(alone.text) < len(whole.text)
    assert "HX-Target" in alone.headers["vary"]


def test_a_page_that_comes_back_from_history_is_whole(browser: TestClient) -> None:
    headers = {"HX-Request": "true", "HX-Target": "div#case-list", "HX-History-Restore-Request": "true"}
    assert "<html" in browser.get("/cases", headers=headers).text


def test_the_effect_on_the_business_stands_before_the_cause_and_the_payload(browser: TestClient) -> None:
    html = browser.get("/cases/case_00").text
    effect, cause, payload = (html.index(word) for word in ("basket is incomplete", "out of stock", "order_lines"))
    assert effect < cause < payload


def test_money_always_says_its_currency(browser: TestClient) -> None:
    html = browser.get("/settlement/stm_1").text
    assert "\u2212382.08" in html
    assert len(re.findall(r'class="money', html)) == len(re.findall(r'class="ccy"', html)) > 20


def test_a_verb_without_a_reason_does_nothing(browser: TestClient, desk: FakeDesk) -> None:
    csrf = token(browser, "/cases/case_01/suppress")
    answer = browser.post("/cases/case_01/suppress", data={"csrf": csrf, "reason": "   "})
    assert answer.status_code == 422
    assert "A reason is needed" in answer.text
    assert desk.calls == []


def test_a_verb_with_a_reason_is_done_by_the_person_who_pressed_it(browser: TestClient, desk: FakeDesk) -> None:
    csrf = token(browser, "/cases/case_01/retry")
    answer = browser.post("/cases/case_01/retry", data={"csrf": csrf, "reason": "The gateway is back"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases/case_01")
    assert desk.calls == [("retry", "case_01", "local operator", "The gateway is back")]
    assert "Done: retry." in browser.get("/cases/case_01").text
    assert "Done: retry." not in browser.get("/cases/case_01").text


def test_a_retry_shows_what_leaves_the_hub_before_anything_does(browser: TestClient, desk: FakeDesk) -> None:
    html = browser.get("/cases/case_01/retry").text
    assert "gateway.capture to gateway/main, key capture:C-88411-A" in html
    assert "1 thing leaves" in html
    assert "Retry in sandbox" in html
    assert desk.calls == []


def test_a_verb_the_hub_refuses_says_why_and_keeps_the_reason(browser: TestClient, desk: FakeDesk) -> None:
    csrf = token(browser, "/cases/case_01/retry")
    desk.refuses = "retry"
    answer = browser.post("/cases/case_01/retry", data={"csrf": csrf, "reason": "Try once more"})
    assert answer.status_code == 409
    assert "It is done already" in answer.text
    assert "Try once more" in answer.text


def test_a_repair_shows_what_changes_and_is_done_only_when_confirmed(browser: TestClient, desk: FakeDesk) -> None:
    csrf = token(browser, "/cases/case_01/repair")
    form = {"csrf": csrf, "reason": "Wrong id", "document": '{"order_id": "C-1", "order_lines": []}'}
    plan = browser.post("/cases/case_01/repair", data=form)
    assert plan.status_code == 200
    assert "What changes" in plan.text
    assert desk.calls == []
    done = browser.post("/cases/case_01/repair", data=form | {"step": "confirm"})
    assert done.status_code == 303
    assert desk.patches == [{"order_id": "C-1", "order_lines": []}]


@pytest.mark.parametrize(("document", "says"), [("{", "not valid JSON"), ("[]", "must be a JSON object")])
def test_a_repair_that_cannot_be_read_is_explained(
    browser: TestClient, desk: FakeDesk, document: str, says: str
) -> None:
    csrf = token(browser, "/cases/case_01/repair")
    answer = browser.post("/cases/case_01/repair", data={"csrf": csrf, "reason": "x", "document": document})
    assert answer.status_code == 422
    assert says in answer.text
    assert desk.calls == []


def test_a_repair_names_only_the_fields_that_differ() -> None:
    before = {"a": 1, "b": {"c": 2, "d": 3}, "gone": 4, "same": [1], "flag": 1}
    after = {"a": 1, "b": {"c": 2, "d": 9}, "same": [1], "new": None, "flag": True}
    assert merge_patch(before, after) == {"b": {"d": 9}, "gone": None, "new": None, "flag": True}


def test_a_bulk_decision_is_planned_then_done_one_by_one(browser: TestClient, desk: FakeDesk) -> None:
    plan = browser.get("/cases/bulk?verb=suppress&case=case_01&case=case_02&case=nobody")
    assert "applies to 2 of 2 cases" in plan.text
    csrf = token(browser, "/cases")
    form = {"csrf": csrf, "verb": "suppress", "case": ["case_01", "case_02"], "reason": "Known outage"}
    done = browser.post("/cases/bulk", data=form)
    assert done.status_code == 200
    assert [call[:2] for call in desk.calls] == [("suppress", "case_01"), ("suppress", "case_02")]
    assert done.text.count("Done: suppress.") == 2


def test_a_flow_is_paused_with_a_reason_and_an_end(browser: TestClient, desk: FakeDesk) -> None:
    csrf = token(browser, "/flows/shipment/pause")
    assert browser.post("/flows/shipment/pause", data={"csrf": csrf, "reason": "Carrier down"}).status_code == 422
    answer = browser.post("/flows/shipment/pause", data={"csrf": csrf, "reason": "Carrier down", "hours": "2"})
    assert answer.status_code == 303
    assert desk.calls == [("pause", "shipment", "local operator", "Carrier down until 16:02")]


def test_a_pause_the_blueprint_forbids_is_refused_in_its_words(browser: TestClient, desk: FakeDesk) -> None:
    desk.refuses = "pause"
    csrf = token(browser, "/flows/shipment/pause")
    answer = browser.post("/flows/shipment/pause", data={"csrf": csrf, "reason": "Carrier down", "hours": "2"})
    assert answer.status_code == 409
    assert "the blueprint does not let it be paused" in answer.text


@pytest.mark.parametrize("form", [{}, {"csrf": "0" * 64}, {"csrf": "\u00e9"}])
def test_a_form_that_is_not_ours_is_refused(browser: TestClient, desk: FakeDesk, form: dict[str, str]) -> None:
    browser.get("/")
    assert browser.post("/cases/case_01/suppress", data={"reason": "x", **form}).status_code == 403
    assert desk.calls == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9"},
    ],
)
def test_a_write_from_another_site_is_refused_even_with_our_token(
    browser: TestClient, desk: FakeDesk, headers: dict[str, str]
) -> None:
    form = {"csrf": token(browser, "/"), "reason": "x"}
    assert browser.post("/cases/case_01/suppress", data=form, headers=headers).status_code == 403
    assert desk.calls == []


def test_a_write_from_our_own_page_passes(browser: TestClient, desk: FakeDesk) -> None:
    form = {"csrf": token(browser, "/"), "reason": "x"}
    headers = {"Origin": HOME, "Sec-Fetch-Site": "same-origin"}
    assert browser.post("/cases/case_01/suppress", data=form, headers=headers).status_code == 303
    assert len(desk.calls) == 1


def test_a_name_that_points_at_us_from_elsewhere_is_not_answered(browser: TestClient) -> None:
    assert browser.get("/", headers={"Host": "rebound.example:8400"}).status_code == 403
    assert browser.get("/", headers={"Host": "localhost:8400"}).status_code == 200


def test_every_route_that_writes_checks_its_form() -> None:
    writing = [
        route
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and "POST" in (route.methods or ())
    ]
    assert len(writing) >= 5
    for route in writing:
        calls = [dependency.call for dependency in route.dependant.dependencies]
        assert read_form in calls or read_file in calls, route.path  # a form with a file is read with its token too


def test_a_form_larger_than_the_cap_is_refused(browser: TestClient) -> None:
    form = {"csrf": token(browser, "/"), "reason": "x" * 1_100_000}
    assert browser.post("/cases/case_01/suppress", data=form).status_code == 413


@pytest.mark.parametrize(
    "page",
    [
        "/nope",
        "/cases/nobody",
        "/orders/nobody",
        "/messages/nobody",
        "/actions/nobody",
        "/settlement/nobody",
        "/flows/nobody/pause",
    ],
)
def test_what_is_not_there_is_a_page_with_a_way_on(browser: TestClient, page: str) -> None:
    answer = browser.get(page)
    assert answer.status_code == 404
    assert 'href="/cases"' in answer.text
    assert answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "page",
    [
        "/cases/case_01/explode",
        "/cases/bulk?verb=explode&case=case_01",
        "/cases/bulk?verb=repair&case=case_01",
        "/cases/bulk?verb=retry",
    ],
)
def test_a_verb_there_is_not_is_no_crash(browser: TestClient, page: str) -> None:
    assert 400 <= browser.get(page).status_code < 500


def test_one_find_leads_straight_to_its_page(browser: TestClient) -> None:
    answer = browser.get("/find?q=C-88411-A")
    assert (answer.status_code, answer.headers["location"]) == (303, "/orders/bas_1#leg-C-88411-A")


def test_cases_leave_as_a_file_no_spreadsheet_executes(browser: TestClient) -> None:
    answer = browser.get("/cases.csv?owner=on-call")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert {row["owner"] for row in rows} == {"on-call"}
    assert {row["money"] for row in rows} == {"54.00"}  # its system faults are another list
    faults = csv.DictReader(browser.get("/cases.csv?owner=on-call&kind=system").text.splitlines())
    assert {row["money"] for row in faults} == {"129.00"}
    assert [defused(cell) for cell in ("=1+1", "@x", "-12.50", "+x", "plain")] == [
        "'=1+1",
        "'@x",
        "-12.50",
        "'+x",
        "plain",
    ]


def test_times_are_shown_in_the_zone_the_reader_chose(browser: TestClient) -> None:
    form = {"csrf": token(browser, "/"), "zone": "Asia/Tokyo", "back": "/flows"}
    assert browser.post("/preferences", data=form).headers["location"] == "/flows"
    assert "23:02:11" in browser.get("/").text
    assert browser.post("/preferences", data=form | {"zone": "Moon/Base"}).status_code == 400


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", ""])
def test_after_keeping_a_preference_one_stays_in_the_console(browser: TestClient, back: str) -> None:
    form = {"csrf": token(browser, "/"), "theme": "dark", "back": back}
    assert browser.post("/preferences", data=form).headers["location"] == "/"
    assert 'data-bs-theme="dark"' in browser.get("/").text


def test_production_is_said_in_a_word_and_on_the_button() -> None:
    with TestClient(console(environment="production"), base_url=HOME) as browser:
        html = browser.get("/cases/case_01/retry").text
        assert 'class="env env-production"' in html
        assert "Retry in production" in html


def test_static_files_may_be_kept_for_ever_only_by_their_content(browser: TestClient) -> None:
    found = re.search(r'href="(/static/entrepot.css\?v=[0-9a-f]+)"', browser.get("/").text)
    assert found is not None
    assert "immutable" in browser.get(found[1]).headers["cache-control"]
    assert browser.get("/static/entrepot.css").headers["cache-control"] == "no-cache"
    assert browser.get("/static/../app.py").status_code == 404


def test_every_icon_a_template_names_is_in_the_icon_set() -> None:
    html = "".join(file.read_text() for file in TEMPLATES.rglob("*.html"))
    names = set(re.findall(r"(?:icon|empty)\('([a-z0-9-]+)'", html))
    for choices in re.findall(r"icon\(\{([^}]*)\}", html):
        names |= set(re.findall(r": '([a-z0-9-]+)'", choices))
    assert len(names) > 30
    assert names <= set(get_icon_list())


def test_the_machines_doors_stand_before_the_console_and_need_no_cookie() -> None:
    doors = FastAPI()

    @doors.post("/hooks/mirakl-fr")
    def hook() -> dict[str, bool]:
        return {"kept": True}

    doors.mount("", console())
    with TestClient(doors, base_url=HOME) as browser:
        assert browser.post("/hooks/mirakl-fr", headers={"Origin": "http://elsewhere"}).json() == {"kept": True}
        assert browser.get("/cases/case_01").status_code == 200
        assert browser.get("/static/entrepot.js").status_code == 200
        assert "There is no such page" in browser.get("/nope").text
        assert browser.post("/cases/case_01/retry").status_code == 403


class Broken(FakeReader):
    """A reader with a fault of ours in it, or a database that is away."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def flows(self) -> FlowsView:
        raise self._error


def test_a_database_that_is_away_is_a_page_and_no_stack_trace() -> None:
    app = create_app(FakeHub(), reader=Broken(NotNow("the database does not answer")))
    with TestClient(app, base_url=HOME) as browser:
        answer = browser.get("/flows")
        assert answer.status_code == 503
        assert "the database does not answer" in answer.text


def test_a_fault_of_ours_shows_nothing_of_its_inside() -> None:
    app = create_app(FakeHub(), reader=Broken(RuntimeError("password=hunter2")))
    with TestClient(app, base_url=HOME, raise_server_exceptions=False) as browser:
        answer = browser.get("/flows")
        assert answer.status_code == 500
        assert "hunter2" not in answer.text
        assert "A fault of ours" in answer.text
        assert answer.headers["content-security-policy"] == SECURITY_HEADERS["content-security-policy"]


def test_the_team_one_decides_for_is_kept_and_travels_with_every_verb(browser: TestClient, desk: FakeDesk) -> None:
    form = {"csrf": token(browser, "/cases/case_01/suppress"), "back": "/cases", "team": "order-desk"}
    answer = browser.post("/preferences", data=form)
    assert answer.cookies["entrepot_team"] == "order-desk"
    browser.post("/cases/case_01/suppress", data=form | {"reason": "known", "hours": "24"})
    assert (desk.wishes[-1].team, desk.wishes[-1].until is not None) == ("order-desk", True)
    assert browser.post("/preferences", data=form | {"team": "nobody"}).status_code == 400
    assert browser.post("/preferences", data=form | {"team": ""}).status_code == 303


def test_a_refused_deed_keeps_what_was_written(browser: TestClient, desk: FakeDesk) -> None:
    desk.refuses = "assign"
    form = {"csrf": token(browser, "/cases/case_01/handle/assign"), "to": "Grace", "text": "she knows him"}
    answer = browser.post("/cases/case_01/handle/assign", data=form)
    assert answer.status_code == 422
    assert "she knows him" in answer.text and "supplier-operations" in answer.text
    assert browser.get("/cases/case_01/handle/dance").status_code == 422
    assert browser.get("/cases/case_99/handle/note").status_code == 404


def test_questions_and_hidden_rules_stand_on_one_page(browser: TestClient) -> None:
    text = browser.get("/questions").text
    assert "Who owns the price of a bundle?" in text
    assert "set /order_state" in text and "/cases/case_06" in text
    assert browser.get("/questions/99").status_code == 404


def test_a_flow_is_emptied_with_a_reason_and_an_end_and_shows_its_proof(browser: TestClient, desk: FakeDesk) -> None:
    csrf = token(browser, "/flows/shipment/empty")
    assert browser.post("/flows/shipment/empty", data={"csrf": csrf, "reason": "Carrier down"}).status_code == 422
    answer = browser.post("/flows/shipment/empty", data={"csrf": csrf, "reason": "Carrier down", "hours": "2"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/flows/shipment/proof")
    assert desk.calls[-1][:2] == ("empty", "shipment")
    page = browser.get("/flows/shipment/proof").text
    assert "Nothing is in flight." in page and "decided" in page and ">40<" in page
    assert "/flows/shipment/empty" in browser.get("/flows").text


def test_a_flow_that_may_not_be_emptied_says_why(browser: TestClient, desk: FakeDesk) -> None:
    desk.refuses = "empty"
    csrf = token(browser, "/flows/shipment/empty")
    answer = browser.post("/flows/shipment/empty", data={"csrf": csrf, "reason": "Carrier down", "hours": "2"})
    assert answer.status_code == 409 and "does not let it be paused" in answer.text
