"""An account may sell in other currencies too: their prices are held against no limit of its own, on both planes alike."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ownership.land import MARKET, plan_with

from entrepot.ownership import plane
from entrepot.ownership.compile import RuleSet, compile_rules
from entrepot.ownership.model import Scope, Why
from entrepot.ownership.rules import limits


def rules_with(*also: str) -> RuleSet:
    plan = plan_with()
    account = plan.account(MARKET).model_copy(update={"also_sells_in": also})
    return compile_rules(plan.model_copy(update={"accounts": {**plan.accounts, MARKET: account}}))


@pytest.mark.parametrize(("currency", "why"), [("JPY", None), ("EUR", Why.UNDER_FLOOR), ("SEK", Why.OTHER_CURRENCY)])
def test_only_a_currency_nobody_named_is_another_one(currency: str, why: Why | None) -> None:
    found = limits(rules_with("JPY", "KWD"), Scope(MARKET), "price", 1, currency)
    assert (found.why if found else None) == why


@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from(("JPY", "KWD", "SEK"))), st.lists(st.tuples(st.integers(0, 12_000), st.sampled_from((None, "EUR", "JPY", "KWD", "SEK"))), max_size=20))  # fmt: skip
def test_both_planes_say_the_same_of_it(also: set[str], asked: list[tuple[int, str | None]]) -> None:
    rules = rules_with(*sorted(also))
    schema = {"account": pl.String, "category": pl.String, "field": pl.String, "value": pl.Int64, "currency": pl.String}
    rows = [(MARKET, "", "price", value, currency) for value, currency in asked]
    told = plane.outside_limits(rules, pl.DataFrame(rows, schema=schema, orient="row").lazy()).collect()
    singly = [limits(rules, Scope(MARKET), "price", value, currency) for value, currency in asked]
    assert told.select("why", "rule").rows() == [(v.why.value, v.rule) if v else (None, "") for v in singly]
