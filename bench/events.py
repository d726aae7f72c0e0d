"""Price and stock events: a company's back office tells of them by the thousand, `entrepot serve` as a real process, over HTTP on loopback.

One article in twenty has nine of ten events, as on a day of promotions. Beside it the worst case, no article twice in a request (nothing to
coalesce), the floor of copying the events into a table as they are, and what one would write instead: a commit per event.
"""

import base64
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory

import psycopg
from psycopg.rows import TupleRow

from bench.client import Answers, flat_out, signed
from bench.ground import Ground, Stopwatch
from bench.machine import cpu_s, peak_mb
from bench.material import URLS
from bench.processes import HOST, serving
from bench.table import Result, at_least, at_most
from entrepot.proof.plans import write_plan
from entrepot.proof.world import environment_of

PATH = "/api/v1/events/backoffice"
SECRET = "ENTREPOT_BACKOFFICE_WEBHOOK_SECRET"
EVENTS, PER_REQUEST = 200_000, 5_000
LATER, LATEST = 1_000_000, 2_000_000  # versions of the second and of the third telling
ARTICLES, OFTEN, OFTEN_SHARE = 10_000, 500, 0.9  # those that sell often have this share of the events
PRICE_SHARE = 0.1
CONNECTIONS = 2
PEER_EVENTS, PEER_CONNECTIONS = 4_000, 4
PER_S_MIN, P99_MAX_MS, TIMES_PEER_MIN = 100_000, 250, 25
AT = "2026-03-09T07:00:00Z"
UPSERT = """INSERT INTO peer (kind, sku, place, value, version, at) VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (kind, sku, place) DO UPDATE SET value = excluded.value, version = excluded.version, at = excluded.at
     WHERE peer.version < excluded.version"""


@dataclass(frozen=True, slots=True)
class Event:
    kind: str
    sku: str
    value: int
    version: int

    @property
    def row(self) -> tuple[str | int, ...]:
        return (self.kind, self.sku, "main" if self.kind == "stock" else "*", self.value, self.version, AT)

    @property
    def line(self) -> bytes:
        what = (
            {"location": "main", "quantity": self.value}
            if self.kind == "stock"
            else {"channel": "*", "price_minor": self.value, "currency": "EUR"}
        )
        told = {"kind": self.kind, "sku": self.sku, **what, "version": self.version, "at": AT}
        return json.dumps(told, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Round:
    told: Answers
    spread_seconds: float
    spread_p99: float
    copied_seconds: float
    peer_seconds: float
    peak_mb: float
    web_cpu_s: float
    database_cpu_s: float


def run(ground: Ground, rounds: int) -> list[Result]:
    with company():
        done = [_round(ground, seed) for seed in range(rounds)]
    seconds, p99 = median(r.told.seconds for r in done), median(r.told.percentile(99) for r in done) * 1000
    peer_per_s = PEER_EVENTS / median(r.peer_seconds for r in done)
    times_peer = median(EVENTS / r.told.seconds / (PEER_EVENTS / r.peer_seconds) for r in done)
    spread = median(r.spread_seconds for r in done)
    mostly = Result(
        job="price/stock events",
        rows=EVENTS,
        seconds=round(seconds, 3),
        times_floor=round(median(r.told.seconds / r.copied_seconds for r in done), 2),
        times_peer=round(times_peer, 1),
        peak_mb=max(r.peak_mb for r in done),
        bars=(
            at_least("durable events/s", EVENTS / seconds, PER_S_MIN),
            at_most("p99 ms of a flush, from asked to answered", p99, P99_MAX_MS),
            at_least("× commit per event", times_peer, TIMES_PEER_MIN),
        ),
        notes={
            "p50 ms": round(median(r.told.percentile(50) for r in done) * 1000),
            f"commit per event, {PEER_CONNECTIONS} connections, events/s": round(peer_per_s),
            "µs of a core per event, web process": round(median(r.web_cpu_s for r in done) / EVENTS * 1e6, 1),
            "µs of a core per event, database": round(median(r.database_cpu_s for r in done) / EVENTS * 1e6, 1),
            "load when it ended": round(os.getloadavg()[0], 1),
        },
    )
    apart = Result(
        job="price/stock events, no article twice in a request",
        rows=EVENTS,
        seconds=round(spread, 3),
        times_peer=round(EVENTS / spread / peer_per_s, 1),
        notes={"p99 ms of a flush": round(median(r.spread_p99 for r in done) * 1000)},
    )
    return [mostly, apart]


@contextmanager
def company() -> Iterator[None]:
    """The environment of a company that sells, and its plan in files."""
    given = environment_of("syndication", URLS, "http://hub.bench", "/nowhere", "json://localhost")
    with TemporaryDirectory(prefix="entrepot-bench-") as folder:
        given["ENTREPOT_BLUEPRINT"] = str(write_plan("syndication", Path(folder)))
        before = {name: os.environ.get(name) for name in given}
        os.environ.update(given)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)


def _round(ground: Ground, seed: int) -> Round:
    often, apart = _often(Random(seed), EVENTS, LATER), _apart(EVENTS, LATEST)
    with ground.fresh() as url, serving(url) as (port, pid):
        _tell(port, _apart(2 * ARTICLES, 0))  # warm, and every article known
        database = _backends(url)
        web_cpu, database_cpu = cpu_s([pid]), cpu_s(database)
        told = _tell(port, often)
        web_cpu, database_cpu = cpu_s([pid]) - web_cpu, cpu_s(database) - database_cpu
        _check(url, often)
        spread = _tell(port, apart)
        _check(url, apart)
        peak = peak_mb(pid)
    with ground.fresh(migrated=False) as url:
        copied, peer = _copied(url, often), _commit_each(url, often[:PEER_EVENTS])
    return Round(told, spread.seconds, spread.percentile(99), copied, peer, peak, web_cpu, database_cpu)


def _often(random: Random, count: int, version: int) -> list[Event]:
    """Versions grow with time, whichever article it is."""
    made = []
    for n in range(count):
        article = random.randrange(OFTEN if random.random() < OFTEN_SHARE else ARTICLES)
        kind = "price" if random.random() < PRICE_SHARE else "stock"
        made.append(Event(kind, f"SKU-{article:06d}", random.randrange(1, 5_000), version + n))
    return made


def _apart(count: int, version: int) -> list[Event]:
    """Every article in its turn: first all stocks, then all prices."""
    kinds = ("stock", "price")
    return [
        Event(kinds[n // ARTICLES % 2], f"SKU-{n * 7919 % ARTICLES:06d}", 1 + n % 4_999, version + n)
        for n in range(count)
    ]


def _tell(port: int, events: Sequence[Event]) -> Answers:
    """Every request answered 200."""
    bodies = [
        b"\n".join(one.line for one in events[at : at + PER_REQUEST]) for at in range(0, len(events), PER_REQUEST)
    ]
    key = base64.b64decode(os.environ[SECRET].removeprefix("whsec_"))
    requests = [
        signed(HOST, port, PATH, "application/jsonl", key, f"events-{n}", body) for n, body in enumerate(bodies)
    ]
    given = flat_out(HOST, port, requests, CONNECTIONS)
    assert given.statuses == {200: len(requests)}, given.statuses
    return given


def _backends(url: str) -> list[int]:
    """The server's processes behind our connections to this database."""
    with psycopg.connect(url) as conn:
        rows = conn.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'entrepot-%' ORDER BY pid"
        ).fetchall()
    return [int(pid) for (pid,) in rows]


def _check(url: str, events: Sequence[Event]) -> None:
    """Of each article the last word is kept, as a plain loop finds it."""
    wanted = {(one.kind, one.sku): (one.value, one.version) for one in events}
    with psycopg.connect(url) as conn:
        kept = {
            (kind, sku): (value, version)
            for kind, sku, value, version in conn.execute(
                "SELECT 'stock', sku, quantity, version FROM stock_pool UNION ALL SELECT 'price', sku, price_minor, version FROM price_told_us"
            )
        }
    assert {key: kept.get(key) for key in wanted} == wanted


def _copied(url: str, events: Sequence[Event]) -> float:
    """The floor: every event into a table as it is, in transactions of as many as a request has."""
    with psycopg.connect(url) as conn:
        conn.execute(
            "CREATE TABLE copied (kind text, sku text, place text, value bigint, version bigint, at timestamptz)"
        )
        conn.commit()
        with Stopwatch() as watch:
            for at in range(0, len(events), PER_REQUEST):
                with conn.cursor().copy("COPY copied FROM STDIN") as copy:
                    for one in events[at : at + PER_REQUEST]:
                        copy.write_row(one.row)
                conn.commit()
    return watch.seconds


def _commit_each(url: str, events: Sequence[Event]) -> float:
    """What one would write instead: a guarded upsert and a commit per event, several connections at once."""

    def work(conn: psycopg.Connection[TupleRow], part: Sequence[Event]) -> None:
        with conn:
            for one in part:
                conn.execute(UPSERT, one.row)

    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("CREATE TABLE peer (kind text, sku text, place text, value bigint, version bigint, at timestamptz, PRIMARY KEY (kind, sku, place))")  # fmt: skip
    conns = [psycopg.connect(url, autocommit=True) for _ in range(PEER_CONNECTIONS)]
    with ThreadPoolExecutor(PEER_CONNECTIONS) as threads, Stopwatch() as watch:
        for done in [threads.submit(work, conn, events[n::PEER_CONNECTIONS]) for n, conn in enumerate(conns)]:
            done.result()
    return watch.seconds
