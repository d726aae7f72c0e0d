"""When an owner is told: one message per audience and window, counted from a fixed moment, so that every process cuts time alike."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.blueprint.owning import Requesting
from entrepot.ownership.store import Audience

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def requesting(plan: Plan, seller: str) -> Requesting:
    rule = plan.sellers.get(seller) or plan.sellers.get("*")
    return rule.requests if rule else Requesting()


def audience_of(row: Mapping[str, Any]) -> Audience:
    return row["account"], row["owner"], row["seller"], row["cause"]


def window(now: datetime, every: timedelta) -> datetime:
    """The beginning of the window a moment falls into."""
    return now - (now - EPOCH) % max(every, timedelta(seconds=1))


def tell_at(now: datetime, every: timedelta, last: datetime | None) -> datetime:
    here = window(now, every)
    return now if last is None or last < here else here + every
