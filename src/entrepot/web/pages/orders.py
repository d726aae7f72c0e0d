"""Orders: baskets, their seller orders and lines, and everything received and sent about them."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from entrepot.web.desk import AtDesk
from entrepot.web.views import BasketFilter

router = APIRouter()


@router.get("/orders")
def basket_list(
    request: Request, desk: AtDesk, state: str = "", account: str = "", leg: str = "", after: str = ""
) -> HTMLResponse:
    view = desk.reader.baskets(BasketFilter(state=state, account=account, leg=leg, after=after))
    return desk.page(request, "orders/list.html", {"view": view}, fragments={"basket-list": "orders/_list.html"})


@router.get("/orders/{basket_id}")
def basket_page(request: Request, desk: AtDesk, basket_id: str) -> HTMLResponse:
    found = desk.reader.basket(basket_id)
    if found is None:
        raise HTTPException(404, f"There is no basket {basket_id}.")
    return desk.page(request, "orders/detail.html", {"basket": found}, fragments={"basket-body": "orders/_detail.html"})


@router.get("/messages/{message_id}")
def message_page(request: Request, desk: AtDesk, message_id: str) -> HTMLResponse:
    found = desk.reader.message(message_id)
    if found is None:
        raise HTTPException(404, f"There is no message {message_id}.")
    return desk.page(request, "orders/message.html", {"message": found})


@router.get("/actions/{effect_id}")
def action_page(request: Request, desk: AtDesk, effect_id: str) -> HTMLResponse:
    found = desk.reader.action(effect_id)
    if found is None:
        raise HTTPException(404, f"There is no outgoing action {effect_id}.")
    return desk.page(request, "orders/action.html", {"action": found})
