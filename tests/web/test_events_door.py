"""Stock and prices by the thousand, over HTTP: only whose word counts is heard, every line hears its fate, and yes means committed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from cases.desk import Unfenced
from starlette.testclient import TestClient
from web.knocking import Unheard, signed

from entrepot.app import Hub, build, connect_all
from entrepot.flows.owners import Owners
from entrepot.flows.tellers import Tellers
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import NotNow
from entrepot.proof.house import HUB_URL, AtOnce
from entrepot.proof.plans import plan_of
from entrepot.proof.world import InProcess, environment_of
from entrepot.site import doors_of
from entrepot.trade.listing.model import ListingSeen
from entrepot.trade.listing.states import ListingState
from entrepot.trade.listing.store import keep_seen
from entrepot.trade.stock.events import batch
from entrepot.web.doors import Doors, create_doors
from entrepot.web.events_door import EVENTS_TOGETHER, EventsTogether

BACK_OFFICE = "/api/v1/events/backoffice"
AT = "2026-03-02T07:59:00Z"


class Away:
    def transaction(self) -> Any:
        raise NotNow("the database does not answer")


@dataclass
class Gate:
    hub: Hub
    doors: Doors
    secret: str

    def tell(self, *events: Mapping[str, Any] | str, path: str = BACK_OFFICE, **headers: str) -> Any:
        body = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in events).encode()
        return self.post(path, body, self.signed(body) | headers)

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Any:
        with TestClient(create_doors(self.doors), base_url="http://hub.test") as client:
            return client.post(path, content=body, headers=dict(headers))

    def signed(self, body: bytes) -> dict[str, str]:
        return signed(self.hub, self.secret, body)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with self.hub.ctx.db.transaction() as conn:
            return conn.execute(sql).fetchall()


def stock(sku: str, version: int, quantity: int = 5) -> dict[str, Any]:
    return {"kind": "stock", "sku": sku, "location": "HAM", "quantity": quantity, "version": version, "at": AT}


def price(sku: str, version: int) -> dict[str, Any]:
    return {"kind": "price", "sku": sku, "channel": "*", "price_minor": 999, "currency": "EUR", "version": version, "at": AT}  # fmt: skip


@pytest.fixture
def gate(ctx: Ctx, monkeypatch: pytest.MonkeyPatch) -> Gate:
    given = environment_of("syndication", InProcess.URLS, HUB_URL, "/nowhere", "json://localhost")
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    plan = plan_of("syndication")
    hub = build(ctx, plan, connect_all(plan), notifier=Unheard(), senders=AtOnce())
    hub.prepare()
    return Gate(hub, doors_of(hub), given["ENTREPOT_BACKOFFICE_WEBHOOK_SECRET"])


def test_what_is_told_is_in_the_pool_before_it_is_answered(gate: Gate) -> None:
    answer = gate.tell(stock("A", 1), stock("A", 2, quantity=7), price("A", 1))
    assert (answer.status_code, answer.json()) == (
        200, {"applied": 2, "overtaken": 1, "stale": 0, "refused": 0, "refused_because": [], "malformed": 0, "problems": []}
    )  # fmt: skip
    assert gate.rows("SELECT sku, quantity, version FROM stock_pool") == [{"sku": "A", "quantity": 7, "version": 2}]
    assert gate.rows("SELECT sku, price_minor FROM price_told_us") == [{"sku": "A", "price_minor": 999}]
    assert gate.rows("SELECT sku FROM restock_asked") == [{"sku": "A"}]


def test_what_is_told_is_what_channels_are_to_show(gate: Gate) -> None:
    hub = gate.hub
    with hub.ctx.db.transaction() as conn:
        seen = ListingSeen("A", ListingState.LIVE, "live", hub.ctx.clock.now(), currency="EUR")
        keep_seen(conn, hub.ctx, "ebay-de/main", [seen])
    gate.tell(stock("A", 1, quantity=40), price("A", 1))
    hub.listings.drain(hub.ctx, Unfenced())  # type: ignore[arg-type]
    [wanted] = gate.rows("SELECT wanted_price_minor, wanted_quantity, stock_version FROM listing")
    buffer = hub.plan.account("ebay-de/main").buffer
    assert wanted == {"wanted_price_minor": 999, "wanted_quantity": 40 - buffer, "stock_version": 1}
    gate.tell(stock("A", 1, quantity=40))
    assert gate.rows("SELECT * FROM restock_asked") == []


def test_an_array_is_heard_as_well_as_lines(gate: Gate) -> None:
    assert gate.tell(json.dumps([stock("A", 1), price("A", 1)])).json()["applied"] == 2


def test_what_is_sent_again_is_stale_and_no_error(gate: Gate) -> None:
    gate.tell(stock("A", 2))
    again = gate.tell(stock("A", 2), stock("B", 1))
    assert (again.status_code, again.json()["applied"], again.json()["stale"]) == (200, 1, 1)


def test_a_malformed_line_is_told_with_its_reason_is_kept_and_stops_nobody(gate: Gate) -> None:
    answer = gate.tell(stock("A", 1), stock("B", 1) | {"quantity": "many"}, price("C", 1)).json()
    assert (answer["applied"], answer["malformed"]) == (2, 1)
    assert answer["problems"] == [{"line": 2, "reason": "Expected `int`, got `str` - at `$.quantity`"}]
    [kept] = gate.rows("SELECT account, kind, flow, body FROM message")
    assert (kept["account"], kept["kind"], kept["flow"]) == ("backoffice/main", "malformed", "listing-offer")
    assert b"many" in bytes(kept["body"])


def test_an_array_that_cannot_be_read_is_refused_as_a_whole(gate: Gate) -> None:
    answer = gate.tell("[" + json.dumps(stock("A", 1)))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/malformed-request")
    assert gate.rows("SELECT * FROM stock_pool") == []


def test_a_forged_request_changes_nothing(gate: Gate) -> None:
    answer = gate.tell(stock("A", 1), **{"webhook-signature": "v1,Zm9yZ2Vk"})
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/signature-refused")
    assert gate.rows("SELECT * FROM stock_pool") == []


@pytest.mark.parametrize("system", ["walmart", "channelengine", "nobody"])
def test_a_channel_only_shows_stock_and_has_no_word_on_it(gate: Gate, system: str) -> None:
    answer = gate.tell(stock("A", 1), path=f"/api/v1/events/{system}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-system")


def test_nobody_hears_yes_while_the_database_is_away(gate: Gate) -> None:
    gate.doors = replace(gate.doors, ctx=replace(gate.doors.ctx, db=Away()))
    answer = gate.tell(stock("A", 1))
    assert answer.status_code == 503 and answer.headers["retry-after"] == "5"
    assert gate.rows("SELECT * FROM stock_pool") == []


def test_one_commit_takes_ten_thousand_events_and_never_less_than_one_request(ctx: Ctx) -> None:
    together = EventsTogether(ctx, Tellers(Owners(plan_of("syndication"))))
    half = replace(batch([]), events=EVENTS_TOGETHER // 2)
    assert together.first([half, half, half]) == 2
    assert together.first([replace(half, events=3 * EVENTS_TOGETHER), half]) == 1
