"""Measures of offers over a time: what was rejected and why, how old it is, how soon a change is live, what was sold and was not there.

The console's page and `entrepot feed` say the same figures. Of very large tables a part is looked at, and every figure says so: a page of
figures is read in the morning and must not walk a million offers. What the plan sets as a limit stands beside the figure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.blueprint.model import Plan
from entrepot.insight import store
from entrepot.kernel.ctx import Conn, Row

STALE_AFTER = timedelta(
    hours=24
)  # of sellers' files, where the plan's flow names no age, or a shorter one than files can keep
SHOWN_WITHIN = timedelta(hours=4)  # where the plan's flow names no time in which the marketplace answers
FEW = 200  # offers an age is told from; of an account with fewer all are looked at


@dataclass(frozen=True, slots=True)
class Handed:
    """What one seller handed in, or we ourselves (seller '') to a channel. Units: rows. `case_*`: the one of his open cases that is due first."""

    account: str
    seller: str
    files: int
    handed_in: int
    by_us: int
    by_them: int
    cases: int = 0
    case_id: str = ""
    case_number: int = 0

    @property
    def rejected(self) -> int:
        return self.by_us + self.by_them

    @property
    def rate(self) -> float | None:
        """None: what came back had been handed in before."""
        return self.rejected / self.handed_in if self.handed_in else None


@dataclass(frozen=True, slots=True)
class Reason:
    """Rows that came back for one reason. `by`: hub or marketplace. `open`, `corrected` None: nobody follows single rows of a channel's batches.
    `account`, `mostly`: where, and whose (''), most of them are."""

    field: str
    code: str
    by: str
    rows: int
    open: int | None
    corrected: int | None
    sellers: int
    such_as: str
    account: str
    mostly: str


@dataclass(frozen=True, slots=True)
class Age:
    """How old offers are. `kind`: `fed`, by account; `pool`, by whoever tells our stock. `seen`: how many were looked at, of `about` how many.
    `limit` None: the plan sets none."""

    kind: str
    name: str
    seen: int
    about: int
    p50: timedelta
    p95: timedelta
    stale: int
    limit: timedelta | None

    @property
    def stale_share(self) -> float:
        return self.stale / self.seen


@dataclass(frozen=True, slots=True)
class ToLive:
    """From a change here to the other side. `kind`: `fed`, shown by the marketplace; `own`, taken by the channel.

    `changes`: how many were measured, the newest; `unseen`: taken, and not shown so; `late` of them longer than `limit`; `waiting`: not taken yet.
    """

    kind: str
    account: str
    changes: int
    p50: timedelta | None
    p95: timedelta | None
    unseen: int
    late: int
    waiting: int
    limit: timedelta | None


@dataclass(frozen=True, slots=True)
class Oversell:
    """One case, with the newest order it is about as (basket id, order id) where that is known."""

    case_id: str
    number: int
    state: str
    times: int
    object: str
    object_id: str
    name: str
    cause: str
    opened_at: datetime
    order: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Oversold:
    """`times`: orders that found less stock than they needed, by the cases opened in the time and those open still."""

    times: int
    cases: int
    open: int
    last: tuple[Oversell, ...]


@dataclass(frozen=True, slots=True)
class OfferMeasures:
    handed: tuple[Handed, ...]
    reasons: tuple[Reason, ...]
    ages: tuple[Age, ...]
    to_live: tuple[ToLive, ...]
    oversold: Oversold

    @property
    def empty(self) -> bool:
        return not (self.handed or self.reasons or self.ages or self.to_live or self.oversold.cases)


def fed_limit(plan: Plan) -> timedelta:
    """How old an offer out of a file may be: the flow's age is about what a marketplace tells; a file comes once a day."""
    flow = plan.flows.get(store.OFFER_FLOW)
    return max(flow.freshness.max_age if flow and flow.freshness else STALE_AFTER, STALE_AFTER)


def pool_limit(plan: Plan) -> timedelta | None:
    flow = plan.flows.get(store.LISTING_FLOW)
    return flow.freshness.max_age if flow and flow.freshness else None


def shown_within(plan: Plan) -> timedelta:
    flow = plan.flows.get(store.OFFER_FLOW)
    return flow.validation.answer_within if flow and flow.validation else SHOWN_WITHIN


def offer_measures(conn: Conn, plan: Plan, now: datetime, back: timedelta) -> OfferMeasures:
    """What happened in the time `back` from now; ages, and what waits, are as of now."""
    since = now - back
    return OfferMeasures(
        handed=handed(conn, since),
        reasons=tuple(Reason(**row) for row in store.rejected_why(conn, since)),
        ages=ages(conn, plan, now),
        to_live=to_live(conn, plan, now, since),
        oversold=oversold(conn, since),
    )


def handed(conn: Conn, since: datetime) -> tuple[Handed, ...]:
    """The worst rate first."""
    found = [Handed(**{name: value for name, value in row.items() if value is not None}) for row in store.rejected(conn, since)]  # fmt: skip
    return tuple(sorted(found, key=lambda one: (-(one.rate or 0), -one.rejected, one.account, one.seller)))


def ages(conn: Conn, plan: Plan, now: datetime) -> tuple[Age, ...]:
    fed, pool = fed_limit(plan), pool_limit(plan)
    files = store.fed_ages(conn, now, now - fed, FEW)
    pools = store.pool_ages(conn, now, now - pool if pool else None)
    return tuple(_age("fed", row, fed) for row in files) + tuple(_age("pool", row, pool) for row in pools)


def to_live(conn: Conn, plan: Plan, now: datetime, since: datetime) -> tuple[ToLive, ...]:
    within = shown_within(plan)
    own = sorted(name for name, one in plan.accounts.items() if one.model == "syndication")
    files, listings = store.fed_live(conn, since, now - within), store.own_live(conn, own, since)
    return tuple(_to_live("fed", row, within) for row in files) + tuple(_to_live("own", row, None) for row in listings)


def oversold(conn: Conn, since: datetime) -> Oversold:
    """Counted from the cases of the mode `oversold`: opened when orders reserve more than the pool holds, or the back office refuses one for want of stock."""
    rows = store.oversold(conn, since)
    if not rows:
        return Oversold(0, 0, 0, ())
    skus = [row["object_id"] for row in rows if row["object"] == "stock"]
    orders = store.oversold_orders(conn, skus, [row["effect_id"] for row in rows if row["effect_id"]])
    first = rows[0]
    return Oversold(int(first["times"]), first["cases"], first["open"], tuple(_oversell(row, orders) for row in rows))


def _oversell(row: Row, orders: Mapping[str, Row]) -> Oversell:
    order = orders.get(row["effect_id"] or row["object_id"])
    return Oversell(
        case_id=row["id"],
        number=row["number"],
        state=row["state"],
        times=row["count"],
        object=row["object"],
        object_id=row["object_id"],
        name=row["name"],
        cause=row["cause"],
        opened_at=row["opened_at"],
        order=(order["basket_id"], order["order_id"]) if order else None,
    )


def _age(kind: str, row: Row, limit: timedelta | None) -> Age:
    p50, p95 = _spans(row["ages_s"])
    about = round(row["seen"] * 100 / row["percent"])
    return Age(kind, row["name"], row["seen"], about, p50 or timedelta(), p95 or timedelta(), row["stale"], limit)


def _to_live(kind: str, row: Row, limit: timedelta | None) -> ToLive:
    p50, p95 = _spans(row["took_s"])
    return ToLive(kind, row["account"], row["changes"], p50, p95, row["unseen"], row["late"] or 0, row["waiting"], limit)  # fmt: skip


def _spans(seconds: Sequence[float | None] | None) -> tuple[timedelta | None, timedelta | None]:
    """Half and 95 of 100 are at most this."""
    found = [None if one is None else timedelta(seconds=one) for one in seconds or (None, None)]
    return found[0], found[1]
