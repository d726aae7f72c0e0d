"""Working time: when a team works, how much of it lies between two instants, and when a share of a window is used up.

One meaning of 50 % and 80 %: the share of the window in the owner's working time. Daylight saving is exact: hours are
said on the team's wall clock, counted in elapsed time. A wall time that the clock skips stands for the instant of the
jump; one that comes twice means its first coming.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAYS_AHEAD_MAX = 3660  # ten years: a deadline further away is a wrong setting, not a wait
MINUTES_A_DAY = 1440
EXAMPLE = (
    "write days, hours and a time zone, such as “Mon-Fri 08-18 Europe/Paris”, "
    "“Mon-Fri 08:30-12,13-17; Sat 09-12 Europe/Paris”, or 24/7"
)

_DAYS = re.compile(r"([A-Z][a-z]{2})(?:-([A-Z][a-z]{2}))?")
_SPAN = re.compile(r"(\d{1,2})(?::(\d{2}))?-(\d{1,2})(?::(\d{2}))?", re.ASCII)

Span = tuple[int, int]  # minutes of the local day, start < end <= 1440
Interval = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Hours:
    """A team's working week.

    Shape: `week` has seven entries from Monday on, each the spans of that day in order, not touching each other.
    """

    text: str
    zone: str
    week: tuple[tuple[Span, ...], ...]
    always: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "always", all(spans == ((0, MINUTES_A_DAY),) for spans in self.week))

    def working(self, at: datetime) -> bool:
        """Whether the team is at work at this instant."""
        return any(start <= at < end for start, end in self._intervals(at, at))

    def worked(self, start: datetime, end: datetime) -> timedelta:
        """Working time between two instants; zero when the second is not later."""
        if self.always:
            return max(end - start, timedelta())
        pieces = (min(e, end) - max(s, start) for s, e in self._intervals(start, end))
        return sum((piece for piece in pieces if piece > timedelta()), timedelta())

    def add(self, start: datetime, working: timedelta) -> datetime:
        """The first instant at which this much working time has passed since `start`.

        Errors: ValueError when that takes more than ten years.
        """
        if working <= timedelta() or self.always:
            return start + max(working, timedelta())
        left = working
        for opens, closes in self._intervals(start, start + timedelta(days=DAYS_AHEAD_MAX)):
            piece = closes - max(opens, start)
            if piece <= timedelta():
                continue
            if piece >= left:
                return max(opens, start) + left
            left -= piece
        raise ValueError(f"{working} of “{self.text}” takes more than ten years")

    def share_at(self, start: datetime, end: datetime, per_cent: int) -> datetime:
        """When this share of the window is used up, in working time; by the wall clock when nobody works in it."""
        return self.shares_at(start, end, (per_cent,))[0]

    def shares_at(self, start: datetime, end: datetime, per_cents: Sequence[int]) -> list[datetime]:
        """As `share_at`, for several shares of one window: its working time is laid out once."""
        if end <= start:
            return [end] * len(per_cents)
        pieces = [(start, end)] if self.always else self._pieces(start, end)
        total = sum((closes - opens for opens, closes in pieces), timedelta())
        if not pieces:
            return [start + (end - start) * per_cent // 100 for per_cent in per_cents]
        return [start if per_cent <= 0 else _reached(pieces, total * per_cent // 100) for per_cent in per_cents]

    def _pieces(self, start: datetime, end: datetime) -> list[Interval]:
        """The working time inside a window, in order."""
        return [
            (max(opens, start), min(closes, end))
            for opens, closes in self._intervals(start, end)
            if opens < end and closes > start
        ]

    def share_used(self, start: datetime, end: datetime, at: datetime) -> int:
        """Whole percent of the window used up at an instant, 0 to 100, by the same rule as `share_at`."""
        if at >= end:
            return 100
        if at <= start:
            return 0
        total = self.worked(start, end)
        if total <= timedelta():
            return int((at - start) * 100 // (end - start))
        return int(self.worked(start, at) * 100 // total)

    def _intervals(self, start: datetime, end: datetime) -> Iterator[Interval]:
        """Every working interval of the local days that touch [start, end], in order, as instants."""
        zone = ZoneInfo(self.zone)
        day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
        while day <= last:
            yield from _day(zone, day, self.week[day.weekday()])
            day += timedelta(days=1)


def _reached(pieces: Sequence[Interval], working: timedelta) -> datetime:
    """The first instant at which so much of these pieces has passed."""
    for opens, closes in pieces:
        if closes - opens >= working:
            return opens + working
        working -= closes - opens
    return pieces[-1][1]


@lru_cache(maxsize=4096)
def _day(zone: ZoneInfo, day: date, spans: tuple[Span, ...]) -> tuple[Interval, ...]:
    intervals = ((_instant(zone, day, start), _instant(zone, day, end)) for start, end in spans)
    return tuple((start, end) for start, end in intervals if start < end)


def _instant(zone: ZoneInfo, day: date, minutes: int) -> datetime:
    days, minutes = divmod(minutes, MINUTES_A_DAY)
    local = datetime.combine(day + timedelta(days=days), time(minutes // 60, minutes % 60))
    at = local.replace(tzinfo=zone).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == local:
        return at
    return _jump(zone, local.replace(tzinfo=zone, fold=1).astimezone(UTC), at)


def _jump(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The instant between two at which the zone's offset changes, to the second."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == offset else (before, middle)
    return after


ALWAYS = Hours("24/7", "UTC", (((0, MINUTES_A_DAY),),) * 7)


@lru_cache(maxsize=256)
def is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of the database; a name too long for a file
        return False
    return True


@lru_cache(maxsize=256)
def parse_hours(text: str) -> Hours:
    """Read `Mon-Fri 08-18 Europe/Paris` or `24/7`. Errors: ValueError that says what to write."""
    if text.strip() == "24/7":
        return ALWAYS
    body, _, zone = text.strip().rpartition(" ")
    if not body:
        raise ValueError(f"“{text}” are not working hours: {EXAMPLE}")
    if not is_zone(zone):
        raise ValueError(f"“{zone[:40]}” is not a time zone: {EXAMPLE}")
    week: list[list[Span]] = [[] for _ in DAYS]
    for part in body.split(";"):
        days, _, spans = part.strip().partition(" ")
        for day in _days(text, days):
            week[day] += _spans(text, spans)
    return Hours(text, zone, tuple(_in_order(text, spans) for spans in week))


def _days(text: str, words: str) -> list[int]:
    found = _DAYS.fullmatch(words)
    if found is None or found[1] not in DAYS or (found[2] or found[1]) not in DAYS:
        raise ValueError(f"“{words}” in “{text}” are not days of the week: {EXAMPLE}")
    first, last = DAYS.index(found[1]), DAYS.index(found[2] or found[1])
    return [(first + i) % 7 for i in range((last - first) % 7 + 1)]


def _spans(text: str, words: str) -> list[Span]:
    found = [_SPAN.fullmatch(word.strip()) for word in words.split(",")]
    spans = [(int(f[1]) * 60 + int(f[2] or 0), int(f[3]) * 60 + int(f[4] or 0)) for f in found if f]
    if len(spans) != len(found) or any(not start < end <= MINUTES_A_DAY for start, end in spans):
        raise ValueError(f"“{words}” in “{text}” are not hours of a day: {EXAMPLE}")
    return spans


def _in_order(text: str, spans: list[Span]) -> tuple[Span, ...]:
    """One day's spans in order; spans that touch become one, so that a full day is one span."""
    ordered: list[Span] = []
    for start, end in sorted(spans):
        if ordered and start < ordered[-1][1]:
            raise ValueError(f"two spans of “{text}” overlap: {EXAMPLE}")
        if ordered and start == ordered[-1][1]:
            ordered[-1] = (ordered[-1][0], end)
        else:
            ordered.append((start, end))
    return tuple(ordered)
