"""The record plane, pure: who may, which rule fits, what a price may be, how parts are combined, what is large."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ownership.land import ERP, LIMITS, MARKET, OFFER, OPERATOR, PIM, SELLER, plan_with, scope, wants

from entrepot.kernel.errors import OwnerDecides
from entrepot.ownership.compile import FieldRights, Holder, RuleSet, compile_rules
from entrepot.ownership.explain import rule_words
from entrepot.ownership.model import Act, Allowed, Effective, NotAllowed, Scope, Value, Why, Write
from entrepot.ownership.rules import combined, decide, enforcement, fallback, is_large, limits, rule_for, scope_of
from entrepot.ownership.states import CORRECTION_MOVES, OVERRIDE_MOVES, CorrectionState, OverrideState, may_come_from

RULES = compile_rules(plan_with())


def verdict(field: str, act: Act, actor: str, seller: str = "2001", set_by: str | None = None) -> Allowed | NotAllowed:
    asked = wants(field, 1, actor, act, seller=seller)
    return decide(RULES, Write("offer", "O-1", field, act, actor, 1, asked.scope, set_by))


@pytest.mark.parametrize(
    ("field", "act", "actor", "may"),
    [
        ("price", Act.UPDATE, "seller", True),
        ("price", Act.UPDATE, SELLER, True),
        ("price", Act.UPDATE, OPERATOR, False),
        ("price", Act.HOLD, "operator", True),
        ("price", Act.HOLD, "customer-care", False),
        ("price", Act.OVERRIDE, "operator", False),
        ("price", Act.CORRECT, "seller", True),
        ("price", Act.REQUEST, "customer-care", True),
        ("category", Act.OVERRIDE, "operator", True),
        ("anything-else", Act.UPDATE, "seller", True),
        ("anything-else", Act.UPDATE, PIM, False),
        ("", Act.CREATE, "seller", True),
        ("", Act.CREATE, "operator", False),
    ],
)
def test_a_right_is_given_by_field_and_party(field: str, act: Act, actor: str, may: bool) -> None:
    assert isinstance(verdict(field, act, actor), Allowed) is may


def test_a_party_through_one_system_is_not_the_party_through_another() -> None:
    sap = Holder("erp", "sap")
    assert sap.covers(Holder("erp", "sap"))
    assert not sap.covers(Holder("erp", "other"))
    assert not sap.covers(Holder("erp"))  # through which system is not known
    assert Holder("erp").covers(sap)


def test_the_first_rule_whose_scope_fits_counts_and_what_is_not_known_fits_none() -> None:
    def path(place: Scope) -> str:
        found = rule_for(RULES.objects["offer"], "price", place)
        return found.path if found else ""

    assert path(scope(model="dropship")) == "ownership.offer.fields.price[0]"
    assert path(scope(model="marketplace")) == "ownership.offer.fields.price[1]"
    assert path(Scope(MARKET)) == "ownership.offer.fields.price[1]"


def test_a_seller_brings_the_model_the_plan_names_for_him() -> None:
    assert scope_of(RULES, MARKET, "2002", "TOYS") == Scope(MARKET, "2002", "dropship", "TOYS")
    assert scope_of(RULES, MARKET, "2001").seller_model == "marketplace"
    assert scope_of(RULES, MARKET).seller_model == ""


def test_a_refusal_says_who_may_and_whether_one_may_ask() -> None:
    refused = verdict("price", Act.UPDATE, OPERATOR)
    assert refused == NotAllowed(
        Why.NOT_OWNER,
        "operator@mirakl-fr may not update the price of an offer; seller may",
        "ownership.offer.fields.price[1]",
        ("seller",),
        may_request=True,
        exceptions="supplier-operations",
    )


def test_what_nobody_owns_carries_what_an_ownership_question_needs() -> None:
    unknown = decide(RULES, Write("pallet", "1", "weight", Act.UPDATE, ERP))
    assert unknown == NotAllowed(Why.NOBODY_OWNS, "the plan does not say who owns a pallet")
    empty = verdict("category", Act.HOLD, "operator")
    assert isinstance(empty, NotAllowed)
    assert (empty.why, empty.rule, empty.exceptions) == (
        Why.NOBODY_OWNS,
        "ownership.offer.fields.category[0]",
        "supplier-operations",
    )


def test_precedence_holds_the_lower_back_and_never_the_higher_nor_somebody_who_has_lost_the_right() -> None:
    assert isinstance(verdict("title", Act.UPDATE, SELLER, set_by=SELLER), Allowed)
    assert isinstance(verdict("title", Act.UPDATE, PIM, set_by=SELLER), Allowed)
    lower = verdict("title", Act.UPDATE, SELLER, set_by=PIM)
    assert isinstance(lower, NotAllowed)
    assert (lower.why, lower.words) == (
        Why.LOWER_PRECEDENCE,
        "pim@akeneo has set the title of an offer and comes before seller@mirakl-fr",
    )
    assert isinstance(verdict("title", Act.UPDATE, SELLER, set_by=ERP), Allowed)


# --- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "minor", "why"),
    [
        ("TOYS", 2099, Why.UNDER_FLOOR),
        ("TOYS", 2100, None),
        ("TOYS", 50000, None),
        ("TOYS", 50001, Why.ABOVE_CEILING),
        ("BOOKS", 499, Why.UNDER_FLOOR),
        ("BOOKS", 10**9, None),  # its own limits, whole: no ceiling from `*`
        ("FOOD", 99, Why.UNDER_FLOOR),
        ("", 99, Why.UNDER_FLOOR),
    ],
)
def test_a_price_is_held_against_the_limits_of_its_category(category: str, minor: int, why: Why | None) -> None:
    found = limits(RULES, scope(category=category), "price", minor, "EUR")
    assert (found.why if found else None) == why


def test_a_limit_is_in_the_accounts_currency() -> None:
    found = limits(RULES, scope(), "price", 2500, "SEK")
    assert found is not None
    assert (found.why, found.words) == (
        Why.OTHER_CURRENCY,
        "SEK is not the currency of mirakl-fr/operator, which is EUR",
    )
    assert limits(RULES, scope(), "price", 2500) is None


@pytest.mark.parametrize(("field", "value"), [("quantity", 1), ("price", None), ("price", "cheap"), ("price", True)])
def test_what_is_no_price_has_no_limits(field: str, value: Value) -> None:
    assert limits(RULES, scope(), field, value) is None


def test_an_account_the_plan_does_not_hold_limits_nothing() -> None:
    assert limits(RULES, Scope("elsewhere"), "price", 1) is None


def test_a_limit_that_is_no_amount_is_a_mistake_of_the_plan() -> None:
    with pytest.raises(OwnerDecides, match="more digits than EUR knows"):
        compile_rules(plan_with(limits={"TOYS": {"floor": "21.005"}}))


@given(st.sampled_from(sorted(LIMITS)), st.integers(0, 10**6), st.integers(0, 10**6))
def test_between_two_good_prices_every_price_is_good(category: str, one: int, other: int) -> None:
    good = [minor for minor in (one, other) if limits(RULES, scope(category=category), "price", minor) is None]
    if len(good) == 2:
        assert limits(RULES, scope(category=category), "price", sum(good) // 2) is None


# --- combined, effective, large --------------------------------------------------------------------------------------

parts = st.dictionaries(
    st.sampled_from(["seller", "operator@a", "operator@b", "erp"]), st.none() | st.integers(-5, 5) | st.booleans()
)


def rights(combine: str) -> FieldRights:
    none: dict[Act, tuple[Holder, ...]] = dict.fromkeys(Act, ())
    return FieldRights("x", (), {**none, Act.UPDATE: (Holder("seller"), Holder("operator"))}, (), combine)


@given(parts)
def test_combined_values_are_what_their_name_says_over_those_who_still_may(of: dict[str, Value]) -> None:
    counted = [v for actor, v in of.items() if not actor.startswith("erp") and v is not None]
    assert combined(rights("all-of"), of) == (all(counted) if counted else None)
    assert combined(rights("any-of"), of) == (any(counted) if counted else None)
    numbers = [int(v) for v in counted if not isinstance(v, str)]
    assert combined(rights("lowest"), of) == (min(numbers) if numbers else None)
    assert combined(rights("highest"), of) == (max(numbers) if numbers else None)


@given(
    st.dictionaries(
        st.sampled_from(["seller", "operator"]),
        st.none() | st.integers() | st.sampled_from(["", "low", "9"]) | st.booleans(),
    )
)
def test_bad_data_does_not_stop_a_combination(of: dict[str, Value]) -> None:
    for combine in ("all-of", "any-of", "lowest", "highest"):
        combined(rights(combine), of)


@pytest.mark.parametrize(
    ("before", "after", "large"),
    [
        (2500, 3000, False),
        (2500, 3001, True),
        (2500, 2000, False),
        (2500, 1999, True),
        (None, 1, True),
        (0, 1, True),
        (0, 0, False),
        ("TOYS", "BOOKS", False),
        (True, False, False),
    ],
)
def test_a_change_is_large_when_a_number_moves_by_more_than_the_plan_says(
    before: Value, after: Value, large: bool
) -> None:
    assert is_large(before, after, 20) is large


def test_an_object_is_sellable_when_nothing_holds_it_and_nobody_has_switched_it_off() -> None:
    assert Effective("a", "offer", "1", {}).sellable
    assert not Effective("a", "offer", "1", {"active": False}).sellable
    assert not Effective("a", "offer", "1", {}, {"hold_1": "why"}).sellable


# --- what the plan says besides --------------------------------------------------------------------------------------


def with_offer(**changes: object) -> RuleSet:
    return compile_rules(plan_with({**OFFER, **changes}))


def test_enforcement_is_as_the_plan_says_else_before_where_we_are_in_the_path() -> None:
    assert [enforcement(RULES, "offer", one) for one in ("feed", "api", "console", "observed")] == ["before"] * 3 + [
        "after"
    ]
    assert enforcement(with_offer(enforcement={"feed": "after"}), "offer", "feed") == "after"
    assert enforcement(RULES, "pallet", "observed") == "after"


def test_a_silent_source_falls_back_as_the_plan_says() -> None:
    assert fallback(RULES, "offer") == ("hold-last-known", "")
    assert fallback(with_offer(fallback="use:erp@sap"), "offer") == ("use", "erp@sap")
    assert fallback(RULES, "pallet") == ("park", "")


def test_a_rule_is_told_as_a_sentence() -> None:
    owned = RULES.objects["offer"]
    assert rule_words(rule_for(owned, "title", scope()), "title") == (
        "pim or seller sets it; operator may lay another over it; seller may correct it; in the order pim before seller"
    )
    assert rule_words(rule_for(owned, "price", scope(model="dropship")), "price").startswith(
        "for seller model dropship: erp sets it"
    )
    assert rule_words(rule_for(owned, "active", scope()), "active").endswith("combined: all-of")
    assert rule_words(None, "weight") == "the plan gives weight to nobody here"


def test_every_state_has_its_moves_and_what_is_applied_stays_so() -> None:
    assert set(CORRECTION_MOVES) == set(CorrectionState)
    assert set(OVERRIDE_MOVES) == set(OverrideState)
    assert CORRECTION_MOVES[CorrectionState.APPLIED] == frozenset()
    assert OVERRIDE_MOVES[OverrideState.ENDED] == frozenset()
    assert set(may_come_from(CorrectionState.APPLIED)) == {"asked", "delivered", "accepted", "declined", "expired"}
