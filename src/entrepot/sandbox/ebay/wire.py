"""Bytes: JSON with exact numbers, instants, money as eBay writes it."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, Final, NoReturn

import msgspec

from entrepot.sandbox.core import Request, Response

EXPONENTS: Final = {"JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3, "TND": 3}
AMOUNT: Final = re.compile(r"\d{1,12}(\.\d+)?")

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def answer(status: int, data: Any, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; decimals are written as numbers, digit for digit."""
    return Response(status, {"content-type": "application/json", **(headers or {})}, _ENCODER.encode(data))


def encode(data: Any) -> bytes:
    """JSON bytes, as in `answer`."""
    return _ENCODER.encode(data)


NO_CONTENT: Final = Response(204)


def json_of(request: Request) -> dict[str, Any] | None:
    """The JSON object a caller sent, decimals exact; None when it is none."""
    try:
        data = json.loads(request.body, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def objects(value: Any) -> list[dict[str, Any]] | None:
    """A list of objects, or None when the value is anything else."""
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return value
    return None


def obj(value: Any) -> dict[str, Any]:
    """An object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def whole(value: Any) -> int | None:
    """A whole number, or None for anything else (booleans included)."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


# -- instants --------------------------------------------------------------------------------------------------------


def stamp(at: datetime) -> str:
    """An instant as eBay writes it: UTC, three digits of a second."""
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def maybe(at: datetime | None) -> str | None:
    """An instant that may not have come."""
    return None if at is None else stamp(at)


def instant(text: str) -> datetime | None:
    """An instant from the wire, UTC; None when it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


# -- money -----------------------------------------------------------------------------------------------------------


def major(minor: int, currency: str) -> str:
    """Minor units as text with the currency's own number of decimals."""
    places = EXPONENTS.get(currency, 2)
    return f"{Decimal(minor).scaleb(-places):.{places}f}"


def minor_of(value: Any, currency: str) -> int | None:
    """Text (or a number) from the wire in minor units; None when it is no amount this currency can have."""
    text = str(value) if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else ""
    if AMOUNT.fullmatch(text) is None:
        return None
    scaled = Decimal(text).scaleb(EXPONENTS.get(currency, 2))
    return int(scaled) if scaled == scaled.to_integral_value() else None


def share(amount_minor: int, rate_per_100k: int) -> int:
    """A rate of an amount, rounded half to even."""
    return int((Decimal(amount_minor) * rate_per_100k / 100_000).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def converted(minor: int, currency: str, into: str, rate: str) -> int:
    """An amount in another currency, rounded half to even. Errors: ValueError when the rate is no number."""
    try:
        value = Decimal(minor).scaleb(-EXPONENTS.get(currency, 2)) * Decimal(rate)
    except InvalidOperation as why:
        raise ValueError(f"{rate!r} is no exchange rate") from why
    scaled = value.scaleb(EXPONENTS.get(into, 2))
    return int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def amount(minor: int, currency: str) -> dict[str, Any]:
    """An amount of the Inventory interface: value and currency only."""
    return {"value": major(minor, currency), "currency": currency}


def order_amount(minor: int | None, currency: str) -> dict[str, Any] | None:
    """An amount of the Fulfillment interface; null when there is none."""
    if minor is None:
        return None
    return {**amount(minor, currency), "convertedFromCurrency": None, "convertedFromValue": None}


def post_order_amount(minor: int, currency: str) -> dict[str, Any]:
    """An amount of the Post-Order interface: there the value is a number."""
    return {"value": Decimal(major(minor, currency)), "currency": currency}


def post_order_date(at: datetime | None) -> dict[str, Any] | None:
    """An instant of the Post-Order interface: wrapped."""
    return None if at is None else {"value": stamp(at), "formattedValue": stamp(at)}
