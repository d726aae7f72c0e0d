"""Sellers' files in the console: handed in, watched, mended by a mapping, returned; on a real database and a real state folder."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from web.console_fakes import console
from web.feed_fakes import FakeFeeds

from entrepot.blueprint.load import load
from entrepot.blueprint.model import Plan
from entrepot.bulk.arrival import keeping
from entrepot.bulk.arrival.lane import Arrivals
from entrepot.engine.lease import seize
from entrepot.kernel.ctx import Ctx
from entrepot.web.app import create_app
from entrepot.web.feed_room import FeedRoom

HOME = "http://127.0.0.1:8400"
ACCOUNT = "mirakl-fr/operator"
PAGES = (
    "/feeds",
    "/feeds?show=refused&seller=nobody",
    "/feeds/arr_1",
    "/feeds/arr_2",
    "/feeds/arr_0",
    "/feeds/send",
    f"/feeds/mapping?account={ACCOUNT}&seller=2001",
)
HEADER = "Nr;Bezeichnung;Gruppe;Preis;Bestand;Zustand\n"
WAREN = HEADER + "1;Lampe;OUTDOOR;12,50;3;neu\n2;Lampe;OUTDOOR;4,99;3;neu\n3;Lampe;TOYS;20,00;x;gut\n"


@cache
def the_plan() -> Plan:
    return load()


@dataclass(frozen=True)
class RealHub:
    ctx: Ctx
    plan: Plan


class Office:
    """A person at the console, and the worker behind it."""

    def __init__(self, ctx: Ctx, home: Path) -> None:
        self.ctx, self.home = ctx, home
        self.arrivals = Arrivals(the_plan(), lambda: home)
        room = FeedRoom(ctx, the_plan(), lambda: home)
        self.browser = TestClient(
            create_app(RealHub(ctx, the_plan()), feeds=room), base_url=HOME, follow_redirects=False
        )

    def token(self, page: str = "/feeds/send") -> str:
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.browser.get(page).text)
        assert found is not None
        return found[1]

    def hands_in(self, name: str, content: str, **fields: str) -> str:
        """The page of the file."""
        data = {"csrf": self.token(), "account": ACCOUNT, "seller": "2001"} | fields
        answer = self.browser.post("/feeds/send", data=data, files={"file": (name, content.encode())})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def works(self) -> None:
        self.arrivals.drain(self.ctx, seize(self.ctx, ACCOUNT, "feeds"))

    def said(self, page: str) -> str:
        return " ".join(re.sub(r"<[^>]+>", " ", self.browser.get(page).text).split()).replace("\u00a0", " ")

    def live(self) -> dict[str, int]:
        with self.ctx.db.transaction() as conn:
            rows = conn.execute("SELECT sku, price_minor FROM feed_offer WHERE state = 'live' ORDER BY sku").fetchall()
        return {row["sku"]: row["price_minor"] for row in rows}


@pytest.fixture
def office(ctx: Ctx, tmp_path: Path) -> Office:
    return Office(ctx, tmp_path)


@pytest.fixture
def browser() -> Iterator[TestClient]:
    with TestClient(console(feeds=FakeFeeds()), base_url=HOME, follow_redirects=False) as client:
        yield client


@pytest.mark.parametrize("page", PAGES)
def test_every_page_about_files_is_whole_and_runs_nothing_of_its_own(browser: TestClient, page: str) -> None:
    answer = browser.get(page)
    assert answer.status_code == 200
    assert answer.text.count("<h1>") == 1
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\bsrc=)|<b>", answer.text)
    ids = re.findall(r'\sid="([^"]+)"', answer.text)
    assert len(ids) == len(set(ids))


def test_a_file_that_is_being_read_shows_how_far_it_is_and_one_that_cannot_be_read_whose_it_is(
    browser: TestClient,
) -> None:
    said = " ".join(re.sub(r"<[^>]+>", " ", browser.get("/feeds").text).split())
    assert "400 000 of about 1 000 000 rows" in said  # thin blanks between the digits
    assert "No column of the file is the sku" in said
    assert "We mend it: look at its columns and words" in browser.get("/feeds/arr_2").text


def test_a_file_handed_in_is_read_and_its_rejects_go_back_in_the_sellers_own_columns(office: Office) -> None:
    page = office.hands_in("waren.csv", WAREN)
    assert "Waits to be read" in office.said(page)
    office.works()
    assert "Cannot be read" in office.said(page) and "No column of the file is the sku" in office.said(page)
    mapping = f"/feeds/mapping?account={ACCOUNT}&seller=2001"
    assert "no column of the file is the sku" in office.said(mapping).lower()

    draft = {"column.sku": "Nr", "column.title": "Bezeichnung", "column.category": "Gruppe", "column.price": "Preis", "column.quantity": "Bestand",
             "column.condition": "Zustand", "values.condition": "neu = new\ngut = used", "decimal": ","}  # fmt: skip
    previewed = office.browser.get(mapping, params={"account": ACCOUNT, "seller": "2001", **draft})
    said = " ".join(re.sub(r"<[^>]+>", " ", previewed.text).split())
    for words in (
        "2 of 3 rejected",
        "“4,99” is outside at least 5.00 EUR",
        "“x” is no quantity",
        "OUTDOOR 2 1",
        "He writes neu (2), gut (1)",
    ):
        assert words in said, words
    found = re.search(r'name="draft" value="([^"]+)"', previewed.text)
    assert found is not None
    form = {
        "csrf": office.token(),
        "account": ACCOUNT,
        "seller": "2001",
        "file": page.rpartition("/")[2],
        "draft": found[1].replace("&#34;", '"'),
        "again": "yes",
    }
    assert office.browser.post("/feeds/mapping", data=form).status_code == 422  # no reason
    saved = office.browser.post("/feeds/mapping", data=form | {"reason": "his own words"})
    assert (saved.status_code, saved.headers["location"]) == (303, page)
    office.works()
    assert office.live() == {"1": 1250}
    said = office.said(page)
    assert "Applied" in said and "version 1" in said and "“4,99” is outside" in said
    answer = office.browser.get(f"{page}/rejects.csv")
    first, second = list(csv.DictReader(answer.text.splitlines()))
    assert (first["Nr"], first["Preis"], first["entrepot fields"], second["Bestand"]) == ("2", "4,99", "price", "x")

    again = office.browser.post("/feeds/mapping", data=form | {"reason": "once more"})
    assert (again.status_code, "what version 1 says already" in again.text) == (409, True)
    with office.ctx.db.transaction() as conn:
        rows = conn.execute("SELECT version, author, reason FROM feed_mapping").fetchall()
    assert [(row["version"], row["author"], row["reason"]) for row in rows] == [(1, "local operator", "his own words")]


def test_a_column_is_one_field_and_a_mapping_names_the_sku(office: Office) -> None:
    office.hands_in("waren.csv", WAREN)
    path = f"/feeds/mapping?account={ACCOUNT}&seller=2001&column.sku=Nr&column.gtin=Nr"
    assert "“Nr” is chosen for two fields" in office.said(path)
    form = {
        "csrf": office.token(),
        "account": ACCOUNT,
        "seller": "2001",
        "draft": '{"columns": {"Nr": "gtin"}}',
        "reason": "x",
    }
    assert "says which column is the SKU" in office.browser.post("/feeds/mapping", data=form).text
    assert office.browser.post("/feeds/mapping", data=form | {"draft": "[" * 900}).status_code == 400
    assert office.browser.get(f"/feeds/mapping?account={ACCOUNT}&seller=9").status_code == 404


def test_nested_offers_of_json_lines_are_found_by_expressions(office: Office) -> None:
    office.hands_in(
        "offers.jsonl",
        '{"id": "J1", "name": "Lamp", "prices": [{"country": "FR", "value": 12.50}], "stock": {"fr": 3}}\n',
    )
    path = f"/feeds/mapping?account={ACCOUNT}&seller=2001&column.sku=id&column.title=name&expression.quantity=stock.fr"
    expression = "prices[?country=='FR'].value | [0]"
    answer = office.browser.get(
        path,
        params={
            "account": ACCOUNT,
            "seller": "2001",
            "column.sku": "id",
            "column.title": "name",
            "expression.quantity": "stock.fr",
            "expression.price": expression,
        },
    )
    said = " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())
    assert "0 of 1 rejected" in said and "12.50" in said
    broken = office.browser.get(
        path, params={"account": ACCOUNT, "seller": "2001", "column.sku": "id", "expression.price": "prices["}
    )
    assert "expression that is none" in broken.text


def test_a_form_without_a_file_or_an_owner_keeps_nothing(office: Office) -> None:
    for fields, words in (({"seller": " "}, "Say whose file it is."), ({"account": "nowhere"}, "Choose the account.")):
        data = {"csrf": office.token(), "account": ACCOUNT, "seller": "2001"} | fields
        answer = office.browser.post("/feeds/send", data=data, files={"file": ("a.csv", b"sku\n")})
        assert (answer.status_code, words in answer.text) == (422, True)
    answer = office.browser.post(
        "/feeds/send", data={"csrf": office.token(), "account": ACCOUNT, "seller": "2001"}, files={"file": ("", b"")}
    )
    assert (answer.status_code, "Choose the file." in answer.text) == (422, True)
    assert not keeping.folder(office.home).exists() or list(keeping.folder(office.home).iterdir()) == []


def test_a_form_of_another_visit_brings_no_file_in(office: Office) -> None:
    office.token()
    answer = office.browser.post(
        "/feeds/send",
        data={"csrf": "f" * 64, "account": ACCOUNT, "seller": "2001"},
        files={"file": ("a.csv", b"sku\n")},
    )
    assert answer.status_code == 403
    assert (
        office.browser.post("/feeds/send", content=b"--x", headers={"content-type": "multipart/form-data"}).status_code
        == 400
    )
    assert not keeping.folder(office.home).exists()


def test_rejects_are_paged_by_their_place_in_the_file(office: Office) -> None:
    lines = "".join(f"A{n};Lamp;OUTDOOR;1.00;3\n" for n in range(60))
    page = office.hands_in(
        "offers.csv", f"sku;title;category;price;quantity\n{lines}A60;Lamp;OUTDOOR;9.00;3\n", complete="yes"
    )
    office.works()
    first = office.browser.get(page).text
    found = re.search(r'rel="next" href="([^"]+)"', first)
    assert found is not None and ">A0<" in first and ">A59<" not in first
    second = office.browser.get(found[1]).text
    assert ">A0<" not in second and ">A50<" in second and ">A59<" in second and 'rel="next"' not in second
    assert office.browser.get(f"{page}?after=x~y").status_code == 409
