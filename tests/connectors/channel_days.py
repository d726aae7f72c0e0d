"""A small day on every channel, with something in each of its lists: what suites that hold for all channels begin with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connectors.amazon.house import QUEUE_ARN, AmazonMarket
from connectors.backoffice.company import NUMBER, Company
from connectors.channel import ChannelMarket
from connectors.channelengine.ce_market import ChannelEngineMarket
from connectors.ebay import lists as ebay_lists
from connectors.ebay import shop as ebay
from connectors.mirakl_seller import shop as mirakl
from connectors.walmart.walmart_market import WalmartMarket, product

from entrepot.connectors import manifest as manifests
from entrepot.connectors.manifest import Manifest
from entrepot.kernel.outcome import Done


def _amazon() -> ChannelMarket:
    """Three orders, one of them with a refund that is rejected, a listing that is hidden, a settlement."""
    market = AmazonMarket()
    made, _ = market.send("amazon.create-destination", {"name": "hub", "queue_arn": QUEUE_ARN})
    assert isinstance(made, Done)
    told = {"notification": "ORDER_CHANGE", "destination_id": made.receipt["destination_id"]}
    market.send("amazon.subscribe", told)
    order_id = market.shipped(("ATLAS-1", 2))
    market.portal.place([("TIDES-1", 1)])
    market.portal.place([("LAMP-1", 1), ("ATLAS-1", 1)])
    market.send("amazon.refund", market.giving_back(order_id, item_minor=99_999))
    market.portal.refund(order_id, market.lines(order_id)[0]["line_id"], 500)
    market.portal.suppress("LAMP-1", "18027", "The title is too long.", "item_name")
    market.portal.close_period()
    market.move(seconds=10)
    return market


def _walmart() -> ChannelMarket:
    market = WalmartMarket()
    order_id = market.shipped()
    market.buy(("LENS", 1))
    market.portal.refund(order_id, "1", 500)
    market.portal.open_return(order_id, [("2", 1)], "Defective")
    market.portal.suppress("CHART", "E", "no image", "mainImageUrl")
    market.send("walmart.submit-item", product(images=[]))
    market.move(minutes=10)
    market.portal.close_period()
    return market


def _ebay() -> ChannelMarket:
    shop = ebay.Shop()
    ebay_lists.full(shop)
    return shop


def _channelengine() -> ChannelMarket:
    market = ChannelEngineMarket()
    order_id = market.shipped()
    market.buy(("LENS", 1))
    (line, *_) = market.book(order_id)["lines"]
    market.portal.open_return(order_id, [(line["line_id"], 1)], "WRONG_SIZE")
    market.portal.suppress("CHART", "E", "no image", "image")
    return market


def _mirakl() -> ChannelMarket:
    """Two orders, one of them shipped, refunded and sent back; a price and a product that are rejected; a cycle."""
    shop = mirakl.Shop()
    order_id = shop.ready()
    assert isinstance(shop.do("ship", shop.parcel(order_id)), Done)
    shop.move(days=3)
    shop.front.open_return(order_id, [(f"{order_id}-1", 1)], "DEFECTIVE")
    line = {"line_id": f"{order_id}-1", "quantity": 1, "item_minor": 800}
    told = {"order_id": order_id, "our_number": "H", "refund": "R", "currency": "EUR", "reason": "returned"}
    assert isinstance(shop.do("refund", {**told, "lines": [line]}), Done)
    shop.buy(("ATLAS", 1))
    shop.move(minutes=3)
    shop.front.close_period()
    shop.do("set-price", {"sku": "NOWHERE", "price_minor": 1, "currency": "EUR"})
    whole = {"sku": "X", "revision": "1", "category": "PHOTO", "title": "Lamp", "gtin": "404", "price_minor": 4_000}
    shop.do("submit-listing", {**whole, "currency": "EUR", "quantity": 9})
    shop.move(minutes=3)
    return shop


def _backoffice() -> ChannelMarket:
    """Two orders that leave, one of which nobody finds, and a return."""
    market = Company()
    market.book()
    market.portal.give_up(NUMBER, [("2", 1)])
    market.book("amazon-de/main:303-2")
    market.move(days=2)
    market.portal.receive_return(NUMBER, "RT-1", [("1", 1)])
    market.move(days=2)
    return market


@dataclass(frozen=True)
class ChannelDay:
    """`news`: something new of which `source` tells, as it is called there: orders; what lies there, of a back office."""

    day: Callable[[], ChannelMarket]
    package: str
    news: Callable[[ChannelMarket], str]
    source: str = "orders"

    @property
    def manifest(self) -> Manifest:
        return manifests.load(f"entrepot.connectors.{self.package}")


def _counted(market: ChannelMarket) -> str:
    """Another article each time."""
    sku = next(one for one in ("MAP-1", "BELL-1", "LAMP-1") if market.portal.stock(one) != COUNTED)
    market.portal.count(sku, COUNTED)
    return f"{sku}@main"


COUNTED = 7
DAYS: Mapping[str, ChannelDay] = {
    "amazon": ChannelDay(_amazon, "amazon", lambda market: str(market.portal.place([("ATLAS-1", 1)]))),
    "walmart": ChannelDay(_walmart, "walmart", lambda market: str(market.portal.place([("ATLAS", 1)]))),
    "ebay": ChannelDay(_ebay, "ebay", lambda market: str(market.portal.place([("BOOK-1", 1)]))),
    "channelengine": ChannelDay(
        _channelengine, "channelengine", lambda market: str(market.portal.place([("ATLAS", 1)]))
    ),
    "mirakl-seller": ChannelDay(_mirakl, "mirakl_seller", lambda market: str(market.buy(("ATLAS", 1)))),  # type: ignore[attr-defined]
    "backoffice": ChannelDay(_backoffice, "backoffice", _counted, "stock"),
}
SOURCES = [(name, source) for name, one in DAYS.items() for source in one.manifest.sources]
