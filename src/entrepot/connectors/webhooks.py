"""Standard Webhooks, inwards: who signed these raw bytes, and when. Verified before anything is parsed.

The standardwebhooks library reads the clock itself and copies the body three times; a door that keeps a thousand a second cannot afford
that. So these few lines are ours, and a test holds them against the library.
"""

import hmac
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from entrepot.connectors.port import Forged, Secret, Verified
from entrepot.kernel.digests import hmac_sha256
from entrepot.kernel.errors import WrongSetting

SIGNATURES_MAX = 10
EVENT_ID_MAX = 200
TIMESTAMP_DIGITS_MAX = 11
SECRETS_MAX = 64  # keys remembered in their decoded form
PREFIX = "whsec_"


@dataclass(frozen=True, slots=True)
class StandardWebhooks:
    """The secret in force and, while it is rotated, the one before. `tolerance_s`: machine seconds either way."""

    secret: Secret
    tolerance_s: float
    old_secret: Secret | None = None

    def verify(self, machine: datetime, headers: Mapping[str, str], body: bytes) -> Verified | Forged:
        """Header names in any case. Every signature is compared with every secret, in constant time."""
        given = {name.lower(): value for name, value in headers.items()}
        event_id, stamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
        signatures = _signatures(given.get("webhook-signature", ""))
        if not event_id or len(event_id) > EVENT_ID_MAX or not signatures:
            return Forged("a Standard Webhooks header is missing")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= TIMESTAMP_DIGITS_MAX):
            return Forged("the timestamp is not a number")
        sent_at = datetime.fromtimestamp(int(stamp), UTC)
        if abs((machine - sent_at).total_seconds()) > self.tolerance_s:
            return Forged("the timestamp is too far from now")
        signed = f"{event_id}.{stamp}.".encode() + body
        if _fits(self.secret(), signed, signatures):
            return Verified(event_id)
        if self.old_secret is not None and _fits(self.old_secret(), signed, signatures):
            return Verified(event_id, with_old_secret=True)
        return Forged("no signature fits")


def _signatures(header: str) -> list[bytes]:
    """The v1 signatures of a header `v1,<base64> v1,<base64> …`."""
    found = []
    for part in header.split(" ")[:SIGNATURES_MAX]:
        version, _, signature = part.partition(",")
        try:
            decoded = b64decode(signature, validate=True)
        except (NotBase64, ValueError):
            continue
        if version == "v1" and decoded:
            found.append(decoded)
    return found


@lru_cache(SECRETS_MAX)
def _key(secret: str) -> bytes:
    """Base64, padded or not, behind `whsec_` or bare. Errors: WrongSetting that never shows the secret."""
    try:
        key = b64decode(secret.removeprefix(PREFIX) + "==")
    except (NotBase64, ValueError):
        key = b""
    if not key:
        raise WrongSetting("the webhook secret is not the base64 text (whsec_…) that Standard Webhooks promises")
    return key


def _fits(secret: str, signed: bytes, signatures: list[bytes]) -> bool:
    expected = hmac_sha256(_key(secret), signed)
    fits = [hmac.compare_digest(expected, signature) for signature in signatures]  # all of them: no time tells which
    return any(fits)
