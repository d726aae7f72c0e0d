"""Working time: exact across nights, weekends and both changes of the clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.blueprint.hours import ALWAYS, DAYS_AHEAD_MAX, Hours, parse_hours

PARIS = ZoneInfo("Europe/Paris")
OFFICE = parse_hours("Mon-Fri 08-18 Europe/Paris")
WEEKS = [
    ALWAYS,
    OFFICE,
    parse_hours("Mon-Fri 08:30-12,13-17:15; Sat 09-12 Europe/Paris"),
    parse_hours("Sun 00-24 America/New_York"),
    parse_hours("Mon-Sun 01-03 Europe/Paris"),
    parse_hours("Fri-Mon 22:00-24 Australia/Lord_Howe"),
    parse_hours("Mon-Sun 00-00:30,23:30-24 Africa/Casablanca"),
]


def paris(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=PARIS).astimezone(UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        (paris(2026, 3, 2, 9), 1, paris(2026, 3, 2, 10)),
        (paris(2026, 3, 2, 17), 2, paris(2026, 3, 3, 9)),  # over a night
        (paris(2026, 3, 6, 17), 2, paris(2026, 3, 9, 9)),  # over a weekend
        (paris(2026, 3, 7, 12), 1, paris(2026, 3, 9, 9)),  # asked on a Saturday
        (paris(2026, 3, 27, 17), 2, paris(2026, 3, 30, 9)),  # over the night the clock jumps forward
        (paris(2026, 10, 23, 17), 2, paris(2026, 10, 26, 9)),  # and back
        (paris(2026, 3, 2, 9), 0, paris(2026, 3, 2, 9)),
        (paris(2026, 3, 2, 8), 10, paris(2026, 3, 2, 18)),  # a full day ends when the day ends
    ],
)
def test_working_time_is_added_on_the_teams_own_clock(start: datetime, hours: int, end: datetime) -> None:
    assert OFFICE.add(start, timedelta(hours=hours)) == end


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 3, 30), 24)])
def test_a_day_has_as_many_hours_as_its_clock_gives_it(day: tuple[int, int, int], hours: int) -> None:
    whole = parse_hours("Mon-Sun 00-24 Europe/Paris")
    start = paris(*day)
    assert whole.worked(start, paris(day[0], day[1], day[2] + 1)) == timedelta(hours=hours)
    assert not parse_hours("Mon-Sat 00-24 Europe/Paris").worked(paris(2026, 3, 29), paris(2026, 3, 30))


@pytest.mark.parametrize(
    ("hours", "day", "minutes"),
    [
        ("Sun 01-03 Europe/Paris", (2026, 3, 29), 60),  # 2:00 to 3:00 did not exist
        ("Sun 02:15-02:45 Europe/Paris", (2026, 3, 29), 0),
        ("Sun 01-02:30 Europe/Paris", (2026, 3, 29), 60),
        ("Sun 02:30-04 Europe/Paris", (2026, 3, 29), 60),
        ("Sun 01-02:30 Europe/Paris", (2026, 10, 25), 90),  # 2:30 means its first coming
        ("Sun 02:30-04 Europe/Paris", (2026, 10, 25), 150),
    ],
)
def test_hours_that_the_clock_skips_or_repeats_are_counted_once(
    hours: str, day: tuple[int, int, int], minutes: int
) -> None:
    start = paris(*day)
    assert parse_hours(hours).worked(start, start + timedelta(hours=25)) == timedelta(minutes=minutes)


def test_a_share_is_of_the_owners_working_time_and_not_of_the_clock() -> None:
    friday, monday = paris(2026, 3, 6, 16), paris(2026, 3, 9, 10)  # two hours on Friday, two on Monday
    assert OFFICE.share_at(friday, monday, 50) == paris(2026, 3, 6, 18)
    assert OFFICE.share_at(friday, monday, 75) == paris(2026, 3, 9, 9)
    assert OFFICE.share_used(friday, monday, paris(2026, 3, 8, 12)) == 50


def test_a_window_in_which_nobody_works_is_shared_by_the_clock() -> None:
    saturday, sunday = paris(2026, 3, 7, 10), paris(2026, 3, 8, 10)
    assert OFFICE.share_at(saturday, sunday, 50) == paris(2026, 3, 7, 22)
    assert OFFICE.share_used(saturday, sunday, paris(2026, 3, 7, 22)) == 50


def test_more_than_ten_years_ahead_is_refused() -> None:
    with pytest.raises(ValueError, match="ten years"):
        parse_hours("Mon 08-09 Europe/Paris").add(paris(2026, 3, 2, 8), timedelta(hours=DAYS_AHEAD_MAX))


@pytest.mark.parametrize("text", ["24/7", "Mon-Sun 00-24 UTC", "Mon-Sun 00-12,12-24 UTC"])
def test_around_the_clock_is_the_clock(text: str) -> None:
    hours = parse_hours(text)
    assert hours.always
    assert hours.share_at(paris(2026, 3, 2), paris(2026, 3, 4), 50) == paris(2026, 3, 3)


@pytest.mark.parametrize(
    "text",
    [
        "", "always", "Mon-Fri", "Mon-Fri 08-18", "Mon-Fri 08-18 Mars/Olympus", "Mon-Fry 08-18 Europe/Paris", "mon 08-18 UTC",
        "Mon 18-08 UTC", "Mon 08-25 UTC", "Mon 08-08 UTC", "Mon 08-12,11-13 UTC", "Mon 08:75-09 UTC", "Mon 08 UTC", "Mon 8h-9h UTC",
        "Mon 08-18 ../../etc/passwd", "Mon 08-18 Europe", "Mon 08-18 " + "a" * 5000, "Mon ٠٨-18 UTC",
    ],
)  # fmt: skip
def test_hours_nobody_can_keep_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as “Mon-Fri 08-18 Europe/Paris”"):
        parse_hours(text)


weeks = st.sampled_from(WEEKS)
instants = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
spans = st.timedeltas(timedelta(0), timedelta(days=40))


@settings(deadline=None)
@given(weeks, instants, spans, spans)
def test_working_time_adds_up(hours: Hours, start: datetime, a: timedelta, b: timedelta) -> None:
    middle, end = start + a, start + a + b
    assert hours.worked(start, middle) + hours.worked(middle, end) == hours.worked(start, end)
    assert timedelta(0) <= hours.worked(start, end) <= a + b


@settings(deadline=None)
@given(weeks, instants, st.timedeltas(timedelta(microseconds=1), timedelta(hours=60)))
def test_adding_working_time_lands_where_exactly_that_much_was_worked(
    hours: Hours, start: datetime, much: timedelta
) -> None:
    end = hours.add(start, much)
    assert hours.worked(start, end) == much
    assert hours.worked(start, end - timedelta(microseconds=1)) < much


@settings(deadline=None)
@given(weeks, instants, spans, st.integers(1, 98))
def test_shares_come_in_order_and_before_the_end(hours: Hours, start: datetime, window: timedelta, share: int) -> None:
    end = start + window
    earlier, later = hours.share_at(start, end, share), hours.share_at(start, end, share + 1)
    assert earlier <= later <= end
    if window:
        assert start <= earlier < end


@settings(deadline=None)
@given(weeks, instants, st.timedeltas(timedelta(hours=1), timedelta(days=40)), st.integers(1, 99))
def test_when_a_share_is_reached_that_share_is_used(
    hours: Hours, start: datetime, window: timedelta, share: int
) -> None:
    at = hours.share_at(start, start + window, share)
    assert share - 1 <= hours.share_used(start, start + window, at) <= share


@settings(deadline=None)
@given(weeks, instants)
def test_somebody_is_at_work_exactly_where_time_counts(hours: Hours, at: datetime) -> None:
    assert hours.working(at) == (hours.worked(at, at + timedelta(microseconds=1)) > timedelta(0))
