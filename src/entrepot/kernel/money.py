"""Money: whole minor units and an ISO 4217 code, together. No float, no bare amount.

Source: exponents from ISO 4217 as carried by py-moneyed (JPY 0, EUR 2, KWD 3); traps measured in docs/decisions.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from entrepot.kernel.errors import OurBug, OwnerDecides

INT64_MAX = 2**63 - 1
RATE_SCALE = 100_000  # rates are whole numbers per 100,000


class Rounding(StrEnum):
    """Named at every call that rounds."""

    HALF_EVEN = "half-even"
    HALF_UP = "half-up"  # away from zero
    DOWN = "down"  # towards zero


class NotMoney(OwnerDecides):
    """A text or currency that is not money as declared; never repaired by guessing."""

    code = "not-money"


class MixedCurrency(OurBug):
    """Two currencies met in one sum."""

    code = "mixed-currency"


@cache
def exponent(currency: str) -> int:
    """Digits after the point for an ISO 4217 code. Errors: NotMoney for a code the table does not hold."""
    from moneyed import CURRENCIES

    found = CURRENCIES.get(currency)
    if found is None or not found.numeric:
        raise NotMoney(f"“{currency}” is not an ISO 4217 currency code", currency=currency)
    return len(str(found.sub_unit)) - 1


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Exact integer division with a named rounding; denominator > 0."""
    quotient, rest = divmod(abs(numerator), denominator)
    twice = 2 * rest
    up = {
        Rounding.DOWN: False,
        Rounding.HALF_UP: twice >= denominator,
        Rounding.HALF_EVEN: twice > denominator or (twice == denominator and quotient % 2 == 1),
    }[rounding]
    magnitude = quotient + (1 if up else 0)
    return magnitude if numerator >= 0 else -magnitude


def split_minor(total: int, weights: Sequence[int]) -> list[int]:
    """Largest remainder: parts proportional to weights that sum to the total exactly; ties go to the earlier part."""
    if not weights or any(w < 0 for w in weights):
        raise OurBug("a split needs weights that are not negative", weights=list(weights))
    scale = sum(weights) or len(weights)
    shares = list(weights) if sum(weights) else [1] * len(weights)
    sign = -1 if total < 0 else 1
    parts = [abs(total) * w // scale for w in shares]
    order = sorted(range(len(shares)), key=lambda i: (-(abs(total) * shares[i] % scale), i))
    for i in order[: abs(total) - sum(parts)]:
        parts[i] += 1
    return [sign * p for p in parts]


_DECIMAL = re.compile(r"([+-]?)(\d{1,18})(?:\.(\d+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Money:
    minor: int
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.minor, int) or isinstance(self.minor, bool):
            raise OurBug("money counts whole minor units", minor=repr(self.minor))
        if abs(self.minor) > INT64_MAX:
            raise NotMoney(f"{self.minor} does not fit 64 bits", minor=self.minor)

    @staticmethod
    def parse(text: str, currency: str) -> "Money":
        """Read a plain decimal text such as `-12.50`: split, never cast. Errors: NotMoney for too many digits, exponents, NaN, spaces."""
        digits = exponent(currency)
        found = _DECIMAL.fullmatch(text)
        if found is None:
            raise NotMoney(f"“{text[:40]}” is not an amount", text=text[:40], currency=currency)
        sign, whole, fraction = found[1], found[2], (found[3] or "")
        kept, rest = fraction[:digits].ljust(digits, "0"), fraction[digits:]
        if rest.strip("0"):
            raise NotMoney(
                f"“{text}” has more digits than {currency} knows ({digits})", text=text[:40], currency=currency
            )
        return Money(int(f"{sign}{whole}{kept}"), currency)

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise MixedCurrency(
                f"{self.currency} and {other.currency} do not add", ours=self.currency, theirs=other.currency
            )

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def share(self, rate_per_100k: int, rounding: Rounding) -> "Money":
        return Money(divide(self.minor * rate_per_100k, RATE_SCALE, rounding), self.currency)

    def split(self, weights: Sequence[int]) -> list["Money"]:
        return [Money(part, self.currency) for part in split_minor(self.minor, weights)]

    @property
    def text(self) -> str:
        """Plain decimal text: `12.50`, `-0.05`, `1200` (JPY)."""
        digits = exponent(self.currency)
        sign = "-" if self.minor < 0 else ""
        if not digits:
            return f"{sign}{abs(self.minor)}"
        whole, fraction = divmod(abs(self.minor), 10**digits)
        return f"{sign}{whole}.{fraction:0{digits}d}"

    def __str__(self) -> str:
        return f"{self.text} {self.currency}"
