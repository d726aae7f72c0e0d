"""Order intake: pages of Mirakl orders recorded and decided, with all that follows from them, against COPY and against a job per order.

As with the two workers of `entrepot up`: one records page after page, as a sweep does, while the other drains the lane `decide`.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import psycopg

from bench import order_peer
from bench.ground import Ground, Stopwatch, hub_on
from bench.intake import PAUSE_S, know_baskets, lane_of, recorder
from bench.machine import peak_mb
from bench.material import Material, material, render
from bench.table import Result, at_least, at_most
from entrepot.app import Hub

ORDERS = 4_000
PEER_ORDERS = 400
PER_S_MIN, FLOOR_TIMES_MAX, PEER_TIMES_MIN = 1_000, 8, 10

# What each order must have led to, or the job was not done.
FOLLOWED = """
    SELECT (SELECT count(*) FROM leg) AS legs, (SELECT count(*) FROM line) AS lines,
           (SELECT count(*) FROM obligation WHERE kind = 'acknowledge') AS obligations,
           (SELECT count(*) FROM event WHERE what = 'leg seen') AS events,
           (SELECT count(*) FROM identifier WHERE scheme = 'mirakl_order_id') AS identifiers,
           (SELECT count(*) FROM effect WHERE operation = 'gateway.capture') AS charges,
           (SELECT count(*) FROM message WHERE kind = 'order' AND state <> 'decided') AS open
"""


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds per order, each."""

    ours: float
    floor: float
    jobs: float
    loop: float


def run(ground: Ground, rounds: int) -> list[Result]:
    made = material(ORDERS, render())
    few = material(PEER_ORDERS, render())
    measured = [_round(ground, made, few) for _ in range(rounds)]
    ours = median(r.ours for r in measured)
    floor_times = median(r.ours / r.floor for r in measured)
    peer_times = median(r.jobs / r.ours for r in measured)
    result = Result(
        job="order intake",
        rows=len(made.orders),
        seconds=round(ours * len(made.orders), 3),
        times_floor=round(floor_times, 2),
        times_peer=round(peer_times, 2),
        peak_mb=peak_mb(),
        bars=(
            at_least("orders/s", 1 / ours, PER_S_MIN),
            at_most("× floor (COPY of the raw orders)", floor_times, FLOOR_TIMES_MAX),
            at_least("× one job per order", peer_times, PEER_TIMES_MIN),
        ),
        notes={
            "one job per order, orders/s": round(1 / median(r.jobs for r in measured)),
            "a bare loop without jobs, orders/s": round(1 / median(r.loop for r in measured)),
            "× that loop": round(median(r.loop / r.ours for r in measured), 2),
        },
    )
    return [result]


def _round(ground: Ground, made: Material, few: Material) -> Round:
    """All four one after the other, so that they share the machine's mood."""
    ours = intake(ground, made) / len(made.orders)
    floor = copied(ground, made.orders) / len(made.orders)
    with ground.fresh(migrated=False) as url:
        order_peer.prepare(url, few.baskets)
        jobs = order_peer.by_jobs(url, few.orders) / len(few.orders)
    with ground.fresh(migrated=False) as url:
        order_peer.prepare(url, few.baskets)
        loop = order_peer.by_loop(url, few.orders) / len(few.orders)
    return Round(ours, floor, jobs, loop)


def intake(ground: Ground, made: Material) -> float:
    """Seconds from the first page recorded to the last order decided."""
    with ground.fresh() as url, hub_on(url) as hub:
        know_baskets(hub, made)
        lease = lane_of(hub, hub.parts.marketplace)
        with recorder(url, made.pages) as start, Stopwatch() as watch:
            watch.again()  # the other process stands ready now
            recording = start()
            handled = 0
            while handled < len(made.orders):
                some = hub.inbox.drain(hub.ctx, lease)
                handled += some
                if not some:
                    assert not recording.exitcode, "the recording process failed"
                    time.sleep(PAUSE_S)
        _check(hub, made)
        return watch.seconds


def _check(hub: Hub, made: Material) -> None:
    with hub.ctx.db.transaction() as conn:
        row = conn.execute(FOLLOWED).fetchone()
    assert row is not None
    orders = len(made.orders)
    assert row["open"] == 0 and row["charges"] > 0 and row["lines"] >= orders, row
    assert all(row[name] == orders for name in ("legs", "obligations", "events", "identifiers")), row


def copied(ground: Ground, orders: Sequence[bytes]) -> float:
    """The floor: the raw orders into one table, one COPY."""
    with ground.fresh(migrated=False) as url, psycopg.connect(url) as conn:
        conn.execute("CREATE TABLE raw (id text PRIMARY KEY, body bytea NOT NULL)")
        conn.commit()
        with Stopwatch() as watch:
            with conn.cursor().copy("COPY raw (id, body) FROM STDIN") as copy:
                for n, order in enumerate(orders):
                    copy.write_row((f"{n}", order))
            conn.commit()
        return watch.seconds
