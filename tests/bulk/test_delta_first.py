"""A file compared with the last one gives what validating all of it gives: offers, rejects byte for byte, what is absent."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.bulk.delta import After, Before, _lacking, compare
from entrepot.bulk.hashes import Key
from entrepot.bulk.mapping import by_names
from entrepot.bulk.plan import OFFER, Checker
from entrepot.bulk.reading import Source, open_source, plain_records
from entrepot.bulk.rules import COLUMNS, REPEATED, UNREADABLE, Reject, Rulebook, amount, broken, offer_rules, reject
from entrepot.bulk.splitting import cells

HEADER = (
    "sku",
    "gtin",
    "title",
    "category",
    "condition",
    "price",
    "sale_price",
    "currency",
    "quantity",
    "lead_time",
    "image",
)
LIMITS = {"TOYS": (500, 20_000), "*": (100, None)}
BOOK = offer_rules("EUR", also=("JPY",), limits=LIMITS, categories=("TOYS", "BOOKS"), required={"brand": ("BOOKS",)})
OTHER_BOOK = offer_rules("EUR", limits={"*": (1_000, 9_000)}, required={"gtin": ("TOYS",)})
HASH_UNKNOWN = 0


class Shelf:
    """What a database would hold: offers by SKU."""

    def __init__(self) -> None:
        self.live: dict[str, tuple[Any, ...]] = {}
        self._taken: dict[int, tuple[Any, ...]] = {}

    def take(self, offers: pl.DataFrame) -> None:
        for row, _, *values in offers.iter_rows():
            self._taken[row] = tuple(values)

    def drop(self, rows: Sequence[int]) -> None:
        for row in rows:
            self._taken.pop(row, None)

    def close(self, absent: Sequence[str]) -> None:
        self.live.update({values[0]: values for values in self._taken.values()})
        self._taken = {}
        for sku in absent:
            self.live.pop(sku, None)


class Run:
    """One feed over several files, each time with what the run before left, or without."""

    def __init__(self, *, remembers: bool) -> None:
        self.shelf, self._remembers = Shelf(), remembers
        self._before, self._key = Before(), Key("0" * 32)

    def read(self, source: Source, book: Rulebook, *, complete: bool) -> After:
        checker = Checker(source.layout, by_names(source.layout.header, currency="EUR"), book)
        layout = [source.layout.encoding, source.layout.delimiter, source.layout.header]
        key = Key.of(rules=book.hash, mapping=checker.mapping.hash, layout=layout)
        before = self._before
        if not self._remembers or key != self._key:
            skus = pl.Series(list(self.shelf.live), dtype=pl.String)
            before = Before(pl.DataFrame({"hash": None, "sku": skus, "times": 0}, schema=Before().lines.schema))
        after = compare(source, checker, key, before, self.shelf)
        ends = complete and not after.nameless
        self.shelf.close(after.absent if ends else ())
        unrowed = {(h, n): one for h, one, n in _numbered(after.rejects)}
        self._before = Before(after.known(ended=ends), [(h, one) for (h, _), one in unrowed.items()])
        self._key = key
        return after


def _numbered(rejects: Sequence[tuple[int, Reject]]) -> list[tuple[int, Reject, int]]:
    counts: dict[tuple[int, int], int] = {}
    found = []
    for hash_, one in rejects:
        counts[(hash_, one.row)] = n = counts.get((hash_, one.row), 0) + 1
        found.append((hash_, one, n))
    return found


def oracle(source: Source, book: Rulebook) -> tuple[dict[str, tuple[Any, ...]], list[Reject], set[str], int]:
    """Row by row in plain Python: offers taken, rejects, SKUs that stand in the file, rows without one."""
    mapping = by_names(source.layout.header, currency="EUR")
    places = mapping.places(source.layout.header)
    taken: list[tuple[int, Mapping[str, str]]] = []
    rejects: list[Reject] = []
    skus: list[tuple[int, str]] = []
    for row, line in plain_records(source):
        parts = cells(line, source.layout.delimiter)
        if parts is None or len(parts) != len(source.layout.header):
            sku = parts[places["sku"]].strip() if parts and len(parts) > places["sku"] else ""
            rejects.append(reject(book, UNREADABLE if parts is None else COLUMNS, {"sku": sku}, row))
        else:
            record = mapping.record(places, parts)
            sku, faults = record["sku"], broken(book, record)
            rejects += [reject(book, rule, record, row) for rule in faults]
            if not faults:
                taken.append((row, record))
        skus.append((row, sku))
    names = [sku for _, sku in skus if sku]
    for row, sku in skus:
        if names.count(sku) > 1:
            rejects.append(reject(book, REPEATED, {"sku": sku}, row, names.count(sku)))
    offers = {r["sku"]: _offer(book, r) for _, r in taken if names.count(r["sku"]) == 1}
    return offers, sorted(rejects, key=lambda one: one.row), set(names), len(skus) - len(names)


def _offer(book: Rulebook, record: Mapping[str, str]) -> tuple[Any, ...]:
    known: dict[str, Any] = dict(record)
    for name in ("price", "sale_price"):
        known[f"{name}_minor"] = amount(book, record[name], record["currency"])
    for name in ("quantity", "lead_days"):
        known[name] = int(record[name]) if record[name] else None
    return tuple(known[name] for name in OFFER)


row = st.fixed_dictionaries(
    {
        "sku": st.sampled_from(["A1", "A2", "A3", "A4", "B 5", "C\n6", " A1", "", "x" * 41]),
        "gtin": st.sampled_from(["4006381333931", "4006381333932", "", "96385074", "12", "036000291452"]),
        "title": st.sampled_from(
            ["Lamp", "A “lamp”", 'A 5" lamp', "two\nlines", "semi;colon", "", "Straße", 'say "so"', "x\x00"]
        ),
        "category": st.sampled_from(["TOYS", "BOOKS", "PETS", ""]),
        "condition": st.sampled_from(["new", "used", "rotten", ""]),
        "price": st.sampled_from(["12.50", "0", "1.999", "1.990", "-3", "", "4.99", "500", "1e3", "999999999999999"]),
        "sale_price": st.sampled_from(["", "", "9.99", "13", "x"]),
        "currency": st.sampled_from(["EUR", "JPY", "USD", ""]),
        "quantity": st.sampled_from(["1", "0", "-1", "", "1.5", "9999999999"]),
        "lead_time": st.sampled_from(["", "3", "61"]),
        "image": st.sampled_from(["", "https://i.example/1.jpg", "ftp://x"]),
    }
)
good = st.fixed_dictionaries(
    {
        "sku": st.sampled_from(["A1", "A2", "A3", "A4"]),
        "price": st.sampled_from(["12.50", "20"]),
        "quantity": st.just("1"),
    },
    optional={"title": st.sampled_from(["Lamp", "two\nlines", 'a "b"'])},
).map(lambda one: {"title": "Lamp", **one})
raw = st.sampled_from(
    ['A1;"open', "A2;x", ";;;;;;;;;;", 'A3;5" x;"a', "A1;;;\r;;;;;;;", '"A4";"";"""";;;;;;;;', "", '";";";"']
)
files = st.lists(st.one_of(good, good, row, raw), max_size=9)
steps = st.lists(
    st.tuples(
        files, st.booleans(), st.sampled_from([BOOK, BOOK, BOOK, OTHER_BOOK]), st.sampled_from(";;;,"), st.booleans()
    ),
    min_size=1,
    max_size=4,
)


def written(rows: Sequence[Mapping[str, str] | str], delimiter: str, header: Sequence[str] = HEADER) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    for one in rows:
        if isinstance(one, str):
            out.write(one.replace(";", delimiter) + "\n")
        else:
            writer.writerow([one.get(name, "") for name in header])
    return out.getvalue().encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("feeds")


@given(steps)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_delta_first_tells_what_validating_everything_tells(
    folder: Path, taken: list[tuple[list[Any], bool, Rulebook, str, bool]]
) -> None:
    quick, whole, expected = Run(remembers=True), Run(remembers=False), dict[str, tuple[Any, ...]]()
    before: list[Any] = []
    for rows, keeps, book, delimiter, complete in taken:
        rows = before + rows if keeps else rows
        path = folder / "offers.csv"
        path.write_bytes(written(rows, delimiter))
        source = open_source(path, delimiter=delimiter, slice_bytes=200)
        found, all_of_it = quick.read(source, book, complete=complete), whole.read(source, book, complete=complete)
        offers, rejects, skus, nameless = oracle(source, book)
        expected |= offers
        if complete and not nameless:
            expected = {sku: values for sku, values in expected.items() if sku in skus}
        assert [one for _, one in all_of_it.rejects] == rejects
        assert [one for _, one in found.rejects] == rejects
        assert whole.shelf.live == expected
        assert quick.shelf.live == expected
        assert found.read == all_of_it.read
        before = rows


def test_the_same_file_again_is_not_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "offers.csv"
    path.write_bytes(
        written([{"sku": f"A{n}", "title": "Lamp", "price": "12.50", "quantity": "1"} for n in range(50)], ";")
    )
    run = Run(remembers=True)
    assert run.read(open_source(path), BOOK, complete=True).changed == 50
    assert run.read(open_source(path), BOOK, complete=True).changed == 0


numbers = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 40), max_size=60).map(sorted)


@given(numbers, numbers)
@settings(max_examples=200, deadline=None)
def test_new_lines_are_told_whether_few_are_looked_up_or_many_merged(these: list[int], those: list[int]) -> None:
    few, many = (pl.Series(one, dtype=pl.UInt64) for one in (these, those))
    assert _lacking(few, many).to_list() == [one for one in these if one not in set(those)]
