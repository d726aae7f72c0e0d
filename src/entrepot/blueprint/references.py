"""References to what must not stand in a blueprint: `env:NAME`, `file:/path`.

Resolved at the moment of use, never stored, never shown.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from entrepot.kernel.errors import WrongSetting

_REFERENCE = re.compile(r"(?<![\w:])(?:env:\w+|file:/[\w./-]+)")
SECRET_BYTES_MAX = 65_536


def is_reference(text: str) -> bool:
    kind, _, rest = text.partition(":")
    return kind in ("env", "file") and bool(rest) and not rest.startswith("//")


def references(text: str) -> list[str]:
    """Every reference named in a plan's text, comments apart, as often as it is named."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return [found for line in lines for found in _REFERENCE.findall(line.partition(" #")[0])]


def resolve(text: str, environ: Mapping[str, str] | None = None) -> str:
    """What a reference points at; any other text stands for itself.

    Errors: WrongSetting that names the reference, never its value.
    """
    if not is_reference(text):
        return text
    kind, _, rest = text.partition(":")
    if kind == "env":
        value = (os.environ if environ is None else environ).get(rest, "")
        if not value:
            raise WrongSetting(f"{text} is not set: export {rest} before starting the hub", reference=text)
        return value
    try:
        with Path(rest).open(encoding="utf-8") as file:
            value = file.read(SECRET_BYTES_MAX).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongSetting(f"{text} cannot be read: {error}", reference=text) from error
    if not value:
        raise WrongSetting(f"{text} is empty", reference=text)
    return value
