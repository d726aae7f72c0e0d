"""Any identifier leads to what it names, and from there to the whole basket."""

from collections.abc import Callable

import pytest
from cli.said import Entrepot

INSIDE_THE_BASKET = [
    ("C-1", "basket"),
    ("bas_1", "basket"),
    ("C-1-A", "leg"),
    ("leg_C-1-B", "leg"),
    ("C-1-A-1", "leg"),
    ("SKU-A", "leg"),
    ("RF-1", "refund"),
    ("R-1", "return"),
    ("PN1", "shipment"),
    ("S-1", "shipment"),
    ("msg_1", "message"),
    ("capture:C-1:eff_1", "effect"),
    ("eff_1", "effect"),
    ("1001", "case"),
    ("#1001", "case"),
    ("obl_1", "obligation"),
    ("TL-2", "statement_line"),
]


@pytest.mark.parametrize(("asked", "object_"), INSIDE_THE_BASKET)
def test_any_identifier_of_a_basket_leads_to_the_whole_basket(entrepot: Entrepot, asked: str, object_: str) -> None:
    document = entrepot("find", asked, "--json").json
    assert object_ in [row["object"] for row in document["found"]]
    assert [basket["commercial_id"] for basket in document["baskets"]] == ["C-1"]


@pytest.mark.parametrize(
    ("asked", "object_"),
    [("CYC-stm_1", "statement"), ("V-stm_1", "payout"), ("tr_1", "payout"), ("20A", "seller"), ("settlement", "flow")],
)
def test_what_belongs_to_no_basket_is_found_as_well(entrepot: Entrepot, asked: str, object_: str) -> None:
    said = entrepot("find", asked, "--json")
    assert said.code == 0
    assert object_ in [row["object"] for row in said.json["found"]]


def test_a_basket_comes_with_everything_around_it(entrepot: Entrepot) -> None:
    [basket] = entrepot("find", "C-1", "--json").json["baskets"]
    assert basket["captured"] == {"amount": "25.00", "currency": "EUR"}
    assert {leg["order_id"]: leg["state"] for leg in basket["legs"]} == {"C-1-A": "shipped", "C-1-B": "refused"}
    [first, _] = basket["legs"]
    assert first["lines"][0]["price"] == {"amount": "20.00", "currency": "EUR"}
    assert [said["witness"] for said in first["refunds"][0]["confirmations"]] == ["books", "marketplace"]
    assert [row["id"] for row in basket["obligations"]] == ["obl_1", "obl_2", "obl_3"]
    assert [row["number"] for row in basket["cases"]] == [1001, 1002, 1003]
    assert [row["id"] for row in basket["outgoing_actions"]] == ["eff_1"]
    assert [row["id"] for row in basket["messages"]] == ["msg_0", "msg_1"]
    assert [(row["object_id"], row["to_state"]) for row in basket["timeline"]] == [("leg_C-1-B", "refused")]


def test_the_page_speaks_peoples_words_and_names_the_marketplaces_own(entrepot: Entrepot) -> None:
    out = entrepot("find", "C-1-B").out
    for words in (
        "Seller order C-1-B Refused",
        "Basket C-1",
        "Mirakl order C-1-A Shipped (SHIPPED) of Seller A",
        "charged 25.00 EUR",
        "Our books: not confirmed, due Mon 2 Mar 2026 07:59",
        "Seller accepts or refuses",
        "Awaiting acceptance → Refused",
        "Outgoing actions",
        "Parked",
    ):
        assert words in out


def test_a_statement_comes_with_what_is_open_in_it(entrepot: Entrepot) -> None:
    [statement] = entrepot("find", "TL-2", "--json").json["statements"]
    assert (statement["external_id"], statement["lines"], statement["matched"], statement["differences_open"]) == (
        "CYC-stm_1", 4, 3, 1,
    )  # fmt: skip
    assert "1 differences open" in entrepot("find", "CYC-stm_1").out


def test_a_case_about_one_cause_of_a_statement_is_found_with_the_statement(
    entrepot: Entrepot, owner: Callable[..., None]
) -> None:
    owner(
        "UPDATE case_file SET object = 'statement', object_id = 'stm_1:tax', root = 'seller:x', effect_id = NULL"
        " WHERE number = 1001"
    )
    assert [case["number"] for case in entrepot("find", "CYC-stm_1", "--json").json["cases"]] == [1001]


def test_where_nothing_has_the_name_its_beginning_is_tried(entrepot: Entrepot) -> None:
    document = entrepot("find", "C-1-", "--json").json
    assert document["by_beginning"] is True
    assert [row["name"] for row in document["found"]] == ["C-1-A", "C-1-B"]
    assert "these begin with it" in entrepot("find", "C-1-").out


@pytest.mark.parametrize("asked", ["nothing-like-that", "C-", "%", "' OR 1=1 --", "\udc80\udc80\udc80", "x\x00y"])
def test_what_is_nowhere_is_a_failure_told_in_one_line(entrepot: Entrepot, asked: str) -> None:
    said = entrepot("find", asked)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("entrepot: nothing is called ")


def test_what_is_nowhere_is_still_one_document(entrepot: Entrepot) -> None:
    said = entrepot("find", "nothing-like-that", "--json")
    assert said.code == 1
    assert (said.json["found"], said.json["baskets"]) == ([], [])
