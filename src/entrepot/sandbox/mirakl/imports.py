"""Offer imports: OF01 (file), OF24 (JSON), OF02 (status), OF03 (error report). All of them answer later."""

import csv
import io
import re
from datetime import datetime
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, Final

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.mirakl import shapes
from entrepot.sandbox.mirakl.call import Call
from entrepot.sandbox.mirakl.errors import MiraklError, invalid
from entrepot.sandbox.mirakl.money import minor_text
from entrepot.sandbox.mirakl.offers import DISCOUNT_COLUMNS, JSON_COLUMNS, REQUIRED_COLUMNS, Offers
from entrepot.sandbox.mirakl.paging import by_token
from entrepot.sandbox.mirakl.platform import Platform
from entrepot.sandbox.mirakl.state import Import, Offer
from entrepot.sandbox.mirakl.wire import answer, body_of, date_parameter, list_parameter, rows, stamp

FILE_ROWS_MAX: Final = 1_000_000
JSON_ROWS_MAX: Final = 1_000
MODES: Final = frozenset({"NORMAL", "REPLACE"})
STATUSES: Final = frozenset({"WAITING_SYNCHRONIZATION_PRODUCT", "WAITING", "RUNNING", "COMPLETE", "FAILED"})
DELETE_WORDS: Final = frozenset({"delete", "DELETE"})


class Imports:
    """Files are taken at once, read a little later, and reported on by line."""

    def __init__(self, platform: Platform, offers: Offers) -> None:
        self._platform = platform
        self._tables = platform.tables
        self._offers = offers

    # -- calls -----------------------------------------------------------------------------------------------------

    def of01(self, call: Call) -> Response:
        """Take a CSV file with `;`. Errors: no file, unknown mode."""
        parts = multipart(call.request)
        file = parts.get("file")
        if file is None:
            raise invalid("part 'file' is required", "file")
        mode = parts.get("import_mode", b"").decode("utf-8", "replace").strip()
        if mode not in MODES:
            raise invalid("'import_mode' must be NORMAL or REPLACE", "import_mode")
        with_products = parts.get("with_products", b"").strip().lower() == b"true"
        columns, found = read_csv(file)
        taken = self._take(call, mode, "API", columns, found)
        product_import = self._tables.count("product import", 5001) if with_products else None
        location = {"location": f"/api/offers/imports/{taken.import_id}"}
        return answer(201, {"import_id": taken.import_id, "product_import_id": product_import}, location)

    def of24(self, call: Call) -> Response:
        """Upsert offers as JSON; every omitted field is reset to its default."""
        given = rows(body_of(call.request), "offers")
        if len(given) > JSON_ROWS_MAX:
            raise invalid(f"at most {JSON_ROWS_MAX} offers", "offers")
        columns = [*JSON_COLUMNS.values(), *DISCOUNT_COLUMNS.values()]
        taken = self._take(call, "NORMAL", "API", columns, [_flat(row) for row in given])
        location = {"location": f"/api/offers/imports/{taken.import_id}"}
        return answer(201, {"import_id": taken.import_id}, location)

    def of02(self, call: Call) -> Response:
        """The status of one import."""
        return answer(200, import_dict(self._import(call)))

    def of04(self, call: Call) -> Response:
        """The imports of a shop (or, for the operator, of all), oldest first (our guess)."""
        request = call.request
        shop_id = call.caller.asked_shop(request)
        start, end = date_parameter(request, "start_date"), date_parameter(request, "end_date")
        statuses = list_parameter(request, "status", STATUSES)
        modes, origins = list_parameter(request, "mode", MODES), list_parameter(request, "origins")
        found = [
            taken
            for taken in self._tables.imports.values()
            if (shop_id is None or taken.shop_id == shop_id)
            and (statuses is None or taken.status in statuses)
            and (modes is None or taken.mode in modes)
            and (origins is None or taken.origin in origins)
            and (start is None or taken.created_at.replace(microsecond=0) >= start)
            and (end is None or taken.created_at.replace(microsecond=0) <= end)
        ]
        return by_token(request, found, lambda taken: taken.import_id, _listed_dict, 100)

    def of03(self, call: Call) -> Response:
        """The rows that failed: the input columns, then `error-line` and `error-message`."""
        taken = self._import(call)
        if taken.status != "COMPLETE" or not taken.errors:
            raise MiraklError(404, f"Import {taken.import_id} has no error report")
        file = io.StringIO()
        writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow([*taken.columns, "error-line", "error-message"])
        for index, message in taken.errors:
            row = taken.rows[index]
            writer.writerow([*(row.get(column, "") for column in taken.columns), index + 2, message])
        return Response(200, {"content-type": "application/octet-stream"}, file.getvalue().encode())

    # -- what happens ----------------------------------------------------------------------------------------------

    def _take(self, call: Call, mode: str, origin: str, columns: list[str], found: list[dict[str, str]]) -> Import:
        shop_id = call.caller.asked_shop(call.request)
        if shop_id is None or shop_id not in self._tables.shops:
            raise MiraklError(400, "Parameter 'shop_id' is required")
        now = self._platform.now()
        taken = Import(self._tables.count("import", 2001), shop_id, mode, origin, now, columns, found)
        self._tables.imports[taken.import_id] = taken
        taken.operation = "OF24" if call.request.path == "/api/offers" else "OF01"
        self._platform.asked(taken.operation, str(taken.import_id)).applied += 1
        running, complete = self._platform.settings.import_steps

        def start() -> None:
            taken.status = "RUNNING"

        self._platform.at(now + running, start)
        self._platform.at(now + complete, lambda: self._run(taken))
        return taken

    def _import(self, call: Call) -> Import:
        wanted = call.ids["import"]
        taken = self._tables.imports.get(int(wanted)) if wanted.isdigit() else None
        if taken is None or not call.caller.sees(taken.shop_id):
            raise MiraklError(404, f"Import with id '{wanted}' not found")
        return taken

    def _run(self, taken: Import) -> None:
        missing = [column for column in REQUIRED_COLUMNS[:2] if column not in taken.columns]
        if missing:
            taken.status, taken.reason = "FAILED", f"Missing columns: {', '.join(missing)}"
            return
        kept: set[str] = set()
        for index, row in enumerate(taken.rows):
            taken.read += 1
            try:
                kept.add(self._apply(taken, row))
            except MiraklError as why:
                taken.errors.append((index, why.message))
        if taken.mode == "REPLACE":
            self._delete_others(taken, kept)
        taken.status = "COMPLETE"

    def _delete_others(self, taken: Import, kept: set[str]) -> None:
        named = kept | {taken.rows[index].get("sku", "") for index, _ in taken.errors}
        for offer in self._tables.offers.values():
            if offer.shop_id == taken.shop_id and not offer.deleted and offer.shop_sku not in named:
                self._delete(offer)
                taken.deleted += 1

    def _delete(self, offer: Offer) -> None:
        offer.deleted, offer.quantity = True, 0
        self._platform.touch_offer(offer)

    def _apply(self, taken: Import, row: dict[str, str]) -> str:
        """Apply one row. Errors: MiraklError with the message of the error report."""
        sku = row.get("sku", "").strip()
        if not sku:
            raise invalid("The offer's SKU is required")
        existing_id = self._tables.offer_by_sku.get((taken.shop_id, sku))
        existing = self._tables.offers[existing_id] if existing_id is not None else None
        if row.get("update-delete", "").strip() in DELETE_WORDS:
            if existing is None or existing.deleted:
                raise invalid("The offer does not exist")
            self._delete(existing)
            taken.deleted += 1
            return sku
        offer = self._revised(taken.shop_id, sku, existing, row)
        if existing is None or existing.deleted:
            taken.inserted += 1
        else:
            taken.updated += 1
        self._replace(existing, offer)
        return sku

    def _replace(self, existing: Offer | None, offer: Offer) -> None:
        """Orders hold their offer: an update changes it in place."""
        if existing is None:
            self._offers.add(offer)
        else:
            existing.__dict__.update(offer.__dict__)
        self._platform.touch_offer(existing or offer)

    def _revised(self, shop_id: int, sku: str, existing: Offer | None, row: dict[str, str]) -> Offer:
        """The offer a row describes: fields it leaves out fall back to their defaults. Errors: what the row lacks."""
        currency = existing.currency if existing else self._tables.shops[shop_id].currency
        product = row.get("product-id", "").strip()
        known = existing or next((o for o in self._tables.offers.values() if o.product_sku == product), None)
        if known is None or (product and known.product_sku != product):
            raise invalid("The product does not exist")
        price = minor_text(row.get("price", ""), currency, "price")
        if price <= 0:
            raise invalid("The price must be greater than 0")
        discount = discount_of(row, price, currency)
        now = self._platform.now()
        return Offer(
            offer_id=existing.offer_id if existing else self._tables.count("offer"),
            shop_id=shop_id,
            shop_sku=sku,
            product_sku=known.product_sku,
            title=known.title,
            brand=known.brand,
            category_code=known.category_code,
            category_label=known.category_label,
            price_minor=price,
            shipping_minor=known.shipping_minor,
            currency=currency,
            quantity=_count(row, "quantity") or 0,
            lead_time_days=_count(row, "leadtime-to-ship") or 2,
            created_at=existing.created_at if existing else now,
            updated_at=now,
            state_code=row.get("state", "").strip() or "11",
            description=row.get("description", ""),
            internal_description=row.get("internal-description") or None,
            price_additional_info=row.get("price-additional-info") or None,
            min_order_quantity=_count(row, "min-order-quantity"),
            max_order_quantity=_count(row, "max-order-quantity"),
            available_from=row.get("available-start-date", "")[:10] or None,
            available_until=row.get("available-end-date", "")[:10] or None,
            discount_minor=discount[0],
            discount_from=discount[1],
            discount_until=discount[2],
            blocked=existing.blocked if existing else None,
            updates=existing.updates if existing else 0,
        )


def import_dict(taken: Import) -> dict[str, Any]:
    """One import's status with every documented key."""
    errors = len(taken.errors)
    return {
        **shapes.IMPORT,
        "date_created": stamp(taken.created_at),
        "has_error_report": taken.status == "COMPLETE" and errors > 0,
        "import_id": taken.import_id,
        "lines_in_error": errors,
        "lines_in_pending": 0 if taken.status in ("COMPLETE", "FAILED") else len(taken.rows),
        "lines_in_success": taken.read - errors,
        "lines_read": taken.read,
        "mode": taken.mode,
        "offer_deleted": taken.deleted,
        "offer_inserted": taken.inserted,
        "offer_updated": taken.updated,
        "reason_status": taken.reason,
        "status": taken.status,
        "type": "OFFER",
    }


def _listed_dict(taken: Import) -> dict[str, Any]:
    """One import in OF04's list: no type, but the shop and where it came from."""
    status = import_dict(taken)
    del status["type"]
    return {**status, "origin": taken.origin, "shop_id": taken.shop_id}


def discount_of(row: dict[str, str], price_minor: int, currency: str) -> tuple[int | None, str | None, str | None]:
    """A row's discount and its first and last day; none when it gives no price. Errors: not lower, not a date."""
    given = row.get("discount-price", "").strip()
    if not given:
        return None, None, None
    discount = minor_text(given, currency, "discount-price")
    if not 0 < discount < price_minor:
        raise invalid("The discount price must be lower than the price")
    return discount, day_of(row, "discount-start-date"), day_of(row, "discount-end-date")


def day_of(row: dict[str, str], name: str) -> str | None:
    """An optional date or instant of a file as a date. Errors: it is none."""
    value = row.get(name, "").strip()
    if not value:
        return None
    try:
        return datetime.fromisoformat(value).date().isoformat()
    except ValueError:
        raise invalid(f"'{name}' is not a date") from None


def _flat(row: dict[str, Any]) -> dict[str, str]:
    """An offer of OF24 as the row of a file."""
    found = {column: _plain(row[name]) for name, column in JSON_COLUMNS.items() if row.get(name) is not None}
    discount = row.get("discount")
    if isinstance(discount, dict):
        given = ((name, column) for name, column in DISCOUNT_COLUMNS.items() if discount.get(name) is not None)
        found |= {column: _plain(discount[name]) for name, column in given}
    return found


def multipart(request: Request) -> dict[str, bytes]:
    """The parts of a multipart/form-data body by name. Errors: it is none."""
    kind = request.headers.get("content-type", "")
    if not re.match(r"multipart/form-data\s*;", kind, re.IGNORECASE):
        raise MiraklError(415, "Content-Type must be multipart/form-data")
    head = b"Content-Type: " + kind.encode("latin-1", "replace") + b"\r\n\r\n"
    message = BytesParser(policy=HTTP).parsebytes(head + request.body)
    if not message.is_multipart():
        raise invalid("the body has no parts")
    found: dict[str, bytes] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            found[name] = payload
    return found


def read_csv(file: bytes) -> tuple[list[str], list[dict[str, str]]]:
    """Columns and rows of a `;` file. Errors: not UTF-8, no header, too many rows."""
    try:
        content = file.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise invalid("the file is not UTF-8", "file") from None
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=";")
    try:
        columns = [column.strip() for column in next(reader, [])]
        if not columns:
            raise invalid("the file has no header", "file")
        found = [dict(zip(columns, row, strict=False)) for row in reader if row]
    except csv.Error as why:
        raise invalid(f"the file is not CSV: {why}", "file") from None
    if len(found) > FILE_ROWS_MAX:
        raise invalid(f"at most {FILE_ROWS_MAX} rows", "file")
    return columns, found


def _plain(value: Any) -> str:
    return "true" if value is True else "false" if value is False else str(value)


def _count(row: dict[str, str], name: str) -> int | None:
    value = row.get(name, "").strip()
    if not value:
        return None
    if not value.isdigit():
        raise invalid(f"'{name}' must be a whole number")
    return int(value)
