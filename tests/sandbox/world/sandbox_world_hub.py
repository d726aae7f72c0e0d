"""A hub of the smallest kind, for proving that the simulated world is alive: it forwards, captures, confirms.

It keeps no database and reads by polling. Whatever fails is tried again at its next round with the same key.
"""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from entrepot.sandbox.core import Hang, Request, Response, World, json_response
from entrepot.sandbox.scenario import Options, Stage, stage

START = datetime(2026, 11, 9, 7, tzinfo=UTC)
MACHINE = datetime(2026, 1, 5, 3, tzinfo=UTC)
ROUND_S = 300
DECIMALS = {"EUR": 2, "JPY": 0, "KWD": 3}


def major(minor: int, currency: str) -> float:
    return float(Decimal(minor).scaleb(-DECIMALS[currency]))


def minor(amount: float | str, currency: str) -> int:
    scaled = Decimal(str(amount)).scaleb(DECIMALS[currency])
    assert scaled == scaled.to_integral_value()
    return int(scaled)


class FakeHub:
    """Takes baskets, makes orders of them, captures when asked to, refunds when asked to, confirms payouts."""

    def __init__(self) -> None:
        self.world: World | None = None
        self.baskets: dict[str, dict[str, Any]] = {}
        self.forwarded: set[str] = set()
        self.webhooks: Counter[str] = Counter()
        self.paid_transfers: dict[str, dict[str, Any]] = {}
        self.confirmed: set[str] = set()
        self.released: set[str] = set()
        self.down_until: datetime | None = None
        self.now: Callable[[], datetime] = lambda: START
        self.unsellable: set[str] = set()

    # -- called by the world ---------------------------------------------------------------------------------------

    def outbound(self, base_url: str, request: Request) -> Response | Hang:
        assert base_url == "http://hub.invalid"
        if self.down_until is not None and self.now() < self.down_until:
            return Hang(applied=False)
        content = json.loads(request.body)
        match request.method, request.path:
            case "POST", "/api/v1/checkout/check":
                lines = [
                    {"offer_id": line["offer_id"], "ok": line["offer_id"] not in self.unsellable}
                    for line in content["lines"]
                ]
                return json_response(200, {"sellable": all(line["ok"] for line in lines), "lines": lines})
            case "POST", "/api/v1/baskets":
                assert request.headers["authorization"] == "Bearer storefront-key"
                assert request.headers["idempotency-key"] == content["commercial_id"]
                known = self.baskets.setdefault(content["commercial_id"], content)
                assert known == content
                self._forward(content)
                return json_response(201, {"basket_id": f"b-{content['commercial_id']}", "state": "open"})
            case "POST", "/hooks/mirakl-fr" | "/hooks/gateway":
                self.webhooks[content["type"]] += 1
                if content["type"] == "transfer.paid":
                    self.paid_transfers[content["data"]["reference"]] = content["data"]
                return Response(204)
        return json_response(404, {})

    # -- its own rounds --------------------------------------------------------------------------------------------

    def work(self) -> None:
        for content in list(self.baskets.values()):
            self._forward(content)
        for order in self._pages("/api/payment/debit"):
            self._charge(order)
        for order in self._pages("/api/payment/refund"):
            self._pay_back(order)
        self._release_decided()
        self._confirm_payouts()

    def call(self, system: str, method: str, path: str, content: Any = None, **headers: str) -> Any:
        """One call; None when it did not work out this time."""
        assert self.world is not None
        path, _, query = path.partition("?")
        pairs = tuple((name, value) for name, _, value in (part.partition("=") for part in query.split("&") if part))
        auth = "front-key" if system == "mirakl" else "Bearer gw-secret"
        body = b"" if content is None else json.dumps(content).encode()
        common = {"authorization": auth, "content-type": "application/json"}
        answer = self.world.handle(system, Request(method, path, pairs, {**common, **headers}, body))
        if isinstance(answer, Hang) or answer.status >= 400:
            return None
        try:
            return answer.json() if answer.body else {}
        except ValueError:
            return None

    def _pages(self, path: str) -> list[dict[str, Any]]:
        answer = self.call("mirakl", "GET", f"{path}?max=100")
        return list(answer["orders"]["order"]) if answer else []

    def _forward(self, content: dict[str, Any]) -> None:
        if content["commercial_id"] in self.forwarded:
            return
        currency = content["currency"]
        order = {
            "commercial_id": content["commercial_id"],
            "scored": True,
            "customer": content["customer"],
            "currency_iso_code": currency,
            "shipping_zone_code": "FR",
            "offers": [
                {
                    "offer_id": int(line["offer_id"]),
                    "offer_price": major(line["unit_price_minor"], currency),
                    "price": major(line["unit_price_minor"] * line["quantity"], currency),
                    "quantity": line["quantity"],
                    "shipping_price": major(line["shipping_minor"], currency),
                    "shipping_type_code": "STD",
                    "order_line_additional_fields": [],
                }
                for line in content["lines"]
            ],
        }
        answer = self.call("mirakl", "POST", "/api/orders", order)
        known = self.call("mirakl", "GET", f"/api/orders?commercial_ids={content['commercial_id']}")
        if (answer and answer["orders"]) or (known and known["orders"]):
            self.forwarded.add(content["commercial_id"])

    def _charge(self, order: dict[str, Any]) -> None:
        basket = self.baskets[order["order_commercial_id"]]
        currency = order["currency_iso_code"]
        money = {
            "amount_minor": minor(order["amount"], currency),
            "currency": currency,
            "reference": f"capture-{order['order_id']}",
        }
        path = f"/v1/authorisations/{basket['authorisation']['id']}/captures"
        capture = self.call("gateway", "POST", path, money, **{"idempotency-key": money["reference"]})
        if capture:
            told = {
                "order_id": order["order_id"],
                "customer_id": order["customer_id"],
                "amount": order["amount"],
                "currency_iso_code": currency,
                "payment_status": "OK",
                "transaction_number": capture["id"],
                "transaction_date": capture["created_at"],
            }
            self.call("mirakl", "PUT", "/api/payment/debit", {"orders": [told]})

    def _pay_back(self, order: dict[str, Any]) -> None:
        found = self.call("gateway", "GET", f"/v1/operations?reference=capture-{order['order_id']}")
        if not found or not found["data"]:
            return
        capture, currency = found["data"][0], order["currency_iso_code"]
        for line in order["order_lines"]["order_line"]:
            for refund in line["refunds"]["refund"]:
                money = {
                    "amount_minor": minor(refund["amount"], currency),
                    "currency": currency,
                    "reference": f"refund-{refund['id']}",
                }
                path = f"/v1/captures/{capture['id']}/refunds"
                made = self.call("gateway", "POST", path, money, **{"idempotency-key": money["reference"]})
                if made:
                    told = {
                        "refund_id": refund["id"],
                        "amount": refund["amount"],
                        "currency_iso_code": currency,
                        "payment_status": "OK",
                        "transaction_number": made["id"],
                        "transaction_date": made["created_at"],
                    }
                    self.call("mirakl", "PUT", "/api/payment/refund", {"refunds": [told]})

    def _release_decided(self) -> None:
        """What no leg will need any more goes back to the buyer."""
        for commercial_id, content in list(self.baskets.items()):
            if commercial_id in self.released:
                continue
            answer = self.call("mirakl", "GET", f"/api/orders?commercial_ids={commercial_id}&max=100")
            orders = answer["orders"] if answer else []
            over = ("REFUSED", "CANCELED")
            if not orders or any(not one["customer_debited_date"] and one["order_state"] not in over for one in orders):
                continue
            money = self.call("gateway", "GET", f"/v1/authorisations/{content['authorisation']['id']}")
            if not money:
                continue
            left = {
                "amount_minor": money["open_minor"],
                "currency": money["currency"],
                "reference": f"release-{commercial_id}",
            }
            path = f"/v1/authorisations/{money['id']}/releases"
            if not money["open_minor"] or self.call(
                "gateway", "POST", path, left, **{"idempotency-key": left["reference"]}
            ):
                self.released.add(commercial_id)

    def _confirm_payouts(self) -> None:
        wanted = {voucher: one for voucher, one in list(self.paid_transfers.items()) if voucher not in self.confirmed}
        if not wanted:
            return
        answer = self.call("mirakl", "GET", "/api/seller-billing-cycles?limit=100")
        for cycle in answer["data"] if answer else []:
            transfer = wanted.get(cycle["payment_voucher_number"])
            if transfer and cycle["pay_out"]["state"] == "TO_PAY":
                paid = {
                    "status": "PAID",
                    "payment_date": transfer["created_at"],
                    "transaction_number": transfer["id"],
                }
                if (
                    self.call("mirakl", "PUT", "/api/seller-billing-cycles", [{"id": cycle["id"], "pay_out": paid}])
                    is not None
                ):
                    self.confirmed.add(cycle["payment_voucher_number"])


class Day:
    """A staged world, the fake hub, and a clock that jumps to whatever happens next."""

    def __init__(self, seed: int, orders: int, faults: Any = "none", options: Options | None = None) -> None:
        self.clock = START
        self.hub = FakeHub()
        self.stage: Stage = stage(
            lambda: self.clock,
            lambda: MACHINE,
            seed,
            "http://hub.invalid",
            orders=orders,
            faults=faults,
            outbound=self.hub.outbound,
            options=options or Options(finish="close-books"),
        )
        self.hub.world = self.stage.world
        self.hub.now = lambda: self.clock

    @property
    def world(self) -> World:
        return self.stage.world

    def run(self, until: Callable[[], bool] | None = None, days: int = 12) -> None:
        """Live until the world is done (or `until` says so); a world that never ends is a failure."""
        over = until or self.stage.director.done
        end = self.clock + timedelta(days=days)
        while not over():
            self.world.tick()
            self.hub.work()
            self.world.tick()
            due = self.world.next_due()
            step = self.clock + timedelta(seconds=ROUND_S)
            self.clock = max(min(step, due or step), self.clock + timedelta(seconds=1))
            assert self.clock < end, f"still waiting for {self.stage.director.waiting()}"

    def books(self) -> dict[str, Any]:
        with self.world.lock:
            return dict(json.loads(json.dumps(self.world.books())))
