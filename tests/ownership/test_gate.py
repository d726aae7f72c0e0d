"""What machines may write is worked out once per plan: the kept answer is the answer of the rules, whatever the plan and whoever asks."""

from hypothesis import given
from hypothesis import strategies as st
from ownership.test_two_planes import random_case

from entrepot.ownership.gate import Gate
from entrepot.ownership.model import Act, Allowed, Scope, Write
from entrepot.ownership.rules import decide


@given(st.integers(0, 10_000))
def test_the_kept_answer_is_that_of_the_rules(seed: int) -> None:
    rules, writes = random_case(seed)
    gate = Gate(rules)
    for one in [*writes[:60], *writes[:60]]:  # the second time from what is kept
        verdict = decide(rules, Write(one.object, "", one.field, one.act, one.actor, scope=one.scope))
        away = gate.turned_away(one.actor, one.object, (one.field,), one.scope, one.act).get(one.field)
        assert away == (None if isinstance(verdict, Allowed) else verdict)


@given(st.integers(0, 10_000))
def test_what_is_always_his_is_never_turned_away(seed: int) -> None:
    rules, writes = random_case(seed)
    gate = Gate(rules)
    for one in writes[:60]:
        if gate.always(one.actor, one.object, (one.field,), one.scope.account):
            assert not gate.turned_away(one.actor, one.object, (one.field,), one.scope)


def test_answers_stay_few_however_many_sellers_and_categories_ask(seed: int = 7) -> None:
    rules, _ = random_case(seed)
    gate = Gate(rules)
    for n in range(500):
        gate.turned_away(
            "seller@mirakl-fr", "offer", ("price",), Scope("market-1", f"shop-{n}", "", f"C-{n}"), Act.UPDATE
        )
    assert len(gate._answers) == 1
