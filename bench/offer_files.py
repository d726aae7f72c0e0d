"""A seller's offer file: compared with the last one, without and with the database, beside floors and what one would write instead.

Floor: the same lines, split from the same file and hashed with the same key, and nothing else. With the database the
floor is the same: what the database costs is ours to carry. One core: polars is given one thread.
"""

import multiprocessing
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from bench import offer_material
from bench.ground import Ground, Stopwatch, hub_on
from bench.machine import peak_mb
from bench.table import Result, at_least, at_most

if TYPE_CHECKING:
    from entrepot.bulk.delta import After
    from entrepot.bulk.reading import Source
    from entrepot.bulk.service import Feed

ROWS, CHECKED_ROWS, SAMPLE = 1_000_000, 10_000, 20_000
FLOOR_MAX, FLOOR_WITH_DATABASE_MAX, LOOP_MIN, PARSE_MAX = 5, 7, 60, 1.5
ACCOUNT, SELLER = "mirakl-fr/operator", "2001"


def run(ground: Ground, rounds: int) -> Sequence[Result]:
    os.environ["POLARS_MAX_THREADS"] = "1"  # before polars is loaded
    with tempfile.TemporaryDirectory() as folder:
        _checked(Path(folder))
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:  # its memory is not ours
            paths = pool.submit(offer_material.two_days, Path(folder), ROWS).result()
        measured = [_round(ground, Path(folder), *paths) for _ in range(rounds)]
    found = {name: median(one[name] for one in measured) for name in measured[0]}
    floor, loop = found["floor"], found["loop"]
    delta = Result(
        "offer file: 3 % changed", ROWS, round(found["delta"], 3), round(found["delta"] / floor, 2), None, peak_mb(),
        (at_most("× floor (split, hashed)", found["delta"] / floor, FLOOR_MAX),),
        {"floor, seconds": floor, "of it hashing": found["hash"], "polars reading all columns, seconds": found["parse"]},
    )  # fmt: skip
    stored = Result(
        "offer file: 3 % changed, in the database", ROWS, round(found["stored"], 3), round(found["stored"] / floor, 2), round(loop / found["stored"], 1), peak_mb(),
        (
            at_most("× floor (split, hashed)", found["stored"] / floor, FLOOR_WITH_DATABASE_MAX),
            at_least(f"× pydantic + executemany ({SAMPLE:,} rows, scaled)", loop / found["stored"], LOOP_MIN),
        ),
    )  # fmt: skip
    whole = Result(
        "offer file: first load", ROWS, round(found["whole"], 3), None, None, peak_mb(),
        (at_most("× polars reading all columns", found["whole"] / found["parse"], PARSE_MAX),),
        {"in the database, seconds": found["loaded"]},
    )  # fmt: skip
    return [delta, stored, whole]


def _round(ground: Ground, folder: Path, day0: Path, day1: Path) -> dict[str, float]:
    import polars as pl

    from entrepot.bulk import hashes, service
    from entrepot.bulk.delta import Before

    seconds: dict[str, float] = {}
    before, feed, source, next_ = _compare(day0, Before()), _feed(folder), _source(day0), _source(day1)
    seconds["whole"] = before[1]
    kept = hashes.keep(folder / "sets", "day0", before[0].known(ended=True))
    with Stopwatch() as watch:
        lines = hashes.known(folder / "sets", kept)
        assert lines is not None
        after = _compare(day1, Before(lines, before[0].rejects))[0]
        hashes.keep(folder / "sets", "day1", after.known(ended=True))
    seconds["delta"] = watch.seconds
    key = service.key_of(next_, feed)
    with Stopwatch() as watch:
        parts = [part.select("line") for part in next_.slices()]
        with Stopwatch() as hashing:
            hashed = [part.select(key.hashed(pl.col("line"))) for part in parts]
    del parts, hashed
    seconds["floor"], seconds["hash"] = watch.seconds, hashing.seconds
    with Stopwatch() as watch:
        pl.read_csv(day1, separator=";", infer_schema=False)
    seconds["parse"] = watch.seconds
    with ground.fresh() as url, hub_on(url) as hub:
        with Stopwatch() as watch:
            loaded = service.take_in(hub.ctx, source, feed)
        seconds["loaded"] = watch.seconds
        with Stopwatch() as watch:
            report = service.take_in(hub.ctx, next_, feed)
        seconds["stored"] = watch.seconds
        assert (loaded.read, loaded.inserted + loaded.rejected) == (ROWS, ROWS)
        assert (report.changed, report.rejected, report.ended) == (
            after.changed,
            after.rejected,
            ROWS // 1_000 - _rejected_first(before[0]),
        )
    seconds["loop"] = _loop(ground, day1) * ROWS / SAMPLE
    return seconds


def _rejected_first(before: "After") -> int:
    """Of the rows that went, those that never were an offer."""
    return len({one.row for _, one in before.rejects if one.row <= ROWS // 1_000 + 1})


class _Counts:
    def __init__(self) -> None:
        self.taken = 0

    def take(self, offers: Any) -> None:
        self.taken += offers.height

    def drop(self, rows: Sequence[int]) -> None:
        self.taken -= len(rows)


def _compare(path: Path, before: Any) -> "tuple[After, float]":
    from entrepot.bulk import service
    from entrepot.bulk.delta import compare
    from entrepot.bulk.plan import Checker

    source, feed = _source(path), _feed(path.parent)
    checker = Checker(source.layout, feed.mapping, feed.book)
    with Stopwatch() as watch:
        after = compare(source, checker, service.key_of(source, feed), before, _Counts())
    return after, watch.seconds


def _source(path: Path) -> "Source":
    from entrepot.bulk.reading import open_source

    return open_source(path)


def _feed(folder: Path) -> "Feed":
    from entrepot.bulk.mapping import by_names
    from entrepot.bulk.rules import offer_rules
    from entrepot.bulk.service import Feed

    book = offer_rules(
        "EUR", limits={"TOYS": (500, 100_000), "*": (100, 500_000)}, categories=offer_material.CATEGORIES
    )
    return Feed(ACCOUNT, SELLER, by_names(offer_material.HEADER.split(";")), book, folder, complete=True)


def _checked(folder: Path) -> None:
    """What is measured is right: both days' rejects at 10,000 rows, held against the plain rules row by row."""
    from entrepot.bulk.delta import Before
    from entrepot.bulk.reading import plain_records
    from entrepot.bulk.rules import broken, reject

    day0 = offer_material.lines(CHECKED_ROWS)
    before = Before()
    for rows in (day0, offer_material.next_day(day0)):
        path = offer_material.write(folder / "checked.csv", rows)
        source, feed = _source(path), _feed(folder)
        places = feed.mapping.places(source.layout.header)
        after = _compare(path, before)[0]
        expected = []
        for row, line in plain_records(source):
            record = feed.mapping.record(places, line.split(";"))
            expected += [reject(feed.book, rule, record, row) for rule in broken(feed.book, record)]
        assert [one for _, one in after.rejects] == expected and expected
        before = Before(after.known(ended=True), after.rejects)


def _loop(ground: Ground, path: Path) -> float:
    """What one writes first: csv, a pydantic model per row, one upsert per row by executemany. Seconds for the sample."""
    import csv
    from decimal import Decimal

    import psycopg
    from pydantic import BaseModel, Field, ValidationError

    class Offer(BaseModel):
        sku: str = Field(min_length=1, max_length=40)
        gtin: str = Field(pattern=r"^\d{8,14}$")
        title: str
        category: str
        condition: str
        price: Decimal = Field(gt=0, decimal_places=2)
        currency: str
        quantity: int = Field(ge=0)

    upsert = (
        "INSERT INTO offer VALUES (%(sku)s, %(gtin)s, %(title)s, %(category)s, %(condition)s, %(price)s, %(currency)s, %(quantity)s) ON CONFLICT (sku) "
        "DO UPDATE SET price = excluded.price, quantity = excluded.quantity, title = excluded.title"
    )
    with ground.fresh(migrated=False) as url, psycopg.connect(url) as conn:
        conn.execute(
            "CREATE TABLE offer (sku text PRIMARY KEY, gtin text, title text, category text, condition text, price numeric, "
            "currency text, quantity int)"
        )
        with Stopwatch() as watch, path.open(encoding="utf-8", newline="") as stream:
            good = []
            for n, row in enumerate(csv.DictReader(stream, delimiter=";")):
                if n == SAMPLE:
                    break
                try:
                    good.append(Offer.model_validate(row).model_dump())
                except ValidationError:
                    continue
            with conn.cursor() as cursor:
                cursor.executemany(upsert, good)
            conn.commit()
    return watch.seconds
