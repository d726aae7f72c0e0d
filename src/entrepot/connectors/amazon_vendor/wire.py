"""The way in of a vendor: as a seller's, and a restricted token for what tells of buyers. Bytes and status codes, no domain words."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from entrepot.connectors.amazon.wire import SELLER, TOKEN_HEADER, Wire, json_call, pause_s, token_of, words
from entrepot.connectors.credentials import FetchedToken, Token
from entrepot.connectors.exchange import Answer, Call, Exchange, Good, NoEntry, Rejected, Unsent, problem_of
from entrepot.connectors.port import Access
from entrepot.connectors.reading import NOT_JSON
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import WrongSetting

RESTRICTED = "restricted"  # role: reads of orders, which tell where a buyer lives
RESTRICTED_PATH = "/tokens/2021-03-01/restrictedDataToken"
ORDERS = "/vendor/directFulfillment/orders/2021-12-28/purchaseOrders"
NEEDED = ("client_id", "client_secret", "refresh_token", "token_url")
RESOURCES = [{"method": "GET", "path": ORDERS}, {"method": "GET", "path": f"{ORDERS}/{{purchaseOrderNumber}}"}]


class _Told(msgspec.Struct):
    restrictedDataToken: str
    expiresIn: float


def nobody(_ctx: Ctx, _call: Call) -> Answer:
    return Unsent("nobody was named to ask")


@dataclass(frozen=True, slots=True)
class Restricted(FetchedToken):
    """A restricted data token, asked for with the vendor's own. `ask`: one call with that."""

    ask: Callable[[Ctx, Call], Answer] = nobody

    def fetched(self, ctx: Ctx, until: datetime | None) -> Token | Unsent | NoEntry:
        call = json_call("POST", RESTRICTED_PATH, {"restrictedResources": RESOURCES})
        answer = self.ask(ctx, replace(call, until=until))
        if isinstance(answer, Rejected | NoEntry):
            return NoEntry(f"no restricted token: {problem_of(answer)}")
        if not isinstance(answer, Good):
            return Unsent(f"no restricted token: {problem_of(answer)}")
        try:
            told = msgspec.json.decode(answer.response.body, type=_Told)
        except NOT_JSON:
            return Unsent("no restricted token: the answer is not the one they publish")
        return Token(told.restrictedDataToken, told.expiresIn)


def open_wire(access: Access) -> Wire:
    """Errors: WrongSetting names what the account does not declare."""
    missing = [name for name in NEEDED if name not in access.secrets]
    if missing:
        raise WrongSetting(f"account {access.account} declares no {', '.join(missing)}", account=access.account)
    exchange, vendor = (
        Exchange(access.base_url, words, entry=TOKEN_HEADER, pause=pause_s),
        token_of(access, {"grant_type": "refresh_token"}),
    )
    asking = Wire(access, exchange, {SELLER: vendor})
    restricted = Restricted("", dict, scheme="", ask=lambda ctx, call: asking.call(ctx, SELLER, call)[0])
    return Wire(access, exchange, {SELLER: vendor, RESTRICTED: restricted})
