"""Opening what was kept sealed: every record of it is decided once, and an envelope our own bug stumbles over stops no neighbour."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from cases.desk import Unfenced

from entrepot.inbox import service
from entrepot.inbox.model import UNOPENED, Decided, Envelope, Message, Parked, Received, Verdict
from entrepot.inbox.service import Inbox, keep, nothing_sealed
from entrepot.inbox.store import DECIDE_DUE_SQL, waiting
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Conn, Ctx, Points
from entrepot.kernel.errors import OurBug

ACCOUNT = "mirakl-fr/operator"
NINE = [f"O-{n}" for n in range(1, 10)]


@dataclass
class Lane(Unfenced):
    account: str = ACCOUNT


@dataclass
class Desk:
    """Reads an envelope as orders named in it, a space between them; fails at those a test names."""

    ctx: Ctx
    broken: set[str] = field(default_factory=set)
    decided: list[str] = field(default_factory=list)
    parked: list[tuple[str, str, str]] = field(default_factory=list)  # kind, mode, cause

    def read(self, account: str, body: bytes) -> Sequence[Received]:
        names = body.decode().split()
        if self.broken & set(names):
            raise KeyError(names[0])
        return [
            Received("order", name, "", name.encode(), n, f"basket:{name}", "order-acceptance")
            for n, name in enumerate(names)
        ]

    def decide(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> Sequence[Verdict]:
        self.decided += [m.external_id for m in messages]
        return [Decided()] * len(messages)

    def park(self, ctx: Ctx, conn: Conn, parked: Sequence[tuple[Message, Parked]]) -> None:
        self.parked += [(message.kind, why.mode, why.cause) for message, why in parked]

    def keep(self, *bodies: str, account: str = ACCOUNT) -> list[str]:
        return keep(self.ctx, [Envelope(account, "webhook", "/hooks/mirakl-fr", body.encode()) for body in bodies])

    def drain(self, account: str = ACCOUNT) -> int:
        return Inbox({"order": self.decide}, self.park, read=self.read).drain(self.ctx, Lane(account))

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        with self.ctx.db.transaction() as conn:
            return conn.execute(sql, values).fetchall()

    def due(self) -> list[str]:
        with self.ctx.db.transaction() as conn:
            return [row["account"] for row in conn.execute(DECIDE_DUE_SQL, {"now": self.ctx.clock.now()}).fetchall()]

    def sealed(self) -> int:
        return len(self.rows("SELECT id FROM envelope WHERE sealed"))


@pytest.fixture
def desk(ctx: Ctx) -> Desk:
    return Desk(ctx)


def test_what_is_kept_is_due_at_once_and_decided_by_one_drain(desk: Desk) -> None:
    kept = desk.keep("O-1 O-2", "O-3")
    assert (desk.due(), desk.sealed(), desk.rows("SELECT id FROM message")) == ([ACCOUNT], 2, [])
    assert desk.drain() == 3
    assert (desk.decided, desk.sealed(), desk.due()) == (["O-1", "O-2", "O-3"], 0, [])
    found = desk.rows("SELECT envelope_id, position FROM message ORDER BY external_id")
    assert [(row["envelope_id"], row["position"]) for row in found] == [(kept[0], 0), (kept[0], 1), (kept[1], 0)]


def test_an_order_told_twice_is_decided_once_and_counted_twice(desk: Desk) -> None:
    desk.keep("O-1", "O-1")
    desk.drain()
    desk.keep("O-1")
    desk.drain()
    assert (desk.decided, desk.rows("SELECT seen FROM message")) == (["O-1"], [{"seen": 3}])
    assert len(desk.rows("SELECT id FROM envelope")) == 3


def test_an_order_counts_as_received_when_it_came_not_when_it_was_opened(desk: Desk, clock: ManualClock) -> None:
    came = clock.now()
    desk.keep("O-1")
    clock.advance(7200)
    desk.drain()
    assert desk.rows("SELECT received_at, due_at FROM message") == [{"received_at": came, "due_at": came}]


def test_news_without_a_record_is_kept_and_is_no_message(desk: Desk) -> None:
    desk.keep("")
    assert desk.drain() == 0
    assert (desk.sealed(), desk.rows("SELECT id FROM message"), desk.due()) == (0, [], [])


def test_envelopes_of_another_account_are_no_business_of_this_lane(desk: Desk) -> None:
    desk.keep("O-1", account="mirakl-de/operator")
    assert (desk.drain(), desk.sealed()) == (0, 1)
    assert (desk.drain("mirakl-de/operator"), desk.sealed()) == (1, 0)


def test_more_than_one_transaction_of_envelopes_is_opened_oldest_first(
    desk: Desk, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "OPENED_TOGETHER", 2)
    for name in NINE:
        desk.keep(name)
        clock.advance(1)
    desk.drain()
    assert (desk.decided, desk.sealed()) == (NINE, 0)


@pytest.mark.parametrize("broken", NINE)
def test_one_envelope_our_bug_cannot_open_is_a_case_and_its_eight_neighbours_are_decided(
    desk: Desk, broken: str
) -> None:
    desk.keep(*NINE)
    desk.broken = {broken}
    desk.drain()
    assert sorted(desk.decided) == [name for name in NINE if name != broken]
    assert desk.parked == [(UNOPENED, "poison-message", f"KeyError: '{broken}'")]
    assert (desk.sealed(), desk.due()) == (0, [])


def test_once_the_bug_is_mended_trying_again_opens_it(desk: Desk) -> None:
    desk.keep("O-1 O-2")
    desk.broken = {"O-2"}
    desk.drain()
    desk.broken = set()
    desk.rows("UPDATE message SET state = 'new' RETURNING id")
    assert (desk.drain(), desk.due()) == (1, [ACCOUNT])
    desk.drain()
    assert sorted(desk.decided) == ["O-1", "O-2"]
    [envelope] = desk.rows("SELECT count(DISTINCT envelope_id) AS n FROM message")
    assert envelope == {"n": 1}


@pytest.mark.parametrize("point", ["open.before-commit", "open.committed"])
def test_who_dies_while_opening_leaves_each_envelope_to_be_opened_once(desk: Desk, point: str) -> None:
    class Killed(BaseException):
        pass

    class Dies(Points):
        def reach(self, name: str) -> None:
            if name == point:
                raise Killed

    desk.keep(*NINE)
    desk.ctx.points = Dies()
    with pytest.raises(Killed):
        desk.drain()
    desk.ctx.points = Points()
    desk.drain()
    assert (sorted(desk.decided), desk.sealed()) == (NINE, 0)
    assert {row["seen"] for row in desk.rows("SELECT seen FROM message")} == {1}


def test_what_waits_is_counted_sealed_or_not_and_no_further_than_asked(desk: Desk) -> None:
    desk.keep("O-1", "O-2")
    with desk.ctx.db.transaction() as conn:
        assert [waiting(conn, ACCOUNT, n) for n in (1, 2, 5)] == [1, 2, 2]
        assert waiting(conn, "mirakl-de/operator", 5) == 0


def test_an_inbox_that_was_told_nothing_about_sealed_envelopes_says_so() -> None:
    with pytest.raises(OurBug, match="how this account's envelopes are opened"):
        nothing_sealed(ACCOUNT, b"{}")
