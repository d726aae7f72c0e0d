"""What people write behind a command about a case: fields and values, a file, an end."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from entrepot.blueprint.units import parse_duration
from entrepot.cli.opening import clean
from entrepot.kernel.errors import WrongSetting


def fields_of(pairs: Sequence[str]) -> dict[str, str]:
    """`price=12.34`, as often as there are fields."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = clean(pair).partition("=")
        if not equals or not name.strip() or not value.strip():
            raise WrongSetting(f"--field {clean(pair)}: write the field and its right value, such as price=12.34")
        if name.strip() in found:
            raise WrongSetting(f"--field names {name.strip()} twice")
        found[name.strip()] = value.strip()
    return found


def text_of(path: Path) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongSetting(f"--patch-file {path} cannot be read: {error}") from error


def read_until(text: str) -> timedelta | datetime | None:
    """`8h`, `3d`: so long from now; else a date and time, in the zone of whoever sits at the terminal unless it says its own."""
    text = clean(text)
    if not text:
        return None
    try:
        return parse_duration(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise WrongSetting(
            f"--until {text}: write how long from now (8h, 3d), or a moment (2026-03-05T12:00)"
        ) from error
