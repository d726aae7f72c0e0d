"""The gateway's settlement reports: each closed one comes once, whole, and adds up to what it says."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from connectors.market import GATEWAY, START, Answers, Market, Sweep, make_ctx, said
from connectors.troubles import in_every_trouble
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.connectors.payment.settlements import StatementSeen
from entrepot.connectors.port import Malformed, ProblemCode
from entrepot.kernel.http import HttpAnswer
from entrepot.money.settlement.model import Author, LineType

DAY_1, DAY_2 = "2026-11-03T00:00:00.000000Z", "2026-11-04T00:00:00.000000Z"


def charge(market: Market, amount_minor: int, key: str, currency: str = "EUR") -> str:
    payload = {
        "authorisation_id": market.authorise(amount_minor, key, currency),
        "amount_minor": amount_minor,
        "currency": currency,
        "reference": key,
    }
    outcome, _ = market.send("gateway.capture", payload, f"capture:{key}")
    return str(getattr(outcome, "receipt", {})["capture_id"])


def sweep(market: Market, cursor: str | None = None) -> Sweep:
    return market.sweep("settlements", cursor, market.gateway)


def statements(market: Market, found: Sweep) -> list[StatementSeen]:
    return [market.seen(record, market.gateway) for record in found.records]


def test_a_day_that_is_not_over_brings_nothing(market: Market) -> None:
    charge(market, 5_000, "C-1")
    found = sweep(market)
    assert (found.records, found.cursor, found.problem) == ([], None, None)


def test_a_closed_day_comes_whole_with_its_fees_as_lines_of_their_own(market: Market) -> None:
    capture = charge(market, 5_000, "C-1")
    market.send(
        "gateway.refund",
        {"capture_id": capture, "amount_minor": 850, "currency": "EUR", "reference": "1001"},
        "refund:1001",
    )
    market.move(days=1)
    found = sweep(market)
    (seen,) = statements(market, found)
    assert found.cursor == DAY_1
    assert found.records[0].root == f"statement:{GATEWAY}:{seen.cycle.external_id}"
    assert (seen.cycle.author, seen.cycle.kind, seen.cycle.currency) == (Author.GATEWAY, "gateway-settlement", "EUR")
    assert [(line.line_type, line.amount_minor, line.reference) for line in seen.lines][:2] == [
        (LineType.GATEWAY_CAPTURE, 5_000, capture),
        (LineType.GATEWAY_FEE, -95, capture),
    ]
    assert seen.lines[2].line_type is LineType.GATEWAY_REFUND
    assert [line.external_id.partition(":")[2] for line in seen.lines] == ["1", "1:fee", "2"]
    assert sum(line.amount_minor for line in seen.lines) == seen.cycle.their_total_minor == 5_000 - 95 - 850
    assert seen.cycle.line_count == len(seen.lines) == 3


def test_the_cursor_goes_from_one_settlement_to_the_next(market: Market) -> None:
    for n in range(3):
        charge(market, 1_000 + n, f"C-{n}")
        market.move(days=1)
    first = sweep(market)
    assert len(first.records) == 3
    assert sweep(market, first.cursor).records == []
    assert len(sweep(market, DAY_1).records) == 2


def test_settlements_closed_at_the_same_instant_are_passed_together_or_not_at_all(market: Market) -> None:
    charge(market, 1_000, "C-1")
    charge(market, 1_000, "C-2", "JPY")
    market.move(days=1)
    found = sweep(market)
    assert {seen.cycle.currency for seen in statements(market, found)} == {"EUR", "JPY"}
    assert [page.cursor for page in found.pages] == [None, None, DAY_1]


def test_a_report_of_many_lines_is_read_page_by_page(market: Market) -> None:
    for n in range(1_205):
        market.gateway_system.accounts.capture(
            market.gateway_system.accounts.authorisations[market.authorise(100, f"C-{n}")],
            amount_minor=100,
            currency="EUR",
            reference=f"C-{n}",
            now=START,
        )
    market.move(days=1)
    found = sweep(market)
    (seen,) = statements(market, found)
    assert len(found.pages) == 3
    assert seen.cycle.line_count == 2_410
    assert sum(line.amount_minor for line in seen.lines) == seen.cycle.their_total_minor


@pytest.mark.parametrize("operation", ["list-settlements", "settlement-lines"])
@in_every_trouble
def test_a_report_that_did_not_come_whole_moves_no_cursor(
    market: Market, operation: str, kind: str, code: ProblemCode
) -> None:
    charge(market, 1_000, "C-1")
    market.move(days=1)
    market.trouble(operation, kind, 5, "gateway")
    found = sweep(market)
    assert found.problem is not None
    assert found.problem.code is code
    assert found.cursor is None
    assert found.records == []
    assert len(sweep(market).records) == 1


HEAD = {
    "id": "set_1", "currency": "EUR", "opened_at": "2026-11-02T00:00:00Z", "closed_at": "2026-11-03T00:00:00Z", "state": "closed",
    "line_count": 1, "gross_minor": 100, "fee_minor": 26, "net_minor": 74,
}  # fmt: skip
LINE = {
    "line_no": 1, "type": "capture", "operation_id": "cap_1", "authorisation_id": "auth_1", "reference": "C-1", "amount_minor": 100,
    "fee_minor": 26, "currency": "EUR", "created_at": "2026-11-02T10:00:00Z",
}  # fmt: skip


def translated(market: Market, head: dict[str, Any], lines: Any) -> Any:
    body = msgspec.json.encode({"settlement": head, "lines": lines})
    return market.gateway.translators["gateway-settlement"](body)


@pytest.mark.parametrize(
    ("head", "lines"),
    [
        (HEAD, []),
        (HEAD, [LINE, LINE]),
        (HEAD, [{**LINE, "currency": "USD"}]),
        (HEAD, [{**LINE, "amount_minor": 10.5}]),
        (HEAD, [{**LINE, "created_at": "yesterday"}]),
        ({**HEAD, "net_minor": "74"}, [LINE]),
        ({**HEAD, "closed_at": "2026-11-03"}, [LINE]),
        (HEAD, None),
    ],
)
def test_a_report_that_is_not_what_it_says_is_malformed(market: Market, head: dict[str, Any], lines: Any) -> None:
    assert isinstance(translated(market, head, lines), Malformed)


def test_a_kind_of_line_nobody_published_is_kept_and_flagged(market: Market) -> None:
    seen = translated(market, HEAD, [{**LINE, "type": "surprise"}])
    assert [(line.type, line.line_type) for line in seen.lines] == [
        ("surprise", LineType.UNRECOGNISED),
        ("fee", LineType.GATEWAY_FEE),
    ]


def reading(market: Market, *answers: HttpAnswer) -> Sweep:
    source = market.gateway.sources["settlements"]
    return Sweep.of(source.fetch(make_ctx(Answers(*answers), market.clock), None))


def page(lines: list[Any], following: str | None) -> HttpAnswer:
    return said(200, msgspec.json.encode({"data": lines, "next_page_token": following}))


def test_pages_that_go_round_in_a_circle_end_the_run(market: Market) -> None:
    found = reading(market, page([HEAD], None), page([LINE], "a"), page([LINE], "a"))
    assert found.problem is not None
    assert found.problem.code is ProblemCode.UNREADABLE


def test_a_report_longer_than_one_run_may_read_is_said_to_be(market: Market) -> None:
    found = reading(market, page([HEAD], None), *(page([LINE], f"t{n}") for n in range(200)))
    assert found.problem is not None
    assert found.problem.code is ProblemCode.TOO_LONG
    assert found.cursor is None


# ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def event(market: Market, topic: str) -> tuple[Any, Any]:
    assert market.gateway.webhook is not None
    (record,) = market.gateway.webhook.split(market.told(topic))
    return record, market.seen(record, market.gateway)


def lapse(market: Market) -> None:
    market.authorise(4_000, "C-100")
    market.move(days=8)


def captured(market: Market) -> None:
    charge(market, 4_000, "C-100-A")


def refunded(market: Market) -> None:
    capture = charge(market, 4_000, "C-100")
    market.send(
        "gateway.refund", {"capture_id": capture, "amount_minor": 850, "currency": "EUR", "reference": "1001"}, "r"
    )


def disputed(market: Market) -> None:
    capture = market.gateway_system.accounts.captures[charge(market, 4_000, "C-100")]
    dispute = market.gateway_system.open_dispute(capture, amount_minor=4_000, reference="C-100", reason="fraud")
    market.gateway_system.close_dispute(dispute, won=True)


def paid_out(market: Market) -> None:
    market.gateway_system.transfer(reference="000042", destination="2001", amount_minor=3_852, currency="EUR")


def settled(market: Market) -> None:
    charge(market, 4_000, "C-100")
    market.move(days=1)


@pytest.mark.parametrize(
    ("happen", "topic", "flow", "root", "amount"),
    [
        (lapse, "authorisation.expired", "capture", "basket:C-100", 4_000),
        (captured, "capture.succeeded", "capture", "basket:C-100", 4_000),
        (refunded, "refund.succeeded", "return-refund", "authorisation:auth_", 850),
        (disputed, "dispute.opened", "incident-dispute", "authorisation:auth_", 4_000),
        (disputed, "dispute.closed", "incident-dispute", "authorisation:auth_", 4_000),
        (paid_out, "transfer.paid", "payout", "voucher:000042", 3_852),
        (settled, "settlement.closed", "settlement", "settlement:set_", 4_000 - 81),
    ],
)
def test_an_event_is_read_and_belongs_to_its_flow(
    market: Market, happen: Callable[[Market], None], topic: str, flow: str, root: str, amount: int
) -> None:
    happen(market)
    record, seen = event(market, topic)
    assert (record.kind, record.flow) == ("payment-event", flow)
    assert record.root.startswith(root)
    assert (seen.topic, seen.amount_minor, seen.currency) == (topic, amount, "EUR")
    assert seen.object_id
    assert record.external_id == seen.event_id


def test_a_chargeback_says_when_evidence_is_due_and_how_it_ended(market: Market) -> None:
    disputed(market)
    _, opened = event(market, "dispute.opened")
    _, closed = event(market, "dispute.closed")
    assert (opened.reason, opened.state, closed.state) == ("fraud", "open", "won")
    assert opened.due_at > opened.at
    assert opened.capture_id.startswith("cap_")


def test_an_event_nobody_published_is_kept_for_a_person(market: Market) -> None:
    body = msgspec.json.encode(
        {
            "id": "e1",
            "type": "moon.rose",
            "time": "2026-11-02T09:00:00Z",
            "data": {"id": "m1", "currency": "EUR", "amount_minor": 1},
        }
    )
    assert market.gateway.webhook is not None
    (record,) = market.gateway.webhook.split(body)
    assert record.kind == "payment-event"
    assert type(market.seen(record, market.gateway)).__name__ == "Unrecognised"


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=120))
def test_no_bytes_crash_a_reader_of_the_gateway(body: bytes) -> None:
    for reader in TRANSLATORS.values():
        assert isinstance(reader(body), Malformed)


TRANSLATORS = Market().gateway.translators
