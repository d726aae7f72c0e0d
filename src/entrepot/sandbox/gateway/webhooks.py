"""Standard Webhooks, as the gateway sends them: signed, retried with growing pauses, and misbehaving when planned.

Source: the Standard Webhooks specification. `webhook-timestamp` is machine time: receivers compare it with their own.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from entrepot.sandbox.core import Clock, Hang, Request, Response, World
from entrepot.sandbox.gateway.views import instant

RETRY_PAUSES_S: Final = (5, 30, 120, 600, 1800, 3600, 7200)
OUT_OF_ORDER_DELAY_S: Final = 90
SECRET_PREFIX: Final = "whsec_"


def sign(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` header. Shape: secret is `whsec_` and base64."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    digest = hmac.new(key, f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


@dataclass
class Delivery:
    """One event on its way. `answers`: the status of each try, 0 for no answer."""

    id: str
    topic: str
    body: bytes
    answers: list[int] = field(default_factory=list)
    lost: bool = False

    @property
    def delivered(self) -> bool:
        return bool(self.answers) and 200 <= self.answers[-1] < 300

    @property
    def given_up(self) -> bool:
        return self.lost or (not self.delivered and len(self.answers) > len(RETRY_PAUSES_S))


class WebhookSender:
    """Sends one system's events to one receiver."""

    def __init__(
        self, world: World, machine_clock: Clock, *, system: str, base_url: str, path: str, secret: str
    ) -> None:
        self._world = world
        self._machine_clock = machine_clock
        self._system = system
        self._base_url = base_url
        self._path = path
        self._secret = secret
        self.deliveries: list[Delivery] = []

    def publish(self, topic: str, data: dict[str, Any]) -> None:
        """Tell the receiver; what the fault plan has for this topic happens here."""
        now = self._world.clock()
        event = {"id": self._world.ulid(), "type": topic, "time": instant(now), "data": data}
        delivery = self._prepared(event)
        fault = self._world.faults.take(self._system, f"webhook:{topic}")
        kind = fault.kind if fault else None
        if kind == "lost":
            delivery.lost = True
            return
        if kind == "out-of-order":
            late = fault.number(OUT_OF_ORDER_DELAY_S) if fault else OUT_OF_ORDER_DELAY_S
            self._world.at(now + timedelta(seconds=late), lambda: self._send(delivery))
            return
        self._send(delivery)
        if kind == "duplicate":
            self._send(self._prepared(event))
        elif kind == "dup-other-content":
            self._send(self._prepared({**event, "data": {**data, "reference": f"{data.get('reference')}-other"}}))

    def undelivered(self) -> int:
        """Events still on their way: neither received nor given up."""
        return sum(not one.delivered and not one.given_up for one in self.deliveries)

    def _prepared(self, event: dict[str, Any]) -> Delivery:
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        delivery = Delivery(str(event["id"]), str(event["type"]), body)
        self.deliveries.append(delivery)
        return delivery

    def _send(self, delivery: Delivery) -> None:
        timestamp = int(self._machine_clock().timestamp())
        headers = {
            "content-type": "application/json",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(self._secret, delivery.id, timestamp, delivery.body),
        }
        request = Request("POST", self._path, headers=headers, body=delivery.body)
        self._world.send(self._base_url, request, lambda answer: self._answered(delivery, answer))

    def _answered(self, delivery: Delivery, answer: Response | Hang) -> None:
        delivery.answers.append(answer.status if isinstance(answer, Response) else 0)
        if delivery.delivered or delivery.given_up:
            return
        pause = timedelta(seconds=RETRY_PAUSES_S[len(delivery.answers) - 1])
        self._world.at(self._when(pause), lambda: self._send(delivery))

    def _when(self, pause: timedelta) -> datetime:
        return self._world.clock() + pause
