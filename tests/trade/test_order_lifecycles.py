"""Lifecycles of trade are tables: every state has its row, what is over stays over, and nothing runs backwards."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest

from entrepot.kernel.ctx import Ctx
from entrepot.trade.order.states import (
    BASKET_MOVES,
    LEG_MOVES,
    LOST,
    SHIPPED_OR_LATER,
    TO_BE_SHIPPED,
    UNDECIDED,
    BasketState,
    LegState,
)
from entrepot.trade.returns.states import REFUND_MOVES, RETURN_MOVES, RefundState, ReturnState
from entrepot.trade.shipment.states import SHIPMENT_MOVES, ShipmentState

Moves = Mapping[Any, frozenset[Any]]
TABLES: list[tuple[str, type[StrEnum], Moves]] = [
    ("basket", BasketState, BASKET_MOVES),
    ("leg", LegState, LEG_MOVES),
    ("refund", RefundState, REFUND_MOVES),
    ("return_file", ReturnState, RETURN_MOVES),
    ("shipment", ShipmentState, SHIPMENT_MOVES),
]
ENDS: dict[str, set[StrEnum]] = {
    "basket": {BasketState.CLOSED},
    "leg": {LegState.CLOSED, *LOST},
    "refund": {RefundState.POSTED, RefundState.REFUSED, RefundState.CANCELLED},
    "return_file": {
        ReturnState.REFUNDED,
        ReturnState.CLOSED_WITHOUT_REFUND,
        ReturnState.REFUSED,
        ReturnState.CANCELLED,
    },
    "shipment": {ShipmentState.RETURNED},
}
TRIED_AGAIN = {"refund": (RefundState.FAILED, RefundState.SENT)}  # the one way back: a failed refund is sent again

every_table = pytest.mark.parametrize(("table", "states", "moves"), TABLES, ids=[name for name, _, _ in TABLES])


def reached_from(moves: Moves, start: Any) -> set[Any]:
    """Every state that can follow, by however many moves."""
    found: set[Any] = set()
    open_ = list(moves[start])
    while open_:
        state = open_.pop()
        if state not in found:
            found.add(state)
            open_ += moves[state]
    return found


@every_table
def test_every_state_has_a_row_and_every_move_ends_in_a_state(table: str, states: type[StrEnum], moves: Moves) -> None:
    assert set(moves) == set(states)
    assert set().union(*moves.values()) <= set(states)


@every_table
def test_what_is_over_stays_over_and_nothing_else_is_a_dead_end(
    table: str, states: type[StrEnum], moves: Moves
) -> None:
    assert {state for state, to in moves.items() if not to} == ENDS[table]
    assert [s for s in states if s not in ENDS[table] and not reached_from(moves, s) & ENDS[table]] == []


@every_table
def test_no_state_comes_back(table: str, states: type[StrEnum], moves: Moves) -> None:
    once = dict(moves)
    if table in TRIED_AGAIN:
        before, again = TRIED_AGAIN[table]
        assert again in moves[before]
        once[before] = moves[before] - {again}
    assert [state for state in states if state in reached_from(once, state)] == []


@every_table
def test_every_state_can_be_reached_from_the_first(table: str, states: type[StrEnum], moves: Moves) -> None:
    first = next(iter(states))
    assert reached_from(moves, first) | {first} == set(states)


@every_table
def test_the_database_knows_the_same_words(ctx: Ctx, table: str, states: type[StrEnum], moves: Moves) -> None:
    with ctx.db.transaction() as conn:
        [row] = conn.execute(
            "SELECT pg_get_constraintdef(oid) AS says FROM pg_constraint WHERE conrelid = %s::regclass "
            "AND contype = 'c' AND pg_get_constraintdef(oid) LIKE 'CHECK ((state = ANY%%'",
            (table,),
        ).fetchall()
    assert set(row["says"].split("'")[1::2]) == set(states)


def test_a_leg_may_skip_a_state_a_poll_did_not_see_but_only_forwards() -> None:
    """Whatever can be reached by steps can be reached at once: a poll sees only where an order is by now."""
    on_the_way = set(LegState) - LOST
    for state in on_the_way - {LegState.PART_ACCEPTED}:
        assert LEG_MOVES[state] >= reached_from(LEG_MOVES, state) & (on_the_way - {LegState.CANCELLED}), state


def test_nothing_that_left_the_seller_is_refused_expired_or_cancelled() -> None:
    for state in SHIPPED_OR_LATER:
        assert not reached_from(LEG_MOVES, state) & LOST
        assert not reached_from(LEG_MOVES, state) & (UNDECIDED | TO_BE_SHIPPED)


def test_only_a_seller_who_has_not_spoken_can_refuse_or_let_it_expire() -> None:
    spoken = set(LegState) - UNDECIDED
    assert [s for s in spoken if LEG_MOVES[s] & {LegState.REFUSED, LegState.EXPIRED}] == []
