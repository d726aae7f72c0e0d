"""Whoever knocks at the doors: signed by hand, after the Standard Webhooks specification."""

import base64
import hashlib
import hmac

from entrepot.app import Hub
from entrepot.cases.model import Notice


class Unheard:
    """Alerts go nowhere."""

    def send(self, notice: Notice, channel: str) -> str | None:
        return None


def signed(hub: Hub, secret: str, body: bytes) -> dict[str, str]:
    """Headers that are good now, by the hub's own machine clock."""
    stamp = str(int(hub.ctx.clock.machine().timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"evt_1.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
