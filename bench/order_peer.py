"""What one would write instead of the hub's intake: one job per order, each order in a transaction of its own, a statement per table.

Twice: carried by a job queue (the same Procrastinate the hub uses, a job per order), and as a bare loop without one.
Both do less than the hub: fewer tables, no ledger, no cases, amounts through floats.
"""

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector
from psycopg_pool import ConnectionPool

from bench.ground import Stopwatch

SCHEMA = """
CREATE TABLE peer_basket (commercial_id text PRIMARY KEY, currency text NOT NULL, authorisation_id text NOT NULL);
CREATE TABLE peer_order (order_id text PRIMARY KEY, commercial_id text NOT NULL REFERENCES peer_basket,
    seller_id text NOT NULL, state text NOT NULL, total_minor bigint NOT NULL, raw jsonb NOT NULL, updated_at timestamptz NOT NULL);
CREATE INDEX peer_order_basket ON peer_order (commercial_id);
CREATE TABLE peer_line (line_id text PRIMARY KEY, order_id text NOT NULL REFERENCES peer_order, sku text NOT NULL,
    quantity int NOT NULL, price_minor bigint NOT NULL, state text NOT NULL);
CREATE TABLE peer_deadline (order_id text PRIMARY KEY REFERENCES peer_order, due_at timestamptz NOT NULL, met_at timestamptz);
CREATE TABLE peer_event (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id text NOT NULL, what text NOT NULL,
    at timestamptz NOT NULL DEFAULT now());
CREATE TABLE peer_outbox (key text PRIMARY KEY, operation text NOT NULL, payload jsonb NOT NULL, state text NOT NULL DEFAULT 'planned');
"""
WORKERS = 2  # as many as there are cores
QUEUE = "orders"


def prepare(url: str, baskets: Sequence[tuple[str, bytes]]) -> None:
    """The baskets are known beforehand, as they are to the hub."""
    known = [(name, json.loads(body)) for name, body in baskets]
    with psycopg.connect(url) as conn, conn.cursor() as cursor:
        cursor.execute(SCHEMA)
        rows = [(name, body["currency"], body["authorisation"]["id"]) for name, body in known]
        cursor.executemany("INSERT INTO peer_basket VALUES (%s, %s, %s)", rows)


def by_jobs(url: str, orders: Sequence[bytes]) -> float:
    """Seconds a Procrastinate worker takes for a job per order; putting the jobs in is not counted."""
    with ConnectionPool(url, min_size=WORKERS, max_size=WORKERS, open=True) as pool:
        app = App(connector=PsycopgConnector(conninfo=url))

        @app.task(name="order", queue=QUEUE)
        def order(body: str) -> None:
            with pool.connection() as conn:
                keep(conn, body)

        async def work() -> float:
            async with app.open_async():
                await app.schema_manager.apply_schema_async()
                jobs: list[dict[str, Any]] = [{"body": body.decode()} for body in orders]
                await order.configure().batch_defer_async(*jobs)
                with Stopwatch() as watch:
                    await app.run_worker_async(
                        queues=[QUEUE],
                        concurrency=WORKERS,
                        wait=False,
                        delete_jobs="always",
                        install_signal_handlers=False,
                    )
                return watch.seconds

        return asyncio.run(work())


def by_loop(url: str, orders: Sequence[bytes]) -> float:
    """Seconds of `WORKERS` threads that take order after order."""
    rest, lock, errors = iter(orders), threading.Lock(), list[Exception]()

    def run() -> None:
        try:
            with psycopg.connect(url) as conn:
                while True:
                    with lock:
                        body = next(rest, None)
                    if body is None:
                        return
                    with conn.transaction():
                        keep(conn, body.decode())
        except Exception as error:  # noqa: BLE001 - raised below, by whoever started us
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(WORKERS)]
    with Stopwatch() as watch:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]
    return watch.seconds


def keep(conn: psycopg.Connection[Any], body: str) -> None:
    """One order: look, insert, insert, insert."""
    order = json.loads(body)
    order_id, basket_id = order["order_id"], order["commercial_id"]
    basket = conn.execute(
        "SELECT authorisation_id FROM peer_basket WHERE commercial_id = %s FOR UPDATE", (basket_id,)
    ).fetchone()
    known = conn.execute("SELECT state FROM peer_order WHERE order_id = %s", (order_id,)).fetchone()
    assert basket is not None and known is None
    total = _minor(order["total_price"])
    conn.execute(
        "INSERT INTO peer_order VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (order_id, basket_id, str(order["shop_id"]), order["order_state"], total, body, order["last_updated_date"]),
    )
    with conn.cursor() as cursor:
        cursor.executemany("INSERT INTO peer_line VALUES (%s, %s, %s, %s, %s, %s)", list(_lines(order)))
    conn.execute(
        "INSERT INTO peer_deadline VALUES (%s, %s::timestamptz + interval '12 hours', %s)",
        (order_id, order["created_date"], order["acceptance_decision_date"]),
    )
    conn.execute("INSERT INTO peer_event (order_id, what) VALUES (%s, 'order seen')", (order_id,))
    if order["order_state"] == "WAITING_DEBIT":
        payload = json.dumps({"authorisation_id": basket[0], "amount_minor": total, "reference": order_id})
        conn.execute(
            "INSERT INTO peer_outbox (key, operation, payload) VALUES (%s, 'capture', %s)",
            (f"capture:{order_id}", payload),
        )


def _lines(order: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    for line in order["order_lines"]:
        price, state = _minor(line["price"]), line["order_line_state"]
        yield line["order_line_id"], order["order_id"], line["offer_sku"], line["quantity"], price, state


def _minor(amount: float) -> int:
    return round(amount * 100)  # as it is usually done; the hub reads the digits
