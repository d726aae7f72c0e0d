"""Shops: A01, S20, S07."""

from collections.abc import Callable
from typing import Any, Final

from entrepot.sandbox.core import Response
from entrepot.sandbox.mirakl import shapes
from entrepot.sandbox.mirakl.billing import KYC_DONE
from entrepot.sandbox.mirakl.call import Call
from entrepot.sandbox.mirakl.errors import MiraklError, invalid
from entrepot.sandbox.mirakl.ledger import Ledger
from entrepot.sandbox.mirakl.money import major
from entrepot.sandbox.mirakl.paging import by_offset
from entrepot.sandbox.mirakl.platform import Platform
from entrepot.sandbox.mirakl.state import Shop
from entrepot.sandbox.mirakl.wire import answer, body_of, date_parameter, list_parameter, rows, stamp, text, whole

BATCH_MAX: Final = 100
KYC_STATES: Final = frozenset({"PENDING_SUBMISSION", "PENDING_APPROVAL", "REFUSED", "APPROVED", "NOT_REQUIRED"})
DOMAINS: Final = frozenset({"PRODUCT", "SERVICE"})


class Shops:
    """The sellers."""

    def __init__(self, platform: Platform, ledger: Ledger, kyc_done: Callable[[int], None]) -> None:
        self._platform = platform
        self._kyc_done = kyc_done
        self._tables = platform.tables
        self._ledger = ledger
        now = platform.now()
        for seed in platform.settings.shops:
            platform.tables.shops[seed.shop_id] = Shop(
                shop_id=seed.shop_id,
                name=seed.name,
                corporate_name=seed.corporate_name or seed.name,
                currency=seed.currency,
                country=seed.country,
                model=seed.model,
                state=seed.state,
                kyc_status=seed.kyc_status,
                kyc_reason=None,
                tax_rate_per_100k=seed.tax_rate_per_100k,
                iban=seed.iban,
                pay_out_psp_code=seed.pay_out_psp_code,
                operator_internal_id=seed.operator_internal_id,
                created_at=now,
                updated_at=now,
            )

    # -- calls -----------------------------------------------------------------------------------------------------

    def a01(self, call: Call) -> Response:
        """A seller reads his own account."""
        shop_id = call.caller.asked_shop(call.request)
        if shop_id is None:
            raise MiraklError(400, "Parameter 'shop_id' is required")
        return answer(200, self.account_dict(self._shop(shop_id)))

    def s20(self, call: Call) -> Response:
        """List shops."""
        request = call.request
        since = date_parameter(request, "updated_since")
        ids = list_parameter(request, "shop_ids")
        domains = list_parameter(request, "domains", DOMAINS)
        found = [
            shop
            for _, shop in sorted(self._tables.shops.items())
            if (since is None or shop.updated_at.replace(microsecond=0) >= since)
            and (ids is None or str(shop.shop_id) in ids)
            and (domains is None or "PRODUCT" in domains)
        ]
        return by_offset(request, found, "shops", self.shop_dict)

    def s07(self, call: Call) -> Response:
        """Patch shops; each succeeds or fails by itself."""
        given = rows(body_of(call.request), "shops")
        if len(given) > BATCH_MAX:
            raise invalid(f"at most {BATCH_MAX} elements", "shops")
        returns = []
        for row in given:
            written = self._platform.asked("S07", str(row.get("shop_id")))
            try:
                shop = self._shop(whole(row, "shop_id"))
                self._patch(shop, row)
                written.applied += 1
                returns.append({"input": row, "shop_updated": self.shop_dict(shop), "shop_error": None})
            except MiraklError as why:
                error = {"code": why.code or "SHOP_NOT_FOUND", "field": why.field, "message": why.message}
                returns.append({"input": row, "shop_updated": None, "shop_error": {"errors": [error]}})
        return answer(200, {"shop_returns": returns})

    def _shop(self, shop_id: int) -> Shop:
        shop = self._tables.shops.get(shop_id)
        if shop is None:
            raise MiraklError(404, f"Shop with id '{shop_id}' not found", "SHOP_NOT_FOUND", "shop_id")
        return shop

    def _patch(self, shop: Shop, row: dict[str, Any]) -> None:
        kyc = row.get("kyc")
        if kyc is not None and (not isinstance(kyc, dict) or kyc.get("status") not in KYC_STATES):
            raise invalid("'kyc.status' is not a KYC status", "kyc.status")
        fields = {
            text(field, "code"): str(field.get("value"))
            for field in (rows(row, "shop_additional_fields") if row.get("shop_additional_fields") else [])
        }
        for name in ("payment_blocked", "suspend"):
            if not isinstance(row.get(name), bool | None):
                raise invalid(f"'{name}' must be true or false", name)
        if kyc is not None:
            shop.kyc_status, shop.kyc_reason = kyc["status"], kyc.get("reason")
            if shop.kyc_status in KYC_DONE:
                self._kyc_done(shop.shop_id)
        shop.additional_fields.update(fields)
        if row.get("payment_blocked") is not None:
            shop.payment_blocked = row["payment_blocked"]
        if row.get("suspend") is not None:
            shop.state = "SUSPENDED" if row["suspend"] else "OPEN"
            shop.suspension_type = "MANUAL" if row["suspend"] else None
        self.touch(shop)

    def touch(self, shop: Shop) -> None:
        """A shop changed."""
        shop.updated_at = self._platform.now()

    # -- how it looks ----------------------------------------------------------------------------------------------

    def shop_dict(self, shop: Shop) -> dict[str, Any]:
        """One shop as S20 shows it."""
        return {
            **shapes.SHOP,
            **self._common(shop),
            "operator_internal_id": shop.operator_internal_id,
            "premium_state": "NOT_PREMIUM",
            "payment_details": {
                **shapes.SHOP_BALANCES,
                **self._balances(shop),
                "payment_blocked": shop.payment_blocked,
                "pay_subscription": False,
            },
            "payment_info": self._payment_info(shop),
        }

    def account_dict(self, shop: Shop) -> dict[str, Any]:
        """One shop as it sees itself."""
        address = {**shapes.REGISTRATION_ADDRESS, "city": "Paris", "country_iso_code": shop.country}
        return {
            **shapes.ACCOUNT,
            **self._common(shop),
            "default_billing_information": {
                **shapes.BILLING_IDENTITY,
                "default_language": "fr_FR",
                "id": str(shop.shop_id),
                "registration_address": {**address, "street_1": "1 rue du Port"},
            },
            "free_shipping": False,
            "payment_details": {**shapes.ACCOUNT_BALANCES, **self._balances(shop)},
            "payment_info": self._payment_info(shop),
            "payment_method_mandatory": True,
            "shipping": {"lead_time_to_ship": 2},
            "shipping_country": shop.country,
            "shipping_types": list(self._platform.settings.shipping_types),
            "shipping_zones": list(self._platform.settings.shipping_zones),
        }

    def _common(self, shop: Shop) -> dict[str, Any]:
        return {
            "applicable_taxes": [{"code": "TAXDEFAULT", "fee_types": ["COMMISSION"], "label": "VAT"}],
            "billing_info": {**shapes.BILLING_INFO, "iban": shop.iban, "owner": shop.corporate_name},
            "contact_informations": {
                **shapes.CONTACT,
                "city": "Paris",
                "country": shop.country,
                "email": f"shop-{shop.shop_id}@seller.example",
                "lastname": shop.name,
                "street1": "1 rue du Port",
                "zip_code": "75001",
            },
            "currency_iso_code": shop.currency,
            "date_created": stamp(shop.created_at),
            "domains": ["PRODUCT"],
            "evaluations_count": 0,
            "is_professional": True,
            "kyc": {"reason": shop.kyc_reason, "status": shop.kyc_status},
            "last_updated_date": stamp(shop.updated_at),
            "model": shop.model,
            "offers_count": sum(1 for o in self._tables.offers.values() if o.shop_id == shop.shop_id and not o.deleted),
            "orders_count": shop.orders_count,
            "premium": False,
            "pro_details": {**shapes.PRO_DETAILS, "corporate_name": shop.corporate_name},
            "shippings": [
                {**shapes.SHIPPING_ROW, "shipping_type_code": code, "shipping_type_label": code}
                | {"shipping_zone_code": zone, "shipping_zone_label": zone}
                for zone in self._platform.settings.shipping_zones
                for code in self._platform.settings.shipping_types
            ],
            "shop_additional_fields": [
                {"code": code, "type": "STRING", "value": value} for code, value in shop.additional_fields.items()
            ],
            "shop_id": shop.shop_id,
            "shop_name": shop.name,
            "shop_state": shop.state,
            "suspension_type": shop.suspension_type,
        }

    def _payment_info(self, shop: Shop) -> dict[str, Any]:
        return {**shapes.PAYMENT_INFO, "@type": "IBAN", "owner": shop.corporate_name, "iban": shop.iban}

    def _balances(self, shop: Shop) -> dict[str, Any]:
        def sum_of(state: str) -> Any:
            return major(self._ledger.in_state.get((shop.shop_id, shop.currency, state), 0), shop.currency)

        return {
            "paid_balance": sum_of("PAID"),
            "payable_balance": sum_of("PAYABLE"),
            "pending_balance": sum_of("PENDING"),
        }
