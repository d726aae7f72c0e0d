"""Message signatures: the keys eBay hands out, and whether a call about money was signed by one of them.

Source: eBay's guide “Digital signatures for APIs”, its Key Management specification, RFC 9421 and RFC 9530. A real JWE holds
the public key under a key of eBay's own; ours is a random text of the same form, and eBay remembers what it stands for.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from entrepot.sandbox.core import Clock, Request, Response, World
from entrepot.sandbox.ebay.errors import EbayError, not_found, signature_refused, signed_when, unsigned
from entrepot.sandbox.ebay.keys import call_key, fits, told
from entrepot.sandbox.ebay.router import Call, Route
from entrepot.sandbox.ebay.settings import Settings
from entrepot.sandbox.ebay.wire import answer

CIPHER: Final = "ED25519"
IN_SCOPE: Final = frozenset(
    {
        "issueRefund",
        "issueInquiryRefund",
        "issueReturnRefund",
        "processReturnRequest",
        "approveCancellationRequest",
        "createCancellation",
    }
)
MONEY: Final = "sell.finances"  # every call of this interface is in scope
JWE, INPUT, SIGNATURE, DIGEST = "x-ebay-signature-key", "signature-input", "signature", "content-digest"
ALWAYS: Final = frozenset({JWE, "@method", "@path", "@authority"})
LABELLED: Final = re.compile(r"(?P<label>[a-z*][a-z0-9_.*-]*)=(?P<value>\((?P<names>[^()]*)\)(?P<more>(;[^;,]+)*))")
CREATED: Final = re.compile(r";created=(\d{1,11})(;|$)")


@dataclass(frozen=True, slots=True)
class SigningKey:
    key_id: str
    public: Ed25519PublicKey
    jwe: str
    created_at: datetime
    ends_at: datetime


class Signatures:
    """Keys by their JWE. The private half is told once and kept nowhere, as eBay does."""

    def __init__(self, world: World, machine_clock: Clock, settings: Settings) -> None:
        self._world = world
        self._machine_clock = machine_clock
        self._settings = settings
        self._rng = world.stream(f"{settings.system} signing keys")
        self._keys: dict[str, SigningKey] = {}

    # -- the Key Management interface ------------------------------------------------------------------------------

    def create(self, call: Call) -> Response:
        """createSigningKey."""
        wrong = EbayError(400, 210001, "Invalid signingKeyCipher.", domain="API_KEY_MANAGEMENT")
        if call.body(wrong).get("signingKeyCipher") != CIPHER:  # RSA is not simulated
            raise wrong
        (private, public), now = call_key(self._rng.randbytes(32)), self._machine_clock()
        jwe = ".".join(_url64(self._rng.randbytes(n)) for n in (60, 32, 12, 96, 16))
        key = SigningKey(self._world.uuid(), public, jwe, now, now + self._settings.signing_key_life)
        self._keys[jwe] = key
        return answer(201, self._view(key) | {"privateKey": private})

    def every(self, _call: Call) -> Response:
        """getSigningKeys."""
        return answer(200, {"signingKeys": [self._view(key) for key in self._keys.values()]})

    def one(self, call: Call) -> Response:
        """getSigningKey."""
        for key in self._keys.values():
            if key.key_id == call.ids["signing_key_id"]:
                return answer(200, self._view(key))
        raise not_found()

    def revoke(self) -> None:
        """Every key handed out so far is void."""
        self._keys.clear()

    @staticmethod
    def _view(key: SigningKey) -> dict[str, Any]:
        return {
            "creationTime": int(key.created_at.timestamp()),
            "expirationTime": int(key.ends_at.timestamp()),
            "jwe": key.jwe,
            "publicKey": told(key.public),
            "signingKeyCipher": CIPHER,
            "signingKeyId": key.key_id,
        }

    # -- the check -------------------------------------------------------------------------------------------------

    def check(self, request: Request, route: Route) -> None:
        """Let a call pass, or say what is wrong with its signature. Errors: 403."""
        if not self._settings.signs or not (route.operation in IN_SCOPE or route.resource == MONEY):
            return
        for name in (JWE, INPUT, SIGNATURE):
            if not request.headers.get(name):
                raise unsigned(name)
        now, key = self._machine_clock(), self._keys.get(request.headers[JWE])
        if key is None or now >= key.ends_at:
            raise signature_refused(215122)
        self._check(request, key, now)

    def _check(self, request: Request, key: SigningKey, now: datetime) -> None:
        found = LABELLED.fullmatch(request.headers[INPUT].strip())
        if found is None:
            raise signature_refused()
        created = CREATED.search(found["more"])
        if created is None or abs(int(created[1]) - now.timestamp()) > self._settings.signature_age.total_seconds():
            raise signed_when()
        names = [name.strip('"') for name in found["names"].split()]
        if len(set(names)) != len(names) or not set(names) >= ALWAYS | ({DIGEST} if request.body else set()):
            raise signature_refused()
        if request.body and request.headers.get(DIGEST) != _digest(request.body):
            raise signature_refused()
        known = {**request.headers, **self._derived(request)}
        if any(name not in known for name in names):
            raise signature_refused()
        lines = [f'"{name}": {known[name]}' for name in names] + [f'"@signature-params": {found["value"]}']
        signed = _signed(request.headers[SIGNATURE], found["label"])
        if signed is None or not fits(key.public, "\n".join(lines).encode(), signed):
            raise signature_refused()

    def _derived(self, request: Request) -> Mapping[str, str]:
        here = urlsplit(self._settings.base_url)
        return {
            "@method": request.method,
            "@path": quote(request.path, safe="/:@!$&'()*+,;=~-._"),
            "@authority": request.headers.get("host", here.netloc).lower(),
        }


def _signed(header: str, label: str) -> bytes | None:
    """The bytes of one signature, `label=:base64:`."""
    if not header.startswith(f"{label}=:") or not header.endswith(":"):
        return None
    try:
        return base64.b64decode(header[len(label) + 2 : -1], validate=True)
    except ValueError:
        return None


def _digest(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def _url64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
