"""Whatever is sent, in whatever order: an answer, never a crash; and goods, money and states that still fit."""

import json
from collections import defaultdict
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox.mirakl.mirakl_market import CATEGORIES, OFFERS, SHOPS, MovableClock, basket_line, customer

from entrepot.sandbox.core import Request, Response, World
from entrepot.sandbox.mirakl import Mirakl, Settings
from entrepot.sandbox.mirakl.order_queries import ORDER_STATES

WRITES = [
    ("POST", "/api/orders"),
    ("PUT", "/api/orders/C1-A/accept"),
    ("PUT", "/api/orders/C1-A/tracking"),
    ("PUT", "/api/orders/refund"),
    ("PUT", "/api/orders/cancel"),
    ("PUT", "/api/payment/debit"),
    ("PUT", "/api/payment/refund"),
    ("POST", "/api/shipments"),
    ("POST", "/api/shipments/tracking"),
    ("PUT", "/api/shipments/ship"),
    ("POST", "/api/returns"),
    ("PUT", "/api/returns/accept"),
    ("PUT", "/api/returns/receive"),
    ("PUT", "/api/returns/compliance"),
    ("PUT", "/api/returns/close"),
    ("POST", "/api/offers"),
    ("PUT", "/api/shops"),
    ("PUT", "/api/seller-billing-cycles"),
]
NAMES = st.sampled_from(
    [
        *(
            "orders",
            "order_lines",
            "refunds",
            "cancelations",
            "shipments",
            "returns",
            "offers",
            "shops",
            "id",
            "accepted",
        ),
        *("order_id", "order_line_id", "amount", "shipping_amount", "quantity", "currency_iso_code", "customer_id"),
        *("payment_status", "refund_id", "reason_code", "shipment_lines", "return_lines", "tracking", "commercial_id"),
        *("customer", "offer_id", "offer_price", "price", "shop_id", "kyc", "status", "pay_out", "order_commercial_id"),
        *("method_code", "compliant", "lastname", "carrier_code", "shop_sku", "product_id", "shop_additional_fields"),
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**18), 10**18),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", "C1", "C1-A", "C1-A-1", "OK", "REFUSED", "EUR", "PAID", "buyer-1", "HB-1", "EAN-1", "\x00", "é"]
    ),
)
BODIES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=6)),
    max_leaves=25,
)
FIELDS = ("order_id", "customer_id", "order_line_id", "id", "commercial_id")


class Sandboxed:
    """A marketplace called in process: an exception in it fails the test."""

    def __init__(self) -> None:
        self.clock = MovableClock()
        self.world = World(self.clock, 1, None)
        chosen = Settings(shops=SHOPS, categories=CATEGORIES, offers=OFFERS, ceilings={})
        self.mirakl = Mirakl(self.world, self.clock, None, chosen)
        self.world.mount("mirakl", self.mirakl)
        self.initial = {offer.offer_id: offer.quantity for offer in self.mirakl.portal.offers()}

    def call(self, method: str, path: str, body: Any = None, query: tuple[tuple[str, str], ...] = ()) -> Response:
        """One call by the operator."""
        sent = b"" if body is None else json.dumps(body).encode()
        answer = self.world.handle("mirakl", Request(method, path, query, {"authorization": "operator-key"}, sent))
        assert isinstance(answer, Response)
        assert answer.status < 500
        return answer

    def buy(self, commercial_id: str, workflow: str, *wanted: tuple[int, int]) -> None:
        """A basket."""
        offers = {offer.offer_id: offer for offer in OFFERS}
        body = {
            "commercial_id": commercial_id,
            "scored": True,
            "customer": customer(),
            "currency_iso_code": "EUR",
            "payment_workflow": workflow,
            "offers": [basket_line(offers[offer_id], quantity) for offer_id, quantity in wanted],
        }
        assert self.call("POST", "/api/orders", body).status == 201

    def check(self) -> None:
        """Goods are neither made nor lost, states are documented, refunds never exceed what was paid."""
        books = self.mirakl.books()
        held: dict[int, int] = defaultdict(int)
        for order in books["orders"]:
            assert order["state"] in ORDER_STATES
            assert order["debited_minor"] <= sum(line["owed_minor"] for line in order["lines"])
            for line in order["lines"]:
                held[line["offer_id"]] += line["quantity"] - line["refused"] - line["cancelled"]
                assert 0 <= line["shipped"] <= line["accepted"] - line["cancelled"] or not line["accepted"]
                assert line["refunded_minor"] <= line["refund_asked_minor"] <= line["owed_minor"]
                assert not line["refund_asked_minor"] or order["debit"] == "DEBITED"
            owed = sum(line["price_minor"] + line["shipping_minor"] for line in order["lines"])
            assert 0 <= order["owed_minor"] <= owed
            self._check_log(order, books["transaction_lines"])
        for offer in books["offers"]:
            assert offer["quantity"] + held[offer["offer_id"]] == self.initial[offer["offer_id"]]

    @staticmethod
    def _check_log(order: dict[str, Any], log: list[dict[str, Any]]) -> None:
        own = [line for line in log if line["order_id"] == order["order_id"]]
        paid = sum(line["credited_minor"] for line in own if line["type"].startswith("ORDER_"))
        back = sum(line["debited_minor"] for line in own if line["type"].startswith("REFUND_ORDER_"))
        assert paid == order["debited_minor"]
        assert back == sum(line["refunded_minor"] for line in order["lines"])
        kept = sum(line["debited_minor"] - line["credited_minor"] for line in own if "COMMISSION" in line["type"])
        assert kept >= 0
        assert kept == 0 or back < paid


@given(st.lists(st.tuples(st.sampled_from(WRITES), BODIES), min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_whatever_body_is_sent_the_answer_is_an_answer(calls: list[tuple[tuple[str, str], Any]]) -> None:
    world = Sandboxed()
    world.buy("C1", "PAY_ON_ACCEPTANCE", (101, 2), (102, 1))
    for (method, path), body in calls:
        world.call(method, path, body)
    world.check()


@given(
    st.sampled_from(["orders", "shipments", "returns", "invoices", "seller-billing-cycles", "offers", "shops"]),
    st.lists(
        st.tuples(
            st.sampled_from(
                ["max", "offset", "limit", "page_token", "start_update_date", "order_ids", "shop_id", "type"]
            ),
            st.one_of(
                st.text(max_size=12), st.integers(-5, 10**20).map(str), st.sampled_from(["2026-11-02T09:00:00Z", "0"])
            ),
        ),
        max_size=4,
    ),
)
@settings(max_examples=150, deadline=None)
def test_whatever_is_asked_of_a_list_the_answer_is_an_answer(path: str, query: list[tuple[str, str]]) -> None:
    world = Sandboxed()
    world.buy("C1", "PAY_ON_ACCEPTANCE", (101, 1))
    world.call("GET", f"/api/{path}", query=tuple(query))


STEPS = st.sampled_from(
    [
        *(
            "accept",
            "refuse-one",
            "list-debits",
            "pay",
            "pay-refused",
            "ship",
            "ship-part",
            "announce",
            "leave",
            "receive",
        ),
        *("refund", "refund-rest", "list-refunds", "pay-back", "cancel", "cancel-part", "return", "wait", "wait-long"),
    ]
)
WORKFLOWS = st.sampled_from(
    ["PAY_ON_ACCEPTANCE", "PAY_ON_SHIPMENT", "PAY_ON_DELIVERY", "NO_CUSTOMER_PAYMENT_CONFIRMATION"]
)


@given(WORKFLOWS, st.lists(STEPS, max_size=25))
@settings(max_examples=250, deadline=None)
def test_whatever_is_done_to_an_order_goods_and_money_still_fit(workflow: str, steps: list[str]) -> None:
    world = Sandboxed()
    world.buy("C1", workflow, (101, 3), (102, 2))
    for step in steps:
        take(world, step)
        world.check()
    world.clock.at = world.clock.at.replace(year=2027)
    world.world.tick()
    world.check()


def take(world: Sandboxed, step: str) -> None:
    """One step of somebody; the marketplace may refuse it."""
    order = world.mirakl.portal.order("C1-A")
    first = order.lines["C1-A-1"]
    line = {"order_line_id": "C1-A-1", "quantity": 1, "reason_code": "R", "currency_iso_code": "EUR"}
    rest = (first.price_minor - sum(r.amount_minor for r in first.refunds)) / 100
    shipping = (first.shipping_minor - sum(r.shipping_minor for r in first.refunds)) / 100
    parcel = {"order_id": "C1-A", "shipment_lines": [{"order_line_id": "C1-A-1", "quantity": 1}]}
    open_parcels = [parcel.shipment_id for parcel in world.mirakl.platform.tables.shipments.values()]
    debit = {"order_id": "C1-A", "customer_id": "buyer-1", "amount": order.owed_minor / 100, "currency_iso_code": "EUR"}
    refunds = [
        {"refund_id": key, "amount": refund.total_minor / 100, "currency_iso_code": "EUR", "payment_status": "OK"}
        for key, refund in world.mirakl.platform.tables.refunds.items()
        if refund.state == "WAITING_REFUND_PAYMENT"
    ]
    calls: dict[str, tuple[str, str, Any]] = {
        "accept": ("PUT", "/api/orders/C1-A/accept", {"order_lines": [_decision(1, True), _decision(2, True)]}),
        "refuse-one": ("PUT", "/api/orders/C1-A/accept", {"order_lines": [_decision(1, True), _decision(2, False)]}),
        "list-debits": ("GET", "/api/payment/debit", None),
        "pay": ("PUT", "/api/payment/debit", {"orders": [{**debit, "payment_status": "OK"}]}),
        "pay-refused": ("PUT", "/api/payment/debit", {"orders": [{**debit, "payment_status": "REFUSED"}]}),
        "ship": ("PUT", "/api/orders/C1-A/ship", None),
        "ship-part": ("POST", "/api/shipments", {"shipments": [{**parcel, "shipped": True}]}),
        "announce": ("POST", "/api/shipments", {"shipments": [parcel]}),
        "leave": ("PUT", "/api/shipments/ship", {"shipments": [{"id": key} for key in open_parcels]}),
        "refund": (
            "PUT",
            "/api/orders/refund",
            {"refunds": [{**line, "amount": 7.77, "excluded_from_shipment": True}]},
        ),
        "refund-rest": (
            "PUT",
            "/api/orders/refund",
            {"refunds": [{**line, "amount": rest, "shipping_amount": shipping}]},
        ),
        "list-refunds": ("GET", "/api/payment/refund", None),
        "pay-back": ("PUT", "/api/payment/refund", {"refunds": refunds}),
        "cancel": ("PUT", "/api/orders/C1-A/cancel", None),
        "cancel-part": (
            "PUT",
            "/api/orders/cancel",
            {"cancelations": [{**line, "amount": 19.99, "shipping_amount": 3.5}]},
        ),
        "return": ("POST", "/api/returns", {"returns": [_return()]}),
    }
    if step in calls:
        world.call(*calls[step])
    elif step == "receive":
        if order.state in ("SHIPPED", "TO_COLLECT"):
            world.mirakl.portal.receive("C1-A")
    else:
        world.clock.at += world.mirakl.settings.acceptance_window / (48 if step == "wait" else 1)
        world.world.tick()


def _decision(line: int, accepted: bool) -> dict[str, Any]:
    return {"id": f"C1-A-{line}", "accepted": accepted}


def _return() -> dict[str, Any]:
    lines = [{"order_line_id": "C1-A-1", "quantity": 1, "reason_code": "R"}]
    return {"order_commercial_id": "C1", "method_code": "STANDARD", "return_lines": lines, "accepted": True}
