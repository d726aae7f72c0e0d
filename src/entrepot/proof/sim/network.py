"""Calls between the simulated processes and the world: they take virtual time, get lost, and outlive whoever made them."""

from datetime import datetime
from random import Random

from entrepot.kernel.http import HttpAnswer, HttpRequest, NoAnswer, NotReached
from entrepot.proof.sim.hazard import AFTER_CALL, BEFORE_CALL, Hazard
from entrepot.proof.sim.scheduler import Scheduler
from entrepot.proof.world import InProcess

LATENCY_MAX_S = 0.4


class FiberHttp:
    """The hub's way out, for one life of one process."""

    def __init__(self, scheduler: Scheduler, world: InProcess, hazard: Hazard, rng: Random) -> None:
        self._scheduler = scheduler
        self._world = world
        self._hazard = hazard
        self._rng = rng

    def send(self, request: HttpRequest) -> HttpAnswer:
        started = self._scheduler.at
        self._hazard.chaos.pass_point(self._hazard.process, BEFORE_CALL)
        self._scheduler.sleep(self._rng.uniform(0.0, LATENCY_MAX_S))
        if self._left(started, request) <= 0:
            return NoAnswer("the total timeout is over")
        lost = self._hazard.chaos.call_is_lost(request.method)
        if lost == "refused":
            return NotReached("connection refused")
        answer: HttpAnswer = NoAnswer("connection reset") if lost == "before" else self._world.send(request)
        if lost == "after":
            answer = NoAnswer("connection reset")
        elif isinstance(answer, NoAnswer) and lost is None:
            self._scheduler.sleep(max(0.0, self._left(started, request)))
        self._hazard.chaos.pass_point(self._hazard.process, AFTER_CALL)
        if self._left(started, request) < 0:
            return NoAnswer("the total timeout is over")
        return answer

    def _left(self, started: datetime, request: HttpRequest) -> float:
        return request.total_timeout_s - (self._scheduler.at - started).total_seconds()
