"""A seller's offer file: compared with the last one, without and with the database, beside floors and what one would write instead.

Floor: the same lines, split from the same file and hashed with the same key, and nothing else. With the database the
floor is the same: what the database costs is ours to carry. One core: polars is given one thread, here and for the peers; what one process
does alone is told in seconds that it had a core, which others on the machine change little; what the database takes part in, by the clock.
The first load's floors: polars reading all columns; COPY of the same offers into an empty table with the same key and checks.
"""

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from bench import offer_material, offer_peers
from bench.ground import Ground, Stopwatch, hub_on
from bench.machine import cpu_s, forget_peak, peak_mb
from bench.table import Bar, Result, at_least, at_most

if TYPE_CHECKING:
    from entrepot.bulk.delta import After
    from entrepot.bulk.reading import Source
    from entrepot.bulk.service import Feed

ROWS, FEWER, MANY, CHECKED_ROWS, EVERY = 1_000_000, 100_000, 10_000_000, 10_000, 50
FLOOR_MAX, FLOOR_WITH_DATABASE_MAX, LOOP_MIN, PARSE_MAX, COPY_MAX = 5, 7, 60, 1.5, 1.25
PANDAS_MIN, GROWTH_MAX, MEMORY_GROWTH_MAX, PEAK_MAX_MB = 6, 11, 2, 1024
ACCOUNT, SELLER = "mirakl-fr/operator", "2001"


def run(ground: Ground, rounds: int) -> Sequence[Result]:
    _one_core()
    with tempfile.TemporaryDirectory() as folder:
        _checked(Path(folder))
        paths = apart(offer_material.two_days, Path(folder), ROWS)
        measured = [_round(ground, Path(folder), *paths) for _ in range(rounds)]
        peers = _peers(ground, *paths)
        sizes = {rows: apart(sized, rows) for rows in (FEWER, ROWS)}
    found = {name: median(one[name] for one in measured) for name in measured[0]}
    floor, delta, stored = found["floor"], found["delta"], found["stored"]
    peak = sizes[ROWS]["peak"]
    loop = peers["loop"] * EVERY
    return [
        Result(
            "offer file: 3 % changed", ROWS, round(delta, 3), round(delta / floor, 2), _times(peers.get("pandas"), delta), peak,
            (at_most("× floor (split, hashed)", delta / floor, FLOOR_MAX), *_pandas(peers, delta)),
            {"floor, seconds": floor, "of it hashing": found["hash"]},
        ),
        Result(
            "offer file: 3 % changed, in the database", ROWS, round(stored, 3), round(stored / found["floor by the clock"], 2), round(loop / stored, 1), found["peak"],
            (
                at_most("× floor (split, hashed)", stored / found["floor by the clock"], FLOOR_WITH_DATABASE_MAX),
                at_least(f"× pydantic + executemany into the full table (1 row in {EVERY}, scaled)", loop / stored, LOOP_MIN),
            ),
            {"seconds of a core, with the database's": found["stored core"], "× floor in seconds of a core": found["stored core"] / floor},
        ),
        Result(
            "offer file: first load", ROWS, round(found["whole"], 3), round(found["whole"] / found["parse"], 2), _times(peers.get("dataframely"), found["whole"]), peak,
            (
                at_most("× polars reading all columns", found["whole"] / found["parse"], PARSE_MAX),
                at_most("database, × COPY of the same offers", (found["loaded"] - found["whole by the clock"]) / found["copy"], COPY_MAX),
            ),
            {"in the database, seconds": found["loaded"], "COPY, seconds": found["copy"], "polars reading, seconds": found["parse"]},
        ),
        *_growth(sizes[FEWER], sizes[ROWS]),
    ]  # fmt: skip


def run_many(ground: Ground, rounds: int) -> Sequence[Result]:
    """Ten million rows: takes minutes and 2.5 GB of disk, so only when it is asked for by name."""
    _one_core()
    return _growth(apart(sized, ROWS), apart(sized, MANY))


def _one_core() -> None:
    os.environ["POLARS_MAX_THREADS"] = "1"  # before polars is loaded


def apart(job: Callable[..., Any], *arguments: Any) -> Any:
    """In a process of its own: its memory is not ours."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(job, *arguments).result()


def _times(peer: float | None, ours: float) -> float | None:
    return None if peer is None else round(peer / ours, 1)


def _pandas(peers: dict[str, float], delta: float) -> tuple[Bar, ...]:
    if "pandas" not in peers:
        return ()
    return (at_least("× a pandas script that reads and validates", peers["pandas"] / delta, PANDAS_MIN),)


def _growth(less: dict[str, float], more: dict[str, float]) -> list[Result]:
    """Ten times the rows, first load and comparison, without the database."""
    rows = int(more["rows"])
    return [
        Result(
            f"offer file: {name}, ten times the rows", rows, round(more[key], 3), None, None, more[f"{key} peak"],
            (
                at_most("× seconds of a core", more[f"{key} core"] / less[f"{key} core"], GROWTH_MAX),
                at_most("× memory", more[f"{key} peak"] / less[f"{key} peak"], MEMORY_GROWTH_MAX),
                at_most("peak MB", more[f"{key} peak"], PEAK_MAX_MB),
            ),
            {"seconds of a core": more[f"{key} core"], "a tenth, seconds of a core": less[f"{key} core"], "a tenth, peak MB": less[f"{key} peak"]},
        )
        for name, key in (("first load", "whole"), ("3 % changed", "delta"))
    ]  # fmt: skip


def sized(rows: int) -> dict[str, float]:
    """Seconds, seconds of a core, and most memory of both days, at a size."""
    with tempfile.TemporaryDirectory() as folder:
        day0, day1 = apart(offer_material.two_days, Path(folder), rows)
        left, watch = _whole(day0, Path(folder))
        found: dict[str, float] = {"rows": rows, "whole": watch.seconds, "whole core": watch.core_s, "whole peak": peak_mb()}  # fmt: skip
        forget_peak()
        _, watch = _delta(day1, Path(folder), *left)
        found |= {"delta": watch.seconds, "delta core": watch.core_s}
        return found | {"delta peak": peak_mb(), "peak": max(found["whole peak"], peak_mb())}


def _whole(day0: Path, folder: Path) -> tuple[tuple[Any, Any], Stopwatch]:
    """A first load, and what it leaves: the set of hashes on disk, and rejects."""
    from entrepot.bulk import hashes
    from entrepot.bulk.delta import Before

    with Stopwatch() as watch:
        after = _compare(day0, Before())
    return (hashes.keep(folder / "sets", "day0", after.known(ended=True)), after.rejects), watch


def _delta(day1: Path, folder: Path, kept: Any, rejects: Any) -> "tuple[After, Stopwatch]":
    from entrepot.bulk import hashes
    from entrepot.bulk.delta import Before

    with Stopwatch() as watch:
        lines = hashes.known(folder / "sets", kept)
        assert lines is not None
        after = _compare(day1, Before(lines, rejects))
        hashes.keep(folder / "sets", "day1", after.known(ended=True))
    return after, watch


def _round(ground: Ground, folder: Path, day0: Path, day1: Path) -> dict[str, float]:
    import polars as pl

    from entrepot.bulk import service

    seconds: dict[str, float] = {}
    feed, source, next_ = _feed(folder), _source(day0), _source(day1)
    with Stopwatch() as watch:
        pl.read_csv(day0, separator=";", infer_schema=False)
    seconds["parse"] = watch.core_s
    left, watch = _whole(day0, folder)
    seconds["whole"], seconds["whole by the clock"] = watch.core_s, watch.seconds
    after, watch = _delta(day1, folder, *left)
    seconds["delta"] = watch.core_s
    seconds |= _floor(next_, service.key_of(next_, feed))
    with ground.fresh() as url, hub_on(url) as hub:
        forget_peak()
        with Stopwatch() as watch:
            loaded = service.take_in(hub.ctx, source, feed)
        seconds["loaded"] = watch.seconds
        before = _backends_s(url)
        with Stopwatch() as watch:
            report = service.take_in(hub.ctx, next_, feed)
        seconds |= {"stored": watch.seconds, "stored core": watch.core_s + _backends_s(url) - before, "peak": peak_mb()}
        seconds["copy"] = _copied(url)
    assert (loaded.read, loaded.inserted + loaded.rejected) == (ROWS, ROWS)
    went = len(
        {one.row for _, one in left[1] if one.row <= ROWS // 1_000 + 1}
    )  # rejected on the first day: no offer ended
    assert (report.changed, report.rejected, report.ended) == (after.changed, after.rejected, ROWS // 1_000 - went)
    return seconds


def _floor(source: "Source", key: Any) -> dict[str, float]:
    import polars as pl

    with Stopwatch() as watch:
        parts = [part.select("line") for part in source.slices()]
        with Stopwatch() as hashing:
            for part in parts:
                part.select(key.hashed(pl.col("line")))
    return {"floor": watch.core_s, "floor by the clock": watch.seconds, "hash": hashing.core_s}


def _backends_s(url: str) -> float:
    """Seconds of a core that the database's processes had so far."""
    import psycopg

    with psycopg.connect(url) as conn:
        rows = conn.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").fetchall()  # fmt: skip
    return cpu_s(row[0] for row in rows)


def _copied(url: str) -> float:
    """COPY of all offers, committed, into a table that is as the offers' own."""
    import psycopg

    with psycopg.connect(url) as conn:
        conn.execute("CREATE TABLE twin (LIKE feed_offer INCLUDING ALL) WITH (fillfactor = 85)")
        with conn.cursor().copy("COPY (SELECT * FROM feed_offer ORDER BY source_row) TO STDOUT (FORMAT csv)") as copy:
            text = b"".join(copy)
        conn.commit()
        with Stopwatch() as watch:
            with conn.cursor().copy("COPY twin FROM STDIN (FORMAT csv)") as copy:
                for at in range(0, len(text), 2**20):
                    copy.write(text[at : at + 2**20])
            conn.commit()
    return watch.seconds


def _peers(ground: Ground, day0: Path, day1: Path) -> dict[str, float]:
    """Seconds of each that is installed; all reject the same rows. Of the loop: of its sample."""
    found: dict[str, float] = {}
    rejected: dict[str, int] = {}
    for name, peer in (("pandas", offer_peers.by_pandas), ("dataframely", offer_peers.by_dataframely)):
        if offer_peers.installed(name):
            found[name], rejected[name] = apart(peer, day1)
    found["loop"], _ = offer_peers.by_loop(ground, day0, day1, EVERY)
    assert len(set(rejected.values())) < 2, rejected
    return found


class _Counts:
    def __init__(self) -> None:
        self.taken = 0

    def take(self, offers: Any) -> None:
        self.taken += offers.height

    def drop(self, rows: Sequence[int]) -> None:
        self.taken -= len(rows)


def _compare(path: Path, before: Any) -> "After":
    from entrepot.bulk import service
    from entrepot.bulk.delta import compare
    from entrepot.bulk.plan import Checker

    source, feed = _source(path), _feed(path.parent)
    checker = Checker(source.layout, feed.mapping, feed.book)
    return compare(source, checker, service.key_of(source, feed), before, _Counts())


def _source(path: Path) -> "Source":
    from entrepot.bulk.reading import open_source

    return open_source(path)


def _feed(folder: Path) -> "Feed":
    from entrepot.bulk.mapping import by_names
    from entrepot.bulk.rules import offer_rules
    from entrepot.bulk.service import Feed

    limits = {name: (low * 100, high * 100) for name, (low, high) in offer_peers.LIMITS.items()}
    book = offer_rules("EUR", limits=limits, categories=offer_material.CATEGORIES)
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
        after = _compare(path, before)
        expected = []
        for row, line in plain_records(source):
            record = feed.mapping.record(places, line.split(";"))
            expected += [reject(feed.book, rule, record, row) for rule in broken(feed.book, record)]
        assert [one for _, one in after.rejects] == expected and expected
        before = Before(after.known(ended=True), after.rejects)
