"""Correction requests: what was asked of whom, how it reached him, and what became of it."""

from collections.abc import Callable, Iterator

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from entrepot.kernel.cells import csv_line
from entrepot.web.desk import AtDesk
from entrepot.web.format import iso
from entrepot.web.pages.offers import offer_link
from entrepot.web.views.offers import CorrectionFilter, CorrectionRow

router = APIRouter()
CSV_COLUMNS: tuple[tuple[str, Callable[[CorrectionRow], str]], ...] = (
    ("id", lambda row: row.id),
    ("account", lambda row: row.account),
    ("object", lambda row: row.object),
    ("object_id", lambda row: row.object_id),
    ("field", lambda row: row.field),
    ("seller", lambda row: row.seller),
    ("cause", lambda row: row.cause),
    ("refused", lambda row: row.refused),
    ("words", lambda row: row.words),
    ("state", lambda row: row.state.word),
    ("channel", lambda row: row.channel),
    ("asked_at", lambda row: iso(row.asked_at)),
    ("answer_by", lambda row: iso(row.answer_by)),
    ("answer", lambda row: row.answer),
)


@router.get("/corrections")
def correction_list(
    request: Request, desk: AtDesk, show: str = "open", seller: str = "", cause: str = "", after: str = ""
) -> HTMLResponse:
    view = desk.reader.corrections(CorrectionFilter(show=show, seller=seller.strip(), cause=cause, after=after))
    fragments = {"correction-list": "corrections/_list.html"}
    return desk.page(request, "corrections/list.html", {"view": view, "link": offer_link}, fragments=fragments)


@router.get("/corrections.csv")
def correction_csv(desk: AtDesk, show: str = "open", seller: str = "", cause: str = "") -> StreamingResponse:
    rows = desk.reader.every_correction(CorrectionFilter(show=show, seller=seller.strip(), cause=cause))
    headers = {"content-disposition": 'attachment; filename="corrections.csv"', "cache-control": "no-store"}
    return StreamingResponse(_csv(rows), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/corrections/files/{digest_id}")
def correction_file(desk: AtDesk, digest_id: str) -> Response:
    """What goes back to the seller by a person's hand, when he is reached by file."""
    found = desk.reader.returned_file(digest_id)
    if found is None:
        raise HTTPException(404, "There is no such file.")
    headers = {"content-disposition": f'attachment; filename="{found.name}"', "cache-control": "no-store"}
    return Response(found.content, media_type="text/csv; charset=utf-8", headers=headers)


def _csv(rows: Iterator[CorrectionRow]) -> Iterator[str]:
    yield csv_line(name for name, _ in CSV_COLUMNS)
    for row in rows:
        yield csv_line(value(row) for _, value in CSV_COLUMNS)
