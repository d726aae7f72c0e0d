"""A seller's writes at Mirakl against the sandbox: each alone under the contract, then what only this side does."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from connectors.contract import Joint, RefusedByRow, Scene, Story, TwiceIsOnce, WriteContract, answers_changed
from connectors.mirakl_seller.shop import NAME, SYSTEM, US, Shop

from entrepot.connectors.mirakl_seller.order_writes import WHOLE_LINES_ONLY, reasons_of
from entrepot.connectors.writes import WRONG_PAYLOAD
from entrepot.kernel.outcome import Done, Later, NotThere, Refused, Unknown
from entrepot.sandbox.mirakl import Product

UNPAID = "PAY_ON_DELIVERY"


def story(shop: Shop, operation: str, code: str, key: str, payload: dict[str, Any], counted: str = "") -> Story:
    return Story(f"{NAME}.{operation}", code, payload, lambda: shop.applied(counted or code, key), system=SYSTEM)


def acknowledge(shop: Shop) -> Story:
    order_id = shop.buy()
    return story(shop, "acknowledge", "OR21", order_id, shop.taken(order_id))


def ship(shop: Shop) -> Story:
    order_id = shop.ready()
    return story(shop, "ship", "OR24", order_id, shop.parcel(order_id))


def part(shop: Shop) -> Story:
    """One of two lines: a parcel of its own."""
    order_id = shop.ready()
    payload = {**shop.parcel(order_id), "lines": shop.lines(order_id)[:1]}
    return Story(f"{NAME}.ship", "ST01", payload, lambda: len(shop.front.books()["shipments"]), system=SYSTEM)


def cancel_of(shop: Shop, order_id: str, **changed: Any) -> dict[str, Any]:
    return {**shop.taken(order_id), "cancellation": "K-1", "reason": "out-of-stock", **changed}


def refuse(shop: Shop) -> Story:
    order_id = shop.buy()
    return story(shop, "cancel", "OR21", order_id, cancel_of(shop, order_id))


def cancel(shop: Shop) -> Story:
    order_id = shop.buy()
    assert isinstance(shop.do("acknowledge", shop.taken(order_id)), Done)
    return story(shop, "cancel", "OR29", order_id, cancel_of(shop, order_id))


def cancel_part(shop: Shop) -> Story:
    order_id = shop.buy()
    assert isinstance(shop.do("acknowledge", shop.taken(order_id)), Done)
    lines = [{**shop.lines(order_id)[0], "quantity": 1}]
    return story(shop, "cancel", "OR30", f"{order_id}-1", cancel_of(shop, order_id, lines=lines))


def money_back(order_id: str, **changed: Any) -> dict[str, Any]:
    line = {"line_id": f"{order_id}-1", "quantity": 1, "item_minor": 800, "shipping_minor": 100}
    told = {"order_id": order_id, "our_number": "H-1", "refund": "R-1", "currency": "EUR", "reason": "returned"}
    return {**told, "lines": [line], **changed}


def refund(shop: Shop) -> Story:
    order_id = shop.ready()
    return story(shop, "refund", "OR28", f"{order_id}-1", money_back(order_id))


def set_price(shop: Shop) -> Story:
    payload = {"sku": "ATLAS", "price_minor": 2_150, "currency": "EUR"}
    return story(shop, "set-price", "PRI01", f"{US}/ATLAS", payload, "PRI01:offer")


def set_stock(shop: Shop) -> Story:
    return story(shop, "set-stock", "STO01", f"{US}/ATLAS", {"sku": "ATLAS", "quantity": 7}, "STO01:offer")


def product(**changed: Any) -> dict[str, Any]:
    return {
        "sku": "ATLAS",
        "revision": "1",
        "category": "BOOKS",
        "title": "Sea atlas, bound",
        "gtin": "8712345678906",
        "price_minor": 8_900,
        "currency": "EUR",
        "quantity": 4,
        "attributes": {"leadtime_to_ship": 3},
        **changed,
    }


def submit(shop: Shop) -> Story:
    """The marketplace counts whole offers by their import."""
    return Story(
        f"{NAME}.submit-listing",
        "OF24",
        product(),
        lambda: sum(shop.front.books()["applied"].get("OF24", {}).values()),
        system=SYSTEM,
    )


class TestWritesThatMiraklsStatesProtect(TwiceIsOnce):
    @pytest.fixture(params=[acknowledge, ship, refuse], ids=lambda tell: tell.__name__)
    def scene(self, request: pytest.FixtureRequest, shop: Shop) -> Scene:
        return Scene(shop, request.param(shop))  # type: ignore[arg-type]


class TestCancelingWhatIsTaken(TwiceIsOnce):
    """A seller cancels after his decision only where goods may wait unpaid; partial cancelations have no guard but our look."""

    @pytest.fixture(params=[cancel, cancel_part], ids=lambda tell: tell.__name__)
    def scene(self, request: pytest.FixtureRequest) -> Scene:
        shop = Shop(payment_workflow=UNPAID)
        return Scene(shop, request.param(shop))  # type: ignore[arg-type]


class TestParcelsOfPartOfAnOrder(TwiceIsOnce):
    """They have no guard of theirs: the order and its parcels are looked at before each sending."""

    @pytest.fixture
    def scene(self, shop: Shop) -> Scene:
        return Scene(shop, part(shop))  # type: ignore[arg-type]

    def test_a_look_that_fails_leaves_it_unclear(self, scene: Scene) -> None:
        """Order and shipments are looked at; either may fail."""
        scene.trouble("timeout-after")
        scene.send()
        for look in ("OR12", "ST11"):
            for kind in ("timeout-before", "503", "429", "truncated", "html"):
                scene.market.trouble(look, kind, 5, SYSTEM)
                assert isinstance(scene.look(), Unknown), (look, kind)
        assert isinstance(scene.look(), Done)


class TestRefund(WriteContract):
    @pytest.fixture
    def scene(self, shop: Shop) -> Scene:
        return Scene(shop, refund(shop))  # type: ignore[arg-type]

    def test_a_later_attempt_looks_before_it_pays(self, scene: Scene) -> None:
        shop: Any = scene.market
        scene.trouble("timeout-after")
        assert isinstance(scene.send(), Unknown)
        assert isinstance(shop.again(scene.story.operation, scene.story.payload), Done)
        assert scene.applied == 1


class TestImports(WriteContract):
    """Taken is not applied: what the contract looks for at once is looked for when the import is worked off."""

    @pytest.fixture(params=[set_price, set_stock, submit], ids=lambda tell: tell.__name__)
    def scene(self, request: pytest.FixtureRequest, shop: Shop) -> Scene:
        return Worked(shop, request.param(shop))  # type: ignore[arg-type]

    def test_sent_again_it_is_as_it_was(self, scene: Scene) -> None:
        assert isinstance(scene.send(), Done)
        assert scene.applied == 1
        shop: Any = scene.market
        before = shop.front.books()["listings"]
        assert isinstance(scene.send(), Done)
        assert scene.applied >= 1
        after = shop.front.books()["listings"]
        assert [{**one, "updates": 0} for one in before] == [{**one, "updates": 0} for one in after]


class Worked(Scene):
    """Time passes before anybody looks."""

    def look(self) -> Any:
        self.market.move(minutes=2)
        return super().look()

    @property
    def applied(self) -> int:
        self.market.move(minutes=2)
        return super().applied


class StockFiles(Joint):
    """A file is taken now and worked off later; then one look tells of all its rows."""

    def send(self, *payloads: Mapping[str, Any], seconds: float = 15.0) -> list[Any]:
        outcomes = super().send(*payloads, seconds=seconds)
        taken = {n: one for n, one in enumerate(outcomes) if isinstance(one, Unknown) and one.trace}
        self.market.move(minutes=2)
        found = self.looked({n: (payloads[n], one.trace) for n, one in taken.items()})
        return [found.get(n, one) for n, one in enumerate(outcomes)]

    def looked(self, asked: Mapping[int, tuple[Mapping[str, Any], Any]]) -> dict[int, Any]:
        if not asked:
            return {}
        effects = [
            replace(self.market.effect(self.operation, f"key-{n}", payload), trace=trace)
            for n, (payload, trace) in asked.items()
        ]
        found, _ = self.write.read_together(self.market.ctx, effects)
        return dict(zip(asked, found, strict=True))

    def alone(self, payload: Mapping[str, Any]) -> Any:
        outcome, _ = self.write.send(self.market.ctx, self.market.effect(self.operation, "alone", payload))
        self.market.move(minutes=2)
        return self.looked({0: (payload, outcome.trace)})[0]


def stocks(shop: Shop) -> StockFiles:
    skus = ("ATLAS", "LAMP", "CHART")
    shop.front.seed([Product("CHART", "Tide chart", "BOOKS", "8712345678920", 705, 9)])
    told = [{"sku": sku, "quantity": 7} for sku in skus]
    return StockFiles(
        shop,
        f"{NAME}.set-stock",
        "STO01",
        told,
        {"sku": "NOWHERE", "quantity": 7},
        lambda payload: shop.applied("STO01:offer", f"{US}/{payload['sku']}"),
    )


class TestManyStocksInOneFile(RefusedByRow):
    @pytest.fixture
    def joint(self, shop: Shop) -> Joint:
        return stocks(shop)


def test_one_look_tells_of_all_rows_of_a_stock_file_and_one_more_of_those_refused(shop: Shop) -> None:
    told = stocks(shop)
    before = dict(shop.world.calls)
    outcomes = told.send(*told.payloads, told.refused)
    assert [type(one) for one in outcomes] == [Done, Done, Done, Refused]
    made = {code: n - before.get((SYSTEM, code), 0) for (_, code), n in shop.world.calls.items()}
    assert {code: n for code, n in made.items() if n} == {"STO01": 1, "STO02": 1, "STO03": 1}


def test_where_the_report_names_another_row_than_was_sent_every_offer_is_looked_at(shop: Shop) -> None:
    """They may spell an article in their own way: nothing that was refused is taken for done."""
    told = stocks(shop)
    with answers_changed(shop, lambda body: body.replace(b'"NOWHERE"', b'"nowhere"')):
        outcomes = told.send(*told.payloads, told.refused)
    assert [type(one) for one in outcomes] == [Done, Done, Done, Unknown]


# -- what only this side does --------------------------------------------------------------------------------------


def test_an_order_is_taken_with_all_its_lines_at_once(shop: Shop) -> None:
    order_id = shop.buy()
    payload = shop.taken(order_id)
    outcome = shop.do("acknowledge", {**payload, "lines": payload["lines"][:1]})
    assert isinstance(outcome, Refused)
    assert outcome.code == "ORDER_LINE_ACCEPTANCE_DECISION_MISSING"
    assert shop.state(order_id) == "WAITING_ACCEPTANCE"


def test_an_order_taken_too_late_is_said_to_be(shop: Shop) -> None:
    order_id = shop.buy()
    shop.move(hours=49)
    assert shop.state(order_id) == "REFUSED"
    outcome = shop.do("acknowledge", shop.taken(order_id))
    assert isinstance(outcome, Refused)


def test_before_the_decision_some_lines_are_refused_and_the_others_taken(shop: Shop) -> None:
    order_id = shop.buy()
    outcome = shop.do("cancel", cancel_of(shop, order_id, lines=shop.lines(order_id)[:1]))
    assert isinstance(outcome, Done)
    assert shop.state(order_id) == "WAITING_DEBIT"
    assert [line["cancelled"] for line in shop.order(order_id)["lines"]] == [2, 0]


def test_before_the_decision_a_line_is_refused_whole(shop: Shop) -> None:
    order_id = shop.buy()
    outcome = shop.do("cancel", cancel_of(shop, order_id, lines=[{**shop.lines(order_id)[0], "quantity": 1}]))
    assert isinstance(outcome, Refused)
    assert outcome.code == WHOLE_LINES_ONLY
    assert shop.state(order_id) == "WAITING_ACCEPTANCE"


def test_what_the_buyer_is_about_to_pay_is_not_cancelled_by_us(shop: Shop) -> None:
    order_id = shop.buy()
    assert isinstance(shop.do("acknowledge", shop.taken(order_id)), Done)
    outcome = shop.do("cancel", cancel_of(shop, order_id))
    assert isinstance(outcome, Refused)
    assert outcome.code == "ORDER_INVALID_STATE"


def test_a_line_is_cancelled_piece_by_piece_to_the_last_cent() -> None:
    shop = Shop(payment_workflow=UNPAID)
    order_id = shop.buy(("ATLAS", 3))
    assert isinstance(shop.do("acknowledge", shop.taken(order_id)), Done)
    line = shop.lines(order_id)[0]
    for number, quantity in enumerate((1, 2)):
        payload = cancel_of(shop, order_id, lines=[{**line, "quantity": quantity}], cancellation=f"K-{number}")
        outcome = shop.do("cancel", payload)
        assert isinstance(outcome, Done), outcome
    assert shop.state(order_id) == "CANCELED"


def test_what_was_sent_is_not_cancelled(shop: Shop) -> None:
    order_id = shop.ready()
    assert isinstance(shop.do("ship", shop.parcel(order_id)), Done)
    outcome = shop.do("cancel", cancel_of(shop, order_id))
    assert isinstance(outcome, Refused)
    assert outcome.code == "decided-otherwise"


def test_an_order_that_cannot_be_looked_at_is_neither_sent_nor_cancelled_yet(shop: Shop) -> None:
    order_id = shop.ready()
    for kind in ("503", "timeout-after", "429", "html", "truncated"):
        for operation, payload in (("ship", shop.parcel(order_id)), ("cancel", cancel_of(shop, order_id))):
            shop.trouble("OR12", kind)
            assert isinstance(shop.do(operation, payload), Later), (operation, kind)
    assert shop.state(order_id) == "SHIPPING"


def test_a_parcel_leaves_its_number_on_the_order(shop: Shop) -> None:
    order_id = shop.ready()
    assert isinstance(shop.do("ship", shop.parcel(order_id)), Done)
    (sent,) = shop.front.books()["shipments"]
    assert (sent["order_id"], sent["tracking"]) == (order_id, "JD01")


def test_two_parcels_of_an_order_are_told_apart(shop: Shop) -> None:
    order_id = shop.ready()
    lines = shop.lines(order_id)
    one, other = ({**shop.parcel(order_id, number), "lines": [line]} for number, line in zip("AB", lines, strict=True))
    assert isinstance(shop.do("ship", one), Done)
    assert isinstance(shop.saw("ship", other), NotThere)
    assert isinstance(shop.do("ship", other), Done)
    assert sorted(sent["tracking"] for sent in shop.front.books()["shipments"]) == ["A", "B"]
    assert shop.state(order_id) == "SHIPPED"


def test_a_reason_is_the_operators_own_word(shop: Shop) -> None:
    order_id = shop.ready()
    assert isinstance(shop.do("refund", money_back(order_id, reason="goodwill")), Done)
    refunds = shop.system.platform.tables.refunds.values()
    assert [one.reason_code for one in refunds] == ["COMMERCIAL_GESTURE"]
    assert reasons_of("a=B, c = D,nothing,e=") == {"a": "B", "c": "D"}


@pytest.mark.parametrize("lines", [[], [{"line_id": "x", "quantity": 1, "item_minor": 0}]])
def test_a_refund_of_nothing_is_not_sent(shop: Shop, lines: list[dict[str, Any]]) -> None:
    outcome = shop.do("refund", money_back("S2001-00001-A", lines=lines))
    assert isinstance(outcome, Refused)
    assert outcome.code == WRONG_PAYLOAD


def test_a_stock_nobody_has_an_offer_for_is_refused_in_their_words(shop: Shop) -> None:
    payload = {"sku": "NOWHERE", "quantity": 3}
    effect = shop.effect(f"{NAME}.set-stock", "k", payload)
    outcome, _ = shop.channel.operations[f"{NAME}.set-stock"].send(shop.ctx, effect)
    assert isinstance(outcome, Unknown)
    traced = replace(effect, trace=outcome.trace)
    assert isinstance(shop.channel.operations[f"{NAME}.set-stock"].read_back(shop.ctx, traced)[0], Unknown)
    shop.move(minutes=2)
    traced = replace(shop.effect(f"{NAME}.set-stock", "k", payload), trace=outcome.trace)
    found = shop.channel.operations[f"{NAME}.set-stock"].read_back(shop.ctx, traced)[0]
    assert isinstance(found, Refused)
    assert "does not exist" in found.words


def test_an_offer_is_sent_whole_and_keeps_what_the_product_says(shop: Shop) -> None:
    assert isinstance(shop.do("submit-listing", product()), Done)
    shop.move(minutes=2)
    assert (shop.front.price("ATLAS"), shop.front.stock("ATLAS")) == (8_900, 4)
    offer = shop.system.platform.tables.offers[shop.system.platform.tables.offer_by_sku[US, "ATLAS"]]
    assert offer.lead_time_days == 3


def test_a_secret_is_not_shown_to_a_person(shop: Shop) -> None:
    told = ship(shop)
    shop.trouble("OR24", "503")
    shown = repr([shop.send(told.operation, told.payload), shop.send(told.operation, told.payload)])
    assert "shop-2001-key" not in shown
