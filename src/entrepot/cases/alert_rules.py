"""When a mode wants its owner told: more than `above` of a measure, standing for `for`, `where` something holds. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entrepot.blueprint.hours import Hours
from entrepot.blueprint.model import Alert

# `remaining < 50%`: only when less than that share of its time is left · `account = mirakl-fr/operator` · `seller = 2001`
_REMAINING = re.compile(r"remaining\s*<\s*(\d{1,3})\s*%")
_EQUALS = re.compile(r"(account|seller|object|flow|owner)\s*=\s*(\S+)")


@dataclass(frozen=True, slots=True)
class Where:
    """A condition as it is written in a plan. `unread`: nobody here understands it, so it keeps nothing back."""

    remaining_below: int = 100
    field: str = ""
    value: str = ""
    unread: bool = False

    def holds(self, case: Mapping[str, Any]) -> bool:
        return not self.field or str(case[self.field]) == self.value


def read_where(text: str) -> Where:
    text = text.strip()
    if not text:
        return Where()
    if found := _REMAINING.fullmatch(text):
        return Where(remaining_below=min(int(found[1]), 100))
    if found := _EQUALS.fullmatch(text):
        return Where(field=found[1], value=found[2])
    return Where(unread=True)  # a person who is told too early is better than one who is never told


def first_at(alert: Alert | None, hours: Hours, starts_at: datetime, due_at: datetime, now: datetime) -> datetime:
    """When the owner hears of a case for the first time. Without a rule: at once. Never after it is due."""
    if alert is None:
        return now
    used = 100 - read_where(alert.where).remaining_below
    from_at = hours.share_at(starts_at, due_at, used) if used else now
    return min(max(from_at, now) + alert.lasting, max(due_at, now))


def wants(alert: Alert | None, case: Mapping[str, Any]) -> bool:
    """This case may be said at all; what it keeps back still goes up the steps of its escalation."""
    return alert is None or read_where(alert.where).holds(case)
