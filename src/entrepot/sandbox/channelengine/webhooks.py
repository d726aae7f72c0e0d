"""Webhooks: hints without content. A delivery says which kind of thing changed since when; the merchant reads what it is.

Public: the address with `type`, `tenant` and `updatedSince` (Unix seconds) behind it, the events, and the four calls that manage them.
[guess] Everything else: the method POST, the words of `type` beside "orders" and "returns", a JSON body that repeats the three
parameters under an id, Standard Webhooks headers (ChannelEngine documents no signature), how often it tries, how long it gathers.
"""

import base64
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from entrepot.sandbox.channelengine.platform import Platform
from entrepot.sandbox.channelengine.wire import Refusal, Reply, reader
from entrepot.sandbox.core import Clock, Hang, Request, Response
from entrepot.sandbox.faults import Fault

TYPES: Final[Mapping[str, str]] = {
    "ORDERS_CREATE": "orders",
    "ORDERS_CHANGE": "orders",
    "RETURNS_CHANGE": "returns",
    "PRODUCTS_CHANGE": "products",
    "SHIPMENTS_CHANGE": "shipments",
    "NOTIFICATIONS_CREATE": "notifications",
    "BUNDLE_PRODUCTS_CHANGE": "bundles",
}
PAUSES_S: Final = (30, 120, 600, 3_600)
OUT_OF_ORDER_DELAY_S: Final = 60
DUPLICATE_DELAY_S: Final = 3
NAME: Final = "channelengine"


@dataclass(slots=True)
class Hook:
    """One registered webhook; `since` holds, by event, the oldest change that was not told yet."""

    name: str
    url: str
    active: bool
    events: list[str]
    since: dict[str, datetime] = field(default_factory=dict)


@dataclass(slots=True)
class Delivery:
    """One hint on its way."""

    hook: Hook
    event: str
    id: str
    said: tuple[tuple[str, str], ...]
    tries: int = 0
    over: bool = False


class Webhooks:
    """Registers webhooks and tells changes, gathered for `webhook_delay`."""

    def __init__(self, platform: Platform, machine_clock: Clock, hub_url: str | None) -> None:
        self._platform = platform
        self._machine_clock = machine_clock
        self._key = base64.b64decode(platform.settings.webhook_secret.removeprefix("whsec_"))
        self.hooks: dict[str, Hook] = {}
        self.deliveries: list[Delivery] = []
        self.counts: Counter[str] = Counter()
        if hub_url is not None:
            url = hub_url.rstrip("/") + platform.settings.webhook_path
            self.hooks["hub"] = Hook("hub", url, True, [event for event in TYPES if event != "BUNDLE_PRODUCTS_CHANGE"])
        platform.changed = self.hear

    def undelivered(self) -> int:
        """Hints still on their way, and changes that no hint was sent for yet."""
        gathering = sum(len(hook.since) for hook in self.hooks.values())
        return gathering + sum(not delivery.over for delivery in self.deliveries)

    # -- telling ---------------------------------------------------------------------------------------------------

    def hear(self, event: str) -> None:
        """Something of a kind changed; the first change of a while starts the gathering."""
        now = self._platform.now()
        for hook in self.hooks.values():
            if hook.active and event in hook.events and event not in hook.since:
                hook.since[event] = now
                when = now + self._platform.settings.webhook_delay
                self._platform.world.at(when, partial(self._tell, hook, event))

    def _tell(self, hook: Hook, event: str) -> None:
        since = hook.since.pop(event)
        if self.hooks.get(hook.name) is not hook or not hook.active:
            return
        self.counts["told"] += 1
        fault = self._platform.world.faults.take(NAME, f"webhook:{event}")
        kind = fault.kind if fault else None
        if kind == "lost":
            self.counts["lost"] += 1
            return
        said = (
            ("type", TYPES[event]),
            ("tenant", self._platform.settings.market),
            ("updatedSince", str(int(since.timestamp()))),
        )
        delivery = Delivery(hook, event, self._platform.world.ulid(), said)
        self.deliveries.append(delivery)
        if fault is None or kind != "out-of-order":
            self._send(delivery)
        else:
            self._later(delivery, timedelta(seconds=fault.number(OUT_OF_ORDER_DELAY_S)))
        if fault is not None:
            self._again(delivery, fault)

    def _again(self, delivery: Delivery, fault: Fault) -> None:
        if fault.kind not in ("duplicate", "dup-other-content"):
            return
        said = delivery.said if fault.kind == "duplicate" else (*delivery.said[:2], ("updatedSince", "0"))
        twin = Delivery(delivery.hook, delivery.event, delivery.id, said)
        self.deliveries.append(twin)
        self._later(twin, timedelta(seconds=DUPLICATE_DELAY_S))

    def _later(self, delivery: Delivery, pause: timedelta) -> None:
        self._platform.world.at(self._platform.now() + pause, partial(self._send, delivery))

    def _send(self, delivery: Delivery) -> None:
        delivery.tries += 1
        self.counts["tries"] += 1
        parts = urlsplit(delivery.hook.url)
        body = json.dumps({"id": delivery.id, **dict(delivery.said)}, separators=(",", ":")).encode()
        request = Request(
            "POST",
            parts.path,
            query=(*parse_qsl(parts.query, keep_blank_values=True), *delivery.said),
            headers={"content-type": "application/json", **self._signature(delivery.id, body)},
            body=body,
        )
        base = f"{parts.scheme}://{parts.netloc}"
        self._platform.world.send(base, request, partial(self._answered, delivery))

    def _signature(self, event_id: str, body: bytes) -> dict[str, str]:
        timestamp = str(int(self._machine_clock().timestamp()))
        signed = f"{event_id}.{timestamp}.".encode() + body
        digest = base64.b64encode(hmac.new(self._key, signed, hashlib.sha256).digest()).decode()
        return {"webhook-id": event_id, "webhook-timestamp": timestamp, "webhook-signature": f"v1,{digest}"}

    def _answered(self, delivery: Delivery, answer: Response | Hang) -> None:
        if isinstance(answer, Response) and 200 <= answer.status < 300:
            delivery.over = True
            self.counts["delivered"] += 1
            return
        self.counts["refused"] += 1
        if delivery.tries <= len(PAUSES_S):
            self._later(delivery, timedelta(seconds=PAUSES_S[delivery.tries - 1]))
            return
        delivery.over = True
        self.counts["given_up"] += 1
        if delivery.event != "NOTIFICATIONS_CREATE":  # or a dead address would be told of its own death for ever
            message = f"Webhook {delivery.hook.name} could not be delivered"
            self._platform.notify("CHANNELENGINE_WEBHOOK_RQUEST_FAILED", "Webhook failed", message)

    # -- calls -----------------------------------------------------------------------------------------------------

    def get_all(self, request: Request) -> Reply:
        """GET /v2/webhooks."""
        found = [_view(hook) for hook in self.hooks.values()]
        return Reply(found, count=len(found), total=len(found))

    def create(self, request: Request) -> Reply:
        """POST /v2/webhooks. Errors: 409 when the name is taken [guess]."""
        hook = _read(request)
        if hook.name in self.hooks:
            raise Refusal(409, f"Webhook '{hook.name}' already exists.", {"Name": ["Already exists."]})
        self.hooks[hook.name] = hook
        self._platform.wrote("WebhooksCreate", hook.name)
        return Reply(status=201)

    def update(self, request: Request) -> Reply:
        """PUT /v2/webhooks."""
        hook = _read(request)
        self._known(hook.name)
        self.hooks[hook.name] = hook
        self._platform.wrote("WebhooksUpdate", hook.name)
        return Reply()

    def delete(self, request: Request, name: str) -> Reply:
        """DELETE /v2/webhooks/{webhookName}."""
        self._known(name)
        del self.hooks[name]
        self._platform.wrote("WebhooksDelete", name)
        return Reply()

    def _known(self, name: str) -> None:
        if name not in self.hooks:
            raise Refusal(404, f"Webhook '{name}' not found.")


def _read(request: Request) -> Hook:
    body = reader(request)
    name, url = body.text("Name", 128), body.text("Url", 1028)
    events = body.row.get("Events")
    if url and urlsplit(url).scheme not in ("http", "https"):
        body.complain("Url", "The field Url must be an http or https address.")
    if not isinstance(events, list) or not events or any(event not in TYPES for event in events):
        body.complain("Events", "The field Events must hold known events.")
    active = body.row.get("IsActive", False)
    if not isinstance(active, bool):
        body.complain("IsActive", "The field IsActive must be true or false.")
    body.done()
    return Hook(name, url, bool(active), list(dict.fromkeys(events or [])))


def _view(hook: Hook) -> dict[str, Any]:
    return {"Name": hook.name, "Url": hook.url, "IsActive": hook.active, "Events": hook.events}
