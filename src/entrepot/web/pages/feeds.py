"""Sellers' files: what arrived, how far it is, what was wrong with it; and a door to hand one in."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from entrepot.bulk.arrival.keeping import FILE_MAX, size_words
from entrepot.bulk.arrival.model import Sent
from entrepot.bulk.arrival.service import Receiving
from entrepot.bulk.arriving import operated
from entrepot.bulk.mapping_store import ANY_SELLER
from entrepot.kernel.errors import NotNow, OwnerDecides
from entrepot.web.desk import AtDesk, CheckedForm, Desk, Form, see_other
from entrepot.web.format import link_to
from entrepot.web.uploads import read_upload
from entrepot.web.views.feeds import FeedDetail, FeedFilter

router = APIRouter()
SEND = "/feeds/send"


class NotSent(Exception):
    """Something in the form is missing; nothing of the file was kept."""


@router.get("/feeds")
def feed_list(
    request: Request, desk: AtDesk, show: str = "", account: str = "", seller: str = "", after: str = ""
) -> HTMLResponse:
    view = desk.reader.feeds(FeedFilter(show, account, seller.strip(), after))
    return desk.page(request, "feeds/list.html", {"view": view}, fragments={"feed-list": "feeds/_list.html"})


@router.get(SEND)
def send_form(request: Request, desk: AtDesk, account: str = "", seller: str = "") -> HTMLResponse:
    return _form(request, desk, Form({"account": [account], "seller": [seller]}))


@dataclass(frozen=True, slots=True)
class Handed:
    """A form and its file, on the way into the state folder; or why there is none."""

    form: Form
    receiving: Receiving | None
    problem: str = ""


async def read_file(request: Request, desk: AtDesk) -> Handed:
    """The form's token and fields stand before the file: who sends it is known before its first byte is kept."""
    shown = Form({})

    def begin(form: Form, name: str) -> Receiving:
        nonlocal shown
        shown = form
        return desk.feeds.receive(_sent(request, desk, form, name))

    try:
        upload = await read_upload(request, begin)
    except NotSent as error:
        return Handed(shown, None, str(error))
    return Handed(upload.form, upload.receiving, "" if upload.receiving else "Choose the file.")


HandedIn = Annotated[Handed, Depends(read_file)]


@router.post(SEND, response_model=None)
def send(request: Request, desk: AtDesk, handed: HandedIn) -> Response:
    if handed.receiving is None:
        return _form(request, desk, handed.form, handed.problem, 422)
    arrival = desk.feeds.keep(handed.receiving)
    return see_other(link_to("feeds", arrival), f"{handed.receiving.sent.name} is here and will be read in a moment.")


@router.get("/feeds/{arrival_id}")
def feed_page(request: Request, desk: AtDesk, arrival_id: str, after: str = "") -> HTMLResponse:
    view = {"file": _file(desk, arrival_id, after)}
    return desk.page(request, "feeds/detail.html", view, fragments={"feed-body": "feeds/_detail.html"})


@router.get("/feeds/{arrival_id}/rejects.csv")
def reject_file(desk: AtDesk, arrival_id: str) -> Response:
    """The rejected rows in the seller's own columns, and beside them what is wrong."""
    found = _file(desk, arrival_id, "")
    lines = desk.feeds.reject_lines(arrival_id) if found.counts else None
    if lines is None:
        raise HTTPException(
            404, "This file is not kept here any more; its rejects stand on the page of the file that counts."
        )
    stem = found.row.name.rpartition(".")[0] or found.row.name
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{link_to(f'{stem}-rejects.csv')[1:]}",
        "cache-control": "no-store",
    }
    return StreamingResponse(_bytes(lines), media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/feeds/{arrival_id}/again", response_model=None)
def read_again(request: Request, desk: AtDesk, form: CheckedForm, arrival_id: str) -> Response:
    _file(desk, arrival_id, "")
    try:
        desk.feeds.again(arrival_id)
    except (OwnerDecides, NotNow) as error:
        raise HTTPException(409, f"{error.message}.") from error
    return see_other(link_to("feeds", arrival_id), "The file will be read again in a moment.")


def _sent(request: Request, desk: Desk, form: Form, name: str) -> Sent:
    """Errors: NotSent."""
    account, seller = form.one("account"), form.one("seller")
    if account not in operated(desk.hub.plan):
        raise NotSent("Choose the account.")
    if not seller or seller == ANY_SELLER or "\x00" in seller:
        raise NotSent("Say whose file it is.")
    return Sent(account, seller, "console", name, bool(form.one("complete")), request.state.visitor.name)


def _form(request: Request, desk: Desk, form: Form, problem: str = "", status: int = 200) -> HTMLResponse:
    view = {"form": form, "problem": problem, "accounts": operated(desk.hub.plan), "most": size_words(FILE_MAX)}
    return desk.page(request, "feeds/send.html", view, status=status)


def _file(desk: Desk, arrival_id: str, after: str) -> FeedDetail:
    found = desk.reader.feed(arrival_id, after)
    if found is None:
        raise HTTPException(404, f"There is no file {arrival_id}.")
    return found


def _bytes(lines: Iterator[str]) -> Iterator[bytes]:
    for line in lines:
        yield line.encode("utf-8", "replace")
