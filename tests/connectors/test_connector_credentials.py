"""Ways in: one refresh at a time, a refused key is said to be refused, no secret is remembered longer than it lives."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from connectors.market import MIRAKL, START, URLS, Answers, Market, make_ctx, said, secrets

from entrepot.connectors.credentials import FetchedToken, RawKey, client_credentials
from entrepot.connectors.exchange import NoEntry, Unsent, retry_after_s
from entrepot.connectors.port import Access, ProblemCode
from entrepot.connectors.registry import connect
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.errors import WrongSetting
from entrepot.kernel.http import HttpAnswer, HttpRequest, NoAnswer, NotReached

TOKEN = said(200, '{"access_token":"t-1","token_type":"Bearer","expires_in":3600}')
TOKEN_2 = said(200, '{"access_token":"t-2","expires_in":3600}')


def by_client(token_url: str = "https://auth.example/token") -> FetchedToken:
    return client_credentials(token_url, lambda: "front-client", lambda: "front-secret")


def test_a_token_is_fetched_once_and_used_until_shortly_before_it_ends() -> None:
    clock, answers = ManualClock(START), Answers(TOKEN, TOKEN_2)
    ctx, entry = make_ctx(answers, clock), by_client()
    assert entry.header(ctx, None) == "Bearer t-1"
    clock.advance(3000)
    assert entry.header(ctx, None) == "Bearer t-1"
    clock.advance(300)
    assert entry.header(ctx, None) == "Bearer t-2"
    assert [request.url for request in answers.sent] == ["https://auth.example/token"] * 2
    assert answers.sent[0].body == b"grant_type=client_credentials&client_id=front-client&client_secret=front-secret"


def test_a_token_they_refuse_is_dropped_but_not_the_one_that_replaced_it() -> None:
    ctx, entry = make_ctx(Answers(TOKEN, TOKEN_2), ManualClock(START)), by_client()
    first = entry.header(ctx, None)
    assert isinstance(first, str)
    entry.spent(first)
    assert entry.header(ctx, None) == "Bearer t-2"
    entry.spent(first)
    assert entry.header(ctx, None) == "Bearer t-2"


def test_while_one_worker_fetches_the_token_the_others_come_again_later() -> None:
    started, finish = threading.Event(), threading.Event()

    class Slow:
        def send(self, request: HttpRequest) -> HttpAnswer:
            started.set()
            finish.wait(10)
            return TOKEN

    ctx, entry = make_ctx(Slow(), ManualClock(START)), by_client()
    with ThreadPoolExecutor(1) as threads:
        fetching = threads.submit(entry.header, ctx, None)
        started.wait(10)
        told = entry.header(ctx, None)
        finish.set()
        assert fetching.result() == "Bearer t-1"
    assert isinstance(told, Unsent)
    assert told.after_s == 1.0
    assert entry.header(ctx, None) == "Bearer t-1"


def test_a_worker_that_died_while_fetching_does_not_lock_the_others_out() -> None:
    class Died(Exception):
        pass

    class Dies:
        def send(self, request: HttpRequest) -> HttpAnswer:
            raise Died

    clock, entry = ManualClock(START), by_client()
    with pytest.raises(Died):
        entry.header(make_ctx(Dies(), clock), None)
    assert isinstance(entry.header(make_ctx(Answers(TOKEN), clock), None), Unsent)
    clock.advance(31)
    assert entry.header(make_ctx(Answers(TOKEN), clock), None) == "Bearer t-1"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said(401, '{"error":"invalid_client"}'), NoEntry),
        (said(400, "{}"), NoEntry),
        (said(503), Unsent),
        (said(200, "<html>"), Unsent),
        (said(200, "{}"), Unsent),
        (NoAnswer("reset"), Unsent),
        (NotReached("closed"), Unsent),
    ],
)
def test_a_token_that_cannot_be_had_is_either_refused_or_for_later(answer: HttpAnswer, kind: type) -> None:
    entry, clock = by_client(), ManualClock(START)
    assert isinstance(entry.header(make_ctx(Answers(answer), clock), None), kind)
    assert entry.header(make_ctx(Answers(TOKEN), clock), None) == "Bearer t-1"


def test_no_token_is_fetched_when_the_time_to_send_is_over() -> None:
    clock, answers = ManualClock(START), Answers()
    assert isinstance(by_client().header(make_ctx(answers, clock), START + timedelta(seconds=0.1)), Unsent)
    assert answers.sent == []


def test_a_raw_key_goes_without_a_word_before_it_and_a_bearer_key_with_one() -> None:
    ctx = make_ctx(Answers(), ManualClock(START))
    assert RawKey(lambda: "front-key").header(ctx, None) == "front-key"
    assert RawKey(lambda: "gw-secret", "Bearer").header(ctx, None) == "Bearer gw-secret"


def test_the_marketplace_lets_client_credentials_in_and_an_expired_token_is_renewed() -> None:
    market = Market()
    keys = secrets("mirakl", client_id="front-client", client_secret="front-secret")
    keys = {name: value for name, value in keys.items() if not name.endswith("_key")}
    mirakl = connect("mirakl", Access(MIRAKL, URLS["mirakl"], keys))
    assert market.sweep("orders", connector=mirakl).problem is None
    market.clock.advance(3_590)
    assert market.sweep("orders", connector=mirakl).problem is None
    market.trouble("OR11", "expired-token")
    assert market.sweep("orders", connector=mirakl).problem is None
    assert market.world.calls["mirakl", "oauth"] == 3


def test_wrong_client_credentials_are_a_problem_of_credentials() -> None:
    market = Market()
    keys = {"client_id": lambda: "front-client", "client_secret": lambda: "wrong"}
    mirakl = connect("mirakl", Access(MIRAKL, URLS["mirakl"], keys))
    problem = market.sweep("orders", connector=mirakl).problem
    assert problem is not None
    assert problem.code is ProblemCode.CREDENTIALS_REFUSED
    assert "wrong" not in problem.words


@pytest.mark.parametrize(("name", "url"), [("mirakl", URLS["mirakl"]), ("payment", URLS["gateway"])])
def test_an_account_without_a_way_in_is_a_wrong_setting(name: str, url: str) -> None:
    with pytest.raises(WrongSetting):
        connect(name, Access("account", url, {}))


def test_a_connector_nobody_ships_is_a_wrong_setting() -> None:
    with pytest.raises(WrongSetting, match="there is no connector"):
        connect("nobody", Access("account", "https://nobody.example"))


def test_an_access_shows_no_secret() -> None:
    assert "front-key" not in repr(Access(MIRAKL, URLS["mirakl"], secrets("mirakl")))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": "17"}, 17),
        ({"retry_after": " 5 "}, 5),
        ({"retry_after": "999999999"}, 86_400),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-5"}, None),
        ({"retry_after": "Mon, 02 Nov 2026 09:01:00 GMT", "date": "Mon, 02 Nov 2026 09:00:30 GMT"}, 30),
        ({"retry_after": "Mon, 02 Nov 2026 09:01:00 GMT"}, 60),
        ({"retry_after": "Mon, 02 Nov 2026 08:00:00 GMT"}, 0),
        ({"retry_after": "Mon, 02 Nov 2026 09:01:00 GMT", "date": "garbage"}, None),
    ],
)
def test_a_wait_they_ask_for_is_read_in_seconds_or_as_a_date_of_theirs(
    headers: dict[str, str], seconds: float | None
) -> None:
    ctx = make_ctx(Answers(), ManualClock(START))
    assert retry_after_s(ctx, said(429, **headers)) == seconds
