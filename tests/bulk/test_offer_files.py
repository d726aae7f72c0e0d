"""A seller's file taken in: what it changes, what it must not touch, and what a crash in the middle leaves."""

import gzip
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from entrepot.bulk import delta, forms, service, staging
from entrepot.bulk.mapping import FieldMap, by_names
from entrepot.bulk.reading import SLICE_BYTES, open_source
from entrepot.bulk.returning import write_rejects
from entrepot.bulk.rules import offer_rules
from entrepot.bulk.service import Feed, Report
from entrepot.kernel.ctx import Ctx, Row
from entrepot.kernel.errors import Busy, WrongSetting
from entrepot.store.locks import lock_root

BOOK = offer_rules("EUR", limits={"*": (100, 100_000)})
HEADER = "sku;title;price;quantity"
ACCOUNT, SELLER = "mirakl-fr/operator", "2001"


class Seller:
    """Sends files; looks at what became of them."""

    def __init__(self, ctx: Ctx, folder: Path) -> None:
        self.ctx, self.folder, self.slice_bytes = ctx, folder, SLICE_BYTES

    def sends(
        self, lines: Sequence[str], *, name: str = "offers.csv", complete: bool = False, book: Any = BOOK
    ) -> Report:
        path = self.folder / name
        path.write_text("\n".join([HEADER, *lines]) + "\n", "utf-8")
        return self.sends_file(path, complete=complete, book=book)

    def sends_file(
        self, path: Path, *, complete: bool = False, book: Any = BOOK, mapping: FieldMap | None = None
    ) -> Report:
        source = open_source(path, slice_bytes=self.slice_bytes)
        columns = mapping or by_names(source.layout.header, currency="EUR")
        return service.take_in(self.ctx, source, Feed(ACCOUNT, SELLER, columns, book, self.folder, complete))

    def offers(self) -> list[Row]:
        with self.ctx.db.transaction() as conn:
            return conn.execute("SELECT * FROM feed_offer ORDER BY sku").fetchall()

    def live(self) -> dict[str, int]:
        return {one["sku"]: one["price_minor"] for one in self.offers() if one["state"] == "live"}

    def sets(self) -> list[Path]:
        return sorted((self.folder / "feeds").rglob("*.arrow"))


@pytest.fixture
def seller(ctx: Ctx, tmp_path: Path) -> Seller:
    return Seller(ctx, tmp_path)


def line(sku: str, price: str = "12.50", quantity: str = "3", title: str = "Lamp") -> str:
    return f"{sku};{title};{price};{quantity}"


def counts(report: Report) -> Mapping[str, int]:
    return {name: getattr(report, name) for name in ("read", "changed", "inserted", "updated", "ended", "rejected")}


def test_only_what_changed_is_written(seller: Seller) -> None:
    lines = [line(f"A{n}") for n in range(100)]
    assert counts(seller.sends(lines)) == {
        "read": 100,
        "changed": 100,
        "inserted": 100,
        "updated": 0,
        "ended": 0,
        "rejected": 0,
    }
    lines[7] = line("A7", "13.00")
    found = seller.sends([*lines, line("NEW")])
    assert counts(found) == {"read": 101, "changed": 2, "inserted": 1, "updated": 1, "ended": 0, "rejected": 0}
    assert (found.compared, found.version) == (True, 2)
    assert [(o["sku"], o["revision"], o["source_row"]) for o in seller.offers() if o["revision"] > 1] == [("A7", 2, 9)]


def test_a_line_that_says_the_same_in_other_words_writes_no_revision(seller: Seller) -> None:
    seller.sends([line("A1", "12.50")])
    assert counts(seller.sends([line("A1", "12.5")]))["updated"] == 0
    assert seller.offers()[0]["revision"] == 1


def test_a_rejected_update_leaves_the_live_offer_and_is_told_again_while_the_line_stays(seller: Seller) -> None:
    seller.sends([line("A1"), line("A2")])
    first = seller.sends([line("A1", "0"), line("A2")])
    again = seller.sends([line("A1", "0"), line("A2", "14.00")])
    assert seller.live() == {"A1": 1250, "A2": 1400}
    (told,) = again.rejects
    assert (told.row, told.field, told.code, told.value, told.corrects) == (2, "price", "amount", "0", "seller")
    assert again.rejects == first.rejects
    assert again.changed == 1


def test_offers_missing_from_a_file_end_only_when_it_is_said_to_be_complete(seller: Seller) -> None:
    seller.sends([line("A1"), line("A2"), line("A3")])
    seller.sends([line("A1")], name="some.csv")
    assert set(seller.live()) == {"A1", "A2", "A3"}
    assert seller.sends([line("A1"), line("A2", "20")], complete=True).ended == 1
    assert seller.live() == {"A1": 1250, "A2": 2000}
    assert seller.sends([line("A1"), line("A3")]).updated == 1  # it lives again, as it was
    assert set(seller.live()) == {"A1", "A2", "A3"}


def test_half_a_file_ends_nothing_and_says_so_until_a_whole_one_comes(seller: Seller) -> None:
    lines = [line(f"A{n}") for n in range(100)]
    seller.sends(lines, complete=True)
    half = seller.sends(lines[:50], complete=True)
    assert (half.ended, half.absent) == (0, 50)
    assert "50 of 100 live offers are missing" in half.refused
    assert len(seller.live()) == 100
    whole = seller.sends(lines[:95], complete=True)
    assert (whole.ended, whole.refused) == (5, "")


def test_a_row_that_cannot_be_read_may_be_any_offer_so_nothing_ends(seller: Seller) -> None:
    seller.sends([line("A1"), line("A2")], complete=True)
    found = seller.sends([line("A1"), """;"A2;12.50"""], complete=True)
    assert found.ended == 0 and "name no SKU" in found.refused


def test_a_row_cut_short_still_names_its_offer(seller: Seller) -> None:
    seller.sends([line("A1"), line("A2")], complete=True)
    found = seller.sends([line("A1"), "A2;Lamp"], complete=True)
    assert (found.ended, found.refused, [r.code for r in found.rejects]) == (0, "", ["columns"])


def test_what_is_too_much_for_memory_waits_in_files_and_leaves_none(
    seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "IN_MEMORY_BYTES", 0)
    monkeypatch.setattr(delta, "BATCH_BYTES", 0)
    seller.slice_bytes = 60
    first = seller.sends([line("A1"), line("A2"), *(line(f"B{n}") for n in range(9)), line("A1", "13")])
    assert counts(first)["inserted"] == 10 and {one.code for one in first.rejects} == {"sku-repeated"}
    again = seller.sends([line("A1"), line("A2", "14"), *(line(f"B{n}", "9") for n in range(9)), line("B3", "13")])
    assert (again.inserted, again.updated) == (1, 9)  # B3 stays as it was
    assert seller.live() | {"B3": 0} == {"A1": 1250, "A2": 1400, "B3": 0, **{f"B{n}": 900 for n in range(9) if n != 3}}
    assert not list((seller.folder / "feeds").rglob("*.staged"))


def test_the_same_content_under_another_name_is_recognised(seller: Seller) -> None:
    seller.sends([line("A1"), line("A2", "x")], name="monday.csv")
    found = seller.sends([line("A1"), line("A2", "x")], name="tuesday.csv")
    assert found.same_as == "monday.csv, version 1"
    assert (found.changed, found.rejected, len(found.rejects)) == (0, 1, 1)


@pytest.mark.parametrize("harm", ["missing", "cut", "changed"])
def test_without_a_sound_set_of_hashes_everything_is_validated_and_nothing_is_lost(seller: Seller, harm: str) -> None:
    seller.sends([line("A1"), line("A2"), line("A3", "x")])
    (path,) = seller.sets()
    kept = path.read_bytes()
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes(kept[:-9] if harm == "cut" else kept.replace(b"A1", b"A9"))
    found = seller.sends([line("A1"), line("A3", "x"), line("A4")], complete=True)
    assert not found.compared
    assert (found.changed, found.inserted, found.ended, found.rejected) == (3, 1, 1, 1)
    assert set(seller.live()) == {"A1", "A4"}


def test_other_rules_judge_every_line_anew(seller: Seller) -> None:
    seller.sends([line("A1"), line("A2", "90")])
    found = seller.sends([line("A1"), line("A2", "90")], book=offer_rules("EUR", limits={"*": (2_000, None)}))
    assert [(r.sku, r.message) for r in found.rejects] == [
        ("A1", "“12.50” is outside at least 20.00 EUR, what this category allows.")
    ]
    assert seller.live() == {"A1": 1250, "A2": 9000}


@pytest.mark.parametrize("point", ["bulk.compared", "bulk.staged", "bulk.before-commit"])
def test_a_run_that_dies_in_the_middle_leaves_nothing_and_ends_the_same_when_run_again(
    seller: Seller, ctx: Ctx, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller.sends([line("A1"), line("A2")], complete=True)
    before = seller.offers()

    def die(name: str) -> None:
        if name == point:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Ctx, "point", lambda self, name: die(name))
        seller.sends([line("A1", "9"), line("A3")], complete=True)
    assert seller.offers() == before
    found = seller.sends([line("A1", "9"), line("A3")], complete=True)
    assert (found.updated, found.inserted, found.ended) == (1, 1, 1)
    assert seller.live() == {"A1": 900, "A3": 1250}
    assert len(seller.sets()) == 2  # the one that counts, and the one before


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from conftest import INCARNATION, START, NoNetwork
from bulk.test_offer_files import Seller, line
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.ids import Ids
from entrepot.store.db import Db
Ctx.point = lambda self, name: os.kill(os.getpid(), signal.SIGKILL) if name == "bulk.before-commit" else None
clock = ManualClock(START)
ctx = Ctx(db=Db({url!r}, max_size=2, name="killed"), clock=clock, ids=Ids(clock.millis), http=NoNetwork(), incarnation=INCARNATION)
Seller(ctx, Path({folder!r})).sends([line("A1", "9"), line("A3")], complete=True)
"""


def until_nobody_holds(ctx: Ctx) -> None:
    """The database notices a little later that whoever held the seller's file is dead."""
    for _ in range(200):
        try:
            with ctx.db.transaction() as conn:
                lock_root(conn, f"feed {ACCOUNT} {SELLER}")
                return
        except Busy:
            time.sleep(0.05)
    raise AssertionError("the dead process still holds the seller's file after ten seconds")


@pytest.mark.processes
def test_a_process_killed_before_its_commit_has_changed_nothing(seller: Seller, database_url: str) -> None:
    seller.sends([line("A1"), line("A2")], complete=True)
    code = KILLED.format(tests=str(Path(__file__).parent.parent), url=database_url, folder=str(seller.folder))
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    until_nobody_holds(seller.ctx)
    assert set(seller.live()) == {"A1", "A2"}
    found = seller.sends([line("A1", "9"), line("A3")], complete=True)
    assert (found.updated, found.inserted, found.ended) == (1, 1, 1)


def test_a_second_file_of_the_seller_waits_for_the_first(seller: Seller, ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        lock_root(conn, f"feed {ACCOUNT} {SELLER}")
        with pytest.raises(Busy):
            seller.sends([line("A1")])


TEXT = f'{HEADER}\nA1;Straße 5;12.50;3\nA2;"two\nlines";13;4\n'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("utf8.csv", TEXT.encode()),
        ("mark.csv", TEXT.encode("utf-8-sig")),
        ("utf16.csv", TEXT.encode("utf-16")),
        ("windows.csv", TEXT.encode("cp1252")),
        ("crlf.csv", TEXT.replace("\n", "\r\n").encode()),
        ("tab.tsv", TEXT.replace(";", "\t").encode()),
        ("comma.csv", TEXT.replace(";", ",").encode()),
        ("packed.csv.gz", gzip.compress(TEXT.encode(), mtime=0)),
        ("unended.csv", TEXT.removesuffix("\n").encode()),
    ],
)
def test_files_as_sellers_write_them(seller: Seller, name: str, content: bytes) -> None:
    path = seller.folder / name
    path.write_bytes(content)
    assert seller.sends_file(path).rejects == []
    assert {o["sku"]: o["title"] for o in seller.offers()} == {"A1": "Straße 5", "A2": "two\nlines"}


def test_a_zip_holds_one_file(seller: Seller) -> None:
    path = seller.folder / "offers.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("offers.csv", TEXT)
    assert seller.sends_file(path).inserted == 2
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("more.csv", TEXT)
    with pytest.raises(WrongSetting, match="a zip holds one file"):
        seller.sends_file(path)


def test_the_sellers_words_are_read_by_his_mapping(seller: Seller) -> None:
    path = seller.folder / "waren.csv"
    path.write_text("Nummer;Name;Preis;Bestand;Zustand\n1;Lampe;12,50;3;neu\n2;Lampe;12.50;3;neu\n", "utf-8")
    mapping = FieldMap(
        {"Nummer": "sku", "Name": "title", "Preis": "price", "Bestand": "quantity", "Zustand": "condition"},
        {"condition": {"neu": "new"}},
        {"currency": "EUR"},
        ",",
    )
    found = seller.sends_file(path, mapping=mapping, book=offer_rules("EUR", decimal=","))
    assert [(r.sku, r.code) for r in found.rejects] == [("2", "amount")]
    assert [(o["sku"], o["price_minor"], o["condition"]) for o in seller.offers()] == [("1", 1250, "new")]


def test_rejects_go_back_in_the_sellers_own_columns(seller: Seller, tmp_path: Path) -> None:
    found = seller.sends([line("A1", "x", "y"), line("A2")])
    write_rejects(tmp_path / "back.csv", open_source(tmp_path / "offers.csv"), found.rejects)
    first, second = (tmp_path / "back.csv").read_text("utf-8").splitlines()
    assert first == "sku,title,price,quantity,entrepot row,entrepot fields,entrepot codes,entrepot messages"
    assert second.startswith("A1,Lamp,x,y,2,price | quantity,amount | quantity,“x” is no price above zero.")


def test_a_workbook_that_unpacks_to_too_much_is_refused_before_it_is_read(
    seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = seller.folder / "offers.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 200_000)
    monkeypatch.setattr(forms, "WHOLE_MAX", 100_000)
    assert path.stat().st_size < forms.WHOLE_MAX
    with pytest.raises(WrongSetting, match="unpacks to more than"):
        seller.sends_file(path)


def test_a_workbook_and_json_lines_say_the_same_as_a_text_file(seller: Seller) -> None:
    from xlsxwriter import Workbook

    path = seller.folder / "offers.xlsx"
    with Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for n, cells in enumerate(
            [HEADER.split(";"), ["A1", "Lamp", 12.5, 3], [], [4711, "two\nlines", "13", 4.0], ["A3", "x", "?", 1]]
        ):
            sheet.write_row(n, 0, cells)
    found = seller.sends_file(path)
    assert {o["sku"]: (o["price_minor"], o["quantity"]) for o in seller.offers()} == {
        "A1": (1250, 3),
        "4711": (1300, 4),
    }
    assert [(r.row, r.code) for r in found.rejects] == [(5, "amount")]
    path = seller.folder / "offers.jsonl"
    path.write_text('{"sku": "J1", "title": "Lamp", "price": 0.10, "quantity": 3}\n\n{"sku": broken\n[1]\n', "utf-8")
    found = seller.sends_file(path, book=offer_rules("EUR"))
    assert [(r.row, r.code) for r in found.rejects] == [(4, "unreadable"), (5, "unreadable")]
    assert seller.live()["J1"] == 10
