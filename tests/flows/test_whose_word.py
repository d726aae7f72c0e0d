"""Orders, shipments, sellers, money: a message changes what is its sender's by the plan, and nothing else."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cases.desk import Unfenced
from plan_text import changed_plan
from web.knocking import Unheard

from entrepot.app import Hub, build, connect_all
from entrepot.blueprint.model import Plan
from entrepot.cases.model import VerbDone, VerbRefused
from entrepot.cli.explain_pages import page
from entrepot.cli.output import Plain
from entrepot.connectors.facts import manifests
from entrepot.flows import case_desk
from entrepot.flows.guarded import Guarded
from entrepot.flows.parts import Parts
from entrepot.flows.record_writes import KINDS
from entrepot.flows.repair_rights import RepairRights
from entrepot.inbox.model import Arrival, Received
from entrepot.inbox.service import record
from entrepot.kernel.ctx import Ctx
from entrepot.ownership.explain import explained
from entrepot.ownership.refusing import given_now
from entrepot.proof.house import AtOnce
from entrepot.proof.plans import plan_of
from entrepot.proof.world import InProcess, Model, environment

MARKET = "mirakl-fr/operator"
SAMPLES = Path(__file__).parents[1] / "connectors" / "mirakl" / "samples"
TRACKING = "tracking: {update: [seller, oms], precedence: [seller, oms], correct: [seller, oms], request: [customer-care, operator]}"
OF_OUR_OMS = (TRACKING, "tracking: {update: [oms], correct: [oms], request: [customer-care, operator]}")
SELLER_STATE = "state: {update: [operator], hold: [operator], correct: [operator], request: [finance, customer-care]}"
LEG_STATE = "state: {update: [marketplace], correct: [marketplace], request: [operator, customer-care]}"


@dataclass
class House:
    ctx: Ctx
    hub: Hub

    def hears(self, kind: str, external_id: str, revision: str = "1", **changed: Any) -> None:
        """The sample of this kind, with some of its words changed."""
        body = json.dumps(json.loads((SAMPLES / f"{kind}.json").read_text("utf-8")) | changed).encode()
        received = Received(kind, external_id, revision, body, 0, "basket:C-100", manifests()["mirakl"].flows[kind])
        record(self.ctx, [Arrival(MARKET, "page", "test", body, (received,))])
        self.drains()

    def drains(self) -> None:
        lease = Unfenced()
        lease.account = MARKET  # type: ignore[attr-defined]
        self.hub.inbox.drain(self.ctx, lease)  # type: ignore[arg-type]

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with self.ctx.db.transaction() as conn:
            return conn.execute(sql).fetchall()

    def messages(self, kind: str) -> list[str]:
        return [row["state"] for row in self.rows(f"SELECT state FROM message WHERE kind = '{kind}' ORDER BY seq")]

    def refused(self) -> list[tuple[Any, ...]]:
        names = "object, object_id, field, value, actor, count"
        return [tuple(row.values()) for row in self.rows(f"SELECT {names} FROM refused_write ORDER BY field")]

    def cases(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM case_file WHERE mode = 'ownership-refused' AND resolved_at IS NULL")


Opened = Callable[..., House]


@pytest.fixture
def opened(ctx: Ctx, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Opened:
    for name, value in environment(InProcess.URLS, "/nowhere", "json://localhost").items():
        monkeypatch.setenv(name, value)

    def under(*changes: tuple[str, str]) -> House:
        plan: Plan = changed_plan("operator", tmp_path, {"ownership.yaml": changes})
        hub = build(ctx, plan, connect_all(plan), notifier=Unheard(), senders=AtOnce())
        hub.prepare()
        return House(ctx, hub)

    return under


@pytest.mark.parametrize("model", ["operator", "syndication", "both"])
def test_by_the_plans_that_ship_no_message_is_looked_at_twice(model: Model) -> None:
    """Every machine tells what is its own there: one answer per plan, and intake as fast as it was."""
    parts = Parts(plan_of(model), {})
    for account in parts.plan.accounts:
        known = manifests().get(parts.plan.system_of(account).connector)
        for kind in KINDS.keys() & {*(known.flows if known else ())}:
            assert Guarded(None, kind, KINDS[kind], parts)._his(account), (account, kind)  # type: ignore[arg-type]


def test_tracking_that_is_not_the_sellers_to_tell_stays_out_and_the_parcel_moves_all_the_same(
    opened: Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    house = opened(OF_OUR_OMS)
    house.hears("order", "C-100-A")
    house.hears("shipment", "sh-1")
    assert house.rows("SELECT carrier, tracking, state FROM shipment") == [
        {"carrier": "DHL", "tracking": "", "state": "handed-over"}
    ]
    assert house.refused() == [("shipment", "sh-1", "tracking", "JD014600", "seller@mirakl-fr", 1)]
    [case] = house.cases()
    assert (case["owner"], case["flow"]) == ("commerce-architect", "shipment")
    assert "seller@mirakl-fr may not update the tracking of a shipment; oms may" in case["cause_text"]
    with house.ctx.db.transaction() as conn:
        told = explained(conn, house.hub.parts.owners.rules, MARKET, "shipment", "sh-1", "tracking")
    assert told is not None and told.refused[0]["source"] == "shipment sh-1 of mirakl-fr"
    assert told.rule_words == "oms sets it; oms may correct it; customer-care or operator may ask for a correction"

    page(Plain(), told, house.ctx.clock.now(), "ownership.yaml:201:7")
    said = capsys.readouterr().out
    assert "tracking: as its record has it" in said and "Refused: JD014600 by seller@mirakl-fr" in said

    house.hears("shipment", "sh-1", "2", tracking=None)
    assert house.rows("SELECT ended_at IS NULL AS stands FROM refused_write") == [{"stands": False}]
    assert house.cases() == []


def test_a_state_that_is_not_theirs_is_kept_out_until_the_plan_gives_it_and_the_message_is_read_again(
    opened: Opened,
) -> None:
    house = opened((SELLER_STATE, SELLER_STATE.replace("update: [operator]", "update: [finance]")))
    house.hears("shop", "2001")
    assert house.messages("shop") == ["parked"] and house.rows("SELECT * FROM seller_seen") == []
    assert house.refused() == [("seller", "2001", "state", "TERMINATED", "operator@mirakl-fr", 1)]
    [case] = house.cases()
    ours = opened()
    with ours.ctx.db.transaction() as conn:
        assert given_now(conn, ours.ctx, ours.hub.parts.owners.rules) == 1
    assert isinstance(case_desk.retry(ours.ctx, ours.hub.plan, case["id"], "Mari", "the plan was wrong"), VerbDone)
    ours.drains()
    assert ours.messages("shop") == ["decided"]
    assert [row["their_state"] for row in ours.rows("SELECT their_state FROM seller_seen")] == ["TERMINATED"]


def test_an_order_moves_as_far_as_the_sender_may_move_it(opened: Opened) -> None:
    """By this plan our OMS says where an order is; that its seller has accepted it, the marketplace still tells."""
    house = opened((LEG_STATE, LEG_STATE.replace("update: [marketplace]", "update: [oms]")))
    at = "2026-11-0{}T08:00:00Z"
    for day, word in enumerate(("WAITING_ACCEPTANCE", "SHIPPING", "SHIPPED"), start=2):
        house.hears("order", "C-100-A", str(day), order_state=word, last_updated_date=at.format(day))
    assert house.messages("order") == ["decided", "decided", "parked"]
    assert house.rows("SELECT state FROM leg") == [{"state": "to-ship"}]
    assert house.refused() == [("leg", "C-100-A", "state", "shipped", "marketplace@mirakl-fr", 1)]
    assert house.rows("SELECT object, object_id FROM case_member WHERE mode = 'ownership-refused'") == [
        {"object": "leg", "object_id": "C-100-A"}
    ]


# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_person_repairs_what_his_team_may_correct_and_may_ask_for_the_rest() -> None:
    rights = RepairRights(plan_of("operator"))
    row = {"account": MARKET, "kind": "shipment"}
    before = json.loads((SAMPLES / "shipment.json").read_text("utf-8"))
    other = before | {"tracking": before["tracking"] | {"tracking_number": "JD999"}}
    refused = rights.of_message("order-desk", row, before, other)
    assert "order-desk: operator may not correct the tracking of a shipment; seller or oms may" in refused
    assert "ownership.shipment.fields.tracking[0]" in refused and "it may ask seller or oms" in refused
    assert (
        rights.of_message("order-desk", row, before, before | {"order_id": "C-100-B"}) == ""
    )  # which record it is about
    unread = before | {"status": "ON_THE_MOON"}
    assert rights.of_message("order-desk", row, unread, before) == ""  # a word nobody knew
    effect = {"account": "gateway/main", "operation": "gateway.refund"}
    payload = {"amount_minor": 900, "currency": "EUR", "marketplace": MARKET, "reference": "R-1"}
    more = payload | {"amount_minor": 1_900}
    assert rights.of_effect("finance-operations", effect, payload, more) == ""
    assert "finance may" in rights.of_effect("customer-care", effect, payload, more)
    assert rights.of_effect("customer-care", effect, payload, payload | {"reference": "R-2"}) == ""


def test_a_case_is_not_repaired_with_a_value_that_is_anothers(opened: Opened) -> None:
    """A parcel of an order nobody knows: who owns the case says which one is meant, and leaves its number to those who gave it."""
    house = opened()
    house.hears("order", "C-100-A")
    house.hears("shipment", "sh-1", order_id="C-100-X")
    with house.ctx.db.transaction() as conn:  # it has waited long enough
        conn.execute("UPDATE message SET attempts = 99, due_at = received_at WHERE kind = 'shipment'")
    house.drains()
    [case] = house.rows("SELECT * FROM case_file WHERE mode = 'record-unjoined'")
    ctx, plan = house.ctx, house.hub.plan
    joined = {"order_id": "C-100-A"}
    other = joined | {"tracking": {"tracking_number": "JD999"}}
    seen = case_desk.preview(ctx, plan, case["id"], "repair", other)
    assert not seen.allowed and "may not correct the tracking of a shipment; seller or oms may" in seen.words
    said = case_desk.repair(ctx, plan, case["id"], "Mari", "a typing error", other)
    assert isinstance(said, VerbRefused) and said.why == seen.words
    assert isinstance(case_desk.repair(ctx, plan, case["id"], "Mari", "a typing error", joined), VerbDone)
    house.drains()
    assert house.rows("SELECT tracking FROM shipment") == [{"tracking": "JD014600"}]
