"""Keys as eBay hands them out: the one that signs our calls (Ed25519), and those that its notifications are verified with (ECDSA on P-256).

All arithmetic is the library's (`cryptography`). It is loaded with the first key, not with this module: every hub knows
every connector, few have a key of eBay.
"""

from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PRIVATE_PEM_MAX, PUBLIC_PEM_MAX = 400, 1_000
DIGESTS = frozenset({"SHA1", "SHA256"})


class NotAKey(ValueError):
    """Not a key of the kind that is needed."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """`digest`: of `DIGESTS`."""

    point: "EllipticCurvePublicKey"
    digest: str


def private_key(text: str) -> "Ed25519PrivateKey":
    """A key to sign calls with, from PEM with or without head, foot and line breaks. Errors: NotAKey."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    der = _der(text, "PRIVATE", PRIVATE_PEM_MAX)
    try:
        key = load_der_private_key(der, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: it is locked with a password
        raise NotAKey("not a private key on Ed25519") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise NotAKey("not a private key on Ed25519")
    return key


def public_key(text: str, digest: str) -> PublicKey:
    """A key to verify notifications with: PEM as above, and the name of the digest. Errors: NotAKey."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    name = digest.upper().replace("-", "")
    if name not in DIGESTS:
        raise NotAKey(f"“{digest[:20]}” is a digest we do not know")
    der = _der(text, "PUBLIC", PUBLIC_PEM_MAX)
    try:
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NotAKey("not a key on the curve P-256") from error
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise NotAKey("not a key on the curve P-256")
    return PublicKey(key, name)


def signed_by(key: PublicKey, message: bytes, signature: bytes) -> bool:
    """Does a DER signature of exactly these bytes fit the key? Anything malformed does not."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256

    digest = SHA1() if key.digest == "SHA1" else SHA256()  # noqa: S303  # SHA-1 is what eBay signs with
    try:
        key.point.verify(signature, message, ECDSA(digest))
    except InvalidSignature:
        return False
    return True


def _der(text: str, kind: str, size_max: int) -> bytes:
    bare = text.replace(f"-----BEGIN {kind} KEY-----", "").replace(f"-----END {kind} KEY-----", "")
    try:
        return b64decode("".join(bare.split())[:size_max], validate=True)
    except (NotBase64, ValueError) as error:
        raise NotAKey("not the base64 text of a key") from error
