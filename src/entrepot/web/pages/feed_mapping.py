"""How one seller's columns and words are read: his real file beside our fields, a preview of what would come of it, versions."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from entrepot.bulk.mapping import FIELDS
from entrepot.bulk.mapping_store import ANY_SELLER
from entrepot.bulk.previewing import WORDED
from entrepot.kernel.errors import NotNow, OwnerDecides
from entrepot.web.desk import AtDesk, CheckedForm, Desk, see_other
from entrepot.web.format import link_to
from entrepot.web.views.feeds import MappingView

router = APIRouter()
MAPPING = "/feeds/mapping"
DRAFT_MAX = 60_000  # letters
REASON_NEEDED = "A reason is needed: it is kept with the version."
ADVICE = {
    "sku": "Names the offer; needed.", "gtin": "EAN or UPC of the product.", "category": "Ours, or translated below.",
    "condition": "new, used, refurbished, open-box, damaged.", "price": "Needed.", "quantity": "Needed.",
    "currency": "Three letters; his cell, or the default.", "lead_days": "Days until it is sent.", "image": "https://…",
}  # fmt: skip


@router.get(MAPPING)
def mapping_page(request: Request, desk: AtDesk, account: str = "", seller: str = "", file: str = "") -> HTMLResponse:
    """The whole draft is in the address: `column.price=Preis`, `values.condition=neu = new`, `default.currency=EUR`."""
    return _page(
        request, desk, account, seller, file, _drafted(request.query_params), problem=_twice(request.query_params)
    )


@router.post(MAPPING, response_model=None)
def save(request: Request, desk: AtDesk, form: CheckedForm) -> Response:
    account, seller, file = form.one("account"), form.one("seller"), form.one("file")
    draft = _draft(form.one("draft"))
    if not form.reason:
        return _page(request, desk, account, seller, file, draft, problem=REASON_NEEDED, status=422)
    owner = ANY_SELLER if form.one("for_all") else seller
    try:
        version = desk.feeds.save(account, owner, draft, request.state.visitor.name, form.reason)
    except (OwnerDecides, NotNow) as error:
        return _page(request, desk, account, seller, file, draft, problem=f"{error.message}.", status=409)
    whose = "every seller without one of his own" if owner == ANY_SELLER else f"seller {seller}"
    said = f"Version {version} counts for {whose} from the next file on."
    if form.one("again"):
        with suppress(OwnerDecides, NotNow):  # it waits anyway, or is read just now; the version is saved
            desk.feeds.again(file)
        return see_other(link_to("feeds", file), f"{said} This file is read again.")
    return see_other(f"{MAPPING}?{urlencode({'account': account, 'seller': seller, 'file': file})}", said)


def _page(
    request: Request, desk: Desk, account: str, seller: str, file: str, draft: Mapping[str, Any] | None, *, problem: str = "", status: int = 200
) -> HTMLResponse:  # fmt: skip
    found: MappingView | None = None
    if account in desk.hub.plan.accounts:
        found = desk.feeds.mapping(account, seller, file, draft)
    if found is None:
        raise HTTPException(
            404, f"No file of seller {seller} at {account} is kept here: a mapping is made on a real file."
        )
    by_field = {name: column for column, name in found.mapping.columns.items()}
    view = {
        "view": found, "fields": FIELDS, "worded": sorted({*WORDED, *found.mapping.values}), "advice": ADVICE, "column_of": by_field, "problem": problem,
        "again": {"account": account, "seller": seller, "file": found.arrival},
    }  # fmt: skip
    return desk.page(
        request, "feeds/mapping.html", view, fragments={"mapping-body": "feeds/_mapping.html"}, status=status
    )


def _drafted(params: Mapping[str, str]) -> Mapping[str, Any] | None:
    """A draft from the form's fields; None when the form was not filled in."""
    if not any(name.startswith("column.") for name in params):
        return None
    fields = {part: _part(params, f"{part}.") for part in ("column", "default", "values", "expression")}
    draft: dict[str, Any] = {
        "columns": {column: name for name, column in fields["column"].items() if column},
        "defaults": {name: value for name, value in fields["default"].items() if value},
        "values": {name: table for name, text in fields["values"].items() if (table := _table(text))},
        "expressions": {name: value for name, value in fields["expression"].items() if value},
    }
    return draft | {"decimal": params.get("decimal", ".")}


def _part(params: Mapping[str, str], lead: str) -> dict[str, str]:
    return {name.removeprefix(lead): value for name, value in params.items() if name.startswith(lead)}


def _twice(params: Mapping[str, str]) -> str:
    chosen = [column for name, column in params.items() if name.startswith("column.") and column]
    twice = next((column for column in chosen if chosen.count(column) > 1), "")
    return f"“{twice}” is chosen for two fields: a column is one field." if twice else ""


def _table(text: str) -> dict[str, str]:
    """One translation a line: `neu = new`."""
    pairs = (line.rpartition("=") for line in text.splitlines())
    return {theirs.strip(): ours.strip() for theirs, mark, ours in pairs if mark and theirs.strip()}


def _draft(text: str) -> Mapping[str, Any]:
    try:
        draft = json.loads(text) if len(text) <= DRAFT_MAX else None
    except (ValueError, RecursionError):
        draft = None
    if not isinstance(draft, dict):
        raise HTTPException(400, "This draft could not be read. Open the mapping again.")
    return draft
