"""The gateway's contract over plain HTTP, with requests written by hand."""

import base64
import hashlib
import hmac
import http.client
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from entrepot.sandbox.core import Hang, Request, Response, World
from entrepot.sandbox.faults import Fault
from entrepot.sandbox.gateway import Gateway, Terms
from entrepot.sandbox.gateway.webhooks import RETRY_PAUSES_S, WebhookSender, sign
from entrepot.sandbox.http import serve

START = datetime(2026, 11, 9, 8, tzinfo=UTC)
MACHINE = datetime(2026, 1, 5, 3, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(b"a webhook secret of 24 b").decode()


class Bench:
    """A gateway on a loopback port, a clock that is moved by hand, and a receiver that answers as told."""

    def __init__(self) -> None:
        self.now = START
        self.received: list[Request] = []
        self.answers: list[Response | Hang] = []
        self.world = World(lambda: self.now, 1, self._receive)
        self.sender = WebhookSender(
            self.world,
            lambda: MACHINE,
            system="gateway",
            base_url="http://hub.invalid",
            path="/hooks/gateway",
            secret=SECRET,
        )
        self.gateway = Gateway(self.world, self.sender.publish, Terms(refused_destinations={"shop-9": "closed"}))
        self.world.mount("gateway", self.gateway)
        self.port = 0

    def _receive(self, base_url: str, request: Request) -> Response | Hang:
        assert base_url == "http://hub.invalid"
        self.received.append(request)
        return self.answers.pop(0) if self.answers else Response(204)

    def pass_time(self, **how_long: int) -> None:
        self.now += timedelta(**how_long)
        self.world.tick()

    def call(
        self, method: str, path: str, content: Any = None, key: str | None = None, auth: str = "Bearer gw-secret"
    ) -> tuple[int, Any, dict[str, str]]:
        headers = {"Authorization": auth, "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        body = content if isinstance(content, bytes) else json.dumps(content) if content is not None else None
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            raw = answer.read()
            return answer.status, json.loads(raw), {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()

    def authorised(self, amount_minor: int = 10_000, reference: str = "BASKET-1") -> str:
        content = money(amount_minor, reference) | {"customer_id": "C-1"}
        status, one, _ = self.call("POST", "/v1/authorisations", content)
        assert status == 201
        return str(one["id"])

    def captured(self, amount_minor: int = 6_000, reference: str = "CAP-1") -> str:
        path = f"/v1/authorisations/{self.authorised()}/captures"
        status, one, _ = self.call("POST", path, money(amount_minor, reference))
        assert status == 201
        return str(one["id"])

    def topics(self) -> list[str]:
        return [json.loads(request.body)["type"] for request in self.received]


def money(amount_minor: int, reference: str, currency: str = "EUR") -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": currency, "reference": reference}


class Counter:
    """One listening port for the whole file: it serves whichever bench is on it."""

    def __init__(self) -> None:
        self.bench = Bench()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bench.world, name)


@pytest.fixture(scope="module")
def counter() -> Iterator[tuple[Counter, int]]:
    made = Counter()
    with serve(cast(World, made), {"gateway": 0}, hang_s=0.0, ticking=False) as servers:
        yield made, servers.ports["gateway"]


@pytest.fixture
def bench(counter: tuple[Counter, int]) -> Bench:
    made = Bench()
    counter[0].bench, made.port = made, counter[1]
    return made


def test_an_authorisation_says_everything_about_itself(bench: Bench) -> None:
    status, one, _ = bench.call("POST", "/v1/authorisations", money(10_000, "BASKET-1") | {"customer_id": "C-1"})
    assert status == 201
    assert one == {
        "id": one["id"],
        "reference": "BASKET-1",
        "state": "authorised",
        "amount_minor": 10_000,
        "currency": "EUR",
        "customer_id": "C-1",
        "open_minor": 10_000,
        "captured_minor": 0,
        "released_minor": 0,
        "expired_minor": 0,
        "refunded_minor": 0,
        "charged_back_minor": 0,
        "expires_at": "2026-11-16T08:00:00.000Z",
        "created_at": "2026-11-09T08:00:00.000Z",
    }
    assert one["id"].startswith("auth_")
    assert bench.call("GET", f"/v1/authorisations/{one['id']}")[1] == one
    assert bench.call("GET", "/v1/authorisations?reference=BASKET-1")[1] == {"data": [one]}
    assert bench.call("GET", "/v1/authorisations?reference=BASKET-2")[1] == {"data": []}


@pytest.mark.parametrize("auth", ["Bearer other", "gw-secret", "Basic Z3c6Z3c=", "", "Bearer gw-secret "])
def test_a_wrong_key_hears_401_and_nothing_else(bench: Bench, auth: str) -> None:
    status, answer, _ = bench.call("GET", "/v1/authorisations?reference=X", auth=auth)
    assert (status, answer["code"]) == (401, "unauthorized")


def test_the_same_key_and_content_hear_the_same_answer_and_move_money_once(bench: Bench) -> None:
    path = f"/v1/authorisations/{bench.authorised()}/captures"
    first = bench.call("POST", path, money(4_000, "CAP-1"), key="K1")
    again = bench.call("POST", path, b'{ "reference":"CAP-1", "currency":"EUR", "amount_minor":4000 }', key="K1")
    assert (first[0], first[1]) == (again[0], again[1])
    assert again[2]["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first[2]
    books = bench.gateway.books()
    assert books["authorisations"][0]["captured_minor"] == 4_000
    assert books["writes"] == [
        {"operation": "capture", "key": "K1", "reference": "CAP-1", "calls": 2, "count_applied": 1}
    ]


def test_the_same_key_with_other_content_is_refused(bench: Bench) -> None:
    path = f"/v1/authorisations/{bench.authorised()}/captures"
    bench.call("POST", path, money(4_000, "CAP-1"), key="K1")
    status, answer, _ = bench.call("POST", path, money(4_001, "CAP-1"), key="K1")
    assert (status, answer["code"]) == (422, "idempotency_key_reused")
    status, answer, _ = bench.call("POST", path.replace("captures", "releases"), money(4_000, "CAP-1"), key="K1")
    assert (status, answer["code"]) == (422, "idempotency_key_reused")


def test_a_refusal_sticks_to_its_key_and_counts_as_not_applied(bench: Bench) -> None:
    authorisation = bench.authorised(1_000)
    for _ in range(2):
        status, answer, _ = bench.call(
            "POST", f"/v1/authorisations/{authorisation}/captures", money(1_001, "CAP"), key="K"
        )
        assert (status, answer["code"], answer["field"]) == (422, "amount_exceeds_authorisation", "amount_minor")
    assert bench.gateway.books()["writes"][0]["count_applied"] == 0
    assert bench.call("GET", "/v1/operations?idempotency_key=K")[1] == {"data": []}


def test_two_keys_with_one_reference_are_visible_as_a_double(bench: Bench) -> None:
    path = f"/v1/authorisations/{bench.authorised()}/captures"
    bench.call("POST", path, money(1_000, "CAP-1"), key="K1")
    bench.call("POST", path, money(1_000, "CAP-1"), key="K2")
    assert bench.gateway.books()["applied"] == [{"operation": "capture", "reference": "CAP-1", "count": 2}]


def test_what_happened_can_be_read_back_by_reference_and_by_key(bench: Bench) -> None:
    authorisation = bench.authorised()
    capture = bench.call("POST", f"/v1/authorisations/{authorisation}/captures", money(6_000, "R"), key="K1")[1]
    release = bench.call("POST", f"/v1/authorisations/{authorisation}/releases", money(4_000, "R"), key="K2")[1]
    refund = bench.call("POST", f"/v1/captures/{capture['id']}/refunds", money(1_000, "R"), key="K3")[1]
    transfer = bench.call("POST", "/v1/transfers", money(500, "R") | {"destination": "shop-1"}, key="K4")[1]
    found = bench.call("GET", "/v1/operations?reference=R")[1]["data"]
    assert [one["operation"] for one in found] == ["capture", "release", "refund", "transfer"]
    assert [one["id"] for one in found] == [one["id"] for one in (capture, release, refund, transfer)]
    assert bench.call("GET", "/v1/operations?idempotency_key=K3")[1]["data"] == [{"operation": "refund", **refund}]
    assert bench.call("GET", "/v1/operations?idempotency_key=K9")[1]["data"] == []
    assert bench.call("GET", "/v1/operations?reference=R9")[1]["data"] == []
    assert bench.call("GET", "/v1/operations")[0] == 400


def test_an_authorisation_expires_by_itself_and_refuses_captures(bench: Bench) -> None:
    authorisation = bench.authorised()
    bench.pass_time(days=6, hours=23)
    assert bench.topics() == []
    bench.pass_time(hours=1)
    assert bench.topics() == ["authorisation.expired"]
    status, answer, _ = bench.call("POST", f"/v1/authorisations/{authorisation}/captures", money(1, "LATE"))
    assert (status, answer["code"]) == (402, "authorisation_expired")
    one = bench.call("GET", f"/v1/authorisations/{authorisation}")[1]
    assert (one["state"], one["expired_minor"], one["open_minor"]) == ("expired", 10_000, 0)


def test_a_transfer_to_a_closed_account_fails_and_says_so(bench: Bench) -> None:
    status, one, _ = bench.call("POST", "/v1/transfers", money(500, "V1") | {"destination": "shop-9"})
    assert (status, one["state"], one["failure_reason"]) == (201, "failed", "closed")
    assert bench.call("GET", f"/v1/transfers/{one['id']}")[1] == one
    bench.world.tick()
    assert bench.topics() == ["transfer.failed"]


def test_a_chargeback_takes_the_money_at_once_and_can_be_won_back(bench: Bench) -> None:
    capture = bench.captured()
    content = money(6_000, "D-1") | {"capture_id": capture, "reason": "fraud"}
    status, dispute, _ = bench.call("POST", "/v1/disputes", content)
    assert (status, dispute["state"]) == (201, "open")
    assert bench.gateway.books()["balances"] == {"EUR": -109}
    assert bench.call("POST", f"/v1/captures/{capture}/refunds", money(1, "R"))[0] == 422
    status, closed, _ = bench.call("POST", f"/v1/disputes/{dispute['id']}/close", {"outcome": "won"})
    assert (status, closed["state"]) == (200, "won")
    assert bench.call("GET", f"/v1/disputes/{dispute['id']}")[1] == closed
    assert bench.gateway.books()["balances"] == {"EUR": 5_891}
    bench.world.tick()
    assert bench.topics() == ["capture.succeeded", "dispute.opened", "dispute.closed"]


def test_a_settlement_appears_when_its_day_is_over_and_its_lines_sum_to_it(bench: Bench) -> None:
    capture = bench.captured(6_000)
    bench.call("POST", f"/v1/captures/{capture}/refunds", money(1_500, "REF-1"))
    bench.call("POST", "/v1/transfers", money(2_000, "V1") | {"destination": "shop-1"})
    assert bench.call("GET", "/v1/settlements")[1] == {"data": []}
    bench.pass_time(hours=16)
    assert bench.topics()[-1] == "settlement.closed"
    (day,) = bench.call("GET", "/v1/settlements?created_after=2026-11-09T08:00:00Z")[1]["data"]
    assert day == {
        "id": day["id"],
        "currency": "EUR",
        "opened_at": "2026-11-09T00:00:00.000Z",
        "closed_at": "2026-11-10T00:00:00.000Z",
        "line_count": 3,
        "gross_minor": 2_500,
        "fee_minor": 109,
        "net_minor": 2_391,
        "opening_balance_minor": 0,
        "closing_balance_minor": 2_391,
        "state": "closed",
    }
    assert bench.call("GET", f"/v1/settlements?created_after={day['closed_at']}")[1] == {"data": []}
    page = bench.call("GET", f"/v1/settlements/{day['id']}/lines?limit=2")[1]
    rest = bench.call("GET", f"/v1/settlements/{day['id']}/lines?limit=2&page_token={page['next_page_token']}")[1]
    lines = page["data"] + rest["data"]
    assert [line["line_no"] for line in lines] == [1, 2, 3]
    assert [(line["type"], line["amount_minor"], line["fee_minor"], line["reference"]) for line in lines] == [
        ("capture", 6_000, 109, "CAP-1"),
        ("refund", -1_500, 0, "REF-1"),
        ("transfer", -2_000, 0, "V1"),
    ]
    assert rest["next_page_token"] is None
    assert sum(line["amount_minor"] - line["fee_minor"] for line in lines) == day["net_minor"]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"currency": "EUR", "reference": "R", "customer_id": "C"}, "amount_minor"),
        (money(0, "R") | {"customer_id": "C"}, "amount_minor"),
        (money(-5, "R") | {"customer_id": "C"}, "amount_minor"),
        ({"amount_minor": 10.5, "currency": "EUR", "reference": "R", "customer_id": "C"}, "amount_minor"),
        ({"amount_minor": "10", "currency": "EUR", "reference": "R", "customer_id": "C"}, "amount_minor"),
        ({"amount_minor": True, "currency": "EUR", "reference": "R", "customer_id": "C"}, "amount_minor"),
        (money(10**13, "R") | {"customer_id": "C"}, "amount_minor"),
        (money(10, "R", "eur") | {"customer_id": "C"}, "currency"),
        (money(10, "") | {"customer_id": "C"}, "reference"),
        (money(10, "R" * 256) | {"customer_id": "C"}, "reference"),
        (money(10, "R"), "customer_id"),
    ],
)
def test_a_bad_field_is_named(bench: Bench, content: dict[str, Any], field: str) -> None:
    status, answer, _ = bench.call("POST", "/v1/authorisations", content)
    assert (status, answer["code"], answer["field"]) == (400, "invalid_field", field)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"NaN", b"[" * 50_000, b'"text"', b"\xff\xfe"])
def test_a_body_that_is_no_json_object_is_refused_and_the_gateway_lives_on(bench: Bench, body: bytes) -> None:
    status, answer, _ = bench.call("POST", "/v1/authorisations", body)
    assert status == 400
    assert answer["code"] in ("invalid_json", "invalid_field")
    assert bench.authorised()


def test_a_body_above_the_cap_is_refused(bench: Bench) -> None:
    content = money(1, "R") | {"customer_id": "C", "note": "x" * 70_000}
    assert bench.call("POST", "/v1/authorisations", content)[0] == 413


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/authorisations/auth_none"),
        ("POST", "/v1/authorisations/auth_none/captures"),
        ("POST", "/v1/captures/cap_none/refunds"),
        ("GET", "/v1/settlements/set_none/lines"),
        ("GET", "/v1/nothing"),
        ("DELETE", "/v1/authorisations/auth_none"),
    ],
)
def test_what_is_not_there_is_404(bench: Bench, method: str, path: str) -> None:
    content = money(1, "R") if method == "POST" else None
    status, answer, _ = bench.call(method, path, content)
    assert (status, answer["code"]) == (404, "not_found")


def test_a_limit_out_of_bounds_is_refused(bench: Bench) -> None:
    bench.captured()
    bench.pass_time(days=1)
    (day,) = bench.call("GET", "/v1/settlements")[1]["data"]
    for query in ("limit=0", "limit=1001", "limit=x", "page_token=-1", "limit=²"):
        path = f"/v1/settlements/{day['id']}/lines?{query.replace('²', '%C2%B2')}"
        assert bench.call("GET", path)[0] == 400
    assert bench.call("GET", "/v1/settlements?created_after=yesterday")[0] == 400


def test_a_cursor_taken_from_the_wire_finds_no_settlement_twice(bench: Bench) -> None:
    bench.now += timedelta(microseconds=123_456)
    bench.captured()
    bench.gateway.settle_now()
    (day,) = bench.call("GET", "/v1/settlements")[1]["data"]
    assert bench.call("GET", f"/v1/settlements?created_after={day['closed_at']}")[1] == {"data": []}


# -- webhooks --------------------------------------------------------------------------------------------------------


def test_a_webhook_is_signed_as_the_standard_says(bench: Bench) -> None:
    bench.captured()
    bench.world.tick()
    (request,) = bench.received
    assert (request.method, request.path) == ("POST", "/hooks/gateway")
    timestamp = request.headers["webhook-timestamp"]
    assert int(timestamp) == int(MACHINE.timestamp())
    signed = b".".join([request.headers["webhook-id"].encode(), timestamp.encode(), request.body])
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{expected}"
    event = json.loads(request.body)
    assert event["id"] == request.headers["webhook-id"]
    assert (event["type"], event["time"]) == ("capture.succeeded", "2026-11-09T08:00:00.000Z")
    assert event["data"]["reference"] == "CAP-1"


def test_the_signature_of_the_standards_own_example() -> None:
    """Source: the Standard Webhooks specification's reference test vector."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signature = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_webhook_nobody_takes_is_sent_again_until_it_is_given_up(bench: Bench) -> None:
    bench.answers = [Response(503), Hang(applied=False), Response(500)]
    bench.captured()
    bench.world.tick()
    assert len(bench.received) == 1
    for pause in (5, 30, 120):
        bench.pass_time(seconds=pause - 1)
        before = len(bench.received)
        bench.pass_time(seconds=1)
        assert len(bench.received) == before + 1
    assert len({request.headers["webhook-id"] for request in bench.received}) == 1
    assert bench.sender.undelivered() == 0
    bench.pass_time(days=3)
    assert len([topic for topic in bench.topics() if topic == "capture.succeeded"]) == 4


def test_a_receiver_that_is_dead_for_days_is_given_up_after_eight_tries(bench: Bench) -> None:
    bench.answers = [Response(502)] * 20
    bench.call("POST", "/v1/transfers", money(5, "V") | {"destination": "shop-9"})
    bench.world.tick()
    assert bench.sender.undelivered() == 1
    for pause in RETRY_PAUSES_S:
        bench.pass_time(seconds=pause)
    bench.pass_time(days=2)
    assert len(bench.received) == 8
    assert bench.sender.undelivered() == 0


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("lost", []),
        ("duplicate", ["CAP-1", "CAP-1"]),
        ("dup-other-content", ["CAP-1", "CAP-1-other"]),
        ("out-of-order", ["CAP-1"]),
    ],
)
def test_planned_webhook_faults_really_happen(bench: Bench, kind: str, expected: list[str]) -> None:
    bench.world.faults.add(Fault("gateway", "webhook:capture.succeeded", 1, kind))
    bench.captured()
    bench.world.tick()
    if kind == "out-of-order":
        assert bench.received == []
    bench.pass_time(minutes=5)
    assert [json.loads(request.body)["data"]["reference"] for request in bench.received] == expected
    assert len({request.headers["webhook-id"] for request in bench.received}) == min(1, len(expected))
    assert bench.world.faults.fired[kind, "webhook:capture.succeeded"] == 1


# -- faults on calls ---------------------------------------------------------------------------------------------------


def test_an_answer_lost_after_a_capture_is_settled_by_the_same_key(bench: Bench) -> None:
    bench.world.faults.add(Fault("gateway", "capture", 1, "timeout-after"))
    path = f"/v1/authorisations/{bench.authorised()}/captures"
    with pytest.raises((http.client.HTTPException, OSError)):
        bench.call("POST", path, money(1_000, "CAP-1"), key="K1")
    assert len(bench.call("GET", "/v1/operations?idempotency_key=K1")[1]["data"]) == 1
    assert bench.call("POST", path, money(1_000, "CAP-1"), key="K1")[0] == 201
    assert bench.gateway.books()["authorisations"][0]["captured_minor"] == 1_000


def test_a_capture_applied_late_is_not_there_at_the_first_look(bench: Bench) -> None:
    bench.world.faults.add(Fault("gateway", "capture", 1, "applied-late", 30))
    path = f"/v1/authorisations/{bench.authorised()}/captures"
    with pytest.raises((http.client.HTTPException, OSError)):
        bench.call("POST", path, money(1_000, "CAP-1"), key="K1")
    assert bench.call("GET", "/v1/operations?reference=CAP-1")[1]["data"] == []
    bench.pass_time(seconds=31)
    assert len(bench.call("GET", "/v1/operations?reference=CAP-1")[1]["data"]) == 1
    assert bench.call("POST", path, money(1_000, "CAP-1"), key="K1")[2]["idempotent-replayed"] == "true"


def test_a_gateway_that_is_down_for_a_call_did_nothing(bench: Bench) -> None:
    bench.world.faults.add(Fault("gateway", "capture", 1, "503"))
    path = f"/v1/authorisations/{bench.authorised()}/captures"
    assert bench.call("POST", path, money(1_000, "CAP-1"), key="K1")[0] == 503
    assert bench.gateway.books()["operations"] == []


def test_the_books_agree_with_themselves(bench: Bench) -> None:
    capture = bench.captured()
    bench.call("POST", f"/v1/captures/{capture}/refunds", money(600, "REF-1"), key="K")
    books = json.loads(json.dumps(bench.world.books()))["gateway"]
    assert books["unbalanced"] == []
    (day,) = books["settlements"]
    assert day["state"] == "open"
    assert sum(line["amount_minor"] - line["fee_minor"] for line in day["lines"]) == books["balances"]["EUR"]
