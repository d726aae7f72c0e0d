"""The keys eBay deals in: it hands out Ed25519 keys for calls to be signed with, and signs its notifications with one on P-256."""

import base64
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

CURVE: Final = ec.SECP256R1()


def call_key(secret: bytes) -> tuple[str, Ed25519PublicKey]:
    """The private half as eBay tells it, base64 of PKCS #8, and the public one. `secret`: 32 bytes."""
    key = Ed25519PrivateKey.from_private_bytes(secret)
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return base64.b64encode(der).decode(), key.public_key()


def told(public: Ed25519PublicKey | ec.EllipticCurvePublicKey) -> str:
    """A public key as eBay tells it: base64 of SubjectPublicKeyInfo."""
    return base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def fits(public: Ed25519PublicKey, message: bytes, signature: bytes) -> bool:
    """Whether the owner of a public key signed exactly this."""
    try:
        public.verify(signature, message)
    except InvalidSignature:
        return False
    return True


class NotificationKey:
    """A key on P-256; the same one each time for the same seed."""

    def __init__(self, seed: int) -> None:
        self._key = ec.derive_private_key(seed % (CURVE.group_order - 1) + 1, CURVE)

    def sign(self, body: bytes) -> bytes:
        """A DER signature over the SHA-1 digest, the same each time for the same body (RFC 6979)."""
        return self._key.sign(body, ec.ECDSA(SHA1(), deterministic_signing=True))  # noqa: S303  # as eBay does

    def pem(self) -> str:
        """The public key in one line, head and foot included, as eBay sends it."""
        return f"-----BEGIN PUBLIC KEY-----{told(self._key.public_key())}-----END PUBLIC KEY-----"
