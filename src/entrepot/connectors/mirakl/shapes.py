"""The fields of Mirakl's records that the hub reads, by their own names. All others are allowed and kept in the body.

Amounts are decimals, digit for digit. Enums are open strings: Mirakl promises that new words may come at any time.
"""

from decimal import Decimal

import msgspec

Id = str | int  # ids are numbers to some operations and text to others


class VolumePrice(msgspec.Struct):
    quantity_threshold: int | None = None
    unit_discount_price: Decimal | None = None
    unit_origin_price: Decimal | None = None


class ChannelPrice(msgspec.Struct):
    channel_code: str | None = None
    discount_end_date: str | None = None
    discount_start_date: str | None = None
    unit_discount_price: Decimal | None = None
    unit_origin_price: Decimal | None = None
    volume_prices: list[VolumePrice] | None = None


class DiscountRange(msgspec.Struct):
    price: Decimal
    quantity_threshold: int


class Discount(msgspec.Struct):
    discount_price: Decimal | None = None
    end_date: str | None = None
    start_date: str | None = None
    ranges: list[DiscountRange] | None = None


class LogisticClass(msgspec.Struct):
    code: str | None = None


class Offer(msgspec.Struct):
    """An offer in the list (OF21), which names neither its shop nor when it changed."""

    offer_id: Id
    shop_sku: str
    category_code: str | None = None
    product_title: str | None = None
    price: Decimal | None = None
    currency_iso_code: str | None = None
    quantity: int | None = None
    description: str | None = None
    all_prices: list[ChannelPrice] | None = None
    allow_quote_requests: bool | None = None
    available_end_date: str | None = None
    available_start_date: str | None = None
    discount: Discount | None = None
    eco_contributions: list[msgspec.Raw] | None = None
    internal_description: str | None = None
    leadtime_to_ship: int | None = None
    logistic_class: LogisticClass | None = None
    max_order_quantity: int | None = None
    min_order_quantity: int | None = None
    min_quantity_alert: int | None = None
    msrp: Decimal | None = None
    offer_additional_fields: list[msgspec.Raw] | None = None
    package_quantity: int | None = None
    price_additional_info: str | None = None
    product_tax_code: str | None = None


class Organization(msgspec.Struct):
    type: str
    id: Id | None = None


class Sender(msgspec.Struct):
    type: str
    organization_details: Organization | None = None


class ThreadMessage(msgspec.Struct, rename={"from_": "from"}):
    id: str
    body: str
    date_created: str
    from_: Sender


class Topic(msgspec.Struct):
    value: str


class ThreadHead(msgspec.Struct):
    id: str
    date_updated: str
    topic: Topic
    current_participants: list[Organization] = []


class Thread(ThreadHead):
    """A conversation (M10, M11 with messages)."""

    messages: list[ThreadMessage] = []


class Import(msgspec.Struct):
    """Where an offer import stands (OF02)."""

    import_id: Id
    status: str
    lines_in_error: int = 0
    has_error_report: bool = False
    reason_status: str | None = None


class Tax(msgspec.Struct):
    amount: Decimal


class Refund(msgspec.Struct):
    """A refund on an order line (OR11). `state` is the older field and lacks the newest word."""

    id: Id
    created_date: str
    amount: Decimal | None = None
    shipping_amount: Decimal | None = None
    taxes: list[Tax] | None = None
    shipping_taxes: list[Tax] | None = None
    commission_amount: Decimal | None = None
    commission_tax_amount: Decimal | None = None
    refund_state: str | None = None
    state: str | None = None
    reason_code: str | None = None
    quantity: int | None = None


class Cancelation(msgspec.Struct):
    quantity: int | None = None
    amount: Decimal | None = None
    shipping_amount: Decimal | None = None
    reason_code: str | None = None
    id: Id = ""


class OrderLine(msgspec.Struct):
    order_line_id: str
    order_line_state: str
    quantity: int
    price: Decimal
    shipping_price: Decimal
    offer_id: Id = ""
    offer_sku: str | None = None
    product_title: str | None = None
    category_code: str | None = None
    commission_fee: Decimal | None = None
    commission_vat: Decimal | None = None
    taxes: list[Tax] | None = None
    shipping_taxes: list[Tax] | None = None
    refunds: list[Refund] | None = None
    cancelations: list[Cancelation] | None = None


class Order(msgspec.Struct):
    """OR11, OR12, OR01. `shop_id` and `shop_name` come to operator and front keys only."""

    order_id: str
    commercial_id: str
    order_state: str
    currency_iso_code: str
    order_lines: list[OrderLine]
    created_date: str
    last_updated_date: str
    order_tax_mode: str | None = None
    shop_id: Id = ""
    shop_name: str | None = None
    acceptance_decision_date: str | None = None
    shipping_deadline: str | None = None
    customer_debited_date: str | None = None
    shipping_company: str | None = None
    shipping_carrier_code: str | None = None
    shipping_tracking: str | None = None
    has_incident: bool | None = None
    payment_workflow: str | None = None


class OrderHead(msgspec.Struct):
    order_id: str
    commercial_id: str
    last_updated_date: str


class DebitLine(msgspec.Struct):
    order_line_id: str
    order_line_amount: Decimal


class DebitLines(msgspec.Struct):
    order_line: list[DebitLine]


class Debit(msgspec.Struct):
    order_id: str
    order_commercial_id: str
    amount: Decimal
    currency_iso_code: str
    customer_id: Id
    order_lines: DebitLines


class DebitHead(msgspec.Struct):
    order_id: str
    order_commercial_id: str


class PendingRefund(msgspec.Struct):
    id: Id
    amount: Decimal
    quantity: int | None = None
    reason_code: str | None = None


class RefundAsked(msgspec.Struct):
    """One refund of a PA12 page with what the page says around it: the record the hub keeps."""

    order_id: str
    order_commercial_id: str
    order_line_id: str
    currency_iso_code: str
    refund: PendingRefund


class RefundRow(msgspec.Struct):
    """One element of PA12's list, only far enough to take it apart."""

    order_id: str
    order_commercial_id: str
    currency_iso_code: str
    order_lines: "RefundRowLines"


class RefundRowLines(msgspec.Struct):
    order_line: list["RefundRowLine"]


class RefundRowLine(msgspec.Struct):
    order_line_id: str
    refunds: "RefundRowRefunds"


class RefundRowRefunds(msgspec.Struct):
    refund: list[msgspec.Raw]


class ReturnLine(msgspec.Struct):
    order_line_id: str
    quantity: int


class Tracking(msgspec.Struct):
    carrier_name: str | None = None
    carrier_code: str | None = None
    tracking_number: str | None = None


class Return(msgspec.Struct):
    id: str
    order_id: str
    order_commercial_id: str
    state: str
    date_created: str
    last_updated: str
    return_lines: list[ReturnLine]
    reason_code: str | None = None
    tracking: Tracking | None = None


class ReturnHead(msgspec.Struct):
    id: str
    order_commercial_id: str
    last_updated: str


class Shipment(msgspec.Struct):
    id: str
    order_id: str
    status: str
    last_updated_date: str
    shipped_date: str | None = None
    tracking: Tracking | None = None


class ShipmentHead(msgspec.Struct):
    id: str
    order_id: str
    last_updated_date: str


class CycleShop(msgspec.Struct):
    shop_id: Id


class PayOut(msgspec.Struct):
    state: str | None = None
    reference: str | None = None
    failure_reason: str | None = None
    transaction_date: str | None = None


class Cycle(msgspec.Struct):
    id: str
    currency_iso_code: str
    date_created: str
    shop: CycleShop
    amount_transferred_to_seller: Decimal | None = None
    amount_transferred_to_operator: Decimal | None = None
    payment_voucher_number: str | None = None
    pay_out: PayOut | None = None
    summary: dict[str, Decimal | None] | None = None


class CycleHead(msgspec.Struct):
    id: str
    date_created: str


class EntityId(msgspec.Struct):
    id: Id


class EntityOrder(msgspec.Struct):
    id: str
    commercial_id: str | None = None


class EntityDocument(msgspec.Struct):
    number: str | None = None


class EntityTransaction(msgspec.Struct):
    number: str | None = None


class Entities(msgspec.Struct):
    order: EntityOrder | None = None
    order_line: EntityId | None = None
    refund: EntityId | None = None
    manual_accounting_document: EntityDocument | None = None
    transaction_info: EntityTransaction | None = None


class LogLine(msgspec.Struct):
    """TL02. `payment_voucher_number` and `shop_id` are not in the published list; some platforms send them."""

    id: str
    type: str
    currency_iso_code: str
    date_created: str
    last_updated: str
    amount: Decimal | None = None
    amount_credited: Decimal | None = None
    amount_debited: Decimal | None = None
    entities: Entities | None = None
    seller_billing_cycle_id: str | None = None
    accounting_document_number: str | None = None
    payment_voucher_number: str | None = None
    shop_id: Id = ""


class LogHead(msgspec.Struct):
    id: str
    last_updated: str
    seller_billing_cycle_id: str | None = None
    entities: Entities | None = None


class Kyc(msgspec.Struct):
    status: str | None = None


class PaymentDetails(msgspec.Struct):
    payment_blocked: bool | None = None


class Shop(msgspec.Struct):
    shop_id: Id
    shop_name: str
    shop_state: str
    last_updated_date: str
    currency_iso_code: str | None = None
    model: str | None = None
    suspension_type: str | None = None
    kyc: Kyc | None = None
    payment_details: PaymentDetails | None = None


class ShopHead(msgspec.Struct):
    shop_id: Id
    last_updated_date: str
