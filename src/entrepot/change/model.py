"""Plans as they come into force: frozen data. Instants: aware UTC, business time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.kernel.errors import OwnerDecides


class ChangeKind(StrEnum):
    """How a plan came into force."""

    FIRST = "first"  # the file of the first start
    APPLY = "apply"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Source:
    """A plan as somebody wrote it: checked, and with the text it was read from."""

    plan: Plan
    files: Mapping[str, str]  # text by name
    content: Mapping[str, Any]  # what all files say together

    @property
    def hash(self) -> str:
        return self.plan.hash


@dataclass(frozen=True, slots=True)
class Version:
    """A plan that was in force at some time, as the database keeps it."""

    hash: str
    files: Mapping[str, str]
    content: Mapping[str, Any]
    first_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the history of plans."""

    seq: int
    kind: ChangeKind
    hash: str
    before: str
    by: str
    reason: str
    at: datetime


class UnknownPlan(OwnerDecides):
    """No plan of that hash was ever in force here."""

    code = "unknown-plan"


class PlanRefused(OwnerDecides):
    """The plan cannot come into force; the message says why."""

    code = "plan-refused"
