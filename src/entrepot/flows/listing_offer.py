"""listing-offer: price and stock of our articles on every channel, from one pool and one price list, and what channels show of them.

The ERP's prices and the OMS's stock are kept newest first. Whoever changes them, or reserves stock by an order, only asks for the article to be
looked at again; the lane `listings` works out what each channel is to show: its own price or the common one, within its limits; the rest of the
pool less its buffer; nothing while the stock is older than the flow allows. A version only grows; each is sent once, only the newest is still
wanted. What a channel takes as a batch counts when its items are answered, and what it accepted counts as shown when it is seen. Whose prices and
stock they are, and what people hold or lay over, is asked of ownership (stock_events.py at the door, own_offers.py here).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entrepot.cases.model import CaseAsked
from entrepot.connectors.verbs import SetPrice, SetStock, Verb
from entrepot.engine.lease import Lease
from entrepot.engine.periodic import Periodic, Run
from entrepot.engine.room import Work
from entrepot.flows.channels import SalesChannels
from entrepot.flows.consequences import Consequences
from entrepot.flows.own_offers import Counts, OwnOffers, Prices
from entrepot.flows.stock_events import batch_of, keep
from entrepot.inbox.model import Decided, Message, Parked, Verdict
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.money import Money
from entrepot.kernel.outcome import Refused
from entrepot.outbox.port import Effect, Reaction
from entrepot.trade.listing import store
from entrepot.trade.stock import store as stock
from entrepot.trade.stock.store import Listed

FLOW = "listing-offer"
PURPOSE, LOOK = "listings", "listings-look"
HUB = "hub"
AT_ONCE = 500  # articles; each of their offers is locked till the end
LOOK_EVERY_S = 300.0
LISTING = "listing"
FEED_WAIT_S = 60.0
DUE_SQL = f"""
    SELECT '{HUB}' AS account WHERE EXISTS (SELECT FROM restock_asked)
       AND NOT EXISTS (SELECT FROM flow WHERE name = '{FLOW}' AND state = 'paused')
"""
OUTSIDE = ("offer-under-floor", "offer-above-ceiling", "offer-other-currency", "stock-stale")


def listing_id(account: str, sku: str) -> str:
    return f"{account}/{sku}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one listing is to show. None: nobody has said. `wrong`: why the price is not sent (mode, words)."""

    price_minor: int | None
    currency: str
    quantity: int | None
    wrong: tuple[str, str] | None = None
    stale: bool = False


@dataclass(frozen=True, slots=True)
class ListingOffer:
    channels: SalesChannels
    offers: OwnOffers

    # ── messages of the back office ──────────────────────────────────────────────────────────────────────────

    def decide_told(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        """Stock or prices of the back office's lists and webhooks."""
        read = [self.channels.parts.read(m) for m in messages]
        told = batch_of(messages[0].account, [r for r in read if not isinstance(r, Parked)])
        keep(ctx, conn, self.offers.tellers, [told])
        return [r if isinstance(r, Parked) else Decided() for r in read]

    # ── what each channel is to show ─────────────────────────────────────────────────────────────────────────

    @property
    def work(self) -> Work:
        return Work(PURPOSE, "urgent", DUE_SQL, self.drain)

    def drain(self, ctx: Ctx, lease: Lease) -> int:
        """Work out what was asked for, article by article; returns how many asks that answered."""
        handled = 0
        while lease.time_left(ctx) > 0:
            with ctx.db.transaction() as conn:
                lease.hold(conn)
                asked = store.asked(conn, AT_ONCE)
                if asked:
                    self._follow(ctx, conn, sorted({row["sku"] for row in asked}))
                    store.answered(conn, [row["id"] for row in asked])
                ctx.point("listings.before-commit")
            ctx.point("listings.committed")
            handled += len(asked)
            if not asked:
                break
            lease.renew(ctx)
        return handled

    def _follow(self, ctx: Ctx, conn: Conn, skus: Sequence[str]) -> None:
        rows = store.listings_of(conn, skus, self.channels.accounts)
        rest, prices = stock.available(conn, skus), stock.prices(conn, skus)
        told = {(row["account"], row["sku"]): self._told(row, prices) for row in rows}
        good = {offer: one for offer, (one, wrong) in told.items() if one is not None and wrong is None}
        counts = self.offers.settle(ctx, conn, rows, good, skus)
        then, changed = Consequences(), list[dict[str, Any]]()
        for row in rows:
            offer = row["account"], row["sku"]
            wanted = self._wanted(ctx, row, rest.get(row["sku"]), counts[offer], told[offer][1])
            self._judge(then, row, wanted)
            following = _following(row, wanted)
            if following is not None:
                changed.append(following)
                self._tell(then, row, following)
        store.want(conn, changed)
        then.flush(ctx, conn, self.channels.parts.plan)

    def _told(self, row: Row, prices: Prices) -> tuple[Listed | None, tuple[str, str] | None]:
        """What the price list says for this channel, and why it may not be sent there."""
        one = self.offers.price_told(prices, row["sku"], row["account"])
        return one, None if one is None else self._wrong(row["account"], one.price_minor, one.currency)

    def _wanted(
        self, ctx: Ctx, row: Row, rest: tuple[int, datetime] | None, counts: Counts, wrong: tuple[str, str] | None
    ) -> Wanted:
        account = self.channels.parts.account(row["account"])
        stale = rest is not None and self._stale(ctx, rest[1])
        quantity = None if rest is None else 0 if stale else max(rest[0] - account.buffer, 0)
        currency = row["currency"] if counts.price_minor is None else account.currency
        return Wanted(counts.price_minor, currency, 0 if counts.held else quantity, wrong, stale)

    def _stale(self, ctx: Ctx, changed_at: datetime) -> bool:
        fresh = self.channels.parts.plan.flow(FLOW).freshness
        return fresh is not None and ctx.clock.now() - changed_at > fresh.max_age

    def _wrong(self, account: str, price_minor: int, currency: str) -> tuple[str, str] | None:
        """Why a price may not be sent to this channel."""
        ours = self.channels.parts.account(account)
        if currency != ours.currency:
            return "offer-other-currency", f"{Money(price_minor, currency)} on a channel that sells in {ours.currency}"
        limits = ours.price_limits.get("*")
        if limits and limits.floor and price_minor < Money.parse(limits.floor, currency).minor:
            return "offer-under-floor", f"{Money(price_minor, currency)} is under the floor of {limits.floor}"
        if limits and limits.ceiling and price_minor > Money.parse(limits.ceiling, currency).minor:
            return "offer-above-ceiling", f"{Money(price_minor, currency)} is above the ceiling of {limits.ceiling}"
        return None

    def _judge(self, then: Consequences, row: Row, wanted: Wanted) -> None:
        """What is wrong is its owner's; what is right again closes what was open."""
        account, sku = row["account"], row["sku"]
        name = listing_id(account, sku)
        bad = dict([wanted.wrong] if wanted.wrong else [])
        if wanted.stale:
            bad["stock-stale"] = f"nobody has said a word about the stock of {sku} for longer than the plan allows"
        for mode in OUTSIDE:
            named = self.channels.mode(mode)
            if mode in bad:
                then.cases.append(
                    CaseAsked(mode=named, account=account, object=LISTING, object_id=name, name=sku, root=f"listing:{sku}", cause=f"{sku}: {bad[mode]}",
                              cause_key=mode, flow=FLOW, values={"words": bad[mode]}, currency=wanted.currency or "EUR")
                )  # fmt: skip
            else:
                then.gone.append((named, LISTING, name, "it is right again"))

    def _tell(self, then: Consequences, row: Row, now: Mapping[str, Any]) -> None:
        account, sku, root = row["account"], row["sku"], f"listing:{row['sku']}"
        ids = {"their_id": row["their_id"], "product_type": row["product_type"]}
        if now["price_version"] != row["price_version"]:
            price = SetPrice(sku=sku, price_minor=now["wanted_price_minor"], currency=now["currency"], **ids)
            key = f"price:{account}:{sku}:{now['price_version']}"
            then.intents += self.channels.intent(account, Verb.SET_PRICE, price, key=key, root=root, flow=FLOW)
        if now["stock_version"] != row["stock_version"]:
            quantity = SetStock(sku=sku, quantity=now["wanted_quantity"], **ids)
            key = f"stock:{account}:{sku}:{now['stock_version']}"
            urgent = "urgent" if now["wanted_quantity"] == 0 else "normal"  # what is gone must not be sold again
            then.intents += self.channels.intent(account, Verb.SET_STOCK, quantity, key=key, root=root, flow=FLOW, queue=urgent)  # fmt: skip

    # ── the periodic look ────────────────────────────────────────────────────────────────────────────────────

    def periodic(self) -> list[Periodic]:
        return [Periodic(HUB, LOOK, FLOW, LOOK_EVERY_S)] if self.channels.accounts else []

    def runs(self) -> dict[str, Run]:
        return {LOOK: self.look}

    def look(self, ctx: Ctx, lease: Lease, account: str) -> None:
        """Stock that nobody has spoken of for too long stops selling; what was accepted and is not shown is a case."""
        flow, now = self.channels.parts.plan.flow(FLOW), ctx.clock.now()
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            if flow.freshness is not None:
                store.ask_restock(conn, ctx, store.stale_skus(conn, now - flow.freshness.max_age, AT_ONCE))
            then = Consequences()
            within = flow.validation.answer_within if flow.validation else None
            for row in store.not_shown(conn, now - within, AT_ONCE) if within else ():
                then.cases.append(self._not_shown(row))
            then.flush(ctx, conn, self.channels.parts.plan)

    def _not_shown(self, row: Row) -> CaseAsked:
        shown = f"{row['shown_price_minor']} and {row['shown_quantity']} pieces"
        cause = f"{row['sku']} shows {shown}; we were told that {row['wanted_price_minor']} and {row['wanted_quantity']} pieces were accepted"
        return CaseAsked(mode=self.channels.mode("listing-not-live"), account=row["account"], object=LISTING, object_id=listing_id(row["account"], row["sku"]),
                         name=row["sku"], root=f"listing:{row['sku']}", cause=cause, cause_key="not-shown", flow=FLOW, currency=row["currency"] or "EUR")  # fmt: skip


def _following(row: Row, wanted: Wanted) -> dict[str, Any] | None:
    """The listing's next versions; None when nothing changes."""
    price = wanted.price_minor if wanted.price_minor is not None else row["wanted_price_minor"]
    quantity = wanted.quantity if wanted.quantity is not None else row["wanted_quantity"]
    other_price, other_stock = price != row["wanted_price_minor"], quantity != row["wanted_quantity"]
    if not other_price and not other_stock:
        return None
    return {
        "account": row["account"],
        "sku": row["sku"],
        "wanted_price_minor": price,
        "currency": wanted.currency if other_price else row["currency"],
        "price_version": row["price_version"] + other_price,
        "wanted_quantity": quantity,
        "stock_version": row["stock_version"] + other_stock,
    }


@dataclass(frozen=True, slots=True)
class OfferTold(Reaction):
    """A channel took a price or a stock, as a whole or as a batch of which it will tell more. `lane`: price | stock."""

    channels: SalesChannels
    lane: str

    def wanted(self, ctx: Ctx, conn: Conn, effect: Effect) -> Effect | None:
        row = store.listings(conn, effect.account, [str(effect.payload["sku"])]).get(str(effect.payload["sku"]))
        return effect if row is not None and row[f"{self.lane}_version"] == version_of(effect.key) else None

    def waits_s(self, ctx: Ctx, conn: Conn, effect: Effect) -> float:
        """A single price is shown at once: one sent behind a feed that still holds an older one would be overtaken by it."""
        by_feed = self.channels.manifest(effect.account).operations[effect.operation].together_code
        older = effect.key.rpartition(":")[0] + ":"
        return FEED_WAIT_S if by_feed and store.in_work(conn, effect.account, effect.operation, older) else 0.0

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        sku = str(effect.payload["sku"])
        if batch := receipt.get("submission_id"):
            store.take_submission(conn, ctx, effect.account, str(batch), effect.operation, effect.key)
            return
        took(conn, ctx, self.channels, effect.account, sku, effect.key)

    def refused(self, ctx: Ctx, conn: Conn, effect: Effect, refusal: Refused) -> bool:
        then = Consequences()
        then.cases.append(turned_down(self.channels, effect.account, str(effect.payload["sku"]), refusal, effect.id))
        then.flush(ctx, conn, self.channels.parts.plan)
        return True


def version_of(key: str) -> int:
    return int(key.rpartition(":")[2])


def took(conn: Conn, ctx: Ctx, channels: SalesChannels, account: str, sku: str, key: str) -> None:
    """The channel took this version; what it refused before is over."""
    store.told(conn, account, sku, key.partition(":")[0], version_of(key), ctx.clock.now())
    then = Consequences()
    then.gone.append((channels.mode("offer-rejected"), LISTING, listing_id(account, sku), "a later update was taken"))
    then.flush(ctx, conn, channels.parts.plan)


def turned_down(channels: SalesChannels, account: str, sku: str, refusal: Refused, effect_id: str | None) -> CaseAsked:
    cause = f"{sku}: {refusal.words} ({refusal.code})"
    return CaseAsked(mode=channels.mode("offer-rejected"), account=account, object=LISTING, object_id=listing_id(account, sku), name=sku, root=f"listing:{sku}",
                     cause=cause, cause_key=refusal.code, effect_id=effect_id, flow=FLOW, values={"words": refusal.words})  # fmt: skip
