"""Reading the JSON bodies callers send: every field is checked, and the refusal names the field."""

import json
import re
from typing import Any, Final

from entrepot.sandbox.core import Request
from entrepot.sandbox.gateway.model import Refusal

BODY_BYTES_MAX: Final = 64 * 1024
AMOUNT_MINOR_MAX: Final = 10**12
TEXT_CHARACTERS_MAX: Final = 255
CURRENCY: Final = re.compile("[A-Z]{3}")


def content_of(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Errors: Refusal 400 or 413."""
    if len(request.body) > BODY_BYTES_MAX:
        raise Refusal(413, "body_too_large", f"at most {BODY_BYTES_MAX} bytes")
    try:
        content = json.loads(request.body or b"{}")
    except (ValueError, RecursionError) as why:
        raise Refusal(400, "invalid_json", "the body is not JSON") from why
    if not isinstance(content, dict):
        raise Refusal(400, "invalid_json", "the body must be a JSON object")
    return content


def text(content: dict[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_CHARACTERS_MAX:
        raise Refusal(400, "invalid_field", f"{name} must be text of 1 to {TEXT_CHARACTERS_MAX} characters", name)
    return value


def amount(content: dict[str, Any]) -> int:
    value = content.get("amount_minor")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= AMOUNT_MINOR_MAX:
        raise Refusal(
            400, "invalid_field", "amount_minor must be a whole number of minor units above 0", "amount_minor"
        )
    return value


def currency(content: dict[str, Any]) -> str:
    value = content.get("currency")
    if not isinstance(value, str) or not CURRENCY.fullmatch(value):
        raise Refusal(400, "invalid_field", "currency must be an ISO 4217 code", "currency")
    return value


def whole_number(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A query parameter as a whole number within bounds."""
    given = request.first(name)
    if given is None:
        return default
    if not given.isascii() or not given.isdigit() or not least <= int(given[:12]) <= most:
        raise Refusal(400, "invalid_parameter", f"{name} must be a whole number from {least} to {most}", name)
    return int(given)
