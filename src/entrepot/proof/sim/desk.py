"""The people at their desk: now and then somebody looks at the open cases and presses a button, as the runbook says."""

from random import Random
from typing import Any

from entrepot.cases import service as cases
from entrepot.kernel.errors import NotNow
from entrepot.proof.sim.ground import Ground
from entrepot.proof.sim.life import WEB
from entrepot.proof.sim.town import Town

LOOK_EVERY_S = (900.0, 1_800.0)
BY = "operator@sim"
PUT_ASIDE = ("unknown-word", "malformed-message")  # the true content has come, or will come, as another message
READ_AGAIN = ("poison-message",)
WORKED_ON = """
    SELECT c.number, c.mode
      FROM case_file c LEFT JOIN effect e ON e.id = c.effect_id LEFT JOIN message m ON m.id = c.message_id
     WHERE c.resolved_at IS NULL AND (e.state = 'parked' OR (m.state = 'parked' AND c.mode = ANY(%s)))
     ORDER BY c.number
"""


class Desk:
    """One operator. Parked actions are retried (an unclear one is read back); unreadable messages are put aside."""

    def __init__(self, ground: Ground, town: Town) -> None:
        self._ground = ground
        self._town = town
        self._rng = Random(f"{ground.seed}/desk")
        self.pressed: list[str] = []

    def sit(self) -> None:
        """The fiber: never ends, never dies; the process that carries the click may."""
        while True:
            self._ground.scheduler.sleep(self._rng.uniform(*LOOK_EVERY_S))
            life = self._town.lives.get(WEB)
            if life is None:
                continue
            try:
                life.submit(self._look).result(30.0)
            except (NotNow, TimeoutError):
                continue

    def _look(self) -> None:
        life = self._town.lives[WEB]
        with life.db.transaction() as conn:
            open_cases = conn.execute(WORKED_ON, ([*PUT_ASIDE, *READ_AGAIN],)).fetchall()
        for case in open_cases:
            self._press(case)

    def _press(self, case: dict[str, Any]) -> None:
        life = self._town.lives[WEB]
        verb = cases.suppress if case["mode"] in PUT_ASIDE else cases.retry
        done = verb(life.ctx, self._ground.plan, str(case["number"]), BY, "as the runbook says")
        self.pressed.append(f"{verb.__name__} {case['number']} {case['mode']}: {type(done).__name__}")
