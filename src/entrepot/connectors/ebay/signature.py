"""ECDSA on the curve P-256, verified with whole numbers: is this text signed by the owner of that public key?

The standard library signs and verifies nothing of the kind, and no package of ours does. Only public values are handled
here, so nothing can leak by timing. Sources: FIPS 186-4 (the curve and the verification), SEC 1 (points), RFC 5480 (keys).
"""

import hashlib
from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
SIZE = 32
PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")  # an EC key on P-256, as DER
POINT, UNCOMPRESSED = 1 + 2 * SIZE, 4
HASHES = {"SHA1": "sha1", "SHA256": "sha256"}
SEQUENCE, INTEGER = 0x30, 0x02
PEM_MAX = 1_000

Jacobian = tuple[int, int, int]  # (x / z², y / z³); z = 0 is the point at infinity
INFINITY: Jacobian = (1, 1, 0)


class NotAKey(ValueError):
    """Not the public key of a point on P-256."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    x: int
    y: int
    hash_name: str


def public_key(pem: str, digest: str) -> PublicKey:
    """A key as eBay publishes it: PEM with or without line breaks, and the name of the digest. Errors: NotAKey."""
    text = pem.replace("-----BEGIN PUBLIC KEY-----", "").replace("-----END PUBLIC KEY-----", "")
    try:
        der = b64decode("".join(text.split())[:PEM_MAX], validate=True)
    except (NotBase64, ValueError) as error:
        raise NotAKey("not the base64 text of a key") from error
    name = HASHES.get(digest.upper().replace("-", ""))
    if name is None:
        raise NotAKey(f"“{digest[:20]}” is a digest we do not know")
    point = der.removeprefix(PREFIX)
    if len(der) != len(PREFIX) + POINT or len(point) != POINT or point[0] != UNCOMPRESSED:
        raise NotAKey("not a key on the curve P-256")
    x, y = int.from_bytes(point[1 : 1 + SIZE]), int.from_bytes(point[1 + SIZE :])
    if x >= P or y >= P or (y * y - (x * x * x - 3 * x + B)) % P:
        raise NotAKey("the point is not on the curve")
    return PublicKey(x, y, name)


def signed_by(key: PublicKey, message: bytes, signature: bytes) -> bool:
    """Does a DER signature of exactly these bytes fit the key? Anything malformed does not."""
    pair = _pair(signature)
    if pair is None:
        return False
    r, s = pair
    if not (0 < r < N and 0 < s < N):
        return False
    digest = hashlib.new(key.hash_name, message, usedforsecurity=False).digest()[:SIZE]
    e, w = int.from_bytes(digest), pow(s, -1, N)
    x, _, z = _sum_of_multiples(e * w % N, r * w % N, (key.x, key.y))
    if z == 0:
        return False
    return x * pow(z, -2, P) % P % N == r


def _pair(der: bytes) -> tuple[int, int] | None:
    """SEQUENCE of two INTEGERs, strictly; None for anything else."""
    if len(der) < 8 or der[0] != SEQUENCE or der[1] != len(der) - 2 or der[1] > 127:
        return None
    first = _integer(der, 2)
    second = _integer(der, first[1]) if first else None
    if first is None or second is None or second[1] != len(der):
        return None
    return first[0], second[0]


def _integer(der: bytes, at: int) -> tuple[int, int] | None:
    """A positive INTEGER in its shortest form, and where it ends."""
    if at + 2 > len(der) or der[at] != INTEGER:
        return None
    size, start = der[at + 1], at + 2
    body = der[start : start + size]
    if not 1 <= size <= SIZE + 1 or len(body) != size or body[0] > 127:
        return None
    if size > 1 and body[0] == 0 and body[1] < 128:
        return None
    return int.from_bytes(body), start + size


def _double(point: Jacobian) -> Jacobian:
    x, y, z = point
    if z == 0 or y == 0:
        return INFINITY
    yy = y * y % P
    s = 4 * x * yy % P
    zz = z * z % P
    m = 3 * (x - zz) * (x + zz) % P
    new_x = (m * m - 2 * s) % P
    return new_x, (m * (s - new_x) - 8 * yy * yy) % P, 2 * y * z % P


def _add(one: Jacobian, other: Jacobian) -> Jacobian:
    if one[2] == 0:
        return other
    if other[2] == 0:
        return one
    (x1, y1, z1), (x2, y2, z2) = one, other
    zz1, zz2 = z1 * z1 % P, z2 * z2 % P
    u1, u2 = x1 * zz2 % P, x2 * zz1 % P
    s1, s2 = y1 * zz2 * z2 % P, y2 * zz1 * z1 % P
    if u1 == u2:
        return _double(one) if s1 == s2 else INFINITY
    h, r = (u2 - u1) % P, (s2 - s1) % P
    hh = h * h % P
    hhh, v = h * hh % P, u1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - s1 * hhh) % P, h * z1 * z2 % P


def _sum_of_multiples(of_base: int, of_key: int, key: tuple[int, int]) -> Jacobian:
    """of_base * G + of_key * key, both at once, bit by bit."""
    base, other = (G[0], G[1], 1), (key[0], key[1], 1)
    both = _add(base, other)
    found = INFINITY
    for bit in range(max(of_base.bit_length(), of_key.bit_length()) - 1, -1, -1):
        found = _double(found)
        pick = (of_base >> bit & 1, of_key >> bit & 1)
        if pick != (0, 0):
            found = _add(found, both if pick == (1, 1) else base if pick == (1, 0) else other)
    return found
