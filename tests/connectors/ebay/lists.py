"""What the tests of eBay's lists share: every list's operation, a day with something in each, smaller pages."""

from dataclasses import replace
from typing import Any

import msgspec
from connectors.ebay.shop import Shop

from entrepot.kernel.outcome import Done

CODES = {
    "orders": "getOrders",
    "returns": "searchReturns",
    "cancellations": "searchCancellations",
    "disputes": "getPaymentDisputeSummaries",
    "payouts": "getPayouts",
    "transactions": "getTransactions",
    "listings": "getInventoryItems",
    "standards": "findSellerStandardsProfiles",
    "quotas": "getRateLimits",
}
DEEPER = {"disputes": "getPaymentDispute", "payouts": "getTransactions", "listings": "getOffers"}


def full(shop: Shop) -> dict[str, str]:
    """Something in every list."""
    sold = shop.portal.place([("LAMP-1", 2), ("BOOK-1", 1)])
    assert isinstance(shop.do("ebay.ship", shop.parcel(sold)), Done)
    assert isinstance(shop.do("ebay.refund", shop.money_back(sold)), Done)
    shop.move(days=3)
    returned = shop.portal.open_return(sold, [(shop.line(sold, 1), 1)], "DEFECTIVE_ITEM")
    other = shop.portal.place([("BOOK-1", 2)])
    asked = shop.portal.ask_cancel(other)
    payout = shop.portal.close_period()
    assert payout in shop.system.market.payouts
    third = shop.portal.place([("CLOCK-1", 1)])
    disputed = shop.portal.open_dispute(third)
    return {"sold": sold, "return": returned, "asked": asked, "dispute": disputed, "payout": payout, "third": third}


def many(shop: Shop, n: int) -> list[str]:
    orders = []
    for _ in range(n):
        orders.append(str(shop.portal.place([("BOOK-1", 1)])))
        shop.clock.advance(1)
    return orders


def small_pages(shop: Shop, source: str, size: int, pages_max: int = 50) -> Any:
    """The same source reading fewer records at a time."""
    found: Any = shop.channel.sources[source]
    inner = getattr(found, "pages", found)
    row = msgspec.structs.replace(inner.spec.row, size=size, pages_max=pages_max)
    smaller = replace(inner, spec=replace(inner.spec, row=row))
    return smaller if inner is found else replace(found, pages=smaller)
