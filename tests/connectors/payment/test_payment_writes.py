"""The gateway's writes against the sandbox: each under the contract, then what only a gateway with our keys does."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from connectors.contract import Scene, Story, TwiceIsOnce
from connectors.market import Answers, Market, make_ctx, said

from entrepot.kernel.outcome import Done, NotThere, Refused, Unknown

Tell = Callable[[Market], Story]


def money(amount_minor: int = 4_000, reference: str = "C-100", **more: Any) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": "EUR", "reference": reference, **more}


def story(market: Market, operation: str, code: str, payload: dict[str, Any]) -> Story:
    key = f"{code}:C-100"
    return Story(operation, code, payload, lambda: market.applied(code, key, "gateway"), "gateway", key)


def capture(market: Market) -> Story:
    return story(
        market, "gateway.capture", "capture", money(authorisation_id=market.authorise(), legs={"C-100-A": 4_000})
    )


def release(market: Market) -> Story:
    return story(market, "gateway.release", "release", money(authorisation_id=market.authorise()))


def refund(market: Market) -> Story:
    outcome, _ = market.send("gateway.capture", money(10_000, authorisation_id=market.authorise()), "capture:before")
    assert isinstance(outcome, Done)
    return story(market, "gateway.refund", "refund", money(850, "1001", capture_id=outcome.receipt["capture_id"]))


class TestWritesToTheGateway(TwiceIsOnce):
    @pytest.fixture(params=[capture, release, refund], ids=lambda tell: tell.__name__)
    def scene(self, request: pytest.FixtureRequest, market: Market) -> Scene:
        tell: Tell = request.param
        return Scene(market, tell(market))


@pytest.mark.parametrize(
    ("tell", "name", "prefix"),
    [(capture, "capture_id", "cap_"), (release, "release_id", "rel_"), (refund, "refund_id", "ref_")],
)
def test_the_receipt_names_what_was_made_there(market: Market, tell: Tell, name: str, prefix: str) -> None:
    told = tell(market)
    outcome, _ = market.send(told.operation, told.payload, told.key)
    assert isinstance(outcome, Done)
    assert str(outcome.receipt[name]).startswith(prefix)
    assert market.look(told.operation, told.payload, told.key)[0] == outcome


def test_our_key_travels_with_every_attempt(market: Market) -> None:
    told = capture(market)
    for _ in range(2):
        market.send(told.operation, told.payload, told.key)
    assert [request.headers["idempotency-key"] for request in market.http.sent] == ["capture:C-100"] * 2


@pytest.mark.parametrize("key", ["capture:Café–1", "capture:C\n1", " capture:C-1", "capture:C-100"])
def test_any_key_travels_and_is_found_again(market: Market, key: str) -> None:
    payload = money(authorisation_id=market.authorise())
    market.trouble("capture", "timeout-after", system="gateway")
    assert isinstance(market.send("gateway.capture", payload, key)[0], Unknown)
    sent = market.http.sent[-1].headers["idempotency-key"]
    assert sent.isascii()
    assert sent.isprintable()
    assert isinstance(market.look("gateway.capture", payload, key)[0], Done)
    assert isinstance(market.send("gateway.capture", payload, key)[0], Done)
    assert len(market.gateway_system.accounts.captures) == 1


def test_our_key_with_another_content_is_refused_and_the_first_charge_stands(market: Market) -> None:
    told = capture(market)
    market.send(told.operation, told.payload, told.key)
    outcome, _ = market.send(told.operation, {**told.payload, "amount_minor": 4_001}, told.key)
    assert isinstance(outcome, Refused)
    assert outcome.code == "idempotency_key_reused"
    assert isinstance(market.look(told.operation, {**told.payload, "amount_minor": 4_001}, told.key)[0], Unknown)


def test_more_than_was_held_is_refused_in_their_words(market: Market) -> None:
    outcome, _ = market.send("gateway.capture", money(10_001, authorisation_id=market.authorise()))
    assert isinstance(outcome, Refused)
    assert outcome.code == "amount_exceeds_authorisation"


def test_money_held_too_long_ago_cannot_be_taken(market: Market) -> None:
    told = capture(market)
    market.move(days=8)
    outcome, _ = market.send(told.operation, told.payload, told.key)
    assert isinstance(outcome, Refused)
    assert outcome.code == "authorisation_expired"


def test_a_hold_nobody_knows_is_refused_in_their_words(market: Market) -> None:
    outcome, _ = market.send("gateway.capture", money(authorisation_id="auth_none"))
    assert isinstance(outcome, Refused)
    assert outcome.code == "not_found"


def test_a_key_nobody_used_is_not_there(market: Market) -> None:
    assert isinstance(market.look("gateway.capture", money(authorisation_id=market.authorise()), "fresh")[0], NotThere)


@pytest.mark.parametrize(
    "made",
    [
        {"id": "cap_1", "amount_minor": 4_001, "currency": "EUR", "reference": "C-100"},
        {"id": "cap_1", "amount_minor": 4_000, "currency": "USD", "reference": "C-100"},
        {"id": "cap_1", "amount_minor": 4_000, "currency": "EUR", "reference": "C-999"},
        {"id": "cap_1", "amount_minor": 4_000.0, "currency": "EUR"},
        [],
        None,
    ],
)
def test_an_answer_about_something_else_is_not_taken_for_ours(market: Market, made: Any) -> None:
    ctx = make_ctx(Answers(said(201, msgspec.json.encode(made))), market.clock)
    effect = market.effect("gateway.capture", "capture:C-100", money(authorisation_id="auth_1"))
    outcome, _ = market.gateway.operations["gateway.capture"].send(ctx, effect)
    assert isinstance(outcome, Unknown)


def test_the_check_needs_a_key_that_is_let_in(market: Market) -> None:
    assert market.gateway.check(market.ctx) is None
    market.trouble("find-operations", "503", system="gateway")
    assert market.gateway.check(market.ctx) is not None
