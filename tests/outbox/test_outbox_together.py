"""Many effects in one call: a shop that takes one price file a minute hears of three hundred prices in minutes, each with an end of its own."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from connectors.mirakl_seller.shop import Shop

from entrepot.flows.channels import SalesChannels
from entrepot.flows.consequences import Consequences
from entrepot.flows.listing_content import BatchTaken, ListingContent
from entrepot.flows.own_offers import OwnOffers
from entrepot.flows.parts import Parts
from entrepot.flows.tellers import Tellers
from entrepot.inbox.model import Message
from entrepot.kernel.ctx import Conn, Ctx, Points
from entrepot.outbox.port import Effect
from entrepot.outbox.service import Outbox, Retry
from entrepot.outbox.store import Intent, plan_effects
from entrepot.proof.plans import plan_of
from entrepot.sandbox.mirakl import Product

ACCOUNT, SET_PRICE, FILES = "mirakl-shop/main", "mirakl-seller.set-price", "/api/offers/pricing/imports"
NEW_MINOR = 1_111


class Killed(BaseException):
    """The process ends here."""


class Kills(Points):
    """Dies the first time it passes a point."""

    def __init__(self, at: str) -> None:
        super().__init__()
        self.at = at

    def reach(self, name: str) -> None:
        super().reach(name)
        if name == self.at and self.hits[name] == 1:
            raise Killed(name)


class Lane:
    account, epoch = ACCOUNT, 1

    def hold(self, conn: Conn) -> None:
        return None

    def renew(self, ctx: Ctx) -> None:
        return None

    def time_left(self, ctx: Ctx) -> float:
        return 20.0


class Bench:
    """Our shop at a Mirakl that takes one file a minute, our connector, the outbox on a real database."""

    def __init__(self, ctx: Ctx, points: Points | None = None) -> None:
        self.shop = Shop(ceilings={"shop": {"PRI01": ((1, 60),)}})
        self.ctx = replace(ctx, clock=self.shop.clock, http=self.shop.http, points=points or Points())
        self.channels = SalesChannels(Parts(plan_of("syndication"), {ACCOUNT: self.shop.channel}))
        self.troubles: list[tuple[str, str]] = []
        operations = {(ACCOUNT, name): one for name, one in self.shop.channel.operations.items()}
        self.outbox = Outbox(
            operations, {SET_PRICE: BatchTaken(self.channels)}, self._trouble, lambda _flow: Retry(10, 600)
        )

    def _trouble(self, _ctx: Ctx, _conn: Conn, effect: Effect, mode: str, _cause: str) -> None:
        self.troubles.append((effect.key, mode))

    def prices(self, count: int, *also: str) -> list[str]:
        """So many offers whose price is to change, and some that the shop does not have."""
        skus = [f"SKU-{n:03}" for n in range(count)]
        self.shop.front.seed([Product(sku, sku, "BOOKS", f"871234{n:07}", 1_999, 5) for n, sku in enumerate(skus)])
        intents = [
            Intent(f"price:{ACCOUNT}:{sku}:1", ACCOUNT, SET_PRICE, f"listing:{sku}", "listing-offer",
                   {"sku": sku, "price_minor": NEW_MINOR, "currency": "EUR"}, timedelta(hours=1).total_seconds())
            for sku in (*skus, *also)
        ]  # fmt: skip
        with self.ctx.db.transaction() as conn:
            plan_effects(conn, self.ctx, intents)
        return skus

    def minutes(self, most: int) -> int:
        """Empty the queue, minute by minute; how many it took until nothing of it was open."""
        for minute in range(most):
            self.outbox.drain(self.ctx, Lane(), "normal")
            if not self.states().keys() - {"done", "refused", "parked"}:
                return minute
            self.shop.move(seconds=61)
        return most

    def states(self) -> dict[str, int]:
        with self.ctx.db.transaction() as conn:
            found = conn.execute("SELECT state, count(*) AS n FROM effect GROUP BY 1 ORDER BY 1").fetchall()
        return {row["state"]: row["n"] for row in found}

    @property
    def files(self) -> int:
        return sum(one.method == "POST" and one.url.endswith(FILES) for one in self.shop.http.sent)

    def told(self) -> dict[str, int]:
        """Every offer's price as buyers see it."""
        self.shop.move(minutes=5)
        return {one["sku"]: one["price_minor"] for one in self.shop.front.books()["listings"]}

    def answers(self) -> Consequences:
        """What Mirakl says of its imports reaches us; what follows."""
        then = Consequences()
        with self.ctx.db.transaction() as conn:
            for record in self.shop.sweep("submissions").records:
                seen = self.shop.seen(record)
                message = Message(
                    "msg_1",
                    1,
                    ACCOUNT,
                    record.kind,
                    record.external_id,
                    "",
                    record.root,
                    record.flow,
                    b"",
                    self.ctx.clock.now(),
                    0,
                )
                ListingContent(
                    self.channels, OwnOffers(self.channels, Tellers(self.channels.parts.owners))
                )._submission(self.ctx, conn, then, message, seen)
        return then


def test_three_hundred_prices_leave_in_five_files_within_minutes(ctx: Ctx) -> None:
    bench = Bench(ctx)
    skus = bench.prices(300)
    assert bench.minutes(10) <= 5
    assert bench.states() == {"done": 300}
    assert bench.files == 5
    told = bench.told()
    assert {told[sku] for sku in skus} == {NEW_MINOR}
    assert {bench.shop.applied("PRI01:offer", f"2001/{sku}") for sku in skus} == {1}
    assert bench.answers().cases == []
    with bench.ctx.db.transaction() as conn:
        rows = conn.execute(
            "SELECT count(*) AS n, count(DISTINCT submission_id) AS batches FROM submission_part"
        ).fetchone()
    assert rows == {"n": 300, "batches": 5}


def test_a_row_that_is_refused_is_that_prices_case_and_no_other(ctx: Ctx) -> None:
    bench = Bench(ctx)
    skus = bench.prices(3, "NOT-OURS")
    bench.minutes(3)
    assert (bench.states(), bench.files) == ({"done": 4}, 1)
    told = bench.told()
    assert {told[sku] for sku in skus} == {NEW_MINOR}
    [case] = bench.answers().cases
    assert (case.mode, case.name) == ("offer-rejected", "NOT-OURS")


def test_what_is_no_price_is_refused_by_itself_and_the_others_go(ctx: Ctx) -> None:
    bench = Bench(ctx)
    bench.prices(3)
    with bench.ctx.db.transaction() as conn:
        conn.execute("UPDATE effect SET payload = payload || '{\"price_minor\": 0}' WHERE key LIKE '%SKU-001%'")
    bench.minutes(3)
    assert (bench.states(), bench.files) == ({"done": 2, "refused": 1}, 1)
    assert [mode for _, mode in bench.troubles] == ["effect-refused"]


@pytest.mark.parametrize("point", ["send.claimed", "send.before", "send.after", "send.settled"])
def test_whoever_dies_around_a_file_leaves_every_price_told_and_none_lost(ctx: Ctx, point: str) -> None:
    bench = Bench(ctx, Kills(point))
    skus = bench.prices(10)
    with pytest.raises(Killed):
        bench.outbox.drain(bench.ctx, Lane(), "normal")
    assert bench.states() == ({"done": 10} if point == "send.settled" else {"sending": 10})
    bench.shop.clock.advance(60)  # their time to send is over
    bench.minutes(15)
    assert bench.states() == {"done": 10}
    assert bench.files == 1
    told = bench.told()
    assert {told[sku] for sku in skus} == {NEW_MINOR}


@pytest.mark.parametrize(("fault", "files"), [("timeout-after", 1), ("timeout-before", 2), ("503", 2), ("429", 2)])
def test_an_answer_that_is_lost_leaves_each_price_to_be_looked_at(ctx: Ctx, fault: str, files: int) -> None:
    bench = Bench(ctx)
    skus = bench.prices(10)
    bench.shop.trouble("PRI01", fault, 30 if fault == "429" else None)
    bench.minutes(20)
    assert (bench.states(), bench.files) == ({"done": 10}, files)
    told = bench.told()
    assert {told[sku] for sku in skus} == {NEW_MINOR}
    assert bench.troubles == []


def test_a_bug_in_what_follows_from_one_receipt_parks_that_one_and_the_others_are_looked_at(ctx: Ctx) -> None:
    bench = Bench(ctx)
    bench.prices(5)
    reaction = bench.outbox.reactions[SET_PRICE]
    done: Callable[..., None] = reaction.done

    class Falls(BatchTaken):
        def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: object) -> None:
            if "SKU-002" in effect.key:
                raise RuntimeError("our bug")
            done(ctx, conn, effect, receipt)

    bench.outbox = replace(bench.outbox, reactions={SET_PRICE: Falls(bench.channels)})
    bench.minutes(15)
    assert (bench.states(), bench.files) == ({"done": 4, "parked": 1}, 1)
    assert [(key.rpartition(":")[0].rpartition(":")[2], mode) for key, mode in bench.troubles] == [
        ("SKU-002", "effect-stuck")
    ]
