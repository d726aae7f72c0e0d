"""Stock and prices by the company's own queue: at least once and in any order they change what they should once, and nothing leaves the queue before it is safe."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from cases.desk import DiesAt, Killed, Unfenced
from plan_text import changed_plan
from web.knocking import Unheard

from entrepot.app import Hub, addresses_of, build, connect_all
from entrepot.engine.drain import DrainEnd, End, run_drain
from entrepot.engine.inline_engine import InlineEngine
from entrepot.engine.leader import Leader
from entrepot.flows import events_queue
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx, Points
from entrepot.proof.house import HUB_URL, AtOnce
from entrepot.proof.world import InProcess, environment_of
from entrepot.sandbox.back_office import Article, BackOffice, Settings
from entrepot.sandbox.core import World
from entrepot.sandbox.faults import Fault, FaultPlan
from entrepot.trade.listing.model import ListingSeen
from entrepot.trade.listing.states import ListingState
from entrepot.trade.listing.store import ask_restock, keep_seen
from entrepot.trade.order import channel
from entrepot.trade.order.channel import Channel
from entrepot.trade.order.model import LineSeen, OrderSeen
from entrepot.trade.order.service import Applied
from entrepot.trade.order.states import LegState, LineState
from entrepot.trade.order.store import flush, load
from entrepot.trade.stock.store import reserve

SYSTEM, ACCOUNT, EBAY = "back_office", "backoffice/main", "ebay-de/main"
KEY_ID, SECRET_KEY = "AKIDEXAMPLE", "a-secret-of-the-queue"
GIVEN = {
    "STOCK_QUEUE_URL": "http://back_office.sandbox/123456789012/stock-events",
    "STOCK_QUEUE_REGION": "eu-central-1",
    "STOCK_QUEUE_KEY_ID": KEY_ID,
    "STOCK_QUEUE_SECRET_KEY": SECRET_KEY,
}
OF_THE_BACK_OFFICE = "      webhook_secret: env:ENTREPOT_BACKOFFICE_WEBHOOK_SECRET\n"
A_QUEUE = """      queue_url: env:STOCK_QUEUE_URL
      aws_region: env:STOCK_QUEUE_REGION
      aws_access_key_id: env:STOCK_QUEUE_KEY_ID
      aws_secret_access_key: env:STOCK_QUEUE_SECRET_KEY
"""
WITH_A_QUEUE = {"systems.yaml": [(OF_THE_BACK_OFFICE, OF_THE_BACK_OFFICE + A_QUEUE)]}
OF_PRICES = "price: {update: [erp], hold: [seller], override: [seller], correct: [erp], request: [seller, finance]}"
TO_THE_PIM = {"ownership.yaml": [(OF_PRICES, OF_PRICES.replace("[erp]", "[pim]"))]}
SHOWN_AGAIN_S = events_queue.GATHER_S + 60


@dataclass
class Company:
    """A back office that tells by its queue, and the hub's own lane that reads it; only what the leader finds due is drained."""

    hub: Hub
    clock: ManualClock
    world: World
    office: BackOffice
    engine: InlineEngine

    @property
    def ctx(self) -> Ctx:
        return self.hub.ctx

    def tells(self, *events: Mapping[str, Any] | str) -> None:
        """One message."""
        lines = (one if isinstance(one, str) else json.dumps(one) for one in events)
        self.office.portal.enqueue("\n".join(lines))

    def reads(self, points: Points | None = None) -> DrainEnd:
        """The queue, now: by the lane of its account, as the leader starts it. `points`: where the worker dies."""
        room = self.hub.room("")
        with self.ctx.db.transaction() as conn:
            conn.execute("UPDATE periodic SET next_at = %s WHERE name = %s", (self.ctx.clock.now(), events_queue.NAME))
            conn.execute("UPDATE lane SET not_before = NULL")
            Leader(replace(room, works={events_queue.PURPOSE: room.works[events_queue.PURPOSE]}), self.engine).look(
                conn
            )
        with self.ctx.db.transaction() as conn:
            job = self.engine.take(conn)
        assert job is not None and (job.account, job.purpose) == (ACCOUNT, events_queue.PURPOSE)
        self.ctx.points = points or Points()
        try:
            return run_drain(room, job)
        finally:
            self.engine.end(job)
            self.ctx.points = Points()

    def passes(self, **time: float) -> None:
        self.clock.advance(timedelta(**time).total_seconds())
        self.world.tick()

    def decides(self) -> None:
        lease = Unfenced()
        lease.account = ACCOUNT  # type: ignore[attr-defined]
        self.hub.inbox.drain(self.ctx, lease)  # type: ignore[arg-type]
        self.hub.listings.drain(self.ctx, lease)  # type: ignore[arg-type]

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        with self.ctx.db.transaction() as conn:
            return conn.execute(sql, values).fetchall()

    def pool(self) -> list[tuple[Any, ...]]:
        names = "sku, location, quantity, version"
        return [tuple(row.values()) for row in self.rows(f"SELECT {names} FROM stock_pool ORDER BY sku, location")]

    def cases(self) -> list[tuple[str, str]]:
        rows = self.rows("SELECT mode, flow FROM case_file WHERE resolved_at IS NULL ORDER BY number")
        return [(row["mode"], row["flow"]) for row in rows]

    def is_ordered(self, pieces: int) -> None:
        """Lamps, on eBay."""
        at = self.ctx.clock.now()
        line = LineSeen("1", "", "LAMP", "Lamp", "", pieces, 4_000, 0, 0, 0, 0, LineState.TO_SHIP, "PAID")
        seen = OrderSeen(
            "27-1", "27-1", "us", "", LegState.TO_SHIP, "PAID", "EUR", 4_000, (line,), at, at, None, None, None
        )
        with self.ctx.db.transaction() as conn:
            book = load(conn, EBAY, ["27-1"])
            applied = channel.apply_order(book, self.ctx, Channel(EBAY, "ebay_order_id"), seen, "msg_1")
            assert isinstance(applied, Applied) and flush(conn, self.ctx, book) == []
            held = {one.id: (applied.leg.id, one.sku, pieces) for one in applied.leg.lines.values()}
            ask_restock(conn, self.ctx, reserve(conn, held, at))

    @property
    def queued(self) -> int:
        return self.office.portal.queued()


Opened = Callable[..., Company]


@pytest.fixture
def company(ctx: Ctx, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Opened:
    given = environment_of("syndication", InProcess.URLS, HUB_URL, "/nowhere", "json://localhost")
    for name, value in {**given, **GIVEN}.items():
        monkeypatch.setenv(name, value)

    def opened(changes: Mapping[str, Any] = {}, **settings: Any) -> Company:
        world = World(clock.now, 1, None)
        chosen = Settings(name=SYSTEM, account=ACCOUNT, queue_keys={KEY_ID: SECRET_KEY}, queued=("stock", "price"), **settings)  # fmt: skip
        office = BackOffice(world, clock.machine, None, chosen)
        world.mount(SYSTEM, office)
        plan = changed_plan("syndication", tmp_path, {**WITH_A_QUEUE, **changes})
        ctx.http, ctx.plan_hash = InProcess(world), plan.hash
        hub = build(ctx, plan, connect_all(plan), notifier=Unheard(), senders=AtOnce())
        hub.prepare()
        return Company(hub, clock, world, office, InlineEngine())

    return opened


def stock(sku: str, version: int, quantity: int = 5, at: str = "2026-03-02T07:59:00Z") -> dict[str, Any]:
    return {"kind": "stock", "sku": sku, "location": "HAM", "quantity": quantity, "version": version, "at": at}


def price(sku: str, version: int, minor: int = 999) -> dict[str, Any]:
    return {"kind": "price", "sku": sku, "channel": "*", "price_minor": minor, "currency": "EUR", "version": version, "at": "2026-03-02T07:59:00Z"}  # fmt: skip


def test_what_the_company_counts_and_prices_is_shown_by_the_channel_less_what_is_ordered(company: Opened) -> None:
    house = company()
    with house.ctx.db.transaction() as conn:
        seen = ListingSeen("LAMP", ListingState.LIVE, "live", house.ctx.clock.now(), currency="EUR")
        keep_seen(conn, house.ctx, EBAY, [seen])
    house.office.portal.seed([Article("LAMP", "Brass lamp", 4_990, 60)])
    assert house.queued == 0
    house.office.portal.count("LAMP", 5)
    house.office.portal.price("LAMP", "*", 3_999)
    assert house.reads().end is End.EMPTIED
    house.decides()
    assert house.queued == 0
    shown = "SELECT wanted_price_minor, wanted_quantity FROM listing"
    buffer = house.hub.plan.account(EBAY).buffer
    assert house.rows(shown) == [{"wanted_price_minor": 3_999, "wanted_quantity": 5 - buffer}]
    house.is_ordered(pieces=2)
    house.office.portal.count("LAMP", 3)
    house.reads()
    house.decides()
    assert house.rows(shown) == [{"wanted_price_minor": 3_999, "wanted_quantity": 3 - 2 - buffer}]
    urgent = (
        "SELECT queue, payload ->> 'quantity' AS pieces FROM effect WHERE operation = 'ebay.set-stock' ORDER BY seq"
    )
    assert house.rows(urgent)[-1] == {"queue": "urgent", "pieces": "0"}


def test_twice_and_in_any_order_the_newest_word_stands(company: Opened) -> None:
    house = company()
    told = [stock(f"A{n % 7}", n, quantity=n) for n in range(1, 61)]
    for one in Random(3).sample(told * 2, 120):
        house.tells(one)
    house.reads()
    assert house.queued == 0
    newest = {f"A{n % 7}": n for n in range(1, 61)}
    assert house.pool() == [(sku, "HAM", n, n) for sku, n in sorted(newest.items())]
    for one in told:
        house.tells(one)
    house.rows("DELETE FROM restock_asked RETURNING id")
    house.reads()
    assert house.pool() == [(sku, "HAM", n, n) for sku, n in sorted(newest.items())]
    assert house.rows("SELECT * FROM restock_asked") == []  # nothing changed: no channel is asked to be looked at


@pytest.mark.parametrize("point", ["queue.received", "queue.before-commit", "queue.committed", "queue.deleted"])
def test_a_worker_that_is_killed_loses_nothing_and_does_nothing_twice(company: Opened, point: str) -> None:
    house = company()
    house.tells(stock("A", 2, quantity=7), price("A", 1), "no event")
    house.tells(stock("B", 1))
    with pytest.raises(Killed):
        house.reads(DiesAt(point))
    committed = point in ("queue.committed", "queue.deleted")
    kept = [("A", "HAM", 7, 2), ("B", "HAM", 5, 1)]
    assert house.pool() == (kept if committed else [])
    assert house.queued == (0 if point == "queue.deleted" else 2)
    house.rows("DELETE FROM restock_asked RETURNING id")
    house.passes(seconds=SHOWN_AGAIN_S)
    assert house.reads().end is End.EMPTIED
    assert (house.pool(), house.queued) == (kept, 0)
    assert [row["sku"] for row in house.rows("SELECT sku FROM restock_asked ORDER BY sku")] == ([] if committed else ["A", "B"])  # fmt: skip
    house.decides()
    assert house.cases() == [("malformed-message", "listing-offer")]
    assert len(house.rows("SELECT * FROM message")) == 1


def test_what_nobody_can_read_is_kept_once_is_a_case_and_leaves_the_queue(company: Opened) -> None:
    house = company()
    house.tells(stock("A", 1), stock("B", 1) | {"quantity": "many"}, price("A", 1))
    house.tells("[" + json.dumps(stock("C", 1)))
    house.tells("[" + json.dumps(stock("C", 1)))
    house.tells(json.dumps(stock("D", 1)) + " " * events_queue.BODY_MAX)
    house.reads()
    assert house.pool() == [("A", "HAM", 5, 1)] and house.queued == 0
    kept = house.rows("SELECT account, kind, flow, body, seen FROM message ORDER BY length(body)")
    assert {(row["account"], row["kind"], row["flow"]) for row in kept} == {(ACCOUNT, "malformed", "listing-offer")}
    assert [(bytes(row["body"])[:1], row["seen"]) for row in kept] == [(b"[", 2), (b"{", 1), (b"{", 1)]
    house.decides()
    assert house.cases() == [("malformed-message", "listing-offer")] * 3


def test_what_is_not_the_tellers_is_refused_and_owned_by_queue_as_well(company: Opened) -> None:
    """The ERP's old job still writes prices; by the plan they are the PIM's now."""
    house = company(TO_THE_PIM)
    house.tells(price("A", 1), stock("A", 1))
    house.reads()
    house.decides()
    assert house.pool() == [("A", "HAM", 5, 1)]
    assert house.rows("SELECT * FROM price_told_us") == []
    [refused] = house.rows("SELECT object_id, field, value, actor FROM refused_write")
    assert refused == {"object_id": "A", "field": "price", "value": 999, "actor": "erp@backoffice"}
    assert house.cases() == [("ownership-refused", "listing-offer")]
    assert house.queued == 0


def test_stock_is_as_old_as_its_event_however_late_it_is_read(company: Opened) -> None:
    house = company()
    house.tells(stock("A", 1, at="2026-03-02T05:00:00Z"))
    house.passes(hours=3)
    house.reads()
    [row] = house.rows("SELECT changed_at FROM stock_pool")
    assert row["changed_at"] == datetime.fromisoformat("2026-03-02T05:00:00Z")


def test_a_queue_that_is_down_or_does_not_let_us_in_is_a_case_until_it_does(company: Opened, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    house = company()
    house.tells(stock("A", 1))
    monkeypatch.setenv("STOCK_QUEUE_SECRET_KEY", "another")
    house.reads()
    assert house.cases() == [("credentials-refused", "listing-offer")]
    monkeypatch.setenv("STOCK_QUEUE_SECRET_KEY", SECRET_KEY)
    house.world.faults.add(Fault(SYSTEM, "sqs.ReceiveMessage", 0, "503", every=1))
    for _ in range(5):
        house.reads()
    assert house.cases() == [("credentials-refused", "listing-offer"), ("system-down", "listing-offer")]
    house.world.faults = FaultPlan()
    house.reads()
    assert (house.cases(), house.pool(), house.queued) == ([], [("A", "HAM", 5, 1)], 0)


def test_keys_that_may_read_and_not_delete_are_one_case_however_often_it_comes_again(company: Opened) -> None:
    house = company()
    house.tells(stock("A", 1))
    house.world.faults.add(Fault(SYSTEM, "sqs.DeleteMessageBatch", 0, "expired-token", every=1))
    for _ in range(3):
        house.reads()
        house.reads()  # nothing to be had: what was not deleted is hidden
        house.passes(seconds=SHOWN_AGAIN_S)
    assert house.rows("SELECT mode, object_id FROM case_file") == [
        {"mode": "credentials-refused", "object_id": "backoffice/main/events-queue/delete"}
    ]
    house.world.faults = FaultPlan()
    house.reads()
    assert (house.cases(), house.pool(), house.queued) == ([], [("A", "HAM", 5, 1)], 0)


def test_what_came_before_the_queue_fell_silent_is_kept_and_leaves_it(company: Opened) -> None:
    house = company()
    for n in range(12):
        house.tells(stock(f"A{n:02}", 1))
    house.world.faults.add(Fault(SYSTEM, "sqs.ReceiveMessage", 2, "503"))
    house.reads()
    assert (len(house.pool()), house.queued) == (10, 2)
    house.reads()
    assert (len(house.pool()), house.queued) == (12, 0)


def test_a_deletion_that_fails_is_tried_again_and_else_only_means_that_it_comes_again(company: Opened) -> None:
    house = company()
    house.tells(stock("A", 1))
    house.world.faults.add(Fault(SYSTEM, "sqs.DeleteMessageBatch", 1, "timeout-before"))
    house.reads()
    assert (house.pool(), house.queued) == ([("A", "HAM", 5, 1)], 1)
    assert [row["failures"] for row in house.rows("SELECT failures FROM periodic WHERE name = 'events-queue'")] == [1]
    house.passes(seconds=SHOWN_AGAIN_S)
    house.reads()
    assert house.queued == 0
    assert [row["failures"] for row in house.rows("SELECT failures FROM periodic WHERE name = 'events-queue'")] == [0]


def test_a_message_over_which_we_stumble_stops_no_other_and_stays_where_it_is(company: Opened, database_url: str) -> None:  # fmt: skip
    """A bug of ours: here a table that takes no article of this name."""
    house = company()
    with psycopg.connect(database_url) as owner:
        owner.execute("ALTER TABLE stock_pool ADD CONSTRAINT ours CHECK (sku <> 'CURSED')")
    for sku in ("A", "CURSED", "B", "C"):
        house.tells(stock(sku, 1))
    house.reads()
    assert [row[0] for row in house.pool()] == ["A", "B", "C"]
    assert house.queued == 1
    [row] = house.rows("SELECT failures, last_error FROM periodic WHERE name = 'events-queue'")
    assert (row["failures"], "1 messages could not be kept" in row["last_error"]) == (1, True)


def test_what_is_in_goes_first_and_the_rest_waits_in_the_queue(company: Opened) -> None:
    house = company({"systems.yaml": [*WITH_A_QUEUE["systems.yaml"], ("backoffice/main:\n    system: backoffice\n    currency: EUR\n    calendar: DE\n    backlog_max: 100000", "backoffice/main:\n    system: backoffice\n    currency: EUR\n    calendar: DE\n    backlog_max: 1")]})  # fmt: skip
    house.tells("nobody can read this")
    house.reads()
    house.tells(stock("A", 1))
    house.reads()
    assert (house.pool(), house.queued) == ([], 1)
    house.decides()
    house.reads()
    assert (house.pool(), house.queued) == ([("A", "HAM", 5, 1)], 0)


def test_the_host_of_a_queue_may_be_called_and_the_plan_says_how_often_it_is(company: Opened) -> None:
    """The protocol names the queue in the body: the address that is called is its host's."""
    sweeps = "sweeps: {parcels: 60m"
    house = company({"systems.yaml": [*WITH_A_QUEUE["systems.yaml"], (sweeps, "sweeps: {events: 30s, parcels: 60m")]})
    assert "http://back_office.sandbox" in addresses_of(house.hub.plan)
    assert house.rows("SELECT every_s FROM periodic WHERE name = 'events-queue'") == [{"every_s": 30.0}]


def test_the_queue_and_the_lists_do_not_wait_for_each_other(company: Opened) -> None:
    house = company()
    works, names = house.hub.works, "name = 'events-queue'"

    def due(purpose: str) -> set[str]:
        with house.ctx.db.transaction() as conn:
            now = {"now": house.ctx.clock.now(), "machine": house.ctx.clock.machine()}
            return {row["account"] for row in conn.execute(works[purpose].due_sql, now).fetchall()}

    house.rows(f"UPDATE periodic SET next_at = '2030-01-01' WHERE NOT {names} RETURNING name")
    assert (due("events"), due("sweep")) == ({ACCOUNT}, set())
    house.rows(
        f"UPDATE periodic SET next_at = CASE WHEN {names} THEN '2030-01-01' ELSE '2026-01-01' END::timestamptz RETURNING name"
    )
    assert ACCOUNT in due("sweep") and due("events") == set()


def test_a_plan_without_the_queue_forgets_it(company: Opened) -> None:
    row = "SELECT * FROM periodic WHERE name = 'events-queue'"
    assert len(company().rows(row)) == 1
    assert company({"systems.yaml": []}).rows(row) == []
