"""What contradicts itself or what we hold: kept whole, changes nothing, stops nobody, and is somebody's."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from entrepot.inbox.model import Arrival, Received
from entrepot.inbox.service import record
from entrepot.proof.house import House

ORDER = "C260309-00001-A"
ROOT = "basket:C260309-00001"


@pytest.fixture(scope="module")
def paid(open_day: Callable[..., House]) -> Iterator[House]:
    """A day on which the first order is charged and shipped."""
    house = open_day(orders=1)
    house.run_for(hours=9)
    yield house


def newest(house: House) -> dict[str, Any]:
    [row] = house.rows(
        "SELECT body FROM message WHERE external_id = %s AND kind = 'order' AND state = 'decided' ORDER BY revision DESC, seq DESC LIMIT 1",
        ORDER,
    )
    found: dict[str, Any] = json.loads(bytes(row["body"]))
    return found


def arrives(house: House, kind: str, external_id: str, content: Any, flow: str = "order-acceptance") -> dict[str, Any]:
    body = json.dumps(content).encode()
    revision = str(content.get("last_updated_date", ""))
    one = Received(kind, external_id, revision, body, 0, ROOT, flow)
    [kept] = record(house.hub.ctx, [Arrival("mirakl-fr/operator", "page", "/api/orders", body, (one,))])
    house.settle()
    return house.rows("SELECT * FROM message WHERE id = %s", kept.message_id)[0]


def leg(house: House) -> dict[str, Any]:
    return house.rows("SELECT * FROM leg WHERE order_id = %s", ORDER)[0]


def open_cases(house: House, mode: str) -> list[dict[str, Any]]:
    return house.rows("SELECT * FROM case_file WHERE mode = %s AND resolved_at IS NULL", mode)


def test_the_same_order_with_another_price_is_kept_beside_and_changes_nothing(paid: House) -> None:
    before = leg(paid)
    other = newest(paid)
    other["order_lines"][0]["price"] = other["order_lines"][0]["price"] + 5
    other["last_updated_date"] = "2026-03-09T20:00:00Z"
    message = arrives(paid, "order", ORDER, other)
    [case] = open_cases(paid, "duplicate-other-content")
    assert (message["state"], leg(paid)) == ("parked", before)
    assert case["owner"] == "on-call" and ORDER in case["cause_text"]


def test_older_news_is_ignored_without_a_case(paid: House) -> None:
    before = leg(paid)
    old = newest(paid)
    old["order_state"], old["last_updated_date"] = "WAITING_ACCEPTANCE", "2026-03-09T07:00:00Z"
    message = arrives(paid, "order", ORDER, old)
    assert (message["state"], leg(paid)) == ("ignored", before)
    assert open_cases(paid, "incompatible-status") == []


def test_a_status_that_runs_backwards_is_refused_and_owned(paid: House) -> None:
    before = leg(paid)
    back = newest(paid)
    back["order_state"], back["last_updated_date"] = "WAITING_ACCEPTANCE", "2026-03-09T21:00:00Z"
    message = arrives(paid, "order", ORDER, back)
    [case] = open_cases(paid, "incompatible-status")
    assert (message["state"], leg(paid)) == ("parked", before)
    assert case["owner"] == "commerce-architect"


def test_more_than_was_charged_is_never_given_back(paid: House) -> None:
    bought = leg(paid)
    shown = newest(paid)
    line = shown["order_lines"][0]
    too_much = (bought["debited_minor"] + 1) / 100
    line["refunds"] = [{"id": "9001", "amount": too_much, "shipping_amount": 0, "refund_state": "WAITING_REFUND_PAYMENT",
                        "created_date": "2026-03-09T22:00:00Z", "reason_code": "15", "quantity": 1}]  # fmt: skip
    shown["last_updated_date"] = "2026-03-09T22:00:00Z"
    arrives(paid, "order", ORDER, shown)
    asked = {
        "order_id": ORDER,
        "order_commercial_id": "C260309-00001",
        "order_line_id": line["order_line_id"],
        "currency_iso_code": "EUR",
        "refund": {"id": "9001", "amount": too_much, "reason_code": "15"},
    }
    message = arrives(paid, "refund", "9001", asked, "return-refund")
    [case] = open_cases(paid, "refund-above-leg")
    assert message["state"] == "parked" and case["owner"] == "finance-operations"
    assert paid.rows("SELECT 1 FROM effect WHERE key = 'refund:9001'") == []


def test_a_page_with_one_broken_record_delivers_its_neighbours(paid: House) -> None:
    good = newest(paid)
    text = json.dumps(good).replace("C260309-00001", "C260309-70001")
    bodies = [
        text.encode(),
        b'{"order_id": "C260309-80001-A", "commercial_id": 7, "order_lines": "none"}',
        text.replace("70001", "70002").encode(),
    ]
    ids = ["C260309-70001-A", "C260309-80001-A", "C260309-70002-A"]
    page = tuple(
        Received("order", id_, "", body, n, f"basket:{id_[:13]}", "order-acceptance")
        for n, (id_, body) in enumerate(zip(ids, bodies, strict=True))
    )
    record(paid.hub.ctx, [Arrival("mirakl-fr/operator", "page", "/api/orders", b"page", page)])
    paid.settle()
    states = {
        r["external_id"]: r["state"]
        for r in paid.rows("SELECT external_id, state FROM message WHERE external_id = ANY(%s)", ids)
    }
    assert states == {ids[0]: "decided", ids[1]: "parked", ids[2]: "decided"}
