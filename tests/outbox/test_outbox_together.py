"""Many effects in one call: a shop that takes one price file a minute hears of three hundred prices at once, each with an end of its own."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from connectors.channel import ChannelMarket
from connectors.ebay.shop import Shop as EbayShop
from connectors.mirakl_seller.shop import Shop
from connectors.walmart.walmart_market import WalmartMarket

from entrepot.flows.channels import SalesChannels
from entrepot.flows.consequences import Consequences
from entrepot.flows.listing_content import BatchTaken, ListingContent
from entrepot.flows.listing_offer import OfferTold
from entrepot.flows.own_offers import OwnOffers
from entrepot.flows.parts import Parts
from entrepot.flows.tellers import Tellers
from entrepot.inbox.model import Message
from entrepot.kernel.ctx import Conn, Ctx, Points
from entrepot.outbox.port import Effect
from entrepot.outbox.service import Outbox, Retry
from entrepot.outbox.store import Intent, plan_effects
from entrepot.proof.plans import plan_of
from entrepot.sandbox.ebay import Product as EbayProduct
from entrepot.sandbox.mirakl import Product
from entrepot.sandbox.walmart import Product as WalmartProduct
from entrepot.trade.listing import store as listings
from entrepot.trade.listing.model import ListingSeen
from entrepot.trade.listing.states import ListingState

ACCOUNT, FILES = "mirakl-shop/main", "/api/offers/pricing/imports"
SET_PRICE, SET_STOCK = "mirakl-seller.set-price", "mirakl-seller.set-stock"
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
    epoch = 1

    def __init__(self, account: str = ACCOUNT) -> None:
        self.account = account

    def hold(self, conn: Conn) -> None:
        return None

    def renew(self, ctx: Ctx) -> None:
        return None

    def time_left(self, ctx: Ctx) -> float:
        return 20.0


class Bench:
    """Our shop at a Mirakl that takes one file a minute, our connector, the outbox on a real database."""

    def __init__(self, ctx: Ctx, points: Points | None = None) -> None:
        self.shop = Shop(ceilings={"shop": {"PRI01": ((1, 60),), "STO01": ((1, 60),), "STO02": ((1, 15),)}})
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
        skus = self._seeded(count)
        price = {"price_minor": NEW_MINOR, "currency": "EUR"}
        self._promise([(f"price:{ACCOUNT}:{sku}:1", SET_PRICE, sku, {"sku": sku, **price}) for sku in (*skus, *also)])
        return skus

    def _seeded(self, count: int) -> list[str]:
        skus = [f"SKU-{n:03}" for n in range(count)]
        self.shop.front.seed([Product(sku, sku, "BOOKS", f"871234{n:07}", 1_999, 5) for n, sku in enumerate(skus)])
        return skus

    def _promise(self, told: Sequence[tuple[str, str, str, dict[str, object]]]) -> None:
        hour = timedelta(hours=1).total_seconds()
        intents = [
            Intent(key, ACCOUNT, operation, f"listing:{sku}", "listing-offer", payload, hour)
            for key, operation, sku, payload in told
        ]
        with self.ctx.db.transaction() as conn:
            plan_effects(conn, self.ctx, intents)

    def stocks(self, count: int, *also: str) -> list[str]:
        """So many offers whose stock is to change, and some that the shop does not have."""
        skus = self._seeded(count)
        self._promise(
            [(f"stock:{ACCOUNT}:{sku}:1", SET_STOCK, sku, {"sku": sku, "quantity": 3}) for sku in (*skus, *also)]
        )
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
        return answers_of(self.ctx, self.channels, ACCOUNT, self.shop)


def answers_of(ctx: Ctx, channels: SalesChannels, account: str, market: ChannelMarket) -> Consequences:
    """What a channel says of its batches reaches us; what follows."""
    then = Consequences()
    content = ListingContent(channels, OwnOffers(channels, Tellers(channels.parts.owners)))
    now = ctx.clock.now()
    with ctx.db.transaction() as conn:
        for one in market.sweep("submissions").records:
            message = Message("msg_1", 1, account, one.kind, one.external_id, "", one.root, one.flow, b"", now, 0)
            content._submission(ctx, conn, then, message, market.seen(one))
    return then


def test_three_hundred_prices_leave_in_one_file(ctx: Ctx) -> None:
    bench = Bench(ctx)
    skus = bench.prices(300)
    assert bench.minutes(10) == 0
    assert bench.states() == {"done": 300}
    assert bench.files == 1
    told = bench.told()
    assert {told[sku] for sku in skus} == {NEW_MINOR}
    assert {bench.shop.applied("PRI01:offer", f"2001/{sku}") for sku in skus} == {1}
    assert bench.answers().cases == []
    with bench.ctx.db.transaction() as conn:
        rows = conn.execute(
            "SELECT count(*) AS n, count(DISTINCT submission_id) AS batches FROM submission_part"
        ).fetchone()
    assert rows == {"n": 300, "batches": 1}


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


@pytest.mark.parametrize("fault", ["", "timeout-after"])
def test_a_file_of_stocks_is_looked_at_as_a_file_and_article_by_article_only_when_its_number_was_lost(
    ctx: Ctx, fault: str
) -> None:
    bench = Bench(ctx)
    skus = bench.stocks(100, "NOT-OURS")
    if fault:
        bench.shop.trouble("STO01", fault)
    bench.minutes(20)
    assert bench.states() == {"done": 100, "refused": 1}
    assert [mode for _, mode in bench.troubles] == ["effect-refused"]
    assert {bench.shop.front.stock(sku) for sku in skus} == {3}
    assert {bench.shop.applied("STO01:offer", f"2001/{sku}") for sku in skus} == {1}
    looks = {code: bench.shop.world.calls.get(("mirakl", code), 0) for code in ("STO01", "STO02", "STO03")}
    # lost: the one that was not there goes once more, as a file of its own
    assert looks == {"STO01": 1 + bool(fault), "STO02": 1, "STO03": 1}


# ── channels that answer each row at once ────────────────────────────────────────────────────────────────────────────


class AtOnce:
    """Our offers at eBay, which answers a call row by row: what is refused there is its owner's at once, what is taken counts."""

    account = "ebay-de/main"

    def __init__(self, ctx: Ctx, count: int) -> None:
        self.shop = EbayShop()
        self.ctx = replace(ctx, clock=self.shop.clock, http=self.shop.http)
        self.skus = [f"SKU-{n:03}" for n in range(count)]
        self.shop.portal.seed([EbayProduct(sku, sku, "261186", f"871234{n:07}", 1_999, 5) for n, sku in enumerate(self.skus)])  # fmt: skip
        channels = SalesChannels(Parts(plan_of("syndication"), {self.account: self.shop.channel}))
        operations = {(self.account, name): one for name, one in self.shop.channel.operations.items()}
        self.outbox = Outbox(operations, {"ebay.set-price": OfferTold(channels, "price")}, self._trouble)
        self.troubles: list[str] = []

    def _trouble(self, _ctx: Ctx, _conn: Conn, _effect: Effect, mode: str, _cause: str) -> None:
        self.troubles.append(mode)

    def prices(self, *unknown_offers: str) -> None:
        """Every price changes; of some the listing names an offer that eBay does not have."""
        now = self.ctx.clock.now()
        ids = {sku: "999999" if sku in unknown_offers else self.shop.their_offer(sku) for sku in self.skus}
        seen = [ListingSeen(sku, ListingState.LIVE, "PUBLISHED", now, ids[sku], "", 1_999, "EUR", 5) for sku in self.skus]  # fmt: skip
        wanted = [
            dict(zip(listings.WANTED, (self.account, sku, NEW_MINOR, "EUR", 1, None, 0), strict=True))
            for sku in self.skus
        ]
        intents = [
            Intent(f"price:{self.account}:{sku}:1", self.account, "ebay.set-price", f"listing:{sku}", "listing-offer",
                   {"sku": sku, "price_minor": NEW_MINOR, "currency": "EUR", "their_id": ids[sku]}, 3_600)
            for sku in self.skus
        ]  # fmt: skip
        with self.ctx.db.transaction() as conn:
            listings.keep_seen(conn, self.ctx, self.account, seen)
            listings.want(conn, wanted)
            plan_effects(conn, self.ctx, intents)

    def drain(self) -> None:
        for _ in range(10):
            self.outbox.drain(self.ctx, Lane(self.account), "normal")
            self.shop.move(seconds=61)

    def ends(self) -> dict[str, list[str]]:
        """Articles by what became of their promise."""
        with self.ctx.db.transaction() as conn:
            rows = conn.execute("SELECT payload->>'sku' AS sku, state FROM effect ORDER BY sku").fetchall()
        return {
            state: [row["sku"] for row in rows if row["state"] == state] for state in {row["state"] for row in rows}
        }

    @property
    def calls(self) -> int:
        return self.shop.world.calls.get(("ebay", "bulkUpdatePriceQuantity"), 0)

    def query(self, sql: str) -> list[str]:
        with self.ctx.db.transaction() as conn:
            return [str(row["found"]) for row in conn.execute(sql).fetchall()]


def test_where_each_row_is_answered_at_once_a_refused_one_is_its_owners_and_the_others_count_as_told(ctx: Ctx) -> None:
    ebay = AtOnce(ctx, 40)
    ebay.prices("SKU-007")
    ebay.drain()
    assert ebay.calls == 2
    assert ebay.ends() == {"done": [sku for sku in ebay.skus if sku != "SKU-007"], "refused": ["SKU-007"]}
    assert ebay.query("SELECT sku AS found FROM listing WHERE price_told = 0") == ["SKU-007"]
    assert ebay.query("SELECT mode || ' ' || object_id AS found FROM case_member") == [f"offer-rejected {ebay.account}/SKU-007"]  # fmt: skip
    assert ebay.troubles == []


def test_an_answer_row_by_row_that_is_lost_is_looked_at_article_by_article_and_nothing_goes_twice(ctx: Ctx) -> None:
    ebay = AtOnce(ctx, 20)
    ebay.prices("SKU-007")
    ebay.shop.trouble("bulkUpdatePriceQuantity", "timeout-after")
    ebay.drain()
    ends = ebay.ends()
    assert ends["refused"] == ["SKU-007"]
    assert len(ends["done"]) == 19
    applied = [ebay.shop.applied("bulkUpdatePriceQuantity", f"offer/{ebay.shop.their_offer(sku)}") for sku in ends["done"]]  # fmt: skip
    assert set(applied) == {1}
    assert ebay.calls == 2  # once more for the one that was not there


# ── a lane that is another call than the single one ──────────────────────────────────────────────────────────────────


class TwoLanes:
    """Our prices at Walmart: a hundred single ones in an hour, or ten feeds; from ten on a feed is sooner."""

    account = "walmart-us/main"

    def __init__(self, ctx: Ctx) -> None:
        self.market = WalmartMarket(ceilings_on=True)
        self.ctx = replace(ctx, clock=self.market.clock, http=self.market.http)
        self.channels = SalesChannels(Parts(plan_of("syndication"), {self.account: self.market.channel}))
        operations = {(self.account, name): one for name, one in self.market.channel.operations.items()}
        self.outbox = Outbox(operations, {"walmart.price": OfferTold(self.channels, "price")}, lambda *_: None)
        self.round = 0

    def prices(self, count: int, first: int = 0) -> None:
        """So many prices change, all at once."""
        self.round += 1
        skus = [f"SKU-{n:03}" for n in range(first, first + count)]
        if self.round == 1:
            all_ = [WalmartProduct(f"SKU-{n:03}", "A book", "Books", f"00{n:012}", 1_999, 5) for n in range(150)]
            self.market.portal.seed(all_)
        now = self.ctx.clock.now()
        seen = [ListingSeen(sku, ListingState.LIVE, "PUBLISHED", now, sku, "", 1_999, "USD", 5) for sku in skus]
        wanted = [
            dict(zip(listings.WANTED, (self.account, sku, NEW_MINOR + self.round, "USD", self.round, None, 0), strict=True))
            for sku in skus
        ]  # fmt: skip
        intents = [
            Intent(f"price:{self.account}:{sku}:{self.round}", self.account, "walmart.price", f"listing:{sku}", "listing-offer",
                   {"sku": sku, "price_minor": NEW_MINOR + self.round, "currency": "USD"}, 36_000)
            for sku in skus
        ]  # fmt: skip
        with self.ctx.db.transaction() as conn:
            listings.keep_seen(conn, self.ctx, self.account, seen)
            listings.want(conn, wanted)
            plan_effects(conn, self.ctx, intents)
        self.drain()

    def drain(self) -> None:
        self.outbox.drain(self.ctx, Lane(self.account), "normal")

    def worked_off(self) -> None:
        """Their feeds are over, and we have read so."""
        self.market.move(minutes=5)
        assert answers_of(self.ctx, self.channels, self.account, self.market).cases == []

    def shown(self, count: int) -> set[int]:
        prices = {one["sku"]: one["price_minor"] for one in self.market.system.books()["listings"]}
        return {prices[f"SKU-{n:03}"] for n in range(count)}

    def made(self) -> tuple[int, int]:
        """Single prices and feeds, so far."""
        calls = self.market.world.calls
        return calls.get(("walmart", "updatePrice"), 0), calls.get(("walmart", "priceBulkUploads"), 0)

    def open(self) -> int:
        with self.ctx.db.transaction() as conn:
            row = conn.execute("SELECT count(*) AS n FROM effect WHERE state <> 'done'").fetchone()
        return int(row["n"]) if row else 0


def test_few_prices_go_one_by_one_and_many_as_a_feed(ctx: Ctx) -> None:
    shop = TwoLanes(ctx)
    shop.prices(9)
    assert (shop.made(), shop.open()) == ((9, 0), 0)
    shop.prices(150)
    assert (shop.made(), shop.open()) == ((9, 1), 0)
    shop.worked_off()
    assert shop.shown(150) == {NEW_MINOR + 2}


def test_where_no_feed_may_be_sent_the_single_call_goes_on(ctx: Ctx) -> None:
    """Both ceilings are kept: five feeds at once, then single prices, then nothing until a token is there again."""
    shop = TwoLanes(ctx)
    for wave in range(7):
        shop.prices(10, first=wave * 10)
    assert (shop.made(), shop.open()) == ((20, 5), 0)


def test_a_feed_they_want_later_holds_back_no_single_price(ctx: Ctx) -> None:
    shop = TwoLanes(ctx)
    shop.market.trouble("priceBulkUploads", "429", 1_800)
    shop.prices(12)
    assert (shop.made(), shop.open()) == ((0, 1), 12)
    shop.market.move(minutes=2)
    shop.drain()
    assert (shop.made(), shop.open()) == ((12, 1), 0)


def test_a_newer_price_is_never_overtaken_by_the_feed_that_holds_an_older_one(ctx: Ctx) -> None:
    """What a single call would set at once, a feed taken before it would set back minutes later."""
    shop = TwoLanes(ctx)
    shop.prices(12)
    shop.prices(3)
    assert (shop.made(), shop.open()) == ((0, 1), 3)
    shop.worked_off()
    assert shop.shown(12) == {NEW_MINOR + 1}
    shop.drain()
    assert (shop.made(), shop.open()) == ((3, 1), 0)
    assert shop.shown(3) == {NEW_MINOR + 2}
