"""IV01, SBC11, SBC07: accounting documents and billing cycles on the wire."""

from typing import Any, Final

from entrepot.sandbox.core import Response
from entrepot.sandbox.mirakl import shapes
from entrepot.sandbox.mirakl.billing import Billing
from entrepot.sandbox.mirakl.call import Call
from entrepot.sandbox.mirakl.errors import ManyErrors, MiraklError, invalid
from entrepot.sandbox.mirakl.money import major
from entrepot.sandbox.mirakl.paging import by_offset, by_token
from entrepot.sandbox.mirakl.platform import Platform
from entrepot.sandbox.mirakl.state import Cycle, Document
from entrepot.sandbox.mirakl.wire import (
    NO_CONTENT,
    date_parameter,
    json_of,
    list_parameter,
    optional_text,
    stamp,
    text,
)

BATCH_MAX: Final = 100
CYCLES_PER_PAGE_MAX: Final = 1000
TYPES: Final = frozenset({"ALL", "AUTO_INVOICE", "MANUAL_INVOICE", "MANUAL_CREDIT"})


class BillingCalls:
    """Lists by creation date only, as published."""

    def __init__(self, platform: Platform, billing: Billing) -> None:
        self._platform = platform
        self._tables = platform.tables
        self._billing = billing

    # -- IV01 ------------------------------------------------------------------------------------------------------

    def iv01(self, call: Call) -> Response:
        """List accounting documents; without `type` only AUTO_INVOICE."""
        request = call.request
        type_ = request.first("type") or "AUTO_INVOICE"
        if type_ not in TYPES:
            raise MiraklError(400, f"Parameter 'type': unknown value '{type_}'")
        ids = list_parameter(request, "invoice_id")
        issuers = list_parameter(request, "issuing_user_types")
        psps = list_parameter(request, "pay_out_psp_codes")
        cycles = list_parameter(request, "seller_billing_cycle_id")
        start, end = date_parameter(request, "start_date"), date_parameter(request, "end_date")
        currency, status = request.first("currency"), request.first("payment_status")
        shop_id = call.caller.asked_shop(request)
        found = [
            document
            for document in self._tables.documents.values()
            if (type_ == "ALL" or document.type == type_)
            and (shop_id is None or document.shop_id == shop_id)
            and (ids is None or str(document.document_id) in ids)
            and (issuers is None or document.issuer in issuers)
            and (psps is None or self._tables.shops[document.shop_id].pay_out_psp_code in psps)
            and (cycles is None or document.cycle_id in cycles)
            and (start is None or document.created_at.replace(microsecond=0) >= start)
            and (end is None or document.created_at.replace(microsecond=0) <= end)
            and (not currency or document.currency == currency)
            and (not status or document.payment_state == status)
        ]
        return by_offset(request, found, "invoices", self._document_dict)

    def _document_dict(self, document: Document) -> dict[str, Any]:
        shop, currency = self._tables.shops[document.shop_id], document.currency
        total = document.excl_tax_minor + document.tax_minor
        return {
            **shapes.INVOICE,
            "currency_iso_code": currency,
            "date_created": stamp(document.created_at),
            "details": [
                {
                    **shapes.INVOICE_DETAIL,
                    "amount_excl_taxes": major(detail["amount_minor"], currency),
                    "description": detail["description"],
                    "quantity": 1,
                    "taxes": [{"amount": major(detail["tax_minor"], currency), "code": "TAXDEFAULT"}],
                }
                for detail in document.details
            ],
            "due_date": stamp(document.created_at),
            "id": document.number,
            "invoice_id": document.document_id,
            "issue_date": stamp(document.created_at),
            "issuing_user": {"information": None, "type": document.issuer},
            "pay_out_psp_code": shop.pay_out_psp_code,
            "payment": {
                "failure_reason": document.failure_reason,
                "reference": document.reference,
                "state": document.payment_state,
                "transaction_date": document.transaction_at,
            },
            "shop_address": {
                **shapes.SHOP_ADDRESS,
                "city": "Paris",
                "country": shop.country,
                "lastname": shop.name,
                "street1": "1 rue du Port",
                "zip_code": "75001",
            },
            "shop_corporate_name": shop.corporate_name,
            "shop_id": shop.shop_id,
            "shop_model": shop.model,
            "shop_name": shop.name,
            "shop_operator_internal_id": shop.operator_internal_id,
            "state": "COMPLETE",
            "total_amount_excl_taxes": major(document.excl_tax_minor, currency),
            "total_amount_incl_taxes": major(total, currency),
            "total_charged_amount": major(total, currency),
            "total_taxes": [{"amount": major(document.tax_minor, currency), "code": "TAXDEFAULT"}],
            "type": document.type,
        }

    # -- SBC11, SBC07 ----------------------------------------------------------------------------------------------

    def sbc11(self, call: Call) -> Response:
        """List billing cycles."""
        request = call.request
        ids, currencies = list_parameter(request, "id"), list_parameter(request, "currency")
        psps, states = list_parameter(request, "pay_out_psp_code"), list_parameter(request, "pay_out_state")
        start, end = date_parameter(request, "start_date"), date_parameter(request, "end_date")
        shop_id = call.caller.asked_shop(request)
        found = [
            cycle
            for cycle in self._tables.cycles.values()
            if (shop_id is None or cycle.shop_id == shop_id)
            and (ids is None or cycle.cycle_id in ids)
            and (currencies is None or cycle.currency in currencies)
            and (psps is None or self._tables.shops[cycle.shop_id].pay_out_psp_code in psps)
            and (states is None or cycle.pay_out_state in states)
            and (start is None or cycle.created_at.replace(microsecond=0) >= start)
            and (end is None or cycle.created_at.replace(microsecond=0) <= end)
        ]
        return by_token(request, found, lambda c: c.sequence, self.cycle_dict, CYCLES_PER_PAGE_MAX)

    def cycle_dict(self, cycle: Cycle) -> dict[str, Any]:
        """One cycle with every documented key."""
        shop, currency = self._tables.shops[cycle.shop_id], cycle.currency
        return {
            **shapes.CYCLE,
            "amount_transferred_to_operator": major(cycle.operator_minor, currency),
            "amount_transferred_to_seller": major(cycle.amount_minor, currency),
            "currency_iso_code": currency,
            "date_created": stamp(cycle.created_at),
            "id": cycle.cycle_id,
            "pay_out": {
                "failure_reason": cycle.failure_reason,
                "reference": cycle.reference,
                "state": cycle.pay_out_state,
                "transaction_date": cycle.transaction_at,
            },
            "pay_out_psp_code": shop.pay_out_psp_code,
            "payment_voucher_number": cycle.voucher,
            "shop": {
                "shop_corporate_name": shop.corporate_name,
                "shop_id": shop.shop_id,
                "shop_model": shop.model,
                "shop_name": shop.name,
                "shop_operator_internal_id": shop.operator_internal_id,
            },
            "summary": {name: major(amount, currency) for name, amount in cycle.summary.items()},
        }

    def sbc07(self, call: Call) -> Response:
        """Confirm payouts. Body and the 204 are our guess; a batch is taken whole or refused whole."""
        given = json_of(call.request)
        if not isinstance(given, list) or not given or not all(isinstance(row, dict) for row in given):
            raise invalid("the body must be a non-empty list of objects")
        if len(given) > BATCH_MAX:
            raise invalid(f"at most {BATCH_MAX} elements")
        writes = [self._platform.asked("SBC07", text(row, "id")) for row in given]
        errors: list[MiraklError] = []
        seen: set[str] = set()
        for row in given:
            try:
                self._check(row, seen)
            except MiraklError as why:
                errors.append(why)
        if errors:
            raise ManyErrors(errors)
        for row, written in zip(given, writes, strict=True):
            told = row["pay_out"]
            self._billing.confirm(
                self._tables.cycles[row["id"]],
                told["status"] == "PAID",
                told.get("payment_date"),
                told.get("transaction_number"),
                told.get("failure_reason"),
            )
            written.applied += 1
        return NO_CONTENT

    def _check(self, row: dict[str, Any], seen: set[str]) -> None:
        cycle = self._tables.cycles.get(row["id"])
        if cycle is None:
            raise MiraklError(400, f"Billing cycle '{row['id']}' not found", "CYCLE_NOT_FOUND", "id")
        if cycle.cycle_id in seen:
            raise invalid(f"cycle '{cycle.cycle_id}' comes twice", "id")
        seen.add(cycle.cycle_id)
        told = row.get("pay_out")
        if not isinstance(told, dict) or told.get("status") not in ("PAID", "FAILED"):
            raise invalid("'pay_out.status' must be PAID or FAILED", "pay_out.status")
        for name in ("payment_date", "transaction_number", "failure_reason"):
            optional_text(told, name)
        if cycle.pay_out_state is None:
            raise MiraklError(400, f"Billing cycle '{cycle.cycle_id}' has nothing to pay", "CYCLE_INVALID_STATE", "id")
        if cycle.pay_out_state == "PAID":
            raise MiraklError(400, f"Billing cycle '{cycle.cycle_id}' is already PAID", "CYCLE_INVALID_STATE", "id")
