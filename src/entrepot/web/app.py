"""The console as one ASGI app: composition only, every page lives in pages/."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException

from entrepot.kernel.errors import NotNow, OwnerDecides
from entrepot.web import answers as answers_door
from entrepot.web import format as show
from entrepot.web import pages
from entrepot.web.assets import static_files
from entrepot.web.desk import Desk
from entrepot.web.feed_ports import FeedDesk
from entrepot.web.feed_room import FeedRoom
from entrepot.web.guard import CSRF_COOKIE, SECURITY_HEADERS, FormToken, Guard
from entrepot.web.offer_ports import AnswerDesk, OfferDesk
from entrepot.web.offer_room import AnswerRoom, OfferRoom
from entrepot.web.pages.errors import error_page
from entrepot.web.ports import CaseDesk, DisputeDesk, FlowDesk, Hub
from entrepot.web.reader import Reader
from entrepot.web.render import (
    DEFAULT_ZONE,
    NOTICE_COOKIE,
    TEAM_COOKIE,
    THEME_COOKIE,
    THEMES,
    ZONE_COOKIE,
    Renderer,
    Visitor,
)
from entrepot.web.rooms import CaseRoom, DisputeRoom, FlowRoom
from entrepot.web.selling import sold_on
from entrepot.web.store import ConsoleStore

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
VISIT_BITS = 128
NOTICE_MAX_CHARS = 300


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """How the console is served.  Shape: `hosts` are the names it answers to, `*` for any."""

    operator: str = "local operator"
    hosts: Sequence[str] = LOOPBACK
    form_secret: bytes | None = None  # None: made at start; forms opened before a restart must be opened again


def create_app(
    hub: Hub,
    settings: ConsoleSettings | None = None,
    *,
    reader: Reader | None = None,
    cases: CaseDesk | None = None,
    flows: FlowDesk | None = None,
    offers: OfferDesk | None = None,
    answers: AnswerDesk | None = None,
    disputes: DisputeDesk | None = None,
    feeds: FeedDesk | None = None,
    places: Callable[[str], str] | None = None,
) -> FastAPI:
    """Build the console over a running hub; the machines' doors mount it behind their own routes.

    Shape: `reader` and the desks are the hub's own unless a test hands in others; `places` says where in its files a
    path of the plan stands.
    Errors: WrongSetting when the browser assets are not installed.
    """
    settings = settings or ConsoleSettings()
    secret = settings.form_secret or hub.ctx.ids.token(256).encode()
    token = FormToken(secret)
    desk = Desk(
        hub=hub,
        reader=reader or ConsoleStore(hub.ctx.db, hub.plan),
        cases=cases or CaseRoom(hub.ctx, hub.plan),
        flows=flows or FlowRoom(hub.ctx, hub.plan),
        renderer=Renderer(token, hub.ctx.environment, sorted(hub.plan.teams), sells=bool(sold_on(hub.plan))),
        token=token,
        offers=offers or OfferRoom(hub.ctx, hub.plan),
        answers=answers or AnswerRoom(hub.ctx, hub.plan),
        places=places or (lambda path: ""),
        disputes=disputes or DisputeRoom(hub.ctx, hub.plan),
        feeds=feeds or FeedRoom(hub.ctx, hub.plan),
    )
    app = FastAPI(title="Entrepot", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk = desk
    app.mount("/static", static_files(), name="static")
    for router in pages.ROUTERS:
        app.include_router(router)
    app.include_router(answers_door.router)
    _greet_visitors(app, desk, settings.operator)
    _answer_errors(app)
    app.add_middleware(Guard, hosts=settings.hosts)
    return app


def _greet_visitors(app: FastAPI, desk: Desk, operator: str) -> None:
    @app.middleware("http")
    async def greet(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        visit = request.cookies.get(CSRF_COOKIE, "")
        chosen = show.zone(unquote(request.cookies.get(ZONE_COOKIE, "")))
        theme = request.cookies.get(THEME_COOKIE, "")
        request.state.visitor = Visitor(
            name=operator,
            visit=visit or desk.hub.ctx.ids.token(VISIT_BITS),
            is_new=not visit,
            zone=chosen or DEFAULT_ZONE,
            zone_is_chosen=chosen is not None,
            theme=theme if theme in THEMES else "",
            team=team if (team := unquote(request.cookies.get(TEAM_COOKIE, ""))) in desk.hub.plan.teams else "",
            notice=unquote(request.cookies.get(NOTICE_COOKIE, ""))[:NOTICE_MAX_CHARS],
        )
        request.state.open_cases = cache(desk.reader.open_case_count)
        return await call_next(request)


def _answer_errors(app: FastAPI) -> None:
    """Errors are pages too: what, where, and what to do next."""

    @app.exception_handler(HTTPException)
    def known(request: Request, error: HTTPException) -> HTMLResponse:
        return error_page(request, error.status_code, str(error.detail))

    @app.exception_handler(OwnerDecides)
    def refused(request: Request, error: OwnerDecides) -> HTMLResponse:
        return error_page(request, 409, error.message)

    @app.exception_handler(NotNow)
    def not_now(request: Request, error: NotNow) -> HTMLResponse:
        return error_page(request, 503, error.message)

    @app.exception_handler(Exception)
    def our_fault(request: Request, _: Exception) -> HTMLResponse:
        """Shown outside of every other layer, after the error went to the log: it brings its own headers."""
        page = error_page(request, 500)
        page.headers.update(SECURITY_HEADERS)
        return page
