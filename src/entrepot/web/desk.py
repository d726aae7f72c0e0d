"""What every page handler has at hand, and how it reads a form that may be trusted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qs, quote

from fastapi import Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from entrepot.web.feed_ports import FeedDesk
from entrepot.web.guard import CSRF_COOKIE, FormToken
from entrepot.web.offer_ports import AnswerDesk, OfferDesk
from entrepot.web.ports import CaseDesk, DisputeDesk, FlowDesk, Hub
from entrepot.web.reader import Reader
from entrepot.web.render import NOTICE_COOKIE, Renderer

FORM_MAX_BYTES = 1024 * 1024
FORM_MAX_FIELDS = 500
NOTICE_LIFE_S = 60
REASON_MAX_CHARS = 1000


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts a handler works with."""

    hub: Hub
    reader: Reader
    cases: CaseDesk
    flows: FlowDesk
    renderer: Renderer
    token: FormToken
    offers: OfferDesk
    answers: AnswerDesk
    places: Callable[[str], str]  # where a path of the plan stands in its files; empty when that is not known
    disputes: DisputeDesk
    feeds: FeedDesk

    def now(self) -> datetime:
        """Business time: the one deadlines are in."""
        return self.hub.ctx.clock.now()

    def page(
        self,
        request: Request,
        template: str,
        view: Mapping[str, Any],
        *,
        fragments: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> HTMLResponse:
        return self.renderer.page(request, template, view, now=self.now(), fragments=fragments, status=status)


def desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


class Form:
    """The fields of a form whose token was checked."""

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        self._fields = fields

    def one(self, name: str) -> str:
        return self._fields.get(name, [""])[-1].strip()

    def many(self, name: str) -> list[str]:
        return self._fields.get(name, [])

    @property
    def reason(self) -> str:
        return self.one("reason")[:REASON_MAX_CHARS]


async def read_form(request: Request) -> Form:
    """Stream the body under its cap and check the form's token.  Errors: 413, 400, 403."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_MAX_BYTES:
            raise HTTPException(413, "This form is larger than the console accepts.")
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=FORM_MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise HTTPException(400, "This form could not be read.") from error
    form = Form(fields)
    if not desk_of(request).token.holds(request.cookies.get(CSRF_COOKIE, ""), form.one("csrf")):
        raise HTTPException(
            403,
            "This form was opened before the console was last started, or elsewhere. Go back, reload, send it again.",
        )
    return form


CheckedForm = Annotated[Form, Depends(read_form)]
AtDesk = Annotated[Desk, Depends(desk_of)]


def see_other(path: str, notice: str = "") -> RedirectResponse:
    """Answer a write by sending the browser to a page, with a sentence to show there once."""
    response = RedirectResponse(path, status_code=303)
    if notice:
        response.set_cookie(
            NOTICE_COOKIE, quote(notice), max_age=NOTICE_LIFE_S, httponly=True, samesite="strict", path="/"
        )
    return response
