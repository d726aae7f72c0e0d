"""How this reader wants to see the console, and for which team he decides: kept in cookies."""

from urllib.parse import quote

from fastapi import APIRouter, HTTPException
from fastapi.responses import RedirectResponse

from entrepot.web import format as show
from entrepot.web.desk import AtDesk, CheckedForm, see_other
from entrepot.web.render import TEAM_COOKIE, THEME_COOKIE, THEMES, ZONE_COOKIE

router = APIRouter()
KEEP_S = 365 * 24 * 3600


@router.post("/preferences")
def keep(desk: AtDesk, form: CheckedForm) -> RedirectResponse:
    response = see_other(local_path(form.one("back")))
    zone, theme = form.one("zone"), form.one("theme")
    if zone:
        if show.zone(zone) is None:
            raise HTTPException(400, f"“{zone}” is not a time zone.")
        response.set_cookie(ZONE_COOKIE, quote(zone), max_age=KEEP_S, samesite="strict", path="/")
    if teams := form.many("team"):
        if teams[-1] and teams[-1] not in desk.hub.plan.teams:
            raise HTTPException(400, f"“{teams[-1]}” is not a team of the plan.")
        response.set_cookie(TEAM_COOKIE, quote(teams[-1]), max_age=KEEP_S, httponly=True, samesite="strict", path="/")
    if theme in THEMES:
        response.set_cookie(THEME_COOKIE, theme, max_age=KEEP_S, samesite="strict", path="/")
    return response


def local_path(path: str) -> str:
    """Only a path of this console: `//elsewhere` and full addresses lead home instead."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"
