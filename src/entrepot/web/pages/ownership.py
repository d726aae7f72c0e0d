"""Ownership: who may do what to which object, and one page per object with its rules."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from entrepot.blueprint.draw import ownership
from entrepot.web.desk import AtDesk
from entrepot.web.files import csv_file, drawing

router = APIRouter()


@router.get("/ownership")
def matrix(request: Request, desk: AtDesk, show: str = "") -> HTMLResponse:
    """`show`: `undecided`, the objects nobody owns yet."""
    plan = desk.hub.plan
    rows = ownership.objects(plan)
    view = {
        "rows": [row for row in rows if show != "undecided" or row.rule is None],
        "parties": ownership.parties(plan),
        "rights": ownership.RIGHTS,
        "meaning": ownership.MEANING,
        "show": show,
        "undecided": sum(1 for row in rows if row.rule is None),
        "total": len(rows),
    }
    return desk.page(request, "ownership/matrix.html", view)


@router.get("/ownership.csv")
def matrix_csv(desk: AtDesk) -> Response:
    return csv_file("ownership", ownership.table(desk.hub.plan))


@router.get("/ownership.svg")
def matrix_svg(desk: AtDesk) -> Response:
    return drawing(ownership.drawing(desk.hub.plan))


@router.get("/ownership/{name}")
def object_page(request: Request, desk: AtDesk, name: str) -> HTMLResponse:
    row = ownership.object_row(desk.hub.plan, name)
    if row is None:
        raise HTTPException(404, f"There is no object {name} that anybody could own.")
    view = {
        "row": row,
        "facts": ownership.facts(row.rule) if row.rule else (),
        "rules": ownership.field_rules(row.rule) if row.rule else (),
        "rights": [right for right in ownership.RIGHTS if right not in ("create", "consume")],
        "places": desk.places,
    }
    return desk.page(request, "ownership/object.html", view)
