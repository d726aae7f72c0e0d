"""The back office's words as our models: pure and total. A word or a number that cannot be is a value, never a crash."""

from collections.abc import Mapping, Sequence

from entrepot.connectors.backoffice import wire_shapes as theirs
from entrepot.connectors.port import Translator
from entrepot.connectors.reading import UnknownWord, Unreadable, instant, total, typed
from entrepot.connectors.verbs import REASONS
from entrepot.kernel.money import INT64_MAX, NotMoney, exponent
from entrepot.trade.catalog.model import ProductSeen
from entrepot.trade.shipment.model import CannotDeliver, GoodsBack, ParcelSeen
from entrepot.trade.stock.model import PriceSeen, StockSeen


@total
def parcel(body: bytes) -> ParcelSeen:
    one = typed(body, theirs.Parcel)
    return ParcelSeen(
        parcel=one.parcel,
        number=one.number,
        carrier=one.carrier,
        tracking=one.tracking,
        shipped_at=instant(one.shipped_at, "$.shipped_at"),
        lines=_some(one.lines, "$.lines"),
        service=one.service or "",
    )


@total
def cannot_deliver(body: bytes) -> CannotDeliver:
    """Errors: Unrecognised for a reason nobody published."""
    one = typed(body, theirs.Cancellation)
    if one.reason not in REASONS:
        raise UnknownWord("reason", one.reason)
    at = instant(one.at, "$.at")
    return CannotDeliver(one.cancellation, one.number, one.reason, _some(one.lines, "$.lines"), at)


@total
def goods_back(body: bytes) -> GoodsBack:
    """A refund for a line of which nothing was accepted cannot be."""
    one = typed(body, theirs.Return)
    accepted, rejected = _pieces(one.accepted), _pieces(one.rejected)
    if not accepted and not rejected:
        raise Unreadable("nothing came back with this return", "$.accepted")
    for line_id, minor in one.refund_minor.items():
        if line_id not in accepted:
            raise Unreadable(f"a refund for line {line_id}, of which nothing was accepted", "$.refund_minor")
        if minor > INT64_MAX:
            raise Unreadable(f"{minor} is not an amount", "$.refund_minor")
    at = instant(one.at, "$.at")
    return GoodsBack(one.return_id, one.number, accepted, rejected, dict(one.refund_minor), at)


@total
def stock(body: bytes) -> StockSeen:
    one = typed(body, theirs.Stock)
    if abs(one.quantity) > INT64_MAX:
        raise Unreadable(f"{one.quantity} is no number of pieces", "$.quantity")
    return StockSeen(one.sku, one.location, one.quantity, one.version, instant(one.at, "$.at"))


@total
def price(body: bytes) -> PriceSeen:
    one = typed(body, theirs.Price)
    try:
        exponent(one.currency)
    except NotMoney as error:
        raise Unreadable(error.message, "$.currency") from error
    if one.price_minor > INT64_MAX:
        raise Unreadable(f"{one.price_minor} is not an amount", "$.price_minor")
    at = instant(one.at, "$.at")
    return PriceSeen(one.sku, one.channel, one.price_minor, one.currency, one.version, at)


@total
def product(body: bytes) -> ProductSeen:
    one = typed(body, theirs.Product)
    return ProductSeen(
        sku=one.sku,
        revision=one.revision,
        title=one.title,
        gtin=one.gtin or "",
        category=one.category,
        at=instant(one.at, "$.at"),
        brand=one.brand or "",
        description=one.description or "",
        images=tuple(one.images),
        attributes=one.attributes,
    )


def _pieces(lines: Sequence[theirs.Line]) -> Mapping[str, int]:
    """Pieces by line; a line named twice is the sum of both."""
    found: dict[str, int] = {}
    for line in lines:
        found[line.line_id] = found.get(line.line_id, 0) + line.quantity
    return found


def _some(lines: Sequence[theirs.Line], where: str) -> Mapping[str, int]:
    if not lines:
        raise Unreadable("there are no lines", where)
    return _pieces(lines)


TRANSLATORS: Mapping[str, Translator] = {
    "parcel": parcel,
    "cannot-deliver": cannot_deliver,
    "goods-back": goods_back,
    "stock": stock,
    "price": price,
    "product": product,
}
