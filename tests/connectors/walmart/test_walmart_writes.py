"""Walmart's writes against the sandbox: each under the contract of all writes, then what only Walmart does."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from connectors.contract import JoinedContract, Joint, Scene, Story, TwiceIsOnce, WriteContract
from connectors.walmart.walmart_market import (
    WalmartMarket,
    acknowledgement,
    cancellation,
    parcel,
    product,
    refund_of,
    story,
)

from entrepot.connectors.walmart.connector import MANIFEST
from entrepot.kernel.outcome import Done, Later, NotThere, Refused, Unknown

Tell = Callable[[WalmartMarket], Story]


def books(scene: Scene) -> Any:
    market: Any = scene.market
    return market.system.books()


@pytest.fixture
def market() -> WalmartMarket:
    return WalmartMarket()


def acknowledge(market: WalmartMarket) -> Story:
    order_id = market.buy()
    return story(market, "walmart.acknowledge", "acknowledgeOrders", order_id, acknowledgement(order_id))


def ship(market: WalmartMarket) -> Story:
    order_id = market.acknowledged()
    return story(market, "walmart.ship", "shippingUpdates", order_id, parcel(market, order_id))


def cancel(market: WalmartMarket) -> Story:
    order_id = market.buy()
    return story(market, "walmart.cancel", "cancelOrderLines", order_id, cancellation(market, order_id))


def refund(market: WalmartMarket) -> Story:
    order_id = market.shipped()
    return story(market, "walmart.refund", "refundOrderLines", order_id, refund_of(order_id))


def price(market: WalmartMarket) -> Story:
    payload = {"sku": "ATLAS", "price_minor": 2_111, "currency": "USD"}
    return story(market, "walmart.price", "updatePrice", "ATLAS/2111", payload)


def stock(market: WalmartMarket) -> Story:
    return story(market, "walmart.stock", "updateInventoryForAnItem", "CHART/7", {"sku": "CHART", "quantity": 7})


def retire(market: WalmartMarket) -> Story:
    return story(market, "walmart.retire-item", "retireAnItem", "LENS", {"sku": "LENS"})


def submit(market: WalmartMarket) -> Story:
    told = story(market, "walmart.submit-item", "itemBulkUploads", "", product())
    return Story(told.operation, told.code, told.payload, lambda: len(market.system.books()["submissions"]), "walmart")


def receive(market: WalmartMarket) -> Story:
    order_id = market.shipped()
    return_id = market.portal.open_return(order_id, [("1", 2)], "Defective")
    accepted = [{"line_id": "1", "quantity": 1}]
    payload = {"return_id": return_id, "order_id": order_id, "accepted": accepted}
    return story(market, "walmart.return-refund", "issueRefund", f"{return_id}/", payload)


class NoSecrets(WriteContract):
    def test_no_secret_is_told_in_what_a_person_sees(self, scene: Scene) -> None:
        scene.trouble("503")
        scene.send()
        scene.send()
        scene.look()
        assert "wm-secret" not in repr(scene.told)
        assert "eyJ" not in repr(scene.told)


class TestWritesThatWalmartsUnitsProtect(NoSecrets, TwiceIsOnce):
    """All units of a line: there is nothing left to do it to a second time."""

    @pytest.fixture(params=[acknowledge, ship, cancel], ids=lambda tell: tell.__name__)
    def scene(self, request: pytest.FixtureRequest, market: WalmartMarket) -> Scene:
        tell: Tell = request.param
        return Scene(market, tell(market))  # type: ignore[arg-type]


class TestWritesThatSayHowItShallBe(NoSecrets):
    """Price, stock, off the shelf: the sandbox counts each time it is told, and twice is the same."""

    @pytest.fixture(params=[price, stock, retire], ids=lambda tell: tell.__name__)
    def scene(self, request: pytest.FixtureRequest, market: WalmartMarket) -> Scene:
        tell: Tell = request.param
        return Scene(market, tell(market))  # type: ignore[arg-type]

    def test_sent_again_it_is_as_it_was(self, scene: Scene) -> None:
        assert isinstance(scene.send(), Done)
        before = books(scene)["listings"]
        assert isinstance(scene.send(), Done)
        after = books(scene)["listings"]
        assert [one | {"updates": 0} for one in before] == [one | {"updates": 0} for one in after]


class TestMoneyThatWouldGoTwice(NoSecrets):
    """A refund is done as often as it is sent: which is why the manifest calls it money without a partner's key."""

    @pytest.fixture
    def scene(self, market: WalmartMarket) -> Scene:
        return Scene(market, refund(market))  # type: ignore[arg-type]


class TestAReturnThatIsRefunded(NoSecrets):
    """The return is read before it is written to, by the call that also is the look."""

    @pytest.fixture
    def scene(self, market: WalmartMarket) -> Scene:
        return Scene(market, receive(market))  # type: ignore[arg-type]

    def test_a_look_that_fails_leaves_it_unclear(self, scene: Scene) -> None:
        """As everywhere; the shared test counts calls of one look, which the send before it would blur."""
        scene.trouble("timeout-after")
        scene.send()
        for kind in ("timeout-before", "503", "429", "truncated", "html"):
            scene.market.trouble("getReturns", kind, 5, "walmart")
            assert isinstance(scene.look(), Unknown), kind
        assert isinstance(scene.look(), Done)

    @pytest.mark.parametrize("kind", ["timeout-before", "503", "429", "truncated", "html"])
    def test_a_return_that_cannot_be_read_first_is_not_written_to(self, scene: Scene, kind: str) -> None:
        scene.market.trouble("getReturns", kind, 5, "walmart")
        assert isinstance(scene.send(), Later)
        assert scene.applied == 0


class TestAnItemSubmitted(NoSecrets):
    """A feed shows its items only once they are read, and a look takes several calls."""

    @pytest.fixture
    def scene(self, market: WalmartMarket) -> Scene:
        return Scene(market, submit(market))  # type: ignore[arg-type]

    def test_an_answer_lost_after_it_was_done_is_unclear_and_a_look_finds_it(self, scene: Scene) -> None:
        """Not before their system has read the file: until then the look does not know."""
        scene.trouble("timeout-after")
        assert isinstance(scene.send(), Unknown)
        assert isinstance(scene.look(), Unknown)
        scene.market.move(seconds=30)
        found = scene.look()
        (feed,) = books(scene)["submissions"]
        assert found == Done({"submission_id": feed["id"], "keys": ["GLOBE"]})

    def test_a_look_sees_the_same_receipt_as_the_answer_would_have_told(self, scene: Scene) -> None:
        sent = scene.send()
        scene.market.move(seconds=30)
        assert scene.look() == sent == scene.look()

    def test_a_look_that_fails_leaves_it_unclear(self, scene: Scene) -> None:
        """Both of its calls."""
        scene.trouble("timeout-after")
        scene.send()
        scene.market.move(seconds=30)
        for code in ("getAllFeedStatuses", "getFeedItemStatus"):
            for kind in ("timeout-before", "503", "429", "truncated", "html"):
                scene.market.trouble(code, kind, 5, "walmart")
                assert isinstance(scene.look(), Unknown), (code, kind)
        assert isinstance(scene.look(), Done)


class Feed(Joint):
    """What is taken now is worked off within minutes."""

    def send(self, *payloads: Mapping[str, Any], seconds: float = 15.0) -> list[Any]:
        outcomes = super().send(*payloads, seconds=seconds)
        self.market.move(minutes=5)
        return outcomes


def feed(market: WalmartMarket, operation: str, code: str, kind: str, told: dict[str, Any]) -> Joint:
    return Feed(
        market,
        f"walmart.{operation}",
        code,
        [{"sku": sku, **told} for sku in ("ATLAS", "CHART", "LENS")],
        {"sku": "NOWHERE", **told},
        lambda payload: market.applied(f"{code}:{kind}", str(payload["sku"])),
    )


def prices(market: WalmartMarket) -> Joint:
    return feed(market, "price", "priceBulkUploads", "price", {"price_minor": 2_111, "currency": "USD"})


def stocks(market: WalmartMarket) -> Joint:
    return feed(market, "stock", "updateBulkInventory", "inventory", {"quantity": 7})


class TestManyInOneFeed(JoinedContract):
    @pytest.fixture(params=[prices, stocks], ids=lambda tell: tell.__name__)
    def joint(self, request: pytest.FixtureRequest, market: WalmartMarket) -> Joint:
        made: Joint = request.param(market)
        return made


@pytest.mark.parametrize("tell", [prices, stocks])
def test_one_number_stands_for_a_feed_and_each_item_is_answered_by_its_article(
    market: WalmartMarket, tell: Callable[[WalmartMarket], Joint]
) -> None:
    told = tell(market)
    outcomes = told.send(*told.payloads, told.refused)
    (number,) = {outcome.receipt["submission_id"] for outcome in outcomes}
    (seen,) = [market.seen(record) for record in market.sweep("submissions").records]
    assert (seen.submission_id, seen.state, seen.rejected) == (number, "done", 1)
    ends = {result.key: result.accepted for result in seen.results}
    assert ends == {"ATLAS": True, "CHART": True, "LENS": True, "NOWHERE": False}


def test_a_text_that_would_end_the_file_is_refused_by_itself(market: WalmartMarket) -> None:
    told = prices(market)
    outcomes = told.send({**told.payloads[0], "sku": "--entrepot-feed--"}, *told.payloads)
    assert isinstance(outcomes[0], Refused)
    assert {type(one) for one in outcomes[1:]} == {Done}


# ── what only Walmart does ──────────────────────────────────────────────────────────────────────────────────────────


def test_money_without_a_key_of_theirs_is_marked_so_that_nobody_repeats_it_blindly(market: WalmartMarket) -> None:
    operations = market.channel.operations
    assert {name for name, one in operations.items() if one.money} == {"walmart.refund", "walmart.return-refund"}
    assert not any(one.partner_key for one in operations.values())


def test_every_verb_of_the_manifest_is_an_operation(market: WalmartMarket) -> None:
    assert set(MANIFEST.verbs.values()) == set(market.channel.operations)


def test_every_call_says_who_asks_by_a_number_of_its_own(market: WalmartMarket) -> None:
    market.acknowledged()
    market.sweep("orders")
    numbers = [one.headers["wm_qos.correlation_id"] for one in market.http.sent]
    assert len(numbers) == len(set(numbers)) >= 3
    assert {one.headers["wm_svc.name"] for one in market.http.sent} == {"Walmart Marketplace"}


def test_the_token_stands_alone_in_its_own_header(market: WalmartMarket) -> None:
    market.sweep("orders")
    token, call = market.http.sent[0], market.http.sent[1]
    assert (token.method, token.url) == ("POST", "http://marketplace.example/v3/token")
    assert token.headers["authorization"].startswith("Basic ")
    assert token.body == b"grant_type=client_credentials"
    assert call.headers["wm_sec.access_token"].startswith("eyJ")
    assert "authorization" not in call.headers


def test_a_token_is_renewed_before_its_quarter_of_an_hour_is_over(market: WalmartMarket) -> None:
    for _ in range(4):
        market.sweep("orders")
        market.move(minutes=10)
    assert sum(one.url.endswith("/v3/token") for one in market.http.sent) == 2
    assert not market.sweep("orders").problem


def test_when_the_bucket_is_empty_they_say_when_it_is_filled_again() -> None:
    market = WalmartMarket(ceilings_on=True, ceilings={"acknowledgeOrders": (1, 60)})
    first, second = market.buy(), market.buy()
    assert isinstance(market.send("walmart.acknowledge", acknowledgement(first))[0], Done)
    outcome, _ = market.send("walmart.acknowledge", acknowledgement(second))
    assert isinstance(outcome, Later)
    assert outcome.after_s is not None
    assert 59 <= outcome.after_s <= 60.1


def test_an_order_cancelled_meanwhile_is_not_taken_for_acknowledged(market: WalmartMarket) -> None:
    order_id = market.buy()
    market.portal.cancel(order_id)
    outcome, _ = market.send("walmart.acknowledge", acknowledgement(order_id))
    assert isinstance(outcome, Refused)
    assert outcome.code == "INVALID_REQUEST_CONTENT.GMP_ORDER_API"
    found, _ = market.look("walmart.acknowledge", acknowledgement(order_id))
    assert isinstance(found, Refused)
    assert found.code == "decided-otherwise"


@pytest.mark.parametrize("tell", [acknowledge, ship, cancel, refund], ids=lambda tell: tell.__name__)
def test_a_status_nobody_published_proves_neither_that_it_is_done_nor_that_it_is_not(
    market: WalmartMarket, tell: Tell
) -> None:
    told = tell(market)
    market.trouble("getAnOrder", "unknown-enum", "status")
    assert isinstance(market.look(told.operation, told.payload)[0], Unknown)


def test_a_carrier_they_know_goes_by_their_name_and_another_by_its_own(market: WalmartMarket) -> None:
    for carrier, theirs, other in (("ups", "UPS", None), ("Kajak Express", "OTHER", "Kajak Express")):
        order_id = market.acknowledged(("ATLAS", 1))
        assert isinstance(market.send("walmart.ship", parcel(market, order_id, carrier=carrier))[0], Done)
        assert market.system.books()["shipments"][-1]["carrier"] == theirs
        assert market.seen_order(order_id).carrier == (other or theirs)


def test_a_line_shipped_in_two_parcels_shows_each_by_its_number(market: WalmartMarket) -> None:
    order_id = market.acknowledged(("ATLAS", 3))
    first = parcel(market, order_id, "T-0000001", lines=[{"line_id": "1", "quantity": 1}])
    second = parcel(market, order_id, "T-0000002", lines=[{"line_id": "1", "quantity": 2}])
    assert isinstance(market.send("walmart.ship", first)[0], Done)
    assert isinstance(market.look("walmart.ship", second)[0], NotThere)
    assert isinstance(market.send("walmart.ship", second)[0], Done)
    assert isinstance(market.look("walmart.ship", first)[0], Done)
    assert market.book(order_id)["lines"][0]["shipped"] == 3


def test_a_parcel_without_a_number_never_leaves(market: WalmartMarket) -> None:
    order_id = market.acknowledged()
    outcome, _ = market.send("walmart.ship", parcel(market, order_id, ""))
    assert isinstance(outcome, Refused)
    assert outcome.code == "wrong-payload"


def test_what_was_cancelled_cannot_be_shipped_and_is_said_to_be(market: WalmartMarket) -> None:
    order_id = market.acknowledged()
    wanted = parcel(market, order_id)
    market.portal.cancel(order_id)
    outcome, _ = market.send("walmart.ship", wanted)
    assert isinstance(outcome, Refused)
    found, _ = market.look("walmart.ship", wanted)
    assert isinstance(found, Refused)
    assert found.code == "decided-otherwise"


def test_part_of_a_line_cancelled_by_somebody_else_as_well_is_for_a_person(market: WalmartMarket) -> None:
    order_id = market.buy(("ATLAS", 5))
    one = cancellation(market, order_id, lines=[{"line_id": "1", "quantity": 1}])
    two = cancellation(market, order_id, lines=[{"line_id": "1", "quantity": 2}])
    assert isinstance(market.send("walmart.cancel", one)[0], Done)
    assert isinstance(market.look("walmart.cancel", two)[0], Unknown)


@pytest.mark.parametrize("reason", ["out-of-stock", "buyer-asked", "undeliverable", "price-error", "other"])
def test_every_reason_of_ours_is_one_of_theirs(market: WalmartMarket, reason: str) -> None:
    order_id = market.buy()
    assert isinstance(market.send("walmart.cancel", cancellation(market, order_id, reason=reason))[0], Done)


@pytest.mark.parametrize("reason", ["returned", "not-received", "not-as-described", "goodwill", "cancelled", "other"])
def test_every_reason_to_give_money_back_is_one_of_theirs(market: WalmartMarket, reason: str) -> None:
    order_id = market.shipped()
    outcome, detail = market.send("walmart.refund", refund_of(order_id, reason=reason))
    assert isinstance(outcome, Done), detail
    (given,) = market.system.books()["refunds"]
    assert given["amount_minor"] == 610
    assert outcome.receipt["refund_ids"] == [given["refund_id"]]


def test_a_whole_line_is_given_back_to_the_cent(market: WalmartMarket) -> None:
    order_id = market.shipped(("ATLAS", 2))
    (line,) = market.seen_order(order_id).lines
    parts = {"item_minor": line.price_minor, "shipping_minor": line.shipping_minor, "tax_minor": line.tax_minor}
    outcome, detail = market.send(
        "walmart.refund", refund_of(order_id, lines=[{"line_id": "1", "quantity": 2, **parts}])
    )
    assert isinstance(outcome, Done), detail
    (shown,) = market.book(order_id)["lines"]
    assert shown["refunded_minor"] == sum(parts.values())


def test_two_refunds_of_one_number_are_for_a_person(market: WalmartMarket) -> None:
    order_id = market.shipped()
    market.send("walmart.refund", refund_of(order_id))
    market.send("walmart.refund", refund_of(order_id))
    assert isinstance(market.look("walmart.refund", refund_of(order_id))[0], Unknown)
    assert isinstance(market.look("walmart.refund", refund_of(order_id, "R-2"))[0], NotThere)


def test_more_than_is_left_of_a_line_is_refused_in_their_words(market: WalmartMarket) -> None:
    order_id = market.shipped()
    payload = refund_of(order_id)
    payload["lines"][0]["item_minor"] = 999_999
    outcome, _ = market.send("walmart.refund", payload)
    assert isinstance(outcome, Refused)
    assert outcome.field == "chargeAmount"


@pytest.mark.parametrize(
    ("operation", "changed"),
    [
        ("walmart.refund", {"lines": []}),
        ("walmart.refund", {"refund": ""}),
        ("walmart.refund", {"reason": "because"}),
        ("walmart.refund", {"lines": [{"line_id": "1", "quantity": 1, "item_minor": 0}]}),
        ("walmart.refund", {"lines": [{"line_id": "1", "quantity": 1, "item_minor": -5}]}),
        ("walmart.cancel", {"lines": [{"line_id": "1", "quantity": 0}]}),
        ("walmart.cancel", {"reason": "because"}),
        ("walmart.ship", {"lines": []}),
        ("walmart.ship", {"shipped_at": "yesterday"}),
        ("walmart.price", {"price_minor": 0}),
        ("walmart.stock", {"quantity": -1}),
        ("walmart.retire-item", {"sku": ""}),
        ("walmart.submit-item", {"title": ""}),
    ],
)
def test_what_nobody_should_ask_for_never_leaves(
    market: WalmartMarket, operation: str, changed: dict[str, Any]
) -> None:
    order_id = market.shipped()
    good = {
        "walmart.refund": refund_of(order_id),
        "walmart.cancel": cancellation(market, order_id),
        "walmart.ship": parcel(market, order_id),
        "walmart.price": {"sku": "ATLAS", "price_minor": 1, "currency": "USD"},
        "walmart.stock": {"sku": "ATLAS", "quantity": 1},
        "walmart.retire-item": {"sku": "ATLAS"},
        "walmart.submit-item": product(),
    }[operation]
    before = len(market.http.sent)
    outcome, _ = market.send(operation, {**good, **changed})
    assert isinstance(outcome, Refused)
    assert outcome.code == "wrong-payload"
    assert len(market.http.sent) == before


def test_a_price_shows_when_they_have_worked_it_off() -> None:
    market = WalmartMarket(price_live_after=timedelta(minutes=5))
    payload = {"sku": "ATLAS", "price_minor": 2_222, "currency": "USD"}
    assert isinstance(market.send("walmart.price", payload)[0], Done)
    assert isinstance(market.look("walmart.price", payload)[0], NotThere)
    market.move(minutes=6)
    assert isinstance(market.look("walmart.price", payload)[0], Done)


@pytest.mark.parametrize("operation", ["walmart.price", "walmart.stock", "walmart.retire-item"])
def test_an_item_they_do_not_know_is_refused_in_their_words(market: WalmartMarket, operation: str) -> None:
    outcome, _ = market.send(operation, {"sku": "NOBODY", "price_minor": 5, "currency": "USD", "quantity": 1})
    assert isinstance(outcome, Refused)
    assert outcome.code.startswith("CONTENT_NOT_FOUND")


def test_an_item_submitted_is_on_sale_after_their_own_time(market: WalmartMarket) -> None:
    outcome, detail = market.send("walmart.submit-item", product())
    assert isinstance(outcome, Done), detail
    assert not market.portal.live("GLOBE")
    market.move(minutes=10)
    assert market.portal.live("GLOBE")
    assert market.portal.price("GLOBE") == 2_500


def test_a_feed_of_somebody_else_is_not_taken_for_ours(market: WalmartMarket) -> None:
    market.send("walmart.submit-item", product("OTHER"))
    market.move(seconds=30)
    found, _ = market.look("walmart.submit-item", product())
    assert isinstance(found, NotThere)


def test_a_feed_of_the_same_item_an_hour_ago_is_not_taken_for_this_one(market: WalmartMarket) -> None:
    market.send("walmart.submit-item", product())
    market.move(hours=1)
    assert isinstance(market.look("walmart.submit-item", product())[0], NotThere)


def test_a_return_of_which_nothing_is_accepted_has_no_call(market: WalmartMarket) -> None:
    told = receive(market)
    before = len(market.http.sent)
    outcome, _ = market.send(told.operation, {**told.payload, "accepted": []})
    assert isinstance(outcome, Refused)
    assert outcome.code == "nothing-accepted"
    assert len(market.http.sent) == before


def test_more_of_a_return_than_came_back_is_not_asked_for(market: WalmartMarket) -> None:
    told = receive(market)
    outcome, _ = market.send(told.operation, {**told.payload, "accepted": [{"line_id": "1", "quantity": 3}]})
    assert isinstance(outcome, Refused)
    assert outcome.code == "wrong-payload"
    assert market.applied("issueRefund") == 0


def test_a_return_refunded_by_walmart_itself_meanwhile_is_not_taken_for_ours(market: WalmartMarket) -> None:
    told = receive(market)
    market.move(days=10)
    found, _ = market.look(told.operation, told.payload)
    assert isinstance(found, Refused)
    assert found.code == "decided-otherwise"


def test_an_order_id_with_strange_characters_stays_one_path_segment(market: WalmartMarket) -> None:
    market.send("walmart.acknowledge", acknowledgement("1/../../feeds?x=1#A"))
    assert market.http.sent[-1].url.endswith("/v3/orders/1%2F..%2F..%2Ffeeds%3Fx%3D1%23A/acknowledge")
