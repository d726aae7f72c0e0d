"""The write to a seller (S07): block or free his payouts, suspend him, tell his KYC status."""

from typing import Any

import msgspec

from entrepot.connectors.exchange import Call
from entrepot.connectors.mirakl import payloads, shapes
from entrepot.connectors.mirakl.asking import json_call
from entrepot.connectors.reading import elements, typed
from entrepot.connectors.writes import Look, Shape
from entrepot.kernel.http import HttpResponse
from entrepot.kernel.outcome import Done, NotThere, Outcome, ReadBack, Refused, Unknown


class _ShopError(msgspec.Struct):
    code: str | None = None
    message: str | None = None
    field: str | None = None


class _ShopErrors(msgspec.Struct):
    errors: list[_ShopError]


class _ShopReturn(msgspec.Struct):
    shop_error: _ShopErrors | None = None


class _ShopReturns(msgspec.Struct):
    shop_returns: list[_ShopReturn]


def update_shop(payload: payloads.UpdateShop, _key: str) -> Call:
    shop: dict[str, Any] = {"shop_id": int(payload.shop_id) if payload.shop_id.isdecimal() else payload.shop_id}
    if payload.payment_blocked is not None:
        shop["payment_blocked"] = payload.payment_blocked
    if payload.suspend is not None:
        shop["suspend"] = payload.suspend
    if payload.kyc_status is not None:
        shop["kyc"] = {"status": payload.kyc_status, "reason": payload.kyc_reason}
    return json_call("PUT", "/api/shops", {"shops": [shop]})


def shop_updated(_payload: payloads.UpdateShop, response: HttpResponse) -> Outcome:
    returns = typed(response.body, _ShopReturns).shop_returns
    errors = [error for one in returns if one.shop_error for error in one.shop_error.errors]
    if errors:
        told = "; ".join(error.message or error.code or "refused" for error in errors)
        return Refused(errors[0].code or "SHOP_REFUSED", told, errors[0].field)
    return Done() if returns else Unknown("the answer names no shop")


def _shop(payload: payloads.UpdateShop, _key: str) -> Call:
    return Call("GET", "/api/shops", (("shop_ids", payload.shop_id), ("max", "1")))


def shop_is_so(payload: payloads.UpdateShop, response: HttpResponse) -> ReadBack:
    """Setting the same values again is harmless, so a difference only means: not there yet."""
    for raw in elements(response.body, "shops"):
        shop = typed(raw, shapes.Shop)
        blocked = bool(shop.payment_details and shop.payment_details.payment_blocked)
        kyc = shop.kyc.status if shop.kyc else None
        if str(shop.shop_id) == payload.shop_id and (
            payload.payment_blocked in (None, blocked)
            and payload.kyc_status in (None, kyc)
            and payload.suspend in (None, shop.shop_state == "SUSPENDED")
        ):
            return Done({"shop_state": shop.shop_state})
    return NotThere(f"shop {payload.shop_id} is not so yet")


UPDATE_SHOP = Shape(payloads.UpdateShop, update_shop, shop_updated, Look(_shop, shop_is_so))
