"""JSON merge patch (RFC 7396), exact to the digit: an amount that passes through a repair keeps its own text."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from entrepot.kernel.errors import WrongSetting

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)
PATCH_BYTES_MAX = 1_000_000


def merged(target: Any, patch: Any) -> Any:
    """The target with the patch laid over: null removes a key, an object goes deeper, everything else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def decode(body: bytes) -> Any:
    """JSON as plain data with exact numbers; None when it is no JSON."""
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def encode(value: Any) -> bytes:
    return _ENCODER.encode(value)


def parse_patch(text: str) -> dict[str, Any]:
    """A patch as a person wrote it. Errors: WrongSetting."""
    if len(text) > PATCH_BYTES_MAX:
        raise WrongSetting(f"a repair holds at most {PATCH_BYTES_MAX:,} characters")
    value = decode(text.encode())
    if not isinstance(value, dict):
        raise WrongSetting('a repair is a JSON object with the fields to change, such as {"currency": "EUR"}')
    return value
