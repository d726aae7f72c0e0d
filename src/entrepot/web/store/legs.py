"""Seller orders of one basket: their way, money, lines, parcels, returns and refunds."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Conn, Row
from entrepot.web import words
from entrepot.web.store.channel_orders import channel_orders, steps_of
from entrepot.web.store.common import money
from entrepot.web.views import (
    Confirmation,
    LegView,
    LineView,
    Parcel,
    Promise,
    RefundView,
    Step,
    StepState,
)
from entrepot.web.views.channels import ChannelOrder

PromisesOf = Mapping[tuple[str, str], Sequence[Promise]]
BEFORE_DECISION = frozenset({"on-hold", "awaiting-acceptance"})
ENDED_BADLY = frozenset({"refused", "expired", "cancelled"})
WAY_ORDER = (
    "on-hold", "awaiting-acceptance", "accepted", "part-accepted", "awaiting-payment", "to-ship", "part-shipped",
    "shipped", "to-collect", "delivered", "closed",
)  # fmt: skip


def legs_of(conn: Conn, plan: Plan, basket: Row, promised: PromisesOf) -> tuple[LegView, ...]:
    legs = conn.execute("SELECT * FROM leg WHERE basket_id = %s ORDER BY order_id", (basket["id"],)).fetchall()
    ids = [leg["id"] for leg in legs]
    lines = _by_leg(conn, "SELECT * FROM line WHERE leg_id = ANY(%s) ORDER BY order_line_id", ids)
    parcels = _by_leg(conn, "SELECT * FROM shipment WHERE leg_id = ANY(%s) ORDER BY shipped_at, id", ids)
    returns = _by_leg(conn, "SELECT * FROM return_file WHERE leg_id = ANY(%s) ORDER BY created_at, id", ids)
    refunds = _by_leg(conn, "SELECT * FROM refund WHERE leg_id = ANY(%s) ORDER BY asked_at, id", ids)
    channels = channel_orders(conn, plan, legs)
    witnesses = _confirmations(conn, [row["id"] for rows in refunds.values() for row in rows])
    return tuple(
        LegView(
            id=leg["id"],
            order_id=leg["order_id"],
            their_name=words.their_order_word(leg["account"]),
            seller=leg["seller_name"] or leg["seller_id"],
            state=words.state(words.LEG, leg["state"], leg["their_state"]),
            steps=_steps(leg, channels.get(leg["id"])),
            promises=_promises_of(leg, lines[leg["id"]], refunds[leg["id"]], channels.get(leg["id"]), promised),
            money=_money_of(leg, lines[leg["id"]]),
            lines=tuple(_line(leg, row) for row in lines[leg["id"]]),
            parcels=tuple(
                Parcel(row["carrier"], row["tracking"], words.state(words.PARCEL, row["state"]), row["shipped_at"])
                for row in parcels[leg["id"]]
            ),
            refunds=tuple(_refund(row, witnesses[row["id"]]) for row in refunds[leg["id"]]),
            returns=tuple(
                (row["external_id"], words.state(words.RETURN, row["state"], row["their_state"]), row["reason"])
                for row in returns[leg["id"]]
            ),
            channel=channels.get(leg["id"]),
        )
        for leg in legs
    )


def _by_leg(conn: Conn, query: str, ids: Sequence[str]) -> Mapping[str, list[Row]]:
    rows: dict[str, list[Row]] = defaultdict(list)
    for found in conn.execute(query, (list(ids),)).fetchall():
        rows[found["leg_id"]].append(found)
    return rows


def _promises_of(
    leg: Row, lines: Sequence[Row], refunds: Sequence[Row], order: ChannelOrder | None, promised: PromisesOf
) -> tuple[Promise, ...]:
    about = [("leg", leg["id"]), *(("line", row["id"]) for row in lines), *(("refund", row["id"]) for row in refunds)]
    if order is not None:
        account = leg["account"]
        about += [("channel-refund", f"{account}:{one.id}") for one in order.refunds]
        about += [("dispute", f"{account}:{one.dispute_id}") for one in order.disputes]
        about += [key for key in promised if key[0] == "cancellation"]  # a channel's basket holds this order alone
    return tuple(found for key in about for found in promised.get(key, ()))


def _money_of(leg: Row, lines: Sequence[Row]) -> tuple[tuple[str, Any], ...]:
    commission = sum(line["commission_minor"] for line in lines)
    tax = sum(line["commission_tax_minor"] for line in lines)
    row = leg | {"commission_minor": commission, "commission_tax_minor": tax}
    tiles = (
        ("Ordered", "ordered_minor"),
        ("Accepted", "accepted_minor"),
        ("Charged", "debited_minor"),
        ("Refunded", "refunded_minor"),
        ("Their commission", "commission_minor"),
        ("Tax on commission", "commission_tax_minor"),
    )
    return tuple((word, money(row, name)) for word, name in tiles)


def _line(leg: Row, row: Row) -> LineView:
    row = row | {"currency": leg["currency"]}
    return LineView(
        order_line_id=row["order_line_id"],
        sku=row["sku"],
        title=row["title"],
        quantity=row["quantity"],
        accepted=row["accepted_qty"],
        refused=row["refused_qty"],
        shipped=row["shipped_qty"],
        cancelled=row["cancelled_qty"],
        price=money(row, "price_minor"),
        shipping=money(row, "shipping_minor"),
        refunded=money(row, "refunded_minor"),
        commission=money(row, "commission_minor"),
        their_state=row["their_state"],
    )


def _refund(row: Row, witnesses: Sequence[Confirmation]) -> RefundView:
    return RefundView(
        external_id=row["external_id"],
        origin=row["origin"],
        state=words.state(words.REFUND, row["state"]),
        amount=money(row, "amount_minor"),
        reason=row["reason"],
        asked_at=row["asked_at"],
        confirmations=tuple(witnesses),
    )


def _confirmations(conn: Conn, refund_ids: Sequence[str]) -> Mapping[str, list[Confirmation]]:
    rows: dict[str, list[Confirmation]] = defaultdict(list)
    for found in conn.execute(
        "SELECT refund_id, witness, due_at, confirmed_at FROM refund_confirmation WHERE refund_id = ANY(%s) ORDER BY due_at, witness",
        (list(refund_ids),),
    ).fetchall():
        word = words.WITNESS.get(found["witness"], found["witness"])
        rows[found["refund_id"]].append(Confirmation(word, found["due_at"], found["confirmed_at"]))
    return rows


def _steps(leg: Row, order: ChannelOrder | None) -> tuple[Step, ...]:
    """The stations of a seller order: what is behind it, where it stands, what lies ahead, or where it ended."""
    state = leg["state"]
    if order is not None and state not in ENDED_BADLY:
        return steps_of(leg, order)
    steps = [Step("Ordered", StepState.DONE, leg["created_at"])]
    if state in ENDED_BADLY:
        return (*steps, *_behind(leg), Step(words.state(words.LEG, state).word, StepState.FAILED, _ended_at(leg)))
    reached = WAY_ORDER.index(state) if state in WAY_ORDER else 0
    return (*steps, *_ahead(leg, reached))


def _behind(leg: Row) -> list[Step]:
    """What a cancelled order had reached before."""
    passed: list[tuple[str, datetime | None]] = [("Charged", leg["debited_at"]), ("Shipped", leg["shipped_at"])]
    accepted = leg["decided_at"] if leg["state"] == "cancelled" and leg["accepted_minor"] else None
    return [Step(word, StepState.DONE, at) for word, at in [("Accepted", accepted), *passed] if at]


def _ended_at(leg: Row) -> datetime | None:
    at: datetime | None = None if leg["state"] == "cancelled" else leg["decided_at"]
    return at


def _ahead(leg: Row, reached: int) -> list[Step]:
    accepted = "Partly accepted" if leg["state"] == "part-accepted" else "Accepted"
    stations: list[tuple[str, int, datetime | None, datetime | None]] = [
        (accepted, 2, leg["decided_at"], leg["acceptance_due_at"]),
        ("Charged", 5, leg["debited_at"], None),
        ("Shipped", 7, leg["shipped_at"], leg["ship_due_at"]),
        ("Delivered", 9, None, None),
        ("Closed", 10, None, None),
    ]
    is_now: Callable[[int], bool] = _first_ahead([needs for _, needs, _, _ in stations], reached)
    steps = []
    for word, needs, at, due in stations:
        state = StepState.DONE if reached >= needs else StepState.NOW if is_now(needs) else StepState.AHEAD
        steps.append(Step(word, state, at if reached >= needs else None, due if reached < needs else None))
    return steps


def _first_ahead(needs: Sequence[int], reached: int) -> Callable[[int], bool]:
    first = next((need for need in needs if need > reached), None)
    return lambda need: need == first
