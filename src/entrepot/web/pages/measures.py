"""Measures of offers: what was rejected, how old it is, how soon a change is live, what was sold and was not there."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from entrepot.insight.store import COUNTED_MOST, RETURNS_MOST
from entrepot.web.desk import AtDesk
from entrepot.web.views.measures import PERIODS, USUAL

router = APIRouter()


@router.get("/measures")
def measures_page(request: Request, desk: AtDesk, period: str = USUAL) -> HTMLResponse:
    view = desk.reader.measures(period if period in PERIODS else USUAL, desk.now())
    return desk.page(
        request,
        "measures/page.html",
        {"view": view, "periods": PERIODS, "reasons_of": RETURNS_MOST, "counted_most": COUNTED_MOST},
    )
