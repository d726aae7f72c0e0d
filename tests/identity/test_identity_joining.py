"""Which system calls what by which name: nothing is joined by guessing, and no environment reaches into another."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.app import foreign_records
from entrepot.blueprint.load import load
from entrepot.blueprint.model import Plan
from entrepot.cases import service as cases
from entrepot.flows.consequences import tell_conflicts
from entrepot.identity import store
from entrepot.identity.model import Ambiguous, Identifier, Joined, NotKnown
from entrepot.identity.rules import PREFIXES, foreign_ids, is_field, join_map, other_environment, prefix_for
from entrepot.identity.service import path_of, resolve
from entrepot.inbox.model import Message, Parked
from entrepot.kernel.ctx import Ctx

PLAN = load()
MAP = join_map(PLAN)
MARKET, GATEWAY, SHOP = "mirakl-fr/operator", "gateway/main", "storefront/main"
LEG = (MARKET, "mirakl_order_id", "C-1-A", "leg", "leg_1")
Join = Callable[..., list[str]]


@pytest.fixture
def join(ctx: Ctx) -> Join:
    """Remember identifiers; what could not be, in words."""

    def remember(*identifiers: tuple[str, str, str, str, str]) -> list[str]:
        with ctx.db.transaction() as conn:
            return [conflict.words for conflict in store.join(conn, identifiers)]

    return remember


# ── joining ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_said_twice_is_said_once(ctx: Ctx, join: Join) -> None:
    assert (join(LEG, LEG), join(LEG)) == ([], [])
    with ctx.db.transaction() as conn:
        assert conn.execute("SELECT count(*) AS n FROM identifier").fetchone() == {"n": 1}


def test_a_value_that_names_another_object_of_the_kind_is_refused_aloud_and_what_stands_stays(
    ctx: Ctx, join: Join
) -> None:
    join(LEG)
    [said] = join((*LEG[:4], "leg_2"))
    assert "mirakl_order_id C-1-A of mirakl-fr/operator names leg leg_1 already; leg leg_2 carries it too" in said
    with ctx.db.transaction() as conn:
        assert store.exact(conn, *LEG[:3]) == Identifier(*LEG)


def test_two_claims_in_one_batch_are_a_conflict_as_well(join: Join) -> None:
    said = join(LEG, (*LEG[:4], "leg_2"))
    assert len(said) == 1
    assert "leg leg_2 carries it too" in said[0]


def test_another_account_another_scheme_or_another_kind_is_no_conflict(join: Join) -> None:
    join(LEG)
    assert join(("amazon-de/main", *LEG[1:4], "leg_2"), (MARKET, "refund_id", "C-1-A", "leg", "leg_3")) == []
    assert join((*LEG[:3], "basket", "bas_1")) == []


def test_a_conflict_becomes_a_case_with_an_owner(ctx: Ctx, join: Join) -> None:
    join(LEG)
    with ctx.db.transaction() as conn:
        tell_conflicts(conn, ctx, PLAN, store.join(conn, [(*LEG[:4], "leg_2")]))
        [case] = conn.execute("SELECT * FROM case_file").fetchall()
    assert (case["mode"], case["owner"], case["object_id"]) == ("record-unjoined", "commerce-architect", "leg_2")
    assert "names leg leg_1 already" in case["cause_text"]
    assert case["details"]["stands"] == "leg_1"


# ── resolving ────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_said_before_counts_first(ctx: Ctx, join: Join) -> None:
    join(LEG)
    with ctx.db.transaction() as conn:
        found = resolve(conn, MAP, *LEG[:3])
    assert found == Joined("leg", "leg_1", ("mirakl-fr/operator calls it mirakl_order_id C-1-A",))


def test_the_plan_says_that_the_gateways_reference_is_the_marketplaces_order(ctx: Ctx, join: Join) -> None:
    join(LEG)
    with ctx.db.transaction() as conn:
        found = resolve(conn, MAP, GATEWAY, "reference", "C-1-A")
    assert found == Joined(
        "leg", "leg_1", ("gateway/main calls it reference C-1-A", "mirakl-fr/operator calls it mirakl_order_id C-1-A")
    )


def test_a_name_that_no_rule_joins_finds_nothing_even_when_the_value_is_known(ctx: Ctx, join: Join) -> None:
    join(LEG)
    with ctx.db.transaction() as conn:
        assert resolve(conn, MAP, GATEWAY, "device", "C-1-A") == NotKnown("device C-1-A at gateway/main")


def test_what_nobody_knows_says_what_was_looked_for_and_where(ctx: Ctx, join: Join) -> None:
    with ctx.db.transaction() as conn:
        found = resolve(conn, MAP, GATEWAY, "reference", "C-9")
    assert isinstance(found, NotKnown)
    assert found.sought.startswith("reference C-9 at gateway/main, and leg by mirakl-fr order_id, ")
    assert found.sought.endswith("refund by mirakl-fr refund_id, refund by erp credit_note")


def test_two_candidates_are_never_joined_by_guessing(ctx: Ctx, join: Join) -> None:
    join(LEG, ("mirakl-de/operator", "mirakl_order_id", "C-1-A", "leg", "leg_9"))
    with ctx.db.transaction() as conn:
        found = resolve(conn, MAP, GATEWAY, "reference", "C-1-A")
    assert isinstance(found, Ambiguous)
    assert [one.object_id for one in found.candidates] == ["leg_9", "leg_1"]


def test_an_object_tells_which_system_calls_it_what(ctx: Ctx, join: Join) -> None:
    join(LEG, (GATEWAY, "capture_id", "cap_7", "leg", "leg_1"))
    with ctx.db.transaction() as conn:
        assert path_of(conn, "leg", "leg_1") == (
            "gateway/main calls it capture_id cap_7",
            "mirakl-fr/operator calls it mirakl_order_id C-1-A",
        )


@pytest.mark.parametrize(
    ("written", "scheme", "same"),
    [
        ("order_id", "mirakl_order_id", True),
        ("sale.reference", "reference", True),
        ("reference", "reference", True),
        ("order_id", "reorder_id", False),
        ("id", "order_id", True),
        ("order_id", "id", False),
    ],
)
def test_their_field_and_our_scheme_are_one_when_one_ends_like_the_other(written: str, scheme: str, same: bool) -> None:
    assert is_field(written, scheme) is same


# ── environments ─────────────────────────────────────────────────────────────────────────────────────────────


def production(plan: Plan) -> Plan:
    systems = {name: system.model_copy(update={"environment": "production"}) for name, system in plan.systems.items()}
    return plan.model_copy(update={"systems": systems})


def order(order_id: str, body: object = None) -> Message:
    content = json.dumps({"order_id": order_id} if body is None else body).encode()
    root = f"basket:{order_id[:-2]}"
    return Message("msg_1", 1, MARKET, "order", order_id, "1", root, "order-acceptance", content, datetime(2026, 3, 2, tzinfo=UTC), 0)  # fmt: skip


def test_ids_that_we_make_carry_the_environment_outside_production_only() -> None:
    assert prefix_for(PLAN.identifiers, "sandbox") == "sandbox-"
    assert prefix_for(PLAN.identifiers, "production") == ""
    assert prefix_for({}, "sandbox") == ""


@pytest.mark.parametrize(
    "message",
    [
        order("sandbox-C-1-A"),
        order("C-1-A", {"order_id": "C-1-A", "lines": [{"payment": {"reference": "sandbox-C-1-A"}}]}),
        order("C-1-A", [{"commercial_id": "sandbox-C-1"}]),
    ],
    ids=["its own id", "a reference inside", "a list"],
)
def test_a_record_of_the_sandbox_is_refused_in_production_and_never_joined(message: Message) -> None:
    why = foreign_records(production(PLAN), "production")(message)
    assert isinstance(why, Parked)
    assert why.mode == "record-unjoined"
    assert "belongs to another environment than production" in why.cause
    assert "sandbox-C-1" in why.cause


@pytest.mark.parametrize(
    "message",
    [
        order("C-1-A"),
        order("C-1-A", {"order_id": "C-1-A", "title": "sandbox-toys for children"}),
        order("C-1-A", {"order_id": "C-1-A", "note": "see sandbox-C-1-A"}),
    ],
    ids=["ours", "a title", "a note"],
)
def test_a_word_in_a_text_is_no_id(message: Message) -> None:
    assert foreign_records(production(PLAN), "production")(message) is None


def test_in_the_sandbox_nothing_is_foreign_and_without_a_rule_nothing_is_asked() -> None:
    assert foreign_records(PLAN, "sandbox")(order("sandbox-C-1-A")) is None
    bare = production(PLAN).model_copy(update={"identifiers": {}})
    assert foreign_records(bare, "production")(order("sandbox-C-1-A")) is None


@given(st.binary(max_size=80), st.sampled_from(sorted(PREFIXES)))
def test_no_content_stops_the_look_for_foreign_ids(body: bytes, environment: str) -> None:
    list(foreign_ids(PLAN.identifiers, environment, b'"sandbox-' + body))


@given(st.text(max_size=20), st.sampled_from(sorted(PREFIXES)))
def test_what_we_prefix_is_foreign_elsewhere_and_ours_at_home(value: str, environment: str) -> None:
    ours = PREFIXES[environment] + value
    assert other_environment(ours, environment) in (None, *(set(PREFIXES) - {environment}))
    if PREFIXES[environment]:
        assert other_environment(ours, environment) is None
        assert other_environment(ours, "production") == environment


def test_the_mode_it_becomes_belongs_to_business(ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        asked = cases.CaseAsked("record-unjoined", MARKET, "message", "m", cause="x")
        [case_id] = cases.open_cases(conn, ctx, PLAN, [asked])
        row = conn.execute("SELECT kind FROM case_file WHERE id = %s", (case_id,)).fetchone()
    assert row == {"kind": "business"}
