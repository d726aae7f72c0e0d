"""Bytes: JSON with exact numbers, dates, parameters."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NoReturn

import msgspec

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.mirakl.errors import MiraklError, invalid

IDS_PER_FILTER_MAX: Final = 100

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")

encode = _ENCODER.encode
Raw = msgspec.Raw


def answer(status: int, data: Any, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; decimals are written as numbers, digit for digit."""
    return Response(status, {"content-type": "application/json;charset=UTF-8", **(headers or {})}, encode(data))


NO_CONTENT: Final = Response(204)


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object a caller sent, decimals exact. Errors: VALIDATION_ERROR."""
    data = json_of(request)
    if not isinstance(data, dict):
        raise invalid("the body must be a JSON object")
    return data


def json_of(request: Request) -> Any:
    """The JSON a caller sent, decimals exact. Errors: VALIDATION_ERROR."""
    try:
        return json.loads(request.body, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as why:
        raise invalid(f"the body is not JSON: {why}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def rows(data: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A required list of objects in a body. Errors: VALIDATION_ERROR."""
    value = data.get(name)
    if not isinstance(value, list) or not value:
        raise invalid(f"'{name}' must be a non-empty list", name)
    for row in value:
        if not isinstance(row, dict):
            raise invalid(f"'{name}' must hold objects", name)
    return value


def text(row: Mapping[str, Any], name: str) -> str:
    """A required text in an object. Errors: VALIDATION_ERROR."""
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise invalid(f"'{name}' is required", name)
    return value


def optional_text(row: Mapping[str, Any], name: str) -> str | None:
    """A text or nothing. Errors: VALIDATION_ERROR."""
    value = row.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid(f"'{name}' must be text", name)
    return value


def whole(row: Mapping[str, Any], name: str, default: int | None = None) -> int:
    """A whole number in an object. Errors: VALIDATION_ERROR."""
    value = row.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(f"'{name}' must be a whole number", name)
    return value


def stamp(at: datetime) -> str:
    """An instant as Mirakl writes it: UTC, whole seconds."""
    return at.astimezone(UTC).isoformat()[:19] + "Z"


def maybe(at: datetime | None) -> str | None:
    """An instant, or null."""
    return None if at is None else stamp(at)


def instant(value: str, field: str) -> datetime:
    """An ISO 8601 instant; without a zone it is UTC. A '+' that a client left unescaped arrives as a space."""
    try:
        at = datetime.fromisoformat(value.strip().replace(" ", "+") if "T" in value else value.strip())
    except ValueError:
        raise MiraklError(400, f"Parameter '{field}' is not a date: {value}") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def date_parameter(request: Request, name: str) -> datetime | None:
    """An optional date in the query."""
    value = request.first(name)
    return instant(value, name) if value else None


def flag_parameter(request: Request, name: str) -> bool | None:
    """An optional boolean in the query."""
    value = request.first(name)
    if not value:
        return None
    if value.lower() not in ("true", "false"):
        raise MiraklError(400, f"Parameter '{name}' must be true or false")
    return value.lower() == "true"


def list_parameter(request: Request, name: str, allowed: frozenset[str] | None = None) -> list[str] | None:
    """An optional list in the query, comma separated or repeated. Errors: more than 100 values, a word not allowed."""
    values = request.every(name)
    if not values:
        return None
    if len(values) > IDS_PER_FILTER_MAX:
        raise MiraklError(400, f"Parameter '{name}' holds {len(values)} values; at most {IDS_PER_FILTER_MAX}")
    for value in values:
        if allowed is not None and value not in allowed:
            raise MiraklError(400, f"Parameter '{name}': unknown value '{value}'")
    return values


def number_parameter(request: Request, name: str, default: int, low: int, high: int) -> int:
    """A whole number in the query; above the cap it is the cap. Errors: not a number, below the least."""
    value = request.first(name)
    if value is None or value == "":
        return default
    if not value.isdigit() or int(value) < low:
        raise MiraklError(400, f"Parameter '{name}' must be a whole number of at least {low}")
    return min(int(value), high)
