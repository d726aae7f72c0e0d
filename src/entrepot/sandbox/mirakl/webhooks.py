"""Operator webhooks: signed by the Standard Webhooks scheme, delivered at least once, or not at all when planned so.

Mirakl's own event list and envelope are behind a login: topics and body are our guess.
"""

import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from entrepot.sandbox.core import Clock, Hang, Request, Response
from entrepot.sandbox.faults import Fault
from entrepot.sandbox.mirakl.platform import Platform
from entrepot.sandbox.mirakl.wire import encode, stamp

TRIES_MAX: Final = 8
BACKOFF_S: Final = (5, 30, 120, 600, 1_800, 3_600, 7_200)
OUT_OF_ORDER_DELAY_S: Final = 60
DUPLICATE_DELAY_S: Final = 3

Describe = Callable[[str], dict[str, Any]]


@dataclass
class Delivery:
    """One webhook on its way. The body is fixed when the change is told; only the signature's time is the sender's."""

    id: str
    topic: str
    body: bytes
    tries: int = 0


class Webhooks:
    """Tells the hub what changed."""

    def __init__(
        self, platform: Platform, base_url: str, machine_clock: Clock, describe: Mapping[str, Describe]
    ) -> None:
        self._platform = platform
        self._base_url = base_url
        self._machine_clock = machine_clock
        self._describe = describe
        self._key = base64.b64decode(platform.settings.webhook_secret.removeprefix("whsec_"))
        self.counts: Counter[str] = Counter()

    def hear(self, topic: str, key: str) -> None:
        """A change became whole: tell it, unless the fault plan has other ideas, or it is none that events speak of."""
        if topic not in self._describe:
            return
        fault = self._platform.world.faults.take("mirakl", f"webhook:{topic}")
        self.counts["told"] += 1
        if fault is not None and fault.kind == "lost":
            self.counts["lost"] += 1
            return
        event_id = self._platform.world.ulid()
        envelope = {
            "id": event_id,
            "type": topic,
            "time": stamp(self._platform.now()),
            "data": self._describe[topic](key),
        }
        delay = self._platform.settings.webhook_delay
        if fault is not None and fault.kind == "out-of-order":
            delay += timedelta(seconds=fault.number(OUT_OF_ORDER_DELAY_S))
        self._send_after(Delivery(event_id, topic, encode(envelope)), delay)
        if fault is not None:
            self._send_again(envelope, topic, fault, delay)

    def _send_again(self, envelope: dict[str, Any], topic: str, fault: Fault, delay: timedelta) -> None:
        if fault.kind not in ("duplicate", "dup-other-content"):
            return
        if fault.kind == "dup-other-content":
            changed = {"revision": 2} if not isinstance(fault.arg, str) else {fault.arg: "CHANGED"}
            envelope = {**envelope, "data": {**envelope["data"], **changed}}
        again = Delivery(envelope["id"], topic, encode(envelope))
        self._send_after(again, delay + timedelta(seconds=DUPLICATE_DELAY_S))

    def _send_after(self, delivery: Delivery, delay: timedelta) -> None:
        self._platform.world.at(self._platform.now() + delay, lambda: self._send(delivery))

    def _send(self, delivery: Delivery) -> None:
        delivery.tries += 1
        self.counts["tries"] += 1
        request = Request(
            method="POST",
            path=self._platform.settings.webhook_path,
            headers={"content-type": "application/json", **self._signature(delivery)},
            body=delivery.body,
        )
        self._platform.world.send(self._base_url, request, lambda answer: self._answered(delivery, answer))

    def _signature(self, delivery: Delivery) -> dict[str, str]:
        timestamp = str(int(self._machine_clock().timestamp()))
        signed = f"{delivery.id}.{timestamp}.".encode() + delivery.body
        digest = base64.b64encode(hmac.new(self._key, signed, hashlib.sha256).digest()).decode()
        return {
            "webhook-id": delivery.id,
            "webhook-timestamp": timestamp,
            "webhook-signature": f"v1,{digest}",
        }

    def _answered(self, delivery: Delivery, answer: Response | Hang) -> None:
        if isinstance(answer, Response) and 200 <= answer.status < 300:
            self.counts["delivered"] += 1
        elif delivery.tries < TRIES_MAX:
            self.counts["refused"] += 1
            self._send_after(delivery, timedelta(seconds=BACKOFF_S[delivery.tries - 1]))
        else:
            self.counts["given_up"] += 1
