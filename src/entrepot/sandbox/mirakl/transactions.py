"""TL02: the transaction log; TL03, TL04, TL05: the same as a file that is made a little later."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.mirakl import shapes
from entrepot.sandbox.mirakl.call import Call
from entrepot.sandbox.mirakl.errors import MiraklError, invalid
from entrepot.sandbox.mirakl.money import major
from entrepot.sandbox.mirakl.paging import by_token
from entrepot.sandbox.mirakl.platform import Platform
from entrepot.sandbox.mirakl.state import LogLine, Order, rate
from entrepot.sandbox.mirakl.wire import (
    answer,
    body_of,
    date_parameter,
    encode,
    instant,
    list_parameter,
    maybe,
    stamp,
    whole,
)

LINES_PER_PAGE_MAX: Final = 2000

CHUNK_ITEMS: Final = 1_000  # our guess of what a chunk holds when nobody says
FORMATS: Final = frozenset({"JSON", "NDJSON"})
CHUNKS: Final = "/dynamic-url/transactions-logs/"
NO_FILTERS: Final = frozenset({"format", "items_per_chunk", "megabytes_per_chunk"})

Test = Callable[[LogLine], bool]


@dataclass
class Export:
    """One export on its way. `call`: who asked, with the filters as TL02's parameters."""

    tracking_id: str
    call: Call
    format: str
    size: int
    updated_at: datetime
    status: str = "PENDING"
    chunks: list[list[dict[str, Any]]] = field(default_factory=list)


def _pairs(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Filters of a body as query parameters: lists are repeated."""
    for name, value in body.items():
        if name not in NO_FILTERS and value is not None:
            for one in value if isinstance(value, list) else [value]:
                yield name, str(one)


class Transactions:
    """Lists transaction lines by every documented filter, in the order they were written."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._tables = platform.tables
        self._exports: dict[str, Export] = {}

    def tl02(self, call: Call) -> Response:
        """List transaction lines."""
        tests = self._tests(call)
        found = [line for line in self._candidates(call) if all(test(line) for test in tests)]
        return by_token(call.request, found, lambda line: line.sequence, self.line_dict, LINES_PER_PAGE_MAX)

    # -- asynchronous export -------------------------------------------------------------------------------------

    def tl03(self, call: Call) -> Response:
        """Ask for an export with the filters of TL02 in the body. Errors: unknown format, filters of TL02."""
        body = body_of(call.request)
        form = body.get("format", "JSON")
        if form not in FORMATS:
            raise invalid("'format' must be JSON or NDJSON", "format")
        size = whole(body, "items_per_chunk", CHUNK_ITEMS)
        if size < 1:
            raise invalid("'items_per_chunk' must be at least 1", "items_per_chunk")
        filters = tuple(_pairs(body))
        asked = replace(call, request=replace(call.request, query=(*call.request.query, *filters)))
        self._tests(asked)  # a filter that cannot be read is refused now, not in the report
        export = Export(self._platform.world.uuid(), asked, form, size, self._platform.now())
        self._exports[export.tracking_id] = export

        def finish() -> None:
            tests = self._tests(asked)
            found = [line for line in self._candidates(asked) if all(test(line) for test in tests)]
            rendered = [self.line_dict(line) for line in found]
            export.chunks = [rendered[start : start + size] for start in range(0, len(rendered), size)]
            export.status, export.updated_at = "COMPLETED", self._platform.now()

        self._platform.at(self._platform.now() + self._platform.settings.export_delay, finish)
        return answer(200, {"tracking_id": export.tracking_id})

    def tl04(self, call: Call) -> Response:
        """How far an export is, and where its chunks lie."""
        export = self._exports.get(call.ids["tracking_id"])
        if export is None or export.call.caller.key != call.caller.key:
            raise MiraklError(404, f"Export '{call.ids['tracking_id']}' not found")
        host = call.request.headers.get("host", "localhost")
        urls = [f"http://{host}{CHUNKS}{export.tracking_id}/{n}" for n in range(len(export.chunks))]
        body = {"error": None, "last_updated": stamp(export.updated_at), "status": export.status, "urls": urls}
        return answer(200, body)

    def tl05(self, request: Request) -> Response:
        """One chunk. Whoever has its address may read it, as from any file store (our guess)."""
        tracking_id, _, number = request.path.removeprefix(CHUNKS).partition("/")
        export = self._exports.get(tracking_id)
        if export is None or not number.isdigit() or int(number) >= len(export.chunks):
            return MiraklError(404, "No such file").response()
        chunk = export.chunks[int(number)]
        if export.format == "JSON":
            return answer(200, {"data": chunk})  # the name of the list is our guess
        return Response(200, {"content-type": "application/x-ndjson"}, b"".join(encode(one) + b"\n" for one in chunk))

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
