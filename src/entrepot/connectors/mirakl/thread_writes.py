"""Conversations with sellers: open one (a guess, see the manifest), write into one (M12). Both leave our reference to be found by."""

from datetime import timedelta
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

import msgspec

from entrepot.connectors.exchange import Call
from entrepot.connectors.mirakl import payloads, shapes
from entrepot.connectors.reading import elements, encoded, instant, sortable, typed
from entrepot.connectors.writes import Look, Shape
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack

THREADS = "/api/inbox/threads"
LOOK_BACK = timedelta(minutes=1)
LOOKED_AT_MAX = 100


class _Sent(msgspec.Struct):
    thread_id: str
    message_id: str


def marked(text: str, reference: str) -> str:
    return f"{text} [{reference}]"


def open_thread(payload: payloads.OpenThread, key: str) -> Call:
    given = {
        "topic": {"type": "FREE_TEXT", "value": marked(payload.subject, payload.reference)},
        "to": [{"type": "SHOP", "id": payload.shop_id}],
        "entities": [{"type": "OFFER", "id": offer_id} for offer_id in payload.offer_ids],
        "body": payload.body,
    }
    return _letter(THREADS, "thread_input", given, payload.file_name, payload.file_text, key)


def reply_thread(payload: payloads.ReplyThread, key: str) -> Call:
    given = {
        "body": marked(f"{payload.body}\n\n", payload.reference),
        "to": [{"type": "SHOP", "id": payload.shop_id}],
    }
    path = f"{THREADS}/{quote(payload.thread_id, safe='')}/message"
    return _letter(path, "message_input", given, payload.file_name, payload.file_text, key)


def _letter(path: str, part: str, given: dict[str, Any], file_name: str, file_text: str, key: str) -> Call:
    """A multipart body; its boundary comes from our key, so that the same letter is the same bytes."""
    boundary = blake2b(key.encode(), digest_size=12).hexdigest()
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{part}"\r\nContent-Type: application/json\r\n\r\n'.encode(),
        encoded(given),
    ]
    if file_text:
        head = f'Content-Disposition: form-data; name="files"; filename="{quote(file_name or "offers.csv")}"'
        lines += [
            f"\r\n--{boundary}\r\n{head}\r\nContent-Type: text/csv\r\n\r\n".encode(),
            file_text.encode(),
        ]
    body = b"".join([*lines, f"\r\n--{boundary}--\r\n".encode()])
    return Call("POST", path, (), {"content-type": f"multipart/form-data; boundary={boundary}"}, body)


def sent(_payload: Any, response: HttpResponse) -> Outcome:
    made = typed(response.body, _Sent)
    return Done({"thread_id": made.thread_id})


def _threads(payload: payloads.OpenThread, _key: str) -> Call:
    since = sortable(instant(payload.asked_at, "$.asked_at") - LOOK_BACK)
    query = (("shop_id", payload.shop_id), ("updated_since", since), ("limit", str(LOOKED_AT_MAX)))
    return Call("GET", THREADS, query)


def opened(payload: payloads.OpenThread, response: HttpResponse) -> ReadBack:
    for raw in elements(response.body, "data"):
        thread = typed(raw, shapes.ThreadHead)
        if thread.topic.value.endswith(f"[{payload.reference}]"):
            return Done({"thread_id": thread.id})
    return NotThere(f"no conversation carries {payload.reference}")


def _thread(payload: payloads.ReplyThread, _key: str) -> Call:
    return Call("GET", f"{THREADS}/{quote(payload.thread_id, safe='')}")


def replied(payload: payloads.ReplyThread, response: HttpResponse) -> ReadBack:
    thread = typed(response.body, shapes.Thread)
    if any(said.body.endswith(f"[{payload.reference}]") for said in thread.messages):
        return Done({"thread_id": thread.id})
    return NotThere(f"no message of conversation {thread.id} carries {payload.reference}")


OPEN_THREAD = Shape(payloads.OpenThread, open_thread, sent, Look(_threads, opened))
REPLY_THREAD = Shape(payloads.ReplyThread, reply_thread, sent, Look(_thread, replied))
