"""Which words of a seller's file mean what: by the names of his columns, by the plan, by a saved version; one function for every door."""

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from bulk.test_arrivals import ACCOUNT, SELLER, plan

from entrepot.blueprint.lint.samples import base_text
from entrepot.blueprint.load import examine_text
from entrepot.blueprint.model import FeedRule, Plan
from entrepot.bulk import mapping_store
from entrepot.bulk.arriving import Given, take_in_file, understood
from entrepot.bulk.mapping import FieldMap, by_names, mapping_of
from entrepot.bulk.refusals import Reason, Unreadable
from entrepot.bulk.splitting import cells
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import WrongSetting


def test_the_price_is_that_of_the_accounts_channel_and_never_anothers() -> None:
    header = ["sku", "price", "price[channel=DE]", "Price [channel=fr]", "quantity[channel=DE]"]
    assert by_names(header, channel="FR").columns == {"sku": "sku", "Price [channel=fr]": "price"}
    assert by_names(header).columns == {"sku": "sku", "price": "price"}
    assert by_names(header, channel="DE").columns == {
        "sku": "sku", "price[channel=DE]": "price", "quantity[channel=DE]": "quantity",
    }  # fmt: skip


def test_a_mapping_is_the_same_version_while_it_says_the_same() -> None:
    plain = FieldMap({"Nr": "sku"}, {"condition": {"neu": "new"}}, {"currency": "EUR"}, ",")
    assert mapping_of(plain.content, "it") == plain
    assert json.loads(json.dumps(plain.content)) == plain.content
    asked = FieldMap({"Nr": "sku"}, {"condition": {"neu": "new"}}, {"currency": "EUR"}, ",", {"price": "prices[0]"})
    assert len({plain.hash, asked.hash, FieldMap({"Nr": "sku"}).hash}) == 3


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"columns": {"a": "colour"}}, "there is no field colour"),
        ({"columns": {"a": "sku"}, "expressions": {"sku": "b"}}, "two columns are mapped to the same field"),
        ({"columns": ["a"]}, "columns holds names"),
        ({"decimal": ";"}, "decimal is"),
    ],
)
def test_what_is_no_mapping_is_said_with_its_place(parts: dict[str, Any], words: str) -> None:
    with pytest.raises(WrongSetting, match=words) as told:
        mapping_of(parts, "mapping 3")
    assert told.value.message.startswith("mapping 3")


def with_feed(**feed: Any) -> Plan:
    rule = FeedRule.model_validate({"name": "lamps", "account": ACCOUNT, "seller": SELLER, "source": "/nowhere"} | feed)
    return plan().model_copy(update={"feeds": {"lamps": rule}})


def test_a_saved_version_counts_before_the_plan_and_the_plan_before_the_names(
    ctx: Ctx, clock: ManualClock, tmp_path: Path
) -> None:
    path = tmp_path / "waren.csv"
    path.write_text("sku;Nr;title;price;quantity\nA;1;Lamp;12,50;3\n", "utf-8")
    columns = {"Nr": "sku", "title": "title", "price": "price", "quantity": "quantity"}
    planned = with_feed(mapping={"columns": columns, "decimal": ","})

    def read(plan: Plan, given: Given | None = None) -> tuple[str, str, int | None]:
        seen = understood(ctx, plan, path, ACCOUNT, SELLER, given)
        places = seen.mapping.places(seen.source.layout.header)
        row = cells("A;1;Lamp;12,50;3", ";")
        assert row is not None
        return row[places["sku"]], seen.book.decimal, seen.version

    assert read(plan()) == ("A", ".", None)
    assert read(planned) == ("1", ",", None)
    for seller, decimal in (("*", ","), ("2002", "."), (SELLER, ".")):
        content = {"columns": columns if seller == "*" else {"sku": "sku"}, "decimal": decimal}
        with ctx.db.transaction() as conn:
            hash_ = mapping_of(content, "").hash
            mapping_store.save(conn, ACCOUNT, seller, content, hash_, by="Mari", reason="his words", at=clock.now())
        if seller == "*":
            assert read(plan()) == ("1", ",", 1)
    assert read(planned) == ("A", ".", 1)
    assert read(planned, Given(mapping=FieldMap(columns, decimal=","))) == ("1", ",", None)


def test_another_mapping_validates_the_whole_file_and_the_channel_is_the_accounts(ctx: Ctx, tmp_path: Path) -> None:
    path = tmp_path / "offers.csv"
    path.write_text("sku;title;category;price;price[channel=FR];quantity\nA;Lamp;OUTDOOR;12.50;19.90;3\n", "utf-8")
    ours = plan()
    french = ours.accounts[ACCOUNT].model_copy(update={"channel": "FR"})

    def price(plan: Plan) -> tuple[bool, int]:
        report = take_in_file(ctx, plan, path, ACCOUNT, SELLER, home=tmp_path).report
        with ctx.db.transaction() as conn:
            row = conn.execute("SELECT price_minor FROM feed_offer").fetchone()
        assert row is not None
        return report.compared, row["price_minor"]

    assert price(ours) == (False, 1250)
    assert price(ours.model_copy(update={"accounts": {**ours.accounts, ACCOUNT: french}})) == (False, 1990)


@pytest.mark.parametrize("packed", ["jsonl", "jsonl.gz", "zip"])
def test_what_lies_deeper_in_json_lines_is_found_by_an_expression_packed_or_not(
    ctx: Ctx, tmp_path: Path, packed: str
) -> None:
    lines = [
        {
            "id": "J1",
            "name": "Lamp",
            "group": "OUTDOOR",
            "prices": [{"c": "DE", "v": 1}, {"c": "FR", "v": 12.50}],
            "stock": {"fr": 3},
        },
        {"id": "J2", "name": "Lamp", "group": "OUTDOOR", "prices": "none", "stock": None},
    ]
    text = "\n".join(json.dumps(one) for one in lines).encode()
    path = tmp_path / f"offers.{packed}"
    if packed == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("offers.jsonl", text)
    else:
        path.write_bytes(gzip.compress(text, mtime=0) if packed.endswith("gz") else text)
    found = {"price": "prices[?c=='FR'].v | [0]", "quantity": "stock.fr"}
    mapping = FieldMap(
        {"id": "sku", "name": "title", "group": "category"}, defaults={"currency": "EUR"}, expressions=found
    )
    report = take_in_file(ctx, plan(), path, ACCOUNT, SELLER, Given(mapping=mapping), home=tmp_path).report
    assert [(one.sku, one.field, one.code) for one in report.rejects] == [
        ("J2", "price", "required"), ("J2", "quantity", "required"),
    ]  # fmt: skip
    with ctx.db.transaction() as conn:
        rows = conn.execute("SELECT sku, price_minor, quantity FROM feed_offer").fetchall()
    assert [(row["sku"], row["price_minor"], row["quantity"]) for row in rows] == [("J1", 1250, 3)]


def test_an_expression_that_is_none_and_a_packed_workbook_are_refused(ctx: Ctx, tmp_path: Path) -> None:
    path = tmp_path / "offers.jsonl"
    path.write_text("{}\n", "utf-8")
    with pytest.raises(Unreadable) as told:
        understood(ctx, plan(), path, ACCOUNT, SELLER, Given(mapping=FieldMap({}, expressions={"sku": "a["})))
    assert (told.value.reason, told.value.whose) == (Reason.EXPRESSION, "operator")
    with gzip.open(tmp_path / "offers.xlsx.gz", "wb") as out:
        out.write(b"x")
    with pytest.raises(Unreadable, match="packed already"):
        understood(ctx, plan(), tmp_path / "offers.xlsx.gz", ACCOUNT, SELLER)


FEED = """
feeds:
  lamps: {account: market/mian, seller: "2001", source: ftp://files/x}
  empty: {account: market/main, seller: "2001"}
  whose: {account: market/main, seller: "*", source: /srv/feeds, key: open-sesame}
  clear: {account: market/main, seller: "2001", source: "sftp://me:secret@files/x", credentials: {password: hunter2}}
"""


def test_a_feed_that_leads_nowhere_or_tells_a_secret_is_found_before_it_runs() -> None:
    told = [(one.code, one.path) for one in examine_text(base_text() + FEED).findings if one.path.startswith("feeds.")]
    assert told == [
        ("E022", "feeds.lamps.account"), ("E122", "feeds.lamps.source"), ("E122", "feeds.empty"), ("E122", "feeds.whose.seller"),
        ("E105", "feeds.whose.key"), ("E105", "feeds.clear.source"), ("E105", "feeds.clear.credentials.password"),
    ]  # fmt: skip
