"""Every documented key of every answer, empty: null for a value or object, [] for a list.

Some clients fail when a documented key is missing, so an answer starts as a copy of its shape and is then filled in.
Shapes are copied flat (`{**ORDER, ...}`); their empty lists are shared and never changed.
Source: the published field lists of the operations named beside each shape.
"""

from collections.abc import Mapping
from typing import Any, Final

Shape = Mapping[str, Any]


def shape(keys: str) -> Shape:
    """A shape from key names; a trailing [] marks a list."""
    return {key.removesuffix("[]"): [] if key.endswith("[]") else None for key in keys.split()}


def names(words: str) -> tuple[str, ...]:
    """Names out of a text."""
    return tuple(words.split())


# -- OR11, OR12, OR01 ----------------------------------------------------------------------------------------------

ORDER: Final = shape(
    """acceptance_decision_date can_cancel can_shop_ship channel commercial_id created_date currency_iso_code customer
    customer_debited_date customer_directly_pays_seller customer_notification_email delivery_date discount_campaigns[]
    fulfillment fully_refunded has_customer_message has_incident has_invoice invoice_details last_updated_date
    leadtime_to_ship order_additional_fields[] order_id order_lines[] order_refunds[] order_state
    order_state_reason_code order_state_reason_label order_tax_mode order_taxes[] paymentType payment_duration
    payment_type payment_workflow price promotions quote_id references shipping_carrier_code
    shipping_carrier_standard_code shipping_company shipping_deadline shipping_price shipping_pudo_id shipping_tracking
    shipping_tracking_url shipping_type_code shipping_type_label shipping_type_standard_code shipping_zone_code
    shipping_zone_label total_commission total_price transaction_date transaction_number"""
)
CUSTOMER: Final = shape(
    """accounting_contact billing_address civility customer_id delivery_contact firstname lastname locale organization
    shipping_address"""
)
ADDRESS: Final = shape(
    """city civility company company_2 country country_iso_code firstname lastname phone phone_secondary state street_1
    street_2 zip_code"""
)
SHIPPING_ADDRESS: Final = {**ADDRESS, **shape("additional_info")}
ORDER_LINE: Final = shape(
    """can_refund cancelations[] category_code category_label commission_fee commission_rate_vat commission_taxes[]
    commission_vat created_date debited_date description discount_campaign eco_contributions[] fees[] last_updated_date
    measurement offer_id offer_sku offer_state_code order_line_additional_fields[] order_line_id order_line_index
    order_line_state order_line_state_reason_code order_line_state_reason_label origin_unit_price price
    price_additional_info price_amount_breakdown price_unit product_medias[] product_shop_sku product_sku product_title
    promotions[] purchase_information quantity received_date refunds[] shipped_date shipping_from shipping_price
    shipping_price_additional_unit shipping_price_amount_breakdown shipping_price_unit shipping_taxes[]
    tax_legal_notice taxes[] total_commission total_price"""
)
CANCELATION: Final = shape(
    """amount amount_breakdown commission_amount commission_taxes[] commission_total_amount created_date
    eco_contributions[] fees[] id purchase_information quantity reason_code shipping_amount shipping_amount_breakdown
    shipping_taxes[] taxes[]"""
)
REFUND: Final = {
    **CANCELATION,
    **shape(
        "commission_tax_amount order_refund_id refund_state state tax_legal_notice transaction_date transaction_number"
    ),
}

# -- OR28, OR30 ----------------------------------------------------------------------------------------------------

REFUND_RESULT: Final = shape(
    """amount amount_breakdown currency_iso_code eco_contributions[] excluded_from_shipment fees[] order_line_id
    order_refund_id purchase_information quantity reason_code refund_id shipping_amount shipping_amount_breakdown
    shipping_taxes[] taxes[]"""
)
CANCELATION_RESULT: Final = shape(
    """amount amount_breakdown cancelation_id currency_iso_code eco_contributions[] fees[] order_line_id
    purchase_information quantity reason_code shipping_amount shipping_amount_breakdown shipping_taxes[] taxes[]"""
)

# -- ST01, ST11 ----------------------------------------------------------------------------------------------------

SHIPMENT: Final = shape(
    """created_date id invoice_reference last_updated_date order_id payment_details shipment_additional_information[]
    shipment_lines[] shipped_date shipping_from status status_customer_debit tracking"""
)
SHIPMENT_LINE: Final = shape("offer_sku order_line_id package_reference quantity")
SHIPMENT_TRACKING: Final = shape(
    """carrier_code carrier_expected_delivery_date carrier_name carrier_standard_code last_known_location milestones[]
    tracking_number tracking_url validity_status"""
)
SHIPMENT_PAYMENT: Final = shape("customer_debited_date transaction_date transaction_number")

# -- RT01, RT11 ----------------------------------------------------------------------------------------------------

RETURN: Final = shape(
    """date_created description documents[] id label_url last_updated method_code order_commercial_id order_id
    reason_code rejection_reason_code return_address return_lines[] rma state tracking"""
)
RETURN_LINE: Final = shape("compliance[] order_line_id quantity reason_code")
RETURN_ADDRESS: Final = shape("city country_iso_code state street1 street2 zip_code")
COMPLIANCE: Final = shape("compliant non_compliance_additional_info non_compliance_reason_code")

# -- OF21, OF02 ----------------------------------------------------------------------------------------------------

OFFER: Final = shape(
    """active all_prices[] allow_quote_requests applicable_pricing available_end_date available_start_date
    category_code category_label channels[] currency_iso_code description discount eco_contributions[] favorite_rank
    fulfillment inactivity_reasons[] internal_description leadtime_to_ship logistic_class max_order_quantity
    min_order_quantity min_quantity_alert min_shipping_price min_shipping_price_additional min_shipping_type
    min_shipping_zone msrp offer_additional_fields[] offer_id package_quantity price price_additional_info
    product_brand product_description product_references[] product_sku product_tax_code product_title quantity
    retail_prices[] shipping_deadline shop_sku state_code total_price warehouses[]"""
)
PRICE: Final = shape(
    """channel_code context discount_end_date discount_start_date price unit_discount_price unit_origin_price
    volume_prices[]"""
)
VOLUME_PRICE: Final = shape("price quantity_threshold unit_discount_price unit_origin_price")
IMPORT: Final = shape(
    """date_created has_error_report import_id lines_in_error lines_in_pending lines_in_success lines_read mode
    offer_deleted offer_inserted offer_updated reason_status status type"""
)
OFFER_EXPORT_COLUMNS: Final = names(
    """active allow-quote-requests available-end-date available-start-date channels currency-iso-code date-created
    deleted description discount-end-date discount-price discount-ranges discount-retail-price
    discount-retail-price-end-date discount-retail-price-start-date discount-start-date favorite-rank
    fulfillment-center-code last-updated leadtime-to-ship logistic-class max-order-quantity measurement-units
    min-order-quantity min-shipping-price min-shipping-price-additional min-shipping-type min-shipping-zone msrp
    offer-id ongoing-discount-campaigns origin-price origin-retail-price package-quantity premium price
    price-additional-info price-ranges product-sku product-tax-code professional quantity retail-price shop-id
    shop-name shop-sku state-code total-price"""
)

# -- M10, M11, M12 -------------------------------------------------------------------------------------------------

THREAD: Final = shape(
    """authorized_participants[] current_participants[] customer_organization date_created date_updated entities[] id
    messages[] metadata no_store_reply_needed[] topic"""
)
THREAD_MESSAGE: Final = shape("attachments[] body date_created from id to[]")
THREAD_METADATA: Final = shape("last_message_date last_sender shop_reply_needed_since total_count")
SENDER: Final = shape("display_name organization_details type")

# -- A01, S20 ------------------------------------------------------------------------------------------------------

ACCOUNT: Final = shape(
    """applicable_taxes[] approval_delay approval_rate banner billing_info channels[] closed_from closed_to
    contact_informations currency_iso_code date_created default_billing_information description domains[] dropship
    evaluations_count free_shipping grade is_professional kyc last_updated_date logo model offers_count
    order_messages_response_delay orders_count payment_details payment_info payment_method_mandatory premium
    pro_details producer_identifiers[] recycling_policy return_policy shipping shipping_country shipping_types[]
    shipping_zones[] shippings[] shop_additional_fields[] shop_id shop_name shop_state specific_billing_informations[]
    suspension_type"""
)
SHOP: Final = shape(
    """shop_id shop_name shop_state suspension_type model domains[] currency_iso_code date_created last_updated_date
    is_professional premium premium_state approval_delay approval_rate grade evaluations_count offers_count
    orders_count channels[] operator_internal_id kyc payment_info payment_details billing_info contact_informations
    pro_details applicable_taxes[] shop_additional_fields[] shippings[] closed_from closed_to"""
)
BILLING_INFO: Final = shape("bank_city bank_name bank_street bic iban owner zip_code")
CONTACT: Final = shape(
    """city civility country email fax firstname lastname phone phone_secondary state street1 street2 web_site
    zip_code"""
)
PRO_DETAILS: Final = shape("VAT_number corporate_name identification_number tax_identification_number")
BILLING_IDENTITY: Final = shape(
    """corporate_information default_language fiscal_information fiscal_representative id personal_information
    registration_address"""
)
REGISTRATION_ADDRESS: Final = shape("city country_iso_code state street_1 street_2 zip_code")
ACCOUNT_BALANCES: Final = shape(
    "paid_balance payable_balance pending_balance reserve_balance reserve_target sub_balances[]"
)
SHOP_BALANCES: Final = shape(
    """paid_balance payable_balance pending_balance payment_blocked pay_subscription subscription_free_from
    subscription_free_to"""
)
PAYMENT_INFO: Final = shape("@type owner iban bic bank_name bank_street bank_city zip_code")
SHIPPING_ROW: Final = shape(
    """additional_fields[] shipping_free_amount shipping_type_code shipping_type_label shipping_type_standard_code
    shipping_zone_code shipping_zone_label"""
)

# -- IV01, SBC11, TL02 ---------------------------------------------------------------------------------------------

INVOICE: Final = shape(
    """currency_iso_code date_created details[] due_date id invoice_id issue_date issuing_user pay_out_psp_code payment
    shop_address shop_corporate_name shop_id shop_model shop_name shop_operator_internal_id shop_tax_number state
    total_amount_excl_taxes total_amount_incl_taxes total_charged_amount total_taxes[] type"""
)
INVOICE_DETAIL: Final = shape("amount_excl_taxes description operation_date order_id quantity taxes[]")
SHOP_ADDRESS: Final = shape(
    """city civility company complementary country firstname lastname phone phone_secondary state street1 street2
    zip_code"""
)
CYCLE: Final = shape(
    """amount_transferred_to_operator amount_transferred_to_seller currency_iso_code date_created id pay_out
    pay_out_psp_code payment_voucher_number shop summary"""
)
CYCLE_SUMMARY_KEYS: Final = names(
    """total_commissions_excl_tax total_commissions_incl_tax total_fee_excl_tax total_fee_incl_tax
    total_fee_operator_remitted_excl_tax total_fee_operator_remitted_incl_tax total_non_payable_orders_excl_tax
    total_non_payable_orders_incl_tax total_operator_paid_shipping_charges_excl_tax
    total_operator_paid_shipping_charges_incl_tax total_operator_remitted_taxes total_other_credits_excl_tax
    total_other_credits_incl_tax total_other_invoices_excl_tax total_other_invoices_incl_tax
    total_payable_orders_excl_tax total_payable_orders_incl_tax total_purchase_taxes
    total_refund_commissions_excl_tax total_refund_commissions_incl_tax total_refund_fee_excl_tax
    total_refund_fee_incl_tax total_refund_fee_operator_remitted_excl_tax total_refund_fee_operator_remitted_incl_tax
    total_refund_non_payable_orders_excl_tax total_refund_non_payable_orders_incl_tax
    total_refund_operator_paid_shipping_charges_excl_tax total_refund_operator_paid_shipping_charges_incl_tax
    total_refund_operator_remitted_taxes total_refund_orders_excl_tax total_refund_orders_incl_tax
    total_refund_payable_orders_excl_tax total_refund_payable_orders_incl_tax total_refund_purchase_taxes
    total_seller_fees_on_orders_excl_tax total_seller_fees_on_orders_incl_tax total_seller_penalty_fees_excl_tax
    total_seller_penalty_fees_incl_tax total_subscription_excl_tax total_subscription_incl_tax"""
)
LOG_LINE: Final = shape(
    """accounting_document_creation_date accounting_document_id accounting_document_number amount amount_credited
    amount_debited balance currency_iso_code date_created entities id last_updated pay_out_psp_code payment_state
    psp_balance seller_billing_cycle_id type"""
)
LOG_ENTITIES: Final = shape(
    """channel debit domain fee manual_accounting_document one_off_item order order_fee order_line order_tax refund
    shipment shop_tax transaction_info"""
)
