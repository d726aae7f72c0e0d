"""The connectors a blueprint may name."""

from collections.abc import Callable, Mapping

from entrepot.connectors.amazon.connector import connect as amazon
from entrepot.connectors.amazon_vendor.connector import connect as amazon_vendor
from entrepot.connectors.backoffice.connector import connect as backoffice
from entrepot.connectors.channelengine.connector import connect as channelengine
from entrepot.connectors.ebay.connector import connect as ebay
from entrepot.connectors.facts import facts, manifest
from entrepot.connectors.mirakl.connector import connect as mirakl
from entrepot.connectors.mirakl_seller.connector import connect as mirakl_seller
from entrepot.connectors.payment.connector import connect as payment
from entrepot.connectors.port import Access, Connector
from entrepot.connectors.storefront.connector import connect as storefront
from entrepot.connectors.walmart.connector import connect as walmart
from entrepot.kernel.errors import WrongSetting

__all__ = ["CONNECTORS", "connect", "facts", "manifest"]

CONNECTORS: Mapping[str, Callable[[Access], Connector]] = {
    "amazon": amazon,
    "amazon-vendor": amazon_vendor,
    "backoffice": backoffice,
    "channelengine": channelengine,
    "ebay": ebay,
    "mirakl": mirakl,
    "mirakl-seller": mirakl_seller,
    "payment": payment,
    "storefront": storefront,
    "walmart": walmart,
}


def connect(name: str, access: Access) -> Connector:
    """Errors: WrongSetting for a name we do not ship."""
    if name not in CONNECTORS:
        known = ", ".join(sorted(CONNECTORS))
        raise WrongSetting(f"there is no connector “{name}”; there are {known}", connector=name)
    return CONNECTORS[name](access)
