"""OF24 against the sandbox: taken now, worked off later; what became of it is read from the import, never guessed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from connectors.market import Answers, Market, make_ctx, said

from entrepot.connectors.mirakl import shapes
from entrepot.connectors.mirakl.offer_writes import verdict
from entrepot.connectors.mirakl.offers import terms_of
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack, Refused, Unknown

UPDATE = "mirakl.update-offer"


def whole(market: Market, **changed: Any) -> dict[str, Any]:
    """Offer 101 as it was last observed, with something changed."""
    listed = market.seen(market.sweep("offer-details").records[0])
    exported = market.seen(market.sweep("offers").records[0])
    assert listed.offer_id == exported.offer_id == "101"
    return {
        "shop_id": exported.seller_id,
        "sku": exported.sku,
        "product_id": exported.product_id,
        "price_minor": exported.price_minor,
        "currency": exported.currency,
        "quantity": exported.quantity,
        "state_code": exported.state_code,
        "description": exported.description,
        "terms": dict(listed.terms),
        "wanted": {"description": changed.get("description", exported.description)},
        **changed,
    }


def send(market: Market, payload: Mapping[str, Any]) -> Outcome:
    return market.send(UPDATE, payload, "assert:101")[0]


def look(market: Market, payload: Mapping[str, Any], heard: Outcome | ReadBack) -> ReadBack:
    assert isinstance(heard, Unknown)
    effect = replace(market.effect(UPDATE, "assert:101", payload), trace=heard.trace)
    return market.mirakl.operations[UPDATE].read_back(market.ctx, effect)[0]


def test_a_write_is_unclear_until_its_import_is_over(market: Market) -> None:
    payload = whole(market, description="Waterproof")
    heard = send(market, payload)
    assert isinstance(heard, Unknown) and heard.trace["import_id"]
    assert isinstance(look(market, payload, heard), Unknown)
    market.move(minutes=1)
    assert look(market, payload, heard) == Done({"import_id": str(heard.trace["import_id"])})
    assert market.portal.offer(101).description == "Waterproof"


def test_what_was_not_meant_to_change_stays_as_it_was(market: Market) -> None:
    market.portal.revise_offer(
        101, min_order_quantity=2, lead_time_days=9, internal_description="shelf 7", price_additional_info="incl. tax"
    )
    before = replace(market.portal.offer(101))
    send(market, whole(market, description="Waterproof"))
    market.move(minutes=1)
    after = market.portal.offer(101)
    assert after.description == "Waterproof"
    assert replace(after, description=before.description, updated_at=before.updated_at) == before


def test_a_row_they_refuse_is_refused_in_the_words_of_their_report(market: Market) -> None:
    payload = whole(market, product_id="NOWHERE")
    heard = send(market, payload)
    market.move(minutes=1)
    found = look(market, payload, heard)
    assert isinstance(found, Refused)
    assert "product does not exist" in found.words


def test_an_answer_lost_after_it_was_taken_is_found_by_the_offer_itself(market: Market) -> None:
    payload = whole(market, description="Waterproof")
    market.trouble("OF24", "timeout-after")
    heard = send(market, payload)
    assert isinstance(heard, Unknown) and not heard.trace
    assert isinstance(look(market, payload, heard), NotThere)
    market.move(minutes=1)
    assert isinstance(look(market, payload, heard), Done)


def test_a_request_that_never_arrived_is_not_there_and_may_be_sent_again(market: Market) -> None:
    payload = whole(market, description="Waterproof")
    market.trouble("OF24", "timeout-before")
    heard = send(market, payload)
    market.move(minutes=1)
    assert isinstance(look(market, payload, heard), NotThere)
    assert isinstance(send(market, payload), Unknown)
    assert isinstance(send(market, payload), Unknown)  # an upsert: twice is once
    market.move(minutes=1)
    assert market.portal.offer(101).description == "Waterproof"


@pytest.mark.parametrize("kind", ["timeout-before", "503", "truncated", "html"])
def test_a_look_at_the_import_that_fails_leaves_it_unclear(market: Market, kind: str) -> None:
    payload = whole(market, description="Waterproof")
    heard = send(market, payload)
    market.move(minutes=1)
    market.trouble("OF02", kind)
    assert isinstance(look(market, payload, heard), Unknown)
    assert isinstance(look(market, payload, heard), Done)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (shapes.Import(7, "WAITING"), Unknown),
        (shapes.Import(7, "RUNNING"), Unknown),
        (shapes.Import(7, "COMPLETE"), Done),
        (shapes.Import(7, "FAILED", reason_status="Missing columns"), Refused),
        (shapes.Import(7, "ON_ICE"), Unknown),
        (shapes.Import(7, "COMPLETE", lines_in_error=1, has_error_report=True), type(None)),
    ],
    ids=lambda one: getattr(one, "status", None),
)
def test_every_status_of_an_import_has_a_meaning(status: shapes.Import, expected: type) -> None:
    assert isinstance(verdict(status), expected)


def test_an_error_report_that_does_not_name_the_offer_proves_nothing(market: Market) -> None:
    payload = whole(market)
    status = b'{"import_id": 7, "status": "COMPLETE", "lines_in_error": 1, "has_error_report": true}'
    answers = Answers(said(200, status), said(200, '"sku";"error-message"\n"OTHER";"no"\n'))
    effect = replace(market.effect(UPDATE, "k", payload), trace={"import_id": 7})
    found, _ = market.mirakl.operations[UPDATE].read_back(make_ctx(answers, market.clock), effect)
    assert isinstance(found, Unknown)


def test_amounts_of_the_terms_travel_as_numbers_digit_for_digit(market: Market) -> None:
    terms = {
        "msrp": "24.90",
        "discount": {"price": "9.99", "start_date": "2026-11-01"},
        "internal_description": "12.50",
    }
    answers = Answers(said(201, b'{"import_id": 7}'))
    market.mirakl.operations[UPDATE].send(
        make_ctx(answers, market.clock), market.effect(UPDATE, "k", whole(market, terms=terms))
    )
    body = answers.sent[-1].body
    assert b'"msrp":24.90' in body and b'"price":9.99' in body and b'"internal_description":"12.50"' in body
    assert b'"price":19.99' in body


def test_terms_are_told_in_the_words_of_the_write() -> None:
    shown = {
        "available_end_date": "2026-12-31T00:00:00Z",
        "leadtime_to_ship": 3,
        "internal_description": None,
        "logistic_class": {"code": "L", "label": "Large"},
        "discount": {"discount_price": "9.99", "origin_price": "12.00", "start_date": "2026-11-01", "end_date": None, "ranges": []},
        "all_prices": [
            {"channel_code": None, "unit_origin_price": "12.00"},
            {"channel_code": "FR", "unit_origin_price": "11.50", "price": "11.50",
             "volume_prices": [{"quantity_threshold": 5, "unit_origin_price": "10.00", "price": "10.00"}]},
        ],
    }  # fmt: skip
    assert terms_of(shown) == {
        "available_ended": "2026-12-31T00:00:00Z",
        "leadtime_to_ship": 3,
        "logistic_class": "L",
        "discount": {"price": "9.99", "start_date": "2026-11-01"},
        "all_prices": [
            {
                "channel_code": "FR",
                "unit_origin_price": "11.50",
                "volume_prices": [{"quantity_threshold": 5, "unit_origin_price": "10.00"}],
            }
        ],
    }


def test_the_list_tells_category_and_title_and_the_same_content_once_a_day(market: Market) -> None:
    first = market.sweep("offer-details").records
    seen = market.seen(first[0])
    assert (seen.offer_id, seen.sku, seen.category, seen.title) == ("101", "HB-1", "BOOKS", "Sea atlas")
    market.buy((101, 1))  # stock and the shipping date move by themselves: no news of the list
    market.clock.advance(timedelta(hours=2).total_seconds())
    assert [one.body for one in market.sweep("offer-details").records] == [one.body for one in first]
    market.clock.advance(timedelta(days=1).total_seconds())
    assert market.sweep("offer-details").records[0].body != first[0].body
