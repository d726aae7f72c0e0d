"""Amazon on the wire: signatures, refusals, pauses, packed documents, ceilings, what the manifest promises."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest
from connectors.amazon.house import AmazonMarket, secrets
from connectors.market import START, Answers, make_ctx, said
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.connectors import manifest as manifests
from entrepot.connectors.amazon.connector import MANIFEST, PACKAGE
from entrepot.connectors.amazon.documents import fetch, unpacked
from entrepot.connectors.amazon.order_report import flat_file
from entrepot.connectors.amazon.wire import SELLER, open_wire, pause_s, words
from entrepot.connectors.exchange import Call, NoEntry, Rejected
from entrepot.connectors.port import Access, Ceiling, Problem, ProblemCode, bucket
from entrepot.connectors.reading import Unreadable
from entrepot.connectors.registry import connect
from entrepot.connectors.sigv4 import Signer
from entrepot.connectors.verbs import Verb
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.errors import WrongSetting
from entrepot.kernel.http import HttpResponse
from entrepot.sandbox.amazon import MARKETS, RATES

TOKEN = said(200, '{"access_token":"Atza|1","token_type":"bearer","expires_in":3600}')


def access(**more: str) -> Access:
    def reader(value: str) -> Callable[[], str]:
        return lambda: value

    held = {name: reader(value) for name, value in secrets(MARKETS["DE"], **more).items()}
    return Access("amazon-de/main", "http://spapi.example", held)


# ── signatures ───────────────────────────────────────────────────────────────────────────────────────────────

# AWS's published test suite of Signature Version 4: AKIDEXAMPLE, region us-east-1, service "service", 2015-08-30.
SUITE = Signer("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service")
SUITE_AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
VECTORS = {
    "get-vanilla": (
        "GET",
        "https://example.amazonaws.com/",
        {},
        b"",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "post-vanilla": (
        "POST",
        "https://example.amazonaws.com/",
        {},
        b"",
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ),
    "get-vanilla-query-order-key-case": (
        "GET",
        "https://example.amazonaws.com/?Param2=value2&Param1=value1",
        {},
        b"",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    "post-x-www-form-urlencoded": (
        "POST",
        "https://example.amazonaws.com/",
        {"content-type": "application/x-www-form-urlencoded"},
        b"Param1=value1",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_a_signature_is_the_one_aws_publishes(name: str) -> None:
    method, url, given_headers, body, signature = VECTORS[name]
    headers = SUITE.headers(SUITE_AT, method, url, given_headers, body)
    assert headers["authorization"].endswith(f"Signature={signature}")
    assert headers["x-amz-date"] == "20150830T123600Z"


def test_a_signer_never_shows_its_secret() -> None:
    assert "wJalr" not in repr(SUITE)


# ── no, and wait ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_refusal_keeps_their_first_code_and_all_their_words() -> None:
    body = {"errors": [{"code": "InvalidInput", "message": "a", "details": "b"}, {"code": "X", "message": "c"}]}
    refusal = words(HttpResponse(400, {}, json.dumps(body).encode()))
    assert (refusal.code, refusal.words) == ("InvalidInput", "a: b; c")


@pytest.mark.parametrize("body", [b"{}", b"", b"<html>", b'{"errors":[]}', b'{"errors":"no"}', b"\xff"])
def test_a_refusal_without_their_form_keeps_its_first_bytes(body: bytes) -> None:
    assert words(HttpResponse(400, {}, body)).code == "HTTP 400"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-amzn-ratelimit-limit": "0.0167"}, 59.88),
        ({"x-amzn-ratelimit-limit": ".5"}, 2.0),
        ({"x-amzn-ratelimit-limit": "2.0", "retry-after": "7"}, 7.0),
        ({"x-amzn-ratelimit-limit": "0.0000001"}, 86_400.0),
        ({}, None),
        ({"x-amzn-ratelimit-limit": "0"}, None),
        ({"x-amzn-ratelimit-limit": "-1"}, None),
        ({"x-amzn-ratelimit-limit": "NaN"}, None),
        ({"x-amzn-ratelimit-limit": "many"}, None),
    ],
)
def test_how_long_to_wait_is_read_from_their_rate_however_they_write_it(
    headers: dict[str, str], seconds: float | None
) -> None:
    ctx = make_ctx(Answers(), ManualClock(START))
    found = pause_s(ctx, HttpResponse(429, headers, b""))
    assert found == seconds if seconds is None else found == pytest.approx(seconds, rel=0.001)


def test_the_token_travels_alone_in_its_own_header() -> None:
    answers = Answers(TOKEN, said(200, "{}"))
    open_wire(access()).call(make_ctx(answers, ManualClock(START)), SELLER, Call("GET", "/x"))
    assert b"grant_type=refresh_token" in answers.sent[0].body
    assert answers.sent[1].headers["x-amz-access-token"] == "Atza|1"
    assert "authorization" not in answers.sent[1].headers


def test_a_403_about_the_token_is_asked_once_more_and_then_no_entry() -> None:
    old = said(
        403,
        '{"errors":[{"code":"Unauthorized","message":"Access denied.","details":"The access token you provided has expired."}]}',
    )
    answers = Answers(TOKEN, old, TOKEN, old)
    answer, _ = open_wire(access()).call(make_ctx(answers, ManualClock(START)), SELLER, Call("GET", "/x"))
    assert isinstance(answer, NoEntry)
    assert len(answers.sent) == 4


def test_a_403_about_a_role_we_lack_is_a_refusal_and_not_repeated() -> None:
    answers = Answers(
        TOKEN, said(403, '{"errors":[{"code":"Unauthorized","message":"Access to requested resource is denied."}]}')
    )
    answer, _ = open_wire(access()).call(make_ctx(answers, ManualClock(START)), SELLER, Call("GET", "/x"))
    assert isinstance(answer, Rejected)
    assert len(answers.sent) == 2


def test_what_an_account_does_not_declare_is_named() -> None:
    held = access()
    bare = Access(held.account, held.base_url, {"client_id": held.secrets["client_id"]})
    with pytest.raises(WrongSetting, match="refresh_token"):
        connect("amazon", bare)
    with pytest.raises(WrongSetting, match="orders_api"):
        connect("amazon", access(orders_api="v1"))


# ── documents ────────────────────────────────────────────────────────────────────────────────────────────────

PLACE = '{"url":"http://s3.example/d?Signature=secret","compressionAlgorithm":%s}'


def fetched(place: str, *answers: HttpResponse) -> object:
    http = Answers(TOKEN, said(200, place), *answers)
    return fetch(make_ctx(http, ManualClock(START)), open_wire(access()), "/documents/1")


def test_a_document_is_fetched_without_our_token_and_unpacked() -> None:
    http = Answers(TOKEN, said(200, PLACE % '"GZIP"'), HttpResponse(200, {}, gzip.compress(b"a\tb\n")))
    found = fetch(make_ctx(http, ManualClock(START)), open_wire(access()), "/documents/1")
    assert not isinstance(found, Problem)
    assert found.body == b"a\tb\n"
    assert http.sent[-1].headers == {}
    assert "secret" not in str(found.detail)


def test_a_document_the_door_has_unpacked_already_is_taken_as_it_is() -> None:
    http = Answers(TOKEN, said(200, PLACE % '"GZIP"'), HttpResponse(200, {"content-encoding": "gzip"}, b"a"))
    found = fetch(make_ctx(http, ManualClock(START)), open_wire(access()), "/documents/1")
    assert not isinstance(found, Problem)
    assert found.body == b"a"


@pytest.mark.parametrize(
    ("place", "answer", "code"),
    [
        (PLACE % '"GZIP"', HttpResponse(200, {}, b"plain"), ProblemCode.UNREADABLE),
        (PLACE % '"GZIP"', HttpResponse(200, {}, gzip.compress(b"x" * 99)[:-9]), ProblemCode.UNREADABLE),
        (PLACE % '"ZIP"', HttpResponse(200, {}, b""), ProblemCode.UNREADABLE),
        (PLACE % "null", HttpResponse(403, {}, b"<Error>Expired</Error>"), ProblemCode.SYSTEM_DOWN),
        (PLACE % "null", HttpResponse(200, {}, b"<!doctype html><html>"), ProblemCode.SYSTEM_DOWN),
        ('{"url":"nowhere"}', HttpResponse(200, {}, b""), ProblemCode.UNREADABLE),
        ("{}", HttpResponse(200, {}, b""), ProblemCode.UNREADABLE),
    ],
)
def test_a_document_that_is_not_what_was_promised_is_a_problem(
    place: str, answer: HttpResponse, code: ProblemCode
) -> None:
    found = fetched(place, answer)
    assert isinstance(found, Problem)
    assert found.code is code
    assert "secret" not in found.words


def test_a_bomb_is_not_unpacked_past_its_cap() -> None:
    bomb = gzip.compress(b"0" * 5_000_000)
    assert len(bomb) < 10_000
    with pytest.raises(Unreadable, match="larger"):
        unpacked(bomb, bytes_max=1_000_000)
    with pytest.raises(Unreadable, match="larger"):
        unpacked(gzip.compress(b"0" * 600_000) * 2, bytes_max=1_000_000)
    assert unpacked(gzip.compress(b"a") + gzip.compress(b"b")) == b"ab"


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=300))
def test_whatever_a_packed_document_holds_it_is_unpacked_or_refused(body: bytes) -> None:
    assert unpacked(gzip.compress(body)) == body
    for spoilt in (body, b"\x1f\x8b" + body):
        try:
            unpacked(spoilt)
        except Unreadable:
            continue


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=300))
def test_whatever_a_flat_file_holds_it_is_read_or_refused(body: bytes) -> None:
    for text in (body, b"amazon-order-id\tx\n" + body):
        try:
            list(flat_file(text, "amazon-order-id"))
        except Unreadable:
            continue


# ── ceilings and promises ────────────────────────────────────────────────────────────────────────────────────

SHARED = {
    "reports": ("createReport", "getReport", "getReports", "getReportDocument"),
    "feeds": ("getFeeds", "getFeedDocument", "getFeed"),
}


@pytest.mark.parametrize("code", sorted(MANIFEST.ceilings))
def test_no_bucket_of_ours_is_larger_or_faster_than_theirs(code: str) -> None:
    limit = MANIFEST.limit(access(), code, code)
    assert limit is not None
    for operation in SHARED.get(code, (code,)):
        rate, burst = RATES.get(operation, (0, 0))
        assert limit.capacity <= burst, operation
        assert limit.per_s <= rate + 1e-12, operation


def test_documents_of_feeds_stay_under_their_own_ceiling_by_the_one_of_feeds() -> None:
    limit = MANIFEST.limit(access(), "createFeed", "createFeed")
    assert limit is not None
    rate, burst = RATES["createFeedDocument"]
    assert limit.capacity <= burst
    assert limit.per_s <= rate


BUCKETS = st.builds(
    lambda calls, per_s, burst: Ceiling(calls, float(per_s), burst),
    st.integers(min_value=1, max_value=50),
    st.integers(min_value=1, max_value=3_600),
    st.integers(min_value=1, max_value=30),
)


@settings(max_examples=80, deadline=None)
@given(theirs=BUCKETS, pauses=st.lists(st.integers(min_value=0, max_value=50), max_size=80))
def test_whatever_the_pace_a_bucket_of_theirs_never_runs_dry(theirs: Ceiling, pauses: list[int]) -> None:
    limit = bucket("x", [theirs])
    assert limit is not None
    assert theirs.burst is not None
    ours, left, rate = limit.capacity, float(theirs.burst), theirs.calls / theirs.per_s
    for pause in pauses:
        ours = min(limit.capacity, ours + pause * limit.per_s)
        left = min(float(theirs.burst), left + pause * rate)
        if ours >= 1:
            ours, left = ours - 1, left - 1
            assert left >= -1e-9


def test_ceilings_with_and_without_a_burst_stand_together() -> None:
    limit = bucket("x", [Ceiling(10, 60.0), Ceiling(1, 1.0, 30)])
    assert limit is not None
    assert (limit.capacity, limit.per_s) == (5.0, 5 / 60)


def test_price_and_stock_share_a_bucket_and_so_do_cancel_and_refund() -> None:
    operations = connect("amazon", access()).operations
    for pair in (("set-price", "set-stock"), ("cancel", "refund"), ("submit-listing", "preview-listing")):
        limits = [operations[f"amazon.{name}"].limit for name in pair]
        assert limits[0] is not None
        assert limits[0] == limits[1]


def test_a_real_bucket_of_theirs_lets_through_what_ours_lets_through() -> None:
    market = AmazonMarket(ceilings=True)
    limit = market.channel.operations["amazon.set-stock"].limit
    assert limit is not None
    tokens = limit.capacity
    for n in range(40):
        if tokens < 1:
            market.move(seconds=(1 - tokens) / limit.per_s)
            tokens = 1.0
        tokens -= 1
        outcome, _ = market.send("amazon.set-stock", {"sku": "ATLAS-1", "quantity": n})
        assert type(outcome).__name__ == "Done", outcome


def test_what_the_manifest_promises_is_what_the_connector_does() -> None:
    channel = connect("amazon", access())
    manifest = manifests.load(PACKAGE)
    assert set(manifest.operations) == set(channel.operations)
    assert set(manifest.sources) == set(channel.sources)
    assert set(manifest.flows) == set(channel.translators)
    assert set(manifest.verbs.values()) <= set(manifest.operations)
    assert set(manifest.verbs) <= {verb.value for verb in Verb}
    assert Verb.ACKNOWLEDGE not in manifest.verbs
    for name, source in channel.sources.items():
        row = manifest.sources[name]
        assert (source.name, source.flow, source.every_s) == (name, row.flow, row.every_s)
    for name, written in manifest.operations.items():
        operation = channel.operations[name]
        assert (operation.money, operation.partner_key, operation.settle_s) == (
            written.money,
            written.partner_key,
            written.settle_s,
        )
    assert [name for name, row in manifest.operations.items() if row.money] == ["amazon.refund"]
    assert files(PACKAGE).joinpath("manifest.toml").read_text().startswith("# ")


def test_a_seller_has_nothing_to_acknowledge() -> None:
    assert {rule.kind for rule in MANIFEST.obligations} == {"ship", "cancelled"}
    assert all(rule.source and rule.penalty and rule.checked_on for rule in MANIFEST.obligations)


def test_no_secret_is_shown_by_what_is_made_of_them() -> None:
    shown = repr(open_wire(access())) + repr(connect("amazon", access()))
    for name in ("client_secret", "refresh_token", "aws_secret_access_key"):
        assert access().secret(name) not in shown


def test_a_sweep_never_asks_oftener_than_its_ceiling_refills() -> None:
    for name, row in MANIFEST.sources.items():
        for ceiling in MANIFEST.ceilings.get(row.code, ()):
            assert row.every_s >= ceiling.per_s / ceiling.calls, name


def test_the_clock_of_a_signature_is_the_machines() -> None:
    market = AmazonMarket()
    market.move(days=400)  # business time runs away
    assert abs(market.clock.machine() - market.clock.now()) >= timedelta(0)
    assert market.sweep("notifications").problem is None
