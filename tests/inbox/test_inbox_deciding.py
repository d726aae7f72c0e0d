"""Deciding what arrived: one bad message stops neither its page nor its neighbours, and whatever is not decided has a name and an owner."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from entrepot.inbox.model import MALFORMED, Arrival, Decided, Ignored, Message, NotYet, Parked, Received, Verdict
from entrepot.inbox.service import NOT_YET_FIRST_S, NOT_YET_TRIES_MAX, Inbox, record
from entrepot.inbox.store import set_cursor
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.errors import Busy, OurBug
from entrepot.store.locks import lock_roots

ACCOUNT = "mirakl-fr/operator"
NINE = [f"O-{n}" for n in range(1, 10)]


@dataclass
class Lane:
    """A lease that is always ours, with time for one round."""

    account: str = ACCOUNT

    def hold(self, conn: Conn) -> None:
        return None

    def renew(self, ctx: Ctx) -> None:
        return None

    def time_left(self, ctx: Ctx) -> float:
        return 20.0


class MoneyDoesNotAddUp(OurBug):
    mode = "basket-money-mismatch"


@dataclass
class Desk:
    """Decides as the test scripted by external id; every decision leaves a row, so that what is rolled back is seen to be."""

    ctx: Ctx
    clock: ManualClock
    script: dict[str, Verdict | Exception] = field(default_factory=dict)
    batches: list[list[str]] = field(default_factory=list)
    parked: list[tuple[str, str, str]] = field(default_factory=list)  # external id, mode, cause

    def decide(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> Sequence[Verdict]:
        self.batches.append([m.external_id for m in messages])
        for message in messages:
            set_cursor(conn, ACCOUNT, message.external_id, "decided", ctx.clock.now())
        verdicts = [self.script.get(m.external_id, Decided()) for m in messages]
        for verdict in verdicts:
            if isinstance(verdict, Exception):
                raise verdict
        return [v for v in verdicts if not isinstance(v, Exception)]

    def park(self, ctx: Ctx, conn: Conn, parked: Sequence[tuple[Message, Parked]]) -> None:
        self.parked += [(message.external_id, why.mode, why.cause) for message, why in parked]

    def drain(self) -> int:
        return Inbox({"order": self.decide}, self.park).drain(self.ctx, Lane())

    def arrive(
        self, *external_ids: str, kind: str = "order", flow: str = "order-acceptance", body: bytes = b""
    ) -> None:
        received = tuple(
            Received(kind, id_, "", body or id_.encode(), n, f"basket:{id_}", flow)
            for n, id_ in enumerate(external_ids)
        )
        record(self.ctx, [Arrival(ACCOUNT, "page", "/api/orders", b"page", received)])

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with self.ctx.db.transaction() as conn:
            return conn.execute(sql).fetchall()

    def states(self) -> dict[str, str]:
        return {row["external_id"]: row["state"] for row in self.rows("SELECT external_id, state FROM message")}

    def written(self) -> list[str]:
        return [row["name"] for row in self.rows("SELECT name FROM cursor ORDER BY name")]


@pytest.fixture
def desk(ctx: Ctx, clock: ManualClock) -> Desk:
    return Desk(ctx, clock)


@pytest.mark.parametrize("poison", NINE)
def test_one_poison_among_nine_is_parked_alone_and_eight_are_decided(desk: Desk, poison: str) -> None:
    desk.arrive(*NINE)
    desk.script[poison] = KeyError("price")
    assert desk.drain() == 9
    assert desk.states() == {id_: "parked" if id_ == poison else "decided" for id_ in NINE}
    assert desk.parked == [(poison, "poison-message", "KeyError: 'price'")]
    assert desk.written() == [id_ for id_ in NINE if id_ != poison]
    assert desk.drain() == 0


def test_a_page_without_poison_is_decided_at_once(desk: Desk) -> None:
    desk.arrive(*NINE)
    desk.drain()
    assert desk.batches == [NINE]


def test_the_neighbours_of_a_poison_are_found_by_halving_not_one_by_one(desk: Desk) -> None:
    desk.arrive(*NINE)
    desk.script["O-1"] = KeyError("price")
    desk.drain()
    assert [len(batch) for batch in desk.batches] == [9, 4, 2, 1, 1, 2, 5]


def test_two_poisons_on_a_page_are_two_messages_parked(desk: Desk) -> None:
    desk.arrive(*NINE)
    desk.script |= {"O-2": KeyError("price"), "O-9": ValueError("no currency")}
    desk.drain()
    assert sorted(desk.parked) == [
        ("O-2", "poison-message", "KeyError: 'price'"),
        ("O-9", "poison-message", "ValueError: no currency"),
    ]
    assert len(desk.written()) == 7


def test_an_error_that_knows_its_failure_mode_is_parked_under_it(desk: Desk) -> None:
    desk.arrive(*NINE)
    desk.script["O-5"] = MoneyDoesNotAddUp("captured 7 of 5")
    desk.drain()
    assert desk.parked == [("O-5", "basket-money-mismatch", "MoneyDoesNotAddUp: captured 7 of 5")]


def test_a_poison_whose_complaint_no_database_can_write_is_parked_all_the_same(desk: Desk) -> None:
    desk.arrive(*NINE)
    desk.script["O-5"] = ValueError("their word \0 is unknown")
    desk.drain()
    assert desk.states()["O-5"] == "parked"
    assert desk.parked == [("O-5", "poison-message", "ValueError: their word \N{REPLACEMENT CHARACTER} is unknown")]


def test_a_word_no_database_can_write_does_not_change_why_a_message_is_parked(desk: Desk) -> None:
    desk.arrive("O-1")
    desk.script["O-1"] = Parked("unknown-word", "“\0” is a word we do not know")
    desk.drain()
    assert desk.parked == [("O-1", "unknown-word", "“\N{REPLACEMENT CHARACTER}” is a word we do not know")]


def test_a_lock_held_by_somebody_is_nobodys_poison(desk: Desk) -> None:
    desk.arrive(*NINE)
    desk.script["O-5"] = Busy("held")
    with pytest.raises(Busy):
        desk.drain()
    assert (desk.parked, set(desk.states().values()), desk.written()) == ([], {"new"}, [])


def test_what_it_speaks_of_is_waited_for_a_bounded_number_of_times(desk: Desk) -> None:
    desk.arrive("O-1")
    desk.script["O-1"] = NotYet("no such order yet")
    for looked in range(NOT_YET_TRIES_MAX):
        assert desk.drain() == 1
        assert (desk.states(), len(desk.batches)) == ({"O-1": "new"}, looked + 1)
        assert desk.drain() == 0  # not before its time
        desk.clock.advance(NOT_YET_FIRST_S * 2**8)
    desk.drain()
    assert desk.states() == {"O-1": "parked"}
    assert desk.parked == [("O-1", "record-unjoined", f"looked {NOT_YET_TRIES_MAX} times: no such order yet")]


def test_the_waits_for_what_is_not_there_yet_grow(desk: Desk) -> None:
    desk.arrive("O-1")
    desk.script["O-1"] = NotYet("no such order yet")
    waits = []
    for _ in range(4):
        desk.drain()
        [row] = desk.rows("SELECT due_at FROM message")
        waits.append((row["due_at"] - desk.clock.now()).total_seconds())
        desk.clock.advance(waits[-1])
    assert waits == [20.0, 40.0, 80.0, 160.0]


def test_what_came_at_last_is_decided_like_any_other(desk: Desk) -> None:
    desk.arrive("O-1")
    desk.script["O-1"] = NotYet("no such order yet")
    desk.drain()
    desk.script.clear()
    desk.clock.advance(NOT_YET_FIRST_S)
    desk.drain()
    assert (desk.states(), desk.parked) == ({"O-1": "decided"}, [])


def test_a_message_that_waits_holds_nobody_else(desk: Desk) -> None:
    desk.arrive(*NINE)
    desk.script["O-1"] = NotYet("no such order yet")
    desk.drain()
    assert [id_ for id_, state in desk.states().items() if state != "decided"] == ["O-1"]


def test_older_news_is_ignored_with_its_reason_and_nobody_is_told(desk: Desk) -> None:
    desk.arrive("O-1")
    desk.script["O-1"] = Ignored("older than what is known")
    desk.drain()
    assert desk.rows("SELECT state, note FROM message") == [{"state": "ignored", "note": "older than what is known"}]
    assert desk.parked == []


@pytest.mark.parametrize(("state", "decided"), [("paused", {"O-2"}), ("emptying", {"O-1", "O-2"})])
def test_a_paused_flows_messages_wait_and_an_emptying_flows_do_not(desk: Desk, state: str, decided: set[str]) -> None:
    now = desk.clock.now()
    with desk.ctx.db.transaction() as conn:
        conn.execute(
            "INSERT INTO flow (name, state, reason, changed_at, until_at) VALUES ('settlement', %s, 'test', %s, %s)",
            (state, now, now),
        )
    desk.arrive("O-1", flow="settlement")
    desk.arrive("O-2")
    desk.drain()
    assert {id_ for id_, now_ in desk.states().items() if now_ == "decided"} == decided
    with desk.ctx.db.transaction() as conn:
        conn.execute("UPDATE flow SET state = 'running'")
    desk.drain()
    assert set(desk.states().values()) == {"decided"}


def test_orders_of_a_basket_somebody_holds_are_left_and_the_others_decided(desk: Desk) -> None:
    desk.arrive(*NINE)
    with desk.ctx.db.transaction() as other:
        lock_roots(other, ["basket:O-3", "basket:O-4"])
        assert desk.drain() == 7
        assert {id_ for id_, state in desk.states().items() if state == "new"} == {"O-3", "O-4"}
    assert desk.drain() == 2
    assert (set(desk.states().values()), desk.parked) == ({"decided"}, [])


def test_orders_of_another_account_are_no_business_of_this_lane(desk: Desk) -> None:
    desk.arrive("O-1")
    inbox = Inbox({"order": desk.decide}, desk.park)
    assert (inbox.drain(desk.ctx, Lane("mirakl-de/operator")), desk.states()) == (0, {"O-1": "new"})


@pytest.mark.parametrize(
    ("kind", "body", "cause"),
    [
        ("loyalty-points", b"{}", "nobody here reads messages of kind “loyalty-points”"),
        (MALFORMED, b"<html>login", "it does not say what it is about; it begins: <html>login"),
    ],
)
def test_what_nobody_here_can_read_is_parked_beside_what_can_be_read(
    desk: Desk, kind: str, body: bytes, cause: str
) -> None:
    desk.arrive("O-1")
    desk.arrive("X-1", kind=kind, body=body)
    desk.drain()
    assert desk.states() == {"O-1": "decided", "X-1": "parked"}
    assert desk.parked == [("X-1", "malformed-message", cause)]
