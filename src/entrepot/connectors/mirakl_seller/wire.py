"""One shop's way in: its own key, and its number where the key's user has several shops."""

from dataclasses import dataclass, replace

from entrepot.connectors.credentials import RawKey
from entrepot.connectors.exchange import Answer, Call, Exchange
from entrepot.connectors.mirakl.wire import Wire, words
from entrepot.connectors.port import Access, Detail
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import WrongSetting

SHOP, KEY = "shop", "shop_key"


@dataclass(frozen=True, slots=True)
class ShopWire(Wire):
    """`shop_id`: empty when the key has one shop only."""

    shop_id: str = ""

    def call(self, ctx: Ctx, role: str, call: Call) -> tuple[Answer, Detail]:
        named = replace(call, query=(*call.query, ("shop_id", self.shop_id))) if self.shop_id else call
        return self.exchange.call(ctx, self.credentials[role], named)


def setting(access: Access, name: str, otherwise: str = "") -> str:
    """One of the account's settings that are no secrets."""
    return access.secrets[name]() if name in access.secrets else otherwise


def open_wire(access: Access) -> ShopWire:
    """Errors: WrongSetting without a shop key."""
    if KEY not in access.secrets:
        raise WrongSetting(f"account {access.account} declares no {KEY}", account=access.account)
    return ShopWire(Exchange(access.base_url, words), {SHOP: RawKey(access.secrets[KEY])}, setting(access, "shop_id"))
