"""A vendor who ships directly: every write under the contract, and an order that is never half accepted."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from connectors.amazon.house import AT_ONCE, PRODUCTS
from connectors.channel import ChannelMarket
from connectors.contract import Scene, Story, TwiceIsOnce

from entrepot.blueprint.model import Account, Plan, System
from entrepot.connectors.amazon_vendor.connector import MANIFEST, connect
from entrepot.connectors.amazon_vendor.orders import order
from entrepot.connectors.amazon_vendor.wire import RESTRICTED_PATH
from entrepot.connectors.port import Malformed
from entrepot.flows.channels import SalesChannels
from entrepot.flows.consequences import Consequences
from entrepot.flows.order_intake import HandedOver, OrderIntake
from entrepot.flows.parts import Parts
from entrepot.inbox.model import Message
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.outcome import Done, Later, NotThere, Refused, Unknown, Unrecognised
from entrepot.outbox.port import Effect
from entrepot.proof.plans import plan_of
from entrepot.sandbox.amazon import Amazon, Settings
from entrepot.sandbox.core import World
from entrepot.trade.order import channel
from entrepot.trade.order.channel import Channel
from entrepot.trade.order.service import Applied
from entrepot.trade.order.states import LegState
from entrepot.trade.order.store import flush, load

ACKNOWLEDGE, CANCEL, SHIP = "amazon-vendor.acknowledge", "amazon-vendor.cancel", "amazon-vendor.ship"


class VendorMarket(ChannelMarket):
    """`delay`: until what is submitted is worked off."""

    def __init__(self, delay: timedelta = AT_ONCE, **settings: Any) -> None:
        chosen = Settings(products=PRODUCTS, ceilings=False, vendor_delay=delay, **settings)
        secrets = {
            "client_id": chosen.client_id,
            "client_secret": chosen.client_secret,
            "refresh_token": chosen.refresh_token,
            "token_url": "http://lwa.example/auth/o2/token",
        }

        def make(world: World, machine: Callable[[], datetime], hub: str) -> Amazon:
            return Amazon(world, machine, hub, chosen)

        super().__init__("amazon", make, secrets, more_hosts=frozenset({"lwa.example"}), connect=connect)
        self.vendor = self.system.vendor

    def place(self) -> str:
        number: str = self.vendor.place((("ATLAS-1", 2), ("LAMP-1", 1)))
        return number

    def book(self, number: str) -> dict[str, Any]:
        return next(one for one in self.system.books()["vendor_orders"] if one["order_id"] == number)

    def lines(self, number: str) -> list[dict[str, Any]]:
        return [dict(one) for one in self.book(number)["lines"]]

    def taking(self, number: str, **changed: Any) -> dict[str, Any]:
        return {"order_id": number, "our_number": "V-1", "lines": self.lines(number), **changed}

    def giving_up(self, number: str, **changed: Any) -> dict[str, Any]:
        return self.taking(number, cancellation="C-1", reason="out-of-stock", **changed)

    def parcel(self, number: str, **changed: Any) -> dict[str, Any]:
        shipped = {"parcel": "P-1", "carrier": "DHL", "tracking": "JD-1", "shipped_at": self.clock.now().isoformat()}
        return self.taking(number, **shipped, **changed)

    def accepted(self) -> str:
        number = self.place()
        assert isinstance(self.send(ACKNOWLEDGE, self.taking(number))[0], Done)
        return number

    def calls(self, path: str) -> int:
        return sum(path in one.url for one in self.http.sent)


@pytest.fixture
def market() -> Iterator[VendorMarket]:
    yield VendorMarket()


def story(market: VendorMarket, operation: str, code: str, payload: dict[str, Any]) -> Story:
    number = payload["order_id"]
    return Story(
        operation, code, payload, lambda: market.system.books()["applied"].get(code, {}).get(number, 0), system="amazon"
    )


def take(market: VendorMarket) -> Story:
    return story(market, ACKNOWLEDGE, "submitAcknowledgement", market.taking(market.place()))


def give_up(market: VendorMarket) -> Story:
    return story(market, CANCEL, "submitAcknowledgement", market.giving_up(market.place()))


def ship(market: VendorMarket) -> Story:
    return story(market, SHIP, "submitShipmentConfirmations", market.parcel(market.accepted()))


class TestWritesThatTheOrdersStatusProtects(TwiceIsOnce):
    @pytest.fixture(params=[take, give_up, ship], ids=lambda tell: tell.__name__)
    def scene(self, request: pytest.FixtureRequest, market: VendorMarket) -> Scene:
        return Scene(market, request.param(market))  # type: ignore[arg-type]


def test_every_line_is_acknowledged_in_full_under_our_own_number(market: VendorMarket) -> None:
    number = market.accepted()
    book = market.book(number)
    assert (book["state"], book["code"], book["vendor_number"]) == ("ACCEPTED", "00", "V-1")


@pytest.mark.parametrize(
    "change", ["a line is missing", "a piece is missing", "a line is named twice", "none is named"]
)
def test_an_order_is_never_half_acknowledged_nor_shipped_nor_refused(market: VendorMarket, change: str) -> None:
    number, other = market.place(), market.accepted()
    for operation, payload in (
        (ACKNOWLEDGE, market.taking(number)),
        (CANCEL, market.giving_up(number)),
        (SHIP, market.parcel(other)),
    ):
        lines = payload["lines"]
        wrong = {
            "a line is missing": lines[:1],
            "a piece is missing": [{**lines[0], "quantity": 1}, lines[1]],
            "a line is named twice": [*lines, lines[0]],
            "none is named": [],
        }[change]
        outcome, _ = market.send(operation, {**payload, "lines": wrong})
        assert isinstance(outcome, Refused)
        assert outcome.code == "whole-order-only"
    assert (market.book(number)["state"], market.book(other)["state"]) == ("NEW", "ACCEPTED")
    assert market.calls("/acknowledgements") == 1  # that of the other one


def test_what_is_taken_is_not_done_until_its_transaction_is_worked_off() -> None:
    market = VendorMarket(timedelta(minutes=3))
    payload = market.taking(market.place())
    outcome, _ = market.send(ACKNOWLEDGE, payload)
    assert isinstance(outcome, Unknown)
    assert market.book(payload["order_id"])["state"] == "NEW"
    assert isinstance(looked(market, payload, outcome.trace), Unknown)
    market.move(minutes=4)
    assert looked(market, payload, outcome.trace) == Done({"order_id": payload["order_id"]})
    assert looked(market, payload, {"transaction_id": "nobody's"}) == Done({"order_id": payload["order_id"]})


def test_a_transaction_that_fails_is_refused_in_their_words() -> None:
    market = VendorMarket(timedelta(minutes=3))
    payload = market.taking(market.place())
    outcome, _ = market.send(ACKNOWLEDGE, payload)
    assert isinstance(outcome, Unknown)
    market.vendor.cancel(payload["order_id"])
    market.move(minutes=4)
    words = f"Order {payload['order_id']} is CANCELLED and cannot be acknowledged."
    assert looked(market, payload, outcome.trace) == Refused("InvalidInput", words)
    wrong = Refused("wrong-state", f"order {payload['order_id']} is CANCELLED")
    assert market.send(ACKNOWLEDGE, payload)[0] == wrong


def looked(market: VendorMarket, payload: dict[str, Any], trace: Mapping[str, Any]) -> Any:
    effect = replace(market.effect(ACKNOWLEDGE, ACKNOWLEDGE, payload), trace=trace)
    return market.channel.operations[ACKNOWLEDGE].read_back(market.ctx, effect)[0]


def test_an_order_that_is_not_there_is_refused_and_one_that_cannot_be_looked_at_waits(market: VendorMarket) -> None:
    payload = market.taking(market.place())
    assert isinstance(market.send(ACKNOWLEDGE, {**payload, "order_id": "NOBODYS"})[0], Refused)
    market.trouble("df.getOrder", "timeout-before")
    assert isinstance(market.send(ACKNOWLEDGE, payload)[0], Later)
    assert isinstance(market.look(ACKNOWLEDGE, payload)[0], NotThere)


def test_the_tracking_number_reaches_amazon(market: VendorMarket) -> None:
    number = market.accepted()
    assert isinstance(market.send(SHIP, market.parcel(number))[0], Done)
    assert market.book(number)["parcels"] == [{"carrier": "DHL", "tracking": "JD-1", "key": "P-1"}]


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_orders_are_read_with_a_restricted_token_asked_for_once_and_in_our_words(market: VendorMarket) -> None:
    number, other = market.place(), market.accepted()
    found = {one.order_id: one for one in map(market.seen, market.sweep("orders").records)}
    assert {name: one.state for name, one in found.items()} == {
        number: LegState.AWAITING_ACCEPTANCE,
        other: LegState.TO_SHIP,
    }
    seen = found[number]
    assert (seen.total_minor, seen.currency) == (2 * 1_999 + 8_950, "EUR")
    assert [(line.order_line_id, line.sku, line.quantity, line.price_minor) for line in seen.lines] == [
        ("00001", "ATLAS-1", 2, 3_998),
        ("00002", "LAMP-1", 1, 8_950),
    ]
    assert seen.ship_due_at is not None
    assert market.calls(RESTRICTED_PATH) == 1
    assert market.channel.check(market.ctx) is None


def test_a_sweep_is_read_in_pages_and_in_periods_that_amazon_takes(market: VendorMarket) -> None:
    numbers = set()
    for _ in range(24):
        numbers.add(market.place())
        market.move(hours=12)
    cursor, found = market.clock.now() - timedelta(days=13), set[str]()
    at: str | None = cursor.isoformat()
    for _ in range(8):
        swept = market.sweep("orders", at)
        assert swept.problem is None
        found |= {record.external_id for record in swept.records}
        at = swept.cursor
    assert found == numbers
    assert at is not None and datetime.fromisoformat(at) >= market.clock.now() - timedelta(days=6)


def test_one_order_is_read_by_its_number_and_a_strange_one_is_gone(market: VendorMarket) -> None:
    number = market.place()
    [record] = market.channel.lookups["order"].one(market.ctx, number).received
    assert market.seen(record).order_id == number
    gone = market.channel.lookups["order"].one(market.ctx, "NOBODYS")
    assert (gone.received, gone.problem) == ((), None)


def test_what_cannot_be_read_is_said_and_never_good_news() -> None:
    item = b'{"itemSequenceNumber":"1","orderedQuantity":{"amount":1},"netPrice":{"currencyCode":"EUR","amount":"5"}}'
    whole = b'{"purchaseOrderNumber":"P","orderDetails":{"orderDate":"2026-03-02T08:00:00Z","orderStatus":"ON_ICE","items":[%s]}}'
    seen = order(whole % item)
    assert not isinstance(seen, Malformed | Unrecognised)
    assert seen.state == Unrecognised("orderStatus", "ON_ICE")
    assert isinstance(order(whole % b""), Malformed)
    assert isinstance(order(whole % item.replace(b'"amount":1', b'"amount":0')), Malformed)
    assert isinstance(order(b"{}"), Malformed)


# ── the promise ──────────────────────────────────────────────────────────────────────────────────────────────


def vendors_plan() -> Plan:
    shipped = plan_of("syndication")
    system = System.model_validate(
        {"name": "amazon-df", "connector": "amazon-vendor", "party": "marketplace", "environment": "sandbox"}
    )
    account = Account.model_validate(
        {"name": "amazon-df/main", "system": "amazon-df", "model": "syndication", "currency": "EUR"}
    )
    return shipped.model_copy(
        update={
            "systems": {**shipped.systems, "amazon-df": system},
            "accounts": {**shipped.accounts, "amazon-df/main": account},
        }
    )


def test_a_vendors_order_is_to_be_acknowledged_within_a_day_and_only_when_the_back_office_has_all_of_it(
    ctx: Ctx, market: VendorMarket
) -> None:
    bound = dict.fromkeys(("amazon-df/main", "backoffice/main"), cast(Any, object()))
    channels = SalesChannels(Parts(vendors_plan(), bound))
    number = market.place()
    seen = market.seen(market.channel.lookups["order"].one(market.ctx, number).received[0])
    then = Consequences()
    with ctx.db.transaction() as conn:
        book = load(conn, "amazon-df/main", [number])
        applied = channel.apply_order(
            book, ctx, Channel("amazon-df/main", channels.scheme("amazon-df/main", "leg")), seen, "msg_1"
        )
        assert isinstance(applied, Applied)
        OrderIntake(channels)._follow(then, applied, seen, cast(Message, SimpleNamespace(id="msg_1")))
        assert flush(conn, ctx, book) == []
    [promise] = [one for one in then.promises if one.kind == "acknowledge"]
    assert promise.due_at == seen.created_at + timedelta(hours=24)
    assert promise.mode == "ack-at-risk"
    [handed] = then.intents
    assert handed.operation == "backoffice.import-order"
    effect = Effect("eff_1", handed.key, handed.account, handed.operation, handed.root, handed.flow, handed.queue, handed.payload, "done", 1, 0,
                    datetime.max.replace(tzinfo=UTC), None)  # fmt: skip
    with ctx.db.transaction() as conn:
        HandedOver(channels).done(ctx, conn, effect, {"document_number": "D-1"})
        [told] = conn.execute(
            "SELECT operation, payload FROM effect WHERE root = %s ORDER BY key", (f"basket:{number}",)
        ).fetchall()
    assert told["operation"] == ACKNOWLEDGE
    assert {line["line_id"]: line["quantity"] for line in told["payload"]["lines"]} == {"00001": 2, "00002": 1}
    assert isinstance(market.send(ACKNOWLEDGE, told["payload"])[0], Done)
    assert MANIFEST.verbs["acknowledge"] == ACKNOWLEDGE
