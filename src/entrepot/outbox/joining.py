"""Which effects go in one call: by operation, as many as it takes. One token opens a call; whoever joins it needs none.

And which are looked at together: those that one call has left the same trace of.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from entrepot.outbox.port import Effect, Joining, LookingTogether, Operation


@dataclass(frozen=True, slots=True)
class Room:
    """What is left in the calls that tokens were taken for, within one claim."""

    left: dict[str, int] = field(default_factory=dict)

    def joins(self, operation: Operation) -> bool:
        """Is there a call it can join? Then it has."""
        if self.left.get(operation.name, 0) < 1:
            return False
        self.left[operation.name] -= 1
        return True

    def opened(self, operation: Operation) -> None:
        if isinstance(operation, Joining):
            self.left[operation.name] = operation.together - 1


def calls_of(effects: Sequence[Effect], operation_of: Callable[[Effect], Operation]) -> list[list[Effect]]:
    """Effects of one account by the call they go in, in their order."""
    calls: list[list[Effect]] = []
    latest: dict[str, list[Effect]] = {}
    for effect in effects:
        operation, call = operation_of(effect), latest.get(effect.operation)
        if isinstance(operation, Joining) and call is not None and len(call) < operation.together:
            call.append(effect)
            continue
        latest[effect.operation] = [effect]
        calls.append(latest[effect.operation])
    return calls


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
