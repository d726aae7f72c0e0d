"""What the console asks of the rest of the hub, so that a test can hand in something smaller."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from entrepot.blueprint.model import Plan
from entrepot.cases.model import Preview, VerbDone, VerbRefused
from entrepot.cases.patch import Patch
from entrepot.cases.questions import Answered, NotAsked
from entrepot.engine.flows import Proof
from entrepot.kernel.ctx import Ctx


class Verb(StrEnum):
    """The four things a person may do with a case."""

    RETRY = "retry"
    REPAIR = "repair"
    SUPPRESS = "suppress"
    ESCALATE = "escalate"


class Deed(StrEnum):
    """What a person may do with a case before it is decided."""

    ASSIGN = "assign"
    WORKING = "working"
    WAITING = "waiting"
    NOTE = "note"
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a visitor adds to a verb.  Shape: `patch` of a repair; `until` of a suppression; `team` he decides for; `only`: the one object that is meant."""

    patch: Patch | None = None
    until: datetime | None = None
    team: str = ""
    only: str = ""


NO_WISH = Wish()


class CaseDesk(Protocol):
    """The four verbs, what comes before them, and ownership questions."""

    def preview(self, case_id: str, verb: Verb, wish: Wish = NO_WISH) -> Preview:
        """What the verb would do now; changes nothing."""
        ...

    def act(self, case_id: str, verb: Verb, by: str, reason: str, wish: Wish = NO_WISH) -> VerbDone | VerbRefused: ...

    def handle(
        self, case_id: str, deed: Deed, by: str, to: str, text: str, *, team: str = ""
    ) -> VerbDone | VerbRefused: ...

    def ask(self, case_id: str, ask: str, about: str, by: str, *, team: str = "") -> Answered | NotAsked: ...

    def decide(self, number: int, by: str, decision: str, in_plan: str) -> Answered | NotAsked:
        """With a decision it is decided; with a plan's hash it is closed."""
        ...

    def decide_planned(self, name: str, by: str, decision: str) -> Answered | NotAsked:
        """Answer a question that stands in the plan itself, by its name there."""
        ...


class FlowDesk(Protocol):
    """Pausing without losing: arrivals are still recorded, nothing is decided or sent until the flow runs again.

    Errors: OwnerDecides when the flow cannot be moved like that; NotNow when another person is at it.
    """

    def pause(self, flow: str, by: str, reason: str, until: datetime) -> None: ...

    def empty(self, flow: str, by: str, reason: str, until: datetime) -> None:
        """What is in goes out and nothing new comes in; then it is paused, with the proof that nothing is left."""
        ...

    def resume(self, flow: str, by: str, reason: str) -> None: ...

    def proof(self, flow: str) -> Proof: ...


class Hub(Protocol):
    """The running hub, as handed to `create_app`."""

    @property
    def ctx(self) -> Ctx: ...

    @property
    def plan(self) -> Plan: ...
