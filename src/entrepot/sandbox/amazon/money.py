"""The channel's own arithmetic: whole minor units inside; text or a number on the wire."""

from decimal import Decimal, InvalidOperation
from typing import Any, Final

from entrepot.sandbox.amazon.errors import invalid

EXPONENTS: Final = {"EUR": 2, "USD": 2, "GBP": 2, "PLN": 2, "SEK": 2, "JPY": 0}
MINOR_MAX: Final = 10**13


def text_of(minor: int, currency: str) -> str:
    """Minor units as the wire writes them: "12.50", "1250" for yen."""
    return format(Decimal(minor).scaleb(-EXPONENTS[currency]), "f")


def number_of(minor: int, currency: str) -> float:
    """Minor units as a JSON number. A float only here, at the edge: its shortest form is the exact decimal."""
    return float(text_of(minor, currency))


def comma_of(minor: int, currency: str, decimal_comma: bool) -> str:
    """Minor units as a file of this market writes them."""
    written = text_of(minor, currency)
    return written.replace(".", ",") if decimal_comma else written


def minor_of(value: Any, currency: str, field: str) -> int:
    """A number or text from the wire in minor units. Errors: InvalidInput."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise invalid(f"'{field}' must be an amount")
    try:
        scaled = Decimal(str(value).strip()).scaleb(EXPONENTS[currency])
    except InvalidOperation:
        raise invalid(f"'{field}' must be an amount", str(value)) from None
    if not scaled.is_finite() or abs(scaled) > MINOR_MAX or scaled != scaled.to_integral_value():
        raise invalid(f"'{field}' is not an amount of {currency}", str(value))
    return int(scaled)


def share(amount_minor: int, rate_per_100k: int) -> int:
    """A rate of an amount, half away from zero."""
    product = abs(amount_minor) * rate_per_100k
    rounded = (2 * product + 100_000) // 200_000
    return rounded if amount_minor >= 0 else -rounded


def included_tax(gross_minor: int, rate_per_100k: int) -> int:
    """The tax inside a gross amount."""
    return gross_minor - (2 * gross_minor * 100_000 + 100_000 + rate_per_100k) // (2 * (100_000 + rate_per_100k))


def part(total_minor: int, done: int, more: int, whole: int) -> int:
    """What the next `more` of `whole` pieces take of a total when `done` are gone: parts sum to the whole."""
    return total_minor * (done + more) // whole - total_minor * done // whole
