"""The webhook door: `entrepot serve` as a real process, signed webhooks over HTTP on loopback, alone and beside a process that drains."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from statistics import median

import psycopg
from psycopg.rows import TupleRow

from bench.client import Answers, at_rate, flat_out
from bench.ground import Ground, hub_on
from bench.intake import drained, know_baskets, record_pages
from bench.machine import peak_mb
from bench.material import PAGE_SIZE, Material, material, page_of, render
from bench.processes import HOST, serving
from bench.table import Result, at_least, at_most
from bench.webhooks import body_of, signed

WEBHOOKS = 3_000  # flat out
PACED = 1_000
WARM_UP = 300
CONNECTIONS = 32
RATE_PER_S = 200
PER_S_MIN, P99_MAX_MS, OF_BARE_MIN = 1_000, 25, 0.5
BACKLOG = 20_000  # orders waiting to be decided meanwhile


@dataclass(frozen=True, slots=True)
class Round:
    seconds: float
    bare_seconds: float
    p50_ms: float
    p99_ms: float
    bare_p99_ms: float
    peak_mb: float


def run(ground: Ground, rounds: int) -> list[Result]:
    alone = [_round(ground, draining=False) for _ in range(rounds)]
    busy = [_round(ground, draining=True) for _ in range(rounds)]
    return [_result("webhook door", alone), _result("webhook door beside a drain", busy)]


def _result(job: str, rounds: Sequence[Round]) -> Result:
    seconds, p99 = median(r.seconds for r in rounds), median(r.p99_ms for r in rounds)
    of_bare = median(r.bare_seconds / r.seconds for r in rounds)
    return Result(
        job=job,
        rows=WEBHOOKS,
        seconds=round(seconds, 3),
        times_floor=round(1 / of_bare, 2),
        peak_mb=max(r.peak_mb for r in rounds),
        bars=(
            at_least("webhooks/s", WEBHOOKS / seconds, PER_S_MIN),
            at_most(f"p99 ms at {RATE_PER_S}/s", p99, P99_MAX_MS),
            at_least("share of the bare inserts' rate", of_bare, OF_BARE_MIN),
        ),
        notes={
            f"p50 ms at {RATE_PER_S}/s": round(median(r.p50_ms for r in rounds), 1),
            f"p99 ms of bare inserts at {RATE_PER_S}/s": round(median(r.bare_p99_ms for r in rounds), 1),
            "bare inserts/s": round(WEBHOOKS / median(r.bare_seconds for r in rounds)),
        },
    )


def _round(ground: Ground, *, draining: bool) -> Round:
    """Warm up, flat out, bare inserts, paced; on one database, beside a drain or not."""
    made = material(WARM_UP + WEBHOOKS + PACED + (BACKLOG if draining else 0), render())
    warm, flat, paced, backlog = _cut(made.orders)
    with ground.fresh() as url:
        if draining:
            _pile_up(url, made, backlog)
        with serving(url) as (port, pid):
            _send(url, port, warm, "warm")
            with drained(url) if draining else nullcontext():
                seconds = _send(url, port, flat, "flat").seconds
                bare = bare_inserts(url, [body_of(f"bare-{n}", order) for n, order in enumerate(flat)])
                calm = _send(url, port, paced, "paced", RATE_PER_S)
                calm_bare = _percentile(
                    bare_inserts_at_rate(url, [body_of(f"calm-{n}", order) for n, order in enumerate(paced)]), 99
                )
                if draining:
                    assert _waiting(url) > 0, "the drain ran out of work before the measurement was over"
            return Round(
                seconds, bare, calm.percentile(50) * 1000, calm.percentile(99) * 1000, calm_bare * 1000, peak_mb(pid)
            )


def _cut(orders: Sequence[bytes]) -> tuple[Sequence[bytes], ...]:
    ends = (0, WARM_UP, WARM_UP + WEBHOOKS, WARM_UP + WEBHOOKS + PACED, len(orders))
    return tuple(orders[ends[i] : ends[i + 1]] for i in range(4))


def _send(url: str, port: int, orders: Sequence[bytes], prefix: str, rate: float = 0.0) -> Answers:
    """Every webhook answered 200, and every one of them in the inbox."""
    requests = signed(HOST, port, orders, prefix)
    before = _webhooks(url)
    given = at_rate(HOST, port, requests, rate, CONNECTIONS) if rate else flat_out(HOST, port, requests, CONNECTIONS)
    assert given.statuses == {200: len(orders)}, given.statuses
    assert _webhooks(url) - before == len(orders)
    return given


def _pile_up(url: str, made: Material, orders: Sequence[bytes]) -> None:
    """All baskets are known, and these orders wait to be decided."""
    with hub_on(url) as hub:
        know_baskets(hub, made)
        record_pages(
            hub, [page_of(orders[at : at + PAGE_SIZE], len(orders)) for at in range(0, len(orders), PAGE_SIZE)]
        )


def _webhooks(url: str) -> int:
    return _count(url, "SELECT count(*) FROM envelope WHERE channel = 'webhook'")


def _waiting(url: str) -> int:
    return _count(url, "SELECT count(*) FROM message WHERE state = 'new'")


def _count(url: str, sql: str) -> int:
    with psycopg.connect(url) as conn:
        row = conn.execute(sql).fetchone()
    return int(row[0]) if row else 0


def bare_inserts(url: str, bodies: Sequence[bytes]) -> float:
    """The floor: the same bodies into one table, one commit each, as many at a time as there are callers."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("CREATE TABLE bare (id text PRIMARY KEY, body bytea NOT NULL)")
    return max(_inserted(url, "flat", bodies, 0.0))


def bare_inserts_at_rate(url: str, bodies: Sequence[bytes]) -> list[float]:
    """What the disk and the database alone make one wait at that pace. Units: seconds, from when its turn had come."""
    return _inserted(url, "calm", bodies, 1 / RATE_PER_S)


def _inserted(url: str, prefix: str, bodies: Sequence[bytes], every_s: float) -> list[float]:
    """Seconds from when each was due, one every so many, until it was committed."""
    rest, lock, waits = iter(enumerate(bodies)), threading.Lock(), list[float]()
    conns = [psycopg.connect(url, autocommit=True) for _ in range(CONNECTIONS)]
    begun = time.perf_counter()

    def work(conn: psycopg.Connection[TupleRow]) -> None:
        with conn:
            while True:
                with lock:
                    n, body = next(rest, (-1, b""))
                if n < 0:
                    return
                due = begun + n * every_s
                if every_s:
                    time.sleep(max(0.0, due - time.perf_counter()))
                conn.execute("INSERT INTO bare (id, body) VALUES (%s, %s)", (f"{prefix}-{n}", body))
                waits.append(time.perf_counter() - due)

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        for done in [threads.submit(work, conn) for conn in conns]:
            done.result()
    return waits


def _percentile(waits: Sequence[float], percent: int) -> float:
    ranked = sorted(waits)
    return ranked[min(len(ranked) - 1, len(ranked) * percent // 100)]
