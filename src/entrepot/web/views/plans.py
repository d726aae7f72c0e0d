"""The plan in force and its history: who changed what, when and why."""

from dataclasses import dataclass
from datetime import datetime

from entrepot.web.views.shared import DiffLine, State


@dataclass(frozen=True, slots=True)
class PlanChangeRow:
    """One change of the plan. `before`: hash of the plan it replaced, empty for the first."""

    seq: int
    kind: State
    hash: str
    before: str
    by: str
    reason: str
    at: datetime
    in_force: bool
    decided: int  # messages decided under this plan, all its times in force together


@dataclass(frozen=True, slots=True)
class PlanView:
    """`holds`: how many entries each section of the plan in force has."""

    file: str
    holds: tuple[tuple[str, int], ...]
    rows: tuple[PlanChangeRow, ...]

    @property
    def in_force(self) -> PlanChangeRow | None:
        return self.rows[0] if self.rows else None


@dataclass(frozen=True, slots=True)
class PlanChangeDetail:
    row: PlanChangeRow
    diff: tuple[DiffLine, ...]
