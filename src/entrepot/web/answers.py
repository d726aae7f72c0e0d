"""The door for sellers: a single-use link from a message shows a seller his own rows and takes his answer.

No login and no cookies: the link's secret is the whole authority, so there is none a foreign page could borrow. A look
uses nothing up (mail programs look at links by themselves); the answer does. It knows no other page of the console.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from entrepot.web.desk import FORM_MAX_FIELDS, Desk, desk_of
from entrepot.web.render import jinja
from entrepot.web.views.offers import AskedView, GivenAnswer

router = APIRouter()
TOKEN_MAX_CHARS = 128
BODY_MAX = 64 * 1024
WORDS_MAX_CHARS = 1000
VALUE_MAX_CHARS = 500
ACCEPT, DECLINE = "accept", "decline"
# The secret is in the address: it goes to no other site as a referrer, into no cache and no index. (Without any referrer a
# browser would call the origin of the answer “null”, and the guard would refuse it.)
HEADERS = {"referrer-policy": "same-origin", "cache-control": "no-store", "x-robots-tag": "noindex, nofollow"}


@router.get("/answers/{token}")
def look(request: Request, token: str) -> HTMLResponse:
    desk = desk_of(request)
    asked = _asked(desk, token)
    if asked is None or asked.answered or asked.expired:
        return _page(desk, "over.html", {"asked": asked}, status=410)
    return _page(desk, "ask.html", {"asked": asked, "form": {}, "problems": {}, "problem": ""})


@router.post("/answers/{token}", response_model=None)
async def take(request: Request, token: str) -> HTMLResponse:
    form = await _form(request)
    return await run_in_threadpool(_take, desk_of(request), token, form)


def _take(desk: Desk, token: str, form: Mapping[str, str]) -> HTMLResponse:
    asked = _asked(desk, token)
    if asked is None or asked.answered or asked.expired:
        return _page(desk, "over.html", {"asked": asked}, status=410)
    given, problems = answers(asked, form)
    if problems:
        return _again(desk, asked, form, problems)
    taken = desk.answers.answer(token, given)
    if taken is None:
        return _page(desk, "over.html", {"asked": None}, status=410)
    if taken.problems:
        return _again(desk, asked, form, taken.problems)
    return _page(desk, "done.html", {"asked": asked, "given": {one.id: one for one in given}, "taken": taken})


def answers(asked: AskedView, form: Mapping[str, str]) -> tuple[list[GivenAnswer], dict[str, str]]:
    """One answer per row of the message, and by row what is missing. A row that was not asked about is not read."""
    given, problems = [], {}
    for at, row in enumerate(asked.rows):
        said = form.get(f"answer-{at}", "")
        words, value = form.get(f"words-{at}", "").strip(), form.get(f"value-{at}", "").strip()
        if said not in (ACCEPT, DECLINE):
            problems[row.id] = "Please choose: you correct it, or you do not."
        elif said == DECLINE and not words:
            problems[row.id] = "Please say in a few words why not."
        elif len(words) > WORDS_MAX_CHARS or len(value) > VALUE_MAX_CHARS:
            problems[row.id] = f"At most {WORDS_MAX_CHARS} characters."
        given.append(GivenAnswer(row.id, said == ACCEPT, words, value if said == ACCEPT else ""))
    return given, problems


def _again(desk: Desk, asked: AskedView, form: Mapping[str, str], problems: Mapping[str, str]) -> HTMLResponse:
    view = {
        "asked": asked,
        "form": form,
        "problems": problems,
        "problem": "Nothing was sent yet. Please look at the marked rows.",
    }
    return _page(desk, "ask.html", view, status=422)


def _asked(desk: Desk, token: str) -> AskedView | None:
    if not token.isascii() or not token.isprintable() or len(token) > TOKEN_MAX_CHARS:
        return None
    return desk.answers.asked(token)


async def _form(request: Request) -> Mapping[str, str]:
    """Errors: 413, 400."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX:
            raise HTTPException(413, "This answer is longer than can be taken.")
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=FORM_MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise HTTPException(400, "This answer could not be read.") from error
    return {name: values[-1].replace("\x00", "") for name, values in fields.items()}


def _page(desk: Desk, template: str, view: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """In the seller's own small layout: no navigation, no search, no name of anybody here."""
    html = jinja().get_template(f"answers/{template}").render(**view, now=desk.now())
    return HTMLResponse(html, status_code=status, headers=dict(HEADERS))
