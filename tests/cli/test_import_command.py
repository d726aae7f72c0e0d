"""`entrepot import`: a seller's file by hand, with what became of every row."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli.said import Entrepot
from conftest import START
from web.feed_rows import FeedDay

from entrepot.store.db import Db

HEADER = "SKU;EAN;Title;Category;Price;Quantity\n"
GOOD = "A1;4006381333931;Lamp;OUTDOOR;12.50;3\n"
CHEAP = "A2;;Lamp;OUTDOOR;4.99;3\n"  # the plan's floor for OUTDOOR is 5.00


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "offers.csv"
    path.write_text(HEADER + GOOD + CHEAP, "utf-8")
    return path


def test_a_file_is_taken_in_and_every_reject_names_row_field_and_who_corrects(
    entrepot: Entrepot, rows: Callable[..., list[dict[str, Any]]], file: Path
) -> None:
    said = entrepot("import", str(file), "--as", "offers", "--seller", "2001", "--json")
    told = json.loads(said.out)
    assert said.code == 3
    assert (told["read"], told["inserted"], told["rejected"]) == (2, 1, 1)
    assert told["rejects"] == [
        {
            "row": 3,
            "sku": "A2",
            "field": "price",
            "code": "limits",
            "value": "4.99",
            "message": "“4.99” is outside at least 5.00 EUR, at most 400.00 EUR, what this category allows.",
            "corrects": "seller",
        }
    ]
    assert [(o["account"], o["sku"], o["price_minor"]) for o in rows("SELECT * FROM feed_offer")] == [
        ("mirakl-fr/operator", "A1", 1250)
    ]


def test_a_file_without_a_fault_is_a_success_and_counts_stand_in_a_table(entrepot: Entrepot, file: Path) -> None:
    file.write_text(HEADER + GOOD, "utf-8")
    said = entrepot("import", str(file), "--as", "offers", "--seller", "2001", "--complete")
    assert said.code == 0
    assert "offers.csv, version 1 all of it validated" in said.out
    assert "Read  Unchanged  Changed  Inserted  Updated  Ended  Rejected" in said.out
    again = entrepot("import", str(file), "--as", "offers", "--seller", "2001", "--complete")
    assert "offers.csv is what counts already: the same content as offers.csv, version 1." in again.out


def test_the_rejected_rows_are_written_for_the_seller(entrepot: Entrepot, file: Path, tmp_path: Path) -> None:
    entrepot("import", str(file), "--as", "offers", "--seller", "2001", "--rejects", str(tmp_path / "back.csv"))
    lines = (tmp_path / "back.csv").read_text("utf-8").splitlines()
    assert lines[0].startswith("SKU,EAN,Title,Category,Price,Quantity,entrepot row")
    assert lines[1].startswith("A2,,Lamp,OUTDOOR,4.99,3,3,price,limits,")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty: its first line must name the columns"),
        ("a;b\n1;2\n", "no column of the file is the sku; it has a, b"),
    ],
)
def test_a_file_that_names_no_columns_is_one_line_and_exit_2(
    entrepot: Entrepot, file: Path, content: str, words: str
) -> None:
    file.write_text(content, "utf-8")
    said = entrepot("import", str(file), "--as", "offers", "--seller", "2001")
    assert (said.code, words in said.err) == (2, True)


def test_a_mapping_names_the_sellers_columns_and_words(entrepot: Entrepot, file: Path, tmp_path: Path) -> None:
    file.write_text("Nr\tName\tPreis\tBestand\n1\tLampe\t12,50\t3\n", "utf-8")
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text('columns: {Nr: sku, Name: title, Preis: price, Bestand: quantity}\ndecimal: ","\n', "utf-8")
    said = entrepot("import", str(file), "--as", "offers", "--seller", "2001", "--mapping", str(mapping), "--json")
    assert (said.code, json.loads(said.out)["inserted"]) == (0, 1)
    mapping.write_text("columns: {Nr: number}\n", "utf-8")
    said = entrepot("import", str(file), "--as", "offers", "--seller", "2001", "--mapping", str(mapping))
    assert (said.code, "there is no field number" in said.err) == (2, True)


def test_half_a_file_and_a_file_nobody_can_read_are_cases_and_their_number_is_said(
    entrepot: Entrepot, rows: Callable[..., list[dict[str, Any]]], file: Path, tmp_path: Path
) -> None:
    whole = [f"A{n};4006381333931;Lamp;OUTDOOR;12.50;3\n" for n in range(40)]
    file.write_text(HEADER + "".join(whole), "utf-8")
    entrepot("import", str(file), "--as", "offers", "--seller", "2001", "--complete")
    file.write_text(HEADER + "".join(whole[:20]), "utf-8")
    half = entrepot("import", str(file), "--as", "offers", "--seller", "2001", "--complete", "--json")
    broken = tmp_path / "offers.xlsx"
    broken.write_bytes(b"no workbook")
    said = entrepot("import", str(broken), "--as", "offers", "--seller", "2001")
    cases = {one["mode"]: one for one in rows("SELECT * FROM case_file ORDER BY number")}
    assert json.loads(half.out)["case"] == cases["feed-incomplete"]["number"]
    assert f"case {cases['feed-unreadable']['number']}" in said.err and said.code == 2
    assert {cases[mode]["owner"] for mode in ("feed-incomplete", "feed-unreadable")} == {"supplier-operations"}


def test_what_became_of_files_is_shown_by_seller_and_reason(entrepot: Entrepot, file: Path) -> None:
    assert "No seller's file was taken in yet" in entrepot("feed").out
    entrepot("import", str(file), "--as", "offers", "--seller", "2001")
    said = entrepot("feed", "--seller", "2001")
    assert "1 (50 %)" in said.out and "limits" in said.out
    [seller] = json.loads(entrepot("feed", "--json").out)["sellers"]
    assert (seller["seller"], seller["live"], seller["rejected"], seller["last_file"]) == ("2001", 1, 1, "offers.csv")


def test_how_old_our_stock_is_and_what_was_oversold_is_said_beside_what_became_of_files(
    entrepot: Entrepot, file: Path, db: Db
) -> None:
    entrepot("import", str(file), "--as", "offers", "--seller", "2001")
    with db.transaction() as conn:
        day = FeedDay(conn, START)
        day.stock_of("LAMP-1", "oms@backoffice", day.ago(minutes=90))
        day.oversold(77, "LAMP-1", count=2)
    said = entrepot("feed").out
    assert "oms@backoffice" in said and "1:30:00" in said
    assert "2 orders found too little stock; 1 of 1 cases are open" in said
    found = json.loads(entrepot("feed", "--json").out)
    assert [(one["of"], one["name"], one["looked_at"]) for one in found["ages"]] == [
        ("fed", "mirakl-fr/operator", 1),
        ("pool", "oms@backoffice", 1),
    ]
    assert found["oversold"]["last"] == [
        {"case": 77, "times": 2, "stock": "LAMP-1", "cause": "2 pieces of LAMP-1 are ordered and not there"}
    ]
    assert set(json.loads(entrepot("feed", "--seller", "2001", "--json").out)) == {"sellers", "reasons"}
