"""Conversations over the wire, by requests written by hand: who may open, read and write, and what is said no to."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from sandbox.mirakl.mirakl_market import FRONT, OPERATOR, Answer, Market

SHOP, OTHER = "shop-2001-key", "shop-2002-key"
REQUEST = {
    "topic": {"type": "FREE_TEXT", "value": "Prices [dig_1]"},
    "to": [{"type": "SHOP", "id": "2001"}],
    "entities": [{"type": "OFFER", "id": "101"}],
    "body": "Please look at HB-1.",
}


def letter(market: Market, path: str, part: str, given: Any, key: str = OPERATOR, file: bytes = b"") -> Answer:
    data = given if isinstance(given, bytes) else json.dumps(given).encode()
    body = b'--X\r\nContent-Disposition: form-data; name="' + part.encode() + b'"\r\n\r\n' + data
    if file:
        body += b'\r\n--X\r\nContent-Disposition: form-data; name="files"; filename="rows.csv"\r\n\r\n' + file
    return market.call("POST", path, body + b"\r\n--X--\r\n", key, {"Content-Type": "multipart/form-data; boundary=X"})


def opened(market: Market, **changed: Any) -> str:
    answer = letter(market, "/api/inbox/threads", "thread_input", {**REQUEST, **changed})
    assert answer.status == 201, answer.body
    return str(answer.json["thread_id"])


def reply(market: Market, thread_id: str, given: Any, key: str) -> Answer:
    return letter(market, f"/api/inbox/threads/{thread_id}/message", "message_input", given, key)


def test_an_operator_opens_a_conversation_and_its_seller_answers(market: Market) -> None:
    thread_id = opened(market)
    answer = reply(market, thread_id, {"body": "Done.", "to": [{"type": "OPERATOR"}]}, SHOP)
    assert (answer.status, answer.json["thread_id"]) == (201, thread_id)
    thread = market.get(f"/api/inbox/threads/{thread_id}").json
    assert [(m["from"]["type"], m["body"]) for m in thread["messages"]] == [
        ("OPERATOR_USER", "Please look at HB-1."),
        ("SHOP_USER", "Done."),
    ]
    assert thread["metadata"]["total_count"] == 2 and thread["metadata"]["shop_reply_needed_since"] is None
    assert thread["entities"] == [{"id": "101", "label": "Sea atlas", "type": "OFFER"}]


def test_a_seller_is_waited_for_from_our_last_message_on(market: Market) -> None:
    thread_id = opened(market)
    assert (
        market.get(f"/api/inbox/threads/{thread_id}").json["metadata"]["shop_reply_needed_since"]
        == "2026-11-02T09:00:00Z"
    )


def test_an_attached_file_is_named_with_its_size(market: Market) -> None:
    answer = letter(market, "/api/inbox/threads", "thread_input", REQUEST, file=b"a;b\n")
    [message] = market.get(f"/api/inbox/threads/{answer.json['thread_id']}").json["messages"]
    assert message["attachments"] == [{"id": "att-1", "name": "rows.csv", "size": 4}]


def test_a_seller_sees_his_own_conversations_only(market: Market) -> None:
    mine, others = opened(market), opened(market, to=[{"type": "SHOP", "id": "2002"}], entities=[])
    assert [t["id"] for t in market.get("/api/inbox/threads", SHOP).json["data"]] == [mine]
    assert market.get(f"/api/inbox/threads/{others}", SHOP).status == 404
    assert reply(market, others, {"body": "?", "to": [{"type": "OPERATOR"}]}, SHOP).status == 404


def test_a_seller_opens_none(market: Market) -> None:
    assert letter(market, "/api/inbox/threads", "thread_input", REQUEST, SHOP).status == 403


def test_the_list_is_filtered_by_entity_and_by_what_changed_since(market: Market) -> None:
    first = opened(market)
    market.move(minutes=10)
    second = opened(market, entities=[{"type": "OFFER", "id": "102"}])

    def ids(query: str) -> list[str]:
        return [thread["id"] for thread in market.get(f"/api/inbox/threads?{query}").json["data"]]

    assert ids("entity_type=OFFER&entity_id=102") == [second]
    assert ids("entity_type=ORDER") == []
    assert ids("updated_since=2026-11-02T09:05:00Z") == [second]
    assert ids("shop_id=2001") == [first, second]
    reply(market, first, {"body": "Late.", "to": [{"type": "OPERATOR"}]}, SHOP)
    assert ids("updated_since=2026-11-02T09:05:00Z") == [first, second]


def test_messages_are_listed_when_asked_for(market: Market) -> None:
    opened(market)
    assert market.get("/api/inbox/threads").json["data"][0]["messages"] == []
    assert len(market.get("/api/inbox/threads?with_messages=true").json["data"][0]["messages"]) == 1


WRONG: Mapping[str, Any] = {
    "no body": {**REQUEST, "body": " "},
    "an endless body": {**REQUEST, "body": "x" * 50_001},
    "no topic": {**REQUEST, "topic": {"type": "FREE_TEXT"}},
    "a shop nobody knows": {**REQUEST, "to": [{"type": "SHOP", "id": "9"}]},
    "two shops": {**REQUEST, "to": [{"type": "SHOP", "id": "2001"}, {"type": "SHOP", "id": "2002"}]},
    "nobody to write to": {**REQUEST, "to": []},
    "no JSON": b"{",
    "no object": b"[]",
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_what_cannot_be_sent_is_refused_and_leaves_nothing(market: Market, name: str) -> None:
    assert letter(market, "/api/inbox/threads", "thread_input", WRONG[name]).status in (400, 404)
    assert market.get("/api/inbox/threads").json["data"] == []


def test_a_body_that_is_no_form_is_refused(market: Market) -> None:
    assert market.post("/api/inbox/threads", REQUEST, FRONT).status == 415
    wrong = letter(market, "/api/inbox/threads", "another_part", REQUEST)
    assert (wrong.status, wrong.codes) == (400, ["VALIDATION_ERROR"])


def test_an_edited_offer_and_a_conversation_are_no_webhooks(market: Market) -> None:
    market.portal.revise_offer(101, price_minor=1_500)
    opened(market)
    assert market.get("/api/offers?shop_id=2001").json["offers"][0]["price"] == 15
