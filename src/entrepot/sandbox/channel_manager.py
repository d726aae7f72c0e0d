"""A seller's channel manager: a second system that holds its own truth about one offer and puts it back whenever it finds another.

It has the seller's own API key and speaks the protocol (OF24), like the real ones.
"""

import json
from datetime import timedelta
from typing import Any, Final

from entrepot.sandbox.core import Hang, Request
from entrepot.sandbox.errands import Errands, Pace
from entrepot.sandbox.mirakl import Portal
from entrepot.sandbox.mirakl.money import major

TRIES_MAX: Final = 5
PAUSE: Final = timedelta(minutes=2)


class ChannelManager:
    """Looks after the description of one offer. Quiet until somebody else changes it."""

    def __init__(self, errands: Errands, portal: Portal, pace: Pace, offer_id: int, key: str) -> None:
        self._errands = errands
        self._world = errands.world
        self._portal = portal
        self._pace = pace
        self._offer_id = offer_id
        self._key = key
        self._mine = portal.offer(offer_id).description
        self._busy = False
        self._times = 0
        self.records: list[dict[str, Any]] = []
        portal.subscribe(self._hear)

    def books(self) -> dict[str, Any]:
        return {"offer_id": str(self._offer_id), "set_back": self.records}

    def _hear(self, topic: str, subject: str) -> None:
        if topic == "offer.updated" and subject == str(self._offer_id) and not self._busy and not self._agrees():
            self._busy = True
            self._times += 1
            rng = self._world.stream(f"channel-manager/{self._times}")
            self._errands.within("set-backs", self._pace.set_back, rng, lambda: self._set_back(1))

    def _agrees(self) -> bool:
        offer = self._portal.offer(self._offer_id)
        return offer.deleted or offer.description == self._mine

    def _set_back(self, attempt: int) -> None:
        self._busy = False
        if self._agrees():
            return
        answer = self._world.handle("mirakl", self._request())
        status = 0 if isinstance(answer, Hang) else answer.status
        self.records.append({"attempt": attempt, "status": status, "description": self._mine})
        if not 200 <= status < 300 and attempt < TRIES_MAX:
            self._busy = True
            self._errands.later("set-backs", PAUSE, lambda: self._set_back(attempt + 1))

    def _request(self) -> Request:
        offer = self._portal.offer(self._offer_id)
        row = {
            "shop_sku": offer.shop_sku,
            "product_id": offer.product_sku,
            "product_id_type": "SHOP_SKU",
            "price": str(major(offer.price_minor, offer.currency)),
            "quantity": offer.quantity,
            "state_code": offer.state_code,
            "description": self._mine,
            "leadtime_to_ship": offer.lead_time_days,
            "update_delete": "update",
        }
        headers = {"authorization": self._key, "content-type": "application/json"}
        return Request("POST", "/api/offers", (), headers, json.dumps({"offers": [row]}).encode())
