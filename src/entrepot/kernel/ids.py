"""Our own ids: sortable by time, readable by people: `case_01J9ZK3V…` says what it names. A seam module for randomness."""

import secrets
from collections.abc import Callable
from random import Random

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U


_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]  # two letters at a time: ids stand in every row


def _base32(value: int, width: int) -> str:
    shifts = range(5 * (width - width % 2 - 2), -1, -10)
    text = "".join([_PAIRS[(value >> shift) & 1023] for shift in shifts])
    return text if width % 2 == 0 else ALPHABET[(value >> (5 * (width - 1))) & 31] + text


class Ids:
    """Makes ids of the form `prefix_` + 10 characters of time + 16 of randomness (a ULID)."""

    def __init__(self, millis: Callable[[], int], random: Random | None = None) -> None:
        self._millis = millis
        self._bits = random.getrandbits if random else secrets.randbits
        self.random: Random = random or secrets.SystemRandom()

    def new(self, prefix: str) -> str:
        return f"{prefix}_{_base32(self._millis(), 10)}{_base32(self._bits(80), 16)}"

    def token(self, bits: int = 64) -> str:
        return _base32(self._bits(bits), (bits + 4) // 5)

    def jitter(self, seconds: float) -> float:
        """Full jitter: somewhere in (0, seconds]."""
        return seconds * (1 - self.random.random())
