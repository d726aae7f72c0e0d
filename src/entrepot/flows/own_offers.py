"""Our own offers on channels, held against ownership: what the price list says is news from its teller; what counts is what ownership let in.

An override lies over the price and a hold stops the sale, each until it ends; then the owner's last price counts again and goes out by itself. What
was refused at the door is put in the books here, for every listing on which it would have counted. Pure money limits are listing-offer's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from entrepot.flows.channels import SalesChannels
from entrepot.flows.offer_judgement import OfferJudgement
from entrepot.flows.offer_shelf import OFFER
from entrepot.flows.owners import EVERY_CHANNEL
from entrepot.flows.tellers import POOL, PRICE, QUANTITY, Tellers
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.ownership import service as ownership
from entrepot.ownership.booking import FEED
from entrepot.ownership.model import Act, Write
from entrepot.ownership.standing import Key, Standing
from entrepot.trade.listing import store
from entrepot.trade.stock import store as stock
from entrepot.trade.stock.store import Listed

Offer = tuple[str, str]  # account, article
Prices = Mapping[tuple[str, str], Listed]


@dataclass(frozen=True, slots=True)
class Counts:
    """What of one offer counts. `held`: in people's words why it may not be sold; empty: it may."""

    price_minor: int | None
    held: tuple[str, ...] = ()


@dataclass(frozen=True)
class OwnOffers:
    channels: SalesChannels
    tellers: Tellers

    def price_told(self, prices: Prices, sku: str, account: str) -> Listed | None:
        """The word of the price list that is meant for this channel: its own, else the one for every channel; one that counts goes first."""
        known = [one for name in (account, EVERY_CHANNEL) if (one := prices.get((sku, name))) is not None]
        return next((one for one in known if self.tellers.counts(one.told_by, account)), known[0] if known else None)

    def settle(
        self, ctx: Ctx, conn: Conn, rows: Sequence[Row], told: Mapping[Offer, Listed], skus: Sequence[str]
    ) -> Mapping[Offer, Counts]:
        """Put the news in ownership's books, and tell what counts. `told`: what may be sent as far as money limits go."""
        keys = {(row["account"], OFFER, row["sku"]): row for row in rows}
        known = ownership.standing(conn, ctx, keys)
        unknown = {key: self.tellers.owners.scope(key[0]) for key, one in known.items() if one.scope is None}
        ownership.know(conn, ctx, unknown)
        writes = [*self._news(keys, told), *self._refused(conn, rows, skus)]
        if writes:
            plan, rules = self.channels.parts.plan, self.tellers.owners.rules
            done = ownership.write(conn, ctx, plan, rules, writes, FEED, "", stands=True)
            judged = replace(done.judged, touched=frozenset())  # they are being looked at this moment
            OfferJudgement(self.channels.parts).follow(ctx, conn, judged).flush(ctx, conn, plan)
            known = ownership.standing(conn, ctx, keys)
        store.price_taken(conn, [(*key[::2], told[key[::2]].name) for key in keys if key[::2] in told])
        return {(account, sku): _counts(one) for (account, _, sku), one in known.items()}

    def _news(self, keys: Mapping[Key, Row], told: Mapping[Offer, Listed]) -> list[Write]:
        """Words of the price list that ownership was not asked about yet."""
        return [
            self._write(key, PRICE, told[key[::2]].price_minor, told[key[::2]].told_by, told[key[::2]].version)
            for key, row in sorted(keys.items())
            if key[::2] in told and row["price_taken"] != told[key[::2]].name
        ]

    def _refused(self, conn: Conn, rows: Sequence[Row], skus: Sequence[str]) -> list[Write]:
        """What somebody told who may not: of each listing it was meant for, else of the account that is named, or that told it."""
        found: list[Write] = []
        listed: dict[str, list[str]] = {}
        for row in rows:
            listed.setdefault(row["sku"], []).append(row["account"])
        for row in stock.take_refused(conn, skus):
            sku, place, teller = row["sku"], row["place"], row["told_by"]
            if row["kind"] == "stock":
                found.append(self._write((self._house, POOL, sku), QUANTITY, row["value"], teller, row["version"]))
                continue
            meant = [one for one in listed.get(sku, ()) if place in (EVERY_CHANNEL, one)]
            at = meant or [self._house if place == EVERY_CHANNEL else place]
            found += [self._write((one, OFFER, sku), PRICE, row["value"], teller, row["version"]) for one in at]
        return found

    def _write(self, key: Key, name: str, value: int, told_by: str, version: int) -> Write:
        account, kind, object_id = key
        actor = told_by or self.tellers.owners.actor(self._house, PRICE)
        source = f"told by {actor.partition('@')[2]}, version {version}"
        return Write(kind, object_id, name, Act.UPDATE, actor, value, self.tellers.owners.scope(account), source=source)

    @property
    def _house(self) -> str:
        """The account of our own house, for what belongs to no channel."""
        return self.channels.back_office or next(iter(self.channels.accounts), "")


def _counts(one: Standing) -> Counts:
    price = one.effective(PRICE)
    held = tuple(dict.fromkeys(hold.words for hold in one.holds))
    return Counts(price if isinstance(price, int) and not isinstance(price, bool) else None, held)
