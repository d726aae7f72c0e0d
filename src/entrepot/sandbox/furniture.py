"""What stands in the simulated marketplace before anybody comes: six shops, three categories, offers, buyers."""

from random import Random
from typing import Any, Final

from entrepot.sandbox.mirakl import CategorySeed, OfferSeed, ShopSeed

A, B, C, D, E, F = 2001, 2002, 2003, 2004, 2005, 2006
SHOP_NAMES: Final = {
    A: "Atelier Alpin",
    B: "Maison Bretonne",
    C: "Comptoir du Midi",
    D: "Delta Outdoor",
    E: "Etoile Cuisine",
    F: "Fabrique du Nord",
}
CATEGORIES: Final = (
    CategorySeed("OUTDOOR", "Outdoor", 12_000),
    CategorySeed("KITCHEN", "Kitchen", 15_000),
    CategorySeed("TEXTILE", "Home textiles", 9_500),
)
ARTICLES: Final = {
    "OUTDOOR": ("Trekking pole", "Rain jacket", "Head lamp", "Daypack 24 l", "Camp stove", "Water filter", "Wool cap"),
    "KITCHEN": ("Cast iron pan", "Chef knife", "Oak board", "Carafe 1 l", "Peeler", "Spice mill", "Tart form"),
    "TEXTILE": ("Linen sheet", "Wool blanket", "Tea towel", "Cushion", "Table runner", "Bath towel", "Curtain"),
}
FIRST_NAMES: Final = ("Camille", "Jules", "Lea", "Noe", "Ines", "Hugo", "Alice", "Malo", "Zoe", "Tom")
LAST_NAMES: Final = ("Moreau", "Petit", "Roux", "Girard", "Lambert", "Fontaine", "Chevalier", "Masson")
CITIES: Final = (("75011", "Paris"), ("69003", "Lyon"), ("13006", "Marseille"), ("44000", "Nantes"), ("59000", "Lille"))
CUSTOMERS: Final = 30


def shops(extra_currencies: tuple[str, ...]) -> tuple[ShopSeed, ...]:
    """Six shops that sell in euro, and one more for each extra currency."""
    euro = [ShopSeed(shop_id, name, f"{name} SAS") for shop_id, name in SHOP_NAMES.items()]
    others = [
        ShopSeed(F + 1 + position, f"Port {currency}", f"Port {currency} Ltd", currency=currency)
        for position, currency in enumerate(extra_currencies)
    ]
    return (*euro, *others)


def offer_id(shop_id: int, position: int) -> int:
    """The id of one of a shop's offers, from 0."""
    return 10_000 + (shop_id - 2000) * 100 + position


def offers(rng: Random, shop: ShopSeed) -> list[OfferSeed]:
    """Seven offers in the shop's category, at prices from the seed."""
    category = CATEGORIES[shop.shop_id % len(CATEGORIES)]
    made = []
    for position, article in enumerate(ARTICLES[category.code]):
        number = (shop.shop_id - 2000) * 100 + position
        made.append(
            OfferSeed(
                offer_id=offer_id(shop.shop_id, position),
                shop_id=shop.shop_id,
                shop_sku=f"{shop.shop_id}-{position + 1:02d}",
                product_sku=f"P{number:05d}",
                title=f"{article}, {shop.name}",
                category_code=category.code,
                price_minor=rng.randint(590, 18_990),
                quantity=rng.randint(400, 900),
                shipping_minor=rng.choice((0, 290, 490, 690)),
                currency=shop.currency,
                brand=shop.name.split()[0],
            )
        )
    return made


def customers(rng: Random) -> tuple[dict[str, Any], ...]:
    """Buyers with a name, an address and a mailbox at a domain that cannot exist."""
    made = []
    for number in range(1, CUSTOMERS + 1):
        first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
        zip_code, city = rng.choice(CITIES)
        address = {
            "civility": None,
            "company": None,
            "firstname": first,
            "lastname": last,
            "street_1": f"{rng.randint(1, 180)} rue de la Gare",
            "street_2": None,
            "zip_code": zip_code,
            "city": city,
            "state": None,
            "country": "France",
            "country_iso_code": "FRA",
            "phone": f"+33 1 99 00 {rng.randint(10, 99)} {rng.randint(10, 99)}",
        }
        made.append(
            {
                "customer_id": f"CUST-{number:04d}",
                "firstname": first,
                "lastname": last,
                "email": f"{first}.{last}.{number}@shop.example".lower(),
                "locale": "fr_FR",
                "shipping_address": address,
                "billing_address": address,
            }
        )
    return tuple(made)
