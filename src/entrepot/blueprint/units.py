"""The small words a blueprint is written with: `30s`, `48h`, `50%`, `12.5%`.

Pure; a wrong text is a ValueError that says what to write.
"""

import re
from datetime import timedelta

from entrepot.kernel.money import RATE_SCALE

_DURATION = re.compile(r"(\d{1,6})\s?(s|m|h|d|w)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_WINDOW = re.compile(r"(\d{1,4})\s?(h|m|s|d|days|working-days)", re.ASCII)
_PERCENT = re.compile(r"(\d{1,3})(?:\.(\d{1,3}))?\s?%", re.ASCII)


def parse_duration(text: object) -> timedelta:
    """Read `30s`, `10m`, `48h`, `7d` or `2w`: a stretch of time on the wall, not of working time."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"“{text}” is not a duration: write a whole number and a unit, such as 30s, 10m, 48h or 7d")
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def parse_window(text: str) -> timedelta | int:
    """Read what a channel gives us: `4h`, `90m` or `4 days` on the wall; `7 working-days`, a number of days of some calendar."""
    found = _WINDOW.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"“{text}” is no time: write 4h, 4 days or 7 working-days")
    count, unit = int(found[1]), found[2]
    return count if unit == "working-days" else timedelta(seconds=count * _SECONDS[unit[0]])


def duration_text(duration: timedelta) -> str:
    """The shortest text that reads back as the same duration."""
    seconds = int(duration.total_seconds())
    for unit in ("w", "d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0 and seconds // _SECONDS[unit] >= (2 if unit in "wd" else 1):
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"


def parse_rate(text: object) -> int:
    """Read `12%` or `12.5%` as a whole number per 100,000, exactly."""
    found = _PERCENT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(
            f"“{text}” is not a rate: write a percentage with at most three decimals, such as 12% or 12.5%"
        )
    rate = int(found[1]) * (RATE_SCALE // 100) + int((found[2] or "").ljust(3, "0"))
    if rate > RATE_SCALE:
        raise ValueError(f"“{text}” is more than 100%")
    return rate


def parse_share(text: object) -> int:
    """Read `50%` as the whole number 50, from 1 to 99."""
    found = _PERCENT.fullmatch(text) if isinstance(text, str) else None
    if found is None or found[2] or not 1 <= int(found[1]) <= 99:
        raise ValueError(f"“{text}” is not a share of a window: write a whole percentage from 1% to 99%, such as 50%")
    return int(found[1])
