"""Which effects go in one call: by operation, as many as it takes. One token opens a call; whoever joins it needs none.

And which are looked at together: those that one call has left the same trace of.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from entrepot.outbox.port import Effect, Joining, LookingTogether, Operation


@dataclass(frozen=True, slots=True)
class Room:
    """What is left in the calls that tokens were taken for, within one claim. `lanes`: operations whose joined call is another than the single one."""

    left: dict[str, int] = field(default_factory=dict)
    lanes: set[str] = field(default_factory=set)

    def joins(self, operation: Operation) -> bool:
        """Is there a call it can join? Then it has."""
        if self.left.get(operation.name, 0) < 1:
            return False
        self.left[operation.name] -= 1
        return True

    def opened(self, operation: Operation) -> None:
        """A token of the operation's own bucket was taken, for one that goes alone or is the first of a call."""
        if isinstance(operation, Joining) and operation.lane is None:
            self.left[operation.name] = operation.together - 1

    def lane_opened(self, name: str, operation: Joining) -> None:
        """A token of the lane was taken, before anybody was asked to join."""
        self.left[name] = operation.together
        self.lanes.add(name)

    def calls_of(self, effects: Sequence[Effect], operation_of: Callable[[Effect], Operation]) -> list[list[Effect]]:
        """Effects of one account by the call they go in, in their order."""
        calls: list[list[Effect]] = []
        latest: dict[str, list[Effect]] = {}
        for effect in effects:
            call, most = latest.get(effect.operation), self._most(operation_of(effect))
            if call is not None and len(call) < most:
                call.append(effect)
                continue
            latest[effect.operation] = [effect]
            calls.append(latest[effect.operation])
        return calls

    def _most(self, operation: Operation) -> int:
        """How many of it go in one call of this claim."""
        if isinstance(operation, Joining) and (operation.lane is None or operation.name in self.lanes):
            return operation.together
        return 1


def looks_of(effects: Sequence[Effect], operation_of: Callable[[Effect], Operation]) -> list[list[Effect]]:
    """Unclear effects of one account by the look that tells of them, in their order. Without a trace each is looked at by itself."""
    looks: list[list[Effect]] = []
    by_trace: dict[tuple[str, str], list[Effect]] = {}
    for effect in effects:
        if not effect.outcome or not isinstance(operation_of(effect), LookingTogether):
            looks.append([effect])
            continue
        trace = effect.operation, json.dumps(effect.outcome, sort_keys=True, default=str)
        if trace not in by_trace:
            looks.append(by_trace.setdefault(trace, []))
        by_trace[trace].append(effect)
    return looks
