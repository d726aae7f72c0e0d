"""The seller's balance: what a shipment earns, what a refund takes back, and when money becomes payable."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from entrepot.sandbox.amazon.money import part, share
from entrepot.sandbox.amazon.platform import Platform
from entrepot.sandbox.amazon.state import Amount, Line, Order, Package, PostedItem, Posting, Refund

PRICE: Final = "ItemPrice"
FEES: Final = "ItemFees"
WITHHELD: Final = "ItemWithheldTax"
REFUNDABLE: Final = ("Principal", "Shipping", "Tax")
"""The components of a refund this market knows; `Tax` only where it is on top of the price."""


class Ledger:
    """Posts movements. Commission stands on price and shipping [guess]; a refund is no mirror of the sale."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._settings = platform.settings

    def commission_of(self, product_type: str, base_minor: int) -> int:
        """The referral fee on what the buyer pays without tax on top."""
        settings = self._settings
        return share(base_minor, settings.commission_by_type.get(product_type, settings.commission_per_100k))

    def ship(self, order: Order, package: Package) -> None:
        """Post what a parcel earns. Called before its pieces are counted as shipped."""
        items = tuple(self._sold(order, order.lines[line_id], count) for line_id, count in package.items.items())
        shipment_id = self._platform.letters(9)
        self._post(order, "Order", items, shipment_id=shipment_id, deferral=self._settings.deferral)

    def _sold(self, order: Order, line: Line, count: int) -> PostedItem:
        def of(whole_minor: int) -> int:
            return part(whole_minor, line.shipped, count, line.quantity)

        amounts = [Amount(PRICE, "Principal", of(line.price_minor))]
        if line.shipping_minor:
            amounts.append(Amount(PRICE, "Shipping", of(line.shipping_minor)))
        if line.tax_minor:
            tax = of(line.tax_minor)
            amounts.append(Amount(PRICE, "Tax", tax))
            amounts.append(Amount(WITHHELD, "MarketplaceFacilitatorTax-Principal", -tax))
        amounts.append(Amount(FEES, "Commission", -of(line.commission_minor)))
        if not order.mine:
            amounts.append(Amount(FEES, "FBAPerUnitFulfillmentFee", -self._settings.afn_fee_minor * count))
        return PostedItem(line.line_id, line.sku, line.asin, count, tuple(amounts))

    def refundable(self, line: Line) -> dict[str, int]:
        """What can still be given back of the pieces shipped, by component."""
        whole = {"Principal": line.price_minor, "Shipping": line.shipping_minor, "Tax": line.tax_minor}
        return {name: line.shipped_part(whole[name]) - line.refunded.get(name, 0) for name in REFUNDABLE}

    def refund(self, order: Order, refund: Refund) -> None:
        """Post a refund; the line's own counts are kept here. Callers have checked `refundable`."""
        line = order.lines[refund.line_id]
        for name, minor in refund.components.items():
            line.refunded[name] = line.refunded.get(name, 0) + minor
        amounts = [Amount(PRICE, name, -minor) for name, minor in refund.components.items() if minor]
        if refund.components.get("Tax"):
            amounts.append(Amount(WITHHELD, "MarketplaceFacilitatorTax-Principal", refund.components["Tax"]))
        amounts += self._commission_back(line)
        item = PostedItem(line.line_id, line.sku, line.asin, 0, tuple(amounts), refund.key)
        self._post(order, refund.kind, (item,), adjustment_id=refund.refund_id)

    def _commission_back(self, line: Line) -> list[Amount]:
        base = line.shipped_part(line.price_minor) + line.shipped_part(line.shipping_minor)
        refunded = line.refunded.get("Principal", 0) + line.refunded.get("Shipping", 0)
        if not base:
            return []
        returned = line.shipped_part(line.commission_minor) * refunded // base - line.commission_returned_minor
        if not returned:
            return []
        line.commission_returned_minor += returned
        kept = min(share(returned, self._settings.refund_admin_per_100k), self._settings.refund_admin_max_minor)
        return [Amount(FEES, "Commission", returned), Amount(FEES, "RefundCommission", -kept)]

    def _post(
        self,
        order: Order,
        transaction_type: str,
        items: tuple[PostedItem, ...],
        *,
        shipment_id: str = "",
        adjustment_id: str = "",
        deferral: timedelta | None = None,
    ) -> None:
        now = self._platform.now()
        posting = Posting(
            posting_id=self._platform.letters(32),
            transaction_type=transaction_type,
            order_id=order.order_id,
            posted_at=now,
            items=items,
            shipment_id=shipment_id,
            adjustment_id=adjustment_id,
            fulfillment="MFN" if order.mine else "AFN",
            released=not deferral,
        )
        self._platform.postings.append(posting)
        if deferral:
            posting.release_at = now + deferral
            self._platform.at(posting.release_at, lambda: self._release(posting))

    def _release(self, posting: Posting) -> None:
        posting.released = True
        posting.release_id = self._platform.letters(32)

    def unsettled(self) -> list[Posting]:
        """What is payable and in no settlement yet."""
        return [one for one in self._platform.postings if one.released and one.settlement_id is None]

    def balance(self) -> Mapping[str, int]:
        """What is known and not paid: payable, and deferred."""
        open_ones = [one for one in self._platform.postings if one.settlement_id is None]
        return {
            "payable": sum(one.total_minor for one in open_ones if one.released),
            "deferred": sum(one.total_minor for one in open_ones if not one.released),
        }
