"""Seeded days with crashes and faults end with nothing lost, doubled or unowned; and planted bugs do not get past the judges."""

from collections.abc import Iterator

import pytest

from entrepot.proof.sim.proving import catch
from entrepot.proof.sim.run import one_day
from entrepot.proof.sim.run import server as sim_server
from entrepot.proof.sim.sabotage import SABOTAGES

SEEDS = range(101, 106)
ORDERS = 4
PLANTED = (
    "skip-a-journal",
    "swallow-parked",
    "resend-unknown",
    "say-nothing",
    "charge-the-refused",
    "mark-before-deciding",
    "forget-the-hold",
    "lift-too-soon",
)


@pytest.fixture(scope="module")
def ground() -> Iterator[str]:
    with sim_server() as url:
        yield url


def test_days_with_crashes_and_faults_lose_nothing(ground: str) -> None:
    days = [one_day(ground, seed, ORDERS) for seed in SEEDS]
    assert [finding for day in days for finding in day.findings] == []
    assert sum(day.crashes for day in days) > 0
    assert sum(sum(day.faults.values()) for day in days) > 0


def test_the_same_seed_is_the_same_day(ground: str) -> None:
    first, again = one_day(ground, 7, ORDERS), one_day(ground, 7, ORDERS)
    assert first.trace_hash == again.trace_hash
    assert first.trace_hash != one_day(ground, 8, ORDERS).trace_hash


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_wakes_a_judge(ground: str, name: str) -> None:
    caught = catch(ground, name)
    assert caught.seed is not None, f"{SABOTAGES[name].breaks}: nobody noticed"
