"""checkout-check: is what the buyer is about to pay for live, at this price, in this quantity? Answered from last-known state.

What counts is what the owner of each field says, with overrides laid over and holds upon it, not what the marketplace shows just now. An offer
we never heard of is not refused (the marketplace has the last word at order creation), but said to be unknown; one we know to be held, gone,
dearer or out of stock is refused with the reason. What we know may be old: its age stands beside the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from entrepot.flows.offer_shelf import OfferNow, offers_now
from entrepot.flows.order_creation import LINES_MAX, QUANTITY_MAX, Text
from entrepot.flows.parts import Parts
from entrepot.kernel.ctx import Conn, Ctx

FLOW = "checkout-check"


class LineAsked(msgspec.Struct):
    offer_id: Text
    quantity: Annotated[int, msgspec.Meta(gt=0, le=QUANTITY_MAX)]
    unit_price_minor: Annotated[int, msgspec.Meta(ge=0)]
    sku: Text = ""
    shipping_minor: int = 0


class CheckoutBody(msgspec.Struct):
    """What the storefront posts to /api/v1/checkout/check."""

    account: Text
    currency: Text
    lines: Annotated[list[LineAsked], msgspec.Meta(min_length=1, max_length=LINES_MAX)]


@dataclass(frozen=True, slots=True)
class CheckoutCheck:
    parts: Parts

    def answer(self, ctx: Ctx, conn: Conn, asked: CheckoutBody) -> dict[str, Any]:
        offers = offers_now(conn, self.parts.marketplace, [line.offer_id for line in asked.lines])
        lines = [self._line(ctx, offers.get(line.offer_id), line, asked.currency) for line in asked.lines]
        return {"sellable": all(line["ok"] for line in lines), "lines": lines}

    def _line(self, ctx: Ctx, offer: OfferNow | None, line: LineAsked, currency: str) -> dict[str, Any]:
        if offer is None:
            return {"offer_id": line.offer_id, "ok": True, "known": False, "reasons": []}
        reasons = problems(offer, line, currency)
        age_s = int((ctx.clock.now() - offer.row["seen_at"]).total_seconds())
        return {"offer_id": line.offer_id, "ok": not reasons, "known": True, "age_s": age_s, "reasons": reasons}


def problems(offer: OfferNow, line: LineAsked, currency: str) -> Sequence[str]:
    """Everything that speaks against selling this line now."""
    found = []
    if offer.effective.held:
        found.append("held")
    if not offer.seller_may_sell:
        found.append("seller-suspended")
    if not offer.active:
        found.append("not-live")
    if offer.quantity < line.quantity:
        found.append("out-of-stock")
    if offer.currency != currency:
        found.append("currency-differs")
    elif offer.price_minor != line.unit_price_minor:
        found.append("price-changed")
    return found
