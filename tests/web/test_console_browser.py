"""The console in a real Chromium: nothing broken, nothing unreadable, everything reachable by key."""

import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from web.channel_rows import with_channels
from web.console_fakes import FakeDesk, console
from web.offer_fakes import TOKEN

from entrepot.blueprint.load import load

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent.parent / ".vendor" / "axe-core" / "axe.min.js"
WAIT_MS = 10_000
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PAGES = (
    "/", "/cases", "/cases?open=case_01", "/cases?show=resolved", "/cases/case_04", "/cases/case_01/retry",
    "/cases/case_01/repair", "/cases/case_05", "/cases/case_01/handle/assign", "/cases/case_01/handle/question",
    "/cases?kind=system", "/questions", "/questions/7", "/questions/8", "/questions/9", "/cases/bulk?verb=retry&case=case_01&case=case_02", "/orders", "/orders/bas_1",
    "/messages/msg_2", "/actions/eff_1", "/settlement", "/settlement/stm_1", "/flows", "/plan", "/plan/2", "/flows/shipment/pause",
    "/find?q=C-", "/find", "/offers", "/offers/mirakl-fr/operator/O-1", "/offers/mirakl-fr/operator/O-1/override?field=price", "/corrections",
    "/feeds", "/feeds/arr_1", "/feeds/arr_2", "/feeds/send", "/feeds/mapping?account=mirakl-fr/operator&seller=2001",
    "/measures", "/measures?period=24h", "/channels/amazon-de/main?show=disputes", "/listings/amazon-de/main/LAMP-1", "/ownership", "/ownership/offer", "/map", "/map?size=full", "/systems/mirakl-fr", "/runbooks", "/runbooks/leg-refused", "/identifiers?q=C-", "/risks",
)  # fmt: skip
WIDTHS = (1600, 1280, 900)
AXE_RUN = """async (rules) => (await axe.run(document, {resultTypes: ['violations'], ...rules})).violations
    .filter((found) => ['serious', 'critical'].includes(found.impact))
    .map((found) => `${found.id}: ${found.nodes.map((node) => node.target.join(' ')).join(', ')}`)"""


OF_COLOURS = ("color-contrast", "link-in-text-block")  # axe's rules that see the theme
IN_THE_DARK = """() => {
    document.documentElement.dataset.bsTheme = 'dark';
    document.getAnimations().forEach((one) => one.finish());
}"""
SHOWN = "() => new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown)))"


def chromium() -> str:
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium on this machine: the console was not tested in a browser")
        pytest.skip("no chromium on this machine; install it to test the console in a browser")
    return found


@dataclass
class Served:
    """A console on a port of its own."""

    desk: FakeDesk = field(default_factory=FakeDesk)
    address: str = ""


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    served = Served()
    config = uvicorn.Config(
        console(served.desk, plan=with_channels(load())), host="127.0.0.1", port=0, log_level="warning", ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    served.address = f"http://127.0.0.1:{port}"
    yield served
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=list(QUIET))
        yield launched
        launched.close()


def visit(browser: Browser, served: Served, **options: object) -> BrowserContext:
    wanted: dict[str, object] = {
        "viewport": {"width": 1600, "height": 900},
        "timezone_id": "Europe/Oslo",
        "base_url": served.address,
    }
    context = browser.new_context(**(wanted | options))  # type: ignore[arg-type]
    context.set_default_timeout(WAIT_MS)
    return context


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Page]:
    """A page whose every complaint fails the test."""
    context = visit(browser, served)
    context.add_cookies([{"name": "entrepot_zone", "value": "UTC", "url": served.address}])
    page = context.new_page()
    complaints = listen(page)
    served.desk.calls.clear()
    served.desk.refuses = ""
    yield page
    context.close()
    assert complaints == []


def listen(page: Page) -> list[str]:
    """Script errors, refused inline code and missing files all end up in the browser's log."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
    return complaints


@dataclass
class Walk:
    """What stood out while every page was looked at, each loaded once."""

    unreadable: list[str] = field(default_factory=list)
    wide: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def walk(browser: Browser, served: Served) -> Walk:
    """In the light by every rule of axe, then in the dark by those that look at colours (nothing else differs), then in ever smaller windows."""
    context = visit(browser, served, color_scheme="light", reduced_motion="reduce")
    context.add_cookies([{"name": "entrepot_zone", "value": "UTC", "url": served.address}])
    page, walk, axe = context.new_page(), Walk(), AXE.read_text()
    walk.complaints = listen(page)
    for address in PAGES:
        page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        page.emulate_media(color_scheme="light")
        page.goto(address)
        assert page.locator("html").get_attribute("data-bs-theme") == "light"
        page.evaluate(axe)
        walk.unreadable += [f"{address} light: {line}" for line in page.evaluate(AXE_RUN, {})]
        page.emulate_media(color_scheme="dark")
        page.evaluate(IN_THE_DARK)
        walk.unreadable += [f"{address} dark: {line}" for line in page.evaluate(AXE_RUN, {"runOnly": list(OF_COLOURS)})]
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            page.evaluate(SHOWN)
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                walk.wide.append(f"{address} at {width}")
    context.close()
    return walk


def test_every_page_is_readable_by_everybody_in_both_themes(walk: Walk) -> None:
    assert walk.unreadable == []


def test_no_page_complains(walk: Walk) -> None:
    assert walk.complaints == []


def test_no_page_is_wider_than_its_window(walk: Walk) -> None:
    assert walk.wide == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_reader_who_chose_no_theme_gets_the_systems(browser: Browser, served: Served, theme: str) -> None:
    context = visit(browser, served, color_scheme=theme)
    page = context.new_page()
    for address in ("/", "/cases/case_01", "/map?size=full"):
        page.goto(address)
        expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
    context.close()


def go(page: Page, address: str) -> None:
    """Open a page and wait until its links are taken over; before that they work as plain links."""
    page.goto(address)
    page.locator("[data-htmx-powered]").first.wait_for(state="attached")


def test_slash_finds_and_question_mark_helps(page: Page) -> None:
    go(page, "/cases")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("C-")
    page.keyboard.press("Enter")
    expect(page.locator("h2").first).to_contain_text("2 results for")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()


def test_a_case_is_found_ticked_and_opened_by_keys_alone(page: Page) -> None:
    go(page, "/cases")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("x")
    rows = page.locator("#case-list tbody tr")
    expect(rows.nth(0).locator("input")).to_be_checked()
    expect(rows.nth(1).locator("input")).not_to_be_checked()
    page.keyboard.press("o")
    expect(page.locator("#case-panel .case")).to_be_visible()
    assert f"open={rows.nth(0).get_attribute('data-row')}" in page.url
    expect(rows.nth(0)).to_have_class("is-current is-open")


def test_the_back_button_and_a_deep_link_show_the_same(page: Page) -> None:
    go(page, "/cases?kind=system")
    page.locator("#case-list .row-link").first.click()
    expect(page.locator("#case-panel .case")).to_be_visible()
    deep = page.url
    page.go_back()
    expect(page.locator("#case-panel .case")).to_have_count(0)
    assert page.url.endswith("/cases?kind=system")
    go(page, deep)
    expect(page.locator("#case-panel .case")).to_be_visible()


def test_a_verb_asks_its_reason_in_a_dialog_and_says_what_became_of_it(page: Page, served: Served) -> None:
    go(page, "/cases?open=case_04")
    page.keyboard.press("r")
    dialog = page.locator("#dialog")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("1 thing leaves the hub")
    expect(dialog.locator("#reason")).to_be_focused()
    page.keyboard.type("The gateway is back")
    dialog.get_by_role("button", name="Retry in sandbox").click()
    expect(page.get_by_role("status")).to_contain_text("Done: retry.")
    assert served.desk.calls == [("retry", "case_04", "local operator", "The gateway is back")]


def test_a_repair_shows_its_difference_before_it_happens(page: Page, served: Served) -> None:
    go(page, "/cases/case_01")
    page.keyboard.press("e")
    document = page.locator("#dialog #document")
    document.fill(document.input_value().replace("C-88411-C", "C-88411-B"))
    page.locator("#dialog #reason").fill("Wrong seller order")
    page.get_by_role("button", name="Show what changes").click()
    expect(page.locator(".diff-add").first).to_contain_text("C-88411-B")
    assert served.desk.calls == []
    page.get_by_role("button", name="Repair in sandbox").click()
    expect(page.get_by_role("status")).to_contain_text("Done: repair.")


def test_a_dialog_can_be_left_without_doing_anything(page: Page, served: Served) -> None:
    go(page, "/flows")
    page.get_by_role("link", name="Pause").first.click()
    expect(page.locator("#dialog")).to_be_visible()
    page.locator("#dialog").get_by_role("link", name="Cancel").click()
    expect(page.locator("#dialog")).to_be_hidden()
    assert page.url.endswith("/flows")
    assert served.desk.calls == []


def test_a_refresh_of_the_list_keeps_ticks_and_the_current_row(page: Page) -> None:
    go(page, "/cases")
    page.keyboard.press("j")
    page.keyboard.press("x")
    with page.expect_response(lambda response: response.request.headers.get("hx-target", "").endswith("case-list")):
        page.evaluate("htmx.trigger('#case-list', 'every')")
    row = page.locator("#case-list tbody tr").nth(0)
    expect(row.locator("input")).to_be_checked()
    expect(row).to_have_class("is-current")
    expect(row.locator(".row-link")).to_be_focused()


def test_runbook_ticks_stay_while_one_looks_elsewhere(page: Page) -> None:
    go(page, "/cases/case_01")
    page.locator(".checklist input").nth(1).check()
    go(page, "/orders")
    go(page, "/cases/case_01")
    expect(page.locator(".checklist input").nth(1)).to_be_checked()
    expect(page.locator(".checklist input").nth(0)).not_to_be_checked()


def test_the_waterfall_is_drawn_with_floating_bars_of_both_sides(page: Page) -> None:
    page.goto("/settlement/stm_1")
    drawn = page.evaluate("""() => {
        const chart = echarts.getInstanceByDom(document.querySelector('[data-waterfall]'));
        return chart.getOption().series.map((one) => [one.name, one.data[2]]);
    }""")
    feet = [value for _, value in drawn][0::3]
    assert feet[0] == 4821000 + 96000 - 578500  # theirs: commission hangs below sales and shipping
    assert feet[1] == 4821000 + 96000 - 546660
    assert [value for _, value in drawn][1::3] == [578500, 546660]
    page.get_by_text("The same as a table").click()
    expect(page.locator(".chart-table tbody tr")).to_have_count(7)


def test_readers_see_times_of_their_own_zone_without_asking(browser: Browser, served: Served) -> None:
    context = visit(browser, served)
    page = context.new_page()
    page.goto("/")
    expect(page.locator(".zone-name")).to_have_text("Europe/Oslo")
    expect(page.locator(".topbar-clock")).to_contain_text("15:02:11")
    context.close()


def test_the_theme_is_switched_and_remembered(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.goto("/flows")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_everything_works_without_any_script(browser: Browser, served: Served) -> None:
    served.desk.calls.clear()
    context = visit(browser, served, java_script_enabled=False)
    page = context.new_page()
    page.goto("/cases")
    page.locator("#case-list .row-link").first.click()
    page.locator("#case-panel").get_by_role("link", name="Suppress").click()
    page.locator("#reason").fill("Known outage")
    page.get_by_role("button", name="Suppress in sandbox").click()
    expect(page.get_by_role("status")).to_contain_text("Done: suppress.")
    assert [call[0] for call in served.desk.calls] == ["suppress"]
    context.close()


def test_the_map_is_walked_by_keys_and_leads_to_the_flow(page: Page) -> None:
    go(page, "/")
    page.keyboard.press("g")
    page.keyboard.press("m")
    expect(page.locator("svg.drawing")).to_be_visible()
    flow = page.get_by_role("link", name=re.compile("^Settlement .*Paused, 310 waiting$"))
    flow.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#row-settlement")).to_be_visible()
    assert page.url.endswith("/flows#row-settlement")


def test_an_offer_is_held_in_a_dialog_and_the_page_says_so(page: Page) -> None:
    go(page, "/offers/mirakl-fr/operator/O-1")
    page.get_by_role("link", name="Hold… this offer").click()
    dialog = page.locator("#dialog")
    expect(dialog).to_be_visible()
    dialog.locator("#reason").fill("Recall")
    dialog.get_by_role("button", name="Hold in sandbox").click()
    expect(page.get_by_role("status")).to_contain_text("Done: hold.")


def test_a_seller_answers_without_any_script_and_on_a_telephone(browser: Browser, served: Served) -> None:
    context = visit(browser, served, java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(f"/answers/{TOKEN}")
    rows = page.locator("fieldset")
    expect(rows).to_have_count(2)
    assert page.locator("body").bounding_box()["width"] <= 390  # type: ignore[index]
    rows.nth(0).get_by_label("I correct it").check()
    rows.nth(0).locator(".text").first.fill("21.50")
    rows.nth(1).get_by_label("I do not correct it").check()
    rows.nth(1).get_by_label("because").fill("It is right as it is")
    page.get_by_role("button", name="Send these answers").click()
    expect(page.locator("h1")).to_have_text("Thank you, your answer was taken")
    page.goto(f"/answers/{TOKEN}")
    expect(page.locator("h1")).to_have_text("This link does not work")
    context.close()
