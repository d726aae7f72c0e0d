"""V01, PC01, RE01, SH21: what the platform says about itself."""

from typing import Any, Final

from entrepot.sandbox.core import Response
from entrepot.sandbox.mirakl.call import Call
from entrepot.sandbox.mirakl.platform import Platform
from entrepot.sandbox.mirakl.wire import answer

VERSION: Final = "3.1000"
REASONS: Final = (
    # type, code, label, may the shop use it
    ("INCIDENT_OPEN", "NOT_RECEIVED", "Item not received", False),
    ("INCIDENT_OPEN", "DEFECTIVE", "Item defective", False),
    ("INCIDENT_CLOSE", "RESOLVED", "Solved with the customer", True),
    ("REFUND", "RETURNED", "Item returned", True),
    ("REFUND", "COMMERCIAL_GESTURE", "Commercial gesture", True),
    ("REFUND", "NOT_RECEIVED", "Item not received", True),
    ("CANCELATION", "OUT_OF_STOCK", "Item out of stock", True),
    ("CANCELATION", "CUSTOMER_REQUEST", "Customer changed his mind", False),
    ("ORDER_MESSAGING", "QUESTION", "Question on an order", True),
    ("OFFER_MESSAGING", "QUESTION", "Question on an offer", True),
    ("MMP_SELLER_MESSAGING", "QUESTION", "Question to the operator", True),
    ("RETURN", "CHANGED_MIND", "Customer changed his mind", False),
    ("RETURN", "DEFECTIVE", "Item defective", False),
    ("RETURN_REJECTION", "RETURN_REJECTION_NOT_ELIGIBLE", "Not eligible", True),
    ("RETURN_REJECTION", "RETURN_REJECTION_NOT_NEEDED", "Not needed", True),
    ("RETURN_REJECTION", "RETURN_REJECTION_WINDOW_CLOSED", "Too late", True),
    ("RETURN_NON_COMPLIANT", "DAMAGED", "Item damaged", True),
)
CARRIERS: Final = (
    ("DHL", "DHL", "dhl", "https://track.dhl.example/{trackingId}"),
    ("UPS", "UPS", "ups", "https://track.ups.example/{trackingId}"),
    ("COLISSIMO", "Colissimo", "colissimo", "https://track.colissimo.example/{trackingId}"),
    ("OTHER", "Other", None, None),
)


class Reference:
    """Facts that do not change while the world runs."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def v01(self, _: Call) -> Response:
        """The version; its key is not published (a guess)."""
        return answer(200, {"version": VERSION})

    def re01(self, _: Call) -> Response:
        """Reasons for refunds, returns, cancelations and incidents."""
        reasons = [
            {"code": code, "is_shop_right": shop, "label": label, "type": type_} for type_, code, label, shop in REASONS
        ]
        return answer(200, {"reasons": reasons, "total_count": len(reasons)})

    def sh21(self, _: Call) -> Response:
        """The carriers the platform knows."""
        carriers = [
            {"code": code, "label": label, "standard_code": standard, "tracking_url": url}
            for code, label, standard, url in CARRIERS
        ]
        return answer(200, {"carriers": carriers})

    def pc01(self, _: Call) -> Response:
        """How the platform is set up."""
        settings = self._platform.settings
        return answer(
            200,
            {
                "features": self._features(),
                "modules": _modules(),
                "platform_configuration": {
                    "customer_model": {"b2b": False, "b2c": True},
                    "enhanced_seller_invoicing": {"enabled": False},
                    "platform_model": {"drop_ship": False, "marketplace": True, "one_creditor": False},
                },
                "platform_name": settings.platform_name,
                "tenant_name": settings.platform_name.lower().replace(" ", "-"),
                "timezone": settings.timezone,
            },
        )

    def _features(self) -> dict[str, Any]:
        workflow = self._platform.settings.payment_workflow
        return {
            "catalog": {
                "allow_shop_contribution_to_all_channels": False,
                "exclude_invalid_products": True,
                "list_of_multiple_values_separator": "|",
                "product_acceptance_by_channel": False,
                "product_data_validation_by_channel": False,
                "product_import_only_on_leaf": True,
            },
            "circular_economy_data_collection": False,
            "competitive_pricing_tool": False,
            "direct_payment_customer_store": {"activated": False, "refund_cancel_authorized": False},
            "disable_seller_alternative_carrier": False,
            "dropship": {"retail_pricing_edition_enabled": None, "retail_pricing_enabled": False},
            "kyc_status_per_seller": True,
            "lead_time_to_ship_by_sellers_enabled": "true",
            "multi_currency": True,
            "multi_payout_psp_per_seller": False,
            "no_reply_needed": False,
            "offer_prices_decimals": "2",
            "operator_csv_delimiter": "SEMICOLON",
            "order_conditions": {
                "lead_time_to_ship": True,
                "maximum_order_quantity": True,
                "minimum_order_quantity": True,
                "package_order_quantity": False,
            },
            "order_tax_mode": "TAX_INCLUDED",
            "order_workflows": {
                "no_customer_payment_confirmation": workflow == "NO_CUSTOMER_PAYMENT_CONFIRMATION",
                "order_acceptance": "MANUAL",
                "pause_debit_workflow": False,
                "pay_on_due_date": workflow == "PAY_ON_DUE_DATE",
                "pay_on_shipment": workflow == "PAY_ON_SHIPMENT",
                "sellers_edit_shipping_origin": False,
                "shipping_and_billing_details_before_acceptance": True,
            },
            "payment_confirmation": True,
            "pricing": {
                "channel_pricing": "DISABLED",
                "discount_period_required": False,
                "discount_price_creation_in_the_past_blocked": False,
                "scheduled_pricing": False,
                "volume_discount": False,
                "volume_pricing": False,
            },
            "product_data_validation_by_channel": False,
            "promotion": {"cart_promotion_campaign": False, "discount_campaign": False, "seller_promotion": False},
            "returns": {"drop_ship": False, "marketplace": True, "one_creditor": False},
            "shipment": {"multi_part_item_shipment": False, "multi_shipment": True},
            "shop_tax_options": {
                "local_tax_number": {"mandatory": False, "validation_regex": None},
                "tax_identification_number": {"mandatory": False, "validation_regex": None},
            },
            "tax_collection": {
                "activated": "false",
                "product_tax_code_mandatory": False,
                "tax_collection_by_operator": False,
            },
            "tax_id_number": {"mandatory": False, "validation_regex": None},
            "warehouses": {"geolocation": False, "restricted_countries": []},
        }


def _modules() -> dict[str, Any]:
    return {
        "mirakl_catalog_integrator": False,
        "mirakl_catalog_manager": True,
        "mirakl_catalog_transformer": False,
        "mirakl_platform_services": False,
        "offer_management": True,
        "offer_management_mode": "MIRAKL",
        "order_management": True,
        "order_management_mode": "MIRAKL",
        "promotions": False,
        "quotes": False,
        "tax_manager": {"activated": False, "tax_provider": {"avalara": False, "vertex": False}},
    }
