"""What the console asks of the rest of the hub, so that a test can hand in something smaller."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from entrepot.blueprint.model import Plan
from entrepot.cases.model import Preview, VerbDone, VerbRefused
from entrepot.kernel.ctx import Ctx


class Verb(StrEnum):
    """The four things a person may do with a case."""

    RETRY = "retry"
    REPAIR = "repair"
    SUPPRESS = "suppress"
    ESCALATE = "escalate"


class CaseDesk(Protocol):
    """The four verbs.  Shape: `patch` is the JSON merge patch of a repair, None for every other verb."""

    def preview(self, case_id: str, verb: Verb, patch: Mapping[str, Any] | None = None) -> Preview:
        """What the verb would do now; changes nothing."""
        ...

    def act(
        self, case_id: str, verb: Verb, by: str, reason: str, patch: Mapping[str, Any] | None = None
    ) -> VerbDone | VerbRefused: ...


class FlowDesk(Protocol):
    """Pausing without losing: arrivals are still recorded, nothing is decided or sent until the flow runs again.

    Errors: OwnerDecides when the flow cannot be moved like that; NotNow when another person is at it.
    """

    def pause(self, flow: str, by: str, reason: str, until: datetime) -> None: ...

    def resume(self, flow: str, by: str, reason: str) -> None: ...


class Hub(Protocol):
    """The running hub, as handed to `create_app`."""

    @property
    def ctx(self) -> Ctx: ...

    @property
    def plan(self) -> Plan: ...
