"""The doors machines knock at: strangers are turned away, what is let in is kept before it is answered, and nobody hears yes without a commit."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest
from cases.desk import Unfenced
from starlette.testclient import TestClient
from web.knocking import Unheard, signed

from entrepot.app import Hub, build, connect_all
from entrepot.blueprint.load import load
from entrepot.blueprint.model import Plan
from entrepot.flows.checkout_check import CheckoutBody
from entrepot.inbox.model import Message, Verdict
from entrepot.inbox.service import Inbox
from entrepot.inbox.store import NEVER_KEPT
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.proof.house import AtOnce
from entrepot.proof.world import InProcess, environment
from entrepot.site import doors_of
from entrepot.store.db import DatabaseAway
from entrepot.store.locks import lock_roots
from entrepot.web.doors import BODY_MAX, Doors, create_doors, receive_webhook
from entrepot.web.webhook_door import WebhookDoor

MIRAKL = "mirakl-fr/operator"
HOOK = "/hooks/mirakl-fr"
ORDER = {"order_id": "C-1-A", "commercial_id": "C-1", "last_updated_date": "2026-03-02T07:59:00Z"}
BASKET: dict[str, Any] = {
    "account": "mirakl-fr",
    "commercial_id": "C-1",
    "currency": "EUR",
    "customer": {"customer_id": "c-1"},
    "authorisation": {"id": "aut-1", "amount_minor": 2500},
    "lines": [
        {"offer_id": "1", "sku": "s-1", "shop_id": "7", "quantity": 2, "unit_price_minor": 1000, "shipping_minor": 500}
    ],
    "placed_at": "2026-03-02T07:58:00Z",
}
CHECK = {
    "account": "mirakl-fr",
    "currency": "EUR",
    "lines": [{"offer_id": "1", "quantity": 2, "unit_price_minor": 1000}],
}


class Away:
    """A database that does not answer."""

    def transaction(self) -> AbstractContextManager[Conn]:
        raise DatabaseAway("the database does not answer: connection refused")


@dataclass
class Lane(Unfenced):
    account: str


@dataclass
class Gate:
    """A hub behind its doors, and whoever knocks."""

    hub: Hub
    doors: Doors

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Any:
        with TestClient(WebhookDoor(create_doors(self.doors), self.doors), base_url="http://hub.test") as client:
            return client.post(path, content=body, headers=dict(headers))

    def hook(self, body: bytes = b"", path: str = HOOK, **more: str) -> Any:
        body = body or event()
        return self.post(path, body, self.signed(body) | more)

    def signed(self, body: bytes) -> dict[str, str]:
        return signed(self.hub, environment(InProcess.URLS, "", "")["ENTREPOT_MIRAKL_WEBHOOK_SECRET"], body)

    def basket(self, content: bytes | Mapping[str, Any], **headers: str) -> Any:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        given = {"authorization": "Bearer storefront-key", "idempotency-key": "C-1"} | headers
        return self.post("/api/v1/baskets", body, {name: value for name, value in given.items() if value})

    def drain(self, account: str) -> int:
        return self.hub.inbox.drain(self.hub.ctx, Lane(account))

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        with self.hub.ctx.db.transaction() as conn:
            return conn.execute(sql, values).fetchall()

    def count(self, table: str) -> int:
        return int(self.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"])


def event(**other: Any) -> bytes:
    return json.dumps({"id": "evt_1", "type": "order.updated", "data": ORDER | other}).encode()


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load()


@pytest.fixture
def gate(ctx: Ctx, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> Gate:
    for name, value in environment(InProcess.URLS, "/nowhere", "json://localhost").items():
        monkeypatch.setenv(name, value)
    hub = build(ctx, plan, connect_all(plan), notifier=Unheard(), senders=AtOnce())
    hub.prepare()
    return Gate(hub, doors_of(hub))


# ── webhooks ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_signed_webhook_is_kept_whole_before_it_is_answered(gate: Gate) -> None:
    answer = gate.hook()
    [envelope] = gate.rows("SELECT id, body, sealed FROM envelope")
    assert (answer.status_code, answer.json()) == (200, {"envelope": envelope["id"]})
    assert (bytes(envelope["body"]), envelope["sealed"]) == (event(), True)


def test_whoever_decides_splits_the_record_off_what_the_door_kept(gate: Gate) -> None:
    kept = gate.hook().json()["envelope"]
    gate.drain(MIRAKL)
    [message] = gate.rows("SELECT kind, external_id, envelope_id FROM message")
    assert message == {"kind": "order", "external_id": "C-1-A", "envelope_id": kept}
    assert gate.rows("SELECT sealed FROM envelope") == [{"sealed": False}]


def test_what_came_from_a_system_the_plan_has_dropped_meanwhile_is_a_case_and_opens_once_it_is_back(gate: Gate) -> None:
    gate.hook()
    gone = {account: one for account, one in gate.hub.parts.connectors.items() if account != MIRAKL}
    Gate(build(gate.hub.ctx, gate.hub.plan, gone, senders=AtOnce()), gate.doors).drain(MIRAKL)
    [case] = gate.rows("SELECT mode, owner, cause_text FROM case_file")
    assert case["mode"] == "poison-message" and case["owner"] and MIRAKL in case["cause_text"]
    gate.rows("UPDATE message SET state = 'new' RETURNING id")
    gate.drain(MIRAKL)
    assert [row["kind"] for row in gate.rows("SELECT kind FROM message ORDER BY seq")] == ["unopened", "order"]


def test_a_webhook_sent_twice_is_kept_twice_and_is_one_message(gate: Gate) -> None:
    first, again = gate.hook(), gate.hook()
    assert again.json() != first.json()
    gate.drain(MIRAKL)
    assert gate.rows("SELECT seen FROM message") == [{"seen": 2}]


def test_no_secret_of_a_caller_is_kept_with_his_message(gate: Gate) -> None:
    gate.hook(authorization="Bearer x", cookie="session=x")
    [row] = gate.rows("SELECT headers FROM envelope")
    assert not {name.lower() for name in row["headers"]} & NEVER_KEPT
    assert row["headers"]["webhook-id"] == "evt_1"


@pytest.mark.parametrize(
    "forgery", [{"webhook-signature": "v1,Zm9yZ2Vk"}, {"webhook-signature": ""}, {"webhook-timestamp": "1"}]
)
def test_a_forged_webhook_is_turned_away_and_leaves_no_row(gate: Gate, forgery: dict[str, str]) -> None:
    answer = gate.post(HOOK, event(), gate.signed(event()) | forgery)
    assert_problem(answer, 401, "signature-refused")
    assert (gate.count("envelope"), gate.count("message")) == (0, 0)


def test_another_body_under_a_good_signature_is_turned_away(gate: Gate) -> None:
    assert_problem(gate.post(HOOK, event(order_id="C-2-A"), gate.signed(event())), 401, "signature-refused")
    assert gate.count("envelope") == 0


def test_a_system_nobody_knows_is_told_so(gate: Gate) -> None:
    assert_problem(gate.hook(path="/hooks/some-other-shop"), 404, "unknown-system")
    assert gate.count("envelope") == 0


@pytest.mark.parametrize("path", [HOOK, "/api/v1/baskets", "/api/v1/checkout/check"])
def test_a_body_too_large_is_refused_at_every_door(gate: Gate, path: str) -> None:
    body = b" " * (BODY_MAX + 1)
    headers = gate.signed(b"") | {"authorization": "Bearer storefront-key", "idempotency-key": "C-1"}
    assert_problem(gate.post(path, body, headers), 413, "body-too-large")
    assert gate.count("envelope") == 0


def test_a_body_of_the_largest_size_is_read(gate: Gate) -> None:
    body = event()
    body += b" " * (BODY_MAX - len(body))
    assert gate.hook(body).status_code == 200
    assert gate.rows("SELECT length(body) AS n FROM envelope") == [{"n": BODY_MAX}]


@pytest.mark.parametrize(
    "body", [b"{}", b"<html>login", b'{"id": "1", "type": "order.vanished", "data": {}}'], ids=["empty", "page", "word"]
)
def test_a_signed_webhook_nobody_understands_is_kept_and_becomes_a_case(gate: Gate, body: bytes) -> None:
    assert gate.hook(body).status_code == 200
    gate.drain(MIRAKL)
    assert gate.rows("SELECT body, state FROM message") == [{"body": body, "state": "parked"}]
    [case] = gate.rows("SELECT mode, owner FROM case_file")
    assert case["mode"] == "malformed-message" and case["owner"]


def test_a_webhook_whose_order_id_cannot_be_written_down_is_kept_and_becomes_a_case(gate: Gate) -> None:
    assert gate.hook(event(order_id="C-1-\0")).status_code == 200
    gate.drain(MIRAKL)
    assert gate.rows("SELECT mode FROM case_file") == [{"mode": "malformed-message"}]


def test_while_too_much_is_waiting_webhooks_are_turned_away_and_come_again(gate: Gate) -> None:
    full = Gate(gate.hub, replace(gate.doors, backlog_full=lambda account: account == MIRAKL))
    assert_problem(full.hook(), 503, "backlog-full")
    said = receive_webhook(full.doors, "mirakl-fr", gate.signed(event()), event())
    assert (said.status_code, gate.count("envelope")) == (503, 0)
    assert gate.hook().status_code == 200


def test_the_backlog_is_full_when_as_many_wait_as_the_plan_allows(gate: Gate) -> None:
    account = gate.hub.plan.account(MIRAKL).model_copy(update={"backlog_max": 2})
    plan = gate.hub.plan.model_copy(update={"accounts": {**gate.hub.plan.accounts, MIRAKL: account}})
    hub = replace(gate.hub, plan=plan)
    full = []
    for n in range(2):
        full.append(hub.backlog_full(MIRAKL))
        gate.hook(event(order_id=f"C-{n}-A"))
    assert [*full, hub.backlog_full(MIRAKL)] == [False, False, True]


# ── the database is away ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def dark(gate: Gate) -> Gate:
    """The same doors while the database is away."""
    hub = build(replace(gate.hub.ctx, db=Away()), gate.hub.plan, gate.hub.parts.connectors, senders=AtOnce())
    return Gate(hub, doors_of(hub))


def test_a_webhook_is_never_accepted_while_the_database_is_away(gate: Gate, dark: Gate) -> None:
    assert_come_again(dark.hook())
    assert gate.hook().status_code == 200  # the same event, when it is back


def test_a_webhook_is_not_accepted_when_the_database_goes_away_under_it(dark: Gate) -> None:
    """The backlog was asked about just before."""
    assert_come_again(Gate(dark.hub, replace(dark.doors, backlog_full=lambda account: False)).hook())


def test_a_basket_is_never_accepted_while_the_database_is_away(gate: Gate, dark: Gate) -> None:
    assert_come_again(dark.basket(BASKET))
    assert_come_again(dark.basket(b"{"))  # what cannot be read must be kept as well
    assert gate.count("message") == 0


def test_a_checkout_hears_that_nobody_can_say_while_the_database_is_away(dark: Gate) -> None:
    headers = {"authorization": "Bearer storefront-key"}
    assert_come_again(dark.post("/api/v1/checkout/check", json.dumps(CHECK).encode(), headers))


def test_without_its_database_the_hub_lives_and_is_not_ready(dark: Gate) -> None:
    with TestClient(WebhookDoor(create_doors(dark.doors), dark.doors)) as client:
        assert client.get("/livez").status_code == 200
        assert_come_again(client.get("/readyz"))


# ── the storefront ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_basket_is_recorded_and_promised_before_it_is_answered(gate: Gate) -> None:
    answer = gate.basket(BASKET)
    assert (answer.status_code, answer.json()) == (202, {"commercial_id": "C-1", "state": "being-created"})
    assert gate.rows("SELECT commercial_id, ordered_minor, authorised_minor FROM basket") == [
        {"commercial_id": "C-1", "ordered_minor": 2500, "authorised_minor": 2500}
    ]
    assert gate.rows("SELECT key, queue FROM effect") == [{"key": "create:C-1", "queue": "urgent"}]


def test_the_same_basket_again_hears_the_same_answer_and_is_bought_once(gate: Gate) -> None:
    first, again = gate.basket(BASKET), gate.basket(BASKET)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert (gate.count("basket"), gate.count("message"), gate.count("effect")) == (1, 1, 1)
    assert gate.rows("SELECT seen FROM message") == [{"seen": 2}]


@pytest.mark.parametrize(
    "other",
    [
        {"lines": [BASKET["lines"][0] | {"quantity": 1}]},
        {"authorisation": {"id": "aut-2", "amount_minor": 2500}},
    ],
    ids=["value", "authorisation"],
)
def test_the_same_basket_id_with_other_content_is_refused_and_becomes_a_case(gate: Gate, other: Any) -> None:
    gate.basket(BASKET)
    answer = gate.basket(BASKET | other)
    assert (answer.status_code, answer.json()["state"]) == (409, "parked")
    [case] = gate.rows("SELECT mode, owner, object_id FROM case_file")
    assert (case["mode"], case["object_id"]) == ("duplicate-other-content", "C-1") and case["owner"]
    assert gate.rows("SELECT ordered_minor, authorisation_id FROM basket") == [
        {"ordered_minor": 2500, "authorisation_id": "aut-1"}
    ]
    assert gate.basket(BASKET).status_code == 202  # the first one stands
    assert gate.basket(BASKET | other).status_code == 409


def test_a_basket_without_an_idempotency_key_is_sent_back(gate: Gate) -> None:
    assert_problem(gate.basket(BASKET, **{"idempotency-key": ""}), 400, "idempotency-key-missing")
    assert gate.count("message") == 0


@pytest.mark.parametrize("given", ["", "Bearer somebody", "Basic storefront-key", "storefront-key", "Bearer "])
def test_nobody_but_the_storefront_hands_over_baskets_or_asks_for_offers(gate: Gate, given: str) -> None:
    assert_problem(gate.basket(BASKET, authorization=given), 401, "unauthorised")
    headers = {"authorization": given} if given else {}
    assert_problem(gate.post("/api/v1/checkout/check", json.dumps(CHECK).encode(), headers), 401, "unauthorised")
    assert gate.count("message") == 0


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"<html>",
        b"\xff\x00",
        {},
        {**BASKET, "lines": []},
        {**BASKET, "placed_at": "yesterday"},
        {**BASKET, "commercial_id": "C-\0"},
        {**BASKET, "commercial_id": "C" * 5000},
    ],
    ids=["cut", "page", "bytes", "empty", "no lines", "no time", "nul in its id", "endless id"],
)
def test_a_basket_nobody_can_read_is_sent_back_kept_whole_and_becomes_a_case(gate: Gate, content: Any) -> None:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    assert_problem(gate.basket(body), 422, "malformed-request")
    [message] = gate.rows("SELECT kind, body, account FROM message")
    assert (message["kind"], bytes(message["body"])) == ("malformed", body)
    assert gate.drain(message["account"]) == 1
    [case] = gate.rows("SELECT mode, owner, flow FROM case_file")
    assert (case["mode"], case["flow"]) == ("malformed-message", "order-creation") and case["owner"]
    assert gate.count("basket") == 0


def test_the_same_unreadable_basket_again_is_one_message_and_one_case(gate: Gate) -> None:
    for _ in range(2):
        assert gate.basket(b"{").status_code == 422
        gate.drain(gate.doors.storefront_account)
    assert gate.rows("SELECT seen FROM message") == [{"seen": 2}]
    assert gate.count("case_file") == 1


def test_a_paid_basket_our_own_bug_stumbles_over_is_kept_and_becomes_a_case(gate: Gate) -> None:
    def broken(ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> Sequence[Verdict]:
        raise KeyError("shop_id")

    inbox = Inbox({**gate.hub.inbox.deciders, "basket": broken}, gate.hub.inbox.park)
    in_request = replace(gate.hub.in_request, inbox=inbox)
    buggy = Gate(replace(gate.hub, inbox=inbox, in_request=in_request), replace(gate.doors, storefront=in_request))
    answer = buggy.basket(BASKET)
    assert (answer.status_code, answer.json()["state"]) == (202, "being-created")
    assert buggy.drain(gate.doors.storefront_account) == 1
    assert gate.rows("SELECT mode FROM case_file") == [{"mode": "poison-message"}]


def test_a_basket_somebody_is_deciding_at_this_moment_is_asked_for_again(gate: Gate) -> None:
    with gate.hub.ctx.db.transaction() as other:
        lock_roots(other, ["basket:C-1"])
        assert_come_again(gate.basket(BASKET), "busy")
    assert gate.basket(BASKET).status_code == 202


def test_a_checkout_of_an_offer_nobody_knows_is_let_through_and_says_so(gate: Gate) -> None:
    headers = {"authorization": "Bearer storefront-key"}
    answer = gate.post("/api/v1/checkout/check", json.dumps(CHECK).encode(), headers)
    assert answer.json() == {
        "sellable": True,
        "lines": [{"offer_id": "1", "ok": True, "known": False, "reasons": []}],
    }


@pytest.mark.parametrize("body", [b"", b"{", b'{"account": "mirakl-fr", "currency": "EUR", "lines": []}'])
def test_a_checkout_nobody_can_read_is_sent_back(gate: Gate, body: bytes) -> None:
    headers = {"authorization": "Bearer storefront-key"}
    assert_problem(gate.post("/api/v1/checkout/check", body, headers), 422, "malformed-request")


def assert_problem(answer: Any, status: int, type_: str) -> None:
    """RFC 9457, with a stable type."""
    said = answer.json()
    assert (answer.status_code, said["status"], said["type"]) == (status, status, f"/problems/{type_}"), said
    assert answer.headers["content-type"] == "application/problem+json"
    assert said["title"] and said["detail"]


def assert_come_again(answer: Any, type_: str = "database-away") -> None:
    assert_problem(answer, 503, type_)
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("field", ["offer_id", "sku"])
def test_a_checkout_with_a_nul_in_a_name_is_told_so_and_harms_nothing(field: str) -> None:
    line = {"offer_id": "1", "sku": "S", "quantity": 1, "unit_price_minor": 100, field: "a\0b"}
    content = msgspec.json.encode({"account": "mirakl-fr", "currency": "EUR", "lines": [line]})
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.json.decode(content, type=CheckoutBody)
