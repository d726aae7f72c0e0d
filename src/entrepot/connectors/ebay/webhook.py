"""eBay's notifications: signed with a key of theirs that is fetched by its name and kept; each is a hint to read again.

The signature covers the raw body alone and carries no time: what is sent again is known by its number. A door without the
key stays shut. Sources: eBay's public event notification kits; what single topics carry as `data` is a [guess].
"""

import hashlib
import threading
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

import msgspec

from entrepot.connectors.ebay import wire
from entrepot.connectors.ebay.keys import NotAKey, PublicKey, public_key, signed_by
from entrepot.connectors.ebay.records import HINT, LISTING, Records, listing_root
from entrepot.connectors.ebay.wire import Wire
from entrepot.connectors.exchange import Call, Good, Rejected, problem_of
from entrepot.connectors.port import Forged, Problem, ProblemCode, Received, Verified
from entrepot.connectors.reading import NOT_JSON, Unreadable, canonical, members, total, typed, unreadable_record
from entrepot.connectors.roots import basket_root
from entrepot.kernel.ctx import Ctx
from entrepot.trade.order.model import Hint

HEADER = "x-ebay-signature"
HEADER_MAX, KEY_NAME_MAX = 4_000, 100
KEY_PATH = "/commerce/notification/v1/public_key/"
UNKNOWN_KEYS_MAX = 50  # names that are no keys of theirs, remembered so that a forger cannot make us ask on and on
UNKNOWN_FOR = timedelta(minutes=5)  # machine
KEYS_MAX = 20
CHALLENGE_MAX = 200
# Kept whole, but no record: nothing of ours is to be read again. Buyers who leave eBay are dealt with by the operator.
NO_RECORD = frozenset({"MARKETPLACE_ACCOUNT_DELETION"})
ORDER, OFFER, DISPUTE = "order", "listing", "dispute"


class _Signature(msgspec.Struct):
    kid: str
    signature: str
    alg: str | None = None
    digest: str | None = None


class _Key(msgspec.Struct):
    key: str
    algorithm: str | None = None
    digest: str | None = None


class _Metadata(msgspec.Struct):
    topic: str


class _Notification(msgspec.Struct):
    notificationId: str
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _Event(msgspec.Struct):
    metadata: _Metadata
    notification: _Notification


@dataclass(slots=True)
class KeyRing:
    """Public keys by name. `learn` may ask for one that is missing; whoever verifies asks nobody."""

    keys: dict[str, PublicKey] = field(default_factory=dict)
    unknown: dict[str, datetime] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, name: str) -> PublicKey | None:
        with self.lock:
            return self.keys.get(name)

    def learn(self, ctx: Ctx, wire_: Wire, name: str) -> Problem | None:
        """Fetch a key that is not here. None: it is here, or they know none of that name."""
        now = ctx.clock.machine()
        with self.lock:
            self.unknown = {one: at for one, at in self.unknown.items() if now - at < UNKNOWN_FOR}
            if name in self.keys or name in self.unknown:
                return None
            if len(self.unknown) >= UNKNOWN_KEYS_MAX:
                return Problem(ProblemCode.REFUSED, "too many keys were named that are none of theirs")
        answer, _ = wire_.call(ctx, wire.APP, Call("GET", KEY_PATH + quote(name, safe="")))
        if isinstance(answer, Rejected):
            with self.lock:
                self.unknown[name] = now
            return None
        if not isinstance(answer, Good):
            return problem_of(answer)
        try:
            told = typed(answer.response.body, _Key)
            key = public_key(told.key, told.digest or "SHA1")
        except (Unreadable, NotAKey) as error:
            return Problem(ProblemCode.UNREADABLE, f"public key {name}: {error}")
        with self.lock:
            if len(self.keys) >= KEYS_MAX:
                self.keys.pop(next(iter(self.keys)))
            self.keys[name] = key
        return None


@dataclass(frozen=True, slots=True)
class EbayWebhook:
    """The door. `learn` before `verify`: it may make one call; `verify` makes none.

    `verification_token`, `endpoint`: what eBay was told when our address was registered; without them its challenge is
    not answered.
    """

    wire: Wire
    records: Records
    verification_token: str = field(default="", repr=False)
    endpoint: str = ""
    ring: KeyRing = field(default_factory=KeyRing)

    def learn(self, ctx: Ctx, headers: Mapping[str, str]) -> Problem | None:
        """Fetch the key that these headers name, unless it is known. Call it with no transaction open."""
        signature = _signature(headers)
        return None if isinstance(signature, Forged) else self.ring.learn(ctx, self.wire, signature.kid)

    def verify(self, machine: datetime, headers: Mapping[str, str], body: bytes) -> Verified | Forged:
        signature = _signature(headers)
        if isinstance(signature, Forged):
            return signature
        key = self.ring.get(signature.kid)
        if key is None:
            return Forged("signed with a key that we do not have")
        try:
            signed = b64decode(signature.signature, validate=True)
        except (NotBase64, ValueError):
            return Forged("the signature is not base64")
        if not signed_by(key, body, signed):
            return Forged("the signature does not fit")
        try:
            return Verified(typed(body, _Event).notification.notificationId)
        except Unreadable:
            return Verified(hashlib.blake2b(body, digest_size=16).hexdigest())

    def split(self, body: bytes) -> tuple[Received, ...]:
        """One hint an event; an event nobody can read is kept as `malformed`."""
        flow = self.records.flows[HINT]
        try:
            event = typed(body, _Event)
            if event.metadata.topic in NO_RECORD:
                return ()
            seen = hint_of(event)
            root = listing_root(seen.external_id) if seen.kind == OFFER else basket_root(seen.external_id)
            if seen.kind == OFFER:
                flow = self.records.flows[LISTING]
            kept = canonical(body)
        except (Unreadable, *NOT_JSON):
            return (unreadable_record(body, "event", flow, 0),)
        return (Received(HINT, event.notification.notificationId, "", kept, 0, root, flow),)

    def challenge(self, code: str) -> bytes | None:
        """The answer to `GET …?challenge_code=`: JSON, to be sent with 200. None: we cannot answer."""
        if not (self.verification_token and self.endpoint and 0 < len(code) <= CHALLENGE_MAX):
            return None
        told = hashlib.sha256((code + self.verification_token + self.endpoint).encode()).hexdigest()
        return msgspec.json.encode({"challengeResponse": told})


def _signature(headers: Mapping[str, str]) -> _Signature | Forged:
    """The header: base64 of `{"alg", "kid", "signature", "digest"}`."""
    text = next((value for name, value in headers.items() if name.lower() == HEADER), "")
    if not text or len(text) > HEADER_MAX:
        return Forged("the signature header is missing")
    try:
        found = msgspec.json.decode(b64decode(text, validate=True), type=_Signature)
    except (NotBase64, ValueError, *NOT_JSON):
        return Forged("the signature header cannot be read")
    if not (0 < len(found.kid) <= KEY_NAME_MAX and found.kid.isascii() and found.kid.isprintable()):
        return Forged("the signature header names no key")
    return found


def hint_of(event: _Event) -> Hint:
    """What changed. Errors: Unreadable when the event names nothing of ours."""
    data = members(event.notification.data)
    for name in ("order", "item", "offer", "listing", "paymentDispute"):
        if name in data and bytes(data[name]).startswith(b"{"):
            data = {**members(data[name]), **data}
    for name, kind in (("paymentDisputeId", DISPUTE), ("orderId", ORDER), ("sku", OFFER)):
        raw = data.get(name)
        if raw is not None:
            try:
                return Hint(kind, msgspec.json.decode(bytes(raw), type=str))
            except NOT_JSON as error:
                raise Unreadable(f"“{name}” is no text", f"$.notification.data.{name}") from error
    raise Unreadable(f"“{event.metadata.topic}” names neither order, listing nor dispute", "$.notification.data")


@total
def hint(body: bytes) -> Hint:
    return hint_of(typed(body, _Event))
