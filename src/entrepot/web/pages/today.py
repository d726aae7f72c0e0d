"""Today: what needs me."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from entrepot.web.desk import AtDesk

router = APIRouter()


@router.get("/")
def today(request: Request, desk: AtDesk) -> HTMLResponse:
    view = desk.reader.today(desk.now())
    return desk.page(request, "today.html", {"view": view}, fragments={"today": "today/_body.html"})
