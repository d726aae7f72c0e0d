"""An SQS queue of whoever is called, served over its JSON protocol: at least once, in no order, hidden while somebody has it.

Errors are `{"__type", "message"}` with 400, as the service writes them. A wait is answered at once.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from entrepot.sandbox.core import Clock, Request, Response, json_response
from entrepot.sandbox.sigv4 import BadSignature, check_signature

TARGET: Final = "AmazonSQS."
BATCH_MAX: Final = 10
CONTENT: Final = {"content-type": "application/x-amz-json-1.0"}


class QueueError(Exception):
    """The queue says no."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


@dataclass(slots=True)
class Message:
    """One message; `hidden_until` is when it may be handed out again."""

    message_id: str
    body: str
    sent_at: datetime
    hidden_until: datetime
    receives: int = 0
    first_received_at: datetime | None = None
    handle: str = ""


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """`keys`: access keys and their secrets; with none the queue asks for no signature. `visibility`: how long a message that was handed
    out stays hidden when the call does not say. `base_url`: of the queue's address, where somebody asks for it."""

    arn: str
    keys: Mapping[str, str] = field(default_factory=dict)
    visibility: timedelta = timedelta(seconds=30)
    base_url: str | None = None


class Queue:
    """One queue. `now`: the clock by which messages are hidden and come again; `machine_clock` judges the age of signatures."""

    def __init__(self, settings: QueueSettings, now: Clock, machine_clock: Clock, rng: Random) -> None:
        self._settings = settings
        self._now = now
        self._machine_clock = machine_clock
        self._rng = rng
        self.messages: dict[str, Message] = {}
        self._handles: dict[str, str] = {}
        self.deleted = 0
        parts = settings.arn.split(":")
        self.name, self._owner = parts[-1], parts[-2]
        self._actions: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "ReceiveMessage": self._receive,
            "DeleteMessage": self._delete,
            "DeleteMessageBatch": self._delete_batch,
            "SendMessage": self._send,
            "GetQueueAttributes": self._attributes,
            "GetQueueUrl": self._url,
        }

    # -- over HTTP -------------------------------------------------------------------------------------------------

    def operation(self, request: Request) -> str | None:
        """The action's code, "sqs.ReceiveMessage"."""
        target = request.headers.get("x-amz-target", "")
        if request.method != "POST" or not target.startswith(TARGET):
            return None
        action = target.removeprefix(TARGET)
        return f"sqs.{action}" if action in self._actions else "sqs.?"

    def handle(self, request: Request) -> Response:
        """Answer one action."""
        action = self._actions.get(request.headers["x-amz-target"].removeprefix(TARGET))
        try:
            self._authenticate(request)
            if action is None:
                raise QueueError("UnsupportedOperation", "The action is not supported.")
            return json_response(200, action(_body(request)), CONTENT)
        except QueueError as no:
            error = {"__type": f"com.amazonaws.sqs#{no.code}", "message": no.message}
            return json_response(no.status, error, {**CONTENT, "x-amzn-query-error": f"{no.code};Sender"})

    def _authenticate(self, request: Request) -> None:
        if not self._settings.keys:
            return
        try:
            check_signature(request, self._settings.keys, self._machine_clock())
        except BadSignature as why:
            raise QueueError("SignatureDoesNotMatch", str(why), 403) from None

    # -- actions ---------------------------------------------------------------------------------------------------

    def put(self, body: str) -> Message:
        """Put a message in."""
        now = self._now()
        message = Message(f"{self._rng.getrandbits(128):032x}", body, now, now)
        self.messages[message.message_id] = message
        return message

    def _receive(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._check_url(asked)
        count = _whole(asked, "MaxNumberOfMessages", 1, 1, BATCH_MAX)
        seconds = _whole(asked, "VisibilityTimeout", int(self._settings.visibility.total_seconds()), 0, 43_200)
        now = self._now()
        visible = [message for message in self.messages.values() if message.hidden_until <= now]
        handed = self._rng.sample(visible, min(count, len(visible)))
        return {"Messages": [self._hand(message, now, seconds) for message in handed]} if handed else {}

    def _hand(self, message: Message, now: datetime, seconds: int) -> dict[str, Any]:
        message.receives += 1
        message.first_received_at = message.first_received_at or now
        message.hidden_until = now + timedelta(seconds=seconds)
        message.handle = f"AQEB{self._rng.getrandbits(160):040x}"
        self._handles[message.handle] = message.message_id
        return {
            "MessageId": message.message_id,
            "ReceiptHandle": message.handle,
            "MD5OfBody": _md5(message.body),
            "Body": message.body,
            "Attributes": {
                "SentTimestamp": _milliseconds(message.sent_at),
                "ApproximateReceiveCount": str(message.receives),
                "ApproximateFirstReceiveTimestamp": _milliseconds(message.first_received_at),
            },
        }

    def _delete(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._check_url(asked)
        self._delete_by(asked.get("ReceiptHandle"))
        return {}

    def _delete_by(self, handle: Any) -> None:
        """Only the newest handle of a message deletes it; an older one is answered and does nothing."""
        message_id = self._handles.get(handle) if isinstance(handle, str) else None
        if message_id is None:
            raise QueueError("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
        message = self.messages.get(message_id)
        if message is not None and message.handle == handle:
            del self.messages[message_id]
            self.deleted += 1

    def _delete_batch(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._check_url(asked)
        entries = asked.get("Entries")
        if not isinstance(entries, list) or not 1 <= len(entries) <= BATCH_MAX:
            raise QueueError("EmptyBatchRequest", "There must be one to ten entries.")
        done: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        for entry in entries:
            try:
                self._delete_by(entry.get("ReceiptHandle"))
                done.append({"Id": entry.get("Id")})
            except QueueError as no:
                failed.append({"Id": entry.get("Id"), "SenderFault": True, "Code": no.code, "Message": no.message})
        return {"Successful": done, "Failed": failed}

    def _send(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._check_url(asked)
        body = asked.get("MessageBody")
        if not isinstance(body, str) or not body:
            raise QueueError("MissingParameter", "MessageBody is required.")
        message = self.put(body)
        message.hidden_until += timedelta(seconds=_whole(asked, "DelaySeconds", 0, 0, 900))
        return {"MessageId": message.message_id, "MD5OfMessageBody": _md5(body)}

    def _attributes(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._check_url(asked)
        now = self._now()
        visible = sum(message.hidden_until <= now for message in self.messages.values())
        known = {
            "ApproximateNumberOfMessages": str(visible),
            "ApproximateNumberOfMessagesNotVisible": str(len(self.messages) - visible),
            "ApproximateNumberOfMessagesDelayed": "0",
            "VisibilityTimeout": str(int(self._settings.visibility.total_seconds())),
            "QueueArn": self._settings.arn,
        }
        names = asked.get("AttributeNames") or []
        if "All" in names:
            return {"Attributes": known}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise QueueError("InvalidAttributeName", f"Unknown Attribute {unknown[0]}.")
        return {"Attributes": {name: known[name] for name in names}}

    def _url(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked.get("QueueName") != self.name:
            raise QueueError("QueueDoesNotExist", "The specified queue does not exist.")
        base = (self._settings.base_url or "http://sqs.sandbox").rstrip("/")
        return {"QueueUrl": f"{base}/{self._owner}/{self.name}"}

    def _check_url(self, asked: dict[str, Any]) -> None:
        """The queue's name counts; hosts in front of a sandbox differ."""
        url = asked.get("QueueUrl")
        if not isinstance(url, str) or url.rstrip("/").rsplit("/", 1)[-1] != self.name:
            raise QueueError("QueueDoesNotExist", "The specified queue does not exist.")


def _body(request: Request) -> dict[str, Any]:
    try:
        data = json.loads(request.body or b"{}")
    except ValueError:
        raise QueueError("InvalidParameterValue", "The body is not JSON.") from None
    if not isinstance(data, dict):
        raise QueueError("InvalidParameterValue", "The body must be an object.")
    return data


def _whole(asked: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    value = asked.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise QueueError("InvalidParameterValue", f"Value for parameter {name} is invalid: {value}.")
    return value


def _md5(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def _milliseconds(at: datetime) -> str:
    return str(int(at.timestamp() * 1000))
