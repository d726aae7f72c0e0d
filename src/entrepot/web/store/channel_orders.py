"""What only an order of a channel has: our back office's number, our parcels and whether the channel knows, its refunds, its disputes."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from entrepot.blueprint.model import Plan
from entrepot.connectors.verbs import Verb
from entrepot.kernel.ctx import Conn, Row
from entrepot.web.selling import manifest_of, sold_on
from entrepot.web.store import channel_tables as tables
from entrepot.web.views import Step, StepState
from entrepot.web.views.channels import ChannelOrder

T = TypeVar("T")
THEIRS = "marketplace"
REACHED = {"part-shipped": 1, "shipped": 2, "to-collect": 2, "delivered": 3, "closed": 4}


def channel_orders(conn: Conn, plan: Plan, legs: Sequence[Row]) -> Mapping[str, ChannelOrder]:
    """By leg id, of those legs that are orders of channels on which we sell."""
    selling = set(sold_on(plan))
    ours = [leg for leg in legs if leg["account"] in selling]
    if not ours:
        return {}
    ids = [leg["id"] for leg in ours]
    parcels = _of(
        conn, f"{tables.PARCELS} WHERE p.leg_id = ANY(%s) ORDER BY p.shipped_at, p.number", ids, tables.parcel_rows
    )
    refunds = _of(
        conn, f"{tables.REFUNDS} WHERE r.leg_id = ANY(%s) ORDER BY r.refunded_at, r.refund_id", ids, tables.refund_rows
    )
    disputes = _of(
        conn, f"{tables.DISPUTES} WHERE d.leg_id = ANY(%s) ORDER BY d.opened_at, d.id", ids,
        lambda conn, rows: tables.dispute_rows(conn, plan, rows),
    )  # fmt: skip
    hands_over = any(plan.system_of(name).connector == "backoffice" for name in plan.accounts)
    return {
        leg["id"]: ChannelOrder(
            by_them=leg["fulfilled_by"] == THEIRS,
            market=leg["market"],
            handed_at=leg["handed_at"],
            document_number=leg["document_number"],
            acknowledged_at=leg["acknowledged_at"],
            acknowledges=_acknowledges(plan, leg["account"]),
            cancel_asked_at=leg["cancel_asked_at"],
            parcels=tuple(parcels[leg["id"]]),
            refunds=tuple(refunds[leg["id"]]),
            disputes=tuple(disputes[leg["id"]]),
            hands_over=hands_over,
        )
        for leg in ours
    }


def _of(
    conn: Conn, query: str, ids: Sequence[str], read: Callable[[Conn, Sequence[Row]], Iterable[T]]
) -> Mapping[str, list[T]]:
    rows = conn.execute(query, (list(ids),)).fetchall()
    found: dict[str, list[T]] = defaultdict(list)
    for row, one in zip(rows, read(conn, rows), strict=True):
        found[row["leg_id"]].append(one)
    return found


def _acknowledges(plan: Plan, account: str) -> bool:
    manifest = manifest_of(plan, account)
    return manifest is not None and Verb.ACKNOWLEDGE in manifest.verbs


@dataclass(frozen=True, slots=True)
class Station:
    word: str
    done: bool
    at: datetime | None = None
    due_at: datetime | None = None


def steps_of(leg: Row, order: ChannelOrder) -> tuple[Step, ...]:
    """The way of a channel order; what the marketplace delivers itself passes none of our stations. The first that is not done is now."""
    stations = list(_stations(leg, order))
    ahead = next((n for n, station in enumerate(stations) if not station.done), len(stations))
    steps = [Step("Ordered", StepState.DONE, leg["created_at"])]
    for n, one in enumerate(stations):
        state = StepState.DONE if one.done else StepState.NOW if n == ahead else StepState.AHEAD
        steps.append(Step(one.word, state, one.at if one.done else None, None if one.done else one.due_at))
    return tuple(steps)


def _stations(leg: Row, order: ChannelOrder) -> Iterable[Station]:
    reached, ours = REACHED.get(leg["state"], 0), not order.by_them
    acknowledged = order.acknowledged_at is not None or leg["state"] not in ("on-hold", "awaiting-acceptance")
    confirmed = [parcel.confirmed_at for parcel in order.parcels if parcel.confirmed_at]
    all_known = bool(confirmed) and len(confirmed) == len(order.parcels) and reached >= 2
    if ours and (order.hands_over or order.handed_at):
        yield Station("In our back office", order.handed_at is not None, order.handed_at)
    if ours and order.acknowledges:
        yield Station("Acknowledged", acknowledged, order.acknowledged_at, leg["acceptance_due_at"])
    yield Station("Shipped", reached >= 2, leg["shipped_at"], leg["ship_due_at"])
    if ours and order.parcels:
        yield Station("Known to the channel", all_known, max(confirmed, default=None))
    yield Station("Delivered", reached >= 3)
