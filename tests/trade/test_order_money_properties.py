"""Whatever sellers decide, in whatever order, the buyer pays exactly for what was accepted and gets the rest of the hold back."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.http import HttpAnswer, HttpRequest
from entrepot.kernel.ids import Ids
from entrepot.trade.order import service
from entrepot.trade.order.book import Basket, Book, Leg
from entrepot.trade.order.model import BasketAsked, BasketLineAsked, LineSeen, OrderSeen
from entrepot.trade.order.rules import (
    CapturePolicy,
    Conflict,
    all_decided,
    broken_invariants,
    decide_captures,
    decide_release,
)
from entrepot.trade.order.service import Applied
from entrepot.trade.order.states import BASKET_MOVES, LOST, BasketState, LegState, LineState

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
BASKET = "C-1"
policies = pytest.mark.parametrize("policy", list(CapturePolicy))


class Nothing:
    """No database and no network: the rules and the book need neither."""

    def transaction(self) -> AbstractContextManager[Conn]:
        raise AssertionError("the book is in memory")

    def send(self, request: HttpRequest) -> HttpAnswer:
        raise AssertionError("nobody is called")


def context() -> Ctx:
    clock = ManualClock(START)
    return Ctx(Nothing(), clock, Ids(lambda: int(START.timestamp() * 1000), Random(7)), Nothing())


@dataclass(frozen=True)
class Wish:
    """One line of the basket: what it costs, and whether its seller will accept it."""

    price_minor: int
    shipping_minor: int
    tax_minor: int
    accepted: bool

    @property
    def gross_minor(self) -> int:
        return self.price_minor + self.shipping_minor + self.tax_minor


@dataclass(frozen=True)
class Part:
    """One seller's leg. `expires`: nobody decides in time. `cancelled`: taken back before it is charged."""

    lines: tuple[Wish, ...]
    expires: bool
    cancelled: bool

    @property
    def owed_minor(self) -> int:
        """What the buyer shall pay for it, said without asking the rules."""
        lost = self.expires or self.cancelled
        return 0 if lost else sum(line.gross_minor for line in self.lines if line.accepted)


minor = st.integers(0, 10**7)
wishes = st.builds(Wish, minor, st.integers(0, 2000), st.integers(0, 500), st.booleans())
parts = st.builds(
    Part,
    st.lists(wishes, min_size=1, max_size=3).map(tuple),
    st.sampled_from([False, False, False, True]),
    st.sampled_from([False, False, False, True]),
)
baskets = st.lists(parts, min_size=1, max_size=4)
OPS = ("seen", "decide", "charge", "release", "ship", "refund")
ops = st.lists(
    st.tuples(st.sampled_from(OPS), st.integers(0, 3), st.integers(0, 2), st.integers(1, 10**7)), max_size=40
)


@dataclass
class Day:
    """One basket on its way, with a second, independent record of what was charged, released and given back."""

    parts: list[Part]
    policy: CapturePolicy
    spare_minor: int = 0
    ctx: Ctx = field(default_factory=context)
    book: Book = field(default_factory=Book)
    at: datetime = START
    charged: dict[str, int] = field(default_factory=dict)
    released_minor: int = 0
    refunded_minor: int = 0

    def __post_init__(self) -> None:
        taken = service.take_basket(self.book, self.ctx, "mirakl-fr", self.asked(), "test")
        assert isinstance(taken, Basket)

    @property
    def basket(self) -> Basket:
        return self.book.baskets[BASKET]

    def leg(self, n: int) -> Leg | None:
        return self.basket.legs.get(f"O-{n}")

    def asked(self) -> BasketAsked:
        lines = tuple(
            BasketLineAsked(
                f"f{n}{m}", f"s{n}{m}", f"shop-{n}", "", "", 1, w.price_minor + w.tax_minor, w.shipping_minor
            )
            for n, part in enumerate(self.parts)
            for m, w in enumerate(part.lines)
        )
        bare = BasketAsked(BASKET, "EUR", {}, "aut-1", 0, START + timedelta(days=7), lines, START)
        return replace(bare, authorised_minor=bare.total_minor + self.spare_minor)

    # ── what the marketplace says ──

    def order(self, n: int, state: LegState, decided_at: datetime | None, words: Mapping[int, LineState]) -> OrderSeen:
        self.at += timedelta(minutes=1)
        lines = tuple(
            LineSeen(f"O-{n}-{m}", f"f{n}{m}", f"s{n}{m}", "", "", 1, w.price_minor, w.shipping_minor, w.tax_minor,
                     w.price_minor // 10, 0, words[m], words[m].value)
            for m, w in enumerate(self.parts[n].lines)
        )  # fmt: skip
        total = sum(w.gross_minor for w in self.parts[n].lines)
        return OrderSeen(f"O-{n}", BASKET, f"shop-{n}", "", state, state.value, "EUR", total, lines, START, self.at,
                         decided_at, None, None)  # fmt: skip

    def says(self, n: int, state: LegState, word: LineState, refused: LineState = LineState.REFUSED) -> None:
        """The leg's state, its accepted lines under `word`; nobody decided an expired leg."""
        part = self.parts[n]
        words = {m: word if w.accepted or word is refused else refused for m, w in enumerate(part.lines)}
        decided_at = None if part.expires or state is LegState.AWAITING_ACCEPTANCE else self.at
        seen = self.order(n, state, decided_at, words)
        applied = service.apply_order(self.book, self.ctx, "mirakl-fr", seen, window_s=3600, because="test")
        assert isinstance(applied, Applied), applied

    def seen(self, n: int) -> None:
        waiting = LineState.AWAITING_ACCEPTANCE
        if self.leg(n) is None:
            self.says(n, LegState.AWAITING_ACCEPTANCE, waiting, waiting)

    def decide(self, n: int) -> None:
        leg, part = self.leg(n), self.parts[n]
        if leg is not None and leg.state is not LegState.AWAITING_ACCEPTANCE:
            return
        if part.expires or not any(w.accepted for w in part.lines):
            self.says(n, LegState.REFUSED, LineState.REFUSED)
        elif part.cancelled:
            self.says(n, LegState.CANCELLED, LineState.CANCELLED)
        else:
            self.says(n, LegState.ACCEPTED, LineState.ACCEPTED)

    def ship(self, n: int) -> None:
        leg = self.leg(n)
        if leg is not None and leg.debited_minor and leg.state in {LegState.ACCEPTED, LegState.PART_ACCEPTED}:
            self.says(n, LegState.SHIPPED, LineState.SHIPPED)

    # ── what the gateway says ──

    def charge(self) -> None:
        for plan in decide_captures(self.basket, self.policy):
            assert not set(plan.legs) & set(self.charged), "planned again after it was charged"
            assert plan.amount_minor == sum(plan.legs.values()) > 0
            self.charged |= plan.legs
            service.charge(self.book, self.basket, plan.legs, at=self.at, because="test")

    def release(self) -> None:
        amount = decide_release(self.basket)
        if amount:
            self.released_minor += amount
            service.release(self.book, self.basket, amount, because="test")

    def refund(self, n: int, m: int, wanted: int) -> None:
        leg = self.leg(n)
        line = leg.lines.get(f"O-{n}-{m}") if leg else None
        if leg is None or line is None or not leg.debited_minor or not line.accepted_qty:
            return
        amount = min(wanted, line.gross_minor - line.refunded_minor)
        if amount:
            self.refunded_minor += amount
            service.refund(self.book, self.basket, leg, line.order_line_id, amount, because="test")

    def does(self, op: str, n: int, m: int, amount: int) -> None:
        n %= len(self.parts)
        match op:
            case "charge":
                self.charge()
            case "release":
                self.release()
            case "refund":
                self.refund(n, m, amount)
            case "seen":
                self.seen(n)
            case "decide":
                self.decide(n)
            case "ship":
                self.ship(n)

    def ends(self) -> None:
        """Every seller speaks, the gateway does what is left."""
        for n in range(len(self.parts)):
            self.decide(n)
        self.charge()
        self.release()

    def check(self) -> None:
        basket = self.basket
        assert broken_invariants(basket) == []
        assert basket.held_minor >= 0
        assert basket.captured_minor + basket.released_minor + basket.held_minor == basket.authorised_minor
        assert basket.captured_minor == sum(self.charged.values())
        assert basket.released_minor == self.released_minor
        assert basket.refunded_minor == self.refunded_minor <= basket.captured_minor
        assert not self.released_minor or all_decided(basket), "released while a seller may still accept"


@policies
@settings(deadline=None)
@given(baskets, ops, st.integers(0, 500))
def test_the_money_of_a_basket_adds_up_after_every_step(
    policy: CapturePolicy, wanted: list[Part], steps: list[tuple[str, int, int, int]], spare_minor: int
) -> None:
    day = Day(wanted, policy, spare_minor)
    for step in steps:
        day.does(*step)
        day.check()
    day.ends()
    day.check()


@policies
@settings(deadline=None)
@given(baskets, ops, st.integers(0, 500))
def test_the_buyer_pays_exactly_for_the_accepted_lines_and_gets_the_rest_back(
    policy: CapturePolicy, wanted: list[Part], steps: list[tuple[str, int, int, int]], spare_minor: int
) -> None:
    day = Day(wanted, policy, spare_minor)
    for step in steps:
        day.does(*step)
    day.ends()
    owed = sum(part.owed_minor for part in wanted)
    standing = [leg for leg in day.basket.legs.values() if leg.state not in LOST]
    assert day.basket.captured_minor == sum(leg.accepted_minor for leg in standing) == owed
    assert (day.basket.released_minor, day.basket.held_minor) == (day.basket.authorised_minor - owed, 0)
    assert (decide_captures(day.basket, policy), decide_release(day.basket)) == ([], 0)


@settings(deadline=None)
@given(baskets, st.permutations(range(4)))
def test_both_capture_policies_take_the_same_money_and_only_the_number_of_charges_differs(
    wanted: list[Part], order: list[int]
) -> None:
    def charged(policy: CapturePolicy) -> dict[str, int]:
        day = Day(wanted, policy)
        for n in order:
            if n < len(wanted):
                day.decide(n)
                day.charge()
        day.ends()
        return day.charged

    assert charged(CapturePolicy.PER_LEG) == charged(CapturePolicy.WHEN_ALL_DECIDED)


@settings(deadline=None)
@given(baskets, st.permutations(range(4)))
def test_one_charge_for_all_is_not_planned_before_the_last_seller_has_spoken(
    wanted: list[Part], order: list[int]
) -> None:
    day = Day(wanted, CapturePolicy.WHEN_ALL_DECIDED)
    sellers = [n for n in order if n < len(wanted)]
    for n in sellers[:-1]:
        day.decide(n)
        assert decide_captures(day.basket, day.policy) == []
        assert decide_release(day.basket) == 0
    day.decide(sellers[-1])
    plans = decide_captures(day.basket, day.policy)
    assert [plan.reference for plan in plans] == ([BASKET] if any(part.owed_minor for part in wanted) else [])


@policies
@settings(deadline=None)
@given(baskets, ops)
def test_a_basket_moves_along_its_table(
    policy: CapturePolicy, wanted: list[Part], steps: list[tuple[str, int, int, int]]
) -> None:
    day = Day(wanted, policy)
    for step in steps:
        day.does(*step)
    day.ends()
    moves = [(e.from_state, e.to_state) for e in day.book.events if e.what == "basket moved"]
    assert [m for m in moves if BasketState(m[1]) not in BASKET_MOVES[BasketState(m[0])]] == []


@policies
@settings(deadline=None)
@given(baskets)
def test_a_message_heard_twice_changes_no_money(policy: CapturePolicy, wanted: list[Part]) -> None:
    day = Day(wanted, policy)
    for n in range(len(wanted)):
        day.seen(n)
    day.ends()
    before = (day.basket.captured_minor, day.basket.released_minor, day.basket.state)
    assert service.take_basket(day.book, day.ctx, "mirakl-fr", day.asked(), "again") is day.basket
    day.ends()
    assert (day.basket.captured_minor, day.basket.released_minor, day.basket.state) == before
    day.check()


def one_line(accepted: bool = True, price_minor: int = 1000) -> Part:
    return Part((Wish(price_minor, 0, 0, accepted),), expires=False, cancelled=False)


@pytest.mark.parametrize(
    "other", [{"authorisation_id": "aut-2"}, {"currency": "USD"}, {"lines": ()}], ids=["hold", "currency", "value"]
)
def test_the_same_basket_with_other_money_is_a_contradiction(other: dict[str, Any]) -> None:
    day = Day([one_line()], CapturePolicy.PER_LEG)
    again = service.take_basket(day.book, day.ctx, "mirakl-fr", replace(day.asked(), **other), "test")
    assert isinstance(again, Conflict) and again.mode == "duplicate-other-content"


def test_a_basket_that_costs_more_than_is_held_is_not_taken() -> None:
    asked = Day([one_line()], CapturePolicy.PER_LEG).asked()
    book = Book()
    taken = service.take_basket(book, context(), "mirakl-fr", replace(asked, authorised_minor=999), "test")
    assert isinstance(taken, Conflict) and taken.mode == "basket-money-mismatch"
    assert (book.baskets, book.events) == ({}, [])


@policies
def test_a_basket_without_a_hold_of_ours_is_never_charged_or_released(policy: CapturePolicy) -> None:
    """Found at the marketplace: no storefront handed it to us, so there is no authorisation to take from."""
    day = Day([one_line()], policy)
    day.book = Book()
    seen = day.order(0, LegState.ACCEPTED, START, {0: LineState.ACCEPTED})
    applied = service.apply_order(day.book, day.ctx, "mirakl-fr", seen, window_s=3600, because="test")
    assert isinstance(applied, Applied) and applied.found
    assert (decide_captures(applied.basket, policy), decide_release(applied.basket)) == ([], 0)


def test_a_leg_charged_twice_over_would_be_noticed() -> None:
    day = Day([one_line(), one_line()], CapturePolicy.PER_LEG)
    day.ends()
    day.basket.captured_minor += 1000
    assert len(broken_invariants(day.basket)) == 2


def test_more_given_back_than_was_charged_would_be_noticed() -> None:
    day = Day([one_line()], CapturePolicy.PER_LEG)
    day.ends()
    service.refund(day.book, day.basket, day.basket.legs["O-0"], "O-0-0", 1001, because="test")
    assert broken_invariants(day.basket) == ["order O-0: refunded 1001 of 1000 captured"]
