"""Offers at the terminal: why a value is what it is, and what a person may do about it."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli.said import Entrepot
from conftest import START
from ownership.land import CARL, ERP, Land, plan_with
from plan_text import whole

from entrepot.blueprint.files import document_of
from entrepot.blueprint.load import of_content
from entrepot.change import service
from entrepot.change.model import Source
from entrepot.flows.offer_judgement import OfferJudgement
from entrepot.flows.parts import Parts
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx, Row
from entrepot.ownership.model import Value

Rows = Callable[..., list[Row]]
OWNERSHIP = """
ownership:
  offer:
    source_of_truth: seller
    create: [seller]
    exceptions: supplier-operations
    overrides: {max: 30d, second_person_above_percent: 20}
    fields:
      price: {update: [seller], hold: [operator], override: [operator], correct: [seller], request: [operator]}
      category: {update: [seller], override: [operator], correct: [seller], request: [operator]}
      "*": {update: [seller], correct: [seller], request: [operator]}
"""
OFFER: Mapping[str, Value] = {"price": 2500, "currency": "EUR", "quantity": 4, "category": "TOYS", "active": True}


@pytest.fixture
def shop(entrepot: Entrepot, ctx: Ctx, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Land:
    """An installation whose plan says who owns offers, and one offer in good order."""
    text = re.sub(r"^ownership:\n(?:[ #].*\n|\n)*", "", whole(), flags=re.MULTILINE) + OWNERSHIP
    file = tmp_path / "entrepot.yaml"
    file.write_text(text, "utf-8")
    monkeypatch.setenv("ENTREPOT_BLUEPRINT", str(file))
    content = document_of(text, file.name).data
    with ctx.db.transaction() as conn:
        service.first(conn, ctx, Source(of_content(content), {file.name: text}, content))
    land = Land(ctx, clock, plan_with())
    land.observe(land.seen(all=OFFER))
    return land


def test_a_value_is_explained_by_its_source_and_the_rule_that_let_it_in(shop: Land, entrepot: Entrepot) -> None:
    said = entrepot("explain", "offer:O-1", "price")

    assert said.code == 0
    places = [
        said.out.index(words)
        for words in (
            "Offer O-1 at mirakl-fr/operator",
            "price: 25.00 EUR",
            "Where it comes from",
            "25.00 EUR: offer export of 08:00, row 1, by seller@mirakl-fr",
            "theirs Mon 2 Mar 2026 08:00 UTC, ours Mon 2 Mar 2026 08:00 UTC",
            "message msg-1",
            "By what right",
            "ownership.offer.fields.price[1]",
            "price: seller sets it; operator may hold it; operator may lay another over it; seller may correct it",
            "What happened",
            "Let in: 25.00 EUR",
        )
    ]
    assert places == sorted(places)
    assert "What it hides" not in said.out


def test_an_explanation_tells_what_a_value_hides_and_the_story_with_the_oldest_last(
    shop: Land, entrepot: Entrepot
) -> None:
    shop.shows(price=1500)
    shop.shows(actor=ERP, price=1900)
    out = entrepot("explain", "offer:O-1", "price").out

    assert "price: 25.00 EUR" in out
    assert (
        "Not sellable: 15.00 EUR is under the floor of TOYS, 21.00 EUR; held by hub until Mon 16 Mar 2026 08:01 UTC"
        in out
    )
    hides = out[out.index("What it hides") : out.index("What happened")]
    assert "Refused: 15.00 EUR by seller@mirakl-fr, offer export of 08:01, row 2, once: 15.00 EUR is under" in hides
    assert "Refused: 19.00 EUR by erp@sap" in hides
    assert "Asked: seller 2001 to correct 15.00 EUR; the owner is asked, answer by Wed 4 Mar 2026 08:01 UTC" in hides
    story = out[out.index("What happened") :]
    assert story.index("Refused: 19.00") < story.index("Refused: 15.00") < story.index("Let in: 25.00")

    shop.shows(price=2200)
    out = entrepot("explain", "offer:O-1", "price").out
    assert "price: 22.00 EUR" in out
    assert "Not sellable" not in out
    assert "The hold was lifted by hub: the corrected value arrived" in out
    assert "The request is over: corrected" in out


def test_an_explanation_as_json_holds_source_rule_and_everything_hidden(shop: Land, entrepot: Entrepot) -> None:
    shop.shows(price=1500)
    told = entrepot("explain", "offer:O-1", "price", "--json").json

    assert (told["value"], told["currency"], told["sellable"]) == (2500, "EUR", False)
    assert told["source"]["source"] == "offer export of 08:00, row 1"
    assert told["source"]["theirs_at"] == "2026-03-02T08:00:00Z"
    assert told["rule"]["path"] == "ownership.offer.fields.price[1]"
    assert [one["why"] for one in told["refused"]] == ["under-floor"]
    assert [one["state"] for one in told["corrections"]] == ["asked"]
    assert [one["version"] for one in told["history"]] == [1]


def test_the_rule_is_shown_with_its_place_in_the_plan(shop: Land, entrepot: Entrepot) -> None:
    told = entrepot("explain", "offer:O-1", "category", "--json").json["rule"]
    file, line, _ = told["place"].split(":")
    plan = Path(os.environ["ENTREPOT_BLUEPRINT"]).read_text("utf-8").splitlines()
    assert (file, plan[int(line) - 1].split(":")[0].strip()) == ("entrepot.yaml", "category")
    assert told["path"] == told["path_today"] == "ownership.offer.fields.category[0]"


def test_a_rule_the_plan_at_hand_does_not_hold_has_no_place_in_it(shop: Land, entrepot: Entrepot) -> None:
    told = entrepot("explain", "offer:O-1", "quantity", "--json").json["rule"]
    assert (told["path"], told["place"]) == ("ownership.offer.fields.quantity[0]", None)
    assert told["path_today"] == "ownership.offer.fields.*[0]"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("offer:O-1", "colour"), "nothing about the colour of offer:O-1 at mirakl-fr/operator; it has: active, category, currency, price, quantity"),
        (("offer:O-99", "price"), "there is no offer O-99; there is O-1"),
        (("offer:ZZZ", "price"), "there is no offer ZZZ; no offer begins with Z"),
        (("pallet:1", "price"), "the plan does not say who owns a “pallet”; it says so of: offer"),
        (("O-1", "price"), "“O-1”: write KIND:ID, such as offer:1042"),
        (("offer:O-1", "price", "--account", "amazon-de"), "offer O-1 is known at mirakl-fr/operator: say which"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_in_one_line_with_what_is(
    shop: Land, entrepot: Entrepot, asked: tuple[str, ...], said: str
) -> None:
    answer = entrepot("explain", *asked)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_an_offer_is_held_and_released(shop: Land, entrepot: Entrepot) -> None:
    said = entrepot(
        "offer",
        "hold",
        "O-1",
        "price",
        "--reason",
        "looks like a typing error",
        "--until",
        "3d",
        "--by",
        "ana",
        "--json",
    )
    assert (said.code, said.json["state"]) == (0, "live")
    assert list(shop.offer().held.values()) == ["looks like a typing error"]
    listed = entrepot("offer", "list", "--json").json
    assert [(row["object_id"], row["holds"]) for row in listed["offers"]] == [("O-1", 1)]
    assert "O-1" in entrepot("offer", "list").out

    assert entrepot("offer", "release", said.json["id"], "--reason", "it was right", "--by", "ana").code == 0
    assert shop.offer().sellable
    assert entrepot("offer", "list").out == "No offer of this kind.\n"


def test_a_lever_the_plan_gives_to_others_ends_with_exit_code_5_and_says_who_may(
    shop: Land, entrepot: Entrepot
) -> None:
    words = ["--reason", "x", "--until", "3d", "--by", CARL.name, "--team", CARL.team]
    said = entrepot("offer", "hold", "O-1", "price", *words)
    assert (said.code, said.out) == (5, "")
    assert (
        said.err == "entrepot: Carl of finance-operations: finance may not hold the price of an offer; operator may\n"
    )

    told = entrepot("offer", "hold", "O-1", "price", *words, "--json")
    assert (told.code, told.json["why"], told.json["owners"]) == (5, "not-owner", ["operator"])
    assert shop.offer().sellable


def test_a_large_override_waits_for_another_person(shop: Land, entrepot: Entrepot) -> None:
    asked = entrepot("offer", "override", "O-1", "price", "40.00", "--reason", "season", "--until", "7d", "--by", "ana")
    assert asked.code == 0
    override_id = asked.out.split()[-1]
    assert shop.offer().values["price"] == 2500

    assert entrepot("offer", "confirm", override_id, "--reason", "yes", "--by", "ana").code == 5
    assert (
        entrepot("offer", "confirm", override_id, "--reason", "yes", "--by", "ben", "--team", "marketplace-lead").code
        == 0
    )
    assert shop.offer().values["price"] == 4000
    out = entrepot("explain", "offer:O-1", "price").out
    assert "40.00 EUR: laid over the owner's value by ana, confirmed by ben, since" in out
    assert "beneath it, 25.00 EUR" in out
    assert entrepot("offer", "release", override_id, "--reason", "season is over", "--by", "ana").code == 0
    assert shop.offer().values["price"] == 2500


def test_an_override_of_a_word_counts_at_once(shop: Land, entrepot: Entrepot) -> None:
    said = entrepot(
        "offer", "override", "O-1", "category", "BOOKS", "--reason", "it is a book", "--until", "2026-03-06T18:00"
    )
    assert said.code == 0
    assert shop.offer().values["category"] == "BOOKS"
    [row] = shop.rows("SELECT ends_at - %s AS lasts FROM override_value", START)
    assert row["lasts"].total_seconds() == (4 * 24 + 10) * 3600


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("hold", "O-1", "price", "--until", "3d"), "say why: --reason"),
        (("hold", "O-1", "price", "--reason", "x"), "say when it ends: --until 3d"),
        (("hold", "O-1", "price", "--reason", "x", "--until", "soon"), "--until soon: write a length of time"),
        (("hold", "O-1", "price", "--reason", "x", "--until", "2020-01-01"), "a hold ends after now and within"),
        (("hold", "O-9", "price", "--reason", "x", "--until", "3d"), "there is no offer O-9; there is O-1"),
        (("hold", "O-1", "price", "--reason", "x", "--until", "3d", "--team", "nobody"), "has no team “nobody”"),
        (("override", "O-1", "price", "cheap", "--reason", "x", "--until", "3d"), "“cheap” is not an amount"),
        (("release", "hold_1", "--reason", "x"), "there is no hold hold_1"),
        (("confirm", "ovr_1", "--reason", "x"), "there is no override ovr_1"),
        (("list", "--limit", "0"), "--limit 0: a page holds 1 to 200 offers"),
    ],
)
def test_a_wrong_word_is_one_line_and_exit_code_2(
    shop: Land, entrepot: Entrepot, words: tuple[str, ...], said: str
) -> None:
    answer: Any = entrepot("offer", *words)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


# --- a case about offers, repaired from the case ---------------------------------------------------------------------


@pytest.fixture
def faulty(shop: Land) -> Land:
    """Two offers of one seller under the floor of toys: one case."""
    shop.observe(replace(shop.seen("O-2", all=OFFER), message_id=""))
    shop.later(minutes=1)
    seen = [replace(shop.seen(offer, price=1500), message_id="") for offer in ("O-1", "O-2")]
    judged = shop.observe(*seen)
    with shop.ctx.db.transaction() as conn:
        OfferJudgement(Parts(shop.plan, {})).follow(shop.ctx, conn, judged).flush(shop.ctx, conn, shop.plan)
    return shop


def number_of(rows: Rows) -> str:
    [case] = rows("SELECT number FROM case_file WHERE mode = 'offer-under-floor'")
    return str(case["number"])


TEAM = ("--as", "supplier-operations")


def test_a_case_of_two_offers_wants_to_know_which_one(faulty: Land, entrepot: Entrepot, rows: Rows) -> None:
    said = entrepot("case", "repair", number_of(rows), "--field", "price=22.00", "--reason", "a typing error", *TEAM)
    assert said.code == 1
    assert "this case is about 2 offers (O-1, O-2): say which one is meant" in said.out
    other = ("--only", "O-9", "--reason", "a typing error", *TEAM)
    assert "is not about offer O-9" in entrepot("case", "repair", number_of(rows), "--field", "price=22.00", *other).out


def test_a_repair_of_anothers_field_asks_its_owner(faulty: Land, entrepot: Entrepot, rows: Rows) -> None:
    wanted = ("--field", "price=22.00", "--only", "O-1")
    seen = entrepot("case", "repair", number_of(rows), *wanted, "--dry-run", *TEAM)
    assert seen.code == 0 and "not done yet: seller is asked in his next message for price 22.00 EUR" in seen.out
    assert '-  "price": "25.00 EUR"' in seen.out and '+  "price": "22.00 EUR"' in seen.out
    assert rows("SELECT 1 FROM correction WHERE cause = 'operator'") == []
    said = entrepot("case", "repair", number_of(rows), *wanted, "--reason", "a typing error", *TEAM, "--json").json
    assert said["results"][0]["done"]
    [asked] = rows("SELECT object_id, wanted, words FROM correction WHERE cause = 'operator'")
    assert (asked["object_id"], asked["wanted"], asked["words"]) == ("O-1", 2200, "a typing error")
    [case] = rows("SELECT state, waiting_on FROM case_file WHERE mode = 'offer-under-floor'")
    assert (case["state"], case["waiting_on"]) == ("waiting", "seller")


def test_a_value_the_owner_himself_may_not_set_is_not_asked_for(faulty: Land, entrepot: Entrepot, rows: Rows) -> None:
    given = ("--field", "price=0.50", "--only", "O-1", "--reason", "cheaper", *TEAM)
    said = entrepot("case", "repair", number_of(rows), *given)
    assert (
        said.code == 1 and "is under the floor" in said.out and "accounts.mirakl-fr/operator.price_limits" in said.out
    )


def test_a_repair_that_is_nobodys_here_names_the_rule_with_its_file_and_line(
    faulty: Land, entrepot: Entrepot, rows: Rows, owner: Callable[..., None]
) -> None:
    owner("UPDATE case_file SET owner = 'finance-operations' WHERE mode = 'offer-under-floor'")
    given = ("--field", "price=22.00", "--only", "O-1", "--reason", "cheaper", "--as", "finance-operations")
    said = entrepot("case", "repair", number_of(rows), *given)
    assert said.code == 1
    assert "finance-operations: finance may not correct the price of an offer; seller may" in said.out
    file = Path(os.environ["ENTREPOT_BLUEPRINT"])
    line = next(
        n for n, text in enumerate(file.read_text("utf-8").splitlines(), 1) if text.startswith("      price: {")
    )
    assert f"(ownership.offer.fields.price[0], entrepot.yaml:{line}:7)" in said.out


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("--field", "price"), "write the field and its right value"),
        (("--field", "price=1", "--field", "price=2"), "names price twice"),
        (("--field", "price=1", "--patch", "{}"), "give the fields to change once"),
    ],
)
def test_fields_that_cannot_be_read_are_said(entrepot: Entrepot, given: tuple[str, ...], why: str) -> None:
    said = entrepot("case", "repair", "1002", *given, "--reason", "x")
    assert said.code == 2 and why in said.err
