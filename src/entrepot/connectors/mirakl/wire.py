"""Mirakl on the wire: which key opens which door, and how Mirakl says no. Bytes and status codes, no domain words."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from entrepot.connectors.credentials import RawKey, client_credentials
from entrepot.connectors.exchange import Answer, Call, Credentials, Exchange
from entrepot.connectors.port import Access, Detail
from entrepot.connectors.reading import NOT_JSON, first_bytes
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import WrongSetting
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Refused

ROLES = ("front", "operator")
TOKEN_PATH = "/oauth/token"


class _Entry(msgspec.Struct):
    code: str | None = None
    message: str | None = None
    field: str | None = None
    error_code: str | None = None


class _Error(msgspec.Struct):
    message: str | None = None
    errors: list[_Entry] | None = None


def words(response: HttpResponse) -> Refused:
    """Mirakl's refusal: `{"errors": [{code, field, message}]}` or `{"status", "message"}`; else the first bytes."""
    code = f"HTTP {response.status}"
    try:
        error = msgspec.json.decode(response.body, type=_Error)
    except NOT_JSON:
        return Refused(code, first_bytes(response.body) or code)
    if error.errors:
        first = error.errors[0]
        told = "; ".join(entry.message or entry.code or "" for entry in error.errors)
        return Refused(first.code or first.error_code or code, told or code, first.field)
    return Refused(code, error.message or first_bytes(response.body) or code)


@dataclass(frozen=True, slots=True)
class Wire:
    exchange: Exchange
    credentials: Mapping[str, Credentials]  # by role

    def call(self, ctx: Ctx, role: str, call: Call) -> tuple[Answer, Detail]:
        return self.exchange.call(ctx, self.credentials[role], call)


def _credentials(access: Access, role: str) -> Credentials:
    """A role's own key, else the one key, else client credentials. Errors: WrongSetting when there is none."""
    for name in (f"{role}_key", "api_key"):
        if name in access.secrets:
            return RawKey(access.secrets[name])
    if {"client_id", "client_secret"} <= access.secrets.keys():
        url = (
            access.secrets["token_url"]() if "token_url" in access.secrets else access.base_url.rstrip("/") + TOKEN_PATH
        )
        return client_credentials(url, access.secrets["client_id"], access.secrets["client_secret"])
    raise WrongSetting(
        f"account {access.account} has no way in for the {role} role: declare {role}_key, api_key, "
        "or client_id and client_secret",
        account=access.account,
    )


def open_wire(access: Access) -> Wire:
    return Wire(Exchange(access.base_url, words), {role: _credentials(access, role) for role in ROLES})
