"""Stock and prices told by the thousand, beside the flow listing-offer: one transaction keeps what several requests told, and asks for every
article it changed to be looked at again. What channels are to show is worked out by that flow, as it is of the back office's lists.

Whose word counts is decided once per teller and place (flows/tellers.py). What may count nowhere never reaches the pool or the price list: it is
kept aside, and that flow has it refused in ownership's books, with its reason and a case.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from entrepot.flows.tellers import Tellers
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.ownership.model import NotAllowed
from entrepot.trade.listing.store import ask_restock
from entrepot.trade.stock.events import Batch, Key, PriceTold, StockTold, newest
from entrepot.trade.stock.model import PriceSeen, StockSeen
from entrepot.trade.stock.store import Seen, keep_refused, prices_kept, stock_kept, told_by_others


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a request's events. `overtaken`: by a newer one told at the same time; `stale`: we knew that version, or a newer one;
    `refused`: the plan gives it to others, and `refused_because` says to whom, and where that stands.
    """

    applied: int
    overtaken: int
    stale: int
    refused: int = 0
    refused_because: tuple[str, ...] = ()


@dataclass
class Told:
    """What requests of one teller told at the same time, sorted by what may become of it."""

    stock: Mapping[Key, StockSeen | StockTold]
    prices: Mapping[Key, PriceSeen | PriceTold]
    stale_stock: set[Key] = field(default_factory=set)
    stale_prices: set[Key] = field(default_factory=set)
    refused_stock: set[Key] = field(default_factory=set)
    refused_prices: set[Key] = field(default_factory=set)
    because: set[str] = field(default_factory=set)

    def of(self, one: Batch) -> Kept:
        """What became of one request's part."""
        refused = len(one.stock.keys() & self.refused_stock) + len(one.prices.keys() & self.refused_prices)
        stale = len(one.stock.keys() & self.stale_stock) + len(one.prices.keys() & self.stale_prices)
        applied = sum(self.stock[key] is told for key, told in one.stock.items() if not self._lost(key))
        applied += sum(self.prices[key] is told for key, told in one.prices.items() if not self._unpriced(key))
        because = tuple(sorted(self.because)) if refused else ()
        return Kept(applied, one.events - applied - stale - refused, stale, refused, because)

    def _lost(self, key: Key) -> bool:
        return key in self.stale_stock or key in self.refused_stock

    def _unpriced(self, key: Key) -> bool:
        return key in self.stale_prices or key in self.refused_prices


def keep_each(ctx: Ctx, tellers: Tellers, batches: Sequence[Batch]) -> list[Kept]:
    """All of them in one commit; the answer is per batch. Told twice it is the same."""
    with ctx.db.transaction() as conn:
        kept = keep(ctx, conn, tellers, batches)
        ctx.point("events.before-commit")
    ctx.point("events.committed")
    return kept


def keep(ctx: Ctx, conn: Conn, tellers: Tellers, batches: Sequence[Batch]) -> list[Kept]:
    """As `keep_each`, in the caller's transaction."""
    by_teller: dict[str, list[Batch]] = defaultdict(list)
    for one in batches:
        by_teller[one.account].append(one)
    now, told, changed = ctx.clock.now(), dict[str, Told](), set[str]()
    for account, theirs in sorted(by_teller.items()):
        told[account] = Told(newest(one.stock for one in theirs), newest(one.prices for one in theirs))
        changed |= _keep(conn, tellers, account, told[account], now)
    ask_restock(conn, ctx, changed)
    return [told[one.account].of(one) for one in batches]


def _keep(conn: Conn, tellers: Tellers, account: str, told: Told, now: datetime) -> set[str]:
    """Returns articles to be looked at again: something of them changed, or was refused."""
    aside: list[tuple[str, Seen]] = []
    stock, prices = told.stock, told.prices
    if stock:
        pool = tellers.stock(account)
        if pool.refused is not None:
            told.refused_stock, stock = set(stock), {}
            told.because.add(said(pool.refused))
        told.stale_stock = stock_kept(conn, stock, now, pool.actor, pool.after)
        if pool.after and told.stale_stock:
            outranked = told_by_others(conn, told.stale_stock, pool.after)
            told.refused_stock |= outranked
            told.stale_stock -= outranked
            told.because |= {f"{' or '.join(pool.after)} comes before {pool.actor} there"} if outranked else set()
        aside += [(pool.actor, told.stock[key]) for key in sorted(told.refused_stock)]
    if prices:
        rights = {channel: tellers.price(account, channel) for channel in {channel for _, channel in prices}}
        if bad := {channel for channel, right in rights.items() if right.refused is not None}:
            told.refused_prices = {key for key in prices if key[1] in bad}
            told.because |= {said(away) for right in rights.values() if (away := right.refused) is not None}
            prices = {key: one for key, one in prices.items() if key not in told.refused_prices}
        told.stale_prices = prices_kept(conn, prices, now, tellers.owners.actor(account, "price"))
        aside += [(rights[key[1]].actor, told.prices[key]) for key in sorted(told.refused_prices)]
    keep_refused(conn, aside)
    changed = stock.keys() - told.stale_stock - told.refused_stock | prices.keys() - told.stale_prices
    return {sku for sku, _ in changed} | {one.sku for _, one in aside}


def said(away: NotAllowed) -> str:
    """`erp@backoffice may not update the price of an offer; pim may (ownership.offer.fields.price[0])`."""
    return f"{away.words} ({away.rule})" if away.rule else away.words


def batch_of(account: str, seen: Sequence[StockSeen | PriceSeen]) -> Batch:
    """What the back office's lists and webhooks told, as the door would have read it."""
    stock = newest({(one.sku, one.location): one} for one in seen if isinstance(one, StockSeen))
    prices = newest({(one.sku, one.channel): one} for one in seen if isinstance(one, PriceSeen))
    return Batch(len(seen), stock, prices, account=account)
