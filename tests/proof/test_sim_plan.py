"""What goes wrong in simulated days, and which bugs are planted, is complete and well named."""

import pytest

from entrepot.kernel.errors import WrongSetting
from entrepot.proof.checkers import CHECKERS
from entrepot.proof.sim.hazard import AIMED_KILLS, aimed_at, kill_points
from entrepot.proof.sim.run import replay_command
from entrepot.proof.sim.sabotage import SABOTAGES, sabotage

OF_THE_SIMULATOR = {"stuck", "fence", "second-pass"}  # judges that watch the day itself


def test_every_kill_point_has_its_turn_within_a_run_of_seeds() -> None:
    points = kill_points()
    seeds = range(1, -(-len(points) // AIMED_KILLS) + 2)
    assert {"send.before", "decide.before-commit", "sweep.before-commit", "leader.lanes-taken"} <= set(points)
    assert {point for seed in seeds for point in aimed_at(seed)} == set(points)


def test_every_planted_bug_names_judges_that_exist_and_points_that_are_reached() -> None:
    assert len(SABOTAGES) >= 10
    for one in SABOTAGES.values():
        assert set(one.caught_by) <= set(CHECKERS) | OF_THE_SIMULATOR, one.name
        assert one.near <= set(kill_points()), one.name


def test_seeds_for_a_planted_bug_kill_where_it_hurts() -> None:
    one = SABOTAGES["forget-orphans"]
    assert all(one.near & set(aimed_at(seed)) for seed in one.seeds(5))


def test_an_unknown_bug_is_refused_with_those_there_are() -> None:
    with pytest.raises(WrongSetting, match="skip-the-fence"):
        sabotage("no-such-bug")


def test_what_was_found_is_replayed_by_one_command() -> None:
    assert replay_command(17, 6, "skip-the-fence") == (
        "entrepot sim --first-seed 17 --seeds 1 --orders 6 --sabotage skip-the-fence"
    )
