"""Reading requests and writing answers: instants, parameters, bodies, page tokens."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from entrepot.sandbox.amazon.errors import SpApiError, invalid
from entrepot.sandbox.core import Request, Response

Entry = TypeVar("Entry")
BODY_BYTES_MAX: Final = 10 * 1024 * 1024  # [guess]: the reference documents 413, not the size


@dataclass(frozen=True, slots=True)
class Call:
    """A request and the ids in its path."""

    request: Request
    ids: Mapping[str, str]


Handler = Callable[[Call], Response]


def stamp(at: datetime) -> str:
    """An instant as Amazon writes it: UTC, whole seconds."""
    return at.astimezone(UTC).isoformat()[:19] + "Z"


def stamp_ms(at: datetime) -> str:
    """An instant with milliseconds, as notifications carry it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z"


def maybe(at: datetime | None) -> str | None:
    """An instant, or null."""
    return None if at is None else stamp(at)


def blank(*names: str) -> dict[str, Any]:
    """Documented keys that hold nothing here."""
    return dict.fromkeys(names)


def instant(value: str, name: str) -> datetime:
    """An ISO 8601 instant; without a zone it is UTC, and an unescaped '+' arrives as a space. Errors: InvalidInput."""
    try:
        at = datetime.fromisoformat(value.strip().replace(" ", "+") if "T" in value else value.strip())
    except ValueError:
        raise invalid(f"Invalid date-time for parameter '{name}'.", value) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def date_parameter(request: Request, name: str) -> datetime | None:
    """An optional instant in the query."""
    value = request.first(name)
    return instant(value, name) if value else None


def words_parameter(request: Request, name: str, allowed: Iterable[str]) -> list[str]:
    """A list of known words in the query. Errors: InvalidInput."""
    found = request.every(name)
    unknown = sorted(set(found) - set(allowed))
    if unknown:
        raise invalid(f"Invalid value for parameter '{name}'.", ", ".join(unknown))
    return found


def count_parameter(request: Request, name: str, default: int, most: int) -> int:
    """A whole number from 1 to `most` in the query. Errors: InvalidInput."""
    value = request.first(name)
    if not value:
        return default
    if not value.isdecimal() or not 1 <= int(value) <= most:
        raise invalid(f"Parameter '{name}' must be between 1 and {most}.", value)
    return int(value)


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object a caller sent. Errors: 413, 415 for another type, InvalidInput for no object."""
    if len(request.body) > BODY_BYTES_MAX:
        raise SpApiError(413, "RequestEntityTooLarge", "The request size exceeded the maximum accepted size.")
    kind = request.headers.get("content-type", "application/json")
    if not kind.lower().startswith("application/json"):
        raise SpApiError(415, "UnsupportedMediaType", "The request payload is in an unsupported format.", kind)
    try:
        data = json.loads(request.body)
    except (ValueError, RecursionError):
        raise invalid("The request body is not JSON.") from None
    if not isinstance(data, dict):
        raise invalid("The request body must be an object.")
    return data


def text(data: Mapping[str, Any], name: str) -> str:
    """A required text. Errors: InvalidInput."""
    value = data.get(name)
    if not isinstance(value, str) or not value.strip():
        raise invalid(f"'{name}' is required.")
    return value


def optional_text(data: Mapping[str, Any], name: str) -> str | None:
    """A text or nothing. Errors: InvalidInput."""
    value = data.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid(f"'{name}' must be text.")
    return value


def rows(data: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A required list of objects. Errors: InvalidInput."""
    value = data.get(name)
    if not isinstance(value, list) or not value or not all(isinstance(row, dict) for row in value):
        raise invalid(f"'{name}' must be a list of objects.")
    return value


def texts(data: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A required list of texts. Errors: InvalidInput."""
    value = data.get(name)
    if not isinstance(value, list) or not value or not all(isinstance(word, str) for word in value):
        raise invalid(f"'{name}' must be a list of texts.")
    return tuple(value)


class Pages:
    """Opaque page tokens: signed, bound to the call that made them, and over after a day."""

    def __init__(self, secret: str, life: timedelta, now: Callable[[], datetime]) -> None:
        self._key = secret.encode()
        self._life = life
        self._now = now

    def recall(self, request: Request, parameter: str, operation: str) -> Request:
        """The request with the criteria its page token was made with; the token's win over what is said again.

        Errors: InvalidInput for a token that is forged, of another operation, or too old.
        """
        token = request.first(parameter)
        if not token:
            return request
        query = tuple((str(name), str(value)) for name, value in self._read(token, operation)[1])
        return replace(request, query=(*query, (parameter, token)))

    def cut(
        self,
        found: Iterable[Entry],
        size: int,
        place: Callable[[Entry], str],
        request: Request,
        parameter: str,
        operation: str,
        newest_first: bool = False,
    ) -> tuple[list[Entry], str | None]:
        """One page after the place the recalled request's token names, and the next token (None on the last page).

        Shape: ordered by `place`; whatever moved behind the token since then comes again, and nothing is left out.
        """
        rest = sorted(found, key=place, reverse=newest_first)
        token = request.first(parameter)
        if token:
            after = self._read(token, operation)[0]
            rest = [entry for entry in rest if (place(entry) < after if newest_first else place(entry) > after)]
        page = rest[:size]
        if len(rest) <= size:
            return page, None
        criteria = [pair for pair in request.query if pair[0] != parameter]
        content = json.dumps([operation, place(page[-1]), criteria, int(self._now().timestamp())]).encode()
        return page, base64.urlsafe_b64encode(self._sign(content) + content).decode()

    def _read(self, token: str, operation: str) -> tuple[str, list[list[str]]]:
        refused = invalid("Invalid or expired pagination token.")
        try:
            raw = base64.urlsafe_b64decode(token.encode())
        except (binascii.Error, ValueError):
            raise refused from None
        if not hmac.compare_digest(raw[:16], self._sign(raw[16:])):
            raise refused
        of, place, criteria, at = json.loads(raw[16:])
        if of != operation or self._now().timestamp() - at > self._life.total_seconds():
            raise refused
        return str(place), criteria

    def _sign(self, content: bytes) -> bytes:
        return hmac.new(self._key, content, hashlib.sha256).digest()[:16]


def checksum(body: bytes) -> str:
    """The checksum Amazon puts beside a schema: base64 of MD5."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
