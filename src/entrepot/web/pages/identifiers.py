"""Identifiers: by which field each system knows an object, and every name of one record."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from entrepot.blueprint.draw import identifiers
from entrepot.web.desk import AtDesk
from entrepot.web.files import csv_file, drawing
from entrepot.web.pages.find import QUERY_MAX_CHARS

router = APIRouter()


@router.get("/identifiers")
def join_map(request: Request, desk: AtDesk, q: str = "") -> HTMLResponse:
    query = q.strip()[:QUERY_MAX_CHARS]
    view = {
        "columns": identifiers.columns(desk.hub.plan),
        "rows": identifiers.rows(desk.hub.plan),
        "systems": desk.hub.plan.systems,
        "joins": desk.reader.joins(query),
    }
    return desk.page(request, "identifiers/map.html", view, fragments={"joins": "identifiers/_joins.html"})


@router.get("/identifiers.csv")
def join_map_csv(desk: AtDesk) -> Response:
    return csv_file("identifiers", identifiers.table(desk.hub.plan))


@router.get("/identifiers.svg")
def join_map_svg(desk: AtDesk) -> Response:
    return drawing(identifiers.drawing(desk.hub.plan))
