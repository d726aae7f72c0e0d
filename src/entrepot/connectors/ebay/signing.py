"""eBay's message signatures: what a call for a seller in the EU or the UK carries wherever money moves or is told.

Which sites and which calls stands in the manifest (`signed`); everywhere else eBay takes the call unsigned and looks at no
signature. The key is the account's own (`signing_key`, `signing_jwe`), else one is asked of eBay's Key Management interface
when first needed, used until it ends, and kept nowhere: eBay does not keep the private half either. Sources: eBay's guide
“Digital signatures for APIs” (RFC 9421, RFC 9530), its Key Management specification and its verification sample.
"""

import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import msgspec

from entrepot.connectors.ebay.keys import NotAKey, private_key
from entrepot.connectors.exchange import Answer, Call, Good, NoEntry, Rejected, Unsent, problem_of
from entrepot.connectors.manifest import SignedRow
from entrepot.connectors.port import Secret
from entrepot.connectors.reading import NOT_JSON
from entrepot.kernel.ctx import Ctx

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_PATH = "/developer/key_management/v1/signing_key"
KEY_HEADER = "x-ebay-signature-key"
REFUSED_CODES = "2151"  # how all their refusals of a signature begin: 215120, 215122 …
ASKING_GIVEN_UP = timedelta(seconds=30)  # machine: whoever asks longer than this died with his process
ASKING_WAIT_S = 1.0  # business: while somebody else is asking
PORTS = {"http": 80, "https": 443}

Ask = Callable[[Ctx, Call], Answer]  # one unsigned call, as the application itself


@dataclass(frozen=True, slots=True)
class Key:
    """`jwe`: the public half as eBay wants it in the header. `ends_at`: machine; None: they did not say."""

    private: "Ed25519PrivateKey" = field(repr=False)
    jwe: str
    ends_at: datetime | None = None


class _Made(msgspec.Struct):
    privateKey: str
    jwe: str
    expirationTime: int | str | None = None  # seconds since 1970


@dataclass(slots=True)
class Ring:
    """The one key in use. Asked for by one at a time: others are told to come again, nobody queues on a lock."""

    made: Key | None = None
    asking_since: datetime | None = None  # machine
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class Signer:
    """`own`: the account's private key and its public half, where it has them. `wanted`: this account's site is named."""

    row: SignedRow
    wanted: bool
    own: tuple[Secret, Secret] | None = None
    ring: Ring = field(default_factory=Ring)

    def signs(self, call: Call) -> bool:
        asked = f"{call.method} {call.path}"
        return (self.wanted or self.own is not None) and any(fnmatchcase(asked, one) for one in self.row.calls)

    def headers(self, ctx: Ctx, ask: Ask, base_url: str, call: Call) -> Mapping[str, str] | Unsent | NoEntry:
        """What a call carries besides. Nothing was sent when it is no mapping."""
        key = self._key(ctx, ask, call.until)
        return signature(key, int(ctx.clock.machine().timestamp()), base_url, call) if isinstance(key, Key) else key

    def spent(self, answer: Answer) -> bool:
        """They do not take our signature: the key is dropped. Is it worth another go with a new one?"""
        refused = isinstance(answer, Rejected) and answer.refusal.code.startswith(REFUSED_CODES)
        if not refused or self.own is not None:
            return False
        with self.ring.lock:
            self.ring.made = None
        return True

    def _key(self, ctx: Ctx, ask: Ask, until: datetime | None) -> Key | Unsent | NoEntry:
        if self.own is not None:
            private, jwe = self.own
            try:
                return Key(private_key(private()), jwe().strip())
            except NotAKey as error:
                return NoEntry(f"signing_key: {error}")
        machine, ring = ctx.clock.machine(), self.ring
        with ring.lock:
            if ring.made is not None and (ring.made.ends_at is None or machine < ring.made.ends_at):
                return ring.made
            if ring.asking_since is not None and machine - ring.asking_since < ASKING_GIVEN_UP:
                return Unsent("another worker is asking for a signing key", ASKING_WAIT_S)
            ring.asking_since = machine
        made = self._made(ctx, ask, until)
        with ring.lock:
            ring.asking_since = None
            if isinstance(made, Key):
                ring.made = made
        return made

    @staticmethod
    def _made(ctx: Ctx, ask: Ask, until: datetime | None) -> Key | Unsent | NoEntry:
        body = msgspec.json.encode({"signingKeyCipher": "ED25519"})
        answer = ask(ctx, Call("POST", KEY_PATH, headers={"content-type": "application/json"}, body=body, until=until))
        if isinstance(answer, Rejected | NoEntry):
            return NoEntry(f"no signing key: {problem_of(answer)}")
        if not isinstance(answer, Good):
            return Unsent(f"no signing key: {problem_of(answer)}")
        try:
            told = msgspec.json.decode(answer.response.body, type=_Made)
            ends = None if told.expirationTime is None else datetime.fromtimestamp(int(told.expirationTime), UTC)
            return Key(private_key(told.privateKey), told.jwe, ends)
        except (NotAKey, ValueError, OverflowError, OSError, *NOT_JSON) as error:
            return Unsent(f"no signing key: the answer is not the one they publish ({error})")


def signature(key: Key, created_s: int, base_url: str, call: Call) -> dict[str, str]:
    """The headers of one signed call. `created_s`: seconds since 1970."""
    site = urlsplit(base_url)
    digest = f"sha-256=:{b64encode(sha256(call.body).digest()).decode()}:"
    covered = {
        **({"content-digest": digest} if call.body else {}),
        KEY_HEADER: key.jwe,
        "@method": call.method,
        "@path": quote(site.path.rstrip("/") + call.path, safe="/%:@!$&'()*+,;=~-._"),
        "@authority": _authority(site.hostname or "", site.port, site.scheme),
    }
    named = " ".join(f'"{name}"' for name in covered)
    parameters = f"({named});created={created_s}"
    base = "".join(f'"{name}": {value}\n' for name, value in covered.items()) + f'"@signature-params": {parameters}'
    signed = b64encode(key.private.sign(base.encode())).decode()
    said = {name: value for name, value in covered.items() if not name.startswith("@")}
    return said | {"signature-input": f"sig1={parameters}", "signature": f"sig1=:{signed}:"}


def _authority(host: str, port: int | None, scheme: str) -> str:
    return host if port is None or PORTS.get(scheme) == port else f"{host}:{port}"
