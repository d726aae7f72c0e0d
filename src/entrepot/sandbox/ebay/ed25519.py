"""Ed25519, as far as eBay reads message signatures: a public key from a secret, and whether a signature fits it.

Plain Python for a simulation: correct (tested with the vectors of RFC 8032), not hardened against anybody who measures.
"""

import hashlib
from typing import Final

Q: Final = 2**255 - 19
L: Final = 2**252 + 27742317777372353535851937790883648493
D: Final = (-121665 * pow(121666, Q - 2, Q)) % Q
ROOT: Final = pow(2, (Q - 1) // 4, Q)  # of -1

Point = tuple[int, int, int]  # x / z, y / z


def public_of(secret: bytes) -> bytes:
    """The public half of a secret of 32 bytes."""
    head = bytearray(hashlib.sha512(secret).digest()[:32])
    head[0] &= 248
    head[31] = head[31] & 127 | 64
    return _bytes(_multiply(int.from_bytes(head, "little"), GENERATOR))


def fits(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the owner of a public key signed exactly this."""
    r, key = _point(signature[:32]), _point(public)
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or r is None or key is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return _bytes(_multiply(s, GENERATOR)) == _bytes(_plus(r, _multiply(h, key)))


def _point(packed: bytes) -> Point | None:
    """A point from its 32 bytes; None when none of the curve is written so."""
    if len(packed) != 32:
        return None
    number = int.from_bytes(packed, "little")
    odd, y = number >> 255, number & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, Q - 2, Q) % Q
    x = pow(square, (Q + 3) // 8, Q)
    if (x * x - square) % Q:
        x = x * ROOT % Q
    if y >= Q or (x * x - square) % Q or (x == 0 and odd):
        return None
    return (Q - x if x & 1 != odd else x), y, 1


def _plus(left: Point, right: Point) -> Point:
    """Bernstein's and Lange's formulas for a twisted Edwards curve, projective."""
    (x1, y1, z1), (x2, y2, z2) = left, right
    a = z1 * z2 % Q
    b, c, d = a * a % Q, x1 * x2 % Q, y1 * y2 % Q
    e = D * c * d % Q
    f, g = b - e, b + e
    return a * f * ((x1 + y1) * (x2 + y2) - c - d) % Q, a * g * (d + c) % Q, f * g % Q


def _multiply(times: int, point: Point) -> Point:
    total: Point = (0, 1, 1)
    for bit in bin(times)[2:]:
        total = _plus(total, total)
        if bit == "1":
            total = _plus(total, point)
    return total


def _bytes(point: Point) -> bytes:
    x, y, z = point
    over = pow(z, Q - 2, Q)
    return (y * over % Q | (x * over % Q & 1) << 255).to_bytes(32, "little")


def _generator() -> Point:
    point = _point((4 * pow(5, Q - 2, Q) % Q).to_bytes(32, "little"))
    assert point is not None
    return point


GENERATOR: Final = _generator()
