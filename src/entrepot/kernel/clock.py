"""Two clocks. The business clock runs deadlines, cursors, ceilings and retry windows; a demo speeds it up. The machine clock runs
leases, heartbeats and HTTP timeouts; nobody speeds it up. This is a seam module: the only place that asks the machine for the time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

DEMO_SPEED_MAX = 600.0  # polling stays far below the shortest window (design: two clocks)


class Clock(Protocol):
    """What every part of the hub is given instead of the machine's clock."""

    def now(self) -> datetime:
        """Business time, aware UTC."""
        ...

    def machine(self) -> datetime:
        """Machine time, aware UTC, never jumping with the wall clock."""
        ...

    def millis(self) -> int:
        """Machine time in milliseconds since 1970: what ids begin with."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait in machine seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How business time follows machine time: business = base + (machine − machine_base) × rate. One row of table `clock`."""

    business_base: datetime
    machine_base: datetime
    rate: float

    def business(self, machine: datetime) -> datetime:
        return self.business_base + (machine - self.machine_base) * self.rate

    def machine_for(self, business: datetime) -> datetime:
        return self.machine_base + (business - self.business_base) / self.rate


REAL_TIME = Pace(datetime(2000, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC), 1.0)


class SystemClock:
    """The real clock: machine time is the database's (or the system's) reading once, then monotonic; business time follows a Pace."""

    def __init__(self, pace: Callable[[], Pace] = lambda: REAL_TIME, reading: datetime | None = None) -> None:
        self._pace = pace
        self._base = reading or datetime.now(UTC)
        self._mono = time.monotonic()
        self._base_ms = int(self._base.timestamp() * 1000)

    def millis(self) -> int:
        return self._base_ms + int((time.monotonic() - self._mono) * 1000)

    def machine(self) -> datetime:
        return self._base + timedelta(seconds=time.monotonic() - self._mono)

    def now(self) -> datetime:
        return self._pace().business(self.machine())

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))


class ManualClock:
    """A clock that a test or the simulator moves by hand; sleeping moves it."""

    def __init__(self, start: datetime) -> None:
        self.business_at = start
        self.machine_at = start

    def now(self) -> datetime:
        return self.business_at

    def machine(self) -> datetime:
        return self.machine_at

    def millis(self) -> int:
        return int(self.machine_at.timestamp() * 1000)

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.business_at += timedelta(seconds=seconds)
        self.machine_at += timedelta(seconds=seconds)
