"""The marketplace's own arithmetic: minor units inside, decimal numbers on the wire."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, Final

from entrepot.sandbox.mirakl.errors import invalid

EXPONENTS: Final = {
    "EUR": 2,
    "USD": 2,
    "GBP": 2,
    "CHF": 2,
    "PLN": 2,
    "SEK": 2,
    "JPY": 0,
    "KRW": 0,
    "KWD": 3,
    "BHD": 3,
    "TND": 3,
}
MINOR_MAX: Final = 10**15


def exponent(currency: str) -> int:
    """Digits after the point. Errors: a currency the platform does not know."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise invalid(f"Unknown currency '{currency}'", "currency_iso_code") from None


def major(minor: int, currency: str) -> Decimal:
    """Minor units as the wire writes them."""
    return Decimal(minor).scaleb(-exponent(currency))


def minor(value: Any, currency: str, field: str) -> int:
    """A number from the wire in minor units. Errors: not a number, too many digits, absurdly large."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise invalid(f"'{field}' must be a number", field)
    return _exact(Decimal(value), currency, field)


def minor_text(text: str, currency: str, field: str) -> int:
    """A number written in a file in minor units."""
    try:
        return _exact(Decimal(text.strip()), currency, field)
    except InvalidOperation:
        raise invalid(f"'{field}' must be a number", field) from None


def _exact(value: Decimal, currency: str, field: str) -> int:
    if not value.is_finite() or abs(value) > MINOR_MAX:
        raise invalid(f"'{field}' is not an amount", field)
    scaled = value.scaleb(exponent(currency))
    if scaled != scaled.to_integral_value():
        raise invalid(f"'{field}' has more decimals than {currency} has", field)
    return int(scaled)


def share(amount_minor: int, rate_per_100k: int) -> int:
    """A rate of an amount, rounded half to even."""
    return int((Decimal(amount_minor) * rate_per_100k / 100_000).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def commission(base_minor: int, rate_per_100k: int, tax_rate_per_100k: int) -> tuple[int, int]:
    """Commission on a base and the tax on that commission, each rounded per line."""
    fee = share(base_minor, rate_per_100k)
    return fee, share(fee, tax_rate_per_100k)
