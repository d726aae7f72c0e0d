"""ChannelEngine's records in our words: pure and total.

An order counts no shipped units: a line's status says it. VAT is inside every price. Shipping is told for the whole order
and stands on its first line.
"""

from datetime import datetime

from entrepot.connectors.channelengine import shapes, words
from entrepot.connectors.reading import UnknownWord, Unreadable, instant, maybe_instant, minor, total, typed
from entrepot.kernel.outcome import Unrecognised
from entrepot.trade.listing.model import Issue, ListingSeen
from entrepot.trade.listing.states import ListingState
from entrepot.trade.order.model import Hint, LineSeen, OrderSeen, ReturnSeen
from entrepot.trade.order.states import LegState, LineState

SENT = frozenset({LineState.SHIPPED, LineState.CLOSED, LineState.REFUNDED})


@total
def order(body: bytes) -> OrderSeen:
    """One order of one channel, known by the manager's own id; the channel's number is its `ChannelOrderNo`."""
    seen = typed(body, shapes.Order)
    if not seen.Lines:
        raise Unreadable("an order without lines", "$.Lines")
    currency, ids = seen.CurrencyCode, line_ids(seen.Lines)
    shipping = _amount(seen.OriginalShippingCostsInclVat, currency, "$.OriginalShippingCostsInclVat")
    lines = tuple(
        _line(line, ids[n], currency, 0 if n else shipping, f"$.Lines[{n}]") for n, line in enumerate(seen.Lines)
    )
    placed_at = instant(seen.OrderDate, "$.OrderDate")
    due = [line.ship_due_at for line in lines if line.ship_due_at]
    deliver = [at for n, line in enumerate(seen.Lines) if (at := _delivery(line, f"$.Lines[{n}]"))]
    return OrderSeen(
        order_id=str(seen.Id),
        commercial_id=str(seen.Id),
        seller_id="us",
        seller_name="",
        state=_leg_state(seen.Status, lines),
        their_state=seen.Status,
        currency=currency,
        total_minor=sum(line.price_minor + line.shipping_minor for line in lines),
        lines=lines,
        created_at=placed_at,
        updated_at=maybe_instant(seen.UpdatedAt, "$.UpdatedAt") or placed_at,
        decided_at=maybe_instant(seen.AcknowledgedDate, "$.AcknowledgedDate"),
        ship_due_at=min(due, default=None),
        debited_at=None,
        fulfilled_by="marketplace" if all(line.IsFulfillmentByMarketplace for line in seen.Lines) else "seller",
        deliver_due_at=min(deliver, default=None),
        market=seen.ChannelName or "",
        cancel_asked=any(line.CancellationRequestedQuantity > 0 for line in seen.Lines),
    )


def line_ids(lines: list[shapes.OrderLine]) -> list[str]:
    """A line's own number; where they tell none, its product's, counted when it stands on several lines."""
    ids: list[str] = []
    for n, line in enumerate(lines):
        name = str(line.Id) if line.Id is not None else line.MerchantProductNo
        if not name:
            raise Unreadable("a line without a number and without a product", f"$.Lines[{n}].MerchantProductNo")
        same = sum(1 for one in ids if one.partition("#")[0] == name)
        ids.append(f"{name}#{same + 1}" if same else name)
    return ids


def _amount(value: shapes.Number | None, currency: str, where: str) -> int:
    """Errors: Unreadable when it is missing or negative: the other amount is in another currency."""
    if value is None:
        raise Unreadable("the amount in the buyer's currency is missing", where)
    found = minor(value, currency, where)
    if found < 0:
        raise Unreadable("an amount of less than nothing", where)
    return found


def _line(line: shapes.OrderLine, line_id: str, currency: str, shipping_minor: int, where: str) -> LineSeen:
    if line.Quantity < 1:
        raise Unreadable("a line needs a positive quantity", f"{where}.Quantity")
    state = words.LINE_BY_STATUS.get(line.Status) or Unrecognised("Line.Status", line.Status)
    due = _first(line, where, "LatestShipmentDate", "ExpectedShipmentDate")
    return LineSeen(
        order_line_id=line_id,
        offer_id=line.ChannelProductNo or "",
        sku=line.MerchantProductNo or "",
        title=line.Description or "",
        category="",
        quantity=line.Quantity,
        price_minor=_amount(line.OriginalLineTotalInclVat, currency, f"{where}.OriginalLineTotalInclVat"),
        shipping_minor=shipping_minor,
        tax_minor=0,
        commission_minor=0,
        commission_tax_minor=0,
        state=state,
        their_state=line.Status,
        cancelled_qty=line.Quantity if state is LineState.CANCELLED else 0,
        ship_due_at=due,
    )


def _delivery(line: shapes.OrderLine, where: str) -> datetime | None:
    return _first(line, where, "LatestDeliveryDate", "ExpectedDeliveryDate")


def _first(line: shapes.OrderLine, where: str, *names: str) -> datetime | None:
    """The first of these dates that is told. Errors: Unreadable, by the name of the one that was read."""
    name = next((name for name in names if getattr(line, name)), None)
    return None if name is None else maybe_instant(getattr(line, name), f"{where}.{name}")


def _leg_state(word: str, lines: tuple[LineSeen, ...]) -> LegState | Unrecognised:
    """They name no partial states: the lines do."""
    state = words.LEG_BY_STATUS.get(word) or Unrecognised("Order.Status", word)
    strange = next((line.state for line in lines if isinstance(line.state, Unrecognised)), None)
    if strange is not None and not isinstance(state, Unrecognised):
        return strange
    if state is LegState.TO_SHIP and any(line.state in SENT for line in lines):
        return LegState.PART_SHIPPED
    return state


@total
def return_order(body: bytes) -> ReturnSeen:
    """One return, declared by a channel or by us."""
    seen = typed(body, shapes.ReturnOfOrder)
    if seen.orderId is None:
        raise Unreadable(f"nobody knows the order {seen.record.MerchantOrderNo} it belongs to", "$.orderId")
    quantities: dict[str, int] = {}
    for n, line in enumerate(seen.record.Lines):
        number = line.OrderLine.Id if line.OrderLine else None
        name = str(number) if number is not None else line.MerchantProductNo
        if not name or line.Quantity < 1:
            raise Unreadable("a line of a return needs a product and a positive quantity", f"$.record.Lines[{n}]")
        quantities[name] = quantities.get(name, 0) + line.Quantity
    created = instant(seen.record.CreatedAt, "$.record.CreatedAt")
    return ReturnSeen(
        return_id=str(seen.record.Id),
        order_id=str(seen.orderId),
        their_state=seen.record.Status,
        state=words.RETURN_BY_STATUS.get(seen.record.Status) or Unrecognised("Return.Status", seen.record.Status),
        reason=seen.record.Reason or "",
        created_at=created,
        updated_at=maybe_instant(seen.record.UpdatedAt, "$.record.UpdatedAt") or created,
        lines=quantities,
    )


@total
def listing(body: bytes) -> ListingSeen:
    """One product on all channels: live when one of them shows it. Why another does not, they only tell people."""
    seen = typed(body, shapes.Listing)
    if not seen.channels:
        raise Unreadable("a product on no channel", "$.channels")
    states = [(one, _on_channel(one.listed)) for one in seen.channels]
    best = min((state for _, state in states), key=_rank)
    shown = next((one.listed for one, state in states if state is best), seen.channels[0].listed)
    price = shown.LastExportedPrice
    return ListingSeen(
        sku=seen.sku,
        state=best,
        their_state=", ".join(f"{one.channelName}: {one.listed.ChannelStatus}" for one in seen.channels),
        updated_at=instant(seen.seenAt, "$.seenAt"),
        price_minor=None
        if price is None or not seen.currency
        else minor(price, seen.currency, "$.channels.LastExportedPrice"),
        currency=seen.currency,
        quantity=shown.LastExportedStock,
        issues=tuple(
            Issue(
                one.listed.ChannelStatus,
                f"{one.channelName} does not show it (export: {one.listed.ExportStatus or 'not told'})",
                severity="warning" if best is ListingState.LIVE else "error",
            )
            for one, state in states
            if state in (ListingState.ISSUE, ListingState.SUPPRESSED)
        ),
    )


def _on_channel(listed: shapes.Listed) -> ListingState:
    """Errors: UnknownWord: what one channel says decides what all of them mean."""
    state = words.LISTING_BY_STATUS.get(listed.ChannelStatus)
    if state is None:
        raise UnknownWord("ChannelStatus", listed.ChannelStatus)
    if listed.ExportStatus is not None and listed.ExportStatus not in words.EXPORTS:
        raise UnknownWord("ExportStatus", listed.ExportStatus)
    if listed.ExportStatus == words.DELETED and state is not ListingState.LIVE:
        return ListingState.ENDED
    return state


def _rank(state: ListingState) -> int:
    return words.BEST_FIRST.index(state) if state in words.BEST_FIRST else len(words.BEST_FIRST)


@total
def hint(body: bytes) -> Hint:
    """Something of ours changed there."""
    seen = typed(body, shapes.HintRecord)
    return Hint(seen.kind, seen.external_id)
