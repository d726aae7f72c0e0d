"""Requests and answers as ChannelEngine writes them: one envelope round everything, query names in any case, pages of 100."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NoReturn, TypeVar

from entrepot.sandbox.core import Request, Response, json_response

PAGE_SIZE: Final = 100
EXPONENTS: Final = {"EUR": 2, "GBP": 2, "USD": 2, "PLN": 2, "SEK": 2, "DKK": 2, "CZK": 2, "JPY": 0}
MINOR_MAX: Final = 10**12

T = TypeVar("T")


class Refusal(Exception):
    """A refused call. `errors`: messages by field, as ValidationErrors shows them."""

    def __init__(self, status: int, message: str, errors: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = {key: list(messages) for key, messages in (errors or {}).items()}


def invalid(name: str, message: str) -> Refusal:
    """A field that does not hold what it must."""
    return Refusal(400, "One or more validation errors occurred.", {name: [message]})


NO_CONTENT: Final = object()


@dataclass(frozen=True, slots=True)
class Reply:
    """What an operation answers, before the envelope is put round it. `raw`: an answer that has no envelope."""

    content: Any = NO_CONTENT
    status: int = 200
    message: str | None = None
    count: int | None = None
    total: int = 0
    raw: Response | None = None

    def response(self, log_id: str) -> Response:
        """On the wire."""
        if self.raw is not None:
            return self.raw
        body: dict[str, Any] = {} if self.content is NO_CONTENT else {"Content": self.content}
        if self.count is not None:
            body |= {"Count": self.count, "TotalCount": self.total, "ItemsPerPage": PAGE_SIZE}
        return json_response(self.status, body | _tail(self.status, log_id, self.message, {}))


def refused(why: Refusal, log_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """A refusal on the wire."""
    return json_response(why.status, _tail(why.status, log_id, why.message, why.errors), headers)


def _tail(status: int, log_id: str, message: str | None, errors: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "StatusCode": status,
        "RequestId": log_id,
        "LogId": log_id,
        "Success": status < 400,
        "Message": message,
        "ValidationErrors": errors,
    }


# -- numbers and dates ---------------------------------------------------------------------------------------------


def number(minor: int, currency: str) -> float:
    """Minor units as JSON shows them. The float only carries digits to the text: its shortest form is the exact decimal."""
    return float(Decimal(minor).scaleb(-EXPONENTS[currency]))


def percent(per_100k: int) -> float:
    """A rate as JSON shows it."""
    return float(Decimal(per_100k) / 1000)


def minor_of(value: Any, currency: str, name: str) -> int:
    """A number of a body in minor units. Errors: not a number, negative, too many digits."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise invalid(name, f"The field {name} must be a number.")
    scaled = Decimal(value).scaleb(EXPONENTS[currency])
    if not scaled.is_finite() or not 0 <= scaled <= MINOR_MAX or scaled != scaled.to_integral_value():
        raise invalid(name, f"The field {name} is not an amount in {currency}.")
    return int(scaled)


def stamp(at: datetime) -> str:
    """An instant as ChannelEngine writes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def maybe(at: datetime | None) -> str | None:
    """An instant, or null."""
    return None if at is None else stamp(at)


def instant(text: str, name: str) -> datetime:
    """An ISO 8601 instant; without a zone it is UTC. Errors: 400."""
    try:
        at = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
    except ValueError:
        raise invalid(name, f"The value '{text}' is not valid.") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


# -- the query -----------------------------------------------------------------------------------------------------


class Query:
    """Query parameters: names in any case, lists by repetition."""

    def __init__(self, request: Request) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in request.query:
            self._values.setdefault(name.lower(), []).append(value)

    def one(self, name: str) -> str | None:
        return next((value for value in self._values.get(name.lower(), ()) if value), None)

    def many(self, name: str, allowed: frozenset[str] | None = None) -> frozenset[str] | None:
        """The values given, or None. Errors: a word not allowed."""
        values = [value for value in self._values.get(name.lower(), ()) if value]
        for value in values:
            if allowed is not None and value not in allowed:
                raise invalid(name, f"The value '{value}' is not valid.")
        return frozenset(values) if values else None

    def ids(self, name: str) -> frozenset[int] | None:
        """Whole numbers, or None. Errors: 400."""
        values = self.many(name)
        if values is None:
            return None
        return frozenset(_whole_text(value, name) for value in values)

    def date(self, name: str) -> datetime | None:
        value = self.one(name)
        return None if value is None else instant(value, name)

    def flag(self, name: str) -> bool | None:
        value = self.one(name)
        if value is None:
            return None
        if value.lower() not in ("true", "false"):
            raise invalid(name, f"The value '{value}' is not valid.")
        return value.lower() == "true"

    def whole(self, name: str, default: int, least: int) -> int:
        value = self.one(name)
        found = default if value is None else _whole_text(value, name)
        if found < least:
            raise invalid(name, f"The field {name} must be at least {least}.")
        return found

    def span(self, start: str, end: str) -> Callable[[datetime | None], bool]:
        """Whether an instant lies in [start, end): the first is inclusive, the last is not."""
        since, until = self.date(start), self.date(end)

        def inside(at: datetime | None) -> bool:
            if since is None and until is None:
                return True
            return at is not None and (since is None or at >= since) and (until is None or at < until)

        return inside


def _whole_text(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise invalid(name, f"The value '{text}' is not valid.")
    return int(text)


def paged(query: Query, found: Sequence[T], render: Callable[[T], Any]) -> Reply:
    """One page of a list; pages count from 1."""
    start = (query.whole("page", 1, 1) - 1) * PAGE_SIZE
    page = [render(one) for one in found[start : start + PAGE_SIZE]]
    return Reply(page, count=len(page), total=len(found))


# -- bodies --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Reader:
    """Reads one object of a body field by field and gathers every complaint; `done` raises them together."""

    row: Mapping[str, Any]
    prefix: str = ""
    errors: dict[str, list[str]] = field(default_factory=dict)

    def complain(self, name: str, message: str) -> None:
        self.errors.setdefault(f"{self.prefix}{name}", []).append(message)

    def text(self, name: str, most: int) -> str:
        """A required text."""
        value = self.row.get(name)
        if value is None or value == "":
            self.complain(name, f"The {name} field is required.")
            return ""
        return self.optional_text(name, most) or ""

    def optional_text(self, name: str, most: int) -> str | None:
        value = self.row.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self.complain(name, f"The field {name} must be a string.")
            return None
        if len(value) > most:
            self.complain(name, f"The field {name} must be a string with a maximum length of {most}.")
        return value

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number of at least nothing; required when there is no default."""
        value = self.row.get(name, default)
        if value is None:
            self.complain(name, f"The {name} field is required.")
            return 0
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.complain(name, f"The field {name} must be a whole number of at least 0.")
            return 0
        return value

    def amount(self, name: str, currency: str, default: int | None = None) -> int:
        """An amount in minor units; required when there is no default."""
        value = self.row.get(name)
        if value is None:
            if default is None:
                self.complain(name, f"The {name} field is required.")
            return default or 0
        try:
            return minor_of(value, currency, name)
        except Refusal as why:
            for message in why.errors[name]:
                self.complain(name, message)
            return 0

    def word(self, name: str, allowed: frozenset[str], default: str) -> str:
        value = self.row.get(name, default)
        if value not in allowed:
            self.complain(name, f"The value '{value}' is not valid.")
            return default
        return str(value)

    def rows(self, name: str) -> list["Reader"]:
        """A required list of objects, each with its own reader that complains here."""
        value = self.row.get(name)
        if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
            self.complain(name, f"The field {name} must be a list with a minimum length of 1.")
            return []
        return [Reader(one, f"{self.prefix}{name}[{n}].", self.errors) for n, one in enumerate(value)]

    def done(self) -> None:
        """Errors: 400 with everything that was wrong."""
        if self.errors:
            raise Refusal(400, "One or more validation errors occurred.", self.errors)


def reader(request: Request) -> Reader:
    """The object a caller sent. Errors: 400."""
    data = _json(request)
    if not isinstance(data, dict):
        raise Refusal(400, "The body must be a JSON object.")
    return Reader(data)


def readers(request: Request) -> list[Reader]:
    """The list of objects a caller sent. Errors: 400."""
    data = _json(request)
    if not isinstance(data, list) or not data or not all(isinstance(one, dict) for one in data):
        raise Refusal(400, "The body must be a non-empty JSON array of objects.")
    return [Reader(one) for one in data]


def names(request: Request) -> list[str]:
    """The list of texts a caller sent. Errors: 400."""
    data = _json(request)
    if not isinstance(data, list) or not all(isinstance(one, str) for one in data):
        raise Refusal(400, "The body must be a JSON array of strings.")
    return data


def _json(request: Request) -> Any:
    try:
        return json.loads(request.body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal(400, "The body is not valid JSON.") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
