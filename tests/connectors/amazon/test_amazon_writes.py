"""Amazon's writes against the sandbox: each alone under the contract, then what only Amazon does."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from connectors.amazon.house import QUEUE_ARN, AmazonMarket, RememberingScene
from connectors.contract import JoinedContract, Joint, Scene, Story, TwiceIsOnce, WriteContract

from entrepot.connectors.amazon.order_writes import package_reference
from entrepot.kernel.outcome import Done, Later, NotThere, Refused, Unknown

Tell = Callable[[AmazonMarket], Story]


def story(market: AmazonMarket, operation: str, code: str, payload: dict[str, Any], witness: str, key: str) -> Story:
    return Story(operation, code, payload, lambda: market.applied(witness, key), system="amazon")


def ship(market: AmazonMarket) -> Story:
    order_id = market.portal.place((("ATLAS-1", 2), ("LAMP-1", 1)))
    return story(market, "amazon.ship", "confirmShipment", market.parcel(order_id), "confirmShipment", f"{order_id}/7")


def cancel(market: AmazonMarket) -> Story:
    order_id = market.portal.place((("ATLAS-1", 2), ("LAMP-1", 1)))
    witness = "POST_ORDER_ACKNOWLEDGEMENT_DATA.Failure"
    return story(market, "amazon.cancel", "createFeed", market.cancellation(order_id), witness, order_id)


def refund(market: AmazonMarket) -> Story:
    order_id = market.shipped(("ATLAS-1", 2))
    payload = market.giving_back(order_id)
    key = f"{order_id}/{payload['lines'][0]['line_id']}/R-1"
    return story(market, "amazon.refund", "createFeed", payload, "POST_PAYMENT_ADJUSTMENT_DATA", key)


def set_price(market: AmazonMarket) -> Story:
    payload = {"sku": "ATLAS-1", "price_minor": 2_099, "currency": "EUR"}
    return story(market, "amazon.set-price", "patchListingsItem", payload, "patchListingsItem", "ATLAS-1")


def set_stock(market: AmazonMarket) -> Story:
    payload = {"sku": "ATLAS-1", "quantity": 33}
    return story(market, "amazon.set-stock", "patchListingsItem", payload, "patchListingsItem", "ATLAS-1")


def submit(market: AmazonMarket) -> Story:
    return story(market, "amazon.submit-listing", "putListingsItem", market.content(), "putListingsItem", "CHART-1")


def end(market: AmazonMarket) -> Story:
    payload = {"sku": "TIDES-1"}
    return story(market, "amazon.end-listing", "deleteListingsItem", payload, "deleteListingsItem", "TIDES-1")


def destination(market: AmazonMarket) -> Story:
    payload = {"name": "hub", "queue_arn": QUEUE_ARN}
    return story(market, "amazon.create-destination", "createDestination", payload, "createDestination", "hub")


def subscribe(market: AmazonMarket) -> Story:
    outcome, detail = market.send("amazon.create-destination", {"name": "hub", "queue_arn": QUEUE_ARN})
    assert isinstance(outcome, Done), detail
    payload = {"notification": "ORDER_CHANGE", "destination_id": outcome.receipt["destination_id"]}
    return story(market, "amazon.subscribe", "createSubscription", payload, "createSubscription", "ORDER_CHANGE")


@pytest.fixture
def market() -> AmazonMarket:
    return AmazonMarket()


class TestWritesThatAmazonsStatesProtect(TwiceIsOnce):
    """A parcel by its number within the order, an order because it is cancelled once and looked at before."""

    @pytest.fixture(params=[ship, cancel, destination, subscribe], ids=lambda tell: tell.__name__)
    def scene(self, request: pytest.FixtureRequest, market: AmazonMarket) -> Scene:
        tell: Tell = request.param
        return Scene(market, tell(market))  # type: ignore[arg-type]


class TestWritesThatAreTheSameHoweverOften(WriteContract):
    """Each sets a listing to what it is to be: done twice it is what it is to be."""

    @pytest.fixture(params=[set_price, set_stock, submit, end], ids=lambda tell: tell.__name__)
    def scene(self, request: pytest.FixtureRequest, market: AmazonMarket) -> Scene:
        tell: Tell = request.param
        return Scene(market, tell(market))  # type: ignore[arg-type]


class TestTheRefundThatAmazonWouldDoTwice(WriteContract):
    """Money without a key of ours. What was lost is looked for by what the lost call left: when it was made."""

    @pytest.fixture
    def scene(self, market: AmazonMarket) -> Scene:
        return RememberingScene(market, refund(market))  # type: ignore[arg-type]

    def test_what_is_sent_is_done_once(self, scene: Scene) -> None:
        """Once their feed is worked off: taken is not done."""
        assert isinstance(scene.send(), Done)
        scene.market.move(seconds=1)
        assert scene.applied == 1

    def test_a_token_that_expired_is_renewed_and_the_call_made_once(self, scene: Scene) -> None:
        scene.trouble("expired-token")
        assert isinstance(scene.send(), Done)
        scene.market.move(seconds=1)
        assert scene.applied == 1

    def test_a_look_that_fails_leaves_it_unclear(self, scene: Scene) -> None:
        """Three kinds of call: the list of feeds, a report, their books."""
        scene.trouble("timeout-after")
        scene.send()
        scene.market.move(seconds=1)
        for code in ("getFeeds", "getFeedDocument", "listTransactions"):
            for kind in ("timeout-before", "503", "429", "truncated", "html"):
                scene.market.trouble(code, kind, 5, "amazon")
                assert isinstance(scene.look(), Unknown), (code, kind)
        assert isinstance(scene.look(), Done)

    def test_when_nobody_kept_the_time_of_the_call_a_whole_day_is_looked_through(
        self, scene: Scene, market: AmazonMarket
    ) -> None:
        scene.trouble("timeout-after")
        scene.send()
        market.move(hours=20)
        found, _ = market.look(scene.story.operation, scene.story.payload, scene.story.key)
        assert isinstance(found, Done)

    def test_a_refund_that_their_report_refuses_is_refused_and_not_sought_for_ever(self, market: AmazonMarket) -> None:
        order_id = market.shipped(("ATLAS-1", 1))
        payload = market.giving_back(order_id, item_minor=99_999)
        scene = RememberingScene(market, Story("amazon.refund", "createFeed", payload, lambda: 0, "amazon"))  # type: ignore[arg-type]
        scene.trouble("timeout-after")
        assert isinstance(scene.send(), Unknown)
        market.move(seconds=1)
        assert isinstance(scene.look(), Refused)

    def test_while_the_feed_is_worked_off_nothing_is_said(self) -> None:
        market = AmazonMarket(at_once=False)
        order_id = market.shipped(("ATLAS-1", 1))
        payload = market.giving_back(order_id)
        scene = RememberingScene(market, Story("amazon.refund", "createFeed", payload, lambda: 0, "amazon"))  # type: ignore[arg-type]
        scene.trouble("timeout-after")
        assert isinstance(scene.send(), Unknown)
        assert isinstance(scene.look(), Unknown)
        market.move(minutes=10)
        assert isinstance(scene.look(), Done)


class TestThePreviewThatChangesNothing(WriteContract):
    """A question. Whether it was asked leaves no trace, so a look asks again, and what it hears is the answer."""

    @pytest.fixture
    def scene(self, market: AmazonMarket) -> Scene:
        told = Story("amazon.preview-listing", "putListingsItem", market.content(), lambda: 0, "amazon")
        return Scene(market, told)  # type: ignore[arg-type]

    def test_what_is_sent_is_done_once(self, scene: Scene) -> None:
        outcome = scene.send()
        assert isinstance(outcome, Done)
        assert outcome.receipt["status"] == "VALID"
        assert "CHART-1" not in [one["sku"] for one in scene.market.world.books()["amazon"]["listings"]]

    def test_an_answer_lost_after_it_was_done_is_unclear_and_a_look_finds_it(self, scene: Scene) -> None:
        scene.trouble("timeout-after")
        assert isinstance(scene.send(), Unknown)
        assert isinstance(scene.look(), Done)

    def test_a_request_lost_before_it_was_done_is_unclear_and_a_look_does_not_find_it(self, scene: Scene) -> None:
        """It finds it: it asks."""
        scene.trouble("timeout-before")
        assert isinstance(scene.send(), Unknown)
        assert isinstance(scene.look(), Done)

    @pytest.mark.parametrize("status", ["500", "502", "503", "504"])
    def test_a_failure_of_their_system_leaves_it_unclear(self, scene: Scene, status: str) -> None:
        scene.trouble(status)
        assert isinstance(scene.send(), Unknown)
        assert isinstance(scene.look(), Done)

    def test_a_look_sees_the_same_receipt_as_the_answer_would_have_told(self, scene: Scene) -> None:
        """Each question has a number of its own; what they say is the same."""
        first, again = scene.look(), scene.look()
        assert isinstance(first, Done)
        assert isinstance(again, Done)
        assert (first.receipt["status"], first.receipt["issues"]) == (again.receipt["status"], again.receipt["issues"])

    def test_a_token_that_expired_is_renewed_and_the_call_made_once(self, scene: Scene) -> None:
        scene.trouble("expired-token")
        assert isinstance(scene.send(), Done)


class Feed(Joint):
    """What is taken now is worked off a little later."""

    def send(self, *payloads: Mapping[str, Any], seconds: float = 15.0) -> list[Any]:
        outcomes = super().send(*payloads, seconds=seconds)
        self.market.move(seconds=1)
        return outcomes


def joint(market: AmazonMarket, operation: str, told: dict[str, Any]) -> Joint:
    return Feed(
        market,
        f"amazon.{operation}",
        "createFeed",
        [{"sku": sku, **told} for sku in ("ATLAS-1", "TIDES-1", "LAMP-1")],
        {"sku": "NONE", **told},
        lambda payload: market.applied("JSON_LISTINGS_FEED", str(payload["sku"])),
    )


def prices(market: AmazonMarket) -> Joint:
    return joint(market, "set-price", {"price_minor": 2_099, "currency": "EUR"})


def stocks(market: AmazonMarket) -> Joint:
    return joint(market, "set-stock", {"quantity": 33})


class TestManyInOneFeed(JoinedContract):
    @pytest.fixture(params=[prices, stocks], ids=lambda tell: tell.__name__)
    def joint(self, request: pytest.FixtureRequest, market: AmazonMarket) -> Joint:
        made: Joint = request.param(market)
        return made

    def test_what_is_lost_before_the_feed_is_made_may_simply_go_again(self, joint: Joint) -> None:
        for code, kind in (("createFeedDocument", "timeout-after"), ("uploadDocument", "503")):
            joint.market.trouble(code, kind)
            assert {type(one) for one in joint.send(*joint.payloads)} == {Later}
        assert joint.calls == 0


@pytest.mark.parametrize("tell", [prices, stocks])
def test_a_feed_of_listings_is_answered_by_article(market: AmazonMarket, tell: Callable[[AmazonMarket], Joint]) -> None:
    told = tell(market)
    outcomes = told.send(*told.payloads, told.refused)
    (number,) = {outcome.receipt["submission_id"] for outcome in outcomes}
    seen = market.seen(market.channel.lookups["submission"].one(market.ctx, number).received[0])
    assert (seen.submission_id, seen.state, seen.items, seen.rejected) == (number, "done", 4, 1)
    assert [(one.key, one.accepted) for one in seen.results if not one.accepted] == [("NONE", False)]


# ── what only Amazon does ────────────────────────────────────────────────────────────────────────────────────


def test_a_feed_taken_is_a_receipt_for_a_batch_and_not_yet_a_deed() -> None:
    market = AmazonMarket(at_once=False)
    order_id = market.portal.place((("ATLAS-1", 1),))
    market.move(minutes=5)
    outcome, _ = market.send("amazon.cancel", market.cancellation(order_id))
    assert isinstance(outcome, Done)
    assert outcome.receipt["submission_id"]
    assert market.order(order_id)["cancelled_by"] is None
    market.move(minutes=10)
    assert market.order(order_id)["cancelled_by"] == "seller"


def test_no_token_of_ours_goes_to_where_the_document_is_laid_down(market: AmazonMarket) -> None:
    market.send("amazon.cancel", market.cancellation(market.portal.place((("ATLAS-1", 1),))))
    uploads = [call for call in market.http.sent if call.method == "PUT"]
    assert len(uploads) == 1
    assert "documents.example" in uploads[0].url
    assert set(uploads[0].headers) == {"content-type"}


@pytest.mark.parametrize("kind", ["timeout-before", "timeout-after", "503", "html", "truncated"])
def test_what_is_lost_before_the_feed_is_made_is_simply_done_again(market: AmazonMarket, kind: str) -> None:
    order_id = market.portal.place((("ATLAS-1", 1),))
    market.trouble("createFeedDocument", kind)
    outcome, _ = market.send("amazon.cancel", market.cancellation(order_id))
    assert isinstance(outcome, Later)
    assert isinstance(market.send("amazon.cancel", market.cancellation(order_id))[0], Done)
    market.move(seconds=1)
    assert market.applied("POST_ORDER_ACKNOWLEDGEMENT_DATA.Failure", order_id) == 1


def test_an_upload_that_fails_makes_no_feed(market: AmazonMarket) -> None:
    order_id = market.portal.place((("ATLAS-1", 1),))
    before = market.world.calls["amazon", "createFeed"]
    market.trouble("uploadDocument", "503")
    outcome, _ = market.send("amazon.cancel", market.cancellation(order_id))
    assert isinstance(outcome, Later)
    assert market.world.calls["amazon", "createFeed"] == before


def test_pieces_of_an_order_are_cancelled_by_an_adjustment_and_the_rest_stays(market: AmazonMarket) -> None:
    order_id = market.portal.place((("ATLAS-1", 3), ("LAMP-1", 1)))
    line = next(one for one in market.lines(order_id) if one["sku"] == "ATLAS-1")
    payload = market.cancellation(order_id, lines=[{**line, "quantity": 1}])
    outcome, _ = market.send("amazon.cancel", payload)
    assert isinstance(outcome, Done), outcome
    market.move(seconds=1)
    cancelled = {one["sku"]: one["cancelled"] for one in market.order(order_id)["lines"]}
    assert cancelled == {"ATLAS-1": 1, "LAMP-1": 0}
    assert isinstance(market.look("amazon.cancel", payload)[0], Done)


def test_more_than_is_open_is_not_cancelled(market: AmazonMarket) -> None:
    order_id = market.shipped(("ATLAS-1", 2))
    outcome, _ = market.send("amazon.cancel", market.cancellation(order_id))
    assert isinstance(outcome, Refused)
    assert market.world.calls["amazon", "createFeed"] == 0


def test_an_order_that_the_buyer_cancelled_meanwhile_needs_no_feed(market: AmazonMarket) -> None:
    order_id = market.portal.place((("ATLAS-1", 2),))
    payload = market.cancellation(order_id)
    market.portal.cancel(order_id)
    assert isinstance(market.send("amazon.cancel", payload)[0], Done)
    assert market.world.calls["amazon", "createFeed"] == 0


def test_an_order_that_is_not_payable_yet_cannot_be_cancelled_by_us(market: AmazonMarket) -> None:
    order_id = market.portal.place((("ATLAS-1", 2),), pending=True)
    assert isinstance(market.send("amazon.cancel", market.cancellation(order_id))[0], Refused)


def test_a_parcel_that_travels_by_another_number_is_not_taken_for_ours(market: AmazonMarket) -> None:
    order_id = market.portal.place((("ATLAS-1", 2),))
    market.send("amazon.ship", market.parcel(order_id))
    found, _ = market.look("amazon.ship", market.parcel(order_id, tracking="OTHER"))
    assert isinstance(found, Refused)


def test_a_carrier_that_is_no_word_of_theirs_is_another_one_by_its_name(market: AmazonMarket) -> None:
    order_id = market.portal.place([("LAMP-1", 1)])
    parcel = market.parcel(order_id, carrier="Cargo bike", other_carrier=True)
    assert isinstance(market.send("amazon.ship", parcel)[0], Done)
    sent = json.loads(market.http.sent[-1].body)["packageDetail"]
    assert (sent["carrierCode"], sent["carrierName"]) == ("Others", "Cargo bike")
    assert isinstance(market.look("amazon.ship", parcel)[0], Done)


def test_two_parcels_of_one_order_are_two(market: AmazonMarket) -> None:
    order_id = market.portal.place((("ATLAS-1", 1), ("LAMP-1", 1)))
    first, second = market.lines(order_id)
    market.send("amazon.ship", market.parcel(order_id, "1", lines=[first]))
    market.send("amazon.ship", market.parcel(order_id, "P-2", lines=[second]))
    keys = {one["key"] for one in market.system.books()["shipments"]}
    assert keys == {"1", package_reference("P-2")}


@pytest.mark.parametrize("parcel", ["1", "007", "P-2", "0", "", "9" * 40, "Päckchen"])
def test_a_parcels_number_is_a_positive_number_whatever_ours_is(parcel: str) -> None:
    reference = package_reference(parcel)
    assert reference.isascii()
    assert reference.isdigit()
    assert int(reference) > 0
    assert reference == package_reference(parcel)


def test_a_listing_with_something_wrong_is_refused_with_their_words_and_the_attribute(market: AmazonMarket) -> None:
    outcome, _ = market.send("amazon.submit-listing", market.content(category="ABIS_BOOK"))
    assert isinstance(outcome, Refused)
    assert outcome.field == "author"
    assert outcome.code
    assert outcome.words


def test_a_price_for_a_listing_they_do_not_know_is_refused(market: AmazonMarket) -> None:
    outcome, _ = market.send("amazon.set-price", {"sku": "NONE", "price_minor": 5, "currency": "EUR"})
    assert isinstance(outcome, Refused)


@pytest.mark.parametrize("price", [0, -5])
def test_a_price_of_nothing_never_leaves(market: AmazonMarket, price: int) -> None:
    outcome, _ = market.send("amazon.set-price", {"sku": "ATLAS-1", "price_minor": price, "currency": "EUR"})
    assert isinstance(outcome, Refused)
    assert market.world.calls["amazon", "patchListingsItem"] == 0


def test_price_and_stock_are_what_was_set(market: AmazonMarket) -> None:
    market.send("amazon.set-price", {"sku": "ATLAS-1", "price_minor": 2_099, "currency": "EUR"})
    market.send("amazon.set-stock", {"sku": "ATLAS-1", "quantity": 3, "lead_time_days": 2})
    market.move(seconds=1)
    assert (market.portal.price("ATLAS-1"), market.portal.stock("ATLAS-1")) == (2_099, 3)


def test_a_stock_that_was_sold_from_meanwhile_is_simply_set_again(market: AmazonMarket) -> None:
    payload = {"sku": "ATLAS-1", "quantity": 3}
    market.send("amazon.set-stock", payload)
    market.move(seconds=1)
    market.portal.place((("ATLAS-1", 1),))
    assert isinstance(market.look("amazon.set-stock", payload)[0], NotThere)


def test_a_token_of_theirs_that_ran_out_is_a_403_and_renewed_all_the_same(market: AmazonMarket) -> None:
    order_id = market.portal.place((("ATLAS-1", 1),))
    market.send("amazon.ship", market.parcel(order_id))
    market.system.access._tokens.clear()  # they forgot all they gave
    other = market.portal.place((("ATLAS-1", 1),))
    outcome, detail = market.send("amazon.ship", market.parcel(other))
    assert isinstance(outcome, Done), detail
    assert market.world.calls["amazon", "token"] == 2
