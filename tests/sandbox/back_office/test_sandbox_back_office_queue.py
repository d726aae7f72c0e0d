"""The company's queue: what changes is told by it instead of pushed, at least once, in no order, and sometimes not at all."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sandbox.back_office.office import SYSTEM, Office

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.faults import Fault


def sqs(office: Office, action: str, **asked: Any) -> Response:
    body = json.dumps({"QueueUrl": f"http://sqs.example{office.settings.queue_path}", **asked}).encode()
    headers = {"x-amz-target": f"AmazonSQS.{action}", "content-type": "application/x-amz-json-1.0"}
    answer = office.world.handle(SYSTEM, Request("POST", "/", headers=headers, body=body))
    assert isinstance(answer, Response)
    return answer


def receive(office: Office) -> list[Any]:
    """Everything that is to be had now."""
    found: list[Any] = []
    while more := sqs(office, "ReceiveMessage", MaxNumberOfMessages=10).json().get("Messages"):
        found += more
    return found


def test_a_count_is_an_event_in_the_queue_with_the_words_of_the_list_and_no_push() -> None:
    office = Office(queued=("stock",))
    office.portal.count("LAMP-1", 7)
    office.portal.price("LAMP-1", "*", 4_500)
    office.world.tick()
    [message] = receive(office)
    told = json.loads(message["Body"])
    assert told.pop("kind") == "stock"
    assert told in office.call("GET", "/stock").json()["stock"]
    assert [json.loads(request.body)["type"] for request in office.heard] == ["price"]
    assert office.system.books()["queue"] == {"sent": 1, "deleted": 0, "waiting": 1}


def test_what_was_handed_out_comes_again_by_the_machine_clock_unless_it_is_deleted() -> None:
    office = Office(queued=("stock",))
    office.portal.count("LAMP-1", 7)
    [first] = receive(office)
    assert receive(office) == []
    office.at += timedelta(seconds=30)
    [again] = receive(office)
    assert (again["MessageId"], again["Attributes"]["ApproximateReceiveCount"]) == (first["MessageId"], "2")
    entries = [{"Id": "0", "ReceiptHandle": again["ReceiptHandle"]}]
    assert sqs(office, "DeleteMessageBatch", Entries=entries).json()["Failed"] == []
    assert office.portal.queued() == 0


@pytest.mark.parametrize(
    ("kind", "at_once", "later"), [("lost", 0, 0), ("duplicate", 2, 2), ("out-of-order", 0, 1), ("dup-other-content", 2, 2)]
)  # fmt: skip
def test_planned_faults_of_events_happen_in_the_queue_too(kind: str, at_once: int, later: int) -> None:
    office = Office(queued=("stock",))
    office.world.faults.add(Fault(SYSTEM, "webhook:stock", 1, kind))
    office.portal.count("LAMP-1", 7)
    assert office.portal.queued() == at_once
    office.move(seconds=90)
    assert office.portal.queued() == later
    versions = {type(json.loads(one["Body"])["version"]) for one in receive(office)}
    assert (str in versions) is (kind == "dup-other-content")  # which nobody can read


def test_a_queue_with_keys_lets_nobody_in_who_does_not_sign() -> None:
    office = Office(queued=("stock",), queue_keys={"AKIA1": "secret"}, queue_doubled_chance=1.0)
    office.portal.enqueue("anything at all")
    office.portal.count("LAMP-1", 7)
    assert office.portal.queued() == 3
    assert sqs(office, "ReceiveMessage").status == 403
