"""The company's queue, as the connector reads it: the same client that reads Amazon's notifications, at the simulated back office's queue."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from connectors.backoffice.company import Company

from entrepot.connectors.port import EventQueue, Handed, Left, Letter, Problem, ProblemCode, Queue
from entrepot.connectors.registry import connect
from entrepot.kernel.errors import WrongSetting
from entrepot.sandbox.back_office import Settings
from entrepot.trade.stock.events import read

KEYS = {"AKIDEXAMPLE": "a-secret-of-the-queue"}
SECRETS = {
    "queue_url": f"http://sqs.example{Settings().queue_path}",
    "aws_region": "eu-central-1",
    "aws_access_key_id": "AKIDEXAMPLE",
    "aws_secret_access_key": "a-secret-of-the-queue",
}


def telling(**changed: str) -> Company:
    """A company that tells stock and prices by its queue alone."""
    return Company(secrets={**SECRETS, **changed}, queued=("stock", "price"), queue_keys=KEYS)


def queue_of(company: Company) -> Queue:
    events = company.channel.events
    assert isinstance(events, EventQueue)
    return events.queue


def received(company: Company) -> list[Letter]:
    """Until nothing more is to be had."""
    found = list[Letter]()
    while letters := queue_of(company).receive(company.ctx).letters:
        found += letters
    return found


def test_what_changes_is_told_by_the_queue_in_the_words_of_the_door_and_pushed_no_more() -> None:
    company = telling()
    company.portal.count("LAMP-1", 7)
    company.portal.price("LAMP-1", "*", 4_500)
    told = read(b"\n".join(one.body.encode() for one in received(company)))
    assert told.malformed == ()
    assert [(one.sku, one.quantity, one.version) for one in told.stock.values()] == [("LAMP-1", 7, 2)]
    assert [(one.price_minor, one.currency, one.channel) for one in told.prices.values()] == [(4_500, "EUR", "*")]
    assert company.heard() == []


def test_ten_come_at_once_and_leave_only_when_they_are_deleted() -> None:
    company = telling()
    for n in range(12):
        company.portal.enqueue(f"m{n}")
    first = queue_of(company).receive(company.ctx)
    assert len(first.letters) == 10
    assert queue_of(company).delete(company.ctx, first.letters) == Left()
    assert company.portal.queued() == 2
    left = queue_of(company).receive(company.ctx).letters
    assert queue_of(company).receive(company.ctx).letters == ()
    company.move(seconds=61)
    assert {one.body for one in received(company)} == {one.body for one in left}


def test_of_a_deletion_that_went_well_in_part_we_hear_what_is_left() -> None:
    company = telling()
    company.portal.enqueue("a")
    company.portal.enqueue("b")
    good = queue_of(company).receive(company.ctx).letters
    bad = Letter("never handed out", "c")
    assert queue_of(company).delete(company.ctx, [good[0], bad, good[1]]) == Left((bad,), "ReceiptHandleIsInvalid")
    assert company.portal.queued() == 0


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("503", ProblemCode.SYSTEM_DOWN),
        ("429", ProblemCode.RATE_LIMITED),
        ("timeout-after", ProblemCode.NO_ANSWER),
        ("html", ProblemCode.UNREADABLE),
        ("truncated", ProblemCode.UNREADABLE),
    ],
)
def test_an_answer_that_is_none_has_a_name_and_takes_nothing_out(kind: str, code: ProblemCode) -> None:
    company = telling()
    company.portal.enqueue("a")
    company.trouble("sqs.ReceiveMessage", kind)
    handed = queue_of(company).receive(company.ctx)
    assert (handed.letters, handed.problem and handed.problem.code) == ((), code)
    company.move(seconds=61)
    [letter] = received(company)
    company.trouble("sqs.DeleteMessageBatch", kind)
    failed = queue_of(company).delete(company.ctx, [letter])
    assert isinstance(failed, Problem) and failed.code is code


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"aws_secret_access_key": "another"}, ProblemCode.CREDENTIALS_REFUSED),
        ({"aws_access_key_id": "AKIDNOBODY"}, ProblemCode.CREDENTIALS_REFUSED),
        ({"queue_url": "http://sqs.example/123456789012/another"}, ProblemCode.REFUSED),
        ({"queue_url": "http://nowhere.example/1/q"}, ProblemCode.NOT_REACHED),
    ],
)
def test_a_queue_that_is_not_ours_to_read_is_said_to_be(changed: Mapping[str, str], code: ProblemCode) -> None:
    company = telling(**changed)
    handed = queue_of(company).receive(company.ctx)
    assert handed == Handed(problem=handed.problem) and handed.problem is not None
    assert handed.problem.code is code


def test_temporary_keys_travel_with_their_token() -> None:
    company = telling(aws_session_token="a-session")
    assert queue_of(company).receive(company.ctx).problem is None
    sent: Any = company.http.sent[-1]
    assert sent.headers["x-amz-security-token"] == "a-session"
    assert "x-amz-security-token" in sent.headers["authorization"]
    assert json.loads(sent.body)["QueueUrl"] == SECRETS["queue_url"]


def test_a_queue_declared_by_half_is_refused_with_what_is_missing_and_none_is_none() -> None:
    company = telling()
    held = {name: value for name, value in company.access.secrets.items() if name != "aws_region"}
    with pytest.raises(WrongSetting, match="aws_region"):
        connect("backoffice", replace(company.access, secrets=held))
    del held["queue_url"]
    assert connect("backoffice", replace(company.access, secrets=held)).events is None
