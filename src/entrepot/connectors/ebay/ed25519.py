"""Ed25519 signatures, made with whole numbers: what proves to eBay that a call is ours.

The standard library signs nothing of the kind, and no package of ours does. Not hardened against somebody who measures this
very machine; over a network nothing can be told. Sources: RFC 8032 (the curve, the signature), RFC 8410 (keys).
"""

import hashlib
from base64 import b64decode
from binascii import Error as NotBase64

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SIZE = 32
PREFIX = bytes.fromhex("302e020100300506032b657004220420")  # a private key on Ed25519, as DER
PEM_MAX = 400

Point = tuple[int, int, int, int]  # x / z, y / z, and t = x * y / z
NEUTRAL: Point = (0, 1, 1, 0)
_Y = 4 * pow(5, -1, P) % P
_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
BASE: Point = (_X, _Y, 1, _X * _Y % P)


class NotAKey(ValueError):
    """Not a private key on Ed25519."""


def private_key(text: str) -> bytes:
    """The 32 bytes of a key as eBay hands it out: PEM, with or without head, foot and line breaks. Errors: NotAKey."""
    bare = text.replace("-----BEGIN PRIVATE KEY-----", "").replace("-----END PRIVATE KEY-----", "")
    try:
        der = b64decode("".join(bare.split())[:PEM_MAX], validate=True)
    except (NotBase64, ValueError) as error:
        raise NotAKey("not the base64 text of a key") from error
    if len(der) != len(PREFIX) + SIZE or not der.startswith(PREFIX):
        raise NotAKey("not a private key on Ed25519")
    return der.removeprefix(PREFIX)


def sign(key: bytes, message: bytes) -> bytes:
    """64 bytes; the same each time for the same message. `key`: 32 bytes, see `private_key`."""
    spread = hashlib.sha512(key).digest()
    secret = int.from_bytes(spread[:SIZE], "little") & ((1 << 254) - 8) | (1 << 254)
    public = _packed(_times(secret, BASE))
    nonce = _whole(spread[SIZE:] + message) % ORDER
    commitment = _packed(_times(nonce, BASE))
    answer = (nonce + _whole(commitment + public + message) * secret) % ORDER
    return commitment + answer.to_bytes(SIZE, "little")


def _whole(text: bytes) -> int:
    return int.from_bytes(hashlib.sha512(text).digest(), "little")


def _times(times: int, point: Point) -> Point:
    found = NEUTRAL
    while times:
        if times & 1:
            found = _add(found, point)
        point = _add(point, point)
        times >>= 1
    return found


def _add(one: Point, other: Point) -> Point:
    (x1, y1, z1, t1), (x2, y2, z2, t2) = one, other
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _packed(point: Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, -1, P)
    return (y * inverse % P | (x * inverse % P & 1) << 255).to_bytes(SIZE, "little")
