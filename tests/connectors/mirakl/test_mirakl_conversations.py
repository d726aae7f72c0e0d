"""Conversations with sellers against the sandbox: opened and written into under the contract, read with who said what."""

from typing import Any

import pytest
from connectors.contract import Scene, Story, WriteContract
from connectors.market import START, Market

from entrepot.connectors.port import Malformed
from entrepot.kernel.outcome import Done, Unrecognised
from entrepot.trade.seller.model import ConversationSeen

OPEN, REPLY = "mirakl.open-thread", "mirakl.reply-thread"


def request(**changed: Any) -> dict[str, Any]:
    return {
        "shop_id": "2001",
        "subject": "Prices under the floor",
        "body": "HB-1: 1.50 EUR is under the floor, 3.00 EUR",
        "reference": "cdg_1",
        "asked_at": START.isoformat(),
        "offer_ids": ["101"],
        "file_name": "offers.csv",
        "file_text": '"sku";"price";"error-message"\n"HB-1";"1.50";"under the floor"\n',
        **changed,
    }


def opened(market: Market, **changed: Any) -> str:
    outcome, detail = market.send(OPEN, request(**changed), "ask:cdg_1")
    assert isinstance(outcome, Done), detail
    return str(outcome.receipt["thread_id"])


def open_one(market: Market) -> Story:
    return Story(OPEN, "open-thread", request(), lambda: len(market.portal.threads_of(2001)))


def write_into(market: Market) -> Story:
    thread_id = opened(market)
    payload = {"thread_id": thread_id, "shop_id": "2001", "body": "Please answer.", "reference": "cdg_2"}

    def applied() -> int:
        return sum("cdg_2" in one.body for one in market.portal.thread(thread_id).messages)

    return Story(REPLY, "M12", payload, applied)


class TestConversations(WriteContract):
    @pytest.fixture(params=[open_one, write_into], ids=lambda tell: tell.__name__)
    def scene(self, request: pytest.FixtureRequest, market: Market) -> Scene:
        return Scene(market, request.param(market))


def test_the_file_with_error_columns_travels_along(market: Market) -> None:
    [message] = market.portal.thread(opened(market)).messages
    [file] = message.attachments
    assert (file.name, b"under the floor" in file.content) == ("offers.csv", True)


def test_who_said_what_is_read_from_the_list(market: Market) -> None:
    thread_id = opened(market)
    market.clock.advance(60)
    market.portal.reply(thread_id, "It is corrected.")
    [record] = market.sweep("threads").records
    seen = market.seen(record)
    assert isinstance(seen, ConversationSeen)
    assert (record.root, seen.conversation_id, seen.seller_id) == ("seller:2001", thread_id, "2001")
    assert seen.topic.endswith("[cdg_1]")
    assert [(one.by_seller, one.body) for one in seen.said] == [(False, request()["body"]), (True, "It is corrected.")]


def test_a_conversation_that_changed_comes_again_and_another_does_not(market: Market) -> None:
    first = opened(market)
    market.clock.advance(3_600)
    second = opened(market, reference="cdg_9")
    cursor = market.sweep("threads").cursor
    assert market.sweep("threads", cursor).ids == [second]  # overlapping on purpose: the newest comes again
    market.portal.reply(first, "Late, but here.")
    assert set(market.sweep("threads", cursor).ids) == {first, second}


def test_a_writer_of_a_kind_we_do_not_know_is_not_taken_for_the_seller(market: Market) -> None:
    opened(market)
    [record] = market.sweep("threads").records
    body = record.body.replace(b'"type":"OPERATOR"', b'"type":"ROBOT"')
    assert market.mirakl.translators["thread"](body) == Unrecognised("messages[0].from.type", "ROBOT")


def test_a_conversation_without_a_seller_cannot_be_read(market: Market) -> None:
    opened(market)
    [record] = market.sweep("threads").records
    assert isinstance(market.mirakl.translators["thread"](record.body.replace(b'"SHOP"', b'"CUSTOMER"')), Malformed)
