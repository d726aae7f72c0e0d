"""What the company sells: twenty articles with one stock, and how each channel is told of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from entrepot.sandbox import amazon, back_office, channelengine, ebay, mirakl, walmart

BRAND: Final = "Harbour Goods"
GTIN_PREFIX: Final = "426012345"
USD_PER_100_EUR: Final = 115  # what the company asks in the US, rounded up to the next full dollar less a cent
SCARCE_PIECES: Final = 3
DEPARTMENTS: Final[Mapping[str, str]] = {"outdoor": "OUTDOOR", "kitchen": "KITCHEN", "textile": "TEXTILE"}
"""Our own word of a department, and that of the Mirakl shop's operator."""
NAMES: Final = (
    ("Trekking pole", "outdoor", "aluminium", "black"),
    ("Rain jacket", "outdoor", "polyester", "blue"),
    ("Head lamp", "outdoor", "plastic", "red"),
    ("Daypack 24 l", "outdoor", "nylon", "green"),
    ("Camp stove", "outdoor", "steel", "silver"),
    ("Water filter", "outdoor", "plastic", "grey"),
    ("Wool cap", "outdoor", "wool", "navy"),
    ("Cast iron pan", "kitchen", "cast iron", "black"),
    ("Chef knife", "kitchen", "steel", "silver"),
    ("Oak board", "kitchen", "oak", "brown"),
    ("Carafe 1 l", "kitchen", "glass", "clear"),
    ("Peeler", "kitchen", "steel", "red"),
    ("Spice mill", "kitchen", "ceramic", "white"),
    ("Tart form", "kitchen", "ceramic", "cream"),
    ("Linen sheet", "textile", "linen", "white"),
    ("Wool blanket", "textile", "wool", "grey"),
    ("Tea towel", "textile", "cotton", "blue"),
    ("Cushion", "textile", "cotton", "yellow"),
    ("Table runner", "textile", "linen", "natural"),
    ("Bath towel", "textile", "cotton", "green"),
)


@dataclass(frozen=True, slots=True)
class Ware:
    """One article. Units: minor units, euro and dollar; `pieces` lie in the warehouse and are shown on every channel."""

    sku: str
    title: str
    department: str
    material: str
    colour: str
    gtin: str
    eur_minor: int
    usd_minor: int
    pieces: int


def sku(number: int) -> str:
    """The article number of the nth article, from 1."""
    return f"HG-{1000 + number}"


SCARCE: Final = sku(3)  # of this one there are too few for everybody who wants it
SOLD_OUT: Final = sku(9)  # the last pieces of it go over the counter during the day
DEARER: Final = sku(1)  # its common price rises
DEARER_IN_US: Final = sku(12)  # its price in dollars rises
RESTOCKED: Final = sku(17)
REWRITTEN: Final = sku(15)  # the PIM finds better words for it
SUPPRESSED: Final = sku(10)  # Amazon does not show it for a while


def wares(rng: Random) -> list[Ware]:
    """Twenty articles at prices and in quantities from the seed."""
    made = []
    for number, (title, department, material, colour) in enumerate(NAMES, 1):
        eur = rng.randint(8, 120) * 100 - 1
        usd = -(-eur * USD_PER_100_EUR // 10_000) * 100 - 1
        pieces = SCARCE_PIECES if sku(number) == SCARCE else rng.randint(40, 90)
        gtin = gtin_of(number)
        made.append(Ware(sku(number), title, department, material, colour, gtin, eur, usd, pieces))
    return made


def gtin_of(number: int) -> str:
    """A GTIN with its check digit."""
    digits = f"{GTIN_PREFIX}{number:03d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


# -- as each system is told ------------------------------------------------------------------------------------------


def at_amazon(all_of_them: Sequence[Ware]) -> tuple[amazon.Product, ...]:
    def of(ware: Ware) -> amazon.Product:
        facts = {"brand": BRAND, "material": ware.material, "color": ware.colour}
        return amazon.Product(ware.sku, ware.title, "HOME", ware.gtin, ware.eur_minor, ware.pieces, facts)

    return tuple(map(of, all_of_them))


def at_walmart(all_of_them: Sequence[Ware]) -> tuple[walmart.Product, ...]:
    def of(ware: Ware) -> walmart.Product:
        facts = {"brand": BRAND, "productName": ware.title, "mainImageUrl": image(ware.sku)}
        return walmart.Product(
            ware.sku, ware.title, ware.department.title(), ware.gtin, ware.usd_minor, ware.pieces, facts, 499
        )

    return tuple(map(of, all_of_them))


def at_ebay(all_of_them: Sequence[Ware]) -> tuple[ebay.Product, ...]:
    numbers = {"outdoor": "181388", "kitchen": "20625", "textile": "20444"}  # category numbers of our own choosing

    def of(ware: Ware) -> ebay.Product:
        facts = {"Brand": BRAND, "Material": ware.material, "Color": ware.colour}
        number = numbers[ware.department]
        return ebay.Product(ware.sku, ware.title, number, ware.gtin, ware.eur_minor, ware.pieces, facts, 390)

    return tuple(map(of, all_of_them))


def at_channelengine(all_of_them: Sequence[Ware]) -> tuple[channelengine.Product, ...]:
    def of(ware: Ware) -> channelengine.Product:
        trail = f"{ware.department.title()} > {ware.title}"
        facts = {"Brand": BRAND}
        return channelengine.Product(ware.sku, ware.title, trail, ware.gtin, ware.eur_minor, ware.pieces, facts)

    return tuple(map(of, all_of_them))


def at_mirakl(all_of_them: Sequence[Ware]) -> tuple[mirakl.Product, ...]:
    def of(ware: Ware) -> mirakl.Product:
        facts = {"brand": BRAND, "shipping_minor": "450"}
        category = DEPARTMENTS[ware.department]
        return mirakl.Product(ware.sku, ware.title, category, ware.gtin, ware.eur_minor, ware.pieces, facts)

    return tuple(map(of, all_of_them))


def in_back_office(all_of_them: Sequence[Ware], in_dollars: str) -> list[back_office.Article]:
    """As ERP and PIM know them. `in_dollars`: the channel that has a price list of its own."""

    def of(ware: Ware) -> back_office.Article:
        return back_office.Article(
            sku=ware.sku,
            title=ware.title,
            price_minor=ware.eur_minor,
            quantity=ware.pieces,
            currency="EUR",
            gtin=ware.gtin,
            category=ware.department,
            brand=BRAND,
            description=f"{ware.title} of {ware.material}, {ware.colour}.",
            images=(image(ware.sku),),
            attributes=_attributes(ware),
            prices={in_dollars: ware.usd_minor},
            currencies={in_dollars: "USD"},
        )

    return [of(ware) for ware in all_of_them]


def _attributes(ware: Ware) -> dict[str, Any]:
    return {"material": ware.material, "color": ware.colour}


def image(sku_: str) -> str:
    """Where a picture would be; nobody fetches it."""
    return f"https://images.harbour-goods.example/{sku_}.jpg"
