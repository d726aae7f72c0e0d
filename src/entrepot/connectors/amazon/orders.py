"""An order of Amazon in our words, from either vocabulary. Pure and total.

Totals are our own sums over the lines. Whether a tax is inside a price or on top of it they do not say: it is on top unless
the order's own total is reached without it (as where prices include VAT). Discounts are taken off the price.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from entrepot.connectors.amazon import order_shapes as shapes
from entrepot.connectors.amazon.words import (
    BUYER,
    CURRENCY_BY_MARKETPLACE,
    DELIVERED,
    FULFILLED_BY,
    PACKAGE_CANCELLED,
    PACKAGE_STATUSES,
    leg_state,
)
from entrepot.connectors.reading import (
    UnknownWord,
    Unreadable,
    instant,
    maybe_instant,
    members,
    minor,
    total,
    typed,
)
from entrepot.kernel.outcome import Unrecognised
from entrepot.trade.order.model import LineSeen, OrderSeen
from entrepot.trade.order.states import LegState, LineState

SELLER = "us"
PRICE_TYPES = frozenset({"ITEM", "GIFT_WRAP", "OTHER"})
SHIPPING_TYPES = frozenset({"SHIPPING", "COD_FEE"})
TAX_TYPE, DISCOUNT_TYPE = "TAX", "DISCOUNT"

State = LegState | Unrecognised


@dataclass(frozen=True, slots=True)
class Amounts:
    """What one line costs the buyer, by part; minor units."""

    price: int = 0
    shipping: int = 0
    tax: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of either vocabulary, before its tax and its state are settled."""

    line_id: str
    asin: str
    sku: str
    title: str
    ordered: int
    shipped: int | None
    cancelled: int
    amounts: Amounts
    cancel_asked: bool


@total
def order(body: bytes) -> OrderSeen:
    """Which vocabulary it is, its own fields tell."""
    return _old(body) if "order" in members(body) else _new(body)


def _new(body: bytes) -> OrderSeen:
    seen = typed(body, shapes.Order)
    marketplace = seen.salesChannel.marketplaceId or ""
    currency = _currency(_new_currencies(seen), marketplace)
    state = leg_state(seen.fulfillment.fulfillmentStatus)
    lines = [_new_line(item, state, currency, f"$.orderItems[{n}]") for n, item in enumerate(seen.orderItems)]
    packages = seen.packages or []
    for n, package in enumerate(packages):
        if package.packageStatus and package.packageStatus.status not in PACKAGE_STATUSES:
            raise UnknownWord(f"packages[{n}].packageStatus.status", package.packageStatus.status)
    if state is LegState.SHIPPED and _all_delivered(packages, lines):
        state = LegState.DELIVERED
    told = seen.proceeds.grandTotal if seen.proceeds else None
    by = seen.fulfillment.fulfilledBy
    ship_by, deliver_by = seen.fulfillment.shipByWindow, seen.fulfillment.deliverByWindow
    last = next((package for package in reversed(packages) if package.trackingNumber), None)
    return _order(
        order_id=seen.orderId,
        state=state,
        their_state=seen.fulfillment.fulfillmentStatus,
        currency=currency,
        lines=lines,
        told_minor=minor(told.amount, currency, "$.proceeds.grandTotal.amount") if told else None,
        created_at=instant(seen.createdTime, "$.createdTime"),
        updated_at=instant(seen.lastUpdatedTime, "$.lastUpdatedTime"),
        ship_due_at=maybe_instant(ship_by.latestDateTime if ship_by else None, "$.fulfillment.shipByWindow"),
        deliver_due_at=maybe_instant(
            deliver_by.latestDateTime if deliver_by else None, "$.fulfillment.deliverByWindow"
        ),
        carrier=(last.carrier or "") if last else "",
        tracking=(last.trackingNumber or "") if last else "",
        fulfilled_by=_fulfilled_by("fulfillment.fulfilledBy", by),
        market=marketplace,
    )


def _new_currencies(seen: shapes.Order) -> list[str]:
    found = [seen.proceeds.grandTotal.currencyCode] if seen.proceeds and seen.proceeds.grandTotal else []
    for item in seen.orderItems:
        found += [part.subtotal.currencyCode for part in (item.proceeds.breakdowns or [] if item.proceeds else [])]
        if item.product.price and item.product.price.unitPrice:
            found.append(item.product.price.unitPrice.currencyCode)
    return found


def _new_line(item: shapes.Item, state: State, currency: str, where: str) -> Line:
    ordered = _count(item.quantityOrdered, f"{where}.quantityOrdered")
    done = item.fulfillment or shapes.ItemFulfillment()
    shipped, left = done.quantityFulfilled, done.quantityUnfulfilled
    for name, count in (("quantityFulfilled", shipped), ("quantityUnfulfilled", left)):
        _count(count or 0, f"{where}.fulfillment.{name}")
    asked = item.cancellation.cancellationRequest if item.cancellation else None
    executed = item.cancellation.cancellationExecution if item.cancellation else None
    cancelled = 0
    if state is LegState.CANCELLED:
        cancelled = ordered - min(ordered, shipped or 0)
    elif executed and executed.cancelledBy:
        cancelled = max(0, ordered - (shipped or 0) - (left or 0))
    return Line(
        line_id=item.orderItemId,
        asin=item.product.asin or "",
        sku=item.product.sellerSku or "",
        title=item.product.title or "",
        ordered=ordered,
        shipped=shipped,
        cancelled=cancelled,
        amounts=_new_amounts(item, ordered, currency, where),
        cancel_asked=bool(asked and (asked.requester or BUYER).upper() == BUYER),
    )


def _new_amounts(item: shapes.Item, ordered: int, currency: str, where: str) -> Amounts:
    """By breakdown; where there is none, the unit price by the quantity. A type nobody published makes the order unclear."""
    parts = (item.proceeds.breakdowns or []) if item.proceeds else []
    if not parts:
        unit = item.product.price.unitPrice if item.product.price else None
        return Amounts(minor(unit.amount, currency, f"{where}.product.price") * ordered if unit else 0)
    price = shipping = tax = 0
    for part in parts:
        amount = minor(part.subtotal.amount, currency, f"{where}.proceeds.breakdowns")
        if part.type in PRICE_TYPES:
            price += amount
        elif part.type in SHIPPING_TYPES:
            shipping += amount
        elif part.type == TAX_TYPE:
            tax += amount
        elif part.type == DISCOUNT_TYPE:
            price -= abs(amount)  # [guess] its sign is not published
        else:
            raise UnknownWord("proceeds.breakdowns.type", part.type)
    return Amounts(price, shipping, tax)


def _all_delivered(packages: Sequence[shapes.Package], lines: Sequence[Line]) -> bool:
    """Every parcel that was not called back has arrived, and together they hold all that was to be shipped."""
    sent = [p for p in packages if not (p.packageStatus and p.packageStatus.status == PACKAGE_CANCELLED)]
    if not sent or any(p.packageStatus is None or p.packageStatus.status != DELIVERED for p in sent):
        return False
    inside: dict[str, int] = {}
    for package in sent:
        for one in package.packageItems or []:
            inside[one.orderItemId] = inside.get(one.orderItemId, 0) + one.quantity
    return all(inside.get(line.line_id, 0) >= line.ordered - line.cancelled for line in lines)


# ── v0 ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _old(body: bytes) -> OrderSeen:
    whole = typed(body, shapes.OldWhole)
    seen = typed(whole.order, shapes.OldOrder)
    items = [typed(raw, shapes.OldItem) for raw in whole.items]
    marketplace = seen.MarketplaceId or ""
    moneys = [seen.OrderTotal, *(m for item in items for m in (item.ItemPrice, item.ShippingPrice, item.ItemTax))]
    currency = _currency([m.CurrencyCode for m in moneys if m and m.CurrencyCode], marketplace)
    state = leg_state(seen.OrderStatus)
    lines = [_old_line(item, state, currency, f"$.items[{n}]") for n, item in enumerate(items)]
    told = seen.OrderTotal.Amount if seen.OrderTotal else None
    return _order(
        order_id=seen.AmazonOrderId,
        state=state,
        their_state=seen.OrderStatus,
        currency=currency,
        lines=lines,
        told_minor=minor(told, currency, "$.order.OrderTotal.Amount") if told is not None else None,
        created_at=instant(seen.PurchaseDate, "$.order.PurchaseDate"),
        updated_at=instant(seen.LastUpdateDate, "$.order.LastUpdateDate"),
        ship_due_at=maybe_instant(seen.LatestShipDate, "$.order.LatestShipDate"),
        deliver_due_at=maybe_instant(seen.LatestDeliveryDate, "$.order.LatestDeliveryDate"),
        carrier="",
        tracking="",
        fulfilled_by=_fulfilled_by("FulfillmentChannel", seen.FulfillmentChannel),
        market=marketplace,
    )


def _old_line(item: shapes.OldItem, state: State, currency: str, where: str) -> Line:
    def of(name: str) -> int:
        money: shapes.OldMoney | None = getattr(item, name)
        if money is not None and money.CurrencyCode not in (None, currency):
            raise Unreadable(f"{money.CurrencyCode} in an order of {currency}", f"{where}.{name}")
        return minor(money.Amount, currency, f"{where}.{name}") if money else 0

    ordered = _count(item.QuantityOrdered, f"{where}.QuantityOrdered")
    shipped = item.QuantityShipped
    _count(shipped or 0, f"{where}.QuantityShipped")
    wrap = item.BuyerInfo or shapes.OldBuyerInfo()
    wrapped = minor(wrap.GiftWrapPrice.Amount, currency, f"{where}.BuyerInfo") if wrap.GiftWrapPrice else 0
    wrap_tax = minor(wrap.GiftWrapTax.Amount, currency, f"{where}.BuyerInfo") if wrap.GiftWrapTax else 0
    asked = item.BuyerRequestedCancel.IsBuyerRequestedCancel if item.BuyerRequestedCancel else None
    taxes = of("ItemTax") + of("ShippingTax") + wrap_tax - of("ShippingDiscountTax") - of("PromotionDiscountTax")
    return Line(
        line_id=item.OrderItemId,
        asin=item.ASIN,
        sku=item.SellerSKU or "",
        title=item.Title or "",
        ordered=ordered,
        shipped=shipped,
        cancelled=ordered - min(ordered, shipped or 0) if state is LegState.CANCELLED else 0,
        amounts=Amounts(
            of("ItemPrice") - of("PromotionDiscount") + wrapped,
            of("ShippingPrice") - of("ShippingDiscount") + of("CODFee") - of("CODFeeDiscount"),
            taxes,
        ),
        cancel_asked=str(asked).lower() == "true",
    )


# ── what both share ──────────────────────────────────────────────────────────────────────────────────────────


def _order(*, lines: Sequence[Line], told_minor: int | None, currency: str, state: State, **head: Any) -> OrderSeen:
    plain = sum(line.amounts.price + line.amounts.shipping for line in lines)
    taxes = sum(line.amounts.tax for line in lines)
    included = told_minor is not None and taxes != 0 and plain == told_minor
    seen = tuple(_line(line, state, head["ship_due_at"], included=included) for line in lines)
    return OrderSeen(
        commercial_id=head["order_id"],
        seller_id=SELLER,
        seller_name="",
        state=state,
        currency=currency,
        total_minor=plain + (0 if included else taxes),
        lines=seen,
        decided_at=None,
        debited_at=None,
        cancel_asked=any(line.cancel_asked for line in lines),
        **head,
    )


def _line(line: Line, state: State, ship_due_at: Any, *, included: bool) -> LineSeen:
    to_ship = line.ordered - line.cancelled
    shipped = line.shipped
    if shipped is None and state in (LegState.SHIPPED, LegState.DELIVERED):
        shipped = to_ship  # the order's word stands for the count they left out
    return LineSeen(
        order_line_id=line.line_id,
        offer_id=line.asin,
        sku=line.sku,
        title=line.title,
        category="",
        quantity=line.ordered,
        price_minor=line.amounts.price,
        shipping_minor=line.amounts.shipping,
        tax_minor=0 if included else line.amounts.tax,
        commission_minor=0,
        commission_tax_minor=0,
        state=_line_state(line, state, shipped or 0),
        their_state=state.word if isinstance(state, Unrecognised) else state.value,
        cancelled_qty=line.cancelled,
        shipped_qty=shipped,
        ship_due_at=ship_due_at,
    )


def _line_state(line: Line, state: State, shipped: int) -> LineState | Unrecognised:
    """Lines have no word of their own: the order's, as far as their counts agree with it."""
    if isinstance(state, Unrecognised):
        return state
    if state is LegState.ON_HOLD:
        return LineState.ON_HOLD
    to_ship = line.ordered - line.cancelled
    if to_ship <= 0 and not shipped:
        return LineState.CANCELLED
    if shipped < to_ship:
        return LineState.TO_SHIP
    return LineState.DELIVERED if state is LegState.DELIVERED else LineState.SHIPPED


def _currency(told: Sequence[str], marketplace: str) -> str:
    """One currency of the whole order. Errors: Unreadable where they mix, or where nothing says it."""
    found = sorted(set(told))
    if len(found) > 1:
        raise Unreadable(f"amounts in {' and '.join(found)}")
    if found:
        return found[0]
    if marketplace in CURRENCY_BY_MARKETPLACE:
        return CURRENCY_BY_MARKETPLACE[marketplace]
    raise Unreadable(f"no amount, and no marketplace we know (“{marketplace}”): in which currency is it?")


def _fulfilled_by(field: str, word: str | None) -> str:
    """Not said: by the seller, who then looks at it."""
    if not word:
        return "seller"
    if word not in FULFILLED_BY:
        raise UnknownWord(field, word)
    return FULFILLED_BY[word]


def _count(number: int, where: str) -> int:
    if number < 0 or number > 1_000_000_000:
        raise Unreadable(f"{number} is not a quantity", where)
    return number
