"""ChannelEngine's records in our words: every published status, and whatever else may come."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from connectors.channelengine.ce_market import ChannelEngineMarket
from connectors.totality import Reader, Totality, samples_of

from entrepot.connectors.channelengine import translate, words
from entrepot.connectors.channelengine.connector import MANIFEST
from entrepot.connectors.port import Malformed, Translator
from entrepot.connectors.reading import encoded
from entrepot.kernel.outcome import Unrecognised
from entrepot.trade.listing.model import ListingSeen
from entrepot.trade.listing.states import ListingState
from entrepot.trade.order.model import OrderSeen, ReturnSeen
from entrepot.trade.order.states import LegState, LineState


def line(**more: Any) -> dict[str, Any]:
    return {
        "Status": "IN_PROGRESS",
        "Quantity": 2,
        "MerchantProductNo": "ATLAS",
        "OriginalLineTotalInclVat": Decimal("39.98"),
        **more,
    }


def order(*lines: dict[str, Any], **more: Any) -> Any:
    whole = {
        "Id": 10001,
        "Status": "IN_PROGRESS",
        "CurrencyCode": "EUR",
        "OrderDate": "2026-11-02T10:00:00Z",
        "OriginalShippingCostsInclVat": Decimal("2.99"),
        "Lines": list(lines) or [line()],
        **more,
    }
    return translate.order(encoded(whole))


LEGS: Mapping[str, LegState] = {
    "NEW": LegState.AWAITING_ACCEPTANCE,
    "IN_PROGRESS": LegState.TO_SHIP,
    "SHIPPED": LegState.SHIPPED,
    "IN_BACKORDER": LegState.TO_SHIP,
    "MANCO": LegState.CANCELLED,
    "CANCELED": LegState.CANCELLED,
    "IN_COMBI": LegState.TO_SHIP,
    "CLOSED": LegState.CLOSED,
    "RETURNED": LegState.CLOSED,
    "REQUIRES_CORRECTION": LegState.ON_HOLD,
    "AWAITING_PAYMENT": LegState.ON_HOLD,
}


@pytest.mark.parametrize(("word", "ours"), sorted(LEGS.items()))
def test_every_status_of_an_order_and_of_a_line_is_known(word: str, ours: LegState) -> None:
    assert order(Status=word).state is ours
    assert isinstance(order(line(Status=word)).lines[0].state, LineState)


def test_no_published_status_is_missing() -> None:
    assert set(words.LEG_BY_STATUS) == set(words.LINE_BY_STATUS) == set(LEGS)


@pytest.mark.parametrize("word", ["ON_ICE", "new", "", "SHIPPED ", "CANCELLED"])
def test_a_status_nobody_published_is_never_good_news(word: str) -> None:
    assert order(Status=word).state == Unrecognised("Order.Status", word)
    seen = order(line(Status=word))
    assert seen.lines[0].state == seen.state == Unrecognised("Line.Status", word)


def test_a_line_without_a_number_goes_by_its_product_and_a_second_one_is_counted() -> None:
    seen = order(line(), line(), line(MerchantProductNo="CHART"), line(Id=77))
    assert [one.order_line_id for one in seen.lines] == ["ATLAS", "ATLAS#2", "CHART", "77"]


def test_the_amount_is_the_one_the_buyer_paid() -> None:
    seen = order(line(LineTotalInclVat=Decimal("33.00"), OriginalLineTotalInclVat=Decimal("39.98")))
    assert isinstance(seen, OrderSeen)
    assert (seen.total_minor, seen.lines[0].tax_minor) == (3_998 + 299, 0)


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"Id": None}, "$.Id"),
        ({"Lines": []}, "$.Lines"),
        ({"OriginalShippingCostsInclVat": None}, "$.OriginalShippingCostsInclVat"),
        ({"CurrencyCode": "EURO"}, "$.OriginalShippingCostsInclVat"),
        ({"OrderDate": "2026-11-02"}, "$.OrderDate"),
        ({"UpdatedAt": 5}, "$.UpdatedAt"),
    ],
)
def test_a_field_that_is_missing_or_of_another_kind_is_named(changed: dict[str, Any], where: str) -> None:
    seen = order(**changed)
    assert isinstance(seen, Malformed)
    assert seen.where == where


@pytest.mark.parametrize(
    "bad",
    [
        line(Quantity=0),
        line(OriginalLineTotalInclVat=None),
        line(OriginalLineTotalInclVat=Decimal("-1")),
        line(OriginalLineTotalInclVat=Decimal("1.999")),
        line(MerchantProductNo=None),
    ],
)
def test_a_line_that_cannot_be_is_malformed(bad: dict[str, Any]) -> None:
    assert isinstance(order(bad), Malformed)


def returned(**more: Any) -> Any:
    one = {
        "Id": 801,
        "Status": "IN_PROGRESS",
        "CreatedAt": "2026-11-02T10:00:00Z",
        "Lines": [{"MerchantProductNo": "ATLAS", "Quantity": 1}],
    }
    return translate.return_order(encoded({"orderId": 10001, "record": one} | more))


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("IN_PROGRESS", "requested"),
        ("RECEIVED", "received"),
        ("CANCELLED", "cancelled"),
        ("LOST", Unrecognised("Return.Status", "LOST")),
    ],
)
def test_every_status_of_a_return_is_known(word: str, ours: Any) -> None:
    one = {
        "Id": 801,
        "Status": word,
        "CreatedAt": "2026-11-02T10:00:00Z",
        "Lines": [{"MerchantProductNo": "ATLAS", "Quantity": 1}],
    }
    seen = returned(record=one)
    assert isinstance(seen, ReturnSeen)
    assert (seen.state, seen.lines) == (ours, {"ATLAS": 1})


def test_a_return_of_an_order_nobody_knows_is_for_a_person() -> None:
    seen = returned(orderId=None)
    assert isinstance(seen, Malformed)
    assert seen.where == "$.orderId"


def listing(*statuses: tuple[str, str]) -> Any:
    channels = [
        {
            "channelId": n,
            "channelName": f"C{n}",
            "listed": {"ChannelStatus": status, "ExportStatus": export, "LastExportedPrice": Decimal("1.5")},
        }
        for n, (status, export) in enumerate(statuses)
    ]
    return translate.listing(
        encoded({"seenAt": "2026-11-02T10:00:00Z", "sku": "A", "currency": "EUR", "channels": channels})
    )


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("PUBLISHED", ListingState.LIVE),
        ("UNDER_REVIEW", ListingState.ACCEPTED),
        ("NONE", ListingState.ACCEPTED),
        ("UNKNOWN", ListingState.ACCEPTED),
        ("INVALID_ON_CREATE", ListingState.ISSUE),
        ("NOT_PUBLISHED", ListingState.SUPPRESSED),
    ],
)
@pytest.mark.parametrize("export", ["CREATED", "UPDATED", "CREATE_FAILED"])
def test_every_status_of_a_listing_is_known(word: str, ours: ListingState, export: str) -> None:
    seen = listing((word, export))
    assert isinstance(seen, ListingSeen)
    assert (seen.state, seen.price_minor) == (ours, 150)


def test_a_product_taken_off_every_channel_is_ended() -> None:
    assert listing(("NOT_PUBLISHED", "DELETED")).state is ListingState.ENDED
    assert listing(("NOT_PUBLISHED", "DELETED"), ("PUBLISHED", "UPDATED")).state is ListingState.LIVE


def test_what_one_channel_says_in_a_strange_word_decides_nothing() -> None:
    assert listing(("PUBLISHED", "UPDATED"), ("ODD", "UPDATED")) == Unrecognised("ChannelStatus", "ODD")
    assert listing(("PUBLISHED", "ODD")) == Unrecognised("ExportStatus", "ODD")


# ── totality ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _recorded() -> tuple[Mapping[str, Translator], dict[str, bytes]]:
    market = ChannelEngineMarket()
    order_id = market.shipped()
    market.portal.open_return(order_id, [(market.book(order_id)["lines"][0]["line_id"], 1)], "PRODUCT_DEFECT")
    market.portal.suppress("CHART", "E", "no image", "ImageUrl")
    market.move(minutes=1)
    sweeps = {name: market.sweep(name).records for name in market.channel.sources}
    hints = market.channel.webhook.split(market.webhooks[0].body) if market.channel.webhook else ()
    return market.channel.translators, samples_of({**sweeps, "hint": list(hints)})


TRANSLATORS, SAMPLES = _recorded()
KINDS = sorted(SAMPLES)


def test_there_is_a_sample_of_every_kind() -> None:
    assert set(KINDS) == set(TRANSLATORS) == set(MANIFEST.flows)


class TestWhateverComes(Totality):
    samples = SAMPLES

    @staticmethod
    def reader_of(name: str) -> Reader:
        return TRANSLATORS[name]
