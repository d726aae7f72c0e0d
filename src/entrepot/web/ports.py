"""What the console asks of the rest of the hub. The composition hands it in; the console never reaches round these."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from entrepot.kernel.ctx import Ctx


class Verb(StrEnum):
    """The four things a person may do with a case."""

    RETRY = "retry"
    REPAIR = "repair"
    SUPPRESS = "suppress"
    ESCALATE = "escalate"


class VerbOutcome(Protocol):
    """What became of a verb: done or not, and the sentence the person reads."""

    @property
    def ok(self) -> bool: ...

    @property
    def message(self) -> str: ...


class CaseDesk(Protocol):
    """The four verbs. Each writes its own audit row with who and why.

    Shape: `payload` is the repaired document for repair, `{"to": team}` for escalate, None otherwise.
    Errors: OwnerDecides when the verb is not allowed or the reason is empty; NotNow when another person is at it.
    """

    def retry(self, case_id: str, by: str, reason: str, payload: Mapping[str, Any] | None = None) -> VerbOutcome: ...

    def repair(self, case_id: str, by: str, reason: str, payload: Mapping[str, Any] | None = None) -> VerbOutcome: ...

    def suppress(self, case_id: str, by: str, reason: str, payload: Mapping[str, Any] | None = None) -> VerbOutcome: ...

    def escalate(self, case_id: str, by: str, reason: str, payload: Mapping[str, Any] | None = None) -> VerbOutcome: ...


class FlowDesk(Protocol):
    """Pausing without losing: arrivals are still recorded, nothing is decided or sent until the flow runs again."""

    def pause(self, flow: str, by: str, reason: str, until: datetime) -> VerbOutcome: ...

    def resume(self, flow: str, by: str, reason: str) -> VerbOutcome: ...


class FailureMode(Protocol):
    """One failure mode of the blueprint; it is also its runbook."""

    @property
    def title(self) -> str: ...

    @property
    def steps(self) -> Sequence[str]: ...

    @property
    def may(self) -> Sequence[str]:
        """The verbs the owner has authority for, the advised one first."""
        ...

    @property
    def corrects(self) -> str: ...

    @property
    def requests(self) -> Sequence[str]: ...


class FlowPlan(Protocol):
    """How the blueprint describes one flow."""

    @property
    def pattern(self) -> str: ...

    @property
    def latency(self) -> str: ...


class Plan(Protocol):
    """The blueprint in force, as far as a page needs it."""

    def failure(self, mode: str) -> FailureMode | None: ...

    def flow(self, name: str) -> FlowPlan | None: ...

    def escalates_to(self, team: str) -> str:
        """The next team; empty when there is none above."""
        ...


class Hub(Protocol):
    """The running hub, as handed to `create_app`."""

    @property
    def ctx(self) -> Ctx: ...

    @property
    def cases(self) -> CaseDesk: ...

    @property
    def flows(self) -> FlowDesk: ...

    @property
    def plan(self) -> Plan: ...
