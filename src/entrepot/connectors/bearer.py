"""A system on the wire that takes a bearer key and refuses with code, message and field: the gateway, the storefront."""

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


def open_wire(access: Access, key: str) -> Wire:
    """`key`: which of the account's secrets lets us in. Errors: WrongSetting without it."""
    if key not in access.secrets:
        raise WrongSetting(f"account {access.account} declares no {key}", account=access.account)
    return Wire(Exchange(access.base_url, words), RawKey(access.secrets[key], scheme="Bearer"))
