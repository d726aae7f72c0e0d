"""Deciding a batch at once is only a faster way of deciding one message after the other: the tables say the same."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import msgspec
import pytest
from inbox.busy_day import START, Day, day

from entrepot.app import Hub, build, connect_all
from entrepot.blueprint.load import load
from entrepot.blueprint.model import Capture, Plan
from entrepot.connectors.mirakl.connector import MANIFEST
from entrepot.connectors.mirakl.records import Records
from entrepot.engine.lease import seize
from entrepot.flows.order_creation import arrival_of
from entrepot.inbox import service
from entrepot.inbox.model import Arrival
from entrepot.inbox.service import record
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.http import HttpAnswer, HttpRequest, NotReached
from entrepot.kernel.ids import Ids
from entrepot.proof.world import InProcess, environment
from entrepot.store import postgres
from entrepot.store.db import Db

ORDERS = 300  # records that are not each other again
ARRIVALS = 520
TEMPLATE = "entrepot_template"  # of the run's fixture
AN_ID = re.compile(r"\b(?:bsk|leg|lin|msg|eff|obl|case)_[0-9A-HJKMNP-TV-Z]{26}\b")

# What everything of ours is called by others: ids are ours alone and differ from run to run.
NAMES = """
    SELECT id, 'basket ' || commercial_id AS name FROM basket
    UNION ALL SELECT id, 'leg ' || order_id FROM leg
    UNION ALL SELECT id, 'line ' || order_line_id FROM line
    UNION ALL SELECT id, 'message ' || kind || ' ' || external_id || ' ' || digest FROM message
    UNION ALL SELECT id, 'effect ' || key FROM effect
    UNION ALL SELECT id, 'case ' || mode || ' of ' || object_id FROM case_file
"""
TABLES = {
    "message": "SELECT kind, external_id, digest, state, note, attempts, seen FROM message",
    "basket": "SELECT * FROM basket",
    "leg": "SELECT * FROM leg",
    "line": "SELECT * FROM line",
    "event": "SELECT row_number() OVER (PARTITION BY root ORDER BY seq) AS place, at, object, object_id, root, what, from_state, to_state,"
    " by, because, detail FROM event",
    "identifier": "SELECT * FROM identifier",
    "obligation": "SELECT kind, flow, account, object, object_id, root, owner, mode, state, starts_at, warn_at, escalate_at, due_at, next_at,"
    " money_minor, currency, warned_at, ended_at, cause FROM obligation",
    "effect": "SELECT key, account, operation, root, after_effect, flow, queue, payload, state, planned_at, due_at, window_until, message_id FROM effect",
    "case_file": "SELECT mode, kind, flow, state, owner, account, object, object_id, root, title, effect_text, cause_text, money_minor, currency,"
    " message_id, effect_id, details, count, opened_at, due_at, next_at, resolved_at, resolved_verb FROM case_file",
}


class NoNetwork:
    def send(self, request: HttpRequest) -> HttpAnswer:
        return NotReached(request.url)


@contextmanager
def hub_of(server: str, name: str, plan: Plan) -> Iterator[Hub]:
    """A hub on a database of its own; both start at the same moment."""
    db = Db(postgres.create_database(server, name, template=TEMPLATE), max_size=4, name="test")
    clock = ManualClock(START)
    ids = Ids(lambda: int(clock.machine().timestamp() * 1000), Random(name))
    hub = build(Ctx(db, clock, ids, NoNetwork(), "test-incarnation", plan.hash), plan, connect_all(plan))
    hub.prepare()
    try:
        yield hub
    finally:
        db.close()
        postgres.drop_database(server, name)


def receive(hub: Hub, told: Day) -> None:
    """All of the day arrives: baskets, then a page of orders, then one of debits."""
    records = Records(MANIFEST.flows, hub.parts.marketplace)
    arrivals = [arrival_of(hub.parts.storefront, body, {}) for _, body in told.baskets]
    for kind, bodies in (("order", told.orders), ("debit", told.debits)):
        raws = [msgspec.Raw(body) for body in bodies]
        arrivals.append(Arrival(hub.parts.marketplace, "page", kind, b"page", records.split(kind, raws)))
    for one in arrivals:
        assert isinstance(one, Arrival)
        record(hub.ctx, [one])


def decide(hub: Hub) -> int:
    handled = 0
    for account in (hub.parts.storefront, hub.parts.marketplace):
        handled += hub.inbox.drain(hub.ctx, seize(hub.ctx, account, "decide", "urgent", drain_s=600))
    return handled


def contents(hub: Hub) -> dict[str, list[str]]:
    """Every table with ids replaced by names, in an order of its own content."""
    with hub.ctx.db.transaction() as conn:
        names = {row["id"]: row["name"] for row in conn.execute(NAMES).fetchall()}
        return {table: _rows(conn, sql, names) for table, sql in TABLES.items()}


def _rows(conn: Conn, sql: str, names: dict[str, str]) -> list[str]:
    def named(value: Any) -> str:
        return AN_ID.sub(lambda found: names.get(found[0], "?"), str(value))

    return sorted(named({k: v for k, v in row.items() if k != "seq"}) for row in conn.execute(sql).fetchall())


@pytest.mark.parametrize("policy", [Capture.WHEN_ALL_DECIDED, Capture.PER_LEG])
def test_three_hundred_orders_decided_at_once_and_one_by_one_leave_the_same_tables(
    server: str, monkeypatch: pytest.MonkeyPatch, policy: Capture
) -> None:
    for name, value in environment(InProcess.URLS, "/nowhere", "json://localhost").items():
        monkeypatch.setenv(name, value)
    plan = with_capture(load(), policy)
    told = day(seed=len(policy), orders=ARRIVALS)
    with hub_of(server, "at_once", plan) as fast, hub_of(server, "one_by_one", plan) as slow:
        receive(fast, told)
        receive(slow, told)
        handled = decide(fast)
        monkeypatch.setattr(service, "BATCH", 1)
        assert decide(slow) == handled > ORDERS
        at_once, one_by_one = contents(fast), contents(slow)
    for table in TABLES:
        assert at_once[table] == one_by_one[table], table
    states = {row.split("'state': '")[1].split("'")[0] for row in at_once["message"]}
    assert states == {"new", "decided", "ignored", "parked"}  # the day was not an easy one
    assert all(at_once[table] for table in TABLES)


def with_capture(plan: Plan, policy: Capture) -> Plan:
    accounts = {
        name: one.model_copy(update={"capture": policy}) if one.capture is not Capture.NONE else one
        for name, one in plan.accounts.items()
    }
    return plan.model_copy(update={"accounts": accounts})
