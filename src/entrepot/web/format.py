"""How values look on a page: money with its currency, times in the reader's zone, time left in words."""

from datetime import UTC, datetime, timedelta
from functools import cache
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from entrepot.kernel.money import Money
from entrepot.web.views import Tone

THIN = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
NBSP = "\N{NO-BREAK SPACE}"
DUE_SOON = timedelta(hours=2)


def amount(money: Money) -> str:
    """`-1904.5 EUR` as `−1 904.50`, without the currency: groups of three, a real minus sign."""
    sign, text = (MINUS, money.text[1:]) if money.minor < 0 else ("", money.text)
    whole, point, fraction = text.partition(".")
    groups: list[str] = []
    while len(whole) > 3:
        whole, last = whole[:-3], whole[-3:]
        groups.insert(0, last)
    return sign + THIN.join([whole, *groups]) + point + fraction


def money_text(money: Money) -> str:
    return f"{amount(money)}{NBSP}{money.currency}"


def count(number: int) -> str:
    """`1234567` as `1 234 567`."""
    return f"{number:,}".replace(",", THIN)


def percent(rate: float) -> str:
    """`0.0385` as `3.85 %`, `0.9` as `90 %`: two digits at most."""
    return f"{rate * 100:.2f}".rstrip("0").rstrip(".") + f"{NBSP}%"


def span(delta: timedelta) -> str:
    """A length of time, two units at most: `1 h 12 min`, `3 d 4 h`, `46 s`."""
    seconds = max(0, int(delta.total_seconds()))
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    if days:
        parts = [f"{days} d", f"{hours} h" if hours and days < 10 else ""]
    elif hours:
        parts = [f"{hours} h", f"{minutes} min" if minutes else ""]
    elif minutes:
        parts = [f"{minutes} min"]
    else:
        parts = [f"{secs} s"]
    return " ".join(part for part in parts if part).replace(" ", NBSP)


def left(due: datetime, now: datetime) -> str:
    return f"{span(due - now)} left" if due > now else f"{span(now - due)} overdue"


def urgency(due: datetime, now: datetime, opened: datetime) -> tuple[str, Tone]:
    """A word and a tone from the time that is left of the whole time."""
    if due <= now:
        return "Overdue", Tone.BAD
    if due - now <= DUE_SOON:
        return "Due soon", Tone.BAD
    if (due - now) * 2 <= due - opened:
        return "Half gone", Tone.WARN
    return "In time", Tone.INFO


@cache
def zone(name: str) -> ZoneInfo | None:
    """A time zone by its IANA name, None for anything else a cookie may hold."""
    if name not in available_timezones():
        return None
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        return None


def clock_time(at: datetime, tz: ZoneInfo, now: datetime) -> str:
    """`14:02:11` today, `23 Nov 14:02` this year, `23 Nov 2026` before."""
    local, today = at.astimezone(tz), now.astimezone(tz)
    if local.date() == today.date():
        return f"{local:%H:%M:%S}"
    day = f"{local.day} {local:%b}".replace(" ", NBSP)
    return f"{day} {local:%H:%M}" if abs((local.date() - today.date()).days) < 300 else f"{day} {local:%Y}"


def day(at: datetime, tz: ZoneInfo) -> str:
    local = at.astimezone(tz)
    return f"{local.day} {local:%b %Y}".replace(" ", NBSP)


def utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def link_to(*parts: str) -> str:
    """The address of a page named by what the plan or somebody else called it."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)
