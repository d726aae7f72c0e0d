"""One definition of what an offer must be, asked of one record and of a frame: the same verdicts, words and values, whatever the plan demands."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pytest
from depth import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.blueprint.owning import OfferRule
from entrepot.bulk.demands import demanded
from entrepot.bulk.mapping import FIELDS, FieldMap
from entrepot.bulk.plan import OFFER, Checker
from entrepot.bulk.reading import Layout
from entrepot.bulk.rules import Rulebook, amount, broken, offer_rules, reject

LIMITS: Mapping[str, tuple[int | None, int | None]] = {"TOYS": (500, 20_000), "BOOKS": (None, 9_000), "*": (100, None)}
words: Mapping[str, Sequence[str]] = {
    "sku": ["A1", "A2", "x" * 40, "x" * 41, "ß" * 39, ""],
    "gtin": ["4006381333931", "4006381333932", "", "96385074", "+963850740009", "-4006381333931", "036000291452", "00000000", "٤٠٠٦٣٨١٣"],
    "title": ["Lamp", "", "L" * 21, "ü" * 250, "ü" * 251, "null", "#1"],
    "brand": ["Acme", "Lego", "acme", ""],
    "category": ["TOYS", "BOOKS", "PETS", ""],
    "condition": ["new", "used", "rotten", ""],
    "price": ["12.50", "12,50", "0", "0.00", "1.999", "1.990", "+12.50", "-3", "", "4.99", "500", "1e3", "999999999999.99", "1234567890123", ".5", "5.", "12.5.0", "١٢", "inf"],
    "sale_price": ["", "", "9.99", "12.50", "13", "x", "1.25", "9,99"],
    "currency": ["EUR", "EUR", "EUR", "JPY", "USD", ""],
    "quantity": ["1", "0", "-1", "+1", "", "1.5", "999999999", "9999999999", "007", "51"],
    "lead_days": ["", "3", "+3", "61", "11", "-0"],
    "image": ["", "https://i.example/1.jpg", "https://i.example/1.JPG", "https://cdn.example/1.png", "ftp://x", "https://"],
}  # fmt: skip
record = st.fixed_dictionaries({name: st.sampled_from(words[name]) for name in FIELDS})
good = st.fixed_dictionaries(
    {
        "sku": st.sampled_from(["A1", "A2"]), "gtin": st.just("4006381333931"), "title": st.just("Lamp"), "brand": st.sampled_from(["Acme", "Lego"]),
        "category": st.sampled_from(["TOYS", "BOOKS"]), "condition": st.sampled_from(["new", "used"]), "price": st.sampled_from(["12.50", "20", "20.1"]),
        "sale_price": st.sampled_from(["", "9.99"]), "currency": st.just("EUR"), "quantity": st.sampled_from(["1", "51"]),
        "lead_days": st.sampled_from(["", "3", "11"]), "image": st.sampled_from(["https://i.example/1.jpg", "https://cdn.example/1.PNG"]),
    }
)  # fmt: skip
demands = st.builds(
    OfferRule,
    required=st.lists(st.sampled_from(["gtin", "brand", "image", "lead_days"]), max_size=2, unique=True),
    values=st.dictionaries(st.sampled_from(["brand", "condition", "category"]), st.sampled_from([("Acme",), ("Lego", "new", "TOYS"), ("{x}", "used", "BOOKS")]), max_size=2),
    quantity_max=st.sampled_from([None, 50]),
    lead_days_max=st.sampled_from([None, 10]),
    lead_days_max_by_condition=st.sampled_from([{}, {"used": 2}]),
    discount_max_percent=st.sampled_from([None, 10, 50]),
    title_max=st.sampled_from([None, 20]),
    image_begins=st.sampled_from([(), ("https://cdn.example/",), ("https://i.", "https://x.")]),
    image_ends=st.sampled_from([(), (".JPG",), (".png", ".webp")]),
)  # fmt: skip
by_category = st.dictionaries(st.sampled_from(["*", "TOYS", "BOOKS"]), demands, max_size=3)


def told(book: Rulebook, records: Sequence[Mapping[str, str]]) -> tuple[list[Any], dict[int, tuple[Any, ...]]]:
    """Rejects and offers of a file with these records, all rows at once."""
    lines = [";".join(one[name] for name in FIELDS) for one in records]
    frame = pl.DataFrame({"row": range(2, len(lines) + 2), "hash": range(len(lines)), "line": lines}, schema={"row": pl.UInt32, "hash": pl.UInt64, "line": pl.String})  # fmt: skip
    checker = Checker(
        Layout("utf-8", ";", FIELDS), FieldMap({name: name for name in FIELDS}, decimal=book.decimal), book
    )
    checked = checker.check(frame)
    rejects = sorted((one for _, one in checked.rejects), key=lambda one: one.row)
    return rejects, {row[0]: row[2:] for row in checked.accepted.iter_rows()}


@given(by_category, st.lists(st.one_of(good, record), min_size=1, max_size=12), st.sampled_from([".", ".", ","]))
@settings(max_examples=examples(60, deep=600), deadline=None)
def test_a_frame_is_judged_as_its_records_are_one_by_one(
    asked: Mapping[str, OfferRule], records: Sequence[Mapping[str, str]], decimal: str
) -> None:
    book = offer_rules("EUR", also=("JPY",), limits=LIMITS, decimal=decimal, more=demanded(asked))
    rejects, offers = told(book, records)
    expected = [reject(book, rule, one, row) for row, one in enumerate(records, start=2) for rule in broken(book, one)]
    assert rejects == expected
    assert offers == {row: _offer(book, one) for row, one in enumerate(records, start=2) if not broken(book, one)}


def _offer(book: Rulebook, one: Mapping[str, str]) -> tuple[Any, ...]:
    numbers = {name: int(one[name]) if one[name] else None for name in ("quantity", "lead_days")}
    amounts = {f"{name}_minor": amount(book, one[name], one["currency"]) for name in ("price", "sale_price")}
    return tuple({**one, **numbers, **amounts}[name] for name in OFFER)


ROW = {
    "sku": "A1", "gtin": "4006381333931", "title": "Lamp", "brand": "Acme", "category": "TOYS", "condition": "new", "price": "20.00",
    "sale_price": "", "currency": "EUR", "quantity": "5", "lead_days": "3", "image": "https://i.example/1.jpg",
}  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "wrong", "code", "message"),
    [
        ({"TOYS": {"required": ["brand"]}}, {"brand": ""}, "required", "The brand is missing in TOYS."),
        ({"*": {"values": {"brand": ["Lego"]}}}, {}, "value-list", "“Acme” is no brand: Lego."),
        ({"*": {"quantity_max": 4}}, {}, "quantity-cap", "“5” is more than 4 pieces: taken for a mistake."),
        ({"TOYS": {"lead_days_max": 2}}, {}, "lead-time-cap", "“3” is more than 2 days in TOYS."),
        ({"*": {"lead_days_max_by_condition": {"new": 1, "used": 9}}}, {}, "lead-time-cap", "“3” is more than 1 days, for new articles."),
        ({"*": {"discount_max_percent": 50}}, {"sale_price": "9.99"}, "discount-cap", "The sale price 9.99 lies more than 50 % below the price."),
        ({"*": {"title_max": 3}}, {}, "title-cap", "The title has more than 3 letters."),
        ({"*": {"image_begins": ["https://cdn."]}}, {}, "image-place", "“https://i.example/1.jpg” lies where no image may: https://cdn.."),
        ({"*": {"image_ends": [".png", ".WEBP"]}}, {}, "image-kind", "“https://i.example/1.jpg” is no image: .png, .WEBP."),
    ],
)  # fmt: skip
def test_what_the_plan_demands_is_asked_where_it_is_demanded(
    asked: Mapping[str, Any], wrong: Mapping[str, str], code: str, message: str
) -> None:
    book = offer_rules("EUR", more=demanded({name: OfferRule(**rule) for name, rule in asked.items()}))
    rejects, _ = told(book, [{**ROW, **wrong}])
    assert [(one.code, one.message) for one in rejects] == [(code, message)]
    elsewhere, _ = told(book, [{**ROW, **wrong, "category": "BOOKS"}])
    assert bool(elsewhere) is ("*" in asked)
    assert book.hash != offer_rules("EUR").hash  # what was judged without it is judged anew


def test_polars_reads_nothing_but_digits_and_a_sign_as_a_number() -> None:
    """On which the quick questions rely; another polars might be more lenient."""
    letters = [chr(n) for n in (*range(1, 0x250), 0x661, 0xFF11)]
    texts = [
        text
        for one in letters
        if not one.isascii() or not one.isdigit()
        for text in (one + "12", "1" + one + "2", "12" + one)
    ]
    read = {kind: pl.Series(texts).cast(kind, strict=False) for kind in (pl.Int32, pl.UInt64)}
    assert {text for values in read.values() for text in pl.Series(texts).filter(values.is_not_null())} == {
        "+12",
        "-12",
    }
