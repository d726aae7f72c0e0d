"""Channels: the accounts on which we are the seller, and the tables of one of them."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from entrepot.web.desk import AtDesk
from entrepot.web.selling import account_in, sold_on
from entrepot.web.views.channels import TABLES, ChannelFilter

router = APIRouter()
QUERY_MAX_CHARS = 200


@router.get("/channels")
def channel_list(request: Request, desk: AtDesk) -> HTMLResponse:
    view = {"view": desk.reader.channels(desk.now())}
    return desk.page(request, "channels/list.html", view, fragments={"channel-cards": "channels/_cards.html"})


@router.get("/channels/{rest:path}")
def channel_page(
    request: Request, desk: AtDesk, rest: str, show: str = TABLES[0], state: str = "", q: str = "", after: str = ""
) -> HTMLResponse:
    found = account_in(rest, sold_on(desk.hub.plan))
    if found is None or found[1]:
        raise HTTPException(404, f"We sell on no account called {rest}.")
    show = show if show in TABLES else TABLES[0]
    wanted = ChannelFilter(show, state if show == "listings" else "", q.strip()[:QUERY_MAX_CHARS], after)
    view = {"view": desk.reader.channel(found[0], wanted, desk.now())}
    fragments = {"channel-head": "channels/_head.html", "channel-table": "channels/_table.html"}
    return desk.page(request, "channels/detail.html", view, fragments=fragments)
