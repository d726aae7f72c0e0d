"""References to what must not stand in a blueprint: `env:NAME`, `file:/path`.

Resolved at the moment of use, never stored, never shown.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from entrepot.kernel.errors import WrongSetting

SECRET_BYTES_MAX = 65_536


def is_reference(text: str) -> bool:
    kind, _, rest = text.partition(":")
    return kind in ("env", "file") and bool(rest) and not rest.startswith("//")


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
