"""Our own ids: sortable by time, readable by people: `case_01J9ZK3V…` says what it names. A seam module for randomness."""

import os
import secrets
from collections.abc import Callable
from functools import partial
from random import Random

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U


_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]  # two letters at a time: ids stand in every row


def _base32(value: int, width: int) -> str:
    shifts = range(5 * (width - width % 2 - 2), -1, -10)
    text = "".join([_PAIRS[(value >> shift) & 1023] for shift in shifts])
    return text if width % 2 == 0 else ALPHABET[(value >> (5 * (width - 1))) & 31] + text


CHANCE_BITS, DRAWN_AT_ONCE = 80, 256


class _Drawn:
    """Chance from the system, many ids' worth at a time: a call into the kernel per id is the dearest part of an id.

    Shared by threads (`pop` takes a number once); a forked child draws its own.
    """

    def __init__(self) -> None:
        self._numbers: list[int] = []
        os.register_at_fork(after_in_child=self._numbers.clear)

    def __call__(self) -> int:
        try:
            return self._numbers.pop()
        except IndexError:
            size = CHANCE_BITS // 8
            fresh = secrets.token_bytes(size * DRAWN_AT_ONCE)
            drawn = [int.from_bytes(fresh[at : at + size], "big") for at in range(0, len(fresh), size)]
            mine = drawn.pop()
            self._numbers.extend(drawn)
            return mine


_drawn = _Drawn()


class Ids:
    """Makes ids of the form `prefix_` + 10 characters of time + 16 of randomness (a ULID)."""

    def __init__(self, millis: Callable[[], int], random: Random | None = None) -> None:
        self._millis = millis
        self._bits = random.getrandbits if random else secrets.randbits
        self._chance: Callable[[], int] = partial(random.getrandbits, CHANCE_BITS) if random else _drawn
        self._then = (-1, "")  # the last millisecond, and how it is written
        self.random: Random = random or secrets.SystemRandom()

    def new(self, prefix: str) -> str:
        now, (at, written) = self._millis(), self._then
        if now != at:
            written = _base32(now, 10)
            self._then = (now, written)
        return f"{prefix}_{written}{_base32(self._chance(), 16)}"

    def token(self, bits: int = 64) -> str:
        return _base32(self._bits(bits), (bits + 4) // 5)

    def jitter(self, seconds: float) -> float:
        """Full jitter: somewhere in (0, seconds]."""
        return seconds * (1 - self.random.random())
