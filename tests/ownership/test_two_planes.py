"""One rule set, two planes: whatever the plan and whatever is written, record by record and as a frame they decide alike."""

import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ownership.land import LIMITS, MARKET, plan_with

from entrepot.blueprint.load import load
from entrepot.blueprint.owning import ObjectRule
from entrepot.ownership import plane
from entrepot.ownership.compile import RuleSet, compile_rules
from entrepot.ownership.model import Act, Allowed, NotAllowed, Scope, Write
from entrepot.ownership.rules import decide, limits

PARTIES = ("seller", "operator", "erp")
SYSTEMS = ("sap", "mirakl-fr")
OBJECTS = ("offer", "payout")
FIELDS = ("price", "title", "*")
DIMENSIONS: dict[str, tuple[str, ...]] = {
    "account": ("market-1", "market-2"),
    "seller": ("2001", "2002"),
    "seller_model": ("marketplace", "dropship"),
    "category": ("TOYS", "BOOKS"),
}
WRITES_EACH = 200
PLAN = load()


@dataclass
class Chance:
    """A random land: dense, so that every verdict comes up."""

    random: Random

    def actor(self) -> str:
        system = self.random.choice(("", "", *SYSTEMS))
        return self.random.choice(PARTIES) + (f"@{system}" if system else "")

    def holders(self) -> list[str]:
        return list(dict.fromkeys(self.actor() for _ in range(self.random.choice((0, 2, 3, 4)))))

    def some(self, values: Sequence[str], share: float) -> str:
        return self.random.choice(values) if self.random.random() < share else ""

    def rule(self) -> dict[str, Any]:
        where = {name: found for name, values in DIMENSIONS.items() if (found := self.some(values, 0.2))}
        rights = {act.value: self.holders() for act in Act if act is not Act.CREATE}
        combine = self.some(("all-of", "any-of", "lowest", "highest"), 0.2)
        order = [*self.random.sample(rights["update"], len(rights["update"])), *self.holders()[:1]]
        return {"where": where, "precedence": order, **rights, **({"combine": combine} if combine else {})}

    def ownership(self) -> dict[str, Any]:
        return {
            name: {
                "create": self.holders(),
                "fields": {f: [self.rule() for _ in range(self.random.randint(1, 3))] for f in FIELDS if self.random.random() < 0.8},
            }
            for name in OBJECTS
        }  # fmt: skip

    def write(self) -> Write:
        place = {name: self.some(values, 0.8) for name, values in DIMENSIONS.items()}
        set_by = self.actor() if self.random.random() < 0.7 else None
        kind = self.random.choice((*OBJECTS * 5, "unheard-of"))
        act = self.random.choice((*Act, *[Act.UPDATE] * 5))
        return Write(
            kind,
            "1",
            self.random.choice(("price", "title", "colour")),
            act,
            self.actor(),
            scope=Scope(**place),
            set_by=set_by,
        )


def compiled(ownership: dict[str, Any]) -> RuleSet:
    found = {name: ObjectRule.model_validate({"name": name, **rule}) for name, rule in ownership.items()}
    return compile_rules(PLAN.model_copy(update={"ownership": found}))


def one_by_one(rules: RuleSet, asked: Sequence[Write]) -> list[tuple[bool, str | None, str]]:
    verdicts = [decide(rules, write) for write in asked]
    return [(isinstance(v, Allowed), v.why.value if isinstance(v, NotAllowed) else None, v.rule) for v in verdicts]


def random_case(seed: int) -> tuple[RuleSet, list[Write]]:
    chance = Chance(Random(seed))
    return compiled(chance.ownership()), [chance.write() for _ in range(WRITES_EACH)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_both_planes_decide_alike_by_the_same_rule(seed: int) -> None:
    rules, asked = random_case(seed)
    told = plane.verdicts(rules, plane.frame(asked).lazy()).collect().select(plane.VERDICT).rows()
    singly = one_by_one(rules, asked)
    differ = [(write, a, b) for write, a, b in zip(asked, told, singly, strict=True) if a != b]
    assert differ == []


def test_the_random_lands_hold_every_verdict() -> None:
    """A property over cases that never come up proves nothing."""
    found = Counter(why for seed in range(20) for _, why, _ in one_by_one(*random_case(seed)))
    assert set(found) == {None, "nobody-owns", "not-owner", "lower-precedence"}
    assert min(found.values()) > 30


amounts = st.dictionaries(
    st.sampled_from(("TOYS", "BOOKS", "*")),
    st.fixed_dictionaries({}, optional={"floor": st.sampled_from(("0.50", "5", "21.00")), "ceiling": st.sampled_from(("6.00", "99.99"))}),
)  # fmt: skip
prices = st.lists(
    st.tuples(
        st.sampled_from((MARKET, "nowhere")),
        st.sampled_from(("", "TOYS", "BOOKS", "FOOD")),
        st.sampled_from(("price", "quantity")),
        st.none() | st.integers(0, 12_000),
        st.sampled_from((None, "EUR", "SEK")),
    ),
    max_size=30,
)


@settings(max_examples=40, deadline=None)
@given(amounts, prices)
def test_both_planes_find_the_same_prices_outside_the_limits(
    bounds: dict[str, Any], asked: list[tuple[str, str, str, int | None, str | None]]
) -> None:
    rules = compile_rules(plan_with(limits=bounds))
    schema = {"account": pl.String, "category": pl.String, "field": pl.String, "value": pl.Int64, "currency": pl.String}
    told = plane.outside_limits(rules, pl.DataFrame(asked, schema=schema, orient="row").lazy()).collect()

    singly = [
        limits(rules, Scope(account, category=c), field, value, money) for account, c, field, value, money in asked
    ]
    assert told.select("why", "rule").rows() == [(v.why.value, v.rule) if v else (None, "") for v in singly]


def test_what_the_frame_held_besides_stays_beside_its_verdict() -> None:
    rules = compile_rules(plan_with(limits=LIMITS))
    asked = [
        Write("offer", "1", "price", Act.UPDATE, "seller@mirakl-fr", scope=Scope(MARKET, "2001", "marketplace")),
        Write("offer", "2", "price", Act.UPDATE, "seller@mirakl-fr", scope=Scope(MARKET, "2002", "dropship")),
    ]
    told = plane.verdicts(rules, plane.frame(asked).with_columns(row=pl.Series([118, 119])).lazy()).collect()
    assert told.select("row", "allowed", "why", "rule").rows() == [
        (118, True, None, "ownership.offer.fields.price[1]"),
        (119, False, "not-owner", "ownership.offer.fields.price[0]"),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_a_plan_with_more_kinds_of_writes_than_64_bits_count_is_decided_the_same(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plane, "INT64_MAX", 1)
    rules, asked = random_case(seed)
    told = plane.verdicts(rules, plane.frame(asked).lazy()).collect().select(plane.VERDICT).rows()
    assert told == one_by_one(rules, asked)


def test_who_decides_single_records_does_not_load_the_frame_library() -> None:
    code = "import sys, entrepot.ownership.service, entrepot.ownership.plane, entrepot.ownership.explain; print('polars' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
