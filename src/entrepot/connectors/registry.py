"""The connectors a blueprint may name."""

from collections.abc import Callable, Mapping

from entrepot.connectors.ebay.connector import connect as ebay
from entrepot.connectors.facts import facts
from entrepot.connectors.mirakl.connector import connect as mirakl
from entrepot.connectors.mirakl_seller.connector import connect as mirakl_seller
from entrepot.connectors.payment.connector import connect as payment
from entrepot.connectors.port import Access, Connector
from entrepot.connectors.storefront.connector import connect as storefront
from entrepot.kernel.errors import WrongSetting

__all__ = ["CONNECTORS", "connect", "facts"]

CONNECTORS: Mapping[str, Callable[[Access], Connector]] = {
    "ebay": ebay,
    "mirakl": mirakl,
    "mirakl-seller": mirakl_seller,
    "payment": payment,
    "storefront": storefront,
}


def connect(name: str, access: Access) -> Connector:
    """Errors: WrongSetting for a name we do not ship."""
    if name not in CONNECTORS:
        known = ", ".join(sorted(CONNECTORS))
        raise WrongSetting(f"there is no connector “{name}”; there are {known}", connector=name)
    return CONNECTORS[name](access)
