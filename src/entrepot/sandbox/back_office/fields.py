"""Reading what callers send: every field is checked, and the refusal names it."""

import json
import re
from datetime import UTC, datetime
from typing import Any, Final

from entrepot.sandbox.back_office.model import Refusal
from entrepot.sandbox.core import Request

BODY_BYTES_MAX: Final = 1024 * 1024
TEXT_CHARACTERS_MAX: Final = 500
NUMBER_MAX: Final = 10**12
LINES_MAX: Final = 500
CURRENCY: Final = re.compile("[A-Z]{3}")


def content_of(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Errors: Refusal 400 or 413."""
    if len(request.body) > BODY_BYTES_MAX:
        raise Refusal(413, "body-too-large", f"at most {BODY_BYTES_MAX} bytes")
    try:
        content = json.loads(request.body)
    except (ValueError, RecursionError) as why:
        raise Refusal(400, "invalid-json", "the body is not JSON") from why
    if not isinstance(content, dict):
        raise Refusal(400, "invalid-json", "the body must be a JSON object")
    return content


def wrong(where: str, what: str) -> Refusal:
    return Refusal(400, "invalid-field", f"{where} must be {what}", where)


def text(content: dict[str, Any], name: str, at: str = "", least: int = 1) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not least <= len(value) <= TEXT_CHARACTERS_MAX:
        raise wrong(at + name, f"text of {least} to {TEXT_CHARACTERS_MAX} characters")
    return value


def whole(content: dict[str, Any], name: str, at: str = "", least: int = 0) -> int:
    value = content.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= NUMBER_MAX:
        raise wrong(at + name, f"a whole number from {least}")
    return value


def currency(content: dict[str, Any]) -> str:
    value = content.get("currency")
    if not isinstance(value, str) or not CURRENCY.fullmatch(value):
        raise wrong("currency", "an ISO 4217 code")
    return value


def moment(content: dict[str, Any], name: str) -> str:
    """An instant, as it was written."""
    value = text(content, name)
    if instant_of(value) is None:
        raise wrong(name, "an ISO 8601 instant with its zone")
    return value


def moment_or_none(content: dict[str, Any], name: str) -> str | None:
    return None if content.get(name) is None else moment(content, name)


def objects(content: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = content.get(name)
    if not isinstance(value, list) or not 0 < len(value) <= LINES_MAX:
        raise wrong(name, f"a list of 1 to {LINES_MAX}")
    for n, one in enumerate(value):
        if not isinstance(one, dict):
            raise wrong(f"{name}[{n}]", "an object")
    return value


def same_as_path(content: dict[str, Any], name: str, path: str) -> str:
    """The id a body repeats from its path."""
    if content.get(name) != path:
        raise wrong(name, "the one that the path names")
    return path


def quantities(content: dict[str, Any]) -> dict[str, int]:
    """`lines` as pieces by line id, each named once."""
    found: dict[str, int] = {}
    for n, row in enumerate(objects(content, "lines")):
        line_id = text(row, "line_id", f"lines[{n}].")
        if line_id in found:
            raise wrong(f"lines[{n}].line_id", "named once")
        found[line_id] = whole(row, "quantity", f"lines[{n}].", least=1)
    return found


def instant_of(given: str) -> datetime | None:
    """None for what is no instant, or names no zone."""
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def since(request: Request) -> datetime | None:
    given = request.first("since")
    if given is None:
        return None
    at = instant_of(given)
    if at is None:
        raise wrong("since", "an ISO 8601 instant with its zone")
    return at


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
