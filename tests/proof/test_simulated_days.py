"""Seeded days with crashes and faults end with nothing lost, doubled or unowned; and the same seed is the same day."""

import pytest

from entrepot.proof.sim.report import DayReport
from entrepot.proof.sim.run import one_day

SEEDS = (101, 103, 104)
ORDERS = 4


@pytest.fixture(scope="module")
def days(sim_server: str) -> list[DayReport]:
    return [one_day(sim_server, seed, ORDERS) for seed in SEEDS]


def test_days_with_crashes_and_faults_lose_nothing(days: list[DayReport]) -> None:
    assert [finding for day in days for finding in day.findings] == []
    assert sum(day.crashes for day in days) >= len(days)  # three a day on average; a single day may have none
    assert sum(day.freezes for day in days) > 0
    assert sum(day.drops for day in days) > 0
    fired = {kind for day in days for kind in day.faults}
    assert {"commit-lost-before", "commit-lost-after"} <= fired, "no commit was cut"
    assert any(kind.startswith("call-lost") for kind in fired), "no call of ours was cut"
    assert len(fired) > 12, "hardly anything went wrong outside"


def test_the_same_seed_is_the_same_day(sim_server: str, days: list[DayReport]) -> None:
    assert one_day(sim_server, SEEDS[0], ORDERS).trace_hash == days[0].trace_hash
    assert len({day.trace_hash for day in days}) == len(days)
