"""The storefront on the wire: a bearer key, and refusals of code, message and field."""

from dataclasses import dataclass

import msgspec

from entrepot.connectors.credentials import RawKey
from entrepot.connectors.exchange import Answer, Call, Credentials, Exchange
from entrepot.connectors.port import Access, Detail
from entrepot.connectors.reading import NOT_JSON, first_bytes
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import WrongSetting
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Refused

PUBLISH_KEY = "publish_key"


class _Error(msgspec.Struct):
    code: str | None = None
    message: str | None = None
    field: str | None = None


def words(response: HttpResponse) -> Refused:
    """`{"code", "message", "field"}`; else the first bytes."""
    status = f"HTTP {response.status}"
    try:
        error = msgspec.json.decode(response.body, type=_Error)
    except NOT_JSON:
        return Refused(status, first_bytes(response.body) or status)
    return Refused(error.code or status, error.message or status, error.field)


@dataclass(frozen=True, slots=True)
class Wire:
    exchange: Exchange
    credentials: Credentials

    def call(self, ctx: Ctx, role: str, call: Call) -> tuple[Answer, Detail]:
        return self.exchange.call(ctx, self.credentials, call)


def open_wire(access: Access) -> Wire:
    """Errors: WrongSetting without a key."""
    if PUBLISH_KEY not in access.secrets:
        raise WrongSetting(f"account {access.account} declares no {PUBLISH_KEY}", account=access.account)
    return Wire(Exchange(access.base_url, words), RawKey(access.secrets[PUBLISH_KEY], scheme="Bearer"))
