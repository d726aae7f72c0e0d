"""Ownership questions, and what people decide again and again without a rule."""

from dataclasses import dataclass
from datetime import datetime

from entrepot.web.views.shared import Link, State


@dataclass(frozen=True, slots=True)
class QuestionRow:
    number: int
    ask: str
    about: str
    state: State
    asked_by: str
    team: str
    due_at: datetime
    raised_at: datetime
    decision: str = ""
    decided_by: str = ""
    in_plan: str = ""
    case: Link | None = None
    undecided: bool = True
    decided: bool = False  # and not in a plan yet


@dataclass(frozen=True, slots=True)
class HiddenRuleRow:
    what: str  # "Repair of malformed message"
    shape: str
    count: int
    people: tuple[str, ...]
    cases: tuple[Link, ...]
    advice: str
    owner: str
    last_at: datetime


@dataclass(frozen=True, slots=True)
class PlannedQuestion:
    """A question that stands in the plan itself."""

    name: str
    ask: str
    about: str
    owner: str
    state: State
    undecided: bool
    number: int = 0  # as it was recorded when somebody answered
    decision: str = ""
    decided_by: str = ""


@dataclass(frozen=True, slots=True)
class QuestionsView:
    questions: tuple[QuestionRow, ...]
    rules: tuple[HiddenRuleRow, ...]
    planned: tuple[PlannedQuestion, ...] = ()
