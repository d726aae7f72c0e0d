"""ChannelEngine's writes against the sandbox: each under the contract of all writes, then what only ChannelEngine does."""

from collections.abc import Callable
from typing import Any

import pytest
from connectors.channelengine.ce_market import (
    SECRETS,
    SETTINGS,
    ChannelEngineMarket,
    acknowledgement,
    cancellation,
    parcel,
    product,
    story,
)
from connectors.contract import Joint, RefusedByRow, Scene, Story, TwiceIsOnce, WriteContract, answers_changed
from connectors.market import Answers, make_ctx, said

from entrepot.connectors.channelengine.connector import MANIFEST
from entrepot.connectors.registry import connect
from entrepot.kernel.outcome import Done, Later, NotThere, Refused, Unknown
from entrepot.outbox.port import OutgoingEffect

Tell = Callable[[ChannelEngineMarket], Story]


@pytest.fixture
def market() -> ChannelEngineMarket:
    return ChannelEngineMarket()


def acknowledge(market: ChannelEngineMarket) -> Story:
    order_id = market.buy()
    payload = acknowledgement(market, order_id)
    return story(market, "channelengine.acknowledge", "OrderAcknowledge", market.number(order_id), payload)


def ship(market: ChannelEngineMarket) -> Story:
    order_id = market.acknowledged()
    key = f"{market.number(order_id)}/P-1"
    return story(market, "channelengine.ship", "ShipmentCreate", key, parcel(market, order_id))


def cancel(market: ChannelEngineMarket) -> Story:
    order_id = market.acknowledged()
    key = f"{market.number(order_id)}/X-1"
    return story(market, "channelengine.cancel", "CancellationCreate", key, cancellation(market, order_id))


def price(market: ChannelEngineMarket) -> Story:
    payload = {"sku": "ATLAS", "price_minor": 2_111, "currency": "EUR"}
    return story(market, "channelengine.price", "OfferStockPriceUpdate", "ATLAS", payload)


def stock(market: ChannelEngineMarket) -> Story:
    return story(market, "channelengine.stock", "OfferStockUpdate", "CHART", {"sku": "CHART", "quantity": 7})


def submit(market: ChannelEngineMarket) -> Story:
    return story(market, "channelengine.submit-product", "ProductCreate", "GLOBE", product())


def receive(market: ChannelEngineMarket) -> Story:
    order_id = market.shipped()
    line_id = market.book(order_id)["lines"][0]["line_id"]
    return_id = market.portal.open_return(order_id, [(line_id, 2)], "PRODUCT_DEFECT")
    payload = {
        "return_id": return_id,
        "order_id": order_id,
        "accepted": [{"line_id": line_id, "quantity": 1, "sku": "ATLAS"}],
        "rejected": [{"line_id": line_id, "quantity": 1, "sku": "ATLAS"}],
    }
    return story(market, "channelengine.receive-return", "ReturnUpdateForMerchant", return_id, payload)


class NoSecrets(WriteContract):
    def test_no_secret_is_told_in_what_a_person_sees(self, scene: Scene) -> None:
        """The key is in the query, and the query is shown."""
        scene.trouble("503")
        scene.send()
        scene.send()
        scene.look()
        assert SETTINGS.api_key not in repr(scene.told)
        assert "apikey" not in repr(scene.told)


class TestWritesThatANumberOfOursOrAStateProtects(NoSecrets, TwiceIsOnce):
    @pytest.fixture(params=[acknowledge, ship, cancel, receive], ids=lambda tell: tell.__name__)
    def scene(self, request: pytest.FixtureRequest, market: ChannelEngineMarket) -> Scene:
        tell: Tell = request.param
        return Scene(market, tell(market))  # type: ignore[arg-type]


class TestWritesThatSayHowItShallBe(NoSecrets):
    """Prices, stock, products: the sandbox counts each time it is told, and twice is the same."""

    @pytest.fixture(params=[price, stock, submit], ids=lambda tell: tell.__name__)
    def scene(self, request: pytest.FixtureRequest, market: ChannelEngineMarket) -> Scene:
        tell: Tell = request.param
        return Scene(market, tell(market))  # type: ignore[arg-type]

    def test_sent_again_it_is_as_it_was(self, scene: Scene) -> None:
        market: Any = scene.market
        assert isinstance(scene.send(), Done)
        before = market.system.books()["listings"]
        assert isinstance(scene.send(), Done)
        after = market.system.books()["listings"]
        assert [one | {"updates": 0} for one in before] == [one | {"updates": 0} for one in after]


SKUS = ("ATLAS", "CHART", "LENS")


def joint(market: ChannelEngineMarket, operation: str, code: str, told: dict[str, Any]) -> Joint:
    payloads = [{"sku": sku, **told} for sku in SKUS]
    return Joint(
        market,
        f"channelengine.{operation}",
        code,
        payloads,
        {"sku": "NOBODY", **told},
        lambda payload: market.applied(code, str(payload["sku"])),
    )


def prices(market: ChannelEngineMarket) -> Joint:
    return joint(market, "price", "OfferStockPriceUpdate", {"price_minor": 2_111, "currency": "EUR"})


def stocks(market: ChannelEngineMarket) -> Joint:
    return joint(market, "stock", "OfferStockUpdate", {"quantity": 7})


class TestManyInOneCall(RefusedByRow):
    @pytest.fixture(params=[prices, stocks], ids=lambda tell: tell.__name__)
    def joint(self, request: pytest.FixtureRequest, market: ChannelEngineMarket) -> Joint:
        made: Joint = request.param(market)
        return made


def test_a_refusal_by_a_name_that_is_none_of_ours_leaves_those_unnamed_unclear(market: ChannelEngineMarket) -> None:
    told = prices(market)
    with answers_changed(market, lambda body: body.replace(b'"NOBODY"', b'"[1]"')):
        outcomes = told.send(*told.payloads, told.refused)
    assert {type(one) for one in outcomes} == {Unknown}
    assert {type(told.look(one)) for one in told.payloads} == {Done}
    assert isinstance(told.look(told.refused), NotThere)


# ── what only ChannelEngine does ────────────────────────────────────────────────────────────────────────────────────


def test_nothing_here_moves_money_by_itself_and_no_key_of_ours_is_honoured(market: ChannelEngineMarket) -> None:
    operations = market.channel.operations.values()
    assert not any(one.money or one.partner_key for one in operations)
    assert set(MANIFEST.verbs.values()) == set(market.channel.operations)


def test_the_key_is_in_the_query_and_in_no_header(market: ChannelEngineMarket) -> None:
    market.sweep("new-orders")
    call = market.http.sent[-1]
    assert dict(call.query)["apikey"] == SETTINGS.api_key
    assert SETTINGS.api_key not in repr(call.headers)
    assert "authorization" not in call.headers


def test_a_key_that_was_rotated_is_read_anew_after_one_refusal(market: ChannelEngineMarket) -> None:
    keys = iter(["old", "old", SETTINGS.api_key, SETTINGS.api_key])
    market.access.secrets["apikey"] = lambda: next(keys)  # type: ignore[index]
    market.channel = connect("channelengine", market.access)
    order_id = market.buy()
    first, _ = market.send("channelengine.acknowledge", acknowledgement(market, order_id))
    assert isinstance(first, Refused)
    assert first.code == "credentials-refused"
    assert isinstance(market.send("channelengine.acknowledge", acknowledgement(market, order_id))[0], Done)


def test_our_number_is_the_key_of_every_later_call(market: ChannelEngineMarket) -> None:
    order_id = market.shipped()
    book = market.book(order_id)
    assert book["merchant_order_no"] == market.number(order_id)
    assert [one["order_id"] for one in market.system.books()["shipments"]] == [order_id]


def test_an_order_that_carries_another_number_is_refused_in_their_words(market: ChannelEngineMarket) -> None:
    order_id = market.acknowledged()
    other = {**acknowledgement(market, order_id), "our_number": "ANOTHER"}
    outcome, _ = market.send("channelengine.acknowledge", other)
    assert isinstance(outcome, Refused)
    assert outcome.field == "OrderId"
    assert isinstance(market.look("channelengine.acknowledge", other)[0], NotThere)


def test_a_number_that_another_order_has_is_seen_to_be_taken(market: ChannelEngineMarket) -> None:
    first, second = market.acknowledged(), market.buy()
    payload = {**acknowledgement(market, second), "our_number": market.number(first)}
    assert isinstance(market.send("channelengine.acknowledge", payload)[0], Refused)
    found, _ = market.look("channelengine.acknowledge", payload)
    assert isinstance(found, Refused)
    assert found.code == "decided-otherwise"


def test_two_parcels_of_one_order_are_two_shipments(market: ChannelEngineMarket) -> None:
    order_id = market.acknowledged(("ATLAS", 3))
    (line,) = market.book(order_id)["lines"]
    for n, quantity in (("1", 1), ("2", 2)):
        lines = [{"line_id": line["line_id"], "quantity": quantity, "sku": "ATLAS"}]
        assert isinstance(market.send("channelengine.ship", parcel(market, order_id, n, lines=lines))[0], Done)
    assert len(market.system.books()["shipments"]) == 2
    assert market.book(order_id)["state"] == "SHIPPED"


def test_more_than_is_left_is_refused_in_their_words(market: ChannelEngineMarket) -> None:
    order_id = market.shipped()
    outcome, _ = market.send("channelengine.ship", parcel(market, order_id, "P-2"))
    assert isinstance(outcome, Refused)
    assert "can be processed" in outcome.words


def test_a_product_on_two_lines_is_added_up(market: ChannelEngineMarket) -> None:
    order_id = market.acknowledged(("ATLAS", 1), ("ATLAS", 2))
    assert isinstance(market.send("channelengine.ship", parcel(market, order_id))[0], Done)
    assert [line["shipped"] for line in market.book(order_id)["lines"]] == [1, 2]


def test_lines_may_be_named_by_product_alone(market: ChannelEngineMarket) -> None:
    order_id = market.acknowledged(("ATLAS", 2))
    outcome, _ = market.send(
        "channelengine.ship", parcel(market, order_id, lines=[{"line_id": "ATLAS", "quantity": 2}])
    )
    assert isinstance(outcome, Done)


@pytest.mark.parametrize("reason", ["out-of-stock", "buyer-asked", "undeliverable", "price-error", "other"])
def test_every_reason_of_ours_is_one_of_theirs(market: ChannelEngineMarket, reason: str) -> None:
    order_id = market.acknowledged()
    assert isinstance(market.send("channelengine.cancel", cancellation(market, order_id, reason=reason))[0], Done)


def test_a_cancellation_is_found_among_many(market: ChannelEngineMarket) -> None:
    wanted = cancellation(market, market.acknowledged())
    for _ in range(120):
        market.portal.cancel(market.acknowledged(("CHART", 1)))
    assert isinstance(market.look("channelengine.cancel", wanted)[0], NotThere)
    assert isinstance(market.send("channelengine.cancel", wanted)[0], Done)
    assert isinstance(market.look("channelengine.cancel", wanted)[0], Done)


@pytest.mark.parametrize("operation", ["channelengine.price", "channelengine.stock"])
def test_a_row_refused_inside_an_answer_of_200_is_a_refusal(market: ChannelEngineMarket, operation: str) -> None:
    payload = {"sku": "NOBODY", "price_minor": 5, "currency": "EUR", "quantity": 1}
    outcome, _ = market.send(operation, payload)
    assert isinstance(outcome, Refused)
    assert outcome.code == "row-refused"
    assert "NOBODY" in outcome.words
    assert isinstance(market.look(operation, payload)[0], NotThere)


def test_a_product_refused_inside_an_answer_of_200_is_a_refusal(market: ChannelEngineMarket) -> None:
    outcome, _ = market.send("channelengine.submit-product", product(brand="x" * 300))
    assert isinstance(outcome, Refused)
    assert outcome.code == "row-refused"
    assert "Brand" in outcome.words


def test_a_product_goes_whole_and_the_channels_decide_later(market: ChannelEngineMarket) -> None:
    assert isinstance(market.send("channelengine.submit-product", product())[0], Done)
    item = market.system.platform.items["GLOBE"]
    assert (item.data["Color"], item.data["ExtraImageUrl1"]) == ("blue", "https://images.example/2.jpg")
    assert item.data["ExtraData"] == [{"Key": "Diameter", "Value": "30 cm", "Type": "TEXT", "IsPublic": True}]
    assert not market.portal.live("GLOBE")
    market.move(hours=1)
    assert market.portal.live("GLOBE")


def test_another_version_of_a_product_is_not_taken_for_this_one(market: ChannelEngineMarket) -> None:
    market.send("channelengine.submit-product", product())
    assert isinstance(market.look("channelengine.submit-product", product())[0], Done)
    for changed in ({"title": "A better globe"}, {"description": "Rounder."}, {"price_minor": 2_600}):
        assert isinstance(market.look("channelengine.submit-product", product(**changed))[0], NotThere), changed


def test_a_price_in_another_currency_than_the_tenants_never_leaves(market: ChannelEngineMarket) -> None:
    before = len(market.http.sent)
    outcome, _ = market.send("channelengine.price", {"sku": "ATLAS", "price_minor": 5, "currency": "USD"})
    assert isinstance(outcome, Refused)
    assert outcome.code == "wrong-payload"
    assert len(market.http.sent) == before


def test_without_a_location_named_the_stock_is_the_tenants_own() -> None:
    secrets = {name: value for name, value in SECRETS.items() if name != "stock_location"}
    market = ChannelEngineMarket(secrets)
    assert isinstance(market.send("channelengine.stock", {"sku": "ATLAS", "quantity": 3})[0], Done)
    assert market.system.platform.items["ATLAS"].stock == 3


def test_what_came_back_is_told_as_good_and_bad(market: ChannelEngineMarket) -> None:
    told = receive(market)
    assert isinstance(market.send(told.operation, told.payload)[0], Done)
    (one,) = market.system.books()["returns"]
    assert [(line["accepted"], line["rejected"]) for line in one["lines"].values()] == [(1, 1)]


def test_a_return_the_buyer_took_back_is_not_taken_for_received(market: ChannelEngineMarket) -> None:
    told = receive(market)
    market.portal.withdraw_return(told.payload["return_id"])
    outcome, _ = market.send(told.operation, told.payload)
    assert isinstance(outcome, Refused)
    found, _ = market.look(told.operation, told.payload)
    assert isinstance(found, Refused)
    assert found.code == "decided-otherwise"


@pytest.mark.parametrize(
    ("inside", "meaning"),
    [
        ('{"Success":false,"StatusCode":400,"Message":"No."}', Refused),
        ('{"Success":false,"StatusCode":404,"Message":"No."}', Refused),
        ('{"Success":false}', Refused),
        ('{"Success":false,"StatusCode":401}', Refused),
        ('{"Success":false,"StatusCode":429}', Later),
        ('{"Success":false,"StatusCode":503}', Unknown),
        ('{"Success":null}', Unknown),
        ("{}", Unknown),
        ("[]", Unknown),
        ("", Unknown),
        ("<html>sign in</html>", Unknown),
    ],
)
def test_a_no_with_status_200_is_no_success(market: ChannelEngineMarket, inside: str, meaning: type) -> None:
    http = Answers(said(200, inside), said(200, inside))
    effect = OutgoingEffect(
        "k",
        "channelengine.acknowledge",
        market.account,
        acknowledgement(market, "1"),
        1,
        market.clock.machine().replace(hour=23),
    )
    outcome, _ = market.channel.operations["channelengine.acknowledge"].send(make_ctx(http, market.clock), effect)
    assert isinstance(outcome, meaning), outcome


def test_refusals_are_told_with_every_field_they_complain_of(market: ChannelEngineMarket) -> None:
    body = '{"Success":false,"StatusCode":400,"Message":"Wrong.","ValidationErrors":{"A":["one","two"],"B":["three"]}}'
    effect = OutgoingEffect(
        "k",
        "channelengine.acknowledge",
        market.account,
        acknowledgement(market, "1"),
        1,
        market.clock.machine().replace(hour=23),
    )
    ctx = make_ctx(Answers(said(400, body)), market.clock)
    outcome, _ = market.channel.operations["channelengine.acknowledge"].send(ctx, effect)
    assert outcome == Refused("HTTP 400", "Wrong.; A: one; A: two; B: three", "A")


@pytest.mark.parametrize(
    ("operation", "changed"),
    [
        ("channelengine.acknowledge", {"order_id": "seven"}),
        ("channelengine.acknowledge", {"our_number": ""}),
        ("channelengine.acknowledge", {"our_number": "x" * 51}),
        ("channelengine.ship", {"lines": []}),
        ("channelengine.ship", {"lines": [{"line_id": "1", "quantity": 0}]}),
        ("channelengine.ship", {"parcel": ""}),
        ("channelengine.ship", {"shipped_at": "yesterday"}),
        ("channelengine.cancel", {"reason": "because"}),
        ("channelengine.cancel", {"cancellation": ""}),
        ("channelengine.price", {"price_minor": 0}),
        ("channelengine.stock", {"quantity": -1}),
        ("channelengine.stock", {"sku": ""}),
        ("channelengine.submit-product", {"title": ""}),
        ("channelengine.receive-return", {"accepted": [], "rejected": []}),
        ("channelengine.receive-return", {"return_id": "R"}),
    ],
)
def test_what_nobody_should_ask_for_never_leaves(
    market: ChannelEngineMarket, operation: str, changed: dict[str, Any]
) -> None:
    told = receive(market)
    order_id = str(told.payload["order_id"])
    good = {
        "channelengine.acknowledge": acknowledgement(market, order_id),
        "channelengine.ship": parcel(market, order_id),
        "channelengine.cancel": cancellation(market, order_id),
        "channelengine.price": {"sku": "ATLAS", "price_minor": 1, "currency": "EUR"},
        "channelengine.stock": {"sku": "ATLAS", "quantity": 1},
        "channelengine.submit-product": product(),
        "channelengine.receive-return": told.payload,
    }[operation]
    before = len(market.http.sent)
    outcome, _ = market.send(operation, {**good, **changed})
    assert isinstance(outcome, Refused)
    assert outcome.code == "wrong-payload"
    assert len(market.http.sent) == before


def test_their_ceiling_says_how_long_to_wait() -> None:
    market = ChannelEngineMarket(ceilings={"OrderAcknowledge": (1, 60)})
    first, second = market.buy(), market.buy()
    assert isinstance(market.send("channelengine.acknowledge", acknowledgement(market, first))[0], Done)
    outcome, _ = market.send("channelengine.acknowledge", acknowledgement(market, second))
    assert isinstance(outcome, Later)
    assert outcome.after_s == 60


def test_a_strange_product_number_stays_one_path_segment(market: ChannelEngineMarket) -> None:
    market.look("channelengine.price", {"sku": "A/../x?y#z", "price_minor": 5, "currency": "EUR"})
    assert market.http.sent[-1].url.endswith("/api/v2/products/A%2F..%2Fx%3Fy%23z")
