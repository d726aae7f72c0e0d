"""OF01, PRI01 and STO01 as the operator: many rows in one file; their number first, then what became of each row."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from connectors.market import Answers, Market, make_ctx, said

from entrepot.connectors.mirakl.feed_writes import OFFERS, PATHS, PRICES, STOCK, file_of
from entrepot.kernel.outcome import Done, Later, NotThere, Outcome, ReadBack, Refused, Unknown

PAYLOAD = {"shop_id": "2001", "batch_id": "bat_1"}
CODES = {OFFERS: "OF01", PRICES: "PRI01", STOCK: "STO01"}
EVERY_LANE = pytest.mark.parametrize("operation", PATHS)


def row(sku: str = "HB-1", **changed: Any) -> dict[str, Any]:
    """An offer as it is to be, with what was last observed of it."""
    product = {"HB-1": "EAN-1", "HB-2": "EAN-2"}.get(sku, "")
    return {
        "line": 1, "sku": sku, "live": True, "price_minor": 2_150, "sale_price_minor": None, "quantity": 40, "currency": "EUR",
        "condition": "", "lead_days": None, "gtin": "", "product_id": product, "state_code": "11", "description": "As it was",
        "terms": {}, "says_sale": False, **changed,
    }  # fmt: skip


def send(market: Market, operation: str, *rows: Mapping[str, Any]) -> Outcome:
    effect = replace(market.effect(operation, "feed:bat_1", PAYLOAD), cargo=rows)
    return market.mirakl.operations[operation].send(market.ctx, effect)[0]


def look(market: Market, operation: str, heard: Outcome | ReadBack) -> ReadBack:
    assert isinstance(heard, Unknown)
    effect = replace(market.effect(operation, "feed:bat_1", PAYLOAD), trace=heard.trace)
    return market.mirakl.operations[operation].read_back(market.ctx, effect)[0]


def refused(found: ReadBack) -> list[tuple[str, str, str]]:
    assert isinstance(found, Done)
    rows: Sequence[Mapping[str, Any]] = found.receipt["refused"]
    return [(one["sku"], one["field"], one["message"]) for one in rows]


@EVERY_LANE
def test_a_file_is_unclear_until_its_import_is_over_and_then_each_row_is_told(market: Market, operation: str) -> None:
    heard = send(market, operation, row(), row("NOWHERE"))
    assert isinstance(heard, Unknown) and heard.trace["import_id"]
    assert isinstance(look(market, operation, heard), Unknown)
    market.move(minutes=2)
    [(sku, field, message)] = refused(look(market, operation, heard))
    assert (sku, field) == ("NOWHERE", "gtin" if operation == OFFERS else "")
    assert "does not exist" in message
    offer = market.portal.offer(101)
    assert (offer.price_minor, offer.quantity) == {OFFERS: (2_150, 40), PRICES: (2_150, 10_000), STOCK: (1_999, 40)}[
        operation
    ]


@EVERY_LANE
@pytest.mark.parametrize("kind", ["timeout-after", "timeout-before", "503"])
def test_without_a_number_it_is_sent_again_and_twice_is_once(market: Market, operation: str, kind: str) -> None:
    market.trouble(CODES[operation], kind)
    heard = send(market, operation, row())
    assert isinstance(heard, Unknown) and not heard.trace
    assert isinstance(look(market, operation, heard), NotThere)
    again = send(market, operation, row())
    market.move(minutes=2)
    assert refused(look(market, operation, again)) == []


@EVERY_LANE
def test_too_many_calls_means_later_and_as_they_said(market: Market, operation: str) -> None:
    market.trouble(CODES[operation], "429", 17)
    heard = send(market, operation, row())
    assert isinstance(heard, Later) and heard.after_s == 17


@EVERY_LANE
@pytest.mark.parametrize("kind", ["timeout-before", "503", "truncated", "html"])
def test_a_look_that_fails_leaves_it_unclear(market: Market, operation: str, kind: str) -> None:
    heard = send(market, operation, row())
    market.move(minutes=2)
    market.trouble({OFFERS: "OF02", PRICES: "PRI02", STOCK: "STO02"}[operation], kind)
    assert isinstance(look(market, operation, heard), Unknown)
    assert isinstance(look(market, operation, heard), Done)


@EVERY_LANE
def test_an_error_report_that_cannot_be_read_proves_nothing(market: Market, operation: str) -> None:
    heard = send(market, operation, row("NOWHERE"))
    market.move(minutes=2)
    market.trouble({OFFERS: "OF03", PRICES: "PRI03", STOCK: "STO03"}[operation], "html")
    assert isinstance(look(market, operation, heard), Unknown)


@EVERY_LANE
def test_a_file_that_failed_as_a_whole_is_refused_in_their_words(market: Market, operation: str) -> None:
    status = b'{"import_id": "7", "status": "FAILED", "reason_status": "Missing columns: sku"}'
    answers = Answers(said(200, b'{"data": [' + status + b"]}" if operation == PRICES else status))
    effect = replace(market.effect(operation, "k", PAYLOAD), trace={"import_id": "7"})
    found, _ = market.mirakl.operations[operation].read_back(make_ctx(answers, market.clock), effect)
    assert found == Refused("IMPORT_FAILED", "Missing columns: sku")


def test_a_whole_offer_repeats_what_was_observed_so_that_nothing_falls_back(market: Market) -> None:
    market.portal.revise_offer(
        101, min_order_quantity=2, lead_time_days=9, internal_description="shelf 7", price_additional_info="incl. tax"
    )
    before = replace(market.portal.offer(101))
    terms = dict(market.seen(market.sweep("offer-details").records[0]).terms)
    send(market, OFFERS, row(description=before.description, terms=terms))
    market.move(minutes=2)
    after = market.portal.offer(101)
    assert (after.price_minor, after.quantity) == (2_150, 40)
    kept = replace(after, price_minor=before.price_minor, quantity=before.quantity, updated_at=before.updated_at)
    assert kept == before


def test_an_offer_that_ended_is_deleted_there(market: Market) -> None:
    send(market, OFFERS, row(live=False), row("HB-2"))
    market.move(minutes=2)
    assert market.portal.offer(101).deleted and not market.portal.offer(102).deleted


def test_terms_that_a_file_would_lose_keep_the_offer_out_of_it_and_that_is_told(market: Market) -> None:
    volumes = [{"channel_code": "FR", "unit_origin_price": "20.00", "volume_prices": [{"quantity_threshold": 5}]}]
    heard = send(market, OFFERS, row(), row("HB-2", terms={"all_prices": volumes}))
    market.move(minutes=2)
    assert refused(look(market, OFFERS, heard)) == [
        ("HB-2", "", "it has prices by quantity, which a file cannot repeat")
    ]
    assert market.portal.offer(102).price_minor == 705
    alone = send(market, OFFERS, row("HB-2", terms={"all_prices": volumes}))
    assert isinstance(alone, Done) and alone.receipt["import_id"] == ""


def test_a_discount_goes_on_unless_the_sellers_file_speaks_of_sale_prices() -> None:
    terms = {"discount": {"price": "19.00", "start_date": "2026-11-01"}}
    going, _ = file_of(PRICES, [row(terms=terms)])
    assert '"19.00"' in going and '"2026-11-01"' in going
    ended, _ = file_of(PRICES, [row(terms=terms, says_sale=True)])
    assert "19.00" not in ended
    other, _ = file_of(PRICES, [row(terms=terms, sale_price_minor=1_500, says_sale=True)])
    assert '"15.00"' in other and "19.00" not in other


def test_an_effect_without_its_rows_leaves_nothing(market: Market) -> None:
    before = len(market.http.sent)
    effect = market.effect(OFFERS, "k", {})
    outcome, _ = market.mirakl.operations[OFFERS].send(market.ctx, effect)
    assert isinstance(outcome, Refused) and len(market.http.sent) == before


def test_ten_thousand_rows_are_one_file() -> None:
    text, kept = file_of(STOCK, [row(f"S-{n}", quantity=n) for n in range(10_000)])
    assert (text.count("\n"), kept) == (10_001, [])
