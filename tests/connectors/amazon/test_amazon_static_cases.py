"""Every static case of Amazon's own orders v0 model, through the connector, as what it is: a result or a refusal with a name.

The file lies beside the checkout and is nobody's of this project; where it is absent, this is skipped and says so.
"""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from connectors.amazon.house import secrets
from connectors.market import START, Answers, make_ctx, said

from entrepot.connectors.amazon.wire import SELLER
from entrepot.connectors.exchange import Call, Good, Rejected
from entrepot.connectors.port import Access, Connector, Malformed, ProblemCode
from entrepot.connectors.registry import connect
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, Refused
from entrepot.outbox.port import OutgoingEffect
from entrepot.sandbox.amazon import MARKETS
from entrepot.trade.order.model import OrderSeen

pytestmark = pytest.mark.foreign


def shared() -> Path | None:
    """The folder of foreign samples beside the checkout, or where ENTREPOT_SHARED_DATA says."""
    named = os.environ.get("ENTREPOT_SHARED_DATA")
    beside = [Path(named)] if named else [parent / "shared/data" for parent in Path(__file__).resolve().parents]
    found = [folder for folder in beside if (folder / "amazon-orders-v0/static-cases.json").is_file()]
    return found[0] if found else None


FOLDER = shared()
CASES: list[dict[str, Any]] = (
    json.loads((FOLDER / "amazon-orders-v0/static-cases.json").read_text()) if FOLDER is not None else []
)
TOKEN = said(200, '{"access_token":"Atza|1","token_type":"bearer","expires_in":3600}')
ITEMS = next((case for case in CASES if (case["operation"], case["status"]) == ("getOrderItems", "200")), {})


@pytest.fixture(autouse=True)
def needs_samples() -> None:
    if FOLDER is None:
        pytest.skip("../shared/data/amazon-orders-v0 is not beside this checkout")


def answer_of(case: dict[str, Any]) -> HttpResponse:
    status = int(case["status"])
    return said(status, b"" if status == 204 else json.dumps(case["response"]).encode())


def bound(*answers: HttpResponse) -> tuple[Connector, Ctx]:
    def reader(value: str) -> Any:
        return lambda: value

    held = {name: reader(value) for name, value in secrets(MARKETS["US"], orders_api="v0").items()}
    channel = connect("amazon", Access("amazon-us/main", "http://spapi.example", held))
    return channel, make_ctx(Answers(TOKEN, *answers), ManualClock(START))


def cases(*operations: str, rest: bool = False) -> pytest.MarkDecorator:
    known = {"getOrders", "getOrder", "getOrderItems", "confirmShipment"}
    chosen = [case for case in CASES if (case["operation"] not in known if rest else case["operation"] in operations)]
    named = [pytest.param(case, id=f"{case['operation']}-{case['status']}-{CASES.index(case)}") for case in chosen]
    return pytest.mark.parametrize("case", named or [pytest.param({}, id="no samples")])


def read(channel: Connector, record: Any) -> Any:
    return channel.translators[record.kind](record.body)


def sample_items() -> HttpResponse:
    return answer_of(ITEMS)


@cases("getOrders")
def test_a_list_of_orders_is_read_with_the_items_of_each(case: dict[str, Any]) -> None:
    orders = case["response"].get("payload", {}).get("Orders", [])
    channel, ctx = bound(answer_of(case), *(sample_items() for _ in orders))
    pages = list(channel.sources["orders"].fetch(ctx, None))
    if case["status"] != "200":
        assert pages[-1].problem is not None
        assert pages[-1].problem.code is ProblemCode.REFUSED
        assert case["response"]["errors"][0]["code"] in pages[-1].problem.words
        return
    assert pages[-1].problem is None
    assert ("NextToken" in case["response"]["payload"]) is ("|" in (pages[-1].cursor or ""))
    records = [record for page in pages for record in page.received]
    assert len(records) == len(orders)
    for record, order in zip(records, orders, strict=True):
        seen = read(channel, record)
        assert isinstance(seen, OrderSeen), seen
        assert (seen.order_id, seen.their_state) == (order["AmazonOrderId"], order["OrderStatus"])


@cases("getOrder")
def test_one_order_is_looked_up_with_its_items(case: dict[str, Any]) -> None:
    channel, ctx = bound(answer_of(case), sample_items())
    page = channel.lookups["order"].one(ctx, case["request"]["parameters"]["orderId"]["value"])
    if case["status"] != "200":
        assert page.problem is not None
        assert page.problem.code is ProblemCode.REFUSED
        return
    assert page.problem is None
    seen, order = read(channel, page.received[0]), case["response"]["payload"]
    if order["OrderTotal"]["CurrencyCode"] != "USD":  # the only items they show are of another order, in dollars
        assert seen == Malformed("amounts in EUR and USD")
        return
    assert isinstance(seen, OrderSeen), seen
    assert seen.order_id == order["AmazonOrderId"]


@cases("getOrderItems")
def test_items_are_read_or_their_refusal_is(case: dict[str, Any]) -> None:
    head = next(one for one in CASES if (one["operation"], one["status"]) == ("getOrder", "200"))
    channel, ctx = bound(answer_of(head), answer_of(case))
    page = channel.lookups["order"].one(ctx, "902-1845936-5435065")
    if case["status"] != "200":
        assert page.problem is not None
        assert page.problem.code is ProblemCode.REFUSED
        return
    seen = read(channel, page.received[0])
    assert isinstance(seen, OrderSeen), seen
    theirs = case["response"]["payload"]["OrderItems"]
    assert [(line.order_line_id, line.sku, line.quantity) for line in seen.lines] == [
        (item["OrderItemId"], item["SellerSKU"], item["QuantityOrdered"]) for item in theirs
    ]


@cases("confirmShipment")
def test_a_shipment_is_confirmed_or_refused_in_their_words(case: dict[str, Any]) -> None:
    asked = case["request"]["parameters"]["body"]["value"]["packageDetail"]
    lines = [{"line_id": one["orderItemId"], "quantity": one["quantity"]} for one in asked["orderItems"]]
    payload = {
        "order_id": case["request"]["parameters"]["orderId"]["value"],
        "our_number": "O-1",
        "parcel": asked["packageReferenceId"],
        "carrier": asked["carrierCode"],
        "tracking": asked["trackingNumber"],
        "shipped_at": "2022-02-11T01:00:00.000Z",
        "lines": lines,
        "service": asked["shippingMethod"],
    }
    gone = said(404, '{"errors":[{"code":"NotFound","message":"no"}]}')
    channel, ctx = bound(answer_of(case), gone)
    until = ctx.clock.machine().replace(year=ctx.clock.machine().year + 1)
    effect = OutgoingEffect("k", "amazon.ship", channel.account, payload, 1, until)
    outcome, _ = channel.operations["amazon.ship"].send(ctx, effect)
    assert isinstance(outcome, Done if case["status"] == "204" else Refused), outcome
    http: Any = ctx.http
    sent = json.loads(http.sent[1].body)["packageDetail"]
    for name in ("packageReferenceId", "carrierCode", "trackingNumber", "orderItems", "shippingMethod"):
        theirs = (
            [{k: v for k, v in one.items() if k != "transparencyCodes"} for one in asked[name]]
            if name == "orderItems"
            else asked[name]
        )
        assert sent[name] == theirs, name
    channel, ctx = bound(answer_of(case))
    effect = OutgoingEffect("k", "amazon.ship", channel.account, {**payload, "shipped_at": "02/21/2022"}, 1, until)
    refused, _ = channel.operations["amazon.ship"].send(ctx, effect)
    assert isinstance(refused, Refused)  # a date of no zone never leaves


@cases(rest=True)
def test_what_the_connector_does_not_use_is_still_sorted_by_its_wire(case: dict[str, Any]) -> None:
    channel, ctx = bound(answer_of(case))
    wire: Any = channel.operations["amazon.ship"].wire  # type: ignore[attr-defined]
    given = case["request"]["parameters"]
    order_id = given.get("orderId", {}).get("value", "902-1106328-1059050")
    body = json.dumps(given.get("body", {}).get("value", {})).encode()
    path = case["path"].replace("{orderId}", quote(order_id, safe=""))
    answer, detail = wire.call(ctx, SELLER, Call(case["method"], path, (), {}, body))
    assert detail["status"] == int(case["status"])
    if int(case["status"]) < 300:
        assert isinstance(answer, Good)
        return
    assert isinstance(answer, Rejected)
    errors = case["response"].get("errors")
    assert answer.refusal.code == (errors[0]["code"] if errors else "HTTP 400")
    assert answer.refusal.words


@cases("getOrders", "getOrder", "getOrderItems", "confirmShipment", rest=False)
def test_no_case_is_an_order_of_2026_by_mistake(case: dict[str, Any]) -> None:
    """Their answer as it is, taken for a record: refused by name, never a crash."""
    channel, _ = bound()
    body = json.dumps(case["response"]).encode()
    for reader in channel.translators.values():
        assert not isinstance(reader(body), OrderSeen)
    assert isinstance(channel.translators["channel-order"](body), Malformed)
