"""TL02: the transaction log."""

from collections.abc import Callable
from typing import Any, Final

from entrepot.sandbox.core import Response
from entrepot.sandbox.mirakl import shapes
from entrepot.sandbox.mirakl.call import Call
from entrepot.sandbox.mirakl.money import major
from entrepot.sandbox.mirakl.paging import by_token
from entrepot.sandbox.mirakl.platform import Platform
from entrepot.sandbox.mirakl.state import LogLine, Order, rate
from entrepot.sandbox.mirakl.wire import date_parameter, instant, list_parameter, maybe, stamp

LINES_PER_PAGE_MAX: Final = 2000

Test = Callable[[LogLine], bool]


class Transactions:
    """Lists transaction lines by every documented filter, in the order they were written."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._tables = platform.tables

    def tl02(self, call: Call) -> Response:
        """List transaction lines."""
        tests = self._tests(call)
        found = [line for line in self._candidates(call) if all(test(line) for test in tests)]
        return by_token(call.request, found, lambda line: line.sequence, self.line_dict, LINES_PER_PAGE_MAX)

    def _candidates(self, call: Call) -> list[LogLine]:
        """The smallest set an index offers, in order of writing."""
        log = self._tables.log
        request = call.request
        since = date_parameter(request, "last_updated_from")
        cycles = list_parameter(request, "seller_billing_cycle_id")
        orders = list_parameter(request, "order_id")
        if cycles is not None:
            ids = [one for cycle in dict.fromkeys(cycles) for one in self._tables.log_of_cycle.get(cycle, ())]
        elif orders is not None:
            ids = [one for order in dict.fromkeys(orders) for one in self._tables.log_of_order.get(order, ())]
        elif since is not None:
            ids = list(self._tables.log_touched.since(since))
        else:
            return list(log.values())
        return sorted((log[one] for one in ids), key=lambda line: line.sequence)

    def _tests(self, call: Call) -> list[Test]:
        request = call.request
        tests: list[Test] = []
        shop_id = call.caller.asked_shop(request)
        if shop_id is not None:
            tests.append(lambda line: line.shop_id == shop_id)
        one_of: dict[str, Callable[[LogLine], str | None]] = {
            "seller_billing_cycle_id": lambda line: line.cycle_id,
            "payment_state": lambda line: line.payment_state,
            "transaction_type": lambda line: line.type,
            "accounting_document_number": lambda line: line.document_number,
            "order_id": lambda line: line.order_id,
            "order_line_id": lambda line: line.order_line_id,
            "order_reference_for_customer": lambda line: self._reference(line, "reference_for_customer"),
            "order_reference_for_seller": lambda line: self._reference(line, "reference_for_seller"),
            "accounting_document_id": lambda line: None if line.document_id is None else str(line.document_id),
            "shop_model": lambda line: self._tables.shops[line.shop_id].model,
            "pay_out_psp_codes": lambda line: self._tables.shops[line.shop_id].pay_out_psp_code,
            "other_reference": lambda _: None,
        }
        for name, of in one_of.items():
            wanted = list_parameter(request, name)
            if wanted is not None:
                tests.append(lambda line, of=of, allowed=frozenset(wanted): of(line) in allowed)  # type: ignore[misc]
        return tests + self._date_tests(call)

    def _date_tests(self, call: Call) -> list[Test]:
        request = call.request
        tests: list[Test] = []
        created_from = date_parameter(request, "date_created_from")
        created_to = date_parameter(request, "date_created_to")
        updated_from = date_parameter(request, "last_updated_from")
        paid_from = date_parameter(request, "transaction_date_from")
        paid_to = date_parameter(request, "transaction_date_to")
        if created_from is not None:
            tests.append(lambda line: line.created_at.replace(microsecond=0) >= created_from)
        if created_to is not None:
            tests.append(lambda line: line.created_at.replace(microsecond=0) <= created_to)
        if updated_from is not None:
            tests.append(lambda line: line.updated_at >= updated_from)
        if paid_from is not None or paid_to is not None:

            def paid_between(line: LogLine) -> bool:
                order = self._order(line)
                if order is None or not order.transaction_at:
                    return False
                at = instant(order.transaction_at, "transaction_date")
                return (paid_from is None or at >= paid_from) and (paid_to is None or at <= paid_to)

            tests.append(paid_between)
        return tests

    def _order(self, line: LogLine) -> Order | None:
        return self._tables.orders[line.order_id] if line.order_id else None

    def _reference(self, line: LogLine, name: str) -> str | None:
        order = self._order(line)
        value: str | None = getattr(order, name) if order else None
        return value

    def line_dict(self, line: LogLine) -> dict[str, Any]:
        """One line with every documented key.

        Two keys more than the published seller list: shop and voucher, which the operator's view needs (a guess).
        """
        currency = line.currency
        return {
            **shapes.LOG_LINE,
            "accounting_document_creation_date": maybe(line.document_at),
            "accounting_document_id": None if line.document_id is None else str(line.document_id),
            "accounting_document_number": line.document_number,
            "amount": major(line.amount_minor, currency),
            "amount_credited": major(line.credited_minor, currency),
            "amount_debited": major(line.debited_minor, currency),
            "balance": major(line.balance_minor, currency),
            "currency_iso_code": currency,
            "date_created": stamp(line.created_at),
            "entities": self._entities(line),
            "id": line.line_id,
            "last_updated": stamp(line.updated_at),
            "pay_out_psp_code": self._tables.shops[line.shop_id].pay_out_psp_code,
            "payment_state": line.payment_state,
            "seller_billing_cycle_id": line.cycle_id,
            "type": line.type,
            "shop_id": line.shop_id,
            "payment_voucher_number": line.voucher,
        }

    def _entities(self, line: LogLine) -> dict[str, Any]:
        order = self._order(line)
        shop = self._tables.shops[line.shop_id]
        return {
            **shapes.LOG_ENTITIES,
            "domain": "PRODUCT",
            "manual_accounting_document": {"emission_date": maybe(line.document_at), "number": line.document_number}
            if line.type.startswith("MANUAL_")
            else None,
            "order": {
                "commercial_id": order.commercial_id,
                "creation_date": stamp(order.created_at),
                "id": order.order_id,
                "payment_info": {"imprint_number": None, "payment_type": order.payment_type},
                "references": {
                    "order_reference_for_customer": order.reference_for_customer,
                    "order_reference_for_seller": order.reference_for_seller,
                },
            }
            if order
            else None,
            "order_line": {"id": line.order_line_id} if line.order_line_id else None,
            "refund": {"id": line.refund_id} if line.refund_id else None,
            "shop_tax": {"code": "TAXDEFAULT", "rate": rate(shop.tax_rate_per_100k)}
            if line.type.endswith("_VAT")
            else None,
            "transaction_info": {"date": order.transaction_at, "number": order.transaction_number} if order else None,
        }
