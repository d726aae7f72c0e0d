"""What searches of the Post-Order interface share: the time range and the page."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

from entrepot.sandbox.core import Request
from entrepot.sandbox.ebay.errors import post_order
from entrepot.sandbox.ebay.paging import number
from entrepot.sandbox.ebay.wire import instant

LIMIT_DEFAULT: Final = 25
LIMIT_MAX: Final = 200
RANGE_FORWARD: Final = timedelta(days=90)
EIGHTEEN_MONTHS: Final = timedelta(days=548)


class Dated(Protocol):
    """Something that was opened at a time."""

    at: datetime


D = TypeVar("D", bound=Dated)
T = TypeVar("T")


def created_within(request: Request, now: datetime, found: Sequence[D]) -> list[D]:
    """Those opened in the asked range; without an end, 90 days from its beginning. Errors: a date nobody can read."""
    start, end = (_date(request, f"creation_date_range_{side}") for side in ("from", "to"))
    if start is not None and start < now - EIGHTEEN_MONTHS:
        raise post_order(400, "creation_date_range_from cannot be more than 18 months in the past.")
    if start is not None and end is None:
        end = start + RANGE_FORWARD
    return [one for one in found if (start is None or one.at >= start) and (end is None or one.at <= end)]


def page_of(request: Request, found: Sequence[T], name: str, render: Callable[[T], Any]) -> dict[str, Any]:
    """One page; `offset` counts pages from 1, as this interface alone does [guess: documented as "page number"]."""
    limit = number(request, "limit", LIMIT_DEFAULT, 1, LIMIT_MAX, post_order(400, "Invalid limit."))
    offset = number(request, "offset", 1, 0, 10**9, post_order(400, "Invalid offset."))
    number_ = max(1, offset)
    shown = found[(number_ - 1) * limit : number_ * limit]
    pagination = {
        "offset": number_,
        "limit": limit,
        "totalPages": -(-len(found) // limit),
        "totalEntries": len(found),
    }
    return {name: [render(one) for one in shown], "total": len(found), "paginationOutput": pagination}


def _date(request: Request, name: str) -> datetime | None:
    text = request.first(name)
    if not text:
        return None
    at = instant(text)
    if at is None:
        raise post_order(400, f"Invalid {name}.")
    return at
