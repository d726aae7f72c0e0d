"""The narrow lanes: STO01-03 change stock only, PRI01-03 prices only. A file is taken at once and read a little later.

Source of the columns and of the report's first two: the published pages of STO01, STO03, PRI01, PRI03. A price file replaces all prices of
the offers it names: a discount it does not repeat is gone. Our guess: the words of the reasons and of the first two headers, that several
prices of one offer (channels, periods, customers) are refused, and that a file's own mistakes fail it as a whole.
"""

import csv
import io
from collections.abc import Callable
from typing import Any, Final

from entrepot.sandbox.core import Response
from entrepot.sandbox.mirakl.call import Call
from entrepot.sandbox.mirakl.errors import MiraklError, invalid
from entrepot.sandbox.mirakl.imports import discount_of, multipart, read_csv
from entrepot.sandbox.mirakl.lane_file import LaneImport
from entrepot.sandbox.mirakl.money import minor_text
from entrepot.sandbox.mirakl.paging import by_token
from entrepot.sandbox.mirakl.platform import Platform
from entrepot.sandbox.mirakl.state import Offer
from entrepot.sandbox.mirakl.wire import answer, date_parameter, list_parameter, stamp

STATUSES: Final = frozenset({"WAITING", "RUNNING", "COMPLETE", "FAILED"})
STOCK_COLUMNS: Final = ("offer-sku", "quantity")
PRICE_COLUMNS: Final = ("offer-sku", "price")
DELETE_WORDS: Final = frozenset({"delete", "DELETE"})
REPORT_COLUMNS: Final = ("error-line", "error-message")
NEWEST_FIRST: Final = 10**12


class Lanes:
    """Stock files and price files of shops."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._tables = platform.tables

    # -- calls -----------------------------------------------------------------------------------------------------

    def sto01(self, call: Call) -> Response:
        """Take a stock file."""
        taken = self._take(call, "STO", STOCK_COLUMNS, self._set_stock)
        location = {"location": f"/api/offers/stock/imports/{taken.import_id}/status"}
        return answer(201, {"import_id": taken.import_id}, location)

    def sto02(self, call: Call) -> Response:
        """How far a stock file is."""
        taken = self._found(call, "STO")
        return answer(
            200,
            {
                "date_created": stamp(taken.created_at),
                "has_error_report": _has_report(taken),
                "import_id": taken.import_id,
                "lines_in_error": len(taken.errors),
                "lines_in_success": taken.good_lines,
                "shop_id": taken.shop_id,
                "status": taken.status,
            },
        )

    def sto03(self, call: Call) -> Response:
        """The rows of a stock file that failed."""
        return _report(self._found(call, "STO"))

    def pri01(self, call: Call) -> Response:
        """Take a price file."""
        taken = self._take(call, "PRI", PRICE_COLUMNS, self._set_prices)
        location = {"location": f"/api/offers/pricing/imports?import_id={taken.import_id}"}
        return answer(201, {"importId": taken.import_id, "import_id": taken.import_id}, location)

    def pri02(self, call: Call) -> Response:
        """List price files, newest first."""
        request = call.request
        shop_id = call.caller.asked_shop(request)
        ids, origins = list_parameter(request, "import_id"), list_parameter(request, "origins")
        statuses = list_parameter(request, "status", STATUSES)
        start, end = date_parameter(request, "start_date"), date_parameter(request, "end_date")
        found = [
            taken
            for taken in reversed(self._tables.lane_imports.values())
            if taken.lane == "PRI"
            and (shop_id is None or taken.shop_id == shop_id)
            and (ids is None or taken.import_id in ids)
            and (statuses is None or taken.status in statuses)
            and (origins is None or taken.origin in origins)
            and (start is None or taken.created_at.replace(microsecond=0) >= start)
            and (end is None or taken.created_at.replace(microsecond=0) <= end)
        ]
        return by_token(request, found, lambda taken: NEWEST_FIRST - taken.sequence, _price_dict, 100)

    def pri03(self, call: Call) -> Response:
        """The rows of a price file that failed."""
        return _report(self._found(call, "PRI"))

    # -- what happens ----------------------------------------------------------------------------------------------

    def _take(
        self, call: Call, lane: str, required: tuple[str, ...], apply: Callable[[LaneImport], None]
    ) -> LaneImport:
        file = multipart(call.request).get("file")
        if file is None:
            raise invalid("part 'file' is required", "file")
        columns, found = read_csv(file)
        shop_id = call.caller.asked_shop(call.request)
        if shop_id is None or shop_id not in self._tables.shops:
            raise MiraklError(400, "Parameter 'shop_id' is required")
        now = self._platform.now()
        sequence = self._tables.count("lane import")
        taken = LaneImport(self._platform.world.uuid(), sequence, lane, shop_id, now, columns, found)
        self._tables.lane_imports[taken.import_id] = taken
        self._platform.asked(f"{lane}01", taken.import_id).applied += 1
        running, complete = self._platform.settings.import_steps

        def start() -> None:
            taken.status = "RUNNING"

        def finish() -> None:
            missing = [column for column in required if column not in columns]
            if missing:
                taken.status, taken.reason = "FAILED", f"Missing columns: {', '.join(missing)}"
                return
            apply(taken)
            taken.good_lines = len(taken.rows) - len(taken.errors)
            taken.status = "COMPLETE"

        self._platform.at(now + running, start)
        self._platform.at(now + complete, finish)
        return taken

    def _set_stock(self, taken: LaneImport) -> None:
        """Each line by itself; `delete` leaves nothing (our guess), and no warehouses are known here."""
        for index, row in enumerate(taken.rows):
            try:
                offer = self._offer(taken, row)
                if row.get("warehouse-code", "").strip():
                    raise invalid("The warehouse does not exist")
                quantity = row.get("quantity", "").strip()
                if row.get("update-delete", "").strip() in DELETE_WORDS:
                    quantity = "0"
                if not quantity.isdigit():
                    raise invalid("'quantity' must be a whole number")
            except MiraklError as why:
                taken.errors.append((index, why.message))
                continue
            offer.quantity = int(quantity)
            self._changed(taken, "STO01", offer)

    def _set_prices(self, taken: LaneImport) -> None:
        """Each offer by itself: with one line in error it keeps the prices it had."""
        by_sku: dict[str, list[int]] = {}
        for index, row in enumerate(taken.rows):
            by_sku.setdefault(row.get("offer-sku", "").strip(), []).append(index)
        for lines in by_sku.values():
            try:
                if len(lines) > 1:
                    raise invalid("Only one price per offer can be given")
                row = taken.rows[lines[0]]
                offer = self._offer(taken, row)
                price = minor_text(row.get("price", ""), offer.currency, "price")
                if price <= 0:
                    raise invalid("The price must be greater than 0")
                discount = discount_of(row, price, offer.currency)
            except MiraklError as why:
                taken.errors += [(index, why.message) for index in lines]
                taken.offers_in_error += 1
                continue
            offer.price_minor = price
            offer.discount_minor, offer.discount_from, offer.discount_until = discount
            self._changed(taken, "PRI01", offer)
        taken.errors.sort()

    def _changed(self, taken: LaneImport, operation: str, offer: Offer) -> None:
        taken.offers_updated += 1
        self._platform.asked(f"{operation}:offer", f"{taken.shop_id}/{offer.shop_sku}").applied += 1
        self._platform.touch_offer(offer)

    def _offer(self, taken: LaneImport, row: dict[str, str]) -> Offer:
        offer_id = self._tables.offer_by_sku.get((taken.shop_id, row.get("offer-sku", "").strip()))
        offer = self._tables.offers[offer_id] if offer_id is not None else None
        if offer is None or offer.deleted:
            raise invalid("The offer does not exist")
        return offer

    def _found(self, call: Call, lane: str) -> LaneImport:
        taken = self._tables.lane_imports.get(call.ids["import_id"])
        if taken is None or taken.lane != lane or not call.caller.sees(taken.shop_id):
            raise MiraklError(404, f"Import with id '{call.ids['import_id']}' not found")
        return taken


def _has_report(taken: LaneImport) -> bool:
    return taken.status == "COMPLETE" and bool(taken.errors)


def _report(taken: LaneImport) -> Response:
    """Line number and reason first, then the columns as given: corrected, it can be sent again."""
    if not _has_report(taken):
        raise MiraklError(404, f"Import {taken.import_id} has no error report")
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow([*REPORT_COLUMNS, *taken.columns])
    for index, message in taken.errors:
        row = taken.rows[index]
        writer.writerow([index + 2, message, *(row.get(column, "") for column in taken.columns)])
    return Response(200, {"content-type": "text/csv;charset=UTF-8"}, file.getvalue().encode())


def _price_dict(taken: LaneImport) -> dict[str, Any]:
    return {
        "date_created": stamp(taken.created_at),
        "has_error_report": _has_report(taken),
        "import_id": taken.import_id,
        "lines_in_error": len(taken.errors),
        "lines_in_success": taken.good_lines,
        "offers_in_error": taken.offers_in_error,
        "offers_updated": taken.offers_updated,
        "origin": taken.origin,
        "reason_status": taken.reason,
        "shop_id": taken.shop_id,
        "status": taken.status,
    }
