"""Stock and prices told by the thousand, beside the flow listing-offer: one transaction keeps what several requests told, and asks for every
article it changed to be looked at again. What channels are to show is worked out by that flow, as it is of the back office's lists.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.kernel.ctx import Ctx
from entrepot.trade.listing.store import ask_restock
from entrepot.trade.stock.events import Batch, newest
from entrepot.trade.stock.store import prices_kept, stock_kept


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a request's events. `overtaken`: by a newer one told at the same time; `stale`: we knew that version, or a newer one."""

    applied: int
    overtaken: int
    stale: int


def keep_each(ctx: Ctx, batches: Sequence[Batch]) -> list[Kept]:
    """All of them in one commit; the answer is per batch. Told twice it is the same."""
    now = ctx.clock.now()
    stock, prices = newest(one.stock for one in batches), newest(one.prices for one in batches)
    with ctx.db.transaction() as conn:
        stale_stock, stale_prices = stock_kept(conn, stock, now), prices_kept(conn, prices, now)
        changed = stock.keys() - stale_stock | prices.keys() - stale_prices
        ask_restock(conn, ctx, {sku for sku, _ in changed})
        ctx.point("events.before-commit")
    ctx.point("events.committed")
    kept = []
    for one in batches:
        stale = len(one.stock.keys() & stale_stock) + len(one.prices.keys() & stale_prices)
        applied = sum(stock[key] is told and key not in stale_stock for key, told in one.stock.items())
        applied += sum(prices[key] is told and key not in stale_prices for key, told in one.prices.items())
        kept.append(Kept(applied, one.events - applied - stale, stale))
    return kept
