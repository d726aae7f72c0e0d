"""Bytes: JSON with exact numbers, dates as Walmart writes them, parameters, and reading what a caller sent."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, NoReturn

import msgspec

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.walmart.errors import WalmartError, bad_parameter, invalid

MINOR_PER_MAJOR: Final = 100
AMOUNT_MAX: Final = Decimal(10) ** 9
DAY_LENGTH: Final = 10

encode = msgspec.json.Encoder(decimal_format="number").encode


def answer(status: int, data: Any, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; decimals are written as numbers, digit for digit."""
    return Response(status, {"content-type": "application/json", **(headers or {})}, encode(data))


# -- money ---------------------------------------------------------------------------------------------------------


def major(minor: int) -> Decimal:
    """Cents as the wire writes dollars."""
    return Decimal(minor).scaleb(-2)


def money_text(minor: int) -> str:
    """Cents as a report writes dollars: "-3.65"."""
    return f"{major(minor):.2f}"


def minor(api: str, value: Any, field: str) -> int:
    """A number from the wire in cents. Errors: not a number, fractions of a cent, absurdly large."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
        raise invalid(api, f"{field} must be a number", field)
    cents = Decimal(value) * MINOR_PER_MAJOR
    if abs(Decimal(value)) > AMOUNT_MAX or cents != cents.to_integral_value():
        raise invalid(api, f"{field} is not an amount of money", field)
    return int(cents)


def share(amount_minor: int, rate_per_100k: int) -> int:
    """A rate of an amount, rounded half to even."""
    return int((Decimal(amount_minor) * rate_per_100k / 100_000).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


# -- time ----------------------------------------------------------------------------------------------------------


def millis(at: datetime) -> int:
    """An instant as orders and feeds write it: milliseconds since 1970."""
    return int(at.timestamp() * 1000)


def stamp(at: datetime) -> str:
    """An instant as events and returns write it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def report_stamp(at: datetime) -> str:
    """An instant as on-request reports write it: no zone."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def us_date(on: date) -> str:
    """A day as recon reports write it: MM/DD/YYYY."""
    return on.strftime("%m/%d/%Y")


def instant(api: str, value: str, name: str) -> datetime:
    """An ISO 8601 day or instant; without a zone it is UTC, and an unescaped '+' came as a space."""
    text = value.strip()
    try:
        at = datetime.fromisoformat(text.replace(" ", "+") if len(text) > DAY_LENGTH else text)
    except ValueError:
        raise bad_parameter(api, name, f"{value!r} is not a date") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


# -- parameters ----------------------------------------------------------------------------------------------------


def date_parameter(api: str, request: Request, name: str) -> datetime | None:
    """An optional date in the query."""
    value = request.first(name)
    return instant(api, value, name) if value else None


def number_parameter(api: str, request: Request, name: str, default: int, most: int, least: int = 0) -> int:
    """A whole number in the query. Errors: no number, out of bounds."""
    value = request.first(name)
    if not value:
        return default
    if not value.isdigit() or not least <= int(value) <= most:
        raise bad_parameter(api, name, f"must be a whole number between {least} and {most}")
    return int(value)


def required_parameter(api: str, request: Request, name: str) -> str:
    """A parameter without which the call means nothing."""
    value = request.first(name)
    if not value:
        raise WalmartError("MISSING_REQUEST_PARAM", api, f"Required parameter {name} is missing", name)
    return value


# -- bodies --------------------------------------------------------------------------------------------------------


def body_of(api: str, request: Request) -> dict[str, Any]:
    """The JSON object a caller sent, decimals exact. Errors: not JSON, not an object."""
    try:
        data = parse(request.body)
    except ValueError as why:
        raise WalmartError("MALFORMED_REQUEST_CONTENT", api, f"Request body is not JSON: {why}") from None
    if not isinstance(data, dict):
        raise WalmartError("INVALID_REQUEST", api, "Request body must be a JSON object")
    return data


def parse(body: bytes) -> Any:
    """JSON with exact decimals. Errors: ValueError."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def inside(api: str, data: Any, *names: str) -> Any:
    """The value at a path of keys. Errors: a key is missing or its holder is no object."""
    for name in names:
        if not isinstance(data, dict) or data.get(name) is None:
            raise invalid(api, f"{'.'.join(names)} is required", name)
        data = data[name]
    return data


def rows(api: str, data: Any, *names: str) -> list[dict[str, Any]]:
    """A non-empty list of objects at a path of keys."""
    found = inside(api, data, *names)
    if not isinstance(found, list) or not found or not all(isinstance(row, dict) for row in found):
        raise invalid(api, f"{'.'.join(names)} must be a non-empty list of objects", names[-1])
    return found


def text(api: str, row: Mapping[str, Any], name: str) -> str:
    """A required text."""
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        raise invalid(api, f"{name} is required", name)
    return value


def whole(api: str, value: Any, field: str) -> int:
    """A whole number, as a number or as text ("1"), at least 0."""
    if isinstance(value, str) and value.strip().isdigit():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise invalid(api, f"{field} must be a whole number", field)
    return value
