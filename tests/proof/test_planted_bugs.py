"""Bugs that are planted in the hub do not get past the judges."""

import pytest
from depth import DEEP

from entrepot.proof.sim.proving import catch
from entrepot.proof.sim.sabotage import SABOTAGES

PLANTED = {  # orders of the day and a seed that brought it out, tried first; when it no longer does, the others follow
    "swallow-parked": (3, 1),
    "lift-too-soon": (4, 1),
}
if DEEP:  # a minute each; `entrepot prove` plants every bug there is, on days of more orders
    PLANTED |= {
        "skip-a-journal": (3, 1),
        "say-nothing": (3, 1),
        "resend-unknown": (2, 3),
        "charge-the-refused": (3, 1),
        "mark-before-deciding": (3, 1),
        "forget-the-hold": (4, 1),
    }


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_wakes_a_judge(sim_server: str, name: str) -> None:
    orders, seed = PLANTED[name]
    caught = catch(sim_server, name, orders=orders, first=seed)
    assert caught.seed is not None, f"{SABOTAGES[name].breaks}: nobody noticed"
