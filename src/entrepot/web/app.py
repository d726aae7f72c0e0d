"""The console as one ASGI app: composition only, every page lives in pages/."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException

from entrepot.kernel.errors import NotNow, OwnerDecides
from entrepot.web import format as show
from entrepot.web.assets import static_files
from entrepot.web.guard import CSRF_COOKIE, FormToken, Guard
from entrepot.web.desk import Desk
from entrepot.web.pages import cases, find, flows, orders, preferences, settlement, today
from entrepot.web.pages.errors import error_page
from entrepot.web.ports import Hub
from entrepot.web.reader import Reader
from entrepot.web.render import (
    DEFAULT_ZONE,
    NOTICE_COOKIE,
    THEME_COOKIE,
    THEMES,
    ZONE_COOKIE,
    Renderer,
    Visitor,
)
from entrepot.web.store import ConsoleStore

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
VISIT_BITS = 128
NOTICE_MAX_CHARS = 300


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """How the console is served.  Shape: `keyed` paths prove their callers by key or signature, never by cookie."""

    operator: str = "local operator"
    hosts: Sequence[str] = LOOPBACK
    keyed: tuple[str, ...] = ("/api/", "/hooks/")
    form_secret: bytes | None = None  # None: made at start; forms opened before a restart must be opened again


def create_app(hub: Hub, reader: Reader | None = None, settings: ConsoleSettings | None = None) -> FastAPI:
    """Build the console over a running hub.  Errors: WrongSetting when the browser assets are not installed."""
    settings = settings or ConsoleSettings()
    secret = settings.form_secret or hub.ctx.ids.token(256).encode()
    token = FormToken(secret)
    desk = Desk(
        hub=hub,
        reader=reader or ConsoleStore(hub.ctx.db, hub.plan),
        renderer=Renderer(token, hub.ctx.environment),
        token=token,
    )
    app = FastAPI(title="Entrepot", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk = desk
    app.mount("/static", static_files(), name="static")
    for module in (today, cases, orders, settlement, flows, find, preferences):
        app.include_router(module.router)
    _greet_visitors(app, desk, settings.operator)
    _answer_errors(app)
    app.add_middleware(Guard, hosts=settings.hosts, keyed=settings.keyed)
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
