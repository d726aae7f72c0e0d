"""Find: anything by any identifier."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from entrepot.web.desk import AtDesk
from entrepot.web.views import FindView

router = APIRouter()
QUERY_MAX_CHARS = 200


@router.get("/find", response_model=None)
def find(request: Request, desk: AtDesk, q: str = "") -> Response:
    query = q.strip()[:QUERY_MAX_CHARS]
    view = desk.reader.find(query) if query else FindView("", ())
    if len({found.href for found in view.found}) == 1 and not view.capped:
        return RedirectResponse(view.found[0].href, status_code=303)
    return desk.page(request, "find.html", {"view": view})
