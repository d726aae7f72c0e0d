"""channel, listing and dispute at the terminal, and `find` for what a channel calls by a number of its own."""

import pytest
from cli.said import Entrepot
from conftest import START
from web.channel_rows import AMAZON, EBAY, ORDER_ID, WALMART, SellingDay, selling_plan

from entrepot.cli.opening import Opened
from entrepot.store.db import Db

TABLES = ("orders", "parcels", "listings", "submissions", "refunds")


@pytest.fixture
def selling(entrepot: Entrepot, db: Db, monkeypatch: pytest.MonkeyPatch) -> Entrepot:
    """A command on the selling day, under a plan that sells on three channels."""
    monkeypatch.setattr(Opened, "plan", selling_plan())
    with db.transaction() as conn:
        SellingDay(conn, START).whole()
    return entrepot


def test_every_channel_is_listed_with_what_waits_there(selling: Entrepot) -> None:
    document = selling("channel", "list", "--json").json
    amazon, ebay, walmart = document["channels"]
    assert [one["account"] for one in document["channels"]] == [AMAZON, EBAY, WALMART]
    ship = amazon["duties"][0]
    assert (ship["kind"], ship["parts"][0]) == (
        "ship",
        {"code": "overdue", "count": 1, "money": [{"amount": "11.00", "currency": "EUR"}], "tone": "bad"},
    )
    assert (ebay["disputes"]["count"], walmart["duties"][0]["word"]) == (2, "Acknowledge")
    said = selling("channel", "list").out
    assert AMAZON in said and "Cancellations" in said


@pytest.mark.parametrize("table", TABLES)
def test_one_channel_says_the_same_in_words_and_as_json(selling: Entrepot, table: str) -> None:
    document = selling("channel", "show", AMAZON, "--table", table, "--json").json
    assert document["rows"]
    said = selling("channel", "show", AMAZON, "--table", table).out
    assert "Beyond the limit" in said and "429 Too Many Requests" in said
    row = document["rows"][0]
    assert (row.get("order_id") or row.get("sku") or row["id"]) in said


def test_a_table_is_searched_and_a_wrong_account_is_told_what_there_is(selling: Entrepot) -> None:
    document = selling(
        "channel", "show", "amazon-de", "--table", "listings", "--query", "LAMP-2", "--state", "issue", "--json"
    ).json
    assert [(row["sku"], row["status"]) for row in document["rows"]] == [("LAMP-2", "issue")]
    wrong = selling("channel", "show", "amazon-fr/main")
    assert wrong.code == 2 and AMAZON in wrong.err


def test_a_listing_says_wanted_against_shown_and_what_is_not_there_says_how_to_find_it(selling: Entrepot) -> None:
    listing = selling("listing", "show", AMAZON, "LAMP-1", "--json").json["listing"]
    assert [(lane["word"], lane["told"], lane["state"]["word"]) for lane in listing["lanes"]] == [
        ("Price", 3, "Shown otherwise"),
        ("Stock", 9, "Shown otherwise"),
    ]
    assert (listing["available"], listing["reserved"]) == (9, 4)
    said = selling("listing", "show", AMAZON, "LAMP-1").out
    assert "12 pieces in Hamburg" in said and "The price differs too much" in said
    missing = selling("listing", "show", AMAZON, "NONE")
    assert missing.code == 1 and "--table listings" in missing.err


def test_disputes_come_by_the_date_for_an_answer(selling: Entrepot) -> None:
    document = selling("dispute", "list", "--json").json
    assert [row["dispute_id"] for row in document["disputes"]] == ["5000001", "5000003"]
    assert [
        row["dispute_id"] for row in selling("dispute", "list", "--account", AMAZON, "--json").json["disputes"]
    ] == []
    assert "Case 1203" in selling("dispute", "list").out


def test_a_dispute_is_answered_once_and_a_trial_answers_nothing(selling: Entrepot) -> None:
    words = (
        "dispute",
        "answer",
        "5000001",
        "--contest",
        "--note",
        "Delivered",
        "--reason",
        "The carrier says so",
        "--json",
    )
    assert selling(*words, "--dry-run").json["done"] is False
    done = selling(*words)
    assert (done.code, done.json["done"], done.json["key"]) == (0, True, f"answer-dispute:{EBAY}:5000001:1")
    again = selling(*words)
    assert (again.code, again.json["done"]) == (1, False)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--accept", "--contest", "--reason", "x"), 2),
        (("--reason", "x"), 2),
        (("--accept",), 2),
        (("--contest", "--reason", "x"), 1),
        (("--accept", "--reason", "x", "--as", "supplier-operations"), 5),
    ],
)
def test_an_answer_that_is_not_whole_or_not_ones_own_is_refused(
    selling: Entrepot, words: tuple[str, ...], code: int
) -> None:
    assert selling("dispute", "answer", "5000001", *words).code == code


@pytest.mark.parametrize(
    ("asked", "object_", "basket"),
    [
        ("LAMP-3", "listing", ""),
        ("JJD0000012", "parcel", ORDER_ID[AMAZON].format(n=1)),
        ("FEED-501", "submission", ""),
        ("5000001", "dispute", ORDER_ID[EBAY].format(n=1)),
        ("RF-2", "channel-refund", ORDER_ID[AMAZON].format(n=2)),
    ],
)
def test_find_knows_articles_parcels_batches_disputes_and_refunds_of_channels(
    selling: Entrepot, asked: str, object_: str, basket: str
) -> None:
    document = selling("find", asked, "--json").json
    assert object_ in [row["object"] for row in document["found"]]
    assert not basket or basket in [found["commercial_id"] for found in document["baskets"]]


def test_the_page_of_a_channels_order_tells_parcels_and_the_document_of_our_back_office(selling: Entrepot) -> None:
    said = selling("find", ORDER_ID[AMAZON].format(n=1)).out
    assert "document SO-101" in said
    assert "parcel 2 DHL JJD0000012 Refused by the channel" in said
