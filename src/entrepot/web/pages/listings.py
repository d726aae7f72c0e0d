"""One listing: an article of ours on one channel."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from entrepot.web.desk import AtDesk
from entrepot.web.selling import account_in, channel_link

router = APIRouter()


@router.get("/listings/{rest:path}")
def listing_page(request: Request, desk: AtDesk, rest: str) -> HTMLResponse:
    """Accounts and SKUs hold slashes, so the plan says where the account ends."""
    at = account_in(rest, tuple(desk.hub.plan.accounts))
    listing = desk.reader.listing(*at, desk.now()) if at and at[1] else None
    if at is None or listing is None:
        raise HTTPException(404, f"There is no listing {rest}.")
    view = {"listing": listing, "channel_href": channel_link(at[0])}
    return desk.page(request, "listings/detail.html", view, fragments={"listing-body": "listings/_detail.html"})
