"""What became of sellers' files: how much is rejected and why, how old it is, how long a change takes until it is live."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.insight import store
from entrepot.insight.offers import STALE_AFTER
from entrepot.kernel.ctx import Conn, Row

LOOKED_BACK = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class FeedMeasures:
    """By seller. Shape: `sellers` one row each, `reasons` one per seller, field and code, the most frequent first.

    Units: `rejected_percent` of the offers he offers or tries to; ages and times in seconds of business time, None where nothing was measured.
    """

    sellers: list[Row]
    reasons: list[Row]


def measures(conn: Conn, now: datetime, *, account: str = "", seller: str = "", stale_after: timedelta = STALE_AFTER) -> FeedMeasures:  # fmt: skip
    """Of the last 30 days; all sellers, or one."""
    given = {"account": account, "seller": seller, "now": now, "since": now - LOOKED_BACK, "stale": now - stale_after}
    return FeedMeasures(store.feed_sellers(conn, given), store.feed_reasons(conn, given))
