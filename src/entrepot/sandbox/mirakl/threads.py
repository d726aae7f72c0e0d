"""Conversations with sellers: M10, M11, M12, and the opening of one by the operator.

How an operator opens a conversation with a seller is not public: method, path and body of `open-thread` are a guess. So
are the words of the types of participants and entities.
"""

from collections.abc import Sequence
from email.message import Message as Part
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, Final

import msgspec

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.mirakl import shapes
from entrepot.sandbox.mirakl.call import Call
from entrepot.sandbox.mirakl.conversation import OPERATOR, SHOP, Attachment, Said, Thread
from entrepot.sandbox.mirakl.errors import MiraklError, invalid
from entrepot.sandbox.mirakl.paging import by_token
from entrepot.sandbox.mirakl.platform import THREAD_UPDATED, Platform
from entrepot.sandbox.mirakl.wire import answer, date_parameter, flag_parameter, list_parameter, maybe, rows, stamp

OPEN_THREAD: Final = "open-thread"
THREADS_PER_PAGE_MAX: Final = 100
BODY_CHARS_MAX: Final = 50_000
FILES_MAX: Final = 10
OFFER: Final = "OFFER"


class Threads:
    """Who wrote what to whom."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._tables = platform.tables

    # -- calls -----------------------------------------------------------------------------------------------------

    def m10(self, call: Call) -> Response:
        """One conversation with all its messages."""
        return answer(200, self.thread_dict(self._thread(call), messages=True))

    def m11(self, call: Call) -> Response:
        """Conversations, oldest first: of an entity, changed since."""
        request = call.request
        since = date_parameter(request, "updated_since")
        kind, ids = request.first("entity_type"), list_parameter(request, "entity_id")
        with_messages = flag_parameter(request, "with_messages") or False
        shop_id = call.caller.asked_shop(request)
        found = [
            thread
            for thread in self._tables.threads.values()
            if (shop_id is None or thread.shop_id == shop_id)
            and (since is None or thread.updated_at.replace(microsecond=0) >= since)
            and any((kind in (None, k)) and (ids is None or i in ids) for k, i in thread.entities or (("", ""),))
        ]
        return by_token(
            request, found, lambda t: t.number, lambda t: self.thread_dict(t, with_messages), THREADS_PER_PAGE_MAX
        )

    def m12(self, call: Call) -> Response:
        """Write into a conversation: multipart with `message_input` (JSON) and `files`."""
        thread = self._thread(call)
        given, files = letter(call.request, "message_input")
        body, to = _body(given), rows(given, "to")
        for one in to:
            if one.get("type") not in (OPERATOR, SHOP, "CUSTOMER"):
                raise invalid("'to.type' is none of the conversation's participants", "message_input.to.type")
        self._platform.asked("M12", thread.thread_id).applied += 1
        said = self._say(thread, SHOP if call.caller.role == "shop" else OPERATOR, body, files)
        return answer(201, {"message_id": said.message_id, "thread_id": thread.thread_id})

    def open_call(self, call: Call) -> Response:
        """Open a conversation with a seller (a guess): `thread_input` as M12's, with `topic`, `entities` and one SHOP in `to`."""
        given, files = letter(call.request, "thread_input")
        body, topic = _body(given), given.get("topic")
        if not isinstance(topic, dict) or not isinstance(topic.get("value"), str) or not topic["value"]:
            raise invalid("'topic.value' is required", "thread_input.topic")
        shops = [str(one.get("id")) for one in rows(given, "to") if one.get("type") == SHOP]
        shop_id = int(shops[0]) if len(shops) == 1 and shops[0].isdigit() else 0
        if shop_id not in self._tables.shops:
            raise MiraklError(404, "The shop written to was not found", "SHOP_NOT_FOUND", "thread_input.to")
        entities = given.get("entities") or []
        about = tuple((str(one.get("type")), str(one.get("id"))) for one in entities if isinstance(one, dict))
        thread = self.open(shop_id, topic["value"], about, str(topic.get("type") or "FREE_TEXT"))
        self._platform.asked(OPEN_THREAD, topic["value"]).applied += 1
        said = self._say(thread, OPERATOR, body, files)
        return answer(201, {"message_id": said.message_id, "thread_id": thread.thread_id})

    def _thread(self, call: Call) -> Thread:
        wanted = call.ids["thread_id"]
        thread = self._tables.threads.get(wanted)
        if thread is None or not call.caller.sees(thread.shop_id):
            raise MiraklError(404, f"Thread with id '{wanted}' not found")
        return thread

    # -- what happens ----------------------------------------------------------------------------------------------

    def open(self, shop_id: int, topic: str, about: tuple[tuple[str, str], ...], kind: str = "FREE_TEXT") -> Thread:
        """An empty conversation."""
        now = self._platform.now()
        number = self._tables.count("thread")
        thread = Thread(self._platform.world.uuid(), number, shop_id, kind, topic, about, now, now)
        self._tables.threads[thread.thread_id] = thread
        return thread

    def said_by_shop(self, thread: Thread, body: str) -> None:
        """The seller wrote, in his back office."""
        self._say(thread, SHOP, body, ())

    def _say(self, thread: Thread, by: str, body: str, files: Sequence[Attachment]) -> Said:
        said = Said(self._platform.world.uuid(), by, body, self._platform.now(), tuple(files))
        thread.messages.append(said)
        thread.updated_at = said.at
        self._platform.emit(THREAD_UPDATED, thread.thread_id)
        return said

    # -- how it looks ----------------------------------------------------------------------------------------------

    def thread_dict(self, thread: Thread, messages: bool) -> dict[str, Any]:
        """One conversation with every documented key."""
        both = [self._organization(OPERATOR, thread), self._organization(SHOP, thread)]
        last = thread.messages[-1] if thread.messages else None
        return {
            **shapes.THREAD,
            "authorized_participants": both,
            "current_participants": both,
            "date_created": stamp(thread.created_at),
            "date_updated": stamp(thread.updated_at),
            "entities": [{"id": id_, "label": self._label(kind, id_), "type": kind} for kind, id_ in thread.entities],
            "id": thread.thread_id,
            "messages": [self._message_dict(said, thread) for said in thread.messages] if messages else [],
            "metadata": {
                **shapes.THREAD_METADATA,
                "last_message_date": maybe(last.at if last else None),
                "last_sender": self._sender(last.by, thread) if last else None,
                "shop_reply_needed_since": maybe(thread.waits_since),
                "total_count": len(thread.messages),
            },
            "topic": {"type": thread.topic_type, "value": thread.topic_value},
        }

    def _label(self, kind: str, id_: str) -> str:
        offer = self._tables.offers.get(int(id_)) if kind == OFFER and id_.isdigit() else None
        return offer.title if offer else id_

    def _message_dict(self, said: Said, thread: Thread) -> dict[str, Any]:
        return {
            **shapes.THREAD_MESSAGE,
            "attachments": [{"id": a.id, "name": a.name, "size": len(a.content)} for a in said.attachments],
            "body": said.body,
            "date_created": stamp(said.at),
            "from": self._sender(said.by, thread),
            "id": said.message_id,
            "to": [self._organization(SHOP if said.by == OPERATOR else OPERATOR, thread)],
        }

    def _sender(self, by: str, thread: Thread) -> dict[str, Any]:
        party = self._organization(by, thread)
        return {
            **shapes.SENDER,
            "display_name": party["display_name"],
            "organization_details": party,
            "type": f"{by}_USER",
        }

    def _organization(self, by: str, thread: Thread) -> dict[str, Any]:
        if by == SHOP:
            name = self._tables.shops[thread.shop_id].name
            return {"display_name": name, "id": str(thread.shop_id), "type": SHOP}
        return {"display_name": self._platform.settings.platform_name, "id": None, "type": OPERATOR}


def letter(request: Request, part: str) -> tuple[dict[str, Any], list[Attachment]]:
    """The JSON part and the files of a multipart body. Errors: no multipart, no such part, no JSON, too many files."""
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        raise MiraklError(415, "Content-Type must be multipart/form-data")
    head = b"Content-Type: " + kind.encode("latin-1", "replace") + b"\r\n\r\n"
    parsed = BytesParser(policy=HTTP).parsebytes(head + request.body)
    parts: list[Part] = list(parsed.iter_parts()) if parsed.is_multipart() else []
    given: bytes | None = None
    files: list[Attachment] = []
    for one in parts:
        name, payload = one.get_param("name", header="content-disposition"), one.get_payload(decode=True)
        if name == part and isinstance(payload, bytes):
            given = payload
        elif name == "files" and isinstance(payload, bytes):
            files.append(Attachment(f"att-{len(files) + 1}", one.get_filename() or "file", payload))
    if given is None:
        raise invalid(f"part '{part}' is required", part)
    if len(files) > FILES_MAX:
        raise invalid(f"at most {FILES_MAX} files", "files")
    try:
        data = msgspec.json.decode(given)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as why:
        raise invalid(f"'{part}' is not JSON: {why}", part) from None
    if not isinstance(data, dict):
        raise invalid(f"'{part}' must be a JSON object", part)
    return data, files


def _body(given: dict[str, Any]) -> str:
    body = given.get("body")
    if not isinstance(body, str) or not body.strip():
        raise invalid("'body' is required", "body")
    if len(body) > BODY_CHARS_MAX:
        raise invalid(f"'body' holds at most {BODY_CHARS_MAX} characters", "body")
    return body
