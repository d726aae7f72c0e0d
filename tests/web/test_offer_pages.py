"""Offers, corrections and sellers' links as pages: what they say, take and refuse; without a browser and a database."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from web.console_fakes import console
from web.offer_fakes import ACCOUNT, AT, TOKEN, FakeAnswers, FakeOffers

from entrepot.kernel.money import Money, exponent
from entrepot.web import offer_words
from entrepot.web.answers import HEADERS
from entrepot.web.guard import SECURITY_HEADERS
from entrepot.web.offer_ports import Acting
from entrepot.web.pages.offers import Address, address, offer_link

HOME = "http://127.0.0.1:8400"
OFFER = "/offers/mirakl-fr/operator/O-1"
PAGES = (
    "/offers", "/offers?show=held", "/offers?seller=nobody", OFFER, f"{OFFER}/hold?field=price", f"{OFFER}/release?field=price&of=hld_1",
    f"{OFFER}/override?field=category", f"{OFFER}/confirm?of=ovr_2", f"{OFFER}/end?of=ovr_1", f"{OFFER}/ask?field=price", "/corrections",
    "/corrections?show=ended&seller=2001", "/corrections?cause=under-floor",
)  # fmt: skip
BY = Acting("local operator", "supplier-operations")


@dataclass
class Shop:
    offers: FakeOffers = field(default_factory=FakeOffers)
    answers: FakeAnswers = field(default_factory=FakeAnswers)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def browser(shop: Shop) -> Iterator[TestClient]:
    app = console(offers=shop.offers, answers=shop.answers)
    with TestClient(app, base_url=HOME, follow_redirects=False) as client:
        yield client


def token(browser: TestClient) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', browser.get(OFFER).text)
    assert found is not None
    return found[1]


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split()).replace("\u00a0", " ")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_about_offers_is_whole_and_runs_nothing_of_its_own(browser: TestClient, page: str) -> None:
    answer = browser.get(page)
    assert answer.status_code == 200
    assert answer.text.count("<h1>") == 1
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\bsrc=)", answer.text)
    ids = re.findall(r'\sid="([^"]+)"', answer.text)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("page", "region"), [("/offers", "offer-list"), (OFFER, "offer-body"), (f"{OFFER}/hold", "dialog-body"), ("/corrections", "correction-list")]
)  # fmt: skip
def test_a_region_of_offers_comes_alone_from_the_address_of_its_page(
    browser: TestClient, page: str, region: str
) -> None:
    alone = browser.get(page, headers={"HX-Request": "true", "HX-Target": f"div#{region}"})
    assert alone.status_code == 200
    assert "<html" not in alone.text


def test_an_offer_says_what_counts_why_and_what_it_hides(browser: TestClient) -> None:
    said = text(browser.get(OFFER).text)
    for words in (
        "Held", "15.00 EUR is under the floor of TOYS, 21.00 EUR", "Seller (mirakl-fr)", "offer export of 08:14, row 118", "offer.fields.price[0]",
        "GAMES laid over the owner’s TOYS by Mari Lind", "It is a game", "Waits for a second person", "confirmed by Per Dahl", "Hub asks seller",
        "Seller: it is our price", "our value put back: category 2 times on 2026-11-23", "Mari Lind: over",
    ):  # fmt: skip
        assert words in said, words
    assert "<script>" not in browser.get(OFFER).text.replace("<script defer", "").replace("<script src", "")


def test_the_list_and_the_corrections_lead_to_the_offer(browser: TestClient) -> None:
    for page in ("/offers", "/corrections"):
        assert f'href="{OFFER}"' in browser.get(page).text
    assert "Wooden train &lt;b&gt;" in browser.get("/offers").text


@pytest.mark.parametrize("path", ["/offers.csv?show=held", "/corrections.csv"])
def test_offers_and_corrections_leave_as_files(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert answer.headers["content-type"].startswith("text/csv")
    assert list(csv.DictReader(answer.text.splitlines()))


# --- levers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "form", "pulled"),
    [
        ("hold", {"field": "price", "days": "3"}, ("hold", ACCOUNT, "O-1", "price", BY, "recall", AT + timedelta(days=3))),
        ("release", {"of": "hld_1"}, ("release", "hld_1", BY, "recall")),
        ("override", {"field": "price", "value": "21,50", "days": "7"}, ("override", ACCOUNT, "O-1", "price", 2150, BY, "recall", AT + timedelta(days=7))),
        ("override", {"field": "active", "value": "no", "days": "1"}, ("override", ACCOUNT, "O-1", "active", False, BY, "recall", AT + timedelta(days=1))),
        ("confirm", {"of": "ovr_2"}, ("confirm", "ovr_2", BY, "recall")),
        ("end", {"of": "ovr_1"}, ("end", "ovr_1", BY, "recall")),
        ("ask", {"field": "quantity", "value": "12"}, ("ask", ACCOUNT, "O-1", "quantity", 12, BY, "recall")),
    ],
)  # fmt: skip
def test_a_lever_is_pulled_by_the_person_for_his_team_with_his_reason(
    browser: TestClient, shop: Shop, verb: str, form: dict[str, str], pulled: tuple[object, ...]
) -> None:
    sent = {"csrf": token(browser), "reason": "recall", "team": "supplier-operations", **form}
    answer = browser.post(f"{OFFER}/{verb}", data=sent)
    assert (answer.status_code, answer.headers["location"]) == (303, OFFER)
    assert shop.offers.pulled == [pulled]
    assert f"Done: {verb}." in browser.get(OFFER).text


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"reason": "  "}, "A reason is needed"),
        ({"team": "nobody"}, "say for which team you act"),
        ({"value": "cheap"}, "is not an amount in EUR: write it like 21.00"),
        ({"value": "21.005"}, "is not an amount in EUR"),
        ({"value": ""}, "a value is missing"),
        ({"field": "quantity", "value": "-1"}, "is not a whole number"),
        ({"field": "active", "value": "maybe"}, "neither yes nor no"),
    ],
)  # fmt: skip
def test_a_lever_with_something_missing_or_wrong_does_nothing_and_keeps_what_was_typed(
    browser: TestClient, shop: Shop, form: dict[str, str], says: str
) -> None:
    sent = {"csrf": token(browser), "reason": "recall", "team": "supplier-operations", "field": "price", "value": "21"}
    answer = browser.post(f"{OFFER}/override", data=sent | form)
    assert answer.status_code == 422
    assert says in text(answer.text)
    assert shop.offers.pulled == []
    assert "recall" in answer.text or form.get("reason")


def test_what_ownership_refuses_is_said_in_its_words(browser: TestClient, shop: Shop) -> None:
    shop.offers.refuses = "override"
    sent = {"csrf": token(browser), "reason": "cheaper", "team": "supplier-operations", "field": "price", "value": "21"}
    answer = browser.post(f"{OFFER}/override", data=sent)
    assert answer.status_code == 409
    assert "the plan gives this on the price to the seller" in answer.text
    assert "cheaper" in answer.text


def test_a_lever_without_the_forms_token_is_refused(browser: TestClient, shop: Shop) -> None:
    browser.get(OFFER)
    assert browser.post(f"{OFFER}/hold", data={"reason": "x", "team": "on-call"}).status_code == 403
    assert browser.post(OFFER, data={"csrf": token(browser), "reason": "x"}).status_code == 405
    assert shop.offers.pulled == []


def test_a_form_says_what_it_is_about_and_how_long_the_plan_lets_it_last(browser: TestClient) -> None:
    assert "Price: 15.00 EUR is under the floor" in text(browser.get(f"{OFFER}/release?of=hld_1").text)
    assert "Title Train over TOYS: It is a game (by Mari Lind)" in text(browser.get(f"{OFFER}/confirm?of=ovr_2").text)
    assert "It has ended meanwhile." in browser.get(f"{OFFER}/release?of=gone").text


def test_an_address_finds_its_account_however_many_slashes_stand_in_it() -> None:
    accounts = {"mirakl-fr/operator": 1, "mirakl-fr": 2, "plain": 3}
    assert address("mirakl-fr/operator/O-1", accounts) == Address("mirakl-fr/operator", "O-1")
    assert address("mirakl-fr/operator/O-1/hold", accounts) == Address("mirakl-fr/operator", "O-1", "hold")
    assert address("plain/a/b", accounts) == Address("plain", "a/b")
    assert address("plain/hold", accounts) == Address("plain", "hold")
    assert address("elsewhere/O-1", accounts) is None
    assert address("plain/", accounts) is None
    assert offer_link("mirakl-fr/operator", "O 1/ü") == "/offers/mirakl-fr/operator/O%201%2F%C3%BC"


@pytest.mark.parametrize(
    "page", ["/offers/nobody/O-1", "/offers/mirakl-fr/operator/X-1", "/offers/mirakl-fr/operator/X-1/hold"]
)
def test_an_offer_that_is_not_there_is_a_page_with_a_way_on(browser: TestClient, page: str) -> None:
    assert browser.get(page).status_code == 404


# --- values as they are typed ----------------------------------------------------------------------------------------


@given(st.integers(0, 10**11), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_an_amount_that_was_shown_reads_back_as_the_same_amount(minor: int, currency: str) -> None:
    assert offer_words.typed("money", Money(minor, currency).text, currency) == minor
    assert offer_words.typed("money", f"{Money(minor, currency).text} {currency}".replace(".", ","), currency) == minor


@given(st.text(max_size=20), st.sampled_from(["EUR", "JPY"]))
def test_no_text_is_ever_rounded_into_an_amount(words: str, currency: str) -> None:
    try:
        minor = offer_words.typed("money", words, currency)
    except offer_words.NoSuchValue:
        return
    assert isinstance(minor, int)
    plain = words.strip().removesuffix(currency).strip().replace(",", ".")
    whole, _, fraction = plain.partition(".")
    assert len(fraction) <= exponent(currency)
    assert int(whole + fraction.ljust(exponent(currency), "0")) == minor


def test_a_value_is_shown_as_people_read_it() -> None:
    shown = offer_words.shown
    assert shown("price", 1990, "EUR").replace("\u00a0", " ") == "19.90 EUR"
    assert (shown("active", True, "EUR"), shown("quantity", 4, "EUR"), shown("title", None, "")) == ("yes", "4", "none")
    assert shown("price", 1990, "") == "1990"


# --- sellers' answers ------------------------------------------------------------------------------------------------

LINK = f"/answers/{TOKEN}"
ANSWER = {"answer-0": "accept", "value-0": "21.50", "answer-1": "decline", "words-1": "It is right as it is"}


def test_a_seller_sees_his_rows_and_nothing_of_the_console(browser: TestClient) -> None:
    answer = browser.get(LINK)
    assert answer.status_code == 200
    said = text(answer.text)
    for words in (
        "seller 2001",
        "Under the floor: 2 rows need your answer",
        "2026-11-25 06:02:11 UTC",
        "You sent 15.00 EUR",
        "O-2 &lt;i&gt; · category",
    ):
        assert words in said, words
    for hidden in ("/cases", "/offers", "csrf", "local operator", "search", "<script", "<nav"):
        assert hidden not in answer.text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", answer.text)


def test_a_sellers_page_is_kept_by_nobody_and_told_to_nobody(browser: TestClient) -> None:
    for answer in (browser.get(LINK), browser.get("/answers/nothing"), browser.post("/answers/nothing", data=ANSWER)):
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert answer.headers["content-security-policy"] == SECURITY_HEADERS["content-security-policy"]
        assert "set-cookie" not in answer.headers


def test_looking_uses_nothing_up_and_answering_uses_the_link_up(browser: TestClient, shop: Shop) -> None:
    for _ in range(3):
        assert browser.get(LINK).status_code == 200
    done = browser.post(LINK, data=ANSWER)
    assert done.status_code == 200
    assert "The corrected price is in, and the offer sells again." in done.text
    assert "you correct it to 21.50" in done.text
    assert [(one.id, one.accepted, one.words, one.value) for one in shop.answers.given] == [
        ("cor_1", True, "", "21.50"),
        ("cor_2", False, "It is right as it is", ""),
    ]
    for again in (browser.get(LINK), browser.post(LINK, data=ANSWER)):
        assert again.status_code == 410
        assert "It was used already" in again.text
    assert len(shop.answers.given) == 2


def test_a_link_that_is_over_says_so_plainly(browser: TestClient, shop: Shop) -> None:
    shop.answers.expired = True
    for answer in (browser.get(LINK), browser.post(LINK, data=ANSWER)):
        assert answer.status_code == 410
        assert "The time to answer is over" in answer.text
        assert "O-1" not in answer.text
    assert shop.answers.given == []


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({}, "Please choose"),
        ({"answer-0": "accept"}, "Please choose"),
        ({"answer-0": "accept", "answer-1": "decline"}, "Please say in a few words why not."),
        ({"answer-0": "accept", "value-0": "x" * 600, "answer-1": "accept"}, "At most"),
        ({"answer-0": "explode", "answer-1": "accept"}, "Please choose"),
    ],
)
def test_an_answer_that_lacks_something_is_asked_for_again_and_nothing_is_kept(
    browser: TestClient, shop: Shop, form: dict[str, str], says: str
) -> None:
    answer = browser.post(LINK, data=form)
    assert answer.status_code == 422
    assert says in answer.text
    assert shop.answers.given == []
    assert browser.get(LINK).status_code == 200


def test_a_value_that_will_not_do_is_told_beside_its_row_and_the_link_still_works(
    browser: TestClient, shop: Shop
) -> None:
    shop.answers.problems = {"cor_1": "This value cannot be taken: 1.00 EUR is under the floor."}
    answer = browser.post(LINK, data=ANSWER)
    assert answer.status_code == 422
    assert "1.00 EUR is under the floor" in answer.text
    assert 'value="21.50"' in answer.text
    shop.answers.problems = {}
    assert browser.post(LINK, data=ANSWER).status_code == 200


def test_a_row_that_was_not_asked_about_is_not_answered(browser: TestClient, shop: Shop) -> None:
    browser.post(LINK, data=ANSWER | {"answer-2": "accept", "value-2": "1", "cor_9": "accept"})
    assert {one.id for one in shop.answers.given} == {"cor_1", "cor_2"}


def test_an_answer_from_another_site_is_refused(browser: TestClient, shop: Shop) -> None:
    assert browser.post(LINK, data=ANSWER, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert browser.post(LINK, data=ANSWER, headers={"Origin": "http://evil.example"}).status_code == 403
    assert shop.answers.given == []


def test_an_answer_larger_than_any_answer_is_refused(browser: TestClient, shop: Shop) -> None:
    assert browser.post(LINK, data=ANSWER | {"words-1": "x" * 70_000}).status_code == 413
    assert browser.post(LINK, content=b"\xff=\xff").status_code == 400
    assert shop.answers.given == []


@pytest.mark.parametrize("secret", ["x" * 500, "%00", "%2e%2e", "\u00fc", "cor_1"])
def test_what_is_no_secret_opens_nothing(browser: TestClient, secret: str) -> None:
    assert browser.get(f"/answers/{secret}").status_code == 410


def test_rows_that_go_back_as_a_file_are_fetched_from_their_request(browser: TestClient) -> None:
    given = browser.get("/corrections/files/dig_1")
    assert (given.status_code, given.text) == (200, "sku;error-message\n")
    assert given.headers["content-disposition"] == 'attachment; filename="offers-to-correct.csv"'
    assert browser.get("/corrections/files/dig_9").status_code == 404
