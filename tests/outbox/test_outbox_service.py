"""Effects: promised once, sent in order, never twice, and every ending has a name and a reader."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.outcome import Done, Later, NotThere, Outcome, ReadBack, Refused, Unknown
from entrepot.outbox.port import Detail, Effect, Limit, OutgoingEffect, Reaction
from entrepot.outbox.service import Outbox, Retry
from entrepot.outbox.store import Intent, effects_by_key, plan_effects

ACCOUNT = "gateway/main"


@dataclass
class Partner:
    """The other side: says what the test scripted, and remembers what reached it."""

    answers: list[Outcome] = field(default_factory=list)
    looks: list[ReadBack] = field(default_factory=list)
    name: str = "gateway.capture"
    settle_s: float = 30.0
    partner_key: bool = False
    money: bool = True
    limit: Limit | None = None
    can_read_back: bool = True
    sent: list[OutgoingEffect] = field(default_factory=list)
    during: Callable[[], None] = lambda: None

    def send(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[Outcome, Detail]:
        self.sent.append(effect)
        self.during()
        return (self.answers.pop(0) if self.answers else Done({"id": effect.key})), {"status": 0}

    def read_back(self, ctx: Ctx, effect: OutgoingEffect) -> tuple[ReadBack, Detail]:
        return self.looks.pop(0), {"status": 0}


@dataclass
class Lane:
    """A lease that is always ours, with time for one round."""

    account: str = ACCOUNT
    epoch: int = 1

    def hold(self, conn: Conn) -> None:
        return None

    def renew(self, ctx: Ctx) -> None:
        return None

    def time_left(self, ctx: Ctx) -> float:
        return 20.0


class Watcher(Reaction):
    def __init__(self) -> None:
        self.done_with: list[Mapping[str, Any]] = []
        self.unwanted = False

    def wanted(self, ctx: Ctx, conn: Conn, effect: Effect) -> Effect | None:
        return None if self.unwanted else effect

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        self.done_with.append(receipt)


@dataclass
class Bench:
    ctx: Ctx
    clock: ManualClock
    partner: Partner
    watcher: Watcher
    troubles: list[tuple[str, str]]

    @property
    def outbox(self) -> Outbox:
        def trouble(ctx: Ctx, conn: Conn, effect: Effect, mode: str, cause: str) -> None:
            self.troubles.append((effect.key, mode))

        return Outbox(
            {(ACCOUNT, self.partner.name): self.partner},
            {self.partner.name: self.watcher},
            trouble,
            lambda flow: Retry(30, 600),
        )

    def promise(self, key: str, root: str = "basket:1", window_s: float = 3600, **more: Any) -> None:
        intent = Intent(key, ACCOUNT, self.partner.name, root, "capture", {"amount_minor": 1}, window_s, **more)
        with self.ctx.db.transaction() as conn:
            plan_effects(conn, self.ctx, [intent])

    def drain(self) -> int:
        return self.outbox.drain(self.ctx, Lane(), "normal")

    def state(self, key: str) -> str:
        with self.ctx.db.transaction() as conn:
            return str(effects_by_key(conn, [key])[key]["state"])

    def row(self, key: str) -> dict[str, Any]:
        with self.ctx.db.transaction() as conn:
            return effects_by_key(conn, [key])[key]


@pytest.fixture
def bench(ctx: Ctx, clock: ManualClock) -> Bench:
    return Bench(ctx, clock, Partner(), Watcher(), [])


def test_a_promise_made_twice_is_sent_once(bench: Bench) -> None:
    bench.promise("a")
    bench.promise("a")
    bench.drain()
    assert [e.key for e in bench.partner.sent] == ["a"]
    assert (bench.state("a"), bench.watcher.done_with) == ("done", [{"id": "a"}])
    assert bench.drain() == 0


def test_a_refusal_keeps_their_words_and_becomes_a_case(bench: Bench) -> None:
    bench.partner.answers = [Refused("card_declined", "no funds", "amount")]
    bench.promise("a")
    bench.drain()
    assert bench.row("a")["outcome"] == {"code": "card_declined", "words": "no funds", "field": "amount"}
    assert bench.troubles == [("a", "effect-refused")]


def test_later_waits_as_told_and_holds_only_its_own_route(bench: Bench) -> None:
    bench.partner.answers = [Later("429", 120.0)]
    bench.promise("a")
    bench.drain()
    assert (bench.state("a"), bench.drain()) == ("planned", 0)
    bench.promise("b", root="basket:2")
    assert bench.drain() == 0  # the whole route was told to wait
    bench.clock.advance(121)
    bench.drain()
    assert (bench.state("a"), bench.state("b")) == ("done", "done")


def test_an_unclear_result_found_at_their_side_is_done_and_not_sent_again(bench: Bench) -> None:
    bench.partner.answers = [Unknown("timeout")]
    bench.partner.looks = [Done({"id": "found"})]
    bench.promise("a")
    bench.drain()
    assert (bench.state("a"), bench.drain()) == ("unknown", 0)  # settle_s has not passed
    bench.clock.advance(31)
    bench.drain()
    assert (bench.state("a"), len(bench.partner.sent)) == ("done", 1)
    assert bench.watcher.done_with == [{"id": "found"}]


def test_money_twice_not_there_without_their_key_is_parked_for_a_person(bench: Bench) -> None:
    bench.partner.answers = [Unknown("timeout")]
    bench.partner.looks = [NotThere(), NotThere()]
    bench.promise("a")
    for _ in range(3):
        bench.drain()
        bench.clock.advance(31)
    assert (bench.state("a"), len(bench.partner.sent), bench.troubles) == ("parked", 1, [("a", "unknown-outcome")])


def test_twice_not_there_with_their_key_is_sent_again_under_the_same_key(bench: Bench) -> None:
    bench.partner.partner_key = True
    bench.partner.answers = [Unknown("timeout")]
    bench.partner.looks = [NotThere(), NotThere()]
    bench.promise("a")
    for _ in range(4):
        bench.drain()
        bench.clock.advance(31)
    assert (bench.state("a"), [e.key for e in bench.partner.sent]) == ("done", ["a", "a"])


def test_a_bug_in_what_follows_parks_that_effect_alone(bench: Bench) -> None:
    def broken(ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        if effect.key == "a":
            raise KeyError("capture_id")

    bench.watcher.done = broken  # type: ignore[method-assign]
    bench.promise("a")
    bench.promise("b", root="basket:2")
    bench.drain()
    assert (bench.state("a"), bench.state("b"), bench.troubles) == ("parked", "done", [("a", "effect-stuck")])


def test_one_negative_look_is_not_enough(bench: Bench) -> None:
    bench.partner.answers = [Unknown("timeout")]
    bench.partner.looks = [NotThere(), Done({"id": "late"})]  # a slow server applied it after our first look
    bench.promise("a")
    for _ in range(3):
        bench.drain()
        bench.clock.advance(31)
    assert (bench.state("a"), len(bench.partner.sent)) == ("done", 1)


def test_unclear_without_any_way_to_look_is_never_sent_blindly(bench: Bench) -> None:
    bench.partner.can_read_back = False
    bench.partner.answers = [Unknown("reset")]
    bench.promise("a")
    bench.drain()
    bench.clock.advance(31)
    bench.drain()
    assert (bench.state("a"), len(bench.partner.sent), bench.troubles) == ("parked", 1, [("a", "unknown-outcome")])


def test_effects_of_one_root_go_in_order_and_an_unclear_one_holds_only_its_root(bench: Bench) -> None:
    bench.partner.answers = [Unknown("timeout"), Done({"id": "other"})]
    bench.promise("a1")
    bench.promise("a2")
    bench.promise("b1", root="basket:2")
    bench.drain()
    assert [bench.state(k) for k in ("a1", "a2", "b1")] == ["unknown", "planned", "done"]
    bench.partner.looks = [Done({"id": "a1"})]
    bench.clock.advance(31)
    bench.drain()
    assert [bench.state(k) for k in ("a1", "a2")] == ["done", "done"]


def test_what_follows_a_refused_deed_is_void(bench: Bench) -> None:
    bench.partner.answers = [Refused("no", "no")]
    bench.promise("a1")
    bench.promise("a2", root="basket:2", after_key="a1")
    bench.drain()
    bench.drain()
    assert (bench.state("a1"), bench.state("a2")) == ("refused", "void")


def test_what_the_world_no_longer_wants_is_void(bench: Bench) -> None:
    bench.watcher.unwanted = True
    bench.promise("a")
    bench.drain()
    assert (bench.state("a"), bench.partner.sent) == ("void", [])


def test_a_retry_window_that_is_over_becomes_a_case(bench: Bench) -> None:
    bench.partner.answers = [Later("away")] * 50
    bench.promise("a", window_s=300)
    for _ in range(60):
        bench.drain()
        bench.clock.advance(60)
    assert (bench.state("a"), bench.troubles) == ("parked", [("a", "retry-window-over")])
    assert bench.row("a")["attempts"] < 20


def test_a_sender_that_never_came_back_is_read_back_and_not_sent_again(bench: Bench) -> None:
    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    bench.partner.during = die
    bench.promise("a")
    with pytest.raises(Killed):
        bench.drain()
    bench.partner.during = lambda: None
    assert (bench.state("a"), bench.drain()) == ("sending", 0)  # its time to send is not over
    bench.clock.advance(20)
    bench.partner.looks = [Done({"id": "a"})]
    bench.drain()
    assert (bench.state("a"), len(bench.partner.sent)) == ("done", 1)


def test_a_sender_that_was_taken_over_cannot_settle_its_effect(bench: Bench) -> None:
    def taken_over() -> None:
        with bench.ctx.db.transaction() as conn:
            conn.execute("UPDATE effect SET claimed_epoch = 2")

    bench.partner.during = taken_over
    bench.promise("a")
    bench.drain()
    assert (bench.state("a"), bench.watcher.done_with) == ("sending", [])


def test_a_sender_frozen_between_claim_and_send_sends_nothing(bench: Bench) -> None:
    outbox, until = bench.outbox, bench.clock.machine() + timedelta(seconds=15)
    bench.promise("a")
    [[effect]], _, until = outbox._claim(bench.ctx, Lane(), "normal")
    bench.clock.advance(10)
    outbox.send_now(bench.ctx, Lane(), effect, until)
    assert (bench.state("a"), bench.partner.sent) == ("sending", [])


def test_a_paused_flow_sends_nothing_and_loses_nothing(bench: Bench) -> None:
    now = bench.clock.now()
    with bench.ctx.db.transaction() as conn:
        conn.execute(
            "INSERT INTO flow (name, state, reason, changed_at, until_at) VALUES ('capture', 'paused', 'test', %s, %s)",
            (now, now),
        )
    bench.promise("a")
    assert (bench.drain(), bench.state("a")) == (0, "planned")
    with bench.ctx.db.transaction() as conn:
        conn.execute("UPDATE flow SET state = 'running'")
    assert (bench.drain(), bench.state("a")) == (1, "done")


def test_workers_share_one_bucket_per_route(bench: Bench) -> None:
    bench.partner.limit = Limit("capture", capacity=2, per_s=1 / 60)
    for n in range(5):
        bench.promise(f"k{n}", root=f"basket:{n}")
    bench.drain()
    assert len(bench.partner.sent) == 2
    for _ in range(3):
        bench.clock.advance(61)
        bench.drain()
    assert len(bench.partner.sent) == 5
