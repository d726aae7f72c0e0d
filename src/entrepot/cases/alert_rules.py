"""When a mode wants its owner told: more than `above` of a measure, standing for `for`, `where` something holds. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from entrepot.blueprint.alerting import read_where
from entrepot.blueprint.hours import Hours
from entrepot.blueprint.model import Alert


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


def may_grow(alert: Alert | None) -> bool:
    """Whether a case that is kept back now may be said later, when more fails."""
    return alert is not None and read_where(alert.where).grows
