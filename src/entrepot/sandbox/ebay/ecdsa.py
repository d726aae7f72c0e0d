"""ECDSA on P-256, as far as eBay signs notifications: sign, verify, the public key as PEM.

Plain Python for a simulation: correct (tested with the vectors of RFC 6979), not hardened against anybody who measures.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from typing import Final

P: Final = 2**256 - 2**224 + 2**192 + 2**96 - 1
N: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
GENERATOR: Final = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
SPKI_HEAD: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")

Point = tuple[int, int]
Jacobian = tuple[int, int, int]
INFINITY: Final[Jacobian] = (1, 1, 0)


class Key:
    """A private key; its public half is `point`."""

    def __init__(self, secret: int) -> None:
        if not 0 < secret < N:
            raise ValueError("a secret lies between 0 and the order of the curve")
        self.secret = secret
        self.point = _affine(_multiply(self.secret, GENERATOR))

    def sign(self, message: bytes, digest: str = "sha1") -> bytes:
        """A DER signature, the same each time for the same message (RFC 6979)."""
        hashed = hashlib.new(digest, message).digest()
        z = int.from_bytes(hashed, "big") >> max(0, 8 * len(hashed) - 256)
        for k in _nonces(self.secret, z, digest):
            r = _affine(_multiply(k, GENERATOR))[0] % N
            s = pow(k, -1, N) * (z + r * self.secret) % N
            if r and s:
                return _der(r, s)
        raise AssertionError("unreachable: nonces never end")

    def pem(self) -> str:
        """The public key in one line, head and foot included, as eBay sends it."""
        x, y = self.point
        der = SPKI_HEAD + b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")
        return f"-----BEGIN PUBLIC KEY-----{base64.b64encode(der).decode()}-----END PUBLIC KEY-----"


def _nonces(secret: int, z: int, digest: str) -> Iterator[int]:
    """Candidates for k from key and hash alone (RFC 6979, 3.2)."""
    size = hashlib.new(digest).digest_size
    seed = secret.to_bytes(32, "big") + (z % N).to_bytes(32, "big")
    v, k = b"\x01" * size, b"\x00" * size
    for mark in (b"\x00", b"\x01"):
        k = hmac.new(k, v + mark + seed, digest).digest()
        v = hmac.new(k, v, digest).digest()
    while True:
        made = b""
        while len(made) < 32:
            v = hmac.new(k, v, digest).digest()
            made += v
        candidate = int.from_bytes(made[:32], "big")
        if 0 < candidate < N:
            yield candidate
        k = hmac.new(k, v + b"\x00", digest).digest()
        v = hmac.new(k, v, digest).digest()


def verify(point: Point, message: bytes, r: int, s: int, digest: str = "sha1") -> bool:
    """Whether (r, s) is the signature of a message by the owner of a public key."""
    if not (0 < r < N and 0 < s < N):
        return False
    hashed = hashlib.new(digest, message).digest()
    z = int.from_bytes(hashed, "big") >> max(0, 8 * len(hashed) - 256)
    inverse = pow(s, -1, N)
    mine = _multiply(z * inverse % N, GENERATOR) if z * inverse % N else INFINITY
    theirs = _multiply(r * inverse % N, point)
    total = _add(mine, _affine(theirs))
    return bool(total[2]) and _affine(total)[0] % N == r


def _der(r: int, s: int) -> bytes:
    def integer(value: int) -> bytes:
        data = value.to_bytes(value.bit_length() // 8 + 1, "big")
        return b"\x02" + bytes([len(data)]) + data

    body = integer(r) + integer(s)
    return b"\x30" + bytes([len(body)]) + body


def _affine(point: Jacobian) -> Point:
    x, y, z = point
    inverse = pow(z, -1, P)
    squared = inverse * inverse % P
    return x * squared % P, y * squared * inverse % P


def _double(point: Jacobian) -> Jacobian:
    x, y, z = point
    if not z:
        return point
    zz, yy = z * z % P, y * y % P
    s = 4 * x * yy % P
    m = 3 * (x - zz) * (x + zz) % P
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * yy * yy) % P, 2 * y * z % P


def _add(left: Jacobian, right: Point) -> Jacobian:
    x1, y1, z1 = left
    x2, y2 = right
    if not z1:
        return x2, y2, 1
    zz = z1 * z1 % P
    u, s = x2 * zz % P, y2 * zz * z1 % P
    h, r = (u - x1) % P, (s - y1) % P
    if not h:
        return _double(left) if not r else INFINITY
    hh = h * h % P
    hhh, v = h * hh % P, x1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - y1 * hhh) % P, z1 * h % P


def _multiply(times: int, point: Point) -> Jacobian:
    result = INFINITY
    for bit in bin(times)[2:]:
        result = _double(result)
        if bit == "1":
            result = _add(result, point)
    return result
