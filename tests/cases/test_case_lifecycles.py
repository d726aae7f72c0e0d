"""Lifecycles are tables: every state has its row, and the verbs speak only of states that exist."""

import re
from typing import Any

import pytest
from cases.desk import Desk

from entrepot.cases.states import (
    ALERT_MOVES,
    CASE_MOVES,
    EFFECT_VERBS,
    MESSAGE_VERBS,
    OBLIGATION_MOVES,
    AlertState,
    CaseState,
    ObligationState,
)


@pytest.mark.parametrize(
    ("states", "moves"), [(CaseState, CASE_MOVES), (ObligationState, OBLIGATION_MOVES), (AlertState, ALERT_MOVES)]
)
def test_every_state_has_its_moves_and_every_move_ends_in_a_state(states: Any, moves: Any) -> None:
    assert set(moves) == set(states)
    assert set().union(*moves.values()) <= set(states)


@pytest.mark.parametrize(
    ("table", "states"),
    [
        ("case_file", set(CaseState)),
        ("obligation", set(ObligationState)),
        ("alert", set(AlertState)),
        ("message", {s for verb in MESSAGE_VERBS.values() for s in verb}),
        ("effect", {s for verb in EFFECT_VERBS.values() for s in verb}),
    ],
)
def test_the_database_knows_the_same_states(desk: Desk, table: str, states: Any) -> None:
    checks = desk.rows(
        "SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'",
        table,
    )
    [states_check] = [c["text"] for c in checks if c["text"].startswith("CHECK ((state = ANY")]
    known = set(re.findall(r"'([a-z-]+)'::text", states_check))
    assert states <= known
    if table in ("case_file", "obligation", "alert"):
        assert states == known


def test_what_is_done_or_on_its_way_is_out_of_reach_of_every_verb() -> None:
    assert all(not states & {"done", "sending", "void"} for states in EFFECT_VERBS.values())
    assert "unknown" not in EFFECT_VERBS["repair"]
