"""What the company tells by its queue: one event a message, in no order; twice, late, never or unreadable when planned so."""

import json
from datetime import timedelta
from typing import Any, Final

from entrepot.sandbox.back_office.settings import Settings
from entrepot.sandbox.core import Clock, World
from entrepot.sandbox.queue import Queue, QueueSettings

OUT_OF_ORDER_S: Final = 90


class QueuePost:
    """Messages are hidden by the machine clock, as a real queue hides them, whatever pace the business has."""

    def __init__(self, world: World, machine_clock: Clock, settings: Settings) -> None:
        self._world = world
        self._settings = settings
        self._rng = world.stream(f"{settings.name}/{settings.account}/queue-post")
        rng = world.stream(f"{settings.name}/{settings.account}/queue")
        of_queue = QueueSettings(settings.queue_arn, settings.queue_keys)
        self.queue = Queue(of_queue, machine_clock, machine_clock, rng)
        self.sent = 0

    def tell(self, kind: str, view: dict[str, Any]) -> None:
        """An element of a list, as an event. Faults of the plan: those of `webhook:<kind>`; with other content nobody can read it."""
        told = {"kind": kind, **view}
        fault = self._world.faults.take(self._settings.name, f"webhook:{kind}")
        what = fault.kind if fault else None
        if what == "lost":
            return
        if what == "out-of-order":
            late = timedelta(seconds=fault.number(OUT_OF_ORDER_S) if fault else OUT_OF_ORDER_S)
            self._world.at(self._world.clock() + late, lambda: self.put(_line(told)))
            return
        self.put(_line(told))
        if what == "duplicate" or self._rng.random() < self._settings.queue_doubled_chance:
            self.put(_line(told))
        elif what == "dup-other-content":
            self.put(_line({**told, "version": "the next one"}))

    def books(self) -> dict[str, int]:
        return {"sent": self.sent, "deleted": self.queue.deleted, "waiting": len(self.queue.messages)}

    def put(self, body: str) -> None:
        """Any message, poison too."""
        self.sent += 1
        self.queue.put(body)


def _line(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
